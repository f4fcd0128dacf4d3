"""C2SP tlog-policy: which logs and witnesses somebody believes, and how many witnesses he wants.

    log unit7.example/24-117+aae9a4b1+AZ…
    witness W1 witness.example+0b1c2d3e+BL…
    group G any W1
    quorum G

Promise: read strictly; a line that is not understood is refused, never passed over. Wider than C2SP in one point: keys
of type 0x06 (ML-DSA-44) beside 0x01 for logs and 0x04 for witnesses. Source: C2SP tlog-policy.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from evidencekit.core.ed25519_points import point_fault
from evidencekit.core.note import ED25519, ED25519_COSIGNATURE, MLDSA44, VerifierKey, parse_vkey
from evidencekit.core.values import short
from evidencekit.errors import FormatError

MAX_FILE = 1 << 20
MAX_LINES = 4096


@dataclass(frozen=True, slots=True)
class Group:
    """At least `threshold` of `members` (witnesses or groups) must have cosigned."""

    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TlogPolicy:
    """A policy file, read."""

    logs: tuple[VerifierKey, ...]
    witnesses: dict[str, VerifierKey]
    groups: dict[str, Group]
    quorum: str | None
    """A witness or group; None for `quorum none`."""

    def is_met(self, cosigned: Collection[str]) -> bool:
        """Tell whether these witnesses are enough. Groups stand after their members, so one pass over them decides."""
        met = set(cosigned)
        for name, group in self.groups.items():
            if sum(member in met for member in group.members) >= group.threshold:
                met.add(name)
        return self.quorum is None or self.quorum in met


def parse_tlog_policy(data: bytes, place: str = "logs.policy") -> TlogPolicy:
    """Read a policy file.

    Raises:
        FormatError: any line that is not understood; a name used twice or before its line; no or two quorum lines.
    """
    if len(data) > MAX_FILE:
        raise FormatError(place, expected=f"at most {MAX_FILE} bytes", found=f"{len(data)} bytes")
    if any(byte == 0x7F or (byte < 0x20 and byte not in b"\t\n") for byte in data):
        raise FormatError(place, expected="no control characters", found="one")
    if data and not data.endswith(b"\n"):
        raise FormatError(place, expected="a newline at the end", found="none")
    try:
        lines = data.decode().split("\n")[:-1]
    except UnicodeDecodeError as error:  # C2SP takes any octets; names that are not text cannot be shown
        raise FormatError(place, expected="UTF-8", found=f"a bad byte at {error.start}") from error
    if len(lines) > MAX_LINES:
        raise FormatError(place, expected=f"at most {MAX_LINES} lines", found=str(len(lines)))
    reader = _Reader(place)
    for number, line in enumerate(lines, start=1):
        words = [word for word in line.replace("\t", " ").split(" ") if word]
        if words and not words[0].startswith("#"):
            reader.take(words, f"{place} line {number}")
    return reader.result()


class _Reader:
    def __init__(self, place: str) -> None:
        self._place = place
        self._logs: list[VerifierKey] = []
        self._witnesses: dict[str, VerifierKey] = {}
        self._groups: dict[str, Group] = {}
        self._quorum: list[str] = []

    def take(self, words: list[str], place: str) -> None:
        match words:
            case ["log", key, *url] if len(url) <= 1:
                vkey = self._key(key, (ED25519, MLDSA44), self._logs, place)
                self._logs.append(vkey)
            case ["witness", name, key, *url] if len(url) <= 1:
                self._fresh(name, place)
                known = list(self._witnesses.values())
                self._witnesses[name] = self._key(key, (ED25519_COSIGNATURE, MLDSA44), known, place)
            case ["group", name, count, *members] if members:
                self._fresh(name, place)
                self._check_members(members, place)
                self._groups[name] = Group(_threshold(count, len(members), place), tuple(members))
            case ["quorum", name]:
                if name != "none":
                    self._check_defined(name, place)
                self._quorum.append(name)
            case _:
                expected = "log VKEY [URL], witness NAME VKEY [URL], group NAME K|any|all NAME…, or quorum NAME|none"
                raise FormatError(place, expected=expected, found=short(" ".join(words)))

    def result(self) -> TlogPolicy:
        if len(self._quorum) != 1:
            raise FormatError(self._place, expected="exactly one quorum line", found=str(len(self._quorum)))
        quorum = None if self._quorum[0] == "none" else self._quorum[0]
        return TlogPolicy(tuple(self._logs), self._witnesses, self._groups, quorum)

    def _key(self, text: str, kinds: tuple[int, ...], known: list[VerifierKey], place: str) -> VerifierKey:
        try:
            vkey = parse_vkey(text)
        except FormatError as error:
            raise FormatError(place, expected=error.expected, found=error.found) from error
        if vkey.kind not in kinds:
            expected = "a key of type " + " or ".join(f"0x{kind:02x}" for kind in kinds)
            raise FormatError(place, expected=expected, found=f"0x{vkey.kind:02x}")
        fault = None if vkey.kind == MLDSA44 else point_fault(vkey.key)
        if fault:
            raise FormatError(place, expected="a key that every verifier accepts alike", found=fault)
        if any(other.key == vkey.key for other in known):
            raise FormatError(place, expected="each key once", found=short(text))
        return vkey

    def _fresh(self, name: str, place: str) -> None:
        if name == "none" or name in self._witnesses or name in self._groups:
            raise FormatError(place, expected="a new name", found=short(name))

    def _check_defined(self, name: str, place: str) -> None:
        if name not in self._witnesses and name not in self._groups:
            raise FormatError(place, expected="a witness or group of a line above", found=short(name))

    def _check_members(self, names: list[str], place: str) -> None:
        """So that each witness can count towards the quorum in one way only."""
        used = {member for group in self._groups.values() for member in group.members}
        for name in names:
            self._check_defined(name, place)
            if name in used:
                raise FormatError(place, expected="each name in one group, once", found=short(name))
            used.add(name)


def _threshold(text: str, count: int, place: str) -> int:
    if text in {"any", "all"}:
        return 1 if text == "any" else count
    if not text.isascii() or not text.isdigit() or text[0] == "0" or len(text) > 4 or int(text) > count:
        raise FormatError(place, expected=f"any, all, or 1 to {count}", found=short(text))
    return int(text)
