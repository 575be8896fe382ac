// What one date costs in a lake of few dates and in one of many, step by step, and how models over all dates grow.
// npm run bench:dates -- [--rounds 5] [--dates 30 --dates 3650] [--records 200]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { needs, provide, toolchains } from './machine.mjs';
import { fail, program, root, run, say, target } from './steps.mjs';

const { values: asked } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, records: { type: 'string', default: '200' }, dates: { type: 'string', multiple: true, default: ['30', '3650'] } },
});
const rounds = Number(asked.rounds);
const pipeline = 'sales_lakehouse';
const first = '2016-01-01';
const day = '2016-01-15';

toolchains();
await provide(needs.engine);
say('Building the engine');
run('cargo', ['build']);

const lakes = asked.dates.map((dates) => ({ dates: Number(dates), folder: made(Number(dates)), figures: [] }));
for (let round = 0; round <= rounds; round += 1) {
  say(round === 0 ? 'Warm-up, not counted' : `Round ${round} of ${rounds}`);
  for (const lake of lakes) {
    const figures = reprocess(lake);
    if (round > 0) lake.figures.push(figures);
  }
}
print();

function assay(lake, ...words) {
  return [program('assay'), '-w', lake, ...words];
}

/** A workspace with this many dates, run once. */
function made(dates) {
  const folder = join(target, 'bench', `dates-${dates}-${asked.records}`);
  if (existsSync(join(folder, 'done'))) return folder;
  say(`Making a lake of ${dates} dates`);
  mkdirSync(join(target, 'bench'), { recursive: true });
  const step = ([name, ...words]) => run(name, words);
  step([program('assay'), 'init', folder]);
  step(assay(folder, 'demo', pipeline, '--lines', '--seed', '42', '--first', first, '--dates', String(dates), '--records', asked.records));
  step(assay(folder, 'run', pipeline, '--all'));
  mkdirSync(join(folder, 'done'));
  return folder;
}

function reprocess({ dates, folder }) {
  const log = join(target, 'bench', `dates-${dates}.log`);
  const command = assay(folder, 'run', pipeline, '--date', day, '--reason', 'benchmark');
  const done = spawnSync('python3', ['bench/measure.py', log, ...command], { cwd: root, encoding: 'utf8' });
  const figures = JSON.parse(done.stdout);
  if (figures.code !== 0) fail(`The run of ${day} ended with code ${figures.code}.`, `Its output is in ${log}.`);
  const [name, ...words] = assay(folder, 'show', 'last', '--json');
  const shown = JSON.parse(spawnSync(name, words, { encoding: 'utf8' }).stdout);
  const seconds = (step) => (Date.parse(step.ended_at) - Date.parse(step.started_at)) / 1000;
  figures.steps = Object.fromEntries(shown.steps.map((step) => [step.id, seconds(step)]));
  console.log(`    ${dates} dates: ${figures.wall.toFixed(2)} s wall, ${figures.read_mb.toFixed(1)} MB read, ${figures.peak_mb.toFixed(0)} MB peak`);
  return figures;
}

function print() {
  const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
  const [few, many] = lakes;
  const of = (lake, figure) => median(lake.figures.map(figure));
  say(`Medians of ${rounds} rounds: ${day} again, in a lake of ${few.dates} dates and in one of ${many.dates}`);
  const line = (name, figure, unit) => {
    const [a, b] = [of(few, figure), of(many, figure)];
    console.log(`    ${name.padEnd(30)} ${a.toFixed(3)} ${unit}, ${b.toFixed(3)} ${unit}; ratio ${(b / a).toFixed(2)}`);
  };
  const steps = Object.keys(few.figures[0].steps);
  for (const step of steps) line(step, ({ steps: taken }) => taken[step], 's');
  line('whole command', ({ wall }) => wall, 's');
  line('read', ({ read_mb: read }) => read, 'MB');
  line('peak memory', ({ peak_mb: peak }) => peak, 'MB');
}
