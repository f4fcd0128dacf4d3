"""The part of a case's log that a package shows, as it tells it: read and believed, not verified.

Promise: an event that is withheld is told as one, with its ground; a record that cannot be read is refused, not
skipped. Source: specs/package.md sections 4 and 5.
"""

from __future__ import annotations

from dataclasses import dataclass

from evidencekit.catalogue.history import History, Reader, Told, history_of, link, told_of
from evidencekit.core import layout
from evidencekit.core.encoding import PROOF
from evidencekit.core.event import decode_entry
from evidencekit.core.package_records import PACKAGE, WITHHELD, decode_record
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.package import RECORD, Package

_ROOT = "evidence/"
_WITHHELD = "evidence/withheld.json"
_VERIFY = "`evidencekit verify PACKAGE` says everything that is wrong."


@dataclass(frozen=True, slots=True)
class Withheld:
    """An entry whose event is not in the package."""

    entry: int
    recorded_at: str
    ground: str


@dataclass(frozen=True, slots=True)
class SharedHistory:
    """The log of a package's case up to the checkpoint that the package names."""

    size: int
    told: list[Told]
    """What is shown; without what the rules of custody say of it, since a part cannot be judged by them."""
    withheld: list[Withheld]
    branches: list[str]
    """Adopted cases, whose logs lie in the package, too, and are not told here."""
    whole: History | None
    """The history of the items, where nothing is withheld."""


def read_shared(package: Package) -> SharedHistory:
    """Return what a package shows of its case's log.

    Raises:
        CannotFinish: X402, X403, X446 it cannot be read.
    """
    try:
        record = decode_record(PACKAGE, package.read(RECORD, PROOF.size))
        hidden = decode_record(WITHHELD, package.read(_WITHHELD, PROOF.size))["events"]
        size = int(record["checkpoint"]["size"])
        withheld = [Withheld(int(one["entry"]), _recorded_at(package, one["entry"]), one["ground"]) for one in hidden]
        branches = [one["name"] for one in record.get("branches", ())]
        if not withheld:
            whole = history_of(_reader(package), record["checkpoint"]["origin"], size)
            return SharedHistory(size, whole.told, [], branches, whole)
        apart = {one.entry for one in withheld}
        told = [told_of(_reader(package), index) for index in range(size) if index not in apart]
    except FormatError as error:
        raise CannotFinish(error.message, code="X446", hint=_VERIFY) from error
    link(told)
    return SharedHistory(size, told, withheld, branches, None)


def _reader(package: Package) -> Reader:
    return lambda name, limit: package.read(_ROOT + name, limit)


def _recorded_at(package: Package, entry: str) -> str:
    return decode_entry(package.read(_ROOT + layout.entry_file(int(entry)), layout.MAX_RECORD_FILE)).recorded_at
