"""The facts of a report as one HTML file that needs nothing else and prints well: no script, no address of the web.

Promises: whatever a fact holds is text, never markup; every number that the page shows stands in the facts.
Source: specs/reporting.md; Unicode Standard Annex 9.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evidencekit.core.registry import ENTRIES
from evidencekit.report.html import Texts
from evidencekit.report.templates import templates

SECTIONS = (
    *("aspect_status", "checked", "events", "grounds", "kinds", "not_checked", "scopes", "severities", "states"),
    "report",
)
"""Sections of the catalogue of texts that the page takes its words from."""
_THIN_SPACE = "\u202f"
"""Groups digits in every language (ISO 31-0): a comma or a dot would be read as a fraction in some."""


def report_html(facts: Mapping[str, Any], words: Mapping[str, Texts], titles: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        facts: as `report.facts.facts_of` returns them.
        words: texts by section, one for each of SECTIONS.
        titles: titles of findings, by code; of others the code alone is shown.
    """
    page, t = templates().get_template("report.html"), words["report"]
    return page.render(
        page=facts, t=t, nothing=t("not_recorded"), words=words, grouped=grouped,
        finding=lambda code: titles.get(code, ""),
    )  # fmt: skip


def grouped(number: int) -> str:
    """Return a whole number with its digits in groups of three."""
    return f"{number:,}".replace(",", _THIN_SPACE)


def codes_of_findings() -> tuple[str, ...]:
    """Return the codes that the registry knows, for their titles."""
    return tuple(ENTRIES)
