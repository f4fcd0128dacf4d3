"""The table of the last runs, as Markdown. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.agreement import Agreement
from benchmarks.machine import Machine
from benchmarks.package_scale import PackageSize
from benchmarks.package_scale import table as package_table
from benchmarks.ratios import Outcome, Runs, ratio, reached, spread
from benchmarks.scale import Size, table

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
TIMES, TO = "\N{MULTIPLICATION SIGN}", "\N{EN DASH}"
_HEAD = (
    "| contender | ratio | goal | wall, s | CPU, s | largest process | all processes |\n|---|---|---|---|---|---|---|"
)


@dataclass(slots=True)
class Results:
    """All that was measured."""

    machine: Machine
    outcomes: list[Outcome]
    agreement: Agreement | None = None
    scale: list[Size] | None = None
    packages: list[PackageSize] | None = None

    @classmethod
    def of(cls, record: dict[str, Any]) -> Results:
        """Return the results that were written as this JSON object."""
        return cls(
            machine=Machine(**record["machine"]),
            outcomes=[Outcome.of(outcome) for outcome in record["tasks"]],
            agreement=Agreement(**record["agreement"]) if record["agreement"] else None,
            scale=[Size.of(size) for size in record["scale"]] if record["scale"] else None,
            packages=[PackageSize.of(size) for size in record.get("packages") or ()] or None,
        )

    def as_record(self) -> dict[str, Any]:
        """Return them as a JSON object."""
        return {
            "machine": asdict(self.machine),
            "tasks": [outcome.as_record() for outcome in self.outcomes],
            "agreement": asdict(self.agreement) if self.agreement else None,
            "scale": [size.as_record() for size in self.scale] if self.scale else None,
            "packages": [size.as_record() for size in self.packages] if self.packages else None,
        }

    def joined(self, earlier: Results) -> Results:
        """Return these with what was measured earlier and not again; tasks stay in the order of the earlier ones."""
        new = {outcome.task: outcome for outcome in self.outcomes}
        kept = [new.pop(outcome.task, outcome) for outcome in earlier.outcomes]
        return Results(
            self.machine,
            [*kept, *new.values()],
            self.agreement or earlier.agreement,
            self.scale or earlier.scale,
            self.packages or earlier.packages,
        )


def filled(text: str, results: Results) -> str:
    """Return a text with the results between its two marks.

    Raises:
        ValueError: a mark is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no place for the results: {BEGIN} … {END}")
    return f"{before}{BEGIN}\n{markdown(results)}\n{END}{after}"


def markdown(results: Results) -> str:
    """Return head, one table a task, agreement and scale."""
    parts = [_head(results.machine), *(_task(outcome) for outcome in results.outcomes)]
    if results.agreement:
        parts.append(_agreement(results.agreement))
    if results.scale:
        parts.append("\n".join(["### How cost grows with the number of files", "", *table(results.scale)]))
    if results.packages:
        title = "### How the cost of a package grows with its rows (zip, without content)"
        parts.append("\n".join([title, "", *package_table(results.packages)]))
    return "\n\n".join(parts)


def _head(machine: Machine) -> str:
    sha = {
        True: "with SHA instructions",
        False: "**without SHA instructions**, so that SHA-256 runs at about 0.35 GB/s a core and bounds everything",
        None: "SHA instructions unknown",
    }[machine.sha_instructions]
    tools = ", ".join(f"{name} {version or '**not installed**'}" for name, version in machine.tools.items())
    return (
        f"{machine.date}; {machine.cpu}, {machine.cores} cores, {sha}; load average at the start {machine.load}.\n"
        f"evidencekit {machine.evidencekit}; Python {machine.python}; {machine.openssl} in it; {machine.system}.\n"
        f"Peers: {tools}."
    )


def _task(outcome: Outcome) -> str:
    rounds = len(outcome.ours.wall)
    about = "; ".join(word for word in (outcome.corpus, f"{rounds} counted runs each", outcome.date) if word)
    lines = [f"### {outcome.title} (`{outcome.task}`)", "", f"{about}; load average {outcome.load}.", "", _HEAD]
    lines += [_row(runs, outcome.ours) for runs in outcome.contenders]
    lines += [f"\n{name}: {fact}." for name, fact in outcome.facts.items()]
    return "\n".join(lines)


def _row(runs: Runs, ours: Runs) -> str:
    name = f"**{runs.name}**" if runs is ours else f"*{runs.name}*" if runs.is_limit else runs.name
    if runs.not_run is not None:
        return f"| {name} | not run: {_cell(runs.not_run)} | {_goal(runs, ours)} | | | | |"
    found = None if runs is ours else ratio(runs, ours)
    cells = (
        name,
        f"**{shown(found.median)}** ({shown(found.least)}{TO}{shown(found.most)})" if found else "",
        _goal(runs, ours),
        _seconds(runs.wall),
        _seconds(runs.cpu),
        _mebibytes(runs.peak),
        _mebibytes(runs.together),
    )
    return f"| {' | '.join(cells)} |"


def _goal(runs: Runs, ours: Runs) -> str:
    if runs.goal is None:
        return ""
    verdict = {True: "reached", False: "**missed**", None: "not known"}[reached(runs, ours)]
    return f"≥ {shown_goal(runs.goal)}: {verdict}"


def shown(figure: float) -> str:
    """Return a ratio as people read it: three figures at most."""
    return f"{figure:.0f}" if figure >= 99.5 else f"{figure:.1f}" if figure >= 9.95 else f"{figure:.2f}"


def shown_goal(goal: float) -> str:
    """Return a goal as it was set: no more figures than it has."""
    return f"{goal:.0f}" if goal >= 10 else f"{goal:.2g}"


def _seconds(figures: Sequence[float]) -> str:
    found = spread(figures)
    return f"{found.median:.2f} ({found.least:.2f}{TO}{found.most:.2f})"


def _mebibytes(figures: Sequence[int]) -> str:
    return f"{spread(figures).median / 2**20:.0f} MiB"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _agreement(found: Agreement) -> str:
    lines = [
        "### Media types: agreement with plain libmagic on the real tree",
        "",
        f"{found.same:,} of {found.files:,} sealed opinions ({found.percent:.3f} %) are what libmagic says by itself.",
        f"The media type alone is the same for {found.same_type:,}.",
    ]
    if found.examples:
        lines += ["", "Files | sealed | by libmagic itself | name of one:", "```", *found.examples, "```"]
    return "\n".join(lines)
