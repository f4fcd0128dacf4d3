"""`evidencekit key`: persons' signing keys; backup and restore of a case's log keys."""

from __future__ import annotations

from pathlib import Path

import click

from evidencekit.cli import surroundings
from evidencekit.cli.help import Group
from evidencekit.cli.options import PATH, case_argument, output
from evidencekit.cli.outputs import refuse_inside
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import tell
from evidencekit.core.values import display
from evidencekit.errors import BadArgument


@click.group(cls=Group)
def key() -> None:
    """Signing keys of persons; backup and restore of a case's log keys.

    Any OpenSSH key works as signer: Ed25519, ECDSA P-256 or P-384, RSA of 3072 bits or more, security keys through
    ssh-agent. `key new` makes an Ed25519 pair where there is none yet.
    """


@key.command("new")
@click.argument("file", type=PATH)
@click.option("--name", help="Who signs with it (default: the file's name).")
@click.option("--org", help="Appended to the name as @ORG.")
@click.option("--no-passphrase", is_flag=True, help="Do not protect the private key: for tests.")
@output
def new(file: Path, name: str | None, org: str | None, no_passphrase: bool, screen: Screen) -> int:
    """Make an OpenSSH Ed25519 key pair: FILE and FILE.pub.

    \b
    Examples:
      evidencekit key new examiner
      evidencekit key new ~/.ssh/unit7 --name a.examiner --org unit7.example

    Exit codes: 0 made · 2 usage · 4 cannot write · 5 FILE exists.
    """
    from evidencekit.core.sshkeys import fingerprint
    from evidencekit.seal.sign import new_key

    if not file.name or file.name == "..":
        raise BadArgument(f"{display(str(file))} is no name of a file.", code="U241", hint="As in: examiner.")
    comment = (name or file.name) + (f"@{org}" if org else "")
    passphrase = None if no_passphrase else _new_passphrase(f"the new key {file.name}")
    public = new_key(file, comment=comment, passphrase=passphrase)
    screen.result(f"{display(public.comment)}  {fingerprint(public.blob)}")
    screen.say(f"private key {display(str(file))}, public key {display(str(file))}.pub: give out only the .pub.")
    tell(screen, "key_made")
    screen.document(
        {"fingerprint": fingerprint(public.blob), "name": public.comment, "private": str(file), "public": f"{file}.pub"}
    )
    return 0


@key.command("backup")
@case_argument
@click.argument("file", type=PATH)
@click.option("--log-key", type=PATH, help="File of the case's log keys, if not in the usual place.")
@click.option("--no-passphrase", is_flag=True, help="Do not protect the backup.")
@output
def backup(case: Path, file: Path, log_key: Path | None, no_passphrase: bool, screen: Screen) -> int:
    """Write the log keys of CASE to FILE, protected by a passphrase.

    Without the log keys nobody can add to the case. A second examiner restores the backup on another computer and
    appends to the same case.

    \b
    Example:
      evidencekit key backup CASE /media/safe/24-117.pem

    Exit codes: 0 written · 4 keys not there, or cannot write · 5 FILE exists.
    """
    from evidencekit.seal.logkeys import save_log_keys

    keys = surroundings.log_keys(case, log_key)
    refuse_inside(case, file)
    save_log_keys(keys, file, passphrase=None if no_passphrase else _new_passphrase("the backup"))
    screen.result(f"log keys of {keys.origin} written to {display(str(file))}")
    tell(screen, "keys_backed_up")
    screen.document({"file": str(file), "origin": keys.origin})
    return 0


@key.command("restore")
@case_argument
@click.argument("file", type=PATH)
@click.option("--log-key", type=PATH, help="Where to put them, if not in the usual place.")
@output
def restore(case: Path, file: Path, log_key: Path | None, screen: Screen) -> int:
    """Put the log keys of CASE from a backup where commands look for them.

    \b
    Example:
      evidencekit key restore CASE /media/safe/24-117.pem

    Exit codes: 0 restored · 4 cannot read · 5 keys of another case, or already there.
    """
    from evidencekit.core.values import decode_base64
    from evidencekit.read.store import Store
    from evidencekit.seal.logkeys import load_log_keys, save_log_keys
    from evidencekit.seal.replay import read_case, refuse_other_keys

    record = read_case(Store(case))
    keys = load_log_keys(file, origin=record["origin"], ask_passphrase=surroundings.ask_passphrase)
    refuse_other_keys(keys.origin, list(keys.vkeys), record)
    path = surroundings.log_key_path(decode_base64(record["case"]), log_key)
    refuse_inside(case, path)
    surroundings.make_folder_of_log_key(path)
    save_log_keys(keys, path)
    screen.result(f"log keys of {keys.origin} restored to {display(str(path))}")
    tell(screen, "keys_restored")
    screen.document({"file": str(path), "origin": keys.origin})
    return 0


def _new_passphrase(what: str) -> bytes:
    """Ask twice for a new passphrase; an empty one is refused."""
    hint = "Run this at a terminal, or say --no-passphrase."
    first = surroundings.ask_passphrase(f"New passphrase for {what}", hint=hint)
    if not first:
        raise BadArgument(
            "An empty passphrase protects nothing.", code="U202", hint="Say --no-passphrase to have none."
        )
    if surroundings.ask_passphrase("The same once more") != first:
        raise BadArgument("The two passphrases differ.", code="U203", hint="Nothing was written. Try again.")
    return first.encode()
