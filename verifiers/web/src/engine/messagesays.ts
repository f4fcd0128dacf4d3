/**
 * What an event says of a message from another log, against what that message says (custody-log.md 4.6). Reads no
 * files.
 */

import { toHex } from "./bytes";
import { keyOf, refusedItems, texts } from "./custodystate";
import { encode, isObj, type Json, type Obj } from "./json";
import type { Kept, Log } from "./log";
import type { Message } from "./messages";
import type { Event } from "./records";

/** What differs; null where the message says what the event says. */
export function saysWhat(one: Kept, message: Message, log: Log): string | null {
  const { event } = one;
  switch (event.type) {
    case "request_received":
      return ofRequest(event, message);
    case "acknowledge":
      return event.body["sent"] === undefined ? ofWithdrawal(event, message, log) : ofSaid(event, message, log);
  }
  if (event.body["message"] !== undefined) return ofOffer(event, message, log);
  return event.body["answered"] === "receive" ? ofReceipt(event, message, log) : ofAnswer(event, message, log);
}

const same = (a: Json | undefined, b: Json | undefined): boolean => encode(a ?? null) === encode(b ?? null);
const sameItems = (a: readonly string[], b: readonly string[]): boolean =>
  [...a].sort().join() === [...b].sort().join();
/** By the names of who offered: `offered_as`, else the event's own. */
const theirNames = ({ body, items }: Event): string[] =>
  body["offered_as"] === undefined ? items : texts(body["offered_as"]);

/** `message`: the offer that `accept` or `refuse` answers. */
function ofOffer({ actor, body, items, type }: Event, message: Message, log: Log): string | null {
  const said = body["offer"] as Obj;
  const offer = message.event;
  if (offer.type !== "offer") return `an event of type ${offer.type}`;
  if (message.digest !== said["event"]) return `an offer whose digest is ${message.digest}`;
  const { place } = message;
  if (place && place.entry.index !== said["entry"]) return `an offer at entry ${place.entry.index}`;
  if (said["origin"] !== undefined && said["origin"] !== (place?.note.origin ?? offer.seen.origin))
    return "an offer of another log";
  if (body["offered_by"] !== undefined && !isBy(offer, body["offered_by"]))
    return `an offer by ${offer.actor.id}, ${offer.actor.key}`;
  const to = keyOf(offer.body["to"]);
  const { keys } = log.custody;
  if (to === null || keys.person(to) !== keys.person(actor.key)) return `an offer to ${to}`;
  const named = [...(type === "accept" ? theirNames({ body, items } as Event) : []), ...refusedItems(body)];
  const lacking = named.find((name) => !offer.items.includes(name));
  return lacking === undefined ? null : `an offer without ${lacking}`;
}

/** `answer` to an offer of this log. */
function ofAnswer({ body, items }: Event, message: Message, log: Log): string | null {
  const answer = message.event;
  if (answer.type !== body["answered"]) return `an event of type ${answer.type}`;
  if (!isBy(answer, body["answered_by"])) return `an answer by ${answer.actor.id}, ${answer.actor.key}`;
  const [said, of] = [body["offer"], answer.body["offer"]] as [Obj | undefined, Obj];
  if (!said || said["entry"] !== of["entry"] || said["event"] !== of["event"]) return "an answer to another offer";
  if (of["origin"] !== undefined && log.origin !== null && of["origin"] !== log.origin)
    return `an answer to an offer of ${String(of["origin"])}`;
  if (!same(body["refused"], answer.body["refused"])) return "an answer that refuses something else";
  const tree = otherTree(body["log"], message);
  if (tree || answer.type === "refuse") return tree;
  return sameItems([...theirNames(answer), ...refusedItems(answer.body)], items) ? null : "an answer about other items";
}

/** `answer` to an export of this log: the receipt of a package. */
function ofReceipt({ body, items }: Event, message: Message, log: Log): string | null {
  const receipt = message.event;
  if (receipt.type !== "receive") return `an event of type ${receipt.type}`;
  if (!isBy(receipt, body["answered_by"])) return `a receipt by ${receipt.actor.id}, ${receipt.actor.key}`;
  const { body: said } = receipt;
  const head = isObj(said["log"]) ? said["log"] : {};
  if (log.origin !== null && head["origin"] !== log.origin)
    return `a receipt for a package of ${String(head["origin"])}`;
  if (log.caseId !== null && said["case"] !== log.caseId) return "a receipt for a package of another case";
  const reference = body["export"] as Obj | undefined;
  const exported = log.kept.find(
    ({ index, event }) => event.type === "export" && String(index) === reference?.["entry"],
  );
  if (exported) {
    const { body: of, actor } = exported.event;
    if (said["package"] !== of["package"] || said["transfer"] !== of["transfer"])
      return "a receipt for another package";
    if (keyOf(said["sent_by"]) !== actor.key || (said["sent_by"] as Obj)["id"] !== actor.id)
      return "a receipt for what another sent";
  }
  if (!same(body["refused"], said["refused"])) return "a receipt that refuses something else";
  const tree = otherTree(body["log"], message);
  if (tree) return tree;
  return sameItems([...theirNames(receipt), ...refusedItems(said)], items) ? null : "a receipt for other items";
}

/** `message` of a request that came here. */
function ofRequest({ body }: Event, message: Message): string | null {
  const said = body["sent"] as Obj;
  if (message.event.type !== "request_sent") return `an event of type ${message.event.type}`;
  if (message.digest !== said["event"]) return `a request whose digest is ${message.digest}`;
  if (said["origin"] !== message.event.seen.origin) return "a request of another log";
  if (message.place && message.place.entry.index !== said["entry"])
    return `a request at entry ${message.place.entry.index}`;
  return null;
}

/** `message` about a request of this log: a receipt, or an answer. */
function ofSaid({ body }: Event, { event }: Message, log: Log): string | null {
  if (event.type !== "request_received" && event.type !== "request_answered") return `an event of type ${event.type}`;
  const said = event.body["sent"] as Obj;
  const sent = { ...(body["sent"] as Obj), origin: log.origin ?? said["origin"]! };
  return same(sent, said) ? null : "what it says is about another request";
}

/** `message` that a request of another log is withdrawn. */
function ofWithdrawal({ body }: Event, { event }: Message, log: Log): string | null {
  if (event.type !== "request_withdrawn") return `an event of type ${event.type}`;
  const received = log.kept.find(
    ({ index, event: { type } }) =>
      type === "request_received" && String(index) === (body["received"] as Obj)["entry"],
  );
  if (!received) return null;
  const sent = { ...(event.body["sent"] as Obj), origin: event.seen.origin };
  return same(received.event.body["sent"], sent) ? null : "it withdraws another request";
}

function isBy({ actor }: Event, person: Json | undefined): boolean {
  return isObj(person) && person["key"] === actor.key && person["id"] === actor.id;
}

function otherTree(said: Json | undefined, { place }: Message): string | null {
  if (!place || !isObj(said)) return null;
  const { origin, root, size } = place.note;
  const is = said["origin"] === origin && said["size"] === String(size) && said["root"] === toHex(root);
  return is ? null : `under the tree ${origin} ${size} ${toHex(root)}`;
}
