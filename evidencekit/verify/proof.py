"""One row proof: from the opened groups up to the log's signatures, every link computed again.

Source: specs/verification.md section 2, specs/messages.md section 1.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from evidencekit.core.checkpoint import Checkpoint, parse_checkpoint
from evidencekit.core.digest import group_commitment, sha256
from evidencekit.core.encoding import GROUP, PROOF, RECORD
from evidencekit.core.event import ENTRY, EVENT, Entry, decode_entry, decode_event, knows_type
from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.merkle import leaf_hash
from evidencekit.core.note import ED25519, MLDSA44, Note, parse_note
from evidencekit.core.proofs import TlogProof, parse_tlog_proof, verify_inclusion
from evidencekit.core.proven_time import Bounds
from evidencekit.core.records import CONTENT, METADATA, NAME, ROW, check_row
from evidencekit.core.row_proof import ROW_PROOF
from evidencekit.core.values import decode_base64, parse_count, short
from evidencekit.errors import FormatError
from evidencekit.verify.checkpoints import check_log_lines
from evidencekit.verify.identity import Identity
from evidencekit.verify.opening import LogKeys, parse_log_keys
from evidencekit.verify.run import Run
from evidencekit.verify.signatures import Signed, check_signatures

_SCHEMAS = {"name": NAME, "content": CONTENT, "metadata": METADATA}
WHERE = "proof"


@dataclass(slots=True)
class Proven:
    """What a row proof shows."""

    tree: Checkpoint | None = None
    sealed: bool = False
    """The row was followed to a seal event in the log."""
    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The opened groups."""
    exhibit: str = ""
    index: int = 0
    kind: str = ""


def check_proof(run: Run, data: bytes) -> Proven:
    """Check one proof file."""
    proven = Proven()
    try:
        proof = parse_tlog_proof(data)
        note = parse_note(proof.checkpoint)
        proven.tree = parse_checkpoint(note.text)
    except FormatError as error:
        run.malformed(WHERE, error)
        return proven
    if proof.extra is None:
        run.find("E101", WHERE, "a row proof", "nothing: this is the proof of an entry alone")
        return proven
    record = run.decode(proof.extra, ROW_PROOF, f"{WHERE} extra", limits=PROOF)
    if record is None:
        return proven
    event_data, leaf_data, entry_data = (record[name].encode() for name in ("event", "leaf", "entry"))
    keys = _log_keys(run, record, proven.tree)
    _check_row(run, record, leaf_data, proven)
    event = _event(run, event_data)
    sealed = event is not None and _check_seal(run, record, event, leaf_data, proven)
    entry = _check_entry(run, proof, proven.tree, entry_data, event_data)
    signed = _check_signatures(run, record, event, event_data, entry, keys)
    good = keys is not None and check_log_lines(run, note, proven.tree, keys, f"{WHERE} checkpoint")
    if good:
        run.did("checkpoints")
    _check_policy(run, proof, proven.tree, note, event, signed)
    proven.sealed = sealed and entry is not None and good
    if proven.sealed:
        run.did("row_proof")
    return proven


def _log_keys(run: Run, record: dict[str, Any], tree: Checkpoint) -> LogKeys | None:
    """The keys of the policy where it lists both, else those that the proof names of itself."""
    if run.policy is not None:
        listed = {key.kind: key for key in run.policy.log_keys(tree.origin)}
        if listed.keys() == {ED25519, MLDSA44}:
            return LogKeys(listed[ED25519], listed[MLDSA44])
    try:
        return parse_log_keys(record["log_keys"], tree.origin)
    except FormatError as error:
        run.malformed(f"{WHERE} log_keys", error)
        return None


def _check_row(run: Run, record: dict[str, Any], leaf_data: bytes, proven: Proven) -> None:
    """Opened groups: form (E101), and their commitments in the leaf (E201)."""
    proven.index = parse_count(record["index"])
    leaf = run.decode(leaf_data, ROW, f"{WHERE} leaf")
    for name, opened in record["groups"].items():
        where = f"{WHERE} groups.{name}"
        data = opened["bytes"].encode()
        group = run.decode(data, _SCHEMAS[name], where, limits=GROUP)
        if group is not None:
            proven.groups[name] = group
        commitment = group_commitment(name, decode_base64(opened["salt"]), data).hex()
        if leaf is not None and commitment != leaf[name]:
            run.find("E201", where, f"commitment {leaf[name]}", f"commitment {commitment}")
    if leaf is None:
        return
    proven.kind = leaf["kind"]
    for name in sorted(_SCHEMAS.keys() - record["groups"].keys()):
        run.skip("evidence", "withheld", f"{WHERE} groups.{name}", "the group was not opened", counts=False)
    if len(proven.groups) == len(_SCHEMAS):
        try:
            check_row(leaf["kind"], *(proven.groups[name] for name in _SCHEMAS))
        except FormatError as error:
            run.malformed(f"{WHERE} groups", error, code="E107")


def _event(run: Run, data: bytes) -> dict[str, Any] | None:
    try:
        return decode_event(data)
    except FormatError as error:
        run.malformed(f"{WHERE} event", error, data=data, schema=EVENT, limits=RECORD)
        return None


def _check_seal(run: Run, record: dict[str, Any], event: dict[str, Any], leaf: bytes, proven: Proven) -> bool:
    """The event seals a manifest, and the leaf is in it (E207)."""
    if event["type"] != "seal" or len(event["items"]) != 1:
        run.find("E101", f"{WHERE} event", "the seal event of one item", f"type {short(event['type'])}")
        return False
    if not knows_type(event):  # what its members mean nobody here can say
        run.find("E103", f"{WHERE} event", str(EVENT_TYPES["seal"].body.type), short(event["body"]["_t"]))
        return False
    proven.exhibit = event["items"][0]
    body = event["body"]
    hashes = [decode_base64(text) for text in record["proof"]]
    index, rows = proven.index, parse_count(body["rows"])
    root = bytes.fromhex(body["root"])
    if not verify_inclusion(index=index, size=rows, leaf_hash=leaf_hash(leaf), proof=hashes, root=root):
        run.find("E207", f"{WHERE} leaf", f"row {index} of {rows} under root {body['root']}", "another root")
        return False
    return True


def _check_entry(run: Run, proof: TlogProof, tree: Checkpoint, data: bytes, event: bytes) -> Entry | None:
    """The entry names the event (E201), and is in the log at its index (E207, E306)."""
    where = f"{WHERE} entry"
    leaf = leaf_hash(data)
    if not verify_inclusion(
        index=proof.index, size=tree.size, leaf_hash=leaf, proof=list(proof.hashes), root=tree.root
    ):
        run.find("E207", where, f"entry {proof.index} of {tree.size} under root {tree.root.hex()}", "another root")
    try:
        entry = decode_entry(data)
    except FormatError as error:
        run.malformed(where, error, data=data, schema=ENTRY, limits=RECORD)
        return None
    if (entry.index, entry.prior_size) != (proof.index, proof.index):
        run.find("E306", where, f"index {proof.index}", f"index {entry.index} after {entry.prior_size} entries")
    if entry.event != sha256(event):
        run.find("E201", f"{WHERE} event", f"SHA-256 {entry.event.hex()}", f"SHA-256 {sha256(event).hex()}")
    return entry


def _check_signatures(
    run: Run,
    record: dict[str, Any],
    event: dict[str, Any] | None,
    data: bytes,
    entry: Entry | None,
    keys: LogKeys | None,
) -> list[Signed]:
    """The signatures of the event: the entry's digests (E201), and step 4."""
    if event is None:
        return []
    carried = [text.encode() for text in record["signatures"]]
    count = len(event["signers"])
    if len(carried) != count:
        run.find("E401", f"{WHERE} signatures", f"{count} signatures", str(len(carried)))
    if entry is not None and entry.signatures != tuple(sha256(one) for one in carried):
        run.find("E201", f"{WHERE} signatures", "the digests that the entry names", "others")
    files: list[bytes | None] = [*carried[:count], *([None] * (count - len(carried)))]
    log_key = None if keys is None else keys.ed25519.key
    return check_signatures(run, event, data, files, lambda n: f"{WHERE} signatures[{n}]", log_key)


def _check_policy(
    run: Run, proof: TlogProof, tree: Checkpoint, note: Note, event: dict[str, Any] | None, signed: list[Signed]
) -> None:
    if run.policy is None:
        return
    identity = Identity(run, tree.origin)
    if event is None:
        run.skip("identity", "gap", f"{WHERE} event", "it cannot be read: nobody can say who signed it")
    else:
        identity.observe(proof.index, event, signed, f"{WHERE} event")
    identity.conclude(Bounds((), 0), where=lambda _: f"{WHERE} event")
    identity.admit_log(tree, note, f"{WHERE} checkpoint", has_event_0=proof.index == 0)
