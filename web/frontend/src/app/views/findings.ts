// What the rules say of a model before any trial.

import { h } from "../../shared/dom";
import { say } from "../../shared/i18n/language";
import type { Facts, Finding, Sizes } from "../data";
import { w } from "../i18n/words";
import { section } from "../parts";

const SHOWN_NODES = 6;
/** Findings of one level that are open at once; the rest is folded. */
const SHOWN = 5;

export function findings(seen: Facts, sizes: Sizes): HTMLElement {
  const count = (level: Finding["level"]): number => seen.counts[level] ?? 0;
  const all = count("error") + count("warning") + count("advice");
  const summary = all
    ? w("check.levels", { error: count("error"), warning: count("warning"), advice: count("advice") })
    : w("check.none", { target: sizes.target, dtype: sizes.dtype });
  const shown = seen.findings.slice(0, SHOWN).map(item);
  const rest = seen.findings.slice(SHOWN).map(item);
  return section(
    w("check.title"),
    h("p", null, summary),
    seen.findings.length < all && h("p", { class: "quiet" }, w("check.first", { shown: seen.findings.length, all })),
    seen.unchecked.map((problem) => h("p", { class: "note" }, say(problem.message))),
    shown.length > 0 && h("ul", { class: "findings" }, shown),
    rest.length > 0 &&
      h(
        "details",
        null,
        h("summary", null, w("and.more", { count: rest.length })),
        h("ul", { class: "findings" }, rest),
      ),
  );
}

function item(finding: Finding): HTMLElement {
  const nodes = finding.nodes
    .slice(0, SHOWN_NODES)
    .map((name, place) => h("li", null, `${finding.operators[place] ?? ""} `, h("code", null, name)));
  const more = finding.nodes.length - SHOWN_NODES;
  return h(
    "li",
    { class: finding.level },
    h("span", { class: `level ${finding.level}` }, w(`level.${finding.level}`)),
    h("strong", null, `${finding.code} ${finding.name}`),
    h("p", null, say(finding.message)),
    finding.mend && h("p", { class: "quiet" }, w("check.would"), ": ", say(finding.mend)),
    nodes.length > 1 &&
      h(
        "details",
        null,
        h("summary", null, w("check.where")),
        h("ul", { class: "nodes" }, nodes, more > 0 && h("li", null, w("and.more", { count: more }))),
      ),
  );
}
