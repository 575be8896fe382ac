import { expect, it } from 'vitest';
import type { StepRow } from '../ipc';
import { layout } from './graphlayout';

const step = (stage: string, table: string, after: string[] = []): StepRow => ({
  id: `${stage}.${table}`, stage, table, attempt: 1, status: 'queued', started_at: null, ended_at: null, rows_in: null, rows_out: null,
  quarantined: null, version_before: null, version_after: null, progress: null, after, problem: null, note: null,
});

it.each([340, 560, 680, 1200])('keeps every node inside %i pixels, in layers, and apart', (width) => {
  const gold = ['a', 'b', 'a_table_with_a_long_name'].map((name) => step('gold', name, ['silver.s']));
  const graph = layout([step('silver', 's', ['bronze.s']), ...gold, step('bronze', 's'), step('warehouse', 'a', ['gold.a', 'gold.gone'])], width);
  expect(graph.heads.map((head) => head.layer)).toEqual(['bronze', 'silver', 'gold', 'warehouse']);
  for (const node of graph.nodes) {
    expect(node.x).toBeGreaterThanOrEqual(0);
    expect(node.x + node.width).toBeLessThanOrEqual(width + 0.5);
    expect(node.y + 30).toBeLessThanOrEqual(graph.height + 0.5);
  }
  const column = graph.nodes.filter((node) => node.step.stage === 'gold').map((node) => node.y);
  expect(Math.min(...column.slice(1).map((y, at) => y - (column[at] ?? 0)))).toBeGreaterThan(30);
  // An edge to a step that is not part of the run is not drawn.
  expect(graph.edges.map((edge) => `${edge.from} ${edge.to}`)).toHaveLength(5);
});

it('draws nothing for a run without steps', () => {
  expect(layout([], 600)).toMatchObject({ nodes: [], edges: [], heads: [] });
});
