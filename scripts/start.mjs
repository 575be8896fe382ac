// From a fresh machine to a window on a pipeline that ran.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { needs, provide, toolchains } from './machine.mjs';
import { fail, program, root, run, say, status } from './steps.mjs';
import { buildWindow } from './window.mjs';

const workspace = process.env.ASSAY_DEMO || join(root, 'demo-workspace');
const pipeline = 'sales_lakehouse';
const display = process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

toolchains();
await provide(needs.engine);
say('Building the engine (the first time takes about fifteen minutes on two cores)');
run('cargo', ['build']);

const isNew = !existsSync(join(workspace, 'assay.toml'));
const assay = (...args) => [program('assay'), ['--workspace', workspace, ...args]];
if (isNew) {
  say(`Making a demo workspace in ${workspace}`);
  run(program('assay'), ['init', workspace]);
  run(...assay('demo', pipeline));
}
say(`Running ${pipeline}`);
const code = status(...assay('run', pipeline, '--reason', 'demo'));
// 0 is done, 3 is flagged; both leave tables to look at.
if (code !== 0 && code !== 3) fail(`The run ended with code ${code}.`, `Look further: ${program('assay')} --workspace ${workspace} logs last`);
// A first run has printed its summary just now.
if (!isNew) run(...assay('show', 'last'));

if (display) {
  await buildWindow();
  say('Opening the window');
  run(...assay('open'));
} else {
  say('There is no display, so no window opens. To look further:');
  for (const words of ['tables', 'preview gold.daily_store_sales', 'quarantine silver.sales', 'logs last', 'doctor']) {
    console.log(`    ${program('assay')} --workspace ${workspace} ${words}`);
  }
}
