/** One conversation: its head with what can be done, the transcript, and the composer. */
import { h, icon } from "../widget/dom.js";
import { makeComposer } from "./composer.js";
import { makeMenu, openDialog } from "./dialog.js";
import { visitorName, words } from "./format.js";
import { BACK, CHECK, MORE, SIDE } from "./icons.js";
import { save, transcriptText } from "./save.js";
import { makeTranscript } from "./transcript.js";

/** @type {(shell: Staff.Shell, room: Staff.Room, at: {back: string, toggleSide: () => void}) => Staff.View & Record<"claim" | "resolve" | "release" | "reply" | "note", () => void> & {end(): void}} */
export const makeConversation = (shell, room, { back, toggleSide }) => {
  const { desk, attempt, toast } = shell;
  const life = new AbortController();
  const { signal } = life;
  let drawing = false;
  let atEnd = true;
  let first = 0;

  const escalation = () => desk.escalationOf(room.id);
  const name = () => visitorName(escalation(), room.id);
  const isMine = () => room.conversation?.status === "with_staff" && room.conversation.assignee?.id === desk.me.id;

  const heading = h("bdi");
  const title = h("h2", { tabIndex: -1 }, heading);
  const state = h("p", { class: "conversation-state", role: "status" });
  const claim = h("button", { class: "main", title: "Claim (c)", onclick: () => view.claim() });
  const resolve = h("button", { class: "secondary", title: "Resolve (e)", onclick: () => view.resolve() }, icon(...CHECK), h("span", null, "Resolve"));
  const menu = makeMenu(h("button", { class: "tool ellipsis", ariaLabel: "More actions", title: "More actions" }, icon(...MORE)), () => choices());
  const side = h("button", { class: "tool", ariaLabel: "Details and why", title: "Details and why (i)", onclick: toggleSide }, icon(...SIDE));
  const transcript = makeTranscript(room, name);
  const scroller = h("div", { class: "scroller", tabIndex: 0, role: "region", ariaLabel: "Transcript" }, transcript.element);
  const jump = h("button", { class: "jump", hidden: true, onclick: () => toEnd() }, "New messages");
  const failure = h("div", { class: "failure", hidden: true, role: "alert" });
  const composer = makeComposer(shell, room, () => take());
  const element = h("section", { class: "conversation", ariaLabel: "Conversation" },
    h("header", null, h("a", { class: "tool back", href: back, ariaLabel: "Back to the queue" }, icon(...BACK)), h("div", { class: "head" }, title, state), claim, resolve, menu, side),
    failure,
    h("div", { class: "body" }, scroller, jump),
    composer.element);

  const toEnd = () => {
    atEnd = jump.hidden = true;
    scroller.scrollTop = scroller.scrollHeight;
  };

  const seen = () => {
    if (atEnd && !document.hidden && element.isConnected) room.markRead();
  };

  /** Makes the conversation ours, if it is nobody's. Resolves with whether one may write. */
  const take = async () => {
    const open = escalation();
    const { status } = room.conversation ?? {};
    if (status === "with_staff") return true;
    if (open && open.status !== "resolved") {
      if (open.assignee?.id === desk.me.id) return true;
      const got = await attempt(desk.request("escalation.claim", { id: open.id }));
      if (got) desk.take(got.escalation);
      return Boolean(got);
    }
    return Boolean(await attempt(desk.request("conversation.takeover", { conversation_id: room.id })));
  };

  /** @param {"escalation.release" | "escalation.resolve" | "escalation.assign"} method @param {object} params @param {string} done */
  const change = async (method, params, done) => {
    const it = escalation();
    if (!it) return;
    const got = await attempt(desk.request(method, /** @type {any} */ ({ id: it.id, ...params })));
    if (!got) return;
    desk.take(got.escalation);
    toast(done);
  };

  /** @returns {[string, () => unknown, string?][]} */
  const choices = () => {
    const it = escalation();
    /** @type {[string, () => unknown, string?][]} */
    const out = [];
    if (it && it.status !== "resolved") {
      for (const { id, name, status } of desk.colleagues) {
        if (it.assignee?.id !== id) out.push([`Assign to ${id === desk.me.id ? "me" : name ?? "a colleague"}${status === "online" ? "" : ` (${words(status).toLowerCase()})`}`, () => change("escalation.assign", { assignee: id }, `Assigned to ${name ?? "a colleague"}.`)]);
      }
      if (it.assignee) {
        out.push(["Give back to the assistant", view.release]);
        out.push(["Put back into the queue", () => change("escalation.release", { hand_back: false }, "It waits for the next person.")]);
      }
    }
    const { status } = room.conversation ?? {};
    if (status === "active" || status === "resolved") out.push(["Take over", () => view.claim()]);
    out.push(["Download transcript", () => download("txt")], ["Download as JSON", () => download("json")]);
    return out;
  };

  const download = async (/** @type {"txt" | "json"} */ kind) => {
    const messages = await attempt(room.whole());
    if (!messages) return;
    const stem = `conversation-${room.id}`;
    if (kind === "json") save(`${stem}.json`, "application/json", JSON.stringify({ conversation: room.conversation, messages }, null, 2));
    else save(`${stem}.txt`, "text/plain", transcriptText(name(), messages));
  };

  const draw = async () => {
    if (drawing) return;
    drawing = true;
    await null;
    drawing = false;
    if (signal.aborted) return;
    const it = escalation();
    const { status, assignee } = room.conversation ?? {};
    heading.textContent = name();
    const whose = status === "with_staff" ? (isMine() ? "You are answering" : `${assignee?.name ?? "A colleague"} is answering`) : words(status);
    state.textContent = [whose, it && words(it.trigger_type), it?.issue_type && words(it.issue_type)].filter(Boolean).join(" · ");
    state.className = `conversation-state ${status ?? ""}`;
    const open = it && it.status !== "resolved";
    claim.hidden = isMine() || status === "closed" || !status;
    claim.textContent = open && !it.assignee ? "Claim" : status === "with_staff" ? "Assign to me" : "Take over";
    claim.className = open && !it.assignee ? "main" : "secondary";
    resolve.hidden = !open || !it.assignee;
    failure.hidden = !room.error;
    failure.textContent = room.error?.message ?? "";
    element.classList.toggle("opening", !room.joined && !room.messages.length && !room.error);
    const below = scroller.scrollHeight - scroller.scrollTop;
    transcript.render();
    composer.render();
    const seq = room.messages[0]?.seq ?? 0;
    // What comes in above pushes nothing away.
    if (atEnd) toEnd();
    else if (seq !== first) scroller.scrollTop = scroller.scrollHeight - below;
    first = seq;
    seen();
  };

  scroller.onscroll = () => {
    const { scrollTop, scrollHeight, clientHeight } = scroller;
    atEnd = scrollHeight - scrollTop - clientHeight < 48;
    if (scrollTop < 160) room.loadOlder();
    if (atEnd) jump.hidden = true;
    seen();
  };
  room.on("changed", draw, signal);
  room.on("message", (message) => {
    if (!message || (message.role === "staff" && message.author?.id === desk.me.id)) return void toEnd();
    jump.hidden = atEnd;
    shell.announce(`${message.role === "user" ? name() : message.author?.name ?? words(message.role)}: ${message.content}`);
  }, signal);
  desk.on("queue", draw, signal);
  desk.on("state", draw, signal);
  document.addEventListener("visibilitychange", seen, { signal });
  new ResizeObserver(() => atEnd && toEnd()).observe(scroller);

  const view = {
    element,
    show: () => title.focus({ preventScroll: true }),
    end: () => life.abort(),
    async claim() {
      const it = escalation();
      if (room.conversation?.status === "with_staff" && !isMine() && it) await change("escalation.assign", { assignee: desk.me.id }, "It is yours now.");
      else if (!isMine()) (await take()) && toast("It is yours now.");
      draw();
    },
    release: () => void change("escalation.release", {}, "The assistant goes on."),
    reply: () => composer.focus(false),
    note: () => composer.focus(true),
    resolve() {
      const it = escalation();
      if (!it || it.status === "resolved") return void toast("There is nothing open to resolve.");
      openDialog("Resolve", (close) => {
        const text = h("textarea", { rows: 3, dir: "auto", maxLength: 2000, placeholder: "What came of it, for your team" });
        const ai = h("input", { type: "checkbox" });
        const form = h("form", { class: "stack" }, h("label", null, "Resolution", text), h("label", { class: "check" }, ai, "The assistant answers on"), h("div", { class: "actions" }, h("button", { class: "main" }, "Resolve")));
        form.onsubmit = (event) => {
          event.preventDefault();
          close();
          change("escalation.resolve", { resolution: text.value.trim(), ...(ai.checked && { reopen_ai: true }) }, "Resolved.");
        };
        text.onkeydown = (event) => {
          if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) form.requestSubmit();
        };
        return [form];
      });
    },
  };
  draw();
  return view;
};
