//! The pure parts that every message goes through, within reach of `benches/`: nothing of the program uses this.
//!
//! Invariant: what is measured is what the server does, and what it needs is made beforehand.

use std::sync::Arc;

use bytes::Bytes;
use switchboard_protocol::ids::{ClientId, ConversationId, Epoch, Seq, VisitorId, WorkspaceId};
use switchboard_protocol::methods::MessageSend;
use switchboard_protocol::{Frame, Item, params};
use uuid::Uuid;

use crate::domain::clock::Timestamp;
use crate::domain::conversation::{Conversation, ReadMarks};
use crate::domain::message::{Draft, Message, Role};
use crate::rpc::wire;
use crate::session::ConnectionId;
use crate::session::core::{Act, Core, Effect, View};
use crate::session::event::Event;
use crate::session::recent::Recent;
use crate::store::batch;
use crate::store::writer::{Outcome, Write};

/// As long as a visitor's message is in the load tests.
const CONTENT: &str =
    "I would like to know when the parcel with my order arrives, please, and what it is going to cost me.";

/// A `message.send` as it comes off a socket.
pub fn request() -> String {
    let (conversation, client) = (Uuid::from_u128(7), Uuid::from_u128(8));
    format!(
        r#"{{"jsonrpc":"2.0","id":12,"method":"message.send","params":{{"conversation_id":"{conversation}","client_id":"{client}","content":"{CONTENT}"}}}}"#
    )
}

/// Reads a frame down to the parameters of its method. The length of what was to be said.
pub fn decode(text: &str) -> usize {
    let Ok(Frame::One(Item::Call(call))) = Frame::parse(text) else { return 0 };
    params::read::<MessageSend>(call.params).map_or(0, |send| send.content.len())
}

/// One message on its way to everyone in its conversation.
pub struct Fanout {
    event: Event,
    epoch: Epoch,
}

impl Fanout {
    pub fn new() -> Self {
        let event = Event::Message(Arc::new(message(1)));
        Self { event, epoch: Uuid::from_u128(9).to_string().into() }
    }

    /// The frame that all of them share.
    pub fn encode(&self) -> Bytes {
        wire::frame(&self.event, &self.epoch)
    }
}

/// A session of which each write is committed at once.
pub struct Session {
    core: Core<u64>,
    said: u128,
}

impl Session {
    pub fn new() -> Self {
        let conversation = Conversation::fresh(conversation(), workspace(), visitor(), now());
        let view = View {
            conversation: Arc::new(conversation),
            head: Seq::ZERO,
            reads: ReadMarks::default(),
            stored: false,
        };
        Self { core: Core::new(view, Recent::default(), None), said: 0 }
    }

    /// A message is taken in, numbered, handed to the writer, committed and told. How many effects that took.
    pub fn step(&mut self) -> usize {
        self.said += 1;
        let draft = Draft {
            client_id: ClientId::from(Uuid::from_u128(self.said)),
            role: Role::User,
            author: None,
            content: CONTENT.to_owned(),
            metadata: None,
            attachments: None,
            private: false,
        };
        self.core.accept(Box::new(Act::Say { draft, from: Some(ConnectionId(1)), reply: Some(1) }), now());
        let mut ids = self.said << 64;
        let effects = self.core.proceed(now(), &mut || {
            ids += 1;
            Uuid::from_u128(ids)
        });
        let writes = effects.iter().filter(|effect| matches!(effect, Effect::Write(_))).count();
        effects.len() + (0..writes).map(|_| self.core.settled(Outcome::Committed).len()).sum::<usize>()
    }
}

/// What many conversations have to store at the same moment.
pub struct Batch(Vec<Write>);

impl Batch {
    pub fn of(conversations: u32) -> Self {
        let write = |nth: u32| Write {
            workspace: workspace(),
            conversation: ConversationId::from(Uuid::from_u128(nth.into())),
            write_id: Uuid::from_u128(u128::from(nth) << 32),
            visitor: None,
            state: None,
            escalation: None,
            advance: None,
            audit: None,
            reads: None,
            messages: vec![Arc::new(message(nth.into()))],
            records: None,
            event: None,
            at: now(),
        };
        Self((1..=conversations).map(write).collect())
    }

    /// As the few statements of one transaction. How many parameters those have.
    pub fn steps(&self) -> usize {
        let writes: Vec<&Write> = self.0.iter().collect();
        batch::steps(Uuid::from_u128(1), 1, &writes).iter().map(|step| step.params.len()).sum()
    }
}

impl Default for Fanout {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

fn message(nth: u128) -> Message {
    Message {
        id: Uuid::from_u128(nth).into(),
        conversation: conversation(),
        seq: Seq::ZERO.next(),
        client_id: Some(ClientId::from(Uuid::from_u128(nth << 16))),
        role: Role::User,
        agent_name: None,
        author: None,
        content: CONTENT.to_owned(),
        citations: None,
        attachments: None,
        metadata: None,
        created_at: now(),
    }
}

fn conversation() -> ConversationId {
    Uuid::from_u128(7).into()
}

fn workspace() -> WorkspaceId {
    Uuid::from_u128(2).into()
}

fn visitor() -> VisitorId {
    Uuid::from_u128(3).into()
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH
}

#[cfg(test)]
mod tests {
    use super::{Batch, Fanout, Session, decode, request};

    #[test]
    fn each_part_does_its_work() {
        assert_eq!(decode(&request()), super::CONTENT.len());
        assert_eq!(decode("{}"), 0);
        let frame = Fanout::new().encode();
        assert!(std::str::from_utf8(&frame).unwrap().contains("message.created"));
        let mut session = Session::new();
        let steps = [session.step(), session.step()];
        assert!(steps.iter().all(|effects| *effects >= 2), "{steps:?}");
        assert!(Batch::of(100).steps() > 10);
    }
}
