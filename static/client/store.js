/**
 * What the tabs of a browser share: JSON values in localStorage, and one lock.
 *
 * Invariant: no two tabs change the same key at a time, for browsers do not make that atomic: what
 * several tabs add to has a key an item, the rest changes under the lock.
 */

/** Where localStorage refuses (privacy mode, sandbox, full), this tab goes on alone, in memory. @type {(prefix: string) => import("../types.js").Store} */
export const openStore = (prefix) => {
  const memory = new Map();
  /** @type {import("../types.js").Store} */
  const store = {
    get: (key) => JSON.parse(memory.get(prefix + key) ?? disk((it) => it.getItem(prefix + key)) ?? "null"),
    set(key, value) {
      key = prefix + key;
      const text = JSON.stringify(value);
      memory.delete(key);
      if (!text) disk((it) => it.removeItem(key));
      else if (!disk((it) => it.setItem(key, text) ?? true)) memory.set(key, text);
    },
    keys(start) {
      const names = [...memory.keys(), ...(disk(Object.keys) ?? [])];
      const ours = names.filter((name) => name.startsWith(prefix + start));
      return ours.map((name) => name.slice(prefix.length)).sort();
    },
    watch: (listener) => addEventListener("storage", ({ key }) => key?.startsWith(prefix) && listener(key.slice(prefix.length))),
    async exclusive(work) {
      if (navigator.locks && disk((it) => it)) return navigator.locks.request(prefix, work);
      // Plain http has no locks, but a lease: the last one written is what all tabs see.
      const me = uuid();
      do {
        while (store.get("lease")?.until > Date.now()) await pause(50);
        store.set("lease", { me, until: Date.now() + 25_000 });
        await pause(60);
      } while (store.get("lease")?.me !== me);
      return work().finally(() => store.set("lease"));
    },
  };
  return store;
};

/** @template T @param {(storage: Storage) => T} use */
function disk(use) {
  try {
    return use(localStorage);
  } catch {
    return undefined;
  }
}

/** @param {number} ms */
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** As `crypto.randomUUID`, which plain http does not have. */
export const uuid = () =>
  "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
    (+digit ^ (crypto.getRandomValues(new Uint8Array(1))[0] & (15 >> (+digit / 4)))).toString(16),
  );
