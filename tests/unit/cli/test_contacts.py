"""`evidencekit contacts`: signed, checked by ssh-keygen too, never believed unasked, and put into a policy by days."""

from __future__ import annotations

import json
import subprocess

import pytest

from evidencekit.cli.contacts import TEMPLATE
from evidencekit.verify.policy import read_policy

PARTNER = "point@police.example"


@pytest.fixture(scope="module")
def keys(rc, tmp_path_factory):
    """An issuer, a partner, a stranger."""
    folder = tmp_path_factory.mktemp("contacts")
    for name, comment in (("issuer", "office@list.example"), ("partner", PARTNER), ("stranger", "office@list.example")):
        rc.new_key(folder / name, comment=comment, passphrase=None)
    return folder


@pytest.fixture
def signed(cli, keys, tmp_path):
    """A directory of two contacts, one of which is valid no longer."""
    key = (keys / "partner.pub").read_text().strip()
    (tmp_path / "contacts.toml").write_text(
        f'valid_until = 2026-12-31\n[[contact]]\nstate = "XA"\nname = "Duty"\nhours = "24/7"\nkeys = ["{key}"]\n'
        'valid_until = 2026-11-30\n[[contact]]\nstate = "XB"\nname = "Nightly"\nvalid_until = 2025-01-01\n'
    )
    done = cli(
        *("contacts", "sign", tmp_path / "contacts.toml", "--signer", keys / "issuer"),
        *("-o", tmp_path / "contacts.json"),
    )
    assert done.code == 0, done.err
    return tmp_path / "contacts.json"


def shown(cli, path, *more):
    done = cli("contacts", "show", path, "--json", "--now", "2026-11-22", *more)
    return done.code, json.loads(done.out)


def test_whose_it_is_has_to_be_asked(cli, keys, signed):
    code, found = shown(cli, signed)
    assert (code, found["trusted"]) == (0, None)
    assert b"NOT CHECKED" in cli("contacts", "show", signed).out
    code, found = shown(cli, signed, "--trust", keys / "issuer.pub")
    assert (code, found["trusted"], found["issuer"]) == (0, True, "office@list.example")
    assert [(one["state"], one["valid"]) for one in found["contacts"]] == [("XA", True), ("XB", False)]
    code, found = shown(cli, signed, "--trust", keys / "stranger.pub")
    assert (code, found["trusted"]) == (3, False)


def test_one_state_on_another_day(cli, signed):
    code, found = shown(cli, signed, "--state", "XA", "--now", "2026-12-01")
    assert (code, [one["valid"] for one in found["contacts"]]) == (0, [False])
    assert b"no contact of ZZ" in cli("contacts", "show", signed, "--state", "ZZ").out


@pytest.mark.judge("ssh-keygen")
def test_ssh_keygen_checks_it(keys, signed, tmp_path):
    allowed = tmp_path / "allowed"
    allowed.write_text(f"office@list.example {(keys / 'issuer.pub').read_text()}")
    words = ["ssh-keygen", "-Y", "verify", "-n", "evidencekit-contacts", "-I", "office@list.example"]
    done = subprocess.run([*words, "-f", allowed, "-s", f"{signed}.sig"], input=signed.read_bytes(), check=False,
                          capture_output=True)  # fmt: skip
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["contacts.json", "contacts.json.sig"])
def test_a_change_is_found(cli, keys, signed, name):
    path = signed.with_name(name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = cli("contacts", "show", signed, "--trust", keys / "issuer.pub")
    assert (done.code, done.out) == (3, b"")


def test_keys_get_into_a_policy_until_their_last_day(cli, keys, signed, tmp_path):
    policy = tmp_path / "policy"
    assert cli("policy", "new", policy, "--trust", f"me={keys / 'stranger.pub'}", "--log", "x.example/1",
               "--vouched-by", "me").code == 0  # fmt: skip
    before = (policy / "allowed_signers").read_bytes()
    assert b"R590" in cli("contacts", "enrol", signed, "--policy", policy, "--now", "2026-11-22").err
    assert (policy / "allowed_signers").read_bytes() == before
    words = ("contacts", "enrol", signed, "--policy", policy, "--trust", keys / "issuer.pub", "--json")
    assert b"U321" in cli(*words, "--now", "2026-12-01").out
    assert b"U321" in cli(*words, "--now", "2026-11-22", "--state", "XB").out
    done = cli(*words, "--now", "2026-11-22")
    assert (done.code, json.loads(done.out)["added"]) == (0, [PARTNER])
    assert json.loads(cli(*words, "--now", "2026-11-22").out)["there"] == [PARTNER]
    text = (policy / "allowed_signers").read_bytes()
    assert text.startswith(before)
    (line,) = [one for one in read_policy(policy).signers if one.principals == (PARTNER,)]
    assert (line.namespaces, line.valid_before) == (("evidencekit-*",), 1_796_083_199)
    assert b'valid-before="20261130235959Z"' in text


def test_a_policy_that_believes_the_issuer(cli, keys, signed, tmp_path):
    policy = tmp_path / "policy"
    who = f"office@list.example={keys / 'issuer.pub'}"
    assert cli("policy", "new", policy, "--trust", who, "--log", "x.example/1", "--vouched-by",
               "office@list.example").code == 0  # fmt: skip
    assert cli("contacts", "enrol", signed, "--policy", policy, "--now", "2026-11-22").code == 0


def addressed(cli, directory, who, *more):
    out = directory.with_name(f"request-{len(list(directory.parent.iterdir()))}.json")
    done = cli("request", "new", "--instrument", "un-42", "--contact", directory, "--now", "2026-11-22", "--json", "-o", out,
               *(() if who is None else ("--to-contact", who)), *more)  # fmt: skip
    return done.code, json.loads(done.out), out


@pytest.mark.parametrize("who", ["XA", "Duty", "Duty (XA)", None])
def test_a_request_to_a_contact(cli, keys, signed, who):
    code, document, out = addressed(cli, signed, who, "--trust", keys / "issuer.pub", "--set", "to.phone=+33472607012")
    assert code == 0, document
    to = json.loads(out.read_text())["to"]
    assert (to["name"], to["state"], to["hours"], to["phone"]) == ("Duty", "XA", "24/7", "+33472607012")
    assert not {"keys", "valid_until"} & to.keys()
    assert (document["contacts"]["issuer"], document["contacts"]["trusted"]) == ("office@list.example", True)


def test_a_request_whose_directory_nobody_believes(cli, keys, signed):
    code, document, _ = addressed(cli, signed, "XA")
    assert (code, document["contacts"]["trusted"]) == (0, None)
    plain = cli("request", "new", "--instrument", "un-42", "--contact", signed, "--to-contact", "XA", "--now", "2026-11-22",
                "-o", signed.with_name("plain.json"))  # fmt: skip
    assert b"NOT CHECKED" in plain.out
    code, document, out = addressed(cli, signed, "XA", "--trust", keys / "stranger.pub")
    assert (code, document["error"]["code"], out.exists()) == (5, "R590", False)


def test_a_request_by_a_policy_that_believes_the_issuer(cli, keys, signed, tmp_path):
    who = f"office@list.example={keys / 'issuer.pub'}"
    cli(
        "policy",
        "new",
        tmp_path / "policy",
        "--trust",
        who,
        "--log",
        "x.example/1",
        "--vouched-by",
        "office@list.example",
    )
    code, document, _ = addressed(cli, signed, "XA", "--policy", tmp_path / "policy")
    assert (code, document["contacts"]["trusted"]) == (0, True)


@pytest.mark.parametrize(
    ("who", "now", "code", "said"),
    [
        ("XB", "2026-11-22", 5, "R601"),
        ("Nightly", "2026-11-22", 5, "R601"),
        ("XA", "2026-12-01", 5, "R601"),
        ("XB", "2024-01-01", 0, None),
        ("XC", "2026-11-22", 2, "U603"),
        ("duty", "2026-11-22", 2, "U603"),
        (None, "2024-01-01", 2, "U602"),
    ],
)
def test_a_contact_that_is_not_to_be_had(cli, signed, who, now, code, said):
    found, document, out = addressed(cli, signed, who, "--now", now)
    assert (found, document.get("error", {}).get("code")) == (code, said)
    assert out.exists() == (said is None)


def test_two_contacts_of_a_name_are_told_apart_by_their_state(cli, keys, signed):
    draft = signed.with_name("twins.toml")
    draft.write_text(
        "".join(
            f'[[contact]]\nstate = "{state}"\nname = "Desk"\ninstruments = ["eu-production"]\n'
            for state in ("XA", "XB")
        )
    )
    twins = signed.with_name("twins.json")
    assert cli("contacts", "sign", draft, "--signer", keys / "issuer", "-o", twins).code == 0
    code, document, _ = addressed(cli, twins, "Desk")
    assert (code, document["error"]["code"]) == (2, "U602")
    assert "Desk (XA), Desk (XB)" in document["error"]["hint"]
    assert addressed(cli, twins, "Desk (XB)")[1]["request"]["to"]["state"] == "XB"
    done = cli(
        "request", "new", "--instrument", "un-42", "--contact", twins, "--to-contact", "XA", "-o", signed.with_name("q")
    )
    assert b"does not name this contact for un-42" in done.out


def test_a_changed_directory_addresses_no_request(cli, signed):
    signed.write_bytes(signed.read_bytes().replace(b"Duty", b"Dutz"))
    code, _, out = addressed(cli, signed, "XA")
    assert (code, out.exists()) == (3, False)
    done = cli("request", "new", "--instrument", "un-42", "--to-contact", "XA", "-o", out)
    assert (done.code, b"U267" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("contact = 1", b"U320"),
        ("[[contact]\n", b"U320"),
        ('[[contact]]\nstate = "XA"\n', b"U320"),
        ('[[contact]]\nstate = "XA"\nname = "N"\nfax = "1"\n', b"U320"),
        ('[[contact]]\nstate = "XA"\nname = "N"\nvalid_until = 2026-11-22T00:00:00Z\n', b"U320"),
    ],
)
def test_a_draft_that_cannot_be(cli, keys, tmp_path, text, code):
    (tmp_path / "draft.toml").write_text(text)
    out = tmp_path / "out.json"
    done = cli("contacts", "sign", tmp_path / "draft.toml", "--signer", keys / "issuer", "-o", out)
    assert done.code == 2
    assert code in done.err
    assert not out.exists()


def test_nothing_is_overwritten(cli, keys, signed):
    draft = signed.with_name("contacts.toml")
    again = ("contacts", "sign", draft, "--signer", keys / "issuer", "-o", signed)
    assert b"R501" in cli(*again).err
    signed.unlink()
    assert b"R501" in cli(*again).err
    assert not signed.exists()


def test_a_key_without_a_name(cli, rc, keys, tmp_path):
    bare = (keys / "partner.pub").read_text().rsplit(" ", 1)[0]
    (tmp_path / "draft.toml").write_text(f'[[contact]]\nstate = "XA"\nname = "Duty"\nkeys = ["{bare}"]\n')
    out = tmp_path / "out.json"
    assert cli("contacts", "sign", tmp_path / "draft.toml", "--signer", keys / "issuer", "-o", out).code == 0
    policy = tmp_path / "policy"
    cli("policy", "new", policy, "--trust", f"me={keys / 'stranger.pub'}", "--log", "x.example/1", "--vouched-by", "me")
    done = cli("contacts", "enrol", out, "--policy", policy, "--trust", keys / "issuer.pub")
    assert (done.code, b"has no name" in done.err) == (2, True)


def test_the_template_becomes_a_directory(cli, keys, tmp_path):
    key = (keys / "partner.pub").read_text().strip()
    filled = TEMPLATE.replace("ssh-ed25519 AAAA... point@police.example", key).replace('"XX"', '"XA"')
    (tmp_path / "draft.toml").write_text(filled)
    out = tmp_path / "out.json"
    assert cli("contacts", "sign", tmp_path / "draft.toml", "--signer", keys / "issuer", "-o", out).code == 0
    assert cli("contacts", "template").out.decode() == TEMPLATE
