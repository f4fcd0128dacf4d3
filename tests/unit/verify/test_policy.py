"""Policy folders are read strictly: what is not understood is refused, never dropped."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evidencekit.core.ed25519_points import SMALL_ORDER
from evidencekit.core.note import ED25519, ED25519_COSIGNATURE, MLDSA44, VerifierKey, format_vkey
from evidencekit.core.sshkeys import fingerprint
from evidencekit.errors import BadArgument, FormatError
from evidencekit.verify.policy import read_policy
from evidencekit.verify.tlog_policy import Group, parse_tlog_policy

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
KEY = KEY.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
FINGERPRINT = "SHA256:" + "A" * 43


def folder(tmp_path, policy="version = 1\n", signers=f"jane {KEY}\n", logs="quorum none\n", revoked=None):
    for name, text in (
        ("policy.toml", policy),
        ("allowed_signers", signers),
        ("logs.policy", logs),
        ("revoked.toml", revoked),
    ):
        if text is not None:
            (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return tmp_path


def test_the_least_policy(tmp_path):
    policy = read_policy(folder(tmp_path))
    assert policy.require == {"record", "identity", "custody"}
    assert policy.rule("any.example/x").vouched_by == ()
    assert policy.log_keys("any.example/x") == ()
    assert len(policy.signers) == 1


def test_everything_said(tmp_path):
    policy = read_policy(folder(
        tmp_path,
        policy="""version = 1
require = ["time", "record"]
[algorithms]
"ssh-rsa" = 2030-12-31
"ssh-ed25519" = true
[[log]]
origin = "unit7.example/a"
all_required_from = 0
min_size = 4
vouched_by = ["jane", "john"]
[[log]]
origin = "unit7.example/b"
""",
        revoked=f'[[key]]\nfingerprint = "{FINGERPRINT}"\nreason = "lost"\nsizes = {{"unit7.example/a" = 7}}\n',
    ))  # fmt: skip
    assert policy.require == {"record", "identity", "custody", "time"}
    assert policy.algorithms["ssh-ed25519"] is None
    assert policy.algorithms["ssh-rsa"] == 1_924_991_999_999_999_999
    assert policy.rule("unit7.example/a").vouched_by == ("jane", "john")
    assert (policy.rule("unit7.example/a").all_required_from, policy.rule("unit7.example/b").min_size) == (0, None)
    assert policy.revoked[FINGERPRINT].sizes == {"unit7.example/a": 7}


LOG = '[[log]]\norigin = "a.example/x"\n'
BAD_POLICY = [
    "", "version = 2\n", 'version = "1"\n', "version = true\n", "version = 1\nmore = 1\n", "version = 1\nversion = 1\n",
    'version = 1\nrequire = "record"\n', 'version = 1\nrequire = ["magic"]\n', "version = 1\nrequire = [1]\n",
    "version = 1\nalgorithms = 1\n", 'version = 1\n[algorithms]\n"ssh-dss" = true\n',
    'version = 1\n[algorithms]\n"ssh-rsa" = false\n', 'version = 1\n[algorithms]\n"ssh-rsa" = "2030"\n',
    'version = 1\n[algorithms]\n"ssh-rsa" = 2030-01-01T00:00:00Z\n', "version = 1\nlog = 1\n", "version = 1\nlog = [1]\n",
    "version = 1\n[[log]]\n", 'version = 1\n[[log]]\norigin = "nodot/x"\n', f"version = 1\n{LOG}min_size = -1\n",
    f"version = 1\n{LOG}min_size = 1.0\n", f"version = 1\n{LOG}min_size = true\n", f"version = 1\n{LOG}vkeys = []\n",
    f'version = 1\n{LOG}vouched_by = "jane"\n', f'version = 1\n{LOG}vouched_by = [""]\n', f"version = 1\n{LOG}{LOG}",
    f"version = 1\n{LOG}all_required_from = 9223372036854775808\n", b"version = 1 # \xff\n", b"\xef\xbb\xbfversion = 1\n",
    "version = 1\nx = " + "[" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_POLICY)
def test_what_is_not_understood_is_refused(tmp_path, text):
    with pytest.raises(BadArgument) as caught:
        read_policy(folder(tmp_path, policy=text))
    assert (caught.value.code, caught.value.exit_code) == ("U222", 2)


REASON = 'reason = "x"\n'
BAD_REVOKED = [
    "[[key]]\n", f'[[key]]\nfingerprint = "SHA256:x"\n{REASON}', f'[[key]]\nfingerprint = "{FINGERPRINT}"\n', "more = 1\n",
    f'[[key]]\nfingerprint = "{FINGERPRINT}"\n{REASON}more = 1\n',
    f'[[key]]\nfingerprint = "{FINGERPRINT}"\n{REASON}sizes = 1\n',
    f'[[key]]\nfingerprint = "{FINGERPRINT}"\n{REASON}sizes = {{"x" = 1}}\n',
    f'[[key]]\nfingerprint = "{FINGERPRINT}"\n{REASON}sizes = {{"a.example/x" = "1"}}\n',
    f'[[key]]\nfingerprint = "{FINGERPRINT}"\n{REASON}not_after = 2020-01-01\n',
    f'[[key]]\nfingerprint = "{FINGERPRINT}"\n{REASON}not_after = 2020-01-01T00:00:00\n',
    f'[[key]]\nfingerprint = "{FINGERPRINT}"\n{REASON}not_after = "2020-01-01"\n',
    2 * f'[[key]]\nfingerprint = "{FINGERPRINT}"\n{REASON}',
]  # fmt: skip


@pytest.mark.parametrize("text", BAD_REVOKED)
def test_revocations_are_read_strictly(tmp_path, text):
    with pytest.raises(BadArgument):
        read_policy(folder(tmp_path, revoked=text))


@pytest.mark.parametrize("name", ["policy.toml", "allowed_signers", "logs.policy", ""])
def test_a_missing_or_odd_file_is_refused(tmp_path, name):
    path = folder(tmp_path) / name if name else tmp_path / "nowhere"
    if name:
        path.unlink()
    with pytest.raises(BadArgument):
        read_policy(tmp_path if name else path)
    if name:
        path.mkdir()
        with pytest.raises(BadArgument):
            read_policy(tmp_path)


def test_too_large_a_file_is_refused(tmp_path):
    with pytest.raises(BadArgument):
        read_policy(folder(tmp_path, policy="version = 1\n" + "#" * (5 << 20)))


def test_a_ca_does_not_sign_by_itself(tmp_path):
    policy = read_policy(folder(tmp_path, signers=f"jane cert-authority {KEY}\n"))
    assert policy.signers[0].cert_authority
    assert policy.signers_of(fingerprint(policy.signers[0].key.blob)) == ()


@pytest.mark.parametrize(
    ("name", "text", "line"),
    [
        ("policy", "version = 1\nrequire = [1]\n", "line 2: require"),
        ("policy", "# x\nversion = 2\n", "line 2: version"),
        ("policy", f"version = 1\n{LOG}\n{LOG}", "line 5: [[log]]"),
        ("policy", "version = 1\n[[log]]\norigin = 1\n", "line 2: [[log]] origin"),
        ("policy", "version = 1\n[algorithms]\nx = true\n", "line 2: [algorithms]"),
        ("policy", "version = 1\nx = \n", "line 2"),
        ("revoked", f'[[key]]\nfingerprint = "{FINGERPRINT}"\nreason = "x"\n[[key]]\n', "line 4: [[key]]"),
        ("signers", f"# x\njane {KEY}\njane x\n", "line 3"),
        ("logs", "quorum none\nx\n", "line 2"),
    ],
)
def test_the_line_is_named(tmp_path, name, text, line):
    with pytest.raises(BadArgument) as caught:
        read_policy(folder(tmp_path, **{name: text}))
    assert line in caught.value.message


# --- C2SP tlog-policy ---------------------------------------------------------------------------------------------


def key(number: int, kind: int = ED25519_COSIGNATURE, name: str = "w.example/w") -> str:
    if kind == MLDSA44:
        return format_vkey(VerifierKey(name, kind, bytes([number]) * 1312))
    private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
    return format_vkey(VerifierKey(name, kind, private.public_key().public_bytes_raw()))


@pytest.mark.parametrize("role", ["log {}", "witness w {}"])
@pytest.mark.parametrize("point", [*sorted(SMALL_ORDER), bytes([2] * 32), b"\xff" * 32])
def test_odd_points_are_refused_with_their_line(role, point):
    kind = ED25519 if role.startswith("log") else ED25519_COSIGNATURE
    text = "# x\n" + role.format(format_vkey(VerifierKey("w.example/w", kind, point))) + "\nquorum none\n"
    with pytest.raises(FormatError, match=r"line 2: expected a key that every verifier accepts alike"):
        parse_tlog_policy(text.encode())


EXAMPLE = f"""# the example of the specification
log {key(0, ED25519, "l.example/l")}
log {key(0, MLDSA44, "l.example/l")} https://l.example/

\twitness X1 {key(1)}
witness X2 {key(2)} https://x2.example/
witness X3 {key(3, MLDSA44)}
group X-witnesses 2 X1 X2 X3
witness Y1 {key(4)}
group Y-witnesses any Y1
group X-and-Y all X-witnesses Y-witnesses
  # a comment
quorum X-and-Y
"""


def test_the_example():
    policy = parse_tlog_policy(EXAMPLE.encode())
    assert [log.kind for log in policy.logs] == [ED25519, MLDSA44]
    assert policy.witnesses.keys() == {"X1", "X2", "X3", "Y1"}
    assert policy.groups["X-witnesses"] == Group(2, ("X1", "X2", "X3"))
    assert policy.groups["Y-witnesses"].threshold == 1
    assert policy.groups["X-and-Y"] == Group(2, ("X-witnesses", "Y-witnesses"))
    assert policy.quorum == "X-and-Y"


def test_no_quorum_and_one_witness():
    assert parse_tlog_policy(b"quorum none\n").quorum is None
    assert parse_tlog_policy(f"witness W {key(1)}\nquorum W\n".encode()).quorum == "W"
    assert parse_tlog_policy(f"witness \xe9 {key(1)}\nquorum \xe9\n".encode()).quorum == "\xe9"


W = f"witness A {key(1)}\nwitness B {key(2)}\n"
BAD = {
    "empty": "", "no quorum": W, "two quorums": "quorum none\nquorum none\n", "no newline": "quorum none",
    "carriage return": "quorum none\r\n", "unknown word": "quorums none\n", "too many words": "quorum none x\n",
    "undefined": "quorum A\n", "defined later": f"quorum A\n{W}", "name twice": f"{W}witness A {key(3)}\nquorum none\n",
    "named none": f"witness none {key(1)}\nquorum none\n", "key twice": f"{W}witness C {key(1)}\nquorum none\n",
    "log key as witness": f"witness A {key(1, ED25519)}\nquorum none\n", "no vkey": "log x\nquorum none\n",
    "witness key as log": f"log {key(1)}\nquorum none\n", "no members": f"{W}group G any\nquorum none\n",
    "member none": f"{W}group G any none\nquorum none\n", "member twice": f"{W}group G any A A\nquorum none\n",
    "in two groups": f"{W}group G any A\ngroup H any A B\nquorum none\n", "itself": "group G any G\nquorum none\n",
    "threshold 0": f"{W}group G 0 A\nquorum none\n", "threshold 3": f"{W}group G 3 A B\nquorum none\n",
    "threshold +1": f"{W}group G +1 A B\nquorum none\n", "threshold 01": f"{W}group G 01 A B\nquorum none\n",
    "threshold some": f"{W}group G some A B\nquorum none\n", "vertical tab": "quorum\x0bnone\n", "delete": "quorum none\x7f\n",
    "no break space": "quorum\xa0none\n", "three urls": f"log {key(0, ED25519)} a b\nquorum none\n",
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_other_lines_are_refused(name):
    with pytest.raises(FormatError) as caught:
        parse_tlog_policy(BAD[name].encode())
    assert caught.value.place.startswith("logs.policy")


@pytest.mark.parametrize("data", [b"\xff quorum none\n", b"#\n" * 5000 + b"quorum none\n", b"#" * (2 << 20) + b"\n"])
def test_other_bytes_are_refused(data):
    with pytest.raises(FormatError):
        parse_tlog_policy(data)
