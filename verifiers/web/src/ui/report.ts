/** The result as a page: a verdict, what it rests on, and what it does not say. */

import type { Aspect, Report } from "../engine/index";
import { countsSection } from "./counts";
import { custodySection } from "./custody";
import type { View } from "./details";
import { code, facts, h, name, prose, type Child } from "./dom";
import { findingsSection, notCheckedLabel, notCheckedSection, notCheckedTotal } from "./findings";
import { Items } from "./items";
import { whenSection, whoSection } from "./persons";
import type { Session } from "./session";
import { catalogue, explanation, instant, label, num, plural, t, type Key } from "./texts";
import { withheldSection } from "./withheld";

/** What a verification was given and gave: all that is drawn. */
export interface Result {
  name: string;
  policy: string | null;
  since: string;
  digest: string;
  at: Date;
  report: Report;
  view: View;
  session: Session;
}

const ASPECTS: Aspect[] = ["record", "identity", "custody", "evidence", "time", "witness", "completeness"];
const LOOK: Record<string, string> = {
  VERIFIED: "ok",
  "INTEGRITY ONLY": "part",
  FAILED: "failed",
  "NOT CHECKED": "not_checked",
};
const MARK: Record<string, string> = { ok: "✓", part: "◐", failed: "✗", not_checked: "?" };

function section(id: string, title: Key, children: Child[], extra = ""): HTMLElement {
  return h(
    "section",
    { id, class: `card ${extra}`, "aria-labelledby": `${id}-title` },
    h("h2", { id: `${id}-title`, tabindex: -1 }, t(title)),
    ...children,
  );
}

function banner({ report }: Result): HTMLElement {
  const says = catalogue().verdicts[report.verdict];
  const look = LOOK[report.verdict] ?? "failed";
  const by: Record<string, number> = { error: 0, warning: 0, note: 0 };
  for (const [finding, n] of Object.entries(report.counts.findings.by_code)) {
    const severity = report.findings.find((one) => one.code === finding)?.severity ?? "error";
    by[severity] = (by[severity] ?? 0) + n;
  }
  return h(
    "section",
    { id: "verdict", class: `verdict ${look}`, "aria-labelledby": "verdict-title" },
    h("div", { class: "mark", "aria-hidden": "true" }, MARK[look]),
    h(
      "div",
      {},
      h(
        "h2",
        { id: "verdict-title", tabindex: -1 },
        h("span", { class: "unseen" }, `${t("result")}${t("colon")}`),
        says.title,
        " ",
        code(report.line, "line"),
      ),
      h("p", { class: "scope" }, `${t("scope")}${t("colon")}${label("scopes", report.scope) ?? report.scope}`),
      h("p", {}, says.means),
      h("p", { class: "but" }, says.means_not, " ", t("for_court")),
      h(
        "ul",
        { class: "tally" },
        ...(["n_errors", "n_warnings", "n_notes"] as const).map((key, i) =>
          h("li", {}, plural(key, by[["error", "warning", "note"][i]!] ?? 0)),
        ),
        h("li", {}, plural("n_not_checked", notCheckedTotal(report))),
      ),
    ),
  );
}

/** Why an aspect is as it is: by the findings and reasons that the report lists, in the page's language. */
function because(report: Report, aspect: Aspect): Child {
  const { status, reason } = report.aspects[aspect];
  if (status === "ok") return "";
  const codes = /^([EW][1-9][0-9]{2}): /.exec(reason);
  const says = codes && explanation(codes[1]!);
  if (says) return h("span", {}, h("a", { href: `#finding-${codes[1]}` }, code(codes[1]!)), " ", prose(says.title));
  const listed = report.not_checked.find((one) => one.aspect === aspect && reason.includes(one.reason));
  const own = h("span", { lang: "en" }, code(reason, "words"));
  return listed
    ? h("span", {}, notCheckedLabel(listed), catalogue().language === "en" ? t("colon") : h("br"), own)
    : own;
}

function aspectsSection({ report }: Result): Child[] {
  return [
    h(
      "ul",
      { class: "aspects" },
      ...ASPECTS.map((aspect) => {
        const { status } = report.aspects[aspect];
        const { title, question } = catalogue().aspects[aspect];
        return h(
          "li",
          { class: status },
          h("span", { class: "mark", "aria-hidden": "true" }, MARK[status]),
          h(
            "div",
            {},
            h("h3", {}, title, " ", h("span", { class: `badge ${status}` }, label("aspect_status", status) ?? status)),
            h("p", {}, question),
            status !== "ok" && h("p", { class: "because" }, because(report, aspect)),
          ),
        );
      }),
    ),
    h(
      "p",
      { class: "small" },
      `${t("reason")} (${t("in_english")})${t("colon")}`,
      h("span", { lang: "en" }, code(report.reason, "words")),
    ),
  ];
}

function grouped(hex: string): string {
  return hex.match(/.{1,8}/g)?.join(" ") ?? hex;
}

/** What the package's digest is beside the one of the letter. */
function letter({ digest, report }: Result): Child {
  const given = digest.toLowerCase().replace(/[\s-]/g, "");
  if (!given) return null;
  const own = report.package?.digest ?? null;
  const key: Key = own === null ? "digest_none" : given === own ? "digest_same" : "digest_differs";
  return h(
    "p",
    { id: "letter", class: key === "digest_same" ? "good" : "alarm", role: key === "digest_same" ? null : "alert" },
    t(key),
  );
}

function subject(result: Result): Child[] {
  const { report } = result;
  const facade = report.package;
  const told = (key: string): Child => (typeof facade?.[key] === "string" ? name(facade[key]) : null);
  const created = facade?.["created_at"] as { time?: unknown; precision?: unknown } | null | undefined;
  return [
    letter(result),
    facts([
      [t("subject"), name(result.name)],
      [t("verified_at"), code(`${result.at.toISOString().slice(0, 16).replace("T", " ")} UTC`)],
      [t("policy_used"), result.policy === null ? t("policy_none") : name(result.policy)],
      [t("since_used"), result.since.trim() ? h("span", { class: "pre" }, code(result.since.trim())) : t("since_none")],
      [t("package_digest"), facade?.digest ? code(grouped(facade.digest), "hash") : null],
      [t("container"), facade ? code(facade.container) : null],
      [
        t("created"),
        created && typeof created.time === "string" ? code(instant(created.time, String(created.precision))) : null,
      ],
      [t("request"), told("request")],
      [t("confidentiality"), told("confidentiality")],
      [t("use_limits"), told("use_limits")],
      [t("onward_transfer"), told("onward_transfer")],
      [t("origin"), report.checkpoint && code(report.checkpoint.origin)],
      [t("tree_size"), report.checkpoint && num(report.checkpoint.size)],
      [t("root"), report.checkpoint && code(grouped(report.checkpoint.root), "hash")],
    ]),
  ];
}

function itemsSection({ view, session }: Result): Child[] {
  if (view.rowsTotal === 0) return [h("p", {}, t("items_none"))];
  return [
    h("p", {}, t("items_note")),
    view.rowsTotal > view.rowsListed && h("p", {}, t("items_cut", { n: num(view.rowsListed) })),
    new Items(session, view).element,
  ];
}

function save(report: Report): void {
  const blob = new Blob([`${JSON.stringify(report, null, 2)}\n`], { type: "application/json" });
  const address = URL.createObjectURL(blob);
  h("a", { href: address, download: "report.json" }).click();
  window.setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

export function reportPage(result: Result, again: () => void): HTMLElement {
  const { report, view } = result;
  const parts: [string, Key, () => Child[]][] = [
    ["aspects", "aspects", () => aspectsSection(result)],
    ["findings", "findings", () => findingsSection(report)],
    ["not-checked", "not_checked", () => notCheckedSection(report)],
    ["who", "who", () => whoSection(report, view, result.policy !== null)],
    ["when", "when", () => whenSection(report)],
    ["custody", "custody", () => custodySection(view)],
    ["items", "items", () => itemsSection(result)],
    ...(report.subject === "package"
      ? [["withheld", "withheld", () => withheldSection(report, view)] as [string, Key, () => Child[]]]
      : []),
    ["counts", "counts", () => countsSection(report)],
    ["technical", "technical", () => subject(result)],
  ];
  return h(
    "div",
    { class: "report" },
    banner(result),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", id: "save", click: () => save(report) }, t("save")),
      h("button", { type: "button", id: "print", click: () => window.print() }, t("print")),
      h("button", { type: "button", id: "again", click: again }, t("again")),
    ),
    h(
      "nav",
      { class: "contents", "aria-label": t("contents") },
      h("ol", {}, ...parts.map(([id, title]) => h("li", {}, h("a", { href: `#${id}` }, t(title))))),
    ),
    ...parts.map(([id, title, make]) => section(id, title, make())),
  );
}
