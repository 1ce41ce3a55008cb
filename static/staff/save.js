/** Files that are made in the browser: transcripts, and tables as CSV. */
import { h } from "../widget/dom.js";
import { words } from "./format.js";

/** @param {string} name @param {string} type @param {string} text */
export const save = (name, type, text) => {
  const href = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  const link = h("a", { href, download: name, hidden: true });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
};

/** What a spreadsheet would take for a formula becomes text; U+FEFF, or Excel reads no UTF-8. */
export const csv = (columns = [""], rows = /** @type {unknown[][]} */ ([])) => {
  const cell = (/** @type {unknown} */ value) => {
    let text = value == null ? "" : String(value);
    if (typeof value === "string" && /^[\s]*[=+\-@\t\r]/.test(text)) text = `'${text}`;
    return /[",\r\n;]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return `\uFEFF${[columns, ...rows].map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
};

/** @param {string} visitor @param {Desk.Message[]} messages */
export const transcriptText = (visitor, messages) => {
  const said = messages.map(({ role, author, agent_name, content, citations, created_at }) => {
    const who = role === "user" ? visitor : author?.name ?? agent_name ?? words(role);
    const sources = citations.map(({ number, title, source, url }) => `  [${number}] ${title || source}${url ? ` ${url}` : ""}`);
    return [`${created_at}  ${who}`, content, ...sources].join("\n");
  });
  return `${said.join("\n\n")}\n`;
};
