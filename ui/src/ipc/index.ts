// The page's one door to the engine.
export type * from './bindings';
export { Refusal, problemOf, type Engine } from './engine';
