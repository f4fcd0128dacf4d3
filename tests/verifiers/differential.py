"""Random changes of good packages, cases and proofs, through all verifiers: any disagreement is a fault of one, or of the specs.

    python tests/verifiers/differential.py --seconds 600 [--seed N] [--only NAME] [--verifiers script,web] [--count N]

evidencekit is compared with verify_evidence.py and with the engine of verify.html: verdict, code and place of each
error, codes of all else, but for what those say by `--limits` that they do not find (specs/verification.md, 8). Each line
of the output is one disagreement; `--keep FOLDER` leaves there, by its seed, what was verified.
"""

from __future__ import annotations

import argparse
import gc
import io
import shutil
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parent))
from beside import ROOT, Ours, Report, Script, Web
from mutations import Files, fitted, mutate_bytes, mutate_files

NOW = 1_790_000_000 * 10**9
PROOF = b"c2sp.org/tlog-proof@v1\n"
REFUSALS = {"E151", "E152", "E153", "E154", "E155", "E156"}
UNREAD = {"E421", "E423"}
GOOD = ("VERIFIED", "INTEGRITY ONLY")


@dataclass(frozen=True)
class Subject:
    """A good thing to change: `kind` is case, package or proof."""

    kind: str
    files: Files
    policy: Files | None


def files_of(folder: Path) -> Files:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def unzipped(path: Path) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def subjects(only: str = "") -> dict[str, Subject]:
    """Each good vector, and each that only warns, by its name."""
    out = {}
    for folder in sorted((ROOT / "specs/vectors").glob("*/good/*")) + sorted((ROOT / "specs/vectors").glob("*/warn/*")):
        policy = files_of(folder / "policy") if (folder / "policy").is_dir() else None
        name = folder.name if folder.name not in out else f"{folder.parents[1].name}/{folder.name}"
        if (folder / "package.zip").is_file():
            out[name] = Subject("package", unzipped(folder / "package.zip"), policy)
        elif (folder / "case").is_dir():
            out[name] = Subject("case", files_of(folder / "case"), policy)
        elif (folder / "row.tlog-proof").is_file():
            out[name] = Subject("proof", {"row.tlog-proof": (folder / "row.tlog-proof").read_bytes()}, policy)
    return {name: subject for name, subject in out.items() if only in name}


# --- one trial -----------------------------------------------------------------------------------------------------


def write(files: Files, folder: Path) -> None:
    folder.mkdir(parents=True)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def zipped(files: Files, pick: Random) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", pick.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
        for path in sorted(files):
            archive.writestr("package/" + path, files[path])
    return out.getvalue()


def tarred(files: Files, pick: Random) -> bytes:
    out = io.BytesIO()
    form = pick.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for path in sorted(files):
            member = tarfile.TarInfo("package/" + path)
            member.size = len(files[path])
            archive.addfile(member, io.BytesIO(files[path]))
    return out.getvalue()


def packed(files: Files, place: Path, pick: Random) -> tuple[Path, str]:
    """A package as a folder, zip or tar, whole or with a byte changed."""
    form = pick.randrange(5)
    if form < 3:
        write(files, place)
        return place, "folder"
    path = place.with_suffix(".zip" if form == 3 else ".tar")
    data = (zipped if form == 3 else tarred)(files, pick)
    if pick.random() < 0.5:
        at = pick.choice([0, len(data) * 3 // 4])
        data = data[:at] + mutate_bytes(data[at:], pick)
        form = 9
    path.write_bytes(data)
    return path, path.suffix + (" changed" if form == 9 else "")


def changed(subject: Subject, pick: Random, place: Path) -> tuple[Path, Path | None, str, str]:
    """Change a subject once or twice and put it at `place`.

    Return what to verify, with which policy, what was done, in words, and the file of the policy that was changed.
    """
    files, words, rule = subject.files, [], ""
    for _ in range(pick.choice([1, 1, 1, 2])):
        files, what = mutate_files(files, pick) if pick.random() < 0.97 else (files, "nothing")
        words.append(what)
    files = fitted(files, subject.files, subject.kind, pick)
    policy = place.with_name("policy") if subject.policy and pick.random() < 0.6 else None
    if policy:
        rules = subject.policy
        if pick.random() < 0.05:
            rules, what = mutate_files(rules, pick)
            words.append("policy: " + what)
            rule = what.partition(" ")[2]
        write(rules, policy)
        words.append("with policy")
    if subject.kind == "proof":
        path = place.with_suffix(".tlog-proof")
        path.write_bytes(next(iter(files.values()), b""))
    elif subject.kind == "package":
        path, form = packed(files, place, pick)
        words.append(form)
    else:
        path = place
        write(files, path)
    return path, policy, "; ".join(words), rule


# --- comparison ----------------------------------------------------------------------------------------------------


def errors(report: Report) -> set[tuple[str, str]]:
    return {(one["code"], one["where"]) for one in report["findings"] if one["severity"] == "error"}


def is_beyond(code: str, where: str, limits: dict[str, str]) -> bool:
    return any(
        fnmatchcase(code, one.partition("@")[0]) and fnmatchcase(where, one.partition("@")[2] or "*") for one in limits
    )


def disagreement(ours: Report, theirs: Report, limits: dict[str, str]) -> str:
    """What two reports say otherwise of the same bytes; '' where they agree."""
    if "usage" in ours or "usage" in theirs or "crash" in theirs:
        return "" if "usage" in ours and "usage" in theirs else f"{_short(ours)} and {_short(theirs)}"
    broken = [one for report in (ours, theirs) for one in report["not_checked"] if one["code"] == "internal_error"]
    if broken:
        return f"internal error: {broken}"
    one, two = errors(ours), errors(theirs)
    if (
        limits
        and not two
        and any((m["code"], m["what"]) == ("not_supported", "archive") for m in theirs["not_checked"])
    ):
        return "" if theirs["verdict"] == "NOT CHECKED" else "says of a form that it does not read more than that"
    if all(said and {code for code, _ in said} <= REFUSALS for said in (one, two)):
        return ""  # which of its faults a container is refused for is the reader's to choose (package.md, 9)
    if one and {code for code, _ in one} <= REFUSALS and all(is_beyond(*error, limits) for error in one):
        return ""  # a container that the one refuses, and of which the other says that it does not see why
    # evidencekit ends with an event at E101 of its body; a verifier that does not look there reads on, in it and behind it
    ends = [
        w.rpartition("/")[0] for code, w in one if code == "E101" and is_beyond(code, w, limits) and "custody/" in w
    ]
    # a checkpoint whose second signature is not checked is taken for good, and for the newest where it is the largest
    taken = [w for code, w in one - two if code == "E406" and "checkpoints/" in w and is_beyond(code, w, limits)]
    newest = int((ours.get("checkpoint") or {"size": 0})["size"])
    for where in list(taken):
        log, _, size = where.rpartition("checkpoints/")
        if int(size) > newest and log in {"", "evidence/"}:
            ends.append(f"{log}custody/{newest:08}")
            taken += [f"{log}checkpoints/{newest:08}", "evidence/package.json", "evidence/package.json.sig"]
    for where in {where for code, where in one ^ two if code in UNREAD}:
        if {
            code for code, at in one ^ two if at == where
        } == UNREAD:  # that it is not in its form, or that it is not signed
            taken.append(where)
    apart = {
        (code, where)
        for code, where in one ^ two
        if where not in taken and not any(_is_behind(where, end) for end in ends)
    }
    missed, spare = {error for error in apart & one if not is_beyond(*error, limits)}, apart & two
    if missed or spare:
        return f"misses {sorted(missed)}, finds without cause {sorted(spare)}"
    said, heard = (
        {
            each["code"]
            for each in report["findings"]
            if each["where"] not in taken and not any(_is_behind(each["where"], end) for end in ends)
        }
        for report in (ours, theirs)
    )
    quiet = {code for code in said - heard if not is_beyond(code, "", {one.partition("@")[0]: "" for one in limits})}
    if quiet or heard - said:
        return f"does not say {sorted(quiet)}, says without cause {sorted(heard - said)}"
    less = theirs["verdict"] == "NOT CHECKED" and limits and (one - two or ours["verdict"] in GOOD)
    named = {missing["reason"] for missing in theirs["not_checked"]}
    told = {limit: why for limit, why in limits.items() if why in named}
    unseen = (
        one
        and not two
        and theirs["verdict"] in GOOD
        and all(
            is_beyond(*error, told) or error[1] in taken or any(_is_behind(error[1], end) for end in ends)
            for error in one
        )
    )
    if theirs["verdict"] != ours["verdict"] and not less and not unseen:
        return f"comes to {theirs['verdict']} ({theirs['reason']}), not {ours['verdict']} ({ours['reason']})"
    return ""


def may_differ(rule: str, is_refused: bool, limits: dict[str, str]) -> bool:
    """May a verifier with limits refuse a changed policy that another takes, or take one that another refuses?

    It reads of a policy what it judges by, and refuses what it does not understand (specs/verification.md, 8).
    """
    return is_beyond("U222", rule, limits) or (bool(limits) and is_refused)


def _is_behind(where: str, end: str) -> bool:
    """Is this in the event whose folder `end` is, in a later one of its log, or in what event 0 is compared with?"""
    log = end.rpartition("custody/")[0] + "custody/"
    return (where.startswith(log) and where[: len(end)] >= end) or (where == "case.json" and end.endswith("/00000000"))


def _short(report: Report) -> str:
    return next((f"{key}: {report[key]}" for key in ("usage", "crash") if key in report), report.get("verdict", "?"))


def trial(seed: int, things: dict[str, Subject], others: list[Callable[..., Report]], scratch: Path) -> list[str]:
    """Change one thing by a seed; return the disagreements."""
    pick = Random(seed)
    name = pick.choice(sorted(things))
    place = scratch / "thing"
    for old in scratch.glob("*"):
        shutil.rmtree(old) if old.is_dir() else old.unlink()
    try:
        path, policy, words, rule = changed(things[name], pick, place)
    except (OSError, UnicodeError, ValueError, RecursionError):
        return []  # a name that no file system takes, a file where a folder stands
    if things[name].kind == "proof" and not path.read_bytes().startswith(PROOF):
        return []  # any other file
    ours = Ours()
    with ThreadPoolExecutor(len(others)) as pool:
        waiting = [pool.submit(other, path, policy, NOW) for other in others if isinstance(other, Web)]
        report = ours(path, policy, NOW)
        theirs = [
            other(path, policy, NOW) if isinstance(other, Script) else waiting.pop(0).result() for other in others
        ]
    said = []
    for other, answer in zip(others, theirs, strict=True):
        differs = disagreement(report, answer, other.limits)
        if differs and not (rule and may_differ(rule, "usage" in answer, other.limits)):
            said.append(f"seed {seed}, {name}, {words}: {other.name} {differs}")
    return said


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--only", default="", metavar="TEXT", help="vectors whose name has this in it")
    parser.add_argument("--verifiers", default="script,web")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="leave there what disagreed")
    given = parser.parse_args()
    things, end, seed, found = subjects(given.only), time.monotonic() + given.seconds, given.seed, 0
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        made = {"script": Script, "web": lambda: Web(home)}
        others = [made[name]() for name in given.verifiers.split(",")]
        work = home / "work"
        work.mkdir()
        while time.monotonic() < end and seed < given.seed + given.count:
            said = trial(seed, things, others, work)
            found += len(said)
            for line in said:
                print(line, flush=True)
            if said and given.keep:
                shutil.copytree(work, given.keep / str(seed), dirs_exist_ok=True)
            seed += 1
            if seed % 500 == 0:
                gc.collect()
        for other in others:
            other.close()
    print(f"{seed - given.seed} changes, {found} disagreements")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
