"""`evidencekit policy`: the folder that says whom and what somebody believes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evidencekit.cli.help import Group
from evidencekit.cli.options import PATH, output
from evidencekit.cli.render import Screen, counted
from evidencekit.cli.speech import tell
from evidencekit.cli.surroundings import clock
from evidencekit.core.finding import ASPECTS
from evidencekit.core.values import display


@click.group(cls=Group)
def policy() -> None:
    """Whom and what you believe: make, check and show a policy folder.

    Trust comes from you, never from what you received: `evidencekit verify CASE --policy DIR`.
    """


@policy.command()
@click.argument("folder", type=PATH, metavar="DIR")
@click.option("--trust", multiple=True, metavar="NAME=FILE.pub", help="A person, and his public key. May be repeated.")
@click.option("--ca", "authorities", multiple=True, metavar="NAME=FILE.pub",
              help="An ssh CA, and the names that it may certify, as in '*@unit7.example'.")  # fmt: skip
@click.option("--log", "logs", multiple=True, metavar="CASE|VKEY|ORIGIN", help="A log that you believe.")
@click.option("--vouched-by", multiple=True, metavar="NAME", help="Whose signature on event 0 admits a log's own keys.")
@click.option("--witness", "witnesses", multiple=True, metavar="NAME=VKEY", help="Somebody who cosigns checkpoints.")
@click.option("--quorum", metavar="any|all|N|none", help="How many witnesses are enough (default: any one).")
@click.option("--require", multiple=True, type=click.Choice(ASPECTS), help="What must be ok beyond the least.")
@click.option("--tsa", multiple=True, type=PATH, metavar="FILE.pem", help="Root of a time-stamp authority.")
@click.option("--min-size", "min_sizes", multiple=True, metavar="ORIGIN=N", help="A shorter log was cut.")
@output
def new(folder: Path, screen: Screen, **options: Any) -> int:
    """Make a policy folder: plain text files with comments, to be read and changed by hand.

    Nothing is trusted that you do not name. The keys of a CASE are its own: they are written down, and shown for you to
    compare with the log's owner. With --vouched-by only the case's origin is taken.

    \b
    Examples:
      evidencekit policy new court --trust a.examiner@unit7.example=examiner.pub --log CASE
      evidencekit policy new court --ca '*@unit7.example=ca.pub' --log unit7.example/24-117 --vouched-by j@unit7.example
      evidencekit policy new court --trust jane=jane.pub --log CASE --tsa city.pem --tsa state.pem --require time

    Exit codes: 0 made · 2 usage · 4 a key or case cannot be read · 5 DIR exists, or one key has two roles.
    """
    from evidencekit.cli.policy_options import draft_of
    from evidencekit.cli.policy_words import show_dangers, show_keys_of_cases, show_policy
    from evidencekit.journeys.policy_folder import write_policy
    from evidencekit.verify.policy_dangers import dangers
    from evidencekit.verify.policy_facts import policy_facts

    draft = draft_of(**options)
    made = write_policy(folder, draft)
    facts, remarks = policy_facts(made), dangers(made, clock())
    screen.result(f"policy made: {display(str(folder))}")
    tell(screen, "policy_made")
    show_policy(screen, facts)
    show_keys_of_cases(screen, facts, draft.from_cases)
    screen.say()
    show_dangers(screen, remarks)
    screen.say("Compare each key with its owner before you rely on it; then: evidencekit verify CASE --policy DIR")
    screen.document({**facts, "taken_from_cases": sorted(draft.from_cases), "remarks": _records(remarks)})
    return 0


@policy.command()
@click.argument("folder", type=PATH, metavar="DIR")
@output
def check(folder: Path, screen: Screen) -> int:
    """Read a policy folder strictly, and say what is wrong or dangerous in it.

    \b
    Example:
      evidencekit policy check court

    Exit codes: 0 sound, perhaps with warnings · 2 something is not understood; file and line are named
    · 5 one key has two roles: not to be used.
    """
    from evidencekit.cli.policy_words import show_dangers
    from evidencekit.verify.policy import read_policy
    from evidencekit.verify.policy_dangers import dangers

    remarks = dangers(read_policy(folder), clock(), folder)
    errors = [remark for remark in remarks if remark.severity == "error"]
    warnings = counted(len(remarks) - len(errors), "warning")
    screen.result(f"{display(str(folder))}: {'NOT to be used' if errors else 'understood'}, {warnings}")
    tell(screen, "policy_unusable" if errors else "policy_understood")
    show_dangers(screen, remarks)
    screen.document({"remarks": _records(remarks), "sound": not errors})
    return 5 if errors else 0


@policy.command()
@click.argument("folder", type=PATH, metavar="DIR")
@output
def show(folder: Path, screen: Screen) -> int:
    """Show what a policy folder says: persons and their keys, logs, witnesses, time-stamp authorities, revocations.

    Digests of log keys are SHA-256 of the vkey as it stands in logs.policy: `printf %s VKEY | sha256sum`.

    \b
    Example:
      evidencekit policy show court

    Exit codes: 0 shown · 2 something is not understood; file and line are named.
    """
    from evidencekit.cli.policy_words import show_policy
    from evidencekit.verify.policy import read_policy
    from evidencekit.verify.policy_facts import policy_facts

    facts = policy_facts(read_policy(folder))
    show_policy(screen, facts)
    screen.document(facts)
    return 0


def _records(remarks: tuple[Any, ...]) -> list[dict[str, str]]:
    return [remark._asdict() for remark in remarks]
