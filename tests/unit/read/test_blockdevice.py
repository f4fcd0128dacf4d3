"""What the system knows of a block device, from folders made like those of Linux."""

from __future__ import annotations

import os

import pytest

from evidencekit.read.blockdevice import SYSTEM, block_device, fit_jobs, is_rotating, is_unlisted


@pytest.fixture
def system(tmp_path):
    """Return a function that makes the folder of a device: `(major, minor)`, its files, its partitions and holders."""

    def make(place, number, *, files=(), partitions=(), holders=()):
        folder = tmp_path / place
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dev").write_text("{}:{}\n".format(*number))
        for name, text in files:
            (folder / name).write_text(text)
        for name in partitions:
            (folder / name / "partition").parent.mkdir()
            (folder / name / "partition").write_text("1\n")
        (folder / "holders").mkdir()
        for name in holders:
            (folder / "holders" / name).symlink_to(tmp_path / name)
        by_number = tmp_path / "by-number"
        by_number.mkdir(exist_ok=True)
        (by_number / "{}:{}".format(*number)).symlink_to(folder)
        return by_number

    return make


def test_disk_partitions_and_what_is_built_on_them(system):
    """A disk with a partition, on it an encrypted volume, on that a logical one."""
    make = system
    by_number = make("sda", (8, 0), files=[("size", "2048\n"), ("ro", "1\n")], partitions=["sda1", "sda2"])
    make("sda/sda1", (8, 1))
    make("sda/sda2", (8, 2), holders=["dm-0"])
    make("dm-0", (253, 0), holders=["dm-1"])
    make("dm-1", (253, 1))
    make("sdb", (8, 16))
    found = block_device(os.makedev(8, 0), system=by_number)
    assert (found.size, found.read_only) == (1 << 20, True)
    assert found.numbers == {os.makedev(*n) for n in [(8, 0), (8, 1), (8, 2), (253, 0), (253, 1)]}
    assert block_device(os.makedev(8, 2), system=by_number).numbers == {
        os.makedev(*n) for n in [(8, 2), (253, 0), (253, 1)]
    }


def test_holders_in_a_circle_come_to_an_end(system):
    system("dm-0", (253, 0), holders=["dm-1"])
    by_number = system("dm-1", (253, 1), holders=["dm-0"])
    assert block_device(os.makedev(253, 0), system=by_number).numbers == {os.makedev(253, 0), os.makedev(253, 1)}


@pytest.mark.parametrize("text", ["", "x", "-1", "\xff", "1 2"])
def test_what_is_not_told_is_not_known(system, text):
    by_number = system("sda", (8, 0), files=[("size", text), ("ro", text)])
    assert block_device(os.makedev(8, 0), system=by_number) == (None, None, {os.makedev(8, 0)})


def test_device_that_the_system_does_not_list(tmp_path):
    assert block_device(os.makedev(240, 7), system=tmp_path / "nothing") == (None, None, {os.makedev(240, 7)})


def test_devices_of_this_system():
    if not SYSTEM.is_dir() or not any(SYSTEM.iterdir()):
        pytest.skip("NOT RUN: no block devices are listed here")
    for place in SYSTEM.iterdir():
        major, minor = map(int, place.name.split(":"))
        found = block_device(os.makedev(major, minor))
        assert found.size is not None
        assert found.read_only is not None


def test_device_that_was_taken_away(system, tmp_path):
    by_number = system("sda", (8, 0))
    assert not is_unlisted(os.makedev(8, 0), system=by_number)
    assert is_unlisted(os.makedev(8, 1), system=by_number)
    assert not is_unlisted(os.makedev(0, 40), system=by_number)  # no device's
    assert not is_unlisted(os.makedev(8, 1), system=tmp_path / "nothing")
    assert not is_unlisted(tmp_path.stat().st_dev)


# --- disks that turn ----------------------------------------------------------------------------------------------------


class Sys:
    """A made-up `/sys`: devices where Linux has them, and `dev/block` with a link by number to each."""

    def __init__(self, root):
        self.root = root
        self.by_number = root / "dev/block"
        self.by_number.mkdir(parents=True)

    def add(self, place, number, *, rotational=None, is_real=True, partitions=(), slaves=(), backing=None):
        folder = self.root / "devices" / place
        (folder / "queue").mkdir(parents=True)
        if rotational is not None:
            (folder / "queue/rotational").write_text(f"{rotational}\n")
        if is_real:
            (folder / "device").symlink_to("..")
        for name, its_number in partitions:
            (folder / name).mkdir()
            (folder / name / "partition").write_text("1\n")
            self._number(folder / name, its_number)
        if slaves:
            (folder / "slaves").mkdir()
        for slave in slaves:
            (folder / "slaves" / slave.name).symlink_to(slave)
        if backing is not None:
            (folder / "loop").mkdir()
            (folder / "loop/backing_file").write_bytes(os.fsencode(backing) + b"\n")
        self._number(folder, number)
        return folder

    def _number(self, folder, number):
        (self.by_number / "{}:{}".format(*number)).symlink_to(folder)

    def turns(self, major, minor):
        return is_rotating(os.makedev(major, minor), system=self.by_number)


@pytest.fixture
def sys_tree(tmp_path):
    return Sys(tmp_path / "sys")


@pytest.fixture
def computer(sys_tree):
    """A disk that turns and one that does not, each with a partition; a virtual machine's, a stick in memory."""
    sys_tree.add("pci/ata1/block/sda", (8, 0), rotational=1, partitions=[("sda1", (8, 1))])
    sys_tree.add("pci/nvme/nvme0/nvme0n1", (259, 0), rotational=0, partitions=[("nvme0n1p1", (259, 1))])
    sys_tree.add("pci/virtio1/block/vda", (254, 0), rotational=1, partitions=[("vda1", (254, 1))])
    sys_tree.add("vbd-51712/block/xvda", (202, 0), rotational=1)
    sys_tree.add("virtual/block/zram0", (253, 0), rotational=0, is_real=False)
    sys_tree.add("virtual/block/ram0", (1, 0), rotational=1, is_real=False)
    sys_tree.add("pci/ata2/block/sdb", (8, 16))
    return sys_tree


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ((8, 0), True), ((8, 1), True), ((259, 0), False), ((259, 1), False), ((254, 0), None), ((254, 1), None),
        ((202, 0), None), ((253, 0), None), ((1, 0), None), ((8, 16), None), ((9, 9), None), ((0, 27), None),
    ],
    ids=["disk", "its partition", "flash", "its partition too", "virtual", "its partition three", "xen", "zram",
         "ram", "does not say", "is not there", "no device"],
)  # fmt: skip
def test_disks_that_turn(computer, number, expected):
    assert computer.turns(*number) is expected


DISK, FLASH, VIRTUAL = "pci/ata1/block/sda", "pci/nvme/nvme0/nvme0n1", "pci/virtio1/block/vda"


@pytest.mark.parametrize(
    ("below", "expected"),
    [
        ([DISK], True), ([DISK + "/sda1"], True), ([FLASH], False), ([FLASH + "/nvme0n1p1"], False), ([VIRTUAL], None),
        ([FLASH, DISK], True), ([FLASH, VIRTUAL], None), ([VIRTUAL, DISK], True), ([FLASH, FLASH + "/nvme0n1p1"], False),
    ],
    ids=lambda value: "+".join(one.rpartition("/")[2] for one in value) if isinstance(value, list) else str(value),
)  # fmt: skip
def test_what_is_built_on_disks(computer, below, expected):
    """RAID, a volume on it, encryption on that: a partition of a RAID, too. One disk that turns makes the whole wait."""
    slaves = [computer.root / "devices" / place for place in below]
    raid = computer.add(
        "virtual/block/md0", (9, 0), rotational=0, is_real=False, slaves=slaves, partitions=[("md0p1", (259, 9))]
    )
    volume = computer.add("virtual/block/dm-0", (252, 0), rotational=1, is_real=False, slaves=[raid])
    computer.add("virtual/block/dm-1", (252, 1), rotational=0, is_real=False, slaves=[volume])
    assert [computer.turns(*number) for number in ((9, 0), (259, 9), (252, 0), (252, 1))] == [expected] * 4


def test_slaves_in_a_circle_come_to_an_end(sys_tree):
    one = sys_tree.root / "devices/virtual/block/dm-1"
    zero = sys_tree.add("virtual/block/dm-0", (252, 0), rotational=1, is_real=False, slaves=[one])
    sys_tree.add("virtual/block/dm-1", (252, 1), rotational=1, is_real=False, slaves=[zero])
    assert sys_tree.turns(252, 0) is None


@pytest.mark.parametrize("turns", [True, False])
def test_images_lie_on_what_their_file_lies_on(sys_tree, tmp_path, turns):
    image = tmp_path / "image of a stick.dd"
    image.touch()
    here = image.stat().st_dev
    if not os.major(here):
        pytest.skip("NOT RUN: this file system has no device of its own")
    sys_tree.add("pci/ata1/block/sda", (os.major(here), os.minor(here)), rotational=int(turns))
    sys_tree.add("virtual/block/loop0", (7, 900), rotational=1 - turns, is_real=False, backing=image,
                 partitions=[("loop0p1", (259, 900))])  # fmt: skip
    sys_tree.add("virtual/block/dm-0", (252, 0), is_real=False, slaves=[sys_tree.root / "devices/virtual/block/loop0"])
    assert [sys_tree.turns(*number) for number in ((7, 900), (259, 900), (252, 0))] == [turns] * 3


@pytest.mark.parametrize("backing", ["/nothing/here (deleted)", "\udcff", "/dev/null/x"])
def test_images_that_nobody_finds(sys_tree, backing):
    sys_tree.add("virtual/block/loop0", (7, 0), rotational=1, is_real=False, backing=backing)
    assert sys_tree.turns(7, 0) is None


def test_image_on_a_disk_of_which_nothing_is_known(sys_tree, tmp_path):
    """A loop device in an image that lies on that very loop device: it comes to an end."""
    image = tmp_path / "image"
    image.touch()
    here = image.stat().st_dev
    sys_tree.add("virtual/block/loop0", (os.major(here), os.minor(here)), rotational=1, is_real=False, backing=image)
    assert sys_tree.turns(os.major(here), os.minor(here)) is None


def test_this_system_answers():
    for place in SYSTEM.iterdir() if SYSTEM.is_dir() else ():
        major, minor = map(int, place.name.split(":"))
        assert is_rotating(os.makedev(major, minor)) in {True, False, None}


@pytest.mark.parametrize(
    ("rotating", "cores", "expected"),
    [
        (True, 16, 1),
        (False, 16, 8),
        (None, 16, 8),
        (False, 2, 2),
        (None, 1, 1),
        (None, 8, 8),
        (False, 0, 1),
        (True, 1, 1),
    ],
)
def test_how_many_processes_fit(rotating, cores, expected):
    assert fit_jobs(rotating, cores=cores) == expected


def test_only_cores_that_may_be_used_count(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 6}, raising=False)
    assert fit_jobs(None) == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert fit_jobs(None) == 1
