/**
 * DER by the schemas of @peculiar/asn1-*. asn1js reads BER, so what it read counts only where its lengths and integers
 * are minimal
 * and where writing it again gives the same bytes.
 */

import { AsnConvert, AsnParser } from "@peculiar/asn1-schema";
import { type AsnType, Constructed, fromBER, Integer, Set as SetOf } from "asn1js";
import { compareBytes, equal, toBigInt } from "./bytes";

/** Thrown by this module, and by those that read what it gives; caught by `readX509` and `readToken`. */
export class BadDer extends Error {}

const BOUNDS = { maxDepth: 32, maxNodes: 10_000, parseEmbedded: false, copyInput: false };

/** The value that `bytes` are the DER of. Raises `BadDer`. */
export function decode<T>(bytes: ArrayBuffer | Uint8Array, type: new () => T): T {
  const view = bytesOf(bytes);
  try {
    const { offset, result } = fromBER(view, BOUNDS);
    if (offset === view.length && isMinimal(result)) {
      const value = AsnParser.fromASN(result, type) as T;
      if (equal(encode(value), view)) return value;
    }
  } catch {
    // asn1js has no error of its own
  }
  throw new BadDer(type.name);
}

export const encode = (value: unknown): Uint8Array => new Uint8Array(AsnConvert.serialize(value));

/**
 * Definite lengths in as few bytes as there can be, integers too, and sets in their order, also where a schema says
 * "any".
 */
function isMinimal(node: AsnType): boolean {
  const { isIndefiniteForm, length, blockLength } = node.lenBlock;
  const long = length < 0x80 ? 0 : Math.ceil(length.toString(16).length / 2);
  if (isIndefiniteForm || blockLength !== 1 + long) return false;
  if (node instanceof Constructed) {
    const children = node.valueBlock.value as AsnType[];
    return (
      children.every(isMinimal) &&
      (!(node instanceof SetOf) || isInOrder(children.map((child) => child.valueBeforeDecodeView)))
    );
  }
  if (!(node instanceof Integer)) return true;
  const [first, second] = node.valueBlock.valueHexView;
  return (
    first !== undefined &&
    (second === undefined || !((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80)))
  );
}

/** The order that DER demands of a SET OF. */
export const isInOrder = (members: Uint8Array[]): boolean =>
  members.every((member, i) => i === 0 || compareBytes(members[i - 1]!, member) <= 0);

export const bytesOf = (source: ArrayBuffer | Uint8Array): Uint8Array =>
  source instanceof Uint8Array ? source : new Uint8Array(source);

/** An integer that a schema leaves as bytes. */
export function integer(source: ArrayBuffer): bigint {
  const bytes = bytesOf(source);
  const value = toBigInt(bytes);
  return bytes[0]! & 0x80 ? value - (1n << BigInt(8 * bytes.length)) : value;
}
