"""Archives that are small and mean much: what is counted, and that nobody counts for ever.

Figures of the real sizes are in benchmarks/README.md (`python -m benchmarks.hostile_packages`).
"""

from __future__ import annotations

import struct
import tarfile
import zipfile

import pytest

from evidencekit.read import package_names
from evidencekit.read.package import open_package
from evidencekit.read.package_names import BadContainer

NAMES = [f"p/data/{number:x}" + "/a" * 61 for number in range(300)]


def write(path, names):
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), b"")
    else:
        with tarfile.open(path, "w", format=tarfile.PAX_FORMAT) as archive:
            for name in names:
                archive.addfile(tarfile.TarInfo(name))
    return path


def finding(path):
    with pytest.raises(BadContainer) as refused, open_package(path):
        pass
    return refused.value.finding


@pytest.mark.parametrize("ending", [".tar", ".zip"])
def test_folders_that_only_names_lead_through_count_as_names(tmp_path, monkeypatch, ending):
    """Sixty-two names for each header: without that, a small archive would fill the memory."""
    path = write(tmp_path / f"package{ending}", NAMES)
    with open_package(path) as package:
        assert len(package) == len(NAMES)
    monkeypatch.setattr(package_names, "MAX_NAMES", 10_000)
    assert finding(path) == "E156"


@pytest.mark.parametrize("said", [0, 1, 299, 301])
def test_a_zip_has_as_many_entries_as_it_says(tmp_path, said):
    path = write(tmp_path / "package.zip", NAMES)
    data = bytearray(path.read_bytes())
    end = data.rindex(b"PK\5\6")
    data[end + 8 : end + 12] = struct.pack("<HH", said, said)
    path.write_bytes(data)
    assert finding(path) in {"E151", "E152"}
