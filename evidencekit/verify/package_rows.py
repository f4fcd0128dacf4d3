"""The rows that a package shows, line by line: from the opened groups up to the sealed root, and down to the payload.

Source: specs/package.md section 8 step 5, sections 2 and 3.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from evidencekit.core import layout
from evidencekit.core.bag_names import is_path_of
from evidencekit.core.digest import group_commitment
from evidencekit.core.encoding import PROOF
from evidencekit.core.merkle import leaf_hash
from evidencekit.core.opinions import OPINION_KINDS
from evidencekit.core.package_records import MAX_LINE, SHOWN
from evidencekit.core.proofs import verify_inclusion
from evidencekit.core.records import CONTENT, DERIVED_ROW, METADATA, NAME, ROW, check_row
from evidencekit.core.values import decode_base64, display, parse_count, read_name
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.package import Package
from evidencekit.read.package_names import PAYLOAD, BadContainer
from evidencekit.verify.log_facts import Sealing
from evidencekit.verify.package_bag import CLAIMED, Bag
from evidencekit.verify.package_leaves import LeafList
from evidencekit.verify.run import Run
from evidencekit.verify.shown import OpenedGroups, read_leaf, read_shown

STEP = 9
_READ = ("file", "block_device")
"""Kinds that can have a content: a device only where it is the source itself."""
_SCHEMAS = {"name": NAME, "content": CONTENT, "metadata": METADATA}
_MAX_LINES = 16 << 30
"""Bytes of records.jsonl for each manifest."""
_MAX_FAULTS = 10_000
"""Lines that are none: as many are named."""
_MAX_SUMS = 65_537
"""Sums of groups withheld: more than withheld.json can state, so that one of them is missing there."""


@dataclass(slots=True)
class Shown:
    """What the lines show of one manifest."""

    sealing: Sealing
    item: str
    leaves: LeafList | None = None
    """All leaf hashes, in place of proofs."""
    rows: int = 0
    opened: array[int] = field(default_factory=lambda: array("Q"))
    """Indexes of rows whose content is opened, ascending."""


@dataclass(slots=True)
class Rows:
    """What all lines come to."""

    manifests: dict[int, Shown] = field(default_factory=dict)
    withheld: Counter[tuple[int, str, str]] = field(default_factory=Counter)
    """Manifest, group, ground: groups of rows that are shown, but for these."""
    states: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    derived_rows: int = 0
    compared: int = 0
    """Files whose content was compared with the sealed digest."""
    left: int = 0
    """Files taken whole, whose content is not here."""
    others: int = 0
    """Catalogues of adopted cases, and of packages that are passed on."""
    are_cut: bool = False
    """Not all lines could be followed, which was said: their sums say nothing."""

    @property
    def has_catalogue(self) -> bool:
        """Tell whether something is shown of a sealed catalogue, whose ever it is."""
        return bool(self.manifests or self.others)

    def add(self, other: Rows) -> None:
        """Count what is shown of another log, too."""
        self.states.update(other.states)
        self.rows += other.rows
        self.derived_rows += other.derived_rows
        self.compared += other.compared
        self.left += other.left
        self.others += len(other.manifests) + other.others
        self.are_cut |= other.are_cut


def check_lines(run: Run, package: Package, bag: Bag, sealings: Mapping[int, Sealing], folder: str, name: str) -> Rows:
    """Check the rows that `records.jsonl` in a folder of the package shows of the manifests that were sealed.

    By `name` the names of the log's items begin in the package.
    """
    manifests = {number: Shown(sealing, name + sealing.exhibit) for number, sealing in sealings.items()}
    for number, shown in manifests.items():
        where = f"{folder}leaves/{layout.number(number)}"
        if package.number(where) is not None:
            leaves = LeafList(run, package, where, shown.sealing)
            shown.leaves = leaves if leaves.check() else None
    return _RowLines(run, package, bag, manifests, f"{folder}records.jsonl").check()


class _RowLines:
    """Follows the lines of records.jsonl."""

    def __init__(self, run: Run, package: Package, bag: Bag, manifests: dict[int, Shown], lines: str) -> None:
        self._run, self._package, self._bag, self._lines = run, package, bag, lines
        self.rows = Rows(manifests)
        self._before = (-1, -1)
        self._leaves: LeafList | None = None
        """The list that was read last."""
        self._where = lines
        self._opened = OpenedGroups()
        self._bases = {shown.sealing.root: shown for shown in manifests.values() if not shown.sealing.derived}

    def check(self) -> Rows:
        """Check every line; what is wrong with one keeps nobody from the next."""
        run = self._run
        self.rows.are_cut = True
        try:
            limit = _MAX_LINES * max(1, len(self.rows.manifests))
            if self._package.size(self._lines) > limit:
                run.find("E102", self._lines, f"at most {limit} bytes", str(self._package.size(self._lines)), step=STEP)
                return self.rows
            with self._package.open(self._lines) as file:
                self.rows.are_cut = not self._check_lines(file)
        except BadContainer as error:
            run.find(error.finding, self._lines, error.expected, error.found, step=STEP)
        except CannotFinish as error:
            run.unreadable(self._lines, error)
        except OSError as error:
            run.skip("record", "unreadable", self._lines, f"cannot be read: {error.strerror}")
        finally:
            if self._leaves is not None:
                self._leaves.close()
        return self.rows

    def _check_lines(self, file: BinaryIO) -> bool:
        """Tell whether all of them could be followed."""
        number = faults = 0
        while line := file.readline(MAX_LINE + 1):
            self._where = f"{self._lines}#{number}"
            number += 1
            if not line.endswith(b"\n"):
                code = "E102" if len(line) > MAX_LINE else "E101"
                self._find(code, f"a line of at most {MAX_LINE} bytes, with its end", "none")
                self._run.skip("record", "unreadable", self._where, "the lines from this one on")
                return False
            record = read_shown(line[:-1]) or self._run.decode(line[:-1], SHOWN, self._where, limits=PROOF)
            if record is not None:
                self._check_line(record)
                continue
            faults += 1
            if faults == _MAX_FAULTS:
                self._run.skip("record", "too_many", self._where, f"lines behind {faults:,} that are none")
                return False
        return True

    def _check_line(self, record: dict[str, Any]) -> None:
        manifest, index = parse_count(record["manifest"]), parse_count(record["index"])
        shown = self.rows.manifests.get(manifest)
        in_order = (manifest, index) > self._before
        if not in_order:
            self._find("E169", f"a row after {self._before[0]}#{self._before[1]}", f"{manifest}#{index}")
        self._before = max(self._before, (manifest, index))
        if shown is None:
            self._find("E170", "a row of a catalogue that package.json names", f"catalogue {manifest}")
            return
        shown.rows += 1
        for group, ground in record["grounds"].items():
            if len(self.rows.withheld) < _MAX_SUMS or (manifest, group, ground) in self.rows.withheld:
                self.rows.withheld[manifest, group, ground] += 1
        leaf = self._leaf(record, derived=shown.sealing.derived)
        groups = self._groups(record, leaf, shown)
        self._prove(record, shown, index, in_order=in_order)
        self._run.did("shown_rows")
        if shown.sealing.derived:
            self.rows.derived_rows += 1
            if leaf is not None:
                self._check_base(shown, leaf)
            if record["payload"] is not None:
                self._find("E171", "no payload of an opinion", display(record["payload"]["path"]))
            return
        self.rows.rows += 1
        content = groups.get("content")
        self.rows.states[content["state"] if content is not None else "withheld"] += 1
        if "content" in record["groups"]:
            shown.opened.append(max(index, shown.opened[-1] if shown.opened else 0))
        if leaf is not None and len(groups) == len(_SCHEMAS):
            try:
                check_row(leaf["kind"], *(groups[name] for name in _SCHEMAS))
            except FormatError as error:
                self._find("E107", error.expected, f"{error.place}: {error.found}")
        self._check_payload(record, shown, index, None if leaf is None else leaf["kind"], groups)

    # --- the row ---------------------------------------------------------------------------------------------------

    def _leaf(self, record: dict[str, Any], *, derived: bool) -> dict[str, Any] | None:
        schema, leaf = DERIVED_ROW if derived else ROW, record["leaf"]
        return read_leaf(leaf, derived=derived) or self._run.decode(leaf.encode(), schema, f"{self._where} leaf")

    def _groups(self, record: dict[str, Any], leaf: dict[str, Any] | None, shown: Shown) -> dict[str, dict[str, Any]]:
        """Return the opened groups that are in their only form; their commitments are the leaf's (E201)."""
        found: dict[str, dict[str, Any]] = {}
        kind = OPINION_KINDS.get(shown.sealing.kind or "")
        schemas = _SCHEMAS if not shown.sealing.derived else {"opinion": kind.group if kind else None}
        if (record["groups"] | record["grounds"]).keys() != schemas.keys():
            self._find("E101", " ".join(schemas), " ".join(sorted([*record["groups"], *record["grounds"]])))
            return found
        for name, opened in record["groups"].items():
            data = opened["bytes"].encode()
            where = f"{self._where} groups.{name}"
            group = self._opened.read(self._run, name, data, schemas[name], where)
            if group is not None:
                found[name] = group
            commitment = group_commitment(name, decode_base64(opened["salt"]), data).hex()
            if leaf is not None and commitment != leaf[name]:
                self._run.find("E201", where, f"commitment {leaf[name]}", f"commitment {commitment}", step=STEP)
        return found

    def _prove(self, record: dict[str, Any], shown: Shown, index: int, *, in_order: bool) -> None:
        """The leaf stands at its index under the sealed root: by its proof, or (`in_order`) in the list (E207)."""
        hashed = leaf_hash(record["leaf"].encode())
        sealing = shown.sealing
        expected = f"row {index} of {sealing.rows} under root {sealing.root}"
        if (record["proof"] is None) != (shown.leaves is not None):
            self._find("E207", expected, "a proof beside all leaves" if shown.leaves else "no proof")
        elif record["proof"] is not None:
            proof = [decode_base64(text) for text in record["proof"]]
            root = bytes.fromhex(sealing.root)
            if not verify_inclusion(index=index, size=sealing.rows, leaf_hash=hashed, proof=proof, root=root):
                self._find("E207", expected, "another root")
        elif in_order and shown.leaves and self._listed(shown.leaves, index) != hashed and not shown.leaves.is_lost:
            self._find("E207", expected, "another leaf there")

    def _listed(self, leaves: LeafList, index: int) -> bytes | None:
        """Return a leaf hash of a list; one list is open at a time."""
        if self._leaves is not None and self._leaves is not leaves:
            self._leaves.close()
        self._leaves = leaves
        return leaves.at(index)

    def _check_base(self, shown: Shown, leaf: dict[str, Any]) -> None:
        """An opinion is about the catalogue that its event names (E107), and about a row whose content is opened."""
        if leaf["base_root"] != shown.sealing.base_root:
            self._find("E107", f"base_root {shown.sealing.base_root}", f"base_root {leaf['base_root']}")
        base, index = self._bases.get(leaf["base_root"]), parse_count(leaf["base_index"])
        opened = array("Q") if base is None else base.opened
        place = bisect_left(opened, index)
        if place == len(opened) or opened[place] != index:
            self._find("E170", "an opinion about a row whose content is opened", f"row {index}")

    # --- the payload -----------------------------------------------------------------------------------------------

    def _check_payload(
        self, record: dict[str, Any], shown: Shown, index: int, kind: str | None, groups: dict[str, dict[str, Any]]
    ) -> None:
        payload, content = record["payload"], groups.get("content")
        is_whole = content is not None and content["state"] == "complete" and content["sha256"] is not None
        if payload is None:
            self.rows.left += is_whole
            return
        place = payload["path"]
        number = self._package.number(place) if place.startswith(PAYLOAD) else None
        name = groups.get("name")
        if name is not None or "name" not in record["groups"]:
            path = None if name is None else read_name(name, "path")
            has_stream = name is not None and ("stream" in name or "stream_hex" in name)
            stream = read_name(name, "stream") if name is not None and has_stream else b""
            if not is_path_of(place, shown.item, index, path, stream):
                self._find("E172", f"a name of row {index} of {shown.item}", display(place))
        if number is None:
            self._find("E163", f"the payload {display(place)}", "none")
            return
        if self._bag.marks[number] & CLAIMED:
            self._find("E173", "a payload of its own", f"{display(place)}, as a line before")
        self._bag.marks[number] |= CLAIMED
        if content is None or not is_whole or kind not in _READ:
            if kind is not None and content is not None:
                self._find("E171", "no payload but of a file that was taken whole", display(place))
            return
        found, size = self._bag.sha256(number), str(self._bag.sizes[number])
        if found is None:
            self._run.skip("evidence", "unreadable", display(place), "its content could not be read")
            return
        if payload["bytes"] != content["size"] or size != content["size"]:
            self._find("E171", f"{content['size']} bytes, as sealed", f"{payload['bytes']} stated, {size} there")
        elif found.hex() != content["sha256"]:
            self._find("E171", f"SHA-256 {content['sha256']}, as sealed", f"SHA-256 {found.hex()}")
        self.rows.compared += 1

    def _find(self, code: str, expected: str, found: str) -> None:
        self._run.find(code, self._where, expected, found, step=STEP)
