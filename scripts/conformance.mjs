// Conformance cases of the rule language: `npm run conformance -- FILE...`. The keys of a file's first case say which
// of the two programs runs it: texts with trees or answers, or data with outcomes.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { needs, provide, toolchains } from './machine.mjs';
import { fail, run, say, status, target } from './steps.mjs';

const files = process.argv.slice(2).map((file) => resolve(process.env.INIT_CWD ?? '.', file));
if (files.length === 0) fail('There are no files of cases to run.', 'Name one or more: npm run conformance -- FILE...');

const programs = { language: [], evaluation: [] };
for (const file of files) programs[kindOf(file)].push(file);

toolchains();
await provide(needs.engine);
say('Building the programs that run cases');
// The test kit gives the engine the features that it has elsewhere, so that it is not built again.
run('cargo', ['build', '-q', '-p', 'assay-dqdl', '-p', 'assay-quality', '-p', 'assay-testkit', '--example', 'language', '--example', 'evaluation']);

let agreed = true;
for (const [name, cases] of Object.entries(programs)) {
  if (cases.length === 0) continue;
  say(`Cases of ${name}: ${cases.join(', ')}`);
  if (status(join(target, 'debug/examples', name), cases) !== 0) agreed = false;
}
process.exit(agreed ? 0 : 1);

function kindOf(file) {
  const first = firstCase(file);
  if (first && typeof first === 'object') {
    if ('primary' in first && 'expected' in first) return 'evaluation';
    if ('ruleset' in first && 'valid' in first) return 'language';
  }
  fail(`${file} holds no cases of a form that is known.`, 'A case has the keys ruleset and valid, or primary and expected.');
}

function firstCase(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    fail(`${file} cannot be read: ${error.message}`, 'Name a file of cases.');
  }
  let cases;
  try {
    // Some writers put doubles into JSON that it has no words for.
    cases = JSON.parse(text.replace(/(?<=[[,:]\s*)(NaN|-?Infinity)(?=\s*[\],}])/g, 'null'));
  } catch (error) {
    fail(`${file} is no JSON: ${error.message}`, 'Name a file of cases.');
  }
  return Array.isArray(cases) ? cases[0] : Object.values(cases).find(Array.isArray)?.[0];
}
