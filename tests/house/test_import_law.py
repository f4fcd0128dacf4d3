"""The import law: which room may know which. It walks the syntax tree, so imports inside functions count too.

           cli ──> journeys ──> L2
acquire  seal  verify  catalogue  package  cooperation  report  field      siblings never import each other
              read            write                                 neither imports the other
                        core                                        pure; errors lies below all
"""

from __future__ import annotations

import ast
import functools
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "evidencekit"
MODULES = sorted(PACKAGE.rglob("*.py"))
VERIFIERS = sorted((ROOT / "verifiers" / "python").rglob("*.py"))

EDGES = {"read", "write"}
SIBLINGS = {"acquire", "seal", "verify", "catalogue", "package", "cooperation", "report", "field"}
MAY_IMPORT = {
    "errors": set(),
    "core": {"errors"},
    **{room: {"errors", "core"} for room in EDGES},
    **{room: {"errors", "core", *EDGES} for room in SIBLINGS},
    "verify": {"errors", "core", "read"},  # a verifier knows nothing that writes
    "journeys": {"errors", "core", *EDGES, *SIBLINGS},
    "cli": {"errors", "core", *EDGES, *SIBLINGS, "journeys"},
    "__init__": {"errors", "verify"},
    "__main__": {"cli"},
}
"""Room → the rooms that it may import besides its own; everybody may import the version from `evidencekit`."""

PURE = {
    *("__future__", "base64", "binascii", "bisect", "collections", "dataclasses", "datetime", "enum", "functools"),
    *("hashlib", "itertools", "json", "math", "operator", "re", "string", "struct", "types", "typing", "unicodedata"),
}
"""What of the standard library `core` may import: nothing that reads a file, a clock, randomness or the system."""

ONLY_IN = {
    "click": {"cli"},
    "jinja2": {"report"},
    "rich": {"cli", "read"},  # read.bidi counts cells with it
    "sqlite_utils": {"catalogue"},
    "subprocess": {"seal", "cli"},
}
"""Libraries that stay in their rooms."""


class Import(NamedTuple):
    """One imported module, and the line."""

    name: str
    line: int

    @property
    def top(self) -> str:
        return self.name.partition(".")[0]

    @property
    def room(self) -> str | None:
        """The room of ours that it names, `evidencekit` itself as None."""
        return self.name.split(".")[1] if "." in self.name else None


@functools.cache
def nodes_of(path: Path) -> list[ast.AST]:
    return [*ast.walk(ast.parse(path.read_text()))]


@functools.cache
def imports_of(path: Path) -> list[Import]:
    found = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += [Import(alias.name, node.lineno) for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                folder = path.relative_to(ROOT).parent.parts
                base = ".".join([*folder[: len(folder) - node.level + 1], *filter(None, [base])])
            if base == "evidencekit":  # `from evidencekit import core` names a room, `import __version__` does not
                found += [
                    Import(f"evidencekit.{alias.name}" if alias.name in MAY_IMPORT else base, node.lineno)
                    for alias in node.names
                ]
            else:
                found.append(Import(base, node.lineno))
    return found


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def calls_of(path: Path):
    return [node for node in nodes_of(path) if isinstance(node, ast.Call)]


def named(path: Path, line: int, what: str) -> str:
    return f"{path.relative_to(ROOT)}:{line}: {what}"


def test_every_room_has_a_law():
    assert {room_of(path) for path in MODULES} <= MAY_IMPORT.keys()


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_arrows_between_rooms(room):
    broken = [
        named(path, found.line, f"{room} imports {found.name}")
        for path in MODULES
        if room_of(path) == room
        for found in imports_of(path)
        if found.top == "evidencekit" and found.room is not None and found.room not in MAY_IMPORT[room] | {room}
    ]
    assert not broken


def test_core_is_pure():
    broken = [
        named(path, found.line, f"core imports {found.name}")
        for path in MODULES
        if room_of(path) in {"core", "errors"}
        for found in imports_of(path)
        if found.top != "evidencekit" and found.top not in PURE
    ]
    for path in MODULES:
        if room_of(path) == "core":
            for call in calls_of(path):
                if isinstance(call.func, ast.Attribute) and call.func.attr in {"now", "today", "utcnow"}:
                    broken.append(named(path, call.lineno, f"asks the clock: {call.func.attr}()"))
                if isinstance(call.func, ast.Name) and call.func.id in {"open", "input", "print", "__import__"}:
                    broken.append(named(path, call.lineno, f"{call.func.id}()"))
    assert not broken


def test_libraries_stay_in_their_rooms():
    broken = [
        named(path, found.line, f"{room_of(path)} imports {found.name}")
        for path in MODULES
        for found in imports_of(path)
        if room_of(path) not in ONLY_IN.get(found.top, {room_of(path)})
    ]
    assert not broken


def test_the_environment_is_read_in_cli_alone():
    broken = []
    for path in MODULES:
        if room_of(path) != "cli":
            for node in nodes_of(path):
                names = {node.attr} if isinstance(node, ast.Attribute) else set()
                if isinstance(node, ast.ImportFrom) and node.module == "os":
                    names = {alias.name for alias in node.names}
                broken += [named(path, node.lineno, name) for name in names & {"environ", "environb", "getenv"}]
    assert not broken


def test_render_alone_prints():
    broken = [
        named(path, call.lineno, "print()")
        for path in MODULES
        if path != PACKAGE / "cli" / "render.py"
        for call in calls_of(path)
        if isinstance(call.func, ast.Name) and call.func.id == "print"
    ]
    assert not broken


def test_independent_verifier_knows_the_standard_library_alone():
    broken = [
        named(path, found.line, found.name)
        for path in VERIFIERS
        for found in imports_of(path)
        if found.top not in sys.stdlib_module_names
    ]
    assert not broken


def test_verifying_loads_nothing_that_writes_or_shows():
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((PACKAGE / "verify").rglob("*.py"))
    ]
    program = f"import sys, {', '.join(modules)}; print('\\n'.join(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    ours = {f"evidencekit.{room}" for room in ("write", "seal", "acquire", "package", "catalogue", "cli")}
    assert not set(answer.stdout.split()) & {"click", "rich", "magic", "sqlite_utils", "sqlite3", *ours}
