/** Rules about one item of an event: who may do it, and when (custody-log.md 4). Reads no files. */

import { type Broken, BY_HOLDER, BY_KEEPER, keyOf, type State, texts } from "./custodystate";
import { isBefore, type Item, type Offer, type Span } from "./items";
import type { Obj } from "./json";
import type { Event } from "./records";

const CREATES = new Set(["identify", "collect", "acquire", "accept", "receive", "adopt"]);
const AFTER_THE_END = new Set(["correct", "verify", "export"]);
const MOST_HOLDS = 256;
const MOST_SEALS = 500;

/** The first rule that an event breaks of one of its items. */
export function brokenOfItem(state: State, event: Event, name: string, place: number, when: Span): Broken | null {
  const { type, actor, body } = event;
  const item = state.items.get(name);
  const isPart = place > 0 && (type === "copy" || type === "split");
  const creates = CREATES.has(type) && (type !== "accept" || state.isForeign(event));
  if (!item) {
    if (!creates && !isPart) return { code: "E301", found: `no item ${name}` };
    return type !== "adopt" && name.includes("/") ? { code: "E301", found: `${name} cannot begin in this log` } : null;
  }
  if (item.hidden) return null;
  const me = state.keys.person(actor.key);
  const isMe = (key: string | null): boolean => key !== null && state.keys.person(key) === me;
  if (isPart) return { code: "E301", found: `${name} is not new` };
  const closesTransfer = type === "receipt" && body["export"] !== undefined;
  if (item.ended && !AFTER_THE_END.has(type) && !closesTransfer) return { code: "E315", found: `${name} has ended` };
  const late = (): boolean => {
    if (!item.latest || !isBefore(when, item.latest)) return false;
    const then = item.keeperAt(when);
    return then !== undefined && isMe(then.who);
  };
  const free = item.unknown;
  if (BY_KEEPER.has(type) && !free && !isMe(item.keeper) && !late())
    return { code: "E311", found: `${name} is with another` };
  if (BY_HOLDER.has(type) && !closesTransfer && !free && !isMe(item.holder))
    return { code: "E311", found: `another holds ${name}` };
  const wrong = (found: string): Broken => ({ code: "E301", found: `${name}: ${found}` });
  switch (type) {
    case "identify":
    case "adopt":
      return wrong("it is not new");
    case "collect":
      return item.holder !== null && !free ? wrong("somebody holds it") : null;
    case "acquire":
      if (item.root !== null) return wrong("it is sealed");
      if (free || item.lastType === "acquire" || isMe(item.keeper) || late()) return null;
      return item.holder === null ? null : { code: "E311", found: `${name} is with another` };
    case "seal":
      return !item.acquired && !free ? wrong("it was not acquired") : item.root !== null ? wrong("it is sealed") : null;
    case "derive":
      if (item.root === null) return wrong("it is not sealed");
      return item.root === body["base_root"] ? null : wrong("it has another root");
    case "physical_seal": {
      const added = texts(body["seals"]).filter((seal) => !item.seals?.has(seal));
      return (item.seals?.size ?? 0) + added.length > MOST_SEALS ? wrong("too many seals") : null;
    }
    case "check_out":
    case "loan":
      return item.out ? wrong("it is out") : null;
    case "check_in":
    case "return":
      if (free) return null;
      if (item.out?.type !== (type === "return" ? "loan" : "check_out")) return wrong("it is not out");
      return isMe(item.keeper) || isMe(item.holder) || late()
        ? null
        : { code: "E311", found: `${name} is with another` };
    case "offer": {
      if (item.out) return wrong("it is out");
      return isMe(keyOf(body["to"])) ? wrong("it is offered to its holder") : null;
    }
    case "accept":
    case "refuse":
      return answerFault(state, event, name, item, isMe, free);
    case "receipt":
      return closesTransfer ? null : receiptFault(state, event, name, item, free);
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

type Is = (key: string | null) => boolean;

function answerFault(state: State, event: Event, name: string, item: Item, isMe: Is, free: boolean): Broken | null {
  const { body, type } = event;
  if (state.isForeign(event)) {
    if (type === "refuse") return null;
    const by = wasAdopted(state, event, name) ? event.actor.key : keyOf(body["offered_by"]);
    const same = by !== null && item.holder !== null && state.keys.person(by) === state.keys.person(item.holder);
    return same || free ? null : { code: "E311", found: `another than who offered it holds ${name}` };
  }
  if (free) return null;
  if (!item.offer || !answers(body, item.offer)) return { code: "E314", found: `${name}: no open offer` };
  return isMe(item.offer.to) ? null : { code: "E313", found: `${name} was offered to another` };
}

/** Whether an item came with its case, in which it has the name that the offer gives it. */
function wasAdopted(state: State, { body, items }: Event, name: string): boolean {
  const [branch = "", ...rest] = name.split("/");
  const named = body["offered_as"] as string[] | undefined;
  return rest.length > 0 && state.branches.has(branch) && named?.[items.indexOf(name)] === rest.join("/");
}

function receiptFault(state: State, { body }: Event, name: string, item: Item, free: boolean): Broken | null {
  if (free) return null;
  if (!item.offer || !answers(body, item.offer)) return { code: "E314", found: `${name}: no open offer` };
  const by = keyOf(body["answered_by"]);
  const isTheirs = by !== null && state.keys.person(by) === state.keys.person(item.offer.to);
  return isTheirs ? null : { code: "E313", found: `${name} was offered to another` };
}

const answers = (body: Obj, offer: Offer): boolean =>
  BigInt(String((body["offer"] as Obj)["entry"])) === BigInt(offer.entry);
