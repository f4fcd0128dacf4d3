"""What came of `acquire`, in words and as JSON: counts of the sealed header, so that what is said is what is sealed.

Promises: pure; names are escaped. Source: specs/manifest.md section 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from evidencekit.cli.render import counted, human_size
from evidencekit.cli.words import CLOCK, Line, header_lines, mounted_line, omission_lines, omissions
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.values import display, name_member

LISTED = 100
"""Omissions that a person is shown by name."""
LISTED_JSON = 1000


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies of content that were kept."""

    objects: int
    """Files that were written, each content once."""
    bytes: int
    """What they hold."""
    deduplicated: int
    """Rows whose content was kept already."""
    checked: bool
    """Each was read again and agreed."""
    place: str | None = None
    """The second medium; None for the case itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What there is to say at the end of `acquire`. `header` to `reasons` stay empty where nothing was taken now."""

    exhibit: str
    checkpoint: Checkpoint
    """The newest one."""
    signed_by: str
    """Name and fingerprint of the signer, as given."""
    not_stated: Sequence[str] = ()
    header: Mapping[str, Any] | None = None
    """The sealed header (specs/manifest.md section 7): rows by kind and state, bytes, source, interruptions."""
    root: bytes | None = None
    """Of the manifest."""
    sealed: Checkpoint | None = None
    """The one under which the seal stood first."""
    sealed_at: str | None = None
    """`recorded_at` of the seal's entry."""
    omitted: Sequence[tuple[bytes, str, str | None]] = ()
    """Path, state, reason of the first omissions, in the order of the manifest: LISTED_JSON of them, or all."""
    reasons: Mapping[tuple[str, str | None], int] = field(default_factory=dict)
    """All omissions by state and reason. `changed` has none."""
    copies: Copies | None = None
    second: Copies | None = None
    """The same on the second medium."""
    typed: int | None = None
    """Files whose media types were recorded now."""
    untyped: int = 0
    """Those of them that gave no type."""

    @property
    def omissions(self) -> dict[str, int]:
        """Return their numbers by state, as the header has them."""
        return {} if self.header is None else omissions(self.header["totals"])


def headline(summary: Summary) -> str:
    """Return the one line that is said with --quiet, too."""
    exhibit, header = summary.exhibit, summary.header
    if header is not None and summary.root is not None and summary.sealed is not None:
        totals = header["totals"]
        return (
            f"sealed {exhibit}: {counted(int(totals['rows']), 'row')}, {human_size(int(totals['bytes']))}, "
            f"checkpoint {summary.sealed.size}, manifest root {summary.root.hex()}"
        )
    if summary.typed is not None:
        return f"{exhibit}: media types of {_typed(summary)}"
    return f"{exhibit}: nothing was left to do, checkpoint {summary.checkpoint.size}"


def lines(summary: Summary) -> list[Line]:
    """Return what is said below the headline."""
    said: list[Line] = []
    if summary.header is not None:
        said.append((f"  sealed    {summary.sealed_at}, {CLOCK}", None))
        said.append((f"  signed    by {display(summary.signed_by)}", None))
        said += header_lines(summary.header["totals"], summary.header.get("interruptions"))
        said += [(f"  copies    {_copied(summary.copies)}", None)] if summary.copies else []
        said += [(f"  second    {_copied(summary.second)}", None)] if summary.second else []
        said += [(f"  types     {_typed(summary)}", None)] if summary.typed is not None else []
        if summary.header["source"].get("read_only") is False:
            said.append(mounted_line(summary.header["source"]))
    if summary.not_stated:
        said.append((f"  not stated: {', '.join(summary.not_stated)}", "warning"))
    return said + omission_lines(_groups(summary), sum(summary.omissions.values()))


def document(summary: Summary) -> dict[str, Any]:
    """Return it as JSON takes it."""
    newest, header = summary.checkpoint, summary.header
    totals = None if header is None else header["totals"]
    return {
        "checkpoint": {"origin": newest.origin, "root": newest.root.hex(), "size": newest.size},
        "copies": None if summary.copies is None else asdict(summary.copies),
        "exhibit": summary.exhibit,
        "not_stated": list(summary.not_stated),
        "omissions": summary.omissions,
        "omitted": [
            {**name_member("path", path), "reason": reason, "state": state}
            for path, state, reason in summary.omitted[:LISTED_JSON]
        ],
        "resumed": None if header is None else header.get("interruptions"),
        "root": None if summary.root is None else summary.root.hex(),
        "rows": None if totals is None else int(totals["rows"]),
        "sealed_at": summary.sealed_at,
        "sealed_at_size": None if summary.sealed is None else summary.sealed.size,
        "second": None if summary.second is None else asdict(summary.second),
        "source": None if header is None else header["source"],
        "totals": totals,
        "typed": summary.typed,
    }


def _groups(summary: Summary) -> list[dict[str, Any]]:
    """Return all omissions by state and reason, the most frequent first; the first LISTED with their names."""
    groups: dict[tuple[str, str | None], dict[str, Any]] = {
        (state, reason): {
            "count": count,
            "examples": [],
            "list_all": f"evidencekit find CASE --item {summary.exhibit} --state {state}",
            "reason": reason,
            "state": state,
        }
        for (state, reason), count in sorted(
            summary.reasons.items(), key=lambda one: (-one[1], one[0][0], one[0][1] or "")
        )
    }
    for path, state, reason in summary.omitted[:LISTED]:
        if (state, reason) in groups:
            groups[state, reason]["examples"].append(display(path) or "(the source itself)")
    return list(groups.values())


def _copied(copies: Copies) -> str:
    where = "" if copies.place is None else f"{display(copies.place)}: "
    already = f"; {counted(copies.deduplicated, 'row')} of content that was kept already" if copies.deduplicated else ""
    checked = "each was read again and agrees" if copies.checked else "not read again"
    return f"{where}{counted(copies.objects, 'object')}, {human_size(copies.bytes)}; {checked}{already}"


def _typed(summary: Summary) -> str:
    none = f", {summary.untyped:,} of them without a type" if summary.untyped else ""
    return f"{counted(summary.typed or 0, 'file')}{none}, checkpoint {summary.checkpoint.size}"
