"""What a command takes from the machine: environment, clock, randomness, passphrases. Nobody else reads them."""

from __future__ import annotations

import os
import platform
import secrets
import stat
import sys
import time
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evidencekit import __version__
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.texts import LANGUAGES, language_of

if TYPE_CHECKING:
    from evidencekit.core.schema import Form
    from evidencekit.seal.ledger import Ledger
    from evidencekit.seal.logkeys import LogKeys
    from evidencekit.seal.sign import Signer


def clock() -> int:
    """Return nanoseconds since 1970 by the device's clock."""
    return time.time_ns()


def random(size: int) -> bytes:
    """Return random bytes of the operating system."""
    return secrets.token_bytes(size)


def utc_offset_min() -> int | None:
    """Return the local offset from UTC in minutes, if the system knows one."""
    offset = datetime.now().astimezone().utcoffset()
    return None if offset is None else int(offset.total_seconds() // 60)


def language(known: tuple[str, ...] = LANGUAGES) -> str:
    """Return the language of papers and of the guide, one that is known.

    It is that of the answers where somebody asked for one, else that of the system's locale.
    """
    from evidencekit.cli.speech import asked_language

    asked = asked_language()
    if asked is not None:
        return asked
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    return language_of(next((name for name in names if name), ""), known)


def host() -> str | None:
    """Return the computer's name, if it has one."""
    return platform.node() or None


_USE_AGENT = "Run this at a terminal; or load the key into ssh-agent (ssh-add) and name its .pub file."


def ask_passphrase(prompt: str, *, hint: str = _USE_AGENT) -> str:
    """Ask for a passphrase without showing it; `hint` says what to do where that cannot be.

    Raises:
        CannotFinish: X411, there is nobody to ask.
    """
    if not sys.stdin.isatty():
        what = display(prompt.rstrip(": "))
        raise CannotFinish(f"{what}: there is no terminal to ask for it.", code="X411", hint=hint)
    shown = display(prompt.rstrip(": "))
    # With a default, an empty line is an answer; without one it is asked for again and again, and nobody says why.
    return str(click.prompt(shown, default="", show_default=False, hide_input=True, err=True))


def agent_socket() -> Path | None:
    """Return the socket of ssh-agent, if one is running."""
    name = os.environ.get("SSH_AUTH_SOCK")
    return Path(name) if name else None


def proxy_of(url: str) -> str | None:
    """Return the proxy that leads to a URL, as `https_proxy`, `no_proxy` and the system's settings have it."""
    if not url.startswith(("http://", "https://")):
        return None
    from urllib.request import getproxies, proxy_bypass

    scheme, _, rest = url.partition("://")
    host = rest.partition("/")[0].rpartition("@")[2]
    return None if proxy_bypass(host) else getproxies().get(scheme)


def config_folder() -> Path:
    """Return the user's configuration folder."""
    from platformdirs import user_config_path

    return user_config_path("evidencekit", appauthor=False)


def cache_folder() -> Path:
    """Return the user's cache folder; where none can be made, a folder in /tmp that is this user's alone."""
    from platformdirs import user_cache_path

    usual = user_cache_path("evidencekit", appauthor=False)
    there = next(folder for folder in (usual, *usual.parents) if folder.exists())
    if os.name != "posix" or os.access(there, os.W_OK | os.X_OK):
        return usual
    own = Path(os.environ.get("TMPDIR") or "/tmp") / f"evidencekit-{os.geteuid()}"  # noqa: S108 (believed as told below)
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        status = own.lstat()
    except OSError:
        return usual
    is_own = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077
    return own if is_own else usual


def log_key_path(identity: bytes, given: Path | None) -> Path:
    """Return where the log keys of a case lie."""
    return given or config_folder() / "logs" / f"{identity.hex()}.pem"


def make_folder_of_log_key(path: Path) -> None:
    """Make the folder for a file of log keys, for this user alone.

    Raises:
        CannotFinish: X417.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise CannotFinish(
            f"The folder {display(str(path.parent))} for the log keys cannot be made: {error.strerror}.",
            code="X417",
            hint="Say where they shall lie: --log-key FILE.",
            path=str(path),
        ) from error


def program() -> dict[str, Any]:
    """Return name, version and parts of this program, as headers and events carry it."""
    parts = {name: _version_of(name) for name in ("blake3", "cryptography", "pyarrow")}
    return {"name": "evidencekit", "parts": {"python": platform.python_version(), **parts}, "version": __version__}


def _version_of(name: str) -> str:
    """Return the version of a library, without loading it where that can be: Arrow must not be, before a fork."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:  # in a binary that was made without the particulars of its parts
        return str(import_module(name).__version__)


def signer(key: Path) -> Signer:
    """Load a person's signing key: a file, or a key in the agent by its .pub file."""
    from evidencekit.seal.sign import load_signer

    return load_signer(key, ask_passphrase=ask_passphrase, agent_socket=agent_socket())


def actor(loaded: Signer, *, name: str | None, role: str | None, organisation: str | None) -> dict[str, Any]:
    """Return the actor record of a signer: named by its key's comment unless told otherwise.

    Raises:
        BadArgument: U231, an event cannot say this.
    """
    from evidencekit.core.event import ACTOR

    record = {
        "id": name or loaded.public_key.comment,
        "key": loaded.fingerprint,
        "organisation": organisation,
        "role": role,
    }
    check_recorded(ACTOR, record, "actor")
    return record


def check_recorded(form: Form, value: object, place: str) -> None:
    """Raise BadArgument (U231) where a record cannot say what somebody asked for."""
    try:
        form.check(value, place)
    except FormatError as error:
        raise BadArgument(error.message, code="U231", hint="Use a shorter text, without control characters.") from error


def log_keys(case: Path, given: Path | None) -> LogKeys:
    """Load the log keys of a case.

    Raises:
        CannotFinish: X410, they are not where they should be.
    """
    from evidencekit.core.values import decode_base64
    from evidencekit.read.store import Store
    from evidencekit.seal.logkeys import load_log_keys
    from evidencekit.seal.replay import read_case

    record = read_case(Store(case))
    path = log_key_path(decode_base64(record["case"]), given)
    if not path.exists():
        raise CannotFinish(
            f"The log keys of {record['origin']} are not at {display(str(path))}.",
            code="X410",
            hint="Bring them from the computer that opened the case: `evidencekit key backup CASE FILE` there, "
            "`evidencekit key restore CASE FILE` here.",
        )
    return load_log_keys(path, origin=record["origin"], ask_passphrase=ask_passphrase)


def ledger(case: Path, log_key: Path | None) -> Ledger:
    """Open a case for appending."""
    from evidencekit.seal.ledger import Ledger

    keys = log_keys(case, log_key)
    return Ledger(case, keys=keys, clock=clock, random=random, utc_offset_min=utc_offset_min())
