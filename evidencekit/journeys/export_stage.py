"""The folder for what is made on the way to a package: in the user's own cache folder, never beside the package.

OUT may lie on a stick that is given away, and what was deleted there can be read again: names that are withheld, and
in clear what an encrypted package hides. Source: specs/threat-model.md section 7.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from evidencekit.core import layout
from evidencekit.write.durable import cannot_write

_LEFT_OVER = 7 * 86_400 * 10**9
"""Nanoseconds."""


@contextlib.contextmanager
def staged(cache_folder: Path, random: Callable[[int], bytes], *, now: int) -> Iterator[Path]:
    """Make a temporary folder, and take it away, whatever happens; what was left by others a week ago goes, too.

    `now` is in nanoseconds since 1970.

    Raises:
        CannotFinish: X421, X422, X423.
    """
    for left in cache_folder.glob(f"{layout.TEMPORARY}export-*"):
        with contextlib.suppress(OSError):
            if left.lstat().st_mtime_ns < now - _LEFT_OVER:
                shutil.rmtree(left, ignore_errors=True)
    stage = cache_folder / f"{layout.TEMPORARY}export-{random(8).hex()}"
    try:
        cache_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        stage.mkdir(mode=0o700)
    except OSError as error:
        raise cannot_write(stage, error) from error
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
