"""What somebody brings to a command: a policy folder, a file. Bounded, and judged by whoever reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from evidencekit.verify.policy import Policy

F = TypeVar("F", bound=Callable[..., Any])


def policy_option(text: str) -> Callable[[F], F]:
    """Return what adds --policy; `text` says what the folder is asked for."""
    folder = click.Path(path_type=Path, exists=True, file_okay=False)
    return click.option("--policy", type=folder, metavar="DIR", help=text)


def policy_in(folder: Path | None) -> Policy | None:
    """Read a policy folder, if one was named.

    Raises:
        BadArgument: U222, it says something that is not understood.
    """
    from evidencekit.verify.policy import read_policy

    return None if folder is None else read_policy(folder)


def bytes_of(path: Path, limit: int) -> bytes:
    """Return a file; one byte more than `limit` where it is larger, which its reader refuses.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        return file.read(limit + 1)
