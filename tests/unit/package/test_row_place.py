"""A row's place by tiles: the same as by all rows, for few bytes; and whatever the tiles are, no other answer."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from evidencekit.core.proofs import verify_inclusion
from evidencekit.errors import BadArgument, CannotFinish
from evidencekit.package import row_place
from evidencekit.package.row_place import row_leaf

NAMES = [(b"", b""), *((b"d%02d" % n, b"") for n in range(3)), *((b"d%02d/f%03d" % (n % 3, n), b"") for n in range(36))]
ROWS = 30_000
ORDERS = pytest.mark.parametrize("shuffled", [False, True])


@pytest.fixture(scope="module")
def small(tiled, tmp_path_factory):
    """Forty rows in two row groups, by order."""
    folder = tmp_path_factory.mktemp("small")
    return {
        shuffled: tiled.make(folder / str(shuffled), NAMES, [15, 25], shuffled=shuffled) for shuffled in (False, True)
    }


@ORDERS
def test_every_row_by_path_and_by_index(small, shuffled):
    made = small[shuffled]
    root = bytes.fromhex(made.seal["root"])
    for (path, _), index in zip(made.names, made.indexes, strict=True):
        for wanted in (path, index):
            found = made.by_tiles(wanted)
            assert found == made.by_all_rows(wanted) == made.find(wanted)
            assert (found.row.path, found.row.index) == (path, index)
            assert verify_inclusion(index=index, size=40, leaf_hash=made.leaves[index], proof=found.proof, root=root)


@ORDERS
@pytest.mark.parametrize("wanted", [b"nothing", b"d00/", b"d00/f001", b"\xff", b"a\0b", 40, 2**70])
def test_what_is_not_there_is_said_after_all_rows(small, shuffled, wanted):
    assert small[shuffled].by_tiles(wanted) is None
    with pytest.raises(BadArgument) as caught:
        small[shuffled].find(wanted)
    assert caught.value.code == "U234"


# --- streams ------------------------------------------------------------------------------------------------------


@ORDERS
@pytest.mark.parametrize("cut", range(1, 9))
def test_a_path_is_that_of_the_file_itself_wherever_a_row_group_begins(tiled, tmp_path, shuffled, cut):
    streams = [(b"a", b"one"), (b"a", b"two"), (b"d", b"s"), (b"d", b"\xc3\xbc")]
    made = tiled.make(
        tmp_path, [(b"", b""), (b"a", b""), (b"d", b""), (b"d/x", b""), (b"e", b""), *streams], [cut, 9 - cut],
        shuffled=shuffled,
    )  # fmt: skip
    for (path, stream), index in zip(made.names, made.indexes, strict=True):
        found = made.by_tiles(index)
        assert found == made.by_all_rows(index)
        assert (found.row.path, b'"stream"' in found.row.name) == (path, stream != b"")
        own = made.by_tiles(path)
        assert own == made.by_all_rows(path)
        assert (own.row.path, b'"stream"' in own.row.name) == (path, False)


def test_a_path_that_streams_alone_have_is_no_row(tiled, tmp_path):
    made = tiled.make(tmp_path, [(b"", b""), (b"a", b"s")], [2])
    with pytest.raises(BadArgument):
        made.find(b"a")
    assert made.find(1).row.path == b"a"


def test_a_name_that_speaks_of_streams_is_none(tiled, tmp_path):
    names = [(b"", b""), (b'a","stream":"x', b"")]
    made = tiled.make(tmp_path, names, [2])
    assert made.by_tiles(names[1][0]) == made.by_all_rows(names[1][0])


def test_a_group_that_cannot_be_read_is_left_to_the_verifier(tiled, tmp_path, monkeypatch):
    columns = tiled.columns_of
    monkeypatch.setattr(tiled, "columns_of", lambda *given: columns(*given) | {"name": b"no record"})
    made = tiled.make(tmp_path, [(b"", b""), (b"a", b"")], [2])
    assert made.by_tiles(b"a").row.name == b"no record"


def test_long_paths_are_found(tiled, tmp_path):
    """Fences are cut: of paths that begin alike for 1,024 bytes the wrong row group may be read, never a wrong row."""
    long = b"/".join([b"x" * 200] * 6)
    made = tiled.make(tmp_path, [(b"", b""), *((long + b"%d" % n, b"") for n in range(9))], [3, 3, 4])
    for path, _ in made.names:
        assert made.find(path) == made.by_all_rows(path)
    assert made.by_tiles(made.names[-1][0]) == made.by_all_rows(made.names[-1][0])


# --- how much is read ---------------------------------------------------------------------------------------------


def bytes_read():
    """Bytes that this process has had from the system so far."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.parametrize(("shuffled", "end"), [(False, 8192), (True, 8192), (False, 8000)])
def test_one_row_group_is_read_once(tiled, tmp_path, shuffled, end):
    """All that is read is less than what one row group and the footer have; no block is left to a second group."""
    if not Path("/proc/self/io").exists():
        pytest.skip("NOT RUN: this system does not count what is read")
    names = [(b"", b""), *((b"folder %d" % n, b"") for n in range(100))]
    names += [(b"folder %d/file %06d" % (n % 100, n), b"") for n in range(ROWS - len(names))]
    groups = [end] * (ROWS // end)
    made = tiled.make(tmp_path, names, [*groups, ROWS - sum(groups)], shuffled=shuffled)
    rows = [0, 8000, 8191, 8192, 15_999, 16_000, ROWS - 1]
    paths = [made.names[position][0] for position in (0, 8000, 16_001, ROWS - 1)]
    size = made.manifest.stat().st_size
    footer = int.from_bytes(made.manifest.read_bytes()[-8:-4], "little")
    made.by_tiles(0)  # imports are read, too
    for wanted in (*rows, *paths):
        before = bytes_read()
        found = made.by_tiles(wanted)
        read = bytes_read() - before
        assert found is not None
        assert read < size * end / ROWS + footer + 32_768
    expected = made.by_all_rows(rows[3])
    assert made.find(rows[3]) == expected


# --- damaged and hostile tiles ------------------------------------------------------------------------------------


def wanted_of(made):
    return (made.names[0][0], made.names[17][0], 0, 39)


def check_no_other_answer(made, data):
    """With these tiles: nothing, or what all rows give."""
    made.tiles.unlink(missing_ok=True)
    made.tiles.write_bytes(data)
    for wanted in wanted_of(made):
        assert made.find(wanted) == made.by_all_rows(wanted)


@pytest.fixture
def damaged(small):
    """Let a test change tiles: they come back at the end."""
    kept = {made.tiles: made.tiles.read_bytes() for made in small.values()}
    yield
    for path, data in kept.items():
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        path.write_bytes(data)


@pytest.fixture
def slow(small, shuffled, monkeypatch):
    """What all rows give, and a manifest that is in memory: so that thousands of tiles can be tried."""
    made = small[shuffled]
    answers = {wanted: made.by_all_rows(wanted) for wanted in wanted_of(made)}
    with made.manifest.open("rb") as file:
        manifest = row_place.ManifestFile(file, "manifest")
        rows = list(row_place._rows(manifest, 0, 40))
    monkeypatch.setattr(row_place, "ManifestFile", lambda *_: manifest)
    monkeypatch.setattr(row_place, "_rows", lambda _, start, stop: iter(rows[start:stop]))
    monkeypatch.setattr(row_place, "_by_all_rows", lambda _store, _seal, wanted, _shown: answers[wanted])
    return answers


@ORDERS
@pytest.mark.usefixtures("damaged")
def test_every_truncation(small, shuffled, slow):
    made, data = small[shuffled], small[shuffled].tiles.read_bytes()
    for end in range(len(data)):
        made.tiles.write_bytes(data[:end])
        for wanted, expected in slow.items():
            assert made.find(wanted) == expected


@ORDERS
@pytest.mark.usefixtures("damaged")
def test_any_byte_changed(small, shuffled, slow):
    made, data = small[shuffled], small[shuffled].tiles.read_bytes()
    choice = random.Random(3)
    by_tiles = 0
    for at in range(len(data)):
        made.tiles.write_bytes(data[:at] + bytes([data[at] ^ (1 << choice.randrange(8))]) + data[at + 1 :])
        for wanted, expected in slow.items():
            found = made.find(wanted)
            assert found == expected
            by_tiles += found is not expected
    assert by_tiles > 0  # a fence that the row in question does not need


@ORDERS
@pytest.mark.usefixtures("damaged")
def test_tiles_that_say_something_else(small, tiled, tmp_path, shuffled):
    """Sound in form, made by somebody who wants another row, another place, or another root to be believed."""
    made, data = small[shuffled], small[shuffled].tiles.read_bytes()
    other = tiled.make(tmp_path / "other", NAMES, [15, 25], shuffled=shuffled)
    check_no_other_answer(made, other.tiles.read_bytes())
    check_no_other_answer(made, small[not shuffled].tiles.read_bytes())
    check_no_other_answer(made, data[:20] + bytes(len(data) - 20))
    check_no_other_answer(made, b"")
    check_no_other_answer(made, os.urandom(len(data)))
    key = made.names[15][0].replace(b"/", b"\0")
    fences = b"\0\0" + len(key).to_bytes(2, "big") + key
    turned = fences[2:] + fences[:2]
    assert fences in data
    check_no_other_answer(made, data.replace(fences, turned))
    if shuffled:
        records = [data[20 + 36 * n : 56 + 36 * n] for n in range(40)]
        moved = b"".join(
            record[:32] + next_[32:] for record, next_ in zip(records, records[1:] + records[:1], strict=True)
        )
        check_no_other_answer(made, data[:20] + moved + data[20 + len(moved) :])
        far = b"".join(record[:32] + b"\xff\xff\xff\xff" for record in records)
        check_no_other_answer(made, data[:20] + far + data[20 + len(far) :])


@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize("kind", ["missing", "link", "fifo", "folder"])
def test_tiles_that_are_no_file(small, tmp_path, kind):
    made = small[False]
    made.tiles.rename(tmp_path / "there")
    if kind == "link":
        made.tiles.symlink_to(tmp_path / "there")
    if kind == "fifo":
        os.mkfifo(made.tiles)
    if kind == "folder":
        made.tiles.mkdir()
    for wanted in wanted_of(made):
        with pytest.raises(CannotFinish):
            made.by_tiles(wanted)
        assert made.find(wanted) == made.by_all_rows(wanted)


def test_a_disk_that_fails_under_the_tiles(small, monkeypatch):
    made = small[False]

    def fail(*_given, **_more):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("evidencekit.read.tiles.TilesFile._read", fail)
    assert made.find(3) == made.by_all_rows(3)


# --- a manifest that is not the one that was sealed ---------------------------------------------------------------


def test_a_row_that_was_changed_is_not_proved_by_tiles(tiled, tmp_path, monkeypatch):
    made = tiled.make(tmp_path / "one", NAMES, [15, 25])
    columns = tiled.columns_of
    monkeypatch.setattr(tiled, "columns_of", lambda name, number: columns(name, number + (number == 20)))
    other = tiled.make(tmp_path / "other", NAMES, [15, 25])
    made.manifest.write_bytes(other.manifest.read_bytes())
    assert made.by_tiles(20) is None
    assert made.find(20) == made.by_all_rows(20)  # a proof that fails, as without tiles
    root = bytes.fromhex(made.seal["root"])
    for index in set(range(40)) - {20}:  # that of another row still leads to the sealed root
        found = made.find(index)
        assert verify_inclusion(index=index, size=40, leaf_hash=made.leaves[index], proof=found.proof, root=root)


def test_another_number_of_rows_than_was_sealed(small):
    made = small[False]
    seal = made.seal | {"rows": "41"}
    with pytest.raises(CannotFinish) as caught:
        row_place.find_row(made.store, seal, 3, "it")
    assert caught.value.code == "X443"
    for rows in ("0", "9223372036854775807"):
        assert row_place._by_tiles(made.store, made.seal | {"rows": rows}, b"d00") is None


def test_the_leaf_of_a_row(small):
    made = small[True]
    found = made.find(7)
    import hashlib

    assert hashlib.sha256(b"\0" + row_leaf(found.row)).digest() == made.leaves[7]
