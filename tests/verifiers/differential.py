"""Random mutations of good packages, cases and proofs, through two verifiers: any disagreement is a fault of one, or of the specs.

    python tests/verifiers/differential.py --seconds 600 [--seed N]

The one is evidencekit.verify, the other verifiers/python/verify_evidence.py. Compared are the verdict, and each error's
code and place, but for what the latter says by `--limits` that it does not find. Mutations are of bytes, of files, and
of members of records; of a package all above the mutation is then made to fit again, signature of the exporter
included, so that it is the mutation that is found, and not the seal broken by it.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.util
import json
import random
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from evidencekit.seal.sign import load_signer  # noqa: E402
from evidencekit.verify.package import verify_package  # noqa: E402
from evidencekit.verify.verifier import verify_case  # noqa: E402

CASES = ROOT / "specs/vectors/cases"
Files = dict[str, bytes]
NOW = 1_790_000_000 * 10**9
WORDS = ["", "x", "EX-001", "EX-999", "0", "1", "2", "7", "00", "-1", "18446744073709551616", "\u00e9", "e\u0301", "\u202e", "\\", "..", "^~", None,
         True, 3, [], {}, "0" * 64, "QUFBQUFBQUFBQUFBQUFBQQ==", "2026-05-28T20:26:40.000000000Z"]  # fmt: skip


def load_other() -> Any:
    """The independent verifier, as a module."""
    spec = importlib.util.spec_from_file_location("verify_evidence", ROOT / "verifiers/python/verify_evidence.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_evidence"] = module
    spec.loader.exec_module(module)
    return module


OTHER = load_other()
LIMITS = {code for words, _ in OTHER.LIMITS for code in words.split()}


def unzipped(path: Path) -> Files:
    with zipfile.ZipFile(path) as archive:
        return {name.partition("/")[2]: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def jcs(record: Any) -> bytes:
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "surrogatepass"
    )


def closed(files: Files, signer: Any) -> Files:
    """The same files, in a bag that fits them, listed and signed for."""
    out = dict(files)
    record = json.loads(out["evidence/package.json"])
    tags = {f"{kind}-{name}.txt" for kind in ("manifest", "tagmanifest") for name in ("sha256", "sha512")}
    payload = {path: data for path, data in out.items() if path.startswith("data/")}
    if b"Payload-Oxum" in out.get("bag-info.txt", b""):
        lines = [line for line in out["bag-info.txt"].decode().splitlines() if not line.startswith("Payload-Oxum")]
        out["bag-info.txt"] = (
            "\n".join([f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}", *lines]) + "\n"
        ).encode()
    own = {"evidence/package.json", "evidence/package.json.sig"}
    if isinstance(record, dict) and isinstance(record.get("files"), list):
        record["files"] = [
            {"bytes": str(len(out[path])), "path": path, "sha256": hashlib.sha256(out[path]).hexdigest()}
            for path in sorted(out, key=str.encode) if path not in tags | own and not path.startswith("data/")
        ]  # fmt: skip
    out["evidence/package.json"] = jcs(record)
    out["evidence/package.json.sig"] = signer.sign(out["evidence/package.json"], "evidencekit-package")
    return bagged(out)


def bagged(files: Files) -> Files:
    out = {path: data for path, data in files.items() if "manifest-sha" not in path}
    for kind, wanted in (
        ("manifest", lambda p: p.startswith("data/")),
        ("tagmanifest", lambda p: not p.startswith("data/")),
    ):
        for name in ("sha256", "sha512"):
            lines = [f"{hashlib.new(name, out[path]).hexdigest()}  {path}\n"
                     for path in sorted(out, key=str.encode) if wanted(path) and not path.startswith("tagmanifest")]  # fmt: skip
            out[f"{kind}-{name}.txt"] = "".join(lines).encode()
        if kind == "tagmanifest":  # both name the two manifests, neither the other
            continue
    return out


def spots(value: Any, path: tuple = ()) -> list[tuple]:
    """Places of all members and elements."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [spot for key, each in inner for spot in [(*path, key), *spots(each, (*path, key))]]


def mutate_record(record: Any, pick: random.Random) -> Any:
    """Change, remove, exchange or add one thing somewhere."""
    record = json.loads(json.dumps(record))
    places = spots(record)
    if not places:
        return record
    *parents, last = pick.choice(places)
    holder = record
    for key in parents:
        holder = holder[key]
    what = pick.randrange(6)
    if what == 0:
        del holder[last]
    elif what == 1 and isinstance(holder[last], str) and holder[last]:
        text = holder[last]
        at = pick.randrange(len(text))
        holder[last] = text[:at] + pick.choice("0a1bZ=/ ") + text[at + 1 :]
    elif what == 2 and isinstance(holder[last], str) and holder[last].isdigit():
        holder[last] = str(max(0, int(holder[last]) + pick.choice([-1, 1, 2])))
    elif what == 3 and isinstance(holder, dict):
        holder[pick.choice(["x", "path_hex", "reason", "target", "md5", "stream"])] = pick.choice(WORDS)
    elif what == 4 and isinstance(holder, list):
        holder.insert(pick.randrange(len(holder) + 1), pick.choice(holder))
    else:
        holder[last] = pick.choice(WORDS)
    return record


def mutate_lines(data: bytes, pick: random.Random) -> bytes:
    """Change, exchange, remove or double lines; or open what a line says, change that, and close it with its commitments."""
    lines = data.split(b"\n")[:-1]
    if not lines:
        return data + b"x"
    at, other = pick.randrange(len(lines)), pick.randrange(len(lines))
    what = pick.randrange(6)
    if what == 0:
        lines[at], lines[other] = lines[other], lines[at]
    elif what == 1:
        del lines[at]
    elif what == 2:
        lines.insert(at, lines[other])
    else:
        row = json.loads(lines[at])
        if what > 3 and row["groups"]:
            name = pick.choice(sorted(row["groups"]))
            changed = jcs(mutate_record(json.loads(row["groups"][name]["bytes"]), pick))
            row["groups"][name]["bytes"] = changed.decode("utf-8", "surrogatepass")
            leaf = json.loads(row["leaf"])
            salt = base64.b64decode(row["groups"][name]["salt"])
            leaf[name] = hashlib.sha256(b"evidencekit/group/1\0" + name.encode() + b"\0" + salt + changed).hexdigest()
            if pick.random() < 0.8:
                row["leaf"] = jcs(leaf).decode()
        else:
            row = mutate_record(row, pick)
        lines[at] = jcs(row)
    return b"".join(line + b"\n" for line in lines)


def mutate_bytes(data: bytes, pick: random.Random) -> bytes:
    if not data:
        return b"x"
    at = pick.randrange(len(data))
    what = pick.randrange(4)
    if what == 0:
        return data[:at] + bytes([data[at] ^ 1 << pick.randrange(8)]) + data[at + 1 :]
    if what == 1:
        return data[:at]
    if what == 2:
        return data[:at] + data[at + 1 :]
    return data[:at] + bytes([pick.randrange(256)]) + data[at:]


def mutate_files(files: Files, pick: random.Random) -> tuple[Files, str]:
    """One mutation of one file, or of which files there are; what it was, in words."""
    out, path = dict(files), pick.choice(sorted(files))
    what = pick.randrange(10)
    if what == 0:
        del out[path]
    elif what == 1:
        out[
            pick.choice(["evidence/x", "data/x", "x", path + ".x", "evidence/custody/00000099/entry", "data/EX-001/é"])
        ] = files[path]
    elif what == 2:
        out[path] = files[pick.choice(sorted(files))]
    elif what < 5:
        out[path] = mutate_bytes(files[path], pick)
    else:
        path = pick.choice([p for p in sorted(files) if p.endswith((".json", "entry", ".jsonl"))])
        if path.endswith(".jsonl"):
            out[path] = mutate_lines(files[path], pick)
        else:
            try:
                out[path] = jcs(mutate_record(json.loads(files[path]), pick))
            except (UnicodeError, ValueError):
                out[path] = mutate_bytes(files[path], pick)
    return out, f"{what} {path}"


def exporter(files: Files) -> Any:
    """Whoever signed this package; for a case, anybody."""
    said = json.loads(files.get("evidence/package.json", b"{}")).get("exporter", {}).get("key")
    signers = [
        load_signer(path, ask_passphrase=None)
        for path in sorted((CASES / "keys").iterdir())
        if path.with_name(path.name + ".pub").exists()
    ]
    return next((signer for signer in signers if signer.fingerprint == said), signers[0])


def write(files: Files, folder: Path) -> None:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def errors(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(one["code"], one["where"]) for one in document["findings"] if one["severity"] == "error"}


def disagreement(ours: dict[str, Any], theirs: dict[str, Any], *, whole_case: bool) -> str:
    """What two reports say otherwise of the same bytes; '' where they agree."""
    if any(one["code"] == "internal_error" for report in (ours, theirs) for one in report["not_checked"]):
        return "internal error: " + str(
            [one for report in (ours, theirs) for one in report["not_checked"] if one["code"] == "internal_error"]
        )
    one, two = errors(ours), errors(theirs)
    missed = {
        error
        for error in one - two
        if not (error[0] in LIMITS and (whole_case or error[0] not in ("E201", "E501", "E107", "E202")))
    }
    if missed or two - one:
        return f"missed {sorted(missed)}, without cause {sorted(two - one)}"
    soft = {"VERIFIED", "INTEGRITY ONLY"} if whole_case else set()
    if theirs["verdict"] != ours["verdict"] and not (
        theirs["verdict"] == "NOT CHECKED" and (one - two or ours["verdict"] in soft)
    ):
        return f"{ours['verdict']} and {theirs['verdict']}: {theirs['reason']}"
    return ""


def subjects() -> dict[str, tuple[str, Files, Path | None]]:
    """Good things to mutate: name to (kind, files, policy)."""
    out: dict[str, tuple[str, Files, Path | None]] = {}
    for folder in sorted((ROOT / "specs/vectors").glob("*/good/*")):
        policy = folder / "policy" if (folder / "policy").is_dir() else None
        for path in sorted(folder.glob("package.*")):
            if path.suffix == ".zip":
                out[f"{folder.name}/zip"] = ("package", unzipped(path), policy)
        if (folder / "case").is_dir():
            files = {
                p.relative_to(folder / "case").as_posix(): p.read_bytes()
                for p in sorted((folder / "case").rglob("*"))
                if p.is_file()
            }
            out[f"{folder.name}/case"] = ("case", files, policy)
    return out


def run(seed: int, things: dict[str, tuple[str, Files, Path | None]], scratch: Path) -> str:
    """Mutate one thing by a seed; return a disagreement, or ''."""
    pick = random.Random(seed)
    name = pick.choice(sorted(things))
    kind, files, policy = things[name]
    words: list[str] = []
    signer = exporter(files)
    for _ in range(pick.choice([1, 1, 1, 2])):
        files, what = mutate_files(files, pick)
        words.append(what)
    if kind == "package" and pick.random() < 0.7 and "evidence/package.json" in files:
        try:
            files = closed(files, signer) if pick.random() < 0.7 else bagged(files)
        except (ValueError, UnicodeError):
            files = bagged(files)
    policy = policy if pick.random() < 0.5 else None
    place = scratch / "thing"
    shutil.rmtree(place, ignore_errors=True)
    try:
        write(files, place)
    except (OSError, ValueError):
        return ""
    path = place
    if kind == "package" and pick.random() < 0.4:
        path = scratch / "thing.zip"
        with zipfile.ZipFile(path, "w", pick.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])) as archive:
            for each in sorted(files):
                archive.writestr("package/" + each, files[each])
        if pick.random() < 0.3:
            path.write_bytes(mutate_bytes(path.read_bytes(), pick))
            words.append("archive")
    if kind == "package" and path == place and not (place / "evidence/package.json").is_file():
        return ""
    verify = verify_package if kind == "package" else verify_case
    ours = json.loads(json.dumps(verify(path, policy=policy, now=NOW).as_record()))
    theirs = OTHER.verify(str(path), str(policy) if policy else None, None, NOW)
    said = disagreement(ours, theirs, whole_case=kind == "case")
    return f"seed {seed}, {name}{' with policy' if policy else ''}, {'; '.join(words)}: {said}" if said else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    things, end, seed, found = subjects(), time.monotonic() + given.seconds, given.seed, 0
    with tempfile.TemporaryDirectory() as scratch:
        while time.monotonic() < end:
            said = run(seed, things, Path(scratch))
            if said:
                found += 1
                print(said, flush=True)
            seed += 1
    print(f"{seed - given.seed} mutations, {found} disagreements")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
