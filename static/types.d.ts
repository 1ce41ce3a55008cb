/**
 * What the parts of the client and of the widget are to each other, beside the protocol's own types:
 * the namespace `Desk`, known in all files without an import.
 *
 * It stands here, and not in JSDoc, because browsers are never sent this file.
 *
 *     import { openDesk } from "https://desk.example/client.js";
 *     const desk = openDesk({ workspace: "default" });
 *     desk.on("message", () => render(desk.messages, desk.pending));
 *     desk.send("Hello");
 *
 * All tabs of a browser share the visitor, the conversation and the outbox, where a message stays
 * until the server has it on its disk: `send` works offline, and closing the tab loses nothing.
 */
import type * as Protocol from "./protocol.js";
import type { SwitchboardError } from "./client/link.js";
import type { en } from "./widget/texts.js";

declare global {
  interface HTMLElementTagNameMap {
    "switchboard-chat": Desk.Chat;
  }

  namespace Desk {
    type Citation = Protocol.Citation;
    type Message = Protocol.Message;
    type Methods = Protocol.Methods;
    type Notifications = Protocol.Notifications;
    type Position = Protocol.Position;
    type Opened = Protocol.SessionOpened;
    type State = Protocol.State;
    type Failure = SwitchboardError;

    type OpenParams = Methods["session.open"]["params"];
    type Metadata = Message["metadata"];
    type Stream = { message_id: string; text: string } | null;

    /** Any method of the protocol. Fails with a SwitchboardError. */
    type Request = <M extends keyof Methods>(
      method: M,
      params: Methods[M]["params"],
      /** Milliseconds until it fails with `timeout`. */
      patience?: number,
    ) => Promise<Methods[M]["result"]>;

    interface Options {
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

    /** The events of a Switchboard, with what its listeners are given. When one comes, the fields are current. */
    interface Details {
      /** `state` changed, and maybe `error`. */
      state: null;
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

    /** What a desk is and can do. */
    interface Own {
      conversation: State | null;
      /** As much of the log as is held, dense in `seq`. */
      messages: Message[];
      /** Whether `loadOlder` would find more. */
      hasMore: boolean;
      /** The answer so far. */
      stream: Stream;
      /** Up to which `seq` each side has read. */
      read: { user: number; staff: number };
      /** The preset's words of welcome. Not a message. */
      greeting: string | null;
      readonly state: LinkState;
      /** Why the state is `stopped`; `connect` tries again. */
      readonly error: Failure | null;
      /** What the server has not acknowledged, in the order typed; where it has `failed`, `retry` or `discard` it. */
      readonly pending: Entry[];
      /** Why `pending` waits although there is a connection. */
      readonly held: Failure | null;
      /** How many answers were not read yet, among the messages held. */
      readonly unread: number;
      /** Whether this browser was here before, or has something to send: a reason to connect unasked. */
      readonly known: boolean;
      /** What was typed and not sent, also after a reload. */
      draft: string;
      /** Calls `listener` with each such event, until `signal` aborts. */
      on<T extends keyof Details>(type: T, listener: (detail: Details[T]) => unknown, signal?: AbortSignal): void;
      /** Stays connected until `disconnect`. */
      connect(): void;
      disconnect(): void;
      /** Signs out, in all tabs: forgets the visitor, the conversation and what was not sent. */
      forget(): void;
      /** Works offline, too: the message goes by itself when there is a connection. */
      send(content: string, metadata?: Metadata): Entry;
      /** Sends a failed message again, under a new id: nothing was written under the old one. */
      retry(client_id: string): void;
      discard(client_id: string): void;
      /** Fetches the page before the first message held. */
      loadOlder(): Promise<void>;
      /** The visitor has seen all up to here, by default everything. Call it as often as you like. */
      markRead(seq?: number): void;
      /** The visitor touched a key. Call it as often as you like. */
      typing(): void;
      /** Leaves a closed conversation for a new one. */
      startNew(): Promise<void>;
      /** Ends the conversation for good. */
      close(): Promise<void>;
      /** 1 to 5. */
      rate(score: number, comment?: string): Promise<void>;
      requestPerson(why?: Omit<Methods["escalation.request"]["params"], "conversation_id">): Promise<Methods["escalation.request"]["result"]>;
      /** Stops the answer that is being written. */
      cancelTurn(): Promise<Methods["turn.cancel"]["result"]>;
      request: Request;
    }

    /** What client.js gives. Change nothing in it but `draft`. */
    type Switchboard = { readonly [K in Exclude<keyof Own, "draft">]: Own[K] } & Pick<Own, "draft">;

    type Emit = <T extends keyof Details>(type: T, detail: Details[T]) => unknown;

    type MakeTypist = (tell: (on: boolean) => unknown) => { typed(): void; stop(): void };

    /** What a log needs of the connection. */
    type Wire = Pick<Link, "request" | "drop">;
    /** What is held of one conversation. */
    type Held = Pick<Own, "conversation" | "messages" | "hasMore" | "stream" | "read" | "greeting">;
    /** `committed` is told of each message that comes, by the key of its sender. */
    type KeepLog = (held: Held, emit: Emit, wire: Wire, committed: (client_id: string | null) => void) => KeptLog;

    interface KeptLog {
      /** The last `seq` that is held. */
      head(): number;
      take(state: State): void;
      append(message: Message): void;
      /** Where to resume from; undefined where nothing is held. */
      position(): Position | undefined;
      leave(): void;
      /** Takes a page or what was missed. Gives up to where the visitor has read and nobody knows it yet. */
      opened(opened: Opened): number | undefined;
      notified(method: keyof Notifications, params: any): void;
      loadOlder(): Promise<void>;
    }

    // ---- client/shared.js

    /** Undefined where localStorage refuses. */
    type Disk = <T>(use: (storage: Storage) => T) => T | undefined;

    /** JSON values that all tabs of a browser share. */
    interface Store {
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

    /** A message that the server has not acknowledged. */
    interface Entry {
      client_id: string;
      /** Null until the first attempt, then fixed: only together with it is `client_id` a key. */
      conversation_id: string | null;
      content: string;
      metadata: Metadata;
      /** Sent, and safe on the server's disk; its place in the log comes with `message`. */
      journaled?: boolean;
      /** Refused for good: a person chooses to try again or to discard it. */
      failed?: { kind: string; message: string };
    }

    interface Outbox {
      /** In the order typed. */
      readonly entries: Entry[];
      /** Why it waits although there is a connection. */
      held: Failure | null;
      add(content: string, metadata: Metadata): Entry;
      /** It is committed, or not wanted any more. */
      remove(client_id: string | null): void;
      change(client_id: string, change: Partial<Entry>): void;
      /** A session is open: what was not seen to be committed goes again. */
      opened(): void;
      flush(): Promise<void>;
    }

    type MakeOutbox = (store: Store, request: Request, on: OutboxEvents) => Outbox;

    interface OutboxEvents {
      /** Undefined while nothing can be sent. */
      conversation(): string | undefined;
      changed(): void;
      committed(message: Message): void;
      /** Whether it is the message that was refused, and not the connection it went by. */
      refused(error: Failure): boolean;
    }

    // ---- client/link.js

    /** What the tabs share of who they are. */
    type Visitor = { conversation_id?: string; resume?: string };
    type Issued = { token: string | null; expires_at: string | null };

    /** Fails when it cannot connect. */
    type Dial = (url: string, notified: LinkEvents["notified"]) => Promise<Connection>;
    type Settle = (error?: Failure, result?: any) => void;

    /** One WebSocket. */
    interface Connection {
      /** When it was last heard of, as `performance.now()` counts. */
      heardAt: number;
      /** Resolves with the close code. */
      readonly closed: Promise<number>;
      request: Request;
      put(frame: object): void;
      /** Ends it now: a browser takes long to close a socket whose other end is gone. */
      drop(code?: number): void;
    }

    /** `stopped` never ends by itself, `offline` and `reconnecting` always. */
    type LinkState = "idle" | "connecting" | "online" | "reconnecting" | "offline" | "stopped";

    /** A session that is kept open for as long as it is wanted. */
    interface Link {
      state: LinkState;
      /** Why it is `stopped`. */
      error: Failure | null;
      start(): void;
      stop(): void;
      request: Request;
      typing(params: Methods["typing"]["params"]): void;
      /** Leaves a closed conversation for a new one, or for the one that another tab has begun by now. */
      renew(): Promise<void>;
      /** Goes to the conversation that another tab went to. */
      follow(): Promise<void>;
      /** Ends the connection as if the server had closed it with this code. */
      drop(code?: number): void;
    }

    type MakeLink = (url: string, store: Store, first: OpenParams, on: LinkEvents) => Link;

    interface LinkEvents {
      /** Where to resume a conversation from; undefined where nothing of it is held. */
      position(conversation_id?: string): Position | undefined;
      opened(opened: Opened): void;
      /** The conversation cannot be reached any more: its unsent messages go to the next one. */
      released(): void;
      notified(method: keyof Notifications, params: any): void;
      state(): void;
      /** Asks for a sign of life, where tokens are renewed elsewhere. */
      ping?(): Promise<unknown>;
    }

    // ---- widget/

    type Words = Omit<typeof en, "errors"> & { errors: Record<string, string> };
    type TextChanges = Partial<Words>;

    /** Somebody who is typing: `name` null for the preset's own name of the role. */
    type Typist = { name: string | null; role: "assistant" | "staff" } | null;

    /** An item by somebody else; `name` null or undefined for the preset's own name of the role. */
    type Incoming = (
      role: "assistant" | "staff",
      name: string | null | undefined,
      kind: string,
      content: Child[],
      ...rest: Child[]
    ) => HTMLElement;

    /** Of the menu: the words, the act, and what to ask first. */
    type Choice = [words: string, act: () => unknown, ask?: string];

    /** What the list of messages shows. */
    interface Scene {
      desk: Switchboard;
      texts: Words;
      lang: string;
      typist: Typist;
    }

    /** It is made anew when `sign` changes; `key` stays. */
    type Item = [key: string, sign: string, make: () => HTMLElement | SVGElement];

    interface List {
      readonly element: HTMLElement;
      has(key: string): boolean;
      clear(): void;
      /** Lively: what is new moves in. */
      render(items: Item[], lively?: boolean): void;
    }

    type MakeList = (element: HTMLElement) => List;

    /** The list of messages. */
    interface Log {
      readonly element: HTMLElement;
      /** New items move in, those of a history do not. */
      lively: boolean;
      render(scene: Scene): void;
      /** More of the answer and nothing else, up to twenty times a second. Returns whether that was all there is to do. */
      stream(text: string): boolean;
    }

    /** Where one writes, or, when the conversation has ended, says how it was. */
    interface Foot {
      readonly element: HTMLElement;
      write(text: string): void;
      focus(): void;
      /** Asks how a visitor can be reached, and then for a person. */
      person(desk: Switchboard): void;
      /** Makes the field as high as its text, and tells when that is too long. */
      fit(): void;
      render(desk: Switchboard, texts: Words): void;
      /** Tells when it fails. */
      attempt(act: Promise<unknown>): Promise<void>;
    }

    interface FootEvents {
      send(text: string): void;
      changed(text: string): void;
    }

    /** Makes an element. `props` are set as properties where there are such, and else as attributes. */
    type Make = <T extends keyof HTMLElementTagNameMap>(
      tag: T,
      props?: Record<string, any> | null,
      ...children: Child[]
    ) => HTMLElementTagNameMap[T];

    /** The chip for a citation; undefined where there is none of that number. */
    type Cite = (number: number) => Node | undefined;
    type Child = Node | string | null | undefined | false;

    /** What is within the element, for one visitor of one desk. */
    interface View {
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
    interface Chat extends HTMLElement {
      /** For all that the widget does not do itself, `desk.forget()` for example, when the page's user signs out. */
      readonly desk: Switchboard | undefined;
      open: boolean;
      /** Words to use instead of the shipped ones. */
      set texts(changes: TextChanges);
      /** Opens the chat with a text ready to be sent. */
      compose(text: string): void;
    }
  }
}
