// Events of the engine: heard once, handed to whoever listens; and whether the engine is there at all.
import { problemOf, type Event, type Problem } from '../ipc';
import { engine } from './engine';

type Listener = (events: Event[]) => void;

class Live {
  /** Why the engine is gone; absent while it is there. */
  lost = $state<string | null>(null);
  reconnecting = $state(false);
  readonly #listeners = new Set<Listener>();

  /** Begins to listen. */
  async start(): Promise<void> {
    await this.#attempt(() => engine().watch((events) => this.hear(events)));
  }

  /** Starts the engine again; everything shown is asked anew afterwards. */
  async reconnect(): Promise<void> {
    if (this.reconnecting) return;
    this.reconnecting = true;
    await this.#attempt(() => engine().reconnect());
    this.reconnecting = false;
    if (this.lost === null) this.hear([]);
  }

  /** Hears events until the returned function is called. An empty batch means: everything may have changed. */
  on(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  hear(events: Event[]): void {
    for (const event of events) if (event.event === 'lost') this.lost = event.reason;
    for (const listener of this.#listeners) listener(events);
  }

  async #attempt(what: () => Promise<void>): Promise<void> {
    try {
      await what();
      this.lost = null;
    } catch (thrown) {
      this.lost = words(problemOf(thrown));
    }
  }
}

const words = (problem: Problem): string => [problem.message, ...problem.causes, problem.advice ?? ''].join(' ').trim();

export const live = new Live();
