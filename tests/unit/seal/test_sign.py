"""Signers: keys from files and agents, and every way in which a key is not to be had."""

import base64
import os
import socket
import stat
import struct
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from evidencekit.core.sshkeys import Ed25519Fields, PublicKey, fingerprint, join_key_blob, parse_public_key_line
from evidencekit.core.sshsig import SignatureFields, join_signature_blob, parse_sshsig, sk_signed_data
from evidencekit.core.sshwire import put_string
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError, Refused
from evidencekit.read.signature import verify_sshsig
from evidencekit.seal.agent import MAX_ANSWER, Agent
from evidencekit.seal.keyfile import open_container, write_key_file
from evidencekit.seal.sign import load_signer, new_key, read_public_key

NAMESPACE = "evidencekit-event"
MESSAGE = b"what was done"
RSA = rsa.generate_private_key(65537, 3072)


def never(prompt):
    raise AssertionError(f"asked: {prompt}")


def put(path, data, mode=0o600):
    path.write_bytes(data)
    path.chmod(mode)
    return path


def openssh(private, passphrase=None):
    encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    return private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption)


def public_line(private, comment=""):
    line = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    return line + b" " + comment.encode() + b"\n" if comment else line + b"\n"


def good(signer, namespace=NAMESPACE):
    sig = parse_sshsig(signer.sign(MESSAGE, namespace))
    assert sig.public_key == signer.public_key.blob
    assert fingerprint(sig.public_key) == signer.fingerprint
    return verify_sshsig(sig, MESSAGE, namespace) is None


def code(call):
    with pytest.raises(EvidenceError) as caught:
        call()
    assert caught.value.message
    return caught.value.code


# --- files


def test_a_new_key_signs(tmp_path):
    path = tmp_path / "examiner"
    key = new_key(path, comment="Jane Doe", passphrase=None)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert parse_public_key_line((tmp_path / "examiner.pub").read_bytes()) == key
    signer = load_signer(path, ask_passphrase=never)
    assert signer.public_key == key
    assert key.comment == "Jane Doe"
    assert good(signer)
    assert signer.sign(MESSAGE, NAMESPACE) == signer.sign(MESSAGE, NAMESPACE)  # Ed25519 is deterministic
    assert signer.sign(MESSAGE, NAMESPACE) != signer.sign(MESSAGE, "evidencekit-message")


def test_a_new_key_with_a_passphrase(tmp_path):
    path = tmp_path / "examiner"
    key = new_key(path, comment="Jane", passphrase="pässword".encode())
    prompts = []
    signer = load_signer(path, ask_passphrase=lambda prompt: prompts.append(prompt) or "pässword")
    assert signer.public_key == key
    assert good(signer)
    assert prompts == [f"Passphrase for {path}: "]
    assert code(lambda: load_signer(path, ask_passphrase=lambda _: "wrong")) == "X412"
    assert code(lambda: load_signer(path, ask_passphrase=lambda _: "")) == "X412"
    assert code(lambda: load_signer(path, ask_passphrase=None)) == "X411"


def test_a_new_key_overwrites_nothing(tmp_path):
    path = tmp_path / "examiner"
    new_key(path, comment="a", passphrase=None)
    before = path.read_bytes()
    with pytest.raises(Refused) as caught:
        new_key(path, comment="b", passphrase=None)
    assert (caught.value.code, caught.value.exit_code) == ("R517", 5)
    path.unlink()
    assert code(lambda: new_key(path, comment="b", passphrase=None)) == "R517"  # its .pub is still there
    assert not path.exists()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    assert code(lambda: new_key(tmp_path / "link", comment="b", passphrase=None)) == "R517"
    assert before
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    ("name", "comment", "passphrase"),
    [("k", "a\nb", None), ("k", "\x1b[31m", None), ("k", "c" * 1025, None), ("k", "a", b""), ("k.pub", "a", None)],
)
def test_a_new_key_of_nonsense(tmp_path, name, comment, passphrase):
    with pytest.raises(BadArgument) as caught:
        new_key(tmp_path / name, comment=comment, passphrase=passphrase)
    assert caught.value.code == "U241"
    assert list(tmp_path.iterdir()) == []


def test_a_new_key_where_it_cannot_be(tmp_path):
    assert code(lambda: new_key(tmp_path / "no" / "folder", comment="a", passphrase=None)) == "X417"


def test_half_a_pair_is_taken_back(tmp_path, monkeypatch):
    def fail(path, data, *, secret, locked=False):
        if not secret:
            raise CannotFinish("disk full", code="X417")
        write_key_file(path, data, secret=secret, locked=locked)

    monkeypatch.setattr("evidencekit.seal.sign.write_key_file", fail)
    assert code(lambda: new_key(tmp_path / "k", comment="a", passphrase=None)) == "X417"
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_cannot_be_written_whole_is_not_there(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert code(lambda: write_key_file(tmp_path / "k", b"secret", secret=True)) == "X417"
    assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_modes_gets_no_open_secret(tmp_path, monkeypatch):
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, flags, mode=0o777: real(path, flags, mode | 0o044))
    assert code(lambda: write_key_file(tmp_path / "k", b"secret", secret=True)) == "R515"
    assert not (tmp_path / "k").exists()
    write_key_file(tmp_path / "k", b"locked", secret=True, locked=True)
    assert (tmp_path / "k").read_bytes() == b"locked"


@pytest.mark.parametrize(
    "private",
    [
        Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        RSA,
    ],
    ids=["ed25519", "p256", "p384", "rsa"],
)
@pytest.mark.parametrize("form", ["openssh", "pkcs8", "pkcs8-locked", "traditional"])
def test_every_type_in_every_form(tmp_path, private, form):
    formats = {"openssh": PrivateFormat.OpenSSH, "traditional": PrivateFormat.TraditionalOpenSSL}
    if form == "traditional" and isinstance(private, Ed25519PrivateKey):
        return  # there is no such form
    encryption = BestAvailableEncryption(b"secret") if form.endswith("locked") else NoEncryption()
    data = private.private_bytes(Encoding.PEM, formats.get(form, PrivateFormat.PKCS8), encryption)
    path = put(tmp_path / "key.pem", data)
    if form.endswith("locked"):
        assert code(lambda: load_signer(path, ask_passphrase=lambda _: "wrong")) == "X412"
        assert code(lambda: load_signer(path, ask_passphrase=None)) == "X411"
    signer = load_signer(path, ask_passphrase=lambda _: "secret")
    assert signer.public_key.comment == "key"  # the stem
    assert good(signer)


def test_the_name_comes_from_the_pub_beside_it_if_it_is_its_own(tmp_path):
    private = Ed25519PrivateKey.generate()
    path = put(tmp_path / "mine", openssh(private))
    pub = tmp_path / "mine.pub"
    names = []
    for line in (
        public_line(private, "Jane Doe"),
        public_line(Ed25519PrivateKey.generate(), "Somebody Else"),
        public_line(private),
        b"nonsense",
    ):
        pub.write_bytes(line)
        names.append(load_signer(path, ask_passphrase=None).public_key.comment)
    assert names == ["Jane Doe", "mine", "mine", "mine"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o620, 0o777])
def test_a_key_that_others_can_read_is_refused(tmp_path, mode):
    path = put(tmp_path / "k", openssh(Ed25519PrivateKey.generate()), mode)
    with pytest.raises(Refused) as caught:
        load_signer(path, ask_passphrase=None)
    assert (caught.value.code, caught.value.exit_code) == ("R515", 5)
    assert f"chmod 600 {path}" in str(caught.value)


def test_files_that_are_not_there_or_not_files(tmp_path):
    assert code(lambda: load_signer(tmp_path / "none", ask_passphrase=None)) == "X410"
    assert code(lambda: load_signer(tmp_path / "none.pub", ask_passphrase=None)) == "X410"
    assert code(lambda: load_signer(tmp_path, ask_passphrase=None)) == "X410"
    os.mkfifo(tmp_path / "fifo")
    assert code(lambda: load_signer(tmp_path / "fifo", ask_passphrase=None)) == "X410"
    assert code(lambda: load_signer(put(tmp_path / "big", b"-" * 70_000), ask_passphrase=None)) == "X410"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 100,
        b"PuTTY-User-Key-File-3: ssh-ed25519\n",
        b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        public_line(Ed25519PrivateKey.generate()),
    ],
    ids=["empty", "zeros", "putty", "openssh", "pkcs8", "certificate", "public"],
)
def test_files_that_hold_no_private_key(tmp_path, data):
    assert code(lambda: load_signer(put(tmp_path / "k", data), ask_passphrase=never)) == "X413"


def test_puttys_format_is_named(tmp_path):
    path = put(tmp_path / "k", b"PuTTY-User-Key-File-3: ssh-ed25519\n")
    with pytest.raises(CannotFinish, match="puttygen"):
        load_signer(path, ask_passphrase=None)


@pytest.mark.parametrize("curve", [ec.SECP521R1(), ec.SECP256K1(), ec.SECP224R1()])
def test_other_curves(tmp_path, curve):
    data = ec.generate_private_key(curve).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert code(lambda: load_signer(put(tmp_path / "k", data), ask_passphrase=None)) == "X413"


def test_other_types(tmp_path):
    private = dsa.generate_private_key(1024)  # noqa: S505
    data = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    assert code(lambda: load_signer(put(tmp_path / "k", data), ask_passphrase=None)) == "X413"


def test_weak_rsa(tmp_path):
    private = rsa.generate_private_key(65537, 2048)
    for name, data in (
        ("a", openssh(private)),
        ("b", private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())),
    ):
        assert code(lambda data=data, name=name: load_signer(put(tmp_path / name, data), ask_passphrase=None)) == "R516"
    locked = put(tmp_path / "c", openssh(private, b"secret"))
    assert code(lambda: load_signer(locked, ask_passphrase=never)) == "R516"  # before anybody is asked
    pub = put(tmp_path / "d.pub", public_line(private))
    assert code(lambda: read_public_key(pub)) == "R516"


def test_a_public_key_file(tmp_path):
    private = Ed25519PrivateKey.generate()
    assert read_public_key(put(tmp_path / "jane.pub", public_line(private))).comment == "jane"
    assert read_public_key(put(tmp_path / "j.pub", public_line(private, "Jane D"))).comment == "Jane D"
    assert code(lambda: read_public_key(put(tmp_path / "x.pub", b"ssh-dss AAAA\n"))) == "X413"
    assert code(lambda: read_public_key(tmp_path / "none.pub")) == "X410"


def test_no_signature_for_a_namespace_that_is_none(tmp_path):
    new_key(tmp_path / "k", comment="a", passphrase=None)
    with pytest.raises(FormatError):
        load_signer(tmp_path / "k", ask_passphrase=None).sign(MESSAGE, "")


def test_a_pub_without_an_agent_leads_to_the_file_beside_it(tmp_path):
    key = new_key(tmp_path / "k", comment="a", passphrase=None)
    assert load_signer(tmp_path / "k.pub", ask_passphrase=never).public_key == key
    put(tmp_path / "k.pub", public_line(Ed25519PrivateKey.generate()))
    assert code(lambda: load_signer(tmp_path / "k.pub", ask_passphrase=never)) == "X413"  # not a pair


def test_containers_that_are_none():
    for data in (b"", b"x", b"-----BEGIN OPENSSH PRIVATE KEY-----\n\xff\n-----END OPENSSH PRIVATE KEY-----\n"):
        assert open_container(data) is None


# --- agents: a peer in a thread, which answers as the test says


class Peer:
    """Answers each request with what `answers(message)` gives: bytes to frame, or (raw bytes,)."""

    def __init__(self, path, answers):
        self.path, self.answers, self.requests = path, answers, []
        self.server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.server.bind(str(path))
        self.server.listen()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.server.accept()
            except OSError:
                return
            with connection:
                size = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
                request = connection.recv(size, socket.MSG_WAITALL)
                self.requests.append(request)
                answer = self.answers(request)
                if answer is None:
                    connection.recv(1)  # say nothing until the other side gives up
                else:
                    connection.sendall(answer[0] if isinstance(answer, tuple) else put_string(answer))

    def close(self):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.thread.join(5)


@pytest.fixture
def peer(tmp_path):
    peers = []

    def start(answers):
        peers.append(Peer(tmp_path / f"agent{len(peers)}", answers))
        return peers[-1]

    yield start
    for each in peers:
        each.close()


def listing(*keys):
    return b"\x0c" + struct.pack(">I", len(keys)) + b"".join(put_string(blob) + put_string(name) for blob, name in keys)


def blob_of(private):
    return parse_public_key_line(public_line(private)).blob


def holding(private, sign=None):
    def answers(request):
        if request == b"\x0b":
            return listing((blob_of(private), b"in the agent"))
        size = int.from_bytes(request[1:5], "big")
        data = request[5 + size + 4 : -4]
        raw = (sign or private.sign)(data)
        return b"\x0e" + put_string(join_signature_blob(SignatureFields("ssh-ed25519", raw)))

    return answers


def test_a_key_that_lies_only_in_the_agent(tmp_path, peer):
    private = Ed25519PrivateKey.generate()
    agent = peer(holding(private))
    pub = put(tmp_path / "jane.pub", public_line(private, "Jane"))
    for path in (pub, tmp_path / "jane"):
        signer = load_signer(path, ask_passphrase=never, agent_socket=agent.path)
        assert signer.public_key == PublicKey(blob_of(private), "ssh-ed25519", "Jane")
        assert good(signer)
    assert agent.requests[-1][-4:] == b"\0\0\0\0"


def test_a_locked_file_stays_shut_where_the_agent_holds_its_key(tmp_path, peer):
    private = Ed25519PrivateKey.generate()
    path = put(tmp_path / "jane", openssh(private, b"secret"))
    assert good(load_signer(path, ask_passphrase=never, agent_socket=peer(holding(private)).path))
    other = peer(holding(Ed25519PrivateKey.generate()))
    for socket_path in (other.path, tmp_path / "dead"):
        assert good(load_signer(path, ask_passphrase=lambda _: "secret", agent_socket=socket_path))


def test_no_agent_and_the_wrong_agent(tmp_path, peer):
    pub = put(tmp_path / "jane.pub", public_line(Ed25519PrivateKey.generate()))
    assert code(lambda: load_signer(pub, ask_passphrase=never)) == "X414"
    assert code(lambda: load_signer(pub, ask_passphrase=never, agent_socket=tmp_path / "dead")) == "X414"
    assert code(lambda: load_signer(pub, ask_passphrase=never, agent_socket=pub)) == "X414"
    long = tmp_path / ("x" * 200)
    assert code(lambda: load_signer(pub, ask_passphrase=never, agent_socket=long)) == "X414"
    other = peer(holding(Ed25519PrivateKey.generate()))
    assert code(lambda: load_signer(pub, ask_passphrase=never, agent_socket=other.path)) == "X415"


@pytest.mark.parametrize(
    "answer",
    [
        b"\x05",
        b"\x0c",
        b"\x0c\0\0\0\1",
        b"\x0c\xff\xff\xff\xff",
        b"\x0e",
        (b"",),
        (b"\0\0",),
        (struct.pack(">I", 0),),
        (struct.pack(">I", MAX_ANSWER + 1),),
        (struct.pack(">I", 10) + b"short",),
    ],
)
def test_an_agent_that_makes_no_sense(peer, answer):
    agent = Agent(peer(lambda _: answer).path)
    assert code(agent.identities) == "X414"


def test_an_agent_that_refuses_or_lies(tmp_path, peer):
    private = Ed25519PrivateKey.generate()
    pub = put(tmp_path / "jane.pub", public_line(private))
    for answer, expected in (
        (b"\x05", "X416"),  # refuses
        (b"\x0c", "X414"),
        (b"\x0e", "X414"),
        (b"\x0e" + put_string(b"nonsense"), "X416"),
        (b"\x0e" + put_string(join_signature_blob(SignatureFields("ssh-ed25519", bytes(64)))), "X416"),
        (b"\x0e" + put_string(join_signature_blob(SignatureFields("rsa-sha2-512", bytes(64)))), "X416"),
    ):
        agent = peer(lambda request, answer=answer: holding(private)(request) if request == b"\x0b" else answer)
        signer = load_signer(pub, ask_passphrase=never, agent_socket=agent.path)
        assert code(lambda signer=signer: signer.sign(MESSAGE, NAMESPACE)) == expected


def test_an_agent_that_says_nothing(peer):
    agent = Agent(peer(lambda _: None).path, sign_seconds=0.2)
    assert code(lambda: agent.sign(b"key", b"data")) == "X414"


def test_an_agent_that_drips(peer):
    agent = Agent(peer(lambda _: (struct.pack(">I", 100) + b"\x0e",)).path, sign_seconds=0.2)
    assert code(lambda: agent.sign(b"key", b"data")) == "X414"


def test_rsa_is_asked_for_with_sha2_512(tmp_path, peer):
    def answers(request):
        return listing((blob_of(RSA), b"")) if request == b"\x0b" else b"\x05"

    agent = peer(answers)
    pub = put(tmp_path / "r.pub", public_line(RSA))
    signer = load_signer(pub, ask_passphrase=never, agent_socket=agent.path)
    assert code(lambda: signer.sign(MESSAGE, NAMESPACE)) == "X416"
    assert agent.requests[-1][-4:] == b"\0\0\0\4"


@pytest.mark.parametrize("flags", [1, 5, 0])
def test_a_security_key_in_the_agent(tmp_path, peer, flags):
    """Synthetic: the device is played by a software key."""
    private = Ed25519PrivateKey.generate()
    name = "sk-ssh-ed25519@openssh.com"
    blob = join_key_blob(Ed25519Fields(name, private.public_key().public_bytes_raw(), b"ssh:"))

    def answers(request):
        if request == b"\x0b":
            return listing((blob, b""))
        data = request[5 + len(blob) + 4 : -4]
        raw = private.sign(sk_signed_data(b"ssh:", flags, 7, data))
        return b"\x0e" + put_string(join_signature_blob(SignatureFields(name, raw, flags, 7)))

    agent = peer(answers)
    # the file that ssh-keygen -t ed25519-sk writes: a container whose private part is only a handle
    inside = bytes(8) + put_string(name.encode()) + put_string(b"handle")
    container = b"openssh-key-v1\0" + put_string(b"none") + put_string(b"none") + put_string(b"") + struct.pack(">I", 1)
    body = base64.b64encode(container + put_string(blob) + put_string(inside))
    path = put(
        tmp_path / "yubi", b"-----BEGIN OPENSSH PRIVATE KEY-----\n" + body + b"\n-----END OPENSSH PRIVATE KEY-----\n"
    )
    assert code(lambda: load_signer(path, ask_passphrase=never)) == "X414"
    signer = load_signer(path, ask_passphrase=never, agent_socket=agent.path)
    assert signer.public_key == PublicKey(blob, name, "yubi")
    if flags:
        assert good(signer)
    else:
        with pytest.raises(CannotFinish, match="not_touched"):
            signer.sign(MESSAGE, NAMESPACE)
