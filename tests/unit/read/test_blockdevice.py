"""What the system knows of a block device, from folders made like those of Linux."""

from __future__ import annotations

import os

import pytest

from evidencekit.read.blockdevice import SYSTEM, block_device, is_unlisted


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
