/** What was found, with its explanation; what was not checked, with its reason. */

import registry from "../../../../specs/findings.json";
import type { Finding, NotChecked, Report } from "../engine/index";
import { code, h, prose, table, type Child } from "./dom";
import { catalogue, explanation, label, num, plural, t } from "./texts";

const SPECS = registry as Record<string, { section: string; severity: string }>;
const PLACES_SHOWN = 100;
const GROUPS_SHOWN = 500;
const RANK: Record<string, number> = { error: 0, warning: 1, note: 2 };

function english(text: string): Child {
  return text && h("span", { lang: "en", dir: "ltr", class: "words" }, code(text, "words"));
}

/** Findings of one code under one explanation, errors first. */
export function findingsSection(report: Report): Child[] {
  const { by_code: byCode, total } = report.counts.findings;
  if (total === 0) return [h("p", {}, t("findings_none"))];
  const groups = new Map<string, Finding[]>();
  for (const finding of report.findings) groups.set(finding.code, [...(groups.get(finding.code) ?? []), finding]);
  const order = [...groups].sort(
    ([a, x], [b, y]) => (RANK[x[0]!.severity] ?? 3) - (RANK[y[0]!.severity] ?? 3) || a.localeCompare(b),
  );
  const left = total - report.findings.length;
  return [
    ...order.slice(0, GROUPS_SHOWN).map(([finding, all]) => group(finding, all, byCode[finding] ?? all.length)),
    left > 0 && h("p", {}, t("findings_more", { n: num(left) })),
  ];
}

function group(finding: string, all: Finding[], n: number): HTMLElement {
  const says = explanation(finding);
  const severity = all[0]!.severity;
  const rows = all
    .slice(0, PLACES_SHOWN)
    .map((one): Child[] => [code(one.where), english(one.expected), english(one.found)]);
  const shown = Math.min(all.length, PLACES_SHOWN);
  return h(
    "article",
    { class: `finding ${severity}`, id: `finding-${finding}` },
    h(
      "h3",
      {},
      h("span", { class: `badge ${severity}` }, label("severities", severity) ?? severity),
      " ",
      code(finding),
      " ",
      says ? prose(says.title) : "",
      h("span", { class: "how-many" }, ` ${plural("n_places", n)}`),
    ),
    says &&
      h(
        "dl",
        { class: "explained" },
        h("div", {}, h("dt", {}, t("means")), h("dd", {}, prose(says.means))),
        h("div", {}, h("dt", {}, t("means_not")), h("dd", {}, prose(says.means_not))),
        h("div", {}, h("dt", {}, t("do")), h("dd", {}, prose(says.do))),
      ),
    table(`${finding}${t("colon")}${t("where")}`, [t("where"), t("expected"), t("found")], rows, "places"),
    n > shown && h("p", {}, t("findings_more", { n: num(n - shown) })),
    SPECS[finding] && h("p", { class: "small" }, `${t("spec")}${t("colon")}`, code(SPECS[finding].section)),
  );
}

/** The label of a reason for not checking. */
export const notCheckedLabel = (one: NotChecked): string =>
  label("not_checked", one.code) ?? label("not_checked", "other")!;

/**
 * How many things were not checked: the list also has a line for each aspect as a whole, which `counts` does not count.
 */
export function notCheckedTotal(report: Report): number {
  return Math.max(report.counts.not_checked, report.not_checked.length);
}

export function notCheckedSection(report: Report): Child[] {
  const total = notCheckedTotal(report);
  if (total === 0) return [h("p", {}, t("not_checked_none"))];
  const aspects = aspectTitles();
  const rows = report.not_checked.map((one): Child[] => [
    aspects[one.aspect] ?? one.aspect,
    notCheckedLabel(one),
    code(one.what),
    english(one.reason),
  ]);
  const left = total - report.not_checked.length;
  return [
    table(t("not_checked"), [t("aspect"), t("reason"), t("what"), t("in_english")], rows),
    left > 0 && h("p", {}, t("findings_more", { n: num(left) })),
  ];
}

export function aspectTitles(): Record<string, string> {
  return Object.fromEntries(Object.entries(catalogue().aspects).map(([key, { title }]) => [key, title]));
}
