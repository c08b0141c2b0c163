import { expect, test } from "vitest";
import { arrange, type Arrangement, type Wish } from "../../src/report/graph/arrange";
import { byRows } from "../../src/report/graph/stage";
import { networkOf } from "./networks";

const GAPS = { node: 10, rank: 16 };

/** Every box has a place of its own within the whole, and every edge goes from the one to the other. */
function sound(wish: Wish, made: Arrangement): void {
  const boxes = wish.nodes.map(({ width, height }, place) => {
    const { x, y } = made.nodes[place]!;
    return { left: x - width / 2, right: x + width / 2, top: y - height / 2, bottom: y + height / 2 };
  });
  for (const box of boxes) {
    expect(box.left).toBeGreaterThanOrEqual(-0.01);
    expect(box.top).toBeGreaterThanOrEqual(-0.01);
    expect(box.right).toBeLessThanOrEqual(made.width + 0.01);
    expect(box.bottom).toBeLessThanOrEqual(made.height + 0.01);
  }
  const inOrder = boxes.map((box, place) => ({ ...box, place })).sort((a, b) => a.left - b.left);
  inOrder.forEach((one, at) => {
    for (const other of inOrder.slice(at + 1)) {
      if (other.left >= one.right) break;
      const apart = other.top >= one.bottom - 0.01 || one.top >= other.bottom - 0.01;
      expect(apart, `boxes ${one.place} and ${other.place}`).toBe(true);
    }
  });
  wish.edges.forEach(({ from, to }, place) => {
    const points = made.edges[place]!;
    expect(points.length).toBeGreaterThanOrEqual(2);
    const near = (box: (typeof boxes)[number], point: { x: number; y: number }): boolean =>
      point.x >= box.left - 1 && point.x <= box.right + 1 && point.y >= box.top - 1 && point.y <= box.bottom + 1;
    expect(near(boxes[from]!, points[0]!)).toBe(true);
    expect(near(boxes[to]!, points.at(-1)!)).toBe(true);
  });
}

test.each([1, 2, 3, 4, 5])("network %i: no boxes overlap and every edge arrives, drawn and sketched", (seed) => {
  const wish = { ...networkOf(40 * seed, seed), aspect: seed % 2 ? 1.5 : 0, gaps: GAPS };
  sound(wish, arrange(wish));
  sound(wish, arrange(wish, byRows));
});

test("nothing, and a single node", () => {
  for (const nodes of [[], [{ width: 50, height: 20 }]]) {
    const made = arrange({ nodes, edges: [], aspect: 1, gaps: GAPS });
    expect(made.nodes.length).toBe(nodes.length);
    expect(Number.isFinite(made.width) && Number.isFinite(made.height)).toBe(true);
  }
});

test("a deep network fills columns instead of a strip", () => {
  const wish = { ...networkOf(600, 7), gaps: GAPS };
  const strip = arrange({ ...wish, aspect: 0 });
  const columns = arrange({ ...wish, aspect: 1.5 });
  expect(strip.height / strip.width).toBeGreaterThan(4);
  // columns end where stages do, so that the proportions are met roughly
  expect(columns.width / columns.height).toBeGreaterThan(0.75);
  expect(columns.width / columns.height).toBeLessThan(3);
});

test("inside a column the data flows down", () => {
  const wish = { ...networkOf(120, 3), aspect: 0, gaps: GAPS };
  const made = arrange(wish);
  for (const { from, to } of wish.edges) expect(made.nodes[to]!.y).toBeGreaterThan(made.nodes[from]!.y);
});

test("labels have places", () => {
  const nodes = [
    { width: 60, height: 20 },
    { width: 60, height: 20 },
  ];
  const made = arrange({ nodes, edges: [{ from: 0, to: 1, label: { width: 70, height: 14 } }], aspect: 0, gaps: GAPS });
  const { y } = made.labels[0]!;
  expect(y).toBeGreaterThan(made.nodes[0]!.y);
  expect(y).toBeLessThan(made.nodes[1]!.y);
});
