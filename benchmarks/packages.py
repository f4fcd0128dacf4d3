"""Packages side by side with what people send instead: a bag, a tar with a list of digests, a zip. All hold every byte.

Others only copy and hash. evidencekit proves each row under the sealed root, signs, writes both manifests, reads what
it wrote once more with the verifier, and records the export, all of which is timed.
"""

from __future__ import annotations

import shlex
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bench import PROGRAM, VERIFIED, Bench, Sealed
from benchmarks.measure import measured
from benchmarks.peers import Contender, fixed, missing

FORMS = ("tar", "zip", "folder")
_BAGIT = ("bagit create, 2 digests", "bagit validate, 2 digests")


def export_command(bench: Bench, sealed: Sealed, out: Path, *options: str) -> list[str]:
    """Return the command that makes a package of a sealed case."""
    return [
        *PROGRAM, "export", str(sealed.case), str(out), "--signer", str(bench.key), "--log-key", str(sealed.log_key),
        "--quiet", *options,
    ]  # fmt: skip


def making(bench: Bench, sealed: Sealed, source: Path) -> list[Contender]:
    """Return those that make a package of a source; evidencekit first, whose case is sealed already."""
    return [
        *(_maker(bench, f"evidencekit export --{form}", _ours(bench, sealed, form)) for form in FORMS[:2]),
        _maker(bench, "evidencekit export to a folder", _ours(bench, sealed, "folder")),
        _maker(bench, "sha256sum, then tar", f"cd {_quoted(source)} && {_LIST} && tar cf {{out}}.tar .", needs="tar"),
        _maker(bench, "zip -0", f"cd {_quoted(source)} && zip -0 -q -r {{out}}.zip .", needs="zip"),
        _maker(bench, _BAGIT[0], f"cp -a {_quoted(source)} {{out}} && {_bagit(bench)}", needs="bagit"),
    ]


@contextmanager
def checking(bench: Bench, sealed: Sealed, source: Path) -> Iterator[list[Contender]]:
    """Give those that check what such a package holds; evidencekit first."""
    made = [bench.new("made") for _ in range(6)]
    try:
        for form, place in zip(FORMS, made, strict=False):
            measured(["sh", "-c", _ours(bench, sealed, form).format(out=_quoted(place))])
        tarred, zipped, bag = made[3:]
        measured(["sh", "-c", f"cd {_quoted(source)} && {_LIST} && tar cf {{out}}.tar .".format(out=_quoted(tarred))])
        contenders = [
            *(
                Contender(
                    f"evidencekit verify a {form}", fixed([*PROGRAM, "verify", place, "--quiet"]), allowed=VERIFIED
                )
                for form, place in zip(FORMS, (f"{made[0]}.tar", f"{made[1]}.zip", str(made[2])), strict=True)
            ),
            _maker(
                bench,
                "tar x, then sha256sum -c",
                f"mkdir {{out}} && tar xf {_quoted(tarred)}.tar -C {{out}} && cd {{out}}"
                f" && sha256sum -c --quiet {_quoted(tarred)}.sum",
                needs="tar",
            ),
        ]
        if shutil.which("zip") and shutil.which("unzip"):
            measured(["sh", "-c", f"cd {_quoted(source)} && zip -0 -q -r {_quoted(zipped)}.zip ."])
            contenders.append(Contender("unzip -t (CRC-32 alone)", fixed(["unzip", "-tqq", f"{zipped}.zip"])))
        contenders.append(_bag_checked(bench, source, bag))
        yield contenders
    finally:
        for place in made:
            _remove(place)


_LIST = "find . -type f -print0 | xargs -0 sha256sum > {out}.sum"


def _bag_checked(bench: Bench, source: Path, bag: Path) -> Contender:
    with bench.copied(source) as copy:
        try:
            measured(["sh", "-c", _bagit(bench).format(out=_quoted(copy))])
        except Exception:  # noqa: BLE001 (whatever it was: it is told as not run)
            return missing(_BAGIT[1], "bagit")
        copy.rename(bag)
    return Contender(_BAGIT[1], fixed(bench.bagit("--validate", str(bag))), needs="bagit")


def _ours(bench: Bench, sealed: Sealed, form: str) -> str:
    ending, options = ("", ()) if form == "folder" else (f".{form}", (f"--{form}",))
    command = export_command(bench, sealed, Path("OUT"), *options)
    return shlex.join(command).replace(" OUT ", f" {{out}}{ending} ")


def _bagit(bench: Bench) -> str:
    words = [sys.executable, "-m", "bagit", "--quiet", "--processes", str(bench.workers), "--sha256", "--sha512"]
    return f"{shlex.join(words)} {{out}}"


def _maker(bench: Bench, name: str, line: str, *, needs: str | None = None) -> Contender:
    """Return who makes something at `{out}` by a line of shell; what it made is removed after the clock has stopped."""

    @contextmanager
    def ready() -> Iterator[list[str]]:
        out = bench.new("out")
        try:
            yield ["sh", "-c", line.format(out=_quoted(out))]
        finally:
            _remove(out)

    return Contender(name, ready, needs=needs)


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    for ending in (".tar", ".zip", ".sum"):
        place.with_name(place.name + ending).unlink(missing_ok=True)


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
