// Made from the types of the protocol crate; do not edit. To make it anew:
//   UPDATE_GOLDEN=1 cargo test -p switchboard-protocol --test wire typescript

/** A person who can log in. */
export type Account = {
  id: AccountId;
  email: string;
  name: string;
};

/** One account of a person, in all of its workspaces. */
export type AccountId = string;

/** What an account may be in a workspace. */
export type AccountRole = "member" | "staff" | "supervisor" | "admin";

/** What an agent remembers of a conversation. */
export type AgentState = {
  agent_name: string;
  /** The turn that it remembers it from. */
  turn: number;
  state: JsonValue;
  updated_at: Timestamp;
};

/** A document that belongs to a message. */
export type Attachment = {
  id: DocumentId;
  name: string;
  /** The media type, as sniffed by the server. */
  type: string;
  /** Bytes. */
  size: number;
  /** A signed link that expires. */
  url: string;
};

/** What the workflow cannot go on without. */
export type Awaiting = "contact_details" | "confirmation" | "staff";

export type CannedDelete = {
  id: CannedId;
};

export type CannedDeleted = {
  /** False where there was none of this id. */
  deleted: boolean;
};

/** One short text of the staff. */
export type CannedId = string;

/** The short texts of the workspace, by name. */
export type CannedList = Record<string, never>;

export type CannedListed = {
  canned: Array<CannedResponse>;
};

/** A short text that the console writes for `/name`. */
export type CannedResponse = {
  id: CannedId;
  name: string;
  content: string;
  updated_at: Timestamp;
};

/** Adds a short text, or changes the one of this id. */
export type CannedSave = {
  /** The server names it where this is absent. */
  id?: CannedId | null;
  /** What is typed after the slash: letters, digits, `-` and `_`; unique in the workspace, whatever its case. */
  name: string;
  content: string;
};

export type CannedSaved = {
  canned: CannedResponse;
};

/** Where a numbered claim of the assistant comes from. */
export type Citation = {
  /** The number in the text. */
  number: number;
  /** Names the document within the knowledge base. */
  source: string;
  title: string;
  url: string | null;
};

/** The idempotency key of a send, named by the client and unique in its conversation. */
export type ClientId = string;

/** How a person can reach the visitor. */
export type Contact = {
  name?: string | null;
  email?: string | null;
  phone?: string | null;
};

/** How a person can reach the visitor, as far as is known. */
export type ContactInfo = {
  name: string | null;
  email: string | null;
  phone: string | null;
};

/** Ends the conversation for good. */
export type ConversationClose = {
  conversation_id: ConversationId;
};

/** One conversation: an append-only log of messages and a small state. */
export type ConversationId = string;

/** From now on this socket hears what happens in the conversation, notes included. It may be in many. */
export type ConversationJoin = {
  conversation_id: ConversationId;
  /** The last position seen: the messages after it are sent. */
  position?: Position | null;
  /** The same for notes. */
  notes_position?: Position | null;
};

/** As `session.open` answers, without what is the socket's own. */
export type ConversationJoined = {
  conversation: State;
  visitor: VisitorProfile;
  position: Position;
  /** Whether `messages` are exactly those after the position that was sent; else they are a fresh last page. */
  recovered: boolean;
  messages: Array<Message>;
  /** Whether there are earlier messages than these to list. */
  has_more: boolean;
  read: ReadMarks;
  streaming: Streaming | null;
  /** Those after the position that was sent, else the latest ones. */
  notes: Array<Note>;
  notes_position: Position;
};

export type ConversationLeave = {
  conversation_id: ConversationId;
};

/** Conversations, the latest first: a visitor's or member's own, and for staff those of the workspace. */
export type ConversationList = {
  /** For staff. */
  status?: Status | null;
  /** For staff: whose they are. */
  assignee?: VisitorId | null;
  /** For staff: those of this visitor. */
  visitor?: VisitorId | null;
  /** For staff: part of the visitor's name, e-mail address, phone number or external id, or of the session id. */
  query?: string | null;
  /** 50 when absent. */
  limit?: number | null;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
};

export type ConversationListed = {
  conversations: Array<State>;
  /** Null on the last page. */
  next_cursor: string | null;
};

/** The conversation as it stands after the request. */
export type ConversationNow = {
  conversation: State;
};

/** The visitor's score for the whole conversation. */
export type ConversationRate = {
  conversation_id: ConversationId;
  /** 1 is the worst, 5 the best. */
  score: number;
  comment?: string | null;
};

/** A person answers from here on: no word of the AI is committed after it. */
export type ConversationTakeover = {
  conversation_id: ConversationId;
};

/** The state of a conversation, whole, after the commit of its version. */
export type ConversationUpdated = {
  conversation: State;
};

/** What visitors thought of it. */
export type Csat = {
  count: number;
  /** From 1 to 5. */
  average: number | null;
};

export type Direction = "asc" | "desc";

/** One stored document, for example an attachment. */
export type DocumentId = string;

/** Which disk holds an accepted message. */
export type Durability = "postgres" | "journal";

/** The result of what only takes effect. */
export type Empty = Record<string, never>;

/** Opaque: changes only when earlier positions can no longer be trusted. */
export type Epoch = string;

/** The person whom it was about has asked to be forgotten. */
export type ErasedEscalation = {
  id: EscalationId;
  version: number;
  /** Always true. */
  deleted: boolean;
};

/** What a program learns of a failure: the `data` of the error, told apart by its `kind`. */
export type ErrorData = {
  "kind": "parse_error" } | { "kind": "invalid_request" } | { "kind": "method_not_found";
  method: string;
  } | { "kind": "invalid_params";
  fields: Array<FieldProblem>;
  } | { "kind": "internal";
  trace_id: string;
  } | { "kind": "unauthenticated" } | { "kind": "forbidden" } | { "kind": "not_found" } | { "kind": "conflict";
  current: JsonValue;
  } | { "kind": "position_lost";
  epoch: Epoch;
  seq: Seq;
  } | { "kind": "too_large";
  limit: number;
  } | { "kind": "rate_limited";
  retry_after_ms: number;
  } | { "kind": "unavailable";
  retry_after_ms: number;
};

/** A request for a person, whole. The larger version wins. */
export type Escalation = {
  id: EscalationId;
  version: number;
  workspace_id: WorkspaceId;
  conversation_id: ConversationId;
  /** The turn that it came from; null where a person began it. */
  interaction_id: InteractionId | null;
  /** The intent, where one was understood. */
  issue_type: string | null;
  trigger_type: TriggerType;
  reason: string | null;
  original_request: string | null;
  status: EscalationStatus;
  contact_info: ContactInfo | null;
  /** The tail of the log that led to it, and what the turn decided. */
  conversation_context: JsonValue | null;
  summary: string | null;
  /** The larger is the more urgent. */
  priority: number;
  assignee: Person | null;
  resolution: string | null;
  created_at: Timestamp;
  notified_at: Timestamp | null;
  claimed_at: Timestamp | null;
  resolved_at: Timestamp | null;
  updated_at: Timestamp;
};

/** Gives it to somebody, whoever has it now. */
export type EscalationAssign = {
  id: EscalationId;
  /** When absent: whoever is online and has the least to do. */
  assignee?: VisitorId | null;
};

/** An escalation as the state of its conversation shows it. */
export type EscalationBrief = {
  id: EscalationId;
  status: EscalationStatus;
};

/** Takes an escalation that nobody has, and the conversation with it. One wins; the others get `conflict`. */
export type EscalationClaim = {
  id: EscalationId;
};

/** One escalation, its conversation, and why it came to it. */
export type EscalationGet = {
  id: EscalationId;
};

export type EscalationGot = {
  escalation: Escalation;
  conversation: State;
  /** The conversation's latest turns in their order, with the trace of their steps. */
  interactions: Array<InteractionTrace>;
};

/** The escalation as it stands after the request. */
export type EscalationHeld = {
  escalation: Escalation;
};

/** One request for a person's help. */
export type EscalationId = string;

/** Escalations, the latest first. */
export type EscalationList = {
  statuses?: Array<EscalationStatus> | null;
  trigger_type?: TriggerType | null;
  assignee?: VisitorId | null;
  /** 50 when absent. */
  limit?: number | null;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
};

export type EscalationListed = {
  escalations: Array<Escalation>;
  /** Null on the last page. */
  next_cursor: string | null;
};

/** What became of an escalation: as it stands, or that it was erased. */
export type EscalationNews = Escalation | ErasedEscalation;

/** The escalation as its visitor sees it after the request. */
export type EscalationNow = {
  escalation: VisitorEscalation;
};

/** Lets go of it: the AI answers again, or it waits for the next person. */
export type EscalationRelease = {
  id: EscalationId;
  /** True when absent: back to the AI, which settles the escalation. False, or where no AI answers: back to `pending`. */
  hand_back?: boolean | null;
};

/** Asks for a person; also as the very first act. While one is open, asking again answers with that one. */
export type EscalationRequest = {
  conversation_id: ConversationId;
  reason?: string | null;
  contact?: Contact | null;
};

/** It is done with. */
export type EscalationResolve = {
  id: EscalationId;
  /** What came of it, for colleagues. */
  resolution: string;
  /** The AI answers on; else the conversation is `resolved` until the visitor writes again. */
  reopen_ai?: boolean | null;
};

/** How far an escalation has come. */
export type EscalationStatus = "pending" | "notified" | "in_progress" | "resolved";

/** From now on this socket is told of every change to an escalation of the workspace. */
export type EscalationSubscribe = {
  /** Of the snapshot only; changes are told whatever their status. */
  statuses?: Array<EscalationStatus> | null;
  /** The last cursor that was told: what changed after it comes, and nothing else. */
  since?: string | null;
};

export type EscalationSubscribed = {
  escalations: Array<EscalationNews>;
  /** For `since`, as long as no later one was told with an `escalation.updated`. */
  cursor: string;
  /**
   * Whether this is all there is, to be shown instead of what was known: without `since`, and where it was too
   * long ago or of another database.
   */
  snapshot: boolean;
  /** The colleagues who are there. */
  staff: Array<Staff>;
};

/** To staff who subscribed: an escalation as it stands after a change, its first one included. */
export type EscalationUpdated = {
  escalation: EscalationNews;
  /** For `since` of the next `escalation.subscribe`: all that changed up to here has been told. */
  cursor: string;
};

/** One field of the parameters that cannot be used, and why. Never echoes the value. */
export type FieldProblem = {
  /** Dotted from the top, such as `user.email`. */
  field: string;
  /** Reads after the field's name: "is required", "must be an integer". */
  problem: string;
};

/** All that is known of a contact. */
export type Insight = {
  contact_id: string;
  /** `COMBINED-{contact_id}-ALL`. */
  eni_id: string;
  member_name: string | null;
  /** In the order of arrival, as the one below. */
  eni_source_types: Array<string>;
  eni_source_subtypes: Array<string>;
  total_eni_ids: number;
  record_count: number;
  insights: InsightFields;
  processing_status: ProcessingStatus;
  generated_at: Timestamp;
  created_at: Timestamp;
  updated_at: Timestamp;
  /** How many groups it was folded from. */
  version: number;
  metadata: { [key in string]: JsonValue } | null;
};

/** Many at once: good ones are stored, bad ones named. Those of one contact are folded in order. */
export type InsightBatchUpsert = {
  /** Each like the parameters of `insight.upsert`, or its `insight` alone. */
  insights: Array<JsonValue>;
};

export type InsightBatchUpserted = {
  /** All but the failed ones. */
  processed: number;
  /** Contacts that are new. */
  created: number;
  /** Groups that were folded into what was there. */
  updated: number;
  /** Groups that had been taken in before. */
  duplicates: number;
  failed: Array<InsightFailed>;
};

/** Insights that are at hand without asking the database, since the server started. */
export type InsightCache = {
  cached_items: number;
  max_items: number;
  hits: number;
  misses: number;
};

export type InsightCount = {
  processing_status?: ProcessingStatus | null;
};

export type InsightCounted = {
  count: number;
};

/** Forgets a contact with all that was known of it, and which groups it had taken in. */
export type InsightDelete = {
  contact_id: string;
};

export type InsightDeleted = {
  /** Always true: where there was none, the answer is `not_found`. */
  deleted: boolean;
};

/**
 * A group of insights as it is handed in. What the server counts and keeps itself (`eni_id`, `version`, the times of
 * its row) is ignored here.
 */
export type InsightDraft = {
  contact_id: string;
  member_name?: string | null;
  /** Those that are new are appended to the contact's. */
  eni_source_types?: Array<string> | null;
  /** The same. */
  eni_source_subtypes?: Array<string> | null;
  /** Added to the contact's. */
  total_eni_ids?: number | null;
  /** Added to the contact's. */
  record_count?: number | null;
  /** At least one of them says something. */
  insights: InsightFieldsDraft;
  /** `completed` when absent. */
  processing_status?: ProcessingStatus | null;
  /** The contact keeps its first one; now, where that brings none. */
  generated_at?: Timestamp | null;
  /** At most 16 KiB as JSON; replaces what the contact had. */
  metadata?: { [key in string]: JsonValue } | null;
};

export type InsightFailed = {
  /** In the list as it was sent, from 0. */
  index: number;
  /** Null where none can be read. */
  contact_id: string | null;
  errors: Array<FieldProblem>;
};

export type InsightField = "personal" | "business" | "investing" | "three_i" | "deals" | "introductions";

/** Text or any other JSON; null where nothing is known. */
export type InsightFields = {
  personal: JsonValue | null;
  business: JsonValue | null;
  investing: JsonValue | null;
  three_i: JsonValue | null;
  deals: JsonValue | null;
  introductions: JsonValue | null;
};

/** Text or any other JSON, at most 64 KiB each. One that is null or blank brings nothing, and what is known stays. */
export type InsightFieldsDraft = {
  personal?: JsonValue | null;
  business?: JsonValue | null;
  investing?: JsonValue | null;
  three_i?: JsonValue | null;
  deals?: JsonValue | null;
  introductions?: JsonValue | null;
};

export type InsightFound = {
  /** The best first. */
  results: Array<InsightHit>;
  /** Null on the last page. */
  next_cursor: string | null;
};

export type InsightGet = {
  contact_id: string;
};

export type InsightGot = {
  insight: Insight;
};

/** A passage that holds words of the query. */
export type InsightHighlight = {
  /** `personal`, `member_name` and so on. */
  field: string;
  /** Plain text. */
  text: string;
  /** Where in the text the words are: the first character of each, and the one behind it. */
  marks: Array<[number, number]>;
};

export type InsightHit = {
  insight: Insight;
  /** How much of the query it holds: 1 is every word. */
  score: number;
  highlights: Array<InsightHighlight>;
};

/** A page of them. */
export type InsightList = {
  /** 50 when absent. */
  limit?: number | null;
  /** How many to pass over; further on goes only the cursor. */
  offset?: number | null;
  /**
   * The `next_cursor` of the page before, which goes on after the last row seen whatever has changed meanwhile. The order
   * and the filters are to be those of the first page.
   */
  cursor?: string | null;
  /** `updated_at` when absent. */
  order_by?: InsightOrder | null;
  /** The latest first when absent, or the first of the alphabet. */
  order?: Direction | null;
  processing_status?: ProcessingStatus | null;
  source_type?: string | null;
};

export type InsightListed = {
  insights: Array<Insight>;
  /** How many there are on all pages. */
  total: number;
  /** Null on the last page. */
  next_cursor: string | null;
};

export type InsightOrder = "updated_at" | "created_at" | "generated_at" | "contact_id" | "member_name";

/** Insights that hold any of the words: those first that hold more and rarer ones, then the ones updated last. */
export type InsightSearch = {
  /** Any text: no sign in it is an operator. */
  query: string;
  /** 10 when absent. */
  limit?: number | null;
  /** The `next_cursor` of the page before, with the same query and fields. */
  cursor?: string | null;
  /** Look in these alone; in all of them and the member's name when absent. */
  fields?: Array<InsightField> | null;
};

/** How many there are, and how the cache does. */
export type InsightStats = Record<symbol, never>;

export type InsightStatsNow = {
  total: number;
  /** Every status, also those that none has. */
  by_status: { [key in string]: number };
  /** By source type; a contact counts under each that it has. */
  by_source_type: { [key in string]: number };
  updated_last_24h: number;
  cache: InsightCache;
  /** What could not be processed, and was not mended since. */
  failures: ProcessingFailures;
};

/** Folds a group into its contact. */
export type InsightUpsert = {
  insight: InsightDraft;
  /** Names the group: what its contact has taken in already changes nothing, so that it is safe to repeat. */
  group_key?: string | null;
};

export type InsightUpserted = {
  /** As this group left it; as it stands, where the group was there already. */
  insight: Insight;
  created: boolean;
  duplicate: boolean;
};

/** Says what would be wrong with it, and stores nothing. */
export type InsightValidate = {
  /** Anything. */
  insight: JsonValue;
};

export type InsightValidated = {
  valid: boolean;
  /** All of them. */
  errors: Array<FieldProblem>;
};

/** What the agent decided in one turn. */
export type Interaction = {
  id: InteractionId;
  conversation_id: ConversationId;
  turn: number;
  mode: Mode | null;
  agent_name: string | null;
  /** Null once its visitor was erased, as are the response and the reason. */
  user_message: string | null;
  response: string | null;
  intent: string | null;
  category: string | null;
  confidence: number | null;
  outcome: Outcome;
  escalated: boolean;
  trigger_type: string | null;
  reason: string | null;
  /** What answered: `local`, or the remote one. */
  brain: string | null;
  processing_time_ms: number;
  created_at: Timestamp;
};

/** One turn of the agent, as it is on record. */
export type InteractionId = string;

/** The log of what the agent decided, the latest first. */
export type InteractionList = {
  mode?: Mode | null;
  intent?: string | null;
  outcome?: Outcome | null;
  /** Not before. */
  from?: Timestamp | null;
  /** Before. */
  to?: Timestamp | null;
  /** 50 when absent. */
  limit?: number | null;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
};

export type InteractionListed = {
  interactions: Array<Interaction>;
  /** Null on the last page. */
  next_cursor: string | null;
};

/** One turn of the agent, with what each of its steps decided. */
export type InteractionTrace = {
  /** By the name of the step. */
  steps: { [key in string]: StepTrace };
  id: InteractionId;
  conversation_id: ConversationId;
  turn: number;
  mode: Mode | null;
  agent_name: string | null;
  /** Null once its visitor was erased, as are the response and the reason. */
  user_message: string | null;
  response: string | null;
  intent: string | null;
  category: string | null;
  confidence: number | null;
  outcome: Outcome;
  escalated: boolean;
  trigger_type: string | null;
  reason: string | null;
  /** What answered: `local`, or the remote one. */
  brain: string | null;
  processing_time_ms: number;
  created_at: Timestamp;
};

export type JsonValue = number | string | boolean | Array<JsonValue> | { [key in string]: JsonValue } | null;

/** Adds documents, or replaces those of the same id. */
export type KnowledgeAdd = {
  documents: Array<KnowledgeDocument>;
};

/** In the order in which the documents came. */
export type KnowledgeAdded = {
  documents: Array<KnowledgeStored>;
};

export type KnowledgeChunk = {
  document_id: DocumentId;
  title: string;
  source_url: string | null;
  text: string;
  /** 0 to 1; comparable within one mode. */
  score: number;
};

export type KnowledgeContentType = "public" | "synthetic";

/** Takes a document out. One that was imported comes back with the next import, if its file is still there. */
export type KnowledgeDelete = {
  id: DocumentId;
};

export type KnowledgeDeleted = {
  /** False where there was none. */
  deleted: boolean;
};

export type KnowledgeDocument = {
  /** The server names it where this is absent. */
  id?: DocumentId | null;
  title: string;
  /** Markdown, plain text, or HTML that begins like a page. */
  content: string;
  /** Where a visitor can read it: begins with `https://` or `http://`. */
  source_url?: string | null;
  /** `public` when absent. */
  content_type?: KnowledgeContentType | null;
  /** A preset may let only some of its modes quote from it. */
  topic_collection?: string | null;
  /** At most 16 KiB as JSON. */
  metadata?: { [key in string]: JsonValue } | null;
};

/** A document without its text. */
export type KnowledgeEntry = {
  id: DocumentId;
  title: string;
  /** The file or preset that it was imported from. */
  source: string | null;
  source_url: string | null;
  content_type: KnowledgeContentType;
  topic_collection: string | null;
  metadata: { [key in string]: JsonValue } | null;
  status: KnowledgeStatus;
  chunks: number;
  created_at: Timestamp;
  updated_at: Timestamp;
};

export type KnowledgeFound = {
  /** The best first. */
  chunks: Array<KnowledgeChunk>;
  /** How they were found: `text` while there are no vectors to compare, whatever was asked for. */
  mode: SearchMode;
};

/** One document with its text. */
export type KnowledgeGet = {
  id: DocumentId;
};

export type KnowledgeGot = {
  document: KnowledgeEntry;
  content: string;
};

/** The documents in the order of their ids: imported ones first, then as they were added. */
export type KnowledgeList = {
  topic_collection?: string | null;
  content_type?: KnowledgeContentType | null;
  /** 50 when absent. */
  limit?: number | null;
  /** The `next_cursor` of the page before. */
  cursor?: string | null;
};

export type KnowledgeListed = {
  documents: Array<KnowledgeEntry>;
  /** Null on the last page. */
  next_cursor: string | null;
};

/** The pieces that fit a question best. */
export type KnowledgeSearch = {
  /** Any text: no sign in it is an operator. */
  query: string;
  /** 10 when absent. */
  limit?: number | null;
  /** Only documents of this one. */
  topic_collection?: string | null;
  /** `hybrid` when absent. */
  mode?: SearchMode | null;
};

export type KnowledgeStatus = "pending" | "ready";

export type KnowledgeStored = {
  id: DocumentId;
  /** Into how many pieces it was cut. */
  chunks: number;
  status: KnowledgeStatus;
};

/** What a log-in, and each refresh of it, gives. */
export type LoggedIn = {
  access_token: Secret;
  token_type: TokenType;
  /** When the access token runs out. */
  expires_at: Timestamp;
  /** The next one; the one before it is used up. */
  refresh_token: Secret;
  refresh_expires_at: Timestamp;
  user: Account;
  /** The public slug of the workspace that the tokens are for. */
  workspace: string;
  roles: Array<AccountRole>;
};

/** Logs an account in to one workspace. */
export type Login = {
  email: string;
  password: Secret;
  /** The public slug of a workspace. When absent: `default`, or the first in which the account has a role. */
  workspace?: string | null;
};

/** Ends the log-in of the access token in the header, or of this refresh token. */
export type Logout = {
  refresh_token?: Secret | null;
};

/** Whose access token it is. */
export type Me = {
  user: Account;
  workspace: string;
  roles: Array<AccountRole>;
  expires_at: Timestamp;
};

export type MemoriesOfDomain = {
  domain: string;
  memories: number;
};

export type Memory = {
  id: MemoryItemId;
  trace_id: TraceId;
  title: string;
  description: string;
  content: string;
  error_context: JsonValue | null;
  pattern_tags: Array<string>;
  domain_category: string | null;
  /** That of its trace. */
  outcome: TraceOutcome;
  /** 0 to 1; comparable within one mode. */
  score: number;
  created_at: Timestamp;
};

/** Adds a trace with its items, or neither. A trace that is known already stays as it is. */
export type MemoryAddTrace = {
  trace: NewTrace;
};

export type MemoryCounts = {
  total_traces: number;
  total_memories: number;
  /** The share of all traces that ended in success; 0 where there are none. */
  success_rate: number;
  by_outcome: TracesByOutcome;
  /** Items of each domain, the most first; those of none are in no row. */
  by_domain: Array<MemoriesOfDomain>;
  /** What makes the vectors; null while there is no model. */
  embedder: string | null;
  /** Items that wait for a vector, and are found by their words until then. */
  pending_vectors: number;
};

/** Takes a trace away with its items, and nothing else. */
export type MemoryDeleteTrace = {
  id: TraceId;
};

export type MemoryFound = {
  /** The best first. */
  memories: Array<Memory>;
  /** `text` while there are no vectors to compare, else `hybrid`. */
  mode: SearchMode;
};

export type MemoryGetTrace = {
  id: TraceId;
};

export type MemoryItem = {
  id: MemoryItemId;
  title: string;
  description: string;
  content: string;
  error_context: JsonValue | null;
  pattern_tags: Array<string>;
  domain_category: string | null;
};

/** One thing worth remembering of a trace. */
export type MemoryItemId = string;

/** The items that fit best: as many as the limit, wherever so many match. */
export type MemoryQuery = {
  /** Any text: no sign in it is an operator. */
  query: string;
  /** 10 when absent. */
  limit?: number | null;
  /** False leaves out the items with an `error_context`; true when absent. */
  include_errors?: boolean | null;
  /** Only items of this `domain_category`. */
  domain?: string | null;
  /** Only items with one of these `pattern_tags`. */
  tags?: Array<string> | null;
  /** Only items with at least this score. */
  min_score?: number | null;
};

export type MemoryStats = Record<symbol, never>;

export type MemoryTraceAdded = {
  trace_id: TraceId;
  /** In the order of the items. */
  item_ids: Array<MemoryItemId>;
  /** A trace of this id was there: its items are named, and nothing was written. */
  duplicate: boolean;
};

export type MemoryTraceDeleted = {
  deleted: boolean;
};

export type MemoryTraceGot = {
  trace: Trace;
};

/** One entry of a conversation's log. Written once, never changed. */
export type Message = {
  id: MessageId;
  conversation_id: ConversationId;
  seq: Seq;
  /** The idempotency key that its sender chose; null for what the server wrote. */
  client_id: ClientId | null;
  role: Role;
  /** Which of the preset's agents wrote it; null for people. */
  agent_name: string | null;
  author: Person | null;
  content: string;
  citations: Array<Citation>;
  attachments: Array<Attachment>;
  metadata: { [key in string]: JsonValue } | null;
  created_at: Timestamp;
};

/** A message was committed. Its sender has the response instead. */
export type MessageCreated = {
  message: Message;
};

/** More of a reply that is being written. */
export type MessageDelta = {
  conversation_id: ConversationId;
  /** The id that the message will have. */
  message_id: MessageId;
  /** The characters sent before; one that is not the length held is ignored. */
  offset: number;
  text: string;
};

/** Whether an answer helped; it reaches the trace of the turn that wrote it. */
export type MessageFeedback = {
  message_id: MessageId;
  helpful: boolean;
  comment?: string | null;
};

/** One message, named by the server. */
export type MessageId = string;

/** A page of the log, in the order of `seq`. With neither bound: the last page. */
export type MessageList = {
  conversation_id: ConversationId;
  /** 1 to head + 1. Not together with `after_seq`. */
  before_seq?: Seq | null;
  /** 0 to head. Not together with `before_seq`. */
  after_seq?: Seq | null;
  /** 50 when absent. */
  limit?: number | null;
};

export type MessageListed = {
  messages: Array<Message>;
  /** Whether more lie in the direction of the request; without one, whether earlier ones do. */
  has_more: boolean;
};

/** The reader has seen everything up to here. */
export type MessageRead = {
  conversation_id: ConversationId;
  seq: Seq;
};

/** A message that the journal had accepted was refused by the database. */
export type MessageRejected = {
  client_id: ClientId;
  error: RpcError;
};

/** Writes a message. Safe to repeat: the same `client_id` gives the first result again. */
export type MessageSend = {
  conversation_id: ConversationId;
  client_id: ClientId;
  content: string;
  /** At most 16 KiB as JSON. */
  metadata?: { [key in string]: JsonValue } | null;
  /** Documents uploaded to this conversation before. */
  attachments?: Array<DocumentId> | null;
  /** From staff: a note, which no visitor ever sees. */
  private?: boolean | null;
  /** Over HTTP: wait so long for the reply, and return it too. */
  wait_reply_ms?: number | null;
};

/** A message was accepted, and where it is safe. */
export type MessageSent = {
  /** Null until the journal is drained. */
  id: MessageId | null;
  /** Null until the journal is drained. */
  seq: Seq | null;
  created_at: Timestamp;
  /** Whether this `client_id` had been accepted before. */
  duplicate: boolean;
  durability: Durability;
  /** Only where `wait_reply_ms` was sent and the reply came in time. */
  reply?: Message | null;
};

/** Discard the text streamed under this id: it will not become a message. */
export type MessageWithdrawn = {
  conversation_id: ConversationId;
  message_id: MessageId;
  reason: WithdrawnReason;
};

/** What cannot be said is null: a percentile of nothing, the average of no score. Rates are 0 where nothing happened. */
export type Metrics = {
  /** Turns of the agent. */
  total_interactions: number;
  /** Those that ended in an answer. */
  resolved: number;
  /** Those that ended in a hand-over to a person. */
  escalated: number;
  /** The share that was handed over. */
  escalation_rate: number;
  /** The share that was not. */
  containment_rate: number;
  avg_confidence: number | null;
  /** From a message to its answer. */
  processing_ms: ProcessingTimes;
  /** The same of each conversation's first turn, where it came to an answer. */
  first_response_ms: Times;
  /** Now: those that are neither resolved nor closed. */
  active_conversations: number;
  /** Now: those that are not resolved. */
  open_escalations: number;
  /** From a hand-over until a person took it, in seconds, of those taken in the period. */
  time_to_claim_s: Times;
  /** Of conversations that began in the period. */
  csat: Csat;
  /** The most frequent first, as in the two below. */
  by_intent: Array<MetricsCount>;
  by_category: Array<MetricsCount>;
  /** By what a hand-over was triggered by. */
  by_trigger: Array<MetricsCount>;
  /** Hand-overs because the agent had failed. */
  errors: number;
  /** Every bucket of the period, the earliest first. */
  series: Array<MetricsPoint>;
};

export type MetricsBucket = "hour" | "day";

export type MetricsCount = {
  name: string;
  interactions: number;
  escalated: number;
};

/** Sums of a period, in which `from` and `to` are widened to whole buckets, in UTC. */
export type MetricsGet = {
  /** Of one mode; all of them when absent. */
  mode?: Mode | null;
  /** Seven days before `to` when absent. */
  from?: Timestamp | null;
  /** Now when absent. */
  to?: Timestamp | null;
  /** Of the series: an hour when absent, and a day where the period is longer than 31 days. */
  bucket?: MetricsBucket | null;
};

export type MetricsPoint = {
  /** When the bucket begins. */
  at: Timestamp;
  interactions: number;
  escalated: number;
  p95_ms: number | null;
};

/** Whose words a preset with two audiences uses. */
export type Mode = "customer" | "banker";

export type NewMemoryItem = {
  /** The server names it where this is absent. */
  id?: MemoryItemId | null;
  title: string;
  description?: string | null;
  content: string;
  /** What went wrong, where this was learned from an error: any JSON of at most 16 KiB. */
  error_context?: JsonValue | null;
  pattern_tags?: Array<string> | null;
  domain_category?: string | null;
};

export type NewTrace = {
  /** The server names it where this is absent. */
  id?: TraceId | null;
  /** What was to be done. */
  task: string;
  /** The steps that were taken, in order: any JSON, at most 256 KiB together. */
  trajectory?: Array<JsonValue> | null;
  outcome: TraceOutcome;
  memory_items?: Array<NewMemoryItem> | null;
  /** At most 16 KiB as JSON. */
  metadata?: { [key in string]: JsonValue } | null;
};

/** What staff tell each other beside a conversation. Its `seq` counts the notes of the conversation alone. */
export type Note = {
  id: MessageId;
  conversation_id: ConversationId;
  seq: Seq;
  client_id: ClientId;
  author: Person;
  content: string;
  attachments: Array<Attachment>;
  metadata: { [key in string]: JsonValue } | null;
  /** Always true: no visitor ever sees it. */
  private: boolean;
  created_at: Timestamp;
};

/** To staff in the conversation: a colleague left a note. */
export type NoteCreated = {
  note: Note;
};

/** Notes in the order of their `seq`. Without `after_seq`: the last page. */
export type NotesList = {
  conversation_id: ConversationId;
  after_seq?: Seq | null;
  /** 50 when absent. */
  limit?: number | null;
};

export type NotesListed = {
  notes: Array<Note>;
};

/** How a turn ended. */
export type Outcome = "resolved" | "asked" | "refused" | "escalated" | "cancelled" | "taken_over";

/** Who may answer now. */
export type Owner = "ai" | "staff" | "none";

/** A person as others in the conversation see them. */
export type Person = {
  id: VisitorId;
  name: string | null;
};

/** A place in a conversation's log that a client can resume from. */
export type Position = {
  epoch: Epoch;
  seq: Seq;
};

/** Whether somebody is there. */
export type Presence = "online" | "away" | "offline";

/** To staff who subscribed: a colleague came, went, or changed how much they take. */
export type PresenceUpdated = {
  staff: Staff;
};

/** Something that failed, once or several times. */
export type ProcessingFailure = {
  id: string;
  kind: string;
  /** The id of a conversation, a contact's, or a file with its line. */
  subject: string;
  /** A sentence, of the last time. */
  reason: string;
  times: number;
  first_at: Timestamp;
  last_at: Timestamp;
};

/**
 * Imports, distillations, what was to be learned from conversations, and syncs that have failed. One that succeeds
 * later is no longer among them, and the oldest go where there are more than a thousand.
 */
export type ProcessingFailures = {
  total: number;
  /** Every kind, also those of which nothing has failed: `import`, `distillation`, `learning`, `sync`. */
  by_kind: { [key in string]: number };
  /** The last twenty, the newest first. */
  newest: Array<ProcessingFailure>;
};

export type ProcessingStatus = "pending" | "processing" | "completed" | "failed";

/** Percentiles are off by 5% at most. */
export type ProcessingTimes = {
  p50: number | null;
  p95: number | null;
  p99: number | null;
};

/** Up to where each side has read. */
export type ReadMarks = {
  user: Seq;
  staff: Seq;
};

/** Up to where each side has read. */
export type ReadUpdated = {
  conversation_id: ConversationId;
  user: Seq;
  staff: Seq;
};

export type RecordedStatus = "done" | "failed" | "skipped";

export type RecordedStep = {
  step: string;
  status: RecordedStatus;
  started_at: Timestamp;
  ms: number;
  /** What it came to. */
  output: JsonValue;
};

/** Exchanges a refresh token for new tokens. It can be used once. */
export type Refresh = {
  refresh_token: Secret;
};

/**
 * Makes an account that is a member, where the workspace takes registrations. The answer never tells whether there
 * was one already; the account is used by logging in.
 */
export type Register = {
  email: string;
  password: Secret;
  name?: string | null;
  /** The public slug of a workspace; `default` when absent. */
  workspace?: string | null;
};

/** Who speaks in a message. */
export type Role = "user" | "assistant" | "staff" | "system";

/** The error of one request: a sentence for a person, and a fault for a program. */
export type RpcError = {
  code: number;
  /** A sentence for a person. */
  message: string;
  data: ErrorData;
};

export type SearchMode = "hybrid" | "vector" | "text";

/** A secret as it crosses the wire. */
export type Secret = string;

/** The place of a message in its conversation's log: 1, 2, 3 … without gaps; 0 stands before the first. */
export type Seq = number;

/** The server is about to stop: reconnect after this long, and resume. */
export type ServerDraining = {
  reconnect_after_ms: number;
};

/** What a client may want to know of the server. */
export type ServerInfo = {
  version: string;
  node: string;
  /** Seconds between two pings. */
  ping_s: number;
  /** Bytes of the largest frame that this client may send. */
  max_message_bytes: number;
};

/**
 * Opens a conversation, or changes to another one on the same socket.
 *
 * Without token and resume it makes a new visitor with a new conversation; with either of them and
 * no conversation named, it opens the latest one that is not closed.
 */
export type SessionOpen = {
  /** A visitor's token, an access token or an API key. */
  token?: Secret | null;
  /** The long-lived secret of an earlier open. */
  resume?: Secret | null;
  /** The public slug of the workspace in which a new visitor arrives; `default` when absent. */
  workspace?: string | null;
  /** Not together with `session_id`. */
  conversation_id?: ConversationId | null;
  /** The client's own name for the conversation, looked up among this visitor's only. */
  session_id?: string | null;
  /** The last position seen: the messages after it are sent. */
  position?: Position | null;
  mode?: Mode | null;
  user?: UserIdentity | null;
  /** Kept with a new conversation. At most 16 KiB as JSON. */
  metadata?: { [key in string]: JsonValue } | null;
};

/** Everything a client needs to show the conversation. */
export type SessionOpened = {
  /** A visitor's token; null where the client brought credentials of its own. */
  token: Secret | null;
  expires_at: Timestamp | null;
  /** Keep it: it brings a visitor back for 180 days after its last use. */
  resume: Secret | null;
  /** Null for people and services that named none. */
  conversation: State | null;
  /** There whenever a conversation is, also for an empty log. */
  position: Position | null;
  /** Whether `messages` are exactly those after the position that was sent; else they are a fresh last page. */
  recovered: boolean;
  messages: Array<Message>;
  /** Whether there are earlier messages than these to list. */
  has_more: boolean;
  /** Null where no conversation was named. */
  read: ReadMarks | null;
  streaming: Streaming | null;
  /** A text of the preset, not a message. */
  greeting: string | null;
  server: ServerInfo;
};

/** A fresh token for a visitor, before the old one expires. */
export type SessionRefresh = {
  token: Secret;
};

export type SessionRefreshed = {
  token: Secret;
  expires_at: Timestamp;
};

/** A colleague, as the console shows them. */
export type Staff = {
  id: VisitorId;
  name: string | null;
  status: Presence;
  /** How many conversations they want to have at most. */
  capacity: number;
  /** Since when they are what `status` says. */
  since: Timestamp;
};

/** Says whether its sender is there. It holds as long as the socket; who has none left is offline. */
export type StaffPresence = {
  status: Presence;
  /** How many conversations they want to have at most; as before when absent. */
  capacity?: number | null;
};

/** All of a conversation that is not its log. Sent whole; the larger (epoch, version) wins. */
export type State = {
  conversation_id: ConversationId;
  /** The client's own name for the conversation. */
  session_id: string | null;
  epoch: Epoch;
  version: number;
  status: Status;
  owner: Owner;
  assignee: Person | null;
  mode: Mode | null;
  workflow: WorkflowState | null;
  escalation: EscalationBrief | null;
  /** The visitor's score, 1 to 5. */
  rating: number | null;
  created_at: Timestamp;
  updated_at: Timestamp;
};

/** Where a conversation stands. */
export type Status = "active" | "waiting" | "with_staff" | "resolved" | "closed";

/** How a step goes. */
export type StepStatus = "running" | "done" | "failed" | "skipped";

/** A recorded step of a turn. */
export type StepTrace = {
  status: string;
  started_at: Timestamp;
  ms: number;
  output: JsonValue;
};

/** The reply being written while a client opens: what it would have seen of the deltas. */
export type Streaming = {
  message_id: MessageId;
  text: string;
};

/** Percentiles of answers are off by 5% at most; those of claims are exact. */
export type Times = {
  p50: number | null;
  p95: number | null;
};

/** A moment, such as `2026-01-31T09:05:00.250Z`. */
export type Timestamp = string;

/** How an access token is shown: `Authorization: Bearer …`. */
export type TokenType = "Bearer";

export type Trace = {
  id: TraceId;
  task: string;
  trajectory: Array<JsonValue>;
  outcome: TraceOutcome;
  memory_items: Array<MemoryItem>;
  metadata: { [key in string]: JsonValue } | null;
  created_at: Timestamp;
  updated_at: Timestamp;
};

/** One trace of work that was done. */
export type TraceId = string;

/** How it ended. */
export type TraceOutcome = "success" | "failure" | "partial";

export type TracesByOutcome = {
  success: number;
  failure: number;
  partial: number;
};

/** Why a person was asked for. */
export type TriggerType = "human_only" | "sensitive" | "low_confidence" | "insufficient_evidence" | "user_request" | "agent_error" | "staff_takeover" | "guard";

/** Stops the answer that is being written: no reply is committed. */
export type TurnCancel = {
  conversation_id: ConversationId;
};

export type TurnCancelled = {
  /** False where no turn was open. */
  cancelled: boolean;
};

/** Sent as a notification: somebody is typing, or no longer. */
export type Typing = {
  conversation_id: ConversationId;
  on: boolean;
};

/** Somebody else is typing, or no longer. */
export type TypingUpdated = {
  conversation_id: ConversationId;
  role: Role;
  author: Person | null;
  on: boolean;
};

/** What the embedding page says of its user; believed where `hash` proves it. */
export type UserIdentity = {
  /** The user's id in the customer's own systems. */
  external_id?: string | null;
  email?: string | null;
  name?: string | null;
  phone?: string | null;
  /** Hex HMAC-SHA256 of `external_id` under the workspace's identity secret. */
  hash?: Secret | null;
};

/** An escalation as its visitor sees it. */
export type VisitorEscalation = {
  id: EscalationId;
  status: EscalationStatus;
  created_at: Timestamp;
  assignee_name: string | null;
};

/** A person: a visitor or a member of staff. */
export type VisitorId = string;

/** Who the visitor of a conversation is, as far as they or the page that they came from have told. */
export type VisitorProfile = {
  id: VisitorId;
  /** The page's server has vouched for `external_id`. All else is what was told. */
  verified: boolean;
  external_id: string | null;
  name: string | null;
  email: string | null;
  phone: string | null;
  metadata: { [key in string]: JsonValue } | null;
};

/** Why streamed text was withdrawn. */
export type WithdrawnReason = "takeover" | "cancelled" | "restarted";

/** The checkpoint, as it is stored. */
export type WorkflowCheckpoint = {
  workflow_type: string;
  /** Where the last turn ended; null before the first. */
  step: string | null;
  turn: number;
  awaiting: Awaiting | null;
  /** Of the turn that is open: the message that it will end in. Null between turns. */
  reply_id: MessageId | null;
  opened_at: Timestamp | null;
  checkpoint_version: number;
  checkpoint: JsonValue;
  updated_at: Timestamp;
};

/** Where the agent's work in a conversation stands, and each step that led there. */
export type WorkflowGet = {
  conversation_id: ConversationId;
};

/** Where the agent's work stands. */
export type WorkflowState = {
  type: string;
  /** The step that runs or ran last; null before the first. */
  step: string | null;
  turn: number;
  awaiting: Awaiting | null;
};

/** A step of the agent's work began or ended. */
export type WorkflowStep = {
  conversation_id: ConversationId;
  turn: number;
  step: string;
  status: StepStatus;
  /** What the step decided; visitors are not told. */
  detail?: JsonValue;
};

export type WorkflowTrace = {
  /** Null where no AI has ever answered. */
  workflow_state: WorkflowCheckpoint | null;
  agent_states: Array<AgentState>;
  /** The latest 200, in their order. */
  turns: Array<WorkflowTurn>;
};

export type WorkflowTurn = {
  turn: number;
  steps: Array<RecordedStep>;
};

/** One tenant. */
export type WorkspaceId = string;

/** Every method: what it is asked with and what it answers. It fails with RpcError. */
export interface Methods {
  "session.open": { params: SessionOpen; result: SessionOpened };
  "session.refresh": { params: SessionRefresh; result: SessionRefreshed };
  "message.send": { params: MessageSend; result: MessageSent };
  "message.list": { params: MessageList; result: MessageListed };
  "message.read": { params: MessageRead; result: Empty };
  "message.feedback": { params: MessageFeedback; result: Empty };
  "typing": { params: Typing; result: Empty };
  "turn.cancel": { params: TurnCancel; result: TurnCancelled };
  "escalation.request": { params: EscalationRequest; result: EscalationNow };
  "conversation.close": { params: ConversationClose; result: ConversationNow };
  "conversation.rate": { params: ConversationRate; result: ConversationNow };
  "conversation.list": { params: ConversationList; result: ConversationListed };
  "escalation.subscribe": { params: EscalationSubscribe; result: EscalationSubscribed };
  "escalation.list": { params: EscalationList; result: EscalationListed };
  "escalation.get": { params: EscalationGet; result: EscalationGot };
  "escalation.claim": { params: EscalationClaim; result: EscalationHeld };
  "escalation.assign": { params: EscalationAssign; result: EscalationHeld };
  "escalation.release": { params: EscalationRelease; result: EscalationHeld };
  "escalation.resolve": { params: EscalationResolve; result: EscalationHeld };
  "conversation.join": { params: ConversationJoin; result: ConversationJoined };
  "conversation.leave": { params: ConversationLeave; result: Empty };
  "conversation.takeover": { params: ConversationTakeover; result: ConversationNow };
  "notes.list": { params: NotesList; result: NotesListed };
  "canned.list": { params: CannedList; result: CannedListed };
  "canned.save": { params: CannedSave; result: CannedSaved };
  "canned.delete": { params: CannedDelete; result: CannedDeleted };
  "staff.presence": { params: StaffPresence; result: Empty };
  "memory.add_trace": { params: MemoryAddTrace; result: MemoryTraceAdded };
  "memory.query": { params: MemoryQuery; result: MemoryFound };
  "memory.get_trace": { params: MemoryGetTrace; result: MemoryTraceGot };
  "memory.delete_trace": { params: MemoryDeleteTrace; result: MemoryTraceDeleted };
  "memory.stats": { params: MemoryStats; result: MemoryCounts };
  "knowledge.add": { params: KnowledgeAdd; result: KnowledgeAdded };
  "knowledge.search": { params: KnowledgeSearch; result: KnowledgeFound };
  "knowledge.list": { params: KnowledgeList; result: KnowledgeListed };
  "knowledge.get": { params: KnowledgeGet; result: KnowledgeGot };
  "knowledge.delete": { params: KnowledgeDelete; result: KnowledgeDeleted };
  "insight.upsert": { params: InsightUpsert; result: InsightUpserted };
  "insight.batch_upsert": { params: InsightBatchUpsert; result: InsightBatchUpserted };
  "insight.validate": { params: InsightValidate; result: InsightValidated };
  "insight.get": { params: InsightGet; result: InsightGot };
  "insight.list": { params: InsightList; result: InsightListed };
  "insight.search": { params: InsightSearch; result: InsightFound };
  "insight.count": { params: InsightCount; result: InsightCounted };
  "insight.stats": { params: InsightStats; result: InsightStatsNow };
  "insight.delete": { params: InsightDelete; result: InsightDeleted };
  "metrics.get": { params: MetricsGet; result: Metrics };
  "interaction.list": { params: InteractionList; result: InteractionListed };
  "workflow.get": { params: WorkflowGet; result: WorkflowTrace };
}

/** Every notification of the server. */
export interface Notifications {
  "message.created": MessageCreated;
  "message.delta": MessageDelta;
  "message.withdrawn": MessageWithdrawn;
  "message.rejected": MessageRejected;
  "conversation.updated": ConversationUpdated;
  "read.updated": ReadUpdated;
  "workflow.step": WorkflowStep;
  "typing": TypingUpdated;
  "server.draining": ServerDraining;
  "escalation.updated": EscalationUpdated;
  "note.created": NoteCreated;
  "presence.updated": PresenceUpdated;
}

/** Every endpoint of accounts: its body and its answer. An error comes as { error: RpcError }. */
export interface Endpoints {
  "POST /api/auth/register": { body: Register; answer: Empty };
  "POST /api/auth/login": { body: Login; answer: LoggedIn };
  "POST /api/auth/refresh": { body: Refresh; answer: LoggedIn };
  "POST /api/auth/logout": { body: Logout; answer: Empty };
  "GET /api/auth/me": { body: null; answer: Me };
}
