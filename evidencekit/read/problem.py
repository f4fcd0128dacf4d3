"""Why something of a source could not be taken: a reason of the format, and the system's own words.

Source: specs/manifest.md section 3 (`reason`, `detail`).
"""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

_PERMISSION = ("EACCES", "EPERM")
# What the block layer and file systems say of a place: bad sectors, checksums, damaged structures.
_PLACE = ("EIO", "EREMOTEIO", "EBADMSG", "EILSEQ", "EUCLEAN", "ENODATA", "ETIME", "EBADE")
# What they say of the whole: pulled out, switched off, the server or the FUSE program gone.
_GONE = (
    *("ENODEV", "ENOMEDIUM", "ESTALE", "ENOTCONN", "ESHUTDOWN", "ENOLINK", "ETIMEDOUT"),
    *("ECONNABORTED", "ECONNRESET", "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH", "ENETDOWN", "ENETUNREACH"),
)
_CHANGED_KIND = ("ENOTDIR", "ELOOP", "EISDIR", "ENXIO")  # ENXIO: what was listed as a file is now a socket
_REASONS: dict[int, str] = {}
for _reason, _names in {
    "permission_denied": _PERMISSION,
    "io_error": (*_PLACE, *_GONE),
    "not_found": ("ENOENT",),
    "too_long": ("ENAMETOOLONG",),
    "too_large": ("EFBIG", "EOVERFLOW", "ERANGE", "E2BIG"),
    "unsupported": ("EOPNOTSUPP", "ENOTSUP", "ENOSYS"),
    "interrupted": ("EINTR",),
    "changed_kind": _CHANGED_KIND,
}.items():
    for _name in _names:
        if hasattr(errno, _name):
            _REASONS[getattr(errno, _name)] = _reason
_LOSSES = {getattr(errno, name) for name in (*_GONE, "ENXIO") if hasattr(errno, name)}


class Problem(NamedTuple):
    """What stood in the way."""

    reason: str
    """One of `records.REASONS`."""
    detail: str
    """The system's own words, or ours where the system said nothing; one line, safe to show."""

    @property
    def vanished(self) -> bool:
        """True where the thing was listed and is gone: the row's state is then `vanished`."""
        return self.reason == "not_found"


def problem_of(error: OSError) -> Problem:
    """Return the problem that an error of the system tells of."""
    number = error.errno or 0
    word = errno.errorcode.get(number, "")
    text = os.strerror(number) if number else str(error)
    return Problem(_REASONS.get(number, "other"), f"{word}: {text}" if word else text)


def problem_of_reading(error: OSError) -> Problem:
    """Return the problem that an error from reading tells of: `io_error` wherever the medium itself is gone."""
    problem = problem_of(error)
    return problem._replace(reason="io_error") if tells_of_loss(error) else problem


def tells_of_loss(error: OSError) -> bool:
    """Tell whether an error from reading something open is about the whole medium, not about a place on it."""
    return error.errno in _LOSSES
