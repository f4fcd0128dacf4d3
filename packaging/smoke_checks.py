"""The checks of the smoke test, by name. Each returns a note, or nothing; raises FailedError or NotRunError."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from smoke_kit import Kit, faking
from smoke_room import NO_EXEC, READ_ONLY, Medium, Room, debian, preload
from smoke_story import (
    CANNOT_FINISH,
    INTEGRITY_ONLY,
    NOT_CHECKED,
    ODD,
    REFUSED,
    FailedError,
    Names,
    acquiring,
    give_to_nobody,
    hand_over,
    judge,
    judge_tampered,
    new_case,
    new_keys,
    offering,
    put_on_paper,
    signing,
    take_over,
    tell_story,
    years_of,
)  # fmt: skip

CLOCKS = {"2001": "@2001-02-03 04:05:06", "2044": "@2044-02-03 04:05:06"}
MAPPED = "failed to map segment"
"""What the C library says where a library may not be executed."""


def has_no_python(room: Room) -> str:
    """What a bare root is."""
    found = [path.name for path in room.path.glob("usr/*bin/*") if "python" in path.name]
    found += [path.name for path in room.path.glob("usr/lib*/**/libpython*")]
    if found:
        raise FailedError(f"the root is not bare: {found}")
    glibc = room.run(["ldd", "--version"]).out.split("\n", 1)[0].rpartition(" ")[2]
    return f"glibc {glibc}"


def whole_case(kit: Kit) -> str:
    """The story, and both judge what the other made, and take it over."""
    with kit.desk() as desk, kit.hands(desk) as hand:
        version = hand.expect(0, "--version").out.strip()
        tell_story(hand, "/media/source")
        judge(hand)
        judge_tampered(hand, desk.path)
        put_on_paper(hand)
        workstation = kit.workstation.at(desk.path)
        judge(workstation)
        workstation.expect(INTEGRITY_ONLY, "verify", "case", "--source", f"EX-001={kit.source}", "--as-copy")
        take_over(workstation)
    with kit.desk() as desk, kit.hands(desk) as hand:
        shutil.copytree(kit.workstation.made(), desk.path, dirs_exist_ok=True)
        give_to_nobody(desk.path)
        judge(hand)
        judge_tampered(hand, desk.path)
        hand.expect(INTEGRITY_ONLY, "verify", "case", "--source", "EX-001=/media/source", "--as-copy")
        take_over(hand)
        kit.workstation.at(desk.path).expect(INTEGRITY_ONLY, "verify", "labcase")
    return version


def doctor(kit: Kit) -> str | None:
    """The program finds itself well, and says so where a file of it is another; a build for tests says what it is."""
    folder = kit.dist / "evidencekit"
    with kit.desk() as desk, kit.hands(desk) as hand:
        version = hand.expect(0, "doctor", ".").out.split("\n")[1]
        if ("+" in version) != (folder / "NO-RELEASE.txt").is_file():
            raise FailedError(f"{version}: whether this is a release is not said")
        if kit.form != "folder":
            return None
        shutil.copytree(folder, desk.path / "changed")
        with (desk.path / "changed/_internal/base_library.zip").open("ab") as file:
            file.write(b"X")
        done = kit.room.run([desk.place / "changed/evidencekit", "doctor", "."], at=desk.place)
        if done.code == 0 or "base_library.zip" not in done.out:
            raise FailedError(f"a changed program: exit {done.code}, {done.out[:500]}")
    return "a changed file is named"


def no_home(kit: Kit) -> None:
    """Without --log-key there is no place for the log's keys: that is said, and nothing is left."""
    with kit.desk() as desk, kit.hands(desk) as hand:
        new_keys(hand, Names())
        about = ("--reference", "1", "--agency", "A", "--origin", "a.example/1", "--signer", "examiner")
        hand.expect(CANNOT_FINISH, "init", "case", *about, says="--log-key")
        if (desk.path / "case").exists():
            raise FailedError("a case without log keys was left")


def odd_paths(kit: Kit) -> None:
    """Blanks and Arabic, in the program's own path, too, under a locale that has neither."""
    with kit.desk("مكتب العمل") as desk, kit.hands(desk, kit="عدة الأدلة 1") as hand:
        shutil.copytree(kit.source, desk.path / "مصدر 1")
        give_to_nobody(desk.path)
        tell_story(hand, "مصدر 1", ODD)
        judge(hand, ODD)
        judge(kit.workstation.at(desk.path), ODD)


def read_only(kit: Kit) -> None:
    """Nothing can be written but what is asked for; then not even that."""
    with kit.desk() as desk, kit.hands(desk) as hand:
        tell_story(hand, "/media/source")
        desk.again(flags=READ_ONLY)
        judge(hand)
        another = (*acquiring(Names(), "/media/source")[:4], "EX-002", *acquiring(Names(), "")[5:])
        hand.expect(CANNOT_FINISH, *another, says="X422")
        desk.again()
        judge(kit.workstation.at(desk.path))


def noexec_media(kit: Kit) -> str | None:
    """Where nothing may be executed but the program's own folder."""
    with kit.desk(flags=NO_EXEC, tmp_flags=NO_EXEC) as desk, kit.hands(desk) as hand:
        if kit.form == "folder":
            tell_story(hand, "/media/source")
            judge(hand)
            judge(kit.workstation.at(desk.path))
            return None
        done = hand.run("evidencekit", "verify", "case")
        if done.code in {0, 3, 4, 5, 6, 7} or MAPPED not in done.err:
            raise FailedError(f"on a noexec /tmp: exit {done.code}, {done.err.strip()}")
    with (
        kit.room.medium("unpacked") as unpacked, kit.desk(flags=NO_EXEC, tmp_flags=NO_EXEC) as desk,
        kit.hands(desk, environment={"TMPDIR": str(unpacked.place)}) as hand,
    ):  # fmt: skip
        tell_story(hand, "/media/source")
        judge(hand)
    return f"{MAPPED!r}, exit {done.code}, where /tmp is noexec; runs with TMPDIR on another medium"


def noexec_program(kit: Kit) -> str:
    """The program's own medium is noexec: the kernel does not start it, and no verdict comes of that."""
    with kit.desk() as desk, kit.hands(desk, flags=READ_ONLY | NO_EXEC) as hand:
        done = hand.run("evidencekit", "--version")
        if done.code != 126 or "Permission denied" not in done.err:
            raise FailedError(f"exit {done.code}: {done.err.strip()}")
    return "the kernel does not start it (Permission denied): copy the folder to a disk"


def full_disk(kit: Kit) -> None:
    """Too small from the first, and full on the way: said, never green, and resumed with room again."""
    names = Names()
    with kit.desk() as desk, kit.hands(desk) as hand:
        new_keys(hand, names)
        new_case(hand, names)
        desk.again(size=desk.used(64 << 10))
        hand.expect(CANNOT_FINISH, *acquiring(names, "/media/source", "--copy", "--jobs", "2"), says="X426")
        hand.expect(NOT_CHECKED, "verify", "case")
        desk.again(size=desk.used(1100 << 10))
        hand.expect(CANNOT_FINISH, *acquiring(names, "/media/many", "--jobs", "2"), says="X421")
        hand.expect(NOT_CHECKED, "verify", "case")
        kit.workstation.at(desk.path).expect(NOT_CHECKED, "verify", "case")
        desk.again()
        hand.expect(0, *acquiring(names, "/media/many", "--jobs", "2", "--resume"))
        desk.again(size=desk.used(0))
        hand.expect(CANNOT_FINISH, *offering(names), says="X421")
        hand.expect(CANNOT_FINISH, "export", "case", "package", "--glob", "00001*", *signing(names))
        if (desk.path / "package").exists():
            raise FailedError("half a package was left")
        hand.expect(INTEGRITY_ONLY, "verify", "case")
        desk.again()
        hand_over(hand, names)
        judge(hand)
        judge(kit.workstation.at(desk.path))


def full_tmp(kit: Kit) -> str | None:
    """Nothing can be written in /tmp."""
    cache = {"XDG_CACHE_HOME": "/media/desk/cache"}
    with kit.desk(tmp="4k") as desk, kit.hands(desk, environment=cache) as hand:
        if kit.form == "folder":
            tell_story(hand, "/media/source")
            judge(hand)
            return None
        done = hand.run("evidencekit", "verify", "case")
        if done.code in {0, 3, 4, 5, 6, 7} or not done.err.strip():
            raise FailedError(f"with a full /tmp: exit {done.code}, {done.err.strip()}")
        return f"does not start, exit {done.code}: {done.err.strip().splitlines()[-1]}"


def wrong_clock(kit: Kit) -> str:
    """A computer whose clock is decades off: the record has its time, and is intact to everybody else."""
    library = next(debian(*faking(kit.room.suite)).glob("usr/lib/*/faketime/libfaketime.so.1"))
    for year, start in CLOCKS.items():
        with kit.desk() as desk, kit.room.shown(library, "libfaketime.so.1") as shown:
            faked = {"LD_PRELOAD": str(shown), "FAKETIME": start, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
            with kit.hands(desk, environment=faked) as hand:
                tell_story(hand, "/media/source")
                judge(hand)
            if years_of(desk.path / "case") != {year}:
                raise FailedError(f"the clock was not set to {year}: {years_of(desk.path / 'case')}")
            with kit.hands(desk) as hand:
                judge(hand)
            workstation = kit.workstation.at(desk.path)
            judge(workstation)
            take_over(workstation)
    return f"clock at {' and '.join(CLOCKS)}, by libfaketime"


def on_exfat(kit: Kit) -> str:
    """A stick formatted exFAT: no links, no rename that replaces nothing, no modes."""
    with kit.desk("private") as private, kit.sticks.exfat(kit.room, "stick") as stick, kit.hands(stick) as hand:
        try:
            os.link(_touched(stick.path / "a"), stick.path / "b")
        except OSError:
            (stick.path / "a").unlink()
        else:
            raise FailedError("links work on this stick: it is no exFAT")
        hand.expect(REFUSED, "key", "new", "examiner", "--no-passphrase", says="R515")
        names = _keys_in(private)
        tell_story(hand, "/media/source", names)
        judge(hand, names)
        stick.pull()
        stick.put_in()
        judge(hand, names)
        judge(kit.workstation.at(stick.path), names)
        shutil.copytree(stick.path, private.path / "copied")  # away from the stick, as the lab would
        judge(kit.workstation.at(private.path / "copied"), names)
    return "exfat-fuse on a loop device; keys without a passphrase are refused there (R515)"


def pulled(kit: Kit) -> str:
    """An exFAT stick is pulled out while it is written: never green by that, and taken up where it was."""
    stages = set()
    with kit.desk("private") as private, kit.sticks.exfat(kit.room, "stick") as stick, kit.hands(stick) as hand:
        names = _keys_in(private)
        new_keys(hand, names)
        for number, seconds in enumerate((0.7, 1.2, 1.8, 2.6)):
            names = replace(names, case=f"case-{number}", log=f"/media/private/log-{number}.pem")
            new_case(hand, names, f"unit7.example/{number}")
            os.sync()
            stick.pull_after(seconds)
            done = hand.run("evidencekit", *acquiring(names, "/media/many", "--copy", "--jobs", "2", "--quiet"))
            stages.add(done.code)
            if "Traceback" in done.err or done.code not in {0, CANNOT_FINISH}:
                raise FailedError(f"pulled after {seconds} s: exit {done.code}, {done.err.strip()[-300:]}")
            stick.pull()
            repaired = stick.repair()
            stick.put_in()
            verdict = hand.run("evidencekit", "verify", names.case, "--json")
            sealed = (stick.path / names.case / "checkpoints/00000003").exists()
            if verdict.code != (INTEGRITY_ONLY if sealed else NOT_CHECKED):
                raise FailedError(
                    f"pulled after {seconds} s: verify {verdict.code}, {verdict.out[-500:]} {repaired.out[-200:]}"
                )
            hand.expect(0, *acquiring(names, "/media/many", "--copy", "--jobs", "2", "--quiet", "--resume"))
            hand.expect(INTEGRITY_ONLY, "verify", names.case)
    return f"exit codes {sorted(stages)}"


def on_fat(kit: Kit) -> str:
    """What the kernel's FAT32 refuses, injected, since a kernel may have none."""
    with kit.desk() as desk, kit.room.shown(preload("smoke_fat", kit.work), "fat.so") as library:
        with kit.hands(desk, environment={"LD_PRELOAD": str(library)}) as hand:
            seen = kit.room.run(["ln", "/etc/passwd", "/media/desk/y"], environment={"LD_PRELOAD": str(library)})
            if "not permitted" not in seen.err:
                raise FailedError(f"links are not refused: {seen.err}")
            tell_story(hand, "/media/source")
            judge(hand)
        judge(kit.workstation.at(desk.path))
    return "by LD_PRELOAD: links, RENAME_NOREPLACE and extended attributes are refused"


def _touched(path: Path) -> Path:
    path.write_bytes(b"")
    return path


def _keys_in(private: Medium) -> Names:
    """Keys lie where modes mean something; the rest is on the stick."""
    return Names(examiner=f"{private.place}/examiner", lab=f"{private.place}/lab", log=f"{private.place}/log.pem")


CHECKS: dict[str, Callable[[Kit], str | None]] = {
    "whole case, both ways": whole_case,
    "doctor": doctor,
    "no HOME": no_home,
    "blanks and Arabic": odd_paths,
    "read-only": read_only,
    "noexec media": noexec_media,
    "noexec program": noexec_program,
    "full disk": full_disk,
    "full /tmp": full_tmp,
    "wrong clock": wrong_clock,
    "exFAT stick": on_exfat,
    "exFAT stick pulled": pulled,
    "FAT32 (injected)": on_fat,
}
