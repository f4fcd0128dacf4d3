"""The verifier stands alone: a fresh process that imports it, and verifies, loads nothing that writes or shows."""

from __future__ import annotations

import subprocess
import sys

FORBIDDEN = {
    *("click", "rich", "magic", "sqlite_utils", "sqlite3"),
    *(f"evidencekit.{room}" for room in ("write", "seal", "acquire", "package", "catalogue", "cli", "journeys")),
}


def loaded(program: str) -> set[str]:
    answer = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print('\\n'.join(sys.modules))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return set(answer.stdout.split())


def test_importing_loads_nothing_that_writes():
    modules = loaded("import evidencekit.verify.verifier")
    assert "evidencekit.verify.verifier" in modules
    assert not modules & FORBIDDEN
    assert "pyarrow" not in modules


def test_one_proof_is_judged_without_parquet():
    modules = loaded("from evidencekit.verify.verifier import verify_proof; verify_proof(b'no proof')")
    assert not modules & FORBIDDEN
    assert "pyarrow" not in modules
