"""Lists of other tools: what is read of them, and what is said of lines that are not understood."""

from __future__ import annotations

import hashlib
import io
import tracemalloc

import pytest

from evidencekit.acquire import lists
from evidencekit.acquire.list_lines import Listed, Unreadable
from evidencekit.acquire.lists import MAX_KEPT, MAX_LINE, DigestList
from evidencekit.errors import BadArgument

MD5, SHA1, SHA256, SHA512 = (hashlib.new(kind, b"x").hexdigest() for kind in ("md5", "sha1", "sha256", "sha512"))
B = {kind: bytes.fromhex(text) for kind, text in (("md5", MD5), ("sha1", SHA1), ("sha256", SHA256), ("sha512", SHA512))}
HASHDEEP = "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## Invoked from: /tmp\n## $ hashdeep\n## \n"


def read(data, form="auto"):
    """The list, read to its end, and its entries."""
    listed = DigestList(io.BytesIO(data.encode() if isinstance(data, str) else data), form)
    entries = list(listed)
    assert listed.entries == len(entries)
    return listed, entries


def names(data, form="auto"):
    return [entry.name for entry in read(data, form)[1]]


# --- hashdeep -----------------------------------------------------------------------------------------------------


def test_hashdeep():
    listed, entries = read(HASHDEEP + f"1,{MD5},{SHA256},./docs/a.txt\n0,{MD5.upper()},{SHA256},b\n")
    assert (listed.form, listed.version, listed.assumed) == ("hashdeep", "1.0", "")
    digests = {"md5": B["md5"], "sha256": B["sha256"]}
    assert entries == [Listed(6, b"./docs/a.txt", 1, digests), Listed(7, b"b", 0, digests)]
    assert listed.digests == {"md5", "sha256"}
    assert (listed.unreadable_lines, listed.unreadable) == (0, [])


def test_hashdeep_names_are_bytes_with_commas_quotes_and_blanks():
    odd = [b"with,comma,", b' "q" ', b"caf\xe9", b"back\\slash", b"%%%% HASH", b"## c", b"x\ty", b"mid\rdle", b"U+0041"]
    lines = b"".join(b"1,%s,%s,%s\n" % (MD5.encode(), SHA256.encode(), name) for name in odd)
    assert names(HASHDEEP.encode() + lines) == odd


def test_hashdeep_of_other_columns():
    head = "%%%% HASHDEEP-1.0\n%%%% size,sha1,tiger,whirlpool,filename\n"
    _, entries = read(head + f"7,{SHA1},{'0' * 48},{'1' * 128},n\n")
    assert entries[0].digests == {"sha1": B["sha1"], "tiger": bytes(24), "whirlpool": b"\x11" * 64}


def test_hashdeep_lists_joined():
    second = "%%%% HASHDEEP-1.0\n%%%% size,sha1,filename\n"
    listed, entries = read(HASHDEEP + f"1,{MD5},{SHA256},a\n" + second + f"1,{SHA1},a\n")
    assert [set(entry.digests) for entry in entries] == [{"md5", "sha256"}, {"sha1"}]
    assert listed.digests == {"md5", "sha1", "sha256"}


def test_a_line_break_in_a_name_breaks_a_hashdeep_line():
    listed, entries = read(HASHDEEP + f"1,{MD5},{SHA256},./nl\nx\n1,{MD5},{SHA256},b\n")
    assert [entry.name for entry in entries] == [b"./nl", b"b"]
    assert listed.unreadable == [Unreadable(7, "fewer fields than the header has columns")]


HASHDEEP_FAULTS = {
    "size": f"-1,{MD5},{SHA256},n",
    "size with a sign": f"+1,{MD5},{SHA256},n",
    "size too large": f"{2**64},{MD5},{SHA256},n",
    "no size": f",{MD5},{SHA256},n",
    "digest of another length": f"1,{MD5}0,{SHA256},n",
    "digest that is none": f"1,{MD5[:-1]}g,{SHA256},n",
    "no digest": f"1,,{SHA256},n",
    "no name": f"1,{MD5},{SHA256},",
    "another header": "%%%% md5,filename",
    "long name": f"1,{MD5},{SHA256},{'n' * 131_073}",
}


@pytest.mark.parametrize("line", HASHDEEP_FAULTS.values(), ids=HASHDEEP_FAULTS)
def test_hashdeep_lines_that_are_not_understood(line):
    listed, entries = read(HASHDEEP + line + f"\n1,{MD5},{SHA256},good\n")
    assert [entry.name for entry in entries] == [b"good"]
    assert [unreadable.line for unreadable in listed.unreadable] == [6]


def test_hashdeep_without_columns():
    listed, entries = read(f"%%%% HASHDEEP-1.0\n1,{SHA256},n\n")
    assert entries == []
    assert listed.unreadable == [Unreadable(2, "no header says what its columns are")]


# --- coreutils ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("digest", "form", "kind"),
    [(MD5, "md5sum", "md5"), (SHA1, "sha1sum", "sha1"), (SHA256, "sha256sum", "sha256"), (SHA512, "sha512sum", "sha512")],
)  # fmt: skip
def test_sums_are_known_by_their_length_and_it_is_said(digest, form, kind):
    listed, entries = read(f"# a comment\n\n{digest}  docs/a b.txt\n{digest.upper()} *bin\n")
    assert (listed.form, listed.assumed) == (form, f"{len(digest)} digits are those of {kind}")
    assert entries == [Listed(3, b"docs/a b.txt", None, {kind: B[kind]}), Listed(4, b"bin", None, {kind: B[kind]})]


def test_sums_whose_form_is_said():
    listed, entries = read(f"{SHA256}  a\n", "b3sum")
    assert (listed.form, listed.assumed) == ("b3sum", "")
    assert entries[0].digests == {"blake3": B["sha256"]}


def test_escaped_names():
    lines = rb"\D  new\nline" + b"\n" + rb"\D  back\\slash" + b"\n" + rb"\D *cr\r" + b"\n" + rb"D  plain\n" + b"\n"
    assert names(lines.replace(b"D", SHA256.encode())) == [b"new\nline", b"back\\slash", b"cr\r", b"plain\\n"]


def test_names_with_blanks_around_them_stay():
    assert names(f"{SHA256}   lead\n{SHA256}  trail \n{SHA256}  *star\n") == [b" lead", b"trail ", b"*star"]


def test_one_blank_as_of_md5_minus_r():
    assert names(f"{MD5} a\n{MD5}  lead\n{MD5} *star\n") == [b"a", b" lead", b"*star"]


SUM_FAULTS = {
    "one blank": f"{SHA256} n",
    "no blank": f"{SHA256}n",
    "another kind": f"{MD5}  n",
    "unknown escape": rf"\{SHA256}  n\t",
    "escape cut off": f"\\{SHA256}  n\\",
    "no name": f"{SHA256}  ",
    "text": "sha256sum: locked: Permission denied",
    "odd digits": f"{SHA256}0  n",
    "not hex": f"{SHA256[:-1]}g  n",
}


@pytest.mark.parametrize("line", SUM_FAULTS.values(), ids=SUM_FAULTS)
def test_sums_that_are_not_understood(line):
    listed, entries = read(f"{SHA256}  first\n{line}\n{SHA256}  last\n")
    assert [entry.name for entry in entries] == [b"first", b"last"]
    assert [unreadable.line for unreadable in listed.unreadable] == [2]


# --- BSD ----------------------------------------------------------------------------------------------------------


def test_tagged():
    text = f"SHA256 (a) = {SHA256}\nMD5 (b) c) = ) = {MD5}\nSHA2-256(o)= {SHA256}\nSHA1 (a) = {SHA1}\nSHA384 (a) = {'0' * 96}\n"
    listed, entries = read(text)
    assert (listed.form, listed.assumed) == ("bsd", "")
    assert [(entry.name, *entry.digests) for entry in entries] == [
        (b"a", "sha256"), (b"b) c) = ", "md5"), (b"o", "sha256"), (b"a", "sha1"), (b"a", "sha384"),
    ]  # fmt: skip
    assert listed.digests == {"md5", "sha1", "sha256", "sha384"}


def test_tagged_with_escapes_and_all_kinds():
    text = rf"\SHA3-256 (n\nl\\) = {SHA256}" + f"\nBLAKE3 (b) = {SHA256}\nSHA512 (c) = {SHA512}\n"
    _, entries = read(text)
    assert [(entry.name, *entry.digests) for entry in entries] == [
        (b"n\nl\\", "sha3_256"), (b"b", "blake3"), (b"c", "sha512"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "line", [f"SHA256 (n) = {MD5}", "SHA256 (n) =", f"SHA256 n = {SHA256}", f"SHA256 () = {SHA256}"]
)
def test_tagged_lines_that_are_not_understood(line):
    listed, entries = read(f"SHA256 (a) = {SHA256}\n{line}\n")
    assert len(entries) == 1
    assert [unreadable.line for unreadable in listed.unreadable] == [2]


# --- tables -------------------------------------------------------------------------------------------------------


def test_a_table():
    text = f'path,size,md5,sha256\n"a,b",3,{MD5},{SHA256}\n"say ""x""\nagain",0,,{SHA256}\nfolder,,,\n'
    listed, entries = read(text)
    assert (listed.form, listed.assumed) == ("csv", "")
    assert listed.titles == {"path": "path", "size": "size", "md5": "md5", "sha256": "sha256"}
    assert entries == [
        Listed(2, b"a,b", 3, {"md5": B["md5"], "sha256": B["sha256"]}),
        Listed(3, b'say "x"\nagain', 0, {"sha256": B["sha256"]}),
        Listed(5, b"folder", None, {}),
    ]


EXPORTS = {
    "autopsy": f'"Name","Modified Time","Size","Known","Location","MD5 Hash","SHA-256 Hash","MIME Type"\n'
    f'"a.txt","2026","1","unknown","/img/a.txt","{MD5}","{SHA256}","text/plain"\n',
    "ftk": f'"MD5","SHA1","FileNames"\n"{MD5.upper()}","{SHA1.upper()}","img.E01\\Partition 1\\a.txt"\n',
    "encase": f"Name\tFull Path\tLogical Size\tHash Value\r\na.txt\tCase\\C\\a.txt\t1\t{MD5}\r\n",
    "semicolons": f"Filename;File size;Hash (SHA-1)\n/a.txt;1;{SHA1}\n",
    "checksum column": f"file,checksum\na.txt,{SHA512}\n",
}
EXPORTED = {
    "autopsy": (b"/img/a.txt", 1, {"md5", "sha256"}),
    "ftk": (b"img.E01\\Partition 1\\a.txt", None, {"md5", "sha1"}),
    "encase": (b"Case\\C\\a.txt", 1, {"md5"}),
    "semicolons": (b"/a.txt", 1, {"sha1"}),
    "checksum column": (b"a.txt", None, {"sha512"}),
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be-bom"])
@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_forensic_programs(name, encoding):
    text = EXPORTS[name]
    data = b"\xfe\xff" + text.encode("utf-16-be") if encoding == "utf-16-be-bom" else text.encode(encoding)
    listed, (entry,) = read(data)
    assert (entry.name, entry.size, set(entry.digests)) == EXPORTED[name]
    assert ("length" in listed.assumed) == (name in {"encase", "checksum column"})
    assert listed.sha256 == hashlib.sha256(data).digest()


def test_our_own_table(tmp_path):
    head = "item,index,path,path_hex,stream,kind,size,state,reason,target,sha256,blake3,md5,sha1,sha512,sha3_256,mtime_ns,mtime\r\n"
    rows = f"EX-001,0,,,,directory,,complete,,,,,,,,,,\r\nEX-001,1,caf\\xe9,636166e9,,file,1,complete,,,{SHA256},{SHA256},,,,,5,\r\n"
    stream = f"EX-001,2,a,,s,file,1,complete,,,{SHA256},{SHA256},,,,,5,\r\n"
    listed, entries = read(head + rows + stream)
    assert entries == [
        Listed(2, b"", None, {}),
        Listed(3, b"caf\xe9", 1, {"sha256": B["sha256"], "blake3": B["sha256"]}),
    ]
    assert listed.unreadable == [Unreadable(4, "a stream of a file, which has no name of its own")]


def test_bytes_of_a_table_that_are_not_utf8_stay():
    assert names(b"name,md5\ncaf\xe9,%s\n" % MD5.encode()) == [b"caf\xe9"]


def test_a_half_of_a_surrogate_pair_stays():
    text = f"name,md5\nx\ud800y,{MD5}\n"
    assert names(text.encode("utf-16", "surrogatepass")) == [b"x\xed\xa0\x80y"]


TABLE_FAULTS = {
    "fewer fields": f"n,{SHA256}",
    "more fields": f"n,1,{SHA256},x",
    "size": f"n,1 KB,{SHA256}",
    "digest": f"n,1,{MD5}",
    "bad quotes": f'"n"x,1,{SHA256}',
    "long name": f"{'n' * 131_073},1,{SHA256}",
    "longer than any field": f"{'n' * 140_000},1,{SHA256}",
}


@pytest.mark.parametrize("line", TABLE_FAULTS.values(), ids=TABLE_FAULTS)
def test_records_that_are_not_understood(line):
    listed, entries = read(f"name,size,sha256\n{line}\nlast,1,{SHA256}\n")
    assert [entry.name for entry in entries] == [b"last"]
    assert [unreadable.line for unreadable in listed.unreadable] == [2]


def test_a_digest_of_no_known_length():
    listed, entries = read(f"name,hash\na,{MD5}\nb,1234\nc,\n")
    assert [(entry.name, *entry.digests) for entry in entries] == [(b"a", "md5"), (b"c",)]
    assert [unreadable.line for unreadable in listed.unreadable] == [3]


def test_a_quote_that_is_never_closed_ends_with_the_file():
    listed, entries = read(f'name,md5\na,{MD5}\n"b,{MD5}\nc,{MD5}\n')
    assert [entry.name for entry in entries] == [b"a"]
    assert [unreadable.line for unreadable in listed.unreadable] == [3]


# --- any form -----------------------------------------------------------------------------------------------------


def test_line_ends_of_windows():
    assert names(HASHDEEP.replace("\n", "\r\n") + f"1,{MD5},{SHA256},C:\\a\r\n") == [b"C:\\a"]
    assert names(f"{SHA256}  a\r\n{SHA256}  b\r\n") == [b"a", b"b"]


def test_line_ends_inside_of_quotes_stay_in_a_table_of_windows():
    assert names(f'name,md5\r\n"a\r\nb\r",{MD5}\r\nc,{MD5}\r\n') == [b"a\r\nb\r", b"c"]


def test_a_carriage_return_is_part_of_a_name_where_lines_end_without():
    assert names(f"{SHA256}  a\n{SHA256}  b\r\n") == [b"a", b"b\r"]


def test_no_line_end_at_the_end():
    assert names(f"{SHA256}  a\n{SHA256}  b") == [b"a", b"b"]


def test_output_of_a_shell_that_writes_utf16():
    assert names((HASHDEEP + f"1,{MD5},{SHA256},ü\n").encode("utf-16")) == ["ü".encode()]


def test_utf16_that_is_cut_in_the_middle_of_a_character():
    data = f"{SHA256}  a\n{SHA256}  b".encode("utf-16")[:-1]
    assert names(data) == [b"a", "\ufffd".encode()]


def test_a_line_that_is_too_long(monkeypatch):
    monkeypatch.setattr(lists, "MAX_LINE", 100)
    for text, form in ((f"{SHA256}  %s\n", "sha256sum"), (f"SHA256 (%s) = {SHA256}\n", "bsd")):
        listed, entries = read(text % "a" + text % ("b" * 90) + text % "c" + (text % ("d" * 200)).rstrip("\n"))
        assert (listed.form, [entry.name for entry in entries]) == (form, [b"a", b"c"])
        assert listed.unreadable == [Unreadable(2, "the line is too long"), Unreadable(4, "the line is too long")]
    listed, entries = read(f"name,md5\na,{MD5}\n{'b' * 90},{MD5}\nc,{MD5}\n")
    assert [entry.name for entry in entries] == [b"a", b"c"]
    assert listed.unreadable == [Unreadable(3, "the line is too long")]


def test_memory_is_bounded_by_the_longest_line():
    class Endless(io.RawIOBase):
        left = 64 << 20

        def read(self, size=-1):
            if self.left == 64 << 20:
                self.left -= 80
                return f"{SHA256}  a\n".encode()
            taken = min(size, self.left)
            self.left -= taken
            return b"x" * taken

    tracemalloc.start()
    listed = DigestList(Endless())
    assert len(list(listed)) == 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert listed.unreadable_lines == 1
    assert peak < 8 * MAX_LINE


def test_the_first_of_many_lines_that_are_not_understood_are_kept():
    listed, _ = read(f"{SHA256}  a\n" + "?\n" * (MAX_KEPT + 5))
    assert (listed.unreadable_lines, len(listed.unreadable)) == (MAX_KEPT + 5, MAX_KEPT)


def test_what_stands_before_the_first_line_that_is_understood_is_counted():
    listed, entries = read(f"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{SHA256}  a\n-----BEGIN\n")
    assert (listed.form, len(entries)) == ("sha256sum", 1)
    assert [unreadable.line for unreadable in listed.unreadable] == [1, 2, 5]


@pytest.mark.parametrize("form", ["auto", "hashdeep", "sha256sum", "bsd", "csv"])
@pytest.mark.parametrize("data", [b"", b"\n\n", b"hello\n", b"\0" * 1000, b"a,b\n1,2\n", b"\xff\xfe", b"md5,size\n"])
def test_what_is_no_list(form, data):
    with pytest.raises(BadArgument) as caught:
        read(data, form)
    assert caught.value.code == "U217"


@pytest.mark.parametrize(
    ("data", "form"), [(f"{SHA256}  a\n", "bsd"), (HASHDEEP, "csv"), (f"name,md5\na,{MD5}\n", "md5sum")]
)
def test_a_list_of_another_form_than_was_said(data, form):
    with pytest.raises(BadArgument) as caught:
        read(data, form)
    assert caught.value.code == "U217"


def test_sums_of_another_kind_than_was_said_are_not_understood():
    listed, entries = read(f"{MD5}  a\n", "sha256sum")
    assert entries == []
    assert listed.unreadable_lines == 1


def test_a_list_read_in_small_pieces(monkeypatch):
    monkeypatch.setattr(lists, "_BLOCK", 3)
    data = (HASHDEEP + f"1,{MD5},{SHA256},ü\r\n").encode("utf-16")
    assert names(data) == ["ü\r".encode()]
