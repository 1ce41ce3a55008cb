//! The core with a journal: what it acknowledges while the database is away comes to its end once.

use super::*;

impl Bench {
    /// Looks at what waits, as the actor does.
    fn journal(&mut self, is_away: bool) {
        let effects = self.core.journal(is_away, self.now);
        self.carry_out(effects);
    }

    /// Lets the journal answer.
    fn answer(&mut self, are_kept: bool) {
        let Some(appended) = self.appending.take() else { return };
        if are_kept {
            self.kept.extend(appended);
        }
        let effects = self.core.journaled(are_kept);
        self.carry_out(effects);
    }

    /// What has come to its end; fails where the journal never held it.
    fn ends(&mut self) -> Vec<End> {
        let ends = self.core.take_ends();
        for end in &ends {
            let client_id = match end {
                End::Stored(client_id) | End::Known(client_id, ..) => *client_id,
                End::Rejected(entry, _) | End::Displaced(entry) => entry.draft.client_id,
            };
            assert!(self.kept.remove(&client_id), "{client_id} is not held");
        }
        ends
    }

    fn is_journaled(&self, reply: u32, twice: bool) -> bool {
        matches!(self.told[&reply], Ok(Answer::Journaled { duplicate, .. }) if duplicate == twice)
    }
}

#[test]
fn what_is_said_while_the_database_is_away_is_acknowledged_once_it_is_kept() {
    let mut bench = Bench::new();
    let accepted = bench.now;
    bench.say(1, 1, "on its way");
    bench.say(2, 2, "behind it");
    bench.journal(true);
    assert!(bench.told.is_empty(), "not before it is on disk");
    bench.answer(true);
    assert!(bench.is_journaled(1, false) && bench.is_journaled(2, false));
    bench.now += TimeDelta::seconds(60);
    let late = bench.core.expire(bench.now);
    bench.carry_out(late);
    bench.settle_all();
    assert_eq!(bench.published.len(), 2);
    assert!(bench.stored.iter().all(|message| message.created_at == accepted), "said when it was accepted");
    assert!(matches!(bench.ends()[..], [End::Stored(_), End::Stored(_)]));
    bench.say(3, 2, "behind it");
    assert!(bench.receipt(3).duplicate);
    assert!(bench.core.is_idle());
}

#[test]
fn a_database_that_does_not_answer_is_away_after_a_while() {
    let mut bench = Bench::new();
    bench.say(1, 1, "hello");
    bench.journal(false);
    assert!(bench.appending.is_none());
    bench.now += TimeDelta::seconds(2);
    bench.journal(false);
    bench.answer(true);
    assert!(bench.is_journaled(1, false));
}

#[test]
fn a_repeat_of_what_is_held_gets_the_same_answer_and_other_content_is_refused() {
    let mut bench = Bench::new();
    bench.say(1, 1, "hello");
    bench.say(2, 1, "hello");
    bench.journal(true);
    bench.say(3, 1, "hello");
    bench.say(4, 1, "something else");
    bench.journal(true);
    bench.answer(true);
    assert!(bench.is_journaled(1, false) && bench.is_journaled(2, true) && bench.is_journaled(3, true));
    assert!(matches!(bench.told[&4], Err(Refusal::ReusedUnstored(_))));
    bench.say(5, 1, "hello");
    bench.journal(true);
    assert!(bench.is_journaled(5, true));
    bench.settle_all();
    assert_eq!(bench.stored.len(), 1);
    assert_eq!(bench.ends().len(), 1);
}

#[test]
fn a_commit_that_overtakes_the_journal_answers_with_a_number() {
    let mut bench = Bench::new();
    bench.say(1, 1, "hello");
    bench.journal(true);
    bench.say(2, 1, "hello");
    bench.journal(true);
    bench.settle_all();
    assert_eq!(bench.receipt(2), Receipt { duplicate: true, ..bench.receipt(1) });
    assert!(bench.ends().is_empty(), "nothing is let go of that may not be there yet");
    bench.answer(true);
    assert_eq!(bench.ends().len(), 1);
}

#[test]
fn what_the_journal_cannot_keep_is_not_acknowledged() {
    let mut bench = Bench::new();
    bench.say(1, 1, "on its way");
    bench.say(2, 2, "behind it");
    bench.journal(true);
    bench.answer(false);
    assert!(matches!(bench.told[&1], Err(Refusal::Unavailable)));
    assert!(matches!(bench.told[&2], Err(Refusal::Unavailable)));
    bench.settle_all();
    assert_eq!(bench.published.len(), 1, "what was never handed over is its sender's again");
    assert!(bench.ends().is_empty());
}

#[test]
fn what_cannot_be_stored_is_rejected_at_the_drain() {
    let mut bench = Bench::new();
    bench.say(1, 1, "first");
    bench.settle_all();
    // An earlier day's, of which nothing is remembered.
    bench.core.remember(&[]);
    bench.say(2, 2, "busy");
    bench.say(3, 1, "not what it was");
    bench.say(4, 4, POISON);
    bench.say(5, 5, "fine");
    bench.journal(true);
    bench.answer(true);
    bench.settle_all();
    let ends = bench.ends();
    assert_eq!(ends.len(), 4);
    assert!(ends.iter().any(|end| matches!(end, End::Rejected(entry, Refusal::Reused(_)) if entry.draft.content == "not what it was")));
    assert!(ends.iter().any(|end| matches!(end, End::Rejected(_, Refusal::Rejected(_)))));
    assert_eq!(bench.published.len(), 3);
}

#[test]
fn what_was_in_the_log_already_is_told_to_its_sender() {
    let mut bench = Bench::new();
    bench.say(1, 1, "first");
    bench.settle_all();
    bench.say(9, 9, "busy");
    bench.say(3, 1, "first");
    bench.journal(true);
    assert_eq!(
        bench.receipt(3),
        Receipt { duplicate: true, ..bench.receipt(1) },
        "what is remembered needs no journal"
    );
    bench.answer(true);
    bench.settle_all();
    bench.ends();
    bench.core.remember(&[]);
    bench.say(2, 1, "first");
    bench.journal(true);
    bench.answer(true);
    bench.settle_all();
    let ends = bench.ends();
    let [End::Known(_, Some(ConnectionId(2)), message)] = &ends[..] else { panic!("{ends:?}") };
    assert_eq!(*message, bench.stored[0]);
}

#[test]
fn another_writer_does_not_cost_what_is_held() {
    let mut bench = Bench::new();
    bench.say(1, 1, "on its way");
    bench.say(2, 2, "behind it");
    bench.journal(true);
    bench.answer(true);
    let effects = bench.core.settled(Outcome::Stale);
    bench.carry_out(effects);
    let ends = bench.ends();
    assert!(bench.gave_up && ends.len() == 2);
    let mut next = Bench::new();
    for end in ends {
        let End::Displaced(entry) = end else { panic!("{end:?}") };
        next.kept.insert(entry.draft.client_id);
        next.core.accept(Box::new(Act::Replay(entry)), next.now);
    }
    next.proceed();
    next.settle_all();
    let said: Vec<_> = next.stored.iter().map(|message| &*message.content).collect();
    assert_eq!(said, ["on its way", "behind it"]);
    assert_eq!(next.ends().len(), 2);
}

/// Any order of sends, repeats, outages, full disks and commits: each reply is told once, each client id is stored once,
/// and what the journal holds comes to its end once.
#[test]
fn every_order_with_a_journal_keeps_the_promises() {
    for seed in 0..3_000 {
        let mut dice = StdRng::seed_from_u64(seed);
        let mut bench = Bench::new();
        let mut replies = 0;
        for _ in 0..80 {
            bench.now += TimeDelta::milliseconds(dice.random_range(0..400));
            match dice.random_range(0..20) {
                0..8 => {
                    replies += 1;
                    let client = dice.random_range(0..30_u128);
                    let other = dice.random_ratio(1, 12);
                    let content = if client == 29 {
                        POISON.to_owned()
                    } else {
                        format!("{} of {client}", if other { "other" } else { "content" })
                    };
                    bench.say(replies, client, &content);
                }
                8..11 => bench.settle(),
                11..15 => bench.journal(dice.random()),
                15..18 => bench.answer(dice.random_ratio(4, 5)),
                18 => {
                    let effects = bench.core.expire(bench.now);
                    bench.carry_out(effects);
                }
                _ if bench.core.is_idle() => bench.core.remember(&[]),
                _ => {}
            }
            bench.ends();
        }
        while bench.in_flight.is_some() || bench.appending.is_some() {
            bench.settle_all();
            bench.answer(true);
            bench.journal(false);
            bench.proceed();
        }
        bench.ends();
        assert!(bench.kept.is_empty(), "seed {seed}: the journal holds {:?} for ever", bench.kept);
        assert!(bench.core.is_idle(), "seed {seed}");
        assert_eq!(bench.told.len(), replies as usize, "seed {seed}: every reply is told");
        let ids: HashSet<_> = bench.stored.iter().map(|message| message.client_id).collect();
        assert_eq!(ids.len(), bench.stored.len(), "seed {seed}: a client id is stored once");
        assert_eq!(bench.published.len(), bench.stored.len(), "seed {seed}: shown once");
    }
}
