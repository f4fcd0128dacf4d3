"""The package `rfc8785` (Trail of Bits) writes the same bytes: our profile is JCS, not merely like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core.encoding import MAX_SAFE_INTEGER, PROOF, decode, encode
from evidencekit.errors import FormatError

pytestmark = pytest.mark.judge("rfc8785")

KEYS = st.just("_t") | st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
SCALARS = (
    st.none() | st.booleans() | st.text(st.characters(codec="utf-8")) | st.integers(-MAX_SAFE_INTEGER, MAX_SAFE_INTEGER)
)
MEMBERS = st.lists(SCALARS, max_size=5) | st.dictionaries(KEYS, SCALARS, max_size=5) | SCALARS


@given(record=st.dictionaries(KEYS, MEMBERS, max_size=8))
def test_same_bytes(record):
    import rfc8785

    assert rfc8785.dumps(record) == encode(record, PROOF)


@pytest.mark.parametrize(
    "text", ["".join(map(chr, range(128))), "\u2028\u2029\u007f\u0080\ufeff\uffff", "😀é\u0301", "\\/\"'"]
)
def test_same_escapes(text):
    import rfc8785

    assert rfc8785.dumps({"a": text}) == encode({"a": text})
    assert decode(rfc8785.dumps({"a": text})) == {"a": text}


@pytest.mark.parametrize("value", [1.5, -0.1, 1e30, 5e-324])
def test_fractions_that_jcs_writes_are_outside_the_profile(value):
    import rfc8785

    with pytest.raises(FormatError):
        decode(rfc8785.dumps({"a": value}))
