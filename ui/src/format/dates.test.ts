import { describe, expect, it } from 'vitest';
import { age, between, clock, day, full, moment, shortDay, status, took } from './dates';

const now = Date.parse('2026-11-20T03:12:40Z');

describe('dates', () => {
  it('writes days', () => {
    expect(day('2026-11-18')).toBe('18 November 2026');
    expect(shortDay('2026-01-05')).toBe('5 Jan');
    expect(day('none')).toBe('none');
    expect(shortDay('none')).toBe('none');
  });

  it('writes times in UTC wherever the machine is', () => {
    expect(clock('2026-11-20T04:51:08.123+02:00')).toBe('02:51:08');
    expect(moment('2026-11-20T02:51:08Z', now)).toBe('02:51');
    expect(moment('2026-11-18T14:06:00Z', now)).toBe('18 Nov 14:06');
    expect(full('2026-11-18T14:06:00Z')).toBe('2026-11-18 14:06:00 UTC');
    expect(status(now)).toBe('Fri 20 Nov 2026, 03:12:40 UTC');
  });

  it.each([['2026-11-20T03:12:35Z', '5s'], ['2026-11-20T02:57:40Z', '15m'], ['2026-11-20T00:00:00Z', '3h'],
    ['2026-11-18T03:12:40Z', '2d'], ['2026-11-20T03:20:00Z', '0s'], ['x', '']])(
    'ages %s', (from, to) => expect(age(from, now)).toBe(to));

  it.each([[0, '0 ms'], [999, '999 ms'], [4200, '4.2s'], [5000, '5s'], [9960, '10s'], [43_000, '43s'], [396_000, '6m 36s'],
    [7_500_000, '2h 05m'], [-5, '0 ms']])('takes %s', (from, to) => expect(took(from)).toBe(to));

  it('measures until now while there is no end', () => {
    expect(between('2026-11-20T03:12:30Z', null, now)).toBe(10_000);
    expect(between('2026-11-20T03:12:30Z', '2026-11-20T03:12:31Z', now)).toBe(1000);
  });
});
