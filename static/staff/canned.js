/** Canned replies: a list that `/` opens at the caret, and the dialog in which they are kept. */
import { h } from "../widget/dom.js";
import { openDialog } from "./dialog.js";

const MOST = 8;
/** `/`, at the beginning or after a space, and what was typed of a name, up to the caret. */
const TYPED = /(?:^|\s)\/([\p{L}\p{N}_-]*)$/u;

/** @type {(desk: Staff.Console, field: HTMLTextAreaElement, changed: () => void) => {element: HTMLElement, typed(): void, key(event: KeyboardEvent): boolean}} */
export const makeCanned = (desk, field, changed) => {
  /** @type {Staff.Canned[]} */
  let all = [];
  /** @type {Staff.Canned[]} */
  let found = [];
  let at = 0;
  let asked = false;
  const element = h("ul", { class: "canned", id: "canned", role: "listbox", ariaLabel: "Canned replies", hidden: true });
  field.setAttribute("aria-controls", "canned");
  field.setAttribute("aria-autocomplete", "list");

  const word = () => TYPED.exec(field.value.slice(0, field.selectionStart))?.[1];

  const close = () => {
    element.hidden = true;
    asked = false;
    field.removeAttribute("aria-activedescendant");
  };

  /** @param {Staff.Canned} reply */
  const use = ({ content }) => {
    const end = field.selectionStart;
    field.setRangeText(content, end - (word()?.length ?? 0) - 1, end, "end");
    close();
    field.focus();
    changed();
  };

  const render = () => {
    const typed = word()?.toLowerCase();
    if (typed === undefined) return close();
    const starting = all.filter(({ name }) => name.toLowerCase().startsWith(typed));
    found = [...starting, ...all.filter((it) => !starting.includes(it) && `${it.name} ${it.content}`.toLowerCase().includes(typed))].slice(0, MOST);
    at = Math.min(at, Math.max(0, found.length - 1));
    element.replaceChildren(...found.map((reply, index) => {
      const { name, content } = reply;
      const option = h("li", { role: "option", id: `canned-${index}`, ariaSelected: String(index === at) }, h("strong", null, `/${name}`), h("span", { dir: "auto" }, content));
      option.onpointerdown = (event) => {
        event.preventDefault();
        use(reply);
      };
      return option;
    }));
    element.hidden = !found.length;
    if (found.length) field.setAttribute("aria-activedescendant", `canned-${at}`);
    else field.removeAttribute("aria-activedescendant");
  };

  return {
    element,
    async typed() {
      if (word() === undefined) return close();
      if (!asked) {
        asked = true;
        at = 0;
        // Without a connection the last ones known will do.
        await desk.request("canned.list", {}).then(({ canned }) => (all = canned), () => {});
      }
      render();
    },
    key(event) {
      if (element.hidden) return false;
      const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (by) at = (at + by + found.length) % found.length;
      if (by) render();
      else if (event.key === "Enter" || event.key === "Tab") use(found[at]);
      else if (event.key === "Escape") close();
      else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
};

/** @type {(desk: Staff.Console, attempt: Staff.Shell["attempt"], insert: (text: string) => void) => Promise<void>} */
export const manageCanned = async (desk, attempt, insert) => {
  const answer = await attempt(desk.request("canned.list", {}));
  if (!answer) return;
  let all = answer.canned;
  /** @type {Staff.Canned | null} */
  let edited = null;
  openDialog("Canned replies", (close) => {
    const list = h("ul", { class: "canned-list" });
    const name = h("input", { required: true, maxLength: 50, pattern: "[\\p{L}\\p{N}_\\-]+", title: "Letters, digits, - and _" });
    const content = h("textarea", { required: true, rows: 4, dir: "auto" });
    const save = h("button", { class: "main" }, "Save");
    const form = h("form", { class: "stack" }, h("label", null, "Name, typed after /", name), h("label", null, "Text", content), h("div", { class: "actions" }, save));

    const draw = () => {
      save.textContent = edited ? "Save changes" : "Add";
      list.replaceChildren(...(all.length ? all.map((it) => h("li", null,
        h("button", { class: "use", title: "Put it into the reply", onclick: () => (close(), insert(it.content)) }, h("strong", null, `/${it.name}`), h("span", { dir: "auto" }, it.content)),
        h("button", { class: "link", ariaLabel: `Edit ${it.name}`, onclick: () => edit(it) }, "Edit"),
        h("button", { class: "link bad", ariaLabel: `Delete ${it.name}`, onclick: () => remove(it) }, "Delete"))) : [h("li", { class: "none" }, "There are none yet. Add the first below.")]));
    };
    /** @param {Staff.Canned | null} it */
    const edit = (it) => {
      edited = it;
      name.value = it?.name ?? "";
      content.value = it?.content ?? "";
      name.focus();
      draw();
    };
    /** @param {Staff.Canned} it */
    const remove = async (it) => {
      if (!(await attempt(desk.request("canned.delete", { id: it.id })))) return;
      all = all.filter(({ id }) => id !== it.id);
      edit(null);
    };
    form.onsubmit = async (event) => {
      event.preventDefault();
      const saved = await attempt(desk.request("canned.save", { ...(edited && { id: edited.id }), name: name.value, content: content.value }));
      if (!saved) return;
      all = [...all.filter(({ id }) => id !== saved.canned.id), saved.canned].sort((a, b) => a.name.localeCompare(b.name));
      edit(null);
    };
    draw();
    return [list, form];
  });
};
