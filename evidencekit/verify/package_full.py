"""A full package has the sealed catalogues, too: they are checked as in a case.

Large values and copies that rows name are not in a package. Source: specs/package.md section 8 step 6.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from evidencekit.errors import CannotFinish
from evidencekit.verify.log_facts import Log
from evidencekit.verify.manifests import check_manifests
from evidencekit.verify.objects import Objects
from evidencekit.verify.run import Run


def check_full(run: Run, log: Log, case: str | None, numbers: Collection[int]) -> None:
    """Check the catalogues of these numbers; `run` looks at `evidence/`."""
    sealings = [one for one in log.sealings if one.manifest in numbers and _can_be_read(run, one.place)]
    check_manifests(run, replace(log, sealings=sealings), case, _NoObjects(run))


def _can_be_read(run: Run, place: str) -> bool:
    """Tell whether any part of a catalogue can be read: not of one that a .zip has deflated."""
    try:
        with run.record.open(place) as file:
            if file.seekable():
                return True
    except CannotFinish:
        return True  # which is said once it is read
    run.skip("record", "not_supported", place, "it is deflated in its archive: unpack that, and verify the folder")
    return False


class _NoObjects(Objects):
    """The objects of rows: none of them is here, and none is asked for."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._unnamed = self.faults = 0

    def name(self, row: str, digest: str, size: int, *, demanded: bool) -> None:
        """Hear of an object that a row names."""
