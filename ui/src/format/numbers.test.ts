import { describe, expect, it } from 'vitest';
import { brief, bytes, decimal, exact, percent, plural } from './numbers';

describe('numbers', () => {
  it.each([
    [0, '0'], [999, '999'], [1000, '1,000'], [999_999, '999,999'], [-1234, '-1,234'],
    [9_007_199_254_740_993n, '9,007,199,254,740,993'], ['12345.6789', '12,345.6789'], ['n/a', 'n/a'],
  ])('groups %s', (from, to) => expect(exact(from)).toBe(to));

  it.each([[999_999, '999,999'], [50_614_882, '50.61 M'], [1_999_999, '1.99 M'], [2_410_000_000, '2.41 B']])(
    'shortens %s', (from, to) => expect(brief(from)).toBe(to));

  it.each([[0, '0 B'], [999, '999 B'], [1000, '1.0 KB'], [41_200_000, '41.2 MB'], [999_960, '1.0 MB']])(
    'sizes %s', (from, to) => expect(bytes(from)).toBe(to));

  it.each([
    [1205n, 2, '12.05'], [-5n, 2, '-0.05'], [0n, 2, '0.00'], [7n, 0, '7'], [-1n, 3, '-0.001'],
    [12345678901234567890123456789n, 9, '12345678901234567890.123456789'], [42, 1, '4.2'],
  ])('writes decimal %s at %s', (value, scale, to) => expect(decimal(value, scale)).toBe(to));

  it('never says that an unfinished share is whole', () => {
    expect(percent(999)).toBe('99%');
    expect(percent(1000)).toBe('100%');
    expect(plural(1, 'date')).toBe('1 date');
    expect(plural(1400, 'date')).toBe('1,400 dates');
  });
});
