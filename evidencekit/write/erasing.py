"""Removing files of a case: the one place where anything of the record goes, and only because an event says so.

Promise: what is to go first is gone from the medium before the next goes, so a crash leaves what is named last. The
names are removed; whether a medium keeps the bytes is for whoever has the medium. Source: specs/store.md section 4.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from evidencekit.errors import EvidenceError
from evidencekit.write.durable import cannot_write
from evidencekit.write.systems import THIS, System


def remove(groups: Iterable[Sequence[Path]], *, system: System = THIS) -> list[Path]:
    """Remove files, group after group; return those that were there. One that is not there is no error.

    Raises:
        CannotFinish: X422 not allowed, X423 another error; what came before is gone.
    """
    gone = []
    for paths in groups:
        folders: dict[Path, None] = {}
        for path in paths:
            try:
                path.unlink()
            except FileNotFoundError:
                continue
            except OSError as error:
                raise _cannot_remove(path, error) from error
            gone.append(path)
            folders[path.parent] = None
        for folder in folders:
            with contextlib.suppress(OSError):  # a medium that cannot say so: the names are gone all the same
                system.sync(folder)
    return gone


def _cannot_remove(path: Path, error: OSError) -> EvidenceError:
    told = cannot_write(path, error)
    told.hint = "The erasure is recorded, and not carried out: mend this, then `evidencekit checkpoint finish CASE`."
    return told
