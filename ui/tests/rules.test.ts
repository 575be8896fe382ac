// Rules that hold for every file of the page.
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it } from 'vitest';

const src = join(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && /\.(ts|svelte|css)$/.test(entry.name))
  .map((entry) => ({ path: relative(src, join(entry.parentPath, entry.name)), text: readFileSync(join(entry.parentPath, entry.name), 'utf8') }));

const offenders = (bad: RegExp, allowed: (path: string) => boolean): string[] =>
  files.filter(({ path }) => !allowed(path)).flatMap(({ path, text }) => text.split('\n').flatMap((line, at) => (bad.test(line) ? [`${path}:${at + 1} ${line.trim()}`] : [])));

it('finds the files that it judges', () => expect(files.length).toBeGreaterThan(40));

it('has no literal colour outside tokens.css', () => {
  const literal = /#[0-9a-f]{3}(?:[0-9a-f]{3})?(?:[0-9a-f]{2})?\b(?!["'`]?\))|\b(?:rgba?|hsla?|oklch|oklab|lab|lch|hwb)\(|(?:color|background|fill|stroke|border)[^:;{}]*:\s*(?:white|black|red|green|blue|gray|grey|orange|yellow)\b/i;
  expect(offenders(literal, (path) => path === 'styles/tokens.css' || path.endsWith('.test.ts'))).toEqual([]);
  expect(literal.test('color: #fff;') && literal.test('background: rgb(1 2 3)') && literal.test('fill: white')).toBe(true);
});

it('imports the shell in src/ipc only', () => {
  expect(offenders(/@tauri-apps\//, (path) => path.startsWith('ipc/'))).toEqual([]);
  expect(files.some(({ path, text }) => path.startsWith('ipc/') && text.includes('@tauri-apps/'))).toBe(true);
});

it('runs no text as code and asks nothing of the network', () => {
  expect(offenders(/\beval\(|new Function\(|\{@html|innerHTML|https?:\/\/|(?<!#)\bfetch\(|XMLHttpRequest|WebSocket/, (path) => path.endsWith('.test.ts'))).toEqual([]);
});

it('uses tokens that exist', () => {
  const tokens = new Set(files.find(({ path }) => path === 'styles/tokens.css')!.text.match(/--[\w-]+(?=:)/g));
  const own = new Set(files.flatMap(({ text }) => text.match(/--[\w-]+(?=:)/g) ?? []));
  const used = files.flatMap(({ path, text }) => [...text.matchAll(/var\((--[\w-]+)/g)].map(([, name]) => `${path} ${name}`));
  expect(used.length).toBeGreaterThan(200);
  expect(used.filter((use) => !own.has(use.split(' ')[1]!))).toEqual([]);
  expect(tokens.has('--surface-1')).toBe(true);
});
