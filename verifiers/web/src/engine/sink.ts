/**
 * Where findings go: in the order in which they are seen, safe to show, bounded, and counted whole (verification.md 5).
 */

import registry from "../../../../specs/findings.json";
import { toHex, utf8 } from "./bytes";
import { sha256 } from "./hash";
import type { Aspect, Finding, NotChecked, Severity } from "./types";

export const ASPECTS: Aspect[] = ["completeness", "custody", "evidence", "identity", "record", "time", "witness"];
const MOST_FINDINGS = 10_000;
const MOST_NOT_CHECKED = 1_000;
const CODES = registry as Record<string, { severity: string; aspect: string }>;

const HIDDEN = /[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;
const SHORT: Record<string, string> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** Text with control, format and undecodable characters escaped (encoding.md 5), cut in the middle where it is long. */
export function shown(text: string): string {
  const safe = text.replace(HIDDEN, (char) => {
    const code = char.codePointAt(0)!;
    if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
    return SHORT[char] ?? `\\u{${code.toString(16)}}`;
  });
  if (safe.length <= 1024) return safe;
  const points = [...safe];
  if (points.length <= 1024) return safe;
  const digest = toHex(sha256(utf8(safe))).slice(0, 16);
  return `${points.slice(0, 606).join("")}…${digest}…${points.slice(-400).join("")}`;
}

export class Sink {
  readonly byCode: Record<string, number> = {};
  total = 0;
  notCheckedTotal = 0;
  /** Aspects with a finding of severity error, and the first of them. */
  readonly failed = new Map<Aspect, { code: string; where: string }>();
  /** Aspects with something that was not checked. */
  readonly missed = new Map<Aspect, string>();
  /** Numbers of what was done, by name. */
  readonly done: Record<string, number> = {};
  private readonly errors: Finding[] = [];
  private readonly others: Finding[] = [];
  private readonly unchecked: NotChecked[] = [];

  /** `of` is the aspect, where it is another than the code's: a digest of the source is of `evidence`. */
  find(code: string, where: string, found = "", expected = "", of?: Aspect): void {
    const { severity, aspect } = CODES[code] ?? { severity: "error", aspect: "record" };
    this.total++;
    this.byCode[code] = (this.byCode[code] ?? 0) + 1;
    const failed = of ?? (aspect as Aspect);
    if (severity === "error" && !this.failed.has(failed)) this.failed.set(failed, { code, where: shown(where) });
    const list = severity === "error" ? this.errors : this.others;
    if (list.length < MOST_FINDINGS) {
      list.push({
        code,
        severity: severity as Severity,
        where: shown(where),
        expected: shown(expected),
        found: shown(found),
      });
    }
  }

  /** What was not checked; `harmless` does not keep its aspect from being ok. */
  missedOut(aspect: Aspect, code: string, what: string, reason: string, harmless = false): void {
    this.notCheckedTotal++;
    if (!harmless && !this.missed.has(aspect)) this.missed.set(aspect, reason);
    if (this.unchecked.length < MOST_NOT_CHECKED)
      this.unchecked.push({ aspect, code, what: shown(what), reason: shown(reason) });
  }

  count(name: string, by = 1): void {
    this.done[name] = (this.done[name] ?? 0) + by;
  }

  has(code: string): boolean {
    return Object.hasOwn(this.byCode, code);
  }

  findings(): Finding[] {
    const list = [...this.errors, ...this.others].slice(0, MOST_FINDINGS);
    const left = this.total - list.length;
    if (left > 0)
      list.push({
        code: "W999",
        severity: "note",
        where: "report",
        expected: "",
        found: `${left} findings are not listed`,
      });
    return list;
  }

  notChecked(): NotChecked[] {
    return this.unchecked;
  }
}

/** A sink that puts a folder before every place: an adopted case, a received package. */
export class Below extends Sink {
  constructor(
    private readonly above: Sink,
    private readonly folder: string,
  ) {
    super();
  }
  override find(code: string, where: string, found = "", expected = "", of?: Aspect): void {
    super.find(code, where, found, expected, of);
    this.above.find(code, this.folder + where, found, expected, of);
  }
  override missedOut(aspect: Aspect, code: string, what: string, reason: string, harmless = false): void {
    super.missedOut(aspect, code, what, reason, harmless);
    this.above.missedOut(aspect, code, this.folder + what, reason, harmless);
  }
  override count(name: string, by = 1): void {
    super.count(name, by);
    this.above.count(name, by);
  }
}
