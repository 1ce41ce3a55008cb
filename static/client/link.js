/**
 * The link keeps a session open for as long as it is wanted: dials, opens or resumes, refreshes the
 * token, notices dead sockets, backs off, and knows when to give up.
 *
 * Invariants: an open that names no conversation runs under the store's lock, and only such an open
 * writes `visitor`, so tabs that open at once end as one visitor with one conversation; and every
 * request settles: answered, refused, timed out, or `disconnected` with the socket.
 */

/** @import { Connection, Link, LinkEvents, LinkState, OpenParams, SessionOpened, Store } from "../types.js" */

/** A session that lived this long, in milliseconds, was no failed attempt. */
const SETTLED = 5000;
/** Browsers answer pings unseen, so after this much silence we ask. */
const SILENCE = 45_000;
/** A refused open that time may heal. */
const PASSING = /disconnected|timeout|unavailable|rate_limited|internal|position_lost/;

/** The protocol's `kind` (or `disconnected`, `timeout`), a sentence for a person, and the `data` beside them. */
export class SwitchboardError extends Error {
  /** @param {string} kind @param {string} message @param {any} [data] */
  constructor(kind, message, data = {}) {
    super(message);
    this.kind = kind;
    this.data = data;
  }
}

const disconnected = () => new SwitchboardError("disconnected", "There is no connection to the server.");

/** @type {(url: string, store: Store, first: OpenParams, on: LinkEvents) => Link} */
export const makeLink = (url, store, first, on) => {
  /** @type {Connection | null} */
  let connection = null;
  /** @type {LinkState} */
  let state = "idle";
  /** @type {SwitchboardError | null} */
  let error = null;
  let conversation = "";
  let token = "";
  let refreshAt = 0;
  let drainMs = 0;
  let running = false;
  let wake = () => {};
  /** Aborted when nobody wants a session any more. @type {AbortController | null} */
  let wanted = null;

  const open = () => {
    if (!connection) throw disconnected();
    return connection;
  };
  /** @returns {{conversation_id?: string, resume?: string}} */
  const visitor = () => store.get("visitor") ?? {};
  const silence = () => performance.now() - (connection?.heardAt ?? Infinity);

  const show = (/** @type {LinkState} */ now, /** @type {SwitchboardError | null} */ why = null) => {
    if (now.endsWith("connecting") && !navigator.onLine) now = "offline";
    if (now === state) return;
    state = now;
    error = why;
    on.state();
  };

  const giveUp = (/** @type {LinkState} */ now, /** @type {SwitchboardError} */ why) => {
    wanted?.abort();
    wanted = null;
    show(now, why);
  };

  const run = async () => {
    if (running) return;
    running = true;
    let tries = 0;
    let revoked = false;
    while (wanted) {
      let floor = 0;
      show(conversation ? "reconnecting" : "connecting");
      try {
        const { closed } = await connect();
        const openedAt = performance.now();
        const code = await closed;
        if (performance.now() - openedAt > SETTLED) {
          tries = 0;
          revoked = false;
        }
        // The token is worth nothing any more; `resume` may still be.
        if ((code === 4006 || code === 4502) && store.get("token")?.token === token) store.set("token");
        if (code >= 4500 && code < 5000 && (code !== 4502 || revoked)) throw new SwitchboardError(`closed_${code}`, `The server closed the connection (${code}).`);
        revoked ||= code === 4502;
      } catch (thrown) {
        const why = /** @type {SwitchboardError} */ (thrown);
        floor = why.data?.retry_after_ms ?? 0;
        if (!PASSING.test(why.kind)) giveUp("stopped", why);
      }
      link.drop(1000);
      connection = null;
      if (!wanted) break;
      show(conversation ? "reconnecting" : "connecting");
      await pause(Math.max(floor, drainMs), Math.random() * Math.min(30_000, 1000 * 2 ** tries++));
      drainMs = 0;
    }
    running = false;
  };

  /** Waits `floor`, for the server asked for it, and then `extra` or until somebody wakes us. */
  const pause = (/** @type {number} */ floor, /** @type {number} */ extra) => {
    const earliest = performance.now() + floor;
    return new Promise((done) => {
      setTimeout(done, floor + extra);
      wake = () => (wanted && performance.now() < earliest) || done(null);
    });
  };

  const connect = async () => {
    const enterNew = async () => {
      const dialled = await dial(url, (method, params) => {
        if (method === "server.draining") drainMs = params.reconnect_after_ms;
        else on.notified(method, params);
      });
      connection = dialled;
      if (!wanted) dialled.drop();
      await enter(visitor().conversation_id);
    };
    if (!visitor().conversation_id) {
      await store.exclusive(async () => {
        if (!visitor().conversation_id) await enterNew();
      });
    }
    if (!connection) await enterNew();
    return open();
  };

  const enter = async (/** @type {string | undefined} */ conversation_id) => {
    const { resume } = visitor();
    const held = store.get("token");
    /** @type {OpenParams[]} */
    const proofs = [];
    if (held?.token) proofs.push({ token: held.token });
    if (resume) proofs.push({ resume });
    // The browser's clock may be wrong: it decides which goes first, not which is tried.
    if (Date.parse(held?.expires_at) < Date.now()) proofs.reverse();
    const fresh = !proofs.length;
    if (fresh) proofs.push(first);
    for (const proof of proofs) {
      try {
        const position = on.position(conversation_id);
        return entered(await open().request("session.open", { workspace: first.workspace, ...proof, conversation_id, position }), !conversation_id);
      } catch (thrown) {
        const { kind } = /** @type {SwitchboardError} */ (thrown);
        if (kind === "not_found" && conversation_id) return forsake({ resume }, resume);
        if (kind !== "unauthenticated" || fresh) throw thrown;
      }
    }
    store.set("token");
    forsake({}, resume);
  };

  /** What we held leads nowhere any more, unless another tab has found better. */
  const forsake = (/** @type {object} */ rest, /** @type {string | undefined} */ resume) => {
    if (visitor().resume === resume) {
      store.set("visitor", rest);
      on.released();
    }
    throw disconnected();
  };

  const entered = (/** @type {SessionOpened} */ opened, /** @type {boolean} */ chosen) => {
    keep(opened);
    conversation = opened.conversation?.conversation_id ?? "";
    // Chosen by the server: the other tabs follow. Opened by token there is no new `resume`: the server keeps only its hash.
    if (chosen) store.set("visitor", { conversation_id: conversation, resume: opened.resume ?? visitor().resume });
    show("online");
    on.opened(opened);
  };

  const keep = (/** @type {{token: string | null, expires_at: string | null}} */ issued) => {
    const { expires_at } = issued;
    token = issued.token ?? "";
    store.set("token", { token, expires_at });
    // Long before it ends, and in no hurry should the clocks disagree.
    const left = Date.parse(expires_at ?? "") - Date.now();
    refreshAt = performance.now() + Math.min(Math.max(left * 0.6, 30_000), 1_200_000);
  };

  /** A newer token, and with it a sign of life: without one within 5 s the socket is given up. */
  const refresh = async () => {
    if (state !== "online") return;
    refreshAt = performance.now() + 60_000;
    try {
      keep(await open().request("session.refresh", { token }, 5000));
    } catch {
      // A dead socket is dropped by now, an expired token is told with 4006.
    }
  };

  /** @type {Link} */
  const link = {
    get state() {
      return state;
    },
    get error() {
      return error;
    },
    start() {
      if (wanted) return;
      const { signal } = (wanted = new AbortController());
      // Somebody looks, or the network is back: no more waiting, and a silent socket is asked whether it is alive.
      const revive = () => {
        if (document.hidden) return;
        wake();
        if (silence() > SETTLED) refresh();
      };
      addEventListener("online", revive, { signal });
      addEventListener("pageshow", revive, { signal });
      addEventListener("offline", () => link.drop(1006), { signal });
      document.addEventListener("visibilitychange", revive, { signal });
      const tick = () => (performance.now() > refreshAt || (silence() > SILENCE && !document.hidden)) && refresh();
      const ticking = setInterval(tick, 15_000);
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
        if (visitor().conversation_id === old) await enter(undefined);
      });
      await link.follow();
    },
    async follow() {
      const { conversation_id } = visitor();
      if (connection && conversation_id && conversation_id !== conversation) await enter(conversation_id);
    },
    drop: (code) => connection?.drop(code),
  };
  return link;
};

/** A WebSocket that speaks JSON-RPC 2.0. @type {(url: string, notified: LinkEvents["notified"]) => Promise<Connection>} */
const dial = (url, notified) =>
  new Promise((dialled, failed) => {
    const socket = new WebSocket(url, "switchboard.v1");
    /** @type {Map<number, (error?: SwitchboardError, result?: any) => void>} */
    const waiting = new Map();
    let id = 0;
    let isOpen = true;
    let heardAt = performance.now();
    /** @type {(code: number) => void} */
    let end;

    socket.onclose = () => failed(disconnected());
    setTimeout(() => socket.readyState || socket.close(), 10_000);
    socket.onopen = () => {
      socket.onclose = ({ code }) => connection.drop(code);
      dialled(connection);
    };
    socket.onmessage = ({ data }) => {
      heardAt = performance.now();
      for (const { id, method, params, result, error } of [JSON.parse(data)].flat()) {
        if (method) notified(method, params);
        else waiting.get(id)?.(error && new SwitchboardError(error.data?.kind, error.message, error.data), result);
      }
    };

    /** @type {Connection} */
    const connection = {
      get isOpen() {
        return isOpen;
      },
      get heardAt() {
        return heardAt;
      },
      closed: new Promise((resolve) => (end = resolve)),
      put: (frame) => isOpen && socket.send(JSON.stringify({ jsonrpc: "2.0", ...frame })),
      request: (method, params, patience = 10_000) =>
        new Promise((resolve, reject) => {
          if (!isOpen) return reject(disconnected());
          const mine = ++id;
          const sentAt = performance.now();
          const timer = setTimeout(() => {
            waiting.get(mine)?.(new SwitchboardError("timeout", "The server took too long to answer."));
            // Nothing at all since: the network went away without telling the browser.
            if (heardAt < sentAt) connection.drop(1006);
          }, patience);
          waiting.set(mine, (error, result) => {
            clearTimeout(timer);
            waiting.delete(mine);
            error ? reject(error) : resolve(result);
          });
          connection.put({ id: mine, method, params });
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
