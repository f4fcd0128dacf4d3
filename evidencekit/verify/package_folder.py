"""The record of one log in a package, whose ever it is: the steps over its folder, and what they came to.

It is the log of the package's own case, of one that this case adopted, or of one whose package is passed on; folders of
adopted cases lie in that of the case that adopted them. Source: specs/package.md sections 5, 7 and 8.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from evidencekit.core import layout
from evidencekit.core.custody_keys import spent_remarks
from evidencekit.core.encoding import PROOF
from evidencekit.core.package_records import WITHHELD
from evidencekit.core.values import parse_count
from evidencekit.errors import FormatError
from evidencekit.read.package import Package
from evidencekit.verify.branches import check_items, is_what_was_adopted
from evidencekit.verify.log_facts import Adoption, Sealing
from evidencekit.verify.opening import parse_log_keys
from evidencekit.verify.outside import check_outside
from evidencekit.verify.package_bag import Bag
from evidencekit.verify.package_full import check_full
from evidencekit.verify.package_log import LogFound, PackageView, check_package_log
from evidencekit.verify.package_parts import check_parts
from evidencekit.verify.package_rows import Rows, check_lines
from evidencekit.verify.run import Run


@dataclass(slots=True)
class RecordFolder:
    """What is shown of one log, and what the steps over it came to."""

    package: Package
    bag: Bag
    place: str
    """`evidence/`, or a folder below; it ends in `/`."""
    said: dict[str, Any] | None
    """What is said of it: a package.json, or one of its `branches`; None where that cannot be read."""
    said_at: str
    """Where that package.json lies."""
    name: str = ""
    """Of an adopted case: the names of the branches that lead to it, `/` between and behind."""
    adoption: Adoption | None = None
    """The event by which the case above adopted it."""
    withheld: dict[str, Any] | None = None
    log: LogFound = field(default_factory=LogFound)
    rows: Rows = field(default_factory=Rows)

    def check_log(self, run: Run, done: set[str] | None = None) -> None:
        """Carry out the steps of a case over the log; `done` takes the steps, as `Run.within` has it."""
        if self.name and self.said is not None:
            self._check_log_keys(run, self.said)
        with run.within(PackageView(self.package, self.place), self.place, done) as inner:
            with inner.step(2, "withheld"):
                data = inner.read("withheld.json", PROOF.size)
                if data is not None:
                    self.withheld = inner.decode(data, WITHHELD, "withheld.json", limits=PROOF)
            said_at = None if self.name else "package.json"
            self.log = check_package_log(inner, self.said, self.withheld, self._digest, self.adoption, said_at)
            if done is None:  # of its own log a package's verifier may know more than the policy says
                with inner.step(12, "outside"):
                    check_outside(inner, self.log.log, self.log.notes.newest, None)

    def check_rows(self, run: Run) -> None:
        """Check the lines, and what is said of log and catalogues (E166)."""
        if self.said is None:
            return
        lost = [one["entry"] for one in self.said["manifests"] if self._is_lost(parse_count(one["entry"]))]
        if self.is_short or lost:
            why = f"the seal event of entry {lost[0]}" if lost else "the checkpoint that package.json names"
            run.skip("record", "gap", f"{self.place}records.jsonl", f"its rows need {why}, which cannot be read")
            self.rows.are_cut = True
            return
        self._check_said(run, self.said)
        with run.within(PackageView(self.package, self.place), self.place) as inner:
            check_parts(inner, self.log.log)
        sealings = dict(self._sealings(run, self.said))
        self.rows = check_lines(run, self.package, self.bag, sealings, self.place, self.name)

    def check_full(self, run: Run) -> None:
        """Check the catalogues themselves, as in a case."""
        with run.within(PackageView(self.package, self.place), self.place) as inner, inner.step(9, "full"):
            check_full(inner, self.log.log, self.log.opening.case, self.rows.manifests)

    def check_takeover(self, run: Run, above: RecordFolder) -> None:
        """Step 17: hold the adopted case against the event by which the case above adopted it (E314, E317)."""
        adoption, custody = self.adoption, above.log.custody
        if adoption is None or self.said is None:
            return
        with run.within(None, self.place) as inner:
            is_the_one = is_what_was_adopted(inner, self.log, adoption, layout.event_file(0))
        if not is_the_one:
            return
        if self.said["checkpoint"]["size"] != str(adoption.size):
            expected = f"checkpoint.size {adoption.size}, at which it was adopted"
            self.contradicts(run, "E317", expected, f"checkpoint.size {self.said['checkpoint']['size']}", step=17)
        if custody is not None:
            hidden = set() if self.log.hidden is None else self.log.hidden.touched.keys()
            with run.within(None, above.place) as outer:
                check_items(outer, self.log, adoption, custody.state, {*self.said["items"]} - hidden)

    def whole(self, item: str) -> str:
        """Return the name of an item as the package has it."""
        return self.name + item

    def contradicts(self, run: Run, code: str, expected: str, found: str, step: int = 11) -> None:
        """Add a finding: package.json says something else of this log than what is here."""
        about = f"{self.name[:-1]}: " if self.name else ""
        run.find(code, self.said_at, about + expected, found, step=step)

    @property
    def is_short(self) -> bool:
        """Tell whether the checkpoint that is named is there and cannot be read, so that the log ends before."""
        return self.said is not None and parse_count(self.said["checkpoint"]["size"]) in self.log.notes.unread

    def _is_lost(self, entry: int) -> bool:
        return self.log.hidden is not None and self.log.hidden.was_lost(entry)

    # --- what is said ------------------------------------------------------------------------------------------------

    def _digest(self, where: str) -> tuple[int, str | None] | None:
        number = self.package.number(self.place + where)
        if number is None:
            return None
        digest = self.bag.sha256(number)
        return self.package.size(self.place + where), None if digest is None else digest.hex()

    def _check_log_keys(self, run: Run, said: dict[str, Any]) -> None:
        try:
            parse_log_keys(said["log_keys"], said["checkpoint"]["origin"])
        except FormatError as error:
            self.contradicts(run, "E101", f"{error.place}: {error.expected}", error.found, step=2)

    def _check_said(self, run: Run, said: dict[str, Any]) -> None:
        """Case, keys and checkpoint are those of the log; a part is named with the item that it was taken from."""
        opening, newest = self.log.opening, self.log.notes.newest
        pairs = {"case": (opening.case, said["case"]), "log_keys": (self.log.log_keys, said["log_keys"])}
        stated = said["checkpoint"]
        pairs["checkpoint.origin"] = (opening.origin if newest is None else newest.origin, stated["origin"])
        if newest is not None:
            pairs["checkpoint.root"] = (newest.root.hex(), stated["root"])
            pairs["checkpoint.size"] = (str(newest.size), stated["size"])
        for name, (expected, found) in pairs.items():
            if expected is not None and expected != found:
                self.contradicts(run, "E166", f"{name} {expected}", f"{name} {found}")
        there = self.package.numbers(self.place + layout.CUSTODY)
        if newest is not None and there and there[-1] >= newest.size:
            self.contradicts(run, "E166", f"no entries but the {newest.size} of the checkpoint", f"entry {there[-1]}")
        if self.log.custody is not None and "exporter" in said:
            signers = {"signers": [said["exporter"]["key"]]}
            for remark in spent_remarks(self.log.custody.state, signers):
                run.find(remark.code, f"{self.said_at}.sig", remark.expected, remark.found, step=8)
        items = {} if self.log.custody is None else self.log.custody.state.items
        for item in said["items"]:
            parent = items[item].parent if item in items else None
            if parent is not None and parent not in said["items"]:
                expected = f"{parent}, which {item} was taken from, among items"
                self.contradicts(run, "E166", expected, ", ".join(said["items"])[:200])

    def _sealings(self, run: Run, said: dict[str, Any]) -> Iterator[tuple[int, Sealing]]:
        """Yield the seal (or derive) event of each manifest that is named; E166 where more is said than it says."""
        by_entry = {sealing.entry: sealing for sealing in self.log.log.sealings}
        for one in said["manifests"]:
            number = parse_count(one["manifest"])
            sealing = by_entry.get(parse_count(one["entry"]))
            if sealing is None:
                expected = f"catalogue {number}: its seal event, shown, at entry {one['entry']}"
                self.contradicts(run, "E166", expected, "none")
                continue
            stated = {"item": one["item"], "manifest": number, "root": one["root"], "rows": parse_count(one["rows"])}
            sealed = {"item": sealing.exhibit, "manifest": sealing.manifest, "root": sealing.root, "rows": sealing.rows}
            for name, value in sealed.items():
                if stated[name] != value:
                    expected = f"catalogue {number}: {name} {value}, as entry {sealing.entry} says"
                    self.contradicts(run, "E166", expected, f"{name} {stated[name]}")
            if one["item"] not in said["items"]:
                self.contradicts(run, "E166", f"{one['item']} among items", ", ".join(said["items"])[:200])
            yield number, sealing
