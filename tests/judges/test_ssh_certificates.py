"""OpenSSH as judge of certificates: a CA made by ssh-keygen, signatures with `-f KEY-cert.pub`, `-Y verify` at given times.

Where we are stricter (critical options, hosts), the difference is named by a test of its own.
"""

from __future__ import annotations

import subprocess
import time

import pytest

from evidencekit.core.allowed_signers import matches_pattern_list, parse_allowed_signers
from evidencekit.core.sshcert import certified_signers, parse_certificate_line
from evidencekit.core.sshkeys import fingerprint, parse_public_key_line
from evidencekit.core.sshsig import format_sshsig, parse_sshsig
from evidencekit.errors import CannotFinish, Refused
from evidencekit.read.signature import sound_certificate, verify_sshsig
from evidencekit.seal.sign import load_signer
from evidencekit.verify.policy import read_policy

pytestmark = pytest.mark.judge("ssh-keygen")

NAMESPACE = "evidencekit-event"
MESSAGE = b'{"_t":"evidencekit/event/1"}\n'
JANE = "jane@unit7.example"
KINDS = {
    "ed25519": ["-t", "ed25519"],
    "p256": ["-t", "ecdsa", "-b", "256"],
    "p384": ["-t", "ecdsa", "-b", "384"],
    "rsa": ["-t", "rsa", "-b", "3072"],
}
FROM, UNTIL = 1_767_225_600, 1_798_761_600  # the year 2026, UTC


def run(*command, stdin=b"", ok=True):
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False, env={"TZ": "UTC"})
    if ok:
        assert done.returncode == 0, done.stderr.decode()
    return done


def certify(folder, ca, kind, *options, names=JANE, window="20260101:20270101"):
    """Let a CA certify the key of a kind; the certificate stands beside the key."""
    command = ["ssh-keygen", "-q", "-s", str(folder / f"ca-{ca}"), "-I", "card 7", *options]
    run(*command, *(["-n", names] if names else []), "-V", window, str(folder / f"{kind}.pub"))
    return folder / f"{kind}-cert.pub"


def sign(path):
    return run("ssh-keygen", "-Y", "sign", "-q", "-f", str(path), "-n", NAMESPACE, stdin=MESSAGE).stdout


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for kind, options in KINDS.items():
        for name in (kind, f"ca-{kind}"):
            run("ssh-keygen", "-q", *options, "-N", "", "-C", JANE, "-f", str(folder / name))
    for kind in KINDS:
        certify(folder, "ed25519", kind)
    return folder


def line_of(keys, ca="ed25519", options="cert-authority", principals="*@unit7.example"):
    return f"{principals} {options} {(keys / f'ca-{ca}.pub').read_text().strip()}\n"


def at(second):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(second))


def theirs(folder, allowed, armored, principal=JANE, second=FROM, message=MESSAGE):
    """What ssh-keygen says of it, at a time."""
    (folder / "allowed").write_text(allowed)
    (folder / "sig").write_bytes(armored)
    command = ["ssh-keygen", "-Y", "verify", "-f", str(folder / "allowed"), "-I", principal, "-n", NAMESPACE]
    done = run(*command, "-s", str(folder / "sig"), "-O", f"verify-time={at(second)}", stdin=message, ok=False)
    return done.returncode == 0


def ours(allowed, armored, principal=JANE, second=FROM, message=MESSAGE):
    """What we say of it, at a time: as the verifier would with a time proved to the second."""
    sig = parse_sshsig(armored)
    if verify_sshsig(sig, message, NAMESPACE) is not None:
        return False
    signers, certificate = parse_allowed_signers(allowed.encode()), sound_certificate(sig.public_key)
    if certificate is None:
        lines = [one for one in signers if not one.cert_authority and one.key.blob == sig.public_key]
    else:
        lines = certified_signers(signers, certificate)
    return any(
        one.matches(principal)
        and (one.namespaces is None or matches_pattern_list(NAMESPACE, one.namespaces))
        and (one.valid_after is None or one.valid_after <= second)
        and (one.valid_before is None or second <= one.valid_before)
        for one in lines
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_ssh_keygen_signs_with_a_certificate(keys, kind, tmp_path):
    armored = sign(keys / f"{kind}-cert.pub")
    sig = parse_sshsig(armored)
    assert format_sshsig(sig) == armored
    assert sig.public_key == parse_certificate_line((keys / f"{kind}-cert.pub").read_bytes())[0]
    printed = run("ssh-keygen", "-l", "-f", str(keys / f"{kind}-cert.pub")).stdout.decode().split()[1]
    assert printed == sig.fingerprint == fingerprint(parse_public_key_line((keys / f"{kind}.pub").read_bytes()).blob)
    for message in (MESSAGE, b"other"):
        both = theirs(tmp_path, line_of(keys), armored, message=message), ours(line_of(keys), armored, message=message)
        assert both == (message == MESSAGE,) * 2


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_sign_with_a_certificate(keys, kind, tmp_path):
    signer = load_signer(keys / f"{kind}-cert.pub", ask_passphrase=None)
    plain = load_signer(keys / kind, ask_passphrase=None)
    assert (signer.fingerprint, signer.public_key) == (plain.fingerprint, plain.public_key)
    armored = signer.sign(MESSAGE, NAMESPACE)
    assert theirs(tmp_path, line_of(keys), armored)
    assert ours(line_of(keys), armored)
    if kind in {"ed25519", "rsa"}:  # deterministic: the very same file
        assert armored == sign(keys / f"{kind}-cert.pub")


@pytest.mark.parametrize("ca", KINDS)
def test_a_ca_of_each_kind(keys, ca, tmp_path):
    path = certify(keys, ca, "ed25519")
    armored = sign(path)
    certify(keys, "ed25519", "ed25519")
    for other in KINDS:
        allowed = line_of(keys, other)
        assert theirs(tmp_path, allowed, armored) == ours(allowed, armored) == (other == ca)


CASES = {
    "good": ({}, {}),
    "another name in the certificate": ({"principal": "joe@unit7.example"}, {}),
    "a pattern as a name": ({"principal": "*@unit7.example"}, {}),
    "names the line does not allow": ({}, {"principals": "*@other.example"}),
    "a name that the line excludes": ({}, {"principals": "*,!jane@*"}),
    "the CA's line without cert-authority": ({}, {"options": ""}),
    "another CA": ({}, {"ca": "p256"}),
    "another namespace": ({}, {"options": 'cert-authority,namespaces="evidencekit-package"'}),
    "this namespace": ({}, {"options": 'cert-authority,namespaces="evidencekit-*"'}),
    "the second before it begins": ({"second": FROM - 1}, {}),
    "its last second": ({"second": UNTIL - 1}, {}),
    "its end": ({"second": UNTIL}, {}),
    "the line's first second": ({"second": FROM + 60}, {"options": f'cert-authority,valid-after="{at(FROM + 60)}"'}),
    "before the line begins": ({"second": FROM + 59}, {"options": f'cert-authority,valid-after="{at(FROM + 60)}"'}),
    "the line's last second": ({"second": FROM + 60}, {"options": f'cert-authority,valid-before="{at(FROM + 60)}"'}),
    "after the line ends": ({"second": FROM + 61}, {"options": f'cert-authority,valid-before="{at(FROM + 60)}"'}),
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_judgement(keys, name, tmp_path):
    asked, line = CASES[name]
    allowed, armored = line_of(keys, **line), sign(keys / "p256-cert.pub")
    expected = name in {"good", "this namespace"} or " last second" in name or " first second" in name
    assert theirs(tmp_path, allowed, armored, **asked) == ours(allowed, armored, **asked) == expected


@pytest.mark.parametrize("with_certificate", [True, False])
@pytest.mark.parametrize("listed", ["plain", "ca", "both"])
def test_plain_keys_and_certificates_do_not_stand_for_each_other(keys, with_certificate, listed, tmp_path):
    armored = sign(keys / ("ed25519-cert.pub" if with_certificate else "ed25519"))
    plain = f"{JANE} {(keys / 'ed25519.pub').read_text()}"
    allowed = {"plain": plain, "ca": line_of(keys), "both": plain + line_of(keys)}[listed]
    expected = listed == "both" or (listed == "ca") == with_certificate
    assert theirs(tmp_path, allowed, armored) == ours(allowed, armored) == expected


def test_several_keys_of_a_person_each_in_its_time(keys, tmp_path):
    """A rotation: the old key until midsummer, the new one from then on."""
    change = FROM + 15_000_000
    lines = (
        f'{JANE} valid-before="{at(change)}" {(keys / "p256.pub").read_text()}'
        f'{JANE} valid-after="{at(change)}" {(keys / "ed25519.pub").read_text()}'
    )
    for kind, first, last in (("p256", -10, 0), ("ed25519", 0, 10)):
        armored = sign(keys / kind)
        for offset in (-10, -1, 0, 1, 10):
            both = (
                theirs(tmp_path, lines, armored, second=change + offset),
                ours(lines, armored, second=change + offset),
            )
            assert both == (first <= offset <= last,) * 2


def test_a_host_certificate_is_nobodys(keys, tmp_path):
    armored = sign(certify(keys, "ed25519", "p384", "-h", names="host.example"))
    certify(keys, "ed25519", "p384")
    allowed = line_of(keys, principals="*")
    assert not theirs(tmp_path, allowed, armored, principal="host.example")
    assert verify_sshsig(parse_sshsig(armored), MESSAGE, NAMESPACE) == "certificate_rejected"


def test_a_certificate_without_names_is_nobodys(keys, tmp_path):
    armored = sign(certify(keys, "ed25519", "p384", names=""))
    certify(keys, "ed25519", "p384")
    assert not theirs(tmp_path, line_of(keys, principals="*"), armored)
    assert verify_sshsig(parse_sshsig(armored), MESSAGE, NAMESPACE) == "certificate_rejected"


@pytest.mark.parametrize("option", ["force-command=/bin/true", "source-address=10.0.0.0/8", "verify-required"])
def test_critical_options_that_ssh_keygen_does_not_look_at(keys, option, tmp_path):
    armored = sign(certify(keys, "ed25519", "p384", "-O", option))
    certify(keys, "ed25519", "p384")
    assert theirs(tmp_path, line_of(keys), armored)
    expected = "not_checked_person" if option == "verify-required" else "certificate_rejected"
    assert verify_sshsig(parse_sshsig(armored), MESSAGE, NAMESPACE) == expected


def test_ssh_keygen_reads_the_allowed_signers_of_a_new_policy(keys, tmp_path):
    from evidencekit.cli.policy_options import draft_of
    from evidencekit.journeys.policy_folder import write_policy

    draft = draft_of(
        trust=[f"{JANE}={keys / 'rsa.pub'}"],
        authorities=[f"*@unit7.example={keys / 'ca-ed25519.pub'}"],
        logs=["unit7.example/24-117"], vouched_by=[JANE], witnesses=[], quorum=None, require=[], tsa=[], min_sizes=[],
    )  # fmt: skip
    write_policy(tmp_path / "policy", draft)
    allowed = (tmp_path / "policy/allowed_signers").read_text()
    assert len(read_policy(tmp_path / "policy").signers) == 2
    for path, expected in (("rsa", True), ("rsa-cert.pub", True), ("p256-cert.pub", True), ("p256", False)):
        armored = sign(keys / path)
        assert theirs(tmp_path, allowed, armored) == ours(allowed, armored) == expected


@pytest.mark.judge("ssh-agent")
def test_a_key_in_an_agent_with_its_certificate(keys, tmp_path):
    socket = tmp_path / "s"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["ssh-agent", "-D", "-a", str(socket)], **quiet) as agent:
        try:
            deadline = time.monotonic() + 10
            while not socket.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            subprocess.run(
                ["ssh-add", "-q", str(keys / "p256")], env={"SSH_AUTH_SOCK": str(socket)}, check=True, timeout=60
            )
            alone = tmp_path / "p256-cert.pub"
            alone.write_bytes((keys / "p256-cert.pub").read_bytes())
            armored = load_signer(alone, ask_passphrase=None, agent_socket=socket).sign(MESSAGE, NAMESPACE)
        finally:
            agent.terminate()
            agent.wait(10)
    assert theirs(tmp_path, line_of(keys), armored)
    assert ours(line_of(keys), armored)
    with pytest.raises(CannotFinish):
        load_signer(alone, ask_passphrase=None, agent_socket=None)


@pytest.mark.parametrize("fault", ["host", "names", "another key", "not a certificate"])
def test_certificates_that_do_not_sign(keys, tmp_path, fault):
    for name in ("p256", "p256.pub", "ca-ed25519", "ca-ed25519.pub", "rsa-cert.pub"):
        (tmp_path / name).write_bytes((keys / name).read_bytes())
        (tmp_path / name).chmod(0o600)
    if fault == "another key":
        path = (tmp_path / "rsa-cert.pub").rename(tmp_path / "p256-cert.pub")
    elif fault == "not a certificate":
        path = (tmp_path / "p256.pub").rename(tmp_path / "p256-cert.pub")
    else:
        names = "host.example" if fault == "host" else ""
        path = certify(tmp_path, "ed25519", "p256", *(["-h"] if fault == "host" else []), names=names)
    with pytest.raises((Refused, CannotFinish)) as caught:
        load_signer(path, ask_passphrase=None)
    assert caught.value.code in {"R516", "X413"}
    assert caught.value.hint
