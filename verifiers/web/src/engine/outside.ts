/** Step 12: the log against something outside: `--since` (checkpoint.md 13), and the policy's `min_size`. */

import { fromBase64, fromHex, toHex, utf8 } from "./bytes";
import type { Env } from "./env";
import { number8 } from "./files";
import { sha256 } from "./hash";
import { isOrigin, parseNote, parseSize } from "./note";
import { OK, unchecked } from "./outcome";
import type { Sink } from "./sink";
import type { AspectStatus } from "./types";
import { Usage } from "./usage";

export interface Since {
  origin: string | null;
  size: number;
  root: Uint8Array;
}

const MOST_TEXT = 16_384;

/** Any form that checkpoint.md 13 takes. Raises `Usage` for what is not understood: nothing is repaired. */
export function parseSince(text: string): Since {
  if (text.length > MOST_TEXT) throw new Usage("the checkpoint is too long");
  const refuse = (why: string): never => {
    throw new Usage(`the checkpoint is not understood: ${why}`);
  };
  const clean = text.replace(/\r\n?/g, "\n").replace(/[\u2580-\u259f]/g, " ");
  const note = asNote(clean);
  const labelled = asLabels(clean.slice(note ? note.end : 0), refuse);
  const found = note?.since ?? labelled ?? asLine(clean.trim());
  if (!found) return refuse("neither a note nor ORIGIN SIZE ROOT");
  if (
    note &&
    labelled &&
    (labelled.size !== found.size ||
      toHex(labelled.root) !== toHex(found.root) ||
      (labelled.origin ?? found.origin) !== found.origin)
  ) {
    refuse("its two forms differ");
  }
  if (found.size === 0) refuse("the empty tree says nothing");
  return found;
}

function asNote(text: string): { since: Since; end: number } | null {
  const full = parseNote(utf8(text));
  if (full) return { since: full, end: text.length };
  const match = /^\s*([^\s]+)[ \t]*\n[ \t]*([0-9]+)[ \t]*\n[ \t]*([A-Za-z0-9+/]{43}=)[ \t]*(?:\n|$)/.exec(text);
  const root = match && fromBase64(match[3]!, 32);
  const size = match && parseSize(match[2]!);
  if (!match || !root || size === null || size === undefined || !isOrigin(match[1]!)) return null;
  return { since: { origin: match[1]!, size, root }, end: match[0].length };
}

function asLine(text: string): Since | null {
  const words = text.split(/\s+/);
  const [rootText, sizeText, origin = null] = [...words].reverse();
  if (words.length < 2 || words.length > 3) return null;
  const size = parseSize(sizeText!);
  const root = fromBase64(rootText!, 32) ?? fromHex(rootText!.toLowerCase().replace(/-/g, ""), 32);
  return size === null || !root || (origin !== null && !isOrigin(origin)) ? null : { origin, size, root };
}

const LABEL = /^[ \t]*(origin|size|root|check|keys|recorded)\b[ \t]*:?[ \t]*/i;

function asLabels(text: string, refuse: (why: string) => never): Since | null {
  const parts = new Map<string, string>();
  let last: string | null = null;
  for (const line of text.split("\n")) {
    const match = LABEL.exec(line);
    if (match) {
      last = match[1]!.toLowerCase();
      if (parts.has(last)) refuse(`${last} stands twice`);
      parts.set(last, line.slice(match[0].length));
    } else if (last === "root" && line.trim()) parts.set("root", `${parts.get("root")} ${line}`);
  }
  if (!parts.has("size") || !parts.has("root")) return null;
  const grouped = /^([0-9]{1,3})(?:([,.'_]|[ \t]+)([0-9]{3})(?:\2[0-9]{3})*)?$|^[0-9]+$/.exec(
    parts.get("size")!.trim(),
  );
  const size = grouped && parseSize(grouped[0].replace(/[^0-9]/g, ""));
  if (size === null || size === undefined) return refuse("its size");
  const compact = parts.get("root")!.replace(/\s/g, "");
  const root = fromHex(compact.replace(/-/g, "").toLowerCase(), 32) ?? fromBase64(compact, 32);
  if (!root) return refuse("its root");
  const origin = parts.get("origin")?.trim() ?? null;
  if (origin !== null && !isOrigin(origin)) refuse("its origin");
  const check = parts.get("check")?.trim().toLowerCase();
  if (check !== undefined) {
    if (origin === null) return refuse("a check code without an origin");
    const digest = toHex(sha256(utf8(`${origin}\n${size}\n${btoa(String.fromCharCode(...root))}\n`)));
    if (digest.slice(0, 6) !== check) refuse("its check code does not fit");
  }
  return { origin, size, root };
}

/** A log as far as it can be compared: `root` gives null where an entry could not be read. */
export interface Compared {
  origin: string | null;
  size: number;
  root(size: number): Uint8Array | null;
}

/** Compare the log with what is known from outside; `where` is its newest checkpoint. */
export function judgeOutside(
  env: Env,
  log: Compared,
  since: Since | null,
  sink: Sink,
  where = `checkpoints/${number8(log.size)}`,
): AspectStatus {
  let compared = false;
  const minimum = (log.origin !== null && env.policy?.logs.get(log.origin)?.minSize) || 0;
  if (minimum > 0) {
    compared = true;
    if (log.size < minimum) sink.find("E503", where, `size ${log.size}`, `at least ${minimum}`);
  }
  if (since) {
    compared = true;
    sink.count("outside");
    if (since.origin !== null && log.origin !== null && since.origin !== log.origin) {
      sink.find("E104", "--since", `origin ${since.origin}`, `origin ${log.origin}`);
    } else if (since.size > log.size) sink.find("E503", "--since", `size ${log.size}`, `at least ${since.size}`);
    else {
      const root = log.root(since.size);
      if (!root) sink.missedOut("completeness", "gap", "--since", "the root at that size cannot be computed");
      else if (toHex(root) !== toHex(since.root)) sink.find("E206", "--since", toHex(root), toHex(since.root));
    }
  }
  return compared ? OK : unchecked("nothing outside confirms that this is the newest state");
}
