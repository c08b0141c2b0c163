// From a model to boxes and lines: of the whole, or of some operators with what leads into and out of them.

import type { Graph, Node, Role } from "../data";
import { FONT, measured } from "./measure";
import type { Size } from "./arrange";
import { roleWidth } from "./roles";

export interface Box extends Size {
  readonly kind: "node" | "input" | "output" | "more";
  /** The operator; null for what is none. */
  readonly node: Node | null;
  /** What it has to do with the failure, above the title; empty for most. */
  readonly role: Exclude<Role, "finding">;
  /** Bold, and below it in small. */
  readonly title: string;
  readonly lines: readonly string[];
}

export interface Wire {
  readonly from: number;
  readonly to: number;
  /** Place in `values` of the graph. */
  readonly value: number;
  readonly label: string;
}

export interface Scene {
  readonly graph: Graph;
  readonly boxes: readonly Box[];
  readonly wires: readonly Wire[];
  /** Id of an operator -> place in `boxes`. */
  readonly places: ReadonlyMap<number, number>;
}

export const LINE = 15;
export const PAD = 9;
const LONGEST = 30;

/** Everything, small: a box says the operator and no more. */
export function whole(graph: Graph): Scene {
  const node = (one: Node): Box => box("node", one, one.op, []);
  return scene(graph, graph.nodes, node, () => "");
}

/** Some operators, with shapes on the lines; what is beyond them is cut off. */
export function closeUp(graph: Graph, ids: readonly number[]): Scene {
  const nodes = [...new Set(ids)].sort((a, b) => a - b).flatMap((id) => graph.nodes[id] ?? []);
  const node = (one: Node): Box => box("node", one, one.op, told(graph, one), true);
  return scene(graph, nodes, node, (value) => times(graph.values[value]?.shape ?? ""));
}

function scene(
  graph: Graph,
  nodes: readonly Node[],
  draw: (node: Node) => Box,
  label: (value: number) => string,
): Scene {
  const boxes: Box[] = nodes.map(draw);
  const wires: Wire[] = [];
  const places = new Map(nodes.map((node, place) => [node.id, place]));
  const makers = new Map<number, number>();
  const readers = new Set<number>();
  for (const node of graph.nodes) {
    for (const value of node.outputs)
      if (value !== null && places.has(node.id)) makers.set(value, places.get(node.id)!);
    if (!places.has(node.id)) for (const value of node.inputs) if (value !== null) readers.add(value);
  }
  const add = (one: Box): number => boxes.push(one) - 1;
  const inputs = new Set(graph.inputs);
  const outputs = new Set(graph.outputs);
  for (const node of nodes) {
    const place = places.get(node.id)!;
    const beyond: number[] = [];
    for (const value of new Set(node.inputs)) {
      if (value === null || graph.values[value]?.constant) continue;
      if (!makers.has(value) && inputs.has(value)) makers.set(value, add(end(graph, "input", value)));
      const from = makers.get(value);
      if (from === undefined) beyond.push(value);
      else wires.push({ from, to: place, value, label: label(value) });
    }
    // what is not drawn is one stub before an operator and one behind it, however many tensors there are
    if (beyond.length)
      wires.push({
        from: add(end(graph, "more", beyond[0]!)),
        to: place,
        value: beyond[0]!,
        label: several(beyond, label),
      });
    const read: number[] = [];
    for (const value of node.outputs) {
      if (value === null) continue;
      if (outputs.has(value))
        wires.push({ from: place, to: add(end(graph, "output", value)), value, label: label(value) });
      if (readers.has(value) && nodes.length < graph.nodes.length) read.push(value);
    }
    if (read.length)
      wires.push({ from: place, to: add(end(graph, "more", read[0]!)), value: read[0]!, label: several(read, label) });
  }
  return { graph, boxes, wires, places };
}

const several = (values: readonly number[], label: (value: number) => string): string =>
  values.length === 1 ? label(values[0]!) : `${values.length}`;

/** Where the model or what is drawn of it begins or ends. */
function end(graph: Graph, kind: "input" | "output" | "more", value: number): Box {
  return box(kind, null, kind === "more" ? "…" : short(graph.values[value]?.name ?? "", 24), []);
}

function box(kind: Box["kind"], node: Node | null, title: string, lines: readonly string[], tagged = false): Box {
  const role = tagged && node && node.role !== "finding" ? node.role : "";
  const widths = [measured(title, FONT.title), ...lines.map((line) => measured(line, FONT.line))];
  const width = Math.max(...widths, role ? roleWidth(role) : 0);
  const height = kind === "node" ? LINE * (1 + lines.length + (role ? 1 : 0)) + PAD : LINE + 5;
  return { kind, node, role, title, lines, width: Math.max(34, Math.ceil(width) + 2 * PAD), height };
}

/** What of an operator is said in its box: how it computes, its constants, its name. */
function told(graph: Graph, node: Node): string[] {
  const constants = node.inputs.flatMap((value) => {
    const one = value === null ? undefined : graph.values[value];
    return one?.constant ? [times(one.shape)] : [];
  });
  return [
    ...summary(node),
    ...(constants.length ? [`const ${short(constants.join(", "), LONGEST)}`] : []),
    ...(node.name ? [short(node.name, LONGEST)] : []),
  ];
}

const DULL: Record<string, RegExp> = {
  strides: /^[[(]?1(, ?1)*[\])]?$/,
  dilations: /^[[(]?1(, ?1)*[\])]?$/,
  pads: /^[[(]?0(, ?0)*[\])]?$/,
  group: /^1$/,
  auto_pad: /^NOTSET$/,
};

/** Attributes that say something, on two lines at most; all of them are in the panel. */
function summary(node: Node): string[] {
  const telling = node.attributes.filter(([name, text]) => !DULL[name]?.test(text) && text.length <= LONGEST);
  return telling.slice(0, 2).map(([name, text]) => short(`${name} ${text}`, LONGEST));
}

/** Cuts the middle out of what is too long. */
export function short(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const half = Math.floor((longest - 1) / 2);
  return `${text.slice(0, longest - 1 - half)}…${text.slice(text.length - half)}`;
}

/** 1x384x126 -> 1×384×126 */
export const times = (shape: string): string => shape.replaceAll("x", "×");
