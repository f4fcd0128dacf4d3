"""A page of ours in HTML as a PDF that lasts: PDF/A-3a and PDF/UA-1, with the facts of the page inside as JSON.

Promises: the same page, facts and time give the same bytes; only the fonts beside this module are used, and they are
embedded; nothing is fetched; a text that no font can show stands as its escape. The words are those of the HTML.
Source: specs/reporting.md, 4; ISO 19005-3 (PDF/A-3); ISO 14289-1 (PDF/UA-1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evidencekit.errors import CannotFinish
from evidencekit.report.fonts import FOLDER
from evidencekit.report.pdf_tree import page_tree

PAGE = Path(__file__).with_name("page.typ")
FACTS = "facts.json"
"""Name of the file in the PDF."""
_SECOND = 1_000_000_000


def page_pdf(html: str, *, made: int, facts: Mapping[str, Any] | None = None) -> bytes:
    """Return a page as PDF.

    Args:
        html: a page as the templates of this room make it.
        made: the document's date, nanoseconds since 1970 (UTC).
        facts: what the page shows, put into the file as `facts_json` writes it; None for nothing.

    Raises:
        ModuleNotFoundError: typst is not installed.
        CannotFinish: X452, the typesetter did not take the page.
        ValueError: the page is none of ours.
    """
    import typst  # noqa: PLC0415 (an extra: who writes HTML needs none)

    inputs = {"page": json.dumps(page_tree(html), ensure_ascii=False)}
    if facts is not None:
        inputs["facts"] = facts_json(facts).decode()
    try:
        document: bytes = typst.compile(
            PAGE.read_bytes(),
            format="pdf",
            font_paths=typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FOLDER)]),
            sys_inputs=inputs,
            pdf_standards=["a-3a", "ua-1"],
            timestamp=made // _SECOND,
        )
    except typst.TypstError as error:
        hint = "Write the page as HTML, and print it; and tell us."
        raise CannotFinish(f"The page cannot be set as PDF: {error.message}", code="X452", hint=hint) from error
    return document


def facts_json(facts: Mapping[str, Any]) -> bytes:
    """Return facts as they stand in a PDF: UTF-8, names in order, no space, one line break at the end."""
    return (json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()
