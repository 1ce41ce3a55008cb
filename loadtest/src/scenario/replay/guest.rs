//! One visitor who says what the script says, thinking before each message as long as a person would.

use std::sync::Arc;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::line::{Line, Pass};
use super::{Network, Stage};
use crate::client::CallError;
use crate::transcript::Transcript;
use crate::view::Fault;

/// Reading what was said, and typing a character.
const READING: Duration = Duration::from_millis(1500);
const TYPING: Duration = Duration::from_millis(60);

/// How long a phone sleeps, and how long a dropped connection stays away, at most.
const SLEEP: Duration = Duration::from_secs(40);
const AWAY: Duration = Duration::from_secs(3);

/// One pause in so many is one in which the phone sleeps.
const SLEEPS: u32 = 5;

pub struct Guest {
    stage: Arc<Stage>,
    nth: u32,
    network: Network,
    line: Line,
    script: Vec<String>,
    tabs: JoinSet<Transcript>,
}

/// What a visitor leaves behind.
pub struct Visit {
    pub network: Network,
    pub pass: Pass,
    pub nth: u32,
    pub log: Transcript,
    /// What its second tab saw.
    pub tab: Option<Transcript>,
    pub turns: Vec<Turn>,
    /// Messages that the script holds.
    pub scripted: u64,
}

/// A message of the visitor, and what came of it while the visitor waited.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    pub seq: u64,
    /// The agent answered here, and owed no other answer.
    pub is_clean: bool,
    pub is_answered: bool,
}

impl Guest {
    pub fn new(stage: Arc<Stage>, nth: u32, network: Network, dice: StdRng, script: Vec<String>) -> Self {
        let line = Line::new(stage.clone(), nth, network, dice, Pass::default());
        Self { stage, nth, network, line, script, tabs: JoinSet::new() }
    }

    pub async fn visit(mut self) -> Visit {
        let (leave, left) = watch::channel(false);
        let mut turns = Vec::new();
        if let Err(error) = self.converse(&mut turns, &left).await {
            let nth = self.nth;
            self.line.log.faults.add(Fault::of(&error), format!("visitor {nth} gave up: {error}"));
        }
        leave.send_replace(true);
        let tab = self.tabs.join_next().await.and_then(Result::ok);
        Visit {
            network: self.network,
            pass: self.line.pass,
            nth: self.nth,
            log: self.line.log,
            tab,
            turns,
            scripted: self.script.len() as u64,
        }
    }

    async fn converse(
        &mut self,
        turns: &mut Vec<Turn>,
        left: &watch::Receiver<bool>,
    ) -> Result<(), CallError> {
        self.line.connect().await?;
        let (mut owes_nothing, mut is_late) = (true, false);
        for content in std::mem::take(&mut self.script) {
            self.think(&content).await?;
            let due = Instant::now();
            let is_clean = owes_nothing && self.line.is_with_agent();
            let seq = self.line.say(&content, due).await?;
            if self.network == Network::Tabs && self.tabs.is_empty() {
                let dice = self.line.dice.clone();
                let tab =
                    Line::new(self.stage.clone(), self.nth, Network::Fine, dice, self.line.pass.clone());
                self.tabs.spawn(watch_along(tab, left.clone()));
            }
            let is_answered = self.line.await_reply(seq).await?;
            if is_answered {
                self.stage.replied.record(due.elapsed());
            }
            // What was waited for in vain may come later, and would be taken for the next reply.
            is_late |= !is_answered && self.line.is_with_agent();
            owes_nothing = is_answered && !is_late;
            turns.push(Turn { seq, is_clean, is_answered });
            self.script.push(content);
        }
        self.line.settle().await
    }

    /// The time in which a person reads, thinks and types; what happens to the connection meanwhile.
    async fn think(&mut self, content: &str) -> Result<(), CallError> {
        let typing = TYPING * u32::try_from(content.chars().count()).unwrap_or(u32::MAX);
        let (luck, chance) = (self.line.dice.random_range(0.5..1.5), self.line.dice.random::<f64>());
        let time = self.shortened((READING + typing).mul_f64(luck));
        let end = Instant::now() + time;
        match self.network {
            Network::Drops => {
                self.line.listen(Instant::now() + time.mul_f64(chance)).await?;
                self.line.lose();
                sleep(self.shortened(AWAY.mul_f64(chance))).await;
            }
            Network::Asleep if self.line.dice.random_ratio(1, SLEEPS) => {
                sleep(self.shortened(SLEEP.mul_f64(chance))).await;
                // It wakes on another network; its old connection is dead without knowing it.
                self.line.lose();
            }
            _ => {}
        }
        self.line.listen(end).await?;
        self.line.connect().await
    }

    fn shortened(&self, time: Duration) -> Duration {
        time.div_f64(self.stage.speed)
    }
}

/// The second tab: it only looks, until the first one has left, and must have seen the same.
async fn watch_along(mut tab: Line, mut left: watch::Receiver<bool>) -> Transcript {
    let watched = async {
        while !*left.borrow_and_update() {
            tab.connect().await?;
            tab.listen(Instant::now() + Duration::from_millis(200)).await?;
        }
        tab.settle().await
    };
    let watched: Result<(), CallError> = watched.await;
    if let Err(error) = watched {
        tab.log.faults.add(Fault::of(&error), format!("a second tab: {error}"));
    }
    tab.log
}
