// What the colours of the map mean, each beside the same box.

import { h, s, type Child } from "../../shared/dom";
import { whole } from "../../shared/format";
import { w } from "../i18n/words";
import type { Painted } from "./colouring";
import { css, look, type Tone } from "./tones";

export function legendOf({ legend, note }: Painted): Child[] {
  return [
    h(
      "ul",
      { "aria-label": w("legend") },
      legend.map(({ tone, label, count }) =>
        h(
          "li",
          null,
          swatch(tone),
          h("span", null, label),
          h("span", { class: "faint" }, () => whole(count)),
        ),
      ),
    ),
    note && h("p", { class: "faint" }, note),
  ];
}

function swatch(tone: Tone): SVGElement {
  const { fill, stroke, width, dash, mark } = look(tone);
  const style = `fill:${css(fill)};stroke:${css(stroke)};stroke-width:${width};stroke-dasharray:${dash?.join(" ") ?? "none"}`;
  const step = /^(?:cycles|off)(\d)$/.exec(tone);
  const share = step ? Number(step[1]) / (tone.startsWith("off") ? 5 : 4) : 0;
  return s(
    "svg",
    { class: "swatch", viewBox: "0 0 34 20", "aria-hidden": "true" },
    s("rect", { x: 1.5, y: 4, width: 24, height: 14, rx: 3, style }),
    share > 0 && s("rect", { x: 3, y: 14, width: 21 * share, height: 2.5, style: "fill:var(--ink)" }),
    mark && s("circle", { cx: 26, cy: 6.5, r: 6, style: `fill:${css(stroke)}` }),
    mark && s("text", { x: 26, y: 9.8, "text-anchor": "middle", style: "fill:var(--paper)" }, mark),
  );
}
