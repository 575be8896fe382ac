// What jsdom lacks and components use; and an empty page after each test.
import { cleanup } from '@testing-library/svelte';
import { configure } from '@testing-library/dom';
import { afterEach } from 'vitest';

globalThis.ResizeObserver ??= class {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
};
Element.prototype.scrollIntoView ??= () => {};
// jsdom lays nothing out; with these every element is as large as a pane.
Object.defineProperty(HTMLElement.prototype, 'clientWidth', { configurable: true, get: () => 1200 });
Object.defineProperty(HTMLElement.prototype, 'clientHeight', { configurable: true, get: () => 640 });

// A machine that does other work besides is slow, not wrong.
configure({ asyncUtilTimeout: 20_000, getElementError: (message) => new Error((message ?? '').split('\n')[0]) });
afterEach(cleanup);
