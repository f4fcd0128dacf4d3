/**
 * One catalogue of facts, whole or in reduced form (verification.md 1.9): its rows, their order and hashes, totals,
 * root.
 */

import { compareBytes } from "./bytes";
import { BAD, ERASED, marksOf } from "./bases";
import { asNumber } from "./columns";
import type { Env } from "./env";
import { EXTRA_DIGESTS, KINDS, readGroup, rowFault } from "./groups";
import type { Header } from "./headers";
import { isObj, type Obj } from "./json";
import { display } from "./lines";
import type { Manifests } from "./manifest";
import { Tree } from "./merkle";
import { NameOrder } from "./nameorder";
import type { Catalogue, Row } from "./parquet";
import { reducedGroups } from "./reduced";
import { FACT_GROUPS, factHash, factLeaf, type Facts } from "./rowleaf";
import { judgeView, largeValues } from "./rowview";
import { Salts } from "./salts";
import type { Standing } from "./standing";
import { Totals } from "./totals";

/** Groups of a row: null where they were erased. */
type Groups = Facts<Obj | null>;

export class FactsCheck {
  private readonly totals = new Totals();
  private excluded = false;
  private erased = 0;
  private place = 0;
  private links = 0;
  private readonly tree = new Tree();
  private readonly salts = new Salts();
  private readonly groupSalts = { name: new Salts(), content: new Salts(), metadata: new Salts() };
  private readonly names: NameOrder;
  private readonly marks: Uint8Array;
  private readonly taken: Uint8Array;
  private readonly header: Header | null;
  /** Hashes by index, where they are needed after the last row. */
  private readonly hashes: Uint8Array | null;
  private readonly where: string;
  private readonly isShuffled: boolean;

  constructor(
    private readonly all: Manifests,
    private readonly env: Env,
    private readonly one: Standing,
    private readonly catalogue: Catalogue,
  ) {
    this.where = one.where;
    this.names = new NameOrder((code, place, found) => all.report(code, place, found), one.erased === null);
    this.marks = new Uint8Array(catalogue.rows);
    this.taken = new Uint8Array(catalogue.rows);
    this.header = all.header(one, catalogue);
    this.isShuffled = this.header?.["order"] === "shuffled";
    this.hashes = this.isShuffled || all.isDivided(one.root) ? new Uint8Array(32 * catalogue.rows) : null;
  }

  async read(): Promise<void> {
    for await (const rows of this.catalogue.groups()) {
      await this.env.tick("rows", this.place, this.catalogue.rows, this.where);
      for (const row of rows) this.row(row);
    }
    const { all, where, header, one } = this;
    if (this.place === 0) all.report("E109", where, "no rows", "the source");
    const isWhole = this.taken.every((mark) => mark === 1);
    all.root(one, this.root(isWhole), this.place);
    if (header) this.judgeHeader(header);
    if (this.totals.omissions) all.report("W907", where, `${this.totals.omissions} rows`);
    all.judgeErased(one, this.erased);
    const exhibit = one.seal.event.items[0]!;
    all.keep(
      {
        marks: this.marks,
        root: one.root,
        manifest: String(one.seal.event.body["manifest"]),
        where,
        reduced: one.erased !== null,
        digests: header ? (header["digests"] as string[]) : [],
        leaves: all.isDivided(one.root) ? this.hashes : null,
        taken: this.taken,
      },
      exhibit,
      header,
    );
    all.sums.exhibits.add(exhibit);
    all.sums.bytes += this.totals.complete;
  }

  private judgeHeader(header: Header): void {
    const place = `${this.where} header`;
    const isWhole = this.one.erased === null;
    this.totals.judge(header, isWhole, (found, said) => this.all.report("E112", place, found, said));
    const options = header["options"] as Obj;
    const globs = (options["exclude"] as string[]).length + (options["include"] as string[]).length;
    if (this.excluded && !globs) this.all.report("E108", place, "no glob", "one, since rows are excluded");
  }

  private root(isWhole: boolean): Uint8Array | null {
    if (!isWhole) return null;
    if (!this.isShuffled) return this.tree.root();
    const hashes = this.hashes!;
    const tree = new Tree();
    for (let at = 0; at < hashes.length; at += 32) {
      const hash = hashes.subarray(at, at + 32);
      if (at && compareBytes(hashes.subarray(at - 32, at), hash) > 0) {
        this.all.report("E109", `${this.where}#${at / 32}`, "leaf hashes are not in ascending order");
      }
      tree.add(hash);
    }
    return tree.root();
  }

  private row(row: Row): void {
    const { all } = this;
    const at = this.place++;
    const index = asNumber(row["index"]);
    const free = this.isShuffled && this.one.erased === null;
    const filePlace = `${this.where}#${at}`;
    const place = free ? `${this.where}#${index}` : filePlace;
    const kind = String(row["kind"]);
    const { bytes, hash } =
      this.one.erased === null ? this.wholeRow(row, kind, filePlace) : this.reducedRow(row, kind, place);
    this.tree.add(hash);
    const inBounds = index >= 0 && index < this.taken.length;
    if (free ? !inBounds || this.taken[index] : index !== at) all.report("E109", filePlace, `index ${index}`);
    if (inBounds) {
      this.taken[index] = 1;
      this.hashes?.set(hash, 32 * index);
    }
    const groups = this.groups(bytes, kind, place);
    this.totals.row(kind);
    all.sums.rows++;
    all.sink.count("rows");
    const isOrdered = this.one.erased === null || !this.isShuffled;
    if (groups?.name && isOrdered) this.names.next(groups.name, at, place, kind);
    const state = groups ? (groups.content ? String(groups.content["state"]) : "erased") : "unreadable";
    all.sums.states[state] = (all.sums.states[state] ?? 0) + 1;
    const known = this.one.erased === null ? index : at;
    if (known >= 0 && known < this.marks.length) this.marks[known] = groups ? marks(kind, groups) : BAD;
    if (!groups) {
      this.totals.unreadable++;
      this.names.lose();
      return;
    }
    if (groups.content) this.content(groups.content);
    this.view(row, groups, place);
    this.list(groups, kind, index, place);
  }

  private wholeRow(row: Row, kind: string, place: string): { bytes: Facts<Uint8Array | null>; hash: Uint8Array } {
    const bytes = row as Facts<Uint8Array>;
    const salt = row["row_salt"] as Uint8Array;
    if (!this.salts.isNew(salt)) this.all.report("E111", place, "the salt of another row");
    return { bytes, hash: factHash(bytes, salt, kind) };
  }

  private reducedRow(row: Row, kind: string, place: string): { bytes: Facts<Uint8Array | null>; hash: Uint8Array } {
    const found = reducedGroups(row, FACT_GROUPS, this.groupSalts);
    for (const { code, said } of found.faults) this.all.report(code, place, said);
    if (found.isErased) this.erased++;
    return { bytes: found.bytes, hash: factLeaf(found.commitments, kind) };
  }

  private groups(bytes: Facts<Uint8Array | null>, kind: string, place: string): Groups | null {
    const found: Groups = { name: null, content: null, metadata: null };
    const wrong = (what: string): null => {
      this.all.report("E107", place, what);
      return null;
    };
    for (const name of FACT_GROUPS) {
      const group = bytes[name];
      if (!group) continue;
      const read = readGroup(group, name);
      if ("fault" in read) {
        if (read.fault.code === "E101") return wrong(`${name}: ${read.fault.found}`);
        this.all.report(read.fault.code, place, `${name}: ${read.fault.found}`);
        return null;
      }
      found[name] = read.value;
    }
    if (!KINDS.includes(kind)) return wrong(`kind ${kind}`);
    const fault = rowFault(kind, found.name, found.content, found.metadata) ?? this.headerFault(found);
    return fault ? wrong(fault) : found;
  }

  private headerFault({ content, metadata }: Groups): string | null {
    if (this.header && content && metadata) {
      const digests = this.header["digests"] as string[];
      const whole = content["sha256"] !== null;
      const isWrong = (name: string): boolean => Object.hasOwn(content, name) !== (whole && digests.includes(name));
      if (EXTRA_DIGESTS.some(isWrong)) return "digests that the header does not name";
    }
    const group = metadata?.["link_group"];
    if (group !== undefined && this.one.erased === null) {
      const number = Number(group);
      if (number > this.links + 1) return `link_group ${number}`;
      this.links = Math.max(this.links, number);
    }
    return null;
  }

  private content(content: Obj): void {
    this.totals.content(content);
    this.excluded ||= content["reason"] === "excluded";
    const { objects } = this.all;
    const size = typeof content["size"] === "string" ? BigInt(content["size"]) : 0n;
    const options = this.header?.["options"];
    const copies = isObj(options) && options["copies"] === true;
    for (const name of ["sha256", "sha256_zero_filled"]) {
      const digest = content[name];
      if (typeof digest !== "string") continue;
      objects.contents.set(digest, size);
      if (copies) objects.needed.set(digest, size);
    }
  }

  private view(row: Row, { name, content, metadata }: Groups, place: string): void {
    const { needed } = this.all.objects;
    for (const group of [content, metadata]) {
      for (const { sha256, bytes } of group ? largeValues(group) : []) needed.set(sha256, bytes);
    }
    if (this.one.erased !== null || !name || !content || !metadata) return;
    judgeView(row, { name, content, metadata }, (column) => this.all.report("E212", place, column));
  }

  private list({ name, content, metadata }: Groups, kind: string, index: number, where: string): void {
    if (this.all.isQuiet) return;
    this.env.options.onRow?.({
      where,
      manifest: String(this.one.seal.event.body["manifest"]),
      index: String(index),
      kind,
      path: name && display(name),
      state: content ? String(content["state"]) : null,
      size: (content?.["size"] as string | null | undefined) ?? null,
      sha256: (content?.["sha256"] as string | null | undefined) ?? null,
      mtime_ns: (metadata?.["mtime_ns"] as string | undefined) ?? null,
      payload: null,
      grounds: Object.fromEntries(
        Object.entries({ name, content, metadata }).flatMap(([group, is]) => (is ? [] : [[group, "erased"]])),
      ),
    });
  }
}

function marks(kind: string, { name, content }: Groups): number {
  if (name && content) return marksOf(kind, { name, content });
  return kind === "file" || kind === "block_device" ? ERASED : 0;
}
