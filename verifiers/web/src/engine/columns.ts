/** Columns of catalogues (manifest.md), and what more than one check asks of their rows. */

import { readGroup } from "./groups";
import type { Obj } from "./json";
import type { Column } from "./parquet";
import type { Event } from "./records";

export const FACTS: readonly Column[] = [
  ["index", "INT64", null, false, false],
  ["row_salt", "FIXED_LEN_BYTE_ARRAY", 16, false, false],
  ["name", "BYTE_ARRAY", null, false, false],
  ["content", "BYTE_ARRAY", null, false, false],
  ["metadata", "BYTE_ARRAY", null, false, false],
  ["kind", "BYTE_ARRAY", null, false, true],
  ["path", "BYTE_ARRAY", null, false, false],
  ["size", "INT64", null, true, false],
  ["state", "BYTE_ARRAY", null, false, true],
  ["sha256", "BYTE_ARRAY", null, true, false],
  ["mtime_ns", "INT64", null, true, false],
];
const derivedColumns = (view: string): readonly Column[] => [
  ["index", "INT64", null, false, false],
  ["row_salt", "FIXED_LEN_BYTE_ARRAY", 16, false, false],
  ["base_index", "INT64", null, false, false],
  ["opinion", "BYTE_ARRAY", null, false, false],
  [view, "BYTE_ARRAY", null, true, true],
];
/** Columns of a reduced form (manifest.md 10): of each group commitment, salt, bytes. */
const reducedColumns = (about: Column, groups: readonly string[]): readonly Column[] => [
  ["index", "INT64", null, false, false],
  about,
  ...groups.map((name): Column => [`${name}_commitment`, "FIXED_LEN_BYTE_ARRAY", 32, false, false]),
  ...groups.map((name): Column => [`${name}_salt`, "FIXED_LEN_BYTE_ARRAY", 16, true, false]),
  ...groups.map((name): Column => [name, "BYTE_ARRAY", null, true, false]),
];
export const REDUCED = reducedColumns(["kind", "BYTE_ARRAY", null, false, true], ["name", "content", "metadata"]);
const REDUCED_DERIVED = reducedColumns(["base_index", "INT64", null, false, false], ["opinion"]);

/** The columns that a file of this format has to have, by the event that names it; null where it is another format. */
export function columnsOf(format: string, { type, body }: Event, reduced: boolean): readonly Column[] | null {
  if (type === "seal") {
    if (format !== (reduced ? "evidencekit/reduced-manifest/1" : "evidencekit/manifest/1")) return null;
    return reduced ? REDUCED : FACTS;
  }
  if (format !== (reduced ? "evidencekit/reduced-derived/1" : "evidencekit/derived/1")) return null;
  return reduced ? REDUCED_DERIVED : derivedColumns(body["kind"] === "match" ? "result" : "media_type");
}

export const asNumber = (value: unknown): number => Number(value as bigint);

/** A row's group `name`; null where it cannot be read. */
export function readName(bytes: Uint8Array): Obj | null {
  const read = readGroup(bytes, "name");
  return "value" in read ? read.value : null;
}
