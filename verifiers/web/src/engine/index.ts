/**
 * The engine of the web verifier: `verify` reads evidence through `Input` and gives one `Report`. No DOM, no network.
 */

import { Stop } from "./env";
import { run } from "./run";
import { Usage } from "./usage";
import type { Input, OnProgress, Options, Report } from "./types";

export { LIMITS } from "./limits";
export { blobBytes, blobTree } from "./blobs";
export type * from "./types";

/** Thrown where `signal` was aborted. Nothing else is thrown because of what the evidence is. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

/**
 * Thrown where what the user gave besides evidence is not understood: policy, `since`, identity. `message` is for
 * people.
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * Verify a case, a package or a row proof (specs/verification.md), trusting nothing in it.
 *
 * Raises `UsageError` for a policy, checkpoint or identity that is not understood, `Cancelled` after `signal`.
 */
export async function verify(
  input: Input,
  options: Options = {},
  onProgress: OnProgress = () => {},
  signal?: AbortSignal,
): Promise<Report> {
  try {
    return await run(input, options, onProgress, signal);
  } catch (error) {
    if (error instanceof Stop) throw new Cancelled("cancelled");
    if (error instanceof Usage) throw new UsageError(error.message);
    throw error;
  }
}
