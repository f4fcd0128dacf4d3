/** Tells salts that were there before, in 16 bytes each and as much room besides (manifest.md 1). */

const WORDS = 4;
const LEAST = 1024;
/** Another one in each run: nobody can choose salts that all fall into one place. */
const SEED = Math.trunc(Math.random() * 2 ** 32) | 1;

export class Salts {
  private slots = new Uint32Array(WORDS * LEAST);
  private count = 0;
  private zero = false;

  /** Is this salt of 16 bytes new? */
  isNew(salt: Uint8Array): boolean {
    const view = new DataView(salt.buffer, salt.byteOffset, salt.byteLength);
    const words = [0, 4, 8, 12].map((at) => view.getUint32(at));
    if (words.every((word) => word === 0)) {
      const first = !this.zero;
      this.zero = true;
      return first;
    }
    if (2 * (this.count + 1) * WORDS > this.slots.length) this.grow();
    return this.put(words);
  }

  private put(words: number[]): boolean {
    const { slots } = this;
    const most = slots.length / WORDS - 1;
    for (let slot = placeOf(words) & most; ; slot = (slot + 1) & most) {
      const at = WORDS * slot;
      if (isFree(slots, at)) {
        slots.set(words, at);
        this.count++;
        return true;
      }
      if (words.every((word, i) => slots[at + i] === word)) return false;
    }
  }

  private grow(): void {
    const old = this.slots;
    this.slots = new Uint32Array(2 * old.length);
    this.count = 0;
    for (let at = 0; at < old.length; at += WORDS) if (!isFree(old, at)) this.put([...old.subarray(at, at + WORDS)]);
  }
}

const isFree = (slots: Uint32Array, at: number): boolean =>
  !(slots[at]! | slots[at + 1]! | slots[at + 2]! | slots[at + 3]!);

function placeOf(words: number[]): number {
  let hash = SEED;
  for (const word of words) hash = Math.imul(hash ^ word ^ (hash >>> 15), SEED);
  return (hash ^ (hash >>> 13)) >>> 0;
}
