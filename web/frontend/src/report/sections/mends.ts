// Each mend: what it changes, why it is the same, what it costs against the others.

import { h, type Child } from "../../shared/dom";
import { whole } from "../../shared/format";
import { say } from "../../shared/i18n/language";
import type { AppliedMend, MendText, Node, PageData, RejectedMend, Which } from "../data";
import { facts, fold, part, section, table } from "../frame";
import { en } from "../i18n/en";
import { w, type Word } from "../i18n/words";
import { inspector } from "../inspector";
import { sideBySide } from "./culprit";

/** More drawings of the same kind of mend tell nothing new and make the page slow. */
const DRAWN = 4;

export function mends(data: PageData, find: ((which: Which, node: Node) => void) | null): HTMLElement | null {
  const { mends: applied, rejected_mends: rejected } = data.report;
  if (!applied.length && !rejected.length) return null;
  const spoken = new Set(data.told.mends.flatMap((one) => one.alternatives));
  const left = rejected.map((_, place) => place).filter((place) => !spoken.has(place));
  return section(
    "mends",
    "section.mends",
    applied.map((mend, place) => {
      const text = data.told.mends[place];
      return text && oneMend(data, mend, text, place < DRAWN, find);
    }),
    left.length > 0 && part(w("mend.others"), compared(data, null, left)),
  );
}

function oneMend(
  data: PageData,
  mend: AppliedMend,
  text: MendText,
  drawn: boolean,
  find: ((which: Which, node: Node) => void) | null,
): HTMLElement {
  const panel = inspector(data, () => null, find);
  panel.element.classList.add("folded");
  const label = (which: Which) => w("graph.subgraph", { which: w(`which.${which}`), mend: mend.name });
  const show = (which: Which, node: Node): void => {
    panel.element.classList.remove("folded");
    panel.show(which, node);
  };
  const ids = { original: text.before, mended: text.after };
  const any = text.before.length || text.after.length;
  const drawing = (): Child =>
    any ? [sideBySide(data, ids, show, label), panel.element] : h("p", { class: "faint" }, w("mend.same"));
  return h(
    "article",
    { class: "mend" },
    h("h3", null, h("a", { href: `#rule-${mend.code}` }, mend.code), ` ${mend.name}`),
    h("p", { class: "lead" }, say(text.summary)),
    drawn ? drawing() : later(drawing),
    facts(
      [w("mend.at"), mend.nodes.length ? h("code", null, mend.nodes.join(", ")) : w("mend.model")],
      [w("mend.exactness"), say(text.exactness)],
      [w("mend.proof"), say(text.proof)],
      [w("mend.open"), say(text.does_not_cover)],
      [w("mend.cost"), say(text.cost)],
    ),
    text.alternatives.length > 0 && part(w("mend.alternatives"), compared(data, mend, text.alternatives)),
  );
}

/** Drawn when it is unfolded. */
function later(draw: () => Child): HTMLElement {
  const made = fold([w("which.original"), " → ", w("which.mended")], false);
  made.addEventListener("toggle", () => made.append(h("div", null, draw())), { once: true });
  return made;
}

function compared(data: PageData, chosen: AppliedMend | null, places: readonly number[]): HTMLElement {
  const most = Math.max(
    1,
    chosen?.chip_cycles_after ?? 0,
    ...places.map((place) => data.report.rejected_mends[place]?.chip_cycles ?? 0),
  );
  const exactness = (name: string): Child => (`exactness.${name}` in en ? w(`exactness.${name}` as Word) : name);
  const bar = (cycles: number | null): Child =>
    cycles === null
      ? "–"
      : [() => whole(cycles), h("span", { class: "bar", "aria-hidden": "true", style: `--share:${(cycles / most) * 100}%` })];
  const row = (one: RejectedMend, place: number): Child[] => [
    `${one.code} ${one.name}`,
    exactness(one.exactness),
    bar(one.chip_cycles),
    one.cpu_ops ?? "–",
    data.told.rejected_mends[place] ? say(data.told.rejected_mends[place]) : "",
  ];
  return table(
    w("mend.alternatives"),
    [w("mend.name"), w("mend.exactness"), w("mend.cycles"), w("mend.cpu"), w("mend.why")],
    [
      ...(chosen
        ? [[h("strong", null, `${chosen.code} ${chosen.name}`), exactness(chosen.exactness), bar(chosen.chip_cycles_after), chosen.cpu_ops_after ?? "–", h("span", { class: "better" }, w("mend.chosen"))]]
        : []),
      ...places.flatMap((place) => {
        const one = data.report.rejected_mends[place];
        return one ? [row(one, place)] : [];
      }),
    ],
    new Set([2, 3]),
  );
}
