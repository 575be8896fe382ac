import { describe, expect, it } from 'vitest';
import type { PipelineCard } from '../../ipc';
import { askOf, nextToRun, sizeOf, type Choice } from './runsize';

const dates = Array.from({ length: 14 }, (_, at) => `2026-11-${String(at + 1).padStart(2, '0')}`);
const card = (more: Partial<PipelineCard>): PipelineCard => ({
  name: 'p', description: '', schedule: null, last_run: null, recent: [], layers: [], quarantined: 0, dates, new_dates: [], ...more,
});
const choice = (more: Partial<Choice>, of: Partial<PipelineCard> = {}): Choice => ({
  pipeline: card(of), stages: ['bronze', 'silver'], has: ['bronze', 'silver'], span: 'all', from: '', to: '', environment: 'local', guard: 'open', typed: '', ...more,
});
const sixty = Array.from({ length: 60 }, (_, at) => new Date(Date.UTC(2026, 8, 1 + at)).toISOString().slice(0, 10));

describe('the size of a run', () => {
  it.each<[string, Choice, string, RegExp | undefined]>([
    ['all', choice({}), 'Run 14 dates', undefined],
    ['one stage', choice({ stages: ['silver'] }), 'Run 1 stage of 14 dates', undefined],
    ['no stage', choice({ stages: [] }), 'Run', /stage/],
    ['new', choice({ span: 'new' }, { new_dates: ['2026-11-14'] }), 'Run 1 new date', undefined],
    ['nothing new', choice({ span: 'new' }), 'Run 0 dates', /read/],
    ['unknown news', choice({ span: 'new' }, { new_dates: null }), 'Run new dates', /compared/],
    ['range', choice({ span: 'range', from: '2026-11-13', to: '2026-12-01' }), 'Run 2 dates', undefined],
    ['empty range', choice({ span: 'range', from: '2027-01-01', to: '2027-01-02' }), 'Run 0 dates', /No source/],
    ['backward', choice({ span: 'range', from: '2026-11-13', to: '2026-11-12' }), 'Run dates', /after/],
    ['no date', choice({ span: 'range', from: '2026-13-01', to: '2026-11-12' }), 'Run dates', /written/],
    ['all before a first run', choice({}, { dates: [], new_dates: dates }), 'Run 14 dates', undefined],
    ['all without a known date', choice({}, { dates: [], new_dates: [] }), 'Run all dates', undefined],
    ['new without a known date', choice({ span: 'new' }, { dates: [], new_dates: [] }), 'Run new dates', undefined],
    ['locked', choice({ guard: 'locked' }), 'Run', /locked/],
    ['unconfirmed', choice({ guard: 'confirm', environment: 'staging', typed: 'stag' }), 'Run', /Type/],
    ['confirmed', choice({ guard: 'confirm', environment: 'staging', typed: 'staging' }), 'Run 14 dates', undefined],
    ['more than listed', choice({}, { dates: sixty }), 'Run all dates', undefined],
    ['before what is listed', choice({ span: 'range', from: '2026-08-01', to: '2026-09-02' }, { dates: sixty }), 'Run 2026-08-01 to 2026-09-02', undefined],
  ])('%s', (_, chosen, words, off) => {
    const size = sizeOf(chosen);
    expect(size.words).toBe(words);
    if (off) expect(size.off).toMatch(off);
    else expect(size.off).toBeUndefined();
  });

  it('asks for exactly what was chosen', () => {
    const all = askOf(choice({}), ' again ');
    expect(all).toEqual({ pipeline: 'p', stages: [], from: null, to: null, only_new: false, environment: 'local', confirmed: null, reason: 'again' });
    const part = askOf(choice({ stages: ['silver'], span: 'range', from: '2026-11-01', to: '2026-11-02' }), '');
    expect(part).toMatchObject({ stages: ['silver'], from: '2026-11-01', to: '2026-11-02', only_new: false });
    expect(askOf(choice({ span: 'new', from: '2026-11-01' }), '')).toMatchObject({ from: null, to: null, only_new: true });
  });
});

describe('the pipeline that is offered first', () => {
  const ran = (queued_at: string): Partial<PipelineCard> => ({ last_run: { queued_at } as PipelineCard['last_run'] });
  it.each<[string, Partial<PipelineCard>[], string | undefined]>([
    ['none', [], undefined],
    ['the first of those that never ran', [{ name: 'a' }, { name: 'b' }], 'a'],
    ['the last that ran', [{ name: 'a' }, { name: 'b', ...ran('2026-11-02') }, { name: 'c', ...ran('2026-11-01') }], 'b'],
    ['new data before a run', [{ name: 'a', ...ran('2026-11-02') }, { name: 'b', new_dates: ['2026-11-01'] }], 'b'],
    ['of new data the last that ran', [{ name: 'a', new_dates: ['2026-11-01'] }, { name: 'b', new_dates: ['2026-11-01'], ...ran('2026-11-01') }], 'b'],
    ['sources that were not compared are not new', [{ name: 'a' }, { name: 'b', new_dates: null }], 'a'],
  ])('%s', (_, pipelines, name) => expect(nextToRun(pipelines.map(card))?.name).toBe(name));
});
