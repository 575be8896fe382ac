// Locked prototypes: pollution is refused, libraries that override inherited methods still work.
import { expect, it } from 'vitest';
import { lockObjectPrototype } from '../src/safe-freeze';

it('locks Object.prototype and leaves derived objects alone', () => {
  lockObjectPrototype();
  const root = Object.prototype as unknown as Partial<Record<string, unknown>>;
  expect(() => (root.polluted = 1)).toThrow(TypeError);
  expect(() => (root.toString = () => 'x')).toThrow(TypeError);
  expect(() => delete (root as Record<string, unknown>)['hasOwnProperty']).toThrow(TypeError);
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();

  function Colour(this: object): void {}
  Colour.prototype.toString = () => 'red';
  expect(String(new (Colour as unknown as new () => object)())).toBe('red');
  const plain: object = {};
  Object.assign(plain, { constructor: 'own' });
  expect(Object.keys(plain)).toEqual(['constructor']);
  expect({}.toString()).toBe('[object Object]');
});
