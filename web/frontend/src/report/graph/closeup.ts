// A few operators, drawn large: shapes on the lines, attributes in the boxes.

import { fill, h, s } from "../../shared/dom";
import type { Node } from "../data";
import { w } from "../i18n/words";
import { isPrinting, onPrint } from "../print";
import { arranged } from "./arranging";
import type { Arrangement, Point } from "./arrange";
import { details, named } from "./described";
import { LINE, PAD, type Box, type Scene } from "./scene";
import { css, look, type Tone } from "./tones";
import { hideTooltip, showTooltip } from "./tooltip";
import { Viewport } from "./viewport";
import { ARROWS, step } from "./walk";
import { wishFor } from "./wish";
import { zoomButtons } from "./zoombuttons";

const GAPS = { node: 22, rank: 34 } as const;
const TALLEST = 620;
const LOWEST = 150;
const ROOM = 28;
const READABLE = 0.55;
const BEGIN = 0.85;
let drawings = 0;

/** A drawing to move over; `select` is told what was clicked or reached with Enter. */
export async function closeUpOf(scene: Scene, label: () => string, select: (node: Node) => void): Promise<HTMLElement> {
  const arrangement = await arranged(wishFor(scene, 0, GAPS));
  const boxes = scene.boxes.map((box, place) => drawBox(box, arrangement.nodes[place]!));
  const head = `arrow-${++drawings}`;
  const moving = s("g", null, wires(scene, arrangement, head), boxes);
  const drawing = s("svg", { class: "drawing", role: "group", "aria-label": label, tabindex: -1 }, arrow(head), moving);
  const move = (): void => {
    if (isPrinting()) return;
    const { x, y, scale } = view.view;
    moving.setAttribute("transform", `translate(${x} ${y}) scale(${scale})`);
  };
  const view = new Viewport(
    drawing,
    () => arrangement,
    move,
    () => {},
  );
  drawing.style.height = `${Math.min(TALLEST, Math.max(LOWEST, arrangement.height + ROOM))}px`;
  listen(scene, arrangement, boxes, view, select);
  const first = arrangement.nodes[firstOf(scene)];
  new ResizeObserver(() => {
    view.fit();
    // so many operators that none can be read: begin with the one that matters
    if (view.view.scale < READABLE && first) view.begin(first.x, first.y, BEGIN);
  }).observe(drawing);
  const whole = (): void => {
    moving.removeAttribute("transform");
    drawing.setAttribute("viewBox", `-2 -2 ${arrangement.width + 4} ${arrangement.height + 4}`);
  };
  onPrint(whole, () => {
    drawing.removeAttribute("viewBox");
    move();
  });
  if (isPrinting()) whole(); // a fold that is opened for the paper
  return h("div", { class: "closeup" }, drawing, zoomButtons(view));
}

const arrow = (id: string): SVGElement =>
  s(
    "defs",
    null,
    s(
      "marker",
      { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
      s("path", { d: "M0 1 L7 4 L0 7 z", class: "arrow" }),
    ),
  );

function wires(scene: Scene, arrangement: Arrangement, head: string): SVGElement {
  return s(
    "g",
    { class: "wires", "aria-hidden": "true" },
    scene.wires.map((wire, place) => {
      const at = arrangement.labels[place];
      return s(
        "g",
        null,
        s("path", { d: curve(arrangement.edges[place]!), "marker-end": `url(#${head})` }),
        at && wire.label ? s("text", { x: at.x, y: at.y + 3.5, "text-anchor": "middle" }, wire.label) : null,
      );
    }),
  );
}

/** Through the middles between points, so that there are no corners. */
export function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (!first) return "";
  const at = ({ x, y }: Point): string => `${round(x)} ${round(y)}`;
  const last = rest.at(-1) ?? first;
  const inner = rest.slice(0, -1).map((point, place) => {
    const next = rest[place + 1]!;
    const to = place === rest.length - 2 ? last : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    return `Q${at(point)} ${at(to)}`;
  });
  return inner.length ? `M${at(first)}${inner.join("")}` : `M${at(first)}L${at(last)}`;
}

const round = (value: number): number => Math.round(value * 10) / 10;

function drawBox(box: Box, { x, y }: Point): SVGGElement {
  const at = `translate(${round(x - box.width / 2)} ${round(y - box.height / 2)})`;
  if (!box.node) {
    return s(
      "g",
      {
        transform: at,
        class: `end ${box.kind}`,
        role: "img",
        "aria-label": w(`end.${endOf(box.kind)}`, { name: box.title }),
      },
      s("rect", { width: box.width, height: box.height, rx: box.height / 2 }),
      s("text", { x: box.width / 2, y: box.height / 2 + 4, "text-anchor": "middle" }, box.title),
    );
  }
  const node = box.node;
  const { fill: inside, stroke, width, dash } = look((box.role || "plain") as Tone);
  const style = `fill:${css(inside)};stroke:${css(stroke)};stroke-width:${width};stroke-dasharray:${dash?.join(" ") ?? "none"}`;
  const top = box.role ? LINE : 0;
  return s(
    "g",
    { transform: at, class: "box", role: "button", tabindex: -1, "aria-label": () => named(node) },
    s("rect", { width: box.width, height: box.height, rx: 5, style }),
    box.role && s("text", { x: PAD, y: LINE, class: `role ${box.role}` }, w(`role.${box.role}`)),
    s("text", { x: PAD, y: top + LINE + 1, class: "op" }, box.title),
    box.lines.map((line, place) => s("text", { x: PAD, y: top + (place + 2) * LINE, class: "line" }, line)),
  );
}

const endOf = (kind: Box["kind"]): "input" | "output" | "more" =>
  kind === "input" || kind === "output" ? kind : "more";

function firstOf(scene: Scene): number {
  const first = scene.boxes.findIndex((box) => box.role !== "");
  return first >= 0 ? first : scene.boxes.findIndex((box) => box.node);
}

/** One box is in the order of the tab key; the arrow keys go from box to box. */
function listen(
  scene: Scene,
  arrangement: Arrangement,
  boxes: readonly SVGGElement[],
  view: Viewport,
  select: (node: Node) => void,
): void {
  boxes[firstOf(scene)]?.setAttribute("tabindex", "0");
  const choose = (place: number): void => {
    const node = scene.boxes[place]?.node;
    if (!node) return;
    boxes.forEach((one, at) => one.classList.toggle("selected", at === place));
    select(node);
  };
  boxes.forEach((element, place) => {
    const node = scene.boxes[place]!.node;
    if (!node) return;
    element.addEventListener("click", () => choose(place));
    element.addEventListener("pointermove", (event) =>
      showTooltip(event.clientX, event.clientY, details(scene.graph, node, null)),
    );
    element.addEventListener("pointerleave", hideTooltip);
    element.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") {
        event.preventDefault();
        choose(place);
      } else if (ARROWS.has(event.key) && !event.shiftKey) {
        event.preventDefault();
        goTo(skipEnds(scene, arrangement, place, event.key));
      }
    });
  });
  const goTo = (place: number): void => {
    boxes.forEach((one, at) => scene.boxes[at]!.node && one.setAttribute("tabindex", at === place ? "0" : "-1"));
    const { x, y } = arrangement.nodes[place]!;
    const { x: left, y: top, scale } = view.view;
    const seen = view.size;
    const on = { x: x * scale + left, y: y * scale + top };
    if (on.x < 0 || on.y < 0 || on.x > seen.width || on.y > seen.height) view.centre(x, y);
    boxes[place]!.focus({ preventScroll: true });
  };
}

/** Ends are not stopped at. */
function skipEnds(scene: Scene, arrangement: Arrangement, from: number, key: string): number {
  const next = step(scene, arrangement, from, key);
  return scene.boxes[next]?.node ? next : from;
}

/** A place for a drawing that is still being made. */
export function eventually(made: Promise<HTMLElement>): HTMLElement {
  const place = h("div", { class: "pending" }, w("graph.drawing"));
  void made.then(
    (element) => place.replaceWith(element),
    (error: unknown) => fill(place, String(error)),
  );
  return place;
}
