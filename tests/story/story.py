"""Three parties in three folders, by the commands that they would type: a field team, a laboratory, a foreign partner.

    field/    seizes two sticks, offers both to the laboratory's keeper, who takes one and refuses the other at the door
    lab/      adopts the field team's case; lends, has it analysed and returned; corrects; changes a key; has the log
              time-stamped by two authorities and cosigned by the partner; destroys what a court orders
    partner/  is the witness of the laboratory's log, and takes over a copy of one item into a case of its own

Each has a policy of its own. `Story.build` returns what the tests of this folder attack.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from evidencekit.cli.main import evidencekit
from evidencekit.errors import EvidenceError

FIELD, LAB, PARTNER = "field.example/24-117", "lab.example/1007", "partner.example/7"
PERSONS = {
    "officer": "officer@field.example",
    "keeper": "keeper@lab.example",
    "analyst": "analyst@lab.example",
    "liaison": "liaison@partner.example",
    "judge": "judge@court.example",
    "keeper2": "keeper@lab.example",
}
"""Names of keys, and whose they are: the keeper gets a second one."""


CONFIG = """
[req]
distinguished_name = name
prompt = no
[name]
CN = {name}
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[stamper]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/stamper.pem
certs = {folder}/root.pem
signer_key = {folder}/stamper.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """A time-stamp authority, as openssl makes one."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, name: str) -> Authority:
        """Make its root and the certificate that stamps."""
        folder.mkdir(parents=True)
        self = cls(folder)
        (folder / "openssl.cnf").write_text(CONFIG.format(folder=folder, name=name))
        (folder / "serial").write_text("01\n")
        new = ("req", "-new", "-newkey", "rsa:2048", "-nodes", "-config", "openssl.cnf")
        self.openssl(*new, "-x509", "-days", "3650", "-extensions", "root", "-keyout", "root.key", "-out", "root.pem")
        self.openssl(*new, "-subj", f"/CN={name} stamper", "-keyout", "stamper.key", "-out", "stamper.csr")
        self.openssl("x509", "-req", "-in", "stamper.csr", "-CA", "root.pem", "-CAkey", "root.key", "-days", "3000",
                     "-CAcreateserial", "-extfile", "openssl.cnf", "-extensions", "stamper", "-out", "stamper.pem")  # fmt: skip
        return self

    def openssl(self, *arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def answer(self, request: Path) -> Path:
        """Answer a request."""
        self.openssl("ts", "-reply", "-config", "openssl.cnf", "-queryfile", str(request), "-out", "answer.tsr")
        return self.folder / "answer.tsr"


@dataclass
class Story:
    """Where it plays, and what it came to."""

    folder: Path
    said: list[tuple[list[str], int, str]] = field(default_factory=list)
    """Each command with its exit code and output."""
    vkey: str = ""
    """Of the partner's witness."""

    def run(self, *arguments: Any, code: int | None = 0) -> str:
        """Run a command as it would be typed; its exit code must be the one expected, if one is."""
        words = [str(word) for word in arguments]
        runner = CliRunner()
        result = runner.invoke(evidencekit, words, standalone_mode=False)
        found = result.return_value if isinstance(result.return_value, int) else 0
        if isinstance(result.exception, EvidenceError):
            found = result.exception.exit_code
        elif result.exception is not None:
            raise result.exception
        self.said.append((words, found, result.output))
        assert code in {None, found}, (words, found, result.output, result.exception)
        return result.output

    def json(self, *arguments: Any, code: int | None = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code))

    def path(self, name: str) -> Path:
        return self.folder / name

    def key(self, name: str) -> Path:
        return self.folder / "keys" / name

    def verify(self, case: str, policy: str | None = None, *more: Any, code: int | None = 0) -> Any:
        chosen = [] if policy is None else ["--policy", self.path(policy)]
        return self.json("verify", self.path(case), *chosen, *more, code=code)

    # --- the parties ---------------------------------------------------------------------------------------------

    def build(self) -> None:
        """Play all of it."""
        self.prepare()
        self.seize()
        self.hand_over()
        self.work_in_the_laboratory()
        self.attest()
        self.give_to_the_partner()
        self.dispose()
        self.attest()
        self.trust()

    def prepare(self) -> None:
        for name in ("field", "lab", "partner", "keys"):
            self.path(name).mkdir(parents=True)
        for name, person in PERSONS.items():
            self.run("key", "new", self.key(name), "--name", person, "--no-passphrase")
        for name in ("stick1", "stick2", "image"):
            source = self.path(f"sources/{name}")
            (source / "docs").mkdir(parents=True)
            for number in range(4):
                (source / f"docs/{number}.txt").write_text(f"{name}, letter {number}\n")

        for name in ("city", "state"):
            Authority.make(self.path(f"authorities/{name}"), name)
        made = self.json("checkpoint", "witness-key", self.path("partner/witness"), "--name", "partner.example/witness")
        self.vkey = made["vkey"]

    def signed(self, party: str, person: str) -> list[str]:
        """Options of who signs, and with which log keys."""
        return ["--signer", str(self.key(person)), "--log-key", str(self.path(f"{party}/log.pem"))]

    def open(self, party: str, origin: str, person: str) -> None:
        self.run("init", self.path(f"{party}/case"), "--reference", origin, "--agency", party, "--origin", origin,
                 *self.signed(party, person))  # fmt: skip

    def seize(self) -> None:
        """The field team takes two sticks, seals them, and puts both into bags."""
        self.open("field", FIELD, "officer")
        case, signed = self.path("field/case"), self.signed("field", "officer")
        for exhibit, stick in (("EX-001", "stick1"), ("EX-002", "stick2")):
            self.run("acquire", case, self.path(f"sources/{stick}"), "--exhibit", exhibit, *signed)
        self.run("custody", "add", case, "physical_seal", "--item", "EX-001", "--item", "EX-002", "--seals", "S-1",
                 "--place", "12 Example Street", "--purpose", "transport", *signed)  # fmt: skip

    def hand_over(self) -> None:
        """The laboratory takes one stick by an answer from its own log, and the other with the whole field case."""
        field, lab = self.path("field/case"), self.path("lab/case")
        self.open("lab", LAB, "keeper")
        self.run("acquire", lab, self.path("sources/image"), "--exhibit", "EX-100", *self.signed("lab", "keeper"))
        offer, answer = self.path("offer1.json"), self.path("answer1.json")
        self.run("custody", "offer", field, "--item", "EX-001", "--item", "EX-002", "--to", f"{self.key('keeper')}.pub",
                 "--purpose", "analysis", "--out", offer, *self.signed("field", "officer"))  # fmt: skip
        self.run("custody", "accept", lab, offer, "--refuse", "EX-002:the bag is torn", "--digests", "full",
                 "--out", answer, *self.signed("lab", "keeper"))  # fmt: skip
        self.run("custody", "receipt", field, answer, *self.signed("field", "officer"))
        self.run("custody", "offer", field, "--item", "EX-002", "--to", f"{self.key('keeper')}.pub",
                 "--purpose", "analysis", "--out", self.path("offer2.json"), *self.signed("field", "officer"))  # fmt: skip
        self.run("custody", "adopt", lab, field, "--as", "field", *self.signed("lab", "keeper"))
        shutil.copytree(field, self.path("field/later"))  # what a dishonest field team would go on with
        self.run("custody", "add", self.path("field/later"), "view", "--item", "EX-002", "--place", "the car",
                 "--purpose", "curiosity", *self.signed("field", "officer"))  # fmt: skip

    def work_in_the_laboratory(self) -> None:
        lab, keeper, analyst = self.path("lab/case"), self.signed("lab", "keeper"), self.signed("lab", "analyst")
        item = ["--item", "field/EX-002"]
        self.run("custody", "add", lab, "store", *item, "--place", "Room 4", "--purpose", "keep", *keeper)
        self.run("custody", "add", lab, "loan", *item, "--to", f"{self.key('analyst')}.pub", "--due", "2031-01-01",
                 "--place", "Room 4", "--purpose", "analysis", *keeper)  # fmt: skip
        self.run("custody", "add", lab, "analyse", *item, "--tool", "a viewer", "--place", "Room 5", *analyst)
        self.run("custody", "add", lab, "return", *item, "--place", "Room 4", *analyst)
        self.run("custody", "add", lab, "correct", *item, "--corrects", self.newest("lab", "analyse"),
                 "--text", "it was done in Room 6", *analyst)  # fmt: skip
        self.run("custody", "add", lab, "key_add", "--public-key", f"{self.key('keeper2')}.pub", "--id", PERSONS["keeper2"],
                 "--replaces", self.fingerprint("keeper"), "--reason", "yearly", "--second-signer", self.key("keeper2"),
                 *keeper)  # fmt: skip

    def size(self, party: str) -> int:
        """How many entries its log has."""
        return len(list(self.path(f"{party}/case/custody").iterdir()))

    def newest(self, party: str, kind: str) -> int:
        """The newest entry of a type."""
        entries = [int(path.parent.name) for path in self.path(f"{party}/case/custody").glob("*/event.json")
                   if json.loads(path.read_bytes())["type"] == kind]  # fmt: skip
        return max(entries)

    def fingerprint(self, name: str) -> str:
        told = subprocess.run(
            ["ssh-keygen", "-l", "-f", f"{self.key(name)}.pub"], capture_output=True, text=True, check=True
        )
        return told.stdout.split()[1]

    def attest(self) -> None:
        """Two authorities say when the log was so; the partner's witness cosigns it: all by files."""
        lab, signed = self.path("lab/case"), self.signed("lab", "keeper2")
        for name in ("city", "state"):
            authority = Authority(self.path(f"authorities/{name}"))
            request = authority.folder / f"{self.size('lab')}.tsq"
            self.run("checkpoint", "timestamp", lab, "--request-out", request)
            self.run("checkpoint", "timestamp", lab, "--response-in", authority.answer(request), "--request", request,
                     "--name", name, *signed)  # fmt: skip
        cosigned = self.path(f"partner/{self.size('lab')}.cosigned")
        self.run("checkpoint", "cosign", lab, "--witness-key", self.path("partner/witness"),
                 "--state", self.path("partner/state"), "-o", cosigned)  # fmt: skip
        self.run("checkpoint", "import", lab, cosigned, *signed)

    def give_to_the_partner(self) -> None:
        """The partner takes an item over into a case of its own, and the answer comes back."""
        lab, partner = self.path("lab/case"), self.path("partner/case")
        self.open("partner", PARTNER, "liaison")
        offer, answer = self.path("offer3.json"), self.path("answer3.json")
        self.run("custody", "offer", lab, "--item", "EX-100", "--to", f"{self.key('liaison')}.pub", "--purpose",
                 "trial", "--out", offer, *self.signed("lab", "keeper2"))  # fmt: skip
        self.run("custody", "accept", partner, offer, "--as", "EX-100=LAB-100", "--digests", "sample", "--out", answer,
                 *self.signed("partner", "liaison"))  # fmt: skip
        self.run(
            "acquire", partner, self.path("sources/image"), "--exhibit", "LAB-100", *self.signed("partner", "liaison")
        )
        self.run("custody", "receipt", lab, answer, *self.signed("lab", "keeper2"))

    def dispose(self) -> None:
        lab, signed = self.path("lab/case"), self.signed("lab", "keeper2")
        self.run("custody", "add", lab, "dispose", "--item", "EX-001", "--place", "Room 4", "--purpose", "order",
                 "--authority", "order 7", "--method", "shredded", "--witness", f"{self.key('judge')}.pub", *signed)  # fmt: skip
        self.run(
            "custody", "add", lab, "store", "--item", "field/EX-002", "--place", "Room 9", "--purpose", "keep", *signed
        )

    def trust(self) -> None:
        """Each party's own policy: whose keys are whose, learned over channels of its own."""
        known = [f"--trust={PERSONS[name]}={self.key(name)}.pub" for name in PERSONS]
        roots = []
        for name in ("city", "state"):
            shutil.copy(self.path(f"authorities/{name}/root.pem"), self.path(f"authorities/{name}.pem"))
            roots.append(f"--tsa={self.path(f'authorities/{name}.pem')}")
        logs = [f"--log={self.path(f'{name}/case')}" for name in ("field", "lab", "partner")]
        self.run("policy", "new", self.path("field/policy"), *known, *logs[:2])
        self.run("policy", "new", self.path("lab/policy"), *known, *logs, *roots, "--require", "time")
        self.run("policy", "new", self.path("partner/policy"), *known, *logs, *roots,
                 "--witness", f"partner={self.vkey}", "--require", "time", "--require", "witness")  # fmt: skip
