/**
 * Drives verify.html in Debian's Chromium for test_web_page.py: a JSON object a line comes in, one a line goes out.
 *
 * Every request that is no file:, blob: or data: is noted, and whatever the page complains of.
 */

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [webFolder, html, chromium] = process.argv.slice(2);
const require = createRequire(`${webFolder}/package.json`);
const { chromium: browserType } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const browser = await browserType.launch({ executablePath: chromium, args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"] });
let context = null;
let page = null;
let cdp = null;
let wished = "";
let noted = [];
let complaints = [];

const ops = {
  /** The page (or another one, by `path`) as it is when it is opened; with other wishes than before in a new window. */
  async open({ locale = "en-GB", width = 1200, height = 900, dark = false, path = html }) {
    const wishes = JSON.stringify([locale, width, height, dark]);
    if (wishes !== wished) {
      await context?.close();
      context = await browser.newContext({ locale, viewport: { width, height }, acceptDownloads: true, colorScheme: dark ? "dark" : "light" });
      page = await context.newPage();
      cdp = await context.newCDPSession(page);
      context.on("request", (request) => noted.push(request.url()));
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("filechooser", () => {}); // from now on no dialog of the system opens
      page.on("dialog", (dialog) => (complaints.push(`dialog ${dialog.message()}`), dialog.dismiss()));
      wished = wishes;
    }
    noted = [];
    complaints = [];
    await page.goto(pathToFileURL(path).href);
  },
  /** As with the mouse from a file manager. */
  async drop({ path, zone = "evidence" }) {
    const box = await page.locator(`#${zone}-zone`).boundingBox();
    const at = { x: box.x + box.width / 2, y: box.y + 20, data: { items: [], files: [path], dragOperationsMask: 1 } };
    for (const type of ["dragEnter", "dragOver", "drop"]) await cdp.send("Input.dispatchDragEvent", { type, ...at });
    await page.locator(`#${zone}-remove`).waitFor();
  },
  /** Through the file dialog that the button opens. */
  async choose({ path, slot = "evidence", folder = false }) {
    await page.locator(`#${slot}-${folder ? "folder" : "file"}-input`).setInputFiles(path);
    await page.locator(`#${slot}-remove`).waitFor();
  },
  async fill({ selector, text }) {
    const more = page.locator("#more"); // where the rarer fields are folded away
    if (!(await page.locator(selector).isVisible()) && (await more.count())) await more.evaluate((one) => (one.open = true));
    await page.locator(selector).fill(text);
  },
  async language({ to }) {
    await page.locator("#language").selectOption(to);
  },
  /** Starts, waits for a result or for trouble, and reads the report that the page exports. */
  async verify({ timeout = 60_000 }) {
    await page.locator("#start").click();
    return ops.result({ timeout });
  },
  async result({ timeout = 60_000 }) {
    const done = page.locator("#verdict, [role=alert]").first();
    await done.waitFor({ timeout });
    if (!(await page.locator("#verdict").count())) return { trouble: await done.innerText() };
    const [download] = await Promise.all([page.waitForEvent("download"), page.locator("#save").click()]);
    return { report: JSON.parse(readFileSync(await download.path(), "utf8")), title: await page.locator("#verdict-title").innerText() };
  },
  /** Tab by Tab to the element of this id; the number of Tabs. */
  async tabTo({ id, most = 60 }) {
    for (let n = 1; n <= most; n++) {
      await page.keyboard.press("Tab");
      if ((await page.evaluate(() => document.activeElement?.id)) === id) return n;
    }
    throw new Error(`no Tab leads to ${id}`);
  },
  /** Enter on a button that opens a file dialog, in which `path` is chosen. */
  async enterFile({ path }) {
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.keyboard.press("Enter")]);
    await chooser.setFiles(path);
  },
  async press({ keys }) {
    for (const key of keys) await page.keyboard.press(key);
  },
  async type({ text }) {
    await page.keyboard.type(text);
  },
  async evaluate({ script }) {
    return page.evaluate(script);
  },
  async text({ selector }) {
    return page.locator(selector).first().innerText();
  },
  async count({ selector }) {
    return page.locator(selector).count();
  },
  async wait({ selector, state = "visible", timeout = 30_000 }) {
    await page.locator(selector).first().waitFor({ state, timeout });
  },
  /** Violations of WCAG 2.1 A and AA, by axe-core. */
  async axe() {
    // evaluate goes past the page's CSP as the debugger does, so the page itself stays as it is
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }));
    return violations.map(({ id, nodes }) => [id, nodes.slice(0, 3).map((node) => node.html.slice(0, 200))]);
  },
  async screenshot({ path, full = true, selector = null }) {
    if (selector) await page.locator(selector).first().screenshot({ path });
    else await page.screenshot({ path, fullPage: full });
  },
  async pdf({ path }) {
    await page.pdf({ path });
  },
  async media({ name }) {
    await page.emulateMedia({ media: name });
  },
  /** Whatever was asked of a network, and what the page complained of (a refused request is a complaint of the CSP). */
  async noted() {
    return { requests: noted.filter((url) => !/^(file|blob|data):/.test(url)), complaints };
  },
  /** The most memory that one renderer ever had, MiB. */
  async peak() {
    const whole = await browser.newBrowserCDPSession();
    const { processInfo } = await whole.send("SystemInfo.getProcessInfo");
    const peaks = processInfo.filter(({ type }) => type === "renderer").map(({ id }) => /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${id}/status`, "utf8"))?.[1] ?? 0);
    return Math.max(...peaks.map(Number)) / 1024;
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...given } = JSON.parse(line);
  if (op === "close") break;
  let answer;
  try {
    answer = { value: (await ops[op](given)) ?? null };
  } catch (error) {
    answer = { error: String(error?.stack ?? error).slice(0, 4000) };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
