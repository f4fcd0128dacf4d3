"""The tables of a page, as somebody reads them: their titles and the text of their cells."""

from __future__ import annotations

import re
from html.parser import HTMLParser


class Tables(HTMLParser):
    """`found`: title (the caption, else the heading above) and rows of cells; `numbers`: each that is marked as one."""

    def __init__(self, page):
        super().__init__()
        self.found, self.numbers = [], []
        self._heading = ""
        self._text, self._number = None, None
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.found.append((self._heading, []))
        elif tag in {"h2", "h3", "caption", "td", "th"}:
            self._text = []
        elif tag == "tr":
            self.found[-1][1].append([])
        elif tag == "br" and self._text is not None:
            self._text.append(" ")
        elif tag == "bdi" and dict(attrs).get("class") == "num":
            self._number = []

    def handle_endtag(self, tag):
        if tag == "bdi" and self._number is not None:
            self.numbers.append(whole("".join(self._number)))
            self._number = None
        if tag not in {"h2", "h3", "caption", "td", "th"}:
            return
        said = re.sub(r"[ \n]+", " ", "".join(self._text)).strip()
        if tag in {"td", "th"}:
            self.found[-1][1][-1].append(said)
        elif tag == "caption":
            self.found[-1] = (said, self.found[-1][1])
        else:
            self._heading = said
        self._text = None

    def handle_data(self, data):
        for texts in (self._text, self._number):
            if texts is not None:
                texts.append(data)

    def of(self, title):
        """The rows below the head of the one table of a title."""
        (rows,) = [rows for name, rows in self.found if name == title]
        return rows[1:]


def whole(text):
    """A number as the page groups it: by narrow spaces that do not break."""
    return int(text.replace("\u202f", ""))
