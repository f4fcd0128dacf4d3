"""Whatever `checkpoint show` prints is taken back, however it is broken; any other text is read or refused, quickly."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core.checkpoint import Checkpoint, format_checkpoint
from evidencekit.core.paper import KnownHead, check_code, format_paper, parse_typed
from evidencekit.core.values import encode_base64
from evidencekit.errors import BadArgument, FormatError
from evidencekit.verify.outside import parse_known_head

SEGMENT = st.text("abcXYZ019._~-", min_size=1, max_size=12)
ORIGIN = st.builds("{}.example/{}".format, st.from_regex(r"\A[a-z0-9-]{1,12}\Z"), SEGMENT)
TREES = st.builds(Checkpoint, ORIGIN, st.integers(1, 2**63 - 1), st.binary(min_size=32, max_size=32))
BLANKS = st.sampled_from([" ", "  ", "\n", "\r\n", "\t", " \n ", "\n\n"])


@given(TREES, st.booleans(), st.booleans(), st.booleans())
def test_what_is_printed_is_taken_back(tree, plain, paper, extra):
    notes = (
        (("keys", "0b1c2d3e 99522dd2"), ("recorded", "2026-11-22T11:52:34.8Z, by the case's own clock"))
        if extra
        else ()
    )
    lines = [*([format_checkpoint(tree)] if plain or not paper else []), *(format_paper(tree, *notes) if paper else [])]
    head = parse_known_head("\n".join(lines).encode())
    assert head == KnownHead(tree.origin, tree.size, tree.root)


@given(TREES, st.data())
def test_any_breaks_and_cases(tree, data):
    """The root broken anywhere into at least two characters a piece, so that no piece is a label."""
    text = data.draw(st.sampled_from([tree.root.hex(), tree.root.hex().upper(), encode_base64(tree.root)]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(text) - 1), max_size=20)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    root = "".join(piece + data.draw(BLANKS) for piece in pieces)
    size = data.draw(
        st.sampled_from([f"{tree.size}", f"{tree.size:,}", f"{tree.size:_}", f"{tree.size:,}".replace(",", "'")])
    )
    origin = data.draw(st.sampled_from(["", tree.origin + data.draw(BLANKS)]))
    head = parse_typed(f"{origin}{size}{data.draw(BLANKS)}{root}")
    assert (head.size, head.root) == (tree.size, tree.root)


@given(TREES, st.integers(0, 63), st.sampled_from("0123456789abcdef"))
def test_no_slip_of_one_digit_passes_the_check_code(tree, at, digit):
    root = tree.root.hex()[:at] + digit + tree.root.hex()[at + 1 :]
    text = f"origin {tree.origin}\nsize {tree.size}\nroot {root}\ncheck {check_code(tree)}"
    slip = Checkpoint(tree.origin, tree.size, bytes.fromhex(root))
    if check_code(slip) == check_code(tree):  # it is the same, or one in 16 million
        assert parse_typed(text).root == slip.root
    else:
        with pytest.raises(FormatError) as caught:
            parse_typed(text)
        message = caught.value.message
        assert f"group {at // 8 + 1}" in message or "group" not in message


@given(st.one_of(st.binary(max_size=400), st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace"))))
def test_any_bytes_are_read_or_refused(data):
    with contextlib.suppress(BadArgument):
        head = parse_known_head(data)
        assert head.size > 0
        assert len(head.root) == 32


@given(
    st.lists(st.sampled_from(["origin", "size", "root", "check", "keys", "\n", "1,204", "0" * 64, "a.b/c", "=", "é"]))
)
def test_labels_anywhere(words):
    with contextlib.suppress(FormatError):
        assert parse_typed(" ".join(words)).size == 1204
