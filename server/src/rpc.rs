//! The methods of the protocol: what a request means, whoever carries it.
//!
//! Invariant: rights are looked up in one table before a method sees its parameters, and a conversation of another
//! workspace or visitor is not found.

mod consoles;
mod conversations;
mod escalations;
mod identify;
pub mod insights;
mod knowledge;
mod memory;
mod messages;
mod open;
mod reports;
pub mod rights;
mod staff;
pub mod wire;

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde_json::value::RawValue;
use switchboard_protocol::ids::{ConversationId, Epoch, VisitorId};
use switchboard_protocol::methods::{ServerInfo, SessionRefresh, SessionRefreshed};
use switchboard_protocol::{Method, RequestId, RpcError, params, response};
use uuid::Uuid;

pub use self::consoles::Consoles;
use self::open::Beginning;
use crate::access::directory::Directory;
use crate::access::limits::Buckets;
use crate::access::logins::Logins;
use crate::access::token::{Opened, Tokens};
use crate::access::{Caller, Keyring};
use crate::domain::clock::Timestamp;
use crate::domain::conversation::Person;
use crate::domain::visitor::Role;
use crate::escalation::{Console, People, Presences};
use crate::reports::Pace;
use crate::search::Knowledge;
use crate::session::event::Listener;
use crate::session::{ConnectionId, Registry, Room};
use crate::store::StoreError;
use crate::sync::Syncs;

/// Everything that a request may need.
pub struct Desk {
    pub registry: Registry,
    pub people: People,
    pub presences: Presences,
    pub consoles: Consoles,
    pub directory: Directory,
    pub logins: Logins,
    pub tokens: Tokens,
    pub keyring: Keyring,
    pub epoch: Epoch,
    pub knowledge: Knowledge,
    pub pace: Pace,
    pub syncs: Syncs,
    pub info: ServerInfo,
    /// Off for load tests only.
    pub limits: bool,
    pub new_visitors: Buckets<IpAddr>,
    pub requests_over_http: Buckets<VisitorId>,
}

/// Where a request comes from, as its transport knows it.
#[derive(Clone, Debug)]
pub struct Peer {
    pub address: IpAddr,
    pub origin: Option<Box<str>>,
    pub host: Option<Box<str>>,
}

/// Who is on a transport, once something was opened.
#[derive(Clone)]
pub struct Standing {
    pub caller: Caller,
    /// Who that is to others, where it is somebody of the staff.
    pub person: Option<Person>,
    /// The conversation that was opened; nothing for staff and services that named none.
    pub room: Option<Arc<Room>>,
    pub opened: Option<Opened>,
    /// When the token runs out; a key does not.
    pub expires_at: Option<Timestamp>,
}

impl Caller {
    /// Of another workspace or another visitor is not found.
    fn may_see(&self, room: &Room) -> bool {
        // What nobody has acted in yet is its visitor's alone.
        let is_theirs = if self.is_visitor() { room.visitor_id() == self.id } else { room.view().stored };
        room.workspace() == self.workspace && is_theirs
    }
}

impl Standing {
    /// The key or log-in that this is the standing of, which may be revoked; a visitor's token runs out instead.
    pub fn credential(&self) -> Option<Uuid> {
        match self.caller.login {
            Some(login) => Some(login.id.uuid()),
            None => self.expires_at.is_none().then(|| self.caller.id.uuid()),
        }
    }

    /// Who of the staff that is.
    fn myself(&self) -> Result<Person, RpcError> {
        let nobody = || RpcError::forbidden("You may not answer in this workspace any more.");
        self.person.clone().ok_or_else(nobody)
    }
}

impl Desk {
    /// Carries out any method but `session.open` and `message.send`, which need more of their transport.
    /// The answer is the whole response.
    #[expect(clippy::too_many_lines, reason = "a row a method")]
    pub async fn call(
        &self,
        standing: &Standing,
        line: Option<Arc<dyn Line>>,
        method: Method,
        id: &RequestId,
        raw: Option<&RawValue>,
    ) -> Result<String, RpcError> {
        let standing = &*may(standing, method)?;
        match method {
            Method::MessageList => Ok(response(id, &self.list_messages(standing, params::read(raw)?).await?)),
            Method::MessageRead => Ok(response(id, &self.read_message(standing, params::read(raw)?).await?)),
            Method::MessageFeedback => Ok(response(id, &self.feedback(standing, params::read(raw)?).await?)),
            Method::Typing => {
                Ok(response(id, &self.typing(standing, line.as_deref(), params::read(raw)?).await?))
            }
            Method::TurnCancel => Ok(response(id, &self.cancel_turn(standing, params::read(raw)?).await?)),
            Method::EscalationRequest => {
                Ok(response(id, &self.request_escalation(standing, params::read(raw)?).await?))
            }
            Method::ConversationClose => {
                Ok(response(id, &self.close_conversation(standing, params::read(raw)?).await?))
            }
            Method::ConversationRate => {
                Ok(response(id, &self.rate_conversation(standing, params::read(raw)?).await?))
            }
            Method::ConversationList => {
                Ok(response(id, &self.list_conversations(standing, params::read(raw)?).await?))
            }
            Method::EscalationSubscribe => {
                let line = on_a_socket(line)?;
                Ok(response(id, &self.subscribe(standing, line, params::read(raw)?).await?))
            }
            Method::EscalationList => {
                Ok(response(id, &self.list_escalations(standing, params::read(raw)?).await?))
            }
            Method::EscalationGet => {
                Ok(response(id, &self.get_escalation(standing, params::read(raw)?).await?))
            }
            Method::EscalationClaim => Ok(response(id, &self.claim(standing, params::read(raw)?).await?)),
            Method::EscalationAssign => Ok(response(id, &self.assign(standing, params::read(raw)?).await?)),
            Method::EscalationRelease => Ok(response(id, &self.release(standing, params::read(raw)?).await?)),
            Method::EscalationResolve => Ok(response(id, &self.resolve(standing, params::read(raw)?).await?)),
            Method::ConversationJoin => {
                let line = on_a_socket(line)?;
                Ok(response(id, &self.join(standing, line, params::read(raw)?).await?))
            }
            Method::ConversationLeave => {
                let line = on_a_socket(line)?;
                Ok(response(id, &self.leave(standing, &*line, params::read(raw)?).await?))
            }
            Method::ConversationTakeover => {
                Ok(response(id, &self.take_over(standing, params::read(raw)?).await?))
            }
            Method::NotesList => Ok(response(id, &self.list_notes(standing, params::read(raw)?).await?)),
            Method::CannedList => Ok(response(id, &self.list_canned(standing, params::read(raw)?).await?)),
            Method::CannedSave => Ok(response(id, &self.save_canned(standing, params::read(raw)?).await?)),
            Method::CannedDelete => {
                Ok(response(id, &self.delete_canned(standing, params::read(raw)?).await?))
            }
            Method::StaffPresence => {
                let line = on_a_socket(line)?;
                Ok(response(id, &self.set_presence(standing, &*line, params::read(raw)?).await?))
            }
            Method::MemoryAddTrace => Ok(response(id, &self.add_trace(standing, params::read(raw)?).await?)),
            Method::MemoryQuery => Ok(response(id, &self.query_memory(standing, params::read(raw)?).await?)),
            Method::MemoryGetTrace => Ok(response(id, &self.get_trace(standing, params::read(raw)?).await?)),
            Method::MemoryDeleteTrace => {
                Ok(response(id, &self.delete_trace(standing, params::read(raw)?).await?))
            }
            Method::MemoryStats => Ok(response(id, &self.count_memory(standing, params::read(raw)?).await?)),
            Method::KnowledgeAdd => {
                Ok(response(id, &self.add_knowledge(standing, params::read(raw)?).await?))
            }
            Method::KnowledgeSearch => {
                Ok(response(id, &self.search_knowledge(standing, params::read(raw)?).await?))
            }
            Method::KnowledgeList => {
                Ok(response(id, &self.list_knowledge(standing, params::read(raw)?).await?))
            }
            Method::KnowledgeGet => {
                Ok(response(id, &self.get_knowledge(standing, params::read(raw)?).await?))
            }
            Method::KnowledgeDelete => {
                Ok(response(id, &self.delete_knowledge(standing, params::read(raw)?).await?))
            }
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
            | Method::InsightSyncStatus => self.call_insight(standing, method, id, raw).await,
            Method::MetricsGet => Ok(response(id, &self.metrics(standing, params::read(raw)?).await?)),
            Method::InteractionList => {
                Ok(response(id, &self.list_interactions(standing, params::read(raw)?).await?))
            }
            Method::WorkflowGet => {
                Ok(response(id, &self.trace_workflow(standing, params::read(raw)?).await?))
            }
            Method::SessionOpen | Method::SessionRefresh | Method::MessageSend => {
                unreachable!("the transports carry these out themselves")
            }
        }
    }

    /// Who sends a request that comes without a socket.
    pub async fn standing(&self, credential: &str, workspace: Option<&str>) -> Result<Standing, RpcError> {
        let identified = self.caller(credential, workspace).await?;
        let person = self.person(&identified.caller).await?;
        Ok(Standing {
            caller: identified.caller,
            person,
            room: None,
            opened: identified.opened,
            expires_at: identified.expires_at,
        })
    }

    /// A fresh token for the visitor who holds this one.
    pub fn refresh(
        &self,
        standing: &Standing,
        raw: Option<&RawValue>,
    ) -> Result<(SessionRefreshed, Timestamp), RpcError> {
        let standing = &*may(standing, Method::SessionRefresh)?;
        let SessionRefresh { token } = params::read(raw)?;
        let checked = self.tokens.check(token.as_str()).map_err(identify::bad_token)?;
        if checked.caller.id != standing.caller.id || checked.caller.workspace != standing.caller.workspace {
            return Err(RpcError::unauthenticated("This token is somebody else's; open with it instead."));
        }
        let (token, expires_at) = self.tokens.issue(&checked.caller, checked.opened);
        Ok((SessionRefreshed { token: token.into(), expires_at: expires_at.into() }, expires_at))
    }

    /// The conversation, if this caller may know that it exists.
    pub async fn room(&self, standing: &Standing, id: ConversationId) -> Result<Arc<Room>, RpcError> {
        if let Some(room) = standing.room.as_ref().filter(|room| room.id() == id) {
            return Ok(room.clone());
        }
        let caller = &standing.caller;
        let found = self.registry.find(caller.workspace, id).await.map_err(wire::store_error)?;
        // One that has no row yet is proven by the token that it was opened with.
        let unwritten = standing.opened.as_ref().filter(|opened| found.is_none() && opened.id() == id);
        let found = found.or_else(|| {
            unwritten
                .map(|opened| self.begin(&Arc::new(identify::stranger(caller)), Beginning::again(opened)))
        });
        found.filter(|room| caller.may_see(room)).ok_or_else(|| RpcError::not_found("conversation"))
    }

    /// Who that is to others; visitors are known by their conversations.
    async fn person(&self, caller: &Caller) -> Result<Option<Person>, RpcError> {
        if caller.is_visitor() || caller.role == Role::Service {
            return Ok(None);
        }
        self.people.find(caller.workspace, caller.id.uuid()).await.map_err(wire::store_error)
    }

    /// Whether the database answers and its schema is current.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.registry.store().ping().await
    }
}

/// A socket, as methods see it that tell it something later.
pub trait Line: Listener + Console {
    fn id(&self) -> ConnectionId;
}

/// What these methods begin lasts as long as a socket does.
fn on_a_socket(line: Option<Arc<dyn Line>>) -> Result<Arc<dyn Line>, RpcError> {
    line.ok_or_else(|| RpcError::invalid_request("This method needs a socket."))
}

/// The standing in which somebody may call the method: their own or, where only a lesser one of their roles may, that
/// of this role. So who is staff and member rates their own conversations, and nobody else's.
pub fn may(standing: &Standing, method: Method) -> Result<Cow<'_, Standing>, RpcError> {
    let caller = &standing.caller;
    let allowed = rights::allowed(method);
    if allowed.contains(&caller.role) {
        return Ok(Cow::Borrowed(standing));
    }
    match caller.roles.iter().rev().find(|role| allowed.contains(role)) {
        Some(role) => {
            Ok(Cow::Owned(Standing { caller: caller.clone().acting(role), room: None, ..standing.clone() }))
        }
        None => Err(RpcError::forbidden(format!("Your role may not call {}.", method.name()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::LoggedIn;
    use crate::domain::mint;
    use crate::domain::visitor::Role;

    fn standing(roles: &[Role]) -> Standing {
        let login = LoggedIn { id: mint::id(), account: mint::id() };
        let caller = Caller::account(login, mint::id(), roles.iter().copied().collect()).unwrap();
        Standing { caller, person: None, room: None, opened: None, expires_at: None }
    }

    #[test]
    fn each_may_what_any_of_their_roles_may() {
        let both = standing(&[Role::Member, Role::Admin]);
        assert_eq!(may(&both, Method::KnowledgeAdd).unwrap().caller, both.caller);
        let rating = may(&both, Method::ConversationRate).unwrap();
        assert!(rating.caller.is_visitor() && rating.caller.id != both.caller.id);
        assert!(may(&standing(&[Role::Admin]), Method::ConversationRate).is_err());
        assert!(may(&standing(&[Role::Member]), Method::KnowledgeAdd).is_err());
    }
}
