// The status table: one word and one shape each.
import type { Status } from '../ipc';

export const STATUS_WORDS: Record<Status, string> = {
  queued: 'Queued',
  running: 'Running',
  succeeded: 'Succeeded',
  flagged: 'Flagged',
  failed: 'Failed',
  cancelled: 'Cancelled',
  skipped: 'Skipped',
};
