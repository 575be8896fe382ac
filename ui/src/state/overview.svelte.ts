// The overview, shared by the pipelines, the tree of tables, the rail and the status line.
import type { Event, Overview } from '../ipc';
import { engine } from './engine';
import { Query } from './query.svelte';

const concerns = (event: Event): boolean => event.event !== 'log';

/** It opens every table, so it is asked for once a second at most. */
export const overview = new Query<Overview>(() => engine().overview(), concerns, 1000);
