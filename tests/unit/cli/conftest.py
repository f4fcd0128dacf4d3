"""Commands run in this process, as `evidencekit` would run them; a case of hostile names."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
from typing import NamedTuple

import pytest

from evidencekit.cli.main import evidencekit, run
from evidencekit.cli.speech import VARIABLE


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: bytes
    err: bytes


class _Stream(io.TextIOWrapper):
    """A stream that is no terminal and keeps its bytes."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="utf-8", errors="surrogateescape", write_through=True)

    def taken(self) -> bytes:
        self.flush()
        return self.buffer.getvalue()


def run_command(*arguments: object) -> Done:
    """Run `evidencekit ARGUMENTS`, exit code and all. A traceback is an error of the test."""
    out, err, argv = _Stream(), _Stream(), sys.argv
    sys.argv = ["evidencekit", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            run(evidencekit, "evidencekit")
    except SystemExit as leaving:
        code = leaving.code
    finally:
        sys.argv = argv
    return Done(code, out.taken(), err.taken())


@pytest.fixture(autouse=True)
def nobody_asks_for_a_language(monkeypatch):
    """What a developer has set changes no test; neither does the width of his terminal."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="session")
def cli():
    return run_command


@pytest.fixture(scope="module")
def desk(rc, tmp_path_factory):
    """Keys, a source of hostile names, and a case in which it is sealed with omissions."""
    folder = tmp_path_factory.mktemp("desk")
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    source = rc.make_source(folder / "source")
    save = load_save()
    save(office.keys, folder / "log.pem")
    options = rc.Options(exclude=("*\x1b*", "00.txt"), digests=("blake3", "md5", "sha256"))
    office.acquire(folder / "case", source, options=options)
    return folder


def load_save():
    from evidencekit.seal.logkeys import save_log_keys

    return save_log_keys


@pytest.fixture
def case(desk, tmp_path):
    """A copy of the sealed case."""
    shutil.copytree(desk / "case", tmp_path / "case")
    return tmp_path / "case"


@pytest.fixture
def signing(desk):
    """The options that say who signs."""
    return ["--signer", desk / "office/examiner", "--log-key", desk / "log.pem"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """No command of a test touches the real home."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
