"""The tag files of a bag: how their lines are spelled. Pure. Source: RFC 8493 sections 2.1 and 2.2."""

from __future__ import annotations

import re

from evidencekit.errors import FormatError

DECLARATION = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
"""All of bagit.txt."""
ALGORITHMS = {"sha256": 64, "sha512": 128}
"""Digests of the manifests, with their hex digits."""
_BREAKS = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]+")
_LINE = re.compile(r"([0-9a-f]+)[ \t]+(\S(?:.*\S)?)", re.DOTALL)


def manifest_name(algorithm: str, *, of_tags: bool = False) -> str:
    """Return the name of a manifest file."""
    return f"{'tag' if of_tags else ''}manifest-{algorithm}.txt"


def manifest_line(digest: str, path: str) -> bytes:
    """Return a line of a manifest, as sha256sum and sha512sum read it, too.

    Raises:
        ValueError: a path that BagIt escapes; ours never need that (`bag_names`).
    """
    if "%" in path or _BREAKS.search(path):
        raise ValueError(f"{path!r} has what a manifest escapes")
    return f"{digest}  {path}\n".encode()


def parse_manifest_line(line: bytes, algorithm: str, place: str) -> tuple[str, str]:
    """Return digest and path of a line without its end, in the one spelling that `manifest_line` has.

    Raises:
        FormatError: another spelling.
    """
    try:
        found = _LINE.fullmatch(line.decode())
    except UnicodeDecodeError:
        found = None
    if found is None or len(found[1]) != ALGORITHMS[algorithm] or manifest_line_or_none(*found.groups()) != line:
        raise FormatError(place, expected=f"{algorithm} in hex, two spaces, a path", found="another line")
    return found[1], found[2]


def manifest_line_or_none(digest: str, path: str) -> bytes | None:
    """Return `manifest_line` without its end; None where there can be none."""
    try:
        return manifest_line(digest, path)[:-1]
    except ValueError:
        return None


def bag_info(fields: list[tuple[str, str]]) -> bytes:
    """Return bag-info.txt: one line a field, whose text may have no line of its own."""
    return "".join(f"{label}: {_BREAKS.sub(' ', text).strip()}\n" for label, text in fields).encode()
