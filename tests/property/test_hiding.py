"""What is withheld cannot be guessed from what is shown, even by somebody who knows its exact bytes.

The argument (specs/threat-model.md, attacker G): a commitment is a hash over a 16-byte salt that leaves the case only when
its group is opened. So these tests look for the salt in everything that is shown, and for any shortcut to it.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core.digest import group_commitment, group_salts
from evidencekit.core.proofs import parse_tlog_proof
from evidencekit.package.row_proof import prove_row
from evidencekit.read.parquet import ManifestFile, Row

CASE = Path(__file__).parents[2] / "specs/vectors/cases/good/0.1_small/case"
GROUPS = ("name", "content", "metadata")
SALTS = st.binary(min_size=16, max_size=16)


def rows(number: int = 1) -> dict[str, Row]:
    place = f"manifests/{number:08d}.parquet"
    with (CASE / place).open("rb") as file:
        return {row.path.decode(): row for row in ManifestFile(file, place).rows()}


def commitments(row: Row) -> dict[str, bytes]:
    salts = group_salts(row.row_salt)._asdict()
    return {name: group_commitment(name, salts[name], getattr(row, name)) for name in GROUPS}


@pytest.mark.parametrize("withheld", GROUPS)
def test_a_proof_does_not_carry_the_salt_of_a_withheld_group(withheld):
    row = rows()["docs/a.txt"]
    shown = tuple(name for name in GROUPS if name != withheld)
    proof = prove_row(CASE, "EX-001:docs/a.txt", groups=shown).whole
    extra = parse_tlog_proof(proof).extra
    h = hashlib.sha512(b"evidencekit/salts/1\0" + row.row_salt).digest()
    secret = {"row salt": row.row_salt, "group salt": group_salts(row.row_salt)._asdict()[withheld], "rest": h[48:64]}
    for data in (proof, extra, base64.b64decode(base64.b64encode(extra))):
        for name, salt in secret.items():
            assert salt not in data, name
            assert salt.hex().encode() not in data, name
            for cut in range(3):  # base64 at each of its three alignments
                assert base64.b64encode(bytes(cut) + salt)[4:-4] not in data, name
    assert getattr(row, withheld) not in extra


@pytest.mark.parametrize("withheld", GROUPS)
def test_whoever_knows_the_exact_bytes_cannot_confirm_them(withheld):
    """All that is shown, tried as salt in every way that a curious recipient would think of."""
    row = rows()["docs/a.txt"]
    target = commitments(row)[withheld]
    salts = group_salts(row.row_salt)._asdict()
    known = [salts[name] for name in GROUPS if name != withheld]
    known += [commitments(row)[name][:16] for name in GROUPS] + [bytes(16)]
    known += [
        hashlib.sha512(b"evidencekit/salts/1\0" + salt).digest()[at : at + 16]
        for salt in known
        for at in (0, 16, 32, 48)
    ]
    known += [bytes(a ^ b for a, b in zip(one, two, strict=True)) for one, two in itertools.combinations(known[:6], 2)]
    guess = getattr(row, withheld)
    for salt in known:
        for name in GROUPS:
            assert group_commitment(name, salt, guess) != target
    assert hashlib.sha256(guess).digest() != target
    assert group_commitment(withheld, salts[withheld], guess) == target  # with the salt it is confirmed at once


def test_equal_files_have_nothing_in_common_that_is_shown():
    """Two rows of equal content, state and size: equal groups, and yet no commitment is the same."""
    content = json.dumps({"same": "content"}).encode()
    seen = set()
    for number in range(200):
        salts = group_salts(hashlib.sha256(b"%d" % number).digest()[:16])
        seen |= {group_commitment("content", salts.content, content)}
    assert len(seen) == 200


def test_no_two_rows_of_a_case_share_a_commitment():
    all_rows = list(rows().values())
    every = [value for row in all_rows for value in commitments(row).values()]
    assert len(set(every)) == len(every) == 3 * len(all_rows)


@given(SALTS, SALTS, st.binary(max_size=200))
def test_a_commitment_depends_on_its_salt(one, two, data):
    assert (group_commitment("name", one, data) == group_commitment("name", two, data)) == (one == two)


@given(SALTS)
def test_the_salts_of_a_row_are_apart(row_salt):
    h = hashlib.sha512(b"evidencekit/salts/1\0" + row_salt).digest()
    parts = {*group_salts(row_salt), h[48:64], row_salt}
    assert len(parts) == 5


@given(SALTS, st.binary(max_size=64))
def test_one_group_cannot_pass_for_another(salt, data):
    assert len({group_commitment(name, salt, data) for name in (*GROUPS, "opinion")}) == 4
