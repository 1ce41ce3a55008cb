/**
 * Switchboard in the browser: `openDesk({ workspace })`, and what a desk then is and can do: types.d.ts.
 *
 * Invariant: `messages` is dense in `seq` from first to last, whatever arrives in whatever order.
 */
import { makeLink, SwitchboardError } from "./client/link.js";
import { makeOutbox, openStore } from "./client/shared.js";

export { SwitchboardError };

/** In Unicode scalar values. */
export const LONGEST_MESSAGE = 10_000;

/** @type {(options?: Desk.Options) => Desk.Switchboard} */
export const openDesk = ({ server = new URL(".", import.meta.url), workspace = "default", ...who } = {}) => {
  /** Where the log stood; null when no position is worth anything. @type {Desk.Position | null} */
  let page = null;
  /** The largest `seq` heard of. */
  let heard = 0;
  let catchingUp = false;
  let loading = false;
  let markTimer = 0;
  let typedAt = 0;
  let typingTimer = 0;

  const url = new URL("ws", new URL(server, location.href));
  // Each person at this browser has a store.
  const { user } = who;
  const person = user ? `${user.hash ? "verified" : "claimed"} ${user.external_id}` : "";
  const store = openStore(`switchboard:${url.host}${url.pathname}:${workspace}:${person}:`);
  url.protocol = url.protocol.replace("http", "ws");

  const id = () => desk.conversation?.conversation_id;
  const here = () => ({ conversation_id: id() ?? "" });
  const head = () => desk.messages.at(-1)?.seq ?? page?.seq ?? 0;

  const link = makeLink(url.href, store, { workspace, ...who }, {
    position: (conversation_id) => (page && conversation_id === id() ? { ...page, seq: head() } : undefined),
    opened({ conversation, position, recovered, messages, has_more, read, streaming, greeting }) {
      // Null for people and services only.
      if (!conversation || !position || !read) return;
      const same = id() === conversation.conversation_id;
      const { user } = desk.read;
      Object.assign(desk, { read, greeting });
      // A page is the last word, also of a restored database.
      if (!same || !recovered) desk.conversation = null;
      take(conversation);
      if (same && recovered) messages.forEach(append);
      else {
        turn(messages, position, has_more);
        messages.forEach(({ client_id }) => outbox.remove(client_id));
      }
      stream(streaming);
      emit("read", read);
      // Read while nobody could be told.
      if (same) desk.markRead(Math.min(user, head()));
      hear(position.seq);
      outbox.opened();
    },
    released: () => desk.pending.forEach(({ client_id }) => outbox.change(client_id, { conversation_id: null })),
    notified(method, params) {
      const { message, conversation, message_id, client_id, error, user, staff, conversation_id = conversation?.conversation_id } = params;
      if (conversation_id && conversation_id !== id()) return;
      if (method === "message.created") append(message);
      else if (method === "message.delta") delta(params);
      else if (method === "message.withdrawn") desk.stream?.message_id === message_id && stream(null);
      else if (method === "message.rejected") outbox.change(client_id, { failed: { kind: error.data.kind, message: error.message } });
      else if (method === "conversation.updated") take(conversation);
      else if (method === "read.updated") emit("read", (desk.read = { user: Math.max(user, desk.read.user), staff }));
      else if (method === "typing") emit("typing", params);
      else if (method === "workflow.step") emit("step", params);
    },
    state: () => emit("state", null),
  });

  const outbox = makeOutbox(store, link.request, {
    conversation: () => (link.state === "online" ? id() : undefined),
    changed: () => emit("outbox", null),
    committed: (message) => append(message),
    refused({ kind, data }) {
      if (kind === "unauthenticated") link.drop(4006);
      // The conversation was closed: the conflict carries its State.
      if (data.current?.version) take(data.current);
      return kind !== "unauthenticated";
    },
  });

  const events = new EventTarget();
  /** @type {Desk.Emit} */
  const emit = (type, detail) => events.dispatchEvent(new CustomEvent(type, { detail }));

  /** Of two States the larger (epoch, version) wins. @param {Desk.State} state */
  const take = (state) => {
    const now = desk.conversation;
    if (now && (state.epoch < now.epoch || (state.epoch === now.epoch && state.version <= now.version))) return;
    desk.conversation = state;
    emit("conversation", state);
  };

  const turn = (messages = desk.messages, position = page, hasMore = false) => {
    Object.assign(desk, { messages, hasMore });
    page = position;
    heard = 0;
    emit("reset", null);
  };

  const stream = (now = desk.stream) => {
    desk.stream = now;
    emit("stream", now);
  };

  /** @param {Desk.Message} message */
  const append = (message) => {
    const { seq, role, client_id, conversation_id } = message;
    // From before a move to another conversation.
    if (conversation_id !== id()) return;
    if (seq > head() + 1) return void hear(seq);
    outbox.remove(client_id);
    if (seq <= head()) return;
    desk.messages.push(message);
    // What was streamed has become it.
    if (role === "assistant") stream(null);
    emit("message", message);
  };

  /** @param {{message_id: string, offset: number, text: string}} delta */
  const delta = ({ message_id, offset, text }) => {
    const held = desk.stream?.message_id === message_id ? desk.stream.text : "";
    // Offsets count characters, not UTF-16 units.
    if (offset && offset !== [...held].length) return;
    if (!desk.messages.some(({ id }) => id === message_id)) stream({ message_id, text: offset ? held + text : text });
  };

  /** The log reaches to `seq` at least. */
  const hear = async (seq = 0) => {
    heard = Math.max(heard, seq);
    if (catchingUp) return;
    catchingUp = true;
    try {
      for (let after_seq; heard > (after_seq = head()); ) {
        const { messages } = await link.request("message.list", { ...here(), after_seq, limit: 200 });
        messages.forEach(append);
        if (head() === after_seq) throw new Error("no progress");
      }
    } catch (error) {
      // Resuming leads back to a whole log.
      lost(error.kind);
      link.drop();
    }
    catchingUp = false;
  };

  const lost = (kind = "") => {
    if (kind !== "position_lost") return;
    page = null;
    link.drop(4002);
  };

  const typing = (on = false) => {
    const now = performance.now();
    if (!id() || (on ? now - typedAt < 3000 : !typedAt)) return;
    typedAt = on ? now : 0;
    link.typing({ ...here(), on });
  };

  const leave = () => {
    link.stop();
    desk.conversation = null;
    turn([], null);
  };

  store.watch((key) => {
    if (key.startsWith("out:")) {
      emit("outbox", null);
      // Should the tab that it was typed in be gone.
      setTimeout(outbox.flush, 2000 + Math.random() * 2000);
    } else if (key === "visitor") {
      if (!store.get(key)) leave();
      else if (link.state === "idle") emit("known", null);
      else link.follow().catch(() => link.drop());
    }
  });

  /** @type {Desk.Own} */
  const desk = {
    conversation: null,
    messages: [],
    hasMore: false,
    stream: null,
    read: { user: 0, staff: 0 },
    greeting: null,
    get state() {
      return link.state;
    },
    get error() {
      return link.error;
    },
    get pending() {
      return outbox.entries;
    },
    get held() {
      return outbox.held;
    },
    get unread() {
      return desk.messages.filter(({ seq, role }) => seq > desk.read.user && (role === "assistant" || role === "staff")).length;
    },
    get known() {
      return Boolean(store.get("visitor")?.conversation_id || desk.pending.length);
    },
    get draft() {
      return store.get("draft") ?? "";
    },
    set draft(text) {
      store.set("draft", text || undefined);
    },
    on: (type, listener, signal) => events.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail), { signal }),
    connect: link.start,
    disconnect: link.stop,
    forget() {
      for (const key of store.keys("")) store.set(key);
      leave();
    },
    send(content, metadata = null) {
      content = content.replaceAll("\0", "").trim();
      const { length } = [...content];
      if (!length || length > LONGEST_MESSAGE) throw new SwitchboardError("invalid_params", "Empty, or too long.");
      typing(false);
      link.start();
      return outbox.add(content, metadata);
    },
    retry(client_id) {
      const entry = desk.pending.find((entry) => entry.client_id === client_id);
      outbox.remove(client_id);
      if (entry) desk.send(entry.content, entry.metadata);
    },
    discard: outbox.remove,
    async loadOlder() {
      const [first] = desk.messages;
      if (loading || !desk.hasMore || !first) return;
      loading = true;
      try {
        const { conversation_id, seq } = first;
        const { messages, has_more } = await link.request("message.list", { conversation_id, before_seq: seq, limit: 50 });
        if (desk.messages[0] === first) {
          desk.messages.unshift(...messages);
          desk.hasMore = has_more;
          emit("older", null);
        }
      } catch (error) {
        lost(error.kind);
      }
      loading = false;
    },
    markRead(seq = head()) {
      if (!id() || seq <= desk.read.user) return;
      emit("read", (desk.read = { ...desk.read, user: seq }));
      markTimer ||= setTimeout(() => {
        markTimer = 0;
        // Should this one be lost, the next open repeats it.
        link.request("message.read", { ...here(), seq: desk.read.user }).catch(() => {});
      }, 1000);
    },
    typing() {
      clearTimeout(typingTimer);
      typingTimer = setTimeout(typing, 4000);
      typing(true);
    },
    startNew: link.renew,
    close: async () => take((await link.request("conversation.close", here())).conversation),
    rate: async (score, comment) => take((await link.request("conversation.rate", { ...here(), score, comment })).conversation),
    requestPerson: (why) => link.request("escalation.request", { ...here(), ...why }),
    cancelTurn: () => link.request("turn.cancel", here()),
    request: link.request,
  };
  return desk;
};
