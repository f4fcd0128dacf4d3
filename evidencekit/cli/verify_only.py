"""`evidencekit-verify`: the verifier alone, for whoever receives evidence. Nothing that writes gets loaded."""

from __future__ import annotations

import click

from evidencekit import __version__
from evidencekit.cli.help import let_speak
from evidencekit.cli.main import run
from evidencekit.cli.speech import lang_option
from evidencekit.cli.verify import verify


def main() -> None:
    """Entry point of `evidencekit-verify`."""
    name = "evidencekit-verify"
    run(let_speak(lang_option(click.version_option(__version__, prog_name=name)(verify))), name)
