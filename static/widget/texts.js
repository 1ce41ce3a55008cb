/** Every word the widget says, in English. `{name}` and `{n}` are filled in. */

/** @import { TextChanges, Words } from "../types.js" */

export const en = {
  title: "Support",
  open: "Open chat",
  close: "Close chat",
  unread: "{n} unread",
  menu: "More options",
  person: "Talk to a person",
  end: "End conversation",
  endSure: "End it for good?",
  conversation: "Conversation",
  earlier: "Earlier messages",
  latest: "New messages",
  empty: "Ask us anything. What you write is kept, even if you close this page.",
  placeholder: "Write a message",
  send: "Send",
  stop: "Stop answering",
  left: "{n} characters left",
  over: "{n} characters too many",
  idle: "",
  connecting: "Connecting",
  online: "Connected",
  reconnecting: "Reconnecting. Messages are kept.",
  offline: "Offline. Messages are kept.",
  stopped: "Not connected.",
  tryAgain: "Try again",
  waiting: "Waiting for a person",
  with: "You are talking with {name}",
  resolved: "Marked as solved. Write again to reopen it.",
  closed: "This conversation has ended.",
  startNew: "Start a new conversation",
  rate: "How did we do?",
  stars: "{n} out of 5",
  thanks: "Thank you. That helps.",
  you: "You",
  assistant: "Assistant",
  staff: "Support team",
  typing: "{name} is typing",
  sending: "Sending",
  kept: "Waiting to be sent",
  sent: "Sent",
  seen: "Seen",
  failed: "Not sent.",
  discard: "Discard",
  sources: "Sources",
  today: "Today",
  yesterday: "Yesterday",
  errors: {
    too_large: "The message is too long.",
    conflict: "The conversation has ended.",
    forbidden: "This page may not use the chat.",
    closed_4504: "Please reload this page.",
    disconnected: "There is no connection.",
    timeout: "The server does not answer.",
    unavailable: "We cannot take messages just now. Yours is kept.",
  },
};

/** Languages with a file of their own in texts/, fetched when they are needed. */
const SHIPPED = ["de"];

/** @param {string} lang @param {TextChanges} changes words to use instead @returns {Promise<Words>} */
export async function textsFor(lang, changes) {
  const code = lang.slice(0, 2);
  const { texts } = SHIPPED.includes(code) ? await import(`./texts/${code}.js`) : { texts: en };
  return { ...en, ...texts, ...changes, errors: { ...en.errors, ...texts.errors, ...changes.errors } };
}

/** @param {string} text @param {Record<string, string | number>} values */
export const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => String(values[name]));

/** Whether the language is written from right to left. @param {string} lang */
export const isRtl = (lang) => /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/.test(lang);
