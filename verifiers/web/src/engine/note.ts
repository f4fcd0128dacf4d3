/** C2SP signed notes, checkpoints, vkeys and cosignatures, as narrow as checkpoint.md has them. */

import { ml_dsa44 } from "@noble/post-quantum/ml-dsa";
import { concat, equal, fromBase64, fromHex, fromUtf8, u64, utf8 } from "./bytes";
import * as ed25519 from "./ed25519";
import { sha256 } from "./hash";

export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;
export const MLDSA44 = 0x06;

export interface Checkpoint {
  origin: string;
  size: number;
  root: Uint8Array;
}

export interface NoteLine {
  name: string;
  id: Uint8Array;
  /** What follows the key ID. */
  rest: Uint8Array;
}

export interface Note extends Checkpoint {
  /** The signed text, with its last newline. */
  text: Uint8Array;
  lines: NoteLine[];
}

export interface Vkey {
  name: string;
  id: Uint8Array;
  type: number;
  key: Uint8Array;
  text: string;
}

const ORIGIN = /^[A-Za-z0-9._~-]+(?:\/[A-Za-z0-9._~-]+)+$/;

/** checkpoint.md 3. */
export function isOrigin(text: string): boolean {
  return text.length <= 200 && ORIGIN.test(text) && text.split("/", 1)[0]!.includes(".");
}

/** A tree size below 2^63 in its only form; those above 2^53 are read as infinite, since no such tree can be here. */
export function parseSize(text: string): number | null {
  if (!/^(?:0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) >= 1n << 63n) return null;
  const size = Number(text);
  return Number.isSafeInteger(size) ? size : Infinity;
}

/** The note in `bytes`; null where it is not in the form. */
export function parseNote(bytes: Uint8Array): Note | null {
  const whole = fromUtf8(bytes);
  if (whole === null || !whole.endsWith("\n")) return null;
  const split = whole.indexOf("\n\n");
  if (split < 0) return null;
  const text = whole.slice(0, split + 1);
  const head = text.slice(0, -1).split("\n");
  const [origin, sizeText, rootText] = head;
  if (head.length !== 3 || !isOrigin(origin!)) return null;
  const size = parseSize(sizeText!);
  const root = fromBase64(rootText!, 32);
  if (size === null || root === null) return null;
  const rest = whole.slice(split + 2);
  if (!rest) return null;
  const lines: NoteLine[] = [];
  for (const line of rest.slice(0, -1).split("\n")) {
    const parsed = parseLine(line);
    if (!parsed) return null;
    lines.push(parsed);
  }
  return { origin: origin!, size, root, text: utf8(text), lines };
}

export function parseLine(line: string): NoteLine | null {
  const match = /^\u2014 ([^\s+]+) (\S+)$/u.exec(line);
  const blob = match && fromBase64(match[2]!);
  if (!blob || blob.length < 5) return null;
  return { name: match[1]!, id: blob.subarray(0, 4), rest: blob.subarray(4) };
}

export function keyId(name: string, type: number, key: Uint8Array): Uint8Array {
  return sha256(concat(utf8(name), new Uint8Array([0x0a, type]), key)).subarray(0, 4);
}

export function parseVkey(text: string): Vkey | null {
  const match = /^([^\s+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(text);
  const blob = match && fromBase64(match[3]!);
  if (!blob || blob.length < 2) return null;
  const type = blob[0]!;
  const key = blob.subarray(1);
  const id = fromHex(match[2]!)!;
  const lengths: Record<number, number> = { [ED25519]: 32, [COSIGNATURE]: 32, [MLDSA44]: 1312 };
  if (lengths[type] !== key.length || !equal(id, keyId(match[1]!, type, key))) return null;
  if (type !== MLDSA44 && !ed25519.goodKey(key)) return null;
  return { name: match[1]!, id, type, key, text };
}

/** The two keys of a log: Ed25519, then ML-DSA-44, named by its origin. */
export function parseLogKeys(texts: string[], origin: string): [Vkey, Vkey] | null {
  const [first, second] = texts.map(parseVkey);
  if (texts.length !== 2 || !first || !second) return null;
  if (first.type !== ED25519 || second.type !== MLDSA44) return null;
  return first.name === origin && second.name === origin ? [first, second] : null;
}

export const signatureLength = (type: number): number =>
  ({ [ED25519]: 64, [COSIGNATURE]: 72, [MLDSA44]: 2428 })[type] ?? -1;

export const isOf = (line: NoteLine, key: Vkey): boolean =>
  line.name === key.name && equal(line.id, key.id) && line.rest.length === signatureLength(key.type);

export const timestampOf = (line: NoteLine): bigint =>
  new DataView(line.rest.buffer, line.rest.byteOffset).getBigUint64(0);

/** Is the line the log's own, by key name, key ID, length and timestamp 0? */
export const isLogs = (line: NoteLine, key: Vkey): boolean =>
  isOf(line, key) && (key.type !== MLDSA44 || timestampOf(line) === 0n);

/** Does a line that `isOf` the key hold over this checkpoint, whose text is `text`? */
export function lineHolds(line: NoteLine, key: Vkey, note: Checkpoint, text: Uint8Array): boolean {
  if (key.type === ED25519) return ed25519.verify(key.key, text, line.rest);
  const time = timestampOf(line);
  const signature = line.rest.subarray(8);
  if (key.type === COSIGNATURE) {
    return ed25519.verify(key.key, concat(utf8(`cosignature/v1\ntime ${time}\n`), text), signature);
  }
  try {
    return ml_dsa44.verify(key.key, cosignedMessage(key.name, time, note), signature);
  } catch {
    return false;
  }
}

function cosignedMessage(name: string, time: bigint, note: Checkpoint): Uint8Array {
  const cosigner = utf8(name);
  const origin = utf8(note.origin);
  return concat(
    utf8("subtree/v1\n\0"),
    new Uint8Array([cosigner.length & 0xff]),
    cosigner,
    u64(time),
    new Uint8Array([origin.length & 0xff]),
    origin,
    u64(0),
    u64(note.size),
    note.root,
  );
}

export const checkpointText = (note: Checkpoint, root64: string): Uint8Array =>
  utf8(`${note.origin}\n${note.size}\n${root64}\n`);

/** Findings of the log's two lines: E405 alone, or E406 once for each line that is not good. */
export function judgeLines(note: Note, keys: [Vkey, Vkey]): ("E405" | "E406")[] {
  if (note.lines.length !== 2 || !note.lines.every((line, i) => isLogs(line, keys[i]!))) return ["E405"];
  return note.lines.flatMap((line, i) => (lineHolds(line, keys[i]!, note, note.text) ? [] : ["E406" as const]));
}
