/**
 * The engine of the web verifier for differential.py, which bundles this: a JSON object a line comes in (`path`,
 * `policy`, milliseconds `now`), a report a line goes out, or `{"usage": words}`.
 */

import { statSync } from "node:fs";
import { basename } from "node:path";
import { createInterface } from "node:readline";
import { LIMITS, UsageError, verify } from "../../verifiers/web/src/engine/index";
import { directoryTree, fileBytes } from "../../verifiers/web/src/fs";

let unheard = null;
process.on("unhandledRejection", (error) => (unheard = error));

async function answer({ path, policy, now }) {
  const name = basename(path);
  const folder = statSync(path).isDirectory();
  const input = folder ? { name, tree: directoryTree(path) } : { name, file: await fileBytes(path) };
  try {
    const report = await verify(input, { now, ...(policy && { policy: directoryTree(policy) }) });
    if (unheard) throw unheard;
    return report;
  } catch (error) {
    if (error instanceof UsageError) return { usage: error.message };
    return { crash: String(error?.stack ?? error) };
  } finally {
    unheard = null;
    await input.file?.close();
  }
}

process.stdout.write(`${JSON.stringify(LIMITS)}\n`);
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(JSON.parse(line)))}\n`);
}
