"""Rules of the records that go beyond the form of one value: order, place, range, agreement of members.

Each is a `Check` of core/schema.py. Source: specs/manifest.md sections 2 to 7, specs/store.md section 2.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from evidencekit.core.checkpoint import check_origin
from evidencekit.core.note import ED25519, MLDSA44, parse_vkey
from evidencekit.core.schema import Check, Form
from evidencekit.core.values import parse_count, read_name, short
from evidencekit.errors import FormatError


def check_names(value: Any, place: str) -> None:
    """Paths have proper components; a member that says nothing is absent."""
    dot = f"{place}." if place else ""
    path = read_name(value, "path")
    if path and any(part in {b"", b".", b".."} for part in path.split(b"/")):
        raise FormatError(f"{dot}path", expected="components that are not empty, '.' or '..'", found=short(path))
    if b"\0" in path:
        raise FormatError(f"{dot}path", expected="no NUL byte", found=short(path))
    if ("stream" in value or "stream_hex" in value) and not read_name(value, "stream"):
        raise FormatError(f"{dot}stream", expected="a name, or no such member", found="an empty one")
    if ("original" in value or "original_hex" in value) and read_name(value, "original") == path:
        raise FormatError(f"{dot}original", expected="another name than path, or no such member", found="the same")


def check_ranges(value: Any, place: str) -> None:
    """Ascending, and never touching: one spelling for one set of bytes."""
    end = -1
    for item in value:
        offset, length = parse_count(item["offset"]), parse_count(item["length"])
        if offset <= end or length == 0:
            raise FormatError(place, expected="ascending ranges that do not touch", found=short(item))
        end = offset + length


def check_xattrs(value: Any, place: str) -> None:
    """Attributes in ascending order of name, none twice."""
    names = [read_name(item, "name") for item in value]
    if any(a >= b for a, b in pairwise(names)):
        raise FormatError(place, expected="attributes in ascending order of name", found=short(names))


def check_xattr_group(prefixes: tuple[bytes, ...], *, of_content: bool) -> Check:
    """Attributes with these prefixes can give away the content: they stand in `content`, the others in `metadata`."""

    def check(value: Any, place: str) -> None:
        xattrs = value.get("xattrs", [])
        names = [] if isinstance(xattrs, dict) else [read_name(item, "name") for item in xattrs]
        for name in names:
            if name.startswith(prefixes) != of_content:
                group = "metadata" if of_content else "content"
                expected = f"the attribute in the group {group}"
                raise FormatError(f"{place}.xattrs" if place else "xattrs", expected=expected, found=short(name))

    return check


def check_mode(value: Any, place: str) -> None:
    """Permission bits only: the kind of a file stands elsewhere."""
    if parse_count(value, place) > 0o7777:
        raise FormatError(place, expected="twelve permission bits", found=value)


def check_digests(value: Any, place: str) -> None:
    """SHA-256 and BLAKE3 are always taken."""
    if "blake3" not in value or "sha256" not in value:
        raise FormatError(place, expected="blake3 and sha256 among them", found=short(value))


def check_not_zero(value: Any, place: str) -> None:
    """Numbers that count from 1."""
    if value == "0":
        raise FormatError(place, expected="a number from 1 on", found="0")


def check_opening(value: Any, place: str) -> None:
    """The log's origin, and its two keys: named by it, Ed25519 first, then ML-DSA-44."""
    check_origin(value["origin"])
    keys = [parse_vkey(text) for text in value["log_keys"]]
    if [(key.name, key.kind) for key in keys] != [(value["origin"], ED25519), (value["origin"], MLDSA44)]:
        expected = "an Ed25519 and an ML-DSA-44 key named by the origin"
        raise FormatError(f"{place}.log_keys" if place else "log_keys", expected=expected, found="others")


def ruled(form: Form, rule: Check) -> Form:
    """`form`, and a rule that its values keep."""

    def check(value: Any, place: str) -> None:
        form.check(value, place)
        rule(value, place)

    return Form(form.name, check)
