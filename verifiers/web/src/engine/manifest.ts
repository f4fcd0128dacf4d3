/** Catalogues of a case (verification.md 1.9): which there have to be, and of each its file, its header, its rows. */

import type { Base } from "./bases";
import { concat, equal, fromHex, toHex, utf8 } from "./bytes";
import { asNumber, columnsOf, FACTS, readName } from "./columns";
import type { Digests } from "./digest";
import type { Env } from "./env";
import { FactsCheck } from "./facts";
import { eventFile, type Files, number8 } from "./files";
import { nameBytes, nanoseconds } from "./forms";
import { STATES } from "./groups";
import { sha256 } from "./hash";
import { type Header, readDerived, readFacts } from "./headers";
import { encode, isObj, type Json, type Obj } from "./json";
import type { Kept, Log } from "./log";
import { OpinionsCheck } from "./opinions";
import { BadParquet, type Catalogue, openCatalogue } from "./parquet";
import type { Moment } from "./records";
import type { Sink } from "./sink";
import { Damaged, Unreadable } from "./source";

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
  readonly erased = new Set<string>();
  largest = 0;
  checked = 0;
  private readonly bases = new Map<string, Base>();
  private errors = 0;
  /** Catalogues that were read once more, for folders. */
  private compared = 0;

  constructor(
    private readonly env: Env,
    private readonly log: Log,
    private readonly files: Files,
    readonly sink: Sink,
    private readonly digests: Digests,
  ) {}

  async read(): Promise<void> {
    const seen = new Map<string, number>();
    const reduced = this.reducedForms();
    for (const one of this.log.kept) {
      if (one.event.type !== "seal" && one.event.type !== "derive") continue;
      const number = String(one.event.body["manifest"]);
      const name = `${number8(number)}.parquet`;
      const before = seen.get(number);
      if (before !== undefined) {
        this.sink.find("E301", eventFile(one.index), `manifests/${name}, as entry ${before} names`, "a catalogue of its own");
        continue;
      }
      seen.set(number, one.index);
      this.largest = Math.max(this.largest, Number(number));
      const form = reduced.get(number);
      if (form !== undefined) {
        this.reduced(number, form);
        continue;
      }
      this.named.add(name);
      await this.one(one, `manifests/${name}`);
    }
    if (this.log.kept.some(({ event }) => hasSelection(event.body["parts"]))) {
      this.sink.missedOut("record", "selections", "custody", "lists of rows of parts are not compared with the rows by this verifier");
    }
  }

  /** The newest form of an erased catalogue is there; those before it are not. */
  private reduced(number: string, form: number): void {
    const name = (k: number): string => `${number8(number)}.r${k}.parquet`;
    this.named.add(name(form));
    this.erased.add(`${number8(number)}.parquet`);
    for (let k = 1; k < form; k++) this.erased.add(name(k));
    this.objects.whole = false;
    this.sink.missedOut("record", "reduced", `manifests/${name(form)}`, "reduced catalogues are not read by this verifier");
  }

  private reducedForms(): Map<string, number> {
    const forms = new Map<string, number>();
    for (const { event } of this.log.kept) {
      if (event.type !== "erase" || !Array.isArray(event.body["manifests"])) continue;
      for (const one of event.body["manifests"] as Obj[]) {
        const number = String(one["manifest"]);
        forms.set(number, Math.max(forms.get(number) ?? 0, Number(one["reduced"])));
      }
    }
    return forms;
  }

  private async one(seal: Kept, where: string): Promise<void> {
    const { body } = seal.event;
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
        await this.rows(seal, where, index, rows);
      } catch (error) {
        if (!(error instanceof BadParquet)) throw error;
        this.objects.whole = false;
        this.report(error.code, where, error.message);
      }
      const said = String(body["file_sha256"]);
      if (digest !== said) this.sink.find(this.errors ? "E201" : "E211", where, digest, said);
      this.checked++;
      this.sink.count("manifests");
    } catch (error) {
      if (!(error instanceof Damaged || error instanceof Unreadable)) throw error;
      this.objects.whole = false;
      this.sink.missedOut("record", "unreadable", where, error.message);
    }
  }

  /** Header and rows of one catalogue; throws BadParquet, Damaged, Unreadable. */
  private async rows(seal: Kept, where: string, index: number, rows: bigint): Promise<void> {
    const file = await this.files.source.access(index);
    if (!file) throw new Unreadable("it is compressed");
    try {
      const catalogue = await openCatalogue(file, rows, (format) => columnsOf(format, seal.event));
      if (seal.event.type === "seal") await new FactsCheck(this, this.env, seal, where, catalogue).read();
      else await new OpinionsCheck(this, seal, where, catalogue).read();
    } finally {
      await file.close?.();
    }
  }

  report(code: string, where: string, found = "", expected = ""): void {
    if (code.startsWith("E")) this.errors++;
    this.sink.find(code, where, found, expected);
  }

  /** Header: form, commitment, what the event says, times. Null where it cannot be read. */
  header(seal: Kept, where: string, catalogue: Catalogue): Header | null {
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
      const acquired = this.log.kept
        .filter(({ index, event }) => event.type === "acquire" && index < seal.index && event.items[0] === items[0])
        .at(-1);
      if (acquired) differs("digests", header["digests"], [...(acquired.event.body["digests"] as string[])].sort());
    } else {
      for (const name of ["base_root", "engine", "kind"]) differs(name, header[name], body[name]);
    }
    const { interruptions } = header;
    const resumed = isObj(interruptions) ? (interruptions["resumed_at"] as Json[]) : [];
    const moments = [header["started_at"], ...resumed, header["finished_at"]] as unknown as Moment[];
    const goesBack = (moment: Moment, i: number): boolean => i > 0 && nanoseconds(moment.time) < nanoseconds(moments[i - 1]!.time);
    if (moments.some(goesBack)) this.report("W904", place, "times that go back");
    return header;
  }

  root(seal: Kept, where: string, root: Uint8Array | null, rows: number): void {
    const { body } = seal.event;
    const said = String(body["root"]);
    if (String(rows) !== body["rows"]) this.report("E202", where, `${rows} rows`, `${String(body["rows"])} rows`);
    else if (!root) this.report("E202", where, "no root: its indexes are not one place each", said);
    else if (!equal(root, fromHex(said)!)) this.report("E202", where, toHex(root), said);
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
    const file = await this.files.source.access(this.files.index(`manifests/${number8(base.manifest)}.parquet`));
    if (!file) return null;
    const found = new Uint8Array(base.flags.length);
    try {
      const catalogue = await openCatalogue(file, BigInt(found.length), () => FACTS);
      for await (const rows of catalogue.groups()) {
        for (const row of rows) {
          const name = readName(row["name"] as Uint8Array);
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

const hasSelection = (parts: unknown): boolean =>
  Array.isArray(parts) && (parts as Json[]).some((part) => isObj(part) && isObj(part["selection"]));

function isUnder(path: Uint8Array, folder: Uint8Array): boolean {
  if (path.length < folder.length || !equal(path.subarray(0, folder.length), folder)) return false;
  return path.length === folder.length || path[folder.length] === 0x2f;
}
