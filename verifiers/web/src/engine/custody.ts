/** The rules of custody (custody-log.md 4 and 5): each event in turn, by what the log says before it. Reads no files. */

import { formatInstant, nanoseconds, PRECISIONS } from "./forms";
import { isBefore, Item, span, type Span } from "./items";
import { isObj, type Obj } from "./json";
import { Keys } from "./keys";
import { type Event, isKnownType, type Moment, signersOf } from "./records";
import type { Sink } from "./sink";

const HOUR = 3_600_000_000_000n;
const MINUTE = 60_000_000_000n;
const DAY_MS = 86_400_000n;
const MOST_HOLDS = 256;
const MOST_SEALS = 500;

const ONE_ITEM = new Set(["acquire", "seal", "derive"]);
const NO_ITEM = new Set(["open", "key_add", "key_retire", "key_revoke", "anchor", "countersign"]);
const CREATES = new Set(["identify", "collect", "acquire", "accept", "receive", "adopt"]);
const BY_KEEPER = new Set(["seal", "physical_seal", "physical_unseal", "store", "transport", "view", "analyse", "redact", "translate", "disclose", "copy", "split"]);
const BY_HOLDER = new Set(["check_out", "loan", "offer", "dispose", "release", "erase", "receipt"]);
const AFTER_THE_END = new Set(["correct", "verify", "export"]);

export interface Context {
  /** Name of this log, null where event 0 does not say. */
  origin: string | null;
  /** Digest and type of an earlier entry's event; type null where it is hidden or unreadable. */
  earlier(index: number): { event: string; type: string | null } | null;
}

interface Broken {
  code: string;
  found: string;
}

export class Custody {
  readonly items = new Map<string, Item>();
  readonly keys = new Keys();
  readonly packages = new Set<string>();
  readonly branches = new Set<string>();
  constructor(
    private readonly sink: Sink,
    readonly context: Context,
  ) {}

  /** One event; `where` names it in findings, `ruled` is false where hidden events keep rules from being applied. */
  apply(event: Event, index: number, recordedAt: string | null, where: string): void {
    const find = (code: string, found: string): void => this.sink.find(code, where, found);
    if (event.not_stated.length) find("W903", event.not_stated.join(", "));
    const when = span(event.occurred_at);
    const broken = isKnownType(event.type) ? this.judge(event, index, when) : [];
    if (!broken.length) this.clocks(event, recordedAt, when, find);
    for (const name of broken.length ? [] : event.items) {
      const item = this.items.get(name);
      if (item?.latest && isBefore(when, item.latest)) find("W914", `${event.type} at ${event.occurred_at.time}, before the item's last event`);
    }
    for (const { code, found } of new Map(broken.map((b) => [b.code, b])).values()) find(code, found);
    if (isKnownType(event.type) && !broken.length) {
      this.warn(event, when, find);
      this.change(event, index, when);
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

  /** A type that is not known: from here on nobody knows who has the items. A rule that was broken: new items begin so. */
  private leave(event: Event, unknownType: boolean): void {
    for (const name of event.items) {
      const item = this.items.get(name);
      if (item && !unknownType) continue;
      const left = item ?? new Item();
      left.unknown = true;
      if (!item) this.items.set(name, left);
    }
  }

  /** A hidden event touches an item: no rules are applied to it from now on. */
  hide(name: string): void {
    const item = this.items.get(name) ?? new Item();
    item.hidden = true;
    item.unknown = true;
    this.items.set(name, item);
  }

  private clocks(event: Event, recordedAt: string | null, when: Span, find: (code: string, found: string) => void): void {
    if (recordedAt !== null) {
      const recorded = nanoseconds(recordedAt);
      if (when.end < recorded - HOUR) find("W914", `${event.occurred_at.time}, recorded at ${recordedAt}`);
      if (when.start > recorded + 5n * MINUTE) find("W915", event.occurred_at.time);
    }
    const clock = event.body["clock_reference"];
    if (!isObj(clock) || !isObj(clock["device_clock"]) || !isObj(clock["reference_clock"]) || clock["offset_ms"] === undefined) {
      if (isObj(clock) && typeof clock["offset_ms"] === "string" && !offsetFits(clock["offset_ms"])) find("W920", `offset_ms ${clock["offset_ms"]}`);
      return;
    }
    const device = clock["device_clock"] as unknown as Moment;
    const reference = clock["reference_clock"] as unknown as Moment;
    const text = String(clock["offset_ms"]);
    const slack = [PRECISIONS[device.precision]!, PRECISIONS[reference.precision]!, 1_000_000_000n].reduce((a, b) => (a > b ? a : b));
    const true_ = nanoseconds(device.time) - nanoseconds(reference.time);
    const off = offsetFits(text) ? BigInt(text) * 1_000_000n - true_ : slack + 1n;
    if (off > slack || off < -slack) find("W920", `offset_ms ${text}`);
  }

  private judge(event: Event, index: number, when: Span): Broken[] {
    const { type, items, body } = event;
    const spent = this.keys.refused(event, index);
    const spentNow = spent !== null && !(type === "key_revoke" && body["key"] === spent && !this.keys.revoked.has(spent));
    if (spentNow) return [{ code: "E312", found: `${spent}, which signs no more` }];
    if ((type === "open") !== (index === 0)) return [{ code: "E301", found: `${type} as event ${index}` }];
    const counted = itemsFault(event, this.isForeign(event));
    if (counted) return [{ code: "E301", found: counted }];
    if (this.keys.persons(event).size < signersOf(type) && type !== "key_add") return [{ code: "E310", found: `${this.keys.persons(event).size} who sign` }];
    if (type === "key_add" && event.signers.length < 2) return [{ code: "E310", found: "1 who signs" }];
    const key = this.keys.judge(event, index);
    if (key) return [key];
    const reference = this.references(event, index);
    if (reference) return [reference];
    const whole = this.wholeEvent(event);
    if (whole) return [whole];
    return items.flatMap((name, place) => this.item(event, name, place, when) ?? []);
  }

  private isForeign(event: Event): boolean {
    const offer = event.body["offer"];
    return isObj(offer) && typeof offer["origin"] === "string" && this.context.origin !== null && offer["origin"] !== this.context.origin;
  }

  /** E308 (4.5). */
  private references({ body, type }: Event, index: number): Broken | null {
    if (type === "receipt" && (body["offer"] === undefined) === (body["export"] === undefined)) return { code: "E301", found: "a receipt of neither or both" };
    for (const [name, wanted] of [["corrects", null], ["of", null], ["offer", "offer"], ["export", "export"]] as const) {
      const named = body[name];
      if (!isObj(named) || typeof named["entry"] !== "string") continue;
      if (name === "offer" && typeof named["origin"] === "string" && this.context.origin !== null && named["origin"] !== this.context.origin) continue;
      const entry = BigInt(named["entry"]);
      const there = entry < BigInt(index) ? this.context.earlier(Number(entry)) : null;
      if (!there || there.event !== named["event"]) return { code: "E308", found: `${name}: entry ${entry} is another event, or none` };
      if (wanted && there.type !== null && there.type !== wanted) return { code: "E308", found: `${name}: entry ${entry} is of type ${there.type}` };
    }
    return null;
  }

  private wholeEvent(event: Event): Broken | null {
    const { type, body, items } = event;
    const wrong = (found: string): Broken => ({ code: "E301", found });
    if (type === "receive") {
      if (this.packages.has(String(body["package"]))) return wrong("a package that was received before");
      if (isObj(body["log"]) && body["log"]["origin"] === this.context.origin) return wrong("a package of this log");
    }
    if (type === "adopt") {
      const branch = String(body["branch"]);
      if (this.branches.has(branch)) return wrong(`branch ${branch} is not new`);
      if (items.some((name) => !name.startsWith(`${branch}/`))) return wrong("an item of another branch");
    }
    if (type === "copy" || type === "split") {
      const parts = (body["parts"] as Obj[]).map((part) => String(part["item"]));
      if (items.slice(1).join("\n") !== parts.join("\n") || !parts.length) return wrong("items are not the item and its parts");
    }
    if (type === "accept" || type === "refuse") {
      if (this.isForeign(event) && (body["message"] === undefined || (type === "accept" && body["offered_by"] === undefined))) return wrong("an offer of another log without its message");
      if (!this.isForeign(event)) {
        const refused = refusedItems(body);
        if (refused.some((name) => !items.includes(name)) || (refused.length > 0 && refused.length >= items.length)) return wrong("what is refused is not some of the items");
      }
    }
    if (["accept", "receive"].includes(type) && body["offered_as"] !== undefined && (body["offered_as"] as string[]).length !== items.length) return wrong("offered_as is not as long as items");
    return null;
  }

  /** The first rule that an event breaks of one of its items. */
  private item(event: Event, name: string, place: number, when: Span): Broken | null {
    const { type, actor, body } = event;
    const item = this.items.get(name);
    const isPart = place > 0 && (type === "copy" || type === "split");
    const creates = CREATES.has(type) && (type !== "accept" || this.isForeign(event));
    if (!item) {
      if (!creates && !isPart) return { code: "E301", found: `no item ${name}` };
      return type !== "adopt" && name.includes("/") ? { code: "E301", found: `${name} cannot begin in this log` } : null;
    }
    if (item.hidden) return null;
    const me = this.keys.person(actor.key);
    const isMe = (key: string | null): boolean => key !== null && this.keys.person(key) === me;
    if (isPart) return { code: "E301", found: `${name} is not new` };
    const closesTransfer = type === "receipt" && body["export"] !== undefined;
    if (item.ended && !AFTER_THE_END.has(type) && !closesTransfer) return { code: "E315", found: `${name} has ended` };
    const late = (): boolean => {
      if (!item.latest || !isBefore(when, item.latest)) return false;
      const then = item.keeperAt(when);
      return then !== undefined && isMe(then.who);
    };
    const free = item.unknown;
    if (BY_KEEPER.has(type) && !free && !isMe(item.keeper) && !late()) return { code: "E311", found: `${name} is with another` };
    if (BY_HOLDER.has(type) && !closesTransfer && !free && !isMe(item.holder)) return { code: "E311", found: `another holds ${name}` };
    const wrong = (found: string): Broken => ({ code: "E301", found: `${name}: ${found}` });
    switch (type) {
      case "identify":
      case "adopt":
        return wrong("it is not new");
      case "collect":
        return item.holder !== null || free ? (free ? null : wrong("somebody holds it")) : null;
      case "acquire":
        if (free || item.lastType === "acquire" || isMe(item.keeper) || late()) return null;
        return item.root === null && item.holder === null ? null : { code: "E311", found: `${name} is with another` };
      case "seal":
        return !item.acquired && !free ? wrong("it was not acquired") : item.root !== null ? wrong("it is sealed") : null;
      case "derive":
        return item.root === null ? (free ? null : wrong("it is not sealed")) : item.root === body["base_root"] ? null : wrong("it has another root");
      case "physical_seal":
        return (item.seals?.size ?? 0) + texts(body["seals"]).filter((seal) => !item.seals?.has(seal)).length > MOST_SEALS ? wrong("too many seals") : null;
      case "check_out":
      case "loan":
        return item.out ? wrong("it is out") : null;
      case "check_in":
      case "return":
        if (free) return null;
        if (item.out?.type !== (type === "return" ? "loan" : "check_out")) return wrong("it is not out");
        return isMe(item.keeper) || isMe(item.holder) || late() ? null : { code: "E311", found: `${name} is with another` };
      case "offer": {
        if (item.out) return wrong("it is out");
        return isMe(keyOf(body["to"])) ? wrong("it is offered to its holder") : null;
      }
      case "accept":
      case "refuse":
        return this.answer(event, name, item, isMe, free);
      case "receipt":
        return closesTransfer ? null : this.receipt(event, name, item, free);
      case "receive":
        return isMe(item.holder) || free ? null : { code: "E311", found: `another holds ${name}` };
      case "hold":
        if (item.holds.has(String(body["hold"]))) return wrong("a hold of that name is open");
        return item.holds.size >= MOST_HOLDS ? wrong("too many holds") : null;
      case "extend":
      case "hold_release":
        return item.holds.has(String(body["hold"])) || free ? null : wrong("no such hold");
      case "dispose":
      case "release":
      case "erase":
        if (item.out) return wrong("it is out");
        return item.holds.size ? { code: "E316", found: `${name} is under hold ${[...item.holds].join(", ")}` } : null;
      default:
        return null;
    }
  }

  private answer(event: Event, name: string, item: Item, isMe: (key: string | null) => boolean, free: boolean): Broken | null {
    const { body, type } = event;
    if (this.isForeign(event)) {
      if (type === "refuse") return null;
      const by = keyOf(body["offered_by"]);
      const same = by !== null && item.holder !== null && this.keys.person(by) === this.keys.person(item.holder);
      return same || free ? null : { code: "E311", found: `another than who offered it holds ${name}` };
    }
    if (free) return null;
    if (!item.offer || BigInt(String((body["offer"] as Obj)["entry"])) !== BigInt(item.offer.entry)) return { code: "E314", found: `${name}: no open offer` };
    return isMe(item.offer.to) ? null : { code: "E313", found: `${name} was offered to another` };
  }

  private receipt({ body }: Event, name: string, item: Item, free: boolean): Broken | null {
    if (free) return null;
    if (!item.offer || BigInt(String((body["offer"] as Obj)["entry"])) !== BigInt(item.offer.entry)) return { code: "E314", found: `${name}: no open offer` };
    const by = keyOf(body["answered_by"]);
    return by !== null && this.keys.person(by) === this.keys.person(item.offer.to) ? null : { code: "E313", found: `${name} was offered to another` };
  }

  /** What is allowed and yet to be named, of an event that breaks no rule. */
  private warn(event: Event, when: Span, find: (code: string, found: string) => void): void {
    const { type, body, actor } = event;
    if (type === "accept") {
      if (body["digests_checked"] === undefined || body["digests_checked"] === "none") find("W918", "digests were not compared");
    }
    const acts = BY_KEEPER.has(type) || BY_HOLDER.has(type) || ["check_in", "return", "acquire"].includes(type);
    for (const [place, name] of event.items.entries()) {
      const item = this.items.get(name);
      if (!item || item.hidden || (place > 0 && (type === "copy" || type === "split"))) continue;
      const then = item.keeperAt(when);
      if (acts && then?.who && !item.unknown && item.latest && isBefore(when, item.latest) && this.keys.person(then.who) !== this.keys.person(actor.key)) {
        find("W913", `${type} at ${event.occurred_at.time}, when another had ${name}`);
      }
      if (type === "accept" && item.offer?.handedOver && !item.offer.carrier && body["carrier"] === undefined && isBefore(span(item.offer.handedOver), when) && !refusedItems(body).includes(name)) {
        find("W912", `${name} was handed over at ${item.offer.handedOver.time}`);
      }
      if (item.offer && ["offer", "loan", "check_out", "reassign", "dispose", "release"].includes(type)) this.unanswered(item, name);
      if (item.offer && type === "erase" && body["whole"] === true) this.unanswered(item, name);
      if (item.latest && isBefore(when, item.latest)) continue;
      this.stated(event, name, item, find);
    }
  }

  private stated({ type, body }: Event, name: string, item: Item, find: (code: string, found: string) => void): void {
    if (Array.isArray(body["seals_before"]) && item.seals) {
      const before = texts(body["seals_before"]);
      if (before.length !== item.seals.size || before.some((seal) => !item.seals!.has(seal))) find("W916", `${name}: ${before.join(", ")}`);
    } else if (type === "physical_unseal" && item.seals && texts(body["seals"]).some((seal) => !item.seals!.has(seal))) {
      find("W916", `${name}: a seal that was not on`);
    }
    if (typeof body["condition_before"] === "string" && item.condition !== null && body["condition_before"] !== item.condition) {
      find("W917", `${name}: ${body["condition_before"]}`);
    }
  }

  private unanswered(item: Item, name: string): void {
    this.sink.find("W911", this.place(item.offer!.entry), `${name}: nobody answered`);
  }

  /** Where an event stands; set by whoever walks the log. */
  place: (index: number) => string = (index) => `custody/${String(index).padStart(8, "0")}/event.json`;

  private change(event: Event, index: number, when: Span): void {
    const { type, actor, body, items } = event;
    if (type === "open") this.keys.opener = actor.key;
    this.keys.apply(event, index);
    if (type === "receive") this.packages.add(String(body["package"]));
    if (type === "adopt") this.branches.add(String(body["branch"]));
    const me = actor.key;
    for (const [place, name] of items.entries()) {
      let item = this.items.get(name);
      const fresh = item === undefined;
      if (!item) this.items.set(name, (item = new Item()));
      if (item.hidden) continue;
      if (fresh && place > 0 && (type === "split" || type === "copy")) this.part(item, items[0]!, type, when);
      else this.one(event, item, name, me, index, when);
      if (!item.latest || !isBefore(when, item.latest)) this.remember(event, item);
    }
  }

  private part(item: Item, from: string, type: string, when: Span): void {
    const parent = this.items.get(from)!;
    item.give(parent.holder, parent.keeper, when);
    item.out = parent.out;
    item.unknown = parent.unknown;
    item.acquired = parent.acquired;
    item.parent = from;
    if (type === "split") for (const hold of parent.holds) item.holds.add(hold);
  }

  private one(event: Event, item: Item, name: string, me: string, index: number, when: Span): void {
    const { type, body } = event;
    switch (type) {
      case "identify":
        return;
      case "collect":
        return item.unknown ? undefined : item.give(me, me, when);
      case "acquire":
        item.acquired = true;
        item.digests = texts(body["digests"]);
        if (item.holder === null && !item.unknown) item.give(me, me, when);
        return;
      case "seal":
        item.root = String(body["root"]);
        return;
      case "adopt":
      case "receive":
        return item.unknown ? undefined : item.give(me, me, when);
      case "check_out":
      case "loan":
        item.offer = null;
        item.out = { type, index, due: isObj(body["due"]) ? (body["due"] as unknown as Moment) : null };
        return item.unknown ? undefined : item.give(item.holder, keyOf(body["to"]), when);
      case "check_in":
      case "return":
        item.out = null;
        return item.unknown ? undefined : item.give(item.holder, item.holder, when);
      case "offer": {
        const handedOver = isObj(body["handed_over_at"]) ? (body["handed_over_at"] as unknown as Moment) : null;
        item.offer = { entry: index, to: keyOf(body["to"])!, handedOver, carrier: body["carrier"] !== undefined };
        return;
      }
      case "accept":
        item.offer = null;
        if (!item.unknown && (this.isForeign(event) || !refusedItems(body).includes(name))) item.give(me, me, when);
        return;
      case "refuse":
        item.offer = null;
        return;
      case "receipt":
        if (body["offer"] === undefined) return;
        item.offer = null;
        if (body["answered"] === "accept" && !item.unknown && !refusedItems(body).includes(name)) {
          const by = keyOf(body["answered_by"]);
          item.give(by, by, when);
        }
        return;
      case "reassign": {
        const to = keyOf(body["to"]);
        item.unknown = false;
        item.offer = null;
        item.out = null;
        return item.give(to, to, when);
      }
      case "hold":
        item.holds.add(String(body["hold"]));
        return;
      case "hold_release":
        item.holds.delete(String(body["hold"]));
        return;
      case "dispose":
      case "release":
        item.ended = true;
        item.offer = null;
        return;
      case "erase":
        if (body["whole"] === true) {
          item.ended = true;
          item.offer = null;
        }
        return;
      default:
        return;
    }
  }

  /** Seals and condition as last stated. */
  private remember({ type, body }: Event, item: Item): void {
    if (type === "physical_seal") item.seals = new Set([...(item.seals ?? []), ...texts(body["seals"])]);
    if (type === "physical_unseal" && item.seals) for (const seal of texts(body["seals"])) item.seals.delete(seal);
    if (type === "acquire" && Array.isArray(body["physical_seals"])) item.seals = new Set(texts(body["physical_seals"]));
    if (Array.isArray(body["seals_after"])) item.seals = new Set(texts(body["seals_after"]));
    else if (Array.isArray(body["seals_before"]) && type !== "physical_seal" && type !== "physical_unseal") item.seals = new Set(texts(body["seals_before"]));
    if (typeof body["condition"] === "string") item.condition = body["condition"];
    if (typeof body["condition_after"] === "string") item.condition = body["condition_after"];
    else if (typeof body["condition_before"] === "string") item.condition = body["condition_before"];
  }

  /** What can be said only at the end: `adopted` offers (entry/item) were taken over by another case; `now` in nanoseconds. */
  finish(now: bigint | null, adopted: ReadonlySet<string> | null = null): void {
    for (const [name, item] of this.items) {
      if (item.hidden) continue;
      if (item.offer && !adopted?.has(name)) this.unanswered(item, name);
      if (item.out?.due && now !== null && span(item.out.due).end < now && !item.ended) {
        this.sink.find("W919", this.place(item.out.index), `${name}: still out at ${formatInstant(now)}`);
      }
    }
    for (const { index, key, from } of this.keys.reachedBack()) this.sink.find("E312", this.place(index), `${key}, which is not believed from entry ${from} on`);
  }
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);
const keyOf = (value: unknown): string | null => (isObj(value) && typeof value["key"] === "string" ? value["key"] : null);
export const refusedItems = (body: Obj): string[] => (Array.isArray(body["refused"]) ? body["refused"].map((one) => String((one as Obj)["item"])) : []);

/** An integer of milliseconds within a day. */
function offsetFits(text: string): boolean {
  if (!/^-?(?:0|[1-9][0-9]{0,17})$/.test(text) || text === "-0") return false;
  const value = BigInt(text);
  return value <= DAY_MS && value >= -DAY_MS;
}

function itemsFault(event: Event, foreign: boolean): string | null {
  const { type, items, body } = event;
  if (ONE_ITEM.has(type)) return items.length === 1 ? null : `${items.length} items`;
  if (NO_ITEM.has(type)) return items.length === 0 ? null : `${items.length} items`;
  if (type === "refuse" && foreign) return items.length === 0 ? null : `${items.length} items`;
  const may = type === "receive" && refusedItems(body).length > 0;
  return items.length || may ? null : "no items";
}
