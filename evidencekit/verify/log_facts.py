"""What the walk over the log found out, as far as later steps need it.

Source: specs/verification.md section 1 steps 3 to 9.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from evidencekit.core.merkle import EMPTY_ROOT, HASH_SIZE
from evidencekit.core.values import parse_count


class Sealing(NamedTuple):
    """A `seal` or `derive` event, as far as manifests need it."""

    entry: int
    derived: bool
    exhibit: str
    manifest: int
    root: str
    rows: int
    file_sha256: str
    header: str
    base_root: str | None
    kind: str | None
    engine: dict[str, Any] | None
    acquired: int | None
    """Entry of the item's newest `acquire` event before, where that is known."""


@dataclass(slots=True)
class Log:
    """What the walk found out."""

    size: int
    """Size of the newest checkpoint."""
    roots: bytearray = field(default_factory=lambda: bytearray(EMPTY_ROOT))
    """Roots of the sizes 0, 1, 2 …, as far as they can be computed."""
    sealings: list[Sealing] = field(default_factory=list)
    signers: bytearray = field(default_factory=bytearray)
    """How many signature files each entry has; 255 where that is not known."""
    unknown_types: bool = False
    """Events of unknown types may name files that we cannot judge."""

    def root(self, size: int) -> bytes | None:
        """Return the root of the first `size` entries, None where it cannot be computed."""
        root = bytes(self.roots[size * HASH_SIZE : (size + 1) * HASH_SIZE])
        return root or None


def sealing_of(index: int, event: dict[str, Any], acquired: int | None) -> Sealing:
    """Return what a `seal` or `derive` event of a known form says."""
    body = event["body"]
    return Sealing(
        entry=index,
        derived=event["type"] == "derive",
        exhibit=event["items"][0] if event["items"] else "",
        manifest=parse_count(body["manifest"]),
        root=body["root"],
        rows=parse_count(body["rows"]),
        file_sha256=body["file_sha256"],
        header=body["header"],
        base_root=body.get("base_root"),
        kind=body.get("kind"),
        engine=body.get("engine"),
        acquired=acquired,
    )
