"""Writes evidencekit/report/fonts: the fonts of the PDF, from packages of npm that are pinned by their digests.

    .venv/bin/python packaging/fonts.py

Noto Sans, Noto Sans Arabic and Noto Sans Mono are kept whole. Noto Sans SC is cut to the characters of GB 2312, and
Noto Sans Symbols 2 to marks of forms. Hints for screens are dropped, and the letters of Noto Sans Arabic are made whole
(`whole_letters.py`). What comes out is held to the digests of
SHA256SUMS: other bytes, as of another version of fonttools, stop the script, and --new keeps them.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, NamedTuple, cast

from fontTools import subset
from fontTools.ttLib import TTFont

sys.path.insert(0, str(Path(__file__).parent))
from whole_letters import make_whole

FOLDER = Path(__file__).parents[1] / "evidencekit/report/fonts"
MARKS = range(0x2600, 0x27C0)
"""Miscellaneous symbols and dingbats: boxes and ticks."""


class Source(NamedTuple):
    """A package of npm."""

    version: str
    sha256: str
    files: tuple[str, ...]
    kept: frozenset[int] | None
    """Characters; None for all."""
    whole: bool = False
    """Letters become one with their dots and vowel signs."""


def _gb_2312() -> frozenset[int]:
    """Return the characters of GB 2312, with all punctuation and forms of full width that go with them."""
    pairs = (bytes((row, cell)) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    found = {ord(character) for pair in pairs for character in pair.decode("gb2312", "ignore")}
    return frozenset(found | {*range(0x20, 0x7F), *range(0x3000, 0x3100), *range(0xFF00, 0xFFF0)})


SOURCES = {
    "noto-sans": Source(
        "0.4.2",
        "98cf14a19b8e67a0e76bfd4d5df98937b9734e6dde570bd750f2259042042548",
        (
            "NotoSans_400Regular",
            "NotoSans_700Bold",
        ),
        None,
    ),
    "noto-sans-arabic": Source(
        "0.4.3",
        "29e966f9d48a4ce7dd3c2c4c016f29cd888089538217303fb2c87de9e7f048ed",
        (
            "NotoSansArabic_400Regular",
            "NotoSansArabic_700Bold",
        ),
        None,
        whole=True,
    ),
    "noto-sans-mono": Source(
        "0.4.2",
        "fc1ae36c3c68e50fa7c12a37e987d7fa1325d280969912d181548ff8f1ce2e2b",
        ("NotoSansMono_400Regular",),
        None,
    ),
    "noto-sans-sc": Source(
        "0.4.3",
        "0d69d0f4971d2ff574e3d93cbc218dc950bf3f3f8f8e2c008d97687ed53aee59",
        (
            "NotoSansSC_400Regular",
            "NotoSansSC_700Bold",
        ),
        _gb_2312(),
    ),
    "noto-sans-symbols-2": Source(
        "0.4.1",
        "3bf3d6333487df36e88d146e032a9ed8246617ca2dfe1513a8a382c3fad12ac4",
        ("NotoSansSymbols2_400Regular",),
        frozenset(MARKS),
    ),
}


def main() -> None:
    """Write the fonts, their licence and their digests; say what changed."""
    before = (FOLDER / "SHA256SUMS").read_text("utf-8") if (FOLDER / "SHA256SUMS").exists() else ""
    made: dict[str, bytes] = {}
    licences: list[bytes] = []
    with tempfile.TemporaryDirectory() as place:
        for name, source in SOURCES.items():
            package = _package(name, source, Path(place))
            for file in source.files:
                family, _, weight = file.partition("_")
                font = _member(package, f"package/{weight}/{file}.ttf")
                made[f"{family}-{weight.lstrip('0123456789')}.ttf"] = _reduced(font, source)
            licences.append(_member(package, "package/LICENSE_FONT"))
    made["OFL.txt"] = _licence(licences)
    sums = "".join(f"{hashlib.sha256(made[name]).hexdigest()}  {name}\n" for name in sorted(made))
    if sums != before and "--new" not in sys.argv[1:]:
        raise SystemExit("other fonts came out than those of SHA256SUMS; nothing was written")
    for name, data in made.items():
        (FOLDER / name).write_bytes(data)
    (FOLDER / "SHA256SUMS").write_text(sums, "utf-8")


def _package(name: str, source: Source, place: Path) -> bytes:
    """Return a package of npm, held to its digest."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed: `make verifiers` puts one into .venv/bin")
    asked = f"@expo-google-fonts/{name}@{source.version}"
    subprocess.run([npm, "pack", "--silent", asked], cwd=place, check=True, stdout=subprocess.DEVNULL)
    data = (place / f"expo-google-fonts-{name}-{source.version}.tgz").read_bytes()
    if hashlib.sha256(data).hexdigest() != source.sha256:
        raise SystemExit(f"{asked} is not the package that was pinned")
    return data


def _member(package: bytes, name: str) -> bytes:
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        return cast(IO[bytes], archive.extractfile(name)).read()


def _licence(texts: list[bytes]) -> bytes:
    """Return the one licence of all, below the copyright line of each."""
    lines, rest = zip(*(text.split(b"\n", 1) for text in texts), strict=True)
    if len(set(rest)) != 1:
        raise SystemExit("the fonts have not all the same licence")
    return b"\n".join([*dict.fromkeys(lines), rest[0]])


def _reduced(data: bytes, source: Source) -> bytes:
    """Return the font without hints, with the characters that are kept and all shapes that they can take."""
    font = TTFont(io.BytesIO(data), recalcTimestamp=False)
    wanted = subset.Options(hinting=False, layout_features=["*"], name_IDs=["*"], notdef_outline=True)
    if source.kept is not None:
        wanted.layout_features = ["ccmp", "locl", "mark", "mkmk"]  # nobody asks for upright or half-width forms
    work = subset.Subsetter(wanted)
    work.populate(unicodes=font.getBestCmap().keys() if source.kept is None else source.kept)
    work.subset(font)
    if source.whole:
        make_whole(font)
    out = io.BytesIO()
    font.save(out)
    return out.getvalue()


if __name__ == "__main__":
    main()
