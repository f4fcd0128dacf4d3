"""Hostile sources: each taken by root and by somebody who may do little; the name of a test says by whom.

`hostiletree.py` builds the source, `persons.py` are those who run commands, `manifestrows.py` reads what they sealed,
`treesnapshot.py` and `openwatch.py` are witnesses, `openings.py` changes things at a chosen moment.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pytest


def _load(name: str) -> None:
    """Make a module of this folder, or of the one above, one that can be imported by its name: tests are no package."""
    if name not in sys.modules:
        here = Path(__file__).parent
        path = next(path for path in (here / f"{name}.py", here.parent / f"{name}.py") if path.exists())
        spec = importlib.util.spec_from_file_location(name, path)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])


for _name in (
    "realcase",
    "casebuilder",
    "hostiletree",
    "leakhunt",
    "manifestrows",
    "openings",
    "openwatch",
    "packagebuilder",
    "packagefuzz",
    "persons",
    "treesnapshot",
):
    _load(_name)

import hostiletree  # noqa: E402 - there from here on
import manifestrows  # noqa: E402
import openwatch  # noqa: E402
import treesnapshot  # noqa: E402
from persons import IS_ROOT, OTHER, ROOT, Desk, Done, Person, new_desk, somebody  # noqa: E402

MEMORY = Path("/dev/shm")  # noqa: S108 - a tmpfs, where there is one: it is fast, takes any time and large attributes

ROOM = 256 << 20
"""Bytes that the hostile source may take there, where it is read by programs that fill holes."""


class Observed(NamedTuple):
    """A command that looked at a source, what stood there before and after (`treesnapshot`), and what was opened."""

    done: Done
    before: Any
    after: Any
    opened: list[bytes]
    """Of what must not be: special files, and all that lies outside."""


def observe(person: Person, tree: hostiletree.Tree, home: Path, words: list[object]) -> Observed:
    """Run a command that looks at a source."""
    before = treesnapshot.take(tree.root)
    special = [tree.root + b"/" + path for path, facts in before.items() if treesnapshot.is_special(facts)]
    with openwatch.Watch(*special, tree.outside) as witness:
        done = person.cli(*words, home=home)
    return Observed(done, before, treesnapshot.take(tree.root), witness.seen)


@dataclass
class Scene:
    """The hostile source, who took it, and the case."""

    name: str
    person: Person
    tree: hostiletree.Tree
    desk: Desk
    acquired: Observed

    def cli(self, *words: object) -> Done:
        """Run a command as that person."""
        return self.person.cli(*words, home=self.desk.folder)

    @property
    def all_readable(self) -> bool:
        """Whether nothing is closed to the person."""
        return IS_ROOT and self.person.uid is None

    @cached_property
    def verified(self) -> Observed:
        """`verify --source` of it."""
        return observe(self.person, self.tree, self.desk.folder, ["verify", self.desk.case, "--source", self.tree.root])

    @cached_property
    def rows(self) -> dict[bytes, manifestrows.Row]:
        """The rows of the manifest by path."""
        return manifestrows.read(self.desk.case)


@contextlib.contextmanager
def place(*, in_memory: bool | None) -> Iterator[Path]:
    """Give a folder that others may pass: on a tmpfs, in the system's temporary folder, or (None) where it is faster.

    Not in pytest's own: any other run of pytest closes that to others again.
    """
    room = shutil.disk_usage(MEMORY).free if os.access(MEMORY, os.W_OK) else 0
    if in_memory and room < ROOM:
        pytest.skip(f"NOT RUN: {MEMORY} cannot be written, or is too small")
    where = MEMORY if in_memory or (in_memory is None and room > 16 * ROOM) else None
    with tempfile.TemporaryDirectory(prefix="evidencekit-hostile-", dir=where) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def places():
    """The function that gives folders."""
    return place


@pytest.fixture(params=[pytest.param(ROOT, id="root"), pytest.param(OTHER, id=OTHER.name)])
def person(request):
    """Root, then somebody who may do little."""
    return somebody(request.param)


@pytest.fixture
def desk_of():
    """Return a function that opens a case for a person."""
    with contextlib.ExitStack() as stack:
        yield lambda person: new_desk(stack.enter_context(place(in_memory=None)) / "desk", person)


SCENES = {
    "root, in memory": (ROOT, True),
    f"{OTHER.name}, on disk": (OTHER, False),
}
"""Who, and whether on a tmpfs."""


@pytest.fixture(scope="session", params=[pytest.param(scene, id=scene) for scene in SCENES])
def scene(request):
    """The hostile source, taken whole by one person; nothing here is changed by a test."""
    who, in_memory = SCENES[request.param]
    somebody(who)
    with place(in_memory=in_memory) as folder:
        (folder / "source").mkdir()
        tree = hostiletree.build(os.fsencode(folder / "source"))
        try:
            desk = new_desk(folder / "desk", who)
            acquired = observe(who, tree, desk.folder, desk.acquiring(tree.root))
            assert acquired.done.code in {0, 6}, acquired.done
            yield Scene(request.param, who, tree, desk, acquired)
        finally:
            hostiletree.remove(tree)
