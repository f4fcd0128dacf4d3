"""Answers that name something on this computer: looked at when they are given, so that nothing fails later for them.

Source: specs/field.md section 2.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Collection
from pathlib import Path

from evidencekit.acquire.source import look_at
from evidencekit.core.values import display
from evidencekit.field.answers import Unfit, format_photos, photos_of
from evidencekit.field.table import Question
from evidencekit.journeys.acquire import refuse_nesting
from evidencekit.write.mirror import refuse_unfit_mirror

_NUMBERED = re.compile(r"(.*?)([0-9]+)([^0-9]*)\Z")


def checked(question: Question, text: str, *, case: Path, taken: Collection[str]) -> str:
    """Return the normal spelling of an answer that names a file, folder or exhibit; others as they are.

    `case` is the folder of the case, which need not exist; `taken` are the exhibits that it has.

    Raises:
        Unfit: it cannot be that. EvidenceError: it cannot be used.
    """
    match question.kind:
        case "key":
            return _key(text, case)
        case "second":
            return _second(text, case)
        case "source":
            return _source(text, case)
        case "photos":
            return _photos(text)
        case "exhibit" if text in taken:
            raise Unfit("bad_taken", exhibit=text)
    return text


def next_exhibit(last: str | None, taken: Collection[str]) -> str:
    """Return the number after the last one that is free; `EX-001` where there is none."""
    match = _NUMBERED.match(last or "EX-000")
    head, number, tail = match.groups() if match else (f"{last}-", "0", "")
    at, width = int(number), len(number)
    while True:
        at += 1
        name = f"{head}{at:0{width}}{tail}"
        if name not in taken:
            return name


def absolute(text: str) -> Path:
    """Return the path that was typed, `~` as a shell has it."""
    return Path(os.path.abspath(os.path.expanduser(text)))  # noqa: PTH100, PTH111 (links stay as they are)


def _key(text: str, case: Path) -> str:
    path = absolute(text)
    if not path.exists() and not Path(f"{path}.pub").exists() and not path.parent.is_dir():
        raise Unfit("bad_folder", path=display(os.fsencode(path.parent)))
    if path.is_dir():
        raise Unfit("bad_file", path=display(os.fsencode(path)))
    if path.is_relative_to(case):
        raise Unfit("bad_inside", path=display(os.fsencode(path)))
    return str(path)


def _second(text: str, case: Path) -> str:
    path = absolute(text)
    if path.is_dir() and not (path / "case.json").exists() and any(path.iterdir()):
        path /= case.name  # a medium was named: the copy is a folder on it
    if not path.parent.is_dir():
        raise Unfit("bad_folder", path=display(os.fsencode(path.parent)))
    refuse_unfit_mirror(case, path)
    return str(path)


def _source(text: str, case: Path) -> str:
    path = absolute(text)
    refuse_nesting(case, path)
    look_at(path)
    return str(path)


def _photos(text: str) -> str:
    if text.startswith("[["):  # what was hashed before is kept
        return format_photos(photos_of(text))
    found = []
    for name in _names(text):
        path = absolute(name)
        try:
            with path.open("rb") as file:
                found.append((display(os.fsencode(path.name)), hashlib.file_digest(file, "sha256").hexdigest()))
        except OSError as error:
            raise Unfit("bad_photo", path=display(os.fsencode(path)), reason=error.strerror or str(error)) from error
    if not found:
        raise Unfit("bad_list")
    return format_photos(found)


def _names(text: str) -> list[str]:
    """Return the files that were typed, apart by semicolons; quotes, as of a file dragged here, are not of the name."""
    names = (one.strip() for one in text.split(";"))
    return [_unquoted(name) for name in names if name]


def _unquoted(name: str) -> str:
    return shlex.split(name)[0] if name[:1] in {"'", '"'} and len(name) > 2 and name[-1] == name[0] else name
