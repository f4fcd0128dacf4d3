"""Every number that a report shows, found again by other hands: DuckDB over the sealed manifests, the log's JSON files,
and the web verifier's account of the same case.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from pagedriver import NODE, NODE_PACKAGES, build
from papertables import Tables, whole

ROOT = Path(__file__).parents[2]
CLI = Path(sys.executable).with_name("evidencekit")
TEXTS = json.loads((ROOT / "specs/texts/en.json").read_text())
WORDS = TEXTS["report"]
MIB = 1 << 20
pytestmark = [pytest.mark.judge(NODE), pytest.mark.judge(str(NODE_PACKAGES)), pytest.mark.judge("duckdb")]


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    """Two exhibits with files of all sizes and years, a link, a pipe, and what was left out."""
    folder = tmp_path_factory.mktemp("case")

    def run(*words, codes=(0, 6)):
        home = os.environ | {"HOME": str(folder)}
        done = subprocess.run([CLI, *map(str, words)], cwd=folder, env=home, capture_output=True, check=False)
        assert done.returncode in codes, done.stderr.decode()
        return done.stdout.decode()

    for exhibit in ("one", "two"):
        below = folder / exhibit
        (below / "docs").mkdir(parents=True)
        for number, size in enumerate((0, 0, 7, 1024, 1025, MIB, MIB + 1, 3 * MIB)):
            file = below / "docs" / f"{number}.bin"
            file.write_bytes(b"x" * size)
            os.utime(file, (1_600_000_000 + number * 3_000_000,) * 2)
        os.symlink("docs/1.bin", below / "link")
        (below / "cache.tmp").write_bytes(b"left out")
    os.mkfifo(folder / "two/pipe")
    signing = ("--signer", "examiner", "--log-key", "log.pem")
    run("key", "new", "examiner", "--no-passphrase")
    run("init", "case", "--reference", "24-117", "--agency", "Unit 7", "--origin", "unit7.example/24-117", *signing)
    run("acquire", "case", "one", "--exhibit", "EX-001", "--exclude", "*.tmp", *signing)
    run("acquire", "case", "two", "--exhibit", "EX-002", "--exclude", "*.tmp", *signing)
    run("custody", "add", "case", "store", "--item", "EX-001", "--place", "Room 4", "--purpose", "keep", *signing)
    run("report", "case", "--lang", "en", "-o", "report.html")
    return folder / "case"


@pytest.fixture(scope="module")
def shown(case):
    return Tables(case.with_name("report.html").read_text())


@pytest.fixture(scope="module")
def rows(case):
    """All rows of the sealed manifests of rows, each with its exhibit, as DuckDB reads them."""
    import duckdb

    found = []
    for event in events(case):
        if event["type"] == "seal":
            table = duckdb.read_parquet(str(case / f"manifests/{int(event['body']['manifest']):08d}.parquet"))
            kept = table.project("kind::varchar, size, state::varchar, mtime_ns").fetchall()
            found += [(event["items"][0], *row) for row in kept]
    return found


def events(case):
    return [json.loads(path.read_text()) for path in sorted((case / "custody").glob("*/event.json"))]


def counted(section, values):
    """Names as the page has them, with how many there are, and the sum."""
    counts = Counter(values)
    return {(section[name], count) for name, count in counts.items()} | {(WORDS["h_total"], sum(counts.values()))}


def pairs(listed):
    return {(row[0], whole(row[1])) for row in listed}


def size_class(size):
    bounds = ((0, WORDS["size_empty"]), (1024, "≤ 1 KiB"), (MIB, "≤ 1 MiB"), (100 * MIB, "≤ 100 MiB"))
    return next(name for most, name in bounds if size <= most)


def test_the_catalogue(shown, rows):
    files = [row for row in rows if row[1] == "file"]
    assert {row[0] for row in rows} == {"EX-001", "EX-002"}
    by_item = [
        [
            exhibit,
            len(of),
            len(taken),
            sum(row[2] for row in taken if row[3] == "complete"),
            sum(row[3] != "complete" for row in of),
        ]
        for exhibit in ("EX-001", "EX-002")
        for of in [[row for row in rows if row[0] == exhibit]]
        for taken in [[row for row in of if row[1] == "file"]]
    ]
    by_item.append([WORDS["h_total"], *map(sum, list(zip(*by_item, strict=True))[1:])])
    assert [[row[0], *map(whole, row[1:])] for row in shown.of(WORDS["by_item"])] == by_item
    assert pairs(shown.of(WORDS["by_kind"])) == counted(TEXTS["kinds"], [row[1] for row in rows])
    assert pairs(shown.of(WORDS["by_state"])) == counted(TEXTS["states"], [row[3] for row in rows])
    sizes = [WORDS["size_unknown"] if row[2] is None else size_class(row[2]) for row in files]
    assert pairs(shown.of(WORDS["by_size"])) == counted({name: name for name in sizes}, sizes)
    months = [WORDS["month_unknown"] if row[4] is None else month(row[4]) for row in files]
    assert len(set(months)) > 5
    assert pairs(shown.of(WORDS["by_month"])) == counted({name: name for name in months}, months)
    omitted = {(row[0], whole(row[3])) for row in shown.of(WORDS["s_omissions"])}
    assert omitted == {(name, by_item[number][4]) for number, name in enumerate(("EX-001", "EX-002"))}


def month(ns):
    """By the shell's own arithmetic of dates."""
    return subprocess.run(
        ["date", "-u", "-d", f"@{ns // 10**9}", "+%Y-%m"], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_log(case, shown):
    listed, recorded = shown.of(WORDS["s_events"]), events(case)
    assert [whole(row[0]) for row in listed] == list(range(len(recorded)))
    assert [row[1].split(" EX-")[0] for row in listed] == [TEXTS["events"][one["type"]] for one in recorded]
    manifests = [one["body"] for one in recorded if "manifest" in one["body"]]
    sealed = shown.of(WORDS["s_manifests"])
    assert [(whole(row[2]), row[3], row[4]) for row in sealed] == [
        (int(body["rows"]), body["root"], body["file_sha256"]) for body in manifests
    ]


def test_what_was_done_is_what_other_hands_did(case, shown, tmp_path):
    build(tmp_path)
    done = subprocess.run([NODE, tmp_path / "verify.mjs", case, "--json"], capture_output=True, check=False)
    assert done.returncode == 7
    counts = json.loads(done.stdout)["counts"]
    assert pairs(shown.of(WORDS["s_checked"])) == {(TEXTS["checked"][name], n) for name, n in counts["checked"].items()}
    by_state = [state for state, count in counts["states"].items() for _ in range(count)]
    assert pairs(shown.of(WORDS["s_rows"])) == counted(TEXTS["states"], by_state)
    findings = {(row[0], whole(row[-1])) for row in shown.of(WORDS["s_findings"])}
    assert findings == {*counts["findings"]["by_code"].items(), (WORDS["h_total"], counts["findings"]["total"])}


def test_no_number_is_left_unasked(case, shown, rows):
    """The numbers of the tables above are all that the page marks as such, but for those said apart here: the size of
    the log, the number of the one person, and of each exhibit its rows, files and bytes."""
    asked = (
        "by_item",
        "by_kind",
        "by_state",
        "by_size",
        "by_month",
        "s_omissions",
        "s_checked",
        "s_rows",
        "s_findings",
    )
    tables = [shown.of(WORDS[name]) for name in (*asked, "s_events", "s_manifests")]
    in_tables = Counter(
        whole(cell) for table in tables for row in table for cell in row if cell.replace("\u202f", "").isdecimal()
    )
    of_items = [number for exhibit in ("EX-001", "EX-002") for number in of_item(rows, exhibit)]
    assert Counter(shown.numbers) == in_tables + Counter([len(events(case)), 1, *of_items])


def of_item(rows, exhibit):
    of = [row for row in rows if row[0] == exhibit]
    files = [row for row in of if row[1] == "file"]
    return len(of), len(files), sum(row[2] for row in files if row[3] == "complete")
