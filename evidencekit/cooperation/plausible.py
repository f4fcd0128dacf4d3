"""Whether values of a request can be what they are said to be: addresses, numbers, times. Nothing is looked up.

Promises: each fault is told with its place and what was found; a value that nothing is known of passes.
Source: specs/cooperation.md section 4.4; RFC 6598, ITU-T E.164, 3GPP TS 23.003 (IMEI), ISO/IEC 7812 (Luhn).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from evidencekit.cooperation.identifiers import address_of, digits_of, domain_of, email_of, mac_of, phone_of, url_of
from evidencekit.core.request import found_at
from evidencekit.core.values import MOMENT_UNITS, display, parse_instant

_SHARED = ipaddress.ip_network("100.64.0.0/10")
_EARLIEST = "1990-01-01T00:00:00.000000000Z"
_MINUTE = MOMENT_UNITS["min"]
_SLACK = 5 * _MINUTE
"""How far clocks may differ before a time lies in the future."""
_MOMENTS = ("dated", "identifiers.observed_at", "period.start", "period.end", "linked.dated")
_ZONE = re.compile(r"UTC([+-](0[0-9]|1[0-4]):[0-5][0-9])?\Z|[A-Za-z_]+(/[A-Za-z0-9_+\-]+){1,2}\Z")


class Doubt(NamedTuple):
    """Something that cannot be, or that is to be asked for."""

    place: str
    found: str
    text: str


def doubts(record: Mapping[str, Any], now: int) -> Iterator[Doubt]:
    """Yield what cannot be in a request; `now` in nanoseconds since 1970."""
    yield from _times(record, now)
    for number, identifier in enumerate(record.get("identifiers", [])):
        yield from _identifier(identifier, f"identifiers[{number}]")
    for who in ("authority", "to"):
        reached = record.get(who, {})
        for name, tells in (("phone", _of_phone), ("email", _of_email), ("zone", _of_zone)):
            text = tells(reached[name]) if name in reached else None
            if text:
                yield Doubt(f"{who}.{name}", display(reached[name]), text)


def missing_ports(record: Mapping[str, Any]) -> Iterator[Doubt]:
    """Yield IP addresses without a source port."""
    for number, one in enumerate(record.get("identifiers", [])):
        if one.get("type") == "ip" and "source_port" not in one and "value" in one:
            text = "Without the source port nobody can be told apart behind an address that several subscribers share."
            address = address_of(one["value"])
            if address is not None and address.version == 4 and address in _SHARED:
                text = "This is shared address space (RFC 6598): one subscriber is found by the source port alone."
            yield Doubt(f"identifiers[{number}].source_port", "nothing", text)


# --- times ---------------------------------------------------------------------------------------------------------


def _times(record: Mapping[str, Any], now: int) -> Iterator[Doubt]:
    for name in _MOMENTS:
        for place, moment in found_at(record, name):
            if moment is not None:
                yield from _time(moment, place, now)
    period = record.get("period", {})
    if "start" in period and "end" in period and _last(period["end"]) < parse_instant(period["start"]["time"]):
        yield Doubt("period.end", period["end"]["time"], "The period ends before it begins.")


def _time(moment: Mapping[str, Any], place: str, now: int) -> Iterator[Doubt]:
    # a day without an offset begins up to 14 hours before that of UTC
    ahead = 14 * 60 * _MINUTE if moment["utc_offset_min"] is None else 0
    if parse_instant(moment["time"]) > now + _SLACK + ahead:
        yield Doubt(place, moment["time"], "The time lies in the future.")
    if moment["time"] < _EARLIEST:
        yield Doubt(place, moment["time"], "The time lies before 1990.")


def _last(moment: Mapping[str, Any]) -> int:
    """Return the last nanosecond that a moment may mean."""
    return parse_instant(moment["time"]) + MOMENT_UNITS[moment["precision"]] - 1


# --- identifiers ---------------------------------------------------------------------------------------------------


def _identifier(one: Mapping[str, Any], place: str) -> Iterator[Doubt]:
    kind, value = one.get("type"), one.get("value")
    tells = _VALUES.get(kind or "")
    text = tells(value) if tells is not None and value is not None else None
    if text:
        yield Doubt(f"{place}.value", display(value or ""), text)
    if kind == "ip":
        yield from _seen(one.get("observed_at"), f"{place}.observed_at")


def _seen(moment: Mapping[str, Any] | None, place: str) -> Iterator[Doubt]:
    """Yield what keeps an IP address from being anybody's: it changes hands by the minute."""
    if moment is None:
        yield Doubt(place, "nothing", "An IP address without the time at which it was used identifies nobody.")
    elif moment["utc_offset_min"] is None:
        yield Doubt(place, moment["time"], "The UTC offset is not stated: say Z, or as in +02:00.")
    elif moment["precision"] == "day":
        yield Doubt(place, moment["time"][:10], "A day is no time: an IP address changes hands within it.")


def _of_ip(value: str) -> str | None:
    address = address_of(value)
    if address is None or getattr(address, "scope_id", None):
        return "This is no IPv4 or IPv6 address."
    nowhere = address.version == 4 and address in ipaddress.ip_network("0.0.0.0/8")
    if nowhere or address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
        return "The address names no subscriber: it is of a kind that never crosses the Internet."
    private = (ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"))
    if any(address in net for net in private if net.version == address.version):
        return "The address is of a private network: it is used inside many of them at once."
    return None


def _of_phone(value: str) -> str | None:
    wrong = "This is no telephone number with its country code, as +33 1 23 45 67 89."
    return wrong if phone_of(value) is None else None


def _of_email(value: str) -> str | None:
    return "This is no e-mail address." if email_of(value) is None else None


def _of_zone(value: str) -> str | None:
    return None if _ZONE.match(value) else "This is no time zone, as UTC+01:00 or Europe/Paris."


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(number // 10 + number % 10 for number in doubled) % 10 == 0


def _of_imei(value: str) -> str | None:
    digits = digits_of(value)
    if digits is None or not 14 <= len(digits) <= 16:
        return "An IMEI has 15 digits (14 without its check digit, 16 with a software version)."
    if len(digits) == 15 and not _luhn(digits):
        return "The check digit of the IMEI is wrong: a digit was misread."
    return None


def _of_iccid(value: str) -> str | None:
    digits = digits_of(value)
    if digits is None or not 18 <= len(digits) <= 20:
        return "The number of a SIM card has 18 to 20 digits."
    return None


def _of_imsi(value: str) -> str | None:
    digits = digits_of(value)
    return None if digits is not None and 14 <= len(digits) <= 15 else "An IMSI has 14 or 15 digits."


def _of_mac(value: str) -> str | None:
    return "A MAC address has 12 hexadecimal digits." if mac_of(value) is None else None


def _of_domain(value: str) -> str | None:
    return "This is no name of a domain." if domain_of(value) is None else None


def _of_url(value: str) -> str | None:
    return "This is no address of the web, as https://example.org/page." if url_of(value) is None else None


_VALUES: dict[str, Callable[[str], str | None]] = {
    "domain": _of_domain,
    "email": _of_email,
    "iccid": _of_iccid,
    "imei": _of_imei,
    "imsi": _of_imsi,
    "ip": _of_ip,
    "mac": _of_mac,
    "phone": _of_phone,
    "url": _of_url,
}
