"""Versions of records: `evidencekit/TYPE/VERSION`. What is newer than this program is not damage, and is told apart.

Source: specs/verification.md section 1 step 1.
"""

from __future__ import annotations

import re

from evidencekit.core import encoding
from evidencekit.core.encoding import RECORD, Limits
from evidencekit.core.values import short
from evidencekit.errors import CannotFinish, FormatError

_TYPE = re.compile(r"(evidencekit/[a-z][a-z_-]*)/([1-9][0-9]*)\Z")


def newer_version(data: bytes, known: str | None, limits: Limits = RECORD) -> str | None:
    """Return the type that a record names, where it is a higher version of the type `known`."""
    try:
        record = encoding.decode(data, limits)
    except FormatError:
        return None
    return newer_type(record.get("_t"), known)


def refuse_newer(data: bytes, known: str | None, where: str) -> None:
    """Raise CannotFinish (X404) where a record is of a later version: no damage, but nothing to build on either."""
    newer = newer_version(data, known)
    if newer is not None:
        raise CannotFinish(
            f"{where} is of version {newer}; this program knows {known}.",
            code="X404",
            hint="Nothing was written. Use a newer evidencekit.",
            path=where,
        )


def newer_type(found: object, known: str | None) -> str | None:
    """Return `found` where it is a higher version of the type `known`."""
    mine = _TYPE.match(known or "")
    its = _TYPE.match(found) if isinstance(found, str) else None
    if mine is None or its is None or mine[1] != its[1]:
        return None
    return short(found) if len(its[2]) > len(mine[2]) or int(its[2][:9]) > int(mine[2]) else None
