// Bronze to gold, side by side with DuckDB and pandas, in turn; refuses to print when the results differ.
// npm run bench -- [--rounds 5] [--times 10] [--without pandas]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { needs, provide, toolchains } from './machine.mjs';
import { folder, inRounds, median, pipeline } from './measured.mjs';
import { fail, program, root, run, say, target } from './steps.mjs';

const { values: asked } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, times: { type: 'string', default: '1' }, without: { type: 'string', multiple: true, default: [] } },
});
const rounds = Number(asked.rounds);
const records = 400_000 * Number(asked.times);
const data = join(folder, `data-${records}`);
const python = join(folder, 'venv/bin/python');

toolchains();
await provide(needs.engine);
say('Building the engine');
run('cargo', ['build']);
peers();
generate();

const contenders = [
  { name: 'assay', kind: 'lake', out: join(data, '.assay/lake', pipeline), prepare: cleanLake, command: () => [program('assay'), '-w', data, 'run', pipeline, '--all', '--stage', 'bronze', '--stage', 'silver', '--stage', 'gold'] },
  { name: 'duckdb', kind: 'files', out: join(folder, 'duckdb'), command: (out) => [python, 'bench/duckdb_run.py', bronze(), out] },
  { name: 'pandas', kind: 'files', out: join(folder, 'pandas'), command: (out) => [python, 'bench/pandas_run.py', bronze(), out] },
].filter(({ name }) => !asked.without.includes(name));

const measured = inRounds(rounds, contenders, once, compare);
print();

function bronze() {
  return join(data, '.assay/lake', pipeline, 'bronze');
}

function peers() {
  if (existsSync(python)) return;
  say('Installing DuckDB and pandas for the comparison');
  mkdirSync(folder, { recursive: true });
  run('python3', ['-m', 'venv', join(folder, 'venv')]);
  run(python, ['-m', 'pip', 'install', '--quiet', 'duckdb==2.0.*', 'pandas==3.1.*', 'pyarrow==26.*']);
}

function generate() {
  if (existsSync(join(data, 'assay.toml'))) return;
  say(`Generating ${records * 3} records for three dates`);
  run(program('assay'), ['init', data]);
  run(program('assay'), ['-w', data, 'demo', pipeline, '--lines', '--seed', '42', '--first', '2026-01-01', '--dates', '3', '--records', String(records)]);
}

/** Everything that a run leaves, but not the sources. */
function cleanLake() {
  for (const name of ['silver', 'gold', 'quarantine']) rmSync(join(data, '.assay/lake', pipeline, name), { recursive: true, force: true });
  for (const name of readdirSync(join(data, '.assay'))) if (name !== 'lake') rmSync(join(data, '.assay', name), { recursive: true, force: true });
}

function once({ name, out, prepare, command }) {
  if (prepare) prepare();
  else {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out, { recursive: true });
  }
  const log = join(folder, `${name}.log`);
  const done = spawnSync('python3', ['bench/measure.py', log, ...command(out)], { cwd: root, encoding: 'utf8' });
  const figures = JSON.parse(done.stdout);
  if (figures.code !== 0) fail(`${name} ended with code ${figures.code}.`, `Its output is in ${log}.`);
  console.log(`    ${name.padEnd(8)} ${figures.wall.toFixed(2)} s wall, ${figures.cpu.toFixed(2)} s processor, ${figures.peak_mb.toFixed(0)} MB`);
  return figures;
}

function compare() {
  const [first, ...others] = contenders;
  for (const other of others) {
    const done = spawnSync(python, ['bench/compare.py', first.name, first.kind, first.out, other.name, other.kind, other.out], { cwd: root, stdio: 'inherit' });
    if (done.status !== 0) fail(`${first.name} and ${other.name} made different rows.`, 'No figure is printed for different results.');
    console.log(`    ${first.name} and ${other.name} made the same rows`);
  }
}

function print() {
  const of = (name, figure) => median(measured.get(name).map((one) => one[figure]));
  say(`Medians of ${rounds} rounds, ${records * 3} records, bronze to gold`);
  for (const { name } of contenders) {
    const ratio = of('assay', 'wall') / of(name, 'wall');
    console.log(`    ${name.padEnd(8)} ${of(name, 'wall').toFixed(2)} s wall, ${of(name, 'cpu').toFixed(2)} s processor, ${of(name, 'peak_mb').toFixed(0)} MB peak; assay takes ${ratio.toFixed(2)} of its time`);
  }
}
