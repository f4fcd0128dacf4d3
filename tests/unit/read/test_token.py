"""read/token.py and read/token_chain.py: each fault of a token by its code; a good one believed, whatever the date."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given, settings
from hypothesis import strategies as st

from evidencekit.errors import FormatError
from evidencekit.read import rogue_token, token_selftest
from evidencekit.read.token import MAX_TOKEN_FILE, parse_token
from evidencekit.read.token_chain import Authority, chain_fault, library_fault, parse_authority, path_fault
from evidencekit.read.token_checks import fault
from evidencekit.read.token_selftest import self_test

NOTE = b"unit7.example/24-117\n5\nroot\n"


@pytest.fixture(scope="module")
def city(tsa):
    return tsa.Maker("City")


@pytest.fixture(scope="module")
def at(tsa):
    return tsa.START + 100 * tsa.DAY


@pytest.fixture(scope="module")
def believed(city):
    return parse_authority("city", city.root.pem)


def code(token, authority, message=NOTE, **more):
    """The code of the first fault, None where there is none."""
    found = fault(token, message, **more) or chain_fault(token, authority)
    return None if found is None else found.code


def test_good_token(city, at, believed):
    token = parse_token(city.stamp(NOTE, at, nonce=7))
    assert code(token, believed, nonce=7) is None
    assert token.at_ns == int(at.timestamp()) * 10**9
    assert token.accuracy_ns == 10**9
    assert (token.by, token.nonce, token.policy) == ("City stamp", 7, "1.3.6.1.4.1.99999.1")
    assert believed.seems_to_have_made(token)


@pytest.mark.parametrize("more", [{"unsorted": True}, {"old_hash": True}, {"accuracy": None}, {"nonce": 2**159}])
def test_forms_that_authorities_use(city, at, believed, more):
    assert code(parse_token(city.stamp(NOTE, at, **more)), believed) is None


def test_fractions_of_a_second_count(city, at):
    token = parse_token(city.stamp(NOTE, at + timedelta(microseconds=250_001)))
    assert token.at_ns % 10**9 == 250_001_000


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"message": NOTE + b"x"}, "E422"),
        ({"digest": "SHA256"}, "E422"),
        ({"nonce": 8}, "E422"),
        ({"over": bytes(32)}, "E423"),
        ({"signature": b"\x30\x06\x02\x01\x01\x02\x01\x01"}, "E423"),
        ({"with_hash": False}, "E425"),
        ({"hash_of": b"another certificate"}, "E425"),
        ({"hash_of": b"another certificate", "old_hash": True}, "E425"),
    ],
)
def test_one_fault(tsa, city, at, believed, more, expected):
    more = dict(more)
    if "digest" in more:
        more["digest"] = tsa.SHA256
    token = parse_token(city.stamp(more.pop("message", NOTE), at, **more))
    assert code(token, believed, nonce=7 if "nonce" in more else None) == expected


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        ({"usage": ()}, "E424"),
        ({"usage": (ExtendedKeyUsageOID.SERVER_AUTH,)}, "E424"),
        ({"usage": (ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.CODE_SIGNING)}, "E424"),
        ({"critical": False}, "E424"),
        ({"days": 99}, "E426"),
        ({"days": 101}, None),
    ],
)
def test_certificates_of_the_signer(tsa, at, made, expected):
    """The certificate's days begin 100 before the token's time."""
    maker = tsa.Maker("City", **made)
    assert code(parse_token(maker.stamp(NOTE, at)), parse_authority("city", maker.root.pem)) == expected


def test_not_yet_valid_and_expired_root(tsa, at):
    late = tsa.Maker("City", begins=at + tsa.DAY)
    assert code(parse_token(late.stamp(NOTE, at)), parse_authority("city", late.root.pem)) == "E426"
    old = tsa.certify("Old", ca=True, days=10)
    signer = tsa.certify("Old stamp", old, usage=(tsa.STAMPING,))
    token = parse_token(tsa.make_response(signer, [signer.der], NOTE, at))
    authority = parse_authority("old", old.pem)
    assert code(token, authority) == "E426"
    assert path_fault(token, authority) is not None  # each check by itself
    assert library_fault(token, authority) is not None


def test_a_rogue_of_the_same_names(tsa, city, at, believed):
    rogue = tsa.Maker("City")
    token = parse_token(tsa.make_response(rogue.signer, [rogue.signer.der, rogue.below.der, rogue.root.der], NOTE, at))
    assert believed.seems_to_have_made(token)
    assert fault(token, NOTE) is None
    assert library_fault(token, believed) is not None
    assert path_fault(token, believed) is not None


def test_an_authority_of_other_names_is_only_unknown(tsa, at, believed):
    assert not believed.seems_to_have_made(parse_token(tsa.Maker("Elsewhere").stamp(NOTE, at)))


def test_what_stands_between_may_come_from_the_recipient(tsa, city, at):
    token = parse_token(tsa.make_response(city.signer, [city.signer.der], NOTE, at))
    assert code(token, parse_authority("city", city.root.pem)) == "E426"
    assert code(token, parse_authority("city", city.root.pem + city.below.pem)) is None


def test_long_expired_certificates_still_stand(tsa):
    """All certificates ended decades ago: what matters is the token's own time."""
    begins = tsa.datetime(1999, 1, 1, tzinfo=tsa.UTC)
    root = tsa.certify("Past", ca=True, begins=begins, days=900)
    signer = tsa.certify("Past stamp", root, usage=(tsa.STAMPING,), begins=begins, days=800)
    token = parse_token(tsa.make_response(signer, [signer.der], NOTE, begins + 30 * tsa.DAY))
    assert code(token, parse_authority("past", root.pem)) is None


@pytest.mark.parametrize("status", [1, 2, 3, -1, pytest.param(10**5000, id="huge")])
def test_not_granted(city, at, status):
    with pytest.raises(FormatError) as caught:
        parse_token(city.stamp(NOTE, at, status=status))
    assert caught.value.place == "time-stamp status"


def test_refused_forms(city, tsa, at):
    good = city.stamp(NOTE, at)
    for data in (b"", b"0", good[:-1], good + b"\0", bytes(MAX_TOKEN_FILE + 1), NOTE):
        with pytest.raises(FormatError):
            parse_token(data)
    with pytest.raises(FormatError):
        parse_token(city.stamp(NOTE, at, accuracy=86_401))
    with pytest.raises(FormatError):  # the signer's certificate is not there
        parse_token(tsa.make_response(city.signer, [city.below.der], NOTE, at))


def test_another_version_of_tstinfo(city, at):
    good, version = city.stamp(NOTE, at), b"\x02\x01\x01\x06"  # and the policy's OID follows
    assert good.count(version) == 1
    with pytest.raises(FormatError) as caught:
        parse_token(good.replace(version, b"\x02\x01\x02\x06"))
    assert caught.value.place == "TSTInfo"


def test_any_flipped_byte_is_refused(city, at, believed):
    """No byte can be changed but in what no signature covers: names in the wrapping that mean nothing."""
    good = city.stamp(NOTE, at)
    believed_anyway = 0
    for place in range(0, len(good), 7):
        data = good[:place] + bytes([good[place] ^ 0x10]) + good[place + 1 :]
        try:
            token = parse_token(data)
        except FormatError:
            continue
        if code(token, believed) is None:
            believed_anyway += 1
            assert (token.at_ns, token.imprint) == (parse_token(good).at_ns, parse_token(good).imprint)
    assert believed_anyway < 5


@settings(max_examples=200)
@given(st.binary(max_size=300))
def test_any_bytes(data):
    with pytest.raises(FormatError):
        parse_token(data)


@pytest.mark.parametrize("which", ["nothing", "leaf", "below"])
def test_what_is_no_authority(city, which):
    pem = {"nothing": b"no PEM", "leaf": city.root.pem + city.signer.pem, "below": city.below.pem}[which]
    with pytest.raises(FormatError):
        parse_authority("city", pem)


# --- the self-test ---------------------------------------------------------------------------------------------------


def test_self_test_is_content():
    assert self_test() == ""


@pytest.mark.parametrize("name", ["library_fault", "path_fault"])
@pytest.mark.parametrize("answer", [None, "no"])
def test_self_test_notices_either_check(monkeypatch, name, answer):
    """A check that believes everything, and one that refuses everything."""
    monkeypatch.setattr(token_selftest, name, lambda _token, _authority: answer)
    self_test.cache_clear()
    try:
        assert ("believed" if answer is None else "refused a good token") in self_test()
    finally:
        self_test.cache_clear()


def test_self_test_notices_a_reader_that_reads_nothing(monkeypatch):
    monkeypatch.setattr(rogue_token, "GOOD", "")
    self_test.cache_clear()
    try:
        assert "could not be read" in self_test()
    finally:
        self_test.cache_clear()


def test_embedded_roots_are_no_roots(city, at):
    """An authority without roots in hand believes nothing, whatever a token embeds."""
    token = parse_token(city.stamp(NOTE, at))
    assert chain_fault(token, Authority("empty", ())) is not None
