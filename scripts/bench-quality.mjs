// Thirty rules over five million rows: Assay with and without keeping the failing rows, Great Expectations, the same
// rules one by one in Polars, and the least that any engine must do. Refuses to print when outcomes differ.
// npm run bench:quality -- [--rounds 5] [--rows 5000000] [--without gx]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { needs, provide, toolchains } from './machine.mjs';
import { folder, inRounds, median } from './measured.mjs';
import { fail, root, run, say, target } from './steps.mjs';

const { values: asked } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, rows: { type: 'string', default: '5000000' }, without: { type: 'string', multiple: true, default: [] } },
});
const rounds = Number(asked.rounds);
const data = join(folder, `quality-${asked.rows}`);
const python = join(folder, 'venv-quality/bin/python');
const measure = join(target, 'debug/examples/measure');
const rules = 'bench/quality_rules.dqdl';
const failing = join(folder, 'failing.parquet');

toolchains();
await provide(needs.engine);
say('Building the engine');
run('cargo', ['build', '-p', 'assay-quality', '-p', 'assay-testkit', '--example', 'measure']);
peers();
if (!existsSync(join(data, 'products.parquet'))) {
  say(`Generating ${asked.rows} rows`);
  run(python, ['bench/quality_data.py', data, asked.rows]);
}

// As the program starts its workers.
const frugal = { MIMALLOC_PURGE_DELAY: '20', POLARS_ROW_GROUP_PREFETCH_SIZE: '1' };
const contenders = [
  { name: 'assay', env: frugal, command: [measure, data, rules, 'count'] },
  { name: 'assay, rows kept', env: frugal, command: [measure, data, rules, 'keep', failing] },
  { name: 'polars, one by one', command: [python, 'bench/quality_polars.py', data, 'single'] },
  { name: 'polars, the least', command: [python, 'bench/quality_polars.py', data, 'floor'] },
  { name: 'gx', command: [python, 'bench/quality_gx.py', data] },
].filter(({ name }) => !asked.without.includes(name));

const measured = inRounds(rounds, contenders, once, compare);
print();

function peers() {
  if (existsSync(python)) return;
  say('Installing Great Expectations and Polars for the comparison');
  mkdirSync(folder, { recursive: true });
  run('python3', ['-m', 'venv', join(folder, 'venv-quality')]);
  run(python, ['-m', 'pip', 'install', '--quiet', 'great-expectations==1.*', 'polars==1.*', 'pyarrow']);
}

function log({ name }) {
  return join(folder, `quality-${name.replaceAll(/\W+/g, '-')}.log`);
}

function once(contender) {
  rmSync(log(contender), { force: true });
  rmSync(failing, { force: true });
  const done = spawnSync('python3', ['bench/measure.py', log(contender), ...contender.command], { cwd: root, encoding: 'utf8', env: { ...process.env, ...contender.env } });
  const figures = JSON.parse(done.stdout);
  if (figures.code !== 0) fail(`${contender.name} ended with code ${figures.code}.`, `Its output is in ${log(contender)}.`);
  console.log(`    ${contender.name.padEnd(20)} ${figures.wall.toFixed(2)} s wall, ${figures.cpu.toFixed(2)} s processor, ${figures.peak_mb.toFixed(0)} MB`);
  return figures;
}

/** Outcomes by the rule's number, as a contender printed them. */
function outcomes(contender) {
  const lines = readFileSync(log(contender), 'utf8').split('\n');
  return new Map(lines.map((line) => line.match(/^(\d+) (passed|failed|unknown)$/)).filter(Boolean).map(([, rule, outcome]) => [rule, outcome]));
}

function compare() {
  const [first, ...others] = contenders;
  const own = outcomes(first);
  if (own.size === 0) fail(`${first.name} printed no outcome.`, `Its output is in ${log(first)}.`);
  for (const other of others.filter(({ name }) => name !== 'polars, the least')) {
    const theirs = outcomes(other);
    const differ = [...theirs].filter(([rule, outcome]) => own.get(rule) !== outcome).map(([rule]) => rule);
    if (theirs.size === 0 || differ.length > 0) fail(`${first.name} and ${other.name} disagree on rules ${differ.join(', ')}.`, 'No figure is printed for different outcomes.');
    console.log(`    ${first.name} and ${other.name} agree on ${theirs.size} rules`);
  }
}

function print() {
  const of = (name, figure) => median(measured.get(name).map((one) => one[figure]));
  say(`Medians of ${rounds} rounds, ${asked.rows} rows, 30 rules (gx: those that it has)`);
  for (const { name } of contenders) {
    const ratio = of('assay', 'wall') / of(name, 'wall');
    console.log(`    ${name.padEnd(20)} ${of(name, 'wall').toFixed(2)} s wall, ${of(name, 'cpu').toFixed(2)} s processor, ${of(name, 'peak_mb').toFixed(0)} MB peak; assay takes ${ratio.toFixed(2)} of its time`);
  }
}
