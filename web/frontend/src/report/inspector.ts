// Everything that is known of one operator.

import { copyButton } from "../shared/copy";
import { fill, h, type Child } from "../shared/dom";
import { bytes, percent, rough, whole } from "../shared/format";
import { say } from "../shared/i18n/language";
import type { Graph, LayerRow, Node, PageData, PlanRow, Which } from "./data";
import { facts, part } from "./frame";
import { named, tensor } from "./graph/described";
import { times } from "./graph/scene";
import { w, type Word } from "./i18n/words";
import { picture } from "./picture";

export interface Inspector {
  readonly element: HTMLElement;
  /** Fills the panel and says in words what is selected; null empties it. */
  show(which: Which, node: Node | null, words?: string): void;
}

/**
 * @param empty What stands there while nothing is selected.
 * @param find Shows an operator in the network; null where the panel belongs to it.
 */
export function inspector(
  data: PageData,
  empty: (which: Which) => Child,
  find: ((which: Which, node: Node) => void) | null,
): Inspector {
  const content = h("div", null, empty("original"));
  const said = h("p", { class: "visually-hidden", role: "status" });
  const element = h("aside", { class: "panel", "aria-label": w("panel"), tabindex: 0 }, said, content);
  return {
    element,
    show(which, node, words = node ? named(node) : "") {
      said.textContent = words;
      const graph = data.graphs[which];
      fill(content, node && graph ? told(data, which, graph, node, find) : empty(which));
      element.scrollTop = 0;
    },
  };
}

function told(data: PageData, which: Which, graph: Graph, node: Node, find: Parameters<typeof inspector>[2]): Child[] {
  const layer = node.layer === null ? undefined : data.layers[node.layer];
  const plan = node.plan === null ? undefined : data.plans[node.plan];
  const list = (places: ReadonlyArray<number | null>): Child =>
    h(
      "ul",
      { class: "tensors" },
      places.map((place) => h("li", null, h("code", null, tensor(graph, place)))),
    );
  return [
    h(
      "p",
      { class: "named" },
      h("strong", null, node.op),
      node.role && h("span", { class: `role ${node.role}` }, w(`role.${node.role}`)),
    ),
    h("p", null, h("code", null, node.name)),
    h(
      "p",
      { class: "actions" },
      find && h("button", { type: "button", onclick: () => find(which, node) }, w("panel.map")),
      commands(data, which, node),
    ),
    facts(
      [w("node.domain"), node.domain],
      [w("node.module"), node.module],
      [w("node.origin"), node.origin && h("code", null, node.origin)],
      [w("node.rule"), node.rule && rule(data, node.rule)],
      [w("node.inputs"), node.inputs.length ? list(node.inputs) : null],
      [w("node.outputs"), list(node.outputs)],
      ...node.attributes.map(([name, text]) => [h("code", null, name), h("code", null, text)] as const),
    ),
    findings(data, node),
    part(w("node.layer"), layer ? row(data, layer) : h("p", { class: "faint" }, w("node.layer.none"))),
    error(data, node),
    plan && part(w("node.plan"), planned(data, graph, plan)),
  ];
}

function commands(data: PageData, which: Which, node: Node): Child {
  return data.node_commands
    .filter((one) => one.which === which)
    .map((one) => {
      const text = one.before + quoted(node.name) + one.after;
      return h(
        "span",
        { title: text },
        copyButton(
          () => text,
          () => `${w("node.copy")()}: ${say(one.title)()}`,
        ),
      );
    });
}

/** As a shell takes it for one word. */
export const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`;

/** Its code and title. */
function rule(data: PageData, code: string): Child {
  const known = data.rules[code];
  return known ? h("a", { href: `#rule-${code}` }, `${code} `, say(known.title)) : code;
}

function findings(data: PageData, node: Node): Child {
  const found = node.findings.flatMap((place) => {
    const [one, text] = [data.findings[place], data.finding_texts[place]];
    return one && text ? [{ one, text }] : [];
  });
  return (
    found.length > 0 &&
    part(
      w("node.findings"),
      found.map(({ one, text }) =>
        h(
          "p",
          { class: `finding ${one.level}` },
          h("span", { class: "level" }, w(`level.${one.level}`)),
          " ",
          h("a", { href: `#rule-${one.code}` }, one.code),
          " ",
          say(text),
        ),
      ),
    )
  );
}

function row(data: PageData, layer: LayerRow): Child[] {
  const total = data.layers.reduce((sum, one) => sum + (one.which === layer.which ? one.cycles : 0), 0);
  const number =
    (value: number): (() => string) =>
    () =>
      whole(value);
  return [
    facts(
      [w("layer.op"), `${layer.op}, ${layer.dtype}`],
      [w("layer.name"), h("code", null, layer.name)],
      [w("layer.target"), layer.target],
      [w("layer.shapes"), times(`${layer.input_shapes} → ${layer.output_shape}`)],
      [w("layer.npu"), number(layer.cycles_npu)],
      [w("layer.ddr"), number(layer.cycles_ddr)],
      [w("layer.cycles"), () => `${whole(layer.cycles)}${total ? ` (${percent(layer.cycles / total)})` : ""}`],
      [w("layer.rw"), number(layer.rw_kb)],
    ),
    layer.nodes.length > 1 && h("p", { class: "faint" }, w("node.layer.shared", { count: layer.nodes.length - 1 })),
  ];
}

function error(data: PageData, node: Node): Child {
  const found = node.error === null ? undefined : data.errors[node.error];
  if (!found) return null;
  const number = (value: number | null): string => (value === null ? "–" : rough(value));
  return part(
    w("node.error"),
    facts(
      [w("verification.cosine"), found.cosine === null ? "–" : found.cosine.toFixed(6)],
      [w("verification.single"), found.single_cosine === null ? null : found.single_cosine.toFixed(6)],
      [w("verification.abs"), number(found.max_abs)],
      [w("verification.rel"), () => (found.max_rel === null ? "–" : percent(found.max_rel))],
    ),
  );
}

/** How a layer is cut for the NPU, in words and as a picture. */
export function planned(data: PageData, graph: Graph, plan: PlanRow): Child[] {
  const shared = `plan.shared.${plan.shared}` as Word;
  const into = plan.into === null ? undefined : graph.nodes[plan.into];
  const drawn = plan.picture === null ? undefined : data.pictures[plan.picture];
  const cycles = (value: number | null): string => (value === null ? "–" : whole(value));
  const geometry = (): string =>
    [
      `${times(plan.input)} → ${times(plan.output)}`,
      plan.kernel && w("plan.kernel", { kernel: times(plan.kernel), stride: times(plan.stride), pads: plan.pads })(),
      plan.dilation && plan.dilation !== "1x1" && w("plan.dilation", { dilation: times(plan.dilation) })(),
      plan.groups > 1 && w("plan.groups", { groups: plan.groups })(),
    ]
      .filter(Boolean)
      .join("; ");
  return [
    facts(
      [w("plan.kind"), plan.kind],
      [w("plan.into"), into ? h("code", null, into.name) : null],
      [w("plan.fused"), plan.fused.length ? h("code", null, plan.fused.join(", ")) : null],
      [w("plan.geometry"), plan.input && plan.output ? geometry : null],
      [w("plan.banks"), plan.banks],
      [
        w("plan.pieces"),
        plan.banks
          ? w("plan.pieces.of", {
              bands: plan.bands,
              rows: plan.rows,
              tiles: plan.tiles,
              chunks: plan.chunks,
              chunk: plan.chunk,
            })
          : null,
      ],
      [w("plan.cores"), plan.cores ? w("plan.shared", { cores: plan.cores, shared: w(shared) }) : null],
      [w("plan.unsplit"), plan.unsplit],
      [
        w("plan.macs"),
        plan.macs
          ? () =>
              plan.utilisation === null
                ? whole(plan.macs)
                : w("plan.useful", { macs: whole(plan.macs), share: percent(plan.utilisation) })()
          : null,
      ],
      [
        w("plan.moved"),
        plan.output_bytes
          ? w("plan.moved.of", {
              input: bytes(plan.input_bytes),
              weight: bytes(plan.weight_bytes),
              output: bytes(plan.output_bytes),
            })
          : null,
      ],
      [
        w("plan.cycles"),
        plan.cycles === null
          ? null
          : () =>
              w("plan.cycles.of", {
                cycles: cycles(plan.cycles),
                npu: cycles(plan.cycles_npu),
                ddr: cycles(plan.cycles_ddr),
              })(),
      ],
      [w("plan.bound"), plan.bound ? w(`plan.bound.${plan.bound}` as Word) : null],
      [w("plan.live"), plan.live_bytes ? bytes(plan.live_bytes) : null],
    ),
    drawn && picture(drawn),
  ];
}
