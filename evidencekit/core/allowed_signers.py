"""Who may sign as whom: the allowed_signers file of ssh-keygen(1), section ALLOWED SIGNERS.

    # principals, options, key
    jane@unit7.example namespaces="evidencekit-*",valid-before="20281231Z" ssh-ed25519 AAAAC3NzaC1lZDI1…

Promise: a file that is accepted here means to `ssh-keygen -Y verify` what it means here. What ssh takes and
we do not is refused, never passed over: a line that is not understood (ssh skips it), certificates, local
times, escapes. A principal with a space stands in double quotes. One difference in kind: a signature's time
is not "now" but proven bounds, so the windows are handed out as numbers and compared by the verifier.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from evidencekit.core.sshkeys import (
    ALGORITHMS,
    PublicKey,
    check_comment,
    format_public_key_line,
    parse_public_key_line,
)
from evidencekit.core.values import short
from evidencekit.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_FILE: Final = 4 << 20
MAX_PATTERN: Final = 1022
"""Bytes; ssh's `match_pattern_list` takes a longer one for no match."""
_PRINCIPALS: Final = re.compile(r'"([^"]*)"[ \t]+|([^ \t"]+)[ \t]+')
_OPTIONS: Final = re.compile(r'((?:[^ \t"]|"[^"]*")+)[ \t]+')
_OPTION: Final = re.compile(r'([A-Za-z-]+)(?:="([^"\\]*)")?')
_NAMES: Final = {"cert-authority", "namespaces", "valid-after", "valid-before"}
_TIME: Final = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:([0-9]{2})([0-9]{2})([0-9]{2})?)?Z")


@dataclass(frozen=True, slots=True)
class AllowedSigner:
    """One line: these names may sign with this key, for these namespaces, in this window."""

    principals: tuple[str, ...]
    """Patterns with `*`, `?` and a leading `!`."""
    namespaces: tuple[str, ...] | None
    """Patterns; None allows every namespace."""
    valid_after: int | None
    """First second (since 1970, UTC) in which the key was valid, or None."""
    valid_before: int | None
    """Last second in which it was valid, or None."""
    key: PublicKey
    line: int = 0
    """Line number in the file, from 1."""
    cert_authority: bool = False
    """The key signs certificates of these names, and nothing else."""

    def matches(self, principal: str, namespace: str | None = None) -> bool:
        """Whether this line speaks of `principal` (and allows `namespace`, if one is given)."""
        if not matches_pattern_list(principal, self.principals):
            return False
        return namespace is None or self.namespaces is None or matches_pattern_list(namespace, self.namespaces)


def matches_pattern_list(text: str, patterns: Iterable[str]) -> bool:
    """Whether a pattern matches `text` and no pattern with `!` does (ssh_config(5), section PATTERNS).

    Case matters; `?` stands for one byte, as in ssh.
    """
    subject = text.encode("utf-8", "surrogatepass")
    found = False
    for pattern in patterns:
        negated = pattern.startswith("!")
        if _matches(subject, pattern.removeprefix("!").encode("utf-8", "surrogatepass")):
            if negated:
                return False
            found = True
    return found


def _matches(subject: bytes, pattern: bytes) -> bool:
    """Match one pattern in len(subject) x len(pattern) steps at most: only the last `*` is taken back."""
    at = place = 0
    star = resume = -1
    while at < len(subject):
        if place < len(pattern) and pattern[place] == 0x2A:
            star, resume = place, at
            place += 1
        elif place < len(pattern) and pattern[place] in {0x3F, subject[at]}:
            at += 1
            place += 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return False
    return not pattern[place:].strip(b"*")


def find_principals(
    signers: Iterable[AllowedSigner],
    key_blob: bytes,
    *,
    principal: str | None = None,
    namespace: str | None = None,
) -> tuple[AllowedSigner, ...]:
    """Give the lines that let this key sign (as this principal, for this namespace), in file order."""
    return tuple(
        signer
        for signer in signers
        if signer.key.blob == key_blob
        and not signer.cert_authority
        and (principal is None or signer.matches(principal))
        and (namespace is None or signer.namespaces is None or matches_pattern_list(namespace, signer.namespaces))
    )


def parse_allowed_signers(data: bytes) -> tuple[AllowedSigner, ...]:
    """Parse a whole file; comment lines and empty lines are passed over.

    Raises:
        FormatError: any line that is not understood (`allowed_signers line N`), carriage returns, other
        than UTF-8.
    """
    if len(data) > MAX_FILE:
        raise FormatError("allowed_signers", expected=f"at most {MAX_FILE} bytes", found=f"{len(data)} bytes")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("allowed_signers", expected="UTF-8", found=f"byte {error.start} is not") from None
    signers = []
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.strip(" \t")
        if stripped and not stripped.startswith("#"):
            signers.append(_parse_line(stripped, number))
    return tuple(signers)


def _parse_line(line: str, number: int) -> AllowedSigner:
    place = f"allowed_signers line {number}"
    if "\r" in line or "\0" in line or "\ufeff" in line:
        raise FormatError(place, expected="line feeds only, no byte order mark", found=short(line))
    head = _PRINCIPALS.match(line)
    if not head:
        raise FormatError(place, expected="principals, options, key", found=short(line))
    quoted, bare = head.groups()
    if quoted is not None and " " not in quoted:
        raise FormatError(place, expected="quotes only around principals with a space", found=short(quoted))
    principals = _patterns(bare if quoted is None else quoted, f"{place}: principals")
    rest, options = line[head.end() :], ""
    if rest.split(" ", 1)[0].split("\t", 1)[0] not in ALGORITHMS:
        match = _OPTIONS.match(rest)
        if not match:
            raise FormatError(place, expected="options and a key, or a key", found=short(rest))
        options, rest = match.group(1), rest[match.end() :]
    values = _options(options, place)
    after, before = (_seconds(values.get(name), f"{place}: {name}") for name in ("valid-after", "valid-before"))
    if after is not None and before is not None and before <= after:
        raise FormatError(f"{place}: valid-before", expected="later than valid-after", found=values["valid-before"])
    namespaces = _patterns(values["namespaces"], f"{place}: namespaces") if "namespaces" in values else None
    try:  # runs of blanks between the fields are for people; inside the comment they stay
        key = parse_public_key_line(re.sub(r"[ \t]+", " ", rest, count=2))
    except FormatError as error:
        where = f"{place}: {error.place}"
        raise FormatError(where, expected=error.expected, found=error.found) from None
    return AllowedSigner(principals, namespaces, after, before, key, number, "cert-authority" in values)


def _patterns(text: str, place: str) -> tuple[str, ...]:
    check_comment(text, place)
    patterns = tuple(text.split(","))
    for pattern in patterns:
        bare = pattern.removeprefix("!")
        if not bare or bare != bare.strip() or len(bare.encode()) > MAX_PATTERN:
            raise FormatError(place, expected="patterns with commas between, no blanks around", found=short(text))
    return patterns


def _options(text: str, place: str) -> dict[str, str]:
    values: dict[str, str] = {}
    while text:
        match = _OPTION.match(text)
        name = match.group(1).lower() if match else ""
        if match is None or name not in _NAMES:
            expected = 'a key type, or an option: cert-authority, namespaces="…", valid-after="…", valid-before="…"'
            raise FormatError(place, expected=expected, found=short(text))
        if (match.group(2) is None) != (name == "cert-authority") or name in values:
            expected = f"{name}, once" if name == "cert-authority" else f'{name}="…", once'
            raise FormatError(place, expected=expected, found=short(text))
        values[name] = match.group(2) or ""
        text = text[match.end() :]
        if text and (text[0] != "," or text == ","):
            raise FormatError(place, expected="a comma and another option, or a blank", found=short(text))
        text = text[1:]
    return values


def _seconds(text: str | None, place: str) -> int | None:
    if text is None:
        return None
    match = _TIME.fullmatch(text)
    if not match:
        expected = "YYYYMMDDZ, YYYYMMDDHHMMZ or YYYYMMDDHHMMSSZ (without the Z it would be local time)"
        raise FormatError(place, expected=expected, found=short(text))
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups())
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        raise FormatError(place, expected="a day and time that exist", found=text) from None
    seconds = int(moment.timestamp())
    if seconds <= 0:  # 0 is ssh's own mark of "not given"
        raise FormatError(place, expected="a time after 1970", found=text)
    return seconds


def format_allowed_signer(signer: AllowedSigner) -> str:
    """Write one line, without its line feed.

    Raises:
        FormatError: it would not read back as the same signer.
    """
    names = ",".join(signer.principals)
    fields = [f'"{names}"' if " " in names else names]
    options = ["cert-authority"] if signer.cert_authority else []
    if signer.namespaces is not None:
        options.append(f'namespaces="{",".join(signer.namespaces)}"')
    for name, seconds in (("valid-after", signer.valid_after), ("valid-before", signer.valid_before)):
        if seconds is not None:
            options.append(f'{name}="{datetime.fromtimestamp(seconds, UTC):%Y%m%d%H%M%S}Z"')
    if options:
        fields.append(",".join(options))
    line = " ".join((*fields, format_public_key_line(signer.key)))
    if parse_allowed_signers(line.encode("utf-8", "surrogatepass")) != (replace(signer, line=1),):
        raise FormatError("allowed_signers line", expected="a line that reads back the same", found=short(line))
    return line
