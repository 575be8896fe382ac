// The engine behind the window's commands. Only this folder imports @tauri-apps.
import { Channel } from '@tauri-apps/api/core';
import { commands, type Event } from './bindings';
import { Refusal, problemOf, type Engine } from './engine';

async function ask<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw new Refusal(problemOf(thrown));
  }
}

/** Bytes must come as an `ArrayBuffer`; a number array means that the slow way was taken, which is a fault. */
async function bytes(answer: Promise<ArrayBuffer>): Promise<ArrayBuffer> {
  const body: unknown = await ask(answer);
  document.documentElement.dataset.page = Object.prototype.toString.call(body);
  if (body instanceof ArrayBuffer) return body;
  throw new Refusal({
    kind: 'failed',
    message: 'A page of rows came in the wrong form, so it is not shown.',
    causes: [`expected an ArrayBuffer, got ${Object.prototype.toString.call(body)}`],
    advice: 'This is a fault of the program: report it with the version shown in the status line.',
  });
}

export const windowEngine: Engine = {
  overview: () => ask(commands.overview()),
  runs: (pipeline, limit) => ask(commands.runs(pipeline, limit)),
  run: (run) => ask(commands.run(run)),
  log: (run, from, limit, level) => ask(commands.log(run, from, limit, level)),
  table: (table) => ask(commands.table(table)),
  page: (page) => bytes(commands.page(page)),
  quarantine: (page) => bytes(commands.quarantine(page)),
  startRun: (run) => ask(commands.startRun(run)),
  cancelRun: async (requestId, run) => void (await ask(commands.cancelRun(requestId, run))),
  watch: async (heard) => {
    const events = new Channel<Event[]>();
    events.onmessage = heard;
    await ask(commands.watch(events));
  },
  reconnect: async () => void (await ask(commands.reconnect())),
};
