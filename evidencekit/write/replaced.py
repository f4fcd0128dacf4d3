"""Files that do get replaced, since they say what is newest: never one of a case's record.

A reader sees the old file or the new one, whole; after a power cut, too. Source: specs/checkpoint.md sections 10, 11.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from evidencekit.write.durable import cannot_write, write_temporary
from evidencekit.write.systems import THIS, System


def replace_file(path: Path, data: bytes, *, mode: int = 0o644, system: System = THIS) -> None:
    """Write `data` under a name that may be taken; durable when this returns.

    Raises:
        CannotFinish: X421, X422, X423, X427; then what stood there stands.
    """
    temporary = write_temporary(path, data, mode=mode)
    try:
        system.rename_over(temporary, path)
        system.sync(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise cannot_write(path, error) from error
        raise
