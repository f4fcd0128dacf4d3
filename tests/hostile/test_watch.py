"""The witness itself: it would see what must not happen."""

from __future__ import annotations

import os

import openwatch
import pytest


@pytest.fixture
def secret(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/canary").write_text("canary")
    (tmp_path / "outside/link").symlink_to("canary")
    return os.fsencode(tmp_path / "outside")


@pytest.mark.parametrize(
    ("act", "seen"),
    [
        (lambda folder: open(folder + b"/canary", "rb").close(), b"opened "),
        (lambda folder: open(folder + b"/link", "rb").close(), b"opened "),
        (os.listdir, b"read "),
        (lambda folder: os.close(os.open(folder, os.O_RDONLY)), None),
        (lambda folder: os.stat(folder + b"/canary"), None),
    ],
    ids=["opened", "opened through a link", "listed", "only its folder opened", "only looked at"],
)
def test_what_it_sees(secret, act, seen):
    with openwatch.Watch(secret) as witness:
        act(secret)
    assert [line for line in witness.seen if seen and line.startswith(seen)] or witness.seen == []
    assert bool(witness.seen) == (seen is not None)
