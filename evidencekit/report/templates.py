"""The templates beside this module. Promise: a name that a template uses and nobody gave is an error, never a blank."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evidencekit.report.calendars import local_day
from evidencekit.report.running import css_string, running_line


@cache
def templates(*, autoescape: bool = True) -> Environment:
    """Return the environment of the templates; `autoescape` for markup, not for plain text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=autoescape,  # noqa: S701 (plain text has no markup)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"local_day": local_day, "running": running_line}
    environment.filters["css_string"] = css_string
    return environment
