/** Who signed, and when: with what stands behind each statement. */

import type { Report } from "../engine/index";
import type { Person, View } from "./details";
import { code, facts, h, name, table, type Child } from "./dom";
import { instant, num, t, type Key } from "./texts";

interface Actor {
  id?: unknown;
  key?: unknown;
  role?: unknown;
  organisation?: unknown;
}

function actor(value: unknown): Child {
  if (typeof value !== "object" || value === null) return null;
  const { id, key, role, organisation } = value as Actor;
  const parts = [id, role, organisation].filter((part): part is string => typeof part === "string" && part !== "");
  return h(
    "span",
    {},
    ...parts.flatMap((part, i) => [i ? ", " : "", name(part)]),
    " ",
    typeof key === "string" ? code(key, "hash") : "",
  );
}

/** How far the policy stands behind names: never further than the aspect says. */
function standing(report: Report, withPolicy: boolean): Key {
  if (!withPolicy) return "who_unknown";
  const { status } = report.aspects.identity;
  return status === "ok" ? "who_known" : status === "failed" ? "who_failed" : "who_partly";
}

export function whoSection(report: Report, view: View, withPolicy: boolean): Child[] {
  const facing = standing(report, withPolicy);
  const rows = view.persons.map((one: Person): Child[] => [
    one.id === null ? h("em", {}, t("not_stated")) : name(one.id),
    one.role ? name(one.role) : "",
    one.organisation ? name(one.organisation) : "",
    code(one.key, "hash"),
    num(one.events),
  ]);
  const facade = report.package;
  return [
    h("p", { class: facing === "who_known" ? "good" : "caution" }, t(facing)),
    report.aspects.record.status === "failed" && h("p", { class: "caution" }, t("who_signature")),
    rows.length
      ? table(t("who"), [t("name"), t("role"), t("organisation"), t("key"), t("signed_events")], rows)
      : h("p", {}, t("no_events")),
    facade &&
      facts([
        [t("exporter"), actor(facade["exporter"])],
        [t("recipient"), actor(facade["recipient"])],
      ]),
  ];
}

export function whenSection(report: Report): Child[] {
  const times = report.times;
  const proved = times !== null && times.bounds.length > 0;
  const stamps = report.counts.checked["time_stamps"] ?? 0;
  const bound = (time: string | null, by: string | null): Child =>
    time === null
      ? "—"
      : h("span", {}, code(instant(time)), by ? ` (${t("by")} ` : "", by ? name(by) : "", by ? ")" : "");
  return [
    h("p", {}, t(proved ? "when_proved" : "when_none")),
    facts([
      [t("stamps_checked"), stamps ? num(stamps) : null],
      [
        t("covered_by"),
        times?.covered_by.length
          ? h("span", {}, ...times.covered_by.flatMap((by, i) => [i ? ", " : "", name(by)]))
          : null,
      ],
    ]),
    proved &&
      table(
        t("when"),
        [t("entries"), t("not_before"), t("not_after")],
        times.bounds.map((one): Child[] => [
          one.first === one.last ? num(one.first) : h("bdi", { dir: "ltr" }, `${num(one.first)}–${num(one.last)}`),
          bound(one.not_before, one.not_before_by),
          bound(one.not_after, one.not_after_by),
        ]),
      ),
    h("p", { class: "small" }, t("clock_note")),
  ];
}
