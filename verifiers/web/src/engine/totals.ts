/** What the rows of a catalogue of facts add up to, and what its header says of that (verification.md 1.9: E112). */

import { KINDS, STATES } from "./groups";
import type { Header } from "./headers";
import { isObj, type Json, type Obj } from "./json";

/** Told of each sum that differs: what was found, and what the header says. */
type Differs = (found: string, said: string) => void;

export class Totals {
  rows = 0;
  /** Rows whose groups are not in order: their state and size are not known. */
  unreadable = 0;
  omissions = 0;
  /** Bytes of content that was taken whole, and did not change meanwhile. */
  complete = 0n;
  private bytes = 0n;
  private readonly kinds: Record<string, number> = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  private readonly states: Record<string, number> = Object.fromEntries(STATES.map((state) => [state, 0]));

  row(kind: string): void {
    this.rows++;
    if (Object.hasOwn(this.kinds, kind)) this.kinds[kind]!++;
  }

  content(content: Obj): void {
    const state = String(content["state"]);
    this.states[state]!++;
    if (state !== "complete") this.omissions++;
    const { size } = content;
    if ((state !== "complete" && state !== "changed") || typeof size !== "string") return;
    this.bytes += BigInt(size);
    if (state === "complete") this.complete += BigInt(size);
  }

  /** `whole` is false where rows were erased: states and bytes are then at least what stands adds up to. */
  judge(header: Header, whole: boolean, differs: Differs): void {
    const totals = header["totals"] as Obj;
    const compare = (what: string, found: bigint | number, said: Json | undefined, least = false): void => {
      const text = String(said);
      if (least ? BigInt(found) > BigInt(text) : String(found) !== text) differs(`${what} ${found}`, `${what} ${text}`);
    };
    compare("rows", this.rows, totals["rows"]);
    const { interruptions } = header;
    if (isObj(interruptions)) {
      const [kept, again] = ["rows_kept", "rows_taken_again"].map((name) => BigInt(String(interruptions[name])));
      if (kept! + again! > BigInt(this.rows))
        differs("more rows kept and taken again than there are", `${this.rows} rows`);
    }
    if (this.unreadable) return;
    for (const kind of KINDS) compare(kind, this.kinds[kind]!, (totals["kinds"] as Obj)[kind]);
    compare("bytes", this.bytes, totals["bytes"], !whole);
    for (const state of STATES) compare(state, this.states[state]!, (totals["states"] as Obj)[state], !whole);
  }
}
