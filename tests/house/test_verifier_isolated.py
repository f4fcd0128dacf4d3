"""The verifier stands alone: a fresh process that imports it, and verifies, loads nothing that writes or shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
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


def test_importing_loads_neither_certificates_nor_a_web_client():
    modules = loaded("import evidencekit.verify.verifier, evidencekit.verify.published")
    assert not modules & {"cryptography.x509", "rfc3161_client", "http.client", "ssl"}


def test_a_policy_without_authorities_is_read_without_cryptography():
    folder = ROOT / "specs/vectors/cases/good/0.1_small/policy"
    modules = loaded(f"from evidencekit.verify.policy import read_policy; read_policy({str(folder)!r})")
    assert not {name for name in modules if name.partition(".")[0] in {"cryptography", "rfc3161_client", "pyarrow"}}


def test_one_proof_is_judged_without_parquet():
    modules = loaded("from evidencekit.verify.verifier import verify_proof; verify_proof(b'no proof')")
    assert not modules & FORBIDDEN
    assert "pyarrow" not in modules
