#!/usr/bin/env python3
"""verify_evidence.py: an independent verifier of evidencekit packages, cases and row proofs.

One file, the standard library of Python 3.8 or newer, nothing else. Written from the specifications alone (specs/*.md),
it shares no line with the program that makes packages. Sections stand in the order in which they are needed; the steps
(section 8 on) in the order of specs/verification.md. A comment "§ package 8.3" names the page and the paragraph.

    python3 verify_evidence.py PATH [--policy DIR] [--since FILE_OR_TEXT] [--json]

Exit codes: 0 VERIFIED, 2 usage, 3 FAILED, 4 NOT CHECKED, 7 INTEGRITY ONLY. Nothing is written, nothing is unpacked, no
network is used. It never stops at the first finding.

What it cannot check, and then says so under "not checked", and does not call verified: catalogues (Parquet, so the rows
of a whole case, and `--full` packages); the large values and copies in objects/ that only rows name; time-stamp tokens
(RFC 3161) beyond their digest; signatures by OpenSSH certificates; `--source`; published logs; age files.
"""

# fmt: off
import argparse
import base64
import bisect
import calendar
import functools
import hashlib
import io
import json
import os
import re
import stat
import struct
import sys
import time
import unicodedata
import zlib

VERSION = "1"
RECORD, GROUP, MESSAGE, BLOCK = 60_000, 1 << 20, 4 << 20, 1 << 20  # § encoding 3: bytes of a record, a group, a message
EMPTY_ROOT = hashlib.sha256().hexdigest()
ASPECTS = ("record", "evidence", "identity", "time", "witness", "custody", "completeness")


class Bad(Exception):
    """Evidence that is not in its form: a finding's code, and what was found."""

    def __init__(self, code, found="", where=None):
        super().__init__(found)
        self.code, self.found, self.where = code, found, where


class Usage(Exception):
    """The caller's mistake, not the evidence's: exit code 2."""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


# ---------------------------------------------------------------------------- 1. The report (§ verification 3 to 5)
def aspect_of(code):
    """§ verification 7: which aspect a finding belongs to."""
    number = int(code[1:])
    if code in ("E116", "E118", "E119") or 301 <= number <= 318 or number in (903, 904) or 911 <= number <= 920:
        return "custody"
    for low, high, aspect in ((407, 411, "identity"), (421, 429, "time"), (431, 433, "witness"), (501, 503, "completeness"),
                              (505, 507, "evidence"), (901, 902, "completeness"), (905, 905, "completeness"),
                              (931, 931, "time"), (935, 935, "witness")):
        if low <= number <= high:
            return aspect
    return "record"


def safe(text):
    """§ encoding 5 and verification 5: text as it may be shown; control characters escaped, long texts cut."""
    known, hidden = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}, ("Cc", "Cf", "Zl", "Zp", "Cs")
    out = "".join(known.get(c) or ("\\x%02x" % (ord(c) - 0xDC00) if "\udc80" <= c <= "\udcff" else "\\u{%x}" % ord(c))
                  if c in known or unicodedata.category(c) in hidden else c for c in str(text))
    if len(out) > 1024:
        out = out[:606] + "…" + sha256(out.encode())[:16] + "…" + out[-400:]
    return out


class Report:
    """Findings, what was not checked, and counts; at the end aspects and the verdict."""

    def __init__(self, subject):
        self.subject, self.findings, self.minor, self.by_code, self.missed = subject, [], [], {}, []
        self.missed_total, self.checked, self.states, self.failed, self.open = 0, {}, {}, {}, {}
        self.files, self.package, self.checkpoint, self.row, self.entries, self.items = {}, None, None, None, 0, set()
        self.compared_outside = self.sealed = self.internal = False
        self.identity_ok = self.witness_ok = False
        self.payload, self.left, self.bytes = 0, 0, 0

    def find(self, code, where, found="", expected=""):
        self.by_code[code] = self.by_code.get(code, 0) + 1
        severity = "error" if code[0] == "E" and code != "E103" else "warning"
        if severity == "error":
            self.failed.setdefault(aspect_of(code), "%s at %s" % (code, safe(where)))
        kept = self.findings if severity == "error" else self.minor
        if len(kept) < 10_000:
            kept.append({"code": code, "severity": severity, "where": safe(where), "expected": safe(str(expected)),
                         "found": safe(str(found))})

    def miss(self, aspect, code, what, reason, harmless=False):
        """Something was not checked. Unless it is harmless, its aspect cannot be ok."""
        if not harmless:
            self.open.setdefault(aspect, reason)
        self.missed_total += 1
        if len(self.missed) < 1000:
            self.missed.append({"aspect": aspect, "code": code, "what": safe(what), "reason": safe(reason)})

    def did(self, what, count=1):
        self.checked[what] = self.checked.get(what, 0) + count

    def file(self, path, checked=True):
        self.files[path] = checked and self.files.get(path, True)

    def aspects(self, policy):
        """§ verification 3."""
        why = dict(self.open)
        if not self.sealed:
            why.setdefault("record", "nothing sealed was there to check")
        if self.checkpoint is None or "E103" in self.by_code:
            why.setdefault("record", "no checkpoint, or a newer format version")
        if self.subject != "package" or not self.payload or self.left:
            why.setdefault("evidence", "no content was compared, or not all that is shown")
        if policy is None:
            for aspect in ("identity", "time", "witness"):
                why.setdefault(aspect, "no policy was given")
        elif not self.identity_ok:
            why.setdefault("identity", "the log is not known to the policy")
        why.setdefault("time", "this verifier does not check time-stamp tokens")
        if not self.witness_ok:
            why.setdefault("witness", "no witness that the policy knows has cosigned, or too few")
        if self.subject == "proof":
            why.setdefault("custody", "one row shows no history")
        if not self.compared_outside:
            why.setdefault("completeness", "nothing outside confirms that this is the newest state")
        elif "W901" in self.by_code or "W902" in self.by_code:
            why.setdefault("completeness", "something stands beside or above the newest checkpoint")
        out = {}
        for aspect in ASPECTS:
            state = "failed" if aspect in self.failed else "not_checked" if aspect in why else "ok"
            out[aspect] = {"reason": safe(self.failed.get(aspect) or why.get(aspect, "")), "status": state}
        return out

    def document(self, policy):
        """§ verification 4 and report.schema.json."""
        aspects = self.aspects(policy)
        required = ["record"]
        if policy is not None:
            required = ["record", "identity", "custody"] + sorted(policy.require) + ["witness"] * (policy.quorum != "none")
        if self.subject == "proof":
            required = [r for r in required if r not in ("custody", "evidence", "completeness")]
        short = [a for a in required if aspects[a]["status"] != "ok"]
        if self.failed:
            verdict, code, reason = "FAILED", 3, "failed: " + ", ".join(sorted(self.failed))
        elif short or {"W901", "W902", "E103"} & set(self.by_code) or self.internal:
            verdict, code = "NOT CHECKED", 4
            reason = "; ".join("%s: %s" % (a, aspects[a]["reason"]) for a in short) or "unfinished, unexpected or unknown"
        elif policy is None:
            verdict, code, reason = "INTEGRITY ONLY", 7, "no policy was given: nobody's identity is known"
        else:
            verdict, code, reason = "VERIFIED", 0, "all that the policy requires was checked and holds"
        for aspect in ("time", "witness", "completeness"):
            if aspects[aspect]["status"] == "not_checked" and aspect not in {m["aspect"] for m in self.missed}:
                self.miss(aspect, "not_checked", aspect, aspects[aspect]["reason"])
        scope = {"package": "package", "proof": "row", "log": "log"}.get(self.subject, "record")
        findings = (self.findings + self.minor)[:10_000]
        hidden = sum(self.by_code.values()) - len(findings)
        if hidden:
            findings.append({"code": "W999", "severity": "note", "where": "report", "expected": "", "found":
                             "%d more findings are not listed" % hidden})
        done = sum(self.files.values())
        counts = {
            "checked": self.checked, "not_checked": self.missed_total, "rows": sum(self.states.values()),
            "states": self.states, "entries": self.entries, "exhibits": len(self.items), "bytes": self.bytes,
            "findings": {"total": sum(self.by_code.values()), "by_code": dict(sorted(self.by_code.items()))},
            "files_of_record": {"checked": done, "not_checked": len(self.files) - done, "total": len(self.files)}}
        if self.subject == "package":
            counts.update(payload_compared=self.payload, payload_left=self.left)
        if self.row:
            counts["row"] = self.row
        out = {"_t": "evidencekit/report/1", "subject": self.subject, "verdict": verdict, "exit_code": code,
               "line": verdict + " (%s)" % scope if code == 0 else verdict, "scope": scope, "reason": reason,
               "aspects": aspects, "findings": findings, "not_checked": self.missed, "counts": counts,
               "checked": ["%d %s" % (n, what.replace("_", " ")) for what, n in self.checked.items()],
               "checkpoint": self.checkpoint,
               "times": None if self.subject == "proof" else {"bounds": [], "bounds_total": 0, "covered_by": []}}
        if self.package is not None:
            out["package"] = self.package
        return out


# ---------------------------------------------------------------------------- 2. Canonical records (§ encoding)
STRUCTURE = re.compile(r'"[^"\\]*(?:\\.?[^"\\]*)*(?:"|\Z)|[\[{\]}]', re.S)
MEMBER = re.compile(r"(?:[a-z][a-z0-9_]*|_t)\Z")


def _object(pairs):
    out = dict(pairs)
    if len(out) != len(pairs) or not all(MEMBER.match(k) for k in out):
        raise ValueError("member names")
    return out


def _integer(text):
    if len(text) > 17 or abs(int(text)) >= 1 << 53:
        raise ValueError("an integer out of range")
    return int(text)


def _refuse(text):
    raise ValueError("not an integer: " + text[:20])


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def decode(data, limit=RECORD):
    """§ encoding 1 to 3: the one value that these bytes can mean; E101, or E102 where they are too many or too deep."""
    if len(data) > limit:
        raise Bad("E102", "%d bytes" % len(data))
    try:
        text, depth = data.decode("utf-8"), 0
        for match in STRUCTURE.finditer(text):
            depth += {"{": 1, "[": 1, "]": -1, "}": -1}.get(match.group()[:1], 0)
            if depth > 8:
                raise Bad("E102", "nested too deep")
        value = json.loads(text, object_pairs_hook=_object, parse_int=_integer, parse_float=_refuse, parse_constant=_refuse)
        if not isinstance(value, dict) or canonical(value) != data:
            raise ValueError("not the canonical form")
    except (ValueError, RecursionError) as error:
        raise Bad("E101", str(error)) from None
    return value


def record(data, name, form, limit=RECORD, newer="E103"):
    """A record of type `evidencekit/NAME/1` in its form. A higher version of the type is E103."""
    value = decode(data, limit)
    match = re.match(r"evidencekit/(.*)/([1-9][0-9]{0,8})\Z", str(value.get("_t")), re.S)
    if match and match.group(1) == name and match.group(2) != "1":
        raise Bad(newer, str(value["_t"]))
    fault = mismatch(dict(form, _t=lambda v: v == "evidencekit/%s/1" % name), value)
    if fault:
        raise Bad("E101", fault)
    return value


def mismatch(form, value, path=""):
    """A form is a predicate, or a dict of members, of which those with "?" may be absent. '' where the value fits."""
    if callable(form):
        return "" if form(value) else path or "value"
    if not isinstance(value, dict):
        return path or "not an object"
    known = {name.rstrip("?"): (name[-1] == "?", inner) for name, inner in form.items()}
    for name in value:
        if name not in known:
            return "%s.%s is unknown" % (path, name)
    for name, (optional, inner) in known.items():
        if name in value:
            fault = mismatch(inner, value[name], path + "." + name)
            if fault:
                return fault
        elif not optional:
            return "%s.%s is missing" % (path, name)
    return ""


def matches(pattern):
    compiled = re.compile("(?:%s)\\Z" % pattern, re.S)
    return lambda v: isinstance(v, str) and compiled.match(v) is not None


def or_null(form):
    return lambda v: v is None or not mismatch(form, v)


def array(form, most=500, least=0):
    return lambda v: isinstance(v, list) and least <= len(v) <= most and not any(mismatch(form, x) for x in v)


def one_of(words):
    return lambda v: isinstance(v, str) and v in words.split()


def some_of(**members):
    """§ encoding 4: an object with at least one of these members, and no other."""
    form = {name + "?": inner for name, inner in members.items()}
    return lambda v: isinstance(v, dict) and bool(v) and not mismatch(form, v)


def b64(text, size=None):
    """Bytes of strict base64; None where it is not."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, TypeError):
        return None
    ok = base64.b64encode(raw).decode() == text and (size is None or len(raw) == size)
    return raw if ok else None


def based(size=None):
    return lambda v: isinstance(v, str) and b64(v, size) is not None


def instant(text):
    """§ encoding 4: nanoseconds since 1970, or None."""
    match = re.match(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)\.(\d{9})Z\Z", text, re.A) if isinstance(text, str) else None
    if not match:
        return None
    y, mo, d, h, mi, s, ns = map(int, match.groups())
    if not (y and 1 <= mo <= 12 and h < 24 and mi < 60 and s < 60 and 1 <= d <= calendar.monthrange(y, mo)[1]):
        return None
    days = 365 * (y - 1970) + (y - 1) // 4 - 1969 // 4 - (y - 1) // 100 + 19 + (y - 1) // 400 - 4
    days += sum(calendar.monthrange(y, m)[1] for m in range(1, mo)) + d - 1
    return ((days * 24 + h) * 60 + mi) * 60 * 10**9 + s * 10**9 + ns


SPAN = {"ns": 1, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "day": 86_400 * 10**9}


def moment(v):
    form = {"precision": one_of("ns ms s min day"), "time": lambda t: instant(t) is not None, "utc_offset_min":
            or_null(lambda n: isinstance(n, int) and not isinstance(n, bool) and abs(n) <= 1439)}
    return not mismatch(form, v) and (v["precision"] == "day" or instant(v["time"]) % SPAN[v["precision"]] == 0) and (
        v["precision"] != "day" or instant(v["time"]) % SPAN["min"] == 0)


def span(v):
    """A moment means any instant from its time to its end: both in nanoseconds."""
    start = instant(v["time"])
    return start, start + SPAN[v["precision"]] - 1


def boolean(v):
    return isinstance(v, bool)


def string(v):
    return isinstance(v, str)


def text(v):
    return isinstance(v, str) and len(v.encode("utf-8", "surrogatepass")) <= 4096


def count(v):
    return isinstance(v, str) and re.match(r"(?:0|[1-9][0-9]{0,19})\Z", v) is not None and int(v) < 1 << 64


def exhibit(v):
    return isinstance(v, str) and v.count("/") <= 4 and EXHIBIT(v)


signed, hex32 = matches("0|-?[1-9][0-9]{0,29}"), matches("[0-9a-f]{64}")
fingerprint, EXHIBIT = matches("SHA256:[A-Za-z0-9+/]{43}"), matches("(?:[a-z0-9-]{1,40}/)*[A-Za-z0-9][A-Za-z0-9._-]{0,63}")



# ---------------------------------------------------------------------------- 3. Trees (RFC 6962, § checkpoint 1)
def leaf_hash(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """A tree that grows: the roots of its full subtrees, largest first, are all it needs."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, leaf):
        size, self.size = self.size, self.size + 1
        while size & 1:
            leaf, size = node(self.peaks.pop(), leaf), size >> 1
        self.peaks.append(leaf)

    def root(self):
        if not self.peaks:
            return EMPTY_ROOT
        out = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            out = node(peak, out)
        return out.hex()


def included(index, size, leaf, proof, root):
    """RFC 9162, 2.1.3.2: does this proof lead from the leaf hash to the root?"""
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


# ---------------------------------------------------------------------------- 4. Signatures
# Ed25519 (RFC 8032), as strict as § checkpoint 5: canonical encodings of points of the prime-order subgroup other than
# its neutral element, S < L. Points are (X, Y, Z, T), extended coordinates.
P25519, L25519 = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D25519 = -121665 * pow(121666, P25519 - 2, P25519) % P25519
NEUTRAL = (0, 1, 1, 0)


def _ed_add(a, b):
    p = P25519
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % p, (a[1] + a[0]) * (b[1] + b[0]) % p
    g, h = 2 * a[3] * b[3] * D25519 % p, 2 * a[2] * b[2] % p
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % p, g * h % p, f * g % p, e * h % p


def _ed_mul(s, point, t=0, other=NEUTRAL):
    """s·point + t·other, both at once."""
    out, table = NEUTRAL, (None, point, other, _ed_add(point, other))
    for bit in range(max(s.bit_length(), t.bit_length()) - 1, -1, -1):
        out = _ed_add(out, out)
        which = (s >> bit & 1) + 2 * (t >> bit & 1)
        if which:
            out = _ed_add(out, table[which])
    return out


def _ed_encode(point):
    inverse = pow(point[2], P25519 - 2, P25519)
    return (point[1] * inverse % P25519 | (point[0] * inverse % P25519 & 1) << 255).to_bytes(32, "little")


@functools.lru_cache(4096)
def ed25519_key(raw):
    """The point of a public key, or None where the key is to be refused."""
    p, y = P25519, int.from_bytes(raw, "little") & (1 << 255) - 1
    sign = raw[31] >> 7 if len(raw) == 32 else 0
    if len(raw) != 32 or y >= p:
        return None
    square = (y * y - 1) * pow(D25519 * y * y + 1, p - 2, p) % p
    x = pow(square, (p + 3) // 8, p)
    if (x * x - square) % p:
        x = x * pow(2, (p - 1) // 4, p) % p
    if (x * x - square) % p or (x == 0 and sign):
        return None
    x = p - x if x & 1 != sign else x
    point = (x, y, 1, x * y % p)
    return point if _ed_encode(point) != _ed_encode(NEUTRAL) == _ed_encode(_ed_mul(L25519, point)) else None


BASE25519 = ed25519_key((4 * pow(5, P25519 - 2, P25519) % P25519).to_bytes(32, "little"))


def ed25519(raw, message, signature):
    """With the key in the prime-order subgroup, S·B - k·A is in it as well: so comparing bytes judges R, too."""
    key = ed25519_key(raw)
    if key is None or len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L25519 or r == _ed_encode(NEUTRAL):
        return False
    k = int.from_bytes(hashlib.sha512(r + raw + message).digest(), "little") % L25519
    return _ed_encode(_ed_mul(s, BASE25519, L25519 - k, key)) == r


# ML-DSA-44 (FIPS 204), verification alone; numbers of algorithms are those of the standard.
Q, ZETAS = 8380417, [pow(1753, int("{:08b}".format(k)[::-1], 2), 8380417) for k in range(256)]


def _ntt(w):  # 41
    w, m, length = list(w), 0, 128
    while length:
        for start in range(0, 256, 2 * length):
            m += 1
            for j in range(start, start + length):
                t = ZETAS[m] * w[j + length] % Q
                w[j + length], w[j] = (w[j] - t) % Q, (w[j] + t) % Q
        length >>= 1
    return w


def _inverse_ntt(w):  # 42
    w, m, length = list(w), 256, 1
    while length < 256:
        for start in range(0, 256, 2 * length):
            m -= 1
            for j in range(start, start + length):
                t = w[j]
                w[j], w[j + length] = (t + w[j + length]) % Q, ZETAS[m] * (w[j + length] - t) % Q
        length <<= 1
    return [x * 8347681 % Q for x in w]


def _bits(data, width):
    number = int.from_bytes(data, "little")
    return [number >> i * width & (1 << width) - 1 for i in range(len(data) * 8 // width)]


@functools.lru_cache(64)
def _mldsa_key(raw):  # 32: matrix A from the seed; and t1·2^13
    matrix = {}
    for r in range(4):
        for s in range(4):
            stream, poly, size = b"", [], 1024
            while len(poly) < 256:
                stream = hashlib.shake_128(raw[:32] + bytes((s, r))).digest(size)
                triples = (int.from_bytes(stream[i:i + 3], "little") & 0x7FFFFF for i in range(0, size // 3 * 3, 3))
                poly, size = [z for z in triples if z < Q][:256], 2 * size
            matrix[r, s] = poly
    return matrix, [_ntt([t << 13 for t in _bits(raw[32 + 320 * i:352 + 320 * i], 10)]) for i in range(4)]


def _in_ball(seed):  # 29
    stream, c, at = hashlib.shake_256(seed).digest(4096), [0] * 256, 8
    signs = int.from_bytes(stream[:8], "little")
    for i in range(256 - 39, 256):
        while stream[at] > i:
            at += 1
        c[i], c[stream[at]] = c[stream[at]], 1 - 2 * (signs >> i + 39 - 256 & 1)
        at += 1
    return c


def _hints(data):  # 21
    h, index = [[0] * 256 for _ in range(4)], 0
    for i in range(4):
        first, end = index, data[80 + i]
        if not index <= end <= 80:
            return None
        for index in range(first, end):
            if index > first and data[index - 1] >= data[index]:
                return None
            h[i][data[index]] = 1
        index = end
    return None if any(data[index:80]) else h


def _use_hint(hint, r):  # 40
    r0 = r % 190464
    r0 -= 190464 if r0 > 95232 else 0
    r1, r0 = (0, r0 - 1) if r - r0 == Q - 1 else ((r - r0) // 190464, r0)
    return (r1 + (1 if r0 > 0 else -1)) % 44 if hint else r1


def mldsa44(raw, message, signature):  # 3 and 8, empty context
    if len(raw) != 1312 or len(signature) != 2420:
        return False
    z = [[131072 - x for x in _bits(signature[32 + 576 * i:608 + 576 * i], 18)] for i in range(4)]
    h = _hints(signature[2336:])
    if h is None or any(abs(x) >= 131072 - 78 for poly in z for x in poly):
        return False
    mu = hashlib.shake_256(hashlib.shake_256(raw).digest(64) + b"\0\0" + message).digest(64)
    (matrix, t1), c, z = _mldsa_key(raw), _ntt(_in_ball(signature[:32])), [_ntt(poly) for poly in z]
    packed, at = 0, 0
    for r in range(4):
        row = _inverse_ntt([(sum(matrix[r, s][i] * z[s][i] for s in range(4)) - c[i] * t1[r][i]) % Q for i in range(256)])
        for i in range(256):
            packed |= _use_hint(h[r][i], row[i]) << at
            at += 6
    return hashlib.shake_256(mu + packed.to_bytes(768, "little")).digest(32) == signature[:32]


# ---------------------------------------------------------------------------- 5. Persons' signatures (§ custody-log 1)
OTHER_KINDS = (b"sk-ssh-ed25519@openssh.com", b"sk-ecdsa-sha2-nistp256@openssh.com", b"ecdsa-sha2-nistp256",
               b"ecdsa-sha2-nistp384", b"ssh-rsa")  # accepted by custody-log 1.3, not checked here; certificates neither


def fields(data, most=64):
    """SSH strings, one after the other; nothing may be left."""
    out, at = [], 0
    while at < len(data):
        size = int.from_bytes(data[at:at + 4], "big")
        if len(data) < at + 4 + size or len(out) >= most:
            raise ValueError("a length in an SSH structure")
        out.append(data[at + 4:at + 4 + size])
        at += 4 + size
    return out


def key_of(blob):
    """The bytes of an OpenSSH Ed25519 key; None where it is of another acceptable kind; ValueError: not acceptable."""
    kind, *rest = fields(blob)
    if kind == b"ssh-ed25519" and len(rest) == 1 and ed25519_key(rest[0]) is not None:
        return rest[0]
    if kind in OTHER_KINDS and not (kind == b"ssh-rsa" and (len(rest) != 2 or not 3072 <= int.from_bytes(rest[1], "big").bit_length() <= 16384)):
        return None
    raise ValueError("a key that is not accepted: " + str(kind, "ascii", "replace")[:60])


def print_of(blob):
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def sshsig(data, message, namespace, signer, log_key=None):
    """§ verification 1.4: the first that holds of E402 form, E403 key, E404 kind of key, E402 rest, E404 the log's key.

    True; or False where the key is of a kind that is not checked here."""
    head, tail = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
    try:
        blob = base64.b64decode(data[len(head):-len(tail)])
        lines = base64.b64encode(blob)
        lines = b"".join(lines[i:i + 70] + b"\n" for i in range(0, len(lines), 70))
        if head + lines + tail != data or blob[:10] != b"SSHSIG\0\0\0\1":
            raise ValueError("not the armour of an SSH signature")
        public, space, reserved, name, signature = fields(blob[10:])
        kind = public[4:4 + int.from_bytes(public[:4], "big")]
    except ValueError as error:
        raise Bad("E402", str(error)) from None
    if kind.endswith(b"-cert-v01@openssh.com"):
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
    digest = hashlib.sha512(message).digest()
    signed_data = b"SSHSIG" + b"".join(struct.pack(">I", len(x)) + x for x in (space, reserved, name, digest))
    wrapped = struct.pack(">I", 11) + b"ssh-ed25519" + struct.pack(">I", 64) + signature[-64:]
    if signature != wrapped or not ed25519(key, signed_data, signature[-64:]):
        raise Bad("E402", "the signature is not good")
    if key == log_key:
        raise Bad("E404", "the log's own key")
    return True


# ---------------------------------------------------------------------------- 6. Checkpoints and cosignatures (§ checkpoint)
ORIGIN = re.compile(r"(?=[^/]*\.)[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)+\Z")


def vkey(text):
    """(name, key ID, type, public key) of a C2SP vkey; ValueError."""
    name, _, rest = text.partition("+")
    ident, _, key = rest.partition("+")
    raw = b64(key)
    size = {1: 33, 4: 33, 6: 1313}.get(raw[0]) if raw else None
    if not name or size != len(raw) or hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8] != ident:
        raise ValueError("not a vkey")
    if size == 33 and ed25519_key(raw[1:]) is None:
        raise ValueError("an Ed25519 key that is refused")
    return name, ident, raw[0], raw[1:]


def origin_ok(text):
    return len(text) <= 200 and ORIGIN.match(text) is not None


def note_of(data):
    """§ checkpoint 2 to 4: (origin, size, root, text, signature lines) of a note; E105."""
    try:
        if len(data) > 1 << 20:
            raise ValueError("too large")
        head, _, tail = data.decode("utf-8").partition("\n\n")
        origin, size, root = head.split("\n")
        raw, lines = b64(root, 32), tail.split("\n")
        if not (origin_ok(origin) and count(size) and int(size) < 1 << 63 and raw and lines.pop() == "" and 0 < len(lines) <= 100):
            raise ValueError("not a checkpoint")
        return origin, int(size), raw.hex(), head + "\n", [line_of(line) for line in lines]
    except ValueError as error:
        raise Bad("E105", str(error)) from None


def line_of(line):
    """(key name, key ID, what was signed with it) of one signature line."""
    match = re.match("— ([^ +\\s]+) ([A-Za-z0-9+/=]+)\\Z", line)
    raw = b64(match.group(2)) if match else None
    if not raw or len(raw) < 5:
        raise ValueError("not a signature line")
    return match.group(1), raw[:4].hex(), raw[4:]


def line_fits(line, key):
    return line[:2] == key[:2] and len(line[2]) == {1: 64, 4: 72, 6: 2428}[key[2]]


@functools.lru_cache(65536)
def line_good(line, key, origin, size, root, text):
    """Is this line, which names this key, a good signature over the checkpoint? § checkpoint 4 and 9."""
    kind, raw, signature = key[2], key[3], line[2]
    if kind == 1:
        return ed25519(raw, text.encode(), signature)
    stamp, signature = signature[:8], signature[8:]
    if kind == 4:
        when = int.from_bytes(stamp, "big")
        return ed25519(raw, b"cosignature/v1\ntime %d\n" % when + text.encode(), signature)
    name, log = key[0].encode(), origin.encode()
    return mldsa44(raw, b"subtree/v1\n\0" + bytes([len(name)]) + name + stamp + bytes([len(log)]) + log + bytes(8)
                   + size.to_bytes(8, "big") + bytes.fromhex(root), signature)


def since_of(given):
    """§ verification 1.12 and checkpoint 13: (origin or None, size, root) of a note or of `[ORIGIN] SIZE ROOT`; Usage."""
    words = given.partition("\n\n")[0].split()
    try:
        root = words[-1].lower() if re.match("[0-9A-Fa-f]{64}\\Z", words[-1]) else b64(words[-1], 32).hex()
        if len(given) > 16_384 or len(words) not in (2, 3) or not count(words[-2]) or not 0 < int(words[-2]) < 1 << 63:
            raise ValueError
        if len(words) == 3 and not origin_ok(words[0]):
            raise ValueError
        return words[0] if len(words) == 3 else None, int(words[-2]), root
    except (ValueError, AttributeError, IndexError):
        raise Usage("--since is no checkpoint: [ORIGIN] SIZE ROOT, or a note") from None


# ---------------------------------------------------------------------------- 7. The recipient's policy (§ policy)
def toml(text):
    """The part of TOML that policies use: tables, arrays of tables, strings, integers, booleans, dates, arrays, inline
    tables. A value is read as the JSON that it becomes when dates are quoted and `=` is `:`."""
    token = re.compile(r'"(?:[^"\\\n]|\\["\\])*"|#[^\n]*|\d{4}-\d\d-\d\d[0-9T:.Z+-]*|[A-Za-z_][A-Za-z0-9_-]*(?=\s*=)|,\s*(?=[\]}])|=')
    root, lines = {}, text.splitlines()
    table = root
    while lines:
        line = lines.pop(0).strip()
        header = re.match(r"(\[\[?)([A-Za-z0-9_-]+)(?:\.([A-Za-z0-9_-]+))?\]\]?\s*(?:#.*)?\Z", line)
        member = re.match(r'("[^"\\]*"|[A-Za-z0-9_-]+)\s*=\s*(.*)\Z', line)
        if header and header.group(1) == "[[":
            table = {}
            root.setdefault(header.group(2), []).append(table)
        elif header:
            parent = root[header.group(2)][-1] if header.group(3) else root
            table = parent[header.group(3) or header.group(2)] = {}
        elif member:
            key, rest = member.group(1).strip('"'), member.group(2)
            while True:
                made = token.sub(lambda m: {'"': m.group(), "#": "", ",": "", "=": ":"}.get(m.group()[0], '"%s"' % m.group()), rest)
                try:
                    value = json.loads(made, object_pairs_hook=lambda pairs: table_of(pairs))
                    break
                except json.JSONDecodeError:
                    if not lines:
                        raise
                    rest += "\n" + lines.pop(0)
            table.update(table_of([(key, value)] + list(table.items())))
        elif line and line[0] != "#":
            raise ValueError("a line that is not understood: " + line[:60])
    return root


def table_of(pairs):
    if len({key for key, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def ssh_time(word):
    """allowed_signers' times, in nanoseconds; without Z in the computer's own zone, as ssh-keygen has it."""
    digits = word.rstrip("Zz")
    form = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}[len(digits)]
    parsed = time.strptime(digits, form)
    return int(calendar.timegm(parsed) if word != digits else time.mktime(parsed)) * 10**9


class Policy:
    """The policy folder. Whatever is not understood is refused (Usage): a demand must not be dropped."""

    def __init__(self, folder):
        self.require, self.algorithms, self.logs, self.persons, self.revoked = set(), {}, {}, {}, {}
        self.vkeys, self.witnesses, self.groups, self.quorum = {}, {}, {}, "none"
        here = "policy.toml"
        try:
            self._demands(toml(self._text(folder, here)))
            here = "allowed_signers"
            for line in self._text(folder, here).splitlines():
                self._person(line.strip())
            here = "logs.policy"
            for line in self._text(folder, here).splitlines():
                self._log(line.partition("#")[0].split() if not line.startswith("#") else [])
            here = "revoked.toml"
            if os.path.exists(os.path.join(folder, here)):
                for entry in self._members(toml(self._text(folder, here)), {"key"}).get("key", []):
                    self._members(entry, {"fingerprint", "reason", "sizes", "not_after"})
                    self.revoked[entry["fingerprint"]] = (entry.get("sizes", {}), self._date(entry.get("not_after")))
        except (OSError, ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
            raise Usage("%s of the policy: %s" % (here, error)) from None

    @staticmethod
    def _text(folder, name):
        with open(os.path.join(folder, name), "rb") as file:
            return file.read(1 << 24).decode("utf-8")

    @staticmethod
    def _members(table, known):
        if set(table) - known:
            raise ValueError("not understood: " + ", ".join(sorted(set(table) - known)))
        return table

    @staticmethod
    def _date(value):
        if value is None:
            return None
        match = re.match(r"(\d{4}-\d\d-\d\d)(?:T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z)?\Z", value)
        return instant("%sT%s.%sZ" % (match.group(1), match.group(2) or "23:59:59", (match.group(3) or "").ljust(9, "0")))

    def _demands(self, document):
        self._members(document, {"version", "require", "algorithms", "time", "log"})
        if document["version"] != 1 or set(document.get("require", [])) - set(ASPECTS):
            raise ValueError("version, or an aspect that is required")
        self.require = set(document.get("require", [])) - {"record", "identity", "custody"}
        for kind, until in document.get("algorithms", {}).items():
            self.algorithms[kind] = until if isinstance(until, bool) else self._date(until)
        self._members(document.get("time", {}), {"authorities", "policies"})
        for log in document.get("log", []):
            self._members(log, {"origin", "all_required_from", "min_size", "vouched_by"})
            self.logs[log["origin"]] = log

    def _person(self, line):
        words = re.findall(r'(?:"[^"]*"|[^\s"])+', line)
        if not words or line.startswith("#"):
            return
        names, options = words[0].strip('"'), {}
        kinds = [i for i, w in enumerate(words) if i and re.match(r"(?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+\Z", w)]
        for option in re.findall(r'(?:"[^"]*"|[^,"])+', ",".join(words[1:kinds[0]])):
            name, _, value = option.partition("=")
            options[name.lower()] = value.strip('"')
        if set(options) - {"namespaces", "valid-after", "valid-before", "cert-authority"}:
            raise ValueError("an option that is not understood: " + line[:100])
        blob = b64(words[kinds[0] + 1])
        key_of(blob)
        if fields(blob)[0].decode() != words[kinds[0]]:
            raise ValueError("a key of another kind than it says")
        spaces = options.get("namespaces")
        if "cert-authority" in options or spaces is not None and not self._pattern(spaces, "evidencekit-event"):
            return
        window = tuple(ssh_time(options[n]) if n in options else None for n in ("valid-after", "valid-before"))
        self.persons.setdefault(print_of(blob), []).append((names, window, words[kinds[0]]))

    @staticmethod
    def _pattern(patterns, name):
        """Pattern lists of ssh: `*`, `?`, and `!` for those that are not meant."""
        hit = False
        for pattern in patterns.split(","):
            regex = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in re.sub(r"\*+", "*", pattern.lstrip("!")))
            if re.match("(?:%s)\\Z" % regex, name, re.S):
                if pattern[:1] == "!":
                    return False
                hit = True
        return hit

    def _log(self, words):
        if not words:
            return
        if words[0] == "log" and len(words) in (2, 3):
            key = vkey(words[1])
            self.vkeys.setdefault(key[0], []).append(key)
        elif words[0] == "witness" and len(words) in (3, 4):
            self.groups[words[1]] = (1, [words[1]])
            self.witnesses[words[1]] = vkey(words[2])
        elif words[0] == "group" and len(words) > 3:
            need = {"any": 1, "all": len(words) - 3}.get(words[2]) or int(words[2])
            if not all(w in self.groups for w in words[3:]) or not 0 < need <= len(words) - 3:
                raise ValueError("a group of what is not defined before")
            self.groups[words[1]] = (need, words[3:])
        elif words[0] == "quorum" and len(words) == 2 and (words[1] == "none" or words[1] in self.groups):
            self.quorum = words[1]
        else:
            raise ValueError("not understood: " + " ".join(words)[:100])

    def satisfied(self, name, signed):
        """Is the quorum met by these witnesses? With `none`, one of them is enough for the aspect."""
        if name == "none":
            return bool(signed)
        if name in self.witnesses:
            return name in signed
        need, members = self.groups[name]
        return sum(self.satisfied(member, signed) for member in members) >= need

    def admits(self, note, size, keys, opening):
        """§ policy 3: None where the log is admitted, else why not. `opening`: principals that signed event 0 well."""
        log, known = self.logs.get(note[0], {}), self.vkeys.get(note[0], [])
        if known:
            good = [any(line_fits(line, k) and line_good(line, k, *note[:4]) for line in note[4]) for k in known]
            enough = all(good) if size >= log.get("all_required_from", 1 << 63) else any(good)
            return None if enough else "not signed by the keys that the policy lists"
        if set(log.get("vouched_by", [])) & opening:
            return None
        return "a log that the policy does not know"

    def judge(self, fingerprint, name, bounds, origin, index, now):
        """§ policy 4 to 8: (code or None, reason) of one signer; code "" where it cannot be told."""
        lines = self.persons.get(fingerprint, [])
        if name is not None:
            lines = [line for line in lines if self._pattern(line[0], name)]
        if not lines:
            return "E408", "%s %s" % (name or "", fingerprint)
        early, late, unproven = bounds
        late = now if late is None else min(late, now)
        revoked = self.revoked.get(fingerprint)
        if revoked:
            sizes, after = revoked
            if origin in sizes and index >= sizes[origin] or origin not in sizes and after is None:
                return "E410", "revoked"
            if origin not in sizes and (bounds[1] is None or bounds[1] > after):
                return ("", "a time-stamp that may tell is not checked") if unproven else ("E410", "not proven to be before")
        until = self.algorithms.get(lines[0][2], True)
        if until is False or until is not True and late > until:
            return ("", "a time-stamp that may tell is not checked") if unproven and until is not False else ("E411", lines[0][2])
        outside = True
        for _, (after, before), _ in lines:
            if (after is None or early is not None and early >= after) and (before is None or late < before):
                return None, ""
            outside &= (after is not None and late < after) or (before is not None and early is not None and early >= before)
        return ("E409", "outside the key's validity") if outside else ("", "neither inside nor outside its validity is proven")


# ---------------------------------------------------------------------------- 8. Where the evidence lies (§ package 9)
class Source:
    """Files by path: `names` has their sizes, `odd` what is neither file nor folder. Nothing is followed or unpacked."""

    container = "folder"

    def __init__(self):
        self.names, self.odd, self.folders = {}, set(), set()

    def blocks(self, path):
        raise NotImplementedError

    def close(self):
        pass

    def read(self, path, limit):
        """The whole content; KeyError: not there; E102: too large."""
        if self.names[path] > limit:
            raise Bad("E102", "%d bytes" % self.names[path])
        return b"".join(self.blocks(path))


class Folder(Source):
    def __init__(self, root):
        super().__init__()
        self.root, todo = root, [""]
        while todo:
            prefix = todo.pop()
            with os.scandir(os.path.join(root, *prefix.split("/"))) as entries:
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
        left = self.names[path]
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(os.path.join(self.root, *path.split("/")), flags), "rb") as file:
            while left:
                block = file.read(min(BLOCK, left))
                if not block:
                    return
                left -= len(block)
                yield block


class Archive(Source):
    """A zip or tar: `at` has for each path where its content begins, its stored size, its method and CRC."""

    def __init__(self, file):
        super().__init__()
        self.file, self.at = file, {}
        self.end = file.seek(0, os.SEEK_END)

    def close(self):
        self.file.close()

    def bytes_at(self, at, size):
        data = b""
        if 0 <= at <= self.end:
            self.file.seek(at)
            data = self.file.read(size)
        if len(data) != size:
            raise Bad("E151", "cut off", "archive")
        return data

    def add(self, path, size, at, stored, method=0, crc=None):
        bare = path[:-1] if path.endswith("/") else path
        if bare in self.names or bare in self.folders:
            raise Bad("E155", bare, bare.partition("/")[2])
        if path.endswith("/"):
            self.folders.add(bare)
        else:
            self.names[path], self.at[path] = size, (at, stored, method, crc)
        if len(self.names) + len(self.folders) > 5_000_000:
            raise Bad("E156", "too many files", "archive")

    def strip(self):
        """§ package: everything lies in one folder at the top; names are those below it."""
        tops = {path.partition("/")[0] for path in self.names} | {path.partition("/")[0] for path in self.folders}
        first = next(iter(self.names), next(iter(self.folders), "")).partition("/")[0]
        alone = next((path for path in list(self.names) + sorted(self.folders) if path.partition("/")[0] != first or path in
                      self.names and "/" not in path), None)
        if len(tops) != 1 or alone is not None:
            raise Bad("E153", "not all in one folder", alone or "archive")
        cut = len(tops.pop()) + 1
        self.names = {path[cut:]: size for path, size in self.names.items()}
        self.at = {path[cut:]: entry for path, entry in self.at.items()}
        self.folders = {path[cut:] for path in self.folders} - {""}
        if sum(self.names.values()) > 1100 * self.end:
            raise Bad("E156", "more content than an archive of this size can have", "archive")

    def blocks(self, path):
        at, stored, method, crc = self.at[path]
        size, summed, inflate = self.names[path], 0, zlib.decompressobj(-15) if method == 8 else None
        try:
            while stored or inflate and not inflate.eof:
                self.file.seek(at)
                block = self.file.read(min(BLOCK, stored))
                at, stored = at + len(block), stored - len(block)
                if inflate:
                    given, block = block, inflate.decompress(block, BLOCK)
                    stored, at = stored + len(inflate.unconsumed_tail), at - len(inflate.unconsumed_tail)
                    if inflate.eof and (stored or inflate.unused_data) or not block and not given and not inflate.eof:
                        raise zlib.error("bytes left, or missing")
                elif not block:
                    break
                size, summed = size - len(block), zlib.crc32(block, summed)
                if size < 0:
                    break
                yield block
        except zlib.error as error:
            raise Bad("E157", str(error), path) from None
        if size or crc is not None and summed != crc:
            raise Bad("E157", "another size or checksum than the archive says", path)


class Zip(Archive):
    """Read from its central directory, which has to agree with the local headers, byte by byte, without gaps."""

    container = "zip"

    def __init__(self, file):
        super().__init__(file)
        end = struct.unpack("<4s4H2IH", self.bytes_at(self.end - 22, 22))
        if end[0] != b"PK\5\6" or end[1] or end[2] or end[3] != end[4] or end[7]:
            raise Bad("E151", "no end of a zip without comment, in one part", "archive")
        number, size, start, tail = end[4], end[5], end[6], self.end - 22
        if tail >= 20 and self.bytes_at(tail - 20, 4) == b"PK\6\7":
            where = struct.unpack("<4sIQI", self.bytes_at(tail - 20, 20))[2]
            big = struct.unpack("<4sQ2H2I4Q", self.bytes_at(where, 56))
            if big[0] != b"PK\6\6" or big[1] != 44 or where + 56 != tail - 20 or big[6] != big[7]:
                raise Bad("E152", "the ZIP64 end", "archive")
            number, size, start, tail = big[7], big[8], big[9], where
        if start + size != tail or number > 5_000_000 or size > 1 << 31:
            raise Bad("E152", "the central directory does not stand before the end", "archive")
        at, entries = start, []
        for _ in range(number):
            head = struct.unpack("<4s6H3I5H2I", self.bytes_at(at, 46))
            rest = self.bytes_at(at + 46, head[10] + head[11] + head[12])
            at += 46 + len(rest)
            try:
                path = rest[:head[10]].decode("utf-8")
            except UnicodeDecodeError:
                raise Bad("E153", "not UTF-8", rest[:head[10]].decode("utf-8", "backslashreplace")) from None
            if head[0] != b"PK\1\2" or at > tail or head[3] & ~0x0806 & ~8 or head[4] not in (0, 8) or head[12]:
                raise Bad("E151", "flags, method or comment", path)
            plain, stored, offset = self._extra(rest[head[10]:], [head[9], head[8], head[16]], path)
            if head[15] >> 16 and stat.S_IFMT(head[15] >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise Bad("E154", "not a plain file", path)
            entries.append((offset, path, plain, stored, head[3], head[4], head[7], rest[:head[10]]))
        if at != tail:
            raise Bad("E152", "bytes behind the central directory", "archive")
        at = 0
        for offset, path, plain, stored, flags, method, crc, raw in sorted(entries):
            head = struct.unpack("<4s5H3I2H", self.bytes_at(offset, 30)) if offset == at else (b"",)
            if head[0] != b"PK\3\4" or self.bytes_at(at + 30, head[9]) != raw or head[2:4] != (flags, method):
                raise Bad("E152", "the local header", path)
            extra = self.bytes_at(at + 30 + head[9], head[10])
            size, packed = self._extra(extra, [head[8], head[7]], path)
            if (size, packed, head[6]) != (plain, stored, crc) and not (flags & 8 and not (size or packed or head[6])):
                raise Bad("E152", "size or checksum in the local header", path)
            at += 30 + len(raw) + len(extra)
            if method == 0 and plain != stored or path.endswith("/") and plain:
                raise Bad("E152", "sizes", path)
            self.add(path, plain, at, stored, method, crc)
            at += stored
            if flags & 8:
                form = "<4sI2Q" if extra[:2] == b"\1\0" or max(plain, stored) > 0xFFFFFFFE else "<4s3I"
                if struct.unpack(form, self.bytes_at(at, struct.calcsize(form))) != (b"PK\7\10", crc, stored, plain):
                    raise Bad("E152", "the descriptor", path)
                at += struct.calcsize(form)
        if at != start:
            raise Bad("E152", "bytes between the entries and the central directory", "archive")
        self.strip()

    @staticmethod
    def _extra(data, values, path):
        """The sizes and offset, some of them in the ZIP64 field; other fields for times and owners alone."""
        at, wide = 0, None
        while at < len(data):
            kind, size = struct.unpack("<2H", data[at:at + 4]) if len(data) - at >= 4 else (0, 1 << 16)
            body, at = data[at + 4:at + 4 + size], at + 4 + size
            if at > len(data) or kind not in (1, 0x5455, 0x7875, 0x5855, 0x7855, 10) or kind == 1 and wide is not None:
                raise Bad("E151", "an extra field", path)
            wide = body if kind == 1 else wide
        out = []
        for value in values:
            if value == 0xFFFFFFFF and wide is not None:
                if len(wide) < 8:
                    raise Bad("E151", "the ZIP64 field", path)
                value, wide = int.from_bytes(wide[:8], "little"), wide[8:]
            out.append(value)
        return out


class Tar(Archive):
    container = "tar"

    def __init__(self, file):
        super().__init__(file)
        at, pax = 0, {}
        while True:
            head = self.bytes_at(at, 512)
            if not any(head):
                break
            number = re.match(rb" *([0-7]*)[ \0]", head[148:156])
            if head[257:263] not in (b"ustar\0", b"ustar ") or not number or (
                    sum(head[:148]) + 256 + sum(head[156:]) != int(number.group(1) or b"0", 8)):
                raise Bad("E151", "not a tar header", "archive")
            number = re.match(rb" *([0-7]+)[ \0]*\Z", head[124:136])
            kind, raw = head[156:157], (head[345:500].rstrip(b"\0") + b"/" if head[345] else b"") + head[:100].split(b"\0")[0]
            size = int(pax.get("size") or number.group(1), 8 if "size" not in pax else 10) if number else -1
            name = pax.get("path") or str(raw, "utf-8", "backslashreplace")
            if size < 0 or kind not in b"\x000123456xS" or kind == b"x" and (pax or size > 65_536):
                raise Bad("E151", "a header that is not for packages", "archive")
            at += 512
            if at + size > self.end:
                raise Bad("E151", "cut off", "archive")
            if kind == b"x":
                pax = self._pax(self.bytes_at(at, size))
            elif kind in b"12346S":
                raise Bad("E154", "not a plain file", name)
            else:
                if kind == b"5" and not name.endswith("/"):
                    name += "/"
                self.add(name, size, at, size)
                pax = {}
            at += size + -size % 512
        while at < self.end:
            if any(self.bytes_at(at, min(BLOCK, self.end - at))):
                raise Bad("E152", "something behind the end", "archive")
            at += BLOCK
        self.strip()

    @staticmethod
    def _pax(data):
        out, at = {}, 0
        while at < len(data):
            match = re.match(rb"([1-9][0-9]{0,5}) ([a-z]+)=", data[at:at + 40])
            line = data[at:at + int(match.group(1))] if match else b""
            key = match.group(2).decode() if match else ""
            if line[-1:] != b"\n" or key in out or key not in "path size mtime atime ctime uid gid uname gname comment".split():
                raise Bad("E151", "a pax header", "archive")
            try:
                out[key] = str(line[match.end():-1], "utf-8")
            except UnicodeDecodeError:
                raise Bad("E153", "not UTF-8", "archive") from None
            if key == "size" and not count(out[key]):
                raise Bad("E151", "a pax header", "archive")
            at += len(line)
        return out


RESERVED = re.compile(r"(?i)(?:CON|PRN|AUX|NUL|(?:COM|LPT)[0-9¹²³])(?:\..*)?\Z", re.S)


def fold(name):
    """NFC, case folding, NFC: what a file system may take for the same name."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def check_names(source):
    """§ package 9, E153 to E156, over what is in the package."""
    if source.odd:
        raise Bad("E154", "not a plain file", min(source.odd))
    spellings, beside = {}, 0
    for path in list(source.names) + sorted(source.folders):
        parts = path.split("/")
        if len(parts) > 64 or len(os.fsencode(path)) > 4096:
            raise Bad("E156", "too deep or too long", path)
        for part in parts:
            if part in ("", ".", "..") or part[-1] in " ." or RESERVED.match(part) or re.search('[\0-\x1f\x7f"*:<>?\\\\|\ud800-\udfff]', part):
                raise Bad("E153", "a name that leads elsewhere", path)
        beside += not path.startswith("data/")
        whole = ""
        for i, part in enumerate(parts):
            whole += part if not i else "/" + part
            is_file = i == len(parts) - 1 and path in source.names
            key = hash(fold(whole))
            if spellings.setdefault(key, (hash(whole), is_file)) != (hash(whole), is_file):
                raise Bad("E155", "the same name in another spelling, or a file that is a folder", whole)
    if beside > 70_000:
        raise Bad("E156", "too many files beside payload", "archive")


def open_package(path):
    """The files of a package, whatever it came in; Bad where the container is refused, None where it is encrypted."""
    if os.path.isdir(path):
        source = Folder(path)
    else:
        with open(path, "rb") as file:
            head = file.read(512)
        if head.startswith((b"age-encryption.org/", b"-----BEGIN AGE")):
            return None
        file = open(path, "rb")  # noqa: SIM115 - closed by whoever closes the source
        try:
            source = Zip(file) if head[:2] == b"PK" else Tar(file)
        except BaseException:
            file.close()
            raise
    try:
        check_names(source)
    except BaseException:
        source.close()
        raise
    return source


# ---------------------------------------------------------------------------- 9. Forms of events (§ custody-log 1, events.json)
# TYPE | essential fields | fields that are stated or named in `not_stated` | further ones. @ and + stand for fields that
# most types have.
COMMON = {"@": ("authority condition_after condition_before place purpose seals_after seals_before",
                "attachments bag clock_reference notes parameters tool"), "+": ("", "attachments clock_reference notes"), "": ("", "")}
TYPES = """
accept@ | offer | digests_checked | digests_count message offered_as offered_by refused
acquire | acquisition_type digests finished_at started_at tool | authority clock_reference condition description legal_channel\
 measure owner_present place receipt_given seized_at seized_by witnesses write_block | bag device_state identifiers make marks\
 model notes photos physical_seals quantity seized_from serial source_geometry unavoidable_change
adopt+ | branch case log | authority purpose |
analyse@ | | | report
anchor | at by file kind sha256 size | |
check_in@ | | |
check_out@ | to | | due
collect@ | | description | seized_from
copy@ | parts | |
correct+ | corrects text | | field
countersign | of | meaning |
derive | base_root engine file_sha256 header kind manifest root rows | |
disclose+ | to | authority purpose | rows use_limits
dispose+ | authority method witness | condition_after condition_before place purpose seals_after seals_before |\
 bag parameters released_to tool
erase+ | authority manifests | purpose whole | objects
export+ | contents hash_only package transfer | authority purpose | confidentiality onward_transfer to use_limits
extend+ | hold until | authority purpose |
hold+ | hold | authority purpose until | instrument received_at
hold_release+ | authority hold | purpose |
identify@ | description | |
incident+ | what | place |
key_add | id public_key | reason | replaces
key_retire | key | reason |
key_revoke | from_size key reason | | successor
loan@ | to | due | carrier tracking
offer@ | to | legal_channel | carrier confidentiality handed_over_at onward_transfer tracking use_limits
open | agency created_at log_keys origin reference | |
physical_seal@ | seals | |
physical_unseal@ | seals | |
reassign+ | authority reason to | purpose |
receipt+ | answer answered answered_by log | | export offer refused
receive+ | case checked log package policy sent_by transfer verdict | authority place purpose | carrier medium medium_condition\
 medium_seals offered_as refused tracking
redact@ | | |
refuse+ | offer reason | | message
release@ | to | |
return@ | | | carrier tracking
seal | file_sha256 header manifest root rows | |
split@ | parts | |
store@ | | | location
translate@ | | | languages
transport@ | | | carrier destination tracking
verify+ | result | | program report
view@ | | |
"""
PERSON, OBJECT = {"id": text, "key": fingerprint}, {"bytes": count, "sha256": hex32}
HEAD, REFERENCE = {"origin": text, "root": hex32, "size": count}, {"entry": count, "event": hex32}
PROGRAM = {"name": text, "version": text, "parts?": lambda v: isinstance(v, dict) and all(map(string, v.values()))}
REFUSED = array({"item": exhibit, "reason": text})
SELECTION = {"base_root": hex32, "list": OBJECT, "root": hex32, "rows": count}
PARTS = array({"item": exhibit, "description?": text, "selection?": SELECTION})
FORMS = {  # by TYPE.FIELD, else by FIELD, else text
    "accept.message": OBJECT, "acquire.authority": some_of(date=moment, issuer=text, number=text, scope=text, type=text,
                                                           valid_until=moment), "acquire.tool": PROGRAM,
    "acquisition_type": one_of("physical logical live memory mobile remote cloud web provider_return virtual_asset"),
    "adopt.case": based(16), "answer": OBJECT, "answered": one_of("accept receive refuse"), "answered_by": PERSON,
    "at": lambda v: instant(v) is not None, "attachments": array({"name": text, "sha256": hex32}), "base_root": hex32,
    "branch": matches("[a-z0-9-]{1,40}"), "checked": lambda v: isinstance(v, dict) and set(v) <= set(ASPECTS) and all(
        map(one_of("ok failed not_checked"), v.values())), "contents": array({"item": exhibit, "manifest": count,
                                                                            "root": hex32, "rows": count, "shown": count}),
    "clock_reference": some_of(device_clock=moment, method=text, offset_ms=text, reference_clock=moment),
    "corrects": REFERENCE, "created_at": moment, "derive.kind": one_of("media-type match"),
    "device_state": some_of(encryption=text, live_actions=text, lock=text, network_isolation=text, power=text, screen=text),
    "digests": array(one_of("blake3 sha256 md5 sha1 sha512 sha3_256")), "digests_checked": one_of("full sample none"),
    "digests_count": count, "due": moment, "engine": {"data_sha256": or_null(hex32), "name": text, "version": text},
    "export": REFERENCE, "file_sha256": hex32, "finished_at": moment, "from_size": count, "handed_over_at": moment,
    "hash_only": boolean, "header": hex32, "identifiers": array(text), "key": fingerprint, "kind": one_of("time-stamp cosignature"),
    "legal_channel": one_of("order mla consent voluntary open_source informal"), "log": HEAD, "log_keys": array(string, 2, 2),
    "manifest": count, "manifests": array({"file_sha256": hex32, "manifest": count, "reduced": count, "rows": count}),
    "marks": array(one_of("out_of_scope privileged sensitive")), "medium_seals": array(text), "message": OBJECT,
    "measure": one_of("seize copy maintain_integrity render_inaccessible"), "objects": count, "of": REFERENCE,
    "offer": dict(REFERENCE, origin=text), "offered_as": array(exhibit), "offered_by": PERSON, "owner_present": boolean,
    "package": hex32, "parts": PARTS, "photos": array(hex32), "physical_seals": array(text), "policy": or_null(hex32),
    "public_key": string, "quantity": count, "receipt.offer": REFERENCE, "receipt_given": boolean, "received_at": moment,
    "receive.case": based(16), "refused": REFUSED, "replaces": fingerprint, "report": hex32, "root": hex32, "rows": count,
    "disclose.rows": text, "result": one_of("verified integrity_only failed not_checked"), "seals": array(text),
    "seals_after": array(text), "seals_before": array(text), "seized_at": some_of(end=moment, start=moment),
    "seized_by": array(text), "sent_by": PERSON, "sha256": hex32, "size": count, "started_at": moment,
    "successor": or_null(fingerprint), "to": PERSON, "disclose.to": text, "release.to": text, "transfer": based(16),
    "unavoidable_change": some_of(what=text, who=text, why=text), "until": moment, "whole": boolean,
    "verdict": lambda v: v in ("VERIFIED", "INTEGRITY ONLY", "NOT CHECKED"), "witness": array({"id": text, "key?": fingerprint}),
    "witnesses": array(text), "write_block": some_of(make=text, model=text, none=text, serial=text, tested_on=moment)}
BODIES = {}
for _line in TYPES.strip().splitlines():
    _name, _essential, _stated, _other = [part.split() for part in _line.split("|")]
    _kind = _name[0].rstrip("@+")
    _more, _extra = COMMON[_name[0][len(_kind):]]
    _stated, _forms = _stated + _more.split(), {}
    for _f in _essential + _stated + _other + _extra.split():
        _forms[_f if _f in _essential else _f + "?"] = FORMS.get(_kind + "." + _f) or FORMS.get(_f, text)
    BODIES[_kind] = (_forms, set(_stated))
ACTOR = {"id": string, "key": fingerprint, "organisation": or_null(string), "role": or_null(string)}
EVENT = {
    "actor": ACTOR, "body": lambda v: isinstance(v, dict), "case": based(16), "classification": or_null(string),
    "items": array(exhibit), "language": or_null(string), "nonce": based(16), "not_stated": array(string),
    "occurred_at": moment, "seen": HEAD, "signers": array(fingerprint, 16, 1), "type": matches("[a-z][a-z_]*"),
    "time_class": one_of("asserted device witnessed external")}
ENTRY = {
    "event": hex32, "head": count, "index": count, "items_prev": array(or_null(matches("(?:0|[1-9][0-9]*)/(?:0|[1-9][0-9]*)"))),
    "prior": {"root": hex32, "size": count}, "recorded_at": lambda v: instant(v) is not None, "signatures": array(hex32, 16, 1)}
CASE = {"agency": string, "case": based(16), "created_at": moment, "log_keys": array(string, 2, 2), "origin":
        lambda v: isinstance(v, str) and origin_ok(v), "reference": string}


def event_of(data):
    """An event in its form, with its body where the type is known (E101 to E103)."""
    event = record(data, "event", EVENT)
    kind, body = event["type"], event["body"]
    if event["signers"][0] != event["actor"]["key"] or any(len(set(event[n])) != len(event[n]) for n in ("signers", "items")):
        raise Bad("E101", "signers, or items that are equal")
    match = re.match("evidencekit/%s/([1-9][0-9]{0,8})\\Z" % kind, str(body.get("_t")))
    if not match:
        raise Bad("E101", "the body is of another type")
    if kind in BODIES:
        if match.group(1) != "1":
            raise Bad("E103", body["_t"])
        forms, stated = BODIES[kind]
        fault = mismatch(dict(forms, _t=string), body)
        if fault or event["not_stated"] != sorted(stated - set(body)):
            raise Bad("E101", fault or "not_stated")
    return event


# ---------------------------------------------------------------------------- 10. Rules of custody (§ custody-log 4 and 5)
class Item:
    """What is known of an exhibit. `unknown`: nobody can say who has it, so the table's demands are not made."""

    def __init__(self, holder=None, unknown=False):
        self.holder = self.keeper = holder
        self.out = self.offer = self.sealed = self.last = None
        self.acquired, self.acquiring, self.ended, self.unknown, self.holds, self.hands = False, False, False, unknown, {}, []


KEEPERS = "seal physical_seal physical_unseal store transport view analyse redact translate disclose copy split".split()
HOLDERS = "check_out loan offer dispose release erase".split()
ENDED_TOO = "correct verify export".split()  # may be said of an item that has ended
NO_ITEM = "open anchor countersign key_add key_retire key_revoke".split()


class Custody:
    """The state of all items, event by event. `apply` returns the rules that an event breaks, as pairs of code and text;
    an event that breaks one changes nothing."""

    def __init__(self, origin):
        self.origin, self.items, self.person, self.spent, self.revoked = origin, {}, {}, {}, {}
        self.keys, self.manifests, self.branches, self.packages, self.opener = set(), set(), set(), set(), None
        self.offers, self.lost, self.parents, self.faults = {}, False, {}, []

    def who(self, key):
        while key in self.person:
            key = self.person[key]
        return key

    def bad(self, code, found):
        self.faults.append((code, found))

    def has(self, item, me, when):
        """Is this person the item's keeper: now, or, for a late entry, at that time?"""
        if self.who(item.keeper) == me:
            return True
        then = [self.who(keeper) for since, keeper in item.hands[-32:] if since <= when[1]]
        return item.last is not None and when[1] < item.last and bool(then) and then[-1] == me

    def apply(self, n, event):
        kind, items, when = event["type"], event["items"], span(event["occurred_at"])
        self.faults, me = [], self.who(event["actor"]["key"])
        effect = self._rules(n, kind, event["body"], items, event, me, when)
        if not self.faults and effect is not None:
            effect()
        for name in items:  # § 4.8, and an item that begins with an event that breaks a rule
            if kind not in BODIES and not self.faults or self.faults and name not in self.items:
                self.unknown([name])
            if name in self.items:
                self.items[name].last = max(when[0], self.items[name].last or 0)
                self.items[name].acquiring = kind == "acquire" and not self.faults
        self.keys.update(event["signers"])
        return self.faults

    def unknown(self, names):
        for name in names:
            item = self.items.setdefault(name, Item())
            item.unknown, item.holder, item.keeper, item.out = True, None, None, None

    def _give(self, item, keeper, when, holder=None):
        if item.unknown:
            return
        item.keeper, item.holder = keeper, holder or item.holder
        item.hands = item.hands[-32:] + [(when[0], keeper)]

    def _rules(self, n, kind, body, items, event, me, when):
        """What is asked of the event, then of each of its items, the first that does not hold; returns what it changes."""
        for key in event["signers"]:
            if key in self.spent or self.revoked.get(key, n + 1) <= n:
                self.bad("E312", key)
        if kind not in BODIES:
            return None
        people = {self.who(key) for key in event["signers"]}
        none_ok = kind in NO_ITEM or kind == "refuse" and "message" in body or kind == "receive" and body.get("refused")
        if (kind == "open") != (n == 0) or kind in NO_ITEM and items or not items and not none_ok or (
                kind in ("seal", "acquire", "derive") and len(items) != 1):
            self.bad("E301", "%d items, entry %d" % (len(items), n))
        if kind == "open" and n == 0:
            self.opener = me
        if kind.startswith("key_"):
            return self._key(n, kind, body, event, me, people)
        if kind == "reassign" and len(people) < 2:
            self.bad("E310", "one person alone")
        foreign = kind == "accept" and self.origin is not None and body["offer"]["origin"] != self.origin
        parts = [part["item"] for part in body["parts"]] if kind in ("split", "copy") else []
        if kind in ("split", "copy") and (items[1:] != parts or not parts):
            self.bad("E301", "parts")
        self._whole(kind, body, items, foreign)
        for name in items if kind not in NO_ITEM else ():
            fault = self._item(n, kind, body, name, name in items[1:] and bool(parts), me, when, foreign)
            if fault:
                self.bad(fault, name)
        state = [self.items.get(name) or Item(unknown=self.lost) for name in items]
        effect = self._effect(n, kind, body, items, state, me, when, foreign)

        def both():
            effect()
            self.items.update(zip(items, state))
        return both

    def _whole(self, kind, body, items, foreign):
        """What hangs on no single item (E301)."""
        refused = [one["item"] for one in body.get("refused", [])]
        if kind in ("accept", "receive") and refused:
            offered = body.get("offered_as", items)
            others = foreign or kind == "receive"
            if len(set(refused)) != len(refused) or (set(refused) & set(offered) if others else
                                                     set(refused) - set(items) or len(refused) >= len(items)):
                self.bad("E301", "refused")
        if "offered_as" in body and len(body["offered_as"]) != len(items):
            self.bad("E301", "offered_as")
        if foreign and not ("message" in body and "offered_by" in body):
            self.bad("E301", "without its message")
        if kind == "refuse" and self.origin is not None and body["offer"]["origin"] != self.origin and (items or "message" not in body):
            self.bad("E301", "an offer of another log")
        if kind == "adopt" and body["branch"] in self.branches:
            self.bad("E301", "the branch")
        if kind == "receive" and (body["package"] in self.packages or body["log"]["origin"] == self.origin):
            self.bad("E301", "a package that was received, or is of this log")

    def _item(self, n, kind, body, name, part, me, when, foreign):
        """The table of § 4, for one item: a code, or None."""
        item = self.items.get(name)
        if item is None:
            begins = part or foreign or kind in ("identify", "collect", "acquire", "receive", "adopt")
            fits = name.startswith(body["branch"] + "/") if kind == "adopt" else "/" not in name
            return None if self.lost or begins and fits else "E301"
        holder = self.who(item.holder)
        closing = kind == "receipt" and body["answered"] == "receive"
        if item.ended and kind not in ENDED_TOO and not closing:
            return "E315"
        if part or kind in ("identify", "adopt"):
            return "E301"
        if kind in ("hold", "extend", "hold_release"):
            wrong = (body["hold"] in item.holds) == (kind == "hold") and not (item.unknown and kind != "hold")
            return "E301" if wrong or kind == "hold" and len(item.holds) >= 256 else None
        if item.unknown or closing:
            again = kind in ("seal", "acquire") and item.sealed or kind == "derive" and item.sealed != body["base_root"] and not self.lost
            held = kind in ("dispose", "release", "erase") and item.holds
            return "E301" if again else "E316" if held else None
        if kind == "collect" and holder:
            return "E301"
        if kind == "acquire":
            return "E301" if item.sealed else "E311" if holder and self.who(item.keeper) != me and not item.acquiring else None
        if kind in ("check_in", "return"):
            wrong = item.out != {"check_in": "check_out", "return": "loan"}[kind]
            return "E301" if wrong else None if me == holder or self.has(item, me, when) else "E311"
        if kind in KEEPERS and not self.has(item, me, when):
            return "E311"
        if kind == "seal" and (item.sealed or not item.acquired) or kind == "derive" and item.sealed != body["base_root"]:
            return "E301"
        if kind in HOLDERS or kind == "receipt":
            if holder != me:
                return "E311"
            if item.out:
                return "E301"
        if kind in ("dispose", "release", "erase") and item.holds:
            return "E316"
        if kind == "offer" and self.who(body["to"]["key"]) == me:
            return "E301"
        if kind == "receive" and holder != me:
            return "E311"
        if foreign and holder != (self.who(body["offered_by"]["key"]) if "offered_by" in body else me):
            return "E311"
        if kind in ("accept", "refuse", "receipt") and not foreign and body["offer"].get("origin", self.origin) in (self.origin, None):
            if item.offer != int(body["offer"]["entry"]):
                return "E314"
            by = self.who(body["answered_by"]["key"]) if kind == "receipt" else me
            return "E313" if self.who(self.offers[item.offer][0]) != by else None
        return None

    def _effect(self, n, kind, body, items, state, me, when, foreign):
        """What the event changes, where it breaks no rule."""
        def hand_all(to, holder=None, out=None):
            for item in state:
                item.out, item.offer = out, None
                self._give(item, to, when, holder)

        def change():
            if kind == "collect":
                hand_all(me, me)
            elif kind == "acquire":
                state[0].acquired = True
                if not state[0].unknown and (not state[0].holder or state[0].acquiring):
                    self._give(state[0], me, when, me)
            elif kind == "seal":
                state[0].sealed = body["root"]
            elif kind in ("split", "copy"):
                whole = state[0]
                for part in state[1:]:
                    part.holder, part.keeper, part.out, part.unknown = whole.holder, whole.keeper, whole.out, whole.unknown
                    part.hands = list(whole.hands)
                    part.holds = dict(whole.holds) if kind == "split" else {}
                self.parents.update((name, items[0]) for name in items[1:])
            elif kind in ("check_out", "loan"):
                hand_all(self.who(body["to"]["key"]), None, kind)
            elif kind in ("check_in", "return"):
                for item in state:
                    item.out = None
                    self._give(item, item.holder, when)
            elif kind == "offer":
                self.offers[n] = (self.who(body["to"]["key"]), tuple(items))
                for item in state:
                    item.offer = n
            elif kind == "receipt" and body["answered"] == "receive":
                pass
            elif kind in ("receive", "adopt") or foreign:
                self.branches.add(body.get("branch"))
                self.packages.add(body.get("package"))
                for item in state:
                    if self.who(item.holder) != me:
                        item.out = item.offer = None
                        self._give(item, me, when, me)
            elif kind in ("accept", "refuse", "receipt"):
                refused = [one["item"] for one in body.get("refused", [])]
                by = self.who(body["answered_by"]["key"]) if kind == "receipt" else me
                for name, item in zip(items, state):
                    item.offer = None
                    if name not in refused and "accept" in (kind, body.get("answered")):
                        self._give(item, by, when, by)
            elif kind == "reassign":
                for item in state:
                    item.unknown = False
                hand_all(self.who(body["to"]["key"]), self.who(body["to"]["key"]))
            elif kind in ("hold", "extend", "hold_release"):
                for item in state:
                    if kind == "hold":
                        item.holds[body["hold"]] = True
                    elif kind == "hold_release":
                        item.holds.pop(body["hold"], None)
            elif kind in ("dispose", "release") or kind == "erase" and body.get("whole"):
                for item in state:
                    item.ended, item.offer = True, None
        return change

    def _key(self, n, kind, body, event, me, people):
        """§ 5."""
        if kind == "key_add":
            new, actor = None, event["actor"]["key"]
            try:
                raw = b64(body["public_key"].split(" ")[1])
                key_of(raw)
                new = print_of(raw)
            except (ValueError, IndexError, TypeError):
                self.bad("E301", "the key")
            if len(people) < 2 or new not in event["signers"][1:]:
                self.bad("E310", new)
            if new not in event["signers"][1:]:
                return None
            if new in self.keys or body.get("replaces", actor) != actor:
                self.bad("E301", "a key that is not new, or replaces one that is not the actor's")

            def add():
                self.keys.add(new)
                if "replaces" in body:
                    self.person[new] = me
                    self.spent[body["replaces"]] = n
            return add
        revoke = kind == "key_revoke"
        if self.who(body["key"]) != me and me != self.opener and len(people) < 2 or revoke and int(body["from_size"]) > n or (
                not revoke and body["key"] in self.spent):
            self.bad("E301", "somebody else's key, one that signs no more, or from_size")

        def end_key():
            self.keys.add(body["key"])
            self.spent.setdefault(body["key"], n)
            if revoke:
                self.revoked[body["key"]] = min(int(body["from_size"]), self.revoked.get(body["key"], 1 << 64))
        return end_key


# ---------------------------------------------------------------------------- 11. A log (§ verification 1, steps 1 to 8 and 12 to 17)
NUMBER = r"(?:[0-9]{8}|[1-9][0-9]{8,})"
DROPPINGS = re.compile(r"(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.directory|\._.*)\Z", re.S)
UNJUDGED = re.compile(r"(?:work/.*|index\.sqlite(?:-wal|-shm|-journal)?|(?:.*/)?[^/]*\.tiles|(?:.*/)?\.tmp-[^/]*(?:/.*)?)\Z", re.S)


class Part(Source):
    """The files of a source below a prefix, under their own names."""

    def __init__(self, source, prefix):
        super().__init__()
        self.source, self.prefix, cut = source, prefix, len(prefix)
        self.names = {path[cut:]: size for path, size in source.names.items() if path.startswith(prefix)}
        self.odd = {path[cut:] for path in source.odd if path.startswith(prefix)}
        self.folders = {path[cut:] for path in source.folders if path.startswith(prefix)}

    def blocks(self, path):
        return self.source.blocks(self.prefix + path)


class Log:
    """One log with its events, signatures and checkpoints. `withheld`: numbers of hidden events, in a package."""

    def __init__(self, report, source, prefix, policy, now, withheld=None, depth=0, said=None):
        self.report, self.source, self.prefix, self.policy, self.now = report, source, prefix, policy, now
        self.said = said  # what package.json says, where event 0 cannot be read
        self.withheld, self.depth, self.packaged = withheld or set(), depth, withheld is not None
        self.newest, self.note, self.origin, self.case, self.keys = 0, None, None, None, []
        self.roots, self.entries, self.events, self.recorded, self.signers = [EMPTY_ROOT], {}, {}, [], {}
        self.seals, self.anchors, self.receives, self.adopts, self.named = {}, [], [], [], set()
        self.sealing = {}  # by entry
        self.reduced = {}  # by catalogue: its newest reduced form, and how many rows it lacks
        self.places, self.anonymous, self.touched, self.times, self.kinds = {}, {}, {}, [], {}

    def find(self, code, where, found="", expected=""):
        self.report.find(code, self.prefix + where, found, expected)

    def get(self, path, limit, missing="E501"):
        """Content, or None after a finding."""
        if path not in self.source.names:
            if missing:
                self.find(missing, path, "not there")
                self.report.file(self.prefix + path)
            return None
        self.report.file(self.prefix + path)
        try:
            return self.source.read(path, limit)
        except Bad as bad:
            self.find(bad.code, path, bad.found)
        except OSError as error:
            self.report.miss("record", "unreadable", self.prefix + path, str(error))
            self.report.file(self.prefix + path, False)
        return None

    def damaged(self, path):
        """An entry of an archive that is not what the archive says (E157, which was said)."""
        try:
            return any(False for _ in self.source.blocks(path))
        except Bad:
            return True

    def parse(self, path, data, form, *more):
        try:
            return form(data, *more) if data is not None else None
        except Bad as bad:
            self.find(bad.code, path, bad.found)
            return None

    def run(self, since=None):
        case = self.said and dict(self.said, origin=self.said["checkpoint"]["origin"])
        if not self.packaged:  # step 1
            case = self.parse("case.json", self.get("case.json", 65_536), record, "case", CASE)
            case = case if case is None or self._keys(case, "case.json") else None
        self._list(case)
        self.custody = Custody(self.origin)
        self._checkpoints()
        self._entries(case)
        self._ends()
        self._anchors()
        if self.policy is not None:
            self._judge()
        self._bounds_hold()
        if since is not None:
            self._since(since)
        if not self.packaged:
            self._case_only()
        return self

    def _keys(self, body, where):
        """The log's own keys, as event 0 or the case file names them."""
        try:
            keys = [vkey(text) for text in body["log_keys"]]
            if [k[2] for k in keys] != [1, 6] or any(k[0] != body["origin"] for k in keys):
                raise ValueError("not the two keys of this log")
        except ValueError as error:
            self.find("E101", where, str(error))
            return None
        return keys

    def _list(self, case):
        """Step 2: what is there; keys and origin are those of event 0, else those of the case file."""
        self.folders, self.notes = {}, {}
        for path in self.source.names:
            match = re.match(r"custody/(%s)/([^/]+)\Z" % NUMBER, path)
            if match:
                self.folders.setdefault(int(match.group(1)), []).append(match.group(2))
            match = re.match(r"checkpoints/(%s)\Z" % NUMBER, path)
            if match:
                self.notes[int(match.group(1))] = path
        opening = None
        try:
            opening = event_of(self.source.read("custody/00000000/event.json", 65_536))
            body = opening["body"] if opening["type"] == "open" else None
            self.keys = [vkey(text) for text in body["log_keys"]] if body else []
            if [k[2] for k in self.keys] != [1, 6] or any(k[0] != body["origin"] for k in self.keys) or not origin_ok(body["origin"]):
                raise ValueError
        except (Bad, KeyError, OSError, ValueError, TypeError):
            opening, self.keys = None, []
        if opening is None and case is not None:
            try:
                self.keys = [vkey(text) for text in case["log_keys"]]
            except ValueError:
                self.keys = []
        said = opening["body"] if opening else case
        self.origin, self.case = said and said["origin"], (opening or case or {}).get("case")
        if case and opening and not self.packaged and (case["case"] != opening["case"] or any(
                case[n] != opening["body"][n] for n in ("agency", "created_at", "log_keys", "origin", "reference"))):
            self.find("E104", "case.json", "event 0 says something else")

    def _checkpoints(self):
        """Step 5: the newest checkpoint is the note of the largest size that passes."""
        self.good = {}
        for size, path in sorted(self.notes.items()):
            note = self.parse(path, self.get(path, 1 << 20), note_of)
            if note is None:
                continue
            if note[0] != self.origin and self.origin is not None or note[1] != size or size < 1:
                self.find("E105", path, "%s, size %d" % note[:2])
                continue
            lines = note[4]
            if len(self.keys) == 2:
                if len(lines) != 2 or not all(map(line_fits, lines, self.keys)) or lines[1][2][:8] != bytes(8):
                    self.find("E405", path, "%d lines" % len(lines))
                    continue
                bad = [key for line, key in zip(lines, self.keys) if not line_good(line, key, *note[:4])]
                for key in bad:
                    self.find("E406", path, "type %d" % key[2])
                if bad:
                    continue
            else:
                self.report.miss("record", "no_keys", self.prefix + path, "its signatures need the log's keys, which are not known")
                continue
            self.good[size] = note
            self.report.did("checkpoints")
        self.newest = max(self.good, default=0)
        self.note = self.good.get(self.newest)

    def _entries(self, case):
        """Steps 3, 4, 6 and 7, and step 8 as far as an event at a time goes."""
        tree, before, last_head, known, gap, lost_heads = Tree(), None, 0, True, False, set()
        seen = {}
        for n in range(self.newest):
            folder = "custody/%08d" % n
            files = self.folders.get(n)
            if files is None:
                if not gap:
                    self.find("E501", folder, "no entry")
                gap, known = True, False
                self.roots.append(None)
                self.recorded.append(None)
                continue
            gap = False
            leaf = self.get(folder + "/entry", 65_536)
            entry = self.parse(folder + "/entry", leaf, record, "entry", ENTRY)
            if leaf is None:
                known = False
            self.report.did("entries")
            if entry is not None:
                if int(entry["index"]) != n or int(entry["prior"]["size"]) != n:
                    self.find("E306", folder + "/entry", "index %s" % entry["index"], n)
                if self.roots[n] is not None and entry["prior"]["root"] != self.roots[n]:
                    self.find("E203", folder + "/entry", entry["prior"]["root"], self.roots[n])
                head = int(entry["head"])
                if head > n or head < last_head:
                    self.find("E305", folder + "/entry", "head %d" % head)
                elif head and head not in self.notes and head not in lost_heads:
                    lost_heads.add(head)
                    self.find("E502", "checkpoints/%08d" % head, "named by entry %d" % n)
                last_head = head
                when = instant(entry["recorded_at"])
                if before is not None and when < before:
                    self.find("W904", folder + "/entry", entry["recorded_at"])
                before = when
                self.recorded.append(when)
            else:
                self.recorded.append(None)
            self._event(n, folder, entry, seen)
            tree.add(leaf_hash(leaf or b""))
            self.roots.append(tree.root() if known else None)
        for size, note in self.good.items():  # step 6
            if size <= self.newest and self.roots[size] is None:
                self.report.miss("record", "root_unknown", self.prefix + self.notes[size], "an entry below it cannot be read")
            elif note[2] != self.roots[size]:
                self.find("E204", self.notes[size], note[2], self.roots[size])

    def _event(self, n, folder, entry, seen):
        path = folder + "/event.json"
        if n in self.withheld:
            self._hide(n, entry)
            return
        size = self.source.names.get(path)
        data = self.get(path, 65_536)
        if entry is not None and size is not None and not (data is None and self.damaged(path)):
            digest = sha256(data) if data is not None else None
            if data is None or digest != entry["event"]:
                self.find("E201", path, digest or "%d bytes" % size, entry["event"])
        if data is None:
            self._unread(n, entry)
            if size is None and not any(file.startswith("event.json") for file in self.folders[n]):
                for i in range(len(entry["signatures"]) if entry else 0):
                    self._missing_signature(folder + ("/event.json.sig" if i == 0 else "/event.json.%d.sig" % (i + 1)))
            return
        digest = sha256(data)
        if digest in seen:
            self.find("E303", path, "also entry %d" % seen[digest])
        seen.setdefault(digest, n)
        event = self.parse(path, data, event_of)
        if event is None:
            self._unread(n, entry)
            return
        self.report.did("events")
        self._signatures(n, folder, entry, event, data)
        if event["case"] != self.case and self.case is not None:  # step 7
            self.find("E104", path, event["case"], self.case)
        origin, at, root = (event["seen"][x] for x in ("origin", "size", "root"))
        if origin != self.origin:
            self.report.miss("custody", "seen_other_log", self.prefix + path, "it was signed in sight of another log, " + origin)
        elif int(at) > n or self.roots[int(at)] not in (root, None) or n == 0 and root != EMPTY_ROOT:
            self.find("E304", path, "size %s, root %s" % (at, root))
        if n == 0 and event["type"] == "open":
            self._keys(event["body"], path)
        self._walk(n, folder, entry, event)
        if event["not_stated"]:
            self.find("W903", path, ", ".join(event["not_stated"]))
        kind = event["type"]
        self.kinds[n] = (digest, kind)
        for code, found in self.custody.apply(n, event) + list(self._references(n, event)):
            self.find(code, path, found)
        self.report.did("rules")
        if kind in BODIES:
            self._keep(n, event, digest)
        else:
            self.report.miss("custody", "unknown_type", self.prefix + path, "an event of a type that is not known: " + kind)
        self.signers[n] = (event["actor"]["id"], event["signers"])

    def _references(self, n, event):
        """E308: other events of this log that it speaks of are there before it, have that digest, and are of the kind."""
        body = event["body"] if event["type"] in BODIES else {}
        for member, target in (("corrects", None), ("of", None), ("export", "export"), ("offer", "offer")):
            said = body.get(member)
            if said is None or said.get("origin", self.origin) != self.origin:
                continue
            known = self.kinds.get(int(said["entry"])) if int(said["entry"]) < n else None
            if known is None or (known[0] != said["event"] or target and known[1] not in (target, None)):
                yield "E308", "%s: entry %s" % (member, said["entry"])

    def _keep(self, n, event, digest):
        """What later steps need of an event."""
        kind, body = event["type"], event["body"]
        if kind in ("seal", "derive"):  # step 9
            if body["manifest"] in self.seals:
                self.find("E301", "custody/%08d/event.json" % n, "a catalogue that an event named before")
            self.seals.setdefault(body["manifest"], (n, event["items"][:1], body, kind))
            self.sealing[n] = self.seals[body["manifest"]] if self.seals[body["manifest"]][0] == n else (n, event["items"][:1], body, kind)
        elif kind == "anchor" and len(self.anchors) < 20_000:
            self.anchors.append((n, body))
        elif kind == "receive" and event["items"]:
            self.receives.append((n, event))
        elif kind == "adopt":
            self.adopts.append((n, event))
        for form in body["manifests"] if kind == "erase" else ():
            sealed, (before, rows) = self.seals.get(form["manifest"]), self.reduced.get(form["manifest"], (0, 0))
            item = event["items"][0] if event["items"] else None
            while sealed and item not in (None, sealed[1][0]):
                item = self.custody.parents.get(item)
            if not sealed or item is None or int(form["reduced"]) != before + 1:
                self.find("E116", "custody/%08d/event.json" % n, "catalogue %(manifest)s, form %(reduced)s" % form)
            elif int(form["rows"]) < rows:
                self.find("E114", "custody/%08d/event.json" % n, form["rows"], rows)
            self.reduced[form["manifest"]] = (int(form["reduced"]), int(form["rows"]))
        for name in ("message", "answer"):
            if name in body:
                self._message(n, event, digest, body[name])
        for part in body.get("parts", []):
            if "selection" in part:
                self._object(part["selection"]["list"], 1 << 62)
                self.report.miss("record", "selection", self.prefix + "custody/%08d/event.json" % n, "lists of rows are not read here")

    def _unread(self, n, entry):
        """After an event that cannot be read nobody can say what became of items."""
        self.report.miss("custody", "unreadable_event", self.prefix + "custody/%08d" % n, "places and rules after it")
        self.places_lost = self.custody.lost = True
        for item in self.custody.items.values():
            item.unknown = True

    places_lost = False

    def _hide(self, n, entry):
        """§ package 5: a hidden event is followed through the places that its entry names."""
        self.kinds[n] = (entry and entry["event"], None)
        for j, place in enumerate(entry["items_prev"] if entry else []):
            name = self.anonymous.get(place) if place else None
            if place == "%d/0" % n and j or self.places_lost:
                name = None
            elif place and name is None:
                self.find("E302", "custody/%08d/entry" % n, place)
            elif place and self.places.get(name) != place:
                self.find("E307", "custody/%08d/entry" % n, place)
            name = name or "hidden %d/%d" % (n, j)
            self.places[name] = "%d/%d" % (n, j)
            self.anonymous["%d/%d" % (n, j)] = name
            self.touched[name] = self.touched.get(name, 0) + 1
            if name in self.custody.items:
                self.custody.items[name].unknown = True

    def _walk(self, n, folder, entry, event):
        """Step 3: `items_prev` are the places of the verifier's own walk (E302, E307)."""
        given = entry["items_prev"] if entry is not None else None
        if given is not None and len(given) != len(event["items"]):
            self.find("E302", folder + "/entry", "%d places" % len(given), len(event["items"]))
            given = None
        for j, name in enumerate(event["items"]):
            here = "%d/%d" % (n, j)
            true = self.places.get(name)
            if event["type"] in ("split", "copy") and j and true is None:
                true = "%d/0" % n
            place = given[j] if given is not None else None
            shadow = self.anonymous.get(place) if place else None
            if given is not None and place != true and not self.places_lost:
                if true is None and shadow and shadow.startswith("hidden") and self.places.get(shadow) == place:
                    self.touched[name] = self.touched.get(name, 0) + self.touched.pop(shadow, 0)
                    del self.places[shadow]
                    self.custody.items[name] = Item(unknown=True)
                else:
                    self.find("E307" if shadow == name else "E302", folder + "/entry", str(place), str(true))
            self.places[name] = here
            self.anonymous[here] = name

    def _signatures(self, n, folder, entry, event, data):
        """Step 4."""
        stated = entry["signatures"] if entry is not None else None
        if stated is not None and len(stated) != len(event["signers"]):
            self.find("E401", folder + "/entry", "%d signatures" % len(stated), len(event["signers"]))
        for i, signer in enumerate(event["signers"]):
            path = folder + ("/event.json.sig" if i == 0 else "/event.json.%d.sig" % (i + 1))
            self._missing_signature(path)
            signature = self.get(path, 16_384, None)
            if signature is None:
                continue
            if stated is not None and i < len(stated) and sha256(signature) != stated[i]:
                self.find("E201", path, sha256(signature), stated[i])
            self._signature(path, signature, data, "evidencekit-event", signer)

    def _missing_signature(self, path):
        if path not in self.source.names:
            self.find("E401", path, "missing")
            self.find("E501", path, "not there")

    def _signature(self, path, signature, data, namespace, signer):
        log_key = self.keys[0][3] if self.keys else None
        try:
            if sshsig(signature, data, namespace, signer, log_key):
                self.report.did("person_signatures")
            else:
                self.report.file(self.prefix + path, False)
                self.report.miss("record", "signature_kind", self.prefix + path, "a kind of key that is not checked here")
        except Bad as bad:
            self.find(bad.code, path, bad.found)

    def _ends(self):
        """Step 8, at the end of the log: keys that a later event revoked (E312)."""
        for n, (_, signers) in self.signers.items():
            for key in signers:
                if self.custody.revoked.get(key, 1 << 64) <= n < self.custody.spent.get(key, 0):
                    self.find("E312", "custody/%08d/event.json" % n, key)
        self.report.miss("custody", "warnings", self.prefix + "custody", "warnings W911 to W920 are not looked for", harmless=True)

    def _object(self, said, limit):
        """Step 10: an object that an event names."""
        path = "objects/sha256/%s/%s" % (said["sha256"][:2], said["sha256"])
        first = path not in self.named
        self.named.add(path)
        if path not in self.source.names:
            if first:
                self.find("E501", path, "not there")
            return None
        self.report.file(self.prefix + path)
        size = self.source.names[path]
        if size != int(said["bytes"]):
            if first:
                self.find("E201", path, "%d bytes" % size, said["bytes"])
            return None
        digest, kept = hashlib.sha256(), []
        try:
            for block in self.source.blocks(path):
                digest.update(block)
                kept += [block] if limit <= MESSAGE else []
        except Bad as bad:
            self.find(bad.code, path, bad.found)
            return None
        if digest.hexdigest() != said["sha256"]:
            if first:
                self.find("E201", path, digest.hexdigest())
            return None
        return b"".join(kept)

    def _message(self, n, event, digest, said):
        """§ custody-log 4.6 and messages 2: what came from another log says what the event says (E309)."""
        path = "custody/%08d/event.json" % n
        data = self._object(said, MESSAGE)
        if data is None:
            return
        try:
            if len(data) > 1 << 20:
                raise Bad("E309", "larger than a message")
            self._compare(n, event, message_of(data))
        except Bad as bad:
            self.find("E309", path, bad.found)

    def _compare(self, n, event, message):
        kind, inner, inner_digest, entry, note, signed = message
        body, theirs = event["body"], inner["body"]
        items = body.get("offered_as") or event["items"]
        refused = [one["item"] for one in body.get("refused", [])]
        where = self.prefix + "custody/%08d/event.json" % n
        if "message" in body:
            offer = body["offer"]
            fits = kind == "offer" and inner["type"] == "offer" and inner_digest == offer["event"] and (
                entry is None or entry["index"] == offer["entry"]) and (note is None or note[0] == offer["origin"])
            fits = fits and theirs["to"]["key"] in (event["actor"]["key"],) + tuple(event["signers"]) and (
                set(items if event["type"] == "accept" else []) | set(refused) <= set(inner["items"]))
            fits = fits and ("offered_by" not in body or inner["actor"]["key"] == body["offered_by"]["key"])
        elif body["answered"] == "receive":
            mine = theirs.get("offered_as") or inner["items"]
            fits = kind == "receipt" and inner["type"] == "receive" and theirs["log"]["origin"] == self.origin and (
                set(mine) | {one["item"] for one in theirs.get("refused", [])} == set(event["items"]))
            fits = fits and inner["actor"]["key"] == body["answered_by"]["key"]
        else:
            mine = (theirs.get("offered_as") or inner["items"]) if inner["type"] == "accept" else event["items"]
            fits = kind == "answer" and inner["type"] == body["answered"] and inner["actor"]["key"] == body["answered_by"]["key"]
            fits = fits and theirs["offer"]["event"] == body["offer"]["event"] and theirs["offer"]["entry"] == body["offer"]["entry"]
            theirs_refused = [one["item"] for one in theirs.get("refused", [])]
            fits = fits and theirs_refused == refused and set(mine) | set(refused) == set(event["items"])
        if "answer" in body and note is not None:
            fits = fits and [note[0], str(note[1]), note[2]] == [body["log"][x] for x in ("origin", "size", "root")]
        if not fits:
            raise Bad("E309", "the file says something else than the event")
        if not signed:
            self.report.miss("record", "signature_kind", where, "a message signed by a kind of key that is not checked here")
        if note is None:
            self.report.miss("custody", "message_place", where, "the message does not show its place in the other log")
            return
        known = self.policy.vkeys.get(note[0]) if self.policy else None
        if not known:
            self.report.miss("custody", "message_log", where, "nobody says whose keys signed the other log")
        elif self.policy.admits(note, note[1], None, set()):
            raise Bad("E309", "not signed by the keys that the policy lists for that log")
        if self.policy is not None:
            for i, key in enumerate(inner["signers"]):
                code, why = self.policy.judge(key, inner["actor"]["id"] if i == 0 else None, (None, None, False), note[0],
                                              int(entry["index"]), self.now)
                if code == "E408" or code in ("E409", "E410", "E411"):
                    self.find(code, "custody/%08d/event.json" % n, why)
                elif code == "":
                    self.report.miss("identity", "validity", where, why)

    # ---- steps 12 to 16
    def _since(self, since):
        origin, size, root = since
        if origin is not None and origin != self.origin:
            self.report.find("E104", "--since", origin, self.origin)
        elif size > self.newest:
            self.report.find("E503", "--since", "size %d" % self.newest, size)
        elif self.roots[size] is not None and self.roots[size] != root:
            self.report.find("E206", "--since", self.roots[size], root)
        self.report.compared_outside = True

    def _anchors(self):
        """Steps 15 and 16: what authorities and witnesses said from outside."""
        met, tokens = {}, 0
        for n, body in self.anchors:
            path, size = "checkpoints/" + body["file"], int(body["size"])
            event = "custody/%08d/event.json" % n
            form = r"%08d\.[a-z0-9-]{1,40}\.tsr\Z" if body["kind"] == "time-stamp" else r"%08d\.[0-9a-f]{8}\.cosig\Z"
            if not 1 <= size <= n or not re.match(form % size, body["file"]):
                self.find("E428" if body["kind"] == "time-stamp" else "E431", event, body["file"])
                continue
            self.named.add(path)
            if size not in self.notes:
                self.find("E502", "checkpoints/%08d" % size, "named by an anchor")
            data = self.get(path, 65_536)
            if data is None:
                continue
            if sha256(data) != body["sha256"]:
                self.find("E201", path, sha256(data), body["sha256"])
                continue
            if body["kind"] == "time-stamp":
                tokens += 1
                self.report.file(self.prefix + path, False)
                self.report.miss("time", "token", self.prefix + path, "the token itself is not checked here")
                continue
            try:
                line = line_of(data.decode("utf-8")[:-1])
                stamp = int.from_bytes(line[2][:8], "big")
                if data[-1:] != b"\n" or line[0] != body["by"] or line[1] != body["file"].split(".")[-2] or not stamp or (
                        stamp * 10**9 != instant(body["at"]) or len(line[2]) not in (72, 2428)):
                    raise ValueError
            except (ValueError, IndexError):
                self.find("E431", path, "not what the event says")
                continue
            self._cosigned(n, path, size, line, stamp, met)
        self.unproven = tokens > 0
        if self.policy is not None:
            ok = [size for size in met if self.policy.satisfied(self.policy.quorum, met[size])]
            if ok and self.prefix in ("", "evidence/"):
                self.report.witness_ok = True
                if max(ok) < self.newest:
                    self.report.miss("witness", "above", self.prefix + "custody", "entries from %d on" % max(ok), harmless=True)

    def _cosigned(self, n, path, size, line, stamp, met):
        if self.policy is None:
            self.report.miss("witness", "no_policy", self.prefix + path, "no policy says whose witness it is")
            return
        names = [name for name, key in self.policy.witnesses.items() if line_fits(line, key)]
        if not names:
            self.report.miss("witness", "unknown_witness", self.prefix + path, "a witness that the policy does not know", harmless=True)
            return
        key = self.policy.witnesses[names[0]]
        if any(key[3] == other[3] for other in self.keys + sum(self.policy.vkeys.values(), [])):
            self.find("E432", path, key[0])
            return
        root = self.roots[size] if size < len(self.roots) else None
        if root is None or self.origin is None:
            self.report.miss("witness", "root_unknown", self.prefix + path, "the root of the entries is not known")
            return
        words = "%s\n%d\n%s\n" % (self.origin, size, base64.b64encode(bytes.fromhex(root)).decode())
        if not line_good(line, key, self.origin, size, root, words):
            self.find("E433", path, key[0])
            return
        met.setdefault(size, set()).update(names)
        if stamp * 10**9 > self.now + 300 * 10**9:
            self.find("W935", path, "time %d" % stamp)
        elif size in self.good:
            self.times.append((size, stamp * 10**9, n))
        self.report.did("cosignatures")

    def bounds(self, n):
        """§ time 3, by cosignatures alone: (not earlier, not later, may a token that is not checked say more?)."""
        late = min((t for size, t, _ in self.times if size > n), default=None)
        return max((t for _, t, at in self.times if at < n), default=None), late, self.unproven

    def _bounds_hold(self):
        """E429 and W931, at the first entry of each run."""
        runs = {"E429": False, "W931": False}
        for n, recorded in enumerate(self.recorded if self.times else ()):
            early, late, _ = self.bounds(n)
            clash = early is not None and late is not None and early > late
            far = recorded is not None and (early is not None and recorded < early - 300 * 10**9
                                            or late is not None and recorded > late + 300 * 10**9)
            for code, now, where in (("E429", clash, "custody/%08d"), ("W931", far, "custody/%08d/entry")):
                if now and not runs[code]:
                    self.find(code, where % n, "the proven times")
                runs[code] = now

    def _judge(self):
        """Step 13: the log, and every signer, by the policy."""
        opening = set()
        if 0 in self.signers and not self.report.failed.get("record"):
            opening = {name for name in self.policy.logs.get(self.origin, {}).get("vouched_by", []) for key in self.signers[0][1]
                       if any(self.policy._pattern(line[0], name) for line in self.policy.persons.get(key, []))}
        if self.note is not None:
            why = self.policy.admits(self.note, self.newest, self.keys, opening)
            if why:
                self.find("E407", "checkpoints/%08d" % self.newest, why)
            else:
                self.report.identity_ok = True
            least = self.policy.logs.get(self.origin, {}).get("min_size", 0)
            if least:
                self.report.compared_outside = True
                if least > self.newest:
                    self.find("E503", "checkpoints/%08d" % self.newest, self.newest, least)
        else:
            self.report.miss("identity", "no_checkpoint", self.prefix + "checkpoints", "no checkpoint names the log")
        for n, (actor, signers) in self.signers.items():
            self.person("custody/%08d/event.json" % n, actor, signers, n)

    def person(self, where, actor, signers, n):
        for i, key in enumerate(signers):
            code, why = self.policy.judge(key, actor if i == 0 else None, self.bounds(n), self.origin, n, self.now)
            if code:
                self.find(code, where, why)
            elif code == "":
                self.report.miss("identity", "validity", self.prefix + where, why)

    # ---- what only a case directory has: steps 9, 11, 17, 18
    def _case_only(self):
        for number, (_, items, _, _) in sorted(self.seals.items(), key=lambda x: int(x[0])):
            form = self.reduced.get(number, (0, 0))[0]
            path = "manifests/%08d." % int(number) + ("r%d." % form if form else "") + "parquet"
            self.named.add(path)
            if path not in self.source.names:
                self.find("E501", path, "not there")
            self.report.sealed = True
            self.report.file(self.prefix + path, False)
            self.report.miss("record", "catalogue", self.prefix + path, "catalogues (Parquet) cannot be read by this verifier")
            self.report.items.update(items)
        branches = {event["body"]["branch"]: (n, event) for n, event in self.adopts}
        packages = {event["body"]["package"]: (n, event) for n, event in self.receives}
        self._strays(branches, packages)
        for name, (n, event) in sorted(branches.items()):
            self._branch(name, n, event)
        for digest, (n, event) in sorted(packages.items()):
            self._package(digest, n, event)

    def _strays(self, branches, packages):
        """Step 11 (§ store 5)."""
        objects, seen = 0, set()
        for path in sorted(set(self.source.names) | self.source.odd):
            last, first = path.rsplit("/", 1)[-1], path.split("/")
            match = re.match(r"(custody|checkpoints)/(%s)(?:/(.*))?\Z" % NUMBER, path, re.S)
            if UNJUDGED.match(path) and first[0] not in ("branches", "packages"):
                continue
            if first[0] in ("branches", "packages") and len(first) > 2:
                known = branches if first[0] == "branches" else packages
                if first[1] not in known and "/".join(first[:2]) not in seen:
                    self.find("W902", "/".join(first[:2]), "no event names it")
                    seen.add("/".join(first[:2]))
            elif path in self.source.odd:
                self.find("W902", path, "not a plain file")
            elif DROPPINGS.match(last):
                self.find("W905", path)
            elif path == "case.json" or path in self.named:
                continue
            elif match and match.group(1) == "custody" and int(match.group(2)) < self.newest and match.group(3):
                n = int(match.group(2))
                known = ["entry", "event.json"] + ["event.json.sig" if i == 0 else "event.json.%d.sig" % (i + 1) for i in range(
                    len(self.signers[n][1]) if n in self.signers else 16)]
                if match.group(3) not in known:
                    self.find("W902", path, "no event names it")
            elif match and match.group(1) == "custody" and match.group(3):
                if match.group(2) not in seen:
                    self.find("W901", "custody/" + match.group(2), "above the newest checkpoint")
                seen.add(match.group(2))
            elif match and not match.group(3) and match.group(1) == "checkpoints":
                continue
            elif path.startswith("manifests/"):
                number = re.match(r"manifests/(%s)\.(?:r([1-9][0-9]*)\.)?parquet\Z" % NUMBER, path)
                above = number and (int(number.group(1)) > max(map(int, self.seals), default=0) or int(number.group(2) or 0) > (
                    self.reduced.get(str(int(number.group(1))), (0, 0))[0]))
                self.find("W901" if above else "W902", path, "no event names it, or another form stands for it")
            elif re.match(r"objects/sha256/([0-9a-f]{2})/\1[0-9a-f]{62}\Z", path):
                objects += 1
                self._object({"sha256": last, "bytes": self.source.names[path]}, 1 << 62)
            else:
                self.find("W902", path, "no event names it")
        if objects:
            self.report.miss("record", "objects", self.prefix + "objects", "%d objects have their digests; whether a catalogue names "
                             "them, and those that it names are all there, was not checked" % objects)

    def _branch(self, name, n, event):
        """Step 17: an adopted case, as a case of its own (E317, E314, E318)."""
        where = "branches/" + name
        if not any(path.startswith(where + "/") for path in self.source.names):
            self.find("E501", where, "not there")
            return
        if self.depth >= 4:
            self.report.miss("record", "branch", self.prefix + where, "adopted cases too deep inside each other")
            return
        inner = Log(self.report, Part(self.source, where + "/"), self.prefix + where + "/", self.policy, self.now, None, self.depth + 1)
        inner.run()
        self.adopted(inner, n, event, name)

    def adopted(self, inner, n, event, name):
        body = event["body"]
        size, at = int(body["log"]["size"]), "checkpoints/%08d" % int(body["log"]["size"])
        if inner.case not in (body["case"], None):
            inner.find("E317", "custody/00000000/event.json" if inner.packaged else "case.json", str(inner.case), body["case"])
        differs = inner.origin != body["log"]["origin"] or size >= len(inner.roots) or inner.roots[size] not in (body["log"]["root"], None)
        if differs:
            inner.find("E317", at, "another tree than was adopted")
        for above in inner.notes:
            if above > size:
                inner.find("W902", "checkpoints/%08d" % above, "above what was adopted")
        if inner.places_lost or inner.withheld or size > inner.newest:
            return not differs
        taken, offers = {item.partition("/")[2] for item in event["items"]}, set()
        for item in sorted(taken):
            state = inner.custody.items.get(item)
            if state is None or not state.unknown and (state.offer is None or inner.custody.offers.get(state.offer, ("",))[0] not in (
                    event["actor"]["key"], inner.custody.who(event["actor"]["key"]))) and int(inner.places[item].split("/")[0]) < size:
                self.find("E314", "custody/%08d/event.json" % n, item)
            elif not state.unknown and state.offer is not None:
                offers.add(state.offer)
            last = int(inner.places[item].split("/")[0]) if item in inner.places else 0
            if last >= size:
                inner.find("E318", "custody/%08d/event.json" % last, item)
        for offer in offers:
            if set(inner.custody.offers[offer][1]) - taken:
                self.find("E314", "custody/%08d/event.json" % n, "not all that was offered together")
        return not differs

    def _package(self, digest, n, event):
        """Step 18: a received package, as a package with the same policy (E309 where the event says something else)."""
        prefix, body = "packages/%s/" % digest, event["body"]
        part = Part(self.source, prefix)
        if not part.names:
            self.find("E501", prefix[:-1], "not there")
            return
        shown = Package(self.report, part, self.prefix + "packages/%s/" % digest[:16], self.policy, self.now).run()
        self.report.sealed = self.report.sealed or shown.shows
        if shown.digest != digest:
            self.report.find("E201", shown.prefix + "evidence/package.json", str(shown.digest), digest)
        elif shown.record is not None and (
                shown.record["case"] != body["case"] or shown.record["checkpoint"] != body["log"] or shown.record["transfer"] != body[
                    "transfer"] or shown.record["exporter"]["key"] != body["sent_by"]["key"]):
            self.find("E309", "custody/%08d/event.json" % n, "the package says something else")


def message_of(data):
    """§ messages 2: (kind, event, its digest, entry, note, were all signatures checked?) of a message that holds (Bad)."""
    value = record(data, "message", {"checkpoint": or_null(string), "entry": or_null(based()), "event": based(), "kind": one_of(
        "offer answer receipt request"), "proof": array(based(32), 63), "signatures": array(based(), 16, 1)}, MESSAGE)
    raw = b64(value["event"])
    event = event_of(raw)
    signatures, digest = [b64(text) for text in value["signatures"]], sha256(raw)
    if len(signatures) != len(event["signers"]) or (value["entry"] is None) != (value["checkpoint"] is None) or (
            value["entry"] is None and value["proof"]):
        raise Bad("E309", "signatures, or entry without checkpoint")
    results = [sshsig(s, raw, "evidencekit-event", k) for s, k in zip(signatures, event["signers"])]
    checked = all(results)
    if value["entry"] is None:
        return value["kind"], event, digest, None, None, checked
    leaf, note = b64(value["entry"]), note_of(value["checkpoint"].encode())
    entry = record(leaf, "entry", ENTRY)
    if entry["event"] != digest or entry["signatures"] != [sha256(s) for s in signatures] or not included(
            int(entry["index"]), note[1], leaf_hash(leaf), [b64(p) for p in value["proof"]], note[2]):
        raise Bad("E309", "the proof does not lead to the checkpoint")
    return value["kind"], event, digest, entry, note, checked


# ---------------------------------------------------------------------------- 12. Rows (§ manifest 1 to 5)
KINDS = "file directory symlink fifo socket char_device block_device unknown"
STATES = "complete changed partial not_read not_listed vanished"
DIGEST_SIZES = {"sha256": 32, "blake3": 32, "md5": 16, "sha1": 20, "sha512": 64, "sha3_256": 32}
LARGE = {"bytes": count, "count": count, "sha256": hex32}
RANGES = array({"length": count, "offset": count})


def large_or(form):
    return lambda v: not mismatch(LARGE, v) or not mismatch(form, v)


def hexes(size):
    return or_null(matches("[0-9a-f]{%d}" % (2 * size)))


def sorted_xattrs(v):
    if not (isinstance(v, list) and len(v) <= 500):
        return False
    names = [name_of(x, "name") if isinstance(x, dict) else None for x in v]
    fit = all(set(x) - {"name", "name_hex"} == {"value"} and large_or(based())(x["value"]) for x in v if isinstance(x, dict))
    return None not in names and fit and names == sorted(set(names))


NAME = {x + "?": string for x in ("path path_hex stream stream_hex target target_hex original original_hex").split()}
CONTENT = dict({"size": or_null(count), "state": one_of(STATES), "reason?": one_of(
    "excluded permission_denied io_error not_found too_long too_large unsupported interrupted changed_kind other"),
    "detail?": large_or(text), "xattrs?": large_or(lambda v: sorted_xattrs(v) and v), "unreadable?": large_or(RANGES),
    "sha256_zero_filled?": matches("[0-9a-f]{64}"), "blake3_zero_filled?": matches("[0-9a-f]{64}")},
    **{name + ("" if name in ("sha256", "blake3") else "?"): hexes(size) for name, size in DIGEST_SIZES.items()})
METADATA = dict(
    {n + "?": signed for n in "mtime_ns atime_ns ctime_ns btime_ns".split()},
    **{n + "?": count for n in "mode uid gid inode device nlink rdev link_group".split()},
    **{n + "?": string for n in "owner owner_hex group group_hex".split()},
    **{"xattrs?": large_or(sorted_xattrs), "holes?": large_or(RANGES), "attributes?": large_or(array(string)),
       "after?": {"ctime_ns": signed, "mtime_ns": signed, "size": count}, "unreadable_metadata?": large_or(array(string))})
OPINIONS = {"media-type": {n: or_null(string) for n in ("charset", "error", "media_type")},
            "match": {"compared?": array(string), "listed?": lambda v: isinstance(v, dict), "listed_as?": string, "listed_as_hex?":
                      string, "result": one_of("same differs moved not_listed not_comparable")}}


def name_of(group, member):
    """§ encoding 5: the bytes of a name that stands as text or as hex; None where it is not there, or not so."""
    if (member in group) == (member + "_hex" in group):
        return None
    if member in group:
        return group[member].encode("utf-8", "surrogateescape") if isinstance(group[member], str) else None
    try:
        raw = bytes.fromhex(group[member + "_hex"]) if re.match("(?:[0-9a-f]{2})+\\Z", group[member + "_hex"]) else b""
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw
    except TypeError:
        pass
    return None


def group_of(name, data, kind):
    """One opened group in its form (Bad)."""
    if name == "opinion":
        which = next((k for k in OPINIONS if data[:60].startswith(b'{"_t":"evidencekit/%s/' % k.encode())), None)
        return record(data, which or "media-type", OPINIONS[which or "media-type"], GROUP, "E101")
    group = record(data, name, {"name": NAME, "content": CONTENT, "metadata": METADATA}[name], GROUP, "E101")
    fault = ""
    if name == "name":
        path = name_of(group, "path")
        parts = path.split(b"/") if path else []
        if path is None or any(p in (b"", b".", b"..") or b"\0" in p for p in parts):
            fault = "path"
        for other in ("stream", "target", "original"):
            if other in group or other + "_hex" in group:
                raw = name_of(group, other)
                if raw is None or raw == b"" and other == "stream" or raw == path and other == "original":
                    fault = other
        if ("stream" in group or "stream_hex" in group) and kind != "file":
            fault = "stream"
        if ("target" in group or "target_hex" in group) and kind != "symlink":
            fault = "target"
    if name == "content":
        fault = content_fault(group, kind)
    if name == "metadata":
        fault = "mode" if int(group.get("mode", 0)) > 0o7777 else "" if group.get("link_group") != "0" else "link_group"
    if fault:
        raise Bad("E107" if name == "content" else "E101", fault)
    return group


def content_fault(group, kind):
    """§ manifest 3 and 5: the state fits the kind and the members."""
    state, digests = group["state"], group["sha256"] is not None
    read = kind in ("file", "block_device")
    allowed = {"complete": True, "changed": kind in ("file", "directory", "symlink") or read, "partial": read,
               "not_read": kind != "directory", "not_listed": kind == "directory", "vanished": True}[state]
    if not allowed or digests != (group["blake3"] is not None) or ("reason" in group) == (state in ("complete", "changed")):
        return "state %s of kind %s" % (state, kind)
    if digests and not (read and state in ("complete", "changed")) or kind == "file" and state in ("complete", "changed") and not digests:
        return "digests"
    if any(name in group and (not digests or group[name] is None) for name in ("md5", "sha1", "sha512", "sha3_256")):
        return "digests"
    if any((name in group) != (state == "partial") for name in ("sha256_zero_filled", "blake3_zero_filled", "unreadable")):
        return "partial"
    if digests and group["size"] is None or not read and group["size"] is not None:
        return "size"
    if group.get("reason") == "excluded" and state not in ("not_read", "not_listed") or "detail" in group and "reason" not in group:
        return "reason"
    return ""


def commitment(name, salt, data):
    return sha256(b"evidencekit/group/1\0" + name.encode() + b"\0" + salt + data)


# ---------------------------------------------------------------------------- 13. Names of payload (§ package 3)
OLD = unicodedata.ucd_3_2_0
PLAIN = frozenset("! #$&'()+,-.;=@[]_{}") | frozenset("0123456789")


def _mapped(raw):
    """One component, mapped by 3.1: a list of characters that stand, and of ^XX."""
    try:
        name = raw.decode("utf-8")
        whole = OLD.normalize("NFC", name) == name and not any(OLD.category(c) == "Cn" for c in name)
    except UnicodeDecodeError:
        name, whole = raw.decode("latin-1"), False
        return [c if c in PLAIN or c.isascii() and c.isalpha() else "^%02X" % ord(c) for c in name]
    out = []
    for c in name:
        fine = c in PLAIN if ord(c) < 128 and not c.isalpha() else ord(c) < 128 or whole and OLD.category(c)[0] in "LMN"
        out += [c] if fine else ["^%02X" % b for b in c.encode()]
    return out


def component(raw, stream=None):
    """Both forms of a component: as it is, and shortened (3.2 to 3.4)."""
    tokens = _mapped(raw)
    if tokens and len(tokens[0]) == 1 and (RESERVED.match("".join(tokens)) or tokens[0] in " ."):
        tokens[0] = "".join("^%02X" % b for b in tokens[0].encode())
    tokens += ["^~s-"] + _mapped(stream) if stream is not None else []
    if tokens and tokens[-1] in (" ", "."):
        tokens[-1] = "^%02X" % ord(tokens[-1])
    head, size = "", 0
    for token in tokens:
        size += len(token.encode())
        if size > 120:
            break
        head += token
    short = head + "^~" + sha256(raw + (b"\0" + stream if stream is not None else b""))[:32]
    plain = "".join(tokens)
    return (plain, short) if len(plain.encode()) <= 200 else (short, short)


def payload_fits(path, item, index, group):
    """§ package 3.5: is this a path that the row's payload may have?"""
    top = "data/" + component(item.encode())[0]
    hidden = "%s/^~row-%s" % (top, index)
    if group is None:
        return path == hidden
    raw, stream = name_of(group, "path"), name_of(group, "stream")
    parts = raw.split(b"/") if raw else []
    forms = [component(p) for p in parts[:-1]] + [component(parts[-1], stream)] if parts else []
    if not parts:
        forms = [("^~source" + ("^~s-" + "".join(_mapped(stream)) if stream else ""),) * 2]
    plain = "/".join([top] + [f[0] for f in forms])
    if len(plain.encode()) > 1000 or len(forms) + 2 > 50:
        return path == hidden
    given = path.split("/")[2:]
    return path.startswith(top + "/") and len(given) == len(forms) and all(g in f for g, f in zip(given, forms))


# ---------------------------------------------------------------------------- 14. Packages (§ verification 2b, package 8)
def moments(v):
    return moment(v)


HIDDEN = array({"count": count, "ground": string}, 1 << 16)
MANIFESTS = array({"entry": count, "hidden": HIDDEN, "item": exhibit, "manifest": count, "root": hex32, "rows": count,
                   "shown": count}, 1 << 16)
BRANCH = {"case": based(16), "checkpoint": HEAD, "items": array(exhibit, 1 << 16), "log_keys": array(string, 2, 2),
          "manifests": MANIFESTS, "name": string}
PACKAGE = {
    "branches?": array(BRANCH, 100, 1), "case": based(16), "checkpoint": HEAD, "confidentiality": or_null(string), "onward_transfer":
    or_null(string), "use_limits": or_null(string), "created_at": moment, "exporter": ACTOR, "files": array(
        {"bytes": count, "path": string, "sha256": hex32}, 65_536), "full": boolean, "hash_only": boolean,
    "items": array(exhibit, 1 << 16), "log_keys": array(string, 2, 2), "manifests": MANIFESTS, "previous": array(
        {"package": hex32, "origin": string}, 1 << 16), "recipient": or_null(PERSON), "transfer": based(16)}
WITHHELD = {
    "events": array({"entry": count, "ground": string}, 1 << 20), "grounds": array({"ground": string, "label": string}, 1 << 16),
    "groups": array({"count": count, "ground": string, "group": one_of("name content metadata opinion"), "manifest": count}, 1 << 20),
    "rows": array({"count": count, "ground": string, "manifest": count}, 1 << 20)}
SHOWN = {
    "grounds": lambda v: isinstance(v, dict) and all(map(string, v.values())), "groups": lambda v: isinstance(v, dict) and not any(
        mismatch({"bytes": string, "salt": based(16)}, g) for g in v.values()), "index": count, "leaf": string, "manifest": count,
    "payload": or_null({"bytes": count, "path": string}), "proof": or_null(array(based(32), 64))}
ROW = {"content": hex32, "kind": one_of(KINDS), "metadata": hex32, "name": hex32}
DERIVED_ROW = {"base_index": count, "base_root": hex32, "opinion": hex32}


def lines_of(source, path, limit):
    """The lines of a file, each without its LF; E102 for one that is too long, E101 for one that does not end."""
    buffer = b""
    for block in source.blocks(path):
        *lines, buffer = (buffer + block).split(b"\n")
        yield from lines
        if len(buffer) > limit:
            raise Bad("E102", "a line of more than %d bytes" % limit)
    if buffer:
        raise Bad("E101", "a last line without its end")


class Package:
    """A package, or one that is passed on inside another (`outer`: the package whose payload it shares)."""

    def __init__(self, report, source, prefix, policy, now, outer=None, depth=0):
        self.report, self.source, self.prefix, self.policy, self.now = report, source, prefix, policy, now
        self.outer, self.depth, self.record, self.digest, self.shows = outer, depth, None, None, False
        self.evidence = "" if outer else "evidence/"
        self.hashed, self.claimed, self.damaged, self.listed, self.torn = {}, set(), set(), set(), False

    def find(self, code, where, found="", expected=""):
        self.report.find(code, self.prefix + where, found, expected)

    def run(self, since=None):
        if self.outer is None:
            self._bag()
        self._record()
        names = {said["name"] for said in (self.record or {}).get("branches", [])}
        for file in self.source.names:
            match = re.match("%s((?:branches/[^/]+/)+)" % self.evidence, file)
            name = "/".join(match.group(1).split("/")[1::2]) if match else None
            if name and name not in names:
                names.add(name)
                self.find("E166", self.evidence + "package.json", "a branch that is not named: " + name)
        if self.record is None:
            self.report.miss("record", "no_record", self.prefix + self.evidence + "package.json", "nothing says what is shown")
            part = Part(self.source, self.evidence)
            hidden = {int(e["entry"]) for e in self._withheld(part, self.evidence)["events"]}
            Log(self.report, part, self.prefix + self.evidence, self.policy, self.now, hidden).run(since)
            return self
        self._files()
        self._logs(since)
        for previous in self.record["previous"]:
            self._previous(previous)
        if self.outer is None:
            for path in sorted(self.source.names):
                if path.startswith("data/") and path not in self.claimed and path in self.listed:
                    self.find("E173", path, "a file of no row")
        return self

    # ---- 8.2 the bag
    def _hash(self, path):
        """(bytes, SHA-256, SHA-512) of a file, read once; None where it is damaged (E157)."""
        if path not in self.hashed:
            one, two = hashlib.sha256(), hashlib.sha512()
            try:
                for block in self.source.blocks(path):
                    one.update(block)
                    two.update(block)
                self.hashed[path] = (self.source.names[path], one.digest(), two.digest() if self.outer is None else b"")
            except (Bad, OSError) as error:
                self.hashed[path] = None
                self.damaged.add(path)
                self.find("E157", path, str(error))
        return self.hashed[path]

    def _manifest(self, name, algorithm):
        """One manifest of the bag: digests by path."""
        out, last, number, pattern = {}, "", 0, re.compile("([0-9a-f]{%d})  ([^\\x00-\\x1f%%]+)\\Z" % (64 if algorithm == 1 else 128))
        if name not in self.source.names:
            self.find("E163", name, "not there")
            return out
        try:
            for number, line in enumerate(lines_of(self.source, name, 8192), 1):
                match = pattern.match(str(line, "utf-8", "replace"))
                if not match:
                    raise Bad("E161", "not a line of a manifest", "%s line %d" % (name, number))
                if match.group(2).encode() <= last.encode():
                    self.find("E161", "%s line %d" % (name, number), "not in order, or twice")
                    continue
                last = match.group(2)
                out[last] = bytes.fromhex(match.group(1))
        except Bad as bad:
            if bad.code == "E157":
                self._hash(name)
            else:
                self.find("E161", bad.where or "%s line %d" % (name, number + 1), bad.found)
            self.torn = True
        return out

    def _bag(self):
        names, tags = self.source.names, {}
        for kind, member in (("manifest", lambda p: p.startswith("data/")), ("tagmanifest", lambda p: not p.startswith((
                "data/", "tagmanifest-")))):
            one, two = self._manifest(kind + "-sha256.txt", 1), self._manifest(kind + "-sha512.txt", 2)
            for mine, other, name in ((one, two, "sha256"), (two, one, "sha512")):
                if set(other) - set(mine) and not self.torn:
                    self.find("E161", "%s-%s.txt" % (kind, name), "not the same files as the other")
            for path in sorted(set(one) | set(two)):
                if not member(path):
                    self.find("E161", kind + "-sha256.txt", path)
                elif path not in names:
                    self.find("E163", path, "not there")
                elif self._hash(path):
                    tags[path] = True
                    self.listed.add(path)
                    for at, listed in ((1, one), (2, two)):
                        if path in listed and listed[path] != self.hashed[path][at]:
                            self.find("E162", path, self.hashed[path][at].hex(), listed[path].hex())
                            break
            for path in sorted(names):
                if member(path) and path not in one and path not in two:
                    self.find("E164", path, "listed nowhere")
        self.report.did("bag_files", len(tags))
        for path, expected in (("bagit.txt", b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"), ("bag-info.txt", None)):
            if path not in names:
                self.find("E501", path, "not there")
            try:
                data = self.source.read(path, 65_536) if path in names else None
            except Bad as bad:
                if bad.code != "E157":
                    self.find("E161", path, bad.found)
                continue
            payload = [size for name, size in names.items() if name.startswith("data/") and name in self.listed]
            oxum = b"Payload-Oxum: %d.%d" % (sum(payload), len(payload))
            if data is not None and (data != expected if expected else oxum not in data.split(b"\n")):
                self.find("E161", path, data[:200].decode("utf-8", "replace"))

    # ---- 8.3 package.json, its signature, and the files that it lists
    def _record(self):
        path = self.evidence + "package.json"
        if path not in self.source.names:
            self.find("E501", path, "not there")
            return
        try:
            data = self.source.read(path, MESSAGE)
            self.digest = sha256(data)
            self.record = record(data, "package", PACKAGE, MESSAGE)
        except Bad as bad:
            if bad.code != "E157":
                self.find(bad.code, path, bad.found)
            return
        self.report.file(self.prefix + path)
        value = self.record
        ordered = [(value["files"], "path"), (value["manifests"], "manifest"), (value.get("branches", []), "name")]
        for rows, key in ordered:
            keys = [int(row[key]) if key == "manifest" else row[key].encode("utf-8", "surrogatepass") for row in rows]
            if keys != sorted(set(keys)):
                self.find("E101", path, "not ascending: " + key)
                self.record = None
        if value["items"] != sorted(set(value["items"])):
            self.find("E101", path, "not ascending: items")
            self.record = None
        if self.record is None:
            return
        for said in [value] + value.get("branches", []):
            try:
                for key in said["log_keys"]:
                    vkey(key)
            except ValueError as error:
                self.find("E101", path, str(error))
        signature = path + ".sig"
        if signature not in self.source.names:
            self.find("E401", signature, "missing")
            self.find("E501", signature, "not there")
            return
        self.report.file(self.prefix + signature)
        try:
            raw = self.source.read(signature, 16_384)
            if sshsig(raw, data, "evidencekit-package", value["exporter"]["key"]):
                self.report.did("person_signatures")
            else:
                self.report.miss("record", "signature_kind", self.prefix + signature, "a kind of key that is not checked here")
        except Bad as bad:
            if bad.code != "E157":
                self.find(bad.code, signature, bad.found)

    def _files(self):
        """`files` is complete, both ways (E501, E201, E165)."""
        own = {self.evidence + "package.json", self.evidence + "package.json.sig"}
        tags = {"%s-%s.txt" % (kind, name) for kind in ("manifest", "tagmanifest") for name in ("sha256", "sha512")}
        apart = own | ({tag for tag in tags if tag.startswith("tag")} if self.outer is None else set())
        listed = set()
        for said in self.record["files"]:
            path = said["path"]
            if self.outer is not None:
                if not path.startswith("evidence/"):
                    continue
                path = path[9:]
            listed.add(path)
            if path in apart or path.startswith("data/"):
                self.find("E165", self.evidence + "package.json", path)
            elif path not in self.source.names:
                if not self.outer or not re.match(r"(?:.*/)?(?:records\.jsonl|leaves/[0-9]+|manifests/[^/]+)\Z", path):
                    self.find("E501", path, "not there")
            elif self._hash(path):
                self.report.did("package_files")
                self.report.file(self.prefix + path)
                size, digest, _ = self.hashed[path]
                if (size != int(said["bytes"]) or digest.hex() != said["sha256"]) and not (
                        self.outer and path.endswith("records.jsonl")):
                    self.find("E201", path, "%d bytes, %s" % (size, digest.hex()), said["sha256"])
        for path in sorted(self.source.names):
            if path not in listed and path not in apart and not path.startswith("data/") and not (self.outer is None and path in tags):
                self.find("E165", path, "not listed by the exporter")

    # ---- 8.4 to 8.6: the log, lines and sums; of the package itself and of each adopted case
    def _logs(self, since):
        path = self.evidence + "package.json"
        log = self._one(self.record, self.evidence, since)
        branches, logs = self.record.get("branches", []), {"": log}
        for said in branches:
            outer, _, last = ("/" + said["name"]).rpartition("/")
            outer = outer[1:]
            adopting = logs.get(outer)
            event = next((e for e in (adopting.adopts if adopting else ()) if e[1]["body"]["branch"] == last), None)
            inner = self._one(said, self.evidence + "branches/" + said["name"].replace("/", "/branches/") + "/", None, said["name"])
            logs[said["name"]] = inner
            if event is None:
                self.find("E166", path, "no event adopts " + said["name"])
                continue
            if adopting.adopted(inner, event[0], event[1], last) and said["checkpoint"] != event[1]["body"]["log"]:
                self.find("E317", path, "another tree than was adopted")
        known = {(said["name"] + "/" if said is not self.record else "") + item for said in branches for item in said["items"]}
        for item in self.record["items"]:
            if "/" in item and item not in known:
                self.find("E166", path, "%s without its branch" % item)
        spent, size = log.custody.spent.get(self.record["exporter"]["key"]), log.newest
        if spent is not None and spent < size:
            self.find("E312", path + ".sig", "a key that signs no more since entry %d" % spent)
        if self.policy is not None:
            exporter = self.record["exporter"]
            code, why = self.policy.judge(exporter["key"], exporter["id"], log.bounds(log.newest), log.origin, log.newest, self.now)
            if code:
                self.find(code, path, why)
            elif code == "":
                self.report.miss("identity", "validity", self.prefix + path, why)
        self.log = log

    def _one(self, said, base, since, branch=""):
        """One log of the package, what it shows of its catalogues, and what it withholds."""
        where = self.evidence + "package.json"
        part = Part(self.source, base)
        withheld = self._withheld(part, base)
        hidden = {int(e["entry"]) for e in withheld["events"]}
        log = Log(self.report, part, self.prefix + base, self.policy, self.now, hidden, said=None if branch else said).run(since)
        if branch == "" and self.outer is None and self.prefix == "":
            self.report.checkpoint = log.note and {"origin": log.note[0], "root": log.note[2], "size": log.note[1]}
        self.report.entries += log.newest
        head = log.note and {"origin": log.note[0], "root": log.note[2], "size": str(log.note[1])}
        if log.case is not None and said["case"] != log.case:
            self.find("E166", where, "case")
        if head is not None and head != said["checkpoint"]:
            self.find("E166", where, "checkpoint", head)
        if log.keys and said["log_keys"] != [self._vkey(k) for k in log.keys]:
            self.find("E166", where, "log_keys")
        for n in sorted(hidden):
            path = base + "custody/%08d/event.json" % n
            if path in self.source.names:
                self.find("E167", path, "shown and withheld at once")
            elif n == 0 or n >= log.newest or any(int(m["entry"]) == n for m in said["manifests"]):
                self.find("E167", path, "an event that has to be shown")
        for item in said["items"]:
            touched = log.touched.get(item)
            if item not in log.places and not log.places_lost:
                self.find("E166", where, "no event names " + item)
            if touched:
                self.report.miss("custody", "withheld", item, "%d hidden events touch %s" % (touched, item))
        for n in sorted(log.folders):
            if n >= log.newest and log.newest:
                self.find("E166", where, "entry %d, which the checkpoint does not have" % n)
        named = {}
        for m in said["manifests"]:
            number, n = m["manifest"], int(m["entry"])
            sealed = log.sealing.get(n)
            gap = n < log.newest and n not in log.kinds
            if not gap and (sealed is None or sealed[1] != [m["item"]] or any(sealed[2][x] != m[x] for x in (
                    "manifest", "root", "rows"))):
                if log.newest and n not in hidden:
                    self.find("E166", where, "catalogue %s is not as entry %s says" % (number, m["entry"]))
            if gap:
                self.report.miss("record", "gap", self.prefix + base + "records.jsonl", "its rows need an event that cannot be read")
                named[int(number)] = None
            elif sealed is not None:
                named[int(number)] = dict(m, derived=sealed[3] == "derive", root=sealed[2]["root"], rows=sealed[2]["rows"], item=sealed[1][0], said=m)
        self.report.items.update(m["item"] for m in said["manifests"])
        self._lines(log, named, base, branch, withheld)
        if self.record["full"]:
            self.report.miss("record", "catalogue", self.prefix + base + "manifests", "catalogues (Parquet) cannot be read by this verifier")
        return log

    def _withheld(self, part, base):
        withheld = {"events": [], "grounds": [], "groups": [], "rows": []}
        try:
            if "withheld.json" in part.names:
                withheld = record(part.read("withheld.json", 64 << 20), "withheld", WITHHELD, 64 << 20)
            else:
                self.find("E501", base + "withheld.json", "not there")
        except Bad as bad:
            if bad.code != "E157":
                self.find(bad.code, base + "withheld.json", bad.found)
            withheld["unread"] = True
        return withheld

    @staticmethod
    def _vkey(key):
        raw = bytes([key[2]]) + key[3]
        return "%s+%s+%s" % (key[0], key[1], base64.b64encode(raw).decode())

    def _lines(self, log, named, base, branch, withheld):
        """8.5: each row that is shown, from its opened groups to the sealed root; 8.6: sums."""
        path = base + "records.jsonl"
        state = {"last": (-1, -1), "opened": {}, "shown": {}, "groups": {}, "base": base, "branch": branch, "log": log}
        leaves = {}
        for number, m in named.items():
            if m is None:
                continue
            file = base + "leaves/%08d" % number
            if file in self.source.names:
                leaves[number] = Leaves(self, file, int(m["rows"]), m["root"])
                if not leaves[number].good:
                    self.find("E207", file, "not the leaves of this catalogue")
        if path in self.source.names and path not in self.damaged:
            place = -1
            try:
                for place, line in enumerate(lines_of(self.source, path, MESSAGE)):
                    where = "%s#%d" % (path, place)
                    try:
                        self._line(line, where, named, leaves, state)
                    except Bad as bad:
                        self.find(bad.code, bad.where or where, bad.found)
            except Bad as bad:
                if bad.code != "E157":
                    self.find(bad.code, "%s#%d" % (path, place + 1), bad.found)
        elif not self.outer:
            if path not in self.source.names:
                self.find("E501", path, "not there")
            self.report.miss("record", "gap", self.prefix + path, "no line can be read: rows, payload and sums are not judged")
            self.claimed.update(name for name in self.source.names if name.startswith("data/"))
            return
        self._sums(named, base, state, withheld)

    def _line(self, line, where, named, leaves, state):
        row = record(line, "shown", SHOWN, MESSAGE)
        number, index, groups = int(row["manifest"]), int(row["index"]), row["groups"]
        if (number, index) <= state["last"]:
            self.find("E169", where, "catalogue %d, row %d" % (number, index))
        state["last"] = max(state["last"], (number, index))
        said = named.get(number)
        if number not in named:
            raise Bad("E170", "catalogue %d" % number)
        if said is None:
            (self.outer or self).claimed.add(row["payload"] and row["payload"]["path"])
            return
        derived = said["derived"]
        members = {"opinion"} if derived else {"name", "content", "metadata"}
        if set(groups) | set(row["grounds"]) != members or set(groups) & set(row["grounds"]) or not groups:
            raise Bad("E101", "groups and grounds do not name each group once")
        state["shown"][number] = state["shown"].get(number, 0) + 1
        for name, ground in row["grounds"].items():
            key = (number, name, ground)
            state["groups"][key] = state["groups"].get(key, 0) + 1
        leaf_bytes = row["leaf"].encode("utf-8", "surrogatepass")
        try:
            leaf = record(leaf_bytes, "derived-row" if derived else "row", DERIVED_ROW if derived else ROW, RECORD, "E107")
        except Bad as bad:
            raise Bad(bad.code, bad.found, where + " leaf") from None
        hashed = leaf_hash(leaf_bytes)
        if number in leaves:
            proved = row["proof"] is None and leaves[number].at(index) == hashed
        else:
            proof = [b64(p) for p in row["proof"]] if row["proof"] is not None else [b""]
            proved = included(index, int(said["rows"]), hashed, proof, said["root"])
        if not proved:
            self.find("E207", where, "the leaf does not lead to the sealed root")
        opened = {}
        for name, group in groups.items():
            data = group["bytes"].encode("utf-8", "surrogatepass")
            if commitment(name, b64(group["salt"]), data) != leaf[name]:
                self.find("E201", "%s groups.%s" % (where, name), "not what the leaf commits to")
            try:
                opened[name] = group_of(name, data, leaf.get("kind"))
            except Bad as bad:
                self.find(bad.code, where if bad.code == "E107" else "%s groups.%s" % (where, name), bad.found)
        self.report.did("shown_rows")
        self.shows = self.report.sealed = True
        if derived:
            if leaf["base_root"] not in state["opened"] or int(leaf["base_index"]) not in state["opened"][leaf["base_root"]]:
                self.find("E170", where, "an opinion about a row whose content is not opened")
            return
        content = opened.get("content")
        if "content" in groups:
            rows = state["opened"].setdefault(said["root"], Rows())
            rows.add(index)
        if content is not None:
            key = content["state"]
            if key == "complete":
                self.report.bytes += int(content["size"] or 0)
        else:
            key = "withheld" if "content" not in groups else "unreadable"
        self.report.states[key] = self.report.states.get(key, 0) + 1
        if row["payload"] is not None:
            self._payload(row, leaf, content, opened, said, where, state["branch"])
        elif content is not None and content["state"] == "complete" and content["sha256"] is not None:
            self.report.left += 1

    def _payload(self, row, leaf, content, opened, said, where, branch):
        path, top = row["payload"]["path"], self.outer or self
        if content is None and "content" in row["groups"]:
            top.claimed.add(path)  # the group is not in its form, which was said
            return
        if content is None or content["state"] != "complete" or content["sha256"] is None:
            raise Bad("E171", "payload of a row that has none")
        item = (branch + "/" if branch else "") + said["item"]
        if not payload_fits(path, item, row["index"], opened.get("name") if "name" in row["groups"] else None):
            self.find("E172", where, path)
        if path not in top.source.names or not path.startswith("data/"):
            raise Bad("E163", path)
        if path in top.claimed:
            self.find("E173", where, "the payload of another row")
        top.claimed.add(path)
        found = top._hash(path)
        if found is None:
            return
        if str(found[0]) != content["size"] or row["payload"]["bytes"] != content["size"] or found[1].hex() != content["sha256"]:
            raise Bad("E171", "%d bytes, SHA-256 %s" % (found[0], found[1].hex()))
        self.report.payload += 1

    def _sums(self, named, base, state, withheld):
        where, rows, groups = self.evidence + "package.json", {}, {}
        for said in withheld["rows"]:
            rows.setdefault(int(said["manifest"]), []).append((said["ground"], int(said["count"])))
        for said in withheld["groups"]:
            groups[int(said["manifest"]), said["group"], said["ground"]] = int(said["count"])
        unread = withheld.get("unread") or None in named.values()
        for number, m in named.items():
            if m is None:
                continue
            shown, hidden = state["shown"].get(number, 0), [(h["ground"], int(h["count"])) for h in m["hidden"]]
            what = "catalogue %d of %s" % (number, m["item"])
            if shown != int(m["shown"]) and not (self.outer and shown < int(m["shown"])):
                self.find("E174", where, "%d lines" % shown, m["shown"])
            elif self.outer and shown < int(m["shown"]):
                self.report.miss("record", "not_passed_on", what, "%d rows are not passed on" % (int(m["shown"]) - shown), harmless=True)
            if int(m["shown"]) + sum(n for _, n in hidden) != int(m["said"]["rows"]):
                self.find("E174", where, "%s: shown and hidden are not its rows" % what)
            if sorted(rows.pop(number, [])) != sorted(hidden) and not unread:
                self.find("E174", base + "withheld.json", "rows of " + what)
            for ground, n in hidden:
                self.report.miss("record", "withheld", what, "%d rows: %s" % (n, ground), harmless=True)
        if (rows or not self.outer and groups != state["groups"]) and not unread:
            self.find("E174", base + "withheld.json", "groups or rows that are withheld")
        for (number, group, ground), n in sorted(groups.items()):
            self.report.miss("record", "withheld", "catalogue %d" % number, "%s of %d rows that are shown: %s" % (group, n, ground), harmless=True)
        if withheld["events"]:
            self.report.miss("record", "withheld", self.prefix + base + "custody", "%d events" % len(withheld["events"]), harmless=True)
        grounds = {x["ground"] for x in withheld["rows"] + withheld["groups"] + withheld["events"]}
        if {x["ground"] for x in withheld["grounds"]} != grounds and not unread:
            self.find("E174", base + "withheld.json", "labels of grounds")

    def _previous(self, said):
        """§ package 7: a package that this one passes on."""
        prefix = self.evidence + "previous/%s/" % said["package"]
        if self.depth >= 8:
            self.report.miss("record", "previous", self.prefix + prefix, "packages too deep inside each other")
            return
        inner = Package(self.report, Part(self.source, prefix), self.prefix + prefix, self.policy, self.now, self.outer or self, self.depth + 1)
        inner.run()
        if inner.digest is not None and inner.digest != said["package"]:
            inner.find("E201", "package.json", inner.digest, said["package"])
        event = next((e for _, e in self.log.receives if e["body"]["package"] == said["package"]), None)
        if event is None or inner.record is not None and (
                event["body"]["log"] != inner.record["checkpoint"] or said["origin"] != inner.record["checkpoint"]["origin"]
                or event["body"]["transfer"] != inner.record["transfer"] or event["body"]["case"] != inner.record["case"]):
            self.find("E166", self.evidence + "package.json", "no event receives " + said["package"])


class Leaves:
    """`leaves/N`: all leaf hashes of a catalogue, read forwards."""

    def __init__(self, package, path, rows, root):
        self.source, self.path, tree, rest = package.source, path, Tree(), b""
        self.good = package.source.names[path] == 32 * rows and path not in package.damaged
        try:
            for block in package.source.blocks(path) if self.good else ():
                rest += block
                for i in range(0, len(rest) // 32 * 32, 32):
                    tree.add(rest[i:i + 32])
                rest = rest[len(rest) // 32 * 32:]
        except Bad:
            self.good = False
        self.good = self.good and tree.root() == root
        self.stream, self.start, self.block = package.source.blocks(path), 0, b""

    def at(self, index):
        while self.good and 32 * index >= self.start + len(self.block):
            self.start += len(self.block)
            self.block = next(self.stream, None)
            if self.block is None:
                self.good, self.block = False, b""
        offset = 32 * index - self.start
        return self.block[offset:offset + 32] if self.good and offset >= 0 else None


class Rows:
    """A growing set of indexes in ascending order, as runs."""

    def __init__(self):
        self.starts, self.ends = [], []

    def add(self, index):
        if self.ends and self.ends[-1] == index - 1:
            self.ends[-1] = index
        elif not self.ends or index > self.ends[-1]:
            self.starts.append(index)
            self.ends.append(index)

    def __contains__(self, index):
        at = bisect.bisect_right(self.starts, index) - 1
        return at >= 0 and index <= self.ends[at]


# ---------------------------------------------------------------------------- 15. Row proofs (§ verification 2, messages 1)
PROOF = {"entry": string, "event": string, "groups": SHOWN["groups"], "index": count, "leaf": string, "log_keys": array(string, 2, 2),
         "proof": array(based(32), 64), "signatures": array(string, 16, 1)}


def proof_of(report, data, policy, now, since):
    try:
        head, _, note_text = data.decode("utf-8").partition("\n\n")
        magic, extra, at, *hashes = head.split("\n")
        steps = [b64(h, 32) for h in hashes]
        if magic != "c2sp.org/tlog-proof@v1" or extra[:6] != "extra " or at[:6] != "index " or not count(at[6:]) or None in steps:
            raise Bad("E101", "not a proof")
        value = record(b64(extra[6:]) or b"", "row-proof", PROOF, MESSAGE)
        event_bytes, entry_bytes, leaf_bytes = (value[n].encode("utf-8", "surrogatepass") for n in ("event", "entry", "leaf"))
        event, entry = event_of(event_bytes), record(entry_bytes, "entry", ENTRY)
        if event["type"] != "seal" or set(value["groups"]) - {"name", "content", "metadata"}:
            raise Bad("E101", "not of a seal event")
        leaf = record(leaf_bytes, "row", ROW)
        note = note_of(note_text.encode())
        own = [vkey(k) for k in value["log_keys"]]
        if [k[2] for k in own] != [1, 6]:
            raise Bad("E101", "log_keys")
    except (Bad, ValueError, UnicodeDecodeError) as error:
        report.find(getattr(error, "code", "E101"), "proof", str(error))
        return
    report.sealed, n = True, int(at[6:])
    report.checkpoint = {"origin": note[0], "root": note[2], "size": note[1]}
    opened = {}
    for name, group in value["groups"].items():
        raw = group["bytes"].encode("utf-8", "surrogatepass")
        if commitment(name, b64(group["salt"]), raw) != leaf[name]:
            report.find("E201", "proof groups." + name, "not what the leaf commits to")
        try:
            opened[name] = group_of(name, raw, leaf["kind"])
        except Bad as bad:
            report.find(bad.code, "proof groups." + name, bad.found)
    for name in {"name", "content", "metadata"} - set(value["groups"]):
        report.miss("record", "withheld", "proof groups." + name, "not opened", harmless=True)
    body = event["body"]
    if not included(int(value["index"]), int(body["rows"]), leaf_hash(leaf_bytes), [b64(p) for p in value["proof"]], body["root"]):
        report.find("E207", "proof leaf", "it does not lead to the catalogue's root")
    if entry["event"] != sha256(event_bytes):
        report.find("E201", "proof event", sha256(event_bytes), entry["event"])
    if int(entry["index"]) != n or int(entry["prior"]["size"]) != n:
        report.find("E306", "proof entry", entry["index"], n)
    if not included(n, note[1], leaf_hash(entry_bytes), steps, note[2]):
        report.find("E207", "proof entry", "it does not lead to the checkpoint")
    signatures = [s.encode("utf-8", "surrogatepass") for s in value["signatures"]]
    if len(signatures) != len(event["signers"]) or entry["signatures"] != [sha256(s) for s in signatures]:
        report.find("E401" if len(signatures) != len(event["signers"]) else "E201", "proof signatures", "not those of the entry")
    for i, (signature, signer) in enumerate(zip(signatures, event["signers"])):
        try:
            if not sshsig(signature, event_bytes, "evidencekit-event", signer, own[0][3]):
                report.miss("record", "signature_kind", "proof signatures", "a kind of key that is not checked here")
        except Bad as bad:
            report.find(bad.code, "proof signatures %d" % (i + 1), bad.found)
    listed = policy.vkeys.get(note[0], []) if policy else []
    keys = listed if {k[2] for k in listed} >= {1, 6} else own
    for kind in (1, 6):
        lines = [(line, k) for line in note[4] for k in keys if k[2] == kind and line_fits(line, k)]
        if not lines:
            report.find("E405", "proof checkpoint", "no line of type %d" % kind)
        elif not any(line_good(line, k, *note[:4]) for line, k in lines):
            report.find("E406", "proof checkpoint", "type %d" % kind)
    if policy is not None:
        if not listed and note[0] in policy.logs and policy.logs[note[0]].get("vouched_by"):
            report.miss("identity", "vouched", "proof checkpoint", "event 0, which would admit the log, is not here")
        else:
            why = policy.admits(note, note[1], own, set())
            report.identity_ok = why is None
            if why:
                report.find("E407", "proof checkpoint", why)
        for i, key in enumerate(event["signers"]):
            code, why = policy.judge(key, event["actor"]["id"] if i == 0 else None, (None, None, False), note[0], n, now)
            if code:
                report.find(code, "proof event", why)
            elif code == "":
                report.miss("identity", "validity", "proof event", why)
    if since is not None:
        if since[1] == note[1] and since[2] != note[2]:
            report.find("E206", "--since", note[2], since[2])
        report.compared_outside = since[1] == note[1]
    content = opened.get("content")
    report.states[content["state"] if content else "withheld"] = 1
    report.row = {"index": value["index"], "item": (event["items"] or [""])[0], "kind": leaf["kind"]}


# ---------------------------------------------------------------------------- 16. What it was given, and what it says
LIMITS = {  # findings that this verifier does not make, or not everywhere (§ verification 8)
    "rows of catalogues (Parquet) are not read": "E106 E107 E108 E109 E110 E111 E112 E113 E115 E202 E211 E212 W907",
    "the digest of a catalogue's file, of which the catalogue itself would have to be read, and sources": "E201",
    "what only rows name in objects/ is not looked for": "E501 W902",
    "how many rows a reduced catalogue lacks is not counted": "E114",
    "lists of rows of parts are not read": "E117 E118 E119",
    "time-stamp tokens are not read beyond their digest": "E409 E421 E422 E423 E424 E425 E426 E427 E428 E429 W931",
    "published logs are not read": "E435",
    "sources are not compared": "E505 E506 E507 W906",
    "warnings of custody, which change no verdict, are not looked for": "W911 W912 W913 W914 W915 W916 W917 W918 W919 W920"}


def verify(path, policy=None, since=None, now=None, digest=None):
    """The report (report.schema.json) about a package, a case or a row proof. Raises Usage and OSError, nothing else."""
    given, now = now, time.time_ns() if now is None else now
    policy = Policy(policy) if policy else None
    since = since_of(since) if since else None
    kind = "case" if os.path.isdir(path) else "package"
    if os.path.isdir(path) and os.path.exists(os.path.join(path, "evidence", "package.json")):
        kind = "package"
    elif not os.path.isdir(path):
        with open(path, "rb") as file:
            start = file.read(64)
        kind = "proof" if start.startswith(b"c2sp.org/tlog-proof@") else kind
    report = Report(kind)
    if given is not None:
        report.did("verification by a clock that was given, %s" % time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now // 10**9)))
    try:
        if kind == "proof":
            if os.path.getsize(path) > 8 << 20:
                raise Bad("E102", "a proof of more than 8 MiB", "proof")
            with open(path, "rb") as file:
                proof_of(report, file.read(), policy, now, since)
        elif kind == "package":
            _package(report, path, policy, now, since, digest)
        else:
            source = Folder(path)
            if "case.json" not in source.names and any(p.startswith("tile/") for p in source.names):
                report.subject = "log"
                report.miss("record", "published_log", "checkpoint", "published logs are not read by this verifier")
                return report.document(policy)
            log = Log(report, source, "", policy, now).run(since)
            report.checkpoint = log.note and {"origin": log.note[0], "root": log.note[2], "size": log.note[1]}
            report.entries = log.newest
            report.miss("evidence", "no_source", "evidence", "sources cannot be compared by this verifier", harmless=True)
    except Bad as bad:
        report.find(bad.code, bad.where or "archive", bad.found)
    except OSError as error:
        report.miss("record", "unreadable", "files", str(error))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, zlib.error, struct.error) as error:
        report.internal = True
        report.miss("record", "internal_error", "verify_evidence.py", "a mistake of this program: %r" % error)
    return report.document(policy)


def _package(report, path, policy, now, since, digest):
    report.package = {"container": "unknown", "digest": None}
    try:
        source = open_package(path)
    except struct.error:
        raise Bad("E151", "cut off", "archive") from None
    if source is None:
        report.miss("record", "encrypted", "archive", "age: decrypt it first (age -d -i KEY), then check what comes out")
        return
    report.package["container"] = source.container
    package = Package(report, source, "", policy, now)
    try:
        package.run(since)
    finally:
        source.close()
    report.package["digest"] = package.digest
    if digest is not None:
        report.compared_outside = True
        if digest.lower() != package.digest:
            report.find("E201", "evidence/package.json", package.digest, digest)
    if package.record is not None:
        for name in ("confidentiality created_at exporter full hash_only items manifests onward_transfer previous recipient "
                     "transfer use_limits").split():
            report.package[name] = package.record[name]


def emit(text):
    """UTF-8, whatever the console is set to."""
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    sys.stdout.flush()


def show(document, file):
    """The report for people."""
    print(document["line"], "-", document["reason"], file=file)
    for line in document["checked"]:
        print("  checked:", line, file=file)
    for aspect, state in document["aspects"].items():
        print("  %-13s %-12s %s" % (aspect, state["status"].replace("_", " "), state["reason"]), file=file)
    counts = document["counts"]
    print("  rows: %d (%s); files of the record: %d, checked %d, not checked %d" % (
        counts["rows"], ", ".join("%s %d" % x for x in sorted(counts["states"].items())) or "none",
        counts["files_of_record"]["total"], counts["files_of_record"]["checked"], counts["files_of_record"]["not_checked"]), file=file)
    if document["checkpoint"]:
        print("  newest checkpoint: %(origin)s, size %(size)d, root %(root)s" % document["checkpoint"], file=file)
    for title, rows, form in (("findings", document["findings"], "  {severity}: {code} {where}: {found}"),
                              ("not checked", document["not_checked"], "  {aspect}: {what}: {reason}")):
        print("%s: %d" % (title, len(rows)), file=file)
        for row in rows:
            print(form.format(**row), file=file)


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="PATH", nargs="?", help="a package (folder, .zip, .tar), a case folder, or a row proof")
    parser.add_argument("--policy", metavar="DIR", help="whose keys are whose: without it nobody's identity is checked")
    parser.add_argument("--since", metavar="NOTE", help="a checkpoint known from outside: a file, or typed")
    parser.add_argument("--source", metavar="EX-001=DIR", action="append", help="not possible here: refused")
    parser.add_argument("--as-copy", action="store_true", help="accepted, as for --source")
    parser.add_argument("--identity", metavar="FILE", help="not possible here: decrypt the age file first")
    parser.add_argument("--json", action="store_true", help="the report as one JSON document")
    parser.add_argument("--digest", metavar="HEX", help="the package digest that a letter states")
    parser.add_argument("--now", metavar="MOMENT", help="what this computer's clock is taken to show (2026-11-22T09:00:00Z)")
    parser.add_argument("--limits", action="store_true", help="which findings this verifier does not make")
    options = parser.parse_args(arguments)
    try:
        if options.limits:
            codes = {code: reason for reason, words in LIMITS.items() for code in words.split()}
            emit(json.dumps({"codes": codes}, sort_keys=True, indent=1))
            return 0
        if options.path is None:
            parser.error("PATH is missing")
        if options.digest and not hex32(options.digest.lower()):
            parser.error("--digest is no SHA-256")
        now = None
        if options.now:
            whole, _, part = options.now.rstrip("Z").partition(".")
            now = instant("%s.%sZ" % (whole if "T" in whole else whole + "T00:00:00", part.ljust(9, "0")))
            if now is None:
                parser.error("--now is no moment")
        since = options.since
        if since and "\n" not in since and len(since) < 1024 and os.path.isfile(since):
            with open(since, encoding="utf-8") as file:
                since = file.read(1 << 20)
        document = verify(options.path, options.policy, since, now, options.digest)
    except (Usage, UnicodeDecodeError) as error:
        parser.error(safe(error))
    except OSError as error:
        print("verify_evidence.py: %s" % safe(error), file=sys.stderr)
        return 4
    if options.source:
        document["not_checked"].append({"aspect": "evidence", "code": "source_given", "what": "--source", "reason":
                                        "this verifier does not compare sources"})
        if document["exit_code"] in (0, 7):
            document.update(verdict="NOT CHECKED", line="NOT CHECKED", exit_code=4, reason="a source that was given was not compared")
    if options.json:
        emit(json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1))
    else:
        out = io.StringIO()
        show(document, out)
        emit(out.getvalue().rstrip("\n"))
    return document["exit_code"]


if __name__ == "__main__":
    sys.exit(main())
