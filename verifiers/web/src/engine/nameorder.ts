/**
 * Names of rows, one after the other: their order, names twice, the source first, a folder's row above (manifest.md).
 */

import { compareBytes, equal } from "./bytes";
import { hasName, nameBytes } from "./forms";
import type { Obj } from "./json";
import { split } from "./paths";

interface Key {
  parts: Uint8Array[];
  stream: Uint8Array | null;
}

export class NameOrder {
  private previous: Key | null = null;
  /** Folders above the last row, as components. */
  private folders: Uint8Array[][] = [];
  /** A row could not be read: from here on nobody knows which folders there are. */
  private isLost = false;

  /** `parents`: every row of a folder is here, and is asked for. */
  constructor(
    private readonly report: (code: string, place: string, found: string) => void,
    private readonly parents: boolean,
  ) {}

  /** A row that cannot be read: the next one is compared with none, and parents are not asked for any more. */
  lose(): void {
    this.previous = null;
    this.isLost = true;
  }

  /** Order, duplicates, the source first, and a folder's row above. */
  next(name: Obj, at: number, place: string, kind: string): void {
    const path = nameBytes(name, "path");
    if (!path) return;
    const parts = path.length ? split(path) : [];
    const stream = hasName(name, "stream") ? nameBytes(name, "stream") : null;
    if (at === 0 && (parts.length || stream)) {
      this.report("E109", place, "the first row is not the source");
      this.isLost = true;
    }
    if (this.previous) {
      const order = compareKeys(this.previous, { parts, stream });
      if (order === 0) this.report("E110", place, "the name of the row before");
      else if (order > 0) {
        this.report("E109", place, "not in the order of names");
        this.isLost = true;
      }
    }
    this.previous = { parts, stream };
    if (!this.parents || this.isLost) return;
    const parent = parts.slice(0, -1);
    while (this.folders.length && !isPrefix(this.folders.at(-1)!, parts)) this.folders.pop();
    const missing =
      parts.length > 0 && !this.folders.some((folder) => folder.length === parent.length && isPrefix(folder, parent));
    if (missing) this.report("E107", place, "no row of the folder that it is in");
    if (kind === "directory" && !stream) this.folders.push(parts);
  }
}

const isPrefix = (folder: Uint8Array[], parts: Uint8Array[]): boolean =>
  folder.length <= parts.length && folder.every((part, i) => equal(part, parts[i]!));

function compareKeys(a: Key, b: Key): number {
  const shared = Math.min(a.parts.length, b.parts.length);
  for (let i = 0; i < shared; i++) {
    const order = compareBytes(a.parts[i]!, b.parts[i]!);
    if (order) return order;
  }
  return a.parts.length - b.parts.length || compareBytes(a.stream ?? new Uint8Array(0), b.stream ?? new Uint8Array(0));
}
