// What a model is.

import { h, type Child } from "../../shared/dom";
import type { Facts, InputFacts } from "../data";
import { w } from "../i18n/words";
import { section, shapeText, table } from "../parts";

const SHOWN_KINDS = 12;

export function facts(seen: Facts): HTMLElement {
  const head = [w("column.name"), w("column.dtype"), w("column.shape")];
  const rows = (values: readonly InputFacts[]): Child[][] =>
    values.map((one) => [
      h("code", null, one.name),
      one.dtype,
      one.shape[0] === "..." ? w("unknown") : shapeText(one.shape),
    ]);
  const kinds = seen.operators
    .slice(0, SHOWN_KINDS)
    .map(([kind, count]) => h("li", null, h("code", null, kind), ` ${count}`));
  const more = seen.operators.length - SHOWN_KINDS;
  return section(
    w("model.facts"),
    h(
      "p",
      { class: "quiet" },
      w("model.nodes", { count: seen.nodes }),
      " · ",
      w("model.opset", { opset: seen.opset }),
      seen.producer ? ` · ${seen.producer}` : "",
    ),
    h(
      "div",
      { class: "sides" },
      h("div", null, h("h3", null, w("model.inputs")), table(head, rows(seen.inputs), w("model.inputs"))),
      h("div", null, h("h3", null, w("model.outputs")), table(head, rows(seen.outputs), w("model.outputs"))),
    ),
    h("h3", null, w("model.kinds")),
    h("ul", { class: "kinds" }, kinds, more > 0 && h("li", { class: "quiet" }, w("model.kinds.more", { count: more }))),
  );
}
