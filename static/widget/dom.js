/**
 * Elements, drawings, links, and the Markdown of chats.
 *
 * Invariant: what anybody wrote becomes text nodes, and links only to http, https and mailto. What is
 * searched ahead has a bound, so the work is linear in the text.
 */

/** @type {Desk.Make} */
export const h = (tag, props, ...children) => {
  const element = /** @type {any} */ (document.createElement(tag));
  for (const name in props) {
    if (name in element) element[name] = props[name];
    else element.setAttribute(name, props[name]);
  }
  element.append(...children.filter(Boolean));
  return element;
};

/** A list whose items are made anew only when their signature changes. @type {Desk.MakeList} */
export const makeList = (element) => {
  /** @type {Map<string, {sign: string, element: HTMLElement | SVGElement}>} */
  let shown = new Map();
  return {
    element,
    has: (key) => shown.has(key),
    clear() {
      shown = new Map();
      element.replaceChildren();
    },
    render(items, lively) {
      const before = shown;
      shown = new Map();
      const keys = new Set(items.map(([key]) => key));
      for (const [key, { element }] of before) if (!keys.has(key)) element.remove();
      items.forEach(([key, sign, make], at) => {
        const was = before.get(key);
        const item = was?.sign === sign ? was.element : make();
        if (item !== was?.element) was?.element.replaceWith(item);
        if (!was && lively) item.classList.add("enter");
        shown.set(key, { sign, element: item });
        const there = element.children[at];
        if (item !== there) element.insertBefore(item, there);
      });
    },
  };
};

/** A line drawing, for the eye only. @param {...string} paths within 24 by 24 */
export function icon(...paths) {
  const create = (/** @type {"svg" | "path"} */ tag) => document.createElementNS("http://www.w3.org/2000/svg", tag);
  const svg = create("svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  for (const d of paths) svg.appendChild(create("path")).setAttribute("d", d);
  return svg;
}

/** Two jacks and a cord, plugged in while there is a connection. */
export const mark = () => icon("M6 10.5C6 20.5 18 20.5 18 10.5", "M3.5 7.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0", "M15.5 7.5a2.5 2.5 0 1 0 5 0a2.5 2.5 0 1 0-5 0");

/** @param {string | null} href followed only where it is safe @param {...(Node | string)} words */
export function link(href, ...words) {
  const safe = /^(https?:\/\/|mailto:)/i.test(href ?? "");
  return safe ? h("a", { href, title: href, target: "_blank", rel: "noopener noreferrer" }, ...words) : h("span", null, ...words);
}

/** What a visitor typed: as it is, with links. */
export const plain = (text = "") => text.split(/(https?:\/\/[^\s<>"]+)/).flatMap((piece, index) => (index % 2 ? address(piece) : piece));

const FENCE = /^\s*```/;
const HEADING = /^#{1,6}\s+(.+?)[\s#]*$/;
const ITEM = /^\s*(?:[-*+•]|(\d{1,9})[.)])\s+/;
/** Nobody means deeper lists or emphasis than this. */
const DEEPEST = 4;
const INLINE = new RegExp(
  [
    /\\([\\`*_[\]()#+.!>~-])/, // escaped
    /`([^`]{1,2000})`/, // code
    /\*\*(?=\S)(.{0,1000}?\S)\*\*/, // bold
    /(?<!\w)[*_](?=\S)([^*_]{0,1000}?\S)[*_](?!\w)/, // italic
    /\[([^[\]]{1,500})\]\(([^()\s]{1,1000}(?:\([^()\s]{0,200}\)[^()\s]{0,200})?)\)/, // link
    /\[(\d{1,3})\]/, // citation
    /((?:https?:\/\/|mailto:)[^\s<>"]{1,1000})/, // bare address
  ].map(({ source }) => source).join("|"),
  "gs",
);

/** @param {string} text @param {Desk.Cite} [cite] */
export const markdown = (text, cite) => {
  const blocks = (lines = [""], depth = 0) => {
    /** @type {HTMLElement[]} */
    const out = [];
    const special = (line = "") => FENCE.test(line) || HEADING.test(line) || (depth < DEEPEST && ITEM.test(line));
    for (let at = 0; at < lines.length; ) {
      const line = lines[at++];
      const more = [];
      const heading = HEADING.exec(line);
      if (FENCE.test(line)) {
        while (at < lines.length && !FENCE.test(lines[at])) more.push(lines[at++]);
        at++;
        out.push(h("pre", { tabIndex: 0, dir: "ltr" }, h("code", null, more.join("\n"))));
      } else if (heading) {
        out.push(h("p", null, h("strong", null, ...inline(heading[1]))));
      } else if (special(line)) {
        const number = ITEM.exec(line)?.[1];
        const indent = line.search(/\S/);
        // What is indented deeper belongs to the item.
        while (lines[at]?.search(/\S/) > indent) more.push(lines[at++].slice(indent + 2));
        const [first, ...rest] = blocks([line.replace(ITEM, ""), ...more], depth + 1);
        if (out.at(-1)?.nodeName !== (number ? "OL" : "UL")) out.push(number ? h("ol", { start: +number }) : h("ul"));
        out.at(-1)?.append(h("li", null, ...(first?.nodeName === "P" ? first.childNodes : [first]), ...rest));
      } else if (line.trim()) {
        while (lines[at]?.trim() && !special(lines[at])) more.push(lines[at++]);
        out.push(h("p", null, ...inline([line, ...more].join("\n"))));
      }
    }
    return out;
  };

  const inline = (text = "", depth = 0) => {
    /** @type {(Node | string)[]} */
    const out = [];
    let end = 0;
    for (const match of depth < DEEPEST ? text.matchAll(INLINE) : []) {
      const [whole, escaped, code, bold, italic, label, href, number, bare] = match;
      out.push(text.slice(end, match.index));
      end = match.index + whole.length;
      if (escaped) out.push(escaped);
      else if (code) out.push(h("code", { dir: "ltr" }, code));
      else if (bold) out.push(h("strong", null, ...inline(bold, depth + 1)));
      else if (italic) out.push(h("em", null, ...inline(italic, depth + 1)));
      else if (href) out.push(link(href, label));
      else if (number) out.push(cite?.(+number) ?? whole);
      else out.push(...address(bare));
    }
    return [...out, text.slice(end)];
  };

  return blocks(text.split(/\r?\n/));
};

/** A bare address, without the punctuation of the sentence around it. */
const address = (text = "") => {
  const bare = text.replace(text.includes("(") ? /[.,;:!?'*_]+$/ : /[.,;:!?'*_)\]]+$/, "");
  return [link(bare, bare), text.slice(bare.length)];
};
