/** What all steps share: the recipient's options, the clock, progress, cancelling. */

import type { Policy } from "./policy";
import type { OnProgress, Options, Progress } from "./types";

/** Raised after `signal`; `index.ts` shows it as `Cancelled`. */
export class Stop extends Error {}

export class Env {
  private last = 0;
  private breath = 0;
  constructor(
    readonly options: Options,
    readonly policy: Policy | null,
    /** Nanoseconds since 1970; null: no clock. */
    readonly now: bigint | null,
    private readonly onProgress: OnProgress,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Say how far we are, let others run now and then, stop where that was asked. */
  async tick(phase: Progress["phase"], done: number, total: number | null, name: string): Promise<void> {
    if (this.signal?.aborted) throw new Stop();
    const now = performance.now();
    if (now - this.last < 50) return;
    this.last = now;
    this.onProgress({ phase, done, total, name });
    if (now - this.breath > 200) {
      this.breath = now;
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
  }
}
