"""Where things lie in a case directory: names only, no I/O. Source: specs/store.md."""

from __future__ import annotations

import re

CASE_FILE = "case.json"
CUSTODY = "custody"
TILES = ".tiles"
MANIFESTS = "manifests"
CHECKPOINTS = "checkpoints"
OBJECTS = "objects"
BRANCHES = "branches"
WORK = "work"
INDEX = "index.sqlite"
TEMPORARY = ".tmp-"

MAX_RECORD_FILE = 65_536
"""Bytes of an event, entry or case file that a reader takes."""
MAX_SIGNATURE_FILE = 16_384
MAX_NOTE_FILE = 1_048_576

_NUMBER = re.compile(r"(?:[0-9]{8}|[1-9][0-9]{8,18})\Z")
_SIGNATURE = re.compile(r"event\.json(?:\.(?:[2-9]|[1-9][0-9]{1,2}))?\.sig\Z")
_DROPPINGS = re.compile(
    r"(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.directory|\._.*)\Z",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)


def number(n: int) -> str:
    """Return a number as names carry it: decimal, at least 8 digits."""
    return f"{n:08d}"


def parse_number(name: str) -> int | None:
    """Return the number that a name spells, or None where it is not one in its only spelling."""
    return int(name) if _NUMBER.match(name) else None


def entry_folder(index: int) -> str:
    """Return the folder of an entry."""
    return f"{CUSTODY}/{number(index)}"


def entry_file(index: int) -> str:
    """Return the leaf of an entry."""
    return f"{CUSTODY}/{number(index)}/entry"


def event_file(index: int) -> str:
    """Return the event of an entry."""
    return f"{CUSTODY}/{number(index)}/event.json"


def signature_name(place: int) -> str:
    """Return the file name of the signature of `signers[place]`."""
    return "event.json.sig" if place == 0 else f"event.json.{place + 1}.sig"


def signature_file(index: int, place: int) -> str:
    """Return the signature of `signers[place]` of an entry."""
    return f"{CUSTODY}/{number(index)}/{signature_name(place)}"


def is_signature_name(name: str) -> bool:
    """Tell whether a name is that of some signature file."""
    return _SIGNATURE.match(name) is not None


def manifest_file(n: int, reduced: int = 0) -> str:
    """Return the Parquet file of manifest `n`, or its `reduced` form (1 and up)."""
    return f"{MANIFESTS}/{number(n)}{f'.r{reduced}' if reduced else ''}.parquet"


def tiles_file(n: int) -> str:
    """Return the side file of manifest `n` from which proofs are made quickly; it is disposable."""
    return f"{MANIFESTS}/{number(n)}{TILES}"


def parse_manifest_name(name: str) -> int | None:
    """Return the number of a full manifest's file name, else None."""
    return parse_number(name[:-8]) if name.endswith(".parquet") else None


def checkpoint_file(size: int) -> str:
    """Return the note at a tree size."""
    return f"{CHECKPOINTS}/{number(size)}"


def object_file(sha256_hex: str) -> str:
    """Return the place of a content-addressed object."""
    return f"{OBJECTS}/sha256/{sha256_hex[:2]}/{sha256_hex}"


def is_disposable(path: str) -> bool:
    """Tell whether a path is never read and never judged: work/, the index, tree caches, temporary files."""
    first, _, _ = path.partition("/")
    return (
        first in {WORK, INDEX, INDEX + "-wal", INDEX + "-shm", INDEX + "-journal"}
        or any(part.startswith(TEMPORARY) for part in path.split("/"))
        or path.endswith(TILES)
    )


def is_dropping(path: str) -> bool:
    """Tell whether a desktop system leaves files of this name lying about."""
    return _DROPPINGS.match(path.rpartition("/")[2]) is not None
