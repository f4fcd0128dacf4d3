/** Catalogues of a case (verification.md 1.9): which there have to be, and of each its file, its header, its rows. */

import { BadParquet } from "./badparquet";
import type { Base } from "./bases";
import { concat, equal, fromHex, toHex, utf8 } from "./bytes";
import { asNumber, columnsOf, FACTS, readName, REDUCED } from "./columns";
import type { Digests } from "./digest";
import type { Env } from "./env";
import { FactsCheck } from "./facts";
import { eventFile, type Files, number8 } from "./files";
import { nameBytes, nanoseconds } from "./forms";
import { STATES } from "./groups";
import { sha256 } from "./hash";
import { type Header, readDerived, readFacts } from "./headers";
import { encode, isObj, type Json } from "./json";
import type { Log } from "./log";
import { OpinionsCheck } from "./opinions";
import { type Catalogue, type Column, openCatalogue } from "./parquet";
import type { Moment } from "./records";
import type { Sink } from "./sink";
import { Damaged, Unreadable } from "./source";
import { dividedRoots, Erasures, type Standing } from "./standing";

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
  /** Were the rows of every catalogue of facts read? */
  whole: boolean;
}

export class Manifests {
  readonly sums: Sums = {
    rows: 0,
    derivedRows: 0,
    bytes: 0n,
    states: Object.fromEntries([...STATES, "unreadable"].map((state) => [state, 0])),
    exhibits: new Set(),
  };
  readonly objects: RowObjects = { needed: new Map(), contents: new Map(), whole: true };
  readonly named = new Set<string>();
  readonly erasures: Erasures;
  largest = 0;
  checked = 0;
  private readonly bases = new Map<string, Base>();
  private readonly exhibits = new Map<string, { base: Base; header: Header }>();
  private readonly divided: ReadonlySet<string>;
  /** Digests that the newest `acquire` event of each item names, as far as the log was followed. */
  private readonly acquired = new Map<string, string[]>();
  private errors = 0;
  /** Catalogues that were read once more, for folders. */
  private compared = 0;

  /** `isQuiet`: rows are told of elsewhere, as those that a package shows. */
  constructor(
    private readonly env: Env,
    private readonly log: Log,
    private readonly files: Files,
    readonly sink: Sink,
    private readonly digests: Digests,
    readonly isQuiet = false,
  ) {
    this.erasures = new Erasures(log.kept, sink);
    this.divided = dividedRoots(log.kept);
  }

  /** Each catalogue that an event names, or those of the events in `entries` alone. */
  async read(entries: ReadonlySet<number> | null = null): Promise<void> {
    const seen = new Map<string, number>();
    for (const one of this.log.kept) {
      const { type, items, body } = one.event;
      if (type === "acquire" && items[0] !== undefined)
        this.acquired.set(items[0], [...(body["digests"] as string[])].sort());
      if ((type !== "seal" && type !== "derive") || (entries && !entries.has(one.index))) continue;
      const number = String(body["manifest"]);
      const before = seen.get(number);
      if (before !== undefined) {
        const name = `manifests/${number8(number)}.parquet`;
        this.sink.find("E301", eventFile(one.index), `${name}, as entry ${before} names`, "a catalogue of its own");
        continue;
      }
      seen.set(number, one.index);
      this.largest = Math.max(this.largest, Number(number));
      const standing = this.erasures.of(one);
      this.named.add(standing.where.slice("manifests/".length));
      const isRead = await this.one(standing);
      if (type === "seal" && !isRead) this.objects.whole = false;
    }
  }

  /** Does some list of rows of a part name this root? */
  isDivided = (root: string): boolean => this.divided.has(root);

  /** Judges one catalogue; could it be read to its end? */
  private async one(standing: Standing): Promise<boolean> {
    const { seal, where } = standing;
    const index = this.files.index(where);
    if (index < 0 || !this.files.isFile(where)) {
      this.sink.find("E501", where, "none", "a plain file");
      return false;
    }
    this.errors = 0;
    const size = this.files.size(where);
    const rows = BigInt(String(seal.event.body["rows"]));
    if (BigInt(size) > (1n << 26n) + (1n << 22n) * rows) {
      this.sink.find("E102", where, `${size} bytes`);
      return false;
    }
    let isRead = false;
    try {
      const digest = toHex((await this.digests.of(index, ["sha256"]))[0]!);
      try {
        await this.rows(standing, index, rows);
        isRead = true;
      } catch (error) {
        if (!(error instanceof BadParquet)) throw error;
        this.report(error.code, where, error.message);
      }
      if (digest !== standing.sha256) this.sink.find(this.errors ? "E201" : "E211", where, digest, standing.sha256);
      this.checked++;
      this.sink.count("manifests");
    } catch (error) {
      if (!(error instanceof Damaged || error instanceof Unreadable)) throw error;
      this.sink.missedOut("record", "unreadable", where, error.message);
    }
    return isRead;
  }

  /** Header and rows of one catalogue; throws BadParquet, Damaged, Unreadable. */
  private async rows(standing: Standing, index: number, rows: bigint): Promise<void> {
    const file = await this.files.source.access(index);
    if (!file) throw new Unreadable("it is compressed");
    const { event } = standing.seal;
    try {
      const columns = (format: string): readonly Column[] | null => columnsOf(format, event, standing.erased !== null);
      const catalogue = await openCatalogue(file, rows, columns);
      if (event.type === "seal") await new FactsCheck(this, this.env, standing, catalogue).read();
      else await new OpinionsCheck(this, standing, catalogue).read();
    } finally {
      await file.close?.();
    }
  }

  /** How many rows were erased, against what the event says; what they said is not checked. */
  judgeErased({ erased, where }: Standing, rows: number): void {
    if (erased === null) return;
    if (String(rows) !== erased) this.report("E114", where, `${rows} rows`, `${erased} rows`);
    const why = `${rows} rows were erased by an order: what they said, and sums that rest on it, cannot be checked`;
    if (rows) this.sink.missedOut("record", "erased", where, why, true);
  }

  report(code: string, where: string, found = "", expected = ""): void {
    if (code.startsWith("E")) this.errors++;
    this.sink.find(code, where, found, expected);
  }

  /** Header: form, commitment, what the event says, times. Null where it cannot be read. */
  header({ seal, where }: Standing, catalogue: Catalogue): Header | null {
    const place = `${where} header`;
    const { body, items, type } = seal.event;
    const commit = toHex(sha256(concat(utf8("evidencekit/header/1\0"), catalogue.headerSalt, catalogue.header)));
    if (commit !== body["header"]) this.report("E201", place, commit, String(body["header"]));
    const read = type === "seal" ? readFacts(catalogue.header) : readDerived(catalogue.header);
    if ("fault" in read) {
      this.report(read.fault.code === "E101" ? "E108" : read.fault.code, place, read.fault.found);
      return null;
    }
    const header = read.value;
    const differs = (what: string, found: Json | undefined, expected: Json | undefined): void => {
      const [is, said] = [encode(found ?? null), encode(expected ?? null)];
      if (is !== said) this.report("E108", place, `${what} ${is}`, said);
    };
    if (this.log.caseId !== null) differs("case", header["case"], this.log.caseId);
    differs("exhibit", header["exhibit"], items[0]);
    if (type === "seal") {
      const acquired = this.acquired.get(items[0]!);
      if (acquired) differs("digests", header["digests"], acquired);
    } else {
      for (const name of ["base_root", "engine", "kind"]) differs(name, header[name], body[name]);
    }
    const { interruptions } = header;
    const resumed = isObj(interruptions) ? (interruptions["resumed_at"] as Json[]) : [];
    const moments = [header["started_at"], ...resumed, header["finished_at"]] as unknown as Moment[];
    const goesBack = (moment: Moment, i: number): boolean =>
      i > 0 && nanoseconds(moment.time) < nanoseconds(moments[i - 1]!.time);
    if (moments.some(goesBack)) this.report("W904", place, "times that go back");
    return header;
  }

  root({ seal, where, root: said }: Standing, root: Uint8Array | null, rows: number): void {
    const { body } = seal.event;
    if (String(rows) !== body["rows"]) this.report("E202", where, `${rows} rows`, `${String(body["rows"])} rows`);
    else if (!root) this.report("E202", where, "no root: its indexes are not one place each", said);
    else if (!equal(root, fromHex(said)!)) this.report("E202", where, toHex(root), said);
  }

  keep(base: Base, exhibit: string, header: Header | null): void {
    this.bases.set(base.root, base);
    if (header) this.exhibits.set(exhibit, { base, header });
  }
  /** The catalogue of facts of an exhibit, where it could be read. */
  sealed(exhibit: string): { base: Base; header: Header } | undefined {
    return this.exhibits.get(exhibit);
  }
  base(root: string): Base | undefined {
    return this.bases.get(root);
  }

  /**
   * Rows of a base catalogue, by index, whose path is `under` or lies in it; null where it cannot be read once more.
   */
  async inside(base: Base, under: Uint8Array): Promise<Uint8Array | null> {
    if (this.compared++ >= MOST_FOLDERS) return null;
    const file = await this.files.source.access(this.files.index(base.where));
    if (!file) return null;
    const found = new Uint8Array(base.marks.length);
    try {
      const catalogue = await openCatalogue(file, BigInt(found.length), () => (base.reduced ? REDUCED : FACTS));
      for await (const rows of catalogue.groups()) {
        for (const row of rows) {
          const bytes = row["name"] as Uint8Array | null | undefined;
          const name = bytes && readName(bytes);
          const path = name && nameBytes(name, "path");
          if (path && isUnder(path, under)) found[asNumber(row["index"])] = 1;
        }
      }
    } finally {
      await file.close?.();
    }
    return found;
  }
}

function isUnder(path: Uint8Array, folder: Uint8Array): boolean {
  if (path.length < folder.length || !equal(path.subarray(0, folder.length), folder)) return false;
  return path.length === folder.length || path[folder.length] === 0x2f;
}
