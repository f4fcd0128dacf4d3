/** Certificates (RFC 5280), as far as chains of time-stamp authorities need them. */

import { ECDSASigValue } from "@peculiar/asn1-ecc";
import { RSAPublicKey, RsaSaPssParams } from "@peculiar/asn1-rsa";
import * as x509 from "@peculiar/asn1-x509";
import { p256, p384, p521 } from "@noble/curves/nist";
import { BadDer, bytesOf, decode, encode, integer } from "./asn1";
import { equal, fromBase64, fromUtf8, toHex, utf8 } from "./bytes";
import { type HashName, HASHES, type RsaKey, goodRsa, verifyPkcs1, verifyPss } from "./rsa";

type Key = { kind: "rsa"; key: RsaKey } | { kind: "ecdsa"; curve: typeof p256; point: Uint8Array } | { kind: "other" };

export interface Certificate {
  whole: Uint8Array;
  tbs: Uint8Array;
  serial: Uint8Array;
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
  algorithm: x509.AlgorithmIdentifier;
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
/** By the DER of their names. */
const CURVES: Record<string, typeof p256> = {
  "06082a8648ce3d030107": p256,
  "06052b81040022": p384 as unknown as typeof p256,
  "06052b81040023": p521 as unknown as typeof p256,
};
const RSA = "1.2.840.113549.1.1.1";
const PSS = "1.2.840.113549.1.1.10";
const MGF1 = "1.2.840.113549.1.1.8";
const EC = "1.2.840.10045.2.1";
/**
 * Extensions that may be critical without our reading them: they take nothing from a chain to a root that the recipient
 * named.
 */
const HARMLESS = new Set([
  "2.5.29.14",
  "2.5.29.35",
  "2.5.29.32",
  "2.5.29.31",
  "2.5.29.17",
  "2.5.29.18",
  "1.3.6.1.5.5.7.1.1",
]);

export const hashName = (oid: string): HashName | null => HASH_OIDS[oid] ?? null;

/** The certificate; null where it is not one in DER. */
export function readX509(bytes: Uint8Array): Certificate | null {
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof BadDer) return null;
    throw error;
  }
}

function read(bytes: Uint8Array): Certificate {
  const {
    tbsCertificate: tbs,
    tbsCertificateRaw,
    signatureAlgorithm,
    signatureValue,
  } = decode(bytes, x509.Certificate);
  if (tbs.version !== x509.Version.v3 || ![tbs.signature, signatureAlgorithm].every(isBare)) throw new BadDer("certificate");
  const parts = [...tbs.issuer, ...tbs.subject];
  if (parts.some((part) => !part.length || [...part].some((one) => textOf(one) === null))) throw new BadDer("name");
  const [issuer, subject] = [encode(tbs.issuer), encode(tbs.subject)];
  const made: Certificate = {
    whole: bytes,
    tbs: bytesOf(tbsCertificateRaw!),
    serial: bytesOf(tbs.serialNumber),
    issuer,
    subject,
    name: nameOf(tbs.subject),
    from: BigInt(tbs.validity.notBefore.getTime().getTime()) * 1000n,
    to: BigInt(tbs.validity.notAfter.getTime().getTime()) * 1000n,
    key: readKey(tbs.subjectPublicKeyInfo),
    isAuthority: false,
    pathLength: null,
    mayCertify: true,
    purposes: null,
    strange: !tbs.signature.isEqual(signatureAlgorithm),
    selfIssued: equal(issuer, subject),
    algorithm: signatureAlgorithm,
    signature: bytesOf(signatureValue),
  };
  try {
    readExtensions(made, tbs.extensions ?? []);
  } catch (error) {
    if (!(error instanceof BadDer)) throw error;
    Object.assign(made, { isAuthority: false, purposes: null, strange: true }); // it is a certificate, but good for nothing
  }
  return made;
}

/** ECDSA and RSA (PKCS #1) have no parameters, or NULL. */
const isBare = ({ algorithm, parameters }: x509.AlgorithmIdentifier): boolean =>
  !SIGNATURES[algorithm] || !parameters || toHex(bytesOf(parameters)) === "0500";

function readExtensions(made: Certificate, extensions: Iterable<x509.Extension>): void {
  const seen = new Set<string>();
  for (const { extnID, critical, extnValue } of extensions) {
    if (seen.has(extnID)) throw new BadDer("extension twice");
    seen.add(extnID);
    readExtension(made, extnID, critical, extnValue.buffer);
  }
}

function readExtension(made: Certificate, id: string, critical: boolean, value: ArrayBuffer): void {
  if (id === x509.id_ce_basicConstraints) {
    const { cA, pathLenConstraint } = decode(value, x509.BasicConstraints);
    made.isAuthority = cA;
    made.pathLength = pathLenConstraint ?? null;
  } else if (id === x509.id_ce_keyUsage) {
    made.mayCertify = (decode(value, x509.KeyUsage).toNumber() & x509.KeyUsageFlags.keyCertSign) !== 0;
  } else if (id === x509.id_ce_extKeyUsage) {
    made.purposes = { critical, oids: [...decode(value, x509.ExtendedKeyUsage)] };
  } else if (critical && !HARMLESS.has(id)) made.strange = true;
}

function readKey({ algorithm: { algorithm, parameters }, subjectPublicKey }: x509.SubjectPublicKeyInfo): Key {
  if (algorithm === RSA) {
    const { modulus, publicExponent } = decode(subjectPublicKey, RSAPublicKey);
    return { kind: "rsa", key: { n: integer(modulus), e: integer(publicExponent) } };
  }
  const curve = algorithm === EC && parameters ? CURVES[toHex(bytesOf(parameters))] : undefined;
  return curve ? { kind: "ecdsa", curve, point: bytesOf(subjectPublicKey) } : { kind: "other" };
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

/** Tags of strings whose bytes are UTF-8, or a part of it. */
const NARROW = new Set([0x0c, 0x12, 0x13, 0x14, 0x16, 0x1a]);
const WIDE: Record<number, number> = { 0x1c: 4, 0x1e: 2 };

/** What a part of a name says; null where it is no text. */
function textOf({ value }: x509.AttributeTypeAndValue): string | null {
  const der = encode(value);
  const bytes = der.subarray(der[1]! < 0x80 ? 2 : 2 + (der[1]! & 0x7f));
  if (NARROW.has(der[0]!)) return fromUtf8(bytes);
  const width = WIDE[der[0]!];
  if (width === undefined || bytes.length % width) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const units = Array.from({ length: bytes.length / width }, (_, i) =>
    width === 2 ? view.getUint16(2 * i) : view.getUint32(4 * i),
  );
  if (units.some((unit) => unit > 0x10ffff || (width === 4 && unit >= 0xd800 && unit < 0xe000))) return null;
  const text = units.map((unit) => (width === 2 ? String.fromCharCode(unit) : String.fromCodePoint(unit))).join("");
  return fromUtf8(utf8(text)) === text ? text : null; // a surrogate alone
}

function nameOf(subject: x509.Name): string {
  const pairs = [...subject].map((set) => [...set]);
  const common = pairs.flat().find(({ type }) => type === "2.5.4.3");
  if (common) return textOf(common)!;
  const text = (one: x509.AttributeTypeAndValue): string =>
    `${ATTRIBUTES[one.type] ?? one.type}=${textOf(one)!.replace(/[,+"\\<>;=]/g, "\\$&")}`;
  return pairs
    .map((set) => set.map(text).join("+"))
    .reverse()
    .join(",");
}

/**
 * Does `signature` hold over `message` by this key, under an AlgorithmIdentifier? `digest` is that of CMS where the
 * algorithm names none.
 */
export function signedBy(
  key: Key,
  { algorithm, parameters }: x509.AlgorithmIdentifier,
  message: Uint8Array,
  signature: Uint8Array,
  digest?: HashName,
): boolean {
  try {
    if (key.kind === "rsa" && !goodRsa(key.key, 2048)) return false;
    if (algorithm === PSS && key.kind === "rsa")
      return !!parameters && pssHolds(key.key, parameters, message, signature);
    const [kind, hash] =
      algorithm === RSA && digest ? (["rsa", digest] as const) : (SIGNATURES[algorithm] ?? [null, null]);
    if (!hash || kind !== key.kind || (digest && hash !== digest)) return false;
    if (key.kind === "rsa") return verifyPkcs1(key.key, hash, message, signature);
    const value = decode(signature, ECDSASigValue);
    const [r, s] = [integer(value.r), integer(value.s)];
    const { curve, point } = key as Extract<Key, { kind: "ecdsa" }>;
    const order = curve.Point.Fn.ORDER;
    if (r <= 0n || s <= 0n || r >= order || s >= order) return false;
    return curve.verify(new curve.Signature(r, s).toBytes("compact"), HASHES[hash](message), point, {
      prehash: false,
      lowS: false,
    });
  } catch {
    return false;
  }
}

function pssHolds(key: RsaKey, parameters: ArrayBuffer, message: Uint8Array, signature: Uint8Array): boolean {
  const { hashAlgorithm, maskGenAlgorithm, saltLength, trailerField } = decode(parameters, RsaSaPssParams);
  const hash = hashName(hashAlgorithm.algorithm);
  if (!hash || trailerField !== 1 || maskGenAlgorithm.algorithm !== MGF1 || !maskGenAlgorithm.parameters) return false;
  if (hashName(decode(maskGenAlgorithm.parameters, x509.AlgorithmIdentifier).algorithm) !== hash) return false;
  return verifyPss(key, hash, saltLength, message, signature);
}

/**
 * A chain from `leaf` over `others` to one of `roots`, all valid at `when` (microseconds): RFC 5280 without names and
 * policies.
 */
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
    return others.some(
      (other) =>
        !used.includes(other) &&
        issues(other, c, below) &&
        climb(other, below + (other.selfIssued ? 0 : 1), [...used, other]),
    );
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
