// An operator in words: for tooltips, panels and those who hear the page.

import { h, type Child } from "../../shared/dom";
import type { Graph, Node } from "../data";
import { w } from "../i18n/words";
import { times } from "./scene";

const MOST = 8;

/** Name and shape of a tensor. */
export function tensor(graph: Graph, place: number | null): string {
  const value = place === null ? undefined : graph.values[place];
  if (!value) return "–";
  return `${value.name}: ${value.dtype} ${times(value.shape)}`.trim();
}

/** `Conv /conv/Conv`, and what it has to do with the failure. */
export function named(node: Node): string {
  const role = node.role ? `, ${w(`role.${node.role}`)()}` : "";
  return `${node.op} ${node.name}${role}`;
}

/** For a tooltip. */
export function details(graph: Graph, node: Node, extra: Child): Child[] {
  const row = (name: Child, value: string): HTMLElement => h("div", null, h("dt", null, name), h("dd", null, value));
  const shown = node.attributes.slice(0, MOST);
  const more = node.attributes.length - shown.length;
  return [
    h("strong", null, node.op),
    node.role ? h("span", { class: `role ${node.role}` }, w(`role.${node.role}`)) : null,
    h("code", null, node.name),
    extra,
    h(
      "dl",
      null,
      node.inputs.slice(0, MOST).map((value) => value !== null && row(w("node.in"), tensor(graph, value))),
      node.outputs.slice(0, MOST).map((value) => value !== null && row(w("node.out"), tensor(graph, value))),
      shown.map(([name, text]) => row(name, text)),
      more > 0 && row("…", `+${more}`),
    ),
  ];
}
