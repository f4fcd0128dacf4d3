"""Packages that show an exhibit of an adopted case: a good one, and one for each way in which that can be wrong.

The good case is the one that is adopted, by a laboratory. `make_cases.py` takes them in. Source: specs/package.md 5, 8.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from make_cases_custody import MINUTE, Clock, actor, offer, open_ledger, put, signer
from make_cases_package import Spoil, archive, content, pb

from evidencekit.core import layout
from evidencekit.core.digest import sha256
from evidencekit.core.values import encode_base64
from evidencekit.seal.logkeys import LogKeys, new_log_keys
from evidencekit.seal.opening import open_case

if TYPE_CHECKING:
    from make_cases import Bench

SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker, as in make_cases.py."""
ORIGIN = "lab.vectors.example/9"
WANTED = pb.Wanted(rows=[0, 2, 3], withheld={2: {"metadata": "privacy"}})


def spoilt(code: str, why: str, name: str) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name}"] = (code, why, function)
        return function

    return register


@dataclass
class Laboratory:
    """The case of somebody else, to whom an exhibit of the good case is offered, and who adopted that case."""

    b: Bench
    case: Path
    keys: LogKeys

    def parts(self) -> pb.Parts:
        """What a package of it has: rows of the exhibit."""
        return pb.adopting(self.case, content, WANTED)


def adopt(b: Bench, folder: str, **changes: Any) -> Laboratory:
    """Let the laboratory adopt the good case as it is; `changes` are members of what its event says."""
    lab = Laboratory(b, Path(folder) / "lab", new_log_keys(ORIGIN))
    open_case(
        lab.case, identity=sha256(b"lab")[:16], reference="L-9", agency="Laboratory", signer=signer("other"),
        actor=actor("other"), keys=lab.keys, clock=Clock(b.begins), random=os.urandom, utc_offset_min=60,
    )  # fmt: skip
    log, b.begins = b.ledger().log, b.begins + MINUTE
    body = {
        "authority": "order 2", "branch": "field", "case": encode_base64(sha256(b"small")[:16]),
        "log": {"origin": b.ledger().origin, "root": log.root.hex(), "size": str(log.size)}, "purpose": "analysis",
    }  # fmt: skip
    ledger = open_ledger(lab.case, lab.keys, b.begins)
    ledger.append("adopt", ["field/EX-001"], body | changes, actor=actor("other"), signers=[signer("other")])
    ledger.checkpoint()
    shutil.copytree(b.case, lab.case / layout.branch_folder("field"))
    return lab


def make_package(b: Bench, key_line: Callable[..., str], log_rule: str) -> None:
    """The good one."""
    offer(b, "EX-001")
    with tempfile.TemporaryDirectory() as folder:
        lab = adopt(b, folder)
        archive(b, lab.parts().closed(b.other))
    keys = (*b.log_keys.vkeys, *lab.keys.vkeys)
    b.policy(
        settings=log_rule + log_rule.replace(b.ledger().origin, ORIGIN),
        signers="".join(key_line(name, principal=name) for name in ("examiner", "other")),
        logs="".join(f"log {key}\n" for key in keys) + "quorum none\n",
    )
    shutil.rmtree(b.case)


def exported(
    code: str, why: str, name: str, *, offered: bool = True, **changes: Any
) -> Callable[[Callable[[pb.Parts], object]], None]:
    """Register a fixture that its exporter signed, although it does not add up."""

    def register(change: Callable[[pb.Parts], object]) -> None:
        @spoilt(code, why, name)
        def _(b: Bench) -> None:
            if offered:
                offer(b, "EX-001")
            with tempfile.TemporaryDirectory() as folder:
                parts = adopt(b, folder, **changes).parts()
            change(parts)
            archive(b, parts.closed(b.other))
            shutil.rmtree(b.case)

    return register


@exported("E166", "an exhibit of an adopted case without the record of that case", "branch_missing")
def _(parts: pb.Parts) -> None:
    parts.branches.clear()
    parts.record["hash_only"] = True


@exported("E166", "the record of a case that no event adopted", "branch_of_nobody")
def _(parts: pb.Parts) -> None:
    parts.record["items"] = ["found/EX-001"]
    branch = parts.branches["found"] = parts.branches.pop("field")
    branch.record["name"] = "found"
    for line in branch.lines:
        if line["payload"] is not None:
            path = line["payload"]["path"]
            line["payload"]["path"] = path.replace("field", "found")
            branch.files[line["payload"]["path"]] = branch.files.pop(path)


@exported("E166", "an adopted case that shows another exhibit than the package says", "branch_without_item")
def _(parts: pb.Parts) -> None:
    parts.record["items"] = ["field/EX-001", "field/EX-002"]


@exported("E166", "a record of an adopted case in the package that package.json does not name", "branch_unnamed")
def _(parts: pb.Parts) -> None:
    for path, data in parts.branches["field"].shown("evidence/branches/other/").items():
        if not path.startswith("data/"):
            parts.files[path] = data


@exported("E314", "an exhibit that was adopted without having been offered", "branch_not_offered", offered=False)
def _(parts: pb.Parts) -> None:
    """As it is."""


@exported("E317", "another case than the event says", "branch_of_another_case", case=encode_base64(bytes(16)))
def _(parts: pb.Parts) -> None:
    """As it is."""


@exported("E317", "the log of an adopted case without its newest entry", "branch_cut_short")
def _(parts: pb.Parts) -> None:
    branch = parts.branches["field"]
    last = int(branch.record["checkpoint"]["size"]) - 1
    note = f"evidence/{layout.checkpoint_file(last)}"
    for path in [*branch.files]:
        if path.startswith((f"evidence/{layout.entry_folder(last)}/", f"evidence/{layout.checkpoint_file(last + 1)}")):
            del branch.files[path]
    tree = pb.tree_of(branch.files[note])
    branch.record["checkpoint"] = tree


@spoilt("E318", "an exhibit that its old log stores after it was adopted", "branch_goes_on")
def _(b: Bench) -> None:
    offer(b, "EX-001")
    with tempfile.TemporaryDirectory() as folder:
        lab = adopt(b, folder)
        put(b, "store", ["EX-001"], {"place": "a car"})
        shutil.rmtree(lab.case / layout.branch_folder("field"))
        shutil.copytree(b.case, lab.case / layout.branch_folder("field"))
        archive(b, lab.parts().closed(b.other))
    shutil.rmtree(b.case)
