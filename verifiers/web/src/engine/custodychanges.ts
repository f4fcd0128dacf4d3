/** What an event makes of the items that it is about: who has them, offers, holds, seals (custody-log.md 4). */

import { keyOf, refusedItems, sealsFound, type State, texts } from "./custodystate";
import { isBefore, Item, type Span } from "./items";
import { isObj } from "./json";
import type { Event, Moment } from "./records";

/** What an event that broke no rule changes. */
export function change(state: State, event: Event, index: number, when: Span): void {
  const { type, actor, body, items } = event;
  if (type === "open") state.keys.opener = actor.key;
  state.keys.apply(event, index);
  if (type === "receive") state.packages.add(String(body["package"]));
  if (type === "adopt") state.branches.add(String(body["branch"]));
  const me = actor.key;
  for (const [place, name] of items.entries()) {
    let item = state.items.get(name);
    const fresh = item === undefined;
    if (!item) state.items.set(name, (item = new Item()));
    if (item.hidden) continue;
    if (fresh && place > 0 && (type === "split" || type === "copy")) part(state, item, items[0]!, type, when);
    else one(state, event, item, name, me, index, when);
    if (!item.latest || !isBefore(when, item.latest)) remember(event, item);
  }
}

function part(state: State, item: Item, from: string, type: string, when: Span): void {
  const parent = state.items.get(from)!;
  item.give(parent.holder, parent.keeper, when);
  item.out = parent.out;
  item.unknown = parent.unknown;
  item.acquired = parent.acquired;
  item.parent = from;
  if (type === "split") for (const hold of parent.holds) item.holds.add(hold);
}

/** Who holds an item of which nobody can say so is not changed by hearsay (custody-log.md 4.8). */
const OF_KNOWN = new Set("accept check_in check_out loan offer receipt receive refuse return".split(" "));

function one(state: State, event: Event, item: Item, name: string, me: string, index: number, when: Span): void {
  const { type, body } = event;
  if (item.unknown && OF_KNOWN.has(type)) return;
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
      return item.give(item.holder, keyOf(body["to"]), when);
    case "check_in":
    case "return":
      item.out = null;
      return item.give(item.holder, item.holder, when);
    case "offer": {
      const handedOver = isObj(body["handed_over_at"]) ? (body["handed_over_at"] as unknown as Moment) : null;
      item.offer = { entry: index, to: keyOf(body["to"])!, handedOver, carrier: body["carrier"] !== undefined };
      return;
    }
    case "accept":
      item.offer = null;
      if (state.isForeign(event) || !refusedItems(body).includes(name)) item.give(me, me, when);
      return;
    case "refuse":
      item.offer = null;
      return;
    case "receipt":
      if (body["offer"] === undefined) return;
      item.offer = null;
      if (body["answered"] === "accept" && !refusedItems(body).includes(name)) {
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
function remember({ type, body }: Event, item: Item): void {
  const found = sealsFound(body, item);
  if (type === "physical_seal") item.seals = new Set([...(found ?? []), ...texts(body["seals"])]);
  if (type === "physical_unseal" && found) {
    const off = texts(body["seals"]);
    item.seals = new Set([...found].filter((seal) => !off.includes(seal)));
  }
  if (type === "acquire" && Array.isArray(body["physical_seals"])) item.seals = new Set(texts(body["physical_seals"]));
  if (Array.isArray(body["seals_after"])) item.seals = new Set(texts(body["seals_after"]));
  else if (Array.isArray(body["seals_before"]) && type !== "physical_seal" && type !== "physical_unseal") {
    item.seals = new Set(texts(body["seals_before"]));
  }
  if (typeof body["condition"] === "string") item.condition = body["condition"];
  if (typeof body["condition_after"] === "string") item.condition = body["condition_after"];
  else if (typeof body["condition_before"] === "string") item.condition = body["condition_before"];
}
