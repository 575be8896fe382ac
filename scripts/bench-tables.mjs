// What planning costs with fifty tables of 3,650 dates, and what a difference of two versions reads of a table of ten
// million rows when they differ in one date, against a table of 30 such dates.
// npm run bench:tables -- [--rounds 5] [--dates 500] [--records 21000] [--built]
// Its lakes are made once, in ten minutes and on 6 GB; a round takes seconds. --built takes the program as it is.
import { cpSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { assay, cost, demo, json, median, once, pipeline, reprocess, step } from './measured.mjs';
import { needs, provide, toolchains } from './machine.mjs';
import { fail, run, say } from './steps.mjs';

const { values: asked } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    dates: { type: 'string', default: '500' },
    records: { type: 'string', default: '21000' },
    built: { type: 'boolean', default: false },
  },
});
const rounds = Number(asked.rounds);
const first = '2016-01-01';
const day = '2016-01-15';
const tables = 50;

toolchains();
await provide(needs.engine);
if (!asked.built) {
  say('Building the engine');
  run('cargo', ['build']);
}
const wide = [30, 3650].map((dates) => once(`tables-${tables}-${dates}`, `Making ${tables} tables of ${dates} dates`, (lake) => widen(lake, dates)));
const pairs = [30, Number(asked.dates)].map((dates) => once(`pair-${dates}-${asked.records}`, `Making two versions of ${dates} dates`, (lake) => pair(lake, dates)));
const planOf = (words) => (lake) => cost(reprocess(lake, ...words, '--plan'));

say(`Medians of ${rounds} rounds; ratios to 30 dates`);
print(`planning one date of ${tables} tables`, wide, ['30 dates', '3650 dates'], planOf(['--date', day]));
print(`planning all dates of ${tables} tables`, wide, ['30 dates', '3650 dates'], planOf(['--scope', 'all']));
const rows = pairs.map((lake) => `${json(assay(lake, 'diff', 'silver.sales', '--json')).rows_after ?? ''} rows`.trim());
print('difference of two versions', pairs, rows, (lake) => cost(assay(lake, 'diff', 'silver.sales')));
for (const lake of pairs) console.log(`    ${(sizeOf(dateFolder(lake)) / 1e6).toFixed(3)} MB are the files of the date that differs, in both versions`);

/** Tables that planning cannot tell from computed ones: it reads their logs alone. */
function widen(lake, dates) {
  demo(lake, first, dates, 200);
  step(assay(lake, 'run', pipeline, '--all'));
  const definition = join(lake, 'pipelines', pipeline, 'pipeline.toml');
  const layer = join(lake, '.assay/lake', pipeline, 'gold');
  const made = json(reprocess(lake, '--date', day, '--plan', '--json')).steps.filter((step) => step.table).length;
  let text = readFileSync(definition, 'utf8');
  for (let number = made; number < tables; number += 1) {
    const name = `daily_${number}`;
    text += `\n[gold.${name}]\nsql = "gold/daily_store_sales.sql"\ngrain = ["date", "store_id"]\npartition = "date"\n`;
    mkdirSync(join(layer, name));
    cpSync(join(layer, 'daily_store_sales/_delta_log'), join(layer, name, '_delta_log'), { recursive: true, preserveTimestamps: true });
  }
  writeFileSync(definition, text);
}

/** A table and a second version of it in which one date was computed again. */
function pair(lake, dates) {
  demo(lake, first, dates, asked.records);
  step(assay(lake, 'run', pipeline, '--all', '--stage', 'bronze', '--stage', 'silver'));
  step(reprocess(lake, '--date', day, '--only-step', 'silver.sales'));
}

function dateFolder(lake) {
  return join(lake, '.assay/lake', pipeline, `silver/sales/date=${day}`);
}

function sizeOf(folder) {
  return readdirSync(folder).reduce((all, name) => all + statSync(join(folder, name)).size, 0);
}

function print(what, lakes, names, figure) {
  const taken = lakes.map(() => []);
  for (let round = 0; round <= rounds; round += 1) {
    lakes.forEach((lake, at) => {
      const figures = figure(lake);
      if (round > 0) taken[at].push(figures);
    });
  }
  console.log(`    ${what}: ${names.join(', ')}`);
  for (const [name, unit, of] of [['wall', 's', ({ wall }) => wall], ['processor', 's', ({ cpu }) => cpu], ['read', 'MB', ({ read_mb: read }) => read]]) {
    const values = taken.map((list) => median(list.map(of)));
    if (values.some(Number.isNaN)) fail(`${what} gave no figure.`, 'The lines above say why.');
    console.log(`        ${name.padEnd(10)} ${values.map((value) => `${value.toFixed(3)} ${unit}`).join(', ')}; ratio ${(values[1] / values[0]).toFixed(2)}`);
  }
}
