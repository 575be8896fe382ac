import { describe, expect, it } from 'vitest';
import { HEAD, ROW, TALLEST, inSight, isScaled, lastFirst, place, revealed, rowAt, scrolledHeight, topOf } from './gridlayout';

describe('grid layout', () => {
  it.each([0, 1, 20, 27, 5000, 363_636, 363_637, 1_400_000, 100_000_000])('reaches every end with %i rows', (total) => {
    const extent = { total, height: HEAD + 600 };
    const most = Math.max(0, scrolledHeight(extent) - extent.height);
    expect(rowAt(0, extent)).toBe(0);
    expect(rowAt(most, extent)).toBeCloseTo(lastFirst(extent), 3);
    // The last row ends exactly where the view does.
    if (total * ROW >= 600) expect((total - lastFirst(extent)) * ROW).toBeCloseTo(600, 3);
    expect(scrolledHeight(extent)).toBeLessThanOrEqual(TALLEST + HEAD);
  });

  it.each([1000, 100_000_000])('finds its way back with %i rows', (total) => {
    const extent = { total, height: 640 };
    for (const row of [0, 1, total / 3, total - 500]) expect(rowAt(topOf(row, extent), extent)).toBeCloseTo(row, 3);
  });

  it('scales only what does not fit', () => {
    expect(isScaled({ total: Math.floor(TALLEST / ROW), height: 600 })).toBe(false);
    expect(isScaled({ total: Math.ceil(TALLEST / ROW) + 1, height: 600 })).toBe(true);
  });

  it('moves no further than it must to show a row', () => {
    const extent = { total: 1000, height: HEAD + 10 * ROW };
    expect(revealed(5, 0, extent)).toBe(0);
    expect(revealed(10, 0, extent)).toBe(1);
    expect(revealed(3, 8, extent)).toBe(3);
    expect(revealed(999, 0, extent)).toBe(990);
  });

  it('draws the columns in sight and no others', () => {
    const columns = place([100, 100, 100, 100]);
    expect(inSight(columns, 150, 100).map((column) => column.at)).toEqual([1, 2]);
    expect(inSight(columns, 0, 100).map((column) => column.at)).toEqual([0]);
  });
});
