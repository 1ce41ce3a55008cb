//! Each lie that a server can tell is told once, and must be caught under its right name.

use super::{Author, Fault, Resumed, View};
use crate::client::wire::{Conversation, Opened, Position, Row, Sent};

const AUTHOR: Author = Author { seed: 7 };

fn row(seq: u64) -> Row {
    Row { seq, client_id: Some(AUTHOR.client_id(seq)), content: String::new() }
}

fn opened(recovered: bool, head: u64, seqs: &[u64]) -> Opened {
    Opened {
        token: String::new(),
        resume: None,
        conversation: Conversation { conversation_id: uuid::Uuid::nil() },
        position: Position { epoch: "e".into(), seq: head },
        recovered,
        messages: seqs.iter().copied().map(row).collect(),
        has_more: false,
    }
}

fn view(head: u64) -> View {
    let seqs: Vec<u64> = (1..=head).collect();
    View::new(AUTHOR, &opened(false, head, &seqs))
}

fn sent(seq: u64) -> Sent<'static> {
    Sent { seq: Some(seq), duplicate: false, durability: "postgres" }
}

/// The faults of a view that `act` was done to and that ends at `last`, by name and count.
fn caught(head: u64, last: u64, act: impl FnOnce(&mut View)) -> Vec<(Fault, u64)> {
    let mut view = view(head);
    act(&mut view);
    let faults = view.close(last);
    let kinds = [
        Fault::Missed,
        Fault::Doubled,
        Fault::Disordered,
        Fault::Altered,
        Fault::NotDurable,
        Fault::FalseRecovery,
        Fault::FalseLoss,
        Fault::Epoch,
    ];
    kinds.into_iter().map(|kind| (kind, faults.count(kind))).filter(|(_, count)| *count > 0).collect()
}

#[test]
fn an_honest_server_has_no_faults() {
    let faults = caught(2, 8, |view| {
        view.acknowledged(&sent(3));
        view.created(4, row(4).client_id);
        assert!(matches!(view.resumed(6, opened(true, 7, &[5, 6, 7])), Resumed::Recovered));
        assert!(matches!(view.resumed(7, opened(true, 7, &[])), Resumed::Recovered));
        view.acknowledged(&sent(8));
    });
    assert_eq!(faults, []);
}

#[test]
fn a_lost_message_is_missed_in_the_middle_and_at_the_end() {
    let skip = |view: &mut View| view.created(2, row(2).client_id);
    assert_eq!(caught(0, 2, skip), [(Fault::Missed, 1)]);
    assert_eq!(caught(3, 4, |_| {}), [(Fault::Missed, 1)]);
}

#[test]
fn a_message_that_comes_again_is_doubled() {
    assert_eq!(caught(3, 3, |view| view.created(3, row(3).client_id)), [(Fault::Doubled, 1)]);
}

#[test]
fn two_that_changed_places_are_out_of_order_and_not_missed() {
    let swap = |view: &mut View| {
        view.created(2, row(2).client_id);
        view.created(1, row(1).client_id);
    };
    assert_eq!(caught(0, 2, swap), [(Fault::Disordered, 1)]);
}

#[test]
fn another_message_under_the_number_is_altered() {
    assert_eq!(caught(0, 1, |view| view.created(1, row(9).client_id)), [(Fault::Altered, 1)]);
    assert_eq!(caught(0, 1, |view| view.created(1, None)), [(Fault::Altered, 1)]);
}

#[test]
fn an_acknowledgement_must_be_the_next_number_and_in_postgres() {
    assert_eq!(caught(4, 6, |view| view.acknowledged(&sent(6))), [(Fault::Missed, 1)]);
    assert_eq!(caught(4, 4, |view| view.acknowledged(&sent(4))), [(Fault::Doubled, 1)]);
    let journal = Sent { durability: "journal", ..sent(5) };
    assert_eq!(caught(4, 5, |view| view.acknowledged(&journal)), [(Fault::NotDurable, 1)]);
    let duplicate = Sent { duplicate: true, ..sent(5) };
    assert_eq!(caught(4, 5, |view| view.acknowledged(&duplicate)), [(Fault::Doubled, 1)]);
}

#[test]
fn told_recovered_with_a_message_too_few_is_a_lie() {
    // One in the middle, one at the end that the position admits, one at the end that it hides.
    let middle = |view: &mut View| drop(view.resumed(5, opened(true, 5, &[3, 5])));
    assert_eq!(caught(2, 5, middle), [(Fault::Missed, 1), (Fault::FalseRecovery, 1)]);
    let admitted = |view: &mut View| drop(view.resumed(5, opened(true, 5, &[3, 4])));
    assert_eq!(caught(2, 5, admitted), [(Fault::Missed, 1), (Fault::FalseRecovery, 1)]);
    let hidden = |view: &mut View| drop(view.resumed(5, opened(true, 4, &[3, 4])));
    assert_eq!(caught(2, 5, hidden), [(Fault::Missed, 1), (Fault::FalseRecovery, 1)]);
}

#[test]
fn told_recovered_with_a_message_too_many_is_a_lie() {
    let again = |view: &mut View| drop(view.resumed(3, opened(true, 3, &[2, 3])));
    assert_eq!(caught(2, 3, again), [(Fault::Doubled, 1), (Fault::FalseRecovery, 1)]);
}

#[test]
fn told_recovered_in_part_is_a_lie() {
    let part = |view: &mut View| drop(view.resumed(3, Opened { has_more: true, ..opened(true, 3, &[3]) }));
    assert_eq!(caught(2, 3, part), [(Fault::FalseRecovery, 1)]);
}

#[test]
fn told_recovered_without_having_asked_is_a_lie() {
    let view = View::new(AUTHOR, &opened(true, 0, &[]));
    assert_eq!(view.close(0).count(Fault::FalseRecovery), 1);
}

#[test]
fn not_recovered_is_right_only_where_too_much_was_missed() {
    let near = |view: &mut View| {
        let Resumed::Fresh(rows) = view.resumed(3, opened(false, 3, &[1, 2, 3])) else { panic!() };
        view.rows(&rows);
    };
    assert_eq!(caught(2, 3, near), [(Fault::FalseLoss, 1)]);
    let far = |view: &mut View| {
        let Resumed::Fresh(rows) = view.resumed(400, opened(false, 400, &[399, 400])) else { panic!() };
        view.rows(&(3..=398).map(row).collect::<Vec<_>>());
        view.rows(&rows);
    };
    assert_eq!(caught(2, 400, far), []);
}

#[test]
fn a_fresh_page_must_reach_the_end() {
    let short = |view: &mut View| {
        let Resumed::Fresh(rows) = view.resumed(400, opened(false, 400, &[398, 399])) else { panic!() };
        view.rows(&(3..=397).map(row).collect::<Vec<_>>());
        view.rows(&rows);
    };
    assert_eq!(caught(2, 400, short), [(Fault::Missed, 2)]);
}

#[test]
fn another_epoch_is_told() {
    let other = Opened { position: Position { epoch: "f".into(), seq: 2 }, ..opened(true, 2, &[]) };
    assert_eq!(caught(2, 2, |view| drop(view.resumed(2, other))), [(Fault::Epoch, 1)]);
}
