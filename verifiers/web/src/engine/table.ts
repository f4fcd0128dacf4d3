/**
 * Names of files and what is known of each, in about 75 bytes a file: names lie one after the other, a hash finds them.
 */

import { fromUtf8, utf8 } from "./bytes";

export const FILE = 1;
export const FOLDER = 2;
export const LINK = 3;
export const OTHER = 4;
/** The content was looked at, and is not what the container says. */
export const DAMAGED = 0x10;
/** Some record names it. */
export const NAMED = 0x20;
/** A row names it as its payload. */
export const CLAIMED = 0x40;
export const KIND = 0x0f;

function grown<T extends Uint8Array | Uint32Array | Float64Array>(array: T, least: number): T {
  if (least <= array.length) return array;
  const make = array.constructor as new (size: number) => T;
  const out = new make(Math.max(least, 2 * array.length));
  out.set(array as never);
  return out;
}

export class Table {
  count = 0;
  private text = new Uint8Array(1 << 16);
  private ends = new Float64Array(1 << 10);
  private sizes = new Float64Array(1 << 10);
  private places = new Float64Array(1 << 10);
  private marks = new Uint8Array(1 << 10);
  private slots = new Uint32Array(1 << 11);
  private digests: Uint8Array | null = null;

  /** The index of a new name, or -1 where it is there already. */
  add(name: string, mark: number, size: number, place = 0): number {
    const bytes = utf8(name);
    if (2 * (this.count + 1) > this.slots.length) this.rehash();
    let slot = this.hash(bytes);
    while (this.slots[slot]) {
      if (this.isName(this.slots[slot]! - 1, bytes)) return -1;
      slot = (slot + 1) & (this.slots.length - 1);
    }
    const index = this.count++;
    const start = this.start(index);
    this.text = grown(this.text, start + bytes.length);
    this.text.set(bytes, start);
    this.ends = grown(this.ends, this.count);
    this.sizes = grown(this.sizes, this.count);
    this.places = grown(this.places, this.count);
    this.marks = grown(this.marks, this.count);
    this.ends[index] = start + bytes.length;
    this.sizes[index] = size;
    this.places[index] = place;
    this.marks[index] = mark;
    this.slots[slot] = index + 1;
    return index;
  }

  find(name: string): number {
    const bytes = utf8(name);
    let slot = this.hash(bytes);
    while (this.slots[slot]) {
      const index = this.slots[slot]! - 1;
      if (this.isName(index, bytes)) return index;
      slot = (slot + 1) & (this.slots.length - 1);
    }
    return -1;
  }

  name = (index: number): string => fromUtf8(this.text.subarray(this.start(index), this.ends[index]!)) ?? "";
  size = (index: number): number => this.sizes[index]!;
  place = (index: number): number => this.places[index]!;
  kind = (index: number): number => this.marks[index]! & KIND;
  is = (index: number, mark: number): boolean => (this.marks[index]! & mark) !== 0;
  mark(index: number, mark: number): void {
    this.marks[index]! |= mark;
  }

  /** SHA-256 of a file's content, for those of which it was kept. */
  digest(index: number): Uint8Array | null {
    if (!this.digests || this.digests.length < 32 * (index + 1)) return null;
    const digest = this.digests.subarray(32 * index, 32 * index + 32);
    return digest.some((byte) => byte) ? digest : null;
  }
  setDigest(index: number, digest: Uint8Array): void {
    this.digests = grown(this.digests ?? new Uint8Array(0), 32 * Math.max(index + 1, this.count));
    this.digests.set(digest, 32 * index);
  }

  private start = (index: number): number => (index ? this.ends[index - 1]! : 0);

  private isName(index: number, bytes: Uint8Array): boolean {
    const start = this.start(index);
    if (this.ends[index]! - start !== bytes.length) return false;
    for (let i = 0; i < bytes.length; i++) if (this.text[start + i] !== bytes[i]) return false;
    return true;
  }

  private hash(bytes: Uint8Array): number {
    let hash = 0x811c9dc5;
    for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
    hash ^= hash >>> 15;
    return (hash >>> 0) & (this.slots.length - 1);
  }

  private rehash(): void {
    this.slots = new Uint32Array(2 * this.slots.length);
    for (let index = 0; index < this.count; index++) {
      let slot = this.hash(this.text.subarray(this.start(index), this.ends[index]!));
      while (this.slots[slot]) slot = (slot + 1) & (this.slots.length - 1);
      this.slots[slot] = index + 1;
    }
  }
}
