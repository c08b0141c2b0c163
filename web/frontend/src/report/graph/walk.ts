// Going from operator to operator with the arrow keys.

import type { Arrangement } from "./arrange";
import type { Scene } from "./scene";

/** The box that an arrow key leads to, or the same one where there is none. */
export function step(scene: Scene, arrangement: Arrangement, from: number, key: string): number {
  const ahead = (down: boolean): number[] =>
    scene.wires.flatMap((wire) => ((down ? wire.from : wire.to) === from ? [down ? wire.to : wire.from] : []));
  const here = arrangement.nodes[from];
  if (!here) return from;
  const x = (place: number): number => arrangement.nodes[place]!.x;
  const nearest = (places: readonly number[]): number =>
    places.reduce(
      (best, one) => (Math.abs(x(one) - here.x) < Math.abs(x(best) - here.x) ? one : best),
      places[0] ?? from,
    );
  if (key === "ArrowDown" || key === "ArrowUp") return nearest(ahead(key === "ArrowDown"));
  if (key !== "ArrowLeft" && key !== "ArrowRight") return from;
  const right = key === "ArrowRight";
  const beside = scene.boxes.flatMap((box, place) => {
    const { x: itsX, y: itsY } = arrangement.nodes[place]!;
    const level = Math.abs(itsY - here.y) < (box.height + scene.boxes[from]!.height) / 2;
    return level && (right ? itsX > here.x : itsX < here.x) ? [place] : [];
  });
  return nearest(beside);
}

export const ARROWS: ReadonlySet<string> = new Set(["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"]);
