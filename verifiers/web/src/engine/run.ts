/** What is it, and which steps are its? */

import { isAge, openAge } from "./age";
import { Refused } from "./archive";
import { judgeCase } from "./case";
import { Env, Stop } from "./env";
import { Files } from "./files";
import { ready } from "./hash";
import { conclude, type Facts, unchecked } from "./outcome";
import { parseSince } from "./outside";
import { judgeFolder, judgePackage } from "./package";
import { judgePublished } from "./published";
import { readPolicy } from "./policy";
import { judgeProof } from "./proof";
import { Sink } from "./sink";
import { Damaged, openFolder, type Source, Unreadable } from "./source";
import { openTar } from "./tar";
import type { Bytes, Input, OnProgress, Options, PackageFacts, Report } from "./types";
import { Usage } from "./usage";
import { openZip } from "./zip";

export async function run(
  input: Input,
  options: Options,
  onProgress: OnProgress,
  signal?: AbortSignal,
): Promise<Report> {
  await ready();
  const policy = options.policy ? await readPolicy(options.policy) : null;
  const since = options.since === undefined ? null : parseSince(options.since);
  const now = options.now === null ? null : BigInt(Math.trunc(options.now ?? Date.now())) * 1_000_000n;
  const env = new Env(options, policy, now, onProgress, signal);
  const sink = new Sink();
  let container: PackageFacts["container"] = "unknown";
  try {
    const opened = await open(input, env);
    if ("proof" in opened) {
      return conclude(env, sink, await judgeProof(env, opened.proof, sink));
    }
    const { source } = opened;
    container = source.container;
    const files = new Files(source);
    const isBag = files.isFile("bagit.txt") && files.isFolder("evidence");
    if (container !== "folder" || files.isFile("evidence/package.json") || isBag) {
      if (container === "folder") judgeFolder(files);
      return conclude(env, sink, (await judgePackage(env, files, sink, since)).facts);
    }
    if (!files.isFile("case.json") && files.isFile("checkpoint") && files.isFolder("tile")) {
      return conclude(env, sink, await judgePublished(env, files, sink, since));
    }
    return conclude(env, sink, await judgeCase(env, files, sink, since));
  } catch (error) {
    if (error instanceof Refused) sink.find(error.code, error.where, error.found);
    else if (error instanceof Damaged) sink.find("E151", "archive", error.message);
    else if (error instanceof Unreadable) sink.missedOut("record", "unreadable", input.name, error.message);
    else if (error instanceof Stop || error instanceof Usage) throw error;
    else
      sink.missedOut(
        "record",
        "internal_error",
        input.name,
        error instanceof Error ? `a mistake of this program: ${error.message}` : "a mistake of this program",
      );
    return conclude(env, sink, nothing(container));
  }
}

/** The facts of what could not be opened. */
function nothing(container: PackageFacts["container"]): Facts {
  const not = unchecked("it could not be opened");
  return {
    subject: "package",
    scope: "package",
    checkpoint: null,
    sealed: false,
    evidence: not,
    identity: not,
    time: not,
    witness: not,
    completeness: not,
    times: null,
    counts: {},
    files: { checked: 0, not_checked: 0, total: 0 },
    package: { container, digest: null },
  };
}

const PROOF = "c2sp.org/tlog-proof@v1\n";

async function open(input: Input, env: Env): Promise<{ source: Source } | { proof: Uint8Array }> {
  const listed = async (count: number): Promise<void> => env.tick("list", count, null, input.name);
  if ("tree" in input) return { source: await openFolder(input.tree, (count) => listed(count)) };
  let file: Bytes = input.file;
  let beginning = await file.read(0, Math.min(512, file.size));
  if (isAge(beginning)) {
    file = await openAge(file, env.options.identity);
    beginning = await file.read(0, Math.min(512, file.size));
  }
  const text = String.fromCharCode(...beginning);
  if (text.startsWith(PROOF)) {
    if (file.size > 8 * 1024 * 1024) throw new Usage("a row proof of more than 8 MiB");
    return { proof: await file.read(0, file.size) };
  }
  if (text.slice(257, 262) === "ustar") return { source: await openTar(file, listed) };
  if (text.startsWith("PK")) return { source: await openZip(file, listed) };
  throw new Usage("neither a case, a package nor a row proof");
}
