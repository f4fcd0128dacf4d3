"""report/pdf_tree.py and what it rests on: the tree has the words of the page, and a page of others is refused."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path

import pytest
from htmlpage import Page
from hypothesis import given
from hypothesis import strategies as st

from evidencekit.report import fonts, pdf_tree
from evidencekit.report.fonts import shown
from evidencekit.report.pdf_columns import set_columns
from evidencekit.report.pdf_style import Style
from evidencekit.report.pdf_tree import page_tree
from evidencekit.report.templates import templates

DIGEST = "0123456789abcdef" * 4


def page(body, css="", **attributes):
    said = "".join(f' {name}="{value}"' for name, value in attributes.items())
    return f"<!DOCTYPE html><html{said}><head><title>T &amp; U</title><style>{css}</style></head><body>{body}</body></html>"


def kids(body, **options):
    return page_tree(page(body, **options))["k"]


def words(node):
    """The text of a tree, as one word after the other."""
    if isinstance(node, str):
        return node.replace("\u200b", "")
    return ("\n" if node.get("e") == "br" else "").join(["", "".join(map(words, node["k"]))])


def test_a_page_has_a_name_and_a_language():
    tree = page_tree(page("<p>a</p>", lang="ar", dir="rtl"))
    assert (tree["title"], tree["lang"], tree["rtl"]) == ("T & U", "ar", True)
    tree = page_tree(page("<p>a</p>", lang="zh-Hans", dir="ltr"))
    assert (tree["lang"], tree["rtl"]) == ("zh-Hans", False)


def test_text_beside_blocks_is_a_line():
    (cell,) = kids("<div>\n  one <b>two</b><br>three\n<p> four </p>\n<h2>five</h2> \n</div>")
    assert [kid["e"] for kid in cell["k"]] == ["line", "p", "h2"]
    assert cell["k"][0]["k"][:2] == ["one ", {"e": "b", "k": ["two"]}]


def test_spaces_are_taken_together_as_html_does_and_no_others():
    (line,) = kids("<p>\n a \t b <b> c</b> d\u00a0 \u202f1\u202f000</p>")
    assert words(line) == "a b c d\u00a0 \u202f1\u202f000"


def test_every_template_keeps_to_what_a_page_may_hold():
    """`<svg>` and what stands in it is a drawing; the QR code is one, too."""
    sources = [path.read_text() for path in Path(pdf_tree.__file__).parent.glob("*.html")]
    assert len(sources) > 5
    plain = [re.sub(r"<svg.*?</svg>|{#.*?#}|{%.*?%}", "", source, flags=re.DOTALL) for source in sources]
    used = {name for source in plain for name in re.findall(r"<([a-z][a-z0-9]*)", source)}
    assert used - pdf_tree.HEAD - pdf_tree.TEXTS - pdf_tree.BLOCKS - pdf_tree.INLINE == set()


@pytest.mark.parametrize(
    "body",
    [
        "<script>x</script>",
        "<a>x</a>",
        "<img>",
        "<line>x</line>",
        "<p><div>x</div></p>",
        "<p>x</b></p>",
        "<section><p>x</p>",
        "<th style='color:red'>x</th>",
        "<span style='inline-size:5%;color:red'>x</span>",
    ],
)
def test_a_page_of_others_is_refused(body):
    with pytest.raises(ValueError, match="typesetter cannot hold"):
        page_tree(page(body))


def test_a_page_without_a_body_is_refused():
    with pytest.raises(ValueError, match="body"):
        page_tree("<p>x</p>")


def test_isolates_say_their_direction():
    def isolate(text, attribute="", page="ltr"):
        (line,) = kids(f"<p><bdi{attribute}>{text}</bdi></p>", dir=page)
        return line["k"][0]["dir"], line["k"][0]["isolate"]

    assert isolate("abc 1") == ("ltr", False)  # nothing could be turned round
    assert isolate("abc 1", page="rtl") == ("ltr", True)
    assert isolate("محمد 1") == ("rtl", True)
    assert isolate("1 محمد abc") == ("rtl", True)
    assert isolate("12:30") == ("ltr", False)  # no letter says otherwise
    assert isolate("12:30", page="rtl") == ("ltr", True)
    assert isolate("a/محمد", ' dir="ltr"') == ("ltr", True)
    assert isolate("محمد", ' dir="ltr"') == ("ltr", True)


def test_a_section_may_run_the_other_way():
    (section,) = kids(
        '<section dir="ltr" lang="zh-Hans"><p><bdi>a</bdi><bdi dir="rtl">x<bdi>y</bdi></bdi></p></section>', dir="rtl"
    )
    assert (section["way"], section["lang"]) == ("ltr", "zh")
    first, second = section["k"][0]["k"]
    assert (first["isolate"], second["isolate"]) == (False, True)
    assert second["k"][1]["isolate"]  # within an isolate of the other direction


def test_lines_may_end_in_digests_and_not_in_words():
    (line,) = kids(f'<p><bdi dir="ltr" class="code">{DIGEST} short-code</bdi> counter-measures {"x" * 30}</p>')
    code, rest = line["k"][0]["k"][0], line["k"][1]
    assert code == "\u200b".join(DIGEST) + " short-code"
    assert rest == " counter-measures " + "\u200b".join("x" * 30)
    (line,) = kids(f"<p>{'م' * 60}</p>")
    assert line["k"][0] == "\u200b".join(["م" * 8] * 7 + ["م" * 4])


def test_a_path_breaks_between_its_parts():
    path = "checkpoints/00000014.576fd20c.cosig"
    (line,) = kids(f'<p><bdi dir="ltr" class="code">{path}</bdi> witness \'partner.example/witness\'</p>')
    code, rest = line["k"][0]["k"][0], line["k"][1]
    assert code == "checkpoints/\u200b00000014.\u200b576fd20c.\u200bcosig"
    assert rest == " witness 'partner.\u200bexample/\u200bwitness'"


@given(st.text())
def test_any_text_stays_text(text):
    tree = page_tree(page(f"<p>a<bdi>{escape(text)}</bdi>b</p>"))
    parsed = Page(f"<p>{escape(text)}</p>").texts  # what the parser of HTML takes out, as for NUL
    expected = shown(re.sub(r"[ \t\n\r\f]+", " ", "".join(parsed)))
    assert words(tree["k"][0]) == f"a{expected}b".replace("\u200b", "")


def test_a_drawing_needs_nothing_else():
    css = ":root { --mark: #a01c1c } svg .gap { fill: var(--mark); stroke-width: 1.5 } @media screen { :root { --mark: red } }"
    svg = '<svg viewBox="0 0 7 7" role="img" aria-label="Three &lt; four"><rect class="gap" width="3"/><text>&lt;b&gt; 😀</text></svg>'
    (line,) = kids(f"<p>{svg}</p>", css=css)
    drawn = line["k"][0]
    assert drawn["alt"] == "Three < four"
    assert drawn["svg"].startswith('<svg viewBox="0 0 7 7" role="img" aria-label="Three &lt; four" xmlns="http')
    assert "svg .gap{fill:#a01c1c;stroke-width:1.5}" in drawn["svg"]
    assert '<rect class="gap" width="3"/><text>&lt;b&gt; \\u{1f600}</text></svg>' in drawn["svg"]
    (line,) = kids('<p><svg aria-hidden="true" aria-label="x" viewBox="0 0 1 1"></svg></p>')
    assert line["k"][0]["alt"] is None


def test_sizes_are_those_of_the_style_sheet():
    base = templates().loader.get_source(templates(), "base.css")[0]
    found = Style(base).record()
    assert found["margin"] == {"top": 13, "side": 15, "bottom": 15}
    assert (found["size"], found["h1"], found["table"], found["sign"]) == (10, 16, 9, 2)
    assert (found["mark"], found["ink"]) == ("#a01c1c", "#000")
    later = Style(
        base
        + "@page { margin: 20mm } body { font-size: 9.5pt } .sign { grid-template-columns: 1fr 1fr 1fr } dd { font-weight: 600 }"
    )
    found = later.record()
    assert found["margin"] == {"top": 20, "side": 20, "bottom": 20}
    assert (found["size"], found["sign"], found["bold"], later.width) == (9.5, 3, True, 170)


def test_terms_are_as_wide_as_the_style_sheet_says():
    style = Style("dt { flex: 0 0 44mm } .seal dt { flex-basis: 24mm } section > dl { grid-template-columns: 1fr 1fr }")
    assert style.terms("section", ()) == (44, True)
    assert style.terms("div", ("other",)) == (44, False)
    assert style.terms("div", ("other", "seal")) == (24, False)
    css = "dt { flex: 0 0 44mm } .form dt { flex-basis: 60mm }"
    (section,) = kids('<section class="form"><div><dl><div><dt>a</dt><dd>b</dd></div></dl></div></section>', css=css)
    assert section["k"][0]["k"][0]["term"] == 60


def table(*rows):
    cells = [{"e": "tr", "k": [cell if isinstance(cell, dict) else one(cell) for cell in row]} for row in rows]
    return {"e": "table", "k": [{"e": "tbody", "k": cells}]}


def one(text, **more):
    return {"e": "td", "k": [{"e": "line", "k": [text]}], **more}


def test_columns_fill_the_paper():
    found = table(("a", "a longer text than the others have", one("x", width=30)), (one("x", span=2), "y"))
    set_columns(found, 180, 9, {})
    narrow, wide, stated = found["columns"]
    assert sum(found["columns"]) == pytest.approx(180, abs=0.1)
    assert stated == 30
    assert narrow < wide


def test_a_column_is_wide_enough_for_its_longest_word():
    found = table(("VERWALTUNGSGERICHT", "b " * 300))
    set_columns(found, 120, 9, {})
    assert found["columns"][0] > fonts.width("VERWALTUNGSGERICHT") * 9 * 25.4 / 72
    stated = table((one("VERWALTUNGSGERICHT", width=5), "b"))
    set_columns(stated, 120, 9, {})
    assert stated["columns"][0] == pytest.approx(found["columns"][0], abs=0.1)


def test_only_tall_rows_may_be_broken():
    found = table(("a", "b"), ("a", "b " * 400))
    set_columns(found, 120, 9, {"figure": 32})
    assert [row["tall"] for row in found["k"][0]["k"]] == [False, True]
    usual = table((one("1", c=["figure"]), "b"))
    set_columns(usual, 120, 9, {"figure": 32})
    assert usual["columns"] == [32, 88]
