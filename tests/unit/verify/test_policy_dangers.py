"""Dangerous choices in a policy: each is named, with its place and what to do; a sound policy is left in peace."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidencekit.core.note import ED25519, ED25519_COSIGNATURE, VerifierKey, format_vkey
from evidencekit.core.sshkeys import RsaFields, join_key_blob
from evidencekit.verify.policy import read_policy
from evidencekit.verify.policy_dangers import dangers
from evidencekit.verify.policy_facts import policy_facts

NOW = 1_795_305_600 * 1_000_000_000  # 2026-11-22
ORIGIN = "unit7.example/a"
LOG = f'[[log]]\norigin = "{ORIGIN}"\nall_required_from = 0\n'


def private(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def pub(number: int) -> str:
    return private(number).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def vkey(number: int, kind: int = ED25519, name: str = ORIGIN) -> str:
    return format_vkey(VerifierKey(name, kind, private(number).public_key().public_bytes_raw()))


def witness(number: int, name: str = "W") -> str:
    return f"witness {name} {vkey(number, ED25519_COSIGNATURE, 'w.example/w')}\n"


LOGS = f"log {vkey(1)}\nquorum none\n"
JANE = f"jane {pub(2)}\n"
RSA_KEY = base64.b64encode(join_key_blob(RsaFields("ssh-rsa", 65537, (1 << 3071) + 1))).decode()


def policy(tmp_path: Path, *, settings: str = LOG, signers: str = JANE, logs: str = LOGS):
    (tmp_path / "policy.toml").write_text("version = 1\n" + settings)
    (tmp_path / "allowed_signers").write_text(signers)
    (tmp_path / "logs.policy").write_text(logs)
    return read_policy(tmp_path)


def said(*args, **more) -> list[str]:
    return [f"{one.severity} {one.where}: {one.fact}" for one in dangers(policy(*args, **more), NOW)]


def test_a_sound_policy(tmp_path):
    assert said(tmp_path) == []
    quorum = f"log {vkey(1)}\n{witness(3)}{witness(4, 'X')}group G 2 W X\nquorum G\n"
    assert said(tmp_path, settings='require = ["witness"]\n' + LOG, logs=quorum) == []
    vouched = f'[[log]]\norigin = "{ORIGIN}"\nvouched_by = ["jane"]\n'
    assert said(tmp_path, settings=vouched, logs="quorum none\n") == []
    assert (
        said(tmp_path, settings='[algorithms]\n"ssh-rsa" = 2030-12-31\n' + LOG, signers=f"j ssh-rsa {RSA_KEY}\n") == []
    )


DANGERS = {
    "no log": ({"settings": "", "logs": "quorum none\n"}, ["warning policy.toml: no log can be admitted"]),
    "a log that nobody admits": (
        {"settings": LOG + '[[log]]\norigin = "b.example/b"\n'},
        ["warning policy.toml [[log]] b.example/b: this log can never be admitted"],
    ),
    "vouched in vain": ({"settings": LOG + 'vouched_by = ["jane"]\n'}, ["vouched_by says nothing"]),
    "vouched by nobody": (
        {"settings": '[[log]]\norigin = "b.example/b"\nvouched_by = ["joe"]\n'},
        ["[[log]] b.example/b: joe vouches for it, and no line of allowed_signers lets him"],
    ),
    "one key of two is enough": (
        {"settings": "", "logs": f"log {vkey(1)}\nlog {vkey(5)}\nquorum none\n"},
        ["a signature by any one of its 2 keys is enough"],
    ),
    "nobody": ({"signers": ""}, ["warning allowed_signers: nobody is believed"]),
    "person and log": (
        {"signers": f"# x\njane {pub(1)}\n"},
        ["error allowed_signers line 2: the key 8a88e3dd7409f195… is a person's key and a log's key"],
    ),
    "log and witness": (
        {"logs": f"log {vkey(1)}\n{witness(1)}quorum W\n"},
        [
            "error logs.policy: the key 8a88e3dd7409f195… is a log's key and a witness's key",
            "warning logs.policy quorum: the quorum W can never be met by the 0 witnesses",
        ],
    ),
    "person and witness": (
        {"logs": f"log {vkey(1)}\n{witness(2)}{witness(3, 'X')}group G all W X\nquorum G\n"},
        ["error allowed_signers line 1", "the quorum G can never be met by the 1 witnesses"],
    ),
    "witnesses wanted, none asked": (
        {"settings": 'require = ["witness"]\n' + LOG},
        ["warning policy.toml require: witnesses are required, and the quorum is none"],
    ),
    "witnesses in vain": ({"logs": f"log {vkey(1)}\n{witness(3)}quorum none\n"}, ["none is demanded"]),
    "times wanted, nobody to say them": (
        {"settings": 'require = ["time"]\n' + LOG},
        ["1 time-stamp authorities are wanted, and tsa/ holds 0"],
    ),
    "a window, and no time": (
        {"signers": f'jane valid-before="20300101Z" {pub(2)}\n'},
        ["warning tsa: keys or CAs have windows of validity, and nobody who could prove a time"],
    ),
    "a CA, and no time": ({"signers": f"*@x cert-authority {pub(2)}\n"}, ["warning tsa: keys or CAs have windows"]),
    "expired": (
        {"signers": f'jane valid-before="20250101Z" {pub(2)}\n', "logs": f"log {vkey(1)}\n{witness(3)}quorum W\n"},
        ["warning allowed_signers line 1: the key of jane was valid until 2025-01-01 00:00:00 UTC"],
    ),
    "not yet": (
        {"signers": f'jane valid-after="20280101Z" {pub(2)}\n', "logs": f"log {vkey(1)}\n{witness(3)}quorum W\n"},
        ["the key of jane is valid from 2028-01-01 00:00:00 UTC on only"],
    ),
    "for other purposes": ({"signers": f'jane namespaces="git" {pub(2)}\n'}, ["the key of jane may not sign events"]),
    "anybody": ({"signers": f"* {pub(2)}\n"}, ["this one key may sign as anybody"]),
    "anybody's CA": (
        {"signers": f"** cert-authority {pub(2)}\n", "logs": f"log {vkey(1)}\n{witness(3)}quorum W\n"},
        ["this CA may name anybody"],
    ),
    "RSA for ever": ({"signers": f"jane ssh-rsa {RSA_KEY}\n"}, ["allowed_signers line 1: RSA keys are accepted for ever"]),
    "RSA always": (
        {"signers": f"jane ssh-rsa {RSA_KEY}\n", "settings": '[algorithms]\n"ssh-rsa" = true\n' + LOG},
        ["RSA keys are accepted for ever"],
    ),
    "no longer": (
        {"settings": '[algorithms]\n"ssh-ed25519" = 2026-11-21\n' + LOG},
        ["policy.toml [algorithms]: ssh-ed25519 was accepted until 2026-11-21 23:59:59 UTC, and line 1"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DANGERS)
def test_each_danger_is_named_alone(tmp_path, name):
    given, expected = DANGERS[name]
    found = said(tmp_path, **given)
    assert len(found) == len(expected), found
    for one, says in zip(found, expected, strict=True):
        assert says in one


def test_every_remark_says_what_to_do(tmp_path):
    for given, _ in DANGERS.values():
        for one in dangers(policy(tmp_path, **given), NOW):
            assert one.do.endswith(".")
            assert one.severity in {"error", "warning"}


def test_what_nobody_reads(tmp_path):
    read = policy(tmp_path)
    (tmp_path / "revoked.tml").touch()
    (tmp_path / ".DS_Store").touch()
    (found,) = dangers(read, NOW, tmp_path)
    assert (found.where, found.fact) == ("revoked.tml", "nothing of this is read")


def test_facts(tmp_path):
    logs = f"log {vkey(1)}\n{witness(3)}{witness(4, 'X')}group G 2 W X\nquorum G\n"
    (tmp_path / "revoked.toml").write_text(f'[[key]]\nfingerprint = "SHA256:{"A" * 43}"\nreason = "lost"\n')
    facts = policy_facts(
        policy(tmp_path, logs=logs, signers=JANE + f'*@x cert-authority,valid-after="20260101Z" {pub(6)}\n')
    )
    assert facts["require"] == ["custody", "identity", "record"]
    assert [one["cert_authority"] for one in facts["persons"]] == [False, True]
    assert facts["persons"][1]["valid_after"] == "2026-01-01T00:00:00.000000000Z"
    assert facts["logs"][0]["keys"][0]["kind"] == "Ed25519"
    assert facts["groups"] == {"G": {"threshold": 2, "members": ["W", "X"]}}
    assert (facts["quorum"], [one["name"] for one in facts["witnesses"]]) == ("G", ["W", "X"])
    assert facts["revoked"][0]["reason"] == "lost"
    assert facts["time"] == {"authorities": 1, "policies": [], "known": []}
