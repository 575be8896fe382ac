// The made-up workspace as an engine of the page, for `npm run dev` in a browser and for tests.
import { Refusal, problemOf, type Engine } from '../src/ipc';
import { makeWorld } from './world.mjs';

export function scripted(options: { pace?: number; empty?: boolean; rows?: number } = {}): Engine {
  const world = makeWorld(options);
  const answer = async <T>(what: () => unknown): Promise<T> => {
    try {
      return what() as T;
    } catch (thrown) {
      throw new Refusal(problemOf(thrown));
    }
  };
  const bytes = async (what: () => unknown): Promise<ArrayBuffer> => {
    const body = await answer<Uint8Array>(what);
    return body.slice().buffer as ArrayBuffer;
  };
  return {
    overview: () => answer(() => world.overview()),
    runs: (pipeline, limit) => answer(() => world.runs(pipeline, limit)),
    run: (run) => answer(() => world.run(run)),
    log: (run, from, limit, level) => answer(() => world.log(run, from, limit, level)),
    table: (table) => answer(() => world.table(table)),
    page: (ask) => bytes(() => world.page(ask)),
    quarantine: (ask) => bytes(() => world.quarantine(ask)),
    startRun: (ask) => answer(() => world.startRun(ask)),
    cancelRun: (requestId, run) => answer(() => world.cancelRun(requestId, run)),
    watch: (heard) => answer(() => world.watch(heard)),
    reconnect: () => answer(() => undefined),
  };
}
