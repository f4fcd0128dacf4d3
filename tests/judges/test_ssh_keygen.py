"""OpenSSH itself as judge: ssh-keygen and ssh-agent agree with us in both directions.

Security keys: no hardware here. Their signatures are made with software keys after PROTOCOL.u2f, and ssh-keygen, which
verifies them in software, is asked whether they are what a device would make.
"""

import hashlib
import os
import stat
import subprocess
import time

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidencekit.core.allowed_signers import (
    AllowedSigner,
    find_principals,
    format_allowed_signer,
    matches_pattern_list,
    parse_allowed_signers,
)
from evidencekit.core.sshkeys import (
    EcdsaFields,
    Ed25519Fields,
    PublicKey,
    fingerprint,
    format_public_key_line,
    join_key_blob,
    parse_public_key_line,
)
from evidencekit.core.sshsig import (
    NAMESPACES,
    SignatureFields,
    SshSignature,
    format_sshsig,
    join_ecdsa_signature,
    join_signature_blob,
    parse_sshsig,
    signed_data,
    sk_signed_data,
)
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.signature import verify_sshsig
from evidencekit.seal.agent import Agent
from evidencekit.seal.sign import AgentSigner, FileSigner, load_signer, new_key

pytestmark = pytest.mark.judge("ssh-keygen")

NAMESPACE = "evidencekit-event"
MESSAGE = b'{"_t":"evidencekit/event/1"}\n'
KINDS = {
    "ed25519": ["-t", "ed25519"],
    "p256": ["-t", "ecdsa", "-b", "256"],
    "p384": ["-t", "ecdsa", "-b", "384"],
    "rsa": ["-t", "rsa", "-b", "3072"],
}


def run(*command, stdin=b"", env=None, ok=True):
    done = subprocess.run(command, input=stdin, capture_output=True, env=env, timeout=60, check=False)
    if ok:
        assert done.returncode == 0, done.stderr.decode()
    return done


def never(prompt):
    raise AssertionError(prompt)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    for name, options in KINDS.items():
        run("ssh-keygen", "-q", *options, "-N", "", "-C", f"Jane {name}", "-f", str(folder / name))
        locked = folder / f"{name}-locked"
        locked.write_bytes((folder / name).read_bytes())
        locked.chmod(0o600)
        run("ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-a", "2", "-f", str(locked))
    return folder


def ssh_verify(folder, armored, allowed, *, message=MESSAGE, principal="jane", namespace=NAMESPACE, options=()):
    (folder / "sig").write_bytes(armored)
    (folder / "allowed").write_text(allowed + "\n", encoding="utf-8")
    command = ("ssh-keygen", "-Y", "verify", "-f", str(folder / "allowed"), "-I", principal, "-n", namespace)
    done = run(*command, "-s", str(folder / "sig"), *options, stdin=message, ok=False)
    return done.returncode == 0


def allowed_line(key, principal="jane", **more):
    fields = {"namespaces": None, "valid_after": None, "valid_before": None} | more
    return format_allowed_signer(AllowedSigner((principal,), key=key, **fields))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_what_ssh_keygen_signs_we_read_verify_and_write_the_same(keys, kind, size):
    message = os.urandom(size)
    for namespace in NAMESPACES if size == 1 else (NAMESPACE,):
        made = run("ssh-keygen", "-Y", "sign", "-q", "-f", str(keys / kind), "-n", namespace, stdin=message).stdout
        sig = parse_sshsig(made)
        assert format_sshsig(sig) == made
        assert sig.public_key == parse_public_key_line((keys / f"{kind}.pub").read_bytes()).blob
        assert verify_sshsig(sig, message, namespace) is None
        assert verify_sshsig(sig, message + b"x", namespace) == "bad_signature"
        assert verify_sshsig(sig, message, "file") == "wrong_namespace"


@pytest.mark.parametrize("kind", KINDS)
def test_what_we_sign_ssh_keygen_verifies(keys, kind, tmp_path):
    signer = load_signer(keys / kind, ask_passphrase=never)
    assert isinstance(signer, FileSigner)
    armored = signer.sign(MESSAGE, NAMESPACE)
    line = allowed_line(signer.public_key)
    assert ssh_verify(tmp_path, armored, line)
    assert not ssh_verify(tmp_path, armored, line, message=MESSAGE + b"x")
    assert not ssh_verify(tmp_path, armored, line, namespace="evidencekit-package")
    assert not ssh_verify(tmp_path, armored, line, principal="joe")
    assert not ssh_verify(tmp_path, armored, allowed_line(signer.public_key, namespaces=("evidencekit-package",)))
    if kind in {"ed25519", "rsa"}:  # deterministic: the very same file
        again = run("ssh-keygen", "-Y", "sign", "-q", "-f", str(keys / kind), "-n", NAMESPACE, stdin=MESSAGE).stdout
        assert armored == again


@pytest.mark.parametrize("kind", KINDS)
def test_public_keys_fingerprints_and_comments(keys, kind):
    text = (keys / f"{kind}.pub").read_text()
    key = parse_public_key_line(text)
    assert format_public_key_line(key) + "\n" == text
    printed = run("ssh-keygen", "-l", "-f", str(keys / f"{kind}.pub")).stdout.decode()
    assert printed.split()[1] == fingerprint(key.blob)
    assert key.comment == f"Jane {kind}"
    assert load_signer(keys / kind, ask_passphrase=never).public_key == key


@pytest.mark.parametrize("kind", KINDS)
def test_the_comment_inside_the_file_where_no_pub_is_beside_it(keys, kind, tmp_path):
    path = tmp_path / "alone"
    path.write_bytes((keys / kind).read_bytes())
    path.chmod(0o600)
    assert load_signer(path, ask_passphrase=never).public_key.comment == f"Jane {kind}"


@pytest.mark.parametrize("kind", KINDS)
def test_keys_with_a_passphrase(keys, kind):
    path = keys / f"{kind}-locked"
    signer = load_signer(path, ask_passphrase=lambda _: "secret")
    assert signer.public_key.blob == parse_public_key_line((keys / f"{kind}.pub").read_bytes()).blob
    assert signer.public_key.comment == f"{kind}-locked"
    assert verify_sshsig(parse_sshsig(signer.sign(MESSAGE, NAMESPACE)), MESSAGE, NAMESPACE) is None
    for ask, code in ((lambda _: "wrong", "X412"), (None, "X411")):
        with pytest.raises(CannotFinish) as caught:
            load_signer(path, ask_passphrase=ask)
        assert caught.value.code == code


@pytest.mark.parametrize("form", ["PEM", "PKCS8"])
@pytest.mark.parametrize("passphrase", ["", "secret"])
def test_the_older_private_key_forms_of_ssh_keygen(form, passphrase, tmp_path):
    path = tmp_path / "key"
    command = ("ssh-keygen", "-q", "-t", "ecdsa", "-m", form, "-N", passphrase, "-C", "Jane", "-f", str(path))
    run(*command)
    signer = load_signer(path, ask_passphrase=(lambda _: passphrase) if passphrase else never)
    assert signer.public_key == parse_public_key_line((tmp_path / "key.pub").read_bytes())


def test_an_empty_comment(tmp_path):
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(tmp_path / "examiner"))
    assert parse_public_key_line((tmp_path / "examiner.pub").read_bytes()).comment == ""
    assert load_signer(tmp_path / "examiner", ask_passphrase=never).public_key.comment == "examiner"


@pytest.mark.parametrize("kind", [["-t", "rsa", "-b", "2048"], ["-t", "ecdsa", "-b", "521"]])
def test_signatures_by_keys_that_we_do_not_take(kind, tmp_path):
    path = tmp_path / "key"
    run("ssh-keygen", "-q", *kind, "-N", "", "-f", str(path))
    made = run("ssh-keygen", "-Y", "sign", "-q", "-f", str(path), "-n", NAMESPACE, stdin=MESSAGE).stdout
    reason = verify_sshsig(parse_sshsig(made), MESSAGE, NAMESPACE)
    assert reason == ("weak_key" if "rsa" in kind else "unsupported_key")
    with pytest.raises(FormatError):
        parse_public_key_line((tmp_path / "key.pub").read_bytes())


def test_sha256_signatures_are_refused(keys):
    command = ("ssh-keygen", "-Y", "sign", "-q", "-f", str(keys / "ed25519"), "-n", NAMESPACE, "-O", "hashalg=sha256")
    made = run(*command, stdin=MESSAGE).stdout
    with pytest.raises(FormatError, match="sha512"):
        parse_sshsig(made)


@pytest.mark.parametrize("passphrase", [None, b"secret"])
def test_a_new_key_of_ours_is_one_of_theirs(tmp_path, passphrase):
    path = tmp_path / "examiner"
    key = new_key(path, comment="Jané Doe, unit 7", passphrase=passphrase)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    derived = run("ssh-keygen", "-y", "-P", (passphrase or b"").decode(), "-f", str(path)).stdout.decode()
    assert derived.split()[:2] == format_public_key_line(key).split()[:2]
    shown = run("ssh-keygen", "-l", "-f", f"{path}.pub").stdout.decode()
    assert shown == f"256 {fingerprint(key.blob)} Jané Doe, unit 7 (ED25519)\n"
    armored = load_signer(path, ask_passphrase=lambda _: "secret").sign(MESSAGE, NAMESPACE)
    if passphrase is None:
        again = run("ssh-keygen", "-Y", "sign", "-q", "-f", str(path), "-n", NAMESPACE, stdin=MESSAGE).stdout
        assert armored == again
    line = allowed_line(key, principal="Jané Doe, unit 7".replace(",", ""))
    assert ssh_verify(tmp_path, armored, line, principal="Jané Doe unit 7")


# --- security keys, synthetic


def synthetic(kind, flags, counter=3, application=b"ssh:"):
    data = sk_signed_data(application, flags, counter, signed_data(NAMESPACE, hashlib.sha512(MESSAGE).digest()))
    if kind == "ed25519":
        private = Ed25519PrivateKey.generate()
        fields = Ed25519Fields("sk-ssh-ed25519@openssh.com", private.public_key().public_bytes_raw(), application)
        raw = private.sign(data)
    else:
        private = ec.generate_private_key(ec.SECP256R1())
        point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        fields = EcdsaFields("sk-ecdsa-sha2-nistp256@openssh.com", "nistp256", point, application)
        raw = join_ecdsa_signature(*decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA256()))))
    blob = join_signature_blob(SignatureFields(fields.algorithm, raw, flags, counter))
    return SshSignature(join_key_blob(fields), NAMESPACE, "sha512", blob), fields.algorithm


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
@pytest.mark.parametrize("flags", [1, 5, 0])
def test_synthetic_security_keys(kind, flags, tmp_path):
    sig, algorithm = synthetic(kind, flags)
    key = PublicKey(sig.public_key, algorithm, "")
    assert parse_public_key_line(format_public_key_line(key)) == key
    # ssh-keygen verifies the signature and leaves the touch to its caller; we do not
    assert ssh_verify(tmp_path, format_sshsig(sig), allowed_line(key))
    assert verify_sshsig(sig, MESSAGE, NAMESPACE) == (None if flags else "not_touched")
    assert not ssh_verify(tmp_path, format_sshsig(sig), allowed_line(key), message=b"other")
    assert verify_sshsig(sig, b"other", NAMESPACE) == ("bad_signature" if flags else "not_touched")


# --- allowed_signers


@pytest.mark.parametrize(
    ("principals", "principal"),
    [
        ("jane", "jane"),
        ("jane", "Jane"),
        ("*@x.example", "a@x.example"),
        ("*@x.example", "@x.example"),
        ("*@x.example", "a@y.example"),
        ("j?ne", "jane"),
        ("j?ne", "jne"),
        ("a,b", "b"),
        ("!a,*", "a"),
        ("*,!a", "a"),
        ("!a,*", "b"),
        ("!a", "b"),
        ("a*b*c", "aXbXbXc"),
        ("a*b*c", "acb"),
        ("?", "é"),
        ("??", "é"),
        ("[ab]", "a"),
        ("Jane Doe", "Jane Doe"),
        ("Jane*", "Jane Doe"),
        ("!Jane Doe,Jane*", "Jane Doe"),
    ],
)
def test_principals_match_as_in_ssh(keys, principals, principal, tmp_path):
    key = parse_public_key_line((keys / "ed25519.pub").read_bytes())
    line = format_allowed_signer(AllowedSigner(tuple(principals.split(",")), None, None, None, key))
    (tmp_path / "allowed").write_text(line + "\n", encoding="utf-8")
    (signer,) = parse_allowed_signers((tmp_path / "allowed").read_bytes())
    command = ("ssh-keygen", "-Y", "match-principals", "-f", str(tmp_path / "allowed"), "-I", principal)
    theirs = run(*command, ok=False).returncode == 0
    assert signer.matches(principal) == theirs
    assert matches_pattern_list(principal, principals.split(",")) == theirs


@pytest.mark.parametrize("namespaces", ["evidencekit-event", "evidencekit-*", "*,!evidencekit-event", "file", "*"])
def test_namespaces_match_as_in_ssh(keys, namespaces, tmp_path):
    signer = load_signer(keys / "ed25519", ask_passphrase=never)
    line = allowed_line(signer.public_key, namespaces=tuple(namespaces.split(",")))
    theirs = ssh_verify(tmp_path, signer.sign(MESSAGE, NAMESPACE), line)
    (allowed,) = parse_allowed_signers(line.encode())
    assert allowed.matches("jane", NAMESPACE) == theirs
    found = find_principals([allowed], signer.public_key.blob, principal="jane", namespace=NAMESPACE)
    assert bool(found) == theirs


@pytest.mark.parametrize("at", [-1, 0, 1])
@pytest.mark.parametrize("name", ["valid_after", "valid_before"])
def test_windows_close_at_the_second_at_which_ssh_closes_them(keys, name, at, tmp_path):
    signer = load_signer(keys / "ed25519", ask_passphrase=never)
    edge = 1_767_225_600
    line = allowed_line(signer.public_key, **{name: edge})
    (allowed,) = parse_allowed_signers(line.encode())
    ours = edge + at >= allowed.valid_after if name == "valid_after" else edge + at <= allowed.valid_before
    when = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(edge + at))
    options = ("-O", f"verify-time={when}")
    assert ssh_verify(tmp_path, signer.sign(MESSAGE, NAMESPACE), line, options=options) == ours


# --- a real ssh-agent


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    """A foreground ssh-agent of this test's own, stopped by its process handle."""
    path = tmp_path_factory.mktemp("a") / "s"
    env = {"PATH": os.environ["PATH"], "SSH_ASKPASS": "/bin/false", "SSH_ASKPASS_REQUIRE": "force"}
    with subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env
    ) as process:
        try:
            deadline = time.monotonic() + 10
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            yield path
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()


def add(agent, path, *options):
    run("ssh-add", "-q", *options, str(path), env={"PATH": os.environ["PATH"], "SSH_AUTH_SOCK": str(agent)})


@pytest.mark.judge("ssh-agent")
@pytest.mark.parametrize("kind", KINDS)
def test_a_real_agent_signs(agent, keys, kind, tmp_path):
    pub = tmp_path / "jane.pub"
    pub.write_bytes((keys / f"{kind}.pub").read_bytes())
    with pytest.raises(CannotFinish) as caught:
        load_signer(pub, ask_passphrase=never, agent_socket=agent)
    assert caught.value.code == "X415"
    add(agent, keys / kind)
    signer = load_signer(pub, ask_passphrase=never, agent_socket=agent)
    assert isinstance(signer, AgentSigner)
    assert signer.public_key == parse_public_key_line(pub.read_bytes())
    armored = signer.sign(MESSAGE, NAMESPACE)
    assert verify_sshsig(parse_sshsig(armored), MESSAGE, NAMESPACE) is None
    assert ssh_verify(tmp_path, armored, allowed_line(signer.public_key))
    # a locked file whose key the agent holds is not unlocked
    assert isinstance(load_signer(keys / f"{kind}-locked", ask_passphrase=never, agent_socket=agent), AgentSigner)
    assert Agent(agent).identities()[signer.public_key.blob] == f"Jane {kind}"


@pytest.mark.judge("ssh-agent")
def test_a_real_agent_refuses_when_the_person_does(agent, tmp_path):
    path = tmp_path / "k"
    key = new_key(path, comment="asks", passphrase=None)
    add(agent, path, "-c")  # each use to be confirmed; the agent's askpass is /bin/false
    path.unlink()
    signer = load_signer(tmp_path / "k.pub", ask_passphrase=never, agent_socket=agent)
    assert signer.public_key == key
    with pytest.raises(CannotFinish) as caught:
        signer.sign(MESSAGE, NAMESPACE)
    assert caught.value.code == "X416"
