/** Raised by the readers of what the user gave; `index.ts` shows it as `UsageError`. */
export class Usage extends Error {}
