"""Asking a witness over HTTP to cosign a case's newest checkpoint: the client of C2SP tlog-witness.

Promise: nothing that comes back is believed here; `attest` does that. Source: specs/checkpoint.md sections 9 and 10.
"""

from __future__ import annotations

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.note import NoteSignature
from evidencekit.core.values import display
from evidencekit.core.witness import MAX_ANSWER, SIZE_TYPE, AddCheckpoint, format_add_checkpoint, parse_answer
from evidencekit.errors import CannotFinish, EvidenceError, FormatError, Refused
from evidencekit.journeys.cosign import prove
from evidencekit.journeys.logcopy import LogCopy
from evidencekit.read.web import Answer, Site

_REQUEST_TYPE = "application/octet-stream"
_GIVE_KEYS = "Nothing was entered. Give its operator the log's vkeys (`log_keys` in case.json)."


def ask_witness(copy: LogCopy, url: str, *, proxy: str | None = None) -> tuple[NoteSignature, ...]:
    """Have the newest checkpoint of a case cosigned by a witness over HTTP; return its lines, unchecked.

    `proxy` leads to the witness, if there is one.

    Source: C2SP tlog-witness, section add-checkpoint.

    Raises:
        BadArgument: U255 the URL. CannotFinish: X469 no usable answer.
        Refused: R535, R536, R537, R538, as the witness says.
    """
    with Site(url, proxy=proxy) as site:
        answer = _post(site, copy, 0)
        if answer.status == 409:  # it says where it stands; ask once more from there
            size = _size(url, answer)
            if size > copy.tree.size:
                raise Refused(
                    f"The witness at {display(url)} has cosigned {copy.tree.origin} at size {size}; this case ends at "
                    f"{copy.tree.size}.",
                    code="R537",
                    hint="Is this an old copy of the case? Find the newer one: `evidencekit compare` tells them apart.",
                )
            answer = _post(site, copy, size)
    if answer.status != 200:
        raise _refusal(url, copy.tree, answer)
    try:
        return parse_answer(answer.body)
    except FormatError as error:
        raise CannotFinish(f"{display(url)} answered what no witness answers: {error.message}", code="X469") from error


def request_of(copy: LogCopy, old: int) -> bytes:
    """Return the request that asks a witness who stands at size `old` to cosign the newest checkpoint."""
    return format_add_checkpoint(AddCheckpoint(old, prove(copy, old), copy.note))


def _post(site: Site, copy: LogCopy, old: int) -> Answer:
    return site.post("add-checkpoint", request_of(copy, old), kind=_REQUEST_TYPE, limit=MAX_ANSWER)


def _size(url: str, answer: Answer) -> int:
    text = answer.body.decode("ascii", "replace").removesuffix("\n")
    if answer.kind != SIZE_TYPE or not text.isdigit() or len(text) > 19:
        raise CannotFinish(f"{display(url)} answered 409 without saying where it stands.", code="X469")
    return int(text)


def _refusal(url: str, tree: Checkpoint, answer: Answer) -> EvidenceError:
    said = display(answer.body[:200].decode(errors="replace").partition("\n")[0])
    match answer.status:
        case 404:
            what, hint = "does not know this log", _GIVE_KEYS
            return Refused(_told(url, what, tree, said), code="R535", hint=hint)
        case 403:
            what, hint = "knows other keys for this log", _GIVE_KEYS
            return Refused(_told(url, what, tree, said), code="R536", hint=hint)
        case 409:
            return Refused(_told(url, "has moved on meanwhile", tree, said), code="R537", hint="Try again.")
        case 422:
            hint = "Compare this case with its other copies: `evidencekit compare A B` shows a fork and proves it."
            return Refused(_told(url, "has seen another history of this log", tree, said), code="R538", hint=hint)
    return CannotFinish(_told(url, f"answered with {answer.told}", tree, said), code="X469")


def _told(url: str, what: str, tree: Checkpoint, said: str) -> str:
    return f"The witness at {display(url)} {what} ({tree.origin}, size {tree.size}). It says: {said or 'nothing'}"
