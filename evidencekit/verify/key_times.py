"""What a policy says of a key that hangs on a time: windows of validity, `not_after`, algorithms accepted until a date.

It can be answered only once the proven bounds of the event are known. Pure. Source: specs/policy.md 5, 6 and 8.
"""

from __future__ import annotations

from typing import NamedTuple

from evidencekit.core.allowed_signers import AllowedSigner
from evidencekit.core.proven_time import Span
from evidencekit.core.values import format_instant

_SECOND = 1_000_000_000


class Window(NamedTuple):
    """When a key was valid, in seconds since 1970, both inclusive; None: without an end."""

    first: int | None
    last: int | None


class Question(NamedTuple):
    """What has to be known of the time of one signature."""

    key: str
    """Fingerprint of the signer's key."""
    windows: tuple[Window, ...] = ()
    """It has to lie in one of these; empty: there is none that matters."""
    not_after: int | None = None
    """A revoked key is believed where the signature is proven to be older; nanoseconds since 1970."""
    reason: str = ""
    """Why it was revoked."""
    algorithm: str = ""
    until: int | None = None
    """The last instant at which this kind of key was accepted; nanoseconds since 1970."""

    @property
    def is_open(self) -> bool:
        """Whether any time matters."""
        return bool(self.windows) or self.not_after is not None or self.until is not None


class Answer(NamedTuple):
    """Why a signature is not believed: a finding, or with an empty code why it was not checked."""

    code: str
    expected: str
    found: str


def windows_of(lines: list[AllowedSigner]) -> tuple[Window, ...]:
    """Return the windows of which one has to hold; empty where some line has none."""
    windows = tuple(dict.fromkeys(Window(line.valid_after, line.valid_before) for line in lines))
    return () if Window(None, None) in windows else windows


class Limits(NamedTuple):
    """Between which times a signature was made; nanoseconds since 1970, None where nothing says so."""

    earliest: int | None
    latest: int | None

    def __str__(self) -> str:
        """Return both for a message."""
        earliest = "no earliest time" if self.earliest is None else f"not before {format_instant(self.earliest)}"
        return f"{earliest}, {'no latest time' if self.latest is None else f'not after {format_instant(self.latest)}'}"


def answer(question: Question, span: Span, now: int | None) -> Answer | None:
    """Return why a signature within `span` is not believed, None where it is.

    A signature is not later than the moment of verification either: `now` is the verifier's clock, if it was given one.
    """
    latest = [limit for limit in (span.latest_ns, now) if limit is not None]
    limits = Limits(span.earliest_ns, min(latest, default=None))
    return _revoked(question, limits) or _algorithm(question, limits, now) or _validity(question, limits)


def _revoked(question: Question, limits: Limits) -> Answer | None:
    if question.not_after is None or (limits.latest is not None and limits.latest <= question.not_after):
        return None
    since = format_instant(question.not_after)
    found = f"{question.key} revoked after that: {question.reason}; proven: {limits}"
    return Answer("E410", f"a signature proven to be of {since} or before", found)


def _algorithm(question: Question, limits: Limits, now: int | None) -> Answer | None:
    if question.until is None or (limits.latest is not None and limits.latest <= question.until):
        return None
    until = format_instant(question.until)
    if now is None:
        return Answer(
            "", "", f"{question.algorithm} is accepted until {until}; proven: {limits}, and no clock was given"
        )
    return Answer("E411", f"{question.algorithm} proven to be of {until} or before", str(limits))


def _validity(question: Question, limits: Limits) -> Answer | None:
    if not question.windows or any(_inside(window, limits) for window in question.windows):
        return None
    windows = " or ".join(map(_shown, question.windows[:5]))
    if all(_outside(window, limits) for window in question.windows):
        return Answer("E409", f"signed by {question.key} {windows}", str(limits))
    return Answer("", "", f"{question.key} was valid {windows}; proven: {limits}")


def _inside(window: Window, limits: Limits) -> bool:
    begun = window.first is None or (limits.earliest is not None and limits.earliest >= window.first * _SECOND)
    ended = window.last is not None and (limits.latest is None or limits.latest >= (window.last + 1) * _SECOND)
    return begun and not ended


def _outside(window: Window, limits: Limits) -> bool:
    if window.first is not None and window.last is not None and window.first > window.last:
        return True  # what a line and a certificate have in common can be nothing
    before = window.first is not None and limits.latest is not None and limits.latest < window.first * _SECOND
    after = window.last is not None and limits.earliest is not None and limits.earliest >= (window.last + 1) * _SECOND
    return before or after


def _shown(window: Window) -> str:
    first = "" if window.first is None else f"from {format_instant(window.first * _SECOND)[:19]}Z "
    return first + ("on" if window.last is None else f"to {format_instant(window.last * _SECOND)[:19]}Z")
