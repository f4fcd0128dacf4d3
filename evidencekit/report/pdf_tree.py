"""A page of ours in HTML as a tree that the typesetter takes: the same words, in a small vocabulary. Pure.

Promises: text stays text; what a page may not hold is an error, never left out; each character that no font can show
stands as its escape. A node is `e` (its name), `k` (nodes and texts) and `c` (classes), with what else the element
says; U+200B in a text is a place where a line may end. Texts stand in nodes of TEXTS alone.
Source: specs/reporting.md, 4; HTML Living Standard; Unicode Standard Annex 9.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape
from html.parser import HTMLParser
from typing import Any, NoReturn

from evidencekit.report.fonts import shown
from evidencekit.report.pdf_columns import is_tall, set_columns
from evidencekit.report.pdf_style import Style

Node = dict[str, Any]
HEAD = {"html", "head", "title", "meta", "style"}
HEADINGS = {"h1", "h2", "h3"}
TEXTS = {*HEADINGS, "p", "dt", "caption", "line"}
"""Blocks of text; `line` is one that the HTML does not name: text beside other blocks."""
BLOCKS = {"body", "header", "main", "section", "footer", "div", "dl", "dd", "ol", "ul", "li",
          "table", "thead", "tbody", "tr", "th", "td"}  # fmt: skip
INLINE = {"strong", "b", "span", "bdi", "br", "sup", "svg"}
_VOID = {"meta", "br"}
_SPACE = re.compile(r"[ \t\n\r\f]+")
"""What HTML takes together as one space: no other space is."""
_WIDTH = re.compile(r"width:([0-9]{1,3})mm")
_SHARE = re.compile(r"inline-size:([0-9]{1,3}(?:\.[0-9]+)?)%")
_OTHER = r"[^\s\x00-\x7f\u3000-\uffef]{25,}"
_WORD = r"[A-Za-z-]{1,24}(?![!-~])"
"""A word or an option of a command: it stays whole."""
_LONG = {True: re.compile(rf"(?<![!-~])(?!{_WORD})[!-~]{{13,}}|{_OTHER}"), False: re.compile(rf"[!-~]{{25,}}|{_OTHER}")}
"""Runs with no space in which a line may have to end: in code (digests, paths) sooner than in other texts."""
_PART = re.compile(r"[^/\\.,:=@_-]*[/\\.,:=@_-]+|[^/\\.,:=@_-]+")
_WHOLE = 12
"""Signs of such a part that stays whole."""
_ANYWHERE = re.compile(r"[!-~](?=[!-~])|[^!-~]{8}(?=.)")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
"""What the typesetter takes for one (ISO 639)."""
_BREAK = "\u200b"
_WAYS = {"L": "ltr", "R": "rtl", "AL": "rtl"}


def page_tree(html: str) -> Node:
    """Return the page: `title`, `lang`, `rtl`, `running` (its foot), `style` (`pdf_style.Style`), and `k`, its blocks.

    Raises:
        ValueError: the page holds an element, an attribute or an order that is none of ours.
    """
    return _Reader(html).page()


class _Reader(HTMLParser):
    """Builds nodes as the parser meets them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self._root: Node = {"e": "", "k": []}
        self._open: list[Node] = [self._root]
        self._drawing: list[str] | None = None
        self._said = {"title": "", "style": ""}
        self._html: dict[str, str | None] = {}
        self._running = ""
        self._level = 0
        self.feed(html)
        self.close()

    def page(self) -> Node:
        bodies = [kid for kid in self._root["k"] if not isinstance(kid, str) and kid["e"] == "body"]
        if len(self._open) != 1 or len(bodies) != 1:
            _refuse("a page without one whole body")
        self._style = Style(self._said["style"])
        rtl = self._html.get("dir") == "rtl"
        body = bodies[0]
        self._finish(body, "rtl" if rtl else "ltr", ())
        language = self._html.get("lang") or "en"
        title = shown(_SPACE.sub(" ", self._said["title"]).strip()) or "-"  # which PDF/UA asks for
        told = {"title": title, "lang": language, "rtl": rtl, "running": shown(self._running)}
        return told | {"style": self._style.record(), "k": body["k"]}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._drawing is not None:
            self._drawing.append(self.get_starttag_text() or "")
            return
        said = dict(attrs)
        if tag not in HEAD | TEXTS - {"line"} | BLOCKS | INLINE:
            _refuse(f"<{tag}>")
        if tag == "html":
            self._html = said
        if tag == "meta" and said.get("name") == "running":
            self._running = said.get("content") or ""
        node = _node(tag, said)
        self._open[-1]["k"].append(node)
        if tag == "svg":
            self._drawing = [self.get_starttag_text() or ""]
        if tag not in _VOID:
            self._open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._drawing is None:
            self.handle_starttag(tag, attrs)
        else:
            self._drawing.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if self._drawing is not None:
            self._drawing.append(f"</{tag}>")
            if tag != "svg":
                return
            self._open[-1]["svg"], self._drawing = "".join(self._drawing), None
        node = self._open.pop()
        if node["e"] != tag:
            _refuse(f"</{tag}> where <{node['e']}> is open")
        if tag in HEAD:  # what it holds stands beside the rest
            self._open[-1]["k"] += node["k"]

    def handle_data(self, data: str) -> None:
        inside = self._open[-1]["e"]
        if self._drawing is not None:
            self._drawing.append(escape(shown(data)))
        elif inside in self._said:
            self._said[inside] += data
        else:
            self._open[-1]["k"].append(data)

    def _finish(self, node: Node, way: str, classes: tuple[str, ...]) -> None:
        """Order what a block holds: text in blocks of text, blocks in all others.

        `way`: the direction around it; `classes`: those of what it stands in, the nearest first.
        """
        way, classes = node.get("way", way), (*node.get("c", ()), *classes)
        if node["e"] in TEXTS:
            self._settle(node["k"], way)
            if node["e"] in HEADINGS and not _letters(node).strip():  # PDF/UA: a heading says something
                node["e"] = "line"
            elif node["e"] in HEADINGS:  # and no level is left out
                self._level = node["level"] = min(int(node["e"][1:]), self._level + 1)
            return
        kids: list[Node] = []
        run: list[Any] = []
        for kid in [*node["k"], None]:
            if isinstance(kid, str) or (kid is not None and kid["e"] in INLINE):
                run.append(kid)
                continue
            self._settle(run, way)
            if any(not isinstance(one, str) or one.strip(" ") for one in run):
                kids.append({"e": "line", "k": run})
            run = []
            if kid is not None:
                if kid["e"] == "dl":
                    kid["term"], kid["pairs"] = self._style.terms(node["e"], classes)
                self._finish(kid, way, classes)
                kids.append(kid)
        node["k"] = kids
        if node["e"] == "dl":
            for row in kids:
                row["tall"] = is_tall(row)
        if node["e"] == "table":
            set_columns(node, self._style.width, self._style.points("table"), self._style.columns)

    def _settle(self, run: list[Any], way: str) -> None:
        _tidy(run, True)
        _isolate(run, way)
        self._draw(run)

    def _draw(self, run: list[Any]) -> None:
        """Give each drawing its colours, and refuse a block inside of text."""
        for kid in run:
            if isinstance(kid, str):
                continue
            if kid["e"] not in INLINE:
                _refuse(f"<{kid['e']}> inside of text")
            if kid["e"] == "svg":
                kid["svg"] = self._style.drawn(kid["svg"])
            self._draw(kid["k"])


def _node(tag: str, said: dict[str, str | None]) -> Node:
    node: Node = {"e": tag, "k": []}
    if said.get("class"):
        node["c"] = (said["class"] or "").split()
    if tag == "bdi":
        node["dir"] = said.get("dir") or "auto"
    elif said.get("dir"):
        node["way"] = said["dir"]
    language = (said.get("lang") or "").partition("-")[0].lower()
    if _LANGUAGE.fullmatch(language):
        node["lang"] = language
    if "colspan" in said:
        node["span"] = int(said["colspan"] or "1")
    if tag == "svg":
        hidden = said.get("aria-hidden") == "true"
        node["alt"] = None if hidden or not said.get("aria-label") else shown(said["aria-label"] or "")
    if "style" in said:
        for name, form in (("width", _WIDTH), ("share", _SHARE)):
            if found := form.fullmatch(said["style"] or ""):
                node[name] = float(found[1])
                break
        else:
            _refuse(f"style {said['style']!r}")
    return node


def _tidy(run: list[Any], spaced: bool, code: bool = False) -> bool:
    """Take spaces together as HTML does, and show what each text says; `spaced`: a space here would be one too many."""
    for place, kid in enumerate(run):
        if isinstance(kid, str):
            text = _SPACE.sub(" ", kid)
            text = text.lstrip(" ") if spaced else text
            spaced = text.endswith(" ") if text else spaced
            run[place] = _breakable(shown(text), code)
        elif kid["e"] == "br":
            spaced = True
        elif kid["e"] == "svg":
            spaced = False
        else:
            spaced = _tidy(kid["k"], spaced, code or "code" in kid.get("c", ()))
    return spaced


def _isolate(run: list[Any], around: str) -> None:
    """Say of each isolate in which direction it runs (P2, P3), and whether anything hangs on that it is one."""
    for kid in run:
        if isinstance(kid, str):
            continue
        inside = around
        if kid["e"] == "bdi":
            found = [way for letter in _letters(kid) if (way := _WAYS.get(unicodedata.bidirectional(letter)))]
            if kid["dir"] == "auto":
                kid["dir"] = found[0] if found else "ltr"
            inside = kid["dir"]
            kid["isolate"] = {around, inside, *found} != {"ltr"}
        _isolate(kid["k"], inside)


def _letters(node: Node) -> str:
    return "".join(kid if isinstance(kid, str) else _letters(kid) for kid in node["k"])


def _breakable(text: str, code: bool) -> str:
    """Return a text in which a line may end within a long word: after a sign that parts it, as in paths.

    A part that is long itself, as a digest is, may end after each sign of ASCII, after 8 of others.
    """
    return _LONG[code].sub(lambda run: _BREAK.join(map(_parted, _PART.findall(run[0]))), text)


def _parted(part: str) -> str:
    return part if len(part) <= _WHOLE else _ANYWHERE.sub(rf"\g<0>{_BREAK}", part)


def _refuse(what: str) -> NoReturn:
    raise ValueError(f"a page for the typesetter cannot hold {what}")
