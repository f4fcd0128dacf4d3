"""cli/surroundings.py: what the environment says of the way to a server, and of where a user's files lie."""

from __future__ import annotations

import os
import stat

import pytest

from evidencekit.cli.surroundings import cache_folder, language, proxy_of


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://tsa.example/stamp", "http://proxy.example:3128"),
        ("https://tsa.example:8443", "http://proxy.example:3128"),
        ("http://tsa.example/stamp", None),
        ("https://inside.example/stamp", None),
        ("https://far.inside.example:8443/stamp", None),
        ("CASE", None),
        ("file:///etc/passwd", None),
    ],
)
def test_the_way_to_a_url(monkeypatch, url, proxy):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1,.inside.example")
    assert proxy_of(url) == proxy


@pytest.fixture
def homeless(monkeypatch, tmp_path):
    """A user whose home is nowhere, and who may make none; return the temporary folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/proc/nowhere")
    monkeypatch.setattr(os, "access", lambda path, mode: not str(path).startswith("/proc"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_a_user_with_a_home_has_a_cache_there(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not/made/yet"))
    assert cache_folder() == tmp_path / "not/made/yet/evidencekit"
    assert list(tmp_path.iterdir()) == []


def test_a_user_without_a_home_has_a_cache_of_his_own(homeless):
    for _ in range(2):
        folder = cache_folder()
        assert folder.parent == homeless
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert folder.stat().st_uid == os.geteuid()


@pytest.mark.parametrize("planted", ["open to others", "a link", "a file"])
def test_a_cache_that_somebody_else_may_have_made_is_not_used(homeless, planted):
    place = cache_folder()
    place.rmdir()
    if planted == "open to others":
        place.mkdir()
        place.chmod(0o777)
    elif planted == "a link":
        (homeless / "theirs").mkdir(mode=0o700)
        place.symlink_to("theirs")
    else:
        place.touch()
    assert str(cache_folder()) == "/proc/nowhere/evidencekit"


@pytest.mark.parametrize(
    ("environment", "found"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "ar_EG.UTF-8"}, "ar"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": ""}, "fr"),
    ],
)
def test_the_language_of_the_environment(monkeypatch, environment, found):
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert language() == found
