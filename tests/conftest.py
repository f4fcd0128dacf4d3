"""What every test may use: judges, the literal RFC, and which tests run.

A *judge* is a program or package of other hands that checks our work. A test names it with
`@pytest.mark.judge("ssh-keygen")`, or asks inside the test with the fixture `judge("ssh-keygen")`: a program on PATH,
an importable package, or an absolute path. Where it is missing the test is skipped as NOT RUN and the summary says
so; under EVIDENCEKIT_REQUIRE_ALL=1 it fails. What the machine itself forbids
(mounting, device nodes) is skipped as NOT RUN.
"""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

import hypothesis
import pytest

hypothesis.settings.register_profile("ci", deadline=None)
hypothesis.settings.load_profile("ci")

NOT_RUN = "NOT RUN: "


def is_there(program: str) -> bool:
    if program.startswith("/"):
        return Path(program).exists()
    return bool(shutil.which(program) or importlib.util.find_spec(program.replace("-", "_")))


def require_judge(program: str) -> None:
    if is_there(program):
        return
    reason = f"{NOT_RUN}judge {program} is not installed"
    if os.environ.get("EVIDENCEKIT_REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_runtest_setup(item):
    for mark in item.iter_markers("judge"):
        require_judge(mark.args[0])


def pytest_collection_modifyitems(config, items):
    asked = os.environ.get("EVIDENCEKIT_LONG")
    put_off = {"1": ("trial",), "all": ()}.get(asked, ("long", "trial"))
    later = [item for item in items if any(item.get_closest_marker(name) for name in put_off)]
    if later:
        config.hook.pytest_deselected(items=later)
    late = set(later)
    # The short ones last, so that no worker is left alone with a long one.
    items[:] = sorted((item for item in items if item not in late), key=lambda item: "/unit/" in item.path.as_posix())


def pytest_collection_finish():
    gc.collect()
    gc.freeze()  # what was collected, thousands of tests, is not looked through again at every later collection


def pytest_sessionfinish():
    gc.unfreeze()


def pytest_terminal_summary(terminalreporter):
    terminalreporter.line(whom(terminalreporter.stats))
    reports = [r for outcome in ("skipped", "failed", "error") for r in terminalreporter.stats.get(outcome, [])]
    reasons = (str(r.longrepr[2] if isinstance(r.longrepr, tuple) else r.longrepr) for r in reports)
    missing = Counter(reason[reason.index(NOT_RUN) :] for reason in reasons if NOT_RUN in reason)
    if missing:
        terminalreporter.section("what did not run")
        for reason, count in sorted(missing.items()):
            terminalreporter.line(f"{reason} ({count} tests)")


def whom(stats) -> str:
    """As whom the tests ran: what may be read and written hangs on it, so a green line without it says too little.

    A test that runs something as another user notes `("ran as", uid)` among its properties (the fixture `as_nobody`).
    """
    ran = [report for outcome in ("passed", "failed") for report in stats.get(outcome, []) if report.when == "call"]
    noted = (set(map(tuple, report.user_properties)) for report in ran)
    others = Counter(uid for properties in noted for name, uid in properties if name == "ran as")
    me = "root" if os.geteuid() == 0 else f"uid {os.geteuid()}"
    return f"ran as {me}: {len(ran)} tests" + "".join(f"; parts of {n} as uid {uid}" for uid, n in others.items())


@pytest.fixture(scope="session")
def judge():
    return require_judge


def beside(name: str, folder: Path = Path(__file__).parent):
    """A module that lies beside this file, or in another folder, loaded once."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


for _name in ("no_proxy", "NO_PROXY"):  # servers of tests are asked directly, whatever the computer's proxy is
    os.environ[_name] = "127.0.0.1"
beside("deep")  # likewise: which property tests import
beside("custodyevents")  # which tests of custody import by its name
beside("requestdraft")  # and tests of requests
beside("judging")  # and tests of texts
beside("htmlpage")  # and tests of pages
beside("schemas")  # and tests of records with a JSON Schema
beside("paperkey")  # and tests of signed paper
beside("pagedriver", Path(__file__).parent / "verifiers")  # and tests of papers
beside("papertables", Path(__file__).parent / "papers")  # likewise


@pytest.fixture(scope="session")
def rfc6962():
    """tests/rfc6962.py, the literal transcription."""
    return beside("rfc6962")


@pytest.fixture(scope="session")
def rc():
    """tests/realcase.py: cases made by the real writer."""
    return beside("realcase")


@pytest.fixture(scope="session")
def tiled():
    """tests/tiled.py: manifests of any rows in any row groups, and their tiles."""
    beside("casebuilder")
    return beside("tiled")


@pytest.fixture(scope="session")
def tsa():
    """specs/vectors/make_tokens.py: an authority that makes tokens of any time, with any one fault."""
    return beside("make_tokens", Path(__file__).parents[1] / "specs" / "vectors")
