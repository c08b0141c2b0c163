// How the layers that the story is about are cut for the NPU, and what bounds the network.

import { h, type Child } from "../../shared/dom";
import type { PageData, Picture, Which } from "../data";
import { part, section } from "../frame";
import { w } from "../i18n/words";
import { planned } from "../inspector";
import { picture } from "../picture";

export function hardware(data: PageData): HTMLElement | null {
  const of = (kind: Picture["kind"]): Picture[] => data.pictures.filter((one) => one.kind === kind);
  const [tilings, rooflines] = [of("tiling"), of("roofline")];
  if (!tilings.length && !rooflines.length) return null;
  const which = (name: Which): Child => {
    const mine = tilings.filter((one) => one.which === name);
    return (
      mine.length > 0 &&
      h(
        "div",
        null,
        h("h4", null, w(`which.${name}`)),
        mine.map((one) => layer(data, one)),
      )
    );
  };
  return section(
    "hardware",
    "section.hardware",
    tilings.length > 0 && part(w("hardware.tiling"), h("div", { class: "pair" }, which("original"), which("mended"))),
    rooflines.length > 0 &&
      part(w("hardware.roofline"), h("div", { class: rooflines.length > 1 ? "pair" : "" }, rooflines.map(picture))),
  );
}

/** The picture of a tiling, and its plan in words. */
function layer(data: PageData, one: Picture): Child {
  const plan = data.plans.find((row) => row.picture !== null && data.pictures[row.picture] === one);
  const graph = data.graphs[one.which];
  return h("div", { class: "tiling" }, picture(one), plan && graph && planned({ ...data, pictures: [] }, graph, plan));
}
