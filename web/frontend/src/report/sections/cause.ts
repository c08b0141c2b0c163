// Why it fails: the predicate, the frontier, what was tried.

import { h, type Child } from "../../shared/dom";
import { say } from "../../shared/i18n/language";
import type { Experiment, PageData, Text } from "../data";
import { fold, part, section, table } from "../frame";
import { en } from "../i18n/en";
import { w, type Word } from "../i18n/words";
import { picture } from "../picture";

const GROUPS = ["advice", "factor", "surroundings"] as const;

export function cause(data: PageData): HTMLElement | null {
  const known = data.report.cause;
  const rules = data.told.findings;
  if (!known && !rules.length) return null;
  const frontiers = data.pictures.filter((one) => one.kind === "frontier");
  const told = data.texts["cause"];
  return section(
    "cause",
    "section.cause",
    known && [
      h(
        "p",
        { class: "lead" },
        h(
          "span",
          { class: `tag ${known.established ? "good" : "open"}` },
          w(known.established ? "cause.established" : "cause.open"),
        ),
        " ",
        told ? say(told) : say({ en: known.text, zh: known.text_zh }),
      ),
      known.confirmed_on &&
        h("p", null, w("cause.confirmed", { agreed: known.confirmed_on.agreed, total: known.confirmed_on.total })),
      known.without_influence.length > 0 &&
        h("p", null, w("cause.without"), ": ", h("code", null, known.without_influence.join(", "))),
    ],
    !known && h("p", { class: "faint" }, w("cause.none")),
    !known?.established && believed(data),
    frontiers.map(picture),
    known && experiments(known.experiments, data.told.experiments),
  );
}

/** What the rules say of the culprits; of each rule one in full. */
function believed(data: PageData): Child[] {
  const alike = new Map<string, Text[]>();
  data.report.findings.forEach(({ code }, place) => {
    const text = data.told.findings[place];
    if (text) alike.set(code, [...(alike.get(code) ?? []), text]);
  });
  return [...alike].map(([code, [first, ...rest]]) => [
    h("p", { class: "lead" }, h("a", { href: `#rule-${code}` }, code), " ", say(first!)),
    rest.length > 0 &&
      fold(
        w("cause.alike", { code, count: rest.length }),
        false,
        rest.map((text) => h("p", null, say(text))),
      ),
  ]);
}

/** How much of what is often advised helps. */
function summed(advice: readonly Experiment[]): HTMLElement {
  const tried = advice.filter((one) => one.outcome !== "not tried" && one.outcome !== "no valid model");
  const converted = tried.filter((one) => one.outcome === "converted");
  const other = converted.filter((one) => one.exactness === "changes-model").length;
  const values = {
    tried: tried.length,
    failed: tried.length - converted.length,
    other,
    help: converted.length - other,
  };
  return h("p", null, w("cause.advice.sum", values));
}

function experiments(all: readonly Experiment[], texts: readonly Text[]): Child {
  const word = (prefix: string, text: string): Child =>
    `${prefix}.${text}` in en ? w(`${prefix}.${text}` as Word) : text;
  return GROUPS.map((group) => {
    const rows = all.flatMap((one, place) => (one.group === group ? [{ one, text: texts[place] }] : []));
    if (!rows.length) return null;
    // a factor is changed to learn from it; that this makes another model goes without saying
    const keeps = group !== "factor";
    const made = table(
      w(`cause.${group}.caption`),
      [w("experiment.change"), w("experiment.outcome"), ...(keeps ? [w("experiment.keeps")] : [])],
      rows.map(({ one, text }) => [
        text ? say(text) : one.change,
        [
          h(
            "span",
            { class: `outcome ${one.outcome === "converted" ? "good" : one.outcome === "fails alike" ? "bad" : ""}` },
            word("outcome", one.outcome),
          ),
          one.reason && h("span", { class: "faint" }, ` ${one.reason}`),
        ],
        ...(keeps ? [word("exactness", one.exactness)] : []),
      ]),
      new Set(),
      group === "advice",
    );
    return group === "advice" ? part(w("cause.advice"), summed(rows.map(({ one }) => one)), made) : made;
  });
}
