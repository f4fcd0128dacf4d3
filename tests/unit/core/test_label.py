"""core/label.py: what a label's code says comes back, in whatever breaks it is typed; a slip is named, never repaired."""

from __future__ import annotations

import pytest

from evidencekit.core.label import ELSEWHERE, MAX_TYPED, Label, parse_label
from evidencekit.errors import FormatError

ORIGIN, ROOT = "unit7.example/24-117", bytes(range(32)).hex()
SEALED, BARE = Label(ORIGIN, "EX-001", ROOT), Label(ORIGIN, "field/EX-001", None)
ELSE = Label(ORIGIN, "field/EX-001", ELSEWHERE)


def test_the_code_is_what_the_specification_shows():
    assert str(SEALED) == f"evidencekit-label/1\n{ORIGIN}\nEX-001\n{ROOT}\n0e667b\n"
    assert str(BARE).splitlines()[3] == "-"


@pytest.mark.parametrize("label", [SEALED, BARE, ELSE])
def test_what_is_printed_comes_back(label):
    groups = " ".join((label.root or "-")[at : at + 8] for at in range(0, 64, 8)).strip()
    for text in (
        str(label),
        str(label).replace("\n", " "),
        str(label).replace("\n", "\r\n"),
        f"evidencekit-label/1 {label.origin}\t{label.item} {groups.upper()} {label.check.upper()}",
    ):
        assert parse_label(text).label == label
    short = parse_label(f"  {label.item}  {label.check.upper()}\n")
    assert (short.item, short.check, short.label) == (label.item, label.check, None)


def test_each_part_changes_the_check_code():
    others = {
        Label("unit8.example/24-117", "EX-001", ROOT),
        Label(ORIGIN, "EX-002", ROOT),
        Label(ORIGIN, "EX-001", None),
        Label(ORIGIN, "EX-001", ELSEWHERE),
        Label(ORIGIN, "EX-001", "f" + ROOT[1:]),
    }
    assert len({one.check for one in others} | {SEALED.check}) == 6


@pytest.mark.parametrize("at", range(len(str(SEALED)) - 1))
def test_every_slip_of_one_character_is_seen(at):
    text = str(SEALED)
    slip = text[:at] + ("2" if text[at] != "2" else "3") + text[at + 1 :]
    with pytest.raises(FormatError):
        parse_label(slip)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "EX-001",
        "evidencekit-label/1",
        "evidencekit-label/1 7f3a9c",
        f"evidencekit-label/1 {ORIGIN} EX-001 7f3a9c",
        f"evidencekit-label/2 {ORIGIN} EX-001 {ROOT} 7f3a9c",
        f"evidencekit-label/1 {ORIGIN} EX-001 {ROOT[1:]} 7f3a9c",
        f"evidencekit-label/1 unit7 EX-001 {ROOT} 7f3a9c",
        "EX-001 7f3a9",
        "EX-001 7f3a9g",
        "EX-001 7f3a9c 7f3a9c",
        "EX\u2013001 7f3a9c",
        "../EX-001 7f3a9c",
        "\x00",
        "x" * (MAX_TYPED + 1),
    ],
)
def test_what_is_no_label(text):
    with pytest.raises(FormatError):
        parse_label(text)
