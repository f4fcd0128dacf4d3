/** The log of a case or a package (verification.md 1.2 to 1.8): entries, events, signatures, checkpoints, custody. */

import { equal, fromHex, toHex } from "./bytes";
import { Custody } from "./custody";
import type { Env } from "./env";
import { type Content, type Files, fromNumber8, number8 } from "./files";
import { nanoseconds } from "./forms";
import { sha256 } from "./hash";
import { leafHash, Tree, emptyRoot } from "./merkle";
import { parseLogKeys, type Vkey } from "./note";
import { compareRoots, type Notes, readNotes } from "./notes";
import { type CaseFile, type Entry, type Event, isKnownType, readEntry, readEvent } from "./records";
import type { Sink } from "./sink";
import { judgeSignature } from "./sshsig";
import type { PublicKey } from "./sshkey";
import { FOLDER } from "./table";

const RECORD_FILE = 65_536;
const SIGNATURE_FILE = 16 * 1024;
const MOST_EVENTS = 1_000_000;
/** Events of which later steps need the body. */
const KEPT = new Set(["seal", "derive", "erase", "split", "copy", "anchor", "adopt", "receive", "accept", "refuse", "receipt", "offer", "export", "acquire"]);

export interface Kept {
  index: number;
  event: Event;
  /** It broke no rule of custody. */
  digest: string;
}

export interface Signer {
  fingerprint: string;
  /** Null where its signature does not hold. */
  key: PublicKey | null;
}

/** Who signed an entry's event, for the policy. */
export interface Signed {
  index: number;
  actor: string;
  signers: Signer[];
}

export interface LogOptions {
  caseFile: CaseFile | null;
  /** Keys and origin to fall back to where event 0 does not say. */
  fallback: { origin: string; log_keys: string[] } | null;
  /** Entries whose events are withheld, in a package. */
  hidden: ReadonlySet<number> | null;
}

export class Log {
  notes: Notes = { valid: new Map(), sizes: new Set(), newest: 0 };
  origin: string | null = null;
  caseId: string | null = null;
  keys: [Vkey, Vkey] | null = null;
  /** Event 0's own keys and origin, as it says them. */
  opening: Event | null = null;
  readonly kept: Kept[] = [];
  readonly signed: Signed[] = [];
  readonly custody: Custody;
  /** Entries that were read, in order; recorded_at by index. */
  readonly recordedAt = new Map<number, string>();
  /** Types by index: null where hidden or unreadable. */
  readonly types: (string | null)[] = [];
  /** Numbers of hidden events that touch an item. */
  readonly hiddenTouches = new Map<string, number>();
  /** Items that events from some entry on name, for adopted cases: the last 1,000 events. */
  readonly touched: [number, string[]][] = [];
  /** Items' places, by item. */
  readonly places = new Map<string, string>();
  private readonly placeItem = new Map<string, string>();
  private readonly eventDigests: (string | null)[] = [];
  private readonly roots: Uint8Array[] = [];
  private readonly seenEvents = new Map<string, number>();
  private readonly tree = new Tree();
  private treeKnown = true;
  private placesKnown = true;
  private head = 0;
  private readonly headsMissing = new Set<number>();
  private recorded: string | null = null;
  unfinished = false;

  constructor(
    readonly env: Env,
    readonly files: Files,
    readonly sink: Sink,
    private readonly options: LogOptions,
  ) {
    this.custody = new Custody(sink, {
      origin: null,
      earlier: (index) => (this.eventDigests[index] ? { event: this.eventDigests[index]!, type: this.types[index] ?? null } : null),
    });
  }

  /** Root of the first `size` entries; null where one could not be read, or there are not so many. */
  root(size: number): Uint8Array | null {
    if (size === 0) return emptyRoot();
    return this.roots[size - 1] ?? null;
  }

  get size(): number {
    return this.notes.newest;
  }

  async read(): Promise<void> {
    await this.readOpening();
    const { fallback } = this.options;
    this.origin = this.opening ? String(this.opening.body["origin"]) : (fallback?.origin ?? null);
    const own = this.opening ? parseLogKeys(this.opening.body["log_keys"] as string[], this.origin!) : null;
    this.keys = own ?? (fallback ? parseLogKeys(fallback.log_keys, fallback.origin) : null);
    this.caseId = this.opening?.case ?? this.options.caseFile?.case ?? null;
    this.custody.context.origin = this.origin;
    this.notes = await readNotes(this.files, this.sink, this.origin, this.keys);
    await this.readEntries();
    compareRoots(this.notes, (size) => this.root(size), this.sink);
  }

  private async readOpening(): Promise<void> {
    const read = await this.files.read("custody/00000000/event.json", RECORD_FILE);
    if (!("bytes" in read)) return;
    const event = readEvent(read.bytes);
    if ("value" in event && event.value.type === "open") this.opening = event.value;
  }

  private async readEntries(): Promise<void> {
    const present: number[] = [];
    for (const { path, kind } of this.files.list("custody/")) {
      const index = kind === FOLDER ? fromNumber8(path) : null;
      if (index !== null) present.push(index);
    }
    present.sort((a, b) => a - b);
    let next = 0;
    for (const index of present) {
      if (index >= this.size) break;
      if (index > next) this.gap(next);
      if (index >= MOST_EVENTS) {
        this.sink.find("E102", `custody/${number8(index)}`, "more than 1,000,000 events");
        this.unknownFrom(`custody/${number8(index)}`);
        return;
      }
      await this.env.tick("log", index, this.size, `custody/${number8(index)}`);
      await this.readEntry(index);
      next = index + 1;
    }
    if (next < this.size) this.gap(next);
  }

  private gap(first: number): void {
    this.sink.find("E501", `custody/${number8(first)}`, "none", "an entry and its event");
    this.unknownFrom(`custody/${number8(first)}`);
    this.treeKnown = false;
  }

  private unknownFrom(what: string): void {
    if (this.placesKnown) this.sink.missedOut("custody", "unreadable_event", what, "what follows an event that cannot be read is not judged by the rules of custody");
    this.placesKnown = false;
  }

  /** The bytes of a file of the record, with its findings where there are none. */
  private async bytes(where: string, limit: number): Promise<Uint8Array | null> {
    const read: Content = await this.files.read(where, limit);
    if ("bytes" in read) return read.bytes;
    if ("tooLarge" in read) this.sink.find("E102", where, `${read.tooLarge} bytes`);
    else if (read.lack === "missing") this.sink.find("E501", where, "none", "a plain file");
    else if (read.lack === "unreadable") this.sink.missedOut("record", "unreadable", where, read.why);
    return null;
  }

  private async readEntry(index: number): Promise<void> {
    const folder = `custody/${number8(index)}`;
    const where = `${folder}/entry`;
    const bytes = await this.bytes(where, RECORD_FILE);
    const read = bytes ? readEntry(bytes) : null;
    if (read && "fault" in read) this.sink.find(read.fault.code, where, read.fault.found);
    const entry = read && "value" in read ? read.value : null;
    if (entry) this.judgeEntry(entry, index, where);
    if (bytes && this.treeKnown) {
      this.tree.add(leafHash(bytes));
      this.roots.push(this.tree.root());
    } else this.treeKnown = false;
    this.sink.count("entries", bytes ? 1 : 0);
    this.eventDigests[index] = entry?.event ?? null;
    this.types[index] = null;
    if (entry) this.recordedAt.set(index, entry.recorded_at);
    if (this.options.hidden?.has(index)) this.hide(entry, index, folder);
    else await this.readEvent(entry, index, folder);
  }

  private judgeEntry(entry: Entry, index: number, where: string): void {
    if (entry.index !== String(index)) this.sink.find("E306", where, `index ${entry.index}`, `index ${index}`);
    if (entry.prior.size !== String(index)) this.sink.find("E306", where, `prior.size ${entry.prior.size}`, `prior.size ${index}`);
    const root = this.treeKnown ? this.root(index) : null;
    if (root && toHex(root) !== entry.prior.root) this.sink.find("E203", where, `prior.root ${entry.prior.root}`, toHex(root));
    const head = BigInt(entry.head);
    if (head > BigInt(index) || head < BigInt(this.head)) this.sink.find("E305", where, `head ${entry.head}`, `head from ${this.head} to ${index}`);
    const size = Number(head);
    this.head = Math.max(this.head, size);
    if (head <= BigInt(index)) {
      if (size > 0 && !this.notes.sizes.has(size) && !this.headsMissing.has(size)) {
        this.headsMissing.add(size);
        this.sink.find("E502", `checkpoints/${number8(size)}`, "none", `a checkpoint, named by ${where}`);
      }
    }
    if (this.recorded !== null && nanoseconds(entry.recorded_at) < nanoseconds(this.recorded)) this.sink.find("W904", where, entry.recorded_at, `${this.recorded} or later`);
    this.recorded = entry.recorded_at;
  }

  /** A hidden event: what it touches follows from its entry alone. */
  private hide(entry: Entry | null, index: number, folder: string): void {
    if (!entry) return this.unknownFrom(folder);
    entry.items_prev.forEach((previous, place) => {
      const here = `${index}/${place}`;
      const name = previous === null ? undefined : this.placeItem.get(previous);
      if (previous !== null && name !== undefined) {
        if (this.places.get(name) !== previous) this.sink.find("E307", `${folder}/entry`, `after ${previous}, as another did`);
        this.places.set(name, here);
        this.placeItem.set(here, name);
        this.hiddenTouches.set(name, (this.hiddenTouches.get(name) ?? 0) + 1);
        this.custody.hide(name);
      } else this.hiddenPlaces.add(here);
    });
    if (entry) this.noteEvent(entry.event, index, folder);
  }
  /** Places of items in hidden events whose names nobody said yet. */
  private readonly hiddenPlaces = new Set<string>();

  /** Every event is shown, or what a hidden one touches is known. */
  get isWhole(): boolean {
    return this.placesKnown && this.hiddenPlaces.size === 0;
  }

  private noteEvent(digest: string, index: number, folder: string): void {
    if (this.seenEvents.has(digest)) this.sink.find("E303", `${folder}/event.json`, "the same event as an entry before", "an event of its own");
    else this.seenEvents.set(digest, index);
  }

  private async readEvent(entry: Entry | null, index: number, folder: string): Promise<void> {
    const where = `${folder}/event.json`;
    const bytes = await this.bytes(where, RECORD_FILE);
    if (!bytes) {
      if (entry) await this.signatures(null, null, entry, folder, index);
      return this.unknownFrom(where);
    }
    const digest = toHex(sha256(bytes));
    if (entry && digest !== entry.event) this.sink.find("E201", where, digest, entry.event);
    const read = readEvent(bytes);
    if ("fault" in read) {
      this.sink.find(read.fault.code, where, read.fault.found);
      if (entry) await this.signatures(null, bytes, entry, folder, index);
      return this.unknownFrom(where);
    }
    const event = read.value;
    this.sink.count("events");
    this.types[index] = event.type;
    this.noteEvent(digest, index, folder);
    await this.signatures(event, bytes, entry, folder, index);
    if (this.caseId !== null && event.case !== this.caseId) this.sink.find("E104", where, `case ${event.case}`, `case ${this.caseId}`);
    this.judgeSeen(event, index, where);
    this.judgePlaces(entry, event, index, folder);
    if (!isKnownType(event.type)) this.sink.missedOut("custody", "unknown_type", where, `events of type ${event.type} are not known`);
    this.touched.push([index, event.items]);
    if (this.touched.length > 1000) this.touched.shift();
    if (KEPT.has(event.type)) this.kept.push({ index, event, digest });
    if (this.placesKnown) {
      this.custody.apply(event, index, entry?.recorded_at ?? null, where);
      this.sink.count("rules");
    }
    this.env.options.onEvent?.({
      where,
      index,
      type: event.type,
      items: event.items,
      actor: event.actor,
      signers: event.signers,
      to: receiver(event),
      occurred_at: event.occurred_at,
      recorded_at: entry?.recorded_at ?? null,
      body: event.body,
    });
  }

  private async signatures(event: Event | null, message: Uint8Array | null, entry: Entry | null, folder: string, index: number): Promise<void> {
    const count = event ? event.signers.length : (entry?.signatures.length ?? 0);
    if (entry && event && entry.signatures.length !== count) this.sink.find("E401", `${folder}/entry`, `${entry.signatures.length} digests`, `${count} signers`);
    const signers: Signer[] = [];
    for (let j = 0; j < Math.min(count, 16); j++) {
      const where = signatureFile(folder, j);
      const fingerprint = event?.signers[j] ?? "";
      signers.push({ fingerprint, key: null });
      const read = await this.files.read(where, SIGNATURE_FILE);
      if ("lack" in read && read.lack === "missing") {
        this.sink.find("E501", where, "none", "a plain file");
        this.sink.find("E401", where, "none", `a signature by ${fingerprint}`);
        continue;
      }
      if ("tooLarge" in read) {
        this.sink.find("E102", where, `${read.tooLarge} bytes`);
        continue;
      }
      if (!("bytes" in read)) {
        this.sink.missedOut("record", "unreadable", where, read.why);
        continue;
      }
      const expected = entry?.signatures[j];
      const digest = toHex(sha256(read.bytes));
      if (expected !== undefined && digest !== expected) this.sink.find("E201", where, digest, expected);
      if (!event || !message) continue;
      const judged = judgeSignature(read.bytes, "evidencekit-event", message, fingerprint);
      this.sink.count("person_signatures");
      if ("code" in judged) this.sink.find(judged.code, where, judged.found, fingerprint);
      else if (isLogKey(judged.key, this.keys)) this.sink.find("E404", where, "the log's own key");
      else signers[j]!.key = judged.key;
    }
    if (event) this.signed.push({ index, actor: event.actor.id, signers });
  }

  private judgeSeen(event: Event, index: number, where: string): void {
    const { seen } = event;
    if (this.origin !== null && seen.origin !== this.origin) {
      if (index === 0) this.sink.find("E304", where, `seen.origin ${seen.origin}`, this.origin);
      else this.sink.missedOut("custody", "foreign_seen", where, `the signer had seen the log ${seen.origin}, which is not here`);
      return;
    }
    if (BigInt(seen.size) > BigInt(index)) {
      this.sink.find("E304", where, `seen.size ${seen.size}`, `at most ${index}`);
      return;
    }
    const root = this.root(Number(seen.size));
    if (!root) this.sink.missedOut("record", "entries_lack", where, "the tree that the signer had seen cannot be computed");
    else if (!equal(root, fromHex(seen.root)!)) this.sink.find("E304", where, `seen.root ${seen.root}`, `${toHex(root)} at size ${seen.size}`);
  }

  private judgePlaces(entry: Entry | null, event: Event, index: number, folder: string): void {
    const where = `${folder}/entry`;
    if (entry && entry.items_prev.length !== event.items.length) this.sink.find("E302", where, `${entry.items_prev.length} places`, `${event.items.length} items`);
    event.items.forEach((name, place) => {
      const here = `${index}/${place}`;
      const said = entry?.items_prev[place] ?? null;
      const isPart = place > 0 && (event.type === "split" || event.type === "copy");
      let expected = this.places.get(name) ?? (isPart ? `${index}/0` : null);
      if (said !== null && said !== expected && this.hiddenPlaces.delete(said)) {
        expected = said;
        this.hiddenTouches.set(name, (this.hiddenTouches.get(name) ?? 0) + 1);
        this.custody.hide(name);
      }
      if (entry && this.placesKnown && place < entry.items_prev.length && said !== expected) {
        const fork = said !== null && this.placeItem.get(said) === name;
        this.sink.find(fork ? "E307" : "E302", where, `${name} after ${said ?? "nothing"}`, `${name} after ${expected ?? "nothing"}`);
      }
      this.places.set(name, here);
      this.placeItem.set(here, name);
    });
  }
}

export const signatureFile = (folder: string, place: number): string => `${folder}/event.json${place ? `.${place + 1}` : ""}.sig`;

export function isLogKey(key: PublicKey, keys: [Vkey, Vkey] | null): boolean {
  return keys !== null && key.raw.kind === "ed25519" && equal(key.raw.key, keys[0].key);
}

function receiver(event: Event): string | null {
  const to = event.body["to"];
  if (typeof to === "string") return to;
  return typeof to === "object" && to !== null && !Array.isArray(to) && typeof to["id"] === "string" ? to["id"] : null;
}

