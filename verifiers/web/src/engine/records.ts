/** The records of a case's log: form and version of each (custody-log.md 1 and 2, store.md 2). */

import events from "../../../../specs/events.json";
import * as f from "./forms";
import { parseLogKeys } from "./note";
import { type Fault, isObj, type Json, type Obj, parse } from "./json";

export const RECORD_LIMIT = 60_000;

interface Type {
  form: f.Form;
  essential: string[];
  stated: string[];
  signers: number;
}

const TYPES: Record<string, Type> = {};
interface Field {
  form: string;
  need: string;
  /** Of an array: how many members it has at least, and whether no two are equal. */
  least?: number;
  distinct?: boolean;
}
const unique = (values: Json | undefined): boolean => Array.isArray(values) && new Set(values).size === values.length;

function formOf({ form: name, least = 0, distinct = false }: Field): f.Form {
  const form = f.formOf(name);
  return (v) => form(v) && (least === 0 || (v as Json[]).length >= least) && (!distinct || unique(v));
}

for (const [type, { fields, signers }] of Object.entries(
  events.types as Record<string, { fields: Record<string, Field>; signers: number }>,
)) {
  const of = (need: string): string[] => Object.keys(fields).filter((name) => fields[name]!.need === need);
  const forms = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, formOf(field)]));
  TYPES[type] = { form: f.shape({ _t: f.text }, forms), essential: of("essential"), stated: of("M"), signers };
}

export const isKnownType = (type: string): boolean => Object.hasOwn(TYPES, type);
/** Persons that an event of this type needs. */
export const signersOf = (type: string): number => (isKnownType(type) ? TYPES[type]!.signers : 1);

export interface Moment extends f.Moment {}
export interface Actor {
  id: string;
  key: string;
  organisation: string | null;
  role: string | null;
}
export interface Head {
  origin: string;
  root: string;
  size: string;
}
export interface Event {
  actor: Actor;
  body: Obj;
  case: string;
  items: string[];
  not_stated: string[];
  occurred_at: Moment;
  seen: Head;
  signers: string[];
  type: string;
}
export interface Entry {
  event: string;
  head: string;
  index: string;
  items_prev: (string | null)[];
  prior: { root: string; size: string };
  recorded_at: string;
  signatures: string[];
}
export interface CaseFile {
  agency: string;
  case: string;
  created_at: Moment;
  log_keys: string[];
  origin: string;
  reference: string;
}

export type Read<T> = { value: T } | { fault: Fault };

/** A canonical record whose `_t` is `evidencekit/NAME/1`; a higher version is E103. */
export function readRecord<T>(bytes: Uint8Array, name: string, form: f.Form, limit = RECORD_LIMIT): Read<T> {
  const parsed = parse(bytes, limit);
  if ("fault" in parsed) return parsed;
  return checkRecord<T>(parsed.value, name, form);
}

export function checkRecord<T>(value: Obj, name: string, form: f.Form): Read<T> {
  const newer = versionOf(value["_t"], name);
  if (newer > 1) return { fault: { code: "E103", found: String(value["_t"]) } };
  if (newer !== 1) return { fault: { code: "E101", found: `_t is not evidencekit/${name}/1` } };
  return form(value) ? { value: value as unknown as T } : { fault: { code: "E101", found: "not of its schema" } };
}

/** The version in `evidencekit/NAME/VERSION`, 0 where it is none. */
export function versionOf(_t: Json | undefined, name: string): number {
  const match = typeof _t === "string" ? /^evidencekit\/([a-z][a-z0-9_-]*)\/([1-9][0-9]*)$/.exec(_t) : null;
  return match && match[1] === name ? Number(match[2]) : 0;
}

const PLACE = /^(?:0|[1-9][0-9]*)\/(?:0|[1-9][0-9]*)$/;

const entryForm = f.shape({
  _t: f.text,
  event: f.hex32,
  head: f.count,
  index: f.count,
  items_prev: f.array((v) => v === null || (typeof v === "string" && PLACE.test(v))),
  prior: f.shape({ root: f.hex32, size: f.count }),
  recorded_at: f.instant,
  signatures: (v) => f.array(f.hex32)(v) && (v as Json[]).length > 0,
});

const envelope = f.shape({
  _t: f.text,
  actor: f.actor,
  body: (v) => isObj(v),
  case: f.base64(16),
  classification: f.orNull(f.text),
  items: (v) => f.array(f.exhibit)(v) && unique(v),
  language: f.orNull(f.text),
  nonce: f.base64(16),
  not_stated: (v) => f.array(f.text)(v) && f.ascending(v as string[]),
  occurred_at: f.moment,
  seen: f.treeHead,
  signers: (v) => f.array(f.fingerprint, 16)(v) && (v as Json[]).length > 0 && unique(v),
  time_class: f.oneOf("asserted", "device", "witnessed", "external"),
  type: (v) => typeof v === "string" && /^[a-z][a-z_]*$/.test(v),
});

const caseMembers = {
  agency: f.text,
  created_at: f.moment,
  log_keys: (v: Json | undefined) => f.array(f.text)(v) && (v as Json[]).length === 2,
  origin: f.origin,
  reference: f.text,
};
const caseForm = f.shape({ _t: f.text, case: f.base64(16), ...caseMembers });

export const readEntry = (bytes: Uint8Array): Read<Entry> => readRecord(bytes, "entry", entryForm);
export const readCase = (bytes: Uint8Array): Read<CaseFile> =>
  readRecord(bytes, "case", (value) => caseForm(value) && hasLogKeys(value as unknown as CaseFile));

export const hasLogKeys = ({ log_keys, origin }: { log_keys: string[]; origin: string }): boolean =>
  parseLogKeys(log_keys, origin) !== null;

/** An event; one of a known type whose body has a higher version is E103, and comes along: all but its body can be read. */
export function readEvent(bytes: Uint8Array): Read<Event> & { newer?: Event } {
  const read = readRecord<Event>(bytes, "event", envelope);
  if ("fault" in read) return read;
  const event = read.value;
  const wrong = (found: string): Read<Event> => ({ fault: { code: "E101", found } });
  if (event.signers[0] !== event.actor.key) return wrong("the first signer is not the actor");
  const version = versionOf(event.body["_t"], event.type);
  if (version < 1 || version > 999_999_999) return wrong("the body is of another type");
  if (!isKnownType(event.type)) return read;
  if (version > 1) return { fault: { code: "E103", found: String(event.body["_t"]) }, newer: event };
  const type = TYPES[event.type]!;
  if (!type.form(event.body)) return wrong("the body is not of its schema");
  if (!type.essential.every((name) => Object.hasOwn(event.body, name)))
    return wrong("the body lacks what is essential");
  const fault = bodyFault(event);
  if (fault) return wrong(fault);
  const lacking = type.stated.filter((name) => !Object.hasOwn(event.body, name)).sort();
  return lacking.join() === event.not_stated.join() ? read : wrong("not_stated is not what the body lacks");
}

/** What the forms of single members cannot say of a body (custody-log.md 4.5 and 4.7, cooperation.md 7). */
function bodyFault({ body, type }: Event): string | null {
  const has = (name: string): boolean => Object.hasOwn(body, name);
  const twice = (name: string): boolean => has(name) && !unique((body[name] as Obj[]).map((one) => one["item"] ?? null));
  if (twice("refused")) return "refused names an item twice";
  switch (type) {
    case "acknowledge":
      return has("received") === has("sent") ? "received and sent, or neither" : null;
    case "acquire": {
      const { digests } = body;
      const good = f.digests(digests) && f.ascending(digests as string[]);
      return good ? null : "digests without blake3 and sha256, or out of order";
    }
    case "derive":
    case "seal":
      return body["manifest"] === "0" ? "manifests are numbered from 1" : null;
    case "open":
      return hasLogKeys(body as unknown as CaseFile) ? null : "log_keys are not those of a log of this name";
    case "receipt": {
      const isPackage = body["answered"] === "receive";
      return has("export") === isPackage && has("offer") !== isPackage ? null : "a receipt of neither or both";
    }
    case "split":
      return twice("parts") ? "parts names an item twice" : null;
    default:
      return null;
  }
}
