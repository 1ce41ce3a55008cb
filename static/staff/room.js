/**
 * One conversation, as its staff see it: the log, the notes beside it, who is typing, and what was not sent yet.
 *
 * Invariants: notes are dense in their own `seq`, as messages are in theirs. A reply or note leaves the outbox when
 * it is committed or discarded, so a lost connection costs none.
 */
import { keepLog, makeTypist } from "../client.js";
import { makeOutbox, openStore } from "../client/shared.js";

/** Milliseconds. For who stops typing unsaid. */
const TYPING_ENDS = 7000;
const MARK_AFTER = 800;

/** @type {(id: string, rooms: Staff.Rooms) => Staff.OpenRoom} */
export const openRoom = (id, { link, request, prefix, me }) => {
  const store = openStore(`${prefix}room:${id}:`);
  const events = new EventTarget();
  /** The position of the notes. @type {Desk.Position | undefined} */
  let notesAt;
  let typingTimer = 0;
  let markTimer = 0;
  let marked = 0;
  let joining = false;
  let again = false;
  let left = false;

  const changed = () => events.dispatchEvent(new CustomEvent("changed"));
  /** @param {keyof Desk.Details} type @param {any} told */
  const emit = (type, told) => {
    if (type === "message") {
      if (told.role === "user" || told.role === "assistant") showTypist(null);
      events.dispatchEvent(new CustomEvent("message", { detail: told }));
    } else if (type === "typing") {
      // The same person in another tab is not somebody else.
      if (told.author?.id !== me.id) showTypist(told.on ? { role: told.role, name: told.author?.name ?? null } : null);
    } else if (type === "step") room.step = told;
    changed();
  };

  const showTypist = (typist = room.typist) => {
    clearTimeout(typingTimer);
    room.typist = typist;
    if (typist) typingTimer = setTimeout(showTypist, TYPING_ENDS, null);
    changed();
  };

  /** A note is a message of its own log; in the outbox its metadata tells it apart. @type {any} */
  const send = (/** @type {"message.send"} */ method, /** @type {Desk.Methods["message.send"]["params"]} */ { metadata, ...rest }) =>
    request(method, metadata ? { ...rest, private: true } : rest);

  const outbox = makeOutbox(store, send, {
    conversation: () => (link.state === "online" ? id : undefined),
    changed,
    committed({ metadata, ...message }) {
      if (metadata) note({ ...message, author: me });
      else log.append({ ...message, metadata, role: "staff", author: me });
    },
    refused({ kind, data }) {
      if (kind === "unauthenticated") link.drop(4006);
      if (data.current?.version && room.conversation) log.take(data.current);
      return kind !== "unauthenticated";
    },
  });

  const lastNote = () => room.notes.at(-1)?.seq ?? 0;

  /** @param {Staff.Note} added */
  const note = (added) => {
    outbox.remove(added.client_id);
    if (room.notes.some(({ id }) => id === added.id)) return;
    if (room.joined && added.seq > lastNote() + 1) return void missedNotes();
    room.notes.push(added);
    room.notes.sort((a, b) => a.seq - b.seq);
    changed();
  };

  const missedNotes = async () => {
    try {
      const { notes } = await request("notes.list", { conversation_id: id, after_seq: lastNote(), limit: 200 });
      for (const it of notes) if (it.seq === lastNote() + 1) note(it);
    } catch {
      link.drop();
    }
  };

  const typist = makeTypist((on) => link.typing({ conversation_id: id, on }));

  /** @type {Staff.OpenRoom} */
  const room = {
    id,
    conversation: null,
    messages: [],
    hasMore: false,
    stream: null,
    read: { user: 0, staff: 0 },
    greeting: null,
    notes: [],
    error: null,
    joined: false,
    visitor: null,
    typist: null,
    step: null,
    get pending() {
      return outbox.entries;
    },
    get held() {
      return outbox.held;
    },
    get draft() {
      return store.get("draft") ?? "";
    },
    set draft(text) {
      store.set("draft", text || undefined);
    },
    async join() {
      again = joining;
      if (joining) return;
      joining = true;
      try {
        const answer = await request("conversation.join", { conversation_id: id, position: log.position(), notes_position: notesAt && { ...notesAt, seq: lastNote() } });
        if (left) return;
        room.error = null;
        if (!notesAt || notesAt.epoch !== answer.notes_position.epoch) room.notes.length = 0;
        room.joined = false;
        answer.notes.forEach(note);
        notesAt = answer.notes_position;
        room.joined = true;
        room.visitor = answer.visitor;
        showTypist(null);
        log.opened({ ...answer, greeting: null });
        marked = 0;
        outbox.opened();
      } catch (error) {
        if (error.kind === "position_lost") {
          log.leave();
          again = true;
        } else if (/not_found|forbidden|method_not_found/.test(error.kind)) room.error = error;
        else if (error.kind !== "disconnected") link.drop();
        changed();
      } finally {
        joining = false;
      }
      if (again && link.state === "online") await room.join();
    },
    flush: outbox.flush,
    leave() {
      left = true;
      typist.stop();
      clearTimeout(markTimer);
      if (room.joined) request("conversation.leave", { conversation_id: id }).catch(() => {});
      room.joined = false;
    },
    notified(method, params) {
      if (method === "note.created") note(params.note);
      else if (method === "message.rejected") outbox.change(params.client_id, { failed: { kind: params.error.data.kind, message: params.error.message } });
      else log.notified(/** @type {any} */ (method), params);
    },
    send(content, isNote) {
      typist.stop();
      outbox.add(content.replaceAll("\0", "").trim(), isNote ? { private: true } : null);
    },
    retry(client_id) {
      const entry = room.pending.find((entry) => entry.client_id === client_id);
      outbox.remove(client_id);
      if (entry) outbox.add(entry.content, entry.metadata);
    },
    discard: outbox.remove,
    typing: typist.typed,
    markRead() {
      const seq = log.head();
      if (!room.joined || seq <= Math.max(marked, room.read.staff)) return;
      marked = seq;
      clearTimeout(markTimer);
      // Should this one be lost, the next join repeats it.
      markTimer = setTimeout(() => request("message.read", { conversation_id: id, seq }).catch(() => {}), MARK_AFTER);
    },
    loadOlder: () => log.loadOlder(),
    async whole() {
      /** @type {Desk.Message[]} */
      const all = [];
      for (let more = true; more; ) {
        /** @type {Desk.Methods["message.list"]["result"]} */
        const page = await request("message.list", { conversation_id: id, after_seq: all.at(-1)?.seq ?? 0, limit: 200 });
        all.push(...page.messages);
        more = page.has_more && page.messages.length > 0;
      }
      return all;
    },
    on: (type, listener, signal) => events.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail), { signal }),
  };
  const log = keepLog(room, emit, link, outbox.remove);
  store.watch((key) => key.startsWith("out:") && changed());
  return room;
};
