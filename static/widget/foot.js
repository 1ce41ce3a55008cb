/** The foot of the panel: where one writes, or, when the conversation has ended, how it was and what comes next. */
import { LONGEST_MESSAGE } from "../client.js";
import { h, icon } from "./dom.js";
import { en, fill } from "./texts.js";

/** @import { Foot, FootEvents, SwitchboardError, Switchboard, Words } from "../types.js" */

const STAR = "M12 3.6l2.6 5.3 5.8.8-4.2 4.1 1 5.8-5.2-2.7-5.2 2.7 1-5.8-4.2-4.1 5.8-.8z";
/** How many characters must be left to speak of them. */
const TELL = 500;

/** @type {(on: FootEvents) => Foot} */
export const makeFoot = (on) => {
  /** @type {Words} */
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
    foot.fit();
    on.changed(field.value);
  };
  field.oninput = changed;
  form.onsubmit = (event) => {
    event.preventDefault();
    // Empty, or too long, which was said: what was typed stays.
    if (button.ariaDisabled === "true") return;
    const { value } = field;
    field.value = "";
    changed();
    on.send(value);
    foot.focus();
  };
  field.onkeydown = (event) => {
    // The Enter that ends an input method's composition sends nothing; Safari tells it by the code only.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  };

  const farewell = (/** @type {Switchboard} */ desk, /** @type {number} */ rating) => [
    h("p", null, texts.closed),
    h("p", { role: "status" }, rating ? texts.thanks : texts.rate),
    h("div", { class: "stars", part: "stars", role: "group", ariaLabel: texts.rate }, ...[1, 2, 3, 4, 5].map((n) =>
      h("button", { class: n <= rating ? "lit" : "", ariaLabel: fill(texts.stars, { n }), ariaPressed: String(n === rating), onclick: () => foot.attempt(desk.rate(n)) }, icon(STAR)),
    )),
    h("button", { class: "main", part: "start-new", onclick: () => foot.attempt(desk.startNew().then(foot.focus)) }, texts.startNew),
  ];

  /** @type {Foot} */
  const foot = {
    element: h("div", { class: "foot", part: "foot" }, notice, ended, form),
    get text() {
      return field.value;
    },
    set text(text) {
      field.value = text;
      foot.fit();
    },
    focus: () => field.focus({ preventScroll: true }),
    fit() {
      field.style.blockSize = "";
      if (field.scrollHeight > field.clientHeight) field.style.blockSize = `${field.scrollHeight}px`;
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
      const now = [status, rating, conversation_id, words.closed].join();
      if (now === shown) return;
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
      await act.catch((/** @type {SwitchboardError} */ { kind, message }) => (failure = texts.errors[kind] ?? message));
      foot.fit();
    },
  };
  return foot;
};
