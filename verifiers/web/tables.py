"""Print the tables of `src/engine/unicode.ts`: PLAIN and ASSIGNED of Unicode 3.2; FOLDED, where not lower case."""

import unicodedata

OLD = unicodedata.ucd_3_2_0
CHARACTERS = [chr(point) for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]


def ranges(wanted) -> str:
    """Return runs of code points beyond ASCII, as distance from the one before and length less one, in hex."""
    runs, last = [], 0
    points = [ord(char) for char in CHARACTERS if char > "\x7f" and wanted(char)]
    for point in points:
        if runs and point == runs[-1][1] + 1:
            runs[-1][1] = point
        else:
            runs.append([point, point])
    said = []
    for first, end in runs:
        said.append(f"{first - last:x},{end - first:x}")
        last = end
    return ";".join(said)


print("PLAIN", ranges(lambda char: OLD.category(char)[0] in "LMN"))
print("ASSIGNED", ranges(lambda char: OLD.category(char) != "Cn"))
folded = {char: char.casefold() for char in CHARACTERS if char.casefold() != char.lower()}
print(
    "FOLDED",
    ";".join(f"{ord(char):x}=" + " ".join(f"{ord(one):x}" for one in to) for char, to in sorted(folded.items())),
)
