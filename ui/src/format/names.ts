// Ids of the wire as words.

export const LAYERS = ['bronze', 'silver', 'gold', 'warehouse'] as const;
export type Layer = (typeof LAYERS)[number];

/** First letter upper case: `Bronze`. */
export const titled = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** The six last characters of a run's id: ids sort by time, so their ends differ most. */
export const shortRun = (id: string): string => id.slice(-6).toLowerCase();

/** Layer and table of a step's or table's id: `silver.sales`, `pipeline.silver.sales`. */
export function placeOf(id: string): { layer: string; table: string } {
  const parts = id.split('.');
  return { layer: parts.at(-2) ?? '', table: parts.at(-1) ?? id };
}

/** `missing.customer_id` in words. */
export function reasonWords(reason: string): string {
  const [kind = '', what = ''] = reason.split(/\.(.*)/s);
  switch (kind) {
    case 'malformed':
      return 'cannot be read as a record';
    case 'missing':
      return `required, and ${what} is empty`;
    case 'type':
      return `${what} is not of its type`;
    case 'range':
      return `${what} is outside its range`;
    case 'check':
      return `check ${what} does not hold`;
    case 'duplicate':
      return 'another record has the same key';
    default:
      return '';
  }
}
