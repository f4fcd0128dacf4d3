/** The command line of a verifier (specs/verification.md 8), for Node: conformance runs, and whoever has no browser. */

import { existsSync, readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { type Input, LIMITS, type Options, UsageError, verify } from "./engine/index";
import { directoryTree, fileBytes } from "./fs";

const USAGE = `usage: node verify.mjs PATH [--json] [--policy DIR] [--since NOTE] [--source EXHIBIT=DIR]… [--as-copy]
                          [--identity FILE] [--digest HEX] [--now MOMENT]
       node verify.mjs --limits

PATH is a case, a package (folder, .tar, .zip, age), a row proof or a published log. Nothing is written.
Exit codes: 0 VERIFIED, 2 usage, 3 FAILED, 4 NOT CHECKED, 7 INTEGRITY ONLY.`;

class Misused extends Error {}

interface Arguments {
  path: string;
  json: boolean;
  options: Options;
}

function parse(words: string[]): Arguments {
  let path: string | null = null;
  let json = false;
  const options: Options = {};
  const sources = new Map<string, ReturnType<typeof directoryTree>>();
  const value = (i: number): string =>
    words[i] ??
    (() => {
      throw new Misused(`${words[i - 1]} needs a value`);
    })();
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--json") json = true;
    else if (word === "--as-copy") options.asCopy = true;
    else if (word === "--policy") options.policy = directoryTree(folder(value(++i)));
    else if (word === "--since") options.since = existsSync(value(++i)) ? readFileSync(value(i), "utf8") : value(i);
    else if (word === "--identity") options.identity = readFileSync(value(++i), "utf8");
    else if (word === "--digest") options.digest = value(++i);
    else if (word === "--now") options.now = moment(value(++i));
    else if (word === "--source") {
      const [exhibit, ...rest] = value(++i).split("=");
      if (!rest.length) throw new Misused("--source EXHIBIT=DIR");
      sources.set(exhibit!, directoryTree(rest.join("=")));
    } else if (word.startsWith("--") || path !== null) throw new Misused(`not understood: ${word}`);
    else path = word;
  }
  if (path === null) throw new Misused("PATH is missing");
  if (sources.size) options.sources = sources;
  return { path, json, options };
}

function folder(path: string): string {
  if (!existsSync(path) || !statSync(path).isDirectory()) throw new Misused(`no folder: ${path}`);
  return path;
}

function moment(text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new Misused(`no moment: ${text}`);
  return time;
}

async function input(path: string): Promise<Input> {
  if (!existsSync(path)) throw new Misused(`not there: ${path}`);
  const name = basename(path);
  return statSync(path).isDirectory() ? { name, tree: directoryTree(path) } : { name, file: await fileBytes(path) };
}

async function main(words: string[]): Promise<number> {
  if (words.includes("--limits")) {
    process.stdout.write(`${JSON.stringify({ codes: LIMITS })}\n`);
    return 0;
  }
  const { path, json, options } = parse(words);
  const report = await verify(await input(path), options);
  if (json) process.stdout.write(`${JSON.stringify(report, null, 1)}\n`);
  else {
    for (const { code, where, found } of report.findings)
      process.stdout.write(`${code} ${where}${found ? `: ${found}` : ""}\n`);
    for (const { aspect, what, reason } of report.not_checked)
      process.stdout.write(`not checked: ${aspect}: ${what}: ${reason}\n`);
    process.stdout.write(`${report.line}: ${report.reason}\n`);
  }
  return report.exit_code;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    const misused = error instanceof Misused || error instanceof UsageError;
    const said = error instanceof Error ? (misused ? error.message : error.stack) : String(error);
    process.stderr.write(`${said}\n${error instanceof Misused ? `${USAGE}\n` : ""}`);
    process.exitCode = misused ? 2 : 1;
  },
);
