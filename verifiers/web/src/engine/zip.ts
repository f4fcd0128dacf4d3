/** A strict reader of .zip (package.md 9): the directory, every local header and every byte between have to agree. */

import { Inflate } from "fflate";
import { Names, Refused } from "./archive";
import { fromUtf8 } from "./bytes";
import { crc32 } from "./crc32";
import { BLOCK, blocks, buffered, Damaged, type Source } from "./source";
import type { Bytes } from "./types";

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const DESCRIPTOR = 0x08074b50;
const EXTRAS = new Set([0x0001, 0x5455, 0x000a, 0x7875, 0x5855]);
const FLAGS = 0x0002 | 0x0004 | 0x0008 | 0x0800;
const MOST_DIRECTORY = 2 ** 31;

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
const refuse = (code: string, found: string, where = "archive"): never => {
  throw new Refused(code, where, found);
};

interface Entry {
  index: number;
  deflated: boolean;
  crc: number;
  packed: number;
  size: number;
  start: number;
}

export async function openZip(file: Bytes, onEntry: (count: number) => Promise<void>): Promise<Source> {
  const bytes = buffered(file);
  const read = async (offset: number, length: number): Promise<DataView> => {
    const found = offset < 0 ? new Uint8Array(0) : await bytes.read(offset, length);
    return found.length === length ? view(found) : refuse("E151", "it is cut off");
  };
  const { start, end, count } = await directory(bytes, read);
  const names = new Names(bytes.size, true);
  const entries = new Map<number, Entry>();
  const plan: (Planned & { index: number })[] = [];
  let at = start;
  for (let i = 0; i < count; i++) {
    if (at + 46 > end) refuse("E152", "the directory is shorter than it says");
    const head = await read(at, 46);
    if (head.getUint32(0, true) !== CENTRAL) refuse("E151", "no entry of the directory");
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => head.getUint16(place, true)) as [
      number,
      number,
      number,
    ];
    const rest = await bytes.read(at + 46, nameLength + extraLength + commentLength);
    at += 46 + nameLength + extraLength + commentLength;
    if (at > end) refuse("E152", "the directory is longer than it says");
    const raw = fromUtf8(rest.subarray(0, nameLength));
    if (raw === null) return refuse("E153", "a name that is not UTF-8");
    const flags = head.getUint16(8, true);
    const method = head.getUint16(10, true);
    if (flags & 1) refuse("E151", "it is encrypted", raw);
    if (flags & ~FLAGS || (!(flags & 0x0800) && /[^\0-\x7f]/.test(raw))) refuse("E151", `flags ${flags}`, raw);
    if (method !== 0 && method !== 8) refuse("E151", `method ${method}`, raw);
    if (commentLength) refuse("E151", "it has a comment", raw);
    const extra = extras(rest.subarray(nameLength, nameLength + extraLength), raw);
    let size = head.getUint32(24, true);
    let packed = head.getUint32(20, true);
    let offset = head.getUint32(42, true);
    let disk = head.getUint16(34, true);
    const wide = new Wide(extra, raw);
    if (size === 0xffffffff) size = wide.next(8);
    if (packed === 0xffffffff) packed = wide.next(8);
    if (offset === 0xffffffff) offset = wide.next(8);
    if (disk === 0xffff) disk = wide.next(4);
    if (disk !== 0) refuse("E151", "it is in parts", raw);
    if (method === 0 && size !== packed) refuse("E152", "stored, and of two sizes", raw);
    const mode = head.getUint16(40, true);
    const type = mode & 0xf000;
    const isFolder = raw.endsWith("/");
    if (type && type !== 0x8000 && !(isFolder && type === 0x4000)) refuse("E154", "not a plain file", raw);
    if (isFolder && size) refuse("E154", "a folder with content", raw);
    const index = names.add(raw, isFolder, size, offset);
    plan.push({
      raw,
      flags,
      method,
      crc: head.getUint32(16, true),
      packed,
      size,
      offset,
      index,
      stamp: head.getUint32(12, true),
      version: head.getUint16(6, true),
    });
    if (i % 4096 === 4095) await onEntry(i);
  }
  if (at !== end) refuse("E152", "the directory is shorter than it says");
  plan.sort((a, b) => a.offset - b.offset);
  let next = 0;
  for (const [i, one] of plan.entries()) {
    if (one.offset !== next) refuse("E152", one.offset < next ? "entries overlap" : "a gap between entries");
    const begin = await local(read, bytes, one, start);
    next = await descriptor(read, one, begin, plan[i + 1]?.offset ?? start);
    if (one.index >= 0) {
      entries.set(one.index, {
        index: one.index,
        deflated: one.method === 8,
        crc: one.crc,
        packed: one.packed,
        size: one.size,
        start: begin,
      });
    }
    if (i % 4096 === 4095) await onEntry(i);
  }
  if (next !== start) refuse("E152", "a gap before the directory");
  return source(bytes, names, entries);
}

async function directory(
  bytes: Bytes,
  read: (offset: number, length: number) => Promise<DataView>,
): Promise<{ start: number; end: number; count: number }> {
  const size = bytes.size;
  const tail = await read(size - 22, 22);
  if (tail.getUint32(0, true) !== END) refuse("E151", "it is cut off, or has a comment");
  if (tail.getUint16(20, true) !== 0) refuse("E151", "it has a comment");
  if (tail.getUint16(4, true) || tail.getUint16(6, true)) refuse("E151", "it is in parts");
  let count = tail.getUint16(10, true);
  let length = tail.getUint32(12, true);
  let start = tail.getUint32(16, true);
  let end = size - 22;
  if (tail.getUint16(8, true) !== count) refuse("E151", "it is in parts");
  if (count === 0xffff || length === 0xffffffff || start === 0xffffffff) {
    const locator = await read(size - 42, 20);
    if (locator.getUint32(0, true) === LOCATOR64) {
      end = Number(locator.getBigUint64(8, true));
      const record = await read(size - 98, 56);
      if (end !== size - 98 || record.getUint32(0, true) !== END64 || record.getBigUint64(4, true) !== 44n) {
        refuse("E152", "its end contradicts itself");
      }
      count = Number(record.getBigUint64(32, true));
      length = Number(record.getBigUint64(40, true));
      start = Number(record.getBigUint64(48, true));
    }
  }
  if (start + length !== end || start > size) refuse("E152", "the directory is not where its end says");
  if (length > MOST_DIRECTORY || 46 * count > length) refuse("E151", "its directory cannot be");
  return { start, end, count };
}

/** Extra fields by their number, each once. */
function extras(bytes: Uint8Array, raw: string): Map<number, Uint8Array> {
  const found = new Map<number, Uint8Array>();
  const data = view(bytes);
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) refuse("E151", "extra fields are cut off", raw);
    const id = data.getUint16(at, true);
    const size = data.getUint16(at + 2, true);
    if (!EXTRAS.has(id) || found.has(id) || at + 4 + size > bytes.length) refuse("E151", `extra field ${id}`, raw);
    found.set(id, bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return found;
}

/** The numbers of a ZIP64 field in their order. */
class Wide {
  private at = 0;
  constructor(
    private readonly extra: Map<number, Uint8Array>,
    private readonly raw: string,
  ) {}
  next(size: number): number {
    const field = this.extra.get(1);
    if (!field || this.at + size > field.length) return refuse("E152", "a ZIP64 field is missing", this.raw);
    const data = view(field);
    const value = size === 8 ? Number(data.getBigUint64(this.at, true)) : data.getUint32(this.at, true);
    this.at += size;
    return Number.isSafeInteger(value) ? value : refuse("E151", "a size that cannot be", this.raw);
  }
}

interface Planned {
  raw: string;
  flags: number;
  method: number;
  crc: number;
  packed: number;
  size: number;
  offset: number;
  stamp: number;
  version: number;
  wide?: boolean;
}

/** Where the content begins, after a local header that says what the directory says. */
async function local(
  read: (offset: number, length: number) => Promise<DataView>,
  bytes: Bytes,
  one: Planned,
  limit: number,
): Promise<number> {
  const head = await read(one.offset, 30);
  const differs = (what: string): never => refuse("E152", `${what}: header and directory differ`, one.raw);
  if (head.getUint32(0, true) !== LOCAL) refuse("E151", "no local header", one.raw);
  const nameLength = head.getUint16(26, true);
  const extraLength = head.getUint16(28, true);
  const rest = await bytes.read(one.offset + 30, nameLength + extraLength);
  if (fromUtf8(rest.subarray(0, nameLength)) !== one.raw) differs("name");
  if (head.getUint16(6, true) !== one.flags) differs("flags");
  if (head.getUint16(8, true) !== one.method) differs("method");
  if (head.getUint32(10, true) !== one.stamp) differs("time");
  if (head.getUint16(4, true) !== one.version) differs("version");
  const extra = extras(rest.subarray(nameLength), one.raw);
  let packed = head.getUint32(18, true);
  let size = head.getUint32(22, true);
  one.wide = extra.has(1);
  if (extra.has(1)) {
    const wide = new Wide(extra, one.raw);
    if (size === 0xffffffff) size = wide.next(8);
    if (packed === 0xffffffff) packed = wide.next(8);
  }
  const later = (one.flags & 8) !== 0;
  if (head.getUint32(14, true) !== one.crc && !(later && head.getUint32(14, true) === 0)) differs("CRC-32");
  if (size !== one.size && !(later && size === 0)) differs("size");
  if (packed !== one.packed && !(later && packed === 0)) differs("packed size");
  const begin = one.offset + 30 + nameLength + extraLength;
  if (begin + one.packed > limit) refuse("E152", "its content reaches into the directory", one.raw);
  return begin;
}

/** The end of an entry, after its descriptor where it has one. */
async function descriptor(
  read: (offset: number, length: number) => Promise<DataView>,
  one: Planned,
  begin: number,
  next: number,
): Promise<number> {
  const end = begin + one.packed;
  if (!(one.flags & 8)) return end;
  const length = next - end;
  if (length < 0) refuse("E152", "entries overlap");
  if (length !== 12 && length !== 16 && length !== 20 && length !== 24) {
    refuse("E152", length < 12 ? "a descriptor is missing" : "a gap between entries");
  }
  const data = await read(end, length);
  const marked = length === 16 || length === 24;
  const wide = length >= 20;
  const at = marked ? 4 : 0;
  const sizes = wide
    ? [Number(data.getBigUint64(at + 4, true)), Number(data.getBigUint64(at + 12, true))]
    : [data.getUint32(at + 4, true), data.getUint32(at + 8, true)];
  if (
    (marked && data.getUint32(0, true) !== DESCRIPTOR) ||
    data.getUint32(at, true) !== one.crc ||
    sizes[0] !== one.packed ||
    sizes[1] !== one.size
  ) {
    refuse("E152", "a descriptor says something else", one.raw);
  }
  return next;
}

function source(bytes: Bytes, names: Names, entries: Map<number, Entry>): Source {
  async function* content(index: number): AsyncIterable<Uint8Array> {
    const entry = entries.get(index)!;
    let crc = 0;
    let size = 0;
    let held: Uint8Array | null = null; // nothing is said of content whose CRC-32 then differs, where it is one block
    for await (const block of entry.deflated ? inflated(bytes, entry) : blocks(bytes, entry.start, entry.packed)) {
      crc = crc32(block, crc);
      size += block.length;
      if (size > entry.size) throw new Damaged(`more than ${entry.size} bytes`);
      if (held) yield held;
      held = block;
    }
    if (size !== entry.size) throw new Damaged(`${size} bytes`);
    if (crc !== entry.crc) throw new Damaged(`CRC-32 ${crc.toString(16).padStart(8, "0")}`);
    if (held) yield held;
  }
  return {
    container: "zip",
    table: names.table,
    odd: [],
    stream: content,
    async access(index) {
      const entry = entries.get(index);
      if (!entry || entry.deflated) return null;
      return {
        size: entry.size,
        read: (offset, length) => bytes.read(entry.start + offset, Math.max(0, Math.min(length, entry.size - offset))),
      };
    },
  };
}

async function* inflated(bytes: Bytes, entry: Entry): AsyncIterable<Uint8Array> {
  const out: Uint8Array[] = [];
  let finished = false;
  const inflate = new Inflate((chunk, final) => {
    out.push(chunk);
    finished = final;
  });
  for (let at = 0; at < entry.packed; at += BLOCK / 16) {
    const block = await bytes.read(entry.start + at, Math.min(BLOCK / 16, entry.packed - at));
    try {
      inflate.push(block.slice(), at + block.length >= entry.packed);
    } catch (error) {
      throw new Damaged(error instanceof Error ? error.message : String(error));
    }
    for (const chunk of out.splice(0)) if (chunk.length) yield chunk;
  }
  if (!finished && entry.size) throw new Damaged("its deflated content has no end");
}
