// Small graphs as the page gets them.

import type { Graph, Node } from "../../src/report/data";

export function nodeOf(
  id: number,
  op: string,
  inputs: Array<number | null>,
  outputs: number[],
  more: Partial<Node> = {},
): Node {
  return {
    id,
    op,
    inputs,
    outputs,
    name: `/${op.toLowerCase()}${id}`,
    domain: "",
    attributes: [],
    role: "",
    rule: "",
    origin: "",
    module: "",
    findings: [],
    layer: null,
    plan: null,
    error: null,
    ...more,
  };
}

/** x -> Conv(w) -> Relu -> Add(x) -> y */
export function residual(): Graph {
  const value = (name: string, constant = false) => ({
    name,
    dtype: "float32",
    shape: "1x8x4x4",
    constant,
    bytes: 512,
  });
  return {
    nodes: [
      nodeOf(0, "Conv", [0, 1, null], [2], {
        attributes: [
          ["kernel_shape", "3, 3"],
          ["strides", "1, 1"],
          ["group", "1"],
        ],
      }),
      nodeOf(1, "Relu", [2], [3], { role: "culprit" }),
      nodeOf(2, "Add", [3, 0], [4]),
    ],
    values: [value("x"), value("w", true), value("c"), value("r"), value("y")],
    inputs: [0],
    outputs: [4],
  };
}
