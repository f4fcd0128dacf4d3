"""What random changes have found: small changes of good vectors that verifiers once judged differently.

Each is made here as it was found, so that all verifiers are held to the same answer, and to which it is.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from random import Random

import pyarrow.parquet as pq
import pytest
from beside import Ours, Script, Web
from differential import NOW, Subject, disagreement, errors, files_of, write
from mutations import fitted, jcs, read_der, write_der
from pagedriver import ROOT

from evidencekit.core.tlog_tiles import decode_bundle, encode_bundle
from evidencekit.verify.published import verify_published

EVENT_0 = "custody/00000000/event.json"


def changed(files, path, change):
    """The files with one record changed."""
    record = json.loads(files[path])
    change(record)
    return files | {path: jcs(record)}


def agreed(others, tmp_path, vector, files, *, fits=True, policy=None):
    """What all verifiers say of `files`, which were `vector`'s: evidencekit's report, once none disagrees with it."""
    if fits:
        files = fitted(files, vector.files, vector.kind, Always())
    write(files, tmp_path / "thing")
    if policy is not None:
        write(policy, tmp_path / "policy")
    folder = None if policy is None else tmp_path / "policy"
    report = Ours()(tmp_path / "thing", folder, NOW)
    for one in others:
        assert disagreement(report, one(tmp_path / "thing", folder, NOW), one.limits) == "", one.name
    return report


class Always(Random):
    """Chooses that everything is made to fit."""

    def random(self):
        return 0.5


def test_an_event_that_is_too_large_is_still_told_from_others_by_its_digest(others, vectors, tmp_path):
    vector = vectors["W913_custody_overlap"]
    path = "custody/00000004/event.json"
    files = changed(vector.files, path, lambda event: event["body"].update(purpose="x" * 61_000))
    found = errors(agreed(others, tmp_path, vector, files))
    assert ("E102", path) in found
    assert ("E308", "custody/00000005/event.json") in found


def footer_with(data, change):
    """A Parquet file whose footer is changed."""
    size = int.from_bytes(data[-8:-4], "little")
    footer = change(data[-8 - size : -8])
    return data[: -8 - size] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda footer: footer[:-1] + b"\x10", "E106"),
        (lambda footer: footer[:-1] + b"\x0c\x02\x00\x00", "E106"),
        (lambda footer: footer[:-1] + b"\x1c" * 20 + b"\0" * 21, "E106"),
        (lambda footer: footer[:-1] + b"\x19" * 20 + b"\x15\x00\x00", "E106"),
        (lambda footer: footer[:-1] + b"\x16" + b"\xff" * 10 + b"\x01\x00", "E106"),
        (lambda footer: footer[:-1] + b"\x19\xf5\x11" + b"\x02" * 17 + b"\0", "E102"),
        (lambda footer: footer[:-1] + b"\x16" + b"\xff" * 9 + b"\x01\x00", "E211"),
    ],
    ids=["type 0", "field twice", "structures", "lists", "integer", "members", "64 bits"],
)
def test_a_footer_is_the_protocol_or_is_not_read(others, vectors, tmp_path, change, code):
    vector = vectors["0.1_small"]
    path = "manifests/00000001.parquet"
    files = vector.files | {path: footer_with(vector.files[path], change)}
    assert (code, path) in errors(agreed(others, tmp_path, vector, files, fits=False))


def test_a_name_that_is_no_text_makes_no_certificate(others, vectors, tmp_path):
    vector = vectors["0.1_stamped"]
    path = "checkpoints/00000004.elsewhere.tsr"
    name = b"\x06\x03U\x04\x03\x0c"
    assert name in vector.files[path]
    files = vector.files | {path: vector.files[path].replace(name, name[:-1] + b"\x02")}
    assert ("E421", path) in errors(agreed(others, tmp_path, vector, files))


@pytest.mark.parametrize(("number", "said"), [(1, "not_checked"), (2, "W902")])
def test_an_object_is_unexpected_only_where_rows_that_could_name_it_were_read(others, vectors, tmp_path, number, said):
    """Rows of facts can, opinions cannot."""
    vector = vectors["0.1_small"]
    path = f"objects/sha256/00/{'0' * 64}"
    files = vector.files | {path: b"x", f"manifests/0000000{number}.parquet": b"no catalogue"}
    report = agreed(others, tmp_path, vector, files)
    codes = {one["code"] for one in report["findings"] if one["where"] == path}
    missed = {one["code"] for one in report["not_checked"] if one["what"] == path}
    assert (codes, missed) == (({"W902"}, set()) if said == "W902" else (set(), {"objects"}))


def test_keys_are_those_of_the_case_file_where_event_0_opens_nothing(others, vectors, tmp_path):
    vector = vectors["0.1_small"]
    files = vector.files | {EVENT_0: vector.files["custody/00000003/event.json"]}
    found = errors(agreed(others, tmp_path, vector, files, fits=False))
    assert ("E301", EVENT_0) in found
    assert not {code for code, where in found if where.startswith("checkpoints")}


@pytest.mark.parametrize("body", ["evidencekit/open/1", "evidencekit/open/2"])
def test_event_0_names_the_case_whatever_else_it_says(others, vectors, tmp_path, body):
    vector = vectors["0.1_small"]

    def change(event):
        event["case"] = "AAAAAAAAAAAAAAAAAAAAAA=="
        event["body"]["_t"] = body

    found = errors(agreed(others, tmp_path, vector, changed(vector.files, EVENT_0, change)))
    assert ("E104", "case.json") in found
    assert ("E104", "custody/00000001/event.json") in found
    assert ("E104", EVENT_0) not in found


LOG_KEYS = {
    "one": lambda keys: keys[:1],
    "changed places": lambda keys: keys[::-1],
    "another name": lambda keys: [key.replace("small", "large") for key in keys],
    "another key ID": lambda keys: [keys[0].replace("+", "+0", 1), keys[1]],
    "no point": lambda keys: [vkey_of("vectors.example/small", b"\1" + b"\xff" * 32), keys[1]],
}


def vkey_of(name, raw):
    ident = hashlib.sha256(name.encode() + b"\n" + raw).hexdigest()[:8]
    return f"{name}+{ident}+{base64.b64encode(raw).decode()}"


@pytest.mark.parametrize("path", [EVENT_0, "case.json"])
@pytest.mark.parametrize("how", LOG_KEYS)
def test_keys_that_are_none(others, vectors, tmp_path, path, how):
    vector = vectors["0.1_small"]

    def change(record):
        said = record.get("body", record)
        said["log_keys"] = LOG_KEYS[how](said["log_keys"])

    found = errors(agreed(others, tmp_path, vector, changed(vector.files, path, change)))
    assert {error for error in found if error[0] != "E304"} == {("E101", path)}


def test_a_package_whose_record_was_taken_away_is_one_still(others, vectors, tmp_path):
    vector = vectors["0.1_package"]
    files = {path: data for path, data in vector.files.items() if path != "evidence/package.json"}
    report = agreed(others, tmp_path, vector, files, fits=False)
    assert report["subject"] == "package"
    assert ("E501", "evidence/package.json") in errors(report)


def test_keys_that_a_package_says_are_judged_beside_those_of_event_0(others, vectors, tmp_path):
    vector = vectors["0.1_package"]

    def change(record):
        record["log_keys"] = LOG_KEYS["another key ID"](record["log_keys"])

    files = changed(vector.files, "evidence/package.json", change)
    found = errors(agreed(others, tmp_path, vector, files))
    assert {("E101", "evidence/package.json"), ("E166", "evidence/package.json")} <= found


def test_who_is_not_known_is_not_known_whatever_he_signed(others, vectors, tmp_path):
    vector = vectors["W935_cosigned_ahead"]
    files = vector.files | {"custody/00000004/event.json.sig": b"no signature"}
    policy = vector.policy | {"allowed_signers": vector.policy["allowed_signers"].replace(b"examiner", b"someone")}
    found = errors(agreed(others, tmp_path, vector, files, fits=False, policy=policy))
    assert {("E402", "custody/00000004/event.json.sig"), ("E408", "custody/00000004/event.json")} <= found


def test_without_event_0_each_offer_is_one_of_this_log(others, vectors, tmp_path):
    vector = vectors["W918_adopted_unchecked"]
    files = {path: data for path, data in vector.files.items() if path != EVENT_0}
    found = errors(agreed(others, tmp_path, vector, files, fits=False))
    assert ("E308", "custody/00000005/event.json") in found


def test_a_head_that_goes_back_is_not_looked_for_as_well(others, vectors, tmp_path):
    vector = vectors["0.1_small"]
    entry = "custody/00000003/entry"
    files = changed(vector.files, entry, lambda record: record.update(head="0"))
    assert ("E305", entry) in errors(agreed(others, tmp_path, vector, files))
    files = changed(vector.files, entry, lambda record: record.update(head="2"))
    found = errors(agreed(others, tmp_path / "there", vector, files))
    assert ("E502", "checkpoints/00000002") in found
    later = changed(files, "custody/00000002/entry", lambda record: record.update(head="3"))
    found = errors(agreed(others, tmp_path / "later", vector, later))
    assert ("E305", entry) not in found


def test_lines_are_counted_whatever_is_said_to_be_withheld(others, vectors, tmp_path):
    vector = vectors["0.1_package"]
    lines = vector.files["evidence/records.jsonl"].split(b"\n")
    files = vector.files | {"evidence/withheld.json": b"{}", "evidence/records.jsonl": b"\n".join(lines[1:])}
    found = errors(agreed(others, tmp_path, vector, files))
    assert {("E101", "evidence/withheld.json"), ("E174", "evidence/package.json")} <= found


def test_the_limit_of_the_script_for_sums_is_of_adopted_cases_alone(others, vectors, tmp_path):
    """By its limits it may miss E174 of `package.json`; of the package's own lines it misses none."""
    vector, script = vectors["0.1_package"], next(one for one in others if isinstance(one, Script))
    assert "E174@evidence/package.json" in script.limits
    lines = vector.files["evidence/records.jsonl"].split(b"\n")
    for number, left in enumerate([lines[1:], lines[:1] + lines[2:], [b""]]):
        files = vector.files | {"evidence/records.jsonl": b"\n".join(left)}
        write(fitted(files, vector.files, vector.kind, Always()), tmp_path / str(number))
        assert ("E174", "evidence/package.json") in errors(script(tmp_path / str(number), None, NOW))


@pytest.mark.parametrize("cut", [1, 3000])
def test_where_lines_are_missing_no_sum_is_judged(others, vectors, tmp_path, cut):
    vector = vectors["0.1_package"]
    files = vector.files | {"evidence/records.jsonl": vector.files["evidence/records.jsonl"][:-cut]}
    found = errors(agreed(others, tmp_path, vector, files))
    assert "E101" in {code for code, where in found if where.startswith("evidence/records.jsonl#")}
    assert not {"E173", "E174"} & {code for code, _ in found}


@pytest.mark.parametrize("name", ["charset", "error", "media_type"])
def test_an_opinion_has_texts_of_bounded_length(others, vectors, tmp_path, name):
    vector = vectors["0.1_small"]
    path = "manifests/00000002.parquet"
    with pq.ParquetFile(io.BytesIO(vector.files[path])) as file:
        table = file.read()
        kept = {key: text for key, text in file.metadata.metadata.items() if key.startswith(b"evidencekit.")}
    opinions = table["opinion"].to_pylist()
    opinions[0] = jcs(json.loads(opinions[0]) | {name: "x" * 4097})
    schema = table.schema.remove_metadata()
    place = table.column_names.index("opinion")
    table = table.set_column(place, schema.field("opinion"), [opinions]).cast(schema)
    out = io.BytesIO()
    with pq.ParquetWriter(out, schema, store_schema=False, use_dictionary=False) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata(kept)
    files = vector.files | {path: out.getvalue()}
    assert ("E107", f"{path}#0") in errors(agreed(others, tmp_path, vector, files, fits=False))


SHA256 = [0x30, [[0x06, bytes.fromhex("608648016503040201")]]]


def walked(nodes):
    """All nodes of some DER, each before those in it."""
    for node in nodes:
        yield node
        if isinstance(node[1], list):
            yield from walked(node[1])


def test_a_digest_has_no_parameters(others, vectors, tmp_path):
    vector = vectors["0.1_stamped"]
    path = "checkpoints/00000004.elsewhere.tsr"
    nodes = read_der(vector.files[path])
    of_signer = [node for node in walked(nodes) if node == SHA256][-1]
    of_signer[1].append([0x02, b"\x01"])
    files = vector.files | {path: write_der(nodes, {})}
    assert ("E421", path) in errors(agreed(others, tmp_path, vector, files))


ERASING = "custody/00000004/event.json"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"manifest": "7"}, "E116"),
        ({"reduced": "2"}, "E116"),
        ({"rows": "99"}, "E114"),
    ],
)
def test_what_an_erasure_says_of_catalogues(others, vectors, tmp_path, said, code):
    vector = vectors["0.1_erased"]
    files = changed(vector.files, ERASING, lambda event: event["body"]["manifests"][0].update(said))
    assert (code, ERASING) in errors(agreed(others, tmp_path, vector, files))


def test_what_was_offered_is_judged_where_the_old_log_goes_on(others, tmp_path):
    folder = ROOT / "specs/vectors/cases/bad/E318_custody_forked"
    vector = Subject("case", files_of(folder / "case"), None)
    adopting, entry = "custody/00000004/event.json", "custody/00000004/entry"
    files = changed(vector.files, adopting, lambda event: event["items"].append("field/EX-002"))
    files = changed(files, entry, lambda record: record["items_prev"].append(None))
    found = errors(agreed(others, tmp_path, vector, files))
    assert {("E314", adopting), ("E318", "branches/field/custody/00000003/event.json")} <= found


def test_places_in_the_entries_of_a_published_log(others, tmp_path):
    """One that no entry has is E302, also where no event says which items there are; a part follows its own entry."""
    files = files_of(ROOT / "specs/vectors/proofs/bad/E435_tile_differs/published")
    bundle = "tile/entries/000.p/4"
    entries = decode_bundle(files[bundle], 4)
    web = next(one for one in others if isinstance(one, Web))
    for number, (places, code) in enumerate([(["1/7"], "E302"), (["3/0"], "E302"), (["2/0", "3/0"], None)]):
        record = json.loads(entries[3]) | {"items_prev": places}
        folder = tmp_path / str(number)
        write(files | {bundle: encode_bundle([*entries[:3], jcs(record), *entries[4:]])}, folder)
        ours, theirs = verify_published(str(folder), now=NOW).as_record(), web(folder, None, NOW)
        assert errors(ours) == errors(theirs)
        found = {one for one, where in errors(ours) if where == f"{bundle}#3"}
        assert found == ({code} if code else set())


def test_who_signed_an_event_that_cannot_be_read_nobody_can_say(others, vectors, tmp_path):
    vector = vectors["0.1_row"]
    lines = vector.files["row.tlog-proof"].split(b"\n")
    extra = json.loads(base64.b64decode(lines[1].removeprefix(b"extra ")))
    lines[1] = b"extra " + base64.b64encode(jcs(extra | {"event": "{}"}))
    path = tmp_path / "row.tlog-proof"
    path.write_bytes(b"\n".join(lines))
    write(vector.policy, tmp_path / "policy")
    for one in (Ours(), *others):
        report = one(path, tmp_path / "policy", NOW)
        assert report["aspects"]["identity"]["status"] == "not_checked", one.name
