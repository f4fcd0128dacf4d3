/** The columns of a row that are there for reading: each says what the row's groups say (manifest.md). */

import { equal, toHex } from "./bytes";
import { nameBytes } from "./forms";
import { isObj, type Json, type Obj } from "./json";
import type { Row } from "./parquet";

const I64 = 1n << 63n;

/** `differs` is told each column that says something else than the groups. */
export function judgeView(
  row: Row,
  { name, content, metadata }: Record<string, Obj>,
  differs: (column: string) => void,
): void {
  if (!equal(row["path"] as Uint8Array, nameBytes(name!, "path")!)) differs("path");
  const size = content!["size"];
  const int = (value: unknown): bigint | null =>
    value === null || value === undefined ? null : BigInt(value as bigint);
  const wanted = typeof size === "string" && BigInt(size) < I64 ? BigInt(size) : null;
  if (int(row["size"]) !== wanted) differs("size");
  if (row["state"] !== content!["state"]) differs("state");
  const digest = content!["sha256"];
  const column = row["sha256"] as Uint8Array | null | undefined;
  if (typeof digest === "string" ? !column || toHex(column) !== digest : column !== null && column !== undefined)
    differs("sha256");
  const mtime = metadata!["mtime_ns"];
  const time = typeof mtime === "string" && BigInt(mtime) < I64 && BigInt(mtime) >= -I64 ? BigInt(mtime) : null;
  if (int(row["mtime_ns"]) !== time) differs("mtime_ns");
}

/** Values of a group that stand in `objects/`. */
export function largeValues(value: Json): { sha256: string; bytes: bigint }[] {
  if (Array.isArray(value)) return value.flatMap(largeValues);
  if (!isObj(value)) return [];
  const { sha256, bytes, count } = value;
  if (typeof sha256 === "string" && typeof bytes === "string" && typeof count === "string")
    return [{ sha256, bytes: BigInt(bytes) }];
  return Object.values(value).flatMap(largeValues);
}
