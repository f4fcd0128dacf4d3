"""evidencekit: preserve digital evidence and prove who held it."""

from __future__ import annotations

TYPE_CHECKING = False  # typing takes half as long to load as Python itself to start
if TYPE_CHECKING:
    from evidencekit.errors import BadArgument, CannotFinish, EvidenceError, FormatError, Interrupted, Refused
    from evidencekit.verify.published import verify_published
    from evidencekit.verify.verifier import verify_case, verify_proof

__version__ = "0.1.0"

_HOMES = {
    "BadArgument": "evidencekit.errors",
    "CannotFinish": "evidencekit.errors",
    "EvidenceError": "evidencekit.errors",
    "FormatError": "evidencekit.errors",
    "Interrupted": "evidencekit.errors",
    "Refused": "evidencekit.errors",
    "verify_case": "evidencekit.verify.verifier",
    "verify_proof": "evidencekit.verify.verifier",
    "verify_published": "evidencekit.verify.published",
}
"""Public name → the module that has it, imported at first use (PEP 562)."""

__all__ = [
    "BadArgument",
    "CannotFinish",
    "EvidenceError",
    "FormatError",
    "Interrupted",
    "Refused",
    "__version__",
    "verify_case",
    "verify_proof",
    "verify_published",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'evidencekit' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 (a public name costs nothing until it is used)

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
