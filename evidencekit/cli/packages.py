"""Packages that somebody names to a command: opened where they lie, decrypted with the keys that are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.cli.options import PATH

if TYPE_CHECKING:
    from evidencekit.read.age import Identity
    from evidencekit.read.package import Package

F = TypeVar("F", bound=Callable[..., Any])


def identity_option(function: F) -> F:
    """Add --identity; it comes as `identities`, paths of files with private keys."""
    return click.option(
        "--identity",
        "identities",
        type=PATH,
        multiple=True,
        metavar="FILE",
        help="Private key (of age-keygen, or OpenSSH) that opens an encrypted package.",
    )(function)


def opened_package(path: Path, identities: Sequence[Path]) -> Package:
    """Open a package with the private keys of some files; to be used in `with`.

    Raises:
        BadArgument: U290 a file is no private key. Further as `read.package.open_package`.
    """
    from evidencekit.read.package import open_package

    return open_package(path, identities=loaded_identities(identities))


def loaded_identities(files: Sequence[Path]) -> list[Identity]:
    """Return the private keys of some files.

    Raises:
        BadArgument: U290 a file is no private key.
    """
    if not files:
        return []  # what decrypts is loaded only where it is needed
    from evidencekit.read.age import load_identities

    return [key for file in files for key in load_identities(file)]
