"""evidencekit and the tools that people would take instead, side by side in alternating runs.

Writes results.json, chart.svg, and the table into README.md. Nothing here is a test: a goal that is missed is told, and
changes no exit status; that is 1 where evidencekit itself failed.

    make bench
    make bench BENCH_ARGS="--quick"
    make bench BENCH_ARGS="--task small --task one --rounds 7 --add"
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.agreement import agreement
from benchmarks.bench import Bench
from benchmarks.chart import chart
from benchmarks.machine import ROOT, cores, look
from benchmarks.package_scale import measure_package_scale
from benchmarks.report import Results, filled
from benchmarks.rounds import run_task
from benchmarks.scale import measure_scale
from benchmarks.tasks import TASKS

HERE = Path(__file__).parent
_GROWING = ("scale", "package-scale")
_CHOICES = (*TASKS, "agreement", *_GROWING)
_USUAL = {
    "rounds": 5, "files": 100_000, "large": 2 << 30, "medium": 2000, "tiny": 100_000, "real_files": None,
    "counts": [10_000, 100_000, 1_000_000],
}  # fmt: skip
_FULL = {"tiny": 1_000_000}
_QUICK = {
    "rounds": 2, "files": 2000, "large": 64 << 20, "medium": 64, "tiny": 2000, "real_files": 1000,
    "counts": [200, 2000],
}  # fmt: skip
"""Values of the options that were not given, by the preset."""


def _options(words: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--task", action="append", choices=_CHOICES, help="only this one; can be repeated")
    presets = parser.add_mutually_exclusive_group()
    presets.add_argument("--full", action="store_true", help="the proof from a case of a million files")
    presets.add_argument("--quick", action="store_true", help="small sizes: to see that everything works")
    add("--rounds", type=int, help="that count; one more warms up (5)")
    add("--files", type=int, help="small files; a fifth of it for media types, and packages (100,000)")
    add("--large", type=int, metavar="BYTES", help="of the one large file (2 GiB)")
    add("--medium", type=int, metavar="FILES", help="of 1 MiB (2,000)")
    add("--tiny", type=int, metavar="FILES", help="of the case from which a row is proved (100,000)")
    add("--real", nargs="+", type=Path, metavar="DIR", help="trees to copy for the task tree (/usr/lib and .venv)")
    add("--real-files", type=int, metavar="N", help="take only about N files of them")
    add("--counts", nargs="+", type=int, metavar="N", help="of files, for scale and package-scale (10^4, 10^5, 10^6)")
    add(
        "--workers", type=int, default=min(8, cores()), help="processes for peers that can use several (as evidencekit)"
    )
    add("--dir", type=Path, help="where corpora are made, in a folder of its own (the system's temporary folder)")
    add("--keep", action="store_true", help="do not remove that folder at the end")
    add(
        "--output",
        type=Path,
        default=HERE,
        metavar="DIR",
        help="for results.json, chart.svg and README.md (benchmarks)",
    )
    add("--add", action="store_true", help="keep what the last results say about the other tasks")
    add("--render", action="store_true", help="only make table and chart of the last results again")
    options = parser.parse_args(words)
    for name, value in (_USUAL | (_FULL if options.full else _QUICK if options.quick else {})).items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    if options.real is None:
        options.real = [path for path in (Path("/usr/lib"), ROOT / ".venv") if path.is_dir()]
    return options


def _bench(options: argparse.Namespace, folder: Path) -> Bench:
    sizes = {
        "small": options.files, "binary": options.files // 5, "text": options.files // 5, "medium": options.medium,
        "large": options.large, "tiny": options.tiny, "packaged": options.files // 5,
    }  # fmt: skip
    return Bench(folder, sizes, options.real, options.real_files, options.workers)


def _measure(bench: Bench, options: argparse.Namespace) -> Results:
    """Run what was asked for, in the order of the tasks; a corpus goes when nothing needs it any more."""
    wanted = [name for name in _CHOICES if not options.task or name in options.task]
    results = Results(look(), [])
    needs = {name: "real" if name == "agreement" else TASKS[name].corpus for name in wanted if name not in _GROWING}
    for name in wanted:
        if name in _GROWING:
            print(f"{name}: {', '.join(f'{count:,}' for count in options.counts)} files", flush=True)
            if name == "scale":
                results.scale = list(measure_scale(bench, options.counts))
            else:
                results.packages = list(measure_package_scale(bench, options.counts))
            continue
        corpus = needs.pop(name)
        if name == "agreement":
            print("agreement: evidencekit, then libmagic by itself", flush=True)
            results.agreement = agreement(bench, bench.corpus(corpus))
        else:
            results.outcomes.append(run_task(bench, name, TASKS[name], options.rounds))
        if corpus not in needs.values():
            bench.drop(corpus)
    return results


def _write(results: Results, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = filled((HERE / "README.md").read_text(encoding="utf-8"), results)
    (folder / "results.json").write_text(json.dumps(results.as_record(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    (folder / "chart.svg").write_text(chart(results.outcomes), "utf-8")
    (folder / "README.md").write_text(text, "utf-8")
    print(f"written: results.json, chart.svg, README.md in {folder}")


def main() -> int:
    """Run from the command line."""
    options = _options()
    last = options.output / "results.json"
    earlier = Results.of(json.loads(last.read_bytes())) if (options.add or options.render) and last.exists() else None
    if options.render:
        if earlier is None:
            raise SystemExit(f"There are no results in {options.output}.")
        _write(earlier, options.output)
        return 0
    if options.dir is not None:
        options.dir.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="evidencekit-bench-", dir=options.dir))
    try:
        results = _measure(_bench(options, folder), options)
    finally:
        if options.keep:
            print(f"kept: {folder}")
        else:
            shutil.rmtree(folder)
    failed = [outcome.task for outcome in results.outcomes if outcome.ours.not_run]
    _write(results.joined(earlier) if earlier else results, options.output)
    if failed:
        print(f"evidencekit failed in: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
