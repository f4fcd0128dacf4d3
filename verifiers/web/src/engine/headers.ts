/** Headers of catalogues (manifest.md 7 and 8). */

import * as f from "./forms";
import { DIGEST_BYTES, KINDS, RESULTS, STATES } from "./groups";
import { isObj, type Json, type Obj } from "./json";
import { type Read, readRecord } from "./records";

const counts = (...names: string[]): f.Form => f.shape(Object.fromEntries(names.map((name) => [name, f.count])));
const digestList: f.Form = (v) => f.array(f.oneOf(...Object.keys(DIGEST_BYTES)))(v) && f.ascending(v as string[]);
const either = (name: string): Record<string, f.Form> => ({ [name]: f.string, [`${name}_hex`]: f.string });
const named = (v: Json | undefined, name: string): boolean => isObj(v) && f.nameBytes(v, name) !== null;

const source: f.Form = (v) =>
  f.shape(
    {
      atime: f.oneOf("untouched", "may_change", "read_only_mount"),
      host: f.orNull(f.text),
      kind: f.oneOf(...KINDS),
      mount: f.orNull(f.shape({ device: f.text, fs_type: f.text, options: f.text })),
    },
    { ...either("path"), read_only: f.boolean },
  )(v) && named(v, "path");

const factsForm = f.shape(
  {
    _t: f.text,
    case: f.base64(16),
    digests: (v) => digestList(v) && ["blake3", "sha256"].every((name) => (v as string[]).includes(name)),
    exhibit: f.exhibit,
    finished_at: f.moment,
    started_at: f.moment,
    name_encoding: f.oneOf("posix", "wtf-8"),
    options: f.shape(
      { exclude: f.array(f.text), include: f.array(f.text), sensitive: f.boolean },
      { copies: f.boolean },
    ),
    order: f.oneOf("path", "shuffled"),
    program: f.program,
    source,
    totals: f.shape({ bytes: f.count, kinds: counts(...KINDS), rows: f.count, states: counts(...STATES) }),
  },
  {
    interruptions: f.shape({
      resumed_at: (v) => f.array(f.moment)(v) && (v as Json[]).length > 0,
      rows_gone: f.count,
      rows_kept: f.count,
      rows_taken_again: f.count,
    }),
  },
);

const mapping: f.Form = (v) =>
  f.shape({ backslashes: f.boolean }, { ...either("add"), ...either("remove") })(v) &&
  named(v, "add") &&
  named(v, "remove");
const match: f.Form = (v) =>
  f.shape(
    {
      digests: (d) => digestList(d) && (d as string[]).length > 0,
      entries: f.count,
      mapping,
      missing: f.count,
      unreadable_lines: f.count,
    },
    either("under"),
  )(v) && named(v, "under");

const derivedForm = (kind: string): f.Form =>
  f.shape({
    _t: f.text,
    base_root: f.hex32,
    base_manifest: f.count,
    case: f.base64(16),
    engine: (v) => f.engine(v) && (kind !== "match" || (v as Obj)["data_sha256"] !== null),
    exhibit: f.exhibit,
    finished_at: f.moment,
    started_at: f.moment,
    kind: f.oneOf(kind),
    program: f.program,
    totals: kind === "match" ? counts(...RESULTS, "rows") : counts("errors", "rows"),
    ...(kind === "match" ? { match } : {}),
  });

export interface Header extends Obj {}

export const readFacts = (bytes: Uint8Array): Read<Header> => readRecord(bytes, "manifest", factsForm);
export const readDerived = (bytes: Uint8Array): Read<Header> => {
  const form: f.Form = (v) =>
    isObj(v) && (v["kind"] === "media-type" || v["kind"] === "match") && derivedForm(String(v["kind"]))(v);
  return readRecord(bytes, "derived", form);
};
