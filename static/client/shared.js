/**
 * What the tabs of a browser share: a store, a lock, and the outbox of what was not acknowledged.
 *
 * Invariants: what several tabs add to has a key an item, the rest changes under the lock. A message
 * leaves the outbox when it is committed or discarded, and is sent when the one before has its
 * answer. Any tab sends: `client_id` makes that harmless.
 */

/** @type {(prefix: string) => Desk.Store} */
export const openStore = (prefix) => {
  /** Where localStorage refuses (privacy mode, sandbox, full), this tab goes on alone. */
  const memory = new Map();
  return {
    get: (key) => JSON.parse(memory.get(prefix + key) ?? disk((it) => it.getItem(prefix + key)) ?? "null"),
    set(key, value) {
      key = prefix + key;
      const text = JSON.stringify(value);
      memory.delete(key);
      if (!text) disk((it) => it.removeItem(key));
      else if (!disk((it) => it.setItem(key, text) ?? true)) memory.set(key, text);
    },
    keys(start) {
      const all = [...memory.keys(), ...(disk(Object.keys) ?? [])];
      const ours = all.filter((key) => key.startsWith(prefix + start));
      return ours.map((key) => key.slice(prefix.length)).sort();
    },
    watch: (listener) => addEventListener("storage", ({ key }) => key?.startsWith(prefix) && listener(key.slice(prefix.length))),
    // Plain http has no locks: there, tabs that open at once end as one by following the last.
    exclusive: async (work) => (navigator.locks && disk((it) => it) ? navigator.locks.request(prefix, work) : work()),
  };
};

/** @type {Desk.Disk} */
const disk = (use) => {
  try {
    return use(localStorage);
  } catch {
    return undefined;
  }
};

/** Plain http has no `crypto.randomUUID`; but the address of a blob ends in a UUID. */
const uuid = () => URL.createObjectURL(new Blob()).slice(-36);

/** @type {Desk.MakeOutbox} */
export const makeOutbox = (store, request, on) => {
  let busy = false;
  /** In a server's journal: not sent again on this connection, nor forgotten. */
  const journaled = new Set();
  const keys = () => store.keys("out:");
  const keyOf = (client_id = "") => keys().find((key) => key.endsWith(client_id));
  const next = () => outbox.entries.find(({ failed, client_id }) => !failed && !journaled.has(client_id));

  const put = (/** @type {string} */ key, /** @type {Desk.Entry | undefined} */ entry) => {
    store.set(key, entry);
    on.changed();
  };

  const send = async (/** @type {Desk.Entry} */ { client_id, conversation_id, content, metadata }, to = "") => {
    if (!conversation_id) outbox.change(client_id, { conversation_id: (conversation_id = to) });
    const sent = { conversation_id, client_id, content, metadata };
    const { id, seq, created_at } = await request("message.send", sent);
    if (!id || !seq) {
      journaled.add(client_id);
      return outbox.change(client_id, { journaled: true });
    }
    // Who sent is told no more than this.
    const rest = { agent_name: null, author: null, citations: [], attachments: [] };
    on.committed({ id, seq, role: "user", created_at, ...sent, ...rest });
    outbox.remove(client_id);
  };

  /** @type {Desk.Outbox} */
  const outbox = {
    get entries() {
      return keys().map((key) => store.get(key)).filter(Boolean);
    },
    held: null,
    add(content, metadata) {
      const entry = { client_id: uuid(), conversation_id: on.conversation() ?? null, content, metadata };
      // After the last one, also when the clock has stepped back.
      const order = Math.max(Date.now(), 1 + Number(keys().at(-1)?.split(":")[1] ?? 0));
      put(`out:${order}:${entry.client_id}`, entry);
      outbox.flush();
      return entry;
    },
    remove(client_id) {
      const key = client_id && keyOf(client_id);
      if (key) put(key, undefined);
    },
    change(client_id, change) {
      const key = keyOf(client_id);
      if (key) put(key, { ...store.get(key), ...change });
    },
    opened() {
      journaled.clear();
      outbox.flush();
    },
    async flush() {
      if (busy) return;
      busy = true;
      let tries = 0;
      for (let to, entry; (to = on.conversation()) && (entry = next()); ) {
        try {
          await send(entry, to);
          tries = 0;
          outbox.held = null;
        } catch (error) {
          const { kind, message, data } = error;
          if (kind === "disconnected") break;
          // What keeps failing inside fails because of this message.
          if (/unavailable|rate_limited|timeout/.test(kind) || (kind === "internal" && tries < 4)) {
            outbox.held = error;
            on.changed();
            const ms = (data.retry_after_ms ?? 500) + Math.random() * Math.min(15_000, 500 * 2 ** tries++);
            await new Promise((done) => setTimeout(done, ms));
          } else if (on.refused(error)) {
            tries = 0;
            outbox.held = null;
            outbox.change(entry.client_id, { failed: { kind, message } });
          }
        }
      }
      busy = false;
    },
  };
  return outbox;
};
