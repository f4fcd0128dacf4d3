"""allowed_signers: what ssh-keygen(1) says, and nothing that it would understand otherwise."""

import base64

import pytest

from evidencekit.core.allowed_signers import (
    AllowedSigner,
    find_principals,
    format_allowed_signer,
    matches_pattern_list,
    parse_allowed_signers,
)
from evidencekit.core.sshkeys import parse_public_key_line
from evidencekit.core.sshwire import put_string
from evidencekit.errors import FormatError

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAID1AF8PoQ4lakrcKp00bfrycmCzPLsSWjMDNVfEq9GYM"


def one(line: str) -> AllowedSigner:
    (signer,) = parse_allowed_signers(line.encode())
    return signer


def test_a_whole_file():
    signers = parse_allowed_signers(
        f"""# Unit 7
jane@unit7.example,j.doe@unit7.example {KEY} Jane

   # indented comment
*@court.example\tnamespaces="evidencekit-*,!evidencekit-package",valid-after="20260101Z",valid-before="20271231235959Z"  {OTHER}
"Jane Doe" {KEY}
""".encode()
    )
    assert [signer.line for signer in signers] == [2, 5, 6]
    assert signers[0].principals == ("jane@unit7.example", "j.doe@unit7.example")
    assert signers[0].key == parse_public_key_line(KEY + " Jane")
    assert (signers[0].namespaces, signers[0].valid_after, signers[0].valid_before) == (None, None, None)
    assert signers[1].namespaces == ("evidencekit-*", "!evidencekit-package")
    assert (signers[1].valid_after, signers[1].valid_before) == (1767225600, 1830297599)
    assert signers[2].principals == ("Jane Doe",)
    assert signers[1].matches("clerk@court.example", "evidencekit-event")
    assert not signers[1].matches("clerk@court.example", "evidencekit-package")
    assert not signers[1].matches("clerk@elsewhere.example", "evidencekit-event")
    blob = parse_public_key_line(KEY).blob
    assert [s.line for s in find_principals(signers, blob)] == [2, 6]
    assert [s.line for s in find_principals(signers, blob, principal="Jane Doe", namespace="file")] == [6]
    assert find_principals(signers, blob, principal="clerk@court.example") == ()
    assert find_principals(signers, parse_public_key_line(OTHER).blob, namespace="file") == ()


def test_an_empty_file_allows_nobody():
    assert parse_allowed_signers(b"") == parse_allowed_signers(b"\n# nobody\n\n") == ()


# misc.c and match.c of OpenSSH say the same
@pytest.mark.parametrize(
    ("patterns", "text", "expected"),
    [
        ("a", "a", True),
        ("a", "A", False),
        ("a", "ab", False),
        ("a*", "a", True),
        ("a*", "abc", True),
        ("*a", "bca", True),
        ("*a", "bcab", False),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("**", "", True),
        ("?", "", False),
        ("?", "a", True),
        ("?", "é", False),  # two bytes, as ssh counts them
        ("??", "é", True),
        ("a,b", "b", True),
        ("!a,*", "a", False),
        ("*,!a", "a", False),
        ("!a,*", "b", True),
        ("!a", "b", False),
        ("!*@x,j@x", "j@x", False),
        ("[a]", "a", False),
        ("a.c", "abc", False),
    ],
)
def test_patterns(patterns, text, expected):
    assert matches_pattern_list(text, patterns.split(",")) is expected


def test_a_hostile_pattern_takes_no_time():
    assert not matches_pattern_list("a" * 5000, ["*a" * 200 + "b"])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("19700102Z", 86400),
        ("20260228Z", 1772236800),
        ("20240229Z", 1709164800),
        ("202602281530Z", 1772292600),
        ("20260228153045Z", 1772292645),
    ],
)
def test_times_in_utc(text, seconds):
    assert one(f'a valid-after="{text}" {KEY}').valid_after == seconds
    assert one(f'a Valid-Before="{text}" {KEY}').valid_before == seconds  # keywords are case-insensitive


@pytest.mark.parametrize(
    "text",
    [
        "20260228",  # local time
        "202602281530",
        "20260228153045",
        "20260228UTC",
        "20260228z",
        "20260230Z",
        "20250229Z",
        "20260228240000Z",
        "20260228235960Z",
        "2026022815Z",
        "+2026022Z",
        "\uff12\uff10\uff12\uff160228Z",  # digits of another script
        "19700101Z",  # 0 means "not given" to ssh
        "19691231Z",
        "00000101Z",
        "",
        " 20260228Z",
    ],
)
def test_other_times_are_refused(text):
    with pytest.raises(FormatError):
        one(f'a valid-after="{text}" {KEY}')


def test_a_local_time_names_the_form_with_z():
    with pytest.raises(FormatError, match="allowed_signers line 1: valid-after: expected YYYYMMDDZ"):
        one(f'a valid-after="20260228" {KEY}')


REFUSED = [
    "a",
    KEY,
    f"{KEY} comment",
    f"a b {KEY}",
    f"a,,b {KEY}",
    f",a {KEY}",
    f"a, {KEY}",
    f"! {KEY}",
    f"a,! {KEY}",
    f'"a" {KEY}',  # quotes that are not needed: a second spelling
    f'"a b {KEY}',
    f'"" {KEY}',
    f'"a b, c" {KEY}',
    f'a"b" {KEY}',
    f"{'a' * 1023} {KEY}",
    f"a\x1bb {KEY}",
    f"a cert-authority,cert-authority {KEY}",
    f'a cert-authority="yes" {KEY}',
    f"a Cert-Authority, {KEY}",
    f"a cert-authority ssh-ed25519-cert-v01@openssh.com {KEY.split()[1]}",
    f"a ssh-ed25519-cert-v01@openssh.com {KEY.split()[1]}",
    f"a no-touch-required {KEY}",
    f"a namespaces=file {KEY}",
    f"a namespaces {KEY}",
    f'a namespaces="" {KEY}',
    f'a namespaces="a,,b" {KEY}',
    f'a namespaces="a\\"b" {KEY}',
    f'a namespaces="a",namespaces="b" {KEY}',
    f'a namespaces="a"namespaces="b" {KEY}',
    f'a namespaces="a", {KEY}',
    f'a ,namespaces="a" {KEY}',
    f'a namespaces="a" valid-after="20260101Z" {KEY}',
    f'a valid-after="20260102Z",valid-before="20260101Z" {KEY}',
    f'a valid-after="20260101Z",valid-before="20260101Z" {KEY}',
    'a namespaces="a"',
    f"a {KEY[:-4]}",
    f"a {KEY.replace('ssh-ed25519', 'ssh-rsa', 1)}",
    f"a {KEY.replace('ssh-ed25519', 'ssh-dss', 1)}",
    f"a {KEY}\r",
    f"\ufeffa {KEY}",
    f"a {KEY} com\0ment",
]


@pytest.mark.parametrize("line", REFUSED)
def test_other_lines_are_refused_with_their_number(line):
    with pytest.raises(FormatError, match="allowed_signers line 3"):
        parse_allowed_signers(f"# first\nz {KEY}\n{line}\n".encode())


def test_a_ca_certifies_and_does_not_sign():
    line = f'*@x.example Cert-Authority,namespaces="evidencekit-*",valid-before="20281231Z" {KEY} CA'
    signer = one(line)
    assert signer.cert_authority
    assert (signer.namespaces, signer.valid_before) == (("evidencekit-*",), 1861833600)
    assert find_principals([signer], signer.key.blob) == ()
    assert format_allowed_signer(signer) == line.replace("Cert-Authority", "cert-authority").replace("31Z", "31000000Z")
    assert not one(f"a {KEY}").cert_authority


def test_a_weak_key_is_refused_at_enrolment():
    small = put_string(b"ssh-ed25519") + put_string(bytes(32))
    with pytest.raises(FormatError, match=r"allowed_signers line 1.*key_rejected"):
        one(f"a ssh-ed25519 {base64.b64encode(small).decode()}")


def test_bytes_that_are_not_utf_8_are_refused():
    with pytest.raises(FormatError):
        parse_allowed_signers(b"\xff " + KEY.encode())


def test_too_large_a_file_is_refused():
    with pytest.raises(FormatError):
        parse_allowed_signers(b"#" * (4 << 20) + b"\n")


def test_written_lines_read_back():
    key = parse_public_key_line(KEY + " Jane Doe")
    for signer in (
        AllowedSigner(("a",), None, None, None, key),
        AllowedSigner(("Jane Doe",), ("evidencekit-*",), 1767225600, None, key),
        AllowedSigner(("*@x", "!b@x"), ("evidencekit-event",), 1767225600, 1830297599, key),
    ):
        again = one(format_allowed_signer(signer))
        assert again == AllowedSigner(
            signer.principals, signer.namespaces, signer.valid_after, signer.valid_before, key, 1
        )
    assert format_allowed_signer(AllowedSigner(("Jane Doe",), None, 1767225600, None, key)) == (
        f'"Jane Doe" valid-after="20260101000000Z" {KEY} Jane Doe'
    )


@pytest.mark.parametrize(
    "principals", [("#a",), ("",), ("a,b",), ('a"b',), (" a",), ("a\nb",), ("a\udc80",), (), ("ssh-ed25519",)]
)
def test_lines_that_would_not_read_back_are_not_written(principals):
    key = parse_public_key_line(KEY)
    if principals == ("ssh-ed25519",):  # odd, but a principal
        assert one(format_allowed_signer(AllowedSigner(principals, None, None, None, key))).principals == principals
        return
    with pytest.raises(FormatError):
        format_allowed_signer(AllowedSigner(principals, None, None, None, key))
