/**
 * Scalar forms (encoding.md 4) and the small language in which events.json says them. Each is a test of one JSON value.
 */

import { compareText, fromBase64, fromUtf8, fromHex, utf8 } from "./bytes";
import { isObj, type Json, type Obj } from "./json";
import { isOrigin } from "./note";
import { readKeyLine } from "./sshkey";

export type Form = (value: Json | undefined) => boolean;

export const MAX_COUNT = (1n << 64n) - 1n;
const COUNT = /^(?:0|[1-9][0-9]{0,19})$/;

export const count: Form = (v) => typeof v === "string" && COUNT.test(v) && (v.length < 20 || BigInt(v) <= MAX_COUNT);
export const signed: Form = (v) => typeof v === "string" && /^(?:0|-?[1-9][0-9]{0,29})$/.test(v);
export const hex = (bytes: number): Form => {
  const pattern = new RegExp(`^[0-9a-f]{${2 * bytes}}$`);
  return (v) => typeof v === "string" && pattern.test(v);
};
export const hex32 = hex(32);
export const base64 =
  (bytes?: number): Form =>
  (v) =>
    typeof v === "string" && fromBase64(v, bytes) !== null;
export const string: Form = (v) => typeof v === "string";
export const text: Form = (v) => typeof v === "string" && (v.length <= 1024 || utf8(v).length <= 4096);
export const boolean: Form = (v) => typeof v === "boolean";
export const fingerprint: Form = (v) =>
  typeof v === "string" && /^SHA256:[A-Za-z0-9+/]{43}$/.test(v) && fromBase64(`${v.slice(7)}=`, 32) !== null;
export const exhibit: Form = (v) =>
  typeof v === "string" && /^(?:[a-z0-9-]{1,40}\/){0,4}[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(v);
export const branchName: Form = (v) => typeof v === "string" && /^[a-z0-9-]{1,40}$/.test(v);
export const oneOf =
  (...texts: string[]): Form =>
  (v) =>
    typeof v === "string" && texts.includes(v);
export const orNull =
  (form: Form): Form =>
  (v) =>
    v === null || form(v);
export const array =
  (form: Form, most = Infinity): Form =>
  (v) =>
    Array.isArray(v) && v.length <= most && v.every(form);

const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)\.(\d{9})Z$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export const instant: Form = (v) => {
  const match = typeof v === "string" ? INSTANT.exec(v) : null;
  if (!match) return false;
  const [year, month, day] = match.slice(1, 4).map(Number) as [number, number, number];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= DAYS[month - 1]! + (month === 2 && leap ? 1 : 0);
};

/** Nanoseconds since 1970 of an instant that has its form. */
export function nanoseconds(time: string): bigint {
  const date = new Date(0);
  date.setUTCFullYear(Number(time.slice(0, 4)), Number(time.slice(5, 7)) - 1, Number(time.slice(8, 10)));
  date.setUTCHours(Number(time.slice(11, 13)), Number(time.slice(14, 16)), Number(time.slice(17, 19)), 0);
  return BigInt(date.getTime()) * 1_000_000n + BigInt(time.slice(20, 29));
}

/** The instant of nanoseconds since 1970, in years 0001 to 9999. */
export function formatInstant(ns: bigint): string {
  const rest = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  const date = new Date(Number((ns - rest) / 1_000_000n));
  return `${date.toISOString().slice(0, 19)}.${rest.toString().padStart(9, "0")}Z`;
}

/** Length of a precision in nanoseconds. */
export const PRECISIONS: Record<string, bigint> = {
  ns: 1n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  min: 60_000_000_000n,
  day: 86_400_000_000_000n,
};
const ZEROS: Record<string, RegExp> = { ns: /Z$/, ms: /0{6}Z$/, s: /\.0{9}Z$/, min: /:00\.0{9}Z$/, day: /:00\.0{9}Z$/ };

export interface Moment {
  precision: string;
  time: string;
  utc_offset_min: number | null;
}

export const moment: Form = (v) => {
  if (
    !isObj(v) ||
    !shape({ precision: oneOf("ns", "ms", "s", "min", "day"), time: instant, utc_offset_min: offset })(v)
  )
    return false;
  return ZEROS[v["precision"] as string]!.test(v["time"] as string);
};
const offset: Form = (v) => v === null || (typeof v === "number" && Math.abs(v) <= 1439);

/** An object with these members and no other; those of `may` can be absent. */
export function shape(must: Record<string, Form>, may: Record<string, Form> = {}): Form {
  const names = Object.keys(must);
  return (v) =>
    isObj(v) &&
    names.every((name) => Object.hasOwn(v, name)) &&
    Object.keys(v).every((name) => own(must, may, name)?.(v[name]) ?? false);
}

const own = (must: Record<string, Form>, may: Record<string, Form>, name: string): Form | undefined =>
  Object.hasOwn(must, name) ? must[name] : Object.hasOwn(may, name) ? may[name] : undefined;

export const someOf = (may: Record<string, Form>): Form => {
  const form = shape({}, may);
  return (v) => form(v) && Object.keys(v as Obj).length > 0;
};

/** Exactly one of `x` (valid UTF-8) and `x_hex` (bytes that are not); the bytes, or null. */
export function nameBytes(value: Obj, name: string): Uint8Array | null {
  const plain = value[name];
  const coded = value[`${name}_hex`];
  if (typeof plain === "string" && coded === undefined) return utf8(plain);
  if (typeof coded !== "string" || plain !== undefined) return null;
  const bytes = fromHex(coded);
  return bytes && fromUtf8(bytes) === null ? bytes : null;
}

export const hasName = (value: Obj, name: string): boolean =>
  Object.hasOwn(value, name) || Object.hasOwn(value, `${name}_hex`);

export const ascending = (values: string[]): boolean =>
  values.every((value, i) => i === 0 || compareText(values[i - 1]!, value) < 0);

/** Of a file: two are always there. */
export const digests: Form = (v) => Array.isArray(v) && ["blake3", "sha256"].every((name) => v.includes(name));
export const origin: Form = (v) => typeof v === "string" && isOrigin(v);
/** Of any log: its origin is any text. */
export const treeHead = shape({ origin: text, root: hex32, size: count });
export const program = shape({
  name: text,
  parts: (v) => isObj(v) && Object.values(v).every(text),
  version: text,
});
export const engine = shape({ data_sha256: orNull(hex32), name: text, version: text });
export const object = shape({ bytes: count, sha256: hex32 });
export const person = shape({ id: text, key: fingerprint });
export const actor = shape({ id: text, key: fingerprint, organisation: orNull(text), role: orNull(text) });
const selection = shape({ base_root: hex32, list: object, root: hex32, rows: count });
/** As `receive` has it: what failed is not received. */
const aspect = oneOf("ok", "not_checked");

const NAMED: Record<string, Form> = {
  text,
  count,
  moment,
  instant,
  boolean,
  exhibit,
  fingerprint,
  program,
  engine,
  "tree head": treeHead,
  "hex of 32 bytes": hex32,
  "base64 of 16 bytes": base64(16),
  "branch [a-z0-9-], at most 40": branchName,
  "public key, one line as OpenSSH writes it": (v) => typeof v === "string" && readKeyLine(v) !== null,
  "checked {aspect: status}": shape({
    completeness: aspect,
    custody: aspect,
    evidence: aspect,
    identity: aspect,
    record: aspect,
    time: aspect,
    witness: aspect,
  }),
  "one of VERIFIED INTEGRITY ONLY NOT CHECKED": oneOf("VERIFIED", "INTEGRITY ONLY", "NOT CHECKED"),
};

const WHOLE: Record<string, Form> = {
  object,
  person,
  attachment: shape({ name: text, sha256: hex32 }),
  basis: shape(
    {
      amount: count,
      bound: oneOf("least", "most"),
      citation: text,
      instrument: text,
      limit: text,
      mark: oneOf("confirmed", "unconfirmed"),
      not_checked: array(text, 500),
      skipped: array(text, 500),
      start: instant,
      unit: oneOf("hours", "days", "working_days"),
      version: text,
      zone: text,
    },
    { calendar: text },
  ),
  refused: shape({ item: exhibit, reason: text }),
  reference: shape({ entry: count, event: hex32 }),
  "foreign reference": shape({ entry: count, event: hex32, origin: text }),
  part: shape({ item: exhibit }, { description: text, selection }),
  witness: shape({ id: text }, { key: fingerprint }),
  "reduced manifest": shape({ file_sha256: hex32, manifest: count, reduced: count, rows: count }),
  "exported manifest": shape({ item: exhibit, manifest: count, root: hex32, rows: count, shown: count }),
};

/**
 * The form that a text of events.json names. Throws at start where it names none: then this program is behind its data.
 */
export function formOf(name: string): Form {
  if (Object.hasOwn(NAMED, name)) return NAMED[name]!;
  if (name.endsWith(" or null")) return orNull(formOf(name.slice(0, -8)));
  if (name.startsWith("array of ")) return array(formOf(name.slice(9)), 500);
  if (name.startsWith("one of ")) return oneOf(...name.slice(7).split(" "));
  const members = /^([a-z ]+) \{(.*)\}$/.exec(name);
  if (members && Object.hasOwn(WHOLE, members[1]!)) return WHOLE[members[1]!]!;
  if (members)
    return someOf(
      Object.fromEntries(
        members[2]!.split(", ").map((member) => [member.split(": ")[0]!, formOf(member.split(": ")[1]!)]),
      ),
    );
  throw new Error(`events.json names a form that is not known: ${name}`);
}
