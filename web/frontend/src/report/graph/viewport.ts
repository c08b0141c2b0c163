// Moving over a drawing: drag, wheel, pinch, keys. What is drawn is told by `moved`.

import type { Size } from "./arrange";

export interface View {
  readonly x: number;
  readonly y: number;
  /** Pixels of the screen for one of the drawing. */
  readonly scale: number;
}

const STEP = 1.3;
const MOST = 2.5;
const ROOM = 14;
const CLICK = 4;
const PAN = 60;

export class Viewport {
  view: View = { x: 0, y: 0, scale: 1 };
  /** Whether all of it is shown, because nobody has moved since. */
  fitted = true;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private travelled = 0;

  /**
   * @param element What shows the drawing and gets the events.
   * @param content How large the drawing is.
   * @param moved Called after each move.
   * @param clicked Called with a place in the drawing.
   */
  constructor(
    private readonly element: HTMLElement | SVGSVGElement,
    private readonly content: () => Size,
    private readonly moved: () => void,
    private readonly clicked: (x: number, y: number) => void,
  ) {
    const listen = <E extends Event>(type: string, handler: (event: E) => void, passive = true): void =>
      element.addEventListener(type, handler as EventListener, { passive });
    listen<WheelEvent>("wheel", (event) => this.wheel(event), false);
    listen<PointerEvent>("pointerdown", (event) => this.down(event));
    listen<PointerEvent>("pointermove", (event) => this.move(event));
    listen<PointerEvent>("pointerup", (event) => this.up(event));
    listen<PointerEvent>("pointercancel", (event) => this.pointers.delete(event.pointerId));
    listen<KeyboardEvent>("keydown", (event) => this.key(event), false);
  }

  /** The size of what shows it, in pixels. */
  get size(): Size {
    return { width: this.element.clientWidth || 1, height: this.element.clientHeight || 1 };
  }

  private get whole(): number {
    const { width, height } = this.content();
    const room = this.size;
    const free = (side: number): number => Math.max(10, side - 2 * ROOM);
    return Math.min(free(room.width) / Math.max(1, width), free(room.height) / Math.max(1, height));
  }

  /** Shows all of it, not larger than `largest`. */
  fit(largest = 1): void {
    const { width, height } = this.content();
    const scale = Math.min(largest, this.whole);
    const room = this.size;
    this.go({ scale, x: (room.width - width * scale) / 2, y: (room.height - height * scale) / 2 });
    this.fitted = true;
  }

  /** Brings a place of the drawing to the middle. */
  centre(x: number, y: number, scale = this.view.scale): void {
    const { width, height } = this.size;
    this.go({ scale, x: width / 2 - x * scale, y: height / 2 - y * scale });
  }

  /** Brings a place near the middle, but shows nothing beyond the edges of the drawing. */
  begin(x: number, y: number, scale: number): void {
    const { width, height } = this.content();
    const room = this.size;
    const clamped = (at: number, side: number, seen: number): number =>
      side * scale < seen
        ? (seen - side * scale) / 2
        : Math.min(ROOM, Math.max(seen - ROOM - side * scale, seen / 2 - at * scale));
    this.go({ scale, x: clamped(x, width, room.width), y: clamped(y, height, room.height) });
  }

  zoom(factor: number, atX = this.size.width / 2, atY = this.size.height / 2): void {
    const { x, y, scale } = this.view;
    const next = Math.min(MOST, Math.max(Math.min(1, this.whole) * 0.8, scale * factor));
    const by = next / scale;
    this.go({ scale: next, x: atX - (atX - x) * by, y: atY - (atY - y) * by });
  }

  in = (): void => this.zoom(STEP);
  out = (): void => this.zoom(1 / STEP);

  /** From the screen to the drawing. */
  toDrawing(clientX: number, clientY: number): { x: number; y: number } {
    const { left, top } = this.element.getBoundingClientRect();
    const { x, y, scale } = this.view;
    return { x: (clientX - left - x) / scale, y: (clientY - top - y) / scale };
  }

  private go(view: View): void {
    this.view = view;
    this.fitted = false;
    // one finger scrolls the page as long as all of the drawing is to be seen
    this.element.style.touchAction = view.scale > this.whole * 1.05 ? "none" : "pan-y";
    this.moved();
  }

  private pan(byX: number, byY: number): void {
    this.go({ ...this.view, x: this.view.x + byX, y: this.view.y + byY });
  }

  /** The wheel belongs to the page until the drawing was clicked or focused. */
  private wheel(event: WheelEvent): void {
    if (!event.ctrlKey && !event.metaKey && !this.element.contains(document.activeElement)) return;
    event.preventDefault();
    const { left, top } = this.element.getBoundingClientRect();
    this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0018)), event.clientX - left, event.clientY - top);
  }

  private down(event: PointerEvent): void {
    if (event.button) return;
    this.pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (this.pointers.size === 1) this.travelled = 0;
  }

  private move(event: PointerEvent): void {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const { left, top } = this.element.getBoundingClientRect();
      const apart = (point: { x: number; y: number }): number => Math.hypot(point.x - other.x, point.y - other.y);
      this.zoom(apart(now) / Math.max(1, apart(before)), (now.x + other.x) / 2 - left, (now.y + other.y) / 2 - top);
      this.travelled = CLICK + 1;
    } else {
      this.travelled += Math.hypot(now.x - before.x, now.y - before.y);
      if (this.travelled > CLICK) {
        this.element.setPointerCapture(event.pointerId);
        this.pan(now.x - before.x, now.y - before.y);
      }
    }
    this.pointers.set(event.pointerId, now);
  }

  private up(event: PointerEvent): void {
    if (!this.pointers.delete(event.pointerId) || this.travelled > CLICK || this.pointers.size) return;
    const { x, y } = this.toDrawing(event.clientX, event.clientY);
    this.clicked(x, y);
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const action = this.action(event.key, event.shiftKey);
    if (!action) return;
    event.preventDefault();
    action();
  }

  private action(key: string, shift: boolean): (() => void) | undefined {
    const simple: Record<string, () => void> = { "+": this.in, "=": this.in, "-": this.out, "0": () => this.fit() };
    const panned: Record<string, () => void> = {
      ArrowLeft: () => this.pan(PAN, 0),
      ArrowRight: () => this.pan(-PAN, 0),
      ArrowUp: () => this.pan(0, PAN),
      ArrowDown: () => this.pan(0, -PAN),
    };
    return simple[key] ?? (shift ? panned[key] : undefined);
  }
}
