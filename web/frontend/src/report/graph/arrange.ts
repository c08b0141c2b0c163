// Where the operators of a network stand: dagre, in pieces.
//
// dagre needs seconds for 1,500 operators and draws a strip of fifty screens' height. Networks are narrow in many
// places, so they are cut there into stages of a few dozen operators, each is laid out on its own, and the stages fill
// columns as text does. Skips over many ranks are not given to dagre, which makes a point for each rank they pass.
// Measured in Chromium on 1,500 operators: in pieces 1, dagre on the whole 3.5, elkjs 5.1 (and 1.6 MB instead of 50 kB).

import { byDagre, remembering, type Lay, type Point, type Size } from "./stage";

export type { Point, Size };

/** What is to be laid out; edges are pairs of places in `nodes`, and there is no cycle. */
export interface Wish {
  readonly nodes: readonly Size[];
  readonly edges: ReadonlyArray<{ readonly from: number; readonly to: number; readonly label?: Size }>;
  /** Width of the whole for each unit of height, about; 0 for a single column. */
  readonly aspect: number;
  readonly gaps: { readonly node: number; readonly rank: number };
}

/** `nodes` are centres; `edges` are lines in the order of the wish, and `labels` the centres of their labels. */
export interface Arrangement {
  nodes: Point[];
  edges: Point[][];
  labels: Array<Point | null>;
  width: number;
  height: number;
}

/** An edge over more ranks than this is drawn past the stages, not through them. */
const LONG = 12;
/** Operators of a stage, at least; more make better drawings and take longer. */
const STAGE = 24;
/** Gaps between nodes that there are between columns, and lines that run there beside each other. */
const BETWEEN_COLUMNS = 4;
const LANES = 6;

interface Stage {
  readonly members: number[];
  readonly width: number;
  readonly height: number;
}

/** @param lay How a stage is laid out; the same for stages that are alike. */
export function arrange(wish: Wish, lay: Lay = remembering(byDagre)): Arrangement {
  const ranks = ranked(wish);
  const made: Arrangement = {
    nodes: wish.nodes.map(() => ({ x: 0, y: 0 })),
    edges: wish.edges.map(() => []),
    labels: wish.edges.map(() => null),
    width: 0,
    height: 0,
  };
  const { stageOf, stages } = staged(wish, ranks);
  const inner = inside(wish, ranks, stageOf);
  const done = stages.map((members, stage) => drawn(wish, inner[stage] ?? [], ranks, members, made, lay));
  const columns = place(wish, done, made);
  connect(wish, stageOf, columns, made);
  return made;
}

/** The longest way from an input, for each node; what feeds the network late stands late. */
function ranked({ nodes, edges }: Wish): number[] {
  const waiting = nodes.map(() => 0);
  const outgoing: number[][] = nodes.map(() => []);
  for (const { from, to } of edges) {
    waiting[to]!++;
    outgoing[from]!.push(to);
  }
  const ranks = nodes.map(() => 0);
  const ready = nodes.map((_, node) => node).filter((node) => !waiting[node]);
  const sources = new Set(ready);
  for (let node = ready.pop(); node !== undefined; node = ready.pop())
    for (const next of outgoing[node]!) {
      ranks[next] = Math.max(ranks[next]!, ranks[node]! + 1);
      if (!--waiting[next]!) ready.push(next);
    }
  for (const node of sources) {
    const nearest = Math.min(...outgoing[node]!.map((next) => ranks[next]!));
    if (Number.isFinite(nearest)) ranks[node] = nearest - 1;
  }
  return ranks;
}

const isLong = (ranks: readonly number[], from: number, to: number): boolean => ranks[to]! - ranks[from]! > LONG;

/** Cuts between two ranks where a single node is read across. */
function staged({ nodes, edges }: Wish, ranks: readonly number[]): { stageOf: number[]; stages: number[][] } {
  const depth = nodes.length ? Math.max(...ranks) + 1 : 0;
  const count = new Array<number>(depth).fill(0);
  for (const rank of ranks) count[rank]!++;
  const last = new Map<number, number>();
  for (const { from, to } of edges)
    if (!isLong(ranks, from, to)) last.set(from, Math.max(last.get(from) ?? 0, ranks[to]!));
  const crossing = new Array<number>(depth + 1).fill(0);
  for (const [from, end] of last) for (let rank = ranks[from]!; rank < end; rank++) crossing[rank]!++;
  const stageOfRank: number[] = [];
  let stage = 0;
  let held = 0;
  for (let rank = 0; rank < depth; rank++) {
    stageOfRank.push(stage);
    held += count[rank]!;
    if (held >= STAGE && crossing[rank]! <= 1) {
      stage++;
      held = 0;
    }
  }
  const stageOf = ranks.map((rank) => stageOfRank[rank]!);
  const stages: number[][] = [];
  stageOf.forEach((one, node) => (stages[one] ??= []).push(node));
  return { stageOf, stages: stages.filter(Boolean) };
}

/** Lays a stage out; its nodes and edges get places relative to its upper left corner. */
function drawn(
  wish: Wish,
  inner: readonly number[],
  ranks: readonly number[],
  members: number[],
  made: Arrangement,
  lay: Lay,
): Stage {
  const local = new Map(members.map((node, place) => [node, place]));
  const { nodes, edges, labels, width, height } = lay({
    nodes: members.map((node) => wish.nodes[node]!),
    ranks: members.map((node) => ranks[node]!),
    edges: inner.map((edge) => {
      const { from, to, label } = wish.edges[edge]!;
      return { from: local.get(from)!, to: local.get(to)!, label };
    }),
    gaps: wish.gaps,
  });
  // copies: stages that are alike share a drawing
  members.forEach((node, place) => (made.nodes[node] = { ...nodes[place]! }));
  inner.forEach((edge, place) => {
    made.edges[edge] = edges[place]!.map((point) => ({ ...point }));
    const label = labels[place];
    made.labels[edge] = label ? { ...label } : null;
  });
  return { members, width, height };
}

/** Places in `edges` of those that are drawn inside a stage, by stage. */
function inside({ edges }: Wish, ranks: readonly number[], stageOf: readonly number[]): number[][] {
  const found: number[][] = [];
  edges.forEach(({ from, to }, edge) => {
    if (stageOf[from] === stageOf[to] && !isLong(ranks, from, to)) (found[stageOf[from]!] ??= []).push(edge);
  });
  return found;
}

interface Column {
  readonly left: number;
  readonly right: number;
}

/** Fills columns with stages, and moves what is in them to its place. Gives the column of each node. */
function place(wish: Wish, stages: readonly Stage[], made: Arrangement): Map<number, Column> {
  const gap = wish.gaps.rank;
  const aside = wish.gaps.node * BETWEEN_COLUMNS;
  const columns = columnsOf(stages, wish.aspect, gap, aside);
  const moves = new Map<number, Point>();
  const found = new Map<number, Column>();
  let left = 0;
  for (const column of columns) {
    const { width, height } = sizeOf(column, gap);
    let top = 0;
    for (const stage of column) {
      const move = { x: left + (width - stage.width) / 2, y: top };
      for (const node of stage.members) {
        moves.set(node, move);
        found.set(node, { left, right: left + width });
      }
      top += stage.height + gap;
    }
    made.height = Math.max(made.height, height);
    made.width = left + width;
    left += width + aside;
  }
  const shift = (point: Point, { x, y }: Point): void => {
    point.x += x;
    point.y += y;
  };
  made.nodes.forEach((point, node) => shift(point, moves.get(node)!));
  made.edges.forEach((points, edge) => points.forEach((point) => shift(point, moves.get(wish.edges[edge]!.from)!)));
  made.labels.forEach((point, edge) => point && shift(point, moves.get(wish.edges[edge]!.from)!));
  return found;
}

const sizeOf = (column: readonly Stage[], gap: number): Size => ({
  width: Math.max(0, ...column.map((stage) => stage.width)),
  height: column.reduce((sum, stage) => sum + stage.height + gap, -gap),
});

/** The columns whose whole comes closest to the proportions that were asked for. */
function columnsOf(stages: readonly Stage[], aspect: number, gap: number, aside: number): Stage[][] {
  if (!aspect) return [[...stages]];
  const tall = sizeOf(stages, gap).height;
  let best: Stage[][] = [];
  let off = Infinity;
  for (let count = 1; count <= stages.length; count++) {
    const columns = filled(stages, tall / count, gap);
    const sizes = columns.map((column) => sizeOf(column, gap));
    const width = sizes.reduce((sum, size) => sum + size.width + aside, -aside);
    const height = Math.max(...sizes.map((size) => size.height));
    const now = Math.abs(Math.log(width / height / aspect));
    if (now >= off) continue;
    off = now;
    best = columns;
  }
  return best;
}

/** Columns of about a height. */
function filled(stages: readonly Stage[], limit: number, gap: number): Stage[][] {
  const columns: Stage[][] = [[]];
  let used = 0;
  for (const stage of stages) {
    if (used && used + stage.height / 2 > limit) {
      columns.push([]);
      used = 0;
    }
    columns.at(-1)!.push(stage);
    used += stage.height + gap;
  }
  return columns;
}

/** Draws the edges between stages and the long ones: straight down, or between the columns. */
function connect(
  wish: Wish,
  stageOf: readonly number[],
  columns: ReadonlyMap<number, Column>,
  made: Arrangement,
): void {
  const { rank, node } = wish.gaps;
  wish.edges.forEach(({ from, to }, edge) => {
    if (made.edges[edge]!.length) return;
    const [start, end] = [made.nodes[from]!, made.nodes[to]!];
    const top = { x: start.x, y: start.y + wish.nodes[from]!.height / 2 };
    const bottom = { x: end.x, y: end.y - wish.nodes[to]!.height / 2 };
    const [ours, theirs] = [columns.get(from)!, columns.get(to)!];
    const same = ours.left === theirs.left;
    if (same && stageOf[to] === stageOf[from]! + 1) {
      made.edges[edge] = [top, { x: top.x, y: top.y + rank / 2 }, { x: bottom.x, y: bottom.y - rank / 2 }, bottom];
      return;
    }
    const aside = node * (0.5 + (edge % LANES) * ((BETWEEN_COLUMNS - 1) / LANES));
    made.edges[edge] = around(top, bottom, rank / 2, same ? ours.right + aside : theirs.left - aside);
  });
}

/** Past everything that is in between. */
const around = (top: Point, bottom: Point, room: number, lane: number): Point[] => [
  top,
  { x: top.x, y: top.y + room },
  { x: lane, y: top.y + room },
  { x: lane, y: bottom.y - room },
  { x: bottom.x, y: bottom.y - room },
  bottom,
];
