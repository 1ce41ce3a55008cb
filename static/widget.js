/**
 * <switchboard-chat>, the chat for any page with one tag: <script type="module" src="…/widget.js">.
 *
 * Its attributes, methods and events: types.d.ts.
 */
import { openDesk } from "./client.js";
import { h, icon, mark, markdown } from "./widget/dom.js";
import { makeFoot, makeLog } from "./widget/parts.js";
import { css } from "./widget/style.js";
import { en, fill, isRtl, textsFor } from "./widget/texts.js";

const SHEET = matchMedia("(max-width: 480px), (max-height: 440px)");
/** Milliseconds. A shorter loss is nobody's business. */
const CALM = 1500;
/** For who stops typing unsaid, and a step that never ends. */
const TYPING_ENDS = 7000;
const STEP_ENDS = 60_000;
/** Whom nobody has heard of by then, nobody is there for. */
const NOBODY = 3000;

/** @implements {Desk.Chat} */
export class SwitchboardChat extends HTMLElement {
  static observedAttributes = ["workspace", "server", "user", "lang", "dir", "accent", "open", "texts"];

  /** @type {Desk.View | undefined} */
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

/** @type {(chat: SwitchboardChat) => Desk.View} */
const makeView = (chat) => {
  const desk = openDesk({
    server: chat.getAttribute("server") ?? new URL(".", import.meta.url),
    workspace: chat.getAttribute("workspace") ?? undefined,
    user: json(chat.getAttribute("user")),
  });
  /** @type {Desk.Words} */
  let texts = en;
  let lang = "en";
  /** As it is told. @type {Desk.LinkState} */
  let state = "idle";
  /** @type {Desk.Typist} */
  let typist = null;
  let typistTimer = 0;
  let calmTimer = 0;
  let nobodyTimer = 0;
  let isNobody = false;
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

  const tell = (what = "", detail = {}) => chat.dispatchEvent(new CustomEvent(`switchboard-${what}`, { detail, bubbles: true }));

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
    badge.textContent = n > 99 ? "99+" : String(n);
    label(launcher, words ? `${texts.open}, ${words}` : texts.open);
  };

  /** What the header says. @returns {(Node | string)[]} */
  const words = () => {
    const { conversation, error, held, messages } = desk;
    if (state === "stopped") return [`${texts.stopped} ${texts.errors[error?.kind ?? ""] ?? error?.message} `, h("button", { onclick: () => desk.connect() }, texts.tryAgain)];
    if (state !== "online" || !conversation) return [texts[state]];
    if (held) return [texts.errors.unavailable];
    if (conversation.status === "with_staff") return [fill(texts.with, { name: conversation.assignee?.name ?? texts.staff })];
    if (conversation.status !== "waiting") return [texts.online];
    return [isNobody ? texts.nobody : messages.length ? texts.waiting : texts.online];
  };

  /** Once, however many events ask for it. */
  const draw = async () => {
    if (drawing) return;
    drawing = true;
    await null;
    drawing = false;
    foot.render(desk, texts);
    const below = scroller.scrollHeight - scroller.scrollTop;
    log.render({ desk, texts, lang, typist });
    log.lively ||= Boolean(desk.conversation);
    // What comes in above pushes nothing away.
    const seq = desk.messages[0]?.seq;
    if (atEnd) toEnd();
    else if (seq !== first) scroller.scrollTop = scroller.scrollHeight - below;
    first = seq;
    panel.dataset.state = state;
    status.replaceChildren(...words());
    more.hidden = !choices().length;
    look();
  };

  const showTypist = (now = typist, ms = 0) => {
    clearTimeout(typistTimer);
    if (now) typistTimer = setTimeout(showTypist, ms, null);
    typist = now;
    draw();
  };

  /** What the menu offers. */
  const choices = () => {
    const { status, escalation } = desk.conversation ?? {};
    /** @type {Desk.Choice[]} */
    const out = [];
    if (/active|waiting/.test(status ?? "") && (!escalation || escalation.status === "resolved")) out.push([texts.person, () => foot.person(desk)]);
    if (status && status !== "closed" && desk.messages.length) out.push([texts.end, () => foot.attempt(desk.close()), texts.endSure]);
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
            act();
          }
        };
        return button;
      }),
    );
    if (open) menu.querySelector("button")?.focus();
  };

  /** A sheet is what the on-screen keyboard leaves. */
  const fitSheet = () => {
    const { height, offsetTop } = window.visualViewport ?? { height: innerHeight, offsetTop: 0 };
    panel.style.cssText = `--tall: ${height}px; --top: ${offsetTop}px`;
  };

  /** @type {typeof desk.on} */
  const on = (type, listener) => desk.on(type, listener, signal);
  on("older", draw);
  on("conversation", ({ escalation }) => {
    clearTimeout(nobodyTimer);
    isNobody = false;
    if (escalation?.status === "pending") nobodyTimer = setTimeout(() => ((isNobody = true), draw()), NOBODY);
    draw();
  });
  on("outbox", draw);
  on("read", draw);
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
      showTypist(null);
    }
    tell("message", message);
    draw();
  });
  on("stream", (stream) => {
    if (!stream || !log.stream(stream.text)) showTypist(null);
    else if (atEnd) toEnd();
  });
  on("state", () => {
    clearTimeout(calmTimer);
    const show = () => {
      state = desk.state;
      draw();
    };
    if (desk.state === "reconnecting" && state === "online") calmTimer = setTimeout(show, CALM);
    else show();
  });
  on("typing", ({ role, author, on }) => (role === "staff" || role === "assistant") && showTypist(on ? { name: author?.name ?? null, role } : null, TYPING_ENDS));
  on("step", ({ status }) => status === "running" && !desk.stream && showTypist({ name: null, role: "assistant" }, STEP_ENDS));

  launcher.onclick = () => {
    chat.open = true;
    // On a phone it would bring out the keyboard.
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
  // The keyboard, a growing field, a turned phone.
  new ResizeObserver(() => atEnd && toEnd()).observe(scroller);
  for (const type of ["resize", "scroll"]) window.visualViewport?.addEventListener(type, fitSheet, { signal });
  SHEET.addEventListener("change", () => chat.open && view.present(), { signal });
  document.addEventListener("visibilitychange", look, { signal });

  foot.element.prepend(jump);
  foot.write(desk.draft);
  chat.shadowRoot?.replaceChildren(launcher, panel);
  // A page view alone makes no visitor: others connect when the panel opens.
  if (desk.known) desk.connect();

  /** @type {Desk.View} */
  const view = {
    desk,
    end() {
      life.abort();
      desk.disconnect();
    },
    present() {
      const { open } = chat;
      const was = panel.open;
      if (was) panel.close();
      launcher.hidden = open;
      if (open) {
        // A sheet takes the keyboard and the screen reader off the page, too.
        if (SHEET.matches) {
          panel.showModal();
          panel.focus();
        } else panel.open = true;
        fitSheet();
        foot.fit();
        toEnd();
        desk.connect();
      } else if (was) {
        toggleMenu(false);
        launcher.focus();
      }
      if (was !== open) tell(open ? "open" : "close");
      look();
    },
    async translate() {
      const page = chat.closest("[lang]")?.getAttribute("lang");
      try {
        [lang = "en"] = Intl.DateTimeFormat.supportedLocalesOf(chat.lang || page || navigator.language);
      } catch {
        // Not a language tag.
      }
      const rtl = (!chat.lang && chat.closest("[dir=rtl]")) || isRtl(lang);
      chat.style.direction = panel.dir = chat.dir || (rtl ? "rtl" : "ltr");
      const accent = chat.getAttribute("accent");
      if (accent) chat.style.setProperty("--switchboard-accent", accent);
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
      desk.draft = text;
      foot.write(text);
      chat.open = true;
      foot.focus();
    },
  };
  view.translate();
  return view;
};

/** @param {HTMLElement} element */
const label = (element, words = "") => (element.ariaLabel = element.title = words);

/** @param {string | null} text */
const json = (text) => JSON.parse(text || "null") ?? undefined;

if (!customElements.get("switchboard-chat")) {
  customElements.define("switchboard-chat", SwitchboardChat);
  const script = [...document.scripts].find(({ src }) => src === import.meta.url);
  if (script && !("manual" in script.dataset) && !document.querySelector("switchboard-chat")) {
    const chat = h("switchboard-chat");
    for (const name in script.dataset) chat.setAttribute(name, script.dataset[name] ?? "");
    document.body.append(chat);
  }
}
