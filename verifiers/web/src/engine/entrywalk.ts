/** Entries of a published log in turn (verification.md 2a), of which the events are not here. Reads no files. */

import { Chain } from "./chain";
import { readEntry } from "./records";
import type { Sink } from "./sink";

export class EntryWalk {
  private readonly chain: Chain;
  private readonly events = new Set<string>();
  /** Places that some entry follows. */
  private readonly followed = new Set<string>();
  /** How many places each entry has. */
  private readonly counts = new Map<number, number>();

  constructor(private readonly sink: Sink) {
    this.chain = new Chain(sink, null);
  }

  /** `prior`: the root of the entries before; null where that is not known. */
  entry(bytes: Uint8Array, index: number, where: string, prior: Uint8Array | null): void {
    const read = readEntry(bytes);
    if ("fault" in read) return this.sink.find(read.fault.code, where, read.fault.found);
    const entry = read.value;
    const find = (code: string, found: string, expected: string): void => this.sink.find(code, where, found, expected);
    this.chain.judge(entry, index, where, prior);
    if (this.events.has(entry.event)) find("E303", "the same event as an entry before", "an event of its own");
    this.events.add(entry.event);
    entry.items_prev.forEach((place, own) => {
      const isPart = own > 0 && place === `${index}/0`; // it follows the first of its own entry
      if (place !== null && !isPart) this.place(place, index, find);
    });
    this.counts.set(index, entry.items_prev.length);
  }

  private place(place: string, index: number, find: (code: string, found: string, expected: string) => void): void {
    const [entry, position] = place.split("/").map(BigInt) as [bigint, bigint];
    const count = this.counts.get(Number(entry)); // of an entry that could not be read nobody knows
    const isNone = entry >= BigInt(index) || (count !== undefined && position >= BigInt(count));
    if (isNone) find("E302", `after ${place}`, "a place in an earlier entry");
    else if (this.followed.has(place))
      find("E307", `after ${place}, as another entry`, "a place that none else follows");
    this.followed.add(place);
  }
}
