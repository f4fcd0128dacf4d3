"""`evidencekit prove`."""

from __future__ import annotations

from pathlib import Path

import click

from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.outputs import refuse_outputs
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import tell
from evidencekit.core.values import display

GROUPS = ("name", "content", "metadata")


@click.command()
@case_argument
@click.argument("row")
@click.option("-o", "--output", "out", type=PATH, help="File to write; must not exist.")
@click.option("--tlog", type=PATH, help="Write the bare C2SP tlog-proof of the seal entry (no row) to this file.")
@click.option("--withhold", type=click.Choice(GROUPS), multiple=True, help="Leave a group closed.")
@output
def prove(case: Path, row: str, out: Path | None, tlog: Path | None, withhold: tuple[str, ...], screen: Screen) -> int:
    """Write one row's proof: checkable on its own, tells nothing about other rows.

    ROW is EX-001:PATH, or EX-001#INDEX (streams have no path of their own). The proof holds the row, the path to the
    sealed root, the signed seal event, and the signed tree head. What is recorded is taken as it is:
    `evidencekit verify FILE` checks all of it.

    \b
    Examples:
      evidencekit prove CASE 'EX-001:docs/a.txt' -o a.tlog-proof
      evidencekit prove CASE EX-001#17 --withhold metadata -o row17.tlog-proof

    Exit codes: 0 written · 2 no such row · 4 not a case, or it cannot be read · 5 FILE exists, or
    lies inside the case.
    """
    from evidencekit.errors import BadArgument
    from evidencekit.package.row_proof import prove_row
    from evidencekit.read.store import Store
    from evidencekit.write.durable import write_new

    if out is None and tlog is None:
        raise BadArgument("No file to write.", code="U233", hint="Say -o FILE or --tlog FILE.")
    refuse_outputs(Store(case).path, out, tlog)
    proof = prove_row(case, row, groups=tuple(name for name in GROUPS if name not in withhold))
    for path, data in ((out, proof.whole), (tlog, proof.bare)):
        if path is not None:
            write_new(path, data)
            said = f"row {proof.index} of {proof.rows:,} proved in {display(str(path))}"
            if path != out:
                said = f"the entry that seals its catalogue proved in {display(str(path))}, without the row"
            screen.result(f"{display(row)}: {said}")
            tell(screen, "proof_written" if path == out else "entry_proof_written")
    screen.document({"entry": proof.entry, "index": proof.index, "rows": proof.rows, "size": proof.size})
    return 0
