"""A power cut behind every step of an acquisition, with everything that a cut may leave: see recorder.py.

Whatever it left: nothing of it is FAILED or taken for more than it is, and `--resume` makes of it what an acquisition
that nothing came in the way of would have made.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from evidencekit.acquire.options import Options
from evidencekit.core import layout
from evidencekit.write.space import Room

FLAVOURS = {
    "plain": {},
    "sensitive": {"sensitive": True},
    "copies": {"copies": True},
    "copies, no syncfs": {"copies": True},
    "copies, resumed": {"copies": True},
}
SPREAD = {"plain": 22, "sensitive": 8, "copies": 12, "copies, no syncfs": 10, "copies, resumed": 8}
"""How many of the crashes `make test` looks at; `make test-long` looks at all."""
PARTS = 4


@pytest.fixture(scope="session")
def recorded(base, recorder, in_memory):
    """Return a function that gives the steps of an acquisition, and each crash that they may end in."""
    known = {}

    def record(flavour):
        if flavour not in known:
            case = Path(tempfile.mkdtemp(dir=in_memory)) / "case"
            if "resumed" in flavour:
                recorder.lay_out(half_taken(recorder, record("copies")[0]), case)
            else:
                shutil.copytree(base.case, case)
            with recorder.Recorder(case) as recording, pytest.MonkeyPatch.context() as patch:
                if "no syncfs" in flavour:
                    patch.setattr(Room, "syncs_at_once", False)
                options = Options(**FLAVOURS[flavour])
                base.office.acquire(case, base.source, options=options, resume="resumed" in flavour)
            disk = recording.disk()
            crashes = list(recorder.crashes(disk, recording.steps))
            assert disk.tree() == on_disk(case)  # nothing was done past the recorder
            known[flavour] = recording, crashes
        return known[flavour]

    return record


def half_taken(recorder, recording):
    """Return what a cut leaves when the rows were just handed to the system: half of them, and of each copy."""
    rows = [place for place, step in enumerate(recording.steps) if step[0] == "create" and step[2] == "named"]
    disk = recording.disk()
    for step in recording.steps[: rows[0]]:
        if not step[0].startswith("sync"):
            disk.do(step)
    return disk.tree(content=lambda _: "torn")


def on_disk(folder):
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    return {place: None if path.is_dir() else path.read_bytes() for place, path in found.items()}


def look_at(rc, after, recorder, base, case, flavour, crash, steps):
    """Lay out what a crash left, judge it, resume, and judge that."""
    number, fates, tree = crash
    office, options = base.office, FLAVOURS[flavour]
    recorder.lay_out(tree, case)
    try:
        after.check_after_a_crash(rc, case, office)
        if not after.is_done(case):
            office.acquire(case, base.source, resume=True, options=Options(**options))
        after.check_whole(rc, case, base.source, office, base.undisturbed(**options))
    except BaseException as error:
        error.add_note(f"after step {number} of {len(steps)}, {steps[number - 1] if number else '-'}: {fates}")
        raise
    shutil.rmtree(case)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_a_power_cut_may_leave(rc, after, recorder, base, recorded, tmp_path, flavour):
    recording, crashes = recorded(flavour)
    assert len(crashes) > 150
    every = len(crashes) / SPREAD[flavour]
    for place in range(SPREAD[flavour]):
        look_at(
            rc, after, recorder, base, tmp_path / "case", flavour, crashes[int((place + 0.5) * every)], recording.steps
        )


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_everything_that_a_power_cut_may_leave(rc, after, recorder, base, recorded, tmp_path, flavour, part):
    recording, crashes = recorded(flavour)
    for crash in crashes[part::PARTS]:
        look_at(rc, after, recorder, base, tmp_path / "case", flavour, crash, recording.steps)


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_brought_to_the_medium_is_found_there(recorder, recorded, flavour):
    """Rows and copies that were synced outlive a cut with their names, though it takes back all that was not."""
    recording, _ = recorded(flavour)
    disk = recording.disk()
    runs = {number: place for number, place in disk.files() if "/run-" in place}
    seen = 0
    for step in recording.steps:
        if not step[0].startswith("sync"):  # whoever goes on has synced what he wanted to
            found = disk.tree(recorder.all_lost, recorder.all_lost)
            synced = {place: disk.inodes[number].safe for number, place in runs.items() if disk.inodes[number].safe}
            assert {place: found.get(place) for place in synced} == synced, step
            seen += len(synced)
        disk.do(step)
        if step[0] == "create" and step[2].startswith("run-"):
            runs[step[3]] = f"work/EX-001/{step[2]}"
    assert seen


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_nothing_gets_its_name_before_it_is_on_the_medium(recorder, recorded, flavour):
    """Content before name, folder before the next commit, all of it before the checkpoint."""
    recording, _ = recorded(flavour)
    disk = recording.disk()
    names = []
    for step in recording.steps:
        if step[0] == "rename" and (name := place_of(disk, step)) is not None:
            assert disk.is_safe(disk.inodes[step[1]].now[step[2]]), f"{name} gets its name before its content is safe"
            if not name.startswith("objects/"):  # those are published together
                assert record_of(disk.tree(recorder.all_lost, recorder.all_lost)) == record_of(disk.tree()), name
                names.append(name.split("/")[0])
        disk.do(step)
    assert names == ["manifests", "custody", "custody", "checkpoints", "manifests", "custody", "checkpoints"]
    assert record_of(disk.tree(recorder.all_lost, recorder.all_lost)) == record_of(disk.tree())


def place_of(disk, step):
    """The place that a rename gives to something, if that is one of the record."""
    place = os.path.join(disk.place(step[3]), step[4])
    return None if layout.is_disposable(place) else place


def record_of(tree):
    """The files of a tree that belong to the record, and the folders that hold some."""
    return {place: data for place, data in tree.items() if data is not None and not layout.is_disposable(place)}
