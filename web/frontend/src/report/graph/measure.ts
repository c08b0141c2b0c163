// How wide a text is, for boxes that hold it.

const SANS = 'system-ui, "Segoe UI", "Noto Sans", Arial, sans-serif';

export const FONT = { title: `600 12px ${SANS}`, line: `400 10.5px ${SANS}` } as const;

let context: CanvasRenderingContext2D | null | undefined;
const widths = new Map<string, number>();

/** In pixels; guessed where there is no canvas. */
export function measured(text: string, font: string): number {
  const key = `${font}|${text}`;
  const known = widths.get(key);
  if (known !== undefined) return known;
  if (context === undefined) context = document.createElement("canvas").getContext?.("2d") ?? null;
  if (context) context.font = font;
  const width = context ? context.measureText(text).width : text.length * 6.6;
  widths.set(key, width);
  return width;
}
