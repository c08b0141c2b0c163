// What the rules say of the model as given, and the rules themselves.

import { h, type Child } from "../../shared/dom";
import { say } from "../../shared/i18n/language";
import type { Node, PageData, RuleText, Which } from "../data";
import { fold, later, section, table } from "../frame";
import { w } from "../i18n/words";
import { markdown, prose } from "../markdown";

const MOST = 3;

export function findings(data: PageData, find: ((which: Which, node: Node) => void) | null): HTMLElement | null {
  const rules = Object.values(data.rules);
  if (!data.findings.length && !rules.length) return null;
  const at = new Map<number, Node[]>();
  for (const node of data.graphs.original?.nodes ?? [])
    for (const place of node.findings) at.set(place, [...(at.get(place) ?? []), node]);
  const where = (place: number, names: readonly string[]): Child => {
    const nodes = at.get(place) ?? [];
    if (!nodes.length || !find) return h("code", null, names.slice(0, MOST).join(", "), names.length > MOST && " …");
    return [
      nodes.slice(0, MOST).map((node) =>
        h(
          "button",
          {
            type: "button",
            class: "link",
            "aria-label": w("finding.show", { node: node.name }),
            onclick: () => find("original", node),
          },
          h("code", null, node.name || node.op),
        ),
      ),
      nodes.length > MOST && ` +${nodes.length - MOST}`,
    ];
  };
  return section(
    "findings",
    "section.findings",
    data.findings.length > 0 &&
      table(
        w("findings.caption"),
        [w("finding.rule"), w("finding.level"), w("finding.where"), w("finding.what")],
        data.findings.map((one, place) => [
          h("a", { href: `#rule-${one.code}` }, one.code),
          h("span", { class: `level ${one.level}` }, w(`level.${one.level}`)),
          where(place, one.nodes),
          [
            say(data.finding_texts[place] ?? { en: one.message, zh: one.message }),
            one.mend && h("p", { class: "faint" }, w("node.mend", { mend: one.mend.name, summary: one.mend.summary })),
          ],
        ]),
      ),
    rules.map(aboutRule),
  );
}

function aboutRule(rule: RuleText): HTMLElement {
  const made = fold(
    [h("strong", null, `${rule.code} ${rule.name}`), ". ", say(rule.title)],
    false,
    h(
      "div",
      { class: "rule" },
      h("h4", null, w("rule.what")),
      prose(rule.what),
      rule.does.en && [h("h4", null, w("rule.does")), prose(rule.does)],
      later(w("rule.page"), () => h("div", { class: "page", lang: "en" }, markdown(rule.page))),
    ),
  );
  made.id = `rule-${rule.code}`;
  return made;
}
