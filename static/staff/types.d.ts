/**
 * What the parts of the console are to each other: the namespace `Staff`, known in all files without an import.
 *
 * Browsers are never sent this file.
 */
import type * as Protocol from "../protocol.js";

declare global {
  namespace Staff {
    // ---- the protocol's own, as sections 5, 6 and 8 of it have them

    type Trigger = "human_only" | "sensitive" | "low_confidence" | "insufficient_evidence" | "user_request" | "agent_error" | "staff_takeover" | "guard";
    type Presence = "online" | "away" | "offline";

    interface Escalation {
      id: string;
      version: number;
      conversation_id: string;
      interaction_id: string | null;
      issue_type: string | null;
      trigger_type: Trigger;
      reason: string | null;
      original_request: string | null;
      status: Protocol.EscalationStatus;
      contact_info: { name: string | null; email: string | null; phone: string | null } | null;
      conversation_context: unknown;
      summary: string | null;
      priority: number;
      assignee: Protocol.Person | null;
      resolution: string | null;
      created_at: string;
      notified_at: string | null;
      claimed_at: string | null;
      resolved_at: string | null;
      updated_at: string;
      deleted?: false;
    }

    type EscalationNews = Escalation | { id: string; version: number; deleted: true };
    type EscalationNow = { escalation: Escalation };

    interface Note {
      id: string;
      conversation_id: string;
      seq: number;
      client_id: string | null;
      author: Protocol.Person | null;
      content: string;
      created_at: string;
    }

    interface Colleague {
      id: string;
      name: string | null;
      status: Presence;
    }

    interface Canned {
      id: string;
      name: string;
      content: string;
    }

    /** One turn of the agent, as it is logged. */
    interface Interaction {
      id: string;
      conversation_id: string;
      turn: number;
      mode: Protocol.Mode | null;
      agent_name: string | null;
      user_message: string | null;
      response: string | null;
      intent: string | null;
      category: string | null;
      confidence: number | null;
      outcome: string;
      escalated: boolean;
      trigger_type: Trigger | null;
      reason: string | null;
      brain: string | null;
      processing_time_ms: number;
      created_at: string;
    }

    interface Step {
      step: string;
      status: string;
      started_at: string;
      ms: number;
      output: any;
    }

    type Turn = { turn: number; steps: Step[] };
    type Trace = { turns: Turn[] };

    type Counted = { interactions?: number; count?: number; escalated?: number };
    type Bucket = { at: string; interactions: number; escalated: number; p95_ms: number | null };
    type Spread = { p50: number | null; p95: number | null };

    interface Metrics {
      total_interactions: number;
      resolved: number;
      escalated: number;
      escalation_rate: number | null;
      containment_rate: number | null;
      avg_confidence: number | null;
      processing_ms: Spread & { p99: number | null };
      first_response_ms: Spread;
      active_conversations: number;
      open_escalations: number;
      time_to_claim_s: Spread;
      csat: { count: number; average: number | null };
      by_intent: Counted[];
      by_category: Counted[];
      by_trigger: Counted[];
      errors: number;
      series: Bucket[];
    }

    type Page = { limit?: number; cursor?: string | null };
    type Period = { mode?: string; from?: string; to?: string };
    type InteractionFilter = Period & { intent?: string; outcome?: string };
    type Joined = Omit<Protocol.SessionOpened, "conversation" | "position" | "read"> & {
      conversation: Protocol.State;
      position: Protocol.Position;
      read: Protocol.ReadMarks;
      notes: Note[];
      notes_position: Protocol.Position;
    };

    interface Methods {
      "escalation.subscribe": { params: { statuses?: string[]; since?: string }; result: { escalations: EscalationNews[]; cursor: string; snapshot: boolean; staff: Colleague[] } };
      "escalation.list": { params: Page & { statuses?: string[] }; result: { escalations: Escalation[]; next_cursor: string | null } };
      "escalation.claim": { params: { id: string }; result: EscalationNow };
      "escalation.assign": { params: { id: string; assignee?: string }; result: EscalationNow };
      "escalation.release": { params: { id: string; hand_back?: boolean }; result: EscalationNow };
      "escalation.resolve": { params: { id: string; resolution: string; reopen_ai?: boolean }; result: EscalationNow };
      "conversation.join": { params: { conversation_id: string; position?: Protocol.Position; notes_position?: Protocol.Position }; result: Joined };
      "conversation.leave": { params: { conversation_id: string }; result: object };
      "conversation.takeover": { params: { conversation_id: string }; result: { conversation: Protocol.State } };
      "conversation.list": { params: Page & { status?: string; assignee?: string; query?: string }; result: { conversations: Protocol.State[]; next_cursor: string | null } };
      "notes.list": { params: { conversation_id: string; after_seq?: number; limit?: number }; result: { notes: Note[] } };
      "interaction.list": { params: Page & InteractionFilter; result: { interactions: Interaction[]; next_cursor: string | null } };
      "canned.list": { params: object; result: { canned: Canned[] } };
      "canned.save": { params: { id?: string; name: string; content: string }; result: { canned: Canned } };
      "canned.delete": { params: { id: string }; result: { deleted: boolean } };
      "staff.presence": { params: { status: Presence }; result: object };
      "metrics.get": { params: Period & { bucket?: "hour" | "day" }; result: Metrics };
      "workflow.get": { params: { conversation_id: string }; result: Trace };
    }

    type All = Omit<Protocol.Methods, keyof Methods | "message.send"> &
      Methods & { "message.send": { params: Protocol.MessageSend; result: Protocol.MessageSent } };
    type Request = <M extends keyof All>(method: M, params: All[M]["params"]) => Promise<All[M]["result"]>;

    /** What `/api/auth/login` and `/api/auth/refresh` give. */
    interface LoggedIn {
      access_token: string;
      expires_at: string;
      refresh_token: string;
      user: { id: string; name: string; email: string };
      workspace: string;
      roles: string[];
    }

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
