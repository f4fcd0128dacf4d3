"""A person's signing key: a file or an ssh-agent, and the SSHSIG that comes out of it.

Promise: every signature handed out has been checked the way a verifier will check it, so nothing enters a
record that fails later. Keys that no verifier accepts are refused before anything is signed. Neither the
environment nor the terminal is touched here: the agent's socket and the passphrase come as arguments.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from evidencekit.core import sshkeys
from evidencekit.core.sshcert import parse_certificate_line
from evidencekit.core.sshkeys import PublicKey, fingerprint, format_public_key_line, parse_public_key_line
from evidencekit.core.sshsig import HASH, SshSignature, format_sshsig, signed_data
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.read.signature import sound_certificate, verify_sshsig
from evidencekit.seal.agent import RSA_SHA2_512, Agent
from evidencekit.seal.keyfile import open_container, read_key_file, refuse_existing, refuse_open_mode, write_key_file
from evidencekit.seal.privatekey import PrivateKey, check_key, public_blob, rejected, sign_blob, unlock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


CERTIFICATE_SUFFIX = "-cert.pub"


class Signer(Protocol):
    """Whoever can sign as one person."""

    @property
    def public_key(self) -> PublicKey:
        """The key and the name that its owner gave it."""

    @property
    def fingerprint(self) -> str:
        """`SHA256:…`, as ssh prints it."""

    def sign(self, message: bytes, namespace: str) -> bytes:
        """Sign `message` for `namespace`: an armored SSHSIG, the bytes of a `.sig` file."""


class _CheckedSigner:
    """What both signers share: the frame around the signature, and the check after it."""

    def __init__(self, public_key: PublicKey, sign_data: Callable[[bytes], bytes]) -> None:
        """`sign_data` turns the bytes of PROTOCOL.sshsig, section 3, into an SSH wire signature blob."""
        self.public_key = public_key
        self.fingerprint = fingerprint(public_key.blob)
        self._sign_data = sign_data
        self._shown = public_key.blob

    def show(self, certificate: bytes, name: str) -> None:
        """Sign with a certificate from now on: it stands in the signatures in the place of its key."""
        self._shown = certificate
        self.public_key = replace(self.public_key, comment=name)

    def sign(self, message: bytes, namespace: str) -> bytes:
        """Sign `message` for `namespace`: an armored SSHSIG, the bytes of a `.sig` file.

        Raises:
            CannotFinish: X414 or X416, the agent did not sign; X416, what came out is no good signature.
            FormatError: not a namespace.
        """
        blob = self._sign_data(signed_data(namespace, hashlib.sha512(message).digest()))
        signature = SshSignature(self._shown, namespace, HASH, blob)
        fault = verify_sshsig(signature, message, namespace)
        if fault:
            raise CannotFinish(
                f"The signature just made by {self.fingerprint} is not good: {fault}.",
                code="X416",
                hint="Use a security key that asks for a touch." if fault == "not_touched" else "Use another key.",
                reason=fault,
            )
        return format_sshsig(signature)


class FileSigner(_CheckedSigner):
    """Signs with a private key in memory."""

    def __init__(self, private: PrivateKey, public_key: PublicKey) -> None:
        super().__init__(public_key, partial(sign_blob, private))


class AgentSigner(_CheckedSigner):
    """Signs with a key that an ssh-agent holds: an ordinary one, or one on a security key."""

    def __init__(self, agent: Agent, public_key: PublicKey) -> None:
        flags = RSA_SHA2_512 if public_key.algorithm == sshkeys.RSA else 0
        super().__init__(public_key, partial(agent.sign, public_key.blob, flags=flags))


def load_signer(path: Path, *, ask_passphrase: Callable[[str], str] | None, agent_socket: Path | None = None) -> Signer:
    """Load a signer: a private key file (OpenSSH or PEM), or a `.pub` whose private half the agent holds.

    As ssh-keygen does: a `.pub` goes to the agent first and then to the private file beside it; a private
    file that is locked is left shut where the agent holds its key; one that stands for a security key needs
    the agent. The comment is that of the `.pub` beside, else the one inside the file, else the file's stem.
    `NAME-cert.pub` is a certificate for the key NAME: its signer is named by it, by its comment if that is one
    of its names, else by the first.

    Args:
        path: the private key, `NAME.pub`, or `NAME-cert.pub`.
        ask_passphrase: gets a prompt, gives the passphrase; None where nobody can be asked.
        agent_socket: what SSH_AUTH_SOCK names, or None.

    Raises:
        CannotFinish: X410 no such file; X411 locked and nobody to ask; X412 wrong passphrase; X413 no private
            key of an accepted type, or not the one of its `.pub`; X414 no agent; X415 the agent lacks the
            key.
        Refused: R515 others can read the file; R516 a key or certificate that no verifier accepts.
    """
    if path.name.endswith(CERTIFICATE_SUFFIX):
        return _certified(path, ask_passphrase, agent_socket)
    private_path = path.with_suffix("") if path.suffix == ".pub" else path
    public_path = _beside(private_path)
    if path.suffix == ".pub" or (not path.exists() and public_path.exists()):
        public = read_public_key(public_path)
        if not private_path.exists() or _agent_holds(agent_socket, public.blob):
            return _agent_signer(agent_socket, public)
        signer = _load_private(private_path, ask_passphrase, agent_socket)
        if signer.public_key.blob != public.blob:
            raise rejected(private_path, "another key", f"it is not the private half of {public_path}")
        return signer
    return _load_private(path, ask_passphrase, agent_socket)


def _certified(path: Path, ask_passphrase: Callable[[str], str] | None, agent_socket: Path | None) -> Signer:
    """Load the signer of a certificate, as ssh-keygen does: the agent first, then the private key beside."""
    try:
        blob, comment = parse_certificate_line(read_key_file(path)[0])
    except FormatError as error:
        raise _not_certified(path, error.message.rstrip(".")) from error
    certificate = sound_certificate(blob)
    if certificate is None:
        raise _not_certified(path, "the CA that it names did not sign it, or one of the two keys is weak")
    private_path = path.with_name(path.name.removesuffix(CERTIFICATE_SUFFIX))
    if private_path.exists() and not _agent_holds(agent_socket, certificate.key):
        signer = _load_private(private_path, ask_passphrase, agent_socket)
    else:
        signer = _agent_signer(
            agent_socket, PublicKey(certificate.key, sshkeys.key_algorithm(certificate.key), comment)
        )
    if signer.public_key.blob != certificate.key:
        raise rejected(private_path, "another key", f"it is not the key that {path} certifies")
    signer.show(blob, comment if comment in certificate.principals else certificate.principals[0])
    return signer


def _not_certified(path: Path, why: str) -> Refused:
    hint = "Ask the CA for a user's certificate with your name in it; or sign with the key alone."
    return Refused(f"The certificate {path} is not accepted: {why}.", code="R516", hint=hint, path=str(path))


def _load_private(path: Path, ask_passphrase: Callable[[str], str] | None, agent_socket: Path | None) -> _CheckedSigner:
    data, status = read_key_file(path)
    if b"PRIVATE KEY-----" in data:  # anything else is no secret, and unlock says what it is
        refuse_open_mode(status, path)
    container = open_container(data)
    if container and (container.locked or container.on_security_key):
        check_key(container.public_blob, path)
        if container.on_security_key or _agent_holds(agent_socket, container.public_blob):
            return _agent_signer(agent_socket, _named(container.public_blob, path, ""))
    private = unlock(data, path, ask_passphrase)
    blob = public_blob(private)
    check_key(blob, path)
    return FileSigner(private, _named(blob, path, container.comment if container else ""))


def read_public_key(path: Path) -> PublicKey:
    """Read a `.pub` file. A key without a comment gets the file's stem for a name.

    Raises:
        CannotFinish: X410 it cannot be read; X413 not one line with a public key of an accepted type.
        Refused: R516 a key that no verifier accepts.
    """
    data, _ = read_key_file(path)
    try:
        key = parse_public_key_line(data)
    except FormatError as error:
        raise rejected(path, error.found, error.message.rstrip(".")) from error
    return key if key.comment else PublicKey(key.blob, key.algorithm, path.stem)


def _named(blob: bytes, path: Path, inside: str) -> PublicKey:
    """Give the key its name: from the `.pub` beside if that is its own, else `inside`, else the stem."""
    beside = _beside(path)
    if beside.exists():
        try:
            public = parse_public_key_line(read_key_file(beside)[0])
        except (FormatError, CannotFinish):
            public = None  # it is only asked for a name
        if public and public.blob == blob and public.comment:
            return public
    return PublicKey(blob, sshkeys.key_algorithm(blob), inside or path.stem)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".pub")


def _agent_holds(agent_socket: Path | None, blob: bytes) -> bool:
    """Whether the agent can be asked for this key; an agent that does not answer holds nothing."""
    if agent_socket is None:
        return False
    try:
        return blob in Agent(agent_socket).identities()
    except CannotFinish:
        return False


def _agent_signer(agent_socket: Path | None, public: PublicKey) -> AgentSigner:
    if agent_socket is None:
        raise CannotFinish(
            f"The key {fingerprint(public.blob)} needs an ssh-agent, and none is named.",
            code="X414",
            hint="Start one (`eval $(ssh-agent)`, `ssh-add KEY`), or give the private key file itself.",
        )
    agent = Agent(agent_socket)
    if public.blob not in agent.identities():
        raise CannotFinish(
            f"The ssh-agent does not hold the key {fingerprint(public.blob)} ({public.comment}).",
            code="X415",
            hint="Load it with `ssh-add KEY`, or give the private key file itself.",
            path=str(agent_socket),
        )
    return AgentSigner(agent, public)


def new_key(path: Path, *, comment: str, passphrase: bytes | None) -> PublicKey:
    """Make an Ed25519 key pair in OpenSSH's format: `path`, mode 0600, and `path.pub`.

    Args:
        path: where the private half goes; the folder must be there.
        comment: the owner's name; stands in the `.pub`.
        passphrase: not empty, or None for a key that is not locked.

    Raises:
        BadArgument: U241, the comment cannot stand in a key line, the passphrase is empty, or a name ends
        in .pub. Refused: R517, one of the files exists. CannotFinish: X417, they cannot be written.
    """
    try:
        sshkeys.check_comment(comment, "comment")
    except FormatError as error:
        raise BadArgument(str(error), code="U241") from error
    if passphrase == b"":
        raise BadArgument("The passphrase is empty.", code="U241", hint="Say that there shall be none.")
    if path.suffix == ".pub":
        raise BadArgument(f"{path} is the name of a public key.", code="U241", hint="Name the private one.")
    private = Ed25519PrivateKey.generate()
    key = PublicKey(public_blob(private), sshkeys.ED25519, comment)
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    refuse_existing(path, _beside(path))
    write_key_file(path, private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption), secret=True)
    try:
        write_key_file(_beside(path), f"{format_public_key_line(key)}\n".encode(), secret=False)
    except BaseException:
        path.unlink()  # half a pair helps nobody, and would block the next try
        raise
    return key
