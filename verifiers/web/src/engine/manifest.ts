/** Catalogues of a case (verification.md 1.9): file, header, each row, totals, root. */

import { compareBytes, concat, equal, fromHex, toHex, utf8 } from "./bytes";
import type { Digests } from "./digest";
import type { Env } from "./env";
import { type Files, number8 } from "./files";
import { hasName, nameBytes, nanoseconds } from "./forms";
import { commitment, EXTRA_DIGESTS, KINDS, readGroup, rowFault, STATES } from "./groups";
import { sha256, sha512 } from "./hash";
import { type Header, readDerived, readFacts } from "./headers";
import { encode, isObj, type Json, type Obj } from "./json";
import { display } from "./lines";
import type { Kept, Log } from "./log";
import { leafHash, Tree } from "./merkle";
import { BadParquet, type Catalogue, type Column, openCatalogue, type Row } from "./parquet";
import { split } from "./paths";
import type { Moment } from "./records";
import type { Sink } from "./sink";
import { Damaged, Unreadable } from "./source";

const FACTS: readonly Column[] = [
  ["index", "INT64", null, false, false],
  ["row_salt", "FIXED_LEN_BYTE_ARRAY", 16, false, false],
  ["name", "BYTE_ARRAY", null, false, false],
  ["content", "BYTE_ARRAY", null, false, false],
  ["metadata", "BYTE_ARRAY", null, false, false],
  ["kind", "BYTE_ARRAY", null, false, true],
  ["path", "BYTE_ARRAY", null, false, false],
  ["size", "INT64", null, true, false],
  ["state", "BYTE_ARRAY", null, false, true],
  ["sha256", "BYTE_ARRAY", null, true, false],
  ["mtime_ns", "INT64", null, true, false],
];
const derivedColumns = (view: string): readonly Column[] => [
  ["index", "INT64", null, false, false],
  ["row_salt", "FIXED_LEN_BYTE_ARRAY", 16, false, false],
  ["base_index", "INT64", null, false, false],
  ["opinion", "BYTE_ARRAY", null, false, false],
  [view, "BYTE_ARRAY", null, true, true],
];

/** Of base rows, by index, for opinions about them; 0 where there is none. */
const BAD = 1;
const OTHER_ROW = 2;
const READ = 3;
const READ_STREAM = 4;
const READ_NOT_TYPED = 5;
const MOST_FOLDERS = 100;

export interface Sums {
  rows: number;
  derivedRows: number;
  bytes: bigint;
  states: Record<string, number>;
  exhibits: Set<string>;
}

/** Objects that rows name: digest to length; copies too where the header says so. */
export interface RowObjects {
  /** Large values and copies that have to be there. */
  needed: Map<string, bigint>;
  /** Digests of contents, which may have copies. */
  contents: Map<string, bigint>;
  whole: boolean;
}

interface Base {
  flags: Uint8Array;
  root: string;
  manifest: string;
  digests: string[];
}

export class Manifests {
  readonly sums: Sums = { rows: 0, derivedRows: 0, bytes: 0n, states: Object.fromEntries([...STATES, "unreadable"].map((state) => [state, 0])), exhibits: new Set() };
  readonly objects: RowObjects = { needed: new Map(), contents: new Map(), whole: true };
  readonly named = new Set<string>();
  readonly erased = new Set<string>();
  largest = 0;
  checked = 0;
  private readonly bases = new Map<string, Base>();
  private errors = 0;

  constructor(
    private readonly env: Env,
    private readonly log: Log,
    private readonly files: Files,
    readonly sink: Sink,
    private readonly digests: Digests,
  ) {}

  private find(code: string, where: string, found = "", expected = ""): void {
    if (code.startsWith("E")) this.errors++;
    this.sink.find(code, where, found, expected);
  }

  async read(): Promise<void> {
    const seen = new Map<string, number>();
    const reduced = this.reducedForms();
    for (const one of this.log.kept) {
      if (one.event.type !== "seal" && one.event.type !== "derive") continue;
      const number = String(one.event.body["manifest"]);
      const name = `${number.padStart(8, "0")}.parquet`;
      const before = seen.get(number);
      if (before !== undefined) {
        this.sink.find("E301", `custody/${number8(one.index)}/event.json`, `manifests/${name}, as entry ${before} names`, "a catalogue of its own");
        continue;
      }
      seen.set(number, one.index);
      this.largest = Math.max(this.largest, Number(number));
      const form = reduced.get(number);
      if (form !== undefined) {
        this.named.add(`${number.padStart(8, "0")}.r${form}.parquet`);
        this.erased.add(name);
        for (let k = 1; k < form; k++) this.erased.add(`${number.padStart(8, "0")}.r${k}.parquet`);
        this.objects.whole = false;
        this.sink.missedOut("record", "reduced", `manifests/${number.padStart(8, "0")}.r${form}.parquet`, "reduced catalogues are not read by this verifier");
        continue;
      }
      this.named.add(name);
      await this.one(one, `manifests/${name}`);
    }
    const selections = this.log.kept.some(({ event }) => Array.isArray(event.body["parts"]) && (event.body["parts"] as Json[]).some((part) => isObj(part) && isObj(part["selection"])));
    if (selections) this.sink.missedOut("record", "selections", "custody", "lists of rows of parts are not compared with the rows by this verifier");
  }

  private reducedForms(): Map<string, number> {
    const forms = new Map<string, number>();
    for (const { event } of this.log.kept) {
      if (event.type !== "erase" || !Array.isArray(event.body["manifests"])) continue;
      for (const one of event.body["manifests"] as Obj[]) forms.set(String(one["manifest"]), Math.max(forms.get(String(one["manifest"])) ?? 0, Number(one["reduced"])));
    }
    return forms;
  }

  private async one(seal: Kept, where: string): Promise<void> {
    const { body, type } = seal.event;
    const index = this.files.index(where);
    if (index < 0 || !this.files.isFile(where)) {
      this.objects.whole = false;
      return this.sink.find("E501", where, "none", "a plain file");
    }
    this.errors = 0;
    const size = this.files.size(where);
    const rows = BigInt(String(body["rows"]));
    if (BigInt(size) > (1n << 26n) + (1n << 22n) * rows) {
      this.objects.whole = false;
      return this.sink.find("E102", where, `${size} bytes`);
    }
    try {
      const digest = toHex((await this.digests.of(index, ["sha256"]))[0]!);
      try {
        const file = await this.files.source.access(index);
        if (!file) throw new Unreadable("it is compressed");
        try {
          const catalogue = await openCatalogue(file, rows, (format) => (format === "evidencekit/manifest/1" && type === "seal" ? FACTS : format === "evidencekit/derived/1" && type === "derive" ? derivedColumns(body["kind"] === "match" ? "result" : "media_type") : null));
          if (type === "seal") await new FactsCheck(this, this.env, seal, where, catalogue).read();
          else await new OpinionsCheck(this, seal, where, catalogue).read();
        } finally {
          await file.close?.();
        }
      } catch (error) {
        if (!(error instanceof BadParquet)) throw error;
        this.objects.whole = false;
        this.find(error.code, where, error.message);
      }
      if (digest !== body["file_sha256"]) this.sink.find(this.errors ? "E201" : "E211", where, digest, String(body["file_sha256"]));
      this.checked++;
      this.sink.count("manifests");
    } catch (error) {
      if (!(error instanceof Damaged || error instanceof Unreadable)) throw error;
      this.objects.whole = false;
      this.sink.missedOut("record", "unreadable", where, error.message);
    }
  }

  report(code: string, where: string, found = "", expected = ""): void {
    this.find(code, where, found, expected);
  }

  /** Header: form, commitment, what the event says, times. Null where it cannot be read. */
  header(seal: Kept, where: string, catalogue: Catalogue): Header | null {
    const place = `${where} header`;
    const { body, items, type } = seal.event;
    const commit = toHex(sha256(concat(utf8("evidencekit/header/1\0"), catalogue.headerSalt, catalogue.header)));
    if (commit !== body["header"]) this.find("E201", place, commit, String(body["header"]));
    const read = type === "seal" ? readFacts(catalogue.header) : readDerived(catalogue.header);
    if ("fault" in read) {
      this.find(read.fault.code === "E101" ? "E108" : read.fault.code, place, read.fault.found);
      return null;
    }
    const header = read.value;
    const differs = (what: string, found: Json | undefined, expected: Json | undefined): void => {
      if (encode(found ?? null) !== encode(expected ?? null)) this.find("E108", place, `${what} ${encode(found ?? null)}`, encode(expected ?? null));
    };
    if (this.log.caseId !== null) differs("case", header["case"], this.log.caseId);
    differs("exhibit", header["exhibit"], items[0]);
    if (type === "seal") {
      const acquired = this.log.kept.filter(({ index, event }) => event.type === "acquire" && index < seal.index && event.items[0] === items[0]).at(-1);
      if (acquired) differs("digests", header["digests"], [...(acquired.event.body["digests"] as string[])].sort());
    } else {
      for (const name of ["base_root", "engine", "kind"]) differs(name, header[name], body[name]);
    }
    const moments = [header["started_at"], ...(isObj(header["interruptions"]) ? (header["interruptions"]["resumed_at"] as Json[]) : []), header["finished_at"]] as unknown as Moment[];
    if (moments.some((moment, i) => i > 0 && nanoseconds(moment.time) < nanoseconds(moments[i - 1]!.time))) this.find("W904", place, "times that go back");
    return header;
  }

  root(seal: Kept, where: string, root: Uint8Array | null, rows: number): void {
    const { body } = seal.event;
    if (String(rows) !== body["rows"]) this.find("E202", where, `${rows} rows`, `${String(body["rows"])} rows`);
    else if (!root || !equal(root, fromHex(String(body["root"]))!)) this.find("E202", where, root ? toHex(root) : "no root: its indexes are not one place each", String(body["root"]));
  }

  keep(seal: Kept, base: Base): void {
    this.bases.set(String(seal.event.body["root"]), base);
  }
  base(root: string): Base | undefined {
    return this.bases.get(root);
  }

  /** Rows of a base catalogue, by index, whose path is `under` or lies in it; null where it cannot be read once more. */
  async inside(base: Base, under: Uint8Array): Promise<Uint8Array | null> {
    if (this.compared++ >= MOST_FOLDERS) return null;
    const file = await this.files.source.access(this.files.index(`manifests/${base.manifest.padStart(8, "0")}.parquet`));
    if (!file) return null;
    const found = new Uint8Array(base.flags.length);
    try {
      const catalogue = await openCatalogue(file, BigInt(found.length), () => FACTS);
      for await (const rows of catalogue.groups()) {
        for (const row of rows) {
          const name = readName(row["name"] as Uint8Array);
          const path = name && nameBytes(name, "path");
          const is = path && path.length >= under.length && equal(path.subarray(0, under.length), under) && (path.length === under.length || path[under.length] === 0x2f);
          if (is) found[asNumber(row["index"])] = 1;
        }
      }
    } finally {
      await file.close?.();
    }
    return found;
  }
  private compared = 0;
}

/** Equal salts, by their first eight bytes, then as a whole. */
class Salts {
  private readonly seen = new Set<string>();
  isNew(salt: Uint8Array): boolean {
    const key = String.fromCharCode(...salt);
    if (this.seen.has(key)) return false;
    this.seen.add(key);
    return true;
  }
}

const asNumber = (value: unknown): number => Number(value as bigint);
const I64 = 1n << 63n;

class FactsCheck {
  private readonly kinds: Record<string, number> = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  private readonly states: Record<string, number> = Object.fromEntries(STATES.map((state) => [state, 0]));
  private bytes = 0n;
  private unreadable = 0;
  private omissions = 0;
  private place = 0;
  private readonly tree = new Tree();
  private readonly salts = new Salts();
  private readonly flags: Uint8Array;
  private readonly taken: Uint8Array;
  private readonly hashes: Uint8Array | null;
  private previous: { parts: Uint8Array[]; stream: Uint8Array | null } | null = null;
  /** Folders above the last row, as components. */
  private folders: Uint8Array[][] = [];
  private links = 0;
  private header: Header | null = null;

  constructor(
    private readonly all: Manifests,
    private readonly env: Env,
    private readonly seal: Kept,
    private readonly where: string,
    private readonly catalogue: Catalogue,
  ) {
    this.flags = new Uint8Array(catalogue.rows);
    this.taken = new Uint8Array(catalogue.rows);
    this.header = all.header(seal, where, catalogue);
    this.hashes = this.header?.["order"] === "shuffled" ? new Uint8Array(32 * catalogue.rows) : null;
  }

  async read(): Promise<void> {
    for await (const rows of this.catalogue.groups()) {
      await this.env.tick("rows", this.place, this.catalogue.rows, this.where);
      for (const row of rows) this.row(row);
    }
    const { all, where, header } = this;
    if (this.place === 0) all.report("E109", where, "no rows", "the source");
    const whole = this.taken.every((one) => one === 1);
    all.root(this.seal, where, this.root(whole), this.place);
    if (header) this.totals(header);
    if (this.omissions) all.report("W907", where, `${this.omissions} rows`);
    all.keep(this.seal, { flags: this.flags, root: String(this.seal.event.body["root"]), manifest: String(this.seal.event.body["manifest"]), digests: header ? (header["digests"] as string[]) : [] });
    all.sums.exhibits.add(this.seal.event.items[0]!);
  }

  private root(whole: boolean): Uint8Array | null {
    if (!this.hashes) return whole ? this.tree.root() : null;
    if (!whole) return null;
    const tree = new Tree();
    for (let at = 0; at < this.hashes.length; at += 32) {
      const hash = this.hashes.subarray(at, at + 32);
      if (at && compareBytes(this.hashes.subarray(at - 32, at), hash) > 0) this.all.report("E109", this.where, "leaf hashes are not in ascending order");
      tree.add(hash);
    }
    return tree.root();
  }

  private row(row: Row): void {
    const { all } = this;
    const at = this.place++;
    const place = `${this.where}#${at}`;
    const index = asNumber(row["index"]);
    const salt = row["row_salt"] as Uint8Array;
    const kind = String(row["kind"]);
    const bytes = { name: row["name"] as Uint8Array, content: row["content"] as Uint8Array, metadata: row["metadata"] as Uint8Array };
    const salts = sha512(concat(utf8("evidencekit/salts/1\0"), salt));
    const commits = { name: toHex(commitment("name", salts.subarray(0, 16), bytes.name)), content: toHex(commitment("content", salts.subarray(16, 32), bytes.content)), metadata: toHex(commitment("metadata", salts.subarray(32, 48), bytes.metadata)) };
    const hash = leafHash(utf8(`{"_t":"evidencekit/row/1","content":"${commits.content}","kind":${JSON.stringify(kind)},"metadata":"${commits.metadata}","name":"${commits.name}"}`));
    this.tree.add(hash);
    const inBounds = index >= 0 && index < this.taken.length;
    const fits = inBounds && !this.taken[index] && (this.hashes !== null || index === at);
    if (!fits) all.report("E109", place, `index ${index}`);
    if (inBounds) {
      this.taken[index] = 1;
      this.hashes?.set(hash, 32 * index);
    }
    if (!this.salts.isNew(salt)) all.report("E111", place, "the salt of another row");
    const groups = this.groups(bytes, kind, place);
    if (kind in this.kinds) this.kinds[kind]!++;
    all.sums.rows++;
    all.sink.count("rows");
    const name = groups?.name ?? readName(bytes.name);
    const ordered = name ? this.order(name, at, place, kind) : true;
    if (!groups) {
      this.unreadable++;
      all.sums.states["unreadable"]!++;
      if (inBounds) this.flags[index] = BAD;
      return;
    }
    this.count(groups);
    if (inBounds) this.flags[index] = flagOf(kind, groups);
    if (ordered) this.view(row, groups, place);
    this.list(groups, kind, index, place);
  }

  private groups(bytes: Record<"name" | "content" | "metadata", Uint8Array>, kind: string, place: string): Record<"name" | "content" | "metadata", Obj> | null {
    const found: Partial<Record<string, Obj>> = {};
    const wrong = (what: string): null => {
      this.all.report("E107", place, what);
      return null;
    };
    for (const name of ["name", "content", "metadata"] as const) {
      const read = readGroup(bytes[name], name);
      if ("fault" in read) {
        if (read.fault.code === "E101") return wrong(`${name}: ${read.fault.found}`);
        this.all.report(read.fault.code, place, `${name}: ${read.fault.found}`);
        return null;
      }
      found[name] = read.value;
    }
    const groups = found as Record<"name" | "content" | "metadata", Obj>;
    if (!KINDS.includes(kind)) return wrong(`kind ${kind}`);
    const fault = rowFault(kind, groups.name, groups.content, groups.metadata) ?? this.headerFault(groups);
    return fault ? wrong(fault) : groups;
  }

  private headerFault({ content, metadata }: Record<string, Obj>): string | null {
    if (this.header) {
      const digests = this.header["digests"] as string[];
      const whole = content!["sha256"] !== null;
      if (EXTRA_DIGESTS.some((name) => Object.hasOwn(content!, name) !== (whole && digests.includes(name)))) return "digests that the header does not name";
    }
    const group = metadata!["link_group"];
    if (group !== undefined) {
      const number = Number(group);
      if (number > this.links + 1) return `link_group ${number}`;
      this.links = Math.max(this.links, number);
    }
    return null;
  }

  /** Order, duplicates, the source first, and a folder's row above. False where a parent is missing. */
  private order(name: Obj, at: number, place: string, kind: string): boolean {
    const path = nameBytes(name, "path");
    if (!path) return true;
    const parts = path.length ? split(path) : [];
    const stream = hasName(name, "stream") ? nameBytes(name, "stream") : null;
    if (at === 0 && (parts.length || stream)) this.all.report("E109", place, "the first row is not the source");
    if (this.previous) {
      const order = compareKeys(this.previous, { parts, stream });
      if (order === 0) this.all.report("E110", place, "the name of the row before");
      else if (order > 0) this.all.report("E109", place, "not in the order of names");
    }
    this.previous = { parts, stream };
    const parent = parts.slice(0, -1);
    while (this.folders.length && !isPrefix(this.folders.at(-1)!, parts)) this.folders.pop();
    const missing = parts.length > 0 && !this.folders.some((folder) => folder.length === parent.length && isPrefix(folder, parent));
    if (missing) this.all.report("E107", place, "no row of the folder that it is in");
    if (kind === "directory" && !stream) this.folders.push(parts);
    return !missing;
  }

  private count({ content }: Record<string, Obj>): void {
    const state = String(content!["state"]);
    this.states[state]!++;
    this.all.sums.states[state]!++;
    if (state !== "complete") this.omissions++;
    const size = content!["size"];
    if ((state === "complete" || state === "changed") && typeof size === "string") {
      this.bytes += BigInt(size);
      if (state === "complete") this.all.sums.bytes += BigInt(size);
    }
    this.named(content!);
  }

  /** Large values and contents. */
  private named(content: Obj): void {
    const { objects } = this.all;
    const size = typeof content["size"] === "string" ? BigInt(content["size"]) : 0n;
    const copies = this.header && isObj(this.header["options"]) && this.header["options"]["copies"] === true;
    for (const name of ["sha256", "sha256_zero_filled"]) {
      const digest = content[name];
      if (typeof digest !== "string") continue;
      objects.contents.set(digest, size);
      if (copies) objects.needed.set(digest, size);
    }
  }

  private view(row: Row, { name, content, metadata }: Record<string, Obj>, place: string): void {
    const differs = (column: string): void => this.all.report("E212", place, column);
    if (!equal(row["path"] as Uint8Array, nameBytes(name!, "path")!)) differs("path");
    const size = content!["size"];
    const int = (value: unknown): bigint | null => (value === null || value === undefined ? null : BigInt(value as bigint));
    const wanted = typeof size === "string" && BigInt(size) < I64 ? BigInt(size) : null;
    if (int(row["size"]) !== wanted) differs("size");
    if (row["state"] !== content!["state"]) differs("state");
    const digest = content!["sha256"];
    const column = row["sha256"] as Uint8Array | null | undefined;
    if (typeof digest === "string" ? !column || toHex(column) !== digest : column !== null && column !== undefined) differs("sha256");
    const mtime = metadata!["mtime_ns"];
    const time = typeof mtime === "string" && BigInt(mtime) < I64 && BigInt(mtime) >= -I64 ? BigInt(mtime) : null;
    if (int(row["mtime_ns"]) !== time) differs("mtime_ns");
    for (const large of largeValues(content!).concat(largeValues(metadata!))) this.all.objects.needed.set(large.sha256, large.bytes);
  }

  private list(groups: Record<"name" | "content" | "metadata", Obj>, kind: string, index: number, where: string): void {
    this.env.options.onRow?.({
      where,
      manifest: String(this.seal.event.body["manifest"]),
      index: String(index),
      kind,
      path: display(groups.name),
      state: String(groups.content["state"]),
      size: (groups.content["size"] as string | null) ?? null,
      sha256: (groups.content["sha256"] as string | null) ?? null,
      mtime_ns: (groups.metadata["mtime_ns"] as string | undefined) ?? null,
      payload: null,
      grounds: {},
    });
  }

  private totals(header: Header): void {
    const totals = header["totals"] as Obj;
    const place = `${this.where} header`;
    const differs = (what: string, found: bigint | number, said: Json | undefined): void => {
      if (String(found) !== said) this.all.report("E112", place, `${what} ${found}`, `${what} ${String(said)}`);
    };
    differs("rows", this.place, totals["rows"]);
    for (const kind of KINDS) differs(kind, this.kinds[kind]!, (totals["kinds"] as Obj)[kind]);
    const { interruptions } = header;
    if (isObj(interruptions) && BigInt(String(interruptions["rows_kept"])) + BigInt(String(interruptions["rows_taken_again"])) > BigInt(this.place)) this.all.report("E112", place, "more rows kept and taken again than there are");
    if (this.unreadable) return;
    differs("bytes", this.bytes, totals["bytes"]);
    for (const state of STATES) differs(state, this.states[state]!, (totals["states"] as Obj)[state]);
  }
}

function readName(bytes: Uint8Array): Obj | null {
  const read = readGroup(bytes, "name");
  return "value" in read ? read.value : null;
}

function flagOf(kind: string, { name, content }: Record<string, Obj>): number {
  const root = nameBytes(name!, "path")!.length === 0;
  if (kind !== "file" && !(kind === "block_device" && root)) return OTHER_ROW;
  const typed = kind === "file" && ["complete", "changed", "partial"].includes(String(content!["state"]));
  return hasName(name!, "stream") ? (typed ? READ_STREAM : OTHER_ROW) : typed ? READ : READ_NOT_TYPED;
}

function largeValues(value: Json): { sha256: string; bytes: bigint }[] {
  if (Array.isArray(value)) return value.flatMap(largeValues);
  if (!isObj(value)) return [];
  if (typeof value["sha256"] === "string" && typeof value["bytes"] === "string" && typeof value["count"] === "string") return [{ sha256: value["sha256"], bytes: BigInt(value["bytes"]) }];
  return Object.values(value).flatMap(largeValues);
}

const isPrefix = (folder: Uint8Array[], parts: Uint8Array[]): boolean => folder.length <= parts.length && folder.every((part, i) => equal(part, parts[i]!));

function compareKeys(a: { parts: Uint8Array[]; stream: Uint8Array | null }, b: { parts: Uint8Array[]; stream: Uint8Array | null }): number {
  const shared = Math.min(a.parts.length, b.parts.length);
  for (let i = 0; i < shared; i++) {
    const order = compareBytes(a.parts[i]!, b.parts[i]!);
    if (order) return order;
  }
  return a.parts.length - b.parts.length || compareBytes(a.stream ?? new Uint8Array(0), b.stream ?? new Uint8Array(0));
}

class OpinionsCheck {
  constructor(
    private readonly all: Manifests,
    private readonly seal: Kept,
    private readonly where: string,
    private readonly catalogue: Catalogue,
  ) {}

  async read(): Promise<void> {
    const { all, seal, where, catalogue } = this;
    const { body } = seal.event;
    const kind = String(body["kind"]);
    const header = all.header(seal, where, catalogue);
    const base = all.base(String(body["base_root"]));
    if (header && base && header["base_manifest"] !== base.manifest) all.report("E108", `${where} header`, `base_manifest ${String(header["base_manifest"])}`, base.manifest);
    const tree = new Tree();
    const salts = new Salts();
    const results: Record<string, number> = {};
    let errors = 0;
    let unreadable = 0;
    let place = 0;
    let last = -1;
    const about = await this.about(kind, header, base);
    if (!about) all.sink.missedOut("record", "base_rows", where, "the catalogue that it is about, or the header that says of which of its rows, was not read");
    let awaited = 0;
    for await (const rows of catalogue.groups()) {
      for (const row of rows) {
        const at = `${where}#${place}`;
        const baseIndex = asNumber(row["base_index"]);
        const salt = row["row_salt"] as Uint8Array;
        const bytes = row["opinion"] as Uint8Array;
        const commit = toHex(commitment("opinion", sha512(concat(utf8("evidencekit/salts/1\0"), salt)).subarray(0, 16), bytes));
        tree.add(leafHash(utf8(`{"_t":"evidencekit/derived-row/1","base_index":"${baseIndex}","base_root":"${String(body["base_root"])}","opinion":"${commit}"}`)));
        if (asNumber(row["index"]) !== place) all.report("E109", at, `index ${asNumber(row["index"])}`);
        if (!salts.isNew(salt)) all.report("E111", at, "the salt of another row");
        if (baseIndex === last) all.report("E110", at, `base row ${baseIndex}`);
        else if (baseIndex < last) all.report("E109", at, `base row ${baseIndex}`);
        let good = true;
        if (about && base) {
          while (awaited < base.flags.length && (awaited < baseIndex || !about[awaited])) {
            if (about[awaited] && base.flags[awaited] !== BAD) {
              all.report("E107", at, `no opinion about row ${awaited}`);
            }
            awaited++;
          }
          good = baseIndex >= 0 && baseIndex < base.flags.length && about[baseIndex] === 1 && base.flags[baseIndex] !== BAD;
          if (!good) all.report("E107", at, `an opinion about row ${baseIndex}`);
          if (awaited === baseIndex) awaited++;
        }
        last = Math.max(last, baseIndex);
        const read = readGroup(bytes, kind);
        if ("fault" in read) {
          all.report(read.fault.code === "E101" ? "E107" : read.fault.code, at, read.fault.found);
          unreadable++;
        } else {
          const view = kind === "match" ? "result" : "media_type";
          if ((row[view] ?? null) !== read.value[view]) all.report("E212", at, view);
          if (kind === "match") results[String(read.value["result"])] = (results[String(read.value["result"])] ?? 0) + 1;
          else if (read.value["error"] !== null) errors++;
        }
        place++;
        all.sums.derivedRows++;
        all.sink.count("rows");
      }
    }
    if (about && base) {
      for (; awaited < base.flags.length; awaited++) if (about[awaited] && base.flags[awaited] !== BAD) all.report("E109", where, `no opinion about row ${awaited}`);
    }
    all.root(seal, where, tree.root(), place);
    if (!header) return;
    const totals = header["totals"] as Obj;
    const differs = (what: string, found: number): void => {
      if (String(found) !== totals[what]) all.report("E112", `${where} header`, `${what} ${found}`, `${what} ${String(totals[what])}`);
    };
    differs("rows", place);
    if (unreadable) return;
    if (kind === "match") for (const result of ["differs", "moved", "not_comparable", "not_listed", "same"]) differs(result, results[result] ?? 0);
    else differs("errors", errors);
  }

  /** Which base rows the kind is about, by index: 1 where it is; null where that is not known. */
  private async about(kind: string, header: Header | null, base: Base | undefined): Promise<Uint8Array | null> {
    if (!base) return null;
    if (kind === "match") {
      const match = header?.["match"];
      if (!isObj(match)) return null;
      const under = nameBytes(match, "under")!;
      const inside = under.length ? await this.all.inside(base, under) : new Uint8Array(base.flags.length).fill(1);
      return inside && base.flags.map((flag, i) => (inside[i] && (flag === READ || flag === READ_NOT_TYPED || flag === BAD) ? 1 : 0));
    }
    return base.flags.map((flag) => (flag === READ || flag === READ_STREAM || flag === BAD ? 1 : 0));
  }
}
