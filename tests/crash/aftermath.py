"""What must hold after a crash, whatever it was, and after a resumption.

What must never be: FAILED, VERIFIED over something half, a file under its final name with half its content.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from evidencekit.core import layout
from evidencekit.core.checkpoint import parse_checkpoint
from evidencekit.core.encoding import decode
from evidencekit.core.event import decode_entry, decode_event
from evidencekit.core.note import parse_note
from evidencekit.core.sshsig import parse_sshsig
from evidencekit.read.parquet import ManifestFile
from evidencekit.verify.verifier import verify_case


def check_every_file_is_whole(rc, case):
    """Under final names stand whole files only, each at its place."""
    for place, data in rc.snapshot(case).items():
        first, _, rest = place.partition("/")
        if place == "case.json" or first == "objects":
            assert first != "objects" or hashlib.sha256(data).hexdigest() == Path(rest).name
        elif first == "manifests":
            with (case / place).open("rb") as file:
                manifest = ManifestFile(file, place)
                assert sum(1 for _ in manifest.batches()) >= (manifest.rows_count > 0)
        elif first == "checkpoints":
            assert parse_checkpoint(parse_note(data).text).size == int(rest)
        elif rest.endswith("/entry"):
            assert decode_entry(data).index == int(rest.split("/")[0])
        elif rest.endswith("/event.json"):
            decode_event(data)
        else:
            assert rest.endswith("/event.json.sig"), place
            parse_sshsig(data)
    for folder in (case / "custody").iterdir():
        if not folder.name.startswith(layout.TEMPORARY):
            assert sorted(os.listdir(folder)) == ["entry", "event.json", "event.json.sig"]


def check_after_a_crash(rc, case, office):
    """As before, or unfinished, or sealed: never broken, never more than what stands under a checkpoint."""
    check_every_file_is_whole(rc, case)
    report = verify_case(case, policy=office.policy())
    codes = {finding.code for finding in report.findings}
    assert codes <= {"W901", "W902", "W903"}, [finding.as_record() for finding in report.findings]
    sealed = any(event["type"] == "seal" for event in checkpointed(case))
    finished = not codes & {"W901", "W902"}
    assert report.verdict == ("VERIFIED" if sealed and finished else "NOT CHECKED")
    if "W902" in codes:  # large values and copies are published just before the manifest that names them
        strays = {finding.where for finding in report.findings if finding.code == "W902"}
        assert all(where.startswith("objects/") for where in strays)
    return report


def checkpointed(case):
    """The events below the newest checkpoint."""
    size = max(int(name) for name in os.listdir(case / "checkpoints") if not name.startswith(layout.TEMPORARY))
    return [decode_event((case / layout.event_file(index)).read_bytes()) for index in range(size)]


def is_done(case):
    """Nothing is left to resume."""
    return checkpointed(case)[-1]["type"] == "derive" and not list((case / layout.WORK).glob("EX-*"))


def record(rc, case):
    """What two acquisitions of one source agree on: all but salts, access times and who came when; and the objects."""
    events = checkpointed(case)
    manifest = int(next(event["body"]["manifest"] for event in events if event["type"] == "seal"))
    rows = []
    for row in rc.rows(case, manifest):
        metadata = {name: value for name, value in decode(row.metadata).items() if name != "atime_ns"}
        rows.append((row.path, row.kind, row.name, row.content, metadata))
    objects = case / "objects"
    return rows, sorted(path.relative_to(objects).as_posix() for path in objects.rglob("*") if path.is_file())


def check_whole(rc, case, source, office, undisturbed):
    """Sealed, typed, verified with the source; and just what an undisturbed acquisition gives."""
    report = verify_case(case, policy=office.policy(), sources={"EX-001": source})
    assert report.verdict == "VERIFIED", [finding.as_record() for finding in report.findings]
    assert {finding.code for finding in report.findings} <= {"W903"}, report.findings
    assert office.ledger(case).custody.items["EX-001"].derived is not None
    assert record(rc, case) == undisturbed
    assert not list((case / layout.WORK).glob("EX-*"))
