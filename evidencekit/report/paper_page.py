"""Labels and the transfer form as HTML that needs nothing else. Promises: those of `report.html`.

Source: specs/reporting.md section 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evidencekit.report.html import Texts, qr_svg
from evidencekit.report.label import Sheet, Sticker
from evidencekit.report.templates import templates
from evidencekit.report.transfer import Transfer


class Words(NamedTuple):
    """Texts of one language."""

    field: Texts
    """The section `field`: what the receipt says in the same words."""
    paper: Texts


def labels_html(
    stickers: Sequence[Sticker], sheet: Sheet, words: Words, *, skip: int = 0, made_at: str, program: str
) -> str:
    """Return sheets of labels, the first `skip` places of the first sheet being empty."""
    places = [None] * skip + list(stickers)
    sheets = [places[at : at + sheet.labels] for at in range(0, len(places), sheet.labels)]
    return templates().get_template("label.html").render(
        sheets=sheets, sheet=sheet, reference=stickers[0].reference,
        t=words.field, paper=words.paper, nothing=words.field("receipt_not_stated"),
        qr=lambda label: qr_svg(str(label)), made_at=made_at, program=program,
    )  # fmt: skip


def transfer_html(transfer: Transfer, words: Words) -> str:
    """Return the transfer form, with blanks for what both see, and for their signatures."""
    return templates().get_template("transfer.html").render(
        transfer=transfer, t=words.field, paper=words.paper,
        nothing=words.field("receipt_not_stated"), qr=qr_svg(transfer.code),
    )  # fmt: skip
