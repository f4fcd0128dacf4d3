/** ssh public keys and certificates (custody-log.md 1.3; OpenSSH PROTOCOL.certkeys). */

import { p256, p384 } from "@noble/curves/nist";
import { fromBase64, fromUtf8, toBase64, toBigInt } from "./bytes";
import * as ed25519 from "./ed25519";
import { sha256 } from "./hash";
import { goodRsa, type HashName, HASHES, type RsaKey, verifyPkcs1 } from "./rsa";

/** Thrown by `Reader` alone, caught by whoever made one. */
class Cut extends Error {}

export class Reader {
  private at = 0;
  constructor(private readonly bytes: Uint8Array) {}

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw new Cut();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
  u32(): number {
    const [a, b, c, d] = this.take(4);
    return ((a! << 24) | (b! << 16) | (c! << 8) | d!) >>> 0;
  }
  u64 = (): bigint => toBigInt(this.take(8));
  string = (): Uint8Array => this.take(this.u32());
  text(): string {
    const text = fromUtf8(this.string());
    if (text === null) throw new Cut();
    return text;
  }
  mpint(): bigint {
    const bytes = this.string();
    if (bytes.length && bytes[0]! & 0x80) throw new Cut();
    if (bytes.length && bytes[0] === 0 && !(bytes.length > 1 && bytes[1]! & 0x80)) throw new Cut();
    return toBigInt(bytes);
  }
  get done(): boolean {
    return this.at === this.bytes.length;
  }
  get offset(): number {
    return this.at;
  }
}

/** Run `read` over all of `bytes`; null where they are cut or too many. */
export function whole<T>(bytes: Uint8Array, read: (reader: Reader) => T): T | null {
  const reader = new Reader(bytes);
  try {
    const value = read(reader);
    return reader.done ? value : null;
  } catch (error) {
    if (error instanceof Cut) return null;
    throw error;
  }
}

type Raw =
  | { kind: "ed25519"; key: Uint8Array; application?: Uint8Array }
  | { kind: "ecdsa"; curve: "p256" | "p384"; key: Uint8Array; application?: Uint8Array }
  | { kind: "rsa"; key: RsaKey };

export interface Certificate {
  /** Fingerprint of the CA's key. */
  ca: string;
  principals: string[];
  /** Seconds since 1970; `before` is exclusive. */
  after: bigint;
  before: bigint;
  verifyRequired: boolean;
}

export interface PublicKey {
  /** Key type as `ssh-keygen` writes it, of the key itself. */
  type: string;
  fingerprint: string;
  raw: Raw;
  certificate: Certificate | null;
}

const KINDS: Record<string, (reader: Reader) => Raw> = {
  "ssh-ed25519": (reader) => ({ kind: "ed25519", key: reader.string() }),
  "sk-ssh-ed25519@openssh.com": (reader) => ({ kind: "ed25519", key: reader.string(), application: reader.string() }),
  "ecdsa-sha2-nistp256": (reader) => ({ kind: "ecdsa", ...curvePoint(reader, "nistp256", "p256") }),
  "ecdsa-sha2-nistp384": (reader) => ({ kind: "ecdsa", ...curvePoint(reader, "nistp384", "p384") }),
  "sk-ecdsa-sha2-nistp256@openssh.com": (reader) => ({
    kind: "ecdsa",
    ...curvePoint(reader, "nistp256", "p256"),
    application: reader.string(),
  }),
  "ssh-rsa": (reader) => {
    const e = reader.mpint();
    return { kind: "rsa", key: { e, n: reader.mpint() } };
  },
};

function curvePoint<C extends "p256" | "p384">(reader: Reader, name: string, curve: C): { curve: C; key: Uint8Array } {
  if (reader.text() !== name) throw new Cut();
  return { curve, key: reader.string() };
}

const CERT = /-cert-v01@openssh\.com$/;

/** `sk-ssh-ed25519-cert-v01@openssh.com` certifies a `sk-ssh-ed25519@openssh.com`. */
function plainType(type: string): string {
  const base = type.replace(CERT, "");
  return base in KINDS ? base : `${base}@openssh.com`;
}

export const fingerprintOf = (blob: Uint8Array): string => `SHA256:${toBase64(sha256(blob)).replace(/=+$/, "")}`;

function good(raw: Raw): boolean {
  if (raw.kind === "ed25519") return ed25519.goodKey(raw.key);
  if (raw.kind === "rsa") return goodRsa(raw.key);
  const { key, curve } = raw;
  if (key[0] !== 4 || key.length !== (curve === "p256" ? 65 : 97)) return false;
  try {
    (curve === "p256" ? p256 : p384).Point.fromBytes(key).assertValidity();
    return true;
  } catch {
    return false;
  }
}

/** What the fingerprint of a blob is, and the key where it is acceptable; `why` where not. */
export function readKey(
  blob: Uint8Array,
): { fingerprint: string; key: PublicKey } | { fingerprint: string; why: string } {
  let fingerprint = fingerprintOf(blob);
  let type: string;
  try {
    type = new Reader(blob).text();
  } catch {
    return { fingerprint, why: "no key" };
  }
  if (CERT.test(type)) {
    const read = readCertificate(blob, plainType(type));
    fingerprint = read.fingerprint ?? fingerprint;
    return read.key ? { fingerprint, key: read.key } : { fingerprint, why: "certificate_rejected" };
  }
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type]! : null;
  const raw = kind && whole(blob, (reader) => (reader.string(), kind(reader)));
  if (!raw) return { fingerprint, why: `a key of type ${type}` };
  if (!good(raw)) return { fingerprint, why: `a ${type} key that is refused` };
  return { fingerprint, key: { type, fingerprint, raw, certificate: null } };
}

function plainBlob(type: string, fields: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode(type);
  const out = new Uint8Array(4 + name.length + fields.length);
  new DataView(out.buffer).setUint32(0, name.length);
  out.set(name, 4);
  out.set(fields, 4 + name.length);
  return out;
}

function readCertificate(blob: Uint8Array, type: string): { fingerprint: string | null; key: PublicKey | null } {
  let fingerprint: string | null = null;
  const kind = Object.hasOwn(KINDS, type) ? KINDS[type]! : null;
  if (!kind) return { fingerprint, key: null };
  const read = whole(blob, (reader) => {
    reader.string();
    reader.string(); // nonce
    const start = reader.offset;
    const raw = kind(reader);
    fingerprint = fingerprintOf(plainBlob(type, blob.subarray(start, reader.offset)));
    reader.u64(); // serial
    const role = reader.u32();
    reader.string(); // key id
    const principals = reader.string();
    const after = reader.u64();
    const before = reader.u64();
    const critical = reader.string();
    const extensions = reader.string();
    const reserved = reader.string();
    const ca = reader.string();
    const signed = blob.subarray(0, reader.offset);
    return {
      raw,
      role,
      principals,
      after,
      before,
      critical,
      extensions,
      reserved,
      ca,
      signed,
      signature: reader.string(),
    };
  });
  if (!read || !good(read.raw) || read.role !== 1 || read.reserved.length || read.after >= read.before)
    return { fingerprint, key: null };
  const principals = whole(read.principals, texts);
  const critical = whole(read.critical, options);
  const ca = readKey(read.ca);
  if (!principals?.length || principals.length > 256 || principals.some((name) => !name || /[*?!,"]/.test(name)))
    return { fingerprint, key: null };
  if (!critical || !whole(read.extensions, options) || !("key" in ca) || ca.key.certificate)
    return { fingerprint, key: null };
  if (critical.some(([name, value]) => name !== "verify-required" || value.length)) return { fingerprint, key: null };
  if (!verifyBlob(ca.key, read.signed, read.signature, false)) return { fingerprint, key: null };
  const certificate = {
    ca: ca.fingerprint,
    principals,
    after: read.after,
    before: read.before,
    verifyRequired: critical.length > 0,
  };
  return { fingerprint, key: { type, fingerprint: fingerprint!, raw: read.raw, certificate } };
}

function texts(reader: Reader): string[] {
  const out = [];
  while (!reader.done) out.push(reader.text());
  return out;
}

/** Options in ascending order, each once. */
function options(reader: Reader): [string, Uint8Array][] {
  const out: [string, Uint8Array][] = [];
  while (!reader.done) {
    const name = reader.text();
    if (out.length && out.at(-1)![0] >= name) throw new Cut();
    out.push([name, reader.string()]);
  }
  return out;
}

/** Does an ssh signature blob by this key hold? `person`: one of the kinds for persons (no SHA-1, touched). */
export function verifyBlob(key: PublicKey, message: Uint8Array, signature: Uint8Array, person = true): boolean {
  const { raw } = key;
  const read = whole(signature, (reader) => {
    const algorithm = reader.text();
    const blob = reader.string();
    const touched = key.type.startsWith("sk-") ? { flags: reader.take(1), counter: reader.take(4) } : null;
    return { algorithm, blob, touched };
  });
  if (!read) return false;
  let signed = message;
  if (read.touched) {
    const flags = read.touched.flags[0]!;
    if (!(flags & 1) || (key.certificate?.verifyRequired && !(flags & 4))) return false;
    const application = raw.kind === "rsa" ? undefined : raw.application;
    if (!application) return false;
    const parts = [sha256(application), read.touched.flags, read.touched.counter, sha256(message)];
    signed = new Uint8Array(69);
    let at = 0;
    for (const part of parts) {
      signed.set(part, at);
      at += part.length;
    }
  } else if (person && key.certificate?.verifyRequired) return false;
  if (raw.kind === "ed25519") return read.algorithm === key.type && ed25519.verify(raw.key, signed, read.blob);
  if (raw.kind === "ecdsa") return read.algorithm === key.type && verifyEcdsa(raw, signed, read.blob);
  const hash = ({ "rsa-sha2-512": "sha512", "rsa-sha2-256": "sha256" } as Record<string, HashName>)[read.algorithm];
  return hash !== undefined && verifyPkcs1(raw.key, hash, signed, read.blob);
}

function verifyEcdsa(raw: Extract<Raw, { kind: "ecdsa" }>, message: Uint8Array, blob: Uint8Array): boolean {
  const numbers = whole(blob, (reader) => ({ r: reader.mpint(), s: reader.mpint() }));
  if (!numbers) return false;
  const [curve, hash] = raw.curve === "p256" ? [p256, HASHES.sha256] : [p384, HASHES.sha384];
  return ecdsaHolds(curve, numbers.r, numbers.s, hash(message), raw.key);
}

type Curve = typeof p256 | typeof p384;

export function ecdsaHolds(curve: Curve, r: bigint, s: bigint, digest: Uint8Array, key: Uint8Array): boolean {
  const order = curve.Point.Fn.ORDER;
  if (r <= 0n || s <= 0n || r >= order || s >= order) return false;
  try {
    return curve.verify(new curve.Signature(r, s).toBytes("compact"), digest, key, { prehash: false, lowS: false });
  } catch {
    return false;
  }
}

/** `TYPE BASE64 [comment]`, one line as OpenSSH writes it. */
export function readKeyLine(line: string): { fingerprint: string; key: PublicKey; comment: string } | null {
  const match = /^(\S+) (\S+)(?: (.*))?$/u.exec(line);
  const blob = match && fromBase64(match[2]!);
  if (!blob) return null;
  const read = readKey(blob);
  if (
    !("key" in read) ||
    whole(blob, (reader) =>
      reader.text() === match[1] ? reader.take(blob.length - reader.offset) : reader.take(-0),
    ) === null
  ) {
    return null;
  }
  return { ...read, comment: match[3] ?? "" };
}
