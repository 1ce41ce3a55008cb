/** Words for what the protocol has names for; times and numbers as the reader writes them. */

const lang = navigator.language;

const date = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short" });
const time = new Intl.DateTimeFormat(lang, { timeStyle: "short" });
const full = new Intl.DateTimeFormat(lang, { dateStyle: "full", timeStyle: "long" });
const whole = new Intl.NumberFormat(lang);
const share = new Intl.NumberFormat(lang, { style: "percent", maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat(lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

/** @param {string} unit @param {number} n */
const narrow = (unit, n) => new Intl.NumberFormat(lang, { style: "unit", unit, unitDisplay: "narrow", maximumFractionDigits: n < 10 ? 1 : 0 }).format(n);

/** @param {(value: number) => string} format @returns {(value: number | null | undefined) => string} */
const orNone = (format) => (value) => (value == null || !Number.isFinite(value) ? "–" : format(value));

export const count = orNone((n) => whole.format(n));
export const percent = orNone((n) => share.format(n));
export const score = orNone((n) => exact.format(n));
export const rating = orNone((n) => new Intl.NumberFormat(lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(n));

export const milliseconds = orNone((ms) => {
  if (ms < 1000) return narrow("millisecond", Math.round(ms));
  return seconds(ms / 1000);
});

export const seconds = orNone((s) => {
  if (s < 90) return narrow("second", s);
  if (s < 5400) return narrow("minute", s / 60);
  if (s < 129_600) return narrow("hour", s / 3600);
  return narrow("day", s / 86_400);
});

/** How long ago, short: it stands in a narrow column, and is told anew every few seconds. */
export const age = (at = "", now = Date.now()) => {
  const s = Math.max(0, Math.round((now - Date.parse(at)) / 1000));
  if (s < 60) return "now";
  if (s < 3600) return narrow("minute", Math.floor(s / 60));
  if (s < 86_400) return narrow("hour", Math.floor(s / 3600));
  if (s < 2_592_000) return narrow("day", Math.floor(s / 86_400));
  return date.format(new Date(at));
};

export const moment = (at = "") => full.format(new Date(at));
export const clock = (at = "") => time.format(new Date(at));
export const dayAndTime = (at = "") => `${date.format(new Date(at))}, ${clock(at)}`;

const utcDate = new Intl.DateTimeFormat(lang, { day: "numeric", month: "short", timeZone: "UTC" });
/** Of a figure: the server's days are those of UTC. */
export const utcDay = (at = "") => utcDate.format(new Date(at));

/** Today, yesterday, or the day itself. */
export const day = (at = "") => {
  const then = new Date(new Date(at).toDateString());
  const ago = Math.round((+new Date(new Date().toDateString()) - +then) / 86_400_000);
  const word = ago < 2 && new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(-ago, "day");
  return word ? word[0].toUpperCase() + word.slice(1) : then.toLocaleDateString(lang, { weekday: "long", day: "numeric", month: "long" });
};

/** @type {Record<string, string>} */
const WORDS = {
  human_only: "For people only",
  sensitive: "Sensitive",
  low_confidence: "Low confidence",
  insufficient_evidence: "No evidence",
  user_request: "Asked for a person",
  agent_error: "Agent failed",
  staff_takeover: "Taken over",
  guard: "Stopped by guard",
  pending: "Waiting",
  notified: "Waiting, team told",
  in_progress: "In progress",
  resolved: "Resolved",
  active: "Assistant answers",
  waiting: "Waiting",
  with_staff: "With a person",
  closed: "Closed",
  asked: "Asked back",
  refused: "Refused",
  escalated: "Handed over",
  cancelled: "Cancelled",
  taken_over: "Taken over",
  automatable: "Automatable",
  contact_details: "contact details",
  online: "Online",
  away: "Away",
  offline: "Offline",
};

/** The words for a name of the protocol; `lost_card` becomes “Lost card” where there are none. */
export const words = (name = /** @type {string | null | undefined} */ ("")) => {
  const plain = (name ?? "").replaceAll("_", " ");
  return WORDS[name ?? ""] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
};

export const priority = (rank = 0) => (rank >= 2 ? "Urgent" : rank === 1 ? "High" : rank < 0 ? "Low" : "Normal");

/** @param {Pick<Staff.Escalation, "contact_info" | "conversation_id"> | undefined} it */
export const visitorName = (it, id = it?.conversation_id ?? "") => {
  const { name, email } = it?.contact_info ?? {};
  return name || email || `Visitor ${id.slice(-4)}`;
};
