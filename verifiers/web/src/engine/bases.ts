/**
 * Rows of sealed catalogues as later steps need them: one byte each for opinions, a leaf hash each for lists of parts.
 */

import { hasName, nameBytes } from "./forms";
import type { Obj } from "./json";

/** Marks of a base row, by index; none where nothing is about it, or there is no such row. */
export const TYPED = 1;
/** A list of digests can be about it. */
export const LISTED = 2;
/** It has digests of all its content. */
export const PLAIN = 4;
/** Its groups are not in order. */
export const BAD = 8;
/** Its name or its content was erased. */
export const ERASED = 16;

export interface Base {
  marks: Uint8Array;
  root: string;
  manifest: string;
  /** The file that stands for it. */
  where: string;
  reduced: boolean;
  digests: string[];
  /** Leaf hashes by index, where some list of rows names this root. */
  leaves: Uint8Array | null;
  /** By index: 1 where a row has it. */
  taken: Uint8Array;
}

export function marksOf(kind: string, { name, content }: Record<string, Obj>): number {
  const isSource = nameBytes(name!, "path")!.length === 0;
  if (kind !== "file" && !(kind === "block_device" && isSource)) return 0;
  const typed = kind === "file" && ["complete", "changed", "partial"].includes(String(content!["state"]));
  const listed = !hasName(name!, "stream");
  return (typed ? TYPED : 0) | (listed ? LISTED : 0) | (content!["sha256"] === null ? 0 : PLAIN);
}
