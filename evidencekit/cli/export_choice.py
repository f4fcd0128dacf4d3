"""What `evidencekit export` is asked for: which rows, what of them, and on what grounds the rest stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from evidencekit.cli.inputs import size_value, time_value
from evidencekit.cli.options import PATH
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish

if TYPE_CHECKING:
    from evidencekit.journeys.export_custody import HideEvent
    from evidencekit.journeys.export_plan import Request
    from evidencekit.journeys.export_rows import Withhold

F = TypeVar("F", bound=Callable[..., Any])
_LARGEST_LIST = 1 << 30
_GROUPS = ("name", "content", "metadata")
_BOUNDS = ("larger", "smaller", "after", "before")
_OPTIONS = (
    click.option(
        "--item", "items", multiple=True, metavar="EX-001", help="An exhibit, a part; field/EX-001 of branch field."
    ),
    click.option("--rows", multiple=True, metavar="ROW", help="EX-001:PATH, with all below it; EX-001#INDEX."),
    click.option(
        "--glob",
        "globs",
        multiple=True,
        metavar="GLOB",
        help="Without / it matches the last name, with / the whole path.",
    ),
    click.option("--hash", "digests", multiple=True, metavar="HEX", help="What has this digest."),
    click.option("--hash-list", type=PATH, metavar="FILE", help="What has a digest that begins a line of FILE."),
    click.option("--sql", metavar="WHERE", help="A condition on the table rows of `evidencekit query`."),
    click.option("--larger", metavar="N", callback=size_value, help="More than N bytes (10M, 2G)."),
    click.option("--smaller", metavar="N", callback=size_value, help="Less than N bytes."),
    click.option("--after", metavar="T", callback=time_value, help="Changed at or after T."),
    click.option("--before", metavar="T", callback=time_value, help="Changed before T."),
    click.option(
        "--withhold",
        multiple=True,
        metavar="GROUP[:GROUND[:GLOB]]",
        help="name, content, metadata or row; of all that is chosen, or of what GLOB matches.",
    ),
    click.option(
        "--hide-event",
        "hide_events",
        multiple=True,
        metavar="WHICH[:GROUND]",
        help="An entry's number, a type of events, or all that can be hidden; field/12 in the branch field.",
    ),
    click.option("--hash-only", is_flag=True, help="No contents: digests and proofs alone."),
    click.option("--payload", "with_sensitive", is_flag=True, help="The contents of sensitive exhibits, too."),
    click.option("--full", is_flag=True, help="The sealed catalogues as well: nothing can be left out then."),
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="EX-001=DIR",
        help="Where the contents are now, if not in the case or where they were taken.",
    ),
)


def choice_options(function: F) -> F:
    """Add the options that say what a package is to have."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def read_request(
    stated: dict[str, Any],
    *,
    items: tuple[str, ...],
    rows: tuple[str, ...],
    globs: tuple[str, ...],
    digests: tuple[str, ...],
    hash_list: Path | None,
    sql: str | None,
    withhold: tuple[str, ...],
    hide_events: tuple[str, ...],
    hash_only: bool,
    with_sensitive: bool,
    full: bool,
    sources: tuple[str, ...],
    **bounds: int | None,
) -> Request:
    """Return what the options ask for; `stated` is what a person says in the event.

    Raises:
        BadArgument: U213 no digest, U271 no row, U284, U286 what is to be withheld or where a source is cannot be read.
        CannotFinish: X403, the list cannot be read.
    """
    from evidencekit.journeys.export_plan import Request
    from evidencekit.journeys.export_rows import Wanted, check_digest

    for row in rows:
        if ":" not in row and "#" not in row:
            hint = "As in EX-001:docs/a.txt or EX-001#17; for a glob, --glob."
            raise BadArgument(f"--rows {display(row)} names no row.", code="U271", hint=hint)
    if hash_only and with_sensitive:
        raise BadArgument("--hash-only and --payload contradict each other.", code="U286", hint="Say one of them.")
    wanted = Wanted(
        items=items,
        globs=globs,
        digests=tuple(check_digest(text, "--hash") for text in digests),
        listed=None if hash_list is None else _listed(hash_list),
        sql=sql,
        bounds={name: bound for name in _BOUNDS if (bound := bounds[name]) is not None} or None,
        rows=rows,
    )
    request = Request(
        wanted=wanted,
        withhold=[_withhold(text) for text in withhold],
        hide_events=[_hidden(text) for text in hide_events],
        hash_only=hash_only,
        with_sensitive=with_sensitive,
        full=full,
        sources=dict(_source(text) for text in sources),
        stated=stated,
    )
    request.refuse_impossible()
    return request


def _listed(path: Path) -> frozenset[str]:
    from evidencekit.journeys.export_rows import check_digest

    try:
        if path.stat().st_size > _LARGEST_LIST:
            raise BadArgument(f"{display(str(path))} is too large a list.", code="U286", hint="At most 1 GiB.")
        with path.open("rb") as file:
            lines = (line.split(maxsplit=1) for line in file if not line.startswith(b"#"))
            words = (words[0].removeprefix(b"\\").decode("ascii", "replace") for words in lines if words)
            return frozenset(check_digest(word, display(str(path))) for word in words)
    except OSError as error:
        raise CannotFinish(f"{display(str(path))} cannot be read: {error.strerror}.", code="X403") from error


def _withhold(text: str) -> Withhold:
    from evidencekit.journeys.export_rows import NOT_STATED, Withhold, check_ground

    first, _, rest = text.partition(":")
    ground, _, glob = rest.partition(":")
    groups = first.split(",")
    if not set(groups) <= {*_GROUPS, "row"}:
        hint = "As in metadata, name,content:privacy or row:privilege:'mail/*'."
        raise BadArgument(f"--withhold {display(text)}: {display(first)} is no group.", code="U286", hint=hint)
    check_ground(ground or NOT_STATED)
    return Withhold(_GROUPS if "row" in groups else tuple(groups), ground or NOT_STATED, glob or None)


def _hidden(text: str) -> HideEvent:
    from evidencekit.journeys.export_custody import HideEvent
    from evidencekit.journeys.export_rows import NOT_STATED, check_ground

    which, _, ground = text.partition(":")
    check_ground(ground or NOT_STATED)
    return HideEvent(which, ground or NOT_STATED)


def _source(text: str) -> tuple[str, Path]:
    item, equals, folder = text.partition("=")
    if not equals or not folder:
        raise BadArgument(f"--source {display(text)} is not EX-001=DIR.", code="U286", hint="Name the exhibit.")
    return item, Path(folder)
