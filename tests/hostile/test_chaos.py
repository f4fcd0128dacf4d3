"""Another process changes everything all the time: the acquisition ends, its record is in order, and it tells the truth.

How a digest tells the truth: a file of size n holds one letter over and over, and n says which; every change gives
another size. So a row that is `complete` with any other digest would be a mixture of two moments, which is what
`complete` denies. (A file written over in place at the same size is left out: Linux sets its time before its bytes, so
that no stat can tell a write that goes on from one that is over.)
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import random
import stat
import time

import manifestrows
import openwatch
import pytest
from persons import give

from evidencekit.core.records import REASONS

FOLDERS, FILES = 6, 12
PAGE = 4096
LETTERS = 26
SECONDS = 1.5
CANARY = b"canary" * 1000


def letter(size):
    return bytes([97 + size % LETTERS])


def content(size):
    return letter(size) * size


class Mutator:
    """Changes a tree, one thing at a time, as fast as it can. No two of its files ever have one size."""

    def __init__(self, src, outside, seed):
        self.src, self.outside = src, outside
        self.random = random.Random(seed)
        self.sizes = itertools.count(600_000, 37)
        self.acts = [
            self.replace, self.replace, self.rewrite, self.rewrite, self.grow, self.grow, self.shrink, self.empty,
            self.delete, self.turn_into_link, self.turn_into_pipe, self.turn_into_folder, self.move_folder,
            self.swap_folder_for_link, self.touch, *[self.restore] * 10,
        ]  # fmt: skip

    def size(self):
        """A size that no file had before; never whole pages, as what is being written may have."""
        return next(size for size in self.sizes if size % PAGE)

    def build(self):
        for folder in range(FOLDERS):
            os.makedirs(f"{self.src}/d{folder}/e")
            for number in range(FILES):
                self.write(f"{self.src}/d{folder}/f{number}")
                if number % 2 == 0:
                    self.write(f"{self.src}/d{folder}/e/f{number}")

    def write(self, path):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
        try:
            os.write(handle, content(self.size()))
        finally:
            os.close(handle)

    def some(self):
        folder = self.random.randrange(FOLDERS)
        below = self.random.choice(["", "", "", "e/"])
        return f"{self.src}/d{folder}/{below}f{self.random.randrange(FILES)}"

    def go_on(self):
        """Until somebody ends it."""
        while True:
            with contextlib.suppress(OSError):
                self.random.choice(self.acts)()

    def replace(self):
        path = self.some()
        self.write(path + ".new")
        os.rename(path + ".new", path)

    def rewrite(self):
        self.write(self.some())

    def grow(self):
        """By the same letter: so many that the size still says which."""
        path = self.some()
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            size = os.fstat(handle).st_size
            new = next(one for one in self.sizes if one % PAGE and one % LETTERS == size % LETTERS and one > size)
            if size and size % PAGE:
                os.write(handle, letter(size) * (new - size))
        finally:
            os.close(handle)

    def shrink(self):
        path = self.some()
        size = os.lstat(path).st_size
        for new in range(size - LETTERS, 0, -LETTERS):
            if new % PAGE:
                os.truncate(path, new)
                return

    def empty(self):
        os.truncate(self.some(), 0)

    def delete(self):
        os.unlink(self.some())

    def restore(self):
        """Make a file again of what is something else now, or nothing."""
        path = self.some()
        with contextlib.suppress(OSError):
            if stat.S_ISREG(os.lstat(path).st_mode):
                return
            os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)
        self.write(path)

    def turn_into_link(self):
        path = self.some()
        os.unlink(path)
        os.symlink(f"{self.outside}/canary", path)

    def turn_into_pipe(self):
        path = self.some()
        os.unlink(path)
        os.mkfifo(path)

    def turn_into_folder(self):
        path = self.some()
        if os.path.isdir(path):
            os.rmdir(path)
        else:
            os.unlink(path)
            os.mkdir(path)

    def move_folder(self):
        one, other = self.random.sample(range(FOLDERS), 2)
        os.rename(f"{self.src}/d{one}/e", f"{self.src}/d{other}/g")
        os.rename(f"{self.src}/d{other}/g", f"{self.src}/d{one}/e")

    def swap_folder_for_link(self):
        """For a moment the name leads outside, where files of the same names lie."""
        path = f"{self.src}/d{self.random.randrange(FOLDERS)}"
        os.rename(path, path + ".moved")
        os.symlink(self.outside, path)
        time.sleep(self.random.choice([0, 0.001]))
        os.unlink(path)
        os.rename(path + ".moved", path)

    def touch(self):
        os.utime(self.some(), follow_symlinks=False)


@pytest.fixture
def field(person, places, desk_of):
    """A source and a folder outside, both the person's, and a case."""
    with places(in_memory=None) as folder:
        give(folder, person)
        (folder / "outside/e").mkdir(parents=True)
        for name in ["canary", *(f"{below}f{number}" for below in ("", "e/") for number in range(FILES))]:
            (folder / "outside" / name).write_bytes(CANARY)
        yield Mutator(folder / "src", folder / "outside", seed=1), desk_of(person)


def test_acquiring_what_never_rests(person, field):
    mutator, work = field
    person.run(mutator.build)
    ended = time.monotonic() + SECONDS
    taken = 0
    inside = [os.fsencode(mutator.outside), os.fsencode(mutator.outside / "e")]
    with openwatch.Watch(*inside) as witness, person.started(mutator.go_on):
        while taken < 3 or time.monotonic() < ended:
            taken += 1
            more = [["--copy"], ["--no-identify"], ["--sensitive"]][taken % 3]
            done = person.cli(*work.acquiring(mutator.src, f"EX-{taken:03d}", *more), home=work.folder)
            assert done.code in {0, 6}, done
    assert witness.seen == [], "something outside was read"
    report = person.cli("verify", work.case, home=work.folder)
    assert report.code == 7, report.out.decode()
    states = {}
    for number in sealed_manifests(work.case):
        for row in manifestrows.read(work.case, number).values():
            check_truth(row)
            states[row.kind, row.state] = states.get((row.kind, row.state), 0) + 1
    assert states["file", "complete"] > FOLDERS
    assert set(states) - {("file", "complete"), ("directory", "complete")}, "nothing ever changed under it"


def sealed_manifests(case):
    """The numbers of manifests of rows; those of media types have no paths."""
    import pyarrow.parquet as pq

    numbers = sorted(int(path.stem) for path in (case / "manifests").iterdir())
    return [n for n in numbers if "path" in pq.read_schema(case / f"manifests/{n:08d}.parquet").names]


def check_truth(row):
    """No row says more than what was there at one moment."""
    assert (row.reason is None) == (row.state in {"complete", "changed"})
    assert row.reason is None or row.reason in REASONS
    if row.kind == "symlink" and row.target is not None:
        assert os.path.basename(row.target) in {b"canary", b"outside"}
    if row.kind != "file" or row.content["sha256"] is None:
        return
    size = int(row.content["size"])
    assert row.content["sha256"] != hashlib.sha256(CANARY).hexdigest()
    if row.state != "complete":
        assert row.state == "changed"
        return
    letters = [letter(size)] if size % PAGE else [bytes([97 + one]) for one in range(LETTERS)]
    digests = {hashlib.sha256(one * size).hexdigest() for one in letters}
    assert row.content["sha256"] in digests, (row.path, size)


def test_the_digest_tells_a_mixture():
    """The means of this test: one byte of another moment, and the digest is none of those."""
    for size in (1000, 1037, 5003):
        assert hashlib.sha256(content(size)[:-1] + letter(size + 1)).digest() != hashlib.sha256(content(size)).digest()
