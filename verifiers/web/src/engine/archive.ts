/** What zip and tar have in common (package.md 9): names, bounds, one folder at the top. */

import { foldName, unsafe } from "./paths";
import { FILE, FOLDER, Table } from "./table";

/** A container that is refused as a whole. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly where: string,
    readonly found: string,
  ) {
    super(found);
  }
}

const MOST_NAMES = 5_000_000;
const MOST_BESIDE = 70_000;
const MOST_RATIO = 1100;

export class Names {
  readonly table = new Table();
  private readonly folded = new Table();
  private top: string | null;
  private content = 0;
  private beside = 0;

  /** `top` is null where the names have a folder at the top, whose name is not known yet. */
  constructor(
    private readonly archiveSize: number,
    inFolder: boolean,
  ) {
    this.top = inFolder ? null : "";
  }

  /** The index of a file; -1 for a folder. `raw` is the name as the container has it. */
  add(raw: string, isFolder: boolean, size: number, place: number): number {
    const path = this.below(isFolder ? raw.replace(/\/$/, "") : raw, isFolder);
    if (path === "") return -1;
    const fault = unsafe(path);
    if (fault) throw new Refused(fault, path, "a name that is not safe");
    for (let end = path.indexOf("/"); end > 0; end = path.indexOf("/", end + 1))
      this.put(path.slice(0, end), FOLDER, 0, 0, true);
    const index = this.put(path, isFolder ? FOLDER : FILE, size, place, isFolder);
    if (this.table.count > MOST_NAMES) throw new Refused("E156", "archive", "too many files");
    if (!isFolder && !path.startsWith("data/") && ++this.beside > MOST_BESIDE)
      throw new Refused("E156", "archive", "too many files beside payload");
    this.content += size;
    if (this.content > MOST_RATIO * this.archiveSize)
      throw new Refused("E156", "archive", "more content than an archive of its size can hold");
    return isFolder ? -1 : index;
  }

  private below(raw: string, isFolder: boolean): string {
    if (this.top === "") return raw;
    const slash = raw.indexOf("/");
    const top = slash < 0 ? raw : raw.slice(0, slash);
    if (!top || unsafe(top) || (slash < 0 && !isFolder))
      throw new Refused(raw.length > 4096 ? "E156" : "E153", raw, "not in one folder at the top");
    this.top ??= top;
    if (top !== this.top) throw new Refused("E153", raw, `not in the folder ${this.top}`);
    return slash < 0 ? "" : raw.slice(slash + 1);
  }

  private put(path: string, kind: number, size: number, place: number, mayBeThere: boolean): number {
    const index = this.table.add(path, kind, size, place);
    if (index < 0) {
      const there = this.table.find(path);
      if (mayBeThere && kind === FOLDER && this.table.kind(there) === FOLDER) return there;
      throw new Refused("E155", path, "a name that is there already");
    }
    const fold = foldName(path);
    if (
      fold === path ? this.folded.find(fold) >= 0 : this.folded.add(fold, kind, 0) < 0 || this.table.find(fold) >= 0
    ) {
      throw new Refused("E155", path, "a name that is equal to another, but for case or composition");
    }
    return index;
  }
}
