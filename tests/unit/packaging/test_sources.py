"""packaging/sources.py takes the newest source that apt lists, and those files that packaging/python.sh unpacks."""

from __future__ import annotations

import os
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
SOURCES = runpy.run_path(str(ROOT / "packaging/sources.py"))
STANZA = """\
Package: openssl
Version: {version}
Directory: pool/{place}/o/openssl
Checksums-Sha256:
 {zeros} 3000 openssl_{version}.dsc
 {digest} 15000000 openssl_{upstream}.orig.tar.gz
 {zeros} 800 openssl_{upstream}.orig.tar.gz.asc
 {digest} 90000 openssl_{version}.debian.tar.xz
Format: 3.0 (quilt)
"""


def stanza(upstream, place, digit):
    return STANZA.format(upstream=upstream, version=f"{upstream}-1", place=place, digest=digit * 64, zeros="0" * 64)


@pytest.fixture
def newest(tmp_path, monkeypatch):
    listed = [stanza("3.0.9", "main", "a"), stanza("3.0.22", "updates/main", "b"), stanza("3.0.20", "main", "c")]
    (tmp_path / "listed").write_text("\n".join(listed))
    apt = tmp_path / "apt-cache"
    apt.write_text(f"#!/bin/sh\nexec cat '{tmp_path}/listed'\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    return SOURCES["_newest"]


def pins(upstream, place, digit):
    ends = (f"{upstream}.orig.tar.gz", f"{upstream}-1.debian.tar.xz")
    return [f"{digit * 64}  pool/{place}/o/openssl/openssl_{end}" for end in ends]


@pytest.mark.judge("dpkg")
def test_the_newest_counts_wherever_it_stands(newest):
    assert newest("openssl", [], lambda _: True) == pins("3.0.22", "updates/main", "b")


@pytest.mark.judge("dpkg")
def test_what_no_mirror_has_is_said_and_not_pinned(newest, capsys):
    found = newest("openssl", [], lambda line: "3.0.22-1.debian" not in line)
    assert found == pins("3.0.20", "main", "c")
    assert "openssl 3.0.22-1 is listed, and no mirror has it" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="no mirror has any openssl"):
        newest("openssl", [], lambda _: False)


def test_every_source_that_is_unpacked_is_pinned():
    lines = (ROOT / "packaging/sources.sha256").read_text().splitlines()
    assert all(re.fullmatch(r"[0-9a-f]{64}  pool/[a-z0-9/.]+/[^/ ]+", line) for line in lines)
    unpacked = re.findall(r"^ +unpack (\S+) (\S+)$", (ROOT / "packaging/python.sh").read_text(), re.MULTILINE)
    assert {name for name, _ in unpacked} == set(SOURCES["TAKEN"])
    for name, first_patch in unpacked:
        kinds = re.findall(rf"/{re.escape(name)}_[^/]+\.(orig|debian)\.tar\.", "\n".join(lines))
        assert kinds == (["orig"] if first_patch == "''" else ["orig", "debian"]), name
