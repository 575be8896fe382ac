// All tests: engine, page, window, desktop. Arguments choose parts: `npm test -- engine page`.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { emulators } from './emulators.mjs';
import { needs, provide, toolchains } from './machine.mjs';
import { program, run, say, target } from './steps.mjs';
import { buildWindow, pagePackages } from './window.mjs';

const asked = process.argv.slice(2);
const parts = { engine, page, window, desktop };
toolchains();
for (const [name, part] of Object.entries(parts)) {
  if (asked.length === 0 || asked.includes(name)) await part();
}

async function engine() {
  await provide([...needs.engine, ...needs.tests]);
  const folder = emulators();
  say('Engine: building the program that the journeys run');
  run('cargo', ['build']);
  say('Engine: unit tests, suites and journeys');
  run('cargo', ['test'], { env: { ...process.env, ASSAY_BIN: program('assay'), ASSAY_EMULATORS: folder } });
}

async function page() {
  pagePackages();
  say('Page: types and unit tests');
  run('npm', ['--prefix', 'ui', 'run', 'check']);
  run('npm', ['--prefix', 'ui', 'test']);
}

async function window() {
  await provide(needs.window);
  pagePackages();
  run('npm', ['--prefix', 'ui', 'run', 'build']);
  say('Window: unit tests, and whether the bindings are current');
  run('cargo', ['test', '-p', 'assay-window', '--bins']);
}

async function desktop() {
  await provide([...needs.engine, ...needs.window, ...needs.desktop]);
  run('cargo', ['build']);
  await buildWindow();
  const driver = join(target, 'tools/bin/tauri-driver');
  if (!existsSync(driver)) {
    say('Desktop: building the driver of the window');
    run('cargo', ['install', 'tauri-driver', '--version', '2.1.0', '--locked', '--root', join(target, 'tools')]);
  }
  say('Desktop: journeys in the real window on a virtual display');
  run('xvfb-run', ['-a', '-s', '-screen 0 1440x900x24', 'dbus-run-session', '--', 'cargo', 'test', '-p', 'assay-desktop', '--', '--test-threads=1'], {
    env: { ...process.env, LANG: 'en_US.UTF-8', NO_AT_BRIDGE: '1', TAURI_DRIVER: driver, ASSAY_WINDOW: program('assay-window'), ASSAY_BIN: program('assay') },
  });
}
