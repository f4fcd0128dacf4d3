"""report/running.py: the foot of each sheet is one line of text, in the page and in its style sheet, whatever it holds."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from evidencekit.report.running import MOST, css_string, running_line
from evidencekit.report.templates import templates

HOSTILE = '"; } body { display: none } </style><script>\\ & \u202e\n\u0661 é'


def read_string(inside):
    """What CSS Syntax 3 (4.3.5, 4.3.7) reads between quotation marks."""
    assert re.fullmatch(r"(?:[A-Za-z0-9]|\\[0-9a-f]{6})*", inside)
    return re.sub(r"\\([0-9a-f]{6})", lambda found: chr(int(found[1], 16)), inside)


def page(running, *, is_draft=False, is_rtl=False):
    class Words:
        language = "ar" if is_rtl else "en"

        def __call__(self, key):
            return f"[{key}]"

    words = Words()
    words.is_draft, words.is_rtl = is_draft, is_rtl
    source = '{% extends "base.html" %}{% block header %}<header></header>{% endblock %}'
    if running is not None:
        source += "{% block running %}{{ running('Title', value) }}{% endblock %}"
    return templates().from_string(source).render(t=words, value=running)


def test_a_line_has_its_parts_and_no_others():
    assert running_line("Report", None, "", " \n", "24\n 117") == "\u2068Report\u2069 · \u206824 117\u2069"
    assert running_line() == ""


def test_a_long_part_is_cut_with_a_sign():
    assert running_line("a" * MOST) == f"\u2068{'a' * MOST}\u2069"
    assert running_line("a" * (MOST + 1), "b") == f"\u2068{'a' * (MOST - 1)}…\u2069 · \u2068b\u2069"


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_is_the_inside_of_a_string(text):
    assert read_string(css_string(text)) == text
    assert read_string(css_string(Markup.escape(text))) == Markup.escape(text).unescape()


@pytest.mark.parametrize("is_rtl", [False, True])
def test_a_page_says_it_twice_and_no_more(is_rtl):
    made = page(HOSTILE, is_rtl=is_rtl)
    assert made.count("<script>") == 0
    assert made.count("</style>") == 1
    told = unescape(re.search(r'<meta name="running" content="([^"]*)">', made)[1])
    assert told == running_line("Title", HOSTILE)
    side, inside = re.search(r'@bottom-(left|right) \{ content: "([^"]*)"; font', made).groups()
    assert read_string(inside) == told
    assert side == ("right" if is_rtl else "left")


def test_a_page_of_labels_has_none():
    made = page(None, is_draft=True)
    assert "@bottom" not in made
    assert 'name="running"' not in made
    assert made.count("[draft]") == 1


def test_a_draft_is_named_at_the_beginning_and_at_the_end():
    made = page("x", is_draft=True)
    first, last = (found.start() for found in re.finditer(re.escape("[draft]"), made))
    assert made.index("</header>") < first < made.index("<footer>") < last
    assert "[draft]" not in page("x")
