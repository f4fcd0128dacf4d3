/** What the exporter withheld: numbers and grounds. */

import type { Report } from "../engine/index";
import type { View } from "./details";
import { code, facts, h, name, table, type Child } from "./dom";
import { count, label, num, t } from "./texts";

interface Hidden {
  count?: unknown;
  ground?: unknown;
}

interface Catalogue {
  item: string;
  manifest: string;
  rows: string;
  shown: string;
  hidden: { count: string; ground: string }[];
}

function strings<K extends string>(value: unknown, ...keys: K[]): Record<K, string> | null {
  if (typeof value !== "object" || value === null) return null;
  return keys.every((key) => typeof (value as Record<string, unknown>)[key] === "string")
    ? (value as Record<K, string>)
    : null;
}

/**
 * What `package.json` says of its catalogues, as far as it has the form: it stands in a report that may have found
 * otherwise.
 */
function catalogues(value: unknown): Catalogue[] {
  if (!Array.isArray(value)) return [];
  return value.slice(0, 1000).flatMap((one: unknown) => {
    const facade = strings(one, "item", "manifest", "rows", "shown");
    if (!facade) return [];
    const hidden = (one as { hidden?: unknown }).hidden;
    return [
      {
        ...facade,
        hidden: Array.isArray(hidden)
          ? hidden.slice(0, 1000).flatMap((each: Hidden) => strings(each, "count", "ground") ?? [])
          : [],
      },
    ];
  });
}

function ground(text: string): Child {
  return label("grounds", text) ?? name(text);
}

export function withheldSection(report: Report, view: View): Child[] {
  const all = catalogues(report.package?.["manifests"]);
  const rows = all.map(({ item, manifest, rows: total, shown, hidden }): Child[] => [
    h("span", {}, code(item), " · ", code(manifest)),
    count(total),
    count(shown),
    hidden.length
      ? h("ul", { class: "plain" }, ...hidden.map((one) => h("li", {}, count(one.count), " — ", ground(one.ground))))
      : num(0),
  ]);
  const parts = view.withheld.map(([manifest, group, why, n]): Child[] => [
    code(manifest),
    label("groups", group) ?? name(group),
    ground(why),
    num(n),
  ]);
  const nothing = all.every(({ hidden }) => hidden.length === 0) && parts.length === 0 && view.hiddenEvents === 0;
  return [
    nothing && h("p", {}, t("withheld_none")),
    !nothing &&
      h(
        "p",
        { class: report.aspects.record.status === "failed" ? "caution" : "" },
        t(report.aspects.record.status === "failed" ? "withheld_note_failed" : "withheld_note"),
      ),
    rows.length > 0 && table(t("withheld"), [t("catalogue"), t("rows_all"), t("rows_shown"), t("rows_hidden")], rows),
    parts.length > 0 && h("h3", {}, t("part_withheld")),
    parts.length > 0 &&
      table(t("part_withheld"), [t("catalogue"), t("what"), t("ground"), t("count_total")], parts, "numbers"),
    view.hiddenEvents > 0 && facts([[t("hidden_events"), num(view.hiddenEvents)]]),
  ];
}
