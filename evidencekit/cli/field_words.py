"""The words of a meter in the language of the guide, or in the one that a command answers in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evidencekit.cli.meter import Words
from evidencekit.cli.speech import spoken

if TYPE_CHECKING:
    from evidencekit.cli.render import Screen
    from evidencekit.read.texts import Texts

_OTHERS = {"is_rtl", "phases"}
_KEPT = {name: f"{{{name}}}" for name in ("n", "time", "total")}
"""Placeholders that the meter fills."""


def meter_words(texts: Texts) -> Words:
    """Return what a meter says: the texts `meter_...`, one for each of its words and for each phase."""
    names = [name for name in Words._fields if name not in _OTHERS]
    return Words(
        phases={phase: texts(f"meter_{phase}") for phase in Words().phases},
        is_rtl=texts.is_rtl,
        **{name: texts(f"meter_{name}", **_KEPT) for name in names},
    )


def asked_meter_words(screen: Screen) -> Words | None:
    """Return the same for a command; None: English."""
    texts = spoken(screen)
    if texts is None:
        return None
    from evidencekit.read.texts import load_texts

    return meter_words(load_texts(texts.language))
