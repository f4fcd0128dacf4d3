"""Names as Windows has them: UTF-16 with halves of pairs in it, sealed as WTF-8, checked and shown like any other."""

from __future__ import annotations

import json
import unicodedata

import casebuilder
import pytest
from persons import OURSELVES

from evidencekit.core.records import NAME, sort_key
from evidencekit.core.values import check_wtf8, display, name_member, read_name
from evidencekit.errors import FormatError

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def wtf8(*units):
    """The WTF-8 of UTF-16 code units, by the WTF-8 specification, sections 4.2 and 4.3: pairs are joined, halves stand."""
    text = b"".join(unit.to_bytes(2, "little") for unit in units).decode("utf-16-le", "surrogatepass")
    return text.encode("utf-8", "surrogatepass")


NAMES = {
    "high alone": wtf8(0xD800),
    "low alone": wtf8(0xDC00),
    "last high": wtf8(0xDBFF),
    "last low": wtf8(0xDFFF),
    "wrong way round": wtf8(0xDC00, 0xD800),
    "two highs": wtf8(0xD83D, 0xD83D),
    "half in a word": wtf8(0x61, 0xD83D, 0x62),
    "pair and half": wtf8(0xD83D, 0xDE00, 0xDE00),
    "as Python spells ff": wtf8(0xDCFF),
    "and a line break": wtf8(0xD800, 0x0A),
}
NO_NAMES = {
    "a pair in two halves (CESU-8)": b"\xed\xa0\xbd\xed\xb8\x80",
    "a byte": b"\xff",
    "overlong": b"\xc0\xaf",
    "beyond": b"\xf4\x90\x80\x80",
    "cut off": b"\xed\xa0",
    "backslash": b"a\\b",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_half_is_a_name(name):
    check_wtf8(name)
    member = name_member("path", name)
    assert member == {"path_hex": name.hex()}
    record = {"_t": "evidencekit/name/1"} | member
    NAME.check(record)
    assert read_name(record, "path") == name


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
def test_what_no_windows_can_have_is_refused(name):
    with pytest.raises(FormatError):
        check_wtf8(name)


def test_halves_are_shown_harmlessly_and_apart():
    shown = [display(name) for name in (*NAMES.values(), *NO_NAMES.values())]
    assert len(set(shown)) == len(shown)
    assert not {one for text in shown for one in text if unicodedata.category(one) in UNSEEN}


@pytest.fixture
def builder(tmp_path):
    return casebuilder.Builder(tmp_path)


def file_rows(names):
    """Rows of a catalogue with these names, in order."""
    rows = [casebuilder.folder_row()]
    for name in sorted(names, key=lambda name: sort_key(name, b"")):
        row = casebuilder.file_row("x")
        row["name"] = {"_t": "evidencekit/name/1"} | name_member("path", name)
        rows.append(row)
    return rows


def test_a_case_from_windows(builder, tmp_path):
    """Sealed, verified, found and listed; on this system too, whose own names it could not have."""
    builder.seal(file_rows(NAMES.values()), header={"name_encoding": "wtf-8"})
    report = OURSELVES.cli("verify", builder.case, "--json", home=tmp_path)
    assert json.loads(report.out)["verdict"] == "INTEGRITY ONLY", report.out
    found = json.loads(OURSELVES.cli("find", builder.case, "--kind", "file", "--json", home=tmp_path).out)["rows"]
    assert {bytes.fromhex(row["path_hex"]) for row in found} == set(NAMES.values())
    for words in (["find"], ["show"], ["verify"], ["query", "select path, path_raw from rows"]):
        done = OURSELVES.cli(words[0], builder.case, *words[1:], home=tmp_path)
        text = done.out.decode()
        assert not {one for one in text if one != "\n" and unicodedata.category(one) in UNSEEN}
        assert done.err == b""


@pytest.mark.parametrize("name", NO_NAMES.values(), ids=NO_NAMES)
def test_a_name_that_no_windows_can_have_is_a_finding(builder, tmp_path, name):
    builder.seal(file_rows([*NAMES.values(), name]), header={"name_encoding": "wtf-8"})
    report = OURSELVES.cli("verify", builder.case, "--json", home=tmp_path)
    assert json.loads(report.out)["verdict"] == "FAILED"
