/**
 * A row proof (verification.md 2, messages.md 1): every link from the opened groups to the log's keys is recomputed.
 */

import { fromBase64, fromUtf8, toHex, utf8 } from "./bytes";
import type { Env } from "./env";
import * as f from "./forms";
import { commitment, type GroupName, openedGroup, readGroup, readLeaf, rowFault } from "./groups";
import { sha256 } from "./hash";
import { judgePersons, signedByListed } from "./identity";
import { isObj, type Obj } from "./json";
import { isLogKey, type Signer } from "./signatures";
import { included, leafHash } from "./merkle";
import { ED25519, judgeLines, MLDSA44, type Note, parseLogKeys, parseNote, type Vkey } from "./note";
import { type Facts, OK, unchecked } from "./outcome";
import { type Entry, type Event, readEntry, readEvent, readRecord } from "./records";
import type { Sink } from "./sink";
import { judgeSignature } from "./sshsig";

const PROOF_LIMIT = 4_194_304;
const MAGIC = "c2sp.org/tlog-proof@v1";
const GROUPS = ["content", "metadata", "name"] as const;

interface RowProof {
  entry: string;
  event: string;
  groups: Record<string, Obj>;
  index: string;
  leaf: string;
  log_keys: string[];
  proof: string[];
  signatures: string[];
}

const form = f.shape({
  _t: f.string,
  entry: f.string,
  event: f.string,
  groups: (v) =>
    isObj(v) &&
    Object.entries(v).every(
      ([name, value]) => (GROUPS as readonly string[]).includes(name) && openedGroup(value) !== null,
    ),
  index: f.count,
  leaf: f.string,
  log_keys: (v) => f.array(f.string)(v) && (v as string[]).length === 2,
  proof: f.array(f.base64(32), 63),
  signatures: (v) => f.array(f.string, 16)(v) && (v as string[]).length > 0,
});

interface Parsed {
  extra: Uint8Array;
  index: bigint;
  hashes: Uint8Array[];
  note: Note;
}

function parse(bytes: Uint8Array): Parsed | null {
  const text = fromUtf8(bytes);
  const split = text?.indexOf("\n\n") ?? -1;
  if (text === null || split < 0) return null;
  const [magic, extraLine, indexLine, ...rest] = text.slice(0, split).split("\n");
  if (magic !== MAGIC || !extraLine?.startsWith("extra ") || !/^index (?:0|[1-9][0-9]{0,18})$/.test(indexLine ?? ""))
    return null;
  const extra = fromBase64(extraLine.slice(6));
  const hashes = rest.map((line) => fromBase64(line, 32));
  const note = parseNote(utf8(text.slice(split + 2)));
  if (!extra || hashes.length > 63 || hashes.includes(null) || !note) return null;
  return { extra, index: BigInt(indexLine!.slice(6)), hashes: hashes as Uint8Array[], note };
}

export async function judgeProof(env: Env, bytes: Uint8Array, sink: Sink): Promise<Facts> {
  const facts = empty(env);
  sink.missedOut("custody", "not_supported", "proof", "one row shows no history");
  const parsed = parse(bytes);
  if (!parsed) {
    sink.find("E101", "proof", "not a proof of a row");
    return facts;
  }
  const { origin, size, root } = parsed.note;
  const read = readRecord<RowProof>(parsed.extra, "row-proof", form, PROOF_LIMIT);
  if ("fault" in read) {
    sink.find(read.fault.code, "proof extra", read.fault.found);
    return facts;
  }
  facts.checkpoint = { origin, size, root: toHex(root) };
  facts.sealed = true;
  facts.files = { checked: 1, not_checked: 0, total: 1 };
  const proof = read.value;
  const kind = row(proof, sink);
  const readAs = readEvent(utf8(proof.event));
  const isNewer = "fault" in readAs && readAs.newer !== undefined;
  const event = readPart(readAs, "proof event", sink) ?? ("fault" in readAs ? (readAs.newer ?? null) : null);
  if (event && !(isNewer && event.type === "seal")) sealed(event, proof, sink);
  const entry = readPart(readEntry(utf8(proof.entry)), "proof entry", sink);
  inLog(entry, proof, parsed, sink);
  const keys = logKeys(env, proof, origin, sink);
  const signers = event ? signatures(event, proof, keys, sink) : [];
  checkpoint(parsed.note, keys, sink);
  facts.identity = identity(env, event, signers, parsed, sink);
  for (const name of GROUPS)
    if (!proof.groups[name])
      sink.missedOut("record", "withheld", `proof groups.${name}`, "the group was not opened", true);
  facts.counts = { rows: 1, states: {}, row: { index: proof.index, item: event?.items[0] ?? "", kind } };
  const content = proof.groups["content"] ? readGroup(utf8(String(proof.groups["content"]["bytes"])), "content") : null;
  const state = content && "value" in content ? String(content.value["state"]) : content ? "unreadable" : "withheld";
  facts.counts.states = { [state]: 1 };
  return facts;
}

function empty(env: Env): Facts {
  const not = unchecked("no policy was given");
  return {
    subject: "proof",
    scope: "row",
    checkpoint: null,
    sealed: false,
    evidence: unchecked("a proof is compared with no source"),
    identity: not,
    time: unchecked("a proof carries no time-stamps"),
    witness: env.policy ? unchecked("a proof carries no cosignatures") : not,
    completeness: unchecked("nothing outside confirms that this is the newest state"),
    times: null,
    counts: {},
    files: { checked: 0, not_checked: 1, total: 1 },
  };
}

function readPart<T>(
  read: { value: T } | { fault: { code: string; found: string } },
  where: string,
  sink: Sink,
): T | null {
  if ("value" in read) return read.value;
  sink.find(read.fault.code, where, read.fault.found);
  return null;
}

/** Opened groups, commitments, leaf. Returns the row's kind. */
function row(proof: RowProof, sink: Sink): string {
  const leaf = readLeaf(utf8(proof.leaf), false);
  if ("fault" in leaf) sink.find(leaf.fault.code, "proof leaf", leaf.fault.found);
  const found: Partial<Record<GroupName, Obj>> = {};
  for (const [name, value] of Object.entries(proof.groups) as [GroupName, Obj][]) {
    const where = `proof groups.${name}`;
    const { bytes, salt } = openedGroup(value)!;
    const read = readGroup(bytes, name);
    if ("fault" in read) sink.find(read.fault.code, where, read.fault.found);
    else found[name] = read.value;
    if (!("fault" in leaf) && toHex(commitment(name, salt, bytes)) !== leaf.commitments[name]) {
      sink.find("E201", where, "another group than the leaf commits to");
    }
    sink.count("groups");
  }
  if ("fault" in leaf) return "";
  const fault = GROUPS.every((name) => found[name])
    ? rowFault(leaf.kind!, found.name!, found.content!, found.metadata!)
    : null;
  if (fault) sink.find("E107", "proof leaf", fault);
  return leaf.kind!;
}

/** The leaf in the manifest that the event seals. */
function sealed({ body, items, type }: Event, proof: RowProof, sink: Sink): void {
  if (type !== "seal" || items.length !== 1)
    return sink.find("E101", "proof event", `${type} of ${items.length} items`, "the seal event of one item");
  const hash = leafHash(utf8(proof.leaf));
  const root = Uint8Array.from(String(body["root"]).match(/../g)!, (pair) => parseInt(pair, 16));
  const path = proof.proof.map((one) => fromBase64(one)!);
  if (!included(BigInt(proof.index), BigInt(String(body["rows"])), hash, path, root)) {
    sink.find("E207", "proof leaf", "it does not lead to the sealed root");
  }
}

function inLog(entry: Entry | null, proof: RowProof, { index, hashes, note }: Parsed, sink: Sink): void {
  if (
    !Number.isSafeInteger(note.size) ||
    !included(index, BigInt(note.size), leafHash(utf8(proof.entry)), hashes, note.root)
  ) {
    sink.find("E207", "proof entry", "it does not lead to the checkpoint's root");
  }
  if (!entry) return;
  if (entry.index !== String(index) || entry.prior.size !== String(index))
    sink.find("E306", "proof entry", `index ${entry.index}`, `index ${index}`);
  if (toHex(sha256(utf8(proof.event))) !== entry.event)
    sink.find("E201", "proof event", "another event than the entry names");
  const digests = proof.signatures.map((one) => toHex(sha256(utf8(one))));
  if (digests.join() !== entry.signatures.join())
    sink.find("E201", "proof signatures", "other signatures than the entry names");
}

/** The policy's keys where it lists both, else the proof's own. */
function logKeys(env: Env, proof: RowProof, origin: string, sink: Sink): [Vkey, Vkey] | null {
  const listed = env.policy?.logKeys.filter((key) => key.name === origin) ?? [];
  const first = listed.find(({ type }) => type === ED25519);
  const second = listed.find(({ type }) => type === MLDSA44);
  if (first && second) return [first, second];
  const own = parseLogKeys(proof.log_keys, origin);
  if (!own) sink.find("E101", "proof log_keys", "not the two keys of this log");
  return own;
}

function signatures(event: Event, proof: RowProof, keys: [Vkey, Vkey] | null, sink: Sink): Signer[] {
  if (proof.signatures.length !== event.signers.length) {
    sink.find("E401", "proof signatures", `${proof.signatures.length} signatures`, `${event.signers.length} signers`);
  }
  return event.signers.map((fingerprint, i) => {
    const where = `proof signatures[${i}]`;
    const armoured = proof.signatures[i];
    if (armoured === undefined) return { fingerprint, key: null };
    const judged = judgeSignature(utf8(armoured), "evidencekit-event", utf8(proof.event), fingerprint);
    sink.count("person_signatures");
    if ("code" in judged) sink.find(judged.code, where, judged.found, fingerprint);
    else if (isLogKey(judged.key, keys)) sink.find("E404", where, "the log's own key");
    else return { fingerprint, key: judged.key };
    return { fingerprint, key: null };
  });
}

function checkpoint(note: Note, keys: [Vkey, Vkey] | null, sink: Sink): void {
  if (!keys) return sink.missedOut("record", "no_log_keys", "proof checkpoint", "nothing says which keys the log has");
  const faults = judgeLines(note, keys);
  for (const code of faults) sink.find(code, "proof checkpoint", "its lines are not those of the log");
  if (!faults.length) sink.count("checkpoints");
}

function identity(
  env: Env,
  event: Event | null,
  signers: Signer[],
  { note, index }: Parsed,
  sink: Sink,
): Facts["identity"] {
  const { policy } = env;
  if (!policy) return unchecked("no policy was given");
  const listed = policy.logKeys.some((key) => key.name === note.origin);
  const rule = policy.logs.get(note.origin);
  let ok = true;
  if (listed) {
    if (!signedByListed(policy, note, rule?.allRequiredFrom ?? Infinity)) {
      ok = false;
      sink.find("E407", "proof checkpoint", "not signed by the keys that the policy lists");
    }
  } else if (rule?.vouchedBy.length) {
    ok = false;
    sink.missedOut("identity", "vouched", "proof checkpoint", "event 0, by which the log is admitted, is not here");
  } else {
    ok = false;
    sink.find("E407", "proof checkpoint", `the log ${note.origin} is not one that the policy admits`);
  }
  if (!event) return unchecked("the event cannot be read");
  const subject = {
    where: "proof event",
    index: Number(index),
    origin: note.origin,
    bounds: { notBefore: null, notAfter: null },
  };
  ok = judgePersons(env, { index: Number(index), actor: event.actor.id, signers }, subject, sink) && ok;
  return ok ? OK : unchecked("not every signer could be judged");
}
