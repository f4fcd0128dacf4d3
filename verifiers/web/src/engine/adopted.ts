/** An adopted case against the event that adopted it (verification.md 1.17). */

import { toHex } from "./bytes";
import { eventFile, number8 } from "./files";
import { isObj } from "./json";
import type { Kept, Log } from "./log";
import type { Head } from "./records";
import type { Sink } from "./sink";

/** What another case has adopted of a log. */
export interface Takeover {
  /** Items, as this log names them. */
  items: ReadonlySet<string>;
  /** Size of its tree then; null where the event does not say. */
  size: number | null;
}

/** What an `adopt` event takes over; nothing where there is none. */
export function takeoverBy(adopt: Kept | undefined): Takeover {
  const log = adopt?.event.body["log"];
  const items = (adopt?.event.items ?? []).map((name) => name.slice(name.indexOf("/") + 1));
  return { items: new Set(items), size: isObj(log) ? Number(log["size"]) : null };
}

/** `stated` is the checkpoint that a package says the case ends with; `otherwise` is told where that is another. */
export function judgeAdopted(
  adopt: Kept,
  above: Log,
  aboveSink: Sink,
  log: Log,
  sink: Sink,
  stated: Head | null,
  otherwise: () => void,
): void {
  const { body, actor } = adopt.event;
  const where = eventFile(adopt.index);
  const head = isObj(body["log"]) ? (body["log"] as unknown as Head) : null;
  if (!head) return;
  const opening = stated ? "custody/00000000/event.json" : "case.json";
  if (log.caseId !== null && body["case"] !== log.caseId)
    return sink.find("E317", opening, `case ${log.caseId}`, `case ${String(body["case"])}`);
  const size = Number(head.size);
  const end = `checkpoints/${number8(size)}`;
  const expected = `${head.origin} ${head.size} ${head.root}`;
  if (!log.size || log.size < size || log.origin !== head.origin)
    return sink.find("E317", end, `${log.origin} ${log.size}`, expected);
  const root = log.root(size);
  if (!root) return sink.missedOut("custody", "gap", end, "its root needs entries that cannot be read");
  if (toHex(root) !== head.root) return sink.find("E317", end, `${log.origin} ${size} ${toHex(root)}`, expected);
  if (stated && stated.size !== head.size) otherwise();
  const { kept } = log.custody;
  if (!kept)
    return aboveSink.missedOut("custody", "gap", where, "what was offered needs events that cannot be read");
  const { items: names } = takeoverBy(adopt);
  const last = new Set([...names].map((name) => log.touched.get(name) ?? 0).filter((index) => index >= size));
  for (const index of last)
    sink.find("E318", eventFile(index), "an event on an item that was adopted", `nothing from entry ${size} on`);
  for (const other of log.notes.sizes) {
    if (other > size) {
      sink.find("W902", `checkpoints/${number8(other)}`, "a checkpoint behind the tree that was adopted");
    }
  }
  const isAdopter = (key: string): boolean => above.custody.keys.person(key) === above.custody.keys.person(actor.key);
  const offers = new Set<number>();
  for (const name of names) {
    const item = kept.get(name);
    if (item?.hidden || item?.unknown) continue;
    if (!item?.offer || !isAdopter(item.offer.to))
      aboveSink.find("E314", where, `${name}: no open offer to the adopter`);
    else offers.add(item.offer.entry);
  }
  for (const [name, item] of kept) {
    if (item.offer && offers.has(item.offer.entry) && !names.has(name) && isAdopter(item.offer.to) && !stated) {
      aboveSink.find("E314", where, `${name}: offered by the same event, and left out`);
    }
  }
}
