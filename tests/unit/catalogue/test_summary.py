"""`show` says what is recorded, all of it that matters, and never that it was verified."""

from __future__ import annotations

import json

import pytest

from evidencekit.catalogue.summary import summarise
from evidencekit.errors import CannotFinish


def test_a_real_case(real):
    facts = summarise(real.case)
    assert json.loads(json.dumps(facts)) == facts
    assert "verif" not in json.dumps(facts)
    assert (facts["reference"], facts["agency"], facts["origin"]) == ("24-117", "Unit 7", "unit7.example/24-117")
    assert facts["case"] == bytes(range(16)).hex()
    assert (facts["entries"], facts["checkpoint"]["size"]) == (6, 6)
    assert facts["unfinished"] is None
    assert facts["acquiring"] == []
    one, two = facts["items"]
    assert (one["item"], two["item"]) == ("EX-001", "EX-002")
    assert one["holder"] == {"key": real.actor["key"], "name": "Examiner"}
    assert one["sealed"]
    assert one["source"] == str(real.source)
    assert one["totals"]["rows"] == "22"
    assert one["started_at"] <= one["finished_at"]
    assert "place" in one["not_stated"]
    assert one["particulars"] == {"acquisition_type": "logical"}
    assert one["media_types"].startswith("recorded for 17 files by ")
    assert two["media_types"].startswith("not yet")
    assert one["omissions"] == [
        {
            "count": 1,
            "examples": ["left out.tmp"],
            "list_all": "evidencekit find CASE --item EX-001 --state not_read",
            "reason": "excluded",
            "state": "not_read",
        }
    ]


def test_omissions_are_grouped_and_their_examples_safe_to_show(fabricate, rows):
    made = fabricate()
    gone = [rows.file(b"gone%d\x1b[31m\xff" % number, state="vanished") for number in range(9)]
    folder = rows.other(b"shut", state="not_listed", reason="io_error")
    made.seal("EX-001", [rows.other(b"", state="changed"), *gone, folder])
    (item,) = summarise(made.path, examples=2)["items"]
    assert [(entry["state"], entry["reason"], entry["count"]) for entry in item["omissions"]] == [
        ("vanished", "permission_denied", 9),
        ("changed", None, 1),
        ("not_listed", "io_error", 1),
    ]
    assert item["omissions"][0]["examples"] == [r"gone0\u{1b}[31m\xff", r"gone1\u{1b}[31m\xff"]
    assert item["omissions"][1]["examples"] == ["(the source itself)"]
    assert item["holder"]["name"] == "Jo\x1b[31m"


def test_a_hundred_names_of_each_group_are_enough(fabricate, rows):
    made = fabricate()
    made.seal("EX-001", [rows.other(b""), *(rows.file(b"%03d" % n, state="not_read") for n in range(101))])
    (omission,) = summarise(made.path)["items"][0]["omissions"]
    assert (omission["count"], len(omission["examples"]), omission["examples"][99]) == (101, 100, "099")
    assert omission["list_all"] == "evidencekit find CASE --item EX-001 --state not_read"


def test_how_an_acquisition_went(fabricate, rows):
    made = fabricate()
    when = {"precision": "ns", "time": "2026-11-22T08:00:00.000000000Z", "utc_offset_min": None}
    resumed = {"resumed_at": [when], "rows_gone": "1", "rows_kept": "20", "rows_taken_again": "3"}
    mount = {"device": "/dev/sdb1", "fs_type": "vfat", "options": "ro"}
    source = {
        "atime": "untouched",
        "host": "desk",
        "kind": "directory",
        "mount": mount,
        "path": "/m",
        "read_only": False,
    }
    options = {"copies": True, "exclude": ["*.tmp"], "include": [], "sensitive": False}
    header = {"interruptions": resumed, "options": options, "source": source}
    made.seal("EX-001", [rows.other(b"")], header=header)
    (item,) = summarise(made.path)["items"]
    assert (item["read_only"], item["mount"], item["atime"]) == (False, mount, "untouched")
    assert (item["copies"], item["options"], item["resumed"]) == (True, options, resumed)
    assert item["sealed_at"] == "2026-11-22T09:15:02.000000000Z"


def test_a_header_from_before_says_less(fabricate, rows):
    made = fabricate()
    made.seal("EX-001", [rows.other(b"")])
    (item,) = summarise(made.path)["items"]
    assert (item["read_only"], item["mount"], item["copies"], item["resumed"]) == (None, None, False, None)


def test_the_entry_of_a_seal_that_is_none_is_refused(fabricate, rows):
    made = fabricate()
    made.seal("EX-001", [rows.other(b"")])
    (made.path / "custody/00000002/entry").write_bytes(b"{}")
    with pytest.raises(CannotFinish) as caught:
        summarise(made.path)
    assert (caught.value.code, caught.value.facts["path"]) == ("X446", "custody/00000002/entry")


def test_a_source_whose_name_is_not_text(fabricate, rows):
    made = fabricate()
    made.seal("EX-001", [rows.other(b"")], source=b"/mnt/\xff")
    (item,) = summarise(made.path)["items"]
    assert (item["source"], item["source_hex"]) == (r"/mnt/\xff", "2f6d6e742fff")
    assert item["omissions"] == []


def test_an_item_that_is_not_sealed_yet_and_one_that_nobody_knows_the_holder_of(fabricate, rows):
    made = fabricate()
    made.seal("EX-001", [rows.other(b"")])
    made.event("migrate", ["EX-001", "EX-009"], {"to": "x"})
    acquired = json.loads((made.path / "custody/00000001/event.json").read_bytes())["body"]
    made.event("acquire", ["EX-002"], acquired)
    made.checkpoint()
    one, two, nine = summarise(made.path)["items"]
    assert (one["sealed"], one["holder"]) == (True, None)
    assert (two["sealed"], two["holder"]["name"]) == (False, "Jo\x1b[31m")
    assert (nine["item"], nine["sealed"], nine["holder"], nine["not_stated"]) == ("EX-009", False, None, [])


def test_what_stands_above_the_newest_checkpoint_is_unfinished(fabricate, rows):
    made = fabricate()
    made.seal("EX-001", [rows.other(b"")], checkpoint=False)
    (made.path / "work/EX-002").mkdir(parents=True)
    facts = summarise(made.path)
    assert facts["unfinished"] == {"entries": [1, 2], "manifests": ["manifests/00000001.parquet"]}
    assert facts["checkpoint"]["size"] == 1
    assert facts["items"] == []
    assert facts["acquiring"] == ["EX-002"]


def test_no_checkpoint_at_all(fabricate):
    made = fabricate()
    (made.path / "checkpoints/00000001").unlink()
    facts = summarise(made.path)
    assert facts["checkpoint"] is None
    assert facts["unfinished"]["entries"] == [0]


def test_an_altered_header_is_refused(odd_case):
    path = odd_case.path / "custody/00000002/event.json"
    path.write_bytes(path.read_bytes().replace(json.loads(path.read_bytes())["body"]["header"].encode(), b"00" * 32))
    with pytest.raises(CannotFinish) as caught:
        summarise(odd_case.path)
    assert caught.value.code == "X441"


def test_an_altered_row_is_refused_where_rows_are_read(odd_case):
    path = odd_case.path / "manifests/00000001.parquet"
    data = bytearray(path.read_bytes())
    data[40] ^= 1
    path.write_bytes(data)
    with pytest.raises(CannotFinish) as caught:
        summarise(odd_case.path)
    assert caught.value.code == "X441"


@pytest.mark.parametrize("group", [b"7", b"{", b"{}", b'{"state":"not_read"}'])
def test_rows_that_are_none_are_refused(fabricate, rows, group):
    made = fabricate()
    kind, _, content, metadata = rows.file(b"a", state="not_read")
    made.seal("EX-001", [rows.other(b""), (kind, group, content, metadata)])
    with pytest.raises(CannotFinish) as caught:
        summarise(made.path)
    assert caught.value.code == "X443"


def test_comparisons_with_lists(fabricate, rows):
    made = fabricate()
    sealed = made.seal("EX-001", [rows.other(b""), rows.file(b"a")])
    made.seal("EX-002", [rows.other(b"")])
    made.compare("EX-001", sealed, {1: {"result": "same", "compared": ["sha256"]}}, under="a")
    (path := made.path / "work/.tmp-0123").mkdir(parents=True)
    one, two = summarise(made.path)["items"]
    assert path.is_dir()
    assert two["matches"] == []
    (match,) = one["matches"]
    assert (match["format"], match["list_sha256"], match["match"]["under"]) == ("hashdeep", "ab" * 32, "a")
    assert match["results"] == {"same": 1, "differs": 0, "moved": 0, "not_listed": 0, "not_comparable": 0}
    assert one["media_types"].startswith("not yet")
    assert summarise(made.path)["acquiring"] == []
