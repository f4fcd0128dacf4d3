"""Who wrote to whom, and when: the headers of messages, one (EML) or many (mbox). Bodies and attachments are not read.

Promises: memory does not depend on the size of a message; hostile headers cost what their bytes do.
Source: specs/cooperation.md section 8.1; RFC 5322, RFC 4155.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.errors import MessageError
from email.parser import BytesHeaderParser
from typing import BinaryIO

from evidencekit.read.returned_values import NotRead, Value

MAX_HEADERS = 256 << 10
"""Bytes of one message's headers; of larger ones the beginning is read."""
_LINE = 1 << 16
_HEADERS = ("From", "To", "Cc", "Bcc", "Date")
_BETWEEN = b"From "


def mail_values(file: BinaryIO) -> Iterator[Value]:
    """Yield the senders, recipients and dates of messages, each with the name of its header.

    Raises:
        NotRead: at the end, `too_large`: of some headers the beginning was read.
    """
    is_mbox = file.read(len(_BETWEEN)) == _BETWEEN
    file.seek(0)
    block, in_headers, is_new, after_blank, is_cut = bytearray(), True, True, True, False
    while line := file.readline(_LINE):
        is_blank = is_new and not line.rstrip(b"\r\n")
        if is_mbox and after_blank and line.startswith(_BETWEEN):
            yield from _values(block)
            block, in_headers = bytearray(), True
        elif is_blank:
            in_headers = False
        elif in_headers and len(block) < MAX_HEADERS:
            block += line
        else:
            is_cut = is_cut or in_headers
        is_new = line.endswith(b"\n")
        after_blank = is_blank
    yield from _values(block)
    if is_cut:
        raise NotRead("too_large")


def _values(block: bytearray) -> Iterator[Value]:
    if not block:
        return
    try:
        message = BytesHeaderParser().parsebytes(bytes(block))
    except (MessageError, ValueError, RecursionError):
        return
    for name in _HEADERS:
        for text in message.get_all(name, ()):
            yield name, " ".join(str(text).split())
