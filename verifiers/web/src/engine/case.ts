/** A case directory (verification.md 1): the steps in their order, and what they come to. */

import { Digests } from "./digest";
import type { Env } from "./env";
import { type Files, number8 } from "./files";
import { judgeAdopted, type Takeover, takeoverBy } from "./adopted";
import { toHex } from "./bytes";
import { encode, type Json } from "./json";
import { judgeLog } from "./judged";
import { Log } from "./log";
import { Manifests } from "./manifest";
import { judgeMessages } from "./messages";
import { judgeObject, namedByEvents, nameOf, objectPath } from "./objects";
import { type Facts, OK, unchecked } from "./outcome";
import { judgeOutside, type Since } from "./outside";
import { judgePackage, judgeFolder } from "./package";
import { Refused } from "./archive";
import { type CaseFile, readCase } from "./records";
import { SourceCheck } from "./compare";
import { Selections } from "./selections";
import { Below, type Sink } from "./sink";
import { judgeStrays } from "./strays";
import { FILE } from "./table";
import type { AspectStatus } from "./types";

const RECORD_FILE = 65_536;
const MOST_BRANCHES = 100;
const MOST_DEEP = 4;

interface Deep {
  /** What the case above adopted; null at the top. */
  takeover: Takeover | null;
  depth: number;
}

export async function judgeCase(env: Env, files: Files, sink: Sink, since: Since | null): Promise<Facts> {
  const { facts, manifests } = await one(env, files, sink, since, { takeover: null, depth: 0 });
  const sources = env.options.sources;
  if (!sources?.size) return facts;
  const compared = new Set<string>();
  for (const [exhibit, tree] of sources) {
    const of = manifests.sealed(exhibit);
    if (of && (await new SourceCheck(env, sink, tree, { exhibit, ...of }).read(files))) compared.add(exhibit);
    else if (!of) sink.missedOut("evidence", "missing_base", exhibit, "no catalogue of it could be read");
  }
  const left = [...manifests.sums.exhibits].filter((exhibit) => !compared.has(exhibit));
  facts.sourceMissed = compared.size < sources.size;
  facts.evidence = left.length ? unchecked(`no source was compared of ${left.join(", ")}`) : OK;
  return facts;
}

async function one(
  env: Env,
  files: Files,
  sink: Sink,
  since: Since | null,
  deep: Deep,
): Promise<{ facts: Facts; log: Log; manifests: Manifests }> {
  const caseFile = await readCaseFile(files, sink);
  const adoptedAt = deep.takeover?.size ?? null;
  const log = new Log(env, files, sink, { caseFile, fallback: caseFile, hidden: null, adoptedAt });
  await log.read();
  if (caseFile) repeats(caseFile, log, sink);
  log.custody.finish(env.now, deep.takeover?.items);
  let total = 0;
  for (const { kind, index } of files.list()) if (kind === FILE) total += files.source.table.size(index);
  const digests = new Digests(env, files.source, total);
  const manifests = new Manifests(env, log, files, sink, digests);
  await manifests.read();
  await new Selections(env, log, files, sink, (root) => manifests.base(root)).read();
  const named = namedByEvents(log);
  for (const one of named.values()) await judgeObject(env, files, sink, digests, one);
  const { needed } = manifests.objects;
  for (const [sha256, bytes] of needed)
    if (!named.has(nameOf({ sha256, bytes }))) await judgeObject(env, files, sink, digests, { sha256, bytes });
  const digestsNamed = new Set([...named.values()].map(({ sha256 }) => sha256));
  const isNamed = (digest: string): boolean => digestsNamed.has(digest) || needed.has(digest);
  for (const [sha256, bytes] of manifests.objects.contents) {
    if (!isNamed(sha256) && files.isFile(objectPath(sha256)))
      await judgeObject(env, files, sink, digests, { sha256, bytes });
  }
  await judgeMessages(env, log, files, sink);
  const branches = log.kept.filter(({ event }) => event.type === "adopt");
  const packages = log.kept.filter(({ event }) => event.type === "receive" && event.items.length > 0);
  judgeStrays(
    files,
    log,
    {
      manifests: manifests.named,
      isGone: (name) => manifests.erasures.isGone(name),
      objects: (digest) =>
        isNamed(digest) || manifests.objects.contents.has(digest) || (manifests.objects.whole ? false : null),
      branches: new Set(branches.map(({ event }) => String(event.body["branch"]))),
      packages: new Set(packages.map(({ event }) => String(event.body["package"]))),
      largest: manifests.largest,
    },
    sink,
  );
  const judged = await judgeLog(env, log, sink);
  const completeness = deep.depth ? OK : judgeOutside(env, log, since, sink);
  const held = log.notes.valid.get(log.size);
  const { sums } = manifests;
  const stands = fileCounts(files);
  const facts: Facts = {
    subject: "case",
    scope: "record",
    checkpoint: held ? { origin: held.note.origin, root: toHex(held.note.root), size: held.note.size } : null,
    sealed: manifests.checked > 0,
    evidence: unchecked("no source was given"),
    identity: judged.identity,
    time: judged.time,
    witness: judged.witness,
    completeness,
    times: judged.times,
    counts: {
      rows: sums.rows,
      derived_rows: sums.derivedRows,
      bytes: Number(sums.bytes),
      states: sums.states,
      entries: log.size,
      exhibits: sums.exhibits.size,
      ...(judged.witnessed === null ? {} : { witnessed: judged.witnessed }),
    },
    files: stands,
  };
  for (const [i, adopt] of branches.entries()) {
    const name = String(adopt.event.body["branch"]);
    const folder = `branches/${name}/`;
    if (!files.isFolder(folder.slice(0, -1))) {
      sink.find("E501", folder.slice(0, -1), "none", "an adopted case");
      continue;
    }
    if (i >= MOST_BRANCHES || deep.depth >= MOST_DEEP) {
      sink.missedOut("record", "too_many", folder, "more than 100 adopted cases, or 4 inside each other");
      continue;
    }
    const below = new Below(sink, folder);
    const branch = await one(env, files.below(folder), below, null, { takeover: takeoverBy(adopt), depth: deep.depth + 1 });
    judgeAdopted(adopt, log, sink, branch.log, below, null, () => {});
    merge(facts, branch.facts);
    if (env.policy && branch.facts.identity.status !== "ok")
      sink.missedOut("identity", "branch", folder, branch.facts.identity.reason);
    if (!branch.facts.checkpoint) sink.missedOut("record", "branch", folder, "it has no checkpoint that holds");
  }
  const shown: AspectStatus[] = [];
  for (const { event, index } of packages) shown.push(await received(env, files, sink, facts, event.body, index));
  if (!sums.exhibits.size && shown.length) facts.evidence = shown.find(({ status }) => status !== "ok") ?? OK;
  return { facts, log, manifests };
}

async function readCaseFile(files: Files, sink: Sink): Promise<CaseFile | null> {
  const read = await files.read("case.json", RECORD_FILE);
  if ("tooLarge" in read) sink.find("E102", "case.json", `${read.tooLarge} bytes`);
  else if ("lack" in read) {
    if (read.lack === "missing") sink.find("E501", "case.json", "none", "a plain file");
    else sink.missedOut("record", "unreadable", "case.json", read.why);
  } else {
    const parsed = readCase(read.bytes);
    if ("value" in parsed) return parsed.value;
    sink.find(parsed.fault.code, "case.json", parsed.fault.found);
  }
  return null;
}

/** Step 7: event 0 repeats the case file. */
function repeats(caseFile: CaseFile, log: Log, sink: Sink): void {
  const body = log.opening?.body;
  const repeated = body ? ["agency", "created_at", "log_keys", "origin", "reference"] : [];
  const own: Record<string, Json> = Object.fromEntries(repeated.map((name) => [name, body![name]!]));
  own["case"] = log.caseId;
  const said = caseFile as unknown as Record<string, Json>;
  const differs = Object.keys(own).filter((name) => encode(own[name]!) !== encode(said[name]!));
  if (differs.length) sink.find("E104", "case.json", differs.join(", "), "as event 0 has them");
  else sink.count("case_file");
}

function fileCounts(files: Files): Facts["files"] {
  let total = 0;
  for (const { path, kind } of files.list()) if (kind === FILE && !/^(?:work|branches|packages)\//.test(path)) total++;
  return { checked: total, not_checked: 0, total };
}

function merge(into: Facts, from: Facts): void {
  const [a, b] = [into.counts, from.counts];
  a.rows = (a.rows ?? 0) + (b.rows ?? 0);
  a.derived_rows = (a.derived_rows ?? 0) + (b.derived_rows ?? 0);
  a.bytes = (a.bytes ?? 0) + (b.bytes ?? 0);
  a.entries = (a.entries ?? 0) + (b.entries ?? 0);
  a.exhibits = (a.exhibits ?? 0) + (b.exhibits ?? 0);
  for (const [state, count] of Object.entries(b.states ?? {})) a.states![state] = (a.states![state] ?? 0) + count;
  into.files = {
    checked: into.files.checked + from.files.checked,
    not_checked: into.files.not_checked + from.files.not_checked,
    total: into.files.total + from.files.total,
  };
  into.sealed ||= from.sealed;
}

/** Step 18: a received package, verified with the case. */
async function received(
  env: Env,
  files: Files,
  sink: Sink,
  facts: Facts,
  body: Record<string, Json>,
  index: number,
): Promise<AspectStatus> {
  const digest = String(body["package"]);
  const folder = `packages/${digest}/`;
  if (!files.isFolder(folder.slice(0, -1))) {
    sink.find("E501", folder.slice(0, -1), "none", "a received package");
    return unchecked("a received package is missing");
  }
  const below = new Below(sink, `packages/${digest.slice(0, 16)}/`);
  const own = files.below(folder);
  try {
    judgeFolder(own);
    const found = await judgePackage(env, own, below, null);
    if (found.digest !== null && found.digest !== digest) below.find("E201", "evidence/package.json", found.digest, digest);
    const { record } = found;
    const head = body["log"] as Record<string, Json>;
    const sender = body["sent_by"] as Record<string, Json>;
    if (record) {
      const differs = (
        [
          ["case", body["case"], record.case],
          ["transfer", body["transfer"], record.transfer],
          ["origin", head["origin"], record.checkpoint.origin],
          ["size", head["size"], record.checkpoint.size],
          ["root", head["root"], record.checkpoint.root],
          ["exporter", sender["id"], record.exporter.id],
          ["exporter's key", sender["key"], record.exporter.key],
        ] as const
      ).filter(([, a, b]) => a !== b);
      if (differs.length)
        sink.find(
          "E309",
          `custody/${number8(index)}/event.json`,
          differs.map(([name]) => name).join(", "),
          "as the package says",
        );
    }
    if (env.policy && found.facts.identity.status !== "ok")
      sink.missedOut("identity", "package", folder, found.facts.identity.reason);
    facts.counts.packages = (facts.counts.packages ?? 0) + 1;
    facts.counts.package_rows = (facts.counts.package_rows ?? 0) + (found.facts.counts.rows ?? 0);
    facts.sealed ||= found.facts.sealed;
    return found.facts.evidence;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    below.find(error.code, error.where, error.found);
    return unchecked("a received package cannot be read");
  }
}
