/**
 * RSA signatures, RFC 8017: big integers, since WebCrypto limits exponents and moduli that custody-log.md 1.3 allows.
 */

import { concat, equal, fromHex, toBigInt } from "./bytes";
import { sha256, sha384, sha512 } from "./hash";

export type HashName = "sha256" | "sha384" | "sha512";
export const HASHES: Record<HashName, (bytes: Uint8Array) => Uint8Array> = {
  sha256,
  sha384: (bytes) => sha384(bytes),
  sha512,
};

const DIGEST_INFO: Record<HashName, Uint8Array> = {
  sha256: fromHex("3031300d060960864801650304020105000420")!,
  sha384: fromHex("3041300d060960864801650304020205000430")!,
  sha512: fromHex("3051300d060960864801650304020305000440")!,
};

export interface RsaKey {
  n: bigint;
  e: bigint;
}

export const bitLength = (n: bigint): number => n.toString(2).length;

/** Odd modulus of 2,048 (or `least`) to 16,384 bits, odd exponent from 3 of at most 64 bits. */
export function goodRsa({ n, e }: RsaKey, least = 3072): boolean {
  const bits = bitLength(n);
  return bits >= least && bits <= 16384 && (n & 1n) === 1n && (e & 1n) === 1n && e >= 3n && e < 1n << 64n;
}

function recover(key: RsaKey, signature: Uint8Array): Uint8Array | null {
  const size = Math.ceil(bitLength(key.n) / 8);
  const s = toBigInt(signature);
  if (signature.length !== size || s >= key.n) return null;
  let result = 1n;
  let base = s;
  for (let e = key.e; e; e >>= 1n) {
    if (e & 1n) result = (result * base) % key.n;
    base = (base * base) % key.n;
  }
  return fromHex(result.toString(16).padStart(2 * size, "0"));
}

export function verifyPkcs1(key: RsaKey, hash: HashName, message: Uint8Array, signature: Uint8Array): boolean {
  const em = recover(key, signature);
  const tail = concat(DIGEST_INFO[hash], HASHES[hash](message));
  if (!em || em.length < tail.length + 11) return false;
  const padding = new Uint8Array(em.length - tail.length - 3).fill(0xff);
  return equal(em, concat(new Uint8Array([0, 1]), padding, new Uint8Array([0]), tail));
}

/** RSASSA-PSS with MGF1 by the same hash. */
export function verifyPss(
  key: RsaKey,
  hash: HashName,
  saltLength: number,
  message: Uint8Array,
  signature: Uint8Array,
): boolean {
  const whole = recover(key, signature);
  if (!whole) return false;
  const emBits = bitLength(key.n) - 1;
  const emLength = Math.ceil(emBits / 8);
  if (whole.length > emLength && whole[0] !== 0) return false;
  const em = whole.subarray(whole.length - emLength);
  const digest = HASHES[hash](message);
  const dbLength = emLength - digest.length - 1;
  if (dbLength < saltLength + 1 || em.at(-1) !== 0xbc) return false;
  const h = em.subarray(dbLength, dbLength + digest.length);
  const mask = mgf1(hash, h, dbLength);
  const db = em.slice(0, dbLength).map((byte, i) => byte ^ mask[i]!);
  const spare = 8 * emLength - emBits;
  if (em[0]! >> (8 - spare) && spare) return false;
  db[0]! &= 0xff >> spare;
  const zeros = dbLength - saltLength - 1;
  if (db.subarray(0, zeros).some((byte) => byte !== 0) || db[zeros] !== 1) return false;
  return equal(h, HASHES[hash](concat(new Uint8Array(8), digest, db.subarray(zeros + 1))));
}

function mgf1(hash: HashName, seed: Uint8Array, length: number): Uint8Array {
  const out: Uint8Array[] = [];
  for (let i = 0, size = 0; size < length; i++) {
    const block = HASHES[hash](concat(seed, new Uint8Array([i >> 24, i >> 16, i >> 8, i])));
    out.push(block);
    size += block.length;
  }
  return concat(...out).subarray(0, length);
}
