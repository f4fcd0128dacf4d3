"""What every code means, in plain words: the data behind `evidencekit explain` and the table of specs/verification.md.

Codes are for ever: one is retired, never reused. specs/findings.json is printed from here.
"""

from __future__ import annotations

from typing import NamedTuple

from evidencekit.core.refusals import REFUSALS, Refusal


class Entry(NamedTuple):
    """One code."""

    name: str
    severity: str
    """`error`, `warning`, `note`; `exit` for what a program could not or would not do."""
    aspect: str
    section: str
    """Where the specs say it."""
    title: str
    means: str
    means_not: str
    do: str


_V = "verification.md 1."
_ASK = "Ask the sender for a complete, unaltered copy, and keep this one as it is."
_KEEP = "Keep this copy as it is, compare it with another copy of the case, and find out who could write to it."

ENTRIES: dict[str, Entry] = {
    # --- E1xx: format ----------------------------------------------------------------------------------------
    "E101": Entry("not_canonical", "error", "record", _V + "3", "A record is not in its only allowed form",
        "The file is not a record of the kind that has to stand here, or is spelled as evidencekit never writes.",
        "It does not say that somebody meant to deceive: damage and a wrong program look the same.", _KEEP),
    "E102": Entry("too_large", "error", "record", "encoding.md 3", "A record is larger or deeper than allowed",
        "The file is over a limit of the format, and was not read further.",
        "Nothing was concluded about what lies beyond the limit.", _KEEP),
    "E103": Entry("unknown_version", "warning", "record", _V + "1", "A newer format version",
        "The record was written in a format version that this verifier does not know. It was not checked.",
        "It is not a sign of tampering.", "Verify again with a newer version of the program."),
    "E104": Entry("case_mismatch", "error", "record", _V + "7", "The record belongs to another case",
        "The identity, reference or keys here are not those that event 0 signed, or the log is not the one asked for.",
        "It does not say which of the two is the right one.", _KEEP),
    "E105": Entry("bad_checkpoint", "error", "record", _V + "5", "A checkpoint is not one of this log",
        "The note does not parse, or names another log or another size than its file.",
        "The log's entries may still be intact; they are judged by the other checkpoints.", _KEEP),
    "E106": Entry("bad_manifest_file", "error", "record", _V + "9", "A catalogue cannot be read",
        "The Parquet file of a manifest is damaged, or has another shape than the format says.",
        "The seized files themselves may be untouched: this is about the catalogue.", _KEEP),
    "E107": Entry("bad_row", "error", "record", _V + "9", "A catalogue row breaks the format",
        "A row's fields are not in their only allowed form, or contradict each other.",
        "Other rows are not affected.", _KEEP),
    "E108": Entry("bad_header", "error", "record", _V + "9", "A catalogue's header breaks the format",
        "The header is not in its only allowed form, names another case or exhibit, or contradicts its events or rows.",
        "The rows are judged on their own.", _KEEP),
    "E109": Entry("bad_order", "error", "record", _V + "9", "Catalogue rows are out of order",
        "Rows do not stand in the order that the header promises, or carry a wrong index.",
        "It does not say that a row was changed.", _KEEP),
    "E110": Entry("duplicate_row", "error", "record", _V + "9", "Two catalogue rows have the same name",
        "One path stands twice: what it refers to is ambiguous.", "It does not say which row is true.", _KEEP),
    "E111": Entry("duplicate_salt", "error", "record", _V + "9", "Two catalogue rows share a salt",
        "Salts keep withheld rows secret; with equal salts, equal content shows.",
        "It does not touch the integrity of the rows.", "Do not disclose parts of this manifest; ask how it was made."),
    "E112": Entry("totals_differ", "error", "record", _V + "9", "The catalogue's totals do not add up",
        "The header's sums differ from the rows.", "It does not say which rows are missing or surplus.", _KEEP),
    # --- E2xx: digests and trees -------------------------------------------------------------------------------
    "E201": Entry("digest_differs", "error", "record", _V + "3", "Content differs from its recorded digest",
        "The bytes are not those whose digest was recorded.",
        "It does not say who changed them, when, or why.", _KEEP),
    "E202": Entry("root_differs", "error", "record", _V + "9", "Catalogue content altered",
        "The rows do not give the root that was sealed: at least one was changed, added, removed or moved.",
        "The seized files themselves may be untouched: this is about the catalogue.", _KEEP),
    "E203": Entry("prior_differs", "error", "record", _V + "3", "An entry does not follow from the log before it",
        "The entry commits to another history than the one that stands before it.",
        "It does not say which of the two is the right one.", _KEEP),
    "E204": Entry("checkpoint_root_differs", "error", "record", _V + "6", "A signed checkpoint contradicts the log",
        "The log's keys signed another tree of this size than the one found.",
        "It does not say which of the two is the right one.", _KEEP),
    "E206": Entry("fork", "error", "record", _V + "12", "The log contradicts a checkpoint known from outside",
        "Two different histories of the same log exist: one of them was hidden from somebody.",
        "It does not say which of the two is the right one.", "Keep both checkpoints: together they are the proof."),
    "E207": Entry("proof_fails", "error", "record", "verification.md 2", "A proof of inclusion fails",
        "The record is not proved to be part of the sealed tree.", "It does not say that the record is false.", _ASK),
    "E211": Entry("container_altered", "error", "record", _V + "9",
        "The catalogue's file was altered, its content was not",
        "The Parquet file is not byte for byte the one that was sealed, yet every row is.",
        "No row was changed: root and view agree with what was sealed.", _ASK),
    "E212": Entry("view_differs", "error", "record", _V + "9", "A column for searching differs from the sealed row",
        "Somebody who searches this file by SQL is shown something else than what was sealed.",
        "The sealed row itself is judged by its root (E202).", _ASK),
    # --- E3xx: custody ------------------------------------------------------------------------------------------
    "E301": Entry("rule_broken", "error", "custody", _V + "8", "An event breaks a rule of custody",
        "What the event records could not have happened in this order under the rules of custody.",
        "It does not say that the evidence was changed.", "Ask the persons named in the events before and after."),
    "E302": Entry("wrong_place", "error", "custody", _V + "3", "An entry names a wrong place of an item",
        "The chain of an item's events is broken: the entry points elsewhere than to the event before.",
        "The order of the log itself is proved separately.", _KEEP),
    "E303": Entry("duplicate_event", "error", "custody", _V + "3", "The same event is recorded twice",
        "A signed event was entered again.", "It does not say that its content is false.", _KEEP),
    "E304": Entry("bad_seen", "error", "custody", _V + "7", "A signer names a log state that never was",
        "The tree head that the signer says to have checked is not one of this log.",
        "It does not say that the signature is bad.", "Ask the signer for the checkpoint that he saw."),
    "E305": Entry("bad_head", "error", "custody", _V + "3", "An entry names an impossible checkpoint",
        "The entry says that a checkpoint existed which could not have.", "Other entries are not affected.", _KEEP),
    "E306": Entry("wrong_index", "error", "custody", _V + "3", "An entry stands in the wrong place",
        "The entry's own number is not that of its folder: it was moved or swapped.",
        "Its content is judged separately.", _KEEP),
    "E307": Entry("item_fork", "error", "custody", _V + "3", "Two entries follow the same event of an item",
        "The chain of an item's events splits inside the log.", "It does not say which branch is true.", _KEEP),
    # --- E4xx: signatures ---------------------------------------------------------------------------------------
    "E401": Entry("signature_missing", "error", "record", _V + "4", "A signature is missing",
        "The event names a signer whose signature is not there.", "It does not say that he never signed.", _ASK),
    "E402": Entry("signature_bad", "error", "record", _V + "4", "A signature does not verify",
        "The signature was not made over these bytes by this key, or is not in its only allowed form.",
        "It does not say which was changed, the event or the signature.", _KEEP),
    "E403": Entry("signature_other_key", "error", "record", _V + "4", "A signature was made by another key",
        "The key that signed is not the one that the event names.", "It does not say whose key it is.", _KEEP),
    "E404": Entry("key_refused", "error", "record", _V + "4", "A key is not acceptable",
        "The key is too weak, of a type that is not accepted, or malformed, so a signature by it proves little.",
        "It does not say that the signature is forged.", "Ask for a countersignature with an accepted key."),
    "E405": Entry("log_line_missing", "error", "record", _V + "5",
        "A checkpoint does not carry the log's two signatures",
        "A line of the log is missing, surplus or out of order.", "It does not say that the tree head is false.", _ASK),
    "E406": Entry("log_signature_bad", "error", "record", _V + "5", "A log signature does not verify",
        "The checkpoint was not signed by this log's key in this form.",
        "It does not say which was changed, the text or the signature.", _KEEP),
    "E407": Entry("log_not_admitted", "error", "identity", "policy.md 3", "The log is not one that your policy admits",
        "Neither a key of your policy nor a person whom it trusts to vouch stands behind this log.",
        "It does not say that the log is false: your policy does not know it.",
        "Get the log's keys over a channel that you trust and add them to the policy."),
    "E408": Entry("person_not_admitted", "error", "identity", "policy.md 4", "A signer is not whom your policy knows",
        "Your policy does not give this name for this key.", "It does not say that the signature is bad.",
        "Get the person's key over a channel that you trust and add it to allowed_signers."),
    "E409": Entry("outside_validity", "error", "identity", "policy.md 5", "Signed outside the key's validity",
        "The proven time of the event lies outside the window that your policy gives the key.",
        "It does not say that the signature is bad.", "Ask for a countersignature with a valid key."),
    "E410": Entry("key_revoked", "error", "identity", "policy.md 6", "Signed with a key that is no longer believed",
        "Your policy revokes this key for events as late as this one.", "It does not say who signed.",
        "Ask for a countersignature, and when the key was lost."),
    "E411": Entry("algorithm_not_accepted", "error", "identity", "policy.md 8",
        "A kind of key that your policy no longer accepts",
        "Your policy accepted this kind of key until a date, and nothing proves that the signature is older than that.",
        "It does not say that the signature is forged.", "Ask for a countersignature with another kind of key."),
    # --- E5xx: completeness -----------------------------------------------------------------------------------
    "E501": Entry("file_missing", "error", "completeness", _V + "3", "A file of the record is missing",
        "The log says that this file exists, and it is not there or is not a plain file.",
        "It does not say that it was removed on purpose.", _ASK),
    "E502": Entry("checkpoint_missing", "error", "completeness", _V + "3", "A checkpoint is missing",
        "An entry names a checkpoint that is not there.", "The tree of that size can still be computed.", _ASK),
    "E503": Entry("log_too_short", "error", "completeness", _V + "12", "The log is shorter than it was",
        "A checkpoint known from outside is larger: entries were cut off.",
        "What is left may be intact.", "Ask for the newest state, and keep both."),
    "E505": Entry("source_missing", "error", "evidence", _V + "14", "A sealed row is not in the source",
        "What was acquired is no longer there.", "The record of it is not affected.", "Find out who had access since."),
    "E506": Entry("source_added", "error", "evidence", _V + "14", "The source has something that was not sealed",
        "Something is there that the acquisition did not record.", "It does not say when it came.",
        "Find out who had access since."),
    "E507": Entry("source_differs", "error", "evidence", _V + "14", "The source differs from the sealed row",
        "Kind, size, link target, mode, owner, time, attributes or hard links are not as they were sealed.",
        "Unless E201 stands beside it, the content is the same.", "Find out who had access since."),
    # --- W9xx: warnings and notes -----------------------------------------------------------------------------
    "W901": Entry("unfinished", "warning", "completeness", "store.md 5", "Something stands above the newest checkpoint",
        "A step was interrupted, or somebody removed the newest checkpoint: both look alike.",
        "It is neither proved nor disproved.", "Whoever has the log's keys runs `evidencekit checkpoint finish`."),
    "W902": Entry("unexpected", "warning", "completeness", "store.md 5", "A file that belongs to no event",
        "Something stands in the case folder that the log does not account for.",
        "It is not part of the record, and was not checked.",
        "Find out where it came from, and move it out of the case."),
    "W903": Entry("not_stated", "warning", "custody", _V + "8", "Particulars that nobody stated",
        "Fields that practice calls mandatory were recorded as not stated.",
        "The record is intact: it says honestly that it does not know.", "Add what is known as a later event."),
    "W904": Entry("clock_back", "warning", "custody", _V + "3", "The recording clock went back",
        "An entry bears an earlier time than the one before it, or an acquisition ended before it began.",
        "The order of entries does not rest on clocks.",
        "Check the computer's clock."),
    "W905": Entry("dropping", "warning", "completeness", "store.md 5", "A file left by a desktop system",
        "Such files appear when a folder is looked at.", "It is not part of the record.", "Remove it."),
    "W906": Entry("source_minor", "warning", "evidence", _V + "14", "The source differs in something minor",
        "Birth time, holes, or with --as-copy owner, mode or times, are not as they were sealed.",
        "The content is not affected.", "Nothing, if it is a copy."),
    "W907": Entry("omissions", "note", "completeness", "manifest.md 5", "Rows that were not wholly taken",
        "The acquisition recorded that it could not take everything, and why.",
        "It is not a fault of the record.", "See `evidencekit show CASE` for each."),
    "W999": Entry("not_listed", "note", "record", "verification.md 5", "More findings than are listed",
        "The list was cut; the counts are complete.", "Nothing is hidden: the counts by code say how many.",
        "Use the counts."),
}  # fmt: skip
"""Findings. What programs could not or would not do stands in `core/refusals.py`."""


def lookup(code: str) -> Entry | Refusal | None:
    """Return what a code means, or None."""
    return ENTRIES.get(code) or REFUSALS.get(code)
