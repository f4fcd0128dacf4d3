"""`evidencekit stats`: what stands in cases is counted, each log once, and nothing of a person gets out."""

from __future__ import annotations

import json
import time

import pytest

from evidencekit.core.values import moment
from evidencekit.seal.logkeys import save_log_keys

SECRET = "Operation Nightjar"


@pytest.fixture(scope="module")
def cases(rc, tmp_path_factory):
    """A case of six items, and one of a single item."""
    folder = tmp_path_factory.mktemp("stats")
    source = folder / "source"
    source.mkdir()
    (source / SECRET).write_text("dear all\n")
    for name, count in (("many", 6), ("one", 1)):
        office = rc.Office(folder / f"{name}keys", f"{name}.example/1")
        office.open(folder / name, identity=name.encode().ljust(16, b"."), reference=SECRET)
        save_log_keys(office.keys, folder / f"{name}.pem")
        for number in range(count):
            start = time.time_ns() - (number + 1) * 3600 * 10**9
            office.acquire(
                folder / name,
                source,
                f"EX-{number}",
                types=False,
                particulars={"seized_at": {"end": moment(start)}, "seized_from": SECRET},
            )
    return folder


def counted(cli, *arguments):
    done = cli("stats", *arguments, "--json")
    assert done.code == 0, done.err
    return json.loads(done.out)


def test_a_case(cli, cases):
    found = counted(cli, cases / "many")
    items = found["items"]
    assert (found["cases"], found["least"]) == (1, 5)
    assert (items["total"]["items"], items["total"]["rows"], items["total"]["bytes"]) == (6, 12, 54)
    assert [row["items"] for row in items["by_month"]] == [6]
    median = items["total"]["seizure_to_seal_s"]["median"]
    assert 3 * 3600 <= median < 3 * 3600 + 60
    assert found["holds"]["total"] == dict.fromkeys(("holds", "extended", "extensions", "lapsed", "released"), 0)


def test_one_item_says_nothing_alone(cli, cases):
    assert counted(cli, cases / "one")["items"] == {"by_month": [], "total": None}
    assert b"items    fewer than 5" in cli("stats", cases / "one").out


def test_a_case_counts_once(cli, cases):
    twice = counted(cli, cases / "many", cases / "many", cases / "one")
    assert (twice["cases"], twice["items"]["total"]["items"]) == (2, 7)


def test_nothing_of_the_case_gets_out(cli, cases, tmp_path):
    chart = tmp_path / "chart.svg"
    done = cli("stats", cases / "many", "--least", "1", "--chart", chart)
    shown = done.out + cli("stats", cases / "many", "--least", "1", "--json").out + chart.read_bytes()
    assert done.code == 0
    for secret in (SECRET, "EX-0", "many.example", "examiner", cases.name):
        assert secret.encode() not in shown.replace(str(chart).encode(), b"")


def test_holds_under_a_table_and_others(cli, cases, tmp_path):
    signing = ["--signer", cases / "manykeys/examiner", "--log-key", cases / "many.pem"]
    stranger = "the letter of John Doe"
    for number, instrument in enumerate(["invented-1"] * 5 + [stranger] * 5):
        words = ["--item", "EX-1", "--hold", f"h{number}", "--instrument", instrument, "--authority", "order"]
        done = cli("custody", "add", cases / "many", "hold", *words, "--purpose", "keep", *signing)
        assert done.code == 0, done.err
    (tmp_path / "law").mkdir()
    (tmp_path / "law/invented-1.toml").write_text(
        'id = "invented-1"\ntitle = "A"\ninstrument = "B"\ncitation = "C"\nversion = "1"\n'
        'valid_from = 2000-01-01\nmark = "unconfirmed"\n'
    )
    found = counted(cli, cases / "many", "--law", tmp_path / "law")["holds"]
    assert found["by_instrument"] == [
        {"instrument": "invented-1", "holds": 5},
        {"instrument": "other", "holds": 5},
    ]
    assert found["total"] == {"holds": 10, "extended": 0, "extensions": 0, "lapsed": 0, "released": 0}
    assert stranger not in json.dumps(found)


def test_refusals(cli, cases, tmp_path):
    assert cli("stats").code == 2
    assert cli("stats", tmp_path / "nothing").code == 4
    (tmp_path / "there.svg").write_text("")
    assert b"R501" in cli("stats", cases / "one", "--chart", tmp_path / "there.svg").err
    assert b"R506" in cli("stats", cases / "one", "--chart", cases / "one/chart.svg").err
