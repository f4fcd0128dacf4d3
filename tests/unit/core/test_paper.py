"""A checkpoint on paper: how it is printed, every way of typing it, and how a slip is told."""

from __future__ import annotations

import hashlib

import pytest

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.paper import KnownHead, check_code, format_paper, parse_typed, root_groups
from evidencekit.core.values import encode_base64
from evidencekit.errors import FormatError

TREE = Checkpoint("unit7.example/24-117", 1204, hashlib.sha256(b"root").digest())
G = root_groups(TREE.root)
B64 = encode_base64(TREE.root)
PAPER = format_paper(TREE)
HEAD = KnownHead(TREE.origin, TREE.size, TREE.root)


def test_as_it_is_printed():
    assert [
        "origin    unit7.example/24-117",
        "size      1,204",
        f"root      {' '.join(G[:4])}",
        f"          {' '.join(G[4:])}",
        f"check     {hashlib.sha256(f'unit7.example/24-117{chr(10)}1204{chr(10)}{B64}{chr(10)}'.encode()).hexdigest()[:6]}",
    ] == PAPER
    assert format_paper(TREE, ("keys", "0b1c2d3e"))[-1] == "keys      0b1c2d3e"


TYPED = [
    f"1204 {B64}",
    f"1,204 {B64}",
    f"1'204\n{B64}",
    f"1\u202f204\n{B64}",
    f"1 204\n{' '.join(G)}",
    f"1204 {TREE.root.hex()}",
    f"1204 {TREE.root.hex().upper()}",
    f"1204 {'-'.join(G)}",
    "1.204\n" + "\n".join(G),
    f"1204 {' '.join(TREE.root.hex()[at : at + 4] for at in range(0, 64, 4))}",
    f"1204\n{B64[:20]}\n{B64[20:]}",
    f"size: 1 204\nroot: {' '.join(G)}",
    f"SIZE 1204\nROOT\n{' '.join(G)}\n",
    f"root {B64} \n size 1204",
    f"{TREE.origin}\n1204\n{B64}\n",
    f"{TREE.origin} 1,204 {B64}",
    "\n".join(PAPER),
    "\r\n".join(PAPER),
    "\n".join(PAPER).upper().replace(TREE.origin.upper(), TREE.origin),
    f"{TREE.origin}\n1204\n{B64}\n\n" + "\n".join([*PAPER, "keys      a b", "recorded  2026, by hand", "", "█▀▄ ▀"]),
]


@pytest.mark.parametrize("text", TYPED)
def test_every_way_of_typing_it(text):
    head = parse_typed(text)
    assert (head.size, head.root) == (TREE.size, TREE.root)
    assert head.origin in {None, TREE.origin}


SLIPS = {
    "nothing": ("", "a size and a root, found nothing"),
    "no root": ("1204", "a size and a root"),
    "an origin only": ("unit7.example/24-117", "an origin only"),
    "no size": (f"root {B64}", "size: expected a decimal number"),
    "no root after its label": ("size 5\nroot", "root: expected 64 hex digits, or base64, found nothing"),
    "a letter": (f"1204 {' '.join([*G[:2], 'o' + G[2][1:], *G[3:]])}", r"root, group 3: .*'o' in .*is it 0\?"),
    "a letter in one word": (f"1204 {TREE.root.hex()[:9]}l{TREE.root.hex()[10:]}", r"root, group 2: .*is it 1\?"),
    "a sign": (f"1204 {' '.join([*G[:7], '?' + G[7][1:]])}", r"root, group 8"),
    "a digit missing": (f"1204 {' '.join([*G[:4], G[4][1:], *G[5:]])}", "found 63 in 8 groups, group 5 has 7"),
    "a digit too many": (f"1204 {' '.join(G)}0", "found 65 in 8 groups, group 8 has 9"),
    "a group missing": (f"1204 {' '.join(G[:7])}", "found 56 in 7 groups"),
    "a group twice": (f"1204 {' '.join([*G, G[7]])}", "found 72 in 9 groups"),
    "base64 cut": (f"1204 {B64[:-1]}", "44 characters of base64, found 43"),
    "base64 of other bits": (f"1204 {B64[:-2]}{chr(ord(B64[-2]) + 1)}=", "base64"),
    "size of nothing": (f"0 {B64}", "1 or more, found 0"),
    "a sign before the size": (f"+1204 {B64}", "size"),
    "zeros before the size": (f"01204 {B64}", "size"),
    "odd separators": (f"12,04 {B64}", "size"),
    "mixed separators": (f"1,204.000 {B64}", "size"),
    "too large a size": (f"{2**63} {B64}", "size"),
    "digits of another script": (f"\u0661\u0662 {B64}", "size"),
    "two origins": (f"a.example/x 1204 {B64}\norigin b.example/x\nsize 1204\nroot {B64}", "both forms"),
    "two sizes": (f"1204 {B64}\nsize 1205\nroot {B64}", "both forms"),
    "a label twice": (f"size 5\nsize 5\nroot {B64}", "once"),
    "an origin that is none": (f"origin nodot/x\nsize 5\nroot {B64}", "origin"),
    "a check code too short": ("\n".join(PAPER)[:-1], "6 digits"),
    "a check code without its origin": (f"size 1204\nroot {B64}\ncheck {check_code(TREE)}", "the origin, too"),
    "too much": ("1 " * 10_000, "at most"),
}


@pytest.mark.parametrize("name", SLIPS)
def test_slips_are_told(name):
    text, says = SLIPS[name]
    with pytest.raises(FormatError, match=f"(?s){says}"):
        parse_typed(text)


@pytest.mark.parametrize("group", range(8))
def test_the_check_code_finds_the_group(group):
    """One digit that is another, and two that changed places: no digit is odd, and the code tells."""
    digits = list(TREE.root.hex())
    at = 8 * group + 3
    digits[at] = "0" if digits[at] != "0" else "1"
    swapped = list(TREE.root.hex())
    first = next(place for place in range(8 * group, 8 * group + 7) if swapped[place] != swapped[place + 1])
    swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
    for wrong in ("".join(digits), "".join(swapped)):
        text = f"origin {TREE.origin}\nsize 1204\nroot {wrong}\ncheck {check_code(TREE)}"
        with pytest.raises(FormatError, match=f"mistyped; group {group + 1} of the root"):
            parse_typed(text)


@pytest.mark.parametrize(("origin", "size"), [("unit7.example/24-118", 1204), ("unit7.example/24-117", 1205)])
def test_the_check_code_covers_origin_and_size(origin, size):
    text = f"origin {origin}\nsize {size}\nroot {B64}\ncheck {check_code(TREE)}"
    with pytest.raises(FormatError, match="something was mistyped"):
        parse_typed(text)


def test_a_head_of_size_0_says_nothing():
    with pytest.raises(FormatError):
        KnownHead(None, 0, bytes(32))


def test_the_origin_of_either_form_counts():
    assert parse_typed(f"a.example/x 1204 {B64}\nsize 1204\nroot {B64}").origin == "a.example/x"
    assert parse_typed(f"1204 {B64}\norigin a.example/x\nsize 1204\nroot {B64}").origin == "a.example/x"
