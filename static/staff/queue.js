/**
 * The queue: who waits, who has whom, and what was settled.
 *
 * Invariant: a row keeps its place and its focus while others change around it; ages tick without a row being made
 * anew.
 */
import { h, icon, makeList } from "../widget/dom.js";
import { age, moment, priority, visitorName, words } from "./format.js";
import { DOWN, SEARCH, UP } from "./icons.js";

const TRIGGERS = ["user_request", "human_only", "sensitive", "low_confidence", "insufficient_evidence", "agent_error", "guard", "staff_takeover"];
const PAGE = 50;
/** Milliseconds. Lists that nobody notifies us of are asked for again. */
const REFRESH = 20_000;

/** @type {Record<string, {words: string, empty: string}>} */
export const VIEWS = {
  unassigned: { words: "Unassigned", empty: "Nobody is waiting. New requests come in here by themselves." },
  mine: { words: "Mine", empty: "Nothing is assigned to you. Claim somebody from Unassigned." },
  open: { words: "All open", empty: "Nothing is open. Well done." },
  resolved: { words: "Resolved", empty: "Nothing has been resolved yet." },
  all: { words: "Conversations", empty: "There is no conversation yet." },
};

/**
 * How many are in a view, in a link to it. The number changes in place: a link that is made anew between press and release is
 * not followed.
 * @param {string} view
 */
export const tally = (view) => h("span", { class: "count", "data-view": view, hidden: true });

/** @param {HTMLElement} element around tallies @param {Record<string, number>} counts */
export const count = (element, counts) => {
  for (const number of /** @type {NodeListOf<HTMLElement>} */ (element.querySelectorAll(".count"))) {
    const n = counts[number.dataset.view ?? ""] ?? 0;
    number.hidden = !n;
    if (number.textContent !== `${n}`) number.textContent = `${n}`;
  }
};

/** @typedef {{key: string, conversation_id: string, name: string, text: string, at: string, it?: Staff.Escalation, state?: Desk.State}} Row */

/** @type {(shell: Staff.Shell) => Staff.View & {counts(): Record<string, number>, move(by: number): void, focus(): void, select(view: string, id?: string): void}} */
export const makeQueue = ({ desk, attempt }) => {
  let view = "unassigned";
  let selected = "";
  /** Rows of a list that is fetched, and how it goes on. @type {{rows: Row[], next: string | null, done: boolean}} */
  let fetched = { rows: [], next: null, done: false };
  let shown = false;
  let drawing = false;
  let looking = 0;
  let searching = 0;

  const search = h("input", { type: "search", placeholder: "Search", ariaLabel: "Search the queue", autocomplete: "off" });
  const trigger = h("select", { ariaLabel: "Trigger" }, h("option", { value: "" }, "Any trigger"), ...TRIGGERS.map((value) => h("option", { value }, words(value))));
  const sort = h("select", { ariaLabel: "Order" }, ...[["urgent", "Urgent first"], ["oldest", "Oldest first"], ["newest", "Newest first"]].map(([value, text]) => h("option", { value }, text)));
  const status = h("p", { class: "queue-status", role: "status" });
  const list = makeList(h("ol", { class: "rows" }));
  const more = h("button", { class: "quiet more", hidden: true }, "Show more");
  const title = h("h1", { tabIndex: -1 });
  const tabs = makeList(h("nav", { class: "view-tabs", ariaLabel: "Views" }));
  const scroller = h("div", { class: "queue-rows", tabIndex: -1 }, list.element, status, more);
  const element = h("section", { class: "queue", ariaLabel: "Queue" },
    h("header", null, title),
    tabs.element,
    h("div", { class: "filters" }, h("label", { class: "search" }, icon(...SEARCH), search), h("div", { class: "selects" }, trigger, sort)),
    scroller);

  const isFetched = () => view === "resolved" || view === "all";

  /** @type {Record<string, (it: Staff.Escalation) => boolean>} */
  const belongs = {
    unassigned: (it) => it.status !== "resolved" && !it.assignee,
    mine: (it) => it.status !== "resolved" && it.assignee?.id === desk.me.id,
    open: (it) => it.status !== "resolved",
  };

  /** @param {Staff.Escalation} it @returns {Row} */
  const rowOf = (it) => ({ key: it.id, conversation_id: it.conversation_id, name: visitorName(it), text: it.original_request ?? it.summary ?? it.reason ?? "", at: it.resolved_at ?? it.created_at, it });
  /** @param {Desk.State} state @returns {Row} */
  const rowOfState = (state) => {
    const it = desk.escalationOf(state.conversation_id);
    return { key: state.conversation_id, conversation_id: state.conversation_id, name: visitorName(it, state.conversation_id), text: it?.original_request ?? "", at: state.updated_at, state };
  };

  const rows = () => {
    let all = isFetched() ? fetched.rows : desk.escalations.filter(belongs[view]).map(rowOf);
    if (view === "resolved") {
      // What was resolved just now is there before it is asked for.
      const known = new Map(all.map((row) => [row.key, row]));
      for (const it of desk.escalations) if (it.status === "resolved") known.set(it.id, rowOf(it));
      all = [...known.values()];
    }
    if (view !== "all") {
      const wanted = search.value.trim().toLowerCase();
      all = all.filter(({ it, name, text }) => (!trigger.value || it?.trigger_type === trigger.value) && (!wanted || [name, text, it?.issue_type, it?.contact_info?.email].join(" ").toLowerCase().includes(wanted)));
    }
    const by = { oldest: (/** @type {Row} */ a, /** @type {Row} */ b) => a.at.localeCompare(b.at), newest: (/** @type {Row} */ a, /** @type {Row} */ b) => b.at.localeCompare(a.at) };
    if (isFetched()) return all.sort(by.newest);
    if (sort.value === "newest") return all.sort(by.newest);
    return all.sort((a, b) => (sort.value === "urgent" && (b.it?.priority ?? 0) - (a.it?.priority ?? 0)) || by.oldest(a, b));
  };

  const look = async (further = false) => {
    const asked = ++looking;
    const cursor = further ? fetched.next : null;
    const query = search.value.trim();
    /** @type {Row[]} */
    let found;
    /** @type {string | null} */
    let next;
    try {
      if (view === "resolved") {
        const page = await desk.request("escalation.list", { statuses: ["resolved"], limit: PAGE, cursor });
        found = page.escalations.map(rowOf);
        next = page.next_cursor;
      } else {
        const page = await desk.request("conversation.list", { limit: PAGE, cursor, ...(query && { query }) });
        found = page.conversations.map(rowOfState);
        next = page.next_cursor;
      }
    } catch (error) {
      // The next session asks again.
      if (error.kind !== "disconnected" && asked === looking) attempt(Promise.reject(error));
      return;
    }
    if (asked !== looking) return;
    fetched = { rows: further ? [...fetched.rows, ...found] : found, next, done: true };
    draw();
  };

  /** @param {Row} row */
  const make = ({ conversation_id, name, text, at, it, state }) => {
    const rank = it?.priority ?? 0;
    const mine = it?.assignee?.id === desk.me.id;
    const who = it?.assignee ?? state?.assignee;
    const tags = [
      rank !== 0 && h("span", { class: `tag priority p${Math.max(-1, Math.min(2, rank))}` }, icon(...(rank > 0 ? UP : DOWN)), priority(rank)),
      it && h("span", { class: "tag" }, words(it.trigger_type)),
      state && h("span", { class: `tag ${state.status}` }, words(state.status)),
      who && h("span", { class: `tag who ${mine ? "mine" : ""}` }, mine ? "You" : who.name ?? "A colleague"),
    ];
    const time = h("time", { dateTime: at, title: moment(at) }, age(at));
    const link = h("a", { href: `#/inbox/${view}/${conversation_id}`, class: "row" },
      h("span", { class: "row-top" }, h("span", { class: "name" }, h("bdi", null, name)), time),
      text && h("span", { class: "row-text", dir: "auto" }, text),
      h("span", { class: "row-tags" }, ...tags));
    if (conversation_id === selected) link.ariaCurrent = "true";
    return h("li", null, link);
  };

  const tick = () => {
    const now = Date.now();
    for (const time of list.element.querySelectorAll("time")) {
      const words = age(time.dateTime, now);
      if (time.textContent !== words) time.textContent = words;
    }
  };

  const draw = async () => {
    if (drawing || !shown) return;
    drawing = true;
    await null;
    drawing = false;
    const all = rows();
    const focused = links().indexOf(/** @type {any} */ (document.activeElement));
    list.render(all.map((row) => [row.key, JSON.stringify([view, row.it?.version, row.state?.version, row.name, row.conversation_id === selected]), () => make(row)]), true);
    // Whoever stood on a row that went, or was made anew, stands on the one in its place.
    if (focused >= 0 && document.activeElement === document.body) links()[Math.min(focused, all.length - 1)]?.focus();
    title.textContent = VIEWS[view].words;
    const loaded = isFetched() ? fetched.done : desk.loaded;
    const filtered = search.value.trim() || trigger.value;
    status.hidden = loaded && all.length > 0;
    status.className = `queue-status ${loaded || desk.refused ? "" : "loading"}`;
    status.textContent = desk.refused ? `The queue cannot be shown. ${desk.refused.message}` : !loaded ? "Loading" : filtered ? "Nothing matches these filters." : VIEWS[view].empty;
    more.hidden = !isFetched() || !fetched.next;
    trigger.hidden = sort.hidden = view === "all";
    sort.hidden ||= view === "resolved";
    tabs.render(tabLinks());
    count(tabs.element, counts());
  };

  const counts = () => Object.fromEntries(Object.entries(belongs).map(([name, test]) => [name, desk.escalations.filter(test).length]));

  const tabLinks = () => Object.entries(VIEWS).map(([name, { words }]) => /** @type {Desk.Item} */ ([name, `${name === view}`, () => h("a", { href: `#/inbox/${name}`, ...(name === view && { ariaCurrent: "page" }) }, words, tally(name))]));

  const links = () => /** @type {HTMLAnchorElement[]} */ ([...list.element.querySelectorAll("a.row")]);

  desk.on("queue", draw);
  desk.on("online", () => isFetched() && shown && look());
  search.oninput = () => {
    if (view === "all") {
      clearTimeout(searching);
      searching = setTimeout(look, 250);
    } else draw();
  };
  trigger.onchange = sort.onchange = draw;
  more.onclick = () => look(true);
  setInterval(tick, 5000);
  setInterval(() => shown && isFetched() && !document.hidden && desk.state === "online" && fetched.rows.length <= PAGE && look(), REFRESH);

  return {
    element,
    counts,
    show() {
      shown = true;
      draw();
    },
    hide() {
      shown = false;
    },
    select(name, id = "") {
      selected = id;
      if (name !== view) {
        view = name;
        fetched = { rows: [], next: null, done: false };
        looking++;
        scroller.scrollTop = 0;
      }
      if (isFetched() && !fetched.done && desk.state === "online") look();
      draw();
    },
    move(by) {
      const all = links();
      const at = all.indexOf(/** @type {any} */ (document.activeElement));
      const from = at >= 0 ? at : all.findIndex((link) => link.ariaCurrent);
      all[Math.max(0, Math.min(all.length - 1, from < 0 ? 0 : from + by))]?.focus();
    },
    focus() {
      (links().find((link) => link.ariaCurrent) ?? links()[0] ?? title).focus();
    },
  };
};
