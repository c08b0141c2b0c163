// Every trial, and its log: folded, and searched all at once.

import { fill, h, type Child } from "../../shared/dom";
import { seconds } from "../../shared/format";
import { say } from "../../shared/i18n/language";
import type { Log, PageData } from "../data";
import { section, table } from "../frame";
import { en } from "../i18n/en";
import { w, type Word } from "../i18n/words";

/** Lists of more logs scroll by themselves. */
const MANY = 16;
/** More marks than this would make the page slow; all lines are counted. */
const MARKED = 500;

export function trials(data: PageData): HTMLElement | null {
  const all = data.report.trials;
  if (!all.length) return null;
  const log = new Map(data.logs.map((one) => [one.folder, one]));
  const opened = new Map<string, LogView>();
  const views: LogView[] = [];
  all.forEach((trial, place) => {
    const found = log.get(trial.folder);
    if (!found || opened.has(trial.folder)) return;
    const view = new LogView(found, w("trial.log", { number: place + 1 }));
    opened.set(trial.folder, view);
    views.push(view);
  });
  const word = (outcome: string): Child => (`verdict.${outcome}` in en ? w(`verdict.${outcome}` as Word) : outcome);
  const rows = all.map((trial, place): Child[] => {
    const view = opened.get(trial.folder);
    const label = data.told.trials[place];
    const signature = trial.signature;
    return [
      view
        ? h(
            "button",
            {
              type: "button",
              class: "link",
              "aria-label": w("trial.log", { number: place + 1 }),
              onclick: () => view.open(),
            },
            place + 1,
          )
        : place + 1,
      label ? say(label) : trial.label,
      h("span", { class: `outcome ${trial.outcome === "converted" ? "good" : "bad"}` }, word(trial.outcome)),
      signature ? h("code", null, [signature.stage, signature.kind, signature.message].filter(Boolean).join(": ")) : "",
      trial.cached ? w("trial.remembered") : () => seconds(trial.seconds),
    ];
  });
  const remembered = all.filter((trial) => trial.cached).length;
  return section(
    "trials",
    "section.trials",
    table(
      w("trials.caption", { count: all.length, remembered, seconds: () => seconds(data.report.seconds) }),
      [w("trial.number"), w("trial.what"), w("trial.outcome"), w("trial.signature"), w("trial.seconds")],
      rows,
      new Set([4]),
    ),
    views.length > 0 &&
      h(
        "div",
        { class: "part logs" },
        h("h3", null, w("logs")),
        search(views),
        h(
          "div",
          { class: views.length > MANY ? "tall" : "" },
          views.map((view) => view.element),
        ),
      ),
  );
}

/** One log; its text is put into the page when it is opened. */
class LogView {
  readonly element: HTMLDetailsElement;
  private readonly text = h("pre", { tabindex: 0 });
  private readonly count = h("span", { class: "said" });
  private words = "";
  private stale = true;

  private readonly content: string;

  constructor(log: Log, title: () => string) {
    this.content = plain(log.text);
    this.text.setAttribute("aria-label", log.folder);
    this.text.setAttribute("role", "region");
    const note = log.cut && h("span", { class: "faint" }, " ", w("trial.cut"));
    this.element = h(
      "details",
      { class: "log" },
      h("summary", null, title, " ", h("code", null, log.folder), note, " ", this.count),
      this.text,
    );
    this.element.addEventListener("toggle", () => this.write());
  }

  open(): void {
    this.element.open = true;
    this.write();
    this.element.querySelector("summary")!.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "start" });
  }

  /** Looks for words; gives the number of lines that have them. */
  find(words: string): number {
    this.words = words.toLowerCase();
    this.stale = true;
    const lines = words ? this.content.split("\n").filter((line) => line.toLowerCase().includes(this.words)).length : 0;
    this.count.textContent = words ? `(${lines})` : "";
    this.element.classList.toggle("without", words !== "" && !lines);
    this.write();
    return lines;
  }

  private write(): void {
    if (!this.element.open || !this.stale) return;
    this.stale = false;
    fill(this.text, marked(this.content, this.words));
  }
}

/** As a terminal shows it: without colours, and of a line that is written over the last state. */
export const plain = (log: string): string =>
  log
    .replace(/\r\n/g, "\n")
    .replace(/[^\n]*\r(?=[^\n])/g, "")
    .replace(/\x1b\[[0-9;?]*[A-Za-z]/g, "");

/** A text in which every place that has the words is marked. */
export function marked(text: string, words: string): Child[] {
  if (!words) return [text];
  const parts: Child[] = [];
  const low = text.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(words); at >= 0 && parts.length < 2 * MARKED; at = low.indexOf(words, from)) {
    parts.push(text.slice(from, at), h("mark", null, text.slice(at, at + words.length)));
    from = at + words.length;
  }
  return [...parts, text.slice(from)];
}

function search(views: readonly LogView[]): HTMLElement {
  const said = h("span", { class: "said", role: "status" });
  const input = h("input", {
    type: "search",
    placeholder: w("logs.search"),
    "aria-label": w("logs.search"),
    autocomplete: "off",
  });
  let at = -1;
  const look = (): void => {
    const found = views.map((view) => view.find(input.value)).filter(Boolean);
    const count = found.reduce((sum, one) => sum + one, 0);
    fill(said, input.value !== "" && w("logs.found", { count, logs: found.length }));
    at = -1;
  };
  const go = (by: number): void => {
    if (!input.value) return;
    for (const view of views) if (!view.element.classList.contains("without")) view.element.open = true;
    for (const view of views) view.find(input.value);
    const marks = [...document.querySelectorAll(".log mark")];
    if (!marks.length) return;
    marks.forEach((mark) => mark.classList.remove("current"));
    at = (at + by + marks.length) % marks.length;
    marks[at]!.classList.add("current");
    marks[at]!.scrollIntoView({ block: "center" });
  };
  input.addEventListener("input", look);
  input.addEventListener("keydown", (event) => event.key === "Enter" && go(event.shiftKey ? -1 : 1));
  return h(
    "div",
    { class: "search" },
    input,
    h("button", { type: "button", onclick: () => go(-1) }, w("logs.previous")),
    h("button", { type: "button", onclick: () => go(1) }, w("logs.next")),
    said,
  );
}
