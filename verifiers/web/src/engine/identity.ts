/** Whom the policy knows (verification.md 1.13, policy.md 3 to 8): the log, and everybody who signed. */

import { type Line, matches } from "./allowedsigners";
import type { Env } from "./env";
import { number8 } from "./files";
import type { Log } from "./log";
import type { Signed, Signer } from "./signatures";
import { isLogs, lineHolds, type Note } from "./note";
import type { Policy } from "./policy";
import type { Sink } from "./sink";

export interface Bounds {
  /** Nanoseconds since 1970; null: none is proven. */
  notBefore: bigint | null;
  notAfter: bigint | null;
}

const SECOND = 1_000_000_000n;

/** Does the policy admit this log by its newest note? */
export function judgeAdmission(policy: Policy, log: Log, sink: Sink): boolean {
  const held = log.notes.valid.get(log.size);
  if (!held || log.origin === null) {
    sink.missedOut("identity", "no_checkpoint", "log", "there is no checkpoint to compare with the policy");
    return false;
  }
  sink.count("log_policy");
  const where = `checkpoints/${number8(log.size)}`;
  const rule = policy.logs.get(log.origin);
  const listed = policy.logKeys.filter((key) => key.name === log.origin);
  if (listed.length) {
    const holds = signedByListed(policy, held.note, rule?.allRequiredFrom ?? Infinity);
    if (!holds) sink.find("E407", where, "not signed by the keys that the policy lists");
    return holds;
  }
  if (rule?.vouchedBy.length && vouched(policy, log, rule.vouchedBy)) return true;
  sink.find("E407", where, `the log ${log.origin} is not one that the policy admits`);
  return false;
}

/** With vkeys: one listed key signed, from `allRequiredFrom` on all did. */
export function signedByListed(policy: Policy, note: Note, allRequiredFrom: number): boolean {
  const keys = policy.logKeys.filter((key) => key.name === note.origin);
  const good = keys.filter((key) =>
    note.lines.some((line) => isLogs(line, key) && lineHolds(line, key, note, note.text)),
  );
  return note.size >= allRequiredFrom ? good.length === keys.length : good.length > 0;
}

function vouched(policy: Policy, log: Log, names: string[]): boolean {
  const opening = log.signed.find(({ index }) => index === 0);
  return (
    opening?.signers.some((signer) =>
      names.some((name) => signer.key !== null && linesFor(policy, signer, name).length > 0),
    ) ?? false
  );
}

function linesFor(policy: Policy, { fingerprint, key }: Signer, name: string | null): Line[] {
  const certificate = key?.certificate;
  return policy.signers.filter((line) => {
    if (line.namespaces && !line.namespaces.some((namespace) => matches(namespace, "evidencekit-event"))) return false;
    if (!certificate)
      return !line.authority && line.fingerprint === fingerprint && (name === null || matches(line.patterns, name));
    if (!line.authority || line.fingerprint !== certificate.ca) return false;
    const names = name === null ? certificate.principals : certificate.principals.filter((one) => one === name);
    return names.some((one) => matches(line.patterns, one));
  });
}

export interface Subject {
  where: string;
  index: number;
  origin: string | null;
  bounds: Bounds;
}

/** Judge all signers of one event: false where something is wrong or could not be judged. */
export function judgePersons(env: Env, signed: Signed, subject: Subject, sink: Sink): boolean {
  const policy = env.policy!;
  let ok = true;
  const seen = new Set<string>();
  const find = (code: string, found: string): void => {
    ok = false;
    if (!seen.has(code)) sink.find(code, subject.where, found);
    seen.add(code);
  };
  signed.signers.forEach((signer, place) => {
    const lines = linesFor(policy, signer, place === 0 ? signed.actor : null);
    if (!lines.length) return find("E408", `${place === 0 ? signed.actor : "a signer"} with ${signer.fingerprint}`);
    if (isRevoked(policy, signer, subject, env.now)) return find("E410", signer.fingerprint);
    if (!signer.key) {
      ok = false;
      const why = "a signature does not hold, so nobody can say whose it is";
      return sink.missedOut("identity", "signature_bad", subject.where, why);
    }
    const algorithm = judgeAlgorithm(policy, signer.key.type, subject, env.now);
    if (algorithm === "refused") return find("E411", signer.key.type);
    const window = judgeWindow(lines, signer, subject, env.now);
    if (window === "outside") return find("E409", signer.fingerprint);
    if (algorithm === "unknown" || window === "unknown") {
      ok = false;
      sink.missedOut("identity", "unproven_time", subject.where, "no proven time says whether the key was valid then");
    }
    return undefined;
  });
  if (ok) sink.count("persons");
  return ok;
}

function latest({ notAfter }: Bounds, now: bigint | null): bigint | null {
  if (notAfter === null) return now;
  return now === null || notAfter < now ? notAfter : now;
}

/** Of a signature that does not hold, only what hangs on no time: nobody can say when it was made. */
function isRevoked(
  policy: Policy,
  { fingerprint, key }: Signer,
  { index, origin, bounds }: Subject,
  now: bigint | null,
): boolean {
  const prints = [fingerprint, key?.certificate?.ca];
  return policy.revoked.some((revocation) => {
    if (!prints.includes(revocation.fingerprint)) return false;
    const size = origin === null ? undefined : revocation.sizes.get(origin);
    if (size !== undefined) return index >= size;
    if (revocation.notAfter === null) return true;
    if (!key) return false;
    const last = latest(bounds, now);
    return last === null || last > revocation.notAfter;
  });
}

function judgeAlgorithm(
  policy: Policy,
  type: string,
  { bounds }: Subject,
  now: bigint | null,
): "ok" | "refused" | "unknown" {
  const until = policy.algorithms.get(type);
  if (until === undefined || until === true) return "ok";
  if (until === false) return "refused";
  const last = latest(bounds, now);
  if (last !== null && last <= until) return "ok";
  return now === null ? "unknown" : "refused";
}

function judgeWindow(
  lines: Line[],
  { key }: Signer,
  { bounds }: Subject,
  now: bigint | null,
): "ok" | "outside" | "unknown" {
  const last = latest(bounds, now);
  const answers = lines.map((line) => {
    let after = line.after === null ? null : line.after * SECOND;
    let before = line.before === null ? null : line.before * SECOND;
    const certificate = key!.certificate;
    if (certificate) {
      const from = certificate.after * SECOND;
      const to = (certificate.before - 1n) * SECOND;
      if (certificate.after > 0n && (after === null || from > after)) after = from;
      if (certificate.before < (1n << 64n) - 1n && (before === null || to < before)) before = to;
    }
    if (after !== null && before !== null && after > before) return "outside";
    if (after !== null && last !== null && last < after) return "outside";
    if (before !== null && bounds.notBefore !== null && bounds.notBefore > before) return "outside";
    const begun = after === null || (bounds.notBefore !== null && bounds.notBefore >= after);
    const going = before === null || (last !== null && last <= before);
    return begun && going ? "ok" : "unknown";
  });
  return answers.includes("ok") ? "ok" : answers.includes("unknown") ? "unknown" : "outside";
}
