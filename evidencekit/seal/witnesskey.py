"""The key of a witness: one key, its name, its file, and the cosignature that it makes.

    evidencekit witness key for witness.example/w1
    -----BEGIN PRIVATE KEY-----
    …                                        PKCS 8: Ed25519 (RFC 8410), or ML-DSA-44 from its seed (RFC 9881)
    -----END PRIVATE KEY-----

Promise: a cosignature handed out has a time and has been checked; whether the checkpoint may be cosigned is for
`witness` to say. Source: specs/checkpoint.md section 9, C2SP tlog-cosignature.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from evidencekit.core.checkpoint import Checkpoint, cosignature_message, join_timestamped, mldsa44_message
from evidencekit.core.note import ED25519_COSIGNATURE, MLDSA44, NoteSignature, VerifierKey, check_key_name
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.notelines import verify_cosignature
from evidencekit.seal.keyfile import Container, open_container, read_key_file, refuse_open_mode, write_key_file
from evidencekit.seal.privatekey import unlock
from evidencekit.seal.sign import read_public_key

TITLE = "evidencekit witness key for "
_FILE = re.compile(rf"{TITLE}([^\n]+)\n(-----BEGIN PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END PRIVATE KEY-----\n)")

Private: TypeAlias = Ed25519PrivateKey | MLDSA44PrivateKey
KINDS: dict[str, Callable[[], Private]] = {
    "ed25519": Ed25519PrivateKey.generate,
    "ml-dsa-44": MLDSA44PrivateKey.generate,
}
"""What `new_witness_key` makes."""


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """A witness's private key. Raises FormatError where `name` can name no key."""

    name: str
    """As in witness.example/w1: names the witness, and leads nowhere."""
    private: Private = field(repr=False)

    def __post_init__(self) -> None:
        check_key_name(self.name, "witness name")
        _ = self.verifier_key  # which takes no name that its kind of key cannot sign with

    @property
    def verifier_key(self) -> VerifierKey:
        """The public half: type 0x04 or 0x06."""
        kind = ED25519_COSIGNATURE if isinstance(self.private, Ed25519PrivateKey) else MLDSA44
        return VerifierKey(self.name, kind, self.private.public_key().public_bytes_raw())

    def cosign(self, tree: Checkpoint, timestamp: int) -> NoteSignature:
        """Cosign a checkpoint; the time in seconds since 1970.

        Raises:
            CannotFinish: X416, what came out does not verify (a fault of the library, the machine or its clock).
        """
        public = self.verifier_key
        if public.kind == ED25519_COSIGNATURE:
            message = cosignature_message(tree, timestamp)
        else:
            message = mldsa44_message(tree, name=self.name, timestamp=timestamp)
        line = NoteSignature(self.name, public.key_id, join_timestamped(timestamp, self.private.sign(message)))
        if not verify_cosignature(public, line, tree):
            raise CannotFinish(
                f"The cosignature just made of {tree.origin} at size {tree.size} does not verify.",
                code="X416",
                hint="Check the computer's clock; then `evidencekit doctor`.",
            )
        return line


def new_witness_key(path: Path, *, name: str, kind: str = "ed25519") -> WitnessKey:
    """Make a key and write it to a new file, mode 0600.

    Raises:
        BadArgument: U256, `name` can name no key.
        Refused: R517, the file exists; R515, others could read it.
        CannotFinish: X417, it cannot be written.
    """
    try:
        key = WitnessKey(name, KINDS[kind]())
    except FormatError as error:
        hint = "A name of the witness, as in witness.example/w1: no spaces, no `+`."
        raise BadArgument(error.message, code="U256", hint=hint) from error
    data = key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_key_file(path, f"{TITLE}{name}\n".encode() + data, secret=True)
    return key


def load_witness_key(path: Path, *, ask_passphrase: Callable[[str], str] | None = None) -> WitnessKey:
    """Load a witness's key: a file that `new_witness_key` made, or an Ed25519 key of OpenSSH, named by its comment.

    Raises:
        Refused: R515, others can read the file.
        CannotFinish: X410 no such file; X411 locked and nobody to ask; X412 a wrong passphrase; X413 no private key;
            X418 not a witness's key.
    """
    data, status = read_key_file(path)
    match, container = _FILE.fullmatch(data.decode(errors="replace")), open_container(data)
    if not match and container is None:
        raise _damaged(path, "it is neither in the form that evidencekit writes nor a key of OpenSSH")
    refuse_open_mode(status, path)
    try:
        private: object = load_pem_private_key(match[2].encode(), None) if match else unlock(data, path, ask_passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _damaged(path, str(error)) from error
    if not isinstance(private, Ed25519PrivateKey | MLDSA44PrivateKey):
        raise _damaged(path, "the key is neither Ed25519 nor ML-DSA-44")
    try:
        return WitnessKey(match[1] if match else _comment(path, container), private)
    except FormatError as error:
        raise _damaged(path, error.message) from error


def _comment(path: Path, container: Container | None) -> str:
    """Return the name of an OpenSSH key: of the `.pub` beside, else of the file itself."""
    public = path.with_name(f"{path.name}.pub")
    inside = "" if container is None else container.comment
    return (read_public_key(public).comment if public.exists() else inside) or path.stem


def _damaged(path: Path, why: str) -> CannotFinish:
    return CannotFinish(
        f"{display(str(path))} cannot be used as a witness's key: {why.rstrip('.')}.",
        code="X418",
        hint="`evidencekit checkpoint witness-key FILE --name NAME` makes one.",
        path=str(path),
    )
