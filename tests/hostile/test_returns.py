"""What a provider sends may be made to cost ages or memory, or to be told otherwise than it is: none of that comes true.

Source: specs/cooperation.md section 8.
"""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile

import pytest

from evidencekit.cooperation.identifiers import normal, phone_of
from evidencekit.cooperation.sighting import Sighting, asked_of
from evidencekit.journeys import returned as journey
from evidencekit.read.returned import Budget, form_of, parts_of
from evidencekit.read.returned_values import MAX_LINE, NotRead


def seen_in(name, data, *asked):
    """What is recognised of asked identifiers in a file, and why the rest of it was not read."""
    record = {"identifiers": [{"type": kind, "value": value} for kind, value in asked]}
    (part,) = parts_of(name, form_of(name, data[:4096]), io.BytesIO(data), len(data), Budget())
    sighting = Sighting(name, asked_of(record), is_text=part.form == "text")
    try:
        sighting.read(part.values)
    except NotRead as error:
        return sighting, error.reason
    return sighting, None


def is_found(data, kind, value, name="a.csv"):
    return bool(seen_in(name, data, (kind, value))[0].exact)


# --- time and memory ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [b"1" + b" " * 4000 + b"x", b"+1" + b" " * 4000 + b"x", b"a://" + b"x" * 4000 + b" y", b"a@" + b".b" * 2000 + b" "],
    ids=["blanks of a number", "blanks of an international number", "a URL", "an address"],
)
def test_a_value_costs_what_its_length_does(line, work):
    """By patterns that try each way of reading it, each of these took a fifth of a second: a return of them, hours."""
    short = work(lambda: seen_in("a.txt", b"\n".join([line[:400]] * 200), ("phone", "+33472607012")))
    assert work(lambda: seen_in("a.txt", b"\n".join([line] * 20), ("phone", "+33472607012"))) < 10 * short


@pytest.fixture
def work():
    """How much processor time a call takes: the least of three, in seconds."""
    from time import process_time

    def measured(call):
        took = []
        for _ in range(3):
            start = process_time()
            call()
            took.append(process_time() - start)
        return min(took)

    return measured


def test_a_row_of_lines_without_end_is_bounded():
    """Each cell may have a line break, and a row any number of cells: a few bytes of an archive would be gigabytes."""
    data = b"a,b\n" + b'"x\n",' * MAX_LINE
    tracemalloc.start()
    sighting, reason = seen_in("a.csv", data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (reason, sighting.values) == ("too_large", 2)
    assert peak < 64 * MAX_LINE


def test_rows_of_several_lines_are_read_however_many_there_are():
    sighting, reason = seen_in("a.csv", b"a,b\n" + b'"x\ny",z\n' * (MAX_LINE // 4))
    assert (reason, sighting.values) == (None, 2 + MAX_LINE // 2)


def archive_of(count):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.bin", b"")
    return out.getvalue()


def unread(data):
    parts = list(parts_of("r.zip", "archive", io.BytesIO(data), len(data), Budget()))
    return [part.reason for part in parts]


def test_a_list_that_is_longer_than_its_archive_says():
    data = archive_of(10_001)
    said = struct.pack("<HH", 1, 1)
    assert unread(data[:-14] + said + data[-10:]) == ["entries"]


def test_zip64_where_only_the_module_would_look():
    """The end record stands as early as it may: what is before it has to be looked at, too."""
    data = archive_of(3)
    *_, count, size, offset, _ = struct.unpack("<4sHHHHIIH", data[-22:])
    body = data[:-22]
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, offset)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(body), 1)
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 1, 1, 46, 0, 0xFFFF)
    whole = body + end64 + locator + end + b"x" * 65_536
    assert len(zipfile.ZipFile(io.BytesIO(whole)).infolist()) == 3
    assert unread(whole) == ["entries"]


# --- what is said of it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("ip", "203.0.113.0/24", "203.0.113.0/24"),
        ("phone", "33472607012", "33472607012"),
        ("email", "root@localhost", "root@localhost"),
        ("phone", "+33472607012", "33472607012.0"),
        ("phone", "+33472607012", "+33\u00a04\u202f72\u00a060\u00a070\u00a012"),
        ("ip", "203.0.113.7", "src=203.0.113.7"),
        ("email", "jane@mail.example", "mailto:jane@mail.example"),
        ("email", "a=b@mail.example", "a=b@mail.example"),
        ("url", "https://h.example/?a=b", "https://h.example/?a=b"),
        ("phone", "+33472607012", "tel:+33-472-607-012"),
    ],
)
def test_what_is_there_is_not_said_to_be_missing(kind, value, text):
    assert is_found(f"x\n{text}\n".encode(), kind, value)
    assert is_found(f"port 4 {text}\n".encode(), kind, value, "a.log") or " " in " ".join(text.split())


def test_what_stands_before_an_identifier_is_none_that_nobody_asked_for():
    sighting, _ = seen_in("a.log", b"email=jane@mail.example\n")
    assert set(sighting.others) == {("email", "jane@mail.example")}


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("url", "https://h.example?id=ABC", "https://h.example?id=abc"),
        ("url", "https://Jane@h.example/", "https://jane@h.example/"),
        ("url", "https://h.example#A", "https://h.example#a"),
        ("email", "jane@mail.example", "jane+x@mail.example"),
        ("phone", "+334726070120", "33472607012.0"),
        ("phone", "+33472607012", "0472607012"),
        ("domain", "straße.example", "strasse.example"),
        ("ip", "2001:db8::1", "2001:db8::1:443"),
        ("ip", "203.0.113.0/24", "203.0.113.0"),
    ],
)
def test_what_is_another_is_not_said_to_be_found(kind, value, text):
    assert not is_found(f"x\n{text}\n".encode(), kind, value)


def test_urls_have_their_host_in_small_letters_and_nothing_else():
    assert normal("url", "HTTPS://Jane:Key@Host.Example?Q#F") == "https://Jane:Key@host.example?Q#F"
    assert normal("url", "HTTPS://Host.Example") == "https://host.example/"


def test_a_number_that_is_too_long_is_none():
    assert phone_of("+33 " + " " * 60 + "472607012") is None


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.jsonl"])
def test_text_of_another_encoding_is_told(name):
    data = 'account\n"rené"\nnew@mail.example\n'
    data = data if name != "a.jsonl" else '"new@mail.example"\n"rené"\n'
    sighting, reason = seen_in(name, data.encode("latin-1"), ("email", "new@mail.example"), ("account", "rené"))
    assert (sighting.exact, reason) == ({0}, "encoding")  # what came before, and after, was read
    sighting, reason = seen_in(name, data.encode("utf-16-le"), ("email", "new@mail.example"))
    assert (sighting.values, reason) == (0, "encoding")
    assert seen_in(name, data.encode("utf-16"), ("email", "new@mail.example"))[0].exact


def test_headers_that_were_read_in_part_are_told():
    data = b"To: a@x.example\r\n" * 20_000 + b"From: jane@mail.example\r\n\r\n"
    sighting, reason = seen_in("a.eml", data, ("email", "jane@mail.example"))
    assert (sighting.exact, reason) == (set(), "too_large")
    assert sighting.values > 1000


def test_what_was_recognised_before_a_disk_failed_is_kept():
    def values():
        yield "email", "jane@mail.example"
        raise OSError(5, "Input/output error")

    sighting = Sighting("a.csv", asked_of({"identifiers": [{"type": "email", "value": "jane@mail.example"}]}))
    assert journey._read(sighting, values()) == "unreadable"
    assert sighting.exact == {0}
