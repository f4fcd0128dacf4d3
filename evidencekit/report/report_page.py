"""The facts of a report as one HTML file that needs nothing else and prints well: no script, no address of the web.

Promises: whatever a fact holds is text, never markup; every number that the page shows stands in the facts.
Source: specs/reporting.md; Unicode Standard Annex 9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from evidencekit.core.registry import ENTRIES
from evidencekit.core.values import grouped
from evidencekit.report.html import Texts
from evidencekit.report.templates import templates

SECTIONS = (
    *("aspect_status", "checked", "events", "grounds", "kinds", "not_checked", "scopes", "severities", "states"),
    "report",
)
"""Sections of the catalogue of texts that the page takes its words from."""


def report_html(facts: Mapping[str, Any], words: Mapping[str, Texts]) -> str:
    """Return the page.

    Args:
        facts: as `report.facts.facts_of` returns them.
        words: texts by section, one for each of SECTIONS.
    """
    page, t = templates().get_template("report.html"), words["report"]
    return page.render(
        page=facts, t=t, nothing=t("not_recorded"), words=words, grouped=grouped,
        finding=title_of(t),
    )  # fmt: skip


def title_of(texts: Texts) -> Callable[[str], str]:
    """Return what gives the title of a finding; nothing for a code that the registry does not know."""
    return lambda code: texts.finding(code) if code in ENTRIES else ""
