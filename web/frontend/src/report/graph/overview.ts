// The whole network on a canvas: a map when it is far away, boxes with words when it is near.

import { h } from "../../shared/dom";
import { onTheme } from "../../shared/theme";
import { isPrinting, onPrint } from "../print";
import type { Arrangement, Point } from "./arrange";
import { Brush, type Shown } from "./brush";
import { named } from "./described";
import { Viewport, type View } from "./viewport";
import { ARROWS, step } from "./walk";

const NEAR = 0.9;
/** Pixels of a drawing on paper for one on the screen. */
const PAPER = 3;

export class Overview {
  readonly canvas: HTMLCanvasElement;
  readonly viewport: Viewport;
  private shown: Shown | null = null;
  private selected = -1;
  private waiting = 0;

  /**
   * @param label What the canvas shows.
   * @param select Called with the place of a box that was clicked or reached with a key.
   * @param hover Called with the place that the pointer is over, or -1.
   */
  constructor(
    label: () => string,
    private readonly select: (place: number) => void,
    hover: (place: number, event: PointerEvent) => void,
  ) {
    this.canvas = h("canvas", {
      class: "network",
      tabindex: 0,
      role: "application",
      "aria-label": label,
      "aria-describedby": "network-keys",
    });
    this.viewport = new Viewport(
      this.canvas,
      () => this.shown?.arrangement ?? { width: 1, height: 1 },
      () => this.draw(),
      (x, y) => this.select(this.at(x, y)),
    );
    this.canvas.addEventListener("pointermove", (event) => {
      const { x, y } = this.viewport.toDrawing(event.clientX, event.clientY);
      const place = event.buttons ? -1 : this.at(x, y);
      this.canvas.style.cursor = place >= 0 ? "pointer" : "grab";
      hover(place, event);
    });
    this.canvas.addEventListener("pointerleave", (event) => hover(-1, event));
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.resized()).observe(this.canvas);
    onTheme(() => this.draw());
    let before: View | null = null;
    onPrint(
      () => {
        before = this.viewport.view;
        this.viewport.fit();
        this.paintNow();
      },
      () => before && this.go(before),
    );
  }

  /** Shows a network, whole. */
  show(shown: Shown): void {
    this.shown = shown;
    this.selected = -1;
    this.resized();
  }

  /** The same network, laid out better; what the reader looks at stays where it is. */
  rearrange(arrangement: Arrangement): void {
    if (!this.shown) return;
    const before = this.shown.arrangement;
    this.shown = { ...this.shown, arrangement };
    if (this.viewport.fitted) return this.resized();
    const { x, y, scale } = this.viewport.view;
    const { width, height } = this.viewport.size;
    const middle = { x: (width / 2 - x) / scale, y: (height / 2 - y) / scale };
    const off = (point: Point): number => Math.hypot(point.x - middle.x, point.y - middle.y);
    const nearest = before.nodes.reduce(
      (best, point, place) => (off(point) < off(before.nodes[best]!) ? place : best),
      0,
    );
    const kept = this.selected >= 0 ? this.selected : nearest;
    const [from, to] = [before.nodes[kept]!, arrangement.nodes[kept]!];
    this.viewport.centre(middle.x + to.x - from.x, middle.y + to.y - from.y);
  }

  /** The same network in other colours. */
  repaint(paint: Shown["paint"]): void {
    if (this.shown) this.shown = { ...this.shown, paint };
    this.draw();
  }

  /** Marks a box, and brings it into view where it is not. */
  mark(place: number, near: boolean): void {
    this.selected = place;
    const at = this.shown?.arrangement.nodes[place];
    if (at) {
      const { x, y, scale } = this.viewport.view;
      const { width, height } = this.viewport.size;
      const on = { x: at.x * scale + x, y: at.y * scale + y };
      const outside = on.x < 20 || on.y < 20 || on.x > width - 20 || on.y > height - 20;
      if (near) this.viewport.centre(at.x, at.y, Math.max(scale, NEAR));
      else if (outside) this.viewport.centre(at.x, at.y);
    }
    this.draw();
  }

  private go(view: View): void {
    this.viewport.view = view;
    this.draw();
  }

  private resized(): void {
    this.viewport.fit();
    this.paintNow();
  }

  private key(event: KeyboardEvent): void {
    if (!this.shown || event.shiftKey || !ARROWS.has(event.key)) return;
    event.preventDefault();
    const { scene, arrangement } = this.shown;
    if (this.selected < 0) return this.select(0);
    const next = step(scene, arrangement, this.selected, event.key);
    if (scene.boxes[next]?.node) this.select(next);
  }

  /** The box at a place of the drawing; close to it is enough where boxes are dots. */
  private at(x: number, y: number): number {
    if (!this.shown) return -1;
    const reach = Math.max(0, 5 / this.viewport.view.scale);
    const { scene, arrangement } = this.shown;
    let best = -1;
    let least = Infinity;
    scene.boxes.forEach((box, place) => {
      const point = arrangement.nodes[place]!;
      const [offX, offY] = [Math.abs(point.x - x) - box.width / 2, Math.abs(point.y - y) - box.height / 2];
      const off = Math.max(offX, offY);
      if (box.node && off < reach && off < least) {
        least = off;
        best = place;
      }
    });
    return best;
  }

  /** On the next frame, once. */
  private draw(): void {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.paintNow();
    });
  }

  private paintNow(): void {
    const context = this.canvas.getContext("2d");
    if (!context || !this.shown) return;
    const ratio = isPrinting() ? PAPER : devicePixelRatio || 1;
    const { width, height } = this.viewport.size;
    if (this.canvas.width !== width * ratio || this.canvas.height !== height * ratio) {
      this.canvas.width = width * ratio;
      this.canvas.height = height * ratio;
    }
    const { x, y, scale } = this.viewport.view;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.setTransform(ratio * scale, 0, 0, ratio * scale, ratio * x, ratio * y);
    const brush = new Brush(context, this.shown, scale, {
      left: -x / scale,
      top: -y / scale,
      right: (width - x) / scale,
      bottom: (height - y) / scale,
    });
    brush.wires(this.selected);
    brush.boxes();
    brush.selection(this.selected);
    brush.pins();
  }

  /** What is selected, in words. */
  words(place: number): string {
    const node = this.shown?.scene.boxes[place]?.node;
    return node ? [named(node), this.shown?.paint(place).words()].filter(Boolean).join(". ") : "";
  }
}
