"""specs/texts: six catalogues of one form, none incomplete, none that says more than the English."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import unicodedata
from pathlib import Path

import pytest
from judging import JUDGING, SCRIPTS

from evidencekit.core.refusals import REFUSALS

ROOT = Path(__file__).parents[2]
SPECS = ROOT / "specs"
LANGUAGES = ["en", "fr", "es", "ar", "ru", "zh"]
OTHERS = LANGUAGES[1:]
TEXTS = {language: json.loads((SPECS / "texts" / f"{language}.json").read_text()) for language in LANGUAGES}
PLURALS = {
    "en": {"one", "other"},
    "fr": {"one", "many", "other"},
    "es": {"one", "many", "other"},
    "ar": {"zero", "one", "two", "few", "many", "other"},
    "ru": {"one", "few", "many", "other"},
    "zh": {"other"},
}
SAME_AS_ENGLISH = {
    # reviewed: the word is the same in that language, or it is no word
    "fr": {
        *("ui.organisation", "ui.aspect", "ui.catalogue", "ui.digest_column", "ui.progress_of", "ui.count_total"),
        *("events.incident", "events.transport", "field.receipt_signature", "kinds.fifo", "kinds.socket"),
    },
    "es": {
        "field.no",
        "field.refused",
        "severities.error",
        "kinds.fifo",
        "kinds.socket",
        "ui.digest_column",
        "ui.colon",
    },
    "ar": {"field.refused", "kinds.fifo", "ui.digest_column", "ui.colon"},
    "ru": {"field.refused", "kinds.fifo", "ui.digest_column", "ui.colon"},
    "zh": {"kinds.fifo", "ui.digest_column"},
}


def leaves(value, path=""):
    """Every text of a catalogue with its place."""
    if isinstance(value, str):
        yield path[1:], value
        return
    for key, inner in value.items():
        yield from leaves(inner, f"{path}.{key}")


def words(language):
    """Texts apart from the plurals, whose forms differ by language, and the catalogue's own data."""
    sections = {key: value for key, value in TEXTS[language].items() if isinstance(value, dict) and key != "plurals"}
    return dict(leaves(sections))


def placeholders(text):
    return sorted(re.findall(r"\{[^}]*\}|`[^`]*`", text))


def test_english_is_printed_from_the_registry():
    spec = importlib.util.spec_from_file_location("make_tables", SPECS / "vectors" / "make_tables.py")
    tables = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tables)
    written = (SPECS / "texts" / "en.json").read_text()
    assert written == tables.english(written)


def test_english_says_what_findings_json_says():
    registry = json.loads((SPECS / "findings.json").read_text())
    kept = {
        code: {key: entry[key] for key in ("title", "means", "means_not", "do")} for code, entry in registry.items()
    }
    assert TEXTS["en"]["findings"] == kept


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalogue_says_whose_it_is(language):
    texts = TEXTS[language]
    assert texts["language"] == language
    assert texts["direction"] == ("rtl" if language == "ar" else "ltr")
    assert texts["status"] == ("final" if language == "en" else "draft")


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_is_complete(language):
    assert list(words(language)) == list(words("en"))
    assert list(TEXTS[language]["plurals"]) == list(TEXTS["en"]["plurals"])
    assert not [path for path, text in leaves(TEXTS[language]) if not text.strip()]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_has_words(language):
    texts = TEXTS[language]["refusals"]
    assert list(texts) == sorted(REFUSALS)
    assert {tuple(one) for one in texts.values()} == {("title", "means", "do")}


@pytest.mark.parametrize("language", OTHERS)
def test_placeholders_and_commands_match(language):
    english, own = words("en"), words(language)
    assert not [path for path in english if placeholders(english[path]) != placeholders(own[path])]


@pytest.mark.parametrize("language", LANGUAGES)
def test_plurals_are_those_of_the_language(language):
    for key, forms in TEXTS[language]["plurals"].items():
        assert set(forms) == PLURALS[language], key
        for form, text in forms.items():
            number = text.count("{n}")
            assert number == 1 or (number == 0 and language == "ar" and form in {"zero", "one", "two"}), (key, form)


@pytest.mark.judge("node")
def test_plural_categories_are_those_of_unicode():
    script = "console.log(JSON.stringify(process.argv.slice(1).map(l => new Intl.PluralRules(l).resolvedOptions().pluralCategories)))"
    answer = subprocess.run(["node", "-e", script, *LANGUAGES], capture_output=True, text=True, check=True)
    assert {name: set(found) for name, found in zip(LANGUAGES, json.loads(answer.stdout), strict=True)} == PLURALS


@pytest.mark.parametrize("language", OTHERS)
def test_nothing_is_left_in_english(language):
    english, own = words("en"), words(language)
    same = {path for path in english if english[path] == own[path]}
    assert same <= SAME_AS_ENGLISH[language]


@pytest.mark.parametrize("language", SCRIPTS)
def test_texts_are_in_the_script_of_the_language(language):
    own = {path: text for path, text in words(language).items() if path not in SAME_AS_ENGLISH[language]}
    bare = [
        path for path, text in own.items()
        if any(char.isalpha() for char in re.sub(r"\{[^}]*\}", "", text))
        and not any(SCRIPTS[language] in unicodedata.name(char, "") for char in text)
    ]  # fmt: skip
    assert not bare


@pytest.mark.parametrize("language", LANGUAGES)
def test_judging_is_left_to_judges(language):
    assert not [path for path, text in leaves(TEXTS[language]) if JUDGING.search(text)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_has_what_cannot_be_seen(language):
    """But the no-break spaces of French, and the mark before a Latin name at the beginning of an Arabic text."""
    allowed = {"fr": "\u00a0\u202f", "ar": "\u200f"}.get(language, "")
    hidden = [
        path for path, text in leaves(TEXTS[language])
        if any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs", "Co"} or char in "\u00a0\u202f" for char in text if char not in allowed)
    ]  # fmt: skip
    assert not hidden


def test_every_event_type_has_a_label():
    assert set(TEXTS["en"]["events"]) == set(json.loads((SPECS / "events.json").read_text())["types"])


def test_every_ground_of_the_list_has_a_label():
    listed = re.search(r"`grounds\.toml`, law as data: `([a-z_ ]+)`", (SPECS / "package.md").read_text())
    assert set(TEXTS["en"]["grounds"]) == set(listed[1].split())


def test_aspects_states_verdicts_and_scopes_are_those_of_the_report():
    schema = json.loads((SPECS / "report.schema.json").read_text())
    texts = TEXTS["en"]
    assert set(texts["aspects"]) == set(schema["properties"]["aspects"]["required"])
    assert set(texts["aspect_status"]) == set(schema["$defs"]["aspect"]["properties"]["status"]["enum"])
    assert set(texts["states"]) == set(schema["$defs"]["counts"]["properties"]["states"]["propertyNames"]["enum"])
    assert set(texts["verdicts"]) == set(schema["properties"]["verdict"]["enum"])
    assert set(texts["scopes"]) == set(schema["properties"]["scope"]["enum"])
    assert set(texts["severities"]) == set(schema["$defs"]["finding"]["properties"]["severity"]["enum"])


def reports():
    return [json.loads(path.read_text()) for path in sorted((SPECS / "vectors").glob("*/*/*/report.json"))]


def test_what_fixtures_checked_and_did_not_has_labels():
    all_reports = reports()
    assert all_reports
    assert {one["code"] for report in all_reports for one in report["not_checked"]} <= set(TEXTS["en"]["not_checked"])
    assert {name for report in all_reports for name in report["counts"]["checked"]} <= set(TEXTS["en"]["checked"])


def test_what_the_engine_does_not_check_has_a_label():
    engine = ROOT / "verifiers" / "web" / "src" / "engine"
    sources = "\n".join(path.read_text() for path in sorted(engine.glob("*.ts")))
    codes = set(re.findall(r'missedOut\(\s*(?:"[a-z]+"|[a-z.A-Z]+),\s*"([a-z_]+)"', sources))
    assert {"no_policy", "unreadable"} <= codes
    assert codes <= set(TEXTS["en"]["not_checked"])
    counted = set(re.findall(r'\.count\(\s*"([a-z_]+)"', sources))
    assert "entries" in counted
    assert counted <= set(TEXTS["en"]["checked"])


def test_the_specification_lists_what_a_report_may_say_was_checked_or_not():
    text = (SPECS / "verification.md").read_text()
    section = text[text.index("Each thing not checked has one of these codes") : text.index("At most 10,000 findings")]
    reasons, counted = (set(names.split()) for names in re.findall(r"^`([a-z_\s]+)`\.$", section, re.MULTILINE))
    assert reasons == set(TEXTS["en"]["not_checked"])
    assert counted == set(TEXTS["en"]["checked"])


def test_every_text_of_the_interface_is_used():
    page = ROOT / "verifiers" / "web" / "src" / "ui"
    sources = "\n".join(path.read_text() for path in sorted(page.iterdir()))
    unused = [key for key in TEXTS["en"]["ui"] if not re.search(rf"\b{key}\b", sources)]
    assert unused == [key for key in unused if key.startswith("appearance_")]


def test_the_page_holds_the_sections_that_it_shows():
    web = ROOT / "verifiers" / "web"
    shown = re.search(r"const SHOWN = new Set\(\[(.*?)\]\)", (web / "build.mjs").read_text(), re.DOTALL)[1]
    texts = (web / "src" / "ui" / "texts.ts").read_text()
    used = set(re.findall(r'^  \| "([a-z_]+)"', texts, re.MULTILINE)) | set(re.findall(r"current\.([a-z_]+)", texts))
    for path in (web / "src" / "ui").glob("*.ts"):
        used |= set(re.findall(r"catalogue\(\)\.([a-z_]+)", path.read_text()))
    sections = {name for name, value in TEXTS["en"].items() if isinstance(value, dict)}
    assert set(re.findall(r'"([a-z_]+)"', shown)) == used & sections
