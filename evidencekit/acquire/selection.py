"""Which entries of a source are wanted: globs. What is not wanted becomes an omission row, never silence.

A glob without `/` is held against the last name, with `/` against the whole path; `*` and `?` stand for any characters,
`/` too. Bytes that are not UTF-8 stand for themselves. Source: specs/manifest.md section 5.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Sequence

from evidencekit.core.schema import MAX_ARRAY, MAX_STRING
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

_Match = Callable[[str], object]


class Selection:
    """Include and exclude globs, compiled."""

    def __init__(self, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> None:
        """Take the globs as they will stand in the header.

        Raises:
            BadArgument: U230, a glob that could never match, or that the header cannot hold.
        """
        for globs in (include, exclude):
            if len(globs) > MAX_ARRAY:
                raise BadArgument(f"{len(globs)} globs are more than {MAX_ARRAY}.", code="U230")
            for glob in globs:
                _check(glob)
        self._include = _compile(include) if include else None
        self._exclude = _compile(exclude) if exclude else None
        self.everything = not include and not exclude

    def excludes(self, path: bytes) -> bool:
        """Tell whether a path is excluded by name: for folders, which `include` never leaves out."""
        return self._exclude is not None and _matches(self._exclude, path)

    def wants(self, path: bytes) -> bool:
        """Tell whether something that is not a folder is to be taken; the source itself always is."""
        if self.everything or not path:
            return True
        return not self.excludes(path) and (self._include is None or _matches(self._include, path))


def _check(glob: str) -> None:
    shown = display(glob)
    try:
        size = len(glob.encode())
    except UnicodeEncodeError:
        raise BadArgument(f"The glob {shown} is not UTF-8.", code="U230", hint="Use `?` for such a byte.") from None
    if size > MAX_STRING:
        raise BadArgument(f"A glob has {size} bytes.", code="U230", hint=f"At most {MAX_STRING} are possible.")
    if not glob or glob.startswith("/") or glob.endswith("/"):
        raise BadArgument(
            f"The glob {shown or '(empty)'} can never match.",
            code="U230",
            hint="Paths are relative to the source, without `/` at either end.",
        )


def _compile(globs: Sequence[str]) -> tuple[_Match | None, _Match | None]:
    """Return what to hold against the last name, and what against the whole path."""
    return _union([glob for glob in globs if "/" not in glob]), _union([glob for glob in globs if "/" in glob])


def _union(globs: Sequence[str]) -> _Match | None:
    return re.compile("|".join(map(fnmatch.translate, globs))).match if globs else None


def _matches(compiled: tuple[_Match | None, _Match | None], path: bytes) -> bool:
    name, whole = compiled
    text = path.decode(errors="surrogateescape")
    return (name is not None and name(text.rpartition("/")[2]) is not None) or (
        whole is not None and whole(text) is not None
    )
