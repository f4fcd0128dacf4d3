"""What no text of the program says in any language: whether a court will take something. That is for the court."""

from __future__ import annotations

import re

JUDGING = re.compile(
    r"admissib|admisib|recevab|допустим|приемлем|مقبول|可采|采信|chấp nhận được|được chấp nhận|жол беріл", re.IGNORECASE
)
SCRIPTS = {"ar": "ARABIC", "ru": "CYRILLIC", "zh": "CJK"}
"""How Unicode calls the script of a language that is not written in Latin letters."""
