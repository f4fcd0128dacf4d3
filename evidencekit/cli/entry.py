"""The way in: `evidencekit` and `python -m evidencekit`. `--version` does not wait for a library of command lines."""

from __future__ import annotations

import sys

from evidencekit import __version__


def main() -> None:
    """Entry point."""
    if sys.argv[1:] != ["--version"] or not _say_version():
        from evidencekit.cli.main import main as run_commands

        run_commands()


def _say_version() -> bool:
    """Print what the command group would; False where that cannot be done: it is said in the usual way."""
    try:
        sys.stdout.write(f"evidencekit, version {__version__}\n")
        sys.stdout.flush()
    except (AttributeError, OSError):
        return False
    return True
