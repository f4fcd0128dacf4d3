/** Canonical records (encoding.md 1 to 3): one way to write a value, everything else is refused and never repaired. */

import { fromUtf8 } from "./bytes";

export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
export type Obj = { [name: string]: Json };
/** A fault by its code; `found` says what was seen. */
export interface Fault {
  code: "E101" | "E102" | "E103";
  found: string;
}
export type Parsed = { value: Obj } | { fault: Fault };

const NAME = /^(?:[a-z][a-z0-9_]*|_t)$/;
const PLAIN = /^[\u0020\u0021\u0023-\u005b\u005d-\ud7ff\ue000-\uffff]*$/;

export const isObj = (value: unknown): value is Obj =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** RFC 8785 of our profile. Throws where the value has no such form. */
export function encode(value: Json): string {
  if (typeof value === "string") return encodeText(value);
  if (typeof value === "number") {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) throw new RangeError("not an integer of the profile");
    return String(value);
  }
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value === null) return "null";
  if (Array.isArray(value)) return `[${value.map(encode).join(",")}]`;
  const names = Object.keys(value).sort();
  for (const name of names) if (!NAME.test(name)) throw new RangeError(`member name ${JSON.stringify(name)}`);
  return `{${names.map((name) => `"${name}":${encode(value[name]!)}`).join(",")}}`;
}

function encodeText(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0xd800 || unit > 0xdfff) continue;
    const next = text.charCodeAt(i + 1);
    if (unit > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) throw new RangeError("a surrogate");
    i++;
  }
  return JSON.stringify(text); // its escapes are those of RFC 8785
}

/** The record in `bytes`, if they are its only form within the limits. */
export function parse(bytes: Uint8Array, maxBytes: number, maxDepth = 8): Parsed {
  if (bytes.length > maxBytes) return fault("E102", `${bytes.length} bytes`);
  const depth = deepest(bytes);
  if (depth > maxDepth) return fault("E102", `depth ${depth}`);
  const text = fromUtf8(bytes);
  if (text === null) return fault("E101", "not UTF-8");
  try {
    const value = JSON.parse(text) as Json;
    if (!isObj(value)) return fault("E101", "not an object");
    return encode(value) === text ? { value } : fault("E101", "another spelling than the canonical one");
  } catch {
    return fault("E101", "not canonical JSON");
  }
}

const fault = (code: Fault["code"], found: string): Parsed => ({ fault: { code, found } });

function deepest(bytes: Uint8Array): number {
  let depth = 0;
  let most = 0;
  let inText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (inText) {
      if (byte === 0x5c) i++;
      else if (byte === 0x22) inText = false;
    } else if (byte === 0x22) inText = true;
    else if (byte === 0x7b || byte === 0x5b) most = Math.max(most, ++depth);
    else if (byte === 0x7d || byte === 0x5d) depth--;
  }
  return most;
}
