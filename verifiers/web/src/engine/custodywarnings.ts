/** What is allowed and yet to be named: clocks, open offers, seals, conditions (custody-log.md 4). */

import { BY_HOLDER, BY_KEEPER, refusedItems, sealsFound, type State, texts } from "./custodystate";
import { eventFile } from "./files";
import { nanoseconds, PRECISIONS } from "./forms";
import { isBefore, type Item, span, type Span } from "./items";
import { isObj } from "./json";
import type { Event, Moment } from "./records";
import type { Sink } from "./sink";

const HOUR = 3_600_000_000_000n;
const MINUTE = 60_000_000_000n;
const DAY_MS = 86_400_000n;

/** A finding about the event in hand. */
export type Find = (code: string, found: string) => void;

/** W914 and W915: an event of another time than its entry. */
export function warnOfEntry({ occurred_at }: Event, recordedAt: string, find: Find): void {
  const [when, recorded] = [span(occurred_at), nanoseconds(recordedAt)];
  if (when.end < recorded - HOUR) find("W914", `${occurred_at.time}, recorded at ${recordedAt}`);
  if (when.start > recorded + 5n * MINUTE) find("W915", occurred_at.time);
}

/** W920: clocks that do not fit one another. */
export function warnOfClocks(event: Event, find: Find): void {
  const clock = event.body["clock_reference"];
  if (
    !isObj(clock) ||
    !isObj(clock["device_clock"]) ||
    !isObj(clock["reference_clock"]) ||
    clock["offset_ms"] === undefined
  ) {
    if (isObj(clock) && typeof clock["offset_ms"] === "string" && !offsetFits(clock["offset_ms"]))
      find("W920", `offset_ms ${clock["offset_ms"]}`);
    return;
  }
  const device = clock["device_clock"] as unknown as Moment;
  const reference = clock["reference_clock"] as unknown as Moment;
  const text = String(clock["offset_ms"]);
  const slack = [PRECISIONS[device.precision]!, PRECISIONS[reference.precision]!, 1_000_000_000n].reduce((a, b) =>
    a > b ? a : b,
  );
  const true_ = nanoseconds(device.time) - nanoseconds(reference.time);
  const off = offsetFits(text) ? BigInt(text) * 1_000_000n - true_ : slack + 1n;
  if (off > slack || off < -slack) find("W920", `offset_ms ${text}`);
}

/** An integer of milliseconds within a day. */
function offsetFits(text: string): boolean {
  if (!/^-?(?:0|[1-9][0-9]{0,17})$/.test(text) || text === "-0") return false;
  const value = BigInt(text);
  return value <= DAY_MS && value >= -DAY_MS;
}

/** What is allowed and yet to be named, of an event that breaks no rule. */
export function warn(state: State, event: Event, when: Span, sink: Sink, find: Find): void {
  const { type, body, actor } = event;
  if (type === "accept") {
    if (body["digests_checked"] === undefined || body["digests_checked"] === "none")
      find("W918", "digests were not compared");
  }
  const acts = BY_KEEPER.has(type) || BY_HOLDER.has(type) || ["check_in", "return", "acquire"].includes(type);
  for (const [place, name] of event.items.entries()) {
    const item = state.items.get(name);
    if (!item || item.hidden || (place > 0 && (type === "copy" || type === "split"))) continue;
    const then = item.keeperAt(when);
    const isLate = item.latest !== null && isBefore(when, item.latest);
    if (acts && then?.who && !item.unknown && isLate && state.keys.person(then.who) !== state.keys.person(actor.key)) {
      find("W913", `${type} at ${event.occurred_at.time}, when another had ${name}`);
    }
    if (type === "accept" && item.offer?.handedOver && !refusedItems(body).includes(name)) {
      const { handedOver, carrier } = item.offer;
      const isCarried = carrier || body["carrier"] !== undefined;
      if (!isCarried && isBefore(span(handedOver), when)) find("W912", `${name} was handed over at ${handedOver.time}`);
    }
    if (item.offer && ["offer", "loan", "check_out", "reassign", "dispose", "release"].includes(type))
      unanswered(sink, item, name);
    if (item.offer && type === "erase" && body["whole"] === true) unanswered(sink, item, name);
    if (isLate) continue;
    stated(event, name, item, find);
  }
}

function stated({ type, body }: Event, name: string, item: Item, find: Find): void {
  const found = sealsFound(body, item);
  if (found && item.seals && (found.size !== item.seals.size || [...found].some((seal) => !item.seals!.has(seal))))
    find("W916", `${name}: ${[...found].join(", ")}`);
  if (type === "physical_unseal" && found && texts(body["seals"]).some((seal) => !found.has(seal)))
    find("W916", `${name}: a seal that was not on`);
  if (
    typeof body["condition_before"] === "string" &&
    item.condition !== null &&
    body["condition_before"] !== item.condition
  ) {
    find("W917", `${name}: ${body["condition_before"]}`);
  }
}

export function unanswered(sink: Sink, item: Item, name: string): void {
  sink.find("W911", eventFile(item.offer!.entry), `${name}: nobody answered`);
}
