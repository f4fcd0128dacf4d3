"""Every refusal of the command line: exit code, code, what and where it is, what to do; and nothing was written."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

EXIT_CODES = {"U": 2, "F": 3, "X": 4, "R": 5}
NOBODY = 65534
SIGNING = "--signer examiner --log-key log.pem"
ACQUIRE = f"acquire case source --exhibit EX-002 {SIGNING}"


class Refusal(NamedTuple):
    """What is arranged in the folder that the command runs in, the command, and what has to be said."""

    command: str
    code: str
    says: tuple[str, ...]
    """What the message and its advice have to contain."""
    arrange: Callable[[], object] = lambda: None


@pytest.fixture(autouse=True)
def place(desk, tmp_path, monkeypatch):
    """The folder that commands run in: a sealed case, its keys, a source."""
    shutil.copytree(desk / "case", tmp_path / "case")
    for name in ("office/examiner", "office/examiner.pub", "office/other", "office/other.pub", "log.pem"):
        shutil.copy(desk / name, tmp_path)
    (tmp_path / "source/docs").mkdir(parents=True)
    (tmp_path / "source/docs/letter").write_text("dear\n")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything in a folder: mode, time of the last change (but of folders), content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = b""
        if path.is_symlink():
            content = os.fsencode(os.readlink(path))
        elif stat.S_ISREG(status.st_mode):
            content = path.read_bytes()
        changed = 0 if stat.S_ISDIR(status.st_mode) else status.st_mtime_ns
        found[str(path.relative_to(folder))] = (status.st_mode, changed, content)
    return found


def check_refused(cli, place, refusal: Refusal) -> None:
    refusal.arrange()
    before = snapshot(place)
    done = cli(*shlex.split(refusal.command))
    first, *advice = done.err.decode().splitlines()
    assert done.code == EXIT_CODES[refusal.code[0]], done
    assert first.startswith(f"error {refusal.code}: "), done
    assert advice, f"{first}: what is one to do?"
    for words in refusal.says:
        assert words in done.err.decode(), done.err.decode()
    assert done.out == b""
    assert snapshot(place) == before


def table(refusals: dict[str, Refusal]):
    return pytest.mark.parametrize("refusal", refusals.values(), ids=refusals)


# --- what would change what it describes ------------------------------------------------------------------------------


def ways() -> None:
    """Another way to where one stands."""
    Path("ways").symlink_to(".")


INSIDE = "lie inside each other"
NESTED = {
    "the case inside the source": Refusal(f"acquire case . --exhibit EX-002 {SIGNING}", "R506", (INSIDE, "another")),
    "the source inside the case": Refusal(f"acquire case case/custody --exhibit EX-002 {SIGNING}", "R506", (INSIDE,)),
    "a file of the case": Refusal(f"acquire case case/case.json --exhibit EX-002 {SIGNING}", "R506", (INSIDE,)),
    "the case itself": Refusal(f"acquire case case --exhibit EX-002 {SIGNING}", "R506", ("case case", "source case")),
    "the case by a link": Refusal(f"acquire ways/case . --exhibit EX-002 {SIGNING}", "R506", ("ways/case",), ways),
    "the source by a link": Refusal(f"acquire case ways --exhibit EX-002 {SIGNING}", "R506", ("source ways",), ways),
    "inside the case by a link": Refusal(
        f"acquire case ways/case/custody --exhibit EX-002 {SIGNING}", "R506", ("ways/case/custody",), ways
    ),
    "both by links": Refusal(f"acquire ways/case ways/ways --exhibit EX-002 {SIGNING}", "R506", (INSIDE,), ways),
    "a way back": Refusal(f"acquire case source/.. --exhibit EX-002 {SIGNING}", "R506", (INSIDE,)),
    "a proof inside the case": Refusal("prove case EX-001#1 -o case/proof", "R506", ("case/proof", "outside")),
    "a bare proof inside the case": Refusal("prove case EX-001#1 --tlog ways/case/p", "R506", ("ways/case/p",), ways),
    "log keys inside the case": Refusal(
        "key backup case case/keys --log-key log.pem --no-passphrase", "R506", ("case/keys", "outside")
    ),
    "log keys restored into the case": Refusal("key restore case log.pem --log-key case/keys", "R506", ("case/keys",)),
    "log keys inside a new case": Refusal(
        "init new --reference 1 --agency A --origin a.example/1 --signer examiner --log-key new/log.pem",
        "R506",
        ("new/log.pem", "outside"),
    ),
    "a case inside a case": Refusal(
        "init case/new --reference 1 --agency A --origin a.example/1 --signer examiner --log-key l.pem",
        "R506",
        ("case/new", "beside"),
    ),
}


@table(NESTED)
def test_nothing_is_written_into_what_it_is_about(cli, place, refusal):
    check_refused(cli, place, refusal)


# --- what is there already --------------------------------------------------------------------------------------------

INIT = "--reference 1 --agency A --origin a.example/1 --signer examiner --log-key l.pem"
ANOTHER = "Choose another name"
EXISTING = {
    "a key": Refusal("key new examiner --no-passphrase", "R517", ("examiner exists", "another name")),
    "a public key": Refusal(
        "key new examiner --no-passphrase", "R517", ("examiner.pub exists",), lambda: os.unlink("examiner")
    ),
    "a case": Refusal(f"init case {INIT}", "R501", ("case exists", ANOTHER)),
    "a folder with something in it": Refusal(f"init source {INIT}", "R501", ("source exists", ANOTHER)),
    "a file instead of a case": Refusal(f"init examiner {INIT}", "R501", ("examiner exists", ANOTHER)),
    "a link instead of a case": Refusal(f"init ways {INIT}", "R501", ("ways exists",), ways),
    "log keys at init": Refusal(
        "init new --reference 1 --agency A --origin a.example/1 --signer examiner --log-key log.pem",
        "R517",
        ("log.pem exists",),
    ),
    "a proof": Refusal("prove case EX-001#1 -o examiner.pub", "R501", ("examiner.pub exists", ANOTHER)),
    "a bare proof, beside one that is new": Refusal(
        "prove case EX-001#1 -o new --tlog examiner.pub", "R501", ("examiner.pub exists", "Nothing was written")
    ),
    "two proofs in one file": Refusal("prove case EX-001#1 -o new --tlog ./new", "U235", ("new is named twice",)),
    "a backup": Refusal(
        "key backup case other --log-key log.pem --no-passphrase", "R517", ("other exists", "another name")
    ),
    "log keys at their place": Refusal("key restore case log.pem --log-key log.pem", "R517", ("log.pem exists",)),
    "a sealed exhibit": Refusal(
        f"acquire case source --exhibit EX-001 {SIGNING}", "R504", ("EX-001", "entry 2", "new exhibit number")
    ),
    "an unfinished acquisition": Refusal(
        ACQUIRE, "R505", ("EX-002", "--resume"), lambda: os.makedirs("case/work/EX-002")
    ),
}


@table(EXISTING)
def test_what_is_there_is_never_written_over(cli, place, refusal):
    check_refused(cli, place, refusal)


# --- who signs ----------------------------------------------------------------------------------------------------------


def write_secret(name: str, data: bytes | str) -> None:
    path = Path(name)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    path.chmod(0o600)


def ssh_key(name: str, private, passphrase: bytes | None = None) -> None:
    from cryptography.hazmat.primitives import serialization as form

    lock = form.BestAvailableEncryption(passphrase) if passphrase else form.NoEncryption()
    write_secret(name, private.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, lock))


def weak() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    ssh_key("weak", rsa.generate_private_key(public_exponent=65537, key_size=2048))


def other_curve() -> None:
    from cryptography.hazmat.primitives.asymmetric import ec

    ssh_key("p521", ec.generate_private_key(ec.SECP521R1()))


def locked() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    ssh_key("locked", Ed25519PrivateKey.generate(), b"the right one")


def key_of_the_log() -> None:
    write_secret("logs", "".join(Path("log.pem").read_text().splitlines(keepends=True)[1:4]))


def damaged() -> None:
    text = Path("examiner").read_text()
    write_secret("damaged", text[:60] + text[64:])


def signed_by(key: str) -> str:
    return f"acquire case source --exhibit EX-002 --log-key log.pem --signer {key}"


USABLE = "Usable: Ed25519"
SIGNERS = {
    "is not there": Refusal(signed_by("none"), "X410", ("key file none", "No such file", "Name the file")),
    "is a folder": Refusal(signed_by("source"), "X410", ("source", "Name the file")),
    "is a pipe": Refusal(signed_by("pipe"), "X410", ("pipe", "no regular file"), lambda: os.mkfifo("pipe")),
    "is too large": Refusal(signed_by("big"), "X410", ("too large",), lambda: write_secret("big", b"-" * 70_000)),
    "is empty": Refusal(signed_by("empty"), "X413", ("empty", USABLE), lambda: write_secret("empty", b"")),
    "is garbage": Refusal(signed_by("bad"), "X413", ("bad", USABLE), lambda: write_secret("bad", os.urandom(400))),
    "is damaged": Refusal(signed_by("damaged"), "X413", ("damaged", USABLE), damaged),
    "is a public key": Refusal(
        signed_by("public"), "X413", ("public", "name the private one"), lambda: shutil.copy("examiner.pub", "public")
    ),
    "is a public key without its private half": Refusal(
        signed_by("examiner.pub"), "X414", ("SHA256:", "ssh-agent"), lambda: os.unlink("examiner")
    ),
    "is beside the public key of another": Refusal(
        signed_by("examiner.pub"), "X413", ("not the private half",), lambda: shutil.copy("other", "examiner")
    ),
    "can be read by others": Refusal(
        signed_by("examiner"), "R515", ("0644", "chmod 600 examiner"), lambda: os.chmod("examiner", 0o644)
    ),
    "can be read by the group": Refusal(signed_by("examiner"), "R515", ("0640",), lambda: os.chmod("examiner", 0o640)),
    "is too weak": Refusal(signed_by("weak"), "R516", ("less than 3,072 bits", "key new"), weak),
    "is of another curve": Refusal(signed_by("p521"), "X413", ("secp521r1", USABLE), other_curve),
    "is the log's own": Refusal(signed_by("logs"), "R519", ("log's", "person's", "key of its own"), key_of_the_log),
    "is the file of log keys": Refusal(signed_by("log.pem"), "X413", ("log.pem", USABLE)),
    "has a passphrase and nobody is there": Refusal(signed_by("locked"), "X411", ("no terminal", "ssh-add"), locked),
    "names somebody in too many words": Refusal(f"{ACQUIRE} --actor {'x' * 5000}", "U231", ("actor.id", "shorter")),
}


@table(SIGNERS)
def test_a_signer_whose_key(cli, place, refusal):
    check_refused(cli, place, refusal)


# --- with which log keys ------------------------------------------------------------------------------------------------


def other_log(origin: str) -> Callable[[], None]:
    def make() -> None:
        from evidencekit.seal.logkeys import new_log_keys, save_log_keys

        save_log_keys(new_log_keys(origin), Path("others.pem"))

    return make


def spoilt_log_keys(change: Callable[[str], str]) -> Callable[[], None]:
    return lambda: write_secret("spoilt.pem", change(Path("log.pem").read_text()))


def swapped(text: str) -> str:
    title, *lines = text.splitlines(keepends=True)
    return "".join([title, *lines[3:], *lines[:3]])


def locked_log_keys() -> None:
    from evidencekit.seal.logkeys import load_log_keys, save_log_keys

    save_log_keys(
        load_log_keys(Path("log.pem"), origin=None, ask_passphrase=None), Path("safe.pem"), passphrase=b"the right one"
    )


def with_log(keys: str) -> str:
    return f"acquire case source --exhibit EX-002 --signer examiner --log-key {keys}"


RESTORE = "evidencekit key restore"
LOG_KEYS = {
    "not there": Refusal(with_log("none.pem"), "X410", ("unit7.example/real", "none.pem", RESTORE)),
    "not at the usual place": Refusal(
        "acquire case source --exhibit EX-002 --signer examiner", "X410", ("unit7.example/real", RESTORE)
    ),
    "a folder": Refusal(with_log("source"), "X410", ("source",)),
    "a person's": Refusal(with_log("examiner"), "X418", ("examiner", RESTORE)),
    "of another log": Refusal(
        with_log("others.pem"), "R518", ("b.example/2", "unit7.example/real", "--log-key"), other_log("b.example/2")
    ),
    "others of this origin": Refusal(
        with_log("others.pem"), "R503", ("unit7.example/real", "--log-key"), other_log("unit7.example/real")
    ),
    "cut short": Refusal(with_log("spoilt.pem"), "X418", (RESTORE,), spoilt_log_keys(lambda text: text[:-40])),
    "swapped": Refusal(with_log("spoilt.pem"), "X418", (RESTORE,), spoilt_log_keys(swapped)),
    "not as they were written": Refusal(
        with_log("spoilt.pem"), "X418", (RESTORE,), spoilt_log_keys(lambda text: text.replace("MC4C", "MC4D"))
    ),
    "readable by others": Refusal(
        with_log("log.pem"), "R515", ("log.pem", "chmod 600"), lambda: os.chmod("log.pem", 0o644)
    ),
    "locked, and nobody is there": Refusal(with_log("safe.pem"), "X411", ("safe.pem", "terminal"), locked_log_keys),
    "a backup of another log": Refusal(
        "key restore case others.pem --log-key new.pem", "R518", ("b.example/2",), other_log("b.example/2")
    ),
    "a backup of others of this origin": Refusal(
        "key restore case others.pem --log-key new.pem", "R503", ("restore",), other_log("unit7.example/real")
    ),
    "a backup that is damaged": Refusal(
        "key restore case spoilt.pem --log-key new.pem", "X418", (), spoilt_log_keys(lambda text: text[:-40])
    ),
    "a backup in a folder that is not there": Refusal(
        "key backup case no/where --log-key log.pem --no-passphrase", "X417", ("no/where", "Name a folder")
    ),
    "a backup without a passphrase that nobody can type": Refusal(
        "key backup case new --log-key log.pem", "X411", ("New passphrase", "--no-passphrase")
    ),
    "checkpoint finish with others": Refusal(
        "checkpoint finish case --log-key others.pem", "R518", ("b.example/2",), other_log("b.example/2")
    ),
}


@table(LOG_KEYS)
def test_log_keys_that_are(cli, place, refusal):
    check_refused(cli, place, refusal)


def typed(place: Path, command: str, *passphrases: str) -> tuple[int, str]:
    """Run a command at a terminal where somebody types; return its exit code and all that was shown."""
    import pty

    master, slave = pty.openpty()
    environment = os.environ | {"TERM": "dumb", "COLUMNS": "300"}
    process = subprocess.Popen(
        [sys.executable, "-m", "evidencekit", *shlex.split(command)],
        stdin=slave, stdout=slave, stderr=slave, cwd=place, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    shown, left = b"", list(passphrases)
    with contextlib.suppress(OSError):  # the other end was closed
        while select.select([master], [], [], 60)[0] and (data := os.read(master, 4096)):
            shown += data
            if left and b":" in shown.rpartition(b"\n")[2]:  # the prompt
                os.write(master, left.pop(0).encode() + b"\n")
    os.close(master)
    process.kill()
    return process.wait(), shown.decode()


@pytest.mark.parametrize(
    ("arrange", "command", "typing", "code", "says"),
    [
        (locked, signed_by("locked"), ["a wrong one"], "X412", "locked is wrong"),
        (locked_log_keys, with_log("safe.pem"), ["a wrong one"], "X412", "safe.pem is wrong"),
        (locked_log_keys, "key restore case safe.pem --log-key new.pem", ["a wrong one"], "X412", "safe.pem is wrong"),
        (None, "key new k", ["one", "another"], "U203", "differ"),
        (None, "key new k", [""], "U202", "--no-passphrase"),
        (None, "key backup case k --log-key log.pem", ["one", "another"], "U203", "differ"),
    ],
    ids=["signer", "log keys", "backup", "new key, typed in two ways", "new key, empty", "new backup, in two ways"],
)
def test_a_wrong_passphrase(place, arrange, command, typing, code, says):
    if arrange is not None:
        arrange()
    before = snapshot(place)
    exit_code, shown = typed(place, command, *typing)
    assert (exit_code, f"error {code}: " in shown) == (EXIT_CODES[code[0]], True), shown
    assert says in shown
    assert "wrong one" not in shown, "what was typed must not be shown"
    assert snapshot(place) == before


# --- cases that are none, or newer, or unfinished -----------------------------------------------------------------------

ON_A_CASE = {
    "acquire": f"acquire {{case}} source --exhibit EX-002 {SIGNING}",
    "verify": "verify {case}",
    "show": "show {case}",
    "find": "find {case}",
    "query": "query {case} 'select 1'",
    "list": "list {case}",
    "prove": "prove {case} EX-001#1 -o new",
    "checkpoint show": "checkpoint show {case}",
    "checkpoint finish": "checkpoint finish {case} --log-key log.pem",
    "key backup": "key backup {case} new --log-key log.pem --no-passphrase",
    "key restore": "key restore {case} log.pem --log-key new",
}
"""Every command that takes a case."""


def no_case(what: str) -> None:
    path = Path("what")
    match what:
        case "an empty folder":
            path.mkdir()
        case "a folder of random files":
            path.mkdir()
            for name in ("a", "entry", "event.json"):
                (path / name).write_bytes(os.urandom(100))
        case "a link that leads nowhere":
            path.symlink_to("nowhere")
        case "a pipe":
            os.mkfifo(path)


@pytest.mark.parametrize("command", ON_A_CASE)
@pytest.mark.parametrize(
    "what", ["nothing", "an empty folder", "a folder of random files", "a link that leads nowhere", "a pipe"]
)
def test_what_is_no_case(cli, place, command, what):
    refusal = Refusal(ON_A_CASE[command].format(case="what"), "X401", ("what is not a",), lambda: no_case(what))
    check_refused(cli, place, refusal)


@pytest.mark.parametrize("command", [command for command in ON_A_CASE if command != "verify"])
def test_a_file_is_no_case(cli, place, command):
    check_refused(cli, place, Refusal(ON_A_CASE[command].format(case="examiner.pub"), "X401", ("not a folder",)))


def test_a_file_that_is_verified_is_held_to_be_a_proof(cli, place):
    before = snapshot(place)
    done = cli("verify", "examiner.pub", "--quiet")
    assert (done.code, done.out[:8]) == (3, b"FAILED: ")
    assert b"E101" in done.out
    assert snapshot(place) == before


def raise_version(record: str, name: str) -> Callable[[], object]:
    """Turn a record of the case into one of the next version of its format."""

    def change() -> None:
        path = Path("case", record)
        text = path.read_bytes()
        assert f'"evidencekit/{name}/1"'.encode() in text
        path.write_bytes(text.replace(f'"evidencekit/{name}/1"'.encode(), f'"evidencekit/{name}/2"'.encode()))

    return change


NEWER = {
    "case file": raise_version("case.json", "case"),
    "event": raise_version("custody/00000003/event.json", "event"),
    "entry": raise_version("custody/00000003/entry", "entry"),
}


@pytest.mark.parametrize("command", ["acquire", "checkpoint finish"])
@pytest.mark.parametrize("record", NEWER)
def test_a_case_of_a_newer_version_is_not_written_to(cli, place, record, command):
    says = ("/2", "/1", "newer evidencekit")
    check_refused(cli, place, Refusal(ON_A_CASE[command].format(case="case"), "X404", says, NEWER[record]))


@pytest.mark.parametrize("command", ["prove", "key backup", "key restore"])
def test_nothing_is_made_of_a_newer_case(cli, place, command):
    says = ("case.json", "evidencekit/case/2")
    check_refused(cli, place, Refusal(ON_A_CASE[command].format(case="case"), "X404", says, NEWER["case file"]))


def test_a_newer_case_is_not_checked_and_not_called_broken(cli, place):
    """Its own version alone: an event that was changed by hand has another digest, and fails for that."""
    NEWER["case file"]()
    before = snapshot(place)
    done = cli("verify", "case")
    assert done.code == 4
    assert done.out.startswith(b"NOT CHECKED: ")
    assert b"E103" in done.out
    assert snapshot(place) == before


def without_newest_checkpoint() -> None:
    os.unlink(f"case/checkpoints/{max(os.listdir('case/checkpoints'))}")


UNFINISHED = {
    "acquire": Refusal(ACQUIRE, "R502", ("entry 3 stands", "checkpoint finish"), without_newest_checkpoint),
    "a catalogue that no event names": Refusal(
        ACQUIRE,
        "R502",
        ("00000099.parquet", "checkpoint finish"),
        lambda: shutil.copy("case/manifests/00000001.parquet", "case/manifests/00000099.parquet"),
    ),
    "finish what does not hold": Refusal(
        "checkpoint finish case --log-key log.pem",
        "X405",
        ("custody/00000003", "Nothing was written", "evidencekit verify"),
        lambda: (without_newest_checkpoint(), Path("case/custody/00000003/entry").write_bytes(b"{}")),
    ),
}


@table(UNFINISHED)
def test_an_unfinished_case(cli, place, refusal):
    check_refused(cli, place, refusal)


# --- what was asked for -------------------------------------------------------------------------------------------------

EXHIBITS = ["", " ", "EX 1", "-x", ".x", "../x", "EX-1/", "/EX", "UPPER/EX", "EX:1", "EX#1", "EX\n1", "é", "x" * 65]


@pytest.mark.parametrize("exhibit", EXHIBITS)
def test_an_exhibit_number_of_another_form(cli, place, exhibit):
    command = f"acquire case source {SIGNING} --exhibit={shlex.quote(exhibit)}"
    check_refused(cli, place, Refusal(command, "U205", ("--exhibit", "Letters, digits")))


def at_socket() -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket")


def source(name: str) -> str:
    return f"acquire case {name} --exhibit EX-002 {SIGNING}"


SOURCES = {
    "is not there": Refusal(source("nowhere"), "U201", ("nowhere", "Check the path")),
    "is a link": Refusal(source("link"), "X432", ("link", "not followed"), lambda: os.symlink("source", "link")),
    "is a link to nothing": Refusal(source("link"), "X432", ("link",), lambda: os.symlink("nothing", "link")),
    "is a pipe": Refusal(source("pipe"), "X433", ("pipe is neither",), lambda: os.mkfifo("pipe")),
    "is a socket": Refusal(source("socket"), "X433", ("socket is neither",), at_socket),
    "is a device of characters": Refusal(source("/dev/null"), "X433", ("/dev/null is neither",)),
    "is left out by a glob that cannot match": Refusal(f"{ACQUIRE} --exclude /a", "U230", ("/a", "without `/`")),
}


@table(SOURCES)
def test_a_source_that(cli, place, refusal):
    check_refused(cli, place, refusal)


def toml(text: str | bytes) -> Callable[[], object]:
    return lambda: Path("seizure.toml").write_bytes(text.encode() if isinstance(text, str) else text)


PARTICULARS = {
    "not TOML": Refusal(f"{ACQUIRE} --authority seizure.toml", "U220", ("seizure.toml", "--template"), toml("a = = 1")),
    "not text": Refusal(f"{ACQUIRE} --authority seizure.toml", "U220", ("seizure.toml",), toml(b"\xff\xfe")),
    "an unknown field": Refusal(f"{ACQUIRE} --authority seizure.toml", "U221", ("'nosuch'",), toml("nosuch = 1")),
    "a field of another form": Refusal(
        f"{ACQUIRE} --authority seizure.toml", "U221", ("place", "text"), toml("place = 1.5")
    ),
    "an origin that is none": Refusal(
        "init new --reference 1 --agency A --origin nodots --signer examiner --log-key l.pem",
        "U204",
        ("--origin", "unit7.example"),
    ),
    "a reference that is too long": Refusal(
        f"init new --reference {'x' * 5000} --agency A --origin a.example/1 --signer examiner --log-key l.pem",
        "U231",
        ("--reference", "4096 bytes", "shorter"),
    ),
    "a folder that is not there": Refusal(f"init no/new {INIT}", "X422", ("The folder no does not exist", "first")),
    "log keys in a folder that is a file": Refusal(
        "init new --reference 1 --agency A --origin a.example/1 --signer examiner --log-key examiner/l.pem",
        "X417",
        ("folder examiner", "--log-key FILE"),
    ),
    "a name of a key that is none": Refusal("key new .. --no-passphrase", "U241", ("no name of a file",)),
    "a private key called .pub": Refusal("key new a.pub --no-passphrase", "U241", ("a.pub", "private one")),
    "a row that is not there": Refusal("prove case EX-001:nothing -o new", "U234", ("EX-001:nothing", "find CASE")),
    "an exhibit that is not there": Refusal("prove case EX-009:a -o new", "U234", ("EX-009", "EX-001")),
    "a proof that goes nowhere": Refusal("prove case EX-001#1", "U233", ("-o FILE",)),
    "a checkpoint that is not there": Refusal("checkpoint show case --size 99", "X402", ("size 99", "size 4")),
    "a source for verification that is not there": Refusal(
        "verify case --source EX-001=nowhere", "U201", ("nowhere", "Check the path")
    ),
    "two sources for one exhibit": Refusal(
        "verify case --source source --source source", "U209", ("source", "EX-001=FOLDER")
    ),
    "a checkpoint from outside that is none": Refusal(
        "verify case --since junk", "U223", ("'junk'", "checkpoint show")
    ),
    "a source for a proof": Refusal("verify examiner.pub --source source", "U232", ("--source", "Leave it out")),
}


LISTS = {
    "of random bytes": Refusal(
        f"match case list --exhibit EX-001 {SIGNING}",
        "U217",
        ("Forms: hashdeep",),
        lambda: write_secret("list", b"\xff\0" * 99),
    ),
    "empty": Refusal(f"match case list --exhibit EX-001 {SIGNING}", "U217", ("Forms",), lambda: Path("list").touch()),
    "about an exhibit that is not there": Refusal(
        f"match case examiner.pub --exhibit EX-009 {SIGNING}", "U215", ("EX-009", "EX-001")
    ),
    "about nothing that is a case": Refusal(f"match source examiner.pub {SIGNING}", "X401", ("source is not a case",)),
}


@table(LISTS)
def test_a_list_of_another_tool_that_is(cli, place, refusal):
    check_refused(cli, place, refusal)


@table(PARTICULARS)
def test_what_cannot_be_done_or_recorded(cli, place, refusal):
    check_refused(cli, place, refusal)


def policy(**files: str) -> Callable[[], None]:
    """A policy folder that holds these files beside those that are in order."""

    def make() -> None:
        sound = {"policy.toml": "version = 1\n", "allowed_signers": "", "logs.policy": "quorum none\n"}
        Path("policy").mkdir()
        for name, text in (sound | {name.replace("_toml", ".toml"): text for name, text in files.items()}).items():
            if text is not None:
                Path("policy", name).write_text(text)

    return make


VERIFY = "verify case --policy policy"
POLICIES = {
    "an empty folder": Refusal(VERIFY, "U222", ("policy/policy.toml",), lambda: os.mkdir("policy")),
    "without signers": Refusal(VERIFY, "U222", ("allowed_signers",), policy(allowed_signers=None)),
    "not TOML": Refusal(VERIFY, "U222", ("policy.toml", "expected TOML"), policy(policy_toml="version = ")),
    "a word that nobody knows": Refusal(VERIFY, "U222", ("'foo'",), policy(policy_toml="version = 1\nfoo = 1\n")),
    "newer": Refusal(VERIFY, "U222", ("version",), policy(policy_toml="version = 2\n")),
    "garbage for signers": Refusal(VERIFY, "U222", ("allowed_signers",), policy(allowed_signers="a b c\n")),
    "garbage for logs": Refusal(VERIFY, "U222", ("logs.policy",), policy(**{"logs.policy": "garbage\n"})),
    "a pipe": Refusal(VERIFY, "U222", ("revoked.toml",), lambda: (policy()(), os.mkfifo("policy/revoked.toml"))),
}


@table(POLICIES)
def test_a_policy_that_is(cli, place, refusal):
    check_refused(cli, place, refusal)


USAGE = {
    "no such policy": ("verify case --policy nowhere", "'nowhere' does not exist"),
    "a policy that is a file": ("verify case --policy examiner", "'examiner' is a file"),
    "no such particulars": (f"{ACQUIRE} --authority nowhere", "'nowhere' does not exist"),
    "particulars that are a folder": (f"{ACQUIRE} --authority source", "'source' is a directory"),
    "a digest of another name": (f"{ACQUIRE} --hash crc32", "'crc32' is not one of"),
    "a case without a name": (f"acquire '' source --exhibit EX-002 {SIGNING}", "it is empty"),
    "a source without a name": (f"acquire case '' --exhibit EX-002 {SIGNING}", "it is empty"),
    "a key without a name": ("key new '' --no-passphrase", "it is empty"),
    "a checkpoint of no size": ("checkpoint show case --size 0", "x>=1"),
    "nobody signs": ("acquire case source --exhibit EX-002", "Missing option '--signer'"),
    "no exhibit": (f"acquire case source {SIGNING}", "Missing option '--exhibit'"),
    "no such command": ("sieze case", "No such command 'sieze'"),
}


@pytest.mark.parametrize(("command", "says"), USAGE.values(), ids=USAGE)
def test_usage(cli, place, command, says):
    before = snapshot(place)
    done = cli(*shlex.split(command))
    assert (done.code, done.out) == (2, b"")
    assert says in done.err.decode(), done.err.decode()
    assert "--help" in done.err.decode()
    assert snapshot(place) == before


# --- what the system refuses --------------------------------------------------------------------------------------------


@pytest.fixture
def theirs(cli, place):
    """All of it belongs to nobody, who may do little; whatever a fork loads is loaded before."""
    for command in (ACQUIRE.replace("EX-002", "EX-009"), "verify case", "show case", "prove case EX-001#1 -o p"):
        cli(*shlex.split(command))
    shutil.rmtree(place / "case")
    return place


@pytest.fixture
def own(desk, as_nobody, theirs):
    """Give everything to nobody, and return the function that runs as him."""
    shutil.copytree(desk / "case", theirs / "case")
    (theirs / "p").unlink(missing_ok=True)
    for path in [theirs, *theirs.rglob("*")]:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return as_nobody


def closed(name: str, mode: int = 0) -> Callable[[], object]:
    return lambda: os.chmod(name, mode)


DENIED = {
    "the case": Refusal(
        ACQUIRE,
        "X422",
        ("case/work", "Check the permissions"),
        lambda: (shutil.rmtree("case/work"), os.chmod("case", 0o500)),
    ),
    "a case that may not be read": Refusal("verify case", "X403", ("case cannot be read", "Ask"), closed("case")),
    "the source": Refusal(ACQUIRE, "X403", ("source cannot be read", "Ask"), closed("source")),
    "a source that is a file": Refusal(
        source("f"), "X403", ("f cannot",), lambda: (Path("f").touch(), os.chmod("f", 0))
    ),
    "the signer's key": Refusal(ACQUIRE, "X403", ("examiner", "permission"), closed("examiner")),
    "the log keys": Refusal(ACQUIRE, "X403", ("log.pem", "permission"), closed("log.pem")),
    "a new case": Refusal(f"init source/new {INIT}", "X422", ("source/new",), closed("source", 0o500)),
    "new log keys": Refusal(
        "init new --reference 1 --agency A --origin a.example/1 --signer examiner --log-key source/l.pem",
        "X417",
        ("source/l.pem", "may write"),
        closed("source", 0o500),
    ),
    "a new key": Refusal("key new source/k --no-passphrase", "X417", ("source/k",), closed("source", 0o500)),
    "a proof": Refusal(
        "prove case EX-001#1 -o source/p", "X422", ("source/", "Check the permissions"), closed("source", 0o500)
    ),
    "a policy": Refusal(
        VERIFY, "U222", ("policy.toml", "Permission denied"), lambda: (policy()(), os.chmod("policy/policy.toml", 0))
    ),
}


@table(DENIED)
def test_permission_denied_for(cli, place, own, refusal):
    refusal.arrange()
    for path in Path().iterdir():
        os.chown(path, NOBODY, NOBODY)
    before = snapshot(place)
    done = own(lambda: cli(*shlex.split(refusal.command)))
    assert snapshot(place) == before
    first, *advice = done.err.decode().splitlines()
    assert done.code == EXIT_CODES[refusal.code[0]], done
    assert first.startswith(f"error {refusal.code}: "), done
    assert advice, f"{first}: what is one to do?"
    for words in refusal.says:
        assert words in done.err.decode(), done.err.decode()
    assert done.out == b""


@pytest.mark.parametrize("folder", ["manifests", "custody", "checkpoints"])
def test_what_is_denied_late_is_taken_up_again(cli, place, own, folder):
    """The system says so only when the record is written: nothing that was read is lost."""
    os.chmod(f"case/{folder}", 0o500)
    denied = own(lambda: cli(*shlex.split(ACQUIRE)))
    assert (denied.code, denied.err.startswith(b"error X422: ")) == (4, True), denied
    assert folder.encode() in denied.err
    os.chmod(f"case/{folder}", 0o700)
    resumed = own(lambda: cli(*shlex.split(ACQUIRE), "--resume"))
    assert resumed.code == 0, resumed
    assert cli("verify", "case", "--quiet").code == 7
