/** RFC 3161 time-stamps (time.md 2): what one says, and whether it holds by itself. Nothing hangs on today's date. */

import { sha1 } from "@noble/hashes/legacy";
import { equal } from "./bytes";
import * as der from "./der";
import { HASHES, type HashName } from "./rsa";
import { sha512 } from "./hash";
import { type Certificate, hashName, readX509, signedBy } from "./x509";

export interface Token {
  /** genTime in microseconds since 1970. */
  at: bigint;
  /** Microseconds. */
  accuracy: bigint;
  policy: string;
  imprint: { algorithm: string; digest: Uint8Array };
  signer: Certificate;
  certificates: Certificate[];
  info: Uint8Array;
  digest: HashName | null;
  attributes: der.Node;
  algorithm: der.Node;
  signature: Uint8Array;
}

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const SHA512 = "2.16.840.1.101.3.4.2.3";
const DAY = 86_400_000_000n;
const LIMIT = 65_536;

/** The token in a response; null where that is not in its form (E421). */
export function readToken(bytes: Uint8Array): Token | null {
  if (bytes.length > LIMIT) return null;
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof der.BadDer) return null;
    throw error;
  }
}

function read(bytes: Uint8Array): Token {
  const response = der.children(der.one(bytes, der.SEQUENCE), der.SEQUENCE);
  const status = der.children(response[0], der.SEQUENCE)[0];
  if (response.length !== 2 || !status || der.integer(status) !== 0n) throw new der.BadDer("status");
  const content = der.children(response[1], der.SEQUENCE);
  if (content.length !== 2 || der.oid(content[0]) !== SIGNED_DATA) throw new der.BadDer("content");
  const walk = new der.Walk(der.children(der.one(der.expect(content[1], 0xa0).content, der.SEQUENCE), der.SEQUENCE));
  der.integer(walk.next());
  walk.next(der.SET);
  const inner = der.children(walk.next(), der.SEQUENCE);
  if (inner.length !== 2 || der.oid(inner[0]) !== TST_INFO) throw new der.BadDer("inner");
  const info = der.one(der.expect(inner[1], 0xa0).content, der.OCTET_STRING).content;
  const embedded = walk.maybe(0xa0);
  walk.maybe(0xa1);
  const signers = der.children(walk.next(), der.SET);
  walk.end();
  const certificates = (embedded ? der.readAll(embedded.content) : []).map((node) => {
    const certificate = node.tag === der.SEQUENCE ? readX509(node.whole) : null;
    if (!certificate) throw new der.BadDer("certificate");
    return certificate;
  });
  if (signers.length !== 1 || certificates.length < 1 || certificates.length > 20) throw new der.BadDer("signers");
  const by = new der.Walk(der.children(signers[0], der.SEQUENCE));
  der.integer(by.next());
  const [issuer, serial] = der.readAll(by.next(der.SEQUENCE).content);
  if (!issuer || !serial) throw new der.BadDer("sid");
  const digest = hashName(der.oid(der.children(by.next(), der.SEQUENCE)[0]));
  const attributes = by.next(0xa0);
  const algorithm = by.next(der.SEQUENCE);
  const signature = by.next(der.OCTET_STRING).content;
  by.maybe(0xa1);
  by.end();
  const number = der.integer(serial);
  const signer = certificates.find((c) => equal(c.issuer, issuer.whole) && c.serial === number);
  if (!signer) throw new der.BadDer("signer");
  return { ...readInfo(info), signer, certificates, info, digest, attributes, algorithm, signature };
}

function readInfo(info: Uint8Array): Pick<Token, "at" | "accuracy" | "policy" | "imprint"> {
  const walk = new der.Walk(der.children(der.one(info, der.SEQUENCE), der.SEQUENCE));
  if (der.integer(walk.next()) !== 1n) throw new der.BadDer("version");
  const policy = der.oid(walk.next());
  const [algorithm, digest] = der.children(walk.next(), der.SEQUENCE);
  der.integer(walk.next());
  const at = der.time(der.expect(walk.next(), 0x18), true);
  const stated = walk.maybe(der.SEQUENCE);
  walk.maybe(der.BOOLEAN);
  walk.maybe(der.INTEGER);
  walk.maybe(0xa0);
  walk.maybe(0xa1);
  walk.end();
  let accuracy = 1_000_000n;
  if (stated) {
    const parts = new der.Walk(der.readAll(stated.content));
    const seconds = parts.maybe(der.INTEGER);
    const millis = parts.maybe(0x80);
    const micros = parts.maybe(0x81);
    parts.end();
    const small = (node: der.Node | null): bigint => {
      const value = node ? der.integer({ ...node, tag: der.INTEGER }) : 1n;
      if (value < 1n || value > 999n) throw new der.BadDer("accuracy");
      return node ? value : 0n;
    };
    const whole = seconds ? der.integer(seconds) : 0n;
    accuracy = whole * 1_000_000n + small(millis) * 1000n + small(micros);
    if (whole < 0n || accuracy > DAY) throw new der.BadDer("accuracy");
  }
  const imprint = { algorithm: der.oid(der.children(algorithm, der.SEQUENCE)[0]), digest: der.expect(digest, der.OCTET_STRING).content };
  return { at, accuracy, policy, imprint };
}

/** E422 to E425: the first that does not hold over the exact bytes of a note; null where all do. */
export function judgeToken(token: Token, note: Uint8Array): { code: string; found: string } | null {
  if (token.imprint.algorithm !== SHA512) return { code: "E422", found: `a digest by ${token.imprint.algorithm}` };
  if (!equal(token.imprint.digest, sha512(note))) return { code: "E422", found: "the digest of something else" };
  const attributes = readAttributes(token);
  if (!attributes) return { code: "E423", found: "it does not verify" };
  const { purposes } = token.signer;
  if (!purposes?.critical || purposes.oids.length !== 1 || purposes.oids[0] !== "1.3.6.1.5.5.7.3.8") {
    return { code: "E424", found: "a certificate for something else" };
  }
  return certificateNamed(token, attributes) ? null : { code: "E425", found: "another certificate is named" };
}

type Attributes = Map<string, der.Node[]>;

/** The signed attributes, where the signature over them holds and they are about the TSTInfo. */
function readAttributes(token: Token): Attributes | null {
  if (!token.digest) return null;
  const signed = token.attributes.whole.slice();
  signed[0] = der.SET;
  if (!signedBy(token.signer.key, token.algorithm, signed, token.signature, token.digest)) return null;
  try {
    const attributes: Attributes = new Map();
    for (const node of der.readAll(token.attributes.content)) {
      const [id, values] = der.children(node, der.SEQUENCE);
      const type = der.oid(id);
      if (attributes.has(type)) return null;
      attributes.set(type, der.children(values, der.SET));
    }
    const [type, digest] = ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"].map((id) => attributes.get(id));
    if (type?.length !== 1 || der.oid(type[0]) !== TST_INFO || digest?.length !== 1) return null;
    return equal(der.expect(digest[0], der.OCTET_STRING).content, HASHES[token.digest](token.info)) ? attributes : null;
  } catch (error) {
    if (error instanceof der.BadDer) return null;
    throw error;
  }
}

/** ESSCertID and ESSCertIDv2: one is there, and the first of each is of the signer's certificate. */
function certificateNamed(token: Token, attributes: Attributes): boolean {
  const first = attributes.get("1.2.840.113549.1.9.16.2.12");
  const second = attributes.get("1.2.840.113549.1.9.16.2.47");
  if (!first && !second) return false;
  try {
    const ids = (values: der.Node[]): der.Node[] => {
      if (values.length !== 1) throw new der.BadDer("values");
      return der.children(der.children(values[0], der.SEQUENCE)[0], der.SEQUENCE);
    };
    if (first && !equal(der.expect(der.children(ids(first)[0], der.SEQUENCE)[0], der.OCTET_STRING).content, sha1(token.signer.whole))) return false;
    if (second) {
      const parts = new der.Walk(der.children(ids(second)[0], der.SEQUENCE));
      const algorithm = parts.maybe(der.SEQUENCE);
      const hash = algorithm ? hashName(der.oid(der.readAll(algorithm.content)[0])) : "sha256";
      if (!hash || !equal(parts.next(der.OCTET_STRING).content, HASHES[hash](token.signer.whole))) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof der.BadDer) return false;
    throw error;
  }
}
