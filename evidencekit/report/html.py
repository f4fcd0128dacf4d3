"""Facts as one HTML file that needs nothing else: no script and no address of the web.

Promises: whatever a fact holds is text, never markup; the browser is told to load nothing. Digests, numbers and
exhibits stand in isolates from left to right, texts of persons in isolates of their own direction (Unicode Standard
Annex 9, HTML `bdi`).
"""

from __future__ import annotations

import io
from typing import Protocol

from markupsafe import Markup

from evidencekit.report.receipt import Receipt
from evidencekit.report.templates import templates


class Texts(Protocol):
    """The words of a language, as `read.texts` has them."""

    @property
    def language(self) -> str:
        """ISO 639-1."""

    @property
    def is_rtl(self) -> bool:
        """Tell whether it is written from right to left."""

    @property
    def is_draft(self) -> bool:
        """Tell whether no person has gone over the translation."""

    def __call__(self, key: str, **values: object) -> str:
        """Return a text."""

    def __contains__(self, key: object) -> bool:
        """Tell whether there is such a text."""

    def finding(self, code: str) -> str:
        """Return the title of a finding that the registry knows."""


def receipt_html(receipt: Receipt, texts: Texts) -> str:
    """Return the receipt: for a few items one page of A4 (ISO 216), with blanks for signatures by pen."""
    page = templates().get_template("receipt.html")
    return page.render(receipt=receipt, t=texts, nothing=texts("receipt_not_stated"), qr=qr_svg(receipt.code))


def qr_svg(text: str) -> Markup:
    """Return a QR code (ISO/IEC 18004, error correction M) as SVG that takes the size of its box."""
    import segno  # noqa: PLC0415 (who prints no paper needs none)

    picture = io.BytesIO()
    segno.make(text, micro=False, error="m").save(
        picture, kind="svg", xmldecl=False, svgns=True, omitsize=True, nl=False, border=4, dark="#000", light="#fff"
    )
    return Markup(picture.getvalue().decode())  # noqa: S704 (segno's own drawing: the text is not in it)
