"""What is attached, from folders made like those of Linux: nothing of this computer is looked at."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from evidencekit.field.devices import Attached, Places, attached


class Computer:
    """A computer whose disks are made one by one."""

    def __init__(self, root: Path):
        self.root, self.mounts, self.swaps = root, [], ["Filename Type Size Used Priority"]
        for name in ("block", "numbers", "by-id"):
            (root / name).mkdir()

    def disk(
        self, name, number, *, sectors=2048, bus="pci0000:00", read_only=0, removable=0, model="", parts=(), holders=()
    ):
        """A disk; `parts`: minor numbers of partitions, `holders`: volumes on it (name, number, name of the map)."""
        folder = self.root / "devices" / bus / name
        (folder / "device").mkdir(parents=True)
        files = {
            "dev": "{}:{}".format(*number),
            "ro": read_only,
            "removable": removable,
            "size": sectors,
            "device/model": model,
        }
        for file, text in files.items():
            (folder / file).write_text(f"{text}\n")
        (folder / "holders").mkdir()
        self._listed(folder, number)
        for at, minor in enumerate(parts, 1):
            part = folder / f"{name}{at}"
            part.mkdir()
            (part / "partition").write_text(f"{at}\n")
            (part / "dev").write_text(f"{number[0]}:{minor}\n")
        for held, its, mapped in holders:
            volume = self.root / "devices/virtual" / held
            (volume / "dm").mkdir(parents=True)
            (volume / "dev").write_text("{}:{}\n".format(*its))
            (volume / "dm/name").write_text(f"{mapped}\n")
            (volume / "size").write_text("8\n")
            (folder / "holders" / held).symlink_to(volume)
            self._listed(volume, its)

    def _listed(self, folder, number):
        (self.root / "block" / folder.name).symlink_to(folder)
        (self.root / "numbers" / "{}:{}".format(*number)).symlink_to(folder)

    def mount(self, number, place, *, device="/dev/x", fs_type="exfat", options="rw"):
        self.mounts.append(f"9 1 {number} / {place} {options} - {fs_type} {device} {options}\n")

    def look(self, *cases):
        (self.root / "mountinfo").write_text("".join(self.mounts))
        (self.root / "swaps").write_text("\n".join(self.swaps))
        places = Places(
            self.root / "mountinfo", self.root / "swaps", self.root / "block", self.root / "numbers", self.root / "by-id",
            statvfs=lambda _: SimpleNamespace(f_frsize=512, f_bsize=4096, f_blocks=1000, f_bavail=10),
        )  # fmt: skip
        return attached([Path(case) for case in cases], places)


@pytest.fixture
def computer(tmp_path):
    """One that runs from /dev/sda."""
    found = Computer(tmp_path)
    found.disk("sda", (8, 0), model="Own", parts=(1,))
    found.mount("8:1", "/", fs_type="ext4")
    return found


OWN = Attached(b"/dev/sda", "", 1 << 20, None, False, False, "Own", is_system=True)


def test_a_stick_that_is_mounted_and_a_disk_that_is_not(computer):
    computer.disk("sdb", (8, 16), bus="pci0/usb1/1-1", model="Ultra  ", parts=(17,))
    computer.disk("sdc", (8, 32), sectors=4096, read_only=1, removable=1)
    computer.mount("8:17", "/media/a\\040b", options="ro,nosuid", fs_type="vfat")
    assert computer.look("/case") == [
        Attached(b"/media/a b", "vfat", 512_000, 5_120, True, True, "Ultra"),
        Attached(b"/dev/sdc", "", 2 << 20, None, True, True, ""),
        OWN._replace(is_case=True),
    ]


def test_the_medium_of_the_case_and_of_its_copy_are_not_offered(computer):
    computer.disk("sdb", (8, 16), parts=(17, 18))
    computer.disk("sdc", (8, 32), parts=(33,))
    for number, place in (("8:17", "/media/stick"), ("8:18", "/media/stick2"), ("8:33", "/media/second")):
        computer.mount(number, place)
    found = computer.look("/media/stick/new/24-117", "/media/second/24-117")
    assert [(one.path, one.is_case, one.is_system, one.is_offered) for one in found] == [
        (b"/dev/sda", False, True, False),
        (b"/dev/sdb", True, False, False),
        (b"/dev/sdc", True, False, False),
    ]


def test_an_encrypted_system_and_its_swap(tmp_path):
    found = Computer(tmp_path)
    found.disk("sda", (8, 0), parts=(1,), holders=[("dm-0", (253, 0), "root")])
    found.disk("sdb", (8, 16), parts=(17,))
    found.disk("sdc", (8, 32), parts=(33,), holders=[("dm-1", (253, 1), "evidence")])
    found.mount("0:30", "/", device="/dev/mapper/root", fs_type="btrfs")
    found.mount("253:1", "/media/open")
    found.swaps.append("/dev/sdb1 partition 8 0 -2")
    assert [(one.path, one.is_system) for one in found.look("/elsewhere")] == [
        (b"/media/open", False),
        (b"/dev/sda", True),
        (b"/dev/sdb", True),
    ]


def test_one_medium_at_two_places_is_named_once_and_writable_where_one_is(computer):
    computer.disk("sdb", (8, 16), parts=(17,))
    computer.mount("8:17", "/media/a", options="ro")
    computer.mount("8:17", "/media/b", options="rw")
    first, own = computer.look()
    assert (first.path, first.read_only, own.path) == (b"/media/a", False, b"/dev/sda")


def test_what_lies_in_memory_has_no_medium_or_is_part_of_another_is_left_out(computer):
    computer.disk("ram0", (1, 0))
    computer.disk("loop0", (7, 0))
    computer.disk("sr0", (11, 0), sectors=0, removable=1)
    computer.disk("mmcblk0boot0", (179, 8))
    computer.mount("0:25", "/run", device="tmpfs", fs_type="tmpfs")
    computer.mount("7:0", "/snap/x", fs_type="squashfs")
    assert computer.look() == [OWN]


def test_a_disk_goes_by_the_name_that_is_on_its_label(computer):
    computer.disk("sdb", (8, 16), model="Model")
    computer.disk("sdc", (8, 32), model="Model")
    for name, disk in (("ata-Acme_M1_4C53", "sdb"), ("wwn-0x5002", "sdb"), ("wwn-0x5003", "sdc")):
        (computer.root / "by-id" / name).symlink_to(f"../../{disk}")
    (computer.root / "by-id" / "no-link").touch()
    assert [one.name for one in computer.look()] == ["ata-Acme_M1_4C53", "Model", "Own"]


def test_a_medium_that_does_not_answer_is_named_all_the_same(computer):
    def broken(_):
        raise OSError

    computer.disk("sdb", (8, 16))
    computer.mount("8:16", "/media/a")
    computer.look()
    root = computer.root
    places = Places(
        root / "mountinfo", root / "swaps", root / "block", root / "numbers", root / "by-id", statvfs=broken
    )
    assert attached([], places)[0] == Attached(b"/media/a", "exfat", None, None, False, False, "")


@pytest.mark.parametrize("text", ["", "x", "8", "8:x"])
def test_what_is_not_listed_as_linux_does_is_passed_over(computer, text):
    computer.disk("sdb", (8, 16))
    (computer.root / "block" / "sdb" / "dev").write_text(text)
    assert computer.look() == [OWN]


def test_another_system_tells_nothing(tmp_path):
    nowhere = tmp_path / "nothing"
    assert attached([tmp_path], Places(*[nowhere] * 5)) == []


def test_this_computer_is_looked_at_without_error():
    found = attached([Path("/")])
    assert all(os.path.isabs(one.path) for one in found)
