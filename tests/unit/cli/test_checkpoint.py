"""`checkpoint show`: three lines, the paper form, the QR code; and `verify --since` takes all of it back."""

from __future__ import annotations

import json

import pytest
import segno

from evidencekit.core.paper import parse_typed

VERDICTS = {0, 7}


def since(cli, case, text):
    return cli("verify", case, "--since", text, "--json")


def test_the_first_three_lines_are_those_of_the_note(cli, case):
    lines = cli("checkpoint", "show", case).out.decode().splitlines()
    note = cli("checkpoint", "show", case, "--note").out.decode().splitlines()
    assert lines[:3] == note[:3]
    assert cli("checkpoint", "show", case, "--quiet").out.decode().splitlines() == note[:3]


def test_everything_that_is_printed_is_taken_back(cli, case, tmp_path):
    done = cli("checkpoint", "show", case, "--qr")
    text = done.out.decode()
    (tmp_path / "paper").write_text(text)
    record = json.loads(cli("checkpoint", "show", case, "--json").out)
    head = parse_typed(text)
    assert (head.origin, head.size, head.root.hex()) == (record["origin"], record["size"], record["root"])
    paper = "\n".join(line for line in text.splitlines()[3:10])
    grouped = f"{record['size']} {' '.join(record['groups']).upper()}"
    labelled = f"origin {head.origin}\nsize {record['size']}\nroot {record['root']}\ncheck {record['check']}"
    for typed in (tmp_path / "paper", text, paper, grouped, labelled):
        report = json.loads(since(cli, case, typed).out)
        assert report["aspects"]["completeness"]["status"] == "ok", typed


def test_what_stands_on_it(cli, case):
    record = json.loads(cli("checkpoint", "show", case, "--json").out)
    lines = cli("checkpoint", "show", case).out.decode().splitlines()
    fields = {line[:10].strip(): line[10:] for line in lines[3:] if line[:10].strip()}
    assert list(fields) == ["origin", "size", "root", "check", "keys", "recorded"]
    assert fields["keys"].split() == record["keys"]
    assert all(len(key) == 8 for key in record["keys"])
    assert fields["recorded"] == f"{record['recorded_at']}, by the case's own clock"
    assert "".join(record["groups"]) == record["root"]


def test_a_slip_is_a_wrong_usage_and_no_verdict(cli, case):
    record = json.loads(cli("checkpoint", "show", case, "--json").out)
    groups = record["groups"]
    groups[4] = groups[4][:-1] + "x"
    done = cli("verify", case, "--since", f"{record['size']} {' '.join(groups)}")
    assert done.code == 2
    assert "U223" in done.err.decode()
    assert "root, group 5" in done.err.decode()


def test_the_code_in_the_terminal_is_the_one_of_the_library(cli, case):
    note = "\n".join(cli("checkpoint", "show", case).out.decode().splitlines()[:3]) + "\n"
    lines = [line for line in cli("checkpoint", "show", case, "--qr").out.decode().splitlines() if "\u2588" in line]
    dark = {"\u2588": (0, 0), "\u2580": (0, 1), "\u2584": (1, 0), " ": (1, 1)}
    drawn = [[dark[char][half] for char in line] for line in lines for half in (0, 1)]
    matrix = [list(row) for row in segno.make(note, micro=False).matrix]
    size = len(matrix)
    assert [row[2 : 2 + size] for row in drawn[2 : 2 + size]] == matrix
    assert not any(map(any, drawn[:2] + drawn[2 + size :]))
    assert not any(any(row[:2] + row[2 + size :]) for row in drawn)


@pytest.mark.parametrize(("name", "begins"), [("a.svg", b"<?xml"), ("a.PNG", b"\x89PNG")])
def test_pictures(cli, case, tmp_path, name, begins):
    done = cli("checkpoint", "show", case, "--qr-out", tmp_path / name)
    assert done.code == 0
    assert (tmp_path / name).read_bytes().startswith(begins)
    again = cli("checkpoint", "show", case, "--qr-out", tmp_path / name)
    assert (again.code, b"R501" in again.err) == (5, True)


@pytest.mark.parametrize(("name", "code", "exit_code"), [("a.gif", "U275", 2), ("case/a.svg", "R506", 5)])
def test_pictures_that_are_refused(cli, case, tmp_path, name, code, exit_code):
    done = cli("checkpoint", "show", case, "--qr-out", tmp_path / name)
    assert (done.code, code in done.err.decode()) == (exit_code, True)
    assert not (tmp_path / name).exists()


def test_an_entry_that_cannot_be_read_is_no_reason_to_show_nothing(cli, case):
    size = json.loads(cli("checkpoint", "show", case, "--json").out)["size"]
    (case / f"custody/{size - 1:08}/entry").unlink()
    record = json.loads(cli("checkpoint", "show", case, "--json").out)
    assert record["recorded_at"] is None
    assert "recorded  not known" in cli("checkpoint", "show", case).out.decode()


@pytest.mark.parametrize("size", [99, 1])
def test_another_size(cli, case, size):
    done = cli("checkpoint", "show", case, "--size", size)
    assert done.code == (4 if size == 99 else 0)
