"""What a recipient cannot find out: a withheld group by guessing, equal rows, a source acquired before.

The recipient has leaves, roots, proofs, every opened group with its salt, and knows the withheld bytes exactly but for
the salt (threat-model.md, attacker G). Everything is computed a second time here, from specs/manifest.md section 1.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import sys
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.acquire.rows import Salts
from evidencekit.core.digest import group_commitment, group_salts
from evidencekit.core.proofs import parse_tlog_proof
from evidencekit.package.row_proof import prove_row

GROUPS = ("name", "content", "metadata")
SALT = st.binary(min_size=16, max_size=16)
OPENED = [opened for size in range(3) for opened in combinations(GROUPS, size)]


def h_of(row_salt):
    return hashlib.sha512(b"evidencekit/salts/1\0" + row_salt).digest()


def commit(group, salt, data):
    return hashlib.sha256(b"evidencekit/group/1\0" + group.encode() + b"\0" + salt + data).digest()


@pytest.fixture(scope="module")
def rc():
    if "realcase" not in sys.modules:
        spec = importlib.util.spec_from_file_location("realcase", Path(__file__).parents[1] / "realcase.py")
        sys.modules["realcase"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["realcase"])
    return sys.modules["realcase"]


@pytest.fixture(scope="module")
def twice(rc, tmp_path_factory):
    """One source, acquired twice in one case, and once in another case with the same identity."""
    folder = tmp_path_factory.mktemp("hiding")
    office = rc.Office(folder / "office")
    source = rc.make_source(folder / "source")
    for number in range(8):
        (source / f"same-{number}").write_text("the same in all\n")
    office.open(folder / "case")
    office.acquire(folder / "case", source)
    office.acquire(folder / "case", source, "EX-002")
    office.open(folder / "other")
    office.acquire(folder / "other", source)
    return folder


def leaf_of(row):
    h = h_of(row.row_salt)
    return {
        group: commit(group, h[at : at + 16], getattr(row, group))
        for group, at in zip(GROUPS, (0, 16, 32), strict=True)
    }


# --- the construction ---------------------------------------------------------------------------------------------


@given(SALT, st.binary(max_size=64))
def test_the_salts_are_three_parts_of_one_hash_and_the_fourth_is_kept(row_salt, data):
    salts, h = group_salts(row_salt), h_of(row_salt)
    assert (salts.name, salts.content, salts.metadata) == (h[:16], h[16:32], h[32:48])
    assert h[48:] not in salts
    for group in GROUPS:
        assert group_commitment(group, getattr(salts, group), data) == commit(group, getattr(salts, group), data)


@given(SALT, SALT)
def test_no_part_of_a_row_salt_gives_itself_away_in_its_group_salts(one, other):
    """A bit of the row salt changes all group salts: none is a cut, a sum or a hash of another."""
    salts = group_salts(one)
    assert len({one, *salts}) == 4
    assert one not in b"".join(salts)
    if one != other:
        assert not set(salts) & set(group_salts(other))
    for group, theirs in product(salts, salts):
        for hashed in (hashlib.sha256, hashlib.sha512):
            for prefix in (b"", b"evidencekit/salts/1\0", b"evidencekit/group/1\0"):
                assert theirs not in hashed(prefix + group).digest()


@given(SALT, st.integers(0, 127))
def test_group_salts_of_neighbouring_row_salts_have_nothing_in_common(row_salt, bit):
    neighbour = bytearray(row_salt)
    neighbour[bit // 8] ^= 1 << bit % 8
    for one, other in zip(group_salts(row_salt), group_salts(bytes(neighbour)), strict=True):
        differing = sum((a ^ b).bit_count() for a, b in zip(one, other, strict=True))
        assert 20 < differing < 108  # 64 expected, 5.7 the deviation: a fluke in 10^13


@given(SALT, SALT, st.sampled_from(GROUPS), st.binary(max_size=64))
def test_a_commitment_depends_on_all_of_the_salt(salt, other, group, data):
    assert (commit(group, salt, data) == commit(group, other, data)) == (salt == other)
    for at in range(16):
        changed = salt[:at] + bytes([salt[at] ^ 1]) + salt[at + 1 :]
        assert group_commitment(group, changed, data) != group_commitment(group, salt, data)


@given(SALT, st.binary(max_size=40), st.sampled_from(list(combinations(GROUPS, 2))))
def test_the_same_bytes_under_the_same_salt_are_another_commitment_in_another_group(salt, data, groups):
    assert group_commitment(groups[0], salt, data) != group_commitment(groups[1], salt, data)


@given(SALT, st.binary(min_size=1, max_size=40), st.integers(1, 40))
def test_no_border_can_be_moved(salt, data, by):
    """Salt and data have no mark between them: so the salt's length is fixed, and its form checked."""
    moved = (salt + data)[: 16 + by], (salt + data)[16 + by :]
    if len(moved[0]) != 16:
        with pytest.raises(Exception, match="16 bytes"):
            group_commitment("name", *moved)


def test_row_salts_are_the_generators_own_bytes_and_none_comes_twice():
    asked = []

    def random(size):
        asked.append(size)
        return b"".join(hashlib.sha256(b"%d %d" % (len(asked), at)).digest()[:16] for at in range(size // 16))

    salts = Salts(random)
    taken = [salts.next() for _ in range(5000)]
    assert len(set(taken)) == 5000
    assert all(len(salt) == 16 for salt in taken)
    assert sum(asked) >= 5000 * 16


# --- guessing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("opened", OPENED, ids=lambda opened: "+".join(opened) or "nothing")
def test_the_right_guess_cannot_be_told_from_a_wrong_one(rc, twice, opened):
    """The recipient has the proof and guesses the withheld bytes rightly: no salt that he has confirms it."""
    case = twice / "case"
    rows = rc.rows(case)
    known = {b"", bytes(16), bytes(32)}
    for row in rows[:24]:
        proof = prove_row(case, f"EX-001#{row.index}", groups=opened)
        file = parse_tlog_proof(proof.whole)
        extra = json.loads(file.extra)
        leaf = json.loads(extra["leaf"])
        # everything of 16 bytes or more that he sees, whole and in pieces
        seen = salts_seen(extra) | known
        for group in GROUPS:
            right = getattr(row, group)
            if group in opened:
                assert any(commit(group, salt, right).hex() == leaf[group] for salt in seen)
                continue
            assert not any(commit(group, salt, right).hex() == leaf[group] for salt in seen)
            assert hashlib.sha256(right).hexdigest() not in file.extra.decode()
        assert row.row_salt not in seen
        assert h_of(row.row_salt)[48:] not in seen


def salts_seen(extra):
    """Every 16 bytes that a recipient could take for a salt: salts, hashes and their parts, and hashes of salts."""
    import base64

    seen = set()
    texts = [group["salt"] for group in extra["groups"].values()] + extra["proof"]
    for data in [base64.b64decode(text) for text in texts]:
        seen |= {data[at : at + 16] for at in range(len(data) - 15)}
    for salt in list(seen):
        h = hashlib.sha512(b"evidencekit/salts/1\0" + salt).digest()
        seen |= {h[at : at + 16] for at in range(0, 64, 16)}
        seen |= {hashlib.sha256(salt).digest()[:16], bytes(16 - len(salt)) + salt}
    event = json.loads(extra["event"])
    for text in (event["body"]["root"], event["body"]["header"], event["body"]["file_sha256"]):
        data = bytes.fromhex(text)
        seen |= {data[at : at + 16] for at in range(17)}
    seen.add(base64.b64decode(event["nonce"]))
    seen.add(base64.b64decode(event["case"]))
    return seen


def test_a_dictionary_with_the_opened_salt_finds_the_opened_group_only(rc, twice):
    """That the attack above could succeed: with the salt the guess is confirmed at once."""
    row = next(row for row in rc.rows(twice / "case") if row.path == b"p.png")
    proof = prove_row(twice / "case", "EX-001:p.png", groups=("name",))
    extra = json.loads(parse_tlog_proof(proof.whole).extra)
    leaf = json.loads(extra["leaf"])
    dictionary = [
        json.dumps({"_t": "evidencekit/name/1", "path": word}, separators=(",", ":")).encode()
        for word in ("plan.txt", "p.png", "secret.doc")
    ]
    hits = [
        guess for guess in dictionary for salt in salts_seen(extra) if commit("name", salt, guess).hex() == leaf["name"]
    ]
    assert hits == [row.name]


# --- equality -----------------------------------------------------------------------------------------------------


def test_equal_files_have_nothing_equal_in_their_leaves(rc, twice):
    rows = [row for row in rc.rows(twice / "case") if row.path.startswith(b"same-")]
    assert len({row.content for row in rows}) == 1
    for group in GROUPS:
        assert len({leaf_of(row)[group] for row in rows}) == len(rows)
    assert len({row.row_salt for row in rows}) == len(rows)


def test_no_commitment_of_a_case_comes_twice(rc, twice):
    commitments = [
        commitment
        for case, number in (("case", 1), ("case", 3), ("other", 1))
        for row in rc.rows(twice / case, number)
        for commitment in leaf_of(row).values()
    ]
    assert len(set(commitments)) == len(commitments)


def test_two_acquisitions_of_one_source_have_no_leaf_and_no_salt_in_common(rc, twice):
    runs = [rc.rows(twice / case, number) for case, number in (("case", 1), ("case", 3), ("other", 1))]
    assert [row.path for row in runs[0]] == [row.path for row in runs[1]] == [row.path for row in runs[2]]
    for one, other in combinations(runs, 2):
        assert [row.content for row in one] == [row.content for row in other]
        assert not {tuple(leaf_of(row).values()) for row in one} & {tuple(leaf_of(row).values()) for row in other}
        assert not {row.row_salt for row in one} & {row.row_salt for row in other}


def test_the_roots_and_the_header_commitments_of_one_source_differ(twice):
    bodies = []
    for case, indexes in (("case", (2, 5)), ("other", (2,))):
        for index in indexes:
            event = json.loads((twice / case / f"custody/{index:08d}/event.json").read_bytes())
            assert event["type"] == "seal"
            bodies.append(event["body"])
    for member in ("root", "header", "file_sha256"):
        assert len({body[member] for body in bodies}) == 3


# --- places -------------------------------------------------------------------------------------------------------


def test_in_shuffled_order_a_place_says_nothing_about_a_name(rc, twice, tmp_path):
    """Places follow the leaf hashes alone, which the salts make random: two runs give two orders."""
    office = rc.Office(tmp_path / "office")
    office.open(tmp_path / "case")
    orders = []
    for exhibit, number in (("EX-001", 1), ("EX-002", 2)):
        office.acquire(tmp_path / "case", twice / "source", exhibit, options=rc.Options(sensitive=True), types=False)
        rows = sorted(rc.rows(tmp_path / "case", number), key=lambda row: row.index)
        hashes = [hashlib.sha256(b"\0" + leaf_bytes(row)).digest() for row in rows]
        assert hashes == sorted(hashes)
        orders.append([row.path for row in rows])
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]
    assert orders[0] != sorted(orders[0])


def leaf_bytes(row):
    commitments = {group: value.hex() for group, value in leaf_of(row).items()}
    return json.dumps(
        {"_t": "evidencekit/row/1", **commitments, "kind": row.kind}, sort_keys=True, separators=(",", ":")
    ).encode()


# --- packages -----------------------------------------------------------------------------------------------------


WORDS = ["".join(letters) + ".doc" for letters in product("abcdefghij", repeat=3)]
NAMES = WORDS[:: len(WORDS) // 40][:40]
"""Of the files; an adversary has the whole list."""


@pytest.fixture(scope="module")
def handed_over(rc, tmp_path_factory):
    """A case of files named by words of a list, and packages of it: names withheld, rows withheld, one row left out."""
    from evidencekit.journeys.custody import Hand
    from evidencekit.journeys.custody_choice import Wanted as Accepted
    from evidencekit.journeys.export import export
    from evidencekit.journeys.export_onward import Onward, export_onward
    from evidencekit.journeys.export_plan import Request
    from evidencekit.journeys.export_rows import Wanted, Withhold
    from evidencekit.journeys.receive import examine, receive
    from evidencekit.read.package import open_package
    from evidencekit.verify.package import verify_package

    folder = tmp_path_factory.mktemp("words")
    lab, partner = rc.Office(folder / "lk", "lab.example/1"), rc.Office(folder / "pk", "partner.example/1")
    lab.open(folder / "case")
    partner.open(folder / "partner", identity=b"a partner.......")
    (folder / "source").mkdir()
    for word in NAMES:
        (folder / "source" / word).write_text(word)
    lab.acquire(folder / "case", folder / "source")
    how = {"verify": verify_package, "random": os.urandom, "cache_folder": folder / "cache"}

    def hand(office, case):
        return Hand(office.ledger(folder / case), rc.actor(office.signer), [office.signer])

    for name, request in {
        "names": Request(withhold=[Withhold(("name",), "privacy")]),
        "rows": Request(wanted=Wanted(globs=("a*",))),
        "all": Request(),
    }.items():
        made = export(hand(lab, "case"), request, folder / name, **how)
    with open_package(folder / "all") as package:
        receive(hand(partner, "partner"), examine(package, name="all"), Accepted())
    rule = Withhold(GROUPS, "privacy", WORDS[0])
    export_onward(hand(partner, "partner"), Onward(made.digest, withhold=(rule,)), folder / "onward", **how)
    return folder


def all_bytes(package):
    """Every file of a package, and what stands in base64 or hex in it."""
    import base64
    import re

    found = [path.read_bytes() for path in package.rglob("*") if path.is_file()]
    for data in list(found):
        found += [
            bytes.fromhex(word.decode()) for word in set(re.findall(rb"[0-9a-f]{32,}", data)) if len(word) % 2 == 0
        ]
        for word in set(re.findall(rb"[A-Za-z0-9+/]{22,}={0,2}", data)):
            found.append(base64.b64decode(word[: len(word) // 4 * 4]))
    return found


def guessed(package, words, salts):
    """The words that somebody who has a package confirms: their group, in any way, leads to 32 bytes that are in it."""
    pieces = all_bytes(package)
    whole = b"\n".join(pieces)
    digests = {piece for piece in pieces if len(piece) == 32}
    digests |= {piece[at : at + 32] for piece in pieces if len(piece) % 32 == 0 for at in range(0, len(piece), 32)}
    hits = set()
    for word in words:
        name = json.dumps({"_t": "evidencekit/name/1", "path": word}, separators=(",", ":")).encode()
        content = hashlib.sha256(word.encode()).hexdigest().encode()
        tries = [hashlib.sha256(name).digest(), hashlib.sha256(b"\0" + name).digest(), hashlib.sha256(content).digest()]
        tries += [commit("name", salt, name) for salt in salts]
        if digests.intersection(tries) or any(one in whole for one in tries[:3]):
            hits.add(word)
    return hits


def salts_of(package):
    """Every salt that a package shows, and what else somebody might try for one."""
    import base64

    salts = {b"", bytes(16), bytes(32)}
    for path in package.rglob("records.jsonl"):
        for line in path.read_bytes().splitlines():
            salts |= {base64.b64decode(group["salt"]) for group in json.loads(line)["groups"].values()}
    return salts


@pytest.mark.parametrize("name", ["names", "rows", "onward"])
def test_a_word_list_confirms_no_withheld_name(handed_over, name):
    """Every word, with every salt that the package shows, against every 32 bytes in it that could commit to a name."""
    package = handed_over / name
    hits = guessed(package, NAMES if name == "onward" else WORDS, salts_of(package))
    shown = {one["path"] for one in opened_names(package)}
    assert hits == shown  # an opened one is confirmed by its salt, so the attack works; no other is
    assert (len(shown) > 0) == (name != "names")
    assert len(shown) < 40


def opened_names(package):
    for path in package.rglob("records.jsonl"):
        for line in path.read_bytes().splitlines():
            groups = json.loads(line)["groups"]
            if "name" in groups and (name := json.loads(groups["name"]["bytes"]))["path"]:
                yield name


def test_a_commitment_without_its_salt_would_be_found(handed_over, tmp_path):
    """That the attack above would have found one: a digest of a withheld name put into a copy of the package."""
    import shutil

    shutil.copytree(handed_over / "names", tmp_path / "P")
    word = WORDS[0]
    name = json.dumps({"_t": "evidencekit/name/1", "path": word}, separators=(",", ":")).encode()
    with (tmp_path / "P/evidence/withheld.json").open("ab") as file:
        file.write(hashlib.sha256(name).hexdigest().encode())
    assert guessed(tmp_path / "P", NAMES, salts_of(tmp_path / "P")) == {word}


def test_a_word_list_confirms_no_file_of_a_bag_that_was_left_out(handed_over):
    """Who has all rows but one guesses its name and content, makes the bag's manifest again, and looks for its digest."""
    package, missing = handed_over / "onward", WORDS[0]
    whole = b"\n".join(all_bytes(package))
    lines = (package / "manifest-sha256.txt").read_bytes().splitlines(keepends=True)
    oxum = next(line for line in (package / "bag-info.txt").read_text().splitlines() if "Oxum" in line)
    assert oxum.endswith(".39")
    for word in WORDS[:200]:
        line = f"{hashlib.sha256(word.encode()).hexdigest()}  data/EX-001/{word}\n".encode()
        guess = b"".join(sorted([*lines, line], key=lambda one: one[66:]))
        assert hashlib.sha256(guess).digest() not in whole
        if word == missing:  # the guess is right: it is the manifest of the package that was received
            assert guess == (handed_over / "all/manifest-sha256.txt").read_bytes()
