"""Round trip or reject: whatever a parser of SSH texts accepts, it writes again; nothing but FormatError comes out."""

import base64
import fnmatch
import string

from hypothesis import given
from hypothesis import strategies as st

from evidencekit.core.allowed_signers import (
    AllowedSigner,
    format_allowed_signer,
    matches_pattern_list,
    parse_allowed_signers,
)
from evidencekit.core.ed25519_points import P, decode, encode, point_fault, signature_fault
from evidencekit.core.sshkeys import (
    EcdsaFields,
    Ed25519Fields,
    PublicKey,
    RsaFields,
    check_fingerprint,
    fingerprint,
    format_public_key_line,
    join_key_blob,
    key_fault,
    parse_public_key_line,
    split_key_blob,
)
from evidencekit.core.sshsig import (
    SignatureFields,
    SshSignature,
    format_sshsig,
    join_ecdsa_signature,
    join_signature_blob,
    parse_sshsig,
    split_ecdsa_signature,
    split_signature_blob,
)
from evidencekit.errors import FormatError
from evidencekit.read.signature import REASONS, verify_ed25519, verify_sshsig

KEY = parse_public_key_line("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea")
PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F))
NAMES = st.text(PRINTABLE, min_size=1, max_size=30)
SIGNATURES = st.builds(SshSignature, st.binary(max_size=200), NAMES, st.just("sha512"), st.binary(max_size=200))
SK = ("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
UINT32 = st.integers(0, 2**32 - 1)
SIGNATURE_FIELDS = st.one_of(
    st.builds(SignatureFields, NAMES.filter(lambda name: name not in SK), st.binary(max_size=100)),
    st.builds(SignatureFields, st.sampled_from(SK), st.binary(max_size=100), st.integers(0, 255), UINT32),
)
POINTS = st.binary(min_size=32, max_size=32)
KEYS = st.one_of(
    st.builds(Ed25519Fields, st.just("ssh-ed25519"), POINTS, st.none()),
    st.builds(Ed25519Fields, st.just(SK[0]), POINTS, st.binary(max_size=40)),
    st.builds(
        EcdsaFields,
        st.just("ecdsa-sha2-nistp256"),
        st.just("nistp256"),
        st.binary(min_size=64, max_size=64).map(lambda xy: b"\4" + xy),
        st.none(),
    ),
    st.builds(RsaFields, st.just("ssh-rsa"), st.integers(1, 2**70), st.integers(1, 2**3100)),
)


def mutated(data: bytes, draw) -> bytes:
    """One edit at a random place: a byte changed, dropped, doubled or put in."""
    place = draw(st.integers(0, len(data) - 1))
    kind = draw(st.sampled_from(["change", "drop", "double", "insert"]))
    if kind == "change":
        return data[:place] + draw(st.binary(min_size=1, max_size=1)) + data[place + 1 :]
    if kind == "drop":
        return data[:place] + data[place + 1 :]
    if kind == "double":
        return data[:place] + data[place : place + 1] + data[place:]
    return data[:place] + draw(st.binary(min_size=1, max_size=3)) + data[place:]


def accepted_or_format_error(parse, data):
    try:
        return parse(data)
    except FormatError:
        return None


@given(SIGNATURES)
def test_signatures_there_and_back(sig):
    assert parse_sshsig(format_sshsig(sig)) == sig


@given(SIGNATURES, st.data())
def test_no_second_spelling_of_a_signature(sig, data):
    wrong = mutated(format_sshsig(sig), data.draw)
    again = accepted_or_format_error(parse_sshsig, wrong)
    if again is not None:
        assert format_sshsig(again) == wrong
        assert (again == sig) == (wrong == format_sshsig(sig))


@given(st.binary(max_size=300))
def test_signature_parsers_on_any_bytes(data):
    body = base64.b64encode(data)
    frame = b"-----BEGIN SSH SIGNATURE-----\n%s\n-----END SSH SIGNATURE-----\n"
    for text in (data, frame % data, frame % body, frame % base64.b64encode(b"SSHSIG\0\0\0\1" + data)):
        sig = accepted_or_format_error(parse_sshsig, text)
        assert sig is None or format_sshsig(sig) == text
    fields = accepted_or_format_error(split_signature_blob, data)
    assert fields is None or join_signature_blob(fields) == data
    pair = accepted_or_format_error(split_ecdsa_signature, data)
    assert pair is None or join_ecdsa_signature(*pair) == data


@given(SIGNATURE_FIELDS)
def test_signature_blobs_there_and_back(fields):
    assert split_signature_blob(join_signature_blob(fields)) == fields


@given(KEYS)
def test_key_blobs_there_and_back(fields):
    blob = join_key_blob(fields)
    assert split_key_blob(blob) == fields
    check_fingerprint(fingerprint(blob))
    if key_fault(blob) is None:
        key = PublicKey(blob, fields.algorithm, "")
        assert parse_public_key_line(format_public_key_line(key)) == key


@given(KEYS, st.data())
def test_no_second_spelling_of_a_key(fields, data):
    wrong = mutated(join_key_blob(fields), data.draw)
    again = accepted_or_format_error(split_key_blob, wrong)
    assert again is None or join_key_blob(again) == wrong
    assert key_fault(wrong) in {None, "malformed_key", "unsupported_key", "weak_key", "key_rejected"}


@given(st.binary(max_size=200))
def test_key_parsers_on_any_bytes(data):
    fields = accepted_or_format_error(split_key_blob, data)
    assert fields is None or join_key_blob(fields) == data
    accepted_or_format_error(parse_public_key_line, data)
    accepted_or_format_error(parse_public_key_line, b"ssh-ed25519 " + data)
    accepted_or_format_error(parse_public_key_line, b"ssh-ed25519 " + base64.b64encode(data))


@given(st.text(max_size=80))
def test_lines_with_any_comment(comment):
    line = f"{format_public_key_line(KEY)} {comment}" if comment else format_public_key_line(KEY)
    key = accepted_or_format_error(parse_public_key_line, line)
    if key is not None and not line.endswith("\n"):
        assert key.comment == comment
        assert format_public_key_line(key) == line


@given(st.binary(max_size=200), st.text('a,*!" \t=#-Z019namespacesvalid-afterbefore\n', max_size=80))
def test_allowed_signers_on_any_bytes(data, text):
    accepted_or_format_error(parse_allowed_signers, data)
    line = f"{text} {format_public_key_line(KEY)}".encode()
    for signer in accepted_or_format_error(parse_allowed_signers, line) or ():
        assert signer.key.blob == KEY.blob
        again = accepted_or_format_error(format_allowed_signer, signer)
        if again is not None:
            assert parse_allowed_signers(again.encode())[0].principals == signer.principals


PATTERN = st.text("ab@.*?", min_size=1, max_size=12)
TIMES = st.none() | st.integers(1, 4_000_000_000)


@given(st.lists(PATTERN, min_size=1, max_size=3), st.none() | st.lists(PATTERN, min_size=1, max_size=2), TIMES, TIMES)
def test_allowed_signers_there_and_back(principals, namespaces, after, before):
    if after is not None and before is not None and before <= after:
        before = after + 1
    signer = AllowedSigner(tuple(principals), None if namespaces is None else tuple(namespaces), after, before, KEY, 1)
    assert parse_allowed_signers(format_allowed_signer(signer).encode()) == (signer,)


@given(PATTERN, st.text("ab@.", max_size=12))
def test_patterns_are_those_of_the_shell(pattern, subject):
    """fnmatch is a second, independent matcher; without brackets it knows the same two wildcards."""
    assert matches_pattern_list(subject, [pattern]) == fnmatch.fnmatchcase(subject, pattern)
    assert not matches_pattern_list(subject, [pattern, "!*"])
    assert not set(pattern) & set(string.ascii_uppercase)


@given(POINTS)
def test_points_there_and_back(encoded):
    point = decode(encoded)
    if point is not None:
        assert encode(point) == encoded
        x, y, z, t = point
        assert (x * y - z * t) % P == 0
    else:
        assert point_fault(encoded) in {"not_canonical", "not_on_curve"}


@given(st.binary(max_size=70), st.binary(max_size=70), st.binary(max_size=10), SIGNATURES)
def test_the_verifier_answers_and_does_not_raise(key, signature, message, sig):
    assert not verify_ed25519(key, signature, message)
    assert signature_fault(signature) is None or len(signature) == 64 or signature_fault(signature) == "length"
    assert verify_sshsig(sig, message, sig.namespace) in REASONS


@given(KEYS, SIGNATURE_FIELDS, st.binary(max_size=10))
def test_the_verifier_answers_to_well_formed_parts(fields, signature, message):
    sig = SshSignature(join_key_blob(fields), "file", "sha512", join_signature_blob(signature))
    assert verify_sshsig(sig, message, "file") in REASONS
