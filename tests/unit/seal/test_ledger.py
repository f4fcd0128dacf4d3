"""Appending: order, locks, races, what is refused, and that a refusal leaves nothing."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidencekit.core import encoding, layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.event import NAMESPACE, decode_entry, decode_event
from evidencekit.errors import CannotFinish, EvidenceError, FormatError, Refused
from evidencekit.journeys.acquire import refuse_nesting
from evidencekit.seal import ledger as ledger_module
from evidencekit.seal.logkeys import load_log_keys, new_log_keys, save_log_keys
from evidencekit.verify.verifier import verify_case

TESTS = Path(__file__).parents[2]
WHEN = {"precision": "s", "time": "2026-11-22T09:15:02.000000000Z", "utc_offset_min": 60}
ACQUIRE = {
    "acquisition_type": "logical",
    "digests": ["blake3", "sha256"],
    "finished_at": WHEN,
    "started_at": WHEN,
    "tool": {"name": "t", "parts": {}, "version": "1"},
}
SEAL = {"file_sha256": "00" * 32, "header": "00" * 32, "manifest": "1", "root": "00" * 32, "rows": "1"}


@pytest.fixture
def enter(rc, office):
    """Append an `acquire` event by the examiner, or by somebody else."""

    def append(ledger, exhibit="EX-001", *, signer=None, kind="acquire", body=None, items=None):
        person = signer or office.signer
        body = ACQUIRE if body is None else body
        return ledger.append(
            kind, [exhibit] if items is None else items, body, actor=rc.actor(person), signers=[person]
        )

    return append


def read_entry(case, index):
    return decode_entry((case / layout.entry_file(index)).read_bytes())


def read_event(case, index):
    return decode_event((case / layout.event_file(index)).read_bytes())


def codes(report):
    return {finding.code for finding in report.findings}


class Spy:
    """A signer or log keys that count, and do something first."""

    def __init__(self, real, before=lambda: None):
        self.real, self.before, self.signed = real, before, 0

    def __getattr__(self, name):
        return getattr(self.real, name)

    def sign(self, message, namespace):
        self.signed += 1
        self.before()
        return self.real.sign(message, namespace)

    def sign_checkpoint(self, tree):
        self.signed += 1
        self.before()
        return self.real.sign_checkpoint(tree)


# --- append, checkpoint -------------------------------------------------------------------------------------------


def test_an_append_is_one_folder_that_commits_to_all_before(rc, office, case, enter):
    before = rc.snapshot(case)
    ledger = office.ledger(case)
    assert enter(ledger) == 1
    after = rc.snapshot(case, whole=True)
    assert {place: after[place] for place in before} == before
    folder = layout.entry_folder(1)
    assert after.keys() - before.keys() == {f"{folder}/event.json", f"{folder}/event.json.sig", f"{folder}/entry"}
    entry = read_entry(case, 1)
    assert (entry.index, entry.prior_size, entry.head, entry.items_prev) == (1, 1, 1, (None,))
    event = read_event(case, 1)
    assert event["seen"] == {"origin": office.origin, "root": entry.prior_root.hex(), "size": "1"}
    assert enter(ledger) == 2
    assert read_entry(case, 2).items_prev == ("1/0",)
    assert read_entry(case, 2).head == 1  # no checkpoint came between


def test_a_checkpoint_is_of_the_tree_as_it_stands(rc, office, case, enter, rfc6962):
    ledger = office.ledger(case)
    enter(ledger)
    enter(ledger)
    tree = ledger.checkpoint()
    leaves = [(case / layout.entry_file(index)).read_bytes() for index in range(3)]
    assert tree == Checkpoint(office.origin, 3, rfc6962.MTH(leaves))
    assert ledger.log.head == 3
    enter(ledger)
    assert read_entry(case, 3).head == 3


def test_no_size_is_signed_twice(rc, office, case, enter):
    keys = Spy(office.keys)
    ledger = office.ledger(case, keys=keys)
    enter(ledger)
    first = ledger.checkpoint()
    note = (case / layout.checkpoint_file(2)).read_bytes()
    assert ledger.checkpoint() == first
    assert office.ledger(case, keys=keys).checkpoint() == first
    assert (case / layout.checkpoint_file(2)).read_bytes() == note
    assert keys.signed == 1


def test_a_note_of_this_size_that_came_meanwhile_stands(rc, office, case, enter):
    ledger = office.ledger(case, keys=Spy(office.keys, before=lambda: office.finish(case)))
    enter(ledger)
    assert ledger.checkpoint().size == 2
    assert ledger.log.head == 2
    assert office.ledger(case).log.head == 2


def test_a_note_of_another_tree_of_this_size_is_not_believed(rc, office, case, enter):
    ledger = office.ledger(case)
    enter(ledger)
    forged = office.keys.sign_checkpoint(Checkpoint(office.origin, 2, bytes(32)))
    (case / layout.checkpoint_file(2)).write_bytes(forged)
    with pytest.raises(CannotFinish) as caught:
        ledger.checkpoint()
    assert caught.value.code == "X405"


def test_a_draft_writes_nothing(rc, office, case):
    ledger = office.ledger(case)
    before = rc.snapshot(case, whole=True)
    event = ledger.draft("acquire", ["EX-001"], ACQUIRE, actor=rc.actor(office.signer), signers=[office.signer])
    assert event["type"] == "acquire"
    assert "authority" in event["not_stated"]
    assert rc.snapshot(case, whole=True) == before


def test_two_signers_sign_the_same_bytes(rc, office, case):
    ledger = office.ledger(case)
    ledger.append("acquire", ["EX-001"], ACQUIRE, actor=rc.actor(office.signer), signers=[office.signer, office.other])
    ledger.checkpoint()
    assert (case / layout.signature_file(1, 1)).exists()
    assert read_event(case, 1)["signers"] == [office.signer.fingerprint, office.other.fingerprint]
    assert not {code for code in codes(verify_case(case)) if code.startswith("E")}
    assert office.ledger(case).log.size == 2


def test_manifests_take_the_next_free_number(rc, office, case, tmp_path):
    ledger = office.ledger(case)
    for number in (1, 2):
        (tmp_path / "new").write_bytes(b"%d" % number)
        assert ledger.add_manifest(tmp_path / "new") == number
        assert not (tmp_path / "new").exists()
    (case / layout.manifest_file(7)).write_bytes(b"somebody else's")
    (tmp_path / "new").write_bytes(b"8")
    assert ledger.add_manifest(tmp_path / "new") == 8
    assert (case / layout.manifest_file(8)).read_bytes() == b"8"


def test_a_manifest_number_that_is_taken_meanwhile_is_left_alone(office, case, tmp_path, monkeypatch):
    ledger = office.ledger(case)
    (case / layout.manifest_file(1)).write_bytes(b"theirs")
    monkeypatch.setattr(ledger.store, "names", lambda _: [])
    (tmp_path / "new").write_bytes(b"ours")
    assert ledger.add_manifest(tmp_path / "new") == 2
    assert (case / layout.manifest_file(1)).read_bytes() == b"theirs"


def test_tiles_go_beside_their_manifest(office, case, tmp_path):
    ledger = office.ledger(case)
    tiles = case / layout.tiles_file(1)
    assert tiles.name == "00000001.tiles"
    tiles.write_bytes(b"of a manifest that was set aside")
    (tmp_path / "new").write_bytes(b"rows")
    (tmp_path / "new.tiles").write_bytes(b"tiles")
    assert ledger.add_manifest(tmp_path / "new", tmp_path / "new.tiles") == 1
    assert ((case / layout.manifest_file(1)).read_bytes(), tiles.read_bytes()) == (b"rows", b"tiles")
    assert not list(tmp_path.glob("new*"))


@pytest.mark.parametrize("fault", ["missing", "folder in the way"])
def test_tiles_that_cannot_be_had_are_no_error(office, case, tmp_path, fault):
    (tmp_path / "new").write_bytes(b"rows")
    if fault != "missing":
        (tmp_path / "new.tiles").write_bytes(b"tiles")
        (case / layout.tiles_file(1) / "x").mkdir(parents=True)
    assert office.ledger(case).add_manifest(tmp_path / "new", tmp_path / "new.tiles") == 1
    assert not (case / layout.tiles_file(1)).is_file()


# --- what is refused, and leaves nothing --------------------------------------------------------------------------

BROKEN_RULES = {
    "sealing what was never acquired": ("seal", ["EX-009"], SEAL),
    "media types of what is not sealed": (
        "derive",
        ["EX-001"],
        {
            **SEAL,
            "base_root": "00" * 32,
            "engine": {"data_sha256": None, "name": "m", "version": "1"},
            "kind": "media-type",
        },
    ),
    "two items in one event": ("acquire", ["EX-001", "EX-002"], ACQUIRE),
    "no item": ("acquire", [], ACQUIRE),
}


@pytest.mark.parametrize(("kind", "items", "body"), BROKEN_RULES.values(), ids=BROKEN_RULES)
def test_a_broken_rule_leaves_nothing(rc, office, case, enter, kind, items, body):
    ledger = office.ledger(case)
    enter(ledger)
    ledger.checkpoint()
    before = rc.snapshot(case, whole=True)
    with pytest.raises(Refused) as caught:
        enter(ledger, kind=kind, items=items, body=body)
    assert caught.value.code == "R511"
    assert rc.snapshot(case, whole=True) == before
    assert ledger.log.size == 2
    enter(ledger)  # and the ledger is as good as before


def test_a_second_opening_is_refused(rc, office, case, enter):
    opening = {name: value for name, value in read_event(case, 0)["body"].items() if name != "_t"}
    with pytest.raises(Refused) as caught:
        enter(office.ledger(case), kind="open", items=[], body=opening)
    assert caught.value.code == "R511"


def test_only_the_holder_seals(rc, office, case, enter):
    ledger = office.ledger(case)
    enter(ledger)
    with pytest.raises(Refused) as caught:
        enter(ledger, kind="seal", body=SEAL, signer=office.other)
    assert caught.value.code == "R511"
    assert ledger.log.size == 2


@pytest.mark.parametrize(
    "body",
    [{}, ACQUIRE | {"unknown": "x"}, ACQUIRE | {"place": "x" * 5000}, ACQUIRE | {"notes": 1.5}],
    ids=["nothing said", "unknown field", "a text over the limit", "a fraction"],
)
def test_a_field_outside_the_schema_leaves_nothing(rc, office, case, enter, body):
    before = rc.snapshot(case, whole=True)
    with pytest.raises(FormatError):
        enter(office.ledger(case), body=body)
    assert rc.snapshot(case, whole=True) == before


def test_an_event_over_the_limit_leaves_nothing(rc, office, case, enter):
    before = rc.snapshot(case, whole=True)
    with pytest.raises(FormatError) as caught:
        enter(office.ledger(case), body=ACQUIRE | {"seized_by": ["x" * 4000] * 20})
    assert caught.value.code == "F102"
    assert rc.snapshot(case, whole=True) == before


def test_a_signer_that_fails_leaves_nothing(rc, office, case, enter):
    def fail():
        raise CannotFinish("no touch", code="X416")

    before = rc.snapshot(case, whole=True)
    ledger = office.ledger(case)
    with pytest.raises(CannotFinish):
        enter(ledger, signer=Spy(office.signer, before=fail))
    assert rc.snapshot(case, whole=True) == before
    assert ledger.log.size == 1


def test_other_log_keys_are_refused(rc, office, case):
    for keys in (new_log_keys(office.origin), new_log_keys("other.example/1")):
        with pytest.raises(Refused) as caught:
            office.ledger(case, keys=keys)
        assert caught.value.code == "R503"
        with pytest.raises(Refused) as caught:
            ledger_module.finish(case, keys=keys, random=os.urandom)
        assert caught.value.code == "R503"


def test_not_a_case(office, tmp_path):
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(CannotFinish) as caught:
            office.ledger(path)
        assert caught.value.code == "X401"


@pytest.mark.parametrize("folder", ["custody", "checkpoints", "manifests"])
def test_a_folder_that_may_not_be_written(rc, office, case, enter, as_nobody, tmp_path, folder):
    (tmp_path / "new").write_bytes(b"1")
    for path in [case, *case.rglob("*")]:
        os.chown(path, 65534, 65534)
    (case / folder).chmod(0o500)
    ledger = office.ledger(case)

    def step():
        try:
            if folder == "manifests":
                ledger.add_manifest(tmp_path / "new")
            enter(ledger)
            ledger.checkpoint()
        except EvidenceError as error:
            return error.code, error.exit_code
        return "done", 0

    os.chown(tmp_path / "new", 65534, 65534)
    as_nobody(time.time_ns)
    assert as_nobody(step) == ("X422", 4)


# --- unfinished, finish -------------------------------------------------------------------------------------------


def stray(case, number=1):
    (case / layout.MANIFESTS).mkdir(exist_ok=True)
    (case / layout.manifest_file(number)).write_bytes(b"half a thought")


def test_an_entry_without_checkpoint_is_unfinished(rc, office, case, enter):
    enter(office.ledger(case))
    before = rc.snapshot(case, whole=True)
    with pytest.raises(Refused) as caught:
        office.ledger(case)
    assert caught.value.code == "R502"
    assert "entry 1 stands" in caught.value.message
    assert "checkpoint finish" in caught.value.hint
    assert rc.snapshot(case, whole=True) == before


def test_a_manifest_without_event_is_unfinished(office, case):
    stray(case)
    with pytest.raises(Refused) as caught:
        office.ledger(case)
    assert caught.value.code == "R502"
    assert layout.manifest_file(1) in caught.value.message


def test_nothing_to_finish(rc, office, case):
    before = rc.snapshot(case, whole=True)
    assert office.finish(case) == (None, [])
    assert rc.snapshot(case, whole=True) == before


def test_finish_writes_the_missing_checkpoint(rc, office, case, enter):
    ledger = office.ledger(case)
    enter(ledger)
    enter(ledger)
    before = rc.snapshot(case, whole=True)
    tree, aside = office.finish(case)
    assert (tree, aside) == (Checkpoint(office.origin, 3, ledger.log.root), [])
    after = rc.snapshot(case, whole=True)
    assert after.keys() - before.keys() == {layout.checkpoint_file(3)}
    assert {place: after[place] for place in before} == before
    assert office.ledger(case).log.head == 3


def test_finish_sets_strays_aside_and_keeps_their_bytes(rc, office, case, enter):
    enter(office.ledger(case))
    stray(case, 1)
    stray(case, 2)
    tree, aside = office.finish(case)
    assert tree.size == 2
    assert [line.split(" -> ")[0] for line in aside] == [layout.manifest_file(1), layout.manifest_file(2)]
    for line in aside:
        assert (case / line.split(" -> ")[1]).read_bytes() == b"half a thought"
    assert not list((case / layout.MANIFESTS).iterdir())
    assert codes(verify_case(case)) <= {"W903"}
    office.ledger(case)


def test_finish_of_a_stray_alone_makes_no_checkpoint(office, case):
    stray(case)
    tree, aside = office.finish(case)
    assert tree is None
    assert len(aside) == 1
    office.ledger(case)


def flip(path, at=-2):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.fixture
def sealed_only(rc, office, case, tmp_path):
    """A case whose acquire and seal entries have no checkpoint."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "a").write_text("a")
    office.acquire(case, source, types=False)
    (case / layout.checkpoint_file(3)).unlink()
    return case


FAULTS = {
    "event": lambda case: flip(case / layout.event_file(2)),
    "entry": lambda case: flip(case / layout.entry_file(2)),
    "signature": lambda case: flip(case / layout.signature_file(2, 0), 100),
    "no signature": lambda case: (case / layout.signature_file(1, 0)).unlink(),
    "no entry": lambda case: (case / layout.entry_file(1)).unlink(),
    "manifest": lambda case: flip(case / layout.manifest_file(1), 200),
    "no manifest": lambda case: (case / layout.manifest_file(1)).unlink(),
    "manifest is a link": lambda case: (
        (case / layout.manifest_file(1)).rename(case / "work.parquet"),
        (case / layout.manifest_file(1)).symlink_to("../work.parquet"),
    ),
    "an event over the limit": lambda case: (case / layout.event_file(2)).write_bytes(b" " * 70_000),
    "the old checkpoint": lambda case: flip(case / layout.checkpoint_file(1), 100),
    "a checkpoint beyond the log": lambda case: (case / layout.checkpoint_file(9)).write_bytes(b"x"),
    "event 0": lambda case: flip(case / layout.event_file(0)),
    "case file": lambda case: (case / "case.json").write_bytes(
        (case / "case.json").read_bytes().replace(b"Unit 7", b"Unit 8")
    ),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_finish_writes_nothing_over_what_does_not_hold(rc, office, sealed_only, fault):
    fault(sealed_only)
    stray(sealed_only, 5)
    before = rc.snapshot(sealed_only, whole=True)
    with pytest.raises(CannotFinish) as caught:
        office.finish(sealed_only)
    assert caught.value.code == "X405"
    assert rc.snapshot(sealed_only, whole=True) == before
    with pytest.raises(EvidenceError):
        office.ledger(sealed_only)
    assert rc.snapshot(sealed_only, whole=True) == before


def test_finish_of_a_sound_seal(office, sealed_only):
    assert verify_case(sealed_only).verdict == "NOT CHECKED"
    assert office.finish(sealed_only)[0].size == 3
    assert verify_case(sealed_only).verdict == "INTEGRITY ONLY"


# --- events of later versions -------------------------------------------------------------------------------------


def enter_unknown(ledger, office, rc, kind, version):
    event = ledger.draft("acquire", ["EX-001"], ACQUIRE, actor=rc.actor(office.signer), signers=[office.signer])
    event |= {"type": kind, "body": {"_t": f"evidencekit/{kind}/{version}", "novel": "9"}, "not_stated": []}
    data = encoding.encode(event)
    ledger._refuse_missing_manifest = lambda _: None  # our writer makes no such event
    assert ledger._enter(event, data, [office.signer.sign(data, NAMESPACE)])
    ledger.checkpoint()


@pytest.mark.parametrize(("kind", "version"), [("migrate", 1), ("seal", 2), ("derive", 2), ("acquire", 2)])
def test_a_log_with_an_event_of_a_later_version_can_be_added_to(rc, office, case, enter, kind, version):
    enter_unknown(office.ledger(case), office, rc, kind, version)
    ledger = office.ledger(case)
    enter(ledger, "EX-002")
    assert office.finish(case)[0].size == 3
    assert verify_case(case).verdict == "NOT CHECKED"


def test_a_manifest_that_an_unknown_event_may_name_is_never_set_aside(rc, office, case, enter):
    stray(case)
    assert office.finish(case)[1]
    enter_unknown(office.ledger(case), office, rc, "seal", 2)
    stray(case)
    assert office.finish(case) == (None, [])
    assert (case / layout.manifest_file(1)).exists()
    office.ledger(case)


# --- several at once ----------------------------------------------------------------------------------------------


def test_two_ledgers_in_turns(rc, office, case, enter):
    one, two = office.ledger(case), office.ledger(case)
    indexes = [enter(ledger, f"EX-{number}") for number, ledger in enumerate([one, two, two, one, two, one])]
    assert indexes == [1, 2, 3, 4, 5, 6]
    one.checkpoint()
    two.log.catch_up()
    assert two.log.head == 7
    assert (two.log.root, two.custody.items.keys()) == (one.log.root, one.custody.items.keys())
    report = verify_case(case)
    assert codes(report) <= {"W903"}
    assert report.counts["entries"] == 7


def test_a_checkpoint_below_entries_of_others_is_fine(rc, office, case, enter):
    one, two = office.ledger(case), office.ledger(case)
    enter(one, "EX-1")
    enter(two, "EX-2")
    two.checkpoint()
    one.checkpoint()  # of size 2, after that of size 3
    enter(one, "EX-3")
    assert read_entry(case, 3).head == 3
    one.checkpoint()
    assert codes(verify_case(case)) <= {"W903"}


def test_the_loser_of_a_race_rewrites_only_the_entry(rc, office, case, enter):
    other = office.ledger(case)
    slow = Spy(office.signer, before=lambda: enter(other, "EX-other"))
    ledger = office.ledger(case)
    assert enter(ledger, "EX-slow", signer=slow) == 2
    assert slow.signed == 1
    event = read_event(case, 2)
    assert event["items"] == ["EX-slow"]
    assert event["seen"]["size"] == "1"  # what the signer saw; the entry says where it stands
    assert (read_entry(case, 2).prior_size, read_entry(case, 2).prior_root) == (2, other.log.root)
    ledger.checkpoint()
    assert codes(verify_case(case)) <= {"W903"}
    assert not [name for name in os.listdir(case / "custody") if name.startswith(layout.TEMPORARY)]


def test_a_race_for_the_very_rename(rc, office, case, enter, monkeypatch):
    """Both made the folder of entry 1; the name goes to the other."""
    other, ledger = office.ledger(case), office.ledger(case)
    real = ledger_module.publish
    others = []

    def publish(temporary, final, **more):
        if final.parent.name == "custody" and not others:
            others.append(True)
            enter(other, "EX-other")
        real(temporary, final, **more)

    monkeypatch.setattr(ledger_module, "publish", publish)
    signer = Spy(office.signer)
    assert enter(ledger, "EX-001", signer=signer) == 2
    assert signer.signed == 1
    assert read_event(case, 1)["items"] == ["EX-other"]
    ledger.checkpoint()
    assert codes(verify_case(case)) <= {"W903"}
    assert not [name for name in os.listdir(case / "custody") if name.startswith(layout.TEMPORARY)]


def test_a_rule_that_another_made_apply_meanwhile(rc, office, case, enter, sealed_race):
    """The item got sealed by another computer while this one was signing: nothing is entered."""
    ledger, size = sealed_race
    with pytest.raises(Refused) as caught:
        enter(ledger[0], signer=ledger[1])
    assert caught.value.code == "R511"
    assert not os.path.lexists(case / layout.entry_folder(size()))


@pytest.fixture
def sealed_race(office, case, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    slow = Spy(office.signer, before=lambda: office.acquire(case, source, types=False))
    return (office.ledger(case), slow), lambda: office.ledger(case).log.size


def test_one_who_always_comes_too_late_is_told(rc, office, case, enter, monkeypatch):
    ledger = office.ledger(case)
    monkeypatch.setattr(ledger_module, "RACES", 3)
    monkeypatch.setattr(ledger, "_enter", lambda *_: False)
    with pytest.raises(Refused) as caught:
        enter(ledger)
    assert caught.value.code == "R512"


def test_a_manifest_that_was_set_aside_while_its_seal_was_being_signed(rc, office, case, enter, tmp_path):
    ledger = office.ledger(case)
    enter(ledger)
    (tmp_path / "new").write_bytes(b"manifest")
    number = ledger.add_manifest(tmp_path / "new")
    impatient = Spy(office.signer, before=lambda: office.finish(case))
    with pytest.raises(CannotFinish) as caught:
        enter(ledger, kind="seal", body=SEAL | {"manifest": str(number)}, signer=impatient)
    assert caught.value.code == "X405"
    assert not (case / layout.entry_folder(2)).exists()
    assert codes(verify_case(case)) <= {"W903"}


def test_a_forged_checkpoint_that_appears_meanwhile_is_not_built_upon(rc, office, case, enter):
    ledger = office.ledger(case)
    enter(office.ledger(case))
    (case / layout.checkpoint_file(2)).write_bytes((case / layout.checkpoint_file(1)).read_bytes())
    with pytest.raises(CannotFinish) as caught:
        enter(ledger)
    assert caught.value.code == "X405"
    assert not (case / layout.entry_folder(2)).exists()


RACER = """
import importlib.util, os, sys, time
from pathlib import Path
tests, case, key, log_key, name, count, job = sys.argv[1:]
spec = importlib.util.spec_from_file_location("realcase", Path(tests) / "realcase.py")
rc = importlib.util.module_from_spec(spec); sys.modules["realcase"] = rc; spec.loader.exec_module(rc)
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.logkeys import load_log_keys
from evidencekit.seal.sign import load_signer
from evidencekit.journeys.acquire import Acquisition, acquire_and_seal
keys = load_log_keys(Path(log_key), origin=rc.ORIGIN, ask_passphrase=None)
signer = load_signer(Path(key), ask_passphrase=None)
ledger = Ledger(Path(case), keys=keys, clock=time.time_ns, random=os.urandom, utc_offset_min=None)
print("ready", flush=True)
sys.stdin.readline()
for number in range(int(count)):
    exhibit = f"{name}-{number}"
    if job == "append":
        body = {"acquisition_type": "logical", "digests": ["blake3", "sha256"], "finished_at": ledger.moment(),
                "started_at": ledger.moment(), "tool": rc.PROGRAM}
        ledger.append("acquire", [exhibit], body, actor=rc.actor(signer), signers=[signer])
    else:
        acquire_and_seal(ledger, Acquisition(Path(job), exhibit, rc.PROGRAM), signer=signer, actor=rc.actor(signer),
                         clock=time.time_ns, random=os.urandom, utc_offset_min=None)
ledger.checkpoint()
"""


def race(office, case, tmp_path, *, processes, count, job):
    save_log_keys(office.keys, tmp_path / "log.pem")
    arguments = (TESTS, case, office.folder / "examiner", tmp_path / "log.pem")
    runners = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, *map(str, arguments), f"P{number}", str(count), str(job)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    try:
        for runner in runners:
            assert runner.stdout.readline() == "ready\n", runner.stderr.read()
        for runner in runners:  # all have opened the case: off they go
            runner.stdin.write("go\n")
            runner.stdin.flush()
        for runner in runners:
            _, errors = runner.communicate(timeout=120)
            assert runner.returncode == 0, errors
    finally:
        for runner in runners:
            runner.kill()
            runner.wait()
            for pipe in (runner.stdin, runner.stdout, runner.stderr):
                pipe.close()


def test_four_processes_append_at_once(rc, office, case, tmp_path):
    race(office, case, tmp_path, processes=4, count=12, job="append")
    log = office.ledger(case).log
    assert log.size == 1 + 48
    assert sorted(log.custody.items) == sorted(f"P{process}-{number}" for process in range(4) for number in range(12))
    events = [(case / layout.event_file(index)).read_bytes() for index in range(log.size)]
    assert len(set(events)) == log.size
    report = verify_case(case, policy=office.policy())
    assert codes(report) <= {"W903"}, report.findings
    assert report.counts["entries"] == 49
    assert not [name for name in os.listdir(case / "custody") if name.startswith(layout.TEMPORARY)]


def test_three_processes_acquire_at_once(rc, office, case, tmp_path):
    source = rc.make_source(tmp_path / "source")
    race(office, case, tmp_path, processes=3, count=2, job=source)
    log = office.ledger(case).log
    assert log.size == 1 + 3 * 2 * 3
    assert log.manifests == set(range(1, 13))
    report = verify_case(case, policy=office.policy())
    assert report.verdict == "VERIFIED", report.findings
    assert report.counts["exhibits"] == 6
    assert all(item.derived for item in log.custody.items.values())


# --- a second examiner --------------------------------------------------------------------------------------------


def test_a_second_examiner_with_restored_log_keys_appends(rc, office, case, enter, tmp_path):
    source = rc.make_source(tmp_path / "source")
    office.acquire(case, source)
    save_log_keys(office.keys, tmp_path / "backup.pem", passphrase=b"secret")
    keys = load_log_keys(tmp_path / "backup.pem", origin=office.origin, ask_passphrase=lambda _: "secret")
    ledger = office.ledger(case, keys=keys)
    ledger.append("acquire", ["EX-002"], ACQUIRE, actor=rc.actor(office.other, "second"), signers=[office.other])
    ledger.checkpoint()
    assert ledger.custody.items["EX-002"].holder_key == office.other.fingerprint
    assert verify_case(case).verdict == "INTEGRITY ONLY"
    report = verify_case(case, policy=office.policy())  # which knows the first alone
    assert report.verdict == "FAILED"
    assert "E408" in codes(report)


def test_what_was_seen_is_base64_free_hex_of_this_log(office, case, enter):
    enter(office.ledger(case))
    seen = read_event(case, 1)["seen"]
    assert bytes.fromhex(seen["root"]) == base64.b64decode(
        (case / layout.checkpoint_file(1)).read_text().split("\n")[2]
    )


def test_a_source_that_is_a_loop_of_links_is_no_crash(case, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    refuse_nesting(case, tmp_path / "loop")
