// Starting and cancelling: each act has its own request id, so that one sent twice is done once.
import { problemOf, type RunAsk, type RunRow } from '../ipc';
import { engine } from './engine';
import { live } from './live.svelte';
import { places } from './place.svelte';
import { toasts } from './toasts.svelte';

export async function startRun(ask: Omit<RunAsk, 'request_id'>): Promise<boolean> {
  try {
    const ticket = await engine().startRun({ ...ask, request_id: crypto.randomUUID() });
    places.go({ room: 'run', run: ticket.run });
    return true;
  } catch (thrown) {
    toasts.tell(problemOf(thrown));
    return false;
  }
}

export async function cancelRun(run: string): Promise<void> {
  try {
    await engine().cancelRun(crypto.randomUUID(), run);
  } catch (thrown) {
    toasts.tell(problemOf(thrown));
  }
}

/** Whether a run can still change. */
export const isOpen = (run: RunRow): boolean => run.status === 'queued' || run.status === 'running';

/** Tells of runs that end while they are not on screen. */
export function tellEnds(): () => void {
  const open = new Set<string>();
  return live.on((events) => {
    for (const event of events) {
      if (event.event !== 'run') continue;
      const run = event.run;
      if (isOpen(run)) open.add(run.id);
      else if (open.delete(run.id)) tellEnd(run);
    }
  });
}

function tellEnd(run: RunRow): void {
  const here = places.now;
  if (here.room === 'run' && here.run === run.id) return;
  const text = run.note ?? `${run.steps_done} of ${run.steps_total} steps; ${run.dates}.`;
  const open = (): void => places.go({ room: 'run', run: run.id });
  toasts.say({ status: run.status, title: `${run.pipeline}: ${run.status}`, text, open });
}
