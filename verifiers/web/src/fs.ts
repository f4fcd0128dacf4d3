/** `Input` from Node's file system: for the command line and tests. Links are never followed. */

import { type BigIntStats, type Dirent } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink } from "node:fs/promises";
import { constants } from "node:fs";
import type { Bytes, Listed, Stat, Tree } from "./engine/types";

/** Bytes of a name as text; those that are no UTF-8 as U+DC80 to U+DCFF. */
function text(name: Buffer): string {
  const plain = name.toString("utf8");
  if (Buffer.from(plain, "utf8").equals(name)) return plain;
  let out = "";
  for (let at = 0; at < name.length;) {
    const length = [1, 2, 3, 4].find((size) => {
      const part = name.subarray(at, at + size);
      const read = part.toString("utf8");
      return part.length === size && [...read].length === 1 && Buffer.from(read, "utf8").equals(part);
    });
    out += length ? name.subarray(at, at + length).toString("utf8") : String.fromCharCode(0xdc00 + name[at]!);
    at += length ?? 1;
  }
  return out;
}

function kindOf(
  entry: Dirent | { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean },
): Listed["kind"] {
  return entry.isFile() ? "file" : entry.isDirectory() ? "directory" : entry.isSymbolicLink() ? "symlink" : "other";
}

/** Bytes of a name from its text. */
function rawName(path: string): Buffer {
  if (!/[\udc80-\udcff]/.test(path)) return Buffer.from(path, "utf8");
  return Buffer.concat(
    [...path].map((char) =>
      /^[\udc80-\udcff]$/.test(char) ? Buffer.from([char.charCodeAt(0) - 0xdc00]) : Buffer.from(char, "utf8"),
    ),
  );
}

const KINDS: [(stats: BigIntStats) => boolean, string][] = [
  [(stats) => stats.isFile(), "file"],
  [(stats) => stats.isDirectory(), "directory"],
  [(stats) => stats.isSymbolicLink(), "symlink"],
  [(stats) => stats.isFIFO(), "fifo"],
  [(stats) => stats.isSocket(), "socket"],
  [(stats) => stats.isCharacterDevice(), "char_device"],
  [(stats) => stats.isBlockDevice(), "block_device"],
];

async function statOf(path: Buffer): Promise<Stat> {
  const stats = await lstat(path, { bigint: true });
  const kind = KINDS.find(([is]) => is(stats))?.[1] ?? "unknown";
  return {
    kind,
    size: Number(stats.size),
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    mtimeNs: stats.mtimeNs,
    ...(stats.birthtimeNs > 0n ? { btimeNs: stats.birthtimeNs } : {}),
    ...(kind === "symlink" ? { target: new Uint8Array(await readlink(path, { encoding: "buffer" })) } : {}),
    ...(kind === "directory" ? {} : { file: `${stats.dev}/${stats.ino}` }),
  };
}

export async function fileBytes(path: string | Buffer): Promise<Bytes> {
  const handle = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  return handleBytes(handle, (await handle.stat()).size);
}

function handleBytes(handle: FileHandle, size: number): Bytes {
  return {
    size,
    async read(offset, length) {
      const buffer = Buffer.allocUnsafe(Math.max(0, Math.min(length, size - offset)));
      let done = 0;
      while (done < buffer.length) {
        const { bytesRead } = await handle.read(buffer, done, buffer.length - done, offset + done);
        if (!bytesRead) break;
        done += bytesRead;
      }
      return new Uint8Array(buffer.buffer, buffer.byteOffset, done);
    },
    close: () => handle.close(),
  };
}

export function directoryTree(top: string): Tree {
  async function* walk(folder: Buffer, prefix: string): AsyncIterable<Listed> {
    const entries = await readdir(folder, { withFileTypes: true, encoding: "buffer" });
    for (const entry of entries as unknown as (Dirent & { name: Buffer })[]) {
      const path = prefix + text(entry.name);
      const full = Buffer.concat([folder, Buffer.from("/"), entry.name]);
      const kind = kindOf(entry);
      yield { path, kind, size: kind === "file" ? (await lstat(full)).size : 0 };
      if (kind === "directory") yield* walk(full, `${path}/`);
    }
  }
  const below = (path: string): Buffer => Buffer.concat([Buffer.from(path ? `${top}/` : top), rawName(path)]);
  return {
    list: () => walk(Buffer.from(top), ""),
    open: (path) => orNull(() => fileBytes(below(path))),
    stat: (path) => orNull(() => statOf(below(path))),
  };
}

/** What `look` gives; null where there is no such name. */
async function orNull<T>(look: () => Promise<T>): Promise<T | null> {
  try {
    return await look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ELOOP" || code === "ENOTDIR") return null;
    throw error;
  }
}
