// What one date costs in a lake of few dates and in lakes of many: the steps that are kept by date, which must cost the
// same in all of them, apart from the models over all dates, whose growth is printed; and what planning costs.
// npm run bench:dates -- [--rounds 5] [--dates 30 --dates 365 --dates 3650] [--records 200]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { needs, provide, toolchains } from './machine.mjs';
import { fail, program, root, run, say, target } from './steps.mjs';

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    records: { type: 'string', default: '200' },
    dates: { type: 'string', multiple: true, default: ['30', '365', '3650'] },
  },
});
const rounds = Number(asked.rounds);
const pipeline = 'sales_lakehouse';
const first = '2016-01-01';
const day = '2016-01-15';
const wholeTable = 'whole table';

toolchains();
await provide(needs.engine);
say('Building the engine');
run('cargo', ['build']);

const lakes = asked.dates.map((dates) => ({ dates: Number(dates), folder: made(Number(dates)), figures: [] }));
for (const lake of lakes) lake.byDate = stepsByDate(lake);
for (let round = 0; round <= rounds; round += 1) {
  say(round === 0 ? 'Warm-up, not counted' : `Round ${round} of ${rounds}`);
  for (const lake of lakes) {
    const figures = measured(lake);
    if (round > 0) lake.figures.push(figures);
  }
}
print();

function assay(lake, ...words) {
  return [program('assay'), '-w', lake, ...words];
}

function reprocess(lake, ...words) {
  return assay(lake, 'reprocess', pipeline, ...words, '--reason', 'benchmark');
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

function json([name, ...words]) {
  const done = spawnSync(name, words, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (done.status !== 0) fail(`\`${words.join(' ')}\` ended with code ${done.status}.`, done.stderr);
  return JSON.parse(done.stdout);
}

/** The steps that replace one date and leave the others. */
function stepsByDate({ folder }) {
  const plan = json(reprocess(folder, '--date', day, '--plan', '--json'));
  return plan.steps.filter((step) => step.dates !== wholeTable).map((step) => step.id);
}

/** One command, with its processes' time, memory and bytes read. */
function cost({ dates }, command) {
  const log = join(target, 'bench', `dates-${dates}.log`);
  const done = spawnSync('python3', ['bench/measure.py', log, ...command], { cwd: root, encoding: 'utf8' });
  const figures = JSON.parse(done.stdout);
  if (figures.code !== 0) fail(`\`${command.join(' ')}\` ended with code ${figures.code}.`, `Its output is in ${log}.`);
  return figures;
}

function measured(lake) {
  const { dates, folder, byDate } = lake;
  const figures = cost(lake, assay(folder, 'run', pipeline, '--date', day, '--reason', 'benchmark'));
  const shown = json(assay(folder, 'show', 'last', '--json'));
  const seconds = (step) => (Date.parse(step.ended_at) - Date.parse(step.started_at)) / 1000;
  figures.steps = Object.fromEntries(shown.steps.map((step) => [step.id, seconds(step)]));
  const sum = (wanted) => Object.entries(figures.steps).reduce((all, [id, taken]) => all + (wanted(id) ? taken : 0), 0);
  figures.byDate = sum((id) => byDate.includes(id));
  figures.whole = sum((id) => !byDate.includes(id));
  // Each step by date as a command of its own: their bytes without those of the models over all dates, but with
  // those of planning, checking and comparing.
  figures.readByDate = byDate.reduce((all, id) => all + cost(lake, reprocess(folder, '--date', day, '--only-step', id)).read_mb, 0);
  figures.planDate = cost(lake, reprocess(folder, '--date', day, '--plan'));
  figures.planAll = cost(lake, reprocess(folder, '--scope', 'all', '--plan'));
  console.log(`    ${dates} dates: ${figures.wall.toFixed(2)} s wall, ${figures.read_mb.toFixed(1)} MB read, ${figures.peak_mb.toFixed(0)} MB peak`);
  return figures;
}

function print() {
  const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
  say(`Medians of ${rounds} rounds: ${day} again, ${asked.records} records a date, in lakes of ${asked.dates.join(', ')} dates; ratios to the first`);
  const line = (name, figure, unit) => {
    const values = lakes.map((lake) => median(lake.figures.map(figure)));
    const shown = values.map((value) => `${value.toFixed(3)} ${unit}`).join(', ');
    const ratios = values.slice(1).map((value) => (value / values[0]).toFixed(2)).join(', ');
    console.log(`    ${name.padEnd(34)} ${shown}; ratio ${ratios}`);
  };
  for (const step of Object.keys(lakes[0].figures[0].steps)) line(step, ({ steps: taken }) => taken[step], 's');
  line('steps by date', ({ byDate }) => byDate, 's');
  line('steps by date, read one by one', ({ readByDate: read }) => read, 'MB');
  line('models over all dates', ({ whole }) => whole, 's');
  line('whole command', ({ wall }) => wall, 's');
  line('whole command, read', ({ read_mb: read }) => read, 'MB');
  line('whole command, peak memory', ({ peak_mb: peak }) => peak, 'MB');
  line('whole command, processor', ({ cpu }) => cpu, 's');
  for (const [name, plan] of [['planning one date', ({ planDate }) => planDate], ['planning all dates', ({ planAll }) => planAll]]) {
    line(name, (figures) => plan(figures).wall, 's');
    line(`${name}, processor`, (figures) => plan(figures).cpu, 's');
  }
}
