"""`evidencekit receive`, `custody receipt` of a package, `compare` of packages, `export --package`: one document each."""

from __future__ import annotations

import json
import shutil
import subprocess

import pyrage
import pytest

from evidencekit.seal.logkeys import save_log_keys

LAB, PARTNER = "lab.example/7", "partner.example/9"


@pytest.fixture(scope="module")
def parties(rc, tmp_path_factory):
    folder = tmp_path_factory.mktemp("parties")
    for name, origin in (("lab", LAB), ("partner", PARTNER)):
        office = rc.Office(folder / f"{name}keys", origin)
        office.open(folder / name, identity=name.encode().ljust(16, b"."))
        save_log_keys(office.keys, folder / f"{name}.pem")
        if name == "lab":
            (folder / "source/docs").mkdir(parents=True)
            for file in ("letter.txt", "plan.pdf", "docs/note.txt"):
                (folder / "source" / file).write_text(f"content of {file}")
            for exhibit in ("EX-001", "EX-002"):
                office.acquire(folder / name, folder / "source", exhibit, types=False)
    return folder


class Desk:
    """Copies of both cases, and the commands of who sits there."""

    def __init__(self, parties, folder, cli):
        self.parties, self.folder, self.cli = parties, folder, cli

    def signed(self, who):
        return ["--signer", self.parties / f"{who}keys/examiner", "--log-key", self.parties / f"{who}.pem"]

    def run(self, *arguments, code=0):
        done = self.cli(*arguments)
        assert done.code == code, (arguments, done.out.decode(), done.err.decode())
        return done

    def json(self, *arguments, code=0):
        return json.loads(self.run(*arguments, "--json", code=code).out)

    def export(self, out, *more):
        return self.json("export", self.folder / "lab", self.folder / out, *more, *self.signed("lab"))

    def receive(self, out, *more, code=0):
        where = ["--into", self.folder / "partner", "--receipt", self.folder / "receipt.json"]
        return self.json("receive", self.folder / out, *where, *more, *self.signed("partner"), code=code)


@pytest.fixture
def desk(parties, tmp_path, cli):
    for name in ("lab", "partner"):
        shutil.copytree(parties / name, tmp_path / name)
    return Desk(parties, tmp_path, cli)


def test_there_and_back(desk):
    made = desk.export("OUT.tar", "--item", "EX-001")
    done = desk.receive("OUT.tar", "--as", "EX-001=P-1", "--place", "Room 4")
    assert (done["package"], done["items"], done["transfer"]) == (made["package"], ["P-1"], made["transfer"])
    assert "place" not in done["not_stated"]
    entered = desk.json("custody", "receipt", desk.folder / "lab", desk.folder / "receipt.json", *desk.signed("lab"))
    assert (entered["type"], entered["items"]) == ("receipt", ["EX-001"])
    again = desk.json(
        "custody", "receipt", desk.folder / "lab", desk.folder / "receipt.json", *desk.signed("lab"), code=5
    )
    assert again["error"]["code"] == "R573"
    desk.run("receive", "--again", done["entry"], "--into", desk.folder / "partner", "--receipt", desk.folder / "copy")
    assert (desk.folder / "copy").read_bytes() == (desk.folder / "receipt.json").read_bytes()
    assert desk.json("verify", desk.folder / "partner", code=7)["counts"]["packages"] == 1
    assert desk.json("verify", desk.folder / "lab", code=7)["verdict"] == "INTEGRITY ONLY"


def test_a_new_case_is_opened(desk):
    desk.export("OUT")
    where = [
        "--into",
        desk.folder / "new",
        "--receipt",
        desk.folder / "r",
        "--signer",
        desk.parties / "partnerkeys/examiner",
    ]
    done = desk.run("receive", desk.folder / "OUT", *where, "--log-key", desk.folder / "new.pem", "--reference", "P-55")
    assert b"back them up" in done.out
    case = json.loads((desk.folder / "new/case.json").read_bytes())
    assert (case["reference"], case["agency"]) == ("P-55", "unknown")
    assert case["origin"].startswith("case.invalid/")
    desk.export("SECOND")
    where[3] = desk.folder / "r2"
    other = ["--log-key", desk.folder / "new.pem", "--reference", "P-56"]
    assert desk.json("receive", desk.folder / "SECOND", *where, *other, code=2)["error"]["code"] == "U293"
    desk.run("receive", desk.folder / "SECOND", *where, "--log-key", desk.folder / "new.pem", "--reference", "P-55")


@pytest.mark.parametrize(
    "more", [["--as", "EX-001=../x"], ["--accept", "EX-009"], ["--refuse", "EX-001"], ["--origin", "x"]]
)
def test_no_case_is_opened_for_what_cannot_be(desk, more):
    desk.export("OUT")
    signer = ["--signer", desk.parties / "partnerkeys/examiner", "--log-key", desk.folder / "new.pem"]
    where = ["--into", desk.folder / "new", "--receipt", desk.folder / "r"]
    desk.run("receive", desk.folder / "OUT", *where, *signer, *more, code=2)
    assert not any((desk.folder / name).exists() for name in ("new", "new.pem", "r"))


def test_a_package_that_fails_opens_no_case(desk):
    desk.export("OUT")
    (desk.folder / "OUT/data/EX-001/letter.txt").write_text("other")
    where = ["--into", desk.folder / "new", "--receipt", desk.folder / "r", "--log-key", desk.folder / "new.pem"]
    signer = ["--signer", desk.parties / "partnerkeys/examiner"]
    done = desk.json("receive", desk.folder / "OUT", *where, *signer, code=3)
    assert "FAILED" in done["error"]["message"]
    assert not any((desk.folder / name).exists() for name in ("new", "new.pem", "r"))


def test_encrypted(desk):
    keys = [pyrage.x25519.Identity.generate() for _ in range(2)]
    for number, key in enumerate(keys):
        (desk.folder / f"key{number}").write_text(f"{key}\n")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", desk.folder / "ssh"], check=True)
    line = (desk.folder / "ssh.pub").read_text()
    desk.export("OUT.age", "--encrypt-to", keys[0].to_public(), "--encrypt-to", line)
    assert b"content of" not in (desk.folder / "OUT.age").read_bytes()
    assert desk.receive("OUT.age", code=2)["error"]["code"] == "U291"
    assert desk.receive("OUT.age", "--identity", desk.folder / "key1", code=4)["error"]["code"] == "X491"
    desk.run("verify", desk.folder / "OUT.age", "--identity", desk.folder / "ssh", code=7)
    done = desk.receive("OUT.age", "--identity", desk.folder / "key0")
    place = desk.folder / "partner/packages" / done["package"] / "data/EX-001/letter.txt"
    assert place.read_text() == "content of letter.txt"


def test_two_exports_compared(desk):
    desk.export("A", "--item", "EX-001", "--glob", "*.txt", "--withhold", "metadata")
    desk.export("B.zip", "--glob", "letter.txt", "--glob", "plan.pdf")
    rows = desk.json("compare", desk.folder / "A", desk.folder / "B.zip")
    assert rows["relation"] == "extended_by"
    assert rows["exports"]["rows"] == {"added": 3, "altered": 0, "equal": 0, "opened": 1, "removed": 1, "withheld": 0}
    assert rows["exports"]["items"] == {"added": ["EX-002"], "removed": []}
    back = desk.json("compare", desk.folder / "B.zip", desk.folder / "A")["exports"]["rows"]
    assert back == {"added": 1, "altered": 0, "equal": 0, "opened": 0, "removed": 3, "withheld": 1}
    same = desk.json("compare", desk.folder / "A", desk.folder / "A")
    assert (same["relation"], same["exports"]["rows"]["equal"]) == ("equal", 2)
    told = {one["where"]: one["groups"] for one in rows["exports"]["listed"]}
    assert told["EX-001:letter.txt"] == ["metadata"]


def test_an_export_and_its_case(desk):
    desk.export("A", "--item", "EX-001", "--glob", "*.txt", "--withhold", "metadata")
    found = desk.json("compare", desk.folder / "A", desk.folder / "lab")["exports"]
    assert found["rows"] == {"added": 8, "altered": 0, "equal": 0, "opened": 2, "removed": 0, "withheld": 0}
    back = desk.json("compare", desk.folder / "lab", desk.folder / "A")["exports"]
    assert back["rows"] == {"added": 0, "altered": 0, "equal": 0, "opened": 0, "removed": 8, "withheld": 2}
    assert "EX-001:docs/note.txt" in desk.run("compare", desk.folder / "lab", desk.folder / "A").out.decode()
    assert desk.json("compare", desk.folder / "A", desk.folder / "partner", code=4)["relation"] == "unrelated"


def test_passed_on(desk):
    made = desk.export("OUT")
    desk.receive("OUT")
    where = ["--package", made["package"][:16], *desk.signed("partner")]
    done = desk.json("export", desk.folder / "partner", desk.folder / "ON.zip", *where, "--glob", "*.pdf")
    assert (done["previous"], done["verdict"]) == (made["package"], "INTEGRITY ONLY")
    assert desk.json("verify", desk.folder / "ON.zip", code=7)["counts"]["rows"] == 2
    for more in (["--smaller", "9"], ["--full"], ["--rows", "EX-001:docs"]):
        refused = desk.json("export", desk.folder / "partner", desk.folder / "NO", *where, *more, code=2)
        assert refused["error"]["code"] == "U294"


def test_a_package_is_passed_on_with_groups_withheld_after_a_plan(desk):
    made = desk.export("OUT.tar", "--item", "EX-001")
    desk.receive("OUT.tar", "--as", "EX-001=P-1")
    case, out = desk.folder / "partner", desk.folder / "ON"
    chosen = ["--package", made["package"][:16], "--withhold", "metadata:privacy"]
    before = sorted(desk.folder.iterdir())
    plan = desk.json("export", case, *chosen, "--plan")
    said = desk.run("export", case, *chosen, "--plan").out.decode()
    assert sorted(desk.folder.iterdir()) == before
    assert plan["previous"] == made["package"]
    assert [(one["group"], one["ground"], one["item"]) for one in plan["withheld"]] == [("metadata", "privacy", "P-1")]
    assert "nothing was written: this is a plan" in said
    assert "withheld  metadata of" in said
    done = desk.json("export", case, out, *chosen, *desk.signed("partner"))
    assert done["withheld"] == plan["withheld"]
    assert desk.json("verify", out, "--digest", done["package"], code=7)["aspects"]["completeness"]["status"] == "ok"
    desk.run("verify", out, "--digest", made["package"], code=3)  # of the package that is in it: another one
    for more in (["--hash", "0" * 64], ["--after", "2020-01-01"], ["--full"], ["--sql", "1"]):
        refused = desk.json("export", case, desk.folder / "NO", *chosen[:2], *more, *desk.signed("partner"), code=2)
        assert refused["error"]["code"] == "U294"
