"""What a case or package is judged by: whom to believe, the evidence itself, what was known before, keys that open it.

`verify` takes these, and so does each paper for which something is verified.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from evidencekit.cli.inputs import bytes_of, policy_option
from evidencekit.cli.packages import identity_option
from evidencekit.core.values import display
from evidencekit.errors import BadArgument

MAX_NOTE = 1 << 20
F = TypeVar("F", bound=Callable[..., Any])


class Judging(NamedTuple):
    """What somebody brought."""

    policy: Path | None
    sources: dict[str, Path]
    """Exhibit to folder; the exhibit is empty where only a folder was named."""
    since: bytes | None
    identities: tuple[Path, ...] = ()

    def __bool__(self) -> bool:
        """Tell whether there is anything to judge by."""
        return any(self)


def source_option(function: F) -> F:
    """Add --source; it comes as `sources`: exhibit to folder, the exhibit empty where only a folder was named."""
    return click.option("--source", "sources", multiple=True, metavar="EX-001=DIR", callback=_sources,
                        help="Hash the evidence itself again, and compare.")(function)  # fmt: skip


def since_option(function: F) -> F:
    """Add --since; it comes as bytes: of a file, or what was typed."""
    about = "A checkpoint known from outside: a file, or typed."
    return click.option("--since", metavar="NOTE", callback=_since, help=about)(function)


def judging_options(*, packages: bool) -> Callable[[F], F]:
    """Return what adds all of these, and hands the command a `judging`; --identity only where packages are taken."""

    def added(function: F) -> F:
        @policy_option("Whose keys are whose: without it nobody's identity is checked.")
        @source_option
        @since_option
        @wraps(function)
        def wrapper(
            *args: Any, policy: Path | None, sources: dict[str, Path], since: bytes | None, **kwargs: Any
        ) -> Any:
            judging = Judging(policy, sources, since, kwargs.pop("identities", ()))
            return function(*args, judging=judging, **kwargs)

        return identity_option(wrapper) if packages else wrapper  # type: ignore[return-value]  # as click's decorators

    return added


def _sources(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, Path]:
    sources: dict[str, Path] = {}
    for value in values:
        exhibit, equals, folder = value.partition("=")
        if not equals or Path(value).exists():
            exhibit, folder = "", value
        if exhibit in sources or (not exhibit and len(values) > 1):
            raise BadArgument(
                f"--source {value!r} is ambiguous.", code="U209", hint="Say EX-001=FOLDER, once an exhibit."
            )
        if not Path(folder).exists():
            raise BadArgument(f"--source {display(folder)} does not exist.", code="U201", hint="Check the path.")
        sources[exhibit] = Path(folder)
    return sources


def _since(_ctx: click.Context, _param: click.Parameter, value: str | None) -> bytes | None:
    if value is None:
        return None
    path = Path(value)
    try:
        if path.is_file():
            return bytes_of(path, MAX_NOTE)
    except (OSError, ValueError):
        pass  # a typed text need not be a possible path
    return value.encode()
