"""The folder in which a package is made, beside its place; and what became of such folders when an export died.

    unfinished-export-3f…/   beside OUT; goes away with the export, however that ends, unless its event stands
      lock                   held as long as the export goes on; the system lets go when the program dies
      recorded.json          `{"case","package"}`: what was made is verified, and may be recorded from here on
      built/NAME             the package

Promises: a package that a log has an export of is never thrown away, and is found again; what no log knows is thrown
away, by the next export beside it if not by its own. Source: specs/package.md section 11.
"""

from __future__ import annotations

import contextlib
import filecmp
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from evidencekit.core import layout
from evidencekit.core.digest import sha256_hex
from evidencekit.core.encoding import PROOF, decode, encode
from evidencekit.core.values import display
from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError, Refused
from evidencekit.journeys.custody import Hand, Recorded, events_of, read_event
from evidencekit.read.package import RECORD, archive_kind, open_package
from evidencekit.read.store import Store
from evidencekit.seal.replay import read_case, replay
from evidencekit.verify.report import Report
from evidencekit.write.durable import cannot_write, publish, write_new
from evidencekit.write.systems import THIS

_PREFIX = "unfinished-export-"
_LOCK, _MARK, _BUILT = "lock", "recorded.json", "built"
_NAME = re.compile(_PREFIX + r"[0-9a-f]{16}\Z")
_MOMENT = 60 * 10**9
"""Nanoseconds after which an export that has no lock yet will never have one."""


class Bench:
    """Where one package is made, by this program alone."""

    def __init__(self, out: Path, folder: Path) -> None:
        self._out = out
        self.folder = folder
        self.built = folder / _BUILT / out.name
        """The package, before it has its place."""
        self.is_kept = False
        """Its event stands, or nobody can tell: what was made stays."""

    def record(self, hand: Hand, items: list[str], body: dict[str, Any]) -> Recorded:
        """Record the export of what was made, and verified; then give it its place.

        Raises:
            Refused, FormatError, CannotFinish: as `Hand.record`; nothing was recorded then.
            CannotFinish: X483, the event stands, and the package did not get its place: it is kept.
        """
        store = hand.ledger.store
        try:
            for folder in (self.built.parent, self._out.parent):  # from here on a power cut must not lose it
                THIS.sync(folder)
        except OSError as error:
            raise cannot_write(self.folder, error) from error
        write_new(self.folder / _MARK, encode({"case": hand.ledger.record["case"], "package": body["package"]}))
        try:
            recorded = hand.record("export", items, body)
            publish(self.built, self._out)
        except BaseException as error:
            self.is_kept = True  # also where the case cannot be read any more
            entry = entry_of(store, body["package"])
            if entry is None:
                self.is_kept = False
                raise
            raise self._not_in_place(entry, error, has_checkpoint=hand.ledger.log.head > entry) from error
        return recorded

    def _not_in_place(self, entry: int, error: BaseException, *, has_checkpoint: bool) -> CannotFinish:
        why = error.message if isinstance(error, EvidenceError) else "it was stopped."
        if os.path.lexists(self.built):
            first = "" if has_checkpoint else "`evidencekit checkpoint finish CASE`, then "
            hint = (
                f"It is whole, in {display(str(self.folder))}. Do not export once more: {first}"
                f"`evidencekit export CASE OUT --again {entry}` moves it."
            )
        else:
            hint = f"It stands at {display(str(self._out))}: `evidencekit verify` says whether it is whole."
        return CannotFinish(
            f"Entry {entry} records the export, and the package did not get its place: {why}", code="X483", hint=hint
        )


@contextlib.contextmanager
def beside(out: Path, random: Callable[[int], bytes]) -> Iterator[Bench]:
    """Make a folder beside the place of the package, and take it away, whatever happens but that its event stands."""
    folder = out.parent / f"{_PREFIX}{random(8).hex()}"
    bench = Bench(out, folder)
    try:
        bench.built.parent.mkdir(mode=0o700, parents=True)
    except OSError as error:
        raise cannot_write(out, error) from error
    with _held(folder):
        try:
            yield bench
        finally:
            if not bench.is_kept:
                _remove(folder)


def refuse_taken(out: Path) -> None:
    """Raise Refused (R501) where the package's name is taken."""
    if os.path.lexists(out):
        raise Refused(
            f"{display(str(out))} exists already.", code="R501", hint="Nothing was written. Choose another name."
        )


def clear_left(out: Path, store: Store, *, now: int) -> None:
    """Remove what exports that died left beside `out`, but what another case may have recorded.

    `now` is in nanoseconds since 1970. Where the medium has no locks nobody can tell whether an export has died:
    nothing is removed there.

    Raises:
        Refused: R574, one of them is recorded, and its package has yet to get its place.
    """
    for folder in _left(out.parent):
        if not _has_begun(folder, now):
            continue
        with _held(folder) as held:
            if held == "by another":
                continue
            mark = _mark(folder)
            if mark is None or not _packages(folder):
                entry = None
            elif mark["case"] != read_case(store)["case"]:
                continue
            else:
                entry = None if _has_its_place(folder) else entry_of(store, mark["package"])
            if entry is None:
                if held == "by us":
                    _remove(folder)
            else:
                raise Refused(
                    f"Entry {entry} records an export whose package did not get its place: it is whole, in "
                    f"{display(str(folder))}.",
                    code="R574",
                    hint=f"`evidencekit export CASE OUT --again {entry}` moves it to OUT and records nothing. "
                    "Or remove the folder, if nobody is to have it.",
                    path=folder,
                )


def move_recorded(store: Store, entry: int, out: Path, *, verify: Callable[[Path], Report]) -> Report | None:
    """Give the package of a recorded export its place, which is beside where it was made; record nothing.

    Returns what the verifier says of it; None where it is encrypted, and was verified when it was made.

    Raises:
        BadArgument: U262 no such entry, U268 it is no export. Refused: R501; R502 the case is unfinished.
        CannotFinish: X483 it is not there, X482 it does not verify, or is another one; X402, X403, X421 to X423.
    """
    refuse_taken(out)
    replay(store, read_case(store)).refuse_unfinished()
    _, event = read_event(store, entry)
    if event["type"] != "export":
        what = f"Entry {entry} is an event of type {event['type']}, and no export."
        raise BadArgument(what, code="U268", hint="`evidencekit custody log CASE` lists them.")
    digest = event["body"]["package"]
    for folder in _left(out.parent):
        mark = _mark(folder)
        if mark is None or mark["package"] != digest:
            continue
        with _held(folder) as held:
            packages = _packages(folder)
            if held == "by another" or len(packages) != 1:
                continue
            built = packages[0]
            report = _checked(built, digest, verify)
            publish(built, out)
            _remove(folder)
            return report
    raise CannotFinish(
        f"Beside {display(str(out))} there is no package of entry {entry} that has yet to get its place.",
        code="X483",
        hint=f"OUT has to be in the folder where it was made: look for {_PREFIX}…. If it is gone, export again.",
    )


def entry_of(store: Store, package: str) -> int | None:
    """Return the entry that records the export of a package, by its digest; None where none does."""
    return next((entry for entry, event in events_of(store, "export") if event["body"]["package"] == package), None)


def _checked(built: Path, digest: str, verify: Callable[[Path], Report]) -> Report | None:
    if built.is_file():
        with built.open("rb") as file:
            if archive_kind(file) == "age":
                return None
    report = verify(built)
    if report.verdict != "FAILED":
        with open_package(built) as package:
            if sha256_hex(package.read(RECORD, PROOF.size)) == digest:
                return report
    raise CannotFinish(
        f"{display(str(built))} is not the package that was recorded, or was changed since: {report.reason}",
        code="X482",
        hint="It was left where it is. Export again: that is an event of its own.",
    )


def _left(place: Path) -> list[Path]:
    """Return the folders of exports in a folder, dead or going on. A link is none, nor is one whose lock is a link."""
    try:
        found = [path for path in sorted(place.iterdir()) if _NAME.match(path.name)]
        return [path for path in found if not path.is_symlink() and path.is_dir() and not (path / _LOCK).is_symlink()]
    except OSError:
        return []


def _has_begun(folder: Path, now: int) -> bool:
    """Tell whether an export has its lock, or died before it had one."""
    try:
        return (folder / _LOCK).is_file() or folder.lstat().st_mtime_ns < now - _MOMENT
    except OSError:
        return False


def _packages(folder: Path) -> list[Path]:
    """Return the package that was made in a folder; none where it was moved, more than one where others meddled."""
    try:
        return [path for path in (folder / _BUILT).iterdir() if not layout.is_dropping(path.name)]
    except OSError:
        return []


def _has_its_place(folder: Path) -> bool:
    """Tell whether a package stands beside its folder, too: a power cut may take back the half of a move."""
    packages = _packages(folder)
    if len(packages) != 1:
        return False
    built, out = packages[0], folder.parent / packages[0].name
    try:
        one, other = (path / RECORD if path.is_dir() else path for path in (built, out))
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False


def _remove(folder: Path) -> None:
    """Remove what an export made in a folder that is held, and the folder, unless others put something into it.

    Its lock goes last, so that what is left of it after a crash is removed, too; so is the mark, half written.
    """
    shutil.rmtree(folder / _BUILT, ignore_errors=True)  # which follows no link
    with contextlib.suppress(OSError):
        for path in (*folder.glob(f"{layout.TEMPORARY}*"), folder / _MARK, folder / _LOCK):
            path.unlink(missing_ok=True)
        folder.rmdir()


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[Literal["by us", "by another", "by nobody"]]:
    """Hold a folder, and tell who does: nobody can where the medium has no locks, or cannot be written."""
    lock = FileLock(folder / _LOCK, blocking=False)
    try:
        lock.acquire()
    except Timeout:
        yield "by another"
        return
    except (OSError, RuntimeError):
        yield "by nobody"
        return
    try:
        yield "by us"
    finally:
        lock.release()


def _mark(folder: Path) -> dict[str, Any] | None:
    """Return what says which package of which case may be recorded, None where none was written yet."""
    try:
        found = decode((folder / _MARK).read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, FormatError):
        found = {}  # not as we write it: not ours to remove
    return {"case": found.get("case"), "package": found.get("package")}
