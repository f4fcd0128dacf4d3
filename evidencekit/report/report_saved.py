"""A verification that was saved as JSON: its form is checked before a report rests on it, and so are its sums. Pure.

Promise: what passes has every member that a report shows, of the form that it shows; nothing here says that it is true.
Source: specs/report.schema.json.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from evidencekit.core.finding import ASPECTS
from evidencekit.core.values import parse_count, parse_instant, short
from evidencekit.errors import BadArgument, FormatError

MAX_FILE = 64 << 20
"""Bytes: 10,000 findings of three texts of 1,024 characters fit."""
_AS_OF = re.compile(r"as of ([0-9T:.-]{29}Z), by --now\b")
_HEX, _CODE, _FINDING = re.compile(r"[0-9a-f]{64}"), re.compile(r"[a-z_]+"), re.compile(r"[EW][1-9][0-9]{2}")
_KEYS = {"VERIFIED": 0, "INTEGRITY ONLY": 7, "FAILED": 3, "NOT CHECKED": 4}


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 64


def _counted(value: Any) -> bool:
    parse_count(value)
    return True


def _matches(pattern: re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def _nothing_or(form: Any) -> Callable[[Any], bool]:
    return lambda value: value is None or _fits(value, form)


def _each(form: Any, most: int = 1_000_000) -> Callable[[Any], bool]:
    return lambda value: (
        isinstance(value, dict) and len(value) <= most and all(_fits(one, form) for one in value.values())
    )


def _one_of(*words: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


def _moment(value: Any) -> bool:
    parse_instant(value["time"])
    offset = value["utc_offset_min"]
    return value["precision"] in {"day", "min", "s", "ms", "ns"} and (offset is None or abs(offset) < 24 * 60)


_COUNTED = {"rows": _counted, "shown": _counted, "hidden": [{"count": _counted, "ground": str}]}
_LOG = {"manifests": _nothing_or([_COUNTED])}
_FORM = {
    "_t": _one_of("evidencekit/report/1"),
    "subject": _one_of("case", "package"),
    "verdict": _one_of(*_KEYS),
    "scope": _one_of("record", "record and evidence", "package"),
    "reason": str,
    "exit_code": _number,
    "aspects": {name: {"reason": str, "status": _one_of("ok", "failed", "not_checked")} for name in ASPECTS},
    "checked": [str],
    "checkpoint": _nothing_or({"origin": str, "root": _matches(_HEX), "size": _number}),
    "counts": {
        "checked": _each(_number),
        "files_of_record": dict.fromkeys(("checked", "not_checked", "total"), _number),
        "findings": {"by_code": _each(_number), "total": _number},
        "rows": _number,
        "states": _each(_number),
    },
    "findings": [
        {"code": _matches(_FINDING), "expected": str, "found": str,
         "severity": _one_of("error", "warning", "note"), "where": str}
    ],
    "not_checked": [{"aspect": _one_of(*ASPECTS), "code": _matches(_CODE), "reason": str, "what": str}],
}  # fmt: skip
_PACKAGE = {
    "digest": _nothing_or(_matches(_HEX)),
    "items": _nothing_or([str]),
    "created_at": _nothing_or(_moment),
    "exporter": _nothing_or({"id": str, "key": str}),
    **_LOG,
}


def read_verification(data: bytes, name: str) -> tuple[dict[str, Any], str | None]:
    """Return a saved verification, and the instant that it was judged as of, where it says so.

    Args:
        data: the file.
        name: as the person named it, safe to show.

    Raises:
        BadArgument: U611, it is no document of `verify --json` of a case or package, or its numbers do not add up.
    """
    try:
        record: Any = json.loads(data) if len(data) <= MAX_FILE else None
    except (UnicodeDecodeError, ValueError, RecursionError):
        record = None
    if not _fits(record, _FORM) or not _fits_the_rest(record):
        raise _refused(name, "it is no report of a case or a package as `verify --json` prints it")
    counts = record["counts"]
    files, findings = counts["files_of_record"], counts["findings"]
    sums = (
        (counts["rows"], sum(counts["states"].values())),
        (findings["total"], sum(findings["by_code"].values())),
        (files["total"], files["checked"] + files["not_checked"]),
    )
    for total, parts in sums:
        if total != parts:
            raise _refused(name, f"its numbers do not add up: {short(total)} is not {short(parts)}")
    found = [match[1] for line in record["checked"] if (match := _AS_OF.match(line))]
    return record, found[0] if found else None


def _fits_the_rest(record: Mapping[str, Any]) -> bool:
    """Return whether verdict, exit code and subject agree, and the rest has a form that can be shown."""
    if record["exit_code"] != _KEYS[record["verdict"]] or ("package" in record) != (record["subject"] == "package"):
        return False
    if not all(_fits(record["counts"].get(name, 0), _number) for name in ("bytes", "entries", "exhibits")):
        return False
    listed = [one for one in record["findings"] if one["code"] != "W999"]
    if len(listed) > record["counts"]["findings"]["total"]:
        return False
    return "package" not in record or (
        _fits(record["package"], _PACKAGE) and all(_fits(one, _LOG) for one in record["package"].get("branches") or ())
    )


def _fits(value: Any, form: Any) -> bool:
    """Return whether a value is of a form: a type, a form of each member, one of each element, or a function."""
    if isinstance(form, dict):
        return isinstance(value, dict) and all(name in value and _fits(value[name], of) for name, of in form.items())
    if isinstance(form, list):
        return isinstance(value, list) and all(_fits(one, form[0]) for one in value)
    if isinstance(form, type):
        return isinstance(value, form)
    try:
        return bool(form(value))
    except (FormatError, KeyError, TypeError):
        return False


def _refused(name: str, why: str) -> BadArgument:
    hint = "Save one with `evidencekit verify PATH --json > FILE`, or leave --verification out."
    return BadArgument(f"{name} is not used: {why}.", code="U611", hint=hint)
