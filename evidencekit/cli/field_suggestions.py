"""What the guide suggests for a question, and the warnings before sealing: what it can know without asking anybody.

Source: specs/field.md sections 2 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from evidencekit.cli import surroundings
from evidencekit.field.answers import format_moment

if TYPE_CHECKING:
    from evidencekit.cli.field_guide import Guide
    from evidencekit.journeys.field_warnings import Warned


def suggest(name: str, guide: Guide) -> str | None:
    """Return what is suggested under a name; None where nothing is."""
    maker = _SUGGESTIONS.get(name)
    return None if maker is None else maker(guide)


def warnings(guide: Guide) -> Iterator[Warned]:
    """Yield what should be known before this device is taken."""
    from evidencekit.field.machine import battery
    from evidencekit.field.sitting import applying
    from evidencekit.journeys import field_warnings

    now, answers = surroundings.clock(), applying(guide.table, guide.state.answers)
    second, source = (answers.get(key) for key in ("second", "source"))
    yield from field_warnings.of_this_computer(battery=battery(), now=now, recorded=_newest(guide.case))
    yield from field_warnings.of_places(guide.case, Path(second.text) if second and second.text else None)
    yield from field_warnings.of_answers(guide.table, answers, now=now)
    if source is not None and source.text is not None:
        yield from field_warnings.of_source(Path(source.text))


def _newest(case: Path) -> int:
    """Return when the newest entry of the case was recorded; 0 where there is none."""
    from evidencekit.core import layout
    from evidencekit.core.event import decode_entry
    from evidencekit.core.values import parse_instant
    from evidencekit.errors import EvidenceError
    from evidencekit.read.store import Store

    try:
        store = Store(case)
        entry = store.read(layout.entry_file(store.newest_entry() - 1), layout.MAX_RECORD_FILE)
        return parse_instant(decode_entry(entry).recorded_at)
    except EvidenceError:
        return 0


def _exhibit(guide: Guide) -> str:
    from evidencekit.journeys.field_checks import next_exhibit

    last = guide.state.done[-1]["exhibit"].text if guide.state.done else max(guide.taken, default=None)
    return next_exhibit(last, guide.taken)


def _key(guide: Guide) -> str:
    """Return a key beside the case, else one of the user's own, else where a new one would be made."""
    beside = guide.case.parent / "officer"
    own = (Path("~/.ssh").expanduser() / name for name in ("id_ed25519", "id_ecdsa"))
    return str(next((path for path in (beside, *own) if path.is_file()), beside))


def _officer(guide: Guide) -> str | None:
    """Return the name in the public half of the key."""
    from evidencekit.errors import EvidenceError
    from evidencekit.seal.sign import read_public_key

    key = str(guide.state.answers["key"].text).removesuffix(".pub")
    try:
        return read_public_key(Path(f"{key}.pub")).comment or None
    except EvidenceError:
        return None


def _description(guide: Guide) -> str | None:
    """Return type, make and model, as far as they are known."""
    said = {key: answer.text for key, answer in guide.state.exhibit.items()}
    parts = [said.get("make"), said.get("model")]
    kind = None if said.get("device") in {None, "other"} else guide.label(str(said["device"]))
    return ", ".join(part for part in (kind, " ".join(part for part in parts if part)) if part) or None


def _seized_by(guide: Guide) -> str | None:
    return guide.state.answers["officer"].text


def _began(guide: Guide) -> str:
    return format_moment(guide.state.exhibit["exhibit"].at, surroundings.utc_offset_min())


def _taken_as(guide: Guide) -> str:
    source, power = (guide.state.exhibit.get(key) for key in ("source", "power"))
    if source is not None and source.text is not None and Path(source.text).is_block_device():
        return "physical"
    return "live" if power is not None and power.text == "on" else "logical"


_SUGGESTIONS: dict[str, Callable[[Guide], str | None]] = {
    "began": _began,
    "description": _description,
    "device_clock_method": lambda guide: guide.texts("by_eye"),
    "exhibit": _exhibit,
    "key": _key,
    "none": lambda _: "0",
    "now": lambda _: format_moment(surroundings.clock(), surroundings.utc_offset_min()),
    "officer": _officer,
    "one": lambda _: "1",
    "seized_by": _seized_by,
    "taken_as": _taken_as,
    "yes": lambda _: "yes",
}
