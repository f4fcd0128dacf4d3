"""A package on its way from one case to another, with something in between: what must hold then, and what leads on.

Whatever stopped `export` or `receive`, nothing looks finished that is not, and a person who does what the messages say
(the command again, `checkpoint finish`, `--again`) comes to the end: one package for each export that a log records,
one receipt for each package that was received.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pyrage
import pytest

from evidencekit.cli.main import main as program_main
from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.encoding import PROOF
from evidencekit.journeys.custody import events_of
from evidencekit.journeys.custody_messages import message_of
from evidencekit.journeys.export_place import clear_left
from evidencekit.read.package import open_package
from evidencekit.read.store import Store
from evidencekit.seal.logkeys import save_log_keys
from evidencekit.verify.package import verify_package
from evidencekit.verify.verifier import verify_case

CRASHED = {"W901", "W902", "W903"}
SOME, ALL = ("--glob", "docs/0", "--glob", "hard"), ("--item", "EX-001")
EXPORTS = {"OUT": ALL, "OUT.tar": SOME, "OUT.zip": ALL, "OUT.age": SOME, "ON.tar": ALL}
RECEIPTS = {"new": "new", "existing": "receiver"}
PROBES = {b"", b"blat"}
"""What Python's tempfile writes to find out whether a folder can be written, and removes at once."""


class Ran(NamedTuple):
    """What a command came to."""

    code: int
    errors: str


def in_process(words, *, environment):
    """Run the program in this process."""
    errors = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stderr(errors):
        patch.setattr(sys, "argv", ["evidencekit", *words])
        patch.setattr(tempfile, "tempdir", environment["TMPDIR"])
        for name, value in environment.items():
            patch.setenv(name, value)
        with contextlib.redirect_stdout(io.StringIO()), pytest.raises(SystemExit) as leaving:
            program_main()
    return Ran(leaving.value.code, errors.getvalue())


class Parties:
    """A sealed case, somebody else's, a package that was received there; and how a command is given."""

    def __init__(self, rc, folder, source, run) -> None:
        """`run` takes the words of a command, its environment, and more; it returns what has `code` and `errors`."""
        self.folder, self._run = folder, run
        self.key = pyrage.x25519.Identity.generate()
        for name, origin in (("sender", "a.example/1"), ("receiver", "partner.example/1")):
            office = rc.Office(folder / f"{name}-office", origin)
            office.open(folder / name, identity=name.encode().ljust(16, b"."))
            save_log_keys(office.keys, folder / f"{name}.pem")
            if name == "sender":
                office.acquire(folder / name, source, types=False)
        (folder / "temporary").mkdir()
        for out, more in (("GIVEN", ()), ("PASSED", ("--item", "EX-001"))):
            words = ["export", folder / "sender", folder / out, *more, *self.signing("sender")]
            self._done(words)
        where = ["--into", folder / "receiver", "--receipt", folder / "passed.json"]
        self._done(["receive", folder / "PASSED", *where, *self.signing("receiver")])
        self.digest = digest_of(folder / "PASSED")

    def _done(self, words):
        ran = self.run(self.folder, words)
        assert ran.code == 0, ran.errors

    def run(self, here, arguments, **more):
        """Give a command with a home of its own."""
        home = str(here / "home")
        environment = {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": str(here / "cache")}
        environment["TMPDIR"] = str(here / "temporary")
        return self._run([*map(str, arguments), "--quiet"], environment=environment, **more)

    def trial(self, here, name):
        """Lay out both cases anew, and return the command of this name on them."""
        for place in ("disk/given", "disk/cases", "temporary", "cache", "home"):
            (here / place).mkdir(parents=True, exist_ok=True)
            for left in [*(here / place).iterdir()]:
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        for case in ("sender", "receiver"):
            shutil.copytree(self.folder / case, here / "disk/cases" / case)
        return (Exporting if name in EXPORTS else Receiving)(self, here, name)

    def signing(self, who):
        return ["--signer", self.folder / f"{who}-office/examiner", "--log-key", self.folder / f"{who}.pem"]


def digest_of(path, *keys):
    with open_package(path, identities=keys) as package:
        return sha256_hex(package.read("evidence/package.json", PROOF.size))


def kinds_after(case, size, kind):
    return [(entry, event) for entry, event in events_of(Store(case), kind) if entry >= size]


class Trial:
    """One command, and what a person does after it was stopped."""

    case: Path
    arguments: list
    again_words: list
    """The command with which `--again` is given."""

    def __init__(self, parties, here) -> None:
        self.parties, self.here = parties, here

    def again(self):
        """Give the command again, and do what the messages say, until all is done; return the codes of what was said."""
        said = []
        command = self.arguments
        while len(said) < 6:
            ran = self.parties.run(self.here, command)
            if ran.code == 0 and (command is self.arguments or "--again" in command):
                return said
            if ran.code == 0:  # finished: once more
                command = self.arguments
                continue
            error = re.search(r"error ([A-Z]\d{3})", ran.errors)
            assert error, ran.errors
            said.append(error[1])
            if error[1] == "R501":  # it is there
                return said
            command = self._advised(error[1], ran.errors)
        raise AssertionError(said)

    def _advised(self, code, errors):
        if code == "R502":
            assert "checkpoint finish" in errors
            return ["checkpoint", "finish", self.case, *self.keys]
        assert code in {"R571", "R574", "X472", "X483"}, errors
        return [*self.again_words, "--again", re.search(r"--again (\d+)", errors)[1]]

    def codes_of_case(self):
        report = verify_case(self.case)
        codes = {finding.code for finding in report.findings}
        assert codes <= CRASHED, [finding.as_record() for finding in report.findings]
        return codes


class Exporting(Trial):
    """An export."""

    def __init__(self, parties, here, out) -> None:
        super().__init__(parties, here)
        self.out = here / "disk/given" / out
        self.who = "receiver" if out == "ON.tar" else "sender"
        self.case = here / "disk/cases" / self.who
        more = ["--encrypt-to", str(parties.key.to_public())] if out == "OUT.age" else []
        more += ["--package", parties.digest] if out == "ON.tar" else []
        self.arguments = ["export", self.case, self.out, *EXPORTS[out], *more, *parties.signing(self.who)]
        self.again_words = self.arguments[:3]
        self.keys = parties.signing(self.who)[2:]
        self.size = Store(parties.folder / self.who).newest_entry()

    @property
    def recorded(self):
        return [event["body"]["package"] for _, event in kinds_after(self.case, self.size, "export")]

    @property
    def is_recorded(self):
        return bool(self.recorded)

    def check_left(self):
        codes = self.codes_of_case()
        names = set(os.listdir(self.out.parent))
        assert all(name == self.out.name or name.startswith("unfinished-export-") for name in names), names
        if self.out.name in names:
            self.check_whole()
            assert not codes & {"W901", "W902"}

    def check_nothing(self):
        assert os.listdir(self.out.parent) == []

    def check_whole(self):
        report = verify_package(self.out, identities=[self.parties.key])
        assert report.verdict == "INTEGRITY ONLY", report.findings
        assert self.recorded == [digest_of(self.out, self.parties.key)]

    def check_done(self):
        self.check_whole()
        assert verify_case(self.case).verdict == "INTEGRITY ONLY"
        clear_left(self.out, Store(self.case), now=time.time_ns() + 10**12)  # as the next export does first, later on
        assert os.listdir(self.out.parent) == [self.out.name]
        assert {path.read_bytes() for path in (self.here / "temporary").iterdir()} <= PROBES


class Receiving(Trial):
    """A package that is received."""

    who = "receiver"

    def __init__(self, parties, here, where) -> None:
        super().__init__(parties, here)
        self.case, self.receipt = here / "disk/cases" / RECEIPTS[where], here / "disk/given/receipt.json"
        signing = parties.signing(self.who)
        self.keys = [] if where == "new" else signing[2:]
        into = ["--into", self.case, "--receipt", self.receipt, "--as", "EX-001=EX-009"]
        self.arguments = ["receive", parties.folder / "GIVEN", *into, *signing[:2], *self.keys]
        self.again_words = self.arguments
        self.size = 0 if where == "new" else Store(parties.folder / "receiver").newest_entry()

    @property
    def is_recorded(self):
        return self.case.exists() and bool(kinds_after(self.case, self.size, "receive"))

    def check_left(self):
        if self.case.exists():
            self.codes_of_case()
            for folder in (self.case / layout.PACKAGES).glob("*"):
                assert verify_package(folder).verdict == "INTEGRITY ONLY"
        names = set(os.listdir(self.receipt.parent))
        assert all(name == "receipt.json" or name.startswith(layout.TEMPORARY) for name in names), names
        if self.receipt.exists():
            self.check_receipt()

    def check_nothing(self):
        assert os.listdir(self.receipt.parent) == []

    def check_receipt(self):
        ((entry, _),) = kinds_after(self.case, self.size, "receive")
        assert self.receipt.read_bytes() == message_of(Store(self.case), entry)

    def check_done(self):
        self.check_receipt()
        assert verify_case(self.case).verdict == "INTEGRITY ONLY"
