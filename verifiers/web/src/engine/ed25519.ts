/**
 * Ed25519, strictly (checkpoint.md 5): canonical encodings, points of the prime-order subgroup but the neutral one, S <
 * L.
 */

import { ed25519 } from "@noble/curves/ed25519";
import { concat, toBigInt } from "./bytes";
import { sha512 } from "./hash";

type Point = InstanceType<typeof ed25519.Point>;
const { Point } = ed25519;
const L = Point.Fn.ORDER;
const known = new Map<string, Point | null>();

function decode(bytes: Uint8Array): Point | null {
  if (bytes.length !== 32) return null;
  try {
    const point = Point.fromBytes(bytes, false); // strict: y < p
    return !point.is0() && point.isTorsionFree() ? point : null;
  } catch {
    return null;
  }
}

function keyPoint(key: Uint8Array): Point | null {
  const name = key.join();
  let point = known.get(name);
  if (point === undefined) {
    point = decode(key);
    if (known.size < 1000) known.set(name, point);
  }
  return point;
}

export const goodKey = (key: Uint8Array): boolean => keyPoint(key) !== null;

const littleEndian = (bytes: Uint8Array): bigint => toBigInt(Uint8Array.from(bytes).reverse());

export function verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const a = keyPoint(key);
  const r = decode(signature.subarray(0, 32));
  const s = littleEndian(signature.subarray(32));
  if (!a || !r || s >= L) return false;
  const k = littleEndian(sha512(concat(signature.subarray(0, 32), key, message))) % L;
  return times(Point.BASE, s).equals(r.add(times(a, k)));
}

const times = (point: Point, scalar: bigint): Point => (scalar === 0n ? Point.ZERO : point.multiplyUnsafe(scalar));
