"""Step 9: each sealed catalogue, from its file's digest to its root.

Source: specs/verification.md section 1 step 9, specs/manifest.md sections 7 and 9.
"""

from __future__ import annotations

import os
from io import UnsupportedOperation
from typing import Any, BinaryIO

from evidencekit.core import encoding, layout
from evidencekit.core.digest import header_commitment
from evidencekit.core.opinions import DERIVED
from evidencekit.core.records import DERIVED_TYPE, KINDS, MANIFEST, MANIFEST_TYPE, STATES
from evidencekit.core.reduced import REDUCED_DERIVED_TYPE, REDUCED_TYPE
from evidencekit.core.values import parse_count, short
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.parquet import ManifestFile
from evidencekit.verify.catalogues import Catalogue, Catalogues
from evidencekit.verify.derived import check_derived
from evidencekit.verify.headers import check_times, compare_event, compare_rows
from evidencekit.verify.log_facts import Log, Sealing
from evidencekit.verify.objects import Objects
from evidencekit.verify.reduced import ReducedCheck
from evidencekit.verify.reduced_derived import ReducedDerivedCheck
from evidencekit.verify.reductions import check_reductions, compare_erased
from evidencekit.verify.rows import RowCheck, RowSums, omissions
from evidencekit.verify.run import Run, file_sha256

MAX_FILE, MAX_FILE_ROW = 64 << 20, 4 << 20
"""Bytes of a manifest file, and more for each row that was sealed: its three groups of at most 1 MiB, and the rest."""
MAX_FOOTER, MAX_FOOTER_ROW = 1 << 20, 256
"""Bytes of its footer, which a library turns into fifty times as many; a row group takes some 700."""


_FORMATS = {
    (False, False): MANIFEST_TYPE,
    (True, False): DERIVED_TYPE,
    (False, True): REDUCED_TYPE,
    (True, True): REDUCED_DERIVED_TYPE,
}
"""Is it of opinions, is it reduced: the format that it has to be of."""


def check_manifests(run: Run, log: Log, case: str | None, objects: Objects) -> Catalogues:
    """Check the manifest of every `seal` and `derive` event."""
    catalogues = Catalogues()
    named: dict[int, int] = {}
    facts = 0
    for sealing in check_reductions(run, log):
        where = sealing.place
        before = named.setdefault(sealing.manifest, sealing.entry)
        if before != sealing.entry:  # nor is it read again: a million events could name one large file
            event = layout.event_file(sealing.entry)
            found = f"{layout.manifest_file(sealing.manifest)}, as entry {before} names"
            run.find("E301", event, "a catalogue of its own", found, step=8)
            continue
        facts += not sealing.derived
        try:
            with run.record.open(where) as file:
                run.files["checked"] += 1
                _check_file(run, file, where, sealing, case, objects, catalogues)
        except CannotFinish as error:
            run.unreadable(where, error)
        except MemoryError:
            run.skip("record", "too_many", where, "needs more memory than there is")
        except OSError as error:
            run.skip("record", "unreadable", where, f"cannot be read: {error.strerror}")
    objects.has_unread_rows = catalogues.seals < facts
    return catalogues


def _check_file(
    run: Run,
    file: BinaryIO,
    where: str,
    sealing: Sealing,
    case: str | None,
    objects: Objects,
    catalogues: Catalogues,
) -> None:
    errors = run.findings.errors - objects.faults
    try:
        _refuse_oversize(file, where, sealing.rows)
    except FormatError as error:
        run.malformed(where, error)
        return
    status = _status(file)
    found = file_sha256(file)
    try:
        manifest = _open(file, where, _FORMATS[sealing.derived, sealing.reduced > 0])
        header = _check_header(run, manifest, where, sealing, case)
        _check_rows(run, manifest, header, where, sealing, objects, catalogues, status)
        run.did("manifests")
    except FormatError as error:
        run.malformed(where, error, code="E106")
    if found != sealing.file_sha256:
        # Only where all else agrees with what was sealed it is the container alone that was altered.
        code = "E211" if run.findings.errors - objects.faults == errors else "E201"
        run.find(code, where, f"SHA-256 {sealing.file_sha256}", f"SHA-256 {found}")


def _status(file: BinaryIO) -> os.stat_result | None:
    """Return what the system says of a file, None for one that lies in an archive."""
    try:
        return os.fstat(file.fileno())
    except UnsupportedOperation:
        return None


def _refuse_oversize(file: BinaryIO, where: str, rows: int) -> None:
    """Raise FormatError (F102) for more bytes than the rows that were sealed can take, before any is hashed.

    Source: specs/verification.md section 6.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - 8, 0))
    end = file.read(8)
    footer = int.from_bytes(end[:4], "little") if end[4:] == b"PAR1" else 0
    parts = (
        (where, size, MAX_FILE + rows * MAX_FILE_ROW),
        (f"{where} footer", footer, MAX_FOOTER + rows * MAX_FOOTER_ROW),
    )
    for place, found, limit in parts:
        if found > limit:
            raise FormatError(place, expected=f"at most {limit} bytes", found=f"{found} bytes", code="F102")


def _open(file: BinaryIO, where: str, expected: str) -> ManifestFile:
    manifest = ManifestFile(file, where)
    if manifest.format != expected:
        raise FormatError("evidencekit.format", expected=expected, found=manifest.format)
    return manifest


def _check_header(
    run: Run, manifest: ManifestFile, where: str, sealing: Sealing, case: str | None
) -> dict[str, Any] | None:
    """The header: commitment (E201), form, case, exhibit, and what the event repeats (E108)."""
    place = f"{where} header"
    commitment = header_commitment(manifest.header_salt, manifest.header).hex()
    if commitment != sealing.header:
        run.find("E201", place, f"commitment {sealing.header}", f"commitment {commitment}")
    schema = DERIVED if sealing.derived else MANIFEST
    try:
        header = encoding.decode(manifest.header)
        schema.check(header)
    except FormatError as error:
        run.malformed(place, error, data=manifest.header, schema=schema, code="E108")
        return None
    repeated: dict[str, Any] = {"exhibit": sealing.exhibit}
    if case is not None:
        repeated["case"] = case
    if sealing.derived:
        repeated |= {"base_root": sealing.base_root, "engine": sealing.engine, "kind": sealing.kind}
    for name, expected in repeated.items():
        if header[name] != expected:
            run.find("E108", place, f"{name} {short(expected)}", f"{name} {short(header[name])}")
    if not sealing.derived and not {"blake3", "sha256"} <= set(header["digests"]):
        run.find("E108", place, "blake3 and sha256 among the digests", " ".join(header["digests"]))
    check_times(run, place, header)
    if not sealing.derived:
        compare_event(run, place, header, sealing)
    return header


def _check_rows(
    run: Run,
    manifest: ManifestFile,
    header: dict[str, Any] | None,
    where: str,
    sealing: Sealing,
    objects: Objects,
    catalogues: Catalogues,
    status: os.stat_result | None,
) -> None:
    if sealing.derived:
        wanted = (sealing.exhibit, sealing.base_root)
        facts = catalogues.facts.values()
        base = next((one for one in facts if (one.sealing.exhibit, one.sealing.root) == wanted), None)
        root: bytes | None
        gone = 0
        if sealing.reduced:
            check = ReducedDerivedCheck(run, manifest, where, sealing, header, base)
            root, totals = check.check()
            gone = check.gone
            compare_erased(run, sealing, gone)
        else:
            root, totals = check_derived(run, manifest, where, sealing, header, base)
        rows = totals["rows"]
        catalogues.derived_rows += rows
        if header is not None:
            found = {name: str(count) for name, count in totals.items()}
            _compare_totals(run, where, header["totals"], found, least=gone > 0)
    else:
        catalogue = Catalogue(sealing, header, manifest.rows_count, None, status=status)
        catalogues.facts.setdefault(sealing.manifest, catalogue)
        if sealing.reduced:
            reduced = ReducedCheck(run, manifest, where, header, objects)
            sums = reduced.check()
            compare_erased(run, sealing, reduced.erased)
        else:
            sums = RowCheck(run, manifest, where, header, objects).check()
        catalogue.notes, catalogue.marks = sums.notes, sums.marks
        catalogues.seals += 1
        catalogues.rows += sums.rows
        catalogues.size += sums.size
        catalogues.states.update(sums.states)
        root, rows = sums.root, sums.rows
        if header is not None:
            _compare_sums(run, where, header["totals"], sums)
            compare_rows(run, f"{where} header", header, sums)
        left = omissions(sums.states)
        if left:
            run.find("W907", where, "rows that are complete", left)
    if root is None or (root.hex(), rows) != (sealing.root, sealing.rows):
        expected = f"root {sealing.root} over {sealing.rows} rows"
        run.find("E202", where, expected, f"{'no root' if root is None else 'root ' + root.hex()} over {rows} rows")


def _compare_sums(run: Run, where: str, totals: dict[str, Any], sums: RowSums) -> None:
    """Totals of facts (E112); what unreadable rows would add is not held against the header."""
    found: dict[str, Any] = {"rows": str(sums.rows)}
    if not sums.states["unreadable"]:
        found["bytes"] = str(sums.size)
        found["kinds"] = {kind: str(sums.kinds[kind]) for kind in KINDS}
        found["states"] = {state: str(sums.states[state]) for state in STATES}
    _compare_totals(run, where, totals, found, least=sums.states["erased"] > 0)


def _compare_totals(
    run: Run, where: str, totals: dict[str, Any], found: dict[str, Any], prefix: str = "", *, least: bool = False
) -> None:
    """Name each sum that differs; `least`: rows were erased, so a sum is at least what the others add up to."""
    for name, value in found.items():
        if isinstance(value, dict):
            _compare_totals(run, where, totals[name], value, f"{name}.", least=least)
            continue
        is_exact = not least or name == "rows" or prefix == "kinds."
        if totals[name] != value and (is_exact or parse_count(totals[name]) < parse_count(value)):
            expected = f"totals.{prefix}{name} {'' if is_exact else 'at least '}{value}"
            run.find("E112", f"{where} header", expected, f"totals.{prefix}{name} {totals[name]}")
