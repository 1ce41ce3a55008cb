/**
 * The parts of the panel: the list of messages, and the foot, where one writes.
 *
 * Invariant: a pending message becomes a sent one in its place.
 */
import { LONGEST_MESSAGE } from "../client.js";
import { h, icon, link, makeList, mark, markdown, plain } from "./dom.js";
import { en, fill } from "./texts.js";

/** Milliseconds within which a speaker's messages share a name and a time. */
const TOGETHER = 300_000;
/** So few characters left are spoken of. */
const TELL = 500;
const STAR = "M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8-4.2-4.1 5.8-.8z";

/** @type {() => Desk.Log} */
export const makeLog = () => {
  const list = makeList(h("ol", { class: "list", part: "messages" }));
  /** @type {Desk.Scene} */
  let { desk, texts, lang, typist } = /** @type {any} */ ({});
  /** @type {Element | null} */
  let streamed = null;

  const items = () => {
    const { messages, greeting, stream, pending } = desk;
    /** @type {Desk.Item[]} */
    const out = [];
    const unsaid = pending.filter(({ client_id }) => !messages.some((message) => message.client_id === client_id));
    if (desk.hasMore) out.push(["earlier", "", () => h("li", { class: "earlier" }, h("button", { onclick: desk.loadOlder }, texts.earlier))]);
    else if (greeting) out.push(["greeting", greeting, () => incoming("assistant", texts.title, "first last", markdown(greeting))]);
    else if (!messages.length && !unsaid.length) out.push(["empty", "", () => h("li", { class: "empty" }, mark(), texts.empty)]);

    const today = dayOf();
    const days = messages.map(({ created_at }) => dayOf(new Date(created_at)));
    const apart = (at = 0) => {
      const [a, b] = messages.slice(at, at + 2);
      return days[at] !== days[at + 1] || a.role !== b.role || a.author?.id !== b.author?.id || Date.parse(b.created_at) - Date.parse(a.created_at) > TOGETHER;
    };
    const lastOwn = messages.findLastIndex(({ role }) => role === "user");
    messages.forEach((message, at) => {
      const { id, client_id, seq } = message;
      if (days[at] !== days[at - 1]) out.push([`day ${seq}`, days[at] + today, () => h("li", { class: "day" }, h("span", null, dayName(days[at])))]);
      const kind = `${apart(at - 1) ? "first" : ""} ${apart(at) ? "last" : ""}`;
      const receipt = at === lastOwn ? (desk.read.staff >= seq ? texts.seen : texts.sent) : "";
      // A message keeps the place it had while it was pending.
      out.push([client_id ?? id, id + kind + receipt, () => said(message, kind, receipt)]);
    });
    const waiting = desk.state !== "online" || desk.held ? texts.kept : texts.sending;
    for (const entry of unsaid) {
      const waits = entry.journaled ? texts.sent : waiting;
      out.push([entry.client_id, waits + entry.failed?.kind, () => unsent(entry, waits)]);
    }
    if (stream) {
      out.push(["stream", stream.message_id, () => {
        const stop = h("button", { class: "act meta", onclick: () => desk.cancelTurn().catch(() => {}) }, texts.stop);
        const element = incoming("assistant", null, "stream first last", markdown(stream.text), stop);
        streamed = stop.previousElementSibling;
        return element;
      }]);
    } else if (typist) {
      const { role, name } = typist;
      const label = fill(texts.typing, { name: name ?? texts[role] });
      out.push(["typing", label, () => incoming(role, name, "first last typing", [h("span", { class: "dots", role: "img", ariaLabel: label }, h("i"), h("i"), h("i"))])]);
    }
    return out;
  };

  /** @type {Desk.Incoming} */
  const incoming = (role, name, kind, content, ...rest) => {
    const first = kind.includes("first");
    const who = h("span", { class: first ? "name" : "sr" }, name ?? texts[role]);
    return h("li", { class: `in ${role} ${kind}`, part: `message ${role}` }, first && h("span", { class: "jack" }), who, h("div", { class: "text", dir: "auto" }, ...content), ...rest);
  };

  /** @param {...Desk.Child} rest */
  const outgoing = (kind = "", content = "", ...rest) =>
    h("li", { class: `out ${kind}`, part: `message user ${kind}` }, h("span", { class: "sr" }, texts.you), h("div", { class: "text" }, ...plain(content)), ...rest);

  /** @param {Desk.Message} message */
  const said = ({ role, content, citations, author, created_at }, kind = "", receipt = "") => {
    if (role === "system") return h("li", { class: "note", dir: "auto" }, h("span", null, content));
    const at = new Date(created_at);
    const time = h("time", { dateTime: created_at, title: at.toLocaleString(lang) }, at.toLocaleTimeString(lang, { timeStyle: "short" }));
    const meta = (kind.includes("last") || receipt) && h("div", { class: "meta" }, time, receipt && ` · ${receipt}`);
    if (role === "user") return outgoing(kind, content, meta);
    const text = markdown(content, (number) => citations.filter((cited) => cited.number === number).map(chip)[0]);
    const sources = citations.map((cited) => h("li", null, chip(cited), link(cited.url, cited.title || cited.source)));
    return incoming(role, author?.name, kind, text, sources.length > 0 && h("ol", { class: "sources", ariaLabel: texts.sources }, ...sources), meta);
  };

  /** @param {Desk.Entry} entry */
  const unsent = ({ client_id, content, failed, journaled }, waits = "") => {
    if (!failed) return outgoing(`last${journaled ? "" : " pending"}`, content, h("div", { class: "meta" }, waits));
    const why = `${texts.failed} ${texts.errors[failed.kind] ?? failed.message}`;
    const retry = h("button", { class: "act", onclick: () => desk.retry(client_id) }, texts.tryAgain);
    const discard = h("button", { class: "act", onclick: () => desk.discard(client_id) }, texts.discard);
    return outgoing("last failed", content, h("div", { class: "meta", role: "alert" }, why, h("br"), retry, discard));
  };

  const dayName = (day = "") => {
    const date = new Date(day);
    // Not every day has 24 hours.
    const ago = Math.round((Date.parse(dayOf()) - +date) / 86_400_000);
    if (ago < 2) return new Intl.RelativeTimeFormat(lang, { numeric: "auto" }).format(-ago, "day");
    return date.toLocaleDateString(lang, { dateStyle: "full" });
  };

  /** @type {Desk.Log} */
  const log = {
    element: list.element,
    lively: false,
    render(scene) {
      if (scene.texts !== texts) list.clear();
      ({ desk, texts, lang, typist } = scene);
      list.render(items(), log.lively);
    },
    stream(text) {
      streamed?.replaceChildren(...markdown(text));
      return list.has("stream");
    },
  };
  return log;
};

/** @param {Desk.Citation} citation */
export const chip = ({ number, title, source, url }) => {
  const element = link(url, String(number));
  element.className = "cite";
  element.title = title || source;
  return element;
};

const dayOf = (date = new Date()) => date.toDateString();

/** @type {(on: Desk.FootEvents) => Desk.Foot} */
export const makeFoot = (on) => {
  /** @type {Desk.Words} */
  let texts = en;
  let failure = "";
  let shown = "";
  let resolved = false;
  const field = h("textarea", { part: "input", rows: 1, dir: "auto", enterKeyHint: "send" });
  const button = h("button", { class: "send", part: "send" }, icon("M12 19V5M5.5 11.5L12 5l6.5 6.5"));
  const form = h("form", null, field, button);
  const notice = h("p", { class: "notice", part: "notice", role: "status" });
  const ended = h("div", { class: "ended", part: "ended" });

  const changed = () => {
    failure = "";
    foot.fit();
    on.changed(field.value);
  };
  field.oninput = changed;
  form.onsubmit = (event) => {
    event.preventDefault();
    // Empty, or too long, which was said.
    if (button.ariaDisabled === "true") return;
    const { value } = field;
    field.value = "";
    changed();
    on.send(value);
    foot.focus();
  };
  field.onkeydown = (event) => {
    // An Enter may end a composition; Safari tells it by the code only.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  };

  const person = (/** @type {Desk.Switchboard} */ desk) => {
    const close = () => {
      contact.remove();
      foot.focus();
    };
    const fields = /** @type {const} */ (["name", "email", "phone"]).map((name) =>
      h("input", { name, type: { email: name, phone: "tel" }[/** @type {string} */ (name)], autocomplete: name === "phone" ? "tel" : name, placeholder: texts[name], ariaLabel: texts[name], maxLength: 200 }),
    );
    const contact = h("form", { class: "contact" }, h("p", null, texts.reach), ...fields, h("button", { class: "main" }, texts.person), h("button", { class: "act", type: "button", onclick: close }, texts.cancel));
    contact.onsubmit = (event) => {
      event.preventDefault();
      foot.attempt(desk.requestPerson({ contact: Object.fromEntries(fields.map(({ name, value }) => [name, value || null])) }).then(close));
    };
    foot.element.querySelector(".contact")?.remove();
    notice.after(contact);
    fields[0].focus();
  };

  const farewell = (/** @type {Desk.Switchboard} */ desk, /** @type {number} */ rating) => [
    h("p", null, texts.closed),
    h("p", { role: "status" }, rating ? texts.thanks : texts.rate),
    h("div", { class: "stars", part: "stars", role: "group", ariaLabel: texts.rate }, ...[1, 2, 3, 4, 5].map((n) =>
      h("button", { class: n <= rating ? "lit" : "", ariaLabel: fill(texts.stars, { n }), ariaPressed: String(n === rating), onclick: () => foot.attempt(desk.rate(n)) }, icon(STAR)),
    )),
    h("button", { class: "main", part: "start-new", onclick: () => foot.attempt(desk.startNew().then(foot.focus)) }, texts.startNew),
  ];

  /** @type {Desk.Foot} */
  const foot = {
    element: h("div", { class: "foot", part: "foot" }, notice, ended, form),
    write(text) {
      field.value = text;
      foot.fit();
    },
    focus: () => field.focus({ preventScroll: true }),
    person,
    fit() {
      field.style.height = "";
      if (field.scrollHeight > field.clientHeight) field.style.height = `${field.scrollHeight}px`;
      const { length } = [...field.value.trim()];
      const left = LONGEST_MESSAGE - length;
      button.ariaDisabled = String(left < 0 || !length);
      const count = left < TELL && fill(left < 0 ? texts.over : texts.left, { n: Math.abs(left) });
      const words = failure || count || (resolved && texts.resolved) || "";
      notice.hidden = !words;
      notice.classList.toggle("bad", Boolean(failure) || left < 0);
      if (notice.textContent !== words) notice.textContent = words;
    },
    render(desk, words) {
      const { status, rating, conversation_id } = desk.conversation ?? {};
      const now = [status, rating, conversation_id].join();
      if (now === shown && texts === words) return;
      shown = now;
      texts = words;
      failure = "";
      resolved = status === "resolved";
      field.placeholder = field.ariaLabel = texts.placeholder;
      button.ariaLabel = button.title = texts.send;
      form.hidden = status === "closed";
      ended.hidden = !form.hidden;
      // The star that was pressed keeps the focus.
      const had = ended.matches(":focus-within");
      ended.replaceChildren(...(form.hidden ? farewell(desk, rating ?? 0) : []));
      if (had) /** @type {HTMLElement | null} */ (ended.querySelector("[aria-pressed=true]"))?.focus();
      foot.fit();
    },
    async attempt(act) {
      failure = "";
      await act.catch(({ kind, message }) => (failure = texts.errors[kind] ?? message));
      foot.fit();
    },
  };
  return foot;
};
