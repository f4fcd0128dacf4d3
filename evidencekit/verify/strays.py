"""Step 11: what stands in the case folder and belongs to no event. Nothing here is read, only named.

Source: specs/verification.md section 1 step 11, specs/store.md section 5.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from evidencekit.core import layout
from evidencekit.core.values import display
from evidencekit.verify.log_facts import Log
from evidencekit.verify.objects import Objects
from evidencekit.verify.run import Run

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
MAX_DEPTH = 16
"""Folders inside each other that are looked into; the record itself has four."""

_TAKEN_OVER = {layout.BRANCHES: "a case that an event adopted", layout.PACKAGES: "a package that an event received"}


def check_strays(run: Run, log: Log, objects: Objects | None) -> None:
    """Name what is unfinished (W901), unexpected (W902) or a dropping (W905)."""
    judge = _Judge(run, log, objects)
    _walk(judge, "", 1)


class _Judge:
    def __init__(self, run: Run, log: Log, objects: Objects | None) -> None:
        self.run = run
        self._log = log
        self._objects = objects
        self._newest = max((sealing.manifest for sealing in log.sealings), default=0)
        self._forms = dict.fromkeys((sealing.manifest for sealing in log.sealings), 0)
        """Number of each sealed manifest to the form that stands for it: K, 0 the full one."""
        self._forms |= {one.manifest: one.reduced for one in log.reductions if one.manifest in self._forms}
        self._folders = {
            layout.BRANCHES: {adoption.branch for adoption in log.adoptions},
            layout.PACKAGES: {reception.package for reception in log.receptions},
        }
        """Folders that events name: what is in them is checked on its own."""
        self._anchored = {anchor.file for anchor in log.anchors}

    def enters(self, path: str, depth: int) -> bool:
        """Tell whether a folder is looked into; an entry above the newest checkpoint is one thing (W901)."""
        first, _, rest = path.partition("/")
        number = layout.parse_number(rest) if first == layout.CUSTODY else None
        if number is not None and number >= self._log.size:
            expected = f"entries below the newest checkpoint's size {self._log.size}"
            self.run.find("W901", path, expected, f"entry {number}")
            return False
        if first in self._folders and "/" not in rest and rest:
            if rest not in self._folders[first]:  # one thing, whatever is in it
                self.run.find("W902", display(path), _TAKEN_OVER[first], "one that belongs to no event")
            return False
        if depth > MAX_DEPTH:
            self.run.find("W902", display(path), "a file of the record", "folders deep inside each other")
            return False
        return True

    def file(self, path: str, *, plain: bool) -> None:
        """Judge one file."""
        self.run.did("files_seen")
        if not plain:
            self.run.find("W902", display(path), "plain files and folders", "a link or special file")
            return
        first, _, rest = path.partition("/")
        if path == layout.CASE_FILE or self._is_of_log(first, rest):
            return
        if layout.is_dropping(path):
            self.run.find("W905", display(path), "nothing", "a file of a desktop system")
            return
        number, form = _manifest(rest) if first == layout.MANIFESTS else (None, 0)
        if number is not None and self._forms.get(number) == form:
            return
        digest = _object(rest) if first == layout.OBJECTS else None
        if digest is not None and self._objects is not None and self._objects.is_named(digest):
            return
        if self._log.unknown_types and first in {layout.MANIFESTS, layout.OBJECTS, layout.BRANCHES, layout.CHECKPOINTS}:
            reason = "an event of an unknown type may name it"
            self.run.skip("completeness", "unknown_type", display(path), reason)
            return
        if digest is not None and (self._objects is None or self._objects.has_unread_rows):
            self.run.skip("completeness", "objects", path, "rows that could name it were not read")
            return
        if number is not None and (number > self._newest if not form else form > self._forms.get(number, form)):
            self.run.find("W901", path, "a catalogue that an event names", f"catalogue {number if not form else rest}")
            return
        if number is not None and form < self._forms.get(number, 0):
            self.run.find("W902", path, "nothing: an event says that it was erased", "the catalogue before")
            return
        self.run.find("W902", display(path), "a file of the record", "a file that belongs to no event")

    def _is_of_log(self, first: str, rest: str) -> bool:
        """Entries, events, as many signatures as there are signers; notes, which step 5 has judged by themselves."""
        if first == layout.CHECKPOINTS:
            return layout.parse_number(rest) is not None or rest in self._anchored
        folder, _, name = rest.partition("/")
        number = layout.parse_number(folder) if first == layout.CUSTODY else None
        if number is None:
            return False
        if name in {"entry", "event.json"}:
            return True
        signers = self._log.signers[number] if number < len(self._log.signers) else 255
        return layout.is_signature_name(name) and name in {layout.signature_name(place) for place in range(signers)}


def _object(rest: str) -> str | None:
    """Return the digest of the object that has this place in `objects/`, None where none has."""
    digest = rest.rpartition("/")[2]
    is_one = _DIGEST.match(digest) and layout.object_file(digest) == f"{layout.OBJECTS}/{rest}"
    return digest if is_one else None


def _manifest(name: str) -> tuple[int | None, int]:
    """Return number and form (0: the full one) that a manifest's file name says."""
    number = layout.parse_manifest_name(name)
    return (number, 0) if number is not None else layout.parse_reduced_name(name) or (None, 0)


def _listing(path: str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(path) as listing:
        yield from listing


def _walk(judge: _Judge, folder: str, depth: int) -> None:
    """Walk in the order of the disk: no folder is held in memory, whatever its size."""
    store = judge.run.case
    try:
        for item in _listing(str(store.path / folder)):
            path = f"{folder}/{item.name}" if folder else item.name
            if layout.is_disposable(path):
                continue
            if not item.is_dir(follow_symlinks=False):
                judge.file(path, plain=item.is_file(follow_symlinks=False))
            elif judge.enters(path, depth + 1):
                _walk(judge, path, depth + 1)
    except OSError as error:
        where = display(folder) or "the case folder"
        judge.run.skip("record", "unreadable", where, f"cannot be listed: {error.strerror}")
