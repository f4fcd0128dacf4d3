"""Cosigning somebody else's log: the consistency proof comes from the copy at hand, or with the note.

Source: specs/checkpoint.md section 10.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.merkle import prove_consistency
from evidencekit.core.note import VerifierKey, parse_note
from evidencekit.core.witness import BEGINS, AddCheckpoint, parse_add_checkpoint, parse_proof
from evidencekit.errors import BadArgument
from evidencekit.journeys.logcopy import LogCopy
from evidencekit.seal.witness import Cosigned, Trust, Witness, older
from evidencekit.verify.policy import Policy


def trust_of(policy: Policy | None) -> Callable[[str], Trust] | None:
    """Return whom a witness with this policy believes: the listed keys, all of them where the policy says so."""
    if policy is None:
        return None

    def trust(origin: str) -> Trust:
        return Trust(policy.log_keys(origin), policy.rule(origin).all_required_from is not None)

    return trust


def cosign_copy(witness: Witness, copy: LogCopy) -> Cosigned:
    """Cosign the newest checkpoint of a case, with a proof made from its entries.

    Raises:
        Refused: R535, R536, R537, R538; on a fork both notes are kept.
        CannotFinish: X467, X468, X42x.
    """
    last = witness.last(copy.tree.origin)
    request = AddCheckpoint(*_proof(witness, copy, last), copy.note)
    return witness.add(request, offered=copy.keys)


def _proof(witness: Witness, copy: LogCopy, last: Checkpoint | None) -> tuple[int, tuple[bytes, ...]]:
    """Return the size cosigned last and the proof from there; refuse what this copy itself shows to be a fork."""
    if last is None or last.size == 0:
        return 0, ()
    if last.size > copy.tree.size:
        raise older(last, copy.tree, copy.tree.size)
    root = copy.root(last.size)
    if root is not None and root != last.root:
        raise witness.forked(copy.note_at(last.size) or copy.note)
    if last.size == copy.tree.size:
        return last.size, ()
    return last.size, prove(copy, last.size)


def prove(copy: LogCopy, old: int) -> tuple[bytes, ...]:
    """Return the consistency proof from a size to the newest checkpoint; empty where entries for it are missing.

    An empty proof is no harm: whoever checks it refuses.
    """
    if not 0 < old < copy.tree.size or len(copy.entries) < copy.tree.size:
        return ()
    return tuple(prove_consistency(old, copy.tree.size, copy.entries.node))


def cosign_file(
    witness: Witness, data: bytes, *, proof: bytes | None = None, offered: Sequence[VerifierKey] = ()
) -> Cosigned:
    """Cosign a checkpoint that came as a file: a request, or a note and its proof.

    Raises:
        BadArgument: U259, a note without its proof, of a log that was cosigned before.
        FormatError: neither a request nor a note.
        Refused: R535, R536, R537, R538. CannotFinish: X467, X468, X42x.
    """
    if data.startswith(BEGINS):
        return witness.add(parse_add_checkpoint(data), offered=offered)
    tree = parse_checkpoint(parse_note(data).text)
    last = witness.last(tree.origin)
    if proof is not None:
        return witness.add(AddCheckpoint(*parse_proof(proof), data), offered=offered)
    if last is not None and last.size not in {0, tree.size}:
        raise BadArgument(
            f"This witness has cosigned {tree.origin} at size {last.size}; a note alone does not show that it grew.",
            code="U259",
            hint=f"Ask its owner: `evidencekit checkpoint witnesses CASE --old {last.size} --request-out FILE`.",
        )
    return witness.add(AddCheckpoint(0 if last is None else last.size, (), data), offered=offered)
