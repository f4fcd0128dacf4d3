"""Two States and some months, by the commands that their contact points would type, while a clock that the story moves goes on.

    asking/    Lyon asks for two accounts: under Article 29 of Budapest, for longer, for longer again, then under the UN
               convention, and under the EU's regulation; it takes the package over, and withdraws its first request
    asked/     Bucharest keeps the data, for some days without a hold that runs; takes in what the provider returns, one
               account of two; gives a package; answers, once too late

Both believe each other by a directory of contacts that somebody else signed. `Cooperation.build` plays it all; what
each side could see at each date is in `seen`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from story import Story

from evidencekit.cli.main import evidencekit
from evidencekit.errors import EvidenceError

PEOPLE = {"lyon": "desk@lyon.example", "bucharest": "point@bucharest.example", "office": "office@list.example"}
"""Names of keys, and whose they are: the last one signs the directory."""
SIDES = {"asking": "lyon", "asked": "bucharest"}
JANE, BOB = "jane@mail.example", "bob@mail.example"
FACTS, NECESSITY, RELATION = (
    "FACTS: a bank was robbed.",
    "NECESSITY: kept for ninety days only.",
    "RELATION: both wrote.",
)

CONTACTS = """
[[contact]]
state = "FR"
name = "Contact point of Lyon"
email = "desk@lyon.example"
keys = ["{lyon}"]

[[contact]]
state = "RO"
name = "Contact point of Bucharest"
phone = "+40 21 000 00 00"
zone = "Europe/Bucharest"
instruments = ["budapest-29", "un-42", "eu-preservation"]
keys = ["{bucharest}"]
"""
ASKED = f"""
reference = "24-117/1"
categories = ["traffic"]
facts = "{FACTS}"
relation = "{RELATION}"
necessity = "{NECESSITY}"
intent = "A request for assistance follows."
authority = {{ name = "Contact point of Lyon", state = "FR", email = "desk@lyon.example" }}
custodian = {{ name = "Example Mail" }}
offence = {{ name = "robbery", provisions = ["Code, 311-1"] }}
period = {{ start = 2026-08-01T00:00:00Z, end = 2026-08-08T00:00:00Z }}
[[identifiers]]
type = "email"
value = "{JANE}"
[[identifiers]]
type = "email"
value = "{BOB}"
"""
RETURNED = f"""Time (UTC);E-mail;Server
2026-08-02 10:00:00;{JANE};mx1
2026-08-05 22:10:09;{JANE};mx2
"""


@dataclass
class Cooperation(Story):
    """Where it plays, what time it is, and what each side saw when."""

    now: int = 0
    package: str = ""
    """Digest of the package that goes to Lyon."""
    sealed: Any = None
    """What `acquire` said of the return."""
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By the name of a date: `request status` and `stats` of each side, and the holds."""
    checked: dict[str, Any] = field(default_factory=dict)
    """What `request check` said of them."""
    sha256: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the records of requests that went out."""

    def clock(self) -> int:
        self.now += 1000
        return self.now

    def at(self, text: str) -> None:
        self.now = int(datetime.fromisoformat(text + "+00:00").timestamp()) * 10**9

    def look(self, name: str) -> None:
        """Note what each side sees now."""
        self.seen[name] = {
            side: {
                "status": self.json("request", "status", self.case(side)),
                "stats": self.json("stats", self.case(side), "--least", "1"),
            }
            for side in SIDES
        } | {"due": self.json("hold", "due", self.case("asked"))}

    # --- what each side does over and over ------------------------------------------------------------------------

    def case(self, side: str) -> Path:
        return self.path(f"{side}/case")

    def act(self, side: str, *command: Any) -> Any:
        """Run a command that records something in a side's case; what came of it."""
        return self.json(*command, *self.signed(side, SIDES[side]))

    def refusal(self, *command: Any) -> str:
        """The code of the error by which a command ends."""
        done = CliRunner().invoke(evidencekit, [str(word) for word in command], standalone_mode=False)
        assert isinstance(done.exception, EvidenceError), done.output
        return done.exception.code

    def believing(self, side: str) -> list[str]:
        return ["--policy", str(self.path(f"{side}/policy"))]

    def send(self, name: str, draft: Path, instrument: str) -> None:
        """Lyon fills in what is new, checks the request, and sends it as a file."""
        working, record = self.path(f"asking/{name}.draft.json"), self.path(f"asking/{name}.record.json")
        said = json.loads(draft.read_bytes()) | {"dated": self.today()}
        working.write_text(json.dumps(said))
        checked = self.json("request", "check", working, "--instrument", instrument, "-o", record)
        assert checked["complete"], checked
        self.checked[name], self.sha256[name] = checked, checked["sha256"]
        self.act("asking", "request", "send-file", self.case("asking"), record, "--instrument", instrument,
                 "--out", self.path(f"wire/{name}.json"))  # fmt: skip

    def today(self) -> str:
        return datetime.fromtimestamp(self.now // 10**9, UTC).strftime("%Y-%m-%d")

    def longer(self, name: str, reference: str) -> None:
        """Lyon asks once more for what its first request asked."""
        draft = self.path(f"asking/{name}.extend.json")
        self.run("request", "extend", self.case("asking"), 1, "--reference", reference, "-o", draft)
        self.send(name, draft, "budapest-29")

    def take(self, name: str, received: str) -> int:
        """Bucharest takes a request in, and its receipt goes back at once; the entry."""
        receipt = self.path(f"wire/{name}.receipt.json")
        entered = self.act("asked", "request", "receive", self.case("asked"), self.path(f"wire/{name}.json"), "--received",
                           received, "--receipt", receipt, "--record", self.record(name), *self.believing("asked"))  # fmt: skip
        assert entered["not_checked"] == [], entered
        self.act("asking", "request", "acknowledge", self.case("asking"), receipt, *self.believing("asking"))
        return int(entered["entry"])

    def record(self, name: str) -> Path:
        """A request's record as Bucharest has it."""
        return self.path(f"asked/{name}.record.json")

    def answer(self, name: str, entry: int, *words: Any) -> Any:
        """Bucharest answers, and Lyon enters the answer."""
        out = self.path(f"wire/{name}.answer.json")
        said = self.act("asked", "request", "answer", self.case("asked"), entry, *words, "--out", out)
        self.act("asking", "request", "acknowledge", self.case("asking"), out, *self.believing("asking"))
        return said["answer"]

    def hold(self, command: str, *words: Any) -> Any:
        return self.act("asked", "hold", command, self.case("asked"), *words)

    def not_extended(self, name: str) -> str:
        """Why Bucharest cannot extend a hold without saying more."""
        return self.refusal("hold", "extend", self.case("asked"), "--name", name, *self.signed("asked", "bucharest"))

    # --- the story ------------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Play all of it."""
        self.prepare()
        self.ask()
        self.ask_for_longer()
        self.ask_under_another()
        self.produce()
        self.preserve_for_the_union()
        self.withdraw()
        self.produce_for_the_union()
        self.keep_for_the_union()

    def prepare(self) -> None:
        self.at("2026-09-01T08:00")
        for name in ("asking", "asked", "wire", "keys", "returned"):
            self.path(name).mkdir(parents=True)
        for name, person in PEOPLE.items():
            self.run("key", "new", self.key(name), "--name", person, "--no-passphrase")
        self.open("asking", "lyon.example/24-117", "lyon")
        self.open("asked", "bucharest.example/77", "bucharest")
        self.act("asked", "custody", "add", self.case("asked"), "identify", "--item", "EX-001",
                 "--description", "two mailboxes, at Example Mail")  # fmt: skip
        directory, draft = self.path("contacts.json"), self.path("contacts.toml")
        keys = {name: Path(f"{self.key(name)}.pub").read_text().strip() for name in PEOPLE}
        draft.write_text(CONTACTS.format(**keys))
        self.run("contacts", "sign", draft, "--signer", self.key("office"), "-o", directory)
        for side in SIDES:
            policy = self.path(f"{side}/policy")
            self.run("policy", "new", policy, *(f"--log={self.case(one)}" for one in SIDES))
            self.run("contacts", "enrol", directory, "--trust", f"{self.key('office')}.pub", "--policy", policy)

    def ask(self) -> None:
        """The request, its hold, and the first word of an answer."""
        self.at("2026-09-01T10:00")
        asked, draft = self.path("asking/asked.toml"), self.path("asking/asked.json")
        asked.write_text(ASKED)
        self.run("request", "new", "--instrument", "budapest-29", "--from", asked, "--contact", self.path("contacts.json"),
                 "--to-contact", "RO", "--trust", f"{self.key('office')}.pub", "-o", draft)  # fmt: skip
        self.send("first", draft, "budapest-29")
        self.look("sent")
        self.at("2026-09-01T14:00")
        entry = self.take("first", "2026-09-01T13:30Z")
        self.hold("open", "--item", "EX-001", "--instrument", "budapest-29", "--received", "2026-09-01T13:30Z",
                  "--request", self.record("first"))  # fmt: skip
        self.answer("first", entry, "--outcome", "received", "--ticket", "RO-77")
        self.look("held")
        self.at("2026-10-02T00:00")
        self.look("half")

    def ask_for_longer(self) -> None:
        """Twice: the first one is entered when the hold has lapsed; no table says how long either is."""
        self.at("2026-10-25T09:00")
        self.longer("longer", "24-117/2")
        self.look("last week")
        self.at("2026-11-02T08:00")
        self.look("lapsed")
        self.at("2026-11-03T09:00")
        entry = self.take("longer", "2026-10-29T08:00Z")
        assert self.not_extended("budapest-29-1") == "U301"
        said = self.hold("extend", "--name", "budapest-29-1", "--until", "2026-12-30T13:30Z",
                         "--request", self.record("longer"), "--authority", "decision 5")  # fmt: skip
        assert [late["since"] for late in said["had_lapsed"]] == ["2026-10-31T13:30:00.000000000Z"]
        self.answer("longer", entry, "--outcome", "executed", "--ticket", "RO-77/2")
        self.look("extended")
        self.at("2026-12-21T09:00")
        self.longer("longer still", "24-117/3")
        self.take("longer still", "2026-12-21T09:00Z")
        said = self.hold("extend", "--name", "budapest-29-1", "--until", "2027-02-28T13:30Z",
                         "--request", self.record("longer still"), "--authority", "decision 6")  # fmt: skip
        assert said["had_lapsed"] == []
        self.look("extended again")

    def ask_under_another(self) -> None:
        """The same data under the UN convention: another hold beside the first."""
        self.at("2027-01-05T09:00")
        self.once_more("other", "24-117/4", "un-42")
        self.take("other", "2027-01-05T09:00Z")
        self.hold("open", "--item", "EX-001", "--instrument", "un-42", "--received", "2027-01-05T09:00Z",
                  "--request", self.record("other"))  # fmt: skip
        self.look("under another")

    def produce(self) -> None:
        """The provider returns one account of two; what is there goes to Lyon as a package."""
        self.at("2027-01-20T10:00")
        entry = self.seen["under another"]["asked"]["status"]["requests"][3]["entry"]
        self.path("returned/traffic.csv").write_text(RETURNED)
        case, record, package = self.case("asked"), self.record("other"), self.path("wire/EX-002.tar")
        self.sealed = self.act("asked", "acquire", case, self.path("returned"), "--exhibit", "EX-002",
                               "--provider-return", record, "--no-identify")  # fmt: skip
        made = self.act("asked", "export", case, package, "--item", "EX-002", "--to", f"{self.key('lyon')}.pub",
                        "--request", record)  # fmt: skip
        self.package = made["package"]
        self.answer("other", entry, "--outcome", "partial", "--ground", f"Example Mail knows no account {BOB}",
                    "--identifier", f"email:{JANE}=produced", "--identifier", f"email:{BOB}=not_found",
                    "--package", self.package)  # fmt: skip
        receipt = self.path("wire/EX-002.receipt.json")
        self.act(
            "asking", "receive", package, "--into", self.case("asking"), "--receipt", receipt, *self.believing("asking")
        )
        self.act("asked", "custody", "receipt", case, receipt, *self.believing("asked"))
        self.look("answered")

    def once_more(self, name: str, reference: str, instrument: str) -> None:
        """Lyon asks for the same under another instrument: all that it once filled in stands in the new draft."""
        draft = self.path(f"asking/{name}.json")
        self.run("request", "new", "--instrument", instrument, "--from", self.path("asking/asked.json"),
                 "--set", f"reference={reference}", "-o", draft)  # fmt: skip
        self.send(name, draft, instrument)

    def preserve_for_the_union(self) -> None:
        """Neither the record nor the paper says what the case is about."""
        self.at("2027-02-01T09:00")
        self.once_more("union", "24-117/5", "eu-preservation")
        self.take("union", "2027-02-01T09:00Z")
        self.hold("open", "--item", "EX-001", "--instrument", "eu-preservation", "--received", "2027-02-01T09:00Z",
                  "--request", self.record("union"))  # fmt: skip
        self.look("for the union")

    def withdraw(self) -> None:
        """Lyon takes its first request back; Bucharest lets go of what rested on the first four."""
        self.at("2027-02-20T09:00")
        withdrawal = self.path("wire/withdrawal.json")
        self.act("asking", "request", "withdraw", self.case("asking"), 1, "--reason", "done", "--out", withdrawal)
        self.act("asked", "request", "receive", self.case("asked"), withdrawal, *self.believing("asked"))
        for name in ("budapest-29-1", "un-42-1"):
            self.hold("release", "--name", name, "--authority", "letter of Lyon")
        self.look("withdrawn")

    def produce_for_the_union(self) -> None:
        """An order to produce, with ten days for an answer: it comes later."""
        self.at("2027-03-01T09:00")
        self.once_more("order", "24-117/6", "eu-production")
        entry = self.take("order", "2027-03-01T10:00+01:00")
        self.look("ordered")
        self.at("2027-03-12T09:00")
        self.look("overdue")
        self.answer("order", entry, "--outcome", "refused", "--ground", "an immunity, Article 12(1)", "--no-holds")
        self.look("refused")

    def keep_for_the_union(self) -> None:
        """Once by the table, which allows no second time; that one by an authority."""
        self.at("2027-03-25T09:00")
        self.hold("extend", "--name", "eu-preservation-1")
        self.look("by the table")
        assert self.not_extended("eu-preservation-1") == "R580"
        self.at("2027-04-28T09:00")
        self.hold("extend", "--name", "eu-preservation-1", "--authority", "order 9 of the court")
        self.look("by an authority")
