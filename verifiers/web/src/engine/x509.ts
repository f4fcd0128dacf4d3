/** Certificates (RFC 5280), as far as chains of time-stamp authorities need them. */

import { p256, p384, p521 } from "@noble/curves/nist";
import { equal, fromBase64 } from "./bytes";
import * as der from "./der";
import { type HashName, HASHES, type RsaKey, goodRsa, verifyPkcs1, verifyPss } from "./rsa";

type Key = { kind: "rsa"; key: RsaKey } | { kind: "ecdsa"; curve: typeof p256; point: Uint8Array } | { kind: "other" };

export interface Certificate {
  whole: Uint8Array;
  tbs: Uint8Array;
  serial: bigint;
  issuer: Uint8Array;
  subject: Uint8Array;
  /** Common name, else the whole subject (RFC 4514). */
  name: string;
  /** Microseconds since 1970. */
  from: bigint;
  to: bigint;
  key: Key;
  isAuthority: boolean;
  /** Authorities allowed below; null: any number. */
  pathLength: number | null;
  mayCertify: boolean;
  purposes: { critical: boolean; oids: string[] } | null;
  strange: boolean;
  selfIssued: boolean;
  algorithm: der.Node;
  signature: Uint8Array;
}

const HASH_OIDS: Record<string, HashName> = {
  "2.16.840.1.101.3.4.2.1": "sha256",
  "2.16.840.1.101.3.4.2.2": "sha384",
  "2.16.840.1.101.3.4.2.3": "sha512",
};
const SIGNATURES: Record<string, ["rsa" | "ecdsa", HashName]> = {
  "1.2.840.113549.1.1.11": ["rsa", "sha256"],
  "1.2.840.113549.1.1.12": ["rsa", "sha384"],
  "1.2.840.113549.1.1.13": ["rsa", "sha512"],
  "1.2.840.10045.4.3.2": ["ecdsa", "sha256"],
  "1.2.840.10045.4.3.3": ["ecdsa", "sha384"],
  "1.2.840.10045.4.3.4": ["ecdsa", "sha512"],
};
const CURVES: Record<string, typeof p256> = {
  "1.2.840.10045.3.1.7": p256,
  "1.3.132.0.34": p384 as unknown as typeof p256,
  "1.3.132.0.35": p521 as unknown as typeof p256,
};
const RSA = "1.2.840.113549.1.1.1";
const PSS = "1.2.840.113549.1.1.10";
/** Extensions that may be critical without our reading them: they take nothing from a chain to a root that the recipient named. */
const HARMLESS = new Set(["2.5.29.14", "2.5.29.35", "2.5.29.32", "2.5.29.31", "2.5.29.17", "2.5.29.18", "1.3.6.1.5.5.7.1.1"]);

export const hashName = (oid: string): HashName | null => HASH_OIDS[oid] ?? null;

/** The certificate; null where it is not one in DER. */
export function readX509(bytes: Uint8Array): Certificate | null {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof der.BadDer) return null;
    throw error;
  }
}

function read(bytes: Uint8Array): Certificate {
  const outer = new der.Walk(der.children(der.one(bytes, der.SEQUENCE), der.SEQUENCE));
  const tbs = outer.next(der.SEQUENCE);
  const algorithm = outer.next(der.SEQUENCE);
  const signature = der.bits(outer.next());
  outer.end();
  const walk = new der.Walk(der.readAll(tbs.content));
  const version = walk.maybe(0xa0);
  if (!version || der.integer(der.one(version.content, der.INTEGER)) !== 2n) throw new der.BadDer("version");
  const serial = der.integer(walk.next());
  if (!equal(walk.next(der.SEQUENCE).whole, algorithm.whole)) throw new der.BadDer("algorithm");
  const issuer = walk.next(der.SEQUENCE);
  const validity = der.readAll(walk.next(der.SEQUENCE).content);
  const subject = walk.next(der.SEQUENCE);
  const key = readKey(walk.next(der.SEQUENCE));
  walk.maybe(0x81);
  walk.maybe(0x82);
  const extensions = walk.maybe(0xa3);
  walk.end();
  if (validity.length !== 2) throw new der.BadDer("validity");
  const made: Certificate = {
    whole: bytes,
    tbs: tbs.whole,
    serial,
    issuer: issuer.whole,
    subject: subject.whole,
    name: nameOf(subject),
    from: der.time(validity[0]!),
    to: der.time(validity[1]!),
    key,
    isAuthority: false,
    pathLength: null,
    mayCertify: true,
    purposes: null,
    strange: false,
    selfIssued: equal(issuer.whole, subject.whole),
    algorithm,
    signature,
  };
  const seen = new Set<string>();
  for (const extension of extensions ? der.children(der.one(extensions.content, der.SEQUENCE), der.SEQUENCE) : []) {
    const parts = new der.Walk(der.children(extension, der.SEQUENCE));
    const id = der.oid(parts.next());
    const flag = parts.maybe(der.BOOLEAN);
    const value = parts.next(der.OCTET_STRING).content;
    parts.end();
    if (seen.has(id)) throw new der.BadDer("extension twice");
    seen.add(id);
    readExtension(made, id, flag ? der.bool(flag) : false, value);
  }
  return made;
}

function readExtension(made: Certificate, id: string, critical: boolean, value: Uint8Array): void {
  if (id === "2.5.29.19") {
    const parts = new der.Walk(der.readAll(der.one(value, der.SEQUENCE).content));
    const authority = parts.maybe(der.BOOLEAN);
    const length = parts.maybe(der.INTEGER);
    parts.end();
    made.isAuthority = authority ? der.bool(authority) : false;
    made.pathLength = length ? Number(der.integer(length)) : null;
  } else if (id === "2.5.29.15") {
    const { content } = der.one(value, der.BIT_STRING);
    made.mayCertify = ((content[1] ?? 0) & 0x04) !== 0;
  } else if (id === "2.5.29.37") {
    made.purposes = { critical, oids: der.readAll(der.one(value, der.SEQUENCE).content).map(der.oid) };
  } else if (critical && !HARMLESS.has(id)) made.strange = true;
}

function readKey(node: der.Node): Key {
  const [algorithm, bits] = der.readAll(node.content);
  const [id, parameters] = der.children(algorithm, der.SEQUENCE);
  const bytes = der.bits(der.expect(bits, der.BIT_STRING));
  const type = der.oid(id);
  if (type === RSA) {
    const [n, e] = der.children(der.one(bytes, der.SEQUENCE), der.SEQUENCE);
    return { kind: "rsa", key: { n: der.integer(der.expect(n, der.INTEGER)), e: der.integer(der.expect(e, der.INTEGER)) } };
  }
  if (type === "1.2.840.10045.2.1" && parameters?.tag === der.OID) {
    const curve = CURVES[der.oid(parameters)];
    if (curve) return { kind: "ecdsa", curve, point: bytes };
  }
  return { kind: "other" };
}

const ATTRIBUTES: Record<string, string> = {
  "2.5.4.3": "CN",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.9": "STREET",
  "0.9.2342.19200300.100.1.25": "DC",
  "0.9.2342.19200300.100.1.1": "UID",
};

function nameOf(subject: der.Node): string {
  const all: string[] = [];
  let common: string | null = null;
  for (const set of der.readAll(subject.content)) {
    const parts = der.children(set, der.SET).map((pair) => {
      const [id, value] = der.children(pair, der.SEQUENCE);
      const type = der.oid(id);
      const text = textOf(value);
      if (type === "2.5.4.3") common ??= text;
      return `${ATTRIBUTES[type] ?? type}=${text.replace(/[,+"\\<>;=]/g, "\\$&")}`;
    });
    all.push(parts.join("+"));
  }
  return common ?? all.reverse().join(",");
}

function textOf(node: der.Node | undefined): string {
  if (!node) return "";
  if (node.tag === 0x1e) return new TextDecoder("utf-16be").decode(node.content);
  return new TextDecoder(node.tag === 0x14 ? "latin1" : "utf-8").decode(node.content);
}

/** Does `signature` hold over `message` by this key, under an AlgorithmIdentifier? `digest` is that of CMS where the algorithm names none. */
export function signedBy(key: Key, algorithm: der.Node, message: Uint8Array, signature: Uint8Array, digest?: HashName): boolean {
  try {
    const [id, parameters] = der.children(algorithm, der.SEQUENCE);
    const type = der.oid(id);
    if (key.kind === "rsa" && !goodRsa(key.key, 2048)) return false;
    if (type === PSS && key.kind === "rsa") return pssHolds(key.key, parameters, message, signature);
    const [kind, hash] = type === RSA && digest ? (["rsa", digest] as const) : (SIGNATURES[type] ?? [null, null]);
    if (!hash || kind !== key.kind || (digest && hash !== digest)) return false;
    if (key.kind === "rsa") return verifyPkcs1(key.key, hash, message, signature);
    const [r, s] = der.children(der.one(signature, der.SEQUENCE), der.SEQUENCE).map(der.integer);
    const { curve, point } = key as Extract<Key, { kind: "ecdsa" }>;
    const order = curve.Point.Fn.ORDER;
    if (!r || !s || r <= 0n || s <= 0n || r >= order || s >= order) return false;
    return curve.verify(new curve.Signature(r, s).toBytes("compact"), HASHES[hash](message), point, { prehash: false, lowS: false });
  } catch {
    return false;
  }
}

function pssHolds(key: RsaKey, parameters: der.Node | undefined, message: Uint8Array, signature: Uint8Array): boolean {
  const walk = new der.Walk(der.children(parameters, der.SEQUENCE));
  const hash = walk.maybe(0xa0);
  const mask = walk.maybe(0xa1);
  const salt = walk.maybe(0xa2);
  const name = hash && hashName(der.oid(der.children(der.one(hash.content, der.SEQUENCE), der.SEQUENCE)[0]));
  const maskParts = mask && der.children(der.one(mask.content, der.SEQUENCE), der.SEQUENCE);
  if (!name || !maskParts || !salt || der.oid(maskParts[0]) !== "1.2.840.113549.1.1.8") return false;
  if (hashName(der.oid(der.children(maskParts[1], der.SEQUENCE)[0])) !== name) return false;
  return verifyPss(key, name, Number(der.integer(der.one(salt.content, der.INTEGER))), message, signature);
}

/** A chain from `leaf` over `others` to one of `roots`, all valid at `when` (microseconds): RFC 5280 without names and policies. */
export function chains(leaf: Certificate, others: Certificate[], roots: Certificate[], when: bigint): boolean {
  const valid = (c: Certificate): boolean => c.from <= when && when <= c.to && !c.strange;
  const issues = (issuer: Certificate, c: Certificate, below: number): boolean =>
    equal(issuer.subject, c.issuer) &&
    issuer.isAuthority &&
    issuer.mayCertify &&
    (issuer.pathLength === null || below <= issuer.pathLength) &&
    valid(issuer) &&
    signedBy(issuer.key, c.algorithm, c.tbs, c.signature);
  let steps = 0;
  const climb = (c: Certificate, below: number, used: Certificate[]): boolean => {
    if (steps++ > 200 || used.length > 8) return false;
    if (roots.some((root) => issues(root, c, below))) return true;
    return others.some((other) => !used.includes(other) && issues(other, c, below) && climb(other, below + (other.selfIssued ? 0 : 1), [...used, other]));
  };
  return valid(leaf) && climb(leaf, 0, [leaf]);
}

/** All certificates of a PEM file; null where one cannot be read. */
export function readPem(text: string): Certificate[] | null {
  const found: Certificate[] = [];
  for (const [, body] of text.matchAll(/-----BEGIN CERTIFICATE-----([\s\S]*?)-----END CERTIFICATE-----/g)) {
    const bytes = fromBase64(body!.replace(/\s/g, ""));
    const certificate = bytes && readX509(bytes);
    if (!certificate) return null;
    found.push(certificate);
  }
  return found;
}

