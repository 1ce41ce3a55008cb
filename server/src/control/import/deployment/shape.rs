//! What the tables of older desks look like, as data: what each kind is told by, and under which names its facts stand.

use crate::store::foreign::Table;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Users,
    Conversations,
    Messages,
    AgentStates,
    WorkflowStates,
    Interactions,
    Escalations,
    Knowledge,
    Insights,
    Traces,
    Memories,
}

impl Kind {
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Users => "people",
            Self::Conversations => "conversations",
            Self::Messages => "messages",
            Self::AgentStates => "agent states",
            Self::WorkflowStates => "workflow states",
            Self::Interactions => "interactions",
            Self::Escalations => "escalations",
            Self::Knowledge => "knowledge",
            Self::Insights => "insights",
            Self::Traces => "traces",
            Self::Memories => "memories",
        }
    }
}

#[derive(Debug)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    /// What the table may be called.
    names: &'static [&'static str],
    /// Words that a name of it holds.
    stems: &'static [&'static str],
    /// Of each of these, one fact has to be there.
    needs: &'static [&'static [&'static str]],
    /// Whether those are enough, whatever the table is called.
    by_columns: bool,
    /// Each fact with the columns that it stands in: of several, the first that says something counts.
    facts: &'static [Fact],
    /// Columns that stay behind: what is made anew here, and secrets that mean nothing here.
    leaves: &'static [&'static str],
}

pub(super) type Fact = (&'static str, &'static [&'static str]);

const METADATA: &[&str] = &["metadata", "meta", "meta_data", "extra", "extra_data", "attributes"];
const CREATED: &[&str] = &["created_at", "created", "timestamp", "inserted_at", "created_on", "date_created"];
const CONVERSATION: &[&str] =
    &["conversation_id", "session_id", "chat_session_id", "chat_id", "thread_id", "conversation", "session"];
const VECTORS: &[&str] =
    &["embedding", "embeddings", "vector", "task_embedding", "content_embedding", "search_vector"];

pub(super) static SHAPES: [Shape; 11] = [
    Shape {
        kind: Kind::Users,
        names: &["users", "user", "accounts", "app_users", "members", "customers", "user_accounts"],
        stems: &[],
        needs: &[&["email"], &["id"]],
        by_columns: false,
        facts: &[
            ("id", &["id", "user_id", "uuid"]),
            ("email", &["email", "email_address", "mail"]),
            ("name", &["name", "full_name", "display_name", "username"]),
            ("phone", &["phone", "phone_number", "mobile"]),
            ("role", &["role", "user_role", "user_type"]),
            ("admin", &["is_superuser", "is_admin"]),
            ("staff", &["is_staff", "is_agent"]),
            ("at", CREATED),
            ("metadata", METADATA),
        ],
        leaves: &[
            "hashed_password",
            "password_hash",
            "password",
            "passwd",
            "password_digest",
            "salt",
            "api_key",
            "reset_token",
            "refresh_token",
            "access_token",
            "verification_token",
            "otp_secret",
            "totp_secret",
            "secret",
        ],
    },
    Shape {
        kind: Kind::Conversations,
        names: &[
            "conversations",
            "conversation",
            "chat_sessions",
            "chats",
            "sessions",
            "threads",
            "conversation_sessions",
            "chat_conversations",
        ],
        stems: &[],
        needs: &[&["id"], &["user", "session", "status", "at", "updated", "metadata"]],
        by_columns: false,
        facts: &[
            ("id", &["id", "conversation_id", "session_id", "thread_id", "chat_id"]),
            ("user", &["user_id", "customer_id", "member_id", "account_id", "visitor_id", "owner_id"]),
            ("session", &["session_id"]),
            ("name", &["user_name", "customer_name", "contact_name", "visitor_name"]),
            ("email", &["user_email", "customer_email", "contact_email", "email"]),
            ("phone", &["user_phone", "customer_phone", "contact_phone", "phone"]),
            ("status", &["status", "state"]),
            ("mode", &["mode", "assistant_mode"]),
            ("rating", &["rating", "csat", "satisfaction_score", "satisfaction"]),
            ("comment", &["rating_comment", "feedback_comment", "feedback"]),
            ("at", &["created_at", "started_at", "created", "start_time", "timestamp", "inserted_at"]),
            (
                "updated",
                &["updated_at", "last_message_at", "last_activity", "ended_at", "closed_at", "end_time"],
            ),
            ("metadata", METADATA),
        ],
        leaves: &[],
    },
    Shape {
        kind: Kind::Messages,
        names: &["messages", "conversation_messages", "chat_messages", "chat_history", "message_history"],
        stems: &[],
        needs: &[&["conversation"], &["role"], &["content"]],
        by_columns: true,
        facts: &[
            ("id", &["id", "message_id"]),
            ("conversation", CONVERSATION),
            (
                "role",
                &[
                    "role",
                    "sender",
                    "sender_type",
                    "author_type",
                    "sender_role",
                    "author",
                    "speaker",
                    "message_type",
                ],
            ),
            ("content", &["content", "message", "text", "body", "message_text", "message_content"]),
            ("agent", &["agent_name", "agent", "agent_type"]),
            ("name", &["sender_name", "author_name", "user_name", "staff_name"]),
            (
                "place",
                &[
                    "seq",
                    "sequence",
                    "sequence_number",
                    "position",
                    "message_index",
                    "message_order",
                    "order_index",
                    "turn",
                    "turn_number",
                    "idx",
                ],
            ),
            ("at", &["created_at", "timestamp", "sent_at", "created", "inserted_at", "time"]),
            ("metadata", &["metadata", "meta", "message_metadata", "meta_data", "extra", "extra_data"]),
        ],
        leaves: VECTORS,
    },
    Shape {
        kind: Kind::AgentStates,
        names: &["agent_states", "agent_state", "agent_memory"],
        stems: &["agent_state"],
        needs: &[&["conversation"], &["agent"]],
        by_columns: false,
        facts: &[
            ("id", &["id"]),
            ("conversation", CONVERSATION),
            ("agent", &["agent_name", "agent_type", "agent", "agent_id", "name"]),
            ("state", &["state", "state_data", "agent_state", "data", "context", "memory"]),
            ("turn", &["turn", "turn_number"]),
            ("at", &["updated_at", "last_updated", "created_at", "timestamp"]),
            ("metadata", METADATA),
        ],
        leaves: &[],
    },
    Shape {
        kind: Kind::WorkflowStates,
        names: &["workflow_states", "workflow_state", "workflows", "workflow_checkpoints"],
        stems: &["workflow_state", "checkpoint"],
        needs: &[&["conversation"], &["kind", "step", "state"]],
        by_columns: false,
        facts: &[
            ("id", &["id"]),
            ("conversation", CONVERSATION),
            ("kind", &["workflow_type", "workflow_name", "workflow", "type"]),
            ("step", &["step", "current_step", "current_node", "current_state", "stage"]),
            (
                "state",
                &[
                    "checkpoint",
                    "checkpoint_data",
                    "state",
                    "state_data",
                    "workflow_state",
                    "data",
                    "context",
                ],
            ),
            ("turn", &["turn", "turn_number"]),
            ("at", &["updated_at", "last_updated", "created_at", "timestamp"]),
            ("metadata", METADATA),
        ],
        leaves: &[],
    },
    Shape {
        kind: Kind::Interactions,
        names: &["interactions", "interaction", "interaction_logs", "agent_interactions"],
        stems: &["interaction"],
        needs: &[&["conversation"], &["message"], &["response"]],
        by_columns: true,
        facts: &[
            ("id", &["id", "interaction_id"]),
            ("conversation", CONVERSATION),
            ("place", &["turn", "turn_number", "seq", "sequence"]),
            ("mode", &["mode", "assistant_mode"]),
            ("agent", &["agent_name", "agent", "agent_type", "agent_used"]),
            ("message", &["user_message", "user_query", "user_input", "query", "question", "input"]),
            (
                "response",
                &[
                    "response",
                    "agent_response",
                    "ai_response",
                    "bot_response",
                    "assistant_response",
                    "answer",
                    "output",
                ],
            ),
            ("intent", &["intent", "detected_intent", "classified_intent", "intent_name"]),
            ("category", &["category", "intent_category"]),
            ("confidence", &["confidence", "confidence_score", "intent_confidence"]),
            ("outcome", &["outcome", "resolution_status", "status", "resolution"]),
            (
                "escalated",
                &["escalated", "was_escalated", "is_escalated", "requires_escalation", "needs_escalation"],
            ),
            ("trigger", &["trigger_type", "escalation_trigger"]),
            ("reason", &["reason", "escalation_reason"]),
            ("brain", &["brain", "model", "model_name", "llm_model", "model_used"]),
            ("ms", &["processing_time_ms", "response_time_ms", "latency_ms", "duration_ms"]),
            ("seconds", &["processing_time", "response_time", "latency", "duration"]),
            ("at", CREATED),
            ("metadata", &["detail", "metadata", "meta", "meta_data", "extra", "extra_data"]),
        ],
        leaves: VECTORS,
    },
    Shape {
        kind: Kind::Escalations,
        names: &["escalations", "handoffs", "hand_offs", "support_requests"],
        stems: &["escalation", "handoff"],
        needs: &[&["conversation"], &["reason", "trigger", "issue", "status"]],
        by_columns: false,
        facts: &[
            ("id", &["id", "escalation_id"]),
            ("conversation", CONVERSATION),
            ("interaction", &["interaction_id"]),
            ("issue", &["issue_type", "escalation_type", "request_type", "category", "intent", "issue"]),
            ("trigger", &["trigger_type", "trigger", "escalation_trigger"]),
            ("reason", &["reason", "escalation_reason", "description", "details"]),
            (
                "request",
                &[
                    "original_request",
                    "user_message",
                    "customer_message",
                    "request",
                    "question",
                    "query",
                    "message",
                ],
            ),
            ("status", &["status", "escalation_status", "state"]),
            ("contact", &["contact_info", "contact_details", "contact", "customer_info", "user_info"]),
            ("name", &["contact_name", "customer_name", "user_name", "member_name", "name"]),
            ("email", &["contact_email", "customer_email", "user_email", "member_email", "email"]),
            (
                "phone",
                &["contact_phone", "customer_phone", "user_phone", "member_phone", "phone", "phone_number"],
            ),
            ("context", &["conversation_context", "context", "conversation_history", "transcript"]),
            ("summary", &["summary", "conversation_summary", "ai_summary"]),
            ("priority", &["priority", "urgency", "severity"]),
            (
                "assignee",
                &["assignee_name", "assigned_to", "assignee", "assigned_agent", "handled_by", "banker_name"],
            ),
            ("resolution", &["resolution", "resolution_notes", "resolution_note", "notes"]),
            ("at", &["created_at", "escalated_at", "requested_at", "created", "timestamp", "inserted_at"]),
            ("notified", &["notified_at"]),
            ("claimed", &["claimed_at", "assigned_at", "acknowledged_at", "picked_up_at"]),
            ("resolved", &["resolved_at", "closed_at", "completed_at"]),
            ("updated", &["updated_at"]),
            ("metadata", METADATA),
        ],
        leaves: &[],
    },
    Shape {
        kind: Kind::Knowledge,
        names: &[
            "knowledge_documents",
            "knowledge_base",
            "knowledge",
            "kb_documents",
            "kb_articles",
            "articles",
            "help_articles",
        ],
        stems: &[],
        needs: &[&["title"], &["content"]],
        by_columns: false,
        facts: &[
            ("id", &["id", "document_id", "doc_id"]),
            ("title", &["title", "name", "question"]),
            ("content", &["content", "text", "body", "answer", "document", "markdown"]),
            ("url", &["source_url", "url", "link", "source"]),
            ("kind", &["content_type", "type"]),
            ("topic", &["topic_collection", "collection", "collection_name", "topic", "category"]),
            ("at", CREATED),
            ("metadata", METADATA),
        ],
        leaves: VECTORS,
    },
    Shape {
        kind: Kind::Insights,
        names: &["structured_insights", "insights"],
        stems: &[],
        needs: &[&["contact"], &["insights"]],
        by_columns: true,
        facts: &[
            ("id", &["id"]),
            ("contact", &["contact_id"]),
            (
                "insights",
                &[
                    "insights",
                    "eni_source_type",
                    "eni_source_types",
                    "eni_source_subtype",
                    "total_eni_ids",
                    "personal",
                    "business",
                    "investing",
                    "three_i",
                    "deals",
                    "introductions",
                ],
            ),
            ("at", &["generated_at", "created_at"]),
            ("metadata", METADATA),
        ],
        leaves: VECTORS,
    },
    Shape {
        kind: Kind::Traces,
        names: &["reasoning_traces", "traces", "agent_traces"],
        stems: &["reasoning_trace"],
        needs: &[&["task"], &["trajectory", "outcome"]],
        by_columns: false,
        facts: &[
            ("id", &["id", "trace_id"]),
            ("task", &["task", "query", "problem", "question"]),
            ("trajectory", &["trajectory", "steps", "reasoning_steps", "actions"]),
            ("outcome", &["outcome", "result", "status"]),
            ("success", &["success", "is_success", "successful"]),
            ("at", CREATED),
            ("metadata", METADATA),
        ],
        leaves: VECTORS,
    },
    Shape {
        kind: Kind::Memories,
        names: &["memory_items", "memories", "reasoning_memories"],
        stems: &["memory_item"],
        needs: &[&["content"], &["trace", "title", "description", "tags"]],
        by_columns: false,
        facts: &[
            ("id", &["id", "memory_id", "item_id"]),
            ("trace", &["trace_id", "reasoning_trace_id", "source_trace_id"]),
            ("title", &["title", "name"]),
            ("description", &["description", "summary"]),
            ("content", &["content", "text", "memory"]),
            ("error", &["error_context"]),
            ("tags", &["pattern_tags", "tags"]),
            ("domain", &["domain_category", "domain", "category"]),
            ("at", CREATED),
            ("metadata", METADATA),
        ],
        leaves: VECTORS,
    },
];

/// Tables that only this program has: what holds them needs no import.
const OURS: [&str; 3] = ["deployment", "insight_groups", "finished_conversations"];

/// What a table holds, if it looks like something that is known.
pub(super) fn recognised(table: &Table) -> Option<&'static Shape> {
    let fits = SHAPES.iter().filter(|shape| shape.fits(table));
    fits.max_by_key(|shape| (shape.is_named(&table.name), shape.found(table)))
}

pub(super) fn is_ours(tables: &[Table]) -> bool {
    OURS.iter().all(|name| tables.iter().any(|table| table.name == *name))
}

impl Shape {
    /// The columns that a fact can stand in.
    pub(super) fn columns(&self, fact: &str) -> &'static [&'static str] {
        let found = self.facts.iter().find(|(name, _)| *name == fact);
        debug_assert!(self.has(fact), "{fact} is no fact of {:?}", self.kind);
        found.map_or(&[], |(_, columns)| columns)
    }

    /// The column of a table that a fact stands in, as it is spelt there.
    pub(super) fn column<'t>(&self, table: &'t Table, fact: &str) -> Option<&'t str> {
        self.columns(fact).iter().find_map(|name| table.column(name))
    }

    pub(super) fn has(&self, fact: &str) -> bool {
        self.facts.iter().any(|(name, _)| *name == fact)
    }

    pub(super) fn leaves(&self, column: &str) -> bool {
        self.leaves.contains(&column)
    }

    fn fits(&self, table: &Table) -> bool {
        (self.by_columns || self.is_named(&table.name))
            && self.needs.iter().all(|any| any.iter().any(|fact| self.column(table, fact).is_some()))
    }

    fn is_named(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.names.contains(&name.as_str()) || self.stems.iter().any(|stem| name.contains(stem))
    }

    fn found(&self, table: &Table) -> usize {
        self.facts.iter().filter(|(fact, _)| self.column(table, fact).is_some()).count()
    }
}
