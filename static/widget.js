/**
 * <switchboard-chat>: the chat for any page, with one tag.
 *
 *     <script type="module" src="https://desk.example/widget.js"></script>
 *
 * The script adds the element by itself, unless the page has one or the tag says `data-manual`; its
 * other `data-…` attributes become the element's. Attributes, methods, events: `Chat` in types.d.ts.
 */
import { Switchboard } from "./client.js";
import { h, icon, mark, markdown } from "./widget/dom.js";
import { makeFoot } from "./widget/foot.js";
import { makeLog } from "./widget/log.js";
import { css } from "./widget/style.js";
import { en, fill, isRtl, textsFor } from "./widget/texts.js";

/** @import { Chat, Details, Typist, View, Words } from "./types.js" */

const SHEET = matchMedia("(max-width: 480px), (max-height: 440px)");
/** Milliseconds: a connection lost for less is nobody's business. */
const CALM = 1500;
/** Somebody who stopped typing without saying so, and a step that never ends. */
const TYPING_ENDS = 7000;
const STEP_ENDS = 60_000;

/** @implements {Chat} */
export class SwitchboardChat extends HTMLElement {
  static observedAttributes = ["workspace", "server", "user", "lang", "dir", "accent", "open", "texts"];

  /** @type {View | undefined} */
  #view;

  constructor() {
    super();
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
  }

  connectedCallback() {
    this.#view?.end();
    this.#view = makeView(this);
    this.#view.present();
  }

  disconnectedCallback() {
    this.#view?.end();
  }

  /** @param {string} name */
  attributeChangedCallback(name) {
    if (!this.isConnected) return;
    if (name === "open") this.#view?.present();
    else if (["workspace", "server", "user"].includes(name)) this.connectedCallback();
    else this.#view?.translate();
  }

  get desk() {
    return this.#view?.desk;
  }

  get open() {
    return this.hasAttribute("open");
  }

  set open(open) {
    if (open !== this.open) this.toggleAttribute("open", open);
  }

  set texts(/** @type {object} */ changes) {
    this.setAttribute("texts", JSON.stringify(changes));
  }

  /** @param {string} text */
  compose(text) {
    this.#view?.compose(text);
  }
}

/** What is within the element, for one visitor of one desk. @type {(chat: SwitchboardChat) => View} */
const makeView = (chat) => {
  const desk = new Switchboard({
    server: chat.getAttribute("server") ?? new URL(".", import.meta.url),
    workspace: chat.getAttribute("workspace") ?? undefined,
    user: json(chat.getAttribute("user")),
  });
  /** @type {Words} */
  let texts = en;
  let lang = "en";
  /** As it is told. @type {Details["state"]["state"]} */
  let state = "idle";
  /** @type {Typist} */
  let typist = null;
  let typistTimer = 0;
  let calmTimer = 0;
  let unread = 0;
  let drawing = false;
  let atEnd = true;
  let first = 0;
  const life = new AbortController();
  const { signal } = life;

  const log = makeLog();
  const foot = makeFoot({
    send(text) {
      atEnd = true;
      desk.send(text);
    },
    changed(text) {
      desk.draft = text;
      if (text) desk.typing();
    },
  });
  const badge = h("span", { class: "badge", part: "badge", role: "status" });
  const launcher = h("button", { class: "launcher", part: "launcher", ariaHasPopup: "dialog" }, mark(), badge);
  const title = h("h2", { id: "title" });
  const status = h("p", { class: "status", part: "status", role: "status" });
  const more = h("button", { class: "tool", part: "menu", onclick: () => toggleMenu() }, icon("M5 12h.01M12 12h.01M19 12h.01"));
  const close = h("button", { class: "tool", part: "close", onclick: () => (chat.open = false) }, icon("M6 9l6 6 6-6"));
  const menu = h("div", { class: "menu", hidden: true });
  const scroller = h("div", { class: "log", part: "log", tabIndex: 0, role: "region" }, log.element);
  /** Only what is new is read out. */
  const news = h("div", { class: "sr", part: "news", role: "log", ariaLive: "polite" });
  const jump = h("button", { class: "jump", hidden: true, onclick: () => toEnd() });
  const header = h("header", { part: "header" }, h("span", { class: "mark" }, mark()), h("div", { class: "who" }, title, status), more, close, menu);
  const panel = h("dialog", { class: "panel", part: "panel", tabIndex: -1, "aria-labelledby": "title" }, header, scroller, news, foot.element);

  const tell = (/** @type {string} */ what, /** @type {unknown} */ detail) => chat.dispatchEvent(new CustomEvent(`switchboard-${what}`, { detail, bubbles: true }));

  const toEnd = () => {
    atEnd = jump.hidden = true;
    scroller.scrollTop = scroller.scrollHeight;
  };

  /** Marks as read what can be seen, and counts the rest. */
  const look = () => {
    if (chat.open && atEnd && !document.hidden) desk.markRead();
    const n = desk.unread;
    if (n !== unread) tell("unread", n);
    unread = n;
    const words = n ? fill(texts.unread, { n }) : "";
    badge.hidden = !n;
    badge.textContent = n > 99 ? "99+" : `${n || ""}`;
    badge.ariaLabel = words;
    label(launcher, words ? `${texts.open}, ${words}` : texts.open);
  };

  /** What the header says of the connection, and of who is at the other end. @returns {(Node | string)[]} */
  const words = () => {
    const { conversation, error, held, messages } = desk;
    if (state === "stopped") return [`${texts.stopped} ${texts.errors[error?.kind ?? ""] ?? error?.message} `, h("button", { onclick: () => desk.connect() }, texts.tryAgain)];
    if (state !== "online" || !conversation) return [texts[state]];
    if (held) return [texts.errors.unavailable];
    if (conversation.status === "with_staff") return [fill(texts.with, { name: conversation.assignee?.name ?? texts.staff })];
    return [conversation.status === "waiting" && messages.length ? texts.waiting : texts.online];
  };

  /** Draws soon, once, however many events ask for it. */
  const draw = async () => {
    if (drawing) return;
    drawing = true;
    await null;
    drawing = false;
    foot.render(desk, texts);
    const below = scroller.scrollHeight - scroller.scrollTop;
    log.render({ desk, texts, lang, typist });
    log.lively ||= Boolean(desk.conversation);
    // What came in above pushes nothing away; what came below is followed by who is at the end.
    const seq = desk.messages[0]?.seq;
    if (atEnd) toEnd();
    else if (seq !== first) scroller.scrollTop = scroller.scrollHeight - below;
    first = seq;
    panel.dataset.state = state;
    status.replaceChildren(...words());
    more.hidden = !choices().length;
    look();
  };

  const showTypist = (/** @type {Typist} */ now, /** @type {number | undefined} */ ms) => {
    clearTimeout(typistTimer);
    if (now) typistTimer = setTimeout(() => showTypist(null, 0), ms);
    typist = now;
    draw();
  };

  /** What the menu offers: the words, the act, and what to ask first. */
  const choices = () => {
    const { status, escalation } = desk.conversation ?? {};
    /** @type {[string, () => Promise<unknown>, string?][]} */
    const out = [];
    if (status === "active" && !escalation) out.push([texts.person, () => desk.requestPerson()]);
    if (status && status !== "closed" && desk.messages.length) out.push([texts.end, () => desk.close(), texts.endSure]);
    return out;
  };

  const toggleMenu = (open = Boolean(menu.hidden)) => {
    menu.hidden = !open;
    more.ariaExpanded = `${open}`;
    menu.replaceChildren(
      ...choices().map(([words, act, ask]) => {
        const button = h("button", null, words);
        button.onclick = () => {
          if (ask && button.textContent !== ask) {
            button.textContent = ask;
            button.className = "sure";
          } else {
            toggleMenu(false);
            more.focus();
            foot.attempt(act());
          }
        };
        return button;
      }),
    );
    if (open) menu.querySelector("button")?.focus();
  };

  /** With the on-screen keyboard out, the sheet is what is left above it. */
  const fitSheet = () => {
    const { height, offsetTop } = window.visualViewport ?? { height: innerHeight, offsetTop: 0 };
    panel.style.setProperty("--tall", `${height}px`);
    panel.style.setProperty("--top", `${offsetTop}px`);
  };

  const on = desk.listen(signal);
  for (const type of /** @type {const} */ (["older", "conversation", "outbox", "read"])) on(type, draw);
  on("known", () => desk.connect());
  on("reset", () => {
    log.lively = false;
    atEnd = true;
    draw();
  });
  on("message", (message) => {
    const { role, author, content } = message;
    if (role !== "user") {
      news.append(h("p", null, role !== "system" && `${author?.name ?? texts[role]}: `, ...markdown(content)));
      if (news.childElementCount > 5) news.firstChild?.remove();
      jump.hidden = atEnd;
      showTypist(null, 0);
    }
    tell("message", message);
    draw();
  });
  on("stream", (stream) => {
    if (!stream || !log.stream(stream.text)) showTypist(null, 0);
    else if (atEnd) toEnd();
  });
  on("state", ({ state: now }) => {
    clearTimeout(calmTimer);
    const show = () => {
      state = desk.state;
      draw();
    };
    if (now === "reconnecting" && state === "online") calmTimer = setTimeout(show, CALM);
    else show();
  });
  on("typing", ({ role, author, on }) => showTypist(on ? { name: author?.name ?? null, role: role === "staff" ? role : "assistant" } : null, TYPING_ENDS));
  on("step", ({ status }) => status === "running" && !desk.stream && showTypist({ name: null, role: "assistant" }, STEP_ENDS));

  launcher.onclick = () => {
    chat.open = true;
    // On a phone the focus would bring out the keyboard, which hides half of what there is to read.
    if (!SHEET.matches) foot.focus();
  };
  scroller.onscroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    atEnd = scrollHeight - scrollTop - clientHeight < 48;
    if (scrollTop < 160 && chat.open) desk.loadOlder();
    if (atEnd) jump.hidden = true;
    look();
  };
  panel.onclick = (event) => event.composedPath().some((node) => node === more || node === menu) || toggleMenu(false);
  panel.onkeydown = (event) => {
    // Who types here does not mean the page's shortcuts.
    event.stopPropagation();
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault();
    if (menu.hidden) chat.open = false;
    else {
      toggleMenu(false);
      more.focus();
    }
  };
  // The back gesture of phones.
  panel.oncancel = (event) => {
    event.preventDefault();
    chat.open = false;
  };
  // The keyboard, a growing field, a turned phone: who was at the end stays there.
  new ResizeObserver(() => atEnd && toEnd()).observe(scroller);
  for (const type of ["resize", "scroll"]) window.visualViewport?.addEventListener(type, fitSheet, { signal });
  SHEET.addEventListener("change", () => chat.open && view.present(), { signal });
  document.addEventListener("visibilitychange", look, { signal });

  foot.element.prepend(jump);
  foot.text = desk.draft;
  chat.shadowRoot?.replaceChildren(launcher, panel);
  // A page view alone makes no visitor: who has never been here connects when the panel opens.
  if (desk.known) desk.connect();

  /** @type {View} */
  const view = {
    desk,
    end() {
      life.abort();
      desk.disconnect();
    },
    present() {
      const { open } = chat;
      const was = panel.open;
      const focused = chat.shadowRoot?.activeElement;
      if (was) panel.close();
      launcher.hidden = open;
      launcher.ariaExpanded = `${open}`;
      if (open) {
        // A sheet covers the page, so it takes the keyboard and the screen reader off it, too.
        if (SHEET.matches) panel.showModal();
        else panel.open = true;
        if (SHEET.matches) panel.focus();
        if (was) /** @type {HTMLElement | null} */ (focused)?.focus();
        fitSheet();
        foot.fit();
        toEnd();
        desk.connect();
      } else if (was) {
        toggleMenu(false);
        launcher.focus();
      }
      if (was !== open) tell(open ? "open" : "close", null);
      look();
    },
    async translate() {
      const page = /** @type {HTMLElement | null} */ (chat.closest("[lang]"))?.lang;
      try {
        [lang = "en"] = Intl.DateTimeFormat.supportedLocalesOf(chat.lang || page || navigator.language);
      } catch {
        lang = "en";
      }
      const rtl = (!chat.lang && chat.closest("[dir=rtl]")) || isRtl(lang);
      // The style forgets what it would inherit, and the direction decides the corner.
      chat.style.direction = panel.dir = chat.dir || (rtl ? "rtl" : "ltr");
      const accent = chat.getAttribute("accent");
      if (accent) {
        chat.style.setProperty("--switchboard-accent", accent);
        // Black on a light one, white on a dark one.
        chat.style.setProperty("--switchboard-on-accent", `oklch(from ${accent} clamp(0, (.7 - l) * 999, 1) 0 0)`);
      }
      texts = await textsFor(lang, json(chat.getAttribute("texts")) ?? {});
      panel.lang = launcher.lang = lang;
      title.textContent = texts.title;
      label(more, texts.menu);
      label(close, texts.close);
      scroller.ariaLabel = texts.conversation;
      jump.textContent = texts.latest;
      draw();
    },
    compose(text) {
      desk.draft = foot.text = text;
      chat.open = true;
      foot.focus();
    },
  };
  view.translate();
  return view;
};

/** @param {HTMLElement} element @param {string} words */
function label(element, words) {
  element.ariaLabel = element.title = words;
}

/** @param {string | null} text @returns {any} */
function json(text) {
  try {
    return JSON.parse(text || "null") ?? undefined;
  } catch {
    console.warn("switchboard-chat: not JSON:", text);
  }
}

if (!customElements.get("switchboard-chat")) {
  customElements.define("switchboard-chat", SwitchboardChat);
  const script = [...document.scripts].find(({ src }) => src === import.meta.url);
  if (script && !("manual" in script.dataset) && !document.querySelector("switchboard-chat")) {
    const chat = h(/** @type {"div"} */ ("switchboard-chat"));
    for (const name in script.dataset) chat.setAttribute(name, script.dataset[name] ?? "");
    document.body.append(chat);
  }
}
