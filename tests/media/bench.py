"""An opened case, and the commands as a person gives them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evidencekit.cli.main import evidencekit
from evidencekit.cli.main import main as program_main
from evidencekit.core.encoding import decode
from evidencekit.seal.logkeys import save_log_keys

CANNOT_FINISH = 4


def in_program(arguments) -> int:
    """Run the program in this process, with all that it says; return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["evidencekit", *map(str, arguments)])
        with pytest.raises(SystemExit) as leaving:
            program_main()
    return leaving.value.code


class Bench:
    """An opened case, and the commands as a person gives them."""

    def __init__(self, rc, after, folder: Path) -> None:
        self.rc = rc
        self.office = rc.Office(folder / "office")
        self.case = folder / "case"
        self._after = after
        self._folder = folder
        self.office.open(self.case)
        save_log_keys(self.office.keys, folder / "log.pem")

    def arguments(self, source: Path, *more: str) -> list[str]:
        """The words of `acquire`."""
        signing = ["--signer", str(self._folder / "office/examiner"), "--log-key", str(self._folder / "log.pem")]
        return ["acquire", str(self.case), str(source), "--exhibit", "EX-001", *signing, *more]

    def acquire(self, source: Path, *more: str) -> int:
        return self.command(*self.arguments(source, *more))

    def command(self, *arguments: str) -> int:
        """Give a command in this process; return its exit code, or raise what it raised."""
        return evidencekit.main(list(map(str, arguments)), prog_name="evidencekit", standalone_mode=False)

    def said(self, capsys, *arguments: str) -> tuple[int, str]:
        """Give a command; return its exit code and what it said on stderr."""
        capsys.readouterr()
        code = in_program(arguments)
        return code, capsys.readouterr().err

    def fail(self, capsys, *arguments: str) -> str:
        """Give a command that cannot finish: it says so once and leaves with 4; return the code of the error."""
        code, errors = self.said(capsys, *arguments)
        assert code == CANNOT_FINISH, errors
        return self.error_in(errors)

    @staticmethod
    def error_in(errors: str) -> str:
        """Return the code of the one error in what was said on stderr: a line, and another with what to do."""
        found = re.fullmatch(r"error (X\d{3}): \S[^\n]*\.\n(?:  \S[^\n]*\n)?", errors)
        assert found, errors
        return found[1]

    def copy_of_case(self) -> Path:
        """Return a copy of the case as it is."""
        return Path(shutil.copytree(self.case, self._folder / "copy"))

    def give_keys_to(self, user: int) -> None:
        """Let a user have the signing key and the log keys, which nobody but their owner may read."""
        for path in (self._folder / "office/examiner", self._folder / "log.pem"):
            os.chown(path, user, user)

    def check_left(self, case: Path | None = None) -> None:
        """Whatever is left of the case is what it was, unfinished, or sealed: never broken."""
        self._after.check_after_a_crash(self.rc, case or self.case, self.office)

    def check_whole(self, source: Path, undisturbed, case: Path | None = None) -> None:
        self._after.check_whole(self.rc, case or self.case, source, self.office, undisturbed)

    def undisturbed(self, source: Path, *more: str):
        """Return the record of an acquisition that nothing comes in the way of."""
        place, self.case = self.case, self._folder / "undisturbed"
        shutil.copytree(place, self.case)
        assert self.acquire(source, *more, "--quiet") == 0
        record = self._after.record(self.rc, self.case)
        self.case = place
        return record

    def start(self, *arguments: str) -> subprocess.Popen:
        """Begin a command in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "evidencekit", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def wait_for_rows(self) -> None:
        """Return when an acquisition has taken rows."""
        while sum(path.stat().st_size for path in (self.case / "work").glob("EX-001/run-*")) < 1500:
            time.sleep(0.01)

    def rows(self) -> dict[bytes, tuple[str, dict, dict]]:
        """State, content and metadata of each sealed row, by its path."""
        number = int(self.office.ledger(self.case).log.seals["EX-001"]["manifest"])
        return {
            row.path: (row.state, decode(row.content), decode(row.metadata)) for row in self.rc.rows(self.case, number)
        }
