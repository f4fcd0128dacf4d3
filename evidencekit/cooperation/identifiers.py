"""Identifiers in the one form in which two spellings of the same are equal, and those that a text shows by itself.

Promises: no input raises; what is of another form than its kind has comes back as None; nothing is looked up.
Source: specs/cooperation.md sections 4.4 and 8.2; ITU-T E.164, 3GPP TS 23.003.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

LEAST_BARE = 10
"""Digits from which a telephone number may be one that is written without its `+`."""
SELF_EVIDENT = ("email", "ip", "mac", "phone", "url")
"""Kinds that a text shows by its form alone, without a label that says so."""
_EXTENSION = re.compile(r"\s*(?:ext\.?|x|#)\s*[0-9]{1,8}\Z", re.IGNORECASE)
_PHONE = re.compile(r"\+[0-9][0-9 ().\-/]*\Z")
_BARE = re.compile(r"[0-9][0-9 ().\-/]*\Z")
_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"]+@[^\s@<>()\[\],;:\"]+\.[^\s@<>()\[\],;:\".]+\Z")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[^\s./@]{1,63}(\.[^\s./@]{1,63})+\.?\Z")
_URL = re.compile(r"([a-z][a-z0-9+.\-]*://)([^\s/?#@]*@)?([^\s/?#@]+)([/?#]\S*)?\Z", re.IGNORECASE)
_MAC = re.compile(r"[0-9A-Fa-f]{12}\Z")
_MAC_WRITTEN = re.compile(r"[0-9A-Fa-f]{2}([:\-])(?:[0-9A-Fa-f]{2}\1){4}[0-9A-Fa-f]{2}\Z")
_WITH_PORT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3}){3}):[0-9]{1,5}\Z|\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?\Z")
_LONGEST = 512
"""Characters beyond which nothing is an identifier that has a form; URLs may have more."""
_LONGEST_PHONE = 64


def address_of(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a text is."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def digits_of(text: str) -> str | None:
    """Return the digits of a number that is printed in groups; None where it has anything else."""
    bare = re.sub(r"[ \-/.]", "", text)
    return bare if bare.isascii() and bare.isdigit() else None


def phone_of(text: str, *, least_bare: int | None = None) -> str | None:
    """Return a telephone number as `+` and its digits (E.164), without an extension.

    With `least_bare`, `00` or nothing may stand in the place of `+`, where there are at least so many digits.
    """
    number = text.strip()
    is_short = len(number) <= _LONGEST_PHONE  # blanks without end would take the pattern of extensions ages
    if not is_short or not (number.startswith("+") or number[:1].isdigit()):  # most texts go no further
        return None
    number = _EXTENSION.sub("", " ".join(number.split()))  # in print, blanks are of many kinds
    if not number.startswith("+"):
        if least_bare is None or not _BARE.match(number):
            return None
        whole = number.removesuffix(".0")  # as spreadsheets write a number
        number = "+" + (whole if whole.isdigit() else number).removeprefix("00")
    digits = "".join(filter(str.isdigit, number))
    least = 7 if text.lstrip().startswith("+") else max(7, least_bare or 0)
    return f"+{digits}" if _PHONE.match(number) and least <= len(digits) <= 15 else None


def email_of(text: str) -> str | None:
    """Return an e-mail address with its domain in small letters; what stands before `@` is the other side's."""
    local, at, domain = text.rpartition("@")
    return f"{local}{at}{domain.lower()}" if at and _EMAIL.match(text) else None


def mac_of(text: str) -> str | None:
    """Return the 12 hexadecimal digits of a MAC address, in small letters."""
    bare = re.sub(r"[:\-. ]", "", text) if len(text) >= 12 else ""
    return bare.lower() if _MAC.match(bare) else None


def domain_of(text: str) -> str | None:
    """Return the name of a domain in small letters, without the dot of the root."""
    return text.lower().removesuffix(".") if _DOMAIN.match(text) else None


def url_of(text: str) -> str | None:
    """Return an address of the web; its scheme and host are in small letters, not who is named before the host."""
    found = _URL.match(text)
    return None if found is None else found[1].lower() + (found[2] or "") + found[3].lower() + (found[4] or "/")


def _ip(text: str) -> str | None:
    if "." not in text and ":" not in text:
        return None
    written = _WITH_PORT.match(text)
    address = address_of(text if written is None else written[1] or written[2])
    if address is None or getattr(address, "scope_id", None):
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return str(address if mapped is None else mapped)


def _imei(text: str) -> str | None:
    """Return what names the device: the check digit and the version of its software do not."""
    digits = digits_of(text) if text[:1].isdigit() else None
    return digits[:14] if digits is not None and 14 <= len(digits) <= 16 else None


def _long_number(least: int, most: int) -> Callable[[str], str | None]:
    def number(text: str) -> str | None:
        digits = digits_of(text) if text[:1].isdigit() else None
        return digits if digits is not None and least <= len(digits) <= most else None

    return number


_FORMS: dict[str, Callable[[str], str | None]] = {
    "domain": domain_of,
    "email": email_of,
    "iccid": _long_number(18, 20),
    "imei": _imei,
    "imsi": _long_number(14, 15),
    "ip": _ip,
    "mac": mac_of,
    "phone": phone_of,
    "url": url_of,
}


def normal(kind: str, text: str) -> str | None:
    """Return an identifier of a kind in its one form; None where it is of another form.

    Of kinds that have none (accounts, wallets and others) it is the text without the blanks around it.
    """
    text = text.strip()
    if kind not in _FORMS:
        return text or None
    return _FORMS[kind](text) if len(text) <= _LONGEST or kind == "url" else None


def self_evident(text: str) -> Iterator[tuple[str, str]]:
    """Yield the kind and the one form of the identifier that a text without blanks around it is by its form alone."""
    kind = _shown_kind(text)
    form = None if kind is None else normal(kind, text)
    if kind is not None and form is not None:
        yield kind, form


def _shown_kind(text: str) -> str | None:
    """Return the kind that a text may be, told by few characters: this is asked of every value of a return."""
    if "://" in text:
        return "url"
    if "@" in text:
        return "email"
    if text.startswith("+"):
        return "phone"
    if _MAC_WRITTEN.match(text):
        return "mac"
    return "ip" if text.count(".") >= 3 or text.count(":") >= 2 else None
