/**
 * The outbox: what was typed in this browser and not acknowledged by the server.
 *
 * Invariant: a message leaves it when it is committed or a person discards it, and is sent when the
 * one before has its answer, so order holds. Any tab sends: `client_id` makes that harmless.
 */
import { pause, uuid } from "./store.js";

/** @import { Entry, Outbox, OutboxEvents, Request, Store, SwitchboardError } from "../types.js" */

/** @type {(store: Store, request: Request, on: OutboxEvents) => Outbox} */
export const makeOutbox = (store, request, on) => {
  /** @type {SwitchboardError | null} */
  let held = null;
  let busy = false;
  /** On a server's disk, not yet in the log: not sent again on this connection, nor forgotten. */
  const journaled = new Set();
  const keys = () => store.keys("out:");
  const keyOf = (/** @type {string} */ client_id) => keys().find((key) => key.endsWith(client_id));
  const next = () => outbox.entries.find(({ failed, client_id }) => !failed && !journaled.has(client_id));

  const put = (/** @type {string} */ key, /** @type {Entry | undefined} */ entry) => {
    store.set(key, entry);
    on.changed();
  };

  const send = async (/** @type {Entry} */ { client_id, conversation_id, content, metadata }, /** @type {string} */ to) => {
    if (!conversation_id) outbox.change(client_id, { conversation_id: (conversation_id = to) });
    const sent = { conversation_id, client_id, content, metadata };
    const { id, seq, created_at } = await request("message.send", sent);
    if (!id || !seq) return void journaled.add(client_id);
    // The connection that sent gets no notification: the message is made from what was sent.
    const rest = { agent_name: null, author: null, citations: [], attachments: [] };
    on.committed({ id, seq, role: "user", created_at, ...sent, ...rest });
    outbox.remove(client_id);
  };

  /** @type {Outbox} */
  const outbox = {
    get entries() {
      return keys().map((key) => store.get(key)).filter(Boolean);
    },
    get held() {
      return held;
    },
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
          held = null;
        } catch (thrown) {
          const error = /** @type {SwitchboardError} */ (thrown);
          const { kind, message, data } = error;
          if (kind === "disconnected") break;
          // A server that keeps failing inside fails because of this message.
          if (/unavailable|rate_limited|timeout/.test(kind) || (kind === "internal" && tries < 4)) {
            held = error;
            on.changed();
            await pause((data.retry_after_ms ?? 500) + Math.random() * Math.min(15_000, 500 * 2 ** tries++));
          } else if (on.refused(error)) {
            held = null;
            outbox.change(entry.client_id, { failed: { kind, message } });
          }
        }
      }
      busy = false;
    },
  };
  return outbox;
};
