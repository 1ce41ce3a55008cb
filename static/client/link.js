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
  /** @param {string} kind @param {string} message @param {any} [data] */
  constructor(kind, message, data = {}) {
    super(message);
    this.kind = kind;
    this.data = data;
  }
}

const disconnected = () => new SwitchboardError("disconnected", "There is no connection.");

/** @type {(url: string, store: Desk.Store, first: Desk.OpenParams, on: Desk.LinkEvents) => Desk.Link} */
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
  /** @returns {{conversation_id?: string, resume?: string}} */
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
        // The token is worth nothing any more; `resume` is worth a try.
        if ((code === 4006 || code === 4502) && store.get("token")?.token === token) store.set("token");
        if (code >= 4500 && code < 5000 && (code !== 4502 || revoked++)) throw new SwitchboardError(`closed_${code}`, "The server closed the connection.");
      } catch (thrown) {
        const why = /** @type {Desk.Failure} */ (thrown);
        floor = why.data?.retry_after_ms ?? 0;
        if (!PASSING.test(why.kind)) giveUp("stopped", why);
      }
      link.drop(1000);
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
      if (!wanted) link.drop(1000);
      await enter();
    };
    if (!visitor().conversation_id) await store.exclusive(async () => void (visitor().conversation_id || (await come())));
    if (!connection) await come();
  };

  const enter = async ({ conversation_id, resume } = visitor()) => {
    const held = store.get("token");
    /** @type {Desk.OpenParams[]} */
    const proofs = [];
    if (held?.token) proofs.push({ token: held.token });
    if (resume) proofs.push({ resume });
    // Clocks may be wrong: this one decides what goes first, not what is tried.
    if (Date.parse(held?.expires_at) < Date.now()) proofs.reverse();
    const fresh = !proofs.length;
    if (fresh) proofs.push(first);
    for (const proof of proofs) {
      try {
        const position = on.position(conversation_id);
        return entered(await open().request("session.open", { workspace: first.workspace, ...proof, conversation_id, position }), !conversation_id);
      } catch (thrown) {
        const { kind } = /** @type {Desk.Failure} */ (thrown);
        if (kind === "not_found" && conversation_id) return forsake({ resume }, { resume });
        if (kind !== "unauthenticated" || fresh) throw thrown;
      }
    }
    store.set("token");
    forsake({ resume });
  };

  /** What we held leads nowhere, unless another tab has found better. */
  const forsake = (held = visitor(), rest = {}) => {
    if (visitor().resume === held.resume) {
      store.set("visitor", rest);
      on.released();
    }
    throw disconnected();
  };

  /** @param {Desk.Opened} opened */
  const entered = (opened, chosen = false) => {
    keep(opened);
    conversation = opened.conversation?.conversation_id ?? "";
    // The server chose: the other tabs follow. Only a new visitor is told the `resume`.
    if (chosen) store.set("visitor", { conversation_id: conversation, resume: opened.resume ?? visitor().resume });
    show("online");
    on.opened(opened);
  };

  /** @param {{token: string | null, expires_at: string | null}} issued */
  const keep = ({ expires_at, ...issued }) => {
    token = issued.token ?? "";
    store.set("token", { token, expires_at });
    // Long before it ends; in no hurry should the clocks disagree.
    const left = Date.parse(expires_at ?? "") - Date.now();
    refreshAt = performance.now() + Math.min(Math.max(left * 0.6, 30_000), 1_200_000);
  };

  /** A newer token, and a sign of life where the socket was silent for so long. */
  const refresh = async (silence = 0) => {
    if (link.state !== "online" || performance.now() - open().heardAt < silence) return;
    refreshAt = performance.now() + 60_000;
    try {
      keep(await open().request("session.refresh", { token }, 5000));
    } catch {
      // A dead socket is dropped by now, an expired token is told with 4006.
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
      giveUp("idle", disconnected());
      conversation = "";
      link.drop(1000);
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

/** A WebSocket that speaks JSON-RPC 2.0. @type {(url: string, notified: Desk.LinkEvents["notified"]) => Promise<Desk.Connection>} */
const dial = (url, notified) =>
  new Promise((dialled, failed) => {
    const socket = new WebSocket(url, "switchboard.v1");
    /** @type {Map<number, (error?: Desk.Failure, result?: any) => void>} */
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
            // Not a sound since: the network is gone, and the browser was not told.
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
