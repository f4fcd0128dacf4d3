/**
 * One catalogue of opinions about a sealed one (verification.md 1.9): its rows, which rows they are about, totals,
 * root.
 */

import { BAD, type Base, ERASED, LISTED, PLAIN, TYPED } from "./bases";
import { asNumber } from "./columns";
import { nameBytes } from "./forms";
import { readGroup, RESULTS } from "./groups";
import type { Header } from "./headers";
import { isObj, type Obj } from "./json";
import type { Manifests } from "./manifest";
import { Tree } from "./merkle";
import type { Catalogue, Row } from "./parquet";
import { reducedGroups } from "./reduced";
import { opinionHash, opinionLeaf } from "./rowleaf";
import { Salts } from "./salts";
import type { Standing } from "./standing";

/** An opinion has to be there about the base row, or may be: nobody can say, since it was erased or is not in order. */
const HAS_ONE = 1;
const MAY_HAVE_ONE = 2;

export class OpinionsCheck {
  private readonly kind: string;
  private readonly where: string;
  private readonly tree = new Tree();
  private readonly salts = new Salts();
  private readonly results: Record<string, number> = {};
  private header: Header | null = null;
  private base: Base | undefined;
  private about: Uint8Array | null = null;
  private match: Obj | null = null;
  private errors = 0;
  private unreadable = 0;
  private erased = 0;
  private hasNotFollowed = false;
  private place = 0;
  private last = -1;

  constructor(
    private readonly all: Manifests,
    private readonly one: Standing,
    private readonly catalogue: Catalogue,
  ) {
    this.kind = String(one.seal.event.body["kind"]);
    this.where = one.where;
  }

  async read(): Promise<void> {
    const { all, one, where, catalogue } = this;
    this.header = all.header(one, catalogue);
    this.base = all.base(String(one.seal.event.body["base_root"]));
    const match = this.header?.["match"];
    this.match = isObj(match) ? match : null;
    if (this.header && this.base) this.judgeHeader(this.header, this.base);
    this.about = await this.rowsAbout();
    if (!this.about) {
      const why = "the catalogue that it is about, or the header that says of which of its rows, was not read";
      all.sink.missedOut("record", "missing_base", where, why);
    }
    for await (const rows of catalogue.groups()) for (const row of rows) this.row(row);
    const left = this.about?.reduce((sum, one) => sum + Number(one === HAS_ONE), 0);
    if (left) all.report("E107", where, `no opinion about ${left} rows`);
    all.root(one, this.tree.root(), this.place);
    all.judgeErased(one, this.erased);
    if (this.header) this.judgeTotals(this.header);
  }

  private judgeHeader(header: Header, base: Base): void {
    const place = `${this.where} header`;
    const number = String(header["base_manifest"]);
    if (number !== base.manifest) this.all.report("E108", place, `base_manifest ${number}`, base.manifest);
    const digests = this.match ? (this.match["digests"] as string[]) : [];
    const others = digests.filter((name) => !base.digests.includes(name));
    if (others.length && base.digests.length)
      this.all.report("E108", place, others.join(", "), base.digests.join(", "));
  }

  private row(row: Row): void {
    const { all } = this;
    const at = `${this.where}#${this.place}`;
    const index = asNumber(row["index"]);
    const baseIndex = asNumber(row["base_index"]);
    const opinion = this.opinion(row, baseIndex, at);
    if (index !== this.place) all.report("E109", at, `index ${index}`);
    if (baseIndex === this.last) all.report("E110", at, `base row ${baseIndex}`);
    else if (baseIndex < this.last) all.report("E109", at, `base row ${baseIndex}`);
    const isAbout = this.judgeBase(baseIndex, opinion === null, at);
    this.last = baseIndex;
    this.place++;
    all.sums.derivedRows++;
    all.sink.count("rows");
    if (!opinion) return;
    const read = readGroup(opinion, this.kind);
    if ("fault" in read) {
      all.report(read.fault.code === "E101" ? "E107" : read.fault.code, at, read.fault.found);
      this.unreadable++;
    } else this.judgeOpinion(read.value, row, isAbout ? baseIndex : null, at);
  }

  /** The bytes of the opinion, null where it was erased; its leaf is added, its salt told from others. */
  private opinion(row: Row, baseIndex: number, at: string): Uint8Array | null {
    const root = String(this.one.seal.event.body["base_root"]);
    if (this.one.erased === null) {
      const salt = row["row_salt"] as Uint8Array;
      const bytes = row["opinion"] as Uint8Array;
      if (!this.salts.isNew(salt)) this.all.report("E111", at, "the salt of another row");
      this.tree.add(opinionHash(bytes, salt, baseIndex, root));
      return bytes;
    }
    const found = reducedGroups(row, ["opinion"], { opinion: this.salts });
    for (const { code, said } of found.faults) this.all.report(code, at, said);
    if (found.isErased) this.erased++;
    this.tree.add(opinionLeaf(found.commitments.opinion, baseIndex, root));
    return found.bytes.opinion;
  }

  /** Is the row about a base row that is to have an opinion, and has none yet? */
  private judgeBase(index: number, isErased: boolean, at: string): boolean {
    const { about, base } = this;
    if (!about || !base) return true;
    if (!about[index]) {
      this.all.report("E107", at, `an opinion about row ${index}`);
      return false;
    }
    about[index] = 0;
    const marks = base.marks[index]!;
    if (marks & BAD) {
      this.all.report("E107", at, `an opinion about row ${index}`);
      return false;
    }
    this.judgeFollowing((marks & ERASED) !== 0, isErased, index, at);
    return true;
  }

  /** E115: an opinion goes just where the name or the content of its row went. */
  private judgeFollowing(baseErased: boolean, isErased: boolean, index: number, at: string): void {
    if (baseErased === isErased) return;
    if (isErased) return this.all.report("E115", at, "no opinion", `one about row ${index}, which stands`);
    if (!this.hasNotFollowed) this.all.report("E115", this.where, `an opinion about row ${index}, which was erased`);
    this.hasNotFollowed = true;
  }

  private judgeOpinion(opinion: Obj, row: Row, baseIndex: number | null, at: string): void {
    const { all, base } = this;
    const view = this.kind === "match" ? "result" : "media_type";
    const result = String(opinion["result"]);
    if (this.kind !== "match") {
      if (opinion["error"] !== null) this.errors++;
    } else {
      this.results[result] = (this.results[result] ?? 0) + 1;
      const fault = this.matchFault(opinion, result, baseIndex === null ? undefined : base?.marks[baseIndex]);
      if (fault) return all.report("E107", at, fault);
    }
    if (this.one.erased === null && (row[view] ?? null) !== opinion[view]) all.report("E212", at, view);
  }

  private matchFault(opinion: Obj, result: string, marks: number | undefined): string | null {
    const known = this.match ? [...(this.match["digests"] as string[]), "size"] : null;
    const compared = (opinion["compared"] ?? []) as string[];
    if (known && compared.some((name) => !known.includes(name))) return "compared by what the header does not name";
    if (marks !== undefined && !(marks & (PLAIN | ERASED)) && result !== "not_comparable")
      return "compared without a digest";
    return null;
  }

  private judgeTotals(header: Header): void {
    const totals = header["totals"] as Obj;
    const compare = (what: string, found: number, least = false): void => {
      const said = String(totals[what]);
      const differs = least ? BigInt(found) > BigInt(said) : String(found) !== said;
      if (differs) this.all.report("E112", `${this.where} header`, `${what} ${found}`, `${what} ${said}`);
    };
    compare("rows", this.place);
    const least = this.one.erased !== null;
    if (this.unreadable) return;
    if (this.kind !== "match") compare("errors", this.errors, least);
    else for (const result of RESULTS) compare(result, this.results[result] ?? 0, least);
  }

  /** By index of the base row: is there an opinion about it? Null where that is not known. */
  private async rowsAbout(): Promise<Uint8Array | null> {
    const { base, kind } = this;
    if (!base || (kind === "match" && !this.match)) return null;
    const under = this.match ? nameBytes(this.match, "under")! : new Uint8Array(0);
    const inside = under.length ? await this.all.inside(base, under) : null;
    if (under.length && !inside) return null;
    const wanted = kind === "match" ? LISTED : TYPED;
    return base.marks.map((mark, i) => {
      if (mark & (BAD | ERASED)) return MAY_HAVE_ONE;
      return mark & wanted && (!inside || inside[i]) ? HAS_ONE : 0;
    });
  }
}
