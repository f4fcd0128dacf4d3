"""The story is played once; each attack has a copy of what it came to."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from story import Story


@pytest.fixture(scope="session")
def story(tmp_path_factory):
    played = Story(tmp_path_factory.mktemp("story"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(played.folder))
        played.build()
    return played
