"""The guide: asks what is to be asked, writes each answer down before the next question, shows all before it is sealed.

Source: specs/field.md sections 2 to 4.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from evidencekit.cli import surroundings
from evidencekit.errors import EvidenceError
from evidencekit.field.answers import Unfit, codes, normal, plain, shown
from evidencekit.field.checklists import checklists
from evidencekit.field.facts import missing
from evidencekit.field.sitting import Answer, Move, State, advance, applies, applying, current, may_change
from evidencekit.field.table import Question, Table

if TYPE_CHECKING:
    from evidencekit.cli.field_terminal import Terminal
    from evidencekit.field.journal import Journal
    from evidencekit.journeys.field_warnings import Warned
    from evidencekit.read.texts import Texts

HELP, UNKNOWN, SEAL = "?", "-", "0"
BACK = ("<", ">")
"""Terminals that turn lines round show the one as the other."""


class Guide:
    """One sitting at one terminal."""

    def __init__(self, case: Path, journal: Journal, terminal: Terminal, table: Table) -> None:
        """Take the case, which need not exist, and go on where its journal ends."""
        self.case, self.journal, self.terminal, self.table = case, journal, terminal, table
        self.state = State()
        for move in journal.moves:
            self.state = advance(table, self.state, move)
        self.taken: Collection[str] = ()
        """Exhibits that the case has."""
        self.listed: list[str] = []
        """Paths of what is attached, as they are numbered on the screen."""

    @property
    def texts(self) -> Texts:
        """The texts."""
        return self.terminal.texts

    def move(self, name: str, key: str = "", text: str | None = None, at: int | None = None) -> None:
        """Write a move down, then make it."""
        move = Move(name, key, text, surroundings.clock() if at is None else at)
        self.journal.add(move)
        self.state = advance(self.table, self.state, move)

    # --- a question --------------------------------------------------------------------------------------------------

    def ask(self, question: Question) -> None:
        """Ask until there is an answer, or somebody goes back."""
        default = self._default(question)
        self._show(question, default)
        while True:
            typed = self.terminal.ask()
            if plain(typed) == HELP:
                self.help(question)
            elif plain(typed) in BACK:
                self.move("back")
                return
            elif self._take(question, typed, default):
                return

    def help(self, question: Question) -> None:
        """Say what a question is for, and what can be typed."""
        names = [f"h_{question.key}", f"k_{question.kind}", *(["k_unknown"] if question.need != "essential" else [])]
        for name in names:
            self.terminal.say(self.texts(name), indent=2)

    def label(self, code: str) -> str:
        """Return a code in the words of the language."""
        return self.texts(code if code in {"yes", "no"} else f"c_{code}")

    def shown(self, question: Question, answer: Answer) -> str:
        """Return an answer in words."""
        if answer.text is None:
            return self.texts("not_known")
        if codes(question):
            return "; ".join(map(self.label, answer.text.split("; ")))
        return self.texts("none") if answer.text == "0" and question.kind == "texts" else shown(question, answer.text)

    def _show(self, question: Question, default: Answer | None) -> None:
        asked = [one.key for one in self.table if applies(self.table, one, self.state.answers)]
        if asked[asked.index(question.key) - 1] == "device":
            self._checklist()
        device = self.state.exhibit.get("exhibit")
        about = f" - {device.text}" if device is not None and question.scope == "exhibit" else ""
        self.terminal.rule(f"{asked.index(question.key) + 1}/{len(asked)}{about} - {self.texts(f'n_{question.key}')}")
        self.terminal.tell(f"q_{question.key}", "bold")
        if codes(question):
            self.terminal.options([self.label(code) for code in codes(question)])
        if question.kind == "source":
            self._show_attached()
        if default is not None:
            self.terminal.tell("enter", default=self.shown(question, default))
        none = f"   0 {self.texts('none')}" if question.kind == "texts" else ""
        self.terminal.say(self.texts("keys_essential" if question.need == "essential" else "keys") + none)

    def _show_attached(self) -> None:
        from evidencekit.cli.field_devices import look_around, offered, show_attached

        found = look_around(self)
        self.listed = offered(found)
        show_attached(self.terminal, found)

    def _checklist(self) -> None:
        device = str(self.state.exhibit["device"].text)
        found = checklists()[device]
        self.terminal.rule(self.label(device))
        self.terminal.tell("checklist", "bold")
        for number, step in enumerate(found.steps, 1):
            self.terminal.item(f"{number:>3}. ", self.texts(f"s_{step}"))
        self.terminal.say(f"({found.source})", indent=1)
        self.terminal.ask(self.texts("more_lines"))

    def _take(self, question: Question, typed: str, default: Answer | None) -> bool:
        """Write an answer down; False where it is none, and that was said."""
        try:
            answer = self._read(question, typed, default)
        except Unfit as unfit:
            self.terminal.say(self.texts(unfit.text, **unfit.values), "warning")
            return False
        except EvidenceError as error:
            self.terminal.tell("cannot_use", "warning")
            self.terminal.refused(error)
            return False
        if answer.text is not None and answer.text != typed.strip() and typed.strip():
            self.terminal.say(f"= {self.shown(question, answer)}")
        if question.kind == "source" and answer.text is not None:
            from evidencekit.journeys import field_warnings

            self._warn(field_warnings.of_source(Path(answer.text)))
        self.move("answer", question.key, answer.text, answer.at)
        return True

    def _read(self, question: Question, typed: str, default: Answer | None) -> Answer:
        from evidencekit.journeys.field_checks import checked

        now = surroundings.clock()
        if not typed.strip():
            if default is None:
                raise Unfit("bad_empty_essential" if question.need == "essential" else "bad_empty")
            if default.text is None or question.key in self.state.answers:
                return default
            typed = default.text
        if plain(typed) == UNKNOWN:
            if question.need == "essential":
                raise Unfit("bad_essential")
            return Answer(None, now)
        if question.kind == "source" and self.listed and plain(typed).isdecimal():
            typed = self._numbered(int(plain(typed)))
        text = normal(question, typed, now=now, offset=surroundings.utc_offset_min())
        return Answer(checked(question, text, case=self.case, taken=self.taken), now)

    def _numbered(self, number: int) -> str:
        if not 1 <= number <= len(self.listed):
            raise Unfit("bad_choice", most=len(self.listed))
        return self.listed[number - 1]

    def _default(self, question: Question) -> Answer | None:
        """Return what Enter means: what was answered before, what is suggested, or that it does not apply."""
        there = self.state.answers.get(question.key)
        if there is not None:
            return there
        text = self._suggestion(question)
        if text is not None:
            return Answer(text, surroundings.clock())
        return Answer(None, surroundings.clock()) if question.need == "R" else None

    def _suggestion(self, question: Question) -> str | None:
        from evidencekit.cli.field_suggestions import suggest

        if question.suggestion == "last":
            last = self.state.done[-1].get(question.key) if self.state.done else None
            return None if last is None else last.text
        return suggest(question.suggestion, self)

    # --- the review --------------------------------------------------------------------------------------------------

    def review(self) -> bool:
        """Show all answers and let one of them be changed; True once it is to be sealed."""
        counted = applying(self.table, self.state.answers)
        self.terminal.rule(self.texts("review"))
        self.terminal.pages(self._lines(counted))
        self._say_missing()
        self._say_warnings()
        while True:
            self.terminal.tell("review_keys", "bold")
            typed = plain(self.terminal.ask())
            keys = list(counted)
            if typed == SEAL:
                self.move("seal")
                return True
            if typed in BACK:
                self.move("back")
                return False
            if typed == HELP:
                self.terminal.say(self.texts("h_review"), indent=2)
            elif not typed.isdecimal() or not 1 <= int(typed) <= len(keys):
                self.terminal.tell("bad_number", "warning", most=len(keys))
            elif not may_change(self.table, self.state, keys[int(typed) - 1]):
                self.terminal.tell("bad_fixed", "warning")
            else:
                self.move("change", keys[int(typed) - 1])
                return False

    def _lines(self, counted: dict[str, Answer]) -> list[tuple[str, str | None]]:
        return [
            (
                f"{number:>2}  {self.texts(f'n_{key}')}: {self.shown(self.table[key], answer)}",
                "warning" if answer.text is None and self.table[key].need != "R" else None,
            )
            for number, (key, answer) in enumerate(counted.items(), 1)
        ]

    def _say_missing(self) -> None:
        names = [self.texts(f"n_{key}") for key in missing(self.table, self.state)]
        if names:
            self.terminal.screen.say()
            self.terminal.tell("missing", "warning", names=", ".join(names))

    def _say_warnings(self) -> None:
        from evidencekit.cli.field_suggestions import warnings

        self._warn(warnings(self))

    def _warn(self, found: Iterable[Warned]) -> None:
        for warned in found:
            self.terminal.item("! ", self.texts(warned.text, **warned.values), "warning")

    # --- what is under way -------------------------------------------------------------------------------------------

    def question(self) -> Question | None:
        """Return what is asked now."""
        return current(self.table, self.state)

    def look(self) -> None:
        """Look which exhibits the case has now."""
        from evidencekit.catalogue.record import read_record

        if (self.case / "case.json").exists():
            self.taken = read_record(self.case).custody.items.keys()

    def say_resumed(self) -> None:
        """Say what is kept from before, the last answers by name."""
        answers = applying(self.table, self.state.answers)
        kept = [key for key in answers if key not in self.state.given]
        if self.journal.dropped:
            self.terminal.tell("torn", "warning", size=self.journal.dropped)
        if not kept:
            return
        self.terminal.tell("resumed", "bold", count=len(kept))
        for key in kept[-5:]:
            self.terminal.say(f"{self.texts(f'n_{key}')}: {self.shown(self.table[key], answers[key])}", indent=2)


def language_in(journal: Journal) -> str | None:
    """Return the language in which the sitting was begun."""
    return next((move.text for move in journal.moves if move.name == "language"), None)
