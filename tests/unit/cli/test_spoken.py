"""cli/verify_spoken.py, custody_spoken.py, sheet.py: nothing of the English report is lost, and names stay apart."""

from __future__ import annotations

import ast
import json
import re
import unicodedata
from pathlib import Path

import pytest

from evidencekit.cli.compare import _SAID
from evidencekit.cli.custody_paper import _ANSWERS
from evidencekit.cli.custody_spoken import HEADS
from evidencekit.cli.render import Screen
from evidencekit.cli.verify_spoken import tell_report
from evidencekit.core.values import display
from evidencekit.read.texts import LANGUAGES, load_texts

OTHERS = LANGUAGES[1:]
VECTORS = Path(__file__).parents[3] / "specs/vectors"
CASES = VECTORS / "cases"
NOW = "2026-11-22T09:00:00Z"
each_language = pytest.mark.parametrize("name", OTHERS)


def has_rtl(text):
    return any(unicodedata.bidirectional(char) in {"R", "AL"} for char in text)


def both(cli, name, *command):
    """What a command says in a language, and its document."""
    said, document = cli("--lang", name, *command), cli(*command, "--json")
    assert said.code == document.code
    return said.out.decode(), json.loads(document.out)


def subjects():
    """Vectors by name: what is verified, with the policy that lies beside it. All good ones, some of the others."""
    folders = [
        folder for kind in ("cases", "packages", "proofs") for folder in sorted((VECTORS / kind / "good").iterdir())
    ]
    folders += [folder for kind in ("bad", "warn") for folder in sorted((CASES / kind).glob("[EW]*"))[::7]]
    found = {}
    for folder in folders:
        (subject,) = (one for one in folder.iterdir() if one.name in {"case", "package.zip", "row.tlog-proof"})
        policy = ("--policy", folder / "policy") if (folder / "policy").is_dir() else ()
        found[folder.name] = (subject, *policy)
    return found


# --- verify ------------------------------------------------------------------------------------------------------------


@each_language
@pytest.mark.parametrize("subject", subjects().values(), ids=subjects())
def test_a_report_says_in_the_language_what_the_document_says(cli, subject, name):
    said, record = both(cli, name, "verify", *subject, "--now", NOW)
    texts = load_texts(name)
    assert said.splitlines()[0] == f"{texts.word('verdicts', record['verdict'], 'title')} [{record['line']}]"
    for finding in record["findings"][:3]:
        assert f"{finding['code']} {finding['where']}" in said
        assert texts.finding(finding["code"]) in said
    for aspect, found in record["aspects"].items():
        title, status = texts.word("aspects", aspect, "title"), texts.word("aspect_status", found["status"])
        assert re.search(f"^  {re.escape(title)}.*{re.escape(status)}$", said, re.MULTILINE)
        assert found["reason"] in said
    assert [what for what in record["counts"]["checked"] if texts.word("checked", what) not in said] == []
    for item in record["not_checked"][:20]:
        if item["what"] not in record["aspects"]:
            assert texts.word("not_checked", item["code"]) in said
            assert f"{item['what']}: {item['reason']}" in said
    assert record["reason"] in said
    if record["subject"] == "package":
        assert record["package"]["digest"] in said
        assert display(record["package"]["exporter"]["id"]) in said


@each_language
def test_a_quiet_verdict_is_one_line_with_its_english_name(cli, name):
    done = cli("--lang", name, "verify", CASES / "good/0.1_small/case", "--quiet")
    assert (done.err, done.code) == (b"", 7)
    assert done.out.decode() == f"{load_texts(name).word('verdicts', 'INTEGRITY ONLY', 'title')} [INTEGRITY ONLY]\n"


@each_language
def test_what_the_command_adds_to_what_was_checked_is_said(cli, name):
    said, _ = both(cli, name, "verify", CASES / "good/0.1_small/case", "--now", NOW)
    assert load_texts(name, "cli")("as_of") in said
    assert "2026-11-22T09:00:00.000000000Z" in said


@each_language
def test_times_witnesses_and_what_is_left_out_are_said(cli, capsys, name):
    record = json.loads(cli("verify", CASES / "good/0.1_small/case", "--json").out)
    span = {"first": 2, "last": 3, "not_before": None, "not_before_by": None}
    span |= {"not_after": "2026-11-22T09:00:00.250000000Z", "not_after_by": "City TSA"}
    record["times"] = {"bounds": [span] * 60, "bounds_total": 1234, "covered_by": []}
    record["counts"]["witnessed"] = 3
    texts = load_texts(name, "cli")
    tell_report(Screen(), record, texts, {})
    said = [line.strip() for line in capsys.readouterr().out.splitlines()]
    assert sum(line.endswith("2026-11-22T09:00:00.25Z (City TSA)") for line in said) == 50
    assert sum(line.endswith("1\u202f184") and line.startswith(texts("more")) for line in said) == 1
    assert any(line.endswith("3 / 4") for line in said)
    assert texts.word("ui", "not_before") not in " ".join(said)


# --- names of the evidence ---------------------------------------------------------------------------------------------


def test_no_line_of_arabic_has_a_name_of_the_evidence(cli, case, tmp_path):
    """Names of the sealed source act on terminals; those of the other one are Arabic and Hebrew."""
    source = tmp_path / "source"
    source.mkdir()
    names = ("سجل 5", "תיק (7)")
    for one in names:
        (source / one).touch()
    said, record = both(cli, "ar", "verify", case, "--source", source)
    assert {f"EX-001:{one}" for one in names} <= {finding["where"] for finding in record["findings"]}
    facts = [line for line in said.splitlines() if "EX-001" in line or "/" in line or "SHA256" in line]
    assert len(facts) > 20
    for one in names:
        facts = [line.replace(one, "") for line in facts]
    assert not any(map(has_rtl, facts))
    assert not any(unicodedata.category(char) in {"Cc", "Cf"} for char in said if char != "\n")


def test_no_line_of_arabic_in_show_has_a_name_of_a_person_or_a_path(cli, case):
    said, record = both(cli, "ar", "show", case)
    assert has_rtl(said)
    holder = display(record["items"][0]["holder"]["name"])
    assert [line for line in said.splitlines() if has_rtl(line) and (holder in line or "/" in line)] == []
    assert holder in said


def test_a_label_from_left_to_right_has_its_fact_beside_it(cli):
    said, record = both(cli, "fr", "show", CASES / "good/0.1_small/case")
    assert f"Journal\u00a0: {record['origin']}" in said.splitlines()


# --- custody and show --------------------------------------------------------------------------------------------------


@each_language
def test_show_has_states_and_kinds_in_the_language(cli, name):
    said, record = both(cli, name, "show", CASES / "good/0.1_small/case")
    texts = load_texts(name, "cli")
    item = record["items"][0]
    for section, counts in (("states", item["totals"]["states"]), ("kinds", item["totals"]["kinds"])):
        assert [what for what, count in counts.items() if count != "0" and texts.word(section, what) not in said] == []
    for fact in (record["origin"], record["case"], item["holder"]["key"], item["source"], *item["digests"]):
        assert fact in said
    assert texts("recorded_only") in said


@each_language
def test_status_says_who_holds_and_what_is_open(cli, name):
    said, record = both(cli, name, "custody", "status", CASES / "good/0.1_custody/case")
    assert len(record["items"]) > 1
    assert [one["holder"]["key"] for one in record["items"] if one["holder"] and one["holder"]["key"] not in said] == []
    texts = load_texts(name, "cli")
    open_words = {"out": "out", "open_offers": "offered", "hold_clocks": "on_hold", "away": "away", "ended": "ended"}
    found = {word for member, word in open_words.items() if any(one[member] for one in record["items"])}
    assert found
    assert [word for word in found if texts(word) not in said] == []


@each_language
def test_log_names_each_event_below_its_row(cli, name):
    said, record = both(cli, name, "custody", "log", CASES / "good/0.1_custody/case")
    texts = load_texts(name, "cli")
    rows = [line for line in said.splitlines() if re.match(r"\d+  +\d{4}-", line)]
    assert len(rows) == len(record["events"])
    assert not any(has_rtl(row) for row in rows)
    types = re.findall(r"^\d+  +\S+ \S+ +(\S+)", "\n".join(rows), re.MULTILINE)
    below = [
        after.strip() for line, after in zip(said.splitlines(), said.splitlines()[1:], strict=False) if line in rows
    ]
    assert below == [texts.word("events", kind) for kind in types]


def test_heads_of_columns_line_up_by_cells_and_are_a_list_in_arabic(cli):
    case = CASES / "good/0.1_small/case"
    chinese = cli("--lang", "zh", "custody", "log", case).out.decode().splitlines()
    assert chinese[0].startswith("条目  时间   ")
    arabic = cli("--lang", "ar", "custody", "log", case).out.decode().splitlines()
    assert arabic[0].startswith(load_texts("ar", "cli")("columns"))
    assert arabic[1].split() == ["entry", "when", "what", "items", "who", "key", "with", "where", "event"]


def test_every_text_of_commands_is_used():
    folder = Path(__file__).parents[3] / "evidencekit/cli"
    sources = "".join(path.read_text() for path in folder.glob("*.py"))
    keys = json.loads((VECTORS.parent / "texts/en.json").read_text())["cli"]
    assert [key for key in keys if f'"{key}"' not in sources and f"'{key}'" not in sources] == [
        f"h_{name}" for name in sorted(HEADS) if name != "event"
    ]


@each_language
def test_what_was_recorded_is_said_beside_the_facts(cli, tmp_path, name):
    """In the language what kind of thing was done, and what the rules say of it; the facts in English, as always."""
    texts, key, source = load_texts(name, "cli"), tmp_path / "examiner", tmp_path / "seized"
    source.mkdir()
    (source / "a").write_text("a")
    cli("key", "new", key, "--no-passphrase")
    signed = ("--signer", key, "--log-key", tmp_path / "log.pem")
    named = ("--reference", "24-117", "--agency", "Unit 7", "--origin", "unit7.example/24-117")
    store = ("store", "--item", "EX-001", "--place", "Room 4", "--purpose", "keep")
    for kind, words in (
        ("open", ("init", tmp_path / "case", *named)),
        ("seal", ("acquire", tmp_path / "case", source, "--exhibit", "EX-001")),
        ("store", ("custody", "add", tmp_path / "case", *store)),
        ("export", ("export", tmp_path / "case", tmp_path / "out.zip")),
    ):
        done = cli("--lang", name, *words, *signed)
        assert done.code == 0, done.err
        assert f"  {texts.word('events', kind)}" in done.out.decode().splitlines()
        assert done.err.decode().splitlines()[-1] == texts.word("field", "draft")
        said = done.out.decode().splitlines()
        if kind in {"seal", "store"}:
            assert f"    {texts.finding('W903')}" in said
        if kind == "seal":
            for section, word, count in (("states", "complete", 2), ("kinds", "file", 1), ("kinds", "directory", 1)):
                assert f"    {texts.word(section, word)}{texts.word('ui', 'colon')}{count}" in said
        if kind == "open":
            assert f"  {texts.word('done', 'back_up_keys')}" in said
        if kind == "export":
            assert f"  {texts.word('done', 'package_written')}" in said
            assert f"  {texts.word('verdicts', 'INTEGRITY ONLY', 'title')}" in said


# --- what a command did ------------------------------------------------------------------------------------------------

SMALL, DAMAGED = CASES / "good/0.1_small/case", CASES / "bad/E201_digest_differs/case"
DID = {
    "certificate": (
        ("certificate", SMALL, "--form", "generic", "-o", "OUT"),
        ("nothing_verified", "certificate_written"),
    ),
    "equal logs": (("compare", SMALL, SMALL), ("compare_equal",)),
    "faults of a table": (("law", "check", "LAW"), ("law_faults",)),
    "key": (("key", "new", "OUT", "--no-passphrase"), ("key_made",)),
    "no request": (("request", "status", SMALL), ("request_none",)),
    "grown log": (("compare", SMALL, CASES / "good/0.1_custody/case"), ("compare_extended_by",)),
    "plan": (("export", SMALL, "OUT", "--plan"), ("plan_only",)),
    "proof of the entry": (("prove", SMALL, "EX-001#0", "--tlog", "OUT"), ("entry_proof_written",)),
    "proof": (("prove", SMALL, "EX-001#0", "-o", "OUT"), ("proof_written",)),
    "publish": (("publish", SMALL, "OUT"), ("log_published",)),
    "receipt": (("field", "receipt", SMALL, "-o", "OUT"), ("paper_written",)),
    "report": (("report", SMALL, "-o", "OUT"), ("report_written", "INTEGRITY ONLY")),
    "report of damage": (("report", DAMAGED, "-o", "OUT"), ("report_written", "FAILED")),
}


@pytest.mark.parametrize("did", DID)
def test_what_a_command_did_is_said_beside_the_facts(cli, tmp_path, did):
    """Every line of the English answer is there in each language, too, and the sentences in their order."""
    command, names = DID[did]
    (tmp_path / "law.toml").write_text("x = 1\n")

    def answer(name):
        placed = {"OUT": tmp_path / f"out.{name}", "LAW": tmp_path / "law.toml"}
        done = cli("--lang", name, *(placed.get(word, word) if isinstance(word, str) else word for word in command))
        changing = r"out\.\w\w|[\d.]+ KiB|SHA256:\S+|\d\d:\d\d\S+"
        return done.code, [re.sub(changing, "…", line) for line in done.out.decode().splitlines()]

    usual, english = answer("en")
    for name in OTHERS:
        texts, (code, own) = load_texts(name, "done"), answer(name)
        said = [f"  {texts(one)}" if one in texts else f"  {texts.word('verdicts', one, 'title')}" for one in names]
        assert code == usual
        assert [line for line in own if line in said] == said
        assert [line for line in own if line not in said] == english


@each_language
def test_the_program_checks_itself_in_the_language(cli, tmp_path, name):
    done = cli("--lang", name, "doctor", tmp_path)
    assert done.code == 0
    assert done.out.decode().splitlines()[-1] == f"  {load_texts(name, 'done')('all_well')}"


def test_what_acquire_did_when_it_was_called_again(cli, tmp_path):
    texts, source = load_texts("fr", "done"), tmp_path / "seized"
    source.mkdir()
    (source / "a").write_text("a")
    cli("key", "new", tmp_path / "examiner", "--no-passphrase")
    signed = ("--signer", tmp_path / "examiner", "--log-key", tmp_path / "log.pem")
    cli("init", tmp_path / "case", "--reference", "1", "--agency", "U", "--origin", "u.example/1", *signed)
    again = ("--lang", "fr", "acquire", tmp_path / "case", source, "--exhibit", "EX-001", *signed)
    sealed, typed = (cli(*again, more) for more in ("--no-identify", "--resume"))
    assert f"  {texts.word('events', 'seal')}" in sealed.out.decode().splitlines()
    assert typed.out.decode().splitlines()[-1] == f"  {texts('types_recorded')}"


def told():
    """Every text that stands in a call of `tell`, as it is in the source; f-strings by their beginning and an asterisk."""
    for path in (Path(__file__).parents[3] / "evidencekit/cli").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "tell":
                for argument in call.args[1:]:
                    branches = [argument.body, argument.orelse] if isinstance(argument, ast.IfExp) else [argument]
                    for one in branches:
                        yield one.value if isinstance(one, ast.Constant) else f"{one.values[0].value}*"


def test_sentences_of_what_was_done_are_those_that_commands_say():
    keys = set(json.loads((VECTORS.parent / "texts/en.json").read_text())["done"])
    composed = {"compare_*": {f"compare_{one}" for one in _SAID}, "label_*": {f"label_{one}" for one in _ANSWERS}}
    said = set(told())
    assert composed.keys() <= said
    assert (said - composed.keys()).union(*composed.values()) == keys
