"""Packages that a package passes on: the first seal, followed through every hand that it went through.

Below `evidence/previous/DIGEST/` lies what a received package had in `evidence/`, less rows that are not passed on. Its
record, log and proofs are the first exporter's, byte for byte; only lines may be left out.
Source: specs/package.md section 7.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeAlias

from evidencekit.core.digest import sha256_hex
from evidencekit.core.encoding import PROOF
from evidencekit.core.package_records import WITHHELD
from evidencekit.core.values import display, parse_count
from evidencekit.read.package import Package
from evidencekit.verify.log_facts import Log
from evidencekit.verify.package_bag import Bag
from evidencekit.verify.package_counts import sealings_of, tell_withheld
from evidencekit.verify.package_log import LogFound, check_package_log
from evidencekit.verify.package_policy import check_package_policy
from evidencekit.verify.package_record import check_signature, differing, read_package_record
from evidencekit.verify.package_rows import Rows, check_lines
from evidencekit.verify.run import Run

MAX_HOPS = 8
"""Packages inside each other."""
_EVIDENCE = "evidence/"
_Looks: TypeAlias = Callable[[str], AbstractContextManager[None]]
_OF_ROWS = re.compile(r"(?:previous/[0-9a-f]{64}/)*(?:leaves/|manifests/|records\.jsonl\Z)")
"""What need not be passed on."""
_LINES = re.compile(r"(?:previous/[0-9a-f]{64}/)*records\.jsonl\Z")


class Previous:
    """Follows the packages that a package passes on; `rows` is what all of them show."""

    def __init__(self, run: Run, package: Package, bag: Bag, looks: _Looks) -> None:
        """Take the package; `looks` makes the run look at one of its folders."""
        self._run, self._package, self._bag, self._looks = run, package, bag, looks
        self.rows = Rows()

    def check(self, record: dict[str, Any], log: Log, folder: str = _EVIDENCE, depth: int = 1) -> None:
        """Check each package that `record`, which lies in `folder` with its `log`, says to pass on; and no others."""
        stated = {one["package"]: one["origin"] for one in record["previous"]}
        prefix = f"{folder}previous/"
        there = {
            name[len(prefix) :].partition("/")[0] for name in self._package.record_names if name.startswith(prefix)
        }
        for digest in sorted(there - stated.keys()):
            self._run.find("E166", f"{folder}package.json", f"{prefix}{digest} among previous", "not there")
        for digest in sorted(stated):
            place = f"{prefix}{digest}/"
            if digest not in there:
                self._run.find("E501", place, "a package that is passed on", "none")
            elif depth > MAX_HOPS:
                self._run.skip("record", "beyond_limit", place, f"more than {MAX_HOPS} packages inside each other")
            else:
                self._check_one(digest, stated[digest], place, log, depth)

    def _check_one(self, digest: str, origin: str, place: str, above: Log, depth: int) -> None:
        run, found, signed = self._run, LogFound(), []
        withheld = None
        with self._looks(place):
            record, data = read_package_record(run, "package.json")
            if record is None:
                return
            if sha256_hex(data) != digest:
                run.find("E201", "package.json", f"SHA-256 {digest}", f"SHA-256 {sha256_hex(data)}")
            signed = check_signature(run, record, data, "package.json.sig")
            kept = run.read("withheld.json", PROOF.size)
            if kept is not None:
                withheld = run.decode(kept, WITHHELD, "withheld.json", limits=PROOF)
            found = check_package_log(run, record, withheld)
        self._check_files(record, place)
        self._check_reception(digest, origin, record, above, place)
        rows = self._check_rows(record, found, place)
        if withheld is not None:
            with self._looks(place):
                tell_withheld(run, record, withheld, found)
        self.rows.add(rows)
        if run.policy is not None:
            check_package_policy(run, found, record, signed, folder=place)
        self.check(record, found.log, place, depth + 1)

    def _check_files(self, record: dict[str, Any], place: str) -> None:
        """Each file is the first exporter's (E201, E165); none is left out but those of rows (E501)."""
        listed = {one["path"]: one["sha256"] for one in record["files"] if one["path"].startswith(_EVIDENCE)}
        for path, digest in listed.items():
            rest = path.removeprefix(_EVIDENCE)
            number = self._package.number(place + rest)
            if number is None:
                if not _OF_ROWS.match(rest):
                    self._run.find("E501", display(place + rest), "a file of the package that is passed on", "none")
            elif _LINES.match(rest):
                continue  # lines may be left out
            elif (found := self._bag.sha256(number)) is not None and found.hex() != digest:
                self._run.find("E201", display(place + rest), f"SHA-256 {digest}", f"SHA-256 {found.hex()}")
        for name in self._package.record_names:
            rest = name.removeprefix(place)
            if rest != name and _EVIDENCE + rest not in listed and rest not in {"package.json", "package.json.sig"}:
                self._run.find("E165", display(name), "a file that its package.json lists", "one that it does not list")

    def _check_reception(self, digest: str, origin: str, record: dict[str, Any], above: Log, place: str) -> None:
        """Whoever passes it on has received it, and says the same of it (E166)."""
        where = f"{place}package.json"
        if record["checkpoint"]["origin"] != origin:
            self._run.find("E166", where, f"a package of {display(origin)}", display(record["checkpoint"]["origin"]))
        reception = next((one for one in above.receptions if one.package == digest), None)
        if reception is None:
            self._run.find("E166", where, "an event, shown, by which it was received", "none")
            return
        for name, stated, carried in differing(reception.said, record):
            self._run.find(
                "E166", where, display(f"{name} {stated}, as entry {reception.entry} says"), display(str(carried))
            )

    def _check_rows(self, record: dict[str, Any], found: LogFound, place: str) -> Rows:
        run, package = self._run, self._package
        sealings = sealings_of(run, record, found.log, f"{place}package.json")
        rows = check_lines(run, package, self._bag, sealings, place)
        for one in record["manifests"]:
            shown = rows.manifests.get(parse_count(one["manifest"]))
            shown_rows = 0 if shown is None else shown.rows
            left = parse_count(one["shown"]) - shown_rows
            if left < 0:
                run.find("E174", f"{place}package.json", f"at most {one['shown']} rows shown", f"{shown_rows} lines")
            elif left:
                what = f"catalogue {one['manifest']} of {one['item']}"
                run.skip(
                    "record",
                    "withheld",
                    place + what,
                    f"{left} rows that were received are not passed on",
                    counts=False,
                )
        return rows
