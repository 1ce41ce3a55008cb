/**
 * Who is signed in: passwords become tokens, and tokens newer ones.
 *
 * Invariants: the access token is in memory only, and no token is ever in an address. A refresh token is used
 * once, so tabs that share one take turns.
 */
import { SwitchboardError } from "../client/link.js";

const KEY = "switchboard-staff:refresh";
const TAB = "switchboard-staff:tab";
/** Milliseconds. So long before its end a token is renewed, or after half of its life. */
const EARLY = 300_000;
/** No token lives shorter: where it seems so, the clocks disagree. */
const SHORTEST = 60_000;
const AGAIN = 30_000;
/** For the page before a reload to be gone. */
const SHORT = 1000;

/** @type {(server: URL, renewed: () => void, ended: () => void) => Staff.Session} */
export const openSession = (server, renewed, ended) => {
  /** @type {Staff.LoggedIn | null} */
  let now = null;
  /** When the access token is to be renewed. */
  let renewAt = 0;
  let timer = 0;
  /** @type {Promise<void> | null} */
  let refreshing = null;
  /** @type {Promise<void> | null} */
  let owning = null;

  const place = () => (sessionStorage.getItem(KEY) ? sessionStorage : localStorage);
  const held = () => place().getItem(KEY);

  /** @param {Staff.LoggedIn} issued */
  const keep = (issued, store = place()) => {
    now = issued;
    store.setItem(KEY, issued.refresh_token);
    const left = Math.max(Date.parse(issued.expires_at) - Date.now(), SHORTEST);
    renewAt = Date.now() + left - Math.min(EARLY, left / 2);
    // Timers may be early.
    wait(renewAt - Date.now() + 50);
  };

  /** Renews in so many milliseconds, and tries again where that fails. */
  const wait = (ms = AGAIN) => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      try {
        await session.fresh();
        renewed();
      } catch (error) {
        if (error.kind === "unauthenticated") ended();
        else wait();
      }
    }, ms);
  };

  const forget = () => {
    clearTimeout(timer);
    now = null;
    renewAt = 0;
    place().removeItem(KEY);
  };

  /** A duplicated tab has a copy of the token: the first goes on with it, the other signs in. */
  const own = async () => {
    const tab = sessionStorage.getItem(KEY) && sessionStorage.getItem(TAB);
    if (!tab || !navigator.locks) return;
    const isOurs = await new Promise((done) => {
      const forLife = () => {
        done(true);
        return new Promise(() => {});
      };
      navigator.locks.request(tab, { signal: AbortSignal.timeout(SHORT) }, forLife).catch(() => done(false));
    });
    if (!isOurs) sessionStorage.removeItem(KEY);
  };

  /** @param {string} path @param {object} body */
  const post = async (path, body) => {
    const headers = { "content-type": "application/json" };
    let response;
    try {
      response = await fetch(new URL(`api/auth/${path}`, server), { method: "POST", headers, body: JSON.stringify(body) });
    } catch {
      throw new SwitchboardError("disconnected", "The server cannot be reached.");
    }
    const answer = await response.json().catch(() => ({}));
    if (response.ok) return answer;
    const { message = "The server answers with something that is not understood.", data } = answer.error ?? answer;
    throw new SwitchboardError(data?.kind ?? (response.status === 401 ? "unauthenticated" : "unavailable"), message, data);
  };

  /** Plain http has no locks. @param {() => Promise<void>} work @returns {Promise<void>} */
  const takingTurns = async (work) => (navigator.locks ? navigator.locks.request(KEY, work) : work());

  const refresh = async () => {
    await (owning ??= own());
    const refresh_token = held();
    if (!refresh_token) throw new SwitchboardError("unauthenticated", "Please sign in.");
    try {
      const issued = await post("refresh", { refresh_token });
      // Another tab may have signed in as somebody else.
      if (now && issued.user.id !== now.user.id) ended();
      keep(issued);
    } catch (error) {
      if (error.kind === "unauthenticated") forget();
      throw error;
    }
  };

  addEventListener("storage", ({ key, newValue }) => {
    // Signed out in another tab.
    if (key !== KEY || newValue || sessionStorage.getItem(KEY) || !now) return;
    forget();
    ended();
  });

  /** @type {Staff.Session} */
  const session = {
    get now() {
      return now;
    },
    get known() {
      return Boolean(held());
    },
    async login(email, password, kept) {
      const issued = await post("login", { email, password });
      sessionStorage.removeItem(KEY);
      sessionStorage.setItem(TAB, `${KEY}:${Math.random()}`);
      keep(issued, kept ? localStorage : sessionStorage);
      owning = own();
    },
    async fresh() {
      if (now && Date.now() < renewAt) return;
      refreshing ??= takingTurns(refresh).finally(() => (refreshing = null));
      await refreshing;
    },
    spent: () => void (renewAt = 0),
    async logout() {
      const refresh_token = held();
      forget();
      // Should it fail, the token runs out by itself.
      if (refresh_token) await post("logout", { refresh_token }).catch(() => {});
    },
  };
  return session;
};
