// The answer, the files, before and after.

import { h, s, type Child } from "../../shared/dom";
import { bytes } from "../../shared/format";
import { say } from "../../shared/i18n/language";
import type { Comparison, PageData, PageFile } from "../data";
import { facts, section, table } from "../frame";
import { en } from "../i18n/en";
import { w, type Word } from "../i18n/words";

const SHAPES: Record<string, string> = {
  good: "M3.5 8.5 L6.8 11.8 L12.5 4.8",
  partial: "M4 8 H12",
  bad: "M4.5 4.5 L11.5 11.5 M11.5 4.5 L4.5 11.5",
};

export function verdict(data: PageData): HTMLElement {
  const { headline, texts, told } = data;
  const kind = ["converted", "mended"].includes(headline.status)
    ? "good"
    : headline.status === "partial"
      ? "partial"
      : "bad";
  const text = (key: string): Child => (texts[key] ? say(texts[key]) : null);
  const made = section(
    "verdict",
    "section.verdict",
    h(
      "p",
      { class: `answer ${kind}` },
      s("svg", { viewBox: "0 0 16 16", class: "mark", "aria-hidden": "true" }, s("path", { d: SHAPES[kind]! })),
      h("span", null, say(headline.text)),
    ),
    facts(
      [w("verdict.failure"), text("failure")],
      [w("verdict.why"), text("why")],
      [w("verdict.tail"), text("tail")],
      [w("verdict.interface"), told.interface.length ? told.interface.map((one) => h("p", null, say(one))) : null],
    ),
    h("div", { class: "pair" }, compared(data.compare), files(headline.files)),
    [...told.notes, ...data.notes].map((note) => h("p", { class: "note" }, say(note))),
  );
  made.querySelector("h2")!.classList.add("visually-hidden");
  return made;
}

function compared(rows: readonly Comparison[]): HTMLElement {
  const cell = (text: Comparison["before"]): Child =>
    text
      ? h("span", { class: /^[\d.,]+( \w+)?$/.test(text.en) && "figure" }, say(text))
      : h("span", { class: "faint" }, "–", h("span", { class: "visually-hidden" }, w("compare.unknown")));
  const judged = (better: boolean): HTMLElement =>
    h(
      "span",
      { class: better ? "better" : "worse" },
      better ? "▲ " : "▼ ",
      w(better ? "compare.better" : "compare.worse"),
    );
  return table(
    w("compare.caption"),
    [w("compare.what"), w("compare.before"), w("compare.after"), ""],
    rows.map((row) => [
      say(row.what),
      cell(row.before),
      cell(row.after),
      row.better === null ? "" : judged(row.better),
    ]),
  );
}

function files(list: readonly PageFile[]): HTMLElement {
  const kind = (one: PageFile): Child => {
    const word = `file.${one.kind}`;
    return word in en ? w(word as Word) : one.kind;
  };
  return table(
    w("files.caption"),
    [w("file.name"), w("file.kind"), w("file.size")],
    list.map((one) => [
      /^[^:/\\][^:\\]*$/.test(one.href)
        ? h("a", { href: one.href }, h("code", null, one.name))
        : h("code", null, one.name),
      kind(one),
      one.bytes ? () => bytes(one.bytes) : w("file.gone"),
    ]),
    new Set([2]),
  );
}
