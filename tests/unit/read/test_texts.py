"""read/texts.py: the catalogues where they lie, six languages of one form, English where a translation is missing."""

from __future__ import annotations

import json
import string
from pathlib import Path

import pytest

from evidencekit.read import texts as module
from evidencekit.read.texts import LANGUAGES, language_of, load_texts

ROOT = Path(__file__).parents[3]
CATALOGUES = {name: json.loads((ROOT / f"specs/texts/{name}.json").read_text()) for name in LANGUAGES}
OTHERS = LANGUAGES[1:]


def fields(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


@pytest.fixture(autouse=True)
def fresh():
    module._catalogue.cache_clear()
    yield
    module._catalogue.cache_clear()


@pytest.mark.parametrize("language", OTHERS)
def test_all_languages_say_the_same(language):
    english, own = CATALOGUES["en"]["field"], CATALOGUES[language]["field"]
    assert list(own) == list(english) == sorted(english)
    assert {key: fields(text) for key, text in own.items()} == {key: fields(text) for key, text in english.items()}
    assert not [key for key, text in own.items() if not text.strip()]


def test_placeholders_are_plain_names():
    found = {name for text in CATALOGUES["en"]["field"].values() for name in fields(text)}
    assert found
    assert all(name.isidentifier() and name == name.lower() for name in found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_knows_its_direction_and_state(language):
    texts = load_texts(language)
    assert (texts.language, texts.name) == (language, CATALOGUES[language]["name"])
    assert texts.is_rtl == (language == "ar")
    assert texts.is_draft == (language != "en")
    assert texts("yes") == CATALOGUES[language]["field"]["yes"]


def test_values_are_not_read_as_placeholders():
    said = load_texts("en")("readme_answer", sender="{receiver} {0.__class__}")
    assert "{receiver} {0.__class__}" in said
    with pytest.raises(KeyError):
        load_texts("en")("readme_answer")
    with pytest.raises(KeyError):
        load_texts("en")("no_such_text")
    with pytest.raises(KeyError):
        load_texts("xx")


def write(folder, **catalogues):
    folder.mkdir()
    for name, section in catalogues.items():
        head = {"language": name, "name": name, "direction": "ltr", "status": "draft"}
        (folder / f"{name}.json").write_text(json.dumps(head | section))


def test_what_is_not_translated_is_said_in_english(tmp_path, monkeypatch):
    write(tmp_path / "texts", en={"field": {"a": "one", "b": "two"}}, fr={"field": {"a": "un"}}, es={})
    monkeypatch.setattr(module, "_PLACES", (tmp_path / "texts",))
    assert [load_texts("fr")(key) for key in "ab"] == ["un", "two"]
    assert [load_texts("es")(key) for key in "ab"] == ["one", "two"]
    assert "b" in load_texts("fr")
    assert "c" not in load_texts("fr")


def test_an_installed_package_has_its_own_copy(tmp_path, monkeypatch):
    write(tmp_path / "wheel", en={"field": {"a": "wheel"}})
    write(tmp_path / "tree", en={"field": {"a": "tree"}})
    monkeypatch.setattr(module, "_PLACES", (tmp_path / "wheel", tmp_path / "tree"))
    assert load_texts("en")("a") == "wheel"


def test_the_wheel_is_told_to_take_the_catalogues_along():
    import tomllib

    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["force-include"]["specs/texts"] == "evidencekit/texts"
    assert module._PLACES == (ROOT / "evidencekit/texts", ROOT / "specs/texts")


@pytest.mark.parametrize(
    ("locale", "language"),
    [
        ("fr_CH.UTF-8", "fr"),
        ("zh-Hans-CN", "zh"),
        ("AR", "ar"),
        ("ru.KOI8-R", "ru"),
        ("C", "en"),
        ("", "en"),
        ("de_DE", "en"),
    ],
)
def test_the_language_of_a_locale(locale, language):
    assert language_of(locale) == language
