// What the benchmarks share: a command's cost, its answer, and lakes that are made once.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail, program, root, run, say, target } from './steps.mjs';

export const pipeline = 'sales_lakehouse';
export const folder = join(target, 'bench');

export function assay(lake, ...words) {
  return [program('assay'), '-w', lake, ...words];
}

export function reprocess(lake, ...words) {
  return assay(lake, 'reprocess', pipeline, ...words, '--reason', 'benchmark');
}

export function step([name, ...words]) {
  run(name, words);
}

export function json([name, ...words]) {
  const done = spawnSync(name, words, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status !== 0) fail(`\`${words.join(' ')}\` ended with code ${done.status}.`, done.stderr);
  return JSON.parse(done.stdout);
}

/** One command, with its processes' time, memory and bytes read. */
export function cost(command) {
  const log = join(folder, 'commands.log');
  const done = spawnSync('python3', ['bench/measure.py', log, ...command], { cwd: root, encoding: 'utf8' });
  const figures = JSON.parse(done.stdout);
  if (figures.code !== 0) fail(`\`${command.join(' ')}\` ended with code ${figures.code}.`, `Its output is in ${log}.`);
  return figures;
}

/** A workspace of the bench's own, filled once; what was broken off is to be removed by hand. */
export function once(name, what, fill) {
  const lake = join(folder, name);
  if (existsSync(join(lake, 'done'))) return lake;
  if (existsSync(lake)) fail(`${lake} was left half made.`, 'Remove it and start again.');
  say(what);
  mkdirSync(folder, { recursive: true });
  step([program('assay'), 'init', lake]);
  fill(lake);
  mkdirSync(join(lake, 'done'));
  return lake;
}

/** Generated source files. */
export function demo(lake, first, dates, records) {
  step(assay(lake, 'demo', pipeline, '--lines', '--seed', '42', '--first', first, '--dates', String(dates), '--records', String(records)));
}

export function median(list) {
  return list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
}

/** Each contender once a round, in turn: figures by name, those of a first round left out, after which `check` looks. */
export function inRounds(rounds, contenders, once, check) {
  const measured = new Map(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round <= rounds; round += 1) {
    say(round === 0 ? 'Warm-up, not counted' : `Round ${round} of ${rounds}`);
    for (const contender of contenders) {
      const figures = once(contender);
      if (round > 0) measured.get(contender.name).push(figures);
    }
    if (round === 0) check();
  }
  return measured;
}
