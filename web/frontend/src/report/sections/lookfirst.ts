// What the panel shows before anything is selected: where a reader would look first.

import { h, type Child } from "../../shared/dom";
import { percent, rough } from "../../shared/format";
import type { Node, PageData, Which } from "../data";
import { w } from "../i18n/words";

const MOST = 5;

export function lookFirst(data: PageData, which: Which, choose: (node: Node) => void): Child[] {
  const graph = data.graphs[which];
  if (!graph) return [w("graph.none")];
  const link = (node: Node, note: Child): HTMLElement =>
    h(
      "li",
      null,
      h(
        "button",
        { type: "button", class: "link", onclick: () => choose(node) },
        node.op,
        " ",
        h("code", null, node.name),
      ),
      " ",
      h("span", { class: "faint" }, note),
    );
  const list = (title: () => string, items: HTMLElement[]): Child =>
    items.length > 0 && [h("h4", null, title), h("ul", { class: "first" }, items)];
  const roles = graph.nodes.filter((node) => node.role && node.role !== "finding").slice(0, MOST);
  const found = graph.nodes.filter((node) => node.findings.length && !roles.includes(node)).slice(0, MOST);
  return [
    h("p", { class: "faint" }, w("panel.hint")),
    h(
      "p",
      { class: "faint" },
      w("panel.counts", { nodes: graph.nodes.length, kinds: new Set(graph.nodes.map((node) => node.op)).size }),
    ),
    list(w("panel.look"), [
      ...roles.map((node) => link(node, node.role && w(`role.${node.role}`))),
      ...found.map((node) => link(node, data.findings[node.findings[0]!]?.code ?? "")),
    ]),
    list(
      w("by.cycles"),
      costly(data, which, graph.nodes).map(([node, share]) => link(node, () => percent(share))),
    ),
    list(
      w("by.error"),
      furthest(data, graph.nodes).map(([node, off]) => link(node, w("error.of", { off: rough(off) }))),
    ),
  ];
}

function costly(data: PageData, which: Which, nodes: readonly Node[]): Array<[Node, number]> {
  const rows = data.layers
    .map((row, place) => ({ row, place }))
    .filter(({ row }) => row.which === which && row.nodes.length);
  const total = data.layers.reduce((sum, row) => sum + (row.which === which ? row.cycles : 0), 0);
  if (!total) return [];
  return rows
    .sort((a, b) => b.row.cycles - a.row.cycles)
    .slice(0, MOST)
    .flatMap(({ row }) => {
      const node = nodes[row.nodes[0]!];
      return node && row.cycles ? [[node, row.cycles / total] as [Node, number]] : [];
    });
}

function furthest(data: PageData, nodes: readonly Node[]): Array<[Node, number]> {
  return nodes
    .flatMap((node) => {
      const row = node.error === null ? undefined : data.errors[node.error];
      return row ? [[node, 1 - (row.cosine ?? 0)] as [Node, number]] : [];
    })
    .sort((a, b) => b[1] - a[1])
    .slice(0, MOST);
}
