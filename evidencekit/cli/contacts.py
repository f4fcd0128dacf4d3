"""`evidencekit contacts`: directories of contact points, as signed files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit.cli import surroundings
from evidencekit.cli.help import Group
from evidencekit.cli.inputs import day_of, now_option
from evidencekit.cli.options import PATH, output
from evidencekit.cli.render import Screen
from evidencekit.cli.signing import Signing, signing
from evidencekit.cli.speech import tell
from evidencekit.core.values import display

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from evidencekit.journeys.contacts import Directory

TEMPLATE = """\
# A directory of contact points. Fill it in, then: evidencekit contacts sign contacts.toml --signer KEY -o contacts.json
# Whatever is not known is left out. The signer's name stands in it as its issuer.

valid_until = 2027-12-31          # the last day of all of it; optional

[[contact]]
state = "XX"                      # ISO 3166, two capital letters
name = "24/7 contact point"
post = "duty officer"
phone = "+00 0 000 000"
email = "point@police.example"
hours = "24/7"
zone = "Europe/Prague"            # IANA
languages = ["en", "fr"]          # BCP 47
instruments = ["budapest-29"]     # ids of `evidencekit law list`
keys = ["ssh-ed25519 AAAA... point@police.example"]   # public keys, each with the name that it signs under
valid_from = 2026-01-01
valid_until = 2026-12-31          # its last day
# also: representative, address, notes
"""


@click.group(cls=Group)
def contacts() -> None:
    """Contact points as a signed file: who is reached for what, when, and with which keys he signs.

    It travels over any channel. Whose it is, you say: --trust names the key of its issuer, which you had from him in
    another way.
    """


def _believing(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say whose directory is believed, and on which day it is looked at."""
    for option in (
        now_option,
        click.option("--state", metavar="XX", help="Only this State (ISO 3166)."),
        click.option(
            "--trust", multiple=True, type=PATH, metavar="FILE.pub", help="Its issuer's key. May be repeated."
        ),
    ):
        function = option(function)
    return function


@contacts.command()
def template() -> None:
    """Print a commented TOML file to fill in.

    \b
    Example:
      evidencekit contacts template > contacts.toml

    Exit codes: 0 printed.
    """
    click.echo(TEMPLATE, nl=False)


@contacts.command()
@click.argument("draft", type=PATH, metavar="FILE.toml")
@click.option("-o", "--out", type=PATH, required=True, metavar="FILE", help="The directory; FILE.sig beside it.")
@signing
@output
def sign(draft: Path, out: Path, signs: Signing, screen: Screen) -> int:
    """Make a directory out of a filled-in template, and sign it.

    Anybody can check the signature without this program: ssh-keygen -Y verify -n evidencekit-contacts.

    \b
    Example:
      evidencekit contacts sign contacts.toml --signer duty -o contacts.json

    Exit codes: 0 signed · 2 usage, or the draft cannot be understood · 4 a file cannot be used · 5 FILE exists.
    """
    from evidencekit.journeys.contacts import sign_contacts, signature_of

    person = signs.person()
    issuer = signs.actor(person)["id"]
    record = sign_contacts(draft.read_bytes(), out, issuer=issuer, signer=person, now=surroundings.clock())
    screen.result(f"signed {display(str(out))}: {len(record['contacts'])} contacts, issued by {display(issuer)}")
    tell(screen, "directory_signed")
    screen.say(f"signature {display(str(signature_of(out)))}   key {person.fingerprint}")
    screen.document(record | {"signature": str(signature_of(out)), "signer": person.fingerprint})
    return 0


@contacts.command()
@click.argument("file", type=PATH, metavar="FILE")
@_believing
@output
def show(file: Path, trust: tuple[Path, ...], state: str | None, now: int | None, screen: Screen) -> int:
    """Check a directory's signature, and show whom it names.

    \b
    Examples:
      evidencekit contacts show contacts.json --trust issuer.pub
      evidencekit contacts show contacts.json --trust issuer.pub --state CZ --json

    Exit codes: 0 shown · 2 usage · 3 the signature is not good, or not by a key that you named · 4 cannot be read.
    """
    directory, day = open_directory(file, trust), day_of(now)
    say_signer(screen, directory)
    found = directory.of(state, day)
    for contact, is_now in found:
        screen.say()
        screen.result(f"{contact['state']}  {display(contact['name'])}", None if is_now else "warning")
        if not is_now:
            screen.say(f"  NOT VALID on {day}", "warning")
            tell(screen, "contact_not_valid")
        for name, value in contact.items():
            if name not in {"name", "state"}:
                screen.say(f"  {name:<15} {display(', '.join(value) if isinstance(value, list) else value)}")
    if not found:
        screen.result("no contact" if state is None else f"no contact of {display(state)}")
        tell(screen, "contact_none")
    screen.document(
        {
            "contacts": [contact | {"valid": is_now} for contact, is_now in found],
            "day": day.isoformat(),
            "issued_at": directory.record["issued_at"],
            "issuer": directory.record["issuer"],
            "signer": directory.signer,
            "trusted": directory.trusted,
        }
    )
    return 3 if directory.trusted is False else 0


@contacts.command()
@click.argument("file", type=PATH, metavar="FILE")
@click.option("--policy", type=PATH, required=True, metavar="DIR", help="The policy folder that they are added to.")
@_believing
@output
def enrol(file: Path, policy: Path, trust: tuple[Path, ...], state: str | None, now: int | None, screen: Screen) -> int:
    """Add the keys of partners to a policy: from then on they are believed as who their keys name.

    The directory has to be signed by a key that you name, or that the policy lets sign such directories. Contacts that
    are not valid are passed over; a key is believed until the last day of its contact.

    \b
    Example:
      evidencekit contacts enrol contacts.json --trust issuer.pub --policy court --state CZ

    Exit codes: 0 added, or there already · 2 usage · 3 the signature is not good · 4 a file cannot be used
    · 5 nobody named who signed it.
    """
    from evidencekit.journeys.contacts import enrol as add

    directory = open_directory(file, trust, policy)
    new, there = add(directory, policy, state, day_of(now))
    screen.result(f"{len(new)} keys added to {display(str(policy))}")
    if new:
        tell(screen, "keys_added")
    for name in new:
        screen.say(f"  {display(name)}")
    for name in there:
        screen.say(f"  {display(name)}: there already")
    screen.document({"added": new, "there": there, "policy": str(policy), "signer": directory.signer})
    return 0


def open_directory(file: Path, trust: tuple[Path, ...], policy: Path | None = None) -> Directory:
    """Read a directory; `trust` are files of public keys, `policy` a folder, of whom it is believed.

    Raises:
        BadArgument: U222, the policy is not understood. Further as `open_contacts`.
    """
    from evidencekit.journeys.contacts import open_contacts
    from evidencekit.seal.sign import read_public_key
    from evidencekit.verify.policy import read_policy

    allowed = () if policy is None else read_policy(policy).signers
    return open_contacts(file, map(read_public_key, trust), allowed)


def say_signer(screen: Screen, directory: Directory) -> None:
    """Say who signed a directory, and whether somebody named him."""
    record = directory.record
    screen.say(f"issued by {display(record['issuer'])} at {record['issued_at']}, signed by {directory.signer}")
    if directory.trusted is None:
        screen.say("whose key that is was NOT CHECKED: --trust FILE.pub names the issuer's", "warning")
    elif not directory.trusted:
        screen.say("NOT signed by a key that you named", "warning")
