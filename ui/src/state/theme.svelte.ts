// Light, dark, or as the system says; remembered on this machine.

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];
const KEY = 'assay.theme';

class Look {
  theme = $state<Theme>('system');

  /** Takes the remembered theme. Storage may be refused; the system's theme holds then. */
  load(): void {
    try {
      const kept = localStorage.getItem(KEY);
      this.set(THEMES.find((theme) => theme === kept) ?? 'system');
    } catch {
      this.set('system');
    }
  }

  next(): void {
    this.set(THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? 'system');
  }

  set(theme: Theme): void {
    this.theme = theme;
    const root = document.documentElement;
    if (theme === 'system') delete root.dataset.theme;
    else root.dataset.theme = theme;
    try {
      localStorage.setItem(KEY, theme);
    } catch {
      // A window without storage keeps the theme until it closes.
    }
  }
}

export const look = new Look();
