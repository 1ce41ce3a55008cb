/**
 * The list of messages: what was said, what waits to be sent, what is being written.
 *
 * Invariant: an item's element is made anew only when its signature changes, so a long history costs
 * nothing while an answer streams in, and a pending message becomes a sent one in its place.
 */
import { h, link, mark, markdown, plain } from "./dom.js";
import { fill } from "./texts.js";

/** @import { Child, Citation, Entry, Log, Message, Scene, Words } from "../types.js" */
/** @typedef {[key: string, sign: string, make: () => HTMLElement]} Item */

/** Messages of one speaker within this many milliseconds share a name and a time. */
const TOGETHER = 300_000;

/** @type {() => Log} */
export const makeLog = () => {
  /** @type {Map<string, {sign: string, element: HTMLElement}>} */
  let shown = new Map();
  let streamed = h("div");

  /** @param {Scene} scene @returns {Item[]} */
  const items = (scene) => {
    const { desk, texts, lang, typist } = scene;
    const { messages, greeting, stream } = desk;
    const pending = desk.pending.filter(({ client_id }) => !messages.some((message) => message.client_id === client_id));
    /** @type {Item[]} */
    const out = [];
    if (desk.hasMore) out.push(["earlier", lang, () => h("li", { class: "earlier" }, h("button", { onclick: () => desk.loadOlder() }, texts.earlier))]);
    else if (greeting) out.push(["greeting", greeting + texts.assistant, () => incoming("assistant", texts.assistant, "first last", markdown(greeting))]);
    else if (!messages.length && !pending.length) out.push(["empty", texts.empty, () => h("li", { class: "empty" }, mark(), texts.empty)]);

    const today = dayOf(new Date());
    const days = messages.map(({ created_at }) => dayOf(new Date(created_at)));
    const apart = (/** @type {number} */ at) => days[at] !== days[at + 1] || !together(messages[at], messages[at + 1]);
    const lastOwn = messages.findLastIndex(({ role }) => role === "user");
    messages.forEach((message, at) => {
      const { id, client_id, seq, created_at } = message;
      if (days[at] !== days[at - 1]) out.push([`day ${seq}`, days[at] + today + lang, () => h("li", { class: "day" }, h("span", null, dayName(created_at, scene)))]);
      const kind = `${apart(at - 1) ? "first" : ""} ${apart(at) ? "last" : ""}`;
      const receipt = at === lastOwn ? (desk.read.staff >= seq ? texts.seen : texts.sent) : "";
      // A message keeps the place it had while it was pending.
      out.push([client_id ?? id, id + kind + receipt + lang, () => said(message, kind, receipt, scene)]);
    });
    const waits = desk.state !== "online" || desk.held ? texts.kept : texts.sending;
    for (const entry of pending) out.push([entry.client_id, waits + entry.failed?.kind, () => unsent(entry, waits, scene)]);
    if (stream) {
      out.push(["stream", stream.message_id + lang, () => {
        const element = incoming("assistant", texts.assistant, "stream first last", markdown(stream.text));
        streamed = /** @type {HTMLDivElement} */ (element.lastElementChild);
        element.append(h("button", { class: "act meta", onclick: () => desk.cancelTurn().catch(() => {}) }, texts.stop));
        return element;
      }]);
    } else if (typist) {
      const name = typist.name ?? texts[typist.role];
      const dots = () => h("span", { class: "dots", role: "img", ariaLabel: fill(texts.typing, { name }) }, h("i"), h("i"), h("i"));
      out.push(["typing", name, () => incoming(typist.role, name, "first last typing", [dots()])]);
    }
    return out;
  };

  /** @type {Log} */
  const log = {
    element: h("ol", { class: "list", part: "messages" }),
    lively: false,
    render(scene) {
      const before = shown;
      const list = items(scene);
      shown = new Map();
      const keys = new Set(list.map(([key]) => key));
      for (const [key, { element }] of before) if (!keys.has(key)) element.remove();
      let next = log.element.firstElementChild;
      for (const [key, sign, make] of list) {
        const was = before.get(key);
        let element = was?.element;
        if (!element || was?.sign !== sign) {
          element = make();
          if (!was && log.lively) element.classList.add("enter");
          if (was && was.element === next) next = element;
          was?.element.replaceWith(element);
        }
        shown.set(key, { sign, element });
        if (element === next) next = next.nextElementSibling;
        else log.element.insertBefore(element, next);
      }
    },
    stream(text) {
      streamed.replaceChildren(...markdown(text));
      return shown.has("stream");
    },
  };
  return log;
};

/** @param {"assistant" | "staff"} role @param {string} name @param {string} kind @param {Node[]} content @param {...Child} rest */
function incoming(role, name, kind, content, ...rest) {
  const first = kind.includes("first");
  const body = h("div", { class: "text", dir: "auto" }, ...content);
  return h("li", { class: `in ${role} ${kind}`, part: `message ${role}` }, first && h("span", { class: "jack" }), h("span", { class: first ? "name" : "sr" }, name), body, ...rest);
}

/** @param {string} kind @param {string} content @param {Words} texts @param {...Child} rest */
function outgoing(kind, content, texts, ...rest) {
  const body = h("div", { class: "text", dir: "auto" }, ...plain(content));
  return h("li", { class: `out ${kind}`, part: "message user" }, h("span", { class: "sr" }, texts.you), body, ...rest);
}

/** @param {Message} message @param {string} kind @param {string} receipt @param {Scene} scene */
function said({ role, content, citations, author, created_at }, kind, receipt, { texts, lang }) {
  if (role === "system") return h("li", { class: "note", dir: "auto" }, h("span", null, content));
  const at = new Date(created_at);
  const time = h("time", { dateTime: created_at, title: at.toLocaleString(lang) }, at.toLocaleTimeString(lang, { timeStyle: "short" }));
  const meta = (kind.includes("last") || receipt) && h("div", { class: "meta" }, time, receipt && ` · ${receipt}`);
  if (role === "user") return outgoing(kind, content, texts, meta);
  const text = markdown(content, (number) => citations.filter((cited) => cited.number === number).map(chip)[0]);
  const sources = citations.map((cited) => h("li", null, chip(cited), link(cited.url, cited.title || cited.source)));
  return incoming(role, author?.name ?? texts[role], kind, text, sources.length > 0 && h("ol", { class: "sources", ariaLabel: texts.sources }, ...sources), meta);
}

/** @param {Entry} entry @param {string} waits @param {Scene} scene */
function unsent({ client_id, content, failed }, waits, { desk, texts }) {
  if (!failed) return outgoing("last pending", content, texts, h("div", { class: "meta" }, waits));
  const why = `${texts.failed} ${texts.errors[failed.kind] ?? failed.message}`;
  const retry = h("button", { class: "act", onclick: () => desk.retry(client_id) }, texts.tryAgain);
  const discard = h("button", { class: "act", onclick: () => desk.discard(client_id) }, texts.discard);
  return outgoing("last failed", content, texts, h("div", { class: "meta", role: "alert" }, why, h("br"), retry, discard));
}

/** @param {Citation} citation */
function chip({ number, title, source, url }) {
  const element = link(url, String(number));
  element.className = "cite";
  element.title = title || source;
  return element;
}

/** @param {Message} a @param {Message} b */
const together = (a, b) => a.role === b.role && a.author?.id === b.author?.id && Date.parse(b.created_at) - Date.parse(a.created_at) < TOGETHER;

/** @param {Date} date */
const dayOf = (date) => date.toDateString();

/** @param {string} created_at @param {Scene} scene */
function dayName(created_at, { texts, lang }) {
  const [date, now] = [new Date(created_at), new Date()];
  if (dayOf(date) === dayOf(now)) return texts.today;
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  now.setDate(now.getDate() - 1);
  return dayOf(date) === dayOf(now) ? texts.yesterday : date.toLocaleDateString(lang, { weekday: "long", day: "numeric", month: "long", year });
}
