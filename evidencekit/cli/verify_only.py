"""`evidencekit-verify`: the verifier alone, for whoever receives evidence. Nothing that writes gets loaded."""

from __future__ import annotations

from evidencekit.cli.main import run
from evidencekit.cli.verify import verify


def main() -> None:
    """Entry point of `evidencekit-verify`."""
    run(verify, "evidencekit-verify")
