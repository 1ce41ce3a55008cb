/**
 * What the parts of the console are to each other: the namespace `Staff`, known in all files without an import.
 *
 * Browsers are never sent this file.
 */
import type * as Protocol from "../protocol.js";

declare global {
  namespace Staff {
    // ---- the protocol's own, with what the console makes itself left open

    type Trigger = Protocol.TriggerType;
    type Presence = Protocol.Presence;
    type Escalation = Protocol.Escalation & { deleted?: false };
    type EscalationNews = Escalation | (Protocol.ErasedEscalation & { deleted: true });
    /** Also one that is still on its way. */
    type Note = Pick<Protocol.Note, "id" | "conversation_id" | "seq" | "content" | "created_at"> & {
      client_id: string | null;
      author: Protocol.Person;
    };
    type Colleague = Pick<Protocol.Staff, "id" | "name" | "status">;
    type Canned = Protocol.CannedResponse;
    type Interaction = Protocol.Interaction;
    type Step = Omit<Protocol.RecordedStep, "output"> & { output: any };
    type Turn = { turn: number; steps: Step[] };
    type Trace = { turns: Turn[] };
    type Counted = Protocol.MetricsCount;
    type Bucket = Protocol.MetricsPoint;
    type Spread = Protocol.Times;
    type Metrics = Protocol.Metrics;
    /** A select's value is any text to its reader. */
    type Period = { mode?: string; from?: string; to?: string };
    type InteractionFilter = Period & { intent?: string; outcome?: string };

    /** Where the console reads a frame in its own way. */
    interface Methods {
      "escalation.subscribe": {
        params: { statuses?: string[]; since?: string };
        result: Omit<Protocol.EscalationSubscribed, "escalations"> & { escalations: EscalationNews[] };
      };
      "conversation.join": {
        params: Protocol.ConversationJoin;
        result: Protocol.ConversationJoined & Protocol.SessionOpened;
      };
      "interaction.list": {
        params: InteractionFilter & { limit?: number; cursor?: string | null };
        result: Protocol.InteractionListed;
      };
      "metrics.get": { params: Period & { bucket?: Protocol.MetricsBucket }; result: Metrics };
      "workflow.get": { params: Protocol.WorkflowGet; result: Trace };
    }

    type All = Omit<Protocol.Methods, keyof Methods> & Methods;
    type Request = <M extends keyof All>(method: M, params: All[M]["params"]) => Promise<All[M]["result"]>;

    type LoggedIn = Protocol.LoggedIn;

    // ---- session.js

    interface Session {
      readonly now: LoggedIn | null;
      /** Whether this browser holds what it takes to go on without a password. */
      readonly known: boolean;
      login(email: string, password: string, keep: boolean): Promise<void>;
      /** Resolves once the access token is good for a while. */
      fresh(): Promise<void>;
      /** The access token was refused. */
      spent(): void;
      logout(): Promise<void>;
    }

    // ---- desk.js

    interface Events {
      /** The connection, or why there is none. */
      state: null;
      /** A session is open, again or for the first time: what was fetched before may be stale. */
      online: null;
      /** An escalation changed, or a colleague did. */
      queue: null;
      /** Somebody new waits. */
      arrival: Escalation;
    }

    interface Console {
      readonly me: { id: string; name: string; email: string };
      readonly state: Desk.LinkState;
      readonly error: Desk.Failure | null;
      /** All that is known, by id; those that are open are complete once `loaded`. */
      readonly escalations: Escalation[];
      loaded: boolean;
      /** Why the queue cannot be shown. */
      refused: Desk.Failure | null;
      readonly colleagues: Colleague[];
      presence: Presence;
      /** The latest escalation of a conversation, the open one first. */
      escalationOf(conversation_id: string): Escalation | undefined;
      take(news: EscalationNews): void;
      open(conversation_id: string): Room;
      start(): void;
      stop(): void;
      request: Request;
      on<T extends keyof Events>(type: T, listener: (detail: Events[T]) => unknown, signal?: AbortSignal): void;
    }

    // ---- room.js

    interface Room extends Pick<Desk.Own, "conversation" | "messages" | "hasMore" | "stream" | "read" | "greeting"> {
      readonly id: string;
      readonly notes: Note[];
      readonly pending: Desk.Entry[];
      readonly held: Desk.Failure | null;
      /** Why it cannot be shown. */
      error: Desk.Failure | null;
      joined: boolean;
      /** Known once it was joined. */
      visitor: Protocol.VisitorProfile | null;
      typist: { role: string; name: string | null } | null;
      step: Protocol.WorkflowStep | null;
      draft: string;
      send(content: string, isNote: boolean): void;
      retry(client_id: string): void;
      discard(client_id: string): void;
      typing(): void;
      markRead(): void;
      loadOlder(): Promise<void>;
      /** All of the log, from its beginning. */
      whole(): Promise<Desk.Message[]>;
      on(type: "changed" | "message", listener: (message?: Desk.Message) => unknown, signal?: AbortSignal): void;
    }

    interface Rooms {
      link: Desk.Link;
      request: Request;
      /** Of the keys of this person in the browser's store. */
      prefix: string;
      me: { id: string; name: string };
    }

    interface OpenRoom extends Room {
      join(): Promise<void>;
      flush(): void;
      leave(): void;
      notified(method: string, params: any): void;
    }

    // ---- the views

    interface View {
      readonly element: HTMLElement;
      /** It can be seen, or not any more. */
      show?(...parts: string[]): void;
      hide?(): void;
    }

    /** What a view may ask of the page around it. */
    interface Shell {
      desk: Console;
      go(hash: string): void;
      toast(words: string, kind?: "bad"): void;
      /** Shows a failure as a sentence; what was lost to a race is no failure of ours. */
      attempt<T>(act: Promise<T>): Promise<T | undefined>;
      announce(words: string): void;
    }

    interface Key {
      keys: string;
      words: string;
      act(event: KeyboardEvent): unknown;
    }

    type Series = { name: string; className: string; values: (number | null)[] };
    type Chart = { title: string; at: string[]; series: Series[]; format: (value: number) => string; hourly: boolean; bars?: boolean };
  }
}
