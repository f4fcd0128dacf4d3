/** Elements out of plain values. Nothing here or elsewhere parses markup: every string becomes text. */

import { pieces } from "./visible";

export type Child = Node | string | null | undefined | false;
type Attributes = Record<string, string | number | boolean | null | undefined | ((event: never) => void)>;

const SVG = "http://www.w3.org/2000/svg";

function fill(element: Element, attributes: Attributes, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name, value as unknown as EventListener);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null && child !== undefined && child !== false) element.append(child);
}

/** An element: attributes that are functions are listeners, `true` stands without a value. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  fill(element, attributes, children);
  return element;
}

export function svg(tag: string, attributes: Attributes = {}, ...children: Child[]): SVGElement {
  const element = document.createElementNS(SVG, tag) as SVGElement;
  fill(element, attributes, children);
  return element;
}

/** What was written out looks different from the same letters in the text. */
function shown(text: string): Child[] {
  return pieces(text).map((piece) =>
    piece.escaped ? h("span", { class: "escaped", dir: "ltr" }, piece.text) : piece.text,
  );
}

/** A name out of evidence: its own direction, apart from the text around it. */
export function name(text: string): HTMLElement {
  return h("bdi", { class: "value" }, ...shown(text));
}

/** A path, a digest, a key, a time: left to right whatever the page's direction. */
export function code(text: string, kind = "code"): HTMLElement {
  return h("bdi", { class: kind, dir: "ltr", translate: "no" }, ...shown(text));
}

/** A text of the catalogue, in which `…` between backticks is a command, left to right. */
export function prose(text: string): DocumentFragment {
  const out = document.createDocumentFragment();
  text.split(/`([^`]*)`/).forEach((part, i) => out.append(i % 2 ? code(part) : part));
  return out;
}

/** A table with a caption for readers who do not see it. Cells of the first column are headers of their row. */
export function table(caption: string, heads: string[], rows: Child[][], kind = ""): HTMLElement {
  const cells = (row: Child[]): HTMLElement[] =>
    row.map((cell, i) => (i === 0 ? h("th", { scope: "row" }, cell) : h("td", {}, cell)));
  return h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      { class: kind },
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, ...heads.map((head) => h("th", { scope: "col" }, head)))),
      h("tbody", {}, ...rows.map((row) => h("tr", {}, ...cells(row)))),
    ),
  );
}

/** Terms with what they are; pairs whose second is empty are left out. */
export function facts(pairs: [string, Child][]): HTMLElement {
  const list = h("dl", { class: "facts" });
  for (const [term, value] of pairs) if (value) list.append(h("div", {}, h("dt", {}, term), h("dd", {}, value)));
  return list;
}
