//! Every statement of the program in one table: its file, the role that runs it, and the types of its parameters.
//!
//! Statements are never named on the wire, so that a transaction pooler may stand between.

use tokio_postgres::types::Type;

/// Who runs a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Sees only the workspaces that the transaction names.
    App,
    /// Finds out whose credential something is, before a workspace is known.
    Lookup,
}

impl Role {
    /// What opens a transaction of this role.
    pub const fn begin(self) -> &'static str {
        match self {
            Self::App => "BEGIN; SET LOCAL ROLE switchboard_app",
            Self::Lookup => "BEGIN; SET LOCAL ROLE switchboard_lookup",
        }
    }
}

#[derive(Debug)]
pub struct Statement {
    /// Its path under `sql/queries`, and its label in metrics.
    pub name: &'static str,
    pub sql: &'static str,
    pub role: Role,
    pub types: &'static [Type],
}

macro_rules! statements {
    ($($const:ident = $name:literal as $role:ident [$($type:ident),* $(,)?];)*) => {
        $(pub static $const: Statement = Statement {
            name: $name,
            sql: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/queries/", $name, ".sql")),
            role: Role::$role,
            types: &[$(Type::$type),*],
        };)*
        #[cfg(test)]
        static ALL: &[&Statement] = &[$(&$const),*];
    };
}

statements! {
    BATCH_BEGIN = "batch/begin" as App [UUID, INT8, TEXT];
    BATCH_SCOPE = "batch/scope" as App [TEXT];
    BATCH_IN_ORDER = "batch/in_order" as Lookup [];

    VISITORS_UPSERT = "users/upsert_visitors" as App [UUID_ARRAY, UUID_ARRAY, TEXT_ARRAY, BOOL_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, TEXT_ARRAY, JSONB_ARRAY, BYTEA_ARRAY, TIMESTAMPTZ_ARRAY];
    VISITORS_BY_RESUME = "users/by_resume" as Lookup [BYTEA_ARRAY];
    RESUME_USED = "users/resume_used" as Lookup [UUID];
    ACCOUNT_ADD = "users/add_account" as Lookup [UUID, TEXT, TEXT, TEXT];
    ACCOUNT_BY_EMAIL = "users/account_by_email" as Lookup [TEXT];
    ROLE_GRANT = "users/grant_role" as Lookup [UUID, UUID, TEXT];
    ACCOUNTS_LIST = "users/list_accounts" as Lookup [];
    ACCOUNT_REVOKE = "users/revoke_account" as Lookup [TEXT];
    ACCOUNT_SET_PASSWORD = "users/set_password" as Lookup [TEXT, TEXT, BOOL];
    ACCOUNTS_IMPORT = "users/import_accounts" as Lookup [UUID, JSONB];
    VISITORS_IMPORT = "users/import_visitors" as App [UUID, JSONB];

    WORKSPACE_ADD = "workspaces/add" as Lookup [UUID, TEXT, TEXT, TEXT, BOOL, TEXT_ARRAY];
    WORKSPACE_SET = "workspaces/set" as Lookup [TEXT, BOOL, TEXT_ARRAY, TEXT, BOOL, BOOL];
    WORKSPACES_LIST = "workspaces/list" as Lookup [];
    WORKSPACES_VISIBLE = "workspaces/visible" as App [];
    WORKSPACES_RUNNING = "workspaces/running" as Lookup [TEXT];

    KEY_ADD = "keys/add" as Lookup [UUID, UUID, TEXT, TEXT, BYTEA];
    KEY_BY_HASH = "keys/by_hash" as Lookup [BYTEA];
    KEYS_LIST = "keys/list" as Lookup [];
    KEYS_NAMED = "keys/named" as Lookup [TEXT];
    KEY_REVOKE = "keys/revoke" as Lookup [UUID];

    LOGIN_BEGIN = "logins/begin" as Lookup [UUID, UUID, UUID, TEXT, BYTEA, TIMESTAMPTZ];
    LOGIN_HOLD = "logins/hold" as Lookup [BYTEA];
    REFRESH_ROTATE = "logins/rotate" as Lookup [BYTEA, BYTEA, TIMESTAMPTZ, INT8];
    LOGIN_END = "logins/end" as Lookup [UUID];
    LOGIN_END_BY_TOKEN = "logins/end_by_token" as Lookup [BYTEA];
    LOGINS_END_OF_ACCOUNT = "logins/end_of_account" as Lookup [TEXT, TEXT, TEXT];
    LOGIN_STANDING = "logins/standing" as Lookup [UUID];
    LOGINS_FORGET = "logins/forget" as Lookup [];
    CREDENTIALS_WORKING = "credentials/working" as Lookup [UUID_ARRAY];

    NODE_CLAIM = "nodes/claim" as Lookup [UUID];
    NODE_STANDING = "nodes/standing" as Lookup [UUID];
    NODE_HEARTBEAT = "nodes/heartbeat" as Lookup [UUID, INT8, TIMESTAMPTZ];
    LOG_EPOCH = "deployment/log_epoch" as Lookup [];
    NEW_LOG_EPOCH = "deployment/new_epoch" as Lookup [];
    AUDIT_ADD = "audit/add" as Lookup [UUID, UUID, TEXT, TEXT, TEXT, JSONB];
    // The same, for what is changed within a workspace.
    AUDIT_NOTE = "audit/add" as App [UUID, UUID, TEXT, TEXT, TEXT, JSONB];
    FOREIGN_COLUMNS = "foreign/columns" as Lookup [TEXT];
    FOREIGN_KEYS = "foreign/keys" as Lookup [TEXT];
    SERVER_FACTS = "server/facts" as Lookup [];
    SERVER_PROTECTION = "server/protection" as Lookup [];

    CONVERSATIONS_ADVANCE = "conversations/advance" as App [UUID_ARRAY, UUID_ARRAY, UUID_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY, INT2_ARRAY, TEXT_ARRAY,
        INT8_ARRAY, INT8_ARRAY, UUID_ARRAY, JSONB_ARRAY, TIMESTAMPTZ_ARRAY, TIMESTAMPTZ_ARRAY];
    CONVERSATIONS_FIND = "conversations/find" as App [UUID_ARRAY, UUID_ARRAY, TEXT_ARRAY];
    CONVERSATIONS_OF_VISITOR = "conversations/list_of_visitor" as App [UUID, UUID, INT8];
    CONVERSATIONS_OF_WORKSPACE = "conversations/list_of_staff" as App [UUID, UUID, TEXT, UUID, TEXT, INT8, UUID];
    CONVERSATIONS_MARK_READ = "conversations/mark_read" as App [UUID_ARRAY, INT8_ARRAY, INT8_ARRAY];
    CONVERSATIONS_STANDING = "conversations/standing" as App [UUID_ARRAY];
    CONVERSATIONS_IMPORT = "conversations/import" as App [UUID, UUID_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY, INT2_ARRAY, TEXT_ARRAY, INT8_ARRAY,
        JSONB_ARRAY, TIMESTAMPTZ_ARRAY, TIMESTAMPTZ_ARRAY];
    CONVERSATIONS_KNOWN = "conversations/known" as App [UUID, UUID_ARRAY];

    MESSAGES_INSERT = "messages/insert" as App [UUID_ARRAY, INT8_ARRAY, UUID_ARRAY, UUID_ARRAY, UUID_ARRAY,
        TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, JSONB_ARRAY, JSONB_ARRAY, JSONB_ARRAY,
        TIMESTAMPTZ_ARRAY];
    MESSAGES_STANDING = "messages/standing" as App [UUID_ARRAY, UUID_ARRAY, INT8_ARRAY];
    MESSAGES_NEWEST = "messages/newest" as App [UUID_ARRAY, INT8_ARRAY, INT8_ARRAY, INT8];
    MESSAGES_OLDEST = "messages/oldest" as App [UUID, INT8, INT8, INT8];
    MESSAGES_FEEDBACK = "messages/feedback" as App [UUID, UUID, BOOL, TEXT];
    MESSAGES_IMPORT = "messages/import" as App [UUID, UUID_ARRAY, INT8_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY,
        UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, JSONB_ARRAY, TIMESTAMPTZ_ARRAY];
    MESSAGES_FORGET_UNOPENED = "messages/forget_unopened" as App [UUID, UUID, INT8];
    MESSAGES_EXAMINE = "messages/examine" as App [UUID, INT8, INT8];

    // What an export reads: a page behind an id and a place.
    USERS_EXPORT = "users/export" as Lookup [UUID, TEXT, INT8];
    WORKSPACES_EXPORT = "workspaces/export" as Lookup [UUID, TEXT, INT8];
    AUDIT_EXPORT = "audit/export" as Lookup [UUID, TEXT, INT8];
    CONVERSATIONS_EXPORT = "conversations/export" as App [UUID, TEXT, INT8];
    MESSAGES_EXPORT = "messages/export" as App [UUID, TEXT, INT8];
    FEEDBACK_EXPORT = "messages/export_feedback" as App [UUID, TEXT, INT8];
    NOTES_EXPORT = "notes/export" as App [UUID, TEXT, INT8];
    ESCALATIONS_EXPORT = "escalations/export" as App [UUID, TEXT, INT8];
    INTERACTIONS_EXPORT = "interactions/export" as App [UUID, TEXT, INT8];
    WORKFLOWS_EXPORT = "workflow/export" as App [UUID, TEXT, INT8];
    AGENT_STATES_EXPORT = "turns/export_agents" as App [UUID, TEXT, INT8];
    TURN_STEPS_EXPORT = "turns/export_steps" as App [UUID, TEXT, INT8];
    CANNED_EXPORT = "canned/export" as App [UUID, TEXT, INT8];
    KNOWLEDGE_EXPORT = "knowledge/export" as App [UUID, TEXT, INT8];
    INSIGHTS_EXPORT = "insights/export" as App [UUID, TEXT, INT8];
    MEMORY_EXPORT = "memory/export" as App [UUID, TEXT, INT8];

    ESCALATIONS_INSERT = "escalations/insert" as App [UUID_ARRAY, UUID_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, JSONB_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, JSONB_ARRAY, TEXT_ARRAY, INT2_ARRAY, UUID_ARRAY,
        TEXT_ARRAY, TIMESTAMPTZ_ARRAY, TIMESTAMPTZ_ARRAY];
    ESCALATIONS_IMPORT = "escalations/import" as App [UUID, JSONB];
    ESCALATIONS_ORDER = "escalations/order" as App [UUID_ARRAY];
    ESCALATIONS_ADVANCE = "escalations/advance" as App [UUID_ARRAY, UUID_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, TIMESTAMPTZ_ARRAY];
    ESCALATION_GET = "escalations/get" as App [UUID, UUID];
    ESCALATIONS_LIST = "escalations/list" as App [UUID, TEXT_ARRAY, TEXT, UUID, UUID, INT8];
    ESCALATIONS_HEAD = "escalations/head" as App [UUID];
    ESCALATIONS_CHANGES = "escalations/changes" as App [UUID, INT8, INT8];
    ESCALATIONS_WAITING = "escalations/waiting" as Lookup [];
    ESCALATIONS_LEFT = "escalations/left" as Lookup [TIMESTAMPTZ];
    INTERACTIONS_TRACES = "interactions/traces" as App [UUID, UUID, INT8];
    AUDIT_RECORD = "audit/record" as App [UUID_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, JSONB_ARRAY,
        TIMESTAMPTZ_ARRAY];

    NOTE_ADD = "notes/add" as App [UUID, UUID, UUID, UUID, UUID, TEXT, TEXT, JSONB, JSONB, TIMESTAMPTZ];
    NOTE_KNOWN = "notes/known" as App [UUID, UUID, UUID];
    NOTES_LIST = "notes/list" as App [UUID, UUID, INT8, INT8];

    CANNED_LIST = "canned/list" as App [UUID];
    CANNED_SAVE = "canned/save" as App [UUID, UUID, TEXT, TEXT, TIMESTAMPTZ, UUID, TEXT];
    CANNED_NAMED = "canned/named" as App [UUID, TEXT];
    CANNED_DELETE = "canned/delete" as App [UUID, UUID, UUID, TEXT];

    STAFF_PERSON = "staff/person" as Lookup [UUID, UUID];
    STAFF_SET_PRESENCE = "staff/set_presence" as App [UUID, UUID, TEXT, TEXT, INT4, INT4, UUID, TIMESTAMPTZ];
    STAFF_PRESENT = "staff/present" as App [UUID];
    STAFF_FREEST = "staff/freest" as App [UUID];
    STAFF_FORGET_NODE = "staff/forget_node" as Lookup [UUID];

    WORKFLOW_SAVE = "workflow/save" as App [UUID_ARRAY, UUID_ARRAY, TEXT_ARRAY, INT8_ARRAY, TEXT_ARRAY, TEXT_ARRAY,
        UUID_ARRAY, INT8_ARRAY, INT8_ARRAY, TIMESTAMPTZ_ARRAY, INT2_ARRAY, JSONB_ARRAY, TIMESTAMPTZ_ARRAY];
    WORKFLOWS_IMPORT = "workflow/import" as App [UUID, JSONB];
    WORKFLOW_OPEN = "workflow/open" as Lookup [UUID];
    TURN_STEPS_SAVE = "turns/save_steps" as App [UUID_ARRAY, INT8_ARRAY, TEXT_ARRAY, UUID_ARRAY, TEXT_ARRAY,
        TIMESTAMPTZ_ARRAY, INT8_ARRAY, JSONB_ARRAY];
    TURN_STEPS = "turns/steps" as App [UUID, INT8];
    AGENT_STATES_SAVE = "turns/save_agents" as App [UUID_ARRAY, TEXT_ARRAY, UUID_ARRAY, INT8_ARRAY, JSONB_ARRAY,
        TIMESTAMPTZ_ARRAY];
    INTERACTIONS_INSERT = "interactions/insert" as App [UUID_ARRAY, UUID_ARRAY, UUID_ARRAY, INT8_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, FLOAT4_ARRAY, TEXT_ARRAY, BOOL_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, TEXT_ARRAY, INT8_ARRAY, JSONB_ARRAY, TIMESTAMPTZ_ARRAY];
    AGENT_STATES_IMPORT = "turns/import_agents" as App [UUID, JSONB];
    INTERACTIONS_IMPORT = "interactions/import" as App [UUID, JSONB];
    OUTBOX_INSERT = "outbox/insert" as App [UUID_ARRAY, UUID_ARRAY, TEXT_ARRAY, UUID_ARRAY, JSONB_ARRAY,
        TIMESTAMPTZ_ARRAY];
    OUTBOX_SPREAD = "outbox/spread" as App [TIMESTAMPTZ, INT8];
    OUTBOX_CLAIM = "outbox/claim" as App [TIMESTAMPTZ, INT8, INT8, TIMESTAMPTZ, UUID_ARRAY, UUID];
    OUTBOX_RELEASE = "outbox/release" as App [UUID, TIMESTAMPTZ];
    OUTBOX_SETTLE = "outbox/settle" as App [UUID, UUID, UUID, TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ, TEXT];
    OUTBOX_STANDING = "outbox/standing" as App [INT8];
    OUTBOX_DEAD = "outbox/dead" as App [INT8];
    OUTBOX_REPLAY = "outbox/replay" as App [UUID, TIMESTAMPTZ, INT8];
    WEBHOOK_ADD = "webhooks/add" as App [UUID, UUID, TEXT, TEXT, TEXT, TEXT_ARRAY, INT8, TIMESTAMPTZ];
    WEBHOOKS_LIST = "webhooks/list" as App [];
    WEBHOOK_GET = "webhooks/get" as App [UUID];
    WEBHOOK_ENABLE = "webhooks/enable" as App [UUID, BOOL];
    WEBHOOK_REMOVE = "webhooks/remove" as App [UUID];

    UPKEEP_NEEDIEST = "upkeep/neediest" as Lookup [BOOL];

    REPORTS_COUNT = "reports/count" as App [INT8];
    REPORTS_FIRST_RESPONSES = "reports/first_responses" as App [UUID, TEXT, TEXT_ARRAY, TIMESTAMPTZ_ARRAY, TIMESTAMPTZ_ARRAY];
    REPORTS_NAMES = "reports/names" as App [UUID, TEXT, TEXT_ARRAY, TIMESTAMPTZ_ARRAY, TIMESTAMPTZ_ARRAY];
    REPORTS_SERIES = "reports/series" as App [UUID, TEXT, TEXT, TIMESTAMPTZ, TIMESTAMPTZ];
    REPORTS_CLAIMS = "reports/claims" as App [UUID, TEXT, TIMESTAMPTZ, TIMESTAMPTZ];
    REPORTS_STANDING = "reports/standing" as App [UUID, TEXT, UUID, UUID];
    INTERACTIONS_LIST = "interactions/list" as App [UUID, TEXT, TEXT, TEXT, TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ, UUID,
        INT8];
    WORKFLOW_GET = "workflow/get" as App [UUID, UUID];
    AGENT_STATES = "turns/agents" as App [UUID, UUID];
    TURN_STEPS_LATEST = "turns/latest" as App [UUID, UUID, INT8];

    MEMORY_ADVANCE = "memory/advance" as App [UUID];
    MEMORY_STAMP = "memory/stamp" as App [UUID];
    MEMORY_ADD_TRACES = "memory/add_traces" as App [UUID, UUID_ARRAY, TEXT_ARRAY, JSONB_ARRAY, TEXT_ARRAY, JSONB_ARRAY,
        TIMESTAMPTZ_ARRAY];
    MEMORY_ADD_ITEMS = "memory/add_items" as App [UUID, UUID_ARRAY, INT4_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, JSONB_ARRAY, JSONB_ARRAY, TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY, INT4_ARRAY, TEXT_ARRAY, FLOAT4_ARRAY, INT4];
    MEMORY_KNOWN = "memory/known" as App [UUID, UUID_ARRAY];
    MEMORY_GET = "memory/get" as App [UUID, UUID];
    MEMORY_ITEMS = "memory/items" as App [UUID, UUID];
    MEMORY_DELETE = "memory/delete" as App [UUID, UUID];
    MEMORY_DELETE_ITEMS = "memory/delete_items" as App [UUID, UUID];
    MEMORY_COUNTS = "memory/counts" as App [UUID];
    MEMORY_TOTAL = "memory/total" as App [UUID];
    MEMORY_VERSIONS = "memory/versions" as App [UUID, UUID, INT8];
    MEMORY_PIECES = "memory/pieces" as App [UUID, UUID_ARRAY, UUID, INT4, INT8, BOOL];
    MEMORY_AT = "memory/at" as App [UUID, UUID_ARRAY, INT4_ARRAY];
    MEMORY_INDEXED = "memory/indexed" as App [];
    MEMORY_NEAREST = "memory/nearest" as App [UUID, FLOAT4_ARRAY, BOOL, TEXT, TEXT_ARRAY, BOOL, INT8];
    MEMORY_WAITING = "memory/waiting" as App [INT8];
    MEMORY_COUNT_WAITING = "memory/count_waiting" as App [INT8];
    MEMORY_EMBED = "memory/embed" as App [UUID, UUID_ARRAY, INT4_ARRAY, TEXT_ARRAY, TEXT, FLOAT4_ARRAY, INT4];
    MEMORY_FINISHED = "memory/finished" as Lookup [UUID, INT8];
    MEMORY_CONVERSATION = "memory/conversation" as App [UUID, UUID];
    MEMORY_SAID = "memory/said" as App [UUID, UUID, INT8];
    MEMORY_DECIDED = "memory/decided" as App [UUID, UUID, INT8];
    MEMORY_ASKED = "memory/asked" as App [UUID, UUID, INT8];
    MEMORY_LEARN_TRACE = "memory/learn_trace" as App [UUID, UUID, UUID, TEXT, JSONB, TEXT, JSONB, TIMESTAMPTZ];
    MEMORY_LEARN_ITEMS = "memory/learn_items" as App [UUID, UUID, INT4_ARRAY, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, JSONB_ARRAY, JSONB_ARRAY, TEXT_ARRAY, TEXT_ARRAY, UUID_ARRAY];
    MEMORY_TRIM_ITEMS = "memory/trim_items" as App [UUID, UUID, INT4];
    MEMORY_LEARNED = "memory/learned" as App [UUID, UUID, INT8];
    MEMORY_LEARNS = "memory/learns" as App [UUID];
    DISTIL_LATER = "distillations/later" as App [UUID, UUID];
    DISTIL_WAITING = "distillations/waiting" as Lookup [UUID, INT8];
    DISTIL_TAKE = "distillations/take" as App [UUID, UUID, TIMESTAMPTZ, INT8, INT8];
    MEMORY_FORGET = "memory/forget" as App [UUID, UUID_ARRAY, TEXT];

    PEOPLE_FIND = "people/find" as App [UUID, TEXT];
    PERSON_PROFILE = "people/profile" as App [UUID, UUID];
    PERSON_CONVERSATIONS = "people/conversations" as App [UUID, UUID, UUID, INT8];
    PERSON_AROUND = "people/around" as App [UUID, UUID];
    PERSON_SAID = "people/said" as App [UUID, UUID, INT8, INT8];
    PERSON_TURNS = "people/turns" as App [UUID, UUID, INT8, INT8];
    PERSON_REMEMBERED = "people/remembered" as App [UUID, UUID, UUID, INT8];
    PERSON_CONTACTS = "people/contacts" as App [UUID, UUID];
    PERSON_INSIGHTS = "people/insights" as App [UUID, TEXT_ARRAY];
    PERSON_FORGET_LEARNED = "people/forget_learned" as App [UUID, UUID, INT8];
    PERSON_FORGET_SAID = "people/forget_said" as App [UUID, UUID, INT8];
    PERSON_FORGET_STEPS = "people/forget_steps" as App [UUID, UUID, INT8];
    PERSON_FORGET_TURNS = "people/forget_turns" as App [UUID, UUID, INT8];
    PERSON_FORGET_CONVERSATION = "people/forget_conversation" as App [UUID, UUID];
    PERSON_FORGET_VISITOR = "people/forget_visitor" as App [UUID, UUID];

    RETENTION_COUNT = "retention/count" as App [TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ, TIMESTAMPTZ];
    RETENTION_COUNT_AUDIT = "retention/count_audit" as Lookup [TIMESTAMPTZ];
    RETENTION_CONVERSATION_MESSAGES = "retention/conversation_messages" as App [TIMESTAMPTZ, INT8];
    RETENTION_CONVERSATION_NOTES = "retention/conversation_notes" as App [TIMESTAMPTZ, INT8];
    RETENTION_CONVERSATION_FEEDBACK = "retention/conversation_feedback" as App [TIMESTAMPTZ, INT8];
    RETENTION_CONVERSATION_STEPS = "retention/conversation_steps" as App [TIMESTAMPTZ, INT8];
    RETENTION_CONVERSATION_INTERACTIONS = "retention/conversation_interactions" as App [TIMESTAMPTZ, INT8];
    RETENTION_CONVERSATION_ESCALATIONS = "retention/conversation_escalations" as App [TIMESTAMPTZ, INT8];
    RETENTION_CONVERSATIONS = "retention/conversations" as App [TIMESTAMPTZ, INT8];
    RETENTION_TURN_STEPS = "retention/turn_steps" as App [TIMESTAMPTZ, INT8];
    RETENTION_INTERACTIONS = "retention/interactions" as App [TIMESTAMPTZ, INT8];
    RETENTION_OUTBOX = "retention/outbox" as App [TIMESTAMPTZ, INT8];
    RETENTION_FAILURES = "retention/processing_failures" as App [TIMESTAMPTZ, INT8];
    RETENTION_AUDIT_LOG = "retention/audit_log" as Lookup [TIMESTAMPTZ, INT8];
    RETENTION_DROP_MESSAGES = "retention/drop_messages" as App [UUID_ARRAY, INT8_ARRAY];
    RETENTION_DROP_NOTES = "retention/drop_notes" as App [UUID_ARRAY, INT8_ARRAY];
    RETENTION_DROP_FEEDBACK = "retention/drop_feedback" as App [UUID_ARRAY, TEXT_ARRAY];
    RETENTION_DROP_STEPS = "retention/drop_steps" as App [UUID_ARRAY, INT8_ARRAY, TEXT_ARRAY];
    RETENTION_DROP_INTERACTIONS = "retention/drop_interactions" as App [UUID_ARRAY];
    RETENTION_DROP_ESCALATIONS = "retention/drop_escalations" as App [UUID_ARRAY];
    RETENTION_DROP_CONVERSATIONS = "retention/drop_conversations" as App [UUID_ARRAY];
    RETENTION_DROP_OUTBOX = "retention/drop_outbox" as App [UUID_ARRAY];
    RETENTION_DROP_FAILURES = "retention/drop_processing_failures" as App [UUID_ARRAY];
    RETENTION_DROP_AUDIT = "retention/drop_audit" as Lookup [UUID_ARRAY];
    FAILURES_RECORD = "failures/record" as App [UUID, TEXT, TIMESTAMPTZ, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY];
    FAILURES_TRIM = "failures/trim" as App [UUID, INT8];
    FAILURES_MEND = "failures/mend" as App [UUID, TEXT, TEXT_ARRAY];
    FAILURES_MEND_BENEATH = "failures/mend_beneath" as App [UUID, TEXT, TIMESTAMPTZ];
    FAILURES_STANDING = "failures/standing" as App [UUID, INT8];
    INSIGHTS_UPSERT = "insights/upsert" as App [UUID, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY,
        INT8_ARRAY, INT8_ARRAY, JSONB_ARRAY, TEXT_ARRAY, TIMESTAMPTZ_ARRAY, JSONB_ARRAY, BOOL_ARRAY, BOOL];
    INSIGHTS_UNINDEXED = "insights/unindexed" as App [UUID, INT8];
    INSIGHTS_UNINDEXED_WORKSPACES = "insights/unindexed_workspaces" as App [];
    INSIGHTS_INDEX = "insights/index" as App [UUID, INT8_ARRAY, TEXT_ARRAY, TIMESTAMPTZ_ARRAY, INT8_ARRAY, INT8_ARRAY,
        INT4_ARRAY];
    INSIGHTS_TAKEN = "insights/taken" as App [UUID, TEXT_ARRAY, TEXT_ARRAY];
    INSIGHTS_GET = "insights/get" as App [UUID, TEXT_ARRAY];
    INSIGHTS_LIST = "insights/list" as App [UUID, TEXT, TEXT, TEXT, TIMESTAMPTZ, TEXT, TEXT, INT8, INT8];
    INSIGHTS_FIND = "insights/find" as App [UUID, INT8_ARRAY, INT4, INT4_ARRAY, INT8, INT8, TIMESTAMPTZ, TEXT, INT8];
    INSIGHTS_COUNT = "insights/count" as App [UUID, TEXT, TEXT];
    INSIGHTS_COUNTS = "insights/counts" as App [UUID];
    INSIGHTS_COUNT_UPDATED = "insights/count_updated" as App [UUID, TIMESTAMPTZ];
    INSIGHTS_HOLD = "insights/hold" as App [UUID, TEXT];
    INSIGHTS_MARK = "insights/mark" as App [UUID, UUID, TEXT, TEXT];
    INSIGHTS_UNMARK = "insights/unmark" as App [UUID, TEXT];
    INSIGHTS_FORGET = "insights/forget" as App [UUID, TEXT_ARRAY];
    INSIGHTS_DELETE = "insights/delete" as App [UUID, TEXT, UUID, TEXT];
    SYNCS_ASK = "syncs/ask" as App [UUID, UUID, TEXT, TEXT, BOOL, TEXT, INT4, INT8];
    SYNCS_ASK_DUE = "syncs/ask_due" as App [UUID, UUID, TEXT, TEXT, INT4, INT4];
    SYNCS_NEXT = "syncs/next" as App [UUID, TEXT];
    SYNCS_BEGIN = "syncs/begin" as App [UUID, UUID];
    SYNCS_WALK = "syncs/walk" as App [UUID, TEXT, TIMESTAMPTZ, INT8];
    SYNCS_ADVANCE = "syncs/advance" as App [UUID, UUID, TEXT, TEXT, INT8, INT8, INT8, INT8, UUID, TEXT_ARRAY, TEXT_ARRAY,
        INT8];
    SYNCS_FINISH = "syncs/finish" as App [UUID, UUID, TEXT, UUID];
    SYNCS_STOP = "syncs/stop" as App [UUID, UUID, TEXT, UUID, TEXT];
    SYNCS_STATUS = "syncs/status" as App [UUID, UUID];
    SYNCS_FAILURES = "syncs/failures" as App [UUID, UUID, INT8];
    SYNCS_PRUNE = "syncs/prune" as App [UUID];
    SYNCS_TAKE_TURN = "syncs/take_turn" as App [UUID, TEXT, UUID, FLOAT8];
    SYNCS_LEAVE_TURN = "syncs/leave_turn" as App [UUID, TEXT, UUID];
    KNOWLEDGE_STAMP = "knowledge/stamp" as App [UUID];
    KNOWLEDGE_ADVANCE = "knowledge/advance" as App [UUID];
    KNOWLEDGE_PUT = "knowledge/put" as App [UUID, TIMESTAMPTZ, UUID_ARRAY, TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY,
        TEXT_ARRAY, TEXT_ARRAY, TEXT_ARRAY, JSONB_ARRAY, BYTEA_ARRAY, UUID_ARRAY, INT4_ARRAY, TEXT_ARRAY, TEXT_ARRAY,
        BYTEA_ARRAY];
    KNOWLEDGE_DELETE = "knowledge/delete" as App [UUID, UUID_ARRAY];
    KNOWLEDGE_LIST = "knowledge/list" as App [UUID, UUID, TEXT, TEXT, INT8];
    KNOWLEDGE_GET = "knowledge/get" as App [UUID, UUID];
    KNOWLEDGE_IMPORTED = "knowledge/imported" as App [UUID, TEXT, TEXT, INT8];
    KNOWLEDGE_VERSIONS = "knowledge/versions" as App [UUID, UUID, INT8];
    KNOWLEDGE_CHUNKS = "knowledge/chunks" as App [UUID, UUID_ARRAY, UUID, INT4, INT8, BOOL];
    KNOWLEDGE_AT = "knowledge/at" as App [UUID, UUID_ARRAY, INT4_ARRAY];
    KNOWLEDGE_WAITING = "knowledge/waiting" as App [INT8];
    KNOWLEDGE_COUNT_WAITING = "knowledge/count_waiting" as App [INT8];
    KNOWLEDGE_EMBED = "knowledge/embed" as App [UUID, UUID_ARRAY, INT4_ARRAY, BYTEA_ARRAY, TEXT, FLOAT4_ARRAY, INT4,
        BYTEA_ARRAY];
    KNOWLEDGE_FORGET = "knowledge/forget" as App [UUID, UUID_ARRAY, TEXT];
    KNOWLEDGE_SETTLE = "knowledge/settle" as App [UUID, UUID_ARRAY];
    KNOWLEDGE_INDEXED = "knowledge/indexed" as App [];
    KNOWLEDGE_WALK_INDEX = "knowledge/walk_index" as App [];
    KNOWLEDGE_NEAREST = "knowledge/nearest" as App [UUID, FLOAT4_ARRAY, TEXT_ARRAY, BOOL, INT8];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};

    use super::super::{Database, Options, Source, migrate};
    use super::*;

    fn sql() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql")
    }

    fn files(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, names);
            } else {
                let name = path.strip_prefix(sql().join("queries")).unwrap().with_extension("");
                names.insert(name.to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_is_a_statement_of_the_table() {
        let mut names = BTreeSet::new();
        files(&sql().join("queries"), &mut names);
        let listed: BTreeSet<_> = ALL.iter().map(|statement| statement.name.to_owned()).collect();
        assert_eq!(names, listed);
    }

    /// tokio-postgres checks nothing at compile time: so each statement is prepared against the migrated schema,
    /// as the role that runs it, and the types that the database sees are compared with those on record.
    #[tokio::test(flavor = "multi_thread")]
    async fn every_statement_is_prepared_and_its_types_are_on_record() {
        let folder = tempfile::tempdir().unwrap();
        let options = Options { fsync: false, ..Options::default() };
        let database = Database::start(&Source::Embedded, folder.path(), &options).await.unwrap();
        let mut client = database.connect().await.unwrap();
        migrate::up(&mut client).await.unwrap();
        let mut seen = String::new();
        for statement in ALL {
            client.batch_execute(statement.role.begin()).await.unwrap();
            let prepared = client
                .prepare_typed(statement.sql, statement.types)
                .await
                .unwrap_or_else(|error| panic!("{}: {error:?}", statement.name));
            client.batch_execute("ROLLBACK").await.unwrap();
            let types = |list: &[Type]| list.iter().map(Type::name).collect::<Vec<_>>().join(", ");
            let columns: Vec<_> = prepared
                .columns()
                .iter()
                .map(|column| format!("{} {}", column.name(), column.type_().name()))
                .collect();
            assert_eq!(prepared.params(), statement.types, "{}", statement.name);
            writeln!(
                seen,
                "{}\n  ({})\n  -> {}",
                statement.name,
                types(prepared.params()),
                columns.join(", ")
            )
            .unwrap();
        }
        drop(client);
        database.stop().await.unwrap();
        let record = sql().join("types.txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&record, &seen).unwrap();
        }
        assert_eq!(
            seen,
            std::fs::read_to_string(&record).unwrap_or_default(),
            "the types changed; if that is meant: UPDATE_GOLDEN=1 cargo test -p switchboard-server statement"
        );
    }
}
