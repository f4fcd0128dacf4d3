"""Time-stamps asked for, and checked before they are accepted. Nothing is written here.

Source: specs/time.md sections 1 and 2; `journeys/enter_stamps.py` enters them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from evidencekit.core import layout
from evidencekit.core.values import display, format_instant, short
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError, Refused
from evidencekit.read.store import Store
from evidencekit.read.token import MAX_TOKEN_FILE, Token, parse_token
from evidencekit.read.token_checks import Fault, fault, is_about
from evidencekit.read.token_form import TimeStampRequest, decode
from evidencekit.read.token_selftest import self_test
from evidencekit.read.web import Site
from evidencekit.verify.stamps import judge_token
from evidencekit.verify.time_policy import TimePolicy

_NOT_IN_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a time-stamp, and what it is about."""

    size: int
    """Tree size of the checkpoint."""
    note: bytes
    data: bytes
    """DER, as `.tsq` files hold it."""
    nonce: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What an authority answered."""

    data: bytes
    name: str | None = None
    """For the file; None: a free one is found."""
    nonce: int | None = None
    """Of the request, where it is at hand."""
    host: str | None = None
    """Who was asked; None: the answer came by file."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """A token that was checked and can be entered."""

    size: int
    token: Token
    data: bytes
    name: str
    """Of its file: `[a-z0-9-]{1,40}`."""
    is_named: bool
    """Whether somebody chose the name; if nobody did, a free one like it may be taken."""
    authority: str | None
    """The policy's name of the authority; None: there was no policy, and nobody's identity was checked."""

    @property
    def file(self) -> str:
        """Its name in checkpoints/."""
        return layout.token_name(self.size, self.name)

    def as_record(self) -> dict[str, Any]:
        """Return what a program may want to know of it."""
        return {
            "at": format_instant(self.token.at_ns),
            "authority": self.authority,
            "by": self.token.by,
            "file": self.file,
            "size": self.size,
        }


def make_request(store: Store) -> Request:
    """Make a request over the newest checkpoint's exact bytes, with a nonce, asking for the certificate.

    Raises:
        CannotFinish: X402, there is no checkpoint; X403.
    """
    sizes = store.numbers(layout.CHECKPOINTS)
    if not sizes:
        raise CannotFinish("The case has no checkpoint.", code="X402", hint="Run `evidencekit checkpoint finish CASE`.")
    note = store.read(layout.checkpoint_file(sizes[-1]), layout.MAX_NOTE_FILE)
    made = TimestampRequestBuilder(data=note, hash_algorithm=HashAlgorithm.SHA512, nonce=True, cert_req=True).build()
    return Request(sizes[-1], note, made.as_bytes(), made.nonce or 0)


def read_nonce(request: bytes) -> int | None:
    """Return the nonce of a request (`.tsq`).

    Raises:
        BadArgument: U253, it is none.
    """
    try:
        return decode(TimeStampRequest, request, "request").nonce
    except FormatError as error:
        raise BadArgument(error.message, code="U253", hint="Name the file that --request-out wrote.") from error


def ask_authorities(
    store: Store,
    asked: Sequence[tuple[str, str | None]],
    policy: TimePolicy | None,
    *,
    proxy_of: Callable[[str], str | None],
) -> tuple[list[Stamp], list[EvidenceError]]:
    """Ask authorities (URL, name of the file or None) one after the other about the newest checkpoint.

    `proxy_of` names the proxy that leads to a URL, if there is one.

    Returns what can be entered, and why the others cannot: one that does not answer must not cost the others' answers.

    Raises:
        BadArgument: U255, before anybody is asked. CannotFinish: X402, there is no checkpoint; X403.
    """
    sites = [Site(url, is_prefix=False, proxy=proxy_of(url)) for url, _ in asked]
    stamps: list[Stamp] = []
    failures: list[EvidenceError] = []
    for (_, name), site in zip(asked, sites, strict=True):
        request = make_request(store)
        try:
            answer = Answer(_ask(site, request.data), name, request.nonce, site.host)
            stamps.append(check_answer(store, answer, policy))
        except EvidenceError as error:
            failures.append(error)
    return stamps, failures


def _ask(site: Site, request: bytes) -> bytes:
    """Return what an authority answers to a request (RFC 3161 section 3.4); nothing of it is believed."""
    with site:
        answer = site.post(
            "",
            request,
            kind="application/timestamp-query",
            accept="application/timestamp-reply",
            limit=MAX_TOKEN_FILE,
        )
    if answer.status != 200:
        raise CannotFinish(
            f"{display(site.url)} answered with {answer.told}, not with a time-stamp.",
            code="X469",
            hint="Check the URL; redirections are not followed.",
        )
    return answer.body


def check_answer(store: Store, answer: Answer, policy: TimePolicy | None) -> Stamp:
    """Check a fresh token before it is accepted; find the checkpoint that it is about by its imprint.

    Raises:
        FormatError: it is no token. CannotFinish: X462 nothing was granted, X463 the self-test failed.
        Refused: R530 it does not hold, R531 the policy does not know its authority, R532 about no checkpoint here.
    """
    wrong = self_test()
    if wrong:
        raise CannotFinish(f"No time-stamp can be believed here: {wrong}.", code="X463", hint="`evidencekit doctor`.")
    token = _parse(answer.data)
    size, note = _stamped(store, token)
    found = fault(token, note, nonce=answer.nonce)
    if found is not None:
        raise _does_not_hold(token, found)
    authority = None
    if policy is not None:
        judged = judge_token(token, policy)
        if judged is None:
            raise Refused(
                f"The policy has no root for {short(token.by)}, which made the time-stamp of {_at(token)}.",
                code="R531",
                hint="Put its root into the policy's tsa/ if you trust it, or leave --policy out.",
            )
        if isinstance(judged, Fault):
            raise _does_not_hold(token, judged)
        authority = judged.name
    name = answer.name or name_of(answer.host or token.by)
    return Stamp(size, token, answer.data, name, answer.name is not None, authority)


def _parse(data: bytes) -> Token:
    try:
        return parse_token(data)
    except FormatError as error:
        if error.place == "time-stamp status":
            raise CannotFinish(
                f"The authority granted no time-stamp: {error.found}.", code="X462", hint="Ask it why; or use another."
            ) from error
        raise


def _stamped(store: Store, token: Token) -> tuple[int, bytes]:
    """Return size and bytes of the checkpoint that a token is about, the newest first."""
    for size in reversed(store.numbers(layout.CHECKPOINTS)):
        note = store.read(layout.checkpoint_file(size), layout.MAX_NOTE_FILE)
        if is_about(token, note):
            return size, note
    raise Refused(
        f"The time-stamp of {_at(token)} by {short(token.by)} is about none of the case's checkpoints.",
        code="R532",
        hint="Name the case for which it was asked; imprints are SHA-512 of the exact bytes of checkpoints/N.",
    )


def _does_not_hold(token: Token, found: Fault) -> Refused:
    return Refused(
        f"The time-stamp of {_at(token)} by {short(token.by)} does not hold ({found.code}): expected {found.expected}, "
        f"found {found.found}.",
        code="R530",
        hint=f"Nothing was recorded. `evidencekit explain {found.code}`.",
    )


def _at(token: Token) -> str:
    return format_instant(token.at_ns)


def check_name(name: str) -> str:
    """Return a name for a token's file.

    Raises:
        BadArgument: U251, it is not of the form.
    """
    if not layout.LABEL.match(name):
        raise BadArgument(f"{short(name)} cannot name a time-stamp.", code="U251", hint="[a-z0-9-], 1 to 40 of them.")
    return name


def name_of(text: str) -> str:
    """Return a host's or certificate's name in the form that a token's file takes."""
    return _NOT_IN_NAME.sub("-", text.lower()).strip("-")[:40].strip("-") or "tsa"
