/** Signatures of persons at the events of a log (verification.md 1.6). */

import { equal, toHex } from "./bytes";
import type { Files } from "./files";
import { sha256 } from "./hash";
import type { Vkey } from "./note";
import type { Entry, Event } from "./records";
import type { Sink } from "./sink";
import type { PublicKey } from "./sshkey";
import { judgeSignature } from "./sshsig";

const SIGNATURE_FILE = 16 * 1024;
const MOST_SIGNERS = 16;

export interface Signer {
  fingerprint: string;
  /** Null where its signature does not hold. */
  key: PublicKey | null;
}

/** Who signed an entry's event, for the policy. */
export interface Signed {
  index: number;
  actor: string;
  signers: Signer[];
}

/** What signatures are judged against; null is what could not be read. */
export interface Signing {
  event: Event | null;
  message: Uint8Array | null;
  entry: Entry | null;
  folder: string;
  /** The log's own, which sign no event. */
  keys: [Vkey, Vkey] | null;
}

export const signatureFile = (folder: string, place: number): string =>
  `${folder}/event.json${place ? `.${place + 1}` : ""}.sig`;

export function isLogKey(key: PublicKey, keys: [Vkey, Vkey] | null): boolean {
  return keys !== null && key.raw.kind === "ed25519" && equal(key.raw.key, keys[0].key);
}

/**
 * The signatures of an event: each is read, compared with its entry, and judged; a signer each, in the event's order.
 */
export async function readSignatures(files: Files, sink: Sink, of: Signing): Promise<Signer[]> {
  const { event, message, entry, folder, keys } = of;
  const count = event ? event.signers.length : (entry?.signatures.length ?? 0);
  if (entry && event && entry.signatures.length !== count) {
    sink.find("E401", `${folder}/entry`, `${entry.signatures.length} digests`, `${count} signers`);
  }
  const signers: Signer[] = [];
  for (let j = 0; j < Math.min(count, MOST_SIGNERS); j++) {
    const where = signatureFile(folder, j);
    const fingerprint = event?.signers[j] ?? "";
    signers.push({ fingerprint, key: null });
    const read = await files.read(where, SIGNATURE_FILE);
    if ("lack" in read && read.lack === "missing") {
      sink.find("E501", where, "none", "a plain file");
      sink.find("E401", where, "none", `a signature by ${fingerprint}`);
      continue;
    }
    if ("tooLarge" in read) {
      sink.find("E102", where, `${read.tooLarge} bytes`);
      continue;
    }
    if (!("bytes" in read)) {
      sink.missedOut("record", "unreadable", where, read.why);
      continue;
    }
    const expected = entry?.signatures[j];
    const digest = toHex(sha256(read.bytes));
    if (expected !== undefined && digest !== expected) sink.find("E201", where, digest, expected);
    if (!event || !message) continue;
    const judged = judgeSignature(read.bytes, "evidencekit-event", message, fingerprint);
    sink.count("person_signatures");
    if ("code" in judged) sink.find(judged.code, where, judged.found, fingerprint);
    else if (isLogKey(judged.key, keys)) sink.find("E404", where, "the log's own key");
    else signers[j]!.key = judged.key;
  }
  return signers;
}
