/** Strict DER, as far as certificates and time-stamps need it: definite, minimal lengths; no tag numbers above 30. */

import { toBigInt } from "./bytes";

/** Thrown by this module alone, caught by `readX509` and `readToken`. */
export class BadDer extends Error {}

export interface Node {
  /** The identifier byte. */
  tag: number;
  content: Uint8Array;
  /** With tag and length. */
  whole: Uint8Array;
}

export const SEQUENCE = 0x30;
export const SET = 0x31;
export const INTEGER = 0x02;
export const BIT_STRING = 0x03;
export const OCTET_STRING = 0x04;
export const OID = 0x06;
export const BOOLEAN = 0x01;

export function readAll(bytes: Uint8Array): Node[] {
  const nodes: Node[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = bytes[at]!;
    if ((tag & 0x1f) === 0x1f) throw new BadDer("tag");
    let length = bytes[at + 1];
    let head = 2;
    if (length === undefined) throw new BadDer("cut");
    if (length & 0x80) {
      const size = length & 0x7f;
      if (size < 1 || size > 4 || at + 2 + size > bytes.length) throw new BadDer("length");
      length = Number(toBigInt(bytes.subarray(at + 2, at + 2 + size)));
      head += size;
      if (length < 0x80 || bytes[at + 2] === 0) throw new BadDer("length");
    }
    const end = at + head + length;
    if (end > bytes.length) throw new BadDer("cut");
    nodes.push({ tag, content: bytes.subarray(at + head, end), whole: bytes.subarray(at, end) });
    at = end;
  }
  return nodes;
}

export function one(bytes: Uint8Array, tag: number): Node {
  const nodes = readAll(bytes);
  if (nodes.length !== 1 || nodes[0]!.tag !== tag) throw new BadDer("one expected");
  return nodes[0]!;
}

export function expect(node: Node | undefined, tag: number): Node {
  if (node?.tag !== tag) throw new BadDer(`tag ${tag}`);
  return node;
}

export const children = (node: Node | undefined, tag: number): Node[] => readAll(expect(node, tag).content);

/** Takes nodes one after the other; optional ones by their tag. */
export class Walk {
  private at = 0;
  constructor(private readonly nodes: Node[]) {}
  next(tag?: number): Node {
    const node = this.nodes[this.at++];
    if (!node || (tag !== undefined && node.tag !== tag)) throw new BadDer("member");
    return node;
  }
  maybe(tag: number): Node | null {
    return this.nodes[this.at]?.tag === tag ? this.nodes[this.at++]! : null;
  }
  end(): void {
    if (this.at !== this.nodes.length) throw new BadDer("more members");
  }
}

export function integer(node: Node): bigint {
  const { content } = expect(node, INTEGER);
  if (!content.length || (content.length > 1 && ((content[0] === 0 && content[1]! < 0x80) || (content[0] === 0xff && content[1]! >= 0x80)))) {
    throw new BadDer("integer");
  }
  const value = toBigInt(content);
  return content[0]! & 0x80 ? value - (1n << BigInt(8 * content.length)) : value;
}

export function oid(node: Node | undefined): string {
  const { content } = expect(node, OID);
  if (!content.length || content.at(-1)! & 0x80) throw new BadDer("oid");
  const parts: bigint[] = [];
  let value = 0n;
  let fresh = true;
  for (const byte of content) {
    if (fresh && byte === 0x80) throw new BadDer("oid");
    value = (value << 7n) | BigInt(byte & 0x7f);
    fresh = !(byte & 0x80);
    if (fresh) {
      parts.push(value);
      value = 0n;
    }
  }
  const first = parts[0]! < 80n ? [parts[0]! / 40n, parts[0]! % 40n] : [2n, parts[0]! - 80n];
  return [...first, ...parts.slice(1)].join(".");
}

/** Bytes of a bit string without unused bits. */
export function bits(node: Node): Uint8Array {
  const { content } = expect(node, BIT_STRING);
  if (content[0] !== 0) throw new BadDer("bits");
  return content.subarray(1);
}

export function bool(node: Node): boolean {
  const { content } = expect(node, BOOLEAN);
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new BadDer("boolean");
  return content[0] === 0xff;
}

/** Microseconds since 1970 of a UTCTime or GeneralizedTime in DER; fractions only where `fraction`. */
export function time(node: Node, fraction = false): bigint {
  const text = String.fromCharCode(...node.content);
  const match = 
    node.tag === 0x17
      ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)()Z$/.exec(text)
      : node.tag === 0x18
        ? /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,6}))?Z$/.exec(text)
        : null;
  if (!match || (match[7] && (!fraction || match[7].endsWith("0")))) throw new BadDer("time");
  const [raw, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [number, number, number, number, number, number];
  const year = node.tag === 0x17 ? raw + (raw < 50 ? 2000 : 1900) : raw;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) throw new BadDer("time");
  return BigInt(date.getTime()) * 1000n + BigInt((match[7] ?? "").padEnd(6, "0"));
}
