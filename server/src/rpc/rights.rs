//! Which role may call which method. A new method does not compile until it has its row.

use switchboard_protocol::Method;

use crate::domain::visitor::Role;

/// Everyone who is somebody.
const ALL: &[Role] =
    &[Role::Visitor, Role::Member, Role::Service, Role::Staff, Role::Supervisor, Role::Admin];
/// Those whose own conversations these are.
const OWN: &[Role] = &[Role::Visitor, Role::Member];
/// Those who keep the desk.
const KEEPERS: &[Role] = &[Role::Service, Role::Staff, Role::Supervisor, Role::Admin];

/// People who work at the desk.
const STAFF: &[Role] = &[Role::Staff, Role::Supervisor, Role::Admin];

/// The roles that may call it; the published schema names them too.
pub const fn allowed(method: Method) -> &'static [Role] {
    match method {
        Method::SessionOpen | Method::MessageList => ALL,
        // An account refreshes at /api/auth/refresh, and opens again.
        Method::SessionRefresh => &[Role::Visitor],
        Method::MessageSend
        | Method::MessageRead
        | Method::MessageFeedback
        | Method::Typing
        | Method::TurnCancel
        | Method::EscalationRequest
        | Method::ConversationClose
        | Method::ConversationRate
        | Method::ConversationList => OWN,
        Method::KnowledgeAdd
        | Method::KnowledgeSearch
        | Method::KnowledgeList
        | Method::KnowledgeGet
        | Method::KnowledgeDelete
        | Method::WorkflowGet => KEEPERS,
        Method::MetricsGet | Method::InteractionList => STAFF,
    }
}
