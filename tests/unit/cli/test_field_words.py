"""What the guide says besides its questions: what stands in the way, how far it is, what is attached."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.cells import cell_len

from evidencekit.cli.field_devices import offered, show_attached
from evidencekit.cli.field_guide import Guide
from evidencekit.cli.field_terminal import Terminal
from evidencekit.cli.field_words import meter_words
from evidencekit.cli.meter import Figures, Meter, Words, about
from evidencekit.cli.render import Screen
from evidencekit.errors import CannotFinish
from evidencekit.field.devices import Attached
from evidencekit.field.sitting import Answer
from evidencekit.field.table import questions
from evidencekit.read.texts import LANGUAGES, load_texts

OTHERS = LANGUAGES[1:]
ERROR = CannotFinish("/media/stick has room for 12 bytes of 40.", code="X426", hint="Nothing was written.")
FOUND = [
    Attached(b"/media/a\x1b[31m", "vfat", 8 << 30, 1 << 30, False, True, "usb-Acme\x1b_4C53"),
    Attached(b"/dev/sdc", "", 1 << 40, None, True, False, ""),
    Attached(b"/dev/sdd", "", 1 << 40, None, None, False, ""),
    Attached(b"/dev/sda", "", 1 << 39, None, False, False, "ata-Own", is_system=True, is_case=True),
]


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    return lambda language: Terminal(Screen(color=False, plain=True), load_texts(language), "again")


def said(capsys):
    out = capsys.readouterr().out
    assert all(cell_len(line) <= 79 for line in out.splitlines())
    assert "\x1b" not in out
    return out


def has_rtl(text):
    return any(unicodedata.bidirectional(char) in {"R", "AL"} for char in text)


def has_latin(text):
    return any(unicodedata.bidirectional(char) == "L" for char in text)


# --- what stands in the way ------------------------------------------------------------------------------------------


def test_english_says_what_the_error_says(terminal, capsys):
    terminal("en").refused(ERROR)
    assert said(capsys) == "  X426: /media/stick has room for 12 bytes of 40. Nothing was written.\n"


@pytest.mark.parametrize("language", OTHERS)
def test_another_language_has_its_words_and_the_facts_below(terminal, capsys, language):
    one = terminal(language)
    one.refused(ERROR)
    lines = said(capsys).splitlines()
    assert lines[-1] == "    /media/stick has room for 12 bytes of 40. Nothing was written."
    own = "".join(line.strip() + " " for line in lines[:-1])
    wanted = one.texts.refusal("X426")
    assert wanted is not None
    assert own.replace(" ", "") == wanted.replace(" ", "")
    assert own.startswith("X426")


def test_a_code_without_words_is_said_in_english(terminal, capsys):
    terminal("fr").refused(CannotFinish("No demonstration.", code="X000"))
    assert said(capsys) == "  X000: No demonstration.\n"


# --- how far it is -----------------------------------------------------------------------------------------------------


def test_english_has_the_words_of_the_other_commands():
    assert meter_words(load_texts("en")) == Words()


class Paper:
    def __init__(self):
        self.lines = []

    def due(self, spent):
        return spent

    def width(self):
        return 79

    def write(self, line):
        self.lines.append(line)

    def wipe(self):
        pass


def lines_of(language, **changed):
    times, paper = iter(range(0, 1000, 3)), Paper()
    meter = Meter("EX-001", paper, meter_words(load_texts(language)), now=lambda: next(times))
    for done in range(1, 5):
        figures = Figures("take", done * 300, done << 20, 2, 7, b"docs/a.txt", 2_000, 1 << 30)
        for name, value in changed.items():
            setattr(figures, name, value)
        meter.update(figures)
    return paper.lines


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_meter_speaks_the_language_in_a_line_that_fits(language):
    texts = load_texts(language)
    line = lines_of(language)[-1]
    assert texts("meter_take") in line
    assert "1,200" in line
    assert cell_len(line) <= 79
    assert "{" not in line


def test_a_name_stands_after_words_from_left_to_right():
    few = {"total_files": None, "total_bytes": None, "omissions": 0, "reused": 0}
    assert lines_of("fr", **few)[0] == "EX-001 calcul des empreintes: 300 fichiers, 1.0 MiB  docs/a.txt"
    assert "docs" not in lines_of("ar", **few)[0]


def test_an_arabic_line_has_its_words_last_and_no_names():
    for line in lines_of("ar"):
        first = next(at for at, char in enumerate(line) if has_rtl(char))
        assert not has_latin(line[first:])
        assert line.startswith("EX-001: ")
        assert "MiB" in line[:first]
    assert not has_rtl(meter_words(load_texts("ar")).of)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_meter_takes_its_figures(language):
    words = meter_words(load_texts(language))
    assert set(words.phases) == {"take", "retry", "compose", "check", "identify", "mirror"}
    assert len({about(seconds, words) for seconds in (1, 600, 7200, 86_400 * 9)}) == 4
    for text in (words.file, words.files, words.omission, words.omissions, words.reused, words.rate):
        assert "12" in text.format(n="12")
    assert "12" in words.left.format(time="12")
    assert "12 " in words.of.format(n="12", total="13")


# --- what is attached --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_attached_is_numbered_and_what_is_in_use_is_not(terminal, capsys, language):
    one = terminal(language)
    show_attached(one, FOUND)
    lines = said(capsys).splitlines()
    assert "  1  /media/a\\u{1b}[31m" in lines
    assert {"  2  /dev/sdc", "  3  /dev/sdd", "  -  /dev/sda"} <= set(lines)
    assert offered(FOUND) == ["/media/a\x1b[31m", "/dev/sdc", "/dev/sdd"]
    first, second, third, own = (lines.index(line) for line in lines if line[5:6] == "/")
    assert one.texts("media_writable") in "".join(lines[first:second])
    assert one.texts("media_read_only") in "".join(lines[second:third])
    assert not [key for key in ("media_writable", "media_read_only") if one.texts(key) in "".join(lines[third:])]
    assert one.texts("media_system")[:20] in "".join(lines[own:])


def test_an_arabic_line_about_a_medium_keeps_apart_what_a_terminal_turns(terminal, capsys):
    show_attached(terminal("ar"), FOUND)
    mixed = [line for line in said(capsys).splitlines() if has_rtl(line) and has_latin(line)]
    assert [line.strip().rpartition(" ")[2] for line in mixed] == ["GiB"], "but the free room, at the end"


def test_nothing_known_is_nothing_said(terminal, capsys):
    show_attached(terminal("en"), [])
    assert said(capsys) == ""
    show_attached(terminal("en"), FOUND[3:])
    assert said(capsys).splitlines()[0] == load_texts("en")("media_none")


@pytest.fixture
def asked(terminal, monkeypatch, tmp_path):
    """Ask for the source; return what was written down, and the guide. A stick and a disk are attached."""
    (tmp_path / "stick").mkdir()
    (tmp_path / "7").mkdir()
    monkeypatch.chdir(tmp_path)
    found = [FOUND[1]._replace(path=str(tmp_path / "stick").encode(), read_only=False), FOUND[3]]

    def ask(*lines):
        monkeypatch.setattr("evidencekit.cli.field_devices.look_around", lambda _: found)
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        written = []
        journal = SimpleNamespace(moves=[], add=written.append, dropped=0)
        guide = Guide(tmp_path / "case" / "24-117", journal, terminal("en"), questions())
        guide.state = replace(guide.state, cursor="source", exhibit={"exhibit": Answer("EX-001", 0)})
        monkeypatch.setattr("evidencekit.cli.field_guide.applies", lambda *_: True)
        guide.ask(questions()["source"])
        return [move.text for move in written]

    return ask


def test_a_number_picks_what_is_attached_and_what_is_writable_is_warned_of(asked, tmp_path, capsys):
    assert asked("2", "0", "1") == [str(tmp_path / "stick")]
    out = capsys.readouterr().out
    assert out.count(load_texts("en")("bad_choice", most=1)) == 2, "the disk of the system has no number"
    assert "canbewrittento." in "".join(out.rpartition("= ")[2].split())


def test_a_path_is_typed_as_ever_and_enter_takes_nothing(asked, tmp_path):
    assert asked("./7") == [str(tmp_path / "7")]
    assert asked("") == [None]
