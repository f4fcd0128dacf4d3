"""`evidencekit policy`: a folder made, read, shown; what it refuses, and that nothing is left behind then."""

from __future__ import annotations

import base64
import datetime as dt
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidencekit.core.checkpoint import parse_checkpoint
from evidencekit.core.ed25519_points import SMALL_ORDER
from evidencekit.core.note import ED25519, ED25519_COSIGNATURE, VerifierKey, format_vkey, parse_note
from evidencekit.core.sshwire import put_string
from evidencekit.verify.policy import read_policy

ODD = [*sorted(SMALL_ORDER), b"\xff" * 32, bytes([2]) + bytes(31)]


@pytest.fixture
def person(desk):
    return desk / "office/examiner.pub"


@pytest.fixture
def name(person):
    return person.read_text().split(None, 2)[2].strip()


@pytest.fixture
def origin(case):
    newest = max((case / "checkpoints").iterdir())
    return parse_checkpoint(parse_note(newest.read_bytes()).text).origin


def witness(number=9, kind=ED25519_COSIGNATURE, point=None):
    key = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32).public_key().public_bytes_raw()
    return format_vkey(VerifierKey("witness.example/w", kind, point or key))


def root_certificate(path, *, ca=True):
    key = generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "City TSA")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(1).not_valid_before(start).not_valid_after(start + dt.timedelta(3650))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True).sign(key, hashes.SHA256())
    )  # fmt: skip
    path.write_bytes(made.public_bytes(Encoding.PEM))
    return path


def test_with_the_keys_of_a_case(cli, case, person, name, origin, tmp_path):
    done = cli("policy", "new", tmp_path / "court", "--trust", f"{name}={person}", "--log", case)
    text = done.out.decode()
    assert (done.code, done.err) == (0, b"")
    assert f"The keys of {origin} were taken from the case itself" in text
    assert "over another channel" in text
    assert text.startswith("policy made: ")
    written = (tmp_path / "court/logs.policy").read_text()
    assert written.count("# taken from the case itself") == written.count("\nlog ") == 2
    policy = read_policy(tmp_path / "court")
    assert policy.rule(origin).all_required_from == 0
    assert len(policy.log_keys(origin)) == 2
    assert policy.time.authorities == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []
    done = cli("verify", case, "--policy", tmp_path / "court", "--quiet")
    assert (done.code, done.out.decode().split(":")[0]) == (0, "VERIFIED (record)")
    done = cli("policy", "check", tmp_path / "court")
    assert (done.code, done.out.decode()) == (0, f"{tmp_path / 'court'}: understood, 0 warnings\n")


def test_vouched_by_a_person_nothing_is_taken_from_the_case(cli, case, person, name, origin, tmp_path):
    arguments = ["--trust", f"{name}={person}", "--log", case, "--vouched-by", name, "--min-size", f"{origin}=2"]
    done = cli("policy", "new", tmp_path / "court", *arguments, "--json")
    record = json.loads(done.out)
    assert (done.code, record["taken_from_cases"], record["remarks"]) == (0, [], [])
    policy = read_policy(tmp_path / "court")
    assert policy.logs.logs == ()
    assert policy.rule(origin).vouched_by == (name,)
    assert policy.rule(origin).min_size == 2
    done = cli("verify", case, "--policy", tmp_path / "court", "--quiet")
    assert (done.code, done.out.decode().split(":")[0]) == (0, "VERIFIED (record)")


def test_everything_and_shown(cli, case, person, name, tmp_path, desk):
    pem, other = root_certificate(tmp_path / "City TSA.pem"), root_certificate(tmp_path / "state.pem")
    arguments = [
        *("--trust", f"{name},other@x={person}", "--ca", f"*@unit7.example={desk / 'office/other.pub'}", "--log", case),
        *("--witness", f"partner={witness()}", "--witness", f"court={witness(8)}", "--quorum", "2"),
        *("--require", "time", "--require", "witness", "--tsa", pem, "--tsa", other),
    ]
    assert cli("policy", "new", tmp_path / "court", *arguments).code == 0
    assert sorted(path.name for path in (tmp_path / "court/tsa").iterdir()) == ["city-tsa.pem", "state.pem"]
    policy = read_policy(tmp_path / "court")
    assert (policy.time.authorities, policy.logs.quorum) == (2, "witnesses")
    assert policy.require == {"record", "identity", "custody", "time", "witness"}
    shown = cli("policy", "show", tmp_path / "court").out.decode()
    for says in ("signs certificates", "CN=City TSA", "partner", "at least 2 of partner, court", "quorum: witnesses"):
        assert says in shown
    record = json.loads(cli("policy", "show", tmp_path / "court", "--json").out)
    assert [one["name"] for one in record["time"]["known"]] == ["city-tsa", "state"]
    checked = json.loads(cli("policy", "check", tmp_path / "court", "--json").out)
    assert checked == {"remarks": [], "sound": True}


REFUSED = {
    "no name": (["--trust", "x.pub"], "U276", "is not PRINCIPAL=FILE.pub"),
    "no file": (["--trust", "a=nope.pub"], "X410", "cannot be read"),
    "a pattern of nothing": (["--trust", "a,,b={person}"], "U276", "no name of a signer"),
    "neither case nor key nor origin": (["--log", "nothing"], "U276", "neither a case, nor a vkey, nor an origin"),
    "a folder that is no case": (["--log", "{folder}"], "X4", ""),
    "a bent vkey": (["--log", "a.example/x+00000000+AAAA"], "U276", "is no vkey"),
    "a witness as a log": (["--log", witness()], "U276", "of type 0x04"),
    "a log as a witness": (["--witness", f"w={witness(kind=ED25519)}"], "U276", "of type 0x01"),
    "a witness without a name": (["--witness", witness().replace("=", "")], "U276", "is not NAME=VKEY"),
    "a quorum of nobody": (["--quorum", "1"], "U276", "can never be met by 0 witnesses"),
    "too large a quorum": (["--witness", f"w={witness()}", "--quorum", "2"], "U276", "can never be met by 1 witnesses"),
    "no size": (["--min-size", "a.example/x"], "U276", "is not ORIGIN=SIZE"),
    "no certificate": (["--tsa", "{person}"], "U276", "is not of a time-stamp authority"),
    "a certificate of no authority": (["--tsa", "{leaf}"], "U276", "is not of a time-stamp authority"),
    "one key in two roles": (
        ["--trust", "a={same}", "--witness", f"w={witness()}"],
        "R519",
        "a person's key and a witness's key",
    ),
    "it exists": (["{exists}"], "R501", "exists already"),
}


@pytest.mark.parametrize("which", REFUSED)
def test_refused(cli, person, tmp_path, which):
    options, code, says = REFUSED[which]
    root_certificate(tmp_path / "leaf.pem", ca=False)
    key = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32).public_key()
    (tmp_path / "same.pub").write_bytes(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH) + b" x\n")
    places = {"person": person, "folder": tmp_path, "leaf": tmp_path / "leaf.pem", "same": tmp_path / "same.pub"}
    target = tmp_path / "court"
    if options == ["{exists}"]:
        target.mkdir()
        options = []
    before = sorted(path.name for path in tmp_path.iterdir())
    done = cli("policy", "new", target, *(option.format(**places) for option in options))
    assert done.code == {"U": 2, "X": 4, "R": 5}[code[0]], done
    assert f"error {code}" in done.err.decode()
    assert says in done.err.decode()
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("point", ODD, ids=bytes.hex)
@pytest.mark.parametrize("role", ["trust", "ca", "log", "witness"])
def test_odd_keys_are_refused_in_every_role(cli, tmp_path, role, point):
    blob = put_string(b"ssh-ed25519") + put_string(point)
    (tmp_path / "odd.pub").write_text(f"ssh-ed25519 {base64.b64encode(blob).decode()} x\n")
    value = {
        "trust": f"a={tmp_path / 'odd.pub'}",
        "ca": f"a={tmp_path / 'odd.pub'}",
        "log": witness(kind=ED25519, point=point),
        "witness": f"w={witness(point=point)}",
    }[role]
    done = cli("policy", "new", tmp_path / "court", f"--{role}", value)
    assert done.code in {2, 5}
    assert not (tmp_path / "court").exists()


def test_check_names_file_and_line(cli, tmp_path):
    assert cli("policy", "new", tmp_path / "court").code == 0
    with (tmp_path / "court/allowed_signers").open("a") as file:
        file.write("jane nothing\n")
    done = cli("policy", "check", tmp_path / "court")
    assert done.code == 2
    assert "allowed_signers line 4" in done.err.decode()


def test_check_refuses_one_key_in_two_roles(cli, tmp_path):
    assert cli("policy", "new", tmp_path / "court", "--witness", f"w={witness()}").code == 0
    key = Ed25519PrivateKey.from_private_bytes(bytes([9]) * 32).public_key()
    with (tmp_path / "court/allowed_signers").open("a") as file:
        file.write(f"jane {key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()}\n")
    done = cli("policy", "check", tmp_path / "court")
    assert done.code == 5
    assert "NOT to be used" in done.out.decode()
    done = cli("policy", "check", tmp_path / "court", "--json")
    assert json.loads(done.out)["sound"] is False


def test_two_authorities_whose_files_have_one_name_are_both_kept(cli, tmp_path):
    pems = []
    for place in ("city", "state"):
        (tmp_path / place).mkdir()
        pems.append(root_certificate(tmp_path / place / "root.pem"))
    again = [option for pem in (*pems, pems[0]) for option in ("--tsa", pem)]
    assert cli("policy", "new", tmp_path / "court", "--log", "unit7.example/1", *again).code == 0
    kept = sorted((tmp_path / "court/tsa").iterdir())
    assert [path.name for path in kept] == ["root-2.pem", "root.pem"]
    assert {path.read_bytes() for path in kept} == {path.read_bytes() for path in pems}


def test_two_witnesses_with_one_name_are_refused(cli, tmp_path):
    both = ["--witness", f"partner={witness()}", "--witness", f"partner={witness(8)}"]
    done = cli("policy", "new", tmp_path / "court", "--log", "unit7.example/1", *both)
    assert done.code == 2
    assert not (tmp_path / "court").exists()
