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
  let markTimer = 0;

  const url = new URL("ws", new URL(server, location.href));
  // Each person at this browser has a store.
  const { user } = who;
  const person = user ? `${user.hash ? "verified" : "claimed"} ${user.external_id}` : "";
  const store = openStore(`switchboard:${url.host}${url.pathname}:${workspace}:${person}:`);
  url.protocol = url.protocol.replace("http", "ws");

  const id = () => desk.conversation?.conversation_id;
  const here = () => ({ conversation_id: id() ?? "" });

  const link = makeLink(url.href, store, { workspace, ...who }, {
    position: (conversation_id) => (conversation_id === id() ? log.position() : undefined),
    opened(opened) {
      const read = log.opened(opened);
      if (read) desk.markRead(read);
      outbox.opened();
    },
    released: () => desk.pending.forEach(({ client_id }) => outbox.change(client_id, { conversation_id: null })),
    notified(method, params) {
      const { client_id, error } = params;
      if (method === "message.rejected") outbox.change(client_id, { failed: { kind: error.data.kind, message: error.message } });
      else log.notified(method, params);
    },
    state: () => emit("state", null),
  });

  const outbox = makeOutbox(store, link.request, {
    conversation: () => (link.state === "online" ? id() : undefined),
    changed: () => emit("outbox", null),
    committed: (message) => log.append(message),
    refused({ kind, data }) {
      if (kind === "unauthenticated") link.drop(4006);
      // The conversation was closed: the conflict carries its State.
      if (data.current?.version) log.take(data.current);
      return kind !== "unauthenticated";
    },
  });

  const events = new EventTarget();
  /** @type {Desk.Emit} */
  const emit = (type, detail) => events.dispatchEvent(new CustomEvent(type, { detail }));

  const typist = makeTypist((on) => id() && link.typing({ ...here(), on }));

  const leave = () => {
    link.stop();
    log.leave();
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
      typist.stop();
      link.start();
      return outbox.add(content, metadata);
    },
    retry(client_id) {
      const entry = desk.pending.find((entry) => entry.client_id === client_id);
      outbox.remove(client_id);
      if (entry) desk.send(entry.content, entry.metadata);
    },
    discard: outbox.remove,
    loadOlder: () => log.loadOlder(),
    markRead(seq = log.head()) {
      if (!id() || seq <= desk.read.user) return;
      emit("read", (desk.read = { ...desk.read, user: seq }));
      markTimer ||= setTimeout(() => {
        markTimer = 0;
        // Should this one be lost, the next open repeats it.
        link.request("message.read", { ...here(), seq: desk.read.user }).catch(() => {});
      }, 1000);
    },
    typing: typist.typed,
    startNew: link.renew,
    close: async () => log.take((await link.request("conversation.close", here())).conversation),
    rate: async (score, comment) => log.take((await link.request("conversation.rate", { ...here(), score, comment })).conversation),
    requestPerson: (why) => link.request("escalation.request", { ...here(), ...why }),
    cancelTurn: () => link.request("turn.cancel", here()),
    request: link.request,
  };
  const log = keepLog(desk, emit, link, (client_id) => outbox.remove(client_id));
  return desk;
};

/**
 * Tells that somebody types, seldom, and when they have stopped.
 * @type {Desk.MakeTypist}
 */
export const makeTypist = (tell) => {
  let toldAt = 0;
  let timer = 0;
  const stop = () => {
    if (toldAt) tell(false);
    toldAt = 0;
  };
  return {
    stop,
    typed() {
      clearTimeout(timer);
      timer = setTimeout(stop, 4000);
      const now = performance.now();
      if (toldAt && now - toldAt < 3000) return;
      toldAt = now;
      tell(true);
    },
  };
};

/**
 * Keeps whole what is held of one conversation: its log, its State, and the answer that streams in.
 * @type {Desk.KeepLog}
 */
export const keepLog = (held, emit, link, committed) => {
  /** Where the log stood; null when no position is worth anything. @type {Desk.Position | null} */
  let page = null;
  /** The largest `seq` heard of. */
  let heard = 0;
  let catchingUp = false;
  let loading = false;

  const id = () => held.conversation?.conversation_id;
  const head = () => held.messages.at(-1)?.seq ?? page?.seq ?? 0;

  /** Of two States the larger (epoch, version) wins. @param {Desk.State} state */
  const take = (state) => {
    const now = held.conversation;
    if (now && (state.epoch < now.epoch || (state.epoch === now.epoch && state.version <= now.version))) return;
    held.conversation = state;
    emit("conversation", state);
  };

  const turn = (messages = held.messages, position = page, hasMore = false) => {
    Object.assign(held, { messages, hasMore });
    page = position;
    heard = 0;
    emit("reset", null);
  };

  const stream = (now = held.stream) => {
    held.stream = now;
    emit("stream", now);
  };

  /** @param {Desk.Message} message */
  const append = (message) => {
    const { seq, role, client_id, conversation_id } = message;
    // From before a move to another conversation.
    if (conversation_id !== id()) return;
    if (seq > head() + 1) return void hear(seq);
    committed(client_id);
    if (seq <= head()) return;
    held.messages.push(message);
    // What was streamed has become it.
    if (role === "assistant") stream(null);
    emit("message", message);
  };

  /** @param {{message_id: string, offset: number, text: string}} delta */
  const delta = ({ message_id, offset, text }) => {
    const had = held.stream?.message_id === message_id ? held.stream.text : "";
    // Offsets count characters, not UTF-16 units.
    if (offset && offset !== [...had].length) return;
    if (!held.messages.some(({ id }) => id === message_id)) stream({ message_id, text: offset ? had + text : text });
  };

  /** The log reaches to `seq` at least. */
  const hear = async (seq = 0) => {
    heard = Math.max(heard, seq);
    if (catchingUp) return;
    catchingUp = true;
    try {
      for (let after_seq; heard > (after_seq = head()); ) {
        const { messages } = await link.request("message.list", { conversation_id: id() ?? "", after_seq, limit: 200 });
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

  return {
    head,
    take,
    append,
    position: () => (page ? { ...page, seq: head() } : undefined),
    leave() {
      held.conversation = null;
      turn([], null);
    },
    opened({ conversation, position, recovered, messages, has_more, read, streaming, greeting }) {
      // Null for people and services only.
      if (!conversation || !position || !read) return;
      const same = id() === conversation.conversation_id;
      const { user } = held.read;
      Object.assign(held, { read, greeting });
      // A page is the last word, also of a restored database.
      if (!same || !recovered) held.conversation = null;
      take(conversation);
      if (same && recovered) messages.forEach(append);
      else {
        turn(messages, position, has_more);
        messages.forEach(({ client_id }) => committed(client_id));
      }
      stream(streaming);
      emit("read", read);
      hear(position.seq);
      // Read while nobody could be told.
      return same ? Math.min(user, head()) : 0;
    },
    notified(method, params) {
      const { message, conversation, message_id, user, staff, conversation_id = conversation?.conversation_id } = params;
      if (conversation_id && conversation_id !== id()) return;
      if (method === "message.created") append(message);
      else if (method === "message.delta") delta(params);
      else if (method === "message.withdrawn") held.stream?.message_id === message_id && stream(null);
      else if (method === "conversation.updated") take(conversation);
      else if (method === "read.updated") emit("read", (held.read = { user: Math.max(user, held.read.user), staff }));
      else if (method === "typing") emit("typing", params);
      else if (method === "workflow.step") emit("step", params);
    },
    async loadOlder() {
      const [first] = held.messages;
      if (loading || !held.hasMore || !first) return;
      loading = true;
      try {
        const { conversation_id, seq } = first;
        const { messages, has_more } = await link.request("message.list", { conversation_id, before_seq: seq, limit: 50 });
        if (held.messages[0] === first) {
          held.messages.unshift(...messages);
          held.hasMore = has_more;
          emit("older", null);
        }
      } catch (error) {
        lost(error.kind);
      }
      loading = false;
    },
  };
};
