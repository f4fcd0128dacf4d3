/** C2SP tlog-tiles: where tiles lie, and the entries of a bundle. Reads no files. */

export const FULL = 256;

/** `tile/LEVEL/N`, N in groups of three digits, all but the last with an `x`; a partial one by its width. */
export function tilePath(level: string, number: number, width: number): string {
  const groups: string[] = [];
  let rest = number;
  do {
    const group = String(rest % 1000).padStart(3, "0");
    groups.unshift(groups.length ? `x${group}` : group);
    rest = Math.floor(rest / 1000);
  } while (rest > 0);
  return `tile/${level}/${groups.join("/")}${width < FULL ? `.p/${width}` : ""}`;
}

/**
 * Entries of a bundle, each after its length in two bytes; null where there are not just so many, or more where it is
 * wider.
 */
export function readBundle(bytes: Uint8Array, width: number, isWider: boolean): Uint8Array[] | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Uint8Array[] = [];
  let at = 0;
  while (entries.length < width) {
    if (at + 2 > bytes.length) return null;
    const end = at + 2 + view.getUint16(at);
    if (end > bytes.length) return null;
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return isWider || at === bytes.length ? entries : null;
}
