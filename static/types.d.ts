/**
 * What the parts of the client and of the widget are to each other, beside the protocol's own types.
 *
 * It stands here, and not in JSDoc, because browsers are never sent this file.
 */
import type { Message, Methods, Notifications, Position, SessionOpened, State } from "./protocol.js";
import type { Switchboard } from "./client.js";
import type { SwitchboardError } from "./client/link.js";
import type { en } from "./widget/texts.js";

export type { Citation, Message, Methods, Position, SessionOpened, State } from "./protocol.js";
export type { SwitchboardError } from "./client/link.js";
export type { Switchboard } from "./client.js";

export type OpenParams = Methods["session.open"]["params"];
export type Metadata = Message["metadata"];
export type Stream = { message_id: string; text: string } | null;

/** Any method of the protocol. Fails with a SwitchboardError. */
export type Request = <M extends keyof Methods>(
  method: M,
  params: Methods[M]["params"],
  /** Milliseconds until it fails with `timeout`. */
  patience?: number,
) => Promise<Methods[M]["result"]>;

export interface Options {
  /** Where Switchboard answers; by default where client.js came from. */
  server?: string | URL;
  /** The public slug of the workspace. */
  workspace?: string;
  /** Who the page says its user is; with `hash` a verified visitor. */
  user?: OpenParams["user"];
  mode?: OpenParams["mode"];
  /** Kept with a new conversation. */
  metadata?: Metadata;
}

/** The events of a Switchboard, each a CustomEvent with this as its `detail`. When one comes, the fields are current. */
export interface Details {
  /** Of the connection. */
  state: { state: LinkState; error: SwitchboardError | null };
  /** `messages` is another page, or empty. */
  reset: null;
  /** One more at the end of `messages`. */
  message: Message;
  /** More at the beginning of `messages`. */
  older: null;
  /** `pending` changed, or `held`, the reason why it waits. */
  outbox: null;
  /** The answer so far; null when it is complete or withdrawn. */
  stream: Stream;
  conversation: State;
  /** Up to which `seq` each side has read. */
  read: { user: number; staff: number };
  /** Somebody else is typing, or no longer. */
  typing: Notifications["typing"];
  /** A step of the agent's work began or ended. */
  step: Notifications["workflow.step"];
  /** Another tab has begun a conversation while this one is idle: a reason to connect. */
  known: null;
}

// ---- client/store.js

/** JSON values that all tabs of a browser share. */
export interface Store {
  /** Null when there is none. */
  get(key: string): any;
  /** Undefined removes it. */
  set(key: string, value?: unknown): void;
  /** The keys that begin so, sorted. */
  keys(start: string): string[];
  /** Tells what another tab has changed. */
  watch(listener: (key: string) => void): void;
  /** Runs `work` while no other tab runs its own. */
  exclusive(work: () => Promise<void>): Promise<void>;
}

// ---- client/outbox.js

/** A message that the server has not acknowledged. */
export interface Entry {
  client_id: string;
  /** Null until the first attempt, then fixed: only together with it is `client_id` a key. */
  conversation_id: string | null;
  content: string;
  metadata: Metadata;
  /** Refused for good: a person chooses to try again or to discard it. */
  failed?: { kind: string; message: string };
}

export interface Outbox {
  /** In the order typed. */
  readonly entries: Entry[];
  /** Why it waits although there is a connection. */
  readonly held: SwitchboardError | null;
  add(content: string, metadata: Metadata): Entry;
  /** It is committed, or not wanted any more. */
  remove(client_id: string | null): void;
  change(client_id: string, change: Partial<Entry>): void;
  /** A session is open: what was not seen to be committed goes again. */
  opened(): void;
  flush(): Promise<void>;
}

export interface OutboxEvents {
  /** Undefined while nothing can be sent. */
  conversation(): string | undefined;
  changed(): void;
  committed(message: Message): void;
  /** Whether it is the message that was refused, and not the connection it went by. */
  refused(error: SwitchboardError): boolean;
}

// ---- client/link.js

/** One WebSocket. */
export interface Connection {
  readonly isOpen: boolean;
  /** When it was last heard of, as `performance.now()` counts. */
  readonly heardAt: number;
  /** Resolves with the close code. */
  readonly closed: Promise<number>;
  request: Request;
  put(frame: object): void;
  /** Ends it now: a browser takes long to close a socket whose other end is gone. */
  drop(code?: number): void;
}

/** `stopped` never ends by itself, `offline` and `reconnecting` always. */
export type LinkState = "idle" | "connecting" | "online" | "reconnecting" | "offline" | "stopped";

/** A session that is kept open for as long as it is wanted. */
export interface Link {
  readonly state: LinkState;
  /** Why it is `stopped`. */
  readonly error: SwitchboardError | null;
  start(): void;
  stop(): void;
  request: Request;
  typing(params: Methods["typing"]["params"]): void;
  /** Leaves a closed conversation for a new one, or for the one that another tab has begun by now. */
  renew(): Promise<void>;
  /** Goes to the conversation that another tab went to. */
  follow(): Promise<void>;
  /** Ends the connection as if the server had closed it with this code. */
  drop(code: number): void;
}

export interface LinkEvents {
  /** Where to resume a conversation from; undefined where nothing of it is held. */
  position(conversation_id?: string): Position | undefined;
  opened(opened: SessionOpened): void;
  /** The conversation cannot be reached any more: its unsent messages go to the next one. */
  released(): void;
  notified(method: keyof Notifications, params: any): void;
  state(): void;
}

// ---- widget/

export type Words = Omit<typeof en, "errors"> & { errors: Record<string, string> };
export type TextChanges = Partial<Words>;

/** Somebody who is typing: `name` null for the preset's own name of the role. */
export type Typist = { name: string | null; role: "assistant" | "staff" } | null;

/** What the list of messages shows. */
export interface Scene {
  desk: Switchboard;
  texts: Words;
  lang: string;
  typist: Typist;
}

/** The list of messages. */
export interface Log {
  readonly element: HTMLElement;
  /** New items move in, those of a history do not. */
  lively: boolean;
  render(scene: Scene): void;
  /** More of the answer and nothing else, up to twenty times a second. Returns whether that was all there is to do. */
  stream(text: string): boolean;
}

/** Where one writes, or, when the conversation has ended, says how it was. */
export interface Foot {
  readonly element: HTMLElement;
  text: string;
  focus(): void;
  /** Makes the field as high as its text, and tells when that is too long. */
  fit(): void;
  render(desk: Switchboard, texts: Words): void;
  /** Tells when it fails. */
  attempt(act: Promise<unknown>): Promise<void>;
}

export interface FootEvents {
  send(text: string): void;
  changed(text: string): void;
}

/** The chip for a citation; undefined where there is none of that number. */
export type Cite = (number: number) => Node | undefined;
export type Child = Node | string | null | undefined | false;

/** What is within the element, for one visitor of one desk. */
export interface View {
  readonly desk: Switchboard;
  end(): void;
  /** Opens or closes the panel, as the attribute says. */
  present(): void;
  /** Language, words, direction and accent, as the attributes say. */
  translate(): void;
  compose(text: string): void;
}

/**
 * The element <switchboard-chat>.
 *
 * Attributes: `workspace`, `server` (by default where widget.js came from), `lang` and `dir` (by
 * default the page's), `theme` (light, dark or auto), `accent` (a colour), `open`, `user` (JSON, see
 * Options), `texts` (JSON, see widget/texts.js).
 *
 * Events: `switchboard-open`, `switchboard-close`, `switchboard-message` (detail: Message),
 * `switchboard-unread` (detail: number).
 *
 * Looks: the custom properties in widget/style.js, and the parts launcher, badge, panel, header,
 * status, menu, close, log, messages, message (with user, assistant or staff), foot, notice, input,
 * send, ended, stars, start-new, news.
 */
export interface Chat extends HTMLElement {
  /** For all that the widget does not do itself, `desk.forget()` for example, when the page's user signs out. */
  readonly desk: Switchboard | undefined;
  open: boolean;
  /** Words to use instead of the shipped ones. */
  set texts(changes: TextChanges);
  /** Opens the chat with a text ready to be sent. */
  compose(text: string): void;
}
