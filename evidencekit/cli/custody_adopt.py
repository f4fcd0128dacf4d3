"""`evidencekit custody adopt`: another case, with its history, as a branch of this one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evidencekit.cli import surroundings
from evidencekit.cli.custody_acting import Acting, acting, resolver, tell_recorded
from evidencekit.cli.custody_fields import field_options, read_fields
from evidencekit.cli.inputs import policy_in, policy_option
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.render import Screen, counted, human_size
from evidencekit.core.values import display


@click.command()
@case_argument
@click.argument("fieldcase", type=PATH)
@click.option("--as", "name", required=True, metavar="NAME", help="Name of the branch: its items become NAME/EX-001.")
@policy_option("Whom you believe: see `evidencekit policy`.")
@field_options(["adopt"])
@acting
@output
def adopt(
    case: Path,
    fieldcase: Path,
    name: str,
    policy: Path | None,
    named: tuple[str, ...],
    acts: Acting,
    screen: Screen,
    **given: Any,
) -> int:
    """Take over the items of another case that are offered to you, and the whole case with them.

    FIELDCASE is verified, copied byte for byte to CASE/branches/NAME, read again and compared; then the items exist
    here as NAME/EX-001, and you hold them. Both histories stay provable. What FIELDCASE has adopted comes with it.

    \b
    Example:
      evidencekit custody adopt CASE /media/stick/CASE --as field --signer lab

    Exit codes: 0 adopted · 2 usage · 3 FIELDCASE does not verify · 4 keys or cases cannot be used
    · 5 nothing is offered to you, or another rule forbids it; nothing recorded.
    """
    from evidencekit.journeys.custody_adopt import adopt as adopt_case
    from evidencekit.journeys.holds_adopted import holds_of_adopted

    body = read_fields("adopt", given, named, resolver(case))
    chosen = policy_in(policy)
    with screen.progress("copying") as meter:
        hand = acts.on(case)
        done = adopt_case(
            hand, fieldcase, name, stated=body, policy=chosen, now=surroundings.clock(),
            progress=lambda files, size: meter.tell(f"{counted(files, 'file')}, {human_size(size)}"),
        )  # fmt: skip
    screen.say(f"{display(str(fieldcase))}: {done.report.line}: {done.report.reason}")
    screen.say(f"copied to branches/{name}: {counted(done.copied.files, 'file')}, {human_size(done.copied.bytes)}")
    held = {item: sorted(set(holds_of_adopted(case, item))) for item in done.recorded.items}
    held = {item: names for item, names in held.items() if names}
    tell_recorded(
        screen, done.recorded, hand, branch=name, files=done.copied.files, held=held, verdict=done.report.verdict
    )
    for item, names in held.items():
        screen.say(f"UNDER HOLD in its own log: {item}: {', '.join(map(display, names))}", "warning")
        screen.say(f"  evidencekit hold open CASE --item {item} --name {display(names[0])} takes it over")
    return 0
