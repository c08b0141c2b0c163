// The distance from ONNX Runtime over the depth of the network.

import { h, s } from "../../shared/dom";
import type { ErrorRow } from "../data";
import { hideTooltip, showTooltip } from "../graph/tooltip";
import { rough } from "../../shared/format";
import { w } from "../i18n/words";

const [WIDTH, HEIGHT, LEFT, TOP, BOTTOM] = [860, 200, 46, 10, 22];
const [LOW, HIGH] = [-8, 0];

export function depthPlot(rows: readonly ErrorRow[], choose: (row: ErrorRow) => void): HTMLElement {
  const x = (place: number): number => LEFT + ((place + 0.5) / rows.length) * (WIDTH - LEFT - 8);
  const y = (off: number): number => {
    const power = Math.min(HIGH, Math.max(LOW, Math.log10(Math.max(off, 1e-12))));
    return TOP + ((HIGH - power) / (HIGH - LOW)) * (HEIGHT - TOP - BOTTOM);
  };
  const off = (cosine: number | null): number => 1 - (cosine ?? 0);
  const lines = [-8, -6, -4, -2, 0].map((power) => {
    const at = y(10 ** power);
    return [
      s("line", { x1: LEFT, x2: WIDTH - 8, y1: at, y2: at, class: "grid" }),
      s(
        "text",
        { x: LEFT - 6, y: at + 4, "text-anchor": "end" },
        power === 0 ? "1" : power === -8 ? "≤1e-8" : `1e${power}`,
      ),
    ];
  });
  const path = rows
    .map((row, place) => `${place ? "L" : "M"}${x(place).toFixed(1)} ${y(off(row.cosine)).toFixed(1)}`)
    .join("");
  const radius = Math.max(1.5, Math.min(4, 220 / rows.length));
  const points = rows.map((row, place) => {
    const group = s(
      "g",
      {
        onclick: () => choose(row),
        onpointermove: (event: PointerEvent) => hover(row, event),
        onpointerleave: hideTooltip,
      },
      row.single_cosine !== null &&
        s("circle", { cx: x(place), cy: y(off(row.single_cosine)), r: radius, class: "single" }),
      s("circle", { cx: x(place), cy: y(off(row.cosine)), r: radius, class: "whole" }),
    );
    return group;
  });
  const drawing = s(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "depth", role: "img", "aria-label": w("verification.depth") },
    lines,
    s("path", { d: path, class: "line" }),
    points,
  );
  return h("figure", { class: "plot" }, drawing, h("figcaption", null, w("verification.depth")));
}

function hover(row: ErrorRow, event: PointerEvent): void {
  const line = (cosine: number | null): string => (cosine === null ? "–" : rough(1 - cosine));
  showTooltip(
    event.clientX,
    event.clientY,
    h("code", null, row.tensor),
    h(
      "dl",
      null,
      h("div", null, h("dt", null, w("verification.distance")), h("dd", null, line(row.cosine))),
      row.single_cosine !== null &&
        h("div", null, h("dt", null, w("verification.single")), h("dd", null, line(row.single_cosine))),
    ),
  );
}
