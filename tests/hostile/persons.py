"""Who runs commands on a hostile source, and the case that they work in."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import pickle
import pkgutil
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import realcase

import evidencekit
from evidencekit.cli.main import evidencekit as commands
from evidencekit.cli.main import run as run_commands
from evidencekit.read import workers
from evidencekit.seal.logkeys import save_log_keys

NOBODY = 65534
IS_ROOT = os.geteuid() == 0


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: bytes
    err: bytes


@dataclass(frozen=True)
class Person:
    """Somebody who runs things, each in a fork of this process: the interpreter may lie where he cannot read it."""

    name: str
    uid: int | None = None
    """Whom the fork becomes; None: it stays as it is."""

    def become(self) -> None:
        """Be this person from now on: in a fork."""
        if self.uid is not None:
            os.setgroups([])
            os.setgid(self.uid)
            os.setuid(self.uid)

    def run(self, function: Callable[[], Any]) -> Any:
        """Run a function as this person; return what it returns."""
        if self.uid is not None:
            load_everything()
        reading, writing = os.pipe()
        child = fork()
        if child == 0:
            status = 1
            try:
                os.close(reading)
                self.become()
                answer = pickle.dumps(function())
                status = 0
            except BaseException:  # noqa: BLE001 - the parent reports it
                answer = pickle.dumps(traceback.format_exc())
            try:
                with os.fdopen(writing, "wb") as pipe:
                    pipe.write(answer)
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            data = pipe.read()
        _, status = os.waitpid(child, 0)
        assert data, f"it died: {status}"
        answer = pickle.loads(data)  # noqa: S301 - from our own child
        assert status == 0, answer
        return answer

    @contextlib.contextmanager
    def started(self, function: Callable[[], object]) -> Iterator[None]:
        """Run a function that never ends as this person, beside; it is killed at the end."""
        child = fork()
        if child == 0:
            with contextlib.suppress(BaseException):
                self.become()
                function()
            os._exit(1)
        try:
            yield
        finally:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), "it ended by itself"

    def cli(self, *words: object, home: Path) -> Done:
        """Run `evidencekit WORDS`, exit code and all, on streams that no test framework has in its hands."""
        out, err = os.memfd_create("out"), os.memfd_create("err")

        def command() -> int:
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(out, 1)
            os.dup2(err, 2)
            streams = [io.TextIOWrapper(io.FileIO(n, "wb"), "utf-8", "surrogateescape") for n in (1, 2)]
            sys.stdout, sys.stderr = streams
            os.environ.update(at_home(home))
            os.environ.pop("SSH_AUTH_SOCK", None)
            # Nobody may start this interpreter; a copy of this copy has no threads either, though pyarrow is loaded.
            workers._may_fork = lambda: True
            code = command_here(words)
            for stream in streams:
                stream.flush()
            return code

        try:
            code = self.run(command)
            return Done(code, os.pread(out, 1 << 28, 0), os.pread(err, 1 << 28, 0))
        finally:
            os.close(out)
            os.close(err)


def fork() -> int:
    """Fork, though libraries have threads: newer Pythons warn of that."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


ROOT = Person("root")
OTHER = Person(f"uid {NOBODY}", NOBODY) if IS_ROOT else Person(f"uid {os.geteuid()}")
"""Somebody who may do little: where the tests are not run by root, whoever runs them."""
OURSELVES = Person("as whoever runs the tests")


def somebody(person: Person) -> Person:
    """Return the person, if there is one here."""
    if person is ROOT and not IS_ROOT:
        pytest.skip("NOT RUN: needs root")
    return person


def can_start_python() -> None:
    """Skip where the interpreter was started by somebody else, and may not be again."""
    if not os.access(sys.executable, os.X_OK):
        pytest.skip("NOT RUN: the interpreter may not be started by whoever runs the tests")


def at_home(home: Path) -> dict[str, str]:
    """Return the environment of one whose files all lie there."""
    return dict.fromkeys(("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"), str(home))


def command_here(words: Sequence[object]) -> int:
    """Run a command in this very process; return its exit code."""
    sys.argv = ["evidencekit", *(os.fsdecode(word) if isinstance(word, bytes) else str(word) for word in words)]
    try:
        run_commands(commands, "evidencekit")
    except SystemExit as leaving:
        return int(leaving.code or 0)
    return 0


_loaded: list[bool] = []


def load_everything() -> None:
    """Import what a fork may need, and run every command once: after it became nobody, it may find no module."""
    if _loaded:
        return
    for module in pkgutil.walk_packages(evidencekit.__path__, "evidencekit."):
        if "__main__" not in module.name:
            importlib.import_module(module.name)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(sys, "argv", sys.argv)
        for variable, value in at_home(folder).items():
            patch.setenv(variable, value)
        work = new_desk(folder / "desk")
        source = folder / "source"
        source.mkdir()
        (source / "file\n").write_text("text")
        command_here(work.acquiring(source))
        for words in (
            ["show"], ["find", "--contains", "fil", "--json"], ["find"], ["list"], ["verify", "--source", source],
            ["query", "select * from rows"],
        ):  # fmt: skip
            command_here([words[0], work.case, *words[1:]])
    _loaded.append(True)


@dataclass
class Desk:
    """An open case, and the keys to write in it."""

    folder: Path
    office: Any

    @property
    def case(self) -> Path:
        """The case folder."""
        return self.folder / "case"

    def acquiring(self, source: Path | bytes | str, exhibit: str = "EX-001", *more: object) -> list[object]:
        """Return the words of an `acquire`."""
        keys = ["--signer", self.folder / "office/examiner", "--log-key", self.folder / "log.pem"]
        return ["acquire", self.case, source, "--exhibit", exhibit, *keys, *more]


def new_desk(folder: Path, person: Person = OURSELVES) -> Desk:
    """Open a case that belongs to a person."""
    folder.mkdir()
    office = realcase.Office(folder / "office")
    office.open(folder / "case")
    save_log_keys(office.keys, folder / "log.pem")
    give(folder, person)
    return Desk(folder, office)


def give(folder: Path, person: Person) -> None:
    """Make a folder and all in it a person's."""
    if person.uid is not None:
        for path in [folder, *folder.rglob("*")]:
            os.chown(path, person.uid, person.uid, follow_symlinks=False)
