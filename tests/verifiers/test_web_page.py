"""verify.html as a judge's clerk uses it: opened by file://, packages dropped on it, read, printed, exported.

Screenshots for the eye: EVIDENCEKIT_SCREENSHOTS=FOLDER keeps those of test_pictures_for_the_eye.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest
from pagedriver import CHROMIUM, NODE, NODE_PACKAGES, ROOT, Page, build

VECTORS = ROOT / "specs" / "vectors"
CASES, PACKAGES = VECTORS / "cases", VECTORS / "packages"
SCHEMA = json.loads((ROOT / "specs" / "report.schema.json").read_text())
LANGUAGES = ("en", "fr", "es", "ar", "ru", "zh")
TEXTS = {language: json.loads((ROOT / f"specs/texts/{language}.json").read_text()) for language in LANGUAGES}
CLI = Path(sys.executable).with_name("evidencekit")
HOSTILE = ["<img src=x onerror=alert(1)>.txt", "gpj.\u202eexe.txt", "a\nb", "مستند.txt", "tab\there"]
pytestmark = [pytest.mark.judge(NODE), pytest.mark.judge(CHROMIUM), pytest.mark.judge(str(NODE_PACKAGES))]


@pytest.fixture(scope="session")
def html(built):
    return built / "verify.html"


@pytest.fixture(scope="session")
def page(html):
    driven = Page(html)
    driven("open")  # whichever test comes first
    yield driven
    driven.close()


class Office:
    """A user of the command line with a home of his own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = {**os.environ, "HOME": str(folder / "home"), "XDG_CONFIG_HOME": str(folder / "home" / ".config")}
        (folder / "home").mkdir()

    def run(self, *words: str, allowed=(0,)) -> str:
        answer = subprocess.run(
            [CLI, *words], check=False, cwd=self.folder, env=self.home, capture_output=True, text=True
        )
        assert answer.returncode in allowed, answer.stderr
        return answer.stdout

    def report(self, path: Path, *words: str):
        return json.loads(self.run("verify", str(path), "--json", *words, allowed=(0, 3, 4, 7)))

    def case(self, *how: str) -> None:
        self.run("key", "new", "examiner", "--no-passphrase")
        self.run(
            "init",
            "CASE",
            "--reference",
            "24-117",
            "--agency",
            "Unit 7",
            "--origin",
            "unit7.example/24-117",
            "--signer",
            "examiner",
        )
        self.run("acquire", "CASE", "src", "--exhibit", "EX-001", "--signer", "examiner", *how)


@pytest.fixture(scope="session")
def office(tmp_path_factory):
    """One case, its packages in every form, and the key of the encrypted one."""
    here = Office(tmp_path_factory.mktemp("office"))
    docs = here.folder / "src" / "docs"
    docs.mkdir(parents=True)
    for i, name in enumerate(["a.txt", *HOSTILE]):
        (docs / name).write_text(str(i))
    here.case()
    out = ("export", "CASE")
    chosen = ("--item", "EX-001", "--signer", "examiner", "--quiet")
    here.run(*out, "folder", *chosen, "--withhold", "metadata:privacy:docs/a.txt")
    here.run(*out, "package.zip", "--zip", *chosen, "--withhold", "row:privilege:docs/a.txt")
    subprocess.run(["age-keygen", "-o", "identity"], cwd=here.folder, check=True, capture_output=True)
    identity = (here.folder / "identity").read_text()
    here.run(*out, "package.age", "--tar", *chosen, "--encrypt-to", re.search("age1[0-9a-z]+", identity)[0])
    subprocess.run(["age", "-d", "-i", "identity", "-o", "package.tar", "package.age"], cwd=here.folder, check=True)
    here.identity = re.search("AGE-SECRET-KEY-1[0-9A-Z]+", identity)[0]
    return here


def codes(report):
    return sorted({finding["code"] for finding in report["findings"]})


def quiet(page):
    """No request left the page, and nothing went wrong in it: a refused request would be a complaint, too."""
    assert page("noted") == {"requests": [], "complaints": []}


# --- the file -----------------------------------------------------------------------------------------------------


def test_the_same_bytes_twice(built, tmp_path):
    build(tmp_path)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert set(made) == {"verify.html", "verify.mjs", "verify.licences.txt"}
    assert made == {name: (built / name).read_bytes() for name in made}


def test_texts_of_the_field_program_are_left_out(html):
    text = html.read_text()
    assert "package_digest" in text
    assert "readme_title" not in text


def test_one_file_that_asks_for_nothing(html):
    text = html.read_text()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)[1]
    script = re.search(r"<script>(.*)</script>", text, re.DOTALL)[1]
    style = re.search(r"<style>(.*)</style>", text, re.DOTALL)[1]
    hashes = [base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (script, style)]
    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src 'sha256-{hashes[0]}' 'wasm-unsafe-eval'",
        f"style-src 'sha256-{hashes[1]}'",
        "worker-src blob:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    markup = text.replace(script, "").replace(style, "")
    assert not re.search(r"\bsrc=|<link|@import|url\(", markup + style)


def test_the_policy_of_the_page_holds_in_the_browser(page):
    page("open")
    refused = page("evaluate", script="fetch('https://example.org/').then(() => 'went', () => 'refused')")
    assert refused == "refused"


# --- evidence -----------------------------------------------------------------------------------------------------


@pytest.mark.judge("age")
@pytest.mark.parametrize("form", ["folder", "package.zip", "package.tar", "package.age"])
def test_a_package_of_the_command_line_in_each_form(page, office, form):
    fields = {"identity": office.identity} if form == "package.age" else {}
    report = page.verify(office.folder / form, fields=fields)["report"]
    jsonschema.validate(report, SCHEMA)
    words = ("--identity", "identity") if form == "package.age" else ()
    expected = office.report(office.folder / form, *words)
    assert report["verdict"] == expected["verdict"] == "INTEGRITY ONLY"
    assert codes(report) == codes(expected)
    assert report["counts"]["rows"] == expected["counts"]["rows"]
    assert report["package"]["digest"] == expected["package"]["digest"]
    assert not page("count", selector=".alarm")
    quiet(page)


FEW = [
    "packages/good/0.1_package",
    "tokens/good/0.1_stamped",
    "packages/bad/E153_unsafe_name",
    "cases/bad/E202_root_differs",
    "notes/bad/E206_fork",
    "packages/good/0.1_passed_on",
    "proofs/bad/E435_tile_differs",
]


def refuses_clock(fixture):
    """Verified as of another time, or with a source: a page that is opened cannot be given these."""
    return bool(fixture["options"].keys() & {"now", "source"})


def verify_vector(page, folder):
    fixture = json.loads((folder / "fixture.json").read_text())
    options = fixture["options"]
    evidence = folder / next((options[kind] for kind in ("package", "proof", "published") if kind in options), "case")
    policy = folder / "policy" if options.get("policy") else None
    fields = {"since": options["since"]} if "since" in options else {}
    answer = page.verify(evidence, policy=policy, fields=fields)
    assert "report" in answer, answer
    assert (answer["report"]["verdict"], codes(answer["report"])) == (fixture["verdict"], fixture["codes"])
    quiet(page)
    return answer["report"]


@pytest.mark.parametrize("name", FEW)
def test_some_vectors(page, name):
    jsonschema.validate(verify_vector(page, VECTORS / name), SCHEMA)


def vectors():
    found = sorted(path.parent for path in VECTORS.glob("*/*/*/fixture.json"))
    return [path for path in found if not refuses_clock(json.loads((path / "fixture.json").read_text()))]


@pytest.mark.trial
@pytest.mark.parametrize("folder", vectors(), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_every_vector(page, folder):
    verify_vector(page, folder)


# --- what the page says -------------------------------------------------------------------------------------------


def test_nobody_is_known_without_a_policy_and_everybody_with_it(page):
    folder = PACKAGES / "good" / "0.1_package"
    said = TEXTS["en"]["ui"]
    page.verify(folder / "package.zip")
    assert said["who_unknown"] in page("text", selector="#who")
    assert said["when_none"] in page("text", selector="#when")
    page.verify(folder / "package.zip", policy=folder / "policy")
    assert said["who_known"] in page("text", selector="#who")
    assert "examiner" in page("text", selector="#who")


def test_a_finding_is_explained_where_it_stands(page):
    page.verify(PACKAGES / "bad" / "E171_payload_differs" / "package.zip")
    card = page("text", selector="#finding-E171")
    for text in TEXTS["en"]["findings"]["E171"].values():
        assert text in card
    assert "evidence/records.jsonl#1" in card
    assert TEXTS["en"]["verdicts"]["FAILED"]["means_not"] in page("text", selector="#verdict")


def test_what_was_withheld_is_counted_with_its_ground(page, office):
    page.verify(office.folder / "package.zip")
    assert TEXTS["en"]["grounds"]["privilege"] in page("text", selector="#withheld")
    page.verify(office.folder / "folder")
    assert TEXTS["en"]["grounds"]["privacy"] in page("text", selector="#withheld")


def test_a_withheld_event_stands_in_its_place(page):
    page.verify(PACKAGES / "bad" / "E171_payload_differs" / "package.zip")
    assert page("count", selector="svg.picture .hidden") == 1
    assert page("count", selector="svg.picture .unsure") >= 1
    assert TEXTS["en"]["ui"]["event_hidden"] in page("text", selector="table.events tbody tr:last-child")


def test_custody_is_a_picture_and_a_table(page):
    page.verify(CASES / "good" / "0.1_small" / "case")
    events = len(list((CASES / "good" / "0.1_small" / "case" / "custody").iterdir()))
    assert page("count", selector="svg.picture .dot") == events
    assert page("count", selector="table.events tbody tr") == events
    assert (
        page("evaluate", script="document.querySelector('svg.picture').getAttribute('aria-label')")
        == TEXTS["en"]["ui"]["picture_label"]
    )


def test_the_digest_of_the_letter_is_compared(page, office):
    good = office.report(office.folder / "package.zip")["package"]["digest"]
    page.verify(office.folder / "package.zip", fields={"digest": f"{good[:32]} {good[32:].upper()}"})
    assert page("text", selector="#letter") == TEXTS["en"]["ui"]["digest_same"]
    page.verify(office.folder / "package.zip", fields={"digest": "0" * 64})
    assert page("text", selector="#letter") == TEXTS["en"]["ui"]["digest_differs"]
    assert (
        TEXTS["en"]["ui"]["digest_form"]
        in page.verify(office.folder / "package.zip", fields={"digest": "ab"})["trouble"]
    )


def test_a_checkpoint_with_a_slip_is_said_to_be_one(page, office):
    answer = page.verify(office.folder / "package.zip", fields={"since": "nothing of the kind"})
    assert TEXTS["en"]["ui"]["usage"] in answer["trouble"]


def test_a_file_that_is_no_evidence_gives_no_verdict(page, tmp_path):
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7")
    assert "report" not in page.verify(tmp_path / "letter.pdf")


# --- hostile names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("locale", ["en-GB", "ar-EG"])
def test_names_are_text(page, office, locale):
    page.verify(office.folder / "folder", locale=locale)
    page("wait", selector=".spacer [role=row]")
    listed = page("text", selector=".spacer")
    assert "<img src=x onerror=alert(1)>.txt" in listed
    assert r"gpj.\u{202e}exe.txt" in listed or r"gpj.\u202eexe.txt" in listed
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", listed)
    assert page("count", selector="main img, main script, main iframe, main object") == 0
    quiet(page)


def test_names_keep_their_own_direction_in_arabic(page, office):
    page.verify(office.folder / "folder", locale="ar-EG")
    page("wait", selector=".spacer [role=row]")
    assert page("evaluate", script="document.documentElement.dir") == "rtl"
    apart = "[...document.querySelectorAll('main .value, main .code, main .hash')].every((one) => getComputedStyle(one).unicodeBidi.includes('isolate'))"
    assert page("evaluate", script=apart)
    left = "[...document.querySelectorAll('main .code, main .hash')].every((one) => getComputedStyle(one).direction === 'ltr')"
    assert page("evaluate", script=left)


# --- everybody's page ---------------------------------------------------------------------------------------------


def test_by_the_keyboard_alone(page, office):
    page("open")
    page("tabTo", id="evidence-file")
    page("enterFile", path=str(office.folder / "package.zip"))
    page("wait", selector="#evidence-remove")
    assert page("evaluate", script="document.activeElement.id") == "start"
    page("press", keys=["Enter"])
    page("wait", selector="#verdict")
    page("wait", selector=".spacer [role=row]")
    assert page("evaluate", script="document.activeElement.id") == "verdict-title"
    assert TEXTS["en"]["verdicts"]["INTEGRITY ONLY"]["title"] in page("text", selector="#live")
    page("tabTo", id="search")
    page("type", text="tab")
    page("wait", selector=".spacer [role=row]:only-child")
    page("press", keys=["Tab", "Tab", "Home", "ArrowDown", "Enter"])
    assert "tab" in page("text", selector=".detail")
    page("press", keys=["Shift+Tab", "Shift+Tab"])
    assert page("evaluate", script="document.activeElement.id") == "search"


@pytest.mark.parametrize(("locale", "dark"), [("en-GB", False), ("ar-EG", True)])
def test_no_barrier_that_axe_knows(page, locale, dark):
    page("open", locale=locale, dark=dark)
    assert page("axe") == []
    page("drop", path=str(PACKAGES / "bad" / "E171_payload_differs" / "package.zip"))
    page("verify")
    page("wait", selector=".spacer [role=row]")
    if not dark:
        page("evaluate", script="document.documentElement.dataset.look = 'contrast'")
    assert page("axe") == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_six_languages(page, language):
    if not page("count", selector=".verdict.failed"):
        page.verify(PACKAGES / "bad" / "E171_payload_differs" / "package.zip")
    page("language", to=language)
    texts = TEXTS[language]
    shown = page("text", selector="main")
    assert page("evaluate", script="[document.documentElement.lang, document.documentElement.dir]") == [
        language,
        texts["direction"],
    ]
    for text in (
        texts["verdicts"]["FAILED"]["title"],
        texts["findings"]["E171"]["means"],
        texts["ui"]["counts_note"],
        texts["events"]["seal"],
    ):
        assert text in shown
    assert (texts["ui"]["draft"] in page("text", selector="footer")) == (language != "en")


def test_on_paper(page, office):
    page.verify(office.folder / "folder")
    page("wait", selector=".printed tbody tr", state="attached")
    page("media", name="print")
    hidden = "['.actions', '#switches', '.grid', '.contents'].every((one) => getComputedStyle(document.querySelector(one)).display === 'none')"
    assert page("evaluate", script=hidden)
    assert "docs/a.txt" in page("text", selector=".printed")
    page("media", name="screen")


# --- size ---------------------------------------------------------------------------------------------------------


@pytest.mark.trial
def test_a_gibibyte_and_cancelled_on_the_way(page, tmp_path):
    here = Office(tmp_path)
    (tmp_path / "src").mkdir()
    block = os.urandom(1 << 20)
    with (tmp_path / "src" / "disk.img").open("wb") as image:
        for i in range(1024):
            image.write(i.to_bytes(4, "big") + block[4:])
    here.case()
    here.run("export", "CASE", "package.zip", "--zip", "--item", "EX-001", "--signer", "examiner", "--quiet")
    page("open")
    page("drop", path=str(tmp_path / "package.zip"))
    page("press", keys=["Enter"])
    page("wait", selector="progress[value]")
    page("press", keys=["Enter"])
    page("wait", selector="[role=alert]")
    assert page("text", selector="[role=alert]") == TEXTS["en"]["ui"]["cancelled"]
    report = page.verify(tmp_path / "package.zip", timeout=900_000)["report"]
    assert report["verdict"] == "INTEGRITY ONLY"
    assert report["counts"]["bytes"] == 1 << 30
    assert page("peak") < 600
    quiet(page)


@pytest.mark.trial
@pytest.mark.parametrize("form", ["zip", "tar"])
def test_two_hundred_thousand_items(page, tmp_path, form):
    here = Office(tmp_path)
    for folder in range(200):
        (tmp_path / "src" / f"{folder:03}").mkdir(parents=True)
        for file in range(1000):
            (tmp_path / "src" / f"{folder:03}" / f"{file:04}.txt").write_text(f"{folder} {file}")
    here.case("--no-identify")
    here.run("export", "CASE", f"package.{form}", f"--{form}", "--item", "EX-001", "--signer", "examiner", "--quiet")
    report = page.verify(tmp_path / f"package.{form}", timeout=900_000)["report"]
    assert report["verdict"] == "INTEGRITY ONLY"
    assert report["counts"]["states"] == {"complete": 200_201}
    assert page("peak") < 1200
    page("fill", selector="#search", text="199/0999")
    page("wait", selector=".spacer [role=row]:only-child")
    assert "199/0999.txt" in page("text", selector=".spacer")
    quiet(page)


@pytest.mark.trial
def test_pictures_for_the_eye(page, office, tmp_path):
    folder = Path(os.environ.get("EVIDENCEKIT_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    for locale in ("en-GB", "fr-FR", "ar-EG"):
        for name, evidence in (
            ("package", office.folder / "package.zip"),
            ("custody", CASES / "good" / "0.1_custody" / "case"),
            ("failed", PACKAGES / "bad" / "E171_payload_differs" / "package.zip"),
        ):
            page.verify(evidence, policy=CASES / "good" / "0.1_custody" / "policy", locale=locale)
            page("wait", selector="#verdict")
            page("screenshot", path=str(folder / f"{locale}-{name}.png"))
    page("pdf", path=str(folder / "printed.pdf"))
    assert len(list(folder.glob("*.png"))) >= 9
    with zipfile.ZipFile(office.folder / "package.zip") as archive:
        assert archive.testzip() is None
