/** `Input` from what a browser gives: files that were dropped or chosen. */

import type { Bytes, Listed, Tree } from "./types";

export function blobBytes(blob: Blob): Bytes {
  return {
    size: blob.size,
    async read(offset, length) {
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
}

/**
 * A folder from files with their paths below its top. Folders without files are unknown to a browser's list; pass them
 * as `folders`.
 */
export function blobTree(files: Iterable<{ path: string; blob: Blob }>, folders: Iterable<string> = []): Tree {
  const known = new Map<string, Blob>();
  for (const { path, blob } of files) known.set(path, blob);
  const empty = [...folders];
  return {
    async *list(): AsyncIterable<Listed> {
      for (const path of empty) yield { path, kind: "directory", size: 0 };
      for (const [path, blob] of known) yield { path, kind: "file", size: blob.size };
    },
    async open(path) {
      const blob = known.get(path);
      return blob === undefined ? null : blobBytes(blob);
    },
  };
}
