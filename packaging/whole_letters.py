"""Makes the letters of an Arabic font whole: a letter, its dots and its vowel signs become one glyph on the line.

Fonts like Noto Sans Arabic set a letter as a bare shape and its dots as signs of their own, raised or lowered. In a PDF
the parts of one letter then stand for that letter each, and who copies the text gets it twice. Here each shape with its
dots, and each letter of the Arabic alphabet with its vowel signs, is drawn as one glyph more, at the places that the
font itself gives its signs; the font puts it in at the end of all that it does, so that letters join as they did.
Source: OpenType 1.9 (GSUB 4, GPOS 4 and 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

from fontTools.otlLib.builder import buildAnchor, buildLigatureSubstSubtable, buildLookup
from fontTools.ttLib import TTFont
from fontTools.ttLib.tables._g_l_y_f import Glyph, GlyphComponent
from fontTools.ttLib.tables.otTables import BaseRecord

_ALPHABET = (*range(0x621, 0x63B), *range(0x641, 0x64B), *map(ord, "پچژکگی"))
"""Letters of Arabic and Persian: of others few are written with vowel signs."""
_VOWELS = (*range(0x64B, 0x651), 0x652, 0x670)
_SHADDA = 0x651
"""It doubles a letter, and a vowel sign stands above it."""
_ON_LINE = 1
"""Class of glyphs (GDEF) that marks may be set on."""

Signs = tuple[str, ...]
Place = tuple[int, int]


def make_whole(font: TTFont) -> None:
    """Add the glyphs, and the rule that puts them in, to a font of TrueType that has `liga` for Arabic."""
    _Letters(font).add()


class _Letters:
    """The letters of one font: their shapes, and where signs stand on them."""

    def __init__(self, font: TTFont) -> None:
        self._font = font
        self._characters = font.getBestCmap()
        self._splits: dict[str, Signs] = {}
        self._shapes: dict[str, set[str]] = {}
        self._pairs: dict[Signs, str] = {}
        for subtable in _subtables(font["GSUB"]):
            if subtable.LookupType == 1:
                self._note((shape, (other,)) for shape, other in subtable.mapping.items())
            elif subtable.LookupType == 2:
                self._note((shape, tuple(others)) for shape, others in subtable.mapping.items())
            elif subtable.LookupType == 4:
                for first, rules in subtable.ligatures.items():
                    self._pairs |= {(first, *rule.Component): rule.LigGlyph for rule in rules}
        self._bases: list[Any] = []
        self._on_bases: dict[tuple[str, str], Place] = {}
        self._on_marks: dict[tuple[str, str], Place] = {}
        for one in _subtables(font["GPOS"]):
            if one.LookupType == 4:
                self._bases.append(one)
                marks, bases = (
                    (one.MarkCoverage, one.MarkArray.MarkRecord),
                    (one.BaseCoverage, one.BaseArray.BaseRecord),
                )
                self._on_bases = _stands(marks, bases, "BaseAnchor") | self._on_bases  # the first rule counts
            elif one.LookupType == 6:
                marks, bases = (
                    (one.Mark1Coverage, one.Mark1Array.MarkRecord),
                    (one.Mark2Coverage, one.Mark2Array.Mark2Record),
                )
                self._on_marks = _stands(marks, bases, "Mark2Anchor") | self._on_marks

    def add(self) -> None:
        """Draw each letter that has all its places, and have it put in."""
        made: dict[Signs, str] = {}
        for parts in self._wanted():
            places = self._places(parts)
            if parts not in made and places is not None:
                made[parts] = self._draw(parts, places)
        self._font.setGlyphOrder(self._font["glyf"].glyphOrder)
        self._font.getReverseGlyphMap(rebuild=True)
        table = self._font["GSUB"].table
        table.LookupList.Lookup.append(buildLookup([buildLigatureSubstSubtable(made)]))
        table.LookupList.LookupCount = len(table.LookupList.Lookup)
        for record in table.FeatureList.FeatureRecord:
            if record.FeatureTag == "liga":
                record.Feature.LookupListIndex.append(table.LookupList.LookupCount - 1)
                record.Feature.LookupCount += 1

    def _wanted(self) -> Iterator[Signs]:
        """Each shape with the signs that may follow it."""
        for parts in self._splits.values():
            yield from self._set(parts)
        for code in _ALPHABET:
            letter = self._characters[code]
            for whole in ((letter,), self._splits.get(letter, ())):
                yield from ((*parts, *signs) for parts in self._set(whole) for signs in self._vowels())

    def _set(self, parts: Signs) -> Iterator[Signs]:
        """A letter's parts in all their shapes."""
        return product(*map(self._all_shapes, parts)) if parts else iter(())

    def _vowels(self) -> Iterator[Signs]:
        shadda = self._characters[_SHADDA]
        yield (shadda,)
        for code in _VOWELS:
            vowel = self._characters[code]
            yield (vowel,)
            both = (shadda, vowel)
            yield (self._pairs[both],) if both in self._pairs else both

    def _note(self, rules: Iterable[tuple[str, Signs]]) -> None:
        for shape, others in rules:
            if len(others) == 1:
                self._shapes.setdefault(shape, set()).add(others[0])
            elif len(others) > 1:
                self._splits.setdefault(shape, others)

    def _all_shapes(self, bare: str) -> list[str]:
        """All that a shape may be: at the beginning and at the end of a word, beside others; in a fixed order."""
        found, more = {bare}, [bare]
        while more:
            fresh = self._shapes.get(more.pop(), set()) - found
            found |= fresh
            more += fresh
        return sorted(found)

    def _places(self, parts: Signs) -> list[Place] | None:
        """Where each part stands, from the origin of the first; None if the font does not say."""
        places: list[Place] = [(0, 0)]
        for at in range(1, len(parts)):
            place = self._place(parts[at], parts[:at], places)
            if place is None:
                return None
            places.append(place)
        return places

    def _place(self, mark: str, below: Signs, places: list[Place]) -> Place | None:
        """Where a mark stands: on the nearest mark that bears it, else on the letter."""
        for at in range(len(below) - 1, 0, -1):
            if (mark, below[at]) in self._on_marks:
                return _sum(places[at], self._on_marks[mark, below[at]])
        return self._on_bases.get((mark, below[0]))

    def _draw(self, parts: Signs, places: list[Place]) -> str:
        """Add the glyph of these parts, that bears the other marks where the parts do; return its name."""
        name = "_".join(parts)
        glyph = Glyph()
        glyph.numberOfContours = -1
        glyph.components = [_component(part, place) for part, place in zip(parts, places, strict=True)]
        glyf = self._font["glyf"]
        glyf[name] = glyph
        glyph.recalcBounds(glyf)
        self._font["hmtx"][name] = (self._font["hmtx"][parts[0]][0], glyph.xMin)
        self._font["GDEF"].table.GlyphClassDef.classDefs[name] = _ON_LINE
        for one in self._bases:
            if parts[0] in one.BaseCoverage.glyphs:
                one.BaseCoverage.glyphs.append(name)
                one.BaseArray.BaseRecord.append(self._bearing(one, parts, places))
                one.BaseArray.BaseCount += 1
        return name

    def _bearing(self, subtable: Any, parts: Signs, places: list[Place]) -> BaseRecord:
        """Where marks of each class stand on the glyph of these parts."""
        record = BaseRecord()
        record.BaseAnchor = [None] * subtable.ClassCount
        for mark, held in zip(subtable.MarkCoverage.glyphs, subtable.MarkArray.MarkRecord, strict=True):
            if record.BaseAnchor[held.Class] is None:
                place = self._place(mark, parts, places)
                if place is not None:
                    anchor = _sum(place, (held.MarkAnchor.XCoordinate, held.MarkAnchor.YCoordinate))
                    record.BaseAnchor[held.Class] = buildAnchor(*anchor)
        return record


def _subtables(table: Any) -> Iterator[Any]:
    """All rules of a table in their order, each with its `LookupType`."""
    for lookup in table.table.LookupList.Lookup:
        for subtable in lookup.SubTable:
            yield getattr(subtable, "ExtSubTable", subtable)


def _stands(marks: tuple[Any, Any], bearers: tuple[Any, Any], name: str) -> dict[tuple[str, str], Place]:
    """Where each mark stands on what bears it, from the origin of that: of one rule, as (coverage, records) of both."""
    found = {}
    for mark, mine in zip(marks[0].glyphs, marks[1], strict=True):
        for bearer, record in zip(bearers[0].glyphs, bearers[1], strict=True):
            theirs = getattr(record, name)[mine.Class]
            if theirs is not None:
                own = mine.MarkAnchor
                found[mark, bearer] = theirs.XCoordinate - own.XCoordinate, theirs.YCoordinate - own.YCoordinate
    return found


def _component(part: str, place: Place) -> GlyphComponent:
    one = GlyphComponent()
    one.glyphName, (one.x, one.y), one.flags = part, place, 0x0004  # to whole units
    return one


def _sum(one: Place, other: Place) -> Place:
    return one[0] + other[0], one[1] + other[1]
