/** Rows that are shown, kept in small space in the worker, and found again by a text or a state. */

import type { ListedRow } from "../engine/index";

/** So many rows are listed; the counts of the report are of all. */
export const MOST_ROWS = 400_000;
const CHUNK = 4096;

export interface RowFilter {
  text: string;
  state: string;
}

type Packed = [
  string,
  string,
  string,
  string,
  string | null,
  string | null,
  string | null,
  string | null,
  string | null,
  string | null,
  Record<string, string> | 0,
];

function pack(row: ListedRow): string {
  const grounds = Object.keys(row.grounds).length ? row.grounds : 0;
  const fields: Packed = [
    row.where,
    row.manifest,
    row.index,
    row.kind,
    row.path,
    row.state,
    row.size,
    row.sha256,
    row.mtime_ns,
    row.payload,
    grounds,
  ];
  return JSON.stringify(fields);
}

function unpack(line: string): ListedRow {
  const [where, manifest, index, kind, path, state, size, sha256, mtime_ns, payload, grounds] = JSON.parse(
    line,
  ) as Packed;
  return { where, manifest, index, kind, path, state, size, sha256, mtime_ns, payload, grounds: grounds || {} };
}

export class Rows {
  /** Rows that came, listed or not. */
  total = 0;
  readonly states = new Map<string, number>();
  /** Groups that are withheld of rows that are shown: `manifest group ground` to how many. */
  readonly withheld = new Map<string, number>();
  private readonly chunks: Uint8Array[] = [];
  private open: string[] = [];
  private found: { key: string; places: Uint32Array } | null = null;

  add(row: ListedRow): void {
    this.total++;
    const state = row.state ?? "withheld";
    this.states.set(state, (this.states.get(state) ?? 0) + 1);
    for (const [group, ground] of Object.entries(row.grounds)) {
      const key = JSON.stringify([row.manifest, group, ground]);
      if (this.withheld.size < 10_000 || this.withheld.has(key))
        this.withheld.set(key, (this.withheld.get(key) ?? 0) + 1);
    }
    if (this.total > MOST_ROWS) return;
    this.open.push(pack(row));
    if (this.open.length === CHUNK) this.close();
  }

  /** After the last row. */
  close(): void {
    if (this.open.length) this.chunks.push(new TextEncoder().encode(this.open.join("\n")));
    this.open = [];
  }

  get listed(): number {
    return Math.min(this.total, MOST_ROWS);
  }

  /** `many` rows from place `from` among those that `filter` finds, and how many it finds in all. */
  page(filter: RowFilter, from: number, many: number): { total: number; rows: ListedRow[] } {
    const places = this.find(filter);
    const total = places?.length ?? this.listed;
    const rows: ListedRow[] = [];
    let held = -1;
    let lines: string[] = [];
    for (let at = from; at < Math.min(from + many, total); at++) {
      const place = places ? places[at]! : at;
      const chunk = Math.floor(place / CHUNK);
      if (chunk !== held) lines = this.lines((held = chunk));
      rows.push(unpack(lines[place % CHUNK]!));
    }
    return { total, rows };
  }

  private lines(chunk: number): string[] {
    return new TextDecoder().decode(this.chunks[chunk]).split("\n");
  }

  /** Places of the rows that a filter finds; null for all. */
  private find(filter: RowFilter): Uint32Array | null {
    const text = filter.text.trim().toLowerCase();
    if (!text && !filter.state) return null;
    const key = JSON.stringify([text, filter.state]);
    if (this.found?.key === key) return this.found.places;
    const places: number[] = [];
    for (let chunk = 0; chunk < this.chunks.length; chunk++) {
      this.lines(chunk).forEach((line, i) => {
        const row = unpack(line);
        if (filter.state && (row.state ?? "withheld") !== filter.state) return;
        const words = `${row.path ?? ""}\n${row.sha256 ?? ""}\n${row.where}`.toLowerCase();
        if (words.includes(text)) places.push(chunk * CHUNK + i);
      });
    }
    this.found = { key, places: Uint32Array.from(places) };
    return this.found.places;
  }
}
