// How boxes look: a colour, and an outline or a mark that says the same without it.

export type Tone =
  | "plain"
  | "culprit"
  | "replaced"
  | "new"
  | "changed"
  | "tail"
  | "error"
  | "warning"
  | "advice"
  | "cpu"
  | "unknown"
  | `cycles${0 | 1 | 2 | 3 | 4}`
  | `off${0 | 1 | 2 | 3 | 4 | 5}`;

export interface Look {
  /** Names of colours in tokens.css, or two of them and how much there is of the second. */
  readonly fill: Mix;
  readonly stroke: Mix;
  readonly width: number;
  readonly dash?: readonly number[];
  /** One or two letters, at the corner of the box; where boxes are dots, a pin. */
  readonly mark?: string;
}

type Mix = string | readonly [string, string, number];

const ramp = (to: string, share: number): Look => ({
  fill: ["paper", to, share],
  stroke: ["frame", to, 0.6],
  width: 1,
});

const LOOKS: Record<Tone, Look> = {
  plain: { fill: "paper", stroke: "frame", width: 1 },
  culprit: { fill: "orange-pale", stroke: "orange", width: 2.5, mark: "×" },
  replaced: { fill: "orange-faint", stroke: "orange", width: 1.5, dash: [5, 3], mark: "−" },
  new: { fill: "green-faint", stroke: "green", width: 2, mark: "+" },
  changed: { fill: "purple-faint", stroke: "purple", width: 1.5, dash: [2, 2], mark: "~" },
  tail: { fill: "raised", stroke: "faint", width: 1.5, dash: [8, 3, 2, 3], mark: "T" },
  error: { fill: "orange-pale", stroke: "orange", width: 1.5, mark: "!" },
  warning: { fill: "orange-faint", stroke: "orange", width: 1, dash: [3, 2], mark: "?" },
  advice: { fill: "blue-faint", stroke: "blue", width: 1, mark: "i" },
  cpu: { fill: "purple-faint", stroke: "purple", width: 1.5, mark: "C" },
  unknown: { fill: "raised", stroke: "frame", width: 1, dash: [2, 3] },
  cycles0: ramp("blue", 0),
  cycles1: ramp("blue", 0.15),
  cycles2: ramp("blue", 0.34),
  cycles3: ramp("blue", 0.58),
  cycles4: { ...ramp("blue", 0.9), mark: "▲" },
  off0: ramp("orange", 0),
  off1: ramp("orange", 0.13),
  off2: ramp("orange", 0.28),
  off3: ramp("orange", 0.46),
  off4: ramp("orange", 0.68),
  off5: { ...ramp("orange", 0.95), mark: "▲" },
};

/** Tones whose boxes are pinned on a drawing that is too small to show them. */
export const PINNED: ReadonlySet<Tone> = new Set([
  "culprit",
  "replaced",
  "new",
  "changed",
  "error",
  "cpu",
  "cycles4",
  "off5",
]);

export const look = (tone: Tone): Look => LOOKS[tone];

/** A mix as CSS understands it. */
export const css = (mix: Mix): string =>
  typeof mix === "string" ? `var(--${mix})` : `color-mix(in srgb, var(--${mix[1]}) ${mix[2] * 100}%, var(--${mix[0]}))`;

/** Colours for a canvas, which knows no variables: looked up once for each drawing. */
export function resolver(): (mix: Mix) => string {
  const style = getComputedStyle(document.documentElement);
  const known = new Map<string, string>();
  const token = (name: string): string => {
    const found = known.get(name) ?? style.getPropertyValue(`--${name}`).trim();
    known.set(name, found);
    return found;
  };
  return (mix) => (typeof mix === "string" ? token(mix) : mixed(token(mix[0]), token(mix[1]), mix[2]));
}

function mixed(one: string, other: string, share: number): string {
  const [a, b] = [parts(one), parts(other)];
  return `rgb(${a.map((part, place) => Math.round(part + (b[place]! - part) * share)).join(" ")})`;
}

/** #rrggbb -> red, green, blue */
const parts = (hex: string): number[] => [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) || 0);
