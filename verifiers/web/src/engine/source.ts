/** What is verified, opened: a table of names, and the content of each, whatever it came in. */

import { FILE, FOLDER, LINK, OTHER, Table } from "./table";
import type { Bytes, PackageFacts, Tree } from "./types";

export const BLOCK = 1024 * 1024;

/** Content that is not what its container says (E157). */
export class Damaged extends Error {}
/** Content that the medium does not give. */
export class Unreadable extends Error {}

const unreadable = (error: unknown): Error =>
  error instanceof Damaged ? error : new Unreadable(error instanceof Error ? error.message : String(error));

export interface Source {
  readonly container: PackageFacts["container"];
  readonly table: Table;
  /** Paths that cannot stand in the table: their bytes are no UTF-8. */
  readonly odd: string[];
  /** The content of a plain file, block by block. Throws `Damaged` or `Unreadable`. */
  stream(index: number): AsyncIterable<Uint8Array>;
  /** Random access; null where the container does not give it (deflated). */
  access(index: number): Promise<Bytes | null>;
}

/** `bytes` behind a window that is read ahead: neighbours cost one read. Errors of the medium are `Unreadable`. */
export function buffered(bytes: Bytes, window = 4 * BLOCK): Bytes {
  let start = 0;
  let held: Uint8Array = new Uint8Array(0);
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    try {
      return await bytes.read(offset, length);
    } catch (error) {
      throw unreadable(error);
    }
  };
  return {
    size: bytes.size,
    async read(offset, length) {
      const size = Math.max(0, Math.min(length, bytes.size - offset));
      if (offset >= start && offset + size <= start + held.length)
        return held.subarray(offset - start, offset - start + size);
      if (size >= window) return read(offset, size);
      held = await read(offset, Math.min(window, bytes.size - offset));
      start = offset;
      return held.subarray(0, size);
    },
    close: async () => bytes.close?.(),
  };
}

export async function* blocks(bytes: Bytes, offset: number, length: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < length; at += BLOCK) {
    const block = await bytes.read(offset + at, Math.min(BLOCK, length - at));
    if (block.length === 0) throw new Unreadable("it became shorter while it was read");
    yield block;
    if (block.length < Math.min(BLOCK, length - at)) throw new Unreadable("it became shorter while it was read");
  }
}

/** A folder. Parents that the list leaves out (a browser's does) are put in. */
export async function openFolder(tree: Tree, onFile: (count: number) => Promise<void>): Promise<Source> {
  const table = new Table();
  const odd: string[] = [];
  const kinds = { file: FILE, directory: FOLDER, symlink: LINK, other: OTHER };
  for await (const { path, kind, size } of tree.list()) {
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(path)) {
      if (odd.length < 1000) odd.push(path);
      continue;
    }
    if (table.add(path, kinds[kind], size) < 0) continue;
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      if (table.add(path.slice(0, end), FOLDER, 0) < 0) break;
    }
    if (table.count % 1024 === 0) await onFile(table.count);
  }
  const access = async (index: number): Promise<Bytes | null> => {
    let bytes: Bytes | null;
    try {
      bytes = await tree.open(table.name(index));
    } catch (error) {
      throw unreadable(error);
    }
    return bytes && guarded(bytes);
  };
  return {
    container: "folder",
    table,
    odd,
    access,
    async *stream(index) {
      const bytes = await access(index);
      if (!bytes) throw new Unreadable("it is gone");
      try {
        yield* blocks(bytes, 0, bytes.size);
      } finally {
        await bytes.close?.();
      }
    },
  };
}

function guarded(bytes: Bytes): Bytes {
  return {
    size: bytes.size,
    async read(offset, length) {
      try {
        return await bytes.read(offset, length);
      } catch (error) {
        throw unreadable(error);
      }
    },
    close: async () => bytes.close?.(),
  };
}
