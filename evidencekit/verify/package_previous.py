"""Packages that a package passes on: the first seal, followed through every hand that it went through.

Below `evidence/previous/DIGEST/` lies what a received package had in `evidence/`, less rows that are not passed on. Its
record, log and proofs are the first exporter's, byte for byte; only lines may be left out.
Source: specs/package.md section 7.
"""

from __future__ import annotations

import re
from typing import Any

from evidencekit.core.digest import sha256_hex
from evidencekit.core.values import display
from evidencekit.read.package import Package
from evidencekit.verify.log_facts import Log
from evidencekit.verify.package_bag import Bag
from evidencekit.verify.package_branches import check_branches
from evidencekit.verify.package_counts import check_left, check_withheld, tell_withheld
from evidencekit.verify.package_folder import RecordFolder
from evidencekit.verify.package_policy import check_package_policy
from evidencekit.verify.package_record import check_signature, differing, read_package_record
from evidencekit.verify.package_rows import Rows
from evidencekit.verify.run import Run

MAX_HOPS, MAX_PACKAGES = 8, 1_000
"""Packages inside each other, and in all."""
_EVIDENCE = "evidence/"
_LOGS = r"(?:previous/[0-9a-f]{64}/|branches/[a-z0-9-]{1,40}/)*"
_OF_ROWS = re.compile(_LOGS + r"(?:leaves/|manifests/|records\.jsonl\Z)")
"""What need not be passed on."""
_LINES = re.compile(_LOGS + r"records\.jsonl\Z")


class Previous:
    """Follows the packages that a package passes on; `rows` is what all of them show."""

    def __init__(self, run: Run, package: Package, bag: Bag) -> None:
        """Take the package, which `run` looks at."""
        self._run, self._package, self._bag = run, package, bag
        self.rows = Rows()
        self._count = 0

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
                self._run.skip("record", "too_many", place, f"more than {MAX_HOPS} packages inside each other")
            elif self._count == MAX_PACKAGES:
                self._run.skip("record", "too_many", place, f"more than {MAX_PACKAGES:,} packages that are passed on")
            else:
                self._check_one(digest, stated[digest], place, log, depth)

    def _check_one(self, digest: str, origin: str, place: str, above: Log, depth: int) -> None:
        run, where = self._run, f"{place}package.json"
        self._count += 1
        record, data = read_package_record(run, where)
        if data and sha256_hex(data) != digest:
            run.find("E201", where, f"SHA-256 {digest}", f"SHA-256 {sha256_hex(data)}")
        if record is None:
            return
        signed = check_signature(run, record, data, f"{where}.sig")
        own = RecordFolder(self._package, self._bag, place, record, where)
        own.check_log(run)
        self._check_files(record, place)
        self._check_reception(digest, origin, record, above, place)
        for folder in (own, *check_branches(run, own)):
            folder.check_rows(run)
            check_withheld(run, folder)
            check_left(run, folder)
            tell_withheld(run, folder, place)
            self.rows.add(folder.rows)
            if run.policy is not None:
                by = record if folder is own else None
                check_package_policy(run, folder.log, by, signed, folder=folder.place)
        self.check(record, own.log.log, place, depth + 1)

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
