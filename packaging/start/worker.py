"""What a binary does first: where it was started as a worker process, it is one, and nothing else.

multiprocessing starts a program again with arguments of its own (evidencekit.read.workers). PyInstaller's answer loads
multiprocessing at every start, and runs what stands behind `-c`; this one does neither.
"""

from __future__ import annotations

import re
import sys

_TRACKER = re.compile(r"from multiprocessing\.resource_tracker import main;main\((\d+)\)")


def work_if_worker() -> None:
    """Do a worker's work and leave, if this process is one."""
    if sys.argv[1:2] == ["--multiprocessing-fork"]:
        from multiprocessing.spawn import freeze_support  # noqa: PLC0415 (20 ms, which no other start pays)

        try:
            freeze_support()
        except OSError as error:  # a medium was pulled out; its parent notices, and says what is to be said
            sys.exit(f"a worker process cannot start: {error.strerror}")
    elif sys.argv[-2:-1] == ["-c"] and (tracker := _TRACKER.fullmatch(sys.argv[-1])):
        from multiprocessing.resource_tracker import main  # noqa: PLC0415

        main(int(tracker[1]))
        sys.exit()
