"""Writes packaging/sources.sha256: the newest sources of Debian 12 that apt's mirrors have, and prints what changed.

    make sources

apt checks the signatures of the mirrors' lists, by Debian's keyring; the digests are theirs. Every file is fetched:
what a list names and no mirror has is said, and the next older source is taken.
"""

from __future__ import annotations

# ruff: noqa: T201 (what it prints is its product)
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from email import message_from_string
from functools import cmp_to_key, partial
from pathlib import Path

PINS = Path(__file__).with_name("sources.sha256")
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
SUITE = "bookworm"
TAKEN = {
    "python3.11": r"\.(orig|debian)\.tar\.[a-z0-9]+",
    "openssl": r"\.(orig|debian)\.tar\.[a-z0-9]+",
    "sqlite3": r"\.(orig|debian)\.tar\.[a-z0-9]+",
    "file": r"\.orig\.tar\.[a-z0-9]+",
}
"""Source packages, and how the files end that python.sh takes."""


def main() -> None:
    """Write the list, and print the lines that are gone and new."""
    before = PINS.read_text("utf-8").splitlines()
    mirrors = _mirrors()
    with tempfile.TemporaryDirectory() as folder:
        options = _private(Path(folder), mirrors)
        subprocess.run(["apt-get", *options, "-qq", "update"], check=True)
        addresses = list(dict.fromkeys(line.split()[0] for line in mirrors))
        is_had = partial(_is_had, addresses=addresses, folder=folder)
        after = [line for name in TAKEN for line in _newest(name, options, is_had)]
    PINS.write_text("".join(f"{line}\n" for line in after), "utf-8")
    for sign, lines, others in (("-", before, after), ("+", after, before)):
        for line in lines:
            if line not in others:
                print(sign, line)
    if before == after:
        print("nothing newer is to be had")


def _mirrors() -> list[str]:
    """Return address and suite of each of apt's mirrors of Debian 12."""
    form = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Created-By: Packages"]
    known = subprocess.run(form, capture_output=True, text=True, check=True).stdout.split("\n")
    found = [line for line in dict.fromkeys(known) if re.fullmatch(rf"\S+ {SUITE}\S*", line)]
    if not found:
        raise SystemExit(f"apt names no mirror of {SUITE}: run apt-get update first")
    return found


def _private(folder: Path, mirrors: list[str]) -> list[str]:
    """Return the options by which apt looks for sources, and leaves the machine's own lists alone."""
    (folder / "lists").mkdir()
    (folder / "list").write_text("".join(f"deb-src [signed-by={KEYRING}] {mirror} main\n" for mirror in mirrors))
    settings = {
        "Dir::Etc::SourceList": folder / "list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::State::Lists": folder / "lists",
        "Dir::Cache": folder,
        "APT::Sandbox::User": "root",  # else it may not write there
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


def _newest(name: str, options: list[str], is_had: Callable[[str], bool]) -> list[str]:
    """Return the lines of the newest source of which every file is to be had."""
    command = ["apt-cache", *options, "showsrc", "--only-source", name]
    answer = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = [dict(message_from_string(text)) for text in answer.split("\n\n") if text.strip()]
    for source in sorted(found, key=cmp_to_key(_compare), reverse=True):
        lines = _lines(source, TAKEN[name])
        if all(map(is_had, lines)):
            return lines
        print(f"{name} {source['Version']} is listed, and no mirror has it", file=sys.stderr)
    raise SystemExit(f"no mirror has any {name}")


def _is_had(line: str, *, addresses: list[str], folder: str) -> bool:
    """Whether a mirror has a file with this digest."""
    digest, path = line.split()
    fetch = ["/usr/lib/apt/apt-helper", "-o", "APT::Sandbox::User=root", "download-file"]
    return any(
        subprocess.run(
            [*fetch, f"{address.rstrip('/')}/{path}", f"{folder}/source", f"SHA256:{digest}"],
            capture_output=True, check=False,
        ).returncode == 0
        for address in addresses
    )  # fmt: skip


def _compare(one: dict[str, str], two: dict[str, str]) -> int:
    """Return what is above zero where the first source is newer, below where it is older."""
    is_newer, is_older = (
        subprocess.run(["dpkg", "--compare-versions", one["Version"], relation, two["Version"]], check=False).returncode
        == 0
        for relation in ("gt", "lt")
    )
    return is_newer - is_older


def _lines(source: dict[str, str], ending: str) -> list[str]:
    entries = [line.split() for line in source["Checksums-Sha256"].strip().splitlines()]
    folder = source["Directory"]
    return [f"{digest}  {folder}/{file}" for digest, _, file in entries if re.search(rf"{ending}$", file)]


if __name__ == "__main__":
    main()
