// All operators of a network as a table: what the map shows, for readers without sight of it.

import { h } from "../../shared/dom";
import { whole } from "../../shared/format";
import type { Graph, Node, PageData, Which } from "../data";
import { table } from "../frame";
import type { Painted } from "../graph/colouring";
import { tensor } from "../graph/described";
import { w } from "../i18n/words";

/** So many rows are made at once; a table of thousands would make the page slow. */
const PAGE = 200;

export function listOf(
  data: PageData,
  which: Which,
  graph: Graph,
  paint: Painted["paint"],
  choose: (node: Node) => void,
  shown = PAGE,
): HTMLElement {
  const rows = graph.nodes.slice(0, shown).map((node) => {
    const layer = node.layer === null ? undefined : data.layers[node.layer];
    return [
      h("button", { type: "button", class: "link", onclick: () => choose(node) }, node.op),
      h("code", null, node.name),
      node.outputs.map((value) => h("div", null, tensor(graph, value).split(": ").at(-1))),
      layer ? () => whole(layer.cycles) : "",
      paint(node).words,
    ];
  });
  const caption = w("network.list.caption", {
    shown: rows.length,
    count: graph.nodes.length,
    which: w(`which.${which}`),
  });
  const head = [w("node.operator"), w("node.name"), w("node.outputs"), w("layer.cycles"), w("legend")];
  const box = h("div", null, table(caption, head, rows, new Set([3])));
  const left = graph.nodes.length - rows.length;
  if (left > 0) {
    const more = h("button", { type: "button" }, w("network.list.more", { count: Math.min(PAGE, left) }));
    more.addEventListener("click", () => box.replaceWith(listOf(data, which, graph, paint, choose, shown + PAGE)));
    box.append(more);
  }
  return box;
}
