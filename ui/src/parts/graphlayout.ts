// Steps as a layered graph: one column per stage, edges from what a step reads.
import { LAYERS } from '../format/names';
import type { StepRow } from '../ipc';

export const NODE = { height: 30, gap: 8, head: 22 };

export interface Node {
  step: StepRow;
  x: number;
  y: number;
  width: number;
}

export interface Edge {
  from: string;
  to: string;
  path: string;
  open: boolean;
}

export interface Graph {
  nodes: Node[];
  edges: Edge[];
  heads: { layer: string; x: number; y: number }[];
  height: number;
}

/** Lays the steps out in the width given; columns are centred on the tallest. */
export function layout(steps: StepRow[], width: number): Graph {
  const stages = [...new Set(steps.map((step) => step.stage))].sort((a, b) => order(a) - order(b));
  const columns = stages.map((stage) => steps.filter((step) => step.stage === stage));
  const gap = Math.max(20, Math.min(56, width / 22));
  const wanted = columns.map((column) => Math.max(128, ...column.map((step) => step.table.length * 6.6 + 40)));
  const share = Math.min(1.3, (width - gap * (columns.length - 1)) / wanted.reduce((sum, one) => sum + one, 0));
  const tallest = Math.max(0, ...columns.map((column) => column.length));
  const full = tallest * (NODE.height + NODE.gap) - NODE.gap;
  const nodes: Node[] = [];
  let x = 0;
  const heads = columns.map((column, at) => {
    const wide = (wanted[at] ?? 0) * share;
    const left = x;
    const own = column.length * (NODE.height + NODE.gap) - NODE.gap;
    const y = NODE.head + (full - own) / 2;
    column.forEach((step, row) => nodes.push({ step, x: left, y: y + row * (NODE.height + NODE.gap), width: wide }));
    const head = { layer: stages[at] ?? '', x, y: y - 6 };
    x += wide + gap;
    return head;
  });
  return { nodes, edges: edges(nodes), heads, height: NODE.head + Math.max(0, full) };
}

const order = (stage: string): number => {
  const at = (LAYERS as readonly string[]).indexOf(stage);
  return at < 0 ? LAYERS.length : at;
};

function edges(nodes: Node[]): Edge[] {
  const byId = new Map(nodes.map((node) => [node.step.id, node]));
  return nodes.flatMap((node) =>
    node.step.after.flatMap((id) => {
      const from = byId.get(id);
      if (!from) return [];
      const [x1, y1] = [from.x + from.width, from.y + NODE.height / 2];
      const [x2, y2] = [node.x, node.y + NODE.height / 2];
      const bend = (x2 - x1) / 2;
      const path = `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`;
      return [{ from: id, to: node.step.id, path, open: node.step.status === 'queued' }];
    }),
  );
}
