"""Seeded trees of files to measure on: the same arguments make the same names and bytes everywhere."""

from __future__ import annotations

import argparse
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from benchmarks.contents import LARGEST, Contents, Draws, noise

MIB = 1 << 20
PER_FOLDER = 500
_FILES_A_FOLDER = 42
_FOLDERS_A_FOLDER = 12
_REMEMBERED = 512
_BLOCKS = 16 * MIB


class Mix(NamedTuple):
    """What a tree of small files consists of."""

    shares: Mapping[str, int]
    """Ending of the name to the number of files among all of them; `bin` is an empty file."""
    repeated: float
    """Share of the files whose content occurred before."""


_BINARY = {"jpg": 14, "png": 10, "pdf": 9, "zip": 6, "gz": 4, "gif": 4, "so": 4, "db": 3}
_TEXT = {"html": 10, "txt": 10, "json": 8, "py": 6, "xml": 6, "csv": 4}
MIXED = Mix(_BINARY | _TEXT | {"bin": 2}, repeated=0.10)
BINARY = Mix(_BINARY | {"bin": 2}, repeated=0.30)
TEXT = Mix(_TEXT, repeated=0.0)


def make_small_files(folder: Path, count: int, *, seed: int = 7, largest: int = 64) -> None:
    """Write `count` files of 0 to `largest` bytes in nested folders."""
    source = random.Random(seed)
    block = source.randbytes(largest + 4096)
    for start in range(0, count, PER_FOLDER):
        (folder / small_file(start)).parent.mkdir(parents=True)
        for index in range(start, min(start + PER_FOLDER, count)):
            at = source.randrange(4096)
            (folder / small_file(index)).write_bytes(block[at : at + source.randrange(largest + 1)])


def small_file(index: int) -> str:
    """Return the path of one of `make_small_files`."""
    number = index // PER_FOLDER
    return f"{number // 100:04d}/{number % 100:02d}/{index:08d}.dat"


def make_mixed(folder: Path, count: int, mix: Mix = MIXED, *, seed: int = 11) -> None:
    """Write `count` files of 0 to 16 KiB of real types, 42 in each of nested folders with names in ten languages."""
    contents = Contents(seed)
    draws = contents.draws
    endings = list(mix.shares)
    bounds = list(accumulate(mix.shares.values()))
    earlier: list[tuple[str, bytes]] = []
    folders = _nested(folder, -(-count // _FILES_A_FOLDER), contents.words, draws)
    for index in range(count):
        if index % _FILES_A_FOLDER == 0:
            place = next(folders)
        if earlier and draws.below(1000) < mix.repeated * 1000:
            ending, data = draws.pick(earlier)
        else:
            drawn = draws.below(bounds[-1])
            ending = endings[next(number for number, bound in enumerate(bounds) if drawn < bound)]
            data = b"" if ending == "bin" else contents.make(ending, draws.below(LARGEST + 1))
            if len(earlier) < _REMEMBERED:
                earlier.append((ending, data))
            else:
                earlier[draws.below(_REMEMBERED)] = ending, data
        (place / f"{draws.pick(draws.pick(contents.words))} {index:06d}.{ending}").write_bytes(data)


def _nested(folder: Path, count: int, words: Sequence[Sequence[str]], draws: Draws) -> Iterator[Path]:
    """Make folders, twelve in each, and yield them; the first is `folder` itself."""
    made = [folder]
    folder.mkdir(parents=True)
    yield folder
    for number in range(1, count):
        made.append(made[(number - 1) // _FOLDERS_A_FOLDER] / f"{draws.pick(draws.pick(words))}-{number}")
        made[-1].mkdir()
        yield made[-1]


def make_large(folder: Path, size: int, *, seed: int = 13) -> None:
    """Write one file of `size` bytes."""
    folder.mkdir(parents=True)
    with (folder / "large.bin").open("wb") as file:
        for block in _blocks(seed, -(-size // MIB)):
            file.write(block[: size - file.tell()])


def make_medium(folder: Path, count: int, *, seed: int = 17) -> None:
    """Write `count` files of 1 MiB, a hundred a folder."""
    for index, block in enumerate(_blocks(seed, count)):
        place = folder / f"{index // 100:03d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{index:05d}.bin").write_bytes(block)


def _blocks(seed: int, count: int) -> Iterator[bytes]:
    """Yield blocks of 1 MiB, no two alike: their number, then a stretch of some noise."""
    source = noise(seed, _BLOCKS)
    draws = Draws(seed)
    for index in range(count):
        at = draws.below(_BLOCKS - MIB)
        yield index.to_bytes(8, "little") + source[at : at + MIB - 8]


def copy_real(folder: Path, sources: Sequence[Path], limit: int | None = None) -> int:
    """Copy real trees side by side into `folder`, files and symbolic links; return how many files were unreadable.

    With a limit of files each tree gives the same part of it, in the order of the names.
    """
    folder.mkdir(parents=True)
    unreadable = 0
    for number, source in enumerate(sources):
        entries = _files_below(source)
        for count, path in enumerate(entries):
            if limit is not None and count >= limit // len(sources):
                break
            target = folder / f"{number}-{source.name}" / path.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copy2(path, target, follow_symlinks=False)
            except PermissionError:
                unreadable += 1
    return unreadable


def _files_below(source: Path) -> Iterator[Path]:
    for base, folders, names in os.walk(source):
        folders.sort()
        for name in sorted(names + [name for name in folders if Path(base, name).is_symlink()]):
            path = Path(base, name)
            if path.is_symlink() or path.is_file():
                yield path


KINDS: Mapping[str, Callable[[Path, int], None]] = {
    "tiny": make_small_files,
    "small": make_mixed,
    "packaged": make_mixed,
    "binary": lambda folder, count: make_mixed(folder, count, BINARY),
    "text": lambda folder, count: make_mixed(folder, count, TEXT),
    "medium": make_medium,
    "large": make_large,
}
"""Name to maker; the number counts files, bytes for `large`."""


def main() -> None:
    """Make a corpus from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("folder", type=Path, help="must not exist")
    parser.add_argument("number", type=int, help="of files; for large, of bytes")
    arguments = parser.parse_args()
    KINDS[arguments.kind](arguments.folder, arguments.number)


if __name__ == "__main__":
    main()
