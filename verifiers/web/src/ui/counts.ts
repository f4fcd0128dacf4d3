/** Numbers of the report, and whether they add up: a report whose sums do not is not to be relied on. */

import type { Report } from "../engine/index";
import { facts, h, table, type Child } from "./dom";
import { count, label, num, t } from "./texts";

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const n of numbers) total += n;
  return total;
}

/** verification.md 5: rows are the sum of their states, files of those checked and not, findings of their codes. */
export function addsUp(report: Report): boolean {
  const { counts } = report;
  const { checked, not_checked: left, total } = counts.files_of_record;
  return (
    sum(Object.values(counts.states)) === counts.rows &&
    checked + left === total &&
    sum(Object.values(counts.findings.by_code)) === counts.findings.total &&
    counts.findings.total >= report.findings.filter(({ code }) => code !== "W999").length
  );
}

export function countsSection(report: Report): Child[] {
  const { counts } = report;
  const right = addsUp(report);
  const done = Object.entries(counts.checked).map(([key, n]): Child[] => [label("checked", key) ?? key, num(n)]);
  const states = Object.entries(counts.states).sort(([a], [b]) => a.localeCompare(b));
  const files = counts.files_of_record;
  return [
    h("p", { class: right ? "" : "alarm", role: right ? null : "alert" }, right ? t("counts_note") : t("counts_wrong")),
    h("h3", {}, t("done_checks")),
    table(t("done_checks"), [t("what"), t("count_total")], done, "numbers"),
    h("h3", {}, t("count_rows")),
    table(
      t("count_rows"),
      [t("state"), t("count_total")],
      [
        ...states.map(([state, n]): Child[] => [label("states", state) ?? state, num(n)]),
        [h("strong", {}, t("count_total")), h("strong", {}, num(counts.rows))],
      ],
      "numbers",
    ),
    h("h3", {}, t("count_files")),
    table(
      t("count_files"),
      [t("what"), t("count_total")],
      [
        [t("count_checked"), num(files.checked)],
        [t("count_not_checked"), num(files.not_checked)],
        [h("strong", {}, t("count_total")), h("strong", {}, num(files.total))],
      ],
      "numbers",
    ),
    facts([
      [t("count_entries"), counts.entries !== undefined && num(counts.entries)],
      [t("count_exhibits"), counts.exhibits !== undefined && num(counts.exhibits)],
      [t("count_bytes"), counts.bytes !== undefined && count(String(counts.bytes))],
      [t("count_payload"), counts.payload_compared !== undefined && num(counts.payload_compared)],
      [t("count_payload_left"), counts.payload_left !== undefined && num(counts.payload_left)],
    ]),
  ];
}
