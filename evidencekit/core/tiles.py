"""Tiles: the side file of a manifest from which one row's proof is made without the other rows. Its form, no I/O.

Nothing in it is evidence: whoever reads it holds what comes out against the sealed root. Source: specs/store.md
section 8.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import NamedTuple

from evidencekit.core.merkle import HASH_SIZE, CompactRange
from evidencekit.errors import FormatError

MAGIC = b"evidencekit/tiles/1\n"
BLOCK = 256
"""Leaves of a block; nodes of one level that have one node above them."""
POSITION = 4
"""Bytes of a row's place in the file: there are at most 65,536 groups of 65,536 rows."""
MAX_FENCE = 1024
LENGTH = 2
"""Bytes of a fence's length."""
MAX_GROUPS = 65_536
_TAIL = Struct(">QIIB")
TAIL_SIZE = _TAIL.size


class Tail(NamedTuple):
    """What stands at the end of the file, and says where everything else is."""

    rows: int
    groups: int
    fences_size: int
    """Bytes of all fences."""
    shuffled: bool


def encode_tail(tail: Tail) -> bytes:
    """Return the last 17 bytes of the file."""
    return _TAIL.pack(*tail)


def decode_tail(data: bytes) -> Tail:
    """Return what the last 17 bytes say.

    Raises:
        FormatError: other than 17 bytes; no rows; more groups or bytes than there can be; an order that is not known.
    """
    if len(data) != TAIL_SIZE:
        raise FormatError("tiles", expected=f"{TAIL_SIZE} bytes", found=str(len(data)))
    rows, groups, fences_size, order = _TAIL.unpack(data)
    if (
        not 0 < rows <= MAX_GROUPS * MAX_GROUPS
        or not 0 < groups <= MAX_GROUPS
        or fences_size > groups * (LENGTH + MAX_FENCE)
        or order > 1
    ):
        raise FormatError("tiles", expected="a tail", found=data.hex())
    return Tail(rows, groups, fences_size, order == 1)


def fence(path: bytes, stream: bytes = b"") -> bytes:
    """Return what a row group is found by: the sort key of its first row, cut.

    No component holds a zero byte, and zero sorts first: so this sorts as specs/manifest.md section 6 says.
    """
    return (path.replace(b"/", b"\0") + (b"\0\0" + stream if stream else b""))[:MAX_FENCE]


def levels_of(rows: int) -> list[int]:
    """Return the number of nodes of each level above the leaves; the last is 1, the root."""
    sizes = [-(-rows // BLOCK)]
    while sizes[-1] > 1:
        sizes.append(-(-sizes[-1] // BLOCK))
    return sizes


def block_root(nodes: Sequence[bytes]) -> bytes:
    """Return the node above up to 256 neighbouring ones."""
    tree = CompactRange()
    tree.extend(nodes)
    return tree.root()


def block_length(number: int, size: int) -> int:
    """Return how many of the `size` nodes of a level lie in a block."""
    return min(BLOCK, size - number * BLOCK)


def split_blocks(starts: Sequence[int]) -> list[int]:
    """Return the blocks in which a row group begins that does not begin with the block, ascending.

    `starts` are the places of the first rows of the groups, ascending. Only these blocks lie in several groups.
    """
    return sorted({start // BLOCK for start in starts if start % BLOCK})


def leaves_size(tail: Tail, split: Sequence[int]) -> int:
    """Return the bytes of leaf hashes that the file has."""
    if tail.shuffled:
        return tail.rows * (HASH_SIZE + POSITION)
    return sum(block_length(number, tail.rows) for number in split) * HASH_SIZE
