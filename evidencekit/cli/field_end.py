"""The end of a sitting: the case is verified, its checkpoint shown, receipt and handover are offered.

Source: specs/field.md section 7.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from evidencekit import __version__
from evidencekit.cli import surroundings
from evidencekit.core.values import display
from evidencekit.errors import EvidenceError

if TYPE_CHECKING:
    from evidencekit.cli.field_guide import Guide
    from evidencekit.cli.field_work import Work

_VERDICTS = {
    "FAILED": ("end_failed", "error", 3),
    "INTEGRITY ONLY": ("end_intact", None, 0),
    "NOT CHECKED": ("end_not_checked", "warning", 4),
    "VERIFIED": ("end_intact", None, 0),
}
"""What is said of a verdict, how, and the exit code."""


def end(guide: Guide, work: Work) -> int:
    """Verify, show, offer; return the exit code."""
    terminal = guide.terminal
    terminal.rule(terminal.texts("end"))
    code = _verify(guide)
    _show_checkpoint(guide)
    for offer in (_offer_receipt, _offer_handover):
        try:
            offer(guide, work)
        except EvidenceError as error:
            if error.code == "X499":
                raise
            terminal.tell("work_failed", "error")
            terminal.refused(error)
    terminal.screen.say()
    terminal.place("end_keep", guide.case)
    return code


def _verify(guide: Guide) -> int:
    """Verify the case without a policy: nobody on the spot has one; return 0, 3 or 4."""
    from evidencekit.verify.verifier import verify_case

    report = verify_case(guide.case, now=surroundings.clock())
    holds = all(report.aspects[name].status == "ok" for name in ("record", "custody"))
    is_alone = report.verdict == "NOT CHECKED" and holds  # things were taken along, and nothing was read
    text, style, code = ("end_record_alone", None, 0) if is_alone else _VERDICTS[report.verdict]
    guide.terminal.tell(text, style)
    for finding in report.findings:
        what = guide.texts.finding(finding.code)
        guide.terminal.say(f"{finding.code} {display(str(finding.where))}: {what}", "warning", indent=2)
    return code


def _show_checkpoint(guide: Guide) -> None:
    from evidencekit.cli.checkpoint import show

    terminal = guide.terminal
    terminal.screen.say()
    terminal.tell("end_checkpoint")
    terminal.screen.say()
    if show.callback is not None:
        how = {"as_json": False, "no_color": True, "quiet": False}
        show.callback(case=guide.case, size=None, whole=False, qr=terminal.draws_blocks, qr_out=None, **how)


def _offer_receipt(guide: Guide, _work: Work) -> None:
    from evidencekit.cli.pages import PageForm, page_writer
    from evidencekit.journeys.field_receipt import make_receipt

    terminal = guide.terminal
    terminal.screen.say()
    if not terminal.confirm("end_receipt"):
        return
    items = [str(answers["exhibit"].text) for answers in guide.state.done]
    program = f"evidencekit {__version__}"
    now = surroundings.clock()
    _, page = make_receipt(guide.case, terminal.texts, items=items, now=now, program=program)
    path = _free(guide.case.with_name(f"{guide.case.name}-receipt.html"))
    page_writer(PageForm("html", None), made=now, screen=terminal.screen)(path, page, None)
    terminal.place("end_written", path)


def _offer_handover(guide: Guide, work: Work) -> None:
    from evidencekit.cli.custody_acting import resolver
    from evidencekit.cli.custody_fields import read_fields
    from evidencekit.field.facts import authority_text
    from evidencekit.journeys.field_checks import absolute
    from evidencekit.journeys.field_handover import hand_over

    terminal = guide.terminal
    terminal.screen.say()
    if not terminal.confirm("end_handover"):
        return
    typed = terminal.ask(terminal.texts("end_handover_key"))
    given = {"to": [str(absolute(typed.strip()))]}
    answers = guide.state.done[-1]
    for name in ("legal_channel", "place", "purpose"):
        answer = answers.get(name)
        if answer is not None and answer.text is not None:
            given[name] = [answer.text]
    if (authority := authority_text(answers)) is not None:
        given["authority"] = [authority]
    body = read_fields("offer", given, (), resolver(guide.case))
    out = _free(guide.case.with_name(f"{guide.case.name}-handover"))
    with terminal.progress(terminal.texts("meter_handover")) as meter:
        hand_over(work.hand(), out, body, terminal.texts, progress=lambda files, _: meter.tell(f"{files:,}"))
    terminal.place("end_written", out)


def _free(path: Path) -> Path:
    """Return a path that is free, with a number where it has to be."""
    number, found = 1, path
    while os.path.lexists(found):
        number += 1
        found = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return found
