"""The source of the demonstration: real files of this machine, and names and links made on the spot."""

from __future__ import annotations

import os
import shutil
import socket
import sysconfig
from collections.abc import Iterator
from pathlib import Path

MOST_FILES = 2400
MOST_BYTES = 160 * 2**20
LARGEST = 4 * 2**20
PER_FOLDER = 12
"""Files taken from one folder, so that many types come together."""

ODD_NAMES = (
    b"plain.txt",
    b"with space.txt",
    b"new\nline.txt",
    b"[/red]markup.txt",
    b"escape\x1b[31m.txt",
    "right\u202eto-left.txt".encode(),
    b"not-utf8-\xff\xfe.bin",
    "\u0645\u062d\u0636\u0631.txt".encode(),
    "\u8bc1\u636e.txt".encode(),
    b"back\\slash.txt",
    b"-starts-with-dash",
    b"L" * 255,
)


def make_source(folder: Path) -> int:
    """Fill a new folder with copies of real files and with odd ones; return how many files were copied."""
    folder.mkdir(parents=True)
    copied = _copy_real_files(folder / "machine")
    _make_odd_names(folder / "odd names")
    _make_links(folder / "links")
    return copied


def _copy_real_files(folder: Path) -> int:
    """Copy files of many types, a few from each folder of the system, until there are enough."""
    copied = size = 0
    for source in _candidates():
        status = source.stat()
        if copied >= MOST_FILES:
            break
        if status.st_size > LARGEST or size + status.st_size > MOST_BYTES:
            continue
        target = folder / str(source).lstrip(os.sep)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        except OSError:
            continue  # a file that we may not read is not ours to show
        copied, size = copied + 1, size + status.st_size
    return copied


def _candidates() -> Iterator[Path]:
    """Yield plain files, at most a few a folder in a first round, the rest in a second."""
    roots = [Path("/usr/share"), Path("/usr/bin"), Path("/usr/lib"), Path(sysconfig.get_paths()["purelib"])]
    roots.append(Path(sysconfig.get_paths()["stdlib"]))
    later: list[Path] = []
    for root in roots:
        for base, folders, names in os.walk(root):
            folders.sort()
            files = [path for name in sorted(names) if (path := Path(base) / name).is_file() and not path.is_symlink()]
            yield from files[:PER_FOLDER]
            if len(later) < MOST_FILES:
                later += files[PER_FOLDER:]
    yield from later


def _make_odd_names(folder: Path) -> None:
    folder.mkdir()
    (folder / "[").mkdir()  # so that the path of a file in it reads as markup
    for name in ODD_NAMES:
        try:
            with open(os.path.join(os.fsencode(folder), name), "wb") as file:  # noqa: PTH118, PTH123 (names are bytes)
                file.write(b"content of " + name + b"\n")
        except OSError:
            continue  # this file system does not take the name
    (folder / "empty file").touch()
    (folder / "empty folder").mkdir()
    with (folder / "sparse 64 MiB").open("wb") as file:
        file.truncate(64 * 2**20)


def _make_links(folder: Path) -> None:
    folder.mkdir()
    (folder / "target.txt").write_text("linked twice\n")
    os.link(folder / "target.txt", folder / "hard link.txt")
    (folder / "link").symlink_to("target.txt")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "loop").symlink_to("loop")
    (folder / "outside").symlink_to("/etc/passwd")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "fifo")
    if hasattr(socket, "AF_UNIX"):
        with socket.socket(socket.AF_UNIX) as server:
            here = Path.cwd()
            os.chdir(folder)  # a socket's path is short; the folder's may be long
            try:
                server.bind("socket")
            finally:
                os.chdir(here)
