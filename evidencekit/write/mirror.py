"""A second medium: the record of a case, byte for byte, in another folder.

`case.json` comes first and says whose mirror this is; then objects, manifests and what else there is; then entries and
checkpoints in the order of the log, each durable before the next gets its name. So what a crash leaves is an earlier
state of the case and files that wait for their events, which `evidencekit verify` calls unfinished (W901, W902), not
wrong. The next run completes it.

Promises: nothing in the target is ever replaced, or removed: what an erasure removes from the case stays there until
somebody removes it there, and until then the target is refused (R508). Links, special files and droppings of desktop
systems are neither followed nor copied. Source: specs/store.md sections 4 and 5.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from evidencekit.core import layout
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, Refused
from evidencekit.write.copying import Copying, in_the_way
from evidencekit.write.reread import cannot_read, digest_of, length_of
from evidencekit.write.systems import THIS, System

_GONE = "the case has no such file (what an erasure removed there has to be removed here by hand)"
_FIRST = (layout.CASE_FILE, layout.OBJECTS, layout.MANIFESTS)
_LOG = (layout.CUSTODY, layout.CHECKPOINTS)


class Mirrored(NamedTuple):
    """What the mirror holds of the record."""

    files: int
    bytes: int


def mirror(
    case: Path,
    target: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    system: System = THIS,
    medium: int | None = None,
) -> Mirrored:
    """Make `target` a copy of the record of a case, or complete it. Nobody may write to either meanwhile.

    `progress` hears how many files stand in the mirror so far, and how many bytes; `medium` is the number of the device
    that the target has to lie on (None: whichever it lies on).

    Raises:
        Refused: R506 inside each other; R508 something else stands there, or a file that differs; it stays as it is.
        CannotFinish: X403 a file cannot be read; X425 one is not what was written; X421 no space, X422 not allowed,
            X423 another error, X427 too large a file; X428 one of the media was taken away.
    """
    refuse_unfit_mirror(case, target)
    with Copying(case, target, progress=progress, system=system, medium=medium) as copying:
        for group in _groups(case):
            for place in group:
                copying.add(place, _walk(case, place))
            copying.settle()
        copying.finish()
    return Mirrored(copying.files, copying.bytes)


def refuse_unfit_mirror(case: Path, target: Path) -> None:
    """Raise unless `target` can become a mirror of a case: absent, empty, or one already, as far as sizes tell.

    Raises:
        Refused: R506 case and target are one, or inside each other; R508 something else stands there.
        CannotFinish: X403 one of them cannot be read; X422 there is no folder to make the target in.
    """
    inner, outer = Path(os.path.realpath(case)), Path(os.path.realpath(target))
    if inner.is_relative_to(outer) or outer.is_relative_to(inner):
        raise Refused(
            f"The case {display(os.fsencode(case))} and {display(os.fsencode(target))} lie inside each other.",
            code="R506",
            hint="Nothing was written. A second copy belongs on a medium of its own.",
        )
    if not os.path.lexists(target):
        if not target.parent.is_dir():
            shown = display(os.fsencode(target.parent))
            raise CannotFinish(f"The folder {shown} does not exist.", code="X422", hint="Make it first.", path=target)
        return
    if not target.is_dir():
        raise in_the_way(target, "it is not a folder")
    name = target / layout.CASE_FILE
    is_known = length_of(name) is not None
    if is_known and digest_of(name) != digest_of(case / layout.CASE_FILE):
        raise in_the_way(name, "it is of another case")
    for place in _walk(target):
        length = length_of(target / place)
        if not is_known or length is None or length != length_of(case / place):
            raise in_the_way(target / place, _GONE if is_known else "it is of no case")


def _groups(case: Path) -> Iterator[Iterable[str]]:
    """Yield the places of the record in order; each group is durable before the next one gets its names."""
    yield [layout.CASE_FILE]
    yield _walk(case, layout.OBJECTS)
    yield _walk(case, layout.MANIFESTS)
    for place in _inside(case):
        if place not in {*_FIRST, *_LOG}:
            yield _walk(case, place)
    for place in _steps(case):
        yield [place]


def _steps(case: Path) -> list[str]:
    """Return the folders of entries and the notes as they came: each note after the last entry that it covers."""
    steps: list[tuple[int, int, str]] = []
    for kind, part in enumerate(_LOG):
        for place in _inside(case, part):
            number = layout.parse_number(place.removeprefix(f"{part}/").partition(".")[0])
            # The note of size N covers the entries below N. What has no number comes last: no entry needs it.
            steps.append((number - kind, kind, place) if number is not None else (1 << 64, kind, place))
    return [place for _, _, place in sorted(steps)]


def _walk(root: Path, place: str = "") -> Iterator[str]:
    """Yield the places of what is not a folder, below a place or at it."""
    stack = [place]
    while stack:
        place = stack.pop()
        if (root / place).is_symlink() or not (root / place).is_dir():
            yield place
        else:
            stack += reversed(_inside(root, place))


def _inside(root: Path, folder: str = "") -> list[str]:
    """Return what lies in a folder, in order, but for what is never judged and what desktop systems leave."""
    try:
        names = sorted(os.listdir(root / folder))  # noqa: PTH208 (names, not paths)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise cannot_read(root / folder, error) from error
    places = (f"{folder}/{name}" if folder else name for name in names)
    return [place for place in places if not layout.is_disposable(place) and not layout.is_dropping(place)]
