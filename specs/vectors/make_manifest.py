"""Makes manifest.json: rows from their groups to the root, and rows, groups and headers with one fault each.

Nothing of evidencekit is used: specs/manifest.md is followed a second time. Running it again changes nothing.
"""

from __future__ import annotations

import hashlib

from make_vectors import jcs, moment, root_over, sha256, write

H32 = "00" * 32
EMPTY = {"blake3": "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262", "sha256": sha256(b"").hex()}
REASON = {"reason": "io_error"}
AFTER = {"after": {"ctime_ns": "2", "mtime_ns": "2", "size": "7"}}
PARTIAL = {"blake3_zero_filled": H32, "sha256_zero_filled": H32, "unreadable": [{"length": "4096", "offset": "0"}]}
KINDS = ("file", "directory", "symlink", "fifo", "socket", "char_device", "block_device", "unknown")
STATES = ("complete", "changed", "partial", "not_read", "not_listed", "vanished")
CAN = {
    "file": {"complete", "changed", "partial", "not_read", "vanished"},
    "directory": {"complete", "changed", "not_listed", "vanished"},
    "symlink": {"complete", "changed", "not_read", "vanished"},
}
"""manifest.md section 5; the other kinds: complete, not_read, vanished."""


def group(kind: str, **members: object) -> dict[str, object]:
    return {"_t": f"evidencekit/{kind}/1", **members}


def content(state: str, digests: dict | None = None, size: str | None = None, **more: object) -> dict[str, object]:
    return group("content", state=state, size=size, **(digests or {"blake3": None, "sha256": None}), **more)


def fitting(state: str, kind: str) -> dict[str, dict]:
    """The groups of a row in which all fits, if the state and the kind do."""
    name = group("name", path="a")
    if state == "partial":
        return {
            "name": name,
            "content": content(state, size="9000", **PARTIAL, **REASON),
            "metadata": group("metadata"),
        }
    if state not in {"complete", "changed"}:
        return {"name": name, "content": content(state, **REASON), "metadata": group("metadata")}
    taken = content(state, EMPTY, "0") if kind == "file" else content(state)
    if kind == "symlink":
        name |= {"target": "b"}
    return {"name": name, "content": taken, "metadata": group("metadata", **(AFTER if state == "changed" else {}))}


def texts(groups: dict[str, dict]) -> dict[str, str]:
    return {name: jcs(record) for name, record in groups.items()}


def committed(number: int, kind: str, groups: dict[str, dict]) -> dict[str, object]:
    """A row from its groups to its leaf hash: manifest.md section 1."""
    salt = sha256(b"row salt %d" % number)[:16]
    h = hashlib.sha512(b"evidencekit/salts/1" + b"\0" + salt).digest()
    salts = {"name": h[0:16], "content": h[16:32], "metadata": h[32:48]}
    commitments = {
        name: sha256(b"evidencekit/group/1" + b"\0" + name.encode() + b"\0" + salts[name] + jcs(record).encode()).hex()
        for name, record in groups.items()
    }
    leaf = jcs({"_t": "evidencekit/row/1", "kind": kind, **commitments})
    return {
        "kind": kind,
        "row_salt": salt.hex(),
        **texts(groups),
        "group_salts": {name: value.hex() for name, value in salts.items()},
        "commitments": commitments,
        "leaf": leaf,
        "leaf_hash": sha256(b"\0" + leaf.encode()).hex(),
    }


def xattr(name: str, value: str = "YQ==") -> dict[str, str]:
    return {"name": name, "value": value}


PLAIN = group("metadata")
ROWS = [
    ("directory", group("name", path=""), content("complete"), group("metadata", mode="493")),
    ("file", group("name", path="a"), content("complete", EMPTY, "0"), PLAIN),
    ("file", group("name", path="a", stream="s"), content("changed", EMPTY, "0"),
     group("metadata", mtime_ns="-1", **AFTER)),
    ("file", group("name", path_hex="612fff"), content("partial", None, "9000", detail="I/O", **PARTIAL, **REASON),
     group("metadata", holes=[{"length": "1", "offset": "0"}, {"length": "1", "offset": "2"}])),
    ("symlink", group("name", path="b", target="../x\ny"), content("complete"),
     group("metadata", owner="root", group_hex="ff")),
    ("fifo", group("name", path="c"), content("complete", xattrs=[xattr("security.selinux")]),
     group("metadata", xattrs=[xattr("user.a"), xattr("user.b", "")])),
    ("file", group("name", path="d"), content("not_read", reason="excluded"), PLAIN),
    ("directory", group("name", path="e"), content("not_listed", **REASON), PLAIN),
    ("file", group("name", path="f"), content("vanished", reason="not_found"), PLAIN),
]  # fmt: skip
"""In path order."""

GROUPS_REFUSED: dict[str, list[tuple[str, dict]]] = {
    "name": [
        *((f"path {path!r}", {"path": path}) for path in ("/a", "a/", "a//b", ".", "..", "a/../b", "a\0b")),
        ("hex of a path that is UTF-8", {"path_hex": "61"}),
        ("no path", {}),
        ("empty stream", {"path": "a", "stream": ""}),
        ("original like the path", {"path": "a", "original": "a"}),
        ("unknown member", {"path": "a", "inode": "1"}),
        ("another type", {"_t": "evidencekit/name/2", "path": "a"}),
    ],
    "content": [
        ("unknown state", content("lost")),
        ("size as a number", content("complete", EMPTY) | {"size": 0}),
        ("digest too short", content("complete", {"blake3": H32, "sha256": "00"}, "0")),
        ("digest in upper case", content("complete", {"blake3": H32, "sha256": "A" * 64}, "0")),
        ("null digest on request", content("complete", EMPTY, "0", md5=None)),
        ("unknown digest", content("complete", EMPTY, "0", crc32="00000000")),
        ("unknown reason", content("not_read", reason="tired")),
        ("sha256 absent", {"state": "complete", "size": "0", "blake3": H32}),
        ("long detail", content("not_read", detail="x" * 4097, **REASON)),
        ("ranges that touch", content("partial", size="9", **PARTIAL | {"unreadable": [
            {"length": "1", "offset": "0"}, {"length": "1", "offset": "1"}]}, **REASON)),
        ("ranges out of order", content("partial", size="9", **PARTIAL | {"unreadable": [
            {"length": "1", "offset": "8"}, {"length": "1", "offset": "1"}]}, **REASON)),
        ("empty range", content("partial", size="9", **PARTIAL | {"unreadable": [
            {"length": "0", "offset": "0"}]}, **REASON)),
        ("no ranges", content("partial", size="9", **PARTIAL | {"unreadable": []}, **REASON)),
        ("attribute of the other group", content("complete", EMPTY, "0", xattrs=[xattr("user.a")])),
    ],
    "metadata": [
        ("mode above 07777", {"mode": "4096"}),
        ("mode in octal", {"mode": "0644"}),
        ("link group 0", {"link_group": "0"}),
        ("negative uid", {"uid": "-1"}),
        ("minus zero", {"mtime_ns": "-0"}),
        ("time as a number", {"mtime_ns": 1}),
        ("owner twice", {"owner": "a", "owner_hex": "ff"}),
        ("no attributes", {"xattrs": []}),
        ("attributes out of order", {"xattrs": [xattr("user.b"), xattr("user.a")]}),
        ("attribute twice", {"xattrs": [xattr("user.a"), xattr("user.a")]}),
        ("attribute of the other group", {"xattrs": [xattr("security.selinux")]}),
        ("long attribute in place", {"xattrs": [xattr("user.a", "A" * 4100)]}),
        ("short attribute put aside", {"xattrs": [
            {"name": "user.a", "value": {"bytes": "4096", "count": "1", "sha256": H32}}]}),
        ("few attributes put aside", {"xattrs": {"bytes": "9000", "count": "500", "sha256": H32}}),
        ("names out of order", {"attributes": ["immutable", "hidden"]}),
        ("half a stat", {"after": {"mtime_ns": "1", "size": "1"}}),
    ],
}  # fmt: skip
ROWS_REFUSED: list[tuple[str, str, str, str, dict]] = [
    # fault, state, kind, group, change (None: absent)
    ("no digests", "complete", "file", "content", {"blake3": None, "sha256": None}),
    ("one digest of two", "complete", "file", "content", {"sha256": None}),
    ("no size", "complete", "file", "content", {"size": None}),
    ("reason without omission", "complete", "file", "content", REASON),
    ("ranges of a whole file", "complete", "file", "content", {"unreadable": PARTIAL["unreadable"]}),
    ("zero-filled digest of a whole file", "complete", "file", "content", {"sha256_zero_filled": H32}),
    ("target of a file", "complete", "file", "name", {"target": "b"}),
    ("second stat without change", "complete", "file", "metadata", AFTER),
    ("device number of a file", "complete", "file", "metadata", {"rdev": "1"}),
    ("change without second stat", "changed", "file", "metadata", {"after": ...}),
    ("link without target", "complete", "symlink", "name", {"target": ...}),
    ("target that was not read", "not_read", "symlink", "name", {"target": "b"}),
    ("digests of a directory", "complete", "directory", "content", EMPTY),
    ("size of a directory", "complete", "directory", "content", {"size": "0"}),
    ("size of a pipe", "complete", "fifo", "content", {"size": "0"}),
    ("plain digests of a partial file", "partial", "file", "content", EMPTY),
    ("partial without ranges", "partial", "file", "content", {"unreadable": ...}),
    ("partial without zero-filled digest", "partial", "file", "content", {"blake3_zero_filled": ...}),
    ("omission without reason", "not_read", "file", "content", {"reason": ...}),
    ("digests of what was not read", "not_read", "file", "content", EMPTY),
    ("digest on request of what was not read", "not_read", "file", "content", {"md5": "00" * 16}),
    ("excluded and vanished", "vanished", "file", "content", {"reason": "excluded"}),
]
HEADER = {
    "_t": "evidencekit/manifest/1",
    "case": "AAAAAAAAAAAAAAAAAAAAAA==",
    "digests": ["blake3", "sha256"],
    "exhibit": "EX-001",
    "finished_at": moment("s", "2026-11-22T09:15:02.000000000Z", 60),
    "name_encoding": "posix",
    "options": {"exclude": ["d"], "include": [], "sensitive": False},
    "order": "path",
    "program": {"name": "evidencekit", "parts": {}, "version": "0.1.0"},
    "source": {"atime": "untouched", "host": None, "kind": "directory", "mount": None, "path": "/mnt/stick"},
    "started_at": moment("s", "2026-11-22T09:15:01.000000000Z", 60),
    "totals": {
        "bytes": "0",
        "kinds": {kind: str(sum(row[0] == kind for row in ROWS)) for kind in KINDS},
        "rows": str(len(ROWS)),
        "states": {state: str(sum(row[2]["state"] == state for row in ROWS)) for state in STATES},
    },
}
HEADERS_REFUSED: dict[str, dict] = {
    "digests out of order": {"digests": ["sha256", "blake3"]},
    "sha256 not among the digests": {"digests": ["blake3", "md5"]},
    "unknown digest": {"digests": ["blake3", "crc32", "sha256"]},
    "unknown order": {"order": "random"},
    "unknown name encoding": {"name_encoding": "utf-8"},
    "no exhibit": {"exhibit": ""},
    "identity of 15 bytes": {"case": "AAAAAAAAAAAAAAAAAAAA"},
    "a kind without total": {"totals": HEADER["totals"] | {"kinds": {"file": "1"}}},
    "unknown kind of source": {"source": HEADER["source"] | {"kind": "tape"}},
    "time without precision": {"started_at": "2026-11-22T09:15:01.000000000Z"},
    "unknown member": {"comment": ""},
    "another version": {"_t": "evidencekit/manifest/2"},
}
ORDER = [
    *(
        (b"", b""),
        (b"\x01", b""),
        (b"A", b""),
        (b"a", b""),
        (b"a", b"s"),
        (b"a/b", b""),
        (b"a/b/c", b""),
        (b"a-b", b""),
    ),
    *((b"a.b", b""), (b"a0", b""), ("é".encode(), b""), (b"\xff", b"")),
]


def make_manifest() -> dict:
    rows = [
        committed(number, kind, {"name": name, "content": taken, "metadata": about})
        for number, (kind, name, taken, about) in enumerate(ROWS)
    ]
    hashes = [bytes.fromhex(row["leaf_hash"]) for row in rows]
    header, salt = jcs(HEADER), sha256(b"header salt")[:16]
    opinion = jcs({"_t": "evidencekit/media-type/1", "charset": "binary", "error": None, "media_type": "inode/x-empty"})
    row_salt = sha256(b"opinion salt")[:16]
    opinion_salt = hashlib.sha512(b"evidencekit/salts/1\0" + row_salt).digest()[:16]
    commitment = sha256(b"evidencekit/group/1\0opinion\0" + opinion_salt + opinion.encode())
    root = root_over(hashes)
    derived = jcs(
        {"_t": "evidencekit/derived-row/1", "base_index": "1", "base_root": root.hex(), "opinion": commitment.hex()}
    )
    matrix = [(state, kind) for state in STATES for kind in KINDS]
    return {
        "spec": "manifest.md",
        "rows": rows,
        "root": {"path": root.hex(), "shuffled": root_over(sorted(hashes)).hex()},
        "header": {
            "text": header,
            "salt": salt.hex(),
            "commitment": sha256(b"evidencekit/header/1\0" + salt + header.encode()).hex(),
        },
        "derived": {
            "row_salt": row_salt.hex(),
            "opinion": opinion,
            "opinion_salt": opinion_salt.hex(),
            "commitment": commitment.hex(),
            "leaf": derived,
            "leaf_hash": sha256(b"\0" + derived.encode()).hex(),
        },
        "order": [{"path": path.hex(), "stream": stream.hex()} for path, stream in ORDER],
        "rows_accepted": [
            {"state": state, "kind": kind, **texts(fitting(state, kind))} for state, kind in matrix if can(state, kind)
        ],
        "rows_refused": [
            *(
                {"fault": f"{kind} that is {state}", "kind": kind, **texts(fitting(state, kind))}
                for state, kind in matrix
                if not can(state, kind)
            ),
            *({"fault": fault, "kind": kind, **texts(faulty(state, kind, name, change))}
              for fault, state, kind, name, change in ROWS_REFUSED),
        ],
        "groups_refused": [
            {"fault": fault, "group": name, "text": jcs(group(name) | members)}
            for name, faults in GROUPS_REFUSED.items()
            for fault, members in faults
        ],
        "headers_refused": [
            {"fault": fault, "text": jcs(HEADER | change)} for fault, change in HEADERS_REFUSED.items()
        ],
    }  # fmt: skip


def can(state: str, kind: str) -> bool:
    return state in CAN.get(kind, {"complete", "not_read", "vanished"})


def faulty(state: str, kind: str, name: str, change: dict) -> dict[str, dict]:
    groups = fitting(state, kind)
    changed = groups[name] | change
    groups[name] = {key: value for key, value in changed.items() if value is not ...}
    return groups


if __name__ == "__main__":
    write("manifest.json", make_manifest())
