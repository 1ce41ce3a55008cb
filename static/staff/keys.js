/**
 * The keyboard: single keys for all that is done often, listed by `?`.
 *
 * Invariant: no key does anything while somebody types, nor with a modifier, nor once they are switched off.
 */
import { h } from "../widget/dom.js";
import { openDialog } from "./dialog.js";

const KEY = "switchboard-staff:keys";
const TYPES = "input, textarea, select, [contenteditable]";

const isOff = () => localStorage.getItem(KEY) === "off";

/** @param {Staff.Key[]} keys */
export const listen = (keys) => {
  addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (event.isComposing || event.metaKey || event.ctrlKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (target.matches(TYPES) && event.key !== "Escape") return;
    // Where one reads, arrows scroll.
    if (event.key.startsWith("Arrow") && target !== document.body && !target.closest(".queue")) return;
    if (isOff() && event.key !== "Escape" && event.key !== "?") return;
    const key = keys.find(({ keys }) => keys.split(" ").includes(event.key));
    if (!key || (event.key === "Enter" && target.matches("a, button, summary"))) return;
    event.preventDefault();
    key.act(event);
  });
};

/** @param {Staff.Key[]} keys */
export const showKeys = (keys) => {
  openDialog("Keyboard", () => {
    const on = h("input", { type: "checkbox", checked: !isOff() });
    on.onchange = () => localStorage.setItem(KEY, on.checked ? "on" : "off");
    const rows = [...keys, { keys: "/", words: "In the reply: canned replies", act() {} }, { keys: "Enter", words: "In the reply: send; with Shift a new line", act() {} }];
    return [
      h("dl", { class: "keys" }, ...rows.flatMap(({ keys, words }) => [h("dt", null, ...keys.split(" ").map((key) => h("kbd", null, { Escape: "Esc", ArrowDown: "↓", ArrowUp: "↑" }[key] ?? key))), h("dd", null, words)])),
      h("label", { class: "check" }, on, "Single keys are on"),
    ];
  });
};
