"""Step 18: packages that were received, each verified as a package, and held against the event that received it.

Findings are named by their places in the whole: `packages/DIGEST16/…`, the first 16 digits of the package digest.
Source: specs/verification.md section 1 step 18, specs/store.md section 10.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish
from evidencekit.read.package import RECORD
from evidencekit.read.package_folder import FolderPackage
from evidencekit.read.package_names import BadContainer
from evidencekit.verify.log_facts import Reception
from evidencekit.verify.package import PackageFound, examine_package
from evidencekit.verify.package_record import differing
from evidencekit.verify.run import Run

if TYPE_CHECKING:
    from evidencekit.verify.examine import Examined

STEP = 18


def check_received(run: Run, found: Examined) -> None:
    """Verify each package that the case `found` has received, and add what it came to."""
    seen: set[str] = set()
    for reception in found.log.receptions:
        if reception.package not in seen:  # the second time is E301
            seen.add(reception.package)
            run.did("packages")
            _check(run, found, reception)


def _check(run: Run, found: Examined, reception: Reception) -> None:
    place = layout.package_folder(reception.package)
    path = run.case.path / place
    if path.is_symlink() or path.parent.is_symlink() or not path.is_dir():
        run.find("E501", place, "the package that was received", "none", step=STEP)
        run.files["not_checked"] += 1
        return
    inner = replace(
        run, store=None, prefix=f"{run.prefix}{layout.PACKAGES}/{reception.package[:16]}/", done=set(), files=Counter()
    )
    package = PackageFound()
    try:
        with FolderPackage(path) as opened:
            examine_package(inner, opened, package, None)
    except BadContainer as error:
        inner.find(error.finding, error.place, error.expected, error.found, step=STEP)
    except CannotFinish as error:
        inner.skip("record", "unreadable", RECORD, error.message)
    finally:
        run.files.update(inner.files)
        run.not_checked_total, run.bytes_read = inner.not_checked_total, inner.bytes_read
    if package.data:
        _hold_against_event(run, inner, reception, package)
    found.packages += 1
    found.whole_packages += bool(package.rows.compared and not package.rows.left)
    found.package_rows += package.rows.rows
    found.proven_packages += package.rows.has_catalogue


def _hold_against_event(run: Run, inner: Run, reception: Reception, package: PackageFound) -> None:
    """E201 unless it is the package that the event names; E309 unless it says what the event says of it."""
    digest = sha256_hex(package.data)
    if digest != reception.package:
        inner.find("E201", RECORD, f"SHA-256 {reception.package}, as entry {reception.entry} says", digest, step=STEP)
        return
    if package.record is None:
        return
    for name, stated, carried in differing(reception.said, package.record):
        where = layout.event_file(reception.entry)
        run.find("E309", where, display(f"package: {name} {stated}"), display(str(carried)), step=STEP)
