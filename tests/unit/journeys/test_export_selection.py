"""What a selection chooses, held against a computation of its own from the sealed rows: each kind of criterion, and many.

Kinds add up (all have to be met), of one kind any is enough, and rows that are named come besides.
Source: specs/package.md section 2; `evidencekit export --help`.
"""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from fnmatch import fnmatchcase

import pytest

from evidencekit.acquire.options import Options
from evidencekit.catalogue.record import read_record
from evidencekit.errors import BadArgument
from evidencekit.journeys.export_plan import Request, make_plan
from evidencekit.journeys.export_rows import Wanted

DIGESTS = ("blake3", "md5", "sha1", "sha256", "sha3_256", "sha512")
BASE_NS = 1_600_000_000_000_000_000
DAY_NS = 86_400_000_000_000


@dataclass(frozen=True)
class Fact:
    """A sealed row, as the test knows it."""

    item: str
    index: int
    path: str
    kind: str
    size: int | None
    mtime_ns: int | None
    digests: frozenset[str]


@pytest.fixture(scope="module", params=[False, True], ids=["path", "shuffled"])
def bench(rc, tmp_path_factory, request):
    """Two exhibits of files that differ in size and time, some with equal contents."""
    folder = tmp_path_factory.mktemp("selection")
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    facts = []
    for exhibit, manifest in (("EX-001", 1), ("EX-002", 3)):
        source = folder / exhibit
        for number in range(24):
            path = source / f"d{number % 4}" / f"f{number:02}.{('txt', 'pdf', 'jpg')[number % 3]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{exhibit if number % 5 else 'both'} {number % 7}\n" * (number % 6 * 100 + 1))
            os.utime(path, ns=(0, BASE_NS + number * DAY_NS))
        os.symlink("f00.txt", source / "d0" / "link")
        options = Options(digests=DIGESTS, sensitive=request.param)
        office.acquire(folder / "case", source, exhibit, options=options)
        facts += [fact(exhibit, row) for row in rc.rows(folder / "case", manifest)]
    return folder / "case", facts, folder / "cache"


def fact(item, row):
    name, content, metadata = (json.loads(one) for one in (row.name, row.content, row.metadata))
    size, mtime = content["size"], metadata.get("mtime_ns")
    return Fact(
        item, row.index, name["path"], row.kind, None if size is None else int(size),
        None if mtime is None else int(mtime), frozenset(content[one] for one in DIGESTS if content.get(one)),
    )  # fmt: skip


def chosen(bench, **wanted):
    case, _, cache = bench
    plan = make_plan(read_record(case), Request(wanted=Wanted(**wanted), hash_only=True), cache_folder=cache)
    (share,) = plan.shares
    rows = [choice for choice in share.choices if not choice.is_derived]
    found = {(choice.item, index) for choice in rows for index in range(choice.rows) if choice.shows(index)}
    counted = sum(share.tallies[choice.manifest].shown for choice in rows)
    assert counted == len(found)
    return found


def expected(facts, **wanted):
    """The same, by rules of our own."""
    items, globs = wanted.get("items", ()), wanted.get("globs", ())
    digests = {*wanted.get("digests", ()), *(wanted.get("listed") or ())}
    bounds, rows = wanted.get("bounds") or {}, wanted.get("rows", ())
    by_digest = "digests" in wanted or wanted.get("listed") is not None
    has_criteria = bool(globs or by_digest or bounds or "sql" in wanted)

    def meets(one):
        size, mtime = one.size, one.mtime_ns
        tests = [
            not items or one.item in items,
            not globs or any(fnmatchcase(one.path if "/" in g else one.path.rpartition("/")[2], g) for g in globs),
            not by_digest or bool(one.digests & digests),
            "larger" not in bounds or (size is not None and size > bounds["larger"]),
            "smaller" not in bounds or (size is not None and size < bounds["smaller"]),
            "after" not in bounds or (mtime is not None and mtime >= bounds["after"]),
            "before" not in bounds or (mtime is not None and mtime < bounds["before"]),
            "sql" not in wanted or (one.kind == "file" and (size or 0) % 2 == 1),
        ]
        return all(tests)

    def is_named(one):
        for text in rows:
            item, _, path = text.partition(":")
            if path and one.item == item and (one.path == path or one.path.startswith(path + "/")):
                return True
            if text == f"{one.item}#{one.index}":
                return True
        return False

    every = items or has_criteria or not rows
    mentioned = {text.partition(":")[0].partition("#")[0] for text in rows}
    return {
        (one.item, one.index) for one in facts
        if is_named(one) or (every and meets(one) and (has_criteria or one.item not in mentioned))
    }  # fmt: skip


def any_of(facts, kind):
    digests = sorted({digest for one in facts for digest in one.digests})
    return {
        "items": lambda pick: (pick.choice(["EX-001", "EX-002"]),),
        "globs": lambda pick: tuple(pick.sample(["*.txt", "*.pdf", "f0*", "d1/*", "*[13]*", "?0?.jpg"], pick.randint(1, 2))),
        "digests": lambda pick: tuple(pick.sample(digests, 2)),
        "listed": lambda pick: frozenset([*pick.sample(digests, 8), "0" * 64, "f" * 32]),
        "sql": lambda pick: "kind = 'file' AND size % 2 = 1",
        "bounds": lambda pick: pick.choice([
            {"larger": 700}, {"smaller": 800}, {"larger": 100, "smaller": 3000}, {"after": BASE_NS + 7 * DAY_NS},
            {"before": BASE_NS + 9 * DAY_NS}, {"after": BASE_NS + 3 * DAY_NS, "before": BASE_NS + 15 * DAY_NS},
        ]),
        "rows": lambda pick: tuple(pick.sample(["EX-001:d1", "EX-001:d2/f02.jpg", "EX-001#3", "EX-002:d3", "EX-002#0"], 2)),
    }[kind]  # fmt: skip


KINDS = ("items", "globs", "digests", "listed", "sql", "bounds", "rows")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_alone(bench, kind):
    for seed in range(4):
        wanted = {kind: any_of(bench[1], kind)(random.Random(seed))}
        there = expected(bench[1], **wanted)
        assert there
        assert chosen(bench, **wanted) == there, wanted


def test_several_together(bench):
    nothing = some = 0
    for seed in range(40):
        pick = random.Random(seed)
        wanted = {kind: any_of(bench[1], kind)(pick) for kind in pick.sample(KINDS, pick.randint(2, 4))}
        there = expected(bench[1], **wanted)
        if there:
            some += 1
            assert chosen(bench, **wanted) == there, wanted
            continue
        nothing += 1
        with pytest.raises(BadArgument) as caught:
            chosen(bench, **wanted)
        assert caught.value.code == "U280", wanted
    assert some > 6
    assert nothing > 0


def test_a_time_is_met_to_the_nanosecond(bench):
    at = BASE_NS + 5 * DAY_NS
    both = chosen(bench, bounds={"after": at, "before": at + 1}, globs=("f*",))
    assert both == {(one.item, one.index) for one in bench[1] if one.mtime_ns == at and one.kind == "file"}
    assert len(both) == 2
    assert not both & chosen(bench, bounds={"before": at}, globs=("f*",))
    assert not both & chosen(bench, bounds={"after": at + 1}, globs=("f*",))


def test_a_size_is_a_border_that_is_not_met_itself(bench):
    size = next(one.size for one in bench[1] if one.size and one.size > 500)
    for bounds in ({"larger": size}, {"smaller": size}):
        found = chosen(bench, bounds=bounds)
        assert not found & {(one.item, one.index) for one in bench[1] if one.size == size}
    with pytest.raises(BadArgument, match="No row is chosen") as caught:
        chosen(bench, bounds={"larger": size, "smaller": size})
    assert caught.value.code == "U280"


@pytest.mark.parametrize("name", DIGESTS)
def test_a_file_is_chosen_by_any_digest_that_was_taken(bench, name):
    size = {"md5": 32, "sha1": 40, "sha512": 128}.get(name, 64)
    one = next(one for one in bench[1] if one.digests)
    for digest in (digest for digest in one.digests if len(digest) == size):
        same = {(other.item, other.index) for other in bench[1] if digest in other.digests}
        assert chosen(bench, digests=(digest,)) == same


def test_of_digests_each_has_to_be_there_and_of_a_list_not(bench):
    digest = next(iter(next(one for one in bench[1] if one.digests).digests))
    assert chosen(bench, listed=frozenset({digest, "0" * 64}))
    with pytest.raises(BadArgument) as caught:
        chosen(bench, digests=(digest, "0" * 64))
    assert (caught.value.code, "0" * 64 in caught.value.message) == ("U281", True)
    with pytest.raises(BadArgument) as caught:
        chosen(bench, listed=frozenset())
    assert caught.value.code == "U280"
