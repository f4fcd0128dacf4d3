"""What tests of the edges need: another user, and attributes where the file system takes them."""

from __future__ import annotations

import os
import pickle
import traceback
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def as_nobody(tmp_path, request):
    """Return a function that runs another as a user who may do little, since root may read everything.

    It runs in a fork of this process (an interpreter may lie where that user cannot read it), so whatever it imports
    has to be imported before.
    """
    if os.geteuid() != 0:
        pytest.skip("NOT RUN: only root can become another user")
    for folder in [tmp_path, *tmp_path.parents]:
        if len(folder.parts) > 2:  # pytest's own folders are closed to others
            folder.chmod(0o755)

    def run(function):
        request.node.user_properties.append(("ran as", NOBODY))
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            status = 1
            try:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
                os.write(writing, pickle.dumps(function()))
                status = 0
            except BaseException:  # noqa: BLE001 - the parent reports it
                os.write(writing, pickle.dumps(traceback.format_exc()))
            finally:
                os._exit(status)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            answer = pickle.load(pipe)  # noqa: S301 - from our own child
        _, status = os.waitpid(child, 0)
        assert status == 0, answer
        return answer

    return run


@pytest.fixture
def set_xattr():
    def set_it(path: Path, name: bytes, value: bytes, **options: bool) -> None:
        try:
            os.setxattr(path, name, value, **options)
        except OSError as error:
            pytest.skip(f"NOT RUN: this file system takes no {name!r}: {error.strerror}")

    return set_it
