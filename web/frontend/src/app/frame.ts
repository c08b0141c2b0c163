// The frame: head, the list of runs beside the view, and what is said when the server is away.

import { fill, h } from "../shared/dom";
import { common, languageSwitch, themeSwitch } from "../shared/switches";
import type { Runs } from "./data";
import { w } from "./i18n/words";
import { badge, size, when } from "./parts";

export interface Frame {
  readonly element: HTMLElement;
  readonly main: HTMLElement;
  /** Shows the runs, the one that is looked at marked. */
  list(runs: Runs, current: string | null): void;
  reached(reached: boolean): void;
  /** Marks the page of the head that is looked at. */
  at(page: string): void;
}

export function frame(version: string): Frame {
  const main = h("main", { id: "main", tabindex: -1 });
  const away = h("p", { class: "away", role: "alert", hidden: true }, w("lost.long"));
  const links = (["new", "log"] as const).map((page) =>
    h("a", { href: page === "new" ? "#/" : "#/log", "data-page": page }, w(`nav.${page}`)),
  );
  const runs = h("div", { class: "runs" });
  const element = h(
    "div",
    { class: "frame" },
    h(
      "a",
      { class: "skip", href: "#main", onclick: (event: Event) => (event.preventDefault(), main.focus()) },
      common("skip"),
    ),
    h(
      "header",
      { class: "head" },
      h("a", { class: "brand", href: "#/" }, "rkmend", h("span", { class: "version" }, ` ${version}`)),
      h("nav", { "aria-label": w("nav") }, links),
      h("div", { class: "switches" }, languageSwitch(), themeSwitch()),
    ),
    away,
    h(
      "div",
      { class: "columns" },
      main,
      h("aside", { "aria-labelledby": "runs-title" }, h("h2", { id: "runs-title" }, w("runs.title")), runs),
    ),
  );
  return {
    element,
    main,
    list: (all, current) => fill(runs, list(all, current)),
    reached: (reached) => (away.hidden = reached),
    at: (page) => {
      for (const link of links)
        if (link.dataset["page"] === page) link.setAttribute("aria-current", "page");
        else link.removeAttribute("aria-current");
    },
  };
}

function list({ runs, bytes, most_bytes }: Runs, current: string | null): HTMLElement[] {
  if (!runs.length) return [h("p", { class: "quiet" }, w("runs.none"))];
  const items = runs.map((run) =>
    h(
      "li",
      null,
      h(
        "a",
        { href: `#/run/${run.id}`, "aria-current": run.id === current && "true" },
        h("span", { class: "name", title: run.name }, run.name),
        badge(run),
        h("span", { class: "about" }, `${run.asked.target} · ${run.asked.dtype}`),
        h("span", { class: "about" }, h("time", { datetime: run.created }, when(run.created)), ` · ${size(run.bytes)}`),
      ),
    ),
  );
  return [
    h("ul", null, items),
    h("p", { class: "quiet" }, w("runs.size", { used: size(bytes), most: size(most_bytes) })),
  ];
}
