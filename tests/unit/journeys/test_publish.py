"""Publishing and verifying what was published: tiles as C2SP has them, whole, incremental, interrupted, forged."""

from __future__ import annotations

import gzip
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from evidencekit.core import layout, tlog_tiles
from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.merkle import EMPTY_ROOT, Tree, leaf_hash
from evidencekit.core.note import Note, NoteSignature, format_note, parse_note
from evidencekit.errors import CannotFinish, Refused
from evidencekit.journeys.cosign import cosign_copy
from evidencekit.journeys.logcopy import read_case_copy
from evidencekit.journeys.publish import publish
from evidencekit.seal.logkeys import new_log_keys
from evidencekit.seal.witnesskey import WitnessKey
from evidencekit.verify.published import verify_published


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def codes(report):
    return sorted({finding.code for finding in report.findings})


@pytest.fixture
def www(grown, tmp_path):
    publish(read_case_copy(grown.case), tmp_path / "www")
    return tmp_path / "www"


def test_what_is_published_is_the_entries_and_their_hashes(grown, www):
    leaves = [(grown.case / layout.entry_file(index)).read_bytes() for index in range(4)]
    assert files(www) == {
        "checkpoint": (grown.case / layout.checkpoint_file(4)).read_bytes(),
        **{f"tile/entries/000.p/{size}": tlog_tiles.encode_bundle(leaves[:size]) for size in (1, 2, 4)},
        **{f"tile/0/000.p/{size}": b"".join(map(leaf_hash, leaves[:size])) for size in (1, 2, 4)},
    }


def test_it_verifies(grown, www, tmp_path):
    assert verify_published(str(www)).verdict == "INTEGRITY ONLY"
    report = verify_published(str(www), policy=grown.policy(tmp_path / "policy"))
    assert (report.verdict, report.line, report.findings) == ("VERIFIED", "VERIFIED (log)", [])
    assert report.aspects["custody"].status == "not_checked"


def test_publishing_again_adds_what_is_new_and_changes_nothing(grown, www, tmp_path):
    before = files(www)
    grown.grow(2)
    done = publish(read_case_copy(grown.case), www)
    assert (done.before, done.tree.size, done.written) == (4, 6, 2)
    after = files(www)
    assert {path: data for path, data in after.items() if path in before and path != "checkpoint"} == {
        path: data for path, data in before.items() if path != "checkpoint"
    }
    publish(read_case_copy(grown.case), tmp_path / "anew")
    assert files(tmp_path / "anew") == after
    assert publish(read_case_copy(grown.case), www).written == 0


def test_an_interruption_is_taken_up_and_the_checkpoint_comes_last(grown, tmp_path):
    seen = []

    def stop(_line):
        seen.append(sorted(files(tmp_path / "www")))
        if len(seen) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(read_case_copy(grown.case), tmp_path / "www", progress=stop)
    assert not any("checkpoint" in names for names in seen)
    publish(read_case_copy(grown.case), tmp_path / "www")
    assert verify_published(str(tmp_path / "www")).verdict == "INTEGRITY ONLY"


@pytest.mark.parametrize("place", ["tile/0/000.p/4", "tile/entries/000.p/4"])
def test_a_file_that_is_there_is_not_replaced(grown, www, place):
    (www / place).write_bytes(b"mine")
    with pytest.raises(Refused) as caught:
        publish(read_case_copy(grown.case), www)
    assert caught.value.code == "R539"
    assert (www / place).read_bytes() == b"mine"


def test_another_log_an_older_copy_and_a_fork_are_refused(grown, www, tmp_path, rc):
    old = grown.copy(tmp_path / "old")
    grown.grow()
    publish(read_case_copy(grown.case), www)
    kept = files(www)
    for case in (old.case, _forked(old, tmp_path), _other(rc, tmp_path)):
        with pytest.raises(Refused) as caught:
            publish(read_case_copy(case), www)
        assert caught.value.code == "R539"
        assert files(www) == kept


def _forked(old, tmp_path):
    other = old.copy(tmp_path / "forked")
    other.grow(2, name="OTHER")
    return other.case


def _other(rc, tmp_path):
    office = rc.Office(tmp_path / "office", origin="unit7.example/other")
    office.open(tmp_path / "other")
    return tmp_path / "other"


def test_a_case_that_does_not_add_up_is_not_published(grown, tmp_path):
    path = grown.case / layout.entry_file(2)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(CannotFinish) as caught:
        publish(read_case_copy(grown.case), tmp_path / "www")
    assert caught.value.code == "X405"
    assert not (tmp_path / "www").exists()


def test_a_cosigned_checkpoint_is_published_and_its_quorum_counts(grown, witness, witness_key, tmp_path):
    copy = read_case_copy(grown.case)
    cosigned = cosign_copy(witness, copy).note
    grown.grow()
    policy = grown.policy(tmp_path / "policy", quorum="W", W=witness_key)
    publish(read_case_copy(grown.case), tmp_path / "www", cosigned=cosigned)
    report = verify_published(str(tmp_path / "www"), policy=policy)
    assert (report.verdict, report.checkpoint) == ("VERIFIED", copy.tree)
    publish(read_case_copy(grown.case), tmp_path / "www")
    assert verify_published(str(tmp_path / "www"), policy=policy).verdict == "NOT CHECKED"
    foreign = grown.office.keys.sign_checkpoint(Checkpoint(copy.tree.origin, 4, bytes(32)))
    with pytest.raises(Refused):
        publish(read_case_copy(grown.case), tmp_path / "www2", cosigned=foreign)


def test_a_line_that_says_to_be_the_logs_is_not_published(grown, witness, tmp_path):
    """Whoever cosigned could add one: the note would be bad for all who know the log's keys."""
    note = parse_note(cosign_copy(witness, read_case_copy(grown.case)).note)
    own, line = note.signatures[0], note.signatures[2]
    lie = NoteSignature(own.name, own.key_id, bytes(64))
    poisoned = format_note(Note(note.text, (*note.signatures, lie, line)))
    publish(read_case_copy(grown.case), tmp_path / "www", cosigned=poisoned)
    assert parse_note((tmp_path / "www/checkpoint").read_bytes()) == note


def test_a_logs_key_is_no_witness(grown, tmp_path):
    key = WitnessKey("w.example/self", grown.office.keys.ed25519)
    copy = read_case_copy(grown.case)
    note = parse_note(copy.note)
    cosigned = format_note(Note(note.text, (*note.signatures, key.cosign(copy.tree, 1_780_000_000))))
    publish(copy, tmp_path / "www", cosigned=cosigned)
    policy = grown.policy(tmp_path / "policy", quorum="W", W=key)
    report = verify_published(str(tmp_path / "www"), policy=policy)
    assert (codes(report), report.verdict) == (["E432"], "FAILED")


# --- what is wrong with published tiles -----------------------------------------------------------------------------


def spoil_bundle(www, change):
    """Change the entries of the newest bundle, and the hashes with them: what an insider without the keys can do."""
    path = www / "tile/entries/000.p/4"
    entries = tlog_tiles.decode_bundle(path.read_bytes(), 4)
    entries = change(entries)
    path.write_bytes(tlog_tiles.encode_bundle(entries))
    (www / "tile/0/000.p/4").write_bytes(b"".join(map(leaf_hash, entries)))
    return entries


SPOILT = {
    "checkpoint missing": (lambda www: (www / "checkpoint").unlink(), ["E501"]),
    "checkpoint no note": (lambda www: (www / "checkpoint").write_bytes(b"?"), ["E105"]),
    "checkpoint of nothing": (lambda www: (www / "checkpoint").write_bytes(_empty()), ["E105"]),
    "checkpoint huge": (lambda www: (www / "checkpoint").write_bytes(b"x" * (1 << 21)), ["E105"]),
    "bundle missing": (lambda www: (www / "tile/entries/000.p/4").unlink(), ["E501"]),
    "bundle cut": (lambda www: (www / "tile/entries/000.p/4").write_bytes(b"\0\5ab"), ["E435"]),
    "bundle short": (lambda www: shutil.copy(www / "tile/entries/000.p/2", www / "tile/entries/000.p/4"), ["E435"]),
    "bundle a link": (lambda www: _link(www / "tile/entries/000.p/4"), ["E501"]),
    "tile missing": (lambda www: (www / "tile/0/000.p/4").unlink(), ["E501"]),
    "tile changed": (lambda www: (www / "tile/0/000.p/4").write_bytes(bytes(128)), ["E435"]),
    "tile short": (lambda www: (www / "tile/0/000.p/4").write_bytes(bytes(32)), ["E435"]),
    "an entry changed": (
        lambda www: spoil_bundle(www, lambda e: [e[0], e[1].replace(b'"head":"1"', b'"head":"0"'), *e[2:]]),
        ["E203", "E204"],
    ),
    "entries exchanged": (
        lambda www: spoil_bundle(www, lambda e: [e[0], e[2], e[1], e[3]]),
        ["E203", "E204", "E305", "E306"],
    ),
    "an entry twice": (
        lambda www: spoil_bundle(www, lambda e: [e[0], e[1], e[1], e[3]]),
        ["E203", "E204", "E303", "E306"],
    ),
    "no entry": (lambda www: spoil_bundle(www, lambda e: [*e[:3], b"{}"]), ["E101", "E204"]),
}


def _empty():
    origin = "unit7.example/grown"
    return new_log_keys(origin).sign_checkpoint(Checkpoint(origin, 0, EMPTY_ROOT))


def _link(path):
    target = path.with_name("aside")
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize("name", SPOILT)
def test_each_way_of_being_wrong(www, name):
    spoil, expected = SPOILT[name]
    spoil(www)
    report = verify_published(str(www))
    assert set(expected) <= set(codes(report)) <= {*expected, "W904"}
    assert report.verdict == "FAILED"


def test_signatures_are_judged_by_the_policy_alone(grown, www, tmp_path, rc):
    other = rc.Office(tmp_path / "office", origin=grown.office.origin)
    tree = read_case_copy(grown.case).tree
    (www / "checkpoint").write_bytes(other.keys.sign_checkpoint(tree))
    assert verify_published(str(www)).verdict == "INTEGRITY ONLY"
    assert codes(verify_published(str(www), policy=grown.policy(tmp_path / "policy"))) == ["E407"]


def test_a_bad_line_of_a_known_key(grown, www, tmp_path):
    lines = (www / "checkpoint").read_bytes().split(b"\n")
    older = (grown.case / layout.checkpoint_file(2)).read_bytes().split(b"\n")
    lines[4] = older[4]
    (www / "checkpoint").write_bytes(b"\n".join(lines))
    policy = grown.policy(tmp_path / "policy")
    assert "E406" in codes(verify_published(str(www), policy=policy))


def test_since(grown, www):
    tree = read_case_copy(grown.case)
    assert (
        verify_published(str(www), since=(grown.case / layout.checkpoint_file(2)).read_bytes()).verdict
        == "INTEGRITY ONLY"
    )
    typed = f"{tree.tree.origin} 2 {bytes(32).hex()}"
    assert "E206" in codes(verify_published(str(www), since=typed.encode()))
    assert "E503" in codes(verify_published(str(www), since=f"{tree.tree.origin} 9 {bytes(32).hex()}".encode()))


# --- a larger log, and a web server ---------------------------------------------------------------------------------


@pytest.fixture
def large(tmp_path):
    """600 entries published as a log would: made by hand, since a case of that size takes minutes."""
    from evidencekit.core.event import Entry, encode_entry

    leaves, tree = [], Tree()
    for index in range(600):
        leaves.append(encode_entry(Entry(
            index=index, event=index.to_bytes(32, "big"), head=0, items_prev=(), prior_root=tree.root(),
            prior_size=index, recorded_at="2026-11-22T09:15:02.000000000Z", signatures=(bytes(32),),
        )))  # fmt: skip
        tree.append(leaf_hash(leaves[-1]))
    folder = tmp_path / "large"
    for tile in (*tlog_tiles.bundles_of(600), *tlog_tiles.tiles_of(600)):
        path = folder / tile.path
        path.parent.mkdir(parents=True, exist_ok=True)
        place = slice(tile.index * 256, tile.index * 256 + tile.width)
        if tile.level is None:
            path.write_bytes(tlog_tiles.encode_bundle(leaves[place]))
        else:
            path.write_bytes(b"".join(tree.node(8 * tile.level, n) for n in range(place.start, place.stop)))
    keys = new_log_keys("unit7.example/large")
    (folder / "checkpoint").write_bytes(keys.sign_checkpoint(Checkpoint(keys.origin, 600, tree.root())))
    return folder


def test_full_tiles_and_levels(large):
    assert set(files(large)) == {
        "checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2",
        "tile/entries/000", "tile/entries/001", "tile/entries/002.p/88",
    }  # fmt: skip
    report = verify_published(str(large))
    assert (report.verdict, report.findings) == ("INTEGRITY ONLY", [])
    (large / "tile/1/000.p/2").write_bytes(bytes(64))
    assert codes(verify_published(str(large))) == ["E435"]


def test_a_partial_tile_may_have_become_full(large):
    partial = (large / "tile/entries/002.p/88").read_bytes()
    shutil.rmtree(large / "tile/entries/002.p")
    more = tlog_tiles.encode_bundle([b"later"] * 168)
    (large / "tile/entries/002").write_bytes(partial + more)
    assert verify_published(str(large)).verdict == "INTEGRITY ONLY"


class Quiet(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


class Gzipped(Quiet):
    """What C2SP allows: gzip, asked or not."""

    def do_GET(self):
        data = Path(self.translate_path(self.path)).read_bytes()
        data = gzip.compress(data) if "tile" in self.path else data
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        if "tile" in self.path:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture(params=[Quiet, Gzipped])
def served(request, www):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(request.param, directory=www)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_from_a_web_server(grown, served, tmp_path):
    report = verify_published(served, policy=grown.policy(tmp_path / "policy"))
    assert (report.verdict, report.findings) == ("VERIFIED", [])


@pytest.mark.parametrize("served", [Quiet], indirect=True)
def test_a_web_server_without_a_log(served):
    report = verify_published(served + "nothing/here")
    assert report.verdict in {"FAILED", "NOT CHECKED"}
