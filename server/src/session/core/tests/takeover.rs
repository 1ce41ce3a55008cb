//! Claims, hand-backs, replies and visitors in random orders: the agent never speaks while a person has it.

use super::*;
use crate::domain::conversation::{EscalationRef, Person};
use crate::domain::deed::{Deed, What};
use crate::domain::escalation::Trigger;
use crate::domain::workflow::{AgentMessage, Outcome, Step};

impl Bench {
    fn fresh<T: From<Uuid>>(&mut self) -> T {
        self.ids += 1;
        Uuid::from_u128(self.ids).into()
    }

    fn act(&mut self, reply: u32, what: What) {
        let by = Person { id: self.fresh(), name: "Ada".into() };
        self.change(reply, Change::Deed(Box::new(Deed { by, what })));
    }

    /// The end of a turn, as it would come from an agent that has not heard of anything since.
    fn ending(&mut self, (turn, owner_epoch): (i64, i64), hands_over: bool) -> Ending {
        let state = self.core.view.conversation.clone();
        let escalation = hands_over
            .then(|| Escalation::new(self.fresh(), state.workspace, state.id, Trigger::HumanOnly, self.now));
        let records = Records::of_abandoned(&state, turn, Outcome::Resolved, self.fresh(), self.now);
        Ending {
            turn,
            owner_epoch,
            said: Some(AgentMessage { agent: "a".to_owned(), content: "reply".to_owned(), citations: None }),
            step: Step::Finish,
            awaiting: None,
            memory: None,
            escalation,
            records: Box::new(records),
        }
    }

    fn conclude(&mut self, ending: Ending) {
        self.core.accept(Box::new(Act::Conclude(ending)), self.now);
        self.proceed();
    }

    fn markers(&self, kind: &str) -> usize {
        self.stored.iter().filter(|message| marker(message) == Some(kind)).count()
    }
}

fn marker(message: &Message) -> Option<&str> {
    message.metadata.as_ref()?["marker"].as_str()
}

#[test]
fn a_takeover_ends_the_turn_and_its_late_reply_is_worth_nothing() {
    let mut bench = Bench::with_agent();
    bench.say(1, 1, "a question");
    bench.settle();
    let thinking = bench.thinking.unwrap();
    let ending = bench.ending(thinking, false);
    bench.act(2, What::TakeOver(Uuid::from_u128(9).into()));
    // It ends while the takeover is on its way to disk.
    bench.conclude(ending);
    let write = bench.in_flight.as_ref().unwrap();
    assert!(write.records.is_some() && write.audit.is_some() && write.escalation.is_some());
    bench.settle_all();
    assert_eq!(bench.thinking, None, "abandoned");
    let roles: Vec<_> = bench.stored.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::System]);
}

#[test]
fn a_reply_that_was_first_stands_before_the_marker() {
    let mut bench = Bench::with_agent();
    bench.say(1, 1, "a question");
    bench.settle();
    let ending = bench.ending(bench.thinking.unwrap(), false);
    bench.conclude(ending);
    bench.act(2, What::TakeOver(Uuid::from_u128(9).into()));
    bench.settle_all();
    let roles: Vec<_> = bench.stored.iter().map(|message| message.role).collect();
    assert_eq!(roles, [Role::User, Role::Assistant, Role::System]);
}

#[test]
fn after_a_hand_back_only_what_is_said_then_is_answered() {
    let mut bench = Bench::with_agent();
    bench.act(1, What::TakeOver(Uuid::from_u128(9).into()));
    bench.settle_all();
    bench.say(2, 2, "to the person");
    bench.settle_all();
    bench.act(3, What::Release { id: Uuid::from_u128(9).into(), hand_back: true });
    bench.settle_all();
    assert_eq!(bench.thinking, None, "nothing was asked of the agent");
    bench.say(4, 4, "to the agent");
    bench.settle_all();
    let open = *bench.core.view.conversation.open_turn().unwrap();
    assert_eq!((open.from, open.upto), (Seq::new(4).unwrap(), Seq::new(4).unwrap()));
    assert!(bench.thinking.is_some());
}

#[test]
fn staff_do_not_speak_while_the_agent_answers() {
    let mut bench = Bench::with_agent();
    bench.say_as(Role::Staff, 1, 1, "hi");
    bench.settle_all();
    assert!(matches!(&bench.told[&1], Err(Refusal::AgentAnswers(_))));
    bench.act(2, What::TakeOver(Uuid::from_u128(9).into()));
    bench.say_as(Role::Staff, 3, 3, "hi");
    bench.settle_all();
    assert_eq!(bench.receipt(3).seq.get(), 2, "after the marker");
}

#[test]
fn ten_thousand_orders_keep_person_and_agent_apart() {
    for seed in 0..10_000 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut bench = Bench::with_agent();
        let (mut reply, mut said, mut taking) = (0, Vec::new(), Vec::new());
        // Endings of any age, as they may come in late.
        let mut endings = Vec::new();
        for _ in 0..40 {
            if let Some(thinking) = bench.thinking.filter(|_| dice.random()) {
                let hands_over = dice.random_ratio(1, 4);
                let ending = bench.ending(thinking, hands_over);
                endings.push(ending);
            }
            reply += 1;
            let open = bench.core.view.conversation.escalation.as_ref().map(|open| open.id);
            let open = open.unwrap_or_else(|| Uuid::from_u128(7).into());
            match dice.random_range(0..16) {
                0..4 => {
                    bench.say(reply, u128::from(reply), "visitor");
                    said.push(reply);
                }
                4..8 => {
                    bench.settle();
                    reply -= 1;
                }
                8..11 if !endings.is_empty() => {
                    let ending = endings.swap_remove(dice.random_range(0..endings.len()));
                    bench.conclude(ending);
                    reply -= 1;
                }
                11 => {
                    bench.act(reply, What::Claim(open));
                    taking.push(reply);
                }
                12 => {
                    let fresh = bench.fresh();
                    bench.act(reply, What::TakeOver(fresh));
                    taking.push(reply);
                }
                13 => bench.act(reply, What::Release { id: open, hand_back: dice.random() }),
                14 => {
                    let resolution = "done".to_owned();
                    bench.act(reply, What::Resolve { id: open, resolution, reopen_ai: dice.random() });
                }
                15 => {
                    let id = bench.fresh();
                    let state = bench.core.view.conversation.clone();
                    let escalation =
                        Escalation::new(id, state.workspace, state.id, Trigger::UserRequest, bench.now);
                    let change = Change::Escalate(EscalationRef { id, status: escalation.status });
                    let act = Act::Change { change, escalation: Some(escalation), reply: Some(reply) };
                    bench.core.accept(Box::new(act), bench.now);
                    bench.proceed();
                }
                _ => reply -= 1,
            }
        }
        bench.settle_all();
        let mut held = false;
        for message in &bench.stored {
            match marker(message) {
                Some("taken") => {
                    assert!(!held, "seed {seed}: taken from nobody");
                    held = true;
                }
                Some(_) => held = false,
                None => assert!(!held || message.role != Role::Assistant, "seed {seed}: {:?}", bench.stored),
            }
        }
        assert_eq!(bench.told.len(), reply as usize, "seed {seed}: every reply is told once");
        for reply in said {
            let receipt = bench.receipt(reply);
            let at = usize::try_from(receipt.seq.get() - 1).unwrap();
            assert_eq!(bench.stored[at].id, receipt.id, "seed {seed}: no message is lost");
        }
        let winners = taking.iter().filter(|reply| bench.told[*reply].is_ok()).count();
        assert_eq!(winners, bench.markers("taken"), "seed {seed}: one winner each");
    }
}
