"""The text of mountinfo taken apart, and the mount that a path lies on."""

from __future__ import annotations

import pytest

from evidencekit.core.mounts import mount_of, parse_mounts

MOUNTS = rb"""22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
23 22 0:21 / /proc rw,nosuid - proc proc rw
30 22 8:1 / /mnt/usb\040stick ro,nosuid,nodev shared:5 master:2 - vfat /dev/sdb1 ro,fmask=0022,utf8
31 30 8:2 / /mnt/usb\040stick/inner rw - ext4 /dev/sdc\134x rw
32 22 0:40 / /over rw - tmpfs first rw
33 22 0:41 / /over rw - tmpfs second rw,size=10k
34 22 0:42 / /odd rw - fuse.\377x /dev/\303\251 rw
broken line
35 22 0:43 / /short rw -
36 22 x:43 / /number rw - ext4 /dev/sdd rw
"""


def find(path, text=MOUNTS):
    return mount_of(parse_mounts(text), path)


@pytest.mark.parametrize(
    ("path", "device", "fs_type"),
    [
        (b"/", b"/dev/vda", b"ext4"),
        (b"/home/x", b"/dev/vda", b"ext4"),
        (b"/mnt/usb stick", b"/dev/sdb1", b"vfat"),
        (b"/mnt/usb stick/DCIM", b"/dev/sdb1", b"vfat"),
        (b"/mnt/usb stick2", b"/dev/vda", b"ext4"),
        (b"/mnt/usb stick/inner/x", b"/dev/sdc\\x", b"ext4"),
        (b"/over/x", b"second", b"tmpfs"),
        (b"/odd/x", b"/dev/\xc3\xa9", b"fuse.\xffx"),
        (b"/procfs", b"/dev/vda", b"ext4"),
    ],
)
def test_the_nearest_and_of_two_on_one_place_the_later(path, device, fs_type):
    mount = find(path)
    assert (mount.device, mount.fs_type) == (device, fs_type)


def test_lines_of_another_form_are_passed_over():
    assert [mount.place for mount in parse_mounts(MOUNTS)] == [
        b"/", b"/proc", b"/mnt/usb stick", b"/mnt/usb stick/inner", b"/over", b"/over", b"/odd",
    ]  # fmt: skip


def test_device_number():
    assert find(b"/mnt/usb stick").number == (8, 1)


def test_options_of_mount_and_file_system_stand_once():
    assert find(b"/mnt/usb stick").options == b"ro,nosuid,nodev,fmask=0022,utf8"
    assert find(b"/over").options == b"rw,size=10k"


@pytest.mark.parametrize(
    ("own", "file_system", "writable"),
    [(b"rw", b"rw", True), (b"ro,relatime", b"rw", False), (b"rw", b"ro,errors=remount-ro", False)],
)
def test_read_only_by_mount_or_by_file_system(own, file_system, writable):
    mount = find(b"/x", b"1 0 8:1 / / %s - ext4 /dev/sda %s\n" % (own, file_system))
    assert mount.writable == writable
    assert (b"rw" in mount.options.split(b",")) == writable


@pytest.mark.parametrize("text", [b"", b"nonsense\n", b"1 0 8:1 / /elsewhere rw - ext4 /dev/sda rw\n"])
def test_no_mount_fits(text):
    assert find(b"/x", text) is None
