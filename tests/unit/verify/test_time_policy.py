"""verify/time_policy.py: `[time]` and tsa/*.pem are read strictly."""

from __future__ import annotations

import pytest

from evidencekit.errors import FormatError
from evidencekit.verify.time_policy import MAX_PEM, TimePolicy, read_time_policy


@pytest.fixture
def folder(tmp_path, tsa):
    (tmp_path / "tsa").mkdir()
    (tmp_path / "tsa" / "city-1.pem").write_bytes(tsa.Maker("City").root.pem)
    return tmp_path


def test_nothing_is_the_default(tmp_path):
    assert read_time_policy(tmp_path, {}) == TimePolicy(1, (), ())


def test_names_are_the_recipients(folder):
    policy = read_time_policy(folder, {"authorities": 2, "policies": ["1.2.3"]})
    assert (policy.authorities, policy.policies, [one.name for one in policy.known]) == (2, ("1.2.3",), ["city-1"])


@pytest.mark.parametrize(
    "table",
    [
        [], "x", {"authority": 1}, {"authorities": 0}, {"authorities": True}, {"authorities": 101},
        {"authorities": "2"}, {"policies": "1.2.3"}, {"policies": ["1.02"]}, {"policies": ["x"]}, {"policies": [1]},
    ],
)  # fmt: skip
def test_refused_tables(folder, table):
    with pytest.raises(FormatError):
        read_time_policy(folder, table)


@pytest.mark.parametrize("name", ["City.pem", "city.crt", "a b.pem", "x" * 41 + ".pem", "README"])
def test_refused_names(folder, name):
    (folder / "tsa" / name).write_bytes(b"")
    with pytest.raises(FormatError):
        read_time_policy(folder, {})


def test_refused_files(folder):
    (folder / "tsa" / "big.pem").write_bytes(bytes(MAX_PEM + 1))
    with pytest.raises(FormatError):
        read_time_policy(folder, {})
    (folder / "tsa" / "big.pem").unlink()
    (folder / "tsa" / "folder.pem").mkdir()
    with pytest.raises(FormatError):
        read_time_policy(folder, {})


def test_droppings_are_passed_over(folder):
    (folder / "tsa" / ".DS_Store").write_bytes(b"")
    assert len(read_time_policy(folder, {}).known) == 1


def test_a_file_in_place_of_the_folder(tmp_path):
    (tmp_path / "tsa").write_bytes(b"")
    with pytest.raises(FormatError):
        read_time_policy(tmp_path, {})
