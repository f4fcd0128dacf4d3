"""A meter says how far it is: when it is due, in a line that fits, without a name that acts."""

from __future__ import annotations

import itertools
import math
import timeit

import pytest
from rich.cells import cell_len

from evidencekit.cli.meter import Figures, Meter, about, fitted, shortened
from evidencekit.cli.render import Log, Terminal


class Clock:
    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


class Paper:
    """Keeps what is written. `due` is that of a real one."""

    def __init__(self, like, columns):
        self.due = like.due
        self.columns = columns
        self.lines = []
        self.wiped = 0

    def width(self):
        return self.columns

    def write(self, line):
        self.lines.append(line)

    def wipe(self):
        self.wiped += 1


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def terminal():
    return Paper(Terminal(None), 120)


@pytest.fixture
def log():
    return Paper(Log(None), None)


def work(meter, clock, seconds, *, figures=None, step=0.01, files=10, size=1_000_000):
    """Be told of progress a hundred times a second."""
    figures = figures or Figures("hashing", 0, 0)
    for _ in range(round(seconds / step)):
        clock.time += step
        figures.files += round(files * step * 100) // 100 or (files > 0)
        figures.bytes += round(size * step)
        meter.update(figures)
    return figures


class TestWhen:
    def test_a_terminal_hears_nothing_in_the_first_second_then_ten_lines_a_second(self, clock, terminal):
        meter = Meter("EX-001", terminal, now=clock)
        work(meter, clock, 0.95)
        assert terminal.lines == []
        work(meter, clock, 9.05)
        assert 80 <= len(terminal.lines) <= 91

    def test_a_log_hears_after_10_s_after_30_s_and_then_each_minute(self, clock, log):
        meter = Meter("EX-001", log, now=clock)
        work(meter, clock, 270, step=0.05)
        times = [line.partition(" ")[0] for line in log.lines]
        assert times == ["0:00:10", "0:00:30", "0:01:00", "0:02:00", "0:03:00", "0:04:00"]

    def test_a_log_of_a_standstill_has_no_lines_to_catch_up(self, clock, log):
        meter = Meter("EX-001", log, now=clock)
        work(meter, clock, 5)
        clock.time += 600
        work(meter, clock, 1)
        clock.time += 7 * 86_400
        work(meter, clock, 1)
        assert [line.partition(" EX")[0] for line in log.lines] == ["0:10:05", "7 days, 0:10:06"]

    @pytest.mark.parametrize("due", [Terminal(None).due, Log(None).due])
    def test_due_is_always_later(self, due):
        for spent in (0, 0.99, 1, 9.9, 10, 29.9, 30, 59.9, 60, 60.1, 119.9, 1e6):
            assert spent < due(spent) <= spent + 60

    def test_without_paper_nothing_happens(self, clock):
        meter = Meter("EX-001", None, now=clock)
        work(meter, clock, 20)
        meter.tell("x")
        meter.wipe()
        meter.end()
        assert meter._look_at == math.inf

    def test_after_the_end_nothing_is_written(self, clock, terminal):
        meter = Meter("EX-001", terminal, now=clock)
        figures = work(meter, clock, 2)
        meter.end()
        written = len(terminal.lines)
        work(meter, clock, 5, figures=figures)
        assert (len(terminal.lines), terminal.wiped) == (written, 1)

    @pytest.mark.parametrize("error", [OSError(5, "no terminal"), ValueError("closed")])
    def test_a_terminal_that_went_away_does_not_end_the_work(self, clock, terminal, error):
        meter = Meter("EX-001", terminal, now=clock)
        calls = itertools.count()

        def broken(*_):
            next(calls)
            raise error

        terminal.write = terminal.wipe = broken
        meter.wipe()
        work(meter, clock, 5)
        meter.end()
        assert next(calls) == 2  # wiping once, writing once

    def test_it_costs_next_to_nothing(self, log):
        """Called 100,000 times a second. Generous: machines of tests are slow; an order of magnitude would show."""
        meter = Meter("EX-001", log)
        figures = Figures("hashing", 1, 1, path=b"a/b")
        assert min(timeit.repeat(lambda: meter.update(figures), number=20_000, repeat=5)) < 20_000 * 5e-6


class TestWhat:
    def test_all_of_it(self, clock, terminal):
        meter = Meter("EX-001", terminal, now=clock)
        figures = Figures("hashing", 50_000, 0, omissions=2, reused=300, path=b"docs/a.txt", total_files=2_000_000,
                          total_bytes=2**40)  # fmt: skip
        work(meter, clock, 20, figures=figures, files=200, size=10_485_760)
        assert terminal.lines[-1] == (
            "EX-001 hashing: 54,000 of 2,000,000 files, 200.0 MiB of 1.0 TiB, 2 omissions, about 14 h left, "
            "10.0 MiB/s, 300 reused"
        )
        terminal.columns = 160
        work(meter, clock, 0.2, figures=figures, files=200, size=10_485_760)
        assert terminal.lines[-1].endswith(" left, 10.0 MiB/s, 300 reused, 200 files/s  docs/a.txt")

    def test_what_is_nothing_is_not_said(self, clock, terminal):
        meter = Meter("EX-001", terminal, now=clock)
        work(meter, clock, 2, files=0, size=0)
        assert terminal.lines[-1] == "EX-001 hashing: 0 files"
        assert Figures("composing", 1, 0).total_files is None

    def test_a_log_says_when_and_no_names(self, clock, log):
        meter = Meter("EX-001", log, now=clock)
        work(meter, clock, 11, figures=Figures("second look", 0, 0, path=b"secret.doc"), files=100)
        (line,) = log.lines
        assert line.startswith("0:00:10 EX-001 second look: 1,00")
        assert "secret" not in line

    def test_more_was_done_than_there_should_be(self, clock, terminal):
        meter = Meter("EX-001", terminal, now=clock)
        work(meter, clock, 10, figures=Figures("hashing", 5, 0, total_files=4, total_bytes=1))
        assert " of " not in terminal.lines[-1]
        assert "left" not in terminal.lines[-1]

    def test_each_phase_has_its_own_pace(self, clock, terminal):
        meter = Meter("EX-001", terminal, now=clock)
        work(meter, clock, 20, files=1000)
        assert "1,000 files/s" in terminal.lines[-1]
        work(meter, clock, 0.5, figures=Figures("composing", 0, 0), files=1000)
        assert terminal.lines[-1].startswith("EX-001 composing: ")
        assert "/s" not in terminal.lines[-1]

    def test_words_of_the_caller(self, clock, terminal, log):
        for paper in (terminal, log):
            meter = Meter("verify", paper, now=clock)
            clock.time += 10.5
            meter.tell("1,234 of 5,000 rows")
        assert (terminal.lines, log.lines) == (
            ["verify: 1,234 of 5,000 rows"],
            ["0:00:10 verify: 1,234 of 5,000 rows"],
        )

    @pytest.mark.parametrize(
        "path",
        [
            b"esc\x1b[31m\x07\r\nred",
            b"\xff\xfe\x80" * 60,
            "\u202egpj.exe".encode(),
            b"[bold]markup[/bold] [/] [link=file:///]",
            "\u8bc1\u636e\u6587\u4ef6/".encode() * 40,
            "e\u0301".encode() * 300,
            b"a/" * 65_536,
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("width", [10, 39, 40, 79, 120, 300])
    def test_names_are_escaped_and_the_line_fits(self, clock, terminal, path, width):
        terminal.columns = width
        meter = Meter("EX-001", terminal, now=clock)
        work(meter, clock, 2, figures=Figures("hashing", 0, 0, omissions=1, path=path))
        first = "EX-001 hashing: 200 files"
        for line in terminal.lines:
            assert cell_len(line) <= max(width, len(first))
            assert "\x1b" not in line
            assert "\n" not in line
            assert "\u202e" not in line


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "less than a minute"),
        (60, "less than a minute"),
        (61, "about 2 min"),
        (180, "about 3 min"),
        (89 * 60, "about 89 min"),
        (90 * 60, "about 2 h"),
        (47.4 * 3600, "about 47 h"),
        (48 * 3600, "about 2 days"),
        (1e9, "about 11574 days"),
    ],
)
def test_a_time_to_come_in_round_words(seconds, words):
    assert about(seconds) == words


@pytest.mark.parametrize(
    ("name", "room", "shown"),
    [
        ("short.txt", 16, "short.txt"),
        ("a/long/way/down/to/report.pdf", 20, "a/lon...o/report.pdf"),
        ("\u8bc1\u636e\u6587\u4ef6" * 5, 16, "\u8bc1\u636e...\u8bc1\u636e\u6587\u4ef6"),
        ("e\u0301" * 12, 23, "e\u0301" * 3 + "..." + "e\u0301" * 7),
    ],
)
def test_the_middle_of_a_name_is_left_out(name, room, shown):
    assert shortened(name, room) == shown
    assert cell_len(shortened(name, room)) <= room


def test_parts_that_do_not_fit_are_left_out_from_the_end():
    parts = ["12 files", "3.0 KiB", "1 omission"]
    assert fitted("EX-001 hashing", parts, "", 60) == "EX-001 hashing: 12 files, 3.0 KiB, 1 omission"
    assert fitted("EX-001 hashing", parts, "name", 40) == "EX-001 hashing: 12 files, 3.0 KiB"
    assert fitted("EX-001 hashing", parts, "name", 8) == "EX-001 hashing: 12 files"
