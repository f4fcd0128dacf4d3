"""What a provider sent: each form gives its values, and whatever else it is, a reason."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import tracemalloc
import zipfile

import pytest
from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.read import returned, returned_values, returned_zip
from evidencekit.read.returned import HEAD, Budget, form_of, parts_of
from evidencekit.read.returned_mail import MAX_HEADERS, mail_values
from evidencekit.read.returned_values import NotRead, csv_values, json_line_values, json_values, text_values

FORMS = {
    "csv": csv_values,
    "json": json_values,
    "json lines": json_line_values,
    "mail": mail_values,
    "text": text_values,
}


def values(form, data):
    return list(FORMS[form](io.BytesIO(data)))


def reason_of(call, *arguments):
    with pytest.raises(NotRead) as caught:
        call(*arguments)
    return caught.value.reason


def all_of(name, data, budget=None):
    """Parts as (name, values or reason)."""
    file, budget = io.BytesIO(data), budget or Budget()
    try:
        form = form_of(name, data[:HEAD])
        budget.take(len(data), form)
    except NotRead as error:
        return [(name, error.reason)]
    found = []
    for part in parts_of(name, form, file, len(data), budget):
        try:
            found.append((part.name, part.reason or list(part.values)))
        except NotRead as error:
            found.append((part.name, error.reason))
    return found


def packed(entries, **more):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", **{"compression": zipfile.ZIP_DEFLATED} | more) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return out.getvalue()


# --- forms --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "head", "form"),
    [
        ("a/B.CSV", b"x", "csv"), ("a.tsv", b"", "csv"), ("a.json", b"", "json"), ("a.ndjson", b"", "json lines"),
        ("a.eml", b"", "mail"), ("a.mbox", b"", "mail"), ("Inbox", b"From a", "mail"), ("a.log", b"", "text"),
        ("README", b"hello", "text"), (".hidden", b"hello", "text"), ("a.zip", b"PK", "archive"),
    ],
)  # fmt: skip
def test_forms_by_name_and_first_bytes(name, head, form):
    assert form_of(name, head) == form


@pytest.mark.parametrize(
    ("name", "head", "reason"),
    [("a.txt", b"%PDF-1.7", "pdf"), ("a.docx", b"PK", "form"), ("a.png", b"x", "form"), ("blob", b"a\0b", "form"),
     ("empty", b"", "form"), ("d.d/blob", b"\0", "form")],
)  # fmt: skip
def test_what_is_of_no_form_that_is_read(name, head, reason):
    assert reason_of(form_of, name, head) == reason


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_tables_by_their_delimiter(delimiter):
    rows = [["Phone", "Note"], ["+33472607012", f'a {delimiter} "b"'], ["+33472607013", ""]]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    assert values("csv", out.getvalue().encode()) == [
        (None, "Phone"), (None, "Note"), ("Phone", "+33472607012"), ("Note", f'a {delimiter} "b"'), ("Phone", "+33472607013"),
    ]  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_of_tables(encoding):
    assert values("csv", "a,b\né,x\n".encode(encoding)) == [(None, "a"), (None, "b"), ("a", "é"), ("b", "x")]


def test_a_table_of_one_column_and_rows_that_are_too_long():
    assert values("csv", b"ip\n203.0.113.7\n203.0.113.8,x\n") == [
        (None, "ip"), ("ip", "203.0.113.7"), ("ip", "203.0.113.8"), (None, "x"),
    ]  # fmt: skip
    assert values("csv", b"") == []


def test_json_has_its_nearest_name_as_label_and_a_member_twice_is_read_twice():
    data = b'{"user": {"phone": ["+1", {"x": 2.50}], "ok": true, "n": null}, "a": "1", "a": "2", "big": 1e999}'
    found = values("json", data)
    assert [one for one in found if one[0] is not None] == [
        ("phone", "+1"), ("x", "2.50"), ("a", "1"), ("a", "2"), ("big", "1e999"),
    ]  # fmt: skip
    assert (None, "user") in found
    assert values("json", b'"x"') == [(None, "x")]


def test_json_documents_one_a_line():
    lines = b'{"a": "1"}\n\n{"a": "2"}\n'
    assert values("json lines", lines) == values("json", lines) == [(None, "a"), ("a", "1"), (None, "a"), ("a", "2")]


def test_messages_by_their_headers():
    one = b"From: Jane <jane@mail.example>\r\nTo: a@x.example,\r\n b@x.example\r\nX: y\r\nDate: Mon, 7 Sep 2026 12:00:00 +0200\r\n\r\nTo: no@x.example\r\n"
    said = [
        ("From", "Jane <jane@mail.example>"),
        ("To", "a@x.example, b@x.example"),
        ("Date", "Mon, 7 Sep 2026 12:00:00 +0200"),
    ]
    assert values("mail", one) == said
    assert values("mail", b"From me\n" + one + b"From the desk\n\nFrom you\n" + one) == said + said
    assert values("mail", one + b"\r\nFrom you\r\nTo: no@x.example\r\n\r\n") == said
    assert values("mail", b"") == []


def test_lines_of_text_with_their_labels():
    assert values("text", b"Phone: +33 4 72\r\nhttp://x.example:80/\n  a = b\n12:30:00 x\n: y\n" + b"x" * 70 + b": y\n") == [
        ("Phone", "+33 4 72"), (None, "http://x.example:80/"), ("a", "b"), (None, "12:30:00 x"), (None, ": y"),
        (None, "x" * 70 + ": y"),
    ]  # fmt: skip


# --- archives -----------------------------------------------------------------------------------------------------


def test_entries_of_an_archive_are_read_where_they_lie():
    data = packed(
        {"d/a.txt": b"hello", "d/": b"", "in.zip": packed({"x.txt": b""}), "b.json": b"[1,", "c.pdf": b"%PDF"}
    )
    assert all_of("r.zip", data) == [
        ("r.zip:d/a.txt", [(None, "hello")]), ("r.zip:in.zip", "nested"), ("r.zip:b.json", "damaged"), ("r.zip:c.pdf", "pdf"),
    ]  # fmt: skip
    assert all_of("r.zip", packed({"a.txt": b"hello"}, compression=zipfile.ZIP_LZMA)) == [("r.zip:a.txt", "method")]


def test_an_entry_that_grows_beyond_bounds():
    assert all_of("r.zip", packed({"z.txt": b"\0" * (2 << 20)})) == [("r.zip:z.txt", "swells")]


def test_an_encrypted_entry():
    data = bytearray(packed({"a.txt": b"hello"}))
    for magic, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(magic) + at] |= 1
    assert all_of("r.zip", bytes(data)) == [("r.zip:a.txt", "encrypted")]


def test_an_entry_whose_content_is_not_the_one_that_it_had():
    data = bytearray(packed({"a.txt": b"hello world"}, compression=zipfile.ZIP_STORED))
    data[data.index(b"hello")] ^= 1
    assert all_of("r.zip", bytes(data)) == [("r.zip:a.txt", "damaged")]


def test_too_many_entries_are_not_even_listed(monkeypatch):
    data = packed({f"{number}.txt": b"" for number in range(40)})
    monkeypatch.setattr(returned_zip, "MAX_ENTRIES", 39)
    assert all_of("r.zip", data) == [("r.zip", "entries")]
    monkeypatch.setattr(returned_zip, "MAX_ENTRIES", 40)
    assert len(all_of("r.zip", data)) == 40
    monkeypatch.setattr(returned_zip, "MAX_LIST", 100)
    assert all_of("r.zip", data) == [("r.zip", "entries")]


def test_zip64_and_what_is_no_archive():
    data = packed({"a.txt": b"hello"})
    end = data.rindex(b"PK\5\6")
    assert all_of("r.zip", data[:end] + b"PK\6\7" + bytes(16) + data[end:]) == [("r.zip", "entries")]
    assert all_of("r.zip", b"PK\3\4" + b"x" * 50) == [("r.zip", "damaged")]
    assert all_of("r.zip", data[:-1]) == [("r.zip", "damaged")]
    assert all_of("r.zip", b"") == [("r.zip", "damaged")]


# --- bounds -------------------------------------------------------------------------------------------------------


def test_a_file_and_a_return_have_a_limit():
    budget = Budget(left=10)
    assert all_of("a.txt", b"0123456", budget) == [("a.txt", [(None, "0123456")])]
    assert all_of("b.txt", b"0123", budget) == [("b.txt", "enough")]
    assert all_of("c.txt", b"012", budget) == [("c.txt", [(None, "012")])]
    assert reason_of(Budget().take, returned.MAX_FILE + 1, "csv") == "too_large"
    assert reason_of(Budget().take, returned_values.MAX_JSON + 1, "json") == "too_large"
    entries = packed({"a.txt": b"0123456", "b.txt": b"0123456"})
    assert [said for _, said in all_of("r.zip", entries, Budget(left=len(entries) + 10))] == [
        [(None, "0123456")],
        "enough",
    ]


@pytest.mark.parametrize(
    ("form", "data", "reason"),
    [
        ("text", b"x" * (2 << 20), "too_large"),
        ("csv", b"a,b\n" + b"x" * (2 << 20), "too_large"),
        ("csv", b'a,b\n"' + b"x\n" * (1 << 20), "damaged"),
        ("json lines", b"[" * (2 << 20), "too_large"),
        ("json", b"[" * 100_000, "damaged"),
        ("json", b'{"a":' * 100_000, "damaged"),
        ("json", b"[1, NaN]", "damaged"),
        ("json", b"\xff", "damaged"),
        ("json", b"", "damaged"),
        ("json lines", b'{"a": 1}\n{"a":\n', "damaged"),
    ],
)
def test_hostile_bytes_have_a_reason(form, data, reason):
    assert reason_of(values, form, data) == reason


@pytest.mark.parametrize(
    "data", [b'a,"b",' + b'"' * 8000, b"'" * 8000 + b",'", b' ,"' * 3000, b"\n" * 8000, b";,|\t" * 4000]
)
def test_the_delimiter_of_hostile_tables_is_found_at_once(data):
    """The module's own pattern for quotes would take years."""
    assert len(values("csv", data)) <= 16_001


def test_memory_does_not_depend_on_the_size_of_a_message():
    mail = b"From x\n" + b"To: a@x.example\n" * 400_000 + b"\n" + b"y" * (8 << 20)
    file, found = io.BytesIO(mail), []
    tracemalloc.start()
    with pytest.raises(NotRead, match="too_large"):
        found.extend(mail_values(file))  # it keeps those before
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 0 < len(found) <= MAX_HEADERS // 15
    assert peak < 16 << 20


@deep(300)
@given(st.sampled_from(sorted(FORMS)), st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_whatever_the_bytes_the_answer_is_values_or_a_reason(form, data):
    found = []
    with contextlib.suppress(NotRead):
        found += FORMS[form](io.BytesIO(data))
    assert all((label is None or isinstance(label, str)) and isinstance(text, str) for label, text in found)


GOOD = packed({"a.txt": b"hello " * 20, "b.csv": b"a,b\n1,2\n", "c.json": b'{"a": [1, "x"]}', "d.eml": b"To: x\n\n"})


@deep(600)
@given(
    st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=6), st.integers(0, 30)
)
def test_whatever_the_archive_the_answer_is_parts(changes, cut):
    data = bytearray(GOOD)
    for at, byte in changes:
        data[at] = byte
    for name, said in all_of("r.zip", bytes(data[: len(data) - cut])):
        assert name.startswith("r.zip")
        assert said or isinstance(said, list)


@deep(100)
@given(
    st.recursive(
        st.text(max_size=8) | st.integers(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    )
)
def test_every_text_of_a_document_comes_out(document):
    def texts(value):
        if isinstance(value, dict):
            return [*value, *(text for member in value.values() for text in texts(member))]
        if isinstance(value, list):
            return [text for member in value for text in texts(member)]
        return [str(value)]

    found = [text for _, text in values("json", json.dumps(document).encode())]
    assert sorted(found) == sorted(texts(document))
