"""Step 14: the rows of a reduced catalogue that can still be compared with a source, in the order of names.

Source: specs/manifest.md section 10, specs/verification.md section 1 step 14.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from evidencekit.core.reduced import ReducedRow
from evidencekit.core.row_leaves import TEXT_KINDS
from evidencekit.core.values import display
from evidencekit.errors import FormatError
from evidencekit.read.parquet import ManifestFile
from evidencekit.read.reduced import known_rows
from evidencekit.verify.glance import SealedRow
from evidencekit.verify.groups import Groups, path_of


class LeftRows:
    """Yields whole rows, and the names of others in the state `partial_state`: such a name is no added one."""

    def __init__(
        self, groups: Groups, exhibit: str, skip: Callable[[str, str, str], None], *, partial_state: str
    ) -> None:
        """Take what reads groups, and who hears what is not compared: where, code, reason."""
        self._groups = groups
        self._exhibit = exhibit
        self._skip = skip
        self._state = partial_state
        self.has_gap = False
        """Between the row that was yielded last and the one before stands one whose name is erased."""

    def rows(self, manifest: ManifestFile) -> Iterator[SealedRow]:
        """Yield the rows.

        Raises:
            FormatError: the manifest is damaged.
            CannotFinish: X403, it cannot be read.
        """
        last: tuple[bytes, ...] | None = None
        for row in known_rows(manifest):
            path, stream, state = self._read(row)
            if state == self._state:
                where = f"{self._exhibit}#{row.index}" if path is None else self._where(path)
                self._skip(where, "erased", "something of it was erased, so it was not compared")
            if path is None:
                self.has_gap = True
            elif stream:
                self._skip(self._where(path), "not_supported", "streams are not looked at on this system")
            elif last is None or _key(path) > last:
                last = _key(path)
                name, content, metadata = (group.data or b"" for group in row.groups.values())
                yield SealedRow(path, TEXT_KINDS.get(row.kind, ""), state, name, content, metadata)
                self.has_gap = False

    def _read(self, row: ReducedRow) -> tuple[bytes | None, bytes, str]:
        """Return path, stream and state of a row, as far as they are known."""
        name, content, metadata = (group.data for group in row.groups.values())
        try:
            if name is not None and content is not None and metadata is not None:
                parsed = self._groups.read(TEXT_KINDS[row.kind], name, content, metadata)
                return parsed.view.path, parsed.stream, parsed.view.state
            return None if name is None else path_of(name), b"", self._state
        except (FormatError, KeyError):  # step 9 named it
            return None, b"", self._state

    def _where(self, path: bytes) -> str:
        return f"{self._exhibit}:{display(path)}"


def _key(path: bytes) -> tuple[bytes, ...]:
    return tuple(path.split(b"/")) if path else ()
