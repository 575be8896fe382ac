// What the machine must have, and how it gets it.
import { existsSync, readdirSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { fail, isCi, isRoot, onPath, output, run, say, status } from './steps.mjs';

const library = (name) => () => output('pkg-config', ['--exists', '--print-errors', name]) !== null;
const postgres = () => onPath('initdb') || (existsSync('/usr/lib/postgresql') && readdirSync('/usr/lib/postgresql').some((v) => existsSync(`/usr/lib/postgresql/${v}/bin/initdb`)));

const build = [
  { name: 'a C compiler', has: () => onPath('cc'), packages: ['build-essential'] },
  { name: 'pkg-config', has: () => onPath('pkg-config'), packages: ['pkg-config'] },
];
const python = () => output('python3', ['-c', 'import ensurepip, venv']) !== null;
const tests = [
  { name: 'Python 3 with venv', has: python, packages: ['python3-venv'] },
  { name: 'openssl, which makes certificates', has: () => onPath('openssl'), packages: ['openssl'] },
];
const warehouse = [{ name: 'the PostgreSQL programs', has: postgres, packages: ['postgresql'] }];
const window = [
  { name: 'WebKitGTK 4.1', has: library('webkit2gtk-4.1'), packages: ['libwebkit2gtk-4.1-dev'] },
  { name: 'GTK 3', has: library('gtk+-3.0'), packages: ['libgtk-3-dev'] },
  { name: 'librsvg', has: library('librsvg-2.0'), packages: ['librsvg2-dev'] },
];
const desktop = [
  { name: 'the WebKit driver', has: () => onPath('WebKitWebDriver'), packages: ['webkit2gtk-driver'] },
  { name: 'a virtual display', has: () => onPath('xvfb-run'), packages: ['xvfb', 'xauth'] },
  { name: 'a message bus', has: () => onPath('dbus-run-session'), packages: ['dbus'] },
];

export const needs = { engine: [...build, ...warehouse], tests, window, desktop };

/** Refuses a machine without Rust or Node.js of a sufficient version. */
export function toolchains() {
  const rust = output('rustc', ['--version']);
  if (!rust || !onPath('cargo')) fail('Rust is missing.', 'Install it with rustup: version 1.95 or newer is needed.');
  const [, major, minor] = rust.match(/rustc (\d+)\.(\d+)/) ?? [];
  if (Number(major) === 1 && Number(minor) < 95) fail(`Rust is ${rust}; 1.95 or newer is needed.`, 'Run: rustup update stable');
  if (Number(process.versions.node.split('.')[0]) < 20) fail(`Node.js is ${process.version}; 20 or newer is needed.`, 'Install a newer Node.js.');
}

/** Installs what is missing of `wanted`, with one question where it may not simply do so. */
export async function provide(wanted) {
  const missing = wanted.filter((thing) => !thing.has());
  if (missing.length === 0) return;
  const names = missing.map((thing) => thing.name).join(', ');
  const packages = missing.flatMap((thing) => thing.packages);
  const by = isRoot ? [] : ['sudo'];
  const command = [...by, 'apt-get', 'install', '-y', '--no-install-recommends', ...packages].join(' ');
  if (!onPath('apt-get')) fail(`Missing: ${names}.`, `Install them with this system's package tool; on Debian and Ubuntu: ${command}`);
  if (!isRoot && !isCi && !(await agreed(`Missing: ${names}. Install with \`${command}\`?`))) fail(`Missing: ${names}.`, `Install them: ${command}`);
  say(`Installing ${names}`);
  status([...by, 'apt-get'][0], [...by, 'apt-get', 'update', '-qq'].slice(1));
  run([...by, 'apt-get'][0], [...by, 'apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages].slice(1), {
    stdio: ['inherit', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  const still = missing.filter((thing) => !thing.has()).map((thing) => thing.name);
  if (still.length > 0) fail(`Still missing after the installation: ${still.join(', ')}.`, `Install them by hand: ${packages.join(' ')}`);
}

async function agreed(question) {
  if (!process.stdin.isTTY) return false;
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`${question} [Y/n] `);
  terminal.close();
  return /^(y|yes|)$/i.test(answer.trim());
}
