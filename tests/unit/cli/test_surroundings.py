"""cli/surroundings.py: what the environment says of the way to a server."""

from __future__ import annotations

import pytest

from evidencekit.cli.surroundings import proxy_of


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
