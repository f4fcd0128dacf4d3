"""Which time-stamp authorities the recipient believes, and how many he wants: `tsa/*.pem` and `[time]` of a policy.

Source: specs/policy.md; specs/time.md section 4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evidencekit.core.layout import is_dropping
from evidencekit.core.values import display, short
from evidencekit.errors import FormatError

if TYPE_CHECKING:
    from evidencekit.read.token_chain import Authority

FOLDER = "tsa"
MAX_AUTHORITIES = 100
MAX_PEM = 1 << 20
_NAME = re.compile(r"[a-z0-9-]{1,40}\.pem\Z")
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9][0-9]{0,38})){1,40}\Z")


@dataclass(frozen=True, slots=True)
class TimePolicy:
    """What a policy says of outside times."""

    authorities: int = 1
    """So many different authorities have to have stamped all that happened."""
    policies: tuple[str, ...] = ()
    """OIDs: under one of these a token has to be made; empty: under any."""
    known: tuple[Authority, ...] = ()


def read_time_policy(folder: Path, table: object) -> TimePolicy:
    """Read the table `[time]` of policy.toml, and the authorities' certificates beside it.

    Raises:
        FormatError: anything that is not understood.
    """
    if not isinstance(table, dict):
        raise FormatError("policy.toml [time]", expected="a table", found=short(table))
    for name in table:
        if name not in {"authorities", "policies"}:
            raise FormatError(f"policy.toml [time] {short(name)}", expected="authorities or policies", found="this")
    count = table.get("authorities", 1)
    if type(count) is not int or not 1 <= count <= MAX_AUTHORITIES:
        raise FormatError("policy.toml [time] authorities", expected=f"1 to {MAX_AUTHORITIES}", found=short(count))
    return TimePolicy(count, _policies(table), _known(folder / FOLDER))


def _policies(table: Mapping[str, Any]) -> tuple[str, ...]:
    policies = table.get("policies", [])
    if not isinstance(policies, list) or not all(isinstance(one, str) and _OID.match(one) for one in policies):
        raise FormatError("policy.toml [time] policies", expected="an array of OIDs in quotes", found=short(policies))
    return tuple(policies)


def _known(folder: Path) -> tuple[Authority, ...]:
    if not folder.exists():
        return ()
    try:
        paths = sorted(path for path in folder.iterdir() if not is_dropping(path.name))
        if len(paths) > MAX_AUTHORITIES:
            raise FormatError(FOLDER, expected=f"at most {MAX_AUTHORITIES} authorities", found=str(len(paths)))
        return tuple(_read(path) for path in paths)
    except OSError as error:
        raise FormatError(FOLDER, expected="a folder of PEM files", found=str(error.strerror)) from error


def _read(path: Path) -> Authority:
    place = f"{FOLDER}/{display(path.name)}"
    if not _NAME.match(path.name) or not path.is_file():
        raise FormatError(place, expected="files named as in city-tsa.pem, and nothing else", found="this")
    with path.open("rb") as file:
        pem = file.read(MAX_PEM + 1)
    if len(pem) > MAX_PEM:
        raise FormatError(place, expected=f"at most {MAX_PEM} bytes", found="more")
    from evidencekit.read.token_chain import parse_authority  # noqa: PLC0415 (X.509, for policies with a tsa/ alone)

    return parse_authority(path.name.removesuffix(".pem"), pem)
