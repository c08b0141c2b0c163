// How well the .rknn agrees with the original model, output by output and layer by layer.

import { h, type Child } from "../../shared/dom";
import { percent, rough } from "../../shared/format";
import { say } from "../../shared/i18n/language";
import type { ErrorRow, Node, OutputCheck, PageData, Which } from "../data";
import { fold, later, part, section, table } from "../frame";
import { w } from "../i18n/words";
import { depthPlot } from "./depth";

const WORST = 12;

const cosine = (value: number | null): string => (value === null ? "–" : value.toFixed(6));
const number = (value: number | null): string => (value === null ? "–" : rough(value));
const share =
  (value: number | null): (() => string) =>
  () =>
    value === null ? "–" : percent(value);

export function verification(data: PageData, find: ((which: Which, node: Node) => void) | null): HTMLElement | null {
  const checks = data.report.verification;
  if (!checks.length && !data.errors.length) return null;
  return section(
    "verification",
    "section.verification",
    checks.length ? outputs(data, checks) : h("p", { class: "faint" }, w("verification.none")),
    data.errors.length > 0 && part(w("verification.layers"), layers(data, find)),
  );
}

function outputs(data: PageData, checks: readonly OutputCheck[]): Child[] {
  const first = checks[0]!.tolerance;
  return [
    table(
      w("verification.outputs"),
      [
        w("verification.output"),
        w("verification.verdict"),
        w("verification.cosine"),
        w("verification.abs"),
        w("verification.rel"),
      ],
      checks.map((check, place) => [
        h("code", null, check.output),
        verdict(check, data.told.verification[place] ? say(data.told.verification[place]) : ""),
        cosine(check.cosine),
        number(check.max_abs),
        share(check.max_rel),
      ]),
      new Set([2, 3, 4]),
    ),
    h(
      "p",
      { class: "faint" },
      w("verification.tolerance", { dtype: first.dtype, cosine: first.cosine, rel: percent(first.max_rel) }),
      ": ",
      h("span", { lang: "en" }, first.reason),
      ".",
    ),
    fold(
      w("verification.samples"),
      false,
      table(
        w("verification.samples"),
        [
          w("verification.output"),
          w("verification.sample"),
          w("verification.cosine"),
          w("verification.abs"),
          w("verification.rel"),
        ],
        checks.flatMap((check) =>
          check.samples.map((one) => [
            h("code", null, check.output),
            one.sample,
            cosine(one.cosine),
            number(one.max_abs),
            share(one.max_rel),
          ]),
        ),
        new Set([2, 3, 4]),
        true,
      ),
    ),
  ];
}

function verdict(check: OutputCheck, text: Child): Child[] {
  const [kind, word] = !check.ok
    ? (["bad", w("verification.differs")] as const)
    : check.explained_by
      ? (["open", w("verification.rounds", { dtype: check.explained_by })] as const)
      : (["good", w("verification.agrees")] as const);
  // where it agrees, the text says no more than the columns beside it
  return [h("span", { class: `tag ${kind}` }, word), " ", kind !== "good" && h("span", { class: "faint" }, text)];
}

function layers(data: PageData, find: ((which: Which, node: Node) => void) | null): Child[] {
  const layerwise = data.report.layerwise;
  const lost = layerwise?.largest_loss;
  const off = (row: ErrorRow): number => 1 - (row.cosine ?? 0);
  const worst = [...data.errors].sort((a, b) => off(b) - off(a)).slice(0, WORST);
  const most = Math.max(...data.errors.map(off));
  const cell = (row: ErrorRow): Child[] => {
    const node = nodeOf(data, row);
    return [
      node && find
        ? h(
            "button",
            { type: "button", class: "link", onclick: () => find(row.which, node) },
            node.op,
            " ",
            h("code", null, row.tensor),
          )
        : h("code", null, row.tensor),
      " ",
      row.tensor === lost && h("span", { class: "tag open" }, w("verification.loss")),
      row.reference !== "original" &&
        h(
          "span",
          { class: "faint" },
          " ",
          w(row.reference === "toolkit" ? "verification.toolkit" : "verification.delivered"),
        ),
      row.source && h("span", { class: "tag bad" }, w("verification.source")),
    ];
  };
  const rows = (list: readonly ErrorRow[]): Child[][] =>
    list.map((row) => [
      cell(row),
      cosine(row.cosine),
      [
        rough(off(row)),
        h("span", { class: "bar", "aria-hidden": "true", style: `--share:${scaled(off(row), most) * 100}%` }),
      ],
      cosine(row.single_cosine),
      number(row.max_abs),
      share(row.max_rel),
    ]);
  const head = [
    w("verification.layer"),
    w("verification.cosine"),
    w("verification.distance"),
    w("verification.single"),
    w("verification.abs"),
    w("verification.rel"),
  ];
  const numbers = new Set([1, 2, 3, 4, 5]);
  return [
    layerwise && h("p", { class: "faint" }, w("verification.on", { sample: layerwise.sample })),
    layerwise?.why_not_all && h("p", { class: "note" }, w("verification.not.all", { why: layerwise.why_not_all })),
    depthPlot(data.errors, (row) => {
      const node = nodeOf(data, row);
      if (node) find?.(row.which, node);
    }),
    table(w("verification.worst", { count: worst.length }), head, rows(worst), numbers),
    data.errors.length > worst.length &&
      later(w("verification.all", { count: data.errors.length }), () =>
        table(w("verification.layers"), head, rows(data.errors), numbers, true),
      ),
  ];
}

/** The operator that makes a tensor. */
const nodeOf = (data: PageData, row: ErrorRow): Node | undefined =>
  row.node === null ? undefined : data.graphs[row.which]?.nodes[row.node];

/** Small distances are seen too: six powers of ten. */
const scaled = (off: number, most: number): number =>
  off > 0 && most > 0 ? Math.max(0.02, 1 + Math.log10(Math.max(off, 1e-12) / most) / 6) : 0;
