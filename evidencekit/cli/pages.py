"""A page for paper as one file: as HTML, or as PDF with what it shows inside, signed or not.

Promises: what is lacking for it is said before the work begins; an existing file is never replaced.
Source: specs/reporting.md, 4.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from evidencekit.cli import surroundings
from evidencekit.cli.inputs import bytes_of
from evidencekit.cli.render import Screen
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish

if TYPE_CHECKING:
    from evidencekit.report.pdf_signature import PaperKey

PageWriter = Callable[[Path, str, Mapping[str, Any] | None], int]
"""(file, page in HTML, facts to put into a PDF or None) → bytes written. Raises as `write_new`, and X452."""


class PageForm(NamedTuple):
    """In which form a page is asked for."""

    kind: str
    """`html`, `pdf` or `text`."""
    key: Path | None
    """PKCS#12 file that signs the PDF."""

    @classmethod
    def chosen(cls, usual: str, *, html: bool, pdf: bool, key: Path | None) -> PageForm:
        """Return what was asked for, `usual` where nothing was.

        Raises:
            BadArgument: U232, two forms at once, or a key for something that is no PDF.
        """
        if html and pdf:
            raise BadArgument("--html and --pdf are two forms of one file.", code="U232", hint="Say one of them.")
        if key is not None and not pdf:
            raise BadArgument("--pdf-key signs a PDF.", code="U232", hint="Say --pdf too, or leave it out.")
        return cls("pdf" if pdf else "html" if html else usual, key)


def page_writer(form: PageForm, *, made: int, screen: Screen) -> PageWriter:
    """Return what writes a page in this form; call it before the work begins, since it refuses and asks.

    Args:
        form: `html` or `pdf`.
        made: the document's date, and the time of signing: nanoseconds since 1970.
        screen: is told what a signature means.

    Raises:
        CannotFinish: X453, the extra is not installed; X410, X411, X412, of the key.
        BadArgument: U614, the key cannot sign paper.
        Refused: R602, its certificate does not hold at `made`.
    """
    if form.kind != "pdf":
        return _write_html
    _need("typst", *(("pyhanko",) if form.key is not None else ()))
    key = None if form.key is None else _paper_key(form.key, made)

    def write(out: Path, page: str, facts: Mapping[str, Any] | None) -> int:
        from evidencekit.report.pdf import page_pdf
        from evidencekit.report.pdf_signature import sign_pdf
        from evidencekit.write.durable import write_new

        document = page_pdf(page, made=made, facts=facts)
        if key is not None:
            document = sign_pdf(document, key, now=made)
        write_new(out, document)
        if key is not None:
            screen.say(f"Signed by {key.subject}: that signs this paper, not the evidence.")
        return len(document)

    return write


def _write_html(out: Path, page: str, _facts: Mapping[str, Any] | None) -> int:
    from evidencekit.report.page_fonts import with_fonts
    from evidencekit.write.durable import write_new

    data = with_fonts(page).encode()
    write_new(out, data)
    return len(data)


def _need(*names: str) -> None:
    if any(importlib.util.find_spec(name) is None for name in names):
        hint = (
            "`pip install 'evidencekit[pdf]'`; or write the HTML, which is laid out for A4, and print it in a browser."
        )
        raise CannotFinish("What makes a PDF is not installed.", code="X453", hint=hint)


def _paper_key(path: Path, now: int) -> PaperKey:
    from evidencekit.report.pdf_signature import MAX_FILE, load_paper_key

    name = display(str(path))
    try:
        data = bytes_of(path, MAX_FILE)
    except OSError as error:
        raise CannotFinish(f"{name} cannot be read.", code="X410", hint="Check the path.", path=path) from error
    passphrase = surroundings.ask_passphrase(f"Passphrase of {name}", hint="Run this at a terminal.")
    return load_paper_key(data, passphrase, name=name, now=now)
