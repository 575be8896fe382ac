// The emulators that the engine's tests run against, in a Python folder of their own below the target folder.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, run, say, target } from './steps.mjs';

/** Installs what `emulators.txt` names, unless it is there, and gives the folder. */
export function emulators() {
  const folder = join(target, 'emulators');
  const wanted = join(root, 'scripts/emulators.txt');
  const installed = join(folder, 'installed.txt');
  const pins = readFileSync(wanted, 'utf8');
  if (existsSync(installed) && readFileSync(installed, 'utf8') === pins) return folder;
  say('Installing the emulators that the tests run against');
  mkdirSync(folder, { recursive: true });
  run('python3', ['-m', 'venv', folder]);
  run(join(folder, 'bin/python'), ['-m', 'pip', 'install', '--quiet', '-r', wanted]);
  writeFileSync(installed, pins);
  return folder;
}
