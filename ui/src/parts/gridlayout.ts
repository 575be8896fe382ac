// Arithmetic of the grid: which rows and columns are in sight, and how a scroll place maps to a row.

export const ROW = 22;
export const HEAD = 40;
/** WebKit clamps an element's height near 33.5 million pixels, so more rows than this share the height. */
export const TALLEST = 8_000_000;

export interface Extent {
  total: number;
  /** Height of the view, header included. */
  height: number;
}

/** Height of what is scrolled. */
export const scrolledHeight = ({ total }: Extent): number => HEAD + Math.min(total * ROW, TALLEST);

/** Whether one pixel of scroll is more than one pixel of rows. */
export const isScaled = ({ total }: Extent): boolean => total * ROW > TALLEST;

/** The greatest first row: with it the last row is whole in sight. */
export const lastFirst = ({ total, height }: Extent): number => Math.max(0, total - (height - HEAD) / ROW);

/** Row at the top, with its fraction. */
export function rowAt(top: number, extent: Extent): number {
  const most = scrolledHeight(extent) - extent.height;
  return most <= 0 ? 0 : Math.min(1, Math.max(0, top / most)) * lastFirst(extent);
}

/** Scroll place of a row; the inverse of `rowAt`. */
export function topOf(row: number, extent: Extent): number {
  const most = scrolledHeight(extent) - extent.height;
  const last = lastFirst(extent);
  return last <= 0 || most <= 0 ? 0 : (Math.min(row, last) / last) * most;
}

/** The first row that shows `row` whole, moving as little as possible. */
export function revealed(row: number, first: number, extent: Extent): number {
  const fits = Math.max(1, Math.floor((extent.height - HEAD) / ROW));
  if (row < first) return row;
  return row > first + fits - 1 ? Math.min(row - fits + 1, lastFirst(extent)) : first;
}

export interface Placed {
  at: number;
  x: number;
  width: number;
}

/** Columns side by side, and those of them in sight. */
export function place(widths: number[]): Placed[] {
  let x = 0;
  return widths.map((width, at) => {
    const placed = { at, x, width };
    x += width;
    return placed;
  });
}

export const inSight = (columns: Placed[], left: number, width: number): Placed[] =>
  columns.filter((column) => column.x < left + width && column.x + column.width > left);

/** Width that name, type and the longest of some values need; longer values are cut and open in the side pane. */
export function widthFor(name: string, kind: string, longest: number): number {
  return Math.ceil(Math.min(300, Math.max(56, longest * 6.95 + 20, name.length * 7.2 + 24, kind.length * 5.8 + 22)));
}
