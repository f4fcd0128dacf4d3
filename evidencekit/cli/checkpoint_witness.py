"""`evidencekit checkpoint witness-key`, `cosign` and `witness`: standing witness for somebody else's log."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import bytes_of, policy_in, policy_option
from evidencekit.cli.options import PATH, output
from evidencekit.cli.render import Screen
from evidencekit.cli.speech import tell
from evidencekit.core.note import VerifierKey, format_vkey, parse_vkey
from evidencekit.core.values import display, encode_base64
from evidencekit.errors import BadArgument, FormatError

if TYPE_CHECKING:
    from evidencekit.seal.witness import Cosigned, Witness
    from evidencekit.seal.witnesskey import WitnessKey

_POLICY = policy_option("Only logs whose keys its logs.policy lists.")
_KEY = click.option("--witness-key", "key", type=PATH, required=True, metavar="KEY",
                    help="The witness's key, or an Ed25519 key of OpenSSH.")  # fmt: skip
_STATE = click.option(
    "--state", type=PATH, required=True, metavar="DIR", help="What this witness remembers: back it up, never go back."
)
_DEFAULT_ADDRESS = "127.0.0.1:8417"


@click.command("witness-key")
@click.argument("file", type=PATH)
@click.option("--name", required=True, help="Names the witness for ever, as in partner.example/witness.")
@click.option("--type", "kind", type=click.Choice(["ed25519", "ml-dsa-44"]), default="ed25519", show_default=True,
              help="Ed25519 is read by all tools, ML-DSA-44 withstands quantum computers.")  # fmt: skip
@output
def witness_key(file: Path, name: str, kind: str, screen: Screen) -> int:
    """Make a witness's key, readable by you only, and print its vkey: what others write into their logs.policy.

    \b
    Example:
      evidencekit checkpoint witness-key witness --name partner.example/witness

    Exit codes: 0 made · 2 usage · 4 cannot write · 5 FILE exists.
    """
    from evidencekit.seal.witnesskey import new_witness_key

    vkey = format_vkey(new_witness_key(file, name=name, kind=kind).verifier_key)
    screen.result(vkey)
    tell(screen, "witness_key_made")
    screen.say(f"private key {display(str(file))}: keep it, and give out only the line above.")
    screen.say("A policy believes it by a line in its logs.policy: witness NAME VKEY")
    screen.document({"name": name, "private": str(file), "type": kind, "vkey": vkey})
    return 0


@click.command()
@click.argument("case_or_note", type=PATH)
@_KEY
@_STATE
@_POLICY
@click.option("--proof", type=PATH, metavar="FILE", help="For a note: its consistency proof (`old SIZE`, then hashes).")
@click.option("--log-vkey", "vkeys", multiple=True, metavar="VKEY", help="For a note of a log never seen: its key.")
@click.option("-o", "--out", type=PATH, metavar="FILE", help="Where the cosigned checkpoint goes (default: stdout).")
@output
def cosign(
    case_or_note: Path,
    key: Path,
    state: Path,
    policy: Path | None,
    proof: Path | None,
    vkeys: tuple[str, ...],
    out: Path | None,
    screen: Screen,
) -> int:
    """Cosign somebody else's checkpoint, if it is the log that this witness saw before, grown.

    From a case folder the consistency proof is computed. A note alone needs --proof, unless it is a request as
    `checkpoint witnesses --request-out` writes it. The first time that a log is seen its keys are believed, and said
    to be, unless --policy lists them. A fork is refused, and both notes are kept in DIR.

    \b
    Examples:
      evidencekit checkpoint cosign /mnt/unit7/CASE --witness-key witness --state seen -o 24-117.cosigned
      evidencekit checkpoint cosign 24-117.request --witness-key witness --state seen -o 24-117.cosigned

    Exit codes: 0 cosigned · 2 usage · 3 not a checkpoint · 4 cannot be read · 5 refused: a fork, not proved, unknown.
    """
    from evidencekit.cli.outputs import refuse_inside, refuse_outputs
    from evidencekit.core.witness import MAX_REQUEST
    from evidencekit.journeys.cosign import cosign_copy, cosign_file
    from evidencekit.journeys.logcopy import read_case_copy
    from evidencekit.seal.witnesskey import load_witness_key
    from evidencekit.write.durable import write_new

    refuse_outputs(case_or_note, out)
    refuse_inside(case_or_note, state)
    own = load_witness_key(key, ask_passphrase=surroundings.ask_passphrase)
    witness = _witness(own, state, policy)
    if case_or_note.is_dir():
        copy = read_case_copy(case_or_note)
        for fault in copy.faults:
            screen.aside(f"damaged: {display(fault)}")
        done = cosign_copy(witness, copy)
    else:
        note = bytes_of(case_or_note, MAX_REQUEST)
        given = None if proof is None else bytes_of(proof, MAX_REQUEST)
        done = cosign_file(witness, note, proof=given, offered=[_vkey(text) for text in vkeys])
    if out is not None:
        write_new(out, done.note)
    elif not screen.as_json:
        screen.raw(done.note)
    _tell(screen, done, out, format_vkey(own.verifier_key))
    return 0


@click.command()
@_KEY
@_STATE
@_POLICY
@click.option(
    "--listen", default=_DEFAULT_ADDRESS, show_default=True, metavar="HOST:PORT", help="Address; port 0: any."
)
@output
def witness(key: Path, state: Path, policy: Path | None, listen: str, screen: Screen) -> int:
    """Cosign over HTTP what logs ask for, until it is stopped: C2SP tlog-witness, POST /add-checkpoint.

    Without --policy only logs are known that `checkpoint cosign` has seen with the same --state. It listens on this
    computer alone unless told otherwise; put a web server with TLS before it to offer it to others.

    \b
    Example:
      evidencekit checkpoint witness --witness-key witness --state seen --policy POLICY

    Exit codes: 0 stopped · 2 usage · 4 cannot listen, or cannot read the key or the state.
    """
    from evidencekit.journeys.witness_service import WitnessServer, listening
    from evidencekit.seal.witnesskey import load_witness_key

    try:
        address = listening(listen)
    except ValueError as error:
        hint = "As in 127.0.0.1:8417."
        raise BadArgument(f"--listen {display(listen)} is no address.", code="U259", hint=hint) from error
    own = load_witness_key(key, ask_passphrase=surroundings.ask_passphrase)
    vkey = format_vkey(own.verifier_key)
    with WitnessServer(address, _witness(own, state, policy), tell=screen.aside) as server:
        screen.result(f"witness {vkey}")
        screen.result(f"listening at {server.url}: POST /add-checkpoint; stop it with Ctrl-C")
        tell(screen, "witness_listening")
        screen.document({"url": server.url, "vkey": vkey})
        sys.stdout.flush()
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()
    screen.aside("stopped")
    return 0


def _witness(key: WitnessKey, state: Path, policy: Path | None) -> Witness:
    from evidencekit.journeys.cosign import trust_of
    from evidencekit.seal.witness import Witness

    return Witness(state, key, clock=surroundings.clock, policy=trust_of(policy_in(policy)))


def _vkey(text: str) -> VerifierKey:
    try:
        return parse_vkey(text)
    except FormatError as error:
        hint = "A vkey as case.json has them: NAME+KEYID+BASE64."
        raise BadArgument(f"--log-vkey {error.message}", code="U259", hint=hint) from error


def _tell(screen: Screen, done: Cosigned, out: Path | None, vkey: str) -> None:
    tree, before = done.tree, done.before
    say = screen.say if out is not None else screen.aside
    say(f"cosigned {tree.origin} at size {tree.size}, root {encode_base64(tree.root)}")
    say(f"witness  {vkey}   (what others put into logs.policy)")
    if before is None:
        say("It is the first checkpoint of this log that this witness has seen: nothing was there to compare it with.")
    elif before.size == tree.size:
        say("It was cosigned before; this is the same tree.")
    else:
        say(f"It extends size {before.size}, which this witness cosigned before.")
    if done.on_first_use:
        say("TRUSTED ON FIRST USE: only this copy says that these are the log's keys; compare them with its owner.")
    if out is not None:
        say(f"written to {display(str(out))}")
        say(f"Its owner enters it: evidencekit checkpoint import CASE {display(out.name)} --signer KEY")
    tell(screen, "cosigned", say=say)
    if done.on_first_use:
        tell(screen, "first_use", say=say)
    screen.document(
        {
            "before": None if before is None else before.size,
            "note": done.note.decode(),
            "on_first_use": done.on_first_use,
            "origin": tree.origin,
            "root": tree.root.hex(),
            "size": tree.size,
            "vkey": vkey,
        }
    )
