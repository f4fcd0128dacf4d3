/** Steps 13, 15 and 16 over one log, in the order in which they need each other, and what they come to. */

import { Anchors } from "./anchors";
import type { Env } from "./env";
import { number8 } from "./files";
import { judgeAdmission, judgePersons, type Subject } from "./identity";
import type { Log } from "./log";
import type { Signed } from "./signatures";
import { OK, unchecked } from "./outcome";
import type { Sink } from "./sink";
import type { AspectStatus, Times } from "./types";

export interface Judged {
  identity: AspectStatus;
  time: AspectStatus;
  witness: AspectStatus;
  times: Times;
  witnessed: number | null;
}

/** `besides`: signatures that stand beside the log, each judged as one of an entry after the last. */
export async function judgeLog(
  env: Env,
  log: Log,
  sink: Sink,
  besides: { signed: Signed; where: string; sink: Sink }[] = [],
): Promise<Judged> {
  const anchors = new Anchors(env, log, sink);
  await anchors.read();
  const times = anchors.times();
  const { policy } = env;
  const noPolicy = unchecked("no policy was given");
  const covered = times.covered_by.length;
  const time = !anchors.tokens
    ? unchecked("no time-stamp is recorded")
    : !policy
      ? noPolicy
      : covered >= policy.authorities
        ? OK
        : unchecked(`${covered} of ${policy.authorities} authorities stamped all entries but anchors at the end`);
  const witness = !policy
    ? noPolicy
    : anchors.witnessed !== null
      ? OK
      : unchecked("no quorum of witnesses that the policy knows has cosigned");
  if (!policy) return { identity: noPolicy, time, witness, times, witnessed: null };
  let ok = judgeAdmission(policy, log, sink);
  const subject = (index: number, where: string): Subject => ({
    where,
    index,
    origin: log.origin,
    bounds: anchors.bounds(index),
  });
  for (const signed of log.signed)
    ok = judgePersons(env, signed, subject(signed.index, `custody/${number8(signed.index)}/event.json`), sink) && ok;
  for (const one of besides) ok = judgePersons(env, one.signed, subject(log.size, one.where), one.sink) && ok;
  return {
    identity: ok ? OK : unchecked("not every signer could be judged"),
    time,
    witness,
    times,
    witnessed: anchors.witnessed,
  };
}
