"""The stick is pulled out, or dies, while a command writes to it: the case's own, or the second one.

What must never be: a case, a copy of one, an offer or a package that looks whole and is not; anything made where the
stick was. With the stick back, what the messages say leads to the end. `acquire` with the source on the stick is in
test_failing_media.py, media that become full are in test_full_disk.py.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import sys
from pathlib import Path

import pytest

from evidencekit.core import layout
from evidencekit.read.message import check_message
from evidencekit.verify.verifier import verify_case

ROOM = "64m"
CANNOT_FINISH, REFUSED = 4, 5
GREEN = "INTEGRITY ONLY"


FEW = 3
every_step = pytest.mark.parametrize(
    "tried",
    [FEW, pytest.param(20, marks=pytest.mark.long), pytest.param(sys.maxsize, marks=pytest.mark.trial)],
    ids=["some steps", "many steps", "every step"],
)
HERE = Path(__file__).parent


def load(path: Path):
    spec = importlib.util.spec_from_file_location(f"stick_{path.stem}", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Disk = load(HERE.parent / "crash/conftest.py").Disk


@pytest.fixture(scope="module")
def independent():
    """Hold what our verifier says of a case against the verifier that shares no code with it; return ours."""
    verifier = load(HERE.parents[1] / "verifiers/python/verify_evidence.py")

    def verdict(case):
        ours, theirs = verify_case(case).verdict, verifier.verify(os.fspath(case))["verdict"]
        assert ours in {GREEN, "NOT CHECKED"}
        assert theirs == "NOT CHECKED" or (theirs, ours) == (GREEN, GREEN)
        return ours

    return verdict


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stick") / "source"
    (folder / "docs").mkdir(parents=True)
    (folder / "docs/0").write_bytes(b"letter" * 3000)
    (folder / "docs/1").write_bytes(b"GIF89a" + bytes(20_000))
    (folder / "same").write_bytes(b"letter" * 3000)
    return folder


class Stick:
    """A folder that can be taken away, with all that lies on it, and brought back."""

    lasts = False

    def __init__(self, path, mount, show) -> None:
        self.path, self._show = path, show
        self._medium, self._kept = mount(ROOM, path.name), path.with_name(f"{path.name}-elsewhere")
        self._kept_mount = show(self._medium.path, self._kept)
        self._back = None

    def pull(self):
        self._medium.pull()

    def put_in(self, output=None):
        """Bring it back. Where it was no file was made meanwhile, but the output that was named, if its time was then."""
        made = {path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if not path.is_dir()}
        assert made <= {output}
        for path in self.path.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._back = self._show(self._kept, self.path)

    def close(self):
        for mounted in (self._back, self._kept_mount, self._medium):
            if mounted is not None:
                mounted.close()


class Lasting:
    """A folder on a stick that is not taken away, but takes nothing any more."""

    lasts = True

    def __init__(self, path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)

    def pull(self):
        pass

    def put_in(self, output=None):
        pass

    def close(self):
        shutil.rmtree(self.path)


@pytest.fixture
def pulled(tmp_path, tmpfs, second_name):
    """Return a function that makes an empty stick that is pulled out."""
    return lambda name: Stick(tmp_path / name, tmpfs, second_name)


@pytest.fixture(params=["pulled", pytest.param("dies", marks=pytest.mark.long)])
def stick(request, tmp_path):
    """Return a function that makes an empty stick."""
    if request.param == "dies":
        return lambda name: Lasting(tmp_path / name)
    return request.getfixturevalue("pulled")


class Failing(Disk):
    """Takes the stick away at a step of what is written below a folder; 0: never."""

    def __init__(self, root, step, stick) -> None:
        super().__init__(root, step, self._fail)
        self._stick = stick

    def _fail(self):
        self._stick.pull()
        self.dead = self._stick.lasts
        return OSError(errno.EIO, os.strerror(errno.EIO)) if self.dead else None


def steps_of(count, tried):
    """The numbers of the steps that are tried: the first, the last, and others between them."""
    tried = min(tried, count)
    return sorted({1 + (count - 1) * part // (tried - 1) for part in range(tried)})


class Trials:
    """One command, ended by a stick at one step after the other."""

    def __init__(self, bench, capsys, make, tried, *, case_on_stick=True) -> None:
        self._bench, self._capsys, self._make, self._tried = bench, capsys, make, tried
        self._case_on_stick = case_on_stick
        self._before = bench.copy_of_case()

    def run(self, words, check, *, written_to="", output=None):
        """Give the command once for each step; `check` gets the stick, which is back by then, and the exit code.

        `words` makes the command of the stick's path; `written_to` is where steps are counted, if not on the stick.
        """
        count, step, numbers = 0, 0, iter(())
        while step is not None:
            stick = self._make("stick")
            if self._case_on_stick:
                self._bench.case = stick.path / "case"
            shutil.rmtree(self._bench.case, ignore_errors=True)
            shutil.copytree(self._before, self._bench.case)
            with Failing(written_to or stick.path, step, stick) as disk:
                code, errors = self._bench.said(self._capsys, *words(stick.path), "--quiet")
            if step == 0:
                assert code == 0, errors
                count = disk.count
                assert count > FEW
                for left in os.listdir(written_to) if written_to else ():
                    shutil.rmtree(written_to / left)
                numbers = iter(steps_of(count, self._tried))
            else:
                try:
                    stick.put_in(output)
                    assert code in {0, CANNOT_FINISH}
                    assert code == 0 or self._bench.error_in(errors)
                    check(stick, code)
                except BaseException as failed:
                    failed.add_note(f"step {step} of {count}: {disk.log[step - 1]}; {code}: {errors}")
                    raise
            stick.close()
            step = next(numbers, None)


@pytest.fixture
def signing(tmp_path):
    return ["--signer", tmp_path / "office/examiner", "--log-key", tmp_path / "log.pem"]


@every_step
def test_while_a_case_is_sealed_on_it(bench, source, stick, capsys, independent, tried):
    undisturbed = bench.undisturbed(source, "--copy")

    def check(*_):
        bench.check_left()
        assert independent(bench.case) == "NOT CHECKED" or sealed_whole(bench)
        resume(bench, capsys, source, "--copy")
        bench.check_whole(source, undisturbed)

    Trials(bench, capsys, stick, tried).run(lambda _: bench.arguments(source, "--copy", "--jobs", "1"), check)


def sealed_whole(bench):
    """The seal has its checkpoint."""
    return (bench.case / layout.checkpoint_file(3)).exists()


def resume(bench, capsys, source, *more):
    code, errors = bench.said(capsys, *bench.arguments(source, "--resume", "--quiet", *more))
    assert code == 0 or (code == REFUSED and "R504" in errors), errors


@every_step
def test_while_an_exhibit_is_offered_on_it(bench, source, stick, capsys, independent, signing, tmp_path, tried):
    """The offer's file lies on the stick, too: it is whole or not there, and what it says is in the record."""
    bench.acquire(source, "--quiet")
    to = ["--to", tmp_path / "office/other.pub", "--purpose", "analysis", *signing]
    seen = set()

    def check(at, _):
        assert {finding.code for finding in verify_case(bench.case).findings} <= {"W901", "W903", "W911"}
        verdict = independent(bench.case)
        offer = at.path / "offer.json"
        recorded = (bench.case / layout.event_file(4)).exists()
        seen.add((verdict, recorded, offer.exists()))
        if offer.exists():
            check_message(offer.read_bytes())
            assert (verdict, recorded) == (GREEN, True)
        assert bench.command("checkpoint", "finish", bench.case, *signing[2:], "--quiet") == 0
        again = ["--again", "4"] if recorded else ["--item", "EX-001", *to]
        assert bench.command("custody", "offer", bench.case, "--out", at.path / "again.json", *again, "--quiet") == 0
        accepting = ["--signer", tmp_path / "office/other", *signing[2:], "--quiet"]
        assert bench.command("custody", "accept", bench.case, at.path / "again.json", *accepting) == 0
        assert independent(bench.case) == GREEN

    Trials(bench, capsys, stick, tried).run(
        lambda path: ["custody", "offer", path / "case", "--item", "EX-001", "--out", path / "offer.json", *to],
        check,
        output="offer.json",
    )
    assert {recorded for _, recorded, _ in seen} == {True, False}


@every_step
def test_while_a_second_stick_is_made(bench, source, stick, capsys, independent, tried):
    """The case itself is sealed by then. The copy is an earlier state of it, or it; never anything else."""
    undisturbed = bench.undisturbed(source, "--copy")

    def check(at, code):
        assert independent(bench.case) == GREEN
        check_copy(bench, at.path / "copy", independent, whole=code == 0)
        resume(bench, capsys, source, "--copy-to", at.path / "copy")
        check_copy(bench, at.path / "copy", independent, whole=True)
        bench.check_whole(source, undisturbed)

    Trials(bench, capsys, stick, tried, case_on_stick=False).run(
        lambda path: bench.arguments(source, "--copy-to", path / "copy", "--jobs", "1"), check
    )


@every_step
def test_while_it_is_copied(bench, source, pulled, capsys, independent, tmp_path, tried):
    """The stick with the case goes away while a second medium is made of it."""
    undisturbed = bench.undisturbed(source, "--copy")
    copy = tmp_path / "second/copy"
    copy.parent.mkdir()

    def check(_, code):
        assert independent(bench.case) == GREEN
        check_copy(bench, copy, independent, whole=code == 0)
        resume(bench, capsys, source, "--copy-to", copy)
        check_copy(bench, copy, independent, whole=True)
        bench.check_whole(source, undisturbed)
        shutil.rmtree(copy)

    Trials(bench, capsys, pulled, tried).run(
        lambda _: bench.arguments(source, "--copy-to", copy, "--jobs", "1"), check, written_to=copy.parent
    )


def check_copy(bench, copy, independent, *, whole):
    """It is the case, byte for byte; or it says that it is not finished."""
    if not (copy / layout.CASE_FILE).exists():
        assert not whole
        return
    same = bench.rc.snapshot(copy) == bench.rc.snapshot(bench.case)
    assert same or not whole
    report = verify_case(copy)
    assert {finding.code for finding in report.findings} <= {"W901", "W902", "W903"}, report.findings
    if not same and independent(copy) == GREEN:  # an earlier state of the case, with its seal: whole as far as it goes
        sealed = bench.rc.snapshot(copy)
        assert sealed.items() <= bench.rc.snapshot(bench.case).items()
        assert layout.checkpoint_file(3) in sealed


# --- packages -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def parties(rc, package_parties, source, tmp_path_factory):
    (source / "hard").write_bytes(b"x" * 30_000)
    yield package_parties.Parties(rc, tmp_path_factory.mktemp("parties"), source, package_parties.in_process)
    (source / "hard").unlink()


@every_step
@pytest.mark.parametrize("name", ["OUT", pytest.param("OUT.zip", marks=pytest.mark.long)])
def test_while_a_package_is_made_on_it(parties, stick, independent, tmp_path, tried, name):
    """The case and the package lie on the stick."""
    count = 0
    step, numbers = 0, iter(())
    while step is not None:
        medium = stick("disk")
        trial = parties.trial(tmp_path, name)
        with Failing(medium.path, step, medium) as disk:
            ran = parties.run(trial.here, trial.arguments)
        if step == 0:
            assert ran.code == 0, ran.errors
            count = disk.count
            numbers = iter(steps_of(count, tried))
        else:
            medium.put_in()
            try:
                assert ran.code in {0, CANNOT_FINISH}
                trial.check_left()
                independent(trial.case)
                if ran.code != 0 or not trial.out.exists():
                    trial.again()
                trial.check_done()
                assert independent(trial.case) == GREEN
            except BaseException as failed:
                failed.add_note(f"step {step} of {count}: {disk.log[step - 1]}; {ran.code}: {ran.errors}")
                raise
        medium.close()
        step = next(numbers, None)
