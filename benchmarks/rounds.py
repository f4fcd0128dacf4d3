"""Contenders side by side: one round that does not count, then rounds in which each has its turn, A B C A B C."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence

from benchmarks.bench import Bench, has_bagit
from benchmarks.machine import ROOT, load, today
from benchmarks.measure import Failed, Usage, measured
from benchmarks.peers import Contender
from benchmarks.ratios import Outcome, Runs
from benchmarks.tasks import Planned, Task


def run_task(bench: Bench, name: str, planned: Planned, rounds: int) -> Outcome:
    """Make what a task needs, and run it; where that cannot be made, the outcome says so."""
    print(f"{name}:", flush=True)
    folder = bench.corpus(planned.corpus) if planned.corpus else bench.folder
    about = bench.about(planned.corpus) if planned.corpus else ""
    try:
        with planned.make(bench, folder) as task:
            began, at_start = today(), load()
            return Outcome(name, task.title, about, began, at_start, _run(bench, task, rounds * task.times), task.facts)
    except Failed as error:
        why = _why(bench, error)
        print(f"  not run: {why}", flush=True)
        return Outcome(name, name, about, today(), load(), [Runs("evidencekit", not_run=why)])


def _run(bench: Bench, task: Task, rounds: int) -> list[Runs]:
    pairs = [
        (contender, Runs(contender.name, contender.goal, contender.is_limit, not_run=_missing(contender.needs)))
        for contender in task.contenders
    ]
    for number in range(rounds + 1):
        for contender, runs in pairs:
            if runs.not_run is None:
                _turn(bench, contender, runs, counts=number > 0)
        _say(number, rounds, [runs for _, runs in pairs])
    return [runs for _, runs in pairs]


def _missing(needs: str | None) -> str | None:
    there = needs is None or (has_bagit() if needs == "bagit" else shutil.which(needs) is not None)
    return None if there else f"{needs} is not installed"


def _turn(bench: Bench, contender: Contender, runs: Runs, *, counts: bool) -> None:
    try:
        with contender.ready() as command:
            os.sync()  # what was made for this run is on the disk before the clock starts
            usage = measured(command, allowed=contender.allowed)
    except Failed as error:
        runs.not_run = _why(bench, error)
        print(f"  {contender.name} {runs.not_run}", flush=True)
        return
    if counts:
        _add(runs, usage)


def _why(bench: Bench, error: Failed) -> str:
    """Return what went wrong without the names of this machine's folders."""
    return f"failed: {error}".replace(str(bench.folder), "BENCH_DIR").replace(str(ROOT), "ROOT")


def _add(runs: Runs, usage: Usage) -> None:
    runs.wall.append(round(usage.wall, 4))
    runs.cpu.append(round(usage.cpu, 4))
    runs.peak.append(usage.peak)
    runs.together.append(usage.together)
    runs.read.append(usage.read)


def _say(number: int, rounds: int, runs: Sequence[Runs]) -> None:
    if number == 0:
        left_out = [f"{each.name} ({each.not_run})" for each in runs if each.not_run]
        print("  warm" + "".join(f"; not run: {each}" for each in left_out), flush=True)
    else:
        walls = ", ".join(f"{each.name} {each.wall[-1]:.2f}" for each in runs if each.wall and not each.not_run)
        print(f"  {number}/{rounds}: {walls}", flush=True)
