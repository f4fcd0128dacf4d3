/**
 * Who signed a published checkpoint (verification.md 2a): the log by its listed keys, witnesses by their lines. Reads
 * no files.
 */

import { equal, toBase64 } from "./bytes";
import type { Env } from "./env";
import { formatInstant } from "./forms";
import { signedByListed } from "./identity";
import {
  checkpointText,
  ED25519,
  isLogs,
  isOf,
  lineHolds,
  MLDSA44,
  type Note,
  type NoteLine,
  timestampOf,
  type Vkey,
} from "./note";
import { OK, unchecked } from "./outcome";
import { type Policy, quorumMet } from "./policy";
import type { Sink } from "./sink";
import type { AspectStatus } from "./types";

const WHERE = "checkpoint";
const SECOND = 1_000_000_000n;
const FIVE_MINUTES = 300n * SECOND;

export function judgePublisher(policy: Policy, note: Note, sink: Sink): AspectStatus {
  sink.count("log_policy");
  const rule = policy.logs.get(note.origin);
  const listed = policy.logKeys.filter((key) => key.name === note.origin);
  if (listed.length) {
    for (const line of note.lines) {
      const key = listed.find((one) => isLogs(line, one));
      if (key && !lineHolds(line, key, note, note.text)) sink.find("E406", WHERE, "a line that does not verify");
    }
    if (signedByListed(policy, note, rule?.allRequiredFrom ?? Infinity)) return OK;
    sink.find("E407", WHERE, "not signed by the keys that the policy lists");
    return unchecked("the log is not admitted");
  }
  if (rule?.vouchedBy.length) {
    const why = "somebody vouches for the log's keys at event 0, which is not published";
    sink.missedOut("identity", "vouched", WHERE, why);
    return unchecked(why);
  }
  sink.find("E407", WHERE, `the log ${note.origin} is not one that the policy admits`);
  return unchecked("the log is not admitted");
}

/** The quorum, by the checkpoint's own lines. */
export function judgeWitnesses(env: Env, note: Note, root: Uint8Array | null, sink: Sink): AspectStatus {
  const policy = env.policy!;
  if (!root) return unchecked("the tree that they are about cannot be computed");
  const present = new Set<string>();
  for (const line of note.lines) {
    const found = [...policy.witnesses].find(([, key]) => isOf(line, key));
    if (found && judgeWitness(env, { line, note: { ...note, root }, key: found[1] }, sink)) present.add(found[0]);
  }
  return quorumMet(policy, present) ? OK : unchecked("no quorum of witnesses that the policy knows has cosigned");
}

function judgeWitness(env: Env, { line, note, key }: { line: NoteLine; note: Note; key: Vkey }, sink: Sink): boolean {
  if (isLogs(line, key) && (key.type === ED25519 || key.type === MLDSA44) && key.name === note.origin) return false;
  const log = env.policy!.logKeys.find((one) => equal(one.key, key.key));
  if (log) {
    sink.find("E432", WHERE, `a key of the log ${log.name}`);
    return false;
  }
  if (!lineHolds(line, key, note, checkpointText(note, toBase64(note.root)))) {
    sink.find("E433", WHERE, `the line of ${key.name} does not verify`);
    return false;
  }
  sink.count("cosignatures");
  const at = timestampOf(line) * SECOND;
  if (env.now !== null && at > env.now + FIVE_MINUTES)
    sink.find("W935", WHERE, formatInstant(at < 253_402_300_800n * SECOND ? at : 253_402_300_799n * SECOND));
  return true;
}
