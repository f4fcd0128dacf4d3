/**
 * HTML as html-validate judges it: names of files come as arguments after the folder of Node's packages, what is wrong
 * goes out as JSON, by file.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [webFolder, ...files] = process.argv.slice(2);
const { HtmlValidate } = createRequire(`${webFolder}/package.json`)("html-validate");
const judge = new HtmlValidate({
  root: true,
  extends: ["html-validate:standard", "html-validate:a11y"],
});
const found = {};
for (const file of files) {
  const { results } = await judge.validateString(readFileSync(file, "utf8"), file);
  found[file] = results.flatMap((one) => one.messages.map((m) => `${m.line}:${m.column} ${m.ruleId}: ${m.message}`));
}
console.log(JSON.stringify(found));
