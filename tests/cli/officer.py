"""An officer at a pseudo-terminal: reads which question stands there, types the answer that he has for it.

A question is known by its name in the ruled line above it, so that nothing depends on the order in which they come.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pexpect

SPECS = Path(__file__).parents[2] / "specs"
PASSPHRASE = "correct horse"
RULE = re.compile(r"^-- \d+/\d+ (?:- (?P<exhibit>[A-Za-z0-9._-]+) )?- (?P<name>.*?) -+$", re.MULTILINE)


def bare(text: str) -> str:
    """A text without colours, and with blanks that are all alike."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "").replace("\u00a0", " ").replace("\u202f", " ")


class Officer:
    """Drives `evidencekit field`."""

    def __init__(self, case: Path, language: str, *, home: Path, plain: bool = True, env: dict[str, str] | None = None):
        self.case, self.language, self.home, self.plain = case, language, home, plain
        self.texts = json.loads((SPECS / "texts" / "en.json").read_text())["field"]
        self.texts |= json.loads((SPECS / "texts" / f"{language}.json").read_text()).get("field", {})
        self.names = {bare(text): key[2:] for key, text in self.texts.items() if key.startswith("n_")}
        self.env = env or {}
        self.seen = self.raw = ""
        self.asked: list[str] = []
        self.child: pexpect.spawn | None = None

    def start(self) -> None:
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.home), "LC_ALL": "C.UTF-8", "TERM": "dumb" if self.plain else "xterm", "TZ": "UTC", **self.env,
        }  # fmt: skip
        self.child = pexpect.spawn(
            sys.executable, ["-m", "evidencekit", "field", str(self.case), "--lang", self.language], cwd=str(self.case.parent),
            env=environment, encoding="utf-8", dimensions=(24, 80), timeout=120, echo=True,
        )  # fmt: skip
        self.child.delaybeforesend = self.child.delayafterread = None

    def prompt(self) -> str:
        """What stands there at the next prompt, since the last answer; empty at the end."""
        found = self.child.expect([r"> \Z", pexpect.EOF])
        self.raw += self.child.before
        text = bare(self.child.before)
        self.seen += text
        return text if found == 0 else ""

    def question(self, text: str) -> str | None:
        """The key of the question that is asked in a text; None where something else is."""
        rules = list(RULE.finditer(text))
        key = self.names.get(rules[-1]["name"]) if rules else None
        if key is not None:
            self.asked.append(key)
        return key

    def type(self, line: str) -> None:
        self.child.sendline(line)

    def kill(self) -> None:
        """kill -9."""
        self.child.kill(9)
        self.child.wait()
        self.child.close()

    def end(self) -> int:
        """Wait for the end; the exit code."""
        self.child.wait()
        self.child.close()
        return self.child.exitstatus

    def has(self, text: str, key: str) -> bool:
        """Whether a text shows one of the catalogue's, as far as its first words."""
        words = re.split(r"\{", bare(self.texts[key]))[0][:30]
        return " ".join(words.split()) in " ".join(text.split())

    def work(self, answers: dict[str, str], *, others: dict[str, str], until=lambda _officer, _key: False) -> bool:
        """Answer what is asked until the end; True where `until` stopped it before an answer."""
        while text := self.prompt():
            key = self.question(text)
            if key is None:
                key = next((one for one in others if self.has(text, one)), None)
                assert key is not None, text
            if until(self, key):
                return True
            self.type(others[key] if key in others else answers[key])
        return False
