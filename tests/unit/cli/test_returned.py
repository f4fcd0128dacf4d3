"""A provider's return: sealed as it came with the request that it answers, and held against it, file by file."""

from __future__ import annotations

import json
import zipfile

import pytest
from requestdraft import DRAFT, NOW

from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.event import decode_event
from evidencekit.core.values import format_instant

AS_OF = ("--now", format_instant(NOW))
ASKED = DRAFT | {
    "identifiers": [
        DRAFT["identifiers"][0], {"type": "email", "value": "jane@mail.example"}, {"type": "imei", "value": "490154203237518"},
    ],
    "categories": ["subscriber", "traffic"],
}  # fmt: skip


@pytest.fixture
def place(cli, tmp_path, monkeypatch):
    """A working file, its record, and a return of each form."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "draft.json").write_text(json.dumps(ASKED))
    assert cli("request", "check", "draft.json", "--instrument", "un-42", "-o", "record.json", *AS_OF).code == 0
    (tmp_path / "return/traffic").mkdir(parents=True)
    (tmp_path / "return/subscriber.json").write_text(
        '{"emailAddress": "jane@MAIL.example", "created": "2020-01-01T00:00:00Z"}'
    )
    (tmp_path / "return/traffic/log.csv").write_text(
        "Time (UTC),Source IP\n2026-09-02 10:00:00,203.0.113.7:4711\n2026-09-04 10:00:00,198.51.100.9\n"
    )
    (tmp_path / "return/mail.mbox").write_bytes(
        b"From x\r\nFrom: bob@other.example\r\nDate: Thu, 3 Sep 2026 12:00:00 +0000\r\n\r\nhello\r\n"
    )
    (tmp_path / "return/letter.pdf").write_bytes(b"%PDF-1.7\nx")
    with zipfile.ZipFile(tmp_path / "return/pack.zip", "w") as archive:
        archive.writestr("notes.txt", "from 203.0.113.7\n")
    return tmp_path


@pytest.fixture
def acquire(cli, case, signing, place):
    """What acquires the return."""

    def run(*more, source="return"):
        words = ("acquire", case, source, "--exhibit", "EX-007", *signing, "--provider-return", "record.json", *more)
        return cli(*words)

    return run


def events(case):
    size = len(list((case / "custody").iterdir()))
    return [decode_event((case / layout.event_file(index)).read_bytes()) for index in range(size)]


def acquired(case):
    return next(one["body"] for one in events(case) if (one["type"], one["items"]) == ("acquire", ["EX-007"]))


def returned(cli, case, *more, code=0):
    done = cli("request", "returned", "record.json", case, "--item", "EX-007", "--json", *more)
    assert done.code == code, done
    return json.loads(done.out)


def found(document):
    return {one["value"]: one["files"] for one in document["identifiers"]}


def test_a_return_is_sealed_as_it_came_with_the_request_that_it_answers(cli, acquire, case, place):
    before = {path: path.read_bytes() for path in place.rglob("return/**/*") if path.is_file()}
    done = acquire("--json")
    assert done.code == 0, done
    document = json.loads(done.out)
    body = acquired(case)
    assert body["acquisition_type"] == "provider_return"
    assert body["request"] == sha256_hex((place / "record.json").read_bytes()) == document["returned"]["sha256"]
    assert {path: path.read_bytes() for path in before} == before
    assert (document["rows"], document["returned"]["named_by_acquisition"]) == (7, True)
    assert returned(cli, case) == document["returned"]
    verified = json.loads(cli("verify", case, "--json").out)
    assert (verified["verdict"], {one["code"][0] for one in verified["findings"]}) == ("INTEGRITY ONLY", {"W"})


def test_the_difference(cli, acquire, case):
    acquire("-q")
    document = returned(cli, case)
    assert found(document) == {
        "203.0.113.7": ["pack.zip:notes.txt", "traffic/log.csv"], "jane@mail.example": ["subscriber.json"], "490154203237518": [],
    }  # fmt: skip
    assert [one["told"] for one in document["categories"]] == ["named", "named"]
    period = document["period"]
    assert [period[name] for name in ("times", "inside", "outside", "unsure")] == [4, 3, 1, 0]
    assert period["without"]["listed"][0] == {"first": "2026-09-01", "last": "2026-09-01"}
    assert document["not_asked"]["counts"] == {"email": 1, "ip": 1}
    assert document["certificate"]["count"] == 0
    assert document["files"] == {"in_part": 0, "not_read": 1, "read": 4}
    assert document["not_read"]["listed"] == [{"file": "letter.pdf", "reason": "pdf"}]


def test_what_a_person_reads(cli, acquire, case):
    text = acquire().out.decode()
    assert "sealed EX-007: 7 rows" in text
    tail = text.partition("EX-007 beside request 24-117/PR-3")[2]
    for said in ("imei    490154203237518: NOT FOUND in what was read", "3 inside, 1 outside", "ask\n      for one",
                 "1 PDF: its text is not read: letter.pdf", "what the program recognised"):  # fmt: skip
        assert said in tail
    assert max(map(len, tail.splitlines())) <= 80
    quiet = cli("request", "returned", "record.json", case, "--item", "EX-007", "-q").out.decode()
    assert quiet == "EX-007 beside request 24-117/PR-3: what the program recognised, and no more\n"
    digest = acquired(case)["request"]
    assert f"request {digest}" in cli("custody", "log", case).out.decode()
    assert f"request   {digest}" in cli("show", case).out.decode()


def test_a_working_file_is_no_record(cli, acquire, case, signing, place):
    size = len(events(case))
    for name in ("draft.json", "record.json"):
        (place / "other.json").write_text((place / name).read_text() + " ")
        done = cli("acquire", case, "return", "--exhibit", "EX-007", *signing, "--provider-return", "other.json")
        assert (done.code, b"U600" in done.err, b"request check" in done.err) == (2, True, True)
    assert cli("request", "returned", "return/letter.pdf", case, "--item", "EX-007").code == 3
    assert len(events(case)) == size


def test_another_type_of_acquisition_is_refused(acquire, case, place):
    size = len(events(case))
    (place / "seizure.toml").write_text('acquisition_type = "cloud"')
    done = acquire("--authority", "seizure.toml")
    assert (done.code, b"U601" in done.err, len(events(case))) == (2, True, size)
    (place / "seizure.toml").write_text('acquisition_type = "provider_return"\nlegal_channel = "order"')
    assert acquire("--authority", "seizure.toml", "-q").code == 0
    assert acquired(case)["legal_channel"] == "order"


def test_nobody_types_the_request_of_an_acquisition(acquire, place):
    (place / "seizure.toml").write_text(f'request = "{"0" * 64}"')
    assert b"U221" in acquire("--authority", "seizure.toml").err


def test_another_request_and_none(cli, acquire, case, place, signing):
    acquire("-q")
    assert cli("acquire", case, "return", "--exhibit", "EX-008", *signing, "-q").code == 0
    done = cli("request", "returned", "record.json", case, "--item", "EX-008", "--json")
    assert (done.code, json.loads(done.out)["named_by_acquisition"]) == (0, False)
    assert b"does not say that it answers" in cli("request", "returned", "record.json", case, "--item", "EX-008").out
    assert cli("request", "check", "draft.json", "--instrument", "budapest-29", "-o", "other.json", *AS_OF).code == 0
    assert (place / "other.json").read_bytes() == (place / "record.json").read_bytes()
    (place / "draft.json").write_text(json.dumps(ASKED | {"reference": "another"}))
    cli("request", "check", "draft.json", "--instrument", "un-42", "-o", "third.json", *AS_OF)
    done = cli("request", "returned", "third.json", case, "--item", "EX-007")
    assert (done.code, b"R600" in done.err) == (5, True)
    assert cli("request", "returned", "record.json", case, "--item", "EX-009").code == 2


def test_a_file_that_is_not_what_was_sealed_is_named_and_not_read(cli, acquire, case, place):
    acquire("-q")
    (place / "return/subscriber.json").write_text(
        '{"emailAddress": "Jane@MAIL.example", "created": "2020-01-01T00:00:00Z"}'
    )
    (place / "return/traffic/log.csv").unlink()
    (place / "return/mail.mbox").unlink()
    (place / "return/mail.mbox").symlink_to(place / "record.json")
    document = returned(cli, case)
    assert found(document) == {"203.0.113.7": ["pack.zip:notes.txt"], "jane@mail.example": [], "490154203237518": []}
    assert document["not_read"]["reasons"] == {"altered": 1, "gone": 2, "pdf": 1}
    (place / "return").rename(place / "elsewhere")
    assert returned(cli, case)["not_read"]["reasons"] == {"gone": 5}


def test_the_cases_own_copies_serve_when_the_source_is_gone(cli, acquire, case, place):
    acquire("--copy", "-q")
    before = returned(cli, case)
    (place / "return").rename(place / "elsewhere")
    assert returned(cli, case) == before
    assert found(before)["jane@mail.example"] == ["subscriber.json"]


def test_what_was_not_taken_is_not_read(cli, acquire, case):
    assert acquire("--exclude", "*.csv", "-q").code == 6
    document = returned(cli, case)
    assert {"file": "traffic/log.csv", "reason": "not_taken"} in document["not_read"]["listed"]


def test_a_return_that_is_one_file(cli, acquire, case):
    assert acquire("-q", source="return/traffic/log.csv").code == 0
    assert found(returned(cli, case))["203.0.113.7"] == ["log.csv"]


def test_what_was_erased_is_not_read(cli, acquire, case, signing):
    acquire("-q")
    done = cli("custody", "add", case, "erase", "--item", "EX-007", "--rows", "EX-007:traffic/log.csv", "--groups", "content,metadata",
               "--authority", "order 9", "--yes", *signing)  # fmt: skip
    assert done.code == 0, done
    document = returned(cli, case)
    assert {"file": "traffic/log.csv", "reason": "erased"} in document["not_read"]["listed"]
    assert found(document)["203.0.113.7"] == ["pack.zip:notes.txt"]


def test_the_seal_stands_where_the_comparison_cannot_be_made(acquire, case, monkeypatch):
    from evidencekit.errors import CannotFinish
    from evidencekit.journeys import returned as journey

    def refuse(*_):
        raise CannotFinish("A file is missing.", code="X402")

    monkeypatch.setattr(journey, "compare_return", refuse)
    done = acquire("--json")
    assert (done.code, json.loads(done.out)["returned"]["error"]["code"]) == (0, "X402")
    assert acquired(case)["acquisition_type"] == "provider_return"


def test_a_file_that_changes_while_it_is_read_is_named(cli, acquire, case, place, monkeypatch):
    from evidencekit.journeys import returned as journey

    def read(seen, values):
        with (place / "return" / seen.file).open("ab") as file:
            file.write(b"\n")
        return original(seen, values)

    acquire("-q")
    (place / "return/pack.zip").unlink()
    original = journey._read
    monkeypatch.setattr(journey, "_read", read)
    assert returned(cli, case)["not_read"]["reasons"] == {"changed": 3, "gone": 1, "pdf": 1}


def test_a_file_that_the_system_cannot_read_is_named(cli, acquire, case, monkeypatch):
    from evidencekit.journeys import returned as journey

    def fail(*_):
        raise OSError(5, "Input/output error")

    acquire("-q")
    monkeypatch.setattr(journey.hashlib, "file_digest", fail)
    assert returned(cli, case)["not_read"]["reasons"] == {"pdf": 1, "unreadable": 4}


def test_media_types_made_later_and_the_difference_again(acquire, case):
    assert acquire("--no-identify", "--json").code == 0
    done = acquire("--resume", "--json")
    assert done.code == 0, done
    assert json.loads(done.out)["returned"]["files"] == {"in_part": 0, "not_read": 1, "read": 4}
    assert acquire("--json").code == 5


FAULTY = {
    "damaged.json": (b'{"a": ', "damaged"),
    "damaged.zip": (b"PK\x03\x04 and no more", "damaged"),
    "unbalanced.csv": (b'"' + b"a,b\n" * 60_000, "damaged"),
    "long.txt": (b"x" * (2 << 20), "too_large"),
    "deep.json": (b"[" * 200_000, "damaged"),
    "picture.jpg": (b"\xff\xd8\xff", "form"),
    "blob": (b"\0\1\2", "form"),
}


@pytest.mark.parametrize("name", FAULTY)
def test_a_faulty_file_is_named_with_its_reason_and_the_rest_is_read(cli, acquire, case, place, name):
    data, reason = FAULTY[name]
    (place / "return" / name).write_bytes(data)
    assert acquire("-q").code == 0
    document = returned(cli, case)
    assert {"file": name, "reason": reason} in document["not_read"]["listed"]
    assert found(document)["jane@mail.example"] == ["subscriber.json"]


def test_hostile_names_are_harmless(cli, acquire, case, place):
    name = b"a\n\x1b[31m\xff.pdf"
    (place.joinpath("return") / "x").write_bytes(b"%PDF")
    (place.joinpath("return") / "x").rename(
        bytes(place / "return").decode() + "/" + name.decode(errors="surrogateescape")
    )
    out = acquire().out
    assert b"\x1b" not in out
    assert b"a\\n\\u{1b}[31m\\xff.pdf" in out
    assert returned(cli, case)["not_read"]["reasons"] == {"pdf": 2}
