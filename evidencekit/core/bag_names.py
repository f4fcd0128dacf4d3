"""Names below `data/` of a package: for any bytes, on any file system.

Promises: two names never become one; what comes out has at most 200 bytes a component, is in NFC, and is no name that a
system reserves, hides or cuts; it has no `%`, which BagIt's manifests escape and other tools that read them do not.
Neighbours that a file system without case takes for one are the caller's to tell apart (`package.payload`), by the
shortened form. Letters are those of Unicode 3.2, so that every version of every language maps alike.
Pure. Source: specs/package.md section 3.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from unicodedata import normalize
from unicodedata import ucd_3_2_0 as unicode

PAYLOAD = "data"
MAX_COMPONENT = 200
MAX_PATH = 1000
"""Bytes of a path in the bag; what is longer, or deeper than `MAX_DEPTH`, is named by its row."""
MAX_DEPTH = 50
"""Components of a path in the bag."""
_HEAD = 120
_USUAL = 255
"""Bytes up to which a name is remembered."""
_SHORTENED, _STREAM, _ROW = "^~", "^~s-", "^~row-"
_SOURCE = "^~source"
_PUNCTUATION = frozenset(" !#$&'()+,-.;=@[]_{}")
_USUAL_PLAIN = re.compile(rb"[A-Za-z0-9 !#$&'()+,.;=@\[\]_{}-]*")
"""Names of ASCII that are plain from beginning to end, as most are."""
_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(?:\..*)?\Z", re.IGNORECASE | re.DOTALL)
_BROKEN_ESCAPE = re.compile(r"\^[0-9A-F]?\Z")


def fold(name: str) -> str:
    """Return a name as a file system compares it that knows no case."""
    return normalize("NFC", normalize("NFC", name).casefold())


def map_name(component: bytes, stream: bytes = b"") -> str:
    """Return the name in a bag of a component of a path, or of a stream of the file that it names."""
    mapped = _mapped(component, stream)
    return mapped if len(mapped.encode()) <= MAX_COMPONENT else shorten_name(component, stream)


def shorten_name(component: bytes, stream: bytes = b"") -> str:
    """Return the other name: for one that is too long, or that folds to that of a neighbour."""
    head = _mapped(component, stream).encode()[:_HEAD].decode(errors="ignore")
    digest = hashlib.sha256(component + (b"\0" + stream if stream else b"")).hexdigest()[:32]
    return _BROKEN_ESCAPE.sub("", head) + _SHORTENED + digest


def is_name_of(name: str, component: bytes, stream: bytes = b"") -> bool:
    """Tell whether a name in a bag is one that the component may have there."""
    return name == map_name(component, stream) or name == shorten_name(component, stream)


# --- paths ---------------------------------------------------------------------------------------------------------


def components_of(item: str, path: bytes, stream: bytes = b"") -> list[tuple[bytes, bytes]]:
    """Return what the components of a payload's path below `data/` stand for: each a name, and a stream or nothing.

    The first is the exhibit's; the source itself (path empty) is one component more, whose name is empty.
    """
    *above, last = path.split(b"/")
    return [(item.encode(), b""), *((name, b"") for name in above), (last, stream)]


def row_path(item: str, index: int) -> str:
    """Return the path in the bag of a payload that is named by its row: the name is withheld, or too long."""
    return f"{PAYLOAD}/{map_name(item.encode())}/{_ROW}{index}"


def is_path_of(place: str, item: str, index: int, path: bytes | None, stream: bytes = b"") -> bool:
    """Tell whether a path in a bag is one that a row's payload may have there; `path` is None where it is withheld."""
    mapped = None if path is None else map_path(item, path, stream)
    if mapped is not None and mapped == place and not is_too_long(mapped):
        return True
    top, *names = place.split("/")
    if top != PAYLOAD or not names or not is_name_of(names[0], item.encode()):
        return False
    if path is None or mapped is None or is_too_long(mapped):
        return names[1:] == [f"{_ROW}{index}"]
    meant = components_of(item, path, stream)
    return len(meant) == len(names) and all(is_name_of(name, *one) for name, one in zip(names, meant, strict=True))


def map_path(item: str, path: bytes, stream: bytes = b"") -> str:
    """Return the path in the bag of a row's payload, where no neighbour is in its way, however long it is."""
    return "/".join([PAYLOAD, *(map_name(*one) for one in components_of(item, path, stream))])


def is_too_long(place: str) -> bool:
    """Tell whether a path in a bag is longer, or deeper, than one may be."""
    return len(place.encode()) > MAX_PATH or place.count("/") >= MAX_DEPTH


# --- one component ---------------------------------------------------------------------------------------------------


def _mapped(component: bytes, stream: bytes) -> str:
    return (
        _remembered(component, stream) if len(component) + len(stream) <= _USUAL else _escaped_name(component, stream)
    )


def _escaped_name(component: bytes, stream: bytes) -> str:
    name = _escape_name(component) if component else _SOURCE
    return name + (_STREAM + _escape_name(stream) if stream else "")


_remembered = lru_cache(4096)(_escaped_name)
"""The names of folders come again with each file in them."""


def _escape_name(component: bytes) -> str:
    if _USUAL_PLAIN.fullmatch(component):
        return _tamed(component.decode())
    try:
        text = component.decode()
    except UnicodeDecodeError:
        mapped = "".join(chr(byte) if byte < 0x80 and _is_plain(chr(byte)) else f"^{byte:02X}" for byte in component)
    else:
        letters = unicode.is_normalized("NFC", text)
        mapped = "".join(one if _is_plain(one) and (letters or one.isascii()) else _escaped(one) for one in text)
    return _tamed(mapped)


def _tamed(mapped: str) -> str:
    """Return a name of plain characters and escapes that no system reserves, hides or cuts."""
    if _RESERVED.match(mapped) or mapped[:1] in {" ", "."}:
        mapped = _escaped(mapped[0]) + mapped[1:]
    if mapped[-1:] in {" ", "."}:
        mapped = mapped[:-1] + _escaped(mapped[-1])
    return mapped


def _is_plain(one: str) -> bool:
    return one in _PUNCTUATION or unicode.category(one)[0] in "LMN"


def _escaped(text: str) -> str:
    return "".join(f"^{byte:02X}" for byte in text.encode())
