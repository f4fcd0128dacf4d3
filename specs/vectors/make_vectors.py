"""Makes encoding.json and tree.json. Nothing of evidencekit is used: the specs are followed a second time.

Running it again changes nothing. Bytes stand as `text` where they are UTF-8, else as `hex`.
"""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

HERE = Path(__file__).parent


def write(name: str, document: dict) -> None:
    (HERE / name).write_text(json.dumps(document, indent=1) + "\n")


def jcs(record: dict) -> str:
    """RFC 8785 in our profile: ASCII names, no fractions."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def spelled(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"hex": data.hex()}


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


# --- encoding.json -----------------------------------------------------------------------------------------

ACCEPTED = {
    "empty": "{}",
    "spec example": '{"_t":"evidencekit/content/1","blake3":"af13","sha256":"e3b0","size":"0","state":"complete"}',
    "every kind of value": '{"a":"","b":true,"c":false,"d":null,"e":[],"f":{},"g":0,"h":-1}',
    "largest integers": '{"a":9007199254740991,"b":-9007199254740991}',
    "_t before all others": '{"_t":"x","a":1}',
    "names in order of their bytes": '{"a":1,"a0":2,"a_":3,"aa":4,"b":5}',
    "escapes": '{"a":"\\"\\\\/\\b\\t\\n\\f\\r\\u0000\\u0001\\u001f\x7f"}',
    "no other escapes": '{"a":"é\u2028\U0001f600\ufeff\uffff"}',
    "no normalisation": '{"a":"e\u0301","b":"\u00e9"}',
    "depth 8": '{"a":' * 7 + "{}" + "}" * 7,
    "depth 8 of arrays": '{"a":' + "[" * 7 + "]" * 7 + "}",
    "brackets in strings": '{"a":"[[[[[[[[[[{{{{{{{{{{","b":"\\"[[[[[[[[[["}',
}
REFUSED = {
    "nothing": b"",
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": "{}".encode("utf-16"),
    "space before": b" {}",
    "newline after": b"{}\n",
    "NUL after": b"{}\0",
    "two records": b"{}{}",
    "array outside": b"[]",
    "string outside": b'"a"',
    "null outside": b"null",
    "space inside": b'{"a": 1}',
    "comma before the end": b'{"a":1,}',
    "cut off": b'{"a":1',
    "members out of order": b'{"b":1,"a":2}',
    "_t out of order": b'{"a":1,"_t":"x"}',
    "member twice": b'{"a":1,"a":1}',
    "nested member twice": b'{"a":{"b":1,"b":2}}',
    "name in upper case": b'{"A":1}',
    "empty name": b'{"":1}',
    "name starts with a digit": b'{"1a":1}',
    "name starts with an underscore": b'{"_a":1}',
    "name with a hyphen": b'{"a-b":1}',
    "name that is not ASCII": '{"é":1}'.encode(),
    "escaped name": b'{"\\u0061":1}',
    "needless escape": b'{"a":"\\u0061"}',
    "escaped slash": b'{"a":"\\/"}',
    "long form of a short escape": b'{"a":"\\u000a"}',
    "escape in upper case": b'{"a":"\\u001F"}',
    "DEL escaped": b'{"a":"\\u007f"}',
    "raw control character": b'{"a":"\n"}',
    "raw NUL": b'{"a":"\0"}',
    "unknown escape": b'{"a":"\\x61"}',
    "lone surrogate escaped": b'{"a":"\\ud800"}',
    "surrogate pair escaped": b'{"a":"\\ud83d\\ude00"}',
    "surrogate in UTF-8": b'{"a":"\xed\xa0\x80"}',
    "overlong UTF-8": b'{"a":"\xc0\x80"}',
    "not UTF-8": b'{"a":"\xff"}',
    "minus zero": b'{"a":-0}',
    "plus sign": b'{"a":+1}',
    "leading zero": b'{"a":01}',
    "fraction": b'{"a":1.5}',
    "whole fraction": b'{"a":1.0}',
    "exponent": b'{"a":1e2}',
    "huge exponent": b'{"a":1e400}',
    "2^53": b'{"a":9007199254740992}',
    "-2^53": b'{"a":-9007199254740992}',
    "huge integer": b'{"a":' + b"9" * 400 + b"}",
    "NaN": b'{"a":NaN}',
    "Infinity": b'{"a":-Infinity}',
    "single quotes": b"{'a':1}",
    "depth 9": b'{"a":' * 8 + b"{}" + b"}" * 8,
    "depth 9 of arrays": b'{"a":' + b"[" * 8 + b"]" * 8 + b"}",
}
TIME = "2026-11-22T09:15:02.123456789Z"


def moment(precision: object, time: object, offset: object = None) -> dict[str, object]:
    return {"precision": precision, "time": time, "utc_offset_min": offset}


SCALARS: dict[str, dict[str, list]] = {
    "count": {
        "accepted": ["0", "1", "18446744073709551615"],
        "refused": [
            "",
            "-0",
            "-1",
            "+1",
            "01",
            "00",
            "1_0",
            " 1",
            "1\n",
            "1.0",
            "\u0663",
            "18446744073709551616",
            1,
            None,
        ],
    },
    "signed": {
        "accepted": ["0", "-1", "9" * 30, "-" + "9" * 30],
        "refused": ["-0", "+1", "01", "-01", "", "-", "9" * 31, "1.5", 1],
    },
    "hex": {
        "accepted": ["0" * 64, "0123456789abcdef" * 4],
        "refused": ["", "0" * 63, "0" * 62, "0" * 66, "0" * 63 + "A", "0" * 63 + "\n", "0" * 63 + "\uff10"],
    },
    "base64": {
        "accepted": ["", "YQ==", "YWI=", "YWJj", "+/+/"],
        "refused": ["YQ", "YQ=", "YR==", "YWJ=", "YQ==\n", " YQ==", "_-_-", "=", "YQ==YQ=="],
    },
    "instant": {
        "accepted": [
            TIME,
            "0001-01-01T00:00:00.000000000Z",
            "9999-12-31T23:59:59.999999999Z",
            "2000-02-29T00:00:00.000000000Z",
        ],
        "refused": [
            *("2026-11-22T09:15:02Z", "2026-11-22T09:15:02.123Z", "2026-11-22T09:15:02.123456789", TIME + "\n"),
            *(
                "2026-11-22t09:15:02.123456789z",
                "2026-11-22 09:15:02.123456789Z",
                "2026-11-22T09:15:02.123456789+00:00",
            ),
            *("2026-11-22T09:15:60.000000000Z", "2026-11-22T24:00:00.000000000Z", "2026-02-29T00:00:00.000000000Z"),
            *("0000-01-01T00:00:00.000000000Z", "2026-13-01T00:00:00.000000000Z", ""),
        ],
    },
    "moment": {
        "accepted": [
            moment("ns", TIME, 1439),
            moment("ms", "2026-11-22T09:15:02.123000000Z", -1439),
            moment("s", "2026-11-22T09:15:02.000000000Z", 0),
            moment("min", "2026-11-22T09:15:00.000000000Z"),
            moment("day", "2026-11-21T23:00:00.000000000Z", 60),
        ],
        "refused": [
            moment("ms", TIME),
            moment("s", "2026-11-22T09:15:02.100000000Z"),
            moment("min", "2026-11-22T09:15:02.000000000Z"),
            moment("day", "2026-11-22T00:00:01.000000000Z"),
            moment("us", TIME),
            moment("ns", TIME, 1440),
            moment("ns", TIME, "60"),
            moment("ns", TIME, True),
            {"precision": "ns", "time": TIME},
            moment("ns", TIME) | {"zone": "UTC"},
            TIME,
        ],
    },
    "fingerprint": {
        "accepted": ["SHA256:" + "a" * 43],
        "refused": ["SHA256:" + "a" * 42, "SHA256:" + "a" * 43 + "=", "sha256:" + "a" * 43, "MD5:" + "a" * 43, ""],
    },
    "exhibit": {
        "accepted": ["EX-001", "1", "a" * 64, "field-2/EX-001", "A._-"],
        "refused": ["", "a" * 65, "-a", ".a", "a b", "a\n", "/a", "Field/EX-001", "a//b", "\u00e9", "a" * 41 + "/b"],
    },
}
NAMES_REFUSED = {
    "neither": {},
    "both": {"path": "a", "path_hex": "ff"},
    "null beside": {"path": "a", "path_hex": None},
    "hex of UTF-8": {"path_hex": "61"},
    "hex of nothing": {"path_hex": ""},
    "hex in upper case": {"path_hex": "FF"},
    "half a byte": {"path_hex": "fff"},
    "not a string": {"path": 1},
}


def make_encoding() -> dict:
    names = [b"", b"a/b", b"a\nb", "é".encode(), "e\u0301".encode(), b"\xff", b"a\xed\xa0\x80", b"\xc3", b"\\x41"]
    member = [{"path": n["text"]} if "text" in (n := spelled(name)) else {"path_hex": n["hex"]} for name in names]
    return {
        "spec": "encoding.md",
        "accepted": [{"name": name, "text": text} for name, text in ACCEPTED.items()],
        "refused": [{"fault": fault, **spelled(data)} for fault, data in REFUSED.items()],
        "limits": [
            {"limit": limit, "about": "the record is start + x repeated + end; one more is refused", "start": '{"a":"',
             "repeat": size - 8, "end": '"}'}
            for limit, size in (("record", 60_000), ("group", 1_048_576), ("proof", 4_194_304))
        ],
        "scalars": SCALARS,
        "names": {
            "accepted": [{"bytes": name.hex(), "member": m} for name, m in zip(names, member, strict=True)],
            "refused": [{"fault": fault, "member": m} for fault, m in NAMES_REFUSED.items()],
        },
    }  # fmt: skip


# --- tree.json: RFC 6962 section 2.1, letter by letter --------------------------------------------------------


def split(n: int) -> int:
    return 1 << (n - 1).bit_length() - 1


def root_over(hashes: list[bytes]) -> bytes:
    """MTH over leaf hashes."""
    if len(hashes) < 2:
        return hashes[0] if hashes else sha256(b"")
    k = split(len(hashes))
    return sha256(b"\1" + root_over(hashes[:k]) + root_over(hashes[k:]))


def path(m: int, hashes: list[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(hashes) == 1:
        return []
    k = split(len(hashes))
    if m < k:
        return [*path(m, hashes[:k]), root_over(hashes[k:])]
    return [*path(m - k, hashes[k:]), root_over(hashes[:k])]


def subproof(m: int, hashes: list[bytes], whole: bool = True) -> list[bytes]:
    """SUBPROOF(m, D[n], b)."""
    if m == len(hashes):
        return [] if whole else [root_over(hashes)]
    k = split(len(hashes))
    if m <= k:
        return [*subproof(m, hashes[:k], whole), root_over(hashes[k:])]
    return [*subproof(m - k, hashes[k:], False), root_over(hashes[:k])]


LEAVES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]  # the eight that every log's tests have
LEAVES += [b"leaf %d" % n for n in range(8, 100)]
HASHES = [sha256(b"\0" + leaf) for leaf in LEAVES]
SIZES = [*range(10), 15, 16, 17, 31, 33, 63, 64, 65, 100]
PLACES = [*((m, n) for n in range(1, 10) for m in range(n)), (0, 17), (16, 17), (32, 33), (40, 65), (64, 65), (99, 100)]
GROWTHS = [*((m, n) for n in range(1, 10) for m in range(1, n + 1)), (16, 17), (1, 33), (31, 64), (64, 65), (65, 100)]


def b64(values: list[bytes]) -> list[str]:
    return [base64.b64encode(value).decode() for value in values]


def root(size: int) -> str:
    return b64([root_over(HASHES[:size])])[0]


def inclusion(index: int, size: int) -> dict[str, object]:
    proof = b64(path(index, HASHES[:size]))
    return {"index": index, "size": size, "leaf_hash": b64(HASHES)[index], "proof": proof, "root": root(size)}


def consistency(old: int, new: int) -> dict[str, object]:
    proof = b64(subproof(old, HASHES[:new]))
    return {"old": old, "new": new, "old_root": root(old), "new_root": root(new), "proof": proof}


def flipped(text: str) -> str:
    data = bytearray(base64.b64decode(text))
    data[0] ^= 1
    return base64.b64encode(data).decode()


def make_tree() -> dict:
    proof, growth = inclusion(5, 7)["proof"], consistency(3, 7)["proof"]
    short = base64.b64encode(bytes(31)).decode()
    inclusion_faults = {
        "hash missing": {"proof": proof[:-1]},
        "hash surplus": {"proof": [*proof, proof[0]]},
        "hashes swapped": {"proof": [proof[1], proof[0], *proof[2:]]},
        "bit flipped": {"proof": [flipped(proof[0]), *proof[1:]]},
        "hash of 31 bytes": {"proof": [short, *proof[1:]]},
        "no proof": {"proof": []},
        "another index": {"index": 4},
        "index is the size": {"index": 7},
        "negative index": {"index": -1},
        "another size": {"size": 6},
        "size 0": {"size": 0},
        "another leaf": {"leaf_hash": b64(HASHES)[4]},
        "leaf instead of its hash": {"leaf_hash": b64([sha256(LEAVES[5])])[0]},
        "another root": {"root": root(6)},
    }
    consistency_faults = {
        "hash missing": {"proof": growth[:-1]},
        "hash surplus": {"proof": [*growth, growth[0]]},
        "hashes swapped": {"proof": [growth[1], growth[0], *growth[2:]]},
        "bit flipped": {"proof": [flipped(growth[0]), *growth[1:]]},
        "hash of 31 bytes": {"proof": [short, *growth[1:]]},
        "no proof": {"proof": []},
        "another old size": {"old": 2},
        "another new size": {"new": 9},
        "old size 0": {"old": 0, "old_root": root(0), "proof": []},
        "old above new": {"old": 7, "new": 3, "old_root": root(7), "new_root": root(3)},
        "another old root": {"old_root": root(2)},
        "another new root": {"new_root": root(6)},
        "roots swapped": {"old_root": root(7), "new_root": root(3)},
        "same size, other root": {"old": 7, "old_root": root(6), "proof": []},
        "same size with a proof": {"old": 7, "old_root": root(7)},
    }
    return {
        "spec": "checkpoint.md 1",
        "leaves": [leaf.hex() for leaf in LEAVES],
        "leaf_hashes": b64(HASHES),
        "roots": [{"size": size, "root": root(size)} for size in SIZES],
        "inclusion": [inclusion(index, size) for index, size in PLACES],
        "inclusion_refused": [
            {"fault": fault, **inclusion(5, 7), **change} for fault, change in inclusion_faults.items()
        ],
        "consistency": [consistency(old, new) for old, new in GROWTHS],
        "consistency_refused": [
            {"fault": fault, **consistency(3, 7), **change} for fault, change in consistency_faults.items()
        ],
    }


if __name__ == "__main__":
    write("encoding.json", make_encoding())
    write("tree.json", make_tree())
