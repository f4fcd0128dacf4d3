"""verify/stamps.py and times.py: anchors in a case, what they prove, and what the policy makes of it."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC, datetime, timedelta

import pytest

from evidencekit.core import layout
from evidencekit.core.values import format_instant
from evidencekit.verify import stamps, times
from evidencekit.verify.verifier import verify_case

HOUR = timedelta(hours=1)
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """What is recorded here is recorded after NOW: on a slow day many minutes after."""
    monkeypatch.setattr(times, "CLOCK_TOLERANCE_NS", int(HOUR.total_seconds()) // 2 * 10**9)


@pytest.fixture(scope="module")
def city(tsa):
    return tsa.Maker("City")


@pytest.fixture(scope="module")
def state(tsa):
    return tsa.Maker("State")


class Stamped:
    """A builder, and authorities."""

    def __init__(self, build):
        self.build = build

    def stamp(self, maker, at=NOW, *, size=None, name=None, data=None, **more):
        """Stamp a checkpoint and enter it; `more` are members of the event's body, or go to the authority."""
        build = self.build
        size = len(build.leaves()) if size is None else size
        about = more.pop("about", str(size))
        made = {key: more.pop(key) for key in list(more) if key not in {"at", "by", "file", "sha256", "size", "kind"}}
        note = (build.case / layout.checkpoint_file(size)).read_bytes()
        data = maker.stamp(note, at, **made) if data is None else data
        file = layout.token_name(size, name or maker.name.lower())
        (build.case / "checkpoints" / file).write_bytes(data)
        ns = int(at.timestamp()) * 10**9
        body = {
            "at": format_instant(ns), "by": f"{maker.name} stamp", "file": file, "kind": "time-stamp",
            "sha256": hashlib.sha256(data).hexdigest(), "size": about,
        } | more  # fmt: skip
        build.enter(build.event("anchor", [], body))
        return build.case / "checkpoints" / file

    def policy(self, *makers, settings="", **more):
        origin = '[[log]]\norigin = "unit7.example/built"\n'
        folder = self.build.policy('require = ["time"]\n' + settings + origin, **more)
        (folder / "tsa").mkdir()
        for maker in makers:
            (folder / "tsa" / f"{maker.name.lower()}.pem").write_bytes(maker.root.pem)
        return folder

    def verify(self, *makers, **more):
        return verify_case(self.build.case, policy=self.policy(*makers, **more), now=time.time_ns())


@pytest.fixture
def stamped(sealed):
    return Stamped(sealed)


def codes(report):
    return {finding.code for finding in report.findings} - {"W903", "W907"}


def where(report, code):
    return [finding.where for finding in report.findings if finding.code == code]


def test_one_authority(stamped, city):
    stamped.stamp(city)
    report = stamped.verify(city)
    assert codes(report) == set()
    assert report.verdict == "VERIFIED"
    assert report.aspects["time"].status == "ok"
    latest = format_instant(int(NOW.timestamp()) * 10**9 + 10**9)
    assert report.times["bounds"] == [
        {"first": 0, "last": 2, "not_after": latest, "not_after_by": "city", "not_before": None, "not_before_by": None}
    ]
    assert report.times["covered_by"] == ["city"]
    assert report.checked["time_stamps"] == 1


def test_entries_after_an_anchor_have_an_earliest_time(stamped, city):
    stamped.stamp(city, NOW - HOUR)
    stamped.build.seal(exhibit="EX-002")
    report = stamped.verify(city)
    assert report.times["bounds"][-1]["first"] == 4
    assert report.times["bounds"][-1]["not_before_by"] == "city"
    assert report.aspects["time"].status == "not_checked"
    assert "up to 5; found none" in report.aspects["time"].reason


def test_two_are_two_authorities_not_two_tokens(stamped, city, state):
    wanted = "[time]\nauthorities = 2\n"
    size = len(stamped.build.leaves())
    stamped.stamp(city)
    stamped.stamp(city, size=size, name="again")
    report = stamped.verify(city, state, settings=wanted)
    assert report.verdict == "NOT CHECKED"
    assert "wants 2 authorities" in report.aspects["time"].reason
    stamped.stamp(state, size=size)
    assert stamped.verify(city, state, settings=wanted).verdict == "VERIFIED"


def test_an_unknown_authority_is_not_checked(stamped, city, state):
    stamped.stamp(state)
    report = stamped.verify(city)
    assert codes(report) == set()
    assert next(item.code for item in report.not_checked if item.aspect == "time") == "unknown_authority"
    assert report.verdict == "NOT CHECKED"
    assert report.times["bounds"] == []
    stamped.stamp(city)  # beside one that is known it hinders nothing
    assert stamped.verify(city).verdict == "VERIFIED"


def test_without_a_policy_what_holds_by_itself_is_checked(stamped, city):
    stamped.stamp(city)
    report = verify_case(stamped.build.case)
    assert report.verdict == "INTEGRITY ONLY"
    assert "nobody says whose" in report.aspects["time"].reason
    assert report.times["bounds"] == []


def test_no_anchor_at_all(sealed):
    report = verify_case(sealed.case)
    assert "no time-stamp is recorded" in report.aspects["time"].reason


def test_a_stamp_of_a_part_leaves_the_rest(stamped, city):
    stamped.stamp(city, size=1)
    report = stamped.verify(city)
    assert [span["last"] for span in report.times["bounds"]] == [0]
    assert report.aspects["time"].status == "not_checked"


# --- tokens that do not hold ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"data": b"no token"}, "E421"),
        ({"digest": "SHA256"}, "E422"),
        ({"over": bytes(32)}, "E423"),
        ({"with_hash": False}, "E425"),
        ({"hash_of": b"x"}, "E425"),
        ({"policy": "1.2.3.4"}, "E427"),
        ({"at": "2026-11-22T12:00:00.000000000Z"}, "E428"),
        ({"by": "Somebody else"}, "E428"),
        ({"file": "00000003.other.cosig"}, "E428"),
        ({"file": "../../etc/passwd"}, "E428"),
        ({"about": "2"}, "E428"),
        ({"sha256": "00" * 32}, "E201"),
    ],
)
def test_one_fault(stamped, tsa, city, more, code):
    more = dict(more)
    if "digest" in more:
        more["digest"] = tsa.SHA256
    body_at = more.pop("at", None)
    path = stamped.stamp(city, **more) if body_at is None else stamped_at(stamped, city, body_at)
    if "file" in more:
        path.unlink()
    report = stamped.verify(city, settings=f'[time]\npolicies = ["{tsa.POLICY}"]\n')
    assert codes(report) == {code}
    assert report.verdict == "FAILED"
    place = "custody/00000003/event.json" if code == "E428" else "checkpoints/00000003.city.tsr"
    assert where(report, code) == [place]


def stamped_at(stamped, maker, text):
    """An event that says another time than its token."""
    build = stamped.build
    size = len(build.leaves())
    data = maker.stamp((build.case / layout.checkpoint_file(size)).read_bytes(), NOW)
    path = build.case / "checkpoints" / layout.token_name(size, "city")
    path.write_bytes(data)
    body = {
        "at": text, "by": "City stamp", "file": path.name, "kind": "time-stamp",
        "sha256": hashlib.sha256(data).hexdigest(), "size": str(size),
    }  # fmt: skip
    build.enter(build.event("anchor", [], body))
    return path


def test_about_another_checkpoint(stamped, city):
    other = (stamped.build.case / layout.checkpoint_file(1)).read_bytes()
    stamped.stamp(city, data=city.stamp(other, NOW))
    assert codes(stamped.verify(city)) == {"E422"}


def test_a_rogue_of_the_same_names(stamped, tsa, city):
    rogue = tsa.Maker("City")
    stamped.stamp(rogue)
    report = stamped.verify(city)
    assert codes(report) == {"E426"}
    assert report.verdict == "FAILED"


def test_purposes(stamped, tsa):
    wrong = tsa.Maker("City", usage=(tsa.ExtendedKeyUsageOID.CODE_SIGNING,))
    stamped.stamp(wrong)
    assert codes(stamped.verify(wrong)) == {"E424"}
    assert codes(verify_case(stamped.build.case)) == {"E424"}  # without a policy, too


def test_expired_when_it_was_made(stamped, tsa):
    old = tsa.Maker("City", days=3)
    stamped.stamp(old)
    assert codes(stamped.verify(old)) == {"E426"}


def test_files(stamped, city):
    path = stamped.stamp(city)
    data = path.read_bytes()
    path.unlink()
    assert codes(stamped.verify(city)) == {"E501"}
    path.write_bytes(data)
    (path.parent / "00000003.stray.tsr").write_bytes(data)
    assert codes(stamped.verify(city)) == {"W902"}


def test_the_stamped_checkpoint_is_gone(stamped, city):
    stamped.stamp(city)
    (stamped.build.case / layout.checkpoint_file(3)).unlink()
    assert "E502" in codes(stamped.verify(city))


def test_a_checkpoint_that_does_not_hold_proves_no_time(stamped, city):
    note = stamped.build.case / layout.checkpoint_file(3)
    note.write_bytes(note.read_bytes().replace(b"\n3\n", b"\n3\n") + b"x")
    stamped.stamp(city)
    report = stamped.verify(city)
    assert report.times["bounds"] == []
    assert any(item.code == "gap" and item.aspect == "time" for item in report.not_checked)


# --- contradictions --------------------------------------------------------------------------------------------------


def test_times_against_the_order_of_the_log(stamped, city, state):
    stamped.stamp(city, NOW)
    stamped.build.seal(exhibit="EX-002")
    stamped.stamp(state, NOW - HOUR)
    report = stamped.verify(city, state)
    assert codes(report) == {"E429", "W931"}
    assert where(report, "E429") == ["custody/00000004"]


def test_within_their_accuracy_they_do_not_contradict(stamped, city, state):
    stamped.stamp(city, NOW, accuracy=40)
    stamped.build.seal(exhibit="EX-002")
    stamped.stamp(state, NOW - timedelta(seconds=60), accuracy=30)
    assert "E429" not in codes(stamped.verify(city, state))


def test_a_clock_that_was_off(stamped, city):
    stamped.stamp(city, NOW - HOUR)
    report = stamped.verify(city)
    assert codes(report) == {"W931"}
    assert where(report, "W931") == ["custody/00000000/entry"]
    assert report.verdict == "VERIFIED"


# --- the program itself ----------------------------------------------------------------------------------------------


def test_a_program_that_fails_its_test_believes_nothing(stamped, city, monkeypatch):
    monkeypatch.setattr(stamps, "self_test", lambda: "it believed a rogue")
    stamped.stamp(city)
    report = stamped.verify(city)
    assert report.aspects["time"].status == "not_checked"
    assert "it believed a rogue" in report.aspects["time"].reason
    assert report.times["bounds"] == []


def test_many_anchors_are_bounded(stamped, city, monkeypatch):
    monkeypatch.setattr(stamps, "MAX_ANCHORS", 1)
    size = len(stamped.build.leaves())
    stamped.stamp(city)
    stamped.stamp(city, size=size, name="again")
    report = stamped.verify(city)
    assert any(item.code == "too_many" for item in report.not_checked)
    assert report.aspects["time"].status == "not_checked"


def test_only_so_many_bounds_are_listed(stamped, city, monkeypatch):
    monkeypatch.setattr(times, "MAX_BOUNDS", 1)
    for size in (1, 2, 3):
        stamped.stamp(city, NOW + timedelta(seconds=size), size=size, name=f"n{size}")
    record = stamped.verify(city).times
    assert (len(record["bounds"]), record["bounds_total"]) == (1, 5)


# --- persons, by proven times ----------------------------------------------------------------------------------------


def window(build, options):
    return f"examiner {options} {build.public_key()}\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ('valid-before="20991231Z"', "ok"),  # nobody has signed later than now
        ('valid-after="20200101Z"', "not_checked"),  # no earliest time is proven for the first entries
        ('valid-before="20200101Z"', "failed"),
        ('valid-after="20990101Z"', "failed"),
    ],
)
def test_windows_of_keys(stamped, city, options, expected):
    stamped.stamp(city)
    stamped.stamp(city, size=4, name="later")
    report = stamped.verify(city, signers=window(stamped.build, options))
    assert report.aspects["identity"].status == expected
    open_ = [item.where for item in report.not_checked if item.code == "unproven_time"]
    named = where(report, "E409")
    wanted = {
        'valid-after="20200101Z"': (range(4), []),
        'valid-before="20200101Z"': (range(4), [4]),
        'valid-after="20990101Z"': ([], range(5)),
    }.get(options, ([], []))
    assert (open_, named) == tuple([layout.event_file(entry) for entry in entries] for entries in wanted)


def test_signed_after_the_key_had_ended(stamped, city):
    stamped.stamp(city)
    stamped.build.seal(exhibit="EX-002")
    report = stamped.verify(city, signers=window(stamped.build, 'valid-before="20200101Z"'))
    assert where(report, "E409") == ["custody/00000004/event.json", "custody/00000005/event.json"]


def test_revoked_not_after(stamped, city):
    stamped.stamp(city, NOW - 2 * HOUR)
    key = stamped.build.signer.fingerprint
    ended = (NOW - HOUR).strftime("%Y-%m-%dT%H:%M:%SZ")
    revoked = f'[[key]]\nfingerprint = "{key}"\nreason = "lost"\nnot_after = {ended}\n'
    report = stamped.verify(city, revoked=revoked)
    assert where(report, "E410") == ["custody/00000003/event.json"]  # the anchor: nothing proves that it is older


def test_whoever_vouches_has_a_window(stamped, city):
    stamped.stamp(city)
    settings = 'require = []\n[[log]]\norigin = "unit7.example/built"\nvouched_by = ["examiner"]\n'
    found = {}
    for options in ('valid-before="20991231Z"', 'valid-after="20200101Z"', 'valid-after="20990101Z"'):
        folder = stamped.build.policy(settings, signers=window(stamped.build, options), logs="quorum none\n")
        (folder / "tsa").mkdir()
        (folder / "tsa" / "city.pem").write_bytes(city.root.pem)
        report = verify_case(stamped.build.case, policy=folder, now=time.time_ns())
        found[options] = ("E407" in codes(report), report.checked.get("log_policy", 0))
    assert list(found.values()) == [(False, 1), (False, 0), (True, 0)]
