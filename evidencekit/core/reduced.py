"""Rows of which an order took groups away: commitments stay, so the leaf and the root stay. Pure.

Source: specs/manifest.md section 10.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from evidencekit.core import layout
from evidencekit.core.digest import group_commitment, group_salts
from evidencekit.core.records import derived_leaf_bytes, leaf_bytes
from evidencekit.core.values import parse_count

REDUCED_TYPE = "evidencekit/reduced-manifest/1"
REDUCED_DERIVED_TYPE = "evidencekit/reduced-derived/1"
GROUPS = ("name", "content", "metadata")
OPINION_RESTS_ON = frozenset({"name", "content"})
"""Groups with which an opinion about the row goes, too."""


class Reduction(NamedTuple):
    """What an `erase` event says of one manifest."""

    entry: int
    items: tuple[str, ...]
    manifest: int
    reduced: int
    """K of `N.rK.parquet`."""
    file_sha256: str
    rows: int
    """Rows of the manifest of which something is erased: by this event and all before."""

    @property
    def place(self) -> str:
        """The file that stands for the manifest."""
        return layout.manifest_file(self.manifest, self.reduced)


def replaced_forms(names: Iterable[str], standing: Mapping[int, int]) -> list[tuple[int, int]]:
    """Return number and form (0: the full one) of manifests among file names for which a later form stands.

    `standing` is the form of each number that stands. The newest come first, the full one last.
    """
    forms = ((layout.parse_manifest_name(name), layout.parse_reduced_name(name)) for name in names)
    found = [(number, 0) if number is not None else reduced for number, reduced in forms]
    return sorted((one for one in found if one and one[1] < standing.get(one[0], 0)), key=lambda one: (one[0], -one[1]))


def reductions_of(index: int, event: dict[str, Any]) -> list[Reduction]:
    """Return what an `erase` event of a known form, entry `index`, says of manifests."""
    return [
        Reduction(
            index,
            tuple(event["items"]),
            parse_count(one["manifest"]),
            parse_count(one["reduced"]),
            one["file_sha256"],
            parse_count(one["rows"]),
        )
        for one in event["body"]["manifests"]
    ]


class Opened(NamedTuple):
    """One group of a row: its commitment, and salt and bytes as long as they are not erased."""

    commitment: bytes
    salt: bytes | None
    data: bytes | None

    @property
    def is_erased(self) -> bool:
        """Tell whether nothing but the commitment is left."""
        return self.data is None

    def erase(self) -> Opened:
        """Return the group without what it says."""
        return Opened(self.commitment, None, None)


class ReducedRow(NamedTuple):
    """A row of facts, or of opinions, as far as it is still known."""

    index: int  # type: ignore[assignment]  # the format's word; nobody searches a row as a sequence
    kind: bytes
    """Of a row of facts; empty for an opinion."""
    base_index: int
    """Of an opinion; -1 for a row of facts."""
    groups: Mapping[str, Opened]
    """In the order of `GROUPS`; or `opinion` alone."""

    @property
    def is_touched(self) -> bool:
        """Tell whether something of it is erased."""
        return any(group.is_erased for group in self.groups.values())

    def without(self, names: Collection[str]) -> ReducedRow:
        """Return the row without what these groups say."""
        return self._replace(
            groups={name: group.erase() if name in names else group for name, group in self.groups.items()}
        )

    def leaf(self, base_root: str = "") -> bytes:
        """Return the leaf bytes; an opinion's need the root of the manifest that it is about."""
        said = {name: group.commitment for name, group in self.groups.items()}
        if "opinion" in said:
            return derived_leaf_bytes(self.base_index, bytes.fromhex(base_root), said["opinion"])
        kind = self.kind.decode(errors="replace")
        return leaf_bytes(kind, said["name"], said["content"], said["metadata"])


def open_groups(row_salt: bytes, stored: Mapping[str, bytes]) -> dict[str, Opened]:
    """Return the groups of a row of a full manifest, with their commitments; an opinion has the first salt.

    Raises:
        FormatError: a row salt of another length.
    """
    salts = group_salts(row_salt)
    own = {"opinion": salts.name} if "opinion" in stored else salts._asdict()
    return {name: Opened(group_commitment(name, own[name], data), own[name], data) for name, data in stored.items()}
