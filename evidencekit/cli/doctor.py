"""`evidencekit doctor`: the program checks itself, also in an empty environment."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import click

from evidencekit import __version__
from evidencekit.cli import surroundings
from evidencekit.cli.options import PATH, output
from evidencekit.cli.render import Screen, human_size
from evidencekit.cli.speech import tell

EARLIEST = 1_767_225_600
"""2026-01-01T00:00:00Z: no clock that is right shows less."""


class Result(NamedTuple):
    """One thing that was looked at."""

    name: str
    status: str
    """`ok`, `failed` or `not_checked`."""
    found: str


@click.command()
@click.argument("folder", type=PATH, default=Path(), required=False)
@output
def doctor(folder: Path, screen: Screen) -> int:
    """Check the program itself: parts and their digests, known answers, libmagic, clock, free space in FOLDER.

    \b
    Example:
      evidencekit doctor /media/evidence

    Exit codes: 0 all is well · 4 something failed.
    """
    checks: tuple[Callable[[], Iterator[Result]], ...] = (
        _version, _program_files, _parts, _digests, _signatures, _parquet, _libmagic, _clock,
        lambda: _space(folder), _tokens,
    )  # fmt: skip
    results = [result for check in checks for result in _guarded(check)]
    screen.document({"checks": [result._asdict() for result in results]})
    screen.table(("check", "status", "found"), results)
    failed = [result.name for result in results if result.status == "failed"]
    screen.result(f"failed: {', '.join(failed)}" if failed else "all that was checked is well")
    tell(screen, "something_failed" if failed else "all_well")
    return 4 if failed else 0


def _guarded(check: Callable[[], Iterator[Result]]) -> list[Result]:
    """Run a check; whatever it raises is a failure with a name."""
    try:
        return list(check())
    except Exception as error:  # noqa: BLE001 (a broken part must not hide the others)
        return [
            Result(
                getattr(check, "__name__", "check").strip("_").replace("_", " "),
                "failed",
                f"{type(error).__name__}: {error}",
            )
        ]


def _judge(name: str, good: bool, found: str) -> Result:
    return Result(name, "ok" if good else "failed", found)


def _version() -> Iterator[Result]:
    yield Result("version", "ok", f"evidencekit {__version__}, Python {sys.version.split()[0]}")


def _program_files() -> Iterator[Result]:
    """One digest over the program's own files: compare it with another computer's. A binary has a list of them."""
    import evidencekit

    if getattr(sys, "frozen", False):
        from evidencekit.cli.binary import judged

        yield Result("program files", *judged(Path(sys.executable), Path(sys._MEIPASS)))  # type: ignore[attr-defined]  # noqa: SLF001 (PyInstaller's)
        return
    root = Path(evidencekit.__file__).parent
    total = hashlib.sha256()
    files = sorted(path for path in root.rglob("*.py"))
    for path in files:
        total.update(path.relative_to(root).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    yield _judge("program files", bool(files), f"{len(files)} files, together SHA-256 {total.hexdigest()}")


def _parts() -> Iterator[Result]:
    parts = surroundings.program()["parts"]
    yield Result("parts", "ok", ", ".join(f"{name} {version}" for name, version in parts.items()))


def _digests() -> Iterator[Result]:
    """Known answers of FIPS 180-4, FIPS 202, RFC 1321 and the BLAKE3 paper for `abc` and the empty input."""
    from blake3 import blake3

    answers = {
        "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "sha1": "a9993e364706816aba3e25717850c26c9cd0d89d",
        "md5": "900150983cd24fb0d6963f7d28e17f72",
        "sha3_256": "3a985da74fe225b2045c172d6bd390bd855f086e3e9d525b46bfe24511431532",
    }
    for name, answer in answers.items():
        found = hashlib.new(name, b"abc", usedforsecurity=False).hexdigest()
        yield _judge(f"{name} known answer", found == answer, found)
    found = blake3(b"").hexdigest()
    yield _judge("blake3 known answer", found.startswith("af1349b9f5f9a1a6a0404dea36dcc949"), found)


def _signatures() -> Iterator[Result]:
    """Sign and verify a checkpoint with fresh keys; a changed one must fail."""
    from evidencekit.core.checkpoint import Checkpoint, log_signatures, mldsa44_message
    from evidencekit.core.note import parse_note, parse_vkey
    from evidencekit.read.signature import verify_mldsa44
    from evidencekit.seal.logkeys import new_log_keys

    keys = new_log_keys("doctor.example/self-test")
    tree = Checkpoint(keys.origin, 1, bytes(32))
    ed25519, mldsa44 = (parse_vkey(text) for text in keys.vkeys)
    _, bare = log_signatures(parse_note(keys.sign_checkpoint(tree)), ed25519, mldsa44)
    good = verify_mldsa44(mldsa44.key, bare, mldsa44_message(tree, name=keys.origin, timestamp=0))
    other = Checkpoint(keys.origin, 2, bytes(32))
    bad = verify_mldsa44(mldsa44.key, bare, mldsa44_message(other, name=keys.origin, timestamp=0))
    yield _judge("log signatures", good and not bad, "made, verified; a changed text is refused")


def _parquet() -> Iterator[Result]:
    import pyarrow as pa

    codec = pa.Codec.is_available("zstd")
    yield _judge("Parquet", codec, f"pyarrow {pa.__version__}, zstd {'there' if codec else 'missing'}")


def _libmagic() -> Iterator[Result]:
    from evidencekit.acquire.libmagic import Typer

    typer = Typer()
    with tempfile.TemporaryFile() as file:
        file.write(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0")
        file.seek(0)
        found = typer.opinion(file.fileno()).media_type
    yield _judge("libmagic", found == "image/png", f"version {typer.version}, data SHA-256 {typer.data_sha256}")


def _clock() -> Iterator[Result]:
    from evidencekit.core.values import format_instant

    now = surroundings.clock()
    offset = surroundings.utc_offset_min()
    shown = f"{format_instant(now)}, local offset {offset} min: compare it with a reference clock"
    yield _judge("clock", now > EARLIEST * 1_000_000_000, shown)


def _space(folder: Path) -> Iterator[Result]:
    usage = shutil.disk_usage(folder)
    yield _judge("free space", usage.free > 100 * 2**20, f"{human_size(usage.free)} of {human_size(usage.total)}")


def _tokens() -> Iterator[Result]:
    """Tokens of a rogue authority have to be refused, a good one believed, by both chain checks."""
    from evidencekit.read.token_selftest import ROGUES, self_test

    wrong = self_test()
    yield _judge("rogue time-stamp self-test", not wrong, wrong or f"{len(ROGUES)} rogue tokens were refused")
