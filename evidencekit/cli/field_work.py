"""What follows the review: the key, the case, the device entered in the record; what stands in the way is said.

Source: specs/field.md section 5.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from evidencekit.cli import surroundings
from evidencekit.cli.signing import Signing
from evidencekit.core.values import display
from evidencekit.errors import EvidenceError

if TYPE_CHECKING:
    from evidencekit.acquire.compose import Taken
    from evidencekit.acquire.options import Progress
    from evidencekit.cli.field_guide import Guide
    from evidencekit.core.checkpoint import Checkpoint
    from evidencekit.journeys.custody import Hand, Recorded
    from evidencekit.journeys.field import Device, TakenDevice, Told
    from evidencekit.seal.sign import Signer


class Work:
    """Does what the answers ask for, with the keys that were opened in this sitting."""

    def __init__(self, guide: Guide, log_key: Path | None) -> None:
        """Take the guide, and where the log's keys lie, if not in the usual place."""
        self.guide, self.terminal, self.log_key = guide, guide.terminal, log_key
        self._signers: dict[str, Signer] = {}

    def run(self) -> None:
        """Enter the device, or say what stands in the way and let somebody choose what to do about it."""
        try:
            self._enter_device()
        except EvidenceError as error:
            if error.code == "X499":
                raise
            self.terminal.tell("work_failed", "error")
            self.terminal.refused(error)
            labels = [self.guide.texts(f"work_{one}") for one in ("again", "change", "stop")]
            choice = self.terminal.choose("work_what_now", labels)
            if choice == 1:
                self.guide.move("reopen")
            elif choice == 2:
                self.terminal.leave()
        else:
            self.guide.move("done")

    def hand(self) -> Hand:
        """Return whoever acts, on the case."""
        from evidencekit.journeys.custody import Hand

        signs, person = self._signs()
        return Hand(signs.ledger(self.guide.case), signs.actor(person), [person])

    def _enter_device(self) -> None:
        from evidencekit.journeys.field import device_of, refuse_device

        guide = self.guide
        device = device_of(guide.table, guide.state.answers)
        refuse_device(guide.case, device)
        self.terminal.rule(device.exhibit)
        self._open_case()
        self._say_taken(self._take(device))

    def _take(self, device: Device) -> TakenDevice:
        from evidencekit.cli.expected import Expected, census_of
        from evidencekit.journeys.field import take_device

        self._finish_first()
        hand = self.hand()
        counting = (
            None if device.source is None else (lambda: census_of(os.fsencode(str(device.source)), device.options))
        )
        counted = Expected(None if self.terminal.screen.is_silent else counting)
        with self.terminal.progress(device.exhibit) as meter, counted as expected:
            return take_device(
                hand,
                device,
                surroundings.program(),
                host=surroundings.host(),
                clock=surroundings.clock,
                random=surroundings.random,
                utc_offset_min=surroundings.utc_offset_min(),
                told=self._told(lambda progress: meter.update(expected.figures(progress))),
            )

    def _finish_first(self) -> None:
        """Checkpoint what an interrupted step left behind, as `checkpoint finish` does."""
        from evidencekit.seal.ledger import finish

        case = self.guide.case
        keys = surroundings.log_keys(case, self.log_key)
        checkpoint, aside = finish(case, keys=keys, random=surroundings.random)
        for line in aside:
            self.terminal.screen.say(f"  {display(line)}")
        if checkpoint is not None:
            self.terminal.tell("done_finish", checkpoint=checkpoint.size)

    def _told(self, progress: Callable[[Progress], None]) -> Told:
        from evidencekit.journeys.field import Told

        return Told(self._say_recorded, progress, self._say_sealed, self._wait_for_seals)

    # --- what is said ------------------------------------------------------------------------------------------------

    def _wait_for_seals(self, seals: list[str]) -> None:
        self.terminal.tell("close_up", "bold", seals=", ".join(map(display, seals)))
        self.terminal.ask()

    def _say_recorded(self, recorded: Recorded) -> None:
        self.terminal.tell(f"done_{recorded.kind}", exhibit=recorded.items[0], entry=recorded.entry)

    def _say_sealed(self, taken: Taken, checkpoint: Checkpoint) -> None:
        from evidencekit.cli.render import human_size
        from evidencekit.cli.words import omissions

        totals = taken.header_record["totals"]
        size = human_size(int(totals["bytes"]))
        self.terminal.tell("done_seal", rows=f"{int(totals['rows']):,}", size=size, checkpoint=checkpoint.size)
        self.terminal.screen.say(f"  {taken.root.hex()}")
        omitted = sum(omissions(totals).values())
        if omitted:
            self.terminal.tell("done_omissions", "warning", count=omitted)

    def _say_taken(self, done: TakenDevice) -> None:
        if done.mirrored is not None:
            from evidencekit.cli.render import human_size

            mirrored = done.mirrored
            self.terminal.tell("done_mirror", files=f"{mirrored.files:,}", size=human_size(mirrored.bytes))

    # --- keys and case -----------------------------------------------------------------------------------------------

    def _signs(self) -> tuple[Signing, Signer]:
        said = {key: answer.text for key, answer in self.guide.state.answers.items()}
        key = str(said["key"])
        person = self._signers.get(key) or self._load(Path(key))
        self._signers[key] = person
        name = said["officer"] if said["officer"] != person.public_key.comment else None
        return Signing(Path(key), name, said.get("role"), said.get("agency"), self.log_key), person

    def _load(self, key: Path) -> Signer:
        from evidencekit.seal.sign import load_signer

        is_there = key.exists() or Path(f"{key}.pub").exists()
        chosen = None if is_there else self._make_key(key)
        prompt = self.guide.texts("passphrase", path=display(os.fsencode(key)))
        return load_signer(
            key,
            ask_passphrase=lambda _: self.terminal.secret(prompt) if chosen is None else chosen,
            agent_socket=surroundings.agent_socket(),
        )

    def _make_key(self, key: Path) -> str:
        """Make a key pair; return the passphrase that was chosen."""
        from evidencekit.seal.sign import new_key

        self.terminal.place("key_new", key)
        while True:
            first = self.terminal.secret(self.guide.texts("passphrase_new"))
            if not first:
                self.terminal.tell("bad_passphrase", "warning")
            elif self.terminal.secret(self.guide.texts("passphrase_again")) != first:
                self.terminal.tell("bad_passphrases", "warning")
            else:
                break
        new_key(key, comment=str(self.guide.state.answers["officer"].text), passphrase=first.encode())
        return first

    def _open_case(self) -> None:
        from evidencekit.cli.opening import open_new_case, refuse_unfit_case

        case, answers = self.guide.case, self.guide.state.answers
        if (case / "case.json").exists():
            return
        reference, agency = str(answers["reference"].text), str(answers["agency"].text)
        origin = answers["origin"].text
        refuse_unfit_case(case, reference=reference, agency=agency, origin=origin)
        signs, person = self._signs()
        opened = open_new_case(case, signs, person, reference=reference, agency=agency, origin=origin)
        self.terminal.place("done_open", case)
        self.terminal.place("done_log_keys", opened.log_key)
