#!/usr/bin/env python3
"""verify_evidence.py: a small, independent verifier of evidencekit packages, of the log of cases, and of row proofs.

One file, the standard library of Python 3.8 or newer, nothing else. Written from specs/*.md alone, it shares no line
with the program that makes packages. Tools come first, then the steps in the order of specs/verification.md, in which
those for packages (2b) frame those for a log (1). "§ package 8.3" names a page of specs/ and its paragraph.

    python3 verify_evidence.py PATH [--policy DIR] [--since FILE_OR_TEXT] [--digest HEX] [--json]

Exit codes: 0 VERIFIED, 2 usage, 3 FAILED, 4 NOT CHECKED, 7 INTEGRITY ONLY. It writes nothing, unpacks nothing, uses no
network, and goes on after a finding. What it does not check it lists, and never calls ok; --limits prints the codes.
"""

import argparse
import base64
import bisect
import calendar
import contextlib
import functools
import hashlib
import json
import os
import re
import stat
import struct
import sys
import time
import unicodedata
import zlib
from array import array
from collections import Counter
from pathlib import Path

RECORD, LARGE, BLOCK = 60_000, 4 << 20, 1 << 20  # § encoding 3: bytes of a record, of a line; bytes read at a time
EMPTY_ROOT = hashlib.sha256().hexdigest()
ASPECTS = ("record", "evidence", "identity", "time", "witness", "custody", "completeness")
LIMITS = (  # § verification 8: codes that it never finds, or not everywhere, with the reason
    ("E106 E107 E108 E109 E110 E111 E112 E113 E115 E202 E211 E212 W907", "catalogues (Parquet) are not read"),
    ("E101", "of bodies of events and of metadata of rows only the members that the rules need are looked at"),
    (
        "E201 E501",
        "what only catalogues name, adopted cases, packages inside others, messages and sources are not read",
    ),
    ("E102", "limits of what is not read, and of the length of texts"),
    ("E103", "newer versions in what is not read"),
    ("E404", "keys other than ssh-ed25519, and certificates, are not checked"),
    ("E114 E116", "erasures are not held against the catalogues that they name"),
    ("E117 E118 E119", "lists of rows of parts are not read"),
    ("E301 E311 E313 E314", "offers to and from other logs, received packages and adopted cases are not followed"),
    ("E308", "a message's offer, export and answer are not followed"),
    ("E309", "messages of other logs and received packages are not read"),
    ("E317 E318", "adopted cases are not read"),
    ("E166 E173", "adopted cases and packages that are passed on are not read"),
    ("E407", "vouched_by is not followed"),
    ("E409", "no time is proven: beginnings of validity, and ends that have passed, are not judged"),
    ("E410 E411", "where an anchor might prove a time it is not judged"),
    ("E421 E422 E423 E424 E425 E426 E427 E428 E429 W931", "time-stamp tokens are not read beyond their digest"),
    ("E431 E432 E433 W935", "cosignatures are not read beyond their digest"),
    ("E435", "published logs are not read"),
    ("E505 E506 E507 W906", "sources are not compared"),
    ("W902", "what a catalogue names, or an erasure took away, is not known"),
    ("W903 W904 W905", "catalogues, adopted cases and packages inside others are not read"),
    ("W911 W912 W913 W914 W915 W916 W917 W918 W919 W920", "warnings of custody, which change no verdict, are not made"),
)


class Bad(Exception):
    """Evidence that is not in its form: a finding's code, what was found, and where if the caller does not know."""

    def __init__(self, code, found="", where=None):
        super().__init__(found)
        self.code, self.found, self.where = code, found, where


class Usage(Exception):
    """The caller's mistake, not the evidence's: exit code 2."""


def sha256(data):
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


# ---- Tools: the report (§ verification 3 to 5 and 7)
def aspect_of(code):
    """§ verification 7: the aspect that a finding belongs to."""
    number = int(code[1:])
    if number in (116, 118, 119) or 301 <= number <= 318:
        return "custody"
    if 407 <= number <= 411:
        return "identity"
    return "completeness" if 501 <= number <= 503 else "record"


def safe(text):
    """§ encoding 5: text as it may be shown; control characters escaped, long texts cut."""
    known, out = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}, []
    for c in str(text):
        if "\udc80" <= c <= "\udcff":
            out.append("\\x%02x" % (ord(c) - 0xDC00))
        elif c not in known and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
            out.append("\\u{%x}" % ord(c))
        else:
            out.append(known.get(c, c))
    whole = "".join(out)
    return whole if len(whole) <= 1024 else whole[:606] + "…" + sha256(whole.encode())[:16] + "…" + whole[-400:]


class Report:
    """Findings, what was not checked, and counts; at the end aspects and the verdict."""

    def __init__(self, subject):
        self.subject, self.errors, self.minor, self.by_code = subject, [], [], Counter()
        self.missed, self.missed_total, self.failed, self.open = [], 0, {}, {}
        self.checked, self.states, self.files, self.items = Counter(), Counter(), {}, set()
        self.package = self.checkpoint = self.row = None
        self.sealed = self.admitted = self.compared = self.internal = False
        self.entries = self.payload = self.left = self.bytes = 0

    def find(self, code, where, found="", expected=""):
        """Note a finding; at most 10,000 of a kind are listed."""
        error = code[0] == "E" and code != "E103"
        self.by_code[code] += 1
        if error:
            self.failed.setdefault(aspect_of(code), "%s at %s" % (code, safe(where)))
        kept = self.errors if error else self.minor
        if len(kept) < 10_000:
            line = {"code": code, "severity": "error" if error else "warning", "where": safe(where)}
            kept.append(dict(line, expected=safe(expected), found=safe(found)))

    def miss(self, aspect, code, what, reason, harmless=False):
        """Note what was not checked; unless it is harmless, its aspect cannot be ok."""
        if not harmless:
            self.open.setdefault(aspect, reason)
        self.missed_total += 1
        if len(self.missed) < 1000:
            self.missed.append({"aspect": aspect, "code": code, "what": safe(what), "reason": safe(reason)})

    def file(self, path, checked=True):
        """Note a file of the record as checked, or as not."""
        self.files[path] = checked and self.files.get(path, True)

    def aspects(self, policy):
        """§ verification 3: each aspect is failed, not checked, or ok."""
        why = dict(self.open)
        for aspect, short, reason in (
            ("record", not self.sealed, "nothing sealed was there to check"),
            ("record", self.checkpoint is None, "no checkpoint"),
            ("record", self.by_code["E103"], "a newer format version"),
            ("evidence", not self.payload or self.left, "no content was compared, or not all that is shown"),
            ("identity", policy is None, "no policy was given"),
            ("identity", not self.admitted, "the log is not known to the policy"),
            ("time", True, "this verifier does not check time-stamps"),
            ("witness", True, "this verifier does not check cosignatures"),
            ("custody", self.subject == "proof", "one row shows no history"),
            ("completeness", not self.compared, "nothing outside confirms that this is the newest state"),
            ("completeness", self.by_code["W901"] + self.by_code["W902"], "something stands beside or above the log"),
        ):
            if short:
                why.setdefault(aspect, reason)
        out = {}
        for aspect in ASPECTS:
            status = "failed" if aspect in self.failed else "not_checked" if aspect in why else "ok"
            out[aspect] = {"reason": safe(self.failed.get(aspect) or why.get(aspect, "")), "status": status}
        return out

    def verdict(self, policy, aspects):
        """§ verification 4: the verdict, its exit code, and the reason."""
        required = ["record"] if policy is None else ["record", "identity", "custody", *sorted(policy.require)]
        if self.subject == "proof":
            required = [aspect for aspect in required if aspect not in ("custody", "evidence", "completeness")]
        short = [aspect for aspect in required if aspects[aspect]["status"] != "ok"]
        if self.failed:
            return "FAILED", 3, "failed: " + ", ".join(sorted(self.failed))
        if short or self.internal or {"W901", "W902", "E103"} & set(self.by_code):
            reasons = ["%s: %s" % (aspect, aspects[aspect]["reason"]) for aspect in short]
            return "NOT CHECKED", 4, "; ".join(reasons) or "unfinished, unexpected or unknown"
        if policy is None:
            return "INTEGRITY ONLY", 7, "no policy was given: nobody's identity is known"
        return "VERIFIED", 0, "all that the policy requires was checked and holds"

    def document(self, policy):
        """§ verification 5 and report.schema.json."""
        aspects = self.aspects(policy)
        verdict, code, reason = self.verdict(policy, aspects)
        for aspect in ("time", "witness", "completeness"):
            if aspects[aspect]["status"] == "not_checked" and aspect not in self.open:
                self.miss(aspect, "not_checked", aspect, aspects[aspect]["reason"])
        scope = {"package": "package", "proof": "row", "log": "log"}.get(self.subject, "record")
        findings, total = (self.errors + self.minor)[:10_000], sum(self.by_code.values())
        if total > len(findings):
            last = {"code": "W999", "severity": "note", "where": "report", "expected": ""}
            findings.append(dict(last, found="%d more findings are not listed" % (total - len(findings))))
        done = sum(self.files.values())
        counts = {"checked": dict(self.checked), "not_checked": self.missed_total, "entries": self.entries}
        counts.update({"rows": sum(self.states.values()), "states": dict(self.states)})
        counts.update({"exhibits": len(self.items), "bytes": self.bytes})
        counts["findings"] = {"total": total, "by_code": dict(sorted(self.by_code.items()))}
        counts["files_of_record"] = {"checked": done, "not_checked": len(self.files) - done, "total": len(self.files)}
        if self.subject == "package":
            counts.update({"payload_compared": self.payload, "payload_left": self.left})
        if self.row:
            counts["row"] = self.row
        line = verdict + " (%s)" % scope if code == 0 else verdict
        out = {"_t": "evidencekit/report/1", "subject": self.subject, "scope": scope, "checkpoint": self.checkpoint}
        out.update({"verdict": verdict, "exit_code": code, "line": line, "reason": reason, "aspects": aspects})
        out.update({"findings": findings, "not_checked": self.missed, "counts": counts})
        out["checked"] = ["%d %s" % (n, what) for what, n in self.checked.items()]
        out["times"] = None if self.subject == "proof" else {"bounds": [], "bounds_total": 0, "covered_by": []}
        if self.package is not None:
            out["package"] = self.package
        return out


# ---- Tools: canonical records (§ encoding 1 to 4)
TOKEN = re.compile(r'"[^"\\]*(?:\\.?[^"\\]*)*(?:"|\Z)|[\[{\]}]', re.DOTALL)


def _members(pairs):
    out = dict(pairs)
    if len(out) != len(pairs) or not all(re.fullmatch("[a-z][a-z0-9_]*|_t", name) for name in out):
        raise ValueError("names of members")
    return out


def _number(text):
    if not re.fullmatch("-?[0-9]{1,16}", text) or abs(int(text)) >= 1 << 53:
        raise ValueError("not an integer, or out of range: " + text[:20])
    return int(text)


def decode(data, limit=RECORD):
    """Return the one value that these bytes can mean; E101, or E102 where they are too many or nested too deep."""
    if len(data) > limit:
        raise Bad("E102", "%d bytes" % len(data))
    try:
        text, depth = data.decode("utf-8"), 0
        for match in TOKEN.finditer(text):
            depth += {"{": 1, "[": 1, "]": -1, "}": -1}.get(match.group()[:1], 0)
            if depth > 8:
                raise Bad("E102", "nested too deep")
        numbers = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), _number)
        value = json.loads(text, object_pairs_hook=_members, **numbers)
        again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Bad("E101", str(error)) from None
    if not isinstance(value, dict) or again != data:
        raise Bad("E101", "not the canonical form")
    return value


def fits(form, value):
    """Tell whether a value has a form.

    A form is a regular expression, a test, a type, [FORM] or [FORM, MOST], or a dict of members ("x?" may be absent).
    """
    if isinstance(form, str):
        return isinstance(value, str) and re.fullmatch(form, value, re.DOTALL) is not None
    if isinstance(form, list):
        most = form[1] if len(form) > 1 else 500
        return isinstance(value, list) and len(value) <= most and all(fits(form[0], one) for one in value)
    if isinstance(form, type):
        return type(value) is form
    if not isinstance(form, dict):
        return bool(form(value))
    if not isinstance(value, dict) or not set(value) <= {name.rstrip("?") for name in form}:
        return False
    for name, inner in form.items():
        bare = name.rstrip("?")
        if (bare in value and not fits(inner, value[bare])) or (bare not in value and bare == name):
            return False
    return True


def record(data, name, form, limit=RECORD, newer="E103"):
    """Return a record of type `evidencekit/NAME/1` in its form; a higher version of the type is E103."""
    value = decode(data, limit)
    kind, _, version = str(value.get("_t")).rpartition("/")
    if kind == "evidencekit/" + name and re.fullmatch("[1-9][0-9]{0,8}", version) and version != "1":
        raise Bad(newer, value["_t"])
    if not fits(dict(form, _t="evidencekit/%s/1" % re.escape(name)), value):
        raise Bad("E101", "not in the form of " + name)
    return value


def b64(text, size=None):
    """Bytes of strict base64; None where it is not."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        return None
    return raw if base64.b64encode(raw).decode() == text and size in (None, len(raw)) else None


def based(size=None):
    """Return the form of base64."""
    return lambda value: isinstance(value, str) and b64(value, size) is not None


def or_null(form):
    """Return the form of a value that may be null."""
    return lambda value: value is None or fits(form, value)


def count(value):
    """Tell whether this is the form of a count: digits, below 2^64."""
    return fits("0|[1-9][0-9]{0,19}", value) and int(value) < 1 << 64


def instant(text):
    """Nanoseconds since 1970, or None."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d{9})Z", text, re.ASCII) if fits(TEXT, text) else None
    try:
        parsed = time.strptime(match.group(1), "%Y-%m-%dT%H:%M:%S")
    except (AttributeError, ValueError):
        return None
    return None if parsed.tm_sec > 59 else calendar.timegm(parsed) * 10**9 + int(match.group(2))


SPAN = {"ns": 1, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "day": 86_400 * 10**9}
TEXT, HEX, KEY = ".*", "[0-9a-f]{64}", "SHA256:[A-Za-z0-9+/]{43}"
EXHIBIT = "(?:[a-z0-9-]{1,40}/){0,4}[A-Za-z0-9][A-Za-z0-9._-]{0,63}"


def moment(value):
    """Tell whether this is a moment: an instant with its precision."""
    offset = or_null(lambda minutes: fits(int, minutes) and abs(minutes) <= 1439)
    form = {"precision": "ns|ms|s|min|day", "time": lambda text: instant(text) is not None, "utc_offset_min": offset}
    if not fits(form, value):
        return False
    unit = "min" if value["precision"] == "day" else value["precision"]
    return instant(value["time"]) % SPAN[unit] == 0


# ---- Tools: trees (RFC 6962; § checkpoint 1)
def leaf_hash(data):
    """Hash of a leaf."""
    return hashlib.sha256(b"\0" + data).digest()


def node(left, right):
    """Hash of an inner node."""
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """A tree that grows: the roots of its full subtrees, largest first, are all it needs."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, leaf):
        """Append the hash of a leaf."""
        size, self.size = self.size, self.size + 1
        while size & 1:
            leaf, size = node(self.peaks.pop(), leaf), size >> 1
        self.peaks.append(leaf)

    def root(self):
        """Return the root, in hex."""
        if not self.peaks:
            return EMPTY_ROOT
        out = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            out = node(peak, out)
        return out.hex()


def included(index, size, leaf, proof, root):
    """RFC 9162, 2.1.3.2: does this proof lead from the leaf's hash to the root?"""
    if not 0 <= index < size:
        return False
    at, last = index, size - 1
    for step in proof:
        if len(step) != 32 or last == 0:
            return False
        if at & 1 or at == last:
            leaf = node(step, leaf)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            leaf = node(leaf, step)
        at, last = at >> 1, last >> 1
    return last == 0 and leaf.hex() == root


# ---- Tools: Ed25519 (RFC 8032, as strict as § checkpoint 5)
# Canonical encodings of points of the prime-order subgroup but its neutral element, S < L. Points are (X, Y, Z, T).
P25519, L25519 = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D25519 = -121665 * pow(121666, P25519 - 2, P25519) % P25519
NEUTRAL = (0, 1, 1, 0)


def ed_add(a, b):
    """Sum of two points."""
    p = P25519
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % p, (a[1] + a[0]) * (b[1] + b[0]) % p
    g, h = 2 * a[3] * b[3] * D25519 % p, 2 * a[2] * b[2] % p
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % p, g * h % p, f * g % p, e * h % p


def ed_mul(s, point, t=0, other=NEUTRAL):
    """s·point + t·other, both at once."""
    out, table = NEUTRAL, (None, point, other, ed_add(point, other))
    for bit in range(max(s.bit_length(), t.bit_length()) - 1, -1, -1):
        out = ed_add(out, out)
        which = (s >> bit & 1) + 2 * (t >> bit & 1)
        if which:
            out = ed_add(out, table[which])
    return out


def ed_encode(point):
    """32 bytes of a point."""
    inverse = pow(point[2], P25519 - 2, P25519)
    return (point[1] * inverse % P25519 | (point[0] * inverse % P25519 & 1) << 255).to_bytes(32, "little")


@functools.lru_cache(4096)
def ed25519_key(raw):
    """Return the point of a public key, or None where the key is to be refused."""
    p, y = P25519, int.from_bytes(raw, "little") & (1 << 255) - 1
    if len(raw) != 32 or y >= p:
        return None
    square = (y * y - 1) * pow(D25519 * y * y + 1, p - 2, p) % p
    x = pow(square, (p + 3) // 8, p)
    if (x * x - square) % p:
        x = x * pow(2, (p - 1) // 4, p) % p
    if (x * x - square) % p or (x == 0 and raw[31] >> 7):
        return None
    x = p - x if x & 1 != raw[31] >> 7 else x
    point, zero = (x, y, 1, x * y % p), ed_encode(NEUTRAL)
    return point if ed_encode(point) != zero and ed_encode(ed_mul(L25519, point)) == zero else None


BASE25519 = ed25519_key((4 * pow(5, P25519 - 2, P25519) % P25519).to_bytes(32, "little"))


def ed25519(raw, message, signature):
    """With the key in the prime-order subgroup, S·B - k·A is in it as well: comparing bytes judges R, too."""
    key = ed25519_key(raw)
    if key is None or len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L25519 or r == ed_encode(NEUTRAL):
        return False
    k = int.from_bytes(hashlib.sha512(r + raw + message).digest(), "little") % L25519
    return ed_encode(ed_mul(s, BASE25519, L25519 - k, key)) == r


# ---- Tools: ML-DSA-44 (FIPS 204; its algorithms' numbers)
Q, ZETAS = 8380417, [pow(1753, int("{:08b}".format(k)[::-1], 2), 8380417) for k in range(256)]


def ntt(poly):
    """41: to the number-theoretic transform."""
    w, m, length = list(poly), 0, 128
    while length:
        for start in range(0, 256, 2 * length):
            m += 1
            for j in range(start, start + length):
                t = ZETAS[m] * w[j + length] % Q
                w[j + length], w[j] = (w[j] - t) % Q, (w[j] + t) % Q
        length >>= 1
    return w


def inverse_ntt(poly):
    """42: back from it."""
    w, m, length = list(poly), 256, 1
    while length < 256:
        for start in range(0, 256, 2 * length):
            m -= 1
            for j in range(start, start + length):
                t = w[j]
                w[j], w[j + length] = (t + w[j + length]) % Q, ZETAS[m] * (w[j + length] - t) % Q
        length <<= 1
    return [x * 8347681 % Q for x in w]


def bits(data, width):
    """Numbers of so many bits each."""
    number = int.from_bytes(data, "little")
    return [number >> i * width & (1 << width) - 1 for i in range(len(data) * 8 // width)]


@functools.lru_cache(64)
def mldsa_key(raw):
    """32: the matrix from the seed; and t1·2^13, transformed."""
    matrix = {}
    for place in ((r, s) for r in range(4) for s in range(4)):
        poly, size = [], 1024
        while len(poly) < 256:
            stream = hashlib.shake_128(raw[:32] + bytes((place[1], place[0]))).digest(size)
            triples = (int.from_bytes(stream[i : i + 3], "little") & 0x7FFFFF for i in range(0, size // 3 * 3, 3))
            poly, size = [z for z in triples if z < Q][:256], 2 * size
        matrix[place] = poly
    return matrix, [ntt([t << 13 for t in bits(raw[32 + 320 * i : 352 + 320 * i], 10)]) for i in range(4)]


def in_ball(seed):
    """29: the challenge."""
    stream, c, at = hashlib.shake_256(seed).digest(4096), [0] * 256, 8
    signs = int.from_bytes(stream[:8], "little")
    for i in range(256 - 39, 256):
        while stream[at] > i:
            at += 1
        c[i], c[stream[at]] = c[stream[at]], 1 - 2 * (signs >> i + 39 - 256 & 1)
        at += 1
    return c


def hints(data):
    """21: the hints, or None where they are not in their only form."""
    h, first = [[0] * 256 for _ in range(4)], 0
    for i in range(4):
        end = data[80 + i]
        places = list(data[first:end])
        if not first <= end <= 80 or places != sorted(set(places)):
            return None
        for place in places:
            h[i][place] = 1
        first = end
    return None if any(data[first:80]) else h


def use_hint(hint, r):
    """40: the high bits, corrected."""
    r0 = r % 190464
    r0 -= 190464 if r0 > 95232 else 0
    r1, r0 = (0, r0 - 1) if r - r0 == Q - 1 else ((r - r0) // 190464, r0)
    return (r1 + (1 if r0 > 0 else -1)) % 44 if hint else r1


def mldsa44(raw, message, signature):
    """3 and 8, with an empty context."""
    if len(raw) != 1312 or len(signature) != 2420:
        return False
    z = [[131072 - x for x in bits(signature[32 + 576 * i : 608 + 576 * i], 18)] for i in range(4)]
    h = hints(signature[2336:])
    if h is None or any(abs(x) >= 131072 - 78 for poly in z for x in poly):
        return False
    mu = hashlib.shake_256(hashlib.shake_256(raw).digest(64) + b"\0\0" + message).digest(64)
    (matrix, t1), c, z = mldsa_key(raw), ntt(in_ball(signature[:32])), [ntt(poly) for poly in z]
    packed = 0
    for r in range(4):
        row = [sum(matrix[r, s][i] * z[s][i] for s in range(4)) - c[i] * t1[r][i] for i in range(256)]
        for i, x in enumerate(inverse_ntt(row)):
            packed |= use_hint(h[r][i], x) << 6 * (256 * r + i)
    return hashlib.shake_256(mu + packed.to_bytes(768, "little")).digest(32) == signature[:32]


# ---- Tools: persons' signatures (§ custody-log 1)
NOT_HERE = (
    b"sk-ssh-ed25519@openssh.com sk-ecdsa-sha2-nistp256@openssh.com ecdsa-sha2-nistp256 ecdsa-sha2-nistp384 ssh-rsa"
)


def strings(data):
    """SSH strings, one after the other; nothing may be left."""
    out, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        out.append(data[at + 4 : at + 4 + size])
        if len(out[-1]) != size or len(data) < at + 4 or len(out) > 64:
            raise ValueError("a length in an SSH structure")
        at += 4 + size
    return out


def packed(*parts):
    """SSH strings as bytes."""
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def key_of(blob):
    """Bytes of an ssh-ed25519 key; None where its kind is accepted and not checked here; ValueError: not acceptable."""
    kind, *rest = strings(blob)
    if kind == b"ssh-ed25519" and len(rest) == 1 and ed25519_key(rest[0]) is not None:
        return rest[0]
    if kind in NOT_HERE.split():
        return None
    raise ValueError("a key that is not accepted: " + str(kind, "ascii", "replace")[:60])


def print_of(blob):
    """Fingerprint of a key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def sshsig(data, message, namespace, signer, log_key=None):
    """§ verification 1.4: the first that holds of E402 form, E403, E404, E402, E404 the log's key.

    True; or False where the key is of a kind that is not checked here.
    """
    head, tail = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
    try:
        blob = base64.b64decode(data[len(head) : -len(tail)])
        text = base64.b64encode(blob)
        lines = b"".join(text[i : i + 70] + b"\n" for i in range(0, len(text), 70))
        if head + lines + tail != data or blob[:10] != b"SSHSIG\0\0\0\1":
            raise Bad("E402", "not the armour of an SSH signature")
        public, space, reserved, name, signature = strings(blob[10:])
    except ValueError as error:
        raise Bad("E402", str(error)) from None
    if public[4 : 4 + int.from_bytes(public[:4], "big")].endswith(b"-cert-v01@openssh.com"):
        return False
    if print_of(public) != signer:
        raise Bad("E403", print_of(public))
    try:
        key = key_of(public)
    except ValueError as error:
        raise Bad("E404", str(error)) from None
    if name != b"sha512" or reserved or space != namespace.encode():
        raise Bad("E402", "for another purpose")
    if key is None:
        return False
    signed = b"SSHSIG" + packed(space, reserved, name, hashlib.sha512(message).digest())
    if signature != packed(b"ssh-ed25519", signature[-64:]) or not ed25519(key, signed, signature[-64:]):
        raise Bad("E402", "the signature is not good")
    if key == log_key:
        raise Bad("E404", "the log's own key")
    return True


# ---- Tools: checkpoints (§ checkpoint 2 to 5)
ORIGIN = r"(?=[^/]*\.)(?=.{1,200}\Z)[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)+"


def vkey(text):
    """(name, key ID, type, public key, text) of a C2SP vkey; ValueError."""
    name, _, rest = text.partition("+")
    ident, _, key = rest.partition("+")
    raw = b64(key) or b"\0"
    if {1: 33, 6: 1313}.get(raw[0]) != len(raw) or sha256(name.encode() + b"\n" + raw)[:8] != ident or not name:
        raise ValueError("not a vkey")
    if raw[0] == 1 and ed25519_key(raw[1:]) is None:
        raise ValueError("an Ed25519 key that is refused")
    return name, ident, raw[0], raw[1:], text


def log_keys(body):
    """Two keys of a log, as event 0, the case file or a proof names them; ValueError."""
    keys = [vkey(text) for text in body["log_keys"]]
    if [key[2] for key in keys] != [1, 6] or not fits(ORIGIN, body["origin"]):
        raise ValueError("not an Ed25519 and an ML-DSA-44 key")
    if any(key[0] != body["origin"] for key in keys):
        raise ValueError("keys of another log")
    return keys


def note_of(data):
    """(origin, size, root, text, signature lines) of a checkpoint; E105."""
    try:
        head, _, tail = data.decode("utf-8").partition("\n\n")
        origin, size, root = head.split("\n")
        *lines, end = tail.split("\n")
        signed = [line_of(line) for line in lines]
    except ValueError as error:
        raise Bad("E105", str(error)) from None
    raw = b64(root, 32)
    if raw is None or end or not 0 < len(lines) <= 100 or not fits(ORIGIN, origin) or not count(size):
        raise Bad("E105", "not a checkpoint")
    if int(size) >= 1 << 63:
        raise Bad("E105", "size")
    return origin, int(size), raw.hex(), head + "\n", signed


def line_of(line):
    """(key name, key ID, what was signed with it) of one signature line."""
    match = re.fullmatch("— ([^ +\\s]+) ([A-Za-z0-9+/=]+)", line)
    raw = b64(match.group(2)) if match else None
    if not raw or len(raw) < 5:
        raise ValueError("not a signature line")
    return match.group(1), raw[:4].hex(), raw[4:]


def line_fits(line, key):
    """Tell whether a line names this key, and is as long as its signatures are."""
    return line[:2] == key[:2] and len(line[2]) == {1: 64, 6: 2428}[key[2]]


@functools.lru_cache(65536)
def line_good(line, key, origin, size, root, text):
    """Tell whether this line, which fits the key, is a good signature over the checkpoint."""
    if key[2] == 1:
        return ed25519(key[3], text.encode(), line[2])
    name, log, stamp = key[0].encode(), origin.encode(), line[2][:8]
    message = b"subtree/v1\n\0" + bytes([len(name)]) + name + stamp + bytes([len(log)]) + log + bytes(8)
    return mldsa44(key[3], message + size.to_bytes(8, "big") + bytes.fromhex(root), line[2][8:])


def since_of(given):
    """§ verification 1.12: (origin or None, size, root) of a note or of `[ORIGIN] SIZE ROOT`; Usage."""
    words = given.partition("\n\n")[0].split()
    if len(words) in (2, 3) and count(words[-2]) and int(words[-2]) and fits(ORIGIN, (["a.b/c", *words])[-3]):
        root = words[-1].lower() if re.fullmatch("[0-9A-Fa-f]{64}", words[-1]) else (b64(words[-1], 32) or b"").hex()
        if root:
            return words[0] if len(words) == 3 else None, int(words[-2]), root
    raise Usage("--since is no checkpoint: [ORIGIN] SIZE ROOT, or a note")


# ---- Tools: the recipient's policy (§ policy)
def toml(text):
    """Read the TOML that policies use: each value as the JSON that it becomes with dates quoted and `:` for `=`."""
    token = re.compile(
        r'"(?:[^"\\\n]|\\["\\])*"|#[^\n]*|\d{4}-\d\d-\d\d[0-9T:.Z+-]*|[A-Za-z_]\w*(?=\s*=)|,\s*(?=[\]}])|='
    )
    root, lines = {}, text.splitlines()
    table = root
    while lines:
        line = lines.pop(0).strip()
        header = re.fullmatch(r"(\[\[?)(\w+)\]\]?\s*(?:#.*)?", line)
        member = re.fullmatch(r'("[^"\\]*"|[A-Za-z0-9_-]+)\s*=\s*(.*)', line)
        if header and header.group(1) == "[[":
            table = {}
            root.setdefault(header.group(2), []).append(table)
        elif header:
            table = root[header.group(2)] = {}
        elif member:
            rest = member.group(2)
            while rest.count("[") > rest.count("]") and lines:
                rest += "\n" + lines.pop(0)
            name = member.group(1).strip('"')
            if name in table:
                raise ValueError("a name stands twice: " + name)
            table[name] = json.loads(token.sub(_as_json, rest))
        elif line and line[0] != "#":
            raise ValueError("a line that is not understood: " + line[:60])
    return root


def _as_json(match):
    word = match.group()
    return {'"': word, "#": "", ",": "", "=": ":"}.get(word[0], '"%s"' % word)


def known(table, names):
    """Return the table; ValueError where it has other names: a demand must not be dropped."""
    if set(table) - set(names.split()):
        raise ValueError("not understood: " + ", ".join(sorted(set(table) - set(names.split()))))
    return table


def date(value):
    """A TOML date or date-time in nanoseconds; a date means its end."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)Z)?", value)
    return instant("%sT%s.000000000Z" % (match.group(1), match.group(2) or "23:59:59"))


def ssh_time(word):
    """A time of allowed_signers in nanoseconds, always in UTC (§ policy 5); ValueError for any other."""
    if not re.fullmatch(r"(?:[0-9]{8}|[0-9]{12}|[0-9]{14})Z", word, re.ASCII):
        raise ValueError("a time is YYYYMMDD[HHMM[SS]]Z: " + word)
    parsed = time.strptime(word[:-1], {9: "%Y%m%d", 13: "%Y%m%d%H%M", 15: "%Y%m%d%H%M%S"}[len(word)])
    seconds = calendar.timegm(parsed)
    if seconds <= 0:
        raise ValueError("a time before 1970: " + word)
    return seconds * 10**9


def matches(patterns, name):
    """Pattern lists of ssh: `*`, `?`, and `!` for those that are not meant."""
    hit = False
    for pattern in patterns.split(","):
        plain = re.sub(r"\*+", "*", pattern.lstrip("!"))
        if re.fullmatch("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in plain), name, re.DOTALL):
            if pattern[:1] == "!":
                return False
            hit = True
    return hit


class Policy:
    """The policy folder. Whatever is not understood is refused (Usage)."""

    def __init__(self, folder):
        self.require, self.algorithms, self.logs, self.revoked = set(), {}, {}, {}
        self.persons, self.vkeys, name = {}, {}, ""
        try:
            for name, read in (("policy.toml", self._demands), ("allowed_signers", self._persons)):
                read(self._text(folder, name))
            name = "logs.policy"
            for line in self._text(folder, name).splitlines():
                self._log(line.partition("#")[0].split())
            name = "revoked.toml"
            if Path(folder, name).exists():
                for entry in known(toml(self._text(folder, name)), "key").get("key", []):
                    known(entry, "fingerprint reason sizes not_after")
                    self.revoked[entry["fingerprint"]] = entry
        except (OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
            raise Usage("%s of the policy: %s" % (name, error)) from None

    @staticmethod
    def _text(folder, name):
        with Path(folder, name).open("rb") as file:
            return file.read(1 << 24).decode("utf-8")

    def _demands(self, text):
        document = known(toml(text), "version require algorithms time log")
        if document["version"] != 1 or not set(document.get("require", [])) <= set(ASPECTS):
            raise ValueError("version, or an aspect that is required")
        self.require.update(set(document.get("require", [])) - {"record", "identity", "custody"})
        self.algorithms.update(document.get("algorithms", {}))
        known(document.get("time", {}), "authorities policies")
        for log in document.get("log", []):
            self.logs[log["origin"]] = known(log, "origin all_required_from min_size vouched_by")

    def _persons(self, text):
        for line in text.splitlines():
            words = re.findall(r'(?:"[^"]*"|[^\s"])+', line)
            if not words or line.startswith("#"):
                continue
            at = next(i for i, w in enumerate(words) if i and re.fullmatch(r"(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+", w))
            options = {}
            for option in re.findall(r'(?:"[^"]*"|[^,"])+', ",".join(words[1:at])):
                name, _, value = option.partition("=")
                options[name.lower()] = value.strip('"')
            known(options, "namespaces valid-after valid-before cert-authority")
            blob = b64(words[at + 1])
            key_of(blob)
            if strings(blob)[0].decode() != words[at]:
                raise ValueError("a key of another kind than it says")
            if "cert-authority" in options or not matches(options.get("namespaces", "*"), "evidencekit-event"):
                continue
            window = [ssh_time(options[n]) if n in options else None for n in ("valid-after", "valid-before")]
            self.persons.setdefault(print_of(blob), []).append((words[0].strip('"'), window, words[at]))

    def _log(self, words):
        if words[:1] == ["log"] and len(words) in (2, 3):
            key = vkey(words[1])
            self.vkeys.setdefault(key[0], []).append(key)
        elif words[:1] == ["quorum"] and len(words) == 2:
            self.require.update({"witness"} if words[1] != "none" else ())
        elif words and words[0] not in ("witness", "group"):
            raise ValueError("not understood: " + " ".join(words)[:100])

    def admit(self, report, note, where):
        """§ policy 3: is it a log that the policy admits? E407, or not checked where only `vouched_by` tells."""
        log, keys = self.logs.get(note[0], {}), self.vkeys.get(note[0], [])
        good = [any(line_fits(line, key) and line_good(line, key, *note[:4]) for line in note[4]) for key in keys]
        if good and (all(good) if note[1] >= log.get("all_required_from", 1 << 63) else any(good)):
            report.admitted = True
        elif not keys and log.get("vouched_by"):
            report.miss("identity", "vouched_by", where, "vouched_by, which might admit the log, is not followed")
        else:
            report.find("E407", where, "not signed by keys that the policy lists for it")

    def judge(self, key, name, anchored, origin, index, now):
        """§ policy 4 to 8, with no time proven: (code or None, reason) of one signer; code "" where it is not known."""
        lines = [line for line in self.persons.get(key, []) if name is None or matches(line[0], name)]
        if not lines:
            return "E408", "%s %s" % (name or "", key)
        revoked, until = self.revoked.get(key), self.algorithms.get(lines[0][2], True)
        sizes = revoked.get("sizes", {}) if revoked else {}
        if revoked and index >= sizes.get(origin, 0):
            provable = origin not in sizes and "not_after" in revoked and anchored
            return ("", "a time that an anchor may prove") if provable else ("E410", "revoked")
        if until is False or (until is not True and now > date(until)):
            return ("", "a time that an anchor may prove") if anchored and until else ("E411", lines[0][2])
        windows = [window for _, window, _ in lines]
        if any(after is None and (before is None or now < before) for after, before in windows):
            return None, ""
        future = all(after is not None and now < after for after, _ in windows)
        return ("E409", "before the key is valid") if future else ("", "no time is proven that lies in its validity")


# ---- Step 2b.0: where the evidence lies (§ package 9)
class Folder:
    """Files by path: `names` has their sizes, `odd` what is neither file nor folder. Nothing is followed."""

    container = "folder"

    def __init__(self, root):
        self.root, self.names, self.odd, self.folders, todo = root, {}, set(), set(), [""]
        while todo:
            prefix = todo.pop()
            with os.scandir(Path(root, prefix)) as entries:
                for entry in entries:
                    path, mode = prefix + entry.name, entry.stat(follow_symlinks=False).st_mode
                    if stat.S_ISDIR(mode):
                        todo.append(path + "/")
                        self.folders.add(path)
                    elif stat.S_ISREG(mode):
                        self.names[path] = entry.stat(follow_symlinks=False).st_size
                    else:
                        self.odd.add(path)

    def blocks(self, path):
        """Yield the content, at most as much as was there at first."""
        left = self.names[path]
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(Path(self.root, path), flags), "rb") as file:
            while left:
                block = file.read(min(BLOCK, left))
                if not block:
                    return
                left -= len(block)
                yield block

    def read(self, path, limit):
        """Return the whole content; E102: too large."""
        if self.names[path] > limit:
            raise Bad("E102", "%d bytes" % self.names[path])
        return b"".join(self.blocks(path))


class Part(Folder):
    """What lies in one folder of a source."""

    def __init__(self, source, prefix):
        cut = len(prefix)
        self.names = {path[cut:]: size for path, size in source.names.items() if path.startswith(prefix)}
        self.odd, self.folders = set(), set()
        self.blocks = lambda path: source.blocks(prefix + path)


class Archive(Folder):
    """A zip or tar: `at` has for each path where its content begins, its stored size, its method and CRC."""

    def __init__(self, file):
        self.names, self.odd, self.folders, self.at, self.file = {}, set(), set(), {}, file
        self.end = file.seek(0, os.SEEK_END)
        self.list()
        tops = {path.partition("/")[0] for path in (*self.names, *self.folders)}
        first = next(iter((*self.names, *self.folders)), "").partition("/")[0]
        alone = [path for path in (*self.names, *sorted(self.folders)) if path.partition("/")[0] != first]
        alone += [path for path in self.names if "/" not in path]
        if len(tops) != 1 or alone:
            raise Bad("E153", "not all in one folder", (alone or ["archive"])[0])
        cut = len(first) + 1
        self.names = {path[cut:]: size for path, size in self.names.items()}
        self.at = {path[cut:]: entry for path, entry in self.at.items()}
        self.folders = {path[cut:] for path in self.folders} - {""}
        if sum(self.names.values()) > 1100 * self.end:
            raise Bad("E156", "more content than an archive of this size can have", "archive")

    def bytes_at(self, at, size):
        """Return so many bytes; E151 where they are not there."""
        self.file.seek(min(at, self.end))
        data = self.file.read(size)
        if len(data) != size:
            raise Bad("E151", "cut off", "archive")
        return data

    def unpack(self, form, at):
        """Return the numbers of a structure."""
        return struct.unpack(form, self.bytes_at(at, struct.calcsize(form)))

    def add(self, path, size, at, stored, method=0, crc=None):
        """Take an entry."""
        bare = path.rstrip("/") if path.endswith("/") and not path.endswith("//") else path
        if bare in self.names or bare in self.folders:
            raise Bad("E155", bare, bare.partition("/")[2])
        if bare != path:
            self.folders.add(bare)
        else:
            self.names[path], self.at[path] = size, (at, stored, method, crc)
        if len(self.names) + len(self.folders) > 5_000_000:
            raise Bad("E156", "too many files", "archive")

    def blocks(self, path):
        """Yield the content; E157 where it is not what the archive says."""
        at, stored, method, crc = self.at[path]
        left, summed, inflate = self.names[path], 0, zlib.decompressobj(-15) if method == 8 else None
        try:
            while stored or (inflate and not inflate.eof):
                self.file.seek(at)
                block = self.file.read(min(BLOCK, stored))
                at, stored = at + len(block), stored - len(block)
                if inflate:
                    given, block = block, inflate.decompress(block, BLOCK)
                    at, stored = at - len(inflate.unconsumed_tail), stored + len(inflate.unconsumed_tail)
                    if (inflate.eof and (stored or inflate.unused_data)) or not (block or given or inflate.eof):
                        raise Bad("E157", "bytes left, or missing", path)
                left, summed = left - len(block), zlib.crc32(block, summed)
                if left < 0:
                    break
                yield block
        except zlib.error as error:
            raise Bad("E157", str(error), path) from None
        if left or crc not in (None, summed):
            raise Bad("E157", "another size or checksum than the archive says", path)


class Zip(Archive):
    """Read from its central directory, which has to agree with the local headers, byte by byte, without gaps."""

    container = "zip"

    def list(self):
        """Compare all entries; E151, E152."""
        tail = self.end - 22
        end = self.unpack("<4s4H2IH", max(tail, 0))
        if end[0] != b"PK\5\6" or end[1] or end[2] or end[3] != end[4] or end[7]:
            raise Bad("E151", "no end of a zip without comment, in one part", "archive")
        number, size, start = end[4:7]
        if tail >= 20 and self.bytes_at(tail - 20, 4) == b"PK\6\7":
            where = self.unpack("<4sIQI", tail - 20)[2]
            big = self.unpack("<4sQ2H2I4Q", where)
            if big[:2] != (b"PK\6\6", 44) or where + 56 != tail - 20 or big[6] != big[7]:
                raise Bad("E152", "the ZIP64 end", "archive")
            number, size, start, tail = big[7], big[8], big[9], where
        at, entries = start, []
        if start + size != tail or number > 5_000_000:
            raise Bad("E152", "the central directory does not stand before the end", "archive")
        for _ in range(number):
            head = self.unpack("<4s6H3I5H2I", at)
            rest = self.bytes_at(at + 46, head[10] + head[11] + head[12])
            at += 46 + len(rest)
            raw, path = rest[: head[10]], rest[: head[10]].decode("utf-8", "backslashreplace")
            if path.encode() != raw:
                raise Bad("E153", "not UTF-8", path)
            if head[0] != b"PK\1\2" or at > tail or head[3] & ~0x080E or head[4] not in (0, 8) or head[12]:
                raise Bad("E151", "flags, method or comment", path)
            if stat.S_IFMT(head[15] >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Bad("E154", "not a plain file", path)
            size, stored, offset = self._extra(rest[head[10] :], (head[9], head[8], head[16]), path)
            entries.append((offset, path, raw, (head[3], head[4]), (head[7], stored, size)))
        if at != tail:
            raise Bad("E152", "bytes behind the central directory", "archive")
        at = 0
        for offset, path, raw, kind, (crc, stored, size) in sorted(entries):
            head = self.unpack("<4s5H3I2H", at) if offset == at else (b"",)
            if head[0] != b"PK\3\4" or self.bytes_at(at + 30, head[9]) != raw or head[2:4] != kind:
                raise Bad("E152", "the local header", path)
            extra = self.bytes_at(at + 30 + head[9], head[10])
            said = (*self._extra(extra, (head[8], head[7]), path), head[6])
            if said != (size, stored, crc) and not (kind[0] & 8 and not any(said)):
                raise Bad("E152", "size or checksum in the local header", path)
            at += 30 + head[9] + head[10]
            if (kind[1] == 0 and size != stored) or (path.endswith("/") and size):
                raise Bad("E152", "sizes", path)
            self.add(path, size, at, stored, kind[1], crc)
            at += stored
            if kind[0] & 8:
                form = "<4sI2Q" if extra[:2] == b"\1\0" or max(size, stored) > 0xFFFFFFFE else "<4s3I"
                if self.unpack(form, at) != (b"PK\7\10", crc, stored, size):
                    raise Bad("E152", "the descriptor", path)
                at += struct.calcsize(form)
        if at != start:
            raise Bad("E152", "bytes between the entries and the central directory", "archive")

    @staticmethod
    def _extra(data, values, path):
        """Sizes and offset, some of them in the ZIP64 field; other fields for times and owners alone."""
        at, wide, out = 0, None, []
        while at < len(data):
            kind, size = struct.unpack("<2H", data[at : at + 4].ljust(4, b"\xff"))
            body, at = data[at + 4 : at + 4 + size], at + 4 + size
            if (
                at > len(data)
                or kind not in (1, 0x5455, 0x7875, 0x5855, 0x7855, 10)
                or (kind == 1 and wide is not None)
            ):
                raise Bad("E151", "an extra field", path)
            wide = body if kind == 1 else wide
        for value in values:
            if value == 0xFFFFFFFF and wide is not None:
                if len(wide) < 8:
                    raise Bad("E151", "the ZIP64 field", path)
                value, wide = int.from_bytes(wide[:8], "little"), wide[8:]
            out.append(value)
        return out


class Tar(Archive):
    """Ustar and pax; GNU's headers as far as they say no more."""

    container = "tar"

    def list(self):
        """Read all headers; E151, E152, E154."""
        at, pax = 0, {}
        while True:
            head = self.bytes_at(at, 512)
            if not any(head):
                break
            check = re.match(rb" *([0-7]+)[ \0]", head[148:156])
            size = re.match(rb" *([0-7]+)[ \0]*\Z", head[124:136])
            if head[257:263] not in (b"ustar\0", b"ustar ") or not check or not size:
                raise Bad("E151", "not a tar header", "archive")
            size, kind = int(pax.get("size") or int(size.group(1), 8)), head[156:157]
            if sum(head[:148]) + 256 + sum(head[156:]) != int(check.group(1), 8) or kind not in b"\x000123456xS":
                raise Bad("E151", "not a tar header", "archive")
            raw = (head[345:500].rstrip(b"\0") + b"/" if head[345] else b"") + head[:100].split(b"\0")[0]
            name = pax.get("path") or str(raw, "utf-8", "backslashreplace")
            at += 512
            if at + size > self.end or (kind == b"x" and (pax or size > 65_536)):
                raise Bad("E151", "cut off, or a header that is too large", "archive")
            if kind == b"x":
                pax = self._pax(self.bytes_at(at, size))
            elif kind in b"12346S":
                raise Bad("E154", "not a plain file", name)
            else:
                self.add(name.rstrip("/") + "/" if kind == b"5" else name, size, at, size)
                pax = {}
            at += size + -size % 512
        for block in range(at, self.end, BLOCK):
            if any(self.bytes_at(block, min(BLOCK, self.end - block))):
                raise Bad("E152", "something behind the end", "archive")

    @staticmethod
    def _pax(data):
        out, at = {}, 0
        while at < len(data):
            match = re.match(rb"([1-9][0-9]{0,5}) ([a-z]+)=", data[at : at + 40])
            line = data[at : at + int(match.group(1))] if match else b""
            key = match.group(2).decode() if match else ""
            if line[-1:] != b"\n" or key in out or key not in PAX:
                raise Bad("E151", "a pax header", "archive")
            try:
                out[key] = str(line[match.end() : -1], "utf-8")
            except UnicodeDecodeError:
                raise Bad("E153", "not UTF-8", "archive") from None
            if key == "size" and not count(out[key]):
                raise Bad("E151", "a pax header", "archive")
            at += len(line)
        return out


PAX = ["path", "size", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"]
RESERVED = re.compile(r"(?i)(?:CON|PRN|AUX|NUL|(?:COM|LPT)[0-9¹²³])(?:\..*)?\Z", re.DOTALL)


class NotRead(Exception):
    """Evidence in a form that this verifier does not read."""


def fold(name):
    """NFC, case folding, NFC: what a file system may take for the same name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def check_names(source):
    """E153 to E156, over all names of the package."""
    if source.odd:
        raise Bad("E154", "not a plain file", min(source.odd))
    spellings = {}
    for path in (*source.names, *sorted(source.folders)):
        parts, whole = path.split("/"), ""
        if len(parts) > 64 or len(os.fsencode(path)) > 4096:
            raise Bad("E156", "too deep or too long", path)
        for i, part in enumerate(parts):
            if part in ("", "..") or part[-1] in " ." or RESERVED.match(part):
                raise Bad("E153", "a name that leads elsewhere", path)
            if re.search('[\0-\x1f\x7f"*:<>?\\\\|\ud800-\udfff]', part):
                raise Bad("E153", "a character that a name must not have", path)
            whole += "/" * bool(i) + part
            here = (hash(whole), i == len(parts) - 1 and path in source.names)
            if spellings.setdefault(hash(fold(whole)), here) != here:
                raise Bad("E155", "the same name in another spelling, or a file that is a folder", whole)
    if sum(not path.startswith("data/") for path in source.names) > 70_000:
        raise Bad("E156", "too many files beside payload", "archive")


@contextlib.contextmanager
def open_package(path):
    """Give the files of a package, told by content, as long as it is open; Bad where the container is refused."""
    if Path(path).is_dir():
        source = Folder(path)
        check_names(source)
        yield source
        return
    with Path(path).open("rb") as file:
        head = file.read(512)
        if head.startswith((b"age-encryption.org/", b"-----BEGIN AGE")):
            raise NotRead("age: decrypt it first (age -d -i KEY), then check what comes out")
        source = Zip(file) if head[:2] == b"PK" else Tar(file)
        check_names(source)
        yield source


# ---- Step 1.3: entries and events (§ custody-log 1 and 2)
HEAD = {"origin": TEXT, "root": HEX, "size": count}
PERSON = {"id": TEXT, "key": KEY}
ACTOR = {"id": TEXT, "key": KEY, "organisation": or_null(TEXT), "role": or_null(TEXT)}
NONCE, KEYS = based(16), [TEXT, 2]
EVENT = {"actor": ACTOR, "body": lambda v: isinstance(v, dict), "case": NONCE, "classification": or_null(TEXT)}
EVENT.update({"items": [EXHIBIT], "language": or_null(TEXT), "nonce": NONCE, "not_stated": [TEXT], "seen": HEAD})
EVENT.update({"occurred_at": moment, "signers": [KEY, 16], "type": "[a-z][a-z_]*"})
EVENT.update({"time_class": "asserted|device|witnessed|external"})
PLACE = or_null("(?:0|[1-9][0-9]*)/(?:0|[1-9][0-9]*)")
ENTRY = {"event": HEX, "head": count, "index": count, "items_prev": [PLACE], "prior": {"root": HEX, "size": count}}
ENTRY.update({"recorded_at": lambda text: instant(text) is not None, "signatures": [HEX, 16]})
CASE = {"agency": TEXT, "case": NONCE, "created_at": moment, "log_keys": KEYS, "origin": TEXT, "reference": TEXT}
OBJECT, REFERENCE, ROOTS = {"bytes": count, "sha256": HEX}, {"entry": count, "event": HEX}, {"root": HEX, "rows": count}
NEEDED = {  # members of bodies that the steps need; what else stands there is not looked at
    "accept": {"offer": dict(REFERENCE, origin=TEXT), "refused?": [{"item": EXHIBIT, "reason": TEXT}]},
    "anchor": {"file": "[0-9a-z.-]+", "kind": "time-stamp|cosignature", "sha256": HEX, "size": count},
    "correct": {"corrects": REFERENCE},
    "countersign": {"of": REFERENCE},
    "derive": dict(ROOTS, base_root=HEX, manifest=count),
    "erase": {"whole?": bool},
    "key_add": {"id": TEXT, "public_key": TEXT, "replaces?": KEY},
    "key_retire": {"key": KEY},
    "key_revoke": {"from_size": count, "key": KEY},
    "open": {name: form for name, form in CASE.items() if name != "case"},
    "refuse": {"offer": dict(REFERENCE, origin=TEXT)},
    "seal": dict(ROOTS, manifest=count),
}
NEEDED.update({kind: {"to": PERSON} for kind in ("check_out", "loan", "offer", "reassign")})
NEEDED.update({kind: {"hold": TEXT} for kind in ("hold", "extend", "hold_release")})
NEEDED.update(
    {kind: {"parts": [{"item": EXHIBIT, "description?": TEXT, "selection?": dict}]} for kind in ("split", "copy")}
)


def event_of(data):
    """Return an event in its form; of its body what is needed (E101 to E103)."""
    event = record(data, "event", EVENT)
    kind, body = event["type"], event["body"]
    signers, items = event["signers"], event["items"]
    if signers[:1] != [event["actor"]["key"]] or len(set(signers)) + len(set(items)) != len(signers) + len(items):
        raise Bad("E101", "signers, or items that are equal")
    match = re.fullmatch("evidencekit/%s/([1-9][0-9]{0,8})" % kind, str(body.get("_t")))
    if not match:
        raise Bad("E101", "the body is of another type")
    if match.group(1) != "1" and kind in RULES:
        raise Bad("E103", body["_t"])
    needed = NEEDED.get(kind, {})
    if not fits(needed, {name: body[name] for name in body if name in needed or name + "?" in needed}):
        raise Bad("E101", "body of " + kind)
    return event


# ---- Step 1.8: rules of custody (§ custody-log 4 and 5)
RULES = {  # event: (may its items be new?, by whom, what else has to hold), as the table of § custody-log 4 has it
    "identify": ("only", "", ""),
    "collect": ("may", "", "nobody"),
    "acquire": ("may", "taker", ""),
    "seal": ("", "keeper", "acquired unsealed"),
    "derive": ("", "keeper", "base"),
    "split": ("", "keeper", ""),
    "copy": ("", "keeper", ""),
    "check_out": ("", "holder", "in"),
    "loan": ("", "holder", "in"),
    "check_in": ("", "either", ""),
    "return": ("", "either", ""),
    "offer": ("", "holder", "in other"),
    "accept": ("", "", "offered"),
    "refuse": ("", "", "offered"),
    "reassign": ("", "", ""),
    "hold": ("", "", "no_hold"),
    "extend": ("", "", "hold"),
    "hold_release": ("", "", "hold"),
    "dispose": ("", "holder", "in free"),
    "release": ("", "holder", "in free"),
    "erase": ("", "holder", "in free"),
}
RULES.update(dict.fromkeys(("correct", "verify", "incident", "export"), ("", "", "")))
RULES.update(dict.fromkeys(("open", "anchor", "countersign", "key_add", "key_retire", "key_revoke"), ("", "", "")))
KEEPERS = "physical_seal physical_unseal store transport view analyse redact translate disclose"
RULES.update(dict.fromkeys(KEEPERS.split(), ("", "keeper", "")))
AFTER_END = ("correct", "verify", "export")
NO_ITEM = ("open", "anchor", "countersign", "key_add", "key_retire", "key_revoke")
ELSEWHERE = ("receipt", "receive", "adopt")  # not followed here: nobody can say then who has their items
OUT = {"check_in": "check_out", "return": "loan"}
NEEDS = {  # what has to hold of an item: the code where it does not, and the test; those in ALWAYS whoever has it
    "nobody": ("E301", lambda item, _: not item.holder),
    "acquired": ("E301", lambda item, _: item.acquired),
    "unsealed": ("E301", lambda item, _: not item.sealed),
    "base": ("E301", lambda item, body: item.sealed == body["base_root"]),
    "in": ("E301", lambda item, _: not item.out),
    "no_hold": ("E301", lambda item, body: body["hold"] not in item.holds and len(item.holds) < 256),
    "hold": ("E301", lambda item, body: body["hold"] in item.holds),
    "free": ("E316", lambda item, _: not item.holds),
    "other": ("E301", lambda item, body: body["to"]["key"] != item.holder),
}
ALWAYS = ("unsealed", "base", "no_hold", "free")


class Item:
    """What is known of an exhibit. `unknown`: nobody can say who has it, so demands for that are not made."""

    def __init__(self, unknown=False):
        self.holder = self.keeper = self.out = self.offer = self.sealed = self.last = None
        self.acquired = self.acquiring = self.ended = False
        self.unknown, self.holds, self.hands = unknown, set(), []

    def give(self, keeper, when, holder=None):
        """Put it in somebody's hands, and make `holder` responsible, if one is named."""
        if not self.unknown:
            self.keeper, self.holder = keeper, holder or self.holder
            self.hands = [*self.hands[-31:], (when[0], keeper)]

    def had(self, person, when):
        """Is this its keeper: now, or, of a late entry, at that time?"""
        then = [keeper for since, keeper in self.hands if since <= when[1]]
        late = self.last is not None and when[1] < self.last
        return self.keeper == person or (late and then[-1:] == [person])


class Custody:
    """The state of all items, event by event; an event that breaks a rule changes nothing."""

    def __init__(self, origin):
        self.origin, self.items, self.persons, self.spent, self.revoked = origin, {}, {}, {}, {}
        self.keys, self.offers, self.opener, self.lost = set(), {}, None, False

    def who(self, key):
        """Return the first key of the person who has this one."""
        return self.persons.get(key, key)

    def lose(self):
        """After an event that cannot be read nobody can say what became of any item."""
        self.lost = True
        for item in self.items.values():
            item.unknown = True

    def apply(self, n, event):
        """Return the rules that an event breaks, as pairs of code and text; where there are none, it takes effect."""
        kind, items, body, me = event["type"], event["items"], event["body"], self.who(event["actor"]["key"])
        start = instant(event["occurred_at"]["time"])
        when = (start, start + SPAN[event["occurred_at"]["precision"]] - 1)
        faults = [("E312", key) for key in event["signers"] if key in self.spent or self.revoked.get(key, n + 1) <= n]
        foreign = kind not in RULES or ("offer" in body and self.origin not in (None, body["offer"].get("origin")))
        if not foreign:
            faults += self._event(n, kind, event, me)
        parts = items[1:] if kind in ("split", "copy") else []
        for name in items if not foreign and kind not in NO_ITEM else ():
            code = self._item(kind, body, name, name in parts, me, when)
            faults += [(code, name)] if code else []
        for name in items:
            new = name not in self.items
            item = self.items.get(name) or Item(self.lost or bool(faults))
            if kind not in NO_ITEM:
                self.items[name] = item
            if foreign and not faults:
                item.unknown, item.holder, item.keeper, item.out = True, None, None, None
            elif not faults:
                self._effect(n, kind, body, name, item, new, me, when, items)
            item.acquiring = kind == "acquire" and not faults
            item.last = max(when[0], item.last or 0)
        if kind.startswith("key_") and not faults:
            self._new_key(n, kind, body, me)
        self.keys.update(event["signers"])
        return faults

    def _event(self, n, kind, event, me):
        """What hangs on no single item."""
        items, body, people = event["items"], event["body"], {self.who(key) for key in event["signers"]}
        if (kind == "open") != (n == 0) or bool(items) == (kind in NO_ITEM):
            yield "E301", "%d items, entry %d" % (len(items), n)
        elif kind in ("seal", "acquire", "derive") and len(items) != 1:
            yield "E301", "%d items" % len(items)
        self.opener = me if n == 0 else self.opener
        if kind == "reassign" and len(people) < 2:
            yield "E310", "one person alone"
        if kind in ("split", "copy") and (items[1:] != [part["item"] for part in body["parts"]] or not items[1:]):
            yield "E301", "parts"
        refused = {one["item"] for one in body.get("refused", [])} if kind == "accept" else set()
        if not refused < set(items) and kind == "accept":
            yield "E301", "refused"
        if kind == "key_add":
            yield from self._key_add(event, people)
        elif kind in ("key_retire", "key_revoke"):
            allowed = self.who(body["key"]) == me or me == self.opener or len(people) > 1
            late = int(body["from_size"]) > n if kind == "key_revoke" else body["key"] in self.spent
            if not allowed or late:
                yield "E301", "somebody else's key, one that signs no more, or from_size"

    def _key_add(self, event, people):
        """§ custody-log 5."""
        body, new = event["body"], None
        try:
            raw = b64(body["public_key"].split(" ")[1])
            key_of(raw)
            new = print_of(raw)
        except (ValueError, IndexError, TypeError):
            yield "E301", "the key"
        if len(people) < 2 or new not in event["signers"][1:]:
            yield "E310", str(new)
        elif new in self.keys or body.get("replaces", event["actor"]["key"]) != event["actor"]["key"]:
            yield "E301", "a key that is not new, or replaces one that is not the actor's"

    def _new_key(self, n, kind, body, me):
        if kind == "key_add":
            new = print_of(b64(body["public_key"].split(" ")[1]))
            self.keys.add(new)
            if "replaces" in body:
                self.persons[new] = me
                self.spent[body["replaces"]] = n
            return
        self.keys.add(body["key"])
        self.spent.setdefault(body["key"], n)
        if kind == "key_revoke":
            self.revoked[body["key"]] = min(int(body["from_size"]), self.revoked.get(body["key"], 1 << 64))

    def _item(self, kind, body, name, part, me, when):
        """Return the first that does not hold of an item, in the order of § custody-log 4.9; None: all does."""
        new, by, needs = RULES[kind]
        item = self.items.get(name)
        if item is None:
            return None if self.lost or ((new or part) and "/" not in name) else "E301"
        if item.ended and kind not in AFTER_END:
            return "E315"
        if part or new == "only" or (kind == "acquire" and item.sealed):
            return "E301"
        if kind in OUT and item.out != OUT[kind] and not item.unknown:
            return "E301"
        can = {"": True, "holder": item.holder == me, "keeper": item.had(me, when)}
        can["either"] = can["holder"] or can["keeper"]
        can["taker"] = not item.holder or item.keeper == me or item.acquiring
        if not can[by] and not item.unknown:
            return "E311"
        for need in needs.split():
            if need == "offered":
                code = self._answer(item, body, me)
            else:
                code, test = NEEDS[need]
                code = None if test(item, body) else code
            if code and (not item.unknown or (need in ALWAYS and not (need == "base" and self.lost))):
                return code
        return None

    def _answer(self, item, body, me):
        if item.offer != int(body["offer"]["entry"]):
            return "E314"
        return None if self.offers[item.offer] == me else "E313"

    def _effect(self, n, kind, body, name, item, new, me, when, items):
        """What the table says that an event changes in an item."""
        to = self.who(body["to"]["key"]) if kind in ("check_out", "loan", "offer", "reassign") else None
        if kind == "collect" or (kind == "acquire" and (not item.holder or item.acquiring)):
            item.give(me, when, me)
        elif kind in ("check_out", "loan"):
            item.out, item.offer = kind, None
            item.give(to, when)
        elif kind in OUT:
            item.out = None
            item.give(item.holder, when)
        elif kind == "offer":
            item.offer = n
            self.offers[n] = to
        elif kind in ("accept", "refuse"):
            item.offer = None
            if kind == "accept" and name not in [one["item"] for one in body.get("refused", [])]:
                item.give(me, when, me)
        elif kind == "reassign":
            item.unknown, item.out, item.offer = False, None, None
            item.give(to, when, to)
        elif kind in ("dispose", "release") or (kind == "erase" and body.get("whole")):
            item.ended, item.offer = True, None
        elif kind in ("split", "copy") and new:
            whole = self.items[items[0]]
            item.holder, item.keeper, item.out = whole.holder, whole.keeper, whole.out
            item.unknown, item.hands = whole.unknown, list(whole.hands)
            item.holds = set(whole.holds) if kind == "split" else set()
        if kind == "hold":
            item.holds.add(body["hold"])
        elif kind == "hold_release":
            item.holds.discard(body["hold"])
        item.acquired = item.acquired or kind == "acquire"
        item.sealed = body["root"] if kind == "seal" else item.sealed


# ---- Steps 1.1 to 1.8, and 1.13: a log with its events
NUMBER = "(?:[0-9]{8}|[1-9][0-9]{8,})"


class Checker:
    """What a log and a package share: findings below a prefix, and reading that ends in a finding or in content."""

    def __init__(self, report, source, prefix, policy, now):
        self.report, self.source, self.prefix, self.policy, self.now = report, source, prefix, policy, now

    def find(self, code, where, found="", expected=""):
        """Note a finding at its place."""
        self.report.find(code, self.prefix + where, found, expected)

    def miss(self, aspect, code, where, reason, harmless=False):
        """Note what was not checked at its place."""
        self.report.miss(aspect, code, self.prefix + where, reason, harmless)

    def get(self, path, limit):
        """Return content, or None after a finding."""
        self.report.file(self.prefix + path)
        try:
            if path in self.source.names:
                return self.source.read(path, limit)
            self.find("E501", path, "not there")
        except Bad as bad:
            if bad.code != "E157":  # said when the bag was read
                self.find(bad.code, path, bad.found)
        except OSError as error:
            self.miss("record", "unreadable", path, str(error))
            self.report.file(self.prefix + path, checked=False)
        return None

    def parse(self, path, data, form, *more):
        """Return what a form makes of content, or None after a finding."""
        try:
            return form(data, *more) if data is not None else None
        except Bad as bad:
            self.find(bad.code, path, bad.found)
        return None

    def signed(self, path, signature, data, namespace, signer, log_key=None):
        """Step 1.4: one signature of a person."""
        good = self.parse(path, signature, lambda raw: sshsig(raw, data, namespace, signer, log_key))
        self.report.checked["signatures of persons"] += good is True
        if good is False:
            self.miss("record", "signature_kind", path, "a kind of key that is not checked here")

    def person(self, where, signers, actor, anchored, origin, n):
        """Step 1.13: whom the policy knows the signers as."""
        for i, key in enumerate(signers if self.policy else ()):
            code, why = self.policy.judge(key, None if i else actor, anchored, origin, n, self.now)
            if code:
                self.find(code, where, why)
            elif code == "":
                self.miss("identity", "validity", where, why)

    def object(self, said):
        """Step 1.10: an object that an event names (E501, E201)."""
        path = "objects/sha256/%s/%s" % (said["sha256"][:2], said["sha256"])
        self.digest(path, said["sha256"], said["bytes"])

    def digest(self, path, expected, size=None):
        """A file is there, and has its digest."""
        self.named.add(path)
        if path not in self.source.names:
            self.find("E501", path, "not there")
        elif size is not None and int(size) != self.source.names[path]:
            self.find("E201", path, "%d bytes" % self.source.names[path], size)
        else:
            self.report.file(self.prefix + path)
            made = hashlib.sha256()
            try:
                for block in self.source.blocks(path):
                    made.update(block)
            except (Bad, OSError):
                return
            if made.hexdigest() != expected:
                self.find("E201", path, made.hexdigest(), expected)


class Log(Checker):
    """One log. `withheld`: numbers of hidden events, in a package; `case`: what is said of it outside of its events."""

    def run(self, case, withheld=None):
        """Carry out the steps; returns the log itself."""
        self.withheld, self.packaged = withheld or set(), withheld is not None
        self.roots, self.signers, self.kinds, self.sealing, self.anchored = [EMPTY_ROOT], {}, {}, {}, False
        self.places, self.names, self.touched, self.lost, self.named = {}, {}, {}, False, set()
        self._list(case)
        self.custody = Custody(self.origin)
        self._checkpoints()
        self._entries()
        self._end()
        return self

    def _list(self, case):
        """Steps 1.2 and 1.7: what is there; keys and origin are those of event 0, else those of the case file."""
        self.folders, self.notes, self.keys, opening = {}, {}, [], None
        for path in self.source.names:
            match = re.match(r"(custody|checkpoints)/(%s)(?:/|\Z)" % NUMBER, path)
            if match:
                (self.folders if match.group(1) == "custody" else self.notes)[int(match.group(2))] = path
        try:
            opening = event_of(self.source.read("custody/00000000/event.json", RECORD))
            self.keys = log_keys(opening["body"])
        except (Bad, KeyError, OSError, ValueError):
            opening = None
        if case and not opening:
            try:
                self.keys = log_keys(case)
            except ValueError as error:
                self.miss("record", "no_keys", "custody", str(error))
        body = opening["body"] if opening else case
        self.origin, self.case = body and body["origin"], (opening or case or {}).get("case")
        said = dict(body, case=opening["case"]) if opening else case
        if case and not self.packaged and any(case[name] != said[name] for name in CASE):
            self.find("E104", "case.json", "event 0 says something else")

    def _checkpoints(self):
        """Step 1.5; the newest checkpoint is the note of the largest size that passes."""
        self.good = {}
        for size in sorted(self.notes):
            path = "checkpoints/%08d" % size
            if self.notes[size] != path:
                continue
            note = self.parse(path, self.get(path, 1 << 20), note_of)
            if note is None:
                continue
            if note[0] != (self.origin or note[0]) or note[1] != size or size < 1:
                self.find("E105", path, "%s, size %d" % note[:2])
            elif not self.keys:
                self.miss("record", "no_keys", path, "its signatures need the log's keys, which are not known")
            elif len(note[4]) != 2 or not all(map(line_fits, note[4], self.keys)) or any(note[4][1][2][:8]):
                self.find("E405", path, "%d lines" % len(note[4]))
            else:
                bad = [key for line, key in zip(note[4], self.keys) if not line_good(line, key, *note[:4])]
                for key in bad:
                    self.find("E406", path, "type %d" % key[2])
                if not bad:
                    self.good[size] = note
        self.report.checked["checkpoints"] += len(self.good)
        self.newest = max(self.good, default=0)
        self.note = self.good.get(self.newest)

    def _entries(self):
        """Steps 1.3, 1.6 and 1.7."""
        tree, self.before, self.head, whole, seen, missed = Tree(), None, 0, True, {}, set()
        for n in range(self.newest):
            folder = "custody/%08d" % n
            if n not in self.folders:
                if n == 0 or n - 1 in self.folders:
                    self.find("E501", folder, "no entry")
                whole, leaf = False, None
            else:
                leaf = self.get(folder + "/entry", RECORD)
                entry = self.parse(folder + "/entry", leaf, record, "entry", ENTRY)
                whole = whole and leaf is not None
                if entry is not None:
                    self._entry(n, folder + "/entry", entry, missed)
                if n in self.withheld:
                    self._hidden(n, entry)
                else:
                    self._event(n, folder, entry, seen)
            tree.add(leaf_hash(leaf or b""))
            self.roots.append(tree.root() if whole else None)
        self.report.checked["entries"] += self.newest
        for size, note in self.good.items():  # step 1.6
            if self.roots[size] is None:
                self.miss("record", "root_unknown", "checkpoints/%08d" % size, "an entry below it cannot be read")
            elif note[2] != self.roots[size]:
                self.find("E204", "checkpoints/%08d" % size, note[2], self.roots[size])

    def _entry(self, n, path, entry, missed):
        if int(entry["index"]) != n or int(entry["prior"]["size"]) != n:
            self.find("E306", path, "index %s" % entry["index"], n)
        if entry["prior"]["root"] != (self.roots[n] or entry["prior"]["root"]):
            self.find("E203", path, entry["prior"]["root"], self.roots[n])
        head, when = int(entry["head"]), instant(entry["recorded_at"])
        if not self.head <= head <= n:
            self.find("E305", path, "head %d" % head)
        elif head and head not in self.notes and head not in missed:
            missed.add(head)
            self.find("E502", "checkpoints/%08d" % head, "named by entry %d" % n)
        if self.before is not None and when < self.before:
            self.find("W904", path, entry["recorded_at"])
        self.head, self.before = head, when

    def _event(self, n, folder, entry, seen):
        path = folder + "/event.json"
        data = self.get(path, 65_536)
        digest = sha256(data or b"")
        if data is not None and entry and digest != entry["event"]:
            self.find("E201", path, digest, entry["event"])
        if seen.setdefault(digest, n) != n and data is not None:
            self.find("E303", path, "also entry %d" % seen[digest])
        event = self.parse(path, data, event_of)
        if event is None:
            self.miss("custody", "unreadable_event", path, "places and rules after it")
            self.lost = True
            self.custody.lose()
            if path not in self.source.names:
                for i in range(len(entry["signatures"]) if entry else 0):
                    self._signature(folder, i, b"", None, entry)
            return
        if entry and len(entry["signatures"]) != len(event["signers"]):
            self.find("E401", folder + "/entry", "%d signatures" % len(entry["signatures"]), len(event["signers"]))
        for i, signer in enumerate(event["signers"]):
            self._signature(folder, i, data, signer, entry)
        if event["case"] != (self.case or event["case"]):  # step 1.7
            self.find("E104", path, event["case"], self.case)
        origin, at, root = event["seen"]["origin"], int(event["seen"]["size"]), event["seen"]["root"]
        if origin != self.origin:
            self.miss("custody", "seen_other_log", path, "it was signed in sight of another log, " + origin)
        elif at > n or self.roots[at] not in (root, None):
            self.find("E304", path, "size %d, root %s" % (at, root))
        if n == 0 and event["type"] == "open":
            self._opening(path, event["body"])
        self._walk(n, folder, entry, event)
        if event["not_stated"]:
            self.find("W903", path, ", ".join(event["not_stated"]))
        self._custody(n, path, event, digest)

    def _opening(self, path, body):
        try:
            log_keys(body)
        except ValueError as error:
            self.find("E101", path, str(error))

    def _signature(self, folder, i, data, signer, entry):
        """Step 1.4."""
        path = folder + "/event.json" + (".%d" % (i + 1) if i else "") + ".sig"
        if path not in self.source.names:
            self.find("E401", path, "missing")
        signature = self.get(path, 16_384)
        if signature is None or signer is None:
            return
        stated = entry["signatures"][i : i + 1] if entry else []
        if stated and sha256(signature) != stated[0]:
            self.find("E201", path, sha256(signature), stated[0])
        log_key = self.keys[0][3] if self.keys else None
        self.signed(path, signature, data, "evidencekit-event", signer, log_key)

    def _walk(self, n, folder, entry, event):
        """Step 1.3: `items_prev` are the places of the verifier's own walk (E302, E307)."""
        given = entry["items_prev"] if entry else None
        if entry and len(given) != len(event["items"]):
            self.find("E302", folder + "/entry", "%d places" % len(given), len(event["items"]))
            given = None
        for j, name in enumerate(event["items"]):
            true, place = self.places.get(name), given[j] if given else None
            if event["type"] in ("split", "copy") and j and true is None:
                true = "%d/0" % n
            if given and place != true and not self.lost:
                shadow = self.names.get(place)
                if true is None and self.places.get(shadow) == place and shadow.startswith("hidden "):
                    self.touched[name] = self.touched.pop(shadow, 0)  # so far in hidden events alone
                    del self.places[shadow]
                    self.custody.items[name] = Item(unknown=True)
                else:
                    self.find("E307" if place and shadow == name else "E302", folder + "/entry", place, true)
            self.places[name] = "%d/%d" % (n, j)
            self.names[self.places[name]] = name

    def _hidden(self, n, entry):
        """§ package 5: a hidden event is followed through the places that its entry names."""
        self.kinds[n] = (entry and entry["event"], None)
        for j, place in enumerate(entry["items_prev"] if entry else []):
            here, name = "%d/%d" % (n, j), self.names.get(place)
            if self.lost or (place == "%d/0" % n and j):
                name = None
            elif place and name is None:
                self.find("E302", "custody/%08d/entry" % n, place)
            elif place and self.places.get(name) != place:
                self.find("E307", "custody/%08d/entry" % n, place)
            name = name or "hidden " + here
            self.places[name], self.names[here] = here, name
            self.touched[name] = self.touched.get(name, 0) + 1
            if name in self.custody.items:
                self.custody.items[name].unknown = True
        if entry and not entry["items_prev"]:
            self.miss("custody", "withheld", "custody/%08d" % n, "a hidden event without items may end a key")

    def _custody(self, n, path, event, digest):
        """Step 1.8, and step 1.10 for what the event names."""
        kind, body, items = event["type"], event["body"], event["items"]
        for code, found in self.custody.apply(n, event):
            self.find(code, path, found)
        if kind not in RULES or body.get("message") is not None:
            self.miss("custody", "not_followed", path, "events of this type are not followed: " + kind)
            if "message" in body or kind in ELSEWHERE:
                self.miss("record", "not_followed", path, "messages and cases of others are not read")
        for member, target in (("corrects", None), ("of", None), ("offer", "offer")):  # E308
            said = body.get(member) if kind in RULES else None
            if not said or said.get("origin", self.origin) != self.origin:
                continue
            there = self.kinds.get(int(said["entry"])) if int(said["entry"]) < n else None
            if there is None or there[0] != said["event"] or (target and there[1] not in (target, None)):
                self.find("E308", path, "%s: entry %s" % (member, said["entry"]))
        self.kinds[n], self.signers[n] = (digest, kind), (event["actor"]["id"], event["signers"])
        if kind in ("seal", "derive"):
            if any(body["manifest"] == other[1]["manifest"] for other in self.sealing.values()):
                self.find("E301", path, "a catalogue that an event named before")
            self.sealing[n] = (items, body, kind)
        if kind == "anchor":  # of steps 1.15 and 1.16, that the file is there and has its digest
            self.anchored = True
            self.digest("checkpoints/" + body["file"], body["sha256"])
            aspect = "time" if body["kind"] == "time-stamp" else "witness"
            self.miss(aspect, "anchor", "checkpoints/" + body["file"], "it is not read beyond its digest")
        parts = body["parts"] if kind in ("split", "copy") else []
        lists = [part["selection"].get("list") for part in parts if "selection" in part]
        for said in [*lists, body.get("message"), body.get("answer")]:
            if fits(OBJECT, said):
                self.object(said)
        if lists:
            self.miss("record", "selection", path, "lists of rows are not read here")

    def _end(self):
        """At the end of the log: keys that a later event revoked (E312); then step 1.13."""
        for n, (actor, signers) in self.signers.items():
            path = "custody/%08d/event.json" % n
            for key in signers:
                if self.custody.revoked.get(key, 1 << 64) <= n < self.custody.spent.get(key, 0):
                    self.find("E312", path, key)
            self.person(path, signers, actor, self.anchored, self.origin, n)
        if self.policy and self.note:
            where, least = "checkpoints/%08d" % self.newest, self.policy.logs.get(self.origin, {}).get("min_size", 0)
            self.policy.admit(self.report, self.note, self.prefix + where)
            if least:
                self.report.compared = True
                if least > self.newest:
                    self.find("E503", where, self.newest, least)

    def head_line(self):
        """Return the newest checkpoint as the report has it, or None."""
        return self.note and {"origin": self.note[0], "root": self.note[2], "size": self.note[1]}


# ---- Steps 1.1, 1.9 to 1.12: a case, without its catalogues
DROPPING = re.compile(r"(?:.*/)?(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.directory|\._[^/]*)\Z", re.DOTALL)
UNJUDGED = re.compile(r"(?:work/.*|index\.sqlite(?:-wal|-shm|-journal)?|.*\.tiles|(?:.*/)?\.tmp-.*)\Z", re.DOTALL)
PLACES = r"case\.json|manifests/.*|custody/%s/(?:entry|event\.json(?:(?:\.([2-9]|1[0-6]))?\.sig)?)|checkpoints/%s"
PLACES = re.compile("(?:" + PLACES % (NUMBER, NUMBER) + r"|objects/sha256/([0-9a-f]{2})/\2[0-9a-f]{62})\Z", re.DOTALL)


def case_of(report, path, policy, now, since):
    """Check a case folder: its log, what the log names, and strays."""
    log = Log(report, Folder(path), "", policy, now)
    case = log.parse("case.json", log.get("case.json", 65_536), record, "case", CASE)
    try:
        log_keys(case or {"log_keys": []})
    except ValueError as error:
        if case:
            report.find("E101", "case.json", str(error))
        case = None
    log.run(case)
    report.checkpoint, report.entries = log.head_line(), log.newest
    for items, body, _ in log.sealing.values():  # step 1.9
        file = "manifests/%08d.parquet" % int(body["manifest"])
        report.sealed = True
        report.items.update(items)
        report.file(file, checked=False)
        report.miss("record", "catalogue", file, "catalogues (Parquet) cannot be read by this verifier")
        reduced = any(name.startswith(file[:19] + "r") for name in log.source.names)
        if file not in log.source.names and not reduced:
            report.find("E501", file, "not there")
    above = set()
    for name in sorted(set(log.source.names) | log.source.odd):  # step 1.11
        match = re.match(r"custody/(%s)/" % NUMBER, name)
        if name.startswith(("branches/", "packages/")):
            report.miss("record", "not_read", "/".join(name.split("/")[:2]), "cases and packages of others")
        elif UNJUDGED.match(name) or name in log.named:
            continue
        elif DROPPING.match(name):
            report.find("W905", name)
        elif match and int(match.group(1)) >= log.newest:
            above.add("custody/" + match.group(1))
        elif name in log.source.odd or not PLACES.match(name):
            report.find("W902", name, "no event names it")
        elif name.startswith("objects/"):
            log.digest(name, name.rpartition("/")[2])
    for name in sorted(above):
        report.find("W901", name, "above the newest checkpoint")
    outside(report, log, since)


def outside(report, log, since):
    """Step 1.12."""
    if since is None:
        return
    report.compared, (origin, size, root) = True, since
    if origin not in (None, log.origin):
        report.find("E104", "--since", origin, log.origin)
    elif size > log.newest:
        report.find("E503", "--since", "size %d" % log.newest, size)
    elif log.roots[size] not in (root, None):
        report.find("E206", "--since", log.roots[size], root)


# ---- Rows (§ manifest 1 to 5), and names of payload (§ package 3)
SALTED = {"bytes": TEXT, "salt": based(16)}
ROW = {"content": HEX, "kind": "file|directory|symlink|fifo|socket|char_device|block_device|unknown"}
ROW.update({"metadata": HEX, "name": HEX})
OPINION = {"base_index": count, "base_root": HEX, "opinion": HEX}
STATES = "complete|changed|partial|not_read|not_listed|vanished"
OLD = unicodedata.ucd_3_2_0
PLAIN = frozenset("! #$&'()+,-.;=@[]_{}0123456789")


def name_of(group, member):
    """§ encoding 5: the bytes of a name that stands as text or as hex; None where it is not there, or not so."""
    text, digits = group.get(member), group.get(member + "_hex")
    if fits("(?:[0-9a-f]{2})+", digits) and text is None:
        raw = bytes.fromhex(digits)
        return raw if raw.decode("utf-8", "replace").encode() != raw else None
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) and digits is None else None


def opened(name, group, leaf):
    """One opened group: the digest that its leaf has to have, and what it says (Bad); of metadata its form alone."""
    data = group["bytes"].encode("utf-8", "surrogatepass")
    digest = sha256(b"evidencekit/group/1\0" + name.encode() + b"\0" + b64(group["salt"]) + data)
    try:
        value = decode(data, 1 << 20)
    except Bad as bad:
        return digest, None, bad.code
    kind, fault = leaf.get("kind"), None
    if not fits("evidencekit/%s/1" % ("(?:media-type|match)" if name == "opinion" else name), value.get("_t")):
        fault = "E101"
    elif name == "name":
        path = name_of(value, "path")
        odd = path is None or b"\0" in path or (path and {b"", b".", b".."} & set(path.split(b"/")))
        misplaced = [kind != "file" and "stream" in value, kind != "symlink" and "target" in value]
        fault = "E101" if odd or any(misplaced) else None
    elif name == "content":
        fault = content_fault(value, kind)
    return digest, value, fault


def content_fault(group, kind):
    """§ manifest 3 and 5: the state fits the kind and the members; E101 for the form, E107 for what contradicts."""
    form = {"size": or_null(count), "state": STATES, "sha256": or_null(HEX), "blake3": or_null(HEX)}
    if not fits(form, {name: group[name] for name in form if name in group}):
        return "E101"
    state, digests, read = group["state"], group["sha256"] is not None, kind in ("file", "block_device")
    taken = state in ("complete", "changed")
    allowed = {
        "changed": read or kind in ("directory", "symlink"),
        "partial": read,
        "not_read": kind != "directory",
        "not_listed": kind == "directory",
    }
    wrong = not allowed.get(state, True) or digests != (group["blake3"] is not None) or ("reason" in group) == taken
    wrong = wrong or (digests and not (read and taken)) or (kind == "file" and taken and not digests)
    wrong = wrong or (digests and group["size"] is None) or (not read and group["size"] is not None)
    return "E107" if wrong or ("sha256_zero_filled" in group) != (state == "partial") else None


def mapped(raw):
    """§ package 3.1: the characters of a component that stand, and ^XX for the others."""
    name = raw.decode("utf-8", "replace")
    if name.encode() != raw:
        return [chr(b) if chr(b) in PLAIN or (chr(b).isalpha() and b < 128) else "^%02X" % b for b in raw]
    whole, out = OLD.normalize("NFC", name) == name and not any(OLD.category(c) == "Cn" for c in name), []
    for c in name:
        plain = c in PLAIN or (c.isalpha() if ord(c) < 128 else whole and OLD.category(c)[0] in "LMN")
        out += [c] if plain else ["^%02X" % b for b in c.encode()]
    return out


def component(raw, stream=None):
    """§ package 3.2 to 3.4: both forms of a component, as it is and shortened."""
    tokens = mapped(raw)
    if tokens and len(tokens[0]) == 1 and (RESERVED.match("".join(tokens)) or tokens[0] in " ."):
        tokens[0] = "".join("^%02X" % b for b in tokens[0].encode())
    tokens += ["^~s-", *mapped(stream)] if stream is not None else []
    if tokens and tokens[-1] in (" ", "."):
        tokens[-1] = "^%02X" % ord(tokens[-1])
    head, plain = "", "".join(tokens)
    for token in tokens:
        if len((head + token).encode()) > 120:
            break
        head += token
    short = head + "^~" + sha256(raw + (b"" if stream is None else b"\0" + stream))[:32]
    return (plain, short) if len(plain.encode()) <= 200 else (short, short)


def payload_fits(path, item, index, group):
    """§ package 3.5: is this a path that the row's payload may have?"""
    top = "data/" + component(item.encode())[0]
    hidden = path == "%s/^~row-%s" % (top, index)
    if group is None:
        return hidden
    raw, stream = name_of(group, "path") or b"", name_of(group, "stream")
    *folders, last = raw.split(b"/")
    forms = [component(part) for part in folders] + [component(last, stream)]
    if not raw:
        forms = [("^~source" + ("^~s-" + "".join(mapped(stream)) if stream else ""),)]
    if len("/".join([top] + [form[0] for form in forms]).encode()) > 1000 or len(forms) > 48:
        return hidden
    given = path.split("/")[2:]
    return path.startswith(top + "/") and len(given) == len(forms) and all(g in f for g, f in zip(given, forms))


# ---- Step 2b: packages (§ package 8)
GROUND = "not_requested|privacy|privilege|third_party|security|investigation|sensitive_content|national_law|order"
GROUND += "|erased|not_stated|x-.+"  # § package 4
HIDDEN = [{"count": count, "ground": GROUND}, 65_536]
CATALOGUE = {"entry": count, "hidden": HIDDEN, "item": EXHIBIT, "manifest": count, "root": HEX, "rows": count}
CATALOGUE.update({"shown": count})
FILE = {"bytes": count, "path": TEXT, "sha256": HEX}
PACKAGE = {"branches?": list, "case": NONCE, "checkpoint": HEAD, "created_at": moment, "exporter": ACTOR, "full": bool}
PACKAGE.update({"files": [FILE, 65_536], "hash_only": bool, "items": [EXHIBIT, 65_536], "log_keys": KEYS})
PACKAGE.update({"manifests": [CATALOGUE, 65_536], "previous": list, "recipient": or_null(PERSON), "transfer": NONCE})
PACKAGE.update({name: or_null(TEXT) for name in ("confidentiality", "onward_transfer", "use_limits")})
GROUPS = {"count": count, "ground": GROUND, "group": "name|content|metadata|opinion", "manifest": count}
WITHHELD = {"events": [{"entry": count, "ground": GROUND}, 1 << 20], "groups": [GROUPS, 1 << 20]}
WITHHELD.update({"rows": [{"count": count, "ground": GROUND, "manifest": count}, 1 << 20]})
WITHHELD.update({"grounds": [{"ground": GROUND, "label": TEXT}, 65_536]})
SHOWN = {"grounds": dict, "groups": dict, "index": count, "leaf": TEXT, "manifest": count}
SHOWN.update({"payload": or_null({"bytes": count, "path": TEXT}), "proof": or_null([based(32), 64])})
TAGS = ["%smanifest-sha%s.txt" % (kind, bits) for kind in ("", "tag") for bits in (256, 512)]


def lines_of(source, path, limit):
    """Yield the lines of a file, each without its LF; E102 for one that is too long, E101 for one without its end."""
    rest = b""
    for block in source.blocks(path):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
        if len(rest) > limit:
            raise Bad("E102", "a line of more than %d bytes" % limit)
    if rest:
        raise Bad("E101", "a last line without its end")


class Package(Checker):
    """A package, whatever it came in."""

    def run(self, since):
        """Carry out the steps."""
        self.hashed, self.listed, self.claimed, self.record, self.digest_of = {}, set(), set(), None, None
        self._bag()
        self._record()
        part = Part(self.source, "evidence/")
        withheld = self._withheld()
        hidden = {int(event["entry"]) for event in withheld["events"]}
        case = dict(self.record, origin=self.record["checkpoint"]["origin"]) if self.record else None
        log = Log(self.report, part, "evidence/", self.policy, self.now).run(case, hidden)
        self.report.checkpoint, self.report.entries = log.head_line(), log.newest
        outside(self.report, log, since)
        if self.record is None:
            self.miss("record", "no_record", "evidence/package.json", "nothing says what is shown")
            return
        self._files()
        self._contradicts(log, hidden)
        self._lines(self._catalogues(log, hidden), withheld)
        other = [path for path in self.source.names if path.startswith(("evidence/branches/", "evidence/previous/"))]
        if other or self.record["previous"] or self.record.get("branches"):
            self.miss("record", "not_read", "evidence/package.json", "adopted cases, and packages that are passed on")
            return
        for path in sorted(self.source.names):
            if path.startswith("data/") and path in self.listed and path not in self.claimed:
                self.find("E173", path, "a file of no row")

    def _hash(self, path):
        """(bytes, SHA-256, SHA-512) of a file, read once; None where it is damaged (E157)."""
        if path not in self.hashed:
            one, two = hashlib.sha256(), hashlib.sha512()
            try:
                for block in self.source.blocks(path):
                    one.update(block)
                    two.update(block)
                self.hashed[path] = (self.source.names[path], one.hexdigest(), two.hexdigest())
            except (Bad, OSError) as error:
                self.hashed[path] = None
                self.find("E157", path, str(error))
        return self.hashed[path]

    def _manifest(self, name, digits):
        """§ package 8.2: digests by path, of one manifest of the bag; None where it cannot be read to its end."""
        out, last, number = {}, b"", 0
        if name not in self.source.names:
            self.find("E163", name, "not there")
            return out
        try:
            for number, line in enumerate(lines_of(self.source, name, 8192), 1):
                match = re.fullmatch("([0-9a-f]{%d})  ([^\\x00-\\x1f%%]+)" % digits, str(line, "utf-8", "replace"))
                if not match:
                    self.find("E161", "%s line %d" % (name, number), "not a line of a manifest")
                    self.torn = True
                    break
                if match.group(2).encode() <= last:
                    self.find("E161", "%s line %d" % (name, number), "not in order, or twice")
                    continue
                last = match.group(2).encode()
                out[match.group(2)] = match.group(1)
        except Bad as bad:
            if bad.code != "E157" or self._hash(name):
                self.find("E161", "%s line %d" % (name, number + 1), bad.found)
            self.torn = True
        return out

    torn = False

    def _bag(self):
        """§ package 8.2."""
        names = self.source.names
        for kind in ("manifest", "tagmanifest"):
            pair = [self._manifest("%s-sha%d.txt" % (kind, bits), bits // 4) for bits in (256, 512)]
            for i, bits in ((0, 256), (1, 512)):
                if not set(pair[1 - i]) <= set(pair[i]) and not self.torn:
                    self.find("E161", "%s-sha%d.txt" % (kind, bits), "not the same files as the other")
            member = {path for path in names if path.startswith("data/") == (kind == "manifest")} - set(TAGS[2:])
            for path in sorted(set(pair[0]) | set(pair[1])):
                if path in TAGS[2:] or path.startswith("data/") != (kind == "manifest"):
                    self.find("E161", kind + "-sha256.txt", path)
                elif path not in names:
                    self.find("E163", path, "not there")
                elif self._hash(path):
                    self.listed.add(path)
                    if any(path in one and one[path] != made for one, made in zip(pair, self.hashed[path][1:])):
                        self.find("E162", path, self.hashed[path][1])
            for path in sorted(member - set(pair[0]) - set(pair[1])):
                self.find("E164", path, "listed nowhere")
        self.report.checked["files of the bag"] += len(self.listed)
        sizes = [names[path] for path in self.listed if path.startswith("data/")]
        info, bagit = self.get("bag-info.txt", 65_536), self.get("bagit.txt", 65_536)
        if info is not None and b"Payload-Oxum: %d.%d" % (sum(sizes), len(sizes)) not in info.split(b"\n"):
            self.find("E161", "bag-info.txt", "another number of bytes or files")
        if bagit not in (None, b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"):
            self.find("E161", "bagit.txt", "not BagIt 1.0")

    def _record(self):
        """§ package 8.3: package.json and its signature."""
        path = "evidence/package.json"
        data = self.get(path, LARGE)
        value = self.parse(path, data, record, "package", PACKAGE, LARGE)
        self.digest_of = data and sha256(data)
        if value is None:
            return
        ordered = [[file["path"].encode("utf-8", "surrogatepass") for file in value["files"]], value["items"]]
        ordered += [[int(said["manifest"]) for said in value["manifests"]]]
        if any(keys != sorted(set(keys)) for keys in ordered):
            self.find("E101", path, "not ascending")
            return
        self.record, signature = value, path + ".sig"
        if signature not in self.source.names:
            self.find("E401", signature, "missing")
        self.signed(signature, self.get(signature, 16_384), data, "evidencekit-package", value["exporter"]["key"])

    def _files(self):
        """§ package 8.3: `files` is complete, both ways (E501, E201, E165)."""
        listed, apart = set(), {"evidence/package.json", "evidence/package.json.sig", *TAGS[2:]}
        for said in self.record["files"]:
            path = said["path"]
            listed.add(path)
            if path in apart or path.startswith("data/"):
                self.find("E165", "evidence/package.json", path)
            elif path not in self.source.names:
                self.find("E501", path, "not there")
            elif self._hash(path):
                self.report.file(path)
                if self.hashed[path][:2] != (int(said["bytes"]), said["sha256"]):
                    self.find("E201", path, "%d bytes, %s" % self.hashed[path][:2], said["sha256"])
        for path in sorted(set(self.source.names) - listed - apart - set(TAGS)):
            if not path.startswith("data/"):
                self.find("E165", path, "not listed by the exporter")

    def _withheld(self):
        """§ package 4."""
        path = "evidence/withheld.json"
        value = self.parse(path, self.get(path, 64 << 20), record, "withheld", WITHHELD, 64 << 20)
        return value or {"events": [], "grounds": [], "groups": [], "rows": [], "unread": True}

    def _contradicts(self, log, hidden):
        """§ package 8.4: the log says the same (E166), what has to be shown is (E167), and the exporter may sign."""
        path, said = "evidence/package.json", self.record
        for wrong, what in (
            (log.case not in (None, said["case"]), "case"),
            (log.note and said["checkpoint"] != dict(log.head_line(), size=str(log.newest)), "checkpoint"),
            (log.keys and said["log_keys"] != [key[4] for key in log.keys], "log_keys"),
            (log.newest and max(log.folders, default=0) >= log.newest, "entries that the checkpoint does not have"),
        ):
            if wrong:
                self.find("E166", path, what)
        shown = {int(catalogue["entry"]) for catalogue in said["manifests"]} | {0}
        for n in sorted(hidden):
            event = "evidence/custody/%08d/event.json" % n
            if event in self.source.names or n in shown or n >= log.newest:
                self.find("E167", event, "shown and withheld at once, or to be shown")
        for item in said["items"]:
            if log.touched.get(item):
                self.report.miss("custody", "withheld", item, "%d hidden events touch it" % log.touched[item])
            elif item not in log.places and hidden:
                self.report.miss("custody", "withheld", item, "no event about it is shown")
            elif item not in log.places and not log.lost and "/" not in item:
                self.find("E166", path, "no event names " + item)
        key, spent = said["exporter"]["key"], log.custody.spent
        if spent.get(key, log.newest) < log.newest:
            self.find("E312", path + ".sig", "a key that signs no more since entry %d" % spent[key])
        self.person(path, [key], said["exporter"]["id"], log.anchored, log.origin, log.newest)

    def _catalogues(self, log, hidden):
        """By number, the catalogues of `manifests` as their events have them; None where an event cannot be read."""
        out = {}
        for said in self.record["manifests"]:
            n, number = int(said["entry"]), int(said["manifest"])
            items, body, kind = log.sealing.get(n, ([], None, ""))
            if n < log.newest and n not in log.kinds:
                out[number] = None
                self.miss("record", "gap", "evidence/records.jsonl", "its rows need an event that cannot be read")
                continue
            same = body and items == [said["item"]] and all(body[x] == said[x] for x in ("manifest", "root", "rows"))
            if not same and log.newest and n not in hidden:
                self.find("E166", "evidence/package.json", "catalogue %d is not as entry %d says" % (number, n))
            if body:
                out[number] = dict(said, derived=kind == "derive", root=body["root"], sealed_rows=int(body["rows"]))
                self.report.items.update(items)
        if self.record["full"]:
            self.miss(
                "record", "catalogue", "evidence/manifests", "catalogues (Parquet) cannot be read by this verifier"
            )
        return out

    def _lines(self, catalogues, withheld):
        """§ package 8.5."""
        path, place = "evidence/records.jsonl", -1
        self.last, self.open, self.shown, self.closed, self.leaves = (-1, -1), {}, Counter(), Counter(), (None, b"")
        if path not in self.source.names or not self._hash(path):
            if path not in self.source.names:
                self.find("E501", path, "not there")
            self.miss("record", "gap", path, "no line can be read: rows, payload and sums are not judged")
            self.claimed.update(self.source.names)
            return
        try:
            for place, line in enumerate(lines_of(self.source, path, LARGE)):
                where = "%s#%d" % (path, place)
                try:
                    self._line(line, where, catalogues)
                except Bad as bad:
                    self.find(bad.code, bad.where or where, bad.found)
        except Bad as bad:
            self.find(bad.code, "%s#%d" % (path, place + 1), bad.found)
        self._sums(catalogues, withheld)

    def _line(self, line, where, catalogues):
        row = record(line, "shown", SHOWN, LARGE)
        number, index, groups = int(row["manifest"]), int(row["index"]), row["groups"]
        if (number, index) <= self.last:
            self.find("E169", where, "catalogue %d, row %d" % (number, index))
        self.last = max(self.last, (number, index))
        if number not in catalogues:
            raise Bad("E170", "catalogue %d" % number)
        said = catalogues[number]
        if said is None:
            self.claimed.add(row["payload"] and row["payload"]["path"])
            return
        names = {"opinion"} if said["derived"] else {"name", "content", "metadata"}
        if set(groups) | set(row["grounds"]) != names or set(groups) & set(row["grounds"]) or not groups:
            raise Bad("E101", "groups and grounds do not name each group once")
        if not all(fits(SALTED, group) for group in groups.values()) or not fits(
            [GROUND], list(row["grounds"].values())
        ):
            raise Bad("E101", "groups or grounds")
        self.shown[number] += 1
        self.closed.update((number, name, ground) for name, ground in row["grounds"].items())
        data = row["leaf"].encode("utf-8", "surrogatepass")
        try:
            kind, form = ("derived-row", OPINION) if said["derived"] else ("row", ROW)
            leaf = record(data, kind, form, RECORD, "E107")
        except Bad as bad:
            raise Bad(bad.code, bad.found, where + " leaf") from None
        if not self._proved(row, said, number, index, leaf_hash(data)):
            self.find("E207", where, "the leaf does not lead to the sealed root")
        values = self.groups(groups, leaf, where)
        self.report.checked["rows"] += 1
        self.report.sealed = True
        if said["derived"]:
            base, rows = int(leaf["base_index"]), self.open.get(leaf["base_root"], ())
            at = bisect.bisect_left(rows, base)
            if base not in rows[at : at + 1]:
                self.find("E170", where, "an opinion about a row whose content is not opened")
            return
        content = values.get("content")
        if "content" in groups:
            rows = self.open.setdefault(said["root"], array("Q"))
            if not rows or rows[-1] < index:
                rows.append(index)
        self.report.states[content["state"] if content else "unreadable" if "content" in groups else "withheld"] += 1
        whole = content is not None and content["state"] == "complete" and content["sha256"] is not None
        if whole:
            self.report.bytes += int(content["size"])
        if row["payload"] is None:
            self.report.left += whole
        elif whole:
            self._payload(row, content, values, said, where)
        elif content or "content" not in groups:
            raise Bad("E171", "payload of a row that has none")
        else:
            self.claimed.add(row["payload"]["path"])  # its group is not in its form, which was said

    def groups(self, groups, leaf, where):
        """Return what the opened groups say; a group that is not in its form says nothing."""
        out = {}
        for name, group in groups.items():
            digest, value, fault = opened(name, group, leaf)
            if digest != leaf[name]:
                self.find("E201", "%s groups.%s" % (where, name), "not what the leaf commits to")
            if fault:
                self.find(fault, where if fault == "E107" else "%s groups.%s" % (where, name), "not in its form")
            out[name] = None if fault else value
        return out

    def _proved(self, row, said, number, index, leaf):
        """The leaf leads to the sealed root: by its proof, or by `leaves/N`, held for one catalogue at a time."""
        path = "evidence/leaves/%08d" % number
        if path not in self.source.names:
            proof = [b64(step) for step in row["proof"]] if row["proof"] is not None else [b""]
            return included(index, said["sealed_rows"], leaf, proof, said["root"])
        if self.leaves[0] != number:
            self.leaves = (number, self._leaves(path, said))
        data = self.leaves[1]
        return data is None or (row["proof"] is None and data[32 * index : 32 * index + 32] == leaf)

    def _leaves(self, path, said):
        """All leaf hashes of a catalogue; none where they are not its own; None where they are too many to be held."""
        if self.source.names[path] > 256 << 20:
            self.miss("record", "leaves", path, "more leaves than this verifier holds")
            return None
        data, tree = self.get(path, 256 << 20) or b"", Tree()
        for at in range(0, len(data), 32):
            tree.add(data[at : at + 32])
        if tree.root() == said["root"] and len(data) == 32 * said["sealed_rows"]:
            return data
        self.find("E207", path, "not the leaves of this catalogue")
        return b""

    def _payload(self, row, content, values, said, where):
        path = row["payload"]["path"]
        if not payload_fits(path, said["item"], row["index"], values.get("name")):
            self.find("E172", where, path)
        if path not in self.source.names or not path.startswith("data/"):
            raise Bad("E163", path)
        if path in self.claimed:
            self.find("E173", where, "the payload of another row")
        self.claimed.add(path)
        made = self._hash(path)
        if made is None:
            return
        if (str(made[0]), made[1]) != (content["size"], content["sha256"]) or row["payload"]["bytes"] != content[
            "size"
        ]:
            raise Bad("E171", "%d bytes, SHA-256 %s" % made[:2])
        self.report.payload += 1

    def _sums(self, catalogues, withheld):
        """§ package 8.6: what is shown and what is withheld add up (E174); what is withheld is listed."""
        where, path = "evidence/package.json", "evidence/withheld.json"
        rows, groups = {}, {}
        for said in withheld["rows"]:
            rows.setdefault(int(said["manifest"]), []).append((said["ground"], int(said["count"])))
            self.miss("record", "withheld", "catalogue " + said["manifest"], "%(count)s rows: %(ground)s" % said, True)
        for said in withheld["groups"]:
            groups[int(said["manifest"]), said["group"], said["ground"]] = int(said["count"])
            self.miss(
                "record", "withheld", "catalogue " + said["manifest"], "%(count)s of %(group)s: %(ground)s" % said, True
            )
        if withheld["events"]:
            self.miss("record", "withheld", "evidence/custody", "%d events" % len(withheld["events"]), harmless=True)
        unread = "unread" in withheld or None in catalogues.values()
        for number, said in catalogues.items():
            hidden = [(one["ground"], int(one["count"])) for one in said["hidden"]] if said else []
            if said and int(said["shown"]) != self.shown[number]:
                self.find("E174", where, "%d lines" % self.shown[number], said["shown"])
            if said and int(said["shown"]) + sum(n for _, n in hidden) != int(said["rows"]):
                self.find("E174", where, "catalogue %d: shown and hidden are not its rows" % number)
            if sorted(rows.pop(number, [])) != sorted(hidden) and not unread:
                self.find("E174", path, "rows of catalogue %d" % number)
        if (rows or groups != dict(self.closed)) and not unread:
            self.find("E174", path, "groups or rows that are withheld")
        grounds = {one["ground"] for one in withheld["rows"] + withheld["groups"] + withheld["events"]}
        if {one["ground"] for one in withheld["grounds"]} != grounds and not unread:
            self.find("E174", path, "labels of grounds")


# ---- Step 2: row proofs (§ messages 1)
PROOF = {"entry": TEXT, "event": TEXT, "groups": dict, "index": count, "leaf": TEXT, "log_keys": KEYS}
PROOF.update({"proof": [based(32), 64], "signatures": [TEXT, 16]})


def parts_of(data):
    """All that a row proof has, each part in its form (Bad, ValueError)."""
    head, _, note = data.decode("utf-8").partition("\n\n")
    magic, extra, at, *steps = head.split("\n")
    if magic != "c2sp.org/tlog-proof@v1" or extra[:6] != "extra " or at[:6] != "index " or not count(at[6:]):
        raise Bad("E101", "not a proof")
    value = record(b64(extra[6:]) or b"", "row-proof", PROOF, LARGE)
    raw = {name: value[name].encode("utf-8", "surrogatepass") for name in ("event", "entry", "leaf")}
    event, entry, leaf = event_of(raw["event"]), record(raw["entry"], "entry", ENTRY), record(raw["leaf"], "row", ROW)
    names, steps = set(value["groups"]), [b64(step, 32) for step in steps]
    if event["type"] != "seal" or names - {"name", "content", "metadata"} or None in steps:
        raise Bad("E101", "not of a seal event")
    if not all(fits(SALTED, group) for group in value["groups"].values()):
        raise Bad("E101", "groups")
    note = note_of(note.encode())
    return value, raw, event, entry, leaf, note, steps, int(at[6:]), log_keys(dict(value, origin=note[0]))


def proof_of(report, data, policy, now, since):
    """Check one row proof."""
    try:
        value, raw, event, entry, leaf, note, steps, n, keys = parts_of(data)
    except (Bad, ValueError) as error:
        report.find(getattr(error, "code", "E101"), "proof", str(error))
        return
    package, body = Package(report, None, "", policy, now), event["body"]
    report.sealed, report.checkpoint = True, {"origin": note[0], "root": note[2], "size": note[1]}
    opened_groups = package.groups(value["groups"], leaf, "proof")
    for name in sorted({"name", "content", "metadata"} - set(value["groups"])):
        report.miss("record", "withheld", "proof groups." + name, "not opened", harmless=True)
    proof = [b64(step) for step in value["proof"]]
    if not included(int(value["index"]), int(body["rows"]), leaf_hash(raw["leaf"]), proof, body["root"]):
        report.find("E207", "proof leaf", "it does not lead to the catalogue's root")
    if entry["event"] != sha256(raw["event"]):
        report.find("E201", "proof event", sha256(raw["event"]), entry["event"])
    if int(entry["index"]) != n or int(entry["prior"]["size"]) != n:
        report.find("E306", "proof entry", entry["index"], n)
    if not included(n, note[1], leaf_hash(raw["entry"]), steps, note[2]):
        report.find("E207", "proof entry", "it does not lead to the checkpoint")
    signatures = [text.encode("utf-8", "surrogatepass") for text in value["signatures"]]
    if len(signatures) != len(event["signers"]):
        report.find("E401", "proof signatures", "not one for each signer")
    elif entry["signatures"] != [sha256(signature) for signature in signatures]:
        report.find("E201", "proof signatures", "not those of the entry")
    for i, (signature, signer) in enumerate(zip(signatures, event["signers"]), 1):
        where = "proof signatures %d" % i
        package.signed(where, signature, raw["event"], "evidencekit-event", signer, keys[0][3])
    listed = policy.vkeys.get(note[0], []) if policy else []
    keys = listed if {key[2] for key in listed} >= {1, 6} else keys
    for kind in (1, 6):
        lines = [(line, key) for line in note[4] for key in keys if key[2] == kind and line_fits(line, key)]
        if not any(line_good(line, key, *note[:4]) for line, key in lines):
            report.find("E406" if lines else "E405", "proof checkpoint", "type %d" % kind)
    if policy:
        policy.admit(report, note, "proof checkpoint")
        package.person("proof event", event["signers"], event["actor"]["id"], False, note[0], n)
    if since and since[1] == note[1]:
        report.compared = True
        if since[2] != note[2]:
            report.find("E206", "--since", note[2], since[2])
    content = opened_groups.get("content")
    report.states[content["state"] if content else "withheld"] = 1
    report.row = {"index": value["index"], "item": event["items"][0] if event["items"] else "", "kind": leaf["kind"]}


# ---- What it was given, and what it says (§ verification 8)
def verify(path, policy=None, since=None, now=None, digest=None):
    """Return the report (report.schema.json) about a package, a case or a row proof. Raises Usage and OSError."""
    given, now = now, time.time_ns() if now is None else now
    policy, since = Policy(policy) if policy else None, since_of(since) if since else None
    start, kind = b"", "package"
    if not Path(path).is_dir():
        with Path(path).open("rb") as file:
            start = file.read(8 << 20)
    elif not Path(path, "evidence", "package.json").exists():
        kind = "log" if Path(path, "tile").is_dir() else "case"
    kind = "proof" if start.startswith(b"c2sp.org/tlog-proof@") else kind
    report = Report(kind)
    if given is not None:
        moment_given = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now // 10**9))
        report.checked["verification by a clock that was given, " + moment_given] = 1
    try:
        if kind == "proof":
            proof_of(report, start, policy, now, since)
        elif kind == "case":
            case_of(report, path, policy, now, since)
        elif kind == "log":
            report.miss("record", "not_read", "checkpoint", "published logs are not read by this verifier")
        else:
            package_of(report, path, policy, now, since, digest)
    except Bad as bad:
        report.find(bad.code, bad.where or "archive", bad.found)
    except NotRead as error:
        report.miss("record", "not_read", "archive", str(error))
    except OSError as error:
        report.miss("record", "unreadable", "files", str(error))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        report.internal = True
        report.miss("record", "internal_error", "verify_evidence.py", "a mistake of this program: %r" % error)
    return report.document(policy)


def package_of(report, path, policy, now, since, digest):
    """Check a package, and compare its digest with the one that a letter states."""
    report.package = {"container": "unknown", "digest": None}
    with open_package(path) as source:
        report.package["container"] = source.container
        package = Package(report, source, "", policy, now)
        package.run(since)
        report.package["digest"] = package.digest_of
        if digest is not None:
            report.compared = True
            if digest.lower() != package.digest_of:
                report.find("E201", "evidence/package.json", package.digest_of, digest)
        names = "confidentiality created_at exporter full hash_only items manifests onward_transfer previous recipient"
        for name in (names + " transfer use_limits").split() if package.record else ():
            report.package[name] = package.record[name]


def lines_for_people(document):
    """Yield the report as text."""
    yield "%s - %s" % (document["line"], document["reason"])
    for aspect, state in document["aspects"].items():
        yield "  %-13s %-12s %s" % (aspect, state["status"].replace("_", " "), state["reason"])
    if document["checkpoint"]:
        yield "  newest checkpoint: %(origin)s, size %(size)d, root %(root)s" % document["checkpoint"]
    yield "checked: " + ", ".join(document["checked"])
    yield "findings: %d" % len(document["findings"])
    for one in document["findings"]:
        yield "  {severity}: {code} {where}: {found}".format(**one)
    yield "not checked: %d" % len(document["not_checked"])
    for one in document["not_checked"]:
        yield "  {aspect}: {what}: {reason}".format(**one)


def main(arguments=None):
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "path", metavar="PATH", nargs="?", help="a package (folder, .zip, .tar), a case, or a row proof"
    )
    parser.add_argument("--policy", metavar="DIR", help="whose keys are whose: without it nobody's identity is checked")
    parser.add_argument("--since", metavar="NOTE", help="a checkpoint known from outside: a file, or typed")
    parser.add_argument("--source", metavar="EX-001=DIR", action="append", help="not compared here: NOT CHECKED")
    parser.add_argument("--as-copy", action="store_true", help="accepted, as for --source")
    parser.add_argument("--json", action="store_true", help="the report as one JSON document")
    parser.add_argument("--digest", metavar="HEX", help="the package digest that a letter states")
    parser.add_argument("--now", metavar="MOMENT", help="what the clock is taken to show (2026-11-22T09:00:00Z)")
    parser.add_argument("--limits", action="store_true", help="which findings this verifier does not make")
    options = parser.parse_args(arguments)
    if options.limits:
        print(json.dumps({"codes": {code: why for codes, why in LIMITS for code in codes.split()}}, indent=1))
        return 0
    whole, _, part = (options.now or "").rstrip("Z").partition(".")
    now = instant("%s.%sZ" % (whole if "T" in whole else whole + "T00:00:00", part.ljust(9, "0")))
    if options.path is None or (options.now and now is None) or not fits(HEX, (options.digest or 64 * "0").lower()):
        parser.error("PATH is missing, --now is no moment, or --digest no SHA-256")
    since = options.since
    try:
        if since and "\n" not in since and len(since) < 1024 and Path(since).is_file():
            with Path(since).open(encoding="utf-8") as file:
                since = file.read(16_384)
        document = verify(options.path, options.policy, since, now, options.digest)
    except (Usage, UnicodeDecodeError) as error:
        parser.error(safe(error))
    except OSError as error:
        print("verify_evidence.py: " + safe(error), file=sys.stderr)
        return 4
    if options.source and document["exit_code"] in (0, 7):
        document.update(verdict="NOT CHECKED", line="NOT CHECKED", exit_code=4, reason="a source was not compared")
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
    text = text if options.json else "\n".join(lines_for_people(document))
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    return document["exit_code"]


if __name__ == "__main__":
    sys.exit(main())
