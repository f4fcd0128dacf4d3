/** Rules about an event as a whole: whose signatures, how many items, what it refers to (custody-log.md 4). */

import { type Broken, refusedItems, type State } from "./custodystate";
import { brokenOfItem } from "./itemrules";
import type { Span } from "./items";
import { isObj, type Obj } from "./json";
import { type Event, signersOf } from "./records";

const ONE_ITEM = new Set(["acquire", "seal", "derive"]);
/** Events about requests between authorities (cooperation.md 7). */
export const EXCHANGE: ReadonlySet<string> = new Set([
  "acknowledge",
  "request_answered",
  "request_received",
  "request_sent",
  "request_withdrawn",
]);
const NO_ITEM = new Set(["open", "key_add", "key_retire", "key_revoke", "anchor", "countersign", ...EXCHANGE]);

/**
 * What an event of a known type breaks: of its own whatever there is, of each item the first (4.9). References stand
 * beside these.
 */
export function brokenRules(state: State, event: Event, index: number, when: Span): Broken[] {
  const { type, items } = event;
  const persons = state.keys.persons(event).size;
  const counted = itemsFault(event, state.isForeign(event));
  const whole = [
    ...spentRule(state, event, index),
    (type === "open") !== (index === 0) && { code: "E301", found: `${type} as event ${index}` },
    counted !== null && { code: "E301", found: counted },
    persons < signersOf(type) && { code: "E310", found: `${persons} who sign` },
    state.keys.judge(event, index),
    brokenWhole(state, event),
  ];
  return [...whole, ...items.map((name, place) => brokenOfItem(state, event, name, place, when))].filter(
    (one) => !!one,
  );
}

/** A key that signs no more (5.1), whatever the event is. */
export function spentRule(state: State, event: Event, index: number): Broken[] {
  const { type, body } = event;
  const spent = state.keys.refused(event, index);
  const isOwn = type === "key_revoke" && spent !== null && body["key"] === spent && !state.keys.revoked.has(spent);
  return spent === null || isOwn ? [] : [{ code: "E312", found: `${spent}, which signs no more` }];
}

/** Types of events to the members of their bodies that name an earlier event, one of them each. */
const REFERENCES: Record<string, readonly string[]> = {
  accept: ["offer"],
  acknowledge: ["received", "sent"],
  correct: ["corrects"],
  countersign: ["of"],
  receipt: ["export", "offer"],
  refuse: ["offer"],
  request_answered: ["received"],
  request_withdrawn: ["sent"],
};
/** The only type of event that a member may name; any, where it is not here. */
const OF_TYPE: Record<string, string> = {
  export: "export",
  offer: "offer",
  received: "request_received",
  sent: "request_sent",
};

/** E308 (4.5), or what it is that cannot be known; null where the reference is good, or there is none. */
export function brokenReference(state: State, event: Event, index: number): Broken | { unknown: string } | null {
  const { body, type } = event;
  const name = REFERENCES[type]?.find((one) => body[one] !== undefined);
  const named = name === undefined ? null : body[name];
  if (name === undefined || !isObj(named) || (name === "offer" && state.isForeign(event))) return null;
  const entry = BigInt(String(named["entry"]));
  if (entry >= BigInt(index)) return { code: "E308", found: `${name}: entry ${entry}` };
  const there = state.context.earlier(Number(entry));
  if (!there) return { unknown: `${name} names entry ${entry}, which cannot be read` };
  if (there.event !== named["event"]) return { code: "E308", found: `${name}: entry ${entry} is another event` };
  const wanted = OF_TYPE[name];
  if (wanted === undefined || there.type === wanted) return null;
  if (there.type === null) return { unknown: `${name} names entry ${entry}, whose event cannot be read` };
  return { code: "E308", found: `${name}: entry ${entry} is of type ${there.type}` };
}

function brokenWhole(state: State, event: Event): Broken | null {
  const { type, body, items } = event;
  const wrong = (found: string): Broken => ({ code: "E301", found });
  if (type === "receive") {
    if (state.packages.has(String(body["package"]))) return wrong("a package that was received before");
    if (isObj(body["log"]) && body["log"]["origin"] === state.context.origin) return wrong("a package of this log");
  }
  if (type === "adopt") {
    const branch = String(body["branch"]);
    if (state.branches.has(branch)) return wrong(`branch ${branch} is not new`);
    if (items.some((name) => !name.startsWith(`${branch}/`))) return wrong("an item of another branch");
  }
  if (type === "copy" || type === "split") {
    const parts = (body["parts"] as Obj[]).map((part) => String(part["item"]));
    if (items.slice(1).join("\n") !== parts.join("\n") || !parts.length)
      return wrong("items are not the item and its parts");
  }
  if (type === "accept" || type === "refuse") {
    if (state.isForeign(event)) {
      const isBare = body["message"] === undefined || (type === "accept" && body["offered_by"] === undefined);
      if (isBare) return wrong("an offer of another log without its message");
    } else {
      const refused = refusedItems(body);
      const isSome =
        refused.length === 0 || (refused.length < items.length && refused.every((name) => items.includes(name)));
      if (!isSome) return wrong("what is refused is not some of the items");
    }
  }
  const names = type === "accept" || type === "receive" ? (body["offered_as"] as string[] | undefined) : undefined;
  if (names && names.length !== items.length) return wrong("offered_as is not as long as items");
  return null;
}

function itemsFault(event: Event, foreign: boolean): string | null {
  const { type, items, body } = event;
  if (ONE_ITEM.has(type)) return items.length === 1 ? null : `${items.length} items`;
  if (NO_ITEM.has(type)) return items.length === 0 ? null : `${items.length} items`;
  if (type === "refuse" && foreign) return items.length === 0 ? null : `${items.length} items`;
  const may = type === "receive" && refusedItems(body).length > 0;
  return items.length || may ? null : "no items";
}
