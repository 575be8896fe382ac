// Counts and sizes as words: exact while that can be read at a glance, brief in overviews.

/** Digits in groups of three: `50,614,882`. Takes whole numbers and their decimal text. */
export function exact(count: number | bigint | string): string {
  const text = String(count);
  const [, sign = '', whole = '', rest = ''] = /^(-?)(\d+)(.*)$/.exec(text) ?? [];
  return whole === '' ? text : sign + whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',') + rest;
}

/** Exact to 999,999, then `50.61 M`, cut and not rounded so that nothing reads as more than it is. */
export function brief(count: number): string {
  for (const [size, letter] of [[1e9, 'B'], [1e6, 'M']] as const) {
    if (Math.abs(count) >= size) return `${(Math.trunc((count / size) * 100) / 100).toFixed(2)} ${letter}`;
  }
  return exact(count);
}

/** `41.2 MB`; powers of 1,000. */
export function bytes(size: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];
  let at = 0;
  let rest = size;
  while (rest >= 999.95 && at < units.length - 1) {
    rest /= 1000;
    at += 1;
  }
  return `${at === 0 ? exact(rest) : rest.toFixed(1)} ${units[at]}`;
}

/** `1 date`, `14 dates`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${exact(count)} ${count === 1 ? one : many}`;
}

/** A share in thousandths as whole percent; never `100%` before the end. */
export function percent(thousandths: number): string {
  return `${Math.floor(thousandths / 10)}%`;
}

/** Integer text of a scaled decimal, exact: `-1205n, 2` is `-12.05`. */
export function decimal(unscaled: bigint | number, scale: number): string {
  const value = BigInt(unscaled);
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0');
  const sign = value < 0n ? '-' : '';
  if (scale <= 0) return sign + digits + '0'.repeat(-scale);
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
