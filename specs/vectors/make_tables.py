"""Makes what is printed from the code: findings.json, events.json, the table of codes in verification.md, and what
texts/en.json says of findings and refusals.

Running it again changes nothing. Texts stand in evidencekit/core: registry.py, refusals.py and event_types.py.
"""

from __future__ import annotations

import json
from pathlib import Path

from evidencekit.core.event_types import EVENT_TYPES, RESERVED
from evidencekit.core.refusals import REFUSALS
from evidencekit.core.registry import ENTRIES
from evidencekit.core.schema import Form

SPECS = Path(__file__).parents[1]
BEGIN = "<!-- begin table: made by `make vectors` from core/registry.py -->\n"
END = "<!-- end table -->"
CHAPTERS = {
    "E1": "format",
    "E2": "digests and trees",
    "E3": "custody",
    "E4": "signatures and who made them",
    "E5": "completeness and evidence",
    "W9": "warnings and notes",
}


def findings() -> str:
    """Every code of a finding with all its texts."""
    codes = {
        code: {
            "aspect": entry.aspect,
            "do": entry.do,
            "means": entry.means,
            "means_not": entry.means_not,
            "name": entry.name,
            "section": entry.section,
            "severity": entry.severity,
            "title": entry.title,
        }
        for code, entry in sorted(ENTRIES.items())
    }
    return json.dumps(codes, indent=1, ensure_ascii=False) + "\n"


def english(catalogue: str) -> str:
    """texts/en.json with the texts of findings and refusals as the code has them; the rest as it stands."""
    texts = json.loads(catalogue)
    texts["findings"] = {
        code: {"title": entry.title, "means": entry.means, "means_not": entry.means_not, "do": entry.do}
        for code, entry in sorted(ENTRIES.items())
    }
    texts["refusals"] = {
        code: {"title": entry.title, "means": entry.means, "do": entry.do} for code, entry in sorted(REFUSALS.items())
    }
    return json.dumps(texts, indent=1, ensure_ascii=False) + "\n"


def events() -> str:
    """Every type of event: what its body says, how many sign, what it does; and the names kept for later."""
    types = {
        name: {
            "body": kind.body.type,
            "effect": kind.effect,
            "fields": {
                field: {"doc": item.doc, "form": item.form.name, "need": item.need} | _bounds(item.form)
                for field, item in sorted(kind.fields.items())
            },
            "signers": kind.signers,
        }
        for name, kind in sorted(EVENT_TYPES.items())
    }
    return json.dumps({"reserved": sorted(RESERVED), "types": types}, indent=1, ensure_ascii=False) + "\n"


def _bounds(form: Form) -> dict[str, object]:
    """What the name of a form does not say of an array."""
    return ({"least": form.least} if form.least else {}) | ({"distinct": True} if form.distinct else {})


def table() -> str:
    """The table of verification.md, section 7."""
    lines = ["| code | name | severity | aspect | section | says |", "|---|---|---|---|---|---|"]
    chapter = ""
    for code, entry in sorted(ENTRIES.items()):
        if code[:2] != chapter:
            chapter = code[:2]
            lines.append(f"| **{chapter}xx** | *{CHAPTERS[chapter]}* | | | | |")
        lines.append(f"| {code} | {entry.name} | {entry.severity} | {entry.aspect} | {entry.section} | {entry.title} |")
    return "\n".join(lines) + "\n"


def filled(page: str) -> str:
    """A page with the table between its markers."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end:
        raise SystemExit("verification.md has lost its markers")
    return f"{head}{begin}{table()}{end}{tail}"


def main() -> None:
    """Write all four."""
    (SPECS / "findings.json").write_text(findings())
    (SPECS / "events.json").write_text(events())
    texts = SPECS / "texts" / "en.json"
    texts.write_text(english(texts.read_text()))
    page = SPECS / "verification.md"
    page.write_text(filled(page.read_text()))


if __name__ == "__main__":
    main()
