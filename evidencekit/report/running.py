"""The line at the foot of each page: what a leaf that lies alone belongs to. Pure.

Promises: one line, whatever its parts hold; each part keeps its direction and is cut with a sign of that; in a style
sheet the line is a string and nothing else.
Source: specs/reporting.md, 4; Unicode Standard Annex 9 (FSI, PDI); CSS Syntax 3 (escapes).
"""

from __future__ import annotations

import re

from markupsafe import Markup

MOST = 48
"""Characters of a part."""
_PLAIN = re.compile(r"[^A-Za-z0-9]")


def running_line(*parts: str | None) -> str:
    """Return the line of these parts; None and an empty text are left out."""
    shown = [" ".join(part.split()) for part in parts if part is not None]
    return " · ".join(f"\u2068{_cut(part)}\u2069" for part in shown if part)


def css_string(text: str) -> str:
    """Return a text, or what it is as markup, as the inside of a string of CSS.

    Letters and digits of ASCII stand as such, all else as its escape: spaces, too, since one behind an escape is lost.
    """
    plain = text.unescape() if isinstance(text, Markup) else text
    return _PLAIN.sub(lambda found: f"\\{ord(found[0]):06x}", plain)


def _cut(part: str) -> str:
    return part if len(part) <= MOST else part[: MOST - 1] + "…"
