/** Files that no event accounts for (verification.md 1.11, store.md 5). */

import { type Files, fromNumber8, number8 } from "./files";
import type { Log } from "./log";
import { signatureFile } from "./signatures";
import type { Sink } from "./sink";
import { FILE, FOLDER } from "./table";

const DROPPING = /^(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.directory|\._.*)$/;
const NEVER_JUDGED = /^(?:work(?:\/|$)|index\.sqlite(?:-wal|-shm|-journal)?$|manifests\/[^/]*\.tiles$)|(?:^|\/)\.tmp-/;

export interface Known {
  /** Manifest files that events name: `00000001.parquet`, and reduced forms that stand. */
  manifests: Set<string>;
  /** Is it a full or reduced form in whose place another stands? */
  isGone: (manifest: string) => boolean;
  /** Digests of objects that events, or rows, name; null where rows could not be read. */
  objects: (digest: string) => boolean | null;
  branches: Set<string>;
  packages: Set<string>;
  largest: number;
}

export function judgeStrays(files: Files, log: Log, known: Known, sink: Sink): void {
  const signers = new Map(log.signed.map(({ index, signers }) => [index, signers.length]));
  const anchors = new Set(
    log.kept.filter(({ event }) => event.type === "anchor").map(({ event }) => String(event.body["file"])),
  );
  const unfinished = new Set<string>();
  const strangers = new Set<string>();
  for (const { path, kind } of files.list()) {
    if (NEVER_JUDGED.test(path)) continue;
    const parts = path.split("/");
    const [top, second] = parts as [string, string | undefined];
    if ((top === "branches" || top === "packages") && second !== undefined) {
      const names = top === "branches" ? known.branches : known.packages;
      if (names.has(second)) continue;
      strangers.add(`${top}/${second}`);
      continue;
    }
    if (kind === FOLDER) continue;
    if (kind === FILE && DROPPING.test(parts.at(-1)!)) {
      sink.find("W905", path, "a file of a desktop system");
      continue;
    }
    const verdict = kind === FILE ? judge(path, parts, log, known, signers, anchors) : "W902";
    if (verdict !== "ok" && log.hasUnknownTypes && ["manifests", "objects", "checkpoints"].includes(top))
      sink.missedOut("completeness", "unknown_type", path, "an event of an unknown type may name it");
    else if (verdict === "W901") unfinished.add(top === "custody" ? `custody/${second}` : path);
    else if (verdict === "W902") sink.find("W902", path, "a file that belongs to no event");
    else if (verdict === "objects")
      sink.missedOut("completeness", "objects", path, "rows that could name it were not read");
    else sink.count("files_seen");
  }
  for (const path of files.source.odd) {
    if (path.startsWith(files.folder) && !NEVER_JUDGED.test(path.slice(files.folder.length))) {
      sink.find("W902", path.slice(files.folder.length), "a file that belongs to no event");
    }
  }
  for (const name of strangers) sink.find("W902", name, "a folder that no event names");
  for (const path of [...unfinished].sort()) sink.find("W901", path, "above the newest checkpoint");
}

function judge(
  path: string,
  parts: string[],
  log: Log,
  known: Known,
  signers: Map<number, number>,
  anchors: Set<string>,
): "ok" | "W901" | "W902" | "objects" {
  const [top, second, third] = parts;
  if (path === "case.json") return "ok";
  if (top === "custody" && parts.length === 3) {
    const index = fromNumber8(second!);
    if (index === null) return "W902";
    if (index >= log.size) return "W901";
    if (third === "entry" || third === "event.json") return "ok";
    const count = signers.get(index);
    const folder = `custody/${number8(index)}`;
    const places = Array.from({ length: count ?? 16 }, (_, j) => signatureFile(folder, j));
    return places.includes(path) ? "ok" : "W902";
  }
  if (top === "checkpoints" && parts.length === 2) {
    const size = fromNumber8(second!);
    if (size !== null) return "ok"; // one that does not hold has its own finding
    return anchors.has(second!) ? "ok" : "W902";
  }
  if (top === "manifests" && parts.length === 2) {
    if (known.manifests.has(second!)) return "ok";
    if (known.isGone(second!)) return "W902";
    const match = /^(\d{8,})(?:\.r([1-9]\d*))?\.parquet$/.exec(second!);
    const number = match && fromNumber8(match[1]!);
    if (match && number !== null && (number > known.largest || match[2])) {
      const isKnown =
        known.manifests.has(`${match[1]}.parquet`) ||
        [...known.manifests].some((one) => one.startsWith(`${match[1]}.`));
      return match[2] && !isKnown ? "W902" : "W901";
    }
    return "W902";
  }
  if (top === "objects" && parts.length === 4 && second === "sha256") {
    const digest = parts[3]!;
    if (!/^[0-9a-f]{64}$/.test(digest) || third !== digest.slice(0, 2)) return "W902";
    const is = known.objects(digest);
    return is === null ? "objects" : is ? "ok" : "W902";
  }
  return "W902";
}
