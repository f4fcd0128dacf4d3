/** Items' places in a log, `ENTRY/POSITION`: each event of an item names the one before (verification.md 1.4, 2b). */

import type { Custody } from "./custody";
import { number8 } from "./files";
import { type Entry, type Event, isKnownType } from "./records";
import type { Sink } from "./sink";

export class Places {
  /** Places of items in hidden events whose names nobody said yet. */
  readonly hidden = new Set<string>();
  /** These, and those of them that a later event followed. */
  private readonly followed = new Set<string>();
  /** Numbers of hidden events that touch an item. */
  readonly hiddenTouches = new Map<string, number>();
  private readonly latest = new Map<string, string>();
  private readonly names = new Map<string, string>();

  constructor(
    private readonly sink: Sink,
    private readonly custody: Custody,
    /** Could the event of an earlier entry be read, or is it hidden? */
    private readonly isRead: (index: number) => boolean,
  ) {}

  /** Some event is about the item. */
  has(name: string): boolean {
    return this.latest.has(name);
  }

  /** A hidden event: what it touches follows from its entry alone. */
  hide(entry: Entry, index: number, folder: string): void {
    entry.items_prev.forEach((previous, place) => {
      const here = `${index}/${place}`;
      const begins = previous === null || (place > 0 && previous === `${index}/0`);
      const name = begins ? undefined : this.names.get(previous);
      const isEnd = begins || (name === undefined ? this.hidden.delete(previous) : this.latest.get(name) === previous);
      if (!isEnd && (name !== undefined || this.followed.has(previous)))
        this.sink.find("E307", `${folder}/entry`, `after ${previous}, as another did`);
      else if (!isEnd && !this.isUnread(previous, index))
        this.sink.find("E302", `${folder}/entry`, `after ${previous}`, "a place of an earlier entry");
      if (name === undefined) {
        this.hidden.add(here);
        this.followed.add(here);
      } else {
        this.set(name, here);
        this.touch(name);
      }
    });
  }

  private isUnread(said: string, index: number): boolean {
    const at = BigInt(said.split("/")[0]!);
    return at < index && !this.isRead(Number(at));
  }

  /** An event that is shown: its places, but for those in events that cannot be read; one of a newer version may divide items. */
  judge(entry: Entry | null, event: Event, index: number, isNewer: boolean): void {
    const where = `custody/${number8(index)}/entry`;
    if (entry && entry.items_prev.length !== event.items.length) {
      this.sink.find("E302", where, `${entry.items_prev.length} places`, `${event.items.length} items`);
    }
    const mayDivide = isNewer || !isKnownType(event.type);
    event.items.forEach((name, place) => {
      const here = `${index}/${place}`;
      const said = entry?.items_prev[place] ?? null;
      const isPart = place > 0 && (event.type === "split" || event.type === "copy");
      let expected = this.latest.get(name) ?? (isPart && !isNewer ? `${index}/0` : null);
      if (said !== null && said !== expected && this.hidden.delete(said)) {
        expected = said;
        this.touch(name);
      }
      const isOpen = said !== null && (this.isUnread(said, index) || (mayDivide && said.startsWith(`${index}/`)));
      if (entry && !isOpen && place < entry.items_prev.length && said !== expected) {
        const fork = said !== null && this.names.get(said) === name;
        this.sink.find(
          fork ? "E307" : "E302",
          where,
          `${name} after ${said ?? "nothing"}`,
          `${name} after ${expected ?? "nothing"}`,
        );
      }
      this.set(name, here);
    });
  }

  private set(name: string, here: string): void {
    this.latest.set(name, here);
    this.names.set(here, name);
  }

  private touch(name: string): void {
    this.hiddenTouches.set(name, (this.hiddenTouches.get(name) ?? 0) + 1);
    this.custody.hide(name);
  }
}
