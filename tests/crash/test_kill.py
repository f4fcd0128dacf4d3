"""Programs that die, or are told to stop, at any moment: `--resume` goes on where they were, and reads nothing twice."""

from __future__ import annotations

import random
import re
import shutil
import signal
import tempfile
from collections import Counter
from pathlib import Path

import pytest

PHASES = ("start", "take", "large file", "retry", "compose", "publish", "events", "types")
STOPPED = r"\n?error X499: [^\n]+\n(?:  [^\n]+\n)?"  # the line break ends that of a ^C
"""One line, and one with what to do."""
IN_HAND = 256 + 1
"""Rows that a run keeps back at most (acquire/journal.py), and the file that was being read."""


class Killing:
    """A source, what an undisturbed acquisition of it gives, and how long each of its phases takes."""

    def __init__(self, rc, after, base, zygote, folder, *, small, large, size, shaky) -> None:
        self._rc, self._after, self._base, self._zygote, self._folder = rc, after, base, zygote, folder
        self.source = folder / "source"
        for name, count in (("small", small), ("shaky", shaky)):
            (self.source / name).mkdir(parents=True, exist_ok=True)
            for number in range(count):
                (self.source / name / f"{name}{number:05d}").write_bytes(b"GIF89a %d" % number)  # quickly typed
        for number in range(large):  # among the small ones, so that there is something before and behind
            block = b"%d" % number * (1 << 20)
            path = self.source / "small" / f"large{number}"
            path.write_bytes(block[: 1 << 20] * (size >> 20))
        ran, case = self._acquire()
        assert ran.code == 0, ran.errors
        self.undisturbed = after.record(rc, case)
        self.lasts: dict[str, float] = {}
        for (phase, began), (_, ended) in zip(ran.phases, ran.phases[1:], strict=False):
            self.lasts[phase] = max(ended - began, self.lasts.get(phase, 0))
        assert set(self.lasts) >= set(PHASES)

    def _acquire(self, **more):
        case = Path(tempfile.mkdtemp(dir=self._folder)) / "case"
        shutil.copytree(self._base.case, case)
        return self._zygote.run(self.arguments(case), **more), case

    def arguments(self, case, *more):
        folder = self._base.folder
        signing = ["--signer", str(folder / "office/examiner"), "--log-key", str(folder / "log.pem")]
        # One process, so that it can be watched; what several do when one is killed is in test_kill_processes.py.
        return [
            "acquire",
            str(case),
            str(self.source),
            "--exhibit",
            "EX-001",
            "--quiet",
            "--jobs",
            "1",
            *signing,
            *more,
        ]

    def stop(self, phase, share, send=signal.SIGKILL):
        """Stop an acquisition when this share of a phase is over, resume it, judge it; return both."""
        first, case = self._acquire(at=phase, after=share * self.lasts[phase], send=send)
        if send != signal.SIGKILL and first.code != 0:
            assert first.code == 4
            assert re.fullmatch(STOPPED, first.errors), first.errors
        after, office = self._after, self._base.office
        after.check_after_a_crash(self._rc, case, office)
        done = after.is_done(case)
        second = self._zygote.run(self.arguments(case, "--resume"))
        assert second.code == (5 if done or (second.code == 5 and after.is_done(case)) else 0), second.errors
        after.check_whole(self._rc, case, self.source, office, self.undisturbed)
        self._check_what_was_read_twice(first, second)
        shutil.rmtree(case.parent)
        return first, second

    def _check_what_was_read_twice(self, first, second):
        """At most what was not in a frame yet, and the file in hand; nothing once all was taken."""
        shaky = f"{self.source}/shaky/"
        before = [path for _, path in first.opened if not path.startswith(shaky)]
        twice = {path for _, path in second.opened} & set(before)
        if not twice:
            return
        assert first.phases[-2][0] in {"take", "large file", "retry"}, first.phases
        tail = before[min(before.index(path) for path in twice) :]
        assert len(tail) <= IN_HAND
        assert set(tail) == twice  # it is the end of what was read, and nothing else


@pytest.fixture(scope="module")
def killing(rc, after, base, zygote, in_memory):
    folder = Path(tempfile.mkdtemp(dir=in_memory))
    return Killing(rc, after, base, zygote, folder, small=400, large=2, size=12 << 20, shaky=60)


def stop_often(killing, phases, send):
    """Stop one acquisition in each of these phases; show (pytest -rP), and return, how often each was hit."""
    choice = random.Random()
    found = Counter()
    for phase in phases:
        first, _ = killing.stop(phase, choice.random() * 0.9, send)
        found["too late" if first.code == 0 else first.phases[-2][0]] += 1
    hits = ", ".join(f"{phase} {found[phase]}" for phase in (*PHASES, "too late") if found[phase])
    print(f"{signal.Signals(send).name} {len(phases)} times: {hits}")
    return found


def test_kill_9_at_random_moments_of_each_phase(killing):
    found = stop_often(killing, PHASES * 2, signal.SIGKILL)
    assert found["too late"] < len(PHASES)


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_kill_9_at_many_random_moments(killing, part):
    found = stop_often(killing, PHASES * 6 + ("take", "compose"), signal.SIGKILL)
    assert sum(found[phase] > 0 for phase in PHASES) >= len(PHASES) - 1  # some are short


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_told_to_stop_at_random_moments(killing, sent):
    """One line says so, and the exit code is that of work which could not be finished."""
    stop_often(killing, PHASES[1:], sent)  # from when on it listens


@pytest.mark.long
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_told_to_stop_at_many_random_moments(killing, sent):
    stop_often(killing, PHASES[1:] * 5, sent)


def test_little_is_read_twice_of_much(rc, after, base, zygote, tmp_path):
    """Many small files and some large ones, killed in the middle of a large one, and among small ones."""
    killing = Killing(rc, after, base, zygote, tmp_path, small=1200, large=3, size=16 << 20, shaky=1)
    for phase in ("large file", "take"):
        first, second = killing.stop(phase, 0.5)
        assert first.code == -signal.SIGKILL
        kept = {path for _, path in first.opened} - {path for _, path in second.opened}
        assert len(kept) >= len(first.opened) - IN_HAND
