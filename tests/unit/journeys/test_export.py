"""export: what is chosen and what is withheld, what leaves and what does not, and that nothing is left where it fails."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import os
import shutil
import subprocess
import zipfile
import zlib
from itertools import count

import pytest

from evidencekit.acquire.options import Options
from evidencekit.catalogue.record import read_record
from evidencekit.core import layout
from evidencekit.core.event import decode_event
from evidencekit.core.package_records import PACKAGE, SHOWN, WITHHELD, decode_record
from evidencekit.errors import BadArgument, CannotFinish, Refused
from evidencekit.journeys import export_place
from evidencekit.journeys.custody import Hand, reference
from evidencekit.journeys.export import export
from evidencekit.journeys.export_custody import HideEvent
from evidencekit.journeys.export_place import clear_left, move_recorded
from evidencekit.journeys.export_plan import Request, make_plan
from evidencekit.journeys.export_rows import Wanted, Withhold
from evidencekit.read.store import Store
from evidencekit.verify.package import verify_package

NOW = 1_790_000_000_000_000_000


@pytest.fixture(scope="module", params=[False, True], ids=["path", "shuffled"])
def made(rc, tmp_path_factory, request):
    """A sealed exhibit with every odd name, and a second one of which nothing is exported."""
    folder = tmp_path_factory.mktemp("made")
    office = rc.Office(folder / "office")
    office.open(folder / "case")
    source = rc.make_source(folder / "source")
    (source / "docs" / "A").write_text("upper case")
    (source / "docs" / "a").write_text("lower case")
    office.acquire(folder / "case", source, options=Options(sensitive=request.param))
    other = folder / "secret-source"
    other.mkdir()
    (other / "secret-file").write_text("secret-content")
    office.acquire(folder / "case", other, "EX-002")
    return folder, office, request.param


@pytest.fixture
def case(made, tmp_path):
    shutil.copytree(made[0] / "case", tmp_path / "case")
    return tmp_path / "case"


@pytest.fixture
def make(rc, made, case, tmp_path):
    """Export, as the command does: every time of the same seed."""

    def run(out="out", *, seed=0, signer=None, now=NOW, **options):
        office = made[1]
        numbers = count(seed)
        random = lambda size: hashlib.sha512(str(next(numbers)).encode()).digest()[:size]  # noqa: E731
        person = signer or office.signer
        hand = Hand(office.ledger(case, clock=lambda: now, random=random), rc.actor(person), [person])
        form = options.pop("form", "folder")
        verify = options.pop("verify", verify_package)
        progress = options.pop("progress", lambda *_: None)
        return export(
            hand, Request(**({"with_sensitive": True} | options)), tmp_path / out,
            verify=verify, random=random, cache_folder=tmp_path / "cache", form=form,
            progress=progress,
        )  # fmt: skip

    return run


def lines(out):
    return [decode_record(SHOWN, line) for line in (out / "evidence/records.jsonl").read_bytes().splitlines()]


def package(out):
    return decode_record(PACKAGE, (out / "evidence/package.json").read_bytes())


def withheld(out):
    return decode_record(WITHHELD, (out / "evidence/withheld.json").read_bytes())


def path_of(line):
    name = json.loads(line["groups"]["name"]["bytes"])
    return bytes.fromhex(name["path_hex"]) if "path_hex" in name else name["path"].encode()


def facts(out):
    return [line for line in lines(out) if "opinion" not in {*line["groups"], *line["grounds"]}]


def content_of(source, path):
    with open(os.fsencode(source) + b"/" + path, "rb") as file:
        return file.read()


def refused(code, run, *where):
    with pytest.raises((BadArgument, CannotFinish, Refused)) as caught:
        run()
    assert caught.value.code == code
    for folder in where:
        assert not [name for name in os.listdir(folder) if name.startswith((".tmp-", "out"))]
    return caught.value


# --- what comes out ------------------------------------------------------------------------------------------------


def test_everything_comes_back_byte_for_byte(rc, made, make, tmp_path):
    out, source = tmp_path / "out", made[0] / "source"
    made_it = make(wanted=Wanted(items=("EX-001",)))
    assert made_it.report.verdict == "INTEGRITY ONLY"
    assert made_it.digest == hashlib.sha256((out / "evidence/package.json").read_bytes()).hexdigest()
    shown = facts(out)
    assert len(shown) == len(rc.rows(tmp_path / "case"))
    assert [int(line["index"]) for line in shown] == list(range(len(shown)))
    with_payload = [line for line in shown if line["payload"] is not None]
    assert {path_of(line) for line in with_payload} >= {*rc.ODD_NAMES, b"docs/a", b"docs/A", b"hard", b"docs/01.txt"}
    for line in with_payload:
        assert (out / line["payload"]["path"]).read_bytes() == content_of(source, path_of(line))
    found = {path.relative_to(out).as_posix() for path in (out / "data").rglob("*") if path.is_file()}
    assert found == {line["payload"]["path"] for line in with_payload}
    assert (out / "evidence/leaves/00000001").stat().st_size == 32 * len(shown)
    assert package(out)["items"] == ["EX-001"]
    assert not package(out)["hash_only"]


def test_the_event_says_what_left_and_the_case_verifies(rc, made, make, case, tmp_path):
    office = made[1]
    to = {"id": "lab", "key": office.other.fingerprint}
    made_it = make(wanted=Wanted(globs=("*.txt",)), stated={"to": to, "use_limits": "trial only"})
    event = decode_event((case / layout.event_file(made_it.recorded.entry)).read_bytes())
    body, record = event["body"], package(tmp_path / "out")
    assert event["type"] == "export"
    assert event["items"] == ["EX-001"]
    assert (body["package"], body["transfer"], body["to"]) == (made_it.digest, made_it.transfer, to)
    assert (record["recipient"], record["use_limits"]) == (to, "trial only")
    assert [(one["root"], one["shown"]) for one in body["contents"]] == [
        (m["root"], m["shown"]) for m in record["manifests"]
    ]
    from evidencekit.verify.verifier import verify_case

    report = verify_case(case, policy=office.policy())
    assert report.verdict == "VERIFIED", report.findings
    report = verify_package(tmp_path / "out", policy=office.policy())
    assert report.verdict == "VERIFIED", report.reason
    # a second one shows the first: it touched the item
    again = make("out2", seed=50, wanted=Wanted(globs=("*.txt",)))
    assert (tmp_path / "out2" / "evidence" / layout.event_file(made_it.recorded.entry)).exists()
    assert again.digest != made_it.digest


@pytest.mark.parametrize("form", ["folder", "tar", "zip"])
def test_the_same_again_is_the_same_bytes(made, make, case, tmp_path, form):
    shutil.copytree(case, tmp_path / "before", symlinks=True)
    make("out", form=form, wanted=Wanted(items=("EX-001",)), withhold=[Withhold(("metadata",), "privacy")])
    first = read_all(tmp_path / "out")
    shutil.rmtree(case)
    shutil.copytree(tmp_path / "before", case)
    (tmp_path / "out").rename(tmp_path / "first")
    make("out", form=form, wanted=Wanted(items=("EX-001",)), withhold=[Withhold(("metadata",), "privacy")])
    assert read_all(tmp_path / "out") == first


def read_all(out):
    if out.is_file():
        return out.read_bytes()
    return {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}


def test_proofs_where_few_rows_are_shown(made, make, tmp_path):
    make(wanted=Wanted(items=("EX-001",), globs=("*.txt",)))
    out = tmp_path / "out"
    assert not (out / "evidence/leaves").exists()
    assert {path_of(line) for line in facts(out)} == {b"docs/%02d.txt" % n for n in range(5)}  # and no folder above
    assert all(line["proof"] for line in lines(out))


# --- choosing --------------------------------------------------------------------------------------------------------


def chosen(make, tmp_path, **wanted):
    make(wanted=Wanted(**wanted), withhold=[Withhold(("metadata", "content"))])
    return {path_of(line) for line in facts(tmp_path / "out")}


def test_kinds_of_criteria_add_up_and_rows_come_besides(make, tmp_path):
    found = chosen(make, tmp_path, globs=("*.txt", "copy"), bounds={"larger": 9}, rows=("EX-001:dangling",))
    assert found == {b"docs/02.txt", b"docs/03.txt", b"docs/04.txt", b"dangling"}


def test_by_digest_list_and_sql(make, tmp_path):
    digest = hashlib.sha256(b"letter 1\n").hexdigest()
    found = chosen(make, tmp_path, listed=frozenset({digest, "0" * 64}), sql="name <> 'hard' -- not this one")
    assert found == {b"docs/01.txt", b"docs/copy"}


def test_a_folder_comes_with_all_below_it(make, tmp_path):
    found = chosen(make, tmp_path, rows=("EX-001:docs",))
    assert found >= {b"docs", b"docs/00.txt", b"docs/empty"}
    assert b"" not in found


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"globs": ("nosuch",)}, "U281"),
        ({"digests": ("0" * 64,)}, "U281"),
        ({"listed": frozenset({"0" * 64})}, "U280"),
        ({"sql": "no such column"}, "U211"),
        ({"sql": "1); DELETE FROM rows; --"}, "U211"),
        ({"items": ("EX-009",)}, "U215"),
        ({"rows": ("EX-001:nosuch",)}, "U272"),
        ({"items": ("field/EX-001",)}, "U215"),
        ({"bounds": {"larger": 10**12}}, "U280"),
    ],
)
def test_a_slip_is_refused(make, tmp_path, wanted, code):
    refused(code, lambda: make(wanted=Wanted(**wanted)), tmp_path)


def test_what_is_to_be_withheld_and_is_nowhere_is_refused(make, tmp_path):
    rule = Withhold(("name",), "privacy", "nosuch*")
    refused("U281", lambda: make(withhold=[rule]), tmp_path)
    refused("U282", lambda: make(withhold=[Withhold(("name",), "because")]), tmp_path)
    refused("U284", lambda: make(full=True, withhold=[Withhold(("name",))]), tmp_path)


# --- withholding -----------------------------------------------------------------------------------------------------


def test_counts_and_grounds_add_up(made, make, tmp_path):
    make(
        wanted=Wanted(items=("EX-001",)),
        withhold=[
            Withhold(("metadata",), "privacy"),
            Withhold(("name", "content", "metadata"), "privilege", "*.txt"),
            Withhold(("content",), "x-other-case", "copy"),
            Withhold(("name",), "third_party", "p.png"),
        ],
    )
    out = tmp_path / "out"
    hidden = {(one["manifest"], one["ground"]): int(one["count"]) for one in withheld(out)["rows"]}
    assert hidden == {("1", "privilege"): 5, ("2", "privilege"): 5, ("2", "x-other-case"): 1}
    labels = {one["ground"]: one["label"] for one in withheld(out)["grounds"]}
    assert labels["x-other-case"] == "other-case"
    assert "privacy" in labels
    assert "not_requested" in labels
    (image,) = [line for line in facts(out) if line["grounds"].get("name") == "third_party"]
    assert image["payload"]["path"] == f"data/EX-001/^~row-{image['index']}"
    (copy,) = [line for line in facts(out) if line["grounds"].get("content") == "x-other-case"]
    assert copy["payload"] is None
    for one in package(out)["manifests"]:
        assert int(one["shown"]) + sum(int(h["count"]) for h in one["hidden"]) == int(one["rows"])


def test_sensitive_exhibits_keep_their_contents(made, make, case, tmp_path):
    plan = make_plan(read_record(case), Request(wanted=Wanted(items=("EX-001",))), cache_folder=tmp_path / "cache")
    assert (plan.kept_back, plan.files == 0) == ((["EX-001"], True) if made[2] else ([], False))
    make("out", wanted=Wanted(items=("EX-001",)), with_sensitive=False)
    assert package(tmp_path / "out")["hash_only"] is made[2]
    make("ho", seed=99, wanted=Wanted(items=("EX-001",)), hash_only=True)
    assert package(tmp_path / "ho")["hash_only"]
    assert not list((tmp_path / "ho/data").iterdir())


def test_events_of_other_items_are_hidden_and_some_can_be(make, tmp_path):
    make(wanted=Wanted(items=("EX-001",)), hide_events=[HideEvent("acquire", "security")])
    hidden = {int(one["entry"]): one["ground"] for one in withheld(tmp_path / "out")["events"]}
    assert hidden == {1: "security", 4: "not_requested", 5: "not_requested", 6: "not_requested"}
    custody = tmp_path / "out/evidence/custody"
    assert sorted(name.name for name in custody.iterdir()) == [f"{n:08d}" for n in range(7)]
    assert [path.name for path in (custody / "00000004").iterdir()] == ["entry"]


def test_a_countersignature_is_shown_and_what_it_is_of_stays_hidden(rc, made, make, case, tmp_path):
    """Nobody can tell it from a revoked key where it is hidden, and then no custody would be checked."""
    ledger = made[1].ledger(case)
    hand = Hand(ledger, rc.actor(made[1].signer), [made[1].signer])
    recorded = hand.record("countersign", [], {"of": reference(ledger.store, 4), "meaning": "seen"})
    make(wanted=Wanted(items=("EX-001",)))
    assert (tmp_path / f"out/evidence/{layout.event_file(recorded.entry)}").exists()
    assert not (tmp_path / f"out/evidence/{layout.event_file(4)}").exists()
    report = verify_package(tmp_path / "out")
    assert (report.verdict, report.aspects["custody"].status) == ("INTEGRITY ONLY", "ok")


@pytest.mark.parametrize("which", ["seal", "0", "99", "4"])
def test_what_has_to_be_shown_cannot_be_hidden(make, tmp_path, which):
    run = lambda: make(wanted=Wanted(items=("EX-001",)), hide_events=[HideEvent(which)])  # noqa: E731
    refused("U283", run, tmp_path)


@pytest.mark.parametrize("form", ["folder", "tar", "zip"])
def test_nothing_that_is_withheld_is_in_the_bytes(rc, made, make, case, tmp_path, form):
    make(
        form=form,
        wanted=Wanted(items=("EX-001",), globs=("*.txt", "p.png", "copy")),
        withhold=[
            Withhold(("metadata",)),
            Withhold(("name",), "privacy", "p.png"),
            Withhold(("content",), "privacy", "0[123].txt"),
            Withhold(("name", "content"), "privilege", "copy"),
        ],
    )
    data = searchable(tmp_path / "out")
    assert b"letter 4" in data
    assert b"docs/02.txt" in data
    shown = {b"00.txt", b"04.txt", b"01.txt", b"02.txt", b"03.txt"}
    for row in rc.rows(case):
        name, content, metadata = (json.loads(one) for one in (row.name, row.content, row.metadata))
        secrets = [
            row.row_salt,
            row.metadata,
            *(
                str(metadata[key]).encode()
                for key in ("mtime_ns", "ctime_ns", "inode")
                if key in metadata and len(str(metadata[key])) > 6
            ),
        ]
        last = row.path.rpartition(b"/")[2]
        if last not in shown:
            secrets += [row.name, *([last] if len(last) > 4 and last not in {b"plain", b"empty"} else [])]
        if last not in {b"00.txt", b"04.txt", b"p.png"}:
            secrets += [row.content]
            if content["sha256"] and last != b"hard":
                secrets += [bytes.fromhex(content["sha256"]), bytes.fromhex(content["blake3"])]
        for secret in secrets:
            for spelled in {
                secret,
                secret.hex().encode(),
                base64.b64encode(secret),
                json.dumps(secret.decode(errors="replace")).encode(),
            }:
                assert spelled not in data, (row.path, spelled)
        del name
    assert b"secret-" not in data  # the other exhibit
    assert b"letter 2" not in data  # a content that is withheld
    assert b"content of " not in data  # contents that nobody asked for
    source = json.loads(header(case))["source"]
    assert json.dumps(source.get("path", "")).encode() not in data


def header(case):
    from evidencekit.read.parquet import ManifestFile

    with open(case / layout.manifest_file(1), "rb") as file:
        return ManifestFile(file, "1").header


def searchable(out):
    """All bytes of a package and of its names; also decompressed, and what stands in base64."""
    files = list(out.rglob("*")) if out.is_dir() else [out]
    found = [os.fsencode(path.relative_to(out.parent)) for path in files]
    found += [path.read_bytes() for path in files if path.is_file()]
    if out.is_file() and zipfile.is_zipfile(out):
        with zipfile.ZipFile(out) as archive:
            found += [archive.read(name) for name in archive.namelist()]
    for data in list(found):
        for line in data.splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            found += [text.encode() for text in texts(record)]
            found += [decoded for text in texts(record) if (decoded := unpacked(text))]
    return b"\n".join(found)


def texts(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from texts(member)


def unpacked(text):
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        return b""
    try:
        return data + zlib.decompress(data)
    except zlib.error:
        return data


# --- where it cannot be done ----------------------------------------------------------------------------------------


def events(case):
    return sorted(os.listdir(case / "custody"))


def test_a_missing_or_changed_content_leaves_nothing(made, make, case, tmp_path):
    before, source = events(case), tmp_path / "elsewhere"
    shutil.copytree(made[0] / "source", source, symlinks=True, ignore=shutil.ignore_patterns("fifo"))
    where = {"sources": {"EX-001": source}, "wanted": Wanted(rows=("EX-001:docs",))}
    (source / "docs/04.txt").write_text("letter 4\n" * 3 + "lettre 4\n")
    for form in ("folder", "tar", "zip"):
        assert "docs/04.txt" in refused("X481", lambda form=form: make(form=form, **where), tmp_path).message
    (source / "docs/04.txt").write_text("letter 4\n" * 5)
    refused("X481", lambda: make(**where), tmp_path)
    (source / "docs/04.txt").unlink()
    refused("X480", lambda: make(**where), tmp_path)
    (source / "docs/04.txt").symlink_to(made[0] / "source/docs/04.txt")  # links are not followed
    refused("X480", lambda: make(**where), tmp_path)
    assert events(case) == before
    shutil.rmtree(source / "docs")
    (source / "docs").symlink_to(made[0] / "source/docs")
    refused("X480", lambda: make(**where), tmp_path)
    (source / "docs").unlink()
    shutil.copytree(made[0] / "source/docs", source / "docs")
    make(**where)


def test_the_cases_own_copies_are_taken(rc, made, tmp_path):
    office = made[1]
    office.open(tmp_path / "case")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/a").write_text("kept")
    office.acquire(tmp_path / "case", tmp_path / "src", options=Options(copies=True))
    shutil.rmtree(tmp_path / "src")
    hand = Hand(office.ledger(tmp_path / "case"), rc.actor(office.signer), [office.signer])
    export(hand, Request(), tmp_path / "out", verify=verify_package, random=os.urandom, cache_folder=tmp_path)
    assert (tmp_path / "out/data/EX-001/a").read_text() == "kept"


def test_the_record_is_exported_by_whoever_keeps_it_and_moves_nothing(made, make, case):
    before = read_record(case).custody.items["EX-001"].holder
    make(signer=made[1].other)
    entry = read_record(case).entries - 1
    assert decode_event((case / layout.event_file(entry)).read_bytes())["type"] == "export"
    assert read_record(case).custody.items["EX-001"].holder == before


def test_nothing_is_overwritten(make, case, tmp_path):
    before = events(case)
    (tmp_path / "out").mkdir()
    with pytest.raises(Refused) as caught:
        make()
    assert caught.value.code == "R501"
    assert events(case) == before


def test_what_does_not_verify_is_not_recorded(make, case, tmp_path):
    def spoil(path):
        (path / "README.txt").write_text("something else")
        return verify_package(path)

    before = events(case)
    refused("X482", lambda: make(verify=spoil), tmp_path)
    assert events(case) == before


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_stopped_it_leaves_nothing(make, case, tmp_path, error):
    def stop(_path):
        raise error

    before = events(case)
    with pytest.raises(error):
        make(verify=stop)
    assert events(case) == before
    assert not (tmp_path / "out").exists()
    assert not [name for name in os.listdir(tmp_path) if name.startswith("unfinished")]


@pytest.mark.parametrize("at", ["verify", "copying"])
def test_killed_it_leaves_nothing_that_looks_finished(make, case, tmp_path, at):
    before = events(case)
    child = os.fork()
    if not child:  # pragma: no cover - dies at once, as by SIGKILL
        make(verify=lambda _path: os._exit(9)) if at == "verify" else make(progress=lambda *_: os._exit(9))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert events(case) == before
    assert not (tmp_path / "out").exists()
    assert [name[:18] for name in os.listdir(tmp_path) if "export" in name] == ["unfinished-export-"]
    make(seed=1)
    assert [name for name in os.listdir(tmp_path) if "export" in name] == []


def test_recorded_but_not_moved_is_said_and_kept(make, case, tmp_path):
    def verify(path):
        (tmp_path / "out").mkdir()  # somebody takes the name meanwhile
        (tmp_path / "out/x").write_text("x")
        return verify_package(path)

    with pytest.raises(CannotFinish) as caught:
        make(verify=verify)
    assert caught.value.code == "X483"
    (kept,) = [name for name in os.listdir(tmp_path) if name.startswith("unfinished-export-")]
    assert kept in caught.value.hint
    entry = len(events(case)) - 1
    assert f"--again {entry}" in caught.value.hint
    with pytest.raises(Refused) as refusal:
        make("other", seed=1)
    assert (refusal.value.code, len(events(case))) == ("R574", entry + 1)
    assert f"--again {entry}" in refusal.value.hint
    report = move_recorded(Store(case), entry, tmp_path / "other", verify=verify_package)
    assert report.verdict == verify_package(tmp_path / "other").verdict == "INTEGRITY ONLY"
    assert not (tmp_path / kept).exists()
    assert len(events(case)) == entry + 1
    make("more", seed=1)


def kept_package(make, case, tmp_path, name="out"):
    """Let an export be stopped just after its event; return its entry, and its folder."""

    def verify(path):
        (tmp_path / name).write_text("x")
        return verify_package(path)

    with pytest.raises(CannotFinish):
        make(name, verify=verify)
    (tmp_path / name).unlink()
    (folder,) = tmp_path.glob("unfinished-export-*")
    return len(events(case)) - 1, folder


def test_what_is_moved_is_what_was_recorded(make, case, tmp_path):
    entry, folder = kept_package(make, case, tmp_path)
    readme = folder / "built/out/README.txt"
    data = readme.read_bytes()
    readme.write_text("something else")

    def move():
        return move_recorded(Store(case), entry, tmp_path / "out", verify=verify_package)

    refused("X482", move, tmp_path)
    readme.write_bytes(data)
    (folder / "built/out").rename(tmp_path / "kept")
    make("another", seed=1)  # nothing is in it any more
    assert not folder.exists()
    refused("X483", move, tmp_path)
    with pytest.raises(BadArgument) as caught:
        move_recorded(Store(case), 0, tmp_path / "out", verify=verify_package)
    assert caught.value.code == "U268"


def test_what_another_case_may_have_recorded_is_left_alone(make, case, tmp_path):
    _, folder = kept_package(make, case, tmp_path)
    mark = folder / "recorded.json"
    ours = mark.read_bytes()
    for other in (ours.replace(b'"case":"', b'"case":"A'), b"{}", b"not as we write it"):
        mark.write_bytes(other)
        make(f"more-{len(other)}", seed=len(other))
        assert verify_package(folder / "built/out").verdict == "INTEGRITY ONLY"


def test_an_export_that_goes_on_is_left_alone(make, tmp_path):
    def verify(path):
        make("other", seed=1000)
        return verify_package(path)

    make(verify=verify)
    assert {verify_package(tmp_path / name).verdict for name in ("out", "other")} == {"INTEGRITY ONLY"}


def test_a_link_in_the_place_of_such_a_folder_leads_to_nothing_being_removed(make, tmp_path):
    """Whoever owns the medium can put one there."""
    private = tmp_path / "private"
    (private / "built").mkdir(parents=True)
    (private / "built" / "letter").write_text("mine")
    (private / "diary").write_text("mine")
    os.utime(private, (1, 1))
    link = tmp_path / "unfinished-export-0123456789abcdef"
    link.symlink_to(private)
    os.utime(link, (1, 1), follow_symlinks=False)
    make()
    assert {path.name for path in private.rglob("*")} == {"built", "letter", "diary"}
    assert link.is_symlink()


def test_a_folder_of_that_name_keeps_what_no_export_put_there(make, tmp_path):
    folder = tmp_path / "unfinished-export-0123456789abcdef"
    (folder / "built").mkdir(parents=True)
    (folder / "diary").write_text("mine")
    os.utime(folder, (1, 1))
    make()
    assert [path.name for path in folder.iterdir()] == ["diary"]


def test_a_crash_while_the_mark_was_written_leaves_nothing_for_good(make, tmp_path):
    folder = tmp_path / "unfinished-export-0123456789abcdef"
    (folder / "built/out").mkdir(parents=True)
    (folder / "lock").touch()
    (folder / ".tmp-38a7-0").write_bytes(b'{"case":')
    make()
    assert not folder.exists()


def test_a_folder_without_a_lock_is_left_alone_for_a_minute(case, tmp_path):
    folder = tmp_path / "unfinished-export-0123456789abcdef"
    (folder / "built").mkdir(parents=True)
    made = folder.stat().st_mtime_ns
    clear_left(tmp_path / "out", Store(case), now=made + 60 * 10**9)
    assert folder.exists()
    clear_left(tmp_path / "out", Store(case), now=made + 60 * 10**9 + 1)
    assert not folder.exists()


class NoLocks:
    """What some network file systems say."""

    def __init__(self, path, **_):
        self._path = path

    def acquire(self):
        self._path.touch()
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def test_without_locks_nothing_is_removed_and_what_was_recorded_is_moved(make, case, tmp_path, monkeypatch):
    monkeypatch.setattr(export_place, "FileLock", NoLocks)
    perhaps_at_work = tmp_path / "unfinished-export-0123456789abcdef"
    (perhaps_at_work / "built").mkdir(parents=True)
    os.utime(perhaps_at_work, (1, 1))
    make()
    assert sorted(os.listdir(perhaps_at_work)) == ["built", "lock"]
    shutil.rmtree(perhaps_at_work)
    entry, folder = kept_package(make, case, tmp_path, "other")
    refused("R574", lambda: make("more", seed=77))
    assert move_recorded(Store(case), entry, tmp_path / "other", verify=verify_package).verdict == "INTEGRITY ONLY"
    assert not folder.exists()
    assert verify_package(tmp_path / "other").verdict == "INTEGRITY ONLY"


def test_a_dropping_beside_a_recorded_package_does_not_hide_it(make, case, tmp_path):
    _, folder = kept_package(make, case, tmp_path)
    (folder / "built/.DS_Store").write_bytes(b"\0\0\0\1Bud1")
    refused("R574", lambda: make("more", seed=77))


# --- other hands -----------------------------------------------------------------------------------------------------


@pytest.mark.judge("bagit")
@pytest.mark.judge("sha256sum")
def test_bagit_and_coreutils_agree(make, tmp_path):
    import bagit

    for name, options in {"all": {}, "none": {"hash_only": True}, "some": {"withhold": [Withhold(("name",))]}}.items():
        make(name, seed=len(name) * 100, **options)
        bagit.Bag(str(tmp_path / name)).validate()
        for program, manifest in (("sha256sum", "sha256"), ("sha512sum", "sha512")):
            for kind in ("manifest", "tagmanifest"):
                file = f"{kind}-{manifest}.txt"
                if (tmp_path / name / file).stat().st_size:
                    done = subprocess.run(
                        [program, "-c", "--strict", "--quiet", file], cwd=tmp_path / name, check=False
                    )
                    assert done.returncode == 0


@pytest.mark.judge("bagit")
@pytest.mark.judge("unzip")
@pytest.mark.judge("tar")
@pytest.mark.parametrize("hash_only", [False, True])
def test_unzip_and_tar_unpack_a_bag(make, tmp_path, hash_only):
    import bagit

    make("out.zip", form="zip", hash_only=hash_only)
    make("out.tar", seed=100, form="tar", hash_only=hash_only)
    subprocess.run(["unzip", "-tqq", "out.zip"], cwd=tmp_path, check=True)
    subprocess.run(["unzip", "-qq", "out.zip", "-d", "zip"], cwd=tmp_path, check=True)
    (tmp_path / "tar").mkdir()
    subprocess.run(["tar", "-xf", "../out.tar"], cwd=tmp_path / "tar", check=True)
    for kind in ("zip", "tar"):
        bagit.Bag(str(tmp_path / kind / "out")).validate()
        assert verify_package(tmp_path / kind / "out").verdict == "INTEGRITY ONLY"
