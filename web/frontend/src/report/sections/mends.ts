// Each mend: what it changes, why it is the same, what it costs against the others.

import { h, type Child } from "../../shared/dom";
import { whole } from "../../shared/format";
import { say } from "../../shared/i18n/language";
import type { AppliedMend, MendText, Node, PageData, RejectedMend, Which } from "../data";
import { facts, fold, later, part, section, table } from "../frame";
import { en } from "../i18n/en";
import { w, type Word } from "../i18n/words";
import { inspector } from "../inspector";
import { sideBySide } from "./culprit";

export function mends(data: PageData, find: Find): HTMLElement | null {
  const { mends: applied, rejected_mends: rejected } = data.report;
  if (!applied.length && !rejected.length) return null;
  const spoken = new Set(data.told.mends.flatMap((one) => one.alternatives));
  const left = rejected.map((_, place) => place).filter((place) => !spoken.has(place));
  return section(
    "mends",
    "section.mends",
    alike(applied).map((places) => oneKind(data, places, find)),
    left.length > 0 && part(w("mend.others"), compared(data, null, left)),
  );
}

/** Whether the section on the culprit shows the same operators. */
const drawnAbove = (data: PageData, { before, after }: MendText): boolean =>
  String(before) === String(data.focus.original ?? []) && String(after) === String(data.focus.mended ?? []);

/** Places in `mends` of those that do the same at different nodes, in order. */
function alike(applied: readonly AppliedMend[]): number[][] {
  const kinds = new Map<string, number[]>();
  applied.forEach(({ code, name }, place) => {
    const kind = `${code} ${name}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), place]);
  });
  return [...kinds.values()];
}

type Find = ((which: Which, node: Node) => void) | null;

function oneKind(data: PageData, places: readonly number[], find: Find): HTMLElement | null {
  const both = places.flatMap((place) => {
    const [mend, text] = [data.report.mends[place], data.told.mends[place]];
    return mend && text ? [{ mend, text }] : [];
  });
  const [first, ...rest] = both;
  if (!first) return null;
  const { mend, text } = first;
  const where = (one: AppliedMend): Child =>
    one.nodes.length ? h("code", null, one.nodes.join(", ")) : w("mend.model");
  const { cost } = both.at(-1)!.text;
  const alternatives = [...new Set(both.flatMap((one) => one.text.alternatives))];
  return h(
    "article",
    { class: "mend" },
    h("h3", null, h("a", { href: `#rule-${mend.code}` }, mend.code), ` ${mend.name}`),
    h("p", { class: "lead" }, say(text.summary)),
    drawnAbove(data, text) ? later(changed(), () => drawing(data, mend, text, find)) : drawing(data, mend, text, find),
    facts(
      [w("mend.at"), where(mend)],
      [w("mend.exactness"), say(text.exactness)],
      [w("mend.proof"), say(text.proof)],
      [w("mend.open"), say(text.does_not_cover)],
      [w("mend.cost"), cost.en && say(cost)],
    ),
    rest.length > 0 &&
      fold(
        w("mend.more", { count: rest.length }),
        false,
        rest.map((one) =>
          later(where(one.mend), () => [
            drawing(data, one.mend, one.text, find),
            facts([w("mend.exactness"), say(one.text.exactness)], [w("mend.proof"), say(one.text.proof)]),
          ]),
        ),
      ),
    alternatives.length > 0 && part(w("mend.alternatives"), compared(data, both.at(-1)!.mend, alternatives)),
  );
}

/** The operators that it concerns, before and after. */
function drawing(data: PageData, mend: AppliedMend, text: MendText, find: Find): Child {
  if (!text.before.length && !text.after.length) return h("p", { class: "faint" }, w("mend.same"));
  const panel = inspector(data, () => null, find);
  panel.element.classList.add("folded");
  const show = (which: Which, node: Node): void => {
    panel.element.classList.remove("folded");
    panel.show(which, node);
  };
  const label = (which: Which) => w("graph.subgraph", { which: w(`which.${which}`), mend: mend.name });
  return [sideBySide(data, { original: text.before, mended: text.after }, show, label), panel.element];
}

const changed = (): Child => [w("which.original"), " → ", w("which.mended")];

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
      : [
          () => whole(cycles),
          h("span", { class: "bar", "aria-hidden": "true", style: `--share:${(cycles / most) * 100}%` }),
        ];
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
        ? [
            [
              h("strong", null, `${chosen.code} ${chosen.name}`),
              exactness(chosen.exactness),
              bar(chosen.chip_cycles_after),
              chosen.cpu_ops_after ?? "–",
              h("span", { class: "better" }, w("mend.chosen")),
            ],
          ]
        : []),
      ...places.flatMap((place) => {
        const one = data.report.rejected_mends[place];
        return one ? [row(one, place)] : [];
      }),
    ],
    new Set([2, 3]),
    true,
  );
}
