// Keys that work here: rooms add theirs while they are shown, the newest wins.

import { untrack } from 'svelte';

export interface Key {
  /** As pressed: `j`, `ctrl+.`, `R` with shift. Empty for what the focused control does by itself. */
  press: string[];
  /** As shown: `J K`. Without one the key is not listed. */
  shown?: string;
  word: string;
  /** Shown in the status line, not only in the overlay. */
  line?: boolean;
  act: () => void;
}

class Keys {
  sets = $state.raw<Key[][]>([]);

  /** All that work now, the nearest first; a key of the same name further away is hidden by it. */
  get all(): Key[] {
    const names = new Set<string>();
    return this.sets.toReversed().flat().filter((key) => {
      const name = key.shown ?? key.press.join(' ');
      return !names.has(name) && names.add(name);
    });
  }

  /** Adds keys until the returned function is called. */
  add(keys: Key[]): () => void {
    // Whoever adds keys in an effect does not depend on the keys of others.
    this.sets = [...untrack(() => this.sets), keys];
    return () => {
      this.sets = untrack(() => this.sets).filter((set) => set !== keys);
    };
  }

  /** Acts on a key press and says whether one was meant. Typing in a field is never a key, except Escape. */
  press(event: KeyboardEvent): boolean {
    if (event.defaultPrevented || event.altKey || event.metaKey) return false;
    const name = event.ctrlKey ? `ctrl+${event.key.toLowerCase()}` : event.key;
    if (isTyping(event.target) && name !== 'Escape') return false;
    if ((name === 'Enter' || name === ' ') && isControl(event.target)) return false;
    const key = this.all.find((candidate) => candidate.press.includes(name));
    if (!key) return false;
    event.preventDefault();
    key.act();
    return true;
  }
}

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.matches('input:not([type=checkbox]):not([type=radio]), textarea, select');

const isControl = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && target.closest('button, a, summary, input, [role=tab]') !== null;

export const keys = new Keys();
