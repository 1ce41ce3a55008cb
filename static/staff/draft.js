/**
 * A draft for a reply: what the knowledge base has to the visitor's last question, in its own words and with its
 * sources. No model writes it; whoever sends it has read it.
 */
import { SwitchboardError } from "../client/link.js";

const PASSAGES = 2;
/** Of the score of the best. A passage further behind answers something else. */
const NEAR = 0.7;
const LONGEST = 600;

/** @type {(desk: Staff.Console, room: Staff.Room) => Promise<string>} */
export const suggest = async (desk, room) => {
  const question = room.messages.findLast(({ role }) => role === "user")?.content;
  if (!question) throw new SwitchboardError("nothing", "The visitor has not asked anything yet.");
  const { chunks } = await desk.request("knowledge.search", { query: question.slice(0, 1000), limit: 5 });
  const good = chunks.filter(({ score }) => score >= chunks[0].score * NEAR).slice(0, PASSAGES);
  if (!good.length) throw new SwitchboardError("nothing", "The knowledge base has nothing on this question.");
  return good.map(({ title, source_url, text }) => `${excerpt(text, title)}\n(${source_url ? `${title}: ${source_url}` : title})`).join("\n\n");
};

/** Without the heading that repeats the title, and to the end of a sentence. */
const excerpt = (text = "", title = "") => {
  const lines = text.split("\n").filter((line) => line.replace(/^#+\s*/, "").trim() !== title);
  const plain = lines.join("\n").replace(/^#+\s*/gm, "").trim();
  if (plain.length <= LONGEST) return plain;
  const cut = plain.slice(0, LONGEST);
  const end = Math.max(cut.lastIndexOf(". "), cut.lastIndexOf("\n"));
  return end > LONGEST / 3 ? cut.slice(0, end + 1).trim() : `${cut.trim()}…`;
};
