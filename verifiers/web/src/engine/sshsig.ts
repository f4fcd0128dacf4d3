/** SSHSIG: a person's signature over the exact bytes of a file (custody-log.md 1.1 to 1.3, OpenSSH PROTOCOL.sshsig). */

import { concat, fromBase64, toBase64, utf8 } from "./bytes";
import { sha512 } from "./hash";
import { type PublicKey, readKey, verifyBlob, whole } from "./sshkey";

const BEGIN = "-----BEGIN SSH SIGNATURE-----\n";
const END = "-----END SSH SIGNATURE-----\n";

export interface Signature {
  fingerprint: string;
  /** Null where the key is not acceptable; `why` says so. */
  key: PublicKey | null;
  why: string;
  namespace: Uint8Array;
  blob: Uint8Array;
}

/** The signature in its only form; null else. */
export function parseSignature(armoured: Uint8Array): Signature | null {
  const text = Array.from(armoured, (byte) => String.fromCharCode(byte)).join("");
  if (!text.startsWith(BEGIN) || !text.endsWith(END)) return null;
  const blob = fromBase64(text.slice(BEGIN.length, -END.length).replace(/\n/g, ""));
  if (!blob || armour(blob) !== text) return null;
  const read = whole(blob, (reader) => {
    const magic = String.fromCharCode(...reader.take(6));
    const version = reader.u32();
    const key = reader.string();
    return {
      magic,
      version,
      key,
      namespace: reader.string(),
      reserved: reader.string(),
      hash: reader.text(),
      blob: reader.string(),
    };
  });
  if (!read || read.magic !== "SSHSIG" || read.version !== 1 || read.reserved.length || read.hash !== "sha512")
    return null;
  const key = readKey(read.key);
  return {
    fingerprint: key.fingerprint,
    key: "key" in key ? key.key : null,
    why: "why" in key ? key.why : "",
    namespace: read.namespace,
    blob: read.blob,
  };
}

function armour(blob: Uint8Array): string {
  const lines = toBase64(blob).match(/.{1,70}/g) ?? [];
  return `${BEGIN}${lines.map((line) => `${line}\n`).join("")}${END}`;
}

/** Does it hold over `message` in `namespace`, by the key that it names? */
export function signatureHolds(signature: Signature, namespace: string, message: Uint8Array): boolean {
  if (!signature.key || String.fromCharCode(...signature.namespace) !== namespace) return false;
  const signed = concat(
    utf8("SSHSIG"),
    string(utf8(namespace)),
    string(new Uint8Array(0)),
    string(utf8("sha512")),
    string(sha512(message)),
  );
  return verifyBlob(signature.key, signed, signature.blob);
}

function string(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concat(length, bytes);
}

/** One finding of a signature file, the first that holds (verification.md 1.4); or whose it is. */
export function judgeSignature(
  armoured: Uint8Array,
  namespace: string,
  message: Uint8Array,
  signer: string,
): { code: "E402" | "E403" | "E404"; found: string } | { key: PublicKey } {
  const signature = parseSignature(armoured);
  if (!signature) return { code: "E402", found: "not in its only form" };
  if (signature.fingerprint !== signer) return { code: "E403", found: signature.fingerprint };
  if (!signature.key) return { code: "E404", found: signature.why };
  if (!signatureHolds(signature, namespace, message)) return { code: "E402", found: "it does not verify" };
  return { key: signature.key };
}
