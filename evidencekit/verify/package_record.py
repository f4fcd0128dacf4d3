"""`package.json`: its form, the exporter's signature, and that it lists every file that is no payload.

Source: specs/package.md section 8 step 3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.encoding import PROOF
from evidencekit.core.note import parse_vkey
from evidencekit.core.package_records import NAMESPACE, PACKAGE
from evidencekit.core.values import display
from evidencekit.errors import FormatError
from evidencekit.read.package import RECORD, Package
from evidencekit.read.package_names import PAYLOAD
from evidencekit.verify.package_bag import PAYLOAD_MANIFESTS, TAG_MANIFESTS, Bag
from evidencekit.verify.run import Run
from evidencekit.verify.signatures import Signed, check_signatures

SIGNATURE = f"{RECORD}.sig"
_NEVER_LISTED = {RECORD, SIGNATURE, *TAG_MANIFESTS, *PAYLOAD_MANIFESTS}


def read_package_record(run: Run, where: str = RECORD) -> tuple[dict[str, Any] | None, bytes]:
    """Return `package.json` in its only form (else E101 to E103, E501), and its bytes."""
    data = run.read(where, PROOF.size)
    if data is None:
        return None, b""
    return run.decode(data, PACKAGE, where, limits=PROOF), data


def check_signature(run: Run, record: dict[str, Any], data: bytes, where: str = SIGNATURE) -> list[Signed]:
    """Check the exporter's signature (E401 to E404)."""
    missing = run.findings.counts["E501"]
    armoured = run.read(where, layout.MAX_SIGNATURE_FILE)
    key = record["exporter"]["key"]
    if run.findings.counts["E501"] > missing:
        run.find("E401", where, f"a signature by {key}", "none")
    signers = {"signers": [key]}
    return check_signatures(run, signers, data, [armoured], lambda _: where, _log_key(record), NAMESPACE)


def check_files(run: Run, package: Package, bag: Bag, record: dict[str, Any]) -> None:
    """Compare `files` with what is there, both ways (E501, E201, E165)."""
    listed = {file["path"]: file for file in record["files"]}
    for path in sorted(_NEVER_LISTED & listed.keys()):
        run.find("E165", RECORD, "files that it can list", path)
    for path, file in listed.items():
        number = package.number(path)
        if path.startswith(PAYLOAD):
            run.find("E165", RECORD, "no payload among files", display(path))
        elif number is None:
            run.find("E501", display(path), "a file that package.json lists", "none")
        elif (found := bag.sha256(number)) is not None:
            run.did("package_files", total=len(listed))
            size = package.size(path)
            if (found.hex(), str(size)) != (file["sha256"], file["bytes"]):
                expected = f"{file['bytes']} bytes, SHA-256 {file['sha256']}"
                run.find("E201", display(path), expected, f"{size} bytes, SHA-256 {found.hex()}")
    for path in package.record_names:
        if path not in listed and path not in _NEVER_LISTED:
            run.find("E165", display(path), "a file that package.json lists", "one that it does not list")


def differing(said: dict[str, Any], record: dict[str, Any]) -> Iterator[tuple[str, object, object]]:
    """Yield what a `receive` event says otherwise than the package's record: the member, as stated, as carried."""
    for name, stated in said.items():
        carried = record[name]
        if name == "items":
            carried = sorted(carried)
        elif name == "exporter":  # the event has name and key of him
            carried = {member: carried[member] for member in stated}
        if stated != carried:
            yield name, stated, carried


def package_facts(record: dict[str, Any] | None, data: bytes, kind: str) -> dict[str, Any]:
    """Return what a report says of a package (specs/report.schema.json)."""
    facts: dict[str, Any] = {"container": kind, "digest": sha256_hex(data) if data else None}
    names = (
        *("confidentiality", "created_at", "exporter", "full", "hash_only", "items", "manifests"),
        *("onward_transfer", "previous", "recipient", "transfer", "use_limits"),
    )
    facts |= {name: None if record is None else record[name] for name in names}
    return facts | {name: record[name] for name in ("branches", "request") if record is not None and name in record}


def _log_key(record: dict[str, Any]) -> bytes | None:
    """Return the log's Ed25519 key, as the package says: no person may sign with it."""
    try:
        return parse_vkey(record["log_keys"][0]).key
    except FormatError:
        return None
