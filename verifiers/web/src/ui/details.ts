/**
 * What the page shows beside the report: events, who signed them, rows. Gathered while the engine reads; nothing here
 * judges.
 */

import type { ListedRow, Report, TimelineEvent } from "../engine/index";
import { Rows } from "./rows";

/** So many events are listed and so many persons. */
export const MOST_EVENTS = 5_000;
const MOST_PERSONS = 2_000;
const LONGEST = 4_096;

export interface Person {
  key: string;
  id: string | null;
  role: string | null;
  organisation: string | null;
  events: number;
}

/** An event, cut down to what a picture and a table of custody need. */
export interface ShownEvent {
  where: string;
  /** Folder of the log that it is of: empty for the log itself, else that of an adopted case or a passed-on package. */
  log: string;
  index: number;
  /** Null where the event is withheld. */
  type: string | null;
  items: string[];
  itemsLeft: number;
  actor: { id: string; key: string } | null;
  to: { id: string; key: string } | null;
  from: { id: string; key: string } | null;
  place: string | null;
  carrier: string | null;
  occurred: { time: string; precision: string } | null;
  recorded: string | null;
  /** Where the item is of several logs. */
  answered: string | null;
}

export interface View {
  events: ShownEvent[];
  eventsTotal: number;
  hiddenEvents: number;
  persons: Person[];
  rowsTotal: number;
  rowsListed: number;
  states: [string, number][];
  /** [manifest, group, ground, how many] of rows that are shown. */
  withheld: [string, string, string, number][];
  /** Manifest number, as the event that sealed it names it, to the exhibit. */
  exhibits: [string, string][];
}

function text(value: unknown): string | null {
  return typeof value === "string" && value ? value.slice(0, LONGEST) : null;
}

function person(value: unknown): { id: string; key: string } | null {
  if (typeof value !== "object" || value === null) return null;
  const { id, key } = value as { id?: unknown; key?: unknown };
  return text(key) === null ? null : { id: text(id) ?? text(key)!, key: text(key)! };
}

export class Details {
  readonly rows = new Rows();
  private readonly events: ShownEvent[] = [];
  private readonly persons = new Map<string, Person>();
  private readonly exhibits = new Map<string, string>();
  private eventsTotal = 0;
  private readonly seen = new Set<number>();

  readonly onRow = (row: ListedRow): void => this.rows.add(row);

  readonly onEvent = (event: TimelineEvent): void => {
    if (event.type === null) return; // told by the gap in the numbers, below
    this.eventsTotal++;
    this.signed(event);
    const body = event.body ?? {};
    const log = event.where.slice(0, Math.max(0, event.where.lastIndexOf("custody/"))).replace(/^evidence\//, "");
    if (log === "") this.seen.add(event.index);
    if (event.type === "seal" || event.type === "derive") {
      const manifest = text(body["manifest"]);
      if (manifest && event.items[0] && this.exhibits.size < 100_000) this.exhibits.set(log + manifest, event.items[0]);
    }
    if (this.events.length >= MOST_EVENTS) return;
    this.events.push({
      where: event.where,
      log,
      index: event.index,
      type: event.type,
      items: event.items.slice(0, 20),
      itemsLeft: Math.max(0, event.items.length - 20),
      actor: event.actor && { id: event.actor.id.slice(0, LONGEST), key: event.actor.key },
      to: person(body["to"]),
      from: person(body["offered_by"]) ?? person(body["answered_by"]),
      place: text(body["place"]),
      carrier: text(body["carrier"]),
      occurred: event.occurred_at && { time: event.occurred_at.time, precision: event.occurred_at.precision },
      recorded: event.recorded_at,
      answered: text(body["answered"]),
    });
  };

  private signed(event: TimelineEvent): void {
    const keys = event.signers ?? (event.actor ? [event.actor.key] : []);
    for (const key of new Set(keys)) {
      let known = this.persons.get(key);
      if (!known) {
        if (this.persons.size >= MOST_PERSONS) continue;
        known = { key, id: null, role: null, organisation: null, events: 0 };
        this.persons.set(key, known);
      }
      known.events++;
      if (event.actor?.key === key) {
        known.id ??= text(event.actor.id);
        known.role ??= text(event.actor.role);
        known.organisation ??= text(event.actor.organisation);
      }
    }
  }

  /** The log's events in order, with those that a package withholds in their places; then those of other logs in it. */
  private ordered(hidden: number[]): ShownEvent[] {
    const none = {
      type: null,
      items: [],
      itemsLeft: 0,
      actor: null,
      to: null,
      from: null,
      place: null,
      carrier: null,
      occurred: null,
      recorded: null,
      answered: null,
    };
    const withheld = hidden.slice(0, MOST_EVENTS).map((index): ShownEvent => ({ where: "", log: "", index, ...none }));
    const own = [...this.events.filter((event) => event.log === ""), ...withheld].sort((a, b) => a.index - b.index);
    return [...own, ...this.events.filter((event) => event.log !== "")].slice(0, MOST_EVENTS);
  }

  /** After the last event and row. Entries of a package's log whose event did not come are withheld. */
  view(report: Report): View {
    this.rows.close();
    const hidden: number[] = [];
    const size = report.subject === "package" ? Math.min(report.checkpoint?.size ?? 0, 1_000_000) : 0;
    for (let index = 0; index < size; index++) if (!this.seen.has(index)) hidden.push(index);
    return {
      events: this.ordered(hidden),
      eventsTotal: this.eventsTotal + hidden.length,
      hiddenEvents: hidden.length,
      persons: [...this.persons.values()],
      rowsTotal: this.rows.total,
      rowsListed: this.rows.listed,
      states: [...this.rows.states].sort(),
      withheld: [...this.rows.withheld].map(([key, n]) => [...(JSON.parse(key) as [string, string, string]), n]),
      exhibits: [...this.exhibits],
    };
  }
}
