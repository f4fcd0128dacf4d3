"""The log followed again: what it is, and everything that the writer will not build on."""

from __future__ import annotations

import base64
import json
import os

import pytest

from evidencekit.core import encoding, layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.digest import sha256
from evidencekit.core.event import NAMESPACE, Entry, decode_event, encode_entry, encode_event
from evidencekit.core.merkle import EMPTY_ROOT
from evidencekit.core.values import format_instant
from evidencekit.errors import CannotFinish, EvidenceError, Refused
from evidencekit.read.store import Store
from evidencekit.seal.replay import broken, read_case, refuse_other_keys, replay


@pytest.fixture(scope="module")
def old(rc, tmp_path_factory):
    """One sealed case for all tests of this module: each works on a copy."""
    folder = tmp_path_factory.mktemp("replay")
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    source = folder / "source"
    source.mkdir()
    (source / "a").write_text("a")
    office.acquire(folder / "case", source, particulars={"place": "here"})
    office.acquire(folder / "case", source, "EX-002", types=False)
    return office, folder / "case"


@pytest.fixture
def case(old, tmp_path):
    import shutil

    shutil.copytree(old[1], tmp_path / "case")
    return tmp_path / "case"


def follow(case):
    store = Store(case)
    return replay(store, read_case(store))


def test_what_a_sound_log_says(case, rfc6962):
    log = follow(case)
    leaves = [(case / layout.entry_file(index)).read_bytes() for index in range(6)]
    assert (log.size, log.head) == (6, 6)
    assert log.roots == [rfc6962.MTH(leaves[:size]) for size in range(7)]
    assert log.root == log.roots[-1]
    assert log.roots[0] == EMPTY_ROOT
    assert log.manifests == {1, 2, 3}
    assert log.strays == []
    assert log.seals.keys() == {"EX-001", "EX-002"}
    assert log.seals["EX-001"]["manifest"] == "1"
    assert "place" not in log.not_stated["EX-001"]
    assert "place" in log.not_stated["EX-002"]
    items = log.custody.items
    assert (items["EX-001"].sealed, items["EX-001"].derived, items["EX-002"].derived) == (2, 3, None)
    log.refuse_unfinished()


def test_catching_up_is_following_from_the_start(old, case, rc):
    office = old[0]
    log = follow(case)
    source = case.parent / "more"
    source.mkdir()
    office.acquire(case, source, "EX-003")
    log.catch_up()
    again = follow(case)
    assert (log.size, log.root, log.head, log.manifests) == (again.size, again.root, again.head, again.manifests)
    assert log.custody == again.custody
    log.catch_up()
    assert log.size == again.size


def test_strays_are_manifests_above_all_that_are_named(case):
    for name in (
        "00000005.parquet",
        "00000004.parquet",
        "00000003.r1.parquet",
        "4.parquet",
        "00000006.tiles",
        ".tmp-1",
    ):
        (case / "manifests" / name).write_bytes(b"")
    (case / "manifests/00000002.parquet").rename(case / "manifests/00000000.parquet")
    assert follow(case).strays == [layout.manifest_file(3, 1), layout.manifest_file(4), layout.manifest_file(5)]


def test_a_case_without_checkpoint_is_followed_and_unfinished(case):
    for note in (case / "checkpoints").iterdir():
        note.unlink()
    log = follow(case)
    assert (log.size, log.head) == (6, 0)
    with pytest.raises(Refused):
        log.refuse_unfinished()


# --- case.json ----------------------------------------------------------------------------------------------------


def edit(path, **changes):
    path.write_bytes(encoding.encode(json.loads(path.read_bytes()) | changes))


def test_a_newer_version_is_named(case):
    edit(case / "case.json", _t="evidencekit/case/2")
    with pytest.raises(CannotFinish) as caught:
        read_case(Store(case))
    assert caught.value.code == "X404"
    assert "evidencekit/case/2" in caught.value.message


@pytest.mark.parametrize(
    "data",
    [b"", b"{", b"{}", b"[]", b'{"_t":"other/1"}', b'{"_t":7}', b"\xff", b" " * 70_000, b"{" * 1000],
    ids=["empty", "cut", "no members", "array", "other type", "number", "not UTF-8", "too large", "deep"],
)
def test_what_is_no_case_file(case, data):
    (case / "case.json").write_bytes(data)
    with pytest.raises(CannotFinish) as caught:
        read_case(Store(case))
    assert caught.value.code == "X405"
    assert "case.json" in caught.value.message


def test_another_spelling_is_no_case_file(case):
    record = json.loads((case / "case.json").read_bytes())
    (case / "case.json").write_text(json.dumps(record))
    with pytest.raises(CannotFinish) as caught:
        read_case(Store(case))
    assert caught.value.code == "X405"


def test_a_link_is_no_case_file(case):
    (case / "case.json").rename(case.parent / "case.json")
    (case / "case.json").symlink_to("../case.json")
    with pytest.raises(CannotFinish) as caught:
        read_case(Store(case))
    assert caught.value.code == "X402"


def test_keys_are_compared_in_their_order(case):
    record = read_case(Store(case))
    refuse_other_keys(record["origin"], record["log_keys"], record)
    for origin, vkeys in (
        ("other.example/1", record["log_keys"]),
        (record["origin"], record["log_keys"][::-1]),
        (record["origin"], record["log_keys"][:1]),
    ):
        with pytest.raises(Refused) as caught:
            refuse_other_keys(origin, vkeys, record)
        assert caught.value.code == "R503"


def test_the_error_of_a_broken_record_says_what_to_do():
    error = broken("custody/00000001", "it is torn.")
    assert (error.code, error.exit_code) == ("X405", 4)
    assert "evidencekit verify" in error.hint


# --- what does not add up -----------------------------------------------------------------------------------------


def rewrite(office, case, number, *, new=None, signer=None, keep_signature=False, **changes):
    """Write entry `number` anew, with everything right but what is asked for."""
    folder = case / layout.entry_folder(number)
    log = follow_to(case, number)
    data = (folder / "event.json").read_bytes() if new is None else encode_event(new)
    if new is not None or signer is not None:
        (folder / "event.json").write_bytes(data)
        if not keep_signature:
            (folder / "event.json.sig").write_bytes((signer or office.signer).sign(data, NAMESPACE))
    fields = {
        "index": number,
        "event": sha256(data),
        "head": 1,
        "items_prev": log.custody.places(decode_event(data)["items"]),
        "prior_root": log.root,
        "prior_size": number,
        "recorded_at": format_instant(1),
        "signatures": (sha256((folder / "event.json.sig").read_bytes()),),
    }
    (folder / "entry").write_bytes(encode_entry(Entry(**(fields | changes))))


def follow_to(case, size):
    """The log below `size`."""
    for index in range(size, 6):
        os.rename(case / layout.entry_folder(index), case / f"aside-{index}")
    notes = [note for note in (case / "checkpoints").iterdir() if int(note.name) > size]
    for note in notes:
        note.unlink()
    log = follow(case)
    os.rename(case / f"aside-{size}", case / layout.entry_folder(size))
    return log


def read_event(case, index):
    return decode_event((case / layout.event_file(index)).read_bytes())


def test_an_entry_written_anew_with_nothing_wrong_holds(old, case):
    rewrite(old[0], case, 2)
    assert follow(case).size == 3


ENTRIES = {
    "index": {"index": 3},
    "prior size": {"prior_size": 1},
    "prior root": {"prior_root": bytes(32)},
    "event": {"event": bytes(32)},
    "signature": {"signatures": (bytes(32),)},
    "two signatures": {"signatures": (bytes(32), bytes(32))},
    "place": {"items_prev": (None,)},
    "no place": {"items_prev": ()},
}


@pytest.mark.parametrize("changes", ENTRIES.values(), ids=ENTRIES)
def test_an_entry_that_does_not_follow(old, case, changes):
    rewrite(old[0], case, 2, **changes)
    with pytest.raises(CannotFinish) as caught:
        follow(case)
    assert caught.value.code == "X405"
    assert layout.entry_folder(2) in caught.value.message


def test_a_signature_by_another_key(old, case):
    rewrite(old[0], case, 2, new=read_event(case, 2), signer=old[0].other)
    with pytest.raises(CannotFinish) as caught:
        follow(case)
    assert "another key" in caught.value.message


def test_a_signature_over_other_bytes(old, case):
    rewrite(old[0], case, 2, new=read_event(case, 2) | {"language": "en"}, keep_signature=True)
    with pytest.raises(CannotFinish) as caught:
        follow(case)
    assert caught.value.code == "X405"


def test_an_event_of_another_case(old, case):
    other = base64.b64encode(b"x" * 16).decode()
    rewrite(old[0], case, 2, new=read_event(case, 2) | {"case": other})
    with pytest.raises(CannotFinish) as caught:
        follow(case)
    assert "another case" in caught.value.message


def test_a_broken_rule(old, case):
    rewrite(old[0], case, 2, new=read_event(case, 2) | {"items": ["EX-009"]})
    with pytest.raises(CannotFinish) as caught:
        follow(case)
    assert "rule of custody" in caught.value.message


@pytest.mark.parametrize("member", ["agency", "reference", "created_at", "log_keys", "origin", "case"])
def test_a_case_file_that_says_something_else_than_event_0(old, case, rc, member):
    other = rc.Office(case.parent / "other", "unit7.example/other")
    record = json.loads((case / "case.json").read_bytes())
    changed = {
        "agency": "Unit 8",
        "reference": "24-118",
        "created_at": record["created_at"] | {"utc_offset_min": None},
        "log_keys": rc.Office(case.parent / "again").keys.vkeys,
        "origin": "unit7.example/other",
        "case": base64.b64encode(b"x" * 16).decode(),
    }[member]
    edit(case / "case.json", **{member: changed})
    if member == "origin":
        edit(case / "case.json", log_keys=other.keys.vkeys)
    with pytest.raises(CannotFinish) as caught:
        follow(case)
    assert caught.value.code == "X405"


NOTES = {
    "garbage": lambda office, note: b"garbage",
    "empty": lambda office, note: b"",
    "too large": lambda office, note: note + b"x" * 2**20,
    "another size": lambda office, note: office.keys.sign_checkpoint(Checkpoint(office.origin, 5, bytes(32))),
    "another root": lambda office, note: office.keys.sign_checkpoint(Checkpoint(office.origin, 6, bytes(32))),
    "one line": lambda office, note: note[: note.rindex("— ".encode())],
    "a line twice": lambda office, note: note + note[note.rindex("— ".encode()) :],
    "a flipped Ed25519 signature": lambda office, note: flip_line(note, 0),
    "a flipped ML-DSA signature": lambda office, note: flip_line(note, 1),
}


def flip_line(note, number):
    head, _, tail = note.partition(b"\n\n")
    lines = tail.splitlines()
    start, _, signature = lines[number].rpartition(b" ")
    data = bytearray(base64.b64decode(signature))
    data[-1] ^= 1
    lines[number] = start + b" " + base64.b64encode(data)
    return head + b"\n\n" + b"\n".join(lines) + b"\n"


@pytest.mark.parametrize("make", NOTES.values(), ids=NOTES)
def test_a_newest_note_that_is_not_of_this_log(old, case, make):
    path = case / layout.checkpoint_file(6)
    path.write_bytes(make(old[0], path.read_bytes()))
    with pytest.raises(CannotFinish) as caught:
        follow(case)
    assert caught.value.code == "X405"
    assert layout.checkpoint_file(6) in caught.value.message


@pytest.mark.parametrize("size", [0, 7])
def test_a_note_of_a_size_that_the_log_never_had(case, size):
    (case / layout.checkpoint_file(size)).write_bytes((case / layout.checkpoint_file(6)).read_bytes())
    with pytest.raises(CannotFinish) as caught:
        follow(case)
    assert caught.value.code == "X405"


def test_any_flipped_bit_of_the_log_is_refused_or_leaves_it_as_it_is(old, case):
    """A bit in 409 of every file of the log: the writer never goes on with another log than the one signed."""
    sound = follow(case)
    for index in range(6):
        for name in ("entry", "event.json", "event.json.sig"):
            path = case / layout.entry_folder(index) / name
            data = path.read_bytes()
            for bit in range(index, len(data) * 8, 409):
                changed = bytearray(data)
                changed[bit // 8] ^= 1 << bit % 8
                path.write_bytes(changed)
                with pytest.raises(EvidenceError):
                    follow(case)
            path.write_bytes(data)
    assert follow(case).root == sound.root


def test_a_folder_that_cannot_be_read_is_not_said_to_be_broken(case, as_nobody):
    (case / layout.event_file(2)).chmod(0)

    def read():
        try:
            follow(case)
        except EvidenceError as error:
            return error.code
        return "followed"

    assert as_nobody(read) == "X403"
