/** Step 10 for what events name: objects are there, and have their digest. */

import { fromHex, toHex } from "./bytes";
import { EXCHANGE } from "./custodyrules";
import type { Digests } from "./digest";
import type { Env } from "./env";
import type { Files } from "./files";
import { isObj, type Json } from "./json";
import type { Log } from "./log";
import type { Sink } from "./sink";
import { Damaged, Unreadable } from "./source";

export interface Named {
  sha256: string;
  bytes: bigint;
}

export const objectPath = (digest: string): string => `objects/sha256/${digest.slice(0, 2)}/${digest}`;

const isObject = (value: Json | undefined): value is { bytes: string; sha256: string } =>
  isObj(value) && typeof value["sha256"] === "string" && typeof value["bytes"] === "string";

/** A digest with a size: of one object events may state several. */
export const nameOf = ({ sha256, bytes }: Named): string => `${sha256} ${bytes}`;

/** Objects that events of this log name, by `nameOf`: messages, records of requests and answers, lists of rows. */
export function namedByEvents(log: Log): Map<string, Named> {
  const found = new Map<string, Named>();
  const add = (value: Json | undefined): void => {
    if (!isObject(value)) return;
    const named = { sha256: value.sha256, bytes: BigInt(value.bytes) };
    found.set(nameOf(named), named);
  };
  for (const { event } of log.kept) {
    if (log.inPackage && EXCHANGE.has(event.type)) continue;
    add(event.body["message"]);
    add(event.body["answer"]);
    if (event.type === "request_sent") add(event.body["request"]);
    const { parts } = event.body;
    if (Array.isArray(parts))
      for (const part of parts) if (isObj(part) && isObj(part["selection"])) add(part["selection"]["list"]);
  }
  return found;
}

/** Is the object there, as long and with the digest as named? Findings else. */
export async function judgeObject(
  env: Env,
  files: Files,
  sink: Sink,
  digests: Digests,
  { sha256, bytes }: Named,
): Promise<boolean> {
  const path = objectPath(sha256);
  const index = files.index(path);
  if (index < 0 || !files.isFile(path)) {
    sink.find("E501", path, "none", "an object that the record names");
    return false;
  }
  const { table } = files.source;
  if (BigInt(table.size(index)) !== bytes) {
    sink.find("E201", path, `${table.size(index)} bytes`, `${bytes} bytes`);
    return false;
  }
  try {
    const found = table.digest(index) ?? (await digests.of(index, ["sha256"]))[0]!;
    if (toHex(found) !== sha256) {
      sink.find("E201", path, toHex(found), sha256);
      return false;
    }
    table.setDigest(index, fromHex(sha256)!);
    sink.count("objects");
    return true;
  } catch (error) {
    if (!(error instanceof Damaged || error instanceof Unreadable)) throw error;
    sink.missedOut("record", "unreadable", path, error.message);
    return false;
  } finally {
    await env.tick("hash", 0, null, path);
  }
}

export async function judgeObjects(env: Env, log: Log, files: Files, sink: Sink, digests: Digests): Promise<void> {
  for (const named of namedByEvents(log).values()) await judgeObject(env, files, sink, digests, named);
}
