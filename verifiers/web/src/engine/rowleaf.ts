/** Leaf hashes of rows (manifest.md 1 and 8): over the commitments to their groups. */

import { concat, toHex, utf8 } from "./bytes";
import { commitment, type GroupName } from "./groups";
import { sha512 } from "./hash";
import { leafHash } from "./merkle";

export const FACT_GROUPS = ["name", "content", "metadata"] as const;
export type Facts<Form> = Record<(typeof FACT_GROUPS)[number], Form>;

/** Salts of a row's groups, in their order: `name`, `content`, `metadata`; of an opinion the first alone. */
function groupSalts(rowSalt: Uint8Array): Uint8Array[] {
  const all = sha512(concat(utf8("evidencekit/salts/1\0"), rowSalt));
  return [0, 16, 32].map((at) => all.subarray(at, at + 16));
}

export const commit = (group: GroupName, salt: Uint8Array, bytes: Uint8Array): string =>
  toHex(commitment(group, salt, bytes));

/** Leaf hash of a row of facts by its commitments, in hex. */
export function factLeaf({ name, content, metadata }: Facts<string>, kind: string): Uint8Array {
  const commitments = `"content":"${content}","kind":${JSON.stringify(kind)},"metadata":"${metadata}","name":"${name}"`;
  return leafHash(utf8(`{"_t":"evidencekit/row/1",${commitments}}`));
}

/** The same by its groups and the row's salt. */
export function factHash(groups: Facts<Uint8Array>, rowSalt: Uint8Array, kind: string): Uint8Array {
  const salts = groupSalts(rowSalt);
  const [name, content, metadata] = FACT_GROUPS.map((group, i) => commit(group, salts[i]!, groups[group]));
  return factLeaf({ name: name!, content: content!, metadata: metadata! }, kind);
}

/** Leaf hash of an opinion by its commitment, in hex. */
export function opinionLeaf(commitment: string, baseIndex: number, baseRoot: string): Uint8Array {
  const about = `"base_index":"${baseIndex}","base_root":"${baseRoot}"`;
  return leafHash(utf8(`{"_t":"evidencekit/derived-row/1",${about},"opinion":"${commitment}"}`));
}

/** The same by the opinion and the row's salt. */
export const opinionHash = (
  opinion: Uint8Array,
  rowSalt: Uint8Array,
  baseIndex: number,
  baseRoot: string,
): Uint8Array => opinionLeaf(commit("opinion", groupSalts(rowSalt)[0]!, opinion), baseIndex, baseRoot);
