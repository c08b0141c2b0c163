// The frame of the page: head, contents, sections.

import { h, type Child } from "../shared/dom";
import { common, languageSwitch, themeSwitch } from "../shared/switches";
import type { PageData } from "./data";
import { w, type Word } from "./i18n/words";
import { onPrint } from "./print";

/** A part of the page with its heading; `id` is what links lead to. */
export function section(id: string, title: Word, ...children: Child[]): HTMLElement {
  return h("section", { id, "aria-labelledby": `${id}-title` }, h("h2", { id: `${id}-title` }, w(title)), children);
}

/** A part of a section. */
export const part = (title: Child, ...children: Child[]): HTMLElement =>
  h("div", { class: "part" }, h("h3", null, title), children);

/** Tables of more rows scroll by themselves. */
const MANY = 24;

/**
 * A table with its caption.
 *
 * @param numbers The columns that hold numbers.
 * @param titled Whether a heading says already what the caption says; then the caption is only heard.
 */
export function table(
  caption: Child,
  head: readonly Child[],
  rows: ReadonlyArray<readonly Child[]>,
  numbers: ReadonlySet<number> = new Set(),
  titled = false,
): HTMLElement {
  const kind = (place: number): string | undefined => (numbers.has(place) ? "number" : undefined);
  return h(
    "div",
    {
      class: rows.length > MANY ? "table tall" : "table",
      tabindex: 0,
      role: "group",
      "aria-label": typeof caption === "function" ? caption : null,
    },
    h(
      "table",
      null,
      h("caption", { class: titled && "visually-hidden" }, caption),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          head.map((cell, place) => h("th", { scope: "col", class: kind(place) }, cell)),
        ),
      ),
      h(
        "tbody",
        null,
        rows.map((row) =>
          h(
            "tr",
            null,
            row.map((cell, place) =>
              place ? h("td", { class: kind(place) }, cell) : h("th", { scope: "row", class: kind(place) }, cell),
            ),
          ),
        ),
      ),
    ),
  );
}

/** Names and what they have; those without anything are left out. */
export function facts(...rows: ReadonlyArray<readonly [Child, Child] | null | false>): HTMLElement {
  return h(
    "dl",
    { class: "facts" },
    rows.flatMap((row) =>
      row && row[1] !== "" && row[1] !== null ? [h("dt", null, row[0]), h("dd", null, row[1])] : [],
    ),
  );
}

export function fold(title: Child, open: boolean, ...children: Child[]): HTMLDetailsElement {
  return h("details", { open }, h("summary", null, title), children);
}

/** A fold whose content is made when it is opened first, or on paper. */
export function later(title: Child, make: () => Child): HTMLDetailsElement {
  const made = fold(title, false);
  let empty = true;
  const build = (): void => {
    if (empty) made.append(h("div", null, make()));
    empty = false;
  };
  made.addEventListener("toggle", build);
  onPrint(build, () => {});
  return made;
}

/** Everything round the sections. */
export function frame(data: PageData, sections: readonly HTMLElement[]): HTMLElement[] {
  const model = data.report.model.path.split(/[/\\]/).at(-1) ?? "";
  const links = sections.map((one) => h("li", null, h("a", { href: `#${one.id}` }, w(`section.${one.id}` as Word))));
  follow(sections, links);
  return [
    h("a", { class: "skip", href: "#verdict" }, common("skip")),
    h(
      "header",
      { class: "head" },
      h("p", { class: "brand" }, "rkmend"),
      h(
        "p",
        { class: "subject" },
        h("span", { class: "model" }, model),
        h("span", { class: "target" }, data.report.target),
      ),
      h("div", { class: "switches" }, languageSwitch(), themeSwitch()),
    ),
    h(
      "div",
      { class: "columns" },
      h("nav", { class: "contents", "aria-label": w("contents") }, h("ol", null, links)),
      h("main", { id: "content" }, sections),
    ),
    h(
      "footer",
      null,
      w("made", {
        time: () => new Date(data.made).toISOString().slice(0, 16).replace("T", " ") + " UTC",
        version: data.rkmend,
        hash: data.report.model.sha256,
      }),
    ),
  ];
}

/** Marks the section that is being read in the contents. */
function follow(sections: readonly HTMLElement[], items: readonly HTMLElement[]): void {
  const seen = new Set<Element>();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) isIntersecting ? seen.add(target) : seen.delete(target);
      const first = sections.findIndex((one) => seen.has(one));
      items.forEach((item, place) => {
        const link = item.querySelector("a")!;
        if (place === first) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      });
    },
    { rootMargin: "-20% 0% -60% 0%" },
  );
  for (const one of sections) observer.observe(one);
}
