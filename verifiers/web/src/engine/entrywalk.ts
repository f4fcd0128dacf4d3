/** Entries of a published log in turn (verification.md 2a), of which the events are not here. Reads no files. */

import { toHex } from "./bytes";
import { nanoseconds } from "./forms";
import { readEntry } from "./records";
import type { Sink } from "./sink";

export class EntryWalk {
  private head = 0n;
  private recorded: string | null = null;
  private readonly events = new Set<string>();
  /** Places that some entry follows. */
  private readonly followed = new Set<string>();

  constructor(private readonly sink: Sink) {}

  /** `prior`: the root of the entries before; null where that is not known. */
  entry(bytes: Uint8Array, index: number, where: string, prior: Uint8Array | null): void {
    const read = readEntry(bytes);
    if ("fault" in read) return this.sink.find(read.fault.code, where, read.fault.found);
    const entry = read.value;
    const find = (code: string, found: string, expected: string): void => this.sink.find(code, where, found, expected);
    if (entry.index !== String(index)) find("E306", `index ${entry.index}`, `index ${index}`);
    if (entry.prior.size !== String(index)) find("E306", `prior.size ${entry.prior.size}`, `prior.size ${index}`);
    if (prior && toHex(prior) !== entry.prior.root) find("E203", `prior.root ${entry.prior.root}`, toHex(prior));
    const head = BigInt(entry.head);
    if (head > BigInt(index) || head < this.head)
      find("E305", `head ${entry.head}`, `head from ${this.head} to ${index}`);
    if (head > this.head) this.head = head;
    if (this.recorded !== null && nanoseconds(entry.recorded_at) < nanoseconds(this.recorded)) {
      find("W904", entry.recorded_at, `${this.recorded} or later`);
    }
    this.recorded = entry.recorded_at;
    if (this.events.has(entry.event)) find("E303", "the same event as an entry before", "an event of its own");
    this.events.add(entry.event);
    for (const place of entry.items_prev) if (place !== null) this.place(place, index, find);
  }

  private place(place: string, index: number, find: (code: string, found: string, expected: string) => void): void {
    const [entry, position] = place.split("/").map(BigInt) as [bigint, bigint];
    if (entry === BigInt(index) && position === 0n) return; // a part follows its parent in the same entry
    if (entry >= BigInt(index)) find("E302", `after ${place}`, "a place in an earlier entry");
    else if (this.followed.has(place))
      find("E307", `after ${place}, as another entry`, "a place that none else follows");
    this.followed.add(place);
  }
}
