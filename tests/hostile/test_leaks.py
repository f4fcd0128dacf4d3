"""What is withheld is in no byte of a package, however it is spelled: every value of every row, in many exports.

Which groups are opened is said here a second time for each export, by rules of the test; whatever is not among them has
to be nowhere. That the search can find something, every export shows by what it opens.
Source: specs/package.md, specs/threat-model.md section 7.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import pytest
from casebuilder import Builder, file_row, folder_row
from leakhunt import finds, haystack

from evidencekit.acquire.options import Options
from evidencekit.core import layout
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.custody_choice import Wanted as Accepted
from evidencekit.journeys.export import export
from evidencekit.journeys.export_custody import HideEvent
from evidencekit.journeys.export_onward import Onward, export_onward
from evidencekit.journeys.export_plan import Request
from evidencekit.journeys.export_rows import Wanted, Withhold
from evidencekit.journeys.receive import examine, receive
from evidencekit.read.package import open_package
from evidencekit.verify.package import verify_package

GROUPS = ("name", "content", "metadata")
SALTS = {"name": 0, "content": 16, "metadata": 32}
NAMES = (
    b"alpaca-report.txt", b"badger-photo.png", b"caf\xc3\xa9-cheetah.txt", b"dingo\nescape.bin", b"ermine-\xff\xfe.dat",
    b"ferret%0Aquote'.txt", b"gibbon-\xe6\x97\xa5\xe6\x9c\xac.pdf", b"heron-deposit.csv", b"iguana-ledger.txt",
)  # fmt: skip
_PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0"


@dataclass
class Row:
    """A row as the adversary must not see it: the values of each group."""

    index: int
    path: bytes
    shown_as: dict[str, list[bytes]]
    salts: dict[str, bytes]
    row_salt: bytes
    is_derived: bool = False


def values(group):
    """Every value of a group that is long enough to be found by no chance."""
    for value in group.values() if isinstance(group, dict) else group:
        if isinstance(value, (dict, list)):
            yield from values(value)
        elif isinstance(value, str) and len(value) >= 6:
            yield value.encode()
            if re.fullmatch("(?:[0-9a-f]{2}){8,}", value):
                yield bytes.fromhex(value)


def rows_of(rc, case, number=1):
    """The rows of a catalogue, read past the exporter."""
    for row in rc.rows(case, number):
        h = hashlib.sha512(b"evidencekit/salts/1\0" + row.row_salt).digest()
        groups = {name: json.loads(getattr(row, name)) for name in GROUPS}
        common = {"complete", "not_read", "evidencekit/name/1", "evidencekit/content/1", "evidencekit/metadata/1"}
        shown_as = {
            name: [value for value in values(group) if value.decode("utf-8", "replace") not in common]
            for name, group in groups.items()
        }
        shown_as["name"].append(row.path.rpartition(b"/")[2])
        salts = {name: h[at : at + 16] for name, at in SALTS.items()}
        yield Row(row.index, row.path, shown_as, salts, row.row_salt)


class World:
    """A laboratory with an exhibit of marked rows, another one, a history; and a partner who receives from it."""

    def __init__(self, rc, folder, *, sensitive):
        self.rc, self.folder = rc, folder
        self.source = folder / "jackal-source-folder"
        self.lab, self.partner = (
            rc.Office(folder / "lk", "lab.example/7"),
            rc.Office(folder / "pk", "partner.example/9"),
        )
        self.lab.open(folder / "lab")
        self.partner.open(folder / "partner", identity=b"partner.........")
        self._make_source()
        every = ("blake3", "md5", "sha1", "sha256", "sha3_256", "sha512")
        options = Options(digests=every, sensitive=sensitive, exclude=("*.lynx-hidden",), copies=True)
        self.lab.acquire(folder / "lab", self.source, options=options)
        other = folder / "kestrel-other-source"
        other.mkdir()
        (other / "lemur-of-other.txt").write_text("manatee content of the other")
        self.lab.acquire(folder / "lab", other, "EX-002")
        self.add("view", ["EX-001"], {"purpose": "narwhal said the informant"})
        self.add("view", ["EX-002"], {"purpose": "ocelot about the other"})
        self.rows = list(rows_of(rc, folder / "lab"))
        self.others = list(rows_of(rc, folder / "lab", 3))

    def _make_source(self):
        (self.source / "panther-folder").mkdir(parents=True)
        for number, name in enumerate((*NAMES, b"panther-folder/quokka-inner.txt", b"private.lynx-hidden")):
            path = os.fsencode(self.source) + b"/" + name
            begin = _PNG if name.endswith(b".png") else b""
            with open(path, "wb") as file:
                file.write(begin + b"content-of-%s-" % hashlib.sha256(name).hexdigest().encode() * 40)
                file.write(bytes(range(256)) * (40 + 3 * number))  # no two of one size
            os.utime(path, ns=(1_500_000_000_123_456_700 + number, 1_600_000_000_987_654_300 + number * 7_919))
            try:
                os.chown(path, 5_432_100 + number, 6_543_200 + number)
                os.setxattr(path, b"user.raven-attribute-%d" % number, b"salamander-value-%d" % number)
                os.setxattr(path, b"user.checksum.toucan-%d" % number, b"urchin-sum-%d" % number)
            except OSError:
                pass
        (self.source / "viper-link").symlink_to("walrus-target-of-link")
        os.mkfifo(self.source / "xerus-pipe")

    def hand(self, who):
        office = getattr(self, who)
        return Hand(office.ledger(self.folder / who), self.rc.actor(office.signer), [office.signer])

    def add(self, kind, items, body):
        self.hand("lab").record(kind, items, body)

    def make(self, out, *, verify=verify_package, **request):
        request = Request(**({"with_sensitive": True} | request))
        form = next((one for one in ("zip", "tar") if out.suffix == f".{one}"), "folder")
        return export(
            self.hand("lab"), request, out, verify=verify, random=os.urandom, cache_folder=self.folder / "cache",
            form=form,
        )  # fmt: skip


@pytest.fixture(scope="module", params=[False, pytest.param(True, marks=pytest.mark.trial)], ids=["path", "shuffled"])
def world(rc, tmp_path_factory, request):
    return World(rc, tmp_path_factory.mktemp("leaks"), sensitive=request.param)


@dataclass
class Selection:
    """What is asked for, and what that opens, said by a rule of the test."""

    opens: object
    """Of a row: its opened groups."""
    request: dict = field(default_factory=dict)


ALL = set(GROUPS)


def named(glob):
    return lambda row: fnmatchcase(os.fsdecode(row.path.rpartition(b"/")[2]), glob)


def digest_of(row):
    return next(value.decode() for value in row.shown_as["content"] if re.fullmatch(rb"[0-9a-f]{64}", value))


SELECTIONS = {
    "by glob": Selection(
        lambda row: ALL if named("*.txt")(row) else set(), {"wanted": Wanted(items=("EX-001",), globs=("*.txt",))}
    ),
    "names withheld": Selection(
        lambda row: {"content", "metadata"},
        {"wanted": Wanted(items=("EX-001",)), "withhold": [Withhold(("name",), "privacy")]},
    ),
    "metadata withheld": Selection(
        lambda row: {"name", "content"},
        {"wanted": Wanted(items=("EX-001",)), "withhold": [Withhold(("metadata",), "x-own")]},
    ),
    "contents withheld": Selection(
        lambda row: {"name", "metadata"},
        {"wanted": Wanted(items=("EX-001",)), "withhold": [Withhold(("content",), "privilege")]},
    ),
    "some of all": Selection(
        lambda row: (
            set() if named("iguana*")(row) else {"metadata"} if named("badger*")(row)
            else {"name"} if named("heron*")(row) else {"name", "content"}
        ),
        {"wanted": Wanted(items=("EX-001",)), "withhold": [
            Withhold(("metadata",)), Withhold(GROUPS, "privilege", "iguana*"),
            Withhold(("name", "content"), "privacy", "badger*"), Withhold(("content",), "privacy", "heron*"),
            Withhold(("metadata",), "security", "badger*"),
        ]},
    ),
    "few rows": Selection(
        lambda row: ALL if named("alpaca*")(row) else set(), {"wanted": Wanted(items=("EX-001",), globs=("alpaca*",))}
    ),
    "digests alone": Selection(
        lambda row: {"content"},
        {"wanted": Wanted(items=("EX-001",)), "withhold": [Withhold(("name", "metadata"))], "hash_only": True},
    ),
    "by date, events hidden": Selection(
        lambda row: ALL if named("alpaca*")(row) else set(),
        {"wanted": Wanted(items=("EX-001",), bounds={"before": 1_600_000_000_987_654_300 + 1}),
         "hide_events": [HideEvent("view", "security")]},
    ),
}  # fmt: skip
SELECTIONS["some of all"].opens = lambda row: (
    set() if named("iguana*")(row) else set() if named("badger*")(row)
    else {"name"} if named("heron*")(row) else {"name", "content"}
)  # fmt: skip


def opened_of(rows, opens):
    """Opened values and salts, and those that are withheld; a value that both have is no secret."""
    opened, secret = set(), {}
    for row in rows:
        groups = opens(row)
        for group in GROUPS:
            if group in groups:
                opened |= {*row.shown_as[group], row.salts[group]}
                if group == "name":
                    opened |= set(row.path.split(b"/"))
            else:
                secret |= dict.fromkeys((*row.shown_as[group], row.salts[group]), (row.path, group))
        secret[row.row_salt] = (row.path, "row salt")
    return opened, {value: whose for value, whose in secret.items() if value not in opened}


def search(hay, secret):
    return {whose: spelled for value, whose in secret.items() if len(value) >= 6 and (spelled := finds(hay, value))}


@pytest.mark.parametrize(
    ("name", "form"),
    [("some of all", ""), ("by date, events hidden", ".zip"),
     *(pytest.param(name, "", marks=pytest.mark.trial) for name in SELECTIONS if name != "some of all"),
     pytest.param("names withheld", ".tar", marks=pytest.mark.trial)],
)  # fmt: skip
def test_nothing_that_is_withheld_is_in_a_package(world, name, form, tmp_path):
    chosen = SELECTIONS[name]
    made = world.make(tmp_path / f"P{form}", **chosen.request)
    assert made.report.verdict == "INTEGRITY ONLY"
    opened, secret = opened_of(world.rows, chosen.opens)
    hay = haystack(tmp_path / f"P{form}")
    assert search(hay, secret) == {}
    assert len(secret) > 20
    there = [value for value in opened if len(value) >= 6]
    assert there
    assert all(finds(hay, value) for value in there)  # so that the search is worth something
    assert (
        search(hay, {value: "other" for row in world.others for value in [row.row_salt, *row.shown_as["name"]]}) == {}
    )
    for word in (b"manatee", b"ocelot", b"jackal-source", b"kestrel-other"):
        assert finds(hay, word) is None
    assert (finds(hay, b"narwhal") is None) == ("hide_events" in chosen.request)


def test_contents_are_not_there_either(world, tmp_path):
    """The bytes of a file that is withheld, and the media type that a program concluded from them."""
    withhold = [Withhold(("content",), "privacy", "badger*")]
    world.make(tmp_path / "P", wanted=Wanted(items=("EX-001",), globs=("badger*", "alpaca*")), withhold=withhold)
    hay = haystack(tmp_path / "P")
    inside = {name: b"content-of-" + hashlib.sha256(name).hexdigest().encode() for name in NAMES[:2]}
    assert finds(hay, inside[NAMES[0]])
    assert not finds(hay, inside[NAMES[1]])
    assert _PNG not in hay
    assert b"image/png" not in hay
    world.make(tmp_path / "Q", wanted=Wanted(items=("EX-001",), globs=("badger*",)))
    assert b"image/png" in haystack(tmp_path / "Q")


def test_sizes_and_counts_are_those_of_what_is_shown(world, tmp_path):
    withhold = [Withhold(("content",), "privacy", "heron*")]
    world.make(tmp_path / "P", wanted=Wanted(items=("EX-001",), globs=("heron*", "alpaca*")), withhold=withhold)
    info = (tmp_path / "P/bag-info.txt").read_text()
    size = (world.source / "alpaca-report.txt").stat().st_size
    assert f"Payload-Oxum: {size}.1\n" in info
    assert str((world.source / "heron-deposit.csv").stat().st_size) not in info


@pytest.mark.trial
def test_an_encrypted_package_shows_nothing_but_its_size(world, tmp_path):
    pyrage = pytest.importorskip("pyrage")
    from evidencekit.write.age import encrypting

    key = pyrage.x25519.Identity.generate()
    own = pyrage.x25519.Identity.generate()
    chosen = SELECTIONS["names withheld"]
    export(
        world.hand("lab"), Request(with_sensitive=True, **chosen.request), tmp_path / "P.age", random=os.urandom,
        verify=lambda path: verify_package(path, identities=[own]), cache_folder=tmp_path / "cache", form="tar",
        wrap=lambda file, path: encrypting(file, [key.to_public(), own.to_public()], path=path),
    )  # fmt: skip
    opened, secret = opened_of(world.rows, chosen.opens)
    closed = haystack(tmp_path / "P.age")
    assert search(closed, secret | dict.fromkeys(opened, "opened")) == {}
    hay = haystack(tmp_path / "P.age", key)
    assert search(hay, secret) == {}
    assert any(finds(hay, value) for value in opened)


def test_nothing_is_made_beside_the_package(world, tmp_path):
    """OUT may lie on a stick that is given away: what is deleted there can be read again."""
    seen, stick = [], tmp_path / "stick"
    stick.mkdir()

    def look(path):
        for one in stick.rglob("*"):
            if one.is_file() and path not in (one, *one.parents) and stick / "P" not in one.parents:
                seen.append(one.name)
                assert search(one.read_bytes(), opened_of(world.rows, lambda _: set())[1]) == {}
        return verify_package(path)

    for form in ("P", "P.zip"):
        world.make(stick / form, verify=look, **SELECTIONS["names withheld"].request)
    assert set(seen) <= {"lock", "recorded.json"}
    assert sorted(os.listdir(stick)) == ["P", "P.zip"]
    assert not [name for name in os.listdir(world.folder / "cache") if name.startswith(".tmp-export")]


# --- every member that a row can have ---------------------------------------------------------------------------------

MEMBERS = {
    "name": {
        "stream": {"stream": "yak-stream-name"},
        "original": {"original": "zebra-original-name"},
        "bytes": {"path_hex": "666f78ff2d6e616d65"},
    },
    "content": {
        "omission": {"state": "not_read", "reason": "permission_denied", "detail": "antelope-words-of-the-system",
                     "sha256": None, "blake3": None, "size": "77700123"},
        "partial": {"state": "partial", "reason": "io_error", "sha256": None, "blake3": None, "size": "88800456",
                    "sha256_zero_filled": "ab12" * 16, "blake3_zero_filled": "cd34" * 16,
                    "unreadable": [{"length": "8192000", "offset": "4096000"}]},
        "attribute": {"xattrs": [{"name": "user.checksum.bison", "value": "Y2FtZWwtdmFsdWUtb2Y="}]},
    },
    "metadata": {
        "times": {"mtime_ns": "1511111111222222222", "atime_ns": "1511111111333333333", "ctime_ns": "1511111111444444444",
                  "btime_ns": "1511111111555555555"},
        "owner": {"uid": "7654321", "gid": "8765432", "owner": "dolphin-user", "group": "elephant-group",
                  "inode": "998877665", "device": "887766554"},
        "attributes": {"xattrs": [{"name": "user.falcon-name", "value": "Z2F6ZWxsZS12YWx1ZS1vZg=="}],
                       "attributes": ["hyena-flag"], "holes": [{"length": "5550001", "offset": "6660002"}]},
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A case whose rows have every member that a group can have, each in a row of its own."""
    builder, rows = Builder(tmp_path_factory.mktemp("members")), {}
    for group, cases in MEMBERS.items():
        for case, members in cases.items():
            key = f"{group}-{case}"
            row = file_row(key) if case != "stream" else {**file_row(key), "metadata": {"_t": "evidencekit/metadata/1"}}
            row[group] = row[group] | members
            if "path_hex" in members:
                del row["name"]["path"]
            rows[key] = row
    path = lambda row: bytes.fromhex(row["name"].get("path_hex", "")) or row["name"]["path"].encode()  # noqa: E731
    rows["name-stream-of"] = file_row("name-stream")
    order = sorted(rows.values(), key=lambda row: (path(row), row["name"].get("stream", "")))
    builder.seal([folder_row(), *order])
    return builder


@pytest.mark.parametrize("group", GROUPS)
def test_no_member_of_a_withheld_group_is_there(built, group, tmp_path):
    """Streams, original names, omissions with their texts, sums in attributes, owners, flags, holes."""
    from evidencekit.seal.ledger import Ledger  # noqa: F401 - what `hand` needs

    hand = Hand(built.ledger(), built.actor(), [built.signer])
    words = [value for members in MEMBERS[group].values() for value in values(members)]
    words += [b"camel-value-of", b"gazelle-value-of", bytes.fromhex("666f78ff2d6e616d65")]
    words = [word for word in words if word not in {b"not_read", b"partial", b"io_error", b"permission_denied"}]
    texts = [b"permission_denied", b"io_error", b'"partial"', b'"not_read"'] if group == "content" else []
    hays = {}
    for name, withhold in {"open": [], "closed": [Withhold((group,), "privacy")]}.items():
        request = Request(withhold=withhold, hash_only=True)
        made = export(hand, request, tmp_path / name, verify=verify_package, random=os.urandom, cache_folder=tmp_path)
        assert made.report.verdict == "INTEGRITY ONLY"
        hays[name] = haystack(tmp_path / name)
    own = [word for word in words if finds(hays["open"], word)]
    assert len(own) >= 5 if group != "name" else len(own) >= 3
    mine = [word for members in MEMBERS[group].values() for word in values(members)]
    assert not [word for word in mine if word in own and finds(hays["closed"], word)]
    assert all(text in hays["open"] and text not in hays["closed"] for text in texts)


# --- passed on --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def received(world):
    """The laboratory's package of the exhibit, which the partner has; of the second exhibit, too."""
    made = world.make(world.folder / "FIRST")
    with open_package(world.folder / "FIRST") as package:
        receive(
            world.hand("partner"), examine(package, name="FIRST"), Accepted(names={"EX-001": "P-1", "EX-002": "P-2"})
        )
    return made


ONWARD = {
    "rows left out": (lambda row: ALL if named("*.txt")(row) else set(), {"globs": ("*.txt",)}),
    "one row left out": (
        lambda row: set() if named("iguana*")(row) else ALL, {"withhold": (Withhold(GROUPS, "privacy", "iguana*"),)},
    ),
    "names closed": (lambda row: {"content", "metadata"}, {"withhold": (Withhold(("name",), "privacy"),)}),
    "contents closed": (
        lambda row: {"name", "metadata"} if named("heron*")(row) else ALL,
        {"withhold": (Withhold(("content",), "privilege", "heron*"),)},
    ),
    "metadata closed, digests alone": (
        lambda row: {"name", "content"}, {"withhold": (Withhold(("metadata",)),), "hash_only": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "form"),
    [("one row left out", "zip"), ("names closed", "folder"),
     *(pytest.param(name, "folder", marks=pytest.mark.trial) for name in ONWARD)],
)  # fmt: skip
def test_nothing_that_is_not_passed_on_is_in_what_is(world, received, name, form, tmp_path):
    opens, wanted = ONWARD[name]
    made = export_onward(
        world.hand("partner"), Onward(received.digest, items=("P-1",), **wanted), tmp_path / "Q", form=form,
        verify=verify_package, random=os.urandom, cache_folder=world.folder / "cache",
    )  # fmt: skip
    assert made.report.verdict == "INTEGRITY ONLY"
    assert not [one for one in made.report.findings if one.severity == "error"]
    opened, secret = opened_of(world.rows, opens)
    secret |= opened_of(world.others, lambda _: set())[1]
    secret = {value: whose for value, whose in secret.items() if value not in opened}
    hay = haystack(tmp_path / "Q")
    assert search(hay, secret) == {}
    assert all(finds(hay, value) for value in opened if len(value) >= 6)
    assert (b"lemur-of-other" in hay, b"manatee" in hay) == (False, False)


def test_no_digest_of_what_is_not_passed_on_confirms_a_guess(world, received, tmp_path):
    """A digest over names and digests alone could be made again by whoever guesses the one name that is missing."""
    first = world.folder / "FIRST"
    export_onward(
        world.hand("partner"), Onward(received.digest, withhold=(Withhold(GROUPS, "privacy", "iguana*"),)),
        tmp_path / "Q", verify=verify_package, random=os.urandom, cache_folder=world.folder / "cache",
    )  # fmt: skip
    hay = haystack(tmp_path / "Q")
    left = {path.relative_to(first).as_posix(): path.read_bytes() for path in first.rglob("*") if path.is_file()}
    inside = tmp_path / "Q/evidence/previous" / received.digest
    gone = {}
    for path, data in left.items():
        places = (inside / path.removeprefix("evidence/"), tmp_path / "Q" / path)
        if not any(place.is_file() and place.read_bytes() == data for place in places):
            gone[path] = data
    confirmed = {path for path, data in gone.items() if hashlib.sha256(data).digest() in hay}
    salted = {"evidence/records.jsonl", "bag-info.txt"}  # each line that is gone had salts of 16 bytes
    salt = re.search(rb"Package-Salt: (\S{24})\n", left["bag-info.txt"])[1]
    assert {"manifest-sha256.txt", "manifest-sha512.txt"} <= gone.keys()
    assert confirmed <= salted, confirmed
    assert hashlib.sha256(left["bag-info.txt"]).digest() in hay  # which is why it has a salt
    assert finds(hay, salt) is None


def test_events_that_are_hidden_show_their_place_alone(world, tmp_path):
    """The text, type, items and actor of a hidden event are nowhere; that it is there, when, and what it follows, is."""
    case = world.folder / "lab"
    world.make(tmp_path / "P", wanted=Wanted(items=("EX-002",)), hide_events=[HideEvent("all", "security")])
    hay = haystack(tmp_path / "P")
    shown, hidden = [], []
    for entry in range(int(json.loads((tmp_path / "P/evidence/package.json").read_bytes())["checkpoint"]["size"])):
        data = (case / layout.event_file(entry)).read_bytes()
        is_shown = (tmp_path / "P/evidence" / layout.event_file(entry)).exists()
        (shown if is_shown else hidden).append(json.loads(data))
        assert is_shown == (data in hay)
        assert (tmp_path / "P/evidence" / layout.entry_file(entry)).read_bytes() in hay
    known = {value for event in shown for value in values(event)}
    secret = {value for event in hidden for value in (*values(event["body"]), event["nonce"].encode())} - known
    common = {b"sha256", b"blake3", b"sha3_256", b"sha512", b"logical"}  # words of the format that anything may say
    secret = {value for value in secret - common if not value.startswith((b"evidencekit", b"media-type"))}
    assert len(secret) > 10
    assert [value for value in secret if finds(hay, value)] == []
    assert all(finds(hay, word) is None for word in (b"narwhal", b"ocelot"))
