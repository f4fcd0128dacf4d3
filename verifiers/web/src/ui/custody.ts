/** Custody: a picture, and the same in words. */

import type { ShownEvent, View } from "./details";
import { code, h, name, table, type Child } from "./dom";
import { drawn, MOST_DRAWN, picture } from "./picture";
import { catalogue, instant, label, num, plural, t } from "./texts";

const MOST_CHOICES = 500;

function itemsCell(event: ShownEvent): Child {
  return h(
    "span",
    {},
    ...event.items.flatMap((item, i) => [i ? ", " : "", code(item)]),
    event.itemsLeft ? ` + ${num(event.itemsLeft)}` : "",
  );
}

function row(event: ShownEvent): Child[] {
  const other = event.to ?? event.from;
  const time = (text: string | null, precision: string): Child =>
    text === null ? "" : code(instant(text, precision).replace(/ UTC$/, ""));
  const type =
    event.type === null
      ? h("em", {}, t("event_hidden"))
      : (label("events", event.type) ?? h("span", {}, t("event_unknown"), t("colon"), name(event.type)));
  return [
    event.log ? h("span", {}, code(event.log), " ", num(event.index)) : num(event.index),
    type,
    itemsCell(event),
    event.actor ? name(event.actor.id) : "",
    other ? name(other.id) : "",
    event.place ? name(event.place) : "",
    time(event.occurred?.time ?? null, event.occurred?.precision ?? "s"),
    time(event.recorded, "s"),
  ];
}

export function custodySection(view: View): Child[] {
  if (view.events.length === 0) return [h("p", {}, t("no_events"))];
  const own = view.events.filter((event) => event.log === "");
  const items = [...new Set(own.flatMap((event) => event.items))].slice(0, MOST_CHOICES);
  const rtl = catalogue().direction === "rtl";
  const frame = h("div", { class: "scroll frame", tabindex: 0, role: "region", "aria-label": t("picture") });
  const note = h("p", { class: "small" });
  const draw = (item: string): void => {
    frame.replaceChildren(picture(own, item, rtl));
    const about = own.filter((event) => !item || event.items.includes(item) || event.type === null).length;
    note.textContent = about > drawn(own, item).length ? t("picture_cut", { n: num(MOST_DRAWN) }) : "";
  };
  const choice = h(
    "select",
    { id: "picture-item", change: () => draw(choice.value) },
    h("option", { value: "" }, t("picture_all")),
    ...items.map((item) => h("option", { value: item, dir: "ltr" }, item)),
  );
  draw("");
  const heads = [
    t("number"),
    t("event"),
    t("picture_items"),
    t("person"),
    t("to"),
    t("place"),
    t("occurred"),
    t("recorded"),
  ];
  return [
    h("p", {}, t("custody_note"), " ", t("clock_note")),
    items.length > 1 && h("div", { class: "fields" }, h("label", { for: "picture-item" }, t("picture_items")), choice),
    frame,
    note,
    h(
      "details",
      { open: view.events.length <= 60 },
      h("summary", {}, `${t("event_table")} (${plural("n_events", view.eventsTotal)})`),
      table(t("event_table"), heads, view.events.map(row), "events"),
      view.eventsTotal > view.events.length && h("p", {}, t("events_cut", { n: num(view.events.length) })),
    ),
  ];
}
