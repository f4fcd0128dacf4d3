"""Makes the vectors that are verified as a whole: good ones, and one for each way of being wrong, named by its finding.

    cases/good/0.1_small/          fixture.json, case/
    cases/good/0.1_match/          the lists, too
    notes/bad/E105_bad_checkpoint/…

Signatures are random, so what stands is kept: running this again makes only what is missing (delete a folder to make it
anew; never a good case, which has to stay readable for ever). The keys are published on purpose: they protect
Each `fixture.json` says why, how to verify, and what must be found; a good case has its whole `report.json`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import make_cases_branches
import make_cases_custody
import make_cases_erasure
import make_cases_exchange
import make_cases_further
import make_cases_package
import make_cases_passed
import make_cases_time
import make_cases_witness
import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidencekit.acquire.match import Asked
from evidencekit.acquire.options import Options
from evidencekit.core import layout
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.digest import sha256
from evidencekit.core.event import NAMESPACE, Entry, decode_event, encode_entry, encode_event
from evidencekit.core.merkle import leaf_hash
from evidencekit.core.proofs import format_tlog_proof, parse_tlog_proof
from evidencekit.core.registry import ENTRIES
from evidencekit.core.sshkeys import fingerprint
from evidencekit.core.sshsig import SignatureFields, SshSignature, format_sshsig, join_signature_blob, signed_data
from evidencekit.core.values import decode_base64, format_instant, parse_instant
from evidencekit.journeys.acquire import Acquisition, acquire_and_seal
from evidencekit.journeys.match import ListMatch, match_list
from evidencekit.package.row_proof import prove_row
from evidencekit.seal.ledger import Ledger
from evidencekit.seal.logkeys import load_log_keys, new_log_keys, save_log_keys
from evidencekit.seal.opening import open_case
from evidencekit.seal.sign import load_signer, new_key
from evidencekit.verify.package import verify_package
from evidencekit.verify.published import verify_published
from evidencekit.verify.verifier import verify_case, verify_proof

VECTORS = Path(__file__).parent
HERE = VECTORS / "cases"
SMALL = HERE / "good/0.1_small/case"
KEYS = HERE / "keys"
ORIGIN = "vectors.example/small"
START = 1_780_000_000_000_000_000
"""2026-05-28T20:26:40Z: the vectors' clock begins here and goes on by a second."""
ODD = "\u0645\u062d\u0636\u0631 \u8b49\u64da \u0434\u0435\u043b\u043e caf\u00e9 \U0001f50f \u200f\u202e/ \ufdd0"
"""Right to left, without spaces, composed, beyond the first plane, marks of direction, a noncharacter."""
SUBJECTS = {
    "encoding": ("E101", "E102", "E103"),
    "notes": ("E105", "E204", "E206", "E405", "E406", "E407", "E431", "E432", "E433", "E503", "W935"),
    "tokens": (*(f"E42{n}" for n in range(1, 10)), "W931"),
}
"""Vectors of whole cases that are about one part of them."""
WITHOUT_FIXTURE = {
    "W999": "it takes more than 10,000 findings; tests/unit/verify makes them",
}
"""Codes without a fixture, and why."""


class Clock:
    """A clock that goes on by a second each time that it is asked."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def __call__(self) -> int:
        self.at += 1_000_000_000
        return self.at


@dataclass
class Bench:
    """A copy of the good case to be spoilt, and all keys."""

    case: Path
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    begins: int = START + 2 * 10**12
    """When this bench's clock begins: after the good case was made."""

    @property
    def signer(self) -> Any:
        return load_signer(KEYS / "examiner", ask_passphrase=None)

    @property
    def other(self) -> Any:
        return load_signer(KEYS / "other", ask_passphrase=None)

    @property
    def log_keys(self) -> Any:
        return load_log_keys(KEYS / "log.pem", origin=ORIGIN, ask_passphrase=None)

    @property
    def actor(self) -> dict[str, Any]:
        return actor(self.signer)

    def ledger(self) -> Ledger:
        return Ledger(self.case, keys=self.log_keys, clock=Clock(self.begins), random=os.urandom, utc_offset_min=60)

    def acquire(
        self, exhibit: str, *, random: Callable[[int], bytes] = os.urandom, types: bool = False, **more: Any
    ) -> None:
        """Acquire the source, from a place that says nothing of the computer that makes the vectors."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(HERE / "source", Path(folder) / "seized", symlinks=True)
            self._acquire(Path(folder) / "seized", exhibit, random=random, types=types, **more)

    def _acquire(self, source: Path, exhibit: str, *, random: Callable[[int], bytes], **more: Any) -> None:
        request = Acquisition(source=source, exhibit=exhibit, program=PROGRAM, **more)
        acquire_and_seal(
            self.ledger(), request, signer=self.signer, actor=self.actor, clock=Clock(self.begins - 10**11),
            random=random, utc_offset_min=60,
        )  # fmt: skip

    def match(self, listed: str, exhibit: str, *, under: bytes = b"") -> None:
        """Compare a list that lies in the fixture with an exhibit, a while after what came before."""
        self.begins += 10**12
        request = ListMatch(Asked(self.folder / listed, under=under), PROGRAM, exhibit)
        with match_list(
            self.ledger(), request, signer=self.signer, actor=self.actor, clock=Clock(self.begins - 10**11),
            random=os.urandom, utc_offset_min=60,
        ):  # fmt: skip
            pass

    def event(self, index: int, **changes: Any) -> dict[str, Any]:
        """An event of the case with members changed, a nonce of its own, and a true `seen`."""
        log = self.ledger().log
        seen = {"origin": ORIGIN, "root": log.root.hex(), "size": str(log.size)}
        event = decode_event((self.case / layout.event_file(index)).read_bytes())
        return event | {"nonce": base64.b64encode(bytes(16)).decode(), "seen": seen} | changes

    def enter(self, event: dict[str, Any] | bytes, *, signatures: list[bytes] | None = None, **changes: Any) -> None:
        """Append an entry and its checkpoint without asking any rule."""
        ledger = self.ledger()
        data = event if isinstance(event, bytes) else encode_event(event)
        signatures = [self.signer.sign(data, NAMESPACE)] if signatures is None else signatures
        index = ledger.log.size
        fields: dict[str, Any] = {
            "index": index,
            "event": sha256(data),
            "head": ledger.log.head,
            "items_prev": ledger.custody.places(json.loads(data)["items"]),
            "prior_root": ledger.log.root,
            "prior_size": index,
            "recorded_at": format_instant(START + 3 * 10**12),
            "signatures": tuple(sha256(signature) for signature in signatures),
        }
        leaf = encode_entry(Entry(**(fields | changes)))
        folder = self.case / layout.entry_folder(index)
        folder.mkdir()
        (folder / "event.json").write_bytes(data)
        for place, signature in enumerate(signatures):
            (folder / layout.signature_name(place)).write_bytes(signature)
        (folder / "entry").write_bytes(leaf)
        ledger.log.tree.append(leaf_hash(leaf))
        tree = Checkpoint(ORIGIN, ledger.log.size, ledger.log.root)
        (self.case / layout.checkpoint_file(tree.size)).write_bytes(self.log_keys.sign_checkpoint(tree))

    def rewrite(self, change: Callable[[list[dict[str, Any]]], object], keys: dict[bytes, bytes] | None = None) -> None:
        """Write the catalogue anew with rows or header changed."""
        path = self.case / layout.manifest_file(1)
        with pq.ParquetFile(path) as file:
            rows = file.read().to_pylist()
            schema = file.schema_arrow.remove_metadata()
            kept = {key: text for key, text in file.metadata.metadata.items() if key.startswith(b"evidencekit.")}
        change(rows)
        columns = {name: [row[name] for row in rows] for name in schema.names}
        with pq.ParquetWriter(
            path, schema, compression="zstd", compression_level=1, write_page_checksum=True, write_page_index=True,
            max_rows_per_page=1024, write_statistics=["index"], store_schema=False, use_dictionary=False,
        ) as writer:  # fmt: skip
            writer.write_table(pa.table(columns, schema=schema))
            writer.add_key_value_metadata(kept | (keys or {}))

    def header(self) -> dict[str, Any]:
        with pq.ParquetFile(self.case / layout.manifest_file(1)) as file:
            header: dict[str, Any] = json.loads(file.metadata.metadata[b"evidencekit.header"])
        return header

    def policy(
        self, *, settings: str = "", signers: str | None = None, logs: str | None = None, revoked: str = ""
    ) -> None:
        """Write the recipient's policy into the fixture."""
        folder = self.folder / "policy"
        folder.mkdir()
        (folder / "policy.toml").write_text(f"version = 1\n{settings or LOG_RULE}")
        (folder / "allowed_signers").write_text(key_line("examiner") if signers is None else signers)
        keys = self.log_keys.vkeys
        (folder / "logs.policy").write_text(
            "".join(f"log {key}\n" for key in keys) + "quorum none\n" if logs is None else logs
        )
        if revoked:
            (folder / "revoked.toml").write_text(revoked)
        self.options["policy"] = True

    def source(self) -> Path:
        """Put a copy of the source into the fixture, to be compared `--as-copy`."""
        target = self.folder / "source"
        shutil.copytree(HERE / "source", target, symlinks=True)
        self.options |= {"source": "EX-001", "as_copy": True}
        return target


PROGRAM = {"name": "evidencekit", "parts": {}, "version": "0.1.0"}
LOG_RULE = f'[[log]]\norigin = "{ORIGIN}"\nall_required_from = 0\n'


def actor(signer: Any) -> dict[str, Any]:
    return {"id": "examiner", "key": signer.fingerprint, "organisation": None, "role": None}


def key_line(name: str, principal: str = "examiner", options: str = "") -> str:
    words = (KEYS / f"{name}.pub").read_text().split()[:2]
    return " ".join([principal, *([options] if options else []), *words]) + "\n"


# --- the good case --------------------------------------------------------------------------------------------


def make_source() -> None:
    folder = HERE / "source"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs/a.txt").write_text("the first letter\n")
    (folder / "docs/b.txt").write_text("the second letter\n")
    (folder / "docs/\u0645\u062d\u0636\u0631.txt").write_text("minutes\n")
    (folder / "empty").write_bytes(b"")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\2\0\0\0")
    (folder / "link").symlink_to("docs/a.txt")


def make_keys() -> None:
    KEYS.mkdir(parents=True)
    for name in ("examiner", "other"):
        new_key(KEYS / name, comment=name, passphrase=None)
    save_log_keys(new_log_keys(ORIGIN), KEYS / "log.pem")


def make_good() -> None:
    target = HERE / "good/0.1_small"
    target.mkdir(parents=True)
    bench = Bench(target / "case", target, begins=START + 10**12)
    open_case(
        bench.case, identity=sha256(b"small")[:16], reference="24-117", agency="Unit 7", signer=bench.signer,
        actor=bench.actor, keys=bench.log_keys, clock=Clock(), random=os.urandom, utc_offset_min=60,
    )  # fmt: skip
    bench.acquire("EX-001", types=True, particulars={"place": "12 Example Street"})
    bench.policy()
    conclude(bench, "an untouched case, verified under a policy", None)
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_match() -> None:
    """The small case goes on: an exhibit without media types, lists of other tools, and what came of them."""
    target = HERE / "good/0.1_match"
    target.mkdir(parents=True)
    bench = Bench(target / "case", target)
    shutil.copytree(SMALL, bench.case, symlinks=True)
    bench.acquire("EX-002", options=Options(digests=("md5",)))
    listed = {
        "docs/a.txt": (HERE / "source/docs/a.txt").read_bytes(),
        "docs/b.txt": b"the second letter, as it was\n",
        "images/1.png": (HERE / "source/picture.png").read_bytes(),
        "gone": b"?",
    }
    md5 = {name: hashlib.md5(data, usedforsecurity=False).hexdigest() for name, data in listed.items()}
    lines = "".join(f"{len(data)},{md5[name]},{sha256(data).hex()},./{name}\n" for name, data in listed.items())
    head = "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## by hand, in the form of hashdeep 4.4\n"
    (target / "old.hashdeep").write_text(f"{head}{lines}behind a line break\n")
    sums = (
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
        for path in sorted((HERE / "source/docs").iterdir())
    )
    (target / "docs.sha256").write_text("".join(sums))
    bench.match("old.hashdeep", "EX-002")
    bench.match("docs.sha256", "EX-002", under=b"docs")
    bench.match("docs.sha256", "EX-001", under=b"docs")
    bench.policy()
    conclude(bench, "three comparisons with lists of other tools: of a whole exhibit, and of a folder of each", None)
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_custody() -> None:
    """The small case goes on: what happens to items between three persons."""
    target = HERE / "good/0.1_custody"
    target.mkdir(parents=True)
    bench = Bench(target / "case", target)
    make_cases_custody.history(bench, SMALL)
    bench.policy(signers=make_cases_custody.signers(key_line))
    conclude(bench, "items between three persons: handed over in part, lent, divided, held, destroyed", None)
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_erased() -> None:
    """The small case goes on: rows are erased by an order, and given to parts."""
    target = HERE / "good/0.1_erased"
    target.mkdir(parents=True)
    bench = Bench(target / "case", target)
    make_cases_erasure.make_erased(bench, SMALL)
    bench.policy()
    conclude(
        bench, "a row erased whole, another in part, by two orders; parts of an item by rows, and a part's part", None
    )
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_stamped() -> None:
    """The small case goes on: three authorities stamp it, two of which the recipient knows."""
    target = VECTORS / "tokens/good/0.1_stamped"
    target.mkdir(parents=True)
    bench = Bench(target / "case", target)
    make_cases_time.stamped_twice(bench, SMALL)
    conclude(
        bench, "stamped by two authorities that the policy knows and wants, and by one that it does not know", None
    )
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_witnessed() -> None:
    """The small case goes on: a witness whom the recipient wants cosigns it."""
    target = VECTORS / "notes/good/0.1_witnessed"
    target.mkdir(parents=True)
    bench = Bench(target / "case", target)
    make_cases_witness.make_witnessed(bench, SMALL)
    conclude(bench, "cosigned by the witness that the policy wants", None)
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_package() -> None:
    """A package of the small case: some of its rows, not all of them wholly."""
    target = VECTORS / "packages/good/0.1_package"
    target.mkdir(parents=True)
    bench = Bench(target / "case", target)
    shutil.copytree(SMALL, bench.case, symlinks=True)
    make_cases_package.make_package(bench)
    conclude(bench, "some rows of the small case, not all of them wholly", None)
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_branch_package() -> None:
    """A package of a case that adopted the small one: some rows of its exhibit."""
    target = VECTORS / "packages/good/0.1_branch_package"
    target.mkdir(parents=True)
    bench = Bench(target / "case", target)
    shutil.copytree(SMALL, bench.case, symlinks=True)
    make_cases_branches.make_package(bench, key_line, LOG_RULE)
    conclude(bench, "some rows of an exhibit of an adopted case", None)
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_passed_on() -> None:
    """A package that passes on some of another one."""
    make_passed(
        VECTORS / "packages/good/0.1_passed_on", make_cases_passed.make_package, "some of a package that was received"
    )


def make_received() -> None:
    """A case that keeps a package that it received."""
    make_passed(HERE / "good/0.1_received", make_cases_passed.make_case, "a case that keeps a package that it received")


def make_exchange() -> None:
    """A case of requests, and a package of it."""
    why = "a case that asked another authority, and was asked"
    make_passed(HERE / "good/0.1_requests", make_cases_exchange.make_case, why)


def make_exchange_package() -> None:
    """A package of a case with requests."""
    why = "some rows of a case that asked and was asked; it says which request it answers"
    make_passed(VECTORS / "packages/good/0.1_requests", make_cases_exchange.make_package, why)


def make_passed(target: Path, make: Callable[..., None], why: str) -> None:
    """A good one, from the small case."""
    target.mkdir(parents=True)
    bench = Bench(target / "case", target)
    shutil.copytree(SMALL, bench.case, symlinks=True)
    make(bench, key_line, LOG_RULE)
    conclude(bench, why, None)
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_row() -> None:
    """The proof of one row, with its name and content."""
    target = VECTORS / "proofs/good/0.1_row"
    target.mkdir(parents=True)
    bench = Bench(SMALL, target)
    proof = prove_row(SMALL, "EX-001:docs/a.txt", groups=("name", "content")).whole
    (target / "row.tlog-proof").write_bytes(proof)
    bench.options["proof"] = "row.tlog-proof"
    bench.policy()
    conclude(bench, "one row's name and content, proved to the log", None)
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


def make_texts() -> None:
    """A case whose texts are as odd as canonical JSON allows."""
    target = VECTORS / "encoding/good/0.1_texts"
    target.mkdir(parents=True)
    bench = Bench(target / "case", target, begins=START + 10**12)
    open_case(
        bench.case, identity=sha256(b"texts")[:16], reference='24/117 "\\" \u2028 \u00a0 \x7f <b>', agency=ODD,
        signer=bench.signer, actor=bench.actor, keys=bench.log_keys, clock=Clock(), random=os.urandom,
        utc_offset_min=60,
    )  # fmt: skip
    bench.acquire("EX-001", particulars={"place": ODD})
    bench.policy()
    conclude(bench, "texts of many scripts, quotation marks, separators, and characters beyond the first plane", None)
    report = verify_fixture(target, bench.options).as_record()
    (target / "report.json").write_text(json.dumps(report, indent=2, sort_keys=True) + "\n")


# --- the ways of being wrong ------------------------------------------------------------------------------------

Spoil = Callable[[Bench], object]
SPOILT: dict[str, tuple[str, str, Spoil]] = {}
"""Folder to code, reason and maker."""


def spoilt(code: str, why: str, name: str | None = None) -> Callable[[Spoil], Spoil]:
    """Register a fixture of a code, in a folder of the code's own name or of another."""

    def register(function: Spoil) -> Spoil:
        SPOILT[f"{code}_{name or ENTRIES[code].name}"] = (code, why, function)
        return function

    return register


def edit(path: Path, old: bytes, new: bytes) -> None:
    data = path.read_bytes()
    if old not in data:
        raise SystemExit(f"{path}: {old!r} is not there")
    path.write_bytes(data.replace(old, new, 1))


def row_of(rows: list[dict[str, Any]], path: str) -> dict[str, Any]:
    return next(row for row in rows if row["path"] == path.encode())


def edit_group(row: dict[str, Any], group: str, **members: Any) -> None:
    record = json.loads(row[group]) | members
    row[group] = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def nothing(rows: list[dict[str, Any]]) -> None:
    """Change no row."""


@spoilt("E101", "the case file ends in a newline, which canonical JSON never does")
def _(b: Bench) -> None:
    path = b.case / "case.json"
    path.write_bytes(path.read_bytes() + b"\n")


@spoilt("E102", "an event of more than 60,000 bytes")
def _(b: Bench) -> None:
    edit(b.case / layout.event_file(1), b'"12 Example Street"', b'"' + b"x" * 61_000 + b'"')


@spoilt("E103", "a case file of a version that does not exist yet")
def _(b: Bench) -> None:
    edit(b.case / "case.json", b"evidencekit/case/1", b"evidencekit/case/2")


@spoilt("E104", "the case file says another reference than event 0")
def _(b: Bench) -> None:
    edit(b.case / "case.json", b'"24-117"', b'"24-118"')


@spoilt("E105", "checkpoint 3 put in the place of checkpoint 4")
def _(b: Bench) -> None:
    shutil.copy(b.case / layout.checkpoint_file(3), b.case / layout.checkpoint_file(4))


@spoilt("E106", "a catalogue cut in the middle")
def _(b: Bench) -> None:
    path = b.case / layout.manifest_file(1)
    path.write_bytes(path.read_bytes()[:-900])


@spoilt("E107", "a file that is complete, without digest")
def _(b: Bench) -> None:
    b.rewrite(lambda rows: edit_group(row_of(rows, "docs/a.txt"), "content", sha256=None))


@spoilt("E108", "a header that names another exhibit")
def _(b: Bench) -> None:
    header = b.header() | {"exhibit": "EX-002"}
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    b.rewrite(nothing, {b"evidencekit.header": text})


@spoilt("E109", "two rows exchanged")
def _(b: Bench) -> None:
    b.rewrite(lambda rows: rows.insert(3, rows.pop(2)))


@spoilt("E110", "a row that stands twice")
def _(b: Bench) -> None:
    b.rewrite(lambda rows: rows.insert(3, dict(rows[2])))


@spoilt("E111", "a catalogue sealed with the same salt in every row")
def _(b: Bench) -> None:
    b.acquire("EX-002", random=bytes)


@spoilt("E112", "a header whose totals are one file short")
def _(b: Bench) -> None:
    header = b.header()
    header["totals"]["kinds"]["file"] = "4"
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    b.rewrite(nothing, {b"evidencekit.header": text})


@spoilt("E201", "the place of the seizure edited in a signed event")
def _(b: Bench) -> None:
    edit(b.case / layout.event_file(1), b"12 Example Street", b"21 Example Street")


@spoilt("E202", "a digest changed in a catalogue row")
def _(b: Bench) -> None:
    b.rewrite(lambda rows: edit_group(row_of(rows, "docs/a.txt"), "content", sha256="0" * 64))


@spoilt("E203", "an entry that commits to another history")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=["EX-002"]), prior_root=bytes(32))


@spoilt("E204", "a checkpoint signed by the log's keys over another tree")
def _(b: Bench) -> None:
    note = b.log_keys.sign_checkpoint(Checkpoint(ORIGIN, 4, bytes(32)))
    (b.case / layout.checkpoint_file(4)).write_bytes(note)


@spoilt("E206", "somebody holds a checkpoint of size 3 with another root")
def _(b: Bench) -> None:
    b.options["since"] = f"{ORIGIN}\n3\n{base64.b64encode(bytes(32)).decode()}\n"


@spoilt("E207", "a row proof whose path to the manifest root was changed")
def _(b: Bench) -> None:
    proof = parse_tlog_proof(prove_row(b.case, "EX-001:docs/a.txt", groups=("name", "content")).whole)
    extra = json.loads(proof.extra or b"")
    extra["proof"][0] = base64.b64encode(bytes(32)).decode()
    data = json.dumps(extra, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    (b.folder / "row.tlog-proof").write_bytes(
        format_tlog_proof(type(proof)(proof.index, proof.hashes, proof.checkpoint, data))
    )
    shutil.rmtree(b.case)
    b.options["proof"] = "row.tlog-proof"


@spoilt("E211", "the same rows in Parquet bytes that another run wrote")
def _(b: Bench) -> None:
    b.rewrite(nothing)


@spoilt("E212", "another path in the column for searching")
def _(b: Bench) -> None:
    b.rewrite(lambda rows: row_of(rows, "docs/a.txt").update(path=b"docs/c.txt"))


@spoilt("E301", "an item sealed twice")
def _(b: Bench) -> None:
    b.enter(b.event(2))


@spoilt("E302", "an entry that does not name the item's entry before")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=["EX-002"]), items_prev=("1/0",))


@spoilt("E303", "an event entered a second time")
def _(b: Bench) -> None:
    b.enter((b.case / layout.event_file(3)).read_bytes())


@spoilt("E304", "a signer who names a tree of this log that never was")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=["EX-002"], seen={"origin": ORIGIN, "root": "00" * 32, "size": "4"}))


@spoilt("E305", "an entry that knows of no checkpoint, though there were some")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=["EX-002"]), head=0)


@spoilt("E306", "an entry moved to another number")
def _(b: Bench) -> None:
    (b.case / layout.entry_folder(3)).rename(b.case / "aside")
    (b.case / layout.entry_folder(2)).rename(b.case / layout.entry_folder(3))
    (b.case / "aside").rename(b.case / layout.entry_folder(2))


@spoilt("E307", "two entries that follow the same entry of an item")
def _(b: Bench) -> None:
    b.enter(b.event(3), items_prev=("2/0",))


@spoilt("E401", "an entry without the signature of the second signer that its event names")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=["EX-002"], signers=[b.signer.fingerprint, b.other.fingerprint]))


@spoilt("E402", "a signature over other bytes")
def _(b: Bench) -> None:
    shutil.copy(b.case / layout.signature_file(2, 0), b.case / layout.signature_file(1, 0))


@spoilt("E403", "an event signed by another person than the one it names")
def _(b: Bench) -> None:
    data = encode_event(b.event(1, items=["EX-002"]))
    b.enter(data, signatures=[b.other.sign(data, NAMESPACE)])


@spoilt("E404", "an event signed with an RSA key of 2,048 bits")
def _(b: Bench) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    blob = decode_base64(line.split()[1].decode())
    who = fingerprint(blob)
    data = encode_event(b.event(1, items=["EX-002"], signers=[who], actor=b.actor | {"key": who}))
    raw = key.sign(signed_data(NAMESPACE, _sha512(data)), padding.PKCS1v15(), hashes.SHA512())
    signature = SshSignature(
        blob, NAMESPACE, "sha512", join_signature_blob(SignatureFields("rsa-sha2-512", raw, None, None))
    )
    b.enter(data, signatures=[format_sshsig(signature)])


def _sha512(data: bytes) -> bytes:
    return hashlib.sha512(data).digest()


@spoilt("E405", "a checkpoint whose ML-DSA line was taken away")
def _(b: Bench) -> None:
    path = b.case / layout.checkpoint_file(4)
    path.write_bytes(b"\n".join(path.read_bytes().split(b"\n")[:5]) + b"\n")


@spoilt("E406", "a checkpoint whose Ed25519 line is of another tree")
def _(b: Bench) -> None:
    lines = (b.case / layout.checkpoint_file(4)).read_text().split("\n")
    lines[4] = (b.case / layout.checkpoint_file(3)).read_text().split("\n")[4]
    (b.case / layout.checkpoint_file(4)).write_text("\n".join(lines))


@spoilt("E407", "a policy that knows other keys for this log")
def _(b: Bench) -> None:
    keys = new_log_keys(ORIGIN).vkeys
    b.policy(logs="".join(f"log {key}\n" for key in keys) + "quorum none\n")


@spoilt("E408", "a policy that gives the signer's key to somebody else")
def _(b: Bench) -> None:
    b.policy(signers=key_line("examiner", principal="somebody-else"))


@spoilt("E410", "a policy that revokes the signer's key from the second entry on")
def _(b: Bench) -> None:
    b.policy(
        revoked=f'[[key]]\nfingerprint = "{b.signer.fingerprint}"\nreason = "lost"\nsizes = {{ "{ORIGIN}" = 1 }}\n'
    )


@spoilt("E411", "a policy that no longer accepts the signer's algorithm")
def _(b: Bench) -> None:
    b.policy(settings=f'[algorithms]\n"ssh-ed25519" = 2020-01-01\n\n{LOG_RULE}')


@spoilt("E501", "a signature file that is not there")
def _(b: Bench) -> None:
    (b.case / layout.signature_file(1, 0)).unlink()


def copy_of(b: Bench, path: str) -> Path:
    """Acquire the source with copies of its content; return the copy of a file."""
    b.acquire("EX-002", options=Options(copies=True))
    return b.case / layout.object_file(sha256((HERE / "source" / path).read_bytes()).hex())


@spoilt("E501", "a copy of a file's content, which the header says was kept, is not there", "missing_copy")
def _(b: Bench) -> None:
    copy_of(b, "docs/a.txt").unlink()


@spoilt("E201", "a copy of a file's content was cut short", "copy_cut")
def _(b: Bench) -> None:
    path = copy_of(b, "docs/a.txt")
    path.write_bytes(path.read_bytes()[:-1])


@spoilt("E502", "a checkpoint that a later entry names is not there")
def _(b: Bench) -> None:
    (b.case / layout.checkpoint_file(3)).unlink()


@spoilt("E503", "the last step cut off cleanly; somebody holds its checkpoint")
def _(b: Bench) -> None:
    b.options["since"] = (b.case / layout.checkpoint_file(4)).read_text()
    shutil.rmtree(b.case / layout.entry_folder(3))
    (b.case / layout.checkpoint_file(4)).unlink()
    (b.case / layout.manifest_file(2)).unlink()


@spoilt("E505", "a sealed file is no longer in the source")
def _(b: Bench) -> None:
    (b.source() / "docs/b.txt").unlink()


@spoilt("E506", "the source has a file that was not sealed")
def _(b: Bench) -> None:
    (b.source() / "docs/new.txt").write_text("planted\n")


@spoilt("E507", "a link of the source leads elsewhere")
def _(b: Bench) -> None:
    link = b.source() / "link"
    link.unlink()
    link.symlink_to("docs/b.txt")


@spoilt("W901", "the newest checkpoint is not there")
def _(b: Bench) -> None:
    (b.case / layout.checkpoint_file(4)).unlink()


@spoilt("W902", "a file that no event names")
def _(b: Bench) -> None:
    (b.case / "manifests/notes.txt").write_text("?\n")


@spoilt("W903", "an acquisition that says nothing of place or authority")
def _(b: Bench) -> None:
    b.acquire("EX-002")


@spoilt("W904", "an entry recorded before the one it follows, by the clock")
def _(b: Bench) -> None:
    b.enter(b.event(1, items=["EX-002"]), recorded_at=format_instant(START - 10**12))


@spoilt("W905", "a file left by a desktop system")
def _(b: Bench) -> None:
    (b.case / "custody/.DS_Store").write_bytes(b"\0\0\0\1Bud1")


@spoilt("W906", "a copy of the source with other times")
def _(b: Bench) -> None:
    b.source()


@spoilt("W907", "an acquisition that left something out on purpose")
def _(b: Bench) -> None:
    b.acquire("EX-002", options=Options(exclude=("*.png",)))


SPOILT |= make_cases_branches.SPOILT
SPOILT |= make_cases_custody.SPOILT
SPOILT |= make_cases_erasure.SPOILT
SPOILT |= make_cases_exchange.SPOILT
SPOILT |= make_cases_further.SPOILT
SPOILT |= make_cases_package.SPOILT
SPOILT |= make_cases_passed.SPOILT
SPOILT |= make_cases_time.SPOILT
SPOILT |= make_cases_witness.SPOILT


# --- making ---------------------------------------------------------------------------------------------------


def conclude(bench: Bench, why: str, code: str | None) -> None:
    """Verify a fixture and write down what was found; the code that it is named by must be among it."""
    report = verify_fixture(bench.folder, bench.options)
    errors = sorted({(finding.code, finding.where) for finding in report.findings if finding.severity == "error"})
    codes = sorted({finding.code for finding in report.findings})
    if code is not None and code not in codes:
        raise SystemExit(f"{bench.folder.name}: {code} was not found, but {codes}")
    record = {
        "codes": codes,
        "errors": [list(error) for error in errors],
        "finding": code,
        "options": bench.options,
        "verdict": report.verdict,
        "why": why,
    }
    (bench.folder / "fixture.json").write_text(json.dumps(record, indent=2, sort_keys=True, ensure_ascii=False) + "\n")


def verify_fixture(folder: Path, options: dict[str, Any]) -> Any:
    """Verify a fixture as its options say."""
    policy = folder / "policy" if options.get("policy") else None
    now = parse_instant(options["now"]) if "now" in options else START
    if "proof" in options:
        return verify_proof((folder / options["proof"]).read_bytes(), policy=policy, now=now)
    if "package" in options:
        return verify_package(folder / options["package"], policy=policy, now=now)
    if "published" in options:
        return verify_published(str(folder / options["published"]), policy=policy, now=now)
    since = options["since"].encode() if "since" in options else None
    sources = {options["source"]: folder / "source"} if "source" in options else None
    return verify_case(
        folder / "case",
        policy=policy,
        since=since,
        sources=sources,
        as_copy=options.get("as_copy", False),
        now=now,
    )


def home_of(code: str, options: dict[str, Any]) -> Path:
    """Return the folder of a spoilt vector: by what it is about, and by how grave its finding is."""
    if "package" in options:
        subject = "packages"
    elif options.keys() & {"proof", "published"}:
        subject = "proofs"
    else:
        subject = next((name for name, codes in SUBJECTS.items() if code in codes), "cases")
    return VECTORS / subject / ("bad" if ENTRIES[code].severity == "error" else "warn")


def main() -> None:
    """Make what is missing."""
    for entry in HERE.glob("keys/*[!b]"):
        entry.chmod(0o600)  # as they were made: a clone forgets it
    for part, make in (
        (KEYS, make_keys),
        (HERE / "source", make_source),
        (HERE / "good/0.1_small", make_good),
        (HERE / "good/0.1_match", make_match),
        (HERE / "good/0.1_custody", make_custody),
        (VECTORS / "tokens/good/0.1_stamped", make_stamped),
        (HERE / "good/0.1_erased", make_erased),
        (VECTORS / "notes/good/0.1_witnessed", make_witnessed),
        (VECTORS / "packages/good/0.1_package", make_package),
        (VECTORS / "proofs/good/0.1_row", make_row),
        (VECTORS / "encoding/good/0.1_texts", make_texts),
        (VECTORS / "packages/good/0.1_branch_package", make_branch_package),
        (VECTORS / "packages/good/0.1_passed_on", make_passed_on),
        (HERE / "good/0.1_received", make_received),
        (HERE / "good/0.1_requests", make_exchange),
        (VECTORS / "packages/good/0.1_requests", make_exchange_package),
    ):
        if not part.exists():
            make()
    made = {path.parent.name for path in VECTORS.glob("*/*/*/fixture.json")}
    for name, (code, why, spoil) in SPOILT.items():
        if name in made:
            continue
        with tempfile.TemporaryDirectory() as folder:
            bench = Bench(Path(folder) / name / "case", Path(folder) / name)
            shutil.copytree(SMALL, bench.case, symlinks=True)
            spoil(bench)
            conclude(bench, why, code)
            target = home_of(code, bench.options) / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(bench.folder, target, symlinks=True)
        print(f"made {target.name}")


if __name__ == "__main__":
    main()
