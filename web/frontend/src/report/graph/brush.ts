// How a network is drawn on a canvas, at any scale.

import type { Arrangement, Point } from "./arrange";
import type { Paint } from "./colouring";
import { FONT } from "./measure";
import type { Scene } from "./scene";
import { look, PINNED, resolver } from "./tones";

/** Scale from which words are drawn, and from which boxes have outlines. */
const WORDS = 0.5;
const OUTLINES = 0.14;
const BAR = 4;
const PIN = 7;
/** More pins than this would hide the network. */
const MOST_PINS = 80;

export interface Shown {
  readonly scene: Scene;
  readonly arrangement: Arrangement;
  readonly paint: (place: number) => Paint;
}

export interface Window {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Draws one picture of a network. */
export class Brush {
  private readonly colour = resolver();

  constructor(
    private readonly context: CanvasRenderingContext2D,
    private readonly shown: Shown,
    private readonly scale: number,
    private readonly window: Window,
  ) {}

  wires(selected: number): void {
    const { context, shown } = this;
    const path = (mine: boolean): void => {
      context.beginPath();
      shown.scene.wires.forEach((wire, place) => {
        if ((wire.from === selected || wire.to === selected) === mine) this.line(shown.arrangement.edges[place]!);
      });
      context.stroke();
    };
    context.lineJoin = "round";
    context.strokeStyle = this.colour(this.scale < OUTLINES ? "frame" : ["frame", "faint", 0.35]);
    context.lineWidth = Math.max(1, 0.6 / this.scale);
    path(false);
    if (selected < 0) return;
    context.strokeStyle = this.colour("blue");
    context.lineWidth = Math.max(2, 1.5 / this.scale);
    path(true);
  }

  private line(points: readonly Point[]): void {
    const { context, window } = this;
    if (points.every(({ x }) => x < window.left) || points.every(({ x }) => x > window.right)) return;
    if (points.every(({ y }) => y < window.top) || points.every(({ y }) => y > window.bottom)) return;
    points.forEach(({ x, y }, place) => (place ? context.lineTo(x, y) : context.moveTo(x, y)));
  }

  private seen(place: number): boolean {
    const { width, height } = this.shown.scene.boxes[place]!;
    const { x, y } = this.shown.arrangement.nodes[place]!;
    const { left, right, top, bottom } = this.window;
    return x + width / 2 > left && x - width / 2 < right && y + height / 2 > top && y - height / 2 < bottom;
  }

  boxes(): void {
    const { context, scale, shown } = this;
    // a box that is a fraction of a pixel high would not be seen
    const least = 2.5 / scale;
    shown.scene.boxes.forEach((box, place) => {
      if (!this.seen(place)) return;
      const point = shown.arrangement.nodes[place]!;
      const [width, height] = [Math.max(box.width, least), Math.max(box.height, least)];
      const [left, top] = [point.x - width / 2, point.y - height / 2];
      const { tone, bar } = box.node ? shown.paint(place) : { tone: "plain" as const, bar: null };
      const style = look(tone);
      context.beginPath();
      // corners that nobody sees take three times as long
      if (scale < OUTLINES) context.rect(left, top, width, height);
      else context.roundRect(left, top, width, height, box.node ? Math.min(4, height / 4) : height / 2);
      const dot = scale < OUTLINES && (tone === "plain" || tone === "unknown");
      const far = scale < OUTLINES && typeof style.fill === "string";
      context.fillStyle = this.colour(dot ? ["frame", "faint", 0.6] : far ? style.stroke : style.fill);
      context.fill();
      if (!dot) {
        context.setLineDash(scale >= WORDS ? (style.dash ?? []).slice() : []);
        context.strokeStyle = this.colour(style.stroke);
        context.lineWidth = scale >= WORDS ? style.width : Math.max(1, 0.5 / scale);
        context.stroke();
        context.setLineDash([]);
      }
      if (scale >= OUTLINES && bar) {
        context.fillStyle = this.colour("ink");
        context.fillRect(left + 2, top + height - BAR, (width - 4) * bar, BAR - 1.5);
      }
      if (scale >= WORDS) this.words(place);
    });
  }

  private words(place: number): void {
    const { context, shown } = this;
    const box = shown.scene.boxes[place]!;
    const { x, y } = shown.arrangement.nodes[place]!;
    const strong = box.node && /^(cycles4|off5)$/.test(shown.paint(place).tone);
    context.font = box.node ? FONT.title : FONT.line;
    context.textAlign = "center";
    context.textBaseline = "middle";
    // on the darkest step of a ramp the paper is what stands out
    context.fillStyle = this.colour(strong ? "paper" : box.node ? "ink" : "faint");
    context.fillText(box.title, x, y);
  }

  /** Of the size of a finger tip whatever the scale: what matters is found on a map of a thousand dots. */
  pins(): void {
    const { context, shown, scale } = this;
    const pinned = shown.scene.boxes.flatMap((box, place) => {
      const mark = box.node && PINNED.has(shown.paint(place).tone) ? look(shown.paint(place).tone).mark : undefined;
      return mark ? [{ place, mark }] : [];
    });
    if (pinned.length > MOST_PINS) return;
    const radius = PIN / scale;
    context.font = `700 ${11 / scale}px ${FONT.title.slice(FONT.title.indexOf("px") + 3)}`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    for (const { place, mark } of pinned) {
      const box = shown.scene.boxes[place]!;
      const point = shown.arrangement.nodes[place]!;
      const x = point.x + box.width / 2 + (scale < WORDS ? radius * 0.4 : 0);
      const y = point.y - box.height / 2 - (scale < WORDS ? radius * 0.4 : 0);
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = this.colour(look(shown.paint(place).tone).stroke);
      context.fill();
      context.lineWidth = 1.5 / scale;
      context.strokeStyle = this.colour("paper");
      context.stroke();
      context.fillStyle = this.colour("paper");
      context.fillText(mark, x, y + 0.5 / scale);
    }
  }

  selection(place: number): void {
    const box = this.shown.scene.boxes[place];
    const point = this.shown.arrangement.nodes[place];
    if (!box || !point) return;
    const { context } = this;
    const out = 4 / this.scale;
    context.beginPath();
    context.roundRect(
      point.x - box.width / 2 - out,
      point.y - box.height / 2 - out,
      box.width + 2 * out,
      box.height + 2 * out,
      6 / this.scale,
    );
    context.lineWidth = 2.5 / this.scale;
    context.strokeStyle = this.colour("blue");
    context.stroke();
  }
}
