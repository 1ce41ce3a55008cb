/**
 * The transcript: what was said, the notes between it, and what is on its way, as the company sees it.
 *
 * Invariant: what anybody wrote becomes text nodes, by the widget's own renderer.
 */
import { h, icon, link, makeList, markdown, plain } from "../widget/dom.js";
import { chip } from "../widget/parts.js";
import { clock, day, moment } from "./format.js";
import { LOCK } from "./icons.js";

/** Milliseconds within which a speaker's messages share a name. */
const TOGETHER = 300_000;

/** @type {(room: Staff.Room, visitor: () => string) => {element: HTMLElement, render(): void}} */
export const makeTranscript = (room, visitor) => {
  const list = makeList(h("ol", { class: "transcript" }));
  let lively = false;
  /** @type {Element | null} */
  let streamed = null;

  /** @param {Desk.Message} message */
  const speaker = ({ role, author, agent_name }) => {
    if (role === "user") return visitor();
    return role === "assistant" ? (agent_name ?? "Assistant").replaceAll("_", " ") : author?.name ?? "Support team";
  };

  /** @param {string} kind @param {string} name @param {string} at @param {Desk.Child[]} content @param {...Desk.Child} rest */
  const bubble = (kind, name, at, content, ...rest) => {
    const head = kind.includes("first") && h("div", { class: "by" }, h("bdi", { class: "name" }, name), at && h("time", { dateTime: at, title: moment(at) }, clock(at)));
    return h("li", { class: `said ${kind}` }, head, !head && h("span", { class: "sr" }, `${name}: `), h("div", { class: "text", dir: "auto", title: at && moment(at) }, ...content), ...rest);
  };

  /** @param {Desk.Message} message */
  const said = (message, first = false, receipt = "") => {
    const { role, content, citations, attachments, created_at } = message;
    if (role === "system") return h("li", { class: "marker" }, h("span", { dir: "auto" }, content), h("time", { dateTime: created_at, title: moment(created_at) }, clock(created_at)));
    const text = role === "user" ? plain(content) : markdown(content, (number) => citations.filter((cited) => cited.number === number).map(chip)[0]);
    const sources = citations.map((cited) => h("li", null, chip(cited), link(cited.url, cited.title || cited.source)));
    const files = attachments.map(({ name, url }) => h("li", null, link(url, name)));
    return bubble(`${role} ${first ? "first" : ""}`, speaker(message), created_at, text,
      sources.length > 0 && h("ol", { class: "sources", ariaLabel: "Sources" }, ...sources),
      files.length > 0 && h("ul", { class: "sources", ariaLabel: "Attachments" }, ...files),
      receipt && h("div", { class: "receipt" }, receipt));
  };

  /** @param {Staff.Note} note */
  const noted = ({ author, content, created_at }) =>
    bubble("note first", `${author?.name ?? "A colleague"} · note`, created_at, markdown(content), h("span", { class: "only" }, icon(...LOCK), "Only your team sees this"));

  /** @param {Desk.Entry} entry */
  const unsent = ({ client_id, content, failed, metadata }) => {
    const kind = `${metadata ? "note" : "staff"} first ${failed ? "failed" : "pending"}`;
    const waits = room.held ? `${room.held.message} It is kept and sent as soon as it can be.` : room.joined ? "Sending" : "Kept until there is a connection";
    if (!failed) return bubble(kind, "You", "", markdown(content), h("div", { class: "receipt" }, waits));
    const retry = h("button", { class: "link", onclick: () => room.retry(client_id) }, "Try again");
    const discard = h("button", { class: "link", onclick: () => room.discard(client_id) }, "Discard");
    return bubble(kind, "You", "", markdown(content), h("div", { class: "receipt", role: "alert" }, `Not sent. ${failed.message} `, retry, discard));
  };

  const items = () => {
    const { messages, stream, typist, pending } = room;
    /** @type {Desk.Item[]} */
    const out = [];
    if (room.hasMore) out.push(["earlier", "", () => h("li", { class: "earlier" }, h("button", { class: "quiet", onclick: room.loadOlder }, "Earlier messages"))]);
    const from = room.hasMore ? (messages[0]?.created_at ?? "") : "";
    const notes = room.notes.filter(({ created_at }) => created_at >= from);
    const lastOwn = messages.findLast(({ role }) => role === "staff");
    let before = "";
    let today = "";
    /** @param {string} at */
    const date = (at) => {
      const now = new Date(at).toDateString();
      if (now !== today) out.push([`day ${now}`, day(at), () => h("li", { class: "day" }, h("span", null, day(at)))]);
      if (now !== today) before = "";
      today = now;
    };
    /** @param {Staff.Note} note */
    const note = (note) => {
      date(note.created_at);
      out.push([note.client_id ?? note.id, note.id, () => noted(note)]);
      before = "";
    };
    let lastAt = 0;
    for (const message of messages) {
      while (notes[0] && notes[0].created_at < message.created_at) note(/** @type {Staff.Note} */ (notes.shift()));
      const { id, client_id, seq, created_at } = message;
      date(created_at);
      const who = `${message.role} ${message.author?.id ?? message.agent_name}`;
      const first = who !== before || Date.parse(created_at) - lastAt > TOGETHER;
      const receipt = message === lastOwn ? (room.read.user >= seq ? "Seen" : "Delivered") : "";
      // A message keeps the place that it had while it was pending.
      out.push([client_id ?? id, `${id} ${first} ${receipt}`, () => said(message, first, receipt)]);
      before = message.role === "system" ? "" : who;
      lastAt = Date.parse(created_at);
    }
    notes.forEach(note);
    for (const entry of pending) {
      if (messages.some(({ client_id }) => client_id === entry.client_id)) continue;
      out.push([entry.client_id, `${entry.failed?.kind} ${room.joined} ${room.held?.kind}`, () => unsent(entry)]);
    }
    if (stream) {
      out.push(["stream", stream.message_id, () => {
        const item = bubble("assistant first stream", "Assistant is writing", "", markdown(stream.text));
        streamed = item.querySelector(".text");
        return item;
      }]);
    } else if (typist) {
      const name = typist.role === "user" ? visitor() : typist.name ?? "A colleague";
      out.push(["typing", name, () => h("li", { class: `typing ${typist.role}` }, h("span", { class: "dots", ariaHidden: "true" }, h("i"), h("i"), h("i")), `${name} is typing`)]);
    }
    return out;
  };

  return {
    element: list.element,
    render() {
      list.render(items(), lively);
      if (room.stream) streamed?.replaceChildren(...markdown(room.stream.text));
      lively ||= room.joined;
    },
  };
};
