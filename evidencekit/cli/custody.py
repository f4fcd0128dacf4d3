"""`evidencekit custody`: the group; its commands load when they are called."""

from __future__ import annotations

import click

from evidencekit.cli.lazy import LazyGroup

COMMANDS = {
    "status": ("custody_view", "Who holds what now; what is offered, out, overdue, under hold."),
    "log": ("custody_view", "The story of the items, or of one."),
    "add": ("custody_record", "Record what was done with an item."),
    "types": ("custody_record", "The types of events and their fields."),
    "split": ("custody_record", "Make parts of an item items of their own."),
    "offer": ("custody_handover", "Offer items to somebody; the offer is a small signed file."),
    "accept": ("custody_handover", "Accept an offer, or a part of it; the answer is a file, too."),
    "refuse": ("custody_handover", "Refuse an offer."),
    "receipt": ("custody_handover", "Enter an answer that the receiver made in his own log."),
    "label": ("custody_paper", "Labels with a QR code for bags and devices; and whose label this is."),
    "form": ("custody_paper", "The transfer form on paper, with blanks for what both sides see."),
    "adopt": ("custody_adopt", "Take over another case, with its history."),
}


@click.group(cls=LazyGroup, commands_at=COMMANDS)
def custody() -> None:
    """Who had what, where, when, in what state: each step signed by whoever took it.

    A handover needs two signatures: `offer` by who holds the item, `accept` by who receives it. Until then it stays
    with the sender. The two may share one case, or have a case of their own each and send files.
    """
