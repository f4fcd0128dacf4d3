#!/usr/bin/env python3
"""Runs verifiers over every vector, and compares what they find with what has to be found.

    python3 verifiers/conformance.py 'evidencekit=evidencekit verify' 'mine=/path/to/my-verifier'

A verifier is any command that knows the command line of specs/verification.md, section 8. It agrees on a vector where
verdict, codes, and each error's place are those of `fixture.json`. Where it says by `--limits` that it does not check a
code, that code may be missing; the verdict may then be NOT CHECKED, and never a better one. Exit codes: 0 all agree,
1 one does not, 2 usage. Needs nothing but Python 3.8.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "specs" / "vectors"
CLOCK = "2026-05-28T20:26:40Z"
"""The verifier's clock, where a vector names none."""
TEXTS = json.loads((VECTORS.parent / "texts" / "en.json").read_text(encoding="utf-8"))
"""Its `not_checked` and `checked` have the names that a report may say there (verification.md, 5)."""
PATIENCE = 120
"""Seconds for one vector."""


def command_line(folder, options):
    """Return the arguments that verify the vector in `folder` as its options say."""
    named = [options[kind] for kind in ("proof", "package", "published") if kind in options]
    path = folder / (named or ["case"])[0]
    arguments = [str(path), "--json", "--now", options.get("now", CLOCK)]
    if options.get("policy"):
        arguments += ["--policy", str(folder / "policy")]
    if "since" in options:
        arguments += ["--since", options["since"]]
    if "source" in options:
        arguments += ["--source", "{}={}".format(options["source"], folder / "source")]
    if options.get("as_copy"):
        arguments.append("--as-copy")
    return arguments


def limits_of(command):
    """Return what a verifier says it does not find: CODE, or CODE@PLACE, to the reason. None where it says nothing."""
    done = subprocess.run([*command, "--limits"], capture_output=True, timeout=PATIENCE, check=False)
    if done.returncode != 0:
        return {}
    return json.loads(done.stdout)["codes"]


def differences(expected, report, exit_code, limits):
    """Return what a report says otherwise than a vector demands, in words; empty where they agree."""
    said = []
    errors = {(one["code"], one["where"]) for one in report["findings"] if one["severity"] == "error"}
    wanted = {tuple(error) for error in expected["errors"]}
    said += ["finds {} at {}, which is not there".format(*error) for error in sorted(errors - wanted)]
    missed = sorted(error for error in wanted - errors if not is_beyond(error, limits))
    said += ["misses {} at {}".format(*error) for error in missed]
    codes = {one["code"] for one in report["findings"]}
    other = set(expected["codes"]) - {code for code, _ in wanted}
    said += ["says {} without cause".format(code) for code in sorted(codes - {code for code, _ in errors} - other)]
    said += ["does not say {}".format(code) for code in sorted(other - codes) if not is_beyond((code, ""), limits)]
    reasons = {one["code"] for one in report["not_checked"]} - set(TEXTS["not_checked"])
    said += ["did not check something for {}, which is no reason".format(code) for code in sorted(reasons)]
    counted = set(report["counts"]["checked"]) - set(TEXTS["checked"])
    said += ["counts {}, which is nothing that is checked".format(name) for name in sorted(counted)]
    verdict = report["verdict"]
    if not acceptable(verdict, expected["verdict"], seen=bool(errors), limited=bool(limits)):
        said.append("comes to {}, not {}".format(verdict, expected["verdict"]))
    codes_of_verdicts = {"VERIFIED": 0, "FAILED": 3, "NOT CHECKED": 4, "INTEGRITY ONLY": 7}
    if exit_code != codes_of_verdicts.get(verdict):
        said.append("ends with exit code {} after {}".format(exit_code, verdict))
    return said


def is_beyond(error, limits):
    """Tell whether an error, code and place, is one that a verifier says it does not find."""
    code, where = error
    return any(
        fnmatchcase(code, one.partition("@")[0]) and fnmatchcase(where, one.partition("@")[2] or "*") for one in limits
    )


def acceptable(verdict, expected, *, seen, limited):
    """Tell whether a verdict stands: a verifier with limits that saw no error may come to NOT CHECKED instead."""
    return verdict == expected or (limited and not seen and verdict == "NOT CHECKED")


def judge(command, limits, folder):
    """Run a verifier over one vector; return (`agrees`, `within its limits` or `disagrees`, differences)."""
    expected = json.loads((folder / "fixture.json").read_text(encoding="utf-8"))
    try:
        done = subprocess.run(
            [*command, *command_line(folder, expected["options"])], capture_output=True, timeout=PATIENCE, check=False
        )
        report = json.loads(done.stdout)
        said = differences(expected, report, done.returncode, limits)
    except subprocess.TimeoutExpired:
        return "disagrees", ["no answer within {} s".format(PATIENCE)]
    except (ValueError, KeyError, TypeError) as error:
        return "disagrees", ["no report: {!r}; {}".format(error, done.stderr.decode("utf-8", "replace")[-300:].strip())]
    if said:
        return "disagrees", said
    exact = not differences(expected, report, done.returncode, {})
    return ("agrees" if exact else "within its limits"), []


def run(name, command, folders, jobs):
    """Run a verifier over all vectors, print what it came to, and return whether it agrees."""
    limits = limits_of(command)
    with ThreadPoolExecutor(jobs) as pool:
        results = list(pool.map(lambda folder: judge(command, limits, folder), folders))
    tally = Counter(kind for kind, _ in results)
    came_to = ", ".join("{} {}".format(tally[kind], kind) for kind in ("agrees", "within its limits", "disagrees"))
    print("{}: {} vectors: {}".format(name, len(folders), came_to), flush=True)
    for code, reason in sorted(limits.items()):
        print("  does not check {}: {}".format(code, reason))
    for folder, (_, said) in zip(folders, results):
        for line in said:
            print("  {}/{}: {}".format(folder.parent.parent.name, folder.name, line))
    return tally["disagrees"] == 0


def main():
    """Parse the command line, run all, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verifiers", nargs="+", metavar="NAME=COMMAND", help="a verifier, and how it is called")
    parser.add_argument("--vectors", type=Path, default=VECTORS, help="the folder of vectors")
    parser.add_argument("--only", default="", metavar="TEXT", help="vectors whose name has this in it")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time")
    given = parser.parse_args()
    folders = sorted(path.parent for path in given.vectors.glob("*/*/*/fixture.json") if given.only in path.parent.name)
    if not folders:
        parser.error("no vectors in {}".format(given.vectors))
    pairs = [text.partition("=") for text in given.verifiers]
    if not all(name and command for name, _, command in pairs):
        parser.error("a verifier is NAME=COMMAND")
    agreed = [run(name, shlex.split(command), folders, given.jobs) for name, _, command in pairs]
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
