/** The list of rows: searched in the worker, and only what is on the screen is in the page. */

import type { ListedRow } from "../engine/index";
import type { View } from "./details";
import { code, facts, h, name, table, type Child } from "./dom";
import type { Session } from "./session";
import { count, label, nanoseconds, num, plural, t } from "./texts";

const ROW_PX = 36;
const PAGE = 100;
const PRINTED = 300;

function groundLabel(ground: string): string {
  return label("grounds", ground) ?? ground;
}

function pathCell(row: ListedRow): Child {
  if (row.path !== null) return row.path === "" ? code(".") : name(row.path);
  return h("em", {}, t("name_withheld"), row.grounds["name"] ? `${t("colon")}${groundLabel(row.grounds["name"])}` : "");
}

function stateText(row: ListedRow): string {
  return row.state === null ? (label("states", "withheld") ?? "") : (label("states", row.state) ?? row.state);
}

function kindText(row: ListedRow): string {
  return label("kinds", row.kind) ?? row.kind;
}

export class Items {
  readonly element: HTMLElement;
  private readonly search: HTMLInputElement;
  private readonly state: HTMLSelectElement;
  private readonly found: HTMLElement;
  private readonly viewport: HTMLElement;
  private readonly spacer: HTMLElement;
  private readonly detail: HTMLElement;
  private pages = new Map<number, ListedRow[]>();
  private asked = new Set<number>();
  private total = 0;
  private active = 0;
  private round = 0;
  private timer = 0;

  constructor(
    private readonly session: Session,
    private readonly view: View,
  ) {
    this.search = h("input", {
      type: "search",
      id: "search",
      autocomplete: "off",
      spellcheck: "false",
      input: () => this.later(),
    });
    this.state = h(
      "select",
      { id: "state", change: () => void this.restart() },
      h("option", { value: "" }, t("state_all")),
      ...view.states.map(([state, n]) =>
        h("option", { value: state }, `${label("states", state) ?? state} (${num(n)})`),
      ),
    );
    this.found = h("p", { role: "status", class: "found" });
    this.spacer = h("div", { class: "spacer", role: "rowgroup" });
    this.viewport = h(
      "div",
      {
        class: "grid",
        role: "grid",
        tabindex: 0,
        "aria-label": t("items"),
        "aria-colcount": 5,
        scroll: () => this.draw(),
        keydown: (event: KeyboardEvent) => this.press(event),
      },
      h(
        "div",
        { role: "rowgroup", class: "gridhead" },
        h(
          "div",
          { role: "row", class: "gridrow", "aria-rowindex": 1 },
          ...[t("name"), t("kind"), t("state"), t("size"), t("digest_column")].map((head) =>
            h("div", { role: "columnheader" }, head),
          ),
        ),
      ),
      this.spacer,
    );
    this.detail = h("div", { class: "detail", "aria-live": "polite" });
    this.element = h(
      "div",
      {},
      h(
        "div",
        { class: "fields" },
        h("label", { for: "search" }, t("search")),
        this.search,
        h("label", { for: "state" }, t("state")),
        this.state,
      ),
      this.found,
      this.viewport,
      this.detail,
      h("div", { class: "printed" }),
    );
    void this.restart();
    void this.print();
  }

  private later(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.restart(), 200);
  }

  private filter(): { text: string; state: string } {
    return { text: this.search.value, state: this.state.value };
  }

  private async restart(): Promise<void> {
    const round = ++this.round;
    const { total, rows } = await this.session.rows(this.filter(), 0, PAGE);
    if (round !== this.round) return;
    this.pages = new Map([[0, rows]]);
    this.asked = new Set([0]);
    this.total = total;
    this.active = 0;
    this.viewport.scrollTop = 0;
    this.viewport.setAttribute("aria-rowcount", String(total + 1));
    this.spacer.style.height = `${Math.max(1, total) * ROW_PX}px`;
    this.found.textContent = plural("n_rows", total);
    this.detail.replaceChildren();
    this.draw();
  }

  private row(place: number): ListedRow | null {
    const page = Math.floor(place / PAGE);
    const rows = this.pages.get(page);
    if (rows) return rows[place % PAGE] ?? null;
    if (!this.asked.has(page)) {
      this.asked.add(page);
      const round = this.round;
      void this.session.rows(this.filter(), page * PAGE, PAGE).then((answer) => {
        if (round !== this.round) return;
        if (this.pages.size > 50) {
          this.pages.clear();
          this.asked.clear();
        }
        this.pages.set(page, answer.rows);
        this.draw();
      });
    }
    return null;
  }

  private draw(): void {
    const first = Math.max(0, Math.floor(this.viewport.scrollTop / ROW_PX) - 5);
    const last = Math.min(this.total, first + Math.ceil(this.viewport.clientHeight / ROW_PX) + 10);
    const rows: HTMLElement[] = [];
    for (let place = first; place < last; place++) rows.push(this.line(place));
    this.spacer.replaceChildren(...rows);
    if (this.total) this.viewport.setAttribute("aria-activedescendant", `row-${this.active}`);
    else this.viewport.removeAttribute("aria-activedescendant");
  }

  private line(place: number): HTMLElement {
    const row = this.row(place);
    const cells: Child[] = row
      ? [
          pathCell(row),
          kindText(row),
          stateText(row),
          row.size === null ? "" : count(row.size),
          row.sha256 ? code(row.sha256.slice(0, 16)) : "",
        ]
      : ["…", "", "", "", ""];
    const line = h(
      "div",
      {
        role: "row",
        id: `row-${place}`,
        class: place === this.active ? "gridrow active" : "gridrow",
        "aria-rowindex": place + 2,
        "aria-selected": place === this.active ? "true" : "false",
        click: () => this.choose(place),
      },
      ...cells.map((cell) => h("div", { role: "gridcell" }, cell)),
    );
    line.style.top = `${place * ROW_PX}px`;
    return line;
  }

  private press(event: KeyboardEvent): void {
    const screen = Math.max(1, Math.floor(this.viewport.clientHeight / ROW_PX) - 2);
    const moves: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: screen,
      PageUp: -screen,
      Home: -this.total,
      End: this.total,
    };
    if (event.key === "Enter" || event.key === " ") this.choose(this.active);
    else if (Object.hasOwn(moves, event.key)) this.move(this.active + moves[event.key]!);
    else return;
    event.preventDefault();
  }

  private move(to: number): void {
    this.active = Math.max(0, Math.min(this.total - 1, to));
    const top = this.active * ROW_PX;
    const head = ROW_PX;
    if (top < this.viewport.scrollTop) this.viewport.scrollTop = top;
    else if (top + 2 * head > this.viewport.scrollTop + this.viewport.clientHeight)
      this.viewport.scrollTop = top + 2 * head - this.viewport.clientHeight;
    this.draw();
  }

  private choose(place: number): void {
    this.active = place;
    this.draw();
    const row = this.row(place);
    if (row) this.detail.replaceChildren(this.describe(row));
  }

  private describe(row: ListedRow): HTMLElement {
    const exhibit = new Map(this.view.exhibits).get(row.manifest);
    const withheld = Object.entries(row.grounds).map(([group, ground]) =>
      h("li", {}, `${label("groups", group) ?? group}${t("colon")}`, label("grounds", ground) ?? name(ground)),
    );
    return h(
      "div",
      { class: "card inner" },
      h("h3", {}, t("details")),
      facts([
        [t("name"), pathCell(row)],
        [t("catalogue"), h("span", {}, code(row.manifest), exhibit ? " — " : "", exhibit ? code(exhibit) : "")],
        [t("number"), code(row.index)],
        [t("kind"), kindText(row)],
        [t("state"), stateText(row)],
        [t("size"), row.size === null ? "" : count(row.size)],
        [t("digest_column"), row.sha256 && code(row.sha256, "hash")],
        [t("modified"), row.mtime_ns && code(nanoseconds(row.mtime_ns))],
        [t("content_here"), row.payload && code(row.payload)],
        [t("withheld"), withheld.length ? h("ul", {}, ...withheld) : ""],
        [t("where"), code(row.where)],
      ]),
    );
  }

  /** What paper gets: the first rows as a plain table. */
  private async print(): Promise<void> {
    const { total, rows } = await this.session.rows({ text: "", state: "" }, 0, PRINTED);
    const lines = rows.map((row) => [
      pathCell(row),
      kindText(row),
      stateText(row),
      row.size === null ? "" : count(row.size),
      row.sha256 && code(row.sha256, "hash"),
    ]);
    const list = table(t("items"), [t("name"), t("kind"), t("state"), t("size"), t("digest_column")], lines);
    this.element
      .querySelector(".printed")!
      .replaceChildren(total > rows.length ? h("p", {}, t("items_print", { n: num(rows.length) })) : "", list);
  }
}
