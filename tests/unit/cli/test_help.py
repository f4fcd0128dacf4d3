"""What a person reads first: every command's help, and how little it takes to show it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys

import click
import pytest

from evidencekit import __version__
from evidencekit.cli import verify_only
from evidencekit.cli.main import evidencekit
from evidencekit.cli.verify import verify

HEAVY = (
    *("pyarrow", "cryptography", "rich", "sqlite_utils", "sqlite3", "magic", "blake3", "bcrypt", "orjson"),
    *("multiprocessing", "subprocess", "socket", "asyncio"),
)
KNOWN_CODES = {0, 2, 3, 4, 5, 6, 7}


def commands(group=evidencekit, path=()):
    """Every command by its words, and whether it is a group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield (*path, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))


ALL = dict(commands())
LEAVES = {words: command for words, command in ALL.items() if not isinstance(command, click.Group)}
words_of = "-".join
each_command = pytest.mark.parametrize("words", LEAVES, ids=words_of)


def help_of(cli, words):
    done = cli(*words, "--help")
    assert (done.code, done.err) == (0, b"")
    return done.out.decode()


def paragraphs(command):
    return [part.strip() for part in re.split(r"\n\s*\n", command.help.replace("\b\n", "\n\n"))]


def test_the_list_of_commands_is_what_the_modules_have():
    assert {words[0] for words in ALL} == set(evidencekit.list_commands(click.Context(evidencekit)))
    assert len(LEAVES) >= 15


@each_command
def test_help_has_examples_that_call_this_command(cli, words):
    text = help_of(cli, words)
    assert re.search(r"^  Examples?:", text, re.MULTILINE)
    examples = [part for part in paragraphs(LEAVES[words]) if part.startswith("Example")]
    assert examples
    for line in examples[0].splitlines()[1:]:
        assert f"evidencekit {' '.join(words)}" in line, line


@each_command
def test_options_of_the_examples_exist(words):
    options = {name for parameter in LEAVES[words].params for name in (*parameter.opts, *parameter.secondary_opts)}
    (examples, *_) = [part for part in paragraphs(LEAVES[words]) if part.startswith("Example")]
    for line in examples.splitlines()[1:]:
        ours = line.partition(";")[0]
        assert set(re.findall(r"(?<!\S)--?[a-z][a-z-]*", ours)) <= options | {"--help"}, line


@each_command
def test_help_text_ends_with_exit_codes(words):
    last = paragraphs(LEAVES[words])[-1]
    assert last.startswith("Exit codes: 0 ")
    codes = [int(code) for code in re.findall(r"(?:^|· )(\d+) ", last.removeprefix("Exit codes: "))]
    assert codes == sorted(codes)
    assert set(codes) <= KNOWN_CODES
    assert not re.search(r"[^·:] \d [A-Za-z]", " ".join(last.split()))  # each code has its dot, also on a new line


@each_command
def test_every_option_says_what_it_is(words):
    silent = [
        parameter.opts
        for parameter in LEAVES[words].params
        if isinstance(parameter, click.Option) and not parameter.help
    ]
    assert not silent


@pytest.mark.parametrize("words", ALL, ids=words_of)
def test_help_is_no_wider_than_a_terminal(cli, words):
    lines = help_of(cli, words).splitlines()
    wide = [line for line in lines if len(line) > 100 and "evidencekit" not in line]
    assert not wide


@pytest.mark.parametrize("words", [words for words in ALL if words not in LEAVES], ids=words_of)
def test_a_group_lists_its_commands(cli, words):
    text = help_of(cli, words)
    assert all(other[-1] in text for other in ALL if other[:-1] == words)


def test_the_front_page_lists_all_commands_and_exit_codes(cli):
    text = cli("--help").out.decode()
    assert all(re.search(rf"^  {words[0]} ", text, re.MULTILINE) for words in ALL)
    assert all(f"{code} " in text.partition("Exit codes")[2] for code in KNOWN_CODES)
    assert cli("-h").out.decode() == text


def test_version(cli):
    assert __version__ in cli("--version").out.decode()


def test_an_unknown_command_is_a_matter_of_usage(cli):
    done = cli("verfiy")
    assert done.code == 2
    assert b"verfiy" in done.err
    assert done.out == b""


def test_no_command_shows_the_front_page(cli):
    done = cli()
    assert done.code in {0, 2}
    assert b"Usage: evidencekit" in done.out + done.err


@pytest.mark.parametrize("words", LEAVES, ids=words_of)
def test_an_unknown_option_is_a_matter_of_usage(cli, words):
    done = cli(*words, "--no-such-option")
    assert done.code == 2
    assert b"--no-such-option" in done.err


def loaded_by(*arguments, entry="evidencekit.cli.entry", among=HEAVY, **environment):
    """Which packages a fresh process has loaded when the command is over."""
    code = (
        "import json, sys; sys.argv = sys.argv[1:]\n"
        f"from {entry} import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "sys.stderr.write(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "evidencekit", *arguments],
        capture_output=True, check=True, timeout=60, env=os.environ | environment,
    )  # fmt: skip
    return set(json.loads(done.stderr)) & set(among)


@pytest.mark.parametrize("argument", ["--help", "-h", "--version"])
def test_the_front_page_loads_nothing_heavy(argument):
    assert loaded_by(argument) == set()


def test_english_help_loads_no_catalogue():
    code = (
        "import sys\nfrom evidencekit.cli.main import evidencekit\n"
        "evidencekit.main(['--help'], standalone_mode=False)\n"
        "sys.exit('evidencekit.read.texts' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=60).returncode == 0


def test_the_version_loads_next_to_nothing():
    """It is asked for by scripts and installers, again and again: within three times `python -c pass`."""
    assert loaded_by("--version", among=("click", "typing", "dataclasses", "inspect", "signal", "gettext")) == set()


def test_the_version_is_said_in_the_words_of_the_command_group(cli):
    module = [sys.executable, "-m", "evidencekit"]
    done = subprocess.run([*module, "--version"], capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (cli("--version").out, b"")
    code = "import sys; sys.stdout = None; sys.argv = ['evidencekit', '--version']; from evidencekit.cli.entry import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == (b"", b"")  # a program without a console
    if os.path.exists("/dev/full"):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([*module, "--version"], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
        assert (done.returncode, done.stderr[:11]) == (4, b"error X420:")


@pytest.mark.parametrize("words", ["evidencekit ", "evidencekit ver", "evidencekit key ", "evidencekit acquire --"])
def test_completion_loads_nothing_heavy(words):
    count = len(words.split()) - (not words.endswith(" "))
    environment = {"_EVIDENCEKIT_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(count)}
    assert loaded_by(**environment) == set()


def test_completion_of_any_command_loads_nothing_heavy():
    code = (
        "import sys\nfrom click.shell_completion import BashComplete\nfrom evidencekit.cli.main import evidencekit\n"
        "complete = BashComplete(evidencekit, {}, 'evidencekit', '_EVIDENCEKIT_COMPLETE')\n"
        "names = {item.value for item in complete.get_completions([], '')}\n"
        "assert {words.split()[0] for words in sys.argv[1:]} <= names, names\n"
        "for words in sys.argv[1:]:\n"
        "    assert complete.get_completions(words.split(), '--'), words\n"
        f"found = {{name.partition('.')[0] for name in sys.modules}} & set({HEAVY})\n"
        "assert not found, found\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(" ".join, LEAVES)], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()


def test_help_of_a_command_loads_nothing_heavy():
    code = (
        "import sys\nfrom evidencekit.cli.main import evidencekit\n"
        "for words in sys.argv[1:]:\n"
        "    try:\n        evidencekit.main([*words.split(), '--help'], standalone_mode=False)\n"
        "    except SystemExit: pass\n"
        f"    found = {{name.partition('.')[0] for name in sys.modules}} & set({HEAVY})\n"
        "    assert not found, (words, found)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *map(" ".join, ALL)], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()


def test_the_verifier_alone_shows_the_same_help(cli):
    done = subprocess.run(
        [sys.executable, "-c", "from evidencekit.cli.verify_only import main; main()", "--help"],
        capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0
    text = done.stdout.decode()
    assert text.startswith("Usage: evidencekit-verify")
    ours, theirs = (part.partition("Options:")[0].partition("\n")[2] for part in (help_of(cli, ("verify",)), text))
    assert ours == theirs
    assert loaded_by("--help", entry="evidencekit.cli.verify_only") == set()
    assert verify.help.rstrip().endswith("7 INTEGRITY ONLY.")


def test_the_verifier_alone_names_its_version(capsys, monkeypatch):
    monkeypatch.setattr(verify, "params", [*verify.params])
    monkeypatch.setattr(sys, "argv", ["evidencekit-verify", "--version"])
    with pytest.raises(SystemExit) as left:
        verify_only.main()
    assert not left.value.code
    assert capsys.readouterr().out == f"evidencekit-verify, version {__version__}\n"
