/** Beside a conversation: who the visitor is, what they asked for before, how they rated us, and why it came to this. */
import { h, icon, link } from "../widget/dom.js";
import { age, dayAndTime, moment, priority, score, visitorName, words } from "./format.js";
import { CLOSE, STAR } from "./icons.js";
import { makeWhy } from "./why.js";

/** So much of what a page tells of its visitor is shown. */
const METADATA = 12;

/** The contact that was given with a request for a person, without what was left out. @param {Staff.Escalation | undefined} it */
const given = (it) => /** @type {Record<string, string | undefined>} */ (Object.fromEntries(Object.entries(it?.contact_info ?? {}).filter(([, value]) => value)));

/** @type {(shell: Staff.Shell, room: Staff.Room, close: () => void) => Staff.View & {end(): void}} */
export const makeSide = ({ desk }, room, close) => {
  const life = new AbortController();
  const { signal } = life;
  let tab = "details";
  /** @type {Desk.State[] | null} */
  let earlier = null;
  let looked = false;
  let drawn = "";
  let why = makeWhy(desk, room);

  const details = h("div", { class: "details", id: "side-details", role: "tabpanel", "aria-labelledby": "tab-details" });
  const reasons = h("div", { class: "reasons", id: "side-why", role: "tabpanel", "aria-labelledby": "tab-why", hidden: true }, why.element);
  const tabs = ["details", "why"].map((name) => h("button", { role: "tab", id: `tab-${name}`, "aria-controls": `side-${name}`, onclick: () => choose(name) }, name === "why" ? "Why" : "Details"));
  const list = h("div", { class: "side-tabs", role: "tablist", ariaLabel: "About the conversation" }, ...tabs);
  const element = h("aside", { class: "side", ariaLabel: "About the conversation" }, h("header", null, list, h("button", { class: "tool close", ariaLabel: "Close", onclick: close }, icon(...CLOSE))), details, reasons);

  const choose = (name = tab) => {
    tab = name;
    tabs.forEach((button, at) => {
      const on = (at === 1) === (name === "why");
      button.ariaSelected = String(on);
      button.tabIndex = on ? 0 : -1;
    });
    details.hidden = name !== "details";
    reasons.hidden = name !== "why";
    if (name === "why") why.show?.();
    else why.hide?.();
  };
  list.onkeydown = ({ key }) => {
    if (key !== "ArrowLeft" && key !== "ArrowRight") return;
    choose(tab === "why" ? "details" : "why");
    tabs[tab === "why" ? 1 : 0].focus();
  };

  /** @param {[string, Desk.Child][]} pairs */
  const facts = (pairs) => {
    const told = pairs.filter(([, value]) => value);
    return told.length > 0 && h("dl", null, ...told.flatMap(([name, value]) => [h("dt", null, name), h("dd", { dir: "auto" }, value)]));
  };

  const lookForEarlier = async () => {
    const visitor = room.visitor?.id;
    if (!visitor || looked || desk.state !== "online") return;
    looked = true;
    try {
      const { conversations } = await desk.request("conversation.list", { visitor, limit: 20 });
      earlier = conversations.filter(({ conversation_id }) => conversation_id !== room.id);
    } catch {
      // The next session asks again.
      looked = false;
    }
    draw();
  };

  const draw = () => {
    const it = desk.escalationOf(room.id);
    const { conversation } = room;
    lookForEarlier();
    const now = JSON.stringify([room.joined, it?.id, it?.version, conversation?.version, earlier?.map(({ version }) => version), room.error?.kind]);
    if (now === drawn) return;
    drawn = now;
    const { name: told, external_id, verified, metadata } = room.visitor ?? {};
    // What they gave to be called back on is later than what their page told.
    const { name = told, email = room.visitor?.email, phone = room.visitor?.phone } = given(it);
    const rating = conversation?.rating ?? 0;
    const stars = rating > 0 && h("span", { class: "stars", role: "img", ariaLabel: `${rating} out of 5` }, ...[1, 2, 3, 4, 5].map((n) => h("span", { class: n <= rating ? "lit" : "" }, icon(...STAR))));
    details.replaceChildren(
      h("section", null,
        h("h3", null, "Visitor"),
        facts([
          ["Name", name ?? visitorName(it, room.id)],
          ["E-mail", email ? link(`mailto:${email}`, email) : null],
          ["Phone", phone],
          ["Account", external_id && `${external_id} (${verified ? "verified" : "not verified"})`],
          ["Session", conversation?.session_id],
          ...Object.entries(metadata ?? {}).slice(0, METADATA).map(([key, value]) => /** @type {[string, Desk.Child]} */ ([words(key), typeof value === "string" ? value : JSON.stringify(value)])),
          ["Audience", conversation?.mode ? words(conversation.mode) : null],
          ["Since", conversation ? time(conversation.created_at) : null],
          ["Rating", stars],
        ]) || ""),
      it ? h("section", null,
        h("h3", null, "Request for a person"),
        it.summary ? h("p", { class: "summary", dir: "auto" }, it.summary) : "",
        facts([
          ["Trigger", words(it.trigger_type)],
          ["Reason", it.reason],
          ["Topic", it.issue_type && words(it.issue_type)],
          ["Priority", priority(it.priority)],
          ["Status", words(it.status)],
          ["Assigned to", it.assignee && (it.assignee.name ?? "A colleague")],
          ["Came in", time(it.created_at)],
          ["Claimed", it.claimed_at && time(it.claimed_at)],
          ["Resolved", it.resolved_at && time(it.resolved_at)],
          ["Resolution", it.resolution],
        ]) || "") : "",
      h("section", null, h("h3", null, "Earlier conversations"), before()),
    );
  };

  /** @param {string} at */
  const time = (at) => h("time", { dateTime: at, title: moment(at) }, dayAndTime(at));

  const before = () => {
    if (!earlier) return h("p", { class: "none" }, "Looking");
    if (!earlier.length) return h("p", { class: "none" }, "This is the first.");
    return h("ul", { class: "earlier-list" }, ...earlier.map(({ conversation_id, status, updated_at, rating }) =>
      h("li", null, h("a", { href: `#/inbox/all/${conversation_id}` }, h("span", null, words(status), rating ? ` · ${score(rating)[0]} of 5` : ""), h("time", { dateTime: updated_at, title: moment(updated_at) }, age(updated_at))))));
  };

  room.on("changed", draw, signal);
  desk.on("queue", draw, signal);
  desk.on("online", () => {
    looked = false;
    draw();
  }, signal);
  choose();
  draw();
  return {
    element,
    end() {
      life.abort();
      why.hide?.();
    },
  };
};
