/**
 * The rules of custody (custody-log.md 4 and 5): each event in turn, by what the log says before it. Reads no files.
 */

import { change } from "./custodychanges";
import { brokenReference, brokenRules, spentRule } from "./custodyrules";
import { type Context, State } from "./custodystate";
import { unanswered, warn, warnOfClocks, warnOfEntry } from "./custodywarnings";
import { eventFile } from "./files";
import { formatInstant } from "./forms";
import { isBefore, Item, span } from "./items";
import type { Keys } from "./keys";
import { type Event, isKnownType } from "./records";
import type { Sink } from "./sink";

export class Custody {
  private readonly state: State;
  readonly items: ReadonlyMap<string, Item>;
  readonly keys: Keys;
  /** False from the first event on without which nobody can say who holds what. */
  isKnown = true;
  /** Items as they were when `keep` was called; null where nobody could say how. */
  kept: ReadonlyMap<string, Pick<Item, "offer" | "hidden" | "unknown">> | null = null;

  constructor(
    private readonly sink: Sink,
    readonly context: Context,
  ) {
    this.state = new State(context);
    this.items = this.state.items;
    this.keys = this.state.keys;
  }

  /** What an event says by itself, whatever was before it; `where` names it in findings. */
  judge(event: Event, index: number, recordedAt: string | null, where: string, isNewer: boolean): void {
    const find = (code: string, found: string): void => this.sink.find(code, where, found);
    if (event.not_stated.length) find("W903", event.not_stated.join(", "));
    if (recordedAt !== null) warnOfEntry(event, recordedAt, find);
    const reference = isKnownType(event.type) && !isNewer ? brokenReference(this.state, event, index) : null;
    if (reference && "unknown" in reference) this.sink.missedOut("custody", "gap", where, reference.unknown);
    else if (reference) find(reference.code, reference.found);
  }

  /** One event in its turn, where every event before could be read. */
  apply(event: Event, index: number, where: string): void {
    const find = (code: string, found: string): void => this.sink.find(code, where, found);
    const when = span(event.occurred_at);
    const broken = isKnownType(event.type)
      ? brokenRules(this.state, event, index, when)
      : spentRule(this.state, event, index);
    if (isKnownType(event.type)) warnOfClocks(event, find);
    for (const name of broken.length ? [] : event.items) {
      const item = this.items.get(name);
      if (item?.latest && isBefore(when, item.latest)) {
        find("W914", `${event.type} at ${event.occurred_at.time}, before the item's last event`);
      }
    }
    for (const { code, found } of new Map(broken.map((b) => [b.code, b])).values()) find(code, found);
    if (isKnownType(event.type) && !broken.length) {
      warn(this.state, event, when, this.sink, find);
      change(this.state, event, index, when);
    } else {
      this.leave(event, !broken.length);
    }
    this.keys.note(event, index);
    for (const name of event.items) {
      const item = this.items.get(name);
      if (!item || broken.length) continue;
      item.lastType = event.type;
      if (!item.latest || when.start > item.latest.start) item.latest = when;
    }
  }

  /** Remembers the offers that are open now, which another case adopts. */
  keep(): void {
    const now = [...this.items].map(([name, { offer, hidden, unknown }]) => [name, { offer, hidden, unknown }] as const);
    this.kept = this.isKnown ? new Map(now) : null;
  }

  /**
   * A type that is not known: from here on nobody knows who has the items. A rule that was broken: new items begin so.
   */
  private leave(event: Event, unknownType: boolean): void {
    for (const name of event.items) {
      const item = this.items.get(name);
      if (item && !unknownType) continue;
      const left = item ?? new Item();
      left.unknown = true;
      if (!item) this.state.items.set(name, left);
    }
  }

  /** A hidden event touches an item: no rules are applied to it from now on. */
  hide(name: string): void {
    const item = this.items.get(name) ?? new Item();
    item.hidden = true;
    item.unknown = true;
    this.state.items.set(name, item);
  }

  /**
   * What can be said only at the end: `adopted` offers (entry/item) were taken over by another case; `now` in
   * nanoseconds.
   */
  finish(now: bigint | null, adopted: ReadonlySet<string> | null = null): void {
    for (const [name, item] of this.items) {
      if (item.hidden || !this.isKnown) continue;
      if (item.offer && !adopted?.has(name)) unanswered(this.sink, item, name);
      if (item.out?.due && now !== null && span(item.out.due).end < now && !item.ended) {
        this.sink.find("W919", eventFile(item.out.index), `${name}: still out at ${formatInstant(now)}`);
      }
    }
    for (const { index, key, from } of this.keys.reachedBack()) {
      this.sink.find("E312", eventFile(index), `${key}, which is not believed from entry ${from} on`);
    }
  }
}
