/** What the log has said so far of items, keys and packages: what the rules of custody go by (custody-log.md 4). */

import type { Item } from "./items";
import { isObj, type Obj } from "./json";
import { Keys } from "./keys";
import type { Event } from "./records";

export interface Context {
  /** Name of this log, null where event 0 does not say. */
  origin: string | null;
  /**
   * Digest and type of an earlier entry's event; type null where it is hidden or not there, empty where it is no event.
   */
  earlier(index: number): { event: string; type: string | null } | null;
}

export class State {
  readonly items = new Map<string, Item>();
  readonly keys = new Keys();
  readonly packages = new Set<string>();
  readonly branches = new Set<string>();
  constructor(readonly context: Context) {}

  /** It answers an offer of another log. */
  isForeign(event: Event): boolean {
    const offer = event.body["offer"];
    const { origin } = this.context;
    return isObj(offer) && typeof offer["origin"] === "string" && origin !== null && offer["origin"] !== origin;
  }
}

/** A rule that an event breaks. */
export interface Broken {
  code: string;
  found: string;
}

const set = (names: string): ReadonlySet<string> => new Set(names.split(" "));
/** Acts of who has the item in his hands, and acts of who answers for it (custody-log.md 4). */
export const BY_KEEPER = set(
  "seal physical_seal physical_unseal store transport view analyse redact translate disclose copy split",
);
export const BY_HOLDER = set("check_out loan offer dispose release erase receipt");

export const texts = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);
export const keyOf = (value: unknown): string | null =>
  isObj(value) && typeof value["key"] === "string" ? value["key"] : null;
/** Physical seals on an item before an event: as found, else as last stated; null where nobody said. */
export const sealsFound = (body: Obj, item: Item): ReadonlySet<string> | null =>
  Array.isArray(body["seals_before"]) ? new Set(texts(body["seals_before"])) : item.seals;
export const refusedItems = (body: Obj): string[] =>
  Array.isArray(body["refused"]) ? body["refused"].map((one) => String((one as Obj)["item"])) : [];
