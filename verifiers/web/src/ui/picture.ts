/**
 * Custody as a picture: a lane for each person, time from top to bottom, handovers as arrows. What it says, the table
 * says in words.
 */

import { svg } from "./dom";
import type { ShownEvent } from "./details";
import { instant, label, num, t } from "./texts";
import { visible } from "./visible";

export const MOST_DRAWN = 150;
const MOST_LANES = 14;
const GUTTER = 190;
const LANE = 190;
const MARGIN = 60;
const HEAD = 64;
const ROW = 46;
const TAKEN_BY_ACTOR = new Set(["collect", "acquire", "accept", "receive", "adopt", "check_in", "return"]);
const PASSED_ON = new Set(["check_out", "loan", "reassign"]);
const ENDS = new Set(["dispose", "release", "erase"]);

interface Step {
  event: ShownEvent;
  y: number;
  /** Lane of the actor; -1 where the event is withheld. */
  lane: number;
  /** Lane that something goes to or comes from. */
  other: number;
}

function short(text: string, most: number): string {
  const shown = visible(text);
  return [...shown].length > most ? `${[...shown].slice(0, most - 1).join("")}…` : shown;
}

function words(x: number, y: number, text: string, kind: string, anchor = "start"): SVGElement {
  return svg("text", { x, y, class: kind, "text-anchor": anchor }, text);
}

/** The events that are drawn: of one item, or all. */
export function drawn(events: ShownEvent[], item: string): ShownEvent[] {
  const about = events.filter((event) => !item || event.items.includes(item) || event.type === null);
  return about.slice(0, MOST_DRAWN);
}

export function picture(events: ShownEvent[], item: string, rtl: boolean): SVGElement {
  const lanes: { key: string; id: string }[] = [];
  const laneOf = (person: { id: string; key: string } | null): number => {
    if (!person) return -1;
    const at = lanes.findIndex((one) => one.key === person.key);
    if (at >= 0) return at;
    if (lanes.length === MOST_LANES) return -1;
    return lanes.push({ key: person.key, id: person.id }) - 1;
  };
  const steps: Step[] = drawn(events, item).map((event, i) => {
    const lane = laneOf(event.actor);
    const other = laneOf(event.type === "accept" || event.type === "receipt" ? event.from : event.to);
    return { event, y: HEAD + ROW * i + ROW / 2, lane, other };
  });
  const width = GUTTER + LANE * Math.max(1, lanes.length) + MARGIN;
  const height = HEAD + ROW * steps.length + 12;
  const mirror = (x: number): number => (rtl ? width - x : x);
  const at = (lane: number): number => mirror(GUTTER + LANE * lane + 24);
  const side = rtl ? -1 : 1;
  // In a page from right to left `start` is the right end: SVG follows its own direction, which is set below.
  const root = svg("svg", {
    class: "picture",
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    direction: rtl ? "rtl" : "ltr",
    "aria-label": t("picture_label"),
  });
  root.append(
    svg(
      "defs",
      {},
      svg(
        "marker",
        {
          id: "arrow",
          viewBox: "0 0 10 10",
          refX: 9,
          refY: 5,
          markerWidth: 8,
          markerHeight: 8,
          orient: "auto-start-reverse",
        },
        svg("path", { d: "M0 0 L10 5 L0 10 z", class: "arrowhead" }),
      ),
    ),
  );
  lanes.forEach((lane, i) => {
    const x = at(i);
    root.append(
      svg("line", { x1: x, y1: HEAD - 8, x2: x, y2: height - 8, class: "lane" }),
      svg("circle", { cx: x, cy: 20, r: 7, class: "head" }),
      svg("path", { d: `M${x - 12} 42 a12 12 0 0 1 24 0 z`, class: "head" }),
      svg(
        "text",
        { x: x + side * 20, y: 24, class: "who" },
        short(lane.id, 18),
        svg("title", {}, `${visible(lane.id)}\n${visible(lane.key)}`),
      ),
      svg(
        "text",
        { x: x + side * 20, y: 41, class: "key", direction: "ltr", "text-anchor": rtl ? "end" : "start" },
        short(lane.key, 16),
      ),
    );
  });
  root.append(...held(steps, at, height));
  for (const step of steps) root.append(...one(step, at, mirror, side, !item));
  return root;
}

/** Thick lines: in whose hands the items are, from event to event. */
function held(steps: Step[], at: (lane: number) => number, height: number): SVGElement[] {
  const bars: SVGElement[] = [];
  const since = new Map<string, { lane: number; y: number; sure: boolean }>();
  const holder = new Map<string, number>();
  const drawnBars = new Set<string>();
  const end = (item: string, y: number): void => {
    const bar = since.get(item);
    if (!bar || bar.lane < 0) return;
    const key = `${bar.lane} ${bar.y} ${y} ${bar.sure}`;
    if (!drawnBars.has(key))
      bars.push(
        svg("line", { x1: at(bar.lane), y1: bar.y, x2: at(bar.lane), y2: y, class: bar.sure ? "held" : "held unsure" }),
      );
    drawnBars.add(key);
    since.delete(item);
  };
  for (const { event, y, lane, other } of steps) {
    // whether a withheld event changed hands nobody can see here
    if (event.type === null) {
      for (const [item, bar] of [...since]) {
        end(item, y);
        since.set(item, { lane: bar.lane, y, sure: false });
      }
    }
    for (const item of event.items) {
      const type = event.type ?? "";
      const now = since.get(item)?.lane ?? -1;
      let next = now;
      if (TAKEN_BY_ACTOR.has(type))
        next =
          type === "check_in" || type === "return"
            ? (holder.get(item) ?? lane)
            : now >= 0 && type === "acquire"
              ? now
              : lane;
      else if (PASSED_ON.has(type)) next = other;
      else if (ENDS.has(type)) next = -1;
      else if (type === "receipt" && event.answered === "accept") next = other;
      else if ((type === "copy" || type === "split") && now < 0) next = lane;
      if (type !== "check_out" && type !== "loan" && next !== now) holder.set(item, next);
      if (next === now) continue;
      end(item, y);
      if (next >= 0) since.set(item, { lane: next, y, sure: true });
    }
  }
  for (const item of [...since.keys()]) end(item, height - 8);
  return bars;
}

function one(
  step: Step,
  at: (lane: number) => number,
  mirror: (x: number) => number,
  side: number,
  withItems: boolean,
): SVGElement[] {
  const { event, y, lane, other } = step;
  const out: SVGElement[] = [];
  const when =
    event.type === null
      ? ""
      : event.occurred
        ? instant(event.occurred.time, event.occurred.precision === "day" ? "day" : "min")
        : instant(event.recorded, "min");
  out.push(words(mirror(8), y + 4, num(event.index), "no"));
  const time = words(mirror(GUTTER - 16), y + 4, when, "time", "end");
  time.setAttribute("unicode-bidi", "plaintext");
  out.push(time);
  if (event.type === null) {
    out.push(
      svg("rect", {
        x: side > 0 ? GUTTER : mirror(GUTTER) - 230,
        y: y - 12,
        width: 230,
        height: 22,
        rx: 4,
        class: "hidden",
      }),
      words(mirror(GUTTER + 10), y + 4, t("event_hidden"), "hiddentext"),
    );
    return out;
  }
  const what = label("events", event.type) ?? visible(event.type);
  if (lane < 0) {
    // more persons than lanes
    out.push(
      svg("text", { x: mirror(GUTTER + 10), y: y + 4, class: "what" }, short(`${what} — ${event.actor?.id ?? ""}`, 60)),
    );
    return out;
  }
  const x = at(lane);
  if (other >= 0 && other !== lane) {
    const incoming = event.type === "accept" || (event.type === "receipt" && event.answered !== "accept");
    const [from, to] = incoming ? [at(other), x] : [x, at(other)];
    const gap = Math.sign(to - from) * 9;
    const asked = event.type === "offer" || event.type === "refuse";
    out.push(
      svg("line", {
        x1: from + gap,
        y1: y,
        x2: to - gap,
        y2: y,
        class: asked ? "arrow asked" : "arrow",
        "marker-end": "url(#arrow)",
      }),
    );
  }
  const more = [
    withItems && event.items.length
      ? event.items.slice(0, 2).join(", ") + (event.items.length + event.itemsLeft > 2 ? " …" : "")
      : "",
    event.place ?? "",
  ];
  out.push(
    svg(
      "circle",
      { cx: x, cy: y, r: 6, class: `dot ${ENDS.has(event.type) ? "ends" : ""}` },
      svg("title", {}, `${what}\n${visible(event.place ?? "")}`),
    ),
    svg("text", { x: x + side * 13, y: y - 7, class: "what" }, short(what, 24)),
  );
  const under = more.filter(Boolean).join(" · ");
  if (under) out.push(svg("text", { x: x + side * 13, y: y + 16, class: "under" }, short(under, 28)));
  return out;
}
