"""core/opinions.py against specs/manifest.md section 8; vectors/opinions.json has each fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evidencekit.core.event_types import EVENT_TYPES
from evidencekit.core.opinions import DERIVED, DIGEST_SIZES, OPINION_KINDS, RESULTS, is_under
from evidencekit.core.records import EXTRA_DIGESTS
from evidencekit.errors import FormatError

VECTORS = json.loads((Path(__file__).parents[3] / "specs/vectors/opinions.json").read_text())


@pytest.mark.parametrize("vector", VECTORS["headers_accepted"], ids=lambda vector: vector["name"])
def test_every_member_of_a_header_is_needed(vector):
    header = json.loads(vector["text"])
    DERIVED.check(header)
    for key in header:
        with pytest.raises(FormatError):
            DERIVED.check({name: value for name, value in header.items() if name != key})
    with pytest.raises(FormatError):
        DERIVED.check(header | {"more": "x"})


def test_each_kind_has_its_group_its_view_and_totals():
    assert OPINION_KINDS.keys() == {"media-type", "match"}
    for kind, about in OPINION_KINDS.items():
        assert about.group.type == f"evidencekit/{kind}/1"
        assert about.view in about.group.required
        assert "rows" in about.totals
    assert len({about.view for about in OPINION_KINDS.values()}) == len(OPINION_KINDS)
    assert set(OPINION_KINDS["match"].totals) == {*RESULTS, "rows"}


def test_every_kind_can_be_sealed():
    assert EVENT_TYPES["derive"].fields["kind"].form.name == "one of " + " ".join(OPINION_KINDS)


def test_every_digest_that_a_row_can_have():
    assert DIGEST_SIZES == {"sha256": 32, "blake3": 32, **EXTRA_DIGESTS}


@pytest.mark.parametrize(
    ("path", "folder", "under"),
    [
        (b"a", b"", True), (b"", b"", True), (b"a", b"a", True), (b"a/b", b"a", True), (b"ab", b"a", False),
        (b"a", b"a/b", False), (b"", b"a", False), (b"a\xff/b", b"a\xff", True), (b"b/a", b"a", False),
    ],
)  # fmt: skip
def test_what_lies_in_a_folder(path, folder, under):
    assert is_under(path, folder) is under
