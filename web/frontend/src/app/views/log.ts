// A log that was pasted, and what it says.

import { fill, h } from "../../shared/dom";
import { say } from "../../shared/i18n/language";
import * as api from "../api";
import type { About } from "../data";
import { w } from "../i18n/words";
import type { View } from "../main";
import { chooser, problemBox, section, size } from "../parts";

export function logView(about: About): View {
  const area = h("textarea", { id: "log-text", rows: 14, spellcheck: "false", autocomplete: "off" });
  const out = h("div", { "aria-live": "polite" });
  const read = async (): Promise<void> => {
    // The end of a log tells what failed. A character has up to four bytes.
    const text = area.value.slice(-Math.floor(about.log_bytes / 4));
    const cut =
      text.length < area.value.length &&
      h("p", { class: "quiet" }, w("log.large", { size: size(about.log_bytes / 4) }));
    try {
      const told = await api.readLog(text);
      fill(out, section(w("log.result"), cut, h("pre", { class: "story" }, say(told.story))));
    } catch (error) {
      fill(out, problemBox(api.problemOf(error)));
    }
  };
  const take = async ([file]: File[]): Promise<void> => {
    if (!file) return;
    area.value = await file.slice(-Math.floor(about.log_bytes / 4)).text();
    await read();
  };
  const element = h(
    "div",
    { class: "view" },
    h("h1", null, w("log.title")),
    h("p", { class: "lead" }, w("log.lead")),
    h(
      "form",
      { class: "card", onsubmit: (event: Event) => (event.preventDefault(), void read()) },
      h("label", { for: "log-text" }, w("log.label")),
      area,
      h(
        "p",
        { class: "actions" },
        h("button", { type: "submit", class: "primary" }, w("log.read")),
        chooser(w("log.file"), (files) => void take(files), false),
      ),
    ),
    out,
  );
  return { element, title: w("log.title") };
}
