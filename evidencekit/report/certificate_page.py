"""A certificate as one HTML page that needs nothing else, with room to sign by pen: no script, no address of the web.

Promises: values of the record are text, never markup and never wording; wording stands in the form's own language,
the rest in the language that was asked for. Source: specs/reporting.md section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evidencekit.core.values import grouped
from evidencekit.report.html import Texts
from evidencekit.report.report_page import title_of
from evidencekit.report.templates import templates

SECTIONS = ("aspect_status", "certificate", "not_checked", "report", "scopes", "states")
"""Sections of the catalogue of texts that the page takes its words from."""
_RIGHT_TO_LEFT = frozenset({"ar", "arc", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
"""Languages that a form may be in and that are written so (Unicode CLDR, `characterOrder`)."""


def certificate_html(facts: Mapping[str, Any], words: Mapping[str, Texts], of_form: Mapping[str, Texts]) -> str:
    """Return the page.

    Args:
        facts: as `report.certificate.certificate_facts` returns them.
        words: texts by section, one for each of SECTIONS.
        of_form: the same in the language of the form, for what stands within its wording.
    """
    page, t = templates().get_template("certificate.html"), words["report"]
    way = "rtl" if facts["form"]["language"].partition("-")[0] in _RIGHT_TO_LEFT else "ltr"
    return page.render(
        page=facts, t=t, c=words["certificate"], words=words, f=of_form["report"], fc=of_form["certificate"],
        nothing=t("not_recorded"), grouped=grouped,
        way=way, finding=title_of(t),
    )  # fmt: skip
