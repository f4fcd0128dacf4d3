/** Rows of sealed catalogues as opinions about them need them: one byte each. */

import { hasName, nameBytes } from "./forms";
import type { Obj } from "./json";

/** Of base rows, by index, for opinions about them; 0 where there is none. */
export const BAD = 1;
export const OTHER_ROW = 2;
export const READ = 3;
export const READ_STREAM = 4;
export const READ_NOT_TYPED = 5;

export interface Base {
  flags: Uint8Array;
  root: string;
  manifest: string;
  digests: string[];
}

export function flagOf(kind: string, { name, content }: Record<string, Obj>): number {
  const root = nameBytes(name!, "path")!.length === 0;
  if (kind !== "file" && !(kind === "block_device" && root)) return OTHER_ROW;
  const typed = kind === "file" && ["complete", "changed", "partial"].includes(String(content!["state"]));
  return hasName(name!, "stream") ? (typed ? READ_STREAM : OTHER_ROW) : typed ? READ : READ_NOT_TYPED;
}
