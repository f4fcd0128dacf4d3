/** Groups of rows (manifest.md 2 to 5 and 8): form, state and kind, commitments. */

import { concat, fromBase64, compareBytes, utf8 } from "./bytes";
import * as f from "./forms";
import { sha256 } from "./hash";
import { type Fault, isObj, type Json, type Obj, parse } from "./json";
import { split } from "./paths";
import { checkRecord, type Read } from "./records";

export const GROUP_LIMIT = 1_048_576;
export const KINDS = ["file", "directory", "symlink", "fifo", "socket", "char_device", "block_device", "unknown"];
export const STATES = ["complete", "changed", "partial", "not_read", "not_listed", "vanished"];
export const DIGEST_BYTES: Record<string, number> = {
  blake3: 32,
  md5: 16,
  sha1: 20,
  sha256: 32,
  sha3_256: 32,
  sha512: 64,
};
const MOST_LIST = 500;
const MOST_TEXT = 4096;

export type GroupName = "name" | "content" | "metadata" | "opinion";

export function commitment(group: GroupName, salt: Uint8Array, bytes: Uint8Array): Uint8Array {
  return sha256(concat(utf8(`evidencekit/group/1\0${group}\0`), salt, bytes));
}

/** Exactly one of two members, as bytes that hold no zero; empty only where `empty`. */
function isName(value: Obj, name: string, empty = false): boolean {
  const bytes = f.nameBytes(value, name);
  return bytes !== null && (empty || bytes.length > 0) && !bytes.includes(0);
}

const none: f.Form = () => true;
const names = (...all: string[]): Record<string, f.Form> =>
  Object.fromEntries(
    all.flatMap((name) => [
      [name, f.string],
      [`${name}_hex`, f.string],
    ]),
  );

/** A value that stands in `objects/`: an array of more than 500 members, or a text of more than 4,096 bytes. */
const large = (v: Json | undefined, isText: boolean): boolean =>
  f.shape({ bytes: f.count, count: f.count, sha256: f.hex32 })(v) &&
  (isText
    ? (v as Obj)["count"] === "1" && BigInt(String((v as Obj)["bytes"])) > BigInt(MOST_TEXT)
    : BigInt(String((v as Obj)["count"])) > BigInt(MOST_LIST));

const list =
  (form: f.Form, also: (values: Json[]) => boolean = () => true): f.Form =>
  (v) =>
    Array.isArray(v) ? v.length > 0 && v.length <= MOST_LIST && v.every(form) && also(v) : large(v, false);
const anyList =
  (form: f.Form, also: (values: Json[]) => boolean = () => true): f.Form =>
  (v) =>
    (Array.isArray(v) && v.length === 0) || list(form, also)(v);
const longText: f.Form = (v) => (typeof v === "string" ? utf8(v).length <= MOST_TEXT : large(v, true));

const range = f.shape({ length: f.count, offset: f.count });
const apart = (values: Json[]): boolean =>
  values.every((one, i) => {
    const { length, offset } = one as { length: string; offset: string };
    if (length === "0") return false;
    if (i === 0) return true;
    const before = values[i - 1] as { length: string; offset: string };
    return BigInt(before.offset) + BigInt(before.length) < BigInt(offset);
  });

const attributeForm = f.shape(
  { value: (v) => (typeof v === "string" ? v.length <= MOST_TEXT && f.base64()(v) : large(v, true)) },
  names("name"),
);
const attribute: f.Form = (v) => attributeForm(v) && isName(v as Obj, "name");
const byName = (values: Json[]): boolean =>
  values.every(
    (one, i) =>
      i === 0 || compareBytes(f.nameBytes(values[i - 1] as Obj, "name")!, f.nameBytes(one as Obj, "name")!) < 0,
  );
const revealing = /^(?:security\.|user\.checksum|user\.shatag|user\.hash)/;
const attributes = (ofContent: boolean): f.Form =>
  list(
    attribute,
    (values) =>
      byName(values) &&
      values.every((one) => revealing.test(String.fromCharCode(...f.nameBytes(one as Obj, "name")!)) === ofContent),
  );
const sortedTexts: f.Form = anyList(f.string, (values) => f.ascending(values as string[]));

const nameForm = f.shape({ _t: none }, names("path", "stream", "target", "original"));

function goodName(value: Obj): boolean {
  if (!nameForm(value) || !isName(value, "path", true)) return false;
  for (const one of ["stream", "target", "original"]) if (f.hasName(value, one) && !isName(value, one)) return false;
  const path = f.nameBytes(value, "path")!;
  if (f.hasName(value, "original") && compareBytes(f.nameBytes(value, "original")!, path) === 0) return false;
  return (
    path.length === 0 ||
    split(path).every((part) => part.length > 0 && !(part.length <= 2 && part.every((byte) => byte === 0x2e)))
  );
}

const digests = (...all: string[]): Record<string, f.Form> =>
  Object.fromEntries(all.map((name) => [name, f.hex(DIGEST_BYTES[name]!)]));
const REASONS = f.oneOf(
  "excluded",
  "permission_denied",
  "io_error",
  "not_found",
  "too_long",
  "too_large",
  "unsupported",
  "interrupted",
  "changed_kind",
  "other",
);
const contentForm = f.shape(
  {
    _t: none,
    blake3: f.orNull(f.hex32),
    sha256: f.orNull(f.hex32),
    size: f.orNull(f.count),
    state: f.oneOf(...STATES),
  },
  {
    ...digests("md5", "sha1", "sha512", "sha3_256"),
    sha256_zero_filled: f.hex32,
    blake3_zero_filled: f.hex32,
    unreadable: list(range, apart),
    reason: REASONS,
    detail: longText,
    xattrs: attributes(true),
  },
);
export const EXTRA_DIGESTS = ["md5", "sha1", "sha512", "sha3_256"];

function goodContent(value: Obj): boolean {
  if (!contentForm(value)) return false;
  const has = (name: string): boolean => Object.hasOwn(value, name);
  const { state, sha256: digest, blake3 } = value;
  if ((digest === null) !== (blake3 === null)) return false;
  if (digest === null && EXTRA_DIGESTS.some(has)) return false;
  if (digest !== null && (state === "partial" || (state !== "complete" && state !== "changed"))) return false;
  const partial = state === "partial";
  if ([has("sha256_zero_filled"), has("blake3_zero_filled"), has("unreadable")].some((there) => there !== partial))
    return false;
  if (partial && value["size"] === null) return false;
  const omitted = state !== "complete" && state !== "changed";
  if (has("reason") !== omitted || (has("detail") && !has("reason"))) return false;
  return value["reason"] !== "excluded" || state === "not_read" || state === "not_listed";
}

const metadataForm = f.shape(
  { _t: none },
  {
    mtime_ns: f.signed,
    atime_ns: f.signed,
    ctime_ns: f.signed,
    btime_ns: f.signed,
    mode: (v) => f.count(v) && BigInt(v as string) <= 4095n,
    uid: f.count,
    gid: f.count,
    inode: f.count,
    device: f.count,
    nlink: f.count,
    rdev: f.count,
    link_group: (v) => f.count(v) && v !== "0",
    ...names("owner", "group"),
    xattrs: attributes(false),
    holes: anyList(range, apart),
    after: f.shape({ ctime_ns: f.signed, mtime_ns: f.signed, size: f.count }),
    attributes: sortedTexts,
    unreadable_metadata: sortedTexts,
  },
);
const goodMetadata = (value: Obj): boolean =>
  metadataForm(value) && ["owner", "group"].every((name) => !f.hasName(value, name) || isName(value, name, true));

const mediaType = f.shape({
  _t: none,
  charset: f.orNull(f.text),
  error: f.orNull(f.text),
  media_type: f.orNull(f.text),
});
const COMPARED = [...Object.keys(DIGEST_BYTES), "size"];
export const RESULTS = ["differs", "moved", "not_comparable", "not_listed", "same"];
const matchForm = f.shape(
  { _t: none, result: f.oneOf(...RESULTS) },
  {
    compared: (v) => f.array(f.oneOf(...COMPARED))(v) && f.ascending(v as string[]),
    listed: f.someOf({ ...digests(...Object.keys(DIGEST_BYTES)), size: f.count }),
    ...names("listed_as"),
  },
);

function goodMatch(value: Obj): boolean {
  if (!matchForm(value)) return false;
  const result = String(value["result"]);
  const compared = value["compared"] as string[] | undefined;
  const has = (name: string): boolean => f.hasName(value, name);
  if (has("compared") !== ["same", "differs", "moved"].includes(result)) return false;
  if (has("listed") !== (result === "differs") || has("listed_as") !== (result === "moved")) return false;
  if (compared && (result === "same" || result === "moved") && !compared.some((one) => one !== "size")) return false;
  if (compared?.length === 0) return false;
  if (result === "differs" && !Object.keys(value["listed"] as Obj).every((one) => compared!.includes(one)))
    return false;
  return result !== "moved" || f.nameBytes(value, "listed_as") !== null;
}

const GOOD: Record<string, [string, (value: Obj) => boolean]> = {
  name: ["name", goodName],
  content: ["content", goodContent],
  metadata: ["metadata", goodMetadata],
  "media-type": ["media-type", (value) => mediaType(value)],
  match: ["match", goodMatch],
};

/** A group of its schema: `name`, `content`, `metadata`; of an opinion the kind, `media-type` or `match`. */
export function readGroup(bytes: Uint8Array, schema: string): Read<Obj> {
  const parsed = parse(bytes, GROUP_LIMIT);
  if ("fault" in parsed) return parsed;
  const [type, good] = GOOD[schema]!;
  return checkRecord<Obj>(parsed.value, type, (value) => isObj(value) && good(value));
}

/** What is wrong between kind and groups (manifest.md 5): nothing can be said where one of these is not known. */
export function rowFault(kind: string, name: Obj | null, content: Obj | null, metadata: Obj | null): string | null {
  if (!name || !content || !metadata) return null;
  const state = String(content["state"]);
  const isTaken = state === "complete" || state === "changed";
  const isRoot = f.nameBytes(name, "path")!.length === 0;
  if (f.hasName(name, "stream") && kind !== "file") return "a stream that is no file";
  const read = kind === "file" || (kind === "block_device" && isRoot);
  const allowed =
    state === "complete" ||
    state === "vanished" ||
    (state === "changed" && (read || kind === "directory" || kind === "symlink")) ||
    (state === "partial" && read) ||
    (state === "not_read" && kind !== "directory") ||
    (state === "not_listed" && kind === "directory");
  if (!allowed) return `a ${kind} that is ${state}`;
  const whole = content["sha256"] !== null;
  if (read && isTaken !== whole) return "digests that do not fit the state";
  if (!read && whole) return "digests of what is not read";
  if (!read && content["size"] !== null) return "a size of what is not read";
  if (whole && content["size"] === null) return "no size";
  const hasTarget = f.hasName(name, "target");
  if (kind === "symlink" ? hasTarget !== isTaken : hasTarget) return "a target that does not fit kind and state";
  if (Object.hasOwn(metadata, "after") !== (state === "changed")) return "`after` that does not fit the state";
  if (Object.hasOwn(metadata, "rdev") && kind !== "char_device" && kind !== "block_device")
    return "a device number of no device";
  return null;
}

const leafForm = f.shape({ _t: none, content: f.hex32, kind: f.oneOf(...KINDS), metadata: f.hex32, name: f.hex32 });
const derivedLeafForm = f.shape({ _t: none, base_index: f.count, base_root: f.hex32, opinion: f.hex32 });

export interface Leaf {
  kind: string | null;
  baseIndex: string | null;
  baseRoot: string | null;
  /** Hex by group. */
  commitments: Partial<Record<GroupName, string>>;
}

/** The exact bytes of a leaf; `derived` says of which kind it has to be. */
export function readLeaf(bytes: Uint8Array, derived: boolean): Leaf | { fault: Fault } {
  const parsed = parse(bytes, 60_000);
  if ("fault" in parsed) return parsed;
  const read = checkRecord<Record<string, string>>(
    parsed.value,
    derived ? "derived-row" : "row",
    derived ? derivedLeafForm : leafForm,
  );
  if ("fault" in read) return read;
  const { kind = null, base_index = null, base_root = null, name, content, metadata, opinion } = read.value;
  const commitments = derived ? { opinion: opinion! } : { name: name!, content: content!, metadata: metadata! };
  return { kind, baseIndex: base_index, baseRoot: base_root, commitments };
}

/** Salt and text of an opened group; null where the salt is none. */
export function openedGroup(value: Json | undefined): { bytes: Uint8Array; salt: Uint8Array } | null {
  if (!f.shape({ bytes: f.string, salt: f.base64(16) })(value)) return null;
  const { bytes, salt } = value as { bytes: string; salt: string };
  return { bytes: utf8(bytes), salt: fromBase64(salt)! };
}
