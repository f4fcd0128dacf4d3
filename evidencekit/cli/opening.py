"""A new case: identity, log keys beside it, event 0. Shared by the commands that open one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from evidencekit.cli import surroundings
from evidencekit.cli.outputs import refuse_inside
from evidencekit.errors import BadArgument, FormatError

if TYPE_CHECKING:
    from evidencekit.cli.signing import Signing
    from evidencekit.core.checkpoint import Checkpoint
    from evidencekit.seal.sign import Signer


class OpenedCase(NamedTuple):
    """A case that was just opened."""

    identity: bytes
    log_key: Path
    checkpoint: Checkpoint


def refuse_unfit_case(case: Path, *, reference: str, agency: str, origin: str | None) -> None:
    """Raise where no case can be opened so; nothing was asked for and nothing written by then.

    Raises:
        BadArgument: U204 not an origin, U231 a text that cannot be recorded.
        Refused: R501, R506 the folder cannot be.
    """
    from evidencekit.core.checkpoint import check_origin
    from evidencekit.core.schema import TEXT
    from evidencekit.seal.opening import refuse_taken

    try:
        if origin is not None:
            check_origin(origin)
    except FormatError as error:
        raise BadArgument(f"--origin {error.message}", code="U204", hint="As in unit7.example/24-117.") from error
    for option, text in (("--reference", reference), ("--agency", agency)):
        surroundings.check_recorded(TEXT, text, option)
    refuse_taken(case)


def open_new_case(
    case: Path, signs: Signing, person: Signer, *, reference: str, agency: str, origin: str | None
) -> OpenedCase:
    """Open a case; without an `origin` its log is named after its identity, under a domain that never is anybody's.

    Raises:
        Refused: R501, R506, R517, R519. CannotFinish: X421, X422, X423.
    """
    from evidencekit.seal.logkeys import new_log_keys, save_log_keys
    from evidencekit.seal.opening import open_case

    identity = surroundings.random(16)
    keys = new_log_keys(origin or f"case.invalid/{identity.hex()}")
    path = surroundings.log_key_path(identity, signs.log_key)
    refuse_inside(case, path)
    surroundings.make_folder_of_log_key(path)
    save_log_keys(keys, path)
    try:
        checkpoint = open_case(
            case,
            identity=identity,
            reference=reference,
            agency=agency,
            signer=person,
            actor=signs.actor(person),
            keys=keys,
            clock=surroundings.clock,
            random=surroundings.random,
            utc_offset_min=surroundings.utc_offset_min(),
        )
    except BaseException:
        path.unlink()  # made a moment ago for this case alone, which does not exist
        raise
    return OpenedCase(identity, path, checkpoint)
