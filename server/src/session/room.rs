//! The entry of one conversation: where those who are in it and the session that runs it meet.
//!
//! Invariant: joining, waking, sleeping and publishing take the same lock, so nobody joins between a commit and its
//! notification, and nothing wakes twice.

mod notes;
mod settling;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use switchboard_protocol::ids::{ConversationId, MessageId, VisitorId, WorkspaceId};
use tokio::sync::mpsc;

use super::actor;
use super::core::{Act, Commit, Core, View};
use super::event::{Broadcast, Event, Listener, Phase, Withdrawal};
use super::recent::Recent;
use super::registry::Shared;
use super::{Answer, ConnectionId, Refusal, Reply};
use crate::domain::conversation::{Change, ReadMarks};
use crate::domain::escalation::Escalation;
use crate::domain::message::{Author, Draft, Role};
use crate::domain::visitor::{Profile, Visitor};
use crate::domain::workflow::Step;

pub struct Room {
    pub(super) id: ConversationId,
    pub(super) workspace: WorkspaceId,
    pub(super) visitor_id: VisitorId,
    pub(super) shared: Arc<Shared>,
    inner: Mutex<Inner>,
    /// Held while a note is written and told, so that notes are told in their order.
    noting: tokio::sync::Mutex<()>,
}

struct Inner {
    session: Session,
    view: View,
    members: Vec<Seat>,
    visitor: Arc<Visitor>,
    /// The visitor's row is behind what they told: the next write brings it.
    visitor_dirty: bool,
    /// The reply that is being written, as far as it was told.
    streaming: Option<Streaming>,
    /// Since when nobody is here and nothing happens, in the registry's sweeps.
    idle_sweeps: u8,
}

/// What whoever comes in while a reply is written has missed of it.
#[derive(Clone, Debug)]
pub struct Streaming {
    pub message: MessageId,
    pub text: String,
    /// Of the text.
    characters: usize,
}

enum Session {
    /// What it remembers of the latest messages, if it ever woke.
    Asleep(Option<Recent>),
    Awake(Inbox),
    /// Written by somebody else; this entry is no longer in the registry.
    GivenUp,
}

/// The way to a session. Acts are boxed: the channel keeps room for 32 of them from the first one on.
type Inbox = mpsc::Sender<Box<Act<Reply>>>;

pub struct Member {
    pub connection: ConnectionId,
    pub listener: Arc<dyn Listener>,
}

struct Seat {
    member: Member,
    side: Side,
}

/// Who somebody in the room is: staff are told more.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Visitors,
    Staff,
}

/// One message on its way into the log.
pub struct Saying {
    pub draft: Draft,
    pub from: Option<ConnectionId>,
    pub reply: Option<Reply>,
}

impl Saying {
    fn act(self) -> Act<Reply> {
        Act::Say { draft: self.draft, from: self.from, reply: self.reply }
    }
}

/// A visitor types slower than we answer: a full inbox is a stuck session, and its senders wait.
const INBOX: usize = 32;

impl Room {
    pub(super) fn new(shared: Arc<Shared>, view: View, visitor: Arc<Visitor>) -> Self {
        let conversation = &view.conversation;
        Self {
            id: conversation.id,
            workspace: conversation.workspace,
            visitor_id: conversation.visitor,
            shared,
            inner: Mutex::new(Inner {
                // An empty log has nothing to remember.
                session: Session::Asleep((view.head.get() == 0).then(Recent::default)),
                visitor_dirty: !view.stored,
                view,
                members: Vec::new(),
                visitor,
                streaming: None,
                idle_sweeps: 0,
            }),
            noting: tokio::sync::Mutex::default(),
        }
    }

    pub fn id(&self) -> ConversationId {
        self.id
    }

    pub fn workspace(&self) -> WorkspaceId {
        self.workspace
    }

    pub fn visitor_id(&self) -> VisitorId {
        self.visitor_id
    }

    pub fn visitor(&self) -> Arc<Visitor> {
        self.lock().visitor.clone()
    }

    pub fn view(&self) -> View {
        self.lock().view.clone()
    }

    /// From now on the member hears everything after the view it is given.
    pub fn join(&self, member: Member) -> (View, Option<Streaming>) {
        self.seat(Seat { member, side: Side::Visitors })
    }

    /// The same for staff, who also hear what visitors do not.
    pub fn join_as_staff(&self, member: Member) -> (View, Option<Streaming>) {
        self.seat(Seat { member, side: Side::Staff })
    }

    fn seat(&self, seat: Seat) -> (View, Option<Streaming>) {
        let mut inner = self.lock();
        inner.idle_sweeps = 0;
        inner.members.retain(|other| other.member.connection != seat.member.connection);
        // Mostly one: the usual room for four would be paid for by every visitor.
        inner.members.reserve_exact(1);
        inner.members.push(seat);
        (inner.view.clone(), inner.streaming.clone())
    }

    pub fn leave(&self, connection: ConnectionId) {
        let mut inner = self.lock();
        inner.members.retain(|seat| seat.member.connection != connection);
        if inner.members.is_empty() {
            inner.members.shrink_to_fit();
        }
    }

    /// What a page told of its visitor, written with their next act.
    pub fn introduce(&self, profile: &Profile) {
        let mut inner = self.lock();
        let known = &inner.visitor.profile;
        let newer = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
        let merged = Profile {
            external_id: known.external_id.clone(),
            email: newer(&profile.email, &known.email),
            name: newer(&profile.name, &known.name),
            phone: newer(&profile.phone, &known.phone),
            metadata: profile.metadata.clone().or_else(|| known.metadata.clone()),
        };
        if merged != *known {
            inner.visitor = Arc::new(Visitor { profile: merged, ..Visitor::clone(&inner.visitor) });
            inner.visitor_dirty = true;
        }
    }

    /// Adds messages to the log, one after the other with nothing between them. Each reply is told after the commit,
    /// in the order of the log; a sender without one hears of the message like everyone else.
    pub async fn say(self: &Arc<Self>, said: Vec<Saying>) {
        if !self.takes_messages() {
            for saying in said {
                tell(saying.reply, Err(Refusal::Unavailable));
            }
            return;
        }
        let mut acts = Vec::with_capacity(said.len());
        for saying in said {
            acts.extend(self.unless_noted(saying).await.map(Saying::act));
        }
        match acts.len() {
            0 => {}
            1 => self.send(Box::new(acts.remove(0))).await,
            _ => self.send(Box::new(Act::Many(acts))).await,
        }
    }

    /// The same for one message and without waiting: it comes back where the session is so busy that its sender
    /// should wait, and one of staff, which is held against their notes first.
    #[expect(clippy::result_large_err, reason = "the message itself comes back")]
    pub fn try_say(self: &Arc<Self>, saying: Saying) -> Result<(), Saying> {
        if saying.draft.role == Role::Staff {
            return Err(saying);
        }
        if !self.takes_messages() {
            tell(saying.reply, Err(Refusal::Unavailable));
            return Ok(());
        }
        match self.try_send(Box::new(saying.act())).map_err(|(act, _)| *act) {
            Ok(()) => Ok(()),
            Err(Act::Say { draft, from, reply }) => Err(Saying { draft, from, reply }),
            Err(_) => unreachable!("what comes back is what was sent"),
        }
    }

    /// While the database is away only where there is a journal.
    fn takes_messages(&self) -> bool {
        self.is_up() || self.shared.store.journal.is_some()
    }

    fn is_up(&self) -> bool {
        self.shared.store.writer.is_up(self.id)
    }

    pub async fn change(self: &Arc<Self>, change: Change, escalation: Option<Escalation>, reply: Reply) {
        if !self.is_up() {
            reply(Err(Refusal::Unavailable));
            return;
        }
        self.send(Box::new(Act::Change { change, escalation, reply: Some(reply) })).await;
    }

    /// Moves a watermark; told to everyone once it is written, a second later at most.
    pub async fn read(self: &Arc<Self>, marks: ReadMarks) {
        let behind = {
            let view = &self.lock().view;
            marks.user > view.reads.user || marks.staff > view.reads.staff
        };
        if behind {
            self.send(Box::new(Act::Read { marks })).await;
        }
    }

    /// Tells the others; nothing is kept, so nothing wakes.
    pub fn typing(&self, from: ConnectionId, role: Role, author: Option<Author>, on: bool) {
        let inner = self.lock();
        let broadcast = Broadcast::new(Event::Typing { conversation: self.id, role, author, on });
        inner.tell_all(&broadcast, Some(from));
    }

    /// Tells everyone the next piece of the reply that is being written.
    pub(super) fn stream(&self, message: MessageId, piece: &str) {
        let mut inner = self.lock();
        let offset = match &mut inner.streaming {
            Some(streaming) if streaming.message == message => {
                let offset = streaming.characters;
                streaming.text.push_str(piece);
                streaming.characters += piece.chars().count();
                offset
            }
            slot => {
                let (text, characters) = (piece.to_owned(), piece.chars().count());
                *slot = Some(Streaming { message, text, characters });
                0
            }
        };
        let delta = Event::Delta { conversation: self.id, message, offset, text: piece.to_owned() };
        inner.tell_all(&Broadcast::new(delta), None);
    }

    /// Takes back what was streamed, if anything was.
    pub(super) fn withdraw(&self, reason: Withdrawal) {
        let mut inner = self.lock();
        if let Some(streaming) = inner.streaming.take() {
            let withdrawn = Event::Withdrawn { conversation: self.id, message: streaming.message, reason };
            inner.tell_all(&Broadcast::new(withdrawn), None);
        }
    }

    /// `detail` is what the step decided: staff alone are told.
    pub(super) fn tell_step(&self, turn: i64, step: Step, phase: Phase, detail: Option<&Value>) {
        let inner = self.lock();
        for side in [Side::Visitors, Side::Staff] {
            let detail = detail.filter(|_| side == Side::Staff).cloned();
            let told = Event::Step { conversation: self.id, turn, step, phase, detail };
            inner.tell_side(side, &Broadcast::new(told), None);
        }
    }

    /// Wakes the session, so that it finishes a turn that was left open.
    pub(super) fn rouse(self: &Arc<Self>) {
        let mut inner = self.lock();
        if matches!(inner.session, Session::Asleep(_)) {
            self.wake(&mut inner);
        }
    }

    /// Hands an act to the session, waking it if it sleeps.
    pub(super) async fn send(self: &Arc<Self>, act: Box<Act<Reply>>) {
        let mut act = act;
        loop {
            let (back, inbox) = match self.try_send(act) {
                Ok(()) => return,
                Err(full) => full,
            };
            match inbox.reserve().await {
                Ok(place) => return place.send(back),
                // It fell asleep meanwhile, or was given up: look again.
                Err(_) => act = back,
            }
        }
    }

    /// The same without waiting: what comes back met a full inbox.
    fn try_send(self: &Arc<Self>, act: Box<Act<Reply>>) -> Result<(), (Box<Act<Reply>>, Inbox)> {
        let mut inner = self.lock();
        let inbox = match &inner.session {
            Session::Awake(inbox) => inbox.clone(),
            Session::Asleep(_) => self.wake(&mut inner),
            Session::GivenUp => {
                drop(inner);
                refuse(*act);
                return Ok(());
            }
        };
        match inbox.try_send(act) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(act)) => Err((act, inbox)),
            // Its actor has ended with the process.
            Err(mpsc::error::TrySendError::Closed(act)) => {
                drop(inner);
                refuse(*act);
                Ok(())
            }
        }
    }

    fn wake(self: &Arc<Self>, inner: &mut Inner) -> Inbox {
        let (inbox, acts) = mpsc::channel(INBOX);
        if let Session::Asleep(recent) = std::mem::replace(&mut inner.session, Session::Awake(inbox.clone()))
        {
            inner.idle_sweeps = 0;
            actor::spawn(self, inner.view.clone(), recent, acts);
        }
        inbox
    }

    /// The actor's last step, unless something has come in: false then.
    pub(super) fn sleep(&self, core: &mut Core<Reply>, inbox: &mut mpsc::Receiver<Box<Act<Reply>>>) -> bool {
        let mut inner = self.lock();
        if !inbox.is_empty() {
            return false;
        }
        inner.session = Session::Asleep(Some(core.take_recent()));
        // Who has reserved a place meanwhile is drained by the actor, and comes in again.
        inbox.close();
        true
    }

    /// The visitor as the next write should store them, if it should.
    pub(super) fn visitor_to_store(&self) -> Option<Arc<Visitor>> {
        let inner = self.lock();
        inner.visitor_dirty.then(|| inner.visitor.clone())
    }

    /// Shows a commit to everyone, in the order of the log, and answers those who wait for it.
    pub(super) fn publish(&self, commit: Commit<Reply>, stored: Option<&Arc<Visitor>>) {
        let mut inner = self.lock();
        if stored.is_some_and(|stored| Arc::ptr_eq(stored, &inner.visitor)) {
            inner.visitor_dirty = false;
        }
        inner.view = commit.view;
        for committed in commit.messages {
            let sender = committed.reply.as_ref().and_then(|(from, _)| *from);
            let receipt = committed.message.receipt(false);
            if inner.streaming.as_ref().is_some_and(|streaming| streaming.message == committed.message.id) {
                inner.streaming = None;
            }
            let others = inner.members.iter().any(|seat| Some(seat.member.connection) != sender);
            if others {
                inner.tell_all(&Broadcast::new(Event::Message(committed.message)), sender);
            }
            if let Some((_, reply)) = committed.reply {
                reply(Ok(Answer::Said(receipt)));
            }
        }
        if commit.state_changed {
            inner.tell_all(&Broadcast::new(Event::State(inner.view.conversation.clone())), None);
        }
        if commit.reads_changed {
            let marks = inner.view.reads;
            inner.tell_all(&Broadcast::new(Event::Reads { conversation: self.id, marks }), None);
        }
        for (reply, answer) in commit.told {
            reply(answer);
        }
        if commit.escalated {
            self.shared.feed.poke(self.workspace);
        }
    }

    /// Somebody else wrote this conversation: everyone here is sent to look for it again.
    pub(super) fn give_up(&self) {
        self.shared.forget(self.id);
        let mut inner = self.lock();
        inner.session = Session::GivenUp;
        for seat in inner.members.drain(..) {
            seat.member.listener.moved();
        }
    }

    /// For the registry's sweep: how often in a row it has found nobody and nothing here.
    pub(super) fn idle_sweeps(&self) -> u8 {
        let mut inner = self.lock();
        let idle = inner.members.is_empty() && matches!(inner.session, Session::Asleep(_));
        inner.idle_sweeps = if idle { inner.idle_sweeps.saturating_add(1) } else { 0 };
        inner.idle_sweeps
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic while it was held stops the process; until then the state is as the last line left it.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn tell_all(&self, broadcast: &Broadcast, except: Option<ConnectionId>) {
        self.tell_side(Side::Visitors, broadcast, except);
        self.tell_side(Side::Staff, broadcast, except);
    }

    fn tell_side(&self, side: Side, broadcast: &Broadcast, except: Option<ConnectionId>) {
        let others = |seat: &&Seat| seat.side == side && Some(seat.member.connection) != except;
        for seat in self.members.iter().filter(others) {
            seat.member.listener.hear(broadcast);
        }
    }
}

fn tell(reply: Option<Reply>, answer: Result<Answer, Refusal>) {
    if let Some(reply) = reply {
        reply(answer);
    }
}

fn refuse(act: Act<Reply>) {
    match act {
        Act::Say { reply, .. } | Act::Change { reply, .. } => tell(reply, Err(Refusal::Moved)),
        Act::Many(acts) => acts.into_iter().for_each(refuse),
        // What is replayed is still in the journal.
        Act::Read { .. } | Act::Conclude(_) | Act::Replay(_) => {}
    }
}
