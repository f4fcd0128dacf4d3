/**
 * A published log: C2SP tlog-tiles in a folder (verification.md 2a, checkpoint.md 11). Events, rows and evidence are
 * not there.
 */

import { equal, toHex } from "./bytes";
import { EntryWalk } from "./entrywalk";
import type { Env } from "./env";
import type { Files } from "./files";
import { leafHash, Tree } from "./merkle";
import { type Note, parseNote } from "./note";
import { NOTE_LIMIT } from "./notes";
import { type Facts, unchecked } from "./outcome";
import { judgeOutside, type Since } from "./outside";
import { judgePublisher, judgeWitnesses } from "./publisher";
import type { Sink } from "./sink";
import { FULL, readBundle, tilePath } from "./tiles";
import type { AspectStatus } from "./types";

const CHECKPOINT = "checkpoint";
const MOST_ENTRIES = 1_000_000;

export async function judgePublished(env: Env, files: Files, sink: Sink, since: Since | null): Promise<Facts> {
  const note = await readCheckpoint(files, sink);
  const log = new Published(env, files, sink);
  if (note) await log.read(note);
  const { policy } = env;
  const none = unchecked("there is no checkpoint that can be read");
  const noPolicy = unchecked("no policy was given");
  const given = (judged: () => AspectStatus): AspectStatus => (!note ? none : !policy ? noPolicy : judged());
  sink.missedOut("custody", "not_published", "events", "no event is published, so no rule of custody can be checked");
  const head = note && { origin: note.origin, size: note.size, root: (size: number) => log.root(size) };
  return {
    subject: "log",
    scope: "log",
    checkpoint: note && { origin: note.origin, root: toHex(note.root), size: note.size },
    sealed: note !== null,
    evidence: unchecked("no evidence is published"),
    identity: given(() => judgePublisher(policy!, note!, sink)),
    time: unchecked("no time-stamp is published"),
    witness: given(() => judgeWitnesses(env, note!, log.root(note!.size), sink)),
    completeness: head ? judgeOutside(env, head, since, sink, CHECKPOINT) : none,
    times: null,
    counts: { entries: log.size },
    files: { checked: log.filesRead, not_checked: 0, total: log.filesRead },
  };
}

async function readCheckpoint(files: Files, sink: Sink): Promise<Note | null> {
  const read = await files.read(CHECKPOINT, NOTE_LIMIT);
  if ("tooLarge" in read) sink.find("E102", CHECKPOINT, `${read.tooLarge} bytes`);
  else if ("lack" in read) {
    if (read.lack === "missing") sink.find("E501", CHECKPOINT, "none", "a plain file");
    else sink.missedOut("record", "unreadable", CHECKPOINT, read.why);
  } else {
    const note = parseNote(read.bytes);
    if (!note || note.size < 1) sink.find("E105", CHECKPOINT, note ? `size ${note.size}` : "not in its form");
    else if (note.size > MOST_ENTRIES) sink.find("E102", CHECKPOINT, `${note.size} entries`);
    else return note;
  }
  return null;
}

class Published {
  size = 0;
  /** Files that were read. */
  filesRead = 1;
  private readonly tree = new Tree();
  private readonly roots: Uint8Array[] = [];
  /** Leaf hashes, one after the other. */
  private leaves = new Uint8Array(0);
  private isWhole = true;

  constructor(
    private readonly env: Env,
    private readonly files: Files,
    private readonly sink: Sink,
  ) {}

  /** Root of the first `size` entries; null where one could not be read. */
  root(size: number): Uint8Array | null {
    return size === 0 ? new Tree().root() : (this.roots[size - 1] ?? null);
  }

  async read(note: Note): Promise<void> {
    this.leaves = new Uint8Array(32 * note.size);
    const walk = new EntryWalk(this.sink);
    for (let first = 0; first < note.size; first += FULL) {
      await this.env.tick("log", first, note.size, "tile/entries");
      await this.bundle(first, Math.min(FULL, note.size - first), walk);
    }
    await this.tiles(note.size);
    const root = this.root(note.size);
    if (!root) this.sink.missedOut("record", "gap", CHECKPOINT, "an entry below its size could not be read");
    else if (!equal(root, note.root)) this.sink.find("E204", CHECKPOINT, "another root than that of the entries");
    else this.sink.count("checkpoints");
  }

  private async bundle(first: number, width: number, walk: EntryWalk): Promise<void> {
    const found = await this.file("entries", first / FULL, width);
    const entries = found && readBundle(found.bytes, width, found.isWider);
    if (found && !entries) this.sink.find("E435", found.path, `not ${width} entries`);
    if (!entries) {
      this.isWhole = false;
      return;
    }
    entries.forEach((entry, i) => {
      const hash = leafHash(entry);
      const prior = this.isWhole ? this.root(first + i) : null;
      walk.entry(entry, first + i, `${found!.path}#${first + i}`, prior);
      this.leaves.set(hash, 32 * (first + i));
      if (!this.isWhole) return;
      this.tree.add(hash);
      this.roots.push(this.tree.root());
    });
    this.size += entries.length;
    this.sink.count("entries", entries.length);
  }

  /** Every tile of a tree of this size: the hashes of the entries, and of whole tiles below. */
  private async tiles(size: number): Promise<void> {
    if (!this.isWhole) return;
    let hashes = this.leaves;
    for (let level = 0; hashes.length; level++) {
      const count = hashes.length / 32;
      const above = new Uint8Array(32 * Math.floor(count / FULL));
      for (let first = 0; first < count; first += FULL) {
        const width = Math.min(FULL, count - first);
        const expected = hashes.subarray(32 * first, 32 * (first + width));
        const found = await this.file(String(level), first / FULL, width);
        if (found) {
          const same = equal(found.isWider ? found.bytes.subarray(0, expected.length) : found.bytes, expected);
          if (same) this.sink.count("tiles");
          else this.sink.find("E435", found.path, "other hashes than those of the entries");
        }
        if (width === FULL) above.set(rootOf(expected), (32 * first) / FULL);
        await this.env.tick("log", size, size, "tile");
      }
      hashes = above;
    }
  }

  /** A tile or bundle; where a partial one is not there, the full one has it in its beginning. */
  private async file(
    level: string,
    number: number,
    width: number,
  ): Promise<{ path: string; bytes: Uint8Array; isWider: boolean } | null> {
    const path = tilePath(level, number, width);
    const full = tilePath(level, number, FULL);
    const isWider = width < FULL && !this.files.isFile(path) && this.files.isFile(full);
    const name = isWider ? full : path;
    const read = await this.files.read(name, 1 << 24);
    if ("bytes" in read) {
      this.filesRead++;
      return { path: name, bytes: read.bytes, isWider };
    }
    if ("tooLarge" in read) this.sink.find("E435", name, `${read.tooLarge} bytes`);
    else if (read.lack === "missing") this.sink.find("E501", name, "none", "a plain file");
    else this.sink.missedOut("record", "unreadable", name, read.why);
    return null;
  }
}

function rootOf(hashes: Uint8Array): Uint8Array {
  const tree = new Tree();
  for (let at = 0; at < hashes.length; at += 32) tree.add(hashes.subarray(at, at + 32));
  return tree.root();
}
