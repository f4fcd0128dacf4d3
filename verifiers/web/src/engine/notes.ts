/** The notes of a log (verification.md 1.2, 1.5): which hold, and which is the newest. */

import { equal } from "./bytes";
import { type Files, fromNumber8, number8 } from "./files";
import { judgeLines, type Note, parseNote, type Vkey } from "./note";
import type { Sink } from "./sink";
import { FILE } from "./table";

export const NOTE_LIMIT = 1024 * 1024;

export interface HeldNote {
  note: Note;
  bytes: Uint8Array;
}

export interface Notes {
  /** Notes that hold, by size. */
  valid: Map<number, HeldNote>;
  /** Sizes that have a plain file. */
  sizes: Set<number>;
  newest: number;
  /** Sizes whose file is there, and could not be read. */
  unread: Set<number>;
}

export async function readNotes(
  files: Files,
  sink: Sink,
  origin: string | null,
  keys: [Vkey, Vkey] | null,
): Promise<Notes> {
  const valid = new Map<number, HeldNote>();
  const sizes: number[] = [];
  const unread = new Set<number>();
  for (const { path, kind } of files.list("checkpoints/")) {
    const size = fromNumber8(path);
    if (size !== null && kind === FILE) sizes.push(size);
  }
  sizes.sort((a, b) => a - b);
  for (const size of sizes) {
    const where = `checkpoints/${number8(size)}`;
    const read = await files.read(where, NOTE_LIMIT);
    if ("tooLarge" in read) {
      sink.find("E102", where, `${read.tooLarge} bytes`);
      continue;
    }
    if ("lack" in read) {
      unread.add(size);
      if (read.lack === "unreadable") sink.missedOut("record", "unreadable", where, read.why);
      continue;
    }
    const note = parseNote(read.bytes);
    if (!note || note.size !== size || size < 1 || (origin !== null && note.origin !== origin)) {
      sink.find("E105", where, note ? `${note.origin}, size ${note.size}` : "not in its form");
      continue;
    }
    if (!keys) {
      sink.missedOut("record", "no_log_keys", where, "nothing says which keys the log has");
      continue;
    }
    const faults = judgeLines(note, keys);
    for (const code of faults)
      sink.find(code, where, code === "E405" ? `${note.lines.length} lines` : "a line that does not verify");
    if (!faults.length) {
      valid.set(size, { note, bytes: read.bytes });
      sink.count("checkpoints");
    }
  }
  return { valid, sizes: new Set(sizes), newest: Math.max(0, ...valid.keys()), unread };
}

/** E204: each note's root is that of the entries up to its size. */
export function compareRoots(notes: Notes, root: (size: number) => Uint8Array | null, sink: Sink): void {
  for (const [size, { note }] of notes.valid) {
    const found = root(size);
    const where = `checkpoints/${number8(size)}`;
    if (!found) sink.missedOut("record", "gap", where, "an entry below its size could not be read");
    else if (!equal(found, note.root)) sink.find("E204", where, "another root than that of the entries");
  }
}
