// Small parts that several views have.

import { bytes } from "../shared/format";
import { h, type Child } from "../shared/dom";
import { language, say } from "../shared/i18n/language";
import type { Problem, RunInList, Shape } from "./data";
import { w, type Word } from "./i18n/words";

/** What is wrong and what to do, read out at once. */
export function problemBox(problem: Problem, ...more: Child[]): HTMLElement {
  const hint = problem.hint.en ? h("p", { class: "hint" }, say(problem.hint)) : null;
  return h("div", { class: "problem", role: "alert" }, h("p", null, say(problem.message)), hint, more);
}

export const section = (title: Child, ...children: Child[]): HTMLElement =>
  h("section", { class: "card" }, h("h2", null, title), children);

/** A table that scrolls by itself where it is too wide. */
export function table(head: readonly Child[], rows: ReadonlyArray<readonly Child[]>, label: () => string): HTMLElement {
  const body = rows.map((row) =>
    h(
      "tr",
      null,
      row.map((cell, place) => (place ? h("td", null, cell) : h("th", { scope: "row" }, cell))),
    ),
  );
  return h(
    "div",
    { class: "table", tabindex: 0, role: "group", "aria-label": label },
    h(
      "table",
      null,
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          head.map((cell) => h("th", { scope: "col" }, cell)),
        ),
      ),
      h("tbody", null, body),
    ),
  );
}

let choosers = 0;

/** A file input that looks like a button; the keyboard reaches the input itself. */
export function chooser(
  label: () => string,
  chosen: (files: File[]) => void,
  multiple = true,
  accept = "",
): HTMLElement {
  const id = `chooser-${++choosers}`;
  const input = h("input", { id, type: "file", class: "visually-hidden", multiple, accept: accept || null });
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    input.value = "";
    if (files.length) chosen(files);
  });
  return h("span", { class: "chooser" }, input, h("label", { for: id, class: "button" }, label));
}

export const shapeText = (shape: Shape): string =>
  shape.length === 0 ? "()" : shape.map((size) => (size === null ? "?" : String(size))).join(" × ");

/** What a run is at, in one word, and the colour that goes with it. */
export function stateOf(run: RunInList): { word: Word; tone: "good" | "bad" | "busy" | "quiet" } {
  if (run.state === "done") {
    const tone = run.status === "refused" || run.status === "environment" ? "bad" : "good";
    return { word: `status.${run.status}` as Word, tone };
  }
  const tone = run.state === "failed" ? "bad" : run.state === "running" || run.state === "queued" ? "busy" : "quiet";
  return { word: `state.${run.state}`, tone };
}

export function badge(run: RunInList): HTMLElement {
  const { word, tone } = stateOf(run);
  return h("span", { class: `badge ${tone}` }, w(word));
}

const locale = (): string => (language() === "zh" ? "zh-CN" : "en-GB");

/** A time as the reader's language writes it; the day is left out today. */
export function when(iso: string): () => string {
  const time = new Date(iso);
  const today = time.toDateString() === new Date().toDateString();
  return () =>
    time.toLocaleString(locale(), today ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" });
}

/** How long something took or takes, in whole seconds. */
export function duration(from: string, to: string): string {
  const all = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  return all < 60 ? `${all} s` : `${Math.floor(all / 60)} min ${all % 60} s`;
}

export const size = (value: number): string => bytes(value);
