"""`evidencekit`: the command group. Commands load when they are called; `--help` stays quick.

Exit codes are those of specs/verification.md section 4, and 2 usage, 5 refused, 6 done with omissions.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
from typing import TYPE_CHECKING

import click

from evidencekit import __version__
from evidencekit.cli.lazy import LazyGroup
from evidencekit.cli.speech import Speech, lang_option
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, Interrupted

if TYPE_CHECKING:
    from evidencekit.cli.render import Screen

COMMANDS = {
    "demo": ("demo", "The main job end to end on real files, then tampering, found."),
    "field": ("field", "Guided seizure for field teams, in six languages; handover and receipt."),
    "key": ("keys", "Signing keys of persons; backup and restore of a case's log keys."),
    "init": ("case", "Open a case."),
    "acquire": ("acquire", "Walk, hash, catalogue and seal a source."),
    "custody": ("custody", "Who had what: record events, hand over, ask who holds it now."),
    "hold": ("hold", "Preservation holds: open, extend, release, what is due, calendar."),
    "request": ("request", "Requests to preserve or produce data: fill in, check by article, print."),
    "law": ("law", "Tables of law behind requests and holds, each rule with its citation and mark."),
    "verify": ("verify", "Check a case or a proof, trusting nothing in it."),
    "show": ("case", "Exhibits, acquisitions, omissions: what is recorded."),
    "find": ("search", "Search the catalogue."),
    "query": ("search", "SQL on the catalogue, read-only."),
    "list": ("search", "Lists of digests that other tools read."),
    "match": ("match", "Lists from other tools, compared with a sealed exhibit."),
    "prove": ("prove", "One row's proof, checkable on its own."),
    "export": ("export", "A package: exactly what may be handed over, and its proof."),
    "receive": ("receive", "Take a package over, and sign the receipt."),
    "checkpoint": ("checkpoint", "The signed tree head: show, time-stamp, cosign, import, finish."),
    "compare": ("compare", "Does one copy of a log extend the other, or is there a fork."),
    "publish": ("publish", "The log as tiles that any web server can serve."),
    "report": ("report", "A report that a judge can read, and print."),
    "certificate": ("certificate", "A certificate for a person to sign, filled in from the record."),
    "stats": ("stats", "Figures of cases, without personal data."),
    "contacts": ("contacts", "Directories of contact points: sign, check, enrol their keys."),
    "policy": ("policy", "Whom and what you believe: make, check and show a policy folder."),
    "explain": ("explain", "What a code means, what it does not mean, what to do."),
    "doctor": ("doctor", "The program checks itself."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="evidencekit")
@lang_option
def evidencekit() -> None:
    """Preserve digital evidence and prove who held it.

    \b
    A first case:
      evidencekit key new examiner
      evidencekit init CASE --reference 24-117 --agency "Unit 7" \\
          --origin unit7.example/24-117 --signer examiner
      evidencekit acquire CASE /mnt/stick --exhibit EX-001 --signer examiner
      evidencekit verify CASE

    \b
    Exit codes: 0 done or verified · 2 usage · 3 evidence fails · 4 could not finish, or not checked
    5 refused, would break a rule · 6 done, with omissions · 7 intact, but nobody's identity was checked
    """


def run(command: click.Command, name: str) -> None:
    """Run a command and leave with its exit code; every known failure is said in one line."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a system that shuts down asks in this way
    _print_all_letters()
    speech = Speech()
    try:
        code = command.main(prog_name=name, standalone_mode=False, obj=speech)
        _end(speech)
    except EvidenceError as error:
        code = _tell(error, speech)
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    except click.ClickException as error:
        code = _tell_usage(error, name, speech)
    except (click.Abort, KeyboardInterrupt):
        stopped = Interrupted(
            "Stopped. What was sealed stands; nothing is half written.",
            code="X499",
            hint="Give the same command again; an acquisition goes on where it ended with --resume.",
        )
        code = _tell(stopped, speech)
    except BrokenPipeError:
        sys.stderr.close()
        code = 4
    except OSError as error:
        code = _tell(_from_system(error), speech)
        _give_up_output()
    sys.exit(code if isinstance(code, int) else 0)


def _print_all_letters() -> None:
    """Let no letter that an output lacks end a command whose work is done: it is printed by its number."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        sys.stdout.reconfigure(errors="backslashreplace")


def _from_system(error: OSError) -> CannotFinish:
    from evidencekit.core.values import display

    where = "" if error.filename is None else f"{display(str(error.filename))}: "
    hint = "Check the path, the permissions and the medium."
    return CannotFinish(f"{where}{error.strerror or error}.", code="X420", hint=hint)


def _tell(error: EvidenceError, speech: Speech) -> int:
    """Say what went wrong and return the exit code."""
    from evidencekit.cli.render import Screen

    screen = Screen(as_json="--json" in sys.argv)
    screen.failure(error)
    _translate(error.code, speech, screen)
    return error.exit_code


def _tell_usage(error: click.ClickException, name: str, speech: Speech) -> int:
    """Say what click found wrong with the words of a command, and return the exit code."""
    if "--json" in sys.argv:
        return _tell(BadArgument(error.format_message(), code="U200", hint=f"See `{name} --help`."), speech)
    from evidencekit.cli.render import Screen

    error.show()
    _translate("U200", speech, Screen())
    return 2


def _translate(code: str, speech: Speech, screen: Screen) -> None:
    """Say what a code means and what to do, below the English message, in the language that was asked for."""
    words = None if screen.as_json else speech.texts()
    said = None if words is None else words.refusal(code)
    if said is not None:
        screen.aside(f"  {said}")
        speech.was_heard = True
        speech.end(screen)


def _end(speech: Speech) -> None:
    """Let what was said stand before its last line, which goes to the other stream."""
    if speech.was_heard:
        from evidencekit.cli.render import Screen

        sys.stdout.flush()
        speech.end(Screen())


def _give_up_output() -> None:
    """Forget what cannot be written to a full medium: it would be tried again at the end, and change the exit code."""
    try:
        sys.stdout.flush()
    except (AttributeError, OSError, ValueError):
        with contextlib.suppress(AttributeError, OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> None:
    """Run the command group: what `evidencekit.cli.entry` does with all arguments but one."""
    run(evidencekit, "evidencekit")
