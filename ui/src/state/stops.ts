// Moving with J and K: the focus goes from stop to stop in the order of the page.

/** Focuses the stop `step` places further; the first or last when none has the focus. */
export function moveStop(root: HTMLElement | undefined, step: 1 | -1): void {
  const stops = [...(root?.querySelectorAll<HTMLElement>('[data-stop]') ?? [])];
  const at = stops.findIndex((stop) => stop === document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : stops.length - 1) : Math.min(stops.length - 1, Math.max(0, at + step));
  stops[next]?.focus();
  stops[next]?.scrollIntoView({ block: 'nearest' });
}
