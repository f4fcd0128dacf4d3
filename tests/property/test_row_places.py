"""Proofs of rows by tiles: for any names, row groups and order they are those that all rows give."""

from __future__ import annotations

import tempfile
from pathlib import Path

from deep import deep
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

component = st.sampled_from([b"a", b"b", b"a b", b"a!", b"\xff", b"d", b"longer name"])


@st.composite
def manifests(draw):
    """Names with streams, the sizes of the row groups, the order."""
    names = {(b"", b"")} | draw(
        st.sets(st.tuples(st.lists(component, min_size=1, max_size=4).map(b"/".join), st.just(b"")), max_size=60)
    )
    names |= {(path, stream) for path, _ in draw(st.sets(st.sampled_from(sorted(names)))) for stream in (b"s", b"t")}
    more = draw(st.sampled_from([0, 0, 200, 256, 300, 700]))
    names |= {(b"m/%05d" % number, b"") for number in range(more)}
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(names) - 1)), max_size=9)) - {len(names)})
    groups = [stop - start for start, stop in zip([0, *cuts], [*cuts, len(names)], strict=True)]
    return sorted(names), groups, draw(st.booleans())


@deep(60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(manifest=manifests(), data=st.data())
def test_tiles_lead_where_all_rows_lead(tiled, manifest, data):
    names, groups, shuffled = manifest
    with tempfile.TemporaryDirectory() as folder:
        made = tiled.make(Path(folder), names, groups, shuffled=shuffled)
        for position in {0, len(names) - 1, *data.draw(st.lists(st.integers(0, len(names) - 1), max_size=4))}:
            for wanted in (made.indexes[position], made.names[position][0]):
                found = made.by_tiles(wanted)
                assert found is not None
                assert found == made.by_all_rows(wanted)
