/** The page around the views: where one goes, whether there is a connection, and what is always at hand. */
import { h, icon, makeList, mark } from "../widget/dom.js";
import { makeConversation } from "./conversation.js";
import { makeDashboard } from "./dashboard.js";
import { makeMenu } from "./dialog.js";
import { visitorName, words } from "./format.js";
import { CHART, HELP, INBOX, LIST, MUTE, SOUND, THEME } from "./icons.js";
import { listen, showKeys } from "./keys.js";
import { makeInteractions } from "./log.js";
import { count, makeQueue, tally, VIEWS } from "./queue.js";
import { makeSide } from "./side.js";
import { isSoundOn, ring, setSound, setTitle } from "./sound.js";
import { nextTheme, themeWords } from "./theme.js";

/** Milliseconds. A shorter loss is nobody's business. */
const CALM = 1500;
const TOAST = 6000;
const ROOMY = matchMedia("(min-width: 1280px)");

/** @type {(desk: Staff.Console, signOut: () => void) => HTMLElement[]} */
export const makeShell = (desk, signOut) => {
  let view = "";
  let inboxView = "unassigned";
  let sideOpen = ROOMY.matches;
  let calmTimer = 0;
  /** @type {{id: string, conversation: ReturnType<typeof makeConversation>, side: ReturnType<typeof makeSide>} | null} */
  let open = null;

  const toasts = h("div", { class: "toasts", role: "status" });
  const news = h("div", { class: "sr", role: "log", ariaLive: "polite" });
  const banner = h("div", { class: "banner", role: "status", hidden: true });
  const inbox = h("div", { class: "inbox" });
  const main = h("main", { id: "main", tabIndex: -1 });

  /** @type {Staff.Shell} */
  const shell = {
    desk,
    go: (hash) => void (location.hash = hash),
    toast(words, kind) {
      const toast = h("p", { class: `toast ${kind ?? ""}` }, words);
      toasts.append(toast);
      setTimeout(() => toast.remove(), TOAST);
    },
    async attempt(act) {
      try {
        return await act;
      } catch (error) {
        // A lost race brings the row as it stands.
        const current = error.data?.current;
        if (error.kind === "conflict" && current?.trigger_type) desk.take(current);
        shell.toast(error.kind === "disconnected" ? "There is no connection just now. Try again in a moment." : error.message, "bad");
        return undefined;
      }
    },
    announce(words) {
      news.append(h("p", null, words));
      if (news.childElementCount > 5) news.firstChild?.remove();
    },
  };

  const queue = makeQueue(shell);
  const dashboard = makeDashboard(shell);
  const log = makeInteractions(shell);
  const nobody = h("section", { class: "nobody", ariaLabel: "Conversation" }, mark(), h("p", null, "Choose somebody from the queue."), h("p", { class: "dim" }, h("kbd", null, "j"), " and ", h("kbd", null, "k"), " go through it, ", h("kbd", null, "Enter"), " opens, ", h("kbd", null, "?"), " shows all keys."));

  const setSide = (on = !sideOpen) => {
    sideOpen = on;
    inbox.classList.toggle("with-side", on && Boolean(open));
    if (on && open && !ROOMY.matches) open.side.element.querySelector("button")?.focus();
  };

  const openConversation = (id = "") => {
    if (open?.id === id) return;
    open?.conversation.end();
    open?.side.end();
    open = null;
    if (id) {
      const room = desk.open(id);
      open = {
        id,
        conversation: makeConversation(shell, room, { back: `#/inbox/${inboxView}`, toggleSide: () => setSide() }),
        side: makeSide(shell, room, () => {
          setSide(false);
          open?.conversation.show?.();
        }),
      };
    }
    if (!ROOMY.matches) sideOpen = false;
    inbox.replaceChildren(queue.element, ...(open ? [open.conversation.element, open.side.element] : [nobody]));
    inbox.classList.toggle("with-conversation", Boolean(open));
    setSide(sideOpen);
    open?.conversation.show?.();
  };

  const route = () => {
    const [name, sub = "", last = ""] = location.hash.replace(/^#\//, "").split("/");
    const id = /^[\da-f-]{36}$/.test(last) ? last : "";
    const now = name === "dashboard" || name === "log" ? name : "inbox";
    if (now === "inbox") {
      if (Object.hasOwn(VIEWS, sub)) inboxView = sub;
      const had = open?.id;
      queue.select(inboxView, id);
      openConversation(id);
      if (had && !open) queue.focus();
    }
    if (now !== view) {
      ({ inbox: queue, dashboard, log })[view]?.hide?.();
      view = now;
      main.replaceChildren({ inbox, dashboard: dashboard.element, log: log.element }[now]);
      ({ inbox: queue, dashboard, log })[now].show?.();
    }
    drawRail();
  };

  // ------------------------------------------------------------------------------------- the rail

  // Drawn with every change of the queue, and what somebody presses must still be there when they let go: so by lists,
  // which make anew only what looks otherwise.
  const places = makeList(h("nav", { class: "places", ariaLabel: "Main" }));
  /** @param {string[]} paths @param {string} title @param {(event: Event) => unknown} onclick */
  const tool = (paths, title, onclick) => h("button", { class: "place", title, ariaLabel: title, onclick }, icon(...paths), h("span", null, title));
  const sound = tool(SOUND, "Sound", () => {
    setSound(!isSoundOn());
    drawRail();
  });
  const theme = tool(THEME, "Theme", () => {
    nextTheme();
    drawRail();
  });
  const help = tool(HELP, "Keyboard", () => showKeys(keys));
  const soundParts = makeList(sound);
  soundParts.clear();
  const me = h("button", { class: "place me" });
  const myParts = makeList(me);
  const account = makeMenu(me, () => [
    ...(/** @type {Staff.Presence[]} */ (["online", "away", "offline"])).map((status) => /** @type {[string, () => unknown, string]} */ ([`${status === desk.presence ? "✓ " : ""}${status === "away" ? "Away: give me nobody new" : words(status)}`, () => (desk.presence = status), `presence ${status}`])),
    ["Sign out", signOut],
  ]);
  const rail = h("header", { class: "rail" }, h("a", { class: "brand", href: "#/inbox", ariaLabel: "Switchboard, to the inbox" }, mark(), h("span", null, "Switchboard")), places.element, h("div", { class: "gap" }), sound, theme, help, account);

  const drawRail = () => {
    const counts = queue.counts();
    /** @type {(href: string, paths: string[] | null, text: string, on: boolean, more?: Desk.Child) => Desk.Item} */
    const place = (href, paths, text, on, more) => [text, `${href} ${on}`, () => h("a", { class: `place ${paths ? "" : "sub"}`, href, title: text, ...(on && { ariaCurrent: "page" }) }, paths ? icon(...paths) : null, h("span", null, text), more)];
    const here = document.activeElement?.closest(".places")?.contains(document.activeElement) ? document.activeElement?.getAttribute("href") : null;
    places.render([
      place(`#/inbox/${inboxView}`, INBOX, "Inbox", view === "inbox", tally("unassigned")),
      ...Object.entries(VIEWS).map(([name, { words }]) => place(`#/inbox/${name}`, null, words, view === "inbox" && name === inboxView, tally(name))),
      place("#/dashboard", CHART, "Dashboard", view === "dashboard"),
      place("#/log", LIST, "Decisions", view === "log"),
    ]);
    count(places.element, counts);
    if (here) /** @type {HTMLElement | null} */ (places.element.querySelector(`[href="${here}"]`))?.focus();
    soundParts.render([
      ["icon", `${isSoundOn()}`, () => icon(...(isSoundOn() ? SOUND : MUTE))],
      ["words", `${isSoundOn()}`, () => h("span", null, isSoundOn() ? "Sound on" : "Sound off")],
    ]);
    sound.title = sound.ariaLabel = isSoundOn() ? "Sound on" : "Sound off";
    sound.ariaPressed = String(isSoundOn());
    theme.title = theme.ariaLabel = themeWords();
    /** @type {HTMLElement} */ (theme.lastChild).textContent = themeWords();
    const initials = desk.me.name.split(/\s+/).map(([first]) => first).slice(0, 2).join("");
    myParts.render([
      ["avatar", `${desk.presence} ${initials}`, () => h("span", { class: `avatar ${desk.presence}`, "data-initials": initials })],
      ["name", desk.me.name, () => h("span", null, desk.me.name)],
    ]);
    me.ariaLabel = `${desk.me.name}, ${words(desk.presence).toLowerCase()}`;
    const page = view === "inbox" ? (open ? visitorName(desk.escalationOf(open.id), open.id) : VIEWS[inboxView].words) : view === "log" ? "Decisions" : "Dashboard";
    setTitle(page, counts.unassigned);
  };

  // ------------------------------------------------------------------------------------- keys and events

  /** What is open and can be seen. */
  const seen = () => (view === "inbox" ? open : null);

  /** @type {Staff.Key[]} */
  const keys = [
    { keys: "j ArrowDown", words: "Next in the queue", act: () => view === "inbox" && queue.move(1) },
    { keys: "k ArrowUp", words: "The one before", act: () => view === "inbox" && queue.move(-1) },
    { keys: "Enter", words: "Open", act() {} },
    { keys: "c", words: "Claim, or take over", act: () => seen()?.conversation.claim() },
    { keys: "r", words: "Reply", act: () => seen()?.conversation.reply() },
    { keys: "n", words: "Note for the team", act: () => seen()?.conversation.note() },
    { keys: "e", words: "Resolve", act: () => seen()?.conversation.resolve() },
    { keys: "i", words: "Details and why", act: () => seen() && setSide() },
    { keys: "s", words: "Search the queue", act: () => view === "inbox" && queue.element.querySelector("input")?.focus() },
    { keys: "1 2 3 4 5", words: "The views of the inbox", act: ({ key }) => shell.go(`#/inbox/${Object.keys(VIEWS)[+key - 1]}`) },
    { keys: "d", words: "Dashboard", act: () => shell.go("#/dashboard") },
    { keys: "l", words: "Decisions", act: () => shell.go("#/log") },
    { keys: "?", words: "These keys", act: () => showKeys(keys) },
    { keys: "Escape", words: "Back", act: back },
  ];

  function back() {
    const at = document.activeElement;
    if (at?.closest(".composer")) open?.conversation.show?.();
    else if (at?.matches("input")) /** @type {HTMLElement} */ (at).blur();
    else if (open && sideOpen && !ROOMY.matches) setSide(false);
    else if (open) shell.go(`#/inbox/${inboxView}`);
  }

  const OLD = "What you write is kept, and what you see may be old.";
  desk.on("state", () => {
    clearTimeout(calmTimer);
    const show = () => {
      const { state, error } = desk;
      document.body.dataset.state = state;
      banner.hidden = state === "online";
      if (state === "stopped") banner.replaceChildren(`Not connected. ${error?.message ?? ""} `, h("button", { class: "link", onclick: desk.start }, "Try again"));
      else banner.textContent = !desk.loaded ? "Connecting" : state === "offline" ? `No network. ${OLD}` : `Reconnecting. ${OLD}`;
    };
    if (desk.state === "online" || desk.state === "stopped") show();
    else calmTimer = setTimeout(show, CALM);
  });
  desk.on("queue", drawRail);
  desk.on("arrival", (escalation) => {
    ring();
    shell.announce(`${visitorName(escalation)} is waiting. ${words(escalation.trigger_type)}.`);
  });
  addEventListener("hashchange", route);
  ROOMY.addEventListener("change", () => setSide(ROOMY.matches));
  listen(keys);
  route();

  return [h("a", { class: "skip", href: "#main", onclick: (/** @type {Event} */ event) => (event.preventDefault(), main.focus()) }, "To the content"), rail, h("div", { class: "stage" }, banner, main), toasts, news];
};
