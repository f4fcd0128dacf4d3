"""What somebody types for a field of an event, turned into the value that the field's form demands.

A person is the .pub file of his key, or NAME=SHA256:…; a time a date, with a time or without; a digest hex, or the file
to hash; an earlier event the number of its entry. Source: specs/events.json, specs/encoding.md section 4.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evidencekit.core.custody_types import PART
from evidencekit.core.event_forms import ATTACHMENT, CLOCK, CLOCK_MEMBERS, PERSON, REFERENCE, WITNESS
from evidencekit.core.log_types import PUBLIC_KEY
from evidencekit.core.schema import BOOL, FINGERPRINT, MOMENT, Form, hexadecimal, nullable
from evidencekit.core.seizure import (
    AUTHORITY,
    AUTHORITY_MEMBERS,
    CHANGE,
    CHANGE_MEMBERS,
    DEVICE_STATE,
    PERIOD,
    PERIOD_MEMBERS,
    STATE_MEMBERS,
)
from evidencekit.core.typed_time import parse_moment
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, FormatError

Resolve = Callable[[int], dict[str, str]]
"""Gives the reference of an entry of the case."""
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}\Z")
_HEX = re.compile(r"[0-9a-f]{64}\Z")
MEMBERS: Mapping[str, Mapping[str, Form]] = {
    AUTHORITY.name: AUTHORITY_MEMBERS,
    CHANGE.name: CHANGE_MEMBERS,
    CLOCK.name: CLOCK_MEMBERS,
    DEVICE_STATE.name: STATE_MEMBERS,
    PERIOD.name: PERIOD_MEMBERS,
}
"""Name of a form that is typed member by member, as NAME=VALUE, to its members."""
_TRUTH = {"yes": True, "true": True, "no": False, "false": False}


def field_value(form: Form, texts: Sequence[str], option: str, resolve: Resolve) -> Any:
    """Return the value of a field, of its form, from what was typed once or several times.

    Raises:
        BadArgument: U260, it is not of that form; U262, no such entry.
    """
    try:
        value = _value(form, texts, option, resolve)
        form.check(value, option)
    except FormatError as error:
        raise BadArgument(error.message, code="U260", hint=f"The form is: {form.name}.") from error
    return value


def _value(form: Form, texts: Sequence[str], option: str, resolve: Resolve) -> Any:
    if form.name.startswith("array of "):
        member = _READERS.get(form.name.removeprefix("array of "), _as_typed)
        return [] if list(texts) == ["none"] else [member(text, option, resolve) for text in texts]
    if form.name in MEMBERS:
        return dict(_member(text, option, MEMBERS[form.name]) for text in texts)
    if len(texts) != 1:
        raise FormatError(option, expected="one value", found=str(len(texts)))
    return _READERS.get(form.name, _as_typed)(texts[0], option, resolve)


def _as_typed(text: str, _option: str, _resolve: Resolve) -> str:
    return text


def _truth(text: str, option: str, _resolve: Resolve) -> bool:
    if text not in _TRUTH:
        raise FormatError(option, expected="yes or no", found=display(text))
    return _TRUTH[text]


def _time(text: str, option: str, _resolve: Resolve) -> dict[str, Any]:
    return parse_moment(text, option)


def _member(text: str, option: str, members: Mapping[str, Form]) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or name not in members:
        raise FormatError(option, expected="NAME=VALUE, of " + ", ".join(members), found=display(text))
    return name, parse_moment(value, option) if members[name] is MOMENT else value


def _public_key(text: str) -> Any:
    from evidencekit.seal.sign import read_public_key

    return read_public_key(Path(text))


def _person(text: str, option: str, _resolve: Resolve) -> dict[str, str]:
    name, _, key = text.rpartition("=")
    if name and _FINGERPRINT.match(key):
        return {"id": name, "key": key}
    if not text.endswith(".pub"):
        raise FormatError(option, expected="a .pub file, or NAME=SHA256:…", found=display(text))
    from evidencekit.core.sshkeys import fingerprint

    public = _public_key(text)
    return {"id": public.comment, "key": fingerprint(public.blob)}


def _witness(text: str, option: str, resolve: Resolve) -> dict[str, str]:
    has_key = text.endswith(".pub") or _FINGERPRINT.match(text.rpartition("=")[2])
    return _person(text, option, resolve) if has_key else {"id": text}


def _fingerprint(text: str, option: str, resolve: Resolve) -> str:
    return text if _FINGERPRINT.match(text) else _person(text, option, resolve)["key"]


def _key_line(text: str, _option: str, _resolve: Resolve) -> str:
    from evidencekit.core.sshkeys import format_public_key_line

    return format_public_key_line(_public_key(text))


def _digest(text: str, option: str, _resolve: Resolve) -> str:
    if _HEX.match(text):
        return text
    try:
        with Path(text).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        found = f"{display(text)}: {error.strerror}"
        raise FormatError(option, expected="a SHA-256 in hex, or a file to hash", found=found) from error


def _attachment(text: str, option: str, resolve: Resolve) -> dict[str, str]:
    return {"name": Path(text).name, "sha256": _digest(text, option, resolve)}


def _reference(text: str, option: str, resolve: Resolve) -> dict[str, str]:
    if not text.isascii() or not text.isdigit():
        raise FormatError(option, expected="the number of an entry, as `custody log` shows it", found=display(text))
    return resolve(int(text))


def _part(text: str, _option: str, _resolve: Resolve) -> dict[str, str]:
    item, equals, description = text.partition("=")
    return {"item": item, "description": description} if equals else {"item": item}


_READERS: dict[str, Callable[[str, str, Resolve], Any]] = {
    ATTACHMENT.name: _attachment,
    BOOL.name: _truth,
    FINGERPRINT.name: _fingerprint,
    MOMENT.name: _time,
    PART.name: _part,
    PERSON.name: _person,
    PUBLIC_KEY.name: _key_line,
    REFERENCE.name: _reference,
    WITNESS.name: _witness,
    hexadecimal().name: _digest,
    nullable(FINGERPRINT).name: _fingerprint,
}
"""Name of a form to how it is read; what is not here is taken as it was typed."""
