/**
 * What the console knows: the connection, the queue of escalations, colleagues, and the rooms that are open.
 *
 * Invariants: of two versions of an escalation the larger wins, whatever arrives in whatever order. Whenever a
 * session opens, the queue catches up from its cursor and each room from its position.
 */
import { makeLink } from "../client/link.js";
import { openStore } from "../client/shared.js";
import { openRoom } from "./room.js";

const OPEN = ["pending", "notified", "in_progress"];
/** Milliseconds. Whoever is to be called from another tab must notice a dead line, too. */
const HIDDEN_PING = 60_000;

/** @type {(server: URL, session: Staff.Session) => Staff.Console & {renewed(): Promise<void>}} */
export const openConsole = (server, session) => {
  const { user, workspace } = /** @type {Staff.LoggedIn} */ (session.now);
  const url = new URL("ws", server);
  const prefix = `switchboard-staff:${url.host}${url.pathname}:${workspace}:${user.id}:`;
  const store = openStore(prefix);
  url.protocol = url.protocol.replace("http", "ws");

  /** @type {Map<string, Staff.EscalationNews>} */
  const known = new Map();
  /** @type {Map<string, Staff.Colleague>} */
  const colleagues = new Map();
  /** @type {Map<string, Staff.OpenRoom>} */
  const rooms = new Map();
  /** Up to where changes are known. @type {string | undefined} */
  let cursor;

  const events = new EventTarget();
  /** @type {(type: keyof Staff.Events, detail?: unknown) => unknown} */
  const emit = (type, detail = null) => events.dispatchEvent(new CustomEvent(type, { detail }));

  /** The link keeps visitors' credentials in a store; here they come from the session. @type {Desk.Store} */
  const credentials = {
    get: (key) => (key === "token" ? session.now?.access_token : {}),
    set: (key, value) => key === "token" && value === undefined && session.spent(),
    keys: () => [],
    watch: () => {},
    async exclusive(work) {
      await session.fresh();
      await work();
    },
  };

  const link = makeLink(url.href, credentials, { workspace }, {
    position: () => undefined,
    opened,
    released: () => {},
    notified(method, params) {
      const { escalation, cursor: next, staff, note, message, conversation } = params;
      /** @type {string} */
      const name = method;
      if (name === "escalation.updated") {
        const isNew = !known.has(escalation.id);
        desk.take(escalation);
        cursor = next ?? cursor;
        if (isNew && waits(escalation)) emit("arrival", escalation);
      } else if (name === "presence.updated") {
        meet(staff);
        emit("queue");
      } else {
        const id = params.conversation_id ?? (note ?? message ?? conversation)?.conversation_id;
        if (id) rooms.get(id)?.notified(name, params);
        else rooms.forEach((room) => room.notified(name, params));
      }
    },
    state() {
      if (link.state !== "online") rooms.forEach((room) => (room.joined = false));
      emit("state");
    },
    ping: () => tellPresence(),
  });

  /** @param {Staff.Colleague} colleague */
  const meet = (colleague) => void colleagues.set(colleague.id, colleague);
  /** @param {Staff.EscalationNews} it */
  const waits = (it) => !it.deleted && !it.assignee && it.status !== "resolved";

  const enter = (id = "") => openRoom(id, { link, request: desk.request, prefix, me: user });

  function opened() {
    subscribe();
    tellPresence().catch(() => {});
    for (const room of rooms.values()) {
      room.join();
      room.flush();
    }
    emit("online");
  }

  const tellPresence = () => desk.request("staff.presence", { status: desk.presence });

  const subscribe = async (since = cursor) => {
    try {
      const answer = await desk.request("escalation.subscribe", since ? { since } : { statuses: OPEN });
      const told = new Set(answer.escalations.map(({ id }) => id));
      // What a snapshot of the open ones does not hold is not open any more.
      if (answer.snapshot) for (const [id, it] of known) if (!told.has(id) && !it.deleted && it.status !== "resolved") known.delete(id);
      const arrivals = since ? answer.escalations.filter((it) => !known.has(it.id) && waits(it)) : [];
      answer.escalations.forEach((it) => known.get(it.id)?.version === it.version || desk.take(it));
      answer.staff?.forEach(meet);
      cursor = answer.cursor;
      Object.assign(desk, { loaded: true, refused: null });
      emit("queue");
      if (arrivals.length) emit("arrival", arrivals.at(-1));
    } catch (error) {
      if (/forbidden|method_not_found/.test(error.kind)) {
        desk.refused = error;
        emit("queue");
      } else if (since && /position_lost|invalid_params/.test(error.kind)) {
        cursor = undefined;
        await subscribe();
      } else if (error.kind === "unauthenticated") {
        session.spent();
        link.drop(4006);
      } else link.drop();
    }
  };

  /** @type {Staff.Console & {renewed(): Promise<void>}} */
  const desk = {
    me: user,
    loaded: false,
    refused: null,
    get state() {
      return link.state;
    },
    get error() {
      return link.error;
    },
    get escalations() {
      return [...known.values()].filter((it) => !it.deleted);
    },
    get colleagues() {
      const others = [...colleagues.values()].filter(({ id }) => id !== user.id);
      return [{ id: user.id, name: user.name, status: desk.presence }, ...others].sort((a, b) => (a.name ?? "").localeCompare(b.name ?? ""));
    },
    get presence() {
      return store.get("presence") ?? "online";
    },
    set presence(status) {
      store.set("presence", status);
      // The next open says it again.
      if (link.state === "online") tellPresence().catch(() => {});
      emit("queue");
    },
    escalationOf(conversation_id) {
      const all = desk.escalations.filter((it) => it.conversation_id === conversation_id);
      return all.find(({ status }) => status !== "resolved") ?? all.sort((a, b) => Date.parse(b.created_at) - Date.parse(a.created_at))[0];
    },
    take(news) {
      const had = known.get(news.id);
      if (had && had.version >= news.version) return;
      known.set(news.id, news);
      emit("queue");
    },
    open(id) {
      for (const [other, room] of rooms) {
        if (other === id || room.pending.length) continue;
        room.leave();
        rooms.delete(other);
      }
      const room = rooms.get(id) ?? enter(id);
      rooms.set(id, room);
      if (link.state === "online" && !room.joined) room.join();
      return room;
    },
    start() {
      // What was written and not acknowledged goes now, whether or not anybody looks at it.
      for (const key of store.keys("room:")) {
        const [, id, kind] = key.split(":");
        if (kind === "out" && !rooms.has(id)) rooms.set(id, enter(id));
      }
      link.start();
    },
    stop: link.stop,
    request: /** @type {Staff.Request} */ (/** @type {unknown} */ (link.request)),
    on: (type, listener, signal) => events.addEventListener(type, (event) => listener(/** @type {CustomEvent} */ (event).detail), { signal }),
    /** The same socket goes on under a newer token. */
    async renewed() {
      if (link.state !== "online" || !session.now) return;
      await link.request("session.open", { token: session.now.access_token, workspace }).catch(() => link.drop(4006));
      if (link.state === "online") opened();
    },
  };
  setInterval(() => document.hidden && link.state === "online" && tellPresence().catch(() => {}), HIDDEN_PING);
  return desk;
};
