"""`export` and `receive` on media that become full: OUT's, the case's, the receipt's, the cache's, the temporary one.

One message with an error of the system, exit code 4, nothing half written; with room again, what is said leads to the
end. The same for Ctrl-C.
"""

from __future__ import annotations

import os
import re

import pytest

PAGE = 4096
ROOM = "64m"
CANNOT_FINISH = 4
PLACES = {"given": "disk/given", "cases": "disk/cases"}
SIZES = (0, 3, 5, 8, 18, 40, 90, 220)
"""Pages that are free, fewest first, until it is done."""
FULL = {"X421", "X423", "X444", "X472", "X483"}
ALL = (
    *(("given", name) for name in ("OUT", "OUT.age", "ON.tar", "new", "existing")),
    *(("cases", name) for name in ("OUT.zip", "new", "existing")),
    *(("cache", name) for name in ("OUT.zip", "ON.tar")),
    ("temporary", "OUT.age"),
)


@pytest.fixture(scope="module")
def parties(rc, package_parties, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parties")
    (folder / "source/docs").mkdir(parents=True)
    (folder / "source/docs/0").write_bytes(b"letter" * 3000)
    (folder / "source/hard").write_bytes(b"x" * 30_000)
    return package_parties.Parties(rc, folder, folder / "source", package_parties.in_process)


@pytest.fixture
def trials(parties, tmp_path, tmpfs):
    """Return a function that lays a command out, with one of its folders on a medium of its own."""
    here = tmp_path / "here"
    media = {}

    def lay_out(place, name):
        if place not in media:
            (here / "disk").mkdir(parents=True, exist_ok=True)
            media[place] = tmpfs(ROOM, f"here/{PLACES.get(place, place)}")
        return parties.trial(here, name), media[place]

    return lay_out


def used(medium):
    status = os.statvfs(medium.path)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def fill(trials, place, name, sizes):
    """Give a command ever more room, until it is done; return the codes of the errors."""
    found = []
    for size in sizes:
        trial, medium = trials(place, name)
        medium.again(size=str(max(PAGE, used(medium) + size * PAGE)))
        ran = trial.parties.run(trial.here, trial.arguments)
        trial.check_left()
        medium.again(size=ROOM)
        if ran.code == 0:
            trial.check_done()
            break
        error = re.fullmatch(r"error (X\d{3}): \S[^\n]*\.\n(?:  \S[^\n]*\n)?", ran.errors)
        assert error, (size, ran.errors)
        assert ran.code == CANNOT_FINISH
        found.append(error[1])
        if error[1] not in {"X472", "X483"}:
            trial.check_nothing()
        try:
            trial.again()
            trial.check_done()
        except BaseException as failed:
            failed.add_note(f"{size} pages at {place} for {name}: {ran.errors}")
            raise
    assert set(found) <= FULL, found
    return found


@pytest.mark.parametrize(("place", "name"), [("given", "OUT.zip"), ("cases", "OUT.zip")])
def test_a_medium_that_is_full(trials, monkeypatch, place, name):
    monkeypatch.setattr("evidencekit.journeys.export_packing.refuse_too_small", lambda *_, **__: None)
    assert len(fill(trials, place, name, (0, 6))) >= 1


@pytest.mark.trial
@pytest.mark.parametrize(("place", "name"), ALL)
def test_a_medium_that_becomes_full_at_any_stage(trials, monkeypatch, place, name):
    """There was room when it was looked for, and others took it."""
    monkeypatch.setattr("evidencekit.journeys.export_packing.refuse_too_small", lambda *_, **__: None)
    found = fill(trials, place, name, SIZES)
    assert 1 <= len(found) < len(SIZES)
