"""specs/vectors/ed25519.json: evidencekit, the engine of verify.html and verify_evidence.py give one answer to each."""

from __future__ import annotations

import importlib.util
import json
import subprocess

import pytest
from pagedriver import ESBUILD, NODE, ROOT

from evidencekit.read.signature import check_ed25519_public_key, verify_ed25519

VECTORS = json.loads((ROOT / "specs/vectors/ed25519.json").read_text())["vectors"]
WANTED = {one["what"]: (one["key_accepted"], one["accepted"]) for one in VECTORS}
ENGINE = """
import {{ readFileSync }} from "node:fs";
import {{ goodKey, verify }} from "{root}/verifiers/web/src/engine/ed25519";
const hex = (text) => Uint8Array.from(Buffer.from(text, "hex"));
const {{ vectors }} = JSON.parse(readFileSync("{root}/specs/vectors/ed25519.json", "utf8"));
const said = vectors.map((v) => [v.what, [goodKey(hex(v.key)), verify(hex(v.key), hex(v.message), hex(v.signature))]]);
console.log(JSON.stringify(Object.fromEntries(said)));
"""


def answers(good_key, verify):
    """What a verifier says of each vector: of its key, and of its signature."""
    parts = {one["what"]: [bytes.fromhex(one[name]) for name in ("key", "message", "signature")] for one in VECTORS}
    return {what: (good_key(key), verify(key, message, signature)) for what, (key, message, signature) in parts.items()}


def test_names_differ():
    assert len(WANTED) == len(VECTORS)
    assert {accepted for _, accepted in WANTED.values()} == {True, False}


def test_evidencekit():
    def verify(key, message, signature):
        return not check_ed25519_public_key(key) and verify_ed25519(key, signature, message)

    assert answers(lambda key: not check_ed25519_public_key(key), verify) == WANTED


def test_single_file_verifier(verifier):
    assert answers(lambda key: verifier.ed25519_key(key) is not None, verifier.ed25519) == WANTED


@pytest.mark.judge(NODE)
def test_engine_of_the_page(judge, tmp_path):
    judge(str(ESBUILD))
    source, bundle = tmp_path / "ask.ts", tmp_path / "ask.mjs"
    source.write_text(ENGINE.format(root=ROOT))
    form = ["--bundle", "--format=esm", "--platform=node", "--target=node18", "--log-level=error"]
    subprocess.run([ESBUILD, source, *form, f"--outfile={bundle}"], check=True)
    said = json.loads(subprocess.run([NODE, bundle], capture_output=True, text=True, check=True).stdout)
    assert {what: tuple(answer) for what, answer in said.items()} == WANTED


def test_the_vectors_are_what_their_script_makes(tmp_path):
    """Made again, they are the same bytes."""
    script = ROOT / "specs/vectors/make_ed25519.py"
    spec = importlib.util.spec_from_file_location("make_ed25519", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.HERE = tmp_path
    module.main()
    assert (tmp_path / "ed25519.json").read_bytes() == (ROOT / "specs/vectors/ed25519.json").read_bytes()
