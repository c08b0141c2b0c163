// Graphs that look like networks: residual blocks, branches, skips from stage to stage, heads.

export interface Net {
  nodes: Array<{ width: number; height: number }>;
  edges: Array<{ from: number; to: number }>;
}

/** The same seed gives the same network. */
export function networkOf(count: number, seed: number): Net {
  let state = seed;
  const random = (): number => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
  const net: Net = { nodes: [], edges: [] };
  const add = (...from: number[]): number => {
    const to = net.nodes.push({ width: 40 + Math.floor(random() * 60), height: 22 }) - 1;
    for (const one of new Set(from)) net.edges.push({ from: one, to });
    return to;
  };
  let last = add();
  const skips: number[] = [];
  while (net.nodes.length < count) {
    const kind = random();
    if (kind < 0.4) last = add(add(add(add(last))), last);
    else if (kind < 0.6)
      last = add(...[1, 2, 3].map((length) => Array.from({ length }).reduce((one: number) => add(one), last)));
    else if (kind < 0.7) last = add(last, add());
    else if (kind < 0.8 && skips.length) last = add(last, skips[Math.floor(random() * skips.length)]!);
    else last = add(last);
    if (random() < 0.1) skips.push(last);
  }
  add(last);
  return net;
}
