/**
 * Rows of reduced catalogues (manifest.md 10): of a group that was erased the commitment stays, of any other all three
 * stand.
 */

import { equal, fromHex, toHex } from "./bytes";
import type { GroupName } from "./groups";
import type { Row } from "./parquet";
import { commit } from "./rowleaf";
import type { Salts } from "./salts";

export interface ReducedGroups<Name extends GroupName> {
  /** Null where the group was erased. */
  bytes: Record<Name, Uint8Array | null>;
  /** In hex: computed where the group stands, else as they stand. */
  commitments: Record<Name, string>;
  isErased: boolean;
  faults: { code: string; said: string }[];
}

/** The groups `names` of a row; each is judged by itself (E113), and its salt told from those before (E111). */
export function reducedGroups<Name extends GroupName>(
  row: Row,
  names: readonly Name[],
  salts: Record<Name, Salts>,
): ReducedGroups<Name> {
  const found = { bytes: {}, commitments: {}, isErased: false, faults: [] } as unknown as ReducedGroups<Name>;
  for (const name of names) {
    const bytes = (row[name] as Uint8Array | null | undefined) ?? null;
    const salt = (row[`${name}_salt`] as Uint8Array | null | undefined) ?? null;
    const stated = row[`${name}_commitment`] as Uint8Array;
    if (salt && !salts[name].isNew(salt)) found.faults.push({ code: "E111", said: `${name}: a salt of another row` });
    found.bytes[name] = bytes && salt ? bytes : null;
    found.commitments[name] = bytes && salt ? commit(name, salt, bytes) : toHex(stated);
    if (!bytes || !salt) {
      found.isErased = true;
      if (bytes || salt) found.faults.push({ code: "E113", said: `${name}: ${bytes ? "no salt" : "a salt alone"}` });
      continue;
    }
    if (!equal(stated, fromHex(found.commitments[name])!)) {
      found.faults.push({ code: "E113", said: `${name}: another commitment` });
    }
  }
  return found;
}
