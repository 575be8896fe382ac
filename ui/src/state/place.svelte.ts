// Where the operator is, and the way back.

export type Place =
  | { room: 'pipelines' }
  | { room: 'runs'; pipeline?: string }
  | { room: 'run'; run: string }
  | { room: 'data'; table?: string; tab?: TableTab; version?: number };

export type TableTab = 'rows' | 'schema' | 'versions' | 'partitions' | 'quarantine';

/** Steps back that are kept. */
const DEPTH = 50;

class Places {
  now = $state.raw<Place>({ room: 'pipelines' });
  #before: Place[] = [];

  go(place: Place): void {
    this.#before = [...this.#before, this.now].slice(-DEPTH);
    this.now = place;
  }

  /** Changes the place without a step back to it: a tab, a version. */
  replace(place: Place): void {
    this.now = place;
  }

  back(): void {
    const last = this.#before.pop();
    if (last) this.now = last;
  }
}

export const places = new Places();
