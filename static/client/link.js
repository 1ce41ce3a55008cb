/**
 * Keeps a session open: dials, opens or resumes, refreshes, backs off, and knows when to stop.
 *
 * Invariants: only an open that names no conversation writes `visitor`, and under the lock, so tabs
 * opened at once are one visitor with one conversation. Every request settles, at the latest with the socket.
 */

/** Milliseconds. A session that lived this long was no failed attempt. */
const SETTLED = 5000;
/** Browsers answer pings unseen, so after this much silence we ask. */
const SILENCE = 45_000;
/** A refused open that time may heal. */
const PASSING = /disconnected|timeout|unavailable|rate_limited|internal|position_lost/;

/** Kinds: the protocol's, `disconnected`, `timeout`, and `closed_` with a code. */
export class SwitchboardError extends Error {
  constructor(kind = "", message = "", data = /** @type {any} */ ({})) {
    super(message);
    this.kind = kind;
    this.data = data;
  }
}

const disconnected = () => new SwitchboardError("disconnected", "There is no connection.");

/** @type {Desk.MakeLink} */
export const makeLink = (url, store, first, on) => {
  /** @type {Desk.Connection | null} */
  let connection = null;
  let conversation = "";
  let token = "";
  let refreshAt = 0;
  let drainMs = 0;
  let running = false;
  let wake = () => {};
  /** Aborted when no session is wanted. @type {AbortController | null} */
  let wanted = null;

  /** @returns {Desk.Connection} */
  const open = () => {
    if (connection) return connection;
    throw disconnected();
  };
  /** @returns {Desk.Visitor} */
  const visitor = () => store.get("visitor") ?? {};
  const show = (state = link.state, error = /** @type {typeof link.error} */ (null)) => {
    if (state.endsWith("connecting") && !navigator.onLine) state = "offline";
    if (state === link.state) return;
    Object.assign(link, { state, error });
    on.state();
  };

  const giveUp = (state = link.state, error = disconnected()) => {
    wanted?.abort();
    wanted = null;
    show(state, error);
  };

  const run = async () => {
    if (running) return;
    running = true;
    let tries = 0;
    let revoked = 0;
    const unsettled = () => show(conversation ? "reconnecting" : "connecting");
    while (wanted) {
      let floor = 0;
      unsettled();
      try {
        await connect();
        const openedAt = performance.now();
        const code = await open().closed;
        if (performance.now() - openedAt > SETTLED) tries = revoked = 0;
        // `resume` may be worth more.
        if ((code === 4006 || code === 4502) && store.get("token") === token) store.set("token");
        if (code >= 4500 && code < 5000 && (code !== 4502 || revoked++)) throw new SwitchboardError(`closed_${code}`, "The server closed the connection.");
      } catch (error) {
        floor = error.data?.retry_after_ms ?? 0;
        if (!PASSING.test(error.kind)) giveUp("stopped", error);
      }
      link.drop();
      connection = null;
      if (!wanted) break;
      unsettled();
      await pause(Math.max(floor, drainMs), Math.random() * Math.min(30_000, 1000 * 2 ** tries++));
      drainMs = 0;
    }
    running = false;
  };

  /** Waits `floor`, then `extra` or until somebody wakes us. */
  const pause = (floor = 0, extra = 0) => {
    const earliest = performance.now() + floor;
    return new Promise((done) => {
      setTimeout(done, floor + extra);
      wake = () => (wanted && performance.now() < earliest) || done(null);
    });
  };

  const connect = async () => {
    const come = async () => {
      connection = await dial(url, (method, params) => {
        if (method === "server.draining") drainMs = params.reconnect_after_ms;
        else on.notified(method, params);
      });
      if (!wanted) link.drop();
      await enter();
    };
    if (!visitor().conversation_id) await store.exclusive(async () => void (visitor().conversation_id || (await come())));
    if (!connection) await come();
  };

  const enter = async ({ conversation_id, resume } = visitor()) => {
    const held = store.get("token");
    const known = held || resume;
    const who = known ? { workspace: first.workspace, token: held, resume } : first;
    try {
      const position = on.position(conversation_id);
      const opened = await open().request("session.open", { ...who, conversation_id, position });
      keep(opened);
      conversation = opened.conversation?.conversation_id ?? "";
      // The other tabs follow. Only a new visitor is told the `resume`.
      if (!conversation_id) store.set("visitor", { conversation_id: conversation, resume: opened.resume ?? resume });
      show("online");
      on.opened(opened);
    } catch (error) {
      const { kind } = error;
      const gone = kind === "not_found" && conversation_id;
      if (!gone && (kind !== "unauthenticated" || !known)) throw error;
      if (!gone) store.set("token");
      // What we held leads nowhere, unless another tab has found better.
      if (visitor().resume === resume) {
        store.set("visitor", gone ? { resume } : {});
        on.released();
      }
      throw disconnected();
    }
  };

  /** @param {Desk.Issued} issued */
  const keep = ({ token: fresh, expires_at }) => {
    token = fresh ?? "";
    store.set("token", token);
    // In no hurry should the clocks disagree.
    const left = Date.parse(expires_at ?? "") - Date.now();
    refreshAt = performance.now() + Math.min(Math.max(left * 0.6, 30_000), 1_200_000);
  };

  /** A newer token, or a sign of life after so much silence. */
  const refresh = async (silence = 0) => {
    if (link.state !== "online" || performance.now() - open().heardAt < silence) return;
    refreshAt = performance.now() + 60_000;
    try {
      if (on.ping) await on.ping();
      else keep(await open().request("session.refresh", { token }, 5000));
    } catch {
      // A dead socket is dropped by now, an expired token closes with 4006.
    }
  };

  /** @type {Desk.Link} */
  const link = {
    state: "idle",
    error: null,
    start() {
      if (wanted) return;
      const { signal } = (wanted = new AbortController());
      // Somebody looks, or the network is back.
      const revive = () => {
        if (document.hidden) return;
        wake();
        refresh(SETTLED);
      };
      addEventListener("online", revive, { signal });
      addEventListener("pageshow", revive, { signal });
      addEventListener("offline", () => link.drop(1006), { signal });
      document.addEventListener("visibilitychange", revive, { signal });
      const ticking = setInterval(() => refresh(performance.now() > refreshAt ? 0 : document.hidden ? Infinity : SILENCE), 15_000);
      signal.onabort = () => clearInterval(ticking);
      run();
    },
    stop() {
      giveUp("idle");
      conversation = "";
      link.drop();
      wake();
    },
    request: async (method, params) => open().request(method, params),
    typing: (params) => connection?.put({ method: "typing", params }),
    async renew() {
      const old = conversation;
      await store.exclusive(async () => {
        if (visitor().conversation_id === old) await enter({ ...visitor(), conversation_id: undefined });
      });
      await link.follow();
    },
    async follow() {
      const { conversation_id } = visitor();
      if (connection && conversation_id && conversation_id !== conversation) await enter();
    },
    drop: (code) => connection?.drop(code),
  };
  return link;
};

/** A WebSocket that speaks JSON-RPC 2.0. @type {Desk.Dial} */
const dial = (url, notified) =>
  new Promise((dialled, failed) => {
    const socket = new WebSocket(url, "switchboard.v1");
    /** @type {Map<number, Desk.Settle>} */
    const waiting = new Map();
    let id = 0;
    let isOpen = true;
    /** @type {(code: number) => void} */
    let end;

    socket.onclose = () => failed(disconnected());
    setTimeout(() => socket.readyState || socket.close(), 10_000);
    socket.onopen = () => {
      socket.onclose = ({ code }) => connection.drop(code);
      dialled(connection);
    };
    socket.onmessage = ({ data }) => {
      connection.heardAt = performance.now();
      for (const { id, method, params, result, error } of [JSON.parse(data)].flat()) {
        if (method) notified(method, params);
        else waiting.get(id)?.(error && new SwitchboardError(error.data?.kind ?? "internal", error.message, error.data), result);
      }
    };

    /** @type {Desk.Connection} */
    const connection = {
      heardAt: performance.now(),
      closed: new Promise((resolve) => (end = resolve)),
      put: (frame) => isOpen && socket.send(JSON.stringify({ jsonrpc: "2.0", ...frame })),
      request: (method, params, patience = 10_000) =>
        new Promise((resolve, reject) => {
          if (!isOpen) return reject(disconnected());
          const sent = ++id;
          const sentAt = performance.now();
          const timer = setTimeout(() => {
            waiting.get(sent)?.(new SwitchboardError("timeout", "The server does not answer."));
            // Not a sound since: the network is gone.
            if (connection.heardAt < sentAt) connection.drop(1006);
          }, patience);
          waiting.set(sent, (error, result) => {
            clearTimeout(timer);
            waiting.delete(sent);
            error ? reject(error) : resolve(result);
          });
          connection.put({ id: sent, method, params });
        }),
      drop(code = 1000) {
        if (!isOpen) return;
        isOpen = false;
        socket.onmessage = socket.onclose = null;
        socket.close();
        for (const settle of waiting.values()) settle(disconnected());
        end(code);
      },
    };
  });
