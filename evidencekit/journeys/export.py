"""A package made of what a case has sealed; how it is packed, verified and recorded: `export_packing.py`.

Source: specs/package.md; cli.md (`export`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evidencekit.journeys.custody import Hand
from evidencekit.journeys.export_making import event_body, gather_evidence, shown_logs
from evidencekit.journeys.export_packing import Form, Packed, Verify, Wrap, packing
from evidencekit.journeys.export_payload import Contents, Progress, origins_of
from evidencekit.journeys.export_plan import Plan, Request, make_plan
from evidencekit.package.bag import Tag
from evidencekit.package.payload import Payload


@dataclass(frozen=True, slots=True)
class Exported(Packed):
    """A package that was made of a case's own rows."""

    plan: Plan


def export(
    hand: Hand,
    request: Request,
    out: Path,
    *,
    verify: Verify,
    random: Callable[[int], bytes],
    cache_folder: Path,
    form: Form = "folder",
    wrap: Wrap | None = None,
    progress: Progress = lambda *_: None,
) -> Exported:
    """Make a package at `out`, and record that; where it cannot be made, nothing is left.

    `verify` is given the package before anything is recorded; `wrap` lays encryption over an archive.

    Raises:
        BadArgument: U280 to U284, U211 to U215, U270 to U272, what is meant.
        Refused: R501 `out` exists; R574 an earlier export has yet to end; R511 a rule of custody forbids it; R551,
            R560 rows that cannot be given; R561.
        CannotFinish: X480 the content of a row is nowhere, X481 it is not what was sealed; X482 what was made does not
            verify; X483 recorded, but not moved; X402, X403, X421 to X427, X440 to X444.
    """
    with packing(hand, out, Payload, random=random, cache_folder=cache_folder) as made:
        plan = make_plan(made.record, request, cache_folder=cache_folder, payload=made.payload)

        def evidence() -> list[Tag]:
            made.payload.name_all()
            return gather_evidence(request, plan, made.payload, made.stage)

        packed = made.pack(
            plan.items,
            event_body(request, plan),
            evidence,
            Contents(origins_of(plan.shares), request.sources, progress),
            what=f": {', '.join(plan.items)}",
            stated=request.stated,
            form=form,
            wrap=wrap,
            verify=verify,
            full=request.full,
            **shown_logs(plan),
        )
    return Exported(packed.digest, packed.transfer, packed.recorded, packed.report, plan)
