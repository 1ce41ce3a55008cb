//! Which role may call which method. A new method does not compile until it has its row.

use switchboard_protocol::Method;

use crate::domain::visitor::Role;

/// Everyone who is somebody.
const ALL: &[Role] =
    &[Role::Visitor, Role::Member, Role::Service, Role::Staff, Role::Supervisor, Role::Admin];
/// Those whose own conversations these are.
const OWN: &[Role] = &[Role::Visitor, Role::Member];
/// Those who take part in a conversation.
const SPEAKERS: &[Role] = &[Role::Visitor, Role::Member, Role::Staff, Role::Supervisor, Role::Admin];
/// Those who answer.
const STAFF: &[Role] = &[Role::Staff, Role::Supervisor, Role::Admin];
/// Those who keep the desk.
const KEEPERS: &[Role] = &[Role::Service, Role::Staff, Role::Supervisor, Role::Admin];

/// The roles that may call it; the published schema names them too.
pub const fn allowed(method: Method) -> &'static [Role] {
    match method {
        Method::SessionOpen | Method::MessageList => ALL,
        // An account refreshes at /api/auth/refresh, and opens again.
        Method::SessionRefresh => &[Role::Visitor],
        Method::MessageSend | Method::MessageRead | Method::Typing | Method::ConversationList => SPEAKERS,
        Method::MessageFeedback
        | Method::TurnCancel
        | Method::EscalationRequest
        | Method::ConversationClose
        | Method::ConversationRate => OWN,
        Method::EscalationSubscribe
        | Method::EscalationList
        | Method::EscalationGet
        | Method::EscalationClaim
        | Method::EscalationAssign
        | Method::EscalationRelease
        | Method::EscalationResolve
        | Method::ConversationJoin
        | Method::ConversationLeave
        | Method::ConversationTakeover
        | Method::NotesList
        | Method::CannedList
        | Method::CannedSave
        | Method::CannedDelete
        | Method::StaffPresence
        | Method::MetricsGet
        | Method::InteractionList => STAFF,
        Method::InsightUpsert
        | Method::InsightBatchUpsert
        | Method::InsightValidate
        | Method::InsightGet
        | Method::InsightList
        | Method::InsightSearch
        | Method::InsightCount
        | Method::InsightStats
        | Method::InsightDelete
        | Method::InsightSync
        | Method::InsightSyncStatus
        | Method::MemoryAddTrace
        | Method::MemoryQuery
        | Method::MemoryGetTrace
        | Method::MemoryDeleteTrace
        | Method::MemoryStats
        | Method::KnowledgeAdd
        | Method::KnowledgeSearch
        | Method::KnowledgeList
        | Method::KnowledgeGet
        | Method::KnowledgeDelete
        | Method::WorkflowGet => KEEPERS,
    }
}
