"""libmagic, by python-magic: the newer of the system's and pylibmagic's, with its own database, and which one it was.

pylibmagic's import would change ctypes and the environment for the whole program, so its files are only looked for;
python-magic loads whatever its loader finds when imported, so it is given a loader. One cookie, kept while it is used.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from evidencekit.errors import CannotFinish

_DATA = "magic.mgc"
_NAMES = ("libmagic.so.1", "libmagic.1.dylib", "libmagic.dylib")
_SYSTEM_DATA = (
    "/usr/share/misc/magic.mgc",
    "/usr/lib/file/magic.mgc",
    "/usr/share/file/magic.mgc",
    "/usr/share/file/misc/magic.mgc",
    "/opt/homebrew/share/misc/magic.mgc",
    "/usr/local/share/misc/magic.mgc",
)
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]*/[A-Za-z0-9][\w.+-]*\Z")
_MAX_WORDS = 500


@dataclass(frozen=True, slots=True)
class Library:
    """A libmagic that can be loaded."""

    loaded: ctypes.CDLL
    version: int
    data: Path | None
    """Its compiled database, where it was found; else it looks for its own."""


class Opinion(NamedTuple):
    """What was concluded about a content."""

    media_type: str | None
    charset: str | None
    error: str | None


class Typer:
    """One libmagic cookie."""

    def __init__(self, libraries: list[Library] | None = None) -> None:
        """Take the newest of some libraries (None: those that are installed).

        Raises:
            CannotFinish: X434, there is none, or it cannot be used.
        """
        found = installed() if libraries is None else libraries
        if not found:
            raise CannotFinish(
                "There is no libmagic here, so no media types can be told.",
                code="X434",
                hint="Install the package pylibmagic; the acquisition itself does not need it.",
            )
        chosen = max(found, key=lambda library: library.version)
        try:
            self._module = module = _python_magic(chosen.loaded)
        except (ImportError, AttributeError) as error:
            raise CannotFinish(f"libmagic cannot be used: {error}.", code="X434") from error
        data = chosen.data
        if module.libmagic is not chosen.loaded:  # loaded before us, by somebody else: then its own database
            data = _data_of(module.libmagic)
        try:
            self._magic = module.Magic(mime=True, mime_encoding=True, magic_file=None if data is None else str(data))
            self.data_sha256 = None if data is None else hashlib.sha256(data.read_bytes()).hexdigest()
            """Of the database in use, where it is known which."""
        except (module.MagicException, OSError) as error:
            raise CannotFinish(f"libmagic cannot be used: {error}.", code="X434") from error
        number = module.version()
        self.version = f"{number // 100}.{number % 100:02d}"
        """As libmagic says it: 544 is `5.44`."""

    def opinion(self, handle: int) -> Opinion:
        """Return what libmagic says about an open file."""
        try:
            words = self._magic.from_descriptor(handle)
        except self._module.MagicException as error:
            return Opinion(None, None, f"libmagic: {error.message}"[:_MAX_WORDS])
        media_type, _, charset = words.partition("; charset=")
        if not _MEDIA_TYPE.match(media_type):
            return Opinion(None, None, f"libmagic: {words}"[:_MAX_WORDS])
        return Opinion(media_type[:_MAX_WORDS], charset[:_MAX_WORDS] or None, None)


def installed() -> list[Library]:
    """Return the libraries that are there: the system's first, then pylibmagic's.

    A binary has its own and loads no other: the machine may be the one that is examined.
    """
    found: list[Library] = []
    for name in () if getattr(sys, "frozen", False) else _NAMES:
        found += _load(name)
        if found:
            break
    spec = importlib.util.find_spec("pylibmagic")
    for folder in (spec.submodule_search_locations or ()) if spec is not None else ():
        places = [place for name in _NAMES if (place := Path(folder) / name).is_file()]
        if places and (Path(folder) / _DATA).is_file():
            found += _load(str(places[0]))
    return found


def _load(name: str) -> list[Library]:
    try:
        library = ctypes.CDLL(name)
        library.magic_version.restype = ctypes.c_int
        return [Library(library, library.magic_version(), _data_of(library))]
    except (OSError, AttributeError):
        return []  # not for this machine, or older than magic_version (2013): as good as none


def _python_magic(library: ctypes.CDLL) -> Any:
    """Return python-magic, loaded over this library unless it is loaded already."""
    if "magic" in sys.modules:
        return sys.modules["magic"]
    loader, compat = ModuleType("magic.loader"), ModuleType("magic.compat")
    loader.load_lib = lambda: library  # type: ignore[attr-defined]
    # Its second interface loads the default database when imported, which need not be there, and is not used here.
    for name in ("detect_from_filename", "detect_from_content", "detect_from_fobj", "open"):
        setattr(compat, name, None)
    stand_ins = {module.__name__: module for module in (loader, compat)}
    sys.modules.update(stand_ins)
    try:
        import magic  # noqa: PLC0415 (it loads its library when imported)
    finally:
        for name in stand_ins:
            del sys.modules[name]
    return magic


def _data_of(library: ctypes.CDLL) -> Path | None:
    """Return the database that belongs to a library: the one beside it, or the system's for one that the system found.

    It is named to libmagic always: left alone, that would follow the environment.
    """
    place = Path(str(library._name))  # noqa: SLF001 - ctypes documents it
    if place.name != str(place) and (place.parent / _DATA).is_file():
        return place.parent / _DATA
    return next((Path(data) for data in _SYSTEM_DATA if Path(data).is_file()), None)
