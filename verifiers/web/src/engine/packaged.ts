/**
 * One log of a package with its rows: the package's own, that of an adopted case, or of a package that is passed on.
 */

import { parseLogKeys } from "./note";
import { fromHex, toHex } from "./bytes";
import type { Digests } from "./digest";
import type { Env } from "./env";
import { type Files, fromNumber8, number8 } from "./files";
import { judgeAdopted, type Takeover, takeoverBy } from "./adopted";
import { judgeLog } from "./judged";
import { Lines, type Sealed } from "./lines";
import { type Kept, Log } from "./log";
import { Manifests } from "./manifest";
import { judgeMessages } from "./messages";
import { judgeObjects } from "./objects";
import { PACKAGE_LIMIT, type Catalogue, type PackageFile, readWithheld, type Said, type Withheld } from "./packagefile";
import { Selections } from "./selections";
import { Below, type Sink } from "./sink";
import { FOLDER } from "./table";

export interface Place {
  /** Where findings about what the package says of this log stand. */
  sink: Sink;
  where: string;
  /** Name of the adopted case with `/`, as items of it begin. */
  prefix: string;
  full: boolean;
  passedOn: boolean;
  /** What the log above adopted of this one; null where it is no adopted case. */
  takeover: Takeover | null;
}

export class PackagedLog {
  readonly log: Log;
  readonly sealed = new Map<string, Sealed>();
  lines!: Lines;
  private withheld: Withheld | null = null;
  private readonly hidden = new Set<number>();

  constructor(
    private readonly env: Env,
    private readonly files: Files,
    private readonly bag: Files,
    readonly sink: Sink,
    private readonly digests: Digests,
    private readonly said: Said | null,
    private readonly record: PackageFile | null,
    private readonly place: Place,
  ) {
    const fallback = said ? { origin: said.checkpoint.origin, log_keys: said.log_keys } : null;
    const adoptedAt = place.takeover?.size ?? null;
    this.log = new Log(env, files, sink, { caseFile: null, fallback, hidden: this.hidden, adoptedAt });
  }

  async read(): Promise<void> {
    await this.readWithheld();
    await this.log.read();
    const { said } = this;
    if (said && !parseLogKeys(said.log_keys, said.checkpoint.origin))
      this.place.sink.find("E101", this.place.where, "log_keys are not those of a log of this name");
    this.log.custody.finish(this.env.now, this.place.takeover?.items);
    this.judgeHidden();
    const lost = this.lostSeal();
    const isShort = said !== null && this.log.notes.unread.has(Number(said.checkpoint.size));
    if (isShort) {
      const why = "its rows need the checkpoint that package.json names, which cannot be read";
      this.sink.missedOut("record", "gap", "records.jsonl", why);
    } else if (lost !== null)
      this.sink.missedOut(
        "record",
        "gap",
        "records.jsonl",
        `its rows need the seal event of entry ${lost}, which cannot be read`,
      );
    else if (this.said) this.judgeSaid(this.said);
    else this.sink.missedOut("record", "gap", "records.jsonl", "its rows need package.json, which cannot be read");
    await judgeObjects(this.env, this.log, this.files, this.sink, this.digests);
    await judgeMessages(this.env, this.log, this.files, this.sink);
    await new Selections(this.env, this.log, this.files, this.sink, null).read();
    this.lines = new Lines(this.env, this.files, this.bag, this.digests, this.sink, this.sealed);
    if (lost === null && !isShort && this.said) await this.lines.read();
    if (this.said && !this.lines.isCut) this.judgeSums(this.said);
    this.listWithheld();
    if (this.place.full && this.said) {
      const manifests = new Manifests(this.env, this.log, this.files, this.sink, this.digests, true);
      await manifests.read(new Set(this.said.manifests.map(({ entry }) => Number(entry))));
    }
  }

  /** The entry of a seal event that should be here, and cannot be read: without it nothing can be said of rows. */
  private lostSeal(): string | null {
    const read = new Set(this.log.kept.map(({ index }) => index));
    const isLost = (entry: number): boolean => entry < this.log.size && !this.hidden.has(entry) && !read.has(entry);
    return this.said?.manifests.find(({ entry }) => isLost(Number(entry)))?.entry ?? null;
  }

  private async readWithheld(): Promise<void> {
    const where = "withheld.json";
    const read = await this.files.read(where, PACKAGE_LIMIT);
    if (!("bytes" in read)) {
      if ("tooLarge" in read) this.sink.find("E102", where, `${read.tooLarge} bytes`);
      else if (read.lack === "missing") this.sink.find("E501", where, "none", "a plain file");
      return;
    }
    const parsed = readWithheld(read.bytes);
    if ("fault" in parsed) return this.sink.find(parsed.fault.code, where, parsed.fault.found);
    this.withheld = parsed.value;
    for (const { entry } of parsed.value.events) if (BigInt(entry) < 1n << 40n) this.hidden.add(Number(entry));
  }

  /** A withheld event has its entry alone, and is none that has to be shown. */
  private judgeHidden(): void {
    const must = new Set([0, ...(this.said?.manifests ?? []).map(({ entry }) => Number(entry))]);
    for (const index of this.hidden) {
      const where = `custody/${number8(index)}/event.json`;
      if (index >= this.log.size) this.sink.find("E167", where, "none", "an entry below the newest checkpoint's size");
      else if (this.files.isFile(where))
        this.sink.find("E167", where, "the event", "nothing: its event is said to be withheld");
      else if (must.has(index)) this.sink.find("E167", where, "none", "an event that has to be shown");
    }
    for (const [name, count] of this.log.places.hiddenTouches) {
      if (this.said?.items.includes(name)) {
        this.sink.missedOut(
          "custody",
          "withheld",
          this.place.prefix + name,
          `${count} hidden ${count === 1 ? "event touches" : "events touch"} ${name}`,
        );
      }
    }
  }

  private contradicts(found: string, expected: string): void {
    this.place.sink.find("E166", this.place.where, found, expected);
  }

  /** What the package says of the log, against the log (E166). */
  private judgeSaid(said: Said): void {
    const { log } = this;
    if (log.caseId !== null && said.case !== log.caseId) this.contradicts(`case ${said.case}`, `case ${log.caseId}`);
    const held = log.notes.valid.get(log.size);
    if (held) {
      const { origin, size, root } = held.note;
      const { checkpoint } = said;
      if (checkpoint.origin !== origin || checkpoint.size !== String(size) || checkpoint.root !== toHex(root)) {
        this.contradicts(
          `checkpoint ${checkpoint.origin} ${checkpoint.size} ${checkpoint.root}`,
          `${origin} ${size} ${toHex(root)}`,
        );
      }
    }
    if (log.opening && (log.opening.body["log_keys"] as string[]).join() !== said.log_keys.join()) {
      this.contradicts("other log keys", "those of event 0");
    }
    const seals = new Map(
      log.kept
        .filter(({ event }) => event.type === "seal" || event.type === "derive")
        .map((one) => [String(one.index), one]),
    );
    for (const catalogue of said.manifests) this.judgeCatalogue(catalogue, seals.get(catalogue.entry), said);
    for (const { path, kind } of this.files.list("custody/")) {
      const index = kind === FOLDER ? fromNumber8(path) : null;
      if (index !== null && index >= log.size) this.contradicts(`custody/${path}`, "no entries behind the checkpoint");
    }
    for (const item of said.items) this.judgeItem(item, said);
  }

  private judgeItem(name: string, said: Said): void {
    const slash = name.indexOf("/");
    if (slash >= 0) {
      const branch = this.record?.branches?.find((one) => one.name === this.place.prefix + name.slice(0, slash));
      if (!branch?.items.includes(name.slice(slash + 1)))
        this.contradicts(`item ${name}`, "an adopted case that has it");
    }
    const item = this.log.custody.items.get(name);
    if (item?.parent && !said.items.includes(item.parent))
      this.contradicts(`item ${name}`, `${item.parent}, which it was taken from`);
    if (this.log.places.has(name)) return;
    if (this.log.isWhole) this.contradicts(`item ${name}`, "an item that an event is about");
    else this.sink.missedOut("custody", "withheld", name, "no event about it is shown");
  }

  private judgeCatalogue(catalogue: Catalogue, seal: Kept | undefined, said: Said): void {
    const name = `catalogue ${catalogue.manifest}`;
    if (!seal) return this.contradicts("none", `${name}: its seal event, shown, at entry ${catalogue.entry}`);
    const { body, items } = seal.event;
    for (const member of ["manifest", "root", "rows"] as const) {
      if (body[member] !== catalogue[member])
        this.contradicts(`${name}: ${member} ${catalogue[member]}`, `${member} ${String(body[member])}`);
    }
    if (items[0] !== catalogue.item) this.contradicts(`${name}: item ${catalogue.item}`, `item ${items[0]}`);
    else if (!said.items.includes(catalogue.item))
      this.contradicts(`${name} of ${catalogue.item}`, "an item that package.json names");
    this.sealed.set(catalogue.manifest, {
      manifest: catalogue.manifest,
      item: this.place.prefix + items[0]!,
      root: fromHex(String(body["root"]))!,
      rows: BigInt(String(body["rows"])),
      derived: seal.event.type === "derive" ? String(body["kind"]) : null,
      baseRoot: seal.event.type === "derive" ? String(body["base_root"]) : null,
    });
  }

  /** package.md 8.6; of a package that is passed on: no more lines than it says. */
  private judgeSums(said: Said): void {
    const { sums } = this.lines;
    const wrong = (found: string, expected: string): void => this.sink.find("E174", "withheld.json", found, expected);
    const grounds = new Set<string>(sums.grounds);
    for (const catalogue of said.manifests) {
      const name = `catalogue ${catalogue.manifest}`;
      if (!this.sealed.has(catalogue.manifest)) continue;
      const shown = sums.lines.get(catalogue.manifest) ?? 0n;
      const said = BigInt(catalogue.shown);
      if (this.place.passedOn ? shown > said : shown !== said) {
        this.place.sink.find("E174", this.place.where, `${shown} lines`, `${name}: ${said} rows shown`);
      }
    }
    if (!this.withheld) return;
    const rows = new Map<string, string>(
      this.withheld.rows.map(({ manifest, ground, count }) => [`${manifest} ${ground}`, count]),
    );
    const hidden = new Map<string, string>(
      said.manifests.flatMap(({ manifest, hidden }) =>
        hidden.map(({ ground, count }) => [`${manifest} ${ground}`, count] as const),
      ),
    );
    for (const key of new Set([...rows.keys(), ...hidden.keys()])) {
      if ((rows.get(key) ?? "0") !== (hidden.get(key) ?? "0")) {
        wrong(`rows of catalogue ${key}: ${rows.get(key) ?? 0}`, `${hidden.get(key) ?? 0} in package.json`);
      }
    }
    if (!this.place.passedOn) {
      const groups = new Map(
        this.withheld.groups.map(({ manifest, group, ground, count }) => [
          `${manifest} ${group} ${ground}`,
          BigInt(count),
        ]),
      );
      for (const key of new Set([...groups.keys(), ...sums.groups.keys()])) {
        if ((groups.get(key) ?? 0n) !== (sums.groups.get(key) ?? 0n)) {
          wrong(`groups of catalogue ${key}: ${groups.get(key) ?? 0n}`, `${sums.groups.get(key) ?? 0n} in the lines`);
        }
      }
    }
    for (const { ground } of [...this.withheld.rows, ...this.withheld.groups, ...this.withheld.events])
      grounds.add(ground);
    for (const { hidden } of said.manifests) for (const { ground } of hidden) grounds.add(ground);
    const labels = new Set(this.withheld.grounds.map(({ ground }) => ground));
    for (const ground of grounds)
      if (!labels.has(ground) && !this.place.passedOn) wrong("none", `a label of ${ground}`);
  }

  /** What is withheld, with grounds and numbers: it keeps nothing from being ok. */
  private listWithheld(): void {
    if (!this.withheld) return;
    const labels = new Map(this.withheld.grounds.map(({ ground, label }) => [ground, label]));
    const on = (ground: string): string => `${labels.get(ground) ?? ground} (${ground})`;
    const what = (manifest: string): string =>
      `catalogue ${manifest} of ${this.sealed.get(manifest)?.item ?? "an item"}`;
    for (const { manifest, ground, count } of this.withheld.rows) {
      this.sink.missedOut("record", "withheld", what(manifest), `${count} rows: ${on(ground)}`, true);
    }
    for (const { manifest, group, ground, count } of this.withheld.groups) {
      this.sink.missedOut(
        "record",
        "withheld",
        what(manifest),
        `${group} of ${count} rows that are shown: ${on(ground)}`,
        true,
      );
    }
    const events = new Map<string, number>();
    for (const { ground } of this.withheld.events) events.set(ground, (events.get(ground) ?? 0) + 1);
    for (const [ground, count] of events)
      this.sink.missedOut("record", "withheld", "custody", `${count} events: ${on(ground)}`, true);
  }

  /** Adopted cases of which something is shown (package.md 5 and 8.6). */
  async branches(record: PackageFile): Promise<PackagedLog[]> {
    const found: PackagedLog[] = [];
    for (const said of record.branches ?? []) {
      const above = said.name.includes("/")
        ? found.find((one) => one.place.prefix === `${said.name.slice(0, said.name.lastIndexOf("/"))}/`)
        : this;
      const folder = `branches/${said.name.split("/").join("/branches/")}/`;
      const own = said.name.slice(said.name.lastIndexOf("/") + 1);
      const adopt = above?.log.kept.find(({ event }) => event.type === "adopt" && event.body["branch"] === own);
      if (!adopt) this.contradicts(`branch ${said.name}`, "an adopt event that is shown");
      const sink = new Below(this.sink, folder);
      const takeover = takeoverBy(adopt);
      const one = new PackagedLog(this.env, this.files.below(folder), this.bag, sink, this.digests, said, record, {
        ...this.place,
        prefix: `${said.name}/`,
        takeover,
      });
      await one.read();
      if (
        !said.items.length ||
        (adopt &&
          said.items.some(
            (item) => !takeover.items.has(item) && !one.log.custody.items.get(item)?.parent && !one.isParent(item),
          ))
      ) {
        this.contradicts(`items of branch ${said.name}`, "items that the adopt event names");
      }
      if (adopt) {
        judgeAdopted(adopt, above!.log, above!.sink, one.log, sink, said.checkpoint, () =>
          this.place.sink.find(
            "E317",
            this.place.where,
            `branch ${said.name}: another checkpoint`,
            "that of the adopt event",
          ),
        );
      }
      const judged = await judgeLog(this.env, one.log, sink);
      if (this.env.policy && judged.identity.status !== "ok")
        sink.missedOut("identity", "branch", "custody", judged.identity.reason);
      found.push(one);
    }
    this.strayBranches(record);
    return found;
  }

  /** Is some item of the package a part that was taken from this one? */
  private isParent(name: string): boolean {
    return this.said?.items.some((item) => this.log.custody.items.get(item)?.parent === name) ?? false;
  }

  /** Nothing else lies below `branches/`. */
  private strayBranches(record: PackageFile): void {
    const known = new Set((record.branches ?? []).map(({ name }) => name));
    const strays = new Set<string>();
    for (const { path } of this.files.list("branches/")) {
      const names: string[] = [];
      const parts = path.split("/");
      for (let i = 0; i < parts.length; i += 2) {
        names.push(parts[i]!);
        if (!known.has(names.join("/"))) strays.add(names.join("/"));
        if (parts[i + 1] !== "branches") break;
      }
    }
    for (const name of strays) {
      if (![...strays].some((other) => name.startsWith(`${other}/`))) {
        this.contradicts(`branches/${name}`, "a branch that package.json names");
      }
    }
  }
}
