from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from evidencekit.core.note import (
    ED25519,
    ED25519_COSIGNATURE,
    MLDSA44,
    Note,
    NoteSignature,
    VerifierKey,
    format_note,
    format_vkey,
    parse_note,
    parse_vkey,
)
from evidencekit.errors import FormatError

# The examples of C2SP signed-note and tlog-cosignature.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
EXAMPLE = (
    "This is an example message.\n"
    "\n"
    "— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
POEM = (
    "Ognuno sta solo sul cuor della terra\n"
    "trafitto da un raggio di sole:\n"
    "\n"
    "ed è subito sera.\n"
    "\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
COSIGNED = (
    "example.com/behind-the-sofa\n"
    "20852163\n"
    "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n"
)


def test_the_example_of_the_specification_verifies():
    note, key = parse_note(EXAMPLE.encode()), parse_vkey(VKEY)
    assert note.text == "This is an example message.\n"
    (line,) = note.signatures
    assert key.matches(line)
    Ed25519PublicKey.from_public_bytes(key.key).verify(line.signature, note.text.encode())


def test_the_text_keeps_its_empty_lines():
    note = parse_note(POEM.encode())
    assert note.text.endswith("di sole:\n\ned è subito sera.\n")
    assert [line.name for line in note.signatures] == ["quasimodo.example/salvatore"]


@pytest.mark.parametrize(
    "text",
    [
        EXAMPLE,
        POEM,
        COSIGNED,
        "\n\n— a AAAAAAA=\n",  # the shortest text is one newline
        "\n\n\n\n— a AAAAAAA=\n",
        "x\n\n— a AAAAAAA=\n— a AAAAAAA=\n",  # twice the same line is allowed
        "x\n— a AAAAAAA=\n\n— a AAAAAAA=\n",  # a line in the text that looks like a signature
        "x\n\n— a AAAAAAA=\n\n— a AAAAAAA=\n",
        "\ufefftext\x7f\x85\n\n— é—“ AAAAAAA=\n",
    ],
    ids=repr,
)
def test_notes_re_format_to_themselves(text):
    assert format_note(parse_note(text.encode())) == text.encode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("message.\n", "message.\r\n"),
        ("message", "mess\tage"),
        ("message", "mess\x00age"),
        ("message", "mess\x1fage"),
        ("\n\n", "\n"),
        ("\n\n", "\n\n\x0b\n"),
        ("aQM=\n", "aQM="),
        ("aQM=\n", "aQM=\n\n"),
        ("aQM=\n", "aQM=\n \n"),
        ("aQM=\n", "aQM=\n— a AAAAAAA="),
        ("aQM=\n", "aQM=\nmore\n"),
        ("aQM=\n", "aQM= \n"),
        ("aQM=\n", "aQM=\r\n"),
        ("aQM=", "aQN="),  # bits that base64 throws away
        ("aQM=", "aQM"),
        ("aQM=", "aQM=="),
        ("aQM=", "aQM=AAAA"),
        ("Uw2Q", "Uw2 Q"),
        ("Uw2Q", "U-_Q"),
        ("Uw2Q", "Uw2Q\u00e9"),
        ("Uw2Q", " Uw2Q"),
        ("— ", "- "),
        ("— ", "—"),
        ("— ", "—  "),
        ("— ", " — "),
        ("example.com/foo ", " "),
        ("example.com/foo ", ""),
        ("com/foo", "com/f+oo"),
        ("com/foo", "com/f\u00a0oo"),
        ("com/foo", "com/f\u0085oo"),
        ("com/foo", "com/f\u3000oo"),
        ("com/foo", "com/f\u2028oo"),
        (EXAMPLE[EXAMPLE.index("Uw2Q") : -1], ""),
        (EXAMPLE[EXAMPLE.index("Uw2Q") : -1], "Uw2QOg=="),  # a key id and no signature
        (EXAMPLE[EXAMPLE.index("Uw2Q") : -1], "Uw2Q"),
        (EXAMPLE[EXAMPLE.index("—") :], ""),
    ],
    ids=repr,
)
def test_a_second_spelling_of_a_note_is_refused(old, new):
    assert EXAMPLE.count(old) == 1
    with pytest.raises(FormatError):
        parse_note(EXAMPLE.replace(old, new).encode())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"\n\n",
        b"\n\n\n",
        EXAMPLE.encode("utf-16"),
        EXAMPLE.encode().replace(b"message", b"m\xe9ssage"),
        EXAMPLE.encode().replace(b"message", b"\xed\xa0\x80"),  # a surrogate
        EXAMPLE.encode().replace(b"message", b"\xc1\xa1"),  # an overlong "a"
    ],
    ids=repr,
)
def test_what_is_no_note_is_refused(data):
    with pytest.raises(FormatError):
        parse_note(data)


def test_the_limits_of_a_note():
    line = "— a AAAAAAA=\n"
    most = f"x\n\n{line * 64}".encode()
    assert format_note(parse_note(most)) == most
    with pytest.raises(FormatError, match="64 signatures"):
        parse_note(most + line.encode())
    text = "x" * (2**20 - len(f"\n\n{line}".encode()))
    longest = f"{text}\n\n{line}".encode()
    assert len(longest) == 2**20
    assert format_note(parse_note(longest)) == longest
    with pytest.raises(FormatError, match="1048576 bytes"):
        parse_note(b"x" + longest)
    with pytest.raises(FormatError, match="1048576 bytes"):
        format_note(Note(f"x{text}\n", parse_note(longest).signatures))


GOOD = NoteSignature("a", b"1234", b"5")


@pytest.mark.parametrize(
    ("text", "signatures"),
    [
        ("", (GOOD,)),
        ("x", (GOOD,)),
        ("x\r\n", (GOOD,)),
        ("\ud800\n", (GOOD,)),
        ("x\n", ()),
        ("x\n", (GOOD,) * 65),
        ("x\n", (NoteSignature("", b"1234", b"5"),)),
        ("x\n", (NoteSignature("a b", b"1234", b"5"),)),
        ("x\n", (NoteSignature("a\n", b"1234", b"5"),)),
        ("x\n", (NoteSignature("\udfff", b"1234", b"5"),)),
        ("x\n", (NoteSignature("a", b"123", b"5"),)),
        ("x\n", (NoteSignature("a", b"12345", b"5"),)),
        ("x\n", (NoteSignature("a", b"1234", b""),)),
    ],
)
def test_a_note_that_could_not_be_written_does_not_exist(text, signatures):
    with pytest.raises(FormatError):
        Note(text, signatures)


def test_a_refusal_names_the_line_and_prints_nothing_foreign():
    with pytest.raises(FormatError) as caught:
        parse_note("x\n\n— a AAAAAAA=\n— a\u202e\u00a0 AAAAAAA=\n".encode())
    assert caught.value.place == "note signature 2"
    assert str(caught.value).isascii()
    assert len(str(caught.value)) < 200


# --- verifier keys -------------------------------------------------------------------------------------------


def test_the_verifier_key_of_the_specification():
    key = parse_vkey(VKEY)
    assert (key.name, key.kind, len(key.key), key.key_id.hex()) == ("example.com/foo", ED25519, 32, "530d903a")
    assert format_vkey(key) == VKEY


@pytest.mark.parametrize(("kind", "size"), [(ED25519, 32), (ED25519_COSIGNATURE, 32), (MLDSA44, 1312)])
def test_verifier_keys_re_format_to_themselves(kind, size):
    key = VerifierKey("example.com/é", kind, bytes(range(256)) * (size // 256) + bytes(size % 256))
    assert parse_vkey(format_vkey(key)) == key


def test_one_key_has_another_id_for_each_type_and_name():
    key = bytes(32)
    ids = {VerifierKey(name, kind, key).key_id for name in "ab" for kind in (ED25519, ED25519_COSIGNATURE)}
    assert len(ids) == 4


def test_a_line_matches_by_name_and_id_together():
    key = parse_vkey(VKEY)
    assert key.matches(NoteSignature(key.name, key.key_id, b"x"))
    assert not key.matches(NoteSignature("other", key.key_id, b"x"))
    assert not key.matches(NoteSignature(key.name, bytes(4), b"x"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "++",
        "a+00000000+",
        VKEY.replace("530d903a", "530D903A"),
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("530d903a", "530d903"),
        VKEY.replace("530d903a", " 530d903a"),
        VKEY.replace("example.com/foo", "example.com/fop"),
        VKEY.replace("example.com/foo", ""),
        VKEY.replace("example.com/foo", "example.com/f+oo"),
        VKEY.replace("example.com/foo", "example.com/f oo"),
        VKEY.replace("+AekyeRrm", "+AukyeRrm"),  # type 0x02
        VKEY + "\n",
        VKEY + "A",
        VKEY + "AAAA",
        VKEY[:-1],
        VKEY[:-4],
        "\ud800" + VKEY,
        VKEY + "\ud800",
        "x" * 20000 + VKEY,
    ],
    ids=lambda text: ascii(text)[:80],
)
def test_a_second_spelling_of_a_verifier_key_is_refused(text):
    with pytest.raises(FormatError):
        parse_vkey(text)


@pytest.mark.parametrize("kind", [0x00, 0x02, 0x03, 0x05, 0x07, 0xFF, 0x101])
def test_other_signature_types_are_refused(kind):
    with pytest.raises(FormatError, match="type 0x01, 0x04 or 0x06"):
        VerifierKey("example.com/foo", kind, bytes(32))


def test_a_name_that_ml_dsa_cannot_sign_with():
    """Such a key could verify nothing: it is refused where it is read, not where it is used."""
    VerifierKey("\u00e9" * 127, MLDSA44, bytes(1312))
    with pytest.raises(FormatError, match="255 bytes"):
        VerifierKey("\u00e9" * 128, MLDSA44, bytes(1312))
