"""The records of derived manifests: header, and for each kind of opinion its group, its totals, its view column.

Source: specs/manifest.md section 8.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from evidencekit.core.records import (
    CASE_IDENTITY,
    DERIVED_TYPE,
    EXTRA_DIGESTS,
    MATCH_TYPE,
    MEDIA_TYPE_TYPE,
    PROGRAM,
)
from evidencekit.core.schema import (
    BOOL,
    COUNT,
    EXHIBIT,
    MOMENT,
    TEXT,
    Record,
    array,
    hexadecimal,
    mapping,
    nullable,
    one_of,
    some_of,
)
from evidencekit.core.values import short
from evidencekit.errors import FormatError

DIGEST_SIZES = {"sha256": 32, "blake3": 32, **EXTRA_DIGESTS}
"""Every digest that a row can have, with its size in bytes."""
RESULTS = ("same", "differs", "moved", "not_listed", "not_comparable")
"""What comes out where a row is compared with a list."""


# --- groups of an opinion --------------------------------------------------------------------------------------


MEDIA_TYPE = Record(
    MEDIA_TYPE_TYPE,
    required={"charset": nullable(TEXT), "error": nullable(TEXT), "media_type": nullable(TEXT)},
)


def _check_match(value: Any, place: str) -> None:
    """What was compared, what the list says otherwise, where it has the content: each just with its result."""
    dot = f"{place}." if place else ""
    result = value["result"]
    compared = value.get("compared")
    if (compared is not None) != (result in {"same", "differs", "moved"}):
        raise FormatError(f"{dot}compared", expected="just where something was compared", found=result)
    if compared is not None and result != "differs" and DIGEST_SIZES.keys().isdisjoint(compared):
        raise FormatError(f"{dot}compared", expected="a digest: a size alone proves nothing", found=short(compared))
    listed = value.get("listed")
    if (listed is not None) != (result == "differs"):
        raise FormatError(f"{dot}listed", expected="just where the list says otherwise", found=result)
    if listed is not None and not listed.keys() <= set(compared or ()):
        raise FormatError(f"{dot}listed", expected="nothing that was not compared", found=short(sorted(listed)))
    if ("listed_as" in value or "listed_as_hex" in value) != (result == "moved"):
        raise FormatError(
            f"{dot}listed_as", expected="just where the content is listed under another path", found=result
        )


MATCH = Record(
    MATCH_TYPE,
    required={"result": one_of(*RESULTS)},
    optional={
        "compared": array(one_of(*DIGEST_SIZES, "size"), least=1, ascending=True),
        "listed": some_of("facts", size=COUNT, **{name: hexadecimal(size) for name, size in DIGEST_SIZES.items()}),
    },
    optional_names=frozenset({"listed_as"}),
    rules=(_check_match,),
)


class OpinionKind(NamedTuple):
    """A kind of opinion."""

    group: Record
    view: str
    """The member of the group that the view column of the same name repeats."""
    totals: tuple[str, ...]
    """What the header counts."""


OPINION_KINDS = {
    "media-type": OpinionKind(MEDIA_TYPE, "media_type", ("errors", "rows")),
    "match": OpinionKind(MATCH, "result", (*sorted(RESULTS), "rows")),
}
"""By the name that headers and `derive` events give."""


# --- header ----------------------------------------------------------------------------------------------------


ENGINE = Record(None, required={"data_sha256": nullable(hexadecimal()), "name": TEXT, "version": TEXT}).form("engine")
MAPPING = Record(None, required={"backslashes": BOOL}, names=frozenset({"add", "remove"})).form("mapping")
"""How listed names become paths of rows."""
COMPARISON = Record(
    None,
    required={
        "digests": array(one_of(*DIGEST_SIZES), least=1, ascending=True),
        "entries": COUNT,
        "mapping": MAPPING,
        "missing": COUNT,
        "unreadable_lines": COUNT,
    },
    names=frozenset({"under"}),
).form("comparison")
"""What a list is, and how it was compared."""


def _check_kind(value: Any, place: str) -> None:
    """Totals are those of the kind; a comparison stands just with kind `match`, and names the list by its digest."""
    dot = f"{place}." if place else ""
    is_match = value["kind"] == "match"
    expected = OPINION_KINDS[value["kind"]].totals
    if value["totals"].keys() != set(expected):
        raise FormatError(f"{dot}totals", expected=" ".join(expected), found=short(sorted(value["totals"])))
    if ("match" in value) != is_match:
        raise FormatError(f"{dot}match", expected="just with kind match", found=value["kind"])
    if is_match and value["engine"]["data_sha256"] is None:
        raise FormatError(f"{dot}engine.data_sha256", expected="the digest of the list", found="null")


DERIVED = Record(
    DERIVED_TYPE,
    required={
        "base_manifest": COUNT,
        "base_root": hexadecimal(),
        "case": CASE_IDENTITY,
        "engine": ENGINE,
        "exhibit": EXHIBIT,
        "finished_at": MOMENT,
        "kind": one_of(*OPINION_KINDS),
        "program": PROGRAM,
        "started_at": MOMENT,
        "totals": mapping(COUNT),
    },
    optional={"match": COMPARISON},
    rules=(_check_kind,),
)


def is_under(path: bytes, folder: bytes) -> bool:
    """Tell whether a path is `folder`, or lies in it; all lie in the source, whose path is empty."""
    return not folder or path == folder or path.startswith(folder + b"/")
