//! Each way in which a conversation can be told wrongly, and the honest ways that look like it.

use uuid::Uuid;

use super::{Transcript, replies};
use crate::client::wire::Position;
use crate::client::wire::log::{Entered, Entry, Owner, Role, Standing, Stored};
use crate::view::{Fault, Faults};

fn entry(seq: u64, role: Role) -> Entry {
    Entry { id: Uuid::from_u128(seq.into()), seq, client_id: None, role, content: format!("text {seq}") }
}

fn own(seq: u64) -> Entry {
    Entry { client_id: Some(Uuid::from_u128(7)), content: "hello".into(), ..entry(seq, Role::User) }
}

fn entered(seq: u64, recovered: bool, messages: Vec<Entry>) -> Entered {
    Entered {
        token: String::new(),
        resume: None,
        conversation: Standing { conversation_id: Uuid::nil(), owner: Owner::Ai, version: 1 },
        position: Position { epoch: "1".into(), seq },
        recovered,
        messages,
    }
}

fn stored(seq: u64, duplicate: bool) -> Stored {
    Stored { id: Some(Uuid::from_u128(seq.into())), seq: Some(seq), duplicate, durability: "postgres".into() }
}

/// A conversation of which two messages were seen, and one of its own is under way.
fn begun() -> Transcript {
    let mut transcript = Transcript::default();
    transcript.entered(&entered(0, false, vec![]));
    transcript.told(entry(1, Role::System));
    transcript.told(entry(2, Role::Assistant));
    transcript.writing(Uuid::from_u128(7), "hello");
    transcript
}

fn found(transcript: &Transcript) -> Option<Fault> {
    [
        Fault::Missed,
        Fault::Doubled,
        Fault::Disordered,
        Fault::Altered,
        Fault::NotDurable,
        Fault::FalseRecovery,
        Fault::FalseLoss,
        Fault::Epoch,
    ]
    .into_iter()
    .find(|fault| transcript.faults.count(*fault) > 0)
}

#[test]
fn an_honest_conversation_has_no_fault() {
    let mut transcript = begun();
    transcript.acknowledged(Uuid::from_u128(7), &stored(3, false));
    transcript.told(entry(4, Role::Assistant));
    transcript.entered(&entered(5, true, vec![entry(5, Role::Staff)]));
    let history: Vec<Entry> = vec![
        entry(1, Role::System),
        entry(2, Role::Assistant),
        own(3),
        entry(4, Role::Assistant),
        entry(5, Role::Staff),
        entry(6, Role::System),
    ];
    transcript.against(&history, "the server");
    assert!(transcript.is_whole() && transcript.is_answered_after(3));
    assert_eq!(found(&transcript), None, "{:?}", transcript.faults);
}

#[test]
fn who_sends_again_may_be_told_and_answered() {
    for told_first in [false, true] {
        let mut transcript = begun();
        transcript.writing(Uuid::from_u128(7), "hello");
        if told_first {
            transcript.told(own(3));
            transcript.acknowledged(Uuid::from_u128(7), &stored(3, true));
        } else {
            transcript.acknowledged(Uuid::from_u128(7), &stored(3, true));
            transcript.told(own(3));
        }
        assert_eq!(found(&transcript), None, "{:?}", transcript.faults);
    }
}

#[test]
fn every_lie_is_noticed() {
    type Lie = fn(&mut Transcript);
    let lies: [(Fault, Lie); 11] = [
        (Fault::Missed, |it| it.told(entry(4, Role::Assistant))),
        (Fault::Doubled, |it| it.told(entry(2, Role::Assistant))),
        (Fault::Altered, |it| it.told(Entry { content: "other".into(), ..own(3) })),
        (Fault::Doubled, |it| it.acknowledged(Uuid::from_u128(7), &stored(3, true))),
        (Fault::Missed, |it| it.acknowledged(Uuid::from_u128(7), &stored(4, false))),
        (Fault::NotDurable, |it| {
            it.acknowledged(Uuid::from_u128(7), &Stored { durability: "journal".into(), ..stored(3, false) });
        }),
        (Fault::FalseRecovery, |it| it.entered(&entered(3, true, vec![]))),
        (Fault::FalseLoss, |it| it.entered(&entered(3, false, vec![own(3)]))),
        (Fault::Missed, |it| it.against(&[entry(1, Role::System)], "the server")),
        (Fault::Altered, |it| it.against(&[entry(1, Role::Staff), entry(2, Role::Assistant)], "the server")),
        (Fault::Doubled, |it| {
            let twice = [entry(1, Role::System), entry(2, Role::Assistant), own(3), own(4)];
            it.against(&twice, "the server");
        }),
    ];
    for (nth, (fault, lie)) in lies.into_iter().enumerate() {
        let mut transcript = begun();
        lie(&mut transcript);
        assert_eq!(found(&transcript), Some(fault), "lie {nth}: {:?}", transcript.faults);
    }
}

#[test]
fn a_secret_may_be_taken_out_and_nothing_else() {
    let mut transcript = begun();
    transcript.told(Entry { content: "my password is [secret removed]".into(), ..own(3) });
    assert_eq!(found(&transcript), None);
}

#[test]
fn a_second_reply_is_noticed() {
    let mut faults = Faults::default();
    let history = [own(1), entry(2, Role::Assistant), entry(3, Role::System), entry(4, Role::Assistant)];
    replies(&history[..3], &mut faults);
    assert!(faults.is_empty());
    replies(&history, &mut faults);
    assert_eq!(faults.count(Fault::Doubled), 1);
}
