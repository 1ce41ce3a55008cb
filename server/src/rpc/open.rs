//! The second half of `session.open`: which conversation, from where on, and what the client needs to go on.

use std::sync::Arc;

use serde_json::Value;
use switchboard_protocol::chat::Streaming;
use switchboard_protocol::ids::{ConversationId, Seq, WorkspaceId};
use switchboard_protocol::limits::{MEMBER_FRAME, PAGE_MESSAGES, VISITOR_FRAME};
use switchboard_protocol::methods::{ServerInfo, SessionOpen, SessionOpened};
use switchboard_protocol::{Position, RpcError};

use super::identify::{Identified, profile};
use super::{Desk, Peer, Standing, wire};
use crate::access::token::Opened;
use crate::domain::conversation::{Conversation, Mode};
use crate::domain::message::Message;
use crate::domain::mint;
use crate::domain::visitor::Visitor;
use crate::session::Room;
use crate::session::room::Member;
use crate::store::reader::Range;

/// Messages of a first page; older ones are leafed to.
const FIRST_PAGE: i64 = 50;

/// What was read of the log for one who opens.
pub(super) struct Page {
    pub messages: Vec<Message>,
    pub recovered: bool,
    pub has_more: bool,
}

/// What a conversation begins with.
#[derive(Default)]
pub struct Beginning<'a> {
    session: Option<&'a str>,
    mode: Option<Mode>,
    metadata: Option<Value>,
    /// Begun already, as a token remembers; what is asked for now goes before.
    again: Option<&'a Opened>,
}

impl<'a> Beginning<'a> {
    pub fn again(opened: &'a Opened) -> Self {
        Self { again: Some(opened), ..Self::default() }
    }

    fn asked(params: &'a SessionOpen, again: Option<&'a Opened>) -> Self {
        Self {
            session: params.session_id.as_deref(),
            mode: params.mode.map(wire::mode),
            metadata: params.metadata.clone().map(Value::Object),
            again,
        }
    }
}

impl Desk {
    /// Opens a conversation. A member joins it before its log is read, so that nothing falls between the two; the
    /// transport holds back what they hear until the answer is out.
    pub async fn open(
        &self,
        params: SessionOpen,
        peer: &Peer,
        member: Option<Member>,
    ) -> Result<(Standing, SessionOpened), RpcError> {
        let identified = self.identify(&params, peer).await?;
        let person = self.person(&identified.caller).await?;
        let Some(room) = self.choose(&params, &identified).await? else {
            let standing = Standing {
                caller: identified.caller,
                person,
                room: None,
                opened: None,
                expires_at: identified.expires_at,
            };
            return Ok((standing, self.without_conversation()));
        };
        // A token may name an id that is somebody else's here.
        if !identified.caller.may_see(&room) {
            return Err(RpcError::not_found("conversation"));
        }
        // Who a member is, their account says.
        let is_stranger = identified.caller.is_visitor() && identified.caller.login.is_none();
        if let Some(user) = params.user.as_ref().filter(|_| is_stranger) {
            room.introduce(&profile(user));
        }
        let connection = member.as_ref().map(|member| member.connection);
        let (view, streaming) = match member {
            Some(member) if person.is_some() => room.join_as_staff(member),
            Some(member) => room.join(member),
            None => (room.view(), None),
        };
        let page = match self.page(&room, params.position.as_ref(), view.head).await {
            Ok(page) => page,
            Err(error) => {
                connection.inspect(|connection| room.leave(*connection));
                return Err(error);
            }
        };
        metrics::counter!("switchboard_opens_total", "recovered" => if page.recovered { "yes" } else { "no" })
            .increment(1);
        let conversation = &view.conversation;
        let mut standing = Standing {
            caller: identified.caller,
            person,
            room: Some(room.clone()),
            opened: None,
            expires_at: identified.expires_at,
        };
        let mut opened = SessionOpened {
            conversation: Some(wire::state(conversation, &self.epoch)),
            position: Some(Position { epoch: self.epoch.clone(), seq: view.head }),
            recovered: page.recovered,
            messages: wire::messages(&page.messages),
            has_more: page.has_more,
            read: Some(wire::reads(view.reads)),
            streaming: streaming
                .map(|streaming| Streaming { message_id: streaming.message, text: streaming.text }),
            ..self.without_conversation()
        };
        if standing.caller.is_visitor() {
            let proof = Opened::new(room.id(), conversation.session.as_deref(), conversation.mode);
            let (token, expires_at) = match standing.expires_at.filter(|_| !is_stranger) {
                // A member stays in by refreshing their log-in, and comes back by it.
                Some(until) => self.tokens.issue_until(&standing.caller, Some(proof.clone()), until),
                None => self.tokens.issue(&standing.caller, Some(proof.clone())),
            };
            standing.opened = Some(proof);
            standing.expires_at = Some(expires_at);
            opened.server = self.info(true);
            opened.token = Some(token.into());
            opened.expires_at = Some(expires_at.into());
            if is_stranger {
                // The one that was shown is the one that the tabs share, also after the server's own secret changed.
                let shown = params.resume.filter(|_| !identified.is_new);
                let resume = shown.unwrap_or_else(|| self.keyring.resume(room.visitor_id()).into());
                self.directory.remember(resume.as_str(), room.visitor());
                opened.resume = Some(resume);
            }
            opened.greeting = self
                .registry
                .minds()
                .preset()
                .greeting_in(conversation.mode.unwrap_or(Mode::Customer))
                .map(str::to_owned);
        }
        Ok((standing, opened))
    }

    /// The conversation that is meant; a new one where none is. Nothing for staff and services that named none.
    async fn choose(
        &self,
        params: &SessionOpen,
        identified: &Identified,
    ) -> Result<Option<Arc<Room>>, RpcError> {
        let Identified { caller, visitor, opened, is_new, .. } = identified;
        let Some(visitor) = visitor else {
            return match params.conversation_id {
                Some(id) => {
                    let room = self.registry.find(caller.workspace, id).await.map_err(wire::store_error)?;
                    Ok(Some(room.ok_or_else(|| RpcError::not_found("conversation"))?))
                }
                None => Ok(None),
            };
        };
        if *is_new {
            return Ok(Some(self.begin(visitor, Beginning::asked(params, None))));
        }
        // The signed token is the proof of a conversation that has no row yet.
        let unwritten = |id| opened.as_ref().filter(|opened| opened.id() == id);
        if let Some(id) = params.conversation_id {
            let room = match self.registry.find(caller.workspace, id).await.map_err(wire::store_error)? {
                Some(room) => Some(room),
                None => {
                    unwritten(id).map(|opened| self.begin(visitor, Beginning::asked(params, Some(opened))))
                }
            };
            return Ok(Some(room.ok_or_else(|| RpcError::not_found("conversation"))?));
        }
        let known = match &params.session_id {
            Some(session) => self.registry.named(visitor, session).await,
            None => self.registry.latest(visitor).await,
        };
        if let Some(room) = known.map_err(wire::store_error)? {
            return Ok(Some(room));
        }
        let again = opened.as_ref().filter(|opened| match &params.session_id {
            Some(session) => opened.session.as_ref() == Some(session),
            None => true,
        });
        let again = match again {
            // Stored, it would have been found, were it not closed.
            Some(opened) if self.is_stored(caller.workspace, opened).await? => None,
            again => again,
        };
        Ok(Some(self.begin(visitor, Beginning::asked(params, again))))
    }

    async fn is_stored(&self, workspace: WorkspaceId, opened: &Opened) -> Result<bool, RpcError> {
        let found = self.registry.find(workspace, opened.id()).await.map_err(wire::store_error)?;
        Ok(found.is_some_and(|room| room.view().stored))
    }

    /// A conversation without a row, new or as a token remembers it.
    pub(super) fn begin(&self, visitor: &Arc<Visitor>, beginning: Beginning<'_>) -> Arc<Room> {
        let id: ConversationId = beginning.again.map_or_else(mint::id, Opened::id);
        let created_at = mint::minted_at(id.uuid());
        let mut conversation = Conversation::fresh(id, visitor.workspace, visitor.id, created_at);
        let session =
            beginning.session.or_else(|| beginning.again.and_then(|opened| opened.session.as_deref()));
        conversation.session = session.map(Into::into);
        conversation.mode = beginning.mode.or_else(|| beginning.again.and_then(Opened::mode));
        conversation.metadata = beginning.metadata.map(Box::new);
        if self.registry.minds().workflow().is_some() {
            conversation = conversation.answered_by_ai();
        }
        self.registry.fresh(conversation, visitor)
    }

    /// Exactly what came after the position, or a fresh last page: never a silent part.
    pub(super) async fn page(
        &self,
        room: &Room,
        position: Option<&Position>,
        head: Seq,
    ) -> Result<Page, RpcError> {
        let after = position
            .filter(|position| position.epoch == self.epoch && position.seq <= head)
            .map(|position| position.seq)
            .filter(|seq| {
                usize::try_from(head.get() - seq.get()).is_ok_and(|missed| missed <= PAGE_MESSAGES)
            });
        if after == Some(head) {
            return Ok(Page { messages: Vec::new(), recovered: true, has_more: false });
        }
        let from = after.unwrap_or_else(|| Seq::new((head.get() - FIRST_PAGE).max(0)).unwrap_or(Seq::ZERO));
        if from == head {
            return Ok(Page { messages: Vec::new(), recovered: false, has_more: false });
        }
        let range = Range { workspace: room.workspace(), conversation: room.id(), after: from, upto: head };
        let messages = self.registry.store().reader.page(range).await.map_err(wire::store_error)?;
        let missed = usize::try_from(head.get() - from.get()).unwrap_or(usize::MAX);
        let recovered = after.is_some() && messages.len() == missed;
        let has_more = !recovered && messages.first().is_some_and(|first| first.seq.get() > 1);
        Ok(Page { messages, recovered, has_more })
    }

    fn info(&self, is_visitor: bool) -> ServerInfo {
        let bytes = if is_visitor { VISITOR_FRAME } else { MEMBER_FRAME };
        ServerInfo { max_message_bytes: u32::try_from(bytes).unwrap_or(u32::MAX), ..self.info.clone() }
    }

    fn without_conversation(&self) -> SessionOpened {
        SessionOpened {
            token: None,
            expires_at: None,
            resume: None,
            conversation: None,
            position: None,
            recovered: false,
            messages: Vec::new(),
            has_more: false,
            read: None,
            streaming: None,
            greeting: None,
            server: self.info(false),
        }
    }
}
