// Locks `Object.prototype` before any other code runs.
//
// A plain freeze would also forbid `derived.toString = …`, which libraries do; each inherited method
// becomes an accessor instead, whose setter defines an own property on whatever object was assigned to.

const root: object = Object.prototype;

function lock(name: PropertyKey, inherited: unknown): void {
  Object.defineProperty(root, name, {
    configurable: false,
    enumerable: false,
    get() {
      return inherited;
    },
    set(this: unknown, value: unknown) {
      if (this === root) throw new TypeError(`Object.prototype.${String(name)} cannot be replaced`);
      if (this === null || (typeof this !== 'object' && typeof this !== 'function')) return;
      Object.defineProperty(this, name, { value, configurable: true, enumerable: true, writable: true });
    },
  });
}

export function lockObjectPrototype(): void {
  for (const [name, found] of Object.entries(Object.getOwnPropertyDescriptors(root))) {
    if (found.configurable && 'value' in found) lock(name, found.value);
  }
  Object.preventExtensions(root);
}
