// An answer that goes stale: asked when it is shown, and again when an event concerns it.
import { problemOf, type Event, type Problem } from '../ipc';
import { live } from './live.svelte';

/** Shortest time between two asks of one query, in milliseconds, unless it says otherwise. */
const GAP = 300;

export class Query<T> {
  /** The newest answer; kept while the next one is on its way. */
  value = $state.raw<T | undefined>();
  /** Why the last ask failed; absent after one that did not. */
  problem = $state.raw<Problem | undefined>();
  readonly #ask: () => Promise<T>;
  readonly #concerns: (event: Event) => boolean;
  readonly #gap: number;
  #attached = false;
  #asking = false;
  #stale = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(ask: () => Promise<T>, concerns: (event: Event) => boolean, gap = GAP) {
    this.#ask = ask;
    this.#concerns = concerns;
    this.#gap = gap;
  }

  /** Asks now and whenever it goes stale, until the returned function is called. */
  attach(): () => void {
    this.#attached = true;
    const deaf = live.on((events) => {
      if (events.length === 0 || events.some(this.#concerns)) this.refresh();
    });
    this.refresh();
    return () => {
      this.#attached = false;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      deaf();
    };
  }

  /** Asks again; while an ask is going on, once more after it. */
  refresh(): void {
    if (this.#asking || this.#timer !== undefined) this.#stale = true;
    else void this.#run();
  }

  async #run(): Promise<void> {
    this.#asking = true;
    this.#stale = false;
    try {
      const value = await this.#ask();
      if (this.#attached) [this.value, this.problem] = [value, undefined];
    } catch (thrown) {
      if (this.#attached) this.problem = problemOf(thrown);
    }
    this.#asking = false;
    if (!this.#attached) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#stale && this.#attached) void this.#run();
    }, this.#gap);
  }
}
