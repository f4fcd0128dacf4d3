"""Reduced manifests written: rows in index order, erased groups as nulls beside their commitments.

Source: specs/manifest.md section 10.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evidencekit.core.digest import SALT_SIZE
from evidencekit.core.merkle import HASH_SIZE
from evidencekit.core.reduced import GROUPS, REDUCED_DERIVED_TYPE, REDUCED_TYPE, ReducedRow
from evidencekit.write.parquet import ParquetFile


class ReducedWriter(ParquetFile):
    """Writes the reduced form of a manifest of facts to a new file: `add` rows by index, then `finish`."""

    _format = REDUCED_TYPE
    _names: tuple[str, ...] = GROUPS
    _first: tuple[str, ...] = ("index", "kind")

    def add(self, rows: Sequence[ReducedRow]) -> None:
        """Write rows as row groups of their own: give 8,192 at a time, or fewer of great size.

        Raises:
            CannotFinish: X421, X422, X423.
        """
        pa = self._pa
        groups = [[row.groups[name] for row in rows] for name in self._names]
        self._write(
            [
                *self._identity(rows),
                *(pa.array([one.commitment for one in column], pa.binary(HASH_SIZE)) for column in groups),
                *(pa.array([one.salt for one in column], pa.binary(SALT_SIZE)) for column in groups),
                *(pa.array([one.data for one in column], pa.binary()) for column in groups),
            ]
        )

    def _identity(self, rows: Sequence[ReducedRow]) -> list[Any]:
        return [
            self._integers([row.index for row in rows]),
            self._bytes([row.kind for row in rows], self._pa.string()),
        ]

    def _make_schema(self, pa: Any) -> Any:
        kinds = {"kind": pa.string()}
        return pa.schema(
            [
                *(pa.field(name, kinds.get(name, pa.int64()), nullable=False) for name in self._first),
                *(pa.field(f"{name}_commitment", pa.binary(HASH_SIZE), nullable=False) for name in self._names),
                *(pa.field(f"{name}_salt", pa.binary(SALT_SIZE)) for name in self._names),
                *(pa.field(name, pa.binary()) for name in self._names),
            ]
        )


class ReducedDerivedWriter(ReducedWriter):
    """Writes the reduced form of a derived manifest to a new file."""

    _format = REDUCED_DERIVED_TYPE
    _names = ("opinion",)
    _first = ("index", "base_index")

    def _identity(self, rows: Sequence[ReducedRow]) -> list[Any]:
        return [self._integers([row.index for row in rows]), self._integers([row.base_index for row in rows])]
