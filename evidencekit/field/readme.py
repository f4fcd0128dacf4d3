"""READ-ME.txt of a handover: what is in the folder, and what whoever receives it types.

Promises: pure; names are escaped; what must be read without doubt (commands, fingerprints, exhibits) stands on a line
of its own, in every language; commands are the same in all of them, quoted for a POSIX shell.
Source: cli.md (`field`), specs/messages.md section 2, specs/store.md section 9.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.paper import format_paper
from evidencekit.core.values import display
from evidencekit.read.bidi import laid_out
from evidencekit.read.texts import Texts

CASE, KEYS, SUMS, READ_ME = "case", "keys", "SHA256SUMS", "READ-ME.txt"
"""Names in the folder; beside them lie the offers."""
_WIDTH = 78
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class SignerKey:
    """A public key that came along."""

    file: str
    """Relative to the folder."""
    id: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class HandoverFacts:
    """What a READ-ME is about."""

    reference: str
    agency: str
    sender: str
    receiver: str
    branch: str
    """What the adopted case may be called in the receiver's own."""
    items: Sequence[tuple[str, str]]
    """Exhibit and description (which may be empty) of what is offered."""
    left: Sequence[tuple[str, str]]
    """Exhibit and holder of what is not."""
    offers: Sequence[str]
    """File names."""
    keys: Sequence[SignerKey]
    checkpoint: Checkpoint


def read_me(facts: HandoverFacts, languages: Sequence[Texts]) -> str:
    """Return the text in some languages, one after the other."""
    rule = "\n" + "-" * _WIDTH + "\n\n"
    return rule.join("\n".join(_lines(facts, texts)) + "\n" for texts in languages)


def commands(facts: HandoverFacts) -> dict[str, list[str]]:
    """Return what the receiver types, by step; LABCASE, POLICY and KEY are for him to fill in."""
    trusted = " ".join(f"--trust {shlex.quote(f'{key.id}={key.file}')}" for key in facts.keys)
    own = f"--trust {shlex.quote(facts.receiver)}=KEY.pub"
    answers = [
        "answer.json" if len(facts.offers) == 1 else f"answer-{at}.json" for at in range(1, len(facts.offers) + 1)
    ]
    return {
        "sums": [f"sha256sum --quiet -c {SUMS}"],
        "policy": [f"evidencekit policy new POLICY {trusted} --log {CASE} {own} --log LABCASE"],
        "adopt": [f"evidencekit custody adopt LABCASE {CASE} --as {facts.branch} --policy POLICY --signer KEY"],
        "accept": [
            f"evidencekit custody accept LABCASE {offer} --policy POLICY --signer KEY --out {answer}"
            for offer, answer in zip(facts.offers, answers, strict=True)
        ],
        "verify": ["evidencekit verify LABCASE --policy POLICY"],
        "answer": [f"evidencekit custody receipt FIELDCASE {answer} --signer KEY" for answer in answers],
    }


def _lines(facts: HandoverFacts, texts: Texts) -> Iterator[str]:
    names = {name: display(getattr(facts, name)) for name in ("agency", "receiver", "reference", "sender")}
    typed = commands(facts)

    def say(key: str) -> Iterator[str]:
        yield from laid_out(texts(key, **names), _WIDTH)
        yield ""

    yield from say("readme_title")
    if texts.is_draft:
        yield from say("draft")
    yield from say("readme_what")
    yield from say("readme_recorded")
    yield from say("readme_items")
    yield from _list(facts.items)
    if facts.left:
        yield from say("readme_left")
        yield from _list(facts.left)
    yield from say("readme_contents")
    for name, key in ((f"{CASE}/", "case"), (", ".join(facts.offers), "offer"), (f"{KEYS}/", "keys"), (SUMS, "sums")):
        yield f"{_INDENT}{name}"
        yield from (_INDENT * 2 + line for line in laid_out(texts(f"readme_file_{key}"), _WIDTH - 8))
    yield ""
    yield from say("readme_checkpoint")
    yield from (_INDENT + line for line in format_paper(facts.checkpoint))
    yield ""
    yield from say("readme_keys")
    for signer in facts.keys:
        yield from (
            f"{_INDENT}{signer.file}",
            f"{_INDENT * 2}{display(signer.id)}",
            f"{_INDENT * 2}{signer.fingerprint}",
        )
    yield ""
    yield from say("readme_steps")
    for number, (step, lines) in enumerate(typed.items(), 1):
        yield from laid_out(f"{number}. {texts(f'readme_{step}', **names)}", _WIDTH)
        yield ""
        yield from (_INDENT + display(line).replace("\\\\", "\\") for line in lines)
        yield ""


def _list(pairs: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Yield exhibits, each on a line of its own, with what is said of it below."""
    for exhibit, text in pairs:
        yield f"{_INDENT}{exhibit}"
        yield from (_INDENT * 2 + line for line in laid_out(display(text), _WIDTH - 8) if line)
    yield ""
