"""The web verifier, built; and its page driven as a person would: files are dropped, keys pressed, the report saved."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB = ROOT / "verifiers" / "web"
CHROMIUM = "/usr/bin/chromium"
NODE_PACKAGES = WEB / "node_modules" / "playwright-core"


NODE = str(ROOT / ".venv/bin/node") if (ROOT / ".venv/bin/node").exists() else "node"
"""The Node that setup installs, or the one on PATH."""
ESBUILD = WEB / "node_modules" / ".bin" / "esbuild"


def build(out: Path) -> str:
    """Builds verify.html, verify.mjs and verify.licences.txt in the folder `out`; what the build prints."""
    command = [NODE, str(WEB / "build.mjs"), str(out)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Page:
    """One browser; each operation of drive_page.mjs by its name, with its named arguments."""

    def __init__(self, html: Path) -> None:
        driver = Path(__file__).with_name("drive_page.mjs")
        command = [NODE, str(driver), str(WEB), str(html), CHROMIUM]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, op: str, **given: object):
        self.process.stdin.write(json.dumps({"op": op, **given}) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, f"{op}: {answer['error']}"
        return answer["value"]

    def verify(
        self,
        evidence: Path,
        *,
        policy: Path | None = None,
        fields: dict[str, str] | None = None,
        locale="en-GB",
        timeout=60_000,
    ):
        """Drop, drop, type, press the button: `{"report", "title"}`, or `{"trouble"}`."""
        self("open", locale=locale)
        self("drop", path=str(evidence))
        if policy:
            self("drop", path=str(policy), zone="policy")
        for name, text in (fields or {}).items():
            self("fill", selector=f"#{name}", text=text)
        return self("verify", timeout=timeout)

    def close(self) -> None:
        self.process.stdin.write('{"op":"close"}\n')
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()
