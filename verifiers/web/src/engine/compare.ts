/**
 * A source against the rows that were sealed of it (verification.md 1.14), as far as its medium says what the rows say.
 */

import type { Base } from "./bases";
import { fromUtf8, toHex } from "./bytes";
import { FACTS, REDUCED } from "./columns";
import type { Env } from "./env";
import type { Files } from "./files";
import { hasName, nameBytes } from "./forms";
import { matchesAny } from "./globs";
import { readGroup } from "./groups";
import { hasher } from "./hash";
import { isObj, type Obj } from "./json";
import { undecodable } from "./lines";
import { openCatalogue, type Row } from "./parquet";
import type { Sink } from "./sink";
import { blocks } from "./source";
import type { Listed, Stat, Tree } from "./types";

interface Compared {
  exhibit: string;
  base: Base;
  header: Obj;
}

export class SourceCheck {
  private readonly there = new Map<string, Listed>();
  /** Names that some row has, and folders of which not all is known. */
  private readonly rows = new Set<string>();
  private readonly unknown = new Set<string>();
  /** By hard-link group the file that it is now, and the other way round. */
  private readonly groups = new Map<string, string>();
  private readonly linked = new Map<string, string>();
  private omitted = 0;

  constructor(
    private readonly env: Env,
    private readonly sink: Sink,
    private readonly tree: Tree,
    private readonly of: Compared,
  ) {}

  /** False where it cannot be compared. */
  async read(files: Files): Promise<boolean> {
    const { exhibit, base, header } = this.of;
    const give = (why: string): false => {
      this.sink.missedOut("evidence", "unreadable", exhibit, why);
      return false;
    };
    if (base.reduced && header["order"] === "shuffled") return give("its rows are shuffled, and some were erased");
    const file = await files.source.access(files.index(base.where));
    if (!file) return give("its catalogue cannot be read once more");
    try {
      for await (const one of this.tree.list()) this.there.set(one.path, one);
      this.there.set("", { path: "", kind: "directory", size: 0 });
      const catalogue = await openCatalogue(file, BigInt(base.marks.length), () => (base.reduced ? REDUCED : FACTS));
      let done = 0;
      for await (const rows of catalogue.groups()) for (const row of rows) await this.row(row, done++);
    } catch (error) {
      return give(error instanceof Error ? error.message : String(error));
    } finally {
      await file.close?.();
    }
    if (base.reduced)
      this.sink.missedOut("evidence", "erased", exhibit, "what was added is not told from rows whose name was erased");
    else this.added();
    if (this.omitted)
      this.sink.missedOut("evidence", "omitted", exhibit, `${this.omitted} rows were not wholly taken`, true);
    const lacks = this.tree.stat
      ? "extended attributes and holes"
      : "modes, owners, times, links and extended attributes";
    this.sink.missedOut("evidence", "not_supported", exhibit, `${lacks} are not compared by this verifier`);
    return true;
  }

  private async row(row: Row, done: number): Promise<void> {
    const { exhibit, base } = this.of;
    const [name, content, metadata] = (["name", "content", "metadata"] as const).map((group) => {
      const bytes = row[group] as Uint8Array | null | undefined;
      const read = bytes ? readGroup(bytes, group) : null;
      return read && "value" in read ? read.value : null;
    });
    if (!name) return;
    const bytes = nameBytes(name, "path")!;
    const path = fromUtf8(bytes) ?? undecodable(bytes);
    this.rows.add(path);
    await this.env.tick("hash", done, base.marks.length, `${exhibit}:${path}`);
    if (!content || !metadata) return;
    if (content["state"] === "not_listed" || content["state"] === "vanished") this.unknown.add(path);
    if (content["state"] !== "complete" || hasName(name, "stream")) {
      this.omitted++;
      return;
    }
    await this.compare(path, String(row["kind"]), { name, content, metadata });
  }

  private async compare(
    path: string,
    kind: string,
    groups: Record<"name" | "content" | "metadata", Obj>,
  ): Promise<void> {
    const { sink } = this;
    const where = `${this.of.exhibit}:${path}`;
    const listed = this.there.get(path);
    if (!listed) return sink.find("E505", where, "none", kind);
    const stat = (await this.tree.stat?.(path)) ?? null;
    const is = stat?.kind ?? (listed.kind === "other" ? null : listed.kind);
    if (is !== null && is !== kind) return sink.find("E507", where, `kind ${is}`, `kind ${kind}`);
    const { size, sha256 } = groups.content;
    if (typeof sha256 === "string") {
      const found = stat?.size ?? listed.size;
      if (String(found) !== size) sink.find("E507", where, `size ${found}`, `size ${String(size)}`);
      const digest = await this.digest(path);
      if (digest === null) sink.missedOut("evidence", "unreadable", where, "it cannot be read");
      else if (digest !== sha256) sink.find("E201", where, `sha256 ${digest}`, `sha256 ${sha256}`, "evidence");
    }
    if (stat) this.compareStat(where, stat, groups);
    sink.count("source_rows");
  }

  private compareStat(where: string, stat: Stat, { name, metadata }: Record<"name" | "metadata", Obj>): void {
    const differs = (what: string, found: unknown, said: unknown, minor: boolean): void => {
      if (said === undefined || found === undefined || String(found) === String(said)) return;
      this.sink.find(minor ? "W906" : "E507", where, `${what} ${String(found)}`, `${what} ${String(said)}`);
    };
    const asCopy = this.env.options.asCopy === true;
    const target = hasName(name, "target") ? toHex(nameBytes(name, "target")!) : undefined;
    differs("target", stat.target && toHex(stat.target), target, false);
    differs("mode", stat.mode, metadata["mode"], asCopy);
    differs("uid", stat.uid, metadata["uid"], asCopy);
    differs("gid", stat.gid, metadata["gid"], asCopy);
    differs("mtime_ns", stat.mtimeNs, metadata["mtime_ns"], asCopy);
    differs("btime_ns", stat.btimeNs, metadata["btime_ns"], true);
    this.compareLinks(where, stat, metadata["link_group"] as string | undefined);
  }

  /** Rows are one file by hard links now just where they were one then. */
  private compareLinks(where: string, { file }: Stat, group: string | undefined): void {
    if (file === undefined) return;
    const then = group ?? `alone ${where}`;
    const [is, was] = [this.groups.get(then), this.linked.get(file)];
    if ((is !== undefined && is !== file) || (was !== undefined && was !== then))
      this.sink.find("E507", where, "other hard links");
    if (is === undefined) this.groups.set(then, file);
    if (was === undefined) this.linked.set(file, then);
  }

  private added(): void {
    const options = isObj(this.of.header["options"]) ? this.of.header["options"] : {};
    const [exclude, include] = ["exclude", "include"].map((name) => (options[name] ?? []) as string[]) as [
      string[],
      string[],
    ];
    const left = new Set<string>();
    const isLeft = (path: string): boolean => {
      const parent = path.slice(0, Math.max(0, path.lastIndexOf("/")));
      return path !== "" && (left.has(parent) || this.unknown.has(parent));
    };
    for (const [path, { kind }] of [...this.there].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const isOut =
        matchesAny(exclude, path) || (kind !== "directory" && include.length > 0 && !matchesAny(include, path));
      if (isLeft(path) || (!this.rows.has(path) && isOut)) left.add(path);
      else if (!this.rows.has(path)) this.sink.find("E506", `${this.of.exhibit}:${path}`, kind, "none");
    }
  }

  private async digest(path: string): Promise<string | null> {
    const bytes = await this.tree.open(path);
    if (!bytes) return null;
    try {
      const one = await hasher("sha256");
      for await (const block of blocks(bytes, 0, bytes.size)) one.update(block);
      return toHex(one.digest());
    } catch {
      return null;
    } finally {
      await bytes.close?.();
    }
  }
}
