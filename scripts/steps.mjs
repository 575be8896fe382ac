// Runs commands one after the other, says which, and fails with the missing thing's name.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));
export const isRoot = process.getuid?.() === 0;
export const isCi = Boolean(process.env.CI);

/** Where cargo puts what it builds. */
export const target = process.env.CARGO_TARGET_DIR || join(root, 'target');
export const program = (name) => join(target, 'debug', name);

export function say(text) {
  process.stdout.write(`\n==> ${text}\n`);
}

export function fail(what, how) {
  process.stderr.write(`\n${what}\n${how}\n`);
  process.exit(1);
}

/** Runs a command with its output shown; ends this program with the command's code when it fails. */
export function run(command, args, options = {}) {
  const code = status(command, args, options);
  if (code !== 0) fail(`\`${[command, ...args].join(' ')}\` ended with code ${code}.`, 'The lines above say why.');
}

/** Runs a command with its output shown and gives its exit code. */
export function status(command, args, options = {}) {
  process.stdout.write(`    $ ${[command, ...args].join(' ')}\n`);
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (done.error) fail(`\`${command}\` did not start: ${done.error.message}`, `Install ${command} and try again.`);
  return done.status ?? 1;
}

/** What a command prints, or null when it is missing or fails. */
export function output(command, args) {
  const done = spawnSync(command, args, { cwd: root, encoding: 'utf8' });
  return done.status === 0 ? done.stdout.trim() : null;
}

export function onPath(name) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => folder && existsSync(join(folder, name)));
}
