import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Event } from '../ipc';
import { live } from './live.svelte';
import { Query } from './query.svelte';

const run: Event = { event: 'lost', reason: 'test' };
const flush = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

it('asks once for many events, and once more after the ask that was going on', async () => {
  let asked = 0;
  const query = new Query(async () => (asked += 1), () => true);
  const detach = query.attach();
  for (let at = 0; at < 50; at += 1) live.hear([run]);
  expect(asked).toBe(1);
  await flush();
  expect(query.value).toBe(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toBe(2);
  detach();
  live.hear([run]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(asked).toBe(2);
});

it('keeps the last answer when an ask fails, and says why', async () => {
  let fails = false;
  const query = new Query(async () => { if (fails) throw new Error('gone'); return 7; }, () => true);
  const detach = query.attach();
  await vi.advanceTimersByTimeAsync(400);
  fails = true;
  query.refresh();
  await vi.advanceTimersByTimeAsync(400);
  expect([query.value, query.problem?.causes]).toEqual([7, ['gone']]);
  detach();
});
