// What is asked of a layout for a scene.

import type { Wish } from "./arrange";
import type { Scene } from "./scene";

export function wishFor(scene: Scene, aspect: number, gaps: Wish["gaps"]): Wish {
  const labelled = scene.wires.some((wire) => wire.label);
  return {
    nodes: scene.boxes.map(({ width, height }) => ({ width, height })),
    edges: scene.wires.map(({ from, to, label }) =>
      labelled ? { from, to, label: { width: label.length * 6 + 6, height: 14 } } : { from, to },
    ),
    aspect,
    gaps,
  };
}
