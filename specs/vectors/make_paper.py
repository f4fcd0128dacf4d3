"""Makes paper.json: a checkpoint as it is printed for paper, ways of typing it, and slips.

Nothing of evidencekit is used: the spec is followed a second time.
"""

from __future__ import annotations

from make_signed import ORIGIN, b64
from make_vectors import sha256, write

SIZE = 1204
ROOT = sha256(b"evidencekit vectors: a root on paper")
HEX, TEXT = ROOT.hex(), b64(ROOT)
GROUPS = [HEX[at : at + 8] for at in range(0, 64, 8)]
NOTE = f"{ORIGIN}\n{SIZE}\n{TEXT}\n"
CHECK = sha256(NOTE.encode()).hex()[:6]
PAPER = [
    f"origin    {ORIGIN}",
    "size      1,204",
    f"root      {' '.join(GROUPS[:4])}",
    f"          {' '.join(GROUPS[4:])}",
    f"check     {CHECK}",
]
FULL = "\n".join(
    [*PAPER, "keys      0b1c2d3e 99522dd2", "recorded  2026-11-22T11:52:34.844449147Z, by its own clock", ""]
)


def wrong(place: int, char: str) -> str:
    """The groups with another character at a place."""
    digits = HEX[:place] + char + HEX[place + 1 :]
    return " ".join(digits[at : at + 8] for at in range(0, 64, 8))


ACCEPTED = {
    "the note's three lines": NOTE,
    "the form": "\n".join(PAPER),
    "the form, with what is for people only": FULL,
    "both": f"{NOTE}\n{FULL}\u2588\u2580\u2584 \u2588\n",
    "size and root": f"{SIZE} {TEXT}",
    "hex": f"{SIZE} {HEX}",
    "capitals": f"{SIZE} {HEX.upper()}",
    "groups of four, over lines": f"{SIZE}\n" + "\n".join(HEX[at : at + 4] for at in range(0, 64, 4)),
    "hyphens": f"{SIZE} {'-'.join(GROUPS)}",
    "a comma in the size": f"1,204 {TEXT}",
    "a blank in the size": f"1 204\n{' '.join(GROUPS)}",
    "an apostrophe in the size": f"{ORIGIN} 1'204 {TEXT}",
    "broken base64": f"{SIZE} {TEXT[:11]}\n{TEXT[11:30]} {TEXT[30:]}",
    "labels with colons, in another order": f"Root: {HEX}\nSize: 1.204",
}
REFUSED = {
    "nothing": "",
    "a size alone": "1204",
    "size 0": f"0 {TEXT}",
    "a leading zero": f"01204 {TEXT}",
    "a sign": f"+1204 {TEXT}",
    "two kinds of separators": f"1,204.000 {TEXT}",
    "a group of two digits": f"12,04 {TEXT}",
    "a letter that is no digit": f"{SIZE} {wrong(20, 'o')}",
    "a digit missing": f"{SIZE} {HEX[:-1]}",
    "a digit too many": f"{SIZE} {HEX}0",
    "base64 cut": f"{SIZE} {TEXT[:-1]}",
    "base64 of other bits": f"{SIZE} {TEXT[:-2]}{chr(ord(TEXT[-2]) + 1)}=",
    "a label twice": f"size 1204\nsize 1204\nroot {TEXT}",
    "two forms that differ": f"{SIZE} {TEXT}\nsize 1205\nroot {TEXT}",
    "a check code without the origin": f"size 1204\nroot {TEXT}\ncheck {CHECK}",
    "another digit": FULL.replace("\n".join(PAPER[2:4]), f"root {wrong(20, '0' if HEX[20] != '0' else '1')}"),
    "another size": FULL.replace("1,204", "1,205"),
    "another origin": FULL.replace(ORIGIN, ORIGIN + "8"),
    "a check code of five digits": FULL.replace(CHECK, CHECK[:-1]),
}


if __name__ == "__main__":
    write("paper.json", {
        "spec": "checkpoint.md 13",
        "origin": ORIGIN,
        "size": str(SIZE),
        "root": HEX,
        "accepted": [{"name": name, "text": text} for name, text in ACCEPTED.items()],
        "refused": [{"fault": fault, "text": text} for fault, text in REFUSED.items()],
    })  # fmt: skip
