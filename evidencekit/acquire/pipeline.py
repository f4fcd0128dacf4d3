"""An acquisition: take, look again, compose. One source in, one Parquet file and one root out.

Promises: one row for each entry, in order; an interruption costs what `journal.py` says, and nothing else; an
undisturbed and a resumed acquisition go through the same code.
Source: specs/manifest.md sections 5 to 7, decisions/0006.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from evidencekit.acquire.compose import Taken, Totals, compose
from evidencekit.acquire.hand import Manner
from evidencekit.acquire.journal import EarlierRun
from evidencekit.acquire.merging import Recall, merged, merged_stretches
from evidencekit.acquire.options import About, Edge, Progress, Tell
from evidencekit.acquire.passing import Pass, Resumed
from evidencekit.acquire.row import sort_key
from evidencekit.acquire.selection import Selection
from evidencekit.acquire.source import Source
from evidencekit.acquire.teller import Teller
from evidencekit.acquire.work import Work
from evidencekit.core.encoding import encode
from evidencekit.core.records import MANIFEST, MANIFEST_TYPE
from evidencekit.core.values import display, encode_base64, moment
from evidencekit.errors import BadArgument, CannotFinish, FormatError, Refused
from evidencekit.read.handles import Opener
from evidencekit.read.tree import revisit

_RUN_TYPE = "evidencekit/run/1"
_MAX_RESUMED = 100


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
        self._identity = source.identity()  # now: it may be gone before a run begins
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
        teller = Teller(self._tell)
        with work.run(self._head(), self._edge.random) as run:
            pass_ = Pass(
                self._source.path, self._manner(work), run, teller, Recall(earlier), resumed, opener=self._opener
            )
            pass_.walk(jobs=self._edge.jobs)
            teller.tell()
        if pass_.is_hopeful:
            self._retry(work, teller, pass_.device)

    def _manner(self, work: Work) -> Manner:
        options = self._about.options
        return Manner(
            self._selection,
            options.all_digests,
            work.objects,
            self._edge.random,
            self._edge.reader,
            copies=options.copies,
            stable_inodes=self._source.inode_is_stable,
        )

    def _retry(self, work: Work, teller: Teller, device: int) -> None:
        """Visit again what might be taken better now."""
        runs = work.earlier()
        recall = Recall(runs)
        teller.progress.phase = "retry"
        with work.run(self._head(), self._edge.random) as run:

            def on_block(size: int) -> None:
                teller.block(size)
                run.tick()

            taker = self._manner(work).taker(on_block)
            taker.device = device
            paths = (entry.path for entry in merged(runs) if taker.hopes(entry))
            nodes = revisit(self._source.path, paths, prune=self._selection.excludes, opener=self._opener)
            with contextlib.closing(nodes):
                for node in nodes:
                    teller.begin(node.path)
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

        def tell(path: bytes, totals: Totals) -> None:
            told.files, told.bytes, told.path = totals.kinds["file"], totals.bytes, path
            told.omissions = totals.omissions
            self._tell(told)

        runs = work.earlier()
        taken = compose(
            merged_stretches(runs),
            work.manifest,
            work.named,
            make_header=self._header,
            sensitive=self._about.options.sensitive,
            random=self._edge.random,
            progress=tell,
            undisturbed=len(runs) == 1,
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
            "source": self._identity,
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
                    hint="Say the same as then, and see that the source is mounted where it was.",
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
                "rows_gone": str(totals.gone),
                # Where copies were spoilt there was another walk, and what was kept in the first may be gone by then.
                "rows_kept": str(min(self.resumed.kept, totals.rows - min(self.resumed.taken_again, totals.rows))),
                "rows_taken_again": str(min(self.resumed.taken_again, totals.rows)),
            }
        try:
            MANIFEST.check(record)
            return record, encode(record)
        except FormatError as error:
            raise BadArgument(
                f"The manifest's header cannot say this: {error.message}", code="U231", place=error.place
            ) from error
