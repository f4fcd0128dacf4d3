/**
 * Thrift's compact protocol (thrift-compact-protocol.md), as strict as verification.md 6: a library that reads what was
 * looked at here reads no other fields than these.
 */

import { BadParquet } from "./badparquet";

const MOST_DEEP = 16;
/** Members of a list, but for those that may be longer. */
const MOST_MEMBERS = 16;

/** An integer (a truth value is 1 or 0), a structure by its field numbers, or what is passed over. */
export type Value = number | Map<number, Value> | null;

/** Reads one structure after the other. */
export class Compact {
  constructor(
    private readonly bytes: Uint8Array,
    /** Offset of the next byte. */
    public at: number,
    /** How many members the list of a field of the outermost structure may have. */
    private readonly longer: ReadonlyMap<number, number> = new Map(),
  ) {}

  /** The next structure. Raises `BadParquet`: not the protocol (E106), a list that is too long (E102). */
  read(): Map<number, Value> {
    return this.struct(0);
  }

  private struct(deep: number): Map<number, Value> {
    const fields = new Map<number, Value>();
    for (let last = 0; ;) {
      const head = this.byte();
      if (head === 0) return fields;
      const field = head >> 4 ? last + (head >> 4) : this.integer();
      // a library may keep the first of two, or cut a number to 16 bits: it would read what was not looked at
      if (!(field > last && field < 1 << 15)) throw none(`field ${field} after ${last}`);
      const type = head & 15;
      const most = (deep === 0 && this.longer.get(field)) || MOST_MEMBERS;
      fields.set(field, type === 1 || type === 2 ? 2 - type : this.value(type, deep + 1, most));
      last = field;
    }
  }

  private value(type: number, deep: number, most = MOST_MEMBERS): Value {
    if (deep > MOST_DEEP) throw none("too deep");
    if (type >= 4 && type <= 6) return this.integer();
    if (type === 12) return this.struct(deep);
    if (type === 8) return this.skip(Number(this.varint()));
    if (type === 9 || type === 10) return this.list(deep, most);
    if (type >= 1 && type <= 3) return this.skip(1); // a truth value inside a list takes a byte
    if (type === 7) return this.skip(8);
    throw none(`type ${type}`);
  }

  private list(deep: number, most: number): null {
    const head = this.byte();
    const size = head >> 4 === 15 ? Number(this.varint()) : head >> 4;
    if (size > most) throw new BadParquet("E102", `a list of ${size} members`);
    for (let i = 0; i < size; i++) this.value(head & 15, deep + 1);
    return null;
  }

  private byte(): number {
    if (this.at >= this.bytes.length) throw none("cut off");
    return this.bytes[this.at++]!;
  }

  private skip(length: number): null {
    if (length > this.bytes.length - this.at) throw none("cut off");
    this.at += length;
    return null;
  }

  private varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw none("a number that is too long");
  }

  /** A zigzag integer. */
  private integer(): number {
    const value = this.varint();
    return Number((value >> 1n) ^ -(value & 1n));
  }
}

function none(why: string): BadParquet {
  return new BadParquet("E106", `no structure of Thrift: ${why}`);
}
