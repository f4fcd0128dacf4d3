"""`evidencekit compare`: two copies of a log, or two exports of a case, held against each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import policy_in, policy_option
from evidencekit.cli.options import PATH, output
from evidencekit.cli.packages import identity_option, loaded_identities
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import tell
from evidencekit.core.values import display, encode_base64

if TYPE_CHECKING:
    from evidencekit.journeys.compare import Comparison
    from evidencekit.journeys.compare_packages import Difference
    from evidencekit.journeys.logcopy import LogCopy

_SAID = {
    "equal": ("EQUAL: both are the same log at the same size", "VERIFIED"),
    "extends": ("A EXTENDS B: nothing that B shows was rewritten", "VERIFIED"),
    "extended_by": ("B EXTENDS A: nothing that A shows was rewritten", "VERIFIED"),
    "fork": ("FORK: one log shows two histories", "FAILED"),
    "unrelated": ("UNRELATED", "NOT CHECKED"),
    "undecided": ("CANNOT BE DECIDED", "NOT CHECKED"),
}
_KEEP = "Keep both: together they prove that the log's keys signed two histories. Neither says which is true."
_UNSIGNED = "Keep both. Whether the log's own keys signed them was not checked: name them with --policy."
_LISTED = 50
"""Rows that a person is shown."""
_SIGNATURES = {True: "signed by the log's keys", False: "NOT signed by the log's keys", None: "signatures not checked"}


@click.command()
@click.argument("a")
@click.argument("b")
@policy_option("Lists the log's keys, where neither copy is a case.")
@click.option("-o", "--out", type=PATH, metavar="FILE", help="On a fork: write A's note to FILE.a, B's to FILE.b.")
@identity_option
@output
def compare(a: str, b: str, policy: Path | None, out: Path | None, identities: tuple[Path, ...], screen: Screen) -> int:
    """Tell whether one copy of a log extends the other, or whether there is a fork: then both checkpoints prove it.

    A and B are each a case folder, a published log (a folder or a URL), a checkpoint's note, or a package. Only what a
    signed checkpoint covers is compared; damage elsewhere in a copy is named, and does not keep it from being compared.
    Two packages of one case, or a package and the case: also which rows B adds, leaves out, opens and withholds.

    \b
    Examples:
      evidencekit compare CASE /mnt/partner/CASE
      evidencekit compare CASE 24-117.checkpoint --json
      evidencekit compare MARCH.tar JUNE.tar.age --identity age.key
      evidencekit compare CASE https://logs.unit7.example/24-117 -o fork

    Exit codes: 0 equal, or one extends the other · 2 usage · 3 a fork · 4 unrelated, cannot be decided, or cannot be
    read · 5 FILE exists.
    """
    from evidencekit.journeys.compare import compare as compare_copies
    from evidencekit.journeys.compare_packages import compare_exports
    from evidencekit.journeys.logcopy import read_copy

    outputs = () if out is None else (out.with_name(f"{out.name}.a"), out.with_name(f"{out.name}.b"))
    _refuse_outputs(a, b, outputs)
    opening = loaded_identities(identities)
    first, second = (read_copy(place, proxy=surroundings.proxy_of(place), identities=opening) for place in (a, b))
    known = policy_in(policy)
    keys = () if known is None else known.log_keys(first.tree.origin)
    found = compare_copies(first, second, keys=keys)
    shown = None if found.exit_code else compare_exports(Path(a), Path(b), identities=opening)
    screen.document(found.as_record(first, second) | ({} if shown is None else {"exports": shown.as_record()}))
    _show(screen, found, first, second)
    if shown is not None:
        _show_exports(screen, shown)
    if found.proof and not outputs:
        screen.say("-o FILE writes both, with their signatures.")
    if outputs and found.proof:
        from evidencekit.write.durable import write_new

        for path, note in zip(outputs, found.proof, strict=True):
            write_new(path, note)
            screen.say(f"written to {display(str(path))}")
    return found.exit_code


def _show_exports(screen: Screen, found: Difference) -> None:
    """Say what B shows more, and less, than A."""
    screen.say()
    counts = found.as_record()["rows"]
    screen.say("rows in B: " + ", ".join(f"{count:,} {kind}" for kind, count in counts.items()))
    for about, changes in (("item", found.items), ("catalogue", found.manifests)):
        for kind, names in changes.items():
            for name in names:
                screen.say(f"  {kind:<9} {about} {name}", "warning" if kind == "altered" else None)
    for one in found.listed[:_LISTED]:
        groups = f"  {', '.join(one['groups'])}" if one["groups"] else ""
        count = f"  {one['count']:,} rows" if one["count"] != 1 else ""
        screen.say(f"  {one['what']:<9} {one['where']}{count}{groups}")
    if len(found.listed) > _LISTED:
        screen.say(f"  … {len(found.listed) - _LISTED:,} more: --json lists them")


def _refuse_outputs(a: str, b: str, outputs: tuple[Path, ...]) -> None:
    from evidencekit.cli.outputs import refuse_outputs

    for place in (a, b):
        if outputs and Path(place).is_dir():
            refuse_outputs(Path(place), *outputs)


def _show(screen: Screen, found: Comparison, first: LogCopy, second: LogCopy) -> None:
    line, style = _SAID[found.relation]
    screen.result(f"{line}: {found.reason}.", style)
    tell(screen, f"compare_{found.relation}")
    for name, copy, signed in (("A", first, found.signed[0]), ("B", second, found.signed[1])):
        root = encode_base64(copy.tree.root)
        screen.say(f"  {name}  {display(copy.place)} ({copy.kind})")
        screen.say(f"     {copy.tree.origin}, size {copy.tree.size}, root {root}; {_SIGNATURES[signed]}")
        for fault in copy.faults:
            screen.say(f"     damaged: {display(fault)}", "warning")
    for name, note in zip("AB", found.proof, strict=False):
        screen.say()
        screen.say(f"Checkpoint of {name}:")
        screen.say(note.decode().partition("\n\n")[0])
    if found.proof:
        screen.say()
        screen.say(_KEEP if all(found.signed) else _UNSIGNED)
        tell(screen, "keep_both" if all(found.signed) else "keep_both_unsigned")
