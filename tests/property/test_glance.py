"""What is seen at a glance is what a comparison finds: never does a glance pass over a difference."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat

import orjson
import pytest
from blake3 import blake3
from deep import deep
from hypothesis import HealthCheck, assume, example, given
from hypothesis import strategies as st

from evidencekit.core.values import name_member
from evidencekit.errors import FormatError
from evidencekit.read.evidence import SMALL_BLOCK
from evidencekit.read.extents import extras_reader
from evidencekit.read.handles import Opener
from evidencekit.read.tree import walk
from evidencekit.verify.compare import Compare, _rendered
from evidencekit.verify.glance import Glance, SealedRow
from evidencekit.verify.groups import Groups

DIGESTS = ["blake3", "md5", "sha256"]
LINKS = {"link": b"plain/target", "quoted": b'a","x":"y', "escaped": b'a\\"b', "bytes": b"\xff"}


def jcs(record) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class Account:
    """Writes down what it hears."""

    def __init__(self):
        self.said = []
        self.done = 0

    def find(self, *said, **_):
        self.said.append(said)

    def skip(self, *said):
        self.said.append(said)

    def did(self, *_):
        self.done += 1

    def link(self, *said):
        self.said.append(("link", *said))

    def read(self, size):
        pass


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("glance")
    contents = {
        "empty": b"",
        "small": b"abc",
        "other": b"abd",
        "almost": bytes(SMALL_BLOCK - 1),
        "large": b"1" * SMALL_BLOCK,
    }
    for name, data in contents.items():
        (folder / name).write_bytes(data)
    (folder / "setuid").write_bytes(b"s")
    (folder / "setuid").chmod(0o4755)
    (folder / "one").write_bytes(b"linked")
    os.link(folder / "one", folder / "two")
    with (folder / "sparse").open("wb") as file:
        file.truncate(300_000)
        file.seek(200_000)
        file.write(b"x")
    for name, target in LINKS.items():
        os.symlink(target, folder / name)
    os.mkfifo(folder / "fifo")
    (folder / "folder").mkdir()
    for name, attributes in {
        "noted": ["user.note"],
        "summed": ["user.checksum"],
        "both": ["user.checksum", "user.note"],
    }.items():
        (folder / name).write_bytes(b"attributes")
        with contextlib.suppress(OSError):
            for attribute in attributes:
                os.setxattr(folder / name, attribute, b"\0value")
    os.utime(folder / "other", ns=(1, -5))
    return folder


NAMES = ["empty", "small", "other", "almost", "large", "setuid", "one", "two", "sparse", *LINKS, "fifo", "folder", "noted",
         "summed", "both"]  # fmt: skip


def sealed_now(folder, name, extras):
    """Return kind and groups as an acquisition would seal them now."""
    path = folder / name
    status = path.lstat()
    content = {"_t": "evidencekit/content/1", "blake3": None, "sha256": None, "size": None, "state": "complete"}
    names = {"_t": "evidencekit/name/1", "path": name}
    metadata = {
        "_t": "evidencekit/metadata/1", "gid": str(status.st_gid), "inode": str(status.st_ino),
        "mode": str(stat.S_IMODE(status.st_mode)), "mtime_ns": str(status.st_mtime_ns), "nlink": str(status.st_nlink),
        "uid": str(status.st_uid),
    }  # fmt: skip
    kind = "file"
    if stat.S_ISREG(status.st_mode):
        data = path.read_bytes()
        content |= {"blake3": blake3(data).hexdigest(), "size": str(len(data)), "md5": hashlib.md5(data).hexdigest()}  # noqa: S324
        content["sha256"] = hashlib.sha256(data).hexdigest()
    elif path.is_symlink():
        kind, target = "symlink", os.readlink(os.fsencode(path))
        names |= name_member("target", target)
    else:
        kind = "fifo" if path.is_fifo() else "directory"
    handle = os.open(folder, os.O_RDONLY)
    born = extras(handle, name.encode()).btime_ns
    os.close(handle)
    if born is not None:
        metadata["btime_ns"] = str(born)
    with contextlib.suppress(OSError):
        found = [
            (one.encode(), os.getxattr(path, one, follow_symlinks=False))
            for one in os.listxattr(path, follow_symlinks=False)
        ]
        for group, record in (("c", content), ("m", metadata)):
            own = [pair for pair in found if pair[0].startswith(b"user.checksum") == (group == "c")]
            if own:
                record["xattrs"] = _rendered(own)
    if name == "sparse":
        metadata["holes"] = [{"length": "196608", "offset": "0"}]
    return kind, names, content, metadata


COUNT = st.sampled_from(["0", "1", "7", "420", "493", "1000", "65534"])
TIME = st.sampled_from(["-5", "0", "1", "1795333865958352293"])
TEXT = st.sampled_from(["root", "", 'x","mode":"420', "{", '","gid":"0",', '"}', ',"uid":"0"}', "é"])
CHANGES = st.one_of(
    st.tuples(st.just("metadata"), st.sampled_from(["gid", "mode", "uid", "inode", "nlink", "link_group"]), COUNT),
    st.tuples(st.just("metadata"), st.sampled_from(["mtime_ns", "btime_ns", "atime_ns", "ctime_ns"]), TIME),
    st.tuples(st.just("metadata"), st.sampled_from(["owner", "group"]), TEXT),
    st.tuples(st.just("metadata"), st.sampled_from(["gid", "mode", "uid", "mtime_ns", "btime_ns"]), st.none()),
    st.tuples(st.just("metadata"), st.just("unreadable_metadata"), st.sampled_from([["xattrs"], ["holes"]])),
    st.tuples(st.just("metadata"), st.just("attributes"), st.just(["immutable"])),
    st.tuples(st.just("metadata"), st.just("holes"), st.just([{"length": "1", "offset": "0"}])),
    st.tuples(st.just("metadata"), st.just("holes"), st.none()),
    st.tuples(st.just("metadata"), st.just("xattrs"), st.just([{"name": "user.note", "value": "AHZhbHVl"}])),
    st.tuples(st.just("content"), st.just("xattrs"), st.sampled_from([[{"name": "user.checksum", "value": "AHZhbHVl"}],
                                                                      [{"name": "user.checksum", "value": "AHZh"}]])),
    st.tuples(st.just("content"), st.sampled_from(["blake3", "sha256"]), st.just("0" * 64)),
    st.tuples(st.just("content"), st.just("md5"), st.just("0" * 32)),
    st.tuples(st.just("content"), st.just("size"), COUNT),
    st.tuples(st.just("content"), st.just("xattrs"), st.none()),
    st.tuples(st.just("name"), st.just("target"), st.sampled_from(["plain/target", 'a"b', "x", 'a","x":"y', 'a\\"b'])),
)  # fmt: skip


@deep(1000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much])
@example(name="escaped", changes=[("name", "target", 'a"b')], sealed_as=None)
@example(name="sparse", changes=[("metadata", "holes", None)], sealed_as=None)
@example(name="summed", changes=[("content", "xattrs", None)], sealed_as=None)
@example(name="small", changes=[("metadata", "uid", None), ("metadata", "owner", ',"uid":"0"}')], sealed_as=None)
@example(name="small", changes=[("metadata", "gid", None), ("metadata", "owner", '","gid":"0",')], sealed_as=None)
@given(name=st.sampled_from(NAMES), changes=st.lists(CHANGES, max_size=2), sealed_as=st.sampled_from([None, *NAMES]))
def test_a_glance_never_passes_over_a_difference(place, name, changes, sealed_as):
    extras = extras_reader()
    kind, names, content, metadata = sealed_now(place, sealed_as or name, extras)
    names["path"] = name
    groups = {"name": names, "content": content, "metadata": metadata}
    for group, member, value in changes:
        if value is None:
            groups[group].pop(member, None)
        else:
            groups[group][member] = value
    written = [jcs(groups[group]) for group in ("name", "content", "metadata")]
    try:  # step 9 comes before
        parsed = Groups(DIGESTS, "posix").read(kind, *written)
    except FormatError:
        assume(False)
    assume(parsed.view.state == "complete")
    row = SealedRow(parsed.view.path, kind, parsed.view.state, *written)
    at_once, slow = Account(), Account()
    opener = Opener()
    glance = Glance(at_once, opener, DIGESTS, "E")
    compare = Compare(slow, DIGESTS, as_copy=False)
    with contextlib.closing(walk(place, opener=opener)) as nodes:
        for node in nodes:
            if node.path == name.encode():
                agrees = glance.file(node.parent, node.name, row) if kind == "file" else glance.node(node, row)
                whole = compare.row(kind, *map(orjson.loads, written), node, "E:" + name)
    if agrees:
        assert whole
        assert at_once.said == slow.said
        assert all(said[0] == "link" for said in slow.said)
    else:
        assert at_once.said == []
    assert at_once.done == 0
    if not changes and sealed_as in {None, name} and name not in {"large", "sparse", "noted", "both", *LINKS}:
        assert agrees
    if not changes and sealed_as is None and name == "link":
        assert agrees


def test_what_is_no_file_is_not_read(place):
    """A pipe, a device or a folder that took a file's name is opened at most, and never waited for."""
    handle = os.open(place, os.O_RDONLY)
    row = SealedRow(b"x", "file", "complete", b"", b"", b"{}")
    glance = Glance(Account(), Opener(), DIGESTS, "E")
    for name in (b"fifo", b"folder", b"link", b"nothing"):
        assert not glance.file(handle, name, row)
    os.close(handle)
