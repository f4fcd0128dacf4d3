"""One source with everything in it that has hurt a tool, or could; each entry with its reason.

`build` makes it. What a file system or user cannot make is named in `Tree.missing`, never silently left out.
"""

# names are bytes here, which pathlib does not take

from __future__ import annotations

import contextlib
import os
import socket
import stat
import struct
import subprocess
from dataclasses import dataclass, field
from typing import BinaryIO

NAMES = (
    (b"plain", "nothing is wrong with it"),
    (b"\xff\xfe", "no UTF-8: bagit-python and evidence-seal die"),
    (b"caf\xe9.txt", "Latin-1, as a stick from 2003 has it"),
    (b"lone\xed\xa0\x80", "WTF-8: a high surrogate alone"),
    (b"lone\xed\xb3\xbf", "WTF-8: the low surrogate by which Python itself spells the byte ff"),
    (b"pair\xed\xa0\xbd\xed\xb8\x80", "CESU-8: a pair of surrogates, each by itself"),
    (b"over\xc0\xaflong", "an overlong slash"),
    (b"beyond\xf4\x90\x80\x80", "a code point beyond the last"),
    (b"a\xff", "a byte that is escaped when shown"),
    (b"a\\xff", "what that looks like if a backslash is not escaped, too"),
    (b"new\nline", "hashdeep's list cannot be parsed"),
    (b"new\\nline", "what that looks like if a backslash is not escaped, too"),
    (b"new%0Aline", "bagit-python cannot tell it from the line break"),
    (b"\n", "nothing but a line break"),
    (b"return\rover", "the terminal writes over the line"),
    (b"tab\there", "a column of its own in a list"),
    (b"[/red]x", "closes a style where messages are markup"),
    (b"[red]x", "opens one"),
    (b"[bold red]x[\\]", "with a backslash before the bracket"),
    (b"\x1b[31mred", "ESC: colours"),
    (b"\x1b[2J\x1b[H", "ESC: wipes the screen"),
    (b"\x1b]0;title\x07", "ESC: names the window"),
    (b"\x1b]8;;http:evil\x1b\\link", "ESC: a link to somewhere else"),
    (b"\x9b31m", "C1 as a byte: the same in a Latin-1 terminal"),
    ("\u009b31m".encode(), "C1 in UTF-8: the same in some terminals"),
    ("nel\u0085".encode(), "C1: next line"),
    (b"\x01\x02\x1f", "other controls"),
    (b"back\b\b\b\bspace", "controls that rub out what stands before"),
    (b"del\x7f", "DEL"),
    ("rlo\u202egpj.exe".encode(), "right-to-left override: reads rloexe.jpg"),
    ("rli\u2067gpj\u2069.exe".encode(), "right-to-left isolate"),
    ("rlm\u200f.\u061c.lrm\u200e".encode(), "directional marks"),
    ("\u05d0\u05d1\u05d2 123 \u0627\u0628".encode(), "letters that run from right to left by themselves"),
    ("zero\u200bwidth\ufeff".encode(), "characters that nobody sees"),
    ("tag\U000e0041\U000e007f".encode(), "tag characters: nobody sees them either"),
    ("line\u2028para\u2029".encode(), "line ends that are no controls"),
    ("\u0301e".encode(), "begins with an accent"),
    ("\u00e9".encode(), "look-alike: one code point (NFC)"),
    ("e\u0301".encode(), "look-alike: letter and accent (NFD)"),
    (b"paypal", "look-alike: Latin"),
    ("p\u0430yp\u0430l".encode(), "look-alike: with two Cyrillic letters"),
    (b"x" * 255, "as long as a name may be"),
    ("\u8a9e".encode() * 85, "as long as a name may be, and three times as long with %-escapes"),
    (b"\xff" * 255, "as long as a name may be, four times as long when shown"),
    (b"-", "standard input, to sha256sum"),
    (b"-rf", "an option"),
    (b"--help", "an option"),
    (b" ", "nothing to see"),
    (b" blank", "begins with a blank"),
    (b"blank ", "ends with one"),
    (b"blank", "the same without"),
    (b"blank\t", "ends with a tab"),
    ("blank\u00a0".encode(), "ends with a blank that does not break"),
    (b"...", "three dots"),
    (b".hidden", "one dot"),
    (b"dots.", "Windows drops the dot"),
    (b"Case", "differ in letter case only"),
    (b"case", "differ in letter case only"),
    (b"CASE", "differ in letter case only"),
    (b"NUL.txt", "a device, to Windows"),
    (b"a:b", "a stream, to Windows"),
    (b"back\\slash", "a folder, to Windows"),
    (b"*", "a glob"),
    (b"?[a-z]{b}", "a glob"),
    (b"$(id)`id`;id|id&", "a shell's delight"),
    (b"'\"", "quotes"),
    (b"=1+1", "a spreadsheet computes it"),
    (b"</td><script>", "a browser runs it"),
    (b"null", "JSON"),
    (b"(the source)", "what a listing may say of the source itself"),
    (b"# file: x", "a comment, or getfattr's own heading"),
)
"""Each is the name of a file, of a folder and of a link, and the target of a link."""

TIMES = {
    "epoch": 0,
    "before": -1,
    "negative": -2_999_999_995,
    "year 1901": -(2**31) * 10**9,
    "before 1901": -(2**31) * 10**9 - 1,
    "year 1677": -(2**63),
    "year 2038": 2**31 * 10**9,
    "year 2262": 2**63 - 1,
    "beyond 64 bits": 2**63,
    "year 2446": 15_032_385_535 * 10**9 + 999_999_999,
    "year 318857": 10_000_000_000_000 * 10**9 + 7,
    "year -314946": -10_000_000_000_000 * 10**9,
}
"""What is asked for; what stands there then is for the file system to say (ext4 ends in 2446)."""

SIZES = {
    "0": 0, "1": 1, "block-1": (1 << 20) - 1, "block": 1 << 20, "block+1": (1 << 20) + 1,
    "large-1": (32 << 20) - 1, "large+1": (32 << 20) + 1,
}  # fmt: skip
"""Around the sizes at which reading is done another way."""

MANY = 300
DEPTH = 200
FOREIGN = 4_000_000_000
"""An owner that nobody knows, beyond 31 bits."""
CANARY = b"canary"
"""Stands in the content and in the name of whatever must never be read."""


@dataclass
class Tree:
    """A source that was built."""

    root: bytes
    outside: bytes
    """A folder beside the source to which links lead; nothing in it may ever be opened."""
    missing: dict[str, str] = field(default_factory=dict)
    """What could not be made, and why."""
    times: dict[bytes, int] = field(default_factory=dict)
    """Path to the time asked for."""
    attributes: list[str] = field(default_factory=list)
    """Extended attributes that were set, one entry for each."""

    def path(self, *parts: bytes) -> bytes:
        """Return the absolute path of an entry, its folder made."""
        whole = b"/".join((self.root, *parts))
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        return whole

    def file(self, *parts: bytes, data: bytes | None = None) -> bytes:
        """Write a file; its content tells its path unless given."""
        whole = self.path(*parts)
        with open(whole, "wb") as file:
            file.write(b"content of " + b"/".join(parts) if data is None else data)
        return whole

    @contextlib.contextmanager
    def may_fail(self, what: str):
        """Note what this system or user cannot make."""
        try:
            yield
        except OSError as error:
            self.missing[what] = str(error.strerror)

    def entries(self) -> list[bytes]:
        """Return the path of every entry, the source's own (empty) first, as the one who built it sees them."""
        found = [b""]
        for path, folders, files, _ in os.fwalk(self.root):
            above = path[len(self.root) + 1 :]
            found += [(above + b"/" if above else b"") + name for name in folders + files]
        return found


def build(folder: bytes, *, many: int = MANY, depth: int = DEPTH) -> Tree:
    """Build the source `src…` in a folder, with `outside` beside it."""
    tree = Tree(folder + b"/src\x1b]0;owned\x07\xff\n", folder + b"/outside")
    os.mkdir(tree.root)
    os.mkdir(tree.outside)
    with open(tree.outside + b"/" + CANARY, "wb") as file:
        file.write(CANARY)
    for make in (names, _kinds, _links, _closed, _attributes, _contents, _times, _owners):
        make(tree)
    fill(tree, many)
    _deep(tree, depth)
    return tree


def remove(tree: Tree) -> None:
    """Remove it, whatever holds it."""
    top = os.path.dirname(tree.root)
    for name in (b"immutable", b"append-only"):
        subprocess.run(["chattr", "-ia", tree.root + b"/attributes/" + name], capture_output=True, check=False)
    for name in (b"folder", b"listed", b"entered"):
        with contextlib.suppress(OSError):
            os.chmod(tree.root + b"/closed/" + name, 0o700)
    subprocess.run(["rm", "-rf", "--", top], check=True)


def names(tree: Tree) -> None:
    """Make a file, a folder and a link of each name."""
    for name, _ in NAMES:
        tree.file(b"names", name)
        tree.file(b"folders", name, b"inside")
        os.symlink(name, tree.path(b"links", name))
    tree.file(b"folders", b"\xff", b"\n", b"\x1b[0m", b"three odd ones above")


def _kinds(tree: Tree) -> None:
    os.mkfifo(tree.path(b"kinds", b"fifo"))  # opened without care, it blocks for ever (hashdeep)
    with tree.may_fail("socket"):
        here = os.getcwd()
        try:
            os.chdir(os.path.dirname(tree.path(b"kinds", b"socket")))  # the path of a socket is short
            with socket.socket(socket.AF_UNIX) as listening:
                listening.bind("socket")
        finally:
            os.chdir(here)
    with tree.may_fail("device nodes"):
        os.mknod(tree.path(b"kinds", b"zero"), stat.S_IFCHR | 0o666, os.makedev(1, 5))  # endless if read
        os.mknod(tree.path(b"kinds", b"high numbers"), stat.S_IFCHR | 0o600, os.makedev(4095, 1048575))
        os.mknod(tree.path(b"kinds", b"block"), stat.S_IFBLK | 0o600, os.makedev(7, 200))
    os.makedirs(tree.path(b"empty", b"emptier", b"emptiest"))  # git and bags lose empty folders


def _links(tree: Tree) -> None:
    for name, target in {
        b"dangling": b"nowhere",  # stops a whole bag (bagit-python)
        b"loop": b"loop",
        b"ring 1": b"ring 2",
        b"ring 2": b"ring 1",
        b"here": b".",  # endless if followed (hashdeep)
        b"up": b"..",
        b"far up": b"../../../../../../../../..",
        b"outside": b"../../outside",
        b"outside, absolute": tree.outside,
        b"outside, a file": tree.outside + b"/" + CANARY,
        b"passwords": b"/etc/passwd",
        b"console": b"/dev/console",  # pyaff4 read it
        b"zero": b"/dev/zero",
        b"folder": b"../many",  # counted twice if followed
        b"slashes": b"///etc//passwd/",
        b"long": b"t" * 4095,  # as long as a target may be
        b"odd": b"\xff\n\x1b[31m\xed\xa0\x80",
    }.items():
        with tree.may_fail(f"link {name.decode()}"):
            os.symlink(target, tree.path(b"targets", name))
    first = tree.file(b"hard", b"same folder 1")  # one file, four names, two folders
    for other in ((b"hard", b"same folder 2"), (b"hard", b"below", b"another"), (b"hard too", b"and another")):
        os.link(first, tree.path(*other))
    os.mkfifo(tree.path(b"hard", b"pipe"))
    os.link(tree.path(b"hard", b"pipe"), tree.path(b"hard", b"pipe too"))
    os.symlink(b"nowhere", tree.path(b"hard", b"link"))
    os.link(tree.path(b"hard", b"link"), tree.path(b"hard", b"link too"), follow_symlinks=False)
    lost = tree.file(b"hard", b"one name lies outside")
    os.link(lost, tree.outside + b"/hard-linked")


def _closed(tree: Tree) -> None:
    os.chmod(tree.file(b"closed", b"file"), 0)
    tree.file(b"closed", b"folder", b"nobody sees this")
    os.chmod(tree.path(b"closed", b"folder"), 0)
    tree.file(b"closed", b"listed", b"file")
    os.symlink(b"x", tree.path(b"closed", b"listed", b"link"))
    os.chmod(tree.path(b"closed", b"listed"), 0o444)  # names are told, nothing else
    tree.file(b"closed", b"entered", b"unlisted")
    os.chmod(tree.path(b"closed", b"entered"), 0o111)  # noqa: S103 - whoever knows a name gets it
    os.chmod(tree.file(b"closed", b"all bits"), 0o7777)  # noqa: S103 - set-uid, set-gid, sticky, too
    os.chmod(tree.file(b"closed", b"write-only"), 0o222)  # noqa: S103


ACL = struct.pack("<I", 2) + b"".join(
    struct.pack("<HHI", *entry)
    for entry in ((1, 6, 2**32 - 1), (2, 7, 1234), (4, 4, 2**32 - 1), (16, 7, 2**32 - 1), (32, 4, 2**32 - 1))
)
"""user::rw- user:1234:rwx group::r-- mask::rwx other::r--, as system.posix_acl_access holds it."""
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0)
"""cap_net_bind_service+ep, as security.capability holds it."""

ATTRIBUTES = (
    (b"empty", "user.empty", b""),
    (b"binary", "user.binary", bytes(range(256))),
    (b"3000 bytes", "user.block", bytes(3000)),  # just over what stands in a row, as base64: 4,000 of 4,096 characters
    (b"3073 bytes", "user.block", b"\xff" * 3073),  # just over it: goes aside
    (b"60 KiB", "user.large", os.urandom(60 << 10)),
    (b"odd name", "user.\udcff\n=\\\x1b[31m", b"x"),
    (b"quarantine", "user.com.apple.quarantine", b"0081;65f0;Safari;"),
    (b"checksum", "user.checksum.sha256", b"gives the content away"),
    (b"acl", "system.posix_acl_access", ACL),
    (b"acl folder/", "system.posix_acl_default", ACL),
    (b"capability", "security.capability", CAPABILITY),
    (b"trusted", "trusted.note", b"only root sees it"),
    (b"link@", "trusted.note", b"a link's own"),
    (b"pipe|", "trusted.note", b"a pipe's own"),
)
"""Name (its last character says what it is), attribute, value."""


def _attributes(tree: Tree) -> None:
    for name, attribute, value in ATTRIBUTES:
        if name.endswith(b"/"):
            path = tree.path(b"attributes", name[:-1])
            os.mkdir(path)
        elif name.endswith(b"@"):
            path = tree.path(b"attributes", name[:-1])
            os.symlink(b"nowhere", path)
        elif name.endswith(b"|"):
            path = tree.path(b"attributes", name[:-1])
            os.mkfifo(path)
        else:
            path = tree.file(b"attributes", name)
        with tree.may_fail(f"{name.decode()}: {attribute.encode('unicode-escape', 'replace').decode()}"):
            os.setxattr(path, attribute, value, follow_symlinks=False)
            tree.attributes.append(attribute)
    for number in range(300):  # more than nine bits of them, on one file
        with tree.may_fail("300 attributes"):
            path = tree.file(b"attributes", b"many") if number == 0 else tree.path(b"attributes", b"many")
            os.setxattr(path, f"user.{number:03d}", b"")
    for name, flag in ((b"immutable", "+i"), (b"append-only", "+a")):
        path = tree.file(b"attributes", name)
        with tree.may_fail(f"chattr {flag}"):
            done = subprocess.run(["chattr", flag, path], capture_output=True, check=False)
            if done.returncode:
                raise OSError(done.returncode, done.stderr.decode(errors="replace").strip())


def _contents(tree: Tree) -> None:
    for name, size in SIZES.items():
        path = tree.file(b"sizes", name.encode(), data=b"")
        os.truncate(path, size)
        with open(path, "r+b") as file:
            file.seek(max(0, size - 1))
            file.write(b"x"[:size])
            _settle(file)
    path = tree.file(b"sizes", b"holes", data=b"begin")
    with open(path, "r+b") as file:
        for block in range(600):  # more than 500 holes do not fit a row: a large value
            file.seek(block * 32_768 + 8192)
            file.write(b"x" * 4096)
        file.truncate(600 * 32_768 + 100_000)
        _settle(file)


def _settle(file: BinaryIO) -> None:
    """Have the blocks allotted now: later the file would seem to have been touched."""
    file.flush()
    os.fsync(file.fileno())


def _times(tree: Tree) -> None:
    for name, when in TIMES.items():
        path = b"times/" + name.encode()
        with tree.may_fail(f"time {name}"):
            os.utime(tree.file(path), ns=(when, when))
            tree.times[path] = when
    os.mkdir(tree.path(b"times", b"folder"))
    os.symlink(b"x", tree.path(b"times", b"link"))
    for name in (b"folder", b"link"):
        os.utime(tree.path(b"times", name), ns=(-1, -1), follow_symlinks=False)


def _owners(tree: Tree) -> None:
    path = tree.file(b"owners", b"unknown")
    with tree.may_fail("chown"):
        os.chown(path, FOREIGN, FOREIGN + 1)
    path = tree.file(b"owners", b"private")
    os.chmod(path, 0o600)
    with tree.may_fail("chown"):
        os.chown(path, 1, 1)


def fill(tree: Tree, count: int) -> None:
    """Put files in one folder; their content tells their numbers modulo 7."""
    folder = os.open(os.path.dirname(tree.path(b"many", b"x")), os.O_RDONLY | os.O_DIRECTORY)
    for number in range(count):
        file = os.open(b"%05d" % number, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=folder)
        os.write(file, b"%d" % (number % 7))
        os.close(file)
    os.close(folder)


def _deep(tree: Tree, depth: int) -> None:
    """Folders in folders, each name as long as it may be: paths of 51,200 bytes, which no system call takes."""
    handle = os.open(os.path.dirname(tree.path(b"deep", b"x")), os.O_RDONLY | os.O_DIRECTORY)
    for level in range(depth):
        name = b"%03d" % level + b"d" * 252
        os.mkdir(name, dir_fd=handle)
        file = os.open(b"file", os.O_CREAT | os.O_WRONLY, dir_fd=handle)
        os.write(file, b"level %d" % level)
        os.close(file)
        above, handle = handle, os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=handle)
        os.close(above)
    os.close(handle)
