"""An acquisition: take, look again, compose. One source in, one Parquet file and one root out.

Promises: one row for each entry, in order; an interruption costs what `journal.py` says, and nothing else; an
undisturbed and a resumed acquisition go through the same code.
Source: specs/manifest.md sections 5 to 7, decisions/0006.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evidencekit.acquire.compose import Taken, Totals, compose
from evidencekit.acquire.entry import Taker
from evidencekit.acquire.journal import EarlierRun, Entry, Recall, Run, merged, sort_key
from evidencekit.acquire.options import About, Edge, Progress, Tell
from evidencekit.acquire.selection import Selection
from evidencekit.acquire.source import Source
from evidencekit.acquire.work import Work
from evidencekit.core.encoding import encode
from evidencekit.core.records import MANIFEST, MANIFEST_TYPE
from evidencekit.core.values import display, encode_base64, moment, name_member
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.read.handles import Opener
from evidencekit.read.node import Node
from evidencekit.read.tree import revisit, walk

_RUN_TYPE = "evidencekit/run/1"
_TELL_EVERY = 256
_MAX_RESUMED = 100


@dataclass(slots=True)
class Resumed:
    """What became of the rows that were taken before an interruption."""

    kept: int = 0
    taken_again: int = 0
    gone: int = 0

    def choose(self, earlier: Entry | None, *, stands: bool) -> tuple[Entry, bool] | None:
        """Count an earlier row, and return it (with False: not taken now) if it stands."""
        if earlier is None:
            return None
        self.kept += stands
        self.taken_again += not stands
        return (earlier, False) if stands else None


class Acquirer:
    """One source on its way into one manifest, by way of a work folder."""

    def __init__(self, source: Source, about: About, edge: Edge, tell: Tell | None = None) -> None:
        """Refuse now, rather than after hours, what cannot be recorded.

        Raises:
            BadArgument: U230 a glob that cannot match, U231 the header cannot say what was asked for.
        """
        self._source = source
        self._about = about
        self._edge = edge
        self._tell = tell or (lambda _: None)
        self._selection = Selection(about.options.include, about.options.exclude)
        self._started = edge.clock()
        self._resumed_at: list[int] = []
        self.resumed = Resumed()
        """After `take`: what became of earlier rows."""
        self._opener = Opener()
        self._header(Totals())

    def take(self, work: Work) -> Taken:
        """Take the source: its manifest is then at `work.manifest`, what it names at `work.named` and in its objects.

        Raises:
            Refused: R509, the work folder is of an acquisition that was asked for otherwise.
            CannotFinish: X403 and X421 to X425 the work folder, X430, X431, X435 the source.
        """
        earlier = work.earlier()
        self._take_up(earlier)
        self._walk(work, earlier, self.resumed)
        taken, spoilt = self._composed(work)
        if spoilt:
            self._walk(work, work.earlier(), Resumed())  # rows without their objects are taken once more
            taken, spoilt = self._composed(work)
        if spoilt:
            raise CannotFinish(
                f"{spoilt} copies in {display(os.fsencode(work.folder))} are not what was written to them, twice.",
                code="X425",
                hint="Nothing was sealed. The medium of the case cannot be trusted; use another.",
                path=work.folder,
            )
        return taken

    # --- passes --------------------------------------------------------------------------------------------------

    def _walk(self, work: Work, earlier: Sequence[EarlierRun], resumed: Resumed) -> None:
        """Take every entry that does not stand from before, and what a second look might better once more."""
        teller = _Teller(self._tell)
        recall = Recall(earlier)
        hopeful = 0
        with work.run(self._head(), self._edge.random) as run:
            taker = self._taker(work, run, teller)
            nodes = walk(self._source.path, prune=self._selection.excludes, opener=self._opener)
            with contextlib.closing(nodes):
                for node in nodes:
                    teller.begin(node)
                    for entry, fresh in _rows(node, taker, recall, resumed):
                        if fresh:
                            run.add(entry)
                        teller.end(entry, fresh=fresh)
                        hopeful += taker.hopes(entry)
            teller.tell()
            recall.finish()
            resumed.gone += recall.passed
        if hopeful:
            self._retry(work, teller, taker.device)

    def _taker(self, work: Work, run: Run, teller: _Teller) -> Taker:
        options = self._about.options

        def on_block(size: int) -> None:
            teller.block(size)
            run.tick()

        return Taker(
            self._selection,
            self._edge.reader(options.all_digests),
            work.objects,
            copies=options.copies,
            stable_inodes=self._source.inode_is_stable,
            on_block=on_block,
        )

    def _retry(self, work: Work, teller: _Teller, device: int) -> None:
        """Visit again what might be taken better now."""
        runs = work.earlier()
        recall = Recall(runs)
        teller.progress.phase = "retry"
        with work.run(self._head(), self._edge.random) as run:
            taker = self._taker(work, run, teller)
            taker.device = device
            paths = (entry.path for entry in merged(runs) if taker.hopes(entry))
            nodes = revisit(self._source.path, paths, prune=self._selection.excludes, opener=self._opener)
            with contextlib.closing(nodes):
                for node in nodes:
                    teller.begin(node)
                    found = recall.find(sort_key(node.path))
                    if found is None:  # below a folder that could not be listed before
                        run.add(taker.take(node))
                        for stream in taker.streams(node):
                            run.add(taker.take_stream(node, stream))
                    elif taker.hopes(found) and (bettered := taker.again(node, found)) is not None:
                        run.add(bettered)
                        teller.progress.omissions -= bettered.state == "complete"
                    teller.tell()

    def _composed(self, work: Work) -> tuple[Taken, int]:
        """Make the manifest of all runs, and read every object again that it names; return how many are spoilt."""
        work.clear()
        told = Progress("compose", kept=self.resumed.kept)

        def tell(entry: Entry, totals: Totals) -> None:
            told.files, told.bytes, told.path = totals.kinds["file"], totals.bytes, entry.path
            told.omissions = totals.omissions
            self._tell(told)

        taken = compose(
            merged(work.earlier()),
            work.manifest,
            work.named,
            make_header=self._header,
            sensitive=self._about.options.sensitive,
            random=self._edge.random,
            progress=tell,
        )
        checked = Progress("check")

        def tell_checked(size: int) -> None:
            checked.files += 1
            checked.bytes += size
            self._tell(checked)

        spoilt = sum(1 for _ in work.objects.check(work.digests(), tell_checked))
        return replace(taken, objects=checked.files, object_bytes=checked.bytes), spoilt

    # --- what is said about it --------------------------------------------------------------------------------------

    def _head(self) -> dict[str, Any]:
        """Return the head of a run: by what it is known again, and when the acquisition began."""
        about = self._about
        return {
            "_t": _RUN_TYPE,
            "case": encode_base64(about.case),
            "digests": about.options.all_digests,
            "exhibit": about.exhibit,
            "options": about.options.record(),
            "resumed_at": [str(at) for at in self._resumed_at],
            "source": {"kind": self._source.kind, **name_member("path", self._source.real)},
            "started_at": str(self._started),
        }

    def _take_up(self, earlier: Sequence[EarlierRun]) -> None:
        """Go on where earlier runs ended, if they are of the same acquisition."""
        if not earlier:
            return
        head = earlier[-1].head
        mine = self._head()
        for name, words in (("digests", "digests"), ("options", "options"), ("source", "source")):
            if head.get(name) != mine[name]:
                raise Refused(
                    f"The unfinished acquisition of {self._about.exhibit} was begun with other {words}: "
                    f"expected {encode({name: mine[name]}).decode()}, found {encode({name: head[name]}).decode()}.",
                    code="R509",
                    hint="Say the same as then; or delete the exhibit's folder in work/ to begin anew.",
                )
        self._resumed_at = [*map(int, head["resumed_at"]), self._started][-_MAX_RESUMED:]
        self._started = int(head["started_at"])

    def _header(self, totals: Totals) -> tuple[dict[str, Any], bytes]:
        """Return the header of specs/manifest.md section 7."""
        about = self._about
        offset = about.utc_offset_min
        touched = self._opener.touched or bool(self._resumed_at)  # of the program that was interrupted nobody knows
        record = {
            "_t": MANIFEST_TYPE,
            "case": encode_base64(about.case),
            "digests": about.options.all_digests,
            "exhibit": about.exhibit,
            "finished_at": moment(self._edge.clock(), utc_offset_min=offset),
            "name_encoding": "posix",
            "options": about.options.record(),
            "order": "shuffled" if about.options.sensitive else "path",
            "program": about.program,
            "source": self._source.record(host=about.host, touched=touched),
            "started_at": moment(self._started, utc_offset_min=offset),
            "totals": totals.record(),
        }
        if self._resumed_at:
            record["interruptions"] = {
                "resumed_at": [moment(at, utc_offset_min=offset) for at in self._resumed_at],
                "rows_gone": str(self.resumed.gone),
                "rows_kept": str(self.resumed.kept),
                "rows_taken_again": str(self.resumed.taken_again),
            }
        try:
            MANIFEST.check(record)
            return record, encode(record)
        except FormatError as error:
            raise BadArgument(
                f"The manifest's header cannot say this: {error.message}", code="U231", place=error.place
            ) from error


def _rows(node: Node, taker: Taker, recall: Recall, resumed: Resumed) -> Iterator[tuple[Entry, bool]]:
    """Yield the rows of a node, its own and those of its named streams, and whether each was taken now."""
    earlier = recall.find(sort_key(node.path))
    stands = earlier is not None and taker.stands(earlier, node)
    yield resumed.choose(earlier, stands=stands) or (taker.take(node), True)
    for stream in taker.streams(node):
        earlier = recall.find(sort_key(node.path, stream.name))
        yield resumed.choose(earlier, stands=stands) or (taker.take_stream(node, stream), True)


class _Teller:
    """Tells how far it is: now and then, and during large files."""

    def __init__(self, tell: Tell) -> None:
        self.progress = Progress()
        self._tell = tell
        self._rows = 0
        self._inside = 0

    def begin(self, node: Node) -> None:
        self.progress.path = node.path

    def block(self, size: int) -> None:
        self._inside += size
        self.progress.bytes += size
        self.tell()

    def end(self, entry: Entry, *, fresh: bool) -> None:
        progress = self.progress
        progress.kept += not fresh
        progress.files += entry.kind == "file"
        progress.bytes += (entry.size or 0) - self._inside if entry.state in {"complete", "changed"} else 0
        progress.omissions += entry.state != "complete"
        self._inside = 0
        self._rows += 1
        if self._rows % _TELL_EVERY == 0:
            self.tell()

    def tell(self) -> None:
        self._tell(replace(self.progress))
