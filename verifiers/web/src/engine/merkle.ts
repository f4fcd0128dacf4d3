/** RFC 6962 / RFC 9162 trees with SHA-256 (checkpoint.md 1). Nothing here reads files. */

import { concat, equal } from "./bytes";
import { sha256 } from "./hash";

const LEAF = new Uint8Array([0]);
const NODE = new Uint8Array([1]);

export const leafHash = (leaf: Uint8Array): Uint8Array => sha256(concat(LEAF, leaf));
export const nodeHash = (left: Uint8Array, right: Uint8Array): Uint8Array => sha256(concat(NODE, left, right));
export const emptyRoot = (): Uint8Array => sha256(new Uint8Array(0));

/** The root over leaf hashes that come one by one, in memory for the logarithm of their number. */
export class Tree {
  private readonly peaks: { height: number; hash: Uint8Array }[] = [];
  size = 0;

  add(leaf: Uint8Array): void {
    let node = { height: 0, hash: leaf };
    for (;;) {
      const top = this.peaks.at(-1);
      if (!top || top.height !== node.height) break;
      this.peaks.pop();
      node = { height: node.height + 1, hash: nodeHash(top.hash, node.hash) };
    }
    this.peaks.push(node);
    this.size++;
  }

  root(): Uint8Array {
    if (!this.peaks.length) return emptyRoot();
    let hash = this.peaks.at(-1)!.hash;
    for (let i = this.peaks.length - 2; i >= 0; i--) hash = nodeHash(this.peaks[i]!.hash, hash);
    return hash;
  }
}

/** Does `proof` lead from the leaf at `index` to `root` in a tree of `size` leaves? RFC 9162, 2.1.3.2. */
export function included(
  index: bigint,
  size: bigint,
  leaf: Uint8Array,
  proof: Uint8Array[],
  root: Uint8Array,
): boolean {
  if (index >= size || proof.length > 63) return false;
  let fn = index;
  let sn = size - 1n;
  let hash = leaf;
  for (const step of proof) {
    if (step.length !== 32 || sn === 0n) return false;
    if (fn & 1n || fn === sn) {
      hash = nodeHash(step, hash);
      while (!(fn & 1n) && fn !== 0n) {
        fn >>= 1n;
        sn >>= 1n;
      }
    } else {
      hash = nodeHash(hash, step);
    }
    fn >>= 1n;
    sn >>= 1n;
  }
  return sn === 0n && equal(hash, root);
}
