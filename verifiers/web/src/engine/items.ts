/** What is known of one item (custody-log.md 4), and moments as the rules compare them. */

import * as f from "./forms";
import type { Moment } from "./records";

export interface Span {
  start: bigint;
  end: bigint;
}

export function span(moment: Moment): Span {
  const start = f.nanoseconds(moment.time);
  return { start, end: start + f.PRECISIONS[moment.precision]! - 1n };
}

export const isBefore = (a: Span, b: Span): boolean => a.end < b.start;

export interface Offer {
  entry: number;
  to: string;
  handedOver: Moment | null;
  carrier: boolean;
}

const MOST_HANDS = 32;

export class Item {
  /** Key of who is responsible, and of who has it in his hands. */
  holder: string | null = null;
  keeper: string | null = null;
  out: { type: string; index: number; due: Moment | null } | null = null;
  offer: Offer | null = null;
  seals: Set<string> | null = null;
  condition: string | null = null;
  readonly holds = new Set<string>();
  ended = false;
  acquired = false;
  root: string | null = null;
  lastType = "";
  /** Latest time of an event of it. */
  latest: Span | null = null;
  /** Nobody can say who has it (4.8). */
  unknown = false;
  /** Hidden events touch it: no rules (verification.md 2b). */
  hidden = false;
  /** Digests that its newest `acquire` event names. */
  digests: string[] | null = null;
  parent: string | null = null;
  private readonly hands: { when: Span; who: string | null }[] = [];

  give(holder: string | null, keeper: string | null, when: Span): void {
    this.holder = holder;
    if (keeper !== this.keeper || this.hands.length === 0) {
      this.hands.push({ when, who: keeper });
      if (this.hands.length > MOST_HANDS) this.hands.shift();
    }
    this.keeper = keeper;
  }

  /** Who had it then, by these times; undefined where nobody knows. */
  keeperAt(when: Span): { who: string | null; since: Span } | undefined {
    for (let i = this.hands.length - 1; i >= 0; i--) {
      if (!isBefore(when, this.hands[i]!.when)) return { who: this.hands[i]!.who, since: this.hands[i]!.when };
    }
    return undefined;
  }

  /** Since when the keeper has it. */
  get since(): Span | null {
    return this.hands.at(-1)?.when ?? null;
  }
}
