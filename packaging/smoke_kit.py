"""What a check works with: the programs in a bare root, media to work on, and the ordinary install."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from smoke_room import READ_ONLY, TOOLS, Medium, NotRunError, Ran, Room, ran
from smoke_sticks import Stick, Sticks
from smoke_story import Hand, tell_story


def faking(root: str) -> tuple[str, ...]:
    """Return suite and packages of the root whose libfaketime fits into another."""
    return TOOLS if root == TOOLS[0] or "/" in root else (root, "libfaketime")


class Workstation:
    """The ordinary install."""

    def __init__(self, program: Path, folder: Path, source: Path) -> None:
        self._program, self._folder, self._source = program, folder, source
        self._made = False

    def at(self, folder: Path) -> Hand:
        """Return the hand that works in a folder."""
        if not self._program.exists():
            raise NotRunError(f"no ordinary install at {self._program}")
        home = self._folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(home), "LC_ALL": "C.UTF-8"}

        def run(program: str, *words: str) -> Ran:
            return ran([self._program.with_name(program), *words], cwd=folder, env=environment)

        return Hand("workstation", run)

    def made(self) -> Path:
        """Return a folder with keys, a case, an offer and a package of the ordinary install."""
        folder = self._folder / "made"
        if not self._made:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            tell_story(self.at(folder), str(self._source))
            self._made = True
        return folder


@dataclass(frozen=True)
class Kit:
    """The programs in one form, a bare root, and everything that a check may want."""

    room: Room
    form: str
    dist: Path
    pattern: str
    source: Path
    many: Path
    work: Path
    sticks: Sticks
    workstation: Workstation

    @contextlib.contextmanager
    def hands(
        self, at: Medium | Stick, *, kit: str = "kit", flags: int = READ_ONLY, environment: dict[str, str] | None = None
    ) -> Iterator[Hand]:
        """Show the programs in /media/KIT, the sources beside; yield who works with them at a place."""
        if not (self.dist / self.pattern.format("evidencekit")).is_file():
            raise NotRunError(f"{self.dist} has no {self.pattern.format('evidencekit')}")
        show = self.room.shown
        with show(self.dist, kit, flags) as shown, show(self.source, "source"), show(self.many, "many"):

            def run(program: str, *words: str) -> Ran:
                command = [str(shown / self.pattern.format(program)), *words]
                return self.room.run(command, at=at.place, environment=environment)

            yield Hand(f"{self.room.suite}, {self.form}", run)

    @contextlib.contextmanager
    def desk(self, name: str = "desk", *, flags: int = 0, tmp: str = "256m", tmp_flags: int = 0) -> Iterator[Medium]:
        """Mount a medium to work on, and /tmp."""
        with self.room.medium("/tmp", size=tmp, flags=tmp_flags), self.room.medium(name, flags=flags) as found:  # noqa: S108
            yield found
