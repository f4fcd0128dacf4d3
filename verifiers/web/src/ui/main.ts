/** The page: what is to be checked, a verification under way, its result. */

import type { Progress } from "../engine/index";
import { h, name, type Child } from "./dom";
import type { Opened } from "./messages";
import { chosen, dropped } from "./opened";
import { reportPage, type Result } from "./report";
import { Session } from "./session";
import { CATALOGUES, catalogue, count, plural, preferred, speak, t, type Key } from "./texts";
import { visible } from "./visible";

type Slot = "evidence" | "policy";

const LOOKS = ["auto", "light", "dark", "contrast"] as const;
const PHASES: Record<Progress["phase"], Key> = {
  list: "phase_list",
  hash: "phase_hash",
  lines: "phase_lines",
  log: "phase_log",
  rows: "phase_rows",
  done: "phase_done",
};

const given: { evidence: Opened | null; policy: Opened | null; since: string; digest: string; identity: string } = {
  evidence: null,
  policy: null,
  since: "",
  digest: "",
  identity: "",
};
let look: (typeof LOOKS)[number] = "auto";
let session: Session | null = null;
let result: Result | null = null;
let trouble: { key: Key; words: string } | null = null;
let working: { bar: HTMLProgressElement; phase: HTMLElement; detail: HTMLElement } | null = null;

const main = document.querySelector("main")!;
const live = document.querySelector("#live")!;

function announce(text: string): void {
  live.textContent = text;
}

function described(opened: Opened): Child[] {
  return [
    name(opened.name),
    " ",
    "file" in opened
      ? h("span", { class: "small" }, `(${count(String(opened.file.size))} B)`)
      : h("span", { class: "small" }, `(${plural("n_files", opened.files.length)})`),
  ];
}

// --- what is given ------------------------------------------------------------------------------------------------

function take(slot: Slot, opened: Opened | null): void {
  given[slot] = opened;
  trouble = null;
  draw();
  if (opened) announce(`${t("chosen")}${t("colon")}${visible(opened.name)}`);
  document.getElementById(opened ? (slot === "evidence" ? "start" : "policy-remove") : `${slot}-folder`)?.focus();
}

function picker(slot: Slot, folder: boolean, title: string): HTMLElement {
  const input = h("input", {
    type: "file",
    class: "unseen",
    tabindex: -1,
    "aria-hidden": "true",
    id: `${slot}-${folder ? "folder" : "file"}-input`,
    webkitdirectory: folder,
    change: () => take(slot, input.files && chosen(input.files)),
  });
  const button = h(
    "button",
    { type: "button", id: `${slot}-${folder ? "folder" : "file"}`, click: () => input.click() },
    title,
  );
  return h("span", {}, button, input);
}

function zone(slot: Slot, children: Child[]): HTMLElement {
  const over = (event: DragEvent): void => {
    event.preventDefault();
    box.classList.toggle("over", event.type === "dragover");
  };
  const drop = async (event: DragEvent): Promise<void> => {
    event.preventDefault();
    event.stopPropagation();
    box.classList.remove("over");
    if (!event.dataTransfer) return;
    const note = box.querySelector(".chosen")!;
    const heard = (files: number): void => {
      if (files % 500 === 0) note.textContent = `${t("phase_list")}${t("colon")}${plural("n_files", files)}`;
    };
    try {
      take(slot, await dropped(event.dataTransfer, heard));
    } catch (error) {
      trouble = { key: "usage", words: error instanceof Error ? error.message : String(error) };
      draw();
    }
  };
  const box = h(
    "div",
    {
      class: "zone",
      id: `${slot}-zone`,
      dragover: over,
      dragleave: over,
      drop: (event: DragEvent) => void drop(event),
    },
    ...children,
  );
  return box;
}

function holding(slot: Slot): HTMLElement {
  const opened = given[slot];
  if (!opened) return h("p", { class: "chosen none" }, t("nothing_chosen"));
  return h(
    "p",
    { class: "chosen" },
    `${t("chosen")}${t("colon")}`,
    ...described(opened),
    " ",
    h("button", { type: "button", class: "quiet", id: `${slot}-remove`, click: () => take(slot, null) }, t("remove")),
  );
}

function field(id: "since" | "digest" | "identity", title: string, help: string, long: boolean): HTMLElement {
  const attributes = {
    id,
    "aria-describedby": help ? `${id}-help` : null,
    autocomplete: "off",
    spellcheck: "false",
    dir: "ltr",
    input: () => void (given[id] = box.value),
  };
  const box: HTMLInputElement | HTMLTextAreaElement = long
    ? h("textarea", { ...attributes, rows: 4 })
    : h("input", { ...attributes, type: id === "identity" ? "password" : "text" });
  box.value = given[id];
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, title),
    help ? h("p", { id: `${id}-help`, class: "small" }, help) : null,
    box,
  );
}

function form(): HTMLElement {
  const encrypted = given.evidence !== null && "file" in given.evidence && /\.age$/i.test(given.evidence.name);
  return h(
    "form",
    {
      submit: (event: Event) => {
        event.preventDefault();
        start();
      },
    },
    h("p", { class: "tagline" }, t("tagline")),
    trouble &&
      h(
        "div",
        { class: "alarm card", role: "alert" },
        h("p", {}, t(trouble.key)),
        trouble.words
          ? h("p", {}, h("span", { lang: "en", dir: "ltr", class: "words" }, visible(trouble.words)))
          : null,
      ),
    h(
      "section",
      { class: "card", "aria-labelledby": "evidence-title" },
      h("h2", { id: "evidence-title" }, t("evidence")),
      zone("evidence", [
        h("p", { class: "big" }, t("drop")),
        h("p", { class: "small" }, t("drop_forms")),
        h(
          "p",
          { class: "buttons" },
          picker("evidence", false, t("choose_file")),
          picker("evidence", true, t("choose_folder")),
        ),
        holding("evidence"),
      ]),
      h("p", { class: "small" }, t("folder_note")),
      encrypted && field("identity", t("identity"), t("identity_help"), false),
    ),
    h(
      "section",
      { class: "card", "aria-labelledby": "policy-title" },
      h("h2", { id: "policy-title" }, t("policy")),
      h("p", {}, t("policy_help")),
      zone("policy", [h("p", { class: "buttons" }, picker("policy", true, t("choose_policy"))), holding("policy")]),
    ),
    h(
      "details",
      {
        class: "card",
        id: "more",
        open: given.since !== "" || given.digest !== "" || (given.identity !== "" && !encrypted),
      },
      h("summary", {}, t("more")),
      field("since", t("since"), t("since_help"), true),
      field("digest", t("digest"), "", false),
      !encrypted && field("identity", t("identity"), t("identity_help"), false),
    ),
    h(
      "p",
      { class: "actions" },
      h("button", { type: "submit", class: "main", id: "start", disabled: given.evidence === null }, t("start")),
    ),
  );
}

// --- a verification -----------------------------------------------------------------------------------------------

function start(): void {
  if (!given.evidence) return;
  const digest = given.digest.replace(/[\s-]/g, "");
  if (digest && !/^[0-9a-fA-F]{64}$/.test(digest)) {
    trouble = { key: "digest_form", words: "" };
    draw();
    return;
  }
  trouble = null;
  const { evidence, policy, since, identity } = given;
  const own = new Session(
    { ask: "verify", evidence, policy, since, identity },
    {
      progress: (progress) => session === own && show(progress),
      done: (report, view) => {
        if (session !== own) return;
        result = {
          name: evidence.name,
          policy: policy?.name ?? null,
          since,
          digest,
          at: new Date(),
          report,
          view,
          session: own,
        };
        finish(`${t("finished")}${t("colon")}${catalogue().verdicts[report.verdict].title}`);
        document.getElementById("verdict-title")?.focus();
      },
      failed: (usage, message) => {
        if (session !== own) return;
        stop();
        trouble = { key: usage ? "usage" : "crashed", words: message };
        finish(t(trouble.key));
      },
    },
  );
  session = own;
  working = {
    bar: h("progress", { id: "progress", "aria-label": t("working") }),
    phase: h("p", { class: "big" }),
    detail: h("p", { class: "small" }),
  };
  announce(t("working"));
  draw();
  document.getElementById("cancel")?.focus();
}

function show({ phase, done, total, name: place }: Progress): void {
  if (!working) return;
  const text = t(PHASES[phase]);
  if (working.phase.textContent !== text) {
    working.phase.textContent = text;
    announce(text);
  }
  if (total !== null && total > 0) {
    working.bar.max = total;
    working.bar.value = Math.min(done, total);
  } else working.bar.removeAttribute("value");
  working.detail.replaceChildren(
    total === null ? count(String(done)) : t("progress_of", { done: count(String(done)), total: count(String(total)) }),
    " ",
    name(place),
  );
}

function stop(): void {
  session?.end();
  session = null;
}

function finish(said: string): void {
  working = null;
  draw();
  announce(said);
}

function progressCard(): HTMLElement {
  const { bar, phase, detail } = working!;
  const cancel = (): void => {
    stop();
    trouble = { key: "cancelled", words: "" };
    finish(t("cancelled"));
    document.getElementById("start")?.focus();
  };
  return h(
    "section",
    { class: "card", "aria-labelledby": "working-title" },
    h("h2", { id: "working-title" }, t("working")),
    phase,
    bar,
    detail,
    h("p", { class: "actions" }, h("button", { type: "button", id: "cancel", click: cancel }, t("cancel"))),
  );
}

function again(): void {
  stop();
  result = null;
  given.evidence = null;
  given.identity = "";
  draw();
  document.getElementById("evidence-file")?.focus();
}

// --- the frame ----------------------------------------------------------------------------------------------------

function switches(): HTMLElement[] {
  const language = h(
    "select",
    {
      id: "language",
      change: () => {
        speak(language.value);
        draw();
        document.getElementById("language")?.focus();
      },
    },
    ...CATALOGUES.map((one) =>
      h("option", { value: one.language, lang: one.language, selected: one === catalogue() }, one.name),
    ),
  );
  const appearance = h(
    "select",
    {
      id: "appearance",
      change: () => {
        look = appearance.value as typeof look;
        document.documentElement.dataset["look"] = look;
      },
    },
    ...LOOKS.map((one) => h("option", { value: one, selected: one === look }, t(`appearance_${one}`))),
  );
  return [
    h("label", { for: "language" }, t("language")),
    language,
    h("label", { for: "appearance" }, t("appearance")),
    appearance,
  ];
}

function draw(): void {
  const { language, direction, status } = catalogue();
  document.documentElement.lang = language;
  document.documentElement.dir = direction;
  document.title = t("title");
  document.querySelector("h1")!.textContent = t("title");
  document.querySelector("#skip")!.textContent = t("skip");
  document.querySelector("#switches")!.replaceChildren(...switches());
  document
    .querySelector("footer")!
    .replaceChildren(
      ...(status === "draft" ? [h("p", { class: "draft" }, t("draft"))] : []),
      h("p", {}, t("about"), " ", h("bdi", { dir: "ltr" }, __VERSION__)),
    );
  main.replaceChildren(working ? progressCard() : result ? reportPage(result, again) : form());
}

for (const type of ["dragover", "drop"]) document.addEventListener(type, (event) => event.preventDefault());
speak(preferred(navigator.languages));
draw();
