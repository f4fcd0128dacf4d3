/** One catalogue of opinions about a sealed one (verification.md 1.9): its rows, which rows they are about, totals, root. */

import { BAD, type Base, READ, READ_NOT_TYPED, READ_STREAM } from "./bases";
import { concat, toHex, utf8 } from "./bytes";
import { asNumber, Salts } from "./columns";
import { nameBytes } from "./forms";
import { commitment, readGroup } from "./groups";
import { sha512 } from "./hash";
import type { Header } from "./headers";
import { isObj, type Obj } from "./json";
import type { Kept } from "./log";
import type { Manifests } from "./manifest";
import { leafHash, Tree } from "./merkle";
import type { Catalogue } from "./parquet";

const RESULTS = ["differs", "moved", "not_comparable", "not_listed", "same"];

export class OpinionsCheck {
  constructor(
    private readonly all: Manifests,
    private readonly seal: Kept,
    private readonly where: string,
    private readonly catalogue: Catalogue,
  ) {}

  async read(): Promise<void> {
    const { all, seal, where, catalogue } = this;
    const { body } = seal.event;
    const kind = String(body["kind"]);
    const header = all.header(seal, where, catalogue);
    const base = all.base(String(body["base_root"]));
    if (header && base && header["base_manifest"] !== base.manifest) {
      all.report("E108", `${where} header`, `base_manifest ${String(header["base_manifest"])}`, base.manifest);
    }
    const tree = new Tree();
    const salts = new Salts();
    const results: Record<string, number> = {};
    let errors = 0;
    let unreadable = 0;
    let place = 0;
    let last = -1;
    const about = await this.about(kind, header, base);
    if (!about) {
      const why = "the catalogue that it is about, or the header that says of which of its rows, was not read";
      all.sink.missedOut("record", "base_rows", where, why);
    }
    let awaited = 0;
    for await (const rows of catalogue.groups()) {
      for (const row of rows) {
        const at = `${where}#${place}`;
        const baseIndex = asNumber(row["base_index"]);
        const salt = row["row_salt"] as Uint8Array;
        const bytes = row["opinion"] as Uint8Array;
        tree.add(opinionHash(bytes, salt, baseIndex, String(body["base_root"])));
        if (asNumber(row["index"]) !== place) all.report("E109", at, `index ${asNumber(row["index"])}`);
        if (!salts.isNew(salt)) all.report("E111", at, "the salt of another row");
        if (baseIndex === last) all.report("E110", at, `base row ${baseIndex}`);
        else if (baseIndex < last) all.report("E109", at, `base row ${baseIndex}`);
        let good = true;
        if (about && base) {
          while (awaited < base.flags.length && (awaited < baseIndex || !about[awaited])) {
            if (about[awaited] && base.flags[awaited] !== BAD) {
              all.report("E107", at, `no opinion about row ${awaited}`);
            }
            awaited++;
          }
          good = baseIndex >= 0 && baseIndex < base.flags.length && about[baseIndex] === 1 && base.flags[baseIndex] !== BAD;
          if (!good) all.report("E107", at, `an opinion about row ${baseIndex}`);
          if (awaited === baseIndex) awaited++;
        }
        last = Math.max(last, baseIndex);
        const read = readGroup(bytes, kind);
        if ("fault" in read) {
          all.report(read.fault.code === "E101" ? "E107" : read.fault.code, at, read.fault.found);
          unreadable++;
        } else {
          const view = kind === "match" ? "result" : "media_type";
          if ((row[view] ?? null) !== read.value[view]) all.report("E212", at, view);
          if (kind === "match") results[String(read.value["result"])] = (results[String(read.value["result"])] ?? 0) + 1;
          else if (read.value["error"] !== null) errors++;
        }
        place++;
        all.sums.derivedRows++;
        all.sink.count("rows");
      }
    }
    if (about && base) {
      for (; awaited < base.flags.length; awaited++) {
        if (about[awaited] && base.flags[awaited] !== BAD) all.report("E109", where, `no opinion about row ${awaited}`);
      }
    }
    all.root(seal, where, tree.root(), place);
    if (!header) return;
    const totals = header["totals"] as Obj;
    const differs = (what: string, found: number): void => {
      if (String(found) !== totals[what]) all.report("E112", `${where} header`, `${what} ${found}`, `${what} ${String(totals[what])}`);
    };
    differs("rows", place);
    if (unreadable) return;
    if (kind === "match") for (const result of RESULTS) differs(result, results[result] ?? 0);
    else differs("errors", errors);
  }

  /** Which base rows the kind is about, by index: 1 where it is; null where that is not known. */
  private async about(kind: string, header: Header | null, base: Base | undefined): Promise<Uint8Array | null> {
    if (!base) return null;
    if (kind === "match") {
      const match = header?.["match"];
      if (!isObj(match)) return null;
      const under = nameBytes(match, "under")!;
      const inside = under.length ? await this.all.inside(base, under) : new Uint8Array(base.flags.length).fill(1);
      return inside && base.flags.map((flag, i) => (inside[i] && (flag === READ || flag === READ_NOT_TYPED || flag === BAD) ? 1 : 0));
    }
    return base.flags.map((flag) => (flag === READ || flag === READ_STREAM || flag === BAD ? 1 : 0));
  }
}

/** Leaf hash of an opinion: of the commitment to it, and of the row that it is about. */
function opinionHash(opinion: Uint8Array, salt: Uint8Array, baseIndex: number, baseRoot: string): Uint8Array {
  const salts = sha512(concat(utf8("evidencekit/salts/1\0"), salt));
  const commit = toHex(commitment("opinion", salts.subarray(0, 16), opinion));
  const about = `"base_index":"${baseIndex}","base_root":"${baseRoot}"`;
  return leafHash(utf8(`{"_t":"evidencekit/derived-row/1",${about},"opinion":"${commit}"}`));
}
