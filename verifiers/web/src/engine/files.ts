/** The files of one record: those of a source below a folder, read within limits. */

import { concat } from "./bytes";
import { Damaged, type Source, Unreadable } from "./source";
import { FILE, FOLDER } from "./table";

export type Content =
  { bytes: Uint8Array } | { lack: "missing" | "unreadable" | "damaged"; why: string } | { tooLarge: number };

export class Files {
  constructor(
    readonly source: Source,
    /** Empty, or ends with `/`. */
    readonly folder = "",
  ) {}

  below(folder: string): Files {
    return new Files(this.source, this.folder + folder);
  }

  index(path: string): number {
    return this.source.table.find(this.folder + path);
  }

  isFile(path: string): boolean {
    const index = this.index(path);
    return index >= 0 && this.source.table.kind(index) === FILE;
  }

  isFolder(path: string): boolean {
    const index = this.index(path);
    return index >= 0 && this.source.table.kind(index) === FOLDER;
  }

  size(path: string): number {
    const index = this.index(path);
    return index < 0 ? 0 : this.source.table.size(index);
  }

  /** All content of a plain file of at most `limit` bytes. */
  async read(path: string, limit: number): Promise<Content> {
    const index = this.index(path);
    const { table } = this.source;
    if (index < 0) return { lack: "missing", why: "it is not there" };
    if (table.kind(index) !== FILE) return { lack: "missing", why: "it is no plain file" };
    if (table.size(index) > limit) return { tooLarge: table.size(index) };
    const parts: Uint8Array[] = [];
    try {
      for await (const block of this.source.stream(index)) parts.push(block);
    } catch (error) {
      if (error instanceof Damaged) return { lack: "damaged", why: error.message };
      if (error instanceof Unreadable) return { lack: "unreadable", why: error.message };
      throw error;
    }
    return { bytes: parts.length === 1 ? parts[0]!.slice() : concat(...parts) };
  }

  /** Paths below `folder` (empty, or ends with `/`), relative to it, with their kind; in no order. */
  *list(folder = ""): Generator<{ path: string; kind: number; index: number }> {
    const prefix = this.folder + folder;
    const { table } = this.source;
    for (let index = 0; index < table.count; index++) {
      const name = table.name(index);
      if (name.length > prefix.length && name.startsWith(prefix))
        yield { path: name.slice(prefix.length), kind: table.kind(index), index };
    }
  }
}

/** Decimal, zero-padded to 8 digits. */
export const number8 = (n: number | string): string => String(n).padStart(8, "0");

/** The number that a name of 8 digits or more says; null where it is in another form. */
export function fromNumber8(name: string): number | null {
  return /^(?:[0-9]{8}|[1-9][0-9]{8,15})$/.test(name) && Number.isSafeInteger(Number(name)) ? Number(name) : null;
}

/** Where the event of an entry stands. */
export const eventFile = (index: number): string => `custody/${number8(index)}/event.json`;
