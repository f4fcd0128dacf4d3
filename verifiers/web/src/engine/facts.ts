/** One catalogue of facts (verification.md 1.9): its rows, their order and hashes, totals, root. */

import { compareBytes, concat, toHex, utf8 } from "./bytes";
import { BAD, flagOf } from "./bases";
import { asNumber, readName, Salts } from "./columns";
import type { Env } from "./env";
import { commitment, EXTRA_DIGESTS, KINDS, readGroup, rowFault, STATES } from "./groups";
import { sha512 } from "./hash";
import type { Header } from "./headers";
import { isObj, type Json, type Obj } from "./json";
import { display } from "./lines";
import type { Kept } from "./log";
import type { Manifests } from "./manifest";
import { leafHash, Tree } from "./merkle";
import { NameOrder } from "./nameorder";
import type { Catalogue, Row } from "./parquet";
import { judgeView } from "./rowview";

const GROUPS = ["name", "content", "metadata"] as const;
type Groups<Form> = Record<(typeof GROUPS)[number], Form>;

export class FactsCheck {
  private readonly kinds: Record<string, number> = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  private readonly states: Record<string, number> = Object.fromEntries(STATES.map((state) => [state, 0]));
  private bytes = 0n;
  private unreadable = 0;
  private omissions = 0;
  private place = 0;
  private readonly tree = new Tree();
  private readonly salts = new Salts();
  private readonly names: NameOrder;
  private readonly flags: Uint8Array;
  private readonly taken: Uint8Array;
  private readonly hashes: Uint8Array | null;
  private links = 0;
  private header: Header | null = null;

  constructor(
    private readonly all: Manifests,
    private readonly env: Env,
    private readonly seal: Kept,
    private readonly where: string,
    private readonly catalogue: Catalogue,
  ) {
    this.names = new NameOrder((code, place, found) => all.report(code, place, found));
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
    const { body } = this.seal.event;
    const digests = header ? (header["digests"] as string[]) : [];
    all.keep(this.seal, { flags: this.flags, root: String(body["root"]), manifest: String(body["manifest"]), digests });
    all.sums.exhibits.add(this.seal.event.items[0]!);
  }

  private root(whole: boolean): Uint8Array | null {
    if (!this.hashes) return whole ? this.tree.root() : null;
    if (!whole) return null;
    const tree = new Tree();
    for (let at = 0; at < this.hashes.length; at += 32) {
      const hash = this.hashes.subarray(at, at + 32);
      if (at && compareBytes(this.hashes.subarray(at - 32, at), hash) > 0) {
        this.all.report("E109", this.where, "leaf hashes are not in ascending order");
      }
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
    const bytes = row as Groups<Uint8Array>;
    const hash = rowHash(bytes, salt, kind);
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
    const ordered = name ? this.names.next(name, at, place, kind) : true;
    if (!groups) {
      this.unreadable++;
      all.sums.states["unreadable"]!++;
      if (inBounds) this.flags[index] = BAD;
      return;
    }
    this.count(groups);
    if (inBounds) this.flags[index] = flagOf(kind, groups);
    if (ordered) judgeView(all, row, groups, place);
    this.list(groups, kind, index, place);
  }

  private groups(bytes: Groups<Uint8Array>, kind: string, place: string): Groups<Obj> | null {
    const found: Partial<Groups<Obj>> = {};
    const wrong = (what: string): null => {
      this.all.report("E107", place, what);
      return null;
    };
    for (const name of GROUPS) {
      const read = readGroup(bytes[name], name);
      if ("fault" in read) {
        if (read.fault.code === "E101") return wrong(`${name}: ${read.fault.found}`);
        this.all.report(read.fault.code, place, `${name}: ${read.fault.found}`);
        return null;
      }
      found[name] = read.value;
    }
    const groups = found as Groups<Obj>;
    if (!KINDS.includes(kind)) return wrong(`kind ${kind}`);
    const fault = rowFault(kind, groups.name, groups.content, groups.metadata) ?? this.headerFault(groups);
    return fault ? wrong(fault) : groups;
  }

  private headerFault({ content, metadata }: Record<string, Obj>): string | null {
    if (this.header) {
      const digests = this.header["digests"] as string[];
      const whole = content!["sha256"] !== null;
      const isWrong = (name: string): boolean => Object.hasOwn(content!, name) !== (whole && digests.includes(name));
      if (EXTRA_DIGESTS.some(isWrong)) return "digests that the header does not name";
    }
    const group = metadata!["link_group"];
    if (group !== undefined) {
      const number = Number(group);
      if (number > this.links + 1) return `link_group ${number}`;
      this.links = Math.max(this.links, number);
    }
    return null;
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

  private list(groups: Groups<Obj>, kind: string, index: number, where: string): void {
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
    if (isObj(interruptions)) {
      const [kept, again] = [interruptions["rows_kept"], interruptions["rows_taken_again"]].map((rows) => BigInt(String(rows)));
      if (kept! + again! > BigInt(this.place)) this.all.report("E112", place, "more rows kept and taken again than there are");
    }
    if (this.unreadable) return;
    differs("bytes", this.bytes, totals["bytes"]);
    for (const state of STATES) differs(state, this.states[state]!, (totals["states"] as Obj)[state]);
  }
}

/** Leaf hash of a row: of the commitments to its groups, each with its own part of the row's salt. */
function rowHash(groups: Groups<Uint8Array>, salt: Uint8Array, kind: string): Uint8Array {
  const salts = sha512(concat(utf8("evidencekit/salts/1\0"), salt));
  const [name, content, metadata] = GROUPS.map((group, i) => toHex(commitment(group, salts.subarray(16 * i, 16 * i + 16), groups[group])));
  const commits = `"content":"${content}","kind":${JSON.stringify(kind)},"metadata":"${metadata}","name":"${name}"`;
  return leafHash(utf8(`{"_t":"evidencekit/row/1",${commits}}`));
}
