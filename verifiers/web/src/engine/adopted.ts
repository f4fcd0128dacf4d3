/** An adopted case against the event that adopted it (verification.md 1.17). */

import { toHex } from "./bytes";
import { number8 } from "./files";
import { isObj } from "./json";
import type { Kept, Log } from "./log";
import type { Head } from "./records";
import type { Sink } from "./sink";

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
  const { body, items, actor } = adopt.event;
  const where = `custody/${number8(adopt.index)}/event.json`;
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
  if (!log.custody.isKnown)
    return aboveSink.missedOut("custody", "gap", where, "what was offered needs events that cannot be read");
  const names = new Set(items.map((name) => name.slice(name.indexOf("/") + 1)));
  for (const [index, touched] of log.touched) {
    if (index >= size && touched.some((name) => names.has(name))) {
      sink.find(
        "E318",
        `custody/${number8(index)}/event.json`,
        "an event on an item that was adopted",
        `nothing from entry ${size} on`,
      );
    }
  }
  for (const other of log.notes.sizes) {
    if (other > size) {
      sink.find("W902", `checkpoints/${number8(other)}`, "a checkpoint behind the tree that was adopted");
    }
  }
  if (log.size > size) return;
  const isAdopter = (key: string): boolean => above.custody.keys.person(key) === above.custody.keys.person(actor.key);
  const offers = new Set<number>();
  for (const name of names) {
    const item = log.custody.items.get(name);
    if (item?.hidden || item?.unknown) continue;
    if (!item?.offer || !isAdopter(item.offer.to))
      aboveSink.find("E314", where, `${name}: no open offer to the adopter`);
    else offers.add(item.offer.entry);
  }
  for (const [name, item] of log.custody.items) {
    if (item.offer && offers.has(item.offer.entry) && !names.has(name) && isAdopter(item.offer.to) && !stated) {
      aboveSink.find("E314", where, `${name}: offered by the same event, and left out`);
    }
  }
}
