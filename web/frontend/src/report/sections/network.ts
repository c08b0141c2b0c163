// The whole network: a map in three colourings, a panel for what is selected, a list for those who rather read.

import { fill, h, type Child } from "../../shared/dom";
import { choice } from "../../shared/switches";
import type { Graph, Node, PageData, Which } from "../data";
import { fold, section } from "../frame";
import { arranged, sketched } from "../graph/arranging";
import type { Shown } from "../graph/brush";
import { COLOURINGS, painted, type Colouring, type Painted } from "../graph/colouring";
import { details } from "../graph/described";
import { legendOf } from "../graph/legend";
import { Overview } from "../graph/overview";
import { whole } from "../graph/scene";
import { hideTooltip, showTooltip } from "../graph/tooltip";
import { wishFor } from "../graph/wish";
import { zoomButtons } from "../graph/zoombuttons";
import { w } from "../i18n/words";
import { inspector } from "../inspector";
import { listOf } from "./list";
import { lookFirst } from "./lookfirst";

const GAPS = { node: 10, rank: 16 } as const;
/** Above and below a network that is lower than the map could be, in pixels. */
const ROOM = 80;

/** The section, and what leads to it from elsewhere. */
export interface Network {
  readonly element: HTMLElement;
  find(which: Which, node: Node): void;
  /** Draws the map, once it stands in the page; resolves when it answers to the reader. */
  start(): Promise<void>;
}

export function network(data: PageData): Network | null {
  const models = (["original", "mended"] as const).filter((which) => data.graphs[which]);
  const first = models[0];
  if (!first) return null;
  return new Chart(data, models, first);
}

class Chart implements Network {
  readonly element: HTMLElement;
  private colouring: Colouring = "finding";
  private paints: Painted;
  private readonly shown = new Map<Which, Promise<Omit<Shown, "paint">>>();
  private readonly overview: Overview;
  private readonly panel: ReturnType<typeof inspector>;
  private readonly legend = h("div", { class: "legend" });
  private readonly colours = h("div");
  private readonly map: HTMLElement;
  private readonly list: HTMLElement;
  private readonly models: HTMLElement & { update?: () => void };

  constructor(
    private readonly data: PageData,
    models: readonly Which[],
    private which: Which,
  ) {
    this.paints = painted(data, which, "finding")!;
    this.overview = new Overview(
      () => this.label(),
      (place) => this.select(place),
      (place, event) => this.hover(place, event),
    );
    this.panel = inspector(data, (name) => lookFirst(data, name, (node) => this.find(name, node)), null);
    const options = models.map((value) => ({ value, label: w(`which.${value}`) }));
    this.models =
      options.length > 1
        ? choice<Which>(
            w("which"),
            options,
            () => this.which,
            (value) => void this.switchTo(value),
          )
        : h("span", { hidden: true });
    this.list = fold(w("network.list"), false);
    this.list.classList.add("list");
    this.list.addEventListener("toggle", () => this.relist());
    const canvas = h("div", { class: "canvas" }, this.overview.canvas, zoomButtons(this.overview.viewport));
    this.map = h("div", { class: "map" }, canvas, this.panel.element);
    this.element = section(
      "network",
      "section.network",
      h("div", { class: "toolbar" }, this.models, this.colours, this.search()),
      this.map,
      this.legend,
      h("p", { id: "network-keys", class: "faint keys" }, w("graph.keys")),
      this.list,
    );
  }

  private get graph(): Graph {
    return this.data.graphs[this.which]!;
  }

  start(): Promise<void> {
    return this.switchTo(this.which);
  }

  find(which: Which, node: Node): void {
    void this.switchTo(which).then(() => {
      this.show(node, true);
      this.overview.canvas.scrollIntoView({ block: "center" });
      this.overview.canvas.focus({ preventScroll: true });
    });
  }

  private async switchTo(which: Which): Promise<void> {
    this.which = which;
    this.models.update?.();
    if (!painted(this.data, which, this.colouring)) this.colouring = "finding";
    this.recolour();
    const { scene, arrangement } = await this.laidOut(which);
    if (this.which !== which) return; // another one was asked for in the meantime
    this.map.style.setProperty("--drawn", `${Math.round(arrangement.height + ROOM)}px`);
    this.overview.show({ scene, arrangement, paint: this.paint(scene) });
    this.panel.show(which, null);
    this.relist();
  }

  private laidOut(which: Which): Promise<Omit<Shown, "paint">> {
    const known = this.shown.get(which);
    if (known) return known;
    const scene = whole(this.data.graphs[which]!);
    const { clientWidth, clientHeight } = this.overview.canvas;
    const wish = wishFor(scene, (clientWidth || 3) / (clientHeight || 2), GAPS);
    const final = arranged(wish).then((arrangement) => ({ scene, arrangement }));
    const sketch = sketched(wish);
    const first = sketch ? Promise.resolve({ scene, arrangement: sketch }) : final;
    this.shown.set(which, first);
    void final.then((better) => {
      this.shown.set(which, final);
      performance.mark("rkmend:arranged");
      if (sketch && this.which === which) this.overview.rearrange(better.arrangement);
    });
    return first;
  }

  private paint(scene: Shown["scene"]): Shown["paint"] {
    const { paint } = this.paints;
    return (place) => paint(scene.boxes[place]!.node!);
  }

  private recolour(): void {
    this.paints = painted(this.data, this.which, this.colouring)!;
    fill(this.legend, legendOf(this.paints));
    const options = COLOURINGS.filter((kind) => painted(this.data, this.which, kind)).map((value) => ({
      value,
      label: w(`by.${value}`),
    }));
    const buttons = choice<Colouring>(
      w("network.colour"),
      options,
      () => this.colouring,
      (value) => {
        this.colouring = value;
        this.paints = painted(this.data, this.which, value)!;
        fill(this.legend, legendOf(this.paints));
        void this.laidOut(this.which).then(({ scene }) => this.overview.repaint(this.paint(scene)));
        this.relabel();
      },
    );
    fill(
      this.colours,
      h("span", { class: "labelled" }, h("span", { "aria-hidden": "true" }, w("network.colour")), buttons),
    );
    this.relabel();
  }

  private relabel(): void {
    this.overview.canvas.setAttribute("aria-label", this.label());
  }

  private label(): string {
    return w("network.label", {
      count: this.graph.nodes.length,
      which: w(`which.${this.which}`),
      by: w(`by.${this.colouring}`),
    })();
  }

  private select(place: number): void {
    void this.laidOut(this.which).then(({ scene }) => {
      this.overview.mark(place, false);
      this.panel.show(this.which, scene.boxes[place]?.node ?? null, this.overview.words(place));
    });
  }

  private show(node: Node, near: boolean): void {
    void this.laidOut(this.which).then(({ scene }) => {
      const place = scene.places.get(node.id) ?? -1;
      this.overview.mark(place, near);
      this.panel.show(this.which, node, this.overview.words(place));
    });
  }

  private hover(place: number, event: PointerEvent): void {
    if (place < 0) return hideTooltip();
    void this.laidOut(this.which).then(({ scene }) => {
      const node = scene.boxes[place]?.node;
      if (node) showTooltip(event.clientX, event.clientY, details(this.graph, node, this.paints.paint(node).words()));
    });
  }

  private search(): Child {
    let found: Node[] = [];
    let at = -1;
    const said = h("span", { class: "said", role: "status" });
    const input = h("input", {
      type: "search",
      placeholder: w("network.search"),
      "aria-label": w("network.search"),
      autocomplete: "off",
    });
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      found = words.length
        ? this.graph.nodes.filter((node) =>
            words.every((word) => `${node.op} ${node.name}`.toLowerCase().includes(word)),
          )
        : [];
      at = -1;
      fill(said, words.length > 0 && w("network.found", { count: found.length }));
    });
    input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !found.length) return;
      at = (at + (event.shiftKey ? found.length - 1 : 1)) % found.length;
      this.show(found[at]!, true);
    });
    return h("div", { class: "search" }, input, said);
  }

  private relist(): void {
    if (!(this.list as HTMLDetailsElement).open) return;
    const { which, data, graph, paints } = this;
    fill(
      this.list,
      h("summary", null, w("network.list")),
      listOf(data, which, graph, paints.paint, (node) => this.find(which, node)),
    );
  }
}
