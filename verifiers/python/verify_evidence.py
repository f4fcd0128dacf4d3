#!/usr/bin/env python3
"""verify_evidence.py: a small, independent verifier of evidencekit packages, row proofs, and the logs of cases.

One file, the standard library of Python 3.8 or newer. Written from specs/*.md alone, it shares no line with the program
that makes packages. Tools come first, then the steps of specs/verification.md. "§ package 8.3" names a page of specs/.

    python3 verify_evidence.py PATH [--policy DIR] [--since FILE_OR_TEXT] [--digest HEX] [--json]

Exit codes: 0 VERIFIED, 2 usage, 3 FAILED, 4 NOT CHECKED, 7 INTEGRITY ONLY. It writes nothing, unpacks nothing, uses no
network, and goes on after a finding. What it does not check it lists in each report (--limits prints the codes).
"""

import argparse
import base64
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
import unicodedata
import zipfile
import zlib
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path

RECORD, LARGE, BLOCK = 60_000, 4 << 20, 1 << 20  # § encoding 3: bytes of a record, of a line; bytes read at a time
ASPECTS = ("record", "evidence", "identity", "time", "witness", "custody", "completeness")
LIMITS = {  # § verification 8: why it does not make some findings; and their codes, or CODE@PLACE
    "warnings of custody, which change no verdict, are not made": "W91? W920",
    "messages of other logs, and what follows from them, are not read": "E301 E309 E31[134] E408@*event.json",
    "adopted cases, and packages in a case or passed on, are not read": "E31[78] E???@*branches/* E???@*packages/* "
    "E???@*previous/* E166@evidence/package.json E174@evidence/package.json E173@data/* W903",
    "catalogues, lists of rows, and what these name, are not read": "E???@*manifests/* E11[46-9] E?01@*objects/* "
    "W904 W907",
    "sources are not compared, published logs not read, files of age not decrypted": "E435 E50[567] W906 E???@EX-*",
    "what belongs to no event is not looked for in a case": "W901 W902 W905",
    "keys other than ssh-ed25519, and certificates, are not checked": "E404",
    "what a policy says of times, algorithms, revoked keys and vouched_by is not judged": "E407 E409 E41[01] U222",
    "time-stamps and cosignatures are not read": "E42? E43[123] E[25]01@*checkpoints/*.* W93?",
    "of a log's two signatures the second, by ML-DSA-44, is not verified": "E406 E407@*checkpoint*",
    "of bodies of events, and of rows, only what the steps need is held to its form": "E10[127]@*event.json "
    "E101@*entry E10[127]@*records.jsonl* E10[127]@proof* E170@*records.jsonl*",
    "of a .zip, further fields and descriptors, and of names, that they are escaped in one way": "E15[12] E172",
}
ALWAYS = list(LIMITS)[-3:]  # said in each report; where others mattered, their step says so


class Bad(Exception):
    """Evidence not in its form: a finding's code (none: it is not read here), what was found, and where, if known."""

    def __init__(self, code, found="", where=None):
        super().__init__(found)
        self.code, self.found, self.where = code, found, where


class Usage(Exception):
    """The caller's mistake, not the evidence's: exit code 2."""


def sha256(data):
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


# ---- Tools: canonical records (§ encoding 1 to 4)
TOKEN = re.compile(r'"[^"\\]*(?:\\.?[^"\\]*)*(?:"|\Z)|[\[{\]}]', re.DOTALL)
TEXT, LONG, HEX, KEY = ".*", ".*.*", "[0-9a-f]{64}", "SHA256:[A-Za-z0-9+/]{43}"
COUNT = "0|[1-9][0-9]{0,19}"
BASE64 = "(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?"
BYTES16, BYTES32 = "[A-Za-z0-9+/]{21}[AQgw]==", "[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]="
EXHIBIT = "(?:[a-z0-9-]{1,40}/){0,4}[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
INSTANT = r"(?!0000)[0-9]{4}-(?!02-3|0[469]-31|11-31)(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T"
INSTANT += r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{9}Z"
MOMENT = {"precision": "ns|ms|s|min|day", "time": INSTANT, "utc_offset_min": (None, int)}


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
        depth = 0
        for match in TOKEN.finditer(str(data, "latin-1")):
            depth += {"{": 1, "[": 1, "]": -1, "}": -1}.get(match.group()[:1], 0)
            if depth > 8:
                raise Bad("E102", "nested too deep")
        numbers = dict.fromkeys(("parse_int", "parse_float", "parse_constant"), _number)
        value = json.loads(str(data, "utf-8"), object_pairs_hook=_members, **numbers)
        again = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise Bad("E101", str(error)) from None
    if not isinstance(value, dict) or again != data:
        raise Bad("E101", "not the canonical form")
    return value


def fits(form, value):
    """Has a value a form: regular expression, type, None, (any of FORMS), [FORM, MOST, *KEYS], {member: FORM, "x?"}?"""
    if isinstance(form, str):
        found = isinstance(value, str) and re.fullmatch(form, value, re.DOTALL)
        bounded = form != TEXT or len(str(value).encode("utf-8", "surrogatepass")) <= 4096  # § encoding 4
        return bool(found) and bounded and (form != COUNT or int(value) < 1 << 64)
    if isinstance(form, tuple):
        return any(fits(one, value) for one in form)
    if isinstance(form, list):
        most, by = form[1] if len(form) > 1 else 500, form[2:]
        good = isinstance(value, list) and len(value) <= most and all(fits(form[0], one) for one in value)
        keys = [[one[name] if name else one for name in by] for one in (value if good and by else ())]  # they ascend
        keys = [[key.zfill(20) if fits(COUNT, key) else key for key in one] for one in keys]
        return good and all(one < other for one, other in zip(keys, keys[1:]))
    if isinstance(form, type):
        return type(value) is form
    if form is None or not isinstance(value, dict):
        return form is value is None
    if not set(value) <= {name.rstrip("?") for name in form}:
        return False
    present = {name: name.rstrip("?") for name in form if name[-1] != "?" or name[:-1] in value}
    return all(bare in value and fits(form[name], value[bare]) for name, bare in present.items())


def record(data, name, form, limit=RECORD, newer="E103"):
    """Return a record of type `evidencekit/NAME/1` in its form; a higher version of the type is E103."""
    value = decode(data, limit)
    kind, _, version = str(value.get("_t")).rpartition("/")
    if kind == "evidencekit/" + name and re.fullmatch("[1-9][0-9]*", version) and version != "1":
        raise Bad(newer, value["_t"])
    if not fits(dict(form, _t="evidencekit/%s/1" % re.escape(name)), value):
        raise Bad("E101", "not in the form of " + name)
    return value


def b64(text):
    """Bytes of base64 in its only form; ValueError where it is not."""
    if not fits(BASE64, text):
        raise ValueError("not base64")
    return base64.b64decode(text)


# ---- Tools: trees (RFC 6962; § checkpoint 1)
def hashed(*parts):
    """Hash of a leaf, whose first part is 0, or of an inner node, where it is 1."""
    return hashlib.sha256(b"".join(parts)).digest()


class Tree:
    """A tree that grows: the roots of its full subtrees, largest first, are all it needs."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def add(self, leaf):
        """Append the hash of a leaf."""
        size, self.size = self.size, self.size + 1
        while size & 1:
            leaf, size = hashed(b"\1", self.peaks.pop(), leaf), size >> 1
        self.peaks.append(leaf)

    def root(self):
        """Return the root, in hex."""
        first, *rest = reversed(self.peaks or [hashlib.sha256().digest()])
        return functools.reduce(lambda right, left: hashed(b"\1", left, right), rest, first).hex()


def included(index, size, leaf, proof, root):
    """RFC 9162, 2.1.3.2: does this proof lead from the leaf's hash to the root?"""
    if not 0 <= index < size:
        return False
    at, last = index, size - 1
    for step in proof:
        if len(step) != 32 or last == 0:
            return False
        if at & 1 or at == last:
            leaf = hashed(b"\1", step, leaf)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            leaf = hashed(b"\1", leaf, step)
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


# ---- Tools: persons' signatures (§ custody-log 1)
def packed(*parts):
    """SSH strings as bytes."""
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def print_of(blob):
    """Fingerprint of a key."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def sshsig(data, message, namespace, signer, log_key=None):
    """§ verification 1.4: the first that holds of E402 form, E403, E404, E402, E404 the log's key.

    True; or False where the key is of a kind that is not checked here.
    """
    head, tail = b"-----BEGIN SSH SIGNATURE-----\n", b"-----END SSH SIGNATURE-----\n"
    text = data[len(head) : -len(tail)].replace(b"\n", b"")
    lines = b"".join(text[i : i + 70] + b"\n" for i in range(0, len(text), 70))
    blob = base64.b64decode(text) if fits(BASE64, str(text, "latin-1")) else b""
    size = int.from_bytes(blob[10:14], "big")
    public, rest, end = blob[14 : 14 + size], blob[14 + size :], 0
    for _ in range(4):  # namespace, what is reserved, digest, signature
        end += 4 + int.from_bytes(rest[end : end + 4], "big")
    if end != len(rest) or head + lines + tail != data or blob[:10] != b"SSHSIG\0\0\0\1" or len(public) != size:
        raise Bad("E402", "not an SSH signature in its form")
    kind, key = public[4 : 4 + int.from_bytes(public[:4], "big")], public[-32:]
    if print_of(public) != signer and not kind.endswith(b"-cert-v01@openssh.com"):
        raise Bad("E403", print_of(public))
    if kind != b"ssh-ed25519":
        return False
    if public != packed(kind, key) or ed25519_key(key) is None:
        raise Bad("E404", "a key that is not accepted")
    fields = (namespace.encode(), b"", b"sha512")
    if rest != packed(*fields, packed(kind, rest[-64:])):
        raise Bad("E402", "for another purpose, or not in its form")
    if not ed25519(key, b"SSHSIG" + packed(*fields, hashlib.sha512(message).digest()), rest[-64:]):
        raise Bad("E402", "the signature is not good")
    if key == log_key:
        raise Bad("E404", "the log's own key")
    return True


# ---- Tools: checkpoints (§ checkpoint 2 to 5)
ORIGIN = r"(?=[^/]*\.)(?=.{1,200}\Z)[A-Za-z0-9._~-]+(?:/[A-Za-z0-9._~-]+)+"


def vkey(text):
    """(name, key ID, type, public key, text) of a C2SP vkey; ValueError."""
    name, ident, key = text.split("+", 2)
    raw = b64(key) or b"\0"
    if {1: 33, 6: 1313}.get(raw[0]) != len(raw) or sha256(name.encode() + b"\n" + raw)[:8] != ident or not name:
        raise ValueError("not a vkey")
    if raw[0] == 1 and ed25519_key(raw[1:]) is None:
        raise ValueError("an Ed25519 key that is refused")
    return name, ident, raw[0], raw[1:], text


def log_keys(body, where=None):
    """Two keys of a log, as event 0, the case file or a proof names them; E101."""
    try:
        keys = [vkey(text) for text in body["log_keys"]]
    except ValueError as error:
        raise Bad("E101", str(error), where) from None
    same = all(key[0] == body["origin"] for key in keys) and fits(ORIGIN, body["origin"])
    if [key[2] for key in keys] != [1, 6] or not same:
        raise Bad("E101", "not an Ed25519 and an ML-DSA-44 key of this log", where)
    return keys


def note_of(data):
    """(origin, size, root, text, signature lines) of a checkpoint; E105. A line is (key name, key ID, signature)."""
    form = "(([^\n]*)\n(%s)\n(%s)\n)\n((?:— [^ +\\s]+ [A-Za-z0-9+/=]+\n){1,100})" % (COUNT, BYTES32)
    try:
        text, origin, size, root, lines = re.fullmatch(form, str(data, "utf-8")).groups()
        words = [line.split(" ") for line in lines.split("\n")[:-1]]
        signed = [(name, b64(rest)[:4].hex(), b64(rest)[4:]) for _, name, rest in words]
    except (AttributeError, ValueError):
        raise Bad("E105", "not a checkpoint") from None
    if int(size) >= 1 << 63 or not fits(ORIGIN, origin) or not all(signature for _, _, signature in signed):
        raise Bad("E105", "its origin or size, or a line without a signature")
    return origin, int(size), b64(root).hex(), text, signed


def line_fits(line, key):
    """Tell whether a line names this key, and is as long as its signatures are."""
    return line[:2] == key[:2] and len(line[2]) == {1: 64, 6: 2428}[key[2]]


def line_good(line, key, text):
    """Tell whether this line, which fits the key, is a good signature; of ML-DSA it is taken to be (LIMITS)."""
    return key[2] == 6 or ed25519(key[3], text.encode(), line[2])


def fault_of_lines(note, keys):
    """§ verification 1.5: E405, not the log's two lines; E406, the first of them is not good; or None."""
    if len(note[4]) != 2 or not all(map(line_fits, note[4], keys)) or any(note[4][1][2][:8]):
        return "E405"
    return None if line_good(note[4][0], keys[0], note[3]) else "E406"


def since_of(given):
    """§ verification 1.12: (origin or None, size, root) of a note or of `[ORIGIN] SIZE ROOT`; Usage."""
    *origin, size, root = ["", "", *given.partition("\n\n")[0].split()][-3:]
    known = origin == [""] or fits(ORIGIN, origin[0])
    if known and fits("[1-9][0-9]{0,18}", size) and fits("[0-9A-Fa-f]{64}|" + BYTES32, root):
        return origin[0] or None, int(size), root.lower() if len(root) == 64 else b64(root).hex()
    raise Usage("--since is no checkpoint: [ORIGIN] SIZE ROOT, or a note")


# ---- Tools: the recipient's policy (§ policy), but tsa/; what is not understood is refused
PLAIN = r'version = 1|\[\[log\]\]|origin = ".*"|all_required_from = 0|\[time\]|authorities = [0-9]{1,2}|\[algorithms\]'
PLAIN += r'|"(?!ssh-ed25519)[a-z0-9@.-]+" ?= ?[0-9-]{10}|require = \[(?:"(?:record|identity|custody)",? ?)*\]'
DEMANDS = r'(?:require|all_required_from|min_size|vouched_by|policies|".*") ?=.*|["\]].*'
KINDS = "ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp256|ecdsa-sha2-nistp384|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh.com"
OPTION = r'(?:(?i:cert-authority|namespaces="[^"\\]+"|valid-(?:after|before)="[0-9]{8}(?:[0-9]{4}(?:[0-9]{2})?)?Z"))'
SIGNER = r'(?:"([^"]* [^"]*)"|([^ "]+)) (?:(%s(?:,%s)*) )?(%s) ([^ ]+)(?: .*)?' % (OPTION, OPTION, KINDS)


def matches(patterns, name):
    """Pattern lists of ssh: `*`, `?`, and `!` for those that are not meant."""
    hits = [one[:1] == "!" for one in patterns.split(",") if fnmatchcase(name, one.lstrip("!").replace("[", "[[]"))]
    return bool(hits) and not any(hits)


class Policy:
    """The policy folder. `unjudged` is what it demands that is not judged here."""

    def __init__(self, folder):
        self.persons, self.vkeys, name = {}, {}, ""
        self.unjudged = "revoked.toml; " if os.path.lexists(Path(folder, "revoked.toml")) else ""
        reads = {"policy.toml": self._demands, "allowed_signers": self._persons, "logs.policy": self._logs}
        try:
            for name, read in reads.items():
                text = str(Path(folder, name).read_bytes(), "utf-8")
                lines = [re.sub("[ \t]+", " ", line).strip(" ") for line in text.split("\n")]
                odd = re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]", text) or (read == self._logs and lines[-1])
                read(["a character"] if odd else [line for line in lines if line[:1] not in ("", "#")])
        except (AttributeError, IndexError, OSError, ValueError) as error:
            raise Usage("%s of the policy: %s" % (name, error)) from None

    def _demands(self, lines):
        for line in (line.partition(" #")[0] for line in lines):
            if not re.fullmatch(PLAIN + "|" + DEMANDS, line):
                raise ValueError("not understood: " + line[:100])
            self.unjudged += "" if re.fullmatch(PLAIN, line) else line + "; "

    def _persons(self, lines):
        for line in lines:
            quoted, bare, said, kind, blob = re.fullmatch(SIGNER, line).groups("")
            pairs = [one.partition("=") for one in re.findall(r'(?:"[^"]*"|[^,"])+', said)]
            options, blob = {name.lower(): value for name, _, value in pairs}, b64(blob)
            head, key = packed(kind.encode()), blob[19:]
            weak = kind == "ssh-ed25519" and (blob != head + packed(key) or ed25519_key(key) is None)
            if weak or not blob.startswith(head) or len(options) < len(pairs):
                raise ValueError("a key of another kind than it says, or one that is refused")
            if "cert-authority" not in options:
                window = {"valid-after", "valid-before"} & set(options)
                person = (quoted or bare, window, options.get("namespaces", "*").strip('"'))
                self.persons.setdefault(print_of(blob), []).append(person)

    def _logs(self, lines):
        for line in lines:
            words = line.split(" ")
            if words[0] == "log" and len(words) in (2, 3):
                key = vkey(words[1])
                self.vkeys.setdefault(key[0], []).append(key)
            elif words[0] not in ("quorum", "witness", "group"):
                raise ValueError("not understood: " + line[:100])
        quorum = [line for line in lines if line.startswith("quorum ")]
        if len(quorum) != 1 or any(len(set(keys)) < len(keys) for keys in self.vkeys.values()):
            raise ValueError("not one line of a quorum, or a key that stands twice")
        self.unjudged += "" if quorum == ["quorum none"] else quorum[0]

    def admit(self, report, note, where):
        """§ policy 3: is it a log that the policy admits? E407."""
        keys = self.vkeys.get(note[0], [])
        good = [any(line_fits(line, key) and line_good(line, key, note[3]) for line in note[4]) for key in keys]
        if not any(good) and not ("vouched_by" in self.unjudged and not keys):
            report.find("E407", where, "not signed by keys that the policy lists for it")
        elif self.unjudged or not all(good) or all(key[2] == 6 for key in keys):
            why = self.unjudged or "not all keys that are listed have signed, or Ed25519 is not among them"
            report.miss("identity", "not_supported", where, why)

    def judge(self, report, where, signers, actor, namespace="evidencekit-event"):
        """§ policy 4: is each signer somebody whom the policy knows, the first of them as the actor? E408."""
        for i, key in enumerate(signers):
            lines = [line for line in self.persons.get(key, []) if matches(line[2], namespace)]
            lines = [line for line in lines if i or matches(line[0], actor)]
            if not lines:
                report.find("E408", where, "%s %s" % ("" if i else actor, key))
            elif all(line[1] for line in lines):
                report.miss("identity", "unproven_time", where, "valid for a time: " + key)


# ---- Tools: the report (§ verification 5 and 7)
def safe(text):
    """§ encoding 5: text as it may be shown; control characters escaped, long texts cut."""
    short, out = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}, []
    for c in str(text):
        if "\udc80" <= c <= "\udcff":
            out.append("\\x%02x" % (ord(c) - 0xDC00))
        elif c not in short and unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp", "Cs"):
            out.append("\\u{%x}" % ord(c))
        else:
            out.append(short.get(c, c))
    whole = "".join(out)
    return whole if len(whole) <= 1024 else whole[:606] + "…" + sha256(whole.encode())[:16] + "…" + whole[-400:]


class Report:
    """Findings, what was not checked, and counts, as they come; document() makes one of them."""

    def __init__(self, subject):
        self.subject, self.errors, self.minor, self.by_code = subject, [], [], Counter()
        self.missed, self.missed_total, self.failed, self.open, self.said = [], 0, {}, {}, []
        self.checked, self.states, self.files = Counter(), Counter(), {}
        self.package = self.checkpoint = None
        self.sealed = self.compared = False
        self.payload = self.left = 0

    def find(self, code, where, found="", expected=""):
        """Note a finding; at most 10,000 of a kind are listed."""
        error, aspect = code[0] == "E" and code != "E103", "identity" if "E407" <= code <= "E411" else "record"
        aspect = {"E3": "custody", "E5": "completeness"}.get(code[:2], aspect)
        self.by_code[code] += 1
        if error:
            self.failed.setdefault(aspect, "%s at %s" % (code, safe(where)))
        kept = self.errors if error else self.minor
        if len(kept) < 10_000:
            grave = "error" if error else "note" if code == "W908" else "warning"
            line = {"code": code, "severity": grave, "where": safe(where)}
            kept.append(dict(line, expected=safe(expected), found=safe(found)))

    def miss(self, aspect, code, what, reason, harmless=False):
        """Note what was not checked; unless it is harmless, its aspect cannot be ok."""
        if not harmless:
            self.open.setdefault(aspect, safe(reason))
        self.missed_total += 1
        if len(self.missed) < 1000:
            self.missed.append({"aspect": aspect, "code": code, "what": safe(what), "reason": safe(reason)})


class Checker:
    """What a log and a package share: reading that ends in content or in a finding."""

    def __init__(self, report, source, policy):
        self.report, self.source, self.policy = report, source, policy
        self.find, self.miss = report.find, report.miss

    def get(self, path, limit):
        """Return content, or None after a finding."""
        self.report.files[path] = True
        try:
            if path in self.source.names:
                return self.source.read(path, limit)
            self.find("E501", path, "not there")
        except Bad as bad:
            if bad.code != "E157":  # said when the bag was read
                self.find(bad.code, path, bad.found)
        except OSError as error:
            self.miss("record", "unreadable", path, str(error))
            self.report.files[path] = False
        return None

    def parse(self, path, data, form, *more):
        """Return what a form makes of content, or None after a finding."""
        try:
            return form(data, *more) if data is not None else None
        except Bad as bad:
            self.find(bad.code, bad.where or path, bad.found)
        return None

    def opened(self, groups, leaf, where):
        """Return what opened groups say, each as the leaf commits to it (E201); E101 for one without form."""
        out = {}
        for name, group in groups.items():
            place, needed = "%s groups.%s" % (where, name), SAID.get(name, {})
            data = group["bytes"].encode("utf-8", "surrogatepass")
            made = sha256(b"evidencekit/group/1\0" + name.encode() + b"\0" + b64(group["salt"]) + data)
            if leaf and made != leaf[name]:
                self.find("E201", place, "not what the leaf commits to")
            value = self.parse(place, data, decode, 1 << 20)
            good = value and fits(needed, {one: value[one] for one in value if {one, one + "?"} & set(needed)})
            if value and not good:
                self.find("E101", place, "not in its form")
            out[name] = value if good else None
        return out

    def signed(self, path, data, namespace, signer, stated=None, log_key=None):
        """Step 1.4: one signature of a person, whose digest is `stated`; a signer of None is not known."""
        if path not in self.source.names:
            self.find("E401", path, "missing")
        signature = self.get(path, 16_384)
        if signature is not None and stated not in (None, sha256(signature)):
            self.find("E201", path, sha256(signature), stated)
        if signature is not None and signer:
            self.verified(path, signature, data, namespace, signer, log_key)

    def verified(self, path, signature, *more):
        """Step 1.4, of a signature that was read."""
        good = self.parse(path, signature, sshsig, *more)
        self.report.checked["person_signatures"] += good is True
        if good is False:
            self.miss("record", "not_supported", path, "a kind of key that is not checked here")


# ---- Where the evidence lies (§ package 9)
class Source:
    """Files by path: `names` has their sizes, `odd` what is neither file nor folder. Nothing is unpacked."""

    def __init__(self, path):
        self.path, self.names, self.odd, self.entries, self.hashed = path, {}, set(), {}, {}
        self.list()

    def blocks(self, path):
        """Yield the content, never more than it should have; E157 where it is not what the archive says."""
        left = self.names[path]
        try:
            with self.open(path) as file:
                while left:
                    block = file.read(min(BLOCK, left))
                    if not block:
                        raise Bad("E157", "cut off", path)
                    left -= len(block)
                    yield block
        except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, struct.error) as error:
            raise Bad("E157", str(error), path) from None

    def read(self, path, limit):
        """Return the whole content; E102: too large."""
        if self.names[path] > limit:
            raise Bad("E102", "%d bytes" % self.names[path])
        return b"".join(self.blocks(path))

    def hash(self, path):
        """(bytes, SHA-256, SHA-512) of a file, read once; E157 once, then None."""
        if path not in self.hashed:
            one, two, self.hashed[path] = hashlib.sha256(), hashlib.sha512(), None
            for block in self.blocks(path):
                one.update(block)
                two.update(block)
            self.hashed[path] = (self.names[path], one.hexdigest(), two.hexdigest())
        return self.hashed[path]


class Folder(Source):
    """A folder on disk. Nothing in it is followed."""

    def list(self):
        """Note all that is there."""
        todo = [""]
        while todo:
            prefix = todo.pop()
            with os.scandir(Path(self.path, prefix)) as entries:
                for entry in entries:
                    path, state = prefix + entry.name, entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(state.st_mode):
                        todo.append(path + "/")
                    elif stat.S_ISREG(state.st_mode):
                        self.names[path] = state.st_size
                    else:
                        self.odd.add(path)

    def open(self, path):
        """Return a file that is open, without following a link, or waiting for a pipe."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        return os.fdopen(os.open(Path(self.path, path), flags), "rb")


class Zip(Source):
    """As Python's zipfile reads it, from the directory at its end."""

    def list(self):
        """Take all entries; E151, E154 to E156."""
        try:
            self.zip = zipfile.ZipFile(self.path)
            for entry in self.zip.infolist():
                path = str(entry.orig_filename.encode("utf-8" if entry.flag_bits & 0x800 else "cp437"), "utf-8")
                if entry.flag_bits & ~0x080E or entry.compress_type not in (0, 8) or entry.comment:
                    raise Bad("E151", "flags, method or comment", path)
                if stat.S_IFMT(entry.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise Bad("E154", "not a plain file", path)
                if self.entries.setdefault(path, entry) is not entry:
                    raise Bad("E155", "a name that stands twice", path.partition("/")[2])
                self.names.update({} if path.endswith("/") else {path: entry.file_size})
        except (zipfile.BadZipFile, ArithmeticError, RuntimeError, OSError, ValueError, struct.error) as error:
            raise Bad("E151", str(error), "archive") from None
        if self.zip.comment or sum(self.names.values()) > 1100 * Path(self.path).stat().st_size:
            raise Bad("E151" if self.zip.comment else "E156", "a comment, or more content than it can have", "archive")
        with Path(self.path).open("rb") as file:
            self._headers(file, 0)

    def _headers(self, file, at):
        """Each entry's own header says what the directory says, and they leave no gaps (E152)."""
        for path, entry in sorted(self.entries.items(), key=lambda pair: pair[1].header_offset):
            if entry.header_offset != at:
                raise Bad("E152", "bytes between the entries, or before the directory", path if at else "archive")
            file.seek(at)
            head = struct.unpack("<4s5H3I2H", file.read(30).ljust(30, b"\0"))
            name, size, stored = file.read(head[9]), entry.file_size, entry.compress_size
            sizes = [(entry.CRC, stored, size), (entry.CRC, 0xFFFFFFFF, 0xFFFFFFFF), (0, 0, 0)]
            same = str(name, "utf-8", "replace") == path and head[2:4] == (entry.flag_bits, entry.compress_type)
            if head[0] != b"PK\3\4" or not same or head[6:9] not in sizes[: 3 if entry.flag_bits & 8 else 2]:
                raise Bad("E152", "the header of the entry", path)
            wide = size >= 0xFFFFFFFF or file.read(head[10])[:2] == b"\1\0"
            at += 30 + head[9] + head[10] + stored + ((24 if wide else 16) if entry.flag_bits & 8 else 0)
        if at != self.zip.start_dir:
            raise Bad("E152", "bytes between the entries and the directory", "archive")

    def open(self, path):
        """Return an entry that is open."""
        return self.zip.open(self.entries[path])


class Tar(Source):
    """Ustar and pax; of GNU's own headers those of long names and large sizes."""

    def list(self):
        """Take all entries; E151, E152, E154, E155."""
        at, said, end = 0, {}, Path(self.path).stat().st_size
        with Path(self.path).open("rb") as file:
            head = file.read(512)
            while any(head):
                kind, name, size = self._header(head, said)
                at, folder = at + 512, kind == b"5"
                if at + size > end or (kind in b"xL" and (said or size > 65_536)) or (folder and size):
                    raise Bad("E151", "cut off, or a header that has too much", "archive")
                if kind in b"xL":
                    said = self._pax(file.read(size)) if kind == b"x" else {"L": file.read(size)}
                elif kind in b"12346S":
                    raise Bad("E154", "not a plain file", name)
                else:
                    name, said = name.rstrip("/") + "/" if folder else name, {}
                    if self.entries.setdefault(name, at) != at:
                        raise Bad("E155", "a name that stands twice", name.partition("/")[2])
                    self.names.update({} if folder else {name: size})
                file.seek(at + size + -size % 512)
                at, head = file.tell(), file.read(512)
            if len(head) < 512 or said:
                raise Bad("E151", "cut off", "archive")
            if any(block.strip(b"\0") for block in iter(functools.partial(file.read, BLOCK), b"")):
                raise Bad("E152", "something behind the end", "archive")

    @staticmethod
    def _header(head, said):
        """(type, name, size) of a header, and of what stands before it."""
        short, gnu = head[:100].split(b"\0")[0], head[257:265] == b"ustar  \0"
        name = head[345:500].split(b"\0")[0] + b"/" + short if head[345:346] > b"\0" else short
        check, size = (re.fullmatch(b" *([0-7]+)[ \0]*", head[a:b]) for a, b in ((148, 156), (124, 136)))
        large = int.from_bytes(head[125:136], "big") if gnu and head[124] == 0x80 else 0
        longer, summed = said.get("L", b"\0"), sum(head[:148]) + 256 + sum(head[156:])
        form = any(head[345:500]) is False if gnu else head[257:263] == b"ustar\0"
        numbers = check and int(check.group(1), 8) == summed and (size or large >= 8 << 30)
        begins = "L" not in said or (longer[-1:] == b"\0" and longer.startswith(short))
        if not (form and numbers and begins and head[156:157] in b"\x000123456SxL"):
            raise Bad("E151", "not a header of a tar", "archive")
        name = said.get("path") or str(longer[:-1] or name, "utf-8", "backslashreplace")
        return head[156:157], name, int(said.get("size") or large or int(size.group(1), 8))

    @staticmethod
    def _pax(data):
        """Return the members of a pax header, each once, and none that changes what the content is."""
        out, at = {}, 0
        while at < len(data):
            match = re.match(rb"([1-9][0-9]{0,5}) (path|size|[mac]time|[ug]id|[ug]name|comment)=", data[at : at + 40])
            line = data[at : at + int(match.group(1))] if match else b""
            key, value = match and str(match.group(2), "ascii"), line[match.end() if match else 0 : -1]
            if line[-1:] != b"\n" or key in out or (key == "size" and not fits(COUNT, str(value, "latin-1"))):
                raise Bad("E151", "a pax header", "archive")
            out[key], at = str(value, "utf-8", "backslashreplace"), at + len(line)
        return out

    @contextlib.contextmanager
    def open(self, path):
        """Give the archive, open where the content of this path begins."""
        with Path(self.path).open("rb") as file:
            file.seek(self.entries[path])
            yield file


UNSAFE = r"(?i)\.{0,2}|.*[ .]|(?:CON|PRN|AUX|NUL|(?:COM|LPT)[0-9¹²³])(?:\..*)?"
UNSAFE += '|.*[\0-\x1f\x7f"*:<>?\\\\|\ud800-\udfff].*'


def check_names(source):
    """E153 to E156, over all names of a package."""
    folders, spellings = [name[:-1] for name in source.entries if name[-1:] == "/"], {}
    if source.odd:
        raise Bad("E154", "not a plain file", min(source.odd))
    for path in (*source.names, *folders):
        parts, whole = path.split("/"), ""
        if len(parts) > 64 or len(os.fsencode(path)) > 4096:
            raise Bad("E156", "too deep or too long", path)
        for i, part in enumerate(parts):
            if re.fullmatch(UNSAFE, part, re.DOTALL):
                raise Bad("E153", "a name that leads elsewhere, or that a system reserves", path)
            whole += "/" * bool(i) + part
            here = (hash(whole), i == len(parts) - 1 and path in source.names)
            folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", whole).casefold())
            if spellings.setdefault(hash(folded), here) != here:
                raise Bad("E155", "the same name in another spelling, or a file that is a folder", whole)
    beside = sum(not path.startswith("data/") for path in source.names)
    if beside > 70_000 or len(source.names) + len(folders) > 5_000_000:
        raise Bad("E156", "too many files", "archive")


def open_package(path):
    """Return the files of a package, told by content; Bad where the container is refused."""
    if Path(path).is_dir():
        source = Folder(path)
    else:
        with Path(path).open("rb") as file:
            head = file.read(512)
        if head.startswith((b"age-encryption.org/", b"-----BEGIN AGE")):
            raise Bad("", "a file of age: decrypt it first (age -d -i KEY), then check what comes out")
        source = (Tar if head[257:262] == b"ustar" else Zip)(path)
        top = next(iter(source.entries), "archive").partition("/")[0] + "/"
        alone = [name for name in source.entries if not name.startswith(top)]
        if alone or not source.names:
            raise Bad("E153", "not all in one folder", (alone or ["archive"])[0])
        source.names = {name[len(top) :]: size for name, size in source.names.items()}
        source.entries = {name[len(top) :]: entry for name, entry in source.entries.items()}
    check_names(source)
    return source


# ---- Steps 1.3 and 1.7: entries and events (§ custody-log 1 and 2)
HEAD, PERSON, KEYS = {"origin": TEXT, "root": HEX, "size": COUNT}, {"id": TEXT, "key": KEY}, [TEXT, 2]
ACTOR = dict(PERSON, organisation=(None, TEXT), role=(None, TEXT))
EVENT = {"actor": ACTOR, "body": dict, "case": BYTES16, "classification": (None, TEXT), "items": [EXHIBIT]}
EVENT.update({"language": (None, TEXT), "nonce": BYTES16, "not_stated": [TEXT], "occurred_at": MOMENT, "seen": HEAD})
EVENT.update({"signers": [KEY, 16], "time_class": "asserted|device|witnessed|external", "type": "[a-z][a-z_]*"})
PLACE = (None, "(?:0|[1-9][0-9]*)/(?:0|[1-9][0-9]*)")
ENTRY = {"event": HEX, "head": COUNT, "index": COUNT, "items_prev": [PLACE], "prior": {"root": HEX, "size": COUNT}}
ENTRY.update({"recorded_at": INSTANT, "signatures": [HEX, 16]})
CASE = {"agency": TEXT, "case": BYTES16, "created_at": MOMENT, "log_keys": KEYS, "origin": ORIGIN, "reference": TEXT}
# NEEDED: members of bodies that the steps need; what else stands there is not looked at
REFERENCE = {"entry": COUNT, "event": HEX}
OFFER, PARTS = dict(REFERENCE, origin=TEXT), [{"item": EXHIBIT, "description?": TEXT, "selection?": dict}]
NEEDED = {"correct": {"corrects": REFERENCE}, "countersign": {"of": REFERENCE}, "refuse": {"offer": OFFER}}
NEEDED["accept"] = {"offer": OFFER, "refused?": [{"item": EXHIBIT, "reason": TEXT}]}
NEEDED.update({"request_answered": {"received": REFERENCE}, "request_withdrawn": {"sent": REFERENCE}})
NEEDED["acknowledge"] = {"received?": REFERENCE, "sent?": REFERENCE}
NEEDED["seal"] = {"manifest": COUNT, "root": HEX, "rows": COUNT}
NEEDED["derive"] = dict(NEEDED["seal"], base_root=HEX)
NEEDED.update({"anchor": {"file": TEXT, "kind": "time-stamp|cosignature"}, "erase": {"whole?": bool}})
NEEDED["key_add"] = {"id": TEXT, "public_key": TEXT, "replaces?": KEY}
NEEDED.update({"key_retire": {"key": KEY}, "key_revoke": {"from_size": COUNT, "key": KEY}})
NEEDED["open"] = {name: form for name, form in CASE.items() if name != "case"}
NEEDED.update({kind: {"hold": TEXT} for kind in ("hold", "extend", "hold_release")})
NEEDED.update({kind: {"parts": PARTS} for kind in ("split", "copy")})
NEEDED.update({kind: {"to": PERSON} for kind in ("check_out", "loan", "offer", "reassign")})
NUMBER = "(?:[0-9]{8}|[1-9][0-9]{8,})"


def event_of(data):
    """Return an event in its form (E101); `needed`: of its body what is needed; `newer`: of no known version (E103)."""
    event = record(data, "event", EVENT)
    body, signers, items = event["body"], event["signers"], event["items"]
    if signers[:1] != [event["actor"]["key"]] or len(set(signers)) + len(set(items)) != len(signers) + len(items):
        raise Bad("E101", "signers, or items that are equal")
    match = re.fullmatch("evidencekit/%s/([1-9][0-9]{0,8})" % event["type"], str(body.get("_t")))
    event["known"] = event["type"] in RULES or event["type"] in ELSEWHERE
    event["newer"] = event["known"] and match is not None and match.group(1) != "1"
    needed = NEEDED.get(event["type"], {}) if not event["newer"] else {}
    event["needed"] = {name: said for name, said in body.items() if {name, name + "?"} & set(needed)}
    unclear = event["type"] == "acknowledge" and not event["newer"] and len(event["needed"]) != 1
    if not match or not fits(needed, event["needed"]) or unclear:
        raise Bad("E101", "body of " + event["type"])
    if needed and event["type"] == "open":
        log_keys(body)
    return event


# ---- Step 1.8: rules of custody (§ custody-log 4 and 5)
# May its items be new (none: it has no items)? By whom? What else has to hold of each item? Of which types of events?
TABLE = """
only -      -                 identify
may  -      nobody            collect
may  taker  -                 acquire
-    keeper acquired,unsealed seal
-    keeper base              derive
-    keeper -                 split copy physical_seal physical_unseal store transport view analyse
-    keeper -                 redact translate disclose
-    holder in                check_out loan
-    holder in,other          offer
-    holder in,free           dispose release erase
-    either -                 check_in return
-    -      offered,asked     accept refuse
-    -      no_hold           hold
-    -      hold              extend hold_release
-    -      -                 reassign correct verify incident export
none -      -                 open anchor countersign key_add key_retire key_revoke acknowledge
none -      -                 request_answered request_received request_sent request_withdrawn
"""
RULES = {}
for new, by, needs, *kinds in (line.split() for line in TABLE.strip().split("\n")):
    RULES.update(dict.fromkeys(kinds, (new, by, needs.split(","))))
AFTER_END, PARTING = ("correct", "verify", "export"), ("split", "copy")
OUT, ELSEWHERE = {"check_in": "check_out", "return": "loan"}, ("receipt", "receive", "adopt")
EXCHANGE = ("acknowledge", "request_answered", "request_received", "request_sent", "request_withdrawn")
NAMED = {"offer": "offer", "request_received": "received", "request_sent": "sent"}  # type: its member that names one
CODES = {"free": "E316", "offered": "E314", "asked": "E313"}  # of what has to hold; of all else E301
WHOEVER = ("unsealed", "base", "no_hold", "free")  # judged, too, where nobody can say who has the item
SPAN = {"ns": 1, "ms": 10**6, "s": 10**9, "min": 60 * 10**9, "day": 86_400 * 10**9}


def span_of(moment):
    """First and last nanosecond that a moment may mean."""
    whole, rest = moment["time"][:19], moment["time"][20:29]
    start = calendar.timegm(tuple(map(int, re.split("[-T:]", whole)))) * 10**9 + int(rest)
    return start, start + SPAN[moment["precision"]] - 1


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

    def __init__(self):
        self.origin, self.items, self.persons, self.spent, self.revoked = None, {}, {}, {}, {}  # origin: of event 0
        self.keys, self.offers, self.opener = set(), {}, None

    def apply(self, n, event):
        """Return the rules that an event breaks, as pairs of code and text; where there are none, it takes effect."""
        kind, items, body = event["type"], event["items"], event["needed"]
        me, to = (self.persons.get(key, key) for key in (event["actor"]["key"], body.get("to", {"key": None})["key"]))
        body["receiver"] = to  # the person who gets its items; None: it names nobody
        when, held = span_of(event["occurred_at"]), RULES.get(kind, ("",))[0] != "none"
        faults = [("E312", key) for key in event["signers"] if key in self.spent or self.revoked.get(key, n + 1) <= n]
        foreign = kind not in RULES or ("offer" in body and self.origin not in (None, body["offer"].get("origin")))
        if not foreign:
            faults += self._event(n, kind, event, me)
        for i, name in enumerate(items if held and not foreign else ()):
            code = self._item(kind, body, name, i and kind in PARTING, me, when)
            faults += [(code, name)] if code else []
        for name in items if held else ():
            new = name not in self.items
            item = self.items.setdefault(name, Item(bool(faults)) if new else None)
            if foreign and not faults:
                item.unknown, item.holder, item.keeper, item.out = True, None, None, None
            elif not faults:
                self._effect(n, kind, body, name, item, new and self.items[items[0]], me, when)
            item.acquiring = kind == "acquire" and not faults
            item.last = max(when[0], item.last or 0)
        if kind.startswith("key_") and not faults:
            self._keys(n, kind, body, me)
        self.keys.update(event["signers"])
        return faults

    def _event(self, n, kind, event, me):
        """Yield what is wrong with what hangs on no single item."""
        items, body, people = event["items"], event["needed"], {self.persons.get(key, key) for key in event["signers"]}
        if (kind == "open") != (n == 0) or bool(items) == (RULES[kind][0] == "none"):
            yield "E301", "%d items, entry %d" % (len(items), n)
        elif kind in ("seal", "acquire", "derive") and len(items) != 1:
            yield "E301", "%d items" % len(items)
        self.opener = me if n == 0 else self.opener
        if kind == "reassign" and len(people) < 2:
            yield "E310", "one person alone"
        if kind in PARTING and (items[1:] != [part["item"] for part in body["parts"]] or not items[1:]):
            yield "E301", "parts"
        if kind == "accept" and not {one["item"] for one in body.get("refused", [])} < set(items):
            yield "E301", "refused"
        if kind == "key_add":
            new = new_key(body)
            if new is None:
                yield "E301", "the key"
            if len(people) < 2 or new not in event["signers"][1:]:
                yield "E310", str(new)
            elif new in self.keys or body.get("replaces", event["actor"]["key"]) != event["actor"]["key"]:
                yield "E301", "a key that is not new, or replaces one that is not the actor's"
        elif kind in ("key_retire", "key_revoke"):
            allowed = self.persons.get(body["key"], body["key"]) == me or me == self.opener or len(people) > 1
            late = int(body["from_size"]) > n if kind == "key_revoke" else body["key"] in self.spent
            if not allowed or late:
                yield "E301", "somebody else's key, one that signs no more, or from_size"

    def _keys(self, n, kind, body, me):
        """§ custody-log 5: what an event about a key changes."""
        key = new_key(body) if kind == "key_add" else body["key"]
        self.keys.add(key)
        if "replaces" in body:
            self.persons[key], self.spent[body["replaces"]] = me, n
        elif kind != "key_add":
            self.spent.setdefault(key, n)
        if kind == "key_revoke":
            self.revoked[key] = min(int(body["from_size"]), self.revoked.get(key, n))

    def _item(self, kind, body, name, part, me, when):
        """Return the first that does not hold of an item, in the order of § custody-log 4.9; None: all does."""
        (new, by, needs), item = RULES[kind], self.items.get(name)
        if item is None:
            return None if (new != "-" or part) and "/" not in name else "E301"
        if item.ended and kind not in AFTER_END:
            return "E315"
        if part or new == "only" or (kind == "acquire" and item.sealed):
            return "E301"
        if kind in OUT and item.out != OUT[kind] and not item.unknown:
            return "E301"
        can = {"-": True, "holder": item.holder == me, "keeper": item.had(me, when)}
        can["either"] = can["holder"] or can["keeper"]
        can["taker"] = not item.holder or item.keeper == me or item.acquiring
        if not can[by] and not item.unknown:
            return "E311"
        hold, base, offer = body.get("hold"), body.get("base_root"), body.get("offer", {}).get("entry")
        held = {"-": True, "nobody": not item.holder, "acquired": item.acquired, "unsealed": not item.sealed}
        held.update({"base": item.sealed == base, "in": not item.out, "free": not item.holds})
        held["hold"] = hold in item.holds
        held.update({"no_hold": not held["hold"] and len(item.holds) < 256, "offered": str(item.offer) == offer})
        held.update({"asked": self.offers.get(item.offer) == me, "other": body["receiver"] != item.holder})
        for need in needs:
            if (not item.unknown or need in WHOEVER) and not held[need]:
                return CODES.get(need, "E301")
        return None

    def _effect(self, n, kind, body, name, item, whole, me, when):
        """What the table says that an event changes in an item; `whole`: of a new one, the first that it names."""
        to = body["receiver"]
        if kind == "collect" or (kind == "acquire" and (not item.holder or item.acquiring)):
            item.give(me, when, me)
        elif kind in ("check_out", "loan"):
            item.out, item.offer = kind, None
            item.give(to, when)
        elif kind in OUT:
            item.out = None
            item.give(item.holder, when)
        elif kind == "offer":
            item.offer, self.offers[n] = n, to
        elif kind in ("accept", "refuse"):
            item.offer = None
            if kind == "accept" and name not in [one["item"] for one in body.get("refused", [])]:
                item.give(me, when, me)
        elif kind == "reassign":
            item.unknown, item.out, item.offer = False, None, None
            item.give(to, when, to)
        elif kind in ("dispose", "release") or (kind == "erase" and body.get("whole")):
            item.ended, item.offer = True, None
        elif kind in PARTING and whole:
            item.holder, item.keeper, item.out = whole.holder, whole.keeper, whole.out
            item.unknown, item.hands = whole.unknown, list(whole.hands)
            item.holds = set(whole.holds) if kind == "split" else set()
        elif kind in ("hold", "hold_release"):
            (item.holds.add if kind == "hold" else item.holds.discard)(body["hold"])
        item.acquired = item.acquired or kind == "acquire"
        item.sealed = body["root"] if kind == "seal" else item.sealed


def new_key(body):
    """Fingerprint of the key that a `key_add` event adds; None where it is no key, or a refused one."""
    try:
        blob = b64(body["public_key"].split(" ")[1])
    except (ValueError, IndexError):
        return None
    return None if blob[4:15] == b"ssh-ed25519" and ed25519_key(blob[19:]) is None else print_of(blob)


# ---- Steps 1.2 to 1.8, 1.12 and 1.13: a log with its events
class Log(Checker):
    """The log below `root`, a path that ends in `/`, or nothing; `hidden`: numbers of events that are withheld."""

    def run(self, root="", case=None, hidden=frozenset()):
        """Carry out the steps; `case`: what is said of the log outside of its events. Return the log itself."""
        self.root, self.hidden, self.roots, self.sealing, self.kinds = root, hidden, [Tree().root()], {}, {}
        self.places, self.names, self.touched, self.signers, self.manifests = {}, {}, Counter(), {}, set()
        self.folders, self.notes, self.keys = set(), set(), []
        self.followed, self.lost = True, False  # are rules applied; could an event not be read
        self._list(case)
        self._checkpoints()
        self._entries()
        for n, signers in self.signers.items():  # what keys signed that a later event revoked
            for key in signers:
                if self.custody.revoked.get(key, 1 << 64) <= n < self.custody.spent[key]:
                    self.find("E312", "%scustody/%08d/event.json" % (root, n), key)
        if self.policy and self.note:  # step 1.13
            self.policy.admit(self.report, self.note, "%scheckpoints/%08d" % (root, self.newest))
        return self

    def _list(self, case):
        """Steps 1.2 and 1.7: what is there; keys and origin are those of event 0, else those of the case file."""
        for path in self.source.names:
            match = re.match(r"%s(?:(custody)/(%s)/|checkpoints/(%s)\Z)" % (self.root, NUMBER, NUMBER), path)
            if match:
                (self.folders if match.group(1) else self.notes).add(int(match.group(2) or match.group(3)))
        self.custody, said, self.origin, self.case = Custody(), case, case and case["origin"], case and case["case"]
        with contextlib.suppress(Bad, KeyError, OSError, ValueError):  # said when its turn comes
            opening = event_of(self.source.read(self.root + "custody/00000000/event.json", RECORD))
            is_open = opening["type"] == "open" and not opening["newer"]
            told = dict(opening["body"] if is_open else {}, case=opening["case"])
            if case and not self.root and any(case[name] != told.get(name, case[name]) for name in CASE):
                self.find("E104", "case.json", "event 0 says something else")
            self.case, self.origin = told["case"], told.get("origin", self.origin)
            said, self.custody.origin = told if is_open else case, told.get("origin")
        with contextlib.suppress(Bad, KeyError, TypeError):
            self.keys = log_keys(said)

    def _checkpoints(self):
        """Step 1.5; the newest checkpoint is the note of the largest size that passes."""
        self.good = {}
        for size in sorted(self.notes):
            path = "%scheckpoints/%08d" % (self.root, size)
            note = self.parse(path, self.get(path, BLOCK), note_of)
            if note is None:
                continue
            if note[0] != (self.origin or note[0]) or note[1] != size or size < 1:
                self.find("E105", path, "%s, size %d" % note[:2])
            elif not self.keys:
                self.miss("record", "no_log_keys", path, "its signatures need the log's keys, which are not known")
            elif fault_of_lines(note, self.keys):
                self.find(fault_of_lines(note, self.keys), path, "not the log's two lines, or one that is not good")
            else:
                self.good[size] = note
        self.report.checked["checkpoints"] += len(self.good)
        self.newest = max(self.good, default=0)
        self.note = self.good.get(self.newest)
        self.head = self.note and {"origin": self.note[0], "root": self.note[2], "size": self.note[1]}
        self.report.checkpoint = self.head

    def _entries(self):
        """Steps 1.3 and 1.6: each entry, and the tree that they make."""
        tree, before, seen, whole = Tree(), (0, ""), {}, True
        for n in range(self.newest):
            folder, leaf = "%scustody/%08d" % (self.root, n), None
            if n in self.folders:
                leaf = self.get(folder + "/entry", 65_536)
                entry = self.parse(folder + "/entry", leaf, record, "entry", ENTRY)
                before = self._entry(n, folder + "/entry", entry, before) if entry else before
                if n in self.hidden:
                    self._hidden(n, folder + "/entry", entry)
                else:
                    self._event(n, folder, entry, seen)
            else:
                self.followed, self.lost = False, True
                if n == 0 or n - 1 in self.folders:
                    self.find("E501", folder, "no entry")
            whole = whole and leaf is not None
            tree.add(hashed(b"\0", leaf or b""))
            self.roots.append(tree.root() if whole else None)
        self.report.checked["entries"] += self.newest
        for size, note in self.good.items():  # step 1.6
            path = "%scheckpoints/%08d" % (self.root, size)
            if self.roots[size] is None:
                self.miss("record", "gap", path, "an entry below it cannot be read")
            elif note[2] != self.roots[size]:
                self.find("E204", path, note[2], self.roots[size])

    def _entry(self, n, path, entry, before):
        """Step 1.3: what an entry says of itself; return its head, and when it was recorded."""
        if int(entry["index"]) != n or int(entry["prior"]["size"]) != n:
            self.find("E306", path, "index %s" % entry["index"], n)
        if entry["prior"]["root"] != (self.roots[n] or entry["prior"]["root"]):
            self.find("E203", path, entry["prior"]["root"], self.roots[n])
        head, when = int(entry["head"]), entry["recorded_at"]
        if not before[0] <= head <= n:
            self.find("E305", path, "head %d" % head)
        elif head and head not in self.notes:
            self.notes.add(head)  # named once
            self.find("E502", "%scheckpoints/%08d" % (self.root, head), "named by entry %d" % n)
        if when < before[1]:
            self.find("W904", path, when)
        return min(head, n), when  # a head that is too high counts as its own number

    def _event(self, n, folder, entry, seen):
        """Steps 1.3, 1.4 and 1.7, for an event with its signatures."""
        path, stated = folder + "/event.json", entry["signatures"] if entry else []
        data = self.get(path, 65_536)
        digest = sha256(data or b"")
        self.kinds[n] = (digest, "") if data is not None else (entry and entry["event"], None)  # until it is read
        if data is not None and entry and digest != entry["event"]:
            self.find("E201", path, digest, entry["event"])
        if seen.setdefault(digest, n) != n and data is not None:
            self.find("E303", path, "also entry %d" % seen[digest])
        event = self.parse(path, data, event_of)
        signers = event["signers"] if event else [None] * len(stated)
        if event and entry and len(stated) != len(signers):
            self.find("E401", folder + "/entry", "%d signatures" % len(stated), len(signers))
        for i, signer in enumerate(signers):  # step 1.4
            place = path + (".%d" % (i + 1) if i else "") + ".sig"
            log_key = self.keys[0][3] if self.keys else None
            self.signed(place, data, "evidencekit-event", signer, (stated[i : i + 1] or [None])[0], log_key)
        if not event or event["newer"]:
            self.miss("custody", "gap", path, "rules from here on: nobody can say what became of any item")
            self.followed = False
        if not event:
            self.lost = True
            return
        if self.policy:  # step 1.13
            self.policy.judge(self.report, path, signers, event["actor"]["id"])
        if event["case"] != (self.case or event["case"]):  # step 1.7
            self.find("E104", path, event["case"], self.case)
        at = int(event["seen"]["size"])
        if n and event["seen"]["origin"] != self.origin:
            self.miss("custody", "foreign_log", path, "signed in sight of another log, " + event["seen"]["origin"])
        elif event["seen"]["origin"] != self.origin or at > n or self.roots[at] not in (event["seen"]["root"], None):
            self.find("E304", path, "size %d, root %s" % (at, event["seen"]["root"]))
        self._places(n, folder + "/entry", event, entry and entry["items_prev"])
        self._said(n, path, event, digest)

    def _places(self, n, path, event, given):
        """Step 1.3: `items_prev` are the places of the verifier's own walk (E302, E307)."""
        if given is not None and len(given) != len(event["items"]):
            self.find("E302", path, "%d places" % len(given), len(event["items"]))
        for j, name in enumerate(event["items"]):
            true = self.places.get(name, "%d/0" % n if j and event["type"] in PARTING else None)
            place = given[j] if given and j < len(given) else true
            if place != true and not self.is_open(place, n, not event["known"] or event["newer"]):
                shadow = self.names.get(place, "")
                if true is None and shadow.startswith("hidden ") and self.places.get(shadow) == place:
                    self.touched[name] = self.touched.pop(shadow)  # so far in hidden events alone
                    del self.places[shadow]
                    self.custody.items[name] = Item(unknown=True)
                else:
                    self.find("E307" if place and shadow == name else "E302", path, place, true)
            self.places[name] = "%d/%d" % (n, j)
            self.names[self.places[name]] = name

    def is_open(self, place, n, divides=False):
        """Tell whether a place is in an event that cannot be read, or in this one, which may divide items."""
        at = int(place.partition("/")[0]) if place else n + 1
        return (at < n and at not in self.hidden and not self.kinds.get(at, ("", ""))[1]) or (at == n and divides)

    def _hidden(self, n, path, entry):
        """§ package 5: a hidden event is followed through the places that its entry names."""
        self.kinds[n] = (entry and entry["event"], None)
        self.followed, self.lost = self.followed and bool(entry), self.lost or not entry
        for j, place in enumerate(entry["items_prev"] if entry else ()):
            here, name = "%d/%d" % (n, j), self.names.get(place)
            if place == "%d/0" % n and j:
                name = None
            elif place and self.places.get(name) != place and not self.is_open(place, n):
                self.find("E307" if name else "E302", path, place)
            name = name or "hidden " + here
            self.places[name], self.names[here] = here, name
            self.touched[name] += 1
            if name in self.custody.items:
                self.custody.items[name].unknown = True
        if entry and not entry["items_prev"]:
            self.miss("custody", "withheld", path, "a hidden event without items may end a key")

    def _said(self, n, path, event, digest):
        """Steps 1.8 to 1.10: the rules, and what of an event matters later; what is not checked is said."""
        kind, body, items = event["type"], event["body"], event["items"]
        for code, found in self.custody.apply(n, event) if self.followed else ():
            self.find(code, path, found)
        if event["not_stated"]:
            self.find("W903", path, ", ".join(event["not_stated"]))
        for member, of in (("corrects", ""), ("of", ""), *((name, of) for of, name in NAMED.items())):
            said = event["needed"].get(member)
            if said and self.custody.origin in (None, said.get("origin", self.custody.origin)):
                digest_there, kind_there = self.kinds.get(int(said["entry"]), ("", ""))
                if int(said["entry"]) < n and not digest_there:
                    self.miss("custody", "gap", path, "%s: an event that cannot be read" % member)
                elif digest_there != said["event"] or (of and kind_there not in (of, None)):
                    self.find("E308", path, "%s: entry %s" % (member, said["entry"]))
        self.kinds[n], self.signers[n] = (digest, kind), event["signers"]
        if event["newer"]:
            self.find("E103", path, body["_t"])
        elif kind in ("seal", "derive"):
            if body["manifest"] in self.manifests:
                self.find("E301", path, "a catalogue that an event named before")
            self.manifests.add(body["manifest"])
            self.sealing[n] = (items, body, kind)
        elif kind == "anchor":
            aspect = "time" if body["kind"] == "time-stamp" else "witness"
            self.miss(aspect, "not_supported", self.root + "checkpoints/" + body["file"], "attestations are not read")
        elif self.root and kind in EXCHANGE:  # § package 5
            self.find("W908", path, kind)
        elif kind in ELSEWHERE + EXCHANGE or "message" in body:
            for aspect in ("record", "custody", *(["identity"] if self.policy else [])):  # whoever signed there
                self.miss(aspect, "not_supported", path, "messages, packages and cases of others are not read")
        elif kind not in RULES:
            self.miss("custody", "unknown_type", path, "an event of another type: " + kind)
        elif kind in PARTING and "selection" in str(body["parts"]):
            self.miss("record", "not_supported", path, "lists of rows of parts are not read")

    def outside(self, since):
        """Step 1.12: a checkpoint that is known from outside."""
        origin, size, root = since
        self.report.compared = True
        if origin not in (None, self.origin):
            self.find("E104", "--since", origin, self.origin)
        elif size > self.newest:
            self.find("E503", "--since", "size %d" % self.newest, size)
        elif self.roots[size] not in (root, None):
            self.find("E206", "--since", self.roots[size], root)


def case_of(report, source, policy, since):
    """Step 1.1, and what of a case is read beside its log: of catalogues, that they are there."""
    if any(name.startswith("tile/") for name in source.names):
        raise Bad("", "a published log, which is not read by this verifier")
    log = Log(report, source, policy)
    case = log.parse("case.json", log.get("case.json", 65_536), record, "case", CASE)
    case = case if case and log.parse("case.json", case, log_keys) else None
    log.run("", case)
    for _, body, _ in log.sealing.values():  # step 1.9
        file = "manifests/%08d.parquet" % int(body["manifest"])
        report.sealed, report.files[file] = True, False
        report.miss("record", "not_supported", file, "catalogues (Parquet) cannot be read by this verifier")
    report.miss("completeness", "not_supported", "case", "what belongs to no event is not looked for")
    if since:
        log.outside(since)


# ---- Rows (§ manifest 1 to 5), and names of payload (§ package 3)
SALTED = {"bytes": LONG, "salt": BYTES16}
ROW = {"content": HEX, "kind": "[a-z_]+", "metadata": HEX, "name": HEX}
OPINION = {"base_index": COUNT, "base_root": HEX, "opinion": HEX}
STATES = "complete|changed|partial|not_read|not_listed|vanished"
SAID = {  # members of opened groups that the steps need; what else stands there is committed to, and not looked at
    "content": {"sha256": (None, HEX), "size": (None, COUNT), "state": STATES},
    "name": {"path?": LONG, "path_hex?": "(?:[0-9a-f]{2})+", "stream?": LONG, "stream_hex?": "(?:[0-9a-f]{2})+"},
}


def name_of(group, member):
    """§ encoding 5: the bytes of a name that stands as text or as hex."""
    raw = group.get(member + "_hex")
    return bytes.fromhex(raw) if raw else group.get(member, "").encode("utf-8", "surrogateescape")


def unescaped(text):
    """§ package 3.1: what a name in a package stands for, in bytes: ^XX for one byte, and all else for itself."""
    return re.sub(rb"\^([0-9A-F]{2})", lambda match: bytes.fromhex(str(match.group(1), "ascii")), text.encode("utf-8"))


def component_fits(given, raw, stream):
    """§ package 3.2 to 3.4: does one component of a path stand for this name, in full or shortened?"""
    short = re.fullmatch(r".*\^~([0-9a-f]{32})", given, re.DOTALL)
    if short:
        return short.group(1) == sha256(raw + (b"\0" + stream if stream else b""))[:32]
    head, mark, tail = given.partition("^~s-")
    return (unescaped(head), bool(mark), unescaped(tail)) == (raw or b"^~source", bool(stream), stream)


def payload_fits(path, item, index, group):
    """§ package 3.5: is this a path that the row's payload may have?"""
    top, *given = path[5:].split("/")
    if unescaped(top) != item.encode() or given == ["^~row-" + index] or group is None:
        return unescaped(top) == item.encode() and given == ["^~row-" + index]
    *folders, last = name_of(group, "path").split(b"/")
    parts = [(part, b"") for part in folders] + [(last, name_of(group, "stream"))]
    return len(given) == len(parts) and all(component_fits(one, *part) for one, part in zip(given, parts))


# ---- Step 2b: packages (§ package 8)
GROUND, MANY = "[a-z][a-z0-9_]{0,39}|x-[a-z0-9-]{1,40}", 65_536  # § package 4
COUNTED = {"count": COUNT, "ground": GROUND}
CATALOGUE = {"entry": COUNT, "hidden": [COUNTED, 500, "ground"], "item": EXHIBIT, "manifest": COUNT, "root": HEX}
CATALOGUE.update({"rows": COUNT, "shown": COUNT})
PACKAGE = {"case": BYTES16, "checkpoint": HEAD, "items": [EXHIBIT, 500, ""], "log_keys": KEYS}
PACKAGE["manifests"] = [CATALOGUE, MANY, "manifest"]
BRANCH = dict(PACKAGE, name="[a-z0-9-]{1,40}(?:/[a-z0-9-]{1,40}){0,3}")
PACKAGE.update({"branches?": [BRANCH, 100, "name"], "created_at": MOMENT, "exporter": ACTOR, "full": bool})
PACKAGE.update({"files": [{"bytes": COUNT, "path": TEXT, "sha256": HEX}, MANY, "path"], "hash_only": bool})
PACKAGE.update({"previous": [{"origin": TEXT, "package": HEX}], "recipient": (None, PERSON), "transfer": BYTES16})
PACKAGE.update(dict.fromkeys(("confidentiality", "onward_transfer", "use_limits"), (None, TEXT)), **{"request?": HEX})
WITHHELD = {"events": [{"entry": COUNT, "ground": GROUND}, MANY, "entry"]}
WITHHELD["grounds"] = [{"ground": GROUND, "label": TEXT}, 500, "ground"]
WITHHELD["rows"] = [dict(COUNTED, manifest=COUNT), MANY, "manifest", "ground"]
WITHHELD["groups"] = [dict(WITHHELD["rows"][0], group="name|content|metadata|opinion"), MANY]
WITHHELD["groups"] += ["manifest", "group", "ground"]
SHOWN = {"grounds": dict, "groups": dict, "index": COUNT, "leaf": LONG, "manifest": COUNT}
SHOWN.update({"payload": (None, {"bytes": COUNT, "path": LONG}), "proof": (None, [BYTES32, 63])})
TAGS = ["%smanifest-sha%s.txt" % (kind, bits) for kind in ("", "tag") for bits in (256, 512)]
BAG_LINE = r"([0-9a-f]{%d})  ([^\x00-\x1f\x7f\x85\u2028\u2029\ud800-\udfff%%]+)"
LINES, RECORD_PATH, WITHHELD_PATH = "evidence/records.jsonl", "evidence/package.json", "evidence/withheld.json"


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

    def run(self, since, digest):
        """Carry out the steps; `since` and `digest` are known from outside."""
        self.hashed, self.claimed = self.source.hashed, set()
        self.shown, self.closed = Counter(), Counter()
        self._bag()
        said, withheld = self._record()
        self.report.compared = digest is not None
        if digest and digest.lower() != self.report.package["digest"]:
            self.find("E201", RECORD_PATH, self.report.package["digest"], digest)
        hidden = {int(event["entry"]) for event in withheld["events"]} if withheld else set()
        case = dict(said, origin=said["checkpoint"]["origin"]) if said else None
        self.parse(RECORD_PATH, case, log_keys)
        log = Log(self.report, self.source, self.policy).run("evidence/", case, hidden)
        if since:
            log.outside(since)
        if said is None:
            self.miss("record", "gap", RECORD_PATH, "nothing says what is shown")
            return
        self.report.package.update({name: said[name] for name in ("created_at", "exporter", "items", "recipient")})
        self._files(said["files"])
        catalogues = self._contradicts(said, log, hidden)
        other = [path for path in self.source.names if path.startswith(("evidence/branches/", "evidence/previous/"))]
        if other or said["previous"] or said.get("branches") or "/" in "".join(said["items"]):
            self.miss("record", "not_supported", RECORD_PATH, "adopted cases, and packages that are passed on")
        if LINES not in self.source.names or not self._hash(LINES):
            if LINES not in self.source.names:
                self.find("E501", LINES, "not there")
            self.miss("record", "gap", LINES, "no line can be read: rows, payload and sums are not judged")
            return
        self._lines(catalogues)
        self._sums(catalogues, withheld)
        for path in sorted(set(self.source.names) - self.claimed if not other else ()):
            if path.startswith("data/") and self.hashed.get(path) and None not in catalogues.values():
                self.find("E173", path, "a file of no row")

    def _hash(self, path):
        """(bytes, SHA-256, SHA-512) of a file; None where it is damaged (E157)."""
        try:
            return self.source.hash(path)
        except (Bad, OSError) as error:
            self.find("E157", path, str(error))
        return None

    def _manifest(self, name, digits):
        """§ package 8.2: digests by path, of one manifest of the bag, as far as it can be read."""
        out, last, number = {}, b"", 0
        if name not in self.source.names:
            self.find("E501", name, "not there")
            self.torn.add(name)
            return out
        try:
            for number, line in enumerate(lines_of(self.source, name, 8192), 1):
                match = re.fullmatch(BAG_LINE % digits, str(line, "utf-8", "surrogateescape"))
                if not match or match.group(2) != match.group(2).strip() or match.group(2).encode() <= last:
                    self.find("E161", "%s line %d" % (name, number), "not a line of a manifest, or not in order")
                    self.torn.add(name)
                    break
                last = match.group(2).encode()
                out[match.group(2)] = match.group(1)
        except Bad as bad:
            self.torn.add(name)
            if bad.code != "E157" or self._hash(name):
                self.find("E161", "%s line %d" % (name, number + 1), bad.found)
        return out

    def _bag(self):
        """§ package 8.2."""
        names, payload = self.source.names, []
        for kind in ("manifest", "tagmanifest"):
            self.torn = set()
            pair = [self._manifest("%s-sha%d.txt" % (kind, bits), bits // 4) for bits in (256, 512)]
            for one, other, name in zip(pair, pair[::-1], ("%s-sha256.txt" % kind, "%s-sha512.txt" % kind)):
                if any(path not in one and (name not in self.torn or [path] < [*one][-1:]) for path in other):
                    self.find("E161", name, "not the same files as the other")
            listed = set(pair[0]) | set(pair[1])
            for path in sorted(listed):
                if path in TAGS[2:] or path.startswith("data/") != (kind == "manifest"):
                    self.find("E161", kind + "-sha256.txt", path)
                elif path not in names:
                    self.find("E163", path, "not there")
                elif self._hash(path):
                    payload += [names[path]] if kind == "manifest" else []
                    if any(path in one and one[path] != made for one, made in zip(pair, self.hashed[path][1:])):
                        self.find("E162", path, self.hashed[path][1])
            for path in sorted(set(names) - set(TAGS[2:]) - listed if not self.torn else ()):
                if path.startswith("data/") == (kind == "manifest"):
                    self.find("E164", path, "listed nowhere")
        self.report.checked["bag_files"] += len(self.hashed)
        info, bagit = self.get("bag-info.txt", 65_536), self.get("bagit.txt", 65_536)
        lines = (info or b"").split(b"\n")
        oxum = [line for line in lines if line.startswith(b"Payload-Oxum: ")]
        torn = any(made is None for path, made in self.hashed.items() if path.startswith("data/"))
        wrong = oxum != [b"Payload-Oxum: %d.%d" % (sum(payload), len(payload))] and not torn
        if info is not None and (wrong or lines.pop() or not all(b": " in line for line in lines)):
            self.find("E161", "bag-info.txt", "not its lines, or another number of bytes or files")
        if bagit not in (None, b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"):
            self.find("E161", "bagit.txt", "not BagIt 1.0")

    def _record(self):
        """§ package 8.3 and 4: package.json with its signature, and withheld.json; None for what cannot be read."""
        data = self.get(RECORD_PATH, LARGE)
        said = self.parse(RECORD_PATH, data, record, "package", PACKAGE, LARGE)
        self.report.package["digest"] = data and sha256(data)
        logs = (said, *said.get("branches", [])) if said else ()
        hidden = [(one, [part["count"] for part in one["hidden"]]) for log in logs for one in log["manifests"]]
        sums = [int(one["rows"]) - int(one["shown"]) - sum(map(int, counts)) for one, counts in hidden]
        if any(sums) or not all(log["items"] for log in logs):
            said = self.find("E101", RECORD_PATH, "no items, or shown and hidden are not the rows of a catalogue")
        if said:
            key = said["exporter"]["key"]
            self.signed(RECORD_PATH + ".sig", data, "evidencekit-package", key)
            if self.policy:
                self.policy.judge(self.report, RECORD_PATH, [key], said["exporter"]["id"], "evidencekit-package")
        return said, self.parse(WITHHELD_PATH, self.get(WITHHELD_PATH, LARGE), record, "withheld", WITHHELD, LARGE)

    def _files(self, files):
        """§ package 8.3: `files` is complete, both ways (E501, E201, E165)."""
        apart = {RECORD_PATH, RECORD_PATH + ".sig", *TAGS[2:]}
        for said in files:
            path = said["path"]
            if path in apart or path.startswith("data/"):
                self.find("E165", RECORD_PATH, path)
            elif path not in self.source.names:
                self.find("E501", path, "not there")
            elif self._hash(path):
                self.report.files[path] = True
                if self.hashed[path][:2] != (int(said["bytes"]), said["sha256"]):
                    self.find("E201", path, "%d bytes, %s" % self.hashed[path][:2], said["sha256"])
        for path in sorted(set(self.source.names) - {said["path"] for said in files} - apart - set(TAGS)):
            if not path.startswith("data/"):
                self.find("E165", path, "not listed by the exporter")

    def _contradicts(self, said, log, hidden):
        """§ package 8.4: E166, E167; return the catalogues by number, as events have them (None: cannot be read)."""
        read = self.hashed.get("evidence/checkpoints/%08d" % int(said["checkpoint"]["size"]), log.note)
        for wrong, what in (
            (log.case not in (None, said["case"]), "case"),
            (read and log.note and said["checkpoint"] != dict(log.head, size=str(log.newest)), "checkpoint"),
            (log.keys and said["log_keys"] != [key[4] for key in log.keys], "log_keys"),
            (read and log.note and max(log.folders, default=0) >= log.newest, "entries that it does not have"),
        ):
            if wrong:
                self.find("E166", RECORD_PATH, what)
        for item in said["items"]:
            if log.touched[item] or (hidden and item not in log.places):
                why = "%d hidden events touch it, or no event of it is shown" % log.touched[item]
                self.miss("custody", "withheld", item, why)
            elif item not in log.places and not log.lost and "/" not in item:
                self.find("E166", RECORD_PATH, "no event names " + item)
        spent = log.custody.spent.get(said["exporter"]["key"], log.newest)
        if spent < log.newest:
            self.find("E312", RECORD_PATH + ".sig", "a key that signs no more since entry %d" % spent)
        needed = {int(one["entry"]) for one in said["manifests"]} | {0}
        for n in sorted(hidden):
            event = "evidence/custody/%08d/event.json" % n
            if event in self.source.names or n in needed or n >= log.newest:
                self.find("E167", event, "shown and withheld at once, or to be shown")
        out = {}
        for one in said["manifests"]:
            n, number = int(one["entry"]), int(one["manifest"])
            items, body, kind = log.sealing.get(n, ([], None, ""))
            if log.is_open("%d/0" % n, log.newest):
                out[number] = None
                self.miss("record", "gap", LINES, "its rows need an event that cannot be read")
                continue
            same = body and items == [one["item"]] and all(body[x] == one[x] for x in ("manifest", "root", "rows"))
            if not same and log.newest and n not in hidden:
                self.find("E166", RECORD_PATH, "catalogue %d is not as entry %d says" % (number, n))
            if body:
                out[number] = dict(one, derived=kind == "derive", root=body["root"], sealed_rows=int(body["rows"]))
        if said["full"]:
            self.miss("record", "not_supported", "evidence/manifests", "catalogues (Parquet) cannot be read")
        return out

    def _lines(self, catalogues):
        """§ package 8.5."""
        place, self.last, self.leaves = -1, (-1, -1), (None, b"")
        try:
            for place, line in enumerate(lines_of(self.source, LINES, LARGE)):
                where = "%s#%d" % (LINES, place)
                self.parse(where, line, self._line, where, catalogues)
        except Bad as bad:
            self.find(bad.code, "%s#%d" % (LINES, place + 1), bad.found)
            catalogues.update(dict.fromkeys([*catalogues, 0]))  # where lines are missing no sum is judged

    def _line(self, line, where, catalogues):
        """One row that is shown."""
        row = record(line, "shown", SHOWN, LARGE)
        number, index, groups, grounds = int(row["manifest"]), int(row["index"]), row["groups"], row["grounds"]
        path = row["payload"] and row["payload"]["path"]
        if (number, index) <= self.last:
            self.find("E169", where, "catalogue %d, row %d" % (number, index))
        self.last = max(self.last, (number, index))
        if number not in catalogues:
            raise Bad("E170", "catalogue %d" % number)
        said = catalogues[number]
        if said is None:
            self.claimed.add(path)
            return
        names = {"opinion"} if said["derived"] else {"name", "content", "metadata"}
        forms = all(fits(SALTED, group) for group in groups.values()) and fits([GROUND], list(grounds.values()))
        if not forms or set(groups) | set(grounds) != names or set(groups) & set(grounds) or not groups:
            raise Bad("E101", "groups and grounds do not name each group once, or are not in their form")
        self.shown[number] += 1
        self.closed.update((number, name, ground) for name, ground in grounds.items())
        data = row["leaf"].encode("utf-8", "surrogatepass")
        form = ("derived-row", OPINION) if said["derived"] else ("row", ROW)
        leaf = self.parse(where + " leaf", data, record, *form, RECORD, "E107")
        if not self._proved(row, said, number, index, hashed(b"\0", data)):
            self.find("E207", where, "the leaf does not lead to the sealed root")
        values = self.opened(groups, leaf, where)
        self.report.checked["shown_rows"] += 1
        self.report.sealed = True
        if said["derived"]:
            return
        content = values.get("content")
        self.report.states[content["state"] if content else "unreadable" if "content" in groups else "withheld"] += 1
        whole = content is not None and content["state"] == "complete" and content["sha256"] is not None
        if path is None:
            self.report.left += whole
        elif whole:
            self._payload(path, row, content, values, said, where)
        elif content or "content" not in groups:
            raise Bad("E171", "payload of a row that has none")
        else:
            self.claimed.add(path)  # its group is not in its form, which was said

    def _proved(self, row, said, number, index, leaf):
        """The leaf leads to the sealed root: by its proof, or by `leaves/N`, held for one catalogue at a time."""
        path = "evidence/leaves/%08d" % number
        if path not in self.source.names:
            proof = [b64(step) for step in row["proof"]] if row["proof"] is not None else [b""]
            return included(index, said["sealed_rows"], leaf, proof, said["root"])
        if self.leaves[0] != number:
            data, tree = self.get(path, self.source.names[path]) or b"", Tree()
            for at in range(0, len(data), 32):
                tree.add(data[at : at + 32])
            if tree.root() != said["root"] or len(data) != 32 * said["sealed_rows"]:
                self.find("E207", path, "not the leaves of this catalogue")
            self.leaves = (number, data if len(data) == 32 * said["sealed_rows"] else b"")
        return row["proof"] is None and self.leaves[1][32 * index : 32 * index + 32] == leaf

    def _payload(self, path, row, content, values, said, where):
        """The content of a row (E163, E171 to E173)."""
        if not payload_fits(path, said["item"], row["index"], values.get("name")):
            self.find("E172", where, path)
        if path not in self.source.names or not path.startswith("data/"):
            raise Bad("E163", path)
        if path in self.claimed:
            self.find("E173", where, "the payload of another row")
        self.claimed.add(path)
        made, size = self._hash(path), content["size"]
        if made and ((str(made[0]), made[1]) != (size, content["sha256"]) or row["payload"]["bytes"] != size):
            raise Bad("E171", "%d bytes, SHA-256 %s" % made[:2])
        self.report.payload += made is not None

    def _sums(self, catalogues, withheld):
        """§ package 8.6: what is shown and what is withheld add up (E174); what is withheld is listed."""
        for number, said in catalogues.items():
            if said and int(said["shown"]) != self.shown[number]:
                self.find("E174", RECORD_PATH, "%d lines" % self.shown[number], said["shown"])
        if withheld is None or None in catalogues.values():
            return
        if withheld["events"]:
            self.miss("record", "withheld", "evidence/custody", "%d events" % len(withheld["events"]), harmless=True)
        for kind in ("rows", "groups"):
            for one in withheld[kind]:
                what = "%s of %s: %s" % (one["count"], one.get("group", "rows"), one["ground"])
                self.miss("record", "withheld", "catalogue " + one["manifest"], what, harmless=True)
        rows = [(int(one["manifest"]), one["ground"], int(one["count"])) for one in withheld["rows"]]
        hidden = [(n, one["ground"], int(one["count"])) for n, said in catalogues.items() for one in said["hidden"]]
        groups = {(int(one["manifest"]), one["group"], one["ground"]): int(one["count"]) for one in withheld["groups"]}
        grounds = {one["ground"] for kind in ("rows", "groups", "events") for one in withheld[kind]}
        if sorted(rows) != sorted(hidden) or groups != dict(self.closed):
            self.find("E174", WITHHELD_PATH, "groups or rows that are withheld")
        if {one["ground"] for one in withheld["grounds"]} != grounds:
            self.find("E174", WITHHELD_PATH, "labels of grounds")


# ---- Step 2: row proofs (§ messages 1)
PROOF = {"entry": LONG, "event": LONG, "index": COUNT, "leaf": LONG, "log_keys": KEYS, "proof": [BYTES32, 63]}
PROOF.update({"groups": dict.fromkeys(("content?", "metadata?", "name?"), SALTED), "signatures": [LONG, 16]})


def proof_of(report, data, policy):
    """Check one row proof; what hangs on a part that cannot be read is left out."""
    checker, find = Checker(report, None, policy), report.find
    try:
        text, _, note = str(data, "utf-8").partition("\n\n")
        form = r"c2sp\.org/tlog-proof@v1\nextra (.+)\nindex (0|[1-9][0-9]{0,18})((?:\n%s){0,63})" % BYTES32
        extra, n, steps = re.fullmatch(form, text).groups()
        extra, n, steps, note = b64(extra), int(n), [b64(step) for step in steps.split()], note_of(note.encode())
    except (AttributeError, Bad, ValueError) as error:
        find("E101", "proof", str(error))
        return
    report.sealed, report.checkpoint = True, {"origin": note[0], "root": note[2], "size": note[1]}
    value = checker.parse("proof extra", extra, record, "row-proof", PROOF, LARGE)
    if value and (len(value["log_keys"]) < 2 or not value["signatures"]):
        value = find("E101", "proof extra", "keys or signatures")
    if value is None:
        return
    raw = {name: value[name].encode("utf-8", "surrogatepass") for name in ("event", "entry", "leaf")}
    event = checker.parse("proof event", raw["event"], event_of)
    entry = checker.parse("proof entry", raw["entry"], record, "entry", ENTRY)
    leaf = checker.parse("proof leaf", raw["leaf"], record, "row", ROW)
    content = checker.opened(value["groups"], leaf, "proof").get("content")
    report.states[content["state"] if content else "withheld"] = 1
    for name in sorted({"name", "content", "metadata"} - set(value["groups"])):
        report.miss("record", "withheld", "proof groups." + name, "not opened", harmless=True)
    keys = sorted(policy.vkeys.get(note[0], []) if policy else [], key=lambda key: key[2])
    if {key[2] for key in keys} != {1, 6}:
        keys = checker.parse("proof log_keys", dict(value, origin=note[0]), log_keys)
    signatures = [text.encode("utf-8", "surrogatepass") for text in value["signatures"]]
    for wrong, code, where in _links(value, raw, event, entry, signatures, n, steps, note):
        if wrong:
            find(code, where, "not what stands beside it")
    fault = keys and fault_of_lines(note, [keys[0], keys[-1]])
    if fault:
        find(fault, "proof checkpoint", "not the log's two lines, or one that is not good")
    if policy:
        policy.admit(report, note, "proof checkpoint")
    if not event:
        report.miss("identity", "gap", "proof event", "nobody can say who signed it")
        return
    for i, (signature, signer) in enumerate(zip(signatures, event["signers"])):
        more = (raw["event"], "evidencekit-event", signer, keys and keys[0][3])
        checker.verified("proof signatures[%d]" % i, signature, *more)
    if policy:
        policy.judge(report, "proof event", event["signers"], event["actor"]["id"])


def _links(value, raw, event, entry, signatures, n, steps, note):
    """Yield (does it break, code, place) of each link from the leaf to the checkpoint."""
    yield not included(n, note[1], hashed(b"\0", raw["entry"]), steps, note[2]), "E207", "proof entry"
    if entry:
        yield (int(entry["index"]), int(entry["prior"]["size"])) != (n, n), "E306", "proof entry"
        yield entry["event"] != sha256(raw["event"]), "E201", "proof event"
        yield entry["signatures"] != [sha256(signature) for signature in signatures], "E201", "proof signatures"
    if event:
        yield len(signatures) != len(event["signers"]), "E401", "proof signatures"
        yield event["type"] != "seal" or len(event["items"]) != 1, "E101", "proof event"
        yield event["type"] == "seal" and event["newer"], "E103", "proof event"
    if event and event["type"] == "seal" and len(event["items"]) == 1 and not event["newer"]:
        rows, leaf, way = int(event["body"]["rows"]), hashed(b"\0", raw["leaf"]), [b64(step) for step in value["proof"]]
        yield not included(int(value["index"]), rows, leaf, way, event["body"]["root"]), "E207", "proof leaf"


# ---- Aspects, verdict, report (§ verification 3 to 5, report.schema.json)
def aspects_of(report, policy):
    """§ verification 3: each aspect is failed, not checked, or ok."""
    why = dict(report.open)
    for aspect, short, reason in (
        ("record", not report.sealed, "nothing sealed was there to check"),
        ("record", report.checkpoint is None, "no checkpoint"),
        ("record", report.by_code["E103"], "a newer format version"),
        ("evidence", not report.payload or report.left, "no content was compared, or not all that is shown"),
        ("identity", policy is None, "no policy was given"),
        ("time", True, "time-stamps are not read"),
        ("witness", True, "cosignatures are not read"),
        ("custody", report.subject == "proof", "one row shows no history"),
        ("completeness", not report.compared, "nothing outside confirms that this is the newest state"),
    ):
        if short:
            why.setdefault(aspect, reason)
    status = {**dict.fromkeys(why, "not_checked"), **dict.fromkeys(report.failed, "failed")}
    reasons = {**dict.fromkeys(ASPECTS, ""), **why, **report.failed}
    return {one: {"reason": reasons[one], "status": status.get(one, "ok")} for one in ASPECTS}


def document_of(report, policy):
    """§ verification 4, 5 and 8: the verdict, and the report as one document."""
    for limit in ALWAYS:
        report.miss("record", "not_supported", "everywhere", limit, harmless=True)
    aspects = aspects_of(report, policy)
    required = ("record", "identity", "custody")[: 1 if not policy else 2 if report.subject == "proof" else 3]
    short = [aspect for aspect in required if aspects[aspect]["status"] != "ok"]
    scope = {"package": "package", "proof": "row"}.get(report.subject, "record")
    if report.failed:
        verdict, code, reason = "FAILED", 3, "failed: " + ", ".join(sorted(report.failed))
    elif short:
        reason = "; ".join("%s: %s" % (aspect, aspects[aspect]["reason"]) for aspect in short)
        verdict, code = "NOT CHECKED", 4
    elif policy:
        verdict, code, reason = "VERIFIED", 0, "all that the policy requires was checked and holds"
    else:
        verdict, code, reason = "INTEGRITY ONLY", 7, "no policy was given, nobody's identity is known"
    for aspect in ("time", "witness", "custody", "completeness"):
        if aspects[aspect]["status"] == "not_checked" and aspect not in report.open:
            code_of = "no_outside" if aspect == "completeness" else "not_supported"
            report.miss(aspect, code_of, aspect, aspects[aspect]["reason"])
    findings, total = (report.errors + report.minor)[:10_000], sum(report.by_code.values())
    if total > len(findings):
        more = "%d more findings" % (total - len(findings))
        findings.append({"code": "W999", "severity": "note", "where": "report", "expected": "", "found": more})
    done, line = sum(report.files.values()), "VERIFIED (%s)" % scope if code == 0 else verdict
    counts = {"not_checked": report.missed_total, "rows": sum(report.states.values()), "states": dict(report.states)}
    counts["checked"] = {what: n for what, n in report.checked.items() if n}
    counts["findings"] = {"total": total, "by_code": dict(sorted(report.by_code.items()))}
    counts["files_of_record"] = {"checked": done, "not_checked": len(report.files) - done, "total": len(report.files)}
    out = {"_t": "evidencekit/report/1", "subject": report.subject, "scope": scope, "checkpoint": report.checkpoint}
    out.update({"verdict": verdict, "exit_code": code, "line": line, "reason": reason, "aspects": aspects})
    out.update({"findings": findings, "not_checked": report.missed, "counts": counts})
    out["checked"] = ["%d %s" % (n, what.replace("_", " ")) for what, n in report.checked.items()] + report.said
    out["times"] = None if report.subject == "proof" else {"bounds": [], "bounds_total": 0, "covered_by": []}
    return dict(out, package=report.package) if report.package else out


def lines_for_people(document):
    """Yield the report as text."""
    yield "%s - %s" % (document["line"], document["reason"])
    for aspect, state in document["aspects"].items():
        yield "  %-13s %-12s %s" % (aspect, state["status"].replace("_", " "), state["reason"])
    if document["checkpoint"]:
        yield "newest checkpoint: %(origin)s, size %(size)d, root %(root)s" % document["checkpoint"]
    if document.get("package"):
        yield "package digest: %s" % document["package"]["digest"]
    findings = "{0[severity]}: {0[code]} {0[where]}: {0[found]}"
    forms = {"checked": "{}", "findings": findings, "not_checked": "{0[aspect]}: {0[what]}: {0[reason]}"}
    for name, form in forms.items():
        yield "%s: %d" % (name.replace("_", " "), len(document[name]))
        yield from ("  " + form.format(one) for one in document[name])


# ---- What it was given (§ verification 8)
def verify(path, policy=None, since=None, now=None, digest=None):
    """Return the report (report.schema.json) about a package, a case or a row proof. Raises Usage and OSError."""
    policy, since = Policy(policy) if policy else None, since_of(since) if since else None
    kind, start, bag = "package", b"", ("bagit.txt", "evidence")
    if not Path(path).is_dir():
        with Path(path).open("rb") as file:
            start = file.read(8 << 20)
        kind = "proof" if start.startswith(b"c2sp.org/tlog-proof@") or str(path).endswith(".tlog-proof") else kind
    elif not (os.path.lexists(Path(path, RECORD_PATH)) or all(os.path.lexists(Path(path, part)) for part in bag)):
        kind = "case"
    report = Report(kind)
    report.said += [safe("the time was given as " + now)] if now else []
    try:
        if kind == "proof":
            proof_of(report, start, policy)
        elif kind == "case":
            case_of(report, Folder(path), policy, since)
        else:
            report.package = {"container": "unknown", "digest": None}
            source = open_package(path)
            report.package["container"] = type(source).__name__.lower()
            Package(report, source, policy).run(since, digest)
    except Bad as bad:
        if bad.code:
            report.find(bad.code, bad.where or "archive", bad.found)
        else:
            report.miss("record", "not_supported", "archive", bad.found)
    except OSError as error:
        report.miss("record", "unreadable", "files", str(error))
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        report.miss("record", "internal_error", "verify_evidence.py", "a mistake of this program: %r" % error)
    return document_of(report, policy)


def main(arguments=None):
    """Run the program; returns its exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", metavar="PATH", nargs="?", help="a package (folder, .zip, .tar), row proof, or case")
    parser.add_argument("--policy", metavar="DIR", help="whose keys are whose: without it nobody's identity is checked")
    parser.add_argument("--since", metavar="NOTE", help="a checkpoint known from outside: a file, or typed")
    parser.add_argument("--source", metavar="EX-001=DIR", action="append", help="not compared here: NOT CHECKED")
    parser.add_argument("--as-copy", action="store_true", help="accepted, as for --source")
    parser.add_argument("--json", action="store_true", help="the report as one JSON document")
    parser.add_argument("--digest", metavar="HEX", help="the package digest that a letter states")
    parser.add_argument("--now", metavar="MOMENT", help="accepted, and written down: no step here asks for the time")
    parser.add_argument("--limits", action="store_true", help="which findings this verifier does not make")
    options = parser.parse_args(arguments)
    if options.limits:
        print(json.dumps({"codes": {code: why for why, codes in LIMITS.items() for code in codes.split()}}, indent=1))
        return 0
    if options.path is None or not fits(HEX, (options.digest or 64 * "0").lower()):
        parser.error("PATH is missing, or --digest is no SHA-256")
    since = options.since
    try:
        if since and "\n" not in since and len(since) < 1024 and Path(since).is_file():
            since = Path(since).read_text("utf-8")[:16_384]
        document = verify(options.path, options.policy, since, options.now, options.digest)
    except (Usage, UnicodeDecodeError) as error:
        parser.error(safe(error))
    except OSError as error:
        print("verify_evidence.py: " + safe(error), file=sys.stderr)
        return 4
    if options.source and document["exit_code"] in (0, 7):
        document.update(verdict="NOT CHECKED", line="NOT CHECKED", exit_code=4, reason="a source was not compared")
    whole = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1)
    text = whole if options.json else "\n".join(lines_for_people(document))
    sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace") + b"\n")
    return document["exit_code"]


if __name__ == "__main__":
    sys.exit(main())
