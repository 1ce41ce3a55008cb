/**
 * Why a turn ended as it did: each recorded step, the passages with their scores, the confidence against its
 * threshold.
 *
 * Invariant: it shows what was recorded, and where it was not, nothing.
 */
import { h, link, makeList } from "../widget/dom.js";
import { milliseconds, moment, score, words } from "./format.js";

/** What each step is for. @type {Record<string, string>} */
const STEPS = {
  guard: "Guard",
  classify: "Understand",
  route: "Route",
  retrieve: "Look up",
  respond: "Answer",
  assess: "Assess",
  finish: "Finish",
  escalate: "Hand over",
};

/** @type {(desk: Staff.Console, room: Staff.Room) => Staff.View} */
export const makeWhy = (desk, room) => {
  const list = makeList(h("ol", { class: "turns" }));
  const status = h("p", { class: "none", role: "status" }, "Loading");
  const element = h("div", null, status, list.element);
  let shown = false;
  let asked = 0;
  let upto = "";
  let life = new AbortController();

  const look = async () => {
    const mine = ++asked;
    try {
      const { turns } = await desk.request("workflow.get", { conversation_id: room.id });
      if (mine !== asked) return;
      const latest = turns.toReversed();
      list.render(latest.map((turn, at) => [String(turn.turn), JSON.stringify([turn.steps.length, at === 0]), () => turnOf(turn, at === 0)]));
      status.hidden = turns.length > 0;
      status.textContent = "The assistant has not answered here: people alone did.";
    } catch (error) {
      if (mine !== asked || error.kind === "disconnected") return;
      status.hidden = false;
      status.textContent = error.kind === "not_found" ? "Nothing is recorded of this conversation." : error.message;
    }
  };

  /** Whatever may have ended a turn. */
  const changed = () => {
    const now = [room.messages.findLast(({ role }) => role !== "user")?.id, room.step?.turn, room.step?.step, room.step?.status].join();
    if (now === upto) return;
    upto = now;
    if (desk.state === "online") look();
  };

  return {
    element,
    show() {
      if (shown) return;
      shown = true;
      life = new AbortController();
      upto = "";
      room.on("changed", changed, life.signal);
      desk.on("online", look, life.signal);
      changed();
    },
    hide() {
      shown = false;
      life.abort();
    },
  };
};

/** @param {Staff.Turn} turn */
const turnOf = ({ turn, steps }, open = false) => {
  const longest = Math.max(1, ...steps.map(({ ms }) => ms));
  const last = steps.at(-1);
  const how = last?.output?.outcome ?? (last?.status === "failed" ? "failed" : "under way");
  const confidence = steps.find(({ step }) => step === "assess")?.output?.confidence;
  const head = h("summary", null, h("span", { class: "turn-name" }, `Turn ${turn}`), h("span", { class: `tag ${how}` }, words(how)), confidence == null ? null : h("span", { class: "turn-score" }, score(confidence)));
  return h("li", null, h("details", { open }, head, h("ol", { class: "steps" }, ...steps.map((step) => stepOf(step, steps, longest)))));
};

/** @param {Staff.Step} step @param {Staff.Step[]} steps @param {number} longest */
const stepOf = ({ step, status, started_at, ms, output }, steps, longest) => {
  const time = h("span", { class: "step-time", title: moment(started_at) }, milliseconds(ms));
  const bar = h("span", { class: "step-bar", ariaHidden: "true" });
  bar.style.setProperty("--share", String(ms / longest));
  return h("li", { class: `step ${status}` }, h("div", { class: "step-head" }, h("span", { class: "step-name" }, STEPS[step] ?? words(step)), status === "done" ? null : h("span", { class: "tag bad" }, words(status)), bar, time), ...told(step, output ?? {}, steps));
};

/** What a step decided. @param {string} step @param {any} output @param {Staff.Step[]} steps @returns {Desk.Child[]} */
const told = (step, output, steps) => {
  const { error, finding, intent, confidence, margin, reason, agent, kind, category, action, outcome } = output;
  if (error) return [line(error)];
  switch (step) {
    case "guard":
      return [line(finding ? `Stopped: ${words(finding).toLowerCase()}` : "Nothing to object to")];
    case "classify":
      return [line(h("strong", null, intent ? words(intent) : "No topic that the desk knows"), `, ${score(confidence)} sure${margin == null ? "" : `, the next one ${score(margin)} behind`}`), reason && line(reason)];
    case "route":
      return [line([agent && `To ${words(agent).toLowerCase()}`, kind && words(kind).toLowerCase(), category && words(category).toLowerCase()].filter(Boolean).join(", "))];
    case "retrieve":
      return Array.isArray(output) ? [output.length ? h("ol", { class: "passages" }, ...output.map(passage)) : line("Nothing was found")] : [];
    case "respond":
      return [line(action === "answer" ? "Answered" : words(action), confidence == null ? "" : `, ${score(confidence)} sure of itself`), reason && line(reason)];
    case "assess":
      return [gauge(output, steps), line(`Evidence ${score(output.evidence)}, topic ${score(output.intent)}, the answer's own ${score(output.own)}`)];
    default:
      return [step === "escalate" ? null : line(words(outcome)), reason && line(reason)];
  }
};

/** @param {...Desk.Child} parts */
const line = (...parts) => h("p", { dir: "auto" }, ...parts);

/** @param {{title: string, source: string, url: string | null, text: string, score: number}} it */
const passage = ({ title, source, url, text, score: value }) => {
  const meter = h("meter", { min: 0, max: 1, value, ariaLabel: `Score ${score(value)}` });
  return h("li", null, h("details", null, h("summary", null, h("span", { class: "passage-title", dir: "auto" }, title || source), meter, h("span", { class: "passage-score" }, score(value))), h("p", { dir: "auto" }, text), url ? h("p", null, link(url, "Open the source")) : null));
};

/** The confidence as a bar, and the threshold as a line across it. @param {any} output @param {Staff.Step[]} steps */
const gauge = ({ confidence, threshold }, steps) => {
  const end = steps.find(({ step }) => step === "escalate")?.output?.reason;
  // Older records name it only in the reason.
  const least = threshold ?? Number(/ is under ([\d.]+)$/.exec(end ?? "")?.[1] ?? NaN);
  const known = Number.isFinite(least);
  const sentence = known ? `Confidence ${score(confidence)}, ${confidence < least ? "under" : "over"} the threshold of ${score(least)}` : `Confidence ${score(confidence)}`;
  const bar = h("div", { class: `gauge ${known && confidence < least ? "under" : ""}`, role: "img", ariaLabel: sentence }, h("i"), known ? h("b") : null);
  bar.style.setProperty("--value", String(confidence));
  if (known) bar.style.setProperty("--threshold", String(least));
  return h("div", null, line(sentence), bar);
};
