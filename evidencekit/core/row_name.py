"""How a row is named: `EX-001:PATH` or `EX-001#INDEX`. Pure. Source: specs/messages.md section 1."""

from __future__ import annotations

from evidencekit.core.values import display, parse_count
from evidencekit.errors import BadArgument, FormatError


def parse_row_name(name: str) -> tuple[str, bytes | int]:
    """Return the item, and the path or the index of the row.

    Raises:
        BadArgument: U234, it names no row.
    """
    item, hash_sign, index = name.partition("#")
    if hash_sign and ":" not in item:
        try:
            return item, parse_count(index)
        except FormatError as error:
            raise BadArgument(f"{display(name)}: {display(index)} is not a row number.", code="U234") from error
    item, colon, path = name.partition(":")
    if not colon:
        raise BadArgument(f"{display(name)} names no row.", code="U234", hint="As in EX-001:docs/a.txt or EX-001#17.")
    return item, path.encode(errors="surrogateescape")
