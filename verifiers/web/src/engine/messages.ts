/**
 * Messages of other logs (messages.md 2, custody-log.md 4.6): each is read once more, and held against the event that
 * names it.
 */

import { fromBase64, toHex, utf8 } from "./bytes";
import { EXCHANGE } from "./custodyrules";
import type { Env } from "./env";
import { eventFile, type Files } from "./files";
import * as f from "./forms";
import { sha256 } from "./hash";
import { judgePersons, signedByListed } from "./identity";
import type { Json, Obj } from "./json";
import type { Kept, Log } from "./log";
import { included, leafHash } from "./merkle";
import { saysWhat } from "./messagesays";
import { type Note, parseNote } from "./note";
import { objectPath } from "./objects";
import { type Entry, type Event, readEntry, readEvent, readRecord } from "./records";
import type { Signed } from "./signatures";
import type { Sink } from "./sink";
import { judgeSignature } from "./sshsig";

const LIMIT = 1 << 20;
const KINDS: Record<string, readonly string[]> = {
  offer: ["offer"],
  answer: ["accept", "refuse", "request_answered"],
  receipt: ["receive", "request_received"],
  request: ["request_sent", "request_withdrawn"],
};
/** Types of events to the member that names the record which goes with it. */
const ENCLOSED: Record<string, string> = { request_answered: "answer", request_sent: "request" };

interface Form {
  checkpoint: string | null;
  entry: string | null;
  event: string;
  kind: string;
  proof: string[];
  record?: string;
  signatures: string[];
}

/** A message whose parts belong together. */
export interface Message {
  event: Event;
  digest: string;
  signed: Signed;
  /** Where it stands in its own log, proved to the note; null where the message does not say. */
  place: { entry: Entry; note: Note } | null;
}

const form = f.shape(
  {
    _t: f.string,
    checkpoint: f.orNull(f.string),
    entry: f.orNull(f.base64()),
    event: f.base64(),
    kind: f.oneOf(...Object.keys(KINDS)),
    proof: f.array(f.base64(32), 63),
    signatures: (v: Json | undefined) => f.array(f.base64(), 16)(v) && (v as Json[]).length > 0,
  },
  { record: f.base64() },
);

/** The message in `bytes`, or what is wrong with it by itself. */
export function readMessage(bytes: Uint8Array): Message | string {
  const read = readRecord<Form>(bytes, "message", form, LIMIT);
  if ("fault" in read) return `no message: ${read.fault.found}`;
  const { checkpoint, entry, event: eventText, kind, proof, record, signatures } = read.value;
  if ((checkpoint === null) !== (entry === null) || (entry === null && proof.length))
    return "an entry without its checkpoint, or a proof of none";
  const eventBytes = fromBase64(eventText)!;
  const event = readEvent(eventBytes);
  if ("fault" in event) return `its event: ${event.fault.found}`;
  if (!KINDS[kind]!.includes(event.value.type)) return `a ${kind} with an event of type ${event.value.type}`;
  if (!enclosesNamed(event.value, record)) return "its record is not the one that its event names";
  const files = signatures.map((one) => fromBase64(one)!);
  const signed = judgeSigners(event.value, eventBytes, files);
  if (typeof signed === "string") return signed;
  const message: Message = { event: event.value, digest: toHex(sha256(eventBytes)), signed, place: null };
  if (checkpoint === null || entry === null) return message;
  const place = placeOf(message.digest, files, { entry: fromBase64(entry)!, checkpoint, proof });
  if (typeof place === "string") return place;
  if (place.note.origin !== event.value.seen.origin) return `its checkpoint is one of the log ${place.note.origin}`;
  return { ...message, place, signed: { ...signed, index: Number(place.entry.index) } };
}

/** Does it carry the record that its event names, and else none? */
function enclosesNamed({ body, type }: Event, record: string | undefined): boolean {
  const named = body[ENCLOSED[type] ?? ""] as Obj | undefined;
  if (named === undefined || record === undefined) return named === undefined && record === undefined;
  const bytes = fromBase64(record)!;
  return String(bytes.length) === named["bytes"] && toHex(sha256(bytes)) === named["sha256"];
}

function judgeSigners(event: Event, bytes: Uint8Array, files: Uint8Array[]): Signed | string {
  if (files.length !== event.signers.length) return `${files.length} signatures of ${event.signers.length} signers`;
  const signers: Signed["signers"] = [];
  for (const [i, fingerprint] of event.signers.entries()) {
    const judged = judgeSignature(files[i]!, "evidencekit-event", bytes, fingerprint);
    if ("code" in judged) return `signature ${i + 1}: ${judged.found}`;
    signers.push({ fingerprint, key: judged.key });
  }
  return { index: 0, actor: event.actor.id, signers };
}

/** The entry is about this event and these signatures, and the proof leads from it to the checkpoint. */
function placeOf(
  digest: string,
  signatures: Uint8Array[],
  { entry: bytes, checkpoint, proof }: { entry: Uint8Array; checkpoint: string; proof: string[] },
): NonNullable<Message["place"]> | string {
  const read = readEntry(bytes);
  if ("fault" in read) return `its entry: ${read.fault.found}`;
  const entry = read.value;
  if (entry.event !== digest) return "its entry is about another event";
  if (entry.signatures.join() !== signatures.map((one) => toHex(sha256(one))).join())
    return "its entry is about other signatures";
  const note = parseNote(utf8(checkpoint));
  if (!note) return "its checkpoint is not in its form";
  const hashes = proof.map((one) => fromBase64(one)!);
  const size = Number.isFinite(note.size) ? BigInt(note.size) : 0n;
  const leads = included(BigInt(entry.index), size, leafHash(bytes), hashes, note.root);
  return leads ? { entry, note } : "its proof does not lead from the entry to the checkpoint";
}

/**
 * All messages that events of this log name, each against its event: E309, or whose log nobody can say it is. What
 * events about requests name is not in a package (W908).
 */
export async function judgeMessages(env: Env, log: Log, files: Files, sink: Sink): Promise<void> {
  for (const one of log.kept) {
    const { body, type } = one.event;
    const named = (type === "receipt" ? body["answer"] : body["message"]) as Obj | undefined;
    if (log.inPackage && EXCHANGE.has(type)) sink.find("W908", eventFile(one.index), type);
    else if (named) await judgeMessage(env, log, files, one, { object: named, sink });
  }
}

async function judgeMessage(
  env: Env,
  log: Log,
  files: Files,
  one: Kept,
  { object, sink }: { object: Obj; sink: Sink },
): Promise<void> {
  const where = eventFile(one.index);
  const wrong = (found: string): void => sink.find("E309", where, found, "a message that says what the event says");
  const read = await files.read(objectPath(String(object["sha256"])), LIMIT);
  if ("tooLarge" in read) return wrong(`a message of ${read.tooLarge} bytes`);
  if ("lack" in read) {
    const why = "the message that it names is not there, or cannot be read";
    return sink.missedOut("custody", "unreadable", where, why);
  }
  if (toHex(sha256(read.bytes)) !== object["sha256"])
    return sink.missedOut("custody", "unreadable", where, "the message that it names is not there as it was");
  const message = readMessage(read.bytes);
  if (typeof message === "string") return wrong(message);
  const differs = saysWhat(one, message, log);
  if (differs) return wrong(differs);
  sink.count("messages");
  const { policy } = env;
  if (policy) {
    const subject = {
      where,
      index: message.signed.index,
      origin: originOf(message),
      bounds: { notBefore: null, notAfter: null },
    };
    judgePersons(env, message.signed, subject, sink);
  }
  if (!message.place)
    return sink.missedOut("custody", "foreign_log", where, `its place in the log ${originOf(message)}`);
  const { note } = message.place;
  if (!policy?.logKeys.some((key) => key.name === note.origin)) {
    return sink.missedOut(
      "custody",
      "foreign_log",
      where,
      `that its checkpoint is one of ${note.origin}: no policy lists the keys of that log`,
    );
  }
  const from = policy.logs.get(note.origin)?.allRequiredFrom ?? Infinity;
  if (!signedByListed(policy, note, from)) wrong(`its checkpoint is not signed by the keys of ${note.origin}`);
}

const originOf = ({ event, place }: Message): string => place?.note.origin ?? event.seen.origin;
