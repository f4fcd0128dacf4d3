/**
 * An age file, read where it lies: each block of 64 KiB is decrypted when somebody asks for it, and nothing is written.
 */

import { chacha20poly1305 } from "@noble/ciphers/chacha";
import { hkdf } from "@noble/hashes/hkdf";
import { sha256 } from "@noble/hashes/sha2";
import { Decrypter } from "age-encryption";
import { concat } from "./bytes";
import { Damaged } from "./source";
import type { Bytes } from "./types";
import { Usage } from "./usage";

const MAGIC = "age-encryption.org/v1\n";
const CHUNK = 65_536;
const TAG = 16;
const MOST_HEADER = 1 << 20;

export const isAge = (beginning: Uint8Array): boolean =>
  String.fromCharCode(...beginning.subarray(0, MAGIC.length)) === MAGIC;

/** The content of an age file. Raises `Usage` where no identity opens it, `Damaged` where it is cut off. */
export async function openAge(file: Bytes, identity: string | undefined): Promise<Bytes> {
  const keys = (identity ?? "").split(/\s+/).filter((word) => word.startsWith("AGE-SECRET-KEY-"));
  if (!keys.length) throw new Usage("the package is encrypted: the recipient's identity (AGE-SECRET-KEY-1…) is needed");
  const beginning = await file.read(0, Math.min(file.size, MOST_HEADER));
  const text = Array.from(beginning, (byte) => String.fromCharCode(byte)).join("");
  const end = /\n--- [A-Za-z0-9+/]{43}\n/.exec(text);
  if (!end) throw new Damaged("an age file without its header");
  const size = end.index + end[0].length;
  const decrypter = new Decrypter();
  try {
    for (const key of keys) decrypter.addIdentity(key);
  } catch {
    throw new Usage("the identity is none of age");
  }
  let fileKey: Uint8Array;
  try {
    fileKey = await decrypter.decryptHeader(beginning.slice(0, size));
  } catch (error) {
    throw new Usage(
      `the identity does not open the package: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const nonce = await file.read(size, 16);
  if (nonce.length < 16) throw new Damaged("it is cut off");
  return stream(file, size + 16, hkdf(sha256, fileKey, nonce, "payload", 32));
}

async function stream(file: Bytes, start: number, key: Uint8Array): Promise<Bytes> {
  const sealed = file.size - start;
  const chunks = Math.max(1, Math.ceil(sealed / (CHUNK + TAG)));
  const size = sealed - chunks * TAG;
  if (size < 0) throw new Damaged("it is cut off");
  let held: { chunk: number; bytes: Uint8Array } | null = null;
  const chunk = async (number: number): Promise<Uint8Array> => {
    if (held?.chunk === number) return held.bytes;
    const nonce = new Uint8Array(12);
    new DataView(nonce.buffer).setBigUint64(3, BigInt(number));
    nonce[11] = number === chunks - 1 ? 1 : 0;
    const coded = await file.read(start + number * (CHUNK + TAG), CHUNK + TAG);
    try {
      held = { chunk: number, bytes: chacha20poly1305(key, nonce).decrypt(coded) };
    } catch {
      throw new Damaged("an encrypted block was altered, or is missing");
    }
    return held.bytes;
  };
  await chunk(chunks - 1);
  return {
    size,
    async read(offset, length) {
      const until = Math.min(size, offset + length);
      const parts: Uint8Array[] = [];
      for (let at = offset; at < until;) {
        const number = Math.floor(at / CHUNK);
        const bytes = await chunk(number);
        const from = at - number * CHUNK;
        const part = bytes.subarray(from, Math.min(bytes.length, from + until - at));
        if (!part.length) throw new Damaged("it is cut off");
        parts.push(part);
        at += part.length;
      }
      return parts.length === 1 ? parts[0]! : concat(...parts);
    },
    close: async () => file.close?.(),
  };
}
