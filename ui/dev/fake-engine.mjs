#!/usr/bin/env node
// The made-up workspace as a program that speaks the window's frames, for working on the real window without an
// engine: ASSAY_BIN=ui/dev/fake-engine.mjs. ASSAY_FAKE may be `empty`, or a number of rows for every table.
// `init` makes an empty workspace and other verbs do nothing, so that the desktop journeys can be tried on it.
import { mkdirSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { makeWorld } from './world.mjs';

const verb = process.argv[2];
if (verb === 'init') mkdirSync('pipelines/sales_lakehouse', { recursive: true });
if (verb !== 'serve') process.exit(0);

const fake = process.env.ASSAY_FAKE ?? '';
const world = makeWorld({ empty: fake === 'empty', rows: Number(fake) || 0 });

function send(frame, body) {
  process.stdout.write(`${JSON.stringify(body ? { ...frame, bytes: body.length } : frame)}\n`);
  if (body) process.stdout.write(body);
}

function reply(ask) {
  switch (ask.ask) {
    case 'overview': return { answer: 'overview', value: world.overview() };
    case 'runs': return { answer: 'runs', value: world.runs(ask.pipeline, ask.limit) };
    case 'run': return { answer: 'run', value: world.run(ask.run) };
    case 'log': return { answer: 'log', value: world.log(ask.run, ask.from, ask.limit, ask.level) };
    case 'table': return { answer: 'table', value: world.table(ask.table) };
    case 'page': return { answer: 'bytes', body: world.page(ask) };
    case 'quarantine': return { answer: 'bytes', body: world.quarantine(ask) };
    case 'start_run': return { answer: 'ticket', value: world.startRun(ask) };
    case 'cancel_run': world.cancelRun(ask.request_id, ask.run); return { answer: 'done' };
    case 'watch': world.watch((events) => send({ frame: 'events', events })); return { answer: 'done' };
    default: throw { kind: 'misuse', message: `unknown ask ${ask.ask}`, causes: [], advice: null };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const ask = JSON.parse(line);
  try {
    const { body, ...answer } = reply(ask);
    send({ frame: 'answer', id: ask.id, ...answer }, body);
  } catch (problem) {
    send({ frame: 'answer', id: ask.id, answer: 'problem', value: problem });
  }
}
process.exit(0);
