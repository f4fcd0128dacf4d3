"""What of a case is meant to leave it: which rows, which of their groups, and on what ground the rest stays.

A folder that is chosen by name comes with all below it; one above a chosen row does not come with it: the row's own
name says where it lies. Source: specs/package.md sections 2 and 4; cli.md ("Items and rows").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import orjson

from evidencekit.catalogue.build import Catalogue
from evidencekit.catalogue.manifest import open_manifest, read_columns, read_header, unreadable
from evidencekit.catalogue.query import find, query
from evidencekit.catalogue.record import Record, Sealed
from evidencekit.core.globs import Globs
from evidencekit.core.records import EXTRA_DIGESTS
from evidencekit.core.reduced import GROUPS
from evidencekit.core.selectors import Selectors
from evidencekit.core.values import display, read_name
from evidencekit.errors import BadArgument, FormatError, Refused
from evidencekit.journeys.rows_of_item import OWN, choose_rows
from evidencekit.package.choice import MAX_GROUNDS, NOT_REQUESTED, Choice
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
    """Exhibits; all that are sealed, where none is named."""
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


def choose(record: Record, catalogue: Catalogue | None, wanted: Wanted, withhold: Iterable[Withhold]) -> list[Choice]:
    """Return what is shown of each manifest: of rows, then of media types about them, in the order of their numbers.

    `catalogue` is needed where there are criteria. Memory: six bytes a row of the items that are meant.

    Raises:
        BadArgument: U215 not a sealed exhibit, U211 to U214 a criterion that cannot be; U271, U272 a row that is not
            there; U280 nothing is chosen, U281 something that was asked for is nowhere, U282 no such ground.
        Refused: R551 a row was given to a part; R560 an item that cannot be exported so.
        CannotFinish: X402, X403, X441, X443, X444.
    """
    rules = list(withhold)
    grounds = _grounds(rules)
    sealed = _sealed(record, wanted)
    found = _found(catalogue, sealed, wanted) if catalogue is not None and wanted.has_criteria else None
    unused = {rule.glob for rule in rules if rule.glob is not None}
    choices = []
    for one in sealed:
        texts = [text for text in wanted.rows if text.startswith((f"{one.item}:", f"{one.item}#"))]
        selectors = Selectors(one.item, texts, everything=not texts)
        rows = choose_rows(record, one.item, selectors)
        chosen = bytearray(rows.chosen) if texts or not wanted.has_criteria else bytearray(one.rows)
        if found is not None and (not wanted.items or one.item in wanted.items):
            for index, mark in enumerate(found[one.item]):
                if mark and rows.belongs[index] == OWN:
                    chosen[index] = 1
        if any(chosen):
            choices.append(_choice(record, one, chosen, rules, grounds, unused))
    if not choices:
        raise BadArgument(
            "No row is chosen.", code="U280", hint="Nothing was written. `evidencekit find` shows what there is."
        )
    if unused:  # a slip: what was to be withheld would leave
        raise _nowhere(f"{min(unused)}, which is to be withheld, among what is chosen")
    opinions = [_about(base, types) for base in choices if (types := _media_types(record, base)) is not None]
    return sorted([*choices, *opinions], key=lambda choice: choice.manifest)


# --- which rows -----------------------------------------------------------------------------------------------------


def _sealed(record: Record, wanted: Wanted) -> list[Sealed]:
    """Return the manifests of the items that are meant."""
    named = {text.partition(":")[0].partition("#")[0] for text in wanted.rows}
    parts = {part.part for split in record.splits for part in split.parts}
    for item in sorted({*wanted.items, *named}):
        if item in parts or "/" in item:
            what = "is a part of an exhibit" if item in parts else "is of a case that was adopted"
            raise Refused(
                f"{display(item)} {what}: this version exports whole exhibits and rows of them alone.",
                code="R560",
                hint="Name the exhibit and its rows; or export from the case that was adopted.",
            )
    if not wanted.items and (wanted.has_criteria or not named):
        return list(record.of_item(None))
    return [one for item in sorted({*wanted.items, *named}) for one in record.of_item(item)]


def _found(catalogue: Catalogue, sealed: list[Sealed], wanted: Wanted) -> dict[str, bytearray]:
    """Return for each item which rows meet all kinds of criteria, a byte a row."""
    kinds = []
    if wanted.bounds:
        kinds.append(_marked(sealed, _of_find(catalogue, **wanted.bounds)))
    if wanted.globs:
        kinds.append(_marked(sealed, _of_globs(catalogue, wanted.globs)))
    if wanted.digests or wanted.listed is not None:
        kinds.append(_marked(sealed, _of_digests(catalogue, wanted)))
    if wanted.sql is not None:
        sql = f"SELECT item, idx FROM rows WHERE (\n{wanted.sql}\n)"  # noqa: S608 (the operator's own; reading only)
        kinds.append(_marked(sealed, iter(query(catalogue, sql)[1])))
    return {one.item: bytearray(map(min, *(kind[one.item] for kind in kinds), kinds[0][one.item])) for one in sealed}


def _marked(sealed: list[Sealed], rows: Iterable[tuple[str, int]]) -> dict[str, bytearray]:
    marks = {one.item: bytearray(one.rows) for one in sealed}
    for item, index in rows:
        if item in marks:
            marks[item][index] = 1
    return marks


def _of_find(catalogue: Catalogue, **criteria: object) -> Iterator[tuple[str, int]]:
    rows, _ = find(catalogue, **criteria)  # type: ignore[arg-type]  # as `Wanted` says
    return ((row["item"], row["index"]) for row in rows)


def _of_globs(catalogue: Catalogue, globs: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Yield the rows that match a glob; each has to match one: a slip must not pass for a success."""
    for glob in globs:
        rows = _of_find(catalogue, name=glob)
        first = next(rows, None)
        if first is None:
            raise _nowhere(f"the glob {glob}")
        yield first
        yield from rows


def _of_digests(catalogue: Catalogue, wanted: Wanted) -> Iterator[tuple[str, int]]:
    """Yield the rows that have one of the digests."""
    asked = {*wanted.digests, *(wanted.listed or ())}
    columns = sorted({name for digest in asked for name in _SIZES.get(len(digest), ())})
    if not columns:
        return
    unseen = set(wanted.digests)
    sql = f"SELECT item, idx, {', '.join(columns)} FROM rows WHERE sha256 IS NOT NULL"  # noqa: S608 (our own names)
    _, lines = query(catalogue, sql)
    for item, index, *digests in lines:
        if not asked.isdisjoint(digests):
            unseen.difference_update(digests)
            yield item, index
    if unseen:
        raise _nowhere(f"the digest {min(unseen)}")


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


def _nowhere(what: str) -> BadArgument:
    return BadArgument(
        f"Nothing that is sealed matches {display(what)}.",
        code="U281",
        hint="Nothing was written. `evidencekit find` shows what there is.",
    )


# --- which groups ---------------------------------------------------------------------------------------------------


def _grounds(rules: list[Withhold]) -> tuple[str, ...]:
    grounds = ["", NOT_REQUESTED, *dict.fromkeys(rule.ground for rule in rules if rule.ground != NOT_REQUESTED)]
    for ground in grounds[1:]:
        check_ground(ground)
    if len(grounds) > MAX_GROUNDS:
        raise BadArgument(f"{len(grounds)} grounds are too many.", code="U282", hint=f"At most {MAX_GROUNDS}.")
    return tuple(grounds)


def check_ground(ground: str) -> None:
    """Raise BadArgument (U282) where a ground is neither of the list nor somebody's own."""
    if label_of(ground) is None:
        raise BadArgument(
            f"{display(ground)} is no ground for withholding.",
            code="U282",
            hint=f"One of {', '.join(sorted(known_grounds()))}; or x-WORD, your own.",
        )


def _choice(
    record: Record, sealed: Sealed, chosen: bytearray, rules: list[Withhold], grounds: tuple[str, ...], unused: set[str]
) -> Choice:
    """Return what is shown of the chosen rows; globs that match one of them are no longer `unused`."""
    not_requested = grounds.index(NOT_REQUESTED)
    groups = {name: bytearray(chosen.translate(bytes([not_requested, 0]) + bytes(254))) for name in GROUPS}
    for rule in rules:
        if rule.glob is None:
            table = bytes([grounds.index(rule.ground), *range(1, 256)])
            for name in rule.groups:
                groups[name] = bytearray(groups[name].translate(table))
    narrow = [(Globs([rule.glob]), rule) for rule in rules if rule.glob is not None]
    with open_manifest(record.store, sealed) as manifest:
        header = read_header(manifest, sealed)
        for indexes, names in read_columns(manifest, sealed, ("index", "name")) if narrow else ():
            for index, name in zip(indexes, names, strict=True):
                if not chosen[index] or name is None:
                    continue
                path = _path(sealed, index, name)
                for globs, rule in narrow:
                    if globs.match(path):
                        unused.discard(rule.glob or "")
                        for group in rule.groups:
                            groups[group][index] = grounds.index(rule.ground)
    return Choice(
        item=sealed.item,
        manifest=sealed.manifest,
        entry=sealed.entry,
        root=sealed.root,
        rows=sealed.rows,
        is_shuffled=header["order"] == "shuffled",
        is_sensitive=header["options"]["sensitive"],
        grounds=grounds,
        groups=groups,
    )


def _path(sealed: Sealed, index: int, name: bytes) -> bytes:
    try:
        return read_name(orjson.loads(name), "path")
    except (FormatError, KeyError, orjson.JSONDecodeError) as error:
        raise unreadable(sealed, f"row {index}: {error}") from error


def _media_types(record: Record, base: Choice) -> Sealed | None:
    """Return the newest manifest of media types about a manifest of rows. Other opinions quote names of other lists."""
    (sealed,) = (one for one in record.sealed if one.manifest == base.manifest)
    return record.media_types(sealed)


def _about(base: Choice, sealed: Sealed) -> Choice:
    """Return what is shown of opinions about the rows of `base`."""
    return replace(
        base,
        item=sealed.item,
        manifest=sealed.manifest,
        entry=sealed.entry,
        root=sealed.root,
        rows=sealed.rows,
        is_shuffled=False,
        base_root=base.root,
    )
