"""A power cut behind every step of `export` and `receive`, with everything that a cut may leave: see recorder.py."""

from __future__ import annotations

import io
import os
import random
import shutil
from pathlib import Path

import pytest

from evidencekit.write.space import Room

FLAVOURS = ("OUT", "OUT, no syncfs", "OUT.zip", "ON.tar", "existing", "existing, no syncfs")
SPREAD, SPREAD_LONG = 3, 9
"""How many of the crashes of each `make test` looks at, and `make test-long`; each time others."""


class Raw(io.RawIOBase):
    """A new file, written to by calls that the recorder hears of."""

    def __init__(self, path) -> None:
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)

    def fileno(self):
        return self._handle

    def writable(self):
        return True

    def write(self, data):
        return os.write(self._handle, data)

    def close(self):
        if not self.closed:
            os.close(self._handle)
        super().close()


@pytest.fixture(scope="module")
def parties(rc, base, in_memory, package_parties):
    return package_parties.Parties(rc, in_memory / "cut-parties", base.source, package_parties.in_process)


@pytest.fixture(scope="module")
def recorded(parties, recorder, in_memory):
    """Return a function that gives the crashes that a command may end in, and where it was."""
    known = {}
    real = Path.open

    def open_raw(path, mode="r", *given, **more):
        return Raw(path) if mode == "xb" else real(path, mode, *given, **more)

    def record(flavour):
        if flavour not in known:
            here = in_memory / f"cut-{len(known)}"
            trial = parties.trial(here, flavour.partition(",")[0])
            with recorder.Recorder(here / "disk") as recording, pytest.MonkeyPatch.context() as patch:
                patch.setattr(Path, "open", open_raw)
                if "no syncfs" in flavour:
                    patch.setattr(Room, "syncs_at_once", False)
                assert parties.run(here, trial.arguments).code == 0
            disk = recording.disk()
            crashes = list(recorder.crashes(disk, recording.steps))
            assert {place for place, _ in disk.tree().items()} == names_below(here / "disk")  # nothing went past it
            known[flavour] = trial, recording.steps, crashes
        return known[flavour]

    return record


def names_below(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def look_at(recorder, recorded, flavour, how_many):
    trial, steps, crashes = recorded(flavour)
    assert len(crashes) > 150
    choice = random.Random()
    some = [choice.choice(crashes[at::how_many]) for at in range(min(len(crashes), how_many - how_many // 3))]
    late = [crash for crash in crashes if crash[0] > len(steps) * 0.8]
    for number, fates, tree in (*some, *choice.sample(late, min(len(late), how_many // 3))):
        shutil.rmtree(trial.here / "disk")
        recorder.lay_out(tree, trial.here / "disk")
        try:
            trial.check_left()
            trial.again()
            trial.check_done()
        except BaseException as error:
            error.add_note(
                f"{flavour} after step {number} of {len(steps)}, {steps[number - 1] if number else ''}: {fates}"
            )
            raise


def test_what_a_power_cut_may_leave(recorder, recorded):
    look_at(recorder, recorded, "OUT", SPREAD)


@pytest.mark.trial
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_more_of_what_a_power_cut_may_leave(recorder, recorded, flavour):
    look_at(recorder, recorded, flavour, SPREAD_LONG)
