"""Lines of a package: the same by tiles, by all leaves on disk and row by row; and no row group is read in vain."""

from __future__ import annotations

from contextlib import closing

import pytest

from evidencekit.core.merkle import CompactRange, leaf_hash
from evidencekit.core.package_records import SHOWN, decode_record
from evidencekit.core.proofs import verify_inclusion
from evidencekit.core.row_leaves import leaf_hashes, opinion_leaves
from evidencekit.core.values import decode_base64
from evidencekit.errors import FormatError
from evidencekit.package import records
from evidencekit.package.choice import Choice, Tally
from evidencekit.package.leaves import Leaves
from evidencekit.package.payload import Payload
from evidencekit.package.records import survey, write_rows
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.reduced import known_rows, rows_of

BAD = b"\xff"  # what is no UTF-8: `tiled` writes every path in hex
NAMES = [
    (BAD, b""),
    *((BAD + b"d%02d" % n, b"") for n in range(3)),
    *((BAD + b"d%02d/f%03d" % (n % 3, n), b"") for n in range(36)),
]
ROWS = len(NAMES)


@pytest.fixture(scope="module")
def both(tiled, tmp_path_factory):
    """Forty rows in two row groups, by order."""
    folder = tmp_path_factory.mktemp("rows")
    return {
        shuffled: tiled.make(folder / str(shuffled), NAMES, [15, 25], shuffled=shuffled) for shuffled in (False, True)
    }


@pytest.fixture(params=[False, True], ids=["path", "shuffled"])
def made(both, request):
    """Them, and whether they are shuffled."""
    return both[request.param], request.param


def choice_of(made, shown):
    tiled, is_shuffled = made
    mark = bytearray(0 if index in shown else 1 for index in range(ROWS))
    return Choice(
        item="EX-001", manifest=1, entry=2, root=tiled.seal["root"], rows=ROWS, is_shuffled=is_shuffled,
        is_sensitive=False, grounds=("", "not_requested"),
        groups={"name": mark, "content": bytearray(mark), "metadata": bytearray(b"\1" * ROWS)},
    )  # fmt: skip


def written(made, choice, folder):
    """Return the lines of a choice, decoded, and the file of all leaves."""
    found: list[bytes] = []
    tally = Tally()
    folder.mkdir()
    with made[0].store.open("manifests/00000001.parquet") as file, closing(Payload(folder / "payload")) as payload:
        manifest = ManifestFile(file, "manifest")
        list(survey(choice, manifest, tally, has_payload=False))
        payload.name_all()
        leaves = write_rows(
            made[0].store, choice, tally, manifest, payload, leaves=folder / "leaves", write=found.append
        )
    return [decode_record(SHOWN, line.removesuffix(b"\n")) for line in found], leaves, tally


@pytest.mark.parametrize("shown", [{0}, {39}, {3, 14, 15, 16}, set(range(15, 25))])
def test_few_rows_are_proved_by_tiles_as_by_all_rows(made, tmp_path, monkeypatch, shown):
    choice = choice_of(made, shown)
    assert choice.opened() == shown
    slow, leaves, tally = written(made, choice, tmp_path / "slow")
    assert leaves is None
    assert (tally.shown, tally.hidden["not_requested"]) == (len(shown), ROWS - len(shown))
    monkeypatch.setattr(records, "_FEW", 4)
    monkeypatch.setattr(records, "gather", None)
    assert written(made, choice, tmp_path / "few")[0] == slow
    root = bytes.fromhex(choice.root)
    for line in slow:
        proof, leaf = [decode_base64(node) for node in line["proof"]], leaf_hash(line["leaf"].encode())
        assert verify_inclusion(index=int(line["index"]), size=ROWS, leaf_hash=leaf, proof=proof, root=root)
    assert [int(line["index"]) for line in slow] == sorted(shown)


def test_without_tiles_all_rows_are_read(made, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "_FEW", 4)
    monkeypatch.setattr(records, "prove_by_tiles", lambda *_: None)
    assert len(written(made, choice_of(made, {7}), tmp_path / "made")[0]) == 1


def test_all_leaves_go_with_many_rows(made, tmp_path):
    lines, leaves, _ = written(made, choice_of(made, set(range(21))), tmp_path / "made")
    assert {line["proof"] for line in lines} == {None}
    data = leaves.read_bytes()
    tree = CompactRange()
    tree.extend(data[at : at + 32] for at in range(0, len(data), 32))
    assert tree.root().hex() == made[0].seal["root"]


def test_row_groups_without_a_shown_row_are_not_read(both, tmp_path, monkeypatch):
    made = both[False], False
    read = []
    batches = ManifestFile.batches

    def watched(self, columns=None, *, start=0, stop=None):
        read.append(start)
        return batches(self, columns, start=start, stop=stop)

    monkeypatch.setattr(ManifestFile, "batches", watched)
    monkeypatch.setattr(records, "_FEW", 4)
    written(made, choice_of(made, {20}), tmp_path / "made")
    assert set(read) == {15}


def test_columns_and_rows_have_the_same_leaves(made):
    with made[0].store.open("manifests/00000001.parquet") as file:
        manifest = ManifestFile(file, "manifest")
        by_columns = [leaf for _, batch in manifest.batches() for leaf in leaf_hashes(batch)]
        assert by_columns == [leaf_hash(row.leaf()) for row in known_rows(manifest)]


def test_opinions_by_columns_and_by_rows():
    batch = {"index": [0, 1], "row_salt": [b"s" * 16, b"t" * 16], "base_index": [3, 9], "opinion": [b"{}", b"x"]}
    rows = rows_of("evidencekit/derived/1", batch)
    assert opinion_leaves(batch, "ab" * 32) == [leaf_hash(row.leaf("ab" * 32)) for row in rows]


@pytest.mark.parametrize("parts", [[0], [1, 255, 1], [40_000, 30_000], [1 << 15, 1]])
def test_leaves_come_in_any_pieces(tmp_path, parts):
    hashes = [number.to_bytes(32, "big") for number in range(sum(parts))]
    tree = CompactRange()
    tree.extend(hashes)
    with closing(Leaves(tmp_path / "leaves")) as leaves:
        rest = iter(hashes)
        for part in parts:
            leaves.extend([next(rest) for _ in range(part)])
        assert leaves.settle() == tree.root()
        assert (leaves.size, leaves.path.read_bytes()) == (len(hashes), b"".join(hashes))
        for index in {0, 255, 256, len(hashes) // 2, len(hashes) - 1} & set(range(len(hashes))):
            args = {"index": index, "size": len(hashes), "leaf_hash": hashes[index], "root": tree.root()}
            assert verify_inclusion(proof=leaves.prove(index), **args)


def test_rows_that_say_nothing_readable_are_refused(made, monkeypatch):
    broken = [row._replace(groups={"name": row.groups["name"]._replace(data=b"{")}) for row in rows_like()]
    monkeypatch.setattr(records, "known_rows", lambda *_, **__: broken)
    with pytest.raises(FormatError, match="row 0"):
        list(survey(choice_of(made, {0}), MockManifest(), Tally(), has_payload=True))


class MockManifest:
    row_groups = (ROWS,)
    rows_count = ROWS


def rows_like():
    batch = {"index": [0], "kind": [b"file"], "name": [b"{}"], "content": [b"{}"], "metadata": [b"{}"]}
    return rows_of("evidencekit/manifest/1", batch, committed=False)
