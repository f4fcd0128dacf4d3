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
PACKAGES = "packages"
WORK = "work"
INDEX = "index.sqlite"
TEMPORARY = ".tmp-"

MAX_BRANCHES = 100
"""Adopted cases that one verification follows, however they lie in each other."""
MAX_DEPTH = 4
"""Adopted cases inside each other: as many names as an exhibit's has room for."""
MAX_RECORD_FILE = 65_536
"""Bytes of an event, entry or case file that a reader takes."""
MAX_SIGNATURE_FILE = 16_384
MAX_NOTE_FILE = 1_048_576

LABEL = re.compile(r"[a-z0-9-]{1,40}\Z")
"""What a branch, a time-stamp, an authority of a policy may be called."""
_NUMBER = re.compile(r"(?:[0-9]{8}|[1-9][0-9]{8,18})\Z")
_REDUCED = re.compile(r"([0-9]+)\.r([1-9][0-9]{0,9})\.parquet\Z")
_ANCHOR = re.compile(r"([0-9]+)\.([a-z0-9-]{1,40})\.(tsr|cosig)\Z")
_SIGNATURE = re.compile(r"event\.json(?:\.(?:[2-9]|[1-9][0-9]{1,2}))?\.sig\Z")
_IN_A_PACKAGE = re.compile(r"(?:branches/[a-z0-9-]{1,40}/)*packages/[0-9a-f]{64}/")
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


def parse_reduced_name(name: str) -> tuple[int, int] | None:
    """Return N and K of a reduced manifest's file name (`N.rK.parquet`), else None."""
    found = _REDUCED.match(name)
    number = parse_number(found[1]) if found else None
    return None if found is None or number is None else (number, int(found[2]))


def checkpoint_file(size: int) -> str:
    """Return the note at a tree size."""
    return f"{CHECKPOINTS}/{number(size)}"


def cosignature_name(size: int, key_id: bytes) -> str:
    """Return the name in checkpoints/ of a cosignature of the note at a tree size, by the key of this key id."""
    return f"{number(size)}.{key_id.hex()}.cosig"


def token_name(size: int, name: str) -> str:
    """Return the name in checkpoints/ of a time-stamp of the note at a tree size; `name` as `[a-z0-9-]{1,40}`."""
    return f"{number(size)}.{name}.tsr"


def parse_anchor_name(name: str) -> tuple[int, str, str] | None:
    """Return tree size, name and kind (`tsr`, `cosig`) of an attestation's file in checkpoints/, else None."""
    found = _ANCHOR.match(name)
    size = parse_number(found[1]) if found else None
    return None if found is None or size is None else (size, found[2], found[3])


def object_file(sha256_hex: str) -> str:
    """Return the place of a content-addressed object."""
    return f"{OBJECTS}/sha256/{sha256_hex[:2]}/{sha256_hex}"


def branch_folder(name: str) -> str:
    """Return the folder of an adopted case."""
    return f"{BRANCHES}/{name}"


def package_folder(digest: str) -> str:
    """Return the folder of a received package; `digest` is the package digest, hex."""
    return f"{PACKAGES}/{digest}"


def is_disposable(path: str) -> bool:
    """Tell whether a path is never read and never judged: work/, the index, tree caches, temporary files.

    In a received package every file belongs to it, whatever its name is.
    """
    if _IN_A_PACKAGE.match(path):
        return False
    first, _, _ = path.partition("/")
    return (
        first in {WORK, INDEX, INDEX + "-wal", INDEX + "-shm", INDEX + "-journal"}
        or any(part.startswith(TEMPORARY) for part in path.split("/"))
        or path.endswith(TILES)
    )


def is_dropping(path: str) -> bool:
    """Tell whether a desktop system leaves files of this name lying about."""
    return _DROPPINGS.match(path.rpartition("/")[2]) is not None and not _IN_A_PACKAGE.match(path)
