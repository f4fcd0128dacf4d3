"""The controlled list of grounds for withholding, as data: `grounds.toml`, beside this module.

Source: specs/package.md section 4.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

OWN = "x-"
"""What a ground begins with that is somebody's own word."""


@cache
def known_grounds() -> dict[str, str]:
    """Return the controlled list: ground to its label."""
    text = (resources.files(__package__) / "grounds.toml").read_text("utf-8")
    return {ground: str(entry["label"]) for ground, entry in tomllib.loads(text).items()}


def label_of(ground: str) -> str | None:
    """Return the label of a ground; of somebody's own the word itself; None where there is no such ground."""
    if ground.startswith(OWN):
        return ground.removeprefix(OWN)
    return known_grounds().get(ground)
