"""A bag put together: its files in ascending order, each once; what stands in it is pinned by what comes after.

First what describes the bag, then the payload, hashed while it is copied; then the evidence, in the midst of which
package.json pins every file but the payload and its manifests: a digest over names and digests without a salt would
confirm guesses to those who get a part of the package. Then the manifests.
Source: specs/package.md sections 1 and 6; RFC 8493.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, TypeAlias

from evidencekit.core.bagit import ALGORITHMS, DECLARATION, bag_info, manifest_line, manifest_name
from evidencekit.errors import CannotFinish
from evidencekit.package.payload import Piece
from evidencekit.write.archive import Container
from evidencekit.write.durable import cannot_write

BLOCK = 1 << 20
PACKAGE_FILE = "evidence/package.json"
SIGNATURE_FILE = PACKAGE_FILE + ".sig"

Source: TypeAlias = bytes | Path


class Tag(NamedTuple):
    """A file of the bag that is no payload."""

    path: str
    source: Source
    size: int
    digests: dict[str, str]
    """Hex, by algorithm."""


class Pieces(Protocol):
    """The payload of a bag, as far as the bag asks."""

    @property
    def bytes(self) -> int:
        """Of all pieces."""

    @property
    def count(self) -> int:
        """How many there are."""

    def by_place(self) -> Iterator[Piece]:
        """Yield the pieces, ascending by their places in the bag."""


Blocks: TypeAlias = Callable[[Piece], Iterator[bytes]]
"""What gives the content of a piece, and raises where it is not what was sealed."""
Pin: TypeAlias = Callable[[list[Tag]], tuple[bytes, bytes]]
"""What makes package.json and its signature of the files that it pins."""


def tag(path: str, source: Source) -> Tag:
    """Return a file of the bag, hashed.

    Raises:
        CannotFinish: X403.
    """
    hashers = {name: hashlib.new(name) for name in ALGORITHMS}
    size = 0
    for block in _blocks(source):
        size += len(block)
        for hasher in hashers.values():
            hasher.update(block)
    return Tag(path, source, size, {name: hasher.hexdigest() for name, hasher in hashers.items()})


def describe(fields: list[tuple[str, str]], payload: Pieces, readme: bytes) -> list[Tag]:
    """Return the files that stand before the payload."""
    info = [*fields, ("Payload-Oxum", f"{payload.bytes}.{payload.count}")]
    return [
        tag("README.txt", readme),
        tag("bag-info.txt", bag_info(sorted(info))),
        tag("bagit.txt", DECLARATION),
    ]


def write_bag(
    container: Container,
    head: list[Tag],
    payload: Pieces,
    evidence: list[Tag],
    stage: Path,
    *,
    blocks: Blocks,
    pin: Pin,
) -> bytes:
    """Write all files of a bag; return package.json.

    `head` comes from `describe`, `evidence` is below evidence/; in the folder `stage` the manifests are made.

    Raises:
        CannotFinish: X403, X421, X422, X423, X427; what `blocks` and `pin` raise.
    """
    for one in head:
        _add(container, one)
    manifests = _write_payload(container, payload, stage, blocks)
    package, signature = pin(sorted([*head, *evidence]))
    pinned = [tag(PACKAGE_FILE, package), tag(SIGNATURE_FILE, signature)]
    for one in sorted([*evidence, *pinned]):
        _add(container, one)
    for one in manifests:
        _add(container, one)
    tags = sorted([*head, *evidence, *pinned, *manifests])
    for algorithm in ALGORITHMS:
        lines = b"".join(manifest_line(one.digests[algorithm], one.path) for one in tags)
        _add(container, tag(manifest_name(algorithm, of_tags=True), lines))
    return package


def _write_payload(container: Container, payload: Pieces, stage: Path, blocks: Blocks) -> list[Tag]:
    """Copy the payload, and return its manifests."""
    places = {name: stage / manifest_name(name) for name in ALGORITHMS}
    try:
        with places["sha256"].open("xb") as sha256, places["sha512"].open("xb") as sha512:
            for piece in payload.by_place():
                hasher = hashlib.sha512()
                container.add(piece.place, piece.size, _hashed(blocks(piece), hasher.update))
                sha256.write(manifest_line(piece.sha256.hex(), piece.place))
                sha512.write(manifest_line(hasher.hexdigest(), piece.place))
    except OSError as error:
        raise cannot_write(stage, error) from error
    if not payload.count:
        container.add_folder("data")
    return [tag(manifest_name(name), place) for name, place in places.items()]


def _hashed(blocks: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for block in blocks:
        update(block)
        yield block


def _add(container: Container, one: Tag) -> None:
    try:
        container.add(one.path, one.size, _blocks(one.source))
    except ValueError as error:
        raise CannotFinish(f"{one.path} changed while it was copied.", code="X473", hint="Try again.") from error


def _blocks(source: Source) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    try:
        with source.open("rb") as file:
            while block := file.read(BLOCK):
                yield block
    except OSError as error:
        raise CannotFinish(f"{source} cannot be read: {error.strerror}.", code="X403", path=source) from error
