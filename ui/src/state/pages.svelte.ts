// Rows of one table, version and filter: pages are fetched when they are needed and forgotten when many are held.
import { decode, type Page } from '../format/arrow';
import { problemOf, type Problem } from '../ipc';

/** Rows of a page. */
export const PAGE = 500;
/** Pages held; the least recently needed goes first. */
const HELD = 24;

export type PageFetch = (offset: number, limit: number) => Promise<ArrayBuffer>;

export class Pages {
  /** Rows that match; `null` until the first page is there. */
  total = $state<number | null>(null);
  /** Columns in the order of the first page. */
  columns = $state.raw<{ name: string; right: boolean; longest: number }[]>([]);
  problem = $state.raw<Problem | undefined>();
  /** Milliseconds until the first page was there. */
  firstTook = $state<number | null>(null);
  /** Moves when a page arrives, so that whoever read a cell reads again. */
  arrived = $state(0);
  readonly #fetch: PageFetch;
  readonly #held = new Map<number, Page>();
  readonly #asked = new Set<number>();

  constructor(fetch: PageFetch) {
    this.#fetch = fetch;
  }

  /** Makes the rows from `first` to `last` come, both inclusive. */
  need(first: number, last: number): void {
    const end = this.total === null ? last : Math.min(last, this.total - 1);
    for (let at = Math.floor(Math.max(0, first) / PAGE); at <= Math.floor(Math.max(0, end) / PAGE); at += 1) {
      const page = this.#held.get(at);
      if (page) {
        this.#held.delete(at);
        this.#held.set(at, page);
      } else if (!this.#asked.has(at)) {
        void this.#load(at);
      }
    }
  }

  /** A cell's text; `null` is a null, `undefined` is not there yet. */
  cell(row: number, column: number): string | null | undefined {
    const page = this.#held.get(Math.floor(row / PAGE));
    const at = row % PAGE;
    return page && at < page.rows ? page.columns[column]?.text(at) : undefined;
  }

  /** A cell by its column's name; the first of several names that exists. */
  named(row: number, ...names: string[]): string | null | undefined {
    const column = this.columns.findIndex((candidate) => names.includes(candidate.name.replace(/^_/, '')));
    return column < 0 ? undefined : this.cell(row, column);
  }

  async #load(at: number): Promise<void> {
    this.#asked.add(at);
    const begun = performance.now();
    try {
      const page = decode(await this.#fetch(at * PAGE, PAGE));
      this.#held.set(at, page);
      while (this.#held.size > HELD) this.#held.delete(this.#held.keys().next().value as number);
      if (this.firstTook === null) {
        this.firstTook = performance.now() - begun;
        this.columns = page.columns.map(({ name, right, text }) => ({ name, right, longest: longest(page.rows, text) }));
      }
      this.total = page.total ?? Math.max(this.total ?? 0, at * PAGE + page.rows);
      this.problem = undefined;
    } catch (thrown) {
      this.problem = problemOf(thrown);
    }
    this.#asked.delete(at);
    this.arrived += 1;
  }
}

/** Characters of the longest of the first values. */
function longest(rows: number, text: (row: number) => string | null): number {
  return Math.max(4, ...Array.from({ length: Math.min(rows, 60) }, (_, row) => text(row)?.length ?? 4));
}
