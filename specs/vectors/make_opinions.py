"""Makes opinions.json: headers and groups of derived manifests, and how listed names become paths.

Nothing of evidencekit is used: specs/manifest.md section 8 is followed a second time. Running it again changes nothing.
"""

from __future__ import annotations

from make_vectors import jcs, moment, write

H32, MD5 = "00" * 32, "0cc175b9c0f1b6a831c399e269772661"
SIZES = {"blake3": 32, "md5": 16, "sha1": 20, "sha256": 32, "sha3_256": 32, "sha512": 64}
TYPED = {"_t": "evidencekit/media-type/1", "charset": "us-ascii", "error": None, "media_type": "text/plain"}
SAME = {"_t": "evidencekit/match/1", "compared": ["md5", "sha256", "size"], "result": "same"}
DIFFERS = SAME | {"listed": {"md5": MD5, "size": "7"}, "result": "differs"}
MOVED = SAME | {"listed_as": "docs/a.txt", "result": "moved"}
NOT_LISTED = {"_t": "evidencekit/match/1", "result": "not_listed"}
ACCEPTED: dict[str, dict] = {
    "typed": TYPED,
    "not typed": TYPED | {"charset": None, "error": "gone since sealing", "media_type": None},
    "same": SAME,
    **{f"same by {name}": SAME | {"compared": [name]} for name in SIZES},
    "differs": DIFFERS,
    "differs in its size alone": SAME | {"compared": ["size"], "listed": {"size": "0"}, "result": "differs"},
    **{
        f"differs by {name}": SAME | {"compared": [name], "listed": {name: "11" * size}, "result": "differs"}
        for name, size in SIZES.items()
    },
    "moved": MOVED,
    "moved, listed under a name that is not UTF-8": SAME | {"listed_as_hex": "ff", "result": "moved"},
    "not listed": NOT_LISTED,
    "not comparable": NOT_LISTED | {"result": "not_comparable"},
}
REFUSED: dict[str, dict] = {
    "without media type": {key: value for key, value in TYPED.items() if key != "media_type"},
    "unknown result": NOT_LISTED | {"result": "equal"},
    "same, and nothing compared": NOT_LISTED | {"result": "same"},
    "same, and an empty comparison": SAME | {"compared": []},
    "same by its size alone": SAME | {"compared": ["size"]},
    "moved by its size alone": MOVED | {"compared": ["size"]},
    "compared out of order": SAME | {"compared": ["sha256", "md5"]},
    "compared twice": SAME | {"compared": ["md5", "md5"]},
    "compared by an unknown digest": SAME | {"compared": ["crc32"]},
    "same, and listed otherwise": SAME | {"listed": {"md5": MD5}},
    "differs, and nothing is listed otherwise": SAME | {"result": "differs"},
    "differs, and an empty difference": DIFFERS | {"listed": {}},
    "differs in what was not compared": DIFFERS | {"listed": {"sha1": "00" * 20}},
    "a digest of another length": DIFFERS | {"listed": {"md5": H32}},
    "a digest in capitals": DIFFERS | {"listed": {"md5": MD5.upper()}},
    "a size as a number": DIFFERS | {"listed": {"size": 7}},
    "moved, and nobody says from where": SAME | {"result": "moved"},
    "moved from two names": MOVED | {"listed_as_hex": "ff"},
    "moved from a name in hex that is UTF-8": SAME | {"listed_as_hex": "61", "result": "moved"},
    "same, and listed under another name": SAME | {"listed_as": "b"},
    "not listed, and compared": SAME | {"result": "not_listed"},
    "not comparable, and compared": SAME | {"result": "not_comparable"},
    "unknown member": SAME | {"comment": ""},
    "another version": SAME | {"_t": "evidencekit/match/2"},
}
TYPES = {
    "_t": "evidencekit/derived/1",
    "base_manifest": "1",
    "base_root": H32,
    "case": "AAAAAAAAAAAAAAAAAAAAAA==",
    "engine": {"data_sha256": None, "name": "libmagic", "version": "5.44"},
    "exhibit": "EX-001",
    "finished_at": moment("s", "2026-11-22T09:15:02.000000000Z", 60),
    "kind": "media-type",
    "program": {"name": "evidencekit", "parts": {}, "version": "0.1.0"},
    "started_at": moment("s", "2026-11-22T09:15:01.000000000Z", 60),
    "totals": {"errors": "0", "rows": "3"},
}
MAPPING = {"add": "", "backslashes": False, "remove": "mnt/"}
LIST = {"digests": ["md5"], "entries": "3", "mapping": MAPPING, "missing": "0", "under": "", "unreadable_lines": "0"}
RESULTS = {"differs": "1", "moved": "0", "not_comparable": "0", "not_listed": "0", "rows": "3", "same": "2"}
MATCH = TYPES | {
    "engine": {"data_sha256": H32, "name": "hashdeep", "version": "1.0"},
    "kind": "match",
    "match": LIST,
    "totals": RESULTS,
}
OTHERS = {key: value for key, value in LIST.items() if key != "under"}
HEADERS: dict[str, dict] = {
    "media types": TYPES,
    "comparison": MATCH,
    "comparison of a folder whose name is not UTF-8": MATCH | {"match": OTHERS | {"under_hex": "ff"}},
}
HEADERS_REFUSED: dict[str, dict] = {
    "unknown kind": TYPES | {"kind": "language"},
    "media types with the totals of a comparison": TYPES | {"totals": RESULTS},
    "media types with a comparison": TYPES | {"match": LIST},
    "a comparison with the totals of media types": MATCH | {"totals": TYPES["totals"]},
    "a result without total": MATCH | {"totals": {key: RESULTS[key] for key in RESULTS if key != "moved"}},
    "a comparison without its list": MATCH | {"engine": MATCH["engine"] | {"data_sha256": None}},
    "a comparison without comparison": {key: value for key, value in MATCH.items() if key != "match"},
    "no digest compared": MATCH | {"match": LIST | {"digests": []}},
    "digests out of order": MATCH | {"match": LIST | {"digests": ["sha256", "md5"]}},
    "unknown digest": MATCH | {"match": LIST | {"digests": ["tiger"]}},
    "entries as a number": MATCH | {"match": LIST | {"entries": 3}},
    "a folder twice": MATCH | {"match": LIST | {"under_hex": "ff"}},
    "no folder": MATCH | {"match": OTHERS},
    "no mapping": MATCH | {"match": {key: value for key, value in LIST.items() if key != "mapping"}},
    "half a mapping": MATCH | {"match": LIST | {"mapping": {"add": "", "backslashes": False}}},
    "unknown member": MATCH | {"match": LIST | {"comment": ""}},
    "another version": TYPES | {"_t": "evidencekit/derived/2"},
}
PATHS = [
    # listed name, remove, add, backslashes, path (None: no row's)
    (b"a", b"", b"", False, b"a"),
    (b"./a", b"", b"", False, b"a"),
    (b"././a", b"", b"", False, b"a"),
    (b".a", b"", b"", False, b".a"),
    (b"../a", b"", b"", False, b"../a"),
    (b"/mnt/stick/a", b"/mnt/stick/", b"", False, b"a"),
    (b"/mnt/stickier/a", b"/mnt/stick/", b"", False, None),
    (b"./stick/a", b"stick/", b"", False, b"a"),
    (b"a", b"", b"docs/", False, b"docs/a"),
    (b"x/a\xff", b"x/", b"docs/", False, b"docs/a\xff"),
    (b"disk.dd", b"disk.dd", b"", False, b""),
    (b"a\\b", b"", b"", False, b"a\\b"),
    (b"a\\b", b"", b"", True, b"a/b"),
    (b".\\E\\b", b"E/", b"", True, b"b"),
    (b"E:\\a", b"E:/", b"", True, b"a"),
]


def make_opinions() -> dict:
    return {
        "spec": "manifest.md",
        "groups_accepted": [{"name": name, "text": jcs(record)} for name, record in ACCEPTED.items()],
        "groups_refused": [{"fault": fault, "text": jcs(record)} for fault, record in REFUSED.items()],
        "headers_accepted": [{"name": name, "text": jcs(record)} for name, record in HEADERS.items()],
        "headers_refused": [{"fault": fault, "text": jcs(record)} for fault, record in HEADERS_REFUSED.items()],
        "paths": [
            {
                "name": name.hex(),
                "remove": remove.hex(),
                "add": add.hex(),
                "backslashes": backslashes,
                "path": None if path is None else path.hex(),
            }
            for name, remove, add, backslashes, path in PATHS
        ],
    }


if __name__ == "__main__":
    write("opinions.json", make_opinions())
