/** A package (verification.md 2b, package.md 8): bag, signed record, log, lines, sums. */

import { BAG_MANIFESTS, judgeBag } from "./bag";
import { toHex } from "./bytes";
import { Digests } from "./digest";
import type { Env } from "./env";
import type { Files } from "./files";
import { sha256 } from "./hash";
import { judgeLog } from "./judged";
import { isLogKey, type Signed } from "./signatures";
import { type Facts, OK, unchecked } from "./outcome";
import { judgeOutside, type Since } from "./outside";
import { PACKAGE_LIMIT, type PackageFile, readPackage } from "./packagefile";
import { unsafe } from "./paths";
import { judgePrevious } from "./previous";
import { PackagedLog } from "./packaged";
import { Below, type Sink } from "./sink";
import { judgeSignature } from "./sshsig";
import { CLAIMED, FILE, LINK, NAMED, OTHER } from "./table";
import { Names, Refused } from "./archive";

const RECORD = "evidence/package.json";
const SIGNATURE = "evidence/package.json.sig";
const SIGNATURE_LIMIT = 16 * 1024;

export interface PackageResult {
  facts: Facts;
  record: PackageFile | null;
  digest: string | null;
}

/** Names of a folder, judged as those of an archive are. Raises `Refused`. */
export function judgeFolder(files: Files): void {
  const { source, folder } = files;
  for (const path of source.odd)
    if (path.startsWith(folder)) throw new Refused("E153", path, "a name that is not UTF-8");
  const names = new Names(Number.MAX_SAFE_INTEGER, false);
  for (const { path, kind, index } of files.list()) {
    if (kind === LINK || kind === OTHER) throw new Refused("E154", path, "not a plain file");
    if (unsafe(path)) throw new Refused(unsafe(path)!, path, "a name that is not safe");
    names.add(path, kind !== FILE, kind === FILE ? source.table.size(index) : 0, 0);
  }
}

/** All steps over an opened package: `files` is its folder. */
export async function judgePackage(env: Env, files: Files, sink: Sink, since: Since | null): Promise<PackageResult> {
  const { table } = files.source;
  let total = 0;
  let count = 0;
  for (const { kind, index } of files.list()) {
    if (kind !== FILE) continue;
    total += table.size(index);
    count++;
  }
  const digests = new Digests(env, files.source, total);
  await judgeBag(files, digests, sink);
  const { record, digest, signed } = await readRecordFile(files, sink);
  if (record) judgeFiles(files, record, sink);
  const hasCatalogues = files.isFolder("evidence/manifests");
  if (record && record.full !== hasCatalogues) {
    sink.find("E166", RECORD, `full ${record.full}`, `evidence/manifests is ${hasCatalogues ? "" : "not "}there`);
  }
  const below = new Below(sink, "evidence/");
  const evidence = files.below("evidence/");
  const main = new PackagedLog(env, evidence, files, below, digests, record, record, {
    where: "package.json",
    sink: below,
    prefix: "",
    full: record?.full ?? false,
    passedOn: false,
    takeover: null,
  });
  await main.read();
  if (signed) judgeExporter(signed, main, sink);
  const besides =
    record && signed?.signer.key
      ? [
          {
            signed: { index: main.log.size, actor: record.exporter.id, signers: [signed.signer] },
            where: SIGNATURE,
            sink,
          },
        ]
      : [];
  const judged = await judgeLog(env, main.log, below, besides);
  if (besides.length === 0 && judged.identity.status === "ok")
    judged.identity = unchecked("nobody can say who made the package");
  const parts = [main, ...(record ? await main.branches(record) : [])];
  const previous = record ? await judgePrevious(env, files, record, main, digests, sink) : [];
  parts.push(...previous);
  if (record && !parts.some(({ lines }) => lines.isCut)) judgePayload(files, sink);
  let completeness = judgeOutside(env, main.log, since, below);
  const stated = env.options.digest?.trim().toLowerCase();
  if (stated !== undefined && digest !== null) {
    if (stated !== digest) sink.find("E201", RECORD, digest, stated);
    completeness = OK;
  }
  const sums = parts.map(({ lines }) => lines.sums);
  const add = (pick: (one: (typeof sums)[number]) => number): number => sums.reduce((all, one) => all + pick(one), 0);
  const states: Record<string, number> = {};
  for (const one of sums)
    for (const [state, number] of Object.entries(one.states)) states[state] = (states[state] ?? 0) + number;
  const compared = add((one) => one.compared);
  const left = add((one) => one.left);
  const evidenceStatus = left
    ? unchecked(`${left} files are shown without their content`)
    : compared
      ? OK
      : unchecked("no content is here");
  const held = main.log.notes.valid.get(main.log.size);
  const facts: Facts = {
    subject: "package",
    scope: "package",
    checkpoint: held ? { origin: held.note.origin, root: toHex(held.note.root), size: held.note.size } : null,
    sealed: parts.some((part) => part.sealed.size > 0),
    evidence: evidenceStatus,
    identity: judged.identity,
    time: judged.time,
    witness: judged.witness,
    completeness,
    times: judged.times,
    counts: {
      rows: add((one) => one.rows),
      derived_rows: add((one) => one.derivedRows),
      bytes: Number(sums.reduce((all, one) => all + one.bytes, 0n)),
      states,
      entries: parts.reduce((all, part) => all + part.log.size, 0),
      exhibits: new Set(
        parts.flatMap((part) => [...part.sealed.values()].filter((one) => !one.derived).map((one) => one.item)),
      ).size,
      payload_compared: compared,
      payload_left: left,
      ...(judged.witnessed === null ? {} : { witnessed: judged.witnessed }),
    },
    files: fileCounts(files, count),
    package: { container: files.source.container, digest, ...said(record) },
  };
  return { facts, record, digest };
}

function fileCounts(files: Files, total: number): Facts["files"] {
  let damaged = 0;
  for (const { kind, index } of files.list()) if (kind === FILE && !files.source.table.digest(index)) damaged++;
  return { checked: total - damaged, not_checked: damaged, total };
}

function said(record: PackageFile | null): Record<string, unknown> {
  if (!record) return {};
  const {
    confidentiality,
    created_at,
    exporter,
    full,
    hash_only,
    items,
    manifests,
    onward_transfer,
    previous,
    recipient,
    request,
    transfer,
    use_limits,
  } = record;
  return {
    ...(request === undefined ? {} : { request }),
    confidentiality,
    created_at,
    exporter,
    full,
    hash_only,
    items,
    manifests,
    onward_transfer,
    previous,
    recipient,
    transfer,
    use_limits,
  };
}

interface SignedRecord {
  signer: Signed["signers"][number];
}

/** `package.json` and its signature; its digest is that of the file. */
async function readRecordFile(
  files: Files,
  sink: Sink,
): Promise<{ record: PackageFile | null; digest: string | null; signed: SignedRecord | null }> {
  const read = await files.read(RECORD, PACKAGE_LIMIT);
  if (!("bytes" in read)) {
    if ("tooLarge" in read) sink.find("E102", RECORD, `${read.tooLarge} bytes`);
    else if (read.lack === "missing") sink.find("E501", RECORD, "none", "the package's own record");
    if (!files.isFile(SIGNATURE)) missingSignature(sink, "");
    return { record: null, digest: null, signed: null };
  }
  const digest = toHex(sha256(read.bytes));
  const parsed = readPackage(read.bytes);
  if ("fault" in parsed) sink.find(parsed.fault.code, RECORD, parsed.fault.found);
  const record = "value" in parsed ? parsed.value : null;
  const signature = await files.read(SIGNATURE, SIGNATURE_LIMIT);
  if (!("bytes" in signature)) {
    if ("tooLarge" in signature) sink.find("E102", SIGNATURE, `${signature.tooLarge} bytes`);
    else if (signature.lack === "missing") missingSignature(sink, record?.exporter.key ?? "");
    return { record, digest, signed: null };
  }
  if (!record) return { record, digest, signed: null };
  const judged = judgeSignature(signature.bytes, "evidencekit-package", read.bytes, record.exporter.key);
  sink.count("person_signatures");
  if ("code" in judged) sink.find(judged.code, SIGNATURE, judged.found, record.exporter.key);
  const key = "key" in judged ? judged.key : null;
  return { record, digest, signed: { signer: { fingerprint: record.exporter.key, key } } };
}

function missingSignature(sink: Sink, key: string): void {
  sink.find("E501", SIGNATURE, "none", "a plain file");
  sink.find("E401", SIGNATURE, "none", `a signature by ${key}`);
}

function judgeExporter(signed: SignedRecord, main: PackagedLog, sink: Sink): void {
  if (signed.signer.key && isLogKey(signed.signer.key, main.log.keys)) {
    sink.find("E404", SIGNATURE, "the log's own key");
    signed.signer.key = null;
  }
  if (main.log.custody.keys.isSpent(signed.signer.fingerprint, main.log.size)) {
    sink.find("E312", SIGNATURE, `${signed.signer.fingerprint}, which signs no more`);
  }
}

/** `files`, both ways (package.md 1). */
function judgeFiles(files: Files, record: PackageFile, sink: Sink): void {
  const { table } = files.source;
  const excepted = (path: string): boolean =>
    path.startsWith("data/") || path === RECORD || path === SIGNATURE || BAG_MANIFESTS.has(path);
  const listed = new Set<string>();
  for (const { path, bytes, sha256: digest } of record.files) {
    listed.add(path);
    if (excepted(path)) {
      sink.find("E165", RECORD, path, "files that it can list");
      continue;
    }
    const index = files.index(path);
    if (index < 0 || !files.isFile(path)) {
      sink.find("E501", path, "none", "a file that package.json lists");
      continue;
    }
    const found = table.digest(index);
    if (!found) continue;
    sink.count("package_files");
    if (toHex(found) !== digest || String(table.size(index)) !== bytes) {
      sink.find(
        "E201",
        path,
        `${table.size(index)} bytes, SHA-256 ${toHex(found)}`,
        `${bytes} bytes, SHA-256 ${digest}`,
      );
    }
  }
  for (const { path, kind } of files.list()) {
    if (kind === FILE && !excepted(path) && !listed.has(path)) {
      sink.find("E165", path, "a file that package.json does not list");
    }
  }
}

/** No payload without a row. What the bag does not name is E164 alone. */
function judgePayload(files: Files, sink: Sink): void {
  const { table } = files.source;
  for (const { path, kind, index } of files.list("data/")) {
    if (kind === FILE && !table.is(index, CLAIMED) && table.is(index, NAMED)) {
      sink.find("E173", `data/${path}`, "a file of no row", "the payload of a row that is shown");
    }
  }
}
