// What the conversion ran with, and how to run it again.

import { copyButton } from "../../shared/copy";
import { h } from "../../shared/dom";
import { say } from "../../shared/i18n/language";
import type { PageData } from "../data";
import { section } from "../frame";

export function reproduce(data: PageData): HTMLElement | null {
  if (!data.reproduce.length) return null;
  return section(
    "reproduce",
    "section.reproduce",
    data.reproduce.map((one) =>
      h(
        "div",
        { class: "command" },
        h("p", null, say(one.title)),
        h(
          "div",
          null,
          h("pre", { tabindex: 0 }, one.command),
          copyButton(() => one.command),
        ),
      ),
    ),
  );
}

export function surroundings(data: PageData): HTMLElement | null {
  if (!data.environment.length) return null;
  return section(
    "surroundings",
    "section.surroundings",
    h(
      "dl",
      { class: "environment" },
      data.environment.map((one) => h("div", null, h("dt", null, one.name), h("dd", null, h("code", null, one.value)))),
    ),
  );
}
