"""`evidencekit demo`: the main job end to end, by the same commands that a person types."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import click

from evidencekit.cli.options import PATH
from evidencekit.cli.render import Screen
from evidencekit.core import layout
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, EvidenceError, Refused

ORIGIN = "demo.example/24-117"
PERSON, RECEIVER = "examiner@demo.example", "analyst@demo.example"


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the demonstration plays."""

    folder: Path
    screen: Screen

    def chapter(self, title: str, *words: str) -> None:
        """Open a chapter: what happens now, in plain words."""
        self.screen.say()
        self.screen.say(f"=== {title}", "bold")
        for line in words:
            self.screen.say(f"    {line}")
        self.screen.say()

    def run(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> int:
        """Show and run one command; its exit code must be one of those expected."""
        from evidencekit.cli.main import evidencekit

        self.screen.say(f"$ evidencekit {shlex.join(arguments)}", "bold cyan")
        try:
            result = evidencekit.main(list(arguments), prog_name="evidencekit", standalone_mode=False)
            code = result if isinstance(result, int) else 0
        except EvidenceError as error:
            self.screen.failure(error)
            code = error.exit_code
        self.screen.say(f"[exit code {code}]", "dim")
        self.screen.say()
        if code not in expect:
            raise CannotFinish(f"The demonstration expected exit code {expect}, found {code}.", code="X490")
        return code

    def path(self, name: str) -> str:
        """Return a path in the folder as commands take it."""
        return str(self.folder / name)


@click.command()
@click.argument("folder", type=PATH, default=Path("demo-output"), required=False)
@click.option("--no-color", is_flag=True, help="No colours.")
def demo(folder: Path, no_color: bool) -> int:
    """Run the main job end to end on real files of this machine, then tamper with copies and find it.

    Everything is left in FOLDER (default: demo-output) to look at. Nothing outside it is changed.

    \b
    Example:
      evidencekit demo /tmp/demo

    Exit codes: 0 done · 4 could not finish · 5 FOLDER exists.
    """
    if folder.exists():
        raise Refused(f"{display(str(folder))} exists.", code="R501", hint="Name another folder, or remove it.")
    folder.mkdir(parents=True)
    stage = Stage(folder, Screen(color=False if no_color else None))
    _prepare(stage)
    _seal(stage)
    _look(stage)
    _hand_over(stage)
    _check(stage)
    _export(stage)
    _print(stage)
    found = _tamper(stage)
    _conclude(stage, found)
    return 0


def _prepare(stage: Stage) -> None:
    from evidencekit.cli.demo_source import make_source

    copied = make_source(stage.folder / "seized")
    stage.chapter(
        "1. What was seized",
        f"{copied:,} real files of this machine were copied to {stage.path('seized')}, and beside them files with odd",
        "names, links that go nowhere or in circles, a pipe and a socket: as evidence is met.",
    )
    stage.run("key", "new", stage.path("examiner"), "--name", PERSON, "--no-passphrase")


def _seal(stage: Stage) -> None:
    case, key, log_key = stage.path("case"), stage.path("examiner"), stage.path("log-keys.pem")
    stage.chapter(
        "2. Open a case, acquire, seal",
        "Every file is read once for two digests; every name, time, owner and link becomes a row of a catalogue; the",
        "catalogue is sealed under a signed tree head. Then the media types, as opinions, apart from the facts.",
    )
    stage.run("init", case, "--reference", "24-117", "--agency", "Unit 7", "--origin", ORIGIN,
              "--signer", key, "--log-key", log_key)  # fmt: skip
    (stage.folder / "seizure.toml").write_text(
        'place = "12 Example Street, study"\nseized_by = ["A. Examiner"]\ndescription = "a folder of this machine"\n'
        'legal_channel = "consent"\nmeasure = "copy"\n'
    )
    stage.run("acquire", case, stage.path("seized"), "--exhibit", "EX-001", "--signer", key, "--log-key", log_key,
              "--authority", stage.path("seizure.toml"), expect=(0, 6))  # fmt: skip


def _look(stage: Stage) -> None:
    case = stage.path("case")
    stage.chapter("3. Look at what is recorded")
    stage.run("show", case)
    stage.run("find", case, "--type", "image/*", "--larger", "4K")
    stage.run("find", case, "--name", "*.txt", "--item", "EX-001", "--contains", "odd names")
    stage.run("query", case, "select media_type, count(*) files, sum(size) bytes from rows where kind = 'file' "
              "group by 1 order by 2 desc limit 8")  # fmt: skip


def _hand_over(stage: Stage) -> None:
    case, offer, log_key = stage.path("case"), stage.path("offer.json"), stage.path("log-keys.pem")
    stage.chapter(
        "4. Hand it over",
        "The examiner offers the exhibit to the analyst; until she has signed for it, it stays with the examiner.",
        "Two signatures, each by a key of its own, that a third person can check.",
    )
    stage.run("key", "new", stage.path("analyst"), "--name", RECEIVER, "--no-passphrase")
    stage.run("custody", "offer", case, "--item", "EX-001", "--to", stage.path("analyst.pub"), "--purpose", "analysis",
              "--condition-before", "sealed bag B-000123", "--out", offer, "--signer", stage.path("examiner"),
              "--log-key", log_key)  # fmt: skip
    stage.run("custody", "accept", case, offer, "--digests", "full", "--condition", "sealed bag B-000123",
              "--out", stage.path("answer.json"), "--signer", stage.path("analyst"), "--log-key", log_key)  # fmt: skip
    stage.run("custody", "status", case)
    stage.run("custody", "log", case, "--item", "EX-001")


def _check(stage: Stage) -> None:
    case, policy = stage.path("case"), stage.path("policy")
    stage.chapter(
        "5. Verify",
        "First without knowing anybody: intact, but whose? Then with a policy that says whose keys are whose, and",
        "with the seized files hashed again.",
    )
    stage.run("verify", case, expect=(7,))
    stage.run("policy", "new", policy, "--trust", f"{PERSON}={stage.path('examiner.pub')}",
              "--trust", f"{RECEIVER}={stage.path('analyst.pub')}", "--log", case)  # fmt: skip
    stage.run("verify", case, "--policy", policy, "--source", f"EX-001={stage.path('seized')}")
    stage.run("prove", case, "EX-001:odd names/plain.txt", "-o", stage.path("plain.tlog-proof"))
    stage.run("verify", stage.path("plain.tlog-proof"), "--policy", policy)


def _export(stage: Stage) -> None:
    case, package = stage.path("case"), stage.path("package.zip")
    stage.chapter(
        "6. Give a part of it to somebody else",
        "A package: some files, the proof that they are what was sealed, and nothing about the others.",
        "Owners and times are withheld; what is hidden is counted, with its ground.",
    )
    chosen = ("--glob", "odd names/*", "--withhold", "metadata:privacy")
    signed = ("--signer", stage.path("analyst"), "--log-key", stage.path("log-keys.pem"))
    stage.run("export", case, package, *chosen, "--plan", *signed)
    stage.run("export", case, package, *chosen, "--zip", "--purpose", "trial", *signed)
    stage.run("verify", package, "--policy", stage.path("policy"))
    newest = max(path for path in (stage.folder / "case" / layout.CHECKPOINTS).iterdir() if path.suffix == "")
    (stage.folder / "written-down-elsewhere.txt").write_bytes(newest.read_bytes())


def _print(stage: Stage) -> None:
    case, policy = stage.path("case"), stage.path("policy")
    stage.chapter(
        "7. Put it on paper",
        "A report whose first page a judge can read, a certificate that a person can sign, labels for the bags:",
        "pages for a browser or a printer; with the extra `pdf`, --pdf writes them as PDF/A.",
    )
    stage.run("report", case, "--policy", policy, "-o", stage.path("report.html"))
    stage.run("certificate", case, "--form", "generic", "--policy", policy, "-o", stage.path("certificate.html"))
    stage.run("custody", "label", case, "-o", stage.path("labels.html"))


def _tamper(stage: Stage) -> int:
    from evidencekit.cli.demo_tamper import TAMPERINGS, changed_source

    stage.chapter("8. Tamper with copies", "Each in a copy of its own; the case itself is not touched.")
    found = 0
    for number, tampering in enumerate(TAMPERINGS, 1):
        name = f"tampered/{number}-{tampering.name}"
        copy = stage.folder / name
        shutil.copytree(stage.folder / "case", copy, symlinks=True)
        tampering.apply(copy)
        stage.screen.say(f"--- {number}. {tampering.words}", "bold")
        if tampering.outside:
            stage.screen.say(
                "    (a clean cut leaves a shorter valid log; a checkpoint written down elsewhere finds it)"
            )
            stage.run("verify", str(copy), "--quiet", expect=(7,))
            stage.run("verify", str(copy), "--since", stage.path("written-down-elsewhere.txt"), expect=(3,))
        else:
            stage.run("verify", str(copy), expect=(3, 4))
        found += 1
    changed = changed_source(stage.folder / "seized", stage.folder / "seized-changed")
    title = f"one byte of a seized file is changed, size and time kept: {display(str(changed))}"
    stage.screen.say(f"--- {found + 1}. {title}", "bold")
    stage.run("verify", stage.path("case"), "--source", f"EX-001={stage.path('seized-changed')}", expect=(3,))
    return found + 1


def _conclude(stage: Stage, found: int) -> None:
    stage.chapter(
        "What happened",
        f"A folder was sealed and handed over; {found} ways of tampering were tried: each was found and named.",
        "'INTEGRITY ONLY' means: nothing was changed since sealing, but nobody's identity was checked.",
        "'VERIFIED' means: intact, and by keys that your own policy knows. It does not say that the content is true,",
        "nor that everything was seized: what was not checked stands below each verdict.",
    )
    for name, words in (
        ("seized", "the source"), ("case", "the sealed case"), ("policy", "whom the recipient trusts"),
        ("plain.tlog-proof", "one file's proof"), ("tampered", "the copies that were tampered with"),
        ("offer.json, answer.json", "the handover, as the two sides exchange it"),
        ("package.zip", "what was given to somebody else"),
        ("report.html", "what a judge reads; certificate.html and labels.html beside it"),
        ("examiner, analyst, log-keys.pem", "keys: for this demonstration only"),
    ):  # fmt: skip
        stage.screen.say(f"    {stage.path(name):<44} {words}")
    stage.screen.say()
    stage.screen.say(f"    Try: evidencekit explain E202;  evidencekit find {stage.path('case')} --name '*.png'")
