"""Packages that somebody names to a command: opened where they lie, decrypted with the keys that are given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.cli.options import PATH

if TYPE_CHECKING:
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

    if not identities:
        return open_package(path)
    from evidencekit.read.age import load_identities

    return open_package(path, identities=[key for file in identities for key in load_identities(file)])
