// Times as words. All of them are UTC, and the status line says so.

const MONTHS = [
  'January', 'February', 'March', 'April', 'May', 'June',
  'July', 'August', 'September', 'October', 'November', 'December',
];
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const two = (value: number): string => String(value).padStart(2, '0');

/** `18 November 2026`, from an ISO date or time. Text that is no date comes back as it is. */
export function day(iso: string): string {
  const found = /^(\d{4})-(\d{2})-(\d{2})/.exec(iso);
  const month = MONTHS[Number(found?.[2]) - 1];
  return found && month ? `${Number(found[3])} ${month} ${found[1]}` : iso;
}

/** `18 Nov`. */
export function shortDay(iso: string): string {
  const [number, month] = day(iso).split(' ');
  return month ? `${number} ${month.slice(0, 3)}` : iso;
}

/** `02:51:08`. */
export function clock(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : at.toISOString().slice(11, 19);
}

/** `02:51` today, `18 Nov 14:06` before. */
export function moment(iso: string, now: number): string {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return iso;
  const text = at.toISOString();
  const today = text.slice(0, 10) === new Date(now).toISOString().slice(0, 10);
  return today ? text.slice(11, 16) : `${shortDay(text)} ${text.slice(11, 16)}`;
}

/** `2026-11-18 02:51:08 UTC`: the exact time behind a short one. */
export function full(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : `${at.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** Age in one unit: `15m`, `3h`, `1d`. A time to come is `0s`, since clocks differ. */
export function age(iso: string, now: number): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(iso)) / 1000));
  if (Number.isNaN(seconds)) return '';
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** A duration in milliseconds: `420 ms`, `4.2s`, `4s`, `43s`, `6m 36s`, `2h 05m`. */
export function took(milliseconds: number): string {
  const all = Math.max(0, milliseconds);
  if (all < 1000) return `${Math.round(all)} ms`;
  if (all < 9950) return `${(all / 1000).toFixed(1).replace('.0', '')}s`;
  const seconds = Math.round(all / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${two(seconds % 60)}s`;
  return `${Math.floor(seconds / 3600)}h ${two(Math.floor((seconds % 3600) / 60))}m`;
}

/** Milliseconds between two times; until `now` when the second is absent. */
export function between(from: string, to: string | null, now: number): number {
  return (to === null ? now : Date.parse(to)) - Date.parse(from);
}

/** `Fri 20 Nov 2026, 03:12:40 UTC`. */
export function status(now: number): string {
  const at = new Date(now);
  const text = at.toISOString();
  return `${DAYS[at.getUTCDay()]} ${shortDay(text)} ${text.slice(0, 4)}, ${text.slice(11, 19)} UTC`;
}
