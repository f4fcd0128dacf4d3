/** Which file stands for each catalogue: the sealed one, or the newest form that an erasure left (manifest.md 10). */

import { eventFile, number8 } from "./files";
import { isObj, type Obj } from "./json";
import type { Kept } from "./log";
import type { Sink } from "./sink";

export interface Standing {
  seal: Kept;
  where: string;
  /** The root that was sealed, in hex. */
  root: string;
  /** Digest of the file, as the event that names it says. */
  sha256: string;
  /** Rows of which something was erased, as the event says; null where nothing was. */
  erased: string | null;
}

interface Form {
  reduced: number;
  rows: string;
  sha256: string;
}

export class Erasures {
  private readonly forms = new Map<string, Form>();
  /** Item and rows of each catalogue that was sealed so far. */
  private readonly sealed = new Map<string, { item: string; rows: bigint }>();
  private readonly parents = new Map<string, string>();

  /** Follows the events of a log in their order. */
  constructor(
    kept: readonly Kept[],
    private readonly sink: Sink,
  ) {
    for (const one of kept) {
      const { type, body, items } = one.event;
      if (type === "split") for (const part of items.slice(1)) this.parents.set(part, items[0]!);
      else if (type === "erase") this.erase(one);
      else if (type === "seal" || type === "derive") {
        const number = String(body["manifest"]);
        if (!this.sealed.has(number))
          this.sealed.set(number, { item: items[0]!, rows: BigInt(String(body["rows"])) });
      }
    }
  }

  /** The form of a catalogue that stands. */
  of(seal: Kept): Standing {
    const { body } = seal.event;
    const number = String(body["manifest"]);
    const form = this.forms.get(number);
    const where = `manifests/${fileOf(number, form?.reduced ?? 0)}`;
    const sha256 = form?.sha256 ?? String(body["file_sha256"]);
    return { seal, where, root: String(body["root"]), sha256, erased: form?.rows ?? null };
  }

  /** Is this a file in whose place another stands: a full form, or a reduced one before the newest? */
  isGone(name: string): boolean {
    const match = /^(\d{8,})(?:\.r([1-9]\d*))?\.parquet$/.exec(name);
    const form = match ? this.forms.get(String(BigInt(match[1]!))) : undefined;
    return (
      form !== undefined &&
      name !== fileOf(String(BigInt(match![1]!)), form.reduced) &&
      Number(match![2] ?? 0) < form.reduced
    );
  }

  private erase({ event, index }: Kept): void {
    const { body, items } = event;
    if (!Array.isArray(body["manifests"])) return;
    for (const one of body["manifests"] as Obj[]) {
      const number = String(one["manifest"]);
      const reduced = Number(one["reduced"]);
      const rows = String(one["rows"]);
      const before = this.forms.get(number);
      const name = `manifests/${fileOf(number, reduced)}`;
      const find = (code: string, found: string, expected: string): void =>
        this.sink.find(code, eventFile(index), found, expected);
      const sealed = this.sealed.get(number);
      if (!sealed) {
        find("E116", name, "a catalogue that an event before sealed");
        continue;
      }
      if (!items.some((item) => this.isPartOf(item, sealed.item))) find("E116", name, "a catalogue of the item");
      if (reduced !== (before?.reduced ?? 0) + 1) find("E116", name, "the form after the one before");
      const least = BigInt(before?.rows ?? 0);
      if (BigInt(rows) < least || BigInt(rows) > sealed.rows)
        find("E114", `${name}: ${rows} rows`, `from ${least} to ${sealed.rows}`);
      this.forms.set(number, { reduced, rows, sha256: String(one["file_sha256"]) });
    }
  }

  /** Is an item this one, or a part of it? */
  private isPartOf(item: string, owner: string): boolean {
    const seen = new Set<string>();
    for (let name: string | undefined = item; name !== undefined && !seen.has(name); name = this.parents.get(name)) {
      if (name === owner) return true;
      seen.add(name);
    }
    return false;
  }
}

const fileOf = (number: string, reduced: number): string =>
  `${number8(number)}${reduced ? `.r${reduced}` : ""}.parquet`;

/** Roots that a list of rows of some part names. */
export function dividedRoots(kept: readonly Kept[]): Set<string> {
  const roots = new Set<string>();
  for (const { event } of kept) {
    const { parts } = event.body;
    if (!Array.isArray(parts)) continue;
    for (const part of parts) {
      const selection = isObj(part) ? part["selection"] : undefined;
      if (isObj(selection)) roots.add(String(selection["base_root"]));
    }
  }
  return roots;
}
