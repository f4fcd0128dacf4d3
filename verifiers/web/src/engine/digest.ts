/** Digests of a source's files, in one reading each. */

import type { Env } from "./env";
import { AT_ONCE, type Algorithm, digestOf, hasher } from "./hash";
import type { Source } from "./source";

export class Digests {
  private done = 0;
  constructor(
    private readonly env: Env,
    private readonly source: Source,
    private readonly total: number | null,
  ) {}

  /** Digests of a plain file, by the algorithms' order. Throws `Damaged` or `Unreadable`. */
  async of(index: number, algorithms: readonly Algorithm[]): Promise<Uint8Array[]> {
    const { table } = this.source;
    const size = table.size(index);
    const name = table.name(index);
    if (size <= AT_ONCE) {
      const whole = await this.whole(index, size, name);
      return Promise.all(algorithms.map((algorithm) => digestOf(algorithm, whole)));
    }
    const hashers = await Promise.all(algorithms.map(hasher));
    for await (const block of this.source.stream(index)) {
      for (const one of hashers) one.update(block);
      await this.progress(block.length, name);
    }
    return hashers.map((one) => one.digest());
  }

  private async whole(index: number, size: number, name: string): Promise<Uint8Array> {
    let whole: Uint8Array = new Uint8Array(0);
    let at = 0;
    for await (const block of this.source.stream(index)) {
      await this.progress(block.length, name);
      if (at === 0 && block.length === size) {
        whole = block;
        at = size;
        continue; // what comes after the content, its CRC-32, is still to be compared
      }
      if (at + block.length > whole.length) {
        const larger = new Uint8Array(Math.max(size, at + block.length));
        larger.set(whole);
        whole = larger;
      }
      whole.set(block, at);
      at += block.length;
    }
    return whole.subarray(0, at);
  }

  private async progress(bytes: number, name: string): Promise<void> {
    this.done += bytes;
    await this.env.tick("hash", this.done, this.total, name);
  }
}

/**
 * Lines of a stream, without their LF; `whole` is false for a last one that has none. Null for a line over `limit`,
 * which ends it.
 */
export async function* linesOf(
  stream: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<{ line: Uint8Array; whole: boolean } | null> {
  let held: Uint8Array[] = [];
  let size = 0;
  const joined = (last: Uint8Array): Uint8Array => {
    if (!held.length) return last;
    const out = new Uint8Array(size + last.length);
    let at = 0;
    for (const part of [...held, last]) {
      out.set(part, at);
      at += part.length;
    }
    held = [];
    size = 0;
    return out;
  };
  for await (const block of stream) {
    let start = 0;
    for (let end = block.indexOf(0x0a); end >= 0; end = block.indexOf(0x0a, start)) {
      if (size + end - start > limit) return yield null;
      yield { line: joined(block.subarray(start, end)), whole: true };
      start = end + 1;
    }
    if (start < block.length) {
      held.push(block.slice(start));
      size += block.length - start;
      if (size > limit) return yield null;
    }
  }
  if (size) yield { line: joined(new Uint8Array(0)), whole: false };
}
