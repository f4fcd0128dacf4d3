/** The worker: runs the engine over what was opened, keeps the rows, answers the page's questions about them. */

import { blobBytes, blobTree, UsageError, verify, type Input, type Options, type Tree } from "../engine/index";
import { Details } from "./details";
import type { Asked, Opened, Told } from "./messages";

const EVERY_MS = 100;

let details = new Details();

function tell(message: Told): void {
  (self as unknown as { postMessage(message: Told): void }).postMessage(message);
}

function tree(opened: Opened): Tree {
  return "file" in opened
    ? blobTree([{ path: opened.name, blob: opened.file }])
    : blobTree(opened.files, opened.folders);
}

async function run(asked: Extract<Asked, { ask: "verify" }>): Promise<void> {
  details = new Details();
  const { evidence, policy } = asked;
  const input: Input =
    "file" in evidence
      ? { name: evidence.name, file: blobBytes(evidence.file) }
      : { name: evidence.name, tree: tree(evidence) };
  const options: Options = { onEvent: details.onEvent, onRow: details.onRow };
  if (policy) options.policy = tree(policy);
  if (asked.since.trim()) options.since = asked.since;
  if (asked.identity.trim()) options.identity = asked.identity;
  let last = 0;
  let phase = "";
  try {
    const report = await verify(input, options, (progress) => {
      const now = Date.now();
      if (now - last < EVERY_MS && progress.phase === phase) return;
      last = now;
      phase = progress.phase;
      tell({ tell: "progress", progress });
    });
    tell({ tell: "done", report, view: details.view(report) });
  } catch (error) {
    tell({
      tell: "failed",
      usage: error instanceof UsageError,
      message: error instanceof Error ? error.message : String(error),
    });
  }
}

self.addEventListener("message", (event: MessageEvent<Asked>) => {
  const asked = event.data;
  if (asked.ask === "verify") void run(asked);
  else tell({ tell: "rows", id: asked.id, ...details.rows.page(asked.filter, asked.from, asked.many) });
});
