"""How the names of a list become paths of rows: which ways are tried. Source: specs/manifest.md section 8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from evidencekit.core.values import name_member, read_name

_HERE = re.compile(rb"(?:\./)+")


class Mapping(NamedTuple):
    """One way: a beginning that is taken away, and one that is put in its place."""

    remove: bytes = b""
    add: bytes = b""
    backslashes: bool = False
    """`\\` stands between folders, as Windows has it."""

    def path(self, name: bytes) -> bytes | None:
        """Return the path that a listed name stands for; None where it begins otherwise."""
        name = plain(name, backslashes=self.backslashes)
        return self.add + name[len(self.remove) :] if name.startswith(self.remove) else None

    def record(self) -> dict[str, Any]:
        """Return the header's `mapping`."""
        return {"backslashes": self.backslashes, **name_member("add", self.add), **name_member("remove", self.remove)}


def plain(name: bytes, *, backslashes: bool) -> bytes:
    """Return a name with slashes, and without `./` before it: no component of a path is a dot."""
    if backslashes:
        name = name.replace(b"\\", b"/")
    here = _HERE.match(name)
    return name[here.end() :] if here else name


def mappings(
    source: dict[str, Any], exhibit: str, *, under: bytes, strip: bytes, backslashes: bool
) -> Iterator[Mapping]:
    """Yield the ways to try, the plainest first.

    `source` is that of the manifest's header; `under` the folder that the list speaks of; `strip` what somebody said
    that names begin with; `backslashes` whether any name has one.
    """
    whole = read_name(source, "path").rstrip(b"/")
    own = whole.rpartition(b"/")[2]
    listed = exhibit.encode() + b"/"  # as our own lists of several exhibits have it
    beginnings = [b"", whole, own, listed + own]  # of a source that is one file: the path of its row is empty
    if source["kind"] == "directory":
        beginnings = [b"", whole + b"/", own + b"/", listed, b"/"]
    seen = set()
    for slashes in (False, True) if backslashes else (False,):
        stripped = plain(strip, backslashes=slashes)
        said = (stripped, stripped.rstrip(b"/") + b"/") if strip else ()
        for add in (b"", under + b"/") if under else (b"",):
            for remove in (*said, *beginnings):
                mapping = Mapping(remove, add, slashes)
                if mapping not in seen:
                    seen.add(mapping)
                    yield mapping
