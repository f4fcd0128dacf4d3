"""What of a case is meant to leave it: by which criteria rows are chosen, and what of them is withheld.

A folder that is chosen by name comes with all below it; one above a chosen row does not come with it: the row's own
name says where it lies. Source: specs/package.md sections 2 and 4; cli.md ("Items and rows").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from evidencekit.catalogue.build import Catalogue
from evidencekit.catalogue.query import find, query
from evidencekit.catalogue.record import Sealed
from evidencekit.core.records import EXTRA_DIGESTS
from evidencekit.core.values import display
from evidencekit.errors import BadArgument
from evidencekit.read.grounds import known_grounds, label_of

NOT_STATED = "not_stated"
_SIZES = {
    64: ("sha256", "blake3", "sha3_256"),
    **{2 * size: (name,) for name, size in EXTRA_DIGESTS.items() if size != 32},
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are meant. Kinds of criteria add up; of one kind any is enough. `rows` come in any case."""

    items: tuple[str, ...] = ()
    """Exhibits, parts of them, items of adopted cases; all that are sealed, where none is named."""
    globs: tuple[str, ...] = ()
    digests: tuple[str, ...] = ()
    """Hex of any recorded digest: each has to be there."""
    listed: frozenset[str] | None = None
    """Hex, of a list of which not all need be there; None where there is no list."""
    sql: str | None = None
    """A condition on the catalogue's table `rows`."""
    bounds: Mapping[str, int] | None = None
    """`larger smaller after before`, as `catalogue.query.find` has them."""
    rows: tuple[str, ...] = ()
    """`EX-001:PATH`, with all below it; `EX-001#INDEX`."""

    @property
    def has_criteria(self) -> bool:
        """Tell whether rows are looked for in the catalogue."""
        return bool(self.globs or self.digests or self.listed is not None or self.sql is not None or self.bounds)


@dataclass(frozen=True, slots=True)
class Withhold:
    """Groups that are not opened, of all rows or of those that a glob matches."""

    groups: tuple[str, ...]
    ground: str = NOT_STATED
    glob: str | None = None


class Search:
    """Looks for rows in the catalogues of a case and of those that it adopted: kinds of criteria add up.

    Each glob and each digest has to be found in one of them: a slip must not pass for a success.
    """

    def __init__(self, wanted: Wanted) -> None:
        """Take what is meant."""
        self._wanted = wanted
        self._unseen = {*wanted.globs, *wanted.digests}

    def marks(self, catalogue: Catalogue, sealed: Iterable[Sealed]) -> dict[str, bytearray]:
        """Return for each exhibit which rows meet all kinds of criteria, a byte a row.

        Raises:
            BadArgument: U211, U213, U214 a criterion that cannot be.
            CannotFinish: the catalogue cannot be read.
        """
        wanted, kinds = self._wanted, list[Iterable[tuple[str, int]]]()
        if wanted.bounds:
            kinds.append(_of_find(catalogue, **wanted.bounds))
        if wanted.globs:
            kinds.append(self._of_globs(catalogue))
        if wanted.digests or wanted.listed is not None:
            kinds.append(self._of_digests(catalogue))
        if wanted.sql is not None:
            sql = f"SELECT item, idx FROM rows WHERE (\n{wanted.sql}\n)"  # noqa: S608 (the operator's own; reading only)
            kinds.append(iter(query(catalogue, sql)[1]))
        marks = {one.item: bytearray(b"\1" * one.rows) for one in sealed}
        for rows in kinds:
            found = {item: bytearray(len(of_item)) for item, of_item in marks.items()}
            for item, index in rows:
                if item in found:
                    found[item][index] = marks[item][index]
            marks = found
        return marks

    def refuse_unseen(self) -> None:
        """Raise BadArgument (U281) where something that was asked for is nowhere."""
        if self._unseen:
            raise nowhere(min(self._unseen))

    def _of_globs(self, catalogue: Catalogue) -> Iterator[tuple[str, int]]:
        for glob in self._wanted.globs:
            for row in _of_find(catalogue, name=glob):
                self._unseen.discard(glob)
                yield row

    def _of_digests(self, catalogue: Catalogue) -> Iterator[tuple[str, int]]:
        asked = {*self._wanted.digests, *(self._wanted.listed or ())}
        columns = sorted({name for digest in asked for name in _SIZES.get(len(digest), ())})
        if not columns:
            return
        sql = f"SELECT item, idx, {', '.join(columns)} FROM rows WHERE sha256 IS NOT NULL"  # noqa: S608 (our own names)
        _, lines = query(catalogue, sql)
        for item, index, *digests in lines:
            if not asked.isdisjoint(digests):
                self._unseen.difference_update(digests)
                yield item, index


def _of_find(catalogue: Catalogue, **criteria: object) -> Iterator[tuple[str, int]]:
    rows, _ = find(catalogue, **criteria)  # type: ignore[arg-type]  # as `Wanted` says
    return ((row["item"], row["index"]) for row in rows)


def nowhere(what: str) -> BadArgument:
    """Return the exception for something that was asked for, and that nothing sealed matches (U281)."""
    return BadArgument(
        f"Nothing that is sealed matches {display(what)}.",
        code="U281",
        hint="Nothing was written. `evidencekit find` shows what there is.",
    )


def check_digest(text: str, place: str) -> str:
    """Return a digest in lower case.

    Raises:
        BadArgument: U213, it is none.
    """
    digest = text.lower()
    if len(digest) not in _SIZES or set(digest) - set("0123456789abcdef"):
        lengths = ", ".join(map(str, sorted(_SIZES)))
        raise BadArgument(
            f"{place}: {display(text[:80])} is not a digest.", code="U213", hint=f"Hex of {lengths} digits."
        )
    return digest


def check_ground(ground: str) -> None:
    """Raise BadArgument (U282) where a ground is neither of the list nor somebody's own."""
    if label_of(ground) is None:
        raise BadArgument(
            f"{display(ground)} is no ground for withholding.",
            code="U282",
            hint=f"One of {', '.join(sorted(known_grounds()))}; or x-WORD, your own.",
        )
