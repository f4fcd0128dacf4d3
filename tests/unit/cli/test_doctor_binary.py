"""A binary's own files, held to the list beside it: every way in which they may not be the published ones."""

from __future__ import annotations

import hashlib
import json
import sys

import pytest

from evidencekit.cli.binary import judged


def listed(folder, names):
    lines = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest()


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "program نسخة"
    (home / "_internal/evidencekit").mkdir(parents=True)
    names = ["evidencekit", "_internal/libpython.so", "_internal/evidencekit/grounds.toml"]
    for name in names:
        (home / name).write_bytes(name.encode())
    listed(home, names)
    return home


def judge(folder):
    return judged(folder / "evidencekit", folder / "_internal")


def test_the_published_files(folder):
    status, found = judge(folder)
    assert status == "ok"
    assert found.startswith("3 files, ")
    assert hashlib.sha256((folder / "SHA256SUMS").read_bytes()).hexdigest() in found
    (folder / "CASE").mkdir()  # whatever lies beside the program is not loaded
    (folder / "CASE/note.txt").write_bytes(b"")
    assert judge(folder) == (status, found)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda home: (home / "evidencekit").write_bytes(b"other"), "changed: evidencekit"),
        (lambda home: (home / "_internal/libpython.so").unlink(), "missing: _internal/libpython.so"),
        (lambda home: (home / "_internal/e\x1b.so").write_bytes(b""), "unknown: _internal/e\\u{1b}.so"),
        (lambda home: (home / "_internal/more").symlink_to("/usr"), "unknown: _internal/more"),
        (lambda home: (home / "SHA256SUMS").unlink(), "SHA256SUMS is missing"),
    ],
)
def test_files_that_are_not_the_published_ones(folder, change, told):
    change(folder)
    assert judge(folder) == ("failed", told)


def test_of_many_files_some_are_named(folder):
    for number in range(9):
        (folder / f"_internal/{number}.so").write_bytes(b"")
    assert judge(folder)[1].endswith("_internal/4.so and 4 more")


@pytest.mark.parametrize("text", ["", "no list\n", f"{'A' * 64}  evidencekit\n"])
def test_a_list_that_is_none(folder, text):
    (folder / "SHA256SUMS").write_text(text)
    with pytest.raises(ValueError, match="SHA256SUMS"):
        judge(folder)


def test_a_program_of_one_file(tmp_path):
    program = tmp_path / "evidencekit-onefile"
    program.write_bytes(b"program")
    unpacked = tmp_path / "elsewhere/_MEI1"
    assert judged(program, unpacked) == (
        "not_checked",
        f"one file, SHA-256 {hashlib.sha256(b'program').hexdigest()}: compare it with the published list",
    )
    digest = listed(tmp_path, [program.name])
    status, found = judged(program, unpacked)
    assert status == "ok"
    assert digest in found
    program.write_bytes(b"other")
    assert judged(program, unpacked) == ("failed", "changed: evidencekit-onefile")


def test_doctor_in_a_binary(cli, folder, tmp_path, monkeypatch):
    """A changed file is a failure of doctor's, with exit code 4."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "_MEIPASS", str(folder / "_internal"), raising=False)
    monkeypatch.setattr(sys, "executable", str(folder / "evidencekit"))

    def files():
        done = cli("doctor", tmp_path, "--json")
        return done.code, next(one for one in json.loads(done.out)["checks"] if one["name"] == "program files")

    code, found = files()
    assert (code, found["status"]) == (0, "ok")
    (folder / "_internal/libpython.so").write_bytes(b"other")
    code, found = files()
    assert (code, found["status"], found["found"]) == (4, "failed", "changed: _internal/libpython.so")
    (folder / "SHA256SUMS").write_text("no list\n")
    assert files()[0] == 4
