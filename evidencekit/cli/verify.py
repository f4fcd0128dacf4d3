"""`evidencekit verify`: the verdict first, then counts that add up, then findings, then what was not checked.

This module loads nothing that writes: it is also the whole of `evidencekit-verify`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit.cli.inputs import bytes_of, digest_value, policy_in, policy_option, time_value
from evidencekit.cli.options import PLACE, output
from evidencekit.cli.packages import loaded_identities
from evidencekit.cli.render import Screen, human_size
from evidencekit.cli.surroundings import clock, proxy_of
from evidencekit.core.values import display, encode_base64, format_instant
from evidencekit.errors import BadArgument

if TYPE_CHECKING:
    from evidencekit.verify.policy import Policy
    from evidencekit.verify.report import Report

LISTED = 50
"""Errors of one code, and things not checked, that a person is shown; --json gives up to 10,000."""
ALIKE = 3
"""Warnings of one code that a person is shown."""
MOST_JOBS = 64
RANKS = {"error": 0, "warning": 1, "note": 2}
MEANING = {  # the others say their reason
    "VERIFIED": "intact, and signed by keys that your policy knows.",
    "INTEGRITY ONLY": "intact since it was sealed; without a policy, nobody's identity was checked.",
}


def _sources(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    """Return exhibit → folder; the exhibit is empty where only a folder was named."""
    sources: dict[str, Path] = {}
    for value in values:
        exhibit, equals, folder = value.partition("=")
        if not equals or Path(value).exists():
            exhibit, folder = "", value
        if exhibit in sources or (not exhibit and len(values) > 1):
            raise BadArgument(
                f"--source {value!r} is ambiguous.", code="U209", hint="Say EX-001=FOLDER, once an exhibit."
            )
        if not Path(folder).exists():
            raise BadArgument(f"--source {display(folder)} does not exist.", code="U201", hint="Check the path.")
        sources[exhibit] = Path(folder)
    return sources


def _since(_ctx: click.Context, _param: click.Parameter, value: str | None) -> bytes | None:
    """Return a checkpoint known from outside: the bytes of a file, or what was typed."""
    if value is None:
        return None
    path = Path(value)
    try:
        if path.is_file():
            return path.read_bytes()[: 2**20 + 1]
    except (OSError, ValueError):
        pass  # a typed text need not be a possible path
    return value.encode()


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("path", type=PLACE)
@policy_option("Whose keys are whose: without it nobody's identity is checked.")
@click.option("--source", "sources", multiple=True, metavar="EX-001=DIR", callback=_sources,
              help="Hash the evidence itself again, and compare.")  # fmt: skip
@click.option("--as-copy", is_flag=True, help="The source is a copy: owner, mode and times only warn.")
@click.option("--jobs", type=click.IntRange(1, MOST_JOBS), metavar="N",
              help="Processes for a large case. Default: one a core, up to 8; one reads a rotating disk.")  # fmt: skip
@click.option("--since", metavar="NOTE", callback=_since, help="A checkpoint known from outside: a file, or typed.")
@click.option("--now", "as_of", metavar="T", callback=time_value,
              help="Judge as of this time, not by this computer's clock: to repeat a verification.")  # fmt: skip
@click.option("--digest", metavar="HEX", callback=digest_value,
              help="The package's digest, from the letter that came with it.")  # fmt: skip
@click.option("--identity", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="Your private key, for a package that is encrypted.")  # fmt: skip
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
    identity: Path | None,
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
    from evidencekit.verify.published import verify_published
    from evidencekit.verify.verifier import verify_case, verify_proof

    trusted = policy_in(policy)
    if digest is not None and (isinstance(path, str) or not _is_package(path)):
        raise BadArgument("--digest is for packages.", code="U232", hint="Leave it out; for a log, --since NOTE.")
    now = clock() if as_of is None else as_of
    if isinstance(path, str) or _is_published(path):
        _refuse_for_cases(sources, as_copy=as_copy)
        with screen.progress("verify") as meter:
            report = verify_published(
                str(path),
                policy=trusted,
                since=since,
                now=now,
                proxy=proxy_of(str(path)),
                progress=meter.tell,
            )
    elif _is_package(path):
        _refuse_for_cases(sources, as_copy=as_copy)
        report = _verify_package(screen, path, identity, policy=trusted, since=since, digest=digest, now=now)
    elif path.is_file():
        if sources or since or as_copy:
            raise BadArgument("--source, --since and --as-copy are for cases.", code="U232", hint="Leave them out.")
        report = verify_proof(_read_proof(path), policy=trusted, now=now)
    else:
        with screen.progress("verify") as meter:
            report = verify_case(
                path,
                policy=trusted,
                sources=sources or None,
                as_copy=as_copy,
                since=since,
                now=now,
                progress=meter.tell,
                jobs=jobs,
            )
    record = report.as_record()
    if as_of is not None:
        record["checked"].append(f"as of {format_instant(as_of)}, by --now, and not by this computer's clock")
    if digest is not None and record["package"]["digest"] == digest:
        record["checked"].append("the package's digest, which is the one of the letter")
    screen.document(record)
    _show(screen, record)
    return report.exit_code


def _is_published(path: Path) -> bool:
    from evidencekit.read.published import is_published

    return path.is_dir() and is_published(path)


def _is_package(path: Path) -> bool:
    from evidencekit.read.package import is_package

    return is_package(path)


def _verify_package(
    screen: Screen, path: Path, identity: Path | None, *, policy: Policy | None, now: int, **outside: Any
) -> Report:
    """Verify a package; `outside` is what is known of it from outside: `since`, `digest`."""
    from evidencekit.verify.package import verify_package

    identities = loaded_identities([] if identity is None else [identity])
    with screen.progress("verify") as meter:
        return verify_package(path, policy=policy, now=now, progress=meter.tell, identities=identities, **outside)


def _refuse_for_cases(sources: dict[str, Path], *, as_copy: bool) -> None:
    if sources or as_copy:
        raise BadArgument("--source and --as-copy are for cases.", code="U232", hint="Leave them out.")


def _read_proof(path: Path) -> bytes:
    return bytes_of(path, 8 * 2**20)


def _show(screen: Screen, record: dict[str, Any]) -> None:
    """Print a report for people."""
    verdict = record["verdict"]
    again = "what was taken was hashed again and agrees; " if record["aspects"]["evidence"]["status"] == "ok" else ""
    if again and record["subject"] == "package":
        again = "every file in it is the one that was sealed; "
    screen.result(
        f"{record['line']}: {again if verdict in MEANING else ''}{MEANING.get(verdict) or record['reason']}", verdict
    )
    _show_subject(screen, record)
    _show_findings(screen, record)
    screen.say()
    for name, aspect in record["aspects"].items():
        reason = f"  {aspect['reason']}" if aspect.get("reason") else ""
        screen.say(f"  {name:<13}{aspect['status'].replace('_', ' '):<12}{reason}")
    objects = [item for item in record["not_checked"] if item["what"] not in record["aspects"]]
    if objects:
        screen.say()
        screen.say("Not checked, one by one:")
        for item in objects[:LISTED]:
            screen.say(f"  {item['what']}: {item['reason']}")
        if len(objects) > LISTED:
            screen.say(f"  … {len(objects) - LISTED:,} more: --json lists them")


def _show_package(screen: Screen, record: dict[str, Any]) -> None:
    """Say what a package says of itself; its digest is what stands in the covering letter."""
    facts = record["package"]
    if facts["digest"] is not None:
        screen.say(f"  package      {facts['digest']}")
    if facts["items"] is None:
        return
    manifests = [one for log in (facts, *facts.get("branches", ())) for one in log["manifests"]]
    shown, sealed = (sum(int(one[name]) for one in manifests) for name in ("shown", "rows"))
    rows = f"{shown:,} of {sealed:,} sealed rows are shown" if manifests else "passed on, as named below"
    screen.say(f"  items        {', '.join(facts['items'])}: {rows}")
    for one in facts["previous"] or []:
        screen.say(f"  passed on    {one['package']} of {display(one['origin'])}")
    screen.say(f"  exported     {facts['created_at']['time']} by {display(facts['exporter']['id'])}")
    for name in ("confidentiality", "use_limits", "onward_transfer"):
        if facts[name] is not None:
            screen.say(f"  {name.replace('_', ' '):<13}{display(facts[name])}")


def _show_subject(screen: Screen, record: dict[str, Any]) -> None:
    counts = record["counts"]
    if "package" in record:
        _show_package(screen, record)
    newest = record.get("checkpoint")
    if newest:
        root = encode_base64(bytes.fromhex(newest["root"]))  # as `checkpoint show` prints it
        screen.say(f"  log          {newest['origin']}, newest checkpoint {newest['size']}, root {root}")
    if newest and "witnessed" in counts:
        size = counts["witnessed"]
        screen.say(f"  witnessed    size {size} of {newest['size']}, by enough of your policy's witnesses")
    states = counts.get("states") or {}
    if counts.get("rows"):
        each = ", ".join(f"{count:,} {state}" for state, count in states.items() if count)
        screen.say(f"  rows         {counts['rows']:,} = {each}; {human_size(counts.get('bytes', 0))}")
    _show_times(screen, record.get("times") or {"bounds": []})
    for line in record["checked"]:
        screen.say(f"  checked      {line}")


def _show_times(screen: Screen, times: dict[str, Any]) -> None:
    """Say between which times the entries lie, as far as somebody outside proves it."""
    for span in times["bounds"][:LISTED]:
        sides = [
            f"{side} {span[name][:-1].rstrip('0').rstrip('.')}Z ({span[name + '_by']})"
            for side, name in (("not before", "not_before"), ("not after", "not_after"))
            if span[name] is not None
        ]
        entries = (
            f"entry {span['first']}" if span["first"] == span["last"] else f"entries {span['first']} to {span['last']}"
        )
        screen.say(f"  proven time  {entries}: {', '.join(sides)}")
    if len(times["bounds"]) > LISTED:
        screen.say(f"  … {times['bounds_total'] - LISTED:,} more: --json lists them")


def _show_findings(screen: Screen, record: dict[str, Any]) -> None:
    from evidencekit.core.registry import ENTRIES

    findings = record["findings"]
    if not findings:
        return
    screen.say()
    total = record["counts"]["findings"]
    by_code = total.get("by_code", {}) if isinstance(total, dict) else {}
    screen.say("Findings: " + ", ".join(f"{count:,} x {code}" for code, count in sorted(by_code.items())))
    shown: Counter[str] = Counter()
    for finding in sorted(findings, key=lambda finding: RANKS[finding["severity"]]):
        shown[finding["code"]] += 1
        if shown[finding["code"]] <= (LISTED if finding["severity"] == "error" else ALIKE):
            screen.say(f"  {finding['code']} {finding['severity']:<8} {finding['where']}", finding["severity"])
            screen.say(f"       {ENTRIES[finding['code']].title}.")
            expected = f"expected {finding['expected']}; found " if finding["expected"] else ""
            if expected or finding["found"]:
                screen.say(f"       {expected}{finding['found'] or '-'}")
    for code, count in sorted(by_code.items()):
        most = LISTED if ENTRIES[code].severity == "error" else ALIKE
        if count > most:
            screen.say(f"  … {count - most:,} more {code}: --json lists them")
    screen.say("  `evidencekit explain CODE` says what each means, and what it does not.")
