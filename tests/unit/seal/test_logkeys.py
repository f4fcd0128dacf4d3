"""Log keys: two keys, one origin, one file."""

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from evidencekit.core.checkpoint import (
    Checkpoint,
    ed25519_message,
    log_signatures,
    mldsa44_message,
    parse_checkpoint,
)
from evidencekit.core.note import format_note, parse_note, parse_vkey
from evidencekit.core.sshkeys import parse_public_key_line, raw_key
from evidencekit.errors import BadArgument, EvidenceError, FormatError, Refused
from evidencekit.read.signature import verify_ed25519, verify_mldsa44
from evidencekit.seal.logkeys import (
    LogKeys,
    load_log_keys,
    new_log_keys,
    refuse_shared_keys,
    restore_log_keys,
    save_log_keys,
)
from evidencekit.seal.sign import new_key

ORIGIN = "unit7.example/24-117"
CP = Checkpoint(ORIGIN, 3, bytes(range(32)))


def code(call):
    with pytest.raises(EvidenceError) as caught:
        call()
    return caught.value.code


def same(left, right):
    return left.origin == right.origin and left.vkeys == right.vkeys


@pytest.fixture
def keys():
    return new_log_keys(ORIGIN)


def test_a_checkpoint_carries_exactly_two_good_lines(keys):
    data = keys.sign_checkpoint(CP)
    note = parse_note(data)
    assert format_note(note) == data
    assert parse_checkpoint(note.text) == CP
    ed25519, mldsa44 = map(parse_vkey, keys.vkeys)
    assert (ed25519.kind, mldsa44.kind, ed25519.name, mldsa44.name) == (1, 6, ORIGIN, ORIGIN)
    classic, quantum = log_signatures(note, ed25519, mldsa44)
    assert verify_ed25519(ed25519.key, classic, ed25519_message(CP))
    assert verify_mldsa44(mldsa44.key, quantum, mldsa44_message(CP, name=ORIGIN, timestamp=0))


def test_ml_dsa_is_randomised_and_ed25519_is_not(keys):
    first, second = parse_note(keys.sign_checkpoint(CP)), parse_note(keys.sign_checkpoint(CP))
    assert first.signatures[0] == second.signatures[0]
    assert first.signatures[1] != second.signatures[1]


def test_no_checkpoint_of_another_log(keys):
    assert code(lambda: keys.sign_checkpoint(Checkpoint("unit7.example/24-118", 3, bytes(32)))) == "R518"


def test_each_case_gets_keys_of_its_own():
    assert not set(new_log_keys(ORIGIN).vkeys) & set(new_log_keys(ORIGIN).vkeys)


@pytest.mark.parametrize("origin", ["", "no-dot/x", "a.b", "a.b/c d", "a.b/" + "x" * 200, "a.b/\n"])
def test_origins_that_are_none(origin):
    with pytest.raises(FormatError):
        new_log_keys(origin)
    with pytest.raises(FormatError):
        LogKeys(origin, Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())


def test_secrets_are_not_printed(keys):
    assert "PrivateKey" not in repr(keys)


def test_saved_and_loaded(keys, tmp_path):
    path = tmp_path / "log"
    save_log_keys(keys, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"evidencekit log key for unit7.example/24-117\n-----BEGIN PRIVATE KEY-----\n")
    assert same(load_log_keys(path, origin=ORIGIN, ask_passphrase=None), keys)
    assert same(load_log_keys(path, origin=None, ask_passphrase=None), keys)


def test_never_written_over(keys, tmp_path):
    path = tmp_path / "log"
    save_log_keys(keys, path)
    before = path.read_bytes()
    with pytest.raises(Refused) as caught:
        save_log_keys(new_log_keys(ORIGIN), path)
    assert caught.value.code == "R517"
    assert path.read_bytes() == before


def test_the_keys_of_another_log_are_refused(keys, tmp_path):
    save_log_keys(keys, tmp_path / "log")
    with pytest.raises(Refused) as caught:
        load_log_keys(tmp_path / "log", origin="unit7.example/24-118", ask_passphrase=None)
    assert (caught.value.code, caught.value.exit_code) == ("R518", 5)
    assert ORIGIN in str(caught.value)
    assert "unit7.example/24-118" in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_keys_that_others_can_read_are_refused(keys, tmp_path, mode):
    save_log_keys(keys, tmp_path / "log")
    (tmp_path / "log").chmod(mode)
    assert code(lambda: load_log_keys(tmp_path / "log", origin=ORIGIN, ask_passphrase=None)) == "R515"


def test_backup_and_restore(keys, tmp_path):
    backup, path = tmp_path / "backup", tmp_path / "log"
    save_log_keys(keys, backup, passphrase="geheim é".encode())
    backup.chmod(0o644)  # a stick has no modes; the passphrase guards it
    assert b"BEGIN PRIVATE" not in backup.read_bytes()
    assert code(lambda: load_log_keys(backup, origin=ORIGIN, ask_passphrase=None)) == "X411"
    assert code(lambda: load_log_keys(backup, origin=ORIGIN, ask_passphrase=lambda _: "wrong")) == "X412"
    assert code(lambda: load_log_keys(backup, origin=ORIGIN, ask_passphrase=lambda _: "")) == "X412"
    restored = restore_log_keys(backup, path, origin=ORIGIN, ask_passphrase=lambda _: "geheim é")
    assert same(restored, keys)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert same(load_log_keys(path, origin=ORIGIN, ask_passphrase=None), keys)
    assert code(lambda: restore_log_keys(backup, path, origin=ORIGIN, ask_passphrase=lambda _: "geheim é")) == "R517"


def test_an_empty_passphrase_is_none(keys, tmp_path):
    with pytest.raises(BadArgument):
        save_log_keys(keys, tmp_path / "log", passphrase=b"")
    assert not (tmp_path / "log").exists()


def test_missing(tmp_path):
    assert code(lambda: load_log_keys(tmp_path / "none", origin=ORIGIN, ask_passphrase=None)) == "X410"
    keys = new_log_keys(ORIGIN)
    assert code(lambda: save_log_keys(keys, tmp_path / "no" / "folder")) == "X417"


def test_damage(keys, tmp_path):
    path = tmp_path / "log"
    save_log_keys(keys, path)
    text = path.read_text()
    title, first, second = text.split("-----BEGIN")
    first, second = "-----BEGIN" + first, "-----BEGIN" + second
    for number, wrong in enumerate(
        (
            "",
            first + second,
            title + first,
            title + second + first,
            title + first + first,
            title + first + second + "\n",
            text.replace("\n", "\r\n"),
            text.replace("log key for", "key for"),
            text.replace(ORIGIN, "no origin"),
            text.replace(ORIGIN, "noorigin"),
            text[:-40],
            text.replace("MC4CAQ", "MC4CAA"),
            text.replace("MC4CAQ", "AAAAAA"),
        )
    ):
        bad = tmp_path / str(number)
        bad.write_text(wrong, newline="")
        bad.chmod(0o600)
        assert code(lambda bad=bad: load_log_keys(bad, origin=None, ask_passphrase=None)) == "X418", wrong


def test_person_witness_and_log_keys_differ(keys, tmp_path):
    person = new_key(tmp_path / "k", comment="a", passphrase=None)
    log = [raw.public_key().public_bytes_raw() for raw in (keys.ed25519, keys.mldsa44)]
    roles = {"person": [raw_key(person.blob)], "witness": [bytes(32)], "log": log}
    refuse_shared_keys(roles)
    with pytest.raises(Refused) as caught:
        refuse_shared_keys(
            roles | {"witness": [raw_key(parse_public_key_line((tmp_path / "k.pub").read_bytes()).blob)]}
        )
    assert caught.value.code == "R519"
