/**
 * Digests. Small content and trees: WebAssembly, at once; up to 32 MiB: WebCrypto; larger: WebAssembly, block by block.
 * Where WebAssembly or WebCrypto is forbidden, @noble/hashes does it, slower.
 */

import { blake3 as nobleBlake3 } from "@noble/hashes/blake3";
import { md5, sha1 } from "@noble/hashes/legacy";
import { sha256 as noble256, sha384, sha512 as noble512 } from "@noble/hashes/sha2";
import { sha3_256 } from "@noble/hashes/sha3";
import { createBLAKE3, createSHA256, createSHA512, type IHasher } from "hash-wasm";

export { sha384 };

/** Content up to this many bytes is hashed at once. */
export const AT_ONCE = 32 * 1024 * 1024;
const TINY = 16 * 1024;

export interface Hasher {
  update(bytes: Uint8Array): void;
  digest(): Uint8Array;
}

let wasm256: IHasher | null = null;
let wasm512: IHasher | null = null;
let wasm = true;

/** To be awaited once before anything is hashed. */
export async function ready(): Promise<void> {
  if (wasm256 || !wasm) return;
  try {
    [wasm256, wasm512] = await Promise.all([createSHA256(), createSHA512()]);
  } catch {
    wasm = false;
  }
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return wasm256 ? wasm256.init().update(bytes).digest("binary") : noble256(bytes);
}

export function sha512(bytes: Uint8Array): Uint8Array {
  return wasm512 ? wasm512.init().update(bytes).digest("binary") : noble512(bytes);
}

export type Algorithm = "sha256" | "sha512" | "blake3" | "md5" | "sha1" | "sha3_256";

export async function hasher(algorithm: Algorithm): Promise<Hasher> {
  if (wasm && (algorithm === "sha256" || algorithm === "sha512" || algorithm === "blake3")) {
    const make = { sha256: createSHA256, sha512: createSHA512, blake3: createBLAKE3 }[algorithm];
    const inner = (await make()).init();
    return { update: (bytes) => void inner.update(bytes), digest: () => inner.digest("binary") };
  }
  const inner = { sha256: noble256, sha512: noble512, blake3: nobleBlake3, md5, sha1, sha3_256 }[algorithm].create();
  return { update: (bytes) => void inner.update(bytes), digest: () => inner.digest() };
}

/** Digest of content of at most AT_ONCE bytes that is all there. */
export async function digestOf(algorithm: Algorithm, bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = { sha256: "SHA-256", sha512: "SHA-512" }[algorithm as string];
  if (bytes.length > TINY && subtle && globalThis.crypto?.subtle) {
    return new Uint8Array(await globalThis.crypto.subtle.digest(subtle, bytes as Uint8Array<ArrayBuffer>));
  }
  if (algorithm === "sha256") return sha256(bytes);
  if (algorithm === "sha512") return sha512(bytes);
  const one = await hasher(algorithm);
  one.update(bytes);
  return one.digest();
}
