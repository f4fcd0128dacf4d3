/** What all findings come to (verification.md 3 to 5): aspects, verdict, the report. */

import registry from "../../../../specs/findings.json";
import type { Env } from "./env";
import { ASPECTS, type Sink } from "./sink";
import type { Aspect, AspectStatus, Counts, PackageFacts, Report, Times, Verdict } from "./types";

const TITLES = registry as Record<string, { title: string; aspect: string }>;

/** What the steps found out, besides findings. */
export interface Facts {
  subject: Report["subject"];
  scope: Report["scope"];
  checkpoint: Report["checkpoint"];
  /** Something sealed was there to check. */
  sealed: boolean;
  evidence: AspectStatus;
  identity: AspectStatus;
  time: AspectStatus;
  witness: AspectStatus;
  completeness: AspectStatus;
  times: Times | null;
  counts: Partial<Counts>;
  files: { checked: number; not_checked: number; total: number };
  package?: PackageFacts;
  /** A source that was given could not be compared. */
  sourceMissed?: boolean;
}

export const OK: AspectStatus = { status: "ok", reason: "" };
export const unchecked = (reason: string): AspectStatus => ({ status: "not_checked", reason });

const DONE: Record<string, string> = {
  case_file: "case file read and compared with event 0",
  bag_files: "files of the package hashed, SHA-256 and SHA-512",
  package_files: "files that are no payload compared with package.json",
  checkpoints: "checkpoints checked: two log signatures each, and the root of the entries up to their size",
  entries: "log entries read, each compared with the log before it",
  events: "events read and compared with the digests in their entries",
  files_seen: "files of the case folder compared with what the events name",
  log_policy: "checkpoints compared with the log keys of the policy",
  manifests: "catalogues checked: file digest, header, root, totals",
  rows: "catalogue rows checked: form, commitments, order, view columns",
  person_signatures: "signatures of persons checked",
  persons: "events whose signers the policy knows",
  rules: "events checked against the rules of custody",
  shown_rows: "rows that are shown, from their opened groups to the sealed root",
  objects: "objects hashed",
  time_stamps: "time-stamps checked",
  tiles: "published tiles compared with the entries",
  selections: "lists of rows that parts of items consist of",
  selected_rows: "rows of parts compared with the catalogue",
  cosignatures: "cosignatures of witnesses checked",
  messages: "messages from other logs checked",
  source_rows: "rows compared with the source",
  outside: "checkpoints known from outside compared with the log",
  groups: "groups of the row opened and compared with its leaf",
};

/** What an aspect as a whole wants, where nothing else says why it was not checked. */
const WANTS = {
  completeness: "no_outside",
  evidence: "no_source",
  identity: "no_policy",
  time: "no_time",
  witness: "no_policy",
} as const;

export function conclude(env: Env, sink: Sink, facts: Facts): Report {
  const codes = new Set(Object.keys(sink.byCode));
  const aspects = Object.fromEntries(ASPECTS.map((aspect) => [aspect, status(aspect, sink, facts, codes)])) as Record<
    Aspect,
    AspectStatus
  >;
  for (const aspect of ["evidence", "identity", "time", "witness", "completeness"] as const) {
    const { status: now, reason } = aspects[aspect];
    if (now === "not_checked" && !sink.missed.has(aspect)) {
      sink.missedOut(aspect, WANTS[aspect], aspect, reason);
    }
  }
  const { verdict, reason } = decide(env, sink, facts, aspects, codes);
  const scope = facts.scope === "record" && aspects.evidence.status === "ok" ? "record and evidence" : facts.scope;
  const findings = sink.findings();
  return {
    _t: "evidencekit/report/1",
    aspects,
    checked: Object.entries(sink.done)
      .filter(([, count]) => count > 0)
      .map(([name, count]) => `${count} ${DONE[name] ?? name}`),
    checkpoint: facts.checkpoint,
    counts: {
      rows: 0,
      states: {},
      ...facts.counts,
      checked: Object.fromEntries(Object.entries(sink.done).filter(([, count]) => count > 0)),
      files_of_record: facts.files,
      findings: { by_code: sink.byCode, total: sink.total },
      not_checked: sink.notCheckedTotal,
    },
    exit_code: ({ VERIFIED: 0, FAILED: 3, "NOT CHECKED": 4, "INTEGRITY ONLY": 7 } as const)[verdict],
    findings,
    line: verdict === "VERIFIED" ? `VERIFIED (${scope})` : verdict,
    not_checked: sink.notChecked(),
    ...(facts.package ? { package: facts.package } : {}),
    reason,
    scope,
    subject: facts.subject,
    times: facts.times,
    verdict,
  };
}

function status(aspect: Aspect, sink: Sink, facts: Facts, codes: Set<string>): AspectStatus {
  const failed = sink.failed.get(aspect);
  if (failed) return { status: "failed", reason: `${failed.code}: ${TITLES[failed.code]!.title} (${failed.where})` };
  const missed = sink.missed.get(aspect);
  if (missed !== undefined) return unchecked(missed);
  if (aspect === "record") {
    if (codes.has("E103")) return unchecked("E103: something is in a format version that this program does not know");
    return facts.checkpoint ? OK : unchecked("there is no checkpoint that holds");
  }
  if (aspect === "custody") return OK;
  const said = facts[aspect];
  if (aspect === "completeness" && said.status === "ok" && (codes.has("W901") || codes.has("W902"))) {
    return unchecked("something stands in the case that no event accounts for");
  }
  return said;
}

function decide(
  env: Env,
  sink: Sink,
  facts: Facts,
  aspects: Record<Aspect, AspectStatus>,
  codes: Set<string>,
): { verdict: Verdict; reason: string } {
  const failed = (["record", "evidence", "identity", "time", "witness", "custody", "completeness"] as const).find(
    (aspect) => aspects[aspect].status === "failed",
  );
  if (failed) return { verdict: "FAILED", reason: `${failed}: ${aspects[failed].reason}` };
  const not = (reason: string): { verdict: Verdict; reason: string } => ({ verdict: "NOT CHECKED", reason });
  if (!facts.sealed) return not("there was nothing sealed to check");
  const excused: Aspect[] =
    facts.subject === "proof"
      ? ["custody", "evidence", "completeness"]
      : facts.subject === "log"
        ? ["custody", "evidence", "time"]
        : [];
  for (const aspect of required(env)) {
    if (aspects[aspect].status !== "ok" && !excused.includes(aspect))
      return not(`${aspect} is required: ${aspects[aspect].reason}`);
  }
  if (codes.has("W901")) return not("something stands above the newest checkpoint");
  if (codes.has("W902")) return not("files stand in the case that belong to no event");
  if (codes.has("E103")) return not("something is in a format version that this program does not know");
  if (facts.sourceMissed) return not("a source that was given could not be compared");
  if (sink.missed.has("record")) return not(`record: ${sink.missed.get("record")}`);
  if (!env.policy)
    return { verdict: "INTEGRITY ONLY", reason: "no policy was given, so nobody's identity was checked" };
  return { verdict: "VERIFIED", reason: "all that the policy requires was checked and holds" };
}

function required(env: Env): Set<Aspect> {
  if (!env.policy) return new Set<Aspect>(["record"]);
  const all = new Set(env.policy.require);
  if (env.policy.quorum !== "none") all.add("witness");
  return all;
}
