"""What a program could not or would not do, in plain words: F1xx, R5xx, U2xx, X4xx.

The first letter gives the exit code: U 2, F 3, X 4, R 5. Codes are for ever: one is retired, never reused.
"""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """One code of an exception."""

    title: str
    means: str
    do: str

    @property
    def severity(self) -> str:
        """`exit`: not a finding."""
        return "exit"


REFUSALS: dict[str, Refusal] = {
    # --- U2xx: what was asked for makes no sense (exit 2) ---------------------------------------------------------
    "U200": Refusal("Wrong usage", "An option or argument is missing, unknown or of another form.", "See `--help` of the command."),
    "U201": Refusal("No such source", "The source that was named does not exist.", "Check the path."),
    "U202": Refusal("An empty passphrase", "An empty passphrase protects nothing.", "Say --no-passphrase to have none."),
    "U203": Refusal("The passphrases differ", "The new passphrase was typed in two ways.", "Try again; nothing was written."),
    "U204": Refusal("Not an origin", "A log's origin is host.with.dot/path, at most 200 bytes.", "As in unit7.example/24-117."),
    "U205": Refusal("Not an exhibit number", "Letters, digits, . _ - and at most 64 of them.", "As in EX-001."),
    "U206": Refusal("No such code", "The program has no code of this name.", "`evidencekit explain` lists them all."),
    "U207": Refusal("Not a size", "A size is a whole number, with K, M, G or T for powers of 1024.", "As in 4096 or 10M."),
    "U208": Refusal("Not a time", "A time is a date, or a date with a time.", "As in 2026-11-22T09:00:00Z."),
    "U209": Refusal("An ambiguous source", "It is not clear of which exhibit this is the source.", "Say EX-001=FOLDER."),
    "U211": Refusal("SQL that cannot be run", "SQLite does not understand the statement.", "Mend the statement."),
    "U212": Refusal("SQL that would write", "The catalogue is read-only: the statement would do more than read.", "Only select."),
    "U213": Refusal("Not a digest", "This is no digest, or of a kind that was not taken.", "Give the hex of a recorded digest."),
    "U214": Refusal("Cannot be searched for", "No such kind or state, or a glob that can never match.", "See `find --help`."),
    "U215": Refusal("No such sealed exhibit", "The case has no sealed exhibit of this number.", "`evidencekit show CASE`."),
    "U216": Refusal("No such list", "The form does not exist, or nobody took that digest.", "See `list --help`."),
    "U217": Refusal("Not a list that is known", "No line is of a form that the program reads, or of the one that was said.", "See `match --help`."),
    "U218": Refusal("No digest in common", "The list has other kinds of digests than the acquisition took.", "`acquire --hash` takes more; or make another list."),
    "U219": Refusal("No such folder", "The exhibit has no row of this path.", "`evidencekit find CASE --kind directory` lists them."),
    "U220": Refusal("Not TOML", "The file of particulars cannot be read as TOML.", "See `evidencekit init --template`."),
    "U221": Refusal("A particular that cannot be", "A field does not exist, or not in this form.", "See `evidencekit init --template`."),
    "U222": Refusal("Not a policy", "A file of the policy is missing or says something that is not understood.", "See specs/policy.md."),
    "U223": Refusal("Not a checkpoint", "What was given as a checkpoint from outside is none.", "A note, or SIZE ROOT as `checkpoint show` prints them."),
    "U230": Refusal("Not a glob", "The glob can never match, is too long, or is not UTF-8.", "Use ? for a byte that is not UTF-8."),
    "U231": Refusal("Cannot be recorded", "The manifest's header cannot say this.", "Use a shorter path or name."),
    "U232": Refusal("Only for cases", "The option makes sense for a case, not for a proof.", "Leave it out."),
    "U233": Refusal("No file to write", "Nothing was said about where the result goes.", "Say -o FILE."),
    "U234": Refusal("No such row", "The exhibit has no row of this path or number.", "`evidencekit find CASE --name GLOB` finds it."),
    "U235": Refusal("One name for two files", "Two results were to go into one file.", "Name two files."),
    "U236": Refusal("Which exhibit?", "The case has several sealed exhibits, and none was named.", "Say --exhibit."),
    "U241": Refusal("Not a name or passphrase", "A key's name or passphrase cannot be this.", "Choose another."),
    # --- F1xx: bytes that are not what their format says (exit 3) ------------------------------------------------
    "F100": Refusal("Not of its format", "Bytes are not what their format says; the message names the place.", "Get an unaltered copy."),
    "F102": Refusal("Over a limit", "Something is larger or deeper than its format allows.", "Get an unaltered copy."),
    # --- X4xx: the world did not let us (exit 4) -------------------------------------------------------------------
    "X401": Refusal("Not a case", "The folder is not there, or has nothing of a case.", "Name the folder of a case."),
    "X402": Refusal("A file is missing", "A file of the case is missing or is not a plain file.", "`evidencekit verify CASE`."),
    "X403": Refusal("A file cannot be read", "The system refused to read a file.", "Check the permissions and the medium."),
    "X404": Refusal("A newer case", "The case is of a format version that this program does not know.", "Use a newer evidencekit."),
    "X405": Refusal("The record does not add up", "The program will not build on a record that contradicts itself.", "`evidencekit verify CASE` says what is wrong."),
    "X410": Refusal("No such key", "The key file is missing, unreadable or no key file.", "Check the path; restore log keys from their backup."),
    "X411": Refusal("Nobody to ask", "A passphrase is needed, and there is no terminal.", "Load the key into ssh-agent."),
    "X412": Refusal("A wrong passphrase", "The passphrase does not open the key.", "Try again."),
    "X413": Refusal("Not a usable key", "The key is of a type or form that cannot sign here.", "Use an Ed25519, ECDSA or RSA key of OpenSSH."),
    "X414": Refusal("No ssh-agent", "The agent is not there, or did not answer.", "Start one, or name the private key's file."),
    "X415": Refusal("Not in the agent", "The agent does not hold this key.", "`ssh-add` the key."),
    "X416": Refusal("No good signature", "The key or its agent did not sign, or not well.", "Touch the security key; or use another."),
    "X417": Refusal("A key cannot be written", "The file system did not take the key file.", "Check the folder; nothing was left behind."),
    "X418": Refusal("Damaged log keys", "The file of log keys is not as it was written.", "Restore it from its backup."),
    "X419": Refusal("No ML-DSA here", "The installed cryptography library has no ML-DSA-44.", "Install cryptography 48 or newer."),
    "X420": Refusal("The system refused", "The operating system reported an error.", "Check the path, the permissions and the medium."),
    "X421": Refusal("No space", "The medium is full.", "Make room; nothing half written was published."),
    "X422": Refusal("May not be written", "The folder is read-only, missing, or not ours.", "Check permissions and mount."),
    "X423": Refusal("Cannot be written", "The system reported an error while writing.", "Check the medium."),
    "X424": Refusal("Another Parquet", "The installed pyarrow writes other files than the format says.", "Install another version of pyarrow."),
    "X425": Refusal("Not what was written", "A copy that was read again is missing, or is not what was written to the medium.", "Do not trust the medium; `evidencekit verify CASE` says what is damaged."),
    "X426": Refusal("Too little space", "What is to be written does not fit on the medium; nothing was written.", "Make room, use a larger medium, or take less."),
    "X427": Refusal("Too large a file", "The file system of the medium holds no file of this size; FAT ends at 4 GiB.", "Use a medium with exFAT, NTFS or ext4."),
    "X428": Refusal("Another medium", "The second medium was taken away, or another one stands in its place; nothing was copied there.", "Attach it again; then the same command with --resume."),
    "X430": Refusal("No such source", "The source is not there.", "Name a folder, a file or a block device."),
    "X431": Refusal("The source cannot be looked at", "The system refused.", "Check the permissions."),
    "X432": Refusal("The source is a link", "Links are not followed, not even the source's own.", "Name what it points to."),
    "X433": Refusal("Not a source", "The source is of a kind that is not read.", "Name a folder, a file or a block device."),
    "X434": Refusal("No libmagic", "There is no libmagic, so no media types can be told.", "Install pylibmagic; the seal stands without it."),
    "X435": Refusal("Not on this system", "This system cannot walk folders by handles.", "Use Linux or macOS."),
    "X440": Refusal("Nothing is sealed", "No exhibit of the case is sealed under a checkpoint.", "`evidencekit acquire` seals one."),
    "X441": Refusal("Not the sealed catalogue", "A manifest is not the one that its event names.", "`evidencekit verify CASE`."),
    "X442": Refusal("No place for the index", "Neither the case nor the cache folder can be written.", "Make one of them writable."),
    "X443": Refusal("Not a catalogue", "A manifest is not of its form.", "`evidencekit verify CASE`."),
    "X444": Refusal("The index failed", "The index cannot be built or read.", "Delete index.sqlite: nothing is lost."),
    "X446": Refusal("Not a record", "The case file or an event is malformed.", "`evidencekit verify CASE`."),
    "X447": Refusal("The comparison failed", "The temporary file of a comparison cannot be made or read.", "Make room in the case's folder."),
    "X450": Refusal("A worker process ended", "A part of the program was ended by the system.", "Look for a lack of memory; the same again with --resume."),
    "X451": Refusal("No worker process", "The system starts no other process.", "Use --jobs 1."),
    "X490": Refusal("The demonstration went wrong", "A step did not end as it should have.", "`evidencekit doctor`; then report it."),
    "X499": Refusal("Stopped", "Somebody stopped the program; what was sealed stands.", "Start again; for acquisitions with --resume."),
    # --- R5xx: it would break a rule (exit 5) ----------------------------------------------------------------------
    "R501": Refusal("It exists", "An existing file or folder is never overwritten.", "Choose another name."),
    "R502": Refusal("The case is unfinished", "Something stands above the newest checkpoint.", "`evidencekit checkpoint finish CASE`."),
    "R503": Refusal("Other log keys", "These are not the keys that the case was opened with.", "Name the right file with --log-key."),
    "R504": Refusal("Sealed already", "A sealed exhibit is never acquired again.", "Use a new exhibit number."),
    "R505": Refusal("An unfinished acquisition", "An acquisition of this exhibit was interrupted, or is going on.", "Add --resume."),
    "R506": Refusal("Inside each other", "Source and case, or output, lie inside each other: reading would change what is read.", "Keep the case elsewhere."),
    "R507": Refusal("Going on just now", "Another program is acquiring this exhibit.", "Wait for it or stop it; then add --resume."),
    "R508": Refusal("Not a mirror of this case", "Where the second copy is to be stands something else; nothing of it was replaced.", "Name a new folder, an empty one, or this case's own mirror."),
    "R509": Refusal("Begun otherwise", "The unfinished acquisition was begun with other options, or of another source.", "Repeat the command as it was; or delete the exhibit's folder in work/ to begin anew."),
    "R511": Refusal("Against the rules of custody", "The event could not have happened in this order.", "`evidencekit show CASE` lists the state."),
    "R512": Refusal("Others were faster", "Other computers entered events all the time.", "Try again."),
    "R515": Refusal("Others can read the key", "A private key must be readable by its owner only.", "chmod 600."),
    "R516": Refusal("A weak key", "No verifier would accept a signature by this key.", "Use Ed25519, or RSA of 3,072 bits."),
    "R517": Refusal("The key exists", "A key is never overwritten.", "Choose another name."),
    "R518": Refusal("Keys of another log", "These log keys are of another origin.", "Name the right file with --log-key."),
    "R519": Refusal("One key in two roles", "Keys of logs, witnesses and persons must differ.", "Use a key of its own for each role."),
}  # fmt: skip
