"""--json: exactly one document on stdout, whatever happens; and no name of the evidence acts on the terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
import unicodedata

import pytest

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def document(done):
    """The one document on stdout."""
    assert done.out.isascii()
    value = json.loads(done.out)  # refuses anything before or after
    assert done.out.endswith(b"\n")
    return value


# --- one document: what goes well ---------------------------------------------------------------------------------


class TestOneDocument:
    def test_key_new(self, cli, tmp_path):
        done = cli("key", "new", tmp_path / "k", "--no-passphrase", "--json")
        assert document(done)["fingerprint"].startswith("SHA256:")
        assert (done.code, done.err) == (0, b"")

    def test_init(self, cli, desk, tmp_path):
        opening = ("--reference", "1", "--agency", "A", "--origin", "a.example/1", "--signer", desk / "office/examiner")
        done = cli("init", tmp_path / "new", *opening, "--log-key", tmp_path / "log.pem", "--json")
        assert document(done)["size"] == 1
        assert (done.code, done.err) == (0, b"")

    def test_init_template_is_toml(self, cli):
        import tomllib

        assert tomllib.loads(cli("init", "--template").out.decode()) == {}

    def test_acquire(self, cli, desk, case, signing):
        done = cli("acquire", case, desk / "source/docs", "--exhibit", "EX-002", *signing, "--json")
        assert document(done)["rows"] == 8
        assert (done.code, done.err) == (0, b"")

    def test_acquire_with_omissions(self, cli, desk, case, signing):
        command = ("acquire", case, desk / "source", "--exhibit", "EX-002", "--exclude", "*", "--no-identify", "--json")
        done = cli(*command, *signing)
        assert document(done)["omissions"]
        assert done.code == 6

    def test_acquire_resume_of_what_is_unfinished(self, cli, desk, case, signing):
        (case / "checkpoints/00000004").unlink()
        (case / "work/EX-001").mkdir(parents=True)
        done = cli("acquire", case, desk / "source", "--exhibit", "EX-001", "--resume", *signing, "--json")
        assert document(done)["checkpoint"]["size"] == 4
        assert done.code == 0

    @pytest.mark.parametrize("arguments", [(), ("--source", "EX-001={source}"), ("--since", "{note}")])
    def test_verify(self, cli, desk, case, arguments):
        filled = [text.format(source=desk / "source", note=case / "checkpoints/00000003") for text in arguments]
        done = cli("verify", case, *filled, "--json")
        assert document(done)["verdict"] == "INTEGRITY ONLY"
        assert done.code == 7

    def test_verify_what_fails(self, cli, case):
        (case / "custody/00000001/entry").write_bytes(b"\x1b[31m")
        done = cli("verify", case, "--json")
        assert document(done)["verdict"] == "FAILED"
        assert done.code == 3

    def test_show(self, cli, case):
        assert document(cli("show", case, "--json"))["items"][0]["item"] == "EX-001"

    @pytest.mark.parametrize("more", [(), ("--name", "*.txt"), ("--name", "nothing"), ("--state", "not_read")])
    def test_find(self, cli, case, more):
        found = document(cli("find", case, *more, "--json"))
        assert found["total"] == len(found["rows"])

    @pytest.mark.parametrize(
        "sql", ["select * from rows", "select 1 where 0", "select x'1b5b33316d' b, char(27) c, null"]
    )
    def test_query(self, cli, case, sql):
        found = document(cli("query", case, sql, "--json"))
        assert all(len(row) == len(found["columns"]) for row in found["rows"])

    def test_prove_and_verify_a_proof(self, cli, case, tmp_path):
        done = cli("prove", case, "EX-001#1", "-o", tmp_path / "p", "--tlog", tmp_path / "t", "--json")
        assert document(done)["index"] == 1
        assert document(cli("verify", tmp_path / "p", "--json"))["verdict"] == "INTEGRITY ONLY"
        assert document(cli("verify", tmp_path / "t", "--json"))["verdict"] == "FAILED"

    def test_checkpoints(self, cli, case, signing):
        assert document(cli("checkpoint", "show", case, "--json"))["size"] == 4
        assert document(cli("checkpoint", "show", case, "--note", "--size", "3", "--json"))["size"] == 3
        assert document(cli("checkpoint", "finish", case, *signing[2:], "--json"))["size"] is None

    def test_log_keys(self, cli, case, signing, tmp_path):
        done = cli("key", "backup", case, tmp_path / "b", *signing[2:], "--no-passphrase", "--json")
        assert document(done)["origin"]
        assert document(cli("key", "restore", case, tmp_path / "b", "--log-key", tmp_path / "c", "--json"))["file"]

    @pytest.mark.parametrize("code", [(), ("E201",), ("r501",)])
    def test_explain(self, cli, code):
        assert document(cli("explain", *code, "--json"))

    def test_list(self, cli, case):
        assert document(cli("list", case, "--json"))


# --- one document: what does not go well --------------------------------------------------------------------------

ERRORS = {
    "no case: verify": (("verify", "{tmp}/nowhere"), "X401", 4),
    "no case: show": (("show", "{tmp}"), "X401", 4),
    "no case: find": (("find", "{tmp}"), "X401", 4),
    "no case: query": (("query", "{tmp}", "select 1"), "X401", 4),
    "no case: list": (("list", "{tmp}"), "X401", 4),
    "no case: prove": (("prove", "{tmp}", "EX-001#1", "-o", "{tmp}/p"), "X401", 4),
    "no case: checkpoint show": (("checkpoint", "show", "{tmp}"), "X401", 4),
    "no case: checkpoint finish": (("checkpoint", "finish", "{tmp}"), "X401", 4),
    "no case: acquire": (("acquire", "{tmp}", "{source}", "--exhibit", "EX-002", "{signing}"), "X401", 4),
    "no case: key backup": (("key", "backup", "{tmp}", "{tmp}/b", "--no-passphrase"), "X401", 4),
    "no case: key restore": (("key", "restore", "{tmp}", "{log}"), "X401", 4),
    "no log keys": (("checkpoint", "finish", "{case}"), "X410", 4),
    "no signer": (("acquire", "{case}", "{source}", "--exhibit", "EX-2", "--signer", "{tmp}/no", "--log-key", "{log}"),
                  "X410", 4),
    "no source": (("acquire", "{case}", "{tmp}/nowhere", "--exhibit", "EX-2", "{signing}"), "U201", 2),
    "no exhibit number": (("acquire", "{case}", "{source}", "--exhibit", "EX 2", "{signing}"), "U205", 2),
    "sealed": (("acquire", "{case}", "{source}", "--exhibit", "EX-001", "{signing}"), "R504", 5),
    "nesting": (("acquire", "{case}", "{tmp}", "--exhibit", "EX-002", "{signing}"), "R506", 5),
    "not TOML": (("acquire", "{case}", "{source}", "--exhibit", "EX-2", "--authority", "{log}", "{signing}"), "U220", 2),
    "a glob that cannot match": (("acquire", "{case}", "{source}", "--exhibit", "EX-2", "--exclude", "/", "{signing}"),
                                 "U230", 2),
    "a folder that is taken": (("init", "{case}", "--reference", "1", "--agency", "A", "--origin", "a.b/c", "{signing}"),
                               "R501", 5),
    "no origin": (("init", "{tmp}/n", "--reference", "1", "--agency", "A", "--origin", "a", "{signing}"), "U204", 2),
    "a key that is there": (("key", "new", "{log}", "--no-passphrase"), "R517", 5),
    "a passphrase and nobody to ask": (("key", "new", "{tmp}/k"), "X411", 4),
    "no such row": (("prove", "{case}", "EX-001:nothing", "-o", "{tmp}/p"), "U234", 2),
    "no file to write": (("prove", "{case}", "EX-001#1"), "U233", 2),
    "a file that is there": (("prove", "{case}", "EX-001#1", "-o", "{log}"), "R501", 5),
    "no size": (("find", "{case}", "--larger", "x"), "U207", 2),
    "no time": (("find", "{case}", "--after", "x"), "U208", 2),
    "bad SQL": (("query", "{case}", "select"), None, 2),
    "SQL that writes": (("query", "{case}", "drop table rows"), None, None),
    "no such exhibit to list": (("list", "{case}", "--item", "EX-009"), "U215", 2),
    "no such digest to list": (("list", "{case}", "--format", "sha1sum"), "U216", 2),
    "no such checkpoint": (("checkpoint", "show", "{case}", "--size", "9"), "X402", 4),
    "no such code": (("explain", "E000"), "U206", 2),
    "no source to compare": (("verify", "{case}", "--source", "EX-001={tmp}/no"), "U201", 2),
    "ambiguous sources": (("verify", "{case}", "--source", "EX-001={source}", "--source", "EX-001={source}"), "U209", 2),
    "a proof with a source": (("verify", "{log}", "--source", "{source}"), "U232", 2),
    "a policy that is none": (("verify", "{case}", "--policy", "{tmp}"), "U222", 2),
    "no checkpoint to compare": (("verify", "{case}", "--since", "garbage"), "U223", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_is_one_document_too(cli, desk, case, signing, tmp_path, name):
    command, code, exit_code = ERRORS[name]
    places = {"tmp": tmp_path, "case": case, "source": desk / "source", "log": desk / "log.pem"}
    arguments = []
    for word in command:
        arguments += signing if word == "{signing}" else [word.format(**places)]
    before = set(os.listdir(tmp_path)) | {"home"}  # where the index may lie
    done = cli(*arguments, "--json")
    error = document(done)["error"]
    assert error.keys() == {"code", "hint", "message"}
    if code is not None:
        assert (error["code"], done.code) == (code, exit_code)
    assert done.code in {2, 3, 4, 5}
    assert done.err == b""
    assert set(os.listdir(tmp_path)) <= before
    people = cli(*arguments)
    assert people.code == done.code
    assert people.err.startswith(b"error " + error["code"].encode())
    assert people.out == b""


USAGE = [("verify",), ("verify", "{case}", "--nonsense"), ("nonsense",), ("list", "{case}", "--format", "x"),
         ("acquire", "{case}"), ("verify", "{case}", "--policy", "/nowhere")]  # fmt: skip


@pytest.mark.parametrize("command", USAGE, ids=" ".join)
def test_wrong_usage_is_one_document(cli, case, command):
    assert "error" in document(cli(*(word.format(case=case) for word in command), "--json"))


@pytest.mark.parametrize("command", [("verify", "{case}"), ("show", "{case}"), ("find", "{case}"), ("explain",)])
def test_quiet_and_json_together_give_the_document(cli, case, command):
    arguments = [word.format(case=case) for word in command]
    assert document(cli(*arguments, "--json", "--quiet")) == document(cli(*arguments, "--json"))


# --- the terminal -------------------------------------------------------------------------------------------------


def check_harmless(data):
    """UTF-8, and nothing in it but line ends that a terminal acts on or hides."""
    text = data.decode()  # strict: raw bytes of a name do not pass
    bad = {hex(ord(character)) for character in text if character != "\n" and unicodedata.category(character) in UNSEEN}
    assert not bad, [line for line in text.splitlines() if any(chr(int(code, 16)) in line for code in bad)][:5]


@pytest.fixture(scope="module")
def hostile(rc, cli, desk, tmp_path_factory):
    """A case whose source folder, too, has a hostile name, with omissions of all its names."""
    folder = tmp_path_factory.mktemp("hostile")
    source = folder / "src\x1b]0;owned\x07\u202e\nx"
    shutil.copytree(desk / "source", source, symlinks=True, copy_function=copy_what_can_be)
    shutil.copytree(desk / "case", folder / "case")
    return folder, source


def copy_what_can_be(old, new):
    if os.path.isfile(old):
        shutil.copy2(old, new)


@pytest.mark.parametrize("json_flag", [(), ("--json",)], ids=["people", "json"])
class TestHostileNames:
    def test_acquire(self, cli, hostile, signing, json_flag, tmp_path):
        folder, source = hostile
        shutil.copytree(folder / "case", tmp_path / "case")
        done = cli("acquire", tmp_path / "case", source, "--exhibit", "EX-002", "--exclude", "*", *signing, *json_flag)
        assert done.code == 6
        check_harmless(done.out)
        check_harmless(done.err)
        for command in ("show", "find", "verify"):
            done = cli(command, tmp_path / "case", *json_flag)
            check_harmless(done.out)
            check_harmless(done.err)

    def test_show(self, cli, desk, json_flag):
        done = cli("show", desk / "case", *json_flag)
        check_harmless(done.out)
        assert rb"esc\u{1b}" in done.out or rb"esc\\u{1b}" in done.out

    def test_find(self, cli, desk, json_flag):
        done = cli("find", desk / "case", *json_flag)
        assert done.code == 0
        check_harmless(done.out)
        assert b"esc" in done.out

    def test_query(self, cli, desk, json_flag):
        done = cli("query", desk / "case", "select path, name, target from rows", *json_flag)
        if done.code == 2:  # columns of another name
            done = cli("query", desk / "case", "select * from rows", *json_flag)
        assert done.code == 0
        check_harmless(done.out)

    def test_verify_a_source_that_differs_everywhere(self, cli, desk, hostile, json_flag, tmp_path):
        _, source = hostile
        shutil.copytree(source, tmp_path / "changed", symlinks=True)
        for name in os.listdir(os.fsencode(tmp_path / "changed")):
            path = os.fsencode(tmp_path / "changed") + b"/" + name
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "ab") as file:
                    file.write(b"more")
            os.close(os.open(path + b"\x1b[2Jnew", os.O_CREAT | os.O_WRONLY))
        done = cli("verify", desk / "case", "--source", f"EX-001={tmp_path / 'changed'}", *json_flag)
        assert done.code == 3
        check_harmless(done.out)
        assert b"esc" in done.out

    @pytest.mark.parametrize(
        "place", ["custody/\x1b[31m", "manifests/x\x07\ny", "\u202egpj.exe", "checkpoints/00000001\x7f"]
    )
    def test_verify_strays(self, cli, case, json_flag, place):
        (case / place).write_text("x")
        done = cli("verify", case, *json_flag)
        assert done.code in {3, 4}
        check_harmless(done.out)

    def test_verify_records_that_carry_escapes(self, cli, case, json_flag):
        for name in ("case.json", "custody/00000002/event.json", "custody/00000002/entry", "checkpoints/00000004"):
            path = case / name
            path.write_bytes(
                path.read_bytes().replace(b"example", b"ex\x1b[31mple").replace(b'"index"', b'"\x1b]0;x\x07"')
            )
        done = cli("verify", case, *json_flag)
        assert done.code in {3, 4}
        check_harmless(done.out)
        check_harmless(done.err)
        for command in ("show", "find", "list", "checkpoint show"):
            done = cli(*command.split(), case, *json_flag)
            check_harmless(done.out)
            check_harmless(done.err)

    def test_errors_that_name_what_was_given(self, cli, case, hostile, signing, json_flag, tmp_path):
        evil = "\x1b[31m\u202e\n"
        for arguments in (
            ("verify", tmp_path / evil),
            ("show", tmp_path / evil),
            ("acquire", case, tmp_path / evil, "--exhibit", "EX-009", *signing),
            ("acquire", case, tmp_path, "--exhibit", evil, *signing),
            ("acquire", case, hostile[1], "--exhibit", "EX-9", "--exclude", f"/{evil}", *signing),
            ("prove", case, f"EX-001:{evil}", "-o", tmp_path / "p"),
            ("prove", case, f"{evil}#1", "-o", tmp_path / "p"),
            ("list", case, "--item", evil),
            ("find", case, "--item", evil),
            ("find", case, "--larger", evil),
            ("find", case, "--hash", evil),
            ("explain", evil),
            ("verify", case, "--source", f"EX-001={tmp_path / evil}"),
            ("verify", case, "--since", evil),
            ("init", tmp_path / evil / evil, "--reference", "1", "--agency", "A", "--origin", "a.b/c", *signing),
        ):
            done = cli(*arguments, *json_flag)
            check_harmless(done.out)
            check_harmless(done.err)


def test_sql_that_carries_escapes(cli, case):
    done = cli("query", case, "select \x1b[31m")
    assert done.code == 2
    check_harmless(done.err)


def test_key_files_whose_names_carry_escapes(cli, case, desk, tmp_path):
    signing = ("--signer", tmp_path / "\x1b[31m", "--log-key", desk / "log.pem")
    done = cli("acquire", case, desk / "source", "--exhibit", "EX-9", *signing)
    assert done.code == 4
    check_harmless(done.err)


def test_nothing_but_text_reaches_a_terminal(desk, tmp_path):
    """On a real terminal, where styles are allowed: with --no-color there is not one escape sequence."""
    for command in (("show",), ("find",), ("verify", "--source", f"EX-001={desk / 'source'}")):
        master, slave = pty.openpty()
        arguments = [sys.executable, "-m", "evidencekit", command[0], desk / "case", *command[1:], "--no-color"]
        environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "TERM": "xterm"}
        process = subprocess.Popen(arguments, stdout=slave, stderr=slave, stdin=subprocess.DEVNULL, env=environment)
        os.close(slave)
        seen = bytearray()
        while True:
            try:
                data = os.read(master, 65_536)
            except OSError:
                break
            if not data:
                break
            seen += data
        os.close(master)
        assert process.wait() in {0, 7}
        meter = re.compile(rb"\r\x1b\[2K[^\r\n\x1b]*")  # the line of progress, on a slow machine
        check_harmless(meter.sub(b"", bytes(seen)).replace(b"\r\n", b"\n"))
        assert b"esc" in seen or command[0] == "verify"
