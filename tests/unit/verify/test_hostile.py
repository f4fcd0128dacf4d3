"""What a red team found: lies that once passed in silence, and small files that promised endless work."""

from __future__ import annotations

import os

import casebuilder as cb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evidencekit.core import encoding
from evidencekit.core.encoding import PROOF
from evidencekit.core.event import NAMESPACE
from evidencekit.core.merkle import EMPTY_ROOT
from evidencekit.core.proofs import TlogProof, format_tlog_proof, parse_tlog_proof
from evidencekit.errors import BadArgument, FormatError
from evidencekit.package.row_proof import prove_row
from evidencekit.read.thrift import Compact
from evidencekit.verify import manifests
from evidencekit.verify.verifier import verify_case, verify_proof
from evidencekit.write.parquet import ManifestRows, ManifestWriter


def errors(report) -> set[tuple[str, str]]:
    return {(finding.code, finding.where) for finding in report.findings if finding.severity == "error"}


def again(build, index: int, **changes) -> None:
    """Enter an event a second time, with a nonce of its own."""
    event = build.read_event(index)
    body = {name: value for name, value in event["body"].items() if name != "_t"}
    build.enter(build.event(event["type"], event["items"], body | changes))


def test_a_note_over_the_empty_tree_hides_no_other(sealed):
    """Its size is that of no entry, so all later notes once stayed uncompared."""
    sealed.checkpoint(0)
    assert errors(verify_case(sealed.case)) == {("E105", "checkpoints/00000000")}
    sealed.checkpoint(3, root=bytes(32))
    assert errors(verify_case(sealed.case)) == {("E105", "checkpoints/00000000"), ("E204", "checkpoints/00000003")}


def test_a_catalogue_without_rows_seals_nothing(build):
    where = build.seal([])
    assert errors(verify_case(build.case)) == {("E109", where)}


def test_the_empty_tree_confirms_nothing(sealed):
    with pytest.raises(BadArgument) as caught:
        verify_case(sealed.case, since=f"0 {EMPTY_ROOT.hex()}".encode())
    assert caught.value.code == "U223"
    with pytest.raises(BadArgument):
        verify_case(sealed.case, since=sealed.checkpoint(0).read_bytes())
    (sealed.case / "checkpoints/00000000").unlink()
    policy = sealed.policy(f'[[log]]\norigin = "{cb.ORIGIN}"\nmin_size = 0\n')
    assert verify_case(sealed.case, policy=policy).aspects["completeness"].status == "not_checked"


def test_a_catalogue_that_two_events_name(sealed):
    sealed.derive([cb.opinion(1), cb.opinion(3)])
    again(sealed, 3)
    report = verify_case(sealed.case)
    assert errors(report) == {("E301", "custody/00000004/event.json")}
    assert report.checked["manifests"] == 2


def test_opinions_belong_to_the_catalogue_of_their_own_item(sealed):
    """Two items with the same rows and salts have one root, and still two catalogues."""
    sealed.seal(exhibit="EX-002")
    where = sealed.derive([cb.opinion(1), cb.opinion(3)], base=1, item="EX-002")
    assert errors(verify_case(sealed.case)) == {("E108", f"{where} header")}


def test_catalogues_are_numbered_from_one(sealed):
    with pytest.raises(FormatError):
        again(sealed, 2, manifest="0")


@pytest.mark.parametrize("more", [{}, {"rows": None}, {"root": 5}])
def test_a_proof_by_a_seal_of_a_newer_version_is_not_checked(sealed, more):
    whole = parse_tlog_proof(prove_row(sealed.case, "EX-001:d/b", groups=("name",)).whole)
    record = encoding.decode(whole.extra, PROOF)
    event = encoding.decode(record["event"].encode())
    event["body"] |= {"_t": "evidencekit/seal/2"} | more
    data = encoding.encode(event)
    record |= {"event": data.decode(), "signatures": [sealed.signer.sign(data, NAMESPACE).decode()]}
    proof = format_tlog_proof(TlogProof(whole.index, whole.hashes, whole.checkpoint, encoding.encode(record, PROOF)))
    report = verify_proof(proof)
    assert report.counts["findings"]["by_code"]["E103"] == 1
    assert not any(item.code == "internal_error" for item in report.not_checked)
    assert report.counts["rows"] == 0


def varint(value: int) -> bytes:
    """As Thrift writes it."""
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def number(value: int) -> bytes:
    """A varint with its sign last."""
    return varint(value << 1)


@pytest.mark.parametrize("second", [b"\x06" + number(2), b"\x05" + number(65538)], ids=["twice", "cut to 16 bits"])
def test_no_field_stands_for_another(second):
    """A library would read the other of the two: a page whose size nobody had looked at."""
    data = b"\x15" + number(0) + b"\x15" + number(10**9) + second + number(1) + b"\0"
    with pytest.raises(FormatError):
        Compact(data, max_list=16, place="x").fields()


def with_row_groups(data: bytes, count: int, rows: int) -> bytes:
    """A Parquet file of one row group whose footer names that `count` times."""
    length = int.from_bytes(data[-8:-4], "little")
    footer = data[-8 - length : -8]
    starts = [at for at in range(len(footer)) if footer[at : at + 2] == b"\x19\x1c"]  # list 4: one structure
    for at in starts:
        reader = Compact(footer[at + 2 :], max_list=16, place="x")
        if footer[at - 2 : at] != b"\x16" + number(rows):
            continue
        reader.fields()
        one = footer[at + 2 : at + 2 + reader.at]
        head = footer[: at - 1] + number(rows * count) + b"\x19\xfc" + varint(count)
        new = head + one * count + footer[at + 2 + reader.at :]
        return data[: -8 - length] + new + len(new).to_bytes(4, "little") + b"PAR1"
    raise AssertionError("no list of row groups")


def test_the_same_pages_named_again_and_again_are_not_read(sealed):
    path = sealed.case / "manifests/00000001.parquet"
    path.write_bytes(with_row_groups(path.read_bytes(), 100, 4))
    report = verify_case(sealed.case)
    assert {code for code, _ in errors(report)} == {"E106", "E201"}
    assert "pages from byte" in next(f.expected for f in report.findings if f.code == "E106")


def test_more_rows_than_bytes_are_refused_before_memory_is_taken(sealed):
    """Rows that are all alike take a few bits each; real ones have a random salt."""
    path = sealed.case / "manifests/00000001.parquet"
    with pq.ParquetFile(path) as file:
        rows, schema = file.read().slice(0, 1), file.schema_arrow.remove_metadata()
        keys = {key: text for key, text in file.metadata.metadata.items() if key.startswith(b"evidencekit.")}
    with pq.ParquetWriter(path, schema, compression="zstd", store_schema=False) as writer:
        writer.write_table(pa.concat_tables([rows] * 60_000).combine_chunks())
        writer.add_key_value_metadata(keys)
    report = verify_case(sealed.case)
    assert errors(report) == {("E102", "manifests/00000001.parquet"), ("E201", "manifests/00000001.parquet")}
    assert "rows" not in report.checked


def test_a_sparse_file_in_the_place_of_a_catalogue_is_not_hashed(sealed, monkeypatch):
    """Terabytes of zeros take no space, and hours."""
    path = sealed.case / "manifests/00000001.parquet"
    limit = manifests.MAX_FILE + 4 * manifests.MAX_FILE_ROW
    with path.open("r+b") as file:
        file.truncate(limit + 1)
    monkeypatch.setattr(manifests, "file_sha256", pytest.fail)
    report = verify_case(sealed.case)
    assert errors(report) == {("E102", "manifests/00000001.parquet")}
    assert report.verdict == "FAILED"
    monkeypatch.undo()
    os.truncate(path, 1 << 20)
    assert errors(verify_case(sealed.case)) == {
        ("E106", "manifests/00000001.parquet"),
        ("E201", "manifests/00000001.parquet"),
    }


def test_a_footer_for_more_rows_than_were_sealed_is_not_given_to_a_library(sealed, monkeypatch):
    """A library makes fifty bytes of each."""
    path = sealed.case / "manifests/00000001.parquet"
    monkeypatch.setattr(manifests, "MAX_FOOTER", 10_000)
    path.write_bytes(with_row_groups(path.read_bytes(), 30, 4))
    assert errors(verify_case(sealed.case)) == {("E102", "manifests/00000001.parquet")}


def test_the_end_of_a_file_that_was_cut_is_no_size_of_a_footer(sealed):
    path = sealed.case / "manifests/00000001.parquet"
    path.write_bytes(path.read_bytes()[:-200] + b"\xff" * 8)
    assert {code for code, _ in errors(verify_case(sealed.case))} == {"E106", "E201"}


@pytest.mark.parametrize("rows", [1, 600])
def test_what_the_writer_makes_of_the_smallest_row_groups_is_within_the_limits(tmp_path, monkeypatch, rows):
    """At the limit of 1 MiB a group, no row group that the writer ends early has fewer than twenty rows."""
    stored = [cb.stored(cb.file_row(f"{number:09d}"), number) for number in range(rows)]
    with ManifestWriter(tmp_path / "m") as writer:
        for start in range(0, rows, 20):
            batch = ManifestRows()
            for row in stored[start : start + 20]:
                for name in ManifestRows.__slots__:
                    getattr(batch, name).append(row[name])
            writer.write(batch)
        writer.finish(b"h" * 60_000, bytes(16))
    with (tmp_path / "m").open("rb") as file:
        manifests._refuse_oversize(file, "m", rows)
        file.seek(-8, os.SEEK_END)
        assert int.from_bytes(file.read(4), "little") < 70_000 + rows * manifests.MAX_FOOTER_ROW / 3


def test_a_policy_of_special_files_neither_hangs_nor_is_passed_over(sealed):
    policy = sealed.policy()
    os.mkfifo(policy / "revoked.toml")
    with pytest.raises(BadArgument):
        verify_case(sealed.case, policy=policy)
    (policy / "revoked.toml").unlink()
    (policy / "revoked.toml").symlink_to("nowhere")
    with pytest.raises(BadArgument):
        verify_case(sealed.case, policy=policy)


def test_what_was_typed_as_an_exhibit_is_escaped(sealed):
    report = verify_case(sealed.case, sources={"\x1b[31m\u202e": sealed.folder})
    assert report.verdict == "NOT CHECKED"
    assert "\x1b" not in report.reason + "".join(item.where for item in report.not_checked)
