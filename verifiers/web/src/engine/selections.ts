/** Parts of items by rows (manifest.md 11): lists of rows, each row of which belongs to one item. */

import type { Base } from "./bases";
import { equal, fromHex, toHex } from "./bytes";
import { linesOf } from "./digest";
import type { Env } from "./env";
import { eventFile, type Files } from "./files";
import * as f from "./forms";
import { isObj, type Obj, parse } from "./json";
import type { Kept, Log } from "./log";
import { leafHash, Tree } from "./merkle";
import { objectPath } from "./objects";
import { checkRecord } from "./records";
import { Rows } from "./selectedrows";
import type { Sink } from "./sink";
import { Damaged, Unreadable } from "./source";

const MOST_LINE = 512;
const MOST_LISTS = 65_536;
const MOST_READINGS = 16;

interface Selection {
  base_root: string;
  list: { bytes: string; sha256: string };
  root: string;
  rows: string;
}

interface Line {
  base_root: string;
  index: string;
  leaf: string;
}

const lineForm = f.shape({ _t: f.string, base_root: f.hex32, index: f.count, leaf: f.hex32 });

export class Selections {
  private readonly rows = new Rows();
  private readonly readings = new Map<string, number>();
  private lists = 0;
  /** Leaves that are not those of their rows: each is told of once. */
  private readonly told = new Set<string>();

  /** `bases`: catalogues by root; null in a package, which has some of their rows alone. */
  constructor(
    private readonly env: Env,
    private readonly log: Log,
    private readonly files: Files,
    private readonly sink: Sink,
    private readonly bases: ((root: string) => Base | undefined) | null,
  ) {}

  async read(): Promise<void> {
    const divided = new Set<string>();
    for (const { event } of this.log.kept) if (selectionsOf(event.body["parts"]).length) divided.add(event.items[0]!);
    for (const one of this.log.kept) {
      const { type, items, body } = one.event;
      if (type === "seal") this.rows.seal(items[0]!, String(body["root"]));
      if (type !== "split" && type !== "copy") continue;
      for (const [part, selection] of partsOf(body["parts"])) {
        this.rows.part(part, items[0]!);
        if (selection) await this.list(one, part, selection, divided.has(part));
      }
    }
  }

  private async list(one: Kept, part: string, selection: Selection, isDivided: boolean): Promise<void> {
    const { type, items } = one.event;
    const where = objectPath(selection.list.sha256);
    const readings = this.readings.get(where) ?? 0;
    this.readings.set(where, readings + 1);
    if (readings >= MOST_READINGS || ++this.lists > MOST_LISTS || this.rows.isTooDeep(part)) {
      return this.sink.missedOut(
        "custody",
        "too_many",
        where,
        "more lists of rows, or deeper parts, than are followed",
      );
    }
    const isSealed = this.rows.isSealed(items[0]!, selection.base_root);
    const isUnknown = !this.rows.hasRoot(items[0]!) && !this.log.isWhole;
    if (!isSealed && !isUnknown) {
      return this.sink.find(
        "E118",
        eventFile(one.index),
        `rows under ${selection.base_root}`,
        `a root sealed for ${items[0]}`,
      );
    }
    const base = this.bases?.(selection.base_root);
    const known = isSealed && base?.leaves ? base : null;
    if (isUnknown || (isSealed && !known)) {
      const why = this.bases ? `no catalogue of ${items[0]} was read` : "a package has some of the catalogue alone";
      this.sink.missedOut(
        "custody",
        "missing_base",
        eventFile(one.index),
        `the rows of ${part}: ${why}`,
        this.bases === null,
      );
    }
    if (!this.files.isFile(where)) return;
    const take = known && this.rows.taker(items[0]!, part, { base: known, isCopy: type === "copy", isDivided });
    if (known && !take) this.sink.missedOut("custody", "too_many", where, "more lists of rows than are followed");
    const fault = await this.lines(where, selection, (line) => {
      if (!known) return;
      const place = `${where}#${line.index}`;
      const code = take?.(line.index);
      if (code) this.sink.find(code, place, code === "E119" ? "a row of another part" : "a row that it does not have");
      const at = BigInt(line.index) < BigInt(known.marks.length) ? 32 * Number(line.index) : -1;
      const isThere = at < 0 || known.taken[Number(line.index)] === 1;
      const is = !isThere || (at >= 0 && equal(known.leaves!.subarray(at, at + 32), fromHex(line.leaf)!));
      const what = `${known.root} ${line.index} ${line.leaf}`;
      if (!is && (at < 0 || !this.told.has(what))) {
        this.told.add(what);
        this.sink.find(
          "E118",
          place,
          `leaf ${line.leaf}`,
          at < 0 ? "a row of the catalogue" : toHex(known.leaves!.subarray(at, at + 32)),
        );
      }
      this.sink.count("selected_rows");
    });
    if (fault) this.sink.find("E117", where, fault);
    else this.sink.count("selections");
  }

  /** What is wrong with a list; each line before that is handed over. */
  private async lines(where: string, selection: Selection, take: (line: Line) => void): Promise<string | null> {
    const tree = new Tree();
    const most = BigInt(selection.rows);
    let last = -1n;
    try {
      for await (const one of linesOf(this.files.source.stream(this.files.index(where)), MOST_LINE)) {
        if (!one?.whole) return one ? "a line without its end" : "a line of more than 512 bytes";
        if (BigInt(tree.size) >= most) return `more than ${most} lines`;
        const line = readSelected(one.line);
        if (!line) return `line ${tree.size}: not in its form`;
        if (BigInt(line.index) <= last) return `line ${tree.size}: not in ascending order`;
        if (line.base_root !== selection.base_root) return `line ${tree.size}: of another catalogue`;
        last = BigInt(line.index);
        tree.add(leafHash(one.line));
        take(line);
        await this.env.tick("rows", tree.size, null, where);
      }
    } catch (error) {
      if (!(error instanceof Damaged || error instanceof Unreadable)) throw error;
      this.sink.missedOut("record", "unreadable", where, error.message);
      return null;
    }
    if (BigInt(tree.size) !== most) return `${tree.size} lines, not ${most}`;
    return toHex(tree.root()) === selection.root ? null : `root ${toHex(tree.root())}, not ${selection.root}`;
  }
}

function readSelected(bytes: Uint8Array): Line | null {
  const parsed = parse(bytes, MOST_LINE);
  const read = "value" in parsed ? checkRecord<Line>(parsed.value, "selected", lineForm) : null;
  return read && "value" in read ? read.value : null;
}

function partsOf(parts: unknown): [string, Selection | null][] {
  if (!Array.isArray(parts)) return [];
  return (parts as Obj[]).map((part) => {
    const selection = part["selection"];
    return [String(part["item"]), isObj(selection) ? (selection as unknown as Selection) : null];
  });
}

const selectionsOf = (parts: unknown): Selection[] => partsOf(parts).flatMap(([, selection]) => selection ?? []);
