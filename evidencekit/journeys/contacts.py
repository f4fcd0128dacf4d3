"""Directories of contact points: signed as a file of its own, opened with whom the user believes, put into a policy.

Promise: nobody is believed whom the user did not name; a key gets into a policy only from a directory that a named key
signed. Source: specs/cooperation.md section 6.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from evidencekit.cooperation.drafting import read_values
from evidencekit.core.allowed_signers import (
    AllowedSigner,
    find_principals,
    format_allowed_signer,
    parse_allowed_signers,
)
from evidencekit.core.contacts import (
    CONTACTS_LIMITS,
    CONTACTS_TYPE,
    NAMESPACE,
    decode_contacts,
    encode_contacts,
    is_valid,
)
from evidencekit.core.sshkeys import PublicKey, fingerprint, parse_public_key_line
from evidencekit.core.sshsig import parse_sshsig
from evidencekit.core.values import display, format_instant
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.read.signature import verify_sshsig
from evidencekit.seal.sign import Signer
from evidencekit.write.durable import write_new
from evidencekit.write.replaced import replace_file

_MAX_SIGNATURE = 64 << 10
_MAX_SIGNERS = 4 << 20
_MAX_CHOICES = 20


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory whose signature is good."""

    record: dict[str, Any]
    signer: str
    """Fingerprint of the key that signed it."""
    trusted: bool | None
    """Whether it is one of the keys that the user named; None: he named none."""

    def of(self, state: str | None, day: date) -> list[tuple[dict[str, Any], bool]]:
        """Return the contacts of a State, or all, and whether each is valid on a day."""
        whole = is_valid(self.record, day)
        wanted = [one for one in self.record["contacts"] if state in {None, one["state"]}]
        return [(one, whole and is_valid(one, day)) for one in wanted]


def signature_of(path: Path) -> Path:
    """Return the place of a directory's signature."""
    return path.with_name(f"{path.name}.sig")


def sign_contacts(draft: bytes, out: Path, *, issuer: str, signer: Signer, now: int) -> dict[str, Any]:
    """Write a directory and its signature, out of TOML; return its record. `now` is in nanoseconds since 1970.

    Raises:
        BadArgument: U320, the draft says something that cannot be.
        Refused: R501, a file is there. CannotFinish: X421 to X423, it cannot be written.
    """
    try:
        said = read_values(draft, is_toml=True)
        record = {"_t": CONTACTS_TYPE, "issued_at": format_instant(now), "issuer": issuer} | {
            ("contacts" if name == "contact" else name): value for name, value in said.items()
        }
        data = encode_contacts(record)
    except FormatError as error:
        raise BadArgument(error.message, code="U320", hint=_TEMPLATE) from error
    signature = signature_of(out)
    if signature.exists():
        raise Refused(f"{display(str(signature))} exists already.", code="R501", hint="Choose another name.")
    write_new(out, data)
    write_new(signature, signer.sign(data, NAMESPACE))
    return record


def open_contacts(path: Path, trust: Iterable[PublicKey] = (), allowed: Iterable[AllowedSigner] = ()) -> Directory:
    """Read a directory and check its signature; `trust` are keys, `allowed` lines of a policy, that may have signed it.

    Raises:
        CannotFinish: X403, a file cannot be read. FormatError: it is no directory, or its signature is not good.
    """
    data, armored = _read(path, CONTACTS_LIMITS.size), _read(signature_of(path), _MAX_SIGNATURE)
    record, signature = decode_contacts(data), parse_sshsig(armored)
    wrong = verify_sshsig(signature, data, NAMESPACE)
    if wrong is not None:
        raise FormatError("signature", expected=f"a good one of {display(path.name)}", found=wrong)
    trust, allowed = list(trust), list(allowed)
    trusted = any(key.blob == signature.public_key for key in trust) or bool(
        find_principals(allowed, signature.public_key, principal=record["issuer"], namespace=NAMESPACE)
    )
    return Directory(record, fingerprint(signature.public_key), trusted if trust or allowed else None)


def enrol(directory: Directory, policy: Path, state: str | None, day: date) -> tuple[list[str], list[str]]:
    """Add the keys of contacts that are valid to a policy's allowed_signers; return the names that are new, and not.

    A key signs for what its comment names, until the contact's or the directory's last day.

    Raises:
        Refused: R590, nobody named who may sign the directory, or somebody else did.
        BadArgument: U321, no contact that is valid has a key; or a key has no name. Further as a policy is read.
        CannotFinish: X403, X421 to X423.
    """
    if not directory.trusted:
        raise _stranger(directory)
    path = policy / "allowed_signers"
    text = _read(path, _MAX_SIGNERS)
    known = {one.key.blob for one in parse_allowed_signers(text)}
    lines = list(_lines(directory, state, day))
    if not lines:
        raise BadArgument("No contact that is valid has a key.", code="U321", hint="See `evidencekit contacts show`.")
    new = [line for line in lines if line.key.blob not in known]
    if new:
        added = "".join(f"{format_allowed_signer(line)}\n" for line in new).encode()
        issuer = display(directory.record["issuer"])
        told = (
            f"# from the contacts of {issuer}, issued {directory.record['issued_at']}, signed by {directory.signer}\n"
        )
        replace_file(path, text + (b"" if text.endswith(b"\n") or not text else b"\n") + told.encode() + added)
    return [line.key.comment for line in new], [line.key.comment for line in lines if line not in new]


def contact_for(directory: Directory, who: str | None, day: date) -> dict[str, Any]:
    """Return the one contact that is valid on a day, of a State (two capitals), or of a name, or `NAME (STATE)`.

    Raises:
        Refused: R590, somebody else signed the directory than whom the user named; R601, the contact is not valid.
        BadArgument: U602, there are several, or nobody said which; U603, there is none.
    """
    if directory.trusted is False:
        raise _stranger(directory)
    every = directory.of(None, day)
    found = [(one, is_now) for one, is_now in every if who in {None, one["state"]}]
    found = found or [(one, is_now) for one, is_now in every if who in {one["name"], _choice(one)}]
    if not found:
        raise BadArgument(
            f"The directory has no contact {display(who or '')}.", code="U603", hint=f"It has: {_choices(every)}."
        )
    valid = [(one, is_now) for one, is_now in found if is_now]
    if not valid:
        raise Refused(
            f"Not valid on {day}: {_choices(found)}.",
            code="R601",
            hint="Ask the issuer for a newer directory; `evidencekit contacts show` has the days.",
        )
    if len(valid) > 1:
        raise BadArgument(
            f"The directory has {len(valid)} such contacts that are valid on {day}.",
            code="U602",
            hint=f"Say --to-contact with one name of: {_choices(valid)}.",
        )
    return valid[0][0]


def _choices(contacts: Iterable[tuple[dict[str, Any], bool]]) -> str:
    names = [display(_choice(one)) for one, _ in contacts]
    return ", ".join(names[:_MAX_CHOICES]) + (f" and {len(names) - _MAX_CHOICES} more" if names[_MAX_CHOICES:] else "")


def _choice(contact: dict[str, Any]) -> str:
    return f"{contact['name']} ({contact['state']})"


def _stranger(directory: Directory) -> Refused:
    return Refused(
        f"The directory is signed by {directory.signer}, whom nobody named as somebody to believe.",
        code="R590",
        hint="Ask its issuer for his key over another channel, and name it with --trust FILE.pub.",
    )


def _lines(directory: Directory, state: str | None, day: date) -> Iterable[AllowedSigner]:
    for contact, is_now in directory.of(state, day):
        for text in contact.get("keys", ()) if is_now else ():
            key = parse_public_key_line(text)
            if not key.comment or set(key.comment) & set('*?!,"'):
                found = display(key.comment) or "none"
                hint = "Its owner has to sign with a name: `evidencekit key new --name`."
                raise BadArgument(f"A key of {display(contact['name'])} has no name: {found}.", code="U321", hint=hint)
            ends = [one["valid_until"] for one in (contact, directory.record) if "valid_until" in one]
            last = None if not ends else datetime.combine(date.fromisoformat(min(ends)), time(23, 59, 59), UTC)
            before = None if last is None else int(last.timestamp())
            yield AllowedSigner((key.comment,), ("evidencekit-*",), None, before, key)


def _read(path: Path, most: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise CannotFinish(f"{display(str(path))} cannot be read: {error.strerror}.", code="X403") from error


_TEMPLATE = "`evidencekit contacts template` prints one to fill in."
