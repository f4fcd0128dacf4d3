"""A program with evidencekit loaded, which forks itself for each command: only the command's own time is spent.

It reads a JSON object a line: `arguments`, and the files `errors` (for stderr) and `opened` (for what is opened in the
source, with the time); that is not watched where an `environment` is given. With `root` and `step` the command sends
itself a `signal`, SIGKILL if none is named, before its change of that number below that folder. It says on stdout:
`pid N`, `phase NAME` where one begins, `steps N` of the changes below `root`, where it was not killed, and `ended
CODE`. Files whose name begins with `shaky` fail when they are opened for the first time, so that there is something to
look at again.
"""

import errno
import json
import os
import signal
import sys
import time
import traceback

import pyarrow.compute
import pyarrow.parquet  # noqa: F401 (loaded before the fork)
import pyrage  # noqa: F401
from conftest import Disk

import evidencekit.acquire.identify
import evidencekit.cli.acquire
import evidencekit.cli.export
import evidencekit.cli.receive
import evidencekit.journeys.acquire
import evidencekit.journeys.export_onward
import evidencekit.journeys.receive
import evidencekit.seal.sign
from evidencekit.cli.main import evidencekit as command
from evidencekit.cli.main import run
from evidencekit.read.handles import Opener
from evidencekit.write import systems


class Watch:
    """Notices in the child where it is."""

    def __init__(self, opened: str, said: int) -> None:
        self._opened = os.open(opened, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._said = said
        self._phase = ""
        self._shaken: set[bytes] = set()
        self._watch_source()
        self._watch_names()
        self._watch_types()
        sys.addaudithook(self._hear)

    def _begin(self, phase: str) -> None:
        if self._phase not in (phase, "types"):
            self._phase = phase
            os.write(self._said, f"phase {phase}\n".encode())

    def _hear(self, event: str, arguments: tuple) -> None:
        if event == "open" and str(arguments[0]).endswith(".parquet") and arguments[2] & os.O_CREAT:
            self._begin("compose")

    def _watch_source(self) -> None:
        real = Opener.file

        def file(opener, name, parent):
            if self._phase != "types":
                place = os.readlink(f"/proc/self/fd/{parent}")
                os.write(self._opened, f"{time.monotonic()} {place}/{os.fsdecode(name)}\n".encode())
                self._begin("large file" if name.startswith(b"large") else "retry" if name in self._shaken else "take")
                if name.startswith(b"shaky") and name not in self._shaken:
                    self._shaken.add(name)
                    raise OSError(errno.EIO, os.strerror(errno.EIO))
            return real(opener, name, parent)

        Opener.file = file

    def _watch_types(self) -> None:
        real = evidencekit.acquire.identify.identify

        def identify(*given, **more):
            self._begin("types")
            return real(*given, **more)

        evidencekit.acquire.identify.identify = identify

    def _watch_names(self) -> None:
        real = systems._call

        def call(name, *given):
            if name == "renameat2":
                for folder, phase in (("objects", "publish"), ("manifests", "publish"), ("custody", "events")):
                    if f"/{folder}/" in os.fsdecode(given[3]) and "/work/" not in os.fsdecode(given[3]):
                        self._begin(phase)
            return real(name, *given)

        systems._call = call


def child(order: dict, said: int) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    errors = os.open(order["errors"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(null, 1)
    os.dup2(errors, 2)
    os.write(said, f"pid {os.getpid()}\n".encode())
    os.environ |= order.get("environment", {})
    disk = Disk(order["root"], order["step"], lambda: hit(order)) if "root" in order else None
    if disk is not None:
        disk.__enter__()
    elif "environment" not in order:
        Watch(order["opened"], said)
    sys.argv = ["evidencekit", *order["arguments"]]
    code = 1
    try:
        run(command, "evidencekit")
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:  # noqa: BLE001 - said as an interpreter would
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        if disk is not None:
            os.write(said, f"steps {disk.count}\n".encode())
        os._exit(code)


def hit(order: dict) -> BaseException:
    """Get a signal; return what Python makes of one that it hears of here."""
    os.kill(os.getpid(), order.get("signal", signal.SIGKILL))
    return KeyboardInterrupt()


def main() -> None:
    said = os.dup(1)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            child(json.loads(line), said)
        print("ended", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
