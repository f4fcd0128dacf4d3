"""The bag around a package: every file named once by each manifest, and as they say, both digests in one pass.

Source: specs/package.md section 8 step 2; RFC 8493 sections 2 and 3.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, Self

from evidencekit.core.bagit import ALGORITHMS, DECLARATION, manifest_name, parse_manifest_line
from evidencekit.core.values import display
from evidencekit.errors import CannotFinish, FormatError
from evidencekit.read.package import Package
from evidencekit.read.package_names import MAX_PATH, PAYLOAD, BadContainer
from evidencekit.verify.run import Run

_BLOCK = 1 << 20
_LONGEST = MAX_PATH + 140
"""Bytes of a line of a manifest."""
_MAX_INFO = 1 << 20
TAG_MANIFESTS = tuple(manifest_name(algorithm, of_tags=True) for algorithm in ALGORITHMS)
PAYLOAD_MANIFESTS = tuple(map(manifest_name, ALGORITHMS))
LISTED, HASHED, CLAIMED = 1, 2, 4
"""What is known of a file: a manifest names it, its digest is known, a row shown is its."""


@dataclass(slots=True)
class Bag:
    """What is known of each file, by its number: 41 bytes a file."""

    marks: bytearray
    digests: bytearray
    """SHA-256 of those that are HASHED."""
    sizes: array[int]
    """Bytes of those that are HASHED."""
    size: int = 0
    """Bytes of payload that were hashed."""
    files: int = 0
    """Payload files that were hashed."""
    missing: int = 0
    """Files that a manifest names, and that are not there."""
    unread: int = 0
    """Payload files that could not be read."""

    @classmethod
    def of(cls, package: Package) -> Self:
        """Return a bag of which nothing is known."""
        files = len(package)
        return cls(bytearray(files), bytearray(32 * files), array("Q", bytes(8 * files)))

    def counted(self) -> Counter[str]:
        """Return how many files were checked, and how many were not, or are not there."""
        hashed = sum(mark & HASHED > 0 for mark in self.marks)
        return Counter(checked=hashed, not_checked=len(self.marks) - hashed + self.missing)

    def sha256(self, number: int) -> bytes | None:
        """Return the SHA-256 of a file, None where it could not be read."""
        return bytes(self.digests[32 * number : 32 * number + 32]) if self.marks[number] & HASHED else None


class _Line(NamedTuple):
    path: str
    digests: dict[str, str]
    """Algorithm to hex, for each manifest that names the path."""
    missing: set[str]
    """Algorithms whose manifest can be read up to here, and does not name it."""


def check_bag(run: Run, package: Package) -> Bag:
    """Check all of a bag but what `package.json` says of it (E157, E161 to E164)."""
    bag = Bag.of(package)
    declaration = run.read("bagit.txt", _MAX_INFO)
    if declaration is not None and declaration != DECLARATION:
        run.find("E161", "bagit.txt", "BagIt-Version: 1.0, UTF-8", display(declaration[:100]))
    unread: dict[bool, set[str]] = {False: set(), True: set()}
    """Manifests of payload, and of the rest, that could not be read to their end."""
    for of_tags, faulty in unread.items():
        for line in _merged(run, package, faulty, of_tags=of_tags):
            _check_line(run, package, bag, line, of_tags=of_tags)
    unlisted = sum(not mark & LISTED for mark in bag.marks)
    for name in TAG_MANIFESTS:  # what nothing lists has no digest to be compared with
        number = package.number(name)
        if number is not None:
            unlisted -= 1
            bag.marks[number] |= HASHED if _hash(run, package, name) is not None else 0
    if unlisted:
        for number, name in enumerate(package.names()):
            is_known = bag.marks[number] & LISTED or name in TAG_MANIFESTS
            if not is_known and not unread[not name.startswith(PAYLOAD)]:
                run.find("E164", display(name), "a file that both manifests name", "one that none names")
    _check_info(run, bag)
    return bag


def _check_line(run: Run, package: Package, bag: Bag, line: _Line, *, of_tags: bool) -> None:
    """Hash the file of a line (E162, E163), unless the manifest must not name it (E161)."""
    where = display(line.path)
    if line.path.startswith(PAYLOAD) == of_tags or line.path in TAG_MANIFESTS:
        expected = "files beside payload" if of_tags else "payload"
        run.find("E161", manifest_name("sha256", of_tags=of_tags), expected, where)
        return
    for algorithm in line.missing:
        expected = "the same files in both manifests"
        run.find("E161", manifest_name(algorithm, of_tags=of_tags), expected, f"no {where}")
    number = package.number(line.path)
    if number is None:
        run.find("E163", where, "a file that a manifest names", "none")
        bag.missing += 1
        return
    bag.marks[number] |= LISTED
    found = _hash(run, package, line.path)
    if found is None:
        bag.unread += not of_tags
        return
    run.did("bag_files", total=len(package))
    size, digests = found
    bag.marks[number] |= HASHED
    bag.sizes[number] = size
    bag.digests[32 * number : 32 * number + 32] = bytes.fromhex(digests["sha256"])
    if not of_tags:
        bag.size += size
        bag.files += 1
    for algorithm, stated in line.digests.items():
        if digests[algorithm] != stated:
            run.find("E162", where, f"{algorithm} {stated}", f"{algorithm} {digests[algorithm]}")
            break


def _hash(run: Run, package: Package, name: str) -> tuple[int, dict[str, str]] | None:
    """Return size and both digests of a file, None where it cannot be read."""
    digests = {algorithm: hashlib.new(algorithm) for algorithm in ALGORITHMS}
    size = 0
    try:
        with package.open(name) as file:
            while block := file.read(_BLOCK):
                size += len(block)
                for digest in digests.values():
                    digest.update(block)
    except BadContainer as error:
        run.find(error.finding, display(name), error.expected, error.found)
    except CannotFinish as error:
        run.skip("record", "unreadable", display(name), error.message)
    except OSError as error:
        run.skip("record", "unreadable", display(name), f"cannot be read: {error.strerror}")
    else:
        return size, {algorithm: digest.hexdigest() for algorithm, digest in digests.items()}
    return None


def _check_info(run: Run, bag: Bag) -> None:
    data = run.read("bag-info.txt", _MAX_INFO)
    if data is None:
        return
    fields = [line.partition(": ") for line in data.decode(errors="replace").split("\n")[:-1]]
    if not data.endswith(b"\n") or any(not colon for _, colon, _ in fields):
        run.find("E161", "bag-info.txt", "lines LABEL: TEXT", "another line")
    stated = [text for label, _, text in fields if label == "Payload-Oxum"]
    found = f"{bag.size}.{bag.files}"
    if stated != [found] and not bag.unread:
        run.find("E161", "bag-info.txt", f"Payload-Oxum: {found}", display(", ".join(stated)) or "none")


# --- lines ---------------------------------------------------------------------------------------------------------


def _merged(run: Run, package: Package, unread: set[str], *, of_tags: bool) -> Iterator[_Line]:
    """Yield the lines of the manifests by path, those of one path together; `unread` takes manifests with a fault."""
    readers = {
        algorithm: _lines(run, package, algorithm, unread, manifest_name(algorithm, of_tags=of_tags))
        for algorithm in ALGORITHMS
    }
    heads = {algorithm: next(reader, None) for algorithm, reader in readers.items()}
    while waiting := {algorithm: head for algorithm, head in heads.items() if head is not None}:
        path = min(head[1] for head in waiting.values())
        digests = {algorithm: head[0] for algorithm, head in waiting.items() if head[1] == path}
        yield _Line(path, digests, ALGORITHMS.keys() - digests.keys() - unread)
        for algorithm in digests:
            heads[algorithm] = next(readers[algorithm], None)


def _lines(run: Run, package: Package, algorithm: str, unread: set[str], name: str) -> Iterator[tuple[str, str]]:
    """Yield digest and path of each line of a manifest, as long as they are in their only form and ascend (E161)."""
    try:
        with package.open(name) as file:
            before = ""
            for number in count(1):
                line = file.readline(_LONGEST)
                if not line:
                    return
                digest, path = _parsed(line, algorithm, f"{name} line {number}", before)
                before = path
                yield digest, path
    except BadContainer as error:
        run.find(error.finding, name, error.expected, error.found)
    except FormatError as error:
        run.find("E161", error.place, error.expected, error.found)
    except CannotFinish as error:
        run.unreadable(name, error)
    except OSError as error:
        run.skip("record", "unreadable", name, f"cannot be read: {error.strerror}")
    unread.add(algorithm)


def _parsed(line: bytes, algorithm: str, place: str, before: str) -> tuple[str, str]:
    if not line.endswith(b"\n"):
        raise FormatError(place, expected=f"a line of at most {_LONGEST} bytes, with its end", found="none")
    digest, path = parse_manifest_line(line[:-1], algorithm, place)
    if path <= before:
        raise FormatError(place, expected="paths in ascending order, each once", found=display(path[:200]))
    return digest, path
