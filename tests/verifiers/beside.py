"""Three verifiers of different hands, each asked many times without being started anew.

Each is called with a path, a policy's folder or None, and the clock in nanoseconds; it gives a report
(specs/report.schema.json), or `{"usage": words}` where what it was given besides evidence is not understood.
`limits` are codes, or CODE@PLACE, that it says it does not find (specs/verification.md, 8).
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from pagedriver import ESBUILD, NODE, ROOT

sys.path.insert(0, str(ROOT))

from evidencekit.errors import EvidenceError
from evidencekit.read.package import is_package
from evidencekit.verify.package import verify_package
from evidencekit.verify.verifier import verify_case, verify_proof

Report = dict[str, Any]


def module_at(path: Path) -> ModuleType:
    """The script at `path` as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Ours:
    """evidencekit.verify."""

    name = "evidencekit"

    def __init__(self) -> None:
        self.limits: dict[str, str] = {}

    def __call__(self, path: Path, policy: Path | None, now: int) -> Report:
        try:
            if path.suffix == ".tlog-proof":
                report = verify_proof(path.read_bytes(), policy=policy, now=now)
            elif path.is_dir() and not is_package(path):
                report = verify_case(path, policy=policy, now=now)
            else:
                report = verify_package(path, policy=policy, now=now)
        except EvidenceError as error:
            return {"usage": str(error)}
        return json.loads(json.dumps(report.as_record()))

    def close(self) -> None:
        """Nothing runs."""


class Script:
    """verify_evidence.py, by its command line."""

    name = "verify_evidence.py"

    def __init__(self) -> None:
        self.main = module_at(ROOT / "verifiers/python/verify_evidence.py").main
        self.limits = json.loads(self._run("--limits")[0])["codes"]

    def __call__(self, path: Path, policy: Path | None, now: int) -> Report:
        moment = f"{_moment(now // 10**9)}.{now % 10**9:09}Z"
        given = ["--policy", str(policy)] if policy else []
        said, complaint = self._run(str(path), "--json", "--now", moment, *given)
        return json.loads(said) if said else {"usage": complaint}

    def _run(self, *words: str) -> tuple[bytes, str]:
        out, complaint = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
        with redirect_stdout(out), redirect_stderr(complaint), suppress(SystemExit):
            self.main(list(words))
        out.flush()
        return out.buffer.getvalue(), complaint.getvalue()

    def close(self) -> None:
        """Nothing runs."""


class Web:
    """The engine of verify.html, in one process of Node."""

    name = "verify.html"

    def __init__(self, scratch: Path) -> None:
        bundle = scratch / "serve_engine.mjs"
        form = ["--bundle", "--format=esm", "--platform=node", "--target=node18", '--define:__VERSION__="0"']
        source = Path(__file__).with_name("serve_engine.mjs")
        subprocess.run([ESBUILD, source, *form, "--log-level=error", f"--outfile={bundle}"], check=True)
        self.process = subprocess.Popen([NODE, bundle], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.limits = json.loads(self.process.stdout.readline())

    def __call__(self, path: Path, policy: Path | None, now: int) -> Report:
        asked = {"path": str(path), "policy": policy and str(policy), "now": now // 10**6}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def _moment(seconds: int) -> str:
    return dt.datetime.fromtimestamp(seconds, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S")
