//! People who talk all at once and never give up: each keeps several messages in flight, comes back by itself
//! when the connection is lost, and sends again what was never acknowledged. The tests of failures break things
//! under a crowd, and then hold what everyone was told against the database.
//!
//! Invariant: every frame is checked as it comes. A gap, a repeat, a disorder, or an error other than
//! `unavailable` ends the test.

use std::net::SocketAddr;
use std::sync::Arc;

use switchboard_tests::prelude::*;
use tokio::sync::watch;
use tokio::task::JoinSet;

use self::talker::Talker;

mod talker;

pub(crate) const TESTS: &[Test] = tests![everyone_and_the_database_tell_the_same_story];

async fn everyone_and_the_database_tell_the_same_story(world: World) -> Result<()> {
    world.without_limits();
    world.start().await?;
    let mut crowd = Crowd::gather(&world, 4, 2).await?;
    crowd.acknowledged(500).await?;
    let people = crowd.hush().await?;
    ensure!(people.iter().all(|talker| talker.opened == 1 && talker.refused == 0), "nothing went wrong");
    check(people, async |select| world.rows(&select).await).await
}

/// Those who talk, and what is known of them as a whole.
pub(crate) struct Crowd {
    board: Arc<Board>,
    tabs: JoinSet<Result<Talker>>,
}

/// What the talkers and the test tell one another.
struct Board {
    address: watch::Sender<SocketAddr>,
    hushed: watch::Sender<bool>,
    acknowledged: watch::Sender<u64>,
    refused: watch::Sender<u64>,
    warned: watch::Sender<u64>,
}

impl Crowd {
    /// So many people begin to talk, each in a conversation of their own; the first `with_two_tabs` of them in
    /// two tabs at once.
    pub(crate) async fn gather(world: &World, people: usize, with_two_tabs: usize) -> Result<Self> {
        let board = Arc::new(Board {
            address: watch::Sender::new(world.address()),
            hushed: watch::Sender::new(false),
            acknowledged: watch::Sender::new(0),
            refused: watch::Sender::new(0),
            warned: watch::Sender::new(0),
        });
        let mut tabs = JoinSet::new();
        for person in 0..people {
            let first = Talker::arrive(world.address(), &format!("{person}a")).await?;
            if person < with_two_tabs {
                let second = first.tab(&format!("{person}b")).await?;
                tabs.spawn(second.talk(Arc::clone(&board)));
            }
            tabs.spawn(first.talk(Arc::clone(&board)));
        }
        Ok(Self { board, tabs })
    }

    /// How many messages have been acknowledged so far.
    pub(crate) fn count(&self) -> u64 {
        *self.board.acknowledged.borrow()
    }

    /// Waits until so many more messages have been acknowledged.
    pub(crate) async fn acknowledged(&mut self, more: u64) -> Result<()> {
        let target = self.count() + more;
        let counter = self.board.acknowledged.subscribe();
        self.reaches(counter, target, "acknowledgements").await
    }

    /// Waits until so many more messages have been answered with `unavailable`.
    pub(crate) async fn refused(&mut self, more: u64) -> Result<()> {
        let counter = self.board.refused.subscribe();
        let target = *counter.borrow() + more;
        self.reaches(counter, target, "refusals").await
    }

    /// Waits until so many tabs have been told that the server is draining.
    pub(crate) async fn warned(&mut self, tabs: u64) -> Result<()> {
        let counter = self.board.warned.subscribe();
        self.reaches(counter, tabs, "warnings of the drain").await
    }

    /// From now on everyone who comes back comes here.
    pub(crate) fn move_to(&self, address: SocketAddr) {
        self.board.address.send_replace(address);
    }

    /// Nobody begins anything new; gives everyone back once all that they said is acknowledged.
    pub(crate) async fn hush(mut self) -> Result<Vec<Talker>> {
        self.board.hushed.send_replace(true);
        let mut people = Vec::new();
        while let Some(done) = self.tabs.join_next().await {
            people.push(done??);
        }
        Ok(people)
    }

    async fn reaches(&mut self, mut counter: watch::Receiver<u64>, target: u64, of: &str) -> Result<()> {
        let at = *counter.borrow();
        let what = format!("{} more {of} (so far {at})", target.saturating_sub(at));
        let reached = within(&what, async { Ok(counter.wait_for(|now| *now >= target).await.map(|_| ())?) });
        tokio::select! {
            reached = reached => reached,
            // Nobody ends before the hush but by an error.
            Some(ended) = self.tabs.join_next() => {
                ended??;
                bail!("somebody fell silent")
            }
        }
    }
}

/// Holds what everyone was told against what is stored: each message that was said is there once, under the
/// number and the id of its acknowledgement, the numbers are dense, and every tab saw all of it.
pub(crate) async fn check(
    mut people: Vec<Talker>,
    rows: impl AsyncFn(String) -> Result<Vec<Value>>,
) -> Result<()> {
    let mut said = 0;
    for at in 0..people.len() {
        let conversation = people[at].conversation.clone();
        let stored = stored(&conversation, &rows).await?;
        let head = u64::try_from(stored.len())?;
        let talker = &mut people[at];
        talker.read_to(head).await?;
        talker.saw_exactly(&stored)?;
        talker.was_told_the_truth(&stored)?;
        said += talker.said();
        // One of a tab, the other of the person's other tab.
        let all: u64 = people.iter().filter(|tab| tab.conversation == conversation).map(Talker::said).sum();
        ensure!(all == head, "{all} messages were said in {conversation}, and {head} are stored");
    }
    ensure!(said > 0, "somebody said something");
    Ok(())
}

/// The messages of a conversation as they stand in the database; fails unless their numbers are dense.
pub(crate) async fn stored(
    conversation: &str,
    rows: &impl AsyncFn(String) -> Result<Vec<Value>>,
) -> Result<Vec<Value>> {
    let select = format!(
        "select seq, id, client_id, content from messages where conversation_id = '{conversation}' order by seq"
    );
    let messages = rows(select).await?;
    for (due, message) in (1_u64..).zip(&messages) {
        ensure!(message["seq"] == due, "the stored log is not dense: {due} was due at {message}");
    }
    Ok(messages)
}
