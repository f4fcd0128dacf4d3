"""The records of a package: what is signed, one line a row shown, and what is withheld on what grounds.

Source: specs/package.md sections 1, 2 and 4.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

from evidencekit.core import encoding
from evidencekit.core.encoding import PROOF
from evidencekit.core.event import ACTOR
from evidencekit.core.event_forms import PERSON, TREE_HEAD
from evidencekit.core.layout import MAX_BRANCHES, MAX_DEPTH
from evidencekit.core.records import CASE_IDENTITY
from evidencekit.core.schema import (
    BOOL,
    COUNT,
    EXHIBIT,
    LONG_TEXT,
    MOMENT,
    TEXT,
    Form,
    Record,
    array,
    base64_bytes,
    hexadecimal,
    nullable,
    one_of,
)
from evidencekit.core.values import parse_count, short
from evidencekit.errors import FormatError

PACKAGE_TYPE = "evidencekit/package/1"
SHOWN_TYPE = "evidencekit/shown/1"
WITHHELD_TYPE = "evidencekit/withheld/1"
NAMESPACE = "evidencekit-package"
GROUPS = ("content", "metadata", "name")
MAX_LINE = PROOF.size
"""Bytes of a line of records.jsonl, without its LF."""
_MANY = 65_536
"""Files, manifests or counts of a package, beside the 4 MiB of its record."""
_GROUND = re.compile(r"(?:[a-z][a-z0-9_]{0,39}|x-[a-z0-9-]{1,40})\Z")


_BRANCH = re.compile(rf"[a-z0-9-]{{1,40}}(?:/[a-z0-9-]{{1,40}}){{0,{MAX_DEPTH - 1}}}\Z")


def _check_ground(value: Any, place: str) -> None:
    if not isinstance(value, str) or not _GROUND.match(value):
        raise FormatError(place, expected="a ground [a-z0-9_], or one's own x-…", found=short(value))


def _check_branch(value: Any, place: str) -> None:
    if not isinstance(value, str) or not _BRANCH.match(value):
        raise FormatError(
            place, expected=f"names of 1 to {MAX_DEPTH} branches [a-z0-9-], / between", found=short(value)
        )


GROUND = Form("ground", _check_ground)
BRANCH_PATH = Form("branch, or branches inside each other", _check_branch)


def _ascending(*names: str) -> Any:
    """Return a rule: members of an array of objects ascend by these members; counts compare as numbers."""

    def key(one: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(parse_count(one[name]) if name in {"manifest", "entry"} else one[name] for name in names)

    def check(value: Any, place: str) -> None:
        if any(key(a) >= key(b) for a, b in pairwise(value)):
            raise FormatError(place, expected=f"ascending by {', '.join(names)}", found="another order")

    return check


def _sorted(form: Form, *names: str) -> Form:
    rule = _ascending(*names)

    def check(value: Any, place: str) -> None:
        form.check(value, place)
        rule(value, place)

    return Form(form.name, check)


def _counted(**members: Form) -> Form:
    return Record(None, required={"count": COUNT, "ground": GROUND, **members}).form("counted")


FILE = Record(None, required={"bytes": COUNT, "path": TEXT, "sha256": hexadecimal()}).form("file {bytes, path, sha256}")
MANIFEST = Record(
    None,
    required={
        "entry": COUNT,
        "hidden": _sorted(array(_counted()), "ground"),
        "item": EXHIBIT,
        "manifest": COUNT,
        "root": hexadecimal(),
        "rows": COUNT,
        "shown": COUNT,
    },
).form("manifest {entry, hidden, item, manifest, root, rows, shown}")


def _check_sums(value: Any, place: str) -> None:
    dot = f"{place}." if place else ""
    for number, one in enumerate(value["manifests"]):
        total = parse_count(one["shown"]) + sum(parse_count(hidden["count"]) for hidden in one["hidden"])
        if total != parse_count(one["rows"]):
            expected = f"{one['rows']} rows, shown or hidden"
            raise FormatError(f"{dot}manifests[{number}]", expected=expected, found=str(total))


_OF_A_LOG: dict[str, Form] = {
    "case": CASE_IDENTITY,
    "checkpoint": TREE_HEAD,
    "items": array(EXHIBIT, least=1, ascending=True),
    "log_keys": array(TEXT, least=2, distinct=True),
    "manifests": _sorted(array(MANIFEST, most=_MANY), "manifest"),
}
"""What is said of each log of which a package shows something."""
_SHOWN_BRANCH = Record(None, required={"name": BRANCH_PATH, **_OF_A_LOG}, rules=(_check_sums,)).form("adopted case")
PACKAGE = Record(
    PACKAGE_TYPE,
    required={
        "confidentiality": nullable(TEXT),
        "created_at": MOMENT,
        "exporter": ACTOR,
        "files": _sorted(array(FILE, most=_MANY), "path"),
        "full": BOOL,
        "hash_only": BOOL,
        "onward_transfer": nullable(TEXT),
        "previous": array(Record(None, required={"origin": TEXT, "package": hexadecimal()}).form("previous package")),
        "recipient": nullable(PERSON),
        "transfer": base64_bytes(16),
        "use_limits": nullable(TEXT),
        **_OF_A_LOG,
    },
    optional={
        "branches": _sorted(array(_SHOWN_BRANCH, least=1, most=MAX_BRANCHES), "name"),
        "request": hexadecimal(),
    },
    rules=(_check_sums,),
)

_OPENED = Record(None, required={"bytes": LONG_TEXT, "salt": base64_bytes(16)}).form("opened group")
_OF_GROUPS = (*GROUPS, "opinion")


def _check_groups(value: Any, place: str) -> None:  # noqa: ARG001 (the place of the whole record is empty)
    opened, grounds = value["groups"].keys(), value["grounds"].keys()
    if opened & grounds or (opened | grounds) not in ({*GROUPS}, {"opinion"}) or not opened:
        expected = "each group of the row once, opened or with its ground, and one opened"
        raise FormatError("groups", expected=expected, found=short(sorted([*opened, *grounds])))
    if value["payload"] is not None and "content" not in opened:
        raise FormatError("payload", expected="null: the content is withheld", found="a payload")


SHOWN = Record(
    SHOWN_TYPE,
    required={
        "grounds": Record(None, optional=dict.fromkeys(_OF_GROUPS, GROUND)).form("grounds of groups withheld"),
        "groups": Record(None, optional=dict.fromkeys(_OF_GROUPS, _OPENED)).form("opened groups"),
        "index": COUNT,
        "leaf": LONG_TEXT,
        "manifest": COUNT,
        "payload": nullable(Record(None, required={"bytes": COUNT, "path": LONG_TEXT}).form("payload")),
        "proof": nullable(array(base64_bytes(32))),
    },
    rules=(_check_groups,),
)

WITHHELD = Record(
    WITHHELD_TYPE,
    required={
        "events": _sorted(
            array(Record(None, required={"entry": COUNT, "ground": GROUND}).form("hidden event"), most=_MANY), "entry"
        ),
        "grounds": _sorted(
            array(Record(None, required={"ground": GROUND, "label": TEXT}).form("ground and label")), "ground"
        ),
        "groups": _sorted(
            array(_counted(group=one_of(*_OF_GROUPS), manifest=COUNT), most=_MANY), "manifest", "group", "ground"
        ),
        "rows": _sorted(array(_counted(manifest=COUNT), most=_MANY), "manifest", "ground"),
    },
)


def encode_record(schema: Record, record: dict[str, Any]) -> bytes:
    """Return the canonical bytes of a record of a package.

    Raises:
        FormatError: a member outside the schema; over 4 MiB (code F102).
    """
    schema.check(record)
    return encoding.encode(record, PROOF)


def decode_record(schema: Record, data: bytes) -> dict[str, Any]:
    """Return the record of a package that `data` spells.

    Raises:
        FormatError: another spelling, another schema, over 4 MiB.
    """
    record = encoding.decode(data, PROOF)
    schema.check(record)
    return record
