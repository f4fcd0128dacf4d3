"""What a program is made of: its licences, copied beside it, and a CycloneDX bill of materials (ECMA-424, 1.6).

Each file that went in is put down to what it came from: a Python package, CPython and what python.sh builds with it, or
a package of the Debian that it was built in. A file of unknown origin, or a part without a licence, stops the build.
"""

from __future__ import annotations

import ctypes
import json
import platform
import re
import shutil
import sqlite3
import ssl
import subprocess
import sys
import uuid
from functools import cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from evidencekit import __version__

ROOT = Path(__file__).parents[1]
WITH_PYTHON = {"openssl": r"lib(crypto|ssl)", "sqlite3": r"libsqlite3"}
"""What python.sh builds besides CPython, by the names of its files."""
_ITS_OWN = (Path(sys.base_prefix), Path(ssl.__file__).parent)
"""Where CPython's own licence lies on other systems."""
DEBIANS = sys.base_prefix == "/usr"
"""Python and its libraries are Debian's own: a quick build."""
FONTS = ROOT / "evidencekit/report/fonts"
"""What is in our tree, and others made."""
LIBMAGIC = ("libmagic.so.1", "libmagic.1.dylib", "libmagic.dylib")
ALWAYS = ("pyinstaller", "pyinstaller-hooks-contrib")
"""Their start-up code is in every program."""
_TAKEN = ("type", "name", "version", "licenses", "hashes")
"""Of what a wheel's own bill says of a part."""
NO_RELEASE = f"{__version__} is no release, but a build for tests." if "+" in __version__ else ""
"""What is said of a version with a local label (PEP 440), which binaries.sh --quick gives."""
TIME = "2026-01-01T00:00:00Z"


class Part(NamedTuple):
    """A file that went in."""

    kind: str
    inside: str
    source: str


class Origin(NamedTuple):
    """Something that others made, whole."""

    purl: str
    name: str
    version: str
    licence: str | None
    """As its maker states it."""
    texts: tuple[Path, ...]
    within: str = "[]"
    """What its maker built into it, as its own bill says."""


def write(dist: Path, program: str, parts: list[Part]) -> None:
    """Write `licences/` and `sbom.cdx.json` into the folder of a program."""
    origins = _origins(parts)
    for origin in origins:
        if not origin.texts:
            raise SystemExit(f"{origin.name} has no licence text")
        place = dist / program / "licences" / origin.name
        place.mkdir(parents=True)
        for text in origin.texts:
            shutil.copyfile(text, place / f"{text.name}")
    if NO_RELEASE:
        (dist / program / "NO-RELEASE.txt").write_text(f"{NO_RELEASE}\n", "utf-8", newline="\n")
    shutil.copyfile(ROOT / "LICENSE", dist / program / "licences" / "LICENSE")
    (dist / program / "sbom.cdx.json").write_text(_bill(program, origins), "utf-8", newline="\n")


def _origins(parts: list[Part]) -> list[Origin]:
    owners = _owners()
    found: set[Origin] = set()
    names = {_plain(name) for name in ALWAYS}
    for part in parts:
        source = Path(part.source)
        if source.parent == FONTS:
            found.add(Origin("pkg:generic/noto-fonts", "noto-fonts", "2.015", "OFL-1.1", (FONTS / "OFL.txt",)))
        if not source.is_absolute() or source.name == "base_library.zip" or source.is_relative_to(ROOT):
            continue
        if source in owners:
            names.add(owners[source])
        if source.name in LIBMAGIC and not DEBIANS:
            found.add(_libmagic(source))
        elif source in owners or source.name == "magic.mgc":
            continue
        elif source.is_relative_to(sys.base_prefix):
            found.add(_of_python(source))
        else:
            found.add(_of_debian(source))
    found.add(_of_python(Path(sys.executable)))
    each = _installed()
    found |= {_of_distribution(each[name]) for name in names}
    return sorted(found, key=lambda origin: origin.purl)


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _owners() -> dict[Path, str]:
    return {Path(str(file.locate())): name for name, one in _installed().items() for file in one.files or ()}


@cache
def _installed() -> dict[str, Distribution]:
    """Return what is installed, by name; what Python finds first counts."""
    found: dict[str, Distribution] = {}
    for one in distributions():
        found.setdefault(_plain(one.name), one)
    return found


def _of_distribution(one: Distribution) -> Origin:
    files = [Path(str(file.locate())) for file in one.files or () if ".dist-info" in str(file)]
    texts = [file for file in files if re.match(r"(LICEN[CS]E|COPYING|NOTICE|AUTHORS)", file.name)]
    within = [
        {member: component[member] for member in _TAKEN if member in component}
        | {"purl": component["purl"].partition("?")[0]}
        for bill in files
        if bill.parent.name == "sboms"
        for component in json.loads(bill.read_text("utf-8")).get("components", [])
        if "purl" in component and component["purl"].startswith(("pkg:cargo/", "pkg:generic/"))
    ]
    licence = one.metadata["License-Expression"] or one.metadata["License"]
    if licence and ("\n" in licence or len(licence) > 100):
        licence = None
    name = _plain(one.name)
    return Origin(
        f"pkg:pypi/{name}@{one.version}", name, one.version, licence, tuple(sorted(texts)), json.dumps(within)
    )


def _of_python(source: Path) -> Origin:
    if DEBIANS:
        return _of_debian(source)
    name = next((name for name, pattern in WITH_PYTHON.items() if re.match(pattern, source.name)), "cpython")
    texts = tuple(sorted((Path(sys.base_prefix) / "share/licences" / name).glob("*")))
    if name == "cpython":
        texts = texts or tuple(filter(Path.is_file, (folder / "LICENSE.txt" for folder in _ITS_OWN)))
        version, licence = sys.version.split()[0], "Python-2.0.1"
    elif name == "openssl":
        version, licence = ssl.OPENSSL_VERSION.split()[1], "Apache-2.0"
    else:
        version, licence = sqlite3.sqlite_version, "blessing"
    return Origin(f"pkg:generic/{name}@{version}", name, version, licence, texts)


def _libmagic(library: Path) -> Origin:
    number = ctypes.CDLL(str(library)).magic_version()
    version = f"{number // 100}.{number % 100:02d}"
    texts = tuple((Path(sys.base_prefix) / "share/licences/libmagic").glob("*"))
    return Origin(f"pkg:generic/file@{version}", "libmagic", version, "BSD-2-Clause", texts)


@cache
def _debian_owners() -> dict[str, str]:
    """Return the package of each file of this Debian; dpkg names no file twice."""
    lists = Path("/var/lib/dpkg/info").glob("*.list")
    return {line: path.stem for path in lists for line in path.read_text("utf-8").splitlines()}


def _of_debian(source: Path) -> Origin:
    """Return the Debian package that a file belongs to; before and after /lib became /usr/lib."""
    owners = _debian_owners()
    names = {str(source), str(source.resolve())}
    names |= {name.removeprefix("/usr") for name in names}
    package = next((owners[name] for name in sorted(names) if name in owners), None)
    if package is None:
        raise SystemExit(f"{source} belongs to nothing that is known")
    return _debian_package(package)


@cache
def _debian_package(package: str) -> Origin:
    form = ["dpkg-query", "-W", "-f", "${Package} ${Version} ${Architecture}", package]
    name, version, machine = subprocess.run(form, capture_output=True, text=True, check=True).stdout.split()
    text = Path("/usr/share/doc") / name / "copyright"
    distro = platform.freedesktop_os_release()["VERSION_CODENAME"]
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version, safe=':')}?arch={machine}&distro={distro}"
    return Origin(purl, name, version, None, (text,))


def _bill(program: str, origins: list[Origin]) -> str:
    own: dict[str, Any] = {"type": "application", "name": program, "version": __version__, "bom-ref": program}
    own["licenses"] = [{"license": {"id": "Apache-2.0"}}]
    if NO_RELEASE:
        own["properties"] = [{"name": "evidencekit:release", "value": NO_RELEASE}]
    components = [_component(origin) for origin in origins]
    bill = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"timestamp": TIME, "component": own},
        "components": components,
        "dependencies": [{"ref": program, "dependsOn": [component["bom-ref"] for component in components]}],
    }
    bill["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(bill, sort_keys=True))}"
    text = json.dumps(bill, indent=1, sort_keys=True) + "\n"
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise SystemExit(f"the bill of {program} breaks its schema: {wrong}")
    return text


def _component(origin: Origin) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library", "bom-ref": origin.purl, "purl": origin.purl, "name": origin.name, "version": origin.version,
    }  # fmt: skip
    if origin.licence:
        component["licenses"] = [{"license": {"name": origin.licence}}]
    within = json.loads(origin.within)
    if within:
        component["components"] = [part for at, part in enumerate(within) if part not in within[:at]]
    return component
