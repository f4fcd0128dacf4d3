"""What step 9 found out about sealed catalogues, as far as later ones and later steps need it.

Source: specs/verification.md section 1 step 9.
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from evidencekit.verify.log_facts import Sealing
from evidencekit.verify.stretch import Mark


@dataclass(slots=True)
class Catalogue:
    """A sealed catalogue of facts that could be read."""

    sealing: Sealing
    header: dict[str, Any] | None
    rows: int
    notes: bytearray | None
    """One byte a row, by index: what opinions about it have to know; None where the rows could not be read."""
    marks: list[Mark] | None = None
    """Where a comparison with the source may be cut; None where something is amiss with a row."""
    status: os.stat_result | None = None
    """The manifest's file when it was checked."""
    scans: int = 0
    """How often its rows were read again, to tell which lie in a folder."""


@dataclass(slots=True)
class Catalogues:
    """What step 9 found."""

    facts: dict[int, Catalogue] = field(default_factory=dict)
    """By manifest number."""
    seals: int = 0
    """Sealed catalogues of facts whose rows were read."""
    states: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    size: int = 0
    """Bytes of content that was taken."""
    derived_rows: int = 0

    def add(self, other: Catalogues) -> None:
        """Add what was found in an adopted case; its catalogues have numbers of their own."""
        self.seals += other.seals
        self.states += other.states
        self.rows += other.rows
        self.size += other.size
        self.derived_rows += other.derived_rows
