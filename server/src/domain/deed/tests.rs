//! Who may do what with a conversation, and what it changes.

use switchboard_protocol::ids::ConversationId;

use super::*;
use crate::domain::conversation::Change;

fn person(name: &str) -> Person {
    Person { id: Uuid::from_u128(name.len() as u128), name: name.into() }
}

fn at() -> Timestamp {
    Timestamp::from_timestamp(1_800_000_000, 0).unwrap()
}

fn conversation() -> Conversation {
    let id = ConversationId::from(Uuid::from_u128(1));
    Conversation::fresh(id, Uuid::from_u128(2).into(), Uuid::from_u128(3).into(), at()).answered_by_ai()
}

fn id(number: u128) -> EscalationId {
    Uuid::from_u128(number).into()
}

fn done(state: &Conversation, by: &str, what: What) -> Consequence {
    state.after(&Deed { by: person(by), what }, true, at()).unwrap().unwrap()
}

fn asked() -> Conversation {
    let status = escalation::Status::Pending;
    let state = conversation();
    state.next(at(), |next| {
        next.status = Status::Waiting;
        next.owner = Owner::None;
        next.escalation = Some(EscalationRef { id: id(7), status });
    })
}

#[test]
fn nobody_claims_what_somebody_has() {
    let state = done(&asked(), "Ada", What::Claim(id(7))).state;
    assert_eq!((state.status, state.owner, state.owner_epoch), (Status::WithStaff, Owner::Staff, 1));
    for by in ["Ada", "Grace"] {
        let again = Deed { by: person(by), what: What::Claim(id(7)) };
        assert_eq!(state.after(&again, true, at()).unwrap_err(), Lost, "{by}");
    }
    let other = Deed { by: person("Grace"), what: What::TakeOver(id(9)) };
    assert_eq!(state.after(&other, true, at()).unwrap_err(), Lost);
    let same = Deed { by: person("Ada"), what: What::TakeOver(id(9)) };
    assert!(state.after(&same, true, at()).unwrap().is_none(), "has it already");
}

#[test]
fn a_takeover_without_an_escalation_begins_one() {
    let taken = done(&conversation(), "Ada", What::TakeOver(id(9)));
    let begun = taken.begun.unwrap();
    assert_eq!((begun.trigger, begun.status), (Trigger::StaffTakeover, escalation::Status::InProgress));
    assert_eq!(taken.state.escalation.unwrap().id, id(9));
    assert!(taken.advance.is_none());
    assert_eq!(taken.marker.unwrap().text, "Ada has joined the conversation.");
}

#[test]
fn a_release_goes_to_the_agent_or_back_into_the_queue() {
    let state = done(&asked(), "Ada", What::Claim(id(7))).state;
    let back = done(&state, "Ada", What::Release { id: id(7), hand_back: true });
    assert_eq!((back.state.status, back.state.owner, back.state.owner_epoch), (Status::Active, Owner::Ai, 2));
    assert_eq!(back.advance.unwrap().status, escalation::Status::Resolved);
    let queued = done(&state, "Ada", What::Release { id: id(7), hand_back: false });
    assert_eq!((queued.state.status, queued.state.owner), (Status::Waiting, Owner::None));
    let advance = queued.advance.unwrap();
    assert_eq!((advance.status, advance.assignee), (escalation::Status::Pending, None));
    let alone = Deed { by: person("Ada"), what: What::Release { id: id(7), hand_back: true } };
    let alone = state.after(&alone, false, at()).unwrap().unwrap();
    assert_eq!(alone.state.owner, Owner::None, "nobody to hand back to");
}

#[test]
fn what_is_resolved_is_done_with() {
    let resolve = |reopen_ai| What::Resolve { id: id(7), resolution: "done".to_owned(), reopen_ai };
    let state = done(&asked(), "Ada", What::Claim(id(7))).state;
    let open = done(&state, "Ada", resolve(true)).state;
    assert_eq!((open.status, open.owner, open.assignee), (Status::Active, Owner::Ai, None));
    let resolved = done(&state, "Grace", resolve(false));
    assert_eq!((resolved.state.status, resolved.state.owner), (Status::Resolved, Owner::None));
    assert_eq!(resolved.advance.unwrap().assignee, Some(person("Ada")), "the one who had it");
    for what in [resolve(false), What::Claim(id(7)), What::Assign(id(7), person("Ada"))] {
        let deed = Deed { by: person("Ada"), what };
        assert_eq!(resolved.state.after(&deed, true, at()).unwrap_err(), Lost);
    }
}

#[test]
fn an_escalation_outlives_its_conversation() {
    let closed = asked().changed(&Change::Close, true, at()).unwrap().unwrap().state;
    let taken = done(&closed, "Ada", What::Claim(id(7)));
    assert_eq!((taken.state.status, taken.state.owner, taken.marker), (Status::Closed, Owner::None, None));
    assert_eq!(taken.advance.unwrap().status, escalation::Status::InProgress);
    let over = Deed { by: person("Ada"), what: What::TakeOver(id(9)) };
    assert_eq!(closed.after(&over, true, at()).unwrap_err(), Lost);
}

#[test]
fn being_notified_happens_once_and_only_to_what_waits() {
    let notified = asked().notified(id(7), at()).unwrap();
    assert_eq!(notified.advance.unwrap().status, escalation::Status::Notified);
    assert!(notified.state.notified(id(7), at()).is_none());
    assert!(asked().notified(id(8), at()).is_none());
}
