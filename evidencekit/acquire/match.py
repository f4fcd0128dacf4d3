"""A list of another tool compared with a sealed exhibit, as a derived manifest of kind `match`.

Promises: like for like only; every row that has content, in the folder that the list speaks of, gets one result; an
entry to which nothing answers is counted as missing, a line that is not understood as unreadable.
Source: specs/manifest.md section 8.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self, TypeVar

import orjson

from evidencekit.acquire.comparison import Answer, Comparison, SealedRow
from evidencekit.acquire.compose import Taken
from evidencekit.acquire.derived import Subject, write_derived
from evidencekit.acquire.list_lines import Unreadable
from evidencekit.acquire.lists import DigestList
from evidencekit.acquire.mapping import Mapping, mappings, plain
from evidencekit.core.opinions import RESULTS, is_under
from evidencekit.core.records import EXTRA_DIGESTS
from evidencekit.core.values import display, name_member
from evidencekit.errors import BadArgument, CannotFinish, FormatError
from evidencekit.read.parquet import ManifestFile

T = TypeVar("T")
Tell = Callable[[str, int], None]
"""Hears what is counted, and how many."""

_COLUMNS = ("index", "name", "content", "kind", "path")
_TELL_EVERY = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list is compared with, and how it is read."""

    path: Path
    form: str = "auto"
    under: bytes = b""
    """The folder that the list speaks of, as the path of its row; empty for all of the exhibit."""
    strip: bytes = b""
    """What the listed names begin with."""


class Matched:
    """What came of a comparison. Close it, or use it in a `with` statement: then the names are gone."""

    def __init__(self, taken: Taken, listed: DigestList, mapping: Mapping, fits: int, comparison: Comparison) -> None:
        self.taken = taken
        """The derived manifest."""
        self.format = listed.form
        self.assumed = listed.assumed
        """What was taken for granted, since the list does not say it."""
        self.titles = listed.titles
        """What was used of a table, and the titles of its columns."""
        self.digests = tuple(sorted(listed.digests))
        """Kinds of digests that the list has."""
        self.unreadable: tuple[Unreadable, ...] = tuple(listed.unreadable)
        """The first of the lines that were not understood."""
        self.mapping = mapping
        self.fits = fits
        """Entries whose names are paths of rows."""
        self._comparison = comparison

    def answers(self) -> Iterator[Answer]:
        """Yield what is not `same`: rows by their indexes, then missing entries in the order of the list."""
        return self._comparison.answers()

    def close(self) -> None:
        """Forget the names."""
        self._comparison.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def match(
    asked: Asked,
    manifest: ManifestFile,
    header: dict[str, Any],
    work: Path,
    subject: Subject,
    *,
    clock: Callable[[], int],
    random: Callable[[int], bytes],
    tell: Tell | None = None,
) -> Matched:
    """Compare a list with the rows of `manifest`, whose header is `header`; write a derived manifest into `work`.

    Raises:
        BadArgument: U217 no list that is known, U218 no digest that both have, U219 no row of the path `under`, U231.
        FormatError: `manifest` is damaged.
        CannotFinish: X403 the list or the manifest cannot be read, X421 to X424, X447. Interrupted: X499.
    """
    started = clock()
    asked = replace(asked, under=plain(asked.under, backslashes=False).rstrip(b"/"))
    with ExitStack() as stack:
        comparison = stack.enter_context(Comparison(work / "comparison.sqlite", header["digests"]))
        listed = _read_list(asked, comparison, tell)
        digests = _common(listed, header["digests"])
        comparison.add_rows(_told(_rows(manifest, asked.under), "rows read", tell))
        mapping, fits = _place(asked, comparison, header["source"], subject.exhibit)
        match_record = {
            "digests": digests,
            "entries": str(listed.entries),
            "mapping": mapping.record(),
            "missing": str(comparison.missing()),
            "unreadable_lines": str(listed.unreadable_lines),
            **name_member("under", asked.under),
        }
        results = comparison.results
        taken = write_derived(
            work / "match.parquet",
            "match",
            subject,
            _told(comparison.opinions(), "rows compared", tell),
            lambda: {
                "engine": {"data_sha256": listed.sha256.hex(), "name": listed.form, "version": listed.version},
                "match": match_record,
                "totals": {"rows": str(results.total()), **{name: str(results[name]) for name in RESULTS}},
            },
            started=started,
            clock=clock,
            random=random,
        )
        stack.pop_all()
    return Matched(taken, listed, mapping, fits, comparison)


def _place(asked: Asked, comparison: Comparison, source: dict[str, Any], exhibit: str) -> tuple[Mapping, int]:
    """Choose how the listed names become paths; return that, and how many then are paths of rows."""
    if asked.under and not comparison.has_row(asked.under):
        hint = "Give a path of a row: `evidencekit find CASE --kind directory` lists them."
        raise BadArgument(f"{exhibit} has no row {display(asked.under)}.", code="U219", hint=hint)
    backslashes = comparison.has_backslashes
    return comparison.choose(mappings(source, exhibit, under=asked.under, strip=asked.strip, backslashes=backslashes))


def _read_list(asked: Asked, comparison: Comparison, tell: Tell | None) -> DigestList:
    try:
        with asked.path.open("rb") as file:
            listed = DigestList(file, asked.form)
            comparison.add_entries(_told(listed, "entries read", tell))
    except OSError as error:
        shown = display(str(asked.path))
        raise CannotFinish(f"{shown} cannot be read: {error.strerror}.", code="X403", path=asked.path) from error
    return listed


def _common(listed: DigestList, taken: list[str]) -> list[str]:
    """Return the digests that both have; without one there is nothing to compare."""
    if not listed.entries:
        first = f": line {listed.unreadable[0].line}: {listed.unreadable[0].reason}" if listed.unreadable else ""
        raise BadArgument(f"The list has no entry{first}.", code="U217", hint="Say --format, if it is of another form.")
    common = sorted(listed.digests & set(taken))
    if common:
        return common
    more = " ".join(f"--hash {name.replace('_', '-')}" for name in sorted(listed.digests & EXTRA_DIGESTS.keys()))
    hint = f"Acquire the source once more, as another exhibit, with `acquire {more}`." if more else ""
    raise BadArgument(
        f"The list has {' '.join(sorted(listed.digests)) or 'no digest'}, the acquisition {' '.join(taken)}: "
        "nothing can be compared like for like.",
        code="U218",
        hint=hint or "Make the list with one of these.",
    )


def _rows(manifest: ManifestFile, under: bytes) -> Iterator[SealedRow]:
    """Yield the rows under a folder, in the order of the file, but streams: no list has a name for them."""
    index = -1
    try:
        for _, batch in manifest.batches(_COLUMNS):
            for index, name, content, kind, path in zip(*(batch[column] for column in _COLUMNS), strict=True):
                if not is_under(path, under):
                    continue
                if b'"stream' in name and {"stream", "stream_hex"} & orjson.loads(name).keys():
                    continue
                has_content = kind == b"file" or (kind == b"block_device" and not path)
                facts = orjson.loads(content) if has_content else {}
                digests = {}
                if facts.get("sha256") is not None:
                    names = ("blake3", "sha256", *EXTRA_DIGESTS)
                    digests = {one: bytes.fromhex(facts[one]) for one in names if one in facts}
                size = facts.get("size")
                yield SealedRow(index, path, has_content, None if size is None else int(size), digests)
    except (orjson.JSONDecodeError, AttributeError, TypeError, ValueError) as error:
        raise FormatError(f"the row after {index}", expected="groups of a row", found=type(error).__name__) from error


def _told(items: Iterator[T] | DigestList, what: str, tell: Tell | None) -> Iterator[Any]:
    """Pass on items, and tell now and then how many there were."""
    for count, item in enumerate(items):
        if tell is not None and count % _TELL_EVERY == 0:
            tell(what, count)
        yield item
