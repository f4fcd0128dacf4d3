"""Lists both ways: ours before hashdeep, sha256sum and b3sum, theirs before `match`; names of any bytes."""

from __future__ import annotations

import hashlib
import os
import random
import subprocess

import pytest

from evidencekit.acquire.match import Asked
from evidencekit.acquire.options import Options
from evidencekit.catalogue.listing import list_lines
from evidencekit.journeys.match import ListMatch, match_list
from evidencekit.verify.verifier import verify_case

ALL = ("blake3", "md5", "sha1", "sha256", "sha3_256", "sha512")
ODD = (
    *(b"plain", b" lead", b"trail ", b"with,comma,", b'"q"', b"'", b"back\\slash", b"trail\\", b"\\", b"\\n"),
    *(b"caf\xe9", b"\xff\xfe", "ü日本".encode(), "e\u0301".encode(), b"-", b"--", b"-n", b"*star", b"#hash", b"## c"),
    *(b"%%%% HASHDEEP-1.0", b"%%%% size,md5,filename", b"U+0041", b"x\ty", b"mid\rdle", b"\rlead", b"esc\x1b[31m"),
    *(
        b"a = b",
        b"x) = y",
        b"(x",
        b"SHA256 (a) = 0",
        b"0" * 64 + b"  name",
        b"\x01",
        b"\x7f",
        b"\xc2\x85",
        b"\xe2\x80\xae",
    ),
    *(b"new\nline", b"\n", b"end\n", b"cr\r", b"\r", b"crlf\r\n", b"\xef\xbf\xbd"),
)


class Seized:
    """A folder of files with names of any bytes, and the case in which it is sealed."""

    def __init__(self, rc, folder):
        self.case, self.source, self.office = folder / "case", folder / "seized", rc.Office(folder / "office")
        self.actor, self.program = rc.actor(self.office.signer), rc.PROGRAM
        self.source.mkdir()
        dice = random.Random(7)
        names = [bytes(dice.choice(range(1, 256)) for _ in range(dice.randrange(1, 40))) for _ in range(150)]
        names = [*ODD, *(name for name in names if b"/" not in name and name not in {b".", b".."})]
        for place, name in enumerate(names):
            folder = os.fsencode(self.source) + (b"/sub,\\ \xff" if place % 3 == 0 else b"")
            os.makedirs(folder, exist_ok=True)
            with open(folder + b"/" + name, "wb") as file:
                file.write(b"content of " + name)
        deep = os.fsencode(self.source)
        for depth in range(13):  # past what hashdeep reads as one line
            deep += b"/" + b"d" * 150
            os.mkdir(deep)
            with open(deep + b"/f", "wb") as file:
                file.write(b"%d" % depth)
        for length in (12, 13, 14, 15):  # the first two just fit
            with open(deep + b"/" + b"x" * length, "wb") as file:
                file.write(b"x" * length)
        self.office.open(self.case)
        self.office.acquire(self.case, self.source, options=Options(digests=ALL), types=False)

    def files(self):
        """Paths of all files, relative, as bytes."""
        top = os.fsencode(self.source)
        return [os.path.relpath(os.path.join(at, name), top) for at, _, names in os.walk(top) for name in names]

    def listed(self, form):
        listing = list_lines(self.case, form)
        return b"".join(listing.lines), listing

    def run(self, *command, data=None, code=0):
        done = subprocess.run(
            command, input=data, cwd=self.source, capture_output=True, check=False,
            env=os.environ | {"LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == code, (done.stdout[-1500:], done.stderr[-1500:])
        return done.stdout

    def match(self, data, folder, **asked):
        (folder / "list").write_bytes(data)
        with match_list(
            self.office.ledger(self.case), ListMatch(Asked(folder / "list", **asked), self.program),
            signer=self.office.signer, actor=self.actor, clock=lambda: 10**18, random=os.urandom, utc_offset_min=None,
        ) as done:  # fmt: skip
            totals = done.matched.taken.header_record["totals"]
            about = done.matched.taken.header_record["match"]
            assert list((self.case / "work").glob(".tmp-*"))
            found = {name: int(count) for name, count in totals.items() if count != "0"}
            answers = [(answer.path, answer.index) for answer in done.matched.answers()]
        assert not list((self.case / "work").iterdir())
        return found, about, answers


@pytest.fixture(scope="module")
def seized(rc, tmp_path_factory):
    return Seized(rc, tmp_path_factory.mktemp("lists"))


# --- ours, before other tools -------------------------------------------------------------------------------------


def hashdeep_cannot(path):
    """What no hashdeep list can say: its lines are not escaped, and have 2,047 bytes with their end at most."""
    return b"\n" in path or path.endswith(b"\r")


@pytest.mark.judge("hashdeep")
def test_hashdeep_audits_our_list(seized, tmp_path):
    data, listing = seized.listed("hashdeep")
    unlisted = {one.path for one in listing.unlisted}
    long = {path for path in seized.files() if len(path) > 1900}
    assert {path for path in seized.files() if hashdeep_cannot(path)} == unlisted - long
    assert unlisted & long
    assert long - unlisted
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", seized.source, copy], check=True)
    for path in unlisted:
        os.unlink(os.fsencode(copy) + b"/" + path)
    (tmp_path / "list").write_bytes(data)
    audit = ["bash", "-c", 'hashdeep -r -l -a -vv -k <(cat "$0") .', tmp_path / "list"]
    done = subprocess.run(audit, cwd=copy, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-1500:]
    assert b"Audit passed" in done.stdout
    assert b"Files matched: %d" % listing.listed in done.stdout
    with open(copy / "plain", "ab") as file:
        file.write(b"!")
    assert subprocess.run(audit, cwd=copy, capture_output=True, check=False).returncode == 1


@pytest.mark.judge("hashdeep")
def test_what_our_list_leaves_out_hashdeep_cannot_read(seized, tmp_path):
    _, listing = seized.listed("hashdeep")
    for one in listing.unlisted:
        (top := tmp_path / str(one.index)).mkdir()
        place = os.fsencode(top / "x") + b"/" + one.path
        os.makedirs(os.path.dirname(place))
        with open(os.fsencode(seized.source) + b"/" + one.path, "rb") as file, open(place, "wb") as copy:
            copy.write(content := file.read())
        line = b"%d,%s,./%s\n" % (len(content), hashlib.sha256(content).hexdigest().encode(), one.path)
        (top / "list").write_bytes(b"%%%% HASHDEEP-1.0\n%%%% size,sha256,filename\n" + line)
        audit = subprocess.run(
            ["hashdeep", "-r", "-l", "-a", "-k", "../list", "."], cwd=top / "x", capture_output=True, check=False
        )
        assert audit.returncode != 0, one


@pytest.mark.parametrize("program", ["sha256sum", "sha512sum", "sha1sum", "md5sum"])
def test_coreutils_check_every_name(seized, judge, program):
    judge(program)
    data, listing = seized.listed(program)
    assert listing.unlisted == []
    found = seized.run(program, "-c", "--strict", data=data)
    assert found.count(b": OK\n") == listing.listed == len(seized.files())


@pytest.mark.judge("b3sum")
def test_b3sum_checks_every_name_that_it_can_read(seized):
    data, listing = seized.listed("b3sum")
    found = seized.run("b3sum", "-c", data=data)
    assert found.count(b": OK\n") == listing.listed == len(seized.files()) - len(listing.unlisted)
    assert {b"caf\xe9", b"cr\r", b"\xef\xbf\xbd"} & {one.path.rpartition(b"/")[2] for one in listing.unlisted}


# --- theirs, before us --------------------------------------------------------------------------------------------


def all_the_same(seized, data, folder, *digests, **asked):
    found, about, _ = seized.match(data, folder, **asked)
    count = len(seized.files())
    assert found == {"rows": count, "same": count}
    assert (about["entries"], about["missing"], about["unreadable_lines"]) == (str(count), "0", "0")
    assert about["digests"] == sorted(digests)
    return about["mapping"]


SUMS = [("sha256sum", "sha256"), ("md5sum", "md5"), ("sha1sum", "sha1"), ("sha512sum", "sha512")]


@pytest.mark.parametrize(("program", "digest"), SUMS)
def test_lists_of_coreutils(seized, judge, tmp_path, program, digest):
    judge(program)
    for options in ((), ("-b",), ("--tag",)):
        data = seized.run("find", ".", "-type", "f", "-exec", program, *options, "--", "{}", "+")
        all_the_same(seized, data, tmp_path, digest)


@pytest.mark.judge("sha256sum")
@pytest.mark.parametrize(("inside", "remove"), [("{0}", "{0}/"), ("../seized", "../seized/")])
def test_lists_with_the_path_of_the_source(seized, tmp_path, inside, remove):
    source = str(seized.source)
    data = seized.run("find", inside.format(source), "-type", "f", "-exec", "sha256sum", "--", "{}", "+")
    mapping = all_the_same(seized, data, tmp_path, "sha256", strip=b"../seized" if ".." in inside else b"")
    assert mapping["remove"] == remove.format(source)


@pytest.mark.judge("b3sum")
def test_a_list_of_b3sum(seized, tmp_path):
    data = seized.run("find", ".", "-type", "f", "-exec", "b3sum", "--", "{}", "+")
    found, about, answers = seized.match(data, tmp_path, form="b3sum")
    bent = {path for path in seized.files() if not utf8(path)}  # b3sum puts a replacement character into these
    assert found == {"moved": len(bent), "rows": len(seized.files()), "same": len(seized.files()) - len(bent)}
    assert {path for path, _ in answers} == bent
    assert (about["missing"], about["unreadable_lines"]) == ("0", "0")


def utf8(path):
    try:
        path.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.judge("hashdeep")
@pytest.mark.parametrize("kinds", ["md5,sha256", "sha1", "md5,sha1,sha256,tiger,whirlpool"])
@pytest.mark.parametrize("options", ["-rl", "-r"])
def test_a_list_of_hashdeep(seized, tmp_path, kinds, options):
    data = seized.run("hashdeep", options, "-c", kinds, ".")
    found, about, answers = seized.match(data, tmp_path)
    broken = {path for path in seized.files() if b"\n" in path}
    assert found["same"] == len(seized.files()) - len(broken)
    assert {path for path, index in answers if index is not None} == broken
    assert about["unreadable_lines"] == str(sum(path.count(b"\n") for path in broken) - blank_lines(broken))
    assert about["digests"] == sorted(set(kinds.split(",")) - {"tiger", "whirlpool"})


def blank_lines(broken):
    """Lines of a broken name that say nothing at all, or look like a comment."""
    return sum(not part or part.startswith(b"#") for path in broken for part in path.split(b"\n")[1:])


@pytest.mark.judge("hashdeep")
def test_md5deep_writes_like_md5sum(seized, tmp_path):
    data = seized.run("md5deep", "-rl", ".")
    found, _, answers = seized.match(data, tmp_path)
    assert found["same"] == sum(b"\n" not in path for path in seized.files())
    assert all(b"\n" in path for path, index in answers if index is not None)


@pytest.mark.judge("openssl")
def test_a_list_of_openssl(seized, tmp_path):
    names = [path for path in seized.files() if b"\n" not in path]
    data = seized.run("openssl", "dgst", "-sha3-256", *(b"./" + path for path in names))
    found, _, _ = seized.match(data, tmp_path)
    assert found["same"] == len(names)


@pytest.mark.parametrize("form", ["hashdeep", "sha256sum", "b3sum", "csv"])
def test_our_own_lists(seized, tmp_path, form):
    data, listing = seized.listed(form)
    found, about, _ = seized.match(data, tmp_path, form=form)
    assert found["same"] == len(seized.files()) - len(listing.unlisted)
    assert about["unreadable_lines"] == "0"


def test_all_of_it_verifies(seized):
    report = verify_case(seized.case)
    assert [finding for finding in report.findings if finding.severity == "error"] == []
    assert report.verdict == "INTEGRITY ONLY"
