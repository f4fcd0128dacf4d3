"""Opinions that are looked at together, here or elsewhere, give what they give one by one."""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from deep import deep
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.verify import apart as apart_module
from evidencekit.verify.catalogues import Catalogue
from evidencekit.verify.derived import check_derived
from evidencekit.verify.opinions import OpinionLook
from evidencekit.verify.run import Run
from evidencekit.verify.stretch import HAS_DIGEST, TO_MATCH, TO_TYPE


def _load(name):
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


mr = _load("sealedrows")
TYPES = [b"text/plain", b"image/png", None]
OPINIONS = {view: mr.cb.jcs({"_t": "evidencekit/media-type/1", "charset": None, "error": None if view else "odd",
                             "media_type": None if view is None else view.decode()}) for view in TYPES}  # fmt: skip
MATCHES = [mr.cb.jcs({"_t": "evidencekit/match/1", "result": result} | more) for result, more in
           (("not_listed", {}), ("not_comparable", {}), ("same", {"compared": ["sha256", "size"]}))]  # fmt: skip
WRONG = [
    b"",
    b"{}",
    OPINIONS[None].replace(b"null", b"1", 1),
    OPINIONS[None] + b" ",
    b'{"_t":"evidencekit/media-type/2"}',
]


class Manifest(mr.Manifest):
    def __init__(self, rows, batch, groups, view):
        super().__init__(rows, batch, groups)
        self.columns = [SimpleNamespace(name=view)]

    def batches(self, columns=None, *, start=0, stop=None):
        every = ["index", "row_salt", "base_index", "opinion", self.columns[-1].name]
        return super().batches(columns or every, start=start, stop=stop)


@st.composite
def derived(draw):
    """Return the notes of base rows, and rows of opinions about them: right ones, or with a few faults."""
    kind = draw(st.sampled_from(["media-type", "media-type", "match"]))
    notes = bytes(draw(st.lists(st.sampled_from([0, TO_TYPE, TO_TYPE | TO_MATCH | HAS_DIGEST]), max_size=40)))
    bit = TO_TYPE if kind == "media-type" else TO_MATCH
    rows = []
    for base in (place for place, note in enumerate(notes) if note & bit):
        view = draw(st.sampled_from(TYPES))
        opinion = OPINIONS[view]
        if kind == "match":
            opinion = draw(st.sampled_from(MATCHES))
            view = opinion.partition(b'"result":"')[2].rstrip(b'"}')
        rows.append({"base_index": base, "opinion": opinion, "view": view})
    for _ in range(draw(st.sampled_from([0, 0, 1, 3]))):
        if not rows:
            break
        at = draw(st.integers(0, len(rows) - 1))
        what = draw(st.sampled_from(["base", "opinion", "view", "drop", "again", "swap", "index", "salt"]))
        if what == "drop":
            del rows[at]
        elif what == "again":
            rows.insert(at, dict(rows[at]))
        elif what == "swap" and at:
            rows[at], rows[at - 1] = rows[at - 1], rows[at]
        elif what == "base":
            rows[at]["base_index"] = draw(st.integers(-2, 50))
        elif what == "opinion":
            rows[at]["opinion"] = draw(st.sampled_from(WRONG))
        elif what == "view":
            rows[at]["view"] = draw(st.sampled_from([b"x", None, b"\xff"]))
        elif what == "index":
            rows[at]["index"] = draw(st.integers(-1, 50))
        else:
            rows[at]["row_salt"] = bytes(16)
    for index, row in enumerate(rows):
        row.setdefault("index", index)
        row.setdefault("row_salt", bytes.fromhex(mr.digest(b"%d" % index))[:16])
    return kind, notes, rows


def outcome(kind, notes, manifest, *, has_base, crew=None):
    run = Run()
    run.crew = crew or run.crew
    sealing = SimpleNamespace(kind=kind, base_root="ab" * 32, manifest=1, exhibit="EX")
    base = Catalogue(sealing, None, len(notes), bytearray(notes)) if has_base else None
    header = {"base_manifest": "1"}
    if kind == "match":
        header["match"] = {"digests": ["sha256"], "under": ""}
    answer = check_derived(run, manifest, "m", sealing, header, base)
    said = [(f.code, f.where, f.expected, f.found) for f in run.findings.listed()]
    return answer, said, run.findings.counts, run.not_checked, +run.checked


@deep(400)
@given(data=st.data(), made=derived(), has_base=st.booleans())
def test_together_apart_and_one_by_one_are_the_same(data, made, has_base):
    kind, notes, rows = made
    view = "media_type" if kind == "media-type" else "result"
    stored = [{**row, view: row["view"]} for row in rows]
    manifest = Manifest(stored, data.draw(st.integers(1, 7)), data.draw(st.integers(1, 3)), view)
    with patch.object(OpinionLook, "look", lambda *_: None):
        expected = outcome(kind, notes, manifest, has_base=has_base)
    assert outcome(kind, notes, manifest, has_base=has_base) == expected
    with patch.multiple(apart_module, LEAST_ROWS=0, JOB_ROWS=data.draw(st.integers(1, 5))):
        assert outcome(kind, notes, manifest, has_base=has_base, crew=mr.Crew(data.draw)) == expected


@pytest.mark.parametrize("batch", [1, 4, 100])
def test_the_quick_way_is_taken(batch):
    notes = bytes([TO_TYPE, 0] * 20)
    rows = [{"index": n, "row_salt": bytes([n]) * 16, "base_index": 2 * n, "opinion": OPINIONS[TYPES[n % 3]],
             "media_type": TYPES[n % 3]} for n in range(20)]  # fmt: skip
    seen = Counter()
    real = OpinionLook.look

    def spy(*arguments):
        found = real(*arguments)
        seen[found is not None] += 1
        return found

    with patch.object(OpinionLook, "look", spy):
        (_, totals), said, *_ = outcome("media-type", notes, Manifest(rows, batch, 1, "media_type"), has_base=True)
    assert (totals, said) == ({"errors": 6, "rows": 20}, [])
    assert seen == {True: -(-20 // batch)}
