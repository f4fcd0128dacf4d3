/** Rules about an event as a whole: whose signatures, how many items, what it refers to (custody-log.md 4). */

import { type Broken, refusedItems, type State } from "./custodystate";
import { brokenOfItem } from "./itemrules";
import type { Span } from "./items";
import { isObj, type Obj } from "./json";
import { type Event, signersOf } from "./records";

const ONE_ITEM = new Set(["acquire", "seal", "derive"]);
const NO_ITEM = new Set(["open", "key_add", "key_retire", "key_revoke", "anchor", "countersign"]);

/** What an event breaks: one rule of its own, or of each item the first. */
export function brokenRules(state: State, event: Event, index: number, when: Span): Broken[] {
  const { type, items, body } = event;
  const spent = state.keys.refused(event, index);
  const spentNow = spent !== null && !(type === "key_revoke" && body["key"] === spent && !state.keys.revoked.has(spent));
  if (spentNow) return [{ code: "E312", found: `${spent}, which signs no more` }];
  if ((type === "open") !== (index === 0)) return [{ code: "E301", found: `${type} as event ${index}` }];
  const counted = itemsFault(event, state.isForeign(event));
  if (counted) return [{ code: "E301", found: counted }];
  const persons = state.keys.persons(event).size;
  if (persons < signersOf(type) && type !== "key_add") return [{ code: "E310", found: `${persons} who sign` }];
  if (type === "key_add" && event.signers.length < 2) return [{ code: "E310", found: "1 who signs" }];
  const key = state.keys.judge(event, index);
  if (key) return [key];
  const reference = brokenReference(state, event, index);
  if (reference) return [reference];
  const whole = brokenWhole(state, event);
  if (whole) return [whole];
  return items.flatMap((name, place) => brokenOfItem(state, event, name, place, when) ?? []);
}

/** E308 (4.5). */
function brokenReference(state: State, { body, type }: Event, index: number): Broken | null {
  if (type === "receipt" && (body["offer"] === undefined) === (body["export"] === undefined)) {
    return { code: "E301", found: "a receipt of neither or both" };
  }
  const { origin } = state.context;
  for (const [name, wanted] of [["corrects", null], ["of", null], ["offer", "offer"], ["export", "export"]] as const) {
    const named = body[name];
    if (!isObj(named) || typeof named["entry"] !== "string") continue;
    if (name === "offer" && typeof named["origin"] === "string" && origin !== null && named["origin"] !== origin) continue;
    const entry = BigInt(named["entry"]);
    const there = entry < BigInt(index) ? state.context.earlier(Number(entry)) : null;
    if (!there || there.event !== named["event"]) return { code: "E308", found: `${name}: entry ${entry} is another event, or none` };
    if (wanted && there.type !== null && there.type !== wanted) {
      return { code: "E308", found: `${name}: entry ${entry} is of type ${there.type}` };
    }
  }
  return null;
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
    if (items.slice(1).join("\n") !== parts.join("\n") || !parts.length) return wrong("items are not the item and its parts");
  }
  if (type === "accept" || type === "refuse") {
    if (state.isForeign(event)) {
      const isBare = body["message"] === undefined || (type === "accept" && body["offered_by"] === undefined);
      if (isBare) return wrong("an offer of another log without its message");
    } else {
      const refused = refusedItems(body);
      const isSome = refused.length === 0 || (refused.length < items.length && refused.every((name) => items.includes(name)));
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
