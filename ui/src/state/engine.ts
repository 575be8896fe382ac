// The engine that this page asks; set once before anything is mounted.
import type { Engine } from '../ipc';

let current: Engine | undefined;

export function useEngine(engine: Engine): void {
  current = engine;
}

export function engine(): Engine {
  if (!current) throw new Error('no engine is set');
  return current;
}
