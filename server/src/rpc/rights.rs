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

pub const fn allowed(method: Method) -> &'static [Role] {
    match method {
        Method::SessionOpen | Method::MessageList => ALL,
        Method::MessageSend | Method::MessageRead | Method::Typing | Method::ConversationList => SPEAKERS,
        Method::SessionRefresh
        | Method::MessageFeedback
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
        | Method::StaffPresence => STAFF,
        Method::KnowledgeAdd
        | Method::KnowledgeSearch
        | Method::KnowledgeList
        | Method::KnowledgeGet
        | Method::KnowledgeDelete => KEEPERS,
    }
}
