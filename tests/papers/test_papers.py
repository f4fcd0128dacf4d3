"""Every paper that the program writes, as HTML: valid, without a barrier that axe knows, loading nothing.

The judges are html-validate and, in Chromium, axe-core (WCAG 2.1 A and AA): in light and dark, left to right and right
to left.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from pagedriver import CHROMIUM, NODE, NODE_PACKAGES, WEB, Page
from requestdraft import DRAFT

ROOT = Path(__file__).parents[2]
VECTORS = ROOT / "specs/vectors"
CASE = VECTORS / "cases/good/0.1_custody/case"
CLI = Path(sys.executable).with_name("evidencekit")
PAPERS = {
    "report": ("report", CASE),
    "report_of_damage": ("report", VECTORS / "cases/bad/E201_digest_differs/case"),
    "report_of_package": ("report", VECTORS / "packages/good/0.1_package/package.zip"),
    "report_of_rows": ("report", CASE, "--row", "EX-001:docs/a.txt", "--row", "EX-001#0"),
    "certificate": ("certificate", CASE, "--form", "fre-902-14", "--policy", CASE.parent / "policy"),
    "certificate_b": ("certificate", CASE, "--form", "bsa-63-4-b"),
    "labels": ("custody", "label", CASE),
    "form": ("custody", "form", CASE),
    "receipt": ("field", "receipt", CASE),
    "request": ("request", "render", "request.json", "--instrument", "budapest-29", "--html"),
}
LANGUAGES = ("en", "ar", "zh")
pytestmark = [pytest.mark.judge(NODE), pytest.mark.judge(str(NODE_PACKAGES))]


@pytest.fixture(scope="module")
def papers(tmp_path_factory):
    folder = tmp_path_factory.mktemp("papers")
    (folder / "request.json").write_text(json.dumps(DRAFT))
    for name, command in PAPERS.items():
        for language in LANGUAGES:
            out = folder / f"{name}.{language}.html"
            subprocess.run([CLI, *command, "--lang", language, "-o", out], cwd=folder, check=True, capture_output=True)
    return sorted(folder.glob("*.html"))


def judged(*files):
    command = [NODE, Path(__file__).with_name("validate.mjs"), WEB, *files]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)


def test_html_is_valid(papers, tmp_path):
    assert len(papers) == len(PAPERS) * len(LANGUAGES)
    assert {Path(name).name: found for name, found in judged(*papers).items() if found} == {}
    wrong = tmp_path / "wrong.html"
    wrong.write_text(papers[0].read_text().replace("</h1>", "</h2>", 1).replace("<caption>", "<p>", 1))
    assert judged(wrong)[str(wrong)]


@pytest.mark.judge(CHROMIUM)
def test_no_barrier_that_axe_knows(papers, tmp_path):
    wrong = tmp_path / "wrong.html"
    wrong.write_text(papers[0].read_text().replace(' lang="', ' title="', 1).replace("--ink: #000", "--ink: #eee"))
    page = Page(papers[0])
    try:
        page("open", path=str(wrong))
        assert {"color-contrast", "html-has-lang"} <= {rule for rule, _ in page("axe")}
        found = {}
        for paper in papers:
            page("open", path=str(paper), dark=paper.name.split(".")[1] == "ar")
            if barriers := page("axe"):
                found[paper.name] = barriers
            assert page("noted") == {"requests": [], "complaints": []}
        assert found == {}
    finally:
        page.close()
