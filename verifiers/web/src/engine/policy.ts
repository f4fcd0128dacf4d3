/** The recipient's policy folder (policy.md): whose keys are whose, and what is demanded. */

import { parse as parseToml, TomlDate } from "smol-toml";
import { type Line, readSigners } from "./allowedsigners";
import { equal, fromUtf8 } from "./bytes";
import * as f from "./forms";
import { COSIGNATURE, ED25519, isOrigin, MLDSA44, parseVkey, type Vkey } from "./note";
import type { Aspect, Tree } from "./types";
import { Usage } from "./usage";
import { type Certificate, readPem } from "./x509";

export interface Group {
  threshold: number;
  members: string[];
}

export interface LogRule {
  origin: string;
  allRequiredFrom: number;
  minSize: number;
  vouchedBy: string[];
}

export interface Revocation {
  fingerprint: string;
  sizes: Map<string, number>;
  /** Nanoseconds since 1970. */
  notAfter: bigint | null;
}

export interface Policy {
  require: Set<Aspect>;
  /** Last instant of acceptance in nanoseconds; true: accepted; false: never. */
  algorithms: Map<string, bigint | boolean>;
  authorities: number;
  tokenPolicies: string[] | null;
  logs: Map<string, LogRule>;
  signers: Line[];
  logKeys: Vkey[];
  witnesses: Map<string, Vkey>;
  groups: Map<string, Group>;
  quorum: string;
  revoked: Revocation[];
  /** Certificates of time-stamp authorities by the policy's name. */
  tsa: Map<string, Certificate[]>;
}

const MOST = 4 * 1024 * 1024;
const DROPPINGS = /^(?:\.DS_Store|Thumbs\.db|desktop\.ini|\.directory|\._.*)$/;

export async function readPolicy(tree: Tree): Promise<Policy> {
  const names: string[] = [];
  for await (const { path, kind } of tree.list()) if (kind === "file") names.push(path);
  const text = async (name: string): Promise<string> => {
    const bytes = await tree.open(name);
    if (!bytes) throw new Usage(`the policy has no ${name}`);
    if (bytes.size > MOST) throw new Usage(`${name} of the policy is too large`);
    const read = fromUtf8(await bytes.read(0, bytes.size));
    await bytes.close?.();
    if (read === null) throw new Usage(`${name} of the policy is not UTF-8`);
    return read;
  };
  const policy: Policy = {
    ...readDemands(toml(await text("policy.toml"), "policy.toml")),
    signers: readSigners(await text("allowed_signers")),
    ...readLogs(await text("logs.policy")),
    revoked: names.includes("revoked.toml") ? readRevoked(toml(await text("revoked.toml"), "revoked.toml")) : [],
    tsa: new Map(),
  };
  for (const name of names.filter((path) => path.startsWith("tsa/")).sort()) {
    const own = name.slice(4);
    if (DROPPINGS.test(own)) continue;
    if (!/^[a-z0-9-]{1,40}\.pem$/.test(own)) throw new Usage(`${name} of the policy is no authority`);
    const certificates = readPem(await text(name));
    if (!certificates?.length || !certificates.every((c) => c.isAuthority) || !certificates.some((c) => c.selfIssued)) {
      throw new Usage(`${name} of the policy holds no certificates of an authority with its root`);
    }
    policy.tsa.set(own.slice(0, -4), certificates);
  }
  return policy;
}

type Table = Record<string, unknown>;

function toml(text: string, name: string): Table {
  try {
    return parseToml(text) as Table;
  } catch (error) {
    throw new Usage(`${name} of the policy: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function members(table: unknown, known: string[], where: string): Table {
  if (typeof table !== "object" || table === null || Array.isArray(table) || table instanceof TomlDate) {
    throw new Usage(`${where} of the policy is no table`);
  }
  for (const name of Object.keys(table))
    if (!known.includes(name)) throw new Usage(`${where} of the policy has ${name}, which is not known`);
  return table as Table;
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === "string");

function whole(value: unknown, where: string): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0)
    throw new Usage(`${where} of the policy is no number from 0`);
  return value;
}

function texts(value: unknown, where: string): string[] {
  if (!isTexts(value)) throw new Usage(`${where} of the policy is no list of texts`);
  return value;
}

const tables = (value: unknown, where: string): unknown[] => {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw new Usage(`${where} of the policy is no list of tables`);
  return value;
};

function readDemands(table: Table): Pick<Policy, "require" | "algorithms" | "authorities" | "tokenPolicies" | "logs"> {
  members(table, ["version", "require", "algorithms", "time", "log"], "policy.toml");
  if (table["version"] !== 1) throw new Usage("the policy is of a version that is not known");
  const require = new Set<Aspect>(["record", "identity", "custody"]);
  for (const aspect of texts(table["require"] ?? [], "require")) {
    if (!["record", "identity", "custody", "time", "witness", "evidence", "completeness"].includes(aspect)) {
      throw new Usage(`the policy requires ${aspect}, which is not known`);
    }
    require.add(aspect as Aspect);
  }
  const algorithms = new Map<string, bigint | boolean>();
  for (const [name, until] of Object.entries((table["algorithms"] ?? {}) as Table)) {
    if (typeof until === "boolean") algorithms.set(name, until);
    else if (until instanceof TomlDate && until.isDate()) {
      algorithms.set(name, f.nanoseconds(`${until.toISOString().slice(0, 10)}T23:59:59.999999999Z`));
    } else throw new Usage(`algorithms of the policy: ${name} has neither a date nor true`);
  }
  const time = members(table["time"] ?? {}, ["authorities", "policies"], "time");
  const logs = new Map<string, LogRule>();
  for (const item of tables(table["log"], "log")) {
    const log = members(item, ["origin", "all_required_from", "min_size", "vouched_by"], "log");
    const origin = log["origin"];
    if (typeof origin !== "string" || !isOrigin(origin) || logs.has(origin))
      throw new Usage("a log of the policy has no origin of its own");
    logs.set(origin, {
      origin,
      allRequiredFrom:
        log["all_required_from"] === undefined ? Infinity : whole(log["all_required_from"], "all_required_from"),
      minSize: whole(log["min_size"] ?? 0, "min_size"),
      vouchedBy: texts(log["vouched_by"] ?? [], "vouched_by"),
    });
  }
  return {
    require,
    algorithms,
    authorities: whole(time["authorities"] ?? 1, "authorities"),
    tokenPolicies: time["policies"] === undefined ? null : texts(time["policies"], "policies"),
    logs,
  };
}

function readRevoked(table: Table): Revocation[] {
  members(table, ["key"], "revoked.toml");
  return tables(table["key"], "key").map((item) => {
    const key = members(item, ["fingerprint", "reason", "sizes", "not_after"], "key");
    if (!f.fingerprint(key["fingerprint"] as string))
      throw new Usage("revoked.toml of the policy: a key without fingerprint");
    const sizes = new Map<string, number>();
    for (const [origin, size] of Object.entries((key["sizes"] ?? {}) as Table)) sizes.set(origin, whole(size, "sizes"));
    const limit = key["not_after"];
    if (limit !== undefined && !(limit instanceof TomlDate) && !f.instant(limit as string)) {
      throw new Usage("revoked.toml of the policy: not_after is no instant");
    }
    const notAfter =
      limit === undefined
        ? null
        : limit instanceof TomlDate
          ? BigInt(limit.getTime()) * 1_000_000n
          : f.nanoseconds(limit as string);
    return { fingerprint: key["fingerprint"] as string, sizes, notAfter };
  });
}

function readLogs(text: string): Pick<Policy, "logKeys" | "witnesses" | "groups" | "quorum"> {
  const logKeys: Vkey[] = [];
  const witnesses = new Map<string, Vkey>();
  const groups = new Map<string, Group>();
  let quorum: string | null = null;
  const used = new Set<string>();
  const fresh = (keys: Iterable<Vkey>, key: Vkey): boolean => [...keys].every((one) => !equal(one.key, key.key));
  text.split("\n").forEach((line, i) => {
    const bad = (): never => {
      throw new Usage(`logs.policy of the policy, line ${i + 1}: not understood`);
    };
    if (/[\0-\x08\x0b-\x1f\x7f]/.test(line)) bad();
    const words = line.replace(/^[ \t]+|[ \t]+$/g, "").split(/[ \t]+/);
    const [verb, first, second] = words;
    if (!verb || verb.startsWith("#")) return;
    const free = (name: string): boolean => name !== "none" && !witnesses.has(name) && !groups.has(name);
    if (verb === "log" && first && words.length <= 3) {
      const key = parseVkey(first);
      if (!key || (key.type !== ED25519 && key.type !== MLDSA44) || !fresh(logKeys, key)) return bad();
      logKeys.push(key);
    } else if (verb === "witness" && first && second && words.length <= 4) {
      const key = parseVkey(second);
      if (!key || (key.type !== COSIGNATURE && key.type !== MLDSA44) || !free(first)) return bad();
      if (!fresh(witnesses.values(), key)) return bad();
      witnesses.set(first, key);
    } else if (verb === "group" && first && second && words.length > 3) {
      const list = words.slice(3);
      const threshold =
        second === "all"
          ? list.length
          : second === "any"
            ? 1
            : /^[1-9][0-9]{0,3}$/.test(second)
              ? Number(second)
              : bad();
      if (!free(first) || threshold > list.length || list.some((name) => name === "none" || free(name))) return bad();
      for (const name of list) if (used.has(name) || !used.add(name)) return bad();
      groups.set(first, { threshold, members: list });
    } else if (
      verb === "quorum" &&
      first &&
      words.length === 2 &&
      quorum === null &&
      (first === "none" || !free(first))
    ) {
      quorum = first;
    } else bad();
  });
  if (quorum === null || !text.endsWith("\n"))
    throw new Usage("logs.policy of the policy: no quorum line, or no end of the last one");
  return { logKeys, witnesses, groups, quorum };
}

/** Does the quorum hold with these witnesses, by the policy's names? With `none`: one is enough. */
export function quorumMet(policy: Policy, present: Set<string>): boolean {
  const met = (name: string): boolean => {
    const group = policy.groups.get(name);
    return group ? group.members.filter(met).length >= group.threshold : present.has(name);
  };
  return policy.quorum === "none" ? present.size > 0 : met(policy.quorum);
}
