//! The methods, each with the type of its parameters and of its result.
//!
//! One table, [`METHODS`], is the source of the names, of the JSON Schema and of the TypeScript.
//!
//! Parameters that may be left out are `Option`s, and null is the same as absence. Parameters that
//! are not known are ignored. Every length is checked by [`crate::params::read`].

mod conversation;
mod escalation;
mod insight;
mod knowledge;
mod memory;
mod message;
mod named;
mod report;
mod session;
mod staff;

use std::fmt::Debug;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

pub use conversation::{
    ConversationClose, ConversationList, ConversationListed, ConversationNow, ConversationRate, TurnCancel,
    TurnCancelled,
};
pub use escalation::{
    Contact, EscalationAssign, EscalationClaim, EscalationGet, EscalationGot, EscalationHeld, EscalationList,
    EscalationListed, EscalationNow, EscalationRelease, EscalationRequest, EscalationResolve,
    EscalationSubscribe, EscalationSubscribed,
};
pub use insight::{
    Direction, Insight, InsightBatchUpsert, InsightBatchUpserted, InsightCache, InsightCount, InsightCounted,
    InsightDelete, InsightDeleted, InsightDraft, InsightFailed, InsightField, InsightFields,
    InsightFieldsDraft, InsightFound, InsightGet, InsightGot, InsightHighlight, InsightHit, InsightList,
    InsightListed, InsightOrder, InsightSearch, InsightStats, InsightStatsNow, InsightUpsert,
    InsightUpserted, InsightValidate, InsightValidated, ProcessingFailure, ProcessingFailures,
    ProcessingStatus,
};
pub use knowledge::{
    ContentType, KnowledgeAdd, KnowledgeAdded, KnowledgeChunk, KnowledgeDelete, KnowledgeDeleted,
    KnowledgeDocument, KnowledgeEntry, KnowledgeFound, KnowledgeGet, KnowledgeGot, KnowledgeList,
    KnowledgeListed, KnowledgeSearch, KnowledgeStatus, KnowledgeStored, SearchMode,
};
pub use memory::{
    MemoriesOfDomain, Memory, MemoryAddTrace, MemoryCounts, MemoryDeleteTrace, MemoryFound, MemoryGetTrace,
    MemoryItem, MemoryQuery, MemoryStats, MemoryTraceAdded, MemoryTraceDeleted, MemoryTraceGot,
    NewMemoryItem, NewTrace, Trace, TraceOutcome, TracesByOutcome,
};
pub use message::{
    Durability, MessageFeedback, MessageList, MessageListed, MessageRead, MessageSend, MessageSent, Typing,
};
pub use report::{
    AgentState, Bucket, Csat, Interaction, InteractionList, InteractionListed, Metrics, MetricsCount,
    MetricsGet, MetricsPoint, Outcome, ProcessingTimes, RecordedStatus, RecordedStep, Times,
    WorkflowCheckpoint, WorkflowGet, WorkflowTrace, WorkflowTurn,
};
pub use session::{ServerInfo, SessionOpen, SessionOpened, SessionRefresh, SessionRefreshed, UserIdentity};
pub use staff::{
    CannedDelete, CannedDeleted, CannedList, CannedListed, CannedSave, CannedSaved, ConversationJoin,
    ConversationJoined, ConversationLeave, ConversationTakeover, NotesList, NotesListed, StaffPresence,
};

use crate::limits;
use crate::params::Params;
use crate::typescript::Declarations;

methods! {
    // variant           name                     over HTTP  params                result
    SessionOpen          "session.open"           true       SessionOpen           SessionOpened,
    SessionRefresh       "session.refresh"        false      SessionRefresh        SessionRefreshed,
    MessageSend          "message.send"           true       MessageSend           MessageSent,
    MessageList          "message.list"           true       MessageList           MessageListed,
    MessageRead          "message.read"           false      MessageRead           Empty,
    MessageFeedback      "message.feedback"       true       MessageFeedback       Empty,
    Typing               "typing"                 false      Typing                Empty,
    TurnCancel           "turn.cancel"            false      TurnCancel            TurnCancelled,
    EscalationRequest    "escalation.request"     true       EscalationRequest     EscalationNow,
    ConversationClose    "conversation.close"     true       ConversationClose     ConversationNow,
    ConversationRate     "conversation.rate"      true       ConversationRate      ConversationNow,
    ConversationList     "conversation.list"      true       ConversationList      ConversationListed,
    EscalationSubscribe  "escalation.subscribe"   false      EscalationSubscribe   EscalationSubscribed,
    EscalationList       "escalation.list"        true       EscalationList        EscalationListed,
    EscalationGet        "escalation.get"         true       EscalationGet         EscalationGot,
    EscalationClaim      "escalation.claim"       false      EscalationClaim       EscalationHeld,
    EscalationAssign     "escalation.assign"      false      EscalationAssign      EscalationHeld,
    EscalationRelease    "escalation.release"     false      EscalationRelease     EscalationHeld,
    EscalationResolve    "escalation.resolve"     false      EscalationResolve     EscalationHeld,
    ConversationJoin     "conversation.join"      false      ConversationJoin      ConversationJoined,
    ConversationLeave    "conversation.leave"     false      ConversationLeave     Empty,
    ConversationTakeover "conversation.takeover"  false      ConversationTakeover  ConversationNow,
    NotesList            "notes.list"             true       NotesList             NotesListed,
    CannedList           "canned.list"            true       CannedList            CannedListed,
    CannedSave           "canned.save"            true       CannedSave            CannedSaved,
    CannedDelete         "canned.delete"          true       CannedDelete          CannedDeleted,
    StaffPresence        "staff.presence"         false      StaffPresence         Empty,
    MemoryAddTrace       "memory.add_trace"       true       MemoryAddTrace        MemoryTraceAdded,
    MemoryQuery          "memory.query"           true       MemoryQuery           MemoryFound,
    MemoryGetTrace       "memory.get_trace"       true       MemoryGetTrace        MemoryTraceGot,
    MemoryDeleteTrace    "memory.delete_trace"    true       MemoryDeleteTrace     MemoryTraceDeleted,
    MemoryStats          "memory.stats"           true       MemoryStats           MemoryCounts,
    KnowledgeAdd         "knowledge.add"          true       KnowledgeAdd          KnowledgeAdded,
    KnowledgeSearch      "knowledge.search"       true       KnowledgeSearch       KnowledgeFound,
    KnowledgeList        "knowledge.list"         true       KnowledgeList         KnowledgeListed,
    KnowledgeGet         "knowledge.get"          true       KnowledgeGet          KnowledgeGot,
    KnowledgeDelete      "knowledge.delete"       true       KnowledgeDelete       KnowledgeDeleted,
    InsightUpsert        "insight.upsert"         true       InsightUpsert         InsightUpserted,
    InsightBatchUpsert   "insight.batch_upsert"   true       InsightBatchUpsert    InsightBatchUpserted,
    InsightValidate      "insight.validate"       true       InsightValidate       InsightValidated,
    InsightGet           "insight.get"            true       InsightGet            InsightGot,
    InsightList          "insight.list"           true       InsightList           InsightListed,
    InsightSearch        "insight.search"         true       InsightSearch         InsightFound,
    InsightCount         "insight.count"          true       InsightCount          InsightCounted,
    InsightStats         "insight.stats"          true       InsightStats          InsightStatsNow,
    InsightDelete        "insight.delete"         true       InsightDelete         InsightDeleted,
    MetricsGet           "metrics.get"            true       MetricsGet            Metrics,
    InteractionList      "interaction.list"       true       InteractionList       InteractionListed,
    WorkflowGet          "workflow.get"           true       WorkflowGet           WorkflowTrace,
}

/// Parameters that know which method they are for, and what it answers.
pub trait Call: Params + Serialize + PartialEq + Debug {
    const METHOD: Method;
    type Result: Serialize + for<'de> Deserialize<'de> + JsonSchema + TS;
}

/// What is done with the parameters of a method that is known only by name: [`Method::for_call`].
pub trait ForCall {
    type Output;
    fn with<T: Call>(self) -> Self::Output;
}

/// One row of the table of methods.
pub struct Entry {
    pub method: Method,
    pub(crate) params_schema: fn(&mut SchemaGenerator) -> Schema,
    pub(crate) result_schema: fn(&mut SchemaGenerator) -> Schema,
    /// Declares both types and gives their names.
    pub(crate) declare: fn(&mut Declarations) -> (String, String),
}

/// The result of what only takes effect.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, TS)]
#[ts(type = "Record<string, never>")]
pub struct Empty {}

/// How many rows a request for a list gets.
fn rows(limit: Option<u32>) -> usize {
    limit.unwrap_or(limits::LIST_DEFAULT) as usize
}

macro_rules! methods {
    ($($variant:ident $name:literal $http:literal $params:ident $result:ident,)*) => {
        /// A method of this protocol.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Method {
            $(#[doc = concat!("`", $name, "`")] $variant,)*
        }

        impl Method {
            /// The method that a call asks for, if there is one of that name.
            pub fn named(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)*
                    _ => None,
                }
            }

            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Does what is given with the type of this method's parameters.
            pub fn for_call<F: ForCall>(self, given: F) -> F::Output {
                match self {
                    $(Self::$variant => given.with::<$params>(),)*
                }
            }

            /// Whether `POST /rpc` takes it too.
            pub const fn over_http(self) -> bool {
                match self {
                    $(Self::$variant => $http,)*
                }
            }
        }

        $(impl Call for $params {
            const METHOD: Method = Method::$variant;
            type Result = $result;
        })*

        /// Every method, in the order of the contract.
        pub const METHODS: &[Entry] = &[$(Entry {
            method: Method::$variant,
            params_schema: |generator| generator.subschema_for::<$params>(),
            result_schema: |generator| generator.subschema_for::<$result>(),
            declare: |declarations| (declarations.add::<$params>(), declarations.add::<$result>()),
        },)*];
    };
}
use methods;
