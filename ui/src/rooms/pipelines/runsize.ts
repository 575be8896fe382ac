// What a run would touch, in words for its button.
import { plural } from '../../format/numbers';
import type { PipelineCard, RunAsk } from '../../ipc';

export type Span = 'new' | 'all' | 'range';

export interface Choice {
  pipeline: PipelineCard;
  /** Stages chosen, out of those that the pipeline has. */
  stages: string[];
  has: string[];
  span: Span;
  from: string;
  to: string;
  environment: string;
  /** `open`, `confirm` or `locked`. */
  guard: string;
  /** The environment's name as typed, where its guard asks for it. */
  typed: string;
}

/** Most dates that an overview lists; there may be more. */
const LISTED = 60;
const ISO = /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$/;

/** The pipeline that is offered first: one with new data, else one that ran; of these the one that ran last. */
export function nextToRun(pipelines: PipelineCard[]): PipelineCard | undefined {
  const waiting = pipelines.filter((card) => card.new_dates?.length);
  const among = waiting.length > 0 ? waiting : pipelines;
  const ran = (card: PipelineCard): string => card.last_run?.queued_at ?? '';
  return among.reduce<PipelineCard | undefined>((best, card) => (best && ran(best) >= ran(card) ? best : card), undefined);
}

/** The button's words, and why it cannot be used. */
export function sizeOf(choice: Choice): { words: string; off?: string } {
  const stages = choice.stages.length === choice.has.length ? '' : `${plural(choice.stages.length, 'stage')} of `;
  const words = `Run ${stages}`;
  if (choice.stages.length === 0) return { words: 'Run', off: 'Choose at least one stage.' };
  const guarded = guardOf(choice);
  if (guarded) return { words: 'Run', off: guarded };
  const { new_dates } = choice.pipeline;
  // Before a first run the engine knows the dates of new files only, and of some files none.
  const dates = [...new Set([...choice.pipeline.dates, ...(new_dates ?? [])])].sort();
  if (choice.span === 'new') {
    if (!new_dates) return { words: `${words}new dates`, off: 'The sources have not been compared yet.' };
    if (new_dates.length === 0 && dates.length === 0) return { words: `${words}new dates` };
    if (new_dates.length === 0) return { words: `${words}0 dates`, off: 'Every source was read in its present content.' };
    return { words: words + plural(new_dates.length, 'new date') };
  }
  if (choice.span === 'all') {
    return { words: dates.length > 0 && dates.length < LISTED ? words + plural(dates.length, 'date') : `${words}all dates` };
  }
  if (!ISO.test(choice.from) || !ISO.test(choice.to)) return { words: `${words}dates`, off: 'Dates are written like 2026-11-18.' };
  if (choice.from > choice.to) return { words: `${words}dates`, off: 'The first date lies after the last one.' };
  const within = dates.filter((date) => date >= choice.from && date <= choice.to).length;
  const partly = dates.length === 0 || (dates.length >= LISTED && choice.from < (dates[0] ?? ''));
  if (partly) return { words: `${words}${choice.from} to ${choice.to}` };
  if (within === 0) return { words: `${words}0 dates`, off: `No source holds a date from ${choice.from} to ${choice.to}.` };
  return { words: words + plural(within, 'date') };
}

function guardOf({ guard, environment, typed }: Choice): string | undefined {
  if (guard === 'locked') return `The environment ${environment} is locked: it can be read and not written.`;
  if (guard === 'confirm' && typed !== environment) return `Type the environment's name, ${environment}.`;
  return undefined;
}

/** The request of a choice. */
export function askOf(choice: Choice, reason: string): Omit<RunAsk, 'request_id'> {
  const range = choice.span === 'range';
  return {
    pipeline: choice.pipeline.name,
    stages: choice.stages.length === choice.has.length ? [] : choice.stages,
    from: range ? choice.from : null,
    to: range ? choice.to : null,
    only_new: choice.span === 'new',
    environment: choice.environment,
    confirmed: choice.guard === 'confirm' ? choice.typed : null,
    reason: reason.trim(),
  };
}
