"""Globs over names that are bytes: what `include` and `exclude` of a manifest's header mean, and `find --name`.

Promise: one meaning everywhere, whatever the version of Python; no glob makes matching go back and forth for ever.
Source: specs/manifest.md section 6.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

# A set ends at the first `]` that is not its first member; without one, its `[` is a character like others.
_TOKEN = re.compile(r"\*|\?|\[(!?+\]?+[^\]]*+)\]|.", re.DOTALL)
_MEMBER = re.compile(r"(.)-(.)|.", re.DOTALL)


class Globs:
    """Some globs; false where there are none."""

    def __init__(self, globs: Sequence[str]) -> None:
        """Compile them: those without `/` are held against the last name, the others against the whole path."""
        self._name = _union([glob for glob in globs if "/" not in glob])
        self._whole = _union([glob for glob in globs if "/" in glob])

    def __bool__(self) -> bool:
        return self._name is not None or self._whole is not None

    def match(self, path: bytes) -> bool:
        """Tell whether one of them matches a path."""
        text = path.decode(errors="surrogateescape")
        return bool(
            (self._name and self._name.fullmatch(text.rpartition("/")[2]))
            or (self._whole and self._whole.fullmatch(text))
        )


def glob_pattern(glob: str) -> str:
    """Return the regular expression of a glob, for a full match of text with undecodable bytes as surrogates."""
    runs = [""]
    for token in _TOKEN.finditer(glob):
        if token[0] == "*":
            runs.append("")
        else:
            runs[-1] += "." if token[0] == "?" else re.escape(token[0]) if token[1] is None else _set(token[1])
    first, *inner = runs
    last = f".*{inner.pop()}" if inner else ""
    # The nearest place of each run between stars is as good as any later one: so no place is ever tried again.
    return f"(?s:{first}{''.join(f'(?>.*?{run})' for run in inner if run)}{last})"


def _set(members: str) -> str:
    """Return the expression of what stands between `[` and `]`; a range whose ends are reversed has no members."""
    negated = members.startswith("!")
    found = ""
    for member in _MEMBER.finditer(members, negated):
        low, high = member[1] or member[0], member[2] or member[0]
        if low <= high:
            found += f"{re.escape(low)}-{re.escape(high)}"
    if not found:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{found}]"


def _union(globs: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(map(glob_pattern, globs))) if globs else None
