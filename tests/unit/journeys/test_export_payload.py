"""Contents that are no plain files in a folder: named streams, and a source that is a block device, or its image."""

from __future__ import annotations

import functools
import os

import pytest

from evidencekit.errors import CannotFinish
from evidencekit.journeys import export as journey
from evidencekit.journeys.custody import Hand
from evidencekit.journeys.export_payload import Contents
from evidencekit.journeys.export_plan import Request
from evidencekit.journeys.export_rows import Withhold
from evidencekit.read.handles import Opener
from evidencekit.verify.package import verify_package


@pytest.fixture(scope="module")
def cb(tiled):
    """tests/casebuilder.py, which that one loads."""
    return tiled.casebuilder


class Streams:
    """A system that has named streams: `f:S` is the file `f_S` beside it."""

    def find(self, parent, name):
        raise NotImplementedError

    def open(self, parent, name, stream):
        return os.open(name + b"_" + stream, os.O_RDONLY, dir_fd=parent)


def with_stream(cb, path, stream, content):
    row = cb.file_row(path, content)
    row["name"] |= {"stream": stream}
    row["metadata"] = {"_t": "evidencekit/metadata/1"}
    return row


def device(cb, content):
    """A source that is a block device itself."""
    return cb.file_row("", content) | {"kind": "block_device"}


@pytest.fixture
def build(cb, tmp_path):
    def run(*rows):
        folder = tmp_path / "built"
        folder.mkdir()
        builder = cb.Builder(folder)
        builder.seal(rows)
        return builder

    return run


def make(builder, out, source, **request):
    hand = Hand(builder.ledger(), builder.actor(), [builder.signer])
    request = Request(sources={"EX-001": source}, **request)
    how = {"verify": verify_package, "random": os.urandom, "cache_folder": out.parent / "cache"}
    return journey.export(hand, request, out, **how)


@pytest.fixture
def streams(cb, build, tmp_path):
    """A file with a stream, and where both lie now."""
    source = tmp_path / "source"
    source.mkdir()
    (source / "f").write_text("main")
    (source / "f_Zone.Identifier").write_text("zone")
    rows = cb.folder_row(), cb.file_row("f", b"main"), with_stream(cb, "f", "Zone.Identifier", b"zone")
    return build(*rows), source


def test_streams_of_files_are_payload_of_their_own(streams, tmp_path, monkeypatch):
    monkeypatch.setattr(journey, "Contents", functools.partial(Contents, opener=Opener(Streams())))
    made = make(streams[0], tmp_path / "out", streams[1])
    data = tmp_path / "out/data/EX-001"
    assert {path.name: path.read_text() for path in data.iterdir()} == {"f": "main", "f^~s-Zone.Identifier": "zone"}
    assert (made.report.verdict, made.report.aspects["evidence"].status) == ("INTEGRITY ONLY", "ok")
    make(streams[0], tmp_path / "unnamed", streams[1], withhold=[Withhold(("name",))])
    assert sorted(path.name for path in (tmp_path / "unnamed/data/EX-001").iterdir()) == ["^~row-1", "^~row-2"]


def test_a_stream_that_is_not_what_was_sealed_or_not_there(streams, tmp_path, monkeypatch):
    builder, source = streams
    monkeypatch.setattr(journey, "Contents", functools.partial(Contents, opener=Opener(Streams())))
    for change, code in ((lambda path: path.write_text("Zone"), "X481"), (os.unlink, "X480")):
        change(source / "f_Zone.Identifier")
        with pytest.raises(CannotFinish) as caught:
            make(builder, tmp_path / "out", source)
        assert caught.value.code == code
        assert not (tmp_path / "out").exists()


def test_where_there_are_no_streams_it_is_said_and_the_rest_can_go(streams, tmp_path):
    builder, source = streams
    with pytest.raises(CannotFinish, match="no named streams") as caught:
        make(builder, tmp_path / "out", source)
    assert caught.value.code == "X480"
    made = make(builder, tmp_path / "out", source, hash_only=True)
    assert made.report.counts["payload_left"] == 2


def test_the_image_of_a_device_is_payload(cb, build, tmp_path):
    content = bytes(range(256)) * 5000
    builder = build(device(cb, content))
    (tmp_path / "image.dd").write_bytes(content)
    made = make(builder, tmp_path / "out", tmp_path / "image.dd")
    assert (tmp_path / "out/data/EX-001/^~source").read_bytes() == content
    assert (made.report.verdict, made.report.aspects["evidence"].status) == ("INTEGRITY ONLY", "ok")
    (tmp_path / "image.dd").write_bytes(content[:-1])
    with pytest.raises(CannotFinish) as caught:
        make(builder, tmp_path / "again", tmp_path / "image.dd")
    assert caught.value.code == "X481"


def test_a_device_within_a_source_is_no_payload_and_is_never_opened(cb, build, tmp_path):
    inner = cb.folder_row("sda", "block_device")
    builder = build(cb.folder_row(), cb.file_row("f", b"main"), inner)
    source = tmp_path / "source"
    source.mkdir()
    (source / "f").write_text("main")
    made = make(builder, tmp_path / "out", source)
    assert [path.name for path in (tmp_path / "out/data/EX-001").iterdir()] == ["f"]
    assert made.report.aspects["evidence"].status == "ok"
