"""Globs and texts over names that are bytes, as `find` takes them.

What a glob means stands in core/globs.py; the source itself (path empty) has an empty last name: `*` matches it.
"""

from __future__ import annotations

import re
from functools import lru_cache

from evidencekit.core.globs import glob_pattern


def name_bytes(text: str) -> bytes:
    """Return the bytes that a text from a command line stands for: undecoded ones come as surrogates."""
    return text.encode("utf-8", "surrogateescape")


def glob_matches(pattern: bytes, ignore_case: bool, path: bytes) -> bool:
    """Tell whether a glob matches a path, both as raw bytes."""
    text = path if b"/" in pattern else path.rpartition(b"/")[2]
    return _compiled(pattern, ignore_case).fullmatch(text.decode(errors="surrogateescape")) is not None


def contains_folded(wanted: str, path: bytes) -> bool:
    """Tell whether a path contains a text that was folded by `fold`."""
    return wanted in fold(path)


def fold(path: bytes) -> str:
    """Return a name without the difference of upper and lower case."""
    return path.decode(errors="surrogateescape").casefold()


@lru_cache(maxsize=64)
def _compiled(pattern: bytes, ignore_case: bool) -> re.Pattern[str]:
    return re.compile(glob_pattern(pattern.decode(errors="surrogateescape")), re.IGNORECASE if ignore_case else 0)
