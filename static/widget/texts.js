/** The widget's words. For failures not listed here there is the server's sentence. */

export const en = {
  title: "Support",
  open: "Open chat",
  close: "Close chat",
  unread: "{n} unread",
  menu: "More options",
  person: "Talk to a person",
  reach: "How can we reach you if you leave? (Optional)",
  name: "Name",
  email: "E-mail",
  phone: "Phone",
  cancel: "Cancel",
  end: "End conversation",
  endSure: "End it for good?",
  conversation: "Conversation",
  earlier: "Earlier messages",
  latest: "New messages",
  empty: "Ask us anything. What you write is kept.",
  placeholder: "Write a message",
  send: "Send",
  stop: "Stop answering",
  left: "{n} characters left",
  over: "{n} characters too many",
  idle: "",
  connecting: "Connecting",
  online: "Connected",
  reconnecting: "Reconnecting",
  offline: "Offline. Messages are kept.",
  stopped: "Not connected.",
  tryAgain: "Try again",
  waiting: "Waiting for a person",
  nobody: "Nobody is there right now. We will answer here.",
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
  errors: {
    too_large: "The message is too long.",
    conflict: "The conversation has ended.",
    unavailable: "We cannot take messages just now. Yours is kept.",
  },
};

/** Fetched when needed. */
const SHIPPED = ["de"];

/** @type {(lang: string, changes: Desk.TextChanges) => Promise<Desk.Words>} */
export const textsFor = async (lang, changes) => {
  const code = lang.slice(0, 2);
  const { texts } = SHIPPED.includes(code) ? await import(`./texts/${code}.js`) : { texts: en };
  return { ...en, ...texts, ...changes, errors: { ...en.errors, ...texts.errors, ...changes.errors } };
};

/** Puts values in the place of `{name}`. */
export const fill = (text = "", values = /** @type {Record<string, any>} */ ({})) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

export const isRtl = (lang = "") => /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/.test(lang);
