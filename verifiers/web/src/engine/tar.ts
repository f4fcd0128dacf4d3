/** A strict reader of .tar: ustar and pax headers, GNU's with long names, plain files and folders (package.md 9). */

import { Names, Refused } from "./archive";
import { fromUtf8, toBigInt } from "./bytes";
import { blocks, buffered, type Source } from "./source";
import type { Bytes } from "./types";

const PAX = new Set(["path", "size", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"]);
const MOST_PAX = 65_536;
const MOST_NAME = 4097;
const MOST_TAIL = 1 << 20;
const LARGE = 8 ** 11;

const refuse = (code: string, found: string, where = "archive"): never => {
  throw new Refused(code, where, found);
};

export async function openTar(file: Bytes, onEntry: (count: number) => Promise<void>): Promise<Source> {
  const bytes = buffered(file);
  const names = new Names(bytes.size, true);
  /** What the header before says of this one. */
  let pax: Map<string, string> | null = null;
  let count = 0;
  let at = 0;
  for (;;) {
    const head = await bytes.read(at, 512);
    if (head.length < 512) refuse("E151", "it is cut off");
    if (head.every((byte) => byte === 0)) break;
    const header = readHeader(head);
    at += 512;
    if (pax && header.isGnu !== pax.has("beginning")) refuse("E152", "headers of two kinds", header.name);
    if (header.type === "L" && header.isGnu) {
      if (pax || header.size > MOST_NAME) refuse(pax ? "E151" : "E156", "a long name that cannot be", header.name);
      pax = readLongName(await bytes.read(at, header.size), header.size);
      at += Math.ceil(header.size / 512) * 512;
      continue;
    }
    const padded = Math.ceil(header.size / 512) * 512;
    if (header.type === "x" && !header.isGnu) {
      if (pax || header.size > MOST_PAX) refuse("E151", "pax headers that cannot be", header.name);
      pax = readPax(await bytes.read(at, header.size), header.size);
      at += padded;
      continue;
    }
    const raw = pax?.get("path") ?? header.name;
    if (pax?.has("beginning") && pax.get("beginning") !== header.beginning)
      refuse("E152", "a name that its header does not begin", raw);
    const size = pax?.has("size") ? decimal(pax.get("size")!, raw) : header.size;
    pax = null;
    if (header.hasLink) refuse("E154", "a link", raw);
    if (/^[1-7S]$/.test(header.type) && header.type !== "5") refuse("E154", "not a plain file", raw);
    if (!["0", "\0", "5"].includes(header.type)) refuse("E151", `a header of type ${header.type}`, raw);
    const isFolder = header.type === "5";
    if (isFolder && size) refuse("E154", "a folder with content", raw);
    if (!isFolder && raw.endsWith("/")) refuse("E153", "a file with the name of a folder", raw);
    names.add(raw, isFolder, size, at);
    const next = at + Math.ceil(size / 512) * 512;
    if (next > bytes.size) refuse("E151", "it is cut off");
    at = next;
    if (++count % 4096 === 0) await onEntry(count);
  }
  if (pax) refuse("E151", "a pax header of nothing");
  if (bytes.size - at > MOST_TAIL || bytes.size - at < 1024)
    refuse(bytes.size - at < 1024 ? "E151" : "E152", "its end is not as it has to be");
  for await (const block of blocks(bytes, at, bytes.size - at))
    if (block.some((byte) => byte !== 0)) refuse("E152", "something lies behind its end");
  const { table } = names;
  return {
    container: "tar",
    table,
    odd: [],
    stream: (index) => blocks(bytes, table.place(index), table.size(index)),
    async access(index) {
      const size = table.size(index);
      return {
        size,
        read: (offset, length) => bytes.read(table.place(index) + offset, Math.max(0, Math.min(length, size - offset))),
      };
    },
  };
}

interface Header {
  name: string;
  /** The first 100 bytes of the name, a character each. */
  beginning: string;
  size: number;
  type: string;
  hasLink: boolean;
  isGnu: boolean;
}

function readHeader(head: Uint8Array): Header {
  const ascii = (from: number, to: number): string => String.fromCharCode(...head.subarray(from, to));
  const isGnu = ascii(257, 265) === "ustar  \0";
  if (!isGnu && ascii(257, 265) !== "ustar\x0000") refuse("E151", "a header that is neither ustar nor GNU's");
  if (isGnu && head.subarray(345).some((byte) => byte !== 0)) refuse("E151", "a header of GNU's with more than a name");
  let sum = 0;
  for (let i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 32 : head[i]!;
  if (octal(ascii(148, 156)) !== sum) refuse("E151", "a header with another checksum");
  const text = (from: number, to: number): string => {
    const field = head.subarray(from, to);
    const end = field.indexOf(0);
    return fromUtf8(end < 0 ? field : field.subarray(0, end)) ?? refuse("E153", "a name that is not UTF-8");
  };
  const beginning = ascii(0, 100).replace(/\0+$/, "");
  const prefix = text(345, 500);
  const isCut = isGnu && head[99] !== 0; // a character may be cut in two
  const name = isCut ? beginning : text(0, 100);
  const size = (isGnu && head[124] === 0x80 ? binary(head.subarray(125, 136)) : null) ?? octal(ascii(124, 136));
  if (size === null) return refuse("E151", "a size that cannot be read", name);
  return {
    name: prefix ? `${prefix}/${name}` : name,
    beginning,
    size,
    type: String.fromCharCode(head[156]!),
    hasLink: head.subarray(157, 257).some((byte) => byte !== 0),
    isGnu,
  };
}

/** What GNU writes before a header of a file with a long name. */
function readLongName(bytes: Uint8Array, size: number): Map<string, string> {
  const end = bytes.indexOf(0);
  if (bytes.length < size || end < 1 || end !== size - 1) refuse("E152", "a long name that cannot be read");
  const path = fromUtf8(bytes.subarray(0, end)) ?? refuse("E153", "a name that is not UTF-8");
  return new Map([
    ["path", path],
    ["beginning", String.fromCharCode(...bytes.subarray(0, Math.min(100, end)))],
  ]);
}

/** A size of 8 GiB and more, as GNU writes it. */
function binary(field: Uint8Array): number | null {
  const size = Number(toBigInt(field));
  return size >= LARGE && Number.isSafeInteger(size) ? size : null;
}

function octal(field: string): number | null {
  const match = /^ *([0-7]+)[ \0]*$/.exec(field);
  return match ? parseInt(match[1]!, 8) : null;
}

function decimal(text: string, where: string): number {
  const value = /^(?:0|[1-9][0-9]*)$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : refuse("E151", "a size that cannot be read", where);
}

function readPax(bytes: Uint8Array, size: number): Map<string, string> {
  if (bytes.length < size) refuse("E151", "it is cut off");
  const found = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const length = space < 0 || space - at > 6 ? Number.NaN : Number(String.fromCharCode(...bytes.subarray(at, space)));
    const isWhole = Number.isSafeInteger(length) && length > space - at && at + length <= bytes.length;
    const line = isWhole ? bytes.subarray(space + 1, at + length) : refuse("E151", "a pax header that cannot be read");
    const text = line.at(-1) === 0x0a ? fromUtf8(line.subarray(0, -1)) : null;
    const equals = text?.indexOf("=") ?? -1;
    if (text === null || equals < 1) return refuse(text === null ? "E153" : "E151", "a pax header that cannot be read");
    const key = text.slice(0, equals);
    if (key.startsWith("GNU.sparse")) refuse("E154", "a sparse file");
    if (!PAX.has(key) || found.has(key)) refuse("E151", `pax header ${key}`);
    found.set(key, text.slice(equals + 1));
    at += length;
  }
  return found;
}
