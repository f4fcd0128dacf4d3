"""The list of what is attached, at the question for the source: numbered, so that nobody has to know a path.

What the case or the system lies on is shown without a number. Source: specs/field.md section 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evidencekit.cli.render import human_size
from evidencekit.core.values import display

if TYPE_CHECKING:
    from evidencekit.cli.field_guide import Guide
    from evidencekit.cli.field_terminal import Terminal
    from evidencekit.field.devices import Attached
    from evidencekit.read.texts import Texts


def look_around(guide: Guide) -> list[Attached]:
    """Return what is attached to this computer now."""
    from evidencekit.field.devices import attached

    second = guide.state.answers.get("second")
    copies = [Path(second.text)] if second is not None and second.text is not None else []
    return attached([guide.case, *copies])


def offered(found: Sequence[Attached]) -> list[str]:
    """Return the paths that have numbers, from 1."""
    return [_path(one) for one in found if one.is_offered]


def show_attached(terminal: Terminal, found: Sequence[Attached]) -> None:
    """Print what is attached, each path on a line of its own; nothing where nothing is known."""
    if not found:
        return
    terminal.tell("media" if offered(found) else "media_none")
    number = 0
    for one in found:
        number += one.is_offered
        mark = f"{number:>3}  " if one.is_offered else "  -  "
        is_warned = one.is_offered and one.read_only is not True
        for place, line in enumerate([display(one.path), *facts(terminal.texts, one)]):
            terminal.item(" " * len(mark) if place else mark, line, "warning" if is_warned and place else None)


def facts(texts: Texts, one: Attached) -> list[str]:
    """Return what is known of a medium; in a script from right to left what has Latin letters on a line of its own."""
    latin = [one.fs_type, "" if one.size is None else human_size(one.size)]
    name = display(one.name)
    words = [
        texts("media_system") if one.is_system else "",
        texts("media_case") if one.is_case else "",
        "" if one.fs_type or not one.is_offered else texts("media_unmounted"),
        _writable(texts, one) if one.is_offered else "",
        texts("media_removable") if one.removable else "",
        "" if one.free is None else texts("media_free", size=human_size(one.free)),
    ]
    if not texts.is_rtl:
        return [_listed([*latin, *words, name])]
    return [line for line in (_listed([*latin, name]), _listed(words, "\u060c ")) if line]


def _listed(parts: Sequence[str], comma: str = ", ") -> str:
    return comma.join(part for part in parts if part)


def _writable(texts: Texts, one: Attached) -> str:
    return "" if one.read_only is None else texts("media_read_only" if one.read_only else "media_writable")


def _path(one: Attached) -> str:
    return one.path.decode(errors="surrogateescape")
