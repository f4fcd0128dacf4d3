"""Step 9, what `erase` events say of catalogues: which form stands for which, and of how many rows something is gone.

Source: specs/manifest.md section 10.
"""

from __future__ import annotations

from evidencekit.core import layout
from evidencekit.core.reduced import Reduction
from evidencekit.verify.log_facts import Log, Sealing
from evidencekit.verify.run import Run
from evidencekit.verify.selections import MAX_DEPTH


def check_reductions(run: Run, log: Log) -> list[Sealing]:
    """Return the catalogues as they stand now; say what is wrong with an `erase` event's manifests (E116, E114)."""
    sealings = {sealing.manifest: sealing for sealing in reversed(log.sealings)}
    parents = {part.part: split.parent for split in log.splits if not split.is_copy for part in split.parts}
    newest: dict[int, Reduction] = {}
    for one in log.reductions:
        where = layout.event_file(one.entry)
        sealing = sealings.get(one.manifest)
        if sealing is None or sealing.entry > one.entry:
            run.find("E116", where, "a catalogue that an event before sealed", f"number {one.manifest}")
            continue
        if sealing.exhibit not in {name for item in one.items for name in _line(item, parents)}:
            found = f"catalogue {one.manifest} of {sealing.exhibit}"
            run.find("E116", where, f"a catalogue of {', '.join(one.items)}", found)
        before = newest.get(one.manifest)
        reduced, rows = (0, 0) if before is None else (before.reduced, before.rows)
        if one.reduced != reduced + 1:
            run.find("E116", where, f"form r{reduced + 1} of catalogue {one.manifest}", f"form r{one.reduced}")
        if not rows <= one.rows <= sealing.rows:
            run.find("E114", where, f"from {rows} to {sealing.rows} rows", f"{one.rows} rows of {one.place}")
        newest[one.manifest] = one
    return [_standing(sealing, newest.get(sealing.manifest)) for sealing in log.sealings]


def compare_erased(run: Run, sealing: Sealing, found: int) -> None:
    """Compare the rows of which something is erased with what the event says (E114); say what nobody can check."""
    if found != sealing.erased:
        expected = f"{sealing.erased} rows of which something is erased, as the event says"
        run.find("E114", sealing.place, expected, f"{found}")
    if found:
        reason = f"{found} rows were erased by an order: what they said, and sums that rest on it, cannot be checked"
        run.skip("record", "erased", sealing.place, reason, counts=False)


def _line(item: str, parents: dict[str, str]) -> list[str]:
    """Return an item and those that it is a part of."""
    line = [item]
    while line[-1] in parents and len(line) < MAX_DEPTH:
        line.append(parents[line[-1]])
    return line


def _standing(sealing: Sealing, reduction: Reduction | None) -> Sealing:
    if reduction is None:
        return sealing
    return sealing._replace(reduced=reduction.reduced, file_sha256=reduction.file_sha256, erased=reduction.rows)
