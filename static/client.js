/**
 * Switchboard in the browser: one visitor, one conversation, every message once and in order.
 *
 *     const desk = new Switchboard({ workspace: "default" });
 *     desk.addEventListener("message", () => render(desk.messages, desk.pending));
 *     desk.send("Hello");
 *
 * All tabs of a browser share the visitor, the conversation and the outbox, in which a message stays
 * until the server has it on its disk. Events and options are described in types.d.ts.
 */
import { makeLink, SwitchboardError } from "./client/link.js";
import { makeOutbox } from "./client/outbox.js";
import { openStore } from "./client/store.js";

/** @import { Details, Message, Metadata, Methods, Options, Position, Request, SessionOpened, State, Stream } from "./types.js" */

export { SwitchboardError };

/** The most characters a message may have, as Unicode scalar values. */
export const LONGEST_MESSAGE = 10_000;

/** Invariant: `messages` is dense in `seq` from first to last, whatever arrives in whatever order. */
export class Switchboard extends EventTarget {
  /** The log as far as it is held; for reading only. @type {Message[]} */
  messages = [];
  /** Whether `loadOlder` would find more. */
  hasMore = false;
  /** The answer that is being written. @type {Stream} */
  stream = null;
  /** @type {State | null} */
  conversation = null;
  /** Up to which `seq` each side has read. */
  read = { user: 0, staff: 0 };
  /** The preset's words of welcome; not a message. @type {string | null} */
  greeting = null;
  #link;
  #store;
  #outbox;
  /** Where the log stood at the last page; null when no position is worth anything. @type {Position | null} */
  #page = null;
  /** The largest `seq` heard of. */
  #seen = 0;
  #catchingUp = false;
  #loading = false;
  #markTimer = 0;
  #typedAt = 0;
  #typingTimer = 0;

  /** @param {Options} [options] */
  constructor({ server = new URL(".", import.meta.url), workspace = "default", ...who } = {}) {
    super();
    const url = new URL("ws", new URL(server, location.href));
    // One browser may serve several people one after the other: each has a store.
    const { user } = who;
    const person = user ? `${user.hash ? "verified" : "claimed"} ${user.external_id}` : "";
    this.#store = openStore(`switchboard:${url.host}${url.pathname}:${workspace}:${person}:`);
    url.protocol = url.protocol.replace("http", "ws");
    this.#link = makeLink(url.href, this.#store, { workspace, ...who }, {
      position: (id) => (this.#page && id === this.conversation?.conversation_id ? { ...this.#page, seq: this.#head } : undefined),
      opened: (opened) => this.#opened(opened),
      released: () => this.pending.forEach(({ client_id }) => this.#outbox.change(client_id, { conversation_id: null })),
      notified: (method, params) => this.#notified(method, params),
      state: () => this.#emit("state", { state: this.state, error: this.error }),
    });
    this.#outbox = makeOutbox(this.#store, this.request, {
      conversation: () => (this.state === "online" ? this.conversation?.conversation_id : undefined),
      changed: () => this.#emit("outbox", null),
      committed: (message) => this.#append(message),
      refused: ({ kind, data }) => {
        if (kind === "unauthenticated") this.#link.drop(4006);
        // Closed by now: the conflict carries the State.
        if (data.current?.version) this.#take(data.current);
        return kind !== "unauthenticated";
      },
    });
    this.#store.watch((key) => this.#changedElsewhere(key));
  }

  get state() {
    return this.#link.state;
  }

  /** Why the state is `stopped`; `connect` tries again. */
  get error() {
    return this.#link.error;
  }

  /** What is not acknowledged, in the order typed; where it has `failed`, `retry` or `discard` it. */
  get pending() {
    return this.#outbox.entries;
  }

  get held() {
    return this.#outbox.held;
  }

  /** How many of the messages held are answers not read yet. */
  get unread() {
    return this.messages.filter(({ seq, role }) => seq > this.read.user && (role === "assistant" || role === "staff")).length;
  }

  /** Whether this browser has been here before or has something to send: a reason to connect unasked. */
  get known() {
    return Boolean(this.#store.get("visitor")?.conversation_id || this.pending.length);
  }

  /** What was typed and not sent, also after a reload. @returns {string} */
  get draft() {
    return this.#store.get("draft") ?? "";
  }

  set draft(text) {
    this.#store.set("draft", text || undefined);
  }

  /** Connects, and stays connected until `disconnect`. */
  connect() {
    this.#link.start();
  }

  disconnect() {
    this.#link.stop();
  }

  /** Signs out: forgets the visitor, the conversation and what was not sent, in all tabs. */
  forget() {
    for (const key of this.#store.keys("")) this.#store.set(key);
    this.#leave();
  }

  /** Into the outbox, from where it goes by itself. @param {string} content @param {Metadata} [metadata] */
  send(content, metadata = null) {
    content = content.replaceAll("\0", "").trim();
    const { length } = [...content];
    if (!length) throw new SwitchboardError("invalid_params", "A message needs a text.");
    if (length > LONGEST_MESSAGE) throw new SwitchboardError("too_large", "The message is too long.", { limit: LONGEST_MESSAGE });
    this.#typing(false);
    this.connect();
    return this.#outbox.add(content, metadata);
  }

  /** Sends a failed message again, under a new id: nothing was written under the old one. @param {string} client_id */
  retry(client_id) {
    const entry = this.pending.find((entry) => entry.client_id === client_id);
    this.discard(client_id);
    if (entry) this.send(entry.content, entry.metadata);
  }

  /** @param {string} client_id */
  discard(client_id) {
    this.#outbox.remove(client_id);
  }

  /** Fetches the page before the first message held. */
  async loadOlder() {
    const first = this.messages[0];
    if (this.#loading || !this.hasMore || !first) return;
    this.#loading = true;
    try {
      const { conversation_id, seq } = first;
      const { messages, has_more } = await this.request("message.list", { conversation_id, before_seq: seq, limit: 50 });
      if (this.messages[0] !== first) return;
      this.messages.unshift(...messages);
      this.hasMore = has_more;
      this.#emit("older", null);
    } catch (error) {
      this.#lost(error);
    } finally {
      this.#loading = false;
    }
  }

  /** The visitor has seen everything up to here. Call it as often as you like. */
  markRead(seq = this.#head) {
    if (!this.conversation || seq <= this.read.user) return;
    this.read = { ...this.read, user: seq };
    this.#emit("read", this.read);
    this.#markTimer ||= setTimeout(() => this.#mark(), 1000);
  }

  /** The visitor touched a key. Call it as often as you like. */
  typing() {
    clearTimeout(this.#typingTimer);
    this.#typingTimer = setTimeout(() => this.#typing(false), 4000);
    this.#typing(true);
  }

  /** Leaves a closed conversation for a new one. */
  startNew() {
    return this.#link.renew();
  }

  /** Ends the conversation for good. */
  async close() {
    this.#take((await this.request("conversation.close", this.#this)).conversation);
  }

  /** @param {number} score 1 to 5 @param {string} [comment] */
  async rate(score, comment) {
    this.#take((await this.request("conversation.rate", { ...this.#this, score, comment })).conversation);
  }

  /** Asks for a person. @param {Pick<Methods["escalation.request"]["params"], "reason" | "contact">} [why] */
  requestPerson(why) {
    return this.request("escalation.request", { ...this.#this, ...why });
  }

  /** Stops the answer that is being written. */
  cancelTurn() {
    return this.request("turn.cancel", this.#this);
  }

  /** Any method of the protocol. @type {Request} */
  request = (method, params) => this.#link.request(method, params);

  get #head() {
    return this.messages.at(-1)?.seq ?? this.#page?.seq ?? 0;
  }

  get #this() {
    return { conversation_id: this.conversation?.conversation_id ?? "" };
  }

  /** `addEventListener` with typed details, until the signal aborts. @param {AbortSignal} signal */
  listen(signal) {
    /** @template {keyof Details} T @param {T} type @param {(detail: Details[T]) => unknown} listener */
    return (type, listener) => this.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail), { signal });
  }

  /** @template {keyof Details} T @param {T} type @param {Details[T]} detail */
  #emit(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {SessionOpened} opened */
  #opened({ conversation, position, recovered, messages, has_more, read, streaming, greeting }) {
    // Null only for people and services, and they are not here.
    if (!conversation || !position || !read) return;
    const same = this.conversation?.conversation_id === conversation.conversation_id;
    const resumed = same && recovered;
    const { user } = this.read;
    this.read = read;
    this.greeting = greeting;
    // A page is the newest word, also of a restored database that counts from further back.
    if (!resumed) this.conversation = null;
    this.#take(conversation);
    if (resumed) {
      messages.forEach((message) => this.#append(message));
    } else {
      this.#turn(messages, position, has_more);
      this.#seen = 0;
      messages.forEach(({ client_id }) => this.#outbox.remove(client_id));
    }
    this.#stream(streaming);
    this.#emit("read", read);
    // What was read while there was no connection to say so.
    if (same) this.markRead(Math.min(user, this.#head));
    this.#hear(position.seq);
    this.#outbox.opened();
  }

  /** @param {Message[]} messages @param {Position | null} page @param {boolean} hasMore */
  #turn(messages, page, hasMore) {
    this.messages = messages;
    this.hasMore = hasMore;
    this.#page = page;
    this.#emit("reset", null);
  }

  /** @param {string} method @param {any} params */
  #notified(method, params) {
    const { message, conversation, message_id, client_id, error, conversation_id = conversation?.conversation_id } = params;
    if (conversation_id && conversation_id !== this.conversation?.conversation_id) return;
    if (method === "message.created") this.#append(message);
    else if (method === "message.delta") this.#delta(params);
    else if (method === "message.withdrawn") this.stream?.message_id === message_id && this.#stream(null);
    else if (method === "message.rejected") this.#outbox.change(client_id, { failed: { kind: error.data.kind, message: error.message } });
    else if (method === "conversation.updated") this.#take(conversation);
    else if (method === "read.updated") this.#emit("read", (this.read = { user: Math.max(params.user, this.read.user), staff: params.staff }));
    else if (method === "typing") this.#emit("typing", params);
    else if (method === "workflow.step") this.#emit("step", params);
  }

  /** Of two States the larger (epoch, version) wins. @param {State} state */
  #take(state) {
    const now = this.conversation;
    if (now && (state.epoch < now.epoch || (state.epoch === now.epoch && state.version <= now.version))) return;
    this.conversation = state;
    this.#emit("conversation", state);
  }

  /** @param {Stream} stream */
  #stream(stream) {
    this.stream = stream;
    this.#emit("stream", stream);
  }

  /** @param {Message} message */
  #append(message) {
    // From before a move to another conversation.
    if (message.conversation_id !== this.conversation?.conversation_id) return;
    const { seq, role, client_id } = message;
    if (seq > this.#head + 1) return void this.#hear(seq);
    this.#outbox.remove(client_id);
    if (seq <= this.#head) return;
    this.messages.push(message);
    // A turn ends in exactly one assistant message: nothing of it is still to come.
    if (role === "assistant") this.#stream(null);
    this.#emit("message", message);
  }

  /** @param {{message_id: string, offset: number, text: string}} delta */
  #delta({ message_id, offset, text }) {
    const held = this.stream?.message_id === message_id ? this.stream.text : "";
    // Offsets count Unicode scalar values, JavaScript UTF-16 units.
    if (offset && offset !== [...held].length) return;
    if (!this.messages.some(({ id }) => id === message_id)) this.#stream({ message_id, text: offset ? held + text : text });
  }

  /** The log reaches to `seq` at least. @param {number} seq */
  async #hear(seq) {
    this.#seen = Math.max(this.#seen, seq);
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    try {
      for (let after_seq; this.#seen > (after_seq = this.#head); ) {
        const { messages } = await this.request("message.list", { ...this.#this, after_seq, limit: 200 });
        messages.forEach((message) => this.#append(message));
        if (this.#head === after_seq) throw new Error("no progress");
      }
    } catch (error) {
      // Resuming always leads back to a whole log.
      this.#lost(error);
      this.#link.drop(1000);
    } finally {
      this.#catchingUp = false;
    }
  }

  /** @param {any} error */
  #lost(error) {
    if (error.kind !== "position_lost") return;
    this.#page = null;
    this.#link.drop(4002);
  }

  async #mark() {
    this.#markTimer = 0;
    // A watermark: should this one be lost, the next or the next open carries it.
    await this.request("message.read", { ...this.#this, seq: this.read.user }).catch(() => {});
  }

  /** @param {boolean} on */
  #typing(on) {
    const now = performance.now();
    if (!this.conversation || (on ? now - this.#typedAt < 3000 : !this.#typedAt)) return;
    this.#typedAt = on ? now : 0;
    this.#link.typing({ ...this.#this, on });
  }

  /** @param {string} key */
  #changedElsewhere(key) {
    if (key.startsWith("out:")) {
      this.#emit("outbox", null);
      // The tab it was typed in sends it; should that be gone, another one does.
      setTimeout(() => this.#outbox.flush(), 2000 + Math.random() * 2000);
    } else if (key === "visitor") {
      if (!this.#store.get(key)) this.#leave();
      else if (this.state === "idle") this.#emit("known", null);
      else this.#link.follow().catch(() => this.#link.drop(1000));
    }
  }

  #leave() {
    this.disconnect();
    this.conversation = null;
    this.#turn([], null, false);
  }
}
