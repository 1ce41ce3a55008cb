/**
 * Where staff write: a reply or a note, canned replies by `/`, and a draft from the knowledge.
 *
 * Invariant: what was typed is kept for its conversation until it is sent, over reloads and sign-outs.
 */
import { LONGEST_MESSAGE } from "../client.js";
import { h, icon } from "../widget/dom.js";
import { manageCanned, makeCanned } from "./canned.js";
import { suggest } from "./draft.js";
import { LOCK, SEND, SLASH, SPARK } from "./icons.js";

/** @type {(shell: Staff.Shell, room: Staff.Room, before: () => Promise<boolean>) => {element: HTMLElement, focus(isNote?: boolean): void, render(): void}} */
export const makeComposer = ({ desk, attempt }, room, before) => {
  let isNote = false;
  const field = h("textarea", { rows: 1, dir: "auto", ariaLabel: "Reply" });
  const hint = h("p", { class: "hint", role: "status" });
  const reply = h("button", { class: "tab", ariaPressed: "true" }, "Reply");
  const note = h("button", { class: "tab", ariaPressed: "false" }, icon(...LOCK), "Note");
  const send = h("button", { class: "send", type: "submit" }, icon(...SEND), h("span", null, "Send"));
  const slash = h("button", { class: "tool", type: "button", title: "Canned replies (/)", ariaLabel: "Canned replies" }, icon(...SLASH));
  const spark = h("button", { class: "tool wide", type: "button", ariaLabel: "Draft from knowledge", title: "Puts passages of your knowledge base that fit the last question into the field, for you to edit" }, icon(...SPARK), h("span", null, "Draft from knowledge"));
  const canned = makeCanned(desk, field, () => changed());
  const form = h("form", { class: "composer" }, h("div", { class: "tabs", role: "group", ariaLabel: "What you write" }, reply, note), canned.element, field, hint, h("div", { class: "tools" }, slash, spark, h("span", { class: "gap" }), send));

  const fit = () => {
    field.style.height = "auto";
    field.style.height = `${Math.min(field.scrollHeight, 220)}px`;
  };

  const changed = () => {
    room.draft = field.value;
    fit();
    tell();
  };

  const tell = () => {
    const { length } = [...field.value.trim()];
    const left = LONGEST_MESSAGE - length;
    const status = room.conversation?.status;
    const closed = status === "closed" && !isNote;
    field.disabled = closed;
    send.ariaDisabled = String(!length || left < 0 || closed);
    hint.textContent = closed ? "This conversation has ended. You can still leave a note." : left < 0 ? `${-left} characters too many` : left < 500 ? `${left} characters left` : "";
    hint.hidden = !hint.textContent;
    form.classList.toggle("note", isNote);
    reply.ariaPressed = String(!isNote);
    note.ariaPressed = String(isNote);
    field.ariaLabel = isNote ? "Note" : "Reply";
    field.placeholder = isNote ? "A note, for your team only" : "Reply, or / for a canned one";
    spark.hidden = isNote;
    /** @type {HTMLElement} */ (send.lastChild).textContent = isNote ? "Add note" : status && status !== "with_staff" && !closed ? verb() : "Send";
  };

  const verb = () => (desk.escalationOf(room.id)?.status.match(/pending|notified/) ? "Claim and send" : "Take over and send");

  /** @param {boolean} to */
  const choose = (to) => {
    isNote = to;
    tell();
    field.focus();
  };

  form.onsubmit = async (event) => {
    event.preventDefault();
    const { value } = field;
    if (send.ariaDisabled === "true") return;
    const asNote = isNote;
    // Who answers first, or the reply would cross with the assistant's.
    if (!asNote && !(await before())) return;
    room.send(value, asNote);
    if (field.value !== value) return;
    field.value = "";
    changed();
    field.focus();
  };
  field.oninput = () => {
    changed();
    canned.typed();
    if (!isNote && field.value) room.typing();
  };
  field.onkeydown = (event) => {
    if (canned.key(event)) return;
    // An Enter may end a composition; Safari tells it by the code only.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    form.requestSubmit();
  };
  reply.type = note.type = "button";
  reply.onclick = () => choose(false);
  note.onclick = () => choose(true);
  slash.onclick = () => manageCanned(desk, attempt, (text) => insert(text));
  spark.onclick = async () => {
    spark.ariaDisabled = "true";
    const text = await attempt(suggest(desk, room));
    spark.ariaDisabled = "false";
    if (text) insert(text);
  };

  const insert = (text = "") => {
    field.focus();
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    changed();
  };

  field.value = room.draft;
  tell();
  return {
    element: form,
    focus(asNote = false) {
      choose(asNote);
      fit();
    },
    render: () => {
      tell();
      if (!field.style.height) fit();
    },
  };
};
