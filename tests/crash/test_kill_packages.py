"""`export` and `receive`, killed at any moment: nothing looks finished that is not, and what is said leads to the end."""

from __future__ import annotations

import random
import re
import signal

import pytest

KILLED = -signal.SIGKILL
NAMES = ("OUT", "OUT.tar", "OUT.zip", "OUT.age", "ON.tar", "new", "existing")
STOPPED = r"\n?error (X499|X483): [^\n]+\n(?:  [^\n]+\n)?"
"""One line, and one with what to do."""


@pytest.fixture(scope="module")
def parties(rc, base, zygote, in_memory, package_parties):
    return package_parties.Parties(rc, in_memory / "parties", base.source, zygote.run)


def killed_at(parties, here, name, **when):
    """Kill the command, judge what is left, do what is said, judge the end; return what it was killed with, and said."""
    trial = parties.trial(here, name)
    ran = parties.run(here, trial.arguments, **when)
    trial.check_left()
    if ran.code != KILLED:
        assert ran.code == 0, ran.errors
        trial.check_done()
        return ran, []
    said = trial.again()
    trial.check_done()
    return ran, said


def kill_at_steps(parties, here, name, choose):
    """Kill the command before some of its changes on the disk; return what was said afterwards each time."""
    steps = killed_at(parties, here, name, root=str(here), step=0)[0].steps
    assert steps > 40
    seen = set()
    for step in choose(steps):
        try:
            ran, said = killed_at(parties, here, name, root=str(here), step=step)
        except BaseException as error:
            error.add_note(f"step {step} of {steps} of {name}")
            raise
        assert ran.code == KILLED or step > steps - 3, step  # what is tidied up hangs on chance
        seen.add(tuple(said))
    return seen


@pytest.mark.parametrize("name", ["OUT", pytest.param("existing", marks=pytest.mark.trial)])
def test_kill_9_at_some_changes_on_the_disk(parties, tmp_path, name):
    """One at any moment, and one while things get their names."""
    choice = random.Random()
    kill_at_steps(
        parties,
        tmp_path / "here",
        name,
        lambda steps: (choice.randrange(1, steps), choice.randrange(steps - 25, steps)),
    )


@pytest.mark.trial
@pytest.mark.parametrize("name", NAMES)
def test_kill_9_at_many_changes_on_the_disk(parties, tmp_path, name):
    """All of the last ones, when things get their names; of the others as many as there is time for."""
    choice = random.Random()
    seen = kill_at_steps(
        parties,
        tmp_path / "here",
        name,
        lambda steps: (*sorted(choice.sample(range(1, steps - 14), 6)), *range(steps - 14, steps, 2)),
    )
    assert len(seen) > 1


@pytest.mark.trial
def test_kill_9_while_an_archive_is_encrypted(parties, tmp_path):
    """Its bytes are written by a thread, between the changes that are counted."""
    for _ in range(8):
        killed_at(parties, tmp_path / "here", "OUT.age", at="start", after=random.Random().uniform(0.02, 0.25))


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("OUT", signal.SIGINT),
        *(
            pytest.param(name, sent, marks=pytest.mark.trial)
            for name in ("OUT.age", "ON.tar", "new", "existing")
            for sent in (signal.SIGINT, signal.SIGTERM)
        ),
    ],
)
def test_told_to_stop(parties, tmp_path, name, sent):
    """One message and exit code 4; nothing is left but what is recorded."""
    choice = random.Random()
    trial = parties.trial(tmp_path / "here", name)
    steps = parties.run(tmp_path / "here", trial.arguments, root=str(tmp_path / "here"), step=0).steps
    for step in (choice.randrange(20, steps), choice.randrange(steps - 25, steps)):
        trial = parties.trial(tmp_path / "here", name)
        ran = parties.run(trial.here, trial.arguments, root=str(trial.here), step=step, signal=sent)
        trial.check_left()
        if ran.code != 0:  # it may have been done
            assert ran.code == 4
            stopped = re.fullmatch(STOPPED, ran.errors)
            assert stopped, ran.errors
            if stopped[1] == "X499" and not trial.is_recorded:
                trial.check_nothing()
            trial.again()
        trial.check_done()
