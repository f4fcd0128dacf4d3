/**
 * Attestations from outside: cosignatures of witnesses (verification.md 1.16), time-stamps and bounds (1.15, time.md).
 */

import { compareText, equal, fromUtf8, toBase64, toHex } from "./bytes";
import type { Env } from "./env";
import { number8 } from "./files";
import { formatInstant, nanoseconds } from "./forms";
import { sha256 } from "./hash";
import type { Bounds } from "./identity";
import type { Kept, Log } from "./log";
import {
  checkpointText,
  COSIGNATURE,
  isOf,
  lineHolds,
  MLDSA44,
  type NoteLine,
  parseLine,
  signatureLength,
  timestampOf,
  type Vkey,
} from "./note";
import { quorumMet } from "./policy";
import type { Sink } from "./sink";
import { judgeToken, readToken, type Token } from "./token";
import type { Bound, Times } from "./types";
import { chains } from "./x509";

const MOST = 10_000;
const TOKEN_LIMIT = 64 * 1024;
const COSIGNATURE_LIMIT = 16 * 1024;
const SECOND = 1_000_000_000n;
const FIVE_MINUTES = 300n * SECOND;

/** A time that is proven: of the tree of `size`, named by entry `named`; nanoseconds. */
interface Proof {
  size: number;
  named: number;
  least: bigint;
  most: bigint;
  by: string;
}

export class Anchors {
  private readonly proofs: Proof[] = [];
  /** Authorities of the policy, and the largest size that each stamped. */
  private readonly stamped = new Map<string, number>();
  /** Witnesses of the policy, and the largest size that each cosigned. */
  private readonly cosigned = new Map<string, Set<number>>();
  witnessed: number | null = null;
  tokens = 0;
  cosignatures = 0;

  constructor(
    private readonly env: Env,
    private readonly log: Log,
    private readonly sink: Sink,
  ) {}

  /** Steps 16 and 15; `selfTest` says whether chain checks can be believed. */
  async read(): Promise<void> {
    const anchors = this.log.kept.filter(({ event }) => event.type === "anchor");
    for (const [kind, read] of [
      ["cosignature", (one: Kept) => this.cosignature(one)],
      ["time-stamp", (one: Kept) => this.token(one)],
    ] as const) {
      const list = anchors.filter(({ event }) => event.body["kind"] === kind);
      for (const one of list.slice(0, MOST)) await read(one);
      if (list.length > MOST)
        this.sink.missedOut(kind === "cosignature" ? "witness" : "time", "too_many", kind, `more than ${MOST} of them`);
    }
    this.tokens = anchors.filter(({ event }) => event.body["kind"] === "time-stamp").length;
    this.cosignatures = anchors.length - this.tokens;
    this.quorum();
  }

  private where = ({ index }: Kept): string => `custody/${number8(index)}/event.json`;

  /** The size of the file's name, where file and size of the event fit; else a finding. */
  private named(one: Kept, code: string, pattern: RegExp): { size: number; name: string; file: string } | null {
    const { body } = one.event;
    const file = String(body["file"]);
    const size = Number(body["size"]);
    const match = pattern.exec(file);
    if (!match || file !== `${number8(size)}.${match[1]}.${match[2]}` || size < 1 || size > one.index) {
      this.sink.find(code, this.where(one), `file ${file}, size ${body["size"]}`);
      return null;
    }
    return { size, name: match[1]!, file: `checkpoints/${file}` };
  }

  private async content(
    one: Kept,
    file: string,
    limit: number,
    aspect: "time" | "witness",
  ): Promise<Uint8Array | null> {
    const read = await this.log.files.read(file, limit);
    if ("lack" in read) {
      if (read.lack === "missing") this.sink.find("E501", file, "none", "a plain file");
      else if (read.lack === "unreadable") this.sink.missedOut(aspect, "unreadable", file, read.why);
      return null;
    }
    if ("tooLarge" in read) {
      this.sink.find("E102", file, `${read.tooLarge} bytes`);
      return null;
    }
    const digest = toHex(sha256(read.bytes));
    if (digest !== one.event.body["sha256"]) {
      this.sink.find("E201", file, digest, String(one.event.body["sha256"]));
      return null;
    }
    return read.bytes;
  }

  private async cosignature(one: Kept): Promise<void> {
    const named = this.named(one, "E431", /^\d{8,}\.([0-9a-f]{8})\.(cosig)$/);
    if (!named) return;
    const { size, name, file } = named;
    if (!this.log.notes.sizes.has(size))
      this.sink.find("E502", `checkpoints/${number8(size)}`, "none", `a checkpoint, named by ${this.where(one)}`);
    const bytes = await this.content(one, file, COSIGNATURE_LIMIT, "witness");
    if (!bytes) return;
    const text = fromUtf8(bytes);
    const line = text?.endsWith("\n") && !text.slice(0, -1).includes("\n") ? parseLine(text.slice(0, -1)) : null;
    const { body } = one.event;
    const isForm = line && [signatureLength(COSIGNATURE), signatureLength(MLDSA44)].includes(line.rest.length);
    if (!line || !isForm || toHex(line.id) !== name || line.name !== body["by"] || !saysAt(line, String(body["at"]))) {
      this.sink.find("E431", file, "not the line that the event speaks of");
      return;
    }
    this.sink.count("cosignatures");
    if (!this.env.policy) return this.sink.missedOut("witness", "no_policy", file, "no policy was given");
    await this.witness(one, size, file, line);
  }

  private async witness(one: Kept, size: number, file: string, line: NoteLine): Promise<void> {
    const policy = this.env.policy!;
    const keys = [...policy.witnesses].filter(([, key]) => isOf(line, key));
    if (!keys.length)
      return this.sink.missedOut("witness", "unknown_witness", file, "by a key that the policy does not list", true);
    const [name, key] = keys[0]!;
    const logs: Vkey[] = [...policy.logKeys, ...(this.log.keys ?? [])];
    if (logs.some((log) => equal(log.key, key.key))) {
      return this.sink.find("E432", file, `a key of the log ${logs.find((log) => equal(log.key, key.key))!.name}`);
    }
    const root = this.log.root(size);
    const held = this.log.notes.valid.get(size);
    if (!root || this.log.origin === null) {
      return this.sink.missedOut("witness", "gap", file, "the tree that it is about cannot be computed");
    }
    const note = { origin: this.log.origin, size, root };
    const text = checkpointText(note, toBase64(root));
    if (!lineHolds(line, key, note, text)) return this.sink.find("E433", file, "it does not verify");
    const at = timestampOf(line) * SECOND;
    const sizes = this.cosigned.get(name) ?? new Set<number>();
    this.cosigned.set(name, sizes.add(size));
    if (this.env.now !== null && at > this.env.now + FIVE_MINUTES) return this.sink.find("W935", file, formatTime(at));
    if (held) this.proofs.push({ size, named: one.index, least: at, most: at, by: name });
  }

  private quorum(): void {
    const { policy } = this.env;
    if (!policy) return;
    const sizes = [...new Set([...this.cosigned.values()].flatMap((set) => [...set]))].sort((a, b) => b - a);
    for (const size of sizes) {
      const present = new Set(
        [...this.cosigned].filter(([, set]) => [...set].some((s) => s >= size)).map(([name]) => name),
      );
      if (!quorumMet(policy, present)) continue;
      this.witnessed = size;
      return;
    }
  }

  private async token(one: Kept): Promise<void> {
    const named = this.named(one, "E428", /^\d{8,}\.([a-z0-9-]{1,40})\.(tsr)$/);
    if (!named) return;
    const { size, file } = named;
    const bytes = await this.content(one, file, TOKEN_LIMIT, "time");
    if (!bytes) return;
    const token = readToken(bytes);
    if (!token) return this.sink.find("E421", file, "not in its form");
    const checkpoint = `checkpoints/${number8(size)}`;
    if (!this.log.notes.sizes.has(size))
      return this.sink.find("E502", checkpoint, "none", `a checkpoint, named by ${this.where(one)}`);
    const held = this.log.notes.valid.get(size);
    const root = this.log.root(size);
    if (!held || !root || !equal(root, held.note.root)) {
      return this.sink.missedOut(
        "time",
        "gap",
        file,
        `${checkpoint}, which it is about, does not hold or cannot be compared`,
      );
    }
    const fault = judgeToken(token, held.bytes);
    if (fault) return this.sink.find(fault.code, file, fault.found);
    const { body } = one.event;
    if (formatInstant(token.at * 1000n) !== body["at"] || token.signer.name !== body["by"]) {
      this.sink.find(
        "E428",
        this.where(one),
        `at ${body["at"]}, by ${body["by"]}`,
        `at ${formatInstant(token.at * 1000n)}, by ${token.signer.name}`,
      );
      return;
    }
    this.sink.count("time_stamps");
    if (this.env.policy) this.authority(one, size, file, token);
  }

  private authority(one: Kept, size: number, file: string, token: Token): void {
    const policy = this.env.policy!;
    const candidates = [...policy.tsa].sort(([a], [b]) => compareText(a, b)).filter(([, own]) =>
      token.certificates.some((c) => own.some((authority) => equal(authority.subject, c.issuer))),
    );
    if (!candidates.length)
      return this.sink.missedOut("time", "unknown_authority", file, "of no authority in the policy", true);
    const good = candidates.filter(([, own]) => {
      const others = [...token.certificates, ...own.filter((c) => !c.selfIssued)].filter((c) => c !== token.signer);
      return chains(
        token.signer,
        others,
        own.filter((c) => c.selfIssued),
        token.at,
      );
    });
    if (!good.length)
      return this.sink.find("E426", file, `it does not lead to ${candidates.map(([name]) => name).join(", ")}`);
    if (policy.tokenPolicies && !policy.tokenPolicies.includes(token.policy))
      return this.sink.find("E427", file, token.policy);
    const at = token.at * 1000n;
    const slack = token.accuracy * 1000n;
    const [name] = good[0]!;
    this.stamped.set(name, Math.max(this.stamped.get(name) ?? 0, size));
    this.proofs.push({ size, named: one.index, least: at - slack, most: at + slack, by: name });
  }

  /** Not later: the least most over a size above n. Not earlier: the greatest least among anchors named before n. */
  bounds(index: number): Bounds & { by: [string | null, string | null] } {
    let notAfter: Proof | null = null;
    let notBefore: Proof | null = null;
    for (const proof of this.proofs) {
      if (proof.size > index && (!notAfter || proof.most < notAfter.most)) notAfter = proof;
      if (proof.named < index && (!notBefore || proof.least > notBefore.least)) notBefore = proof;
    }
    return {
      notAfter: notAfter?.most ?? null,
      notBefore: notBefore?.least ?? null,
      by: [notBefore?.by ?? null, notAfter?.by ?? null],
    };
  }

  /** Bounds by runs of entries, with E429 and W931 at the first entry of each run. */
  times(): Times {
    const list: Bound[] = [];
    const marks = new Set([0]);
    for (const proof of this.proofs) {
      marks.add(proof.size);
      marks.add(proof.named + 1);
    }
    const starts = [...marks].filter((mark) => mark < this.log.size).sort((a, b) => a - b);
    let crossed = false;
    let outside = false;
    for (const [i, first] of starts.entries()) {
      const last = (starts[i + 1] ?? this.log.size) - 1;
      const { notAfter, notBefore, by } = this.bounds(first);
      const bad = notAfter !== null && notBefore !== null && notBefore > notAfter;
      if (bad && !crossed) {
        this.sink.find(
          "E429",
          `custody/${number8(first)}`,
          `not earlier than ${formatTime(notBefore)}, not later than ${formatTime(notAfter)}`,
        );
      }
      crossed = bad;
      outside = this.recorded(first, last, { notAfter, notBefore }, outside);
      if (notAfter === null && notBefore === null) continue;
      const previous = list.at(-1);
      const made = {
        first,
        last,
        not_after: time(notAfter),
        not_after_by: by[1],
        not_before: time(notBefore),
        not_before_by: by[0],
      };
      if (
        previous &&
        previous.last === first - 1 &&
        previous.not_after === made.not_after &&
        previous.not_before === made.not_before &&
        previous.not_after_by === made.not_after_by &&
        previous.not_before_by === made.not_before_by
      ) {
        previous.last = last;
      } else list.push(made);
    }
    return { bounds: list.slice(0, 1000), bounds_total: list.length, covered_by: this.covering() };
  }

  private recorded(first: number, last: number, bounds: Bounds, before: boolean): boolean {
    let outside = before;
    for (let index = first; index <= last; index++) {
      const text = this.log.recordedAt.get(index);
      if (text === undefined) continue;
      const at = nanoseconds(text);
      const out =
        (bounds.notAfter !== null && at > bounds.notAfter + FIVE_MINUTES) ||
        (bounds.notBefore !== null && at < bounds.notBefore - FIVE_MINUTES);
      if (out && !outside) this.sink.find("W931", `custody/${number8(index)}/entry`, text);
      outside = out;
    }
    return outside;
  }

  /** Authorities that stamped all entries but anchors at the end. */
  covering(): string[] {
    let end = this.log.size;
    while (end > 0 && this.log.types[end - 1] === "anchor") end--;
    return [...this.stamped]
      .filter(([, size]) => size >= end && end > 0)
      .map(([name]) => name)
      .sort();
  }
}

function saysAt(line: NoteLine, at: string): boolean {
  const seconds = timestampOf(line);
  return seconds > 0n && seconds < 253_402_300_800n && formatInstant(seconds * SECOND) === at;
}

const MIN = -62_135_596_800n * SECOND;
const MAX = 253_402_300_800n * SECOND - 1n;
const formatTime = (ns: bigint): string => formatInstant(ns < MIN ? MIN : ns > MAX ? MAX : ns);
const time = (ns: bigint | null): string | null => (ns === null ? null : formatTime(ns));
