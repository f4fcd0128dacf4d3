"""What is recorded of an acquisition, in words: `show` and the end of `acquire` say the same.

Promises: pure; names are escaped; a sum is written as a sum only where it is right.
Source: specs/manifest.md sections 5 and 7.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from evidencekit.cli.render import counted, human_size
from evidencekit.core.records import KINDS, STATES
from evidencekit.core.values import display, read_name

Line: TypeAlias = tuple[str, str | None]
"""A text and its style, as `Screen.say` takes them."""

CLOCK = "by the case's own clock"
_ATIMES = {"untouched": "; access times were left alone", "may_change": "; reading may have changed access times"}


def unfinished_line(origin: str) -> Line:
    """Return what is said of a log of which not all is told."""
    what = f"UNFINISHED: entries of {origin} above its newest checkpoint are not shown"
    return f"{what}: evidencekit checkpoint finish", "warning"


def item_lines(item: Mapping[str, Any]) -> list[Line]:
    """Return how a sealed item was acquired; `item` is as `catalogue.summary` has it."""
    source = display(bytes.fromhex(item["source_hex"]) if item["source_hex"] else item["source"])
    host = f", on {display(item['host'])}" if item["host"] else ""
    options = item["options"]
    return [
        (f"  source    {source}{host}", None),
        mounted_line(item),
        (f"  taken     {item['started_at']} to {item['finished_at']}", None),
        (f"  sealed    {item['sealed_at']}, {CLOCK}", None),
        *header_lines(item["totals"], item["resumed"]),
        (f"  digests   {', '.join(item['digests'])}", None),
        *([(f"  request   {item['particulars']['request']}", None)] if "request" in item["particulars"] else []),
        (f"  copies    {'kept' if item['copies'] else 'not kept: digests stand for the content'}", None),
        *(
            (f"  {name:<9} {', '.join(map(display, options[name]))}", None)
            for name in ("include", "exclude")
            if options[name]
        ),
        (f"  types     {item['media_types']}", None),
        *(_match_line(match) for match in item["matches"]),
        *([(f"  not stated: {', '.join(item['not_stated'])}", "warning")] if item["not_stated"] else []),
        *_erased_lines(item),
        *omission_lines(item["omissions"], sum(omissions(item["totals"]).values()), has_erased=item["erased"] > 0),
    ]


def _erased_lines(item: Mapping[str, Any]) -> list[Line]:
    """Return what was erased by an order: the sums above stand as they were sealed."""
    if not item["erased"]:
        return []
    return [(f"  ERASED    something of {counted(item['erased'], 'row')}, by an order; sums are as sealed", "warning")]


def _match_line(match: Mapping[str, Any]) -> Line:
    """Return what a comparison with a list came to."""
    counts = [f"{count:,} {name}" for name, count in match["results"].items() if count]
    about, under = match["match"], read_name(match["match"], "under")
    counts += [f"{int(about['missing']):,} missing"] if about["missing"] != "0" else []
    unread = int(about["unreadable_lines"])
    counts += [f"{counted(unread, 'line')} not understood"] if unread else []
    folder = f" of {display(under)}" if under else ""
    what = f"{display(match['format'])} list{folder}, SHA-256 {match['list_sha256']}"
    return f"  match     {what}: {', '.join(counts) or 'no row'}", None


def header_lines(totals: Mapping[str, Any], interruptions: Mapping[str, Any] | None) -> list[Line]:
    """Return rows by state and by kind, as sums, and what became of an acquisition that was interrupted."""
    rows = int(totals["rows"])
    said = [
        _sum("rows", rows, _counts(totals["states"], STATES), f"; {human_size(int(totals['bytes']))}"),
        _sum("kinds", rows, _counts(totals["kinds"], KINDS)),
    ]
    if interruptions:
        times = interruptions["resumed_at"]
        kept, again, gone = (int(interruptions[f"rows_{what}"]) for what in ("kept", "taken_again", "gone"))
        often = counted(len(times), "time")
        what = f"{counted(kept, 'row')} kept as taken before, {again:,} taken again, {gone:,} gone from the source"
        said.append((f"  resumed   {often}, last at {times[-1]['time']}: {what}", None))
    return said


def mounted_line(source: Mapping[str, Any]) -> Line:
    """Return whether the source could be written; `source` has `read_only`, `mount`, `atime` as the header has them."""
    mount = source["mount"]
    where = "" if mount is None else display(f", {mount['fs_type']} on {mount['device']} ({mount['options']})")
    read_only = source.get("read_only")
    if read_only or (read_only is None and source["atime"] == "read_only_mount"):
        return f"  mounted   read-only{where}", None
    atime = _ATIMES.get(source["atime"], "")
    if read_only is None:
        return f"  mounted   not recorded whether it could be written{where}{atime}", None
    return f"  mounted   WRITABLE: it could be changed while it was taken{where}{atime}", "warning"


def omission_lines(groups: Iterable[Mapping[str, Any]], total: int, *, has_erased: bool = False) -> list[Line]:
    """Return the omissions by `state` and `reason`: `count`, paths that are safe to show, the command for the rest.

    `groups` are as `catalogue.summary` has them; `total` is what they must add up to, unless rows were erased.
    """
    groups = list(groups)
    if not groups and not total:
        return []
    found = sum(group["count"] for group in groups)
    wrong = "" if found == total or (has_erased and found < total) else f", but {found:,} are listed: that must not be"
    said: list[Line] = [(f"  OMISSIONS {total:,}{wrong}", "warning")]
    for group in groups:
        why = f", {group['reason']}" if group["reason"] else ""
        said.append((f"    {group['count']:,} {group['state']}{why}", None))
        said += [(f"      {path}", None) for path in group["examples"]]
        rest = group["count"] - len(group["examples"])
        if rest > 0:
            said.append((f"      … {rest:,} more: `{group['list_all']}`", None))
    return said


def omissions(totals: Mapping[str, Any]) -> dict[str, int]:
    """Return the numbers of omissions by state, as a header's totals have them."""
    return {state: count for state, count in _counts(totals["states"], STATES).items() if state != "complete"}


def _counts(record: Mapping[str, str], names: Sequence[str]) -> dict[str, int]:
    """Return the counts of a header that are not zero, in the order of the specification: `complete` comes first."""
    return {name: int(record[name]) for name in names if record[name] != "0"}


def _sum(name: str, total: int, parts: Mapping[str, int], more: str = "") -> Line:
    each = ", ".join(f"{count:,} {what}" for what, count in parts.items())
    if sum(parts.values()) == total:
        return f"  {name:<9} {total:,} = {each}{more}", None
    return f"  {name:<9} {total:,}, but {each} make {sum(parts.values()):,}{more}", "warning"
