// The operators round the failure, as given and as mended.

import { h, type Child } from "../../shared/dom";
import type { Node, PageData, Which } from "../data";
import { section } from "../frame";
import { closeUpOf, eventually } from "../graph/closeup";
import { closeUp } from "../graph/scene";
import { w } from "../i18n/words";
import { inspector } from "../inspector";
import { choice } from "../../shared/switches";

type View = "both" | Which;

export function culprit(data: PageData, find: (which: Which, node: Node) => void): HTMLElement | null {
  const ids = { original: data.focus.original ?? [], mended: data.focus.mended ?? [] };
  const shown = (["original", "mended"] as const).filter((which) => data.graphs[which] && ids[which].length);
  if (!shown.length) return null;
  const panel = inspector(data, () => h("p", { class: "faint" }, w("panel.hint")), find);
  const drawn = sideBySide(
    data,
    ids,
    (which, node) => panel.show(which, node),
    (which) => w("graph.closeup", { which: w(`which.${which}`) }),
  );
  return section("culprit", "section.culprit", drawn, h("p", { class: "faint keys" }, w("graph.keys")), panel.element);
}

/** Both models beside each other, or one of them. */
export function sideBySide(
  data: PageData,
  ids: Readonly<Record<Which, readonly number[]>>,
  select: (which: Which, node: Node) => void,
  label: (which: Which) => () => string,
): HTMLElement {
  const shown = (["original", "mended"] as const).filter((which) => data.graphs[which] && ids[which].length);
  const one = (which: Which): HTMLElement => {
    const scene = closeUp(data.graphs[which]!, ids[which]);
    const drawing = eventually(closeUpOf(scene, label(which), (node) => select(which, node)));
    return h("figure", { class: "graph", "data-which": which }, h("figcaption", null, w(`which.${which}`)), drawing);
  };
  const pair = h("div", { class: shown.length > 1 ? "pair graphs" : "graphs" }, shown.map(one));
  return h("div", null, shown.length > 1 && views(pair), pair);
}

function views(pair: HTMLElement): Child {
  let now: View = "both";
  const options = (["both", "original", "mended"] as const).map((value) => ({ value, label: w(`which.${value}`) }));
  return choice<View>(
    w("which"),
    options,
    () => now,
    (value) => {
      now = value;
      pair.dataset["view"] = value;
    },
  );
}
