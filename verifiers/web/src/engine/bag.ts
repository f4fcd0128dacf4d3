/**
 * The BagIt bag around a package (package.md 8.2): every file there, with both digests, and none that no manifest
 * names.
 */

import { compareText, equal, fromHex, fromUtf8, toHex } from "./bytes";
import { linesOf, type Digests } from "./digest";
import type { Files } from "./files";
import type { Sink } from "./sink";
import { Damaged, Unreadable } from "./source";
import { DAMAGED, FILE, NAMED } from "./table";

const TAG_MANIFESTS = ["tagmanifest-sha256.txt", "tagmanifest-sha512.txt"];
export const BAG_MANIFESTS = new Set(["manifest-sha256.txt", "manifest-sha512.txt", ...TAG_MANIFESTS]);
const DECLARATION = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
/** What BagIt would escape, or a reader might cut, in a path. */
const ESCAPED = /[%\u0000-\u001f\u007f\u0085\u2028\u2029]|^(?!\ufeff)\s|(?!\ufeff)\s$/;
const MOST_LINE = 4096 + 140;
const MOST_TAG = 1 << 20;

/** Judge the bag; SHA-256 of each file is left in the table. */
export async function judgeBag(files: Files, digests: Digests, sink: Sink): Promise<void> {
  await declaration(files, sink);
  const payload = await pair(files, digests, sink, "manifest", (path) => path.startsWith("data/"));
  await info(files, sink);
  const tags = await pair(
    files,
    digests,
    sink,
    "tagmanifest",
    (path) => !path.startsWith("data/") && !TAG_MANIFESTS.includes(path),
  );
  const { table } = files.source;
  for (const { path, kind, index } of files.list()) {
    if (kind !== FILE || table.is(index, NAMED)) continue;
    const isJudged = (path.startsWith("data/") ? payload : tags) && !TAG_MANIFESTS.includes(path);
    if (isJudged) sink.find("E164", path, "a file that no manifest names");
    await hash(files, digests, sink, index);
  }
}

/** Bytes that are no UTF-8 stand as U+FFFD. */
async function text(files: Files, path: string, sink: Sink): Promise<string | null> {
  const read = await files.read(path, MOST_TAG);
  if ("bytes" in read) return new TextDecoder("utf-8", { ignoreBOM: true }).decode(read.bytes);
  if ("tooLarge" in read) sink.find("E102", path, `${read.tooLarge} bytes`);
  else if (read.lack === "missing") sink.find("E501", path, "none", "a plain file");
  else if (read.lack === "unreadable") sink.missedOut("record", "unreadable", path, read.why);
  return null;
}

async function declaration(files: Files, sink: Sink): Promise<void> {
  const found = await text(files, "bagit.txt", sink);
  if (found !== null && found !== DECLARATION)
    sink.find("E161", "bagit.txt", found.slice(0, 200), "BagIt-Version: 1.0, UTF-8");
}

async function info(files: Files, sink: Sink): Promise<void> {
  const found = await text(files, "bag-info.txt", sink);
  if (found === null) return;
  let bytes = 0;
  let count = 0;
  let isWhole = true;
  const { table } = files.source;
  for (const { kind, index } of files.list("data/")) {
    if (kind !== FILE || !table.is(index, NAMED)) continue;
    isWhole &&= !table.is(index, DAMAGED);
    bytes += table.size(index);
    count++;
  }
  const lines = found.split("\n");
  const isForm = lines.pop() === "" && lines.every((line) => line.includes(": "));
  const said = lines.filter((line) => line.startsWith("Payload-Oxum: "));
  const expected = `Payload-Oxum: ${bytes}.${count}`;
  if (!isForm || (isWhole && (said.length !== 1 || said[0] !== expected)))
    sink.find("E161", "bag-info.txt", said.join(", "), expected);
}

interface Line {
  path: string;
  digest: Uint8Array;
}

/** One manifest, up to its first line that is not in its form or order (E161). */
class Manifest {
  isWhole = true;

  constructor(
    private readonly files: Files,
    readonly name: string,
    private readonly bytes: number,
    private readonly sink: Sink,
  ) {}

  async *lines(): AsyncGenerator<Line> {
    const { files, name, sink } = this;
    const index = files.index(name);
    if (index < 0 || !files.isFile(name)) {
      this.isWhole = false;
      return sink.find("E501", name, "none", "a plain file");
    }
    let number = 0;
    let last: string | null = null;
    try {
      for await (const one of linesOf(files.source.stream(index), MOST_LINE)) {
        number++;
        const line = this.line(one && one.whole ? fromUtf8(one.line) : null);
        if (!line || (last !== null && compareText(last, line.path) >= 0)) {
          sink.find("E161", `${name} line ${number}`, line ? "not in ascending order" : "not in its form");
          this.isWhole = false;
          return;
        }
        last = line.path;
        yield line;
      }
    } catch (error) {
      if (!(error instanceof Damaged || error instanceof Unreadable)) throw error;
      this.isWhole = false;
    }
  }

  private line(line: string | null): Line | null {
    const { bytes } = this;
    const digest =
      line && line[2 * bytes] === " " && line[2 * bytes + 1] === " " ? fromHex(line.slice(0, 2 * bytes), bytes) : null;
    const path = line?.slice(2 * bytes + 2) ?? "";
    return digest && path && !ESCAPED.test(path) ? { path, digest } : null;
  }
}

/** Both manifests of one kind, side by side; true where both could be read to their end. */
async function pair(
  files: Files,
  digests: Digests,
  sink: Sink,
  kind: string,
  belongs: (path: string) => boolean,
): Promise<boolean> {
  const short = new Manifest(files, `${kind}-sha256.txt`, 32, sink);
  const long = new Manifest(files, `${kind}-sha512.txt`, 64, sink);
  const left = short.lines();
  const right = long.lines();
  let a = await left.next();
  let b = await right.next();
  while (!a.done || !b.done) {
    const order = a.done ? 1 : b.done ? -1 : compareText(a.value.path, b.value.path);
    const path = order <= 0 ? (a.value as Line).path : (b.value as Line).path;
    const lacks = order < 0 ? long : order > 0 ? short : null;
    if (!belongs(path)) sink.find("E161", short.name, `it names ${path}`);
    else {
      if (lacks?.isWhole) sink.find("E161", lacks.name, `it does not name ${path}`);
      await compare(
        files,
        digests,
        sink,
        path,
        order <= 0 ? (a.value as Line).digest : null,
        order >= 0 ? (b.value as Line).digest : null,
      );
    }
    if (order <= 0) a = await left.next();
    if (order >= 0) b = await right.next();
  }
  return short.isWhole && long.isWhole;
}

async function compare(
  files: Files,
  digests: Digests,
  sink: Sink,
  path: string,
  sha256: Uint8Array | null,
  sha512: Uint8Array | null,
): Promise<void> {
  const index = files.index(path);
  if (index < 0 || !files.isFile(path)) return sink.find("E163", path, "none", "a file that a manifest names");
  if (files.source.table.is(index, NAMED)) return;
  files.source.table.mark(index, NAMED);
  const found = await hash(files, digests, sink, index);
  if (!found) return;
  const [short, long] = found as [Uint8Array, Uint8Array];
  if (sha256 && !equal(short, sha256)) sink.find("E162", path, `sha256 ${toHex(short)}`, `sha256 ${toHex(sha256)}`);
  else if (sha512 && !equal(long, sha512)) sink.find("E162", path, `sha512 ${toHex(long)}`, `sha512 ${toHex(sha512)}`);
}

async function hash(files: Files, digests: Digests, sink: Sink, index: number): Promise<Uint8Array[] | null> {
  const { table } = files.source;
  const path = table.name(index).slice(files.folder.length);
  try {
    const found = await digests.of(index, ["sha256", "sha512"]);
    table.setDigest(index, found[0]!);
    sink.count("bag_files");
    return found;
  } catch (error) {
    if (error instanceof Damaged) sink.find("E157", path, error.message);
    else if (error instanceof Unreadable) sink.missedOut("record", "unreadable", path, error.message);
    else throw error;
    table.mark(index, DAMAGED);
    return null;
  }
}
