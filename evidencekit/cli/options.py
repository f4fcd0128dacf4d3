"""Options that many commands share, spelled once."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from evidencekit.cli.pages import PageForm
from evidencekit.cli.render import Screen
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish

F = TypeVar("F", bound=Callable[..., Any])


class _NamedPath(click.Path):
    """A path; an empty text (a variable that was never set) would mean the folder that one stands in."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path.

        Raises:
            CannotFinish: X403, it leads to something that may not be read: no fault of the command's wording.
        """
        if value == "":
            self.fail("it is empty.", param, ctx)
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if path.exists() and not os.access(path, os.R_OK):
            raise CannotFinish(
                f"{display(str(path))} cannot be read: you have no permission.",
                code="X403",
                hint="Ask its owner, or whoever runs this computer.",
                path=path,
            )
        return path


PATH = _NamedPath(path_type=Path, readable=False)


class _Place(click.ParamType[Any]):
    """A path, or a URL of the web, which stays a text: a path would lose one of its slashes."""

    name = "path"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the text of a URL, else the path."""
        if isinstance(value, str) and value.startswith(("http://", "https://")):
            return value
        return PATH.convert(value, param, ctx)


PLACE = _Place()


def output(function: F) -> F:
    """Add --json, --quiet, --no-color, and hand the command a `screen`."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
    @click.option("--quiet", "-q", is_flag=True, help="Only the result and errors.")
    @click.option("--no-color", is_flag=True, help="No colours.")
    @wraps(function)
    def wrapper(*args: Any, as_json: bool, quiet: bool, no_color: bool, **kwargs: Any) -> Any:
        return function(*args, screen=Screen(as_json, quiet, False if no_color else None), **kwargs)

    return wrapper  # type: ignore[return-value]  # click's decorators keep the signature that they wrap


def case_argument(function: F) -> F:
    """Add the argument CASE."""
    return click.argument("case", type=PATH)(function)


def page_options(function: F) -> F:
    """Add --html, --pdf and --pdf-key, and hand the command a `form`: HTML where nothing else is said."""
    return _page_options("html", "HTML, which is also what is written without it.")(function)


def page_options_with_text(function: F) -> F:
    """Add the same for a command that writes plain text where nothing else is said."""
    return _page_options("text", "HTML to print, in place of plain text.")(function)


def _page_options(usual: str, about_html: str) -> Callable[[F], F]:
    def added(function: F) -> F:
        @click.option("--html", is_flag=True, help=about_html)
        @click.option("--pdf", is_flag=True, help="PDF/A to keep and to print.")
        @click.option("--pdf-key", type=PATH, metavar="FILE.p12",
                      help="Sign the PDF with this key and certificate: the paper, not the evidence.")  # fmt: skip
        @wraps(function)
        def wrapper(*args: Any, html: bool, pdf: bool, pdf_key: Path | None, **kwargs: Any) -> Any:
            return function(*args, form=PageForm.chosen(usual, html=html, pdf=pdf, key=pdf_key), **kwargs)

        return wrapper  # type: ignore[return-value]  # click's decorators keep the signature that they wrap

    return added
