"""Parts of items that are rows, in a package: their lists are in their form, and of the catalogue that was sealed.

A package has some rows of a catalogue; that the others are where the lists say cannot be seen in it, and is told.
Source: specs/package.md section 5, specs/manifest.md section 11.
"""

from __future__ import annotations

from evidencekit.core import layout
from evidencekit.core.selection import Selected
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.package_names import BadContainer
from evidencekit.read.selection import selected_rows
from evidencekit.verify.log_facts import Log
from evidencekit.verify.run import Run

STEP = 9


def check_parts(run: Run, log: Log) -> None:
    """Check the list of each part that a shown event names (E117, E118); `run` looks at the folder of the log."""
    roots = {one.exhibit: one.root for one in log.sealings if not one.derived}
    seen: set[Selected] = set()
    for split in log.splits:
        event = layout.event_file(split.entry)
        base = roots.get(split.parent)
        for part in split.parts:
            if base is not None:
                roots.setdefault(part.part, base)
            if base is not None and part.base_root != base:
                expected = f"base_root {base}, of {split.parent}"
                run.find("E118", event, expected, f"base_root {part.base_root}, of {part.part}", step=STEP)
            one = part._replace(part="")
            if one not in seen:
                seen.add(one)
                _check_list(run, part)
            reason = f"the rows of {part.part} are not compared with the catalogue, of which a package has some alone"
            run.skip("custody", "missing_base", event, reason, counts=False)


def _check_list(run: Run, part: Selected) -> None:
    where = layout.object_file(part.list_sha256)
    try:
        with run.record.open(where) as file:
            for _ in selected_rows(file, part, where):
                pass
        run.did("selections")
    except BadContainer as error:
        run.find(error.finding, where, error.expected, error.found, step=STEP)
    except FormatError as error:
        run.find("E117", where, error.expected, f"{error.place}: {error.found}", step=STEP)
    except CannotFinish as error:
        if error.code != "X402":  # that it is missing was said of the object
            run.skip("custody", "unreadable", where, error.message)
    except OSError as error:
        run.skip("custody", "unreadable", where, f"cannot be read: {error.strerror}")
