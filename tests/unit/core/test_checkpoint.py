from __future__ import annotations

import base64

import pytest

from evidencekit.core.checkpoint import (
    Checkpoint,
    check_origin,
    cosignature_message,
    ed25519_message,
    format_checkpoint,
    join_timestamped,
    log_signatures,
    mldsa44_message,
    parse_checkpoint,
    split_timestamped,
)
from evidencekit.core.note import ED25519, ED25519_COSIGNATURE, MLDSA44, Note, NoteSignature, VerifierKey
from evidencekit.errors import FormatError

ROOT64 = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
ROOT = base64.b64decode(ROOT64)
TEXT = f"example.com/behind-the-sofa\n20852163\n{ROOT64}\n"
CP = Checkpoint("example.com/behind-the-sofa", 20852163, ROOT)


def test_the_example_of_the_specification():
    assert parse_checkpoint(TEXT) == CP
    assert format_checkpoint(CP) == TEXT


@pytest.mark.parametrize("size", ["0", "1", "9223372036854775807"])
def test_sizes_re_format_to_themselves(size):
    text = TEXT.replace("20852163", size)
    assert parse_checkpoint(text).size == int(size)
    assert format_checkpoint(parse_checkpoint(text)) == text


@pytest.mark.parametrize(
    "size",
    [
        "",
        "00",
        "01",
        "+5",
        "-1",
        " 5",
        "5 ",
        "1_000",
        "0x10",
        "1e3",
        "5.0",
        "٣",
        "²",
        "9223372036854775808",
        "9" * 5000,
    ],
    ids=lambda size: ascii(size)[:30],
)
def test_other_spellings_of_a_size_are_refused(size):
    with pytest.raises(FormatError) as caught:
        parse_checkpoint(TEXT.replace("20852163", size))
    assert caught.value.place == "checkpoint size"


@pytest.mark.parametrize(
    "root",
    [
        "",
        ROOT64[:-1],
        ROOT64 + "=",
        ROOT64.replace("q2I=", "q2J="),
        ROOT64.replace("/", "_"),
        " " + ROOT64,
        ROOT64 + " ",
        ROOT.hex(),
        base64.b64encode(ROOT[:31]).decode(),
        base64.b64encode(ROOT + b"\x00").decode(),
    ],
    ids=repr,
)
def test_other_spellings_of_a_root_are_refused(root):
    with pytest.raises(FormatError) as caught:
        parse_checkpoint(TEXT.replace(ROOT64, root))
    assert caught.value.place == "checkpoint root"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n\n",
        TEXT[:-1],
        TEXT + "\n",
        TEXT + "an extension\n",
        "\n" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("\n", "\n\n", 1),
        TEXT.replace("\n", "\u2028", 1),
        TEXT.replace("\n", "\x0b", 1),
    ],
    ids=repr,
)
def test_anything_but_three_lines_is_refused(text):
    with pytest.raises(FormatError):
        parse_checkpoint(text)


@pytest.mark.parametrize(
    "origin",
    [
        "example.com/a",
        "sis.police.example/cases/2026-117",
        "case.invalid/00112233445566778899aabbccddeeff",
        "a.b/~x/_y/-z/.w",
        "a.b/" + "c" * 196,
    ],
)
def test_origins(origin):
    check_origin(origin)
    assert parse_checkpoint(TEXT.replace(CP.origin, origin)).origin == origin


@pytest.mark.parametrize(
    "origin",
    [
        "",
        "example.com",
        "example.com/",
        "example/a",
        "example/a.b",
        "/a.b",
        "a.b//c",
        "a.b/c/",
        "https://example.com/a",
        "example.com:80/a",
        "example.com/a b",
        "example.com/a+b",
        "example.com/a\n",
        "example.com/é",
        "example.com/%41",
        "example.com/\x00",
        "example.com/\ud800",
        "exаmple.com/a",  # noqa: RUF001 (a Cyrillic letter)
        "a.b/" + "c" * 197,
        "." * 200_000,
    ],
    ids=lambda origin: ascii(origin)[:40],
)
def test_other_origins_are_refused(origin):
    with pytest.raises(FormatError) as caught:
        check_origin(origin)
    assert caught.value.place == "origin"


@pytest.mark.parametrize(
    ("origin", "size", "root"), [("x", 1, ROOT), ("a.b/c", -1, ROOT), ("a.b/c", 2**63, ROOT), ("a.b/c", 1, b"")]
)
def test_a_checkpoint_that_could_not_be_written_does_not_exist(origin, size, root):
    with pytest.raises(FormatError):
        Checkpoint(origin, size, root)


# --- what is signed ------------------------------------------------------------------------------------------


def test_an_ed25519_line_signs_the_text():
    assert ed25519_message(CP) == TEXT.encode()


def test_an_ed25519_cosignature_signs_two_more_lines():
    assert cosignature_message(CP, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + TEXT.encode()
    assert cosignature_message(CP, 0).startswith(b"cosignature/v1\ntime 0\n")


def test_an_mldsa44_line_signs_the_cosigned_message():
    assert mldsa44_message(CP, name="witness.example.com/w1", timestamp=1679315147) == (
        b"subtree/v1\n\x00"
        b"\x16witness.example.com/w1"
        b"\x00\x00\x00\x00\x64\x18\x50\xcb"
        b"\x1bexample.com/behind-the-sofa"
        b"\x00\x00\x00\x00\x00\x00\x00\x00"
        b"\x00\x00\x00\x00\x01\x3e\x2d\xc3" + ROOT
    )


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "x" * 256, "é" * 128, "\ud800"])
def test_cosigner_names_have_1_to_255_bytes(name):
    mldsa44_message(CP, name="x" * 255, timestamp=0)
    with pytest.raises(FormatError):
        mldsa44_message(CP, name=name, timestamp=0)


@pytest.mark.parametrize("timestamp", [-1, 2**63])
def test_timestamps_end_at_2_to_the_63(timestamp):
    for make in (
        lambda: cosignature_message(CP, timestamp),
        lambda: mldsa44_message(CP, name="a", timestamp=timestamp),
        lambda: join_timestamped(timestamp, bytes(64)),
    ):
        with pytest.raises(FormatError):
            make()
    with pytest.raises(FormatError):
        split_timestamped(b"\x80" + bytes(71))


@pytest.mark.parametrize("size", [64, 2420])
@pytest.mark.parametrize("timestamp", [0, 1679315147, 2**63 - 1])
def test_timestamped_signatures(size, timestamp):
    joined = join_timestamped(timestamp, b"s" * size)
    assert joined[:8] == timestamp.to_bytes(8, "big")
    assert split_timestamped(joined) == (timestamp, b"s" * size)


@pytest.mark.parametrize("size", [0, 7, 8, 64, 71, 73, 2420, 2427, 2429])
def test_timestamped_signatures_of_other_lengths_are_refused(size):
    with pytest.raises(FormatError):
        split_timestamped(bytes(size))
    with pytest.raises(FormatError):
        join_timestamped(0, bytes(max(size - 8, 0)))


# --- a log's own two lines -----------------------------------------------------------------------------------

ED = VerifierKey(CP.origin, ED25519, b"e" * 32)
ML = VerifierKey(CP.origin, MLDSA44, b"m" * 1312)
ED_LINE = NoteSignature(ED.name, ED.key_id, b"1" * 64)
ML_LINE = NoteSignature(ML.name, ML.key_id, bytes(8) + b"2" * 2420)


def test_the_two_lines_of_a_log():
    assert log_signatures(Note(TEXT, (ED_LINE, ML_LINE)), ED, ML) == (b"1" * 64, b"2" * 2420)


@pytest.mark.parametrize(
    "lines",
    [
        (ED_LINE,),
        (ML_LINE,),
        (ML_LINE, ED_LINE),
        (ED_LINE, ED_LINE),
        (ED_LINE, ML_LINE, ML_LINE),
        (ED_LINE, ML_LINE, NoteSignature("witness", b"wwww", bytes(72))),
        (NoteSignature("other.example/a", ED.key_id, b"1" * 64), ML_LINE),
        (NoteSignature(ED.name, bytes(4), b"1" * 64), ML_LINE),
        (NoteSignature(ED.name, ED.key_id, b"1" * 63), ML_LINE),
        (ED_LINE, NoteSignature(ML.name, bytes(4), bytes(2428))),
        (ED_LINE, NoteSignature(ML.name, ML.key_id, bytes(72))),
        (ED_LINE, NoteSignature(ML.name, ML.key_id, bytes(2429))),
        (ED_LINE, NoteSignature(ML.name, ML.key_id, b"\x00" * 7 + b"\x01" + bytes(2420))),
        (ED_LINE, NoteSignature(ML.name, ML.key_id, b"\xff" * 2428)),
    ],
)
def test_other_lines_are_refused(lines):
    with pytest.raises(FormatError):
        log_signatures(Note(TEXT, lines), ED, ML)


@pytest.mark.parametrize(
    ("ed", "ml"),
    [
        (ML, ED),
        (VerifierKey(CP.origin, ED25519_COSIGNATURE, b"e" * 32), ML),
        (VerifierKey("other.example/a", ED25519, b"e" * 32), ML),
        (ED, VerifierKey("other.example/a", MLDSA44, b"m" * 1312)),
    ],
)
def test_the_keys_of_a_log_have_their_types_and_its_name(ed, ml):
    with pytest.raises(FormatError):
        log_signatures(Note(TEXT, (ED_LINE, ML_LINE)), ed, ml)
