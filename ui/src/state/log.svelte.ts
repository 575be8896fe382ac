// The log of one run: pages of lines by level, the newest again whenever the run writes.
import { problemOf, type LogLine, type Problem } from '../ipc';
import { engine } from './engine';
import { live } from './live.svelte';

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type Level = (typeof LEVELS)[number];

const PAGE = 500;
const HELD = 24;
/** Shortest time between two asks for new lines, in milliseconds. */
const GAP = 250;

export class Log {
  matching = $state(0);
  hidden = $state(0);
  dropped = $state(0);
  torn = $state(0);
  /** Moves when lines arrive. */
  arrived = $state(0);
  problem = $state.raw<Problem | undefined>();
  readonly #run: string;
  readonly level: Level;
  readonly #held = new Map<number, LogLine[]>();
  readonly #asked = new Map<number, Promise<void>>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stale = false;

  constructor(run: string, level: Level) {
    this.#run = run;
    this.level = level;
  }

  /** Asks for the first lines, and for new ones while the run writes, until the returned function is called. */
  attach(): () => void {
    void this.#load(0).then(() => this.#tail());
    const deaf = live.on((events) => {
      const mine = (event: (typeof events)[number]): boolean =>
        (event.event === 'log' && event.run === this.#run) || (event.event === 'run' && event.run.id === this.#run);
      if (events.length === 0 || events.some(mine)) this.#refresh();
    });
    return () => {
      deaf();
      clearTimeout(this.#timer);
    };
  }

  line(at: number): LogLine | undefined {
    return this.#held.get(Math.floor(at / PAGE))?.[at % PAGE];
  }

  need(first: number, last: number): void {
    const end = Math.min(last, this.matching - 1);
    for (let at = Math.floor(Math.max(0, first) / PAGE); at <= Math.floor(Math.max(0, end) / PAGE); at += 1) {
      if (!this.#held.has(at)) void this.#load(at);
    }
  }

  /** The first error after `from`, beginning again at the top; absent when there is none. */
  async nextError(from: number): Promise<number | undefined> {
    for (let step = 1; step <= this.matching; step += 1) {
      const at = (from + step + this.matching) % this.matching;
      if (this.line(at) === undefined) await this.#load(Math.floor(at / PAGE));
      if (this.line(at)?.level === 'error') return at;
    }
    return undefined;
  }

  #refresh(): void {
    this.#stale = true;
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#stale) void this.#tail().then(() => this.#stale && this.#refresh());
    }, GAP);
  }

  /** The page that new lines go to. */
  async #tail(): Promise<void> {
    this.#stale = false;
    await this.#load(Math.floor(Math.max(0, this.matching) / PAGE));
  }

  #load(at: number): Promise<void> {
    const going = this.#asked.get(at);
    if (going) return going;
    const asked = this.#fetch(at).finally(() => this.#asked.delete(at));
    this.#asked.set(at, asked);
    return asked;
  }

  async #fetch(at: number): Promise<void> {
    try {
      const page = await engine().log(this.#run, at * PAGE, PAGE, this.level);
      // Lines that were dropped from the middle move all after them.
      if (page.dropped !== this.dropped) this.#held.clear();
      this.#held.set(Math.floor(page.from / PAGE), page.lines);
      while (this.#held.size > HELD) this.#held.delete(this.#held.keys().next().value as number);
      [this.matching, this.hidden, this.dropped, this.torn] = [page.matching, page.hidden, page.dropped, page.torn ?? 0];
      this.problem = undefined;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
    this.arrived += 1;
  }
}
