/** `records.jsonl` of one log (package.md 2 and 8.5): each line from its opened groups to the sealed root. */

import { equal, fromBase64, fromHex, fromUtf8, toHex, utf8 } from "./bytes";
import { type Digests, linesOf } from "./digest";
import type { Env } from "./env";
import type { Files } from "./files";
import { hasName, nameBytes } from "./forms";
import { commitment, type GroupName, type Leaf, openedGroup, readGroup, readLeaf, rowFault } from "./groups";
import type { Obj } from "./json";
import { included, leafHash, Tree } from "./merkle";
import { readLine, type ShownLine } from "./packagefile";
import { isPayloadOf } from "./paths";
import { shown, type Sink } from "./sink";
import { Damaged, Unreadable } from "./source";
import { CLAIMED, DAMAGED } from "./table";

const MOST_LINE = 4_194_304;
const MOST_LINES_BYTES = 2 ** 34;

/** A catalogue that a package names, and the log seals. */
export interface Sealed {
  manifest: string;
  /** As it stands below `data/`: with the branch's name before it. */
  item: string;
  root: Uint8Array;
  rows: bigint;
  /** Kind of an opinion; null for facts. */
  derived: string | null;
  baseRoot: string | null;
}

export interface LineSums {
  lines: Map<string, bigint>;
  /** `manifest group ground` to how many. */
  groups: Map<string, bigint>;
  rows: number;
  derivedRows: number;
  bytes: bigint;
  states: Record<string, number>;
  compared: number;
  /** Files shown and taken whole whose content is not here. */
  left: number;
  grounds: Set<string>;
}

export class Lines {
  readonly sums: LineSums = {
    lines: new Map(),
    groups: new Map(),
    rows: 0,
    derivedRows: 0,
    bytes: 0n,
    states: {},
    compared: 0,
    left: 0,
    grounds: new Set(),
  };
  private readonly leaves = new Map<string, Uint8Array | null>();
  /** Rows of which `content` is opened, by root in hex: a bit each. */
  private readonly opened = new Map<string, Uint8Array>();
  private last: [bigint, bigint] | null = null;

  constructor(
    private readonly env: Env,
    /** Of the log: where `records.jsonl` and `leaves/` are. */
    private readonly files: Files,
    /** Of the bag: where `data/` is. */
    private readonly bag: Files,
    private readonly digests: Digests,
    private readonly sink: Sink,
    private readonly sealed: ReadonlyMap<string, Sealed>,
  ) {}

  /** True where not every line could be read: what hangs on all of them is not judged. */
  isCut = true;

  async read(): Promise<void> {
    const index = this.files.index("records.jsonl");
    if (!this.files.isFile("records.jsonl")) return this.sink.find("E501", "records.jsonl", "none", "a plain file");
    const size = this.files.source.table.size(index);
    if (size > MOST_LINES_BYTES * Math.max(1, this.sealed.size))
      return this.sink.find("E102", "records.jsonl", `${size} bytes`);
    for (const one of this.sealed.values()) await this.allLeaves(one);
    let place = 0;
    let done = 0;
    try {
      for await (const one of linesOf(this.files.source.stream(index), MOST_LINE)) {
        const where = `records.jsonl#${place++}`;
        if (!one) return this.sink.find("E102", where, "a line that is too long");
        done += one.line.length + 1;
        await this.env.tick("lines", done, size, where);
        if (one.whole) await this.line(one.line, where);
        else return this.sink.find("E101", where, "a line without its end");
      }
      this.isCut = false;
    } catch (error) {
      if (!(error instanceof Damaged || error instanceof Unreadable)) throw error;
      this.sink.missedOut("record", "unreadable", "records.jsonl", error.message);
    }
  }

  private async line(bytes: Uint8Array, where: string): Promise<void> {
    const read = readLine(bytes);
    if ("fault" in read) return this.sink.find(read.fault.code, where, read.fault.found);
    const line = read.value;
    const here: [bigint, bigint] = [BigInt(line.manifest), BigInt(line.index)];
    if (this.last && (here[0] < this.last[0] || (here[0] === this.last[0] && here[1] <= this.last[1]))) {
      this.sink.find("E169", where, `catalogue ${line.manifest}, index ${line.index}`);
    } else this.last = here;
    const inOrder = this.last === here;
    for (const one of Object.values(line.grounds)) this.sums.grounds.add(one);
    const sealed = this.sealed.get(line.manifest);
    if (!sealed)
      return this.sink.find(
        "E170",
        where,
        `catalogue ${line.manifest}`,
        "a row of a catalogue that package.json names",
      );
    this.add(this.sums.lines, line.manifest);
    for (const [group, one] of Object.entries(line.grounds))
      this.add(this.sums.groups, `${line.manifest} ${group} ${one}`);
    const leafRead = readLeaf(utf8(line.leaf), sealed.derived !== null);
    if ("fault" in leafRead) this.sink.find(leafRead.fault.code, `${where} leaf`, leafRead.fault.found);
    const leaf = "fault" in leafRead ? null : leafRead;
    await this.prove(line, sealed, inOrder, where);
    const isOpinion = Object.hasOwn({ ...line.groups, ...line.grounds }, "opinion");
    if (isOpinion !== (sealed.derived !== null)) this.sink.find("E101", where, "groups of another kind of catalogue");
    const groups = isOpinion === (sealed.derived !== null) ? this.groups(line, sealed, leaf, where) : {};
    if (sealed.derived) this.opinion(sealed, leaf, where);
    else await this.row(line, sealed, leaf, groups, where);
  }

  private add(map: Map<string, bigint>, key: string): void {
    map.set(key, (map.get(key) ?? 0n) + 1n);
  }

  /**
   * All leaf hashes of a catalogue, where they are given; undefined where there is no such file, null where it is of
   * another length.
   */
  private async allLeaves(sealed: Sealed): Promise<Uint8Array | null | undefined> {
    if (this.leaves.has(sealed.manifest)) return this.leaves.get(sealed.manifest);
    const path = `leaves/${sealed.manifest.padStart(8, "0")}`;
    if (!this.files.isFile(path)) return undefined;
    let leaves: Uint8Array | null = null;
    let leads = false;
    if (BigInt(this.files.size(path)) === 32n * sealed.rows) {
      const read = await this.files.read(path, this.files.size(path));
      if ("bytes" in read) {
        const tree = new Tree();
        for (let at = 0; at < read.bytes.length; at += 32) tree.add(read.bytes.subarray(at, at + 32));
        leaves = read.bytes;
        leads = equal(tree.root(), sealed.root);
      }
    }
    if (!leads) this.sink.find("E207", path, "not the leaves of the sealed root");
    this.leaves.set(sealed.manifest, leaves);
    return leaves;
  }

  private async prove(line: ShownLine, sealed: Sealed, inOrder: boolean, where: string): Promise<void> {
    const hash = leafHash(utf8(line.leaf));
    const index = BigInt(line.index);
    const leaves = await this.allLeaves(sealed);
    if (line.proof !== null && leaves) return this.sink.find("E207", where, "a proof beside all leaves");
    if (line.proof === null) {
      const at = 32 * Number(index);
      if (!leaves) this.sink.find("E207", where, "neither a proof nor the leaves");
      else if (inOrder && (index >= sealed.rows || !equal(leaves.subarray(at, at + 32), hash)))
        this.sink.find("E207", where, "another leaf has its place");
    } else if (
      !included(
        index,
        sealed.rows,
        hash,
        line.proof.map((one) => fromBase64(one)!),
        sealed.root,
      )
    ) {
      this.sink.find("E207", where, "its proof does not lead to the sealed root");
    }
  }

  private groups(line: ShownLine, sealed: Sealed, leaf: Leaf | null, where: string): Partial<Record<GroupName, Obj>> {
    const found: Partial<Record<GroupName, Obj>> = {};
    for (const [name, value] of Object.entries(line.groups) as [GroupName, Obj][]) {
      const place = `${where} groups.${name}`;
      const { bytes, salt } = openedGroup(value)!;
      if (leaf && toHex(commitment(name, salt, bytes)) !== leaf.commitments[name])
        this.sink.find("E201", place, "another group than the leaf commits to");
      const read = readGroup(bytes, name === "opinion" ? sealed.derived! : name);
      if ("fault" in read) this.sink.find(read.fault.code, place, read.fault.found);
      else found[name] = read.value;
    }
    return found;
  }

  private opinion(sealed: Sealed, leaf: Leaf | null, where: string): void {
    this.sums.derivedRows++;
    if (!leaf) return;
    if (leaf.baseRoot !== sealed.baseRoot)
      this.sink.find("E107", where, `base_root ${leaf.baseRoot}`, sealed.baseRoot ?? "");
    const bits = this.opened.get(leaf.baseRoot!);
    const index = Number(leaf.baseIndex);
    if (!bits || !((bits[index >> 3] ?? 0) & (1 << (index & 7)))) {
      this.sink.find("E170", where, `an opinion about row ${leaf.baseIndex}, whose content is not opened`);
    }
  }

  private open(sealed: Sealed, index: bigint): void {
    if (index >= sealed.rows || sealed.rows > 1n << 33n) return;
    const root = toHex(sealed.root);
    let bits = this.opened.get(root);
    if (!bits) this.opened.set(root, (bits = new Uint8Array(Math.ceil(Number(sealed.rows) / 8))));
    bits[Number(index) >> 3]! |= 1 << (Number(index) & 7);
  }

  private async row(
    line: ShownLine,
    sealed: Sealed,
    leaf: Leaf | null,
    groups: Partial<Record<GroupName, Obj>>,
    where: string,
  ): Promise<void> {
    const { name = null, content = null, metadata = null } = groups;
    const kind = leaf?.kind ?? null;
    this.sums.rows++;
    const ground = line.grounds["content"];
    const lacking = ground === undefined ? "unreadable" : ground === "erased" ? "erased" : "withheld";
    const state = content ? String(content["state"]) : lacking;
    this.sums.states[state] = (this.sums.states[state] ?? 0) + 1;
    const fault = kind && rowFault(kind, name, content, metadata);
    if (fault) this.sink.find("E107", where, fault);
    if (line.groups["content"]) this.open(sealed, BigInt(line.index));
    this.sink.count("shown_rows");
    const isContent = content !== null && state === "complete" && content["sha256"] !== null;
    if (isContent) this.sums.bytes += BigInt(String(content["size"]));
    if (line.payload) await this.payload(line, sealed, { name, content, kind, isContent }, where);
    else if (isContent) this.sums.left++;
    this.env.options.onRow?.({
      where,
      manifest: line.manifest,
      index: line.index,
      kind: kind ?? "",
      path: name ? display(name) : null,
      state: content ? state : null,
      size: (content?.["size"] as string | null | undefined) ?? null,
      sha256: (content?.["sha256"] as string | null | undefined) ?? null,
      mtime_ns: (metadata?.["mtime_ns"] as string | undefined) ?? null,
      payload: line.payload?.path ?? null,
      grounds: line.grounds,
    });
  }

  private async payload(
    line: ShownLine,
    sealed: Sealed,
    { name, content, kind, isContent }: { name: Obj | null; content: Obj | null; kind: string | null; isContent: boolean },
    where: string,
  ): Promise<void> {
    const { path, bytes } = line.payload!;
    const isNamed = name !== null || !Object.hasOwn(line.groups, "name");
    const said = name
      ? { path: nameBytes(name, "path")!, stream: hasName(name, "stream") ? nameBytes(name, "stream") : null }
      : null;
    if (isNamed && !isPayloadOf(path, sealed.item, line.index, said)) this.sink.find("E172", where, path);
    const index = path.startsWith("data/") ? this.bag.index(path) : -1;
    if (index < 0 || !this.bag.isFile(path)) {
      this.sums.left++;
      return this.sink.find("E163", where, `no ${path}`);
    }
    const { table } = this.bag.source;
    if (table.is(index, CLAIMED)) this.sink.find("E173", where, `${path}, the payload of another row`);
    table.mark(index, CLAIMED);
    if (!content || !isContent || (kind !== "file" && kind !== "block_device")) {
      if (kind && content) this.sink.find("E171", where, path, "no payload but of a file that was taken whole");
      return;
    }
    let digest = table.digest(index);
    if (!digest && !table.is(index, DAMAGED)) {
      try {
        digest = (await this.digests.of(index, ["sha256"]))[0]!;
        table.setDigest(index, digest);
      } catch (error) {
        if (!(error instanceof Damaged || error instanceof Unreadable)) throw error;
        table.mark(index, DAMAGED);
      }
    }
    if (!digest) {
      this.sums.left++;
      return;
    }
    this.sums.compared++;
    const size = String(table.size(index));
    if (bytes !== content["size"] || size !== bytes || !equal(digest, fromHex(String(content["sha256"]))!)) {
      this.sink.find(
        "E171",
        where,
        `${size} bytes, SHA-256 ${toHex(digest)}`,
        `${content["size"]} bytes, SHA-256 ${content["sha256"]}`,
      );
    }
  }
}

/** A row's path as it is shown, with its stream. */
export function display(name: Obj): string {
  const text = (member: string): string => {
    const bytes = nameBytes(name, member)!;
    return shown(fromUtf8(bytes) ?? undecodable(bytes));
  };
  return hasName(name, "stream") ? `${text("path")}:${text("stream")}` : text("path");
}

/** Bytes that are no UTF-8 as text: those that cannot be read as U+DC80 to U+DCFF, which `shown` escapes. */
export function undecodable(bytes: Uint8Array): string {
  let out = "";
  for (let at = 0; at < bytes.length;) {
    const first = bytes[at]!;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    const text = fromUtf8(bytes.subarray(at, at + length));
    if (text !== null && at + length <= bytes.length) {
      out += text;
      at += length;
    } else {
      out += String.fromCharCode(0xdc00 + first);
      at++;
    }
  }
  return out;
}
