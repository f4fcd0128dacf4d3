"""Step 9: does what a sealed header says fit the rest: its own times, the acquisition's event, the rows?

Source: specs/verification.md section 1 step 9, specs/manifest.md section 7.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from evidencekit.core import layout
from evidencekit.core.event import decode_event
from evidencekit.core.values import parse_count
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.verify.log_facts import Sealing
from evidencekit.verify.rows import RowSums
from evidencekit.verify.run import Run


def check_times(run: Run, place: str, header: dict[str, Any]) -> None:
    """Begun, taken up again, finished: in this order (W904, since clocks do go back)."""
    again = header.get("interruptions", {}).get("resumed_at", [])
    times = [moment["time"] for moment in (header["started_at"], *again, header["finished_at"])]
    for before, after in pairwise(times):
        if after < before:
            run.find("W904", place, f"{before} or later", after)


def compare_event(run: Run, place: str, header: dict[str, Any], sealing: Sealing) -> None:
    """The digests that were taken: those that the `acquire` event says (E108)."""
    if sealing.acquired is None:
        return
    where = layout.event_file(sealing.acquired)
    try:
        said = decode_event(run.record.read(where, layout.MAX_RECORD_FILE))["body"]["digests"]
    except (CannotFinish, FormatError):
        return  # step 3 named it
    if header["digests"] != said:
        run.find("E108", place, f"digests {' '.join(said)}, as {where} says", " ".join(header["digests"]))


def compare_rows(run: Run, place: str, header: dict[str, Any], sums: RowSums) -> None:
    """Rows left out need a glob (E108); rows kept and taken again after interruptions are rows (E112)."""
    options = header["options"]
    if sums.excluded and not options["exclude"] and not options["include"]:
        run.find("E108", place, f"the globs that left out {sums.excluded} rows", "none")
    if "interruptions" in header:
        kept, again = (parse_count(header["interruptions"][name]) for name in ("rows_kept", "rows_taken_again"))
        if kept + again > sums.rows:
            expected = f"at most {sums.rows} rows kept or taken again"
            run.find("E112", place, expected, f"{kept} kept and {again} taken again")
