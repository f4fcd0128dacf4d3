"""Opening a case: identity, case file, event 0, first checkpoint, as one folder. Source: specs/store.md section 2."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Any

from evidencekit.core import encoding, layout
from evidencekit.core.checkpoint import Checkpoint, check_origin
from evidencekit.core.custody import Custody
from evidencekit.core.digest import sha256
from evidencekit.core.event import NAMESPACE, Entry, encode_entry, encode_event, new_event
from evidencekit.core.merkle import EMPTY_ROOT, CompactRange, leaf_hash
from evidencekit.core.records import CASE, CASE_TYPE
from evidencekit.core.values import display, encode_base64, format_instant, moment
from evidencekit.errors import CannotFinish, Refused
from evidencekit.seal.ledger import Clock, Random
from evidencekit.seal.logkeys import LogKeys, refuse_log_key_as_person
from evidencekit.seal.sign import Signer
from evidencekit.write.durable import cannot_write, publish, write_new
from evidencekit.write.systems import THIS


def open_case(
    path: Path,
    *,
    identity: bytes,
    reference: str,
    agency: str,
    signer: Signer,
    actor: dict[str, Any],
    keys: LogKeys,
    clock: Clock,
    random: Random,
    utc_offset_min: int | None,
) -> Checkpoint:
    """Make the case folder with event 0 and its checkpoint; return the checkpoint.

    `identity` is 16 random bytes. The folder appears whole or not at all.

    Raises:
        Refused: R501, the folder exists and is not empty; R506, it lies inside a case; R519, the signer's key is
            the log's.
        FormatError: an origin or text outside the format.
    """
    check_origin(keys.origin)
    refuse_log_key_as_person(keys, [signer.public_key.blob])
    now = moment(clock(), utc_offset_min=utc_offset_min)
    opening = {
        "agency": agency,
        "created_at": now,
        "log_keys": list(keys.vkeys),
        "origin": keys.origin,
        "reference": reference,
    }
    case = encode_base64(identity)
    record = {"_t": CASE_TYPE, "case": case, **opening}
    CASE.check(record)
    event = encode_event(
        new_event(
            kind="open",
            items=[],
            body=opening,
            case=case,
            actor=actor,
            signers=[signer.fingerprint],
            seen={"origin": keys.origin, "root": EMPTY_ROOT.hex(), "size": "0"},
            nonce=encode_base64(random(16)),
            occurred_at=now,
        )
    )
    signature = signer.sign(event, NAMESPACE)
    entry = encode_entry(
        Entry(
            index=0,
            event=sha256(event),
            head=0,
            items_prev=Custody().places([]),
            prior_root=EMPTY_ROOT,
            prior_size=0,
            recorded_at=format_instant(clock()),
            signatures=(sha256(signature),),
        )
    )
    tree = CompactRange()
    tree.append(leaf_hash(entry))
    checkpoint = Checkpoint(keys.origin, 1, tree.root())
    files = {
        layout.CASE_FILE: encoding.encode(record),
        layout.event_file(0): event,
        layout.signature_file(0, 0): signature,
        layout.entry_file(0): entry,
        layout.checkpoint_file(1): keys.sign_checkpoint(checkpoint),
    }
    _publish_folder(path, files, random)
    return checkpoint


def refuse_taken(path: Path) -> None:
    """Raise Refused where `path` exists and is not an empty folder (R501), or would lie inside another case (R506)."""
    for above in Path(os.path.realpath(path)).parents:
        if (above / layout.CASE_FILE).is_file() and (above / layout.CUSTODY).is_dir():
            raise Refused(
                f"{display(str(path))} would lie inside the case {display(str(above))}.",
                code="R506",
                hint="Nothing was written. Open the case beside the other one.",
            )
    if not os.path.lexists(path):
        return
    if path.is_symlink() or not path.is_dir() or _has_names(path):
        what = "exists and is not an empty folder"
    elif path.samefile("."):
        what = "is the folder you stand in, and would be replaced"
    else:
        return
    raise Refused(f"{display(str(path))} {what}.", code="R501", hint="Nothing was changed. Choose another name.")


def _has_names(folder: Path) -> bool:
    try:
        return any(folder.iterdir())
    except OSError as error:
        raise cannot_write(folder, error) from error


def _publish_folder(path: Path, files: dict[str, bytes], random: Random) -> None:
    refuse_taken(path)
    if not path.parent.is_dir():
        raise CannotFinish(
            f"The folder {display(str(path.parent))} does not exist.", code="X422", hint="Make it first."
        )
    temporary = path.parent / f"{layout.TEMPORARY}{random(8).hex()}"
    try:
        temporary.mkdir(mode=path.stat().st_mode & 0o777 if path.is_dir() else 0o777)
        for name, data in files.items():
            (temporary / name).parent.mkdir(parents=True, exist_ok=True)
            write_new(temporary / name, data)
        (temporary / layout.MANIFESTS).mkdir()
        for folder in filter(Path.is_dir, temporary.rglob("*")):  # the names of folders, too, are to be durable
            THIS.sync(folder)
        if path.is_dir():
            path.rmdir()
        publish(temporary, path)
    except BaseException as error:
        _take_back(path, temporary, files)
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise


def _take_back(path: Path, temporary: Path, files: dict[str, bytes]) -> None:
    """Leave nothing, even where the failure came after the folder had got its name."""
    with contextlib.suppress(OSError):
        if (path / layout.event_file(0)).read_bytes() == files[layout.event_file(0)]:  # ours: it carries our nonce
            path.rename(temporary)
    shutil.rmtree(temporary, ignore_errors=True)
