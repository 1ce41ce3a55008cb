/**
 * The dashboard: what `metrics.get` says of a period, as tiles and charts.
 *
 * Invariant: what is shown is of the period and mode that are chosen, and of a moment that is told.
 */
import { h } from "../widget/dom.js";
import { makeBars, makeChart } from "./charts.js";
import { clock, count, milliseconds, percent, rating, score, seconds, words } from "./format.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** Milliseconds. */
const REFRESH = 60_000;
/** @type {Record<string, [words: string, ms: number]>} */
const PERIODS = { "24h": ["Last 24 hours", DAY], "7d": ["Last 7 days", 7 * DAY], "30d": ["Last 30 days", 30 * DAY], "90d": ["Last 90 days", 90 * DAY], own: ["From … to …", 0] };

/** @type {(shell: Staff.Shell) => Staff.View} */
export const makeDashboard = ({ desk }) => {
  let asked = 0;
  let shown = false;
  const period = h("select", { ariaLabel: "Period" }, ...Object.entries(PERIODS).map(([value, [text]]) => h("option", { value, selected: value === "7d" }, text)));
  const from = h("input", { type: "date", ariaLabel: "From" });
  const to = h("input", { type: "date", ariaLabel: "To, included" });
  const own = h("span", { class: "dates", hidden: true }, from, "to", to);
  const mode = h("select", { ariaLabel: "Audience" }, ...[["", "All audiences"], ["customer", "Customers"], ["banker", "Bankers"]].map(([value, text]) => h("option", { value }, text)));
  const told = h("p", { class: "as-of", role: "status" });
  const body = h("div", { class: "dashboard-body" });
  const title = h("h1", { tabIndex: -1 }, "Dashboard");
  const element = h("section", { class: "page dashboard", ariaLabel: "Dashboard" }, h("header", null, title, told, h("div", { class: "selects" }, period, own, mode)), body);

  /** @returns {{from: Date, to: Date, bucket: "hour" | "day"}} */
  const range = () => {
    const ms = PERIODS[period.value][1];
    const end = ms || !to.value ? new Date() : new Date(+new Date(`${to.value}T00:00`) + DAY);
    const begin = ms || !from.value ? new Date(+end - (ms || 7 * DAY)) : new Date(`${from.value}T00:00`);
    return { from: begin, to: end, bucket: +end - +begin > 3 * DAY ? "day" : "hour" };
  };

  const look = async () => {
    if (!shown || desk.state !== "online") return;
    const mine = ++asked;
    const { from, to, bucket } = range();
    if (from >= to) return void (told.textContent = "The period ends before it begins.");
    body.ariaBusy = "true";
    try {
      const metrics = await desk.request("metrics.get", { from: from.toISOString(), to: to.toISOString(), bucket, ...(mode.value && { mode: mode.value }) });
      if (mine !== asked) return;
      draw(metrics, from, to, bucket === "hour");
      told.textContent = `As of ${clock(new Date().toISOString())}`;
    } catch (error) {
      if (mine !== asked || error.kind === "disconnected") return;
      told.textContent = "";
      const again = h("button", { class: "secondary", onclick: look }, "Try again");
      body.replaceChildren(h("div", { class: "blank", role: "alert" }, h("p", null, `The figures cannot be shown. ${error.message}`), again));
    } finally {
      body.ariaBusy = "false";
    }
  };

  /** @param {Staff.Metrics} it @param {Date} begin @param {Date} end @param {boolean} hourly */
  const draw = (it, begin, end, hourly) => {
    const series = filled(it.series, +begin, +end, hourly ? HOUR : DAY);
    const at = series.map(({ at }) => at);
    const rate = series.map(({ interactions, escalated }) => (interactions ? escalated / interactions : null));
    const total = it.total_interactions;
    /** @type {[string, string, string][]} */
    const tiles = [
      ["Turns of the assistant", count(total), `${count(it.resolved)} answered`],
      ["Escalation rate", percent(it.escalation_rate), `${count(it.escalated)} handed over`],
      ["Containment", percent(it.containment_rate), "settled without a person"],
      ["Confidence", score(it.avg_confidence), "on average"],
      ["First response", milliseconds(it.first_response_ms.p50), `95% within ${milliseconds(it.first_response_ms.p95)}`],
      ["Time to claim", seconds(it.time_to_claim_s.p50), `95% within ${seconds(it.time_to_claim_s.p95)}`],
      ["Satisfaction", it.csat.count ? `${rating(it.csat.average)} / 5` : "–", `${count(it.csat.count)} ratings`],
      ["Open now", count(it.open_escalations), `${count(it.active_conversations)} conversations active`],
    ];
    body.replaceChildren(
      h("dl", { class: "tiles" }, ...tiles.map(([name, value, more]) => h("div", { class: "tile" }, h("dt", null, name), h("dd", null, value, h("span", null, more))))),
      total ? h("div", { class: "charts" },
        makeChart({ title: "Turns", at, hourly, bars: true, format: count, series: [
          { name: "All", className: "s1", values: series.map(({ interactions }) => interactions) },
          { name: "Handed over", className: "s2", values: series.map(({ escalated }) => escalated) }] }),
        makeChart({ title: "Escalation rate and containment", at, hourly, format: percent, series: [
          { name: "Escalation", className: "s2", values: rate },
          { name: "Containment", className: "s1", values: rate.map((value) => (value == null ? null : 1 - value)) }] }),
        makeChart({ title: "Processing time, 95th percentile", at, hourly, format: milliseconds, series: [{ name: "95% within", className: "s3", values: series.map(({ p95_ms }) => p95_ms) }] }),
        makeBars("Topics", named(it.by_intent), total),
        makeBars("Triggers of hand-overs", named(it.by_trigger), it.escalated),
        makeBars("Categories", named(it.by_category), total)) : h("p", { class: "blank" }, "The assistant has not answered anybody in this period."),
      h("p", { class: "fine", hidden: !total }, `Processing: half within ${milliseconds(it.processing_ms.p50)}, 95% within ${milliseconds(it.processing_ms.p95)}, 99% within ${milliseconds(it.processing_ms.p99)}. ${count(it.errors)} errors.`));
  };

  period.onchange = () => {
    own.hidden = period.value !== "own";
    look();
  };
  from.onchange = to.onchange = mode.onchange = look;
  desk.on("online", look);
  setInterval(() => document.hidden || look(), REFRESH);
  body.replaceChildren(h("p", { class: "blank loading" }, "Loading"));

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

/** Buckets in which nothing happened are not told; a chart without them would lie about time. */
const filled = (/** @type {Staff.Bucket[]} */ series, /** @type {number} */ begin, /** @type {number} */ end, /** @type {number} */ size) => {
  const told = new Map(series.map((bucket) => [Date.parse(bucket.at), bucket]));
  const out = [];
  for (let at = Math.floor(begin / size) * size; at < end; at += size) {
    out.push(told.get(at) ?? { at: new Date(at).toISOString(), interactions: 0, escalated: 0, p95_ms: null });
  }
  return out;
};

/** @param {Staff.Counted[]} list @returns {[string, number][]} */
const named = (list) => list.map((it) => [words(it.name) || "None", it.interactions]);
