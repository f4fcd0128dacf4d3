"""Before any time-stamp is believed: would this program believe a rogue authority? Asked once a process.

A library that lets an embedded certificate become a root says yes to any token, and says it without an error. So both
chain checks, each by itself, are shown tokens of a rogue authority and have to refuse them; and a good one, which they
have to accept. Source: specs/time.md section 5.
"""

from __future__ import annotations

import base64
from functools import cache

from evidencekit.errors import FormatError
from evidencekit.read import rogue_token
from evidencekit.read.token import Token, parse_token
from evidencekit.read.token_chain import library_fault, parse_authority, path_fault
from evidencekit.read.token_checks import fault

ROGUES = {
    "an embedded rogue authority": rogue_token.ROGUE_AUTHORITY,
    "a rogue authority beside the good one's certificates": rogue_token.ROGUE_BESIDE_GOOD,
    "a web server's certificate of the good authority": rogue_token.ROGUE_MEMBER,
}


@cache
def self_test() -> str:
    """Return what is wrong with this program's checks, in one sentence; empty where nothing is."""
    try:
        return _wrong()
    except FormatError as error:
        return f"a token that is well formed could not be read: {error.message}"


def _wrong() -> str:
    authority = parse_authority("self-test", base64.b64decode(rogue_token.ROOT))
    checks = {"rfc3161-client": library_fault, "cryptography": path_fault}
    good = _token(rogue_token.GOOD)
    for name, check in checks.items():
        if check(good, authority) is not None:
            return f"{name} refused a good token"
        for what, rogue in ROGUES.items():
            if check(_token(rogue), authority) is None:
                return f"{name} believed {what}"
    if fault(good, rogue_token.MESSAGE) is not None or fault(good, b"another message") is None:
        return "imprint or signature of a good token were judged wrongly"
    return ""


def _token(encoded: str) -> Token:
    return parse_token(base64.b64decode(encoded))
