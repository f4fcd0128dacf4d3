"""The state of a log on paper: what whoever keeps the paper can hold against the log later. Pure.

Source: specs/checkpoint.md section 13.
"""

from __future__ import annotations

from evidencekit.core.checkpoint import Checkpoint, format_checkpoint
from evidencekit.core.paper import check_code, root_groups


class WithTree:
    """A paper that has a `checkpoint`."""

    __slots__ = ()
    checkpoint: Checkpoint

    @property
    def code(self) -> str:
        """What the QR code holds: what `evidencekit verify --since` takes."""
        return format_checkpoint(self.checkpoint)

    @property
    def root(self) -> list[str]:
        """The root in groups, as for the paper form."""
        return root_groups(self.checkpoint.root)

    @property
    def check(self) -> str:
        """The code that shows a slip of the pen."""
        return check_code(self.checkpoint)
