"""The values of a Parquet column as Python objects: from the library's buffers in one go, not one after the other.

Promises: the same values as the library's own way gives (held by tests/unit/read/test_parquet_values.py), text as its
bytes, whatever they are; what a dictionary shares stays shared.
Source: the layout of Arrow's arrays, https://arrow.apache.org/docs/format/Columnar.html.
"""

from __future__ import annotations

from array import array
from itertools import pairwise
from typing import Any

from evidencekit.core.digest import SALT_SIZE

_INT64, _INT32 = "q", "i"


def column_values(column: Any) -> list[Any]:
    """Return the values of an Arrow array of one of the types that manifests have: int, bytes, None."""
    import pyarrow as pa  # noqa: PLC0415 (0.2 s, and not needed to verify one proof)

    kind = column.type
    if pa.types.is_dictionary(kind):
        words = column_values(column.dictionary)
        return [None if number is None else words[number] for number in column.indices.to_pylist()]
    if pa.types.is_int64(kind):
        found: list[Any] = _numbers(column, 1, _INT64, len(column)).tolist()
    elif pa.types.is_binary(kind) or pa.types.is_string(kind):
        found = _slices(column, _INT32)
    elif pa.types.is_large_binary(kind) or pa.types.is_large_string(kind):
        found = _slices(column, _INT64)
    elif pa.types.is_fixed_size_binary(kind) and kind.byte_width == SALT_SIZE:
        found = _salts(column)
    else:
        return list(column.to_pylist())
    if column.null_count:
        _leave_out(found, column)
    return found


def _numbers(column: Any, buffer: int, code: str, count: int) -> array[int]:
    """Return so many numbers of a buffer, from the place where the array begins."""
    numbers = array(code)
    size = numbers.itemsize
    start = column.offset * size
    if count:
        numbers.frombytes(memoryview(column.buffers()[buffer]).cast("B")[start : start + count * size])
    return numbers


def _slices(column: Any, code: str) -> list[Any]:
    if not len(column):
        return []
    bounds = _numbers(column, 1, code, len(column) + 1)
    base, end = bounds[0], bounds[-1]
    held = column.buffers()[2]
    data = b"" if held is None else bytes(memoryview(held).cast("B")[base:end])
    if base:
        bounds = array(code, (bound - base for bound in bounds))
    return [data[start:stop] for start, stop in pairwise(bounds)]


def _salts(column: Any) -> list[Any]:
    if not len(column):
        return []
    start = column.offset * SALT_SIZE
    end = start + len(column) * SALT_SIZE
    data = bytes(memoryview(column.buffers()[1]).cast("B")[start:end])
    return [data[at : at + SALT_SIZE] for at in range(0, len(data), SALT_SIZE)]


def _leave_out(found: list[Any], column: Any) -> None:
    """Put None where there is no value: a bit that is not set, the lowest of a byte first."""
    bits = int.from_bytes(memoryview(column.buffers()[0]).cast("B"), "little") >> column.offset
    missing = ~bits & ((1 << len(found)) - 1)
    while missing:
        lowest = missing & -missing
        found[lowest.bit_length() - 1] = None
        missing ^= lowest
