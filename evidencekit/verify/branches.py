"""Step 17: cases that were adopted, each verified as a case of its own, and held against the event that adopted it.

Findings are named by their places in the whole: `branches/NAME/…`. How deep branches lie in each other, and how many
there are, is bounded. Source: specs/verification.md section 1 step 17, specs/store.md section 9.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from evidencekit.core import layout
from evidencekit.core.custody import Custody
from evidencekit.core.layout import MAX_BRANCHES, MAX_DEPTH
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish
from evidencekit.read.store import Store
from evidencekit.verify.checkpoints import Notes
from evidencekit.verify.custody import CustodyWalk
from evidencekit.verify.log_facts import Adoption, Log
from evidencekit.verify.opening import Opening
from evidencekit.verify.run import Run

if TYPE_CHECKING:
    from evidencekit.verify.examine import Examined

STEP = 17


class Adopted(Protocol):
    """What the steps over the log of an adopted case came to."""

    @property
    def opening(self) -> Opening: ...  # noqa: D102
    @property
    def notes(self) -> Notes: ...  # noqa: D102
    @property
    def log(self) -> Log: ...  # noqa: D102
    @property
    def custody(self) -> CustodyWalk | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Takeover:
    """How a case came to be a branch of another."""

    adoption: Adoption
    depth: int
    """1 where the case that adopted it is no branch itself."""


def sources_of_branches(log: Log, sources: Mapping[str, Path]) -> tuple[dict[str, Path], dict[str, dict[str, Path]]]:
    """Return the sources of a case's own exhibits, and by branch those of adopted ones, as the branch names them."""
    own: dict[str, Path] = {}
    others: dict[str, dict[str, Path]] = {one.branch: {} for one in log.adoptions}
    for exhibit, path in sources.items():
        branch, slash, name = exhibit.partition("/")
        (others[branch] if slash and branch in others else own)[name if slash and branch in others else exhibit] = path
    return own, others


def check_branches(
    run: Run, found: Examined, sources: Mapping[str, Mapping[str, Path]], above: Takeover | None, *, as_copy: bool
) -> None:
    """Examine each case that the case `found` has adopted, and add what it came to."""
    depth = 1 if above is None else above.depth + 1
    seen: set[str] = set()
    for adoption in found.log.adoptions:
        place = layout.branch_folder(adoption.branch)
        if adoption.branch in seen:
            continue  # of a name that is taken: E301
        seen.add(adoption.branch)
        if depth > MAX_DEPTH or run.checked["branches"] >= MAX_BRANCHES:
            reason = f"more than {MAX_BRANCHES} adopted cases, or {MAX_DEPTH} inside each other"
            run.skip("record", "too_many", place, reason)
            continue
        run.did("branches")
        store = _open(run, place)
        if store is not None:
            _check(run, found, store, Takeover(adoption, depth), sources[adoption.branch], as_copy=as_copy)


def _open(run: Run, place: str) -> Store | None:
    """Return an adopted case, None with a finding where it is not there; a link is not followed."""
    path = run.case.path / place
    try:
        if not path.is_symlink() and not path.parent.is_symlink():
            return Store(path)
    except CannotFinish:
        pass
    run.find("E501", place, "the case that was adopted", "none", step=STEP)
    run.files["not_checked"] += 1
    return None


def _check(
    run: Run, found: Examined, store: Store, takeover: Takeover, sources: Mapping[str, Path], *, as_copy: bool
) -> None:
    from evidencekit.verify.examine import examine  # noqa: PLC0415 (the one calls the other, as cases lie in each other)

    name = takeover.adoption.branch
    with run.within(store, f"{layout.branch_folder(name)}/") as inner:
        branch = examine(inner, sources, None, as_copy=as_copy, takeover=takeover)
        is_the_one = is_what_was_adopted(inner, branch, takeover.adoption, layout.CASE_FILE)
    if is_the_one and found.custody is not None:
        check_items(run, branch, takeover.adoption, found.custody.state)
    found.catalogues.add(branch.catalogues)
    found.sealed |= {f"{name}/{exhibit}" for exhibit in branch.sealed}
    found.evidence |= {f"{name}/{exhibit}" for exhibit in branch.evidence}
    found.entries += branch.entries
    found.packages += branch.packages
    found.proven_packages += branch.proven_packages
    found.whole_packages += branch.whole_packages
    found.package_rows += branch.package_rows


def is_what_was_adopted(inner: Run, branch: Adopted, adoption: Adoption, case_at: str) -> bool:
    """E317 unless the branch is the case, and its log the tree, that the event names; W902 where it goes on.

    `inner` works on the branch; `case_at` is the file that says which case it is.
    """
    where, newest = layout.checkpoint_file(adoption.size), branch.notes.newest
    expected = f"size {adoption.size}, root {adoption.root} of {display(adoption.origin)}"
    if branch.opening.case is not None and branch.opening.case != adoption.case:
        inner.find("E317", case_at, f"case {adoption.case}", f"case {branch.opening.case}", step=STEP)
        return False
    if newest is None or newest.origin != adoption.origin or newest.size < adoption.size:
        found = "no valid checkpoint" if newest is None else f"size {newest.size} of {display(newest.origin)}"
        inner.find("E317", where, expected, found, step=STEP)
        return False
    root = branch.log.root(adoption.size)
    if root is None:
        inner.skip("custody", "gap", where, f"the root of size {adoption.size} needs entries that cannot be read")
        return False
    if root.hex() != adoption.root:
        inner.find("E317", where, expected, f"root {root.hex()}", step=STEP)
        return False
    if newest.size > adoption.size:
        found = f"entries up to {newest.size - 1}"
        inner.find("W902", layout.checkpoint_file(newest.size), f"entries below {adoption.size}", found, step=11)
    return True


def check_items(
    run: Run, branch: Adopted, adoption: Adoption, state: Custody, about: Collection[str] | None = None
) -> None:
    """E314 unless the branch offered exactly these items to the adopter; E318 where they went on there.

    `run` works on the case above, whose `state` says who is one person. `about` are the items of which all is known;
    None: all of them.
    """
    place, where, custody = layout.branch_folder(adoption.branch), layout.event_file(adoption.entry), branch.custody
    if custody is None or custody.kept is None:
        run.skip("custody", "gap", where, f"what {adoption.branch} offered needs events that cannot be read")
        return
    offered, offers = {}, set()
    for name, item in custody.kept.items.items():
        is_known = about is None or name in about
        if is_known and item.offer is not None and state.person(item.offer.to.key) == state.person(adoption.by):
            offered[name] = item.offer.entry
    adopted = [name for name in adoption.items if about is None or name in about]
    for name in adopted:
        if name in offered:
            offers.add(offered[name])
        else:
            expected = f"{adoption.branch}/{name}: an open offer to {adoption.by} in the case that is adopted"
            run.find("E314", where, expected, "none", step=STEP)
    for name in sorted(set(offered) - set(adoption.items)):
        if offered[name] in offers:
            run.find("E314", where, "all that was offered together", f"without {adoption.branch}/{name}", step=STEP)
    for name in adopted:
        last = custody.state.items[name].last.entry if name in custody.state.items else 0
        if last >= adoption.size:
            expected = f"nothing about {name} from entry {adoption.size} on, where it was adopted"
            run.find("E318", f"{place}/{layout.event_file(last)}", expected, f"entry {last}", step=STEP)
