import { fireEvent, render, screen, waitFor } from '@testing-library/svelte';
import { run as axe } from 'axe-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { scripted } from '../dev/engine';
import App from '../src/App.svelte';
import { useEngine } from '../src/state/engine';
import { live } from '../src/state/live.svelte';
import { overview } from '../src/state/overview.svelte';
import { places, type Place } from '../src/state/place.svelte';
import { toasts } from '../src/state/toasts.svelte';

beforeEach(() => {
  [live.lost, overview.value, overview.problem, toasts.list] = [null, undefined, undefined, []];
});

function open(place: Place, options: Parameters<typeof scripted>[0] = {}): ReturnType<typeof scripted> {
  const engine = scripted(options);
  useEngine(engine);
  places.replace(place);
  render(App);
  return engine;
}

/** Findings of axe, without those that need a real layout. */
async function findings(): Promise<string[]> {
  const rules = { 'color-contrast': { enabled: false } };
  const { violations } = await axe(document.body, { rules });
  return violations.map((found) => `${found.id}: ${found.nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`);
}

const silver = 'sales_lakehouse.silver.sales';

describe('rooms', () => {
  it('shows what needs attention, every table, and starts a run', async () => {
    open({ room: 'pipelines' }, { pace: 20 });
    expect(await screen.findByText('Needs attention')).toBeTruthy();
    expect(document.querySelectorAll('[role=table] [data-table]')).toHaveLength(12);
    expect(await findings()).toEqual([]);
    await fireEvent.click(screen.getByRole('button', { name: /^Run(?!s)/ }));
    expect(await screen.findByRole('button', { name: 'Run 1 new date' })).toBeTruthy();
    expect(await findings()).toEqual([]);
    await fireEvent.click(screen.getByRole('button', { name: 'All' }));
    await fireEvent.click(screen.getByRole('button', { name: 'Run 14 dates' }));
    expect(await screen.findByText('balanced')).toBeTruthy();
    await waitFor(() => expect(document.querySelector('main .bar [data-st]')?.textContent?.trim()).toBe('Succeeded'));
    expect(document.querySelector('.eq')?.textContent).toContain('49,812');
  });

  it('says what to do in an empty workspace', async () => {
    open({ room: 'pipelines' }, { empty: true });
    expect(await screen.findByText('assay demo PIPELINE')).toBeTruthy();
    expect(screen.getByRole('button', { name: /^Run(?!s)/ }).getAttribute('aria-disabled')).toBe('true');
    expect(await findings()).toEqual([]);
  });

  it('shows a failed run with its reason, and finds the error in the log', async () => {
    open({ room: 'run', run: '01JD00000000000000000F7A21' });
    expect(await screen.findByText('Loading daily_store_sales failed; nothing was written.')).toBeTruthy();
    expect(screen.getByText(/is no decimal in column revenue\.$/)).toBeTruthy();
    await waitFor(() => expect(document.querySelector('[data-line]')).toBeTruthy());
    await fireEvent.keyDown(window, { key: 'e' });
    await waitFor(() => expect(document.querySelector('.l.on.error')).toBeTruthy());
    expect(screen.getByText(/hidden by level/)).toBeTruthy();
    expect(await findings()).toEqual([]);
  });

  it('cancels a run that goes on', async () => {
    const engine = open({ room: 'pipelines' }, { pace: 2 });
    const ask = { request_id: '1', pipeline: 'sales_lakehouse', stages: [], from: null, to: null, only_new: false, environment: 'local', confirmed: null, reason: '' };
    const { run } = await engine.startRun(ask);
    places.go({ room: 'run', run });
    await fireEvent.click(await screen.findByRole('button', { name: /^Cancel/ }));
    await waitFor(() => expect(document.querySelector('main .bar [data-st]')?.textContent?.trim()).toBe('Cancelled'));
  });

  it('lists runs and narrows them by pipeline', async () => {
    open({ room: 'runs' });
    await waitFor(() => expect(document.querySelectorAll('tbody tr')).toHaveLength(22));
    await fireEvent.click(document.querySelectorAll<HTMLElement>('[data-run]')[3]!);
    expect(places.now).toEqual({ room: 'run', run: '01JD0000000000000000000004' });
    await fireEvent.keyDown(window, { key: 'Backspace' });
    await fireEvent.click(await screen.findByRole('button', { name: /sales_lakehouse/, pressed: false }));
    await waitFor(() => expect(screen.getByRole('button', { name: /sales_lakehouse/, pressed: true })).toBeTruthy());
    expect(await findings()).toEqual([]);
  });

  it('shows rows exactly, and a cell with where it came from', async () => {
    open({ room: 'data', table: silver });
    const cell = await screen.findByText('TX-20261101-000000000');
    const grid = screen.getByRole('grid');
    expect(grid.getAttribute('aria-rowcount')).toBe('48189');
    expect(document.querySelector('[role=gridcell] i')?.textContent).toBe('null');
    await fireEvent.click(cell);
    await fireEvent.keyDown(grid, { key: 'Enter' });
    expect(await screen.findByText('Where it came from')).toBeTruthy();
    expect(await findings()).toEqual([]);
  });

  it('refuses a condition that cannot be read, and says how much a good one hides', async () => {
    open({ room: 'data', table: silver });
    const field = await screen.findByLabelText('Filter rows by a condition');
    await fireEvent.input(field, { target: { value: '???' } });
    await fireEvent.submit(field.closest('form')!);
    expect(await screen.findByText(/cannot be read/)).toBeTruthy();
    await fireEvent.input(field, { target: { value: "city = 'Lyon'" } });
    await fireEvent.submit(field.closest('form')!);
    expect(await screen.findByText('41,304 rows hidden')).toBeTruthy();
  });

  it.each(['schema', 'versions', 'partitions', 'quarantine'] as const)('shows %s without findings', async (tab) => {
    open({ room: 'data', table: silver, tab });
    await waitFor(() => expect(screen.getByRole('tab', { selected: true }).dataset.tab).toBe(tab));
    await waitFor(() => expect(document.querySelector('tbody tr, [role=gridcell]')).toBeTruthy());
    expect(await findings()).toEqual([]);
  });

  it('narrows refused records by reason and shows the raw text', async () => {
    open({ room: 'data', table: silver, tab: 'quarantine' });
    await fireEvent.click(await screen.findByRole('button', { name: /type\.unit_price/, pressed: false }));
    expect(await screen.findByText('1,194 records hidden')).toBeTruthy();
    await fireEvent.click((await screen.findAllByRole('gridcell'))[0]!);
    await waitFor(() => expect(document.querySelector('aside pre')?.textContent).toContain('"unit_price":"12,90"'));
    expect(await findings()).toEqual([]);
  });

  it('tells that the engine is lost and comes back', async () => {
    open({ room: 'pipelines' });
    await screen.findByText('Needs attention');
    live.hear([{ event: 'lost', reason: 'exit status: 7' }]);
    expect((await screen.findByRole('alert')).textContent).toContain('exit status: 7');
    await fireEvent.click(screen.getByRole('button', { name: 'Reconnect' }));
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  });

  it('moves by keys alone', async () => {
    open({ room: 'pipelines' });
    await screen.findByText('Needs attention');
    await fireEvent.keyDown(window, { key: 'j' });
    expect(document.activeElement?.textContent).toContain('Failed');
    await fireEvent.keyDown(window, { key: '2' });
    expect(await screen.findByRole('heading', { name: 'Runs' })).toBeTruthy();
    await fireEvent.keyDown(window, { key: 'Backspace' });
    expect(await screen.findByText('Needs attention')).toBeTruthy();
    await fireEvent.keyDown(window, { key: '?' });
    expect(await screen.findByText('Keys that work here')).toBeTruthy();
  });
});
