"""A page of HTML as tests look at it."""

from __future__ import annotations

import subprocess
from html.parser import HTMLParser


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self._style = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._style = tag == "style"

    def handle_data(self, data):
        if not self._style:
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def print_in_chromium(file, *screen):
    """Chromium's page.pdf and page.png of a file, beside it; `screen` is what a picture of it needs to be told."""
    for result in (["--no-pdf-header-footer", "--print-to-pdf=page.pdf"], [*screen, "--screenshot=page.png"]):
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=profile"]
        subprocess.run(
            [*command, *result, f"file://{file}"], cwd=file.parent, check=True, capture_output=True, timeout=120
        )


def codes_in_picture(folder):
    """What the QR codes of page.png in a folder say, as zbarimg reads them."""
    command = ["zbarimg", "-q", "--raw", "page.png"]
    return subprocess.run(command, cwd=folder, capture_output=True, timeout=60, check=True).stdout.decode()
