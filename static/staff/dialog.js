/** Dialogs and menus: the browser's own, so that focus goes in, stays in, and comes back. */
import { h, icon } from "../widget/dom.js";
import { CLOSE } from "./icons.js";

/** Opens a dialog; it is gone once closed. @param {string} title @param {(close: () => void) => Desk.Child[]} fill */
export const openDialog = (title, fill, kind = "") => {
  const heading = h("h2", { id: "dialog-title" }, title);
  const dialog = h("dialog", { class: `dialog ${kind}`, "aria-labelledby": "dialog-title" });
  const close = () => dialog.close();
  dialog.append(h("header", null, heading, h("button", { class: "tool", ariaLabel: "Close", onclick: close }, icon(...CLOSE))));
  dialog.append(...fill(close).filter((child) => child !== null && child !== undefined && child !== false));
  dialog.onclose = () => dialog.remove();
  // On what is around it.
  dialog.onpointerdown = (event) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    if (event.target === dialog && (event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom)) close();
  };
  document.body.append(dialog);
  dialog.showModal();
  // What it is for, rather than the way out.
  /** @type {HTMLElement | null} */ (dialog.querySelector("form :is(input, textarea)"))?.focus();
  return dialog;
};

/**
 * A button that opens a menu below it. `choices` is asked each time it opens.
 * @param {HTMLElement} button @param {() => [words: string, act: () => unknown, kind?: string][]} choices
 */
export const makeMenu = (button, choices) => {
  const menu = h("div", { class: "menu", role: "menu", hidden: true });
  const root = h("div", { class: "menu-root" }, button, menu);
  button.ariaHasPopup = "menu";
  button.ariaExpanded = "false";

  const toggle = (open = Boolean(menu.hidden), refocus = true) => {
    if (open === !menu.hidden) return;
    menu.hidden = !open;
    button.ariaExpanded = `${open}`;
    if (!open) return void (refocus && button.focus());
    menu.replaceChildren(...choices().map(([words, act, kind]) => {
      const item = h("button", { role: "menuitem", tabIndex: -1, class: kind ?? "" }, words);
      item.onclick = () => {
        toggle(false);
        act();
      };
      return item;
    }));
    menu.querySelector("button")?.focus();
  };

  button.addEventListener("click", () => toggle());
  root.addEventListener("focusout", ({ relatedTarget }) => root.contains(/** @type {Node | null} */ (relatedTarget)) || toggle(false, false));
  root.addEventListener("keydown", (event) => {
    if (menu.hidden) return;
    const items = [...menu.querySelectorAll("button")];
    const at = items.indexOf(/** @type {any} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) items[to % items.length]?.focus();
    else if (event.key === "Escape") toggle(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  return root;
};
