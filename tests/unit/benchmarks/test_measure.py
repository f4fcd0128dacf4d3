"""What one run took is told for all of its processes; what goes wrong is told with its words."""

from __future__ import annotations

import sys

import pytest

from benchmarks.measure import Failed, measured

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is looked at in /proc")
MIB = 1 << 20


def python(script: str) -> list[str]:
    return [sys.executable, "-S", "-c", script]


def test_children_count(tmp_path):
    spin = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    hold = f"import time; a = b'x' * ({64 * MIB}); time.sleep(0.3)"
    file = tmp_path / "file"
    file.write_bytes(bytes(3 * MIB))
    read = f"open({str(file)!r}, 'rb', 0).read()"
    usage = measured(
        python(
            f"import subprocess, sys\nfor code in {[spin, hold, read]!r}: subprocess.run([sys.executable, '-S', '-c', code])"
        )
    )
    assert usage.wall > 0.5
    assert 0.2 <= usage.cpu < usage.wall + 0.5
    assert 64 * MIB < usage.worker <= usage.peak < 200 * MIB
    assert 0 < usage.first < usage.worker
    assert usage.together > usage.worker
    assert usage.read > 3 * MIB


def test_one_process_has_no_workers():
    usage = measured(python(f"import time; a = b'x' * ({64 * MIB}); time.sleep(0.2)"))
    assert usage.worker == 0
    assert usage.first == usage.peak > 64 * MIB


def test_the_peak_is_not_that_of_who_starts_it():
    held = b"x" * (256 * MIB)
    usage = measured(["sleep", "0.2"])
    assert len(held) > usage.peak > 0


def test_output_goes_to_a_file(tmp_path):
    measured(python("print('told')"), output=tmp_path / "out")
    assert (tmp_path / "out").read_text() == "told\n"


def test_allowed_statuses():
    measured(python("raise SystemExit(6)"), allowed=frozenset({0, 6}))
    with pytest.raises(Failed, match="ended with 3: went wrong"):
        measured(python("import sys; print('went wrong', file=sys.stderr); sys.exit(3)"))


def test_what_cannot_be_started():
    with pytest.raises(Failed, match="No such file"):
        measured(["/nonexistent/program"])
