"""Names below data/: no two names are one, on any file system; a verifier knows each again. specs/package.md, 3."""

from __future__ import annotations

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evidencekit.core import bag_names
from evidencekit.core.bag_names import (
    MAX_COMPONENT,
    fold,
    is_name_of,
    is_path_of,
    is_too_long,
    map_name,
    map_path,
    row_path,
    shorten_name,
)
from evidencekit.core.bagit import manifest_line, parse_manifest_line
from evidencekit.errors import FormatError
from evidencekit.package.payload import Payload
from evidencekit.read.package_names import check_path

AWKWARD = (
    "CON",
    "con.txt",
    "COM¹",
    "nul",
    "a%0Ab",
    "a^0Ab",
    "^~source",
    "^~row-1",
    "x^~s-y",
    "e\u0301",
    "é",
    "Å",
    "ﬁ",
    "ß",
    "İ",
)
TEXT = st.text(st.characters(blacklist_characters="/\0", blacklist_categories=("Cs",)), min_size=1, max_size=300)
COMPONENT = st.one_of(
    st.sampled_from([name.encode() for name in AWKWARD]),
    TEXT.map(str.encode),
    st.binary(min_size=1, max_size=255).map(lambda data: data.replace(b"/", b"_").replace(b"\0", b"_")),
).filter(lambda name: name not in {b".", b".."})
STREAM = st.one_of(st.just(b""), COMPONENT)
SHORT = st.sampled_from(
    [b"a", b"A", b"b", b"aa", b"Aa", b"a-", "ß".encode(), b"SS", b"ss", "é".encode(), "e\u0301".encode()]
)


@given(COMPONENT, STREAM)
@example(b"a" * 201, b"")
@example("ü".encode() * 101, b"")
@example(b"\n" * 67, b"\n")
def test_a_name_can_be_written_everywhere(component, stream):
    for name in (map_name(component, stream), shorten_name(component, stream)):
        assert 0 < len(name.encode()) <= MAX_COMPONENT
        assert unicodedata.is_normalized("NFC", name)
        assert not set(name) & set('/\\:*?"<>|%~'.replace("~", ""))
        assert name[-1] not in " ."
        assert name[0] not in " ."
        check_path(f"data/{name}")
        assert manifest_line("0" * 64, f"data/{name}").count(b"\n") == 1
        assert is_name_of(name, component, stream)


@given(COMPONENT, STREAM, COMPONENT, STREAM)
@example(b"a", b"b", b"a^~s-b", b"")
@example(b"a" * 120 + b"\n" * 100, b"", b"a" * 120 + b"\n" * 99 + b"x", b"")
def test_two_names_never_become_one(one, stream, other, another):
    if (one, stream) != (other, another):
        forms = {map_name(one, stream), shorten_name(one, stream)}
        assert forms.isdisjoint({map_name(other, another), shorten_name(other, another)})
        assert fold(shorten_name(one, stream)) != fold(shorten_name(other, another))
        assert fold(map_name(one, stream)) != fold(shorten_name(other, another))


@given(st.lists(COMPONENT, min_size=0, max_size=6), STREAM, st.integers(0, 2**40))
def test_a_path_is_known_again_and_no_other(parts, stream, index):
    path = b"/".join(parts)
    place = map_path("EX-001", path, stream)
    if is_too_long(place):
        assert not is_path_of(place, "EX-001", index, path, stream)
        place = row_path("EX-001", index)
    assert is_path_of(place, "EX-001", index, path, stream)
    assert not is_path_of(place, "EX-002", index, path, stream)
    assert not is_path_of(place, "EX-001", index, path + b"x", stream)
    assert not is_path_of(f"{place}/x", "EX-001", index, path, stream)
    by_row = row_path("EX-001", index)
    assert is_path_of(by_row, "EX-001", index, None)
    assert not is_path_of(by_row, "EX-001", index + 1, None)


@given(st.lists(st.lists(SHORT, min_size=1, max_size=3).map(b"/".join), unique=True, max_size=25), st.randoms())
def test_neighbours_are_told_apart_without_case(tmp_path_factory, paths, random):
    # A path that is a file cannot be a folder, too.
    files = [path for path in paths if not any(other.startswith(path + b"/") for other in paths)]
    named = {}
    for order in (files, random.sample(files, len(files))):
        payload = Payload(tmp_path_factory.mktemp("payload") / "db")
        for path in order:
            payload.add("EX-001", 1, files.index(path), path, b"", is_named=True, size=1, sha256=bytes(32))
        payload.name_all()
        pieces = list(payload.by_place())
        payload.close()
        assert all(is_path_of(piece.place, "EX-001", piece.index, piece.path) for piece in pieces)
        assert all(a.place.encode() < b.place.encode() for a, b in pairwise(pieces))
        folded = [fold(piece.place) for piece in pieces]
        assert len(set(folded)) == len(folded) == len(files)
        for place in folded:  # no file where another one needs a folder
            assert not any(other.startswith(f"{place}/") for other in folded)
        named[tuple(order)] = {piece.path: piece.place for piece in pieces}
    first, *others = named.values()
    assert all(other == first for other in others)


def test_usual_names_have_just_the_plain_characters_of_ascii():
    usual = {bytes([one]) for one in range(256) if bag_names._USUAL_PLAIN.fullmatch(bytes([one]))}
    assert usual == {bytes([one]) for one in range(128) if bag_names._is_plain(chr(one))}


def test_names_that_people_meet():
    assert map_path("EX-001", b"docs/a b.txt") == "data/EX-001/docs/a b.txt"
    assert map_path("EX-001", "عربي/中文.pdf".encode()) == "data/EX-001/عربي/中文.pdf"
    assert map_path("EX-001", b"a\nb%.", b"s") == "data/EX-001/a^0Ab^25^2E^~s-s"
    assert map_path("CON", b"") == "data/^43ON/^~source"
    assert row_path("EX-001", 7) == "data/EX-001/^~row-7"


@pytest.mark.parametrize(
    "line", [b"", b"ab  x", b"0" * 64 + b" x", b"0" * 64 + b"  x ", b"0" * 64 + b"  a%0A", b"A" * 64 + b"  x"]
)
def test_a_line_of_a_manifest_has_one_spelling(line):
    with pytest.raises(FormatError):
        parse_manifest_line(line, "sha256", "line 1")
    assert parse_manifest_line(b"0" * 64 + b"  data/a  b", "sha256", "line 1") == ("0" * 64, "data/a  b")
