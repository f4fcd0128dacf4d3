"""The shape of manifest files: which columns, of which types, in which order; compared for equality.

Source: specs/manifest.md sections 8 to 10.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from evidencekit.core.digest import SALT_SIZE
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.core.opinions import OPINION_KINDS
from evidencekit.core.records import DERIVED_TYPE, MANIFEST_TYPE
from evidencekit.core.reduced import GROUPS, REDUCED_DERIVED_TYPE, REDUCED_TYPE
from evidencekit.core.values import short
from evidencekit.errors import FormatError


class Column(NamedTuple):
    """One column as specs/manifest.md section 9 demands it."""

    name: str
    physical: str
    nullable: bool = False
    text: bool = False
    length: int = 0


BYTES = "BYTE_ARRAY"
_SALT = Column("row_salt", "FIXED_LEN_BYTE_ARRAY", length=SALT_SIZE)
_FACTS = (
    Column("index", "INT64"),
    _SALT,
    Column("name", BYTES),
    Column("content", BYTES),
    Column("metadata", BYTES),
    Column("kind", BYTES, text=True),
    Column("path", BYTES),
    Column("size", "INT64", nullable=True),
    Column("state", BYTES, text=True),
    Column("sha256", BYTES, nullable=True),
    Column("mtime_ns", "INT64", nullable=True),
)
_OPINIONS = (Column("index", "INT64"), _SALT, Column("base_index", "INT64"), Column("opinion", BYTES))


def _reduced(*groups: str) -> tuple[Column, ...]:
    """Return the columns that a reduced manifest has for some groups. Source: specs/manifest.md section 10."""
    fixed = "FIXED_LEN_BYTE_ARRAY"
    return (
        *(Column(f"{name}_commitment", fixed, length=HASH_SIZE) for name in groups),
        *(Column(f"{name}_salt", fixed, nullable=True, length=SALT_SIZE) for name in groups),
        *(Column(name, BYTES, nullable=True) for name in groups),
    )


SHAPES = {
    MANIFEST_TYPE: (_FACTS,),
    REDUCED_TYPE: ((Column("index", "INT64"), Column("kind", BYTES, text=True), *_reduced(*GROUPS)),),
    REDUCED_DERIVED_TYPE: ((Column("index", "INT64"), Column("base_index", "INT64"), *_reduced("opinion")),),
    DERIVED_TYPE: tuple(
        (*_OPINIONS, Column(kind.view, BYTES, nullable=True, text=True)) for kind in OPINION_KINDS.values()
    ),
}
"""`evidencekit.format` to the shapes that it allows: the columns, in their order."""


def find_shape(parquet: Any, shapes: tuple[tuple[Column, ...], ...], place: str) -> tuple[Column, ...]:
    """Return the shape that a file has: the first, unless its last column is that of another.

    Raises:
        FormatError: names, physical types, text or not, nullability, order: something is not equal.
    """
    last = parquet.schema.column(len(parquet.schema) - 1).path if len(parquet.schema) else ""
    columns = next((shape for shape in shapes if shape[-1].name == last), shapes[0])
    _check_schema(parquet, columns, place)
    return columns


def _check_schema(parquet: Any, columns: tuple[Column, ...], place: str) -> None:
    schema = parquet.schema
    expected = [_describe(column) for column in columns]
    found = []
    for number in range(len(schema)):
        column = schema.column(number)
        text = column.logical_type.type
        found.append(
            _describe(
                Column(
                    column.path,
                    column.physical_type,
                    nullable=column.max_definition_level == 1,
                    text=text == "STRING",
                    length=column.length,
                )
            )
            + ("" if text in {"NONE", "STRING"} else f" as {text}")
            + (" repeated" if column.max_repetition_level or column.max_definition_level > 1 else "")
        )
    for number, (one, other) in enumerate(zip(expected, found, strict=False)):
        if one != other:
            raise FormatError(f"{place} column {number}", expected=one, found=short(other))
    if len(expected) != len(found):
        raise FormatError(place, expected=f"{len(expected)} columns", found=str(len(found)))
    for field in parquet.schema_arrow:  # an embedded Arrow schema may promise other types
        if str(field.type) not in {"int64", "binary", "string", "large_binary", "large_string", *_ARROW_FIXED}:
            raise FormatError(
                f"{place} column {short(field.name)}", expected="a plain type", found=short(str(field.type))
            )


_ARROW_FIXED = frozenset(f"fixed_size_binary[{size}]" for size in (SALT_SIZE, HASH_SIZE))


def _describe(column: Column) -> str:
    size = f"({column.length})" if column.length else ""
    text = " text" if column.text else ""
    return f"{column.name} {column.physical}{size}{text}{' null' if column.nullable else ''}"
