"""A request on paper: HTML to print, or plain text. Labels in the reader's language, the content as it was written.

Promises: whatever the record says is text, never markup; nothing stands here that is not in the record; each rule that
the paper rests on is shown with its mark. Digests, numbers and addresses stand from left to right.
Source: specs/cooperation.md section 4.5; Unicode Standard Annex 9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from evidencekit.core.values import display
from evidencekit.report.html import Texts
from evidencekit.report.receipt import shown_moment
from evidencekit.report.templates import templates

_REACHED = ("name", "state", "representative", "post", "address", "phone", "email", "hours", "zone", "languages")
_SECTIONS: dict[str, tuple[str, ...]] = {
    "request": (
        *("status", "reference", "dated", "earlier.reference", "earlier.ticket", "earlier.sha256"),
        *("linked.reference", "linked.dated", "linked.sha256", "legal_grounds", "validated_by"),
    ),
    "authority": tuple(f"authority.{name}" for name in _REACHED),
    "to": tuple(f"to.{name}" for name in _REACHED),
    "offence": ("offence.name", "offence.provisions", "offence.penalties", "facts"),
    "sought": (
        *("categories", "period.start", "period.end", "relation", "custodian.name", "custodian.address"),
        *("custodian.contact", "location"),
    ),
    "asked": (
        *("hold.amount", "necessity", "intent", "confidentiality", "emergency.declared", "emergency.reason"),
        *("reply.by", "reply.manner", "instructions"),
    ),
}
"""Sections of the paper and the places of the record that they show; identifiers stand in a table of their own."""
_SHOWN_LTR = {"phone", "email", "zone", "languages", "state", "sha256", "dated", "start", "end", "by", "amount"}
"""What is written from left to right in any language."""


@dataclass(frozen=True, slots=True)
class Line:
    """A label and what was stated."""

    label: str
    values: tuple[tuple[str, ...], ...]
    """Each value by its lines."""
    is_ltr: bool
    notes: tuple[int, ...]
    """Numbers of the rules that ask for it."""


@dataclass(frozen=True, slots=True)
class Identifier:
    """One row of the table of identifiers."""

    kind: str
    value: str
    seen: str
    port: str


@dataclass(slots=True)
class Notes:
    """The rules that the paper rests on, numbered by citation and mark."""

    rules: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    def numbers(self, rules: Sequence[Mapping[str, Any]], place: str, label: str) -> tuple[int, ...]:
        """Return the numbers of the rules about a place, and keep what they ask for."""
        found = []
        for rule in rules:
            if rule["name"] in (place, place.partition(".")[0]) or place == rule["or"]:
                named = self.rules.setdefault((rule["citation"], rule["mark"]), [])
                if label not in named:
                    named.append(label)
                found.append(list(self.rules).index((rule["citation"], rule["mark"])) + 1)
        return tuple(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class Paper:
    """All that a rendering shows."""

    table: Mapping[str, Any]
    """The table of law, as JSON has it."""
    sections: tuple[tuple[str, tuple[Line, ...]], ...]
    identifiers: tuple[Identifier, ...]
    identifier_notes: tuple[int, ...]
    notes: tuple[tuple[int, str, str, str], ...]
    """Number, citation, mark, labels."""
    digest: str | None
    """SHA-256 of the record that goes out; None of a draft."""
    lacking: tuple[str, ...]
    """Places that a draft has yet to fill."""
    made_at: str
    program: str


def paper_of(
    record: Mapping[str, Any],
    table: Mapping[str, Any],
    rules: Sequence[Mapping[str, Any]],
    texts: Texts,
    *,
    digest: str | None,
    lacking: Sequence[str],
    now: str,
    program: str,
) -> Paper:
    """Return what is shown of a request.

    Args:
        record: as the instrument may carry it.
        table: the table of law, as JSON has it.
        rules: those of its rows on fields that hold and are not about leaving out.
        texts: section `request` of a catalogue.
        digest: of the record, if it is finished.
        lacking: what a draft lacks.
        now: the instant of printing.
        program: name and version.
    """
    notes = Notes()
    named = {one["name"]: one["text"] for one in table["categories"]}
    sections = []
    for section, places in _SECTIONS.items():
        lines = tuple(line for place in places for line in _lines(record, place, named, rules, texts, notes))
        if lines:
            sections.append((texts(f"s_{section}"), lines))
    identifiers = tuple(_identifier(one, texts) for one in record.get("identifiers", ()))
    asked = [rule for rule in rules if rule["name"].startswith("identifiers")]
    mine = tuple(number for rule in asked for number in notes.numbers([rule], rule["name"], texts("s_identifiers")))
    return Paper(
        table=_harmless(table),
        sections=tuple(sections),
        identifiers=identifiers,
        identifier_notes=tuple(dict.fromkeys(mine)),
        notes=tuple(
            (number, display(citation), mark, " · ".join(labels))
            for number, ((citation, mark), labels) in enumerate(notes.rules.items(), 1)
        ),
        digest=digest,
        lacking=tuple(lacking),
        made_at=shown_moment({"precision": "s", "time": now, "utc_offset_min": None}),
        program=program,
    )


def request_html(paper: Paper, texts: Texts) -> str:
    """Return a paper as one file of HTML that needs nothing else."""
    return templates().get_template("request.html").render(paper=paper, t=texts)


def request_text(paper: Paper, texts: Texts) -> str:
    """Return a paper as plain text; beside letters from right to left values stand in isolates (U+2066 to U+2069)."""
    environment = templates(autoescape=False).overlay()
    environment.filters = environment.filters | {"own": _own, "ltr": _ltr}
    return environment.get_template("request.txt").render(paper=paper, t=texts)


@pass_context
def _own(context: Context, text: object) -> str:
    """Return a text in an isolate of its own direction, where the lines run from right to left."""
    return f"\u2068{text}\u2069" if context["t"].is_rtl else str(text)


@pass_context
def _ltr(context: Context, text: object) -> str:
    """Return a text in an isolate from left to right, where the lines run from right to left."""
    return f"\u2066{text}\u2069" if context["t"].is_rtl else str(text)


def _lines(
    record: Mapping[str, Any],
    place: str,
    categories: Mapping[str, str],
    rules: Sequence[Mapping[str, Any]],
    texts: Texts,
    notes: Notes,
) -> Iterator[Line]:
    """Yield the line of a place; none where nothing is stated."""
    above, _, last = place.rpartition(".")
    value = (record.get(above, {}) if above else record).get(last)
    if value is None:
        return
    label = texts(f"reached_{last}" if above in {"authority", "to"} else place.replace(".", "_"))
    if place == "status":
        shown = [texts(f"status_{value}")]
    elif value is True:
        shown = [texts("declared")]
    elif place == "hold.amount":
        shown = [f"{value} · {texts('unit_' + record['hold']['unit'])}"]
    elif place == "categories":
        known = ((f"category_{one}", categories.get(one, one)) for one in value)
        shown = [texts(key) if key in texts else display(text) for key, text in known]
    else:
        shown = [_shown(one) for one in (value if isinstance(value, list) else [value])]
    lines = tuple(tuple(one.split("\n")) for one in shown)
    about = texts(f"s_{above}") if above in {"authority", "to"} else label
    yield Line(label, lines, last in _SHOWN_LTR, notes.numbers(rules, place, about))


def _harmless(value: Any) -> Any:
    """Return a table of law whose texts may be printed."""
    if isinstance(value, Mapping):
        return {name: _harmless(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_harmless(member) for member in value]
    return display(value) if isinstance(value, str) else value


def _shown(value: Any) -> str:
    """Return a value as it may be printed; breaks between its lines stay."""
    if isinstance(value, Mapping):
        return shown_moment(value)
    return "\n".join(display(line) for line in str(value).replace("\r\n", "\n").split("\n"))


def _identifier(one: Mapping[str, Any], texts: Texts) -> Identifier:
    seen = one.get("observed_at")
    return Identifier(
        kind=texts(f"id_{one['type']}") if "type" in one else "",
        value=display(one.get("value", "")),
        seen="" if seen is None else shown_moment(seen),
        port=one.get("source_port", ""),
    )
