/** RFC 3161 time-stamps (time.md 2): what one says, and whether it holds by itself. Nothing hangs on today's date. */

import { sha1 } from "@noble/hashes/legacy";
import { Attribute, SignedData } from "@peculiar/asn1-cms";
import { AsnArray, AsnProp, AsnPropTypes, AsnType, AsnTypeTypes, OctetString } from "@peculiar/asn1-schema";
import { RsaSaPssParams } from "@peculiar/asn1-rsa";
import { TimeStampResp, TSTInfo } from "@peculiar/asn1-tsp";
import { AlgorithmIdentifier } from "@peculiar/asn1-x509";
import { BadDer, bytesOf, decode, encode, isInOrder } from "./asn1";
import { equal, toHex } from "./bytes";
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
  signed: SignedAttributes;
  algorithm: AlgorithmIdentifier;
  signature: Uint8Array;
}

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const TST_INFO_DER = "060b2a864886f70d0109100104";
const SHA512 = "2.16.840.1.101.3.4.2.3";
const DAY = 86_400_000_000n;
const LIMIT = 65_536;

/** The token in a response; null where that is not in its form (E421). */
export function readToken(bytes: Uint8Array): Token | null {
  if (bytes.length > LIMIT) return null;
  try {
    return read(bytes);
  } catch (error) {
    if (error instanceof BadDer) return null;
    throw error;
  }
}

function read(bytes: Uint8Array): Token {
  const { status, timeStampToken } = decode(bytes, TimeStampResp);
  if (status.status !== 0 || timeStampToken?.contentType !== SIGNED_DATA) throw new BadDer("response");
  const signed = decode(timeStampToken.content, SignedData);
  const { encapContentInfo, certificates: embedded, signerInfos } = signed;
  if (signed.version < 0 || signed.version > 255) throw new BadDer("SignedData");
  const content = encapContentInfo.eContent?.single;
  if (encapContentInfo.eContentType !== TST_INFO || !content) throw new BadDer("content");
  const info = bytesOf(content.buffer);
  const certificates = [...(embedded ?? [])].map(({ certificate }) => {
    const read = certificate ? readX509(encode(certificate)) : null;
    if (!read) throw new BadDer("certificate");
    return read;
  });
  const [by] = signerInfos;
  const named = by?.sid.issuerAndSerialNumber;
  if (signerInfos.length !== 1 || certificates.length < 1 || certificates.length > 20) throw new BadDer("signers");
  const attributes = by?.signedAttrs ?? [];
  const isSet =
    isInOrder(attributes.map(encode)) && new Set(attributes.map(({ attrType }) => attrType)).size === attributes.length;
  if (!named || !isSet) throw new BadDer("signer");
  if (!isBare(by.digestAlgorithm)) throw new BadDer("digest");
  if (!isBare(by.signatureAlgorithm)) decode(by.signatureAlgorithm.parameters!, RsaSaPssParams);
  const issuer = encode(named.issuer);
  const mine = certificates.filter(
    (one) => equal(one.issuer, issuer) && equal(one.serial, bytesOf(named.serialNumber)),
  );
  if (mine.length !== 1) throw new BadDer("signer");
  return {
    ...readInfo(info),
    signer: mine[0]!,
    certificates,
    info,
    digest: hashName(by.digestAlgorithm.algorithm),
    signed: new SignedAttributes(attributes),
    algorithm: by.signatureAlgorithm,
    signature: bytesOf(by.signature.buffer),
  };
}

/** A digest has no parameters, or NULL (RFC 5754); a signature has these, or those of PSS. */
const isBare = ({ parameters }: AlgorithmIdentifier): boolean => !parameters || toHex(bytesOf(parameters)) === "0500";

function readInfo(info: Uint8Array): Pick<Token, "at" | "accuracy" | "policy" | "imprint"> {
  const { version, policy, messageImprint, genTime, accuracy: stated } = decode(info, Info);
  const { seconds = 0, millis = 0, micros = 0 } = stated ?? { seconds: 1 };
  const parts = [seconds, millis, micros].map((part) => Number(part));
  const accuracy = BigInt(parts[0]!) * 1_000_000n + BigInt(parts[1]!) * 1000n + BigInt(parts[2]!);
  if (!isBare(messageImprint.hashAlgorithm)) throw new BadDer("digest");
  if (version !== 1 || parts.some((part) => part < 0) || accuracy > DAY) throw new BadDer("TSTInfo");
  const imprint = {
    algorithm: messageImprint.hashAlgorithm.algorithm,
    digest: bytesOf(messageImprint.hashedMessage.buffer),
  };
  return { at: microseconds(bytesOf(genTime as unknown as ArrayBuffer)), accuracy, policy, imprint };
}

/** As they are signed: a SET OF (RFC 5652, 5.4). */
class SignedAttributes extends AsnArray<Attribute> {}
AsnType({ type: AsnTypeTypes.Set, itemType: Attribute })(SignedAttributes);

/** A TSTInfo whose genTime stands as its bytes: a `Date` has no microseconds. */
class Info extends TSTInfo {}
AsnProp({ type: AsnPropTypes.Any })(Info.prototype, "genTime");

/** Microseconds since 1970 of a GeneralizedTime in DER. */
function microseconds(der: Uint8Array): bigint {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{0,5}[1-9]))?Z$/.exec(
    String.fromCharCode(...der.subarray(2)),
  );
  if (der[0] !== 0x18 || !match) throw new BadDer("time");
  const [year, month, day, hour, minute, second] = match.slice(1, 7);
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const date = new Date(text);
  if (Number.isNaN(date.getTime()) || date.toISOString() !== text) throw new BadDer("time");
  return BigInt(date.getTime()) * 1000n + BigInt((match[7] ?? "").padEnd(6, "0"));
}

/** E422 to E425: the first that does not hold over the exact bytes of a note; null where all do. */
export function judgeToken(token: Token, note: Uint8Array): { code: string; found: string } | null {
  if (token.imprint.algorithm !== SHA512) return { code: "E422", found: `a digest by ${token.imprint.algorithm}` };
  if (!equal(token.imprint.digest, sha512(note))) return { code: "E422", found: "the digest of something else" };
  if (!signatureHolds(token)) return { code: "E423", found: "it does not verify" };
  const { purposes } = token.signer;
  if (!purposes?.critical || purposes.oids.length !== 1 || purposes.oids[0] !== "1.3.6.1.5.5.7.3.8") {
    return { code: "E424", found: "a certificate for something else" };
  }
  return certificateNamed(token) ? null : { code: "E425", found: "another certificate is named" };
}

/** Of the signed attributes, which are about the TSTInfo, each there once. */
function signatureHolds(token: Token): boolean {
  const { digest, signed } = token;
  if (!digest || !signedBy(token.signer.key, token.algorithm, encode(signed), token.signature, digest)) return false;
  const [type, imprint] = ["1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"].map((id) => only(token, id));
  try {
    return (
      !!type &&
      !!imprint &&
      toHex(type) === TST_INFO_DER &&
      equal(bytesOf(decode(imprint, OctetString).buffer), HASHES[digest](token.info))
    );
  } catch (error) {
    if (error instanceof BadDer) return false;
    throw error;
  }
}

/**
 * The bytes of the one value of a signed attribute; null where it is not there, empty where it has another number of
 * values.
 */
function only({ signed }: Token, id: string): Uint8Array | null {
  const values = signed.find(({ attrType }) => attrType === id)?.attrValues;
  return values ? bytesOf((values.length === 1 && values[0]) || new ArrayBuffer(0)) : null;
}

/** RFC 5035; the issuer that it names, and policies, are not looked at. */
class CertificateId {
  certHash = new OctetString();
  issuerSerial?: ArrayBuffer;
}
class CertificateIdV2 {
  hashAlgorithm?: AlgorithmIdentifier;
  certHash = new OctetString();
  issuerSerial?: ArrayBuffer;
}
class SigningCertificate {
  certs: CertificateId[] = [];
  policies?: ArrayBuffer;
}
class SigningCertificateV2 {
  certs: CertificateIdV2[] = [];
  policies?: ArrayBuffer;
}
AsnProp({ type: AlgorithmIdentifier, optional: true })(CertificateIdV2.prototype, "hashAlgorithm");
for (const [id, list] of [
  [CertificateId, SigningCertificate],
  [CertificateIdV2, SigningCertificateV2],
] as const) {
  AsnProp({ type: OctetString })(id.prototype, "certHash");
  AsnProp({ type: AsnPropTypes.Any, optional: true })(id.prototype, "issuerSerial");
  AsnProp({ type: id, repeated: "sequence" })(list.prototype, "certs");
  AsnProp({ type: AsnPropTypes.Any, optional: true })(list.prototype, "policies");
}

/** ESSCertID and ESSCertIDv2: one is there, and the first of each is of the signer's certificate. */
function certificateNamed(token: Token): boolean {
  const { signer } = token;
  const first = only(token, "1.2.840.113549.1.9.16.2.12");
  const second = only(token, "1.2.840.113549.1.9.16.2.47");
  if (!first && !second) return false;
  const is = (id: CertificateId | undefined, digest: Uint8Array): boolean =>
    !!id && equal(bytesOf(id.certHash.buffer), digest);
  try {
    if (first && !is(decode(first, SigningCertificate).certs[0], sha1(signer.whole))) return false;
    if (second) {
      const id = decode(second, SigningCertificateV2).certs[0];
      const named = id?.hashAlgorithm;
      const hash = named ? hashName(named.algorithm) : "sha256";
      if (!hash || (named && !isBare(named)) || !is(id, HASHES[hash](signer.whole))) return false;
    }
    return true;
  } catch (error) {
    if (error instanceof BadDer) return false;
    throw error;
  }
}
