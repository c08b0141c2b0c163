// What the colours of the network mean: findings and changes, cycles, or the distance from ONNX Runtime.

import { percent, rough, whole } from "../../shared/format";
import { say } from "../../shared/i18n/language";
import type { Node, PageData, Which } from "../data";
import { w } from "../i18n/words";
import type { Tone } from "./tones";

export const COLOURINGS = ["finding", "cycles", "error"] as const;
export type Colouring = (typeof COLOURINGS)[number];

export interface Paint {
  readonly tone: Tone;
  /** Filled part of the bar along the foot of the box, 0 to 1; null for no bar. */
  readonly bar: number | null;
  /** The same in words, for those who do not see it. */
  readonly words: () => string;
}

export interface Entry {
  readonly tone: Tone;
  readonly label: () => string;
  readonly count: number;
}

export interface Painted {
  readonly paint: (node: Node) => Paint;
  readonly legend: readonly Entry[];
  readonly note: (() => string) | null;
}

const nothing = (): string => "";

/** Colours of a graph; null where the data does not say what they would. */
export function painted(data: PageData, which: Which, kind: Colouring): Painted | null {
  const graph = data.graphs[which];
  if (!graph) return null;
  if (kind === "finding") return counted(graph.nodes, (node) => byFinding(data, node), FINDINGS, null);
  if (kind === "error") return byError(data, graph.nodes);
  return byCycles(data, which, graph.nodes);
}

type Labels = ReadonlyArray<readonly [Tone, () => string]>;

function counted(nodes: readonly Node[], paint: (node: Node) => Paint, labels: Labels, note: Painted["note"]): Painted {
  const paints = new Map(nodes.map((node) => [node.id, paint(node)]));
  const counts = new Map<Tone, number>();
  for (const { tone } of paints.values()) counts.set(tone, (counts.get(tone) ?? 0) + 1);
  const legend = labels.flatMap(([tone, label]) =>
    counts.has(tone) ? [{ tone, label, count: counts.get(tone)! }] : [],
  );
  return { paint: (node) => paints.get(node.id)!, legend, note };
}

const FINDINGS: Labels = [
  ["culprit", w("role.culprit")],
  ["replaced", w("role.replaced")],
  ["new", w("role.new")],
  ["changed", w("role.changed")],
  ["tail", w("role.tail")],
  ["error", w("level.error")],
  ["warning", w("level.warning")],
  ["advice", w("level.advice")],
  ["plain", w("legend.nothing")],
];

function byFinding(data: PageData, node: Node): Paint {
  const levels = node.findings.flatMap((place) => data.findings[place]?.level ?? []);
  const level = (["error", "warning", "advice"] as const).find((one) => levels.includes(one));
  const role = node.role === "" || node.role === "finding" ? null : node.role;
  const tone = role ?? level ?? "plain";
  return { tone, bar: null, words: role ? w(`role.${role}`) : level ? w(`level.${level}`) : nothing };
}

/** Shares of all cycles between the steps. */
const SHARES: readonly number[] = [0.001, 0.01, 0.03, 0.1];
const CYCLES: Labels = [
  ...([4, 3, 2, 1, 0] as const).map((place) => [`cycles${place}`, () => band(place)] as const),
  ["cpu", w("legend.cpu")],
  ["unknown", w("legend.unknown")],
];

function band(place: 0 | 1 | 2 | 3 | 4): string {
  const [low, high] = [SHARES[place - 1], SHARES[place]];
  if (low === undefined) return `< ${percent(high!)}`;
  return high === undefined ? `≥ ${percent(low)}` : `${percent(low)} – ${percent(high)}`;
}

function byCycles(data: PageData, which: Which, nodes: readonly Node[]): Painted | null {
  const rows = data.layers.filter((row) => row.which === which);
  const known = rows.length
    ? tabled(
        data,
        rows.reduce((sum, row) => sum + row.cycles, 0),
      )
    : planned(data, which);
  if (!known || !nodes.some((node) => known(node) !== null)) return null;
  const paint = (node: Node): Paint => {
    const found = known(node);
    if (!found) return { tone: "unknown", bar: null, words: w("legend.unknown") };
    const { cycles, share, cpu } = found;
    if (cpu) return { tone: "cpu", bar: null, words: w("legend.cpu") };
    const place = SHARES.filter((limit) => share >= limit).length as 0 | 1 | 2 | 3 | 4;
    const words = (): string => `${w("cycles.of", { cycles: whole(cycles) })()}, ${percent(share)}`;
    return { tone: `cycles${place}`, bar: place / 4, words };
  };
  return counted(nodes, paint, CYCLES, rows.length ? w("cycles.table") : w("cycles.planned"));
}

type Cost = { cycles: number; share: number; cpu: boolean } | null;

function tabled(data: PageData, total: number): (node: Node) => Cost {
  return (node) => {
    const row = node.layer === null ? undefined : data.layers[node.layer];
    return row ? { cycles: row.cycles, share: row.cycles / Math.max(1, total), cpu: row.target === "CPU" } : null;
  };
}

function planned(data: PageData, which: Which): ((node: Node) => Cost) | null {
  const total = data.plans.reduce((sum, plan) => sum + (plan.which === which ? (plan.cycles ?? 0) : 0), 0);
  if (!total) return null;
  return (node) => {
    const plan = node.plan === null ? undefined : data.plans[node.plan];
    return plan && plan.cycles !== null ? { cycles: plan.cycles, share: plan.cycles / total, cpu: false } : null;
  };
}

/** Distances (1 - cosine) between the steps. */
const DISTANCES: readonly number[] = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2];
const ERRORS: Labels = [
  ...([5, 4, 3, 2, 1, 0] as const).map((place) => [`off${place}`, () => distance(place)] as const),
  ["unknown", w("legend.unmeasured")],
];

function distance(place: number): string {
  const [low, high] = [DISTANCES[place - 1], DISTANCES[place]];
  const power = (value: number): string => `10${superscript(Math.round(Math.log10(value)))}`;
  if (low === undefined) return `< ${power(high!)}`;
  return high === undefined ? `≥ ${power(low)}` : `${power(low)} – ${power(high)}`;
}

const superscript = (value: number): string =>
  [...String(value)].map((sign) => (sign === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(sign)])).join("");

function byError(data: PageData, nodes: readonly Node[]): Painted | null {
  if (!nodes.some((node) => node.error !== null)) return null;
  const paint = (node: Node): Paint => {
    const row = node.error === null ? undefined : data.errors[node.error];
    if (!row) return { tone: "unknown", bar: null, words: w("legend.unmeasured") };
    const off = 1 - (row.cosine ?? 0);
    const place = DISTANCES.filter((limit) => off >= limit).length as 0 | 1 | 2 | 3 | 4 | 5;
    return { tone: `off${place}`, bar: place / 5, words: w("error.of", { off: rough(off) }) };
  };
  return counted(nodes, paint, ERRORS, w("error.note"));
}

/** Title of a rule in the language of the page. */
export const ruleTitle = (data: PageData, code: string): (() => string) => {
  const rule = data.rules[code];
  return rule ? say(rule.title) : () => code;
};
