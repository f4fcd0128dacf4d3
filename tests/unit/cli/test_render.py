"""The screen and its papers: what reaches a terminal, a log, nobody."""

from __future__ import annotations

import fcntl
import io
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading

import pytest
from rich.cells import cell_len

from evidencekit.cli.meter import Figures
from evidencekit.cli.render import Log, Screen, Terminal, counted, human_size

REWIND = "\r\x1b[2K"


class Tty(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


class Plain(io.TextIOWrapper):
    """A terminal that knows ASCII only."""

    def __init__(self):
        super().__init__(io.BytesIO(), encoding="ascii", errors="backslashreplace", write_through=True)


@pytest.fixture
def err(monkeypatch):
    """A terminal of 40 columns."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("LINES", "24")
    return Tty()


class TestPapers:
    def test_a_terminals_line_is_written_over_and_wiped(self, err):
        paper = Terminal(err)
        paper.write("one")
        paper.write("two")
        paper.wipe()
        paper.wipe()
        assert err.getvalue() == f"{REWIND}one{REWIND}two{REWIND}"

    @pytest.mark.parametrize("columns", [1, 2, 40, 41])
    def test_nothing_goes_beyond_the_end_of_the_line(self, err, monkeypatch, columns):
        monkeypatch.setenv("COLUMNS", str(columns))
        Terminal(err).write("\u8bc1" * 100)
        assert columns - 2 <= cell_len(err.getvalue().removeprefix(REWIND)) < columns

    def test_nothing_in_it_acts_and_nothing_in_it_is_markup(self, err, monkeypatch):
        monkeypatch.setenv("COLUMNS", "200")
        Terminal(err).write("\x1b[31m [bold]b[/bold] :smile: 'text' 123 \x07 \u202e /a/b.txt https://example.org")
        shown = r"\u{1b}[31m [bold]b[/bold] :smile: 'text' 123 \u{7} \u{202e} /a/b.txt https://example.org"
        assert err.getvalue() == REWIND + shown

    def test_a_terminal_that_knows_ascii_only(self, err):
        stream = Plain()
        Terminal(stream).write("\u8bc1" * 20)
        assert stream.buffer.getvalue().decode() == REWIND + (r"\u8bc1" * 20)[:39]

    def test_a_log_has_no_control_characters(self):
        stream = io.StringIO()
        Log(stream).write("a\x1b[31m\rb")
        Log(stream).wipe()
        assert stream.getvalue() == "a\\u{1b}[31m\\rb\n"


class TestScreen:
    @pytest.mark.parametrize("screen", [Screen(as_json=True), Screen(quiet=True)])
    def test_no_paper_where_nothing_is_to_be_said(self, err, monkeypatch, screen):
        monkeypatch.setattr(sys, "stderr", err)
        assert screen._paper() is None
        with screen.progress("x") as meter:
            meter.tell("y")
        assert err.getvalue() == ""

    def test_a_program_without_a_console(self, monkeypatch):
        monkeypatch.setattr(sys, "stderr", None)
        assert Screen()._paper() is None

    def test_a_terminal_and_what_is_none(self, err, monkeypatch):
        monkeypatch.setattr(sys, "stderr", err)
        assert isinstance(Screen()._paper(), Terminal)
        for term in ("dumb", "unknown"):
            monkeypatch.setenv("TERM", term)
            assert isinstance(Screen()._paper(), Log)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        assert isinstance(Screen()._paper(), Log)

    @pytest.mark.parametrize("say", ["say", "result", "aside"])
    def test_what_is_said_meanwhile_is_not_mixed_with_the_line(self, err, monkeypatch, say):
        monkeypatch.setattr(sys, "stdout", err)
        monkeypatch.setattr(sys, "stderr", err)
        screen = Screen(color=False)
        with screen.progress("x") as meter:
            meter._write_at = meter._look_at = 0
            meter.update(Figures("hashing", 1, 0))
            getattr(screen, say)("sealed")
            meter._write_at = 0
            meter.tell("more")
        screen.say("done")
        assert err.getvalue() == f"{REWIND}x hashing: 1 file{REWIND}sealed\n{REWIND}x: more{REWIND}done\n"


def test_a_number_with_its_noun():
    assert [counted(n, "file") for n in (0, 1, 2, 1234)] == ["0 files", "1 file", "2 files", "1,234 files"]


def test_sizes():
    sizes = [human_size(n) for n in (0, 1023, 1024, 5 * 2**30, 2**60)]
    assert sizes == ["0 B", "1023 B", "1.0 KiB", "5.0 GiB", "1048576.0 TiB"]


PROGRAM = """
import sys, time
from evidencekit.cli.meter import Figures
from evidencekit.cli.render import Screen
figures = Figures("hashing", 0, 0, path="\\u8bc1\\u636e/".encode() * 30 + b"\\x1b[31m.pdf")
try:
    with Screen().progress("EX-001") as meter:
        while True:
            figures.files += 1
            meter.update(figures)
            time.sleep(0.01)
except KeyboardInterrupt:
    sys.stderr.write("stopped\\n")
"""


@pytest.mark.parametrize("columns", [40, 120])
def test_on_a_real_terminal_ctrl_c_leaves_a_clean_line(columns):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=slave, stdout=slave, stderr=slave,
        env=environment | {"TERM": "xterm", "NO_COLOR": "1"},
    )  # fmt: skip
    os.close(slave)
    given_up = threading.Timer(60, process.kill)
    given_up.start()
    seen = b""
    while seen.count(b"\r") < 5:
        seen += os.read(master, 65_536)
    process.send_signal(signal.SIGINT)
    while True:
        try:
            data = os.read(master, 65_536)
        except OSError:
            break
        if not data:
            break
        seen += data
    given_up.cancel()
    os.close(master)
    assert process.wait() == 0
    before, *lines, last = seen.decode().split(REWIND)
    assert (before, last) == ("", "stopped\r\n")
    assert all(line.startswith("EX-001 hashing: ") and "\x1b" not in line for line in lines)
    assert max(map(cell_len, lines)) < columns
    assert any("..." in line for line in lines) == (columns == 120)
