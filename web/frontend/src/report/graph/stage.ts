// How a stage of a network is laid out: by dagre, or, until that is done, in rows.

import { Graph, layout } from "@dagrejs/dagre";

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** A stage; edges are pairs of places in `nodes`, and `ranks` grow along them. */
export interface Part {
  readonly nodes: readonly Size[];
  readonly ranks: readonly number[];
  readonly edges: ReadonlyArray<{ readonly from: number; readonly to: number; readonly label?: Size | undefined }>;
  readonly gaps: { readonly node: number; readonly rank: number };
}

/** `nodes` are centres, `edges` lines, `labels` centres of labels. */
export interface Laid extends Size {
  readonly nodes: readonly Point[];
  readonly edges: ReadonlyArray<readonly Point[]>;
  readonly labels: ReadonlyArray<Point | null>;
}

export type Lay = (part: Part) => Laid;

export function byDagre({ nodes, edges, gaps }: Part): Laid {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ nodesep: gaps.node, ranksep: gaps.rank, edgesep: gaps.node / 2 });
  nodes.forEach((size, place) => graph.setNode(String(place), { ...size }));
  edges.forEach(({ from, to, label }, place) =>
    graph.setEdge(String(from), String(to), label ? { ...label, labelpos: "c" } : {}, String(place)),
  );
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as Partial<Size>;
  const drawn = edges.map(
    ({ from, to }, place) =>
      graph.edge(String(from), String(to), String(place)) as Partial<Point> & { points: Point[] },
  );
  return {
    nodes: nodes.map((_, place) => graph.node(String(place)) as Point).map(({ x, y }) => ({ x, y })),
    edges: drawn.map(({ points }) => points),
    labels: drawn.map(({ x, y }) => (x === undefined || y === undefined ? null : { x, y })),
    width,
    height,
  };
}

/** A row for each rank, each node about below what it reads: a first sight, in a thousandth of the time. */
export function byRows({ nodes, ranks, edges, gaps }: Part): Laid {
  const rows = new Map<number, number[]>();
  ranks.forEach((rank, place) => rows.set(rank, [...(rows.get(rank) ?? []), place]));
  const placed: Point[] = nodes.map(() => ({ x: 0, y: 0 }));
  const above: number[][] = nodes.map(() => []);
  for (const { from, to } of edges) above[to]!.push(from);
  let top = 0;
  let [left, right] = [0, 0];
  for (const rank of [...rows.keys()].sort((a, b) => a - b)) {
    const wanted = (place: number): number =>
      above[place]!.reduce((sum, one) => sum + placed[one]!.x, 0) / Math.max(1, above[place]!.length);
    const row = rows.get(rank)!.sort((a, b) => wanted(a) - wanted(b));
    const width = row.reduce((sum, place) => sum + nodes[place]!.width + gaps.node, -gaps.node);
    const height = Math.max(...row.map((place) => nodes[place]!.height));
    let x = row.reduce((sum, place) => sum + wanted(place), 0) / row.length - width / 2;
    [left, right] = [Math.min(left, x), Math.max(right, x + width)];
    for (const place of row) {
      placed[place] = { x: x + nodes[place]!.width / 2, y: top + height / 2 };
      x += nodes[place]!.width + gaps.node;
    }
    top += height + gaps.rank;
  }
  for (const point of placed) point.x -= left;
  return {
    nodes: placed,
    edges: edges.map(({ from, to }) => [
      { x: placed[from]!.x, y: placed[from]!.y + nodes[from]!.height / 2 },
      { x: placed[to]!.x, y: placed[to]!.y - nodes[to]!.height / 2 },
    ]),
    labels: edges.map(() => null),
    width: right - left,
    height: Math.max(0, top - gaps.rank),
  };
}

/** Networks repeat themselves: stages that are alike are laid out once. */
export function remembering(lay: Lay): Lay {
  const known = new Map<string, Laid>();
  return (part) => {
    const key = JSON.stringify([part.nodes, part.edges]);
    const found = known.get(key) ?? lay(part);
    known.set(key, found);
    return found;
  };
}
