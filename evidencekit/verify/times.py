"""Step 15: between which times every event lies, as outside parties prove it. The tokens are read by `stamps`.

Source: specs/time.md section 3; specs/verification.md section 1 step 15.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from evidencekit.core import layout
from evidencekit.core.log_types import TIME_STAMP
from evidencekit.core.proven_time import Bounds, ProvenTime, Span
from evidencekit.core.values import display, format_instant, short
from evidencekit.verify.checkpoints import Notes
from evidencekit.verify.log_facts import Log
from evidencekit.verify.run import Run

MAX_BOUNDS = 1_000
"""Spans that a report lists."""
CLOCK_TOLERANCE_NS = 300 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Times:
    """What came of all proven times."""

    bounds: Bounds = field(default_factory=lambda: Bounds((), 0))
    covered_by: tuple[str, ...] = ()
    """Authorities, by the policy's names, that stamped all that happened."""
    reason: str = "the log could not be followed"
    """Why the policy's demand is not met; empty where it is."""

    @property
    def is_met(self) -> bool:
        """Whether as many authorities as the policy wants have stamped all that happened."""
        return not self.reason

    def as_record(self) -> dict[str, Any]:
        """Return the member `times` of a report (specs/report.schema.json)."""
        spans = [span for span in self.bounds.spans if span.after is not None or span.before is not None]
        return {
            "bounds": [_span_record(span) for span in spans[:MAX_BOUNDS]],
            "bounds_total": len(spans),
            "covered_by": list(self.covered_by),
        }


def _span_record(span: Span) -> dict[str, Any]:
    return {
        "first": span.first,
        "last": span.end - 1,
        "not_after": _shown(span.latest_ns),
        "not_after_by": None if span.before is None else display(span.before.by),
        "not_before": _shown(span.earliest_ns),
        "not_before_by": None if span.after is None else display(span.after.by),
    }


def _shown(ns: int | None) -> str | None:
    return None if ns is None else format_instant(ns)


def stamped_times(run: Run, log: Log, notes: Notes) -> list[ProvenTime]:
    """Check the time-stamps that events name, and return the times that authorities of the policy prove.

    Without any, X.509 and ASN.1 are not loaded, which take longer than a small case.
    """
    if not any(anchor.kind == TIME_STAMP for anchor in log.anchors):
        return []
    from evidencekit.verify.stamps import check_stamps  # noqa: PLC0415 (as said)

    return check_stamps(run, log, notes)


def conclude_times(run: Run, log: Log, proven: Sequence[ProvenTime]) -> Times:
    """Compute the bounds from all proven times, name contradictions (E429, W931), and judge the policy's demand."""
    bounds = Bounds(proven, log.size)
    for span in bounds.spans:
        if span.contradicts_itself and span.before is not None and span.after is not None:
            latest, earliest = format_instant(span.before.latest_ns), format_instant(span.after.earliest_ns)
            expected = f"not later than {latest}, by {short(span.before.by)}"
            found = f"not earlier than {earliest}, by {short(span.after.by)}"
            run.find("E429", layout.entry_folder(span.first), expected, found)
        else:
            _compare_clock(run, log, span)
    last = log.size
    anchors = {anchor.entry for anchor in log.anchors}
    while last - 1 in anchors:  # an anchor cannot be stamped by the token that it names
        last -= 1
    covered_by = tuple(sorted({time.by for time in proven if time.kind == TIME_STAMP and time.size >= last}))
    return Times(bounds, covered_by, _reason(run, log, covered_by, last))


def _compare_clock(run: Run, log: Log, span: Span) -> None:
    """W931, once a span and side: the clock of the recording computer against the bounds."""
    for side, limit in (("not before", span.earliest_ns), ("not after", span.latest_ns)):
        if limit is None:
            continue
        for entry in range(span.first, min(span.end, len(log.recorded))):
            at = log.recorded[entry] * 1_000_000_000
            wrong = limit - at if side == "not before" else at - limit
            if at and wrong > CLOCK_TOLERANCE_NS:
                run.find("W931", layout.entry_file(entry), f"{side} {format_instant(limit)}", format_instant(at))
                break


def _reason(run: Run, log: Log, covered_by: tuple[str, ...], last: int) -> str:
    stamps = sum(anchor.kind == TIME_STAMP for anchor in log.anchors)
    if not stamps:
        return "no time-stamp is recorded: `evidencekit checkpoint timestamp`"
    if run.policy is None:
        return f"no policy was given, so nobody says whose the {stamps} recorded time-stamps are"
    wanted = run.policy.time.authorities
    if len(covered_by) >= wanted:
        return ""
    by = f"{len(covered_by)} ({', '.join(covered_by)})" if covered_by else "none"
    return f"the policy wants {wanted} authorities to have stamped all entries up to {last - 1}; found {by}"
