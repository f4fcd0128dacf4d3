/** Entries in turn: what each says of itself, and of the log before it (verification.md 1.3). Reads no files. */

import { toHex } from "./bytes";
import { number8 } from "./files";
import { nanoseconds } from "./forms";
import type { Entry } from "./records";
import type { Sink } from "./sink";

export class Chain {
  private head = 0n;
  private recorded: string | null = null;
  /** Sizes that entries name and that have no note: each is named once. */
  private readonly lacking = new Set<number>();

  constructor(
    private readonly sink: Sink,
    /** Is there a note of this size? Null where notes are not asked for. */
    private readonly hasNote: ((size: number) => boolean) | null,
  ) {}

  /** `prior`: the root of the entries before; null where that is not known. */
  judge(entry: Entry, index: number, where: string, prior: Uint8Array | null): void {
    const find = (code: string, found: string, expected: string): void => this.sink.find(code, where, found, expected);
    if (entry.index !== String(index)) find("E306", `index ${entry.index}`, `index ${index}`);
    if (entry.prior.size !== String(index)) find("E306", `prior.size ${entry.prior.size}`, `prior.size ${index}`);
    if (prior && toHex(prior) !== entry.prior.root) find("E203", `prior.root ${entry.prior.root}`, toHex(prior));
    this.judgeHead(BigInt(entry.head), BigInt(index), where);
    if (this.recorded !== null && nanoseconds(entry.recorded_at) < nanoseconds(this.recorded))
      find("W904", entry.recorded_at, `${this.recorded} or later`);
    this.recorded = entry.recorded_at;
  }

  /** One that is too high counts as the entry's own number. */
  private judgeHead(head: bigint, index: bigint, where: string): void {
    const size = Number(head);
    if (head > index || head < this.head)
      this.sink.find("E305", where, `head ${head}`, `head from ${this.head} to ${index}`);
    else if (size > 0 && this.hasNote && !this.hasNote(size) && !this.lacking.has(size)) {
      this.lacking.add(size);
      this.sink.find("E502", `checkpoints/${number8(size)}`, "none", `a checkpoint, named by ${where}`);
    }
    const counted = head > index ? index : head;
    if (counted > this.head) this.head = counted;
  }
}
