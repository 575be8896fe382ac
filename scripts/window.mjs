// Builds the window: its page, then the program around it.
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { needs, provide, toolchains } from './machine.mjs';
import { root, run, say } from './steps.mjs';

/** Installs the page's packages when the lock file is newer than what is installed. */
export function pagePackages() {
  const installed = join(root, 'ui/node_modules/.package-lock.json');
  const lock = join(root, 'ui/package-lock.json');
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return;
  say('Installing the packages of the page');
  // Not `npm ci`: it refuses a lock file made where other platforms' optional packages could not be looked up.
  run('npm', ['--prefix', 'ui', 'install', '--no-save', '--no-audit', '--no-fund']);
}

export async function buildWindow() {
  await provide(needs.window);
  pagePackages();
  say('Building the window (the first time takes several minutes)');
  run(join(root, 'ui/node_modules/.bin/tauri'), ['build', '--debug', '--no-bundle']);
}

if (process.argv[1] === import.meta.filename) {
  toolchains();
  await buildWindow();
}
