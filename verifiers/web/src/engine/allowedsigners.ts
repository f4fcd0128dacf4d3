/** `allowed_signers` of a policy (policy.md 4, 5, 10): whose keys are whose, from when until when. */

import { readKeyLine } from "./sshkey";
import { Usage } from "./usage";

export interface Line {
  patterns: string;
  authority: boolean;
  namespaces: string[] | null;
  /** Seconds since 1970, both inclusive; null: none. */
  after: bigint | null;
  before: bigint | null;
  fingerprint: string;
}

const OPTION = /^(cert-authority|namespaces="([^"\\]*)"|valid-after="([^"]*)"|valid-before="([^"]*)")(?:,|(?=[ \t]))/i;
const KEY_TYPE = /^(?:ssh-|ecdsa-|sk-)/;

/** What nobody sees, or a terminal obeys. */
const HIDDEN = /[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff]/;
const isPattern = (text: string): boolean => /^!?[^ ](?:.*[^ ])?$/.test(text) && text !== "!";

/** Throws Usage, with the line that is not understood. */
export function readSigners(text: string): Line[] {
  const lines: Line[] = [];
  text.split("\n").forEach((raw, i) => {
    const bad = (): never => {
      throw new Usage(`allowed_signers of the policy, line ${i + 1}: not understood`);
    };
    const line = raw.replace(/^[ \t]+|[ \t]+$/g, "");
    if (!line || line.startsWith("#")) return;
    if (HIDDEN.test(line)) return bad();
    const head = /^(?:"([^"]* [^"]*)"|([^ \t"]+))[ \t]+(.*)$/.exec(line);
    if (!head) return bad();
    let rest = head[3]!;
    const named = new Set<string>();
    const made: Line = {
      patterns: head[1] ?? head[2]!,
      authority: false,
      namespaces: null,
      after: null,
      before: null,
      fingerprint: "",
    };
    if (!KEY_TYPE.test(rest)) {
      for (let more = true; more;) {
        const option = OPTION.exec(rest);
        if (!option) return bad();
        const name = option[1]!.replace(/=.*/, "").toLowerCase();
        if (named.has(name) || !named.add(name)) return bad();
        if (option[2] !== undefined) made.namespaces = option[2].split(",");
        else if (option[3] !== undefined) made.after = seconds(option[3]) ?? bad();
        else if (option[4] !== undefined) made.before = seconds(option[4]) ?? bad();
        else made.authority = true;
        more = option[0].endsWith(",");
        rest = rest.slice(option[0].length);
      }
      if (!/^[ \t]/.test(rest)) return bad();
    }
    if (made.after !== null && made.before !== null && made.before <= made.after) return bad();
    if (![made.patterns, ...(made.namespaces ?? [])].every((list) => list.split(",").every(isPattern))) return bad();
    const key = readKeyLine(rest.replace(/^[ \t]*(\S+)[ \t]+(\S+)[ \t]*/, "$1 $2 "));
    if (!key || key.key.certificate) return bad();
    lines.push({ ...made, fingerprint: key.fingerprint });
  });
  return lines;
}

/**
 * `YYYYMMDDZ`, `YYYYMMDDHHMMZ` or `YYYYMMDDHHMMSSZ` in UTC, in seconds; null for anything else, and times that do not
 * exist.
 */
function seconds(text: string): bigint | null {
  const match = /^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?Z$/.exec(text);
  if (!match) return null;
  const [, year, month, day, hour = "00", minute = "00", second = "00"] = match;
  const written = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = Date.parse(written);
  const exists = time > 0 && new Date(time).toISOString() === written;
  return exists ? BigInt(time / 1000) : null;
}

/** ssh's pattern lists: one that is negated and matches refuses all. */
export function matches(patterns: string, name: string): boolean {
  let found = false;
  for (const item of patterns.split(",")) {
    const negated = item.startsWith("!");
    if (!globMatches(negated ? item.slice(1) : item, name)) continue;
    if (negated) return false;
    found = true;
  }
  return found;
}

function globMatches(pattern: string, name: string): boolean {
  let p = 0;
  let n = 0;
  let star = -1;
  let mark = 0;
  while (n < name.length) {
    if (pattern[p] === "*") {
      star = p++;
      mark = n;
    } else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      p++;
      n++;
    } else if (star >= 0) {
      p = star + 1;
      n = ++mark;
    } else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
