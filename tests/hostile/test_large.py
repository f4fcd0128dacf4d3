"""Large in number, in size, in depth: taken whole, by whoever may read it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
from collections import Counter

import hostiletree
import manifestrows
import pytest
from persons import OTHER

GIB = 1 << 30
SPARSE = {
    # digests by sha256sum and b3sum, of GNU coreutils 9.1 and b3sum 1.2
    2 * GIB: (
        "fde3cc36489342c2545460d3e8e8a250d700c5080e9245431c13adc401e61a46",
        "f7e0db7c4a4a8bc9eea198ba1f8919ebf135ae3a3d9f83be42b33f15e6d112c7",
    ),
    10 * GIB: (
        "591e6d759fabc5fd8fa6479a9db18b709b7212aeac98f5fddcd5bac08992f0f5",
        "79c5bf320c8e3bd9958d9f6050ea70b8cb0bfe7d886ecd4218dc50f3c607c733",
    ),
}
"""Of a file of this size that holds `begin`, nothing but zeros, and `end`."""


by_one = pytest.mark.parametrize("person", [OTHER], indirect=True, ids=[OTHER.name])
"""By one person only: everybody reads in the same way."""


@pytest.fixture
def taking(person, places, desk_of):
    """Return a function that takes a source as the person, and a folder for it."""
    with places(in_memory=None) as folder:

        def take(source, *more):
            work = desk_of(person)
            done = person.cli(*work.acquiring(source, "EX-001", "--no-identify", *more), home=work.folder)
            assert done.code == 0, done
            return manifestrows.read(work.case), manifestrows.header(work.case)

        yield folder, take


@by_one
def test_twenty_thousand_files_in_one_folder(taking, judge):
    judge("find")
    folder, take = taking
    tree = hostiletree.Tree(os.fsencode(folder / "src"), b"")
    hostiletree.fill(tree, 20_000)
    rows, header = take(tree.root)
    names = subprocess.run(
        ["find", tree.root + b"/many", "-type", "f", "-printf", "%P\\0"], capture_output=True, check=True
    )
    assert {b"many/" + name for name in names.stdout.split(b"\0")[:-1]} == {
        p for p, r in rows.items() if r.kind == "file"
    }
    assert header["totals"]["kinds"]["file"] == "20000"
    digests = Counter(row.content["sha256"] for row in rows.values() if row.kind == "file")
    sevenths = Counter(hashlib.sha256(b"%d" % (number % 7)).hexdigest() for number in range(20_000))
    assert digests == sevenths
    for number in range(0, 20_000, 997):
        row = rows[b"many/%05d" % number]
        assert row.content["sha256"] == hashlib.sha256(b"%d" % (number % 7)).hexdigest()


def take_sparse(taking, size):
    folder, take = taking
    with (folder / "sparse").open("wb") as file:
        file.write(b"begin")
        file.seek(size - 3)
        file.write(b"end")
    assert (folder / "sparse").stat().st_blocks * 512 < 1 << 20
    began = time.monotonic()
    rows, header = take(folder / "sparse")
    spent = time.monotonic() - began
    row = rows[b""]
    assert (row.kind, row.state, row.content["size"]) == ("file", "complete", str(size))
    assert (row.content["sha256"], row.content["blake3"]) == SPARSE[size]
    assert row.holes == [(4096, size - 8192)]
    assert header["totals"]["bytes"] == str(size)
    assert (folder / "sparse").stat().st_blocks * 512 < 1 << 20  # reading did not fill it
    print(f"{size // GIB} GiB in {spent:.1f} s")


@by_one
def test_sparse_file(taking):
    take_sparse(taking, 2 * GIB)


@pytest.mark.long
@by_one
def test_sparse_file_of_ten_gibibytes(taking):
    take_sparse(taking, 10 * GIB)
