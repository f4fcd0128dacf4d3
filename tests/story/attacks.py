"""What can be done to the laboratory's case, step by step, and as what it is found: the table of specs/threat-model.md.

An attacker has the folder (nobody's keys), or the log's keys, too, or a person's key. Each attack is made on a copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from rewriter import Signed, rewrite
from story import LAB, PERSONS, Story

from evidencekit.core import encoding, layout
from evidencekit.core.digest import sha256
from evidencekit.core.event import NAMESPACE
from evidencekit.core.merkle import CompactRange
from evidencekit.seal.logkeys import load_log_keys
from evidencekit.seal.sign import load_signer

FOLDER, LOG_KEYS, INSIDER = "the folder", "the log's keys", "the log's keys and a person's"


@dataclass(frozen=True)
class Scene:
    """A copy of the laboratory's case, and what was known of it outside."""

    story: Story
    case: Path

    def entries(self, kind: str) -> list[int]:
        """Numbers of the entries of a type."""
        found = []
        for path in sorted((self.case / layout.CUSTODY).iterdir()):
            event = encoding.decode((path / "event.json").read_bytes())
            if event["type"] == kind:
                found.append(int(path.name))
        return found

    def folder(self, index: int) -> Path:
        return self.case / layout.entry_folder(index)

    def rewrite(self, change: Callable[[list[Signed]], list[Signed]]) -> None:
        keys = load_log_keys(self.story.path("lab/log.pem"), origin=LAB, ask_passphrase=None)
        rewrite(self.case, keys, change)


class Attack(NamedTuple):
    """One way to attack, and the finding that names it."""

    step: str
    what: str
    has: str
    """What the attacker has."""
    code: str
    apply: Callable[[Scene], object]
    since: bool = False
    """Found against a checkpoint that somebody outside had noted."""


# --- on any entry ----------------------------------------------------------------------------------------------------


def _remove(scene: Scene, index: int) -> None:
    shutil.rmtree(scene.folder(index))


def _swap(scene: Scene, index: int) -> None:
    other = index - 1
    aside = scene.case / "aside"
    scene.folder(index).rename(aside)
    scene.folder(other).rename(scene.folder(index))
    aside.rename(scene.folder(other))


def _edit(scene: Scene, index: int) -> None:
    path = scene.folder(index) / "event.json"
    event = encoding.decode(path.read_bytes())
    event["occurred_at"] = {**event["occurred_at"], "utc_offset_min": 77}
    path.write_bytes(encoding.encode(event))


def _unsign(scene: Scene, index: int) -> None:
    (scene.folder(index) / "event.json.sig").unlink()


def _undo(scene: Scene, index: int) -> None:
    scene.rewrite(lambda log: log[:index] + log[index + 1 :])


def _reorder(scene: Scene, index: int) -> None:
    scene.rewrite(lambda log: [*log[: index - 1], log[index], log[index - 1], *log[index + 1 :]])


def _forge(scene: Scene, index: int) -> None:
    """The event as another person would sign it who has a key of his own, but not the one that acted."""
    forger = load_signer(scene.story.key("judge"), ask_passphrase=None)

    def change(log: list[Signed]) -> list[Signed]:
        event = encoding.decode(log[index].event)
        event["actor"]["key"] = forger.fingerprint
        event["signers"] = [forger.fingerprint, *event["signers"][1:]]
        data = encoding.encode(event)
        signatures = (forger.sign(data, NAMESPACE), *log[index].signatures[1:])
        return [*log[:index], Signed(data, signatures, log[index].entry), *log[index + 1 :]]

    scene.rewrite(change)


def _cut(scene: Scene, index: int) -> None:
    """Everything from the entry on, cleanly: what is left is a valid log."""
    scene.rewrite(lambda log: log[:index])


KINDS: tuple[tuple[str, str, str, Callable[[Scene, int], None], bool], ...] = (
    ("removed", FOLDER, "E501", _remove, False),
    ("exchanged with the entry before", FOLDER, "E306", _swap, False),
    ("edited", FOLDER, "E201", _edit, False),
    ("its signature taken away", FOLDER, "E401", _unsign, False),
    ("undone, the log written anew", LOG_KEYS, "E304", _undo, False),
    ("brought before the step before, the log written anew", LOG_KEYS, "E304", _reorder, False),
    ("signed by somebody else, the log written anew", INSIDER, "E408", _forge, False),
    ("withheld with all that follows", LOG_KEYS, "E503", _cut, True),
)
STEPS = ("accept", "adopt", "loan", "analyse", "return", "correct", "key_add", "dispose")
"""Steps of the laboratory's log on which each of these is tried; later ones were signed by people who saw them."""


def _of_step(step: str, kind: tuple[str, str, str, Callable[[Scene, int], None], bool]) -> Attack:
    what, has, code, apply, since = kind
    return Attack(step, what, has, code, lambda scene: apply(scene, scene.entries(step)[0]), since)


# --- on what stands beside the entries ---------------------------------------------------------------------------------


def _flip(path: Path, place: int = -40) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def _flip_base64(path: Path, place: int = -40) -> None:
    """Change bytes of a signature, and leave the line in its form."""
    data = bytearray(path.read_bytes())
    data[place] = ord("B") if data[place] == ord("A") else ord("A")
    path.write_bytes(data)


def _anchor(scene: Scene, ending: str, number: int = 0) -> Path:
    return sorted((scene.case / layout.CHECKPOINTS).glob(f"*{ending}"))[number]


def _exchange(one: Path, other: Path) -> None:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)


def _object(scene: Scene) -> Path:
    return min(path for path in (scene.case / layout.OBJECTS).rglob("*") if path.is_file())


def _notes(scene: Scene) -> list[Path]:
    return sorted(path for path in (scene.case / layout.CHECKPOINTS).iterdir() if path.name.isdigit())


def _replay(scene: Scene) -> None:
    *_, older, newest = _notes(scene)
    newest.write_bytes(older.read_bytes())


def _edit_case(scene: Scene) -> None:
    path = scene.case / layout.CASE_FILE
    path.write_bytes(path.read_bytes().replace(b'"agency":"lab"', b'"agency":"law"'))


def _plant(scene: Scene) -> None:
    (scene.case / "checkpoints/00000003.extra.tsr").write_bytes(b"x")


def _branch(scene: Scene) -> Path:
    return scene.case / layout.BRANCHES / "field"


def _agency(scene: Scene) -> None:
    """The laboratory itself, with every key of its people: another tool in the analysis, and all signed anew."""
    signers = {}
    for name in PERSONS:
        signer = load_signer(scene.story.key(name), ask_passphrase=None)
        signers[signer.fingerprint] = signer
    digests: dict[str, str] = {}

    def sign(event: dict[str, Any], tree: CompactRange, index: int) -> Signed:
        old = sha256(encoding.encode(event)).hex()
        event["seen"] = {"origin": LAB, "root": tree.root().hex(), "size": str(index)}
        if event["type"] == "analyse":
            event["body"]["tool"] = "another viewer"
        for name in ("corrects", "offer"):
            reference = event["body"].get(name, {})
            if reference.get("event") in digests:
                reference["event"] = digests[reference["event"]]
        data = encoding.encode(event)
        digests[old] = sha256(data).hex()
        return Signed(data, tuple(signers[key].sign(data, NAMESPACE) for key in event["signers"]), None)

    keys = load_log_keys(scene.story.path("lab/log.pem"), origin=LAB, ask_passphrase=None)
    rewrite(scene.case, keys, list, sign)


def _go_on(scene: Scene) -> None:
    """The field team goes on with an item that it gave away, in the copy of its log that lies in the branch."""
    shutil.rmtree(_branch(scene))
    shutil.copytree(scene.story.path("field/later"), _branch(scene))


OTHERS = (
    Attack("time-stamp", "removed", FOLDER, "E501", lambda s: _anchor(s, ".city.tsr").unlink()),
    Attack("time-stamp", "edited", FOLDER, "E201", lambda s: _flip(_anchor(s, ".state.tsr"))),
    Attack("time-stamp", "exchanged with the other authority's", FOLDER, "E201",
           lambda s: _exchange(_anchor(s, ".city.tsr"), _anchor(s, ".state.tsr"))),
    Attack("cosignature", "removed", FOLDER, "E501", lambda s: _anchor(s, ".cosig").unlink()),
    Attack("cosignature", "edited", FOLDER, "E201", lambda s: _flip(_anchor(s, ".cosig"))),
    Attack("cosignature", "exchanged with a later one", FOLDER, "E201",
           lambda s: _exchange(_anchor(s, ".cosig"), _anchor(s, ".cosig", 1))),
    Attack("time-stamp", "one that no event names is put beside", FOLDER, "W902", _plant),
    Attack("checkpoint", "removed", FOLDER, "E502", lambda s: _notes(s)[2].unlink()),
    Attack("checkpoint", "replaced by an older one", FOLDER, "E105", _replay),
    Attack("checkpoint", "its signature edited", FOLDER, "E406", lambda s: _flip_base64(_notes(s)[2])),
    Attack("answer", "the partner's answer removed", FOLDER, "E501", lambda s: _object(s).unlink()),
    Attack("answer", "the partner's answer edited", FOLDER, "E201", lambda s: _flip(_object(s))),
    Attack("adopt", "the adopted case removed", FOLDER, "E501", lambda s: shutil.rmtree(_branch(s))),
    Attack("adopt", "an event of the adopted case edited", FOLDER, "E201",
           lambda s: _flip(_branch(s) / layout.event_file(3), 60)),
    Attack("adopt", "the adopted case cut at its end", FOLDER, "E317",
           lambda s: (shutil.rmtree(_branch(s) / layout.entry_folder(10)), (_branch(s) / layout.checkpoint_file(11)).unlink())),
    Attack("adopt", "the field team goes on with the item in its own log", "the field team's keys", "E318", _go_on),
    Attack("seal", "the catalogue removed", FOLDER, "E501", lambda s: (s.case / layout.manifest_file(1)).unlink()),
    Attack("seal", "the catalogue edited", FOLDER, "E106", lambda s: _flip(s.case / layout.manifest_file(1), 300)),
    Attack("seal", "another catalogue put in its place", FOLDER, "E202",
           lambda s: shutil.copy(_branch(s) / layout.manifest_file(1), s.case / layout.manifest_file(1))),
    Attack("open", "the case file edited", FOLDER, "E104", _edit_case),
    Attack("all of it", "written and signed anew by the agency itself: the cosignature", "every key of the agency", "E433", _agency),
    Attack("all of it", "written and signed anew by the agency itself: the time-stamp", "every key of the agency", "E422", _agency),
    Attack("all of it", "written and signed anew by the agency itself: a checkpoint on paper", "every key of the agency",
           "E206", _agency, since=True),
)  # fmt: skip
ATTACKS = (*(_of_step(step, kind) for step in STEPS for kind in KINDS), *OTHERS)


def table() -> str:
    """The rows of the table in specs/threat-model.md."""
    lines = ["| | step | what is done to it | by somebody who has | found as |", "|---|---|---|---|---|"]
    for number, attack in enumerate(ATTACKS, 1):
        code = f"{attack.code} against a checkpoint known outside" if attack.since else attack.code
        lines.append(f"| {number} | {attack.step} | {attack.what} | {attack.has} | {code} |")
    return "\n".join(lines) + "\n"
