"""What a package must stand, however it was changed: a report comes without a mistake, and nothing changed is green.

Run by itself with atheris (`pip install atheris`), it looks for inputs that do not:

    python tests/hostile/packagefuzz.py -max_total_time=600 CORPUS
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

VECTORS = Path(__file__).parents[2] / "specs/vectors/packages"
GOOD = VECTORS / "good/0.1_package"
VERDICTS = {"VERIFIED", "FAILED", "NOT CHECKED", "INTEGRITY ONLY"}
NOW = 1_780_000_000_000_000_000
_TAGS = ("manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt", "tagmanifest-sha512.txt")


class Target:
    """Takes bytes, makes a package of them, and verifies it."""

    def __init__(self, folder: Path) -> None:
        """Take a folder to write packages to."""
        import packagebuilder

        from evidencekit.read.package import open_package
        from evidencekit.verify.policy import read_policy

        self._pb = packagebuilder
        self._path = folder / "package"
        self._archive = (GOOD / "package.zip").read_bytes()
        self._policy = read_policy(GOOD / "policy")
        with open_package(GOOD / "package.zip") as package:
            self._files = {name: package.read(name, 1 << 30) for name in package.names()}
        self._names = sorted(self._files)

    def one(self, data: bytes) -> str:
        """Verify what some bytes stand for, and return the verdict. The first says what is changed."""
        mode, rest = (data[0] % 4, data[1:]) if data else (0, b"")
        if mode == 0:
            self._path.write_bytes(rest)
        elif mode == 1:
            self._path.write_bytes(_edited(self._archive, rest))
        else:
            files = self._changed(rest)
            (self._pb.write_zip if mode == 2 else self._pb.write_tar)(files, self._path)
        return self._verify(must_fail=mode > 1 and files != self._files)

    def _changed(self, data: bytes) -> dict[str, bytes]:
        """The good package with one file changed, and a bag that fits it: all layers below are reached."""
        place = data[0] % (len(self._names) + 1) if data else 0
        files = dict(self._files)
        if place == len(self._names):
            files["evidence/records.jsonl"] = data[1:]
        else:
            files[self._names[place]] = _edited(files[self._names[place]], data[1:])
        if place < len(self._names) and self._names[place] in _TAGS:
            return files
        payload = {name: text for name, text in files.items() if name.startswith("data/")}
        files |= {f"manifest-{one}.txt": self._pb.manifest(one, payload) for one in ("sha256", "sha512")}
        return self._pb.tagged(files)

    def _verify(self, *, must_fail: bool) -> str:
        from evidencekit.errors import CannotFinish
        from evidencekit.verify.package import verify_package

        try:
            report = verify_package(self._path, policy=self._policy, now=NOW)
        except CannotFinish as error:
            if error.code != "X485":
                raise
            return "no package"
        record = report.as_record()
        mistakes = [one for one in record["not_checked"] if one["code"] == "internal_error"]
        if mistakes or record["verdict"] not in VERDICTS:
            raise AssertionError(mistakes or record["verdict"])
        if must_fail and record["verdict"] in {"VERIFIED", "INTEGRITY ONLY"}:
            raise AssertionError(f"changed, and {record['verdict']}")
        return str(record["verdict"])


def _edited(data: bytes, edits: bytes) -> bytes:
    """Change bytes: each edit is a place (3 bytes), what to do (1), and a byte."""
    found = bytearray(data)
    for at in range(0, len(edits) - 4, 5):
        place = int.from_bytes(edits[at : at + 3]) % (len(found) + 1)
        what, byte = edits[at + 3] % 4, edits[at + 4]
        if what == 0 and place < len(found):
            found[place] ^= byte
        elif what == 1:
            found[place:place] = bytes([byte])
        elif what == 2:
            del found[place : place + byte]
        else:
            found[place:place] = found[place : place + byte]
    return bytes(found)


def main() -> None:
    """Look for inputs with atheris, as long as libFuzzer's options say."""
    root = Path(__file__).parents[2]
    sys.path[:0] = [str(root), str(root / "tests")]
    import atheris

    with atheris.instrument_imports(include=["evidencekit"]):
        import evidencekit.verify.package  # noqa: F401

    with tempfile.TemporaryDirectory() as folder:
        target = Target(Path(folder))
        atheris.Setup(sys.argv, lambda data: target.one(data) and None)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
