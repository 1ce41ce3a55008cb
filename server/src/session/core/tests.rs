//! The core against a store that forgets nothing and refuses what it pleases, in thousands of random orders.

mod journal;
mod takeover;

use std::collections::{HashMap, HashSet};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use switchboard_protocol::ids::{ClientId, ConversationId};

use super::*;
use crate::domain::message::Role;
use crate::store::writer::Outcome;

/// A reply is known by its number.
type Told = HashMap<u32, Result<Answer, Refusal>>;

/// A session, its store, and what was told to whom.
struct Bench {
    core: Core<u32>,
    stored: Vec<Message>,
    in_flight: Option<Write>,
    told: Told,
    published: Vec<Seq>,
    ids: u128,
    now: Timestamp,
    gave_up: bool,
    /// The turn that the agent works on, and the owner's epoch that it began in.
    thinking: Option<(i64, i64)>,
    /// Handed to the journal, without an answer so far.
    appending: Option<Vec<ClientId>>,
    /// What the journal holds.
    kept: HashSet<ClientId>,
}

const POISON: &str = "poison";

impl Bench {
    fn new() -> Self {
        Self::of(None)
    }

    /// Where an agent answers.
    fn with_agent() -> Self {
        Self::of(Some("desk".into()))
    }

    fn of(workflow: Option<Arc<str>>) -> Self {
        let now = Timestamp::from_timestamp(1_800_000_000, 0).unwrap();
        let id = ConversationId::from(Uuid::from_u128(1));
        let mut conversation =
            Conversation::fresh(id, Uuid::from_u128(2).into(), Uuid::from_u128(3).into(), now);
        if workflow.is_some() {
            conversation = conversation.answered_by_ai();
        }
        let view = View {
            conversation: Arc::new(conversation),
            head: Seq::ZERO,
            reads: ReadMarks::default(),
            stored: false,
        };
        Self {
            core: Core::new(view, Recent::default(), workflow),
            stored: Vec::new(),
            in_flight: None,
            told: Told::new(),
            published: Vec::new(),
            ids: 1_000,
            now,
            gave_up: false,
            thinking: None,
            appending: None,
            kept: HashSet::new(),
        }
    }

    fn say(&mut self, reply: u32, client: u128, content: &str) {
        self.say_as(Role::User, reply, client, content);
    }

    fn say_as(&mut self, role: Role, reply: u32, client: u128, content: &str) {
        let draft = Draft {
            client_id: ClientId::from(Uuid::from_u128(client)),
            role,
            author: None,
            content: content.to_owned(),
            metadata: None,
            attachments: None,
            private: false,
        };
        let act = Act::Say { draft, from: Some(ConnectionId(u64::from(reply))), reply: Some(reply) };
        self.core.accept(Box::new(act), self.now);
        self.proceed();
    }

    fn change(&mut self, reply: u32, change: Change) {
        let act = Act::Change { change, escalation: None, reply: Some(reply) };
        self.core.accept(Box::new(act), self.now);
        self.proceed();
    }

    fn proceed(&mut self) {
        let ids = &mut self.ids;
        let effects = self.core.proceed(self.now, &mut || {
            *ids += 1;
            Uuid::from_u128(*ids)
        });
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Vec<Effect<u32>>) {
        for effect in effects {
            match effect {
                Effect::Write(write) => {
                    assert!(self.in_flight.is_none(), "one write at a time");
                    self.in_flight = Some(write);
                }
                Effect::Journal(entries) => {
                    assert!(self.appending.is_none(), "one frame at a time");
                    self.appending = Some(entries.iter().map(|entry| entry.draft.client_id).collect());
                }
                Effect::Tell(reply, answer) => self.tell(reply, answer),
                Effect::Publish(commit) => {
                    for committed in commit.messages {
                        self.published.push(committed.message.seq);
                        if let Some((_, reply)) = committed.reply {
                            self.tell(reply, Ok(Answer::Said(committed.message.receipt(false))));
                        }
                    }
                    for (reply, answer) in commit.told {
                        self.tell(reply, answer);
                    }
                }
                Effect::Think => {
                    let state = &self.core.view.conversation;
                    let turn = state.workflow.as_ref().map(|workflow| workflow.turn).unwrap();
                    self.thinking = Some((turn, state.owner_epoch));
                }
                Effect::Abandon(_) => self.thinking = None,
                Effect::GiveUp => self.gave_up = true,
            }
        }
    }

    fn tell(&mut self, reply: u32, answer: Result<Answer, Refusal>) {
        assert!(self.told.insert(reply, answer).is_none(), "reply {reply} was told twice");
    }

    /// Lets the store do what it would with the write in flight.
    fn settle(&mut self) {
        let Some(write) = self.in_flight.take() else { return };
        let known: Vec<_> = write
            .messages
            .iter()
            .enumerate()
            .filter_map(|(place, message)| {
                let old = self
                    .stored
                    .iter()
                    .find(|old| old.client_id.is_some() && old.client_id == message.client_id)?;
                Some((place, old.clone()))
            })
            .collect();
        let outcome = if !known.is_empty() {
            Outcome::Known(known)
        } else if write.messages.iter().any(|message| message.content == POISON) {
            Outcome::Refused("no".to_owned())
        } else {
            for message in &write.messages {
                let next = i64::try_from(self.stored.len() + 1).unwrap();
                assert_eq!(message.seq.get(), next, "numbers are dense");
                self.stored.push(Message::clone(message));
            }
            Outcome::Committed
        };
        let effects = self.core.settled(outcome);
        self.carry_out(effects);
        self.proceed();
    }

    fn settle_all(&mut self) {
        while self.in_flight.is_some() {
            self.settle();
        }
    }

    fn receipt(&self, reply: u32) -> Receipt {
        match self.told.get(&reply) {
            Some(Ok(Answer::Said(receipt))) => *receipt,
            other => panic!("reply {reply} is {other:?}"),
        }
    }
}

use crate::domain::message::Receipt;

#[test]
fn nothing_is_told_before_its_commit() {
    let mut bench = Bench::new();
    bench.say(1, 10, "hello");
    assert!(bench.told.is_empty());
    bench.settle();
    assert_eq!(bench.receipt(1).seq.get(), 1);
}

#[test]
fn what_comes_during_a_write_goes_together_in_the_next() {
    let mut bench = Bench::new();
    for reply in 1..=5 {
        bench.say(reply, u128::from(reply), "hello");
    }
    bench.settle();
    assert_eq!(bench.told.len(), 1);
    assert_eq!(bench.in_flight.as_ref().unwrap().messages.len(), 4);
    bench.settle();
    assert_eq!((1..=5).map(|reply| bench.receipt(reply).seq.get()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
}

#[test]
fn a_repeat_waits_for_the_first_and_gets_its_answer() {
    let mut bench = Bench::new();
    bench.say(1, 10, "busy");
    bench.say(2, 11, "hello");
    bench.say(3, 11, "hello");
    bench.say(4, 11, "something else");
    bench.settle_all();
    assert_eq!(bench.receipt(3), Receipt { duplicate: true, ..bench.receipt(2) });
    assert!(matches!(bench.told[&4], Err(Refusal::Reused(_))));
    bench.say(5, 11, "hello");
    assert!(bench.receipt(5).duplicate, "answered from memory, without a write");
    assert_eq!(bench.stored.len(), 2);
}

#[test]
fn an_old_repeat_leaves_no_gap() {
    let mut bench = Bench::new();
    bench.say(1, 10, "first");
    bench.settle_all();
    bench.core.remember(&[]);
    bench.say(2, 99, "busy");
    bench.say(3, 11, "before");
    bench.say(4, 10, "first");
    bench.say(5, 12, "after");
    bench.settle_all();
    assert_eq!(bench.receipt(4), Receipt { duplicate: true, ..bench.receipt(1) });
    assert_eq!((bench.receipt(3).seq.get(), bench.receipt(5).seq.get()), (3, 4));
}

#[test]
fn only_the_poison_row_fails() {
    let mut bench = Bench::new();
    bench.say(1, 1, "busy");
    for reply in 2..=6 {
        bench.say(reply, u128::from(reply), if reply == 4 { POISON } else { "fine" });
    }
    bench.settle_all();
    assert!(matches!(bench.told[&4], Err(Refusal::Rejected(_))));
    let seqs: Vec<_> = [1, 2, 3, 5, 6].iter().map(|reply| bench.receipt(*reply).seq.get()).collect();
    assert_eq!(seqs, [1, 2, 3, 4, 5]);
}

#[test]
fn a_closed_conversation_takes_nothing_more() {
    let mut bench = Bench::new();
    bench.say(1, 1, "hello");
    bench.change(2, Change::Close);
    bench.say(3, 3, "too late");
    bench.settle_all();
    assert!(matches!(bench.told[&2], Ok(Answer::State(_))));
    assert!(matches!(&bench.told[&3], Err(Refusal::Closed(state)) if state.status == Status::Closed));
    bench.change(4, Change::Close);
    assert!(matches!(bench.told[&4], Ok(Answer::State(_))), "closing again changes nothing");
}

#[test]
fn who_waits_too_long_is_told_so_and_what_is_on_its_way_stays() {
    let mut bench = Bench::new();
    bench.say(1, 1, "on its way");
    bench.say(2, 2, "behind it");
    bench.now += TimeDelta::seconds(6);
    let effects = bench.core.expire(bench.now);
    bench.carry_out(effects);
    assert!(matches!(bench.told[&1], Err(Refusal::Unavailable)));
    assert!(matches!(bench.told[&2], Err(Refusal::Unavailable)));
    bench.settle_all();
    assert_eq!(bench.published.len(), 1, "what was never handed over is its sender's again");
    bench.say(3, 1, "on its way");
    assert!(bench.receipt(3).duplicate);
}

#[test]
fn another_writer_ends_the_session() {
    let mut bench = Bench::new();
    bench.say(1, 1, "hello");
    bench.say(2, 2, "hello");
    let effects = bench.core.settled(Outcome::Stale);
    bench.carry_out(effects);
    assert!(bench.gave_up);
    assert!(bench.told.values().all(|told| matches!(told, Err(Refusal::Moved))));
    assert_eq!(bench.told.len(), 2);
}

#[test]
fn read_marks_rise_and_never_pass_the_head() {
    let mut bench = Bench::new();
    bench.say(1, 1, "hello");
    bench.settle_all();
    let mark = |seq| ReadMarks { user: Seq::new(seq).unwrap(), staff: Seq::ZERO };
    bench.core.accept(Box::new(Act::Read { marks: mark(9) }), bench.now);
    bench.proceed();
    assert!(bench.in_flight.is_none(), "written with the next write, or a second later");
    bench.now += TimeDelta::seconds(1);
    bench.proceed();
    assert_eq!(bench.in_flight.as_ref().unwrap().reads, Some(mark(1)));
    bench.settle_all();
    bench.core.accept(Box::new(Act::Read { marks: mark(0) }), bench.now);
    assert!(bench.core.is_idle());
}

/// Any order of sends, repeats, changes, poison, forgetting and commits: numbers stay dense, a client id is stored
/// once, and every reply is told exactly once.
#[test]
fn every_order_keeps_the_promises() {
    for seed in 0..3_000 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut bench = Bench::new();
        let mut replies = 0;
        for _ in 0..60 {
            bench.now += TimeDelta::milliseconds(dice.random_range(0..40));
            match dice.random_range(0..20) {
                0..9 => {
                    replies += 1;
                    let client = dice.random_range(0..30_u128);
                    let content = match client {
                        29 => POISON.to_owned(),
                        _ if dice.random_ratio(1, 12) => "other".to_owned(),
                        client => format!("content of {client}"),
                    };
                    bench.say(replies, client, &content);
                }
                9..16 => bench.settle(),
                16 => {
                    replies += 1;
                    bench.change(
                        replies,
                        Change::Rate(crate::domain::conversation::Rating { score: 5, comment: None }),
                    );
                }
                17 => {
                    let effects = bench.core.expire(bench.now);
                    bench.carry_out(effects);
                }
                18 => {
                    let head = bench.core.view.head;
                    bench.core.accept(
                        Box::new(Act::Read { marks: ReadMarks { user: head, staff: Seq::ZERO } }),
                        bench.now,
                    );
                    bench.proceed();
                }
                _ if bench.core.is_idle() => bench.core.remember(&[]),
                _ => {}
            }
        }
        bench.settle_all();
        bench.now += TimeDelta::seconds(2);
        bench.proceed();
        bench.settle_all();
        assert!(bench.core.is_idle(), "seed {seed}");
        assert_eq!(bench.told.len(), replies as usize, "seed {seed}: every reply is told");
        let ids: HashSet<_> = bench.stored.iter().map(|message| message.client_id).collect();
        assert_eq!(ids.len(), bench.stored.len(), "seed {seed}: a client id is stored once");
        let dense: Vec<_> =
            (1..=i64::try_from(bench.stored.len()).unwrap()).map(|seq| Seq::new(seq).unwrap()).collect();
        assert_eq!(bench.published, dense, "seed {seed}: shown in order, each once");
        assert!(bench.stored.iter().all(|message| message.content != POISON), "seed {seed}");
    }
}
