/** The log of a case or a package (verification.md 1.2 to 1.8): entries, events, signatures, checkpoints, custody. */

import { equal, fromHex, toHex } from "./bytes";
import { Chain } from "./chain";
import { Custody } from "./custody";
import { EXCHANGE } from "./custodyrules";
import type { Env } from "./env";
import { type Content, type Files, fromNumber8, number8 } from "./files";
import { sha256 } from "./hash";
import { emptyRoot, leafHash, Tree } from "./merkle";
import { parseLogKeys, type Vkey } from "./note";
import { compareRoots, type Notes, readNotes } from "./notes";
import { Places } from "./places";
import { type CaseFile, type Entry, type Event, isKnownType, readEntry, readEvent } from "./records";
import { readSignatures, type Signed, type Signing } from "./signatures";
import type { Sink } from "./sink";
import { FOLDER } from "./table";

const RECORD_FILE = 65_536;
const MOST_EVENTS = 1_000_000;
/** Events of which later steps need the body. */
const KEPT = new Set([
  ..."seal derive erase split copy anchor adopt receive accept refuse receipt offer export acquire".split(" "),
  ...EXCHANGE,
]);

export interface Kept {
  index: number;
  event: Event;
  digest: string;
}

export interface LogOptions {
  caseFile: CaseFile | null;
  /** Keys and origin to fall back to where event 0 does not say. */
  fallback: { origin: string; log_keys: string[] } | null;
  /** Entries whose events are withheld, in a package. */
  hidden: ReadonlySet<number> | null;
  /** Size at which another case adopted it. */
  adoptedAt: number | null;
}

export class Log {
  notes: Notes = { valid: new Map(), sizes: new Set(), newest: 0, unread: new Set() };
  origin: string | null = null;
  caseId: string | null = null;
  keys: [Vkey, Vkey] | null = null;
  /** Event 0, where it opens a log: its own keys and origin, as it says them. */
  opening: Event | null = null;
  readonly kept: Kept[] = [];
  readonly signed: Signed[] = [];
  readonly custody: Custody;
  /** Entries that were read, in order; recorded_at by index. */
  readonly recordedAt = new Map<number, string>();
  /** Types by index: null where the event is hidden or not there, empty where it is no event. */
  readonly types: (string | null)[] = [];
  /** Items to the last entry whose event names them. */
  readonly touched = new Map<string, number>();
  readonly places: Places;
  readonly inPackage: boolean;
  private readonly eventDigests: (string | null)[] = [];
  private readonly roots: Uint8Array[] = [];
  private readonly seenEvents = new Set<string>();
  private readonly tree = new Tree();
  private treeKnown = true;
  private placesKnown = true;
  private readonly chain: Chain;
  unfinished = false;
  /** Some events' bodies are of no type that is known here: they may name files. */
  hasUnknownTypes = false;

  constructor(
    readonly env: Env,
    readonly files: Files,
    readonly sink: Sink,
    private readonly options: LogOptions,
  ) {
    this.inPackage = options.hidden !== null;
    this.custody = new Custody(sink, {
      origin: null,
      earlier: (index) => {
        const event = this.eventDigests[index];
        return event ? { event, type: this.types[index] ?? null } : null;
      },
    });
    this.chain = new Chain(sink, (size) => this.notes.sizes.has(size));
    this.places = new Places(sink, this.custody, (index) => !!this.types[index] || !!this.options.hidden?.has(index));
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
    this.caseId ??= this.options.caseFile?.case ?? null;
    this.custody.context.origin = this.opening && this.origin;
    this.notes = await readNotes(this.files, this.sink, this.origin, this.keys);
    await this.readEntries();
    compareRoots(this.notes, (size) => this.root(size), this.sink);
  }

  private async readOpening(): Promise<void> {
    const read = await this.files.read("custody/00000000/event.json", RECORD_FILE);
    if (!("bytes" in read)) return;
    const event = readEvent(read.bytes);
    const first = "value" in event ? event.value : event.newer;
    this.caseId = first?.case ?? null;
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
    this.unjudgedFrom("custody_after", what, "an event that cannot be read");
    this.placesKnown = false;
  }

  private unjudgedFrom(code: string, what: string, why: string): void {
    if (this.custody.isKnown) this.sink.missedOut("custody", code, what, `no rules of custody from here on: ${why}`);
    this.custody.isKnown = false;
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
    if (entry) this.chain.judge(entry, index, where, this.treeKnown ? this.root(index) : null);
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
    if (index + 1 === this.options.adoptedAt) this.custody.keep();
  }

  private hide(entry: Entry | null, index: number, folder: string): void {
    if (!entry) return this.unknownFrom(folder);
    this.places.hide(entry, index, folder);
    this.noteEvent(entry.event, folder);
  }

  /** Every event is shown, or what a hidden one touches is known. */
  get isWhole(): boolean {
    return this.placesKnown && this.places.hidden.size === 0;
  }

  private noteEvent(digest: string, folder: string): void {
    if (this.seenEvents.has(digest)) {
      this.sink.find("E303", `${folder}/event.json`, "the same event as an entry before", "an event of its own");
    } else this.seenEvents.add(digest);
  }

  private async readEvent(entry: Entry | null, index: number, folder: string): Promise<void> {
    const where = `${folder}/event.json`;
    const bytes = await this.bytes(where, RECORD_FILE);
    if (!bytes) {
      if (entry) await this.checkSignatures(index, { event: null, message: null, entry, folder });
      return this.unknownFrom(where);
    }
    const digest = toHex(sha256(bytes));
    this.eventDigests[index] = digest;
    if (entry && digest !== entry.event) this.sink.find("E201", where, digest, entry.event);
    const read = readEvent(bytes);
    if ("fault" in read) this.sink.find(read.fault.code, where, read.fault.found);
    const event = "value" in read ? read.value : read.newer;
    if (!event) {
      this.types[index] = "";
      if (entry) await this.checkSignatures(index, { event: null, message: bytes, entry, folder });
      return this.unknownFrom(where);
    }
    this.sink.count("events");
    this.types[index] = event.type;
    this.noteEvent(digest, folder);
    await this.checkSignatures(index, { event, message: bytes, entry, folder });
    if (this.caseId !== null && event.case !== this.caseId)
      this.sink.find("E104", where, `case ${event.case}`, `case ${this.caseId}`);
    this.judgeSeen(event, index, where);
    const isNewer = "fault" in read;
    this.places.judge(entry, event, index, isNewer);
    this.hasUnknownTypes ||= isNewer || !isKnownType(event.type);
    if (isNewer) this.unjudgedFrom("unknown_version", where, "what an event of a newer version changes is not known");
    else if (!isKnownType(event.type))
      this.sink.missedOut("custody", "unknown_type", where, `events of type ${event.type} are not known`);
    for (const name of event.items) this.touched.set(name, index);
    if (KEPT.has(event.type) && !isNewer) this.kept.push({ index, event, digest });
    if (this.custody.isKnown) {
      this.custody.apply(event, index, where);
      this.sink.count("rules");
    }
    this.custody.judge(event, index, entry?.recorded_at ?? null, where, isNewer);
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

  private async checkSignatures(index: number, of: Omit<Signing, "keys">): Promise<void> {
    const signers = await readSignatures(this.files, this.sink, { ...of, keys: this.keys });
    if (of.event) this.signed.push({ index, actor: of.event.actor.id, signers });
  }

  private judgeSeen(event: Event, index: number, where: string): void {
    const { seen } = event;
    if (this.origin !== null && seen.origin !== this.origin) {
      if (index === 0) this.sink.find("E304", where, `seen.origin ${seen.origin}`, this.origin);
      else
        this.sink.missedOut(
          "custody",
          "foreign_log",
          where,
          `the signer had seen the log ${seen.origin}, which is not here`,
        );
      return;
    }
    if (BigInt(seen.size) > BigInt(index)) {
      this.sink.find("E304", where, `seen.size ${seen.size}`, `at most ${index}`);
      return;
    }
    const root = this.root(Number(seen.size));
    if (!root) this.sink.missedOut("record", "gap", where, "the tree that the signer had seen cannot be computed");
    else if (!equal(root, fromHex(seen.root)!)) {
      this.sink.find("E304", where, `seen.root ${seen.root}`, `${toHex(root)} at size ${seen.size}`);
    }
  }
}

function receiver(event: Event): string | null {
  const to = event.body["to"];
  if (typeof to === "string") return to;
  return typeof to === "object" && to !== null && !Array.isArray(to) && typeof to["id"] === "string" ? to["id"] : null;
}
