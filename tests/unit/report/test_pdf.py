"""report/pdf.py, judged by poppler: the words are those of the HTML, nothing is outside of the paper, all is embedded."""

from __future__ import annotations

import json
import re
import subprocess
import unicodedata
from datetime import UTC, datetime
from html import escape
from pathlib import Path

import pytest
from htmlpage import Page

from evidencekit.core.checkpoint import Checkpoint
from evidencekit.core.values import display, moment
from evidencekit.errors import CannotFinish
from evidencekit.journeys.report import recorded_of
from evidencekit.read.texts import LANGUAGES, load_texts
from evidencekit.report import pdf_tree
from evidencekit.report.facts import facts_of
from evidencekit.report.html import receipt_html
from evidencekit.report.pdf import FACTS, facts_json, page_pdf
from evidencekit.report.receipt import receipt_of
from evidencekit.report.report_page import SECTIONS, report_html
from evidencekit.verify.verifier import verify_case

CASE = Path(__file__).parents[3] / "specs/vectors/cases/good/0.1_custody/case"
NOW = 1_790_000_000_000_000_000
KEY = "SHA256:" + "A" * 43
HIDDEN = r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069]"
MIXED = (
    "السجل: خُتم بتاريخ 2026-09-21، شيئاً فشيئاً",
    "file_جديد.pdf نسخة من الشبكة، بجانب الجهاز",
    "پیغام گل ڭۇ ٹڈ کتاب چشمه ژاله",
    "Жұмабай جىنايەت قازاق 王小明 بخط نتيجة تثبيت",
    "لأن الأشخاص آخر إلى لا بِسْمِ يُبلَّغ رُكّب",
)
HOSTILE = [
    '#eval("1") #panic() $x$ *b* _i_ @ref <label> // comment /* */ `raw` [#read("/etc/passwd")] \\u{41} \\',
    "<script>alert('x')</script> & &amp; {{ 7 * 7 }}",
    "\u202egpj.exe \u2066 \u200b\u200d\ufeff\x00\x07 \ue000 \U000f0000 \ufffe",
    "😀 שלום ไทย 한국어 e\u0301\u0302\u0303 " + "\u0300" * 40,
    "x" * 4000,
    "م" * 4000,
    "中" * 4000,
    "\u0627 a 1 " * 700,
]


def facts(path=CASE):
    record = verify_case(path, policy=path.parent / "policy", now=NOW).as_record()
    return facts_of(record, name="case", now=NOW, program="evidencekit 9.9", recorded=recorded_of(path, NOW))


def html(found, language="en"):
    words = {name: load_texts(language, name) for name in SECTIONS}
    return report_html(found, words)


def receipt(text):
    """A receipt in which every value that a person writes is `text`."""
    names = ("condition", "description", "make", "model", "place", "seized_from", "serial", "bag")
    actor = {"id": text, "key": KEY, "organisation": text, "role": None}
    event = {"actor": actor, "body": dict.fromkeys(names, text) | {"seized_by": [text], "witnesses": [text, text]},
             "items": ["EX-001"], "occurred_at": moment(NOW), "time_class": "device"}  # fmt: skip
    case = {"agency": text, "reference": "24-117"}
    tree = Checkpoint("unit7.example/24-117", 1204, bytes(range(32)))
    return receipt_of(case, [event], tree, seals=lambda _: [text], now=NOW, program="evidencekit 9.9")


def judged(program, document, tmp_path, *arguments):
    file = tmp_path / "page.pdf"
    file.write_bytes(document)
    command = [program, *(str(file) if word == "FILE" else word for word in arguments or ("FILE",))]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout


def said(document, tmp_path):
    """What a program of other hands reads: no spaces, no foot of the page, no marks of direction."""
    text = judged("pdftotext", document, tmp_path, "-raw", "FILE", "-")
    sheets = [re.sub(r"\s*\d+ ?/ ?\d+\s*$", "", sheet) for sheet in text.split("\f")]
    return re.sub(r"[\s\u200b-\u200f\u202a-\u202e\u2066-\u2069]", "", "".join(sheets))


def outside(document, tmp_path):
    """Words that stand, in part, outside of the margins of A4."""
    boxes = judged("pdftotext", document, tmp_path, "-bbox", "FILE", "-")
    form = r'<word xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)">(.*?)</word>'
    words = re.findall(form, boxes, re.DOTALL)
    assert words
    return [
        word for *box, word in words if not (float(box[0]) > 30 and float(box[2]) < 595 - 30 and float(box[3]) < 842)
    ]


def document_of(language, body):
    way = "rtl" if language == "ar" else "ltr"
    return f"<html lang='{language}' dir='{way}'><head><title>x</title></head><body>{body}</body></html>"


def arabic(text):
    """The words of a text in Arabic letters, without vowel signs."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKC", text) if not unicodedata.combining(sign))
    return set(re.findall("[\u0621-\u064a\u0671-\u06d3]+", plain))


def places(page, tmp_path):
    """Where each word begins, in points from the left."""
    boxes = judged("pdftotext", page_pdf(page, made=NOW), tmp_path, "-bbox", "FILE", "-")
    return {word: float(x) for x, word in re.findall(r'<word xMin="([\d.]+)"[^>]*>[^<\w]*(\w+)', boxes)}


@pytest.fixture(scope="module")
def found():
    return facts()


@pytest.fixture(scope="module")
def document(found):
    return page_pdf(html(found), made=NOW, facts=found)


def test_the_same_bytes_again(found, document):
    assert page_pdf(html(facts()), made=NOW, facts=found) == document
    assert page_pdf(html(found), made=NOW + 10**9, facts=found) != document


@pytest.mark.judge("pdftotext")
@pytest.mark.parametrize("language", ["en", "es", "fr", "ru", "zh"])
def test_it_says_what_the_html_says(found, language, tmp_path):
    page = html(found, language)
    document = page_pdf(page, made=NOW)
    text = said(document, tmp_path)
    for chunk in filter(str.strip, Page(page[page.index("<body") :]).texts):
        assert "".join(re.sub(r"[\u202f\u2009]", "", chunk).split()) in text, chunk
    assert outside(document, tmp_path) == []


@pytest.mark.judge("pdftotext")
def test_arabic_runs_from_the_right_and_digests_from_the_left(found, tmp_path):
    document = page_pdf(html(found, "ar"), made=NOW)
    text = said(document, tmp_path)
    digests = {one["root"] for one in found["hashes"]["manifests"]["rows"]} | {
        found["verification"]["checkpoint"]["check"]
    }
    assert len(digests) == 3
    assert all(digest in text for digest in digests)
    assert outside(document, tmp_path) == []
    boxes = judged("pdftotext", document, tmp_path, "-bbox", "FILE", "-")
    high, ends = zip(*re.findall(r'yMin="([\d.]+)" xMax="([\d.]+)"', boxes), strict=True)
    heading = [float(end) for top, end in zip(high, ends, strict=True) if float(top) < 30]
    assert max(heading) > 595 - 45  # it stands at the right margin
    groups = found["verification"]["checkpoint"]["groups"][:4]
    places = [float(re.search(rf'<word xMin="([\d.]+)"[^>]*>[^<]*{group}', boxes)[1]) for group in groups]
    assert places == sorted(set(places))


@pytest.mark.judge("pdftotext")
def test_a_section_of_another_direction_stands_at_its_own_side(tmp_path):
    body = (
        "<h1>عنوان</h1><p><bdi>one</bdi></p><section dir='ltr' lang='en'><p>two:</p><p><bdi>ثلاثة</bdi></p></section>"
    )
    page = f"<html lang='ar' dir='rtl'><head><title>x</title></head><body>{body}</body></html>"
    sides = places(page, tmp_path)
    assert sides["one"] > 500  # at the side of its page, though its letters run from the left
    assert sides["two"] < 60
    assert [x for word, x in sides.items() if not word.isascii() and x < 60]


@pytest.mark.judge("pdftotext")
def test_isolates_stand_in_the_order_of_their_page(tmp_path):
    body = "<h1>عنوان</h1><p><bdi>name</bdi>: <bdi dir='ltr'>2026 UTC</bdi> \u2013 <bdi dir='ltr'>2027 CET</bdi></p>"
    page = f"<html lang='ar' dir='rtl'><head><title>x</title></head><body>{body}</body></html>"
    sides = places(page, tmp_path)
    words = [word for word in sides if word.isascii() and word != "1"]  # the page's number
    assert sorted(words, key=sides.__getitem__) == ["2027", "CET", "2026", "UTC", "name"]


@pytest.mark.judge("pdffonts")
@pytest.mark.parametrize("language", LANGUAGES)
def test_all_fonts_are_noto_and_embedded(found, language, tmp_path):
    document = page_pdf(html(found, language), made=NOW)
    lines = [line.split() for line in judged("pdffonts", document, tmp_path).splitlines()[2:]]
    assert len(lines) > 2
    for line in lines:
        assert re.fullmatch(r"[A-Z]{6}\+NotoSans[A-Za-z0-9]*-(Regular|Bold)", line[0])
        assert line[-5:-2] == ["yes", "yes", "yes"]  # embedded, a part of it, with Unicode


@pytest.mark.judge("pdfinfo")
def test_it_says_what_it_is(document, tmp_path):
    lines = dict(line.split(":", 1) for line in judged("pdfinfo", document, tmp_path).splitlines() if ":" in line)
    told = {name: value.strip() for name, value in lines.items()}
    assert told["Tagged"] == "yes"
    assert told["JavaScript"] == "no"
    assert told["Page size"] == "595.276 x 841.89 pts (A4)"
    assert told["Title"].startswith("Report on digital evidence")
    date = datetime.fromtimestamp(NOW // 10**9, tz=UTC).strftime("%a %b %e %H:%M:%S %Y UTC")
    assert told["CreationDate"] == told["ModDate"] == date
    metadata = judged("pdfinfo", document, tmp_path, "-meta", "FILE")
    assert re.search(r"pdfaid:part>3<.*pdfaid:conformance>A<", metadata, re.DOTALL)
    assert "pdfuaid:part>1<" in metadata
    structure = judged("pdfinfo", document, tmp_path, "-struct", "FILE")
    assert {"H1", "H2", "H3", "Table", "THead", "TH", "TD", "P", "Figure"} <= set(
        re.findall(r"^\s*(\w+)", structure, re.MULTILINE)
    )


@pytest.mark.judge("pdfdetach")
def test_the_facts_are_inside_byte_for_byte(found, document, tmp_path):
    judged("pdfdetach", document, tmp_path, "-save", "1", "-o", str(tmp_path / FACTS), "FILE")
    kept = (tmp_path / FACTS).read_bytes()
    assert kept == facts_json(found)
    assert json.loads(kept) == found
    assert FACTS in judged("pdfdetach", document, tmp_path, "-list", "FILE")
    assert b"/AFRelationship" in document
    with pytest.raises(subprocess.CalledProcessError):
        judged(
            "pdfdetach", page_pdf(html(found), made=NOW), tmp_path, "-save", "1", "-o", str(tmp_path / "none"), "FILE"
        )


@pytest.mark.judge("pdftotext")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("language", ["en", "ar"])
def test_whatever_a_person_writes_is_text(language, text, tmp_path):
    page = receipt_html(receipt(text), load_texts(language, "field"))
    document = page_pdf(page, made=NOW)
    assert document == page_pdf(page, made=NOW)
    assert outside(document, tmp_path) == []
    if text.isascii() and language == "en":
        assert "".join(display(text).split()) in said(document, tmp_path)


@pytest.mark.judge("pdftotext")
def test_what_no_font_has_is_shown_as_its_escape(tmp_path):
    document = page_pdf(receipt_html(receipt("a😀b"), load_texts("en", "field")), made=NOW)
    assert "a\\u{1f600}b" in said(document, tmp_path)


def test_a_page_that_cannot_be_set_is_refused(monkeypatch):
    """An empty box would be worse: the standard forbids it, and the typesetter holds to that."""
    monkeypatch.setattr(pdf_tree, "shown", lambda text: text)
    page = f"<html lang='en'><head><title>x</title></head><body><h1>{escape('😀')}</h1></body></html>"
    with pytest.raises(CannotFinish, match="cannot be set as PDF") as caught:
        page_pdf(page, made=NOW)
    assert caught.value.code == "X452"


@pytest.mark.judge("pdftotext")
@pytest.mark.parametrize("made", ["report", "mixed"])
def test_arabic_words_come_out_as_they_were_written(found, made, tmp_path):
    """Letters once each, with their dots; vowel signs are left out, since poppler turns them round."""
    page = html(found, "ar") if made == "report" else document_of(
        "ar", "<h1>قضية</h1>" + "".join(f"<p><bdi>{said}</bdi></p>" for said in MIXED)
    )  # fmt: skip
    known = set().union(*map(arabic, Page(page[page.index("<body") :]).texts))
    assert len(known) > (300 if made == "report" else 15)
    for way in ([], ["-raw"]):
        text = judged("pdftotext", page_pdf(page, made=NOW), tmp_path, *way, "FILE", "-")
        assert known - arabic(text) == set()


@pytest.mark.judge("pdftotext")
def test_each_sheet_says_what_it_belongs_to(found, tmp_path):
    for language in ("en", "ar"):
        text = judged("pdftotext", page_pdf(html(found, language), made=NOW), tmp_path, "-layout", "FILE", "-")
        sheets = text.split("\f")[:-1]
        check = found["verification"]["checkpoint"]["check"]
        for number, sheet in enumerate(sheets, 1):
            foot = re.sub(HIDDEN, "", sheet.rstrip().splitlines()[-1])
            assert check in foot
            assert "24-117" in foot
            assert f"{number}/{len(sheets)}" in foot.replace(" ", "")


@pytest.mark.judge("pdftotext")
@pytest.mark.parametrize("before", range(40, 56))
def test_a_sum_never_stands_alone(before, tmp_path):
    rows = "".join(f"<tr><td>row {one}</td></tr>" for one in range(before))
    body = f"<h1>x</h1><table><tbody>{rows}<tr class='total'><th>sum</th></tr></tbody></table>"
    text = judged("pdftotext", page_pdf(document_of("en", body), made=NOW), tmp_path, "FILE", "-")
    (sheet,) = [sheet for sheet in text.split("\f") if "sum" in sheet]
    assert f"row {before - 1}\n" in sheet


@pytest.mark.judge("pdftotext")
@pytest.mark.parametrize("before", range(40, 50))
def test_a_small_table_stays_whole(before, tmp_path):
    body = (
        "<h1>x</h1>"
        + "<p>line</p>" * before
        + "<table><tbody><tr><td>one</td></tr><tr><td>two</td></tr></tbody></table>"
    )
    text = judged("pdftotext", page_pdf(document_of("en", body), made=NOW), tmp_path, "FILE", "-")
    assert [("one" in sheet) == ("two" in sheet) for sheet in text.split("\f")]
    assert [sheet for sheet in text.split("\f") if "one" in sheet and "two" in sheet]


@pytest.mark.judge("pdftotext")
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_command_is_broken_at_blanks(language, tmp_path):
    for padding in range(0, 90, 3):
        body = f"<h1>x</h1><p>{'a' * 20} {'i' * padding} <bdi dir='ltr' class='code'>evidencekit-verify CASE --some-policy</bdi></p>"
        text = judged("pdftotext", page_pdf(document_of(language, body), made=NOW), tmp_path, "FILE", "-")
        assert {"evidencekit-verify", "--some-policy"} <= set(re.sub(HIDDEN, "", text).split())


@pytest.mark.parametrize(
    "body",
    [
        "<h2>no first level</h2>",
        "<h1>x</h1><h3>a level left out</h3><h2>y</h2>",
        "<h1></h1><p></p><table><thead><tr><th></th></tr></thead><tbody></tbody></table>",
        "<h1>x</h1><table><tbody><tr><td colspan='3'>none</td></tr></tbody></table>",
        "<h1>x</h1><table><tbody><tr class='total'><td>1</td></tr></tbody></table>",
        "<h1>x</h1><section class='part'><p>y</p></section><div class='sign'><p>z</p></div>",
        "<h1 lang='x-private'>x</h1><p lang='sgn-BE'>y</p>",
        "",
        "<h1>x</h1><ol></ol><ul></ul><dl></dl><div></div><div class='sign'></div>",
    ],
)
@pytest.mark.parametrize("title", ["x", " "])
def test_what_templates_can_say_is_set(title, body):
    page = document_of("en", body).replace("<title>x", f"<title>{title}")
    assert page_pdf(page, made=NOW).startswith(b"%PDF")
