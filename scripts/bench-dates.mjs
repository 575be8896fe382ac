// What one date costs in a lake of few dates and in lakes of many: the steps that are kept by date, which must cost the
// same in all of them, apart from the models over all dates, whose growth is printed; and what planning costs.
// npm run bench:dates -- [--rounds 5] [--dates 30 --dates 365 --dates 3650] [--records 200 --records 2000] [--built]
// A lake is made once, 3,650 dates of 200 records in two minutes, of 2,000 records in twenty and on 7 GB; a round takes a
// minute. Without --records it is 200 alone. --built takes the program as it is.
import { parseArgs } from 'node:util';
import { assay, cost, demo, json, median, once, pipeline, reprocess, step } from './measured.mjs';
import { needs, provide, toolchains } from './machine.mjs';
import { fail, run, say } from './steps.mjs';

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    records: { type: 'string', multiple: true, default: ['200'] },
    dates: { type: 'string', multiple: true, default: ['30', '365', '3650'] },
    built: { type: 'boolean', default: false },
  },
});
const rounds = Number(asked.rounds);
const first = '2016-01-01';
const wholeTable = 'whole table';

toolchains();
await provide(needs.engine);
if (!asked.built) {
  say('Building the engine');
  run('cargo', ['build']);
}
for (const records of asked.records) bench(records);

function bench(records) {
  const lakes = asked.dates.map((dates) => ({ dates: Number(dates), folder: made(dates, records), figures: [] }));
  const day = sameDay(lakes);
  for (const lake of lakes) lake.byDate = stepsByDate(lake, day);
  for (let round = 0; round <= rounds; round += 1) {
    say(round === 0 ? 'Warm-up, not counted' : `Round ${round} of ${rounds}`);
    for (const lake of lakes) {
      const figures = measured(lake, day);
      if (round > 0) lake.figures.push(figures);
    }
  }
  print(lakes, day, records);
}

/** A workspace with this many dates, run once. */
function made(dates, records) {
  return once(`dates-${dates}-${records}`, `Making a lake of ${dates} dates of ${records} records`, (lake) => {
    demo(lake, first, dates, records);
    step(assay(lake, 'run', pipeline, '--all'));
  });
}

/** A date that each lake has in one file: some have records in files of other dates too, and those are read with it. */
function sameDay(lakes) {
  for (let number = 10; number <= 30; number += 1) {
    const day = `2016-01-${number}`;
    const plans = lakes.map(({ folder }) => json(reprocess(folder, '--date', day, '--plan', '--json')));
    if (plans.every((plan) => plan.files_total === 1 && plan.dates === day)) return day;
  }
  return fail('No date of January 2016 lies in one file in every lake.', 'Choose lakes of other sizes with --dates.');
}

/** The steps that replace one date and leave the others. */
function stepsByDate({ folder }, day) {
  const plan = json(reprocess(folder, '--date', day, '--plan', '--json'));
  return plan.steps.filter((step) => step.dates !== wholeTable).map((step) => step.id);
}

function measured({ dates, folder, byDate }, day) {
  const figures = cost(reprocess(folder, '--date', day));
  const shown = json(assay(folder, 'show', 'last', '--json'));
  const seconds = (step) => (Date.parse(step.ended_at) - Date.parse(step.started_at)) / 1000;
  figures.steps = Object.fromEntries(shown.steps.map((step) => [step.id, seconds(step)]));
  const sum = (wanted) => Object.entries(figures.steps).reduce((all, [id, taken]) => all + (wanted(id) ? taken : 0), 0);
  figures.byDate = sum((id) => byDate.includes(id));
  figures.whole = sum((id) => !byDate.includes(id));
  // Each step by date as a command of its own: their bytes without those of the models over all dates, but with
  // those of planning, checking and comparing.
  const alone = byDate.map((id) => cost(reprocess(folder, '--date', day, '--only-step', id)));
  figures.readByDate = alone.reduce((all, { read_mb: read }) => all + read, 0);
  figures.cpuByDate = alone.reduce((all, { cpu }) => all + cpu, 0);
  figures.planDate = cost(reprocess(folder, '--date', day, '--plan'));
  figures.planAll = cost(reprocess(folder, '--scope', 'all', '--plan'));
  console.log(`    ${dates} dates: ${figures.wall.toFixed(2)} s wall, ${figures.read_mb.toFixed(1)} MB read, ${figures.peak_mb.toFixed(0)} MB peak`);
  return figures;
}

function print(lakes, day, records) {
  say(`Medians of ${rounds} rounds: ${day} again, ${records} records a date, in lakes of ${asked.dates.join(', ')} dates; ratios to the first`);
  const line = (name, figure, unit) => {
    const values = lakes.map((lake) => median(lake.figures.map(figure)));
    const shown = values.map((value) => `${value.toFixed(3)} ${unit}`).join(', ');
    const ratios = values.slice(1).map((value) => (value / values[0]).toFixed(2)).join(', ');
    console.log(`    ${name.padEnd(36)} ${shown}; ratio ${ratios}`);
  };
  for (const step of Object.keys(lakes[0].figures[0].steps)) line(step, ({ steps: taken }) => taken[step], 's');
  line('steps by date', ({ byDate }) => byDate, 's');
  line('steps by date, one by one, read', ({ readByDate: read }) => read, 'MB');
  line('steps by date, one by one, processor', ({ cpuByDate: cpu }) => cpu, 's');
  line('models over all dates', ({ whole }) => whole, 's');
  line('whole command', ({ wall }) => wall, 's');
  line('whole command, read', ({ read_mb: read }) => read, 'MB');
  line('whole command, peak memory', ({ peak_mb: peak }) => peak, 'MB');
  line('whole command, processor', ({ cpu }) => cpu, 's');
  for (const [name, plan] of [['planning one date', ({ planDate }) => planDate], ['planning all dates', ({ planAll }) => planAll]]) {
    line(name, (figures) => plan(figures).wall, 's');
    line(`${name}, processor`, (figures) => plan(figures).cpu, 's');
    line(`${name}, read`, (figures) => plan(figures).read_mb, 'MB');
  }
}
