"""What every check does: a case from its keys to its package, judged by whoever; taken over by somebody else.

A Hand gives the commands: a frozen binary in a bare root, or the ordinary install. Both work in the same folder, so all
names are relative to it.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from smoke_room import NOBODY, Ran

INTEGRITY_ONLY, FAILED, NOT_CHECKED, CANNOT_FINISH, REFUSED = 7, 3, 4, 4, 5

MANY = 4000


class FailedError(Exception):
    """A check found what must not be."""


@dataclass(frozen=True)
class Names:
    """What the files are called that a case comes with."""

    case: str = "case"
    package: str = "package"
    examiner: str = "examiner"
    lab: str = "lab"
    log: str = "log.pem"
    offer: str = "offer.json"


ODD = Names("قضية 24 117", "حزمة الأدلة", "مفتاح الفاحص", "المختبر 2", "سجل القضية.pem", "عرض.json")


@dataclass(frozen=True)
class Hand:
    """Somebody who gives commands in a folder: `run` takes a program's name and its words."""

    name: str
    run: Callable[..., Ran]
    log: list[str] = field(default_factory=list)

    def expect(self, code: int, *words: str, program: str = "evidencekit", says: str = "") -> Ran:
        """Give a command, which has to leave with this code, and to say this on stderr."""
        done = self.run(program, *words)
        if done.code != code or says not in done.err or "Traceback" in done.err:
            said = " / ".join((done.err.strip() or done.out.strip()).splitlines()[-3:])
            wanted = f"{code} and {says!r}" if says else code
            raise FailedError(f"{self.name}: {program} {' '.join(words)}: exit {done.code}, not {wanted}: {said}")
        return done


def make_source(folder: Path) -> Path:
    """Make what is taken: names of several scripts, a large file, the same content twice, empty ones."""
    for place, content in {
        "letters/رسالة الى المدير.txt": b"letter\n" * 400,
        "letters/copy of it.txt": b"letter\n" * 400,
        "letters/empty": b"",
        "photos/DSC 0001.gif": b"GIF89a" + bytes(range(256)) * 20,
        "photos/日本.bin": os.urandom(3 << 20),
    }.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def make_many(folder: Path) -> Path:
    """Make so many files that their catalogue does not fit into a little more than what is asked for at least."""
    folder.mkdir()
    for number in range(MANY):
        (folder / f"{number:05d} {secrets.token_urlsafe(150)}").write_bytes(b"%d" % (number % 7))
    return folder


def new_keys(hand: Hand, names: Names) -> None:
    """Make the examiner's key and the lab's."""
    for key in (names.examiner, names.lab):
        hand.expect(0, "key", "new", key, "--no-passphrase", "--quiet")


def new_case(hand: Hand, names: Names, origin: str = "unit7.example/24-117") -> None:
    """Open the case."""
    hand.expect(
        0, "init", names.case, "--reference", "24-117", "--agency", "الوحدة السابعة", "--origin", origin,
        "--signer", names.examiner, "--log-key", names.log,
    )  # fmt: skip


def signing(names: Names) -> tuple[str, ...]:
    """Return the words by which the examiner signs."""
    return ("--signer", names.examiner, "--log-key", names.log)


def acquiring(names: Names, source: str, *more: str) -> tuple[str, ...]:
    """Return the words that take a source."""
    return ("acquire", names.case, source, "--exhibit", "EX-001", *signing(names), *more)


def offering(names: Names) -> tuple[str, ...]:
    """Return the words that offer the exhibit to the lab."""
    what = ("--item", "EX-001", "--to", f"{names.lab}.pub", "--purpose", "analysis", "--out", names.offer)
    return ("custody", "offer", names.case, *what, *signing(names))


def hand_over(hand: Hand, names: Names) -> None:
    """Offer the exhibit to the lab, and make a package of it."""
    hand.expect(0, *offering(names))
    hand.expect(0, "export", names.case, names.package, "--item", "EX-001", *signing(names))


def hold(hand: Hand, names: Names) -> None:
    """Put the exhibit under a hold, by a table of law and a time zone, which may be those of the program."""
    when = ("--instrument", "budapest-29", "--received", "2026-11-01T00:00:00Z", "--zone", "Europe/Prague")
    hand.expect(0, "hold", "open", names.case, "--item", "EX-001", *when, *signing(names))
    hand.expect(0, "hold", "calendar", names.case, "-o", f"{names.case}.ics")


def tell_story(hand: Hand, source: str, names: Names = Names()) -> None:
    """Do all of it: keys, case, acquisition with copies by two processes, hold, offer, package."""
    new_keys(hand, names)
    new_case(hand, names)
    hand.expect(0, *acquiring(names, source, "--copy", "--jobs", "2"))
    hold(hand, names)
    hand_over(hand, names)


def put_on_paper(hand: Hand, names: Names = Names()) -> None:
    """Pages in languages whose letters and calendar the program has to have with it; and no PDF, which it says."""
    for lang in ("ar", "zh", "kk"):
        hand.expect(0, "report", names.case, "--lang", lang, "-o", f"report-{lang}.html")
    hand.expect(0, "certificate", names.case, "--form", "bsa-63-4-a", "-o", "certificate.html")
    hand.expect(0, "custody", "label", names.case, "-o", "labels.html")
    hand.expect(CANNOT_FINISH, "report", names.case, "--pdf", "-o", "report.pdf", says="X453")


def judge(hand: Hand, names: Names = Names()) -> None:
    """Case and package are intact; both verifiers say so."""
    for program in ("evidencekit", "evidencekit-verify"):
        command = ("verify",) if program == "evidencekit" else ()
        said = hand.expect(0, "--lang", "fr", *command, "--help", program=program).out
        if not said.startswith("Usage\u00a0:"):
            raise FailedError(f"{hand.name}: {program} has help in another language than was asked for: {said}")
        for what in (names.case, names.package):
            done = hand.expect(INTEGRITY_ONLY, *command, what, "--json", program=program)
            report = json.loads(done.out)
            errors = [finding["code"] for finding in report["findings"] if finding["severity"] == "error"]
            if report["verdict"] != "INTEGRITY ONLY" or errors:
                raise FailedError(f"{hand.name}: {program} calls {what} {report['verdict']} {errors}")
            said = hand.expect(INTEGRITY_ONLY, "--lang", "fr", *command, what, "--quiet", program=program).out
            if not said.startswith("Intégrité"):
                raise FailedError(f"{hand.name}: {program} answers in another language than was asked for: {said}")


def judge_tampered(hand: Hand, desk: Path, names: Names = Names()) -> None:
    """A byte of the payload is another one: both verifiers say so."""
    shutil.copytree(desk / names.package, desk / "tampered")
    payload = next(
        path for path in sorted((desk / "tampered/data").rglob("*")) if path.is_file() and path.stat().st_size
    )
    payload.write_bytes(b"X" + payload.read_bytes()[1:])
    for program in ("evidencekit", "evidencekit-verify"):
        command = ("verify",) if program == "evidencekit" else ()
        hand.expect(FAILED, *command, "tampered", program=program)


def take_over(hand: Hand, names: Names = Names()) -> None:
    """The lab receives the package, adopts the field case, and its own case is intact."""
    as_lab = ("--signer", names.lab, "--log-key", "lab.pem")
    about = ("--reference", "L-9", "--agency", "Lab", "--origin", "lab.example/9")
    hand.expect(0, "receive", names.package, "--into", "labcase", "--receipt", "receipt.json", *about, *as_lab)
    hand.expect(0, "custody", "adopt", "labcase", names.case, "--as", "field", *as_lab)
    hand.expect(INTEGRITY_ONLY, "verify", "labcase", "--quiet")


def give_to_nobody(folder: Path) -> None:
    """Let the user of the bare roots have a folder and all in it."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def years_of(case: Path) -> set[str]:
    """Return the years in which the events of a case happened, as their computer's clock had it."""
    events = (json.loads(path.read_bytes()) for path in case.glob("custody/*/event.json"))
    return {event["occurred_at"]["time"][:4] for event in events}
