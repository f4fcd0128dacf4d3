"""`evidencekit verify`: the verdict first, then counts that add up, then findings, then what was not checked.

This module loads nothing that writes: it is also the whole of `evidencekit-verify`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli.inputs import bytes_of, digest_value, policy_in, policy_option, time_value
from evidencekit.cli.judging import since_option, source_option
from evidencekit.cli.options import PLACE, output
from evidencekit.cli.packages import identity_option, loaded_identities
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import spoken
from evidencekit.cli.surroundings import clock, proxy_of
from evidencekit.cli.verify_words import say_report
from evidencekit.core.values import format_instant
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.verify.report import Report

MAX_PROOF = 8 << 20
MOST_JOBS = 64
FITS = {
    "--source": ("case",),
    "--as-copy": ("case",),
    "--since": ("case", "package", "log"),
    "--digest": ("package",),
}
"""Which things an option has a meaning for."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("path", type=PLACE)
@policy_option("Whose keys are whose: without it nobody's identity is checked.")
@source_option
@click.option("--as-copy", is_flag=True, help="The source is a copy: owner, mode and times only warn.")
@click.option("--jobs", type=click.IntRange(1, MOST_JOBS), metavar="N",
              help="Processes for a large case. Default: one a core, up to 8; one reads a rotating disk.")  # fmt: skip
@since_option
@click.option("--now", "as_of", metavar="T", callback=time_value,
              help="Judge as of this time, not by this computer's clock: to repeat a verification.")  # fmt: skip
@click.option("--digest", metavar="HEX", callback=digest_value,
              help="The package's digest, from the letter that came with it.")  # fmt: skip
@identity_option
@output
def verify(
    path: Path | str,
    policy: Path | None,
    sources: dict[str, Path],
    as_copy: bool,
    jobs: int | None,
    since: bytes | None,
    as_of: int | None,
    digest: str | None,
    identities: tuple[Path, ...],
    screen: Screen,
) -> int:
    """Check a case, a package (folder, .tar, .zip), one row's proof, or a published log, trusting nothing in it.

    Nothing is written.

    \b
    Examples:
      evidencekit verify CASE
      evidencekit verify CASE --policy POLICY --source EX-001=/mnt/stick --json
      evidencekit verify CASE --since '4 9h2…Q='
      evidencekit verify PACKAGE.zip --policy POLICY --digest 3f9a…
      evidencekit verify letter.tlog-proof --policy POLICY
      evidencekit verify https://logs.unit7.example/24-117 --policy POLICY

    Exit codes: 0 VERIFIED · 2 usage · 3 FAILED · 4 NOT CHECKED, or could not be read · 7 INTEGRITY ONLY.
    """
    kind = _kind_of(path)
    _refuse_unfit(kind, {"--source": sources, "--as-copy": as_copy, "--since": since, "--digest": digest})
    judged: dict[str, Any] = {"policy": policy_in(policy), "now": clock() if as_of is None else as_of}
    with screen.progress("verify") as meter:
        watched = judged | {"since": since, "progress": meter.tell}
        if kind == "log":
            report = _verify_log(str(path), **watched)
        elif kind == "package":
            report = _verify_package(Path(path), digest=digest, identities=loaded_identities(identities), **watched)
        elif kind == "proof":
            report = _verify_proof(Path(path), **judged)
        else:
            report = _verify_case(Path(path), sources=sources or None, as_copy=as_copy, jobs=jobs, **watched)
    record, told = report.as_record(), {}
    if as_of is not None:
        told["as_of"] = format_instant(as_of)
        record["checked"].append(f"as of {told['as_of']}, by --now, and not by this computer's clock")
    if digest is not None and record["package"]["digest"] == digest:
        told["same_digest"] = digest
        record["checked"].append("the package's digest, which is the one of the letter")
    screen.document(record)
    _say(screen, record, told)
    return report.exit_code


def _say(screen: Screen, record: dict[str, Any], told: dict[str, str]) -> None:
    """Print a report in the language that was asked for; `told` is what the command adds to what was checked."""
    words = spoken(screen)
    if words is None:
        say_report(screen, record)
        return
    from evidencekit.cli.verify_spoken import tell_report

    tell_report(screen, record, words, told)


def _kind_of(path: Path | str) -> str:
    """Tell what is to be verified: `log` (published), `package`, `proof` or `case`."""
    from evidencekit.read.package import is_package
    from evidencekit.read.published import is_published

    if isinstance(path, str) or (path.is_dir() and is_published(path)):
        return "log"
    if is_package(path):
        return "package"
    return "proof" if path.is_file() else "case"


def _refuse_unfit(kind: str, given: dict[str, Any]) -> None:
    """Raise BadArgument (U232) for an option that says nothing about a thing of this kind."""
    for option, value in given.items():
        if value and kind not in FITS[option]:
            fits = " or a ".join(FITS[option])
            raise BadArgument(f"{option} is for a {fits}, and this is a {kind}.", code="U232", hint="Leave it out.")


def _verify_log(place: str, **how: Any) -> Report:
    from evidencekit.verify.published import verify_published

    return verify_published(place, proxy=proxy_of(place), **how)


def _verify_package(path: Path, **how: Any) -> Report:
    from evidencekit.verify.package import verify_package

    return verify_package(path, **how)


def _verify_proof(path: Path, **how: Any) -> Report:
    from evidencekit.verify.verifier import verify_proof

    return verify_proof(bytes_of(path, MAX_PROOF), **how)


def _verify_case(path: Path, **how: Any) -> Report:
    from evidencekit.verify.verifier import verify_case

    return verify_case(path, **how)
