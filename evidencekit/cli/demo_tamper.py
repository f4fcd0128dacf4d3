"""What somebody might do to a case, one way each, on a copy: the demonstration shows that each is found."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Tampering(NamedTuple):
    """One way of tampering with a copy of a case."""

    name: str
    words: str
    apply: Callable[[Path], object]
    outside: bool = False
    """Found only against something known from outside."""


def _flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 0x01
    path.write_bytes(data)


def _edit_event(case: Path) -> None:
    event = case / "custody/00000001/event.json"
    event.write_bytes(event.read_bytes().replace(b'"acquisition_type":"logical"', b'"acquisition_type":"physical"'))


def _change_hidden_column(case: Path) -> None:
    """Write the catalogue anew with another file name in the column for searching, all else as it was."""
    import pyarrow.parquet as pq

    path = case / "manifests/00000001.parquet"
    with pq.ParquetFile(path) as file:
        table = file.read()
        keys = {key: text for key, text in file.metadata.metadata.items() if key.startswith(b"evidencekit.")}
    names = table.column("path").to_pylist()
    names[5] = b"nothing/to/see.txt"
    table = table.set_column(table.schema.get_field_index("path"), table.schema.field("path"), [names])
    schema = table.schema.remove_metadata()
    with pq.ParquetWriter(path, schema, store_schema=False, write_page_checksum=True, max_rows_per_page=1024) as writer:
        writer.write_table(table.cast(schema), row_group_size=8192)
        writer.add_key_value_metadata(keys)


def _drop_entry(case: Path) -> None:
    shutil.rmtree(case / "custody/00000001")
    for index, folder in enumerate(sorted((case / "custody").iterdir())):
        folder.rename(case / f"custody/{index:08d}")


def _swap_signatures(case: Path) -> None:
    one, two = case / "custody/00000001/event.json.sig", case / "custody/00000002/event.json.sig"
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def _cut_tail(case: Path) -> None:
    """Remove the last step whole, entry and checkpoint: the export."""
    shutil.rmtree(_newest(case, "custody"))
    _newest(case, "checkpoints").unlink()


def _newest(case: Path, folder: str) -> Path:
    return max((case / folder).iterdir())


def _replay(case: Path) -> None:
    *_, older, newest = sorted((case / "checkpoints").iterdir())
    newest.write_bytes(older.read_bytes())


def _forge_receiver(case: Path) -> None:
    """Somebody else in the acceptance: as if another person had taken the item over."""
    for event in (case / "custody").glob("*/event.json"):
        data = event.read_bytes()
        if b'"type":"accept"' in data:
            event.write_bytes(data.replace(b'"id":"analyst@', b'"id":"someone@'))


TAMPERINGS = (
    Tampering("byte", "one bit of the catalogue is flipped", lambda c: _flip(c / "manifests/00000001.parquet", 4000)),
    Tampering("event", "the signed acquisition record is edited", _edit_event),
    Tampering("name", "a file name is changed in the searchable column only", _change_hidden_column),
    Tampering("drop", "an entry is taken out of the middle of the log", _drop_entry),
    Tampering("swap", "two signatures are exchanged", _swap_signatures),
    Tampering("remove", "the catalogue is deleted", lambda c: (c / "manifests/00000001.parquet").unlink()),
    Tampering("replay", "the newest checkpoint is replaced by an older one", _replay),
    Tampering("receiver", "another person's name is put into the acceptance", _forge_receiver),
    Tampering("plant", "a file is slipped into the case",
              lambda c: (c / "manifests/extra.parquet").write_bytes(b"PAR1")),
    Tampering("cut", "the last step, the export, is cut off cleanly", _cut_tail, outside=True),
)  # fmt: skip


def changed_source(source: Path, target: Path) -> Path:
    """Make a second source of the same files, with one byte of one of them changed; return that file."""
    folders = []
    for base, names, files in os.walk(source):
        there = target / Path(base).relative_to(source)
        there.mkdir()
        folders.append((base, there))
        for name in [*files, *(name for name in names if (Path(base) / name).is_symlink())]:
            os.link(Path(base) / name, there / name, follow_symlinks=False)
    path = next(p for p in sorted(target.rglob("*.py")) if p.is_file() and p.stat().st_size > 100)
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[50] ^= 0x01
    path.unlink()
    path.write_bytes(data)
    path.chmod(status.st_mode)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    for here, there in reversed(folders):
        shutil.copystat(here, there)
    return path
