"""Makes the README.md of each vector: what is wrong with it, which rule that breaks, and how to verify it.

Source: its fixture.json, and specs/findings.json.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).parent
sys.path.insert(0, str(VECTORS.parents[1] / "verifiers"))
import conformance  # noqa: E402

FINDINGS = json.loads((VECTORS.parent / "findings.json").read_text(encoding="utf-8"))


def readme(folder: Path, fixture: dict[str, Any]) -> str:
    """Return the text about one vector."""
    why = fixture["why"]
    lines = [f"# {folder.name}", "", f"{why[0].upper()}{why[1:]}.", ""]
    code = fixture["finding"]
    if code is not None:
        known = FINDINGS[code]
        rule = f"`specs/{known['section'].replace(' ', '`, ', 1)}"
        title = known["title"][0].lower() + known["title"][1:]
        lines += [f"Breaks {rule}: {code}, {title}. Made from `cases/good/0.1_small` by this one edit.", ""]
    errors = "".join(f"\n- {error} at `{where}`" for error, where in fixture["errors"]) or " none"
    others = sorted(set(fixture["codes"]) - {error for error, _ in fixture["errors"]})
    lines += [
        f"Verdict: {fixture['verdict']}. Errors:{errors}",
        "",
        f"Other findings: {', '.join(others) or 'none'}.",
        "",
        "```",
        f"evidencekit verify {command(folder, fixture['options'])}",
        "```",
    ]
    return "\n".join(lines) + "\n"


def command(folder: Path, options: dict[str, Any]) -> str:
    """Return the arguments that verify a vector, as typed in its folder."""
    words = [word.replace(f"{folder}/", "") for word in conformance.command_line(folder, options)]
    return " ".join(shlex.quote(word) if len(word) < 200 else "CHECKPOINT" for word in words)


def main() -> None:
    """Write all of them."""
    for path in sorted(VECTORS.glob("*/*/*/fixture.json")):
        text = readme(path.parent, json.loads(path.read_text(encoding="utf-8")))
        (path.parent / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
