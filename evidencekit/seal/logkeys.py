"""The two keys of a case's log: Ed25519 and ML-DSA-44, their file, and the checkpoint they sign.

    evidencekit log key for unit7.example/24-117
    -----BEGIN PRIVATE KEY-----
    …                                        PKCS 8, Ed25519 (RFC 8410)
    -----END PRIVATE KEY-----
    -----BEGIN PRIVATE KEY-----
    …                                        PKCS 8, ML-DSA-44 from its seed (RFC 9881)
    -----END PRIVATE KEY-----

Promise: one pair of keys an origin, never used for another; a file of keys is never overwritten; a
checkpoint handed out has been checked under both keys. ML-DSA signing is randomised: the same checkpoint
signed twice gives other bytes, so a size whose note exists is never signed again (the caller sees to that).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from evidencekit.core.checkpoint import (
    Checkpoint,
    check_origin,
    ed25519_message,
    format_checkpoint,
    join_timestamped,
    mldsa44_message,
)
from evidencekit.core.note import ED25519, MLDSA44, Note, NoteSignature, VerifierKey, format_note, format_vkey
from evidencekit.core.sshkeys import raw_key, shared_keys
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.read.signature import verify_ed25519, verify_mldsa44
from evidencekit.seal.keyfile import read_key_file, refuse_open_mode, write_key_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

TITLE = "evidencekit log key for "
_BLOCK = r"-----BEGIN (ENCRYPTED )?PRIVATE KEY-----\n[A-Za-z0-9+/=\n]+-----END (?:ENCRYPTED )?PRIVATE KEY-----\n"
_FILE = re.compile(rf"{TITLE}([!-~]+)\n(?P<first>{_BLOCK})(?P<second>{_BLOCK})")


@dataclass(frozen=True, slots=True)
class LogKeys:
    """The keys of one log. Raises FormatError where `origin` is none."""

    origin: str
    """Names the log, and is the name of both keys."""
    ed25519: Ed25519PrivateKey = field(repr=False)
    mldsa44: MLDSA44PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        check_origin(self.origin)

    @property
    def verifier_keys(self) -> tuple[VerifierKey, VerifierKey]:
        """The public halves: type 0x01, then type 0x06."""
        return (
            VerifierKey(self.origin, ED25519, self.ed25519.public_key().public_bytes_raw()),
            VerifierKey(self.origin, MLDSA44, self.mldsa44.public_key().public_bytes_raw()),
        )

    @property
    def vkeys(self) -> tuple[str, str]:
        """The public halves as C2SP signed-note writes them."""
        first, second = self.verifier_keys
        return format_vkey(first), format_vkey(second)

    def derive_secret(self, purpose: bytes) -> bytes:
        """Return 32 bytes that nobody has without the private keys, for what is kept outside the record.

        Source: HKDF (RFC 5869) with SHA-256 over both private keys; `purpose` is its info.
        """
        secret = self.ed25519.private_bytes_raw() + self.mldsa44.private_bytes_raw()
        return HKDF(SHA256(), 32, salt=b"evidencekit/secret/1", info=purpose).derive(secret)

    def sign_checkpoint(self, cp: Checkpoint) -> bytes:
        """Sign a checkpoint of this log: a note with exactly two lines, 0x01 and then 0x06 with timestamp 0.

        Raises:
            Refused: R518, the checkpoint is of another log.
            CannotFinish: X416, what came out does not verify (a fault of the library or the machine).
        """
        if cp.origin != self.origin:
            raise _other_origin("These log keys", self.origin, cp.origin)
        first, second = self.verifier_keys
        plain, subtree = ed25519_message(cp), mldsa44_message(cp, name=self.origin, timestamp=0)
        classic, quantum = self.ed25519.sign(plain), self.mldsa44.sign(subtree)
        if not (verify_ed25519(first.key, classic, plain) and verify_mldsa44(second.key, quantum, subtree)):
            raise CannotFinish(f"The signature just made for {cp.origin} does not verify.", code="X416")
        lines = (
            NoteSignature(self.origin, first.key_id, classic),
            NoteSignature(self.origin, second.key_id, join_timestamped(0, quantum)),
        )
        return format_note(Note(format_checkpoint(cp), lines))


def new_log_keys(origin: str) -> LogKeys:
    """Make the keys of a new log. Raises FormatError where `origin` is none."""
    check_origin(origin)
    return LogKeys(origin, Ed25519PrivateKey.generate(), MLDSA44PrivateKey.generate())


def save_log_keys(keys: LogKeys, path: Path, *, passphrase: bytes | None = None) -> None:
    """Write the keys to a new file, mode 0600; with a passphrase this is a backup to carry elsewhere.

    Raises:
        BadArgument: U241, the passphrase is empty.
        Refused: R517, the file exists; R515, the file system would let others read keys without a passphrase.
        CannotFinish: X417, it cannot be written.
    """
    if passphrase == b"":
        raise BadArgument("The passphrase is empty.", code="U241", hint="Say that there shall be none.")
    encryption = NoEncryption() if passphrase is None else BestAvailableEncryption(passphrase)
    blocks = (key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption) for key in (keys.ed25519, keys.mldsa44))
    data = f"{TITLE}{keys.origin}\n".encode("ascii") + b"".join(blocks)
    write_key_file(path, data, secret=True, locked=passphrase is not None)


def load_log_keys(path: Path, *, origin: str | None, ask_passphrase: Callable[[str], str] | None) -> LogKeys:
    """Load the keys of the log `origin` (None: of whichever log the file names).

    Raises:
        Refused: R518, they are the keys of another log; R515, others can read the file (keys without a
        passphrase). CannotFinish: X410 no such file; X411 locked and nobody to ask; X412 wrong passphrase;
        X418 damaged.
    """
    data, status = read_key_file(path)
    match = _FILE.fullmatch(data.decode("ascii", "replace"))
    if not match:
        raise _damaged(path, "it is not in the form that evidencekit writes")
    named, *_ = match.groups()
    locked = b"-----BEGIN ENCRYPTED" in data
    if not locked:
        refuse_open_mode(status, path)
    if origin is not None and named != origin:
        raise _other_origin(f"The log keys in {path}", named, origin)
    passphrase = _ask(path, ask_passphrase) if locked else None
    try:
        first, second = (
            load_pem_private_key(match[block].encode("ascii"), passphrase) for block in ("first", "second")
        )
    except (ValueError, TypeError) as error:
        if locked and "assword" in str(error):
            raise CannotFinish(f"The passphrase for {path} is wrong.", code="X412", path=str(path)) from error
        raise _damaged(path, str(error)) from error
    except UnsupportedAlgorithm as error:
        raise _damaged(path, "the installed cryptography library has no ML-DSA-44") from error
    if not isinstance(first, Ed25519PrivateKey) or not isinstance(second, MLDSA44PrivateKey):
        raise _damaged(path, "the keys are not Ed25519 and ML-DSA-44")
    try:
        return LogKeys(named, first, second)
    except FormatError as error:
        raise _damaged(path, str(error)) from error


def restore_log_keys(
    backup: Path, path: Path, *, origin: str | None, ask_passphrase: Callable[[str], str] | None
) -> LogKeys:
    """Bring a backup to its place of work, without a passphrase. Raises what loading and saving raise."""
    keys = load_log_keys(backup, origin=origin, ask_passphrase=ask_passphrase)
    save_log_keys(keys, path)
    return keys


def refuse_shared_keys(roles: Mapping[str, Iterable[bytes]]) -> None:
    """Refuse a key that stands in two roles: person, witness and log keys differ.

    Args:
        roles: role name → bare public keys (of a person's SSH key: `core.sshkeys.raw_key`).

    Raises:
        Refused: R519.
    """
    for first, second, key in shared_keys(roles):
        raise Refused(
            f"The same key {key[:8].hex()}… would be a {first} key and a {second} key.",
            code="R519",
            hint="Use a key of its own for each role.",
            roles=(first, second),
        )


def refuse_log_key_as_person(keys: LogKeys, people: Iterable[bytes]) -> None:
    """Refuse a person's key (SSH wire blobs) that is the log's own: no verifier would accept the signature.

    Raises:
        Refused: R519.
    """
    log = keys.ed25519.public_key().public_bytes_raw()
    refuse_shared_keys({"log's": [log], "person's": [raw_key(blob) for blob in people]})


def _ask(path: Path, ask_passphrase: Callable[[str], str] | None) -> bytes:
    if ask_passphrase is None:
        raise CannotFinish(
            f"The log keys in {path} have a passphrase, and there is nobody to ask.",
            code="X411",
            hint="Run this at a terminal.",
            path=str(path),
        )
    return ask_passphrase(f"Passphrase for {path}: ").encode("utf-8")


def _other_origin(what: str, origin: str, wanted: str) -> Refused:
    return Refused(
        f"{what} are those of {origin}, not of {wanted}.",
        code="R518",
        hint="Each case has log keys of its own: name the right file with --log-key, or restore its backup.",
        origin=origin,
        wanted=wanted,
    )


def _damaged(path: Path, why: str) -> CannotFinish:
    return CannotFinish(
        f"The log key file {path} cannot be used: {why.rstrip('.')}.",
        code="X418",
        hint="Restore the keys from their backup (`evidencekit key restore`).",
        path=str(path),
    )
