/**
 * Builds `verify.html`, one file that holds everything; `verify.mjs`, the same engine for a command line under Node; and
 * `verify.licences.txt` of what is inside. The same sources and node_modules give the same bytes.
 *
 *     node verifiers/web/build.mjs [FOLDER]        default: build/verifiers at the top of the tree
 */

import { build, transform } from "esbuild";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const OUT = resolve(process.argv[2] ?? join(HERE, "../../build/verifiers"));
const { version } = JSON.parse(readFileSync(join(HERE, "package.json"), "utf8"));

const sha256 = (text) => createHash("sha256").update(text, "utf8").digest();
const source = (hash) => `'sha256-${hash.toString("base64")}'`;

const IN_A_PAGE = { format: "iife", platform: "browser", target: ["chrome100", "firefox100", "safari15.4"], minify: true };
const UNDER_NODE = { format: "esm", platform: "node", target: "node18" };
const packages = new Set();

/** One script out of an entry, on its own; the packages that are in it are noted. */
async function script(entry, form, plugins = []) {
  const result = await build({
    ...form,
    entryPoints: [join(HERE, entry)],
    absWorkingDir: HERE,
    bundle: true,
    write: false,
    metafile: true,
    charset: "ascii",
    legalComments: "none",
    logLevel: "warning",
    define: { __VERSION__: JSON.stringify(version) },
    tsconfigRaw: { compilerOptions: { target: "ES2022", verbatimModuleSyntax: true } },
    plugins,
  });
  for (const path of Object.keys(result.metafile.inputs)) {
    const found = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
    if (found) packages.add(found[0]);
  }
  return result.outputFiles[0].text.trim();
}

/** What the packages inside ask to be said: name, version, licence. */
function licences() {
  return [...packages].sort().map((folder) => {
    const place = join(HERE, folder);
    const { name, version: number, license } = JSON.parse(readFileSync(join(place, "package.json"), "utf8"));
    const file = readdirSync(place).find((one) => /^licen[cs]e/i.test(one));
    return `${name} ${number}, ${license}\n\n${file ? readFileSync(join(place, file), "utf8").trim() : "(no text comes with it)"}\n`;
  }).join(`\n${"-".repeat(80)}\n\n`);
}

const worker = await script("src/ui/worker.ts", IN_A_PAGE);
const inlined = {
  name: "worker",
  setup(setup) {
    setup.onResolve({ filter: /^virtual:worker$/ }, ({ path }) => ({ path, namespace: "virtual" }));
    setup.onLoad({ filter: /.*/, namespace: "virtual" }, () => ({ contents: worker, loader: "text" }));
  },
};
/** The sections of the catalogues that the page shows; others are for the program and its papers. */
const SHOWN = new Set([
  "aspect_status", "aspects", "checked", "events", "findings", "grounds", "groups", "kinds", "not_checked", "plurals",
  "scopes", "severities", "states", "ui", "verdicts",
]);
const withoutOthers = {
  name: "texts of the page",
  setup(setup) {
    setup.onLoad({ filter: /[\\/]specs[\\/]texts[\\/][a-z]+\.json$/ }, ({ path }) => {
      const texts = Object.entries(JSON.parse(readFileSync(path, "utf8")));
      const shown = texts.filter(([name, value]) => typeof value === "string" || SHOWN.has(name));
      return { contents: JSON.stringify(Object.fromEntries(shown)), loader: "json" };
    });
  },
};
const page = await script("src/ui/main.ts", IN_A_PAGE, [inlined, withoutOthers]);
const style = (await transform(readFileSync(join(HERE, "src/ui/page.css"), "utf8"), { loader: "css", minify: true, charset: "utf8" })).code.trim();
const { ui } = JSON.parse(readFileSync(join(HERE, "../../specs/texts/en.json"), "utf8"));

// An inline script ends at the first `</script`, and the worker is text inside it.
if (/<\/(script|style)/i.test(page + style)) throw new Error("the page would end inside its own script or style");

const csp = [
  "default-src 'none'",
  `script-src ${source(sha256(page))} 'wasm-unsafe-eval'`,
  `style-src ${source(sha256(style))}`,
  "worker-src blob:",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const parts = { csp, style, script: page, no_script: ui.no_script };
const html = readFileSync(join(HERE, "src/ui/page.html"), "utf8").replace(/\{(csp|style|script|no_script)\}/g, (_, part) => parts[part]);

mkdirSync(OUT, { recursive: true });
const made = { "verify.html": html, "verify.mjs": `${await script("src/node.ts", UNDER_NODE)}\n`, "verify.licences.txt": licences() };
for (const [name, text] of Object.entries(made)) {
  writeFileSync(join(OUT, name), text);
  console.log(`${sha256(text).toString("hex")}  ${name}`);
}
