/** Items' places in a log, `ENTRY/POSITION`: each event of an item names the one before (verification.md 1.4, 2b). */

import type { Custody } from "./custody";
import type { Entry, Event } from "./records";
import type { Sink } from "./sink";

export class Places {
  /** Places of items in hidden events whose names nobody said yet. */
  readonly hidden = new Set<string>();
  /** Numbers of hidden events that touch an item. */
  readonly hiddenTouches = new Map<string, number>();
  private readonly latest = new Map<string, string>();
  private readonly names = new Map<string, string>();

  constructor(
    private readonly sink: Sink,
    private readonly custody: Custody,
  ) {}

  /** Some event is about the item. */
  has(name: string): boolean {
    return this.latest.has(name);
  }

  /** A hidden event: what it touches follows from its entry alone. */
  hide(entry: Entry, index: number, folder: string): void {
    entry.items_prev.forEach((previous, place) => {
      const here = `${index}/${place}`;
      const name = previous === null ? undefined : this.names.get(previous);
      if (previous !== null && name !== undefined) {
        if (this.latest.get(name) !== previous)
          this.sink.find("E307", `${folder}/entry`, `after ${previous}, as another did`);
        this.set(name, here);
        this.touch(name);
      } else this.hidden.add(here);
    });
  }

  /** An event that is shown; `known` is false after one that could not be read: nothing is then compared. */
  judge(entry: Entry | null, event: Event, index: number, folder: string, known: boolean): void {
    const where = `${folder}/entry`;
    if (entry && entry.items_prev.length !== event.items.length) {
      this.sink.find("E302", where, `${entry.items_prev.length} places`, `${event.items.length} items`);
    }
    event.items.forEach((name, place) => {
      const here = `${index}/${place}`;
      const said = entry?.items_prev[place] ?? null;
      const isPart = place > 0 && (event.type === "split" || event.type === "copy");
      let expected = this.latest.get(name) ?? (isPart ? `${index}/0` : null);
      if (said !== null && said !== expected && this.hidden.delete(said)) {
        expected = said;
        this.touch(name);
      }
      const isLater = said !== null && BigInt(said.split("/")[0]!) >= BigInt(index);
      if (entry && (known || isLater) && place < entry.items_prev.length && said !== expected) {
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
