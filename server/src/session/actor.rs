//! The task of a session that is awake: it feeds the core, carries out its effects, and goes to sleep.

mod journal;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::OptionFuture;
use switchboard_protocol::ids::Seq;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep};

use super::Reply;
use super::core::{Act, Core, Effect, View};
use super::recent::{self, Recent};
use super::room::Room;
use super::turn;
use crate::domain::message::{Message, Role};
use crate::domain::visitor::Visitor;
use crate::domain::workflow::Ending;
use crate::domain::{clock, failpoint, mint};
use crate::store::reader::Range;
use crate::store::writer::{Outcome, Write};

/// So long nothing has happened before a session sleeps.
const QUIET: Duration = Duration::from_secs(20);
/// How often late answers and unwritten read marks are looked at.
const TICK: Duration = Duration::from_secs(1);

struct Actor {
    room: Arc<Room>,
    core: Core<Reply>,
    work: Option<Pin<Box<dyn Future<Output = Done> + Send>>>,
    /// The agent at work on the open turn.
    thinking: Option<turn::Thinking>,
    /// Whether what the journal was handed is kept.
    journaling: Option<oneshot::Receiver<bool>>,
    /// The visitor as the write in flight stores them.
    storing: Option<Arc<Visitor>>,
    last_act: Instant,
}

/// What work came back with.
enum Done {
    Remembered(Vec<Message>),
    Settled(Outcome),
    /// The writer has closed: the process ends.
    Closed,
}

enum Event {
    Act(Option<Box<Act<Reply>>>),
    Done(Done),
    Thought(Box<Ending>),
    Journaled(bool),
    Tick,
    Closing,
}

/// Starts the session. Its last step is to hand its memory back to the room.
pub fn spawn(room: &Arc<Room>, view: View, recent: Option<Recent>, inbox: mpsc::Receiver<Box<Act<Reply>>>) {
    let work: Option<Pin<Box<dyn Future<Output = Done> + Send>>> = match &recent {
        Some(_) => None,
        None => Some(Box::pin(remember(room.clone(), view.head))),
    };
    let workflow = room.shared.minds.workflow();
    let core = Core::new(view, recent.unwrap_or_default(), workflow);
    // Run by reference: an `async fn` that takes it over keeps room for it twice.
    let mut actor = Actor {
        room: room.clone(),
        core,
        work,
        thinking: None,
        journaling: None,
        storing: None,
        last_act: Instant::now(),
    };
    room.shared.spawn(async move { actor.run(inbox).await });
}

impl Actor {
    async fn run(&mut self, mut inbox: mpsc::Receiver<Box<Act<Reply>>>) {
        metrics::gauge!("switchboard_sessions_live").increment(1);
        let mut tick = Box::pin(sleep(TICK));
        let token = self.room.shared.closing.clone();
        let mut closing = std::pin::pin!(token.cancelled());
        let mut is_closing = false;
        // A turn that a process left open when it ended.
        let left_open = self.core.attend();
        if left_open.is_some() {
            self.think(true);
        }
        loop {
            let mut work: OptionFuture<_> = self.work.as_mut().into();
            let mut thinking: OptionFuture<_> = self.thinking.as_mut().into();
            let mut journaling: OptionFuture<_> = self.journaling.as_mut().into();
            let event = tokio::select! {
                biased;
                Some(done) = &mut work => Event::Done(done),
                Some(ending) = &mut thinking => Event::Thought(ending),
                Some(kept) = &mut journaling => Event::Journaled(kept.unwrap_or(false)),
                act = inbox.recv(), if self.core.has_room() => Event::Act(act),
                () = &mut tick => Event::Tick,
                () = &mut closing, if !is_closing => Event::Closing,
            };
            match event {
                Event::Act(Some(act)) => {
                    self.last_act = Instant::now();
                    self.core.accept(act, clock::now());
                    self.journal(false);
                }
                Event::Journaled(are_kept) => {
                    self.journaling = None;
                    let told = self.core.journaled(are_kept);
                    self.carry_out(told);
                    self.journal(true);
                }
                Event::Thought(ending) => {
                    self.last_act = Instant::now();
                    self.thinking = None;
                    self.core.accept(Box::new(Act::Conclude(*ending)), clock::now());
                }
                Event::Done(Done::Remembered(messages)) => {
                    self.work = None;
                    self.core.remember(&messages);
                }
                Event::Done(Done::Settled(outcome)) => {
                    self.work = None;
                    failpoint::hit("write.after");
                    let effects = self.core.settled(outcome);
                    if !self.carry_out(effects) {
                        self.end_journaled();
                        break;
                    }
                }
                Event::Act(None) | Event::Done(Done::Closed) => break,
                Event::Closing => {
                    is_closing = true;
                    // The next start finishes it from where it is recorded.
                    self.thinking = None;
                    tick.as_mut().reset(Instant::now());
                }
                Event::Tick => {
                    let next = if is_closing { TICK / 50 } else { TICK };
                    if is_closing {
                        self.core.hurry();
                    }
                    tick.as_mut().reset(Instant::now() + next);
                    self.journal(true);
                    let late = self.core.expire(clock::now());
                    self.carry_out(late);
                    let quiet = is_closing || self.last_act.elapsed() >= QUIET;
                    let busy = self.work.is_some() || self.thinking.is_some() || self.journaling.is_some();
                    let idle = quiet && !busy && self.core.is_idle();
                    if idle && self.room.sleep(&mut self.core, &mut inbox) {
                        while let Some(act) = inbox.recv().await {
                            // Seldom, and never worth its room in every session.
                            Box::pin(self.room.send(act)).await;
                        }
                        break;
                    }
                }
            }
            self.end_journaled();
            if self.work.is_none() {
                let effects = self.core.proceed(clock::now(), &mut mint::id);
                self.carry_out(effects);
            }
        }
        metrics::gauge!("switchboard_sessions_live").decrement(1);
    }

    /// False when the session is over.
    fn carry_out(&mut self, effects: Vec<Effect<Reply>>) -> bool {
        for effect in effects {
            match effect {
                Effect::Write(write) => self.write(write),
                Effect::Journal(entries) => self.append(entries),
                Effect::Tell(reply, answer) => reply(answer),
                Effect::Publish(commit) => {
                    if commit.messages.iter().any(|committed| committed.message.role == Role::Assistant) {
                        failpoint::hit("turn.committed");
                    }
                    self.room.publish(commit, self.storing.take().as_ref());
                }
                Effect::Think => self.think(false),
                Effect::Abandon(reason) => {
                    self.thinking = None;
                    self.room.withdraw(reason);
                }
                Effect::GiveUp => {
                    self.room.give_up();
                    return false;
                }
            }
        }
        true
    }

    /// `again`: an earlier process began it, so some of it may be recorded.
    fn think(&mut self, again: bool) {
        if self.room.shared.closing.is_cancelled() {
            return;
        }
        let state = self.core.view().conversation.clone();
        self.thinking = turn::begin(&self.room, state, again);
    }

    fn write(&mut self, mut write: Write) {
        self.storing = self.room.visitor_to_store();
        write.visitor = self.storing.clone().map(|visitor| {
            let digest = self.room.shared.resume_digest(visitor.id);
            (visitor, digest)
        });
        let writer = self.room.shared.store.writer.clone();
        failpoint::hit("write.before");
        self.work = Some(Box::pin(async move {
            let Some(place) = writer.reserve(write.conversation).await else { return Done::Closed };
            match place.submit(write).await {
                Ok(outcome) => Done::Settled(outcome),
                Err(_) => Done::Closed,
            }
        }));
    }
}

/// Reads what was said last. While the database is away this waits, and those who speak are told so.
async fn remember(room: Arc<Room>, head: Seq) -> Done {
    let tail = i64::try_from(recent::AWAKE).unwrap_or(i64::MAX);
    let after = Seq::new((head.get() - tail).max(0)).unwrap_or(Seq::ZERO);
    let range = Range { workspace: room.workspace, conversation: room.id, after, upto: head };
    loop {
        match room.shared.store.reader.newest(range).await {
            Ok(messages) => return Done::Remembered(messages),
            Err(error) => {
                tracing::debug!(%error, "a waking session could not read its log; trying again");
                sleep(Duration::from_millis(500)).await;
            }
        }
    }
}
