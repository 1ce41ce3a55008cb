/**
 * The log: every turn of the agent and what was decided in it, filtered, page by page, and as CSV.
 *
 * Invariant: the CSV holds what the filters ask for, not only what was shown, up to a limit that is told.
 */
import { h } from "../widget/dom.js";
import { dayAndTime, milliseconds, moment, score, words } from "./format.js";
import { csv, save } from "./save.js";

const PAGE = 50;
const CSV_PAGE = 200;
const CSV_MOST = 20_000;
const OUTCOMES = ["resolved", "asked", "refused", "escalated", "cancelled", "taken_over"];
/** @type {(keyof Staff.Interaction)[]} */
const COLUMNS = ["created_at", "conversation_id", "turn", "mode", "agent_name", "intent", "category", "confidence", "outcome", "trigger_type", "reason", "brain", "processing_time_ms", "user_message", "response", "id"];

/** @type {(shell: Staff.Shell) => Staff.View} */
export const makeInteractions = ({ desk, attempt, toast }) => {
  let asked = 0;
  let shown = false;
  /** @type {Staff.Interaction[]} */
  let rows = [];
  /** @type {string | null} */
  let next = null;
  let typing = 0;

  const outcome = h("select", { ariaLabel: "Outcome" }, h("option", { value: "" }, "Any outcome"), ...OUTCOMES.map((value) => h("option", { value }, words(value))));
  const mode = h("select", { ariaLabel: "Audience" }, ...[["", "All audiences"], ["customer", "Customers"], ["banker", "Bankers"]].map(([value, text]) => h("option", { value }, text)));
  const intent = h("input", { type: "search", placeholder: "Topic, as in lost_card", ariaLabel: "Topic", autocomplete: "off", spellcheck: false });
  const from = h("input", { type: "date", ariaLabel: "From" });
  const to = h("input", { type: "date", ariaLabel: "To, included" });
  const download = h("button", { class: "secondary" }, "Download CSV");
  const title = h("h1", { tabIndex: -1 }, "Decisions");
  const status = h("p", { class: "blank", role: "status" });
  const body = h("tbody");
  const head = h("tr", null, ...["When", "Asked", "Topic", "Outcome", "Confidence", "Took"].map((words) => h("th", { scope: "col" }, words)));
  const table = h("table", { class: "log-table" }, h("caption", { class: "sr" }, "What the assistant decided, the latest first"), h("thead", null, head), body);
  const more = h("button", { class: "quiet more", hidden: true }, "Show more");
  const element = h("section", { class: "page log-page", ariaLabel: "Decisions" },
    h("header", null, title, h("div", { class: "selects" }, outcome, mode, intent, h("span", { class: "dates" }, from, "to", to), download)),
    h("div", { class: "table-scroller", tabIndex: 0, role: "region", ariaLabel: "Table of decisions" }, table, status, more));

  /** @returns {Staff.InteractionFilter} */
  const filter = () => {
    const topic = intent.value.trim().toLowerCase().replace(/\s+/g, "_");
    const end = to.value && new Date(`${to.value}T00:00`);
    if (end) end.setDate(end.getDate() + 1);
    return {
      ...(outcome.value && { outcome: outcome.value }),
      ...(mode.value && { mode: mode.value }),
      ...(topic && { intent: topic }),
      ...(from.value && { from: new Date(`${from.value}T00:00`).toISOString() }),
      ...(end && { to: end.toISOString() }),
    };
  };

  const look = async (further = false) => {
    if (!shown || desk.state !== "online") return;
    const mine = ++asked;
    element.ariaBusy = "true";
    if (!rows.length) status.textContent = "Loading";
    try {
      const page = await desk.request("interaction.list", { ...filter(), limit: PAGE, cursor: further ? next : null });
      if (mine !== asked) return;
      rows = further ? [...rows, ...page.interactions] : page.interactions;
      next = page.next_cursor;
      draw();
    } catch (error) {
      if (mine !== asked || error.kind === "disconnected") return;
      rows = [];
      draw();
      status.hidden = false;
      status.textContent = `The log cannot be shown. ${error.message}`;
    } finally {
      element.ariaBusy = "false";
    }
  };

  const draw = () => {
    body.replaceChildren(...rows.map((row) => {
      const { conversation_id, turn, user_message, response, intent, outcome, trigger_type, reason, confidence, processing_time_ms, created_at, brain } = row;
      return h("tr", null,
        h("td", { class: "when" }, h("time", { dateTime: created_at, title: moment(created_at) }, dayAndTime(created_at))),
        h("td", { class: "question" }, h("a", { href: `#/inbox/all/${conversation_id}`, title: "Open the conversation", dir: "auto" }, user_message ?? `Turn ${turn}`), response ? h("span", { dir: "auto" }, response) : null),
        h("td", null, intent ? words(intent) : "–"),
        h("td", null, h("span", { class: `tag ${outcome}` }, words(outcome)), trigger_type ? h("span", { class: "under", title: reason ?? "" }, words(trigger_type)) : null),
        h("td", { class: "number" }, score(confidence)),
        h("td", { class: "number", title: brain ?? "" }, milliseconds(processing_time_ms)));
    }));
    status.hidden = rows.length > 0;
    status.textContent = "Nothing was decided that fits these filters.";
    more.hidden = !next;
    table.hidden = !rows.length;
  };

  download.onclick = async () => {
    download.ariaDisabled = "true";
    const asked = filter();
    /** @type {Staff.Interaction[]} */
    const all = [];
    /** @type {string | null} */
    let cursor = null;
    do {
      /** @type {Staff.Methods["interaction.list"]["result"] | undefined} */
      const page = await attempt(desk.request("interaction.list", { ...asked, limit: CSV_PAGE, cursor }));
      // A part would pass for the whole.
      if (!page) return void (download.ariaDisabled = "false");
      all.push(...page.interactions);
      cursor = page.next_cursor;
      download.textContent = `${all.length} rows`;
    } while (cursor && all.length < CSV_MOST);
    download.textContent = "Download CSV";
    download.ariaDisabled = "false";
    save(`decisions-${new Date().toISOString().slice(0, 10)}.csv`, "text/csv", csv(COLUMNS, all.map((row) => COLUMNS.map((name) => row[name]))));
    toast(cursor ? `Saved the latest ${all.length} rows; there are more: choose a shorter period.` : `Saved ${all.length} rows.`);
  };
  outcome.onchange = mode.onchange = from.onchange = to.onchange = () => look();
  intent.oninput = () => {
    clearTimeout(typing);
    typing = setTimeout(look, 300);
  };
  more.onclick = () => look(true);
  desk.on("online", () => look());

  return {
    element,
    show() {
      shown = true;
      title.focus({ preventScroll: true });
      look();
    },
    hide() {
      shown = false;
    },
  };
};
