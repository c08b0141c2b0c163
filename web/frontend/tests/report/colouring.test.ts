import { expect, test } from "vitest";
import type { LayerRow, PageData } from "../../src/report/data";
import { painted } from "../../src/report/graph/colouring";
import { nodeOf, residual } from "./graphs";

const row = (cycles: number, target = "NPU"): LayerRow => ({
  which: "original",
  op: "Conv",
  name: "Conv:c",
  dtype: "FLOAT16",
  target,
  input_shapes: "",
  output_shape: "",
  cycles_ddr: 0,
  cycles_npu: cycles,
  cycles,
  rw_kb: 1,
  nodes: [],
});

function dataOf(more: Partial<PageData>): PageData {
  return {
    graphs: { original: residual(), mended: null },
    layers: [],
    plans: [],
    errors: [],
    findings: [],
    ...more,
  } as PageData;
}

function tones(data: PageData, kind: "finding" | "cycles" | "error"): string[] | undefined {
  const made = painted(data, "original", kind);
  return made ? data.graphs.original!.nodes.map((node) => made.paint(node).tone) : undefined;
}

test("findings: the role first, then the worst level", () => {
  const graph = residual();
  const nodes = [nodeOf(0, "Conv", [0], [2], { findings: [0, 1] }), graph.nodes[1]!, graph.nodes[2]!];
  const found = (level: string) => ({ code: "RKM1", level, nodes: [], message: "", name: "", mend: null });
  const data = dataOf({
    graphs: { original: { ...graph, nodes }, mended: null },
    findings: [found("advice"), found("error")] as never,
  });
  expect(tones(data, "finding")).toEqual(["error", "culprit", "plain"]);
  expect(painted(data, "original", "finding")!.legend.map(({ tone, count }) => [tone, count])).toEqual([
    ["culprit", 1],
    ["error", 1],
    ["plain", 1],
  ]);
});

test("cycles: shares of the table, CPU apart, and no guess where there is no row", () => {
  const graph = residual();
  const nodes = [{ ...graph.nodes[0]!, layer: 0 }, { ...graph.nodes[1]!, layer: 1 }, graph.nodes[2]!];
  const data = dataOf({
    graphs: { original: { ...graph, nodes }, mended: null },
    layers: [row(9000), row(0, "CPU"), row(1000)],
  });
  expect(tones(data, "cycles")).toEqual(["cycles4", "cpu", "unknown"]);
});

test("cycles: as planned where the compiler gave no table, and nothing where nobody planned", () => {
  expect(tones(dataOf({}), "cycles")).toBeUndefined();
  const nodes = residual().nodes.map((node, place) => ({ ...node, plan: place }));
  const plans = [600, 400, null].map((cycles) => ({ which: "original", cycles }));
  const data = dataOf({ graphs: { original: { ...residual(), nodes }, mended: null }, plans: plans as never });
  expect(tones(data, "cycles")).toEqual(["cycles4", "cycles4", "unknown"]);
});

test("error: powers of ten, and what is not a number is the worst", () => {
  const nodes = residual().nodes.map((node, place) => ({ ...node, error: place }));
  const errors = [1, 1 - 5e-4, null].map((cosine) => ({
    tensor: "t",
    node: 0,
    cosine,
    max_abs: 0,
    max_rel: 0,
    single_cosine: null,
  }));
  const data = dataOf({ graphs: { original: { ...residual(), nodes }, mended: null }, errors: errors as never });
  expect(tones(data, "error")).toEqual(["off0", "off3", "off5"]);
});
